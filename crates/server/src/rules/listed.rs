//! Lists inside a record whose elements may stand for records of their own: an element that has
//! only an id is the record with that id, and shows what it says now.

use std::collections::BTreeMap;

use aureole_catalogue::render::View;
use aureole_catalogue::{ENTITIES, Entity, EntityKind, Key, Kind, Record, Show};
use aureole_storage::Read;
use aureole_storage::records::{self, Part, Stored};
use serde_json::Value;

use crate::app::App;
use crate::error::Result;
use crate::rules::extras::Extras;
use crate::save::{Draft, Save};

/// The lists, and the kinds of the records.
const LISTS: &[(&str, EntityKind)] =
    &[("custombuttons", EntityKind::CustomButton), ("faqlists", EntityKind::FaqList)];

/// Those of the lists that a kind of record has.
fn lists(entity: &Entity) -> impl Iterator<Item = (Key, EntityKind)> {
    let schema = entity.schema;
    LISTS.iter().filter_map(|(name, kind)| {
        let position = schema.find(name)?;
        matches!(schema.fields[position].kind, Kind::List(_)).then_some((Key(position), *kind))
    })
}

/// The id of an element that has nothing else.
fn pointer(element: &Value) -> Option<i64> {
    let map = element.as_object()?;
    let alone = map.iter().all(|(name, value)| name == "id" || value.is_null());
    map.get("id").and_then(Value::as_i64).filter(|id| alone && *id > 0)
}

fn elements(record: &Record, key: Key) -> &[Value] {
    record.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Every element that stands for a record must have one.
pub async fn before(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    if save.is_restoring() {
        return Ok(());
    }
    for (key, kind) in lists(draft.entity()) {
        let Some(given) = draft.change.value(key).and_then(Value::as_array) else { continue };
        let old = draft.before.as_ref().map(|before| elements(before, key)).unwrap_or_default();
        let name = draft.entity().schema.fields[key.0].name;
        for (at, element) in given.iter().enumerate() {
            let Some(id) = pointer(element) else { continue };
            let is_old =
                old.iter().any(|other| other.get("id").and_then(Value::as_i64) == Some(id));
            if !is_old && save.load(kind, id).await?.is_none() {
                let what = kind.entity().singular;
                save.problem(
                    draft.at(&format!("{name}[{at}].id")),
                    format!("points at {what} {id}, which does not exist"),
                );
            }
        }
    }
    Ok(())
}

/// How many records of each kind, by its table, have an element that stands for one of these.
pub async fn pointing(
    save: &mut Save<'_>,
    doomed: &BTreeMap<EntityKind, Vec<i64>>,
) -> Result<Vec<(&'static str, i64)>> {
    let (db, tenant) = (save.app.db.of(save.tenant()), save.tenant());
    let mut counts = Vec::new();
    for entity in ENTITIES {
        let asked: Vec<(Key, &Vec<i64>)> =
            lists(entity).filter_map(|(key, kind)| Some((key, doomed.get(&kind)?))).collect();
        if asked.is_empty() {
            continue;
        }
        let points = |doc: &str| {
            let has =
                |key: Key| doc.contains(&format!("\"{}\":", entity.schema.fields[key.0].name));
            if !asked.iter().any(|(key, _)| has(*key)) {
                return false;
            }
            let record = Record::from_doc(entity.schema, doc);
            asked.iter().any(|(key, ids)| {
                elements(&record, *key).iter().filter_map(pointer).any(|id| ids.contains(&id))
            })
        };
        let mut count = 0;
        // Read beside the transaction: it streams, and definitions are seldom deleted.
        records::each_part(&db, tenant, entity, &[Part::Doc], None, &mut |row| {
            count += i64::from(points(row.text(1)));
        })
        .await?;
        counts.extend((count > 0).then_some((entity.table, count)));
    }
    Ok(counts)
}

/// The lists of one full record that have such elements.
pub async fn full(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    kind: EntityKind,
    stored: &Stored,
    out: &mut Extras,
) -> Result<()> {
    let entity = kind.entity();
    let record = Record::from_doc(entity.schema, &stored.doc);
    for (key, kind) in lists(entity) {
        let own = elements(&record, key);
        let ids: Vec<i64> = own.iter().filter_map(pointer).collect();
        if ids.is_empty() {
            continue;
        }
        let prepared = app.prepared(kind, View::Full, Show::NONE);
        let found = records::get_many(reader, &prepared.select, tenant, &ids).await?;
        let texts = own.iter().map(|element| {
            let id = pointer(element);
            match found.iter().find(|record| Some(record.id) == id) {
                Some(record) => {
                    let mut text = Vec::new();
                    let row = crate::api::list::row(record, &[]);
                    prepared.plan.render(&row, &mut Vec::new(), &mut text);
                    String::from_utf8(text).unwrap_or_default()
                }
                None => element.to_string(),
            }
        });
        let list = texts.collect::<Vec<String>>().join(",");
        out.push((key.0, format!("[{list}]")));
    }
    Ok(())
}
