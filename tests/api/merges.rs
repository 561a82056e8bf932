//! `_merge_client_into`: what moves, what is filled, what is refused.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::deletes::{rich_client, totals};
use crate::writes::{get, id, make};

on_both_databases!(
    everything_moves_to_the_other_client,
    clients_that_own_nothing_merge,
    blanks_are_filled_and_values_stay,
    custom_fields_are_filled_one_by_one,
    a_dry_run_tells_and_moves_nothing,
    a_permission_that_both_have_is_not_doubled,
    whoever_paid_for_the_merged_client_is_followed,
    impossible_merges_are_refused,
    a_chain_of_merges_leads_to_the_last,
    a_merged_client_takes_nothing_in,
    what_was_merged_goes_with_its_client,
);

async fn merge(admin: &Actor, from: i64, into: i64, query: &str) -> Value {
    let body = json!([{ "id": from, "_merge_client_into": into }]);
    admin.post(&format!("/api/Client{query}"), body).await.expect(200)
}

/// How many rows of a kind belong to a client.
async fn owned(admin: &Actor, path: &str, key: &str, client: i64) -> usize {
    let separator = if path.contains('?') { '&' } else { '?' };
    let list = admin.get(&format!("/api/{path}{separator}client_id={client}")).await.expect(200);
    let rows = if key.is_empty() { &list } else { &list[key] };
    rows.as_array().unwrap().len()
}

async fn everything_moves_to_the_other_client(server: &Server) {
    let admin = server.admin().await;
    let (from, into) = (rich_client(&admin, "Goes").await, rich_client(&admin, "Stays").await);
    let (from, into) = (id(&from), id(&into));
    make(&admin, "Tickets", json!({ "summary": "t", "client_id": from })).await;
    let lot = json!({ "client_id": from, "hours": 4, "description": "d" });
    make(&admin, "ClientPrepay", lot).await;
    let before = totals(&admin).await;
    let merged = merge(&admin, from, into, "").await;
    assert_eq!(merged["moved"]["sites"], 2, "{}", merged["moved"]);
    assert_eq!(merged["moved"]["tickets"], 1);
    assert_eq!(totals(&admin).await, before, "nothing is lost and nothing doubled");
    for (path, key, count) in [
        ("Site", "sites", 4),
        ("Users", "users", 2),
        ("CRMNote", "actions", 4),
        ("RecurringItem", "", 2),
        ("AreaAzureTenant", "", 2),
        ("Tickets", "tickets", 1),
        ("ClientPrepay", "", 1),
    ] {
        assert_eq!(owned(&admin, path, key, from).await, 0, "{path} of the merged client");
        assert_eq!(owned(&admin, path, key, into).await, count, "{path} of the other");
    }
    let mains = admin.get(&format!("/api/Site?client_id={into}")).await.expect(200);
    let mains =
        mains["sites"].as_array().unwrap().iter().filter(|site| site["isinvoicesite"] == true);
    assert_eq!(mains.count(), 1, "one main site");
    let answer = get(&admin, "Client", from, "").await;
    assert_eq!((&answer["id"], &answer["name"]), (&json!(into), &json!("Stays")));
    assert!(answer["_warning"].as_str().unwrap().contains(&format!("merged into {into}")));
    // Its name is free again.
    make(&admin, "Client", json!({ "name": "Goes" })).await;
}

async fn clients_that_own_nothing_merge(server: &Server) {
    let admin = server.admin().await;
    let from = id(&make(&admin, "Client", json!({ "name": "A" })).await);
    let into = id(&make(&admin, "Client", json!({ "name": "B" })).await);
    let would = merge(&admin, from, into, "?dryrun=true").await;
    assert_eq!(would, json!({ "moved": { "sites": 1 }, "filled": [] }));
    assert_eq!(merge(&admin, from, into, "").await["id"], into);
    let listed = admin.get("/api/Client?includeinactive=true&search_name_only=A").await.expect(200);
    assert_eq!(listed["clients"][0]["inactive"], true, "the merged client is inactive");
}

async fn blanks_are_filled_and_values_stay(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "A", "website": "a.example", "notes": "a", "hourlyrate": 19.99 });
    let from = id(&make(&admin, "Client", body).await);
    let body = json!({ "name": "B", "notes": "b" });
    let into = id(&make(&admin, "Client", body).await);
    let merged = merge(&admin, from, into, "").await;
    assert_eq!((&merged["website"], &merged["notes"]), (&json!("a.example"), &json!("b")));
    let mut filled: Vec<&str> =
        merged["filled"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    filled.sort_unstable();
    assert_eq!(filled, ["hourlyrate", "website"]);
}

