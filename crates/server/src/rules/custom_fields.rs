//! Fields that an administrator defines: custom fields (`/FieldInfo`) of clients, sites, users,
//! suppliers, CRM notes and organisations, and site fields (`/Field`). A record keeps its values sparse, by the definition's id; names,
//! labels and types are always the definition's.

mod definition;
mod read;
mod search;
mod value;

pub use definition::{check_unused, field_info_before, site_field_before};
pub use read::{full, rows};
pub use search::resolve;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aureole_catalogue::keys::{field_info, site_field};
use aureole_catalogue::render::View;
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Key, Record, Show};
use aureole_storage::{Read, records};
use serde_json::{Value, json};

use crate::app::App;
use crate::error::Result;
use crate::save::secrets::{Secret, Slot};
use crate::save::{Draft, Save};
use crate::vault;

/// What a value of a defined field looks like. The numbers are those of `FieldInfo.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Memo,
    Single,
    Multi,
    Date,
    Time,
    Checkbox,
    Table,
    Rich,
}

/// Every type with its number on the wire and its name in messages.
const TYPES: &[(i64, Type, &str)] = &[
    (0, Type::Text, "text"),
    (1, Type::Memo, "memo"),
    (2, Type::Single, "single select"),
    (3, Type::Multi, "multi select"),
    (4, Type::Date, "date"),
    (5, Type::Time, "time"),
    (6, Type::Checkbox, "checkbox"),
    (7, Type::Table, "table"),
    (10, Type::Rich, "rich text"),
];

impl Type {
    /// The type of a number; `None` for a number that stands for none.
    pub fn of(number: i64) -> Option<Type> {
        TYPES.iter().find(|(found, ..)| *found == number).map(|(_, found, _)| *found)
    }

    pub fn is_selection(self) -> bool {
        matches!(self, Type::Single | Type::Multi)
    }
}

/// One list of defined fields that a kind of record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Family {
    /// The kind of the definitions.
    pub definitions: EntityKind,
    /// The list in the record.
    pub list: &'static str,
    /// The `usage` of the definitions that belong here; 0 = all of them.
    pub usage: i64,
}

const fn custom(usage: i64) -> Family {
    Family { definitions: EntityKind::FieldInfo, list: "customfields", usage }
}

const CLIENT_CUSTOM: Family = custom(2);
const SITE_CUSTOM: Family = custom(3);
const USER_CUSTOM: Family = custom(1);
const SUPPLIER_CUSTOM: Family = custom(4);
const NOTE_CUSTOM: Family = custom(5);
const ORGANISATION_CUSTOM: Family = custom(6);
const SITE_FIELDS: Family =
    Family { definitions: EntityKind::SiteField, list: "site_fields", usage: 0 };

/// The lists of defined fields of a kind of record.
pub fn families(kind: EntityKind) -> &'static [Family] {
    match kind {
        EntityKind::Client => &[CLIENT_CUSTOM, SITE_FIELDS],
        EntityKind::Site => &[SITE_CUSTOM, SITE_FIELDS],
        EntityKind::User => &[USER_CUSTOM],
        EntityKind::Supplier => &[SUPPLIER_CUSTOM],
        EntityKind::CrmNote => &[NOTE_CUSTOM],
        EntityKind::Organisation => &[ORGANISATION_CUSTOM],
        _ => &[],
    }
}

/// The family of a list, when the kind of record has it.
pub fn family(kind: EntityKind, list: &str) -> Option<Family> {
    families(kind).iter().copied().find(|family| family.list == list)
}

/// The kinds of record that have defined fields, and what counts of them are called.
const HOLDERS: &[(EntityKind, &str)] = &[
    (EntityKind::Client, "clients"),
    (EntityKind::Site, "sites"),
    (EntityKind::User, "users"),
    (EntityKind::Supplier, "suppliers"),
    (EntityKind::CrmNote, "notes"),
    (EntityKind::Organisation, "organisations"),
];

/// The kinds of record that keep values of these definitions, what counts of them are called, and
/// the family they keep them in.
fn holders(definitions: EntityKind, usage: i64) -> Vec<(EntityKind, &'static str, Family)> {
    HOLDERS
        .iter()
        .flat_map(|(kind, name)| families(*kind).iter().map(|family| (*kind, *name, *family)))
        .filter(|(.., family)| {
            family.definitions == definitions && (family.usage == 0 || family.usage == usage)
        })
        .collect()
}

