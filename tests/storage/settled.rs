//! Answers that a transaction on PostgreSQL has from the ones before it, and when it has none.

use std::sync::Arc;

use aureole_storage::{DatabaseUrl, Db, Options, Read, Settled, Tx, Value};
use aureole_testkit::postgres::Cluster;

const TENANT: i64 = 1;
const ASKED: &str = "SELECT doc FROM tenant_settings WHERE tenant_id = $1 AND id = 1";

async fn database() -> Db {
    let url: DatabaseUrl = Cluster::shared().unwrap().create_database().parse().unwrap();
    let db = Db::open(&url, Options::default()).await.unwrap();
    db.migrate(0).await.unwrap();
    db.of(TENANT)
}

async fn set(tx: &mut Tx, doc: &str) {
    let sql = "INSERT INTO tenant_settings (tenant_id, id, rev, updated_at, doc) VALUES ($1, 1, 0, 0, $2) \
               ON CONFLICT (tenant_id, id) DO UPDATE SET doc = excluded.doc";
    tx.execute(sql, &[TENANT.into(), doc.into()]).await.unwrap();
}

async fn commit(db: &Db, doc: &str) {
    let mut tx = db.begin().await.unwrap();
    set(&mut tx, doc).await;
    tx.commit().await.unwrap();
}

async fn doc(tx: &mut Tx) -> String {
    tx.query(ASKED, &[TENANT.into()]).await.unwrap()[0].text(0).to_owned()
}

async fn recalling(db: &Db, settled: &Arc<Settled>) -> Tx {
    let mut tx = db.begin().await.unwrap();
    tx.recall(Arc::clone(settled));
    tx
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_recalled_until_the_transaction_touches_what_it_is_about() {
    let db = database().await;
    let settled = Arc::new(Settled::default());
    commit(&db, "one").await;
    assert_eq!(doc(&mut recalling(&db, &settled).await).await, "one");
    // Whoever hands the answers over vouches for them; nobody does here, and so it shows.
    commit(&db, "two").await;
    assert_eq!(doc(&mut recalling(&db, &settled).await).await, "one");
    assert_eq!(doc(&mut db.begin().await.unwrap()).await, "two");
    let mut ahead = recalling(&db, &settled).await;
    ahead.ahead().query(ASKED, &[TENANT.into()]).await.unwrap();
    assert_eq!(doc(&mut ahead).await, "one");
    // Behind a lock or a write there is only what the database has.
    let mut tx = recalling(&db, &settled).await;
    let lock = "SELECT id FROM tenant_settings WHERE tenant_id = $1 ORDER BY id FOR UPDATE";
    tx.query(lock, &[TENANT.into()]).await.unwrap();
    assert_eq!(doc(&mut tx).await, "two");
    tx.rollback().await.unwrap();
    let mut tx = recalling(&db, &settled).await;
    set(&mut tx, "three").await;
    assert_eq!(doc(&mut tx).await, "three");
    tx.rollback().await.unwrap();
    let later = "UPDATE tenant_settings SET doc = $2 WHERE tenant_id = $1";
    let mut tx = recalling(&db, &settled).await;
    tx.later(later, vec![vec![TENANT.into(), "four".into()]]).await.unwrap();
    assert_eq!(doc(&mut tx).await, "four");
    drop(tx);
    // And what was asked there is no answer for others.
    assert_eq!(doc(&mut recalling(&db, &settled).await).await, "one");
    assert_eq!(doc(&mut recalling(&db, &Arc::default()).await).await, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_tables_are_asked_every_time() {
    let db = database().await;
    let settled = Arc::new(Settled::default());
    let asked = "SELECT count(*) FROM id_counters WHERE tenant_id = $1";
    let joined =
        "SELECT count(*) FROM tenant_settings s JOIN id_counters c ON c.tenant_id = s.tenant_id";
    commit(&db, "one").await;
    let count = async |sql: &'static str| {
        let params: [Value; 1] = [TENANT.into()];
        let params: &[Value] = if sql.contains("$1") { &params[..] } else { &[] };
        recalling(&db, &settled).await.query(sql, params).await.unwrap()[0].int(0)
    };
    let before = (count(asked).await, count(joined).await);
    let mut tx = db.begin().await.unwrap();
    let sql = "INSERT INTO id_counters (tenant_id, entity, next_id) VALUES ($1, 'Test', 1)";
    tx.execute(sql, &[TENANT.into()]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((count(asked).await, count(joined).await), (before.0 + 1, before.1 + 1));
}
