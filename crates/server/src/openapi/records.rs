//! The operations of every kind of record: list, POST, GET by id and DELETE.

use aureole_catalogue::{Entity, EntityKind, query};
use serde_json::{Map, Value, json};

use super::replies::{add_errors, json_reply};
use super::schemas::{Schemas, reference};
use super::{parameters, shared};
use crate::config::Config;
use crate::endpoints::{self, ENDPOINTS, Endpoint, Guard};

/// Other paths of the same records.
const ALIASES: &[(&str, &str)] =
    &[("Site/StockBins", "stockbins"), ("ClientPrepay/use", "prepayuse")];

/// Parameters of every list that only lists with an envelope have.
const PAGING: &[&str] = &["pageinate", "page_no", "page_size", "columns_id", "includecolumns"];

/// Adds the paths of the table of endpoints.
pub fn add(paths: &mut Map<String, Value>, schemas: &mut Schemas, config: &Config) {
    for endpoint in ENDPOINTS {
        let name = path_name(endpoint);
        let many = json!({
            "get": list(endpoint, &name, schemas, config),
            "post": post(endpoint, &name, schemas, config),
        });
        let one = json!({
            "parameters": [{ "$ref": "#/components/parameters/id" }],
            "get": get(endpoint, &name, schemas, config),
            "delete": delete(endpoint, &name, schemas, config),
        });
        paths.insert(format!("/api/{name}"), many);
        paths.insert(format!("/api/{name}/{{id}}"), one);
    }
    for (alias, path) in ALIASES {
        let Some(endpoint) = endpoints::find(path) else { continue };
        let name = alias.replace('/', "");
        let many = json!({
            "get": list(endpoint, &name, schemas, config),
            "post": post(endpoint, &name, schemas, config),
        });
        paths.insert(format!("/api/{alias}"), many);
    }
}

/// The path as people write it: `TopLevel`, not `toplevel`. Letter case does not matter to the server.
pub fn path_name(endpoint: &Endpoint) -> String {
    let entity = endpoint.kind.entity();
    for name in [entity.name, entity.schema.name] {
        if name.eq_ignore_ascii_case(endpoint.path) {
            return name.to_owned();
        }
    }
    let mut letters = endpoint.path.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_ascii_uppercase(), letters.as_str())
    })
}

/// The tag of a kind of record.
pub fn tag(entity: &Entity) -> &'static str {
    entity.name
}

fn operation(endpoint: &Endpoint, verb: &str, name: &str, summary: String, write: bool) -> Value {
    json!({
        "operationId": format!("{verb}{name}"),
        "tags": [tag(endpoint.kind.entity())],
        "summary": summary,
        "security": security(endpoint.guard, write),
    })
}

/// What a token needs: one of these scopes.
fn security(guard: Guard, write: bool) -> Value {
    let verb = if write { "edit" } else { "read" };
    match guard {
        Guard::Areas(areas) => {
            let scopes =
                areas.iter().map(|area| json!({ "oauth2": [format!("{verb}:{}", area.name())] }));
            Value::Array(scopes.collect())
        }
        Guard::Definitions if write => json!([{ "oauth2": ["admin"] }]),
        Guard::Definitions => json!([{ "oauth2": [] }]),
        Guard::Administrators => json!([{ "oauth2": ["admin"] }]),
    }
}

fn query_parameters(
    endpoint: &Endpoint,
    names: &[&str],
    order: &Value,
    config: &Config,
) -> Vec<Value> {
    names.iter().map(|name| parameters::query(endpoint.path, name, order, config)).collect()
}

fn list(endpoint: &Endpoint, name: &str, schemas: &mut Schemas, config: &Config) -> Value {
    let entity = endpoint.kind.entity();
    let popups = endpoint.kind == EntityKind::PopupNote;
    let mut names: Vec<&str> = match popups {
        true => vec!["count"],
        false => query::COMMON.to_vec(),
    };
    if endpoint.envelope.is_none() {
        names.retain(|name| !PAGING.contains(name));
    }
    names.extend(endpoint.list_params);
    let row = if popups { schemas.full(entity) } else { schemas.row(entity) };
    let order = schemas.order(entity);
    let mut operation =
        operation(endpoint, "list", name, format!("Lists {}.", plural(entity)), false);
    operation["parameters"] = Value::Array(query_parameters(endpoint, &names, &order, config));
    let rows = match popups {
        true => json!({ "type": "array", "items": row }),
        false => json!({ "type": "array", "items": { "anyOf": [row, reference("IdOnly")] } }),
    };
    let body = match endpoint.envelope {
        Some(key) => envelope(key, rows),
        None => rows,
    };
    let mut replies = Map::new();
    replies.insert("200".to_owned(), json_reply("The records.", body));
    add_errors(&mut replies, &[400, 401, 403, 429, 500, 503]);
    if names.contains(&"view_id") {
        add_errors(&mut replies, &[404]);
    }
    operation["responses"] = Value::Object(replies);
    operation
}

/// A list in its envelope: with `pageinate` it says which page it is.
fn envelope(key: &str, rows: Value) -> Value {
    json!({
        "type": "object",
        "required": ["record_count", key],
        "properties": {
            "page_no": { "type": "integer", "description": "With `pageinate`: the page." },
            "page_size": { "type": "integer", "description": "With `pageinate`: rows of a page, as served." },
            "record_count": { "type": "integer", "description": "All records that match, not those on this page." },
            key: rows,
            "columns_id": { "type": "integer", "description": "The column profile, when asked for." },
            "columns": { "type": "array", "items": {}, "description": "Its columns, when asked for." },
        },
        "dependentRequired": { "page_no": ["page_size"], "page_size": ["page_no"] },
    })
}

