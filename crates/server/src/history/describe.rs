//! A change as a reply tells it: who, when, and every changed field before and after.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use aureole_catalogue::render::View;
use aureole_catalogue::value::format_millis;
use aureole_catalogue::{Entity, EntityKind, Key, Kind, Mode, Record, Schema, Show};
use aureole_storage::changes::{self, Operation};
use aureole_storage::{Read, beside, records};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::feed::sight;
use crate::history::kind_stored;
use crate::rules::custom_fields;
use crate::{rights, vault};

/// What stands for a secret that was changed.
const CHANGED: &str = "changed";

/// The changes as a reply shows them, in the order given. Kinds that the catalogue no longer has
/// are left out.
pub async fn describe(
    app: &App,
    reader: &mut impl Read,
    caller: &Caller,
    entries: Vec<changes::Entry>,
) -> Result<Vec<Value>> {
    let tenant = caller.tenant_id;
    let after = documents_after(app, reader, tenant, &entries).await?;
    let mut teller = Teller { names: HashMap::new(), open_fields: HashMap::new() };
    let mut told = Vec::with_capacity(entries.len());
    for (entry, after) in entries.iter().zip(after) {
        let Some(entity) = kind_stored(&entry.entity) else { continue };
        teller.learn(app, reader, caller, entity, entry).await?;
        let before = entry.before.as_ref().map(|before| before.doc.as_str());
        let mut states = [before, after.as_deref()]
            .map(|doc| doc.map(|doc| Record::from_doc(entity.schema, doc)));
        for state in &mut states {
            if let Some(record) = state {
                // A record that was another client's came from nowhere for who can't see that one.
                if !sight::was_seen(reader, caller, entity, entry.record_id, record).await? {
                    *state = None;
                } else {
                    rights::hide_clients(caller, entity.kind, record);
                }
            }
        }
        let [before, after] = &states;
        told.push(teller.tell(entity, entry, before.as_ref(), after.as_ref()));
    }
    Ok(told)
}

/// The document after each change; `None` after a deletion.
async fn documents_after(
    app: &App,
    reader: &mut impl Read,
    tenant: i64,
    entries: &[changes::Entry],
) -> Result<Vec<Option<String>>> {
    let mut current: BTreeMap<EntityKind, Vec<i64>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.next.is_none()) {
        if let Some(entity) = kind_stored(&entry.entity) {
            current.entry(entity.kind).or_default().push(entry.record_id);
        }
    }
    let mut documents: HashMap<(&'static str, i64), (i64, String)> = HashMap::new();
    for (kind, ids) in current {
        let prepared = app.prepared(kind, View::Full, Show::NONE);
        for stored in records::get_many(reader, &prepared.select, tenant, &ids).await? {
            documents.insert((kind.entity().name, stored.id), (stored.rev, stored.doc));
        }
    }
    let mut after = Vec::with_capacity(entries.len());
    for entry in entries {
        if entry.operation == Operation::Deleted.name() {
            after.push(None);
            continue;
        }
        if let Some((_, before_next)) = &entry.next {
            after.push(before_next.clone());
            continue;
        }
        let name = kind_stored(&entry.entity).map_or("", |entity| entity.name);
        match documents.remove(&(name, entry.record_id)) {
            Some((rev, doc)) if rev == entry.seq => after.push(Some(doc)),
            // It was changed between the two reads, so that there is a next change now.
            _ => {
                let again = changes::get(reader, tenant, entry.seq).await?;
                after.push(again.and_then(|again| again.next).and_then(|(_, before)| before));
            }
        }
    }
    Ok(after)
}

/// What is looked up once for all changes of a reply.
struct Teller {
    names: HashMap<(EntityKind, i64), String>,
    /// The definitions whose values may be shown, by the kind of record and its list.
    open_fields: HashMap<(EntityKind, &'static str), HashSet<i64>>,
}

impl Teller {
    async fn learn(
        &mut self,
        app: &App,
        reader: &mut impl Read,
        caller: &Caller,
        entity: &'static Entity,
        entry: &changes::Entry,
    ) -> Result<()> {
        let tenant = caller.tenant_id;
        for (kind, id) in [(EntityKind::Agent, entry.agent_id), (EntityKind::User, entry.user_id)] {
            if id > 0
                && let Entry::Vacant(vacant) = self.names.entry((kind, id))
            {
                vacant.insert(name_of(app, reader, caller, kind, id).await?);
            }
        }
        for family in custom_fields::families(entity.kind) {
            let place = (entity.kind, family.list);
            if let Entry::Vacant(vacant) = self.open_fields.entry(place) {
                let definitions = custom_fields::load(reader, app, tenant, *family).await?;
                let open = definitions.iter().filter(|definition| !definition.encrypted);
                vacant.insert(open.map(|definition| definition.id).collect());
            }
        }
        Ok(())
    }

    fn name(&self, kind: EntityKind, id: i64) -> &str {
        self.names.get(&(kind, id)).map_or("", String::as_str)
    }

