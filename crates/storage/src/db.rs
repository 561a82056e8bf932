//! The executor that the rest of the program sees: [`Db`] and [`Tx`].
//!
//! One SQL text serves both databases. Parameters are written `$1`, `$2`, … and bound by that
//! number; only BIGINT and TEXT travel.

mod tx;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::dialect::Dialect;
use crate::follow::Step;
use crate::snapshot::{Inner, Snapshot};
pub use crate::value::{Row, Value};
use crate::{postgres, sqlite};
use tx::TxInner;
pub use tx::{Ahead, Tx};

pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in the database, by who has to act.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique index refused the write; `index` is its name (`TABLE_pkey` for a primary key).
    #[error("unique index {index} refused the write")]
    Unique { index: String },
    /// The database can't be reached, is locked for too long, or the pool is exhausted.
    /// The same request may work a moment later.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// A statement ran longer than [`Options::query_timeout_ms`].
    #[error("statement ran out of time")]
    Timeout,
    /// A database that this program can't open: its schema is newer than the program.
    #[error("{0}")]
    Schema(String),
    /// Anything else: a defect of ours. The text is for the log, never for a caller.
    #[error("database error: {0}")]
    Internal(String),
}

/// Where the database is.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`
    Sqlite(PathBuf),
    /// `postgres://…` or `postgresql://…`
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(url: &str) -> std::result::Result<Self, String> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => {
                let path = path.strip_prefix("//").unwrap_or(path);
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            _ => Err("a database URL is sqlite:PATH, postgres://USER@HOST/NAME or \
                      postgresql://USER@HOST/NAME"
                .to_owned()),
        }
    }
}

/// Without the user and password of a PostgreSQL URL, because this text ends in logs.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(out, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let place = url.rsplit_once('@').map(|(_, place)| place);
                let place = place.or_else(|| url.split_once("//").map(|(_, place)| place));
                let place = place.unwrap_or_default();
                write!(out, "postgres://{}", place.split('?').next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Sizes and limits of the executor.
#[derive(Clone, Debug)]
pub struct Options {
    /// SQLite: how many statements may read at the same time, each on its own connection.
    pub readers: usize,
    /// PostgreSQL: how many transactions may be open at the same time.
    pub pool_size: usize,
    /// A statement that runs longer ends with [`Error::Timeout`]. Nobody waits longer than this
    /// for a connection or for the SQLite writer either: that is [`Error::Unavailable`].
    pub query_timeout_ms: u64,
    /// SQLite: how long a reader may keep its view of the database, to save the cost of a new one.
    /// The commits of this process are visible at once, those of another one after this time.
    pub read_hold_ms: u64,
    /// PostgreSQL: how many ids of an entity a process reserves at a time.
    pub id_block: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, pool_size: 16, query_timeout_ms: 30_000, read_hold_ms: 5, id_block: 64 }
    }
}

/// What [`Db`] and [`Tx`] have in common, for code that reads in either.
pub trait Read: Send {
    /// Runs one statement and returns all its rows.
    fn query(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> impl Future<Output = Result<Vec<Row>>> + Send;

    fn dialect(&self) -> Dialect;
}

/// The database. A clone is another handle to the same connections.
///
/// A handle is for the rows of one tenant ([`Db::of`]) or, to begin with, of all: on PostgreSQL
/// row-level security holds it to that, whatever its statements say.
#[derive(Clone)]
pub struct Db {
    backend: Backend,
    /// 0 for all.
    tenant: i64,
    /// Wakes those who wait for a commit of this process.
    committed: Arc<Notify>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(Arc<postgres::Postgres>),
}

impl Db {
    /// Connects. A SQLite file and its folder are created when they are missing. The schema stays
    /// as it is: see [`Db::migrate`].
    ///
    /// Must be called inside a tokio runtime with its timer enabled.
    pub async fn open(url: &DatabaseUrl, options: Options) -> Result<Self> {
        let backend = match url {
            DatabaseUrl::Sqlite(path) => {
                Backend::Sqlite(Arc::new(sqlite::Sqlite::open(path, &options)?))
            }
            DatabaseUrl::Postgres(url) => {
                Backend::Postgres(Arc::new(postgres::Postgres::open(url, &options).await?))
            }
        };
        Ok(Self { backend, tenant: 0, committed: Arc::default() })
    }

