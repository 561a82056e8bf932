//! Where the records live: one SQL text on SQLite and PostgreSQL.
//!
//! Only this crate knows the database drivers. [`Db`] answers single statements, [`Tx`] is one
//! write transaction; [`records`] has the generic statements for every entity.

pub mod archive;
pub mod attachments;
pub mod beside;
pub mod changes;
pub mod codes;
pub mod db;
pub mod dialect;
pub mod feed;
pub mod follow;
pub mod idempotency;
pub mod leases;
pub mod migrate;
pub mod popups;
mod postgres;
pub mod prepay;
pub mod records;
pub mod sealed;
pub mod settings;
mod settled;
pub mod snapshot;
pub mod sql;
mod sqlite;
pub mod tickets;
pub mod tokens;
pub mod users;
mod value;
pub mod verify;
pub mod webhooks;

pub use db::{Ahead, DatabaseUrl, Db, Error, Options, Read, Result, Row, Tx, Value};
pub use dialect::Dialect;
pub use settled::Settled;
