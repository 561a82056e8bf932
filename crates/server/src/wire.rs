//! The vendor's manners: paths, bodies, media types, request ids.

use serde_json::{Map, Value};

use crate::error::{ApiError, Result};

/// A path as the routes know it: lower case, without `/api`, doubled or trailing slashes.
pub fn fold_path(path: &str) -> Vec<String> {
    let mut segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            percent_encoding::percent_decode_str(segment).decode_utf8_lossy().to_ascii_lowercase()
        })
        .collect();
    if segments.first().is_some_and(|first| first == "api") {
        segments.remove(0);
    }
    segments
}

/// `{id}`: a 32-bit integer or a 400.
pub fn parse_id(text: &str) -> Result<i64> {
    // A sign in front is for negative numbers only.
    let digits = if text.starts_with('+') { "" } else { text };
    digits
        .parse::<i32>()
        .map(i64::from)
        .map_err(|_| ApiError::invalid("id", format!("must be a 32-bit integer, not {text:?}")))
}

/// True for the media types that are read as JSON: `application/json`, `text/json`,
/// `application/json-patch+json` and every other `application/*+json`.
pub fn is_json(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    media == "application/json"
        || media == "text/json"
        || (media.starts_with("application/") && media.ends_with("+json"))
}

/// The records of a POST body.
pub struct Elements {
    pub records: Vec<Map<String, Value>>,
    /// The body was one bare object: paths name no index.
    pub bare: bool,
}

impl Elements {
    /// The path of an element in error messages.
    pub fn path(&self, at: usize) -> String {
        if self.bare { String::new() } else { format!("[{at}]") }
    }
}

/// Reads an array of records, a bare record, or a doubly nested array, which is flattened.
pub fn elements(body: &[u8], limit: usize) -> Result<Elements> {
    // Some programs on Windows write a byte order mark in front.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let parsed: Value = serde_json::from_slice(body).map_err(|error| {
        let what = match error.to_string().starts_with("recursion limit exceeded") {
            true => "is nested too deeply",
            false => "is not well-formed JSON",
        };
        let (line, column) = (error.line(), error.column());
        ApiError::invalid("", format!("{what} at line {line} column {column}"))
    })?;
    let (items, bare) = match parsed {
        Value::Object(map) => return Ok(Elements { records: vec![map], bare: true }),
        Value::Array(items) => (flatten(items), false),
        _ => return Err(ApiError::invalid("", "must be an array of records")),
    };
    if items.len() > limit {
        return Err(ApiError::invalid("", format!("must have at most {limit} records")));
    }
    let mut records = Vec::with_capacity(items.len());
    let mut problems = aureole_catalogue::Problems::default();
    for (at, item) in items.into_iter().enumerate() {
        match item {
            Value::Object(map) => records.push(map),
            _ => problems.add(format!("[{at}]"), "must be an object"),
        }
    }
    if problems.is_empty() {
        Ok(Elements { records, bare })
    } else {
        Err(ApiError::Validation { place: "", problems })
    }
}

fn flatten(items: Vec<Value>) -> Vec<Value> {
    items
        .into_iter()
        .flat_map(|item| match item {
            Value::Array(inner) => inner,
            other => vec![other],
        })
        .collect()
}

/// A request id that a client may choose: short and plain, because it ends in logs and headers.
pub fn is_request_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fold_to_one_form() {
        for path in ["/api/Client/12", "//Client/12/", "/API//client/12", "/client/12"] {
            assert_eq!(fold_path(path), ["client", "12"], "{path}");
        }
    }

    #[test]
    fn media_types() {
        for good in ["application/json; charset=utf-8", "text/json", "application/json-patch+json"]
        {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
            assert!(!is_json(bad), "{bad}");
        }
    }

    #[test]
    fn a_doubly_nested_array_is_flattened() {
        let elements = elements(br#"[[{"name":"a"},{"name":"b"}]]"#, 10).unwrap();
        assert_eq!(elements.records.len(), 2);
        assert!(!elements.bare);
    }
}