/// A definition, read.
pub struct Definition {
    pub id: i64,
    /// Without `CF`.
    pub name: String,
    pub kind: Type,
    pub mandatory: bool,
    /// Values are secrets, which are never returned.
    pub encrypted: bool,
    /// Longest text in characters; 0 = the general limit.
    pub max_chars: i64,
    /// Empty when any text will do.
    pub regex: String,
    /// Most values of a multi select; 0 = no limit.
    pub max_selection: i64,
    /// What can be selected: id and label.
    pub options: Vec<(i64, String)>,
    sequence: i64,
    record: Record,
}

impl Definition {
    fn new(id: i64, record: Record, definitions: EntityKind) -> Definition {
        let custom = definitions == EntityKind::FieldInfo;
        let (name, mandatory, values, sequence) = if custom {
            (field_info::NAME, field_info::MANDATORY, field_info::VALUES, field_info::SEQUENCE)
        } else {
            (site_field::NAME, site_field::MANDATORY, site_field::VALUES, site_field::SEQUENCE)
        };
        let options = options(record.get(values));
        let kind = match custom {
            true => Type::of(record.int(field_info::TYPE)).unwrap_or(Type::Text),
            false if options.is_empty() => Type::Text,
            false => Type::Single,
        };
        Definition {
            id,
            name: record.text(name).to_owned(),
            kind,
            mandatory: record.bool(mandatory),
            encrypted: custom && record.bool(field_info::ENCRYPTED),
            max_chars: record.int(if custom {
                field_info::CHARACTER_LIMIT
            } else {
                site_field::LENGTH
            }),
            regex: if custom { record.text(field_info::REGEX).to_owned() } else { String::new() },
            max_selection: if custom { record.int(field_info::MAX_SELECTION) } else { 0 },
            options,
            sequence: record.int(sequence),
            record,
        }
    }

    /// The name on the wire: `CF` and the name for a custom field.
    pub fn wire_name(&self) -> String {
        match self.record.schema.name {
            "FieldInfo" => format!("CF{}", self.name),
            _ => self.name.clone(),
        }
    }
}

/// The options of a selection, from the definition's `values`.
fn options(values: Option<&Value>) -> Vec<(i64, String)> {
    let values = values.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    values
        .iter()
        .filter_map(|value| {
            let label = value.get("name").and_then(Value::as_str)?.to_owned();
            Some((value.get("id").and_then(Value::as_i64)?, label))
        })
        .collect()
}

/// The definitions of a family, in their own order.
pub async fn load(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    family: Family,
) -> Result<Vec<Definition>> {
    let entity = family.definitions.entity();
    let ids = match family.usage {
        0 => records::all_ids(reader, tenant, entity).await?,
        usage => records::ids_where(reader, tenant, entity, "usage", &[usage]).await?,
    };
    let prepared = app.prepared(family.definitions, View::Full, Show::NONE);
    let stored = records::get_many(reader, &prepared.select, tenant, &ids).await?;
    let mut definitions: Vec<Definition> = stored
        .iter()
        .map(|stored| {
            Definition::new(
                stored.id,
                Record::from_doc(entity.schema, &stored.doc),
                family.definitions,
            )
        })
        .collect();
    definitions.sort_by_key(|definition| (definition.sequence, definition.id));
    Ok(definitions)
}

/// The definition that a name means, with `CF` in front or without; its case does not matter.
pub fn by_name<'a>(definitions: &'a [Definition], name: &str) -> Option<&'a Definition> {
    let find =
        |name: &str| definitions.iter().find(|definition| fold(&definition.name) == fold(name));
    let bare = name.strip_prefix("CF").and_then(find);
    bare.or_else(|| find(name))
}

/// What one request has read of the definitions, so that each of its records need not.
pub type Cache = HashMap<Family, Arc<[Definition]>>;

async fn cached(save: &mut Save<'_>, family: Family) -> Result<Arc<[Definition]>> {
    if let Some(definitions) = save.definitions.get(&family) {
        return Ok(Arc::clone(definitions));
    }
    let tenant = save.tenant();
    let definitions: Arc<[Definition]> = load(&mut save.tx, save.app, tenant, family).await?.into();
    save.definitions.insert(family, Arc::clone(&definitions));
    Ok(definitions)
}

