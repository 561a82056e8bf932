//! `Idempotency-Key`: the same request again has the first one's reply, however close behind it comes.

use aureole_testkit::{Actor, Answer, Server, on_both_databases};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    the_same_request_at_the_same_time_is_one,
    two_servers_answer_as_one,
    a_bulk_request_at_the_same_time_is_one,
    every_write_can_be_repeated,
    a_key_has_255_visible_characters,
);

async fn send(actor: &Actor, path: &str, key: &str, body: &Value) -> Answer {
    let request = actor.request(Method::POST, path).header("idempotency-key", key).json(body);
    actor.send(request).await
}

/// All answers have the same status and body, and all but one say that they are repeated.
fn all_are_one(answers: &[Answer], status: u16) -> Value {
    let first = answers[0].expect(status);
    for answer in answers {
        assert_eq!(answer.expect(status), first);
    }
    let repeated =
        answers.iter().filter(|answer| answer.header("idempotency-replayed") == "true").count();
    assert_eq!(repeated, answers.len() - 1);
    first
}

async fn the_same_request_at_the_same_time_is_one(server: &Server) {
    let admin = server.admin().await;
    for round in 0..5 {
        // The name is unique: without its turn the second one would be told that it is taken.
        let (key, body) = (format!("one-{round}"), json!([{ "name": format!("Acme {round}") }]));
        let sent = (0..8).map(|_| send(&admin, "/Client", &key, &body));
        let made = all_are_one(&join_all(sent).await, 201);
        // Nothing is unique about a note.
        let body = json!([{ "note": "called", "client_id": made["id"] }]);
        let (key, path) = (format!("note-{round}"), format!("/CRMNote?client_id={}", made["id"]));
        all_are_one(&join_all((0..8).map(|_| send(&admin, "/CRMNote", &key, &body))).await, 201);
        assert_eq!(admin.get(&path).await.expect(200)["record_count"], 1);
    }
}

async fn two_servers_answer_as_one(server: &Server) {
    let beside = server.start_beside(|_| ()).await;
    let admin = server.admin().await;
    let there = Actor::nobody(beside.url()).with_token(admin.token());
    for round in 0..5 {
        let (key, body) = (format!("two-{round}"), json!([{ "name": format!("Acme {round}") }]));
        let sent =
            [&admin, &there, &admin, &there].map(|actor| send(actor, "/Client", &key, &body));
        all_are_one(&join_all(sent).await, 201);
    }
    beside.stop().await;
}

async fn a_bulk_request_at_the_same_time_is_one(server: &Server) {
    let admin = server.admin().await;
    let client = admin.post("/Client", json!({ "name": "Acme" })).await.expect(201)["id"].clone();
    let body = json!([
        { "note": "first", "client_id": client },
        { "note": "", "client_id": client },
        { "note": "third", "client_id": client },
    ]);
    let sent = (0..6).map(|_| send(&admin, "/CRMNote?bulkresponse=true", "bulk", &body));
    let told = all_are_one(&join_all(sent).await, 200);
    assert_eq!([&told[0]["status"], &told[1]["status"], &told[2]["status"]], [201, 400, 201]);
    let notes = admin.get(&format!("/CRMNote?client_id={client}")).await.expect(200);
    assert_eq!(notes["record_count"], 2);
}

/// A key that can't be kept is refused, not passed over.
async fn a_key_has_255_visible_characters(server: &Server) {
    let admin = server.admin().await;
    let body = json!([{ "name": "Acme" }]);
    for key in ["é".to_owned(), "x".repeat(256)] {
        for path in ["/Client", "/Client?dryrun=true"] {
            let errors = send(&admin, path, &key, &body).await.expect_error(400, "validation");
            assert!(errors["Idempotency-Key"].is_array(), "{errors}");
        }
    }
    assert_eq!(admin.get("/Client").await.expect(200)["record_count"], 0);
    send(&admin, "/Client", &"x".repeat(255), &body).await.expect(201);
}

/// Also those that are no plain records. The second time nothing is done: by then the request would
/// be refused, or answered otherwise.
async fn every_write_can_be_repeated(server: &Server) {
    let admin = server.admin().await;
    let made = admin.post("/Client", json!([{ "name": "Acme" }, { "name": "Beta" }])).await;
    let made = made.expect(201);
    let (acme, beta) = (&made[0]["id"], &made[1]["id"]);
    let note = admin.post("/PopupNote", json!({ "note": "Hello", "client_id": beta })).await;
    let note = note.expect(201)["id"].clone();
    let item = json!({ "client_id": beta, "billingperiod_id": 2, "startdate": "2026-01-31" });
    let item = admin.post("/RecurringItem", item).await.expect(201)["id"].clone();
    for (path, body) in [
        ("/Client", json!([{ "id": acme, "_merge_client_into": beta }])),
        ("/PopupNote/read", json!([{ "id": note }])),
        ("/RecurringItem/invoiced", json!([{ "id": item, "invoicenumber": "7" }])),
        ("/Settings", json!({ "history_days": 20 })),
    ] {
        let first = send(&admin, path, path, &body).await;
        let again = send(&admin, path, path, &body).await;
        assert_eq!(again.expect(200), first.expect(200), "{path}");
        assert_eq!(again.header("idempotency-replayed"), "true", "{path}");
        let other = send(&admin, path, path, &json!([{ "id": 999_999 }])).await;
        other.expect_error(422, "idempotency_mismatch");
    }
    // Two changes are two requests, though their bodies are alike.
    admin.delete(&format!("/PopupNote/{note}")).await.expect(200);
    admin.delete(&format!("/RecurringItem/{item}")).await.expect(200);
    let changes = admin.get("/History?operation=deleted").await.expect(200);
    let ids = changes.as_array().unwrap().iter().map(|change| change["id"].clone());
    let ids: Vec<Value> = ids.collect();
    assert!(ids.len() >= 2, "{changes}");
    let restore = |id: &Value| format!("/History/{id}/restore");
    send(&admin, &restore(&ids[0]), "restore", &json!({})).await.expect(200);
    let again = send(&admin, &restore(&ids[0]), "restore", &json!({})).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    let other = send(&admin, &restore(&ids[1]), "restore", &json!({})).await;
    other.expect_error(422, "idempotency_mismatch");
}
