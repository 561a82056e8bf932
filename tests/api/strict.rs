//! `strict`: what nobody knows is a 400, and what was read can be posted back all the same.

use aureole_testkit::{Database, Server};
use serde_json::json;

use crate::writes::{get, id, make};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_server_names_what_it_does_not_know() {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::start_with(database, |config| config.strict = true).await;
        let admin = server.admin().await;
        let acme = make(&admin, "Client", json!({ "name": "Acme" })).await;
        let (client, site) = (id(&acme), acme["main_site_id"].as_i64().unwrap());
        for path in [
            "Client".to_owned(),
            format!("Client/{client}"),
            "Client/me".to_owned(),
            "ClientCache".to_owned(),
            "Site".to_owned(),
            format!("Site/{site}"),
            "Site/StockBins".to_owned(),
            "Supplier".to_owned(),
            "Users".to_owned(),
            "Settings".to_owned(),
            "Agent/me".to_owned(),
            "PopupNote".to_owned(),
            "Lookup".to_owned(),
        ] {
            let answer = admin.get(&format!("/api/{path}?tenant2=x&isactive=1&empty=")).await;
            let errors = answer.expect_error(400, "validation");
            let unknown = json!(["is not a parameter of this path"]);
            assert_eq!(errors, json!({ "tenant2": unknown, "isactive": unknown }), "{path}");
        }
        for path in ["Client", "Site", "Client/NewAccountsId", "Client/PaymentMethodUpdate"] {
            let errors = admin
                .post(&format!("/api/{path}"), json!([{ "id": client, "zip": 1 }]))
                .await
                .expect_error(400, "validation");
            assert_eq!(errors, json!({ "[0].zip": ["is not a known field"] }), "{path}");
            let answer = admin.post(&format!("/api/{path}?foo=1"), json!([{ "id": client }])).await;
            assert!(answer.expect_error(400, "validation")["foo"].is_array(), "{path}");
        }
        let nested = json!([{ "id": client, "site_update": [{ "name": "Depot", "zip": 1 }] }]);
        let errors = admin.post("/api/Client", nested).await.expect_error(400, "validation");
        assert_eq!(errors, json!({ "[0].site_update[0].zip": ["is not a known field"] }));
        assert_eq!(admin.get("/api/Site").await.expect(200)["record_count"], 1);
        admin.delete(&format!("/api/Client/{client}?foo=1")).await.expect_error(400, "validation");
        // Rows and records go back as they came.
        let flags =
            "?includedetails=true&includeactivity=true&includeprepay=true&includeperiods=true";
        let whole = get(&admin, "Client", client, flags).await;
        admin.post("/api/Client", json!([whole])).await.expect(200);
        let whole = get(&admin, "Site", site, "?includedetails=true&includeactivity=true").await;
        admin.post("/api/Site", json!([whole])).await.expect(200);
        let rows = admin.get("/api/Client?showcounts=true&includenotes=true").await.expect(200);
        admin.post("/api/Client", rows["clients"].clone()).await.expect(200);
        let rows = admin.get("/api/Site?includeaddress=true").await.expect(200);
        admin.post("/api/Site", rows["sites"].clone()).await.expect(200);
    }
}