async fn a_dry_run_tells_and_moves_nothing(server: &Server) {
    let admin = server.admin().await;
    let (from, into) = (rich_client(&admin, "A").await, rich_client(&admin, "B").await);
    let would = merge(&admin, id(&from), id(&into), "?dryrun=true").await;
    assert_eq!((&would["moved"]["sites"], &would["moved"]["users"]), (&json!(2), &json!(1)));
    assert_eq!(owned(&admin, "Site", "sites", id(&from)).await, 2);
    assert_eq!(get(&admin, "Client", id(&from), "").await["name"], "A");
}

async fn a_permission_that_both_have_is_not_doubled(server: &Server) {
    let admin = server.admin().await;
    let kind =
        make(&admin, "TicketType", json!({ "name": "Special", "allowall_clients": false })).await;
    let allowed = json!([{ "id": id(&kind) }]);
    let client = |name| json!({ "name": name, "allowall_tickettypes": false, "allowed_tickettypes": allowed });
    let from = id(&make(&admin, "Client", client("A")).await);
    let into = id(&make(&admin, "Client", client("B")).await);
    merge(&admin, from, into, "").await;
    assert_eq!(owned(&admin, "AreaRequestType", "", into).await, 1);
    assert_eq!(owned(&admin, "AreaRequestType", "", from).await, 0);
}

async fn whoever_paid_for_the_merged_client_is_followed(server: &Server) {
    let admin = server.admin().await;
    let from = id(&make(&admin, "Client", json!({ "name": "A" })).await);
    let into = id(&make(&admin, "Client", json!({ "name": "B" })).await);
    let third = json!({ "name": "C", "client_to_invoice": from });
    let third = id(&make(&admin, "Client", third).await);
    merge(&admin, from, into, "").await;
    assert_eq!(get(&admin, "Client", third, "").await["client_to_invoice"], into);
}

async fn impossible_merges_are_refused(server: &Server) {
    let admin = server.admin().await;
    let a = id(&make(&admin, "Client", json!({ "name": "A" })).await);
    let b = id(&make(&admin, "Client", json!({ "name": "B" })).await);
    let post = async |from: i64, into: i64| {
        admin.post("/api/Client", json!([{ "id": from, "_merge_client_into": into }])).await
    };
    for (from, into, part) in [(a, a, "another client"), (a, 4711, "does not exist")] {
        let error = post(from, into).await.expect_error(400, "validation");
        let text = error["[0]._merge_client_into"][0].as_str().unwrap();
        assert!(text.contains(part), "{text}");
    }
    post(4711, b).await.expect_error(404, "not_found");
    post(a, b).await.expect(200);
    post(b, a).await.expect_error(400, "validation");
}

async fn a_chain_of_merges_leads_to_the_last(server: &Server) {
    let admin = server.admin().await;
    let [a, b, c] = ["A", "B", "C"].map(|name| make(&admin, "Client", json!({ "name": name })));
    let (a, b, c) = (id(&a.await), id(&b.await), id(&c.await));
    merge(&admin, a, b, "").await;
    merge(&admin, b, c, "").await;
    make(&admin, "PopupNote", json!({ "client_id": c, "note": "of C" })).await;
    for gone in [a, b] {
        let answer = get(&admin, "Client", gone, "").await;
        assert_eq!((&answer["id"], &answer["name"]), (&json!(c), &json!("C")));
        assert_eq!(answer["_warning"], format!("client {gone} was merged into {c}"));
        // The flags ask the same of it as of any client.
        let details =
            get(&admin, "Client", gone, "?includedetails=true&includeactivity=true").await;
        assert_eq!(details["popup_notes"][0]["note"], "of C", "{details}");
        assert_eq!(details["total_ticket_count"], 0);
        assert!(answer.get("popup_notes").is_none() && answer.get("total_ticket_count").is_none());
        let lens = admin.get(&format!("/api/Client/{gone}?domain=opps")).await;
        lens.expect_error(404, "not_found");
    }
}

