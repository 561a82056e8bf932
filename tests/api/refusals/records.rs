//! The records that clients and sites point at: agents, top levels, views, files, webhooks, settings.

use aureole_testkit::{Actor, Server};
use serde_json::{Value, json};

use super::{Place, Row, Seen, V, refused};
use crate::writes::{client, id, make};

pub async fn others(server: &Server, seen: &mut Seen) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let other = id(&client(&admin, "Other").await);
    let agent = |field: &str, value: Value| json!({ "name": "New", field: value });
    let table: Vec<Row> = vec![
        (json!({}), V, "name"),
        (agent("role", json!("king")), V, "role"),
        (agent("allowed_clients", json!([{ "client_id": 4711 }])), V, "allowed_clients[0]"),
        (agent("denied_clients", json!([{ "id": 1 }])), V, "denied_clients"),
    ];
    refused(&admin, seen, Place::of("Agent", agent("role", json!("agent"))), table).await;
    let top = id(&make(&admin, "TopLevel", json!({ "name": "Top" })).await);
    let low = id(&make(&admin, "TopLevel", json!({ "name": "Low", "parentid": top })).await);
    let table: Vec<Row> = vec![
        (json!({ "name": "" }), V, "name"),
        (json!({ "name": "New", "parentid": 4711 }), V, "parentid"),
        (json!({ "id": top, "parentid": low }), V, "parentid"),
        (json!({ "id": top, "parentid": top }), V, "parentid"),
    ];
    refused(&admin, seen, Place::of("TopLevel", json!({ "name": "Good" })), table).await;
    let ticket = json!({ "summary": "t", "client_id": acme });
    let ticket = id(&make(&admin, "Tickets", ticket).await);
    let file = |field: &str, value: Value| json!({ "filename": "a.txt", "data_base64": "aGk=", field: value });
    let mut others = file("client_id", json!(other));
    others["ticket_id"] = json!(ticket);
    let table: Vec<Row> = vec![
        (json!({ "data_base64": "aGk=" }), V, "filename"),
        (file("filename", json!("../a")), V, "filename"),
        (json!({ "filename": "a" }), V, "data_base64"),
        (file("data_base64", json!("***")), V, "data_base64"),
        (file("data_base64", json!("AAAA".repeat(3_500_000))), V, "data_base64"),
        (file("content_type", json!("text")), V, "content_type"),
        (others, V, "client_id"),
    ];
    refused(&admin, seen, Place::of("Attachment", file("filename", json!("b"))), table).await;
    views(&admin, seen).await;
    settings(&admin, seen).await;
    webhooks(server, seen).await;
}

async fn views(admin: &Actor, seen: &mut Seen) {
    let sites = json!({ "name": "Sites", "type": "sites", "columns": [] });
    let sites = id(&make(admin, "ViewColumns", sites).await);
    let view = |field: &str, value: Value| json!({ "name": "New", field: value });
    let condition = |name: &str, kind: i64, value: Value| json!([{ "filter_name": name, "filter_type": kind, "filter_value": value }]);
    let key = json!({ "name": "name" });
    let table: Vec<Row> = vec![
        (view("type", json!("cars")), V, "type"),
        (view("columns_id", json!(4711)), V, "columns_id"),
        (view("column_profile_id", json!(4711)), V, "column_profile_id"),
        (view("columns_id", json!(sites)), V, "columns_id"),
        (view("filters", json!(["x"])), V, "filters[0]"),
        (view("filters", condition("nothing", 2, json!("x"))), V, "filters[0]"),
        (view("filters", condition("CFNothing", 2, json!("x"))), V, "filters[0]"),
        (view("filters", json!(vec![json!({}); 51])), V, "filters"),
        (view("order", json!(vec![key; 6])), V, "order"),
        (view("order", json!([{ "name": "nothing" }])), V, "order[0]"),
        (view("order", json!([{ "name": "name", "desc": "maybe" }])), V, "order[0]"),
    ];
    refused(admin, seen, Place::of("ViewLists", json!({ "name": "Good" })), table).await;
    let column = |field: &str, value: Value| {
        let mut column = json!({ "name": "ref" });
        column[field] = value;
        json!({ "name": "New", "columns": [column] })
    };
    let twice = json!({ "name": "New", "columns": [{ "name": "ref" }, { "name": "ref" }] });
    let many = json!({ "name": "New", "columns": vec![json!({ "name": "ref" }); 501] });
    let table: Vec<Row> = vec![
        (json!({ "columns": [] }), V, "name"),
        (view("type", json!(9)), V, "type"),
        (column("name", json!("nothing")), V, "columns[0].name"),
        (column("width", json!(-1)), V, "columns[0].width"),
        (column("position", json!("x")), V, "columns[0].position"),
        (column("title", json!("x".repeat(256))), V, "columns[0].title"),
        (twice, V, "columns[1].name"),
        (many, V, "columns"),
    ];
    let good = json!({ "name": "Good", "columns": [{ "name": "ref" }] });
    refused(admin, seen, Place::of("ViewColumns", good), table).await;
}

