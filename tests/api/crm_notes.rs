//! CRM notes: what a note needs, what it does to its client, and every parameter of the list.

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    the_list_is_newest_first_and_filters,
    a_note_needs_a_text_and_an_anchor,
    details_come_when_asked,
    a_note_moves_the_next_call_on,
    a_known_note_is_updated,
    only_an_administrator_writes_as_another_agent,
    a_deleted_note_comes_back,
);

async fn note(actor: &Actor, body: Value) -> i64 {
    id(&make(actor, "CRMNote", body).await)
}

/// The ids of a list's rows.
async fn ids(actor: &Actor, query: &str) -> Vec<i64> {
    let list = actor.get(&format!("/api/CRMNote?{query}")).await.expect(200);
    list["actions"].as_array().unwrap().iter().map(id).collect()
}

async fn the_list_is_newest_first_and_filters(server: &Server) {
    let admin = server.admin().await;
    let north = id(&make(&admin, "TopLevel", json!({ "name": "North" })).await);
    let below = id(&make(&admin, "TopLevel", json!({ "name": "Sub", "parentid": north })).await);
    let acme = id(&make(&admin, "Client", json!({ "name": "Acme", "toplevel_id": below })).await);
    let beta = id(&client(&admin, "Beta").await);
    let supplier = id(&make(&admin, "Supplier", json!({ "name": "Parts" })).await);
    let old = json!({ "client_id": acme, "note": "old", "datetime": "2026-01-01" });
    let old = note(&admin, old).await;
    let new = json!({ "client_id": acme, "note": "new", "datetime": "2026-03-01" });
    let new = note(&admin, new).await;
    let mid = json!({ "client_id": beta, "note": "mid", "datetime": "2026-02-01" });
    let mid = note(&admin, mid).await;
    let bought = json!({ "supplier_id": supplier, "note": "bought", "datetime": "2026-02-15" });
    let bought = note(&admin, bought).await;
    for (query, expected) in [
        (String::new(), vec![new, bought, mid, old]),
        (format!("client_id={acme}"), vec![new, old]),
        (format!("supplier_id={supplier}"), vec![bought]),
        (format!("toplevel_id={north}"), vec![new, old]),
        (format!("toplevel_id={below}&client_id={beta}"), vec![]),
        ("count=2".into(), vec![new, bought]),
        ("pageinate=true&page_size=3&page_no=2".into(), vec![old]),
        ("order=datetime".into(), vec![old, mid, bought, new]),
        ("search=bou".into(), vec![bought]),
        ("idonly=true".into(), vec![new, bought, mid, old]),
    ] {
        assert_eq!(ids(&admin, &query).await, expected, "{query}");
    }
    let page = admin.get("/api/CRMNote?pageinate=true&page_size=3").await.expect(200);
    let head: Vec<&String> = page.as_object().unwrap().keys().collect();
    assert_eq!(head, ["page_no", "page_size", "record_count", "actions"]);
    assert_eq!(page["record_count"], 4);
    for name in ["client_id", "supplier_id", "toplevel_id", "count"] {
        let errors = admin.get(&format!("/api/CRMNote?{name}=x")).await;
        assert!(errors.expect_error(400, "validation")[name].is_array(), "{name}");
    }
    // Fifty by default; the total is that of all.
    let many: Vec<Value> =
        (0..60).map(|at| json!({ "client_id": beta, "note": format!("{at}") })).collect();
    admin.post("/api/CRMNote", json!(many)).await.expect(201);
    let list = admin.get("/api/CRMNote").await.expect(200);
    assert_eq!(list["record_count"], 64);
    assert_eq!(list["actions"].as_array().unwrap().len(), 50);
    assert_eq!(ids(&admin, "count=100").await.len(), 64);
}

async fn a_note_needs_a_text_and_an_anchor(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let body = json!([
        { "note": "nobody's" },
        { "client_id": id(&acme) },
        { "client_id": id(&acme), "note": " " },
        { "client_id": 4711, "supplier_id": 4711, "site_id": 4711, "user_id": 4711, "note": "n" },
        { "client_id": id(&acme), "note": "n", "who_agentid": 4711, "datetime": "soon" },
        { "client_id": id(&acme), "note": "good" },
    ]);
    let errors = admin.post("/api/CRMNote", body).await.expect_error(400, "validation");
    let paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "[0].client_id",
            "[1].note",
            "[2].note",
            "[3].client_id",
            "[3].site_id",
            "[3].supplier_id",
            "[3].user_id",
            "[4].datetime",
            "[4].who_agentid",
        ],
        "{errors}"
    );
    assert_eq!(ids(&admin, "").await, [0_i64; 0]);
    let me = admin.get("/api/Agent/me").await.expect(200);
    let made =
        make(&admin, "CRMNote", json!({ "site_id": acme["main_site_id"], "note": "n" })).await;
    assert_eq!((&made["client_id"], &made["who_agentid"]), (&acme["id"], &me["id"]));
    assert!(made["datetime"].is_string());
    for document in ["sales_order_id", "purchase_order_id", "quote_id", "invoice_id"] {
        make(&admin, "CRMNote", json!({ document: 7, "note": "n" })).await;
    }
    let reader = server.with_scope("read:crm").await;
    reader.get("/api/CRMNote").await.expect(200);
    reader.post("/api/CRMNote", json!([])).await.expect_error(403, "forbidden");
    server.with_scope("edit:customers").await.get("/api/CRMNote").await.expect(403);
}

