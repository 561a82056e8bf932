//! The executor that the rest of the program sees: values, rows, [`Db`] and [`Tx`].

use std::sync::Arc;

use crate::dialect::Dialect;

pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in the database, by who has to act.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique index refused the write; `index` is its name where the database tells it.
    #[error("unique index {index} refused the write")]
    Unique { index: String },
    /// The database can't be reached, is locked for too long, or the pool is exhausted.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// A statement ran longer than `Options::query_timeout_ms`.
    #[error("statement ran out of time")]
    Timeout,
    /// A database that this program can't open: its schema is newer than the program.
    #[error("{0}")]
    Schema(String),
    /// Anything else: a defect of ours. The text is for the log, never for a caller.
    #[error("database error: {0}")]
    Internal(String),
}

/// One bound or returned value. The schema has two column types only, BIGINT and TEXT.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    /// Parameters only: a set of ids, used through [`Dialect::in_ids`].
    Ids(Arc<[i64]>),
}
