//! Answers about tables that every write asks and hardly any changes: settings, definitions of fields,
//! top levels.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::db::{Row, Value};

/// The tables.
pub(crate) const TABLES: &[&str] = &["tenant_settings", "field_info", "site_field", "top_level"];
/// Answers that are kept of one statement, and rows of one answer.
const MAX_ANSWERS: usize = 64;
const MAX_ROWS: usize = 1_000;
/// Statements whose answers are kept; there are a dozen.
const MAX_TEXTS: usize = 256;

/// The answers that were given, by statement and parameters.
#[derive(Default)]
pub(crate) struct Answers {
    by_text: HashMap<Box<str>, Vec<Answer>>,
}

struct Answer {
    asked: Vec<Value>,
    rows: Vec<Row>,
}

impl Answers {
    pub(crate) fn get(&self, sql: &str, params: &[Value]) -> Option<Vec<Row>> {
        let answer = self.by_text.get(sql)?.iter().find(|answer| answer.asked == params)?;
        Some(answer.rows.clone())
    }

    pub(crate) fn keep(&mut self, sql: &str, params: &[Value], rows: &[Row]) {
        if rows.len() > MAX_ROWS {
            return;
        }
        if self.by_text.len() >= MAX_TEXTS && !self.by_text.contains_key(sql) {
            self.by_text.clear();
        }
        let answers = self.by_text.entry(sql.into()).or_default();
        if answers.len() >= MAX_ANSWERS {
            answers.clear();
        }
        answers.push(Answer { asked: params.to_vec(), rows: rows.to_vec() });
    }

    pub(crate) fn clear(&mut self) {
        self.by_text.clear();
    }
}

/// The answers about one tenant, for the transactions of one process. Whoever hands them to a
/// transaction ([`crate::Tx::recall`]) knows that nothing has changed since they were given.
#[derive(Default)]
pub struct Settled {
    answers: Mutex<Answers>,
}

impl Settled {
    pub(crate) fn get(&self, sql: &str, params: &[Value]) -> Option<Vec<Row>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(sql, params)
    }

    pub(crate) fn keep(&self, sql: &str, params: &[Value], rows: &[Row]) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.get(sql, params).is_none() {
            answers.keep(sql, params, rows);
        }
    }
}

pub(crate) fn words(sql: &str) -> Vec<&str> {
    sql.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
        .filter(|word| !word.is_empty())
        .collect()
}

/// True for a SELECT that reads settled tables and no other, and locks nothing.
pub(crate) fn is_question(words: &[&str]) -> bool {
    let is = |word: &str, name: &str| word.eq_ignore_ascii_case(name);
    let begins = words.first().is_some_and(|first| is(first, "select"));
    let mut tables = words
        .windows(2)
        .filter(|pair| is(pair[0], "from") || is(pair[0], "join"))
        .map(|pair| pair[1]);
    begins
        && mentions(words)
        && tables.all(|table| TABLES.contains(&table))
        && !words.windows(2).any(|pair| is(pair[0], "for") && is(pair[1], "update"))
}

/// True for a statement that names a settled table.
pub(crate) fn mentions(words: &[&str]) -> bool {
    words.iter().any(|word| TABLES.contains(word))
}
