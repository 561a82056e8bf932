//! Every refusal that the source can give: the texts of messages, as they stand in the code.
//!
//! A text counts when it is inside a call that makes a problem of a request, or when it begins as
//! these sentences do ("must be …", "is …"). Too much is found rather than too little: what is no
//! refusal of a request is left out by module, or in [`NOT_OF_A_REQUEST`].

use std::fs;
use std::path::{Path, PathBuf};

/// Calls whose texts are problems of a request.
const CALLS: &[&str] =
    &["problem", "add", "duplicate", "invalid", "in_use", "Err", "ok_or", "ok_or_else", "map_err"];
/// Calls whose texts are answers other than a 400, or what receivers of webhooks did.
const OTHER_CALLS: &[&str] = &[
    "Forbidden",
    "NotFound",
    "Internal",
    "PreconditionFailed",
    "UnsupportedMediaType",
    "Unauthorized",
    "RateLimited",
    "missing",
    "failed",
    "Failed",
    "Refused",
];
/// How the sentences begin, the path in front of them.
const BEGINNINGS: &[&str] = &[
    "must ",
    "is ",
    "are ",
    "has ",
    "can't ",
    "points at ",
    "needs ",
    "names ",
    "makes ",
    "would be ",
    "works for ",
    "fits ",
];
/// Modules that refuse no request of the API: settings at start, sending, demo data, the pages for
/// people, the description; and the token endpoint, whose errors are OAuth's.
const OTHER_MODULES: &[&str] = &[
    "server/src/auth",
    "server/src/config",
    "server/src/cors",
    "server/src/demo",
    "server/src/feed/hub",
    "server/src/history/",
    "server/src/index",
    "server/src/jobs",
    "server/src/limit",
    "server/src/load",
    "server/src/metrics",
    "server/src/openapi",
    "server/src/proxies",
    "server/src/restore.rs",
    "server/src/time_zones",
    "server/src/vault/",
    "server/src/webhooks/mod",
    "server/src/webhooks/send",
    "server/src/api/console",
    "server/src/api/sign_in",
    "catalogue/src/entit",
];
/// Texts that look like a refusal and are none: settings at start, and what the JSON library says.
const NOT_OF_A_REQUEST: &[&str] =
    &["has to be networks", "has to be 32 random bytes", "secret_key", "recursion limit exceeded"];

/// A message as the source has it: `{…}` stands for anything.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Template {
    pub text: String,
    pub place: String,
}

impl Template {
    /// The fixed parts, in order.
    fn parts(&self) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut signs = self.text.chars().peekable();
        let mut last = String::new();
        while let Some(sign) = signs.next() {
            let doubled = signs.peek() == Some(&sign);
            match sign {
                '{' | '}' if doubled => {
                    signs.next();
                    last.push(sign);
                }
                '{' => {
                    parts.push(String::new());
                    for inner in signs.by_ref() {
                        if inner == '}' {
                            break;
                        }
                    }
                    last = String::new();
                }
                sign => last.push(sign),
            }
            if let Some(part) = parts.last_mut() {
                part.clone_from(&last);
            }
        }
        parts
    }

    /// A text that says nothing itself: it only joins others.
    pub fn is_joint(&self) -> bool {
        let letters = |part: &String| part.chars().filter(|sign| sign.is_alphabetic()).count();
        self.parts().iter().map(letters).sum::<usize>() < 5
    }

    pub fn matches(&self, message: &str) -> bool {
        let parts = self.parts();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
        if !message.starts_with(first.as_str()) || parts.len() == 1 && message != first {
            return false;
        }
        let mut rest = &message[first.len()..];
        for part in &parts[1..] {
            match rest.find(part.as_str()) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.is_empty() || last.is_empty() || message.ends_with(last.as_str())
    }
}

/// All templates, sorted, each text once.
pub fn templates() -> Vec<Template> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut found = Vec::new();
    for folder in ["server/src", "catalogue/src"] {
        for file in files(&root.join(folder)) {
            let place = file.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            let is_other = OTHER_MODULES.iter().any(|module| place.starts_with(module));
            if !is_other && !place.contains("tests") {
                let text = fs::read_to_string(&file).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or("");
                found.extend(of_file(code, &place));
            }
        }
    }
    found.sort();
    found.dedup_by(|left, right| left.text == right.text);
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false if path.extension().is_some_and(|end| end == "rs") => found.push(path),
            false => {}
        }
    }
    found
}

fn of_file(code: &str, place: &str) -> Vec<Template> {
    let mut found = Vec::new();
    let bytes = code.as_bytes();
    let mut calls: Vec<&str> = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let rest = &code[at..];
        let len = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some((text, len)) = literal(rest, &code[..at]) {
            if is_refusal(&text, &calls) {
                found.push(Template { text, place: format!("{place}:{line}") });
            }
            len
        } else if rest.starts_with('\'') && sign_len(rest) > 1 {
            sign_len(rest)
        } else {
            match bytes[at] {
                b'(' | b'[' | b'{' => calls.push(callee(&code[..at])),
                b')' | b']' | b'}' => drop(calls.pop()),
                _ => {}
            }
            rest.chars().next().map_or(1, char::len_utf8)
        };
        line += code[at..at + len].matches('\n').count();
        at += len;
    }
    found
}

/// The text of the string literal that `rest` begins with, and its length in the code.
fn literal(rest: &str, before: &str) -> Option<(String, usize)> {
    let is_word = before.ends_with(|sign: char| sign.is_alphanumeric() || sign == '_');
    if !is_word && let Some(raw) = rest.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let text = &raw[hashes + 1..];
            let len = text.find(&end)?;
            return Some((text[..len].to_owned(), 1 + hashes + 1 + len + end.len()));
        }
    }
    let inner = rest.strip_prefix('"')?;
    let (mut text, mut signs) = (String::new(), inner.char_indices().peekable());
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return Some((text, at + 2)),
            '\\' => match signs.next()?.1 {
                // A line that goes on: its indentation is no part of the text.
                '\n' => while signs.next_if(|(_, sign)| sign.is_whitespace()).is_some() {},
                'n' => text.push('\n'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    None
}

/// The length of a character literal; 1 for a lifetime.
fn sign_len(rest: &str) -> usize {
    let mut signs = rest.char_indices().skip(1);
    match signs.next() {
        Some((_, '\\')) => rest[2..].find('\'').map_or(1, |at| {
            // `'\''` has one more.
            if rest[2..].starts_with('\'') { 4 } else { at + 3 }
        }),
        Some(_) => match signs.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// The last name before an opening bracket.
fn callee(before: &str) -> &str {
    let trimmed = before.trim_end().trim_end_matches('!');
    let is_name = |sign: char| sign.is_alphanumeric() || sign == '_';
    let start = trimmed.rfind(|sign| !is_name(sign)).map_or(0, |at| at + 1);
    trimmed.get(start..).unwrap_or("")
}

fn is_refusal(text: &str, calls: &[&str]) -> bool {
    if !text.trim().contains(' ') || NOT_OF_A_REQUEST.iter().any(|other| text.starts_with(other)) {
        return false;
    }
    if calls.iter().any(|call| OTHER_CALLS.contains(call)) {
        return false;
    }
    let is_called = calls.iter().any(|call| CALLS.contains(call));
    is_called || BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
}