async fn a_merged_client_takes_nothing_in(server: &Server) {
    let admin = server.admin().await;
    let a = id(&make(&admin, "Client", json!({ "name": "A" })).await);
    let b = id(&make(&admin, "Client", json!({ "name": "B" })).await);
    let other = id(&make(&admin, "Client", json!({ "name": "Other" })).await);
    merge(&admin, a, b, "").await;
    let message = format!("points at client {a}, which was merged into client {b}");
    for (path, body, field) in [
        ("Site", json!({ "name": "Late", "client_id": a }), "client_id"),
        ("PopupNote", json!({ "note": "Late", "client_id": a }), "client_id"),
        ("CRMNote", json!({ "note": "Late", "client_id": a }), "client_id"),
        ("RecurringItem", json!({ "client_id": a }), "client_id"),
        ("Tickets", json!({ "summary": "Late", "client_id": a }), "client_id"),
        ("Client", json!({ "id": other, "client_to_invoice": a }), "client_to_invoice"),
    ] {
        // One alone, and one of several.
        for (bodies, at) in [(json!([body]), 0), (json!([{ "id": 0 }, body]), 1)] {
            let answer = admin.post(&format!("/api/{path}"), bodies).await;
            let errors = answer.expect_error(400, "validation");
            assert_eq!(errors[format!("[{at}].{field}")][0], json!(message), "{path}: {errors}");
        }
    }
    for body in [json!({ "notes": "late" }), json!({ "site_update": [{ "name": "Late" }] })] {
        let mut body = body;
        body["id"] = json!(a);
        let errors = admin.post("/api/Client", json!([body])).await.expect_error(400, "validation");
        let expected = json!([format!("is client {a}, which was merged into client {b}")]);
        assert_eq!(errors["[0].id"], expected);
    }
    assert_eq!(owned(&admin, "Site", "sites", a).await, 0);
}

async fn what_was_merged_goes_with_its_client(server: &Server) {
    let admin = server.admin().await;
    let [a, b, c] = ["A", "B", "C"].map(|name| make(&admin, "Client", json!({ "name": name })));
    let (a, b, c) = (id(&a.await), id(&b.await), id(&c.await));
    merge(&admin, a, b, "").await;
    merge(&admin, b, c, "").await;
    let listed = async || {
        let list = admin.get("/api/Client?includeinactive=true").await.expect(200);
        list["record_count"].as_i64().unwrap()
    };
    let before = listed().await;
    admin.delete(&format!("/api/Client/{c}")).await.expect(200);
    assert_eq!(listed().await, before - 3);
    for gone in [a, b, c] {
        admin.get(&format!("/api/Client/{gone}")).await.expect_error(404, "not_found");
    }
    let history = admin.get(&format!("/api/History?entity=Client&id={c}")).await.expect(200);
    let change =
        history.as_array().unwrap().iter().find(|row| row["operation"] == "deleted").unwrap();
    let restore = format!("/api/History/{}/restore", change["id"]);
    admin.post(&restore, json!({})).await.expect(200);
    assert_eq!(listed().await, before);
    assert_eq!(get(&admin, "Client", a, "").await["id"], c, "still merged");
}

async fn custom_fields_are_filled_one_by_one(server: &Server) {
    let admin = server.admin().await;
    let define = async |name: &str| {
        id(&make(&admin, "FieldInfo", json!({ "name": name, "usage": 2 })).await)
    };
    let (tier, floor) = (define("Tier").await, define("Floor").await);
    let value = |field: i64, value: &str| json!({ "id": field, "value": value });
    let body =
        json!({ "name": "Goes", "customfields": [value(tier, "x"), value(floor, "theirs")] });
    let from = id(&make(&admin, "Client", body).await);
    let body = json!({ "name": "Stays", "customfields": [value(floor, "own")] });
    let into = id(&make(&admin, "Client", body).await);
    let would = merge(&admin, from, into, "?dryrun=true").await;
    assert_eq!(would["filled"], json!(["customfields"]));
    merge(&admin, from, into, "").await;
    let full = get(&admin, "Client", into, "?includedetails=true").await;
    let values = full["customfields"].as_array().unwrap().iter();
    let values: Vec<(&Value, &Value)> = values.map(|one| (&one["id"], &one["value"])).collect();
    assert_eq!(values, [(&json!(tier), &json!("x")), (&json!(floor), &json!("own"))]);
}
