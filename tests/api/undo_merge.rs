//! Undoing `_merge_client_into`.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::deletes::{rich_client, totals};
use crate::undo::{newest, restore, undo};
use crate::writes::{client, get, id, make, timeless};

on_both_databases!(
    a_merge_is_undone_and_done_again,
    what_was_changed_since_stays,
    a_taken_name_stops_it,
    a_merged_client_is_not_put_back_in_part,
);

/// Everything of two clients.
async fn state(admin: &Actor, clients: [i64; 2]) -> Vec<Value> {
    let mut found = Vec::new();
    for client in clients {
        found.push(get(admin, "Client", client, "?includedetails=true&includeprepay=true").await);
        for path in ["Site", "Users", "CRMNote", "Tickets", "ClientPrepay", "AreaRequestType"] {
            found.push(
                admin
                    .get(&format!("/api/{path}?client_id={client}&includeinactive=true"))
                    .await
                    .expect(200),
            );
        }
    }
    found.into_iter().map(timeless).collect()
}

/// Two clients with something of everything; another client's bills go to the first.
async fn pair(admin: &Actor) -> (i64, i64) {
    let one = rich_client(admin, "One").await;
    let body = json!({
        "id": id(&one), "website": "one.example", "allowed_tickettypes": [{ "id": 1 }, { "id": 2 }],
        "default_currency_code": 0,
    });
    admin.post("/api/Client", body).await.expect(200);
    let one = id(&one);
    let two = json!({ "name": "Two", "notes": "own", "allowed_tickettypes": [{ "id": 2 }] });
    let two = id(&make(admin, "Client", two).await);
    make(admin, "Tickets", json!({ "summary": "s", "client_id": one })).await;
    make(admin, "ClientPrepay", json!({ "client_id": one, "hours": 5 })).await;
    make(admin, "Client", json!({ "name": "Payer's", "client_to_invoice": one })).await;
    (one, two)
}

async fn merge(admin: &Actor, one: i64, two: i64) -> Value {
    let merged = admin.post("/api/Client", json!({ "id": one, "_merge_client_into": two })).await;
    merged.expect(200);
    json!(merged.header("x-change-id").parse::<i64>().unwrap())
}

async fn a_merge_is_undone_and_done_again(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = pair(&admin).await;
    let (before, count) = (state(&admin, [one, two]).await, totals(&admin).await);
    let change = merge(&admin, one, two).await;
    let merged = state(&admin, [two, two]).await;
    let told = newest(&admin, "Client", one).await;
    assert_eq!((&told["id"], &told["action"]), (&change, &json!("merge")), "{told}");
    let done = restore(&admin, &change, json!({})).await;
    assert!(done.get("_warning").is_none(), "{done}");
    assert_eq!(state(&admin, [one, two]).await, before);
    assert_eq!(totals(&admin).await, count);
    // The name is the client's own again.
    let taken = admin.post("/api/Client", json!({ "name": "ONE" })).await;
    assert_eq!(taken.expect(400)["id"], one);
    assert_eq!(restore(&admin, &change, json!({})).await["changed"], false);
    // Undone, it is merged again.
    restore(&admin, &done["undo"], json!({})).await;
    assert_eq!(state(&admin, [two, two]).await, merged);
    let again = get(&admin, "Client", one, "").await;
    assert_eq!(again["id"], two, "{again}");
    // From any of its changes.
    let site = before[1]["sites"].as_array().unwrap().iter().map(id).max().unwrap();
    undo(&admin, "Site", site).await;
    assert_eq!(state(&admin, [one, two]).await, before);
}

async fn what_was_changed_since_stays(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = pair(&admin).await;
    let site = get(&admin, "Client", one, "").await["main_site_id"].as_i64().unwrap();
    let change = merge(&admin, one, two).await;
    assert_eq!(get(&admin, "Client", two, "").await["website"], "one.example");
    admin
        .post("/api/Client", json!({ "id": two, "website": "two.example", "ref": "r" }))
        .await
        .expect(200);
    admin.post("/api/Site", json!({ "id": site, "name": "Yard" })).await.expect(200);
    let una = id(&make(&admin, "Users", json!({ "name": "Ulf", "site_id": site })).await);
    let note = id(&make(&admin, "CRMNote", json!({ "note": "later", "client_id": two })).await);
    let done = restore(&admin, &change, json!({})).await;
    let warning = done["_warning"].as_str().unwrap();
    assert!(warning.contains(&format!("website of client {two} was changed since")), "{warning}");
    let (first, second) =
        (get(&admin, "Client", one, "").await, get(&admin, "Client", two, "").await);
    assert_eq!((&first["website"], &first["inactive"]), (&json!("one.example"), &json!(false)));
    assert_eq!((&second["website"], &second["ref"]), (&json!("two.example"), &json!("r")));
    let yard = get(&admin, "Site", site, "").await;
    assert_eq!((&yard["client_id"], &yard["name"]), (&json!(one), &json!("Yard")));
    assert_eq!(yard["isinvoicesite"], true);
    // Who came to the site since is with its client; what was written to the other one stays there.
    assert_eq!(get(&admin, "Users", una, "").await["client_id"], one);
    assert_eq!(get(&admin, "CRMNote", note, "").await["client_id"], two);
}

async fn a_taken_name_stops_it(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = (id(&client(&admin, "One").await), id(&client(&admin, "Two").await));
    let change = merge(&admin, one, two).await;
    let other = id(&client(&admin, "one").await);
    let count = totals(&admin).await;
    let answer = admin.post(&format!("/api/History/{change}/restore"), json!({})).await.expect(400);
    assert_eq!((&answer["code"], &answer["id"]), (&json!("duplicate"), &json!(other)), "{answer}");
    assert_eq!(totals(&admin).await, count);
    admin.delete(&format!("/api/Client/{other}")).await.expect(200);
    restore(&admin, &change, json!({})).await;
    assert_eq!(get(&admin, "Client", one, "").await["name"], "One");
}

async fn a_merged_client_is_not_put_back_in_part(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = (id(&client(&admin, "One").await), id(&client(&admin, "Two").await));
    admin.post("/api/Client", json!({ "id": one, "ref": "r" })).await.expect(200);
    let earlier = newest(&admin, "Client", one).await["id"].clone();
    let change = merge(&admin, one, two).await;
    let answer = admin.post(&format!("/api/History/{earlier}/restore"), json!({})).await;
    let errors = answer.expect_error(400, "validation");
    assert!(errors["change"][0].as_str().unwrap().contains("undo that first"), "{errors}");
    let fields = admin
        .post(&format!("/api/History/{change}/restore"), json!({ "fields": ["inactive"] }))
        .await;
    fields.expect_error(400, "validation");
    restore(&admin, &change, json!({})).await;
    restore(&admin, &earlier, json!({})).await;
    assert_eq!(get(&admin, "Client", one, "").await["ref"], "");
}
