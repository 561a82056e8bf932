//! A record in memory while rules work on it, and its stored form.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value};

use crate::field::{Field, Kind, Schema, Source};

/// A field's position, checked at compile time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(pub usize);

impl Key {
    /// The key of `name`; a name that the schema lacks stops the build.
    pub const fn of(schema: &Schema, name: &str) -> Key {
        match schema.position(name) {
            Some(position) => Key(position),
            None => panic!("no such field"),
        }
    }
}

/// The set fields of one record, by position and therefore in catalogue order.
#[derive(Clone)]
pub struct Record {
    pub schema: &'static Schema,
    values: BTreeMap<usize, Value>,
}

impl Record {
    pub fn new(schema: &'static Schema) -> Record {
        Record { schema, values: BTreeMap::new() }
    }

    /// Reads a stored document; names that the catalogue no longer has are dropped.
    pub fn from_doc(schema: &'static Schema, doc: &str) -> Record {
        let mut record = Record::new(schema);
        if let Ok(map) = serde_json::from_str::<Map<String, Value>>(doc) {
            for (name, value) in map {
                if let Some(position) = schema.find(&name) {
                    record.values.insert(position, value);
                }
            }
        }
        record
    }

    /// The stored document: sparse, in catalogue order, without what is computed at read time.
    pub fn to_doc(&self) -> String {
        let mut doc = String::with_capacity(256);
        doc.push('{');
        for (&position, value) in &self.values {
            let Some(field) = self.schema.fields.get(position) else {
                continue;
            };
            if !is_stored(field) || is_default(field.kind, value) {
                continue;
            }
            if doc.len() > 1 {
                doc.push(',');
            }
            doc.push('"');
            doc.push_str(field.name);
            doc.push_str("\":");
            doc.push_str(&value.to_string());
        }
        doc.push('}');
        doc
    }

    pub fn get(&self, key: Key) -> Option<&Value> {
        self.values.get(&key.0)
    }
    pub fn set(&mut self, key: Key, value: impl Into<Value>) {
        self.values.insert(key.0, value.into());
    }
    pub fn clear(&mut self, key: Key) {
        self.values.remove(&key.0);
    }
    pub fn int(&self, key: Key) -> i64 {
        self.get(key).and_then(Value::as_i64).unwrap_or(0)
    }
    pub fn text(&self, key: Key) -> &str {
        self.get(key).and_then(Value::as_str).unwrap_or("")
    }
    pub fn bool(&self, key: Key) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(false)
    }
    /// True when the field has a value other than its kind's default.
    pub fn is_set(&self, key: Key) -> bool {
        match (self.get(key), self.schema.fields.get(key.0)) {
            (Some(value), Some(field)) => !is_default(field.kind, value),
            _ => false,
        }
    }
    /// The set fields, in catalogue order.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Value)> {
        self.values.iter().map(|(&position, value)| (Key(position), value))
    }
    /// The stored fields in which two states of a record differ; `None` is one that does not exist.
    pub fn differing(before: Option<&Record>, after: Option<&Record>) -> Vec<Key> {
        let positions = |record: Option<&Record>| {
            record.map(|record| record.values.keys().copied().collect()).unwrap_or_default()
        };
        let mut all: BTreeSet<usize> = positions(before);
        all.extend(positions(after));
        let differs = |key: &Key| {
            let field = before.or(after).and_then(|record| record.schema.fields.get(key.0));
            field.is_some_and(is_stored) && set_value(before, *key) != set_value(after, *key)
        };
        all.into_iter().map(Key).filter(differs).collect()
    }
    /// The same by name, for the history.
    pub fn differing_names(before: Option<&Record>, after: Option<&Record>) -> Vec<&'static str> {
        let keys = Record::differing(before, after);
        let Some(schema) = before.or(after).map(|record| record.schema) else { return Vec::new() };
        keys.into_iter().map(|key| schema.fields[key.0].name).collect()
    }
    /// A decimal's text; `0` when unset.
    pub fn decimal(&self, key: Key) -> String {
        match self.get(key) {
            Some(Value::Number(number)) => number.to_string(),
            _ => "0".to_owned(),
        }
    }
}

fn set_value(record: Option<&Record>, key: Key) -> Option<&Value> {
    record.filter(|record| record.is_set(key)).and_then(|record| record.get(key))
}

/// True for fields that are part of the document.
pub fn is_stored(field: &Field) -> bool {
    matches!(field.source, Source::Doc)
        && !matches!(
            field.mode,
            crate::field::Mode::In | crate::field::Mode::Out | crate::field::Mode::Name
        )
}

/// True when `value` is what an unset field of this kind reads as.
pub fn is_default(kind: Kind, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => matches!(kind, Kind::Bool) && !flag,
        Value::Number(number) => {
            matches!(kind, Kind::Int | Kind::Int64 | Kind::Decimal) && number.as_i64() == Some(0)
        }
        Value::String(text) => !matches!(kind, Kind::Any) && text.is_empty(),
        Value::Array(items) => !matches!(kind, Kind::Any) && items.is_empty(),
        Value::Object(map) => !matches!(kind, Kind::Any) && map.is_empty(),
    }
}

/// A JSON number from canonical decimal text; 0 when the text is no number.
pub fn number(text: &str) -> Value {
    Value::Number(serde_json::from_str::<Number>(text).unwrap_or_else(|_| Number::from(0)))
}
