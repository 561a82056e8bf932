//! A small filter algebra. The storage crate compiles what it can into SQL; the rest is decided
//! here, row by row, with the same meaning.

use rust_decimal::Decimal;

use crate::doc;
use crate::entity::EntityKind;
use crate::field::{Kind, Schema, Source};
use crate::value::fold;

/// Which records a list has.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every record.
    True,
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// A test on one field, by position.
    Field {
        position: usize,
        test: Test,
    },
    /// A test on a value in a list of defined fields (`customfields`, `site_fields`), by the
    /// definition's id. Until the server has looked the definition up, the id may be 0 and the name
    /// (without `CF`) says which one is meant. Passes when any one of several values passes.
    Custom {
        list: &'static str,
        id: i64,
        name: String,
        /// What an unset value reads as.
        unset: &'static str,
        test: Test,
    },
    /// The folded word occurs in the search text.
    Search(String),
    /// The folded word occurs in the text by which the owner is found.
    Contact(String),
    /// The folded word occurs in the name.
    NameContains(String),
    /// One of these ids, which are in ascending order.
    Ids(Vec<i64>),
    /// A record of `kind` whose `column` is this record's id passes `filter`.
    Has {
        kind: EntityKind,
        column: &'static str,
        filter: Box<Filter>,
    },
    /// Some record of `kind` passes `filter`, whatever this record is.
    HasAny {
        kind: EntityKind,
        filter: Box<Filter>,
    },
    /// The value of `column` of this record is the id of a record of `kind` that passes `filter`.
    In {
        column: &'static str,
        kind: EntityKind,
        filter: Box<Filter>,
    },
    /// The last write was at or after (`true`), or at or before, this millisecond.
    Updated {
        from: bool,
        millis: i64,
    },
}

/// What a field's value must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Equal as folded text.
    Equals(String),
    /// Equal, as folded text, to one of these.
    OneOf(Vec<String>),
    /// The folded text occurs in the folded value.
    Contains(String),
    /// Compares by the field's own type.
    Compare(Compare, Operand),
    /// Has a value other than the default.
    IsSet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// The typed right side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Number(Decimal),
    Bool(bool),
    /// Folded text.
    Text(String),
    /// A date in the stored form; never equal to, before or after an unset one.
    Date(String),
}

impl Filter {
    /// All of these; flattens, and drops what is always true.
    pub fn all(filters: Vec<Filter>) -> Filter {
        let mut kept: Vec<Filter> =
            filters.into_iter().filter(|filter| *filter != Filter::True).collect();
        match kept.len() {
            0 => Filter::True,
            1 => kept.remove(0),
            _ => Filter::All(kept),
        }
    }

    /// No record passes.
    pub fn none() -> Filter {
        Filter::Ids(Vec::new())
    }

    /// An integer or boolean field equals `value`.
    pub fn int(position: usize, value: i64) -> Filter {
        let test = Test::Compare(Compare::Equal, Operand::Number(Decimal::from(value)));
        Filter::Field { position, test }
    }

    pub fn negate(self) -> Filter {
        Filter::Not(Box::new(self))
    }

    /// Decides a filter for one row. Relations to other records are decided by the database
    /// alone and never reach this function.
    pub fn matches(&self, row: &Row<'_>) -> bool {
        match self {
            Filter::True => true,
            // The storage crate replaces these by ids before it asks.
            Filter::Has { .. } | Filter::HasAny { .. } | Filter::In { .. } | Filter::Contact(_) => {
                false
            }
            Filter::All(all) => all.iter().all(|filter| filter.matches(row)),
            Filter::Any(any) => any.iter().any(|filter| filter.matches(row)),
            Filter::Not(filter) => !filter.matches(row),
            Filter::Field { position, test } => row.passes(*position, test),
            Filter::Custom { list, id, name, unset, test } => {
                row.custom_passes(list, *id, name, unset, test)
            }
            Filter::Search(word) => row.search_key.contains(word.as_str()),
            Filter::NameContains(word) => row.name().contains(word.as_str()),
            Filter::Ids(ids) => ids.binary_search(&row.id).is_ok(),
            Filter::Updated { from: true, millis } => row.updated_at >= *millis,
            Filter::Updated { from: false, millis } => row.updated_at <= *millis,
        }
    }
}

/// A row under test: its raw fields and the names that it looks up.
pub struct Row<'a> {
    pub schema: &'static Schema,
    pub id: i64,
    pub updated_at: i64,
    pub search_key: &'a str,
    /// The stored fields by position, ascending.
    pub fields: &'a [(usize, &'a str)],
    /// Looked-up texts by position.
    pub lookups: &'a [(usize, String)],
}

