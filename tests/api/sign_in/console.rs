//! The console's page, and the application behind it.

use aureole_server::auth::{Role, console};
use aureole_testkit::{Server, on_both_databases};
use serde_json::json;

use super::{PASSWORD, Page, agent, exchange, request, sent, with_token};

on_both_databases!(
    browsers_are_led_to_a_page_that_is_locked_down,
    the_console_may_look_and_nothing_else,
    its_codes_go_to_this_server_alone,
    each_tenant_has_a_console_until_it_is_revoked,
);

async fn browsers_are_led_to_a_page_that_is_locked_down(server: &Server) {
    let nobody = server.nobody();
    nobody.get("/").await.expect_error(404, "not_found");
    let root = nobody.request(reqwest::Method::GET, "/").header("accept", "text/html,*/*;q=0.8");
    let root = nobody.send(root).await;
    // Beside this page, whatever name or path the browser knows the server by.
    assert_eq!((root.status, root.header("location")), (303, "console"));

    for (path, files) in [("/console", "console/"), ("/console/", ""), ("/Console", "console/")] {
        let page = nobody.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(page.text.contains(&format!("src=\"{files}console.js\"")), "{}", page.text);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(
            !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!page.text.contains("<style") && !page.text.contains(" style="));
        assert_eq!(
            page.text.matches("<script").count(),
            page.text.matches("<script type=\"module\" src=").count()
        );
    }
    let script = nobody.get("/console/session.js").await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert!(script.text.contains(console::CLIENT_ID));
    nobody.get("/console/secret.js").await.expect_error(404, "not_found");
    nobody.post("/console", json!({})).await.expect_error(405, "method_not_allowed");
}

/// Signs Ann in at the console and returns the reply of the exchange.
async fn signed_in(server: &Server, username: &str) -> serde_json::Value {
    server.nobody().get("/console").await;
    let back = format!("{}/console", server.url());
    let asked = request(&[("client_id", console::CLIENT_ID), ("redirect_uri", &back)]);
    let page = Page::open(server, &format!("/auth/authorize?{asked}")).await;
    let answer = page.sign_in(server, username, PASSWORD).await;
    assert!(answer.header("location").starts_with(&back), "{}", answer.header("location"));
    let code = sent(&answer, "code").unwrap();
    let changes =
        [("client_id", console::CLIENT_ID), ("client_secret", ""), ("redirect_uri", &*back)];
    exchange(server, &code, &changes).await.expect(200)
}

async fn the_console_may_look_and_nothing_else(server: &Server) {
    agent(server, "ann", Role::Administrator).await;
    let tokens = signed_in(server, "ann@example.com").await;
    let ann = with_token(server, &tokens);
    for path in [
        "Client",
        "Site",
        "Supplier",
        "Users",
        "CRMNote",
        "RecurringItem",
        "ClientPrepay",
        "History",
    ] {
        ann.get(&format!("/api/{path}?count=1")).await.expect(200);
    }
    for path in ["Client", "Site", "CRMNote", "PopupNote", "Agent", "Webhook"] {
        let refused = ann.post(&format!("/api/{path}"), json!([{ "name": "Acme" }])).await;
        refused.expect_error(403, "forbidden");
    }
    ann.delete("/api/Client/1").await.expect_error(403, "forbidden");
}

async fn its_codes_go_to_this_server_alone(server: &Server) {
    server.nobody().get("/console").await;
    for back in [
        "https://evil.example/console".to_owned(),
        "/console".to_owned(),
        format!("{}/console/", server.url()),
        format!("{}/console/../docs", server.url()),
        format!("{}.evil.example/console", server.url()),
    ] {
        let asked = request(&[("client_id", console::CLIENT_ID), ("redirect_uri", &back)]);
        let answer = server.nobody().get(&format!("/auth/authorize?{asked}")).await;
        assert_eq!(answer.status, 400, "{back}");
        assert!(answer.text.contains("an address that it has not"), "{back}: {}", answer.text);
    }
}

async fn each_tenant_has_a_console_until_it_is_revoked(server: &Server) {
    let auth = &server.app().auth;
    let now = server.app().clock.now_ms();
    auth.create_tenant("two", now).await.unwrap();
    let known = || async {
        let all = auth.list_applications().await.unwrap();
        let mut found: Vec<String> = all
            .into_iter()
            .filter(|found| found.client_id == console::CLIENT_ID && !found.revoked)
            .map(|found| found.tenant)
            .collect();
        found.sort();
        found
    };
    assert!(known().await.is_empty());
    for path in ["/console?tenant=two", "/console?tenant=two", "/console?tenant=nobody"] {
        assert_eq!(server.nobody().get(path).await.status, 200);
    }
    assert_eq!(known().await, ["two"]);
    server.nobody().get("/console").await;
    assert_eq!(known().await, ["default", "two"]);

    auth.revoke_application(Some("two"), console::CLIENT_ID, now).await.unwrap();
    assert_eq!(server.nobody().get("/console?tenant=two").await.status, 200);
    assert_eq!(known().await, ["default"]);
    let back = format!("{}/console", server.url());
    let asked =
        request(&[("client_id", console::CLIENT_ID), ("redirect_uri", &back), ("tenant", "two")]);
    let answer = server.nobody().get(&format!("/auth/authorize?{asked}")).await;
    assert!(answer.text.contains("is not known"), "{}", answer.text);
}
