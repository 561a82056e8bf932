//! Where a browser is sent, and where never.

use super::*;

on_both_databases!(
    an_address_that_is_not_registered_is_never_gone_to,
    what_is_wrong_with_a_request_goes_back_to_the_application,
    nothing_breaks_out_of_the_address,
    only_usable_addresses_can_be_registered,
);

/// A page that sends the browser nowhere.
#[track_caller]
fn is_a_dead_end(answer: &Answer, status: u16, place: &str) {
    assert_eq!(answer.status, status, "{place}: {}", answer.text);
    assert_eq!(answer.header("location"), "", "{place}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{place}");
    assert!(!answer.text.contains("<form") && !answer.text.contains("href=\"http"), "{place}");
    assert!(!answer.text.contains("evil"), "{place}: {}", answer.text);
}

async fn an_address_that_is_not_registered_is_never_gone_to(server: &Server) {
    web(server).await;
    application(server, "other", &["authorization_code"], false, "https://evil.example/").await;
    let get = |changes: Vec<(&'static str, &'static str)>| async move {
        let answer = server.nobody().get(&format!("/auth/authorize?{}", request(&changes))).await;
        let page = format!("/auth/authorize?{}", request(&changes));
        let posted = server.nobody().form(&page, &[("action", "cancel")]).await;
        assert_eq!((posted.status, posted.header("location")), (answer.status, ""), "{changes:?}");
        answer
    };
    for near in [
        "https://app.example/back/",
        "https://app.example/Back",
        "https://app.example/back?x=1",
        "https://app.example/back#evil",
        "https://app.example/back/../back",
        "https://app.example/bac",
        "https://app.example:8443/back",
        "https://APP.example/back",
        "http://app.example/back",
        "https://app.example.evil.example/back",
        "https://app.example@evil.example/back",
        "https://evil.example/back",
        "https://evil.example/",
        "//app.example/back",
        "https://app.example/back https://evil.example",
        "https://app.example/back\r\nLocation: https://evil.example",
        "javascript:alert('evil')",
        "data:text/html,evil",
        "https://app.example/back\u{202e}",
        "back",
        " ",
    ] {
        is_a_dead_end(&get(vec![("redirect_uri", near)]).await, 400, near);
    }
    for (changes, place) in [
        (vec![("redirect_uri", "")], "no address"),
        (vec![("client_id", "")], "no application"),
        (vec![("client_id", "nobody")], "unknown application"),
        (vec![("client_id", "WEB")], "another letter case"),
        (vec![("client_id", "web\0")], "NUL"),
        (vec![("state", "\0")], "NUL in state"),
        (vec![("redirect_uri", BACK), ("redirect_uri", "https://evil.example/")], "two addresses"),
        (vec![("client_id", "web"), ("client_id", "other")], "two applications"),
    ] {
        is_a_dead_end(&get(changes).await, 400, place);
    }
    is_a_dead_end(&server.nobody().get("/auth/authorize").await, 400, "nothing");

    let now = server.app().clock.now_ms();
    server.app().auth.revoke_application(None, "web", now).await.unwrap();
    is_a_dead_end(&get(vec![]).await, 400, "revoked");
    server.app().auth.suspend_tenant("default", now).await.unwrap();
    is_a_dead_end(&get(vec![]).await, 403, "suspended");
}

