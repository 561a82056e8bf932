//! POST /History/{change}/restore: fields, records, elements, and what refuses it.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::deletes::{rich_client, totals};
use crate::writes::{self, client, id, make, timeless};

on_both_databases!(
    just_some_fields_go_back,
    a_record_goes_back_to_before_a_change,
    an_undoing_is_undone,
    a_dry_run_changes_nothing,
    what_was_made_goes_again,
    a_replaced_collection_comes_back,
    the_main_site_goes_back,
    a_moved_site_goes_back_with_its_users,
    passwords_come_back,
    readers_of_a_popup_come_back,
    references_that_are_gone_are_named,
    a_restored_user_follows_its_site,
    a_wrong_request_is_refused,
    a_record_that_is_gone_names_its_deletion,
    rules_hold_for_what_goes_back,
    elements_of_one_request_go_back_alone,
    a_site_comes_back_with_its_client,
    a_lot_that_was_taken_back_counts_again,
);

/// A record without the times of its last write.
async fn get(actor: &Actor, path: &str, id: i64, query: &str) -> Value {
    timeless(writes::get(actor, path, id, query).await)
}

/// The newest change of a record.
pub async fn newest(admin: &Actor, entity: &str, id: i64) -> Value {
    let query = format!("/api/History?entity={entity}&id={id}&count=1");
    admin.get(&query).await.expect(200)[0].clone()
}

pub async fn restore(admin: &Actor, change: &Value, body: Value) -> Value {
    admin.post(&format!("/api/History/{change}/restore"), body).await.expect(200)
}

pub async fn undo(admin: &Actor, entity: &str, id: i64) -> Value {
    let change = newest(admin, entity, id).await["id"].clone();
    restore(admin, &change, json!({})).await
}

async fn just_some_fields_go_back(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "Acme", "website": "old", "ref": "old", "notes": "old" });
    let made = id(&make(&admin, "Client", body).await);
    let body = json!({ "id": made, "website": "new", "ref": "new", "notes": null });
    admin.post("/api/Client", body).await.expect(200);
    admin.post("/api/Client", json!({ "id": made, "trading_name": "later" })).await.expect(200);
    let history = admin.get(&format!("/api/History?entity=Client&id={made}")).await.expect(200);
    let change = history[1]["id"].clone();
    let done = restore(&admin, &change, json!({ "fields": ["Website", "notes"] })).await;
    assert_eq!(done["changed"], true, "{done}");
    assert_eq!(done["restored"][0]["fields"], json!(["notes", "website"]), "{done}");
    let now = get(&admin, "Client", made, "").await;
    let shown = ["website", "ref", "notes", "trading_name"].map(|name| now[name].clone());
    assert_eq!(shown, ["old", "new", "old", "later"].map(|text| json!(text)), "{now}");
    let told = newest(&admin, "Client", made).await;
    assert_eq!((&told["operation"], &told["action"]), (&json!("restored"), &json!("restore")));
    assert_eq!(told["restores"], change);
    assert_eq!(told["fields"]["website"], json!({ "before": "new", "after": "old" }));
    let again = restore(&admin, &change, json!([{ "fields": ["website"] }])).await;
    assert_eq!((&again["changed"], &again["restored"]), (&json!(false), &json!([])), "{again}");
    assert_eq!(newest(&admin, "Client", made).await, told);
}

async fn a_record_goes_back_to_before_a_change(server: &Server) {
    let admin = server.admin().await;
    let made = id(&make(&admin, "Supplier", json!({ "name": "a", "notes": "n" })).await);
    let mut states = vec![get(&admin, "Supplier", made, "?includedetails=true").await];
    for body in [json!({ "name": "b" }), json!({ "notes": null }), json!({ "website": "w" })] {
        let mut body = body;
        body["id"] = json!(made);
        admin.post("/api/Supplier", body).await.expect(200);
        states.push(get(&admin, "Supplier", made, "?includedetails=true").await);
    }
    let history = admin.get(&format!("/api/History?entity=Supplier&id={made}")).await.expect(200);
    // Any of them, in any order: each is the state before that change.
    for (at, change) in [(2, 0), (0, 2), (1, 1), (0, 2)] {
        let done = restore(&admin, &history[change]["id"], json!({})).await;
        let now = get(&admin, "Supplier", made, "?includedetails=true").await;
        assert_eq!(now, states[at], "{done}");
    }
}

