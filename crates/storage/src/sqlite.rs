//! SQLite: many readers, one writer that commits waiting requests together.
//!
//! **Reading.** A statement takes a reader connection and runs on the calling thread. A reader keeps
//! its read transaction for a few milliseconds, because beginning one costs more than a lookup by
//! id; it begins a new one as soon as this process has committed anything.
//!
//! **Writing.** A commit costs one fsync, whatever it holds. So the writer begins one outer
//! transaction, each request works in its own savepoint inside it, and `commit` only releases the
//! savepoint and waits. The thread that does the real COMMIT lets those in the queue for the writer go
//! first, for a few milliseconds: they get into the same batch. No request is answered before the
//! COMMIT has returned; if it fails, all of the batch fail.

mod link;
mod memory;
mod snapshot;
mod told;
mod turn;
mod tx;
mod upkeep;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak, mpsc};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Mutex as AsyncMutex, Semaphore, SemaphorePermit, oneshot};
use tokio::time::timeout;

use crate::db::{Error, Options, Result, Row, Value};
use crate::follow::Step;
use link::{Link, Role, Watch};
use memory::Memory;
pub(crate) use snapshot::Snapshot;
use told::Told;
use turn::Turn;
pub(crate) use tx::Tx;
use upkeep::Alarm;

/// How long a batch waits at most for those who are in the queue for the writer: a COMMIT takes about
/// as long whatever it holds, and nobody can write meanwhile.
const GATHER: Duration = Duration::from_millis(3);

/// The handle; its last drop stops the two threads.
pub(crate) struct Sqlite {
    shared: Arc<Shared>,
    /// Tells the committing thread that a batch has its first member.
    batches: mpsc::Sender<()>,
}

pub(in crate::sqlite) struct Shared {
    path: PathBuf,
    timeout: Duration,
    hold: Duration,
    /// Between this process and others.
    turn: Turn,
    writer: Arc<AsyncMutex<Writer>>,
    /// Who wants the writer and does not have it yet.
    queued: AtomicUsize,
    committer: OnceLock<Thread>,
    /// The idle readers; the one used last is taken first, because its cache is warm.
    readers: Mutex<Vec<Reader>>,
    permits: Semaphore,
    /// Counted after COMMIT has returned and before anybody hears of it.
    commits: AtomicU64,
    /// What they wrote. Told before they are counted.
    told: Mutex<Told>,
    /// Moves on when readers must not go on with the view that they have.
    epoch: AtomicU64,
    watches: Mutex<Vec<Weak<Watch>>>,
    alarm: Alarm,
    closed: AtomicBool,
}

struct Writer {
    /// None after `close`.
    link: Option<Link>,
    /// Who released a savepoint in the open outer transaction and waits for its COMMIT.
    waiting: Vec<oneshot::Sender<Result<()>>>,
    /// What they wrote.
    steps: Vec<(i64, Step)>,
    /// Nobody else has committed between our last COMMIT and this outer transaction.
    follows: bool,
    memory: Memory,
}

struct Reader {
    link: Link,
    view: Option<View>,
}

