//! The schema's steps.

use aureole_storage::Error;
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
