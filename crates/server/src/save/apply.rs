//! Lays the fields of a body over the stored state.

use serde_json::{Map, Value};

use aureole_catalogue::record::is_stored;
use aureole_catalogue::{Change, Key, Kind, Record};

/// Sets, clears and merges; fields that are not part of the document are left to the rules.
/// `merge` keeps the elements of collections that the body does not mention.
pub fn apply(change: &Change, before: Option<&Record>, record: &mut Record, merge: bool) {
    for (key, value) in change.iter() {
        let Some(field) = record.schema.fields.get(key.0) else { continue };
        if !is_stored(field) || field.name == "id" {
            continue;
        }
        let old = before.and_then(|before| before.get(key));
        match (value, field.kind) {
            // A collection that is null stays as it is.
            (None, kind) if is_list(kind) => {}
            (None, _) => record.clear(key),
            (Some(new), Kind::Object(_)) => record.set(key, merged_object(old, new)),
            (Some(new), Kind::List(schema)) => {
                let by_name = matches!(field.name, "customfields" | "site_fields");
                let keep = merge || by_name;
                let has_id =
                    schema.find("id").is_some_and(|at| matches!(schema.fields[at].kind, Kind::Int));
                record.set(key, merged_list(old, new, has_id, by_name, keep));
            }
            (Some(new), _) => record.set(key, new.clone()),
        }
    }
}

fn is_list(kind: Kind) -> bool {
    matches!(kind, Kind::List(_) | Kind::IntList | Kind::TextList | Kind::AnyList)
}

/// The new keys over the old ones; an explicit null removes a key.
pub fn merged_object(old: Option<&Value>, new: &Value) -> Value {
    let mut map = old.and_then(Value::as_object).cloned().unwrap_or_default();
    if let Value::Object(new) = new {
        for (name, value) in new {
            if value.is_null() {
                map.shift_remove(name);
            } else {
                map.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(map)
}

/// The new list. An element with the id of an old one (or its name, for custom fields) updates
/// that one; one without an id gets the next. `keep` retains what is not mentioned.
fn merged_list(old: Option<&Value>, new: &Value, has_id: bool, by_name: bool, keep: bool) -> Value {
    let old: &[Value] = old.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let new: &[Value] = new.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut next = old.iter().chain(new).filter_map(id).max().unwrap_or(0);
    let mut list: Vec<Value> = if keep { old.to_vec() } else { Vec::new() };
    for element in new {
        let matching = |other: &Value| same(other, element, by_name);
        let mut merged = merged_object(old.iter().find(|other| matching(other)), element);
        if has_id && !by_name && id(&merged).is_none() {
            next += 1;
            if let Value::Object(map) = &mut merged {
                map.insert("id".to_owned(), Value::from(next));
            }
        }
        match list.iter().position(matching) {
            Some(at) => list[at] = merged,
            None => list.push(merged),
        }
    }
    Value::Array(list)
}

fn id(element: &Value) -> Option<i64> {
    element.get("id").and_then(Value::as_i64).filter(|id| *id > 0)
}

fn same(left: &Value, right: &Value, by_name: bool) -> bool {
    match (id(left), id(right)) {
        (Some(left), Some(right)) => left == right,
        (_, None) if by_name => {
            let name =
                |element: &Value| element.get("name").and_then(Value::as_str).map(str::to_owned);
            name(right).is_some() && name(left) == name(right)
        }
        _ => false,
    }
}

/// A map with one field, for records that rules make.
pub fn map(pairs: Vec<(&str, Value)>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Copies a value from one record's change to another's body, when there is one.
pub fn copy(change: &Change, from: Key, body: &mut Map<String, Value>, to: &str) {
    if let Some(value) = change.value(from) {
        body.insert(to.to_owned(), value.clone());
    }
}
