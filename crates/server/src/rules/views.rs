//! Saved views (`/ViewLists`) and column profiles (`/ViewColumns`): how they are written, and what
//! they do to the lists of clients, sites and suppliers.

use aureole_catalogue::accept::parse_bool;
use aureole_catalogue::field::Field;
use aureole_catalogue::keys::{view_columns, view_list};
use aureole_catalogue::query::{ListQuery, OrderKey, conditions_filter, order_position};
use aureole_catalogue::render::View;
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Filter, Key, Mode, Problems, Record, Show};
use aureole_storage::{Read, records};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::rules::custom_fields::{self, family, load};
use crate::save::{Draft, Save};

/// Sort keys of one view at most, as in a request.
const ORDER_KEYS: usize = 5;
/// Columns of one profile at most.
const COLUMNS: usize = 100;
/// Widest column, in pixels.
const MAX_WIDTH: i64 = 10_000;

/// The columns that lists have when nobody chose others: name and title.
const CLIENT_COLUMNS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("toplevel_name", "Top level"),
    ("ref", "Reference"),
    ("is_vip", "VIP"),
    ("inactive", "Inactive"),
];
const SITE_COLUMNS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("client_name", "Client"),
    ("maincontact_name", "Main contact"),
    ("phonenumber", "Phone"),
    ("isinvoicesite", "Main site"),
    ("inactive", "Inactive"),
];
const SUPPLIER_COLUMNS: &[(&str, &str)] = &[
    ("name", "Name"),
    ("toplevel_name", "Top level"),
    ("contact_name", "Contact"),
    ("email_address", "E-mail"),
    ("phone_number", "Phone"),
    ("inactive", "Inactive"),
];
const DEFAULT_WIDTH: i64 = 150;

/// What the saved view and the column profile of a request say about its list.
#[derive(Default)]
pub struct Chosen {
    /// The view's filter; `None` without a view.
    pub filter: Option<Filter>,
    /// The id of the column profile and its columns as JSON, when the request asks for them.
    pub columns: Option<(i64, String)>,
}

/// Reads `view_id`, `columns_id` and `includecolumns`. The view's order goes into `query` unless the
/// request has one.
///
/// # Errors
/// 404 for a view or profile that does not exist.
pub async fn chosen(
    call: &Call,
    endpoint: &Endpoint,
    query: &mut ListQuery,
    problems: &mut Problems,
) -> Result<Chosen> {
    if !endpoint.list_params.contains(&"columns_id") {
        return Ok(Chosen::default());
    }
    let view_id = call.params.int("view_id", problems).filter(|id| *id > 0);
    let columns_id = call.params.int("columns_id", problems);
    let include = call.params.flag("includecolumns", problems);
    let mut chosen = Chosen::default();
    let mut view_columns_id = 0;
    if let Some(id) = view_id {
        let view = stored(
            &call.app,
            &mut call.db.clone(),
            call.caller.tenant_id,
            EntityKind::ViewList,
            id,
        )
        .await?;
        let view = view.ok_or_else(|| ApiError::missing("view", id))?;
        if is_for(&view, view_list::TYPE, endpoint, "view_id", id, problems) {
            chosen.filter = Some(view_filter(call, endpoint, &view, id, problems).await?);
            let asked = ["order", "order2", "order3", "order4", "order5"];
            let order = view_order(endpoint.kind, &view);
            if !order.is_empty() && asked.iter().all(|name| call.params.get(name).is_none()) {
                query.order = order;
            }
            view_columns_id = view.int(view_list::COLUMNS_ID);
        }
    }
    if columns_id.is_some() || include {
        let id = columns_id.unwrap_or(view_columns_id);
        chosen.columns = Some((id, columns(call, endpoint, id, problems).await?));
    }
    Ok(chosen)
}

async fn stored(
    app: &App,
    reader: &mut impl Read,
    tenant: i64,
    kind: EntityKind,
    id: i64,
) -> Result<Option<Record>> {
    let prepared = app.prepared(kind, View::Full, Show::NONE);
    let stored = records::get(reader, &prepared.select, tenant, id).await?;
    Ok(stored.map(|stored| Record::from_doc(kind.entity().schema, &stored.doc)))
}