async fn an_undoing_is_undone(server: &Server) {
    let admin = server.admin().await;
    let made = rich_client(&admin, "Acme").await;
    let made = id(&made);
    let whole = async || get(&admin, "Client", made, "?includedetails=true").await;
    admin.post("/api/Client", json!({ "id": made, "website": "w" })).await.expect(200);
    let (state, count) = (whole().await, totals(&admin).await);
    let undone = undo(&admin, "Client", made).await;
    assert_eq!(whole().await["website"], "");
    restore(&admin, &undone["undo"], json!({})).await;
    assert_eq!(whole().await, state);
    // A restored deletion is a deletion again, and comes back once more.
    admin.delete(&format!("/api/Client/{made}")).await.expect(200);
    let without = totals(&admin).await;
    let back = undo(&admin, "Client", made).await;
    assert_eq!((whole().await, totals(&admin).await), (state.clone(), count.clone()));
    let gone = restore(&admin, &back["undo"], json!({})).await;
    assert_eq!(totals(&admin).await, without);
    assert!(gone["restored"].as_array().unwrap().iter().all(|one| one["operation"] == "deleted"));
    restore(&admin, &gone["undo"], json!({})).await;
    assert_eq!((whole().await, totals(&admin).await), (state, count));
}

async fn a_dry_run_changes_nothing(server: &Server) {
    let admin = server.admin().await;
    let made = id(&rich_client(&admin, "Acme").await);
    let deletion = admin.delete(&format!("/api/Client/{made}")).await;
    let change = deletion.header("x-change-id");
    let count = totals(&admin).await;
    let path = format!("/api/History/{change}/restore");
    let would = admin.post(&format!("{path}?dryrun=true"), json!({})).await;
    assert_eq!(would.header("x-change-id"), "");
    let would = would.expect(200);
    assert_eq!((&would["dryrun"], &would["changed"]), (&json!(true), &json!(true)), "{would}");
    assert_eq!(totals(&admin).await, count);
    let done = admin.post(&path, json!({})).await;
    let done_body = done.expect(200);
    assert_eq!(done.header("x-change-id"), done_body["undo"].to_string());
    let kinds = |reply: &Value| {
        let one = |one: &Value| format!("{} {}", one["entity"], one["id"]);
        reply["restored"].as_array().unwrap().iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&would), kinds(&done_body));
    // An empty body is everything too.
    let text = admin.post_text(&path, "application/json", "").await.expect(200);
    assert_eq!(text["changed"], false);
}

async fn what_was_made_goes_again(server: &Server) {
    let admin = server.admin().await;
    let count = totals(&admin).await;
    let made = id(&rich_client(&admin, "Acme").await);
    let creation = async |entity: &str, id: i64| {
        let query = format!("/api/History?entity={entity}&id={id}&operation=created");
        admin.get(&query).await.expect(200)[0]["id"].clone()
    };
    let change = creation("Client", made).await;
    let ticket = id(&make(&admin, "Tickets", json!({ "summary": "s", "client_id": made })).await);
    let refused = admin.post(&format!("/api/History/{change}/restore"), json!({})).await;
    refused.expect_error(400, "in_use");
    undo(&admin, "Ticket", ticket).await;
    admin.get(&format!("/api/Tickets/{ticket}")).await.expect_error(404, "not_found");
    restore(&admin, &change, json!({})).await;
    assert_eq!(totals(&admin).await, count);
    let again = restore(&admin, &change, json!({})).await;
    assert_eq!(again["changed"], false, "{again}");
    // A client's main site goes with the client only, and only if nothing was added since.
    let made = client(&admin, "Beta").await;
    let main = made["main_site_id"].as_i64().unwrap();
    let change = creation("Site", main).await;
    make(&admin, "CRMNote", json!({ "note": "n", "client_id": id(&made) })).await;
    let refused = admin.post(&format!("/api/History/{change}/restore"), json!({})).await;
    refused.expect_error(400, "in_use");
    get(&admin, "Client", id(&made), "").await;
}

