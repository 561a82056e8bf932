//! The operations beside the table of endpoints, one entry each.

use aureole_catalogue::EntityKind;
use serde_json::{Map, Value, json};

use super::parameters;
use super::records::request_body;
use super::replies::{add_errors, json_reply, reply};
use super::schemas::{DATE_OUT, Schemas};
use super::sign_in;
use crate::api::client_actions::{ACCOUNT_IDS, PAYMENT_METHOD};
use crate::config::Config;
use crate::rules::links::ACCOUNT_TENANTS;

/// Who may call.
enum Access {
    Anybody,
    /// A token with one of these scopes; none at all is any token.
    Scopes(&'static [&'static str]),
}

use Access::{Anybody, Scopes};

/// What one operation is.
struct Operation {
    path: &'static str,
    method: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    access: Access,
    /// The names of its parameters; those in capitals are shared ones.
    parameters: &'static [&'static str],
    errors: &'static [u16],
}

const fn get(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
) -> Operation {
    let errors = &[400, 401, 403, 404, 429, 500, 503];
    Operation {
        path,
        method: "get",
        id,
        tag,
        summary,
        access: Scopes(&[]),
        parameters: &[],
        errors,
    }
}

const fn post(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
) -> Operation {
    let errors = &[400, 401, 403, 404, 413, 415, 429, 500, 503];
    Operation {
        path,
        method: "post",
        id,
        tag,
        summary,
        access: Scopes(&[]),
        parameters: &[],
        errors,
    }
}

impl Operation {
    const fn open(mut self, errors: &'static [u16]) -> Operation {
        self.access = Anybody;
        self.errors = errors;
        self
    }
    const fn scopes(mut self, scopes: &'static [&'static str]) -> Operation {
        self.access = Scopes(scopes);
        self
    }
    const fn with(mut self, parameters: &'static [&'static str]) -> Operation {
        self.parameters = parameters;
        self
    }
}

const SIGN_IN: &str = "Sign-in";
const SERVER: &str = "Server";
const OPEN: &[u16] = &[400, 500, 503];
const TOKEN: &[u16] = &[400, 401, 413, 429, 500, 503];
const AUTHORIZE: &[&str] = &[
    "tenant",
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "login_hint",
    "code_challenge",
    "code_challenge_method",
];
const BILLING: &[&str] = &["edit:invoices", "edit:customers"];