/// Reports a view or profile of the other list.
fn is_for(
    record: &Record,
    key: Key,
    endpoint: &Endpoint,
    parameter: &str,
    id: i64,
    problems: &mut Problems,
) -> bool {
    let found = record.get(key).and_then(target).map_or("clients", |(name, _)| name);
    if found != endpoint.place {
        problems.add(parameter, format!("{id} is for lists of {found}, not of {}", endpoint.place));
    }
    found == endpoint.place
}

async fn view_filter(
    call: &Call,
    endpoint: &Endpoint,
    view: &Record,
    id: i64,
    problems: &mut Problems,
) -> Result<Filter> {
    let conditions = list(view, view_list::FILTERS);
    let path = format!("view_id {id}: filters");
    let filter = conditions_filter(endpoint.kind.entity(), conditions, &path, problems);
    let (app, tenant) = (&call.app, call.caller.tenant_id);
    custom_fields::resolve(
        &mut app.db.of(tenant),
        app,
        tenant,
        endpoint.kind,
        filter,
        &path,
        problems,
    )
    .await
}

/// The view's sort keys. A name that the catalogue has lost since is passed over.
fn view_order(kind: EntityKind, view: &Record) -> Vec<OrderKey> {
    let schema = kind.entity().schema;
    let key = |key: &Value| {
        let position = order_position(schema, key.get("name")?.as_str()?).ok()?;
        let descending = key.get("desc").and_then(Value::as_bool).unwrap_or(false);
        Some(OrderKey { position, descending })
    };
    list(view, view_list::ORDER).iter().filter_map(key).collect()
}