async fn a_replaced_collection_comes_back(server: &Server) {
    let admin = server.admin().await;
    let body = json!({
        "name": "Acme", "areaitems": [{ "areaitemdesc": "a", "quantity": 2, "unitprice": 19.99 }, { "areaitemdesc": "b" }],
        "azure_tenants": [{ "azure_tenant_id": "00000000-0000-4000-8000-000000000001" }],
        "allowed_tickettypes": [{ "id": 1 }, { "id": 2 }], "external_links": [{ "third_party_id": "x" }],
    });
    let made = id(&make(&admin, "Client", body).await);
    let state = get(&admin, "Client", made, "?includedetails=true").await;
    let body = json!({
        "id": made, "areaitems": [{ "areaitemdesc": "c" }], "azure_tenants": [],
        "allowed_tickettypes": [], "external_links": [],
    });
    let replaced = admin.post("/api/Client", body).await;
    let request = replaced.header("x-request-id");
    let changes = admin.get(&format!("/api/History?request_id={request}")).await.expect(200);
    for change in changes.as_array().unwrap() {
        restore(&admin, &change["id"], json!({})).await;
    }
    assert_eq!(get(&admin, "Client", made, "?includedetails=true").await, state);
}

async fn the_main_site_goes_back(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (acme, first) = (id(&acme), acme["main_site_id"].as_i64().unwrap());
    let second = id(&make(&admin, "Site", json!({ "name": "Two", "client_id": acme })).await);
    let main = async || {
        let record = get(&admin, "Client", acme, "").await;
        let flags = [first, second]
            .map(async |site| get(&admin, "Site", site, "").await["isinvoicesite"].clone());
        let [one, two] = flags;
        (record["main_site_id"].clone(), one.await, two.await)
    };
    let before = main().await;
    for body in [
        json!({ "id": second, "isinvoicesite": true }),
        json!({ "id": acme, "main_site_id": second }),
    ] {
        let path = if body["main_site_id"].is_null() { "Site" } else { "Client" };
        // From whichever record somebody looks at it.
        for (entity, one) in [("Client", acme), ("Site", second), ("Site", first)] {
            admin.post(&format!("/api/{path}"), body.clone()).await.expect(200);
            assert_eq!(main().await, (json!(second), json!(false), json!(true)));
            let undone = undo(&admin, entity, one).await;
            assert_eq!(main().await, before, "{entity} {one}: {undone}");
            restore(&admin, &undone["undo"], json!({})).await;
            assert_eq!(main().await, (json!(second), json!(false), json!(true)), "{undone}");
            admin
                .post("/api/Site", json!({ "id": first, "isinvoicesite": true }))
                .await
                .expect(200);
        }
    }
}

async fn a_moved_site_goes_back_with_its_users(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (id(&client(&admin, "Acme").await), id(&client(&admin, "Beta").await));
    let depot = id(&make(&admin, "Site", json!({ "name": "Depot", "client_id": acme })).await);
    let una = id(&make(&admin, "Users", json!({ "name": "Una", "site_id": depot })).await);
    for (entity, one) in [("Site", depot), ("User", una)] {
        admin.post("/api/Site", json!({ "id": depot, "client_id": beta })).await.expect(200);
        assert_eq!(get(&admin, "Users", una, "").await["client_id"], beta);
        undo(&admin, entity, one).await;
        assert_eq!(get(&admin, "Site", depot, "").await["client_id"], acme, "{entity}");
        assert_eq!(get(&admin, "Users", una, "").await["client_id"], acme, "{entity}");
    }
}

