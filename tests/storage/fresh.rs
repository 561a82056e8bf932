//! Following what was written: nothing is missed, whoever wrote it and in whatever order it was
//! committed.

use std::sync::Arc;
use std::time::Duration;

use aureole_catalogue::EntityKind;
use aureole_server::fresh::{Changed, Fresh, Mark};
use aureole_storage::changes::{self, Author, Change, Operation};
use aureole_storage::{DatabaseUrl, Db, Dialect, Options, Tx};
use aureole_testkit::postgres::Cluster;
use tempfile::TempDir;

const TENANT: i64 = 1;
const HOLD: Duration = Duration::from_millis(5);

struct Place {
    url: DatabaseUrl,
    db: Db,
    _folder: TempDir,
}

impl Place {
    async fn at(url: DatabaseUrl, folder: TempDir) -> Place {
        let db = Db::open(&url, Options::default()).await.unwrap();
        db.migrate(0).await.unwrap();
        Place { url, db, _folder: folder }
    }

    fn fresh(&self, capacity: usize) -> Fresh {
        Fresh::new(self.db.clone(), HOLD, capacity)
    }

    /// The same database in another process.
    async fn other(&self) -> Db {
        Db::open(&self.url, Options::default()).await.unwrap()
    }
}

async fn places() -> [Place; 2] {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = DatabaseUrl::Sqlite(folder.path().join("test.db"));
    let postgres = Cluster::shared().unwrap().create_database().parse().unwrap();
    [Place::at(sqlite, folder).await, Place::at(postgres, tempfile::tempdir().unwrap()).await]
}

async fn write(tx: &mut Tx, tenant: i64, id: i64, operation: Operation) {
    let seq = tx.reserve_ids(tenant, changes::COUNTER, 1).await.unwrap();
    let change = Change { operation, ..Change::created(seq, "Site", id, 7, Vec::new()) };
    changes::append(tx, tenant, 0, &Author::default(), vec![change]).await.unwrap();
}

async fn commit(db: &Db, ids: &[i64]) {
    let mut tx = db.begin().await.unwrap();
    for id in ids {
        write(&mut tx, TENANT, *id, Operation::Updated).await;
    }
    tx.commit().await.unwrap();
}

fn ids(changes: &[Changed]) -> Vec<i64> {
    changes.iter().map(|change| change.id).collect()
}

