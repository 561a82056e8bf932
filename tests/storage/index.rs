//! The index in memory gives the lists that the database gives, whatever was written in between.

use std::cell::Cell;
use std::ops::Range;
use std::time::Duration;

use aureole_catalogue::filter::Test;
use aureole_catalogue::query::OrderKey;
use aureole_catalogue::{Entity, EntityKind, Filter, Record};
use aureole_server::fresh::Fresh;
use aureole_server::index::{Asked, Index, Sizes};
use aureole_storage::changes::{self, Author, Change, Operation};
use aureole_storage::records::{Write, delete, ids_where, insert, select_ids, update};
use aureole_storage::{Dialect, Tx};
use proptest::prelude::*;

use crate::records::{Place, Site, check, filter, order, sites, values};

const SIZES: Sizes = Sizes {
    index_bytes: 100_000_000,
    row_bytes: 1_000_000,
    list_bytes: 1_000_000,
    idle: Duration::from_secs(600),
};

/// One record that is written between two rounds of lists.
#[derive(Clone, Debug)]
enum Action {
    /// Inserts or overwrites the site with this id.
    Save(i64, Site),
    Delete(i64),
    Rename(i64, &'static str),
    DeleteClient(i64),
}

fn action() -> impl Strategy<Value = Action> {
    let site = (1..30i64, values(), 0..5i64)
        .prop_map(|(id, values, at)| Action::Save(id, Site { id, updated_at: at * 500, values }));
    let names = proptest::sample::select(vec!["Acme", "zulu", "ltd 12", "", "Á é"]);
    prop_oneof![
        6 => site,
        2 => (1..30i64).prop_map(Action::Delete),
        2 => (1..5i64, names).prop_map(|(id, name)| Action::Rename(id, name)),
        1 => (1..5i64).prop_map(Action::DeleteClient),
    ]
}

/// Filters of sites that the index has a way of its own for.
fn related() -> impl Strategy<Value = Filter> {
    let words = || proptest::sample::select(vec!["a", "acme", "12", "+44", "ltd", "é", "aaa"]);
    let words = || words().prop_map(str::to_owned);
    let inactive = EntityKind::Client.entity().schema.find("inactive").unwrap_or(0);
    let in_client = |filter| Filter::In {
        column: "client_id",
        kind: EntityKind::Client,
        filter: Box::new(filter),
    };
    prop_oneof![
        words().prop_map(Filter::Contact),
        words().prop_map(move |word| in_client(Filter::all(vec![
            Filter::Search(word),
            Filter::int(inactive, 0)
        ]))),
        words().prop_map(|word| Filter::Any(vec![
            Filter::Search(word.clone()),
            Filter::Contact(word)
        ])),
    ]
}

fn site_filter() -> impl Strategy<Value = Filter> {
    prop_oneof![
        3 => filter(),
        2 => related(),
        2 => (filter(), related()).prop_map(|(left, right)| Filter::All(vec![left, right])),
        1 => (filter(), related()).prop_map(|(left, right)| Filter::Any(vec![left, right.negate()])),
    ]
}

/// Filters of clients that look at their sites.
fn client_filter() -> impl Strategy<Value = Filter> {
    let has = |filter| Filter::Has {
        kind: EntityKind::Site,
        column: "client_id",
        filter: Box::new(filter),
    };
    let any = |filter| Filter::HasAny { kind: EntityKind::Site, filter: Box::new(filter) };
    let word = || proptest::sample::select(vec!["a", "acme", "12", "ulu"]).prop_map(str::to_owned);
    let word = || word().prop_map(Filter::Search);
    prop_oneof![
        related().prop_map(has),
        filter().prop_map(has),
        filter().prop_map(any),
        (word(), related()).prop_map(move |(word, sites)| Filter::Any(vec![word, has(sites)])),
        (word(), filter())
            .prop_map(move |(word, sites)| { Filter::All(vec![word, has(sites).negate()]) }),
    ]
}

/// A list of sites or clients.
type List = (bool, Filter, Vec<OrderKey>);

fn list() -> impl Strategy<Value = List> {
    prop_oneof![
        3 => (Just(true), site_filter(), order()),
        2 => (Just(true), site_filter(), by_name(EntityKind::Site)),
        2 => (Just(true), Just(Filter::True), by_name(EntityKind::Site)),
        2 => (Just(false), client_filter(), by_name(EntityKind::Client)),
    ]
}

fn by_name(kind: EntityKind) -> impl Strategy<Value = Vec<OrderKey>> {
    let position = kind.entity().schema.find("name").unwrap_or(0);
    any::<bool>().prop_map(move |descending| vec![OrderKey { position, descending }])
}

/// Writes records with their history, as the server does.
struct Writer<'a> {
    tx: Tx,
    tenant: i64,
    seq: &'a Cell<i64>,
}

