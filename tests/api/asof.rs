//! GET of a record with `asof`: as it was at that time.

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make, timeless};

on_both_databases!(
    a_record_is_shown_as_it_was,
    names_and_collections_are_those_of_then,
    a_deleted_record_is_shown_as_it_was,
    a_merged_client_is_itself_before_the_merge,
    every_kind_has_a_past,
    what_is_no_past_is_refused,
    the_past_is_within_the_agents_limits,
    before_the_kept_history_nothing_is_shown,
);

const HOUR_MS: i64 = 3_600_000;

/// The server's time as a parameter; afterwards the clock has moved on.
fn now(server: &Server) -> String {
    let text = aureole_catalogue::value::format_millis(server.app().clock.now_ms());
    server.advance_ms(5_000);
    text
}

async fn was(actor: &Actor, path: &str, record: i64, at: &str) -> Value {
    get(actor, path, record, &format!("?includedetails=true&asof={at}")).await
}

async fn is(actor: &Actor, path: &str, record: i64) -> Value {
    get(actor, path, record, "?includedetails=true").await
}

async fn a_record_is_shown_as_it_was(server: &Server) {
    let admin = server.admin().await;
    let before = now(server);
    let made = id(&make(&admin, "Client", json!({ "name": "Acme", "ref": "a" })).await);
    let mut states = Vec::new();
    for body in
        [json!({}), json!({ "ref": "b", "website": "w" }), json!({ "ref": null, "name": "Bolt" })]
    {
        let mut body = body;
        body["id"] = json!(made);
        admin.post("/api/Client", body).await.expect(200);
        let state = is(&admin, "Client", made).await;
        states.push((now(server), state));
    }
    for (at, state) in &states {
        assert_eq!(was(&admin, "Client", made, at).await, *state, "{at}");
    }
    let plain = get(&admin, "Client", made, &format!("?asof={}", states[1].0)).await;
    assert_eq!((&plain["ref"], plain.get("popup_notes")), (&json!("b"), None));
    let early = admin.get(&format!("/api/Client/{made}?asof={before}")).await.expect(404);
    let message = early["Message"].as_str().unwrap();
    assert!(message.contains(&format!("client {made} did not exist at {before}")), "{message}");
    admin
        .get(&format!("/api/Client/2147483647?asof={before}"))
        .await
        .expect_error(404, "not_found");
}

async fn names_and_collections_are_those_of_then(server: &Server) {
    let admin = server.admin().await;
    let level = id(&make(&admin, "TopLevel", json!({ "name": "North" })).await);
    let body = json!({
        "name": "Acme", "toplevel_id": level, "newclient_delivery_address": { "line1": "1 High St" },
        "popup_notes": [{ "note": "one" }, { "note": "two" }], "areaitems": [{ "areaitemdesc": "x" }],
        "allowed_tickettypes": [{ "id": 1 }],
    });
    let made = make(&admin, "Client", body).await;
    let (made, main) = (id(&made), made["main_site_id"].as_i64().unwrap());
    let (at, client_then, site_then) = {
        let states = (is(&admin, "Client", made).await, is(&admin, "Site", main).await);
        (now(server), states.0, states.1)
    };
    assert_eq!(client_then["popup_notes"].as_array().unwrap().len(), 2);
    admin.post("/api/TopLevel", json!({ "id": level, "name": "South" })).await.expect(200);
    let body = json!({
        "id": made, "name": "Bolt", "popup_notes": [{ "note": "three" }], "areaitems": [],
        "allowed_tickettypes": [{ "id": 2 }],
    });
    admin.post("/api/Client", body).await.expect(200);
    admin.post("/api/Site", json!({ "id": main, "name": "Yard" })).await.expect(200);
    assert_eq!(was(&admin, "Client", made, &at).await, client_then);
    assert_eq!(was(&admin, "Site", main, &at).await, site_then);
    assert_eq!(site_then["clientsite_name"], "Acme/Main");
    assert_eq!(is(&admin, "Client", made).await["toplevel_name"], "South");
}

async fn a_deleted_record_is_shown_as_it_was(server: &Server) {
    let admin = server.admin().await;
    let made = crate::deletes::rich_client(&admin, "Acme").await;
    let (made, main) = (id(&made), made["main_site_id"].as_i64().unwrap());
    let state = is(&admin, "Client", made).await;
    let site = is(&admin, "Site", main).await;
    let at = now(server);
    let deletion = admin.delete(&format!("/api/Client/{made}")).await;
    let gone = now(server);
    assert_eq!(was(&admin, "Client", made, &at).await, state);
    assert_eq!(was(&admin, "Site", main, &at).await, site);
    let missing = admin.get(&format!("/api/Client/{made}?asof={gone}")).await.expect(404);
    assert!(missing["Message"].as_str().unwrap().contains("deleted at"), "{missing}");
    let restore = format!("/api/History/{}/restore", deletion.header("x-change-id"));
    admin.post(&restore, json!({})).await.expect(200);
    let back = now(server);
    admin.get(&format!("/api/Client/{made}?asof={gone}")).await.expect_error(404, "not_found");
    assert_eq!(timeless(was(&admin, "Client", made, &back).await), timeless(state.clone()));
    assert_eq!(was(&admin, "Client", made, &at).await, state);
}

