//! `aureole backup`, `restore` and `verify` from outside.

use std::fs;

use crate::program::{Folder, Server};

fn demo(folder: &Folder) {
    folder.ok(&["demo", "load", "--clients", "12"]);
    folder.application("a", "s", &[]);
}

/// Everything of the lists that a client program would look at, history too.
fn contents(folder: &Folder) -> Vec<serde_json::Value> {
    let server = Server::start(folder, &["--listen", "127.0.0.1:0"], &[]);
    let token = server.token("a", "s");
    let paths = [
        "Client?includeinactive=true",
        "Site",
        "Users",
        "CRMNote?count=1000",
        "History?entity=Client&id=1",
    ];
    let contents = paths.iter().map(|path| server.get(&token, path)).collect();
    assert_eq!(server.stop("TERM"), 0);
    contents
}

#[test]
fn a_backup_restores_what_was_there() {
    let (folder, other) = (Folder::new(), Folder::new());
    demo(&folder);
    let before = contents(&folder);
    folder.ok(&["backup", "all.zip"]);
    let file = format!("{}/all.zip", folder.path());
    assert!(folder.ok(&["verify", &file]).contains("are whole"));
    other.ok(&["restore", &file]);
    assert!(other.ok(&["verify"]).contains("records are whole"));
    assert_eq!(contents(&other), before);
}

#[test]
fn a_backup_is_made_while_the_server_runs() {
    let folder = Folder::new();
    demo(&folder);
    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
    folder.ok(&["backup", "all.zip"]);
    assert_eq!(
        server.get(&server.token("a", "s"), "Client?count=1")["clients"][0]["use"],
        "client"
    );
    assert_eq!(server.stop("TERM"), 0);
    folder.ok(&["verify", "all.zip"]);
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::new();
    demo(&folder);
    folder.ok(&["backup", "all.zip"]);
    let kept = fs::read(format!("{}/all.zip", folder.path())).unwrap();
    folder.fails(&["backup", "all.zip"], &[], 1, "exists already");
    assert_eq!(fs::read(format!("{}/all.zip", folder.path())).unwrap(), kept);
    folder.fails(&["restore", "all.zip"], &[], 1, "this database has data");
    assert!(!folder.names().contains(&"all.zip.part".to_owned()));
}

#[test]
fn a_damaged_backup_is_refused_and_nothing_is_restored() {
    let (folder, other) = (Folder::new(), Folder::new());
    demo(&folder);
    folder.ok(&["backup", "all.zip"]);
    let mut bytes = fs::read(format!("{}/all.zip", folder.path())).unwrap();
    other.write("text.zip", "not an archive");
    other.fails(&["restore", "text.zip"], &[], 1, "not a whole backup");
    other.fails(&["restore", "absent.zip"], &[], 1, "absent.zip: No such file");
    // A file that was cut, and one with other bytes in the middle: more than the heads between two parts.
    fs::write(format!("{}/cut.zip", other.path()), &bytes[..bytes.len() / 2]).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle..middle + 300].iter_mut().for_each(|byte| *byte ^= 0x55);
    fs::write(format!("{}/bad.zip", other.path()), &bytes).unwrap();
    for name in ["cut.zip", "bad.zip"] {
        assert_eq!(other.run(&["restore", name], &[]).code, 1, "{name}");
        assert_eq!(other.run(&["verify", name], &[]).code, 1, "{name}");
    }
    demo(&other);
}
