//! The schema's steps.

use aureole_storage::Error;
use aureole_storage::changes::{self, Author, Before, Change, Operation};
use aureole_storage::migrate::{self, Migration};

use super::places;

const FIRST: Migration = Migration {
    name: "0001_first",
    both: "CREATE TABLE first (id BIGINT PRIMARY KEY, key {text_key});\n-- it's fine;\n\
           CREATE INDEX first_key ON first (key);",
    sqlite: "INSERT INTO first VALUES (1, 'sqlite');",
    postgres: "INSERT INTO first VALUES (1, 'postgres');",
};
const SECOND: Migration = Migration {
    name: "0002_second",
    both: "CREATE TABLE second (id BIGINT);",
    sqlite: "",
    postgres: "",
};
const BROKEN: Migration = Migration {
    name: "0003_broken",
    both: "CREATE TABLE third (id BIGINT);\nCREATE TABLE second (id BIGINT);",
    sqlite: "",
    postgres: "",
};

#[tokio::test(flavor = "multi_thread")]
async fn migrations_run_once_and_newer_schemas_are_refused() {
    for place in places() {
        let (one, other) = (place.open().await, place.open().await);
        let list = [FIRST, SECOND];
        let (left, right) =
            tokio::join!(migrate::apply(&one, &list, 1_000), migrate::apply(&other, &list, 2_000));
        let mut applied = [left.unwrap(), right.unwrap()].concat();
        applied.sort();
        assert_eq!(applied, ["0001_first", "0002_second"]);
        assert_eq!(migrate::apply(&one, &list, 3_000).await.unwrap(), Vec::<String>::new());
        let rows = one.query("SELECT key FROM first", &[]).await.unwrap();
        assert_eq!(rows[0].text(0), one.dialect().name());

        let broken = migrate::apply(&one, &[FIRST, SECOND, BROKEN], 4_000).await.unwrap_err();
        assert!(broken.to_string().contains("0003_broken"), "{broken}");
        assert_eq!(one.schema_version().await.unwrap(), 2);
        one.query("SELECT id FROM third", &[]).await.unwrap_err();

        let newer = migrate::apply(&one, &[FIRST], 5_000).await.unwrap_err();
        assert!(matches!(&newer, Error::Schema(text) if text.contains("version 2")), "{newer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_migrations_apply() {
    for place in places() {
        let db = place.open().await;
        let applied = db.migrate(1_700_000_000_000).await.unwrap();
        assert_eq!(applied.len(), migrate::MIGRATIONS.len());
        assert!(db.migrate(1_700_000_000_001).await.unwrap().is_empty());
    }
}

/// What the versions before a step wrote is there after it, in the form that it has now.
#[tokio::test(flavor = "multi_thread")]
async fn what_older_versions_wrote_is_carried_over() {
    let settings = [
        (1, "default_toplevel_id", "7"),
        (1, "history_days", "null"),
        (1, "internal_client_id", "12"),
        (1, "mandatory_fields", r#"{"Client":["website"]}"#),
        (2, "default_toplevel_id", "0"),
        (2, "history_days", "90"),
        (2, "period_codes", r#"{"2":"It's monthly"}"#),
        (3, "internal_client_id", "null"),
    ];
    let documents = [
        (r#"{"name":"a","password":"x\\\"y,z","login":"l"}"#, r#"{"name":"a","login":"l"}"#),
        (r#"{"name":"a","password":"x"}"#, r#"{"name":"a"}"#),
        (r#"{"password":"x","name":"a"}"#, r#"{"name":"a"}"#),
        (r#"{"password":"x"}"#, "{}"),
        (r#"{"name":"my \"password\":\"x\""}"#, r#"{"name":"my \"password\":\"x\""}"#),
    ];
    for place in places() {
        let db = place.open().await;
        migrate::apply(&db, &migrate::MIGRATIONS[..8], 1_000).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        for (tenant, name, value) in settings {
            let sql = "INSERT INTO setting (tenant_id, name, value) VALUES ($1, $2, $3)";
            tx.execute(sql, &[tenant.into(), name.into(), value.into()]).await.unwrap();
        }
        for (id, (doc, _)) in (1_i64..).zip(documents) {
            let sql = "INSERT INTO end_user (tenant_id, id, rev, updated_at, doc) VALUES (1, $1, 1, 1, $2)";
            tx.execute(sql, &[id.into(), doc.into()]).await.unwrap();
            let before = Before { doc: doc.to_owned(), rev: 1, updated_at: 1 };
            let created = Change::created(id, "User", id, 0, Vec::new());
            let change = Change { before: Some(before), operation: Operation::Updated, ..created };
            changes::append(&mut tx, 1, 1, &Author::default(), vec![change]).await.unwrap();
        }
        tx.commit().await.unwrap();
        db.migrate(2_000).await.unwrap();
        let sql = "SELECT tenant_id, internal_client_id, default_toplevel_id, doc FROM tenant_settings \
                   ORDER BY tenant_id";
        let rows = db.query(sql, &[]).await.unwrap();
        let found: Vec<(i64, i64, i64, &str)> =
            rows.iter().map(|row| (row.int(0), row.int(1), row.int(2), row.text(3))).collect();
        let first = r#"{"internal_client_id":12,"default_toplevel_id":7,"mandatory_fields":{"Client":["website"]}}"#;
        let second = r#"{"period_codes":{"2":"It's monthly"},"history_days":90}"#;
        assert_eq!(found, [(1, 12, 7, first), (2, 0, 0, second), (3, 0, 0, "{}")]);
        for sql in
            ["SELECT doc FROM end_user ORDER BY id", "SELECT before_doc FROM change ORDER BY seq"]
        {
            let rows = db.query(sql, &[]).await.unwrap();
            let found: Vec<&str> = rows.iter().map(|row| row.text(0)).collect();
            let wanted: Vec<&str> = documents.iter().map(|(_, after)| *after).collect();
            assert_eq!(found, wanted, "{}: {sql}", db.dialect().name());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_names_are_folded_anew() {
    const BEFORE: usize = 10;
    for place in places() {
        let db = place.open().await;
        migrate::apply(&db, &migrate::MIGRATIONS[..BEFORE], 1_000).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        for sql in [
            "INSERT INTO client (tenant_id, id, rev, updated_at, doc, name_key, search_key) VALUES \
                 (1, 1, 1, 1, '{}', 'große straße', 'große straße'), \
                 (1, 2, 1, 1, '{}', 'fuß', 'fuß'), \
                 (1, 3, 1, 1, '{}', 'fuss', 'fuss'), \
                 (2, 1, 1, 1, '{}', 'οδος', 'οδος')",
            "INSERT INTO client_link (tenant_id, field, value, client_id) \
                 VALUES (1, 'xeroid', 'maß', 1)",
        ] {
            tx.execute(sql, &[]).await.unwrap();
        }
        tx.commit().await.unwrap();
        db.migrate(2_000).await.unwrap();
        let sql = "SELECT name_key, search_key FROM client ORDER BY tenant_id, id";
        let rows = db.query(sql, &[]).await.unwrap();
        let keys: Vec<(&str, &str)> = rows.iter().map(|row| (row.text(0), row.text(1))).collect();
        let expected = [
            ("grosse strasse", "grosse strasse"),
            // Both names are there already: each keeps its own.
            ("fuß", "fuss"),
            ("fuss", "fuss"),
            ("οδοσ", "οδοσ"),
        ];
        assert_eq!(keys, expected);
        let sql = "SELECT value FROM client_link WHERE value = 'mass'";
        assert_eq!(db.query(sql, &[]).await.unwrap().len(), 1);
    }
}
