//! Request JSON to a checked [`Change`]. Absent, null and value are three things, and every
//! problem of a request is found in one pass.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::field::{Field, Kind, Mode, Schema};
use crate::record::{Key, number};
use crate::value::{DecimalError, parse_datetime, parse_decimal};

/// The largest sizes that a body's values may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Characters of a text field that names no limit of its own.
    pub text_chars: usize,
    /// Elements of one nested collection.
    pub elements: usize,
    /// Problems that one reply lists.
    pub problems: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { text_chars: 1_000_000, elements: 10_000, problems: 100 }
    }
}

/// What is wrong with a request, by path: `[3].name`, `[0].site_update[1].name`.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<(String, String)>,
}

impl Problems {
    pub fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.list.push((path.into(), message.into()));
    }
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
    pub fn len(&self) -> usize {
        self.list.len()
    }
    pub fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.list.iter()
    }
    pub fn into_list(self) -> Vec<(String, String)> {
        self.list
    }
}

/// The fields that one body sets (`Some`) or clears (`None`), by position.
#[derive(Clone, Debug, Default)]
pub struct Change {
    values: BTreeMap<usize, Option<Value>>,
    /// Names that the catalogue does not know, those of nested objects with their path.
    pub unknown: Vec<String>,
}

impl Change {
    pub fn get(&self, key: Key) -> Option<&Option<Value>> {
        self.values.get(&key.0)
    }
    /// The value, when the body sets one.
    pub fn value(&self, key: Key) -> Option<&Value> {
        self.values.get(&key.0).and_then(Option::as_ref)
    }
    pub fn has(&self, key: Key) -> bool {
        self.values.contains_key(&key.0)
    }
    pub fn set(&mut self, key: Key, value: Option<Value>) {
        self.values.insert(key.0, value);
    }
    pub fn take(&mut self, key: Key) -> Option<Option<Value>> {
        self.values.remove(&key.0)
    }
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Option<Value>)> {
        self.values.iter().map(|(&position, value)| (Key(position), value))
    }
    /// The text that the body sets; empty when absent or cleared.
    pub fn text(&self, key: Key) -> &str {
        self.value(key).and_then(Value::as_str).unwrap_or("")
    }
    pub fn int(&self, key: Key) -> i64 {
        self.value(key).and_then(Value::as_i64).unwrap_or(0)
    }
}

/// Joins a path prefix and a field name.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Checks one object of a body against a schema.
pub fn accept(
    schema: &'static Schema,
    body: &Map<String, Value>,
    path: &str,
    limits: &Limits,
    problems: &mut Problems,
) -> Change {
    let mut change = Change::default();
    let mut checker = Checker { limits, problems, unknown: Vec::new() };
    let index = schema.index();
    for (name, value) in body {
        let Some(&position) = index.get(name.as_str()) else {
            change.unknown.push(name.clone());
            continue;
        };
        let field = &schema.fields[position];
        if matches!(field.mode, Mode::Computed | Mode::Out) {
            continue;
        }
        if value.is_null() {
            change.values.insert(position, None);
            continue;
        }
        if let Some(value) = checker.field(field, value, &join(path, name)) {
            change.values.insert(position, value);
        }
    }
    let relative = |full: String| match full.strip_prefix(path) {
        Some(rest) => rest.trim_start_matches('.').to_owned(),
        None => full,
    };
    change.unknown.extend(checker.unknown.into_iter().map(relative));
    change
}

struct Checker<'a> {
    limits: &'a Limits,
    problems: &'a mut Problems,
    /// Unknown names in nested objects, by their whole path.
    unknown: Vec<String>,
}

