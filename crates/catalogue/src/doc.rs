//! A pass over a stored document without parsing it: names and raw values as slices.

use crate::index::Index;

/// The top-level pairs of a JSON object that this program wrote itself. It trusts the text:
/// compact, well formed, names without escapes.
pub struct Pairs<'a> {
    rest: &'a str,
}

/// Iterates over the pairs of `object`, which starts with `{`.
pub fn pairs(object: &str) -> Pairs<'_> {
    Pairs { rest: object.get(1..).unwrap_or("") }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        let rest = rest.strip_prefix('"')?;
        let quote = memchr::memchr(b'"', rest.as_bytes())?;
        let (name, rest) = rest.split_at_checked(quote)?;
        let rest = rest.strip_prefix("\":")?;
        let end = value_end(rest.as_bytes());
        let (value, rest) = rest.split_at_checked(end)?;
        self.rest = rest;
        Some((name, value))
    }
}

/// The elements of a JSON array that this program wrote itself.
pub struct Elements<'a> {
    rest: &'a str,
}

/// Iterates over the elements of `array`, which starts with `[`.
pub fn elements(array: &str) -> Elements<'_> {
    Elements { rest: array.strip_prefix('[').unwrap_or("") }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        let (element, rest) = rest.split_at_checked(value_end(rest.as_bytes()))?;
        self.rest = rest;
        (!element.is_empty()).then_some(element)
    }
}

/// The length of the JSON value that `bytes` starts with.
fn value_end(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(b'"') => string_end(bytes, 0),
        Some(b'{' | b'[') => nested_end(bytes),
        _ => {
            bytes.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(bytes.len())
        }
    }
}

/// The position after the closing quote of the string that opens at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

fn nested_end(bytes: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The known fields of a document, by position, in document order.
pub fn positions<'a>(index: &Index, doc: &'a str, into: &mut Vec<(usize, &'a str)>) {
    into.clear();
    into.extend(pairs(doc).filter_map(|(name, raw)| index.get(name).map(|&at| (at, raw))));
}

/// The raw value of one name in an object.
pub fn raw<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    pairs(object).find(|(found, _)| *found == name).map(|(_, raw)| raw)
}

/// The text of a raw JSON string; empty for any other value.
pub fn unquote(raw: &str) -> String {
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => inner.to_owned(),
        Some(_) => serde_json::from_str(raw).unwrap_or_default(),
        None => String::new(),
    }
}
