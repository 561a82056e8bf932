//! The OpenAPI document and the server against each other, by `schemathesis/run.py`.

use std::process::Command;

use aureole_testkit::Database;

use crate::{program, python};

/// schemathesis, and what checks the document itself.
const PACKAGES: &[(&str, &str)] =
    &[("schemathesis", "4.32.5"), ("openapi-spec-validator", "0.9.0")];

const ENVIRONMENT: python::Environment = python::Environment {
    packages: PACKAGES,
    folder_variable: "AUREOLE_TEST_VENV_SCHEMATHESIS",
    default_folder: "test-venv-schemathesis",
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_does_what_its_document_says_on_sqlite() {
    check(Database::Sqlite, "4").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_does_what_its_document_says_on_postgres() {
    check(Database::Postgres, "2").await;
}

/// `examples`: requests that are made up for one operation, of each sort.
async fn check(database: Database, examples: &str) {
    let python = match tokio::task::spawn_blocking(|| ENVIRONMENT.ready()).await {
        Ok(Ok(python)) => python,
        Ok(Err(problem)) => panic!("{problem}"),
        Err(stopped) => panic!("the Python environment was not waited for: {stopped}"),
    };
    let mut command = Command::new(python);
    // -B: no compiled copies in the source tree.
    command.arg("-B").arg(program::file("schemathesis/run.py"));
    if std::env::var_os("AUREOLE_TEST_SCHEMATHESIS_EXAMPLES").is_none() {
        command.env("AUREOLE_TEST_SCHEMATHESIS_EXAMPLES", examples);
    }
    program::must_succeed(database, command).await;
}
