//! The operations beside the table of endpoints, one entry each.

use aureole_catalogue::EntityKind;
use serde_json::{Map, Value, json};

use super::parameters;
use super::records::request_body;
use super::replies::{add_errors, json_reply, reply};
use super::schemas::Schemas;
use super::shapes::{
    change, changes, client_cache, delivery, fields, history, one_or_more, portal_client,
    record_id, restored, settings, strings, token, token_request,
};
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
const AUTHORIZE: &[&str] = crate::auth::authorize::PARAMETERS;
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
