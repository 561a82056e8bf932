//! The page itself: what it says, what protects it, and who may send its form.

use super::*;

on_both_databases!(
    the_page_is_locked_down,
    the_page_has_its_methods,
    the_cookie_is_for_this_server_alone,
    the_form_is_taken_from_the_page_alone,
    what_others_wrote_is_shown_and_not_run,
    a_wrong_password_is_said_and_slowed_down,
    who_cancels_goes_back_without_a_code,
    a_tenant_has_its_own_people,
);

fn at(changes: &[(&str, &str)]) -> String {
    format!("/auth/authorize?{}", request(changes))
}

async fn the_page_is_locked_down(server: &Server) {
    web(server).await;
    let dead_end = server.nobody().get("/auth/authorize?client_id=nobody").await;
    let page = Page::open(server, &at(&[("login_hint", "ann@example.com")])).await.answer;
    for (answer, form_action) in [(&page, "'self' https://app.example"), (&dead_end, "'none'")] {
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'; style-src 'sha256-",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            &format!("form-action {form_action};"),
        ] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(answer.header(name), value);
        }
        assert!(!answer.header("x-request-id").is_empty());
        for part in ["<html lang=\"en\">", "<title>", "name=\"viewport\"", "<h1>", "<main>"] {
            assert!(answer.text.contains(part), "{part}");
        }
        for part in ["<script", "http-equiv", " style=", " on", "src=", "//"] {
            let text = answer.text.replace("http://www.w3.org", "").replace("to continue to", "");
            assert!(!text.contains(part), "{part} in {text}");
        }
    }
    for part in [
        "<label for=\"username\">",
        "<label for=\"password\">",
        "autocomplete=\"username\"",
        "autocomplete=\"current-password\"",
        "value=\"ann@example.com\"",
        "<strong>web</strong>",
        "app.example",
        "default",
    ] {
        assert!(page.text.contains(part), "{part} in {}", page.text);
    }
    assert!(!page.text.contains("role=\"alert\""));
}

async fn the_page_has_its_methods(server: &Server) {
    web(server).await;
    let nobody = server.nobody();
    let allow = "GET, HEAD, POST, OPTIONS";
    let options = nobody.send(nobody.request(Method::OPTIONS, "/auth/authorize")).await;
    assert_eq!((options.status, options.header("allow")), (204, allow));
    let head = nobody.send(nobody.request(Method::HEAD, &at(&[]))).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert!(!head.header("content-security-policy").is_empty());
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = nobody.send(nobody.request(method, &at(&[]))).await;
        answer.expect_error(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow);
    }
}