fn list(record: &Record, key: Key) -> &[Value] {
    record.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The columns of a profile; those of id 0 are built in.
async fn columns(
    call: &Call,
    endpoint: &Endpoint,
    id: i64,
    problems: &mut Problems,
) -> Result<String> {
    if id == 0 {
        return Ok(default_columns(endpoint.kind).to_string());
    }
    let (app, tenant) = (&call.app, call.caller.tenant_id);
    let profile = stored(app, &mut app.db.of(tenant), tenant, EntityKind::ViewColumns, id).await?;
    let profile = profile.ok_or_else(|| ApiError::missing("column profile", id))?;
    is_for(&profile, view_columns::TYPE, endpoint, "columns_id", id, problems);
    Ok(Value::from(list(&profile, view_columns::COLUMNS)).to_string())
}

fn default_columns(kind: EntityKind) -> Value {
    let columns = match kind {
        EntityKind::Site => SITE_COLUMNS,
        EntityKind::Supplier => SUPPLIER_COLUMNS,
        _ => CLIENT_COLUMNS,
    };
    let column = |(at, (name, title)): (usize, &(&str, &str))| json!({ "name": name, "title": title, "width": DEFAULT_WIDTH, "position": at });
    columns.iter().enumerate().map(column).collect()
}

/// The list that a `type` means: its name and its kind of record.
fn target(value: &Value) -> Option<(&'static str, EntityKind)> {
    let text = match value {
        Value::String(text) => fold(text.trim()),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    match text.as_str() {
        "clients" | "client" | "0" => Some(("clients", EntityKind::Client)),
        "sites" | "site" | "1" => Some(("sites", EntityKind::Site)),
        "suppliers" | "supplier" | "2" => Some(("suppliers", EntityKind::Supplier)),
        _ => None,
    }
}

/// Reads `type` and stores it as its name; without one the list of clients is meant.
fn settle_type(save: &mut Save<'_>, draft: &mut Draft, key: Key) -> Option<EntityKind> {
    let found = match draft.record.get(key) {
        None => Some(("clients", EntityKind::Client)),
        Some(value) => target(value),
    };
    match found {
        Some((name, kind)) => {
            draft.record.set(key, name);
            Some(kind)
        }
        None => {
            save.problem(
                draft.at("type"),
                "must be \"clients\" (or 0), \"sites\" (or 1) or \"suppliers\" (or 2)",
            );
            None
        }
    }
}

/// Rules of a saved view.
pub async fn view_list_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let Some(kind) = settle_type(save, draft, view_list::TYPE) else { return Ok(()) };
    filters(save, draft, kind).await?;
    order(save, draft, kind);
    // The published name of the same thing.
    if draft.change.has(view_list::COLUMN_PROFILE_ID) && !draft.change.has(view_list::COLUMNS_ID) {
        let id = draft.change.int(view_list::COLUMN_PROFILE_ID);
        draft.record.set(view_list::COLUMNS_ID, id);
    }
    let id = draft.record.int(view_list::COLUMNS_ID);
    draft.record.set(view_list::COLUMN_PROFILE_ID, id);
    if id <= 0 {
        return Ok(());
    }
    let tenant = save.tenant();
    let profile = stored(save.app, &mut save.tx, tenant, EntityKind::ViewColumns, id).await?;
    let found = profile.map(|profile| profile.get(view_columns::TYPE).and_then(target));
    match found {
        Some(found) if found.is_none_or(|(_, found)| found == kind) => {}
        Some(_) => save.problem(draft.at("columns_id"), "is a column profile of the other list"),
        // A bad columns_id is reported as a reference already.
        None if draft.change.has(view_list::COLUMNS_ID) => {}
        None => {
            let message = format!("points at column profile {id}, which does not exist");
            save.problem(draft.at("column_profile_id"), message);
        }
    }
    Ok(())
}

/// Checks each condition as the list would, and notes the definitions of custom fields, so that
/// they may be renamed.
async fn filters(save: &mut Save<'_>, draft: &mut Draft, kind: EntityKind) -> Result<()> {
    let mut conditions = list(&draft.record, view_list::FILTERS).to_vec();
    let max = save.app.list_limits.conditions;
    if conditions.len() > max {
        save.problem(draft.at("filters"), format!("must have at most {max} conditions"));
        return Ok(());
    }
    let (app, tenant) = (save.app, save.tenant());
    for (at, condition) in conditions.iter_mut().enumerate() {
        let path = draft.at(&format!("filters[{at}]"));
        let Value::Object(map) = condition else {
            save.problem(path, "must be an object with filter_name, filter_type and filter_value");
            continue;
        };
        let before = save.problems.len();
        note_definition(save, kind, map).await?;
        let mut problems = Problems::default();
        let one = [Value::Object(map.clone())];
        let filter = conditions_filter(kind.entity(), &one, "", &mut problems);
        custom_fields::resolve(&mut save.tx, app, tenant, kind, filter, "", &mut problems).await?;
        for (_, message) in problems.into_list() {
            if save.problems.len() == before {
                save.problem(path.clone(), message);
            }
        }
    }
    draft.record.set(view_list::FILTERS, conditions);
    Ok(())
}

/// Adds `custom_field_id` to a condition on a custom field. The name counts while it means one.
async fn note_definition(
    save: &mut Save<'_>,
    kind: EntityKind,
    condition: &mut Map<String, Value>,
) -> Result<()> {
    let name = condition.get("filter_name").and_then(Value::as_str).unwrap_or("").to_owned();
    if !name.starts_with("CF") {
        condition.shift_remove("custom_field_id");
        return Ok(());
    }
    let Some(family) = family(kind, "customfields") else { return Ok(()) };
    let tenant = save.tenant();
    let definitions = load(&mut save.tx, save.app, tenant, family).await?;
    if let Some(found) = custom_fields::by_name(&definitions, &name) {
        condition.insert("custom_field_id".to_owned(), json!(found.id));
    }
    Ok(())
}

fn order(save: &mut Save<'_>, draft: &mut Draft, kind: EntityKind) {
    let keys = list(&draft.record, view_list::ORDER).to_vec();
    if keys.len() > ORDER_KEYS {
        save.problem(draft.at("order"), format!("must have at most {ORDER_KEYS} keys"));
        return;
    }
    let mut kept = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        let path = draft.at(&format!("order[{at}]"));
        let name = match key {
            Value::String(name) => name.as_str(),
            other => other.get("name").and_then(Value::as_str).unwrap_or(""),
        };
        let position = match order_position(kind.entity().schema, name) {
            Ok(position) => position,
            Err(message) => {
                save.problem(path, format!("name {message}"));
                continue;
            }
        };
        match flag(key.get("desc")) {
            Some(desc) => kept
                .push(json!({ "name": kind.entity().schema.fields[position].name, "desc": desc })),
            None => save.problem(path, "desc must be true or false"),
        }
    }
    draft.record.set(view_list::ORDER, kept);
}

