//! GET /History: who changed what, filters, pages, rights, secrets, and how long it is kept.

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, id, make};

on_both_databases!(
    a_change_tells_who_and_what,
    changes_are_filtered,
    changes_come_in_pages,
    what_is_wrong_is_named,
    a_change_shows_to_those_who_may_read_its_kind,
    a_limited_agent_sees_its_clients_only,
    a_password_is_changed_never_shown,
    an_encrypted_value_is_never_shown,
    a_request_id_leads_to_its_changes,
    history_is_kept_for_the_tenants_days,
);

const DAY_MS: i64 = 86_400_000;

async fn list(actor: &Actor, query: &str) -> Vec<Value> {
    let found = actor.get(&format!("/api/History?{query}")).await.expect(200);
    found.as_array().unwrap_or_else(|| panic!("{query}: {found}")).clone()
}

/// `entity id operation` of each change.
async fn gist(actor: &Actor, query: &str) -> Vec<String> {
    let told = |one: &Value| {
        let text = |name: &str| one[name].as_str().unwrap().to_owned();
        format!("{} {} {}", text("entity"), one["record_id"], text("operation"))
    };
    list(actor, query).await.iter().map(told).collect()
}

async fn a_change_tells_who_and_what(server: &Server) {
    let admin = server.admin().await;
    let made = id(&make(&admin, "Client", json!({ "name": "Acme", "ref": "a" })).await);
    let body = json!({ "id": made, "ref": "b", "notes": "n", "website": null });
    let request = admin.request(reqwest::Method::POST, "/api/Client").json(&body);
    admin.send(request.header("x-request-id", "run-17")).await.expect(200);
    let changes = list(&admin, &format!("entity=client&id={made}")).await;
    let one = &changes[0];
    assert_eq!(one["operation"], "updated", "{one}");
    assert_eq!((&one["entity"], &one["record_id"]), (&json!("Client"), &json!(made)));
    assert_eq!((&one["client_id"], &one["record_name"]), (&json!(made), &json!("Acme")));
    assert_eq!((&one["application"], &one["request_id"]), (&json!("demo"), &json!("run-17")));
    assert_eq!((&one["agent_name"], &one["user_name"]), (&json!("Demo Agent"), &json!("")));
    assert_eq!((&one["restores"], &one["action"]), (&json!(0), &json!("")));
    let fields = json!({
        "ref": { "before": "a", "after": "b" }, "notes": { "before": null, "after": "n" },
    });
    assert_eq!(one["fields"], fields, "{one}");
    assert_eq!(changes[1]["operation"], "created");
    assert_eq!(changes[1]["fields"]["name"], json!({ "before": null, "after": "Acme" }));
    assert_eq!(admin.get(&format!("/api/History/{}", one["id"])).await.expect(200), *one);
    admin.get("/api/History/99999999").await.expect_error(404, "not_found");
    admin.get("/api/History/x").await.expect_error(400, "validation");
}

async fn changes_are_filtered(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (acme, main) = (id(&acme), acme["main_site_id"].as_i64().unwrap());
    let beta = id(&client(&admin, "Beta").await);
    let bins = json!({ "id": main, "isstocklocation": true, "stockbins": [{ "name": "A" }] });
    let bins = admin.post("/api/Site?includedetails=true", bins).await.expect(200);
    let bin = id(&bins["stockbins"][0]);
    admin.post("/api/Client", json!({ "id": acme, "website": "w" })).await.expect(200);
    server.advance_ms(3 * DAY_MS);
    // Tokens do not live that long.
    let admin = server.admin().await;
    admin.delete(&format!("/api/Client/{beta}")).await.expect(200);
    // What hangs on a client's site is the client's.
    let all = gist(&admin, &format!("client_id={acme}")).await;
    assert_eq!(
        all,
        [
            format!("Client {acme} updated"),
            format!("StockBin {bin} created"),
            format!("Site {main} updated"),
            format!("Site {main} created"),
            format!("Client {acme} created"),
        ]
    );
    let only = async |query: String| gist(&admin, &query).await;
    assert_eq!(
        only(format!("client_id={acme}&entity=site&operation=updated")).await,
        [format!("Site {main} updated")]
    );
    assert_eq!(
        only(format!("client_id={acme}&field=website")).await,
        [format!("Client {acme} updated")]
    );
    assert_eq!(
        only("entity=Client&operation=deleted,restored".into()).await,
        [format!("Client {beta} deleted")]
    );
    assert_eq!(only(format!("entity=Client&field=NAME&id={beta}")).await.len(), 2);
    assert_eq!(only("application=nobody".into()).await, Vec::<String>::new());
    assert_eq!(
        only(format!("application=demo&client_id={acme},{beta}&entity=Client")).await.len(),
        4
    );
    assert_eq!(only("agent_id=2147483647".into()).await, Vec::<String>::new());
    let deleted = list(&admin, "operation=deleted&entity=Client").await[0].clone();
    let agent = &deleted["agent_id"];
    assert_eq!(only(format!("agent_id={agent}&operation=deleted&entity=Client")).await.len(), 1);
    let day = deleted["datetime"].as_str().unwrap()[..10].to_owned();
    assert_eq!(only(format!("from={day}&entity=Client")).await, [format!("Client {beta} deleted")]);
    assert_eq!(only(format!("to={day}&entity=Client")).await.len(), 4);
    assert_eq!(only(format!("to={day}T00:00:00&entity=Client")).await.len(), 3);
    assert_eq!(only("from=2000-01-01&to=2000-01-02".into()).await, Vec::<String>::new());
}

