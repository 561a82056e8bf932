//! The values of defined fields in replies.

use aureole_catalogue::{EntityKind, Key, Record, Show};
use aureole_storage::Read;
use aureole_storage::records::Stored;
use serde_json::{Map, Value, json};

use super::{Definition, Family, families, family, load, stored as stored_values, value};
use crate::app::App;
use crate::error::Result;
use crate::rules::extras::Extras;

/// Adds the asked fields of one list to list rows, unset ones too. Ids that no definition has are
/// left out.
pub async fn rows(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    kind: EntityKind,
    list: (&str, &[i64]),
    stored: &[Stored],
    extras: &mut [Extras],
) -> Result<()> {
    let (name, ids) = list;
    let Some(family) = family(kind, name) else { return Ok(()) };
    let definitions = load(reader, app, tenant, family).await?;
    let mut asked: Vec<&Definition> = Vec::with_capacity(ids.len());
    for definition in ids.iter().filter_map(|id| definitions.iter().find(|found| found.id == *id)) {
        if !asked.iter().any(|found| found.id == definition.id) {
            asked.push(definition);
        }
    }
    for (at, stored) in stored.iter().enumerate() {
        add(kind, family, &asked, stored, &mut extras[at]);
    }
    Ok(())
}

/// Adds every defined field to a full record when its details are asked for.
pub async fn full(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    kind: EntityKind,
    show: Show,
    stored: &Stored,
    extras: &mut Extras,
) -> Result<()> {
    if !show.meets(Show::DETAILS) {
        return Ok(());
    }
    for family in families(kind) {
        let definitions = load(reader, app, tenant, *family).await?;
        let all: Vec<&Definition> = definitions.iter().collect();
        add(kind, *family, &all, stored, extras);
    }
    Ok(())
}

fn add(
    kind: EntityKind,
    family: Family,
    definitions: &[&Definition],
    stored: &Stored,
    extras: &mut Extras,
) {
    let schema = kind.entity().schema;
    let Some(position) = schema.find(family.list) else { return };
    let record = Record::from_doc(schema, &stored.doc);
    let values = stored_values(record.get(Key(position)));
    let list: Vec<Value> = definitions
        .iter()
        .map(|definition| element(definition, family, values.get(&definition.id)))
        .collect();
    extras.push((position, Value::Array(list).to_string()));
}

/// What the definition tells about its field, and the value.
fn element(definition: &Definition, family: Family, value: Option<&Value>) -> Value {
    use aureole_catalogue::entities::nested::{CUSTOM_FIELD, FIELD_HELPER};
    let custom = family.definitions == EntityKind::FieldInfo;
    let schema = if custom { &CUSTOM_FIELD } else { &FIELD_HELPER };
    // A secret is left out rather than shown as null, which would clear it when it is posted back.
    let is_hidden = definition.encrypted && value.is_some();
    let value = value.filter(|_| !is_hidden).unwrap_or(&Value::Null);
    let mut map = Map::new();
    for field in schema.fields {
        let set = match field.name {
            "id" => Some(json!(definition.id)),
            "name" => Some(json!(definition.wire_name())),
            "value" if is_hidden => None,
            "value" => Some(value.clone()),
            "display" => Some(json!(value::display(definition, value))),
            "mandatory" => Some(json!(definition.mandatory)),
            name => {
                let key = definition.record.schema.find(name).map(Key);
                let known = key.and_then(|key| definition.record.get(key)).cloned();
                // These three are always there: clients group and show fields by them.
                known.or_else(|| match name {
                    "label" => Some(json!("")),
                    "type" | "usage" => Some(json!(0)),
                    _ => None,
                })
            }
        };
        if let Some(set) = set {
            map.insert(field.name.to_owned(), set);
        }
    }
    Value::Object(map)
}