async fn settings(admin: &Actor, seen: &mut Seen) {
    let before = admin.get("/api/Settings").await.expect(200);
    for (body, path) in [
        (json!({ "zip": 1 }), "zip"),
        (json!({ "internal_client_id": "x" }), "internal_client_id"),
        (json!({ "internal_client_id": 4711 }), "internal_client_id"),
        (json!({ "default_toplevel_id": -1 }), "default_toplevel_id"),
        (json!({ "default_toplevel_id": 4711 }), "default_toplevel_id"),
        (json!({ "history_days": 0 }), "history_days"),
        (json!({ "history_days": 36_501 }), "history_days"),
        (json!({ "mandatory_fields": ["website"] }), "mandatory_fields"),
        (json!({ "mandatory_fields": { "Car": ["website"] } }), "mandatory_fields"),
        (json!({ "mandatory_fields": { "Client": ["wings"] } }), "mandatory_fields"),
        (json!({ "mandatory_fields": { "Client": ["pritech_name"] } }), "mandatory_fields"),
        (json!({ "period_codes": ["Monthly"] }), "period_codes"),
        (json!({ "period_codes": { "44": "Sometimes" } }), "period_codes"),
    ] {
        let mut both = body.clone();
        both["history_days"] = both.get("history_days").cloned().unwrap_or(json!(90));
        let answer = admin.post("/api/Settings", both.clone()).await;
        seen.refusal(&answer, V, &[path.to_owned()], &both.to_string());
        let answer = admin.post("/api/Settings", json!([both])).await;
        seen.refusal(&answer, V, &[format!("[0].{path}")], &both.to_string());
        assert_eq!(admin.get("/api/Settings").await.expect(200), before, "{both}");
    }
}

async fn webhooks(server: &Server, seen: &mut Seen) {
    let admin = server.admin().await;
    let hook = |field: &str, value: Value| {
        let mut body = json!({ "name": "New", "url": "https://example.com/hook" });
        body[field] = value;
        body
    };
    let table: Vec<Row> = vec![
        (json!({ "url": "https://example.com/hook" }), V, "name"),
        (hook("url", json!("nowhere")), V, "url"),
        (hook("url", json!("https://jo:secret@example.com/hook")), V, "url"),
        (hook("url", json!("http://127.0.0.1/hook")), V, "url"),
        (hook("entities", json!(["Car"])), V, "entities[0]"),
        (hook("events", json!(["sold"])), V, "events[0]"),
    ];
    refused(&admin, seen, Place::of("Webhook", hook("name", json!("Good"))), table).await;
    let made = id(&make(&admin, "Webhook", hook("enabled", json!(false))).await);
    let sent = admin.post(&format!("/api/Webhook/{made}/test"), json!([])).await.expect(201);
    let path = format!("/api/WebhookDelivery/{}/replay", id(&sent));
    let answer = admin.post(&path, json!([])).await;
    seen.refusal(&answer, V, &["id".to_owned()], "a delivery on its way");
    let none = server.start_beside(|config| config.webhooks.per_tenant = 0).await;
    let answer = none.admin().await.post("/api/Webhook", hook("name", json!("One"))).await;
    seen.refusal(&answer, V, &[String::new()], "one webhook too many");
    none.stop().await;
    let table = [
        ("WebhookDelivery?count=0".to_owned(), "count"),
        ("WebhookDelivery?status=lost".to_owned(), "status"),
    ];
    super::asked(&admin, seen, &table).await;
}
