//! The fields that say how a record is to be written. They hold for every kind of record; some
//! published schemas have them, most don't.

use aureole_catalogue::accept::{join, parse_bool};
use aureole_catalogue::{Change, Entity, Problems};
use serde_json::{Map, Value};

/// No webhook for this record.
pub const QUIET: &str = "_dont_fire_automations";
/// The record's history says that it was imported.
const IMPORT: &str = "_isimport";
/// From where; means [`IMPORT`] as well.
const IMPORT_TYPE: &str = "_importtype";
/// From Xero; means [`IMPORT`] as well.
const FROM_XERO: &str = "_isxero";

/// True when the body has this flag, in any spelling of true.
pub fn is_on(body: &Map<String, Value>, name: &str) -> bool {
    body.get(name).and_then(flag) == Some(true)
}

/// True when the record's history is to say that it was imported.
pub fn is_import(body: &Map<String, Value>) -> bool {
    let from = body.get(IMPORT_TYPE).and_then(Value::as_str);
    is_on(body, IMPORT) || is_on(body, FROM_XERO) || from.is_some_and(|from| !from.is_empty())
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => parse_bool(text.trim()),
        Value::Number(number) => parse_bool(&number.to_string()),
        _ => None,
    }
}

/// Takes these fields from the unknown ones of a kind whose schema lacks them.
pub fn check(
    entity: &Entity,
    body: &Map<String, Value>,
    change: &mut Change,
    path: &str,
    problems: &mut Problems,
) {
    change.unknown.retain(|name| ![QUIET, IMPORT, IMPORT_TYPE].contains(&name.as_str()));
    for name in [QUIET, IMPORT] {
        let value = body.get(name).filter(|value| !value.is_null());
        if entity.schema.find(name).is_none() && value.is_some_and(|value| flag(value).is_none()) {
            problems.add(join(path, name), "must be true or false");
        }
    }
}
