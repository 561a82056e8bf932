//! History, and bringing back what was deleted.

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Server, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use crate::deletes::{rich_client, totals};
use crate::writes::{client, get, id, make};

on_both_databases!(
    a_deleted_client_comes_back_whole,
    a_taken_name_stops_the_restore,
    a_removed_element_comes_back,
    a_restore_is_for_those_who_may_write,
    history_shows_what_changed,
);

/// The change that deleted a record.
async fn deletion(admin: &Actor, entity: &str, id: i64) -> i64 {
    let history = admin.get(&format!("/api/History?entity={entity}&id={id}")).await.expect(200);
    assert_eq!(history[0]["operation"], "deleted", "{history}");
    history[0]["id"].as_i64().unwrap()
}

async fn a_deleted_client_comes_back_whole(server: &Server) {
    let admin = server.admin().await;
    rich_client(&admin, "Stays").await;
    let made = id(&rich_client(&admin, "Acme").await);
    // Something was changed and removed before: that is not part of the deletion.
    admin.post("/api/Client", json!({ "id": made, "ref": "changed" })).await.expect(200);
    let everything = async || {
        let mut found =
            vec![get(&admin, "Client", made, "?includedetails=true&includeactivity=true").await];
        for path in [
            format!("/api/Site?client_id={made}"),
            format!("/api/Users?client_id={made}"),
            format!("/api/CRMNote?client_id={made}"),
        ] {
            found.push(admin.get(&path).await.expect(200));
        }
        for site in found[1]["sites"].as_array().unwrap().clone() {
            found.push(get(&admin, "Site", id(&site), "?includedetails=true").await);
        }
        // The time of the last write is that of the restore.
        let without_times = |record: Value| {
            let mut record = record;
            if let Value::Object(map) = &mut record {
                map.retain(|name, _| !matches!(name.as_str(), "alastupdate" | "slastupdate"));
            }
            record
        };
        found.into_iter().map(without_times).collect::<Vec<Value>>()
    };
    let (before, count) = (everything().await, totals(&admin).await);
    admin.delete(&format!("/api/Client/{made}")).await.expect(200);
    let change = deletion(&admin, "Client", made).await;
    // Without a body, and so without a type of it, everything is restored.
    let request = admin.request(Method::POST, &format!("/api/History/{change}/restore"));
    let restored = admin.send(request).await.expect(200);
    assert!(restored["restored"].as_array().unwrap().len() > 5, "{restored}");
    assert_eq!(everything().await, before);
    assert_eq!(totals(&admin).await, count);
    let again = admin.post(&format!("/api/History/{change}/restore"), json!({})).await.expect(200);
    assert_eq!((&again["changed"], &again["restored"]), (&json!(false), &json!([])), "{again}");
    assert!(again["_warning"].as_str().unwrap().contains("so already"), "{again}");
    assert_eq!(totals(&admin).await, count);
    // It lives on as before: it can be changed and deleted again.
    admin.post("/api/Client", json!({ "id": made, "ref": "again" })).await.expect(200);
    admin.delete(&format!("/api/Client/{made}")).await.expect(200);
}

async fn a_taken_name_stops_the_restore(server: &Server) {
    let admin = server.admin().await;
    let made = id(&client(&admin, "Acme").await);
    admin.delete(&format!("/api/Client/{made}")).await.expect(200);
    let other = id(&client(&admin, "ACME").await);
    let change = deletion(&admin, "Client", made).await;
    let answer = admin.post(&format!("/api/History/{change}/restore"), json!({})).await;
    let body = answer.expect(400);
    assert_eq!((&body["code"], &body["id"]), (&json!("duplicate"), &json!(other)), "{body}");
    assert_eq!(admin.get("/api/Site").await.expect(200)["record_count"], 1);
    admin.post("/api/Client", json!({ "id": other, "name": "Other" })).await.expect(200);
    admin.post(&format!("/api/History/{change}/restore"), json!({})).await.expect(200);
    assert_eq!(get(&admin, "Client", made, "").await["main_site_name"], "Main");
}

async fn a_removed_element_comes_back(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "Acme", "popup_notes": [{ "note": "one" }, { "note": "two" }] });
    let made = id(&make(&admin, "Client", body).await);
    let notes =
        async || get(&admin, "Client", made, "?includedetails=true").await["popup_notes"].clone();
    let before = notes().await;
    let body = json!({ "id": made, "popup_notes": [{ "id": before[0]["id"] }] });
    admin.post("/api/Client", body).await.expect(200);
    assert_eq!(notes().await, json!([before[0]]));
    let change = deletion(&admin, "PopupNote", id(&before[1])).await;
    admin.post(&format!("/api/History/{change}/restore"), json!({})).await.expect(200);
    assert_eq!(notes().await, before);
}

async fn a_restore_is_for_those_who_may_write(server: &Server) {
    let admin = server.admin().await;
    let made = id(&client(&admin, "Acme").await);
    admin.post("/api/History/99999999/restore", json!({})).await.expect_error(404, "not_found");
    admin.delete(&format!("/api/Client/{made}")).await.expect(200);
    let change = deletion(&admin, "Client", made).await;
    let stranger = server.actor("elsewhere", "stranger", "all", Role::Administrator).await;
    stranger
        .post(&format!("/api/History/{change}/restore"), json!({}))
        .await
        .expect_error(404, "not_found");
    let reader = server.with_scope("read:customers").await;
    reader
        .post(&format!("/api/History/{change}/restore"), json!({}))
        .await
        .expect_error(403, "forbidden");
}

async fn history_shows_what_changed(server: &Server) {
    let admin = server.admin().await;
    let made = id(&make(&admin, "Client", json!({ "name": "Acme", "ref": "a" })).await);
    admin.post("/api/Client", json!({ "id": made, "ref": "b", "notes": "n" })).await.expect(200);
    let history = admin.get(&format!("/api/History?entity=client&id={made}")).await.expect(200);
    assert_eq!(
        (&history[0]["operation"], &history[1]["operation"]),
        (&json!("updated"), &json!("created"))
    );
    let fields = &history[0]["fields"];
    assert_eq!(fields["ref"], json!({ "before": "a", "after": "b" }), "{history}");
    assert_eq!(fields["notes"], json!({ "before": null, "after": "n" }));
    assert_eq!(fields.as_object().unwrap().len(), 2, "{fields}");
    admin.get("/api/History?entity=nosuch&id=1").await.expect_error(400, "validation");
    admin.get("/api/History?id=1").await.expect_error(400, "validation");
}
