//! The index of one tenant.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use aureole_catalogue::{EntityKind, Show};
use aureole_storage::{Db, Result};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncGuard};

use super::gather::{Parts, gather};
use super::kind::Kind;
use super::needs::{Needs, Order};
use super::results::{Listed, Results, worth};
use super::rows::{Budget, Rows};
use super::select::{Kinds, select};
use super::{Asked, Found, PAGE_ROWS, Part, RowsOf, TOO_LARGE};
use crate::fresh::{Changed, Fresh, Position};

/// Records that change at a time from which reading them all is the lesser work.
const MANY: usize = 4096;

pub struct Tenant {
    pub id: i64,
    /// Held by whoever changes the state.
    turn: AsyncMutex<()>,
    /// All changes up to here are in the state.
    position: AtomicU64,
    state: RwLock<State>,
    results: Mutex<Results>,
    bytes: AtomicUsize,
    used: Mutex<Instant>,
    too_large: Mutex<HashMap<EntityKind, Instant>>,
}

#[derive(Default)]
struct State {
    kinds: Kinds,
    /// Grows when a record of the kind is written whose name others may show.
    names: HashMap<EntityKind, u64>,
    rows: Mutex<HashMap<(EntityKind, Show), Variant>>,
}

/// The rows with one set of fields, and the state of the names that they carry.
type Variant = (u64, Arc<Rows>);

/// Sets of fields of one kind whose rows are kept at the same time.
const VARIANTS: usize = 8;

impl Tenant {
    pub fn new(id: i64) -> Tenant {
        Tenant {
            id,
            turn: AsyncMutex::default(),
            position: AtomicU64::new(0),
            state: RwLock::default(),
            results: Mutex::default(),
            bytes: AtomicUsize::new(0),
            used: Mutex::new(Instant::now()),
            too_large: Mutex::default(),
        }
    }

