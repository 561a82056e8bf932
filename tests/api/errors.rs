//! Errors: one shape, every problem at once, request ids.

use aureole_server::auth::Role;
use aureole_testkit::{Database, Server, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    an_error_has_six_members,
    every_problem_comes_at_once_by_path,
    bodies_that_are_no_records_are_refused,
    every_reply_has_a_request_id,
    without_a_right_there_is_a_401_or_403,
    an_unknown_id_in_a_body_is_a_404,
    a_defect_says_nothing_of_its_cause,
);

fn paths(errors: &Value) -> Vec<&str> {
    let mut paths: Vec<&str> = errors.as_object().unwrap().keys().map(String::as_str).collect();
    paths.sort_unstable();
    paths
}

async fn an_error_has_six_members(server: &Server) {
    let admin = server.admin().await;
    let send = |body: Value| {
        admin.request(Method::POST, "/Client").header("x-request-id", "r-1").json(&body)
    };
    let body = json!([{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": ""}]);
    let answer = admin.send(send(body)).await;
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(answer.header("x-request-id"), "r-1");
    assert_eq!(
        answer.text,
        r#"{"ClassName":"ValidationError","Message":"clients[3].name must not be empty","errors":{"[3].name":["must not be empty"]},"status":400,"code":"validation","request_id":"r-1"}"#
    );
    assert_eq!(admin.get("/Client").await.expect(200)["record_count"], 0, "all or none");
    let answer = admin.send(send(json!({"name": ""}))).await;
    assert_eq!(
        answer.text,
        r#"{"ClassName":"ValidationError","Message":"name must not be empty","errors":{"name":["must not be empty"]},"status":400,"code":"validation","request_id":"r-1"}"#
    );
    let answer =
        admin.send(admin.request(Method::GET, "/Client/77").header("x-request-id", "r-2")).await;
    assert_eq!(
        answer.text,
        r#"{"ClassName":"NotFoundError","Message":"client 77 does not exist","errors":{},"status":404,"code":"not_found","request_id":"r-2"}"#
    );
    let made = admin.post("/Client", json!({"name": "Acme"})).await.expect(201);
    let answer = admin.post("/Client", json!([{"name": "ACME"}])).await;
    let errors = answer.expect_error(400, "duplicate");
    assert_eq!(paths(&errors), ["[0].name"]);
    assert_eq!(answer.json()["id"], made["id"]);
    assert!(
        answer.json()["Message"].as_str().unwrap().contains(&made["id"].to_string()),
        "{}",
        answer.text
    );
}

async fn every_problem_comes_at_once_by_path(server: &Server) {
    let admin = server.admin().await;
    let body = json!([
        {"name": "", "hourlyrate": "x", "customertype": 1.5, "accountsemailaddress": "nobody", "colour": "red"},
        {"name": "good"},
        {"name": "sites", "site_update": [{"name": "one"}, {"name": ""}, {"name": "three", "timezone": "Mars/Base"}]},
        {"name": 7, "is_vip": "maybe", "calldate": "never", "toplevel_id": 99, "pritech": 98},
        {"name": "listy", "site_update": {"name": "no list"}, "customfields": [5], "override_org_address": "text"},
        {"name": "deep", "site_update": [{"name": "a", "delivery_address": {"line1": 1}}, {"name": "b", "geocoord1": "north"}]},
    ]);
    let answer = admin.post("/Client", body).await;
    let errors = answer.expect_error(400, "validation");
    let expected = [
        "[0].accountsemailaddress",
        "[0].colour",
        "[0].customertype",
        "[0].hourlyrate",
        "[0].name",
        "[2].site_update[1].name",
        "[2].site_update[2].timezone",
        "[3].calldate",
        "[3].is_vip",
        "[3].name",
        "[3].pritech",
        "[3].toplevel_id",
        "[4].customfields[0]",
        "[4].override_org_address",
        "[4].site_update",
        "[5].site_update[0].delivery_address.line1",
        "[5].site_update[1].geocoord1",
    ];
    assert_eq!(paths(&errors), expected, "{errors:#}");
    let message = answer.json()["Message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("clients[0].") && message.contains("(and 1"), "{message}");
    assert_eq!(admin.get("/Client").await.expect(200)["record_count"], 0);

    // A bare object's paths have no index.
    let body = json!({"name": " ", "hourlyrate": [], "site_update": [{"name": "x"}, {"name": "y", "client_id": "me"}]});
    let errors = admin.post("/Client", body).await.expect_error(400, "validation");
    assert_eq!(paths(&errors), ["hourlyrate", "name", "site_update[1].client_id"], "{errors}");
    // A flattened array counts through.
    let errors = admin
        .post("/Client", json!([[{"name": "a"}], [{"name": ""}]]))
        .await
        .expect_error(400, "validation");
    assert_eq!(paths(&errors), ["[1].name"]);
    // Query and path parameters are named as they are.
    let errors = admin.get("/Client?page_size=x&order=nothing&count=y&includeactive=z").await;
    assert_eq!(
        paths(&errors.expect_error(400, "validation")),
        ["count", "includeactive", "order", "page_size"]
    );
    let errors =
        admin.post("/Site", json!([{"phonenumber": "1"}])).await.expect_error(400, "validation");
    assert_eq!(paths(&errors), ["[0].client_id", "[0].name"]);
}

async fn bodies_that_are_no_records_are_refused(server: &Server) {
    let admin = server.admin().await;
    let deep = format!("{{\"name\":\"a\",\"ref\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for body in [
        "",
        "   ",
        "nul",
        "null",
        "true",
        "12",
        "\"text\"",
        "{",
        "[",
        "[{]",
        "{\"name\":\"a\"",
        "{\"name\":\"a\",}",
        "{'name':1}",
        "[{\"name\":\"a\"}]x",
        "name=a",
        "{\"name\":\"\\ud800\"}",
        &deep,
    ] {
        let answer = admin.post_text("/Client", "application/json", body).await;
        let errors = answer.expect_error(400, "validation");
        assert!(errors.as_object().is_some_and(|errors| !errors.is_empty()), "{body}: {errors}");
    }
    let request = admin.request(Method::POST, "/Client").header("content-type", "application/json");
    admin.send(request.body(&b"{\"name\":\"\xff\xfe\"}"[..])).await.expect_error(400, "validation");
    let answer = admin.post_text("/Client", "application/json", "{\n\"name\": oops}").await;
    assert!(
        answer.json()["Message"].as_str().unwrap().contains("line 2 column"),
        "{}",
        answer.text
    );

    let errors = admin
        .post("/Client", json!([1, {"name": "a"}, "b", null]))
        .await
        .expect_error(400, "validation");
    assert_eq!(paths(&errors), ["[0]", "[2]", "[3]"], "{errors}");
    let answer = admin.post("/Client", json!([5])).await;
    assert_eq!(answer.json()["Message"], "clients[0] must be an object");

    // Of a key that is there twice the last one counts, as in every JSON reader that clients use.
    let body = "{\"name\":\"first\",\"name\":\"last\"}";
    let made = admin.post_text("/Client", "application/json", body).await.expect(201);
    assert_eq!(made["name"], "last");
    // A byte order mark is no part of the text.
    admin
        .post_text("/Client", "application/json", "\u{feff}{\"name\":\"marked\"}")
        .await
        .expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_at_once_is_refused() {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::start_with(database, |config| {
            config.limits.records_per_post = 3;
            config.limits.problems = 4;
            config.limits.elements = 2;
            config.limits.url_bytes = 200;
        });
        let server = server.await;
        let admin = server.admin().await;
        let records =
            |count: i32| (0..count).map(|at| json!({"name": format!("c{at}")})).collect::<Value>();
        let answer = admin.post("/Client", records(4)).await;
        answer.expect_error(400, "validation");
        assert!(
            answer.json()["Message"].as_str().unwrap().contains("at most 3 records"),
            "{}",
            answer.text
        );
        admin.post("/Client", records(3)).await.expect(201);
        let sites =
            json!({"name": "Sites", "site_update": [{"name": "a"}, {"name": "b"}, {"name": "c"}]});
        let errors = admin.post("/Client", sites).await.expect_error(400, "validation");
        assert_eq!(paths(&errors), ["site_update"]);
        let wrong = json!({"name": "W", "hourlyrate": "x", "periodcharge": "x", "is_vip": "x", "calldate": "x",
            "customertype": "x", "pritech": "x", "sectech": "x"});
        let errors = admin
            .post("/Client", json!([wrong, wrong, wrong]))
            .await
            .expect_error(400, "validation");
        assert_eq!(paths(&errors).len(), 4, "{errors}");
        let long = format!("/Client?search={}", "x".repeat(200));
        admin.get(&long).await.expect_error(414, "too_large");
    }
}

async fn every_reply_has_a_request_id(server: &Server) {
    let admin = server.admin().await;
    let nobody = server.nobody();
    let given = |id: &str, path: &str| admin.request(Method::GET, path).header("x-request-id", id);
    for id in ["abc", "A-1_2.3", &"x".repeat(64)] {
        for path in ["/Client", "/Client/999", "/nothing", "/authinfo"] {
            let answer = admin.send(given(id, path)).await;
            assert_eq!(answer.header("x-request-id"), id, "{path}");
            if answer.status >= 400 {
                assert_eq!(answer.json()["request_id"], id);
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    for id in ["", "with space", "a,b", "<script>", &"x".repeat(65)] {
        let answer = admin.send(given(id, "/Client/999")).await;
        let made = answer.header("x-request-id").to_owned();
        assert!(!made.is_empty() && made != id, "{id:?}");
        assert_eq!(answer.json()["request_id"], json!(made));
        assert!(seen.insert(made));
    }
    for path in [
        "/Client",
        "/token",
        "/healthz",
        "/nothing",
        "/auth/token",
        "/.well-known/openid-configuration",
    ] {
        for answer in [
            nobody.get(path).await,
            nobody.post(path, json!({})).await,
            nobody.send(nobody.request(Method::PATCH, path)).await,
            nobody.send(nobody.request(Method::OPTIONS, path)).await,
        ] {
            assert!(seen.insert(answer.header("x-request-id").to_owned()), "{path}");
        }
    }
}

async fn without_a_right_there_is_a_401_or_403(server: &Server) {
    let admin = server.admin().await;
    for token in ["", "abc", "a.b.c"] {
        let answer = server.nobody().with_token(token).get("/Client").await;
        answer.expect_error(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        // A published Python client reads these two unguarded.
        let body = answer.json();
        assert!(body["error"].is_string() && body["error_description"].is_string(), "{body}");
    }
    let answer = server.nobody().get("/Client").await;
    answer.expect_error(401, "unauthorized");
    let request = server
        .nobody()
        .request(Method::GET, "/Client")
        .header("authorization", "Basic ZGVtbzpkZW1v");
    admin.send(request).await.expect_error(401, "unauthorized");
    let lower = admin.request(Method::GET, "/Client").header("authorization", "");
    assert!(admin.send(lower).await.status < 500);
    let reader = server.with_scope("read:customers").await;
    reader.get("/Client").await.expect(200);
    for answer in [
        reader.post("/Client", json!({"name": "No"})).await,
        reader.delete("/Client/1").await,
        reader.get("/Supplier").await,
        server.with_scope("read:tickets").await.get("/Client").await,
    ] {
        answer.expect_error(403, "forbidden");
        let message = answer.json()["Message"].as_str().unwrap().to_owned();
        assert!(message.contains("edit:customers") || message.contains("read:"), "{message}");
    }
    // Edit implies read; definitions take an administrator to write and any token to read.
    let editor = server.with_scope("edit:customers").await;
    editor.post("/Client", json!({"name": "Yes"})).await.expect(201);
    editor.get("/Client").await.expect(200);
    editor.get("/Status").await.expect(200);
    editor.post("/Status", json!({"name": "No"})).await.expect_error(403, "forbidden");
    let agent = server.actor("default", "agent-app", "all", Role::Agent).await;
    agent.post("/Client", json!({"name": "Agent's"})).await.expect(201);
    agent.post("/Status", json!({"name": "No"})).await.expect_error(403, "forbidden");
}

async fn an_unknown_id_in_a_body_is_a_404(server: &Server) {
    let admin = server.admin().await;
    let answer = admin.post("/Client", json!([{"name": "new"}, {"id": 4711, "name": "x"}])).await;
    answer.expect_error(404, "not_found");
    assert!(answer.json()["Message"].as_str().unwrap().contains("4711"), "{}", answer.text);
    assert_eq!(admin.get("/Client").await.expect(200)["record_count"], 0, "nothing was written");
    let made = admin.post("/Client", json!({"name": "a"})).await.expect(201);
    let mixed = admin
        .post("/Client", json!([{"id": made["id"], "ref": "r"}, {"name": "b"}]))
        .await
        .expect(201);
    assert_eq!((&mixed[0]["ref"], &mixed[1]["name"]), (&json!("r"), &json!("b")));
    let updates = admin.post(
        "/Client",
        json!([{"id": mixed[1]["id"], "ref": "2"}, {"id": made["id"], "ref": "1"}]),
    );
    let updates = updates.await.expect(200);
    assert_eq!(
        (&updates[0]["ref"], &updates[1]["ref"]),
        (&json!("2"), &json!("1")),
        "in request order"
    );
    let bulk = json!([{"name": "c"}, {"name": ""}, {"id": 4711}]);
    let bulk = admin.post("/Client?bulkresponse=true", bulk).await.expect(200);
    let statuses: Vec<i64> =
        bulk.as_array().unwrap().iter().map(|row| row["status"].as_i64().unwrap()).collect();
    assert_eq!(statuses, [201, 400, 404]);
    assert_eq!(admin.get("/Client").await.expect(200)["record_count"], 3);
}

async fn a_defect_says_nothing_of_its_cause(server: &Server) {
    let admin = server.admin().await;
    admin.get("/Tax").await.expect(200);
    let mut tx = server.app().db.begin().await.unwrap();
    if server.app().db.dialect() == aureole_storage::Dialect::Postgres {
        tx.execute("SET LOCAL ROLE NONE", &[]).await.unwrap();
    }
    tx.execute("ALTER TABLE tax RENAME TO tax_elsewhere", &[]).await.unwrap();
    tx.commit().await.unwrap();
    for answer in [
        admin.get("/Tax?search=x").await,
        admin.get("/Tax/1").await,
        admin.post("/Tax", json!({ "name": "VAT" })).await,
        admin.delete("/Tax/1").await,
    ] {
        answer.expect_error(500, "internal");
        let text = answer.text.to_lowercase();
        for word in ["select", "sql", "relation", "no such table", "tax_", ".rs", "panic"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}

/// A statement that waits for somebody else's lock is one that runs too long. (SQLite's one writer has
/// no such wait; what a long statement is there, the tests of the storage tell.)
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_ends_its_request() {
    let server = Server::start(Database::Postgres).await;
    let hasty = server.start_beside(|config| config.storage.query_timeout_ms = 1_000).await;
    let admin = hasty.admin().await;
    let made = admin.post("/api/Client", json!({ "name": "Acme" })).await.expect(201);
    let mut tx = server.app().db.of(1).begin().await.unwrap();
    let lock = "UPDATE client SET rev = rev WHERE tenant_id = 1 AND id = $1";
    tx.execute(lock, &[made["id"].as_i64().unwrap().into()]).await.unwrap();
    let change = json!({ "id": made["id"], "ref": "later" });
    let answer = admin.post("/api/Client", change.clone()).await;
    answer.expect_error(503, "unavailable");
    assert!(!answer.text.contains("UPDATE") && !answer.text.contains("SELECT"), "{}", answer.text);
    // Others are served meanwhile, and the same request once the lock is gone.
    admin.get(&format!("/api/Client/{}", made["id"])).await.expect(200);
    tx.rollback().await.unwrap();
    admin.post("/api/Client", change).await.expect(200);
    hasty.stop().await;
}