async fn a_merged_client_is_itself_before_the_merge(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = (id(&client(&admin, "One").await), id(&client(&admin, "Two").await));
    let states = [is(&admin, "Client", one).await, is(&admin, "Client", two).await];
    let at = now(server);
    let merge = json!({ "id": one, "_merge_client_into": two });
    admin.post("/api/Client", merge).await.expect(200);
    let after = now(server);
    admin.post("/api/Client", json!({ "id": two, "name": "Both" })).await.expect(200);
    assert_eq!(was(&admin, "Client", one, &at).await, states[0]);
    assert_eq!(was(&admin, "Client", two, &at).await, states[1]);
    let merged = was(&admin, "Client", one, &after).await;
    assert_eq!((&merged["id"], &merged["name"]), (&json!(two), &json!("Two")));
    assert!(merged["_warning"].as_str().unwrap().contains("merged into"), "{merged}");
}

async fn every_kind_has_a_past(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let site = acme["main_site_id"].clone();
    let bodies = [
        ("Supplier", json!({ "name": "a" }), json!({ "name": "b" })),
        ("Users", json!({ "name": "a", "site_id": site }), json!({ "name": "b" })),
        ("CRMNote", json!({ "note": "a", "client_id": id(&acme) }), json!({ "note": "b" })),
        ("PopupNote", json!({ "note": "a", "client_id": id(&acme) }), json!({ "note": "b" })),
        ("Tickets", json!({ "summary": "a", "client_id": id(&acme) }), json!({ "summary": "b" })),
        ("TicketType", json!({ "name": "a" }), json!({ "name": "b" })),
        ("Agent", json!({ "name": "a", "email": "a@example.com" }), json!({ "name": "b" })),
        ("AzureADConnection", json!({ "name": "a", "type": 2 }), json!({ "name": "b" })),
        (
            "ClientPrepay",
            json!({ "client_id": id(&acme), "hours": 1 }),
            json!({ "description": "b" }),
        ),
    ];
    for (path, first, mut second) in bodies {
        let made = id(&make(&admin, path, first).await);
        let state = get(&admin, path, made, "").await;
        let at = now(server);
        second["id"] = json!(made);
        admin.post(&format!("/api/{path}"), second).await.expect(200);
        assert_eq!(get(&admin, path, made, &format!("?asof={at}")).await, state, "{path}");
        assert_ne!(get(&admin, path, made, "").await, state, "{path}");
    }
}

async fn what_is_no_past_is_refused(server: &Server) {
    let admin = server.admin().await;
    let made = id(&client(&admin, "Acme").await);
    for (query, path) in [
        ("asof=yesterday", "asof"),
        ("asof=2026-02-30T00:00:00", "asof"),
        ("asof=2999-01-01T00:00:00", "asof"),
        ("asof=1999-01-01T00:00:00", "asof"),
        ("asof=2026-11-25&includeactivity=true", "includeactivity"),
    ] {
        let answer = admin.get(&format!("/api/Client/{made}?{query}")).await;
        let errors = answer.expect_error(400, "validation");
        assert!(errors[path].is_array(), "{query}: {errors}");
    }
    for path in ["Client", "PopupNote", "Site?pageinate=true", "History", "ClientCache"] {
        let mark = if path.contains('?') { '&' } else { '?' };
        let answer = admin.get(&format!("/api/{path}{mark}asof=2026-11-25")).await;
        assert!(answer.expect_error(400, "validation")["asof"].is_array(), "{path}");
    }
    let reader = server.with_scope("read:crm").await;
    let at = now(server);
    let refused = reader.get(&format!("/api/Client/{made}?asof={at}")).await;
    refused.expect_error(403, "forbidden");
}

async fn the_past_is_within_the_agents_limits(server: &Server) {
    let admin = server.admin().await;
    let (own, other) = (id(&client(&admin, "Own").await), id(&client(&admin, "Other").await));
    let depot = id(&make(&admin, "Site", json!({ "name": "Depot", "client_id": other })).await);
    let limited = server.actor("default", "limited", "all", Role::Agent).await;
    let agents = admin.get("/api/Agent").await.expect(200);
    let agent = agents.as_array().unwrap().iter().find(|one| one["name"] == "limited").unwrap();
    let limits = json!({ "id": agent["id"], "allowed_clients": [{ "client_id": own }] });
    admin.post("/api/Agent", limits).await.expect(200);
    let at = now(server);
    get(&limited, "Client", own, &format!("?asof={at}")).await;
    for (path, id) in [("Client", other), ("Site", depot)] {
        let hidden = limited.get(&format!("/api/{path}/{id}?asof={at}")).await.expect(404);
        assert!(!hidden["Message"].as_str().unwrap().contains(" at "), "{hidden}");
    }
    // It came to the agent's client later: what it was before is not the agent's.
    admin.post("/api/Site", json!({ "id": depot, "client_id": own })).await.expect(200);
    get(&limited, "Site", depot, "").await;
    limited.get(&format!("/api/Site/{depot}?asof={at}")).await.expect_error(404, "not_found");
    admin.delete(&format!("/api/Client/{other}")).await.expect(200);
    let gone = limited.get(&format!("/api/Client/{other}?asof={}", now(server))).await.expect(404);
    assert!(!gone["Message"].as_str().unwrap().contains("deleted"), "{gone}");
}

async fn before_the_kept_history_nothing_is_shown(server: &Server) {
    let admin = server.admin().await;
    let made = id(&client(&admin, "Acme").await);
    let at = now(server);
    server.advance_ms(31 * 24 * HOUR_MS);
    let admin = server.admin().await;
    let refused = admin.get(&format!("/api/Client/{made}?asof={at}")).await;
    let errors = refused.expect_error(400, "validation");
    assert!(errors["asof"][0].as_str().unwrap().contains("kept from"), "{errors}");
    admin.post("/api/Settings", json!({ "history_days": 60 })).await.expect(200);
    assert_eq!(get(&admin, "Client", made, &format!("?asof={at}")).await["name"], "Acme");
}