    pub async fn turn(&self) -> AsyncGuard<'_, ()> {
        self.turn.lock().await
    }

    /// True when everything up to a position is in the state.
    pub fn is_at(&self, position: Position) -> bool {
        self.position.load(Ordering::Acquire) >= position
    }

    pub fn has(&self, needs: &Needs) -> bool {
        let state = self.read();
        needs.iter().all(|(kind, parts)| state.kinds.get(kind).is_some_and(|kind| kind.has(parts)))
    }

    pub fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the keys, values and words take.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn measure(&self) {
        let bytes = self.read().kinds.values().map(Kind::bytes).sum();
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// The list, if everything that it needs is here.
    pub fn find(
        &self,
        asked: Asked<'_>,
        needs: &Needs,
        order: &Order,
        list_bytes: usize,
        budget: &Arc<Budget>,
        range: impl Fn(usize) -> Range<usize>,
    ) -> Option<Found> {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let state = self.read();
        let kind = state.kinds.get(&asked.entity.kind)?;
        let mut stamps = Vec::with_capacity(needs.len());
        for needed in needs.keys() {
            stamps.push((*needed, state.kinds.get(needed)?.generation));
        }
        let key = format!("{}/{:?}/{order:?}", asked.entity.table, asked.filter);
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let known = results.get(&key, &stamps, kind, (asked.filter, order));
        let reaches = |list: &Listed| list.is_whole() || range(list.total).end <= list.slots.len();
        let list = match known.filter(reaches) {
            Some(list) => list,
            None => {
                drop(results);
                let wanted = |total| worth(asked.filter, range(total).end, total);
                let list = select(&state.kinds, kind, asked.filter, order, wanted)?;
                results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
                let wanted = range(list.total).end;
                results.keep(key, stamps, (&list, asked.filter, wanted), list_bytes);
                list
            }
        };
        drop(results);
        let Listed { slots, total } = list;
        let range = range(total);
        let part = if range.len() <= PAGE_ROWS {
            let page = slots.get(range).unwrap_or_default().iter();
            Part::Page(page.map(|slot| (*slot, kind.ids[*slot as usize])).collect())
        } else if range.len() == total {
            Part::Whole { slots, ids: Arc::clone(&kind.ids) }
        } else {
            let slots = slots.get(range).unwrap_or_default().to_vec();
            Part::Whole { slots: Arc::new(slots), ids: Arc::clone(&kind.ids) }
        };
        let rows = asked.rows.map(|rows| state.rows(asked.entity.kind, rows, budget));
        Some(Found { total, part, rows })
    }

    /// Applies what was written since the last time.
    pub async fn catch_up(&self, fresh: &Fresh, db: &Db, max_bytes: usize) -> Result<()> {
        let delta = fresh.since(self.id, self.position.load(Ordering::Acquire));
        match delta.changes {
            None => self.forget_all(),
            Some(changes) => {
                let mut by_kind: HashMap<EntityKind, Vec<&Changed>> = HashMap::new();
                for change in &changes {
                    by_kind.entry(change.kind).or_default().push(change);
                }
                for (kind, changes) in by_kind {
                    self.apply(db, kind, &changes, max_bytes).await?;
                }
            }
        }
        self.position.store(delta.position, Ordering::Release);
        Ok(())
    }

    async fn apply(
        &self,
        db: &Db,
        kind: EntityKind,
        changes: &[&Changed],
        max_bytes: usize,
    ) -> Result<()> {
        let mut ids: Vec<i64> = changes.iter().map(|change| change.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let parts = self.read().kinds.get(&kind).map(|found| found.parts.clone());
        let gathered = match &parts {
            Some(parts) if ids.len() <= MANY => {
                gather(db, self.id, kind.entity(), parts, Some(&ids), max_bytes).await?
            }
            _ => None,
        };
        let mut state = self.write();
        // Nobody shows the name of a record that has just come.
        if changes.iter().any(|change| !change.is_new) {
            *state.names.entry(kind).or_default() += 1;
        }
        match gathered {
            Some(gathered) => {
                let dead = state.kinds.get_mut(&kind).map(|found| found.apply(&ids, &gathered));
                state.forget_rows(kind, &dead.unwrap_or_default());
                if state.kinds.get(&kind).is_some_and(Kind::is_worn) {
                    state.forget(kind);
                }
            }
            None => state.forget(kind),
        }
        Ok(())
    }

    /// Reads parts of a kind that are not here yet. False when they don't fit.
    pub async fn load(
        &self,
        db: &Db,
        kind: EntityKind,
        parts: &Parts,
        max_bytes: usize,
    ) -> Result<bool> {
        let known = self.read().kinds.get(&kind).map(|found| found.parts.clone());
        let missing: Parts = match &known {
            Some(known) => parts.difference(known).copied().collect(),
            None => parts.clone(),
        };
        if known.is_some() && missing.is_empty() {
            return Ok(true);
        }
        if self.is_too_large(kind) {
            return Ok(false);
        }
        let entity = kind.entity();
        let Some(gathered) = gather(db, self.id, entity, &missing, None, max_bytes).await? else {
            self.give_up(kind);
            return Ok(false);
        };
        blocking(|| {
            if known.is_none() {
                let new = Kind::new(entity, missing, gathered);
                self.write().kinds.insert(kind, new);
            } else {
                let placed = self.read().kinds.get(&kind).map(|kind| kind.place(missing, gathered));
                if let (Some(found), Some(placed)) = (self.write().kinds.get_mut(&kind), placed) {
                    found.install(placed);
                }
            }
            self.measure();
        });
        Ok(true)
    }

    fn is_too_large(&self, kind: EntityKind) -> bool {
        let too_large = self.too_large.lock().unwrap_or_else(PoisonError::into_inner);
        too_large.get(&kind).is_some_and(|since| since.elapsed() < TOO_LARGE)
    }

    /// Leaves a kind to the database for a while.
    pub fn give_up(&self, kind: EntityKind) {
        self.write().forget(kind);
        let mut too_large = self.too_large.lock().unwrap_or_else(PoisonError::into_inner);
        too_large.insert(kind, Instant::now());
        drop(too_large);
        self.measure();
        tracing::warn!(
            tenant = self.id,
            kind = kind.entity().name,
            "too large for lists.index_bytes: the database makes these lists"
        );
    }

    fn forget_all(&self) {
        let mut state = self.write();
        *state = State::default();
        drop(state);
        self.results.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.measure();
    }
}

impl State {
    fn forget(&mut self, kind: EntityKind) {
        self.kinds.remove(&kind);
        let rows = self.rows.get_mut().unwrap_or_else(PoisonError::into_inner);
        rows.retain(|(found, _), _| *found != kind);
    }

    fn forget_rows(&mut self, kind: EntityKind, dead: &[u32]) {
        let rows = self.rows.get_mut().unwrap_or_else(PoisonError::into_inner);
        for ((_, _), (_, rows)) in rows.iter().filter(|((found, _), _)| *found == kind) {
            rows.forget(dead.iter().copied());
        }
    }

    /// The rows that are kept of a kind, as long as no name in them can be another one by now.
    fn rows(&self, kind: EntityKind, asked: RowsOf<'_>, budget: &Arc<Budget>) -> Arc<Rows> {
        let stamp = |kind: &EntityKind| self.names.get(kind).copied().unwrap_or(0);
        // Each of them only grows, so the sum is another one as soon as one of them is.
        let stamp: u64 = asked.names_of.iter().map(stamp).sum();
        let mut variants = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((found, rows)) = variants.get(&(kind, asked.show))
            && *found == stamp
        {
            return Arc::clone(rows);
        }
        if variants.keys().filter(|(found, _)| *found == kind).count() >= VARIANTS {
            variants.retain(|(found, _), _| *found != kind);
        }
        let rows = Arc::new(Rows::new(budget));
        variants.insert((kind, asked.show), (stamp, Arc::clone(&rows)));
        rows
    }
}

/// Work that takes too long for a thread that others wait for.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let several = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if several { tokio::task::block_in_place(work) } else { work() }
}
