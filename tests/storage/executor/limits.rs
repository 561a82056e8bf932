//! What must not grow, run on or come twice.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use aureole_storage::{DatabaseUrl, Db, Error, Options, Read, Value};
use tokio::task::JoinSet;

use super::{count, insert, places, with_tables};

#[tokio::test(flavor = "multi_thread")]
async fn a_long_statement_runs_out_of_time() {
    let endless = "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL \
                   SELECT i + 1 FROM n WHERE i < $1) SELECT count(*) FROM n";
    for place in places() {
        let options = Options { query_timeout_ms: 150, pool_size: 1, ..Options::default() };
        with_tables(&place).await.close().await;
        let db = place.open_with(options).await;
        let start = Instant::now();
        let forever = [Value::Int(1 << 40)];
        let result = db.query(endless, &forever).await;
        assert!(matches!(result, Err(Error::Timeout)), "{result:?}");
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        db.ping().await.unwrap();

        let mut tx = db.begin().await.unwrap();
        insert(&mut tx, 1, "gone").await.unwrap();
        assert!(matches!(tx.query(endless, &forever).await, Err(Error::Timeout)));
        tx.commit().await.unwrap_err();
        let mut tx = db.begin().await.unwrap();
        let write = format!("INSERT INTO item (id) {endless}");
        assert!(matches!(tx.execute(&write, &forever).await, Err(Error::Timeout)));
        // Another writer waits in vain while this one is open.
        assert!(matches!(begin_and_touch(&db).await, Err(Error::Unavailable(_))));
        drop(tx);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(count(&mut tx).await, 0);
        insert(&mut tx, 1, "works again").await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn begin_and_touch(db: &Db) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    insert(&mut tx, 99, "never").await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_grow_and_never_repeat() {
    for place in places() {
        let db = with_tables(&place).await;
        let mut last = 0;
        for count in [1, 1, 5, 1000, 3, 64, 1] {
            let mut tx = db.begin().await.unwrap();
            let first = tx.reserve_ids(1, "client", count).await.unwrap();
            assert_eq!(first, last + 1, "one process leaves no gaps");
            assert!(tx.reserve_ids(1, "site", 1).await.unwrap() > 0);
            assert!(tx.reserve_ids(1, "client", 0).await.is_err());
            last = first + count - 1;
            tx.commit().await.unwrap();
        }
        db.close().await;
        assert!(matches!(db.ping().await, Err(Error::Unavailable(_))));

        let (one, other) = (place.open().await, place.open().await);
        let mut seen = HashSet::new();
        for db in [&one, &other].into_iter().cycle().take(200) {
            let mut tx = db.begin().await.unwrap();
            let id = tx.reserve_ids(1, "client", 1).await.unwrap();
            tx.commit().await.unwrap();
            assert!(id > last && seen.insert(id), "{id} after {last}");
        }
        let mut tx = one.begin().await.unwrap();
        assert_eq!(tx.reserve_ids(2, "client", 1).await.unwrap(), 1, "each tenant counts alone");
    }
}

/// The write-ahead log is cut while writes go on, also beside a reader that never rests.
#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_stays_small() {
    let [place, _] = places();
    let db = with_tables(&place).await;
    let reader = db.clone();
    let mut reading = JoinSet::new();
    reading.spawn(async move {
        loop {
            count(&mut reader.clone()).await;
            tokio::task::yield_now().await;
        }
    });
    let DatabaseUrl::Sqlite(path) = &place.url else { unreachable!() };
    let log = path.with_extension("db-wal");
    let page = "x".repeat(50_000);
    let mut largest = 0;
    for round in 0..1_500 {
        let mut tx = db.begin().await.unwrap();
        let sql = "INSERT INTO item (id, name) VALUES ($1, $2) \
                   ON CONFLICT (id) DO UPDATE SET name = excluded.name";
        let params = [(round % 20).into(), format!("{round}{page}").into()];
        tx.execute(sql, &params).await.unwrap();
        tx.commit().await.unwrap();
        largest = largest.max(std::fs::metadata(&log).map_or(0, |file| file.len()));
    }
    // About 150 MB went through it. A busy machine looks at its length late.
    assert!(largest < 100 << 20, "{largest} bytes");
    reading.shutdown().await;
    db.close().await;
    let left = std::fs::metadata(&log).map_or(0, |file| file.len());
    assert_eq!(left, 0);
}
