//! Runs the built program in a folder of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_aureole");
/// Waiting longer is a failure. A demo load takes seconds without optimisation on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// What a command left behind.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A working directory, removed at the end.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn command(&self, args: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(PROGRAM);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AUREOLE_") {
                command.env_remove(name);
            }
        }
        command.args(args).envs(variables.iter().copied()).current_dir(self.0.path());
        command
    }

    pub fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        self.run_with(args, variables, "")
    }

    fn run_with(&self, args: &[&str], variables: &[(&str, &str)], input: &str) -> Ran {
        let mut command = self.command(args, variables);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // The program may end without having read it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs what has to work, and returns what it printed.
    pub fn ok(&self, args: &[&str]) -> String {
        self.ok_with(args, "")
    }

    pub fn ok_with(&self, args: &[&str], input: &str) -> String {
        let ran = self.run_with(args, &[], input);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        ran.out
    }

    /// Makes an application that may do everything, in the database that `more` names, if it does.
    pub fn application(&self, id: &str, secret: &str, more: &[&str]) {
        let make =
            ["application", "create", "--name", "A", "--client-id", id, "--client-secret", secret];
        self.ok(&[&make[..], more].concat());
    }

    /// Runs what has to fail with one line that says `part`.
    pub fn fails(&self, args: &[&str], variables: &[(&str, &str)], code: i32, part: &str) -> Ran {
        let ran = self.run(args, variables);
        assert_eq!(ran.code, code, "{args:?} {variables:?}: {}", ran.err);
        assert!(
            ran.err.starts_with("aureole: ") && ran.err.contains(part),
            "{args:?}: {}",
            ran.err
        );
        assert_eq!((ran.err.lines().count(), ran.out.as_str()), (1, ""), "{args:?}: {}", ran.err);
        ran
    }
}

/// A program that serves.
pub struct Server {
    child: Child,
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    pub url: String,
}

impl Server {
    /// Starts `aureole serve` and waits until it is ready.
    pub fn start(folder: &Folder, args: &[&str], variables: &[(&str, &str)]) -> Server {
        let mut server = Server::launch(folder, args, variables);
        let started = Instant::now();
        loop {
            let said = server.said();
            if let Some((_, rest)) = said.split_once("aureole listening on ")
                && let Some((url, _)) = rest.split_once('\n')
            {
                server.url = url.to_owned();
                return server;
            }
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none() && started.elapsed() < LIMIT, "not ready: {said}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts `aureole serve` and does not wait.
    pub fn launch(folder: &Folder, args: &[&str], variables: &[(&str, &str)]) -> Server {
        let mut command = folder.command(&[&["serve"], args].concat(), variables);
        let piped = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let err = child.stderr.take().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let reader = {
            let said = Arc::clone(&said);
            std::thread::spawn(move || {
                let mut err = BufReader::new(err);
                let mut line = String::new();
                while err.read_line(&mut line).is_ok_and(|read| read > 0) {
                    said.lock().unwrap().push_str(&line);
                    line.clear();
                }
            })
        };
        Server { child, said, reader: Some(reader), url: String::new() }
    }

    /// What it wrote to the standard error so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Sends a signal, waits for the end and returns the exit code.
    pub fn stop(mut self, signal: &str) -> i32 {
        self.end(signal)
    }

    /// Sends a signal and returns all that the program wrote.
    pub fn stop_and_read(mut self, signal: &str) -> String {
        assert_eq!(self.end(signal), 0);
        self.said()
    }

    /// Waits for the end and returns the exit code.
    pub fn wait(mut self) -> i32 {
        self.ended()
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(kill.unwrap().success());
    }

    fn end(&mut self, signal: &str) -> i32 {
        self.signal(signal);
        self.ended()
    }

    fn ended(&mut self) -> i32 {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < LIMIT, "did not stop: {}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status.code().unwrap_or(-1)
    }

    /// An access token of an application.
    pub fn token(&self, id: &str, secret: &str) -> String {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let reply = curl(&["-d", &form, &format!("{}/auth/token", self.url)]);
        let reply: Value = serde_json::from_str(&reply).unwrap();
        match reply["access_token"].as_str() {
            Some(token) => token.to_owned(),
            None => panic!("{id}: {reply}"),
        }
    }

    /// `GET /api/PATH`.
    pub fn get(&self, token: &str, path: &str) -> Value {
        let bearer = format!("Authorization: Bearer {token}");
        let reply = curl(&["-H", &bearer, &format!("{}/api/{path}", self.url)]);
        serde_json::from_str(&reply).unwrap_or_else(|_| panic!("{path}: {reply}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What curl prints.
pub fn curl(args: &[&str]) -> String {
    let output =
        Command::new("curl").args(["-sS", "--max-time", "30"]).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What the commands print when a shell runs them.
pub fn shell(commands: &str) -> String {
    let output = Command::new("sh").args(["-c", commands]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Waits for something that happens soon.
pub fn wait_until(happened: impl Fn() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < LIMIT, "waited in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}
