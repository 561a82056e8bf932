//! Insert, update, delete, and the questions that a delete asks first.

use std::collections::HashMap;
use std::sync::OnceLock;

use aureole_catalogue::record::Record;
use aureole_catalogue::value::fold;
use aureole_catalogue::{ENTITIES, Entity, EntityKind, Key, Kind};
use serde_json::Value as Json;

use super::links;
use crate::db::{Read, Result, Row, Tx, Value};

/// One record to be written.
pub struct Write<'a> {
    pub id: i64,
    pub rev: i64,
    /// Milliseconds since 1970.
    pub now: i64,
    pub record: &'a Record,
}

/// The columns of an entity that come from its fields.
fn columns(entity: &'static Entity) -> impl Iterator<Item = (usize, &'static str)> {
    let fields = entity.schema.fields.iter().enumerate();
    fields.filter(|(_, field)| field.column).map(|(position, field)| (position, field.name))
}

/// The column names of a write, in the order of [`values`].
pub(crate) fn names(entity: &'static Entity) -> Vec<String> {
    let mut names = vec!["tenant_id".into(), "id".into(), "rev".into(), "updated_at".into()];
    names.push("doc".to_owned());
    for (_, name) in columns(entity) {
        names.push(format!("\"{name}\""));
        if name == "name" {
            names.push("name_key".into());
        }
    }
    if !entity.search.is_empty() {
        names.push("search_key".into());
    }
    if !entity.contact.is_empty() {
        names.push("contact_key".into());
    }
    names
}

/// The values of a write, in the order of [`names`].
pub(crate) fn values(entity: &'static Entity, tenant: i64, write: &Write<'_>) -> Vec<Value> {
    let record = write.record;
    let mut values: Vec<Value> =
        vec![tenant.into(), write.id.into(), write.rev.into(), write.now.into()];
    values.push(record.to_doc().into());
    for (position, name) in columns(entity) {
        let key = Key(position);
        values.push(match entity.schema.fields[position].kind {
            Kind::Bool => record.bool(key).into(),
            Kind::Int | Kind::Int64 | Kind::Decimal => record.int(key).into(),
            _ => record.text(key).into(),
        });
        if name == "name" {
            values.push(fold(record.text(key)).into());
        }
    }
    if !entity.search.is_empty() {
        values.push(search_text(record, entity.search).into());
    }
    if !entity.contact.is_empty() {
        values.push(search_text(record, entity.contact).into());
    }
    values
}

/// The folded texts of some fields, a line each; `@object` stands for the lines of an address.
fn search_text(record: &Record, fields: &[&str]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for name in fields {
        let object = name.strip_prefix('@');
        let Some(position) = record.schema.find(object.unwrap_or(name)) else { continue };
        match record.get(Key(position)) {
            Some(Json::String(text)) => lines.push(fold(text)),
            Some(Json::Object(address)) => {
                let parts = ["line1", "line2", "line3", "line4", "postcode"];
                let texts =
                    parts.iter().filter_map(|part| address.get(*part).and_then(Json::as_str));
                lines.extend(texts.filter(|text| !text.is_empty()).map(fold));
            }
            _ => {}
        }
    }
    lines.join("\n")
}

/// The statements that write records of one kind.
struct Texts {
    insert: String,
    update: String,
}

