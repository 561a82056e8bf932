//! The catalogue against the published names and types, of which `fixtures/catalogue.json` is a copy.

use std::path::Path;

use aureole_catalogue::{Field, Kind, Mode, Schema};
use serde_json::{Map, Value};

use crate::catalogue::schemas;

const FIXTURE: &str = include_str!("../fixtures/catalogue.json");

/// A difference that is meant: where, in which property, and why.
struct Allowed {
    schema: &'static str,
    /// `*` for every field of the schema.
    field: &'static str,
    /// `type`, `core`, `light`, `mode`, `order`, `added` (a field of ours) or `absent` (a schema).
    property: &'static str,
    reason: &'static str,
}

const fn allowed(
    schema: &'static str,
    field: &'static str,
    property: &'static str,
    reason: &'static str,
) -> Allowed {
    Allowed { schema, field, property, reason }
}

const ALLOWED: &[Allowed] = &[
    allowed("Site", "client_id", "type", "an id, whole like every other reference to a client"),
    allowed(
        "PrepayHistory",
        "reverses_id",
        "added",
        "links a reversal to its lot, so that it is made once",
    ),
    allowed("AddressStore", "name", "added", "records that others point at have a name"),
    allowed("ExternalLink_List", "name", "added", "records that others point at have a name"),
    allowed(
        "AreaItem",
        "originalenddate",
        "added",
        "the end that was set, so that every renewal is as long as the first term",
    ),
    allowed("AreaItem", "invoicenumbers", "added", "so that no invoice counts twice"),
    allowed("Attachment", "client_id", "added", "the client whose file it is"),
    allowed("Attachment", "filesize", "mode", "counted from the content"),
    allowed("Attachment", "isimage", "mode", "follows from the type of the content"),
    allowed("Attachment", "data", "mode", "the content is kept apart and has its own reply"),
    allowed("Attachment", "file", "mode", "another name of the content"),
    allowed("Attachment", "data_base64", "mode", "another name of the content"),
    allowed(
        "Attachment",
        "linked_version_id",
        "mode",
        "the stored content, which the server keeps",
    ),
    allowed("ViewLists", "type", "type", "what the view is of: its number, or its name as text"),
    allowed(
        "ViewColumns",
        "type",
        "type",
        "what the profile is of: its number, or its name as text",
    ),
    allowed("ViewLists", "order", "added", "the order that a saved view gives its rows"),
    allowed(
        "ViewLists",
        "columns_id",
        "added",
        "the column profile of a saved view, as lists call it",
    ),
    allowed("Users_List", "web_access_level", "added", "where newclient_web_access_level goes"),
    allowed("Users_List", "site_id", "type", "an id, whole like every other reference to a site"),
];

/// One difference.
struct Difference {
    schema: String,
    field: String,
    property: &'static str,
    detail: String,
}

impl Allowed {
    fn covers(&self, difference: &Difference) -> bool {
        self.schema == difference.schema
            && (self.field == "*" || self.field == difference.field)
            && self.property == difference.property
    }
}

fn published() -> Map<String, Value> {
    let mut whole: Map<String, Value> = serde_json::from_str(FIXTURE).unwrap();
    let Some(Value::Object(mut schemas)) = whole.remove("schemas") else { panic!("no schemas") };
    // One kind of record here, of which the list row is another view.
    let Some(Value::Object(rows)) = schemas.shift_remove("Site_List") else {
        panic!("no Site_List")
    };
    let site = schemas["Site"].as_object_mut().unwrap();
    for (name, field) in rows {
        match site.get_mut(&name) {
            None => drop(site.insert(name, field)),
            // What either says holds: a list row's field is light though the full record's is not.
            Some(known) => {
                let known = known.as_object_mut().unwrap();
                for (property, value) in field.as_object().unwrap() {
                    known.entry(property).or_insert_with(|| value.clone());
                }
            }
        }
    }
    schemas
}

/// The type's name as the published table writes it.
fn type_name(kind: Kind) -> String {
    match kind {
        Kind::Int => "int".into(),
        Kind::Int64 => "int64".into(),
        Kind::Decimal => "decimal".into(),
        Kind::Bool => "bool".into(),
        Kind::Text => "string".into(),
        Kind::DateTime => "datetime".into(),
        Kind::Uuid => "uuid".into(),
        Kind::Any => "any".into(),
        Kind::Object(schema) => schema.name.into(),
        Kind::List(schema) => format!("[{}]", schema.name),
        Kind::IntList => "[int]".into(),
        Kind::TextList => "[string]".into(),
        Kind::AnyList => "[any]".into(),
    }
}

