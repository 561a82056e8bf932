//! Which records a list has, and in which order.

use std::cmp::Ordering;

use aureole_catalogue::filter;
use aureole_catalogue::query::OrderKey;
use aureole_catalogue::value::{fold, scaled};
use aureole_catalogue::{Entity, EntityKind, Filter, Kind, Source, doc};

use crate::db::{Db, Result, Value};
use crate::dialect::Dialect;
use crate::sql::{self, Sql};

/// [`select_ids_in`] for filters and orders that ask for nothing of the current month.
pub async fn select_ids(
    db: &Db,
    tenant: i64,
    entity: &'static Entity,
    filter: &Filter,
    keys: &[OrderKey],
) -> Result<Vec<i64>> {
    select_ids_in("", db, tenant, entity, filter, keys).await
}

/// The ids of the records that pass, in the order asked for; `id` is always the last key. `month` is
/// the first moment of the current month, a stored date-time.
pub async fn select_ids_in(
    month: &str,
    db: &Db,
    tenant: i64,
    entity: &'static Entity,
    filter: &Filter,
    keys: &[OrderKey],
) -> Result<Vec<i64>> {
    let filter = &defined(db, tenant, entity, filter.clone()).await?;
    let mut sql = Sql::new(db.dialect(), tenant).in_month(month);
    let (conditions, rest) = split(&mut sql, entity, filter);
    let bound = sql.params.len();
    let order = sql.order(entity, "r", keys);
    if order.is_none() || !rest.is_empty() {
        // A scan sorts by itself; a parameter that no statement names is an error on PostgreSQL.
        sql.params.truncate(bound);
    }
    let from = format!("FROM {} r WHERE r.tenant_id = $1{conditions}", entity.table);
    match (rest.is_empty(), order) {
        (true, Some(order)) => {
            let mut ids = Vec::new();
            let statement = format!("SELECT r.id {from} ORDER BY {order}");
            db.query_each(&statement, &sql.params, &mut |row| ids.push(row.int(0))).await?;
            Ok(ids)
        }
        _ => {
            let mut resolved = Vec::with_capacity(rest.len());
            for filter in rest {
                resolved.push(resolve(db, tenant, entity, filter).await?);
            }
            scan(db, entity, &from, sql, &resolved, keys).await
        }
    }
}

/// Replaces conditions on defined fields by the ids of the records that meet them. Few records have
/// a value of such a field: only the documents with such a list are read.
async fn defined(db: &Db, tenant: i64, entity: &'static Entity, filter: Filter) -> Result<Filter> {
    let each = async |filters: Vec<Filter>| {
        let mut replaced = Vec::with_capacity(filters.len());
        for filter in filters {
            replaced.push(Box::pin(defined(db, tenant, entity, filter)).await?);
        }
        Ok::<_, crate::db::Error>(replaced)
    };
    Ok(match filter {
        Filter::All(filters) => Filter::All(each(filters).await?),
        Filter::Any(filters) => Filter::Any(each(filters).await?),
        Filter::Not(filter) => Box::pin(defined(db, tenant, entity, *filter)).await?.negate(),
        Filter::Custom { list, unset, ref test, .. } => {
            let mut sql = Sql::new(db.dialect(), tenant);
            let has_list = sql.contains("r", "doc", &format!("\"{list}\":"));
            let from = format!("FROM {} r WHERE r.tenant_id = $1 AND {has_list}", entity.table);
            // Who has no value passes or not; the others are listed by what they differ in.
            if test.passes(unset, Kind::Any) {
                let differing = [filter.negate()];
                Filter::Ids(scan(db, entity, &from, sql, &differing, &[]).await?).negate()
            } else {
                Filter::Ids(scan(db, entity, &from, sql, &[filter], &[]).await?)
            }
        }
        other => other,
    })
}

