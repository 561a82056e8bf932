//! One transaction on a pooled connection, in as few round trips as its statements allow.
//!
//! What only writes is queued and travels in front of the next statement that somebody waits for,
//! and questions that are known beforehand ([`Tx::ahead`]) travel with it. The server works on all
//! of them in the order in which they were sent, so a queued write is seen by whatever is asked
//! after it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::{FutureExt, join_all, join3};
use tokio_postgres::Statement;

use super::queue::{Asked, Batch, Queue, tables};
use super::{Lease, Postgres, failure, prepare, rows};
use crate::db::{Result, Row, Value};
use crate::settled::{self, Settled};

/// Queued rows are sent when there are so many.
const MAX_QUEUED: usize = 2_000;

pub(crate) struct Tx {
    pub(super) db: Arc<Postgres>,
    pub(super) lease: Lease,
    queue: Queue,
    asked: Vec<Asked>,
    /// Answers from before, until this transaction changes or locks what they are about.
    settled: Option<Arc<Settled>>,
}

/// What the caller waits for.
enum Main<'a> {
    Nothing,
    Query(&'a str, &'a [Value]),
    Execute(&'a str, &'a [Value]),
    /// Statements without parameters.
    Script(&'a str),
}

/// What came of it.
#[derive(Default)]
struct Done {
    rows: Vec<Row>,
    /// Rows that [`Main::Execute`] changed.
    changed: u64,
    /// Rows that the queued writes changed.
    queued: u64,
}

impl Tx {
    pub(super) fn new(db: Arc<Postgres>, lease: Lease) -> Tx {
        Tx { db, lease, queue: Queue::default(), asked: Vec::new(), settled: None }
    }

    pub(crate) async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        if let Some(rows) = self.settled.as_ref().and_then(|settled| settled.get(sql, params)) {
            return Ok(rows);
        }
        if let Some(at) = self.asked.iter().position(|asked| asked.is(sql, params))
            && let Some(rows) = self.asked.swap_remove(at).rows
        {
            self.settle(sql, params, &rows);
            return Ok(rows);
        }
        self.note_write(sql);
        let rows = self.send(Main::Query(sql, params)).await?.rows;
        self.settle(sql, params, &rows);
        Ok(rows)
    }

    /// See [`crate::Tx::recall`].
    pub(crate) fn recall(&mut self, settled: Arc<Settled>) {
        self.settled = Some(settled);
    }

    fn settle(&self, sql: &str, params: &[Value], rows: &[Row]) {
        if let Some(settled) = &self.settled
            && settled::is_question(&settled::words(sql))
        {
            settled.keep(sql, params, rows);
        }
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.note_write(sql);
        self.send(Main::Execute(sql, params)).await.map(|done| done.changed)
    }

    pub(crate) async fn execute_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64> {
        self.send(Main::Nothing).await?;
        self.note_write(sql);
        let mut changed = 0;
        for part in rows.chunks(MAX_QUEUED) {
            self.queue.push(sql, part.to_vec(), false);
            changed += self.send(Main::Nothing).await?.queued;
        }
        Ok(changed)
    }

    pub(crate) async fn execute_script(&mut self, sql: &str) -> Result<()> {
        self.asked.clear();
        self.settled = None;
        self.send(Main::Script(sql)).await.map(drop)
    }

    /// A write whose outcome nobody waits for: an error of it is that of a later call, also when it
    /// is `exact` and a row changes none or several.
    pub(crate) async fn later(
        &mut self,
        sql: &str,
        rows: Vec<Vec<Value>>,
        exact: bool,
    ) -> Result<()> {
        self.note_write(sql);
        self.queue.push(sql, rows, exact);
        if self.queue.len() >= MAX_QUEUED {
            self.send(Main::Nothing).await?;
        }
        Ok(())
    }

    /// A question that [`Tx::query`] is going to ask. It is sent with the next statement; a write to
    /// one of its tables before it is asked makes its answer worthless, and it is asked again.
    pub(crate) fn ahead(&mut self, sql: &str, params: &[Value]) {
        let is_known = self.settled.as_ref().is_some_and(|known| known.get(sql, params).is_some());
        if !is_known && !self.asked.iter().any(|asked| asked.is(sql, params)) {
            self.asked.push(Asked::new(sql, params));
        }
    }

    /// Forgets the queued writes, which are about to be undone.
    pub(crate) fn forget_queued(&mut self) {
        self.queue = Queue::default();
        self.asked.clear();
    }

    /// On a shared connection, outside this transaction.
    pub(crate) async fn reserve_ids(&self, tenant: i64, entity: &str, count: i64) -> Result<i64> {
        self.db.ids.reserve(&self.db, tenant, entity, count).await
    }

    pub(crate) async fn reserve_above(
        &self,
        tenant: i64,
        entity: &str,
        count: i64,
        floor: i64,
    ) -> Result<i64> {
        self.db.ids.reserve_above(&self.db, tenant, entity, count, floor).await
    }

    /// The COMMIT travels right behind the queued writes: when one of them fails, the server makes
    /// a ROLLBACK of it, and the error is that of the write.
    pub(crate) async fn commit(mut self) -> Result<()> {
        self.asked.clear();
        if self.queue.len() > 0 {
            self.send(Main::Script("COMMIT")).await?;
            self.lease.begun.store(false, Ordering::Relaxed);
        } else if self.lease.begun.load(Ordering::Relaxed) {
            self.lease.finish("COMMIT").await?;
        } else {
            return Ok(());
        }
        self.db.commits.fetch_add(1, Ordering::Release);
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<()> {
        if self.lease.begun.load(Ordering::Relaxed) && !self.lease.busy.load(Ordering::Relaxed) {
            self.lease.finish("ROLLBACK").await?;
        }
        Ok(())
    }

    /// Answers about tables that a statement may change are worth nothing from now on.
    fn note_write(&mut self, sql: &str) {
        if self.settled.is_some() {
            let words = settled::words(sql);
            if settled::mentions(&words) && !reads_only(&words) {
                self.settled = None;
            }
        }
        let reads = sql.get(..6).is_some_and(|verb| verb.eq_ignore_ascii_case("select"));
        if !reads && !self.asked.is_empty() {
            let written = tables(sql);
            self.asked.retain(|asked| !asked.reads(&written));
        }
    }

    /// Sends everything that waits, and `main` behind it.
    async fn send(&mut self, main: Main<'_>) -> Result<Done> {
        let Tx { lease, queue, asked, .. } = self;
        let queue = std::mem::take(queue);
        if queue.len() == 0 && matches!(main, Main::Nothing) {
            return Ok(Done::default());
        }
        let sent = exchange(lease, queue.batches(), asked, main).await;
        if sent.is_err() {
            asked.clear();
        }
        sent
    }
}

