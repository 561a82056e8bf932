//! Runs another program against a server and shows what it said when it fails.

use std::path::PathBuf;
use std::process::Command;

use aureole_testkit::{Database, Server};

/// The application that every test server has, with the scope `all`.
const CLIENT_ID: &str = "demo";
const CLIENT_SECRET: &str = "demo-secret";
const TENANT: &str = "default";

/// More than one page, and more than the 50 rows that some programs ask for at first.
const DEMO_CLIENTS: u32 = 70;

/// Starts a server with demo data on `database` and runs `command` against it, with the server's
/// address, the application's id and secret and the tenant as its last arguments.
///
/// Panics with the program's whole output when it does not end with exit code 0. The programs
/// limit their own run time.
pub async fn must_succeed(database: Database, mut command: Command) {
    let server = Server::start(database).await;
    server.load_demo(DEMO_CLIENTS).await;
    command.args([server.url(), CLIENT_ID, CLIENT_SECRET, TENANT]);
    let finished = tokio::task::spawn_blocking(move || run(&mut command)).await;
    match finished {
        Ok(Ok(output)) => println!("{output}"),
        Ok(Err(problem)) => panic!("{problem}"),
        Err(stopped) => panic!("the program was not waited for: {stopped}"),
    }
}

/// Runs `command` to its end and returns what it printed.
///
/// # Errors
/// A text for a person, with the program's output, when it could not be started or its exit code
/// is not 0.
pub fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().map_err(|error| format!("{name} could not be started: {error}"))?;
    let printed = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.success() {
        return Ok(printed);
    }
    Err(format!("{name} failed ({}):\n{printed}", output.status))
}

/// The path of a file beside these tests.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}
