//! The HaloPSA node of the npm package `n8n-nodes-base`, driven by `n8n/run.mjs`.

mod package;

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
    let folder = match tokio::task::spawn_blocking(package::with_packages).await {
        Ok(Ok(folder)) => folder,
        Ok(Err(problem)) => panic!("{problem}"),
        Err(stopped) => panic!("the npm packages were not waited for: {stopped}"),
    };
    let mut command = Command::new(package::NODE);
    command.arg(program::file("n8n/run.mjs")).arg(folder);
    program::must_succeed(database, command).await;
}