impl Writer<'_> {
    async fn write(&mut self, action: &Action) {
        match action {
            Action::Save(id, site) => {
                self.save(EntityKind::Site.entity(), *id, site.updated_at, &site.record()).await;
            }
            Action::Rename(id, name) => {
                let entity = EntityKind::Client.entity();
                let mut record = Record::new(entity.schema);
                record.set(aureole_catalogue::keys::client::NAME, format!("{name} {id}"));
                self.save(entity, *id, 0, &record).await;
            }
            Action::Delete(id) => self.delete(EntityKind::Site.entity(), *id).await,
            Action::DeleteClient(id) => self.delete(EntityKind::Client.entity(), *id).await,
        }
    }

    async fn save(&mut self, entity: &'static Entity, id: i64, now: i64, record: &Record) {
        let found = ids_where(&mut self.tx, self.tenant, entity, "id", &[id]).await.unwrap();
        let is_new = found.is_empty();
        let rev = self.log(entity, id, is_new).await;
        let write = Write { id, rev, now, record };
        match is_new {
            true => insert(&mut self.tx, self.tenant, entity, &[write]).await.unwrap(),
            false => update(&mut self.tx, self.tenant, entity, &write).await.unwrap(),
        }
    }

    async fn delete(&mut self, entity: &'static Entity, id: i64) {
        self.log(entity, id, false).await;
        delete(&mut self.tx, self.tenant, entity, &[id]).await.unwrap();
    }

    async fn log(&mut self, entity: &'static Entity, id: i64, is_new: bool) -> i64 {
        let seq = self.seq.get() + 1;
        self.seq.set(seq);
        let operation = if is_new { Operation::Created } else { Operation::Updated };
        let created = Change::created(seq, entity.name, id, 0, Vec::new());
        let change = Change { operation, ..created };
        let author = Author::default();
        changes::append(&mut self.tx, self.tenant, 0, &author, vec![change]).await.unwrap();
        seq
    }
}

/// A running index over a place.
struct Running<'a> {
    place: &'a Place,
    index: Index,
    fresh: Fresh,
    seq: Cell<i64>,
    /// Lists that the index made.
    made: &'a Cell<usize>,
}

impl Running<'_> {
    fn write(&self, tenant: i64, actions: &[Action]) {
        self.place.runtime.block_on(async {
            let tx = self.place.db.begin().await.unwrap();
            let mut writer = Writer { tx, tenant, seq: &self.seq };
            for action in actions {
                writer.write(action).await;
            }
            writer.tx.commit().await.unwrap();
        });
    }

    fn compare(&self, tenant: i64, (is_site, filter, order): &List) -> Result<(), TestCaseError> {
        let kind = if *is_site { EntityKind::Site } else { EntityKind::Client };
        let (db, entity) = (&self.place.db, kind.entity());
        let asked = Asked { entity, filter, order, rows: None };
        for part in [|total| 0..total, |total: usize| total / 3..total / 2] {
            let part: fn(usize) -> Range<usize> = part;
            let found = self.place.runtime.block_on(async {
                let expected = select_ids(db, tenant, entity, filter, order).await.unwrap();
                let found = self.index.find(&self.fresh, db, tenant, asked, part).await.unwrap();
                (expected, found)
            });
            let (expected, Some(found)) = found else { return Ok(()) };
            self.made.set(self.made.get() + 1);
            prop_assert_eq!(found.total, expected.len(), "{:?}", filter);
            let ids: Vec<i64> = found.slice(0..found.count()).iter().map(|(_, id)| *id).collect();
            prop_assert_eq!(&ids, &expected[part(expected.len())], "{:?} by {:?}", filter, order);
        }
        Ok(())
    }
}

fn index_and_database_agree(dialect: Dialect) {
    let place = Place::open(dialect);
    let made = Cell::new(0);
    let rounds = proptest::collection::vec(
        (proptest::collection::vec(action(), 0..6), proptest::collection::vec(list(), 1..5)),
        1..5,
    );
    check((sites(), rounds), |(sites, rounds)| {
        let tenant = place.fill(&sites);
        let running = Running {
            index: Index::new(SIZES),
            fresh: Fresh::new(place.db.clone(), Duration::from_millis(5), 1000),
            seq: Cell::new(1000),
            place: &place,
            made: &made,
        };
        let mut asked: Vec<List> = Vec::new();
        for (actions, lists) in rounds {
            running.write(tenant, &actions);
            asked.extend(lists);
            // Those of the rounds before are brought up to date.
            for list in &asked {
                running.compare(tenant, list)?;
            }
        }
        Ok(())
    });
    assert!(made.get() > 500, "the index made {} lists only", made.get());
}

/// A tenant that is too large is the database's.
fn a_small_budget_gives_up(dialect: Dialect) {
    let place = Place::open(dialect);
    let sites = |count: i64| -> Vec<Site> {
        let site = |id| Site { id, updated_at: 0, values: vec![("name", "x".into())] };
        (1..=count).map(site).collect()
    };
    let tenant = place.fill(&sites(50));
    let fresh = Fresh::new(place.db.clone(), Duration::from_millis(5), 1000);
    let filter = Filter::Field {
        position: EntityKind::Site.entity().schema.find("ref").unwrap_or(0),
        test: Test::IsSet,
    };
    let entity = EntityKind::Site.entity();
    for (index_bytes, is_made) in [(100_000, true), (100, false)] {
        let index = Index::new(Sizes { index_bytes, ..SIZES });
        for filter in [&Filter::True, &filter] {
            let asked = Asked { entity, filter, order: &[], rows: None };
            let found = index.find(&fresh, &place.db, tenant, asked, |total| 0..total);
            let found = place.runtime.block_on(found).unwrap();
            assert_eq!(found.is_some(), is_made, "{index_bytes}");
        }
    }
}

mod agreement {
    use super::{Dialect, a_small_budget_gives_up, index_and_database_agree};

    #[test]
    fn on_sqlite() {
        index_and_database_agree(Dialect::Sqlite);
    }

    #[test]
    fn on_postgres() {
        index_and_database_agree(Dialect::Postgres);
    }

    #[test]
    fn within_a_budget_on_sqlite() {
        a_small_budget_gives_up(Dialect::Sqlite);
    }

    #[test]
    fn within_a_budget_on_postgres() {
        a_small_budget_gives_up(Dialect::Postgres);
    }
}