/// The state of the database that an open read transaction sees.
struct View {
    /// [`Shared::epoch`] from before it began.
    epoch: u64,
    until: Instant,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self> {
        let timeout = Duration::from_millis(options.query_timeout_ms);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::Unavailable(format!("create folder {}: {error}", folder.display()))
            })?;
        }
        let link = blocking(|| Link::open(path, Role::Writer, timeout))?;
        let watches = Mutex::new(vec![Arc::downgrade(&link.watch)]);
        let writer = Writer {
            link: Some(link),
            waiting: Vec::new(),
            steps: Vec::new(),
            follows: false,
            memory: Memory::default(),
        };
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            timeout,
            hold: Duration::from_millis(options.read_hold_ms),
            turn: Turn::open(path)?,
            writer: Arc::new(AsyncMutex::new(writer)),
            queued: AtomicUsize::new(0),
            committer: OnceLock::new(),
            readers: Mutex::new(Vec::new()),
            permits: Semaphore::new(options.readers.max(1)),
            commits: AtomicU64::new(0),
            told: Mutex::default(),
            epoch: AtomicU64::new(0),
            watches,
            alarm: Alarm::default(),
            closed: AtomicBool::new(false),
        });
        let (batches, receiver) = mpsc::channel();
        let committing = Arc::clone(&shared);
        thread("sqlite-commit", move || commit_batches(&committing, &receiver))?;
        let tending = Arc::clone(&shared);
        thread("sqlite-upkeep", move || upkeep::run(&tending))?;
        Ok(Self { shared, batches })
    }

    pub(crate) async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let _permit = self.permit().await?;
        let reader = self.shared.take_reader()?;
        let quick = reader.link.is_quick(sql);
        let read = || self.shared.read(reader, |link| link.query(sql, params));
        if quick { read() } else { blocking(read) }
    }

    pub(crate) async fn query_each(
        &self,
        sql: &str,
        params: &[Value],
        each: &mut (dyn FnMut(Row) + Send),
    ) -> Result<()> {
        let _permit = self.permit().await?;
        let reader = self.shared.take_reader()?;
        blocking(|| self.shared.read(reader, |link| link.query_each(sql, params, each)))
    }

    pub(crate) async fn begin(this: &Arc<Self>) -> Result<Tx> {
        let lock = &this.shared.writer;
        let writer = match Arc::clone(lock).try_lock_owned() {
            Ok(writer) => writer,
            Err(_) => {
                let _queued = Queued::new(&this.shared);
                timeout(this.shared.timeout, Arc::clone(lock).lock_owned())
                    .await
                    .map_err(|_| Error::Unavailable("too many writers are waiting".to_owned()))?
            }
        };
        this.shared.alarm.wake();
        Ok(Tx::new(Arc::clone(this), writer))
    }

    pub(crate) fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Acquire)
    }

    /// See [`crate::Db::told`].
    pub(crate) fn told(&self, tenant: i64, after: u64) -> Option<(u64, Vec<Step>)> {
        lock(&self.shared.told).since(tenant, after)
    }

    pub(crate) fn renew_views(&self) {
        self.shared.epoch.fetch_add(1, Ordering::Release);
    }

    pub(crate) async fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.permits.close();
        let mut writer = self.shared.writer.lock().await;
        blocking(|| {
            let (waiting, result) = writer.commit_batch(&self.shared);
            answer(waiting, &result);
            self.shared.alarm.stop.store(true, Ordering::Release);
            self.shared.alarm.unpark();
            lock(&self.shared.readers).clear();
            if let Some(link) = writer.link.take()
                && let Err(error) = link.checkpoint("TRUNCATE", Duration::from_millis(100))
            {
                tracing::warn!(%error, "the write-ahead log stays beside the database file");
            }
        });
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>> {
        self.shared.alarm.wake();
        if let Ok(permit) = self.shared.permits.try_acquire() {
            return Ok(permit);
        }
        match timeout(self.shared.timeout, self.shared.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(Error::Unavailable("too many readers are waiting".to_owned())),
        }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.shared.alarm.stop.store(true, Ordering::Release);
        self.shared.alarm.unpark();
    }
}

impl Shared {
    fn take_reader(&self) -> Result<Reader> {
        let idle = lock(&self.readers).pop();
        match idle {
            Some(reader) => Ok(reader),
            None => blocking(|| self.open_reader()),
        }
    }

    /// Runs one statement in a view that is fresh enough, and puts the reader back.
    fn read<T>(&self, mut reader: Reader, work: impl FnOnce(&mut Link) -> Result<T>) -> Result<T> {
        let result = reader.refresh(self).and_then(|()| work(&mut reader.link));
        if (result.is_err() || self.hold.is_zero()) && reader.end_view().is_err() {
            return result;
        }
        if !self.closed.load(Ordering::Acquire) {
            lock(&self.readers).push(reader);
        }
        result
    }

    /// Begins an outer transaction, in this process's turn. The wait must not block the thread: the
    /// same task may hold what the one that is waited for needs to get on.
    async fn begin_outer(&self, link: &mut Link) -> Result<()> {
        let deadline = Instant::now() + self.timeout;
        let mut held = None;
        loop {
            held = held.or_else(|| self.turn.try_take());
            if held.is_some() && link.begin_write()? {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let reason = "another process is writing for too long";
                return Err(Error::Unavailable(reason.to_owned()));
            }
            tokio::time::sleep(turn::PAUSE).await;
        }
    }

    fn open_reader(&self) -> Result<Reader> {
        let link = Link::open(&self.path, Role::Reader, self.timeout)?;
        let mut watches = lock(&self.watches);
        watches.retain(|watch| watch.strong_count() > 0);
        watches.push(Arc::downgrade(&link.watch));
        Ok(Reader { link, view: None })
    }

    /// Interrupts statements that are overdue. Returns whether any statement is running.
    fn check_deadlines(&self, now: Instant) -> bool {
        let watches: Vec<_> = lock(&self.watches).iter().filter_map(Weak::upgrade).collect();
        watches.iter().filter(|watch| watch.check(now)).count() > 0
    }