const OPERATIONS: &[Operation] = &[
    post("/auth/token", "token", SIGN_IN, "Gives a token.").open(TOKEN).with(&["tenant"]),
    post("/token", "tokenAtRoot", SIGN_IN, "Gives a token; the same as `/auth/token`.").open(TOKEN).with(&["tenant"]),
    post("/auth/revoke", "revoke", SIGN_IN, "Revokes a token and all that came of the same signing in.").open(TOKEN).with(&["tenant"]),
    post("/revoke", "revokeAtRoot", SIGN_IN, "Revokes a token; the same as `/auth/revoke`.").open(TOKEN).with(&["tenant"]),
    get("/auth/authorize", "authorize", SIGN_IN, "The page where people sign in; with PKCE, method S256.").open(OPEN).with(AUTHORIZE),
    post("/auth/authorize", "signIn", SIGN_IN, "The form of that page.").open(OPEN).with(AUTHORIZE),
    get("/authorize", "authorizeAtRoot", SIGN_IN, "The page where people sign in; the same as `/auth/authorize`.").open(OPEN).with(AUTHORIZE),
    post("/authorize", "signInAtRoot", SIGN_IN, "The form of that page; the same.").open(OPEN).with(AUTHORIZE),
    get("/auth/userinfo", "userInfo", SIGN_IN, "Who is behind the token."),
    get("/userinfo", "userInfoAtRoot", SIGN_IN, "Who is behind the token; the same."),
    get("/api/AuthInfo", "authInfo", SIGN_IN, "Says where to sign in.").open(OPEN).with(&["tenant"]),
    get("/.well-known/openid-configuration", "openIdConfiguration", SIGN_IN, "OpenID Connect discovery.").open(OPEN),
    get("/auth/.well-known/openid-configuration", "openIdConfigurationOfAuth", SIGN_IN, "OpenID Connect discovery; the same.").open(OPEN),
    get("/.well-known/jwks.json", "jwks", SIGN_IN, "The public keys that verify tokens.").open(OPEN),
    get("/auth/jwks", "jwksOfAuth", SIGN_IN, "The public keys that verify tokens; the same.").open(OPEN),
    get("/healthz", "health", SERVER, "The program runs.").open(OPEN),
    get("/readyz", "ready", SERVER, "The database answers.").open(OPEN),
    get("/metrics", "metrics", SERVER, "Counters and times, as Prometheus reads them.").open(OPEN),
    get("/api/openapi.json", "openApi", SERVER, "This document.").open(OPEN),
    get("/api/docs", "docs", SERVER, "This document as a page to read and try.").open(OPEN),
    get("/api/docs/{file}", "docsFile", SERVER, "A file of that page.").open(&[400, 404, 500, 503]).with(&["FILE"]),
    get("/console", "console", SERVER, "The console: pages to look at clients and sites. The server's own address leads browsers here.").open(OPEN).with(&["tenant"]),
    get("/console/{file}", "consoleFile", SERVER, "A file of the console.").open(&[400, 404, 500, 503]).with(&["CONSOLE_FILE"]),
    get("/api/Agent/me", "agentMe", "Agent", "The agent behind the token."),
    get("/api/Client/me", "clientMe", "Client", "The client of the signed-in end user."),
    get("/api/ClientCache", "clientCache", SERVER, "The small lists that a program keeps while it runs."),
    get("/api/Settings", "getSettings", "Settings", "The tenant's settings.").scopes(&["admin"]),
    post("/api/Settings", "saveSettings", "Settings", "Changes settings of the tenant; those that are left out stay.").scopes(&["admin"]).with(&["dryrun"]),
    get("/api/changes", "listChanges", "Changes", "What was created, updated, deleted and restored, in commit order and without gaps.").with(&["since", "entity", "limit", "include", "wait"]),
    get("/api/changes/stream", "streamChanges", "Changes", "The same as server-sent events, until the server stops or the token expires.").with(&["since", "entity", "limit", "include", "LAST_EVENT_ID"]),
    get("/api/WebhookDelivery", "listWebhookDeliveries", "Webhook", "The log of deliveries, the newest first.").scopes(&["admin"]).with(&["webhook_id", "status", "before", "count"]),
    get("/api/WebhookDelivery/{id}", "getWebhookDelivery", "Webhook", "One delivery, with what was or will be sent.").scopes(&["admin"]).with(&["ID"]),
    post("/api/WebhookDelivery/{id}/replay", "replayWebhookDelivery", "Webhook", "Sends the same event once more, as a delivery of its own.").scopes(&["admin"]).with(&["ID"]),
    post("/api/Webhook/{id}/test", "testWebhook", "Webhook", "Sends a delivery that tells of nothing.").scopes(&["admin"]).with(&["ID"]),
    get("/api/History", "listHistory", "History", "What was changed, by whom and from what to what, the newest first.").with(crate::api::history::PARAMETERS),
    get("/api/History/{id}", "getHistory", "History", "One change.").with(&["ID"]),
    post("/api/History/{id}/restore", "restore", "History", "Undoes a change: puts its record, or some fields of it, back into the state before.").with(&["ID", "dryrun"]),
    post("/api/Client/NewAccountsId", "saveClientAccountsId", "Client", "Writes the ids that accounting programs gave to clients.").scopes(BILLING),
    post("/api/Client/PaymentMethodUpdate", "saveClientPaymentMethod", "Client", "Sets a client's stored payment method, or clears it with null. An end user's token may do so for its own client.").scopes(BILLING),
    post("/api/PopupNote/read", "readPopupNote", "PopupNote", "Marks popup notes as read or dismissed by the calling agent.").scopes(&["read:customers"]).with(&["dryrun"]),
    post("/api/RecurringItem/invoiced", "invoicedRecurringItem", "RecurringItem", "Says that items were put on an invoice, so that their due date moves on.").scopes(&["edit:items"]).with(&["dryrun"]),
];

/// Adds the paths.
pub fn add(paths: &mut Map<String, Value>, schemas: &mut Schemas, config: &Config) {
    for operation in OPERATIONS {
        let built = build(operation, schemas, config);
        let entry = paths.entry(operation.path).or_insert_with(|| json!({}));
        entry[operation.method] = built;
    }
}

