//! Brings the schema up to date.
//!
//! A migration is `migrations/NNNN_name.sql` for both databases, followed where they must differ by
//! `NNNN_name.sqlite.sql` or `NNNN_name.postgres.sql`. It is a released file once it is in a release:
//! never edited again, only followed by another. `{text_key}` stands for [`Dialect::text_key`],
//! `{and:COLUMN}` for [`Dialect::and_searched`].

use crate::db::{Db, Error, Read, Result, Tx, Value};
use crate::dialect::Dialect;

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// `NNNN_name`; the number in front is the version, ascending from 1.
    pub name: &'static str,
    /// Runs on both databases, first.
    pub both: &'static str,
    /// Runs on SQLite only, may be empty.
    pub sqlite: &'static str,
    /// Runs on PostgreSQL only, may be empty.
    pub postgres: &'static str,
}

impl Migration {
    /// The number in front of the name; 0 when there is none, which a test refuses.
    pub fn version(&self) -> i64 {
        let digits = self.name.split('_').next().unwrap_or_default();
        digits.parse().unwrap_or_default()
    }

    fn script(&self, dialect: Dialect) -> String {
        let own = match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        };
        format!("{}\n{own}", self.both)
            .replace("{text_key}", dialect.text_key())
            .replace("{and:search_key}", dialect.and_searched("search_key"))
            .replace("{and:contact_key}", dialect.and_searched("contact_key"))
    }
}

/// All migrations, oldest first.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_foundation",
        both: include_str!("../migrations/0001_foundation.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        name: "0002_change_commit",
        both: "",
        sqlite: "",
        postgres: include_str!("../migrations/0002_change_commit.postgres.sql"),
    },
    Migration {
        name: "0003_sign_in",
        both: include_str!("../migrations/0003_sign_in.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        name: "0004_attachments_and_stock",
        both: include_str!("../migrations/0004_attachments_and_stock.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        name: "0005_feed",
        both: include_str!("../migrations/0005_feed.sql"),
        sqlite: "",
        postgres: include_str!("../migrations/0005_feed.postgres.sql"),
    },
    Migration {
        name: "0006_client_link",
        both: include_str!("../migrations/0006_client_link.sql"),
        sqlite: include_str!("../migrations/0006_client_link.sqlite.sql"),
        postgres: include_str!("../migrations/0006_client_link.postgres.sql"),
    },
    Migration {
        name: "0007_history",
        both: include_str!("../migrations/0007_history.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        name: "0008_webhooks",
        both: include_str!("../migrations/0008_webhooks.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        name: "0009_settings",
        both: include_str!("../migrations/0009_settings.sql"),
        sqlite: include_str!("../migrations/0009_settings.sqlite.sql"),
        postgres: include_str!("../migrations/0009_settings.postgres.sql"),
    },
    Migration {
        name: "0010_user_documents",
        both: "",
        sqlite: include_str!("../migrations/0010_user_documents.sqlite.sql"),
        postgres: include_str!("../migrations/0010_user_documents.postgres.sql"),
    },
    Migration {
        name: "0011_folding",
        both: include_str!("../migrations/0011_folding.sql"),
        sqlite: "",
        postgres: "",
    },
];

/// Any number that no other program takes in the same PostgreSQL database.
const ADVISORY_LOCK: i64 = 0x0041_7572_656f_6c65;

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations \
     (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)";

impl Db {
    /// Applies the migrations that this database doesn't have yet, each in a transaction of its
    /// own, and returns their names. Two processes may start at once: one waits for the other.
    ///
    /// `now_ms` is the time since 1970 in milliseconds, for the record. Fails with
    /// [`Error::Schema`] when the database was migrated by a newer program.
    pub async fn migrate(&self, now_ms: i64) -> Result<Vec<String>> {
        let applied = apply(self, MIGRATIONS, now_ms).await?;
        self.raise_wall().await?;
        Ok(applied)
    }

    /// The version of the newest migration that was applied to this database; 0 for an empty one.
    pub async fn schema_version(&self) -> Result<i64> {
        let exists = self.dialect().table_exists();
        if self.query(exists, &[Value::from("schema_migrations")]).await?.is_empty() {
            return Ok(0);
        }
        newest(&mut self.clone()).await
    }
}

/// [`Db::migrate`] with the list as an argument.
pub async fn apply(db: &Db, migrations: &[Migration], now_ms: i64) -> Result<Vec<String>> {
    let known = migrations.last().map_or(0, Migration::version);
    let version = db.schema_version().await?;
    refuse_newer(version, known)?;
    let mut applied = Vec::new();
    for migration in migrations.iter().filter(|migration| migration.version() > version) {
        let mut tx = db.begin().await?;
        if run(&mut tx, migration, known, now_ms).await? {
            applied.push(migration.name.to_owned());
        }
        tx.commit().await?;
    }
    Ok(applied)
}

/// False when another process was faster.
async fn run(tx: &mut Tx, migration: &Migration, known: i64, now_ms: i64) -> Result<bool> {
    if tx.dialect() == Dialect::Postgres {
        // Building an index, or waiting for who does, may take longer than daily work.
        // And it takes the owner of the tables.
        tx.execute_script("SET LOCAL statement_timeout = 0; SET LOCAL ROLE NONE").await?;
        tx.query("SELECT pg_advisory_xact_lock($1)", &[Value::Int(ADVISORY_LOCK)]).await?;
    }
    tx.execute_script(CREATE_TABLE).await?;
    let version = newest(tx).await?;
    refuse_newer(version, known)?;
    if version >= migration.version() {
        return Ok(false);
    }
    tx.execute_script(&migration.script(tx.dialect()))
        .await
        .map_err(|error| Error::Internal(format!("migration {}: {error}", migration.name)))?;
    let insert = "INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)";
    let params = [Value::Int(migration.version()), Value::from(migration.name), Value::Int(now_ms)];
    tx.execute(insert, &params).await?;
    Ok(true)
}

async fn newest(reader: &mut impl Read) -> Result<i64> {
    let rows = reader.query("SELECT max(version) FROM schema_migrations", &[]).await?;
    Ok(rows.first().map_or(0, |row| row.int(0)))
}

fn refuse_newer(version: i64, known: i64) -> Result<()> {
    if version <= known {
        return Ok(());
    }
    Err(Error::Schema(format!(
        "this database has schema version {version}, but this program knows versions up to {known} \
         only; start the newer program that migrated it, or restore a backup from before"
    )))
}

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;

    #[test]
    fn versions_ascend_from_one() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            let expected = i64::try_from(index).unwrap() + 1;
            assert_eq!(migration.version(), expected, "{}", migration.name);
        }
    }
}