/// A SELECT that locks nothing.
fn reads_only(words: &[&str]) -> bool {
    let is = |word: &str, name: &str| word.eq_ignore_ascii_case(name);
    words.first().is_some_and(|first| is(first, "select"))
        && !words.windows(2).any(|pair| is(pair[0], "for") && is(pair[1], "update"))
}

async fn exchange(
    lease: &Lease,
    batches: Vec<Batch>,
    asked: &mut [Asked],
    main: Main<'_>,
) -> Result<Done> {
    let client = lease.client()?;
    let mut writes = Vec::new();
    for batch in &batches {
        let statement = prepare(client, &batch.sql).await?;
        writes.extend(batch.executions(client, statement).await?);
    }
    let mut questions = Vec::new();
    for asked in asked.iter_mut().filter(|asked| asked.rows.is_none()) {
        let statement = prepare(client, &asked.sql).await?;
        questions.push((asked, statement));
    }
    let statement = match main {
        Main::Query(sql, _) | Main::Execute(sql, _) => Some(prepare(client, sql).await?),
        Main::Nothing | Main::Script(_) => None,
    };
    let work = async {
        let writes = join_all(writes.iter().map(|write| write.run(client)));
        let reads = join_all(
            questions
                .iter()
                .map(|(asked, statement)| rows(client, &asked.sql, statement, &asked.params)),
        );
        let (writes, reads, done) =
            join3(writes, reads, run(client, main, statement.as_ref())).await;
        // The first error is the real one: all after it complain of a failed transaction.
        let queued = writes.into_iter().sum::<Result<u64>>()?;
        let reads = reads.into_iter().collect::<Result<Vec<_>>>()?;
        Ok((reads, Done { queued, ..done? }))
    };
    let (reads, done) = lease.run(work).await?;
    for ((asked, _), rows) in questions.into_iter().zip(reads) {
        asked.rows = Some(rows);
    }
    Ok(done)
}

async fn run(
    client: &deadpool_postgres::ClientWrapper,
    main: Main<'_>,
    statement: Option<&Statement>,
) -> Result<Done> {
    match (main, statement) {
        (Main::Query(sql, params), Some(statement)) => {
            let rows = rows(client, sql, statement, params).await?;
            Ok(Done { rows, ..Done::default() })
        }
        (Main::Execute(sql, params), Some(statement)) => {
            let changed = client.execute_raw(statement, params);
            let changed = changed.map(|done| done.map_err(|error| failure(client, sql, &error)));
            Ok(Done { changed: changed.await?, ..Done::default() })
        }
        (Main::Script(sql), _) => {
            let done = client.batch_execute(sql).await;
            done.map_err(|error| failure(client, sql, &error))?;
            Ok(Done::default())
        }
        _ => Ok(Done::default()),
    }
}
