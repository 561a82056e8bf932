//! The catalogue against the migrated databases, and the two databases against each other.

use std::collections::{BTreeMap, BTreeSet};

use aureole_catalogue::{ENTITIES, Kind};
use aureole_storage::{DatabaseUrl, Db, Dialect, Options};
use aureole_testkit::postgres::Cluster;
use tempfile::TempDir;

/// Columns that hold no field: what every table has, and the keys that are worked out from fields.
const EXTRA: &[&str] = &[
    "tenant_id",
    "id",
    "rev",
    "updated_at",
    "doc",
    "name_key",
    "search_key",
    "contact_key",
    "merged_into",
];

/// One column as the database says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Column {
    name: String,
    /// `BIGINT` or `TEXT`.
    kind: String,
    nullable: bool,
}

/// Tables by name, each with its columns by name.
type Tables = BTreeMap<String, BTreeMap<String, Column>>;

/// A migrated database without a record.
struct Place {
    db: Db,
    _folder: Option<TempDir>,
}

impl Place {
    async fn open(dialect: Dialect) -> Place {
        let (url, folder) = match dialect {
            Dialect::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                (DatabaseUrl::Sqlite(folder.path().join("test.db")), Some(folder))
            }
            Dialect::Postgres => {
                (DatabaseUrl::Postgres(Cluster::shared().unwrap().create_database()), None)
            }
        };
        let db = Db::open(&url, Options::default()).await.unwrap();
        db.migrate(1_800_000_000_000).await.unwrap();
        Place { db, _folder: folder }
    }

    async fn tables(&self) -> Tables {
        let sql = match self.db.dialect() {
            Dialect::Sqlite => {
                "SELECT t.name, c.name, c.type, c.\"notnull\" FROM sqlite_schema t \
                 JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
            }
            Dialect::Postgres => {
                "SELECT table_name::text, column_name::text, upper(data_type), \
                 (is_nullable = 'NO')::int::bigint FROM information_schema.columns \
                 WHERE table_schema = 'public'"
            }
        };
        let mut tables = Tables::new();
        for row in self.db.query(sql, &[]).await.unwrap() {
            let name = row.text(1).to_owned();
            let column = Column {
                name: name.clone(),
                kind: row.text(2).to_owned(),
                nullable: row.int(3) == 0,
            };
            tables.entry(row.text(0).to_owned()).or_default().insert(name, column);
        }
        tables
    }

    /// A line an index: table, name (of those that a statement named), whether it is unique or
    /// partial, and its columns.
    async fn indexes(&self) -> BTreeSet<String> {
        let sql = match self.db.dialect() {
            Dialect::Sqlite => {
                "SELECT t.name, CASE i.origin WHEN 'c' THEN i.name WHEN 'pk' THEN 'primary key' \
                 ELSE 'unique' END, i.\"unique\", i.partial, (SELECT group_concat(name, ',') FROM \
                 (SELECT coalesce(name, '()') AS name FROM pragma_index_info(i.name) ORDER BY seqno)) \
                 FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table'"
            }
            Dialect::Postgres => {
                "SELECT t.relname::text, CASE WHEN x.indisprimary THEN 'primary key' \
                 WHEN c.oid IS NOT NULL THEN 'unique' ELSE i.relname::text END, \
                 x.indisunique::int::bigint, (x.indpred IS NOT NULL)::int::bigint, \
                 (SELECT string_agg(coalesce(a.attname::text, '()'), ',' ORDER BY k.at) \
                  FROM unnest(x.indkey) WITH ORDINALITY k(number, at) \
                  LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) \
                 FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid \
                 JOIN pg_class i ON i.oid = x.indexrelid \
                 LEFT JOIN pg_constraint c ON c.conindid = i.oid AND c.contype = 'u' \
                 WHERE t.relnamespace = 'public'::regnamespace"
            }
        };
        let rows = self.db.query(sql, &[]).await.unwrap();
        let line = |row: &aureole_storage::Row| {
            let unique = if row.int(2) == 1 { " unique" } else { "" };
            let partial = if row.int(3) == 1 { " partial" } else { "" };
            format!("{}: {}{unique}{partial} ({})", row.text(0), row.text(1), row.text(4))
        };
        rows.iter().map(line).collect()
    }
}

/// The column type of a field.
fn column_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Int | Kind::Int64 | Kind::Bool | Kind::Decimal => "BIGINT",
        _ => "TEXT",
    }
}

