//! Code that answers requests reads and writes through a handle of the caller's tenant.

use std::fs;
use std::path::{Path, PathBuf};

/// Where requests are answered.
const ROOTS: &[&str] = &["api", "rules", "save"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn requests_use_the_handle_of_their_tenant() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/server/src");
    let mut files = vec![src.join("save.rs")];
    ROOTS.iter().for_each(|root| sources(&src.join(root), &mut files));
    assert!(files.len() > 30);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (at, line) in text.lines().enumerate() {
            let is_free = line.contains("app.db") && !line.contains("app.db.of(");
            // Counting commits and naming the dialect read no rows.
            let reads = !line.contains("app.db.dialect()") && !line.contains("app.db.commits()");
            assert!(
                !(is_free && reads),
                "{}:{}: use call.db or app.db.of(tenant): {line}",
                file.display(),
                at + 1
            );
        }
    }
}
