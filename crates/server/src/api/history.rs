//! GET /History and POST /History/{change}/restore: what was changed, and undoing a deletion.

use aureole_catalogue::{ENTITIES, Entity, Key, Problems, Record};
use aureole_storage::changes::{self, Change, Entry, Operation};
use aureole_storage::records::{self, Write};
use serde_json::{Map, Value, json};

use crate::endpoints;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::rights;
use crate::save::Save;

/// Entries of one reply at most.
const MAX_ENTRIES: i64 = 1_000;

fn entity(name: &str) -> Option<&'static Entity> {
    ENTITIES.iter().find(|entity| entity.name.eq_ignore_ascii_case(name))
}

/// Who may read a kind of record may read its history.
fn check(call: &Call, entity: &'static Entity, write: bool) -> Result<()> {
    match endpoints::of_kind(entity.kind) {
        Some(endpoint) => rights::check(&call.caller, endpoint, write),
        None => rights::administrator(&call.caller),
    }
}

pub async fn list(call: &Call) -> Result<Reply> {
    let mut problems = Problems::default();
    let name = call.params.get("entity").unwrap_or("");
    let id = call.params.int("id", &mut problems);
    let count = call.params.int("count", &mut problems).unwrap_or(100).clamp(1, MAX_ENTRIES);
    call.check_params(&[&["entity", "id", "count"]], &mut problems);
    let Some(entity) = entity(name) else {
        let names: Vec<&str> = ENTITIES.iter().map(|entity| entity.name).collect();
        return Err(ApiError::invalid("entity", format!("must be one of: {}", names.join(", "))));
    };
    let Some(id) = id else { return Err(ApiError::invalid("id", "is required")) };
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    check(call, entity, false)?;
    let tenant = call.caller.tenant_id;
    let mut db = call.db.clone();
    let entries = changes::of_record(&mut db, tenant, entity.name, id, count).await?;
    let current = crate::api::history::current(call, entity, id).await?;
    let mut after = current;
    let mut replies = Vec::with_capacity(entries.len());
    for entry in entries {
        if entry.client_id > 0 && !rights::sees_client(&call.caller, entry.client_id) {
            continue;
        }
        replies.push(describe(entity, &entry, after.as_deref()));
        after = entry.before;
    }
    Ok(reply::value(200, &Value::Array(replies)))
}

/// The stored document of a record, when it exists.
async fn current(call: &Call, entity: &'static Entity, id: i64) -> Result<Option<String>> {
    use aureole_catalogue::Show;
    use aureole_catalogue::render::View;
    let prepared = call.app.prepared(entity.kind, View::Full, Show::NONE);
    let tenant = call.caller.tenant_id;
    let stored = records::get(&mut call.db.clone(), &prepared.select, tenant, id).await?;
    Ok(stored.map(|stored| stored.doc))
}

/// One entry, with the fields that it changed. Secrets are named, never shown.
fn describe(entity: &'static Entity, entry: &Entry, after: Option<&str>) -> Value {
    let read = |doc: Option<&str>| doc.map(|doc| Record::from_doc(entity.schema, doc));
    let (before, after) = (read(entry.before.as_deref()), read(after));
    let mut fields = Map::new();
    for (position, field) in entity.schema.fields.iter().enumerate() {
        let value = |record: &Option<Record>| {
            record
                .as_ref()
                .and_then(|record| record.get(Key(position)))
                .cloned()
                .unwrap_or(Value::Null)
        };
        let (old, new) = (value(&before), value(&after));
        if old == new {
            continue;
        }
        let shown = if field.mode == aureole_catalogue::Mode::Secret {
            json!("changed")
        } else {
            let mut shown = json!({ "before": old, "after": new });
            crate::vault::hide(&mut shown);
            shown
        };
        fields.insert(field.name.to_owned(), shown);
    }
    json!({
        "id": entry.seq,
        "entity": entry.entity,
        "record_id": entry.record_id,
        "client_id": entry.client_id,
        "operation": entry.operation,
        "datetime": aureole_catalogue::value::format_millis(entry.at),
        "application": entry.application,
        "agent_id": entry.agent_id,
        "user_id": entry.user_id,
        "request_id": entry.request_id,
        "imported": entry.imported,
        "fields": fields,
    })
}

/// Brings a deleted record back, with everything that went in the same request.
pub async fn restore(call: &Call, change: i64) -> Result<Reply> {
    let tenant = call.caller.tenant_id;
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, false, call.now).await?;
    let entry = changes::get(&mut save.tx, tenant, change).await?;
    let entry = entry
        .filter(|entry| entry.client_id == 0 || rights::sees_client(&call.caller, entry.client_id));
    let Some(entry) = entry else { return Err(ApiError::missing("change", change)) };
    let Some(kind) = entity(&entry.entity) else { return Err(ApiError::missing("change", change)) };
    check(call, kind, true)?;
    if entry.operation != Operation::Deleted.name() {
        return Err(ApiError::invalid(
            "id",
            format!("change {change} is no deletion; only deletions are undone here"),
        ));
    }
    let deletions: Vec<Entry> = changes::of_request(&mut save.tx, tenant, &entry.request_id)
        .await?
        .into_iter()
        .filter(|other| other.operation == Operation::Deleted.name() && other.at == entry.at)
        .collect();
    for deletion in &deletions {
        bring_back(&mut save, deletion).await?;
    }
    if !save.problems.is_empty() {
        return Err(save.failure(""));
    }
    let restored: Vec<Value> = deletions
        .iter()
        .map(|deletion| json!({ "entity": deletion.entity, "id": deletion.record_id }))
        .collect();
    save.tx.commit().await?;
    Ok(reply::value(200, &json!({ "restored": restored })))
}

/// Inserts one deleted record again, under its old id.
async fn bring_back(save: &mut Save<'_>, deletion: &Entry) -> Result<()> {
    let (tenant, now) = (save.tenant(), save.now);
    let (Some(entity), Some(doc)) = (entity(&deletion.entity), deletion.before.as_deref()) else {
        return Ok(());
    };
    let id = deletion.record_id;
    let path = format!("{} {id}", entity.singular);
    if save.load(entity.kind, id).await?.is_some() {
        save.problem(path, "exists already");
        return Ok(());
    }
    let record = Record::from_doc(entity.schema, doc);
    if entity.kind == aureole_catalogue::EntityKind::Client {
        let name =
            aureole_catalogue::value::fold(record.text(aureole_catalogue::keys::client::NAME));
        let others = records::ids_by_name(&mut save.tx, tenant, entity, &name, None).await?;
        if let Some(&other) = others.first() {
            save.duplicate(path, format!("has the name that client {other} has now"), other);
            return Ok(());
        }
    }
    let seq = save.tx.reserve_ids(tenant, changes::COUNTER, 1).await?;
    let write = Write { id, rev: seq, now, record: &record };
    records::insert(&mut save.tx, tenant, entity, &[write]).await?;
    let change = Change {
        seq,
        entity: entity.name,
        record_id: id,
        client_id: deletion.client_id,
        operation: Operation::Restored,
        imported: false,
        quiet: save.quiet,
        before: None,
    };
    changes::append(&mut save.tx, tenant, now, &save.author, vec![change]).await?;
    Ok(())
}
