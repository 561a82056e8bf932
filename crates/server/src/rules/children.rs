//! Collections whose elements are records of their own, written through their parent: popups,
//! recurring items, tenant links, stock bins, site contacts, permitted ticket types.

use aureole_catalogue::keys::{area_request_type, client, ticket_type};
use aureole_catalogue::{EntityKind, Key};
use aureole_storage::records;
use serde_json::{Map, Value, json};

use crate::api::delete::remove;
use crate::error::Result;
use crate::rules::extras::collections;
use crate::save::{self, Draft, Preset, Save};

/// Writes the collections that the body has. Each is the whole new list: a known id updates that
/// record, no id creates one, and what is missing is removed, unless the request asks to merge.
pub async fn after(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    for (kind, column, key) in collections(draft.kind) {
        let Some(Value::Array(elements)) = draft.change.value(*key).cloned() else { continue };
        nested(save, draft, *kind, column, *key, &elements).await?;
    }
    match draft.kind {
        EntityKind::Client => permitted_types(save, draft).await,
        EntityKind::TicketType => permitted_clients(save, draft).await,
        _ => Ok(()),
    }
}

async fn nested(
    save: &mut Save<'_>,
    draft: &mut Draft,
    kind: EntityKind,
    column: &str,
    key: Key,
    elements: &[Value],
) -> Result<()> {
    let (tenant, entity) = (save.tenant(), kind.entity());
    let existing = records::ids_where(&mut save.tx, tenant, entity, column, &[draft.id]).await?;
    let name = draft.entity().schema.fields[key.0].name;
    let parent = Key(entity.schema.find(column).unwrap_or(0));
    let fixed = [(parent, draft.id)];
    let mut kept = Vec::new();
    for (at, element) in elements.iter().enumerate() {
        let Value::Object(body) = element else { continue };
        let path = draft.at(&format!("{name}[{at}]"));
        let id = body.get("id").and_then(Value::as_i64).unwrap_or(0);
        if id > 0 && !existing.contains(&id) {
            let (child, owner) = (entity.singular, draft.entity().singular);
            save.problem(format!("{path}.id"), format!("is no {child} of this {owner}"));
            continue;
        }
        let preset = Preset { id: None, fixed: &fixed };
        if let Some(saved) = Box::pin(save::record(save, kind, body, &path, preset)).await? {
            kept.push(saved.id);
            let note = |warning: String| format!("{name}[{at}]: {warning}");
            draft.warnings.extend(saved.warnings.into_iter().map(note));
        }
    }
    let gone: Vec<i64> = existing.into_iter().filter(|id| !kept.contains(id)).collect();
    if !save.merge && !gone.is_empty() && save.problems.is_empty() {
        remove(save, kind, &gone).await?;
    }
    Ok(())
}

/// `allowed_tickettypes` of a client: ticket types by `id`.
async fn permitted_types(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let Some(Value::Array(elements)) = draft.change.value(client::ALLOWED_TICKETTYPES).cloned()
    else {
        return Ok(());
    };
    let wanted =
        pointed(save, draft, "allowed_tickettypes", &elements, "id", EntityKind::TicketType)
            .await?;
    let gone =
        pairs(save, draft, area_request_type::CLIENT_ID, area_request_type::REQUEST_TYPE, &wanted)
            .await?;
    if !gone.is_empty() {
        let id = draft.id;
        draft.warnings.extend(no_type_left(save, id).await?);
    }
    Ok(())
}

/// `allowed_clients` of a ticket type: clients by `client_id`. The rows are the same.
async fn permitted_clients(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let Some(Value::Array(elements)) = draft.change.value(ticket_type::ALLOWED_CLIENTS).cloned()
    else {
        return Ok(());
    };
    let wanted =
        pointed(save, draft, "allowed_clients", &elements, "client_id", EntityKind::Client).await?;
    let gone =
        pairs(save, draft, area_request_type::REQUEST_TYPE, area_request_type::CLIENT_ID, &wanted)
            .await?;
    for client_id in gone {
        draft.warnings.extend(no_type_left(save, client_id).await?);
    }
    Ok(())
}

/// The warning for a client whose last permitted ticket type went.
pub async fn no_type_left(save: &mut Save<'_>, client_id: i64) -> Result<Option<String>> {
    let (tenant, entity) = (save.tenant(), EntityKind::AreaRequestType.entity());
    let left = records::ids_where(&mut save.tx, tenant, entity, "client_id", &[client_id]).await?;
    let text = || format!("client {client_id} has no permitted ticket type of its own any more");
    Ok(left.is_empty().then(text))
}

/// The records that the elements point at; each must exist.
async fn pointed(
    save: &mut Save<'_>,
    draft: &Draft,
    name: &str,
    elements: &[Value],
    member: &str,
    kind: EntityKind,
) -> Result<Vec<i64>> {
    let id = |element: &Value| element.get(member).and_then(Value::as_i64).unwrap_or(0);
    let ids: Vec<i64> = elements.iter().map(id).collect();
    let (tenant, entity) = (save.tenant(), kind.entity());
    let found = records::ids_where(&mut save.tx, tenant, entity, "id", &ids).await?;
    for (at, id) in ids.iter().enumerate().filter(|(_, id)| !found.contains(id)) {
        let path = draft.at(&format!("{name}[{at}]"));
        save.problem(path, format!("points at {} {id}, which does not exist", entity.singular));
    }
    Ok(found)
}

/// Makes the pairs of this record those with `wanted`. Returns the other records of the pairs that
/// went.
async fn pairs(
    save: &mut Save<'_>,
    draft: &Draft,
    own: Key,
    other: Key,
    wanted: &[i64],
) -> Result<Vec<i64>> {
    let kind = EntityKind::AreaRequestType;
    let entity = kind.entity();
    let (own_name, other_name) =
        (entity.schema.fields[own.0].name, entity.schema.fields[other.0].name);
    let tenant = save.tenant();
    let existing = records::ids_where(&mut save.tx, tenant, entity, own_name, &[draft.id]).await?;
    let (mut gone, mut others) = (Vec::new(), Vec::new());
    let mut present = Vec::new();
    for id in existing {
        let Some((_, pair)) = save.load(kind, id).await? else { continue };
        if wanted.contains(&pair.int(other)) || save.merge {
            present.push(pair.int(other));
        } else {
            gone.push(id);
            others.push(pair.int(other));
        }
    }
    for target in wanted.iter().filter(|target| !present.contains(target)) {
        let mut body = Map::new();
        body.insert(own_name.to_owned(), json!(draft.id));
        body.insert(other_name.to_owned(), json!(target));
        Box::pin(save::record(save, kind, &body, &draft.path, Preset::default())).await?;
    }
    if gone.is_empty() || !save.problems.is_empty() {
        return Ok(Vec::new());
    }
    remove(save, kind, &gone).await?;
    Ok(others)
}