/// Splits a filter into SQL conditions (each with a leading AND) and what is left for a scan.
fn split(sql: &mut Sql, entity: &'static Entity, filter: &Filter) -> (String, Vec<Filter>) {
    let parts: &[Filter] = match filter {
        Filter::All(parts) => parts,
        other => std::slice::from_ref(other),
    };
    let mut conditions = String::new();
    let mut rest = Vec::new();
    for part in parts {
        let before = sql.params.len();
        match sql.filter(entity, "r", part) {
            Some(condition) => {
                conditions.push_str(" AND ");
                conditions.push_str(&condition);
            }
            None => {
                sql.params.truncate(before);
                rest.push(part.clone());
            }
        }
    }
    (conditions, rest)
}

/// Replaces what only the database can decide by the ids that it finds.
async fn resolve(db: &Db, tenant: i64, entity: &'static Entity, filter: Filter) -> Result<Filter> {
    Ok(match filter {
        Filter::All(filters) => Filter::All(resolve_each(db, tenant, entity, filters).await?),
        Filter::Any(filters) => Filter::Any(resolve_each(db, tenant, entity, filters).await?),
        Filter::Not(filter) => Box::pin(resolve(db, tenant, entity, *filter)).await?.negate(),
        Filter::Has { .. } | Filter::HasAny { .. } | Filter::In { .. } | Filter::Contact(_) => {
            let filter = decidable(db, tenant, filter).await?;
            let mut sql = Sql::new(db.dialect(), tenant);
            let Some(condition) = sql.filter(entity, "r", &filter) else {
                return Ok(Filter::none());
            };
            let statement = format!(
                "SELECT r.id FROM {} r WHERE r.tenant_id = $1 AND {condition} ORDER BY r.id",
                entity.table
            );
            let mut ids = Vec::new();
            db.query_each(&statement, &sql.params, &mut |row| ids.push(row.int(0))).await?;
            Filter::Ids(ids)
        }
        other => other,
    })
}

/// Replaces the condition inside a relation by ids, so that SQL can decide the relation.
async fn decidable(db: &Db, tenant: i64, filter: Filter) -> Result<Filter> {
    let ids = async |kind: EntityKind, inner: &Filter| {
        let mut ids = Box::pin(select_ids(db, tenant, kind.entity(), inner, &[])).await?;
        ids.sort_unstable();
        Ok::<_, crate::db::Error>(Box::new(Filter::Ids(ids)))
    };
    Ok(match filter {
        Filter::Has { kind, column, filter } => {
            Filter::Has { kind, column, filter: ids(kind, &filter).await? }
        }
        Filter::HasAny { kind, filter } => {
            Filter::HasAny { kind, filter: ids(kind, &filter).await? }
        }
        Filter::In { column, kind, filter } => {
            Filter::In { column, kind, filter: ids(kind, &filter).await? }
        }
        other => other,
    })
}

async fn resolve_each(
    db: &Db,
    tenant: i64,
    entity: &'static Entity,
    filters: Vec<Filter>,
) -> Result<Vec<Filter>> {
    let mut resolved = Vec::with_capacity(filters.len());
    for filter in filters {
        resolved.push(Box::pin(resolve(db, tenant, entity, filter)).await?);
    }
    Ok(resolved)
}

