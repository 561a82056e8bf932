//! The executor: what [`Db`] and [`Tx`] promise, on both databases.

mod limits;
mod migrations;
mod writers;

use std::collections::HashSet;
use std::time::Duration;

use aureole_storage::{DatabaseUrl, Db, Dialect, Error, Options, Read, Tx, Value};
use aureole_testkit::postgres::Cluster;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// An empty database of its own that can be opened more than once.
struct Place {
    url: DatabaseUrl,
    _folder: Option<TempDir>,
}

impl Place {
    async fn open(&self) -> Db {
        self.open_with(Options::default()).await
    }

    async fn open_with(&self, options: Options) -> Db {
        Db::open(&self.url, options).await.unwrap()
    }
}

fn places() -> [Place; 2] {
    let folder = tempfile::tempdir().unwrap();
    // The folder `data` is missing on purpose.
    let path = folder.path().join("data").join("test.db");
    let sqlite = DatabaseUrl::Sqlite(path);
    let postgres = Cluster::shared().unwrap().create_database().parse().unwrap();
    [Place { url: sqlite, _folder: Some(folder) }, Place { url: postgres, _folder: None }]
}

const TABLES: &[&str] = &[
    "CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT, hits BIGINT NOT NULL DEFAULT 0)",
    "CREATE UNIQUE INDEX item_name ON item (name)",
    "CREATE TABLE id_counters (tenant_id BIGINT, entity TEXT, next_id BIGINT, \
     PRIMARY KEY (tenant_id, entity))",
];

async fn with_tables(place: &Place) -> Db {
    let db = place.open().await;
    let mut tx = db.begin().await.unwrap();
    for table in TABLES {
        tx.execute(table, &[]).await.unwrap();
    }
    tx.commit().await.unwrap();
    db
}

const INSERT: &str = "INSERT INTO item (id, name) VALUES ($1, $2)";

async fn insert(tx: &mut Tx, id: i64, name: &str) -> Result<u64, Error> {
    tx.execute(INSERT, &[id.into(), name.into()]).await
}

async fn count(reader: &mut impl Read) -> i64 {
    reader.query("SELECT count(*) FROM item", &[]).await.unwrap()[0].int(0)
}

