//! What is nested in a client: replaced, merged, kept.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    collections_are_replaced,
    collections_merge_when_asked,
    custom_fields_merge_by_id_or_name,
    nested_objects_come_with_details,
    permitted_ticket_types_are_pairs,
    elements_with_only_an_id_are_records,
);

/// The collection of a client as a GET with details shows it.
async fn details(admin: &Actor, client: i64, name: &str) -> Vec<Value> {
    get(admin, "Client", client, "?includedetails=true").await[name].as_array().unwrap().clone()
}

async fn collections_are_replaced(server: &Server) {
    let admin = server.admin().await;
    let guid = |last: u8| format!("00000000-0000-4000-8000-0000000000{last:02}");
    let collections = [
        ("popup_notes", "note", json!("first"), json!("second"), json!("third")),
        ("areaitems", "areaitemdesc", json!("first"), json!("second"), json!("third")),
        ("azure_tenants", "azure_tenant_id", json!(guid(1)), json!(guid(2)), json!(guid(3))),
        ("external_links", "third_party_id", json!("first"), json!("second"), json!("third")),
        ("billingplans", "plan_name", json!("first"), json!("second"), json!("third")),
    ];
    let other = client(&admin, "Other").await;
    for (name, field, first, second, third) in collections {
        let body = json!([{ "name": name, name: [{ field: first }, { field: second }] }]);
        let made = id(&make(&admin, "Client", body).await);
        let read = details(&admin, made, name).await;
        assert_eq!(read.len(), 2, "{name}: {read:?}");
        assert_eq!((&read[0][field], &read[1][field]), (&first, &second), "{name}");
        assert!(
            get(&admin, "Client", made, "").await.get(name).is_none(),
            "{name} without details"
        );
        for untouched in [json!({ "id": made, "ref": "r" }), json!({ "id": made, name: null })] {
            admin.post("/api/Client", untouched).await.expect(200);
            assert_eq!(details(&admin, made, name).await.len(), 2, "{name}");
        }
        // By id where the elements have one: the first is changed, the second goes, a third comes.
        let has_id = read[0].get("id").is_some();
        let element = if has_id {
            json!({ "id": read[0]["id"], field: third })
        } else {
            json!({ field: third })
        };
        let new = if name == "azure_tenants" { json!(guid(4)) } else { json!("fourth") };
        admin
            .post("/api/Client", json!({ "id": made, name: [element, { field: new }] }))
            .await
            .expect(200);
        let replaced = details(&admin, made, name).await;
        assert_eq!(replaced.len(), 2, "{name}: {replaced:?}");
        assert_eq!((&replaced[0][field], &replaced[1][field]), (&third, &new), "{name}");
        if has_id {
            assert_eq!(replaced[0]["id"], read[0]["id"], "{name}");
            assert_ne!(replaced[1]["id"], read[1]["id"], "{name}");
        }
        if matches!(name, "popup_notes" | "areaitems" | "azure_tenants") {
            // The record of another client can't be taken.
            let body =
                json!([{ "id": id(&other), name: [{ "id": replaced[0]["id"], field: third }] }]);
            let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
            assert!(errors[format!("[0].{name}[0].id")].is_array(), "{errors}");
        }
        admin.post("/api/Client", json!({ "id": made, name: [] })).await.expect(200);
        assert_eq!(details(&admin, made, name).await.len(), 0, "{name}");
    }
}

async fn collections_merge_when_asked(server: &Server) {
    let admin = server.admin().await;
    let merge = async |body: Value| {
        let request = admin
            .request(reqwest::Method::POST, "/api/Client")
            .header("prefer", "merge")
            .json(&body);
        admin.send(request).await.expect(200)
    };
    for (name, field) in [("popup_notes", "note"), ("external_links", "third_party_id")] {
        let body = json!([{ "name": name, name: [{ field: "first" }, { field: "second" }] }]);
        let made = id(&make(&admin, "Client", body).await);
        let read = details(&admin, made, name).await;
        merge(json!({ "id": made, name: [{ "id": read[1]["id"], field: "changed" }, { field: "third" }] })).await;
        let texts: Vec<Value> =
            details(&admin, made, name).await.iter().map(|row| row[field].clone()).collect();
        assert_eq!(texts, [json!("first"), json!("changed"), json!("third")], "{name}");
    }
}

