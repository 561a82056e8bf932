//! Reading ahead: a program that walks through many records by their ids is answered from memory.
//!
//! Ids are given out one after the other, and who reads many records, as a program that synchronises
//! does, mostly reads them all. When the records of a kind are missed often, a miss reads the whole
//! block of ids around it with one statement, instead of one record: a hundredth of the statements,
//! and a quarter of the database's work. Requests for other records of the block wait for that
//! statement instead of asking themselves.
//!
//! A record that was read ahead is kept like every other (see [`crate::cache`]): with a position from
//! before it was read, so that whoever finds it there later knows whether it still holds. A lone
//! miss reads one record, and nothing is read ahead that would push out what is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Show};
use aureole_storage::records;
use foldhash::fast::RandomState;
use tokio::sync::Notify;

use crate::api::get;
use crate::app::App;
use crate::cache::Place;
use crate::config::CacheSettings;
use crate::error::Result;
use crate::fresh::Moment;

/// Misses are counted by the second.
const WINDOW_MS: i64 = 1_000;
/// Kinds of tenants whose misses are counted at the same time; with more, all begin anew.
const MAX_COUNTS: usize = 10_000;

/// Who reads ahead what.
pub struct Ahead {
    /// Ids of a block; with less than two there is nothing to read ahead.
    block: i64,
    /// Misses of a second from which on blocks are read.
    misses: u32,
    counts: Mutex<HashMap<(i64, EntityKind), Count, RandomState>>,
    under_way: Mutex<HashMap<Place, Arc<Notify>, RandomState>>,
}

/// The misses of a tenant's kind in this second and the one before.
#[derive(Clone, Copy, Default)]
struct Count {
    second: i64,
    now: u32,
    before: u32,
}

impl Ahead {
    pub fn new(settings: &CacheSettings) -> Ahead {
        Ahead {
            block: settings.read_ahead_records,
            misses: settings.read_ahead_misses,
            counts: Mutex::default(),
            under_way: Mutex::default(),
        }
    }

    /// Called with a record that memory lacks. True when the block around it was read meanwhile, by
    /// this request or by another one: what there is of it is in memory now.
    ///
    /// `now` was learned before this call; `now_ms` is the time.
    pub async fn read(&self, app: &App, now: Moment, place: Place, now_ms: i64) -> bool {
        if self.block < 2 || !self.are_many(place, now_ms) {
            return false;
        }
        let first = place.id.div_euclid(self.block).saturating_mul(self.block);
        let turn = match self.turn(Place { id: first, ..place }) {
            Ok(turn) => turn,
            Err(others) => {
                others.await;
                return true;
            }
        };
        let ids = first..first.saturating_add(self.block);
        let lacking: Vec<i64> = ids
            .filter(|id| {
                *id == place.id || !app.records.has(&app.fresh, now, Place { id: *id, ..place })
            })
            .collect();
        // A record that was written is read by itself, not with its neighbours that are there.
        let is_worth_it = i64::try_from(lacking.len()).is_ok_and(|count| count * 2 > self.block);
        if !is_worth_it || !app.records.has_room() {
            return false;
        }
        let done = fill(app, now, place, &lacking).await;
        drop(turn);
        if let Err(error) = &done {
            tracing::debug!(error = error.message(), "reading ahead");
        }
        done.is_ok()
    }

    /// Counts a miss. True when there were many lately.
    fn are_many(&self, place: Place, now_ms: i64) -> bool {
        let second = now_ms.div_euclid(WINDOW_MS);
        let mut counts = lock(&self.counts);
        if counts.len() >= MAX_COUNTS {
            counts.clear();
        }
        let count = counts.entry((place.tenant, place.kind)).or_default();
        if count.second != second {
            let before = if count.second + 1 == second { count.now } else { 0 };
            *count = Count { second, now: 0, before };
        }
        count.now = count.now.saturating_add(1);
        count.now.max(count.before) > self.misses
    }

    /// The right to read a block, or the end of the reading that is under way.
    fn turn(
        &self,
        block: Place,
    ) -> std::result::Result<Turn<'_>, impl Future<Output = ()> + use<>> {
        let mut under_way = lock(&self.under_way);
        if let Some(done) = under_way.get(&block) {
            // Registered under the lock, so that the end can't be missed.
            let mut done = Box::pin(Arc::clone(done).notified_owned());
            done.as_mut().enable();
            return Err(done);
        }
        under_way.insert(block, Arc::default());
        Ok(Turn { ahead: self, block })
    }
}

/// A block that is being read. When its request goes away, those who wait read for themselves.
struct Turn<'a> {
    ahead: &'a Ahead,
    block: Place,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(done) = lock(&self.ahead.under_way).remove(&self.block) {
            done.notify_waiters();
        }
    }
}

/// Reads records of the kind of `place`, and keeps them.
async fn fill(app: &App, now: Moment, place: Place, ids: &[i64]) -> Result<()> {
    let prepared = app.prepared(place.kind, View::Full, Show::NONE);
    let mut db = app.db.of(place.tenant);
    let stored = records::get_many(&mut db, &prepared.select, place.tenant, ids).await?;
    app.metrics.read_ahead(stored.len());
    for stored in &stored {
        get::keep(app, now, Place { id: stored.id, ..place }, &prepared, stored);
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: i64) -> Place {
        Place { tenant: 1, kind: EntityKind::Client, id }
    }

    #[test]
    fn only_many_misses_of_one_kind_read_ahead() {
        let mut settings = crate::Config::default().cache;
        settings.read_ahead_misses = 3;
        let ahead = Ahead::new(&settings);
        let many = |id, now_ms| ahead.are_many(place(id), now_ms);
        assert_eq!([1, 2, 3, 4].map(|id| many(id, 5_100)), [false, false, false, true]);
        assert!(!ahead.are_many(Place { tenant: 2, ..place(1) }, 5_100));
        assert!(!ahead.are_many(Place { kind: EntityKind::Site, ..place(1) }, 5_100));
        assert!(many(5, 6_000), "the second before counts");
        assert!(!many(6, 7_000), "but not for long");
        // A clock that is set back begins anew.
        assert!(!many(7, 1_000));
    }

    #[tokio::test]
    async fn one_reads_a_block_and_the_others_wait() {
        let ahead = Ahead::new(&crate::Config::default().cache);
        let turn = ahead.turn(place(64)).unwrap_or_else(|_| panic!("nobody else reads"));
        let waiting = ahead.turn(place(64)).err().expect("somebody reads");
        assert!(ahead.turn(place(128)).is_ok());
        drop(turn);
        waiting.await;
        assert!(ahead.turn(place(64)).is_ok());
    }
}
