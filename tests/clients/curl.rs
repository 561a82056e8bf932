//! Plain curl, driven by `curl/run.sh`.

use std::process::Command;

use aureole_testkit::Database;

use crate::program;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_on_sqlite() {
    check(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_on_postgres() {
    check(Database::Postgres).await;
}

async fn check(database: Database) {
    let mut command = Command::new("bash");
    command.arg(program::file("curl/run.sh"));
    program::must_succeed(database, command).await;
}
