//! The folder that holds what is needed of the published npm packages.
//!
//! They are not installed with what they depend on: `n8n-workflow` alone brings 158 other packages,
//! 141 MB together, and `n8n-nodes-base` some 90 more dependencies. The node itself is a few files.
//! So only the two archives are loaded (13 MB), and only the node's own files and the code of
//! `n8n-workflow` are unpacked; `host.mjs` says what it does without.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::run;

/// The program that runs the node.
pub const NODE: &str = "node";
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
const OLDEST_NODE: u32 = 18;

/// A package of the npm registry at the version under test, and what is unpacked of it.
struct Package {
    name: &'static str,
    version: &'static str,
    files: &'static [&'static str],
}

/// `docs/clients.md` describes this version of the node. The second is the one that it names in its
/// `package.json`.
const PACKAGES: [Package; 2] = [
    Package {
        name: "n8n-nodes-base",
        version: "2.41.2",
        files: &["dist/nodes/HaloPSA", "dist/credentials/HaloPSAApi.credentials.js"],
    },
    Package { name: "n8n-workflow", version: "2.41.0", files: &["dist/cjs"] },
];

/// Names a folder for the packages, for machines that keep one ready.
const FOLDER_VARIABLE: &str = "AUREOLE_TEST_N8N";
const DEFAULT_FOLDER: &str = "test-n8n";

/// Returns a folder with the packages in its `node_modules`, and loads first what is missing. Tests
/// of several processes may call this at the same time: a lock file in the folder lets one of them
/// load and the others wait.
///
/// # Errors
/// A text for a person that says what to install.
pub fn with_packages() -> Result<PathBuf, String> {
    needs_node()?;
    let folder = folder();
    let _lock = lock(&folder)?;
    for package in &PACKAGES {
        let place = folder.join("node_modules").join(package.name);
        if !is_there(package, &place) {
            load(package, &folder, &place)?;
        }
    }
    Ok(folder)
}

fn needs_node() -> Result<(), String> {
    let advice = format!(
        "the HaloPSA node of n8n needs Node.js {OLDEST_NODE} or newer, and npm to load it \
         (Debian: apt-get install nodejs npm)"
    );
    let version = run(Command::new(NODE).arg("--version"))
        .map_err(|problem| format!("{advice}\n{problem}"))?;
    let major = version.trim().trim_start_matches('v').split('.').next();
    match major.and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => Err(format!("{advice}; {NODE} --version says {}", version.trim())),
    }
}

/// The folder appears as a whole (see `load`), so its version is enough.
fn is_there(package: &Package, place: &Path) -> bool {
    let text = fs::read_to_string(place.join("package.json")).unwrap_or_default();
    let description: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    description["version"] == package.version
}

/// Unpacks beside `place` and renames, so that an attempt that was cut off leaves nothing behind.
fn load(package: &Package, folder: &Path, place: &Path) -> Result<(), String> {
    let Package { name, version, files } = package;
    let archive = folder.join(format!("{name}-{version}.tgz"));
    pack(package, folder)?;
    let fresh = folder.join(format!("{name}.new"));
    for left_over in [&fresh, place] {
        remove(left_over)?;
    }
    let on_disk = |error: std::io::Error| format!("{} cannot be made: {error}", place.display());
    fs::create_dir_all(&fresh).map_err(on_disk)?;
    fs::create_dir_all(place.parent().unwrap_or(folder)).map_err(on_disk)?;
    let mut unpack = Command::new("tar");
    unpack
        .arg("-xzf")
        .arg(&archive)
        .arg("-C")
        .arg(&fresh)
        .args(["--strip-components=1", "package/package.json"]);
    unpack.args(files.iter().map(|file| format!("package/{file}")));
    run(&mut unpack)
        .map_err(|problem| format!("{name} {version} could not be unpacked\n{problem}"))?;
    fs::rename(&fresh, place).map_err(on_disk)?;
    fs::remove_file(&archive).map_err(on_disk)
}

/// Puts the package's archive into `folder`. npm checks its sum and runs none of its scripts.
fn pack(package: &Package, folder: &Path) -> Result<(), String> {
    let Package { name, version, .. } = package;
    let options =
        ["--ignore-scripts", "--loglevel=error", "--no-update-notifier", "--fetch-timeout=60000"];
    let mut pack = Command::new(NPM);
    pack.arg("pack").args(options).arg(format!("{name}@{version}"));
    pack.current_dir(folder);
    run(&mut pack).map(drop).map_err(|problem| {
        format!(
            "{name} {version} could not be loaded: it needs npm (Debian: apt-get install npm), and \
             the npm registry or a mirror that npm is configured for; or name a folder that has it \
             in node_modules in {FOLDER_VARIABLE}\n{problem}"
        )
    })
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", folder.display()))
        }
        _ => Ok(()),
    }
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

/// The lock is held until the file is dropped.
fn lock(folder: &Path) -> Result<File, String> {
    let path = folder.join("build.lock");
    let problem = |error: std::io::Error| format!("{} cannot be locked: {error}", path.display());
    fs::create_dir_all(folder).map_err(problem)?;
    let file = File::create(&path).map_err(problem)?;
    file.lock().map_err(problem)?;
    Ok(file)
}
