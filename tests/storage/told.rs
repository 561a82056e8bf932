//! What SQLite's writer tells of its own commits, and what follows from it without a read: exactly
//! what was committed, in that order, and nothing that was not.

use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::time::Duration;

use aureole_server::fresh::Fresh;
use aureole_storage::changes::{self, Author, Change, Operation};
use aureole_storage::{DatabaseUrl, Db, Options, Read, Tx};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

const TENANT: i64 = 1;
/// So long that no commit of another process is looked for.
const FOR_EVER: Duration = Duration::from_secs(3_600);

struct Place {
    url: DatabaseUrl,
    db: Db,
    _folder: TempDir,
}

impl Place {
    /// Views are kept for ever, so that only what is told or looked for ends them.
    async fn new(readers: usize) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("test.db"));
        let options = Options { readers, read_hold_ms: 3_600_000, ..Options::default() };
        let db = Db::open(&url, options).await.unwrap();
        db.migrate(0).await.unwrap();
        Place { url, db, _folder: folder }
    }

    async fn other(&self) -> Db {
        Db::open(&self.url, Options::default()).await.unwrap()
    }

    /// A first commit, before which nothing can be told.
    async fn known(&self) -> u64 {
        commit(&self.db, TENANT, &[0]).await;
        self.db.commits()
    }

    fn told(&self, after: u64) -> Option<Vec<i64>> {
        let (number, steps) = self.db.told(TENANT, after)?;
        assert_eq!(number, self.db.commits());
        Some(steps.iter().map(|step| step.record_id).collect())
    }
}

async fn write(tx: &mut Tx, tenant: i64, id: i64) {
    let seq = tx.reserve_ids(tenant, changes::COUNTER, 1).await.unwrap();
    let created = Change::created(seq, "Site", id, 7, Vec::new());
    let change = Change { operation: Operation::Updated, ..created };
    changes::append(tx, tenant, 0, &Author::default(), vec![change]).await.unwrap();
}

async fn commit(db: &Db, tenant: i64, ids: &[i64]) {
    let mut tx = db.begin().await.unwrap();
    for id in ids {
        write(&mut tx, tenant, *id).await;
    }
    tx.commit().await.unwrap();
}