    /// A handle that finds and writes the rows of one tenant only.
    #[must_use]
    pub fn of(&self, tenant: i64) -> Self {
        Self { tenant, ..self.clone() }
    }

    /// Row-level security for every table with a `tenant_id`: once the schema is there.
    pub(crate) async fn raise_wall(&self) -> Result<()> {
        match &self.backend {
            Backend::Sqlite(_) => Ok(()),
            Backend::Postgres(postgres) => postgres.raise_wall().await,
        }
    }

    /// Runs one reading statement and hands over the rows one by one, so that memory doesn't grow
    /// with their number. `each` must be quick: the statement, its time-out and its connection
    /// wait for it.
    pub async fn query_each(
        &self,
        sql: &str,
        params: &[Value],
        each: &mut (dyn FnMut(Row) + Send),
    ) -> Result<()> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.query_each(sql, params, each).await,
            Backend::Postgres(postgres) => {
                postgres.query_each(self.tenant, sql, params, each).await
            }
        }
    }

    /// Starts a transaction. On SQLite it waits here for the other writers.
    pub async fn begin(&self) -> Result<Tx> {
        let inner = match &self.backend {
            Backend::Sqlite(sqlite) => TxInner::Sqlite(sqlite::Sqlite::begin(sqlite).await?),
            Backend::Postgres(postgres) => {
                TxInner::Postgres(Box::new(postgres::Postgres::begin(postgres, self.tenant).await?))
            }
        };
        Ok(Tx::new(inner, Arc::clone(&self.committed)))
    }

    /// Everything as it is now, for a backup. Writers go on meanwhile.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot::new(match &self.backend {
            Backend::Sqlite(sqlite) => Inner::Sqlite(sqlite.snapshot()?),
            Backend::Postgres(postgres) => Inner::Postgres(postgres.snapshot().await?),
        }))
    }

    /// One trip to the database and back.
    pub async fn ping(&self) -> Result<()> {
        let sql = match self.dialect() {
            // A constant would be answered without a look at the file.
            Dialect::Sqlite => "SELECT count(*) FROM sqlite_schema",
            Dialect::Postgres => "SELECT 1",
        };
        self.query(sql, &[]).await.map(|_| ())
    }

    /// How many commits this process made: a cheap "was anything written since". On SQLite,
    /// transactions that were committed together count once.
    pub fn commits(&self) -> u64 {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.commits(),
            Backend::Postgres(postgres) => postgres.commits(),
        }
    }

    /// What this process wrote in a tenant with its commits after number `after` (see
    /// [`Db::commits`]), and the number of the last of them. `None` when it is not known, or when another
    /// process may have written in between: then it has to be read. On PostgreSQL it always has.
    pub fn told(&self, tenant: i64, after: u64) -> Option<(u64, Vec<Step>)> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.told(tenant, after),
            Backend::Postgres(_) => None,
        }
    }

    /// Makes every later statement see all that is committed now, by other processes too. On
    /// PostgreSQL every statement does that by itself.
    pub fn renew_views(&self) {
        if let Backend::Sqlite(sqlite) = &self.backend {
            sqlite.renew_views();
        }
    }

    /// Is notified after every commit of this process. Who waits enables the wait first, then looks
    /// for what it wants, and then waits.
    pub fn committed(&self) -> &Notify {
        &self.committed
    }

    /// Ends all connections; SQLite moves its write-ahead log into the file first. Every later
    /// call, on every clone, is answered with [`Error::Unavailable`].
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close().await,
        }
    }

    /// [`Read::query`] without the need of a mutable handle.
    pub async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.query(sql, params).await,
            Backend::Postgres(postgres) => postgres.query(self.tenant, sql, params).await,
        }
    }

    pub fn dialect(&self) -> Dialect {
        match &self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }
}

impl Read for Db {
    async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        Db::query(self, sql, params).await
    }

    fn dialect(&self) -> Dialect {
        Db::dialect(self)
    }
}

/// Moves the counter of an entity on and returns the first of the reserved ids.
pub(crate) const RESERVE_IDS: &str = "\
    INSERT INTO id_counters (tenant_id, entity, next_id) VALUES ($1, $2, 1 + $3) \
    ON CONFLICT (tenant_id, entity) DO UPDATE SET next_id = id_counters.next_id + $3 \
    RETURNING next_id - $3";
