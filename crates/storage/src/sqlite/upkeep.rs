//! What must happen beside the requests: statements that run too long are interrupted, readers
//! that nobody uses let go of their old view, and the write-ahead log is moved into the file.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::link::{Link, Role};

/// SQLite's page size; one frame of the log holds one page.
const PAGE_BYTES: i64 = 4_096;
/// The log is moved into the file when this much of it waits.
const CHECKPOINT_BYTES: i64 = 4 << 20;
/// While writes never stop, the log never gets the chance to start again from its beginning. At
/// this size the writer makes it one.
const RESTART_BYTES: i64 = 32 << 20;
/// The writer holds up everybody while it does so. It is left no more of the log than this to move,
/// if that can be had in so many rounds.
const REST_BYTES: i64 = 1 << 20;
const ROUNDS: usize = 4;
/// How long the writer waits for readers then, and how long when they have kept the log from
/// starting again until it was longer by a quarter.
const RESTART_WAIT: Duration = Duration::from_millis(2);
const LATE_WAIT: Duration = Duration::from_millis(20);
const LATE_BYTES: i64 = RESTART_BYTES / 4 * 5;
/// How often the size of the log is looked at while there are commits.
const LOG_LOOK: Duration = Duration::from_millis(50);
const TICK: Duration = Duration::from_millis(5);
/// A wake-up may be missed; nothing bad happens when it comes this late.
const NAP: Duration = Duration::from_secs(1);

/// The handle by which requests wake the thread.
#[derive(Default)]
pub(super) struct Alarm {
    asleep: AtomicBool,
    pub(super) stop: AtomicBool,
    /// The writer should restart the log after its next commit.
    restart_log: AtomicBool,
    /// The log has become far too long.
    is_late: AtomicBool,
    thread: std::sync::OnceLock<Thread>,
}

impl Alarm {
    /// Called at every statement: a load when the thread is awake.
    pub(super) fn wake(&self) {
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            self.unpark();
        }
    }

    /// Whether the writer should restart the log now, and how long it may wait for readers.
    pub(super) fn restart(&self) -> Option<Duration> {
        let wait = if self.is_late.load(Ordering::Relaxed) { LATE_WAIT } else { RESTART_WAIT };
        self.restart_log.swap(false, Ordering::Relaxed).then_some(wait)
    }

    pub(super) fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// Runs until [`Alarm::stop`].
pub(super) fn run(shared: &Arc<Shared>) {
    let _ = shared.alarm.thread.set(std::thread::current());
    let mut log = Log { link: None, file: None, commits: 0, looked: Instant::now() };
    while !shared.alarm.stop.load(Ordering::Acquire) {
        let now = Instant::now();
        let watched = shared.check_deadlines(now);
        let held = shared.end_old_views(now);
        let behind = log.tend(shared, now);
        if watched || held || behind {
            std::thread::park_timeout(TICK);
        } else {
            shared.alarm.asleep.store(true, Ordering::Relaxed);
            std::thread::park_timeout(NAP);
            shared.alarm.asleep.store(false, Ordering::Relaxed);
        }
    }
}

struct Log {
    link: Option<Link>,
    /// The database's file. Never closed: that would end SQLite's locks on it, which are the process's.
    file: Option<ManuallyDrop<File>>,
    commits: u64,
    looked: Instant,
}

impl Log {
    /// Returns whether there are commits that it hasn't looked at yet.
    fn tend(&mut self, shared: &Shared, now: Instant) -> bool {
        let commits = shared.commits.load(Ordering::Acquire);
        if commits == self.commits {
            return false;
        }
        if now.duration_since(self.looked) < LOG_LOOK {
            return true;
        }
        self.commits = commits;
        self.looked = now;
        if let Err(error) = self.checkpoint(shared) {
            tracing::warn!(%error, "the write-ahead log could not be moved into the file");
        }
        false
    }

    fn checkpoint(&mut self, shared: &Shared) -> crate::Result<()> {
        let link = match self.link.take() {
            Some(link) => link,
            None => Link::open(&shared.path, Role::Writer, shared.timeout)?,
        };
        let (mut frames, moved) = link.checkpoint("NOOP", Duration::ZERO)?;
        if (frames - moved) * PAGE_BYTES > CHECKPOINT_BYTES {
            (frames, _) = link.checkpoint("PASSIVE", Duration::ZERO)?;
        }
        if frames * PAGE_BYTES > RESTART_BYTES {
            self.make_ready(shared, &link)?;
            shared.alarm.is_late.store(frames * PAGE_BYTES > LATE_BYTES, Ordering::Relaxed);
            shared.alarm.restart_log.store(true, Ordering::Relaxed);
        }
        self.link = Some(link);
        Ok(())
    }

    /// Moves nearly all of the log and sees that it is on the disk. A checkpoint that does not reach
    /// the end of the log leaves that to the one that does, and this one is the writer's.
    fn make_ready(&mut self, shared: &Shared, link: &Link) -> crate::Result<()> {
        for _ in 0..ROUNDS {
            link.checkpoint("PASSIVE", Duration::ZERO)?;
            self.sync(shared);
            let (frames, moved) = link.checkpoint("NOOP", Duration::ZERO)?;
            if (frames - moved) * PAGE_BYTES <= REST_BYTES {
                break;
            }
        }
        Ok(())
    }

    /// Only saves the writer's time: what it does not reach, the writer's own sync does.
    fn sync(&mut self, shared: &Shared) {
        if self.file.is_none() {
            self.file = File::open(&shared.path).map(ManuallyDrop::new).ok();
        }
        if let Some(Err(error)) = self.file.as_deref().map(File::sync_data) {
            tracing::debug!(%error, "the database's file could not be synced beside the writer");
        }
    }
}