    /// Waits as long as others are about to join the batch. Only the committing thread does.
    fn gather(&self) {
        let until = Instant::now() + GATHER;
        while self.queued.load(Ordering::SeqCst) > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::park_timeout(left);
        }
    }

    /// Somebody leaves the writer, and has left a batch that waits for its COMMIT.
    fn left_batch(&self) {
        if self.queued.load(Ordering::SeqCst) == 0
            && let Some(committer) = self.committer.get()
        {
            committer.unpark();
        }
    }

    fn end_views(&self) {
        lock(&self.readers).retain_mut(|reader| reader.end_view().is_ok());
    }

    /// An idle reader must not keep an old view: the log could not be cut before it. Returns
    /// whether any view is still open.
    fn end_old_views(&self, now: Instant) -> bool {
        let mut readers = lock(&self.readers);
        readers.retain_mut(|reader| {
            let old = reader.view.as_ref().is_some_and(|view| view.until <= now);
            !old || reader.end_view().is_ok()
        });
        readers.iter().any(|reader| reader.view.is_some())
    }
}

/// Counts one who waits for the writer.
struct Queued<'a>(&'a Shared);

impl<'a> Queued<'a> {
    fn new(shared: &'a Shared) -> Queued<'a> {
        shared.queued.fetch_add(1, Ordering::SeqCst);
        Queued(shared)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Reader {
    fn refresh(&mut self, shared: &Shared) -> Result<()> {
        let epoch = shared.epoch.load(Ordering::Acquire);
        let now = Instant::now();
        if self.view.as_ref().is_some_and(|view| view.epoch == epoch && now < view.until) {
            return Ok(());
        }
        self.end_view()?;
        self.link.control("BEGIN")?;
        self.view = Some(View { epoch, until: now + shared.hold });
        Ok(())
    }

    fn end_view(&mut self) -> Result<()> {
        match self.view.take() {
            Some(_) if !self.link.is_autocommit() => self.link.control("COMMIT"),
            _ => Ok(()),
        }
    }
}

impl Writer {
    /// COMMITs what is waiting. The waiting ones are to be answered after the writer is free again.
    fn commit_batch(&mut self, shared: &Shared) -> Batch {
        let waiting = std::mem::take(&mut self.waiting);
        let steps = std::mem::take(&mut self.steps);
        let Some(link) = self.link.as_mut().filter(|_| !waiting.is_empty()) else {
            return (waiting, Ok(()));
        };
        let result = self.memory.write_counters(link).and_then(|()| link.control("COMMIT"));
        if result.is_ok() {
            self.memory.committed();
            // From here on nobody begins to read an older state than this; only then it is told.
            shared.epoch.fetch_add(1, Ordering::Release);
            let number = lock(&shared.told).push(self.follows, steps);
            shared.commits.store(number, Ordering::Release);
            self.follows = true;
        } else {
            self.memory.clear();
            if !link.is_autocommit() {
                // Nothing is left to do about an error here: the file is gone or the disk is full.
                let _ = link.control("ROLLBACK");
            }
        }
        (waiting, result)
    }

    /// SQLite itself has rolled back the outer transaction, and with it the work of those who wait.
    fn lose_batch(&mut self, reason: &Error) {
        self.memory.clear();
        self.steps.clear();
        let lost = Error::Unavailable(format!("the commit was lost: {reason}"));
        answer(std::mem::take(&mut self.waiting), &Err(lost));
    }
}

type Batch = (Vec<oneshot::Sender<Result<()>>>, Result<()>);

/// The committing thread: one COMMIT a batch, until all handles are gone. It is a thread and no
/// task, so that neither a cancelled request nor a busy runtime leaves a batch behind.
fn commit_batches(shared: &Shared, batches: &mpsc::Receiver<()>) {
    let _ = shared.committer.set(std::thread::current());
    while batches.recv().is_ok() {
        shared.gather();
        let mut writer = shared.writer.blocking_lock();
        let (waiting, result) = writer.commit_batch(shared);
        if let Some(wait) = shared.alarm.restart()
            && let Some(link) = &writer.link
        {
            // Idle readers have an old view by now, which would keep the log from starting again.
            shared.end_views();
            // Its file stays as long as it is: to write over it costs less than to make it longer.
            if let Err(error) = link.checkpoint("RESTART", wait) {
                tracing::debug!(%error, "the write-ahead log could not be restarted");
            }
        }
        drop(writer);
        answer(waiting, &result);
    }
}

fn answer(waiting: Vec<oneshot::Sender<Result<()>>>, result: &Result<()>) {
    for request in waiting {
        let copy = match result {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::Unavailable(format!("commit: {error}"))),
        };
        // A request that went away doesn't want to know.
        let _ = request.send(copy);
    }
}

fn closed() -> Error {
    Error::Unavailable("the database is closed".to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map(|_| ()).map_err(|error| Error::Unavailable(format!("start thread {name}: {error}")))
}

/// Runs `work` on this thread and lets the runtime move its other tasks elsewhere meanwhile.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let several = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if several { tokio::task::block_in_place(work) } else { work() }
}
