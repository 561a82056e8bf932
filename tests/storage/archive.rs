//! Backups between the two databases, and what the check of a database finds.

use std::fs::File;

use aureole_storage::{DatabaseUrl, Db, Options, archive, verify};
use aureole_testkit::postgres::Cluster;
use aureole_testkit::{Database, Server};
use serde_json::json;

async fn empty(database: Database, folder: &tempfile::TempDir) -> Db {
    let url = match database {
        Database::Sqlite => DatabaseUrl::Sqlite(folder.path().join("restored.db")),
        Database::Postgres => Cluster::shared().unwrap().create_database().parse().unwrap(),
    };
    Db::open(&url, Options::default()).await.unwrap()
}

/// From one kind of database into the other and back: the third file has what the first has.
async fn round_trip(from: Database, to: Database) {
    let server = Server::start(from).await;
    let admin = server.admin().await;
    let body = json!([{"name": "Ünïcode \"Ltd\"", "notes": "a\nb\u{1f600}", "hourlyrate": 19.99}]);
    admin.post("/api/Client", body).await.expect(201);
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("1.zip"), folder.path().join("2.zip"));
    let now = 1_764_000_000_000;
    archive::write(&server.app().db, File::create(&first).unwrap(), "test", now).await.unwrap();
    let restored = empty(to, &folder).await;
    let mut opened = archive::open(&first).unwrap();
    opened.check().unwrap();
    opened.restore(&restored, now).await.unwrap();
    assert_eq!(
        restored.schema_version().await.unwrap(),
        server.app().db.schema_version().await.unwrap()
    );
    archive::write(&restored, File::create(&second).unwrap(), "test", now).await.unwrap();
    let copied = archive::open(&second).unwrap();
    let tables = |manifest: &archive::Manifest| serde_json::to_value(&manifest.tables).unwrap();
    assert!(copied.manifest.rows() > 10);
    // The order of rows is the database's own, so the hashes are compared only through the rows.
    for (name, table) in tables(&opened.manifest).as_object().unwrap() {
        let other = &tables(&copied.manifest)[name];
        assert_eq!(
            (&table["rows"], &table["columns"]),
            (&other["rows"], &other["columns"]),
            "{name}"
        );
    }
    assert!(opened.restore(&restored, now).await.unwrap_err().to_string().contains("has data"));
    for finding in verify::run(&restored).await.unwrap() {
        assert!(finding.problems.is_empty(), "{}: {:?}", finding.table, finding.problems);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_moves_to_postgres() {
    round_trip(Database::Sqlite, Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_moves_to_sqlite() {
    round_trip(Database::Postgres, Database::Sqlite).await;
}

async fn finds_damage(database: Database) {
    let server = Server::start(database).await;
    let admin = server.admin().await;
    admin.post("/api/Client", json!([{"name": "Acme"}])).await.expect(201);
    for (sql, part) in [
        ("UPDATE client SET name_key = 'other'", "column name_key differs"),
        ("UPDATE site SET client_id = 4711", "client_id 4711 is no client"),
        ("UPDATE site SET isinvoicesite = 0", "not one main site"),
        ("UPDATE client SET doc = '{\"name\": 1}'", "the document is not as written"),
    ] {
        let mut tx = server.app().db.begin().await.unwrap();
        tx.execute(sql, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let findings = verify::run(&server.app().db).await.unwrap();
        let found: Vec<&String> = findings.iter().flat_map(|finding| &finding.problems).collect();
        assert!(found.iter().any(|problem| problem.contains(part)), "{sql}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_sqlite() {
    finds_damage(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_postgres() {
    finds_damage(Database::Postgres).await;
}