async fn what_is_wrong_with_a_request_goes_back_to_the_application(server: &Server) {
    web(server).await;
    application(server, "program", &["client_credentials"], false, BACK).await;
    for (changes, error) in [
        (vec![("response_type", "")], "invalid_request"),
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("response_type", "code id_token")], "unsupported_response_type"),
        (vec![("response_mode", "fragment")], "invalid_request"),
        (vec![("code_challenge", "")], "invalid_request"),
        (vec![("code_challenge", "short")], "invalid_request"),
        (vec![("code_challenge_method", "")], "invalid_request"),
        (vec![("code_challenge_method", "plain")], "invalid_request"),
        (vec![("scope", "everything")], "invalid_scope"),
        (vec![("scope", "all read:nothing")], "invalid_scope"),
        (vec![("prompt", "none")], "login_required"),
        (vec![("prompt", "none login")], "invalid_request"),
        (vec![("prompt", "please")], "invalid_request"),
        (vec![("request", "eyJ")], "request_not_supported"),
        (vec![("request_uri", "https://evil.example")], "request_uri_not_supported"),
        (vec![("nonce", "a"), ("nonce", "b")], "invalid_request"),
        (vec![("scope", "all"), ("scope", "admin")], "invalid_request"),
        (vec![("client_id", "program")], "unauthorized_client"),
    ] {
        let answer = server.nobody().get(&format!("/auth/authorize?{}", request(&changes))).await;
        assert_eq!(answer.status, 303, "{changes:?}: {}", answer.text);
        assert!(answer.header("location").starts_with(&format!("{BACK}?error=")), "{changes:?}");
        assert_eq!(sent(&answer, "error").as_deref(), Some(error), "{changes:?}");
        assert!(sent(&answer, "error_description").is_some_and(|text| !text.is_empty()));
        assert_eq!(sent(&answer, "state").as_deref(), Some("a state & more"), "{changes:?}");
        assert_eq!(sent(&answer, "iss").as_deref(), Some(server.url()), "{changes:?}");
        assert!(sent(&answer, "code").is_none());
    }
    // No state came, so none goes back.
    let bad = request(&[("state", ""), ("response_type", "token")]);
    let answer = server.nobody().get(&format!("/auth/authorize?{bad}")).await;
    assert!(sent(&answer, "error").is_some() && sent(&answer, "state").is_none());
    for prompt in ["login", "consent", "select_account", "login consent"] {
        Page::open(server, &format!("/authorize?{}", request(&[("prompt", prompt)]))).await;
    }
}

async fn nothing_breaks_out_of_the_address(server: &Server) {
    web(server).await;
    agent(server, "ann", Role::Agent).await;
    for state in [
        "\r\nSet-Cookie: evil=1",
        "\n\nHTTP/1.1 200 OK",
        "&code=evil&iss=evil",
        "#evil",
        "<script>alert(1)</script>",
        "\u{1f600} \u{202e}",
        "%0d%0aSet-Cookie:evil",
    ] {
        let changes = [("state", state)];
        let page = Page::open(server, &format!("/authorize?{}", request(&changes))).await;
        for answer in [
            page.sign_in(server, "ann@example.com", PASSWORD).await,
            page.send(server, &[("action", "cancel")]).await,
            server
                .nobody()
                .get(&format!("/authorize?{}", request(&[("prompt", "none"), changes[0]])))
                .await,
        ] {
            assert_eq!(answer.status, 303);
            assert_eq!(answer.headers.get_all("location").iter().count(), 1);
            assert!(!answer.header("set-cookie").contains("evil"), "{state:?}");
            assert_eq!(sent(&answer, "state").as_deref(), Some(state));
            assert_eq!(sent(&answer, "iss").as_deref(), Some(server.url()));
            assert!(sent(&answer, "code").is_none_or(|code| code.len() == 43), "{state:?}");
            assert!(!answer.header("location").contains(['#', '<', '\n', '\r']), "{state:?}");
        }
    }
}

async fn only_usable_addresses_can_be_registered(server: &Server) {
    let now = server.app().clock.now_ms();
    let make = |redirect_uris: &'static [&'static str], grants: &'static [&'static str]| {
        let new =
            NewApplication { name: "new", redirect_uris, grants, ..NewApplication::default() };
        server.app().auth.create_application(new, now)
    };
    for bad in [
        &["http://app.example/back"][..],
        &["https://app.example/back#x"],
        &["https://ann@app.example/"],
        &["javascript:alert(1)"],
        &["https://app.example/a/../b"],
        &["https://app.example/good", "back"],
    ] {
        let refused = make(bad, &["authorization_code"]).await.unwrap_err().to_string();
        assert!(refused.starts_with(bad[bad.len() - 1]), "{refused}");
    }
    let refused = make(&[], &["authorization_code"]).await.unwrap_err().to_string();
    assert!(refused.contains("redirect address"), "{refused}");
    make(&[BACK, "http://127.0.0.1/back", "com.example.app:/back"], &["authorization_code"])
        .await
        .unwrap();
}
