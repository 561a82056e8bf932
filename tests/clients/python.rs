//! Virtual environments with packages from the Python package index.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::run;

/// An environment that tests need.
pub struct Environment {
    /// The packages with their versions; `docs/clients.md` describes these versions.
    pub packages: &'static [(&'static str, &'static str)],
    /// Names a folder for the environment, for machines that keep one ready.
    pub folder_variable: &'static str,
    /// Its folder in cargo's target folder otherwise.
    pub default_folder: &'static str,
}

impl Environment {
    /// Returns the Python program of the environment, and makes the environment first when it is
    /// missing. Tests of several processes may call this at the same time: a lock file in the
    /// folder lets one of them build and the others wait.
    ///
    /// # Errors
    /// A text for a person that says what to install.
    pub fn ready(&self) -> Result<PathBuf, String> {
        let folder = self.folder();
        let _lock = lock(&folder)?;
        let python = program_in(&folder);
        if self.is_complete(&python) {
            return Ok(python);
        }
        self.build(&folder, &python)?;
        if self.is_complete(&python) {
            return Ok(python);
        }
        Err(format!(
            "{} still lacks {} after it was built: delete the folder and try again",
            folder.display(),
            self.wanted().join(" and ")
        ))
    }

    fn wanted(&self) -> Vec<String> {
        self.packages.iter().map(|(name, version)| format!("{name}=={version}")).collect()
    }

    fn build(&self, folder: &Path, python: &Path) -> Result<(), String> {
        let variable = self.folder_variable;
        run(Command::new("python3").arg("-m").arg("venv").arg(folder)).map_err(|problem| {
            format!(
                "no Python environment could be made in {}: install Python 3.10 or newer with its \
                 venv module (Debian: apt-get install python3 python3-venv), or name a folder with \
                 a ready environment in {variable}\n{problem}",
                folder.display()
            )
        })?;
        let options = ["--disable-pip-version-check", "--no-input", "--quiet", "--timeout=30"];
        let mut install = Command::new(python);
        install.args(["-m", "pip", "install"]).args(options).args(self.wanted());
        run(&mut install).map_err(|problem| {
            format!(
                "{} could not be installed: it needs Python 3.10 or newer with pip, and the Python \
                 package index or a mirror that pip is configured for; or name a folder with a \
                 ready environment in {variable}\n{problem}",
                self.wanted().join(" and ")
            )
        })?;
        Ok(())
    }

    fn is_complete(&self, python: &Path) -> bool {
        self.packages.iter().all(|(name, version)| {
            let ask = format!("import importlib.metadata as m; print(m.version('{name}'))");
            run(Command::new(python).arg("-c").arg(ask)).is_ok_and(|found| found.trim() == *version)
        })
    }

    /// The named folder, a relative one below the workspace; else one in cargo's target folder.
    fn folder(&self) -> PathBuf {
        if let Some(named) =
            std::env::var_os(self.folder_variable).filter(|named| !named.is_empty())
        {
            let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            return workspace.join(named);
        }
        // Cargo's folder for the files of tests is `tmp` in its target folder.
        let files_of_tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let target = files_of_tests.parent().unwrap_or(files_of_tests);
        target.join(self.default_folder)
    }
}

fn program_in(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
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
