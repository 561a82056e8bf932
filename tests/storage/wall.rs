//! Row-level security on PostgreSQL: statements that forget their tenant.

use aureole_storage::{DatabaseUrl, Db, Options, Read, Value};
use aureole_testkit::postgres::Cluster;

const NOW_MS: i64 = 1_800_000_000_000;
const ROWS: &str = "SELECT tenant_id, id FROM top_level ORDER BY tenant_id, id";

/// A database with the rows 1 and 2 in each of the tenants 1 to 3, and its address.
async fn database() -> (Db, String) {
    let url = Cluster::shared().unwrap().create_database();
    let db = open(&url).await;
    fill(&db).await;
    (db, url)
}

async fn open(url: &str) -> Db {
    let options = Options { pool_size: 4, ..Options::default() };
    let db = Db::open(&DatabaseUrl::Postgres(url.to_owned()), options).await.unwrap();
    db.migrate(NOW_MS).await.unwrap();
    db
}

async fn fill(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    for tenant in 1..=3 {
        for id in 1..=2 {
            tx.execute(INSERT, &[Value::Int(tenant), Value::Int(id)]).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
}

const INSERT: &str = "INSERT INTO top_level (tenant_id, id, rev, updated_at, name, name_key, doc) \
    VALUES ($1, $2, 1, 0, 'a', 'a', '{}')";

async fn tenants(reader: &mut impl Read) -> Vec<i64> {
    reader.query(ROWS, &[]).await.unwrap().iter().map(|row| row.int(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_forgets_the_tenant_stays_within_it() {
    let (db, url) = database().await;
    // The second one finds the wall there already.
    for db in [&db, &open(&url).await] {
        assert_eq!(tenants(&mut db.clone()).await, [1, 1, 2, 2, 3, 3], "a handle for all");
        let mut two = db.of(2);
        assert_eq!(tenants(&mut two).await, [2, 2]);
        let mut seen = Vec::new();
        two.query_each(ROWS, &[], &mut |row| seen.push(row.int(0))).await.unwrap();
        assert_eq!(seen, [2, 2]);
        let mut tx = two.begin().await.unwrap();
        assert_eq!(tenants(&mut tx).await, [2, 2]);
        assert_eq!(tx.execute("UPDATE top_level SET rev = rev + 1", &[]).await.unwrap(), 2);
        assert_eq!(tx.execute("DELETE FROM top_level", &[]).await.unwrap(), 2);
        tx.rollback().await.unwrap();
        let mut tx = two.begin().await.unwrap();
        let foreign = tx.execute(INSERT, &[Value::Int(3), Value::Int(9)]).await;
        let error = foreign.unwrap_err().to_string();
        assert!(error.contains("row-level security"), "{error}");
        drop(tx);
        let mut tx = two.begin().await.unwrap();
        let moved = tx.execute("UPDATE top_level SET tenant_id = 3, id = id + 10", &[]).await;
        assert!(moved.unwrap_err().to_string().contains("row-level security"));
        drop(tx);
        // The setting of a transaction ends with it.
        assert_eq!(tenants(&mut db.clone()).await, [1, 1, 2, 2, 3, 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_no_tenant_sees_nothing() {
    let (db, _) = database().await;
    for setting in ["''", "'999'"] {
        let mut tx = db.begin().await.unwrap();
        tx.execute(&format!("SET LOCAL aureole.tenant = {setting}"), &[]).await.unwrap();
        assert_eq!(tenants(&mut tx).await, [0; 0], "{setting}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_of_many_tenants_share_connections_and_nothing_else() {
    let (db, _) = database().await;
    let tasks: Vec<_> = (0..300)
        .map(|number| {
            let tenant = 1 + number % 3;
            let mut db = db.of(tenant);
            #[expect(clippy::disallowed_methods, reason = "callers side by side")]
            tokio::spawn(async move {
                for _ in 0..10 {
                    if number % 7 == 0 {
                        let mut tx = db.begin().await.unwrap();
                        assert_eq!(tenants(&mut tx).await, [tenant; 2]);
                    }
                    assert_eq!(tenants(&mut db).await, [tenant; 2]);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_tenants_is_behind_the_wall() {
    let (db, _) = database().await;
    let sql = "SELECT c.relname, (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (\
         SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid))::int::bigint, \
         pg_get_userbyid(c.relowner) FROM pg_class c \
         WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND (\
         c.relname = 'tenant' OR EXISTS (SELECT 1 FROM pg_attribute a \
         WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'))";
    let rows = db.query(sql, &[]).await.unwrap();
    assert!(rows.len() > 40, "{}", rows.len());
    for row in rows {
        assert_eq!(row.int(1), 1, "{} has no policy", row.text(0));
    }
    let user = db.query("SELECT current_user", &[]).await.unwrap();
    let sql = "SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)";
    assert!(db.query(sql, &[]).await.unwrap().is_empty(), "{}", user[0].text(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_the_tables_is_bound_as_well() {
    let url = Cluster::shared().unwrap().create_database();
    let (server, name) = url.rsplit_once('/').unwrap();
    let over = Db::open(&DatabaseUrl::Postgres(url.clone()), Options::default()).await.unwrap();
    let mut tx = over.begin().await.unwrap();
    for sql in [
        format!("CREATE ROLE {name}_owner LOGIN PASSWORD 'p'"),
        format!("ALTER DATABASE {name} OWNER TO {name}_owner"),
    ] {
        tx.execute(&sql, &[]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let host = server.rsplit_once('@').unwrap().1;
    let db = open(&format!("postgres://{name}_owner:p@{host}/{name}")).await;
    fill(&db).await;
    let user = db.query("SELECT current_user", &[]).await.unwrap();
    assert_eq!(user[0].text(0), format!("{name}_owner"));
    assert_eq!(tenants(&mut db.of(2)).await, [2, 2]);
    assert_eq!(tenants(&mut db.clone()).await, [1, 1, 2, 2, 3, 3]);
}