async fn sign_in(server: &Server, login: &str, password: &str) -> u16 {
    let form = [
        ("grant_type", "password"),
        ("client_id", "demo"),
        ("client_secret", "demo-secret"),
        ("username", login),
        ("password", password),
        ("scope", "all"),
    ];
    server.nobody().form("/auth/token", &form).await.status
}

async fn passwords_come_back(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let user = json!({ "name": "Una", "site_id": acme["main_site_id"], "emailaddress": "una@example.com", "password": "correct horse" });
    let una = id(&make(&admin, "Users", user).await);
    admin.delete(&format!("/api/Users/{una}")).await.expect(200);
    assert_eq!(sign_in(server, "una@example.com", "correct horse").await, 400);
    undo(&admin, "User", una).await;
    assert_eq!(sign_in(server, "una@example.com", "correct horse").await, 200);
    // With the whole client too, and after other changes.
    admin
        .post("/api/Users", json!({ "id": una, "emailaddress": "una@acme.example" }))
        .await
        .expect(200);
    admin.delete(&format!("/api/Client/{}", id(&acme))).await.expect(200);
    undo(&admin, "Client", id(&acme)).await;
    assert_eq!(sign_in(server, "una@acme.example", "correct horse").await, 200);
    assert_eq!(sign_in(server, "una@example.com", "correct horse").await, 400);
    // The password and the address that were changed go back, each by itself.
    admin
        .post("/api/Users", json!({ "id": una, "password": "battery staple", "title": "Dr" }))
        .await
        .expect(200);
    let change = newest(&admin, "User", una).await["id"].clone();
    let done = restore(&admin, &change, json!({ "fields": ["password"] })).await;
    assert_eq!(done["changed"], true, "{done}");
    assert_eq!(sign_in(server, "una@acme.example", "correct horse").await, 200);
    assert_eq!(sign_in(server, "una@acme.example", "battery staple").await, 400);
    assert_eq!(get(&admin, "Users", una, "").await["title"], "Dr");
    restore(&admin, &done["undo"], json!({})).await;
    assert_eq!(sign_in(server, "una@acme.example", "battery staple").await, 200);
}

async fn readers_of_a_popup_come_back(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let popup = id(&make(&admin, "PopupNote", json!({ "note": "n", "client_id": acme })).await);
    let status = async || {
        let list =
            admin.get(&format!("/api/PopupNote?client_id={acme}&showall=true")).await.expect(200);
        list[0]["read_status"].clone()
    };
    admin.post("/api/PopupNote/read", json!([{ "id": popup }])).await.expect(200);
    admin.post("/api/PopupNote", json!({ "id": popup, "note": "new" })).await.expect(200);
    assert_eq!(status().await, 0);
    undo(&admin, "PopupNote", popup).await;
    assert_eq!(status().await, 1);
    admin.delete(&format!("/api/Client/{acme}")).await.expect(200);
    undo(&admin, "Client", acme).await;
    assert_eq!(status().await, 1);
}

async fn references_that_are_gone_are_named(server: &Server) {
    let admin = server.admin().await;
    let tax = id(&make(&admin, "Tax", json!({ "name": "VAT" })).await);
    let made = id(&make(&admin, "Client", json!({ "name": "Acme", "item_tax_code": tax })).await);
    admin.post("/api/Client", json!({ "id": made, "item_tax_code": 0 })).await.expect(200);
    let change = newest(&admin, "Client", made).await["id"].clone();
    admin.delete(&format!("/api/Tax/{tax}")).await.expect(200);
    let answer = admin.post(&format!("/api/History/{change}/restore"), json!({})).await;
    let errors = answer.expect_error(400, "validation");
    assert_eq!(errors["item_tax_code"][0], format!("points at tax {tax}, which does not exist"));
    undo(&admin, "Tax", tax).await;
    restore(&admin, &change, json!({})).await;
    // The same for a deleted record, with its path.
    admin.delete(&format!("/api/Client/{made}")).await.expect(200);
    let deletion = newest(&admin, "Client", made).await["id"].clone();
    admin.delete(&format!("/api/Tax/{tax}")).await.expect(200);
    let answer = admin.post(&format!("/api/History/{deletion}/restore"), json!({})).await;
    let errors = answer.expect_error(400, "validation");
    let path = format!("client {made}.item_tax_code");
    assert!(errors[&path][0].as_str().unwrap().contains(&format!("tax {tax}")), "{errors}");
    admin.get(&format!("/api/Client/{made}")).await.expect_error(404, "not_found");
}

