//! Ids that point at other records, and names that stand for them.

use std::collections::BTreeMap;

use serde_json::Value;

use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Key, Mode, Source};
use aureole_storage::records;

use crate::error::Result;
use crate::rights;
use crate::save::{Draft, Save};

/// A name that is given without its id stands for the record of that name.
pub async fn names_to_ids(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let schema = draft.entity().schema;
    let given: Vec<(Key, String)> = draft
        .change
        .iter()
        .filter(|(key, _)| schema.fields[key.0].mode == Mode::Name)
        .filter_map(|(key, value)| Some((key, value.as_ref()?.as_str()?.trim().to_owned())))
        .filter(|(_, name)| !name.is_empty())
        .collect();
    for (key, name) in given {
        let Source::Name { path: [(id_name, kind)], column: "name" } = schema.fields[key.0].source
        else {
            continue;
        };
        let Some(id_key) = schema.find(id_name).map(Key) else { continue };
        if draft.change.has(id_key) || is_of_new_client(draft, *kind) {
            continue;
        }
        let within = scope(draft, *kind);
        let (tenant, entity) = (save.tenant(), kind.entity());
        let ids = records::ids_by_name(&mut save.tx, tenant, entity, &fold(&name), within).await?;
        let ids = visible(save, *kind, ids).await?;
        let field = draft.at(schema.fields[key.0].name);
        match ids.as_slice() {
            [id] => draft.change.set(id_key, Some(Value::from(*id))),
            // Forms of published clients let people type any contact.
            [] if *kind == EntityKind::User => {
                draft.warnings.push(format!("{field} was ignored: there is no user of that name"));
            }
            [] => save.problem(
                field,
                format!("names the {} {name:?}, which does not exist", entity.singular),
            ),
            _ => save.problem(
                field,
                format!(
                    "fits several: there is more than one {} {name:?}; give {id_name}",
                    entity.singular
                ),
            ),
        }
    }
    Ok(())
}

/// A client that is being made has no sites to be named yet.
fn is_of_new_client(draft: &Draft, kind: EntityKind) -> bool {
    draft.kind == EntityKind::Client && kind == EntityKind::Site && draft.is_new
}

/// Sites and users are looked for within the client that the record belongs to.
fn scope(draft: &Draft, kind: EntityKind) -> Option<(&'static str, i64)> {
    if !matches!(kind, EntityKind::Site | EntityKind::User) {
        return None;
    }
    if draft.kind == EntityKind::Client {
        return Some(("client_id", draft.id));
    }
    let key = Key(draft.entity().schema.find("client_id")?);
    let stored = draft.before.as_ref().map_or(0, |before| before.int(key));
    let client = if draft.change.has(key) { draft.change.int(key) } else { stored };
    (client > 0).then_some(("client_id", client))
}

/// Those of the ids that exist and that the caller may see.
async fn visible(save: &mut Save<'_>, kind: EntityKind, ids: Vec<i64>) -> Result<Vec<i64>> {
    if !rights::is_limited(save.caller) || ids.is_empty() {
        return Ok(ids);
    }
    let mut seen = Vec::with_capacity(ids.len());
    for id in ids {
        if save.load(kind, id).await?.is_some() {
            seen.push(id);
        }
    }
    Ok(seen)
}

/// Every id in the body that is positive and new must point at a record that the caller can see.
/// The `fixed` ones were not chosen by the request.
pub async fn check(save: &mut Save<'_>, draft: &Draft, fixed: &[(Key, i64)]) -> Result<()> {
    let schema = draft.entity().schema;
    let mut wanted: BTreeMap<EntityKind, Vec<(Key, i64)>> = BTreeMap::new();
    for (key, _) in draft.change.iter() {
        let Some(kind) = schema.fields[key.0].reference else { continue };
        let id = draft.record.int(key);
        let stored = draft.before.as_ref().map_or(0, |before| before.int(key));
        let is_known = || save.known.exists(kind, id);
        if id > 0 && id != stored && !fixed.contains(&(key, id)) && !is_known() {
            wanted.entry(kind).or_default().push((key, id));
        }
    }
    for (kind, pointers) in wanted {
        let ids: Vec<i64> = pointers.iter().map(|(_, id)| *id).collect();
        let tenant = save.tenant();
        let found = records::ids_where(&mut save.tx, tenant, kind.entity(), "id", &ids).await?;
        let found = visible(save, kind, found).await?;
        let merged = match kind {
            EntityKind::Client if !save.is_restoring() => {
                records::merged_of(&mut save.tx, tenant, &found).await?
            }
            _ => Vec::new(),
        };
        for (key, id) in pointers {
            let path = draft.at(schema.fields[key.0].name);
            if !found.contains(&id) {
                let what = kind.entity().singular;
                save.problem(path, format!("points at {what} {id}, which does not exist"));
            } else if merged.contains(&id) {
                let where_to = merged_where(save, id).await?;
                save.problem(
                    path,
                    format!("points at client {id}, which was merged into {where_to}"),
                );
            }
        }
    }
    Ok(())
}

/// What a message calls the client that took the place of a merged one.
pub async fn merged_where(save: &mut Save<'_>, id: i64) -> Result<String> {
    let tenant = save.tenant();
    let into = records::merged_into(&mut save.tx, tenant, id).await?;
    let shown = save.shown_client(into);
    Ok(shown.map_or("another client".to_owned(), |id| format!("client {id}")))
}
