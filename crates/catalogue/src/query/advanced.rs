//! `advanced_search`: a JSON array of conditions that must all hold.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{ListLimits, Params};
use crate::accept::{Problems, parse_bool};
use crate::entity::Entity;
use crate::field::{Field, Kind, Mode, Source};
use crate::filter::{Compare, Filter, Operand, Test};
use crate::value::{fold, parse_datetime};

const PARAMETER: &str = "advanced_search";

/// Reads the parameter; absent is a filter that every record passes.
pub fn advanced_search(
    entity: &'static Entity,
    params: &Params,
    limits: &ListLimits,
    problems: &mut Problems,
) -> Filter {
    let Some(text) = params.get(PARAMETER) else {
        return Filter::True;
    };
    let conditions = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(conditions)) => conditions,
        Ok(_) => {
            problems.add(PARAMETER, "must be a JSON array of conditions");
            return Filter::True;
        }
        Err(_) => {
            problems.add(PARAMETER, "is not well-formed JSON");
            return Filter::True;
        }
    };
    if conditions.len() > limits.conditions {
        problems.add(PARAMETER, format!("must have at most {} conditions", limits.conditions));
        return Filter::True;
    }
    conditions_filter(entity, &conditions, PARAMETER, problems)
}

/// The filter of a list of conditions, also of a saved view's.
pub fn conditions_filter(
    entity: &'static Entity,
    conditions: &[Value],
    path: &str,
    problems: &mut Problems,
) -> Filter {
    let mut filters = Vec::new();
    for (at, condition) in conditions.iter().enumerate() {
        match read(entity, condition) {
            Ok(filter) => filters.push(filter),
            Err(message) => problems.add(format!("{path}[{at}]"), message),
        }
    }
    Filter::all(filters)
}

fn read(entity: &'static Entity, condition: &Value) -> Result<Filter, String> {
    let name = condition.get("filter_name").and_then(Value::as_str).unwrap_or("");
    let kind = match condition.get("filter_type") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let kind = kind.ok_or_else(|| "filter_type must be an integer from 0 to 10".to_owned())?;
    let value = condition.get("filter_value").unwrap_or(&Value::Null);
    let test = |field: Option<&Field>| test(kind, value, field);
    if name.contains('\0') {
        return Err("filter_name must not contain a NUL character".to_owned());
    }
    // A saved view remembers the definition, which may have another name by now.
    let id = condition.get("custom_field_id").and_then(Value::as_i64).unwrap_or(0);
    if let Some(custom) = name.strip_prefix("CF").or((id > 0).then_some(name)) {
        if entity.schema.find("customfields").is_none() {
            return Err(format!("{name:?}: this kind of record has no custom fields"));
        }
        let (test, negated) = test(None)?;
        let filter =
            Filter::Custom { list: "customfields", id, name: custom.to_owned(), unset: "", test };
        return Ok(if negated { filter.negate() } else { filter });
    }
    let found =
        entity.schema.find(name).filter(|&position| is_searchable(&entity.schema.fields[position]));
    let position =
        found.ok_or_else(|| format!("filter_name {name:?} is not a field that can be searched"))?;
    let (test, negated) = test(Some(&entity.schema.fields[position]))?;
    let filter = Filter::Field { position, test };
    Ok(if negated { filter.negate() } else { filter })
}

fn is_searchable(field: &Field) -> bool {
    !field.kind.is_nested()
        && !matches!(field.mode, Mode::In | Mode::Out | Mode::Secret)
        && !matches!(field.source, Source::Rule)
}

/// The test and whether it is negated.
fn test(kind: i64, value: &Value, field: Option<&Field>) -> Result<(Test, bool), String> {
    match kind {
        0 | 1 => Ok((Test::OneOf(texts(value)?), kind == 1)),
        2 | 3 => Ok((Test::Equals(fold(&text(value)?)), kind == 3)),
        4 | 5 => Ok((Test::Contains(fold(&text(value)?)), kind == 5)),
        6..=10 => {
            let compare = match kind {
                6 => Compare::Equal,
                7 => Compare::Greater,
                8 => Compare::GreaterOrEqual,
                9 => Compare::Less,
                _ => Compare::LessOrEqual,
            };
            Ok((Test::Compare(compare, operand(&text(value)?, field)?), false))
        }
        _ => Err(format!("filter_type {kind} is not one of 0 to 10")),
    }
}

fn operand(text: &str, field: Option<&Field>) -> Result<Operand, String> {
    let number = || text.trim().parse::<Decimal>();
    match field.map(|field| field.kind) {
        Some(Kind::Int | Kind::Int64 | Kind::Decimal) => number()
            .map(Operand::Number)
            .map_err(|_| format!("filter_value {text:?} must be a number")),
        Some(Kind::Bool) => parse_bool(text.trim())
            .map(Operand::Bool)
            .ok_or_else(|| format!("filter_value {text:?} must be true or false")),
        Some(Kind::DateTime) => parse_datetime(text)
            .map(Operand::Date)
            .ok_or_else(|| format!("filter_value {text:?} must be a date-time")),
        Some(_) => Ok(Operand::Text(fold(text))),
        // A custom field's value is compared as what the given value looks like.
        None => Ok(match number() {
            Ok(number) => Operand::Number(number),
            Err(_) => Operand::Text(fold(text)),
        }),
    }
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err("filter_value must not contain a NUL character".to_owned())
        }
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => Err("filter_value must be a single value".to_owned()),
    }
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(items) => {
            items.iter().map(|item| text(item).map(|text| fold(text.trim()))).collect()
        }
        other => Ok(text(other)?.split(',').map(|part| fold(part.trim())).collect()),
    }
}
