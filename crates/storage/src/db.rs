//! The executor that the rest of the program sees: [`Db`] and [`Tx`].
//!
//! One SQL text serves both databases. Parameters are written `$1`, `$2`, … and bound by that
//! number; only BIGINT and TEXT travel.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::dialect::Dialect;
use crate::snapshot::{Inner, Snapshot};
pub use crate::value::{Row, Value};
use crate::{postgres, sqlite};

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
        let committed = Arc::clone(&self.committed);
        Ok(Tx { inner, state: TxState::Ready, savepoints: 0, committed })
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

/// One write transaction. It ends with [`Tx::commit`]; dropped, it leaves no trace.
///
/// On both databases a statement that fails takes the transaction with it: until
/// [`Tx::rollback_to_savepoint`], nothing else works and it can't be committed.
pub struct Tx {
    inner: TxInner,
    state: TxState,
    savepoints: u32,
    committed: Arc<Notify>,
}

enum TxInner {
    Sqlite(sqlite::Tx),
    Postgres(Box<postgres::Tx>),
}

#[derive(Clone, Copy, PartialEq)]
enum TxState {
    Ready,
    /// A statement is under way, or its caller went away before the end.
    Busy,
    Failed,
}

impl Read for Tx {
    async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.enter()?;
        let result = match &mut self.inner {
            TxInner::Sqlite(tx) => tx.ready().await.and_then(|()| tx.query(sql, params)),
            TxInner::Postgres(tx) => tx.query(sql, params).await,
        };
        self.leave(result)
    }

    fn dialect(&self) -> Dialect {
        match &self.inner {
            TxInner::Sqlite(_) => Dialect::Sqlite,
            TxInner::Postgres(_) => Dialect::Postgres,
        }
    }
}