async fn changes_come_in_pages(server: &Server) {
    let admin = server.admin().await;
    let made = id(&client(&admin, "Acme").await);
    for at in 0..5 {
        let body = json!({ "id": made, "ref": format!("r{at}") });
        admin.post("/api/Client", body).await.expect(200);
    }
    let query = format!("entity=Client&id={made}");
    let all: Vec<Value> = list(&admin, &query).await.iter().map(|one| one["id"].clone()).collect();
    assert_eq!(all.len(), 6);
    assert!(all.windows(2).all(|pair| pair[0].as_i64() > pair[1].as_i64()), "{all:?}");
    assert_eq!(list(&admin, &format!("{query}&count=2")).await.len(), 2);
    let mut paged = Vec::new();
    for page in 1..=4 {
        let place = format!("/api/History?{query}&pageinate=true&page_size=2&page_no={page}");
        let found = admin.get(&place).await.expect(200);
        assert_eq!((&found["page_no"], &found["page_size"]), (&json!(page), &json!(2)));
        assert_eq!(found["record_count"], 6);
        paged.extend(found["changes"].as_array().unwrap().iter().map(|one| one["id"].clone()));
    }
    assert_eq!(paged, all);
}

async fn what_is_wrong_is_named(server: &Server) {
    let admin = server.admin().await;
    for (query, path, words) in [
        ("entity=nosuch", "entity", "Client, Site, Supplier"),
        ("id=1", "entity", "required"),
        ("entity=Client&id=x", "id", "integer"),
        ("operation=moved", "operation", "created, updated, deleted, restored"),
        ("from=soon", "from", "date"),
        ("to=2026-13-01", "to", "date"),
        ("entity=Tax&field=website", "field", "no field"),
        ("page_size=0&pageinate=true", "page_size", "at least 1"),
        ("count=-1", "count", "at least 0"),
    ] {
        let errors = admin.get(&format!("/api/History?{query}")).await;
        let errors = errors.expect_error(400, "validation");
        let message = errors[path][0].as_str().unwrap_or_else(|| panic!("{query}: {errors}"));
        assert!(message.contains(words), "{query}: {message}");
    }
    // A kind goes by the name of its path too.
    assert!(!list(&admin, "entity=TopLevel,status").await.is_empty());
}

async fn a_change_shows_to_those_who_may_read_its_kind(server: &Server) {
    let admin = server.admin().await;
    let made = id(&client(&admin, "Acme").await);
    let note = make(&admin, "CRMNote", json!({ "note": "n", "client_id": made })).await;
    let supplier = make(&admin, "Supplier", json!({ "name": "Parts" })).await;
    let reader = server.with_scope("read:crm").await;
    let kinds = gist(&reader, &format!("client_id={made}")).await;
    assert_eq!(kinds, [format!("CrmNote {} created", id(&note))]);
    reader.get("/api/History?entity=Client").await.expect_error(403, "forbidden");
    let change = &list(&admin, &format!("entity=Supplier&id={}", id(&supplier))).await[0]["id"];
    let one = reader.get(&format!("/api/History/{change}")).await;
    assert!(one.expect(403)["Message"].as_str().unwrap().contains("read:suppliers"));
    // Definitions are for every token.
    assert!(!list(&reader, "entity=Status").await.is_empty());
    let stranger = server.actor("elsewhere", "stranger", "all", Role::Administrator).await;
    stranger.get(&format!("/api/History/{change}")).await.expect_error(404, "not_found");
}