fn post(endpoint: &Endpoint, name: &str, schemas: &mut Schemas, config: &Config) -> Value {
    let entity = endpoint.kind.entity();
    let (input, full) = (schemas.input(entity), schemas.full(entity));
    let mut names: Vec<&str> = endpoint.get_params.to_vec();
    names.extend(["dryrun", "bulkresponse"]);
    let mut parameters = query_parameters(endpoint, &names, &Value::Null, config);
    parameters.extend(["IfMatch", "IdempotencyKey", "Prefer"].map(shared));
    let mut operation =
        operation(endpoint, "save", name, format!("Creates and updates {}.", plural(entity)), true);
    operation["description"] = json!(
        "Takes an array of records, or one bare record. A record without an id, or with 0, is created; one with \
         an id is updated. All of them are written, or none."
    );
    operation["parameters"] = Value::Array(parameters);
    operation["requestBody"] = request_body(input, config);
    let mut shapes = vec![full.clone(), json!({ "type": "array", "items": full.clone() })];
    let mut saved = json_reply(
        "At least one record was created. One record comes back bare, several as an array in the order of the request.",
        json!({ "anyOf": shapes.clone() }),
    );
    saved["headers"]["Idempotency-Replayed"] =
        json!({ "$ref": "#/components/headers/Idempotency-Replayed" });
    let mut replies = Map::new();
    shapes[1] = json!({ "type": "array", "items": { "anyOf": [full, reference("BulkResult")] } });
    if endpoint.kind == EntityKind::Client {
        shapes.push(reference("MergePreview"));
    }
    let mut updated = saved.clone();
    updated["description"] = json!("All records were updated.");
    updated["content"]["application/json"]["schema"]["anyOf"] = Value::Array(shapes);
    replies.insert("200".to_owned(), updated);
    replies.insert("201".to_owned(), saved);
    add_errors(&mut replies, &[400, 401, 403, 404, 412, 413, 415, 422, 429, 500, 503]);
    operation["responses"] = Value::Object(replies);
    operation
}

/// The body of a POST: an array, or one of its elements.
pub fn request_body(element: Value, config: &Config) -> Value {
    let many = json!({ "type": "array", "maxItems": config.limits.records_per_post, "items": element.clone() });
    json!({
        "required": true,
        "description": format!(
            "At most {} bytes. `text/json`, `application/json-patch+json` and `application/*+json` are read as \
             plain JSON as well.",
            config.limits.body_bytes
        ),
        "content": { "application/json": { "schema": { "anyOf": [many, element] } } },
    })
}

fn get(endpoint: &Endpoint, name: &str, schemas: &mut Schemas, config: &Config) -> Value {
    let entity = endpoint.kind.entity();
    let mut operation =
        operation(endpoint, "get", name, format!("Shows one {}.", entity.singular), false);
    let mut names: Vec<&str> = endpoint.get_params.to_vec();
    names.push(crate::api::asof::PARAMETER);
    let mut parameters = query_parameters(endpoint, &names, &Value::Null, config);
    parameters.push(shared("IfNoneMatch"));
    operation["parameters"] = Value::Array(parameters);
    let mut found = json_reply("The record.", schemas.full(entity));
    found["headers"]["ETag"] = json!({ "$ref": "#/components/headers/ETag" });
    let mut replies = Map::new();
    replies.insert("200".to_owned(), found);
    replies.insert(
        "304".to_owned(),
        json!({ "description": "It has not changed since `If-None-Match`." }),
    );
    add_errors(&mut replies, &[400, 401, 403, 404, 429, 500, 503]);
    operation["responses"] = Value::Object(replies);
    operation
}

fn delete(endpoint: &Endpoint, name: &str, schemas: &mut Schemas, config: &Config) -> Value {
    let entity = endpoint.kind.entity();
    let mut operation = operation(
        endpoint,
        "delete",
        name,
        format!("Deletes one {} and what it owns.", entity.singular),
        true,
    );
    let mut text = "Refused with `in_use` when something else points at the record.";
    if endpoint.kind == EntityKind::PrepayLot {
        operation["summary"] = json!("Takes one prepay lot back.");
        text = "The ledger only grows: this adds the lot that takes this one back, and returns it.";
    }
    operation["description"] = json!(text);
    let mut parameters = query_parameters(endpoint, &["dryrun"], &Value::Null, config);
    parameters.push(shared("IfMatch"));
    operation["parameters"] = Value::Array(parameters);
    let mut replies = Map::new();
    let mut gone = json_reply("The record as it was.", schemas.full(entity));
    gone["headers"]["X-Change-Id"] = json!({ "$ref": "#/components/headers/X-Change-Id" });
    replies.insert("200".to_owned(), gone);
    add_errors(&mut replies, &[400, 401, 403, 404, 412, 429, 500, 503]);
    operation["responses"] = Value::Object(replies);
    operation
}

/// The name of several records in a sentence.
fn plural(entity: &Entity) -> String {
    let name = entity.singular;
    if name.ends_with("status") || name.ends_with('x') || name.ends_with("address") {
        return format!("{name}es");
    }
    match name.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{name}s"),
    }
}
