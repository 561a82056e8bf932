//! DELETE of a record, with everything that it owns, unless something else points at it.

use std::collections::{BTreeMap, BTreeSet};

use aureole_catalogue::keys::{agent, area_request_type, site};
use aureole_catalogue::render::View;
use aureole_catalogue::{ENTITIES, Entity, EntityKind, Problems, Record, Show};
use aureole_storage::beside;
use aureole_storage::changes::{self, Change, Operation};
use aureole_storage::records::{self, Stored};

use crate::api::save::check_tag;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::rights;
use crate::rules;
use crate::save::Save;

/// The records that go, by kind.
pub type Doomed = BTreeMap<EntityKind, Vec<i64>>;

pub async fn delete(call: &Call, endpoint: &'static Endpoint, id: i64) -> Result<Reply> {
    rights::check(&call.caller, endpoint, true)?;
    let mut problems = Problems::default();
    let dry_run = call.params.flag("dryrun", &mut problems);
    call.check_params(&[&["dryrun"]], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let kind = endpoint.kind;
    let entity = kind.entity();
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, false, call.now).await?;
    let tenant = save.tenant();
    records::lock(&mut save.tx, tenant, entity, &[id]).await?;
    let Some((stored, record)) = save.load(kind, id).await? else {
        return Err(ApiError::missing(entity.singular, id));
    };
    if let Some(wanted) = call.header("if-match") {
        check_tag(endpoint, wanted, id, stored.rev)?;
    }
    allowed(&mut save, kind, id, &record).await?;
    let mut gone = vec![id];
    if kind == EntityKind::Client {
        gone.extend(merged_into(&mut save, id).await?);
    }
    let doomed = owned(&mut save, Doomed::from([(kind, gone)])).await?;
    refuse_when_pointed_at(&mut save, kind, id, &doomed).await?;
    for (kind, ids) in doomed.iter().rev() {
        remove(&mut save, *kind, ids).await?;
    }
    let warning = match kind {
        EntityKind::AreaRequestType => {
            let client_id = record.int(area_request_type::CLIENT_ID);
            rules::children::no_type_left(&mut save, client_id).await?
        }
        _ => None,
    };
    let stored = rights::without_hidden_clients(&call.caller, kind, stored);
    let body = deleted_record(call, kind, &stored, warning);
    let mut reply = reply::json(200, body);
    if dry_run {
        save.tx.rollback().await?;
    } else {
        let change = save.newest_of(kind, id).await?;
        save.tx.commit().await?;
        rules::committed(call, kind).await;
        reply::set_change(&mut reply, change);
    }
    Ok(reply)
}

/// The clients whose place this one took, directly or one after the other: they go with it.
async fn merged_into(save: &mut Save<'_>, id: i64) -> Result<Vec<i64>> {
    let tenant = save.tenant();
    let mut found = Vec::new();
    let mut level = vec![id];
    while !level.is_empty() {
        level = records::merged_clients(&mut save.tx, tenant, &level).await?;
        level.retain(|id| !found.contains(id));
        found.extend(&level);
    }
    Ok(found)
}

/// Records that must stay whatever points at them.
pub async fn allowed(
    save: &mut Save<'_>,
    kind: EntityKind,
    id: i64,
    record: &Record,
) -> Result<()> {
    let in_use =
        |message: String, counts| Err(ApiError::InUse { path: String::new(), message, counts });
    match kind {
        EntityKind::Client if save.settings.internal_client_id == id => in_use(
            format!("client {id} is the firm itself and can't be deleted"),
            vec![("settings", 1)],
        ),
        EntityKind::Site if record.bool(site::IS_MAIN) => in_use(
            format!(
                "site {id} is the main site of client {}: make another site the main site first",
                record.int(site::CLIENT_ID)
            ),
            vec![("main_site_of_clients", 1)],
        ),
        EntityKind::Agent if save.caller.agent_id == id => {
            in_use(format!("agent {id} is the one behind this token"), vec![("tokens", 1)])
        }
        EntityKind::FieldInfo | EntityKind::SiteField => {
            rules::custom_fields::check_unused(save, kind, id, record).await
        }
        EntityKind::TopLevel if save.settings.default_toplevel_id == id => {
            in_use(format!("top level {id} is the default one"), vec![("settings", 1)])
        }
        _ => Ok(()),
    }
}

