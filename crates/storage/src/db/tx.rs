//! One write transaction on either database.

use std::sync::Arc;

use tokio::sync::Notify;

use super::{Error, Read, Result, Row, Value};
use crate::dialect::Dialect;
use crate::follow::Step;
use crate::settled::Settled;
use crate::{postgres, sqlite};

/// One write transaction. It ends with [`Tx::commit`]; dropped, it leaves no trace.
///
/// On both databases a statement that fails takes the transaction with it: until
/// [`Tx::rollback_to_savepoint`], nothing else works and it can't be committed.
pub struct Tx {
    inner: TxInner,
    state: TxState,
    /// What was written, for whoever keeps records in memory; and how much of it when each of the
    /// savepoints was set.
    steps: Vec<(i64, Step)>,
    savepoints: Vec<usize>,
    committed: Arc<Notify>,
}

pub(super) enum TxInner {
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
    pub(super) fn new(inner: TxInner, committed: Arc<Notify>) -> Tx {
        let (steps, savepoints) = (Vec::new(), Vec::new());
        Tx { inner, state: TxState::Ready, steps, savepoints, committed }
    }

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

    /// Hands over what was answered before to questions about settings, definitions and top levels.
    /// Nothing of it may have changed since; the transaction adds what it is answered. A transaction
    /// that changes or locks any of that asks the database from then on. SQLite's writer has such a
    /// memory of its own.
    pub fn recall(&mut self, settled: Arc<Settled>) {
        if let TxInner::Postgres(tx) = &mut self.inner {
            tx.recall(settled);
        }
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
        self.savepoints.push(self.steps.len());
        Ok(())
    }

    /// Undoes everything since the last [`Tx::savepoint`], a failed statement included. The
    /// savepoint stays, as in SQL, until it is released or the transaction ends.
    pub async fn rollback_to_savepoint(&mut self) -> Result<()> {
        let Some(kept) = self.savepoints.last() else {
            return Err(Error::Internal("rollback to a savepoint that was never set".to_owned()));
        };
        self.steps.truncate(*kept);
        self.state = TxState::Ready;
        if let TxInner::Postgres(tx) = &mut self.inner {
            tx.forget_queued();
        }
        self.execute("ROLLBACK TO SAVEPOINT part", &[]).await.map(|_| ())
    }

    /// Forgets the last savepoint and keeps what was done since.
    pub async fn release_savepoint(&mut self) -> Result<()> {
        if self.savepoints.is_empty() {
            return Err(Error::Internal("release of a savepoint that was never set".to_owned()));
        }
        self.execute("RELEASE SAVEPOINT part", &[]).await?;
        self.savepoints.pop();
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

    /// Notes that a change was appended: [`crate::Db::told`] tells it once it is committed.
    pub(crate) fn note(&mut self, tenant: i64, step: Step) {
        if matches!(self.inner, TxInner::Sqlite(_)) {
            self.steps.push((tenant, step));
        }
    }

    /// Makes the transaction durable and visible. On [`Error::Unavailable`] from a lost
    /// PostgreSQL connection the outcome is unknown; after every other error nothing is kept.
    pub async fn commit(self) -> Result<()> {
        if self.state != TxState::Ready {
            return Err(self.refusal());
        }
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit(self.steps).await,
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
