//! The package `HaloPSA` from the Python package index, driven by `halopsa_pypi/run.py`.

use std::process::Command;

use aureole_testkit::Database;

use crate::{program, python};

const ENVIRONMENT: python::Environment = python::Environment {
    packages: &[("HaloPSA", "2.0.2")],
    folder_variable: "AUREOLE_TEST_VENV",
    default_folder: "test-venv-halopsa-pypi",
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_on_sqlite() {
    check(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_on_postgres() {
    check(Database::Postgres).await;
}

async fn check(database: Database) {
    let python = match tokio::task::spawn_blocking(|| ENVIRONMENT.ready()).await {
        Ok(Ok(python)) => python,
        Ok(Err(problem)) => panic!("{problem}"),
        Err(stopped) => panic!("the Python environment was not waited for: {stopped}"),
    };
    let mut command = Command::new(python);
    // -B: no compiled copies in the source tree.
    command.arg("-B").arg(program::file("halopsa_pypi/run.py"));
    program::must_succeed(database, command).await;
}