/// The numbers of all changes in the database, in their order.
async fn written(db: &Db) -> Vec<i64> {
    let sql = "SELECT seq FROM change WHERE tenant_id = $1 ORDER BY seq";
    let rows = db.query(sql, &[TENANT.into()]).await.unwrap();
    rows.iter().map(|row| row.int(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_tells_what_it_wrote() {
    let place = Place::new(4).await;
    let known = place.known().await;
    assert_eq!(place.told(known), Some(vec![]));
    commit(&place.db, TENANT, &[1, 2]).await;
    commit(&place.db, 2, &[3]).await;
    commit(&place.db, TENANT, &[4]).await;
    assert_eq!(place.told(known), Some(vec![1, 2, 4]));
    assert_eq!(place.told(known + 2), Some(vec![4]));
    let (_, steps) = place.db.told(2, known).unwrap();
    assert_eq!((steps.len(), steps[0].record_id, steps[0].client_id), (1, 3, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_undone_is_not_told() {
    let place = Place::new(4).await;
    let known = place.known().await;
    let mut tx = place.db.begin().await.unwrap();
    write(&mut tx, TENANT, 1).await;
    drop(tx);
    let mut tx = place.db.begin().await.unwrap();
    write(&mut tx, TENANT, 2).await;
    tx.rollback().await.unwrap();
    let mut tx = place.db.begin().await.unwrap();
    write(&mut tx, TENANT, 3).await;
    tx.savepoint().await.unwrap();
    write(&mut tx, TENANT, 4).await;
    tx.savepoint().await.unwrap();
    write(&mut tx, TENANT, 5).await;
    tx.rollback_to_savepoint().await.unwrap();
    write(&mut tx, TENANT, 6).await;
    tx.release_savepoint().await.unwrap();
    tx.rollback_to_savepoint().await.unwrap();
    write(&mut tx, TENANT, 7).await;
    assert!(tx.query("SELECT no_such_column FROM change", &[]).await.is_err());
    tx.rollback_to_savepoint().await.unwrap();
    tx.release_savepoint().await.unwrap();
    write(&mut tx, TENANT, 8).await;
    assert_eq!(place.told(known), Some(vec![]));
    tx.commit().await.unwrap();
    assert_eq!(place.told(known), Some(vec![3, 8]));
    // A request that can't be committed.
    let mut tx = place.db.begin().await.unwrap();
    write(&mut tx, TENANT, 9).await;
    assert!(tx.query("SELECT no_such_column FROM change", &[]).await.is_err());
    assert!(tx.commit().await.is_err());
    commit(&place.db, TENANT, &[10]).await;
    assert_eq!(place.told(known), Some(vec![3, 8, 10]));
}

/// One that somebody else has written in between is not here, and so it is all to be read.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_across_a_commit_of_another_process() {
    let place = Place::new(4).await;
    let other = place.other().await;
    let known = place.known().await;
    commit(&place.db, TENANT, &[1]).await;
    commit(&other, TENANT, &[2]).await;
    assert_eq!(place.told(known), Some(vec![1]));
    // Not even a request that leaves no trace makes that forgotten.
    let mut tx = place.db.begin().await.unwrap();
    write(&mut tx, TENANT, 3).await;
    drop(tx);
    commit(&place.db, TENANT, &[4]).await;
    assert_eq!(place.told(known), None);
    assert_eq!(place.told(known + 1), None);
    commit(&place.db, TENANT, &[5]).await;
    assert_eq!(place.told(known + 2), Some(vec![5]));
}

/// Random commits of two processes, undone requests and parts of requests. Whenever this process has
/// committed, everything that is in the database is known: each change once, in their order.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_and_read_is_what_the_database_has() {
    let place = Place::new(4).await;
    let other = place.other().await;
    let fresh = Fresh::new(place.db.clone(), FOR_EVER, 100_000);
    let start = fresh.sync(TENANT).await.unwrap();
    let mut seed: u64 = 7;
    let mut pick = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut told = 0;
    for round in 0..400 {
        match pick(8) {
            0 => commit(&other, TENANT, &[round]).await,
            1 => commit(&place.db, 2, &[round]).await,
            2 => {
                let mut tx = place.db.begin().await.unwrap();
                write(&mut tx, TENANT, round).await;
                tx.rollback().await.unwrap();
            }
            3 => {
                let mut tx = place.db.begin().await.unwrap();
                write(&mut tx, TENANT, round).await;
                tx.savepoint().await.unwrap();
                write(&mut tx, TENANT, round).await;
                tx.rollback_to_savepoint().await.unwrap();
                tx.commit().await.unwrap();
            }
            4 => {
                // Three that are committed together, one of which is undone before.
                let (db, gone) = (&place.db, async {
                    let mut tx = place.db.begin().await.unwrap();
                    write(&mut tx, TENANT, round).await;
                });
                let (one, two) = ([round, round + 1], [round + 2]);
                tokio::join!(commit(db, TENANT, &one), gone, commit(db, TENANT, &two));
            }
            _ => commit(&place.db, TENANT, &[round, round + 1]).await,
        }
        if pick(3) == 0 {
            continue;
        }
        commit(&place.db, TENANT, &[round]).await;
        told += u64::from(place.db.told(TENANT, place.db.commits() - 1).is_some());
        fresh.sync(TENANT).await.unwrap();
        let known = fresh.since(TENANT, start).changes.unwrap();
        let known: Vec<i64> = known.iter().map(|change| change.seq).collect();
        assert_eq!(known, written(&place.db).await, "round {round}");
    }
    assert!(told > 100, "{told}");
}

/// Keeps a reader of the database busy with one row until it is let go.
struct Busy {
    let_go: mpsc::Sender<()>,
    began: oneshot::Receiver<()>,
    reading: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Busy {
    fn new(db: &Db) -> Busy {
        let (let_go, wait) = mpsc::channel();
        let (begin, began) = oneshot::channel();
        let db = db.clone();
        let reading = Box::pin(async move {
            let mut begin = Some(begin);
            let mut each = move |_| {
                if let Some(begin) = begin.take() {
                    begin.send(()).unwrap();
                    wait.recv().unwrap();
                }
            };
            db.query_each("SELECT count(*) FROM change", &[], &mut each).await.unwrap();
        });
        Busy { let_go, began, reading }
    }

    /// Lets it go on; the function gives what ends the reading.
    fn spawn(self) -> (oneshot::Receiver<()>, impl AsyncFnOnce()) {
        let mut task = JoinSet::new();
        task.spawn(self.reading);
        let end = async move || {
            self.let_go.send(()).unwrap();
            task.join_next().await.unwrap().unwrap();
        };
        (self.began, end)
    }
}

/// Gets a future to the place where it has to wait.
fn begin<T>(future: &mut Pin<Box<dyn Future<Output = T> + Send>>) {
    let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}

/// Somebody begins to read after `Fresh` has ended all views and before another process commits; what
/// `Fresh` reads then has that commit. Nobody may go on with the view from before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn nobody_reads_an_older_state_than_is_known() {
    let place = Place::new(2).await;
    let other = place.other().await;
    place.known().await;
    let fresh = Arc::new(Fresh::new(place.db.clone(), Duration::ZERO, 1_000));
    fresh.sync(TENANT).await.unwrap();
    let before = written(&place.db).await.len();
    // Both readers are busy, so that a third and then `Fresh` wait for one.
    let (began, end_first) = Busy::new(&place.db).spawn();
    began.await.unwrap();
    let (began, end_second) = Busy::new(&place.db).spawn();
    began.await.unwrap();
    let mut third = Busy::new(&place.db);
    begin(&mut third.reading);
    let asking = Arc::clone(&fresh);
    let mut sync: Pin<Box<dyn Future<Output = u64> + Send>> =
        Box::pin(async move { asking.sync(TENANT).await.unwrap() });
    begin(&mut sync);
    let (began, end_third) = third.spawn();
    end_first().await;
    began.await.unwrap();
    commit(&other, TENANT, &[2]).await;
    let mut syncing = JoinSet::new();
    syncing.spawn(sync);
    end_second().await;
    let position = syncing.join_next().await.unwrap().unwrap();
    let known = fresh.since(TENANT, position - 1).changes.unwrap();
    assert_eq!(known.iter().map(|change| change.id).collect::<Vec<_>>(), [2]);
    // Its reader is the one that was used last.
    end_third().await;
    assert_eq!(written(&place.db).await.len(), before + 1);
}
