//! Every write of every kind leaves its change: who, when, which fields from what to what.

use aureole_catalogue::{EntityKind, Kind, Mode};
use aureole_server::auth::Role;
use aureole_server::endpoints::{ENDPOINTS, Endpoint};
use aureole_testkit::{Actor, Answer, Server, on_both_databases};
use serde_json::{Value, json};

use crate::isolation::Tenant;

on_both_databases!(
    every_record_leaves_its_changes,
    every_odd_write_leaves_its_change,
    what_changes_nothing_leaves_nothing,
);

const WORD: &str = "golf";

async fn tenant(server: &Server, count: usize) -> Tenant {
    let actor = server.actor("hist", "hist-app", "all", Role::Administrator).await;
    Tenant::with_records(WORD, actor, count).await
}

/// The newest change of a record.
async fn newest(actor: &Actor, entity: &str, id: i64) -> Value {
    let path = format!("/History?entity={entity}&id={id}&count=1");
    let list = actor.get(&path).await.expect(200);
    list.get(0).cloned().unwrap_or_else(|| panic!("{entity} {id} has no history"))
}

/// How many changes the tenant has had.
async fn count(actor: &Actor) -> i64 {
    let page = actor.get("/History?pageinate=true&page_size=1").await.expect(200);
    page["record_count"].as_i64().unwrap()
}

/// The change says who made it, with which program and request, and when.
#[track_caller]
fn is_signed(change: &Value, answer: &Answer, operation: &str) {
    assert_eq!(change["operation"], operation, "{change}");
    assert_eq!(change["application"], "hist-app", "{change}");
    assert_eq!(change["agent_name"], "hist-app", "{change}");
    assert_eq!(change["request_id"], answer.header("x-request-id"), "{change}");
    assert!(change["datetime"].as_str().is_some_and(|text| text.starts_with("20")), "{change}");
}

/// A field of the kind that can be given a new value by itself, and that value.
fn something(endpoint: &Endpoint) -> Option<(&'static str, Value)> {
    let fields = endpoint.kind.entity().schema.fields;
    let can = |name: &str| {
        fields.iter().find(|field| field.name == name && field.mode == Mode::ReadWrite)
    };
    let text = ["name", "summary", "note", "description", "filename", "line1", "areaitemdesc"];
    let number = ["quantity_in_stock", "sequence", "sortorder"];
    let named =
        text.iter().find_map(|name| can(name)).filter(|field| matches!(field.kind, Kind::Text));
    let counted = number.iter().find_map(|name| can(name));
    match endpoint.kind {
        // A pair of ids, and a ledger in which a use stands as it was booked.
        EntityKind::AreaRequestType | EntityKind::SiteContact | EntityKind::PrepayUse => None,
        EntityKind::FieldInfo => Some(("label", json!("Another"))),
        EntityKind::ExternalLink => Some(("third_party_desc", json!("Another"))),
        _ => named
            .map(|field| (field.name, json!("Another")))
            .or_else(|| counted.map(|field| (field.name, json!(7)))),
    }
}

async fn every_record_leaves_its_changes(server: &Server) {
    let tenant = tenant(server, 1).await;
    let admin = &tenant.actor;
    let mut updated = 0;
    for endpoint in ENDPOINTS {
        let (path, name) = (endpoint.path, endpoint.kind.entity().name);
        let body = tenant.body(endpoint.kind, 0);
        // The first one is in the way of what there can be one of.
        let id = tenant.ids[path][0];
        let history = format!("/History?entity={name}&id={id}&count=1000");
        let all = admin.get(&history).await.expect(200);
        let made = all.as_array().unwrap().last().unwrap();
        assert_eq!(made["operation"], "created", "{path}: {made}");
        let fields = body.as_object().unwrap();
        for (field, value) in fields.iter().filter(|(_, value)| value.is_string()) {
            let told = &made["fields"][field];
            // The contents of a file are beside the record, and a name may lose its `CF`.
            let is_kept = endpoint.kind.entity().schema.find(field).is_some();
            let is_told = told["before"].is_null()
                && told["after"]
                    .as_str()
                    .is_some_and(|after| value.as_str().unwrap().ends_with(after));
            assert!(!is_kept || field == "data_base64" || is_told, "{path} {field}: {made}");
        }
        let Some((field, value)) = something(endpoint) else { continue };
        let before = admin.get(&format!("/{path}/{id}?includedetails=true")).await.expect(200)
            [field]
            .clone();
        let answer = admin.post(&format!("/{path}"), json!({ "id": id, field: value })).await;
        assert_eq!(answer.status, 200, "{path} {field}: {}", answer.text);
        let change = newest(admin, name, id).await;
        is_signed(&change, &answer, "updated");
        let told = &change["fields"][field];
        assert_eq!((&told["before"], &told["after"]), (&before, &value), "{path}: {change}");
        updated += 1;
    }
    assert!(updated > 30, "{updated} kinds");
    // What is pointed at goes last: as often as something went, the rest is tried again.
    let mut left: Vec<&Endpoint> = ENDPOINTS.iter().collect();
    let mut deleted = 0;
    while deleted < ENDPOINTS.len() - left.len() + 1 {
        deleted = ENDPOINTS.len() - left.len() + 1;
        let mut kept = Vec::new();
        for endpoint in left {
            let (path, name) = (endpoint.path, endpoint.kind.entity().name);
            let id = tenant.ids[path][0];
            let answer = admin.delete(&format!("/{path}/{id}")).await;
            match answer.status {
                // It went with what owned it.
                404 => {}
                200 if endpoint.kind == EntityKind::PrepayLot => {}
                200 => {
                    let change = newest(admin, name, id).await;
                    is_signed(&change, &answer, "deleted");
                    let fields = change["fields"].as_object().unwrap();
                    let gone = fields.values().all(|told| {
                        told == "changed" || told["after"].is_null() || told["after"] == json!([])
                    });
                    assert!(!fields.is_empty() && gone, "{path}: {change}");
                    continue;
                }
                400 => {
                    kept.push(endpoint);
                    continue;
                }
                status => panic!("{path}: {status} {}", answer.text),
            }
            if endpoint.kind != EntityKind::PrepayLot {
                assert_eq!(newest(admin, name, id).await["operation"], "deleted", "{path}");
            }
        }
        left = kept;
    }
    let left: Vec<&str> = left.iter().map(|endpoint| endpoint.path).collect();
    assert!(left.len() <= 2, "these could not be deleted: {left:?}");
    // Nobody writes without a name; what the program itself made first says so.
    let page = admin.get("/History?pageinate=true&page_size=1000").await.expect(200);
    for change in page["changes"].as_array().unwrap() {
        let by = (&change["application"], &change["request_id"]);
        let is_known = by.0 == "hist-app" && by.1 != "" && change["agent_id"] != 0;
        assert!(is_known || by.1 == "seed" || by.0 == "command line", "{change}");
        assert!(change["datetime"].is_string(), "{change}");
    }
}

