//! The values of defined fields: their checks, their stored form, their text for a person.

use aureole_catalogue::accept::parse_bool;
use aureole_catalogue::value::{fold, parse_datetime};
use serde_json::Value;

use super::{Definition, Type};

/// Rows of one table value at most.
const TABLE_ROWS: usize = 1000;
/// Bytes of one table value's JSON at most.
const TABLE_BYTES: usize = 256 * 1024;
/// Options that a message names at most.
const NAMED_OPTIONS: usize = 20;

type Checked<T> = std::result::Result<T, String>;

/// True for what clients send when a field has no value.
pub fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The stored form of a value; `None` when it means "no value".
///
/// # Errors
/// A sentence that says what the value must be.
pub fn checked(definition: &Definition, value: &Value, max_chars: usize) -> Checked<Option<Value>> {
    if is_unset(value) {
        return Ok(None);
    }
    Ok(Some(match definition.kind {
        Type::Text | Type::Memo => text(definition, value, max_chars)?,
        Type::Rich => {
            let html = ammonia::clean(&plain(value)?);
            within(definition, &html, max_chars)?;
            if html.trim().is_empty() {
                return Ok(None);
            }
            Value::String(html)
        }
        Type::Single => {
            let mut chosen = selection(definition, value)?;
            if chosen.len() != 1 {
                return Err("must be one selection".to_owned());
            }
            chosen.remove(0).into()
        }
        Type::Multi => {
            let chosen = selection(definition, value)?;
            let max = usize::try_from(definition.max_selection).unwrap_or(0);
            if max > 0 && chosen.len() > max {
                return Err(format!("must be at most {max} selections"));
            }
            Value::from(chosen)
        }
        Type::Date => {
            let text = value.as_str().unwrap_or("");
            match date(text).ok_or("must be a date such as 2026-11-23")? {
                day if day.is_empty() => return Ok(None),
                day => Value::String(day),
            }
        }
        Type::Time => {
            let text = value.as_str().unwrap_or("");
            Value::String(time(text).ok_or("must be a time such as 07:36 or 07:36:30")?)
        }
        Type::Checkbox => Value::Bool(flag(value).ok_or("must be true or false")?),
        Type::Table => table(value)?,
    }))
}

fn plain(value: &Value) -> Checked<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return Err("must be a text".to_owned()),
    };
    if text.contains('\0') {
        return Err("must not contain a NUL character".to_owned());
    }
    Ok(text)
}

fn within(definition: &Definition, text: &str, max_chars: usize) -> Checked<()> {
    let own = usize::try_from(definition.max_chars).unwrap_or(0);
    let max = if own > 0 { own } else { max_chars };
    if text.len() > max && text.chars().count() > max {
        return Err(format!("must be at most {max} characters"));
    }
    Ok(())
}

/// A text within its length that its pattern finds something in. A pattern that has to fit the
/// whole text says so with `^` and `$`.
fn text(definition: &Definition, value: &Value, max_chars: usize) -> Checked<Value> {
    let text = plain(value)?;
    within(definition, &text, max_chars)?;
    if !definition.regex.is_empty() && !pattern(&definition.regex)?.is_match(&text) {
        return Err(format!("must fit the pattern {}", definition.regex));
    }
    Ok(Value::String(text))
}

/// Compiles a pattern; matching takes time in proportion to the text, whatever the pattern is.
///
/// # Errors
/// A sentence: not well formed, or too large.
pub fn pattern(regex: &str) -> Checked<regex::Regex> {
    let built = regex::RegexBuilder::new(regex).size_limit(1 << 20).dfa_size_limit(1 << 20).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is a pattern that is too large".to_owned(),
        error => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
            format!("is not a well-formed pattern: {reason}")
        }
    })
}

/// The chosen ids, in the order given, each once. Ids, labels, objects that have either, lists of
/// these and comma-separated texts are understood.
fn selection(definition: &Definition, value: &Value) -> Checked<Vec<i64>> {
    let mut chosen = Vec::new();
    match value {
        Value::Array(items) => {
            for item in items {
                chosen.push(option(definition, item)?);
            }
        }
        Value::String(text)
            if definition.kind == Type::Multi && option(definition, value).is_err() =>
        {
            for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                chosen.push(option(definition, &Value::String(part.to_owned()))?);
            }
        }
        one => chosen.push(option(definition, one)?),
    }
    let mut seen = Vec::with_capacity(chosen.len());
    chosen.retain(|id| {
        let new = !seen.contains(id);
        seen.push(*id);
        new
    });
    Ok(chosen)
}

