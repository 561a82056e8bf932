//! PostgreSQL: single statements over a few shared connections, transactions over a pool.
//!
//! Requests pipeline their statements on a shared connection instead of waiting for a free one:
//! fewer wake-ups and fewer server processes do the same work.

mod ids;
mod snapshot;
mod values;

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use futures_util::future::{FutureExt, join, join_all};
use futures_util::stream::TryStreamExt;
use tokio::runtime::Handle;
use tokio::sync::Mutex as AsyncMutex;
use tokio_postgres::{Config, NoTls, Statement};

use crate::db::{Error, Options, Result, Row, Value};
use ids::IdBlocks;
pub(crate) use snapshot::Snapshot;

/// How many shared connections.
const LINES: usize = 4;
/// Prepared statements that a connection keeps; there are some hundred texts.
const MAX_STATEMENTS: usize = 1_000;
/// How many executions of one statement are under way at a time.
const PIPELINE: usize = 500;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// All connections to one database.
pub(crate) struct Postgres {
    config: Config,
    lines: Vec<Arc<Line>>,
    /// Which line is asked first next time.
    turn: AtomicUsize,
    pool: Pool,
    commits: AtomicU64,
    closed: AtomicBool,
    ids: IdBlocks,
}

/// A shared connection.
#[derive(Default)]
struct Line {
    /// Statements under way, so that nobody queues behind a slow one without need.
    load: AtomicUsize,
    client: Mutex<Option<Arc<ClientWrapper>>>,
    connecting: AsyncMutex<()>,
}

impl Postgres {
    pub(crate) async fn open(url: &str, options: &Options) -> Result<Self> {
        let config = configure(url, options)?;
        let recycling_method = RecyclingMethod::Fast;
        let manager =
            Manager::from_config(config.clone(), NoTls, ManagerConfig { recycling_method });
        let wait = Duration::from_millis(options.query_timeout_ms);
        let pool = Pool::builder(manager)
            .max_size(options.pool_size.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(wait))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(|error| Error::Internal(format!("PostgreSQL pool: {error}")))?;
        let postgres = Self {
            config,
            lines: (0..LINES).map(|_| Arc::default()).collect(),
            turn: AtomicUsize::new(0),
            pool,
            commits: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            ids: IdBlocks::new(options.id_block),
        };
        postgres.client(&postgres.lines[0]).await?;
        Ok(postgres)
    }

    pub(crate) async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let line = self.line();
        let client = self.client(line).await?;
        let ride = Ride::start(line, &client);
        let statement = prepare(&client, sql).await?;
        let rows = rows(&client, sql, &statement, params).await;
        ride.end();
        rows
    }

    pub(crate) async fn query_each(
        &self,
        sql: &str,
        params: &[Value],
        each: &mut (dyn FnMut(Row) + Send),
    ) -> Result<()> {
        // Not on a shared connection: a long reply would hold up everybody else there.
        let lease = self.lease().await?;
        let client = lease.client()?;
        let statement = prepare(client, sql).await?;
        lease.busy.store(true, Ordering::Relaxed);
        let fail = |error| failure(client, sql, &error);
        let stream = client.query_raw(&statement, params).await.map_err(fail)?;
        let mut stream = std::pin::pin!(stream);
        while let Some(row) = stream.try_next().await.map_err(fail)? {
            each(read(&row).map_err(fail)?);
        }
        lease.busy.store(false, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) async fn begin(this: &Arc<Self>) -> Result<Tx> {
        Ok(Tx { lease: this.lease().await?, db: Arc::clone(this) })
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.pool.close();
        for line in &self.lines {
            line.set(None);
        }
    }

    async fn lease(&self) -> Result<Lease> {
        let client = self.pool.get().await.map_err(|error| {
            Error::Unavailable(format!("PostgreSQL connection for a transaction: {error}"))
        })?;
        Ok(Lease {
            client: Some(client),
            begun: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        })
    }

    /// The line with the fewest statements under way; in turn where that is equal.
    fn line(&self) -> &Arc<Line> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % LINES;
        let mut best = &self.lines[first];
        let mut least = best.load.load(Ordering::Relaxed);
        for step in 1..LINES {
            let line = &self.lines[(first + step) % LINES];
            let load = line.load.load(Ordering::Relaxed);
            if load < least {
                (best, least) = (line, load);
            }
        }
        best
    }

    /// The connection of a line, made again when it was lost.
    async fn client(&self, line: &Line) -> Result<Arc<ClientWrapper>> {
        if let Some(client) = line.open_client() {
            return Ok(client);
        }
        let _only_one = line.connecting.lock().await;
        if let Some(client) = line.open_client() {
            return Ok(client);
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Unavailable("the database is closed".to_owned()));
        }
        let client = Arc::new(connect(&self.config).await?);
        line.set(Some(Arc::clone(&client)));
        Ok(client)
    }
}