async fn every_odd_write_leaves_its_change(server: &Server) {
    let tenant = tenant(server, 2).await;
    let admin = &tenant.actor;
    let client = tenant.ids["client"][0];
    let item = tenant.ids["recurringitem"][0];
    let due = json!({ "id": item, "startdate": "2026-01-01", "nextinvoicedate": "2026-01-01",
        "billingperiod_id": 2 });
    admin.post("/RecurringItem", due).await.expect(200);
    for (path, body, entity, id, operation, field) in [
        (
            "/Settings",
            json!({ "internal_client_id": client }),
            "Settings",
            1,
            "updated",
            "internal_client_id",
        ),
        (
            "/Settings",
            json!({ "mandatory_fields": {"Client": ["website"]} }),
            "Settings",
            1,
            "updated",
            "mandatory_fields",
        ),
        (
            "/Settings",
            json!({ "mandatory_fields": null }),
            "Settings",
            1,
            "updated",
            "mandatory_fields",
        ),
        ("/Settings", json!({ "history_days": 400 }), "Settings", 1, "updated", "history_days"),
        (
            "/Client/NewAccountsId",
            json!([{ "id": client, "xeroid": "x-1" }]),
            "Client",
            client,
            "updated",
            "xeroid",
        ),
        (
            "/Client/PaymentMethodUpdate",
            json!([{ "id": client, "stripe_customer_id": "cus_1" }]),
            "Client",
            client,
            "updated",
            "stripe_customer_id",
        ),
        (
            "/RecurringItem/invoiced",
            json!([{ "id": item, "invoicenumber": "I-1" }]),
            "RecurringItem",
            item,
            "updated",
            "nextinvoicedate",
        ),
    ] {
        let before = count(admin).await;
        let answer = admin.post(path, body.clone()).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text);
        let change = newest(admin, entity, id).await;
        is_signed(&change, &answer, operation);
        assert!(change["fields"].get(field).is_some(), "{path}: {change}");
        assert!(count(admin).await > before, "{path}");
        // The same again is no change.
        if path != "/RecurringItem/invoiced" {
            let after = count(admin).await;
            admin.post(path, body).await.expect(200);
            assert_eq!(count(admin).await, after, "{path}");
        }
    }
    let merge = json!({ "id": tenant.ids["client"][1], "_merge_client_into": client });
    let answer = admin.post("/Client", merge).await;
    answer.expect(200);
    let change = newest(admin, "Client", tenant.ids["client"][1]).await;
    is_signed(&change, &answer, "updated");
    assert_eq!(change["action"], "merge", "{change}");
    // Settings are put back like everything else.
    let history = admin.get("/History?entity=Settings&id=1").await.expect(200);
    let days = history
        .as_array()
        .unwrap()
        .iter()
        .find(|change| change["fields"].get("history_days").is_some());
    let days = days.unwrap();
    assert_eq!(days["fields"]["history_days"], json!({ "before": null, "after": 400 }));
    let path = format!("/History/{}/restore", days["id"]);
    let answer = admin.post(&path, json!([])).await;
    answer.expect(200);
    assert_eq!(admin.get("/Settings").await.expect(200)["history_days"], Value::Null);
    let change = newest(admin, "Settings", 1).await;
    is_signed(&change, &answer, "restored");
    assert_eq!(change["restores"], days["id"], "{change}");
}

async fn what_changes_nothing_leaves_nothing(server: &Server) {
    let tenant = tenant(server, 1).await;
    let admin = &tenant.actor;
    let before = count(admin).await;
    for endpoint in ENDPOINTS {
        let (path, id) = (endpoint.path, tenant.ids[endpoint.path][0]);
        let record = admin.get(&format!("/{path}/{id}?includedetails=true")).await.expect(200);
        // What was read is posted back.
        let answer = admin.post(&format!("/{path}"), record).await;
        assert!(matches!(answer.status, 200 | 400), "{path}: {}", answer.text);
        let text = json!({ "id": id, "name": "Dry", "note": "Dry", "summary": "Dry" });
        admin.post(&format!("/{path}?dryrun=true"), text).await;
        admin.delete(&format!("/{path}/{id}?dryrun=true")).await;
        // A refused one.
        admin
            .post(&format!("/{path}"), json!([{ "id": id, "name": "Half" }, { "id": -5.5 }]))
            .await;
    }
    admin.post("/Settings?dryrun=true", json!({ "history_days": 3 })).await.expect(200);
    let page = admin.get("/History?count=5").await.expect(200);
    assert_eq!(count(admin).await, before, "{page}");
}