async fn details_come_when_asked(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let detail = "<p onclick=\"x()\">Hi <b>you</b><script>alert(1)</script></p>";
    let made =
        make(&admin, "CRMNote", json!({ "client_id": acme, "note": "n", "detail": detail })).await;
    let full = get(&admin, "CRMNote", id(&made), "?includedetails=true").await;
    assert_eq!(full["detail"], "<p>Hi <b>you</b></p>");
    assert!(full["customfields"].is_array());
    let plain = get(&admin, "CRMNote", id(&made), "").await;
    let row = admin.get("/api/CRMNote").await.expect(200)["actions"][0].clone();
    for (what, record) in [("by id", plain), ("in a list", row)] {
        for name in ["detail", "customfields"] {
            assert!(record.get(name).is_none(), "{name} {what}");
        }
    }
    admin.get("/api/CRMNote/1?includedetails=x").await.expect_error(400, "validation");
}

async fn a_note_moves_the_next_call_on(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let call = async || get(&admin, "Client", acme, "").await["calldate"].clone();
    for (next, expected) in [
        ("2026-05-01", "2026-05-01T00:00:00"),
        ("2026-04-01", "2026-05-01T00:00:00"),
        ("2026-06-01T10:00:00Z", "2026-06-01T10:00:00"),
    ] {
        note(&admin, json!({ "client_id": acme, "note": "n", "nextcalldate": next })).await;
        assert_eq!(call().await, expected, "{next}");
    }
    note(&admin, json!({ "client_id": acme, "note": "n" })).await;
    assert_eq!(call().await, "2026-06-01T10:00:00");
}

async fn a_known_note_is_updated(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, id(&client(&admin, "Beta").await));
    let body = json!([{ "client_id": id(&acme), "note": "one", "third_party_id": "T-1" }]);
    let made = admin.post("/api/CRMNote", body).await.expect(201);
    // The same again, from the client, its site, or under its id as text: one note.
    for (body, text) in [
        (json!([{ "client_id": id(&acme), "note": "two", "third_party_id": "T-1" }]), "two"),
        (
            json!({ "site_id": acme["main_site_id"], "note": "three", "third_party_id": "T-1" }),
            "three",
        ),
        (
            json!([{ "client_id": id(&acme).to_string(), "note": "four", "third_party_id": "T-1" }]),
            "four",
        ),
    ] {
        let again = admin.post("/api/CRMNote", body).await.expect(200);
        assert_eq!((&again["id"], &again["note"]), (&made["id"], &json!(text)));
    }
    // On another client, or under another id, it is another note; twice in one request it is one.
    let body = json!([
        { "client_id": beta, "note": "b", "third_party_id": "T-1" },
        { "client_id": beta, "note": "c", "third_party_id": "T-1" },
        { "client_id": beta, "note": "d", "third_party_id": "T-2" },
        { "client_id": beta, "note": "e" },
        { "client_id": beta, "note": "f" },
    ]);
    admin.post("/api/CRMNote", body).await.expect(201);
    assert_eq!(ids(&admin, &format!("client_id={beta}")).await.len(), 4);
    // Two programs that bring it at the same time make one note of it.
    let brought = |text: &'static str| {
        let admin = admin.clone();
        async move {
            let body = json!([{ "client_id": beta, "note": text, "third_party_id": "T-3" }]);
            admin.post("/api/CRMNote", body).await.status
        }
    };
    let statuses = tokio::join!(brought("g"), brought("h"), brought("i"));
    let mut statuses = [statuses.0, statuses.1, statuses.2];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 201]);
    assert_eq!(ids(&admin, &format!("client_id={beta}")).await.len(), 5);
}

async fn only_an_administrator_writes_as_another_agent(server: &Server) {
    let admin = server.admin().await;
    let agent = server.actor("default", "plain", "all", Role::Agent).await;
    let acme = id(&client(&admin, "Acme").await);
    let boss = id(&admin.get("/api/Agent/me").await.expect(200));
    let me = id(&agent.get("/api/Agent/me").await.expect(200));
    let body = |who: i64| json!([{ "client_id": acme, "note": "n", "who_agentid": who }]);
    agent.post("/api/CRMNote", body(boss)).await.expect_error(403, "forbidden");
    agent.post("/api/CRMNote", body(me)).await.expect(201);
    let made = admin.post("/api/CRMNote", body(me)).await.expect(201);
    assert_eq!(made["who_agentid"], me);
    // Reading and posting back another agent's note is no claim to be that agent.
    let theirs = admin.post("/api/CRMNote", body(boss)).await.expect(201);
    agent.post("/api/CRMNote", json!([theirs])).await.expect(200);
    let stolen = json!([{ "id": id(&theirs), "who_agentid": me }]);
    agent.post("/api/CRMNote", stolen).await.expect(200);
}

async fn a_deleted_note_comes_back(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let made = make(&admin, "CRMNote", json!({ "client_id": acme, "note": "n" })).await;
    let path = format!("/api/CRMNote/{}", id(&made));
    assert_eq!(admin.delete(&path).await.expect(200), made);
    admin.delete(&path).await.expect_error(404, "not_found");
    let history = format!("/api/History?entity=CrmNote&id={}", id(&made));
    let change = admin.get(&history).await.expect(200)[0]["id"].clone();
    admin.post(&format!("/api/History/{change}/restore"), json!([])).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200), made);
}