fn flag(value: Option<&Value>) -> Option<bool> {
    match value {
        None | Some(Value::Null) => Some(false),
        Some(Value::Bool(flag)) => Some(*flag),
        Some(Value::String(text)) => parse_bool(text.trim()),
        Some(Value::Number(number)) => parse_bool(&number.to_string()),
        Some(_) => None,
    }
}

/// Rules of a column profile.
pub async fn view_columns_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let Some(kind) = settle_type(save, draft, view_columns::TYPE) else { return Ok(()) };
    let columns = list(&draft.record, view_columns::COLUMNS).to_vec();
    if columns.len() > COLUMNS {
        save.problem(draft.at("columns"), format!("must have at most {COLUMNS} columns"));
        return Ok(());
    }
    let custom = custom_names(save, kind, &columns).await?;
    let mut kept: Vec<(i64, Value)> = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        let path = draft.at(&format!("columns[{at}]"));
        match read_column(kind, &custom, at, column) {
            Ok((_, column)) if kept.iter().any(|(_, other)| other["name"] == column["name"]) => {
                save.problem(
                    format!("{path}.name"),
                    format!("must be unique: {} is there already", column["name"]),
                );
            }
            Ok(column) => kept.push(column),
            Err((member, message)) => {
                save.problem(aureole_catalogue::accept::join(&path, member), message)
            }
        }
    }
    kept.sort_by_key(|(position, _)| *position);
    draft.record.set(
        view_columns::COLUMNS,
        kept.into_iter().map(|(_, column)| column).collect::<Vec<Value>>(),
    );
    Ok(())
}

/// The names of the custom fields of a kind, when a column may be one.
async fn custom_names(
    save: &mut Save<'_>,
    kind: EntityKind,
    columns: &[Value],
) -> Result<Vec<String>> {
    let is_custom = |column: &Value| {
        column.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with("CF"))
    };
    let Some(family) = family(kind, "customfields").filter(|_| columns.iter().any(is_custom))
    else {
        return Ok(Vec::new());
    };
    let tenant = save.tenant();
    let definitions = load(&mut save.tx, save.app, tenant, family).await?;
    Ok(definitions.iter().map(custom_fields::Definition::wire_name).collect())
}

/// A column in its stored form and its position; the error names the member that is wrong.
fn read_column(
    kind: EntityKind,
    custom: &[String],
    at: usize,
    column: &Value,
) -> std::result::Result<(i64, Value), (&'static str, String)> {
    let schema = kind.entity().schema;
    let name = column.get("name").and_then(Value::as_str).unwrap_or("").trim();
    let field =
        schema.find(name).map(|position| &schema.fields[position]).filter(|field| is_column(field));
    let name = match (field, custom.iter().find(|custom| fold(custom) == fold(name))) {
        (Some(field), _) => field.name,
        (None, Some(custom)) => custom.as_str(),
        (None, None) => {
            return Err((
                "name",
                format!(
                    "{name:?} is not a field of the rows of a list of {}s",
                    kind.entity().singular
                ),
            ));
        }
    };
    let integer = |member: &'static str, default: i64, max: i64| match column.get(member) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value
            .as_i64()
            .filter(|number| (0..=max).contains(number))
            .ok_or_else(|| (member, format!("must be an integer from 0 to {max}"))),
    };
    let title = match column.get("title") {
        None | Some(Value::Null) => name,
        Some(Value::String(title)) if title.chars().count() <= 255 => title.as_str(),
        Some(_) => return Err(("title", "must be a text of at most 255 characters".to_owned())),
    };
    let default_position = i64::try_from(at).unwrap_or(i64::MAX);
    let width = integer("width", DEFAULT_WIDTH, MAX_WIDTH)?;
    let position = integer("position", default_position, i64::from(i32::MAX))?;
    Ok((position, json!({ "name": name, "title": title, "width": width, "position": position })))
}

/// True for what a list row can carry as one value.
fn is_column(field: &Field) -> bool {
    !field.kind.is_nested()
        && !matches!(field.mode, Mode::In | Mode::Out | Mode::Secret)
        && (field.light || !field.light_when.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_columns_are_fields_of_the_rows() {
        for kind in [EntityKind::Client, EntityKind::Site] {
            let columns = default_columns(kind);
            for (at, column) in columns.as_array().unwrap().iter().enumerate() {
                assert!(read_column(kind, &[], at, column).is_ok(), "{column}");
            }
        }
    }
}
