//! Lists of records: whatever is asked for, both databases give what a loop over the records gives.

mod naive;

use std::collections::HashSet;

use aureole_catalogue::filter::{Compare, Operand, Test};
use aureole_catalogue::query::OrderKey;
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Filter, Key, Kind, Record, Schema};
use aureole_storage::records::{Write, insert, select_ids};
use aureole_storage::{DatabaseUrl, Db, Dialect, Options};
use aureole_testkit::postgres::Cluster;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use naive::{CLIENTS, passes, sorted};

/// Cases a database: each is a tenant of its own with its own records.
const CASES: u32 = 96;

/// One site as the tests make it.
#[derive(Clone, Debug)]
pub struct Site {
    pub id: i64,
    pub updated_at: i64,
    pub values: Vec<(&'static str, Value)>,
}

impl Site {
    pub fn record(&self) -> Record {
        let mut record = Record::new(schema());
        for (name, value) in &self.values {
            record.set(key(name), value.clone());
        }
        record
    }
}

pub fn schema() -> &'static Schema {
    EntityKind::Site.entity().schema
}

pub fn key(name: &str) -> Key {
    Key(schema().find(name).unwrap_or_else(|| panic!("no field {name}")))
}

/// Names that differ in case, accents and script, and that are the same.
const NAMES: &[&str] = &[
    "", "Acme", "acme", "ACME", "Ácme", "ácme", "Acme Ltd", "acme-ltd", "Zebra", "éclair",
    "Eclair", "İzmir", "izmir", "Straße", "STRASSE", "日本", "b", "B", "100%_x", "a'b\"c\\",
];
const TEXTS: &[&str] = &["", "0", "12", "A 7", "a 7", "Ä", "ä", "+44 20", "~", "_"];
const DECIMALS: &[&str] = &["0", "-0.5", "0.0001", "9.99", "10", "10.5", "-10.25", "1234567.8901"];
const DATES: &[&str] = &[
    "",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00.500",
    "0999-12-31T23:59:59",
    "2025-12-31T23:59:59",
];
/// Words as a search gives them: folded.
const WORDS: &[&str] = &["a", "acme", "á", "é", "ltd", "%", "_", "12", "/", "zz", "日", "i\u{307}"];

/// The fields that orders and filters use: columns and others, of every type, and looked-up ones.
const FIELDS: &[&str] = &[
    "id",
    "name",
    "client_id",
    "client_name",
    "clientsite_name",
    "inactive",
    "sla_id",
    "phonenumber",
    "colour",
    "isstocklocation",
    "geocoord1",
    "datecreated",
    "ref",
    "maincontact_id",
    "slastupdate",
    "use",
    "timezone",
];

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(texts)
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Some of a site's fields; the others stay unset.
pub fn values() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let texts = (one_of(NAMES), one_of(TEXTS), one_of(TEXTS), one_of(DATES));
    let numbers = (0..=4i64, -2..=2i64, one_of(DECIMALS));
    let flags = (any::<bool>(), any::<bool>());
    let custom = proptest::option::of((one_of(TEXTS), any::<bool>()));
    (texts, numbers, flags, custom).prop_map(|(texts, numbers, flags, custom)| {
        let (name, phone, reference, date) = texts;
        let (client, sla, decimal) = numbers;
        let mut values = vec![
            ("name", json!(name)),
            ("phonenumber", json!(phone)),
            ("ref", json!(reference)),
            ("datecreated", json!(date)),
            ("client_id", json!(client)),
            ("sla_id", json!(sla)),
            ("geocoord1", number(decimal)),
            ("inactive", json!(flags.0)),
            ("isstocklocation", json!(flags.1)),
        ];
        if let Some((text, as_number)) = custom {
            let value = if as_number { json!(text.len()) } else { json!(text) };
            values.push(("customfields", json!([{"id": 3, "name": "colour", "value": value}])));
        }
        values
    })
}

/// Up to 25 sites; their ids are not in the order in which they are written.
pub fn sites() -> impl Strategy<Value = Vec<Site>> {
    let ids = Just((1..=25i64).collect::<Vec<_>>()).prop_shuffle();
    (ids, proptest::collection::vec((values(), 0..5i64), 0..25)).prop_map(|(ids, sites)| {
        let sites = ids.into_iter().zip(sites);
        sites.map(|(id, (values, at))| Site { id, updated_at: at * 500, values }).collect()
    })
}

pub fn order() -> impl Strategy<Value = Vec<OrderKey>> {
    let one = (one_of(FIELDS), any::<bool>());
    let one = one.prop_map(|(name, descending)| OrderKey { position: key(name).0, descending });
    proptest::collection::vec(one, 0..4)
}