fn build(operation: &Operation, schemas: &mut Schemas, config: &Config) -> Value {
    let security = match operation.access {
        // The application's id and secret may come by HTTP Basic.
        Anybody if operation.path.ends_with("/token") || operation.path.ends_with("/revoke") => {
            json!([{ "basic": [] }, {}])
        }
        Anybody => json!([]),
        Scopes([]) => json!([{ "oauth2": [] }]),
        Scopes(scopes) => scopes.iter().map(|scope| json!({ "oauth2": [scope] })).collect(),
    };
    let folder = operation.path.rsplit('/').next().unwrap_or("").to_ascii_lowercase();
    let parameter = |name: &&str| match *name {
        "ID" => json!({ "$ref": "#/components/parameters/id" }),
        "LAST_EVENT_ID" => json!({
            "name": "Last-Event-ID", "in": "header", "schema": { "type": "string" },
            "description": "The `id` of the last event that was received; wins over `since`.",
        }),
        "FILE" => json!({
            "name": "file", "in": "path", "required": true,
            "schema": { "type": "string", "enum": crate::api::openapi::FILES },
        }),
        "CONSOLE_FILE" => {
            let names: Vec<&str> = crate::api::console::FILES.iter().map(|file| file.0).collect();
            json!({
                "name": "file", "in": "path", "required": true,
                "schema": { "type": "string", "enum": names },
            })
        }
        name => parameters::query(&folder, name, &Value::Null, config),
    };
    let parameters: Vec<Value> = operation.parameters.iter().map(parameter).collect();
    let mut built = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": security,
    });
    if !parameters.is_empty() {
        built["parameters"] = Value::Array(parameters);
    }
    if let Some(body) = body(operation.path, config).filter(|_| operation.method == "post") {
        built["requestBody"] = body;
    }
    if sign_in::is_page(operation.path) {
        built["responses"] = sign_in::page_replies();
        return built;
    }
    let mut replies = Map::new();
    let makes = operation.path.ends_with("/replay") || operation.path.ends_with("/test");
    let status = if makes { "201" } else { "200" };
    replies.insert(status.to_owned(), answer(operation, schemas));
    add_errors(&mut replies, operation.errors);
    built["responses"] = Value::Object(replies);
    built
}

fn answer(operation: &Operation, schemas: &mut Schemas) -> Value {
    let text = json!({ "type": "string" });
    let schema = match operation.path {
        "/metrics" => return reply("The metrics.", "text/plain", text),
        "/api/docs" | "/console" => return reply("The page.", "text/html", text),
        "/api/docs/{file}" | "/console/{file}" => {
            let mut file = reply("The file.", "text/javascript", text.clone());
            file["content"]["text/css"] = json!({ "schema": text });
            return file;
        }
        "/api/changes/stream" => {
            let events = "Events `change`, whose `id` is a cursor and whose `data` is a change as in \
                          `/api/changes`, and a last event `end` whose `data` has `code` and `message`.";
            // OpenAPI 3.1 has one schema for a stream: that of each of its events.
            let fields = json!({ "id": text.clone(), "event": text.clone(), "data": text.clone() });
            let event = json!({ "type": "object", "properties": fields });
            return reply(events, "text/event-stream", event);
        }
        "/api/changes" => changes(),
        "/api/WebhookDelivery" => json!({ "type": "array", "items": delivery() }),
        "/api/WebhookDelivery/{id}"
        | "/api/WebhookDelivery/{id}/replay"
        | "/api/Webhook/{id}/test" => delivery(),
        "/auth/token" | "/token" => token(),
        "/auth/userinfo" | "/userinfo" => strings(&["sub", "name", "email"]),
        "/api/AuthInfo" => strings(&["auth_url", "tenant_id", "name", "version"]),
        "/healthz" | "/readyz" => strings(&["status"]),
        "/api/Agent/me" => schemas.full(EntityKind::Agent.entity()),
        "/api/Client/me" => portal_client(schemas),
        "/api/ClientCache" => client_cache(),
        "/api/Settings" => settings(),
        "/api/History" => history(),
        "/api/History/{id}" => change(),
        "/api/History/{id}/restore" => restored(),
        "/api/Client/NewAccountsId" => one_or_more(schemas.full(EntityKind::Client.entity())),
        "/api/Client/PaymentMethodUpdate" => one_or_more(portal_client(schemas)),
        "/api/PopupNote/read" => one_or_more(schemas.full(EntityKind::PopupNote.entity())),
        "/api/RecurringItem/invoiced" => {
            one_or_more(schemas.full(EntityKind::RecurringItem.entity()))
        }
        _ => json!({ "type": "object" }),
    };
    json_reply("Done.", schema)
}

