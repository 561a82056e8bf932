//! Rules of the definitions: names, types, patterns, options, and what records use already.

use aureole_catalogue::filter::Test;
use aureole_catalogue::keys::{field_info, site_field, view_list};
use aureole_catalogue::render::View;
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Filter, Key, Record, Show};
use aureole_storage::records;
use serde_json::{Value, json};

use super::{Definition, TYPES, Type, holders, value};
use crate::error::{ApiError, Result};
use crate::save::{Draft, Save};
use crate::vault;

/// Most characters of a pattern.
const PATTERN_CHARS: usize = 1000;
/// Most options of a selection.
const OPTIONS: usize = 2000;

/// Custom fields.
pub async fn field_info_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    bare_name(draft);
    if draft.record.text(field_info::LABEL).is_empty() && draft.is_new {
        let label = draft.record.text(field_info::NAME).to_owned();
        draft.record.set(field_info::LABEL, label);
    }
    let number = draft.record.int(field_info::TYPE);
    if Type::of(number).is_none() && (draft.is_new || draft.changes(field_info::TYPE)) {
        let known: Vec<String> =
            TYPES.iter().map(|(number, _, name)| format!("{number} {name}")).collect();
        save.problem(draft.at("type"), format!("must be one of: {}", known.join(", ")));
    }
    let regex = draft.record.text(field_info::REGEX);
    if draft.changes(field_info::REGEX) && !regex.is_empty() {
        if regex.chars().count() > PATTERN_CHARS {
            save.problem(draft.at("regex"), format!("must be at most {PATTERN_CHARS} characters"));
        } else if let Err(message) = value::pattern(regex) {
            save.problem(draft.at("regex"), message);
        }
    }
    for (key, name) in [
        (field_info::CHARACTER_LIMIT, "characterlimit"),
        (field_info::MAX_SELECTION, "max_selection"),
    ] {
        if draft.record.int(key) < 0 {
            save.problem(draft.at(name), "must not be negative; 0 means no limit");
        }
    }
    new_options(draft, field_info::VALUES, field_info::NEW_VALUES);
    check_options(save, draft, field_info::VALUES);
    let usage = draft.record.int(field_info::USAGE);
    unique_name(save, draft, field_info::NAME, Some(("usage", usage))).await?;
    if draft.record.bool(field_info::ENCRYPTED) && !save.app.vault.has_key() {
        draft.warnings.push(format!("isencrypted: a value of this field {}", vault::NO_KEY));
    }
    unlike_in_use(save, draft).await
}

/// Site fields.
pub async fn site_field_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.record.int(site_field::LENGTH) < 0 {
        save.problem(draft.at("datalength"), "must not be negative; 0 means no limit");
    }
    new_options(draft, site_field::VALUES, site_field::NEW_VALUES);
    check_options(save, draft, site_field::VALUES);
    unique_name(save, draft, site_field::NAME, None).await?;
    unlike_in_use(save, draft).await
}

/// The name is kept without `CF`, and may be given with it. One that was read and is posted back
/// stays as it is.
fn bare_name(draft: &mut Draft) {
    let given = draft.record.text(field_info::NAME).to_owned();
    let stored = draft.before.as_ref().map_or("", |before| before.text(field_info::NAME));
    if let Some(bare) = given.strip_prefix("CF").map(str::trim)
        && !bare.is_empty()
        && given != stored
    {
        draft.record.set(field_info::NAME, bare);
    }
}

async fn unique_name(
    save: &mut Save<'_>,
    draft: &Draft,
    key: Key,
    within: Option<(&str, i64)>,
) -> Result<()> {
    let name = draft.record.text(key).to_owned();
    let moved = draft.kind == EntityKind::FieldInfo && draft.changes(field_info::USAGE);
    if name.is_empty() || !(draft.is_new || draft.changes(key) || moved) {
        return Ok(());
    }
    let (tenant, entity) = (save.tenant(), draft.entity());
    let others = records::ids_by_name(&mut save.tx, tenant, entity, &fold(&name), within).await?;
    if let Some(other) = others.into_iter().find(|other| *other != draft.id) {
        let message =
            format!("must be unique: {} {other} is called {name:?} already", entity.singular);
        save.duplicate(draft.at("name"), message, other);
    }
    Ok(())
}

/// `new_values`: labels to be added to the options, a line each or separated by commas.
fn new_options(draft: &mut Draft, values: Key, new_values: Key) {
    let text = draft.record.text(new_values).to_owned();
    draft.record.clear(new_values);
    if text.trim().is_empty() || !draft.change.has(new_values) {
        return;
    }
    let mut list = draft.record.get(values).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut next = list
        .iter()
        .filter_map(|option| option.get("id").and_then(Value::as_i64))
        .max()
        .unwrap_or(0);
    let separator = if text.contains('\n') { '\n' } else { ',' };
    for label in text.split(separator).map(str::trim).filter(|label| !label.is_empty()) {
        let known = |option: &Value| {
            option.get("name").and_then(Value::as_str).is_some_and(|name| fold(name) == fold(label))
        };
        if !list.iter().any(known) {
            next += 1;
            list.push(json!({ "id": next, "name": label }));
        }
    }
    draft.record.set(values, list);
}

