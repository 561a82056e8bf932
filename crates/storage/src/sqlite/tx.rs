//! One request's part of the outer transaction; see the head of [`super`].

use std::sync::Arc;

use tokio::sync::{OwnedMutexGuard, oneshot};

use super::link::Link;
use super::memory::{Concern, Memory};
use super::{Sqlite, Writer, blocking, closed};
use crate::db::{Error, Result, Row, Value};
use crate::follow::Step;

pub(crate) struct Tx {
    db: Arc<Sqlite>,
    writer: OwnedMutexGuard<Writer>,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// No statement yet.
    Idle,
    /// The savepoint is set.
    Open,
    /// Released, or gone with the outer transaction.
    Ended,
}

impl Tx {
    pub(super) fn new(db: Arc<Sqlite>, writer: OwnedMutexGuard<Writer>) -> Tx {
        Tx { db, writer, state: State::Idle }
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let (link, memory) = self.start()?;
        let settled = link.concern(sql) == Concern::Settled;
        if let Some(rows) = settled.then(|| memory.answer(sql, params)).flatten() {
            return Ok(rows);
        }
        let rows = self.run(sql, |link| link.query(sql, params))?;
        if settled {
            self.writer.memory.keep_answer(sql, params, &rows);
        }
        Ok(rows)
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.run(sql, |link| link.execute_many(sql, std::iter::once(params)))
    }

    pub(crate) fn execute_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64> {
        self.run(sql, |link| link.execute_many(sql, rows.iter().map(Vec::as_slice)))
    }

    pub(crate) fn execute_script(&mut self, sql: &str) -> Result<()> {
        self.run(sql, |link| link.script(sql))
    }

    pub(crate) fn reserve_ids(&mut self, tenant: i64, entity: &str, count: i64) -> Result<i64> {
        let (link, memory) = self.start()?;
        let result = memory.reserve(link, tenant, entity, count);
        self.note_loss(result)
    }

    /// `steps` is what the request wrote, by tenant.
    pub(crate) async fn commit(mut self, steps: Vec<(i64, Step)>) -> Result<()> {
        if self.state == State::Idle {
            return Ok(());
        }
        let (link, memory) = self.start()?;
        let released = link.control("RELEASE request").map(|()| memory.released());
        self.note_loss(released)?;
        self.state = State::Ended;
        let (sender, receiver) = oneshot::channel();
        self.writer.steps.extend(steps);
        self.writer.waiting.push(sender);
        if self.writer.waiting.len() == 1 && self.db.batches.send(()).is_err() {
            self.writer.lose_batch(&closed());
        }
        let db = Arc::clone(&self.db);
        drop(self);
        let result = receiver.await.unwrap_or_else(|_| Err(closed()));
        drop(db);
        result
    }

    fn run<T>(&mut self, sql: &str, work: impl FnOnce(&mut Link) -> Result<T>) -> Result<T> {
        let (link, memory) = self.start()?;
        let concern = link.concern(sql);
        let result = memory.before(link, concern).and_then(|()| {
            let done = if link.is_quick(sql) { work(link) } else { blocking(|| work(link)) }?;
            match concern {
                Concern::Rollback => memory.after_rollback(link).map(|()| done),
                _ => Ok(done),
            }
        });
        self.note_loss(result)
    }

    /// After some errors (disk full, time-out in a write) SQLite rolls back everything.
    fn note_loss<T>(&mut self, result: Result<T>) -> Result<T> {
        let over = self.writer.link.as_ref().is_none_or(Link::is_autocommit);
        if let Err(error) = &result
            && over
        {
            self.state = State::Ended;
            self.writer.lose_batch(error);
        }
        result
    }

    /// Before the first statement: begins the outer transaction when none is open.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        let shared = &self.db.shared;
        let Writer { link, memory, follows, .. } = &mut *self.writer;
        let link = link.as_mut().ok_or_else(closed)?;
        if self.state != State::Idle || !link.is_autocommit() {
            return Ok(());
        }
        shared.begin_outer(link).await?;
        match memory.check(link) {
            Ok(is_known) => *follows &= is_known,
            Err(error) => {
                *follows = false;
                link.control("ROLLBACK")?;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The writer and what it knows, inside this request's savepoint. [`Tx::ready`] comes before.
    fn start(&mut self) -> Result<(&mut Link, &mut Memory)> {
        let Writer { link, memory, .. } = &mut *self.writer;
        let link = link.as_mut().ok_or_else(closed)?;
        match self.state {
            State::Open => return Ok((link, memory)),
            State::Ended => return Err(Error::Unavailable("the transaction was lost".to_owned())),
            State::Idle => {}
        }
        link.control("SAVEPOINT request")?;
        self.state = State::Open;
        Ok((link, memory))
    }

    /// Undoes this request and leaves the others of the batch alone.
    fn undo(&mut self) -> Result<()> {
        let alone = self.writer.waiting.is_empty();
        self.writer.memory.undone();
        let Some(link) = self.writer.link.as_ref().filter(|link| !link.is_autocommit()) else {
            return Ok(());
        };
        if alone {
            // Keeps the write lock from other processes no longer than needed.
            return link.control("ROLLBACK");
        }
        link.control("ROLLBACK TO request")?;
        link.control("RELEASE request")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if self.state == State::Open
            && let Err(error) = self.undo()
        {
            tracing::error!(%error, "a transaction could not be rolled back");
            if let Some(link) = &self.writer.link {
                let _ = link.control("ROLLBACK");
            }
            self.writer.lose_batch(&error);
        }
        if !self.writer.waiting.is_empty() {
            self.db.shared.left_batch();
        }
    }
}