impl Tx {
    /// Runs one statement and returns how many rows it changed.
    pub async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.enter()?;
        let result = match &mut self.inner {
            TxInner::Sqlite(tx) => tx.ready().await.and_then(|()| tx.execute(sql, params)),
            TxInner::Postgres(tx) => tx.execute(sql, params).await,
        };
        self.leave(result)
    }

    /// Runs one statement once for each row of parameters, and returns how many rows it changed in
    /// all. It is prepared once; PostgreSQL gets all executions without waiting in between.
    pub async fn execute_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64> {
        self.enter()?;
        let result = match &mut self.inner {
            TxInner::Sqlite(tx) => tx.ready().await.and_then(|()| tx.execute_many(sql, rows)),
            TxInner::Postgres(tx) => tx.execute_many(sql, rows).await,
        };
        self.leave(result)
    }

    /// The same for writes that nobody waits for, before the next statement that somebody does: on
    /// PostgreSQL they travel together. An error of theirs is that of a later call, at the latest
    /// of [`Tx::commit`].
    pub async fn later(&mut self, sql: &str, rows: Vec<Vec<Value>>) -> Result<()> {
        self.queue(sql, rows, false).await
    }

    /// [`Tx::later`] for a statement that has to change exactly one row for each of `rows`.
    pub async fn later_exactly(&mut self, sql: &str, rows: Vec<Vec<Value>>) -> Result<()> {
        self.queue(sql, rows, true).await
    }

    async fn queue(&mut self, sql: &str, rows: Vec<Vec<Value>>, exact: bool) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.enter()?;
        let result = match &mut self.inner {
            TxInner::Sqlite(tx) => {
                match tx.ready().await.and_then(|()| tx.execute_many(sql, &rows)) {
                    Ok(changed) if exact && changed != rows.len() as u64 => {
                        let expected = rows.len();
                        Err(Error::Internal(format!(
                            "changed {changed} rows, not {expected}: {sql}"
                        )))
                    }
                    result => result.map(drop),
                }
            }
            TxInner::Postgres(tx) => tx.later(sql, rows, exact).await,
        };
        self.leave(result)
    }

    /// A reader for questions that the transaction is going to ask before it changes their answers:
    /// on PostgreSQL they travel with its next statement, and asking them then costs nothing. Its
    /// own answers are always empty.
    pub fn ahead(&mut self) -> Ahead<'_> {
        Ahead { tx: self }
    }

    /// Runs a text of several statements without parameters and without a time-out: migrations.
    pub(crate) async fn execute_script(&mut self, sql: &str) -> Result<()> {
        self.enter()?;
        let result = match &mut self.inner {
            TxInner::Sqlite(tx) => tx.ready().await.and_then(|()| tx.execute_script(sql)),
            TxInner::Postgres(tx) => tx.execute_script(sql).await,
        };
        self.leave(result)
    }

    /// Marks this point, so that later statements can be undone alone. Savepoints nest.
    pub async fn savepoint(&mut self) -> Result<()> {
        self.execute("SAVEPOINT part", &[]).await?;
        self.savepoints += 1;
        Ok(())
    }

    /// Undoes everything since the last [`Tx::savepoint`], a failed statement included. The
    /// savepoint stays, as in SQL, until it is released or the transaction ends.
    pub async fn rollback_to_savepoint(&mut self) -> Result<()> {
        if self.savepoints == 0 {
            return Err(Error::Internal("rollback to a savepoint that was never set".to_owned()));
        }
        self.state = TxState::Ready;
        if let TxInner::Postgres(tx) = &mut self.inner {
            tx.forget_queued();
        }
        self.execute("ROLLBACK TO SAVEPOINT part", &[]).await.map(|_| ())
    }

    /// Forgets the last savepoint and keeps what was done since.
    pub async fn release_savepoint(&mut self) -> Result<()> {
        if self.savepoints == 0 {
            return Err(Error::Internal("release of a savepoint that was never set".to_owned()));
        }
        self.execute("RELEASE SAVEPOINT part", &[]).await?;
        self.savepoints -= 1;
        Ok(())
    }

    /// Reserves `count` consecutive ids of an entity and returns the first. Ids start at 1, grow
    /// and are never given out twice.
    ///
    /// On PostgreSQL they come from a block that this process reserved outside the transaction, so
    /// that writers don't wait for each other and an abandoned id leaves a gap. Never write to
    /// `id_counters` in a transaction that also reserves ids: it would wait for itself.
    pub async fn reserve_ids(&mut self, tenant: i64, entity: &str, count: i64) -> Result<i64> {
        if count < 1 {
            return Err(Error::Internal(format!("reserve {count} ids of {entity}")));
        }
        self.enter()?;
        let result = match &mut self.inner {
            TxInner::Sqlite(tx) => {
                tx.ready().await.and_then(|()| tx.reserve_ids(tenant, entity, count))
            }
            TxInner::Postgres(tx) => tx.reserve_ids(tenant, entity, count).await,
        };
        self.leave(result)
    }

    /// Reserves `count` consecutive change numbers and returns the first. Each is above `floor`, the
    /// number of the record's change before, whatever other nodes have reserved: the numbers of
    /// a record's changes always grow. Those of other records grow but for about a second.
    pub async fn reserve_changes(&mut self, tenant: i64, count: i64, floor: i64) -> Result<i64> {
        let counter = crate::changes::COUNTER;
        let first = match &mut self.inner {
            TxInner::Sqlite(_) => return self.reserve_ids(tenant, counter, count).await,
            TxInner::Postgres(tx) => {
                let state = std::mem::replace(&mut self.state, TxState::Busy);
                if state != TxState::Ready {
                    self.state = state;
                    return Err(self.refusal());
                }
                tx.reserve_above(tenant, counter, count, floor).await
            }
        };
        self.leave(first)
    }

    /// Makes the transaction durable and visible. On [`Error::Unavailable`] from a lost
    /// PostgreSQL connection the outcome is unknown; after every other error nothing is kept.
    pub async fn commit(self) -> Result<()> {
        if self.state != TxState::Ready {
            return Err(self.refusal());
        }
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await,
            TxInner::Postgres(tx) => tx.commit().await,
        }?;
        self.committed.notify_waiters();
        Ok(())
    }

    /// Ends the transaction without a trace, as dropping it does.
    pub async fn rollback(self) -> Result<()> {
        match self.inner {
            TxInner::Sqlite(tx) => {
                drop(tx);
                Ok(())
            }
            TxInner::Postgres(tx) => tx.rollback().await,
        }
    }

    fn enter(&mut self) -> Result<()> {
        if self.state != TxState::Ready {
            return Err(self.refusal());
        }
        self.state = TxState::Busy;
        Ok(())
    }

    fn leave<T>(&mut self, result: Result<T>) -> Result<T> {
        self.state = if result.is_ok() { TxState::Ready } else { TxState::Failed };
        result
    }

    fn refusal(&self) -> Error {
        let reason = match self.state {
            TxState::Busy => "a statement of this transaction was abandoned",
            _ => "a statement of this transaction failed",
        };
        Error::Internal(format!("{reason}; it can only be rolled back"))
    }
}

/// See [`Tx::ahead`].
pub struct Ahead<'a> {
    tx: &'a mut Tx,
}

impl Read for Ahead<'_> {
    async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        if let TxInner::Postgres(tx) = &mut self.tx.inner {
            tx.ahead(sql, params);
        }
        Ok(Vec::new())
    }

    fn dialect(&self) -> Dialect {
        Read::dialect(&*self.tx)
    }
}

/// Moves the counter of an entity on and returns the first of the reserved ids.
pub(crate) const RESERVE_IDS: &str = "\
    INSERT INTO id_counters (tenant_id, entity, next_id) VALUES ($1, $2, 1 + $3) \
    ON CONFLICT (tenant_id, entity) DO UPDATE SET next_id = id_counters.next_id + $3 \
    RETURNING next_id - $3";
