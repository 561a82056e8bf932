//! PostgreSQL: single statements over a few shared connections, transactions over a pool.
//!
//! Requests pipeline their statements on a shared connection instead of waiting for a free one:
//! fewer wake-ups and fewer server processes do the same work.

mod ids;
mod queue;
mod snapshot;
mod tx;
mod values;
mod wall;

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use futures_util::future::{FutureExt, join};
use futures_util::stream::TryStreamExt;
use tokio::runtime::Handle;
use tokio::sync::Mutex as AsyncMutex;
use tokio_postgres::{Config, NoTls, Statement};

use crate::db::{Error, Options, Result, Row, Value};
use ids::IdBlocks;
pub(crate) use snapshot::Snapshot;
pub(crate) use tx::Tx;
use wall::Session;

/// How many shared connections.
const LINES: usize = 4;
/// Prepared statements that a connection keeps; there are some hundred texts.
const MAX_STATEMENTS: usize = 1_000;
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
    /// New connections go behind the wall first: see [`wall`].
    behind_wall: Arc<AtomicBool>,
    ids: IdBlocks,
}

/// A shared connection.
#[derive(Default)]
struct Line {
    /// Statements under way, so that nobody queues behind a slow one without need.
    load: AtomicUsize,
    /// Whose statement was the last; a hint, the truth is in the session.
    tenant: AtomicI64,
    session: Mutex<Option<Arc<Session>>>,
    connecting: AsyncMutex<()>,
}

impl Postgres {
    pub(crate) async fn open(url: &str, options: &Options) -> Result<Self> {
        let config = configure(url, options)?;
        let recycling_method = RecyclingMethod::Fast;
        let manager =
            Manager::from_config(config.clone(), NoTls, ManagerConfig { recycling_method });
        let wait = Duration::from_millis(options.query_timeout_ms);
        let behind_wall = Arc::new(AtomicBool::new(false));
        let is_up = Arc::clone(&behind_wall);
        let go_behind = Hook::async_fn(move |client: &mut ClientWrapper, _| {
            let is_up = is_up.load(Ordering::Acquire);
            Box::pin(async move {
                Self::go_behind_wall(is_up, client).await.map_err(HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(options.pool_size.max(1))
            .post_create(go_behind)
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
            behind_wall,
            ids: IdBlocks::new(options.id_block),
        };
        postgres.session(&postgres.lines[0]).await?;
        Ok(postgres)
    }

    pub(crate) async fn query(&self, tenant: i64, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let line = self.line(tenant);
        let session = self.session(line).await?;
        let ride = Ride::start(line, &session);
        let client = &session.client;
        let statement = prepare(client, sql).await?;
        line.tenant.store(tenant, Ordering::Relaxed);
        let rows = session.send(tenant, rows(client, sql, &statement, params)).await;
        ride.end();
        rows
    }

    pub(crate) async fn query_each(
        &self,
        tenant: i64,
        sql: &str,
        params: &[Value],
        each: &mut (dyn FnMut(Row) + Send),
    ) -> Result<()> {
        // Not on a shared connection: a long reply would hold up everybody else there.
        let lease = self.lease(tenant).await?;
        let client = lease.client()?;
        let statement = prepare(client, sql).await?;
        lease.busy.store(true, Ordering::Relaxed);
        let fail = |error| failure(client, sql, &error);
        let tell = wall::tell("SESSION", tenant);
        let (told, stream) =
            join(client.batch_execute(&tell), client.query_raw(&statement, params)).await;
        told.map_err(fail)?;
        let stream = stream.map_err(fail)?;
        let mut stream = std::pin::pin!(stream);
        while let Some(row) = stream.try_next().await.map_err(fail)? {
            each(read(&row).map_err(fail)?);
        }
        lease.busy.store(false, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) async fn begin(this: &Arc<Self>, tenant: i64) -> Result<Tx> {
        Ok(Tx::new(Arc::clone(this), this.lease(tenant).await?))
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

    async fn lease(&self, tenant: i64) -> Result<Lease> {
        let client = self.pool.get().await.map_err(|error| {
            Error::Unavailable(format!("PostgreSQL connection for a transaction: {error}"))
        })?;
        Ok(Lease {
            client: Some(client),
            tenant,
            begun: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        })
    }

    /// The line with the fewest statements under way; where that is equal, one that serves the
    /// tenant already, and otherwise in turn.
    fn line(&self, tenant: i64) -> &Arc<Line> {
        let load = |line: &Line| {
            let other = line.tenant.load(Ordering::Relaxed) != tenant;
            (line.load.load(Ordering::Relaxed), other)
        };
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % LINES;
        let mut best = &self.lines[first];
        let mut least = load(best);
        for step in 1..LINES {
            let line = &self.lines[(first + step) % LINES];
            let load = load(line);
            if load < least {
                (best, least) = (line, load);
            }
        }
        best
    }

    /// The connection of a line, made again when it was lost.
    async fn session(&self, line: &Line) -> Result<Arc<Session>> {
        if let Some(session) = line.open_session() {
            return Ok(session);
        }
        let _only_one = line.connecting.lock().await;
        if let Some(session) = line.open_session() {
            return Ok(session);
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Unavailable("the database is closed".to_owned()));
        }
        let client = connect(&self.config).await?;
        let is_up = self.behind_wall.load(Ordering::Acquire);
        let gone = Self::go_behind_wall(is_up, &client).await;
        gone.map_err(|error| failure(&client, "row-level security", &error))?;
        let session = Arc::new(Session::new(client));
        line.set(Some(Arc::clone(&session)));
        Ok(session)
    }
}

impl Line {
    fn open_session(&self) -> Option<Arc<Session>> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.as_ref().filter(|session| !session.client.is_closed()).map(Arc::clone)
    }

    fn set(&self, session: Option<Arc<Session>>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }
}

/// One statement on a shared connection. When its caller goes away, the server still works on it;
/// the line counts as loaded until it is done.
struct Ride {
    line: Arc<Line>,
    session: Option<Arc<Session>>,
}

impl Ride {
    fn start(line: &Arc<Line>, session: &Arc<Session>) -> Self {
        line.load.fetch_add(1, Ordering::Relaxed);
        Self { line: Arc::clone(line), session: Some(Arc::clone(session)) }
    }

    fn end(mut self) {
        self.session = None;
    }
}

impl Drop for Ride {
    fn drop(&mut self) {
        let line = Arc::clone(&self.line);
        match (self.session.take(), Handle::try_current()) {
            (Some(session), Ok(runtime)) => {
                runtime.spawn(async move {
                    // Replies come in order, so this one comes after the abandoned one.
                    let _ = session.client.batch_execute("").await;
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
    /// Whose rows it is for; 0 for those of all tenants.
    tenant: i64,
    /// A transaction is open.
    begun: AtomicBool,
    /// A statement is under way.
    busy: AtomicBool,
}

impl Lease {
    fn client(&self) -> Result<&Object> {
        self.client.as_ref().ok_or_else(|| Error::Internal("the connection is gone".to_owned()))
    }

    /// Runs `work` in the transaction; BEGIN and the tenant travel together with the first
    /// statement.
    async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let client = self.client()?;
        self.busy.store(true, Ordering::Relaxed);
        let result = if self.begun.swap(true, Ordering::Relaxed) {
            work.await
        } else {
            let sql = format!("BEGIN; {}", wall::tell("LOCAL", self.tenant));
            let (begin, result) = join(client.batch_execute(&sql), work).await;
            begin.map_err(|error| failure(client, &sql, &error))?;
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