impl Texts {
    fn of(entity: &'static Entity) -> &'static Texts {
        static TEXTS: OnceLock<HashMap<EntityKind, Texts>> = OnceLock::new();
        static NONE: Texts = Texts { insert: String::new(), update: String::new() };
        let texts = TEXTS.get_or_init(|| {
            ENTITIES.iter().map(|entity| (entity.kind, Texts::new(entity))).collect()
        });
        texts.get(&entity.kind).unwrap_or(&NONE)
    }

    fn new(entity: &'static Entity) -> Texts {
        let (table, names) = (entity.table, names(entity));
        let marks: Vec<String> = (1..=names.len()).map(|at| format!("${at}")).collect();
        let sets: Vec<String> = names
            .iter()
            .zip(&marks)
            .skip(2)
            .map(|(name, mark)| format!("{name} = {mark}"))
            .collect();
        let (names, marks, sets) = (names.join(", "), marks.join(", "), sets.join(", "));
        Texts {
            insert: format!("INSERT INTO {table} ({names}) VALUES ({marks})"),
            update: format!("UPDATE {table} SET {sets} WHERE tenant_id = $1 AND id = $2"),
        }
    }
}

/// Inserts records of one kind; a unique index may refuse them as late as at the COMMIT.
pub async fn insert(
    tx: &mut Tx,
    tenant: i64,
    entity: &'static Entity,
    writes: &[Write<'_>],
) -> Result<()> {
    let rows = writes.iter().map(|write| values(entity, tenant, write)).collect();
    tx.later(&Texts::of(entity).insert, rows).await?;
    match entity.kind {
        EntityKind::Client => links::note(tx, tenant, writes).await,
        _ => Ok(()),
    }
}

/// Writes a record over its earlier version, which the caller has locked.
pub async fn update(
    tx: &mut Tx,
    tenant: i64,
    entity: &'static Entity,
    write: &Write<'_>,
) -> Result<()> {
    let rows = vec![values(entity, tenant, write)];
    tx.later_exactly(&Texts::of(entity).update, rows).await?;
    match entity.kind {
        EntityKind::Client => links::note(tx, tenant, std::slice::from_ref(write)).await,
        _ => Ok(()),
    }
}

/// Deletes records by id.
pub async fn delete(tx: &mut Tx, tenant: i64, entity: &'static Entity, ids: &[i64]) -> Result<u64> {
    if entity.kind == EntityKind::Client {
        links::forget(tx, tenant, ids).await?;
    }
    let condition = tx.dialect().in_ids("id", 2);
    let sql = format!("DELETE FROM {} WHERE tenant_id = $1 AND {condition}", entity.table);
    tx.execute(&sql, &[tenant.into(), Value::ids(ids)]).await
}

/// Keeps other writers away from these records until the transaction ends.
pub async fn lock(tx: &mut Tx, tenant: i64, entity: &'static Entity, ids: &[i64]) -> Result<()> {
    let dialect = tx.dialect();
    let sql = format!(
        "SELECT id FROM {} WHERE tenant_id = $1 AND {} ORDER BY id{}",
        entity.table,
        dialect.in_ids("id", 2),
        dialect.for_update()
    );
    tx.query(&sql, &[tenant.into(), Value::ids(ids)]).await.map(drop)
}

/// The ids of the records of `entity` whose `column` is one of `targets`.
pub async fn ids_where(
    reader: &mut impl Read,
    tenant: i64,
    entity: &'static Entity,
    column: &str,
    targets: &[i64],
) -> Result<Vec<i64>> {
    let condition = reader.dialect().in_ids(&format!("\"{column}\""), 2);
    let sql = format!("SELECT id FROM {} WHERE tenant_id = $1 AND {condition}", entity.table);
    let rows = reader.query(&sql, &[tenant.into(), Value::ids(targets)]).await?;
    Ok(ascending(&rows))
}

/// The ids of the records of `entity` that one of `targets` owns through `column`: those in which
/// every owner column before it is unset.
pub async fn owned_ids(
    reader: &mut impl Read,
    tenant: i64,
    entity: &'static Entity,
    before: &[&str],
    column: &str,
    targets: &[i64],
) -> Result<Vec<i64>> {
    let condition = reader.dialect().in_ids(&format!("\"{column}\""), 2);
    let unset: String = before.iter().map(|name| format!(" AND \"{name}\" <= 0")).collect();
    let sql =
        format!("SELECT id FROM {} WHERE tenant_id = $1 AND {condition}{unset}", entity.table);
    let rows = reader.query(&sql, &[tenant.into(), Value::ids(targets)]).await?;
    Ok(ascending(&rows))
}

/// The ids of the records whose text `column` has exactly this value.
pub async fn ids_with_text(
    reader: &mut impl Read,
    tenant: i64,
    entity: &'static Entity,
    column: &str,
    value: &str,
) -> Result<Vec<i64>> {
    let sql = format!("SELECT id FROM {} WHERE tenant_id = $1 AND \"{column}\" = $2", entity.table);
    let rows = reader.query(&sql, &[tenant.into(), value.into()]).await?;
    Ok(ascending(&rows))
}

/// The ids of the records that bear a name (folded), at most three: one, none, or ambiguous.
/// `within` narrows the search to one value of a column.
pub async fn ids_by_name(
    reader: &mut impl Read,
    tenant: i64,
    entity: &'static Entity,
    name_key: &str,
    within: Option<(&str, i64)>,
) -> Result<Vec<i64>> {
    let mut sql = format!("SELECT id FROM {} WHERE tenant_id = $1 AND name_key = $2", entity.table);
    let mut params = vec![tenant.into(), name_key.into()];
    if let Some((column, value)) = within {
        sql.push_str(&format!(" AND \"{column}\" = $3"));
        params.push(value.into());
    }
    if entity.kind == EntityKind::Client {
        // A merged client has given its name up.
        sql.push_str(" AND merged_into = 0");
    }
    sql.push_str(" ORDER BY id LIMIT 3");
    let rows = reader.query(&sql, &params).await?;
    Ok(rows.iter().map(|row| row.int(0)).collect())
}

/// The ids of the clients that bear these names (folded), by name; merged ones have given theirs up.
pub async fn clients_by_name(
    reader: &mut impl Read,
    tenant: i64,
    name_keys: &[String],
) -> Result<HashMap<String, Vec<i64>>> {
    let mut found: HashMap<String, Vec<i64>> = HashMap::new();
    let sql = format!(
        "SELECT name_key, id FROM client WHERE tenant_id = $1 AND {} AND merged_into = 0",
        reader.dialect().in_texts("name_key", 2)
    );
    let names = serde_json::Value::from(name_keys).to_string();
    for mut row in reader.query(&sql, &[tenant.into(), names.into()]).await? {
        let id = row.int(1);
        found.entry(row.take_text(0)).or_default().push(id);
    }
    Ok(found)
}

/// Every id of a kind, for kinds that have few records.
pub async fn all_ids(
    reader: &mut impl Read,
    tenant: i64,
    entity: &'static Entity,
) -> Result<Vec<i64>> {
    let sql = format!("SELECT id FROM {} WHERE tenant_id = $1 ORDER BY id", entity.table);
    let rows = reader.query(&sql, &[tenant.into()]).await?;
    Ok(rows.iter().map(|row| row.int(0)).collect())
}

/// The smallest id of a kind, when there is one.
pub async fn first_id(
    reader: &mut impl Read,
    tenant: i64,
    entity: &'static Entity,
) -> Result<Option<i64>> {
    let sql = format!("SELECT id FROM {} WHERE tenant_id = $1 ORDER BY id LIMIT 1", entity.table);
    let rows = reader.query(&sql, &[tenant.into()]).await?;
    Ok(rows.first().map(|row| row.int(0)))
}

/// The ids in ascending order. They are sorted here, because an ORDER BY makes SQLite walk the
/// whole primary key instead of the column's index.
fn ascending(rows: &[Row]) -> Vec<i64> {
    let mut ids: Vec<i64> = rows.iter().map(|row| row.int(0)).collect();
    ids.sort_unstable();
    ids
}

/// The client that has this one's place: the last of those that it was merged into, one after the
/// other; 0 when it was not.
pub async fn merged_into(reader: &mut impl Read, tenant: i64, client: i64) -> Result<i64> {
    let mut last = 0;
    for _ in 0..MERGES {
        match merged_once(reader, tenant, if last > 0 { last } else { client }).await? {
            into if into > 0 => last = into,
            _ => break,
        }
    }
    Ok(last)
}

/// The client that this one itself was merged into, which may have been merged since; 0 for none.
pub async fn merged_once(reader: &mut impl Read, tenant: i64, client: i64) -> Result<i64> {
    let sql = "SELECT merged_into FROM client WHERE tenant_id = $1 AND id = $2";
    let rows = reader.query(sql, &[tenant.into(), client.into()]).await?;
    Ok(rows.first().map(|row| row.int(0)).unwrap_or(0))
}

/// The most merges, one after the other, that lead from one client to the next. The way has an end,
/// because a merged client takes no other one in; this holds for a damaged database too.
const MERGES: usize = 1000;

/// The clients that were merged into one of these.
pub async fn merged_clients(reader: &mut impl Read, tenant: i64, into: &[i64]) -> Result<Vec<i64>> {
    let condition = reader.dialect().in_ids("merged_into", 2);
    let sql =
        format!("SELECT id FROM client WHERE tenant_id = $1 AND merged_into > 0 AND {condition}");
    let rows = reader.query(&sql, &[tenant.into(), Value::ids(into)]).await?;
    Ok(ascending(&rows))
}

/// Those of the clients that were merged into another one.
pub async fn merged_of(reader: &mut impl Read, tenant: i64, clients: &[i64]) -> Result<Vec<i64>> {
    let condition = reader.dialect().in_ids("id", 2);
    let sql =
        format!("SELECT id FROM client WHERE tenant_id = $1 AND {condition} AND merged_into > 0");
    let rows = reader.query(&sql, &[tenant.into(), Value::ids(clients)]).await?;
    Ok(ascending(&rows))
}

/// Marks a client as merged into another, which frees its name.
pub async fn set_merged(tx: &mut Tx, tenant: i64, client: i64, into: i64) -> Result<()> {
    let sql = format!(
        "UPDATE {} SET merged_into = $3 WHERE tenant_id = $1 AND id = $2",
        EntityKind::Client.entity().table
    );
    tx.execute(&sql, &[tenant.into(), client.into(), into.into()]).await.map(drop)
}