fn compare() -> impl Strategy<Value = Compare> {
    proptest::sample::select(vec![
        Compare::Equal,
        Compare::Greater,
        Compare::GreaterOrEqual,
        Compare::Less,
        Compare::LessOrEqual,
    ])
}

/// A right side of the field's type, or for a number of a boolean's.
fn operand(kind: Kind) -> BoxedStrategy<Operand> {
    let decimal = one_of(DECIMALS).prop_map(|text| Operand::Number(text.parse().unwrap()));
    match kind {
        Kind::Int | Kind::Int64 | Kind::Decimal => {
            prop_oneof![decimal, (-2..=4i64).prop_map(|value| Operand::Number(value.into()))]
                .boxed()
        }
        Kind::Bool => prop_oneof![
            any::<bool>().prop_map(Operand::Bool),
            (0..2i64).prop_map(|value| Operand::Number(value.into()))
        ]
        .boxed(),
        Kind::DateTime => {
            one_of(&DATES[1..]).prop_map(|text| Operand::Date(text.to_owned())).boxed()
        }
        _ => prop_oneof![one_of(NAMES), one_of(TEXTS)]
            .prop_map(|text| Operand::Text(fold(text)))
            .boxed(),
    }
}

fn test(kind: Kind) -> impl Strategy<Value = Test> {
    let text = prop_oneof![
        one_of(NAMES),
        one_of(TEXTS),
        one_of(DECIMALS),
        one_of(&["true", "false", "03", "+1"])
    ];
    let text = text.prop_map(fold).boxed();
    prop_oneof![
        text.clone().prop_map(Test::Equals),
        proptest::collection::vec(text.clone(), 0..4).prop_map(Test::OneOf),
        prop_oneof![text, one_of(WORDS).prop_map(str::to_owned)].prop_map(Test::Contains),
        (compare(), operand(kind)).prop_map(|(compare, operand)| Test::Compare(compare, operand)),
        Just(Test::IsSet),
    ]
}

pub fn leaf() -> impl Strategy<Value = Filter> {
    let word = || one_of(WORDS).prop_map(str::to_owned);
    let field = one_of(FIELDS).prop_flat_map(|name| {
        let position = key(name).0;
        test(schema().fields[position].kind).prop_map(move |test| Filter::Field { position, test })
    });
    let custom = (any::<bool>(), one_of(&["", "0"]), test(Kind::Text));
    let custom = custom.prop_map(|(by_id, unset, test)| {
        let (id, name) = if by_id { (3, "") } else { (0, "colour") };
        Filter::Custom { list: "customfields", id, name: name.to_owned(), unset, test }
    });
    let ids = proptest::collection::btree_set(0..30i64, 0..12);
    prop_oneof![
        6 => field,
        1 => custom,
        1 => word().prop_map(Filter::Search),
        1 => word().prop_map(Filter::NameContains),
        1 => ids.prop_map(|ids| Filter::Ids(ids.into_iter().collect())),
        1 => (any::<bool>(), 0..2500i64).prop_map(|(from, millis)| Filter::Updated { from, millis }),
        1 => word().prop_map(|word| Filter::In {
            column: "client_id",
            kind: EntityKind::Client,
            filter: Box::new(Filter::NameContains(word)),
        }),
        1 => Just(Filter::True),
    ]
}

pub fn filter() -> impl Strategy<Value = Filter> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Filter::negate),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Filter::All),
            proptest::collection::vec(inner, 0..3).prop_map(Filter::Any),
        ]
    })
}

/// A migrated database and the next tenant that has no records yet.
pub struct Place {
    pub runtime: Runtime,
    pub db: Db,
    next_tenant: std::cell::Cell<i64>,
    _folder: Option<TempDir>,
}

