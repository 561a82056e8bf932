//! What has to hold for records that were put back.

use std::collections::{BTreeMap, BTreeSet};

use aureole_catalogue::keys::{client, site};
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Key, Record};
use aureole_storage::{beside, records};
use serde_json::Value;

use super::written;
use crate::error::Result;
use crate::rules::{self, custom_fields};
use crate::save::{Draft, Save};

/// The checks of a whole undoing: every client that it touched has its one main site.
pub async fn all(save: &mut Save<'_>) -> Result<()> {
    let mut clients = BTreeSet::new();
    for entry in written(save).await? {
        if entry.entity == EntityKind::Client.entity().name {
            clients.insert(entry.record_id);
        } else if entry.entity == EntityKind::Site.entity().name {
            clients.insert(entry.client_id);
            if let Some(before) = &entry.before {
                let before = Record::from_doc(EntityKind::Site.entity().schema, &before.doc);
                clients.insert(before.int(site::CLIENT_ID));
            }
        }
    }
    for id in clients.into_iter().filter(|id| *id > 0) {
        rules::site::check_main(save, id).await?;
    }
    Ok(())
}

/// A client's name is unique as long as the client was not merged away. The database would refuse
/// another one too, but could not say whose the name is.
pub async fn name_is_free(
    save: &mut Save<'_>,
    kind: EntityKind,
    id: i64,
    record: &Record,
    more: Option<&str>,
    path: &str,
) -> Result<()> {
    if kind != EntityKind::Client || more.is_some_and(|more| beside::merged_into(more) > 0) {
        return Ok(());
    }
    let name = fold(record.text(client::NAME));
    let tenant = save.tenant();
    let others = records::ids_by_name(&mut save.tx, tenant, kind.entity(), &name, None).await?;
    if let Some(other) = others.into_iter().find(|other| *other != id) {
        save.duplicate(path, format!("has the name that client {other} has now"), other);
    }
    Ok(())
}

/// Every record that these point at must be there, and within what the caller sees.
pub async fn references<'r>(
    save: &mut Save<'_>,
    records: impl Iterator<Item = (String, &'r Record)>,
) -> Result<()> {
    let mut wanted: BTreeMap<EntityKind, BTreeMap<i64, Vec<String>>> = BTreeMap::new();
    for (path, record) in records {
        for (position, field) in record.schema.fields.iter().enumerate() {
            let (Some(kind), id) = (field.reference, record.int(Key(position))) else { continue };
            if id > 0 {
                let place = format!("{path}.{}", field.name);
                wanted.entry(kind).or_default().entry(id).or_default().push(place);
            }
        }
    }
    let tenant = save.tenant();
    for (kind, by_id) in wanted {
        let ids: Vec<i64> = by_id.keys().copied().collect();
        let found = records::ids_where(&mut save.tx, tenant, kind.entity(), "id", &ids).await?;
        let mut seen = Vec::with_capacity(found.len());
        for id in found {
            let limited = crate::rights::is_limited(save.caller);
            if !limited || save.load(kind, id).await?.is_some() {
                seen.push(id);
            }
        }
        for (id, places) in by_id.into_iter().filter(|(id, _)| !seen.contains(id)) {
            for place in places {
                let what = kind.entity().singular;
                save.problem(place, format!("points at {what} {id}, which does not exist"));
            }
        }
    }
    Ok(())
}

/// The definitions of a record's defined fields must be there. Their values are put back as they
/// were: they are no part of what the rules go through again.
pub async fn defined_fields(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    for family in custom_fields::families(draft.kind) {
        let Some(key) = draft.entity().schema.find(family.list).map(Key) else { continue };
        if draft.change.take(key).is_none() {
            continue;
        }
        let (tenant, app) = (save.tenant(), save.app);
        let known = custom_fields::load(&mut save.tx, app, tenant, *family).await?;
        let values = draft.record.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        for id in values.iter().filter_map(|value| value.get("id").and_then(Value::as_i64)) {
            if !known.iter().any(|definition| definition.id == id) {
                let what = family.definitions.entity().singular;
                save.problem(
                    draft.at(family.list),
                    format!("has a value for {what} {id}, which does not exist"),
                );
            }
        }
    }
    Ok(())
}
