//! Secrets on their way into a record: taken out of the request before any rule sees them, sealed
//! when the record's id is known.

use aureole_catalogue::{Change, Entity, EntityKind, Key, Mode, Record};
use serde_json::Value;

use crate::save::{Draft, Save};
use crate::vault::{self, Place, Vault};

/// A secret that a request sets.
pub struct Secret {
    pub slot: Slot,
    /// The plain text; JSON text for a custom field's value.
    pub text: String,
}

/// Where in a record a secret is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A field of its own.
    Field(Key),
    /// The value of an encrypted custom field: the list, and the definition's id.
    Custom(Key, i64),
}

/// The list whose values are sealed when their definition says so.
const CUSTOM_LIST: &str = "customfields";

/// True for a field that is kept sealed. An end user's password is no such secret: it is hashed.
fn is_sealed(entity: &Entity, key: Key) -> bool {
    let field = &entity.schema.fields[key.0];
    field.mode == Mode::Secret && !(entity.kind == EntityKind::User && field.name == "password")
}

/// Takes the secrets out of a change. Null and the empty text stay in it: they clear.
pub fn take(save: &mut Save<'_>, entity: &Entity, change: &mut Change, path: &str) -> Vec<Secret> {
    let keys: Vec<Key> = change
        .iter()
        .filter(|(key, value)| {
            is_sealed(entity, *key)
                && value.as_ref().and_then(Value::as_str).is_some_and(|text| !text.is_empty())
        })
        .map(|(key, _)| key)
        .collect();
    let mut secrets = Vec::with_capacity(keys.len());
    for key in keys {
        let text = change.text(key).to_owned();
        change.take(key);
        if save.app.vault.has_key() {
            secrets.push(Secret { slot: Slot::Field(key), text });
        } else {
            let name = entity.schema.fields[key.0].name;
            save.problem(aureole_catalogue::accept::join(path, name), vault::NO_KEY);
        }
    }
    secrets
}

/// Seals what [`take`] found, now that the record has its id. A secret that is stored already
/// stays as it is, so that repeating a request changes nothing.
pub fn seal(save: &mut Save<'_>, draft: &mut Draft) {
    let (vault, tenant, entity) = (&save.app.vault, save.caller.tenant_id, draft.entity());
    for secret in std::mem::take(&mut draft.secrets) {
        let place = place(entity, tenant, draft.id, secret.slot);
        let old = draft.before.as_ref().and_then(|before| envelope(before, secret.slot));
        let envelope = match old {
            Some(old) if vault.open(&place, old).is_ok_and(|old| old == secret.text) => {
                old.to_owned()
            }
            // A state from the history is written back sealed.
            _ if vault.open(&place, &secret.text).is_ok() => secret.text,
            _ => match vault.seal(&place, &secret.text) {
                Some(envelope) => envelope,
                // Without a key nothing was taken.
                None => continue,
            },
        };
        put(&mut draft.record, secret.slot, envelope);
    }
}

fn place(entity: &Entity, tenant: i64, id: i64, slot: Slot) -> Place {
    match slot {
        Slot::Field(key) => Place::new(tenant, entity.name, id, entity.schema.fields[key.0].name),
        Slot::Custom(_, definition) => {
            Place::new(tenant, entity.name, id, &format!("{CUSTOM_LIST}.{definition}"))
        }
    }
}

fn envelope(record: &Record, slot: Slot) -> Option<&str> {
    match slot {
        Slot::Field(key) => Some(record.text(key)),
        Slot::Custom(key, definition) => {
            let list = record.get(key)?.as_array()?;
            let element = list.iter().find(|element| is_of(element, definition))?;
            element.get("value")?.as_str()
        }
    }
}

fn put(record: &mut Record, slot: Slot, envelope: String) {
    match slot {
        Slot::Field(key) => record.set(key, envelope),
        Slot::Custom(key, definition) => {
            let mut list = record.get(key).cloned().unwrap_or_default();
            if let Value::Array(items) = &mut list
                && let Some(element) = items.iter_mut().find(|element| is_of(element, definition))
            {
                element["value"] = Value::String(envelope);
            }
            record.set(key, list);
        }
    }
}

fn is_of(element: &Value, definition: i64) -> bool {
    element.get("id").and_then(Value::as_i64) == Some(definition)
}

/// Goes through the sealed values of a record and replaces each with what `change` makes of it.
pub fn each(
    entity: &'static Entity,
    tenant: i64,
    id: i64,
    record: &mut Record,
    change: &mut dyn FnMut(&Place, &str) -> Option<String>,
) {
    for at in 0..entity.schema.fields.len() {
        let key = Key(at);
        let slots: Vec<Slot> = if is_sealed(entity, key) {
            vec![Slot::Field(key)]
        } else if entity.schema.fields[at].name == CUSTOM_LIST {
            let list = record.get(key).and_then(Value::as_array).map(Vec::as_slice);
            let ids = list.unwrap_or_default().iter().filter_map(|element| element["id"].as_i64());
            ids.map(|id| Slot::Custom(key, id)).collect()
        } else {
            continue;
        };
        for slot in slots {
            let Some(old) = envelope(record, slot).filter(|text| vault::is_envelope(text)) else {
                continue;
            };
            if let Some(new) = change(&place(entity, tenant, id, slot), old) {
                put(record, slot, new);
            }
        }
    }
}

/// A field's value as it has to be in another record of the same kind: what is sealed in it is
/// bound to its record. `None` when a secret in it can't be opened.
pub fn moved(
    vault: &Vault,
    entity: &'static Entity,
    tenant: i64,
    (from, into): (i64, i64),
    (key, value): (Key, &Value),
) -> Option<Value> {
    let mut record = Record::new(entity.schema);
    record.set(key, value.clone());
    let mut envelopes = Vec::new();
    each(entity, tenant, from, &mut record, &mut |place, old| {
        envelopes.push(vault.open(place, old));
        None
    });
    let mut secrets = envelopes.into_iter().collect::<std::result::Result<Vec<_>, _>>().ok()?;
    secrets.reverse();
    each(entity, tenant, into, &mut record, &mut |place, _| {
        secrets.pop().and_then(|secret| vault.seal(place, &secret))
    });
    record.get(key).cloned()
}