async fn custom_fields_merge_by_id_or_name(server: &Server) {
    let admin = server.admin().await;
    let define = async |name: &str, usage: i64| {
        let body = json!({ "name": name, "label": name, "type": 0, "usage": usage });
        id(&make(&admin, "FieldInfo", body).await)
    };
    let (tier, floor) = (define("Tier", 2).await, define("Floor", 2).await);
    let body = json!([{ "name": "Acme", "customfields": [{ "id": tier, "name": "CFTier", "value": "gold" }, { "id": floor, "name": "CFFloor", "value": "3" }] }]);
    let made = id(&make(&admin, "Client", body).await);
    let value = async |name: &str| {
        let fields = details(&admin, made, "customfields").await;
        let found = fields
            .iter()
            .find(|field| field["name"] == format!("CF{name}"))
            .cloned()
            .unwrap_or_default();
        found.get("value").cloned().unwrap_or(Value::Null)
    };
    assert_eq!((value("Tier").await, value("Floor").await), (json!("gold"), json!("3")));
    let body = json!({ "id": made, "customfields": [{ "name": "CFTier", "value": "silver" }] });
    admin.post("/api/Client", body).await.expect(200);
    assert_eq!((value("Tier").await, value("Floor").await), (json!("silver"), json!("3")));
    let body = json!({ "id": made, "customfields": [{ "id": floor, "value": "4" }] });
    admin.post("/api/Client", body).await.expect(200);
    assert_eq!((value("Tier").await, value("Floor").await), (json!("silver"), json!("4")));
    for body in
        [json!({ "id": made, "customfields": null }), json!({ "id": made, "customfields": [] })]
    {
        admin.post("/api/Client", body).await.expect(200);
        assert_eq!(value("Tier").await, json!("silver"));
    }
}

async fn nested_objects_come_with_details(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "Acme", "override_org_address": { "line1": "a", "line2": "b" } });
    let made = id(&make(&admin, "Client", body).await);
    assert!(get(&admin, "Client", made, "").await.get("override_org_address").is_none());
    let body = json!({ "id": made, "override_org_address": { "line2": null, "postcode": "c" } });
    admin.post("/api/Client", body).await.expect(200);
    let address =
        get(&admin, "Client", made, "?includedetails=true").await["override_org_address"].clone();
    assert_eq!((&address["line1"], &address["postcode"]), (&json!("a"), &json!("c")));
    assert!(address.get("line2").is_none_or(|line| line == ""), "{address}");
    let full = get(&admin, "Client", made, "?includedetails=true").await;
    for name in [
        "customfields",
        "site_fields",
        "custombuttons",
        "popup_notes",
        "attachments",
        "faqlists",
        "billingplans",
        "areaitems",
        "external_links",
        "azure_tenants",
        "allowed_tickettypes",
        "allowed_category1",
        "allowed_organisations",
    ] {
        assert!(full[name].is_array(), "{name} is {}", full[name]);
    }
}

async fn permitted_ticket_types_are_pairs(server: &Server) {
    let admin = server.admin().await;
    let kind =
        id(&make(&admin, "TicketType", json!({ "name": "Special", "allowall_clients": false }))
            .await);
    let body = json!({ "name": "Acme", "allowall_tickettypes": false, "allowed_tickettypes": [{ "id": kind }] });
    let made = id(&make(&admin, "Client", body).await);
    let pairs = admin.get(&format!("/api/AreaRequestType?client_id={made}")).await.expect(200);
    assert_eq!(
        (pairs[0]["request_type"].clone(), pairs[0]["client_name"].clone()),
        (json!(kind), json!("Acme"))
    );
    let errors = admin
        .post("/api/Client", json!({ "id": made, "allowed_tickettypes": [{ "id": 4242 }] }))
        .await;
    assert!(errors.expect_error(400, "validation")["allowed_tickettypes[0]"].is_array());
    let emptied = admin
        .post("/api/Client", json!({ "id": made, "allowed_tickettypes": [] }))
        .await
        .expect(200);
    assert!(emptied["_warning"].is_string(), "{emptied}");
    let pairs = admin.get(&format!("/api/AreaRequestType?client_id={made}")).await.expect(200);
    assert_eq!(pairs, json!([]));
}

async fn elements_with_only_an_id_are_records(server: &Server) {
    let admin = server.admin().await;
    let faq = id(&make(&admin, "FAQList", json!({ "name": "Printers" })).await);
    let button = json!({ "name": "Wiki", "url": "https://wiki.example" });
    let button = id(&make(&admin, "CustomButton", button).await);
    let lists = json!({ "faqlists": [{ "id": faq }, { "name": "Own" }], "custombuttons": [{ "id": button }] });
    let mut body = lists.clone();
    body["name"] = json!("Acme");
    let acme = make(&admin, "Client", body).await;
    let mut body = lists;
    body["id"] = acme["main_site_id"].clone();
    admin.post("/api/Site", body).await.expect(200);
    admin.post("/api/FAQList", json!({ "id": faq, "name": "Scanners" })).await.expect(200);
    for (path, record) in [("Client", id(&acme)), ("Site", acme["main_site_id"].as_i64().unwrap())]
    {
        let full = get(&admin, path, record, "?includedetails=true").await;
        assert_eq!(full["faqlists"][0]["name"], "Scanners", "{path}: {}", full["faqlists"]);
        assert_eq!(full["faqlists"][1]["name"], "Own", "{path}");
        assert_eq!(full["custombuttons"][0]["url"], "https://wiki.example", "{path}");
    }
}
