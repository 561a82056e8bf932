//! What was written lately, for everything that keeps records in memory.
//!
//! Whoever answers from memory first calls [`Fresh::sync`]: when it returns, every change that was
//! committed before the call, by this process or another, is in the tenant's log. It returns a
//! *position*; what is read from the database from now on is at least as new. Later,
//! [`Fresh::since`] tells what changed after a position, and [`Fresh::is_untouched`] whether one
//! record did. Any number of followers may do so, each with positions of its own.
//!
//! One read serves all requests that wait: a request needs a read that *began* after it arrived, so
//! those that arrive during a read share the next one. On SQLite there is mostly none at all: the
//! process is told what its own commits wrote, and looks for those of others once in
//! `storage.read_hold_ms`.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aureole_catalogue::{ENTITIES, EntityKind};
use aureole_storage::follow::{self, Cursor, Step};
use aureole_storage::{Db, Dialect, Result};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncGuard, Notify, watch};

/// A point in the sequence of changes. Positions grow; 0 is before everything.
pub type Position = u64;

/// One written record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The changes that one read found share a position.
    pub position: Position,
    /// The number of the change in the history.
    pub seq: i64,
    pub kind: EntityKind,
    pub id: i64,
    /// The client that the record belongs to; 0 when it belongs to none.
    pub client_id: i64,
    /// No record had this id before.
    pub is_new: bool,
}

/// How things stand in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub position: Position,
    /// What was learned before this may have changed unnoticed.
    pub floor: Position,
}

/// What happened after a position.
#[derive(Clone, Debug)]
pub struct Delta {
    /// From here on next time.
    pub position: Position,
    /// In the order in which they became visible; `None` when too much happened or too long ago, and
    /// the follower has to read everything anew.
    pub changes: Option<Vec<Changed>>,
}

/// Places in which the last change of a record is kept; several records may share one.
const MARKS: usize = 1 << 18;

/// A log that nobody asked for so long is begun anew. History rows live longer than this, so that
/// no change can expire before it was seen.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// The changes of all tenants that are in use.
pub struct Fresh {
    db: Db,
    /// SQLite: how long commits of other processes may go unseen.
    hold: Duration,
    /// Changes that a tenant's log holds at most.
    capacity: usize,
    started: Instant,
    position: AtomicU64,
    marks: Vec<AtomicU64>,
    tenants: RwLock<HashMap<i64, Arc<Tenant>, foldhash::fast::RandomState>>,
}

struct Tenant {
    id: i64,
    /// Reads that have begun, and the last one that has ended well.
    begun: AtomicU64,
    ended: AtomicU64,
    /// Held by whoever reads.
    cursor: AsyncMutex<Option<Cursor>>,
    /// Wakes those who wait for a read, also when it came to nothing.
    ready: Notify,
    /// The commits of this process, by [`Db::commits`], that are in the log.
    commits: AtomicU64,
    /// When the last read began, in microseconds since [`Fresh::started`].
    read_us: AtomicU64,
    log: Mutex<Log>,
    newest: watch::Sender<Position>,
}

#[derive(Default)]
struct Log {
    changes: VecDeque<Changed>,
    /// Where the log began; the marks tell of every change since.
    base: Position,
    /// What happened up to here is not in the log any more.
    floor: Position,
    /// Of the last read that found something.
    position: Position,
}

impl Fresh {
    pub fn new(db: Db, hold: Duration, capacity: usize) -> Fresh {
        Fresh {
            db,
            hold,
            capacity,
            started: Instant::now(),
            position: AtomicU64::new(0),
            marks: (0..MARKS).map(|_| AtomicU64::new(0)).collect(),
            tenants: RwLock::default(),
        }
    }

    /// Learns of everything that was committed in a tenant before this call, and returns the
    /// position behind it. What is read from the database afterwards is at least as new.
    ///
    /// # Errors
    /// The database failed; nothing was learned.
    pub async fn sync(&self, tenant: i64) -> Result<Position> {
        Ok(self.moment(tenant).await?.position)
    }

    /// [`Fresh::sync`], and from which position on anything that was learned can still hold.
    ///
    /// # Errors
    /// As of [`Fresh::sync`].
    pub async fn moment(&self, tenant: i64) -> Result<Moment> {
        let tenant = self.tenant(tenant);
        if self.is_current(&tenant) {
            return Ok(tenant.moment());
        }
        self.learn(&tenant).await?;
        Ok(tenant.moment())
    }

