//! JSON Schemas of records, from the catalogue. What a reply has is asked of the renderer itself,
//! so that the two can't disagree.

use aureole_catalogue::render::{self, Plan, Row, View};
use aureole_catalogue::{Entity, EntityKind, Field, Kind, Mode, Schema, Show, Source};
use serde_json::{Map, Value, json};

/// A date-time in a reply: UTC without a zone, which is why it isn't the format `date-time`.
pub const DATE_OUT: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?$";
/// A date-time in a request; an empty text clears.
const DATE_IN: &str = r"^([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,7})?)?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?)?)?$";
const GUID_OUT: &str = "^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$";
const GUID_IN: &str =
    "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})?$";
/// The largest magnitude of a decimal.
const DECIMAL_LIMIT: i64 = 900_000_000_000_000;

/// The schemas of a document, made as they are asked for.
pub struct Schemas {
    done: Map<String, Value>,
    limits: aureole_catalogue::Limits,
}

/// How a schema is used; each use has a schema of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// A whole record in a reply.
    Full,
    /// A row of a list.
    Row,
    /// An element of a collection in a reply.
    Part,
    /// A record in a request, or an element of a collection there.
    Input,
}

impl Schemas {
    pub fn new(limits: aureole_catalogue::Limits) -> Schemas {
        Schemas { done: Map::new(), limits }
    }

    /// The schemas by name, in alphabetical order.
    pub fn into_map(self) -> Map<String, Value> {
        let mut named: Vec<(String, Value)> = self.done.into_iter().collect();
        named.sort_by(|(a, _), (b, _)| a.cmp(b));
        named.into_iter().collect()
    }

    /// Adds a schema that is not a record, and returns the reference to it.
    pub fn add(&mut self, name: &str, schema: Value) -> Value {
        self.done.insert(name.to_owned(), schema);
        reference(name)
    }

    /// A record as GET by id and POST show it.
    pub fn full(&mut self, entity: &'static Entity) -> Value {
        self.named(entity.schema, Use::Full, Some(entity))
    }

    /// A row of a list.
    pub fn row(&mut self, entity: &'static Entity) -> Value {
        self.named(entity.schema, Use::Row, Some(entity))
    }

    /// A record in the body of a POST.
    pub fn input(&mut self, entity: &'static Entity) -> Value {
        self.named(entity.schema, Use::Input, Some(entity))
    }

    /// The names that a list can be sorted by.
    pub fn order(&mut self, entity: &'static Entity) -> Value {
        let fields = entity.schema.fields.iter();
        let names: Vec<&str> =
            fields.filter(|field| render::is_sortable(field)).map(|field| field.name).collect();
        self.add(
            &format!("{}Order", entity.schema.name),
            json!({ "type": "string", "enum": names }),
        )
    }

    fn named(
        &mut self,
        schema: &'static Schema,
        usage: Use,
        entity: Option<&'static Entity>,
    ) -> Value {
        let suffix = match usage {
            Use::Full => "",
            Use::Row => "Row",
            Use::Part => "Part",
            Use::Input => "Input",
        };
        let name = format!("{}{suffix}", schema.name);
        if !self.done.contains_key(&name) {
            // First the name, so that a schema that contains itself ends.
            self.done.insert(name.clone(), Value::Null);
            let built = self.build(schema, usage, entity);
            self.done.insert(name.clone(), built);
        }
        reference(&name)
    }

    fn build(
        &mut self,
        schema: &'static Schema,
        usage: Use,
        entity: Option<&'static Entity>,
    ) -> Value {
        let (possible, required) = match usage {
            Use::Full => (shown(schema, View::Full, true), shown(schema, View::Full, false)),
            Use::Row => (shown(schema, View::Light, true), shown(schema, View::Light, false)),
            Use::Part => (names(schema, |mode| !matches!(mode, Mode::Secret)), Vec::new()),
            Use::Input => {
                (names(schema, |mode| !matches!(mode, Mode::Computed | Mode::Out)), Vec::new())
            }
        };
        let mut properties = Map::new();
        for name in possible {
            if let Some(position) = schema.find(&name) {
                properties.insert(name, self.property(&schema.fields[position], usage));
            }
        }
        if matches!(usage, Use::Full | Use::Part) {
            properties.insert(
                "_warning".to_owned(),
                json!({
                    "type": "string",
                    "description": "A text for a person; the write went through.",
                }),
            );
        }
        let mut built = json!({ "type": "object" });
        if let Some(entity) = entity {
            built["description"] = json!(match usage {
                Use::Full => format!("A {}.", entity.singular),
                Use::Row => format!("A {} in a list.", entity.singular),
                _ => format!(
                    "A {} to create (no id, or 0) or to update (with id). A field that is left out stays as it \
                     is, or has its default; null clears it. Fields that are only ever returned are ignored.",
                    entity.singular
                ),
            });
            if usage == Use::Full {
                self.more(entity.kind, &mut properties);
            }
        }
        if !required.is_empty() {
            built["required"] = json!(required);
        }
        built["properties"] = Value::Object(properties);
        built
    }

    /// Members of one kind's record that are not fields.
    fn more(&mut self, kind: EntityKind, properties: &mut Map<String, Value>) {
        match kind {
            EntityKind::AreaRequestType => {
                let mut details = self.full(EntityKind::TicketType.entity());
                details["description"] = json!("The ticket type, with `includedetails`.");
                properties.insert("details".to_owned(), details);
            }
            EntityKind::AzureConnection => {
                let link = self.full(EntityKind::AzureTenant.entity());
                properties.insert(
                    "mappings_client".to_owned(),
                    json!({
                        "type": "array", "items": link,
                        "description": "The links of clients to tenants, with `includetenants`.",
                    }),
                );
            }
            EntityKind::Client => {
                properties.insert("moved".to_owned(), json!({
                    "type": "object", "additionalProperties": { "type": "integer" },
                    "description": "After `_merge_client_into`: how many records moved, by kind.",
                }));
                properties.insert(
                    "filled".to_owned(),
                    json!({
                        "type": "array", "items": { "type": "string" },
                        "description": "After `_merge_client_into`: the fields that were filled.",
                    }),
                );
            }
            _ => {}
        }
    }