#[test]
fn a_url_says_which_database() {
    let url = |text: &str| text.parse::<DatabaseUrl>();
    assert!(
        matches!(url("sqlite:a/b.db"), Ok(DatabaseUrl::Sqlite(path)) if path.ends_with("b.db"))
    );
    assert!(matches!(url("postgres://u@h/d"), Ok(DatabaseUrl::Postgres(_))));
    assert!(matches!(url("postgresql://u@h/d"), Ok(DatabaseUrl::Postgres(_))));
    assert!(url("mysql://h/d").unwrap_err().contains("sqlite:PATH"));
    assert_eq!(format!("{:?}", url("postgres://u:secret@h/d?x=y").unwrap()), "postgres://h/d");
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_bound_by_their_number() {
    for place in places() {
        let db = with_tables(&place).await;
        let sql = "SELECT CAST($2 AS TEXT), CAST($1 AS BIGINT), CAST($2 AS TEXT), '$1', NULL -- $3";
        let mut rows = db.query(sql, &[7.into(), "seven".into()]).await.unwrap();
        let row = &mut rows[0];
        assert_eq!((row.len(), row.int(1), row.text(2), row.text(3)), (5, 7, "seven", "$1"));
        assert_eq!(row.take_text(0), "seven");
        assert!(row.is_null(0) && row.is_null(4) && row.opt_text(4).is_none());

        let mut tx = db.begin().await.unwrap();
        for id in 1..=4 {
            insert(&mut tx, id, &format!("100%_{id}")).await.unwrap();
        }
        let params = [Value::Null, true.into(), 4.into()];
        let sql = "UPDATE item SET name = $1, hits = $2 WHERE id = $3 AND $2 = 1";
        assert_eq!(tx.execute(sql, &params).await.unwrap(), 1);
        tx.commit().await.unwrap();

        let dialect = db.dialect();
        let ids = dialect.in_ids("id", 2);
        let contains = dialect.contains("name", 1);
        let sql = format!("SELECT id FROM item WHERE {contains} AND {ids} ORDER BY id LIMIT $3");
        let params = ["0%_".into(), Value::ids(&[2, 3, 4, 99]), 10.into()];
        let found: Vec<i64> =
            db.query(&sql, &params).await.unwrap().iter().map(|row| row.int(0)).collect();
        assert_eq!(found, [2, 3]);
        let sum = db.query("SELECT sum(hits), max(id) FROM item", &[]).await.unwrap();
        assert_eq!((sum[0].int(0), sum[0].int(1)), (1, 4));

        let wrong = db.query("SELECT id FROM item WHERE id = $1", &[]).await;
        assert!(matches!(wrong, Err(Error::Internal(_))), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dialect_expressions_mean_the_same() {
    for place in places() {
        let db = place.open().await;
        let dialect = db.dialect();
        let name = dialect.json_text("doc", "name");
        let gone = dialect.json_text("doc", "gone");
        let greatest = dialect.greatest("CAST($2 AS BIGINT)", "3");
        let order = dialect.commit_order();
        let sql = format!(
            "SELECT {name}, {gone}, {greatest}, {order} FROM (SELECT CAST($1 AS TEXT) AS doc) AS one"
        );
        let mut tx = db.begin().await.unwrap();
        let doc = r#"{"name":"Zoë","gone":null}"#;
        let rows = tx.query(&sql, &[doc.into(), 9.into()]).await.unwrap();
        let row = &rows[0];
        assert_eq!((row.text(0), row.opt_text(1), row.int(2)), ("Zoë", None, 9));
        assert!(row.opt_int(3).is_some());
        let table = format!("CREATE TABLE word (word {})", dialect.text_key());
        tx.execute(&table, &[]).await.unwrap();
        let words: Vec<Vec<Value>> = ["b", "a", "B", "é"].map(|word| vec![word.into()]).to_vec();
        tx.execute_many("INSERT INTO word VALUES ($1)", &words).await.unwrap();
        let rows = tx.query("SELECT word FROM word ORDER BY word", &[]).await.unwrap();
        let sorted: Vec<&str> = rows.iter().map(|row| row.text(0)).collect();
        assert_eq!(sorted, ["B", "a", "b", "é"]);
        let lock = format!("SELECT word FROM word{}", dialect.for_update());
        tx.query(&lock, &[]).await.unwrap();
        let lock = format!("SELECT word FROM word{}", dialect.for_update_skip_locked());
        tx.query(&lock, &[]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_leaves_no_trace() {
    for place in places() {
        let options = Options { pool_size: 1, ..Options::default() };
        drop(with_tables(&place).await);
        let db = place.open_with(options).await;
        for round in 0..20 {
            let mut tx = db.begin().await.unwrap();
            insert(&mut tx, 1, "gone").await.unwrap();
            match round % 4 {
                0 => drop(tx),
                1 => tx.rollback().await.unwrap(),
                // In the middle of a statement: the caller went away.
                2 => {
                    let many: Vec<_> = (10..2000).map(|id| vec![id.into(), Value::Null]).collect();
                    let work = tx.execute_many(INSERT, &many);
                    let _ = tokio::time::timeout(Duration::from_micros(300), work).await;
                    drop(tx);
                }
                _ => {
                    insert(&mut tx, 1, "again").await.unwrap_err();
                    insert(&mut tx, 2, "after an error").await.unwrap_err();
                    tx.commit().await.unwrap_err();
                }
            }
        }
        let mut tx = db.begin().await.unwrap();
        assert_eq!(count(&mut tx).await, 0);
        insert(&mut tx, 1, "kept").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(&mut db.clone()).await, 1);
        if db.dialect() == Dialect::Postgres {
            let sql = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
            assert_eq!(db.query(sql, &[]).await.unwrap()[0].int(0), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_lose_nothing() {
    for place in places() {
        let db = with_tables(&place).await;
        let mut tx = db.begin().await.unwrap();
        insert(&mut tx, 0, "counter").await.unwrap();
        tx.commit().await.unwrap();
        let before = db.commits();
        let tasks: JoinSet<_> = (0..32).map(|task| write(db.clone(), task)).collect();
        let mut ids = HashSet::new();
        for task in tasks.join_all().await {
            for id in task {
                assert!(ids.insert(id), "id {id} twice");
            }
        }
        assert_eq!(ids.len(), 32 * 40);
        let rows = db.query("SELECT hits FROM item WHERE id = 0", &[]).await.unwrap();
        assert_eq!(rows[0].int(0), 32 * 40);
        assert_eq!(count(&mut db.clone()).await, 32 * 40 + 1);
        let commits = db.commits() - before;
        match db.dialect() {
            Dialect::Sqlite => assert!(commits < 32 * 40 / 2, "{commits} commits"),
            Dialect::Postgres => assert_eq!(commits, 32 * 40),
        }
    }
}

/// 50 transactions, every fifth of them abandoned.
async fn write(db: Db, task: i64) -> Vec<i64> {
    let mut ids = Vec::new();
    for round in 0..50 {
        let mut tx = db.begin().await.unwrap();
        let id = tx.reserve_ids(1, "item", 1).await.unwrap();
        insert(&mut tx, id, &format!("{task} {round}")).await.unwrap();
        tx.execute("UPDATE item SET hits = hits + 1 WHERE id = 0", &[]).await.unwrap();
        if round % 5 == 0 {
            drop(tx);
            continue;
        }
        tx.commit().await.unwrap();
        // The own write is visible at once, to everybody.
        let rows = db.query("SELECT name FROM item WHERE id = $1", &[id.into()]).await.unwrap();
        assert_eq!(rows[0].text(0), format!("{task} {round}"));
        ids.push(id);
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_what_is_committed_and_nothing_else() {
    for place in places() {
        let options = Options { read_hold_ms: 60_000, ..Options::default() };
        drop(with_tables(&place).await);
        let db = place.open_with(options).await;
        for id in 1..=100 {
            let mut tx = db.begin().await.unwrap();
            insert(&mut tx, id, &id.to_string()).await.unwrap();
            assert_eq!(count(&mut tx).await, id);
            assert_eq!(count(&mut db.clone()).await, id - 1);
            tx.commit().await.unwrap();
            assert_eq!(count(&mut db.clone()).await, id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_is_seen_soon() {
    for place in places() {
        // Two handles share nothing, like two processes.
        let (one, other) = (with_tables(&place).await, place.open().await);
        for id in 1..=50 {
            assert_eq!(count(&mut other.clone()).await, id - 1);
            let mut tx = one.begin().await.unwrap();
            insert(&mut tx, id, &id.to_string()).await.unwrap();
            tx.commit().await.unwrap();
            tokio::time::sleep(Duration::from_millis(6)).await;
            assert_eq!(count(&mut other.clone()).await, id);
        }
        let writes = [one.clone(), other.clone()].map(|db| async move {
            for _ in 0..50 {
                let mut tx = db.begin().await.unwrap();
                let sql = "UPDATE item SET hits = hits + 1 WHERE id = 1";
                tx.execute(sql, &[]).await.unwrap();
                tx.commit().await.unwrap();
            }
        });
        writes.into_iter().collect::<JoinSet<_>>().join_all().await;
        tokio::time::sleep(Duration::from_millis(6)).await;
        let rows = one.query("SELECT hits FROM item WHERE id = 1", &[]).await.unwrap();
        assert_eq!(rows[0].int(0), 100);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_is_named() {
    for place in places() {
        let db = with_tables(&place).await;
        let mut tx = db.begin().await.unwrap();
        insert(&mut tx, 1, "one").await.unwrap();
        for (id, name, expected) in [(1, "two", "item_pkey"), (2, "one", "item_name")] {
            tx.savepoint().await.unwrap();
            match insert(&mut tx, id, name).await {
                Err(Error::Unique { index }) => assert_eq!(index, expected),
                other => panic!("{other:?}"),
            }
            tx.rollback_to_savepoint().await.unwrap();
        }
        let table = "CREATE TABLE pair (a BIGINT, b BIGINT, UNIQUE (a, b))";
        tx.execute(table, &[]).await.unwrap();
        let rows = [vec![1.into(), 2.into()], vec![1.into(), 2.into()]];
        match tx.execute_many("INSERT INTO pair VALUES ($1, $2)", &rows).await {
            Err(Error::Unique { index }) => assert_eq!(index, "pair_a_b_key"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn savepoints_undo_a_part() {
    for place in places() {
        let db = with_tables(&place).await;
        let mut tx = db.begin().await.unwrap();
        tx.rollback_to_savepoint().await.unwrap_err();
        insert(&mut tx, 1, "kept").await.unwrap();
        tx.savepoint().await.unwrap();
        insert(&mut tx, 2, "kept too").await.unwrap();
        tx.savepoint().await.unwrap();
        insert(&mut tx, 3, "undone").await.unwrap();
        insert(&mut tx, 3, "refused").await.unwrap_err();
        tx.rollback_to_savepoint().await.unwrap();
        tx.release_savepoint().await.unwrap();
        tx.release_savepoint().await.unwrap();
        tx.release_savepoint().await.unwrap_err();
        insert(&mut tx, 4, "last").await.unwrap();
        tx.commit().await.unwrap();
        let rows = db.query("SELECT id FROM item ORDER BY id", &[]).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.int(0)).collect::<Vec<_>>(), [1, 2, 4]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_go_in_and_stream_out() {
    for place in places() {
        let db = with_tables(&place).await;
        let mut tx = db.begin().await.unwrap();
        let rows: Vec<Vec<Value>> =
            (1..=20_000).map(|id| vec![id.into(), format!("name {id}").into()]).collect();
        assert_eq!(tx.execute_many(INSERT, &rows).await.unwrap(), 20_000);
        assert_eq!(tx.execute_many(INSERT, &[]).await.unwrap(), 0);
        tx.commit().await.unwrap();

        let (mut seen, mut next) = (0, 1);
        let sql = "SELECT id, name FROM item WHERE id > $1 ORDER BY id";
        db.query_each(sql, &[0.into()], &mut |mut row| {
            assert_eq!(row.int(0), next);
            assert_eq!(row.take_text(1), format!("name {next}"));
            next += 1;
            seen += 1;
        })
        .await
        .unwrap();
        assert_eq!(seen, 20_000);
        db.query_each("SELECT nothing", &[], &mut |_| {}).await.unwrap_err();
        db.ping().await.unwrap();
    }
}

#[tokio::test]
async fn a_single_threaded_runtime_will_do() {
    for place in places() {
        let db = with_tables(&place).await;
        let write = |id: i64| {
            let db = db.clone();
            async move {
                let mut tx = db.begin().await.unwrap();
                insert(&mut tx, id, &id.to_string()).await.unwrap();
                tx.commit().await.unwrap();
            }
        };
        tokio::join!(write(1), write(2), write(3));
        assert_eq!(count(&mut db.clone()).await, 3);
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_commit_does_not_hold_up_the_others() {
    for place in places() {
        let db = with_tables(&place).await;
        for id in 1..=50 {
            let mut tx = db.begin().await.unwrap();
            insert(&mut tx, id, &id.to_string()).await.unwrap();
            let _ = tokio::time::timeout(Duration::ZERO, tx.commit()).await;
        }
        let mut tx = db.begin().await.unwrap();
        insert(&mut tx, 1_000, "after").await.unwrap();
        tx.commit().await.unwrap();
        let kept = count(&mut db.clone()).await;
        assert!((1..=51).contains(&kept), "{kept}");
    }
}