/// One pass over the rows that the database lets through: tests and sorts by their documents.
async fn scan(
    db: &Db,
    entity: &'static Entity,
    from: &str,
    mut sql: Sql,
    rest: &[Filter],
    keys: &[OrderKey],
) -> Result<Vec<i64>> {
    let lookups = used_lookups(entity, rest, keys);
    let needs_search = rest.iter().any(asks_search);
    let search = if entity.search.is_empty() || !needs_search { "''" } else { "r.search_key" };
    let mut statement = format!("SELECT r.id, r.updated_at, r.doc, {search}");
    for &position in &lookups {
        statement.push_str(", ");
        statement.push_str(&looked_up(&mut sql, entity, position));
    }
    statement.push(' ');
    statement.push_str(from);
    let index = entity.schema.index();
    let mut found: Vec<(Vec<SortValue>, i64)> = Vec::new();
    db.query_each(&statement, &sql.params, &mut |mut row| {
        let texts: Vec<(usize, String)> = lookups
            .iter()
            .enumerate()
            .map(|(at, &position)| match row.opt_int(4 + at) {
                Some(count) => (position, count.to_string()),
                None => (position, row.take_text(4 + at)),
            })
            .collect();
        let mut fields = Vec::new();
        doc::positions(index, row.text(2), &mut fields);
        let view = filter::Row {
            schema: entity.schema,
            id: row.int(0),
            updated_at: row.int(1),
            search_key: row.text(3),
            fields: &fields,
            lookups: &texts,
        };
        if rest.iter().all(|filter| filter.matches(&view)) {
            found.push((keys.iter().map(|key| sort_value(&view, key)).collect(), view.id));
        }
    })
    .await?;
    found.sort_unstable_by(|left, right| compare(left, right, keys));
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

/// True for a filter that looks into the search text.
fn asks_search(filter: &Filter) -> bool {
    match filter {
        Filter::Search(_) => true,
        Filter::All(filters) | Filter::Any(filters) => filters.iter().any(asks_search),
        Filter::Not(filter) => asks_search(filter),
        _ => false,
    }
}

/// The expression of a field that is not in the row's own document.
fn looked_up(sql: &mut Sql, entity: &'static Entity, position: usize) -> String {
    let field = &entity.schema.fields[position];
    let counted = match field.source {
        Source::Tickets(counted) => sql.tickets(entity, "r", counted),
        _ => None,
    };
    counted.unwrap_or_else(|| sql::lookup(field, "r", None))
}

/// The looked-up fields that a scan needs.
fn used_lookups(entity: &'static Entity, rest: &[Filter], keys: &[OrderKey]) -> Vec<usize> {
    let mut positions: Vec<usize> = keys.iter().map(|key| key.position).collect();
    rest.iter().for_each(|filter| collect_positions(filter, &mut positions));
    positions.retain(|&position| {
        matches!(
            entity.schema.fields[position].source,
            Source::Name { .. } | Source::ClientSiteName | Source::Tickets(_)
        )
    });
    positions.sort_unstable();
    positions.dedup();
    positions
}

fn collect_positions(filter: &Filter, positions: &mut Vec<usize>) {
    match filter {
        Filter::Field { position, .. } => positions.push(*position),
        Filter::All(filters) | Filter::Any(filters) => {
            filters.iter().for_each(|filter| collect_positions(filter, positions));
        }
        Filter::Not(filter) => collect_positions(filter, positions),
        _ => {}
    }
}

/// A sort key's value: numbers as integers of 10⁻¹⁵, text by its folded form.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SortValue {
    Number(i128),
    Text(String),
}

fn sort_value(row: &filter::Row<'_>, key: &OrderKey) -> SortValue {
    let text = row.text(key.position);
    match row.schema.fields[key.position].kind {
        Kind::Int | Kind::Int64 | Kind::Decimal => SortValue::Number(scaled(&text)),
        Kind::Bool => SortValue::Number(i128::from(text == "true")),
        _ => SortValue::Text(fold(&text)),
    }
}

fn compare(
    left: &(Vec<SortValue>, i64),
    right: &(Vec<SortValue>, i64),
    keys: &[OrderKey],
) -> Ordering {
    for (at, key) in keys.iter().enumerate() {
        let ordering = left.0[at].cmp(&right.0[at]);
        let ordering = if key.descending { ordering.reverse() } else { ordering };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    left.1.cmp(&right.1)
}

/// A text that is the same as long as nothing that the tenant's lists show was committed. On
/// PostgreSQL it moves with every transaction of the server, because only the snapshot itself
/// tells whether two reads see the same rows.
pub async fn version(db: &Db, tenant: i64) -> Result<String> {
    let rows = match db.dialect() {
        Dialect::Sqlite => {
            let newest = "SELECT seq FROM change WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1";
            db.query(newest, &[Value::Int(tenant)]).await?
        }
        Dialect::Postgres => {
            // The snapshot is the whole server's; the tenant is a parameter on SQLite alone.
            let rows = db.query("SELECT pg_current_snapshot()::text", &[]).await?;
            return Ok(rows.first().map(|row| row.text(0).to_owned()).unwrap_or_default());
        }
    };
    Ok(rows.first().map(|row| row.int(0)).unwrap_or(0).to_string())
}