/// The records and everything that they own, directly or through others. A record is owned by the
/// first of its owner fields that is set.
pub async fn owned(save: &mut Save<'_>, roots: Doomed) -> Result<Doomed> {
    let tenant = save.tenant();
    let mut level = roots.clone();
    let mut doomed = roots;
    while !level.is_empty() {
        let mut next = Doomed::new();
        for (parent, ids) in &level {
            for child in ENTITIES {
                for (at, column) in child.owners.iter().enumerate() {
                    if target(child, column) != Some(*parent) {
                        continue;
                    }
                    let found = records::owned_ids(
                        &mut save.tx,
                        tenant,
                        child,
                        &child.owners[..at],
                        column,
                        ids,
                    )
                    .await?;
                    let known = doomed.entry(child.kind).or_default();
                    let new: Vec<i64> =
                        found.into_iter().filter(|id| !known.contains(id)).collect();
                    known.extend(&new);
                    if !new.is_empty() {
                        next.entry(child.kind).or_default().extend(new);
                    }
                }
            }
        }
        level = next;
    }
    doomed.retain(|_, ids| !ids.is_empty());
    Ok(doomed)
}

/// The kind that a column points at.
fn target(entity: &'static Entity, column: &str) -> Option<EntityKind> {
    entity.schema.find(column).and_then(|position| entity.schema.fields[position].reference)
}