/// The published type as far as its shape is published: a name without a shape is anything.
fn shaped(name: &str, published: &Map<String, Value>) -> String {
    const SCALARS: [&str; 8] =
        ["int", "int64", "decimal", "bool", "string", "datetime", "uuid", "any"];
    let element = name.trim_start_matches('[').trim_end_matches(']');
    if SCALARS.contains(&element) || published.contains_key(element) {
        name.to_owned()
    } else {
        name.replace(element, "any")
    }
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::ReadWrite => "",
        Mode::Computed => "computed",
        Mode::Name => "name",
        Mode::In => "in",
        Mode::Out => "out",
        Mode::Secret => "secret",
    }
}

fn compare_field(
    schema: &str,
    ours: &Field,
    theirs: &Value,
    published: &Map<String, Value>,
    grouped: &[&'static str],
    found: &mut Vec<Difference>,
) {
    let flag = |name: &str| theirs.get(name).and_then(Value::as_bool).unwrap_or(false);
    let text = |name: &str| theirs.get(name).and_then(Value::as_str).unwrap_or("");
    let properties = [
        ("type", shaped(text("type"), published), type_name(ours.kind)),
        ("core", flag("core").to_string(), ours.core.to_string()),
        ("light", flag("light").to_string(), ours.light.to_string()),
        ("mode", text("mode").to_owned(), mode_name(ours.mode).to_owned()),
    ];
    for (property, published, ours_is) in properties {
        let is_group = matches!(property, "core" | "light");
        if published != ours_is && (!is_group || grouped.contains(&property)) {
            found.push(Difference {
                schema: schema.to_owned(),
                field: ours.name.to_owned(),
                property,
                detail: format!("published {published:?}, here {ours_is:?}"),
            });
        }
    }
}

fn compare_schema(
    ours: &Schema,
    theirs: &Map<String, Value>,
    published: &Map<String, Value>,
    found: &mut Vec<Difference>,
) {
    let mut add = |field: &str, property, detail: String| {
        found.push(Difference {
            schema: ours.name.to_owned(),
            field: field.to_owned(),
            property,
            detail,
        });
    };
    for name in theirs.keys() {
        if ours.position(name).is_none() {
            add(name, "missing", "published, and not here".to_owned());
        }
    }
    for field in ours.fields {
        if !theirs.contains_key(field.name) {
            add(field.name, "added", "here, and not published".to_owned());
        }
    }
    let here = ours.fields.iter().map(|field| field.name).filter(|name| theirs.contains_key(*name));
    let there = theirs.keys().map(String::as_str).filter(|name| ours.position(name).is_some());
    if let Some((name, other)) = here.zip(there).find(|(here, there)| here != there) {
        add(name, "order", format!("stands where {other} is published"));
    }
    let grouped = grouped(theirs);
    for field in ours.fields {
        if let Some(published_field) = theirs.get(field.name) {
            compare_field(ours.name, field, published_field, published, &grouped, found);
        }
    }
}

/// The groups that are published for a schema. Where no field is `core` (or `light`), the published
/// table is silent, and the groups here are our own.
fn grouped(theirs: &Map<String, Value>) -> Vec<&'static str> {
    let any = |group: &&str| theirs.values().any(|field| field.get(group).is_some());
    ["core", "light"].into_iter().filter(any).collect()
}

fn differences() -> Vec<Difference> {
    let published = published();
    let schemas = schemas();
    let mut found = Vec::new();
    for (name, fields) in &published {
        match schemas.iter().find(|schema| schema.name == *name) {
            Some(schema) => {
                compare_schema(schema, fields.as_object().unwrap(), &published, &mut found);
            }
            None => found.push(Difference {
                schema: name.clone(),
                field: String::new(),
                property: "absent",
                detail: "the catalogue has no such schema".to_owned(),
            }),
        }
    }
    found
}

#[test]
fn the_catalogue_is_the_published_one() {
    let found = differences();
    let unmeant: Vec<String> = found
        .iter()
        .filter(|difference| !ALLOWED.iter().any(|allowed| allowed.covers(difference)))
        .map(|d| format!("{}.{} {}: {}", d.schema, d.field, d.property, d.detail))
        .collect();
    assert!(unmeant.is_empty(), "{} differences:\n{}", unmeant.len(), unmeant.join("\n"));
    for allowed in ALLOWED {
        assert!(
            found.iter().any(|difference| allowed.covers(difference)),
            "{}.{} {} is allowed ({}) and does not occur",
            allowed.schema,
            allowed.field,
            allowed.property,
            allowed.reason
        );
    }
}

#[test]
fn the_fixture_is_the_newest_specification() {
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/spec/catalogue.json");
    // Only a checkout beside the specification can compare them.
    let Ok(original) = std::fs::read_to_string(original) else { return };
    assert!(original == FIXTURE, "copy ../shared/spec/catalogue.json to tests/fixtures");
}
