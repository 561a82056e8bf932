//! What travels to and from the database.

use std::sync::Arc;

/// One bound or returned value. The schema has two column types only, BIGINT and TEXT.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    /// Parameters only: a set of ids, used through [`crate::Dialect::in_ids`].
    Ids(Arc<[i64]>),
}

impl Value {
    /// A parameter for [`crate::Dialect::in_ids`].
    pub fn ids(ids: &[i64]) -> Self {
        Self::Ids(ids.into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

/// Booleans are stored as 0 and 1.
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Arc<[i64]>> for Value {
    fn from(value: Arc<[i64]>) -> Self {
        Self::Ids(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of a reply. Columns are addressed by position, from 0; a position that the statement
/// doesn't have reads as NULL.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self { values }
    }

    /// How many columns.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn is_null(&self, column: usize) -> bool {
        matches!(self.values.get(column), None | Some(Value::Null))
    }

    /// The number in this column; 0 when it is NULL.
    pub fn int(&self, column: usize) -> i64 {
        self.opt_int(column).unwrap_or_default()
    }

    pub fn opt_int(&self, column: usize) -> Option<i64> {
        match self.values.get(column) {
            Some(Value::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// The text in this column; empty when it is NULL.
    pub fn text(&self, column: usize) -> &str {
        self.opt_text(column).unwrap_or_default()
    }

    pub fn opt_text(&self, column: usize) -> Option<&str> {
        match self.values.get(column) {
            Some(Value::Text(value)) => Some(value),
            _ => None,
        }
    }

    /// Moves the text out without a copy; empty when it is NULL. The column reads as NULL afterwards.
    pub fn take_text(&mut self, column: usize) -> String {
        match self.values.get_mut(column) {
            Some(value @ Value::Text(_)) => match std::mem::replace(value, Value::Null) {
                Value::Text(text) => text,
                _ => String::new(),
            },
            _ => String::new(),
        }
    }
}
