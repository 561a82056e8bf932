//! The document as YAML. Serializers of YAML write the exact numbers of this program's JSON as
//! objects, and a document needs little: blocks, and texts in quotes as in JSON.

use aureole_catalogue::render::quote;
use serde_json::Value;

/// Words that YAML, or an older YAML, does not read as text.
const RESERVED: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// A JSON value as a YAML document.
#[must_use]
pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    match is_block(value) {
        true => block(value, 0, &mut out),
        false => out.push_str(&flow(value)),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// True for what takes lines of its own.
fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn block(value: &Value, indent: usize, out: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                out.push_str(&format!("{margin}{}:", key(name)));
                member(inner, indent + 2, out);
            }
        }
        Value::Array(items) => {
            for inner in items {
                out.push_str(&margin);
                out.push('-');
                member(inner, indent + 2, out);
            }
        }
        _ => {}
    }
}

fn member(value: &Value, indent: usize, out: &mut String) {
    if is_block(value) {
        out.push('\n');
        block(value, indent, out);
    } else {
        out.push_str(&format!(" {}\n", flow(value)));
    }
}

fn flow(value: &Value) -> String {
    match value {
        // JSON's escapes are YAML's; these three are line ends to YAML only.
        Value::String(text) => quote(text)
            .replace('\u{85}', "\\u0085")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029"),
        other => other.to_string(),
    }
}

fn key(name: &str) -> String {
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !RESERVED.contains(&name.to_ascii_lowercase().as_str());
    if is_plain { name.to_owned() } else { quote(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_in_blocks() {
        let value = json!({
            "a": { "$ref": "#/x", "on": true, "200": 1.5 },
            "list": ["x: \"y\"", { "b": null, "c": [] }, [1]],
            "none": {},
        });
        let expected = "\
a:
  \"$ref\": \"#/x\"
  \"on\": true
  \"200\": 1.5
list:
  - \"x: \\\"y\\\"\"
  -
    b: null
    c: []
  -
    - 1
none: {}
";
        assert_eq!(yaml(&value), expected);
        assert_eq!(yaml(&json!("a")), "\"a\"\n");
    }
}