async fn a_limited_agent_sees_its_clients_only(server: &Server) {
    let admin = server.admin().await;
    let (own, other) = (client(&admin, "Own").await, client(&admin, "Other").await);
    for one in [&own, &other] {
        let site = json!({ "id": one["main_site_id"], "popup_notes": [{ "note": "on the site" }] });
        admin.post("/api/Site", site).await.expect(200);
    }
    let limited = server.actor("default", "limited", "all", Role::Agent).await;
    let agents = admin.get("/api/Agent").await.expect(200);
    let agent = agents.as_array().unwrap().iter().find(|one| one["name"] == "limited").unwrap();
    let limits = json!({ "id": agent["id"], "allowed_clients": [{ "client_id": id(&own) }] });
    admin.post("/api/Agent", limits).await.expect(200);
    let seen = list(&limited, "entity=Client,Site,PopupNote").await;
    assert!(seen.len() >= 3, "{seen:?}");
    assert!(seen.iter().all(|one| one["client_id"] == own["id"]), "{seen:?}");
    assert_eq!(list(&limited, &format!("client_id={}", id(&other))).await, Vec::<Value>::new());
    let hidden = &list(&admin, &format!("entity=Client&id={}", id(&other))).await[0]["id"];
    limited.get(&format!("/api/History/{hidden}")).await.expect_error(404, "not_found");
    let restore = format!("/api/History/{hidden}/restore");
    limited.post(&restore, json!({})).await.expect_error(404, "not_found");
}

async fn a_password_is_changed_never_shown(server: &Server) {
    let admin = server.admin().await;
    let site = client(&admin, "Acme").await["main_site_id"].clone();
    let body = json!({
        "name": "Una", "site_id": site, "emailaddress": "una@example.com", "password": "correct horse",
    });
    let una = id(&make(&admin, "Users", body).await);
    let new = json!({ "id": una, "password": "battery staple" });
    admin.post("/api/Users", new).await.expect(200);
    admin.delete(&format!("/api/Users/{una}")).await.expect(200);
    let answer = admin.get(&format!("/api/History?entity=Users&id={una}")).await;
    let changes = answer.expect(200);
    for (at, operation) in ["deleted", "updated", "created"].into_iter().enumerate() {
        assert_eq!(changes[at]["operation"], operation, "{changes}");
        assert_eq!(changes[at]["fields"]["password"], "changed", "{changes}");
    }
    assert_eq!(changes[1]["fields"], json!({ "password": "changed" }));
    for secret in ["correct horse", "battery staple", "argon2"] {
        assert!(!answer.text.contains(secret), "{}", answer.text);
    }
    assert_eq!(list(&admin, &format!("entity=User&id={una}&field=password")).await.len(), 2);
    // Nor is it anywhere in the database but as a hash.
    let mut db = server.app().db.clone();
    for sql in
        ["SELECT doc FROM end_user", "SELECT before_doc FROM change WHERE before_doc IS NOT NULL"]
    {
        let rows = aureole_storage::Read::query(&mut db, sql, &[]).await.unwrap();
        assert!(!rows.is_empty() || sql.ends_with("end_user"));
        for row in rows {
            assert!(!row.text(0).contains("correct horse"), "{}", row.text(0));
        }
    }
}

