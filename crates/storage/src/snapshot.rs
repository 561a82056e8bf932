//! The whole database as it is at one moment, table by table: for backups and checks.

use crate::db::{Error, Result, Row};
use crate::dialect::Dialect;
use crate::{postgres, sqlite};

/// A read transaction over everything. Writers go on meanwhile; what they commit after
/// [`crate::Db::snapshot`] does not appear in it. No statement in it runs out of time.
pub struct Snapshot {
    inner: Inner,
}

pub(crate) enum Inner {
    Sqlite(sqlite::Snapshot),
    Postgres(postgres::Snapshot),
}

/// The table that says which migrations were applied.
pub const MIGRATIONS_TABLE: &str = "schema_migrations";

impl Snapshot {
    pub(crate) fn new(inner: Inner) -> Snapshot {
        Snapshot { inner }
    }

    pub fn dialect(&self) -> Dialect {
        match &self.inner {
            Inner::Sqlite(_) => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The names of all tables, in order, without [`MIGRATIONS_TABLE`].
    pub async fn tables(&mut self) -> Result<Vec<String>> {
        let sql = self.dialect().tables();
        let mut names = Vec::new();
        self.each(sql, &mut |mut row| names.push(row.take_text(0))).await?;
        names.retain(|name| name != MIGRATIONS_TABLE);
        Ok(names)
    }

    /// The columns of a table, in order of their names, so that both databases give the same.
    pub async fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let sql = self.dialect().columns(table);
        let mut names = Vec::new();
        self.each(&sql, &mut |mut row| names.push(row.take_text(0))).await?;
        Ok(names)
    }

    /// Hands over the rows of one statement one by one.
    pub async fn each(&mut self, sql: &str, each: &mut (dyn FnMut(Row) + Send)) -> Result<()> {
        match &mut self.inner {
            Inner::Sqlite(snapshot) => snapshot.each(sql, each),
            Inner::Postgres(snapshot) => snapshot.each(sql, each).await,
        }
    }

    /// The number in the first column of a statement's only row.
    pub async fn number(&mut self, sql: &str) -> Result<i64> {
        let mut number = None;
        self.each(sql, &mut |row| number = Some(row.int(0))).await?;
        number.ok_or_else(|| Error::Internal(format!("no row from {sql}")))
    }
}
