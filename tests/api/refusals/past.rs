//! History, undoing, records as they were, and the change feed.

use aureole_testkit::Server;
use serde_json::json;

use super::{Seen, V, asked};
use crate::writes::{client, id, make};

pub async fn past(server: &Server, seen: &mut Seen) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let changed = admin.post("/api/Client", json!({ "id": acme, "website": "w" })).await;
    changed.expect(200);
    let history = admin.get(&format!("/api/history?entity=Client&id={acme}")).await.expect(200);
    let change_of = |operation: &str| {
        let rows = history.as_array().unwrap();
        let row = rows.iter().find(|row| row["operation"] == operation).unwrap();
        row["id"].as_i64().unwrap()
    };
    let (updated, created) = (change_of("updated"), change_of("created"));
    let at = |url: &str, names: &'static str| (url.to_owned(), names);
    let table = [
        at("history?count=-1", "count"),
        at("history?page_size=0", "page_size"),
        at("history?id=1", "entity"),
        at("history?entity=Car", "entity"),
        at("history?operation=sold", "operation"),
        at("history?from=soon&to=later", "from to"),
        at("history?field=wings", "field"),
        at("changes?entity=Car", "entity"),
        at("changes?limit=0", "limit"),
        at("changes?include=all", "include"),
        at("changes?since=nowhere", "since"),
        at("changes?wait=-1", "wait"),
        at("Client?asof=2026-01-01", "asof"),
        (format!("Client/{acme}?asof=soon"), "asof"),
        (format!("Client/{acme}?asof=2999-01-01"), "asof"),
        (format!("Client/{acme}?asof=2001-01-01&includeprepay=true"), "asof includeprepay"),
    ];
    asked(&admin, seen, &table).await;
    let before = admin.get(&format!("/api/Client/{acme}")).await.expect(200);
    for (change, body, path) in [
        (updated, json!({ "zip": 1 }), "zip"),
        (updated, json!({ "fields": "website" }), "fields"),
        (updated, json!({ "fields": [] }), "fields"),
        (updated, json!({ "fields": [5] }), "fields[0]"),
        (updated, json!({ "fields": ["wings"] }), "fields[0]"),
        (updated, json!({ "fields": ["open_ticket_count"] }), "fields[0]"),
        (updated, json!({ "fields": ["popup_notes"] }), "fields[0]"),
        (created, json!({ "fields": ["website"] }), "fields"),
    ] {
        let answer = admin.post(&format!("/api/history/{change}/restore"), body.clone()).await;
        seen.refusal(&answer, V, &[path.to_owned()], &body.to_string());
    }
    assert_eq!(admin.get(&format!("/api/Client/{acme}")).await.expect(200), before);
    let gone = make(&admin, "CRMNote", json!({ "note": "n", "client_id": acme })).await;
    let gone = id(&gone);
    admin.post("/api/CRMNote", json!({ "id": gone, "note": "m" })).await.expect(200);
    admin.delete(&format!("/api/CRMNote/{gone}")).await.expect(200);
    let history = admin.get(&format!("/api/history?entity=CRMNote&id={gone}")).await.expect(200);
    let rows = history.as_array().unwrap();
    let row = rows.iter().find(|row| row["operation"] == "updated").unwrap();
    let answer = admin.post(&format!("/api/history/{}/restore", row["id"]), json!({})).await;
    seen.refusal(&answer, V, &["change".to_owned()], "a note that is gone");
    // A value of a definition that is gone.
    let tier = id(&make(&admin, "FieldInfo", json!({ "name": "Tier", "usage": 2 })).await);
    for value in [json!("Gold"), json!(null)] {
        let body = json!({ "id": acme, "customfields": [{ "id": tier, "value": value }] });
        admin.post("/api/Client", body).await.expect(200);
    }
    let history = admin.get(&format!("/api/history?entity=Client&id={acme}")).await.expect(200);
    admin.delete(&format!("/api/FieldInfo/{tier}")).await.expect(200);
    let change = &history[0]["id"];
    let answer = admin.post(&format!("/api/history/{change}/restore"), json!({})).await;
    seen.refusal(&answer, V, &["customfields".to_owned()], "a definition that is gone");
}
