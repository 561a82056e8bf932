//! The generic statements for every kind of record: get, list, insert, update, delete.

mod links;
mod list;
mod parts;
mod write;

pub use links::{link_fields, link_value, linked_clients, lock_links};
pub use list::{select_ids, select_ids_in, version};
pub use parts::{Part, each_part};
pub use write::{
    Write, all_ids, clients_by_name, delete, first_id, ids_by_name, ids_where, ids_with_text,
    insert, lock, merged_clients, merged_into, merged_of, merged_once, owned_ids, set_merged,
    update,
};
pub(crate) use write::{names as write_names, values as write_values};

use aureole_catalogue::{Entity, EntityKind, Key, Record, Source};

use crate::db::{Read, Result, Row, Value};
use crate::dialect::Dialect;
use crate::sql::{self, Probes};

/// A stored record with the names that a plan looks up.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: i64,
    /// Moves with every write; unique in the tenant.
    pub rev: i64,
    /// Milliseconds since 1970.
    pub updated_at: i64,
    pub doc: String,
    /// The looked-up texts, in the order that [`Select::new`] was given; empty when there is none.
    pub lookups: Vec<String>,
    /// The records that these texts belong to, and those on the way to them.
    pub pointers: Vec<(EntityKind, i64)>,
}

impl From<Stored> for crate::changes::Before {
    fn from(stored: Stored) -> Self {
        Self { doc: stored.doc, rev: stored.rev, updated_at: stored.updated_at }
    }
}

/// The statements that read whole records of one kind, written once and kept beside a plan.
pub struct Select {
    by_id: String,
    by_ids: String,
    lookups: usize,
    pointers: Vec<EntityKind>,
}

/// The clients that somebody may see, when not all: names of others are not looked up.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// Empty means all.
    pub allowed: &'a [i64],
    /// Stronger than `allowed`.
    pub denied: &'a [i64],
}

impl Select {
    /// `lookups` are positions of fields whose text belongs to another record. Each of those
    /// records is looked for once, however many of its columns are asked for. With a [`Sight`] the
    /// text is empty when that record belongs to a client out of sight, and each is looked for by
    /// itself.
    pub fn new(
        entity: &'static Entity,
        lookups: &[usize],
        dialect: Dialect,
        sight: Option<Sight<'_>>,
    ) -> Select {
        let mut probes = Probes::default();
        let fields = lookups.iter().map(|at| &entity.schema.fields[*at]);
        let texts: Vec<String> = match sight {
            None => fields.map(|field| probes.text(field)).collect(),
            Some(_) => fields.map(|field| sql::lookup(field, "r", sight)).collect(),
        };
        let mut head = "SELECT r.id, r.rev, r.updated_at, r.doc".to_owned();
        for column in probes.pointers().chain(texts) {
            head.push_str(", ");
            head.push_str(&column);
        }
        let joins = probes.joins(dialect);
        let statement = |several| {
            let (from, condition) = dialect.records(entity.table, several);
            format!("{head} {from}{joins}{condition}")
        };
        Select {
            by_id: statement(false),
            by_ids: statement(true),
            lookups: lookups.len(),
            pointers: probes.kinds(),
        }
    }

    fn stored(&self, row: &mut Row) -> Stored {
        let pointers = self.pointers.iter().enumerate();
        let pointers = pointers.filter_map(|(at, kind)| Some((*kind, row.opt_int(4 + at)?)));
        let pointers = pointers.filter(|(_, id)| *id > 0).collect();
        let texts = 4 + self.pointers.len();
        Stored {
            id: row.int(0),
            rev: row.int(1),
            updated_at: row.int(2),
            doc: row.take_text(3),
            lookups: (0..self.lookups).map(|at| row.take_text(texts + at)).collect(),
            pointers,
        }
    }
}

/// One record, or `None` when the tenant has no such id.
pub async fn get(
    reader: &mut impl Read,
    select: &Select,
    tenant: i64,
    id: i64,
) -> Result<Option<Stored>> {
    let mut rows = reader.query(&select.by_id, &[Value::Int(tenant), Value::Int(id)]).await?;
    Ok(rows.first_mut().map(|row| select.stored(row)))
}

/// A record that this transaction has written, with the names that belong to it: only those behind
/// ids that are set are looked up. `record` is what `written` says.
pub async fn with_names(
    reader: &mut impl Read,
    tenant: i64,
    entity: &'static Entity,
    lookups: &[usize],
    written: Stored,
    record: &Record,
) -> Result<Stored> {
    let fields = entity.schema.fields;
    let is_set = |position: usize| match fields[position].source {
        Source::Name { path: [(id, _), ..], .. } => {
            entity.schema.find(id).is_none_or(|at| record.int(Key(at)) > 0)
        }
        _ => true,
    };
    let wanted: Vec<usize> = (0..lookups.len()).filter(|at| is_set(lookups[*at])).collect();
    let mut names = vec![String::new(); lookups.len()];
    if !wanted.is_empty() {
        let texts: Vec<String> =
            wanted.iter().map(|at| sql::lookup(&fields[lookups[*at]], "r", None)).collect();
        let (texts, table) = (texts.join(", "), entity.table);
        let sql = format!("SELECT {texts} FROM {table} r WHERE r.tenant_id = $1 AND r.id = $2");
        let mut rows = reader.query(&sql, &[tenant.into(), written.id.into()]).await?;
        if let Some(row) = rows.first_mut() {
            wanted.iter().enumerate().for_each(|(column, at)| names[*at] = row.take_text(column));
        }
    }
    Ok(Stored { lookups: names, ..written })
}

/// The stored document alone, of any kind of record.
pub async fn doc(
    reader: &mut impl Read,
    tenant: i64,
    entity: &Entity,
    id: i64,
) -> Result<Option<String>> {
    let sql = format!("SELECT doc FROM {} WHERE tenant_id = $1 AND id = $2", entity.table);
    let mut rows = reader.query(&sql, &[Value::Int(tenant), Value::Int(id)]).await?;
    Ok(rows.first_mut().map(|row| row.take_text(0)))
}

/// The records with these ids, in this order; ids that are gone are left out.
pub async fn get_many(
    reader: &mut impl Read,
    select: &Select,
    tenant: i64,
    ids: &[i64],
) -> Result<Vec<Stored>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let params = [Value::Int(tenant), Value::ids(ids)];
    let mut rows = reader.query(&select.by_ids, &params).await?;
    let mut places: Vec<(i64, usize)> =
        rows.iter().enumerate().map(|(at, row)| (row.int(0), at)).collect();
    places.sort_unstable();
    let in_order = ids.iter().filter_map(|id| {
        let place = places.binary_search_by_key(id, |(found, _)| *found).ok()?;
        rows.get_mut(places[place].1).map(|row| select.stored(row))
    });
    Ok(in_order.collect())
}