/// Lays the values of a body over those of the record: by id, or by name when there is no id. A
/// field that is not mentioned keeps its value, null clears it.
pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    for family in families(draft.kind) {
        let Some(key) = draft.entity().schema.find(family.list).map(Key) else { continue };
        let given = draft.change.value(key).and_then(Value::as_array).cloned();
        if given.is_none() && !draft.is_new {
            continue;
        }
        let definitions = cached(save, *family).await?;
        let what = match family.definitions {
            EntityKind::FieldInfo => format!("custom field of {}s", draft.entity().singular),
            _ => "site field".to_owned(),
        };
        let mut values = stored(draft.before.as_ref().and_then(|before| before.get(key)));
        for (at, element) in given.iter().flatten().enumerate() {
            let path = draft.at(&format!("{}[{at}]", family.list));
            set(save, draft, key, (&definitions, &what), &path, element, &mut values);
        }
        // A site field is mandatory on sites; a client may carry one too.
        let asks = family.definitions == EntityKind::FieldInfo || draft.kind == EntityKind::Site;
        if draft.is_new && !draft.implied && asks {
            let path = draft.at(family.list);
            missing(save, &definitions, &path, &values, given.as_deref().unwrap_or_default());
        }
        let list: Vec<Value> = values
            .into_iter()
            .map(|(id, value)| {
                let definition = definitions.iter().find(|definition| definition.id == id);
                let name = definition.map_or("", |definition| definition.name.as_str());
                json!({ "id": id, "name": name, "value": value })
            })
            .collect();
        draft.record.set(key, list);
    }
    Ok(())
}

/// The values of a stored list by the definition's id.
fn stored(list: Option<&Value>) -> BTreeMap<i64, Value> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|element| {
            let value = element.get("value").filter(|value| !value.is_null())?;
            Some((element.get("id").and_then(Value::as_i64)?, value.clone()))
        })
        .collect()
}

/// The definition that an element means; the error is a sentence without the path.
fn meant<'a>(
    definitions: &'a [Definition],
    element: &Value,
    what: &str,
) -> std::result::Result<&'a Definition, String> {
    let id = element.get("id").and_then(Value::as_i64).unwrap_or(0);
    let name = element.get("name").and_then(Value::as_str).unwrap_or("").trim();
    if id > 0 {
        let found = definitions.iter().find(|definition| definition.id == id);
        return found.ok_or_else(|| format!("has the id {id}, which no {what} has"));
    }
    if name.is_empty() {
        return Err(format!("needs the id or the name of a {what}"));
    }
    by_name(definitions, name).ok_or_else(|| format!("has the name {name:?}, which no {what} has"))
}

/// Applies one element of a body to a list. The definitions come with what they are called in
/// messages.
fn set(
    save: &mut Save<'_>,
    draft: &mut Draft,
    list: Key,
    (definitions, what): (&[Definition], &str),
    path: &str,
    element: &Value,
    values: &mut BTreeMap<i64, Value>,
) {
    let definition = match meant(definitions, element, what) {
        Ok(definition) => definition,
        Err(message) => return save.problem(path, message),
    };
    // An element without a value says nothing about it.
    let Some(value) = element.get("value") else { return };
    let name = definition.wire_name();
    let old = values.get(&definition.id);
    // What a client reads it may post back, even when the definition has become stricter.
    if old == Some(value) {
        return;
    }
    match value::checked(definition, value, save.app.limits.text_chars) {
        Ok(Some(_)) if definition.encrypted && !save.app.vault.has_key() => {
            save.problem(format!("{path}.value"), format!("{} ({name})", vault::NO_KEY));
        }
        Ok(Some(new)) if definition.encrypted => {
            // Its place is kept; the value itself is sealed when the record has its id.
            values.entry(definition.id).or_insert(Value::Null);
            let slot = Slot::Custom(list, definition.id);
            draft.secrets.retain(|secret| secret.slot != slot);
            draft.secrets.push(Secret { slot, text: new.to_string() });
        }
        Ok(Some(new)) => drop(values.insert(definition.id, new)),
        Ok(None) if definition.mandatory && old.is_some() => {
            save.problem(
                format!("{path}.value"),
                format!("must not be cleared: {name} is mandatory"),
            );
        }
        Ok(None) => {
            draft.secrets.retain(|secret| secret.slot != Slot::Custom(list, definition.id));
            values.remove(&definition.id);
        }
        Err(message) => save.problem(format!("{path}.value"), format!("{message} ({name})")),
    }
}

/// The mandatory fields that a new record lacks; one that has a bad value is reported with it.
fn missing(
    save: &mut Save<'_>,
    definitions: &[Definition],
    path: &str,
    values: &BTreeMap<i64, Value>,
    given: &[Value],
) {
    for definition in definitions.iter().filter(|definition| definition.mandatory) {
        let has_bad_value = given.iter().any(|element| {
            meant(definitions, element, "").is_ok_and(|found| found.id == definition.id)
                && element.get("value").is_some_and(|value| !value::is_unset(value))
        });
        if !values.contains_key(&definition.id) && !has_bad_value {
            save.problem(
                path,
                format!("must have a value for {}, which is mandatory", definition.wire_name()),
            );
        }
    }
}