async fn an_encrypted_value_is_never_shown(server: &Server) {
    let admin = server.admin().await;
    let field = |name: &str| json!({ "name": name, "label": name, "usage": 2, "type": 0 });
    let (pin, open) = (
        make(&admin, "FieldInfo", field("pin")).await,
        make(&admin, "FieldInfo", field("open")).await,
    );
    let made = id(&client(&admin, "Acme").await);
    let values =
        json!([{ "id": pin["id"], "value": "4711" }, { "id": open["id"], "value": "plain" }]);
    admin.post("/api/Client", json!({ "id": made, "customfields": values })).await.expect(200);
    let fields = list(&admin, &format!("entity=Client&id={made}")).await[0]["fields"].clone();
    assert_eq!(fields["customfields"]["after"].as_array().unwrap().len(), 2, "{fields}");
    // The value was stored in clear before the field became a secret: it does not show any more.
    admin.post("/api/FieldInfo", json!({ "id": pin["id"], "isencrypted": true })).await;
    if admin.get(&format!("/api/FieldInfo/{}", pin["id"])).await.expect(200)["isencrypted"] == true
    {
        let answer = admin.get(&format!("/api/History?entity=Client&id={made}")).await;
        assert!(!answer.text.contains("4711"), "{}", answer.text);
        assert!(answer.text.contains("plain"), "{}", answer.text);
    }
    // What no definition explains any more may have been a secret.
    admin
        .post(
            "/api/Client",
            json!({ "id": made, "customfields": [{ "id": open["id"], "value": null }] }),
        )
        .await
        .expect(200);
    admin.delete(&format!("/api/FieldInfo/{}", open["id"])).await.expect(200);
    let answer = admin.get(&format!("/api/History?entity=Client&id={made}")).await;
    assert!(!answer.text.contains("plain"), "{}", answer.text);
}

async fn a_request_id_leads_to_its_changes(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "Acme", "popup_notes": [{ "note": "one" }, { "note": "two" }] });
    let made = make(&admin, "Client", body).await;
    let replaced = admin.post("/api/Client", json!({ "id": id(&made), "popup_notes": [] })).await;
    replaced.expect(200);
    let query = format!("request_id={}", replaced.header("x-request-id"));
    let removed = gist(&admin, &query).await;
    assert_eq!(removed.len(), 2, "{removed:?}");
    assert!(removed.iter().all(|one| one.ends_with(" deleted") && one.starts_with("PopupNote ")));
    let deleted = admin.delete(&format!("/api/Client/{}", id(&made))).await;
    let change = deleted.header("x-change-id");
    let found = admin.get(&format!("/api/History/{change}")).await.expect(200);
    assert_eq!((&found["entity"], &found["operation"]), (&json!("Client"), &json!("deleted")));
    let dry = admin.delete("/api/Client/1?dryrun=true").await;
    assert_eq!(dry.header("x-change-id"), "");
}

async fn history_is_kept_for_the_tenants_days(server: &Server) {
    let admin = server.admin().await;
    let made = id(&client(&admin, "Acme").await);
    let deletion = admin.delete(&format!("/api/Client/{made}")).await;
    let restore = format!("/api/History/{}/restore", deletion.header("x-change-id"));
    server.advance_ms(40 * DAY_MS);
    // Tokens do not live that long.
    let admin = server.admin().await;
    let refused = admin.post(&restore, json!({})).await.expect(404);
    assert!(refused["Message"].as_str().unwrap().contains("kept from"), "{refused}");
    assert_eq!(list(&admin, "entity=Client").await, Vec::<Value>::new());
    admin.post("/api/Settings", json!({ "history_days": 90 })).await.expect(200);
    aureole_server::jobs::housekeep(server.app()).await.unwrap();
    assert_eq!(list(&admin, "entity=Client").await.len(), 2);
    admin.post("/api/Settings", json!({ "history_days": 10 })).await.expect(200);
    assert_eq!(list(&admin, "entity=Client").await, Vec::<Value>::new());
    aureole_server::jobs::housekeep(server.app()).await.unwrap();
    // What was forgotten does not come back with a longer time.
    admin.post("/api/Settings", json!({ "history_days": 90 })).await.expect(200);
    assert_eq!(list(&admin, "entity=Client").await, Vec::<Value>::new());
    admin.post(&restore, json!({})).await.expect_error(404, "not_found");
    let mut db = server.app().db.clone();
    // Nothing stays but the changes of the settings, which are of today.
    let sql = "SELECT entity FROM change WHERE tenant_id = 1";
    let rows = aureole_storage::Read::query(&mut db, sql, &[]).await.unwrap();
    let kinds: Vec<&str> = rows.iter().map(|row| row.text(0)).collect();
    assert_eq!(kinds, ["Settings"; 3]);
}
