//! What a caller may do: the application's scope and the agent behind it, both.

use aureole_catalogue::keys::agent;
use aureole_catalogue::query::OrderKey;
use aureole_catalogue::render::View;
use aureole_catalogue::{Entity, EntityKind, Filter, Key, Problems, Record, Show, Source};
use aureole_storage::records::{Sight, Stored};
use aureole_storage::{Read, records};
use serde_json::Value;

use crate::app::App;
use crate::auth::caller::{Caller, Role};
use crate::endpoints::{Endpoint, Guard};
use crate::error::{ApiError, Result};

/// Checks that the caller may read (or write) this kind of record.
pub fn check(caller: &Caller, endpoint: &Endpoint, write: bool) -> Result<()> {
    if caller.role == Role::EndUser {
        return Err(ApiError::Forbidden("an end user's token does not open this path".to_owned()));
    }
    match endpoint.guard {
        Guard::Areas(areas) => {
            let allowed = areas.iter().any(|area| {
                if write { caller.scopes.may_edit(*area) } else { caller.scopes.may_read(*area) }
            });
            if allowed {
                return Ok(());
            }
            let verb = if write { "edit" } else { "read" };
            let names: Vec<String> =
                areas.iter().map(|area| format!("{verb}:{}", area.name())).collect();
            Err(ApiError::Forbidden(format!("this needs the scope {}", names.join(" or "))))
        }
        Guard::Definitions if write => administrator(caller),
        Guard::Definitions => Ok(()),
        Guard::Administrators => everywhere(caller),
    }
}

/// Checks for an administrator from whom no client is hidden: webhooks tell of all of them.
pub fn everywhere(caller: &Caller) -> Result<()> {
    administrator(caller)?;
    if is_limited(caller) {
        let message = "this needs an administrator whose agent may see every client";
        return Err(ApiError::Forbidden(message.to_owned()));
    }
    Ok(())
}

/// Checks for the `admin` scope and an administrator behind it. A plain agent's token never has the
/// scope, whatever it asked for, so that the message names both.
pub fn administrator(caller: &Caller) -> Result<()> {
    if caller.scopes.is_admin() && caller.role == Role::Administrator {
        return Ok(());
    }
    let message = "this needs the scope admin and an agent with the role administrator";
    Err(ApiError::Forbidden(message.to_owned()))
}

/// True when the agent's client limits let it see this client.
pub fn sees_client(caller: &Caller, client_id: i64) -> bool {
    let allowed = caller.allowed_clients.is_empty() || caller.allowed_clients.contains(&client_id);
    allowed && !caller.denied_clients.contains(&client_id)
}

/// True when there are clients that the caller must not see.
pub fn is_limited(caller: &Caller) -> bool {
    !caller.allowed_clients.is_empty() || !caller.denied_clients.is_empty()
}

/// The position of the field that says whose record it is.
fn client_position(entity: &Entity) -> Option<usize> {
    entity
        .schema
        .fields
        .iter()
        .position(|field| field.name == "client_id" && field.reference == Some(EntityKind::Client))
}

/// The client that a record belongs to; 0 when it belongs to none.
pub fn client_of(entity: &Entity, id: i64, record: &Record) -> i64 {
    if entity.kind == EntityKind::Client {
        return id;
    }
    client_position(entity).map_or(0, |position| record.int(aureole_catalogue::Key(position)))
}

/// The client that a record belongs to, also one that hangs on a site or a user; 0 for none.
pub async fn owning_client(
    app: &App,
    reader: &mut impl Read,
    tenant: i64,
    entity: &'static Entity,
    id: i64,
    record: &Record,
) -> Result<i64> {
    let own = client_of(entity, id, record);
    if own > 0 {
        return Ok(own);
    }
    for (key, kind) in owner_keys(entity) {
        let owner = record.int(key);
        if owner <= 0 || !matches!(kind, EntityKind::Site | EntityKind::User) {
            continue;
        }
        let prepared = app.prepared(kind, View::Full, Show::NONE);
        let stored = records::get(reader, &prepared.select, tenant, owner).await?;
        let found = stored.map(|stored| Record::from_doc(kind.entity().schema, &stored.doc));
        return Ok(found.map_or(0, |found| client_of(kind.entity(), owner, &found)));
    }
    Ok(0)
}

