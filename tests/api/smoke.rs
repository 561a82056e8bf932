//! The shortest way through the whole program.

use aureole_testkit::{Server, on_both_databases};
use serde_json::json;

on_both_databases!(a_client_is_made_read_listed_changed_and_deleted);

async fn a_client_is_made_read_listed_changed_and_deleted(server: &Server) {
    let admin = server.admin().await;
    let made = admin
        .post("/api/Client", json!([{"name": "Acme", "newclient_sitename": "HQ"}]))
        .await
        .expect(201);
    assert_eq!(made["name"], "Acme");
    let id = made["id"].as_i64().unwrap();
    let got = admin.get(&format!("/api/Client/{id}")).await.expect(200);
    assert_eq!(got["main_site_name"], "HQ", "{got}");
    assert_eq!(got["toplevel_name"], "Clients");
    let list = admin.get("/api/Client").await.expect(200);
    assert_eq!(list["record_count"], 1);
    assert_eq!(list["clients"][0]["name"], "Acme");
    let changed =
        admin.post("/api/Client", json!({"id": id, "website": " acme.example "})).await.expect(200);
    assert_eq!(changed["website"], "acme.example");
    admin.delete(&format!("/api/Client/{id}")).await.expect(200);
    admin.get(&format!("/api/Client/{id}")).await.expect_error(404, "not_found");
    let sites = admin.get("/api/Site").await.expect(200);
    assert_eq!(sites["record_count"], 0);
}
