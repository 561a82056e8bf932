//! The change feed under writers that overtake each other: every change once, none skipped, and
//! those of one record in the order in which they happened.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aureole_catalogue::{EntityKind, Record};
use aureole_storage::changes::{self, Author, COUNTER, Change, Operation};
use aureole_storage::records::{self, Write};
use aureole_storage::{DatabaseUrl, Db, Dialect, Options, Tx, feed};
use aureole_testkit::postgres::Cluster;
use serde_json::json;
use tempfile::TempDir;

const TENANT: i64 = 1;

/// One database, opened as by several servers where it can be.
struct Place {
    nodes: Vec<Db>,
    _folder: Option<TempDir>,
}

impl Place {
    async fn open(dialect: Dialect) -> Place {
        let (url, count, folder) = match dialect {
            Dialect::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                (DatabaseUrl::Sqlite(folder.path().join("test.db")), 1, Some(folder))
            }
            Dialect::Postgres => {
                (DatabaseUrl::Postgres(Cluster::shared().unwrap().create_database()), 3, None)
            }
        };
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(Db::open(&url, Options::default()).await.unwrap());
        }
        nodes[0].migrate(1_800_000_000_000).await.unwrap();
        Place { nodes, _folder: folder }
    }

    fn node(&self, number: usize) -> &Db {
        &self.nodes[number % self.nodes.len()]
    }
}

/// Writes a tax whose name is how often it was written; the history keeps the name before.
async fn write(tx: &mut Tx, id: i64, pause: Duration) -> i64 {
    let entity = EntityKind::Tax.entity();
    let name = aureole_catalogue::Key(entity.schema.find("name").unwrap());
    // The number comes before the lock, as a node's block does: the order is not that of numbers.
    let early = tx.reserve_ids(TENANT, COUNTER, 1).await.unwrap();
    tokio::time::sleep(pause).await;
    records::lock(tx, TENANT, entity, &[id]).await.unwrap();
    let before = records::doc(tx, TENANT, entity, id).await.unwrap();
    let mut record = Record::from_doc(entity.schema, before.as_deref().unwrap_or("{}"));
    let count = record.text(name).parse::<i64>().unwrap_or(0);
    record.set(name, json!((count + 1).to_string()));
    // SQLite's one writer takes its numbers in order.
    let seq = early;
    let write = Write { id, rev: seq, now: 0, record: &record };
    if before.is_some() {
        records::update(tx, TENANT, entity, &write).await.unwrap();
    } else {
        records::insert(tx, TENANT, entity, &[write]).await.unwrap();
    }
    let operation = if before.is_some() { Operation::Updated } else { Operation::Created };
    let before = before.map(|doc| changes::Before { doc, rev: 0, updated_at: 0 });
    let created = Change::created(seq, entity.name, id, 0, Vec::new());
    let change = Change { before, operation, ..created };
    changes::append(tx, TENANT, 0, &Author::default(), vec![change]).await.unwrap();
    seq
}

async fn committed(db: &Db, id: i64) -> i64 {
    let mut tx = db.begin().await.unwrap();
    let seq = write(&mut tx, id, Duration::ZERO).await;
    tx.commit().await.unwrap();
    seq
}

/// A reader that remembers where it is and everything that it got.
#[derive(Default)]
struct Reader {
    position: i64,
    got: Vec<feed::Row>,
}

impl Reader {
    async fn read(&mut self, db: &Db, limit: i64) -> Vec<i64> {
        feed::place(db, TENANT, 1_000).await.unwrap();
        let (ends, rows) =
            feed::after(&mut db.clone(), TENANT, self.position, None, limit).await.unwrap();
        let full = i64::try_from(rows.len()).unwrap() == limit;
        self.position = if full { rows.last().unwrap().position } else { ends.last };
        self.got.extend(rows.iter().cloned());
        rows.iter().map(|row| row.entry.seq).collect()
    }

