//! Every route of the router, walked with our token and their ids. The list is compared with the
//! router's own text, so that a new route has to be walked too.

use std::collections::BTreeSet;
use std::time::Duration;

use aureole_catalogue::{Kind, Mode, query};
use aureole_server::endpoints::{ENDPOINTS, Endpoint};
use aureole_testkit::{Answer, Server, on_both_databases};
use serde_json::{Value, json};

use super::{OURS, THEIRS, Tenant, rows, tells, tenants};

on_both_databases!(
    odd_routes_keep_to_their_tenant,
    every_parameter_keeps_to_its_tenant,
    nested_records_keep_to_their_tenant,
);

/// Method, path, body and status. `{client}` is the last id of that path in their tenant, which we
/// do not have; `{change}` their last change, `{cursor}` their place in the change feed.
pub type Request = (&'static str, &'static str, &'static str, u16);

pub enum Walk {
    /// Tells everybody the same, without a token.
    Open(&'static str),
    /// Kinds of record, by the table of endpoints: the other tests of this module.
    Table,
    Requests(&'static [Request]),
}

use Walk::{Open, Requests, Table};

/// Any answer but a defect; the body is looked at all the same.
const ANY: u16 = 0;

/// The patterns of `routes::find`, as they stand there.
pub const ROUTES: &[(&str, Walk)] = &[
    (r#"["auth", "token"]"#, Open("/auth/token")),
    (r#"["token"]"#, Open("/token")),
    (r#"["auth", "revoke"]"#, Open("/auth/revoke")),
    (r#"["revoke"]"#, Open("/revoke")),
    (r#"["auth", "authorize"]"#, Open("/auth/authorize")),
    (r#"["authorize"]"#, Open("/authorize")),
    (r#"["auth", "userinfo"]"#, Requests(&[("GET", "/auth/userinfo", "", 200)])),
    (r#"["userinfo"]"#, Requests(&[("GET", "/userinfo", "", 200)])),
    (r#"["authinfo"]"#, Open("/authinfo?tenant=two")),
    (r#"[".well-known", "openid-configuration"]"#, Open("/.well-known/openid-configuration")),
    (
        r#"["auth", ".well-known", "openid-configuration"]"#,
        Open("/auth/.well-known/openid-configuration"),
    ),
    (r#"["auth", "jwks"]"#, Open("/auth/jwks")),
    (r#"[".well-known", "jwks.json"]"#, Open("/.well-known/jwks.json")),
    (r#"["healthz"]"#, Open("/healthz")),
    (r#"["readyz"]"#, Open("/readyz")),
    (r#"["metrics"]"#, Open("/metrics")),
    (r#"["openapi.json"]"#, Open("/openapi.json")),
    (r#"["docs"]"#, Open("/docs")),
    (r#"["docs", file]"#, Open("/docs/index.css")),
    (r#"[]"#, Open("/")),
    (r#"["console"]"#, Open("/console?tenant=two")),
    (r#"["console", file]"#, Open("/console/console.js")),
    (r#"["agent", "me"]"#, Requests(&[("GET", "/Agent/me", "", 200)])),
    (
        r#"["changes"]"#,
        Requests(&[
            ("GET", "/changes?include=record", "", 200),
            ("GET", "/changes?include=record&entity=Client&limit=1000", "", 200),
            ("GET", "/changes?since={cursor}", "", 400),
        ]),
    ),
    (r#"["changes", "stream"]"#, Requests(&[("GET", "/changes/stream?since={cursor}", "", 400)])),
    (r#"["webhookdelivery"]"#, Requests(&[("GET", "/WebhookDelivery", "", 200)])),
    (r#"["webhookdelivery", id]"#, Requests(&[("GET", "/WebhookDelivery/2147483647", "", 404)])),
    (
        r#"["webhookdelivery", id, "replay"]"#,
        Requests(&[("POST", "/WebhookDelivery/2147483647/replay", "[]", 404)]),
    ),
    (r#"["webhook", id, "test"]"#, Requests(&[("POST", "/Webhook/{webhook}/test", "[]", 404)])),
    (
        r#"["history"]"#,
        Requests(&[
            ("GET", "/History?entity=Client&id={client}", "", 200),
            ("GET", "/History?entity=Site&id={site}&count=1000", "", 200),
        ]),
    ),
    (r#"["history", change]"#, Requests(&[("GET", "/History/{change}", "", 404)])),
    (
        r#"["history", change, "restore"]"#,
        Requests(&[("POST", "/History/{change}/restore", "[]", 404)]),
    ),
    (
        r#"["settings"]"#,
        Requests(&[
            ("GET", "/Settings", "", 200),
            ("POST", "/Settings", r#"{"internal_client_id": {client}}"#, 400),
            ("POST", "/Settings", r#"{"default_toplevel_id": {toplevel}}"#, 400),
        ]),
    ),
    (r#"["clientcache"]"#, Requests(&[("GET", "/ClientCache", "", 200)])),
    (
        r#"["site", "stockbins"]"#,
        Requests(&[
            ("GET", "/Site/StockBins", "", 200),
            ("GET", "/Site/StockBins?site_id={site}", "", 200),
            ("POST", "/Site/StockBins", r#"[{"id": {stockbins}, "name": "x"}]"#, 404),
        ]),
    ),
    (r#"["client", "me"]"#, Requests(&[("GET", "/Client/me", "", 404)])),
    (
        r#"["client", "newaccountsid"]"#,
        Requests(&[("POST", "/Client/NewAccountsId", r#"[{"id": {client}, "xeroid": "x"}]"#, 404)]),
    ),
    (
        r#"["client", "paymentmethodupdate"]"#,
        Requests(&[(
            "POST",
            "/Client/PaymentMethodUpdate",
            r#"[{"id": {client}, "stripe_customer_id": "x"}]"#,
            404,
        )]),
    ),
    (
        r#"["recurringitem", "invoiced"]"#,
        Requests(&[(
            "POST",
            "/RecurringItem/invoiced",
            r#"[{"id": {recurringitem}, "invoicenumber": "x"}]"#,
            404,
        )]),
    ),
    (
        r#"["popupnote", "read"]"#,
        Requests(&[("POST", "/PopupNote/read", r#"[{"id": {popupnote}}]"#, 404)]),
    ),
    (
        r#"["clientprepay", "use"]"#,
        Requests(&[
            ("GET", "/ClientPrepay/use?client_id={client}", "", 200),
            ("POST", "/ClientPrepay/use", r#"[{"client_id": {client}, "hours": 1}]"#, 400),
        ]),
    ),
    (
        r#"["webhookdelivery"]"#,
        Requests(&[("GET", "/WebhookDelivery?webhook_id={client}", "", ANY)]),
    ),
    (r#"["webhookdelivery", id]"#, Requests(&[("GET", "/WebhookDelivery/1000000", "", 404)])),
    (
        r#"["webhookdelivery", id, "replay"]"#,
        Requests(&[("POST", "/WebhookDelivery/1000000/replay", "[]", 404)]),
    ),
    (r#"["webhook", id, "test"]"#, Requests(&[("POST", "/Webhook/1000000/test", "[]", 404)])),
    ("[path]", Table),
    (
        "[path, id]",
        Requests(&[
            ("GET", "/Client/{client}?asof=2026-01-01T00:00:00", "", ANY),
            ("GET", "/AzureADConnection/{azureadconnection}?includetenants=true", "", 404),
            ("POST", "/Client", r#"{"id": 1, "_merge_client_into": {client}}"#, 400),
            ("POST", "/Client?dryrun=true", r#"{"id": {client}, "_merge_client_into": 1}"#, 404),
        ]),
    ),
];

/// The patterns of the router, from its text.
fn patterns() -> BTreeSet<String> {
    let text = include_str!("../../../crates/server/src/routes.rs");
    let start = text.find("segments.as_slice() {").unwrap();
    let text = &text[start..start + text[start..].find("\n    };").unwrap()];
    let arms = text.lines().filter(|line| line.trim_start().starts_with(['[', '|']));
    arms.flat_map(|line| line.split("=>").next().unwrap_or("").split('|'))
        .map(|pattern| pattern.trim().trim_end_matches(" if").to_owned())
        .filter(|pattern| !pattern.is_empty())
        .collect()
}

#[test]
fn every_route_is_walked() {
    let walked: BTreeSet<String> =
        ROUTES.iter().map(|(pattern, _)| (*pattern).to_owned()).collect();
    let found = patterns();
    assert!(found.len() > 30 && found.contains("[path, id]"), "{found:?}");
    let new: Vec<&String> = found.difference(&walked).collect();
    assert!(new.is_empty(), "walk these with the ids of another tenant: {new:?}");
}

impl Tenant {
    fn last(&self, path: &str) -> i64 {
        *self.ids[path].last().unwrap()
    }

    /// A text with their ids in the place of names in braces.
    fn fill(&self, text: &str, change: i64, cursor: &str) -> String {
        let mut filled = text.replace("{change}", &change.to_string()).replace("{cursor}", cursor);
        for path in self.ids.keys() {
            filled = filled.replace(&format!("{{{path}}}"), &self.last(path).to_string());
        }
        filled
    }
}

async fn odd_routes_keep_to_their_tenant(server: &Server) {
    let [ours, theirs] = tenants(server).await;
    let before = theirs.everything().await;
    let history = format!("/History?entity=Lookup&id={}", theirs.last("lookup"));
    let change = theirs.actor.get(&history).await.expect(200)[0]["id"].as_i64().unwrap();
    let feed = theirs.actor.get("/changes").await.expect(200);
    let cursor = feed["cursor"].as_str().unwrap().to_owned();
    for (pattern, walk) in ROUTES {
        match walk {
            Open(path) => {
                for actor in [&server.nobody(), &ours.actor] {
                    let answer = actor.get(path).await;
                    assert!(answer.status < 500 && !tells(&answer.text), "{path}: {}", answer.text);
                }
            }
            Table => {}
            Requests(requests) => {
                for (method, path, body, status) in *requests {
                    let path = theirs.fill(path, change, &cursor);
                    let answer = match *method {
                        "GET" => ours.actor.get(&path).await,
                        _ => {
                            let body = theirs.fill(body, change, &cursor);
                            ours.actor.post_text(&path, "application/json", body).await
                        }
                    };
                    let place = format!("{pattern} {method} {path}");
                    assert!(!tells(&answer.text), "{place}: {}", answer.text);
                    let is_right =
                        answer.status == *status || *status == ANY && answer.status < 500;
                    assert!(is_right, "{place}: {} {}", answer.status, answer.text);
                }
            }
        }
    }
    stream_tells_nothing(&ours).await;
    assert!(theirs.everything().await == before, "something of the other tenant was changed");
}

/// Reads our stream of changes for a while, from the very beginning.
async fn stream_tells_nothing(ours: &Tenant) {
    let path = "/changes/stream?since=&include=record";
    let request = ours.actor.request(reqwest::Method::GET, path);
    let mut response = request.send().await.unwrap();
    let mut text = String::new();
    let wait = Duration::from_millis(500);
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout(wait, response.chunk()).await {
        text.push_str(&String::from_utf8_lossy(&chunk));
        if text.len() > 1_000_000 {
            break;
        }
    }
    assert!(text.contains(OURS) && !tells(&text), "{text}");
}

/// What an answer with their id in it has to be: a refusal, or a list without a row.
fn is_empty_or_refused(answer: &Answer, endpoint: &Endpoint) -> bool {
    match answer.status {
        200 => rows(&answer.json(), endpoint).is_empty(),
        status => status == 404 || status == 400,
    }
}

/// Parameters that name a record and still leave rows: they add to the rows, or choose columns.
const NO_FILTERS: &[&str] = &["item_id_qty", "columns_id"];

async fn every_parameter_keeps_to_its_tenant(server: &Server) {
    let [ours, theirs] = tenants(server).await;
    let foreign: BTreeSet<i64> = ENDPOINTS.iter().map(|entry| theirs.last(entry.path)).collect();
    for endpoint in ENDPOINTS {
        let path = endpoint.path;
        for name in query::COMMON.iter().chain(endpoint.list_params) {
            for id in &foreign {
                let place = format!("/{path}?{name}={id}");
                let answer = ours.actor.get(&place).await;
                assert!(answer.status < 500 && !tells(&answer.text), "{place}: {}", answer.text);
                let target = name.strip_suffix("_id").filter(|_| !NO_FILTERS.contains(name));
                let is_foreign = target
                    .and_then(|target| ENDPOINTS.iter().find(|entry| is_named(entry, target)))
                    .is_some_and(|entry| !ours.ids[entry.path].contains(id) && *id > 3);
                if is_foreign {
                    let empty = is_empty_or_refused(&answer, endpoint);
                    assert!(empty, "{place}: {}", answer.text);
                }
            }
        }
        let last = theirs.last(path);
        for name in endpoint.get_params {
            for value in ["true", &last.to_string()] {
                let place = format!("/{path}/{last}?{name}={value}");
                let answer = ours.actor.get(&place).await;
                assert!(matches!(answer.status, 400 | 404), "{place}: {}", answer.text);
                assert!(!tells(&answer.text), "{place}: {}", answer.text);
            }
            let own = ours.last(path);
            let place = format!("/{path}/{own}?{name}={last}");
            let answer = ours.actor.get(&place).await;
            assert!(answer.status < 500 && !tells(&answer.text), "{place}: {}", answer.text);
        }
    }
}

/// True when a parameter's name without `_id` means this kind of record.
fn is_named(endpoint: &Endpoint, target: &str) -> bool {
    endpoint.path == target || endpoint.path.trim_end_matches('s') == target
}

async fn nested_records_keep_to_their_tenant(server: &Server) {
    let [ours, theirs] = tenants(server).await;
    let before = theirs.everything().await;
    let foreign: BTreeSet<i64> = ENDPOINTS.iter().map(|entry| theirs.last(entry.path)).collect();
    for endpoint in ENDPOINTS {
        for field in endpoint.kind.entity().schema.fields {
            let takes = !matches!(field.mode, Mode::Out | Mode::Computed);
            if !takes || !matches!(field.kind, Kind::List(_) | Kind::IntList | Kind::AnyList) {
                continue;
            }
            for id in &foreign {
                let mut element = json!({ "id": id, "name": OURS, "client_id": id, "site_id": id });
                if matches!(field.kind, Kind::IntList) {
                    element = json!(id);
                }
                let mut body: Value = json!({ "id": ours.last(endpoint.path) });
                body[field.name] = json!([element]);
                let answer = ours.actor.post(&format!("/{}", endpoint.path), json!([body])).await;
                let place = format!("/{} {}=[{id}]", endpoint.path, field.name);
                assert!(answer.status < 500 && !tells(&answer.text), "{place}: {}", answer.text);
            }
        }
        let path = format!("/{}/{}?includedetails=true", endpoint.path, ours.last(endpoint.path));
        let read = ours.actor.get(&path).await;
        assert!(!tells(&read.text), "{path}: {}", read.text);
    }
    assert!(theirs.everything().await == before, "something of the other tenant was changed");
    assert!(before.iter().any(|text| text.contains(THEIRS)));
}