impl Row<'_> {
    /// The raw JSON of a stored field.
    fn raw(&self, position: usize) -> Option<&str> {
        self.fields.iter().find(|(at, _)| *at == position).map(|(_, raw)| *raw)
    }

    fn name(&self) -> String {
        self.schema.find("name").map(|position| fold(&self.text(position))).unwrap_or_default()
    }

    /// A field's value as text; unset numbers read as 0, unset booleans as false.
    pub fn text(&self, position: usize) -> String {
        let Some(field) = self.schema.fields.get(position) else {
            return String::new();
        };
        if field.name == "id" {
            return self.id.to_string();
        }
        match field.source {
            Source::Name { .. } | Source::ClientSiteName | Source::Tickets(_) => {
                let found = self.lookups.iter().find(|(at, _)| *at == position);
                return found.map(|(_, text)| text.clone()).unwrap_or_default();
            }
            Source::Constant(text) => return text.to_owned(),
            Source::UpdatedAt => return crate::value::format_millis(self.updated_at),
            Source::AddressLine { object, key } => {
                let object = self.schema.position(object).and_then(|at| self.raw(at));
                return object
                    .and_then(|raw| doc::raw(raw, key))
                    .map(doc::unquote)
                    .unwrap_or_default();
            }
            Source::Doc | Source::Rule => {}
        }
        match (self.raw(position), field.kind) {
            (Some(raw), _) if raw.starts_with('"') => doc::unquote(raw),
            (Some(raw), _) => raw.to_owned(),
            (None, Kind::Int | Kind::Int64 | Kind::Decimal) => "0".to_owned(),
            (None, Kind::Bool) => "false".to_owned(),
            (None, _) => String::new(),
        }
    }

    fn passes(&self, position: usize, test: &Test) -> bool {
        let Some(field) = self.schema.fields.get(position) else {
            return false;
        };
        test.passes(&self.text(position), field.kind)
    }

    /// The value of a defined field is kept as `{"id":…,"name":…,"value":…}` in the document.
    fn custom_passes(&self, list: &str, id: i64, name: &str, unset: &str, test: &Test) -> bool {
        let stored = self.schema.find(list).and_then(|position| self.raw(position));
        if id > 0 {
            let value = stored.and_then(|stored| defined_value(stored, id));
            return defined_passes(value, unset, test);
        }
        let elements: Vec<serde_json::Value> =
            stored.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        let element = elements
            .iter()
            .find(|element| element.get("name").and_then(serde_json::Value::as_str) == Some(name));
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match element.and_then(|element| element.get("value")) {
            None | Some(serde_json::Value::Null) => test.passes(unset, Kind::Any),
            Some(serde_json::Value::Array(values)) => {
                values.iter().any(|value| test.passes(&text(value), Kind::Any))
            }
            Some(value) => test.passes(&text(value), Kind::Any),
        }
    }
}

/// The raw value of a defined field in its stored list, by the definition's id.
pub fn defined_value(list: &str, id: i64) -> Option<&str> {
    let is_it = |element: &&str| {
        doc::raw(element, "id").and_then(|raw| raw.parse::<i64>().ok()) == Some(id)
    };
    doc::elements(list).find(is_it).and_then(|element| doc::raw(element, "value"))
}

/// Decides a test for the raw value of a defined field; any one of several values is enough.
pub fn defined_passes(value: Option<&str>, unset: &str, test: &Test) -> bool {
    let passes = |raw: &str| match raw.starts_with('"') {
        true => test.passes(&doc::unquote(raw), Kind::Any),
        false => test.passes(raw, Kind::Any),
    };
    match value {
        None | Some("" | "null") => test.passes(unset, Kind::Any),
        Some(list) if list.starts_with('[') => doc::elements(list).any(passes),
        Some(raw) => passes(raw),
    }
}

impl Test {
    /// Decides a test for a value given as text.
    pub fn passes(&self, value: &str, kind: Kind) -> bool {
        match self {
            Test::Equals(wanted) => fold(value) == *wanted,
            Test::OneOf(wanted) => wanted.contains(&fold(value)),
            Test::Contains(part) => fold(value).contains(part.as_str()),
            Test::IsSet => {
                let unset = match kind {
                    Kind::Int | Kind::Int64 | Kind::Decimal => "0",
                    Kind::Bool => "false",
                    _ => "",
                };
                !value.is_empty() && value != unset
            }
            Test::Compare(compare, operand) => match operand {
                Operand::Number(right) => match number(value, kind) {
                    Some(left) => compare.holds(&left, right),
                    None => false,
                },
                Operand::Bool(right) => compare.holds(&(value == "true"), right),
                Operand::Text(right) => compare.holds(&fold(value).as_str(), &right.as_str()),
                Operand::Date(right) => !value.is_empty() && compare.holds(&value, &right.as_str()),
            },
        }
    }
}

fn number(value: &str, kind: Kind) -> Option<Decimal> {
    match kind {
        Kind::Bool => Some(Decimal::from(i64::from(value == "true"))),
        _ => value.parse().ok(),
    }
}

impl Compare {
    pub fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Compare::Equal => left == right,
            Compare::Greater => left > right,
            Compare::GreaterOrEqual => left >= right,
            Compare::Less => left < right,
            Compare::LessOrEqual => left <= right,
        }
    }

    /// The operator in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Compare::Equal => "=",
            Compare::Greater => ">",
            Compare::GreaterOrEqual => ">=",
            Compare::Less => "<",
            Compare::LessOrEqual => "<=",
        }
    }
}