    /// For each record, the counts before its changes, in the order of the feed.
    fn counts(&self) -> HashMap<i64, Vec<i64>> {
        let mut counts: HashMap<i64, Vec<i64>> = HashMap::new();
        for row in &self.got {
            let before = row.entry.before.as_deref().unwrap_or("{}");
            let before: serde_json::Value = serde_json::from_str(before).unwrap();
            let count = before["name"].as_str().map_or(0, |text| text.parse().unwrap());
            counts.entry(row.entry.record_id).or_default().push(count);
        }
        counts
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_began_first_and_commits_last_is_not_skipped() {
    let place = Place::open(Dialect::Postgres).await;
    let mut reader = Reader::default();
    let mut slow = place.node(0).begin().await.unwrap();
    let first = write(&mut slow, 1, Duration::ZERO).await;
    let second = committed(place.node(1), 2).await;
    let third = committed(place.node(0), 3).await;
    assert!(first < third, "the slow writer has the smaller number");
    // It stays open over several reads.
    assert_eq!(reader.read(place.node(2), 100).await, [second, third]);
    assert_eq!(reader.read(place.node(2), 100).await, Vec::<i64>::new());
    let fourth = committed(place.node(1), 2).await;
    assert_eq!(reader.read(place.node(2), 100).await, [fourth]);
    slow.commit().await.unwrap();
    assert_eq!(reader.read(place.node(2), 100).await, [first]);
    // Who reads everything again gets the same order.
    let mut again = Reader::default();
    assert_eq!(again.read(place.node(0), 100).await, [second, third, fourth, first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_transaction_leaves_no_hole_to_wait_for() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let place = Place::open(dialect).await;
        let mut reader = Reader::default();
        let first = committed(place.node(0), 1).await;
        let mut dropped = place.node(0).begin().await.unwrap();
        write(&mut dropped, 2, Duration::ZERO).await;
        dropped.rollback().await.unwrap();
        let last = committed(place.node(0), 3).await;
        assert_eq!(reader.read(place.node(0), 100).await, [first, last], "{dialect:?}");
    }
}

/// Two transactions of which each writes a record after the other one: their ids and numbers say
/// one thing, the locks another.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_record_keep_their_order() {
    let place = Place::open(Dialect::Postgres).await;
    committed(place.node(0), 1).await;
    let mut early = place.node(0).begin().await.unwrap();
    // Takes its transaction id with another record.
    write(&mut early, 2, Duration::ZERO).await;
    // A larger number, an earlier commit.
    let high = committed(place.node(1), 1).await;
    let low = write(&mut early, 1, Duration::ZERO).await;
    early.commit().await.unwrap();
    assert!(low < high, "{low} {high}");
    let mut reader = Reader::default();
    reader.read(place.node(2), 100).await;
    assert_eq!(reader.counts()[&1], [0, 1, 2]);
    let history =
        changes::of_record(&mut place.node(0).clone(), TENANT, "Tax", 1, 10).await.unwrap();
    let seqs: Vec<i64> = history.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs[..2], [low, high], "history is in that order too, the newest first");
}

/// A clock that is set back between two changes of a record does not turn them round.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_runs_back_changes_nothing() {
    let place = Place::open(Dialect::Postgres).await;
    committed(place.node(0), 1).await;
    let mut tx = place.node(0).begin().await.unwrap();
    tx.execute("UPDATE change SET moment = moment + 3600000000", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let mut reader = Reader::default();
    committed(place.node(1), 1).await;
    committed(place.node(0), 1).await;
    reader.read(place.node(2), 100).await;
    assert_eq!(reader.counts()[&1], [0, 1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_and_a_polling_reader() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        stress(Place::open(dialect).await).await;
    }
}

const WRITERS: usize = 8;
const WRITES: usize = 25;
const RECORDS: i64 = 4;

async fn stress(place: Place) {
    for id in 1..=RECORDS {
        committed(place.node(0), id).await;
    }
    let place = Arc::new(place);
    let done = Arc::new(AtomicBool::new(false));
    let polling = {
        let (place, done) = (Arc::clone(&place), Arc::clone(&done));
        #[expect(clippy::disallowed_methods, reason = "a reader beside the writers")]
        tokio::spawn(async move {
            let mut reader = Reader::default();
            loop {
                let last = done.load(Ordering::SeqCst);
                // A small page, so that pages end in the middle of transactions.
                if reader.read(place.node(2), 3).await.is_empty() && last {
                    return reader;
                }
            }
        })
    };
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let place = Arc::clone(&place);
        #[expect(clippy::disallowed_methods, reason = "writers beside each other")]
        writers.push(tokio::spawn(async move {
            let mut seqs = Vec::new();
            for round in 0..WRITES {
                let mut tx = place.node(writer).begin().await.unwrap();
                let mixed = writer * 7 + round * 3;
                let pause = match place.node(writer).dialect() {
                    Dialect::Sqlite => Duration::ZERO,
                    Dialect::Postgres => Duration::from_millis((mixed % 4) as u64),
                };
                let id = 1 + i64::try_from(mixed).unwrap() % RECORDS;
                let seq = write(&mut tx, id, pause).await;
                tokio::time::sleep(pause).await;
                if mixed % 11 == 0 {
                    tx.rollback().await.unwrap();
                } else {
                    tx.commit().await.unwrap();
                    seqs.push(seq);
                }
            }
            seqs
        }));
    }
    let mut expected = Vec::new();
    for writer in writers {
        expected.extend(writer.await.unwrap());
    }
    done.store(true, Ordering::SeqCst);
    let reader = polling.await.unwrap();
    let mut got: Vec<i64> = reader.got.iter().map(|row| row.entry.seq).collect();
    let in_feed_order = got.clone();
    got.sort_unstable();
    let seeds = (1..=RECORDS).count();
    assert_eq!(got.len(), expected.len() + seeds, "each once");
    got.retain(|seq| expected.contains(seq));
    expected.sort_unstable();
    assert_eq!(got, expected);
    for (id, counts) in reader.counts() {
        let in_order: Vec<i64> = (0..).take(counts.len()).collect();
        assert_eq!(counts, in_order, "record {id}");
    }
    let mut again = Reader::default();
    while !again.read(place.node(1), 50).await.is_empty() {}
    let order: Vec<i64> = again.got.iter().map(|row| row.entry.seq).collect();
    assert_eq!(order, in_feed_order, "a second reader gets the same order");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_is_remembered() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let place = Place::open(dialect).await;
        let db = place.node(0);
        for _ in 0..3 {
            committed(db, 1).await;
        }
        let mut reader = Reader::default();
        reader.read(db, 1).await;
        let old = reader.position;
        let mut tx = db.begin().await.unwrap();
        // On PostgreSQL the others have their place as well: `place` gave it to all. The newest stays.
        let expired = changes::expire(&mut tx, TENANT, 1, 100).await.unwrap();
        assert_eq!(expired, 2, "{dialect:?}");
        tx.commit().await.unwrap();
        let ends = feed::ends(&mut db.clone(), TENANT).await.unwrap();
        assert!(ends.floor > old && ends.last > ends.floor, "{dialect:?}: {ends:?}");
        committed(db, 1).await;
        committed(db, 1).await;
        let mut tx = db.begin().await.unwrap();
        let expired = changes::expire(&mut tx, TENANT, 1, 100).await.unwrap();
        // Without a place a change does not expire, or a reader would never hear of it.
        assert_eq!(expired, 1 + u64::from(dialect == Dialect::Sqlite));
        tx.commit().await.unwrap();
    }
}
