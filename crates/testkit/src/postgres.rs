//! A throw-away PostgreSQL cluster for tests.
//!
//! Tests call [`Cluster::shared`]; it takes the server in `AUREOLE_TEST_POSTGRES` when the test
//! script has started one (`test-postgres start DIR`), and otherwise starts its own, which ends
//! with the test process. Nothing survives a crash there: durability is off.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// URL of a running server, up to and without the name of a database is enough:
/// `postgres://postgres@127.0.0.1:5432`.
pub const URL_VARIABLE: &str = "AUREOLE_TEST_POSTGRES";

/// The user that runs the server when the tests run as root, which PostgreSQL refuses.
const SYSTEM_USER: &str = "postgres";

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    /// Without the name of a database.
    server: String,
    /// `psql`
    client: PathBuf,
}

impl Cluster {
    /// The cluster of this test process, started at the first call. The error says what is missing.
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        SHARED.get_or_init(Self::find_or_start).as_ref().map_err(Clone::clone)
    }

    fn find_or_start() -> Result<Self, String> {
        if let Some(url) = std::env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty()) {
            return Self::at(&url);
        }
        let folder = std::env::temp_dir().join(format!("aureole-postgres-{:016x}", random()));
        let cluster = Self::start(&folder)?;
        stop_after_this_process(&folder)?;
        Ok(cluster)
    }

    /// A server that runs already.
    fn at(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("a server URL starts with postgres://")?;
        let place = rest.split(['/', '?']).next().unwrap_or_default();
        Ok(Self { server: format!("{scheme}://{place}"), client: binaries()?.join("psql") })
    }

    /// Makes a cluster in `folder`, which must not exist, and starts it.
    pub fn start(folder: &Path) -> Result<Self, String> {
        let binaries = binaries()?;
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        if is_root() {
            run(Command::new("chown").arg(SYSTEM_USER).arg(folder))?;
        }
        let data = folder.join("data");
        let mut init = as_server_user(&binaries.join("initdb"));
        init.arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]);
        // A language's order by default, as on a user's server: what must not depend on it says so.
        init.args(["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en"]);
        run(&mut init)?;

        let port = free_port()?;
        let options = format!(
            "-p {port} -k {} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off \
             -c synchronous_commit=off -c max_connections=300 -c shared_buffers=64MB \
             -c autovacuum=off",
            folder.display()
        );
        let mut start = as_server_user(&binaries.join("pg_ctl"));
        start.arg("start").arg("-w").arg("-D").arg(&data).arg("-l").arg(folder.join("log"));
        run(start.arg("-o").arg(options))?;
        Self::at(&format!("postgres://postgres@127.0.0.1:{port}"))
    }

    /// Stops the cluster in `folder` and removes the folder.
    pub fn stop(folder: &Path) -> Result<(), String> {
        let mut stop = as_server_user(&binaries()?.join("pg_ctl"));
        run(stop.args(["stop", "-m", "immediate", "-D"]).arg(folder.join("data")))?;
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
    }

    /// The server's URL without the name of a database.
    pub fn url(&self) -> &str {
        &self.server
    }

    /// Makes an empty database with a name of its own and returns its URL.
    ///
    /// # Panics
    /// When the server refuses: there is nothing a test could do about it.
    pub fn create_database(&self) -> String {
        let name = format!("test_{:016x}", random());
        let mut create = Command::new(&self.client);
        create.arg("--no-psqlrc").arg("-qc").arg(format!("CREATE DATABASE {name}"));
        if let Err(error) = run(create.arg(format!("{}/postgres", self.server))) {
            panic!("no test database: {error}");
        }
        format!("{}/{name}", self.server)
    }
}

/// The folder with `initdb`, `pg_ctl` and `psql`: the newest of Debian's, else the one in PATH.
fn binaries() -> Result<PathBuf, String> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = debian.filter(|folder| folder.join("initdb").is_file()).collect();
    found.sort();
    found
        .pop()
        .or_else(|| std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file()))
        .ok_or_else(|| {
            format!("PostgreSQL is not installed: install it, or set {URL_VARIABLE} to a server")
        })
}

fn as_server_user(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", SYSTEM_USER, "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // The current folder may be closed to that user.
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

fn run(command: &mut Command) -> Result<(), String> {
    // A file and no pipe: the server would keep the pipe open.
    let said = std::env::temp_dir().join(format!("aureole-postgres-{:016x}.out", random()));
    let file = fs::File::create(&said).map_err(|error| format!("{}: {error}", said.display()))?;
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).status();
    let text = fs::read_to_string(&said).unwrap_or_default();
    let _ = fs::remove_file(&said);
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}: {}", text.trim())),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

/// A test process may be killed, and statics are never dropped: a shell outlives it to clean up.
fn stop_after_this_process(folder: &Path) -> Result<(), String> {
    let stop = as_server_user(&binaries()?.join("pg_ctl"));
    let script = "folder=$1; parent=$2; shift 2; \
                  while kill -0 \"$parent\" 2>/dev/null; do sleep 1; done; \
                  \"$@\" stop -m immediate -D \"$folder/data\"; rm -rf \"$folder\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(folder).arg(std::process::id().to_string());
    shell.arg(stop.get_program()).args(stop.get_args());
    // A group of its own: a test runner that ends a process with its group must not end this one.
    shell.process_group(0).current_dir("/");
    let shell = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    shell.map(|_| ()).map_err(|error| format!("start sh: {error}"))
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

/// Different in every call and every process; nothing else is asked of it.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
