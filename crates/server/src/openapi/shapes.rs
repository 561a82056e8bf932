//! The shapes of bodies and replies that are no kind of record.

use aureole_catalogue::EntityKind;
use serde_json::{Map, Value, json};

use super::schemas::{DATE_OUT, Schemas};

pub fn record_id() -> Value {
    json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": i32::MAX })
}

/// A client's id and some fields of the client.
pub fn fields(names: &[&str]) -> Value {
    let schema = EntityKind::Client.entity().schema.name;
    let mut properties = Map::new();
    properties.insert("id".to_owned(), record_id());
    for name in names {
        let field = format!("#/components/schemas/{schema}Input/properties/{name}");
        properties.insert((*name).to_owned(), json!({ "$ref": field }));
    }
    json!({ "type": "object", "required": ["id"], "properties": properties })
}

/// What an end user sees of its client: fields of the record, without most.
pub fn portal_client(schemas: &mut Schemas) -> Value {
    schemas.full(EntityKind::Client.entity());
    let record = EntityKind::Client.entity().schema.name;
    json!({
        "type": "object",
        "required": ["id", "name"],
        "description": "The client's record; an end user's token sees few of its fields.",
        "properties": {
            "id": { "$ref": format!("#/components/schemas/{record}/properties/id") },
            "name": { "$ref": format!("#/components/schemas/{record}/properties/name") },
        },
    })
}

pub fn one_or_more(record: Value) -> Value {
    json!({ "anyOf": [record.clone(), { "type": "array", "items": record }] })
}

/// An object of texts that are all there.
pub fn strings(names: &[&str]) -> Value {
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
    json!({ "type": "object", "required": names, "properties": properties })
}

pub fn token() -> Value {
    let mut token = strings(&["access_token", "token_type", "scope", "refresh_token", "id_token"]);
    token["properties"]["token_type"]["const"] = json!("Bearer");
    token["properties"]["expires_in"] = json!({ "type": "integer", "description": "In seconds." });
    token["required"] =
        json!(["access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"]);
    token
}

pub fn token_request() -> Value {
    let mut form = strings(&[
        "grant_type",
        "client_id",
        "client_secret",
        "scope",
        "username",
        "password",
        "refresh_token",
        "code",
        "redirect_uri",
        "code_verifier",
        "tenant",
    ]);
    form["required"] = json!(["grant_type"]);
    form["properties"]["grant_type"]["enum"] =
        json!(["client_credentials", "password", "authorization_code", "refresh_token"]);
    form["properties"]["scope"]["description"] =
        json!("Scopes, separated by spaces; without it all that the application has.");
    form["properties"]["client_id"]["description"] =
        json!("The application's id and secret may come by HTTP Basic instead.");
    for name in ["client_secret", "password", "refresh_token", "code", "code_verifier"] {
        form["properties"][name]["writeOnly"] = json!(true);
    }
    json!({
        "required": true,
        "content": {
            "application/x-www-form-urlencoded": { "schema": form.clone() },
            "application/json": { "schema": form },
        },
    })
}

pub fn client_cache() -> Value {
    let names = json!({
        "type": "array",
        "items": {
            "type": "object", "required": ["id", "name"],
            "properties": { "id": { "type": "integer" }, "name": { "type": "string" } },
        },
    });
    json!({
        "type": "object",
        "required": ["tenant", "agent_id", "version", "agents", "tickettypes", "statuses", "toplevels"],
        "properties": {
            "tenant": { "type": "string" },
            "agent_id": { "type": "integer" },
            "version": { "type": "string" },
            "agents": names.clone(), "tickettypes": names.clone(), "statuses": names.clone(), "toplevels": names,
        },
    })
}

pub fn settings() -> Value {
    json!({
        "type": "object",
        "required": ["internal_client_id", "default_toplevel_id", "mandatory_fields", "period_codes", "history_days"],
        "properties": {
            "internal_client_id": { "type": "integer", "minimum": 0, "maximum": i32::MAX, "description": "The client that is the firm itself; 0 is none." },
            "default_toplevel_id": { "type": "integer", "minimum": 0, "maximum": i32::MAX, "description": "Where a client goes that names no top level; 0 is the first one." },
            "mandatory_fields": {
                "type": "object", "additionalProperties": { "type": "array", "items": { "type": "string" } },
                "description": "Fields that must be set, by kind of record: `{\"Client\": [\"website\"]}`.",
            },
            "period_codes": {
                "type": "object", "propertyNames": { "pattern": "^[0-9]{1,2}$" }, "additionalProperties": { "type": "string" },
                "description": "The labels of period codes: `{\"2\": \"Monthly\"}`.",
            },
            "history_days": { "type": ["integer", "null"], "description": "For how many days a deletion can be undone; null is as the server is configured." },
        },
    })
}

