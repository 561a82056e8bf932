//! The OpenAPI document, written from the catalogue and the table of endpoints at run time.

mod others;
mod parameters;
mod records;
mod replies;
mod schemas;
mod shapes;
mod sign_in;
mod yaml;

use serde_json::{Map, Value, json};

use crate::auth::Scopes;
use crate::config::Config;
use schemas::Schemas;

pub use yaml::yaml;

/// The whole API as an OpenAPI 3.1 document, for a server that answers under `base_url` (without a
/// slash at the end) with these settings.
#[must_use]
pub fn document(base_url: &str, config: &Config) -> Value {
    let base_url = base_url.trim_end_matches('/');
    let mut schemas = Schemas::new(config.accept_limits());
    let mut paths = Map::new();
    records::add(&mut paths, &mut schemas, config);
    others::add(&mut paths, &mut schemas, config);
    common(&mut schemas);
    let tags = tags(&paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Aureole",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Clients and sites for managed service providers.",
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": if base_url.is_empty() { "/" } else { base_url } }],
        "security": [{ "oauth2": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": security_schemes(base_url),
            "parameters": shared_parameters(),
            "headers": replies::headers(),
            "responses": replies::components(),
            "schemas": schemas.into_map(),
        },
    })
}

const DESCRIPTION: &str = "\
Every path answers with and without `/api` in front, in any letter case, and with or without a slash at the \
end. Every path also has `HEAD` where it has `GET`, and `OPTIONS`; another method is a 405. \
An address that is too long is a 414, and headers that are too long or too many are a 431.\n\n\
Names of parameters may be in any letter case; an empty value counts as absent; booleans are `true` or `false`, \
also `True`, `1` and so on; lists are repeated names, `name[]`, or separated by commas. Unknown parameters and \
fields are ignored, unless the server is strict: then they are a 400.\n\n\
Dates are UTC without a zone; requests may have one. In requests, numbers and booleans may also be texts. \
Decimals are exact.";

/// A parameter that operations share.
fn shared(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

fn shared_parameters() -> Value {
    let header = |name: &str, text: &str| json!({ "name": name, "in": "header", "description": text, "schema": { "type": "string" } });
    let id =
        json!({ "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX });
    let mut key =
        header("Idempotency-Key", "The same key and body within 24 hours returns the first reply.");
    key["schema"]["maxLength"] = json!(255);
    json!({
        "id": { "name": "id", "in": "path", "required": true, "description": "The record's id.", "schema": id },
        "IfMatch": header("If-Match", "An entity tag: the write is refused when the record was changed since."),
        "IfNoneMatch": header("If-None-Match", "An entity tag: the reply is a 304 when nothing was changed since."),
        "Prefer": header("Prefer", "`merge` keeps the elements of collections that the body does not mention."),
        "IdempotencyKey": key,
    })
}

fn security_schemes(base_url: &str) -> Value {
    let scopes: Map<String, Value> = Scopes::supported()
        .into_iter()
        .map(|name| {
            let text = scope_text(&name);
            (name, json!(text))
        })
        .collect();
    let token_url = format!("{base_url}/auth/token");
    let flow = json!({ "tokenUrl": token_url, "refreshUrl": token_url, "scopes": scopes });
    let mut by_browser = flow.clone();
    by_browser["authorizationUrl"] = json!(format!("{base_url}/auth/authorize"));
    json!({
        "oauth2": {
            "type": "oauth2",
            "description": "The right to edit an area is also the right to read it, and `all` is every right.",
            "flows": { "clientCredentials": flow.clone(), "password": flow, "authorizationCode": by_browser },
        },
        "basic": {
            "type": "http", "scheme": "basic",
            "description": "An application's id and secret, at the token endpoint only.",
        },
    })
}

/// What a scope allows.
fn scope_text(name: &str) -> String {
    match (name, name.split_once(':')) {
        ("all", _) => "Everything.".to_owned(),
        ("all:standard", _) => "Every area, without administration.".to_owned(),
        ("admin", _) => "Definitions and settings.".to_owned(),
        (_, Some(("read", area))) => format!("Reads {area}."),
        (_, Some(("edit", area))) => format!("Reads and edits {area}."),
        _ => "Gives no right of its own.".to_owned(),
    }
}

/// The schemas that several operations share.
fn common(schemas: &mut Schemas) {
    let id = json!({ "type": "integer" });
    schemas.add("Error", replies::error_schema());
    schemas.add(
        "IdOnly",
        json!({
            "type": "object", "description": "A row of a list with `idonly`.",
            "required": ["id"], "properties": { "id": id.clone() }, "additionalProperties": false,
        }),
    );
    schemas.add("BulkResult", json!({
        "type": "object",
        "description": "What became of one record of a POST with `bulkresponse`: its id, or what was wrong.",
        "required": ["index", "status"],
        "properties": {
            "index": { "type": "integer", "description": "The place in the request, from 0." },
            "status": { "type": "integer" },
            "id": id,
            "code": { "type": "string" },
            "message": { "type": "string" },
            "errors": { "type": "object", "additionalProperties": { "type": "array", "items": { "type": "string" } } },
        },
        "additionalProperties": false,
    }));
    schemas.add(
        "MergePreview",
        json!({
            "type": "object", "description": "What `_merge_client_into` would do, with `dryrun`.",
            "required": ["moved", "filled"],
            "properties": {
                "moved": { "type": "object", "additionalProperties": { "type": "integer" } },
                "filled": { "type": "array", "items": { "type": "string" } },
            },
            "additionalProperties": false,
        }),
    );
    schemas.add("Condition", json!({
        "type": "object",
        "description": "One condition of an `advanced_search`.",
        "required": ["filter_name", "filter_type"],
        "properties": {
            "filter_name": { "type": "string", "description": "A field of the record, or `CF` and a custom field's name." },
            "filter_type": {
                "type": "integer", "minimum": 0, "maximum": 10,
                "description": "0 in, 1 not in, 2 equals and 3 not equals as text, 4 contains, 5 does not contain, \
                                6 equals, 7 greater, 8 at least, 9 less, 10 at most.",
            },
            "filter_value": {
                "type": ["string", "number", "boolean", "null", "array"],
                "items": { "type": ["string", "number", "boolean", "null"] },
                "description": "For 0 and 1 an array, or a text with commas.",
            },
        },
        "additionalProperties": false,
    }));
}

/// Every tag that an operation has, in the order of the paths.
fn tags(paths: &Map<String, Value>) -> Value {
    let mut names: Vec<&str> = Vec::new();
    for operation in paths.values().filter_map(Value::as_object).flat_map(Map::values) {
        let tags = operation.get("tags").and_then(Value::as_array).into_iter().flatten();
        for name in tags.filter_map(Value::as_str) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.into_iter().map(|name| json!({ "name": name })).collect()
}
