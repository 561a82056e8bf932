//! What published clients ask for when they start, and the tenant's settings.

use aureole_server::auth::Role;
use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    start_up_calls_are_answered,
    settings_are_kept_and_checked,
    suppliers_have_columns_and_links,
    an_agents_limits_keep_a_client,
    every_reference_record_has_a_name,
);

async fn start_up_calls_are_answered(server: &Server) {
    let admin = server.admin().await;
    let lookup = admin.get("/api/Lookup?lookupid=11").await.expect(200);
    let rows = lookup.as_array().unwrap();
    assert!(!rows.is_empty());
    assert!(
        rows.iter().all(|row| row["lookupid"] == 11 && row["id"].is_i64() && row["name"] != "")
    );
    make(&admin, "Lookup", json!({ "lookupid": 77, "name": "Ours" })).await;
    let ours = admin.get("/api/Lookup?lookupid=77").await.expect(200);
    assert_eq!((ours.as_array().unwrap().len(), &ours[0]["name"]), (1, &json!("Ours")));
    for (usage, name) in [(2, "Tier"), (3, "Floor")] {
        make(&admin, "FieldInfo", json!({ "name": name, "type": 0, "usage": usage })).await;
        let list = admin.get(&format!("/api/FieldInfo?typeid={usage}")).await.expect(200);
        assert_eq!((list.as_array().unwrap().len(), &list[0]["name"]), (1, &json!(name)));
    }
    for (path, key) in [
        ("Agent", ""),
        ("Status", ""),
        ("TicketType", ""),
        ("Users", "users"),
        ("Tickets", "tickets"),
        ("TopLevel", "tree"),
    ] {
        let list = admin.get(&format!("/api/{path}")).await.expect(200);
        let rows = if key.is_empty() { &list } else { &list[key] };
        assert!(rows.is_array(), "{path}: {list}");
    }
    let me = admin.get("/api/Agent/me").await.expect(200);
    let cache = admin.get("/api/ClientCache").await.expect(200);
    assert_eq!(cache["agent_id"], me["id"]);
    for name in ["agents", "tickettypes", "statuses", "toplevels"] {
        assert!(cache[name].is_array(), "{name}: {cache}");
    }
    let errors = admin.get("/api/Lookup?lookupid=x").await.expect_error(400, "validation");
    assert!(errors["lookupid"].is_array());
    // The records that clients and sites point at, each under its own name.
    for path in [
        "Organisation TopLevel TicketArea Status Tax Currency Surcharge BillingTemplate Item",
        "InvoiceTemplate CustomButton FAQList FAQLists ViewColumns Field Supplier",
    ]
    .iter()
    .flat_map(|paths| paths.split_whitespace())
    {
        let mut body = json!({ "name": format!("Of {path}") });
        if path == "ViewColumns" {
            body["type"] = json!("clients");
        }
        let made = id(&make(&admin, path, body).await);
        assert_eq!(get(&admin, path, made, "").await["name"], format!("Of {path}"), "{path}");
        let list = admin.get(&format!("/api/{path}")).await.expect(200);
        assert!(list.to_string().contains(&format!("Of {path}")), "{path}: {list}");
        admin.delete(&format!("/api/{path}/{made}")).await.expect(200);
    }
}

async fn settings_are_kept_and_checked(server: &Server) {
    let admin = server.admin().await;
    let defaults = admin.get("/api/Settings").await.expect(200);
    // What was read can be posted back, and changes nothing.
    assert_eq!(admin.post("/api/Settings", defaults.clone()).await.expect(200), defaults);
    let us = id(&client(&admin, "Us").await);
    let level = id(&make(&admin, "TopLevel", json!({ "name": "New" })).await);
    let body = json!({ "internal_client_id": us, "default_toplevel_id": level, "history_days": 7 });
    let would = admin.post("/api/Settings?dryrun=true", body.clone()).await.expect(200);
    assert_eq!(would["history_days"], 7);
    assert_eq!(admin.get("/api/Settings").await.expect(200), defaults);
    let saved = admin.post("/api/Settings", body).await.expect(200);
    assert_eq!(
        (&saved["internal_client_id"], &saved["default_toplevel_id"]),
        (&json!(us), &json!(level))
    );
    assert_eq!(client(&admin, "Next").await["toplevel_id"], level);
    admin.delete(&format!("/api/TopLevel/{level}")).await.expect_error(400, "in_use");
    let bad = json!([{
        "nothing": 1, "internal_client_id": 4711, "default_toplevel_id": "x", "history_days": 0,
        "mandatory_fields": { "Client": ["nothing"] }, "period_codes": { "a": "Monthly" },
    }]);
    let errors = admin.post("/api/Settings", bad).await.expect_error(400, "validation");
    assert_eq!(errors.as_object().unwrap().len(), 6, "{errors}");
    assert!(errors["[0].nothing"].is_array(), "{errors}");
    for fields in [
        json!({ "Client": ["open_ticket_count"] }),
        json!({ "Client": ["toplevel_name"] }),
        json!({ "Nothing": [] }),
        json!(["Client"]),
    ] {
        let body = json!({ "mandatory_fields": fields });
        admin.post("/api/Settings", body).await.expect_error(400, "validation");
    }
    assert_eq!(admin.get("/api/Settings").await.expect(200), saved);
    let nulls =
        json!({ "internal_client_id": null, "default_toplevel_id": null, "history_days": null });
    assert_eq!(admin.post("/api/Settings", nulls).await.expect(200), defaults);
    let agent = server.actor("default", "plain", "all", Role::Agent).await;
    agent.get("/api/Settings").await.expect_error(403, "forbidden");
    agent.post("/api/Settings", json!({})).await.expect_error(403, "forbidden");
}