/// The fields through which a record is owned, with the kind of the owner.
pub fn owner_keys(entity: &'static Entity) -> impl Iterator<Item = (Key, EntityKind)> {
    entity.owners.iter().filter_map(|column| {
        let position = entity.schema.find(column)?;
        Some((Key(position), entity.schema.fields[position].reference?))
    })
}

/// True when the record is within the agent's client limits.
pub fn sees(caller: &Caller, entity: &Entity, id: i64, record: &Record) -> bool {
    let client = client_of(entity, id, record);
    client == 0 || sees_client(caller, client)
}

/// The columns through which a record that names no client belongs to one: its site and its user.
fn ways(entity: &Entity) -> Vec<(usize, EntityKind)> {
    if matches!(entity.kind, EntityKind::Client | EntityKind::Site | EntityKind::User) {
        return Vec::new();
    }
    let way = |(position, field): (usize, &aureole_catalogue::Field)| match field.name {
        "site_id" | "site" | "user_id" | "uid" => {
            let kind = field.reference?;
            matches!(kind, EntityKind::Site | EntityKind::User).then_some((position, kind))
        }
        _ => None,
    };
    entity.schema.fields.iter().enumerate().filter_map(way).collect()
}

/// The site and the user through which a record belongs to a client; none when it names its client.
pub fn owners_of(entity: &Entity, id: i64, record: &Record) -> Vec<(EntityKind, i64)> {
    if client_of(entity, id, record) > 0 {
        return Vec::new();
    }
    let owners = ways(entity).into_iter();
    let owners =
        owners.map(|(position, kind)| (kind, record.int(aureole_catalogue::Key(position))));
    owners.filter(|(_, owner)| *owner > 0).collect()
}

/// True for a kind of record that can belong to a client without naming it.
pub fn has_owners(entity: &Entity) -> bool {
    !ways(entity).is_empty()
}