/// The body of a POST.
fn body(path: &str, config: &Config) -> Option<Value> {
    let element = match path {
        "/auth/token" | "/token" => return Some(token_request()),
        "/auth/revoke" | "/revoke" => return Some(sign_in::revocation()),
        "/auth/authorize" | "/authorize" => return Some(sign_in::page_form()),
        "/api/Settings" => {
            let mut schema = settings();
            if let Some(schema) = schema.as_object_mut() {
                schema.remove("required");
            }
            schema["additionalProperties"] = json!(false);
            schema["properties"]["history_days"] =
                json!({ "type": "integer", "minimum": 1, "maximum": 36_500 });
            // Null is the default.
            for property in
                schema["properties"].as_object_mut().into_iter().flat_map(Map::values_mut)
            {
                property["type"] = json!([property["type"].clone(), "null"]);
            }
            return Some(
                json!({ "required": true, "content": { "application/json": { "schema": schema } } }),
            );
        }
        "/api/Client/NewAccountsId" => fields(&[ACCOUNT_IDS, ACCOUNT_TENANTS].concat()),
        "/api/Client/PaymentMethodUpdate" => fields(PAYMENT_METHOD),
        "/api/PopupNote/read" => json!({
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": record_id(),
                "read_status": {
                    "type": ["integer", "null"], "enum": [0, 1, 2, null],
                    "description": "0 unread, 1 read (the default), 2 dismissed.",
                },
            },
        }),
        "/api/RecurringItem/invoiced" => json!({
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": record_id(),
                "invoicenumber": { "type": ["string", "integer", "null"] },
                "date": {
                    "type": ["string", "null"],
                    "description": "The due date that was invoiced; without it the item's next invoice date.",
                },
            },
        }),
        // What undoes a deletion is in its path.
        _ => return restore_body(path),
    };
    Some(request_body(element, config))
}

fn restore_body(path: &str) -> Option<Value> {
    if path.ends_with("/replay") || path.ends_with("/test") {
        let schema = json!({ "description": "Not read; `[]` does." });
        return Some(
            json!({ "required": true, "content": { "application/json": { "schema": schema } } }),
        );
    }
    let schema = json!({
        "type": "object",
        "properties": {
            "fields": {
                "type": ["array", "null"], "minItems": 1, "items": { "type": "string" },
                "description": "Puts just these fields back; without it the whole record.",
            },
        },
        "additionalProperties": false,
    });
    (path == "/api/History/{id}/restore").then(
        || json!({ "required": false, "content": { "application/json": { "schema": schema } } }),
    )
}

fn record_id() -> Value {
    json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": i32::MAX })
}

/// A client's id and some fields of the client.
fn fields(names: &[&str]) -> Value {
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
fn portal_client(schemas: &mut Schemas) -> Value {
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

fn one_or_more(record: Value) -> Value {
    json!({ "anyOf": [record.clone(), { "type": "array", "items": record }] })
}

/// An object of texts that are all there.
fn strings(names: &[&str]) -> Value {
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
    json!({ "type": "object", "required": names, "properties": properties })
}

fn token() -> Value {
    let mut token = strings(&["access_token", "token_type", "scope", "refresh_token", "id_token"]);
    token["properties"]["token_type"]["const"] = json!("Bearer");
    token["properties"]["expires_in"] = json!({ "type": "integer", "description": "In seconds." });
    token["required"] =
        json!(["access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"]);
    token
}

fn token_request() -> Value {
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

fn client_cache() -> Value {
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

fn settings() -> Value {
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
fn delivery() -> Value {
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
fn changes() -> Value {
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
fn history() -> Value {
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
fn change() -> Value {
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

fn restored() -> Value {
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