impl Line {
    fn open_client(&self) -> Option<Arc<ClientWrapper>> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client.as_ref().filter(|client| !client.is_closed()).map(Arc::clone)
    }

    fn set(&self, client: Option<Arc<ClientWrapper>>) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }
}

/// One statement on a shared connection. When its caller goes away, the server still works on it;
/// the line counts as loaded until it is done.
struct Ride {
    line: Arc<Line>,
    client: Option<Arc<ClientWrapper>>,
}

impl Ride {
    fn start(line: &Arc<Line>, client: &Arc<ClientWrapper>) -> Self {
        line.load.fetch_add(1, Ordering::Relaxed);
        Self { line: Arc::clone(line), client: Some(Arc::clone(client)) }
    }

    fn end(mut self) {
        self.client = None;
    }
}

impl Drop for Ride {
    fn drop(&mut self) {
        let line = Arc::clone(&self.line);
        match (self.client.take(), Handle::try_current()) {
            (Some(client), Ok(runtime)) => {
                runtime.spawn(async move {
                    // Replies come in order, so this one comes after the abandoned one.
                    let _ = client.batch_execute("").await;
                    line.load.fetch_sub(1, Ordering::Relaxed);
                });
            }
            _ => {
                line.load.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

/// A pooled connection that goes back clean or not at all.
struct Lease {
    client: Option<Object>,
    /// A transaction is open.
    begun: AtomicBool,
    /// A statement is under way.
    busy: AtomicBool,
}

impl Lease {
    fn client(&self) -> Result<&Object> {
        self.client.as_ref().ok_or_else(|| Error::Internal("the connection is gone".to_owned()))
    }

    /// Runs `work` in the transaction; BEGIN travels together with the first statement.
    async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let client = self.client()?;
        self.busy.store(true, Ordering::Relaxed);
        let result = if self.begun.swap(true, Ordering::Relaxed) {
            work.await
        } else {
            let (begin, result) = join(client.batch_execute("BEGIN"), work).await;
            begin.map_err(|error| failure(client, "BEGIN", &error))?;
            result
        };
        self.busy.store(false, Ordering::Relaxed);
        result
    }

    /// Sends COMMIT or ROLLBACK.
    async fn finish(&self, sql: &str) -> Result<()> {
        let client = self.client()?;
        self.busy.store(true, Ordering::Relaxed);
        client.batch_execute(sql).await.map_err(|error| failure(client, sql, &error))?;
        self.busy.store(false, Ordering::Relaxed);
        self.begun.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else {
            return;
        };
        if *self.busy.get_mut() {
            // The server may work on the abandoned statement for long: the connection is given up.
            let client = Object::take(client);
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(async move {
                    let _ = client.cancel_token().cancel_query(NoTls).await;
                });
            }
        } else if *self.begun.get_mut() {
            // The first poll puts it on the way; what the next user sends comes after it.
            let _ = client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

/// One transaction on a pooled connection.
pub(crate) struct Tx {
    db: Arc<Postgres>,
    lease: Lease,
}

impl Tx {
    pub(crate) async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let client = self.lease.client()?;
        let statement = prepare(client, sql).await?;
        self.lease.run(rows(client, sql, &statement, params)).await
    }

    pub(crate) async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64> {
        let client = self.lease.client()?;
        let statement = prepare(client, sql).await?;
        let work = client.execute_raw(&statement, params);
        self.lease.run(work.map(|done| done.map_err(|error| failure(client, sql, &error)))).await
    }

    pub(crate) async fn execute_many(&self, sql: &str, rows: &[Vec<Value>]) -> Result<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        let client = self.lease.client()?;
        let statement = prepare(client, sql).await?;
        let mut changed = 0;
        for part in rows.chunks(PIPELINE) {
            let work = join_all(part.iter().map(|params| client.execute_raw(&statement, params)));
            // The first error is the real one: all after it complain of a failed transaction.
            let work = work.map(|done| done.into_iter().sum::<std::result::Result<u64, _>>());
            let work = work.map(|done| done.map_err(|error| failure(client, sql, &error)));
            changed += self.lease.run(work).await?;
        }
        Ok(changed)
    }

    pub(crate) async fn execute_script(&self, sql: &str) -> Result<()> {
        let client = self.lease.client()?;
        let work = client.batch_execute(sql);
        self.lease.run(work.map(|done| done.map_err(|error| failure(client, sql, &error)))).await
    }

    /// On a shared connection, outside this transaction.
    pub(crate) async fn reserve_ids(&self, tenant: i64, entity: &str, count: i64) -> Result<i64> {
        self.db.ids.reserve(&self.db, tenant, entity, count).await
    }

    pub(crate) async fn commit(self) -> Result<()> {
        if self.lease.begun.load(Ordering::Relaxed) {
            self.lease.finish("COMMIT").await?;
            self.db.commits.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<()> {
        if self.lease.begun.load(Ordering::Relaxed) && !self.lease.busy.load(Ordering::Relaxed) {
            self.lease.finish("ROLLBACK").await?;
        }
        Ok(())
    }
}

fn configure(url: &str, options: &Options) -> Result<Config> {
    let mut config: Config =
        url.parse().map_err(|error| Error::Unavailable(format!("PostgreSQL URL: {error}")))?;
    let given = config.get_options().unwrap_or_default().to_owned();
    config.options(format!("{given} -c statement_timeout={}", options.query_timeout_ms).trim());
    if config.get_application_name().is_none() {
        config.application_name("aureole");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    Ok(config)
}

async fn connect(config: &Config) -> Result<ClientWrapper> {
    let (client, connection) =
        config.connect(NoTls).await.map_err(|error| values::error("connect", &error))?;
    let driver = Handle::current().spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "a shared PostgreSQL connection was lost");
        }
    });
    Ok(ClientWrapper::new(client, driver))
}

async fn prepare(client: &ClientWrapper, sql: &str) -> Result<Statement> {
    if client.statement_cache.size() > MAX_STATEMENTS {
        client.statement_cache.clear();
    }
    client.prepare_cached(sql).await.map_err(|error| failure(client, sql, &error))
}

async fn rows(
    client: &ClientWrapper,
    sql: &str,
    statement: &Statement,
    params: &[Value],
) -> Result<Vec<Row>> {
    let work = async {
        let stream = client.query_raw(statement, params).await?;
        let mut stream = std::pin::pin!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await? {
            rows.push(read(&row)?);
        }
        Ok(rows)
    };
    work.await.map_err(|error| failure(client, sql, &error))
}

fn read(row: &tokio_postgres::Row) -> std::result::Result<Row, tokio_postgres::Error> {
    let values: std::result::Result<Vec<Value>, _> =
        (0..row.len()).map(|column| row.try_get(column)).collect();
    values.map(Row::new)
}

fn failure(client: &ClientWrapper, sql: &str, error: &tokio_postgres::Error) -> Error {
    if error.as_db_error().is_some_and(values::plan_is_old) {
        client.statement_cache.clear();
    }
    values::error(sql, error)
}