    /// Learns of everything that was committed before this call: by hearsay, from a read of its own,
    /// or from a read of somebody else that began after it.
    async fn learn(&self, tenant: &Tenant) -> Result<()> {
        let needed = tenant.begun.load(Ordering::SeqCst) + 1;
        loop {
            let ready = tenant.ready.notified();
            tokio::pin!(ready);
            ready.as_mut().enable();
            if tenant.ended.load(Ordering::SeqCst) >= needed || self.is_current(tenant) {
                return Ok(());
            }
            match tenant.cursor.try_lock() {
                Ok(cursor) => {
                    let mut turn = Turn { tenant, cursor: Some(cursor) };
                    if self.hear(tenant, &mut turn) {
                        return Ok(());
                    }
                    self.read(tenant, &mut turn).await?;
                }
                Err(_) => ready.await,
            }
        }
    }

    /// What is known to have happened after a position. Without a [`Fresh::sync`] before, it may
    /// lack what was committed lately.
    pub fn since(&self, tenant: i64, position: Position) -> Delta {
        let tenant = self.tenant(tenant);
        let log = tenant.log();
        let changes = (position >= log.floor).then(|| {
            let from = log.changes.partition_point(|change| change.position <= position);
            log.changes.range(from..).copied().collect()
        });
        Delta { position: log.position.max(log.floor), changes }
    }

    /// [`Fresh::sync`] and [`Fresh::since`]: everything that was committed after a position and
    /// before this call.
    ///
    /// # Errors
    /// The database failed.
    pub async fn changed_since(&self, tenant: i64, position: Position) -> Result<Delta> {
        self.sync(tenant).await?;
        Ok(self.since(tenant, position))
    }

    /// True when what was known of a record at `position` still holds, as far as the last
    /// [`Fresh::sync`] told. May be false for a record that nothing happened to; never the other
    /// way round. A record that was made since is not touched by that: nobody knew it.
    pub fn is_untouched(&self, mark: Mark, position: Position) -> bool {
        let last = self.marks.get(mark.0 as usize);
        last.is_some_and(|last| last.load(Ordering::Acquire) <= position)
    }

    /// Tells of every new position of a tenant, for those who wait for changes. Somebody has to
    /// call [`Fresh::sync`] meanwhile.
    pub fn watch(&self, tenant: i64) -> watch::Receiver<Position> {
        self.tenant(tenant).newest.subscribe()
    }

    /// [`Fresh::sync`] for every tenant in use: before changes are deleted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sync_all(&self) -> Result<()> {
        for tenant in self.in_use() {
            self.sync(tenant).await?;
        }
        Ok(())
    }

    /// Drops the logs of tenants that nobody asked for lately and nobody watches.
    pub fn forget_idle(&self) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, tenant| {
            // A log that somebody holds may be read into just now; there must be no other beside it.
            let held = Arc::strong_count(tenant) > 1 || tenant.newest.receiver_count() > 0;
            held || !self.is_idle(tenant)
        });
    }

    fn in_use(&self) -> Vec<i64> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.keys().copied().collect()
    }

    fn tenant(&self, id: i64) -> Arc<Tenant> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = tenants.get(&id) {
            return Arc::clone(tenant);
        }
        drop(tenants);
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Tenant::new(id, self.next_position(), self.now_us()));
        Arc::clone(tenants.entry(id).or_insert_with(made))
    }

    fn next_position(&self) -> Position {
        self.position.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// True when there can be nothing that a read would find.
    fn is_current(&self, tenant: &Tenant) -> bool {
        self.is_alone(tenant) && tenant.commits.load(Ordering::Acquire) == self.db.commits()
    }

    /// True while only this process counts as a writer. On PostgreSQL other nodes write as well, and
    /// nobody tells this one.
    fn is_alone(&self, tenant: &Tenant) -> bool {
        self.db.dialect() == Dialect::Sqlite
            && tenant.ended.load(Ordering::SeqCst) > 0
            && !self.is_past(tenant, self.hold)
    }

    fn is_idle(&self, tenant: &Tenant) -> bool {
        self.is_past(tenant, IDLE)
    }

    fn is_past(&self, tenant: &Tenant, limit: Duration) -> bool {
        let since_us = self.now_us().saturating_sub(tenant.read_us.load(Ordering::Acquire));
        Duration::from_micros(since_us) >= limit
    }

    /// Takes in what this process has committed since the last time, without a read; false when
    /// that is not all that may have happened.
    ///
    /// Whatever is told was committed, and no reader begins with an older state any more: see
    /// [`Db::told`].
    fn hear(&self, tenant: &Tenant, turn: &mut Turn<'_>) -> bool {
        let Some(Some(Cursor::Seq(seen))) = turn.cursor.as_deref_mut() else { return false };
        let known = tenant.commits.load(Ordering::Acquire);
        let told = self.is_alone(tenant).then(|| self.db.told(tenant.id, known)).flatten();
        let Some((commits, mut steps)) = told else { return false };
        // A read may have been ahead of the count of the commits.
        steps.retain(|step| step.seq > *seen);
        if steps.len() > self.capacity {
            return false;
        }
        *seen = steps.iter().map(|step| step.seq).fold(*seen, i64::max);
        self.append(tenant, &steps);
        tenant.commits.store(commits, Ordering::Release);
        true
    }

    /// One read of what is new.
    async fn read(&self, tenant: &Tenant, turn: &mut Turn<'_>) -> Result<()> {
        let Some(cursor) = turn.cursor.as_deref_mut() else { return Ok(()) };
        let number = tenant.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let (commits, now_us) = (self.db.commits(), self.now_us());
        // So that nobody reads an older state than this read found.
        self.db.renew_views();
        let found = match cursor {
            Some(cursor) if !self.is_idle(tenant) => {
                follow::after(&self.db.of(tenant.id), tenant.id, cursor, self.capacity).await?
            }
            _ => None,
        };
        match found {
            Some((steps, next)) => {
                if !steps.is_empty() {
                    // A view that began since may lack what this read found.
                    self.db.renew_views();
                }
                self.append(tenant, &steps);
                *cursor = Some(next);
            }
            None => {
                *cursor = Some(follow::newest(&self.db.of(tenant.id), tenant.id).await?);
                self.db.renew_views();
                self.restart(tenant);
            }
        }
        tenant.commits.store(commits, Ordering::Release);
        tenant.read_us.store(now_us, Ordering::Release);
        tenant.ended.store(number, Ordering::SeqCst);
        Ok(())
    }

    fn append(&self, tenant: &Tenant, steps: &[Step]) {
        if steps.is_empty() {
            return;
        }
        let position = self.next_position();
        let mut log = tenant.log();
        for step in steps {
            // A kind that this version does not know is none that it shows.
            let Some(entity) = ENTITIES.iter().find(|entity| entity.name == step.entity) else {
                continue;
            };
            let mark = Mark::of(tenant.id, entity.kind, step.record_id);
            if !step.is_new {
                self.marks[mark.0 as usize].store(position, Ordering::Release);
            }
            log.changes.push_back(Changed {
                position,
                seq: step.seq,
                kind: entity.kind,
                id: step.record_id,
                client_id: step.client_id,
                is_new: step.is_new,
            });
        }
        let excess = log.changes.len().saturating_sub(self.capacity);
        let last = log.changes.drain(..excess).next_back();
        log.floor = last.map_or(log.floor, |change| change.position);
        log.position = position;
        drop(log);
        tenant.newest.send_replace(position);
    }

    /// Whatever was known before is worth nothing.
    fn restart(&self, tenant: &Tenant) {
        let position = self.next_position();
        *tenant.log() = Log { changes: VecDeque::new(), base: position, floor: position, position };
        tenant.newest.send_replace(position);
    }
}