async fn a_restored_user_follows_its_site(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (id(&client(&admin, "Acme").await), id(&client(&admin, "Beta").await));
    let depot = id(&make(&admin, "Site", json!({ "name": "Depot", "client_id": acme })).await);
    let una = id(&make(&admin, "Users", json!({ "name": "Una", "site_id": depot })).await);
    admin.delete(&format!("/api/Users/{una}")).await.expect(200);
    admin.post("/api/Site", json!({ "id": depot, "client_id": beta })).await.expect(200);
    let change = newest(&admin, "User", una).await["id"].clone();
    restore(&admin, &change, json!({})).await;
    assert_eq!(get(&admin, "Users", una, "").await["client_id"], beta);
}

async fn a_wrong_request_is_refused(server: &Server) {
    let admin = server.admin().await;
    let made = id(&make(&admin, "Client", json!({ "name": "Acme" })).await);
    let created = newest(&admin, "Client", made).await["id"].clone();
    admin.post("/api/Client", json!({ "id": made, "ref": "b" })).await.expect(200);
    let change = newest(&admin, "Client", made).await["id"].clone();
    let refused = async |change: &Value, body: Value, path: &str| {
        let answer = admin.post(&format!("/api/History/{change}/restore"), body.clone()).await;
        let errors = answer.expect_error(400, "validation");
        assert!(errors[path].is_array(), "{body}: {errors}");
    };
    refused(&change, json!({ "fields": ["nosuch"] }), "fields[0]").await;
    refused(&change, json!({ "fields": ["ref", "toplevel_name"] }), "fields[1]").await;
    refused(&change, json!({ "fields": ["popup_notes"] }), "fields[0]").await;
    refused(&change, json!({ "fields": ["id"] }), "fields[0]").await;
    refused(&change, json!({ "fields": [7] }), "fields[0]").await;
    refused(&change, json!({ "fields": [] }), "fields").await;
    refused(&change, json!({ "fields": "ref" }), "fields").await;
    refused(&change, json!({ "field": ["ref"] }), "field").await;
    refused(&created, json!({ "fields": ["ref"] }), "fields").await;
    admin.post("/api/History/99999999/restore", json!({})).await.expect_error(404, "not_found");
    assert_eq!(get(&admin, "Client", made, "").await["ref"], "b");
}

async fn a_record_that_is_gone_names_its_deletion(server: &Server) {
    let admin = server.admin().await;
    let made = id(&client(&admin, "Acme").await);
    admin.post("/api/Client", json!({ "id": made, "ref": "b" })).await.expect(200);
    let change = newest(&admin, "Client", made).await["id"].clone();
    let deletion = admin.delete(&format!("/api/Client/{made}")).await;
    let deletion = deletion.header("x-change-id");
    let answer = admin.post(&format!("/api/History/{change}/restore"), json!({})).await;
    let errors = answer.expect_error(400, "validation");
    assert!(
        errors["change"][0].as_str().unwrap().contains(&format!("by change {deletion}")),
        "{errors}"
    );
}