async fn suppliers_have_columns_and_links(server: &Server) {
    let admin = server.admin().await;
    for name in ["Kabel", "Draht"] {
        make(&admin, "Supplier", json!({ "name": name })).await;
    }
    let page =
        admin.get("/api/Supplier?pageinate=true&page_size=1&includecolumns=true").await.expect(200);
    let keys: Vec<&String> = page.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["page_no", "page_size", "record_count", "suppliers", "columns_id", "columns"]
    );
    assert_eq!((&page["record_count"], &page["columns"][0]["name"]), (&json!(2), &json!("name")));
    let profile = json!({ "name": "Mine", "type": "suppliers", "columns": [{ "name": "contact_name", "title": "Who" }] });
    let profile = id(&make(&admin, "ViewColumns", profile).await);
    let list = admin.get(&format!("/api/Supplier?columns_id={profile}")).await.expect(200);
    assert_eq!(
        (&list["columns_id"], &list["columns"][0]["title"]),
        (&json!(profile), &json!("Who"))
    );
    admin.get(&format!("/api/Client?columns_id={profile}")).await.expect_error(400, "validation");
    admin.get("/api/Supplier?columns_id=4711").await.expect_error(404, "not_found");
    let view = json!({
        "name": "K", "type": "suppliers", "columns_id": profile,
        "filters": [{ "filter_name": "name", "filter_type": 4, "filter_value": "kab" }],
    });
    let view = id(&make(&admin, "ViewLists", view).await);
    let list =
        admin.get(&format!("/api/Supplier?view_id={view}&includecolumns=true")).await.expect(200);
    assert_eq!((&list["record_count"], &list["columns_id"]), (&json!(1), &json!(profile)));
    // One more link for programs that don't post the whole list.
    let kabel = list["suppliers"][0]["id"].as_i64().unwrap();
    for link in ["a", "b"] {
        let body = json!({ "id": kabel, "new_external_link": { "third_party_id": link } });
        admin.post("/api/Supplier", body).await.expect(200);
    }
    let full = get(&admin, "Supplier", kabel, "?includedetails=true").await;
    let links: Vec<(&Value, &Value)> = full["external_links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (&link["id"], &link["third_party_id"]))
        .collect();
    assert_eq!(links, [(&json!(1), &json!("a")), (&json!(2), &json!("b"))]);
    assert_eq!(full["contract_count"], 0);
}

async fn an_agents_limits_keep_a_client(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    for list in ["allowed_clients", "denied_clients"] {
        let body = json!({ "name": list, "email": format!("{list}@example.com"), list: [{ "client_id": acme }] });
        let agent = id(&make(&admin, "Agent", body).await);
        let refused = admin.delete(&format!("/api/Client/{acme}")).await;
        refused.expect_error(400, "in_use");
        assert_eq!(refused.json()["counts"]["agents"], 1, "{}", refused.text);
        admin.post("/api/Agent", json!({ "id": agent, list: [] })).await.expect(200);
    }
    admin.delete(&format!("/api/Client/{acme}")).await.expect(200);
}

/// A name is all that each of them needs, and what it is found by.
async fn every_reference_record_has_a_name(server: &Server) {
    let admin = server.admin().await;
    for path in [
        "TopLevel",
        "Organisation",
        "Agent",
        "TicketType",
        "TicketArea",
        "AzureADConnection",
        "Tax",
        "Currency",
        "Surcharge",
        "BillingTemplate",
        "InvoiceTemplate",
        "Item",
        "FieldInfo",
        "Field",
        "CustomButton",
        "FAQList",
        "Address",
        "ExternalLink",
        "ViewLists",
        "ViewColumns",
        "Lookup",
        "Status",
    ] {
        let name = format!("A {path}");
        let made = admin.post(&format!("/{path}"), json!([{ "name": name }])).await.expect(201);
        assert_eq!((&made["name"], made.get("_warning")), (&json!(name), None), "{path}");
        let record = format!("/{path}/{}", made["id"]);
        assert_eq!(admin.get(&record).await.expect(200)["name"], json!(name), "{path}");
        let list = admin.get(&format!("/{path}?search={path}")).await.expect(200);
        let rows = list.get("tree").unwrap_or(&list).as_array().unwrap();
        assert!(rows.iter().any(|row| row["name"] == json!(name)), "{path}: {list}");
        let change = json!([{ "id": made["id"], "name": format!("B {path}") }]);
        admin.post(&format!("/{path}"), change).await.expect(200);
        assert_eq!(admin.delete(&record).await.expect(200)["id"], made["id"], "{path}");
        admin.get(&record).await.expect_error(404, "not_found");
    }
}
