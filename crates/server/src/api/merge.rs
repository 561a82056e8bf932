//! `_merge_client_into`: everything of one client moves to another, which takes its place.

use aureole_catalogue::keys::{area_request_type, client, site};
use aureole_catalogue::record::is_stored;
use aureole_catalogue::{ENTITIES, EntityKind, Key, Record};
use aureole_storage::changes::Action;
use aureole_storage::{beside, records};
use serde_json::{Map, Value, json};

use crate::api::delete::remove;
use crate::api::get::rendered;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::save::{Manner, Save, secrets};

/// Fields of the surviving client that the other one never fills.
const OWN_FIELDS: &[&str] = &[
    "id",
    "name",
    "datecreated",
    "main_site_id",
    "inactive",
    "toplevel_id",
    "client_to_invoice",
    "client_to_invoice_recurring",
    "allowall_tickettypes",
    "api_access_clientid",
];

/// What a merge did, or would do.
struct Outcome {
    moved: Map<String, Value>,
    filled: Vec<&'static str>,
}

/// Merges client `from` into client `into`.
pub async fn post(call: &Call, path: &str, from: i64, into: i64, dry_run: bool) -> Result<Reply> {
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, false, call.now).await?;
    let tenant = save.tenant();
    let entity = EntityKind::Client.entity();
    records::lock(&mut save.tx, tenant, entity, &[from.min(into), from.max(into)]).await?;
    let field = aureole_catalogue::accept::join(path, "_merge_client_into");
    let Some((_, gone)) = save.load(EntityKind::Client, from).await? else {
        return Err(ApiError::missing("client", from));
    };
    if from == into {
        return Err(ApiError::invalid(field, "must be another client"));
    }
    let Some((_, kept)) = save.load(EntityKind::Client, into).await? else {
        return Err(ApiError::invalid(
            field,
            format!("points at client {into}, which does not exist"),
        ));
    };
    for id in [from, into] {
        let merged = records::merged_into(&mut save.tx, tenant, id).await?;
        if merged > 0 {
            return Err(ApiError::invalid(
                field,
                format!("names client {id}, which was merged into {merged}"),
            ));
        }
    }
    if save.settings.internal_client_id == from {
        return Err(ApiError::invalid(
            field,
            format!("can't be: client {from} is the firm itself"),
        ));
    }
    let outcome = merge(&mut save, from, into, gone, &kept).await?;
    if dry_run {
        save.tx.rollback().await?;
        return Ok(reply::value(200, &json!({ "moved": outcome.moved, "filled": outcome.filled })));
    }
    let mut body = rendered(&call.app, &mut save.tx, &call.caller, EntityKind::Client, into)
        .await?
        .ok_or_else(|| ApiError::missing("client", into))?;
    let change = save.newest_of(EntityKind::Client, from).await?;
    save.tx.commit().await?;
    body["_warning"] = json!(format!("client {from} was merged into {into}"));
    body["moved"] = Value::Object(outcome.moved);
    body["filled"] = json!(outcome.filled);
    let mut reply = reply::value(200, &body);
    reply::set_change(&mut reply, change);
    Ok(reply)
}

async fn merge(
    save: &mut Save<'_>,
    from: i64,
    into: i64,
    gone: Record,
    kept: &Record,
) -> Result<Outcome> {
    let mut moved = Map::new();
    save.action = Action::Merge;
    permissions(save, from, into).await?;
    for entity in ENTITIES {
        for (position, field) in entity.schema.fields.iter().enumerate() {
            let key = Key(position);
            if field.reference != Some(EntityKind::Client) || entity.kind == EntityKind::Client {
                continue;
            }
            let tenant = save.tenant();
            let ids = records::ids_where(&mut save.tx, tenant, entity, field.name, &[from]).await?;
            for id in &ids {
                save.amend(entity.kind, *id, |record| {
                    record.set(key, into);
                    if entity.kind == EntityKind::Site {
                        record.clear(site::IS_MAIN);
                    }
                })
                .await?;
            }
            if !ids.is_empty() && field.name == "client_id" {
                moved.insert(plural(entity.kind).to_owned(), json!(ids.len()));
            }
        }
    }
    bill_payers(save, from, into).await?;
    let filled = fill(save, (from, into), &gone, kept).await?;
    let (tenant, kind) = (save.tenant(), EntityKind::Client);
    let before_more = beside::read(&mut save.tx, tenant, kind, &[from]).await?.remove(&from);
    let manner = Manner { before_more, ..Manner::default() };
    save.amend_with(kind, from, manner, |record| {
        record.set(client::INACTIVE, true);
        record.clear(client::MAIN_SITE_ID);
    })
    .await?;
    records::set_merged(&mut save.tx, tenant, from, into).await?;
    Ok(Outcome { moved, filled })
}