impl Place {
    pub fn open(dialect: Dialect) -> Place {
        let (url, folder) = match dialect {
            Dialect::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                (DatabaseUrl::Sqlite(folder.path().join("test.db")), Some(folder))
            }
            Dialect::Postgres => {
                (DatabaseUrl::Postgres(Cluster::shared().unwrap().create_database()), None)
            }
        };
        let runtime = Runtime::new().unwrap();
        let db = runtime.block_on(async {
            let db = Db::open(&url, Options::default()).await.unwrap();
            db.migrate(1_800_000_000_000).await.unwrap();
            db
        });
        Place { runtime, db, next_tenant: std::cell::Cell::new(1), _folder: folder }
    }

    /// Writes the clients and these sites into a tenant of their own.
    pub fn fill(&self, sites: &[Site]) -> i64 {
        let tenant = self.next_tenant.replace(self.next_tenant.get() + 1);
        self.runtime.block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            for (id, name) in (1..).zip(CLIENTS) {
                let entity = EntityKind::Client.entity();
                let mut record = Record::new(entity.schema);
                record.set(aureole_catalogue::keys::client::NAME, *name);
                insert(&mut tx, tenant, entity, &[Write { id, rev: id, now: 0, record: &record }])
                    .await
                    .unwrap();
            }
            let records: Vec<Record> = sites.iter().map(Site::record).collect();
            let writes: Vec<Write<'_>> = sites
                .iter()
                .zip(&records)
                .map(|(site, record)| Write {
                    id: site.id,
                    rev: site.id,
                    now: site.updated_at,
                    record,
                })
                .collect();
            insert(&mut tx, tenant, EntityKind::Site.entity(), &writes).await.unwrap();
            tx.commit().await.unwrap();
        });
        tenant
    }

    pub fn select(&self, tenant: i64, filter: &Filter, order: &[OrderKey]) -> Vec<i64> {
        let found = select_ids(&self.db, tenant, EntityKind::Site.entity(), filter, order);
        self.runtime
            .block_on(found)
            .unwrap_or_else(|error| panic!("{filter:?} by {order:?}: {error}"))
    }
}

/// Runs a property on a database; the smallest counter-example ends the test.
pub fn check<S: Strategy>(strategy: S, each: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(&strategy, each) {
        panic!("{error}");
    }
}

/// Every record that passes, once, in the order of a plain sort.
fn lists_are_sorted(dialect: Dialect) {
    let place = Place::open(dialect);
    check(
        (sites(), proptest::collection::vec(order(), 1..6), leaf()),
        |(sites, orders, filter)| {
            let tenant = place.fill(&sites);
            for order in &orders {
                for filter in [&Filter::True, &filter] {
                    let found = place.select(tenant, filter, order);
                    prop_assert_eq!(
                        found.iter().collect::<HashSet<_>>().len(),
                        found.len(),
                        "an id twice"
                    );
                    let kept: Vec<&Site> =
                        sites.iter().filter(|site| passes(filter, site)).collect();
                    prop_assert_eq!(found, sorted(kept, order), "{:?} by {:?}", filter, order);
                }
            }
            Ok(())
        },
    );
}

/// SQL and the scan behind it let the same records through as [`Filter::matches`].
fn filters_mean_the_same(dialect: Dialect) {
    let place = Place::open(dialect);
    check((sites(), proptest::collection::vec(filter(), 1..8)), |(sites, filters)| {
        let tenant = place.fill(&sites);
        for filter in &filters {
            let kept: Vec<&Site> = sites.iter().filter(|site| passes(filter, site)).collect();
            prop_assert_eq!(place.select(tenant, filter, &[]), sorted(kept, &[]), "{:?}", filter);
        }
        Ok(())
    });
}

/// No kind of record is asked for a column that its table does not have.
fn every_kind_can_be_searched(dialect: Dialect) {
    let place = Place::open(dialect);
    for entity in aureole_catalogue::ENTITIES {
        let words = || "a".to_owned();
        for filter in
            [Filter::Search(words()), Filter::Contact(words()), Filter::NameContains(words())]
        {
            for filter in [filter.clone(), Filter::Any(vec![filter, Filter::True])] {
                let found = select_ids(&place.db, 1, entity, &filter, &[]);
                let found = place.runtime.block_on(found);
                assert!(
                    found.as_ref().is_ok_and(Vec::is_empty),
                    "{} {filter:?}: {found:?}",
                    entity.name
                );
            }
        }
        for position in 0..entity.schema.fields.len() {
            let order = [OrderKey { position, descending: true }];
            let found = select_ids(&place.db, 1, entity, &Filter::True, &order);
            let found = place.runtime.block_on(found);
            assert!(
                found.is_ok(),
                "{} by {}: {found:?}",
                entity.name,
                entity.schema.fields[position].name
            );
        }
    }
}

/// Each property as a test on each database.
macro_rules! on_each {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                #[test]
                fn on_sqlite() {
                    super::$name(super::Dialect::Sqlite);
                }

                #[test]
                fn on_postgres() {
                    super::$name(super::Dialect::Postgres);
                }
            }
        )+
    };
}

on_each!(lists_are_sorted, filters_mean_the_same, every_kind_can_be_searched);
