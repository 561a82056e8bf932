//! What writes ask every time and hardly ever get another answer to: settings, definitions of fields, top
//! levels. However they are kept in memory, a write goes by what holds when it begins.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{id, make};

on_both_databases!(
    what_another_node_settles_holds_for_the_next_write,
    what_a_request_settles_holds_for_the_next_one,
    a_refused_change_settles_nothing,
);

/// Writes with one of the nodes until it has everything in memory.
async fn warm(admin: &Actor) {
    for number in 0..3 {
        make(admin, "Client", json!({ "name": format!("Warm {number}") })).await;
    }
}

/// A new client's top level, or what is wrong with it.
async fn create(admin: &Actor, body: Value) -> (u16, Value) {
    let answer = admin.post("/api/Client", body).await;
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    (
        answer.status,
        if answer.status == 201 { body["toplevel_id"].clone() } else { body["errors"].clone() },
    )
}

/// Every answer in turn is made another one by `there` and asked of `here`.
async fn settle(here: &Actor, there: &Actor) {
    warm(here).await;
    let first = create(here, json!({ "name": "Before" })).await.1;
    let level = make(there, "TopLevel", json!({ "name": "Chosen" })).await;
    let named = create(here, json!({ "name": "Named", "toplevel_id": id(&level) })).await;
    assert_eq!(named, (201, level["id"].clone()));
    let settings = json!({ "default_toplevel_id": id(&level) });
    there.post("/api/Settings", settings).await.expect(200);
    assert_eq!(create(here, json!({ "name": "After" })).await, (201, level["id"].clone()));
    let settings =
        json!({ "default_toplevel_id": 0, "mandatory_fields": { "Client": ["website"] } });
    there.post("/api/Settings", settings).await.expect(200);
    let (status, errors) = create(here, json!({ "name": "Lacking" })).await;
    assert!(status == 400 && errors["website"].is_array(), "{errors}");
    there.post("/api/Settings", json!({ "mandatory_fields": {} })).await.expect(200);
    assert_eq!(create(here, json!({ "name": "Lacking" })).await, (201, first.clone()));
    let field = make(there, "FieldInfo", json!({ "name": "Colour", "usage": 2, "type": 0 })).await;
    let coloured = |name: &str| json!({ "name": name, "customfields": [{ "id": id(&field), "value": "red" }] });
    assert_eq!(create(here, coloured("Red")).await.0, 201);
    let body = json!({ "id": id(&field), "mandatory": true });
    there.post("/api/FieldInfo", body).await.expect(200);
    assert_eq!(create(here, json!({ "name": "Colourless" })).await.0, 400);
    let body = json!({ "id": id(&field), "mandatory": false });
    there.post("/api/FieldInfo", body).await.expect(200);
    assert_eq!(create(here, json!({ "name": "Colourless" })).await, (201, first));
    there.delete(&format!("/api/TopLevel/{}?confirm=true", id(&level))).await;
    let (status, errors) = create(here, json!({ "name": "Nowhere", "toplevel_id": 4_242 })).await;
    assert!(status == 400 && errors["toplevel_id"].is_array(), "{errors}");
}

async fn what_another_node_settles_holds_for_the_next_write(server: &Server) {
    let node = server.start_beside(|_| {}).await;
    settle(&server.admin().await, &node.admin().await).await;
    node.stop().await;
}

async fn what_a_request_settles_holds_for_the_next_one(server: &Server) {
    let admin = server.admin().await;
    settle(&admin, &admin).await;
}

/// What a transaction that is undone asked after its own writes is no answer for others.
async fn a_refused_change_settles_nothing(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    for round in 0..3 {
        let body = json!([{ "name": "Refused" }, { "name": "" }]);
        admin.post("/api/TopLevel", body.clone()).await.expect_error(400, "validation");
        admin.post("/api/TopLevel?dryrun=true", json!({ "name": "Refused" })).await.expect(201);
        admin
            .post("/api/FieldInfo?dryrun=true", json!({ "name": "Shade", "usage": 2, "type": 0 }))
            .await
            .expect(201);
        let (status, errors) = create(
            &admin,
            json!({ "name": "Shady", "customfields": [{ "name": "CFShade", "value": "dark" }] }),
        )
        .await;
        assert_eq!(status, 400, "{errors}");
        let made = make(&admin, "TopLevel", json!({ "name": format!("Kept {round}") })).await;
        let client = json!({ "name": format!("Of {round}"), "toplevel_name": "Refused" });
        assert_eq!(create(&admin, client).await.0, 400);
        let client =
            json!({ "name": format!("In {round}"), "toplevel_name": format!("Kept {round}") });
        assert_eq!(create(&admin, client).await, (201, made["id"].clone()));
    }
}