/// What the other client may log already is not permitted twice.
async fn permissions(save: &mut Save<'_>, from: i64, into: i64) -> Result<()> {
    let kind = EntityKind::AreaRequestType;
    let tenant = save.tenant();
    let mut present = Vec::new();
    for id in records::ids_where(&mut save.tx, tenant, kind.entity(), "client_id", &[into]).await? {
        let pair = save.load(kind, id).await?;
        present.extend(pair.map(|(_, pair)| pair.int(area_request_type::REQUEST_TYPE)));
    }
    let mut doubled = Vec::new();
    for id in records::ids_where(&mut save.tx, tenant, kind.entity(), "client_id", &[from]).await? {
        if let Some((_, pair)) = save.load(kind, id).await?
            && present.contains(&pair.int(area_request_type::REQUEST_TYPE))
        {
            doubled.push(id);
        }
    }
    remove(save, kind, &doubled).await
}

/// Whoever's bills went to the merged client now has the other one pay, or pays itself.
async fn bill_payers(save: &mut Save<'_>, from: i64, into: i64) -> Result<()> {
    let entity = EntityKind::Client.entity();
    for key in [client::CLIENT_TO_INVOICE, client::CLIENT_TO_INVOICE_RECURRING] {
        let tenant = save.tenant();
        let column = entity.schema.fields[key.0].name;
        for id in records::ids_where(&mut save.tx, tenant, entity, column, &[from]).await? {
            save.amend(EntityKind::Client, id, |record| {
                if id == into { record.clear(key) } else { record.set(key, into) }
            })
            .await?;
        }
    }
    Ok(())
}

/// Fills the blanks of the surviving client from the other one.
async fn fill(
    save: &mut Save<'_>,
    (from, into): (i64, i64),
    gone: &Record,
    kept: &Record,
) -> Result<Vec<&'static str>> {
    let schema = EntityKind::Client.entity().schema;
    let (vault, tenant) = (&save.app.vault, save.caller.tenant_id);
    let entity = EntityKind::Client.entity();
    let mut blanks: Vec<(Key, Value)> = gone
        .iter()
        .filter(|(key, _)| {
            let field = &schema.fields[key.0];
            is_stored(field) && !OWN_FIELDS.contains(&field.name) && !kept.is_set(*key)
        })
        .filter_map(|(key, value)| {
            let value = secrets::moved(vault, entity, tenant, (from, into), (key, value))?;
            Some((key, value))
        })
        .collect();
    for family in crate::rules::custom_fields::families(EntityKind::Client) {
        let Some(key) = schema.find(family.list).map(Key) else { continue };
        let Some(missing) = missing_values(gone, kept, key) else { continue };
        let value = (key, &Value::Array(missing));
        let moved = secrets::moved(vault, entity, tenant, (from, into), value);
        if let Some(Value::Array(moved)) = moved {
            let own = kept.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
            blanks.push((key, Value::Array(own.into_iter().chain(moved).collect())));
        }
    }
    let names = blanks.iter().map(|(key, _)| schema.fields[key.0].name).collect();
    save.amend(EntityKind::Client, into, |record| {
        for (key, value) in blanks {
            record.set(key, value);
        }
    })
    .await?;
    Ok(names)
}

/// The values of defined fields that the one record has and the other, which has some, lacks.
fn missing_values(gone: &Record, kept: &Record, key: Key) -> Option<Vec<Value>> {
    let own = kept.get(key).and_then(Value::as_array).filter(|own| !own.is_empty())?;
    let lacks = |value: &&Value| !own.iter().any(|other| other.get("id") == value.get("id"));
    let missing: Vec<Value> =
        gone.get(key).and_then(Value::as_array)?.iter().filter(lacks).cloned().collect();
    (!missing.is_empty()).then_some(missing)
}

/// What the count of moved records is called.
fn plural(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Site => "sites",
        EntityKind::User => "users",
        EntityKind::CrmNote => "notes",
        EntityKind::PopupNote => "popup_notes",
        EntityKind::RecurringItem => "areaitems",
        EntityKind::AzureTenant => "azure_tenants",
        EntityKind::PrepayLot => "prepay",
        EntityKind::Ticket => "tickets",
        EntityKind::AreaRequestType => "allowed_tickettypes",
        other => other.entity().table,
    }
}