async fn the_cookie_is_for_this_server_alone(server: &Server) {
    web(server).await;
    let cookie = Page::open(server, &at(&[])).await.answer;
    let cookie = cookie.header("set-cookie");
    assert!(cookie.starts_with("aureole-sign-in="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let nobody = server.nobody();
    // Anybody can say that it was HTTPS; a trusted proxy is believed.
    let over_https = async |server: &Server, path: &str| {
        let nobody = server.nobody();
        nobody.send(nobody.request(Method::GET, path).header("x-forwarded-proto", "https")).await
    };
    assert!(over_https(server, &at(&[])).await.header("set-cookie").starts_with("aureole-"));
    let info = over_https(server, "/api/authinfo").await.expect(200);
    assert_eq!(info["auth_url"], format!("{}/auth", server.url()));
    let proxied =
        server.start_beside(|config| config.trusted_proxies = "127.0.0.1".to_owned()).await;
    let info = over_https(&proxied, "/api/authinfo").await.expect(200);
    assert_eq!(info["auth_url"], format!("{}/auth", proxied.url().replace("http:", "https:")));
    let https = over_https(&proxied, &at(&[])).await;
    let cookie = https.header("set-cookie");
    assert!(cookie.starts_with("__Host-aureole-sign-in="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    // A second page in the same browser leaves the first one's form as it was.
    let first = Page::open(server, &at(&[])).await;
    let again = nobody.request(Method::GET, &at(&[("state", "x")])).header("cookie", &first.cookie);
    assert_eq!(nobody.send(again).await.header("set-cookie"), "");
    // One that is not ours is replaced.
    let planted = nobody.request(Method::GET, &at(&[])).header("cookie", "aureole-sign-in=short");
    assert!(nobody.send(planted).await.header("set-cookie").starts_with("aureole-sign-in="));
}

async fn the_form_is_taken_from_the_page_alone(server: &Server) {
    web(server).await;
    agent(server, "ann", Role::Agent).await;
    let (page, other) = (Page::open(server, &at(&[])).await, Page::open(server, &at(&[])).await);
    let elsewhere = Page::open(server, &at(&[("scope", "admin")])).await;
    let nobody = server.nobody();
    let good = [("username", "ann@example.com"), ("password", PASSWORD), ("action", "sign_in")];
    let post = |cookie: &str, token: &str, site: &str| {
        let fields = [&[("form_token", token)], &good[..]].concat();
        let mut request = nobody.request(Method::POST, &page.path).form(&fields);
        for (name, value) in [("cookie", cookie), ("sec-fetch-site", site)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        nobody.send(request)
    };
    for (cookie, token, site, place) in [
        ("", page.form_token.as_str(), "", "no cookie"),
        (page.cookie.as_str(), "", "", "no token"),
        (&page.cookie, &other.form_token, "", "another browser's token"),
        (&other.cookie, &page.form_token, "", "another browser's cookie"),
        (&page.cookie, &elsewhere.form_token, "", "the token of another request"),
        ("aureole-sign-in=", &page.form_token, "", "an empty cookie"),
        (&page.cookie, &page.form_token, "cross-site", "another site"),
        (&page.cookie, &page.form_token, "same-site", "a neighbour"),
    ] {
        let answer = post(cookie, token, site).await;
        assert_eq!((answer.status, answer.header("location")), (403, ""), "{place}");
        assert!(answer.text.contains("role=\"alert\"") && answer.text.contains("<form"), "{place}");
        assert!(!answer.text.contains(PASSWORD), "{place}");
    }
    for site in ["", "same-origin", "none"] {
        let answer = post(&page.cookie, &page.form_token, site).await;
        assert!(sent(&answer, "code").is_some(), "{site}: {}", answer.text);
    }
    // Name and password in the address sign nobody in.
    let in_query = request(&[("username", "ann@example.com"), ("password", PASSWORD)]);
    let answer = nobody.get(&format!("/auth/authorize?{in_query}")).await;
    assert_eq!((answer.status, answer.header("location")), (200, ""));
    let huge = [("username", "x".repeat(100_000))];
    let answer = nobody.send(nobody.request(Method::POST, &page.path).form(&huge)).await;
    assert_eq!(answer.status, 403);
}

async fn what_others_wrote_is_shown_and_not_run(server: &Server) {
    let evil = "<script>alert(\"1\")</script>'{alarm}";
    let shown = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;{alarm}";
    let now = server.app().clock.now_ms();
    let tenant = "<b>Acme</b>";
    server.app().auth.create_tenant(tenant, now).await.unwrap();
    let new = NewApplication {
        tenant,
        name: evil,
        client_id: Some("web"),
        grants: &["authorization_code"],
        redirect_uris: &[BACK],
        ..NewApplication::default()
    };
    server.app().auth.create_application(new, now).await.unwrap();
    let changes = [("tenant", tenant), ("login_hint", evil), ("state", evil), ("nonce", "\"><b>")];
    let page = Page::open(server, &at(&changes)).await;
    let answer = page.sign_in(server, evil, "<i>wrong</i>").await;
    assert_eq!(answer.status, 400);
    for text in [&page.answer.text, &answer.text] {
        assert!(text.contains(&format!("<strong>{shown}</strong>")), "{text}");
        assert!(text.contains(&format!("value=\"{shown}\"")), "{text}");
        assert!(text.contains("&lt;b&gt;Acme&lt;/b&gt;"), "{text}");
        assert!(
            !text.contains("<script") && !text.contains("<b>") && !text.contains("<i>"),
            "{text}"
        );
    }
    for query in
        ["tenant=<b>x</b>&client_id=web", "client_id=<b>x</b>", "client_id=web&redirect_uri=<b>"]
    {
        let answer = server.nobody().get(&format!("/authorize?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(!answer.text.contains("<b>"), "{query}: {}", answer.text);
    }
}

async fn a_wrong_password_is_said_and_slowed_down(server: &Server) {
    web(server).await;
    agent(server, "ann", Role::Agent).await;
    let page = Page::open(server, &at(&[])).await;
    for (username, password) in [("ann@example.com", ""), ("", PASSWORD), (" ", PASSWORD)] {
        let answer = page.sign_in(server, username, password).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""));
        assert!(answer.text.contains("role=\"alert\""), "{}", answer.text);
    }
    for (username, password) in
        [("ann@example.com", "guess-one"), ("nobody@example.com", PASSWORD), ("ann", PASSWORD)]
    {
        let answer = page.sign_in(server, username, password).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""));
        // The same sentence for a name that there is and for one that there is not.
        assert!(answer.text.contains("The username or the password is wrong."), "{}", answer.text);
        assert!(answer.text.contains(&format!("value=\"{username}\"")), "the name is kept");
        assert!(!answer.text.contains(password), "the password is not");
    }
    for _ in 0..7 {
        assert_eq!(page.sign_in(server, "ann@example.com", "wrong").await.status, 400);
    }
    // The right one has to wait as well, at the page and at the token endpoint.
    let answer = page.sign_in(server, "ann@example.com", PASSWORD).await;
    assert_eq!(answer.status, 429, "{}", answer.text);
    let wait: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait) && answer.text.contains("<form"), "{wait}");
    let form = [
        ("grant_type", "password"),
        ("client_id", "demo"),
        ("username", "ann@example.com"),
        ("password", PASSWORD),
    ];
    assert_eq!(server.nobody().form("/token", &form).await.status, 429);
    server.advance_ms(61_000);
    assert_eq!(page.sign_in(server, "ann@example.com", PASSWORD).await.status, 303);
}

async fn who_cancels_goes_back_without_a_code(server: &Server) {
    web(server).await;
    let page = Page::open(server, &at(&[])).await;
    let answer =
        page.send(server, &[("action", "cancel"), ("username", ""), ("password", "")]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(sent(&answer, "error").as_deref(), Some("access_denied"));
    assert_eq!(sent(&answer, "state").as_deref(), Some("a state & more"));
    assert!(sent(&answer, "code").is_none());
}

async fn a_tenant_has_its_own_people(server: &Server) {
    web(server).await;
    agent(server, "ann", Role::Agent).await;
    server.actor("second", "second-app", "all", Role::Agent).await;
    let now = server.app().clock.now_ms();
    let new = NewApplication {
        tenant: "second",
        name: "web",
        client_id: Some("web"),
        client_secret: Some(SECRET),
        grants: &["authorization_code"],
        redirect_uris: &[BACK],
        ..NewApplication::default()
    };
    server.app().auth.create_application(new, now).await.unwrap();
    let second = Page::open(server, &at(&[("tenant", "second")])).await;
    assert_eq!(second.sign_in(server, "ann@example.com", PASSWORD).await.status, 400);
    let answer = second.sign_in(server, "second-app@example.com", "a-password").await;
    let code = sent(&answer, "code").unwrap();
    // A code is good in its tenant only.
    refused(&exchange(server, &code, &[]).await, 400, "invalid_grant");
    let tokens = exchange(server, &code, &[("tenant", "second")]).await.expect(200);
    let me = with_token(server, &tokens).get("/Agent/me").await.expect(200);
    assert_eq!(me["name"], json!("second-app"));
    let unknown = server.nobody().get(&at(&[("tenant", "third")])).await;
    assert_eq!((unknown.status, unknown.header("location")), (400, ""));
}
