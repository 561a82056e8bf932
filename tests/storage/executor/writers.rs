//! What writers may rely on: ids and answers from memory, writes that travel later, turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aureole_storage::{Db, Error, Read, Tx};

use super::{INSERT, Place, count, insert, places, with_tables};

async fn next(tx: &mut Tx) -> i64 {
    tx.reserve_ids(1, "thing", 1).await.unwrap()
}

async fn one_id(db: &Db) -> i64 {
    let mut tx = db.begin().await.unwrap();
    let id = next(&mut tx).await;
    insert(&mut tx, id, &format!("thing {id}")).await.unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_grow_across_processes_and_restarts() {
    for place in places() {
        let first = with_tables(&place).await;
        let second = place.open().await;
        let mut last = 0;
        let mut seen = Vec::new();
        for turn in 0..12 {
            let id = one_id(if turn % 3 == 0 { &second } else { &first }).await;
            assert!(!seen.contains(&id), "{id} twice");
            if place.is_sqlite() {
                assert_eq!(id, last + 1, "on SQLite there are no gaps");
            }
            last = id;
            seen.push(id);
        }
        first.close().await;
        second.close().await;
        let again = place.open().await;
        let id = one_id(&again).await;
        assert!(!seen.contains(&id), "{id} twice");
        assert!(!place.is_sqlite() || id == last + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undone_request_gives_its_ids_back_on_sqlite() {
    let [place, _] = places();
    let db = with_tables(&place).await;
    assert_eq!(one_id(&db).await, 1);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(next(&mut tx).await, 2);
    assert_eq!(tx.reserve_ids(1, "thing", 10).await.unwrap(), 3);
    assert_eq!(tx.reserve_ids(1, "other", 1).await.unwrap(), 1);
    drop(tx);
    assert_eq!(one_id(&db).await, 2);
    // What a request does to the counters by hand is undone with it, and kept with it.
    let by_hand = "INSERT INTO id_counters (tenant_id, entity, next_id) VALUES (1, $1, $2) \
        ON CONFLICT (tenant_id, entity) DO UPDATE SET next_id = excluded.next_id";
    let mut tx = db.begin().await.unwrap();
    assert_eq!(next(&mut tx).await, 3);
    tx.execute(by_hand, &["thing".into(), 100.into()]).await.unwrap();
    assert_eq!(next(&mut tx).await, 100);
    drop(tx);
    assert_eq!(one_id(&db).await, 3);
    let mut tx = db.begin().await.unwrap();
    let stored = "SELECT next_id FROM id_counters WHERE tenant_id = 1 AND entity = 'thing'";
    assert_eq!(next(&mut tx).await, 4);
    assert_eq!(tx.query(stored, &[]).await.unwrap()[0].int(0), 5, "a question sees its own ids");
    tx.savepoint().await.unwrap();
    assert_eq!(next(&mut tx).await, 5);
    tx.rollback_to_savepoint().await.unwrap();
    tx.execute(by_hand, &["thing".into(), 100.into()]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(one_id(&db).await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hardly_changes_is_never_stale() {
    for place in places() {
        let first = with_tables(&place).await;
        let mut tx = first.begin().await.unwrap();
        tx.execute("CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT)", &[]).await.unwrap();
        tx.execute("INSERT INTO setting VALUES ('a', 'one')", &[]).await.unwrap();
        tx.commit().await.unwrap();
        let second = place.open().await;
        let sql = "SELECT value FROM setting WHERE name = $1";
        let set = "UPDATE setting SET value = $1";
        for (turn, value) in ["two", "three", "four"].into_iter().enumerate() {
            let writer = if turn % 2 == 0 { &second } else { &first };
            let mut tx = writer.begin().await.unwrap();
            tx.execute(set, &[value.into()]).await.unwrap();
            tx.commit().await.unwrap();
            for reader in [&first, &second] {
                let mut tx = reader.begin().await.unwrap();
                for _ in 0..2 {
                    let rows = tx.query(sql, &["a".into()]).await.unwrap();
                    assert_eq!(rows[0].text(0), value);
                }
                assert!(tx.query(sql, &["b".into()]).await.unwrap().is_empty());
                tx.commit().await.unwrap();
            }
        }
        let mut tx = first.begin().await.unwrap();
        tx.execute(set, &["undone".into()]).await.unwrap();
        assert_eq!(tx.query(sql, &["a".into()]).await.unwrap()[0].text(0), "undone");
        drop(tx);
        let mut tx = first.begin().await.unwrap();
        assert_eq!(tx.query(sql, &["a".into()]).await.unwrap()[0].text(0), "four");
        tx.savepoint().await.unwrap();
        tx.execute(set, &["undone".into()]).await.unwrap();
        tx.rollback_to_savepoint().await.unwrap();
        assert_eq!(tx.query(sql, &["a".into()]).await.unwrap()[0].text(0), "four");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn later_writes_are_seen_by_what_follows_and_fail_before_the_commit() {
    for place in places() {
        let db = with_tables(&place).await;
        let rows = |ids: std::ops::Range<i64>| {
            ids.map(|id| vec![id.into(), format!("row {id}").into()]).collect::<Vec<_>>()
        };
        let mut tx = db.begin().await.unwrap();
        tx.later(INSERT, rows(0..3)).await.unwrap();
        tx.later(INSERT, rows(3..1_300)).await.unwrap();
        assert_eq!(count(&mut tx).await, 1_300);
        let hit = "UPDATE item SET hits = hits + $1 WHERE id = $2";
        tx.later_exactly(hit, vec![vec![1.into(), 7.into()]]).await.unwrap();
        tx.later(INSERT, vec![vec![2_000.into(), None::<&str>.into()]]).await.unwrap();
        tx.commit().await.unwrap();
        let rows_now = db.query("SELECT hits FROM item WHERE id = 7", &[]).await.unwrap();
        assert_eq!(rows_now[0].int(0), 1);
        let empty = db.query("SELECT name FROM item WHERE id = 2000", &[]).await.unwrap();
        assert!(empty[0].is_null(0));

        // A refusal comes with a later call, and nothing is kept.
        let mut tx = db.begin().await.unwrap();
        let refused = async {
            tx.later(INSERT, rows(5_000..5_010)).await?;
            tx.later(INSERT, vec![vec![7.into(), "seven".into()]]).await?;
            tx.commit().await
        };
        assert!(matches!(refused.await, Err(Error::Unique { index }) if index == "item_pkey"));
        assert_eq!(count(&mut db.clone()).await, 1_301);
        let mut tx = db.begin().await.unwrap();
        let refused = async {
            tx.later_exactly(hit, vec![vec![1.into(), 99_999.into()]]).await?;
            tx.commit().await
        };
        assert!(matches!(refused.await, Err(Error::Internal(_))));

        // Dropped or undone, it leaves no trace.
        let mut tx = db.begin().await.unwrap();
        tx.later(INSERT, rows(6_000..6_001)).await.unwrap();
        drop(tx);
        let mut tx = db.begin().await.unwrap();
        tx.later(INSERT, rows(6_001..6_002)).await.unwrap();
        tx.savepoint().await.unwrap();
        tx.later(INSERT, rows(6_002..6_003)).await.unwrap();
        tx.rollback_to_savepoint().await.unwrap();
        tx.commit().await.unwrap();
        let kept = db.query("SELECT id FROM item WHERE id >= 5000", &[]).await.unwrap();
        assert_eq!(kept.iter().map(|row| row.int(0)).collect::<Vec<_>>(), [6_001]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_asked_ahead_has_no_stale_answer() {
    for place in places() {
        let db = with_tables(&place).await;
        let named = "SELECT id FROM item WHERE name = $1";
        let mut tx = db.begin().await.unwrap();
        for name in ["a", "b"] {
            assert!(tx.ahead().query(named, &[name.into()]).await.unwrap().is_empty());
        }
        assert_eq!(count(&mut tx).await, 0);
        assert!(tx.query(named, &["b".into()]).await.unwrap().is_empty());
        // `a` was answered too, and its answer is worth nothing now.
        tx.later(INSERT, vec![vec![1.into(), "a".into()]]).await.unwrap();
        assert_eq!(tx.query(named, &["a".into()]).await.unwrap().len(), 1);
        tx.ahead().query(named, &["a".into()]).await.unwrap();
        tx.execute("DELETE FROM item", &[]).await.unwrap();
        assert!(tx.query(named, &["a".into()]).await.unwrap().is_empty());
        tx.commit().await.unwrap();
    }
}

/// One process that writes without a pause, each time for longer than it rests, leaves the other
/// one its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_writer_starves_another_process() {
    let [place, _] = places();
    let (busy, other) = (with_tables(&place).await, place.open().await);
    let stop = Arc::new(AtomicBool::new(false));
    let passed = Arc::new(AtomicU64::new(0));
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (busy, stop, passed) = (busy.clone(), Arc::clone(&stop), Arc::clone(&passed));
        writers.spawn(async move {
            let slow = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
                WHERE i < 60000) SELECT max(i) FROM n";
            while !stop.load(Ordering::Relaxed) {
                let mut tx = busy.begin().await.unwrap();
                let id = next(&mut tx).await;
                insert(&mut tx, id, &format!("busy {id}")).await.unwrap();
                tx.query(slow, &[]).await.unwrap();
                tx.commit().await.unwrap();
                passed.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = passed.load(Ordering::Relaxed);
    for turn in 0..20 {
        let mut tx = other.begin().await.unwrap();
        insert(&mut tx, -1 - turn, &format!("other {turn}")).await.unwrap();
        tx.commit().await.unwrap();
    }
    let passed = passed.load(Ordering::Relaxed) - before;
    stop.store(true, Ordering::Relaxed);
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    // Each of the twenty lets one batch or two of three pass, and some more while it sleeps; who has
    // to hope for a gap gives up after some thousand.
    assert!(passed < 1_000, "{passed} writes went first");
}

/// The same in one task: whoever waits for the other's turn must not keep the other from its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_two_handles_in_one_task_do_not_block_each_other() {
    let [place, _] = places();
    let (first, second) = (with_tables(&place).await, place.open().await);
    let write = async |db: &Db, from: i64| {
        for id in from..from + 200 {
            let mut tx = db.begin().await.unwrap();
            insert(&mut tx, id, &format!("row {id}")).await.unwrap();
            tokio::task::yield_now().await;
            tx.commit().await.unwrap();
        }
    };
    let all = async { tokio::join!(write(&first, 0), write(&second, 1_000), write(&first, 2_000)) };
    tokio::time::timeout(Duration::from_secs(25), all).await.unwrap();
    assert_eq!(count(&mut first.clone()).await, 600);
}

impl Place {
    fn is_sqlite(&self) -> bool {
        matches!(self.url, aureole_storage::DatabaseUrl::Sqlite(_))
    }
}