/// The id of one option, given as its id or its label.
fn option(definition: &Definition, value: &Value) -> Checked<i64> {
    let by_id =
        |id: i64| definition.options.iter().find(|(found, _)| *found == id).map(|(id, _)| *id);
    let by_label = |label: &str| {
        let label = fold(label.trim());
        definition.options.iter().find(|(_, found)| fold(found.trim()) == label).map(|(id, _)| *id)
    };
    let found = match value {
        Value::Number(number) => {
            number.as_i64().and_then(by_id).or_else(|| by_label(&number.to_string()))
        }
        Value::String(text) => by_label(text).or_else(|| text.trim().parse().ok().and_then(by_id)),
        Value::Object(map) => match map.get("id").and_then(Value::as_i64).filter(|id| *id > 0) {
            Some(id) => by_id(id),
            None => ["name", "label", "display", "value"]
                .iter()
                .find_map(|name| map.get(*name).and_then(Value::as_str))
                .and_then(by_label),
        },
        _ => None,
    };
    found.ok_or_else(|| {
        let labels: Vec<&str> = definition
            .options
            .iter()
            .take(NAMED_OPTIONS)
            .map(|(_, label)| label.as_str())
            .collect();
        let more = if definition.options.len() > NAMED_OPTIONS { ", …" } else { "" };
        format!("must be the id or the label of one of: {}{more}", labels.join(", "))
    })
}

/// The stored form of a date; empty for the date that stands for none.
pub fn date(text: &str) -> Option<String> {
    let at = parse_datetime(&text.to_uppercase())?;
    Some(if at.is_empty() { at } else { format!("{}T00:00:00", at.get(..10)?) })
}

/// The stored form of a time of day, `HH:MM:SS`. Of a date-time its time counts.
pub fn time(text: &str) -> Option<String> {
    let text = text.trim().to_uppercase();
    if text.len() > 10 && text.contains('T') {
        return parse_datetime(&text)?.get(11..19).map(str::to_owned);
    }
    let well_formed = matches!(text.len(), 5 | 8)
        && text.bytes().enumerate().all(|(at, byte)| match at {
            2 | 5 => byte == b':',
            _ => byte.is_ascii_digit(),
        });
    let part = |at: usize| text.get(at..at + 2).map_or(Some(0), |digits| digits.parse::<u8>().ok());
    let (hour, minute, second) = (part(0)?, part(3)?, part(6)?);
    (well_formed && hour < 24 && minute < 60 && second < 60)
        .then(|| format!("{hour:02}:{minute:02}:{second:02}"))
}

/// A boolean as clients write it.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => parse_bool(text.trim()),
        Value::Number(number) => parse_bool(&number.to_string()),
        _ => None,
    }
}

fn table(value: &Value) -> Checked<Value> {
    let rows = value.as_array().ok_or("must be a list of rows")?;
    if let Some(at) = rows.iter().position(|row| !row.is_object()) {
        return Err(format!("must be a list of objects, but row {at} is none"));
    }
    if rows.len() > TABLE_ROWS {
        return Err(format!("must have at most {TABLE_ROWS} rows"));
    }
    if value.to_string().len() > TABLE_BYTES {
        return Err(format!("must be at most {TABLE_BYTES} bytes of JSON"));
    }
    Ok(value.clone())
}

/// A value as a person reads it: labels for selections, Yes or No for checkboxes.
pub fn display(definition: &Definition, value: &Value) -> String {
    let label = |value: &Value| {
        let id = value.as_i64()?;
        definition.options.iter().find(|(found, _)| *found == id).map(|(_, label)| label.clone())
    };
    match (definition.kind, value) {
        (_, Value::Null) => String::new(),
        (Type::Single, value) => label(value).unwrap_or_default(),
        (Type::Multi, value) => {
            let ids = value.as_array().map(Vec::as_slice).unwrap_or_default();
            ids.iter().filter_map(label).collect::<Vec<String>>().join(", ")
        }
        (Type::Date, Value::String(text)) => text.get(..10).unwrap_or(text).to_owned(),
        (Type::Time, Value::String(text)) => text.strip_suffix(":00").unwrap_or(text).to_owned(),
        (Type::Checkbox, Value::Bool(flag)) => if *flag { "Yes" } else { "No" }.to_owned(),
        (Type::Table, Value::Array(rows)) => match rows.len() {
            1 => "1 row".to_owned(),
            count => format!("{count} rows"),
        },
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}