/// What happened since `position`, which moves on.
async fn news(fresh: &Fresh, position: &mut u64) -> Vec<i64> {
    let delta = fresh.changed_since(TENANT, *position).await.unwrap();
    *position = delta.position;
    ids(&delta.changes.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_before_the_call_is_known_after_it() {
    for place in places().await {
        let fresh = place.fresh(1_000);
        commit(&place.db, &[1]).await;
        let mut position = fresh.sync(TENANT).await.unwrap();
        assert_eq!(news(&fresh, &mut position).await, [] as [i64; 0]);
        for round in 0..50 {
            commit(&place.db, &[round, round + 1_000]).await;
            assert_eq!(news(&fresh, &mut position).await, [round, round + 1_000]);
        }
        assert_eq!(news(&fresh, &mut position).await, [] as [i64; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_carries_what_was_written() {
    for place in places().await {
        let fresh = place.fresh(1_000);
        let position = fresh.sync(TENANT).await.unwrap();
        let mut tx = place.db.begin().await.unwrap();
        write(&mut tx, TENANT, 3, Operation::Created).await;
        write(&mut tx, TENANT, 4, Operation::Deleted).await;
        write(&mut tx, 2, 5, Operation::Updated).await;
        tx.commit().await.unwrap();
        let delta = fresh.changed_since(TENANT, position).await.unwrap();
        let changes = delta.changes.unwrap();
        let seen: Vec<_> =
            changes.iter().map(|one| (one.kind, one.id, one.client_id, one.is_new)).collect();
        assert_eq!(seen, [(EntityKind::Site, 3, 7, true), (EntityKind::Site, 4, 7, false)]);
        assert!(changes.iter().all(|one| one.position == delta.position && one.seq > 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_is_seen() {
    for place in places().await {
        let fresh = place.fresh(1_000);
        let other = place.other().await;
        let mut position = fresh.sync(TENANT).await.unwrap();
        for round in 1..20 {
            commit(&other, &[round]).await;
            if place.db.dialect() == Dialect::Sqlite {
                tokio::time::sleep(HOLD).await;
            }
            assert_eq!(news(&fresh, &mut position).await, [round], "{:?}", place.db.dialect());
            // And what is read then is no older.
            let sql = "SELECT count(*) FROM change WHERE tenant_id = $1";
            let rows = place.db.query(sql, &[TENANT.into()]).await.unwrap();
            assert_eq!(rows[0].int(0), round);
        }
    }
}

/// Two transactions write one after the other and commit the other way round, with a third that
/// stays open all the time: a follower that only remembered the largest number would miss one.
#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_number_that_is_committed_later_is_not_missed() {
    for place in places().await {
        if place.db.dialect() == Dialect::Sqlite {
            // There is one writer at a time.
            continue;
        }
        let fresh = place.fresh(1_000);
        let (one, two) = (place.other().await, place.other().await);
        let mut position = fresh.sync(TENANT).await.unwrap();
        let mut open = place.db.begin().await.unwrap();
        write(&mut open, TENANT, 99, Operation::Updated).await;
        for round in 0..10 {
            let (early, late) = (2 * round, 2 * round + 1);
            let mut first = one.begin().await.unwrap();
            write(&mut first, TENANT, early, Operation::Updated).await;
            let mut second = two.begin().await.unwrap();
            write(&mut second, TENANT, late, Operation::Updated).await;
            assert_eq!(news(&fresh, &mut position).await, [] as [i64; 0]);
            second.commit().await.unwrap();
            assert_eq!(news(&fresh, &mut position).await, [late]);
            first.commit().await.unwrap();
            assert_eq!(news(&fresh, &mut position).await, [early]);
            assert_eq!(news(&fresh, &mut position).await, [] as [i64; 0]);
        }
        open.commit().await.unwrap();
        assert_eq!(news(&fresh, &mut position).await, [99]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_while_others_write_miss_nothing() {
    for place in places().await {
        let fresh = Arc::new(place.fresh(100_000));
        let start = fresh.sync(TENANT).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for writer in 0..4 {
            let (db, fresh) = (place.db.clone(), Arc::clone(&fresh));
            tasks.spawn(async move {
                for round in 0..25 {
                    let id = writer * 1_000 + round;
                    let before = fresh.sync(TENANT).await.unwrap();
                    commit(&db, &[id]).await;
                    let delta = fresh.changed_since(TENANT, before).await.unwrap();
                    assert!(ids(&delta.changes.unwrap()).contains(&id), "{id}");
                    let mark = Mark::of(TENANT, EntityKind::Site, id);
                    assert!(!fresh.is_untouched(mark, before));
                    assert!(fresh.is_untouched(mark, delta.position));
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let delta = fresh.since(TENANT, start);
        let mut all = ids(&delta.changes.unwrap());
        all.sort_unstable();
        let expected: Vec<i64> =
            (0..4).flat_map(|writer| (0..25).map(move |round| writer * 1_000 + round)).collect();
        assert_eq!(all, expected);
    }
}

/// A request that goes away while it reads for the others leaves none of them waiting.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_may_go_away() {
    for place in places().await {
        let fresh = Arc::new(place.fresh(1_000));
        fresh.sync(TENANT).await.unwrap();
        for round in 0..200 {
            commit(&place.db, &[round]).await;
            let mut asking = tokio::task::JoinSet::new();
            let mut ask = || {
                let fresh = Arc::clone(&fresh);
                asking.spawn(async move { fresh.sync(TENANT).await.unwrap() })
            };
            let first = ask();
            let _others = [ask(), ask(), ask()];
            first.abort();
            let all = async {
                while let Some(done) = asking.join_next().await {
                    assert!(done.is_ok() || done.unwrap_err().is_cancelled());
                }
            };
            tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_to_remember_means_read_anew() {
    for place in places().await {
        let fresh = place.fresh(10);
        let start = fresh.sync(TENANT).await.unwrap();
        commit(&place.db, &[1, 2, 3, 4, 5, 6]).await;
        let middle = fresh.sync(TENANT).await.unwrap();
        commit(&place.db, &[11, 12, 13, 14, 15, 16]).await;
        let delta = fresh.changed_since(TENANT, middle).await.unwrap();
        assert_eq!(ids(&delta.changes.unwrap()), [11, 12, 13, 14, 15, 16]);
        assert_eq!(fresh.since(TENANT, start).changes, None);
        // More at once than there is room for.
        let many: Vec<i64> = (0..30).collect();
        commit(&place.db, &many).await;
        let delta = fresh.changed_since(TENANT, delta.position).await.unwrap();
        assert_eq!(delta.changes, None);
        let moment = fresh.moment(TENANT).await.unwrap();
        assert_eq!((moment.position, moment.floor), (delta.position, delta.position));
        commit(&place.db, &[40]).await;
        let delta = fresh.changed_since(TENANT, delta.position).await.unwrap();
        assert_eq!(ids(&delta.changes.unwrap()), [40]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_is_told() {
    for place in places().await {
        let fresh = place.fresh(1_000);
        let position = fresh.sync(TENANT).await.unwrap();
        let mut watch = fresh.watch(TENANT);
        assert_eq!(*watch.borrow_and_update(), position);
        commit(&place.db, &[1]).await;
        let next = fresh.sync(TENANT).await.unwrap();
        assert!(next > position);
        watch.changed().await.unwrap();
        assert_eq!(*watch.borrow_and_update(), next);
    }
}
