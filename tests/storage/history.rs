//! The numbers of changes, and forgetting them.

use aureole_storage::changes::{self, Author, Before, Change, Operation};
use aureole_storage::{DatabaseUrl, Db, Options, Read};
use aureole_testkit::postgres::Cluster;

const TENANT: i64 = 1;

async fn databases() -> Vec<(DatabaseUrl, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = DatabaseUrl::Sqlite(folder.path().join("test.db"));
    let postgres = Cluster::shared().unwrap().create_database().parse().unwrap();
    vec![(sqlite, folder), (postgres, tempfile::tempdir().unwrap())]
}

async fn open(url: &DatabaseUrl) -> Db {
    let db = Db::open(url, Options::default()).await.unwrap();
    db.migrate(0).await.unwrap();
    db
}

/// One change of a record by one node, which is above `floor`.
async fn write(node: &Db, record_id: i64, floor: i64, at: i64) -> i64 {
    let mut tx = node.begin().await.unwrap();
    let seq = tx.reserve_changes(TENANT, 1, floor).await.unwrap();
    let created = Change::created(seq, "Client", record_id, record_id, vec!["name"]);
    let before = (floor > 0).then(|| Before {
        doc: format!("{{\"name\":\"{floor}\"}}"),
        rev: floor,
        updated_at: at,
    });
    let operation = if floor > 0 { Operation::Updated } else { Operation::Created };
    let change = Change { before, operation, ..created };
    changes::append(&mut tx, TENANT, at, &Author::default(), vec![change]).await.unwrap();
    tx.commit().await.unwrap();
    seq
}

/// Each node has numbers in store; those of one record grow all the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_changes_of_a_record_are_in_order_over_several_nodes() {
    for (url, _folder) in databases().await {
        let (one, two) = (open(&url).await, open(&url).await);
        // Both have a block now, the second one the later numbers.
        write(&one, 1, 0, 1).await;
        let mut last = write(&two, 2, 0, 1).await;
        let mut written = vec![last];
        for at in 0..6 {
            let node = if at % 2 == 0 { &one } else { &two };
            last = write(node, 2, last, 10 + at).await;
            written.push(last);
        }
        let wanted = changes::Wanted { record_id: Some(2), ..Default::default() };
        let told = changes::list(&mut one.clone(), TENANT, &wanted, 100, 0).await.unwrap();
        let told: Vec<i64> = told.iter().rev().map(|entry| entry.seq).collect();
        assert_eq!(told, written);
        assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "{told:?}");
        let past = changes::past(&mut one.clone(), TENANT, "Client", 2, 12).await.unwrap();
        let changes::Past::Until(first) = past else { panic!("{past:?}") };
        assert_eq!((first.seq, first.at), (written[4], 13));
    }
}

/// A node that had nothing to write for a while does not give out numbers from long ago.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_grow_with_time_over_several_nodes() {
    for (url, _folder) in databases().await {
        let (one, two) = (open(&url).await, open(&url).await);
        write(&one, 1, 0, 1).await;
        let later = write(&two, 2, 0, 2).await;
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        assert!(write(&one, 3, 0, 3).await > later);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_forgotten_by_their_time() {
    for (url, _folder) in databases().await {
        let db = open(&url).await;
        let mut last = 0;
        for at in 1..=10 {
            last = write(&db, 5, last, at * 100).await;
        }
        // What has no place in the feed yet would stay.
        aureole_storage::feed::place(&db, TENANT, 100).await.unwrap();
        let expire = async |before: i64, limit: i64| {
            let mut tx = db.begin().await.unwrap();
            let gone = changes::expire(&mut tx, TENANT, before, limit).await.unwrap();
            tx.commit().await.unwrap();
            gone
        };
        assert_eq!(changes::kept_from(&mut db.clone(), TENANT).await.unwrap(), 0);
        assert_eq!(expire(50, 100).await, 0);
        assert_eq!(changes::kept_from(&mut db.clone(), TENANT).await.unwrap(), 0);
        assert_eq!((expire(450, 3).await, expire(450, 3).await, expire(450, 3).await), (3, 1, 0));
        assert_eq!(changes::kept_from(&mut db.clone(), TENANT).await.unwrap(), 450);
        // The newest one stays, or caches would think that nothing was ever written.
        assert_eq!(expire(5_000, 100).await, 5);
        let left = Read::query(&mut db.clone(), "SELECT seq FROM change", &[]).await.unwrap();
        assert_eq!((left.len(), left[0].int(0)), (1, last));
    }
}