    fn property(&mut self, field: &Field, usage: Use) -> Value {
        let input = usage == Use::Input;
        let mut schema = match field.kind {
            Kind::Int => json!({ "type": "integer", "format": "int32" }),
            Kind::Int64 => json!({ "type": "integer", "format": "int64" }),
            Kind::Decimal => json!({ "type": "number" }),
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::Text => json!({ "type": "string" }),
            Kind::DateTime => {
                json!({ "type": "string", "pattern": if input { DATE_IN } else { DATE_OUT } })
            }
            Kind::Uuid => {
                json!({ "type": "string", "pattern": if input { GUID_IN } else { GUID_OUT } })
            }
            Kind::Any => json!({}),
            Kind::Object(inner) => self.nested(inner, input),
            Kind::List(inner) => json!({ "type": "array", "items": self.nested(inner, input) }),
            Kind::IntList => {
                json!({ "type": "array", "items": { "type": "integer", "format": "int32" } })
            }
            Kind::TextList => json!({ "type": "array", "items": { "type": "string" } }),
            Kind::AnyList => json!({ "type": "array", "items": {} }),
        };
        if input {
            self.bound(field, &mut schema);
        }
        if matches!(usage, Use::Input | Use::Part) {
            schema = nullable(schema);
        }
        if let Source::Constant(text) = field.source
            && !input
        {
            schema["const"] = json!(text);
        }
        if field.mode == Mode::Secret {
            schema["writeOnly"] = json!(true);
        }
        if !input && matches!(field.mode, Mode::Computed | Mode::Out) {
            schema["readOnly"] = json!(true);
        }
        let text = description(field, usage);
        if !text.is_empty() {
            schema["description"] = json!(text);
        }
        schema
    }

    fn nested(&mut self, schema: &'static Schema, input: bool) -> Value {
        self.named(schema, if input { Use::Input } else { Use::Part }, None)
    }

    /// The limits of a value in a request.
    fn bound(&self, field: &Field, schema: &mut Value) {
        match field.kind {
            Kind::Int => {
                schema["minimum"] = json!(i32::MIN);
                schema["maximum"] = json!(i32::MAX);
            }
            Kind::Int64 => {
                schema["minimum"] = json!(i64::MIN);
                schema["maximum"] = json!(i64::MAX);
            }
            Kind::Decimal => {
                schema["minimum"] = json!(-DECIMAL_LIMIT);
                schema["maximum"] = json!(DECIMAL_LIMIT);
            }
            Kind::Text => {
                let own = usize::try_from(field.max_chars).unwrap_or(0);
                schema["maxLength"] = json!(if own > 0 { own } else { self.limits.text_chars });
            }
            Kind::List(_) | Kind::IntList | Kind::TextList | Kind::AnyList => {
                schema["maxItems"] = json!(self.limits.elements);
            }
            _ => {}
        }
    }
}

pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The same schema, or null.
fn nullable(mut schema: Value) -> Value {
    match schema.get("type").cloned() {
        Some(Value::String(kind)) => schema["type"] = json!([kind, "null"]),
        _ if schema.get("$ref").is_some() => {
            return json!({ "anyOf": [schema, { "type": "null" }] });
        }
        _ => {}
    }
    schema
}

fn names(schema: &Schema, keeps: fn(Mode) -> bool) -> Vec<String> {
    schema
        .fields
        .iter()
        .filter(|field| keeps(field.mode))
        .map(|field| field.name.to_owned())
        .collect()
}

/// The names in a reply, in order: those that can be there, or those of a record without a value.
fn shown(schema: &'static Schema, view: View, possible: bool) -> Vec<String> {
    let (mut show, mut extras) = (Show::NONE, Vec::new());
    if possible {
        for (position, field) in schema.fields.iter().enumerate() {
            show = show.with(field.full_when).with(field.light_when);
            extras.push((position, "0".to_owned()));
        }
    }
    let plan = Plan::new(schema, view, show);
    let lookups = vec![String::new(); plan.lookups.len()];
    let row = Row { id: 1, updated_at: 0, doc: "{}", lookups: &lookups, extras: &extras };
    let mut out = Vec::new();
    plan.render(&row, &mut Vec::new(), &mut out);
    let record: Map<String, Value> = serde_json::from_slice(&out).unwrap_or_default();
    record.into_iter().map(|(name, _)| name).collect()
}

/// What the catalogue says about a field beyond its type.
fn description(field: &Field, usage: Use) -> String {
    let mut parts = Vec::new();
    if let Some(kind) = field.reference {
        parts.push(format!("The id of a {}; 0 or less is none.", kind.entity().singular));
    }
    if let Source::Name { path: [(id, _), ..], .. } = field.source {
        parts.push(match usage {
            Use::Input => {
                format!("Ignored beside `{id}`; without it, the record of this name is meant.")
            }
            _ => format!("Follows `{id}`."),
        });
    }
    if matches!(field.kind, Kind::DateTime) {
        parts.push("UTC.".to_owned());
    }
    if matches!(field.kind, Kind::Decimal) {
        parts
            .push(format!("Exact, with up to {} decimal places.", if field.fine { 15 } else { 4 }));
    }
    if field.mode == Mode::Secret {
        parts.push("Never returned.".to_owned());
    }
    parts.join(" ")
}
