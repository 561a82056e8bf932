//! The virtual environment that holds the published Python package.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::run;

/// The package and version under test; `docs/clients.md` describes this version.
const PACKAGE: &str = "HaloPSA";
const VERSION: &str = "2.0.2";

/// Names a folder for the environment, for machines that keep one ready.
const FOLDER_VARIABLE: &str = "AUREOLE_TEST_VENV";
const DEFAULT_FOLDER: &str = "test-venv-halopsa-pypi";

/// Returns the Python program of an environment that has the package, and makes the environment
/// first when it is missing. Tests of several processes may call this at the same time: a lock
/// file in the folder lets one of them build and the others wait.
///
/// # Errors
/// A text for a person that says what to install.
pub fn with_package() -> Result<PathBuf, String> {
    let folder = folder();
    let _lock = lock(&folder)?;
    let python = program_in(&folder);
    if has_package(&python) {
        return Ok(python);
    }
    build(&folder, &python)?;
    if has_package(&python) {
        return Ok(python);
    }
    Err(format!(
        "{} still lacks {PACKAGE} {VERSION} after it was built: delete the folder and try again",
        folder.display()
    ))
}

fn build(folder: &Path, python: &Path) -> Result<(), String> {
    run(Command::new("python3").arg("-m").arg("venv").arg(folder)).map_err(|problem| {
        format!(
            "no Python environment could be made in {}: install Python 3.10 or newer with its \
             venv module (Debian: apt-get install python3 python3-venv), or name a folder with a \
             ready environment in {FOLDER_VARIABLE}\n{problem}",
            folder.display()
        )
    })?;
    let options = [
        "--disable-pip-version-check",
        "--no-input",
        "--quiet",
        "--timeout=30",
    ];
    let mut install = Command::new(python);
    install
        .args(["-m", "pip", "install"])
        .args(options)
        .arg(format!("{PACKAGE}=={VERSION}"));
    run(&mut install).map_err(|problem| {
        format!(
            "{PACKAGE} {VERSION} could not be installed: it needs Python 3.10 or newer with pip, \
             and the Python package index or a mirror that pip is configured for; or name a \
             folder with a ready environment in {FOLDER_VARIABLE}\n{problem}"
        )
    })?;
    Ok(())
}

fn has_package(python: &Path) -> bool {
    let ask = format!("import importlib.metadata as m; print(m.version('{PACKAGE}'))");
    run(Command::new(python).arg("-c").arg(ask)).is_ok_and(|found| found.trim() == VERSION)
}

/// The named folder, a relative one below the workspace; else one in cargo's target folder.
fn folder() -> PathBuf {
    if let Some(named) = std::env::var_os(FOLDER_VARIABLE).filter(|named| !named.is_empty()) {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        return workspace.join(named);
    }
    // Cargo's folder for the files of tests is `tmp` in its target folder.
    let files_of_tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = files_of_tests.parent().unwrap_or(files_of_tests);
    target.join(DEFAULT_FOLDER)
}

fn program_in(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    })
}

/// The lock is held until the file is dropped.
fn lock(folder: &Path) -> Result<File, String> {
    let path = folder.join("build.lock");
    let problem = |error: std::io::Error| format!("{} cannot be locked: {error}", path.display());
    fs::create_dir_all(folder).map_err(problem)?;
    let file = File::create(&path).map_err(problem)?;
    file.lock().map_err(problem)?;
    Ok(file)
}