/// What differs between the fields and the tables, a line each.
fn differences(tables: &Tables) -> Vec<String> {
    let mut found = Vec::new();
    for entity in ENTITIES {
        let Some(columns) = tables.get(entity.table) else {
            found.push(format!("there is no table {}", entity.table));
            continue;
        };
        let mut expected: BTreeMap<&str, &str> =
            [("tenant_id", "BIGINT"), ("id", "BIGINT"), ("rev", "BIGINT")].into();
        expected.extend([("updated_at", "BIGINT"), ("doc", "TEXT")]);
        for field in entity.schema.fields.iter().filter(|field| field.column) {
            expected.insert(field.name, column_kind(field.kind));
            if field.name == "name" {
                expected.insert("name_key", "TEXT");
            }
        }
        if !entity.search.is_empty() {
            expected.insert("search_key", "TEXT");
        }
        if !entity.contact.is_empty() {
            expected.insert("contact_key", "TEXT");
        }
        for (name, kind) in &expected {
            match columns.get(*name) {
                None => found.push(format!("{}.{name} is no column", entity.table)),
                Some(column) if column.kind != **kind || column.nullable => {
                    found.push(format!(
                        "{}.{name} is not {kind} NOT NULL: {column:?}",
                        entity.table
                    ));
                }
                Some(_) => {}
            }
        }
        for name in columns.keys() {
            if !expected.contains_key(name.as_str()) && !EXTRA.contains(&name.as_str()) {
                found.push(format!("{}.{name} is the column of no field", entity.table));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_is_a_field_and_the_other_way_round() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let found = differences(&Place::open(dialect).await.tables().await);
        assert!(found.is_empty(), "{}:\n{}", dialect.name(), found.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_numbers_or_text() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        for (table, columns) in Place::open(dialect).await.tables().await {
            for column in columns.values() {
                let known = matches!(column.kind.as_str(), "BIGINT" | "TEXT");
                assert!(known, "{}: {table}.{} is {}", dialect.name(), column.name, column.kind);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_tables_and_indexes() {
    let (sqlite, postgres) =
        (Place::open(Dialect::Sqlite).await, Place::open(Dialect::Postgres).await);
    let (ours, theirs) = (sqlite.tables().await, postgres.tables().await);
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (table, columns) in &ours {
        // A primary key says NOT NULL on PostgreSQL alone.
        let plain = |columns: &BTreeMap<String, Column>| {
            let column = |column: &Column| (column.name.clone(), column.kind.clone());
            columns.values().map(column).collect::<Vec<_>>()
        };
        assert_eq!(plain(columns), plain(&theirs[table]), "{table}");
    }
    // PostgreSQL limits an index entry, so that its indexes end before a long text.
    let short = |line: String| line.replace(",search_key", "").replace(",contact_key", "");
    let sqlite: BTreeSet<String> = sqlite.indexes().await.into_iter().map(short).collect();
    let mut postgres: BTreeSet<String> = postgres.indexes().await.into_iter().map(short).collect();
    // Change numbers tell the order of commits on SQLite, where there is one writer.
    assert!(postgres.remove("change: change_commit (tenant_id,commit_order,seq)"));
    // On SQLite `seq` says what these columns do.
    for only in [
        "change: change_feed unique partial (tenant_id,feed_position)",
        "change: change_unplaced partial (tenant_id,moment,seq)",
    ] {
        assert!(postgres.remove(only), "{only}");
    }
    let record = "change: change_record (tenant_id,entity,record_id,";
    assert!(
        postgres.remove(&format!("{record}moment)")) && postgres.insert(format!("{record}seq)"))
    );
    assert_eq!(sqlite, postgres);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_has_its_key_and_its_owners_an_index() {
    let place = Place::open(Dialect::Sqlite).await;
    let indexes = place.indexes().await;
    for entity in ENTITIES {
        let key = format!("{}: primary key unique (tenant_id,id)", entity.table);
        assert!(indexes.contains(&key), "{key}");
        for owner in entity.owners {
            let start = format!("(tenant_id,{owner}");
            let own = |line: &&String| line.starts_with(&format!("{}:", entity.table));
            let found = indexes.iter().filter(own).any(|line| line.contains(&start));
            assert!(
                found || UNINDEXED.contains(&(entity.table, owner)),
                "{}.{owner}",
                entity.table
            );
        }
    }
}

/// Owner columns that are searched only when a ticket type or a user is deleted, in tables of a
/// few rows a client.
const UNINDEXED: &[(&str, &str)] =
    &[("area_request_type", "request_type"), ("site_contact", "uid")];

#[tokio::test(flavor = "multi_thread")]
async fn text_of_records_compares_by_its_bytes_on_postgres() {
    let place = Place::open(Dialect::Postgres).await;
    let sql = "SELECT table_name::text, column_name::text, coalesce(collation_name::text, '') \
               FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text'";
    let rows = place.db.query(sql, &[]).await.unwrap();
    let mut seen = 0;
    for row in &rows {
        let is_record = ENTITIES.iter().any(|entity| entity.table == row.text(0));
        if is_record && row.text(1) != "doc" {
            seen += 1;
            assert_eq!(row.text(2), "C", "{}.{}", row.text(0), row.text(1));
        }
    }
    assert!(seen >= ENTITIES.len(), "{seen} columns");
    // The table of the migration says the same: what it calls a key is one.
    let login = rows.iter().find(|row| row.text(0) == "credential" && row.text(1) == "login_key");
    assert_eq!(login.map(|row| row.text(2)), Some("C"));
}
