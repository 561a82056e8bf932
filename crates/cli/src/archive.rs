//! `aureole backup`, `restore` and `verify`.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use aureole_server::{App, Clock, Config};
use aureole_storage::{DatabaseUrl, Db, archive, verify};

use crate::failure::Failure;
use crate::output::{note, print};

/// What went wrong with a backup, with its name in front.
fn about(file: &Path) -> impl Fn(archive::Error) -> Failure {
    move |error| Failure::Failed(format!("{}: {error}", file.display()))
}

/// Writes a backup beside `file` first, so that `file` is a whole one or not there.
pub async fn backup(app: &Arc<App>, file: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", file.display()));
    if fs::exists(file).map_err(failed)? {
        return Err(Failure::Failed(format!(
            "{} exists already; it stays as it is",
            file.display()
        )));
    }
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    let part = Path::new(&name);
    let open = OpenOptions::new().write(true).create(true).truncate(true).open(part);
    let written = archive::write(
        &app.db,
        open.map_err(failed)?,
        concat!("aureole ", env!("CARGO_PKG_VERSION")),
        app.clock.now_ms(),
    )
    .await;
    if written.is_err() {
        let _ = fs::remove_file(part);
    }
    let manifest = written.map_err(about(file))?;
    fs::rename(part, file).map_err(failed)?;
    let (rows, tables) = (manifest.rows(), manifest.tables.len());
    note(&format!("{rows} rows of {tables} tables are in {}", file.display()));
    Ok(())
}

/// Fills an empty database from a backup. Nothing else may have prepared it, so this opens it itself.
pub async fn restore(config: &Config, file: &Path) -> Result<(), Failure> {
    let url: DatabaseUrl = config.database.parse().map_err(Failure::Wrong)?;
    let failed = |error| Failure::Failed(format!("{url}: {error}"));
    let mut found = archive::open(file).map_err(about(file))?;
    let db = Db::open(&url, config.storage_options()).await.map_err(failed)?;
    let restored = found.restore(&db, Clock::system().now_ms()).await;
    db.close().await;
    restored.map_err(about(file))?;
    note(&format!("{} rows are restored from {}", found.manifest.rows(), file.display()));
    Ok(())
}

/// Checks the database, or a backup when one is named. Problems are exit code 1.
pub async fn verify_database(app: &Arc<App>) -> Result<(), Failure> {
    let findings = verify::run(&app.db).await;
    let findings = findings.map_err(|error| Failure::Failed(error.to_string()))?;
    let mut problems = 0;
    for finding in findings.iter().filter(|finding| !finding.problems.is_empty()) {
        problems += finding.problems.len();
        for problem in &finding.problems {
            print(&format!("{}: {problem}\n", finding.table))?;
        }
    }
    let rows: u64 = findings.iter().map(|finding| finding.rows).sum();
    if problems > 0 {
        return Err(Failure::Failed(format!("{problems} problems in {rows} records")));
    }
    print(&format!("{rows} records are whole.\n"))
}

pub fn verify_file(file: &Path) -> Result<(), Failure> {
    let mut found = archive::open(file).map_err(about(file))?;
    found.check().map_err(about(file))?;
    print(&format!("{} rows of {} are whole.\n", found.manifest.rows(), file.display()))
}