/// An entry of the log of deliveries.
pub fn delivery() -> Value {
    let integer = |text: &str| json!({ "type": "integer", "description": text });
    let text = |text: &str| json!({ "type": "string", "description": text });
    json!({
        "type": "object",
        "required": [
            "id", "webhook_id", "event_id", "event", "entity", "record_id", "status", "attempts",
            "created_at", "response_code", "duration_ms", "error", "replay_of",
        ],
        "properties": {
            "id": integer("The delivery; the header `X-Aureole-Delivery-Id`."),
            "webhook_id": integer("Whose it is."),
            "event_id": text("The change; the same in every repetition."),
            "event": text("What happened to the record, or `test`."),
            "entity": text("The kind of record."),
            "record_id": integer("The record's id."),
            "status": { "type": "string", "enum": ["pending", "delivered", "parked"] },
            "attempts": integer("How often it was tried."),
            "created_at": { "type": "string", "pattern": DATE_OUT },
            "last_attempt_at": { "type": "string", "pattern": DATE_OUT },
            "next_attempt_at": { "type": "string", "pattern": DATE_OUT },
            "response_code": integer("The receiver's last status; 0 when there was none."),
            "duration_ms": integer("How long the last attempt took."),
            "error": text("What went wrong last; empty when nothing did."),
            "replay_of": integer("The delivery that this one repeats, or 0."),
            "body": { "type": "object", "description": "What is sent; in a reply about one delivery." },
        },
    })
}

/// A page of the change feed.
pub fn changes() -> Value {
    let integer = |text: &str| json!({ "type": "integer", "description": text });
    let text = |text: &str| json!({ "type": "string", "description": text });
    let change = json!({
        "type": "object",
        "required": [
            "cursor", "at", "entity", "id", "client_id", "operation", "rev", "application", "agent_id",
            "user_id", "request_id", "imported", "automations",
        ],
        "properties": {
            "cursor": text("The place behind this change."),
            "at": { "type": "string", "pattern": DATE_OUT },
            "entity": text("The kind of record."),
            "id": integer("The record's id."),
            "client_id": integer("The client that the record belongs to; 0 when it belongs to none."),
            "operation": { "type": "string", "enum": ["created", "updated", "deleted", "restored"] },
            "rev": integer("The record's `ETag` after the change, without the quotes."),
            "application": text("The application that wrote."),
            "agent_id": integer("The agent behind it, or 0."),
            "user_id": integer("The end user behind it, or 0."),
            "request_id": text("The `X-Request-Id` of the request."),
            "imported": { "type": "boolean", "description": "The request said `_isimport`." },
            "automations": { "type": "boolean", "description": "False after `_dont_fire_automations`: no webhook." },
            "record": {
                "type": ["object", "null"],
                "description": "With `include=record`: the record as it is now, and of a deletion as it was last.",
            },
        },
    });
    json!({
        "type": "object",
        "required": ["changes", "cursor", "more"],
        "properties": {
            "changes": { "type": "array", "items": change },
            "cursor": text("The `since` of the next request."),
            "more": { "type": "boolean", "description": "The next request need not wait." },
        },
    })
}

/// The changes that were asked for; in an envelope when they come in pages.
pub fn history() -> Value {
    let changes = json!({ "type": "array", "items": change() });
    json!({ "anyOf": [changes.clone(), {
        "type": "object",
        "required": ["page_no", "page_size", "record_count", "changes"],
        "properties": {
            "page_no": { "type": "integer" }, "page_size": { "type": "integer" },
            "record_count": { "type": "integer" }, "changes": changes,
        },
    }] })
}

/// An entry of the history.
pub fn change() -> Value {
    let integer = json!({ "type": "integer" });
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["id", "entity", "record_id", "operation", "datetime", "fields"],
        "properties": {
            "id": integer.clone(), "entity": text.clone(), "record_id": integer.clone(),
            "record_name": text.clone(), "client_id": integer.clone(),
            "operation": { "type": "string", "enum": ["created", "updated", "deleted", "restored"] },
            "action": {
                "type": "string", "enum": ["", "merge", "restore"],
                "description": "What the change was part of; a merge is undone as a whole.",
            },
            "restores": { "type": "integer", "description": "The change that this one undid; 0 for none." },
            "datetime": { "type": "string", "pattern": DATE_OUT },
            "application": text.clone(), "agent_id": integer.clone(), "agent_name": text.clone(),
            "user_id": integer.clone(), "user_name": text.clone(), "request_id": text,
            "imported": { "type": "boolean" },
            "batch": {
                "type": "integer",
                "description": "The first of the changes that were made together with this one.",
            },
            "fields": {
                "type": "object",
                "description": "`before` and `after` of every changed field; `changed` in place of a secret.",
                "additionalProperties": { "anyOf": [
                    { "type": "string", "const": "changed" },
                    { "type": "object", "required": ["before", "after"] },
                ] },
            },
        },
    })
}

pub fn restored() -> Value {
    let record = json!({
        "type": "object", "required": ["entity", "id", "operation", "change"],
        "properties": {
            "entity": { "type": "string" }, "id": { "type": "integer" },
            "operation": { "type": "string" }, "change": { "type": "integer" },
            "fields": { "type": "array", "items": { "type": "string" } },
        },
    });
    json!({
        "type": "object", "required": ["change", "changed", "dryrun", "restored"],
        "properties": {
            "change": { "type": "integer", "description": "The change that was undone." },
            "changed": { "type": "boolean", "description": "False when everything was so already." },
            "dryrun": { "type": "boolean" },
            "undo": { "type": ["integer", "null"], "description": "The change that undoes this." },
            "restored": { "type": "array", "items": record },
            "_warning": { "type": "string" },
        },
    })
}