async fn rules_hold_for_what_goes_back(server: &Server) {
    let admin = server.admin().await;
    let made = id(&client(&admin, "Acme").await);
    admin.post("/api/Client", json!({ "id": made, "name": "Bolt" })).await.expect(200);
    let change = newest(&admin, "Client", made).await["id"].clone();
    let other = id(&client(&admin, "ACME").await);
    let answer = admin.post(&format!("/api/History/{change}/restore"), json!({})).await.expect(400);
    assert_eq!((&answer["code"], &answer["id"]), (&json!("duplicate"), &json!(other)), "{answer}");
    // A top level must not come to lie below itself.
    let one = id(&make(&admin, "TopLevel", json!({ "name": "One" })).await);
    let two = id(&make(&admin, "TopLevel", json!({ "name": "Two", "parentid": one })).await);
    admin.post("/api/TopLevel", json!({ "id": two, "parentid": 0 })).await.expect(200);
    let change = newest(&admin, "TopLevel", two).await["id"].clone();
    admin.post("/api/TopLevel", json!({ "id": one, "parentid": two })).await.expect(200);
    let answer = admin.post(&format!("/api/History/{change}/restore"), json!({})).await;
    assert!(answer.expect_error(400, "validation")["parentid"].is_array());
    // What has become mandatory since does not keep an older state away.
    admin.post("/api/Client", json!({ "id": made, "website": "w" })).await.expect(200);
    let change = newest(&admin, "Client", made).await["id"].clone();
    let mandatory = json!({ "mandatory_fields": { "Client": ["website"] } });
    admin.post("/api/Settings", mandatory).await.expect(200);
    restore(&admin, &change, json!({})).await;
    assert_eq!(get(&admin, "Client", made, "").await["website"], "");
}

async fn elements_of_one_request_go_back_alone(server: &Server) {
    let admin = server.admin().await;
    let made: Vec<i64> = {
        let body = json!([{ "name": "One", "ref": "1" }, { "name": "Two", "ref": "2" }]);
        admin
            .post("/api/Client", body)
            .await
            .expect(201)
            .as_array()
            .unwrap()
            .iter()
            .map(id)
            .collect()
    };
    let body = json!([{ "id": made[0], "ref": "a" }, { "id": made[1], "ref": "b" }]);
    admin.post("/api/Client", body).await.expect(200);
    undo(&admin, "Client", made[0]).await;
    assert_eq!(get(&admin, "Client", made[0], "").await["ref"], "1");
    assert_eq!(get(&admin, "Client", made[1], "").await["ref"], "b");
    // A note stays when the date that it set on its client goes back.
    let note = json!({ "note": "n", "client_id": made[0], "nextcalldate": "2027-01-01" });
    let note = id(&make(&admin, "CRMNote", note).await);
    undo(&admin, "Client", made[0]).await;
    assert_eq!(get(&admin, "Client", made[0], "").await.get("calldate"), None);
    get(&admin, "CRMNote", note, "").await;
}

async fn a_site_comes_back_with_its_client(server: &Server) {
    let admin = server.admin().await;
    let made = rich_client(&admin, "Acme").await;
    let count = totals(&admin).await;
    let main = made["main_site_id"].as_i64().unwrap();
    admin.delete(&format!("/api/Client/{}", id(&made))).await.expect(200);
    undo(&admin, "Site", main).await;
    assert_eq!(totals(&admin).await, count);
    // One that was deleted by itself comes back by itself, with what was on it.
    let depot = json!({ "name": "Depot", "client_id": id(&made), "newsite_contactname": "Uwe" });
    let depot = id(&make(&admin, "Site", depot).await);
    let count = totals(&admin).await;
    admin.delete(&format!("/api/Site/{depot}")).await.expect(200);
    let done = undo(&admin, "Site", depot).await;
    assert_eq!(done["restored"].as_array().unwrap().len(), 2, "{done}");
    assert_eq!(totals(&admin).await, count);
}

async fn a_lot_that_was_taken_back_counts_again(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let lot = json!({ "client_id": acme, "hours": 5 });
    let lot = id(&make(&admin, "ClientPrepay", lot).await);
    let balance =
        async || get(&admin, "Client", acme, "?includeprepay=true").await["prepaybalance"].clone();
    let deletion = admin.delete(&format!("/api/ClientPrepay/{lot}")).await;
    deletion.expect(200);
    assert_eq!(balance().await, 0);
    let change = json!(deletion.header("x-change-id").parse::<i64>().unwrap());
    restore(&admin, &change, json!({})).await;
    assert_eq!(balance().await, 5);
}