/// The same for a stored record of any kind: one that hangs on a site or a user is its client's.
pub async fn sees_stored(
    app: &App,
    reader: &mut impl Read,
    caller: &Caller,
    entity: &'static Entity,
    id: i64,
    record: &Record,
) -> Result<bool> {
    if !is_limited(caller) {
        return Ok(true);
    }
    if client_of(entity, id, record) > 0 {
        return Ok(sees(caller, entity, id, record));
    }
    for (position, kind) in ways(entity) {
        let owner = record.int(aureole_catalogue::Key(position));
        if owner <= 0 {
            continue;
        }
        let prepared = app.prepared(kind, View::Full, Show::NONE);
        let stored = records::get(reader, &prepared.select, caller.tenant_id, owner).await?;
        let owner =
            stored.map(|stored| (stored.id, Record::from_doc(kind.entity().schema, &stored.doc)));
        if owner.is_some_and(|(id, owner)| !sees(caller, kind.entity(), id, &owner)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The filter that leaves out what the agent must not see.
pub fn visible(caller: &Caller, entity: &'static Entity) -> Filter {
    if !is_limited(caller) {
        return Filter::True;
    }
    let through = |(position, kind): (usize, EntityKind)| {
        let column = entity.schema.fields[position].name;
        let filter = Box::new(visible(caller, kind.entity()));
        Filter::Any(vec![Filter::int(position, 0), Filter::In { column, kind, filter }])
    };
    let ways = Filter::all(ways(entity).into_iter().map(through).collect());
    match client_position(entity) {
        _ if entity.kind == EntityKind::Client => own_clients(caller, &Filter::Ids),
        None => ways,
        Some(position) => {
            let one_of = |ids: Vec<i64>| {
                Filter::Any(ids.into_iter().map(|id| Filter::int(position, id)).collect())
            };
            // A record that belongs to no client (a supplier's note) is everybody's.
            let nobodys = Filter::int(position, 0);
            Filter::Any(vec![
                Filter::all(vec![nobodys.clone(), ways]),
                Filter::all(vec![nobodys.negate(), own_clients(caller, &one_of)]),
            ])
        }
    }
}

/// The client is one of the allowed ones and none of the denied ones.
fn own_clients(caller: &Caller, one_of: &dyn Fn(Vec<i64>) -> Filter) -> Filter {
    let filter = |ids: &[i64]| {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        one_of(ids)
    };
    let mut filters = Vec::new();
    if !caller.allowed_clients.is_empty() {
        filters.push(filter(&caller.allowed_clients));
    }
    if !caller.denied_clients.is_empty() {
        filters.push(filter(&caller.denied_clients).negate());
    }
    Filter::all(filters)
}

/// What the names of other records are looked up in for a limited agent: the clients that it sees.
pub fn sight(caller: &Caller) -> Option<Sight<'_>> {
    is_limited(caller)
        .then(|| Sight { allowed: &caller.allowed_clients, denied: &caller.denied_clients })
}

/// The kind of record that a looked-up name belongs to, and the field that points at it, when that
/// record may be another client's than the one that has the name.
fn foreign_name(entity: &Entity, position: usize) -> Option<(&'static str, EntityKind)> {
    let Source::Name { path, .. } = entity.schema.fields[position].source else { return None };
    let own = |(column, _): &&(&str, EntityKind)| !matches!(*column, "client_id" | "main_site_id");
    let foreign = path
        .iter()
        .filter(own)
        .find(|(_, kind)| matches!(kind, EntityKind::Client | EntityKind::Site | EntityKind::User));
    foreign.copied()
}

/// An agent's record as a limited agent sees it: its lists of clients name only those in sight.
pub fn without_hidden_clients(caller: &Caller, kind: EntityKind, mut stored: Stored) -> Stored {
    if kind == EntityKind::Agent && is_limited(caller) {
        let mut record = Record::from_doc(kind.entity().schema, &stored.doc);
        hide_clients(caller, kind, &mut record);
        stored.doc = record.to_doc();
    }
    stored
}

/// The same for a record that was read already.
pub fn hide_clients(caller: &Caller, kind: EntityKind, record: &mut Record) {
    if kind != EntityKind::Agent || !is_limited(caller) {
        return;
    }
    for key in [agent::ALLOWED, agent::DENIED] {
        let Some(Value::Array(items)) = record.get(key).cloned() else { continue };
        let seen = |item: &Value| {
            let ids = client_ids(Some(&Value::Array(vec![item.clone()])));
            ids.iter().all(|id| sees_client(caller, *id))
        };
        record.set(key, Value::Array(items.into_iter().filter(seen).collect()));
    }
}

/// A filter of the request as it holds for a limited agent: what it says of the name of a record out
/// of sight says nothing.
pub fn blinded(caller: &Caller, entity: &'static Entity, filter: Filter) -> Filter {
    if !is_limited(caller) {
        return filter;
    }
    let each = |filters: Vec<Filter>| {
        filters.into_iter().map(|filter| blinded(caller, entity, filter)).collect()
    };
    match filter {
        Filter::All(filters) => Filter::All(each(filters)),
        Filter::Any(filters) => Filter::Any(each(filters)),
        Filter::Not(filter) => blinded(caller, entity, *filter).negate(),
        Filter::Field { position, test } => {
            let Some((column, kind)) = foreign_name(entity, position) else {
                return Filter::Field { position, test };
            };
            let seen = Box::new(visible(caller, kind.entity()));
            let in_sight = Filter::In { column, kind, filter: seen };
            Filter::All(vec![in_sight, Filter::Field { position, test }])
        }
        other => other,
    }
}

/// Refuses a limited agent the order by a name that may be out of sight: the order would tell it.
pub fn check_order(caller: &Caller, entity: &Entity, keys: &[OrderKey], problems: &mut Problems) {
    if !is_limited(caller) {
        return;
    }
    for key in keys.iter().filter(|key| foreign_name(entity, key.position).is_some()) {
        let name = entity.schema.fields[key.position].name;
        let message = format!("can't be {name} for an agent who sees some clients only");
        problems.add("order", message);
    }
}

/// The `client_id`s of a list such as `allowed_clients`: `[{"client_id": 7}]` or plain numbers.
pub fn client_ids(list: Option<&Value>) -> Vec<i64> {
    let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.get("client_id").and_then(Value::as_i64).or_else(|| item.as_i64()))
        .collect()
}