impl Checker<'_> {
    /// The canonical value; `Some(None)` when the value means "unset"; `None` after a problem.
    fn field(&mut self, field: &Field, value: &Value, path: &str) -> Option<Option<Value>> {
        let limits = self.limits;
        if self.problems.len() >= limits.problems {
            return None;
        }
        let checked = match field.kind {
            Kind::Object(schema) => self.nested(schema, value, path)?,
            Kind::List(schema) => {
                self.list(value, path, |this, item, path| this.nested(schema, item, path))?
            }
            Kind::IntList => self.list(value, path, |this, item, path| {
                let checked = integer(item, i64::from(i32::MIN), i64::from(i32::MAX));
                this.report(checked, path)
            })?,
            Kind::TextList => self.list(value, path, |this, item, path| {
                this.report(text(item, limits.text_chars), path)
            })?,
            Kind::AnyList => self.list(value, path, |_, item, _| Some(item.clone()))?,
            _ => self.report(scalar(field, value, limits), path)?,
        };
        let unset = matches!(field.kind, Kind::DateTime) && checked.as_str() == Some("");
        Some(if unset { None } else { Some(checked) })
    }

    fn report(&mut self, result: Result<Value, String>, path: &str) -> Option<Value> {
        result.map_err(|message| self.problems.add(path, message)).ok()
    }

    /// One element of a nested collection. Explicit nulls stay, so that a merge can clear with them.
    fn nested(&mut self, schema: &'static Schema, value: &Value, path: &str) -> Option<Value> {
        let Value::Object(body) = value else {
            self.problems.add(path, "must be an object");
            return None;
        };
        let before = self.problems.len();
        let change = accept(schema, body, path, self.limits, self.problems);
        let unknown = change.unknown.iter().map(|name| join(path, name));
        self.unknown.extend(unknown);
        if self.problems.len() > before {
            return None;
        }
        let mut map = Map::new();
        for (key, value) in change.values {
            map.insert(schema.fields[key].name.to_owned(), value.unwrap_or(Value::Null));
        }
        Some(Value::Object(map))
    }

    fn list(
        &mut self,
        value: &Value,
        path: &str,
        each: impl Fn(&mut Self, &Value, &str) -> Option<Value>,
    ) -> Option<Value> {
        let Value::Array(items) = value else {
            self.problems.add(path, "must be an array");
            return None;
        };
        let most = self.limits.elements;
        if items.len() > most {
            self.problems.add(path, format!("must have at most {most} elements"));
            return None;
        }
        let before = self.problems.len();
        let checked: Vec<Value> = items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| each(self, item, &format!("{path}[{at}]")))
            .collect();
        (self.problems.len() == before).then_some(Value::Array(checked))
    }
}

/// Checks one scalar against its field; the error is a sentence without the field's name.
pub fn scalar(field: &Field, value: &Value, limits: &Limits) -> Result<Value, String> {
    match field.kind {
        Kind::Int => integer(value, i64::from(i32::MIN), i64::from(i32::MAX)),
        Kind::Int64 => integer(value, i64::MIN, i64::MAX),
        Kind::Decimal => decimal(value, if field.fine { 15 } else { 4 }),
        Kind::Bool => boolean(value),
        Kind::DateTime => datetime(value),
        Kind::Uuid => uuid(value),
        Kind::Text => {
            let max = if field.max_chars > 0 {
                field.max_chars as usize
            } else if field.name == "name" && field.column {
                // Names are keys of indexes, which PostgreSQL bounds.
                255
            } else {
                limits.text_chars
            };
            let checked = text(value, usize::MAX)?;
            let checked = if is_trimmed(field.name) { trimmed(&checked) } else { checked };
            // The limit counts what is stored, so it is checked after trimming.
            let checked = text(&checked, max)?;
            if is_email(field.name) { email(checked) } else { Ok(checked) }
        }
        _ => Ok(value.clone()),
    }
}

fn trimmed(value: &Value) -> Value {
    Value::String(value.as_str().unwrap_or("").trim().to_owned())
}

/// Names, websites, e-mail addresses and phone numbers are stored without outer white space.
fn is_trimmed(name: &str) -> bool {
    name == "name"
        || name == "website"
        || name.contains("phone")
        || name == "mobilenumber"
        || name == "fax"
        || name.ends_with("sitename")
        || name.ends_with("contactname")
        || is_email(name)
}

fn is_email(name: &str) -> bool {
    name.ends_with("emailaddress")
        || name.ends_with("email_address")
        || name.ends_with("contactemail")
        || name == "email"
        || name == "override_org_email"
}