/// Every option has a label of its own.
fn check_options(save: &mut Save<'_>, draft: &Draft, key: Key) {
    let list =
        draft.record.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if list.len() > OPTIONS {
        save.problem(draft.at("values"), format!("must have at most {OPTIONS} elements"));
        return;
    }
    let mut labels: Vec<String> = Vec::with_capacity(list.len());
    for (at, option) in list.iter().enumerate() {
        let label = option.get("name").and_then(Value::as_str).unwrap_or("").trim();
        let path = draft.at(&format!("values[{at}].name"));
        if label.is_empty() {
            save.problem(path, "must not be empty");
        } else if labels.contains(&fold(label)) {
            save.problem(path, format!("must be unique: {label:?} is there already"));
        }
        labels.push(fold(label));
    }
}

/// What would make stored values wrong is refused while there are some: another type or usage,
/// encryption, and options that go.
async fn unlike_in_use(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let Some(before) = draft.before.clone() else { return Ok(()) };
    let old = Definition::new(draft.id, before, draft.kind);
    let new = Definition::new(draft.id, draft.record.clone(), draft.kind);
    let plain = |kind| matches!(kind, Type::Text | Type::Memo);
    let usage = |definition: &Definition| usage(draft.kind, &definition.record);
    let field = if old.kind != new.kind && !(plain(old.kind) && plain(new.kind)) {
        Some(if draft.kind == EntityKind::FieldInfo { "type" } else { "values" })
    } else if usage(&old) != usage(&new) {
        Some("usage")
    } else if new.encrypted != old.encrypted {
        Some("isencrypted")
    } else {
        None
    };
    let (field, test) = match field {
        Some(field) => (field, Test::IsSet),
        None if new.kind.is_selection() => {
            let gone = old
                .options
                .iter()
                .filter(|(id, _)| !new.options.iter().any(|(kept, _)| kept == id));
            let gone: Vec<String> = gone.map(|(id, _)| id.to_string()).collect();
            if gone.is_empty() {
                return Ok(());
            }
            ("values", Test::OneOf(gone))
        }
        None => return Ok(()),
    };
    let counts = used(save, draft.kind, &old, &test).await?;
    if counts.is_empty() {
        return Ok(());
    }
    let message =
        format!("can't be changed so: {} have values of {}", sentence(&counts), old.wire_name());
    Err(ApiError::InUse { path: draft.at(field), message, counts })
}

fn usage(kind: EntityKind, record: &Record) -> i64 {
    if kind == EntityKind::FieldInfo { record.int(field_info::USAGE) } else { 0 }
}

/// Refuses to delete a definition that records or saved views use.
///
/// # Errors
/// [`ApiError::InUse`] with the counts.
pub async fn check_unused(
    save: &mut Save<'_>,
    kind: EntityKind,
    id: i64,
    record: &Record,
) -> Result<()> {
    let definition = Definition::new(id, record.clone(), kind);
    let mut counts = used(save, kind, &definition, &Test::IsSet).await?;
    if kind == EntityKind::FieldInfo {
        let views = views_on(save, id).await?;
        counts.extend((views > 0).then_some(("views", views)));
    }
    if counts.is_empty() {
        return Ok(());
    }
    let what = kind.entity().singular;
    let message =
        format!("{what} {id} ({}) is in use: {} use it", definition.wire_name(), sentence(&counts));
    Err(ApiError::InUse { path: String::new(), message, counts })
}

fn sentence(counts: &[(&'static str, i64)]) -> String {
    let parts: Vec<String> = counts
        .iter()
        .map(|(name, count)| {
            format!("{count} {}", if *count == 1 { name.trim_end_matches('s') } else { name })
        })
        .collect();
    parts.join(", ")
}

/// How many records of each kind have a value that passes.
async fn used(
    save: &mut Save<'_>,
    kind: EntityKind,
    definition: &Definition,
    test: &Test,
) -> Result<Vec<(&'static str, i64)>> {
    let mut counts = Vec::new();
    for (holder, name, family) in holders(kind, usage(kind, &definition.record)) {
        let filter = Filter::Custom {
            list: family.list,
            id: definition.id,
            name: String::new(),
            unset: "",
            test: test.clone(),
        };
        let entity = holder.entity();
        // Read beside the transaction: it streams, and no request writes definitions and values.
        let (db, tenant) = (&save.app.db.of(save.tenant()), save.tenant());
        let found = records::select_ids(db, tenant, entity, &filter, &[]).await?;
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        counts.extend((count > 0).then_some((name, count)));
    }
    Ok(counts)
}

/// How many saved views have a condition on a custom field.
async fn views_on(save: &mut Save<'_>, id: i64) -> Result<i64> {
    let (tenant, entity) = (save.tenant(), EntityKind::ViewList.entity());
    let ids = records::all_ids(&mut save.tx, tenant, entity).await?;
    let prepared = save.app.prepared(EntityKind::ViewList, View::Full, Show::NONE);
    let views = records::get_many(&mut save.tx, &prepared.select, tenant, &ids).await?;
    let uses = |doc: &str| {
        let view = Record::from_doc(entity.schema, doc);
        let filters =
            view.get(view_list::FILTERS).and_then(Value::as_array).cloned().unwrap_or_default();
        filters
            .iter()
            .any(|filter| filter.get("custom_field_id").and_then(Value::as_i64) == Some(id))
    };
    let count = views.iter().filter(|view| uses(&view.doc)).count();
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}