/// Refuses when a record that stays points at one that goes.
pub async fn refuse_when_pointed_at(
    save: &mut Save<'_>,
    kind: EntityKind,
    id: i64,
    doomed: &Doomed,
) -> Result<()> {
    let tenant = save.tenant();
    let none = Vec::new();
    let mut counts: Vec<(&'static str, i64)> = Vec::new();
    let mut any_hidden = false;
    for entity in ENTITIES {
        let own = doomed.get(&entity.kind).unwrap_or(&none);
        // A ticket of the client and of its site is one ticket.
        let mut pointing: BTreeSet<i64> = BTreeSet::new();
        for field in entity.schema.fields {
            let Some(targets) = field.reference.and_then(|kind| doomed.get(&kind)) else {
                continue;
            };
            pointing.extend(
                records::ids_where(&mut save.tx, tenant, entity, field.name, targets).await?,
            );
        }
        own.iter().for_each(|id| {
            pointing.remove(id);
        });
        if pointing.is_empty() {
            continue;
        }
        let shown = in_sight(save, entity, pointing.iter().copied().collect()).await?;
        any_hidden |= shown < pointing.len();
        if shown > 0 {
            counts.push((entity.table, i64::try_from(shown).unwrap_or(i64::MAX)));
        }
    }
    counts.extend(rules::listed::pointing(save, doomed).await?);
    let what = kind.entity().singular;
    if counts.is_empty() && any_hidden {
        // Neither what they are nor how many.
        let message = format!("{what} {id} is in use");
        return Err(ApiError::InUse { path: String::new(), message, counts: Vec::new() });
    }
    let limited = agents_limited_to(save, doomed.get(&EntityKind::Client)).await?;
    counts.extend((limited > 0).then_some(("agent", limited)));
    if counts.is_empty() {
        return Ok(());
    }
    let list: Vec<String> =
        counts.iter().map(|(name, count)| format!("{count} {}", plural(name, *count))).collect();
    let message = format!("{what} {id} is in use: {} would lose it", list.join(", "));
    let counts = counts.into_iter().map(|(name, count)| (plural_key(name), count)).collect();
    Err(ApiError::InUse { path: String::new(), message, counts })
}

/// How many agents have one of these clients in their limits. An empty list is no limit, so that a
/// name must not fall out of one by itself.
async fn agents_limited_to(save: &mut Save<'_>, clients: Option<&Vec<i64>>) -> Result<i64> {
    let Some(clients) = clients else { return Ok(0) };
    let (tenant, entity) = (save.tenant(), EntityKind::Agent.entity());
    let ids = records::all_ids(&mut save.tx, tenant, entity).await?;
    let prepared = save.app.prepared(entity.kind, View::Full, Show::NONE);
    let agents = records::get_many(&mut save.tx, &prepared.select, tenant, &ids).await?;
    let names_one = |stored: &&Stored| {
        let record = Record::from_doc(entity.schema, &stored.doc);
        [agent::ALLOWED, agent::DENIED]
            .iter()
            .flat_map(|key| rights::client_ids(record.get(*key)))
            .any(|id| clients.contains(&id))
    };
    Ok(i64::try_from(agents.iter().filter(names_one).count()).unwrap_or(i64::MAX))
}

/// How many of these records the caller may see.
async fn in_sight(save: &mut Save<'_>, entity: &'static Entity, ids: Vec<i64>) -> Result<usize> {
    if !rights::is_limited(save.caller) {
        return Ok(ids.len());
    }
    let mut seen = 0;
    for id in ids {
        seen += usize::from(save.load(entity.kind, id).await?.is_some());
    }
    Ok(seen)
}

/// A table's name in a sentence.
fn plural(table: &str, count: i64) -> String {
    let name = table.replace("end_", "").replace('_', " ");
    match (count, name.as_str()) {
        (1, _) => name,
        (_, name) if name.ends_with('x') || name.ends_with("ss") || name.ends_with("us") => {
            format!("{name}es")
        }
        (_, name) if name.ends_with('y') => format!("{}ies", name.trim_end_matches('y')),
        (_, name) => format!("{name}s"),
    }
}

/// The name of a count in the error body.
fn plural_key(table: &'static str) -> &'static str {
    match table {
        "ticket" => "tickets",
        "client" => "clients",
        "site" => "sites",
        "end_user" => "users",
        "supplier" => "suppliers",
        "agent" => "agents",
        other => other,
    }
}

fn deleted_record(
    call: &Call,
    kind: EntityKind,
    stored: &Stored,
    warning: Option<String>,
) -> Vec<u8> {
    let prepared = call.app.prepared(kind, View::Full, Show::NONE);
    let mut out = Vec::with_capacity(4096);
    prepared.plan.open(&crate::api::list::row(stored, &[]), &mut Vec::new(), &mut out);
    if let Some(warning) = warning {
        out.extend_from_slice(b",\"_warning\":");
        out.extend_from_slice(aureole_catalogue::render::quote(&warning).as_bytes());
    }
    out.push(b'}');
    out
}

/// Deletes records of one kind; the history keeps their documents.
pub async fn remove(save: &mut Save<'_>, kind: EntityKind, ids: &[i64]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let (tenant, entity) = (save.tenant(), kind.entity());
    let prepared = save.app.prepared(kind, View::Full, Show::NONE);
    // The state before and the order of changes are those under the lock.
    records::lock(&mut save.tx, tenant, entity, ids).await?;
    let stored = records::get_many(&mut save.tx, &prepared.select, tenant, ids).await?;
    if stored.is_empty() {
        return Ok(());
    }
    if kind == EntityKind::Attachment {
        rules::attachments::deleted(save, &stored).await?;
    }
    let mut beside = beside::read(&mut save.tx, tenant, kind, ids).await?;
    let count = i64::try_from(stored.len()).unwrap_or(i64::MAX);
    let newest = stored.iter().map(|stored| stored.rev).max().unwrap_or(0);
    let first = save.reserve_changes(count, newest).await?;
    let mut rows = Vec::with_capacity(stored.len());
    for (stored, seq) in stored.into_iter().zip(first..) {
        let id = stored.id;
        let record = Record::from_doc(entity.schema, &stored.doc);
        let client_id =
            rights::owning_client(save.app, &mut save.tx, tenant, entity, id, &record).await?;
        rows.push(Change {
            seq,
            batch: save.batch,
            entity: entity.name,
            record_id: id,
            client_id,
            operation: Operation::Deleted,
            action: save.action,
            restores: save.restores,
            imported: false,
            quiet: save.quiet,
            before: Some(stored.into()),
            before_more: beside.remove(&id),
            fields: Vec::new(),
        });
    }
    changes::append(&mut save.tx, tenant, save.now, &save.author, rows).await?;
    save.known.removed();
    records::delete(&mut save.tx, tenant, entity, ids).await?;
    Ok(beside::delete(&mut save.tx, tenant, kind, ids).await?)
}