    fn tell(
        &self,
        entity: &'static Entity,
        entry: &changes::Entry,
        before: Option<&Record>,
        after: Option<&Record>,
    ) -> Value {
        json!({
            "id": entry.seq,
            "entity": entry.entity,
            "record_id": entry.record_id,
            "record_name": title(entity, after.or(before)),
            "client_id": entry.client_id,
            "operation": entry.operation,
            "action": entry.action,
            "restores": entry.restores,
            "datetime": format_millis(entry.at),
            "application": entry.application,
            "agent_id": entry.agent_id,
            "agent_name": self.name(EntityKind::Agent, entry.agent_id),
            "user_id": entry.user_id,
            "user_name": self.name(EntityKind::User, entry.user_id),
            "request_id": entry.request_id,
            "imported": entry.imported,
            "batch": entry.batch,
            "fields": self.fields(entity, entry, before, after),
        })
    }

    /// Every changed field with its value before and after. Secrets are named, never shown.
    fn fields(
        &self,
        entity: &'static Entity,
        entry: &changes::Entry,
        before: Option<&Record>,
        after: Option<&Record>,
    ) -> Map<String, Value> {
        let mut fields = Map::new();
        for key in Record::differing(before, after) {
            let field = &entity.schema.fields[key.0];
            // A secret that was only encrypted again looks different.
            let noted =
                entry.fields.is_empty() || entry.fields.contains(&format!(",{},", field.name));
            if field.mode == Mode::Secret && !noted {
                continue;
            }
            let value = |record: Option<&Record>| {
                record.and_then(|record| record.get(key)).cloned().unwrap_or(Value::Null)
            };
            let open = self.open_fields.get(&(entity.kind, field.name));
            let mut shown = match (field.mode, open) {
                (Mode::Secret, _) => json!(CHANGED),
                (_, Some(open)) => defined(&value(before), &value(after), open),
                _ => json!({
                    "before": masked(field.kind, value(before)),
                    "after": masked(field.kind, value(after)),
                }),
            };
            vault::hide(&mut shown);
            fields.insert(field.name.to_owned(), shown);
        }
        let had_password = || entry.before_more.as_deref().is_some_and(beside::has_password);
        let deleted = entry.operation == Operation::Deleted.name();
        if entry.fields.contains(",password,") || deleted && had_password() {
            fields.insert("password".to_owned(), json!(CHANGED));
        }
        fields
    }
}

/// The elements of a list of defined fields that differ; a value that may not be shown is `changed`.
fn defined(before: &Value, after: &Value, open: &HashSet<i64>) -> Value {
    let items = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let (before, after) = (items(before), items(after));
    let differing = |own: &[Value], others: &[Value]| {
        let elements = own.iter().filter(|element| !others.contains(element)).map(|element| {
            let id = element.get("id").and_then(Value::as_i64).unwrap_or(0);
            let mut element = element.clone();
            if !open.contains(&id) && element.get("value").is_some() {
                element["value"] = json!(CHANGED);
            }
            element
        });
        Value::Array(elements.collect())
    };
    json!({ "before": differing(&before, &after), "after": differing(&after, &before) })
}

/// A value without the secrets inside it.
fn masked(kind: Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Object(schema), Value::Object(map)) => Value::Object(masked_object(schema, map)),
        (Kind::List(schema), Value::Array(items)) => {
            items.into_iter().map(|item| masked(Kind::Object(schema), item)).collect()
        }
        (_, value) => value,
    }
}

fn masked_object(schema: &'static Schema, map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter()
        .map(|(name, value)| {
            let field = schema.find(&name).map(|position| &schema.fields[position]);
            let shown = match field {
                Some(field) if field.mode == Mode::Secret => json!(CHANGED),
                Some(field) => masked(field.kind, value),
                None => value,
            };
            (name, shown)
        })
        .collect()
}

/// What a person calls the record.
fn title(entity: &'static Entity, record: Option<&Record>) -> String {
    let key = ["name", "summary", "filename"].iter().find_map(|name| entity.schema.find(name));
    match (record, key) {
        (Some(record), Some(position)) => record.text(Key(position)).to_owned(),
        _ => String::new(),
    }
}

/// The name of an agent or user, also of one that is gone.
async fn name_of(
    app: &App,
    reader: &mut impl Read,
    caller: &Caller,
    kind: EntityKind,
    id: i64,
) -> Result<String> {
    let (entity, tenant) = (kind.entity(), caller.tenant_id);
    let prepared = app.prepared(kind, View::Full, Show::NONE);
    let stored = records::get(reader, &prepared.select, tenant, id).await?;
    let doc = match stored {
        Some(stored) => Some(stored.doc),
        None => changes::last_known(reader, tenant, entity.name, id)
            .await?
            .and_then(|entry| entry.before)
            .map(|before| before.doc),
    };
    let Some(record) = doc.map(|doc| Record::from_doc(entity.schema, &doc)) else {
        return Ok(String::new());
    };
    match rights::sees(caller, entity, id, &record) {
        true => Ok(title(entity, Some(&record))),
        false => Ok(String::new()),
    }
}