fn email(value: Value) -> Result<Value, String> {
    match value.as_str() {
        Some(text) if !text.is_empty() && !text.contains('@') => {
            Err("must be an e-mail address with an @".to_owned())
        }
        _ => Ok(value),
    }
}

fn text(value: &Value, max_chars: usize) -> Result<Value, String> {
    let Value::String(text) = value else {
        return Err("must be a text".to_owned());
    };
    if text.contains('\0') {
        return Err("must not contain a NUL character".to_owned());
    }
    // A text of at most `max` bytes has at most `max` characters: the count is rarely needed.
    if text.len() > max_chars && text.chars().count() > max_chars {
        return Err(format!("must be at most {max_chars} characters"));
    }
    Ok(value.clone())
}

/// A record's id as bodies have it: a positive integer, or a text of one.
pub fn id(value: &Value) -> Option<i64> {
    integer(value, 1, i64::from(i32::MAX)).ok()?.as_i64()
}

fn integer(value: &Value, min: i64, max: i64) -> Result<Value, String> {
    let wrong = || "must be an integer".to_owned();
    let written = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return Err(wrong()),
    };
    let parsed = match written.parse::<i64>() {
        Ok(parsed) => i128::from(parsed),
        Err(_) => whole(&written).ok_or_else(wrong)?,
    };
    match i64::try_from(parsed) {
        Ok(parsed) if (min..=max).contains(&parsed) => Ok(Value::from(parsed)),
        _ => Err(format!("must be an integer from {min} to {max}")),
    }
}

/// The integer that `12.0` or `1e3` stands for.
fn whole(written: &str) -> Option<i128> {
    let canonical = match parse_decimal(written, 0) {
        Ok(canonical) => canonical,
        // Out of every integer's range, but a number: the caller names the range.
        Err(DecimalError::OutOfRange) => return Some(i128::MAX),
        Err(_) => return written.parse::<i128>().ok(),
    };
    canonical.parse::<i128>().ok()
}

fn decimal(value: &Value, places: u32) -> Result<Value, String> {
    let written = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return Err("must be a number".to_owned()),
    };
    match parse_decimal(&written, places) {
        Ok(canonical) => Ok(number(&canonical)),
        Err(DecimalError::NotANumber) => Err("must be a number".to_owned()),
        Err(DecimalError::OutOfRange) => Err("is out of range".to_owned()),
        Err(DecimalError::TooManyPlaces(places)) => {
            Err(format!("must have at most {places} decimal places"))
        }
    }
}

fn boolean(value: &Value) -> Result<Value, String> {
    let flag = match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => parse_bool(&number.to_string()),
        Value::String(text) => parse_bool(text.trim()),
        _ => None,
    };
    flag.map(Value::Bool).ok_or_else(|| "must be true or false".to_owned())
}

/// The spellings of a boolean that clients use, in queries and bodies.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "1" => Some(true),
        "false" | "False" | "FALSE" | "0" => Some(false),
        _ => None,
    }
}

fn datetime(value: &Value) -> Result<Value, String> {
    let wrong = || "must be a date-time such as 2026-11-23T07:36:00".to_owned();
    let text = value.as_str().ok_or_else(wrong)?;
    if text.trim().is_empty() {
        return Ok(Value::String(String::new()));
    }
    parse_datetime(text).map(Value::String).ok_or_else(wrong)
}

fn uuid(value: &Value) -> Result<Value, String> {
    let wrong = || "must be a GUID such as 00000000-0000-0000-0000-000000000000".to_owned();
    let text = value.as_str().ok_or_else(wrong)?.trim();
    if text.is_empty() {
        return Ok(Value::String(String::new()));
    }
    let canonical = canonical_guid(text).ok_or_else(wrong)?;
    Ok(Value::String(canonical))
}

/// The lower-case hyphenated form of a GUID; braces are accepted.
pub fn canonical_guid(text: &str) -> Option<String> {
    let bare = text.trim_start_matches('{').trim_end_matches('}');
    let well_formed = bare.len() == 36
        && bare.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    well_formed.then(|| bare.to_ascii_lowercase())
}
