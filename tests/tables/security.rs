//! docs/security.md against the sources: every promise names what holds it, and all of that is there.

use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENT: &str = include_str!("../../docs/security.md");
const SETTINGS: &str = include_str!("../../aureole.default.toml");

/// Where a file may be that is named without its folder.
const ROOTS: &[&str] = &["", "crates/server/src/"];

/// A Rust file, by its path from the root of the repository.
struct Source {
    path: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<PathBuf> = vec![root.join("tests"), root.join("crates")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                sources.push(Source { path, text });
            }
        }
    }
    sources
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// What a quoted text names of the sources.
#[derive(Debug, PartialEq)]
enum Named<'a> {
    File(&'a str),
    /// A test, perhaps with the file or module that it is in.
    Test(Option<&'a str>, &'a str),
    Setting(&'a str),
    Nothing,
}

fn named(text: &str) -> Named<'_> {
    let is_name = |text: &str| {
        let plain = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        plain && text.matches('_').count() >= 2
    };
    if let Some((place, name)) = text.rsplit_once("::") {
        return if is_name(name) { Named::Test(Some(place), name) } else { Named::Nothing };
    }
    if text.ends_with(".rs") {
        return Named::File(text);
    }
    match text.split_once('.') {
        Some((section, _)) if SETTINGS.contains(&format!("\n[{section}]\n")) => {
            Named::Setting(text)
        }
        None if is_name(text) => Named::Test(None, text),
        _ => Named::Nothing,
    }
}

fn is_file(source: &Source, named: &str) -> bool {
    ROOTS.iter().any(|root| source.path == format!("{root}{named}"))
}

fn is_there(sources: &[Source], named: &Named<'_>) -> bool {
    match named {
        Named::File(path) => sources.iter().any(|source| is_file(source, path)),
        Named::Test(place, name) => {
            let defined = format!("fn {name}(");
            sources.iter().filter(|source| source.text.contains(&defined)).any(|source| {
                let module = |place: &str| source.path.ends_with(&format!("/{place}.rs"));
                place.is_none_or(|place| is_file(source, place) || module(place))
            })
        }
        Named::Setting(path) => {
            let (section, name) = path.split_once('.').unwrap();
            let rest = SETTINGS.split_once(&format!("\n[{section}]\n")).unwrap().1;
            let body = rest.split("\n[").next().unwrap();
            body.contains(&format!("\n{name} = ")) || body.starts_with(&format!("{name} = "))
        }
        Named::Nothing => true,
    }
}

#[test]
fn what_the_document_names_is_there() {
    let sources = sources();
    let mut tests = 0;
    for text in quoted(DOCUMENT) {
        let named = named(text);
        assert!(is_there(&sources, &named), "docs/security.md names {text:?}, which is not there");
        tests += usize::from(matches!(named, Named::Test(..)));
    }
    assert!(tests > 60, "{tests} tests are named");
    for gone in ["redirects::this_is_no_test", "tests/api/nothing.rs", "a_test_that_is_gone"] {
        assert!(!is_there(&sources, &named(gone)), "{gone}");
    }
    assert!(!is_there(&sources, &Named::Setting("limits.nothing")));
}

/// The tables of promises have two columns, and the second one says what fails.
#[test]
fn every_promise_names_a_test() {
    let mut promises = 0;
    let mut in_table = false;
    for line in DOCUMENT.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if !line.starts_with('|') {
            in_table = false;
        } else if cells == ["promise", "held by"] {
            in_table = true;
        } else if in_table && !line.starts_with("| ---") {
            let [promise, held] = cells[..] else { panic!("{line}") };
            let tests = quoted(held).into_iter().map(named);
            let names = |named: &Named<'_>| matches!(named, Named::Test(..) | Named::File(_));
            assert!(tests.filter(names).count() > 0, "nothing holds: {promise}");
            promises += 1;
        }
    }
    assert!(promises > 40, "{promises} promises");
}