impl Tenant {
    fn new(id: i64, position: Position, now_us: u64) -> Tenant {
        Tenant {
            id,
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            cursor: AsyncMutex::new(None),
            ready: Notify::new(),
            commits: AtomicU64::new(0),
            read_us: AtomicU64::new(now_us),
            log: Mutex::new(Log {
                changes: VecDeque::new(),
                base: position,
                floor: position,
                position,
            }),
            newest: watch::Sender::new(position),
        }
    }

    fn moment(&self) -> Moment {
        let log = self.log();
        Moment { position: log.position, floor: log.base }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever reads for all who wait. When its request goes away, one of the others takes over.
struct Turn<'a> {
    tenant: &'a Tenant,
    cursor: Option<AsyncGuard<'a, Option<Cursor>>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.cursor = None;
        self.tenant.ready.notify_waiters();
    }
}

/// Where the last change of a record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(u32);

impl Mark {
    pub fn to_bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// The mark that [`Mark::to_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 4]) -> Mark {
        Mark(u32::from_le_bytes(bytes))
    }

    pub fn of(tenant: i64, kind: EntityKind, id: i64) -> Mark {
        // Definitions change seldom and are named everywhere: they share a mark, so that a record
        // that names ten of them has one to look at.
        let (kind, id) = if is_definition(kind) { (EntityKind::Tax, 0) } else { (kind, id) };
        // Odd multipliers spread neighbouring numbers; the upper bits are the well mixed ones.
        let mixed = id.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ tenant.cast_unsigned().wrapping_mul(0xC2B2_AE3D_27D4_EB4F)
            ^ (kind as u64).wrapping_mul(0x1656_67B1_9E37_79F9);
        let at = mixed.wrapping_mul(0xFF51_AFD7_ED55_8CCD) >> (64 - MARKS.trailing_zeros());
        Mark(u32::try_from(at).unwrap_or_default())
    }
}

fn is_definition(kind: EntityKind) -> bool {
    matches!(
        kind,
        EntityKind::Agent
            | EntityKind::BillingTemplate
            | EntityKind::Currency
            | EntityKind::InvoiceTemplate
            | EntityKind::Organisation
            | EntityKind::Status
            | EntityKind::Surcharge
            | EntityKind::Tax
            | EntityKind::TicketArea
            | EntityKind::TicketType
            | EntityKind::TopLevel
    )
}
