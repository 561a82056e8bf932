//! Tokens over HTTP, and the two documents that lead to them.

use std::time::Duration;

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Answer, Server, on_both_databases};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    a_token_reply_has_six_members,
    credentials_come_in_many_forms,
    the_tenant_comes_in_query_or_form,
    refusals_are_json_with_both_members,
    a_token_is_only_given_for_a_post,
    two_documents_lead_to_the_token,
    refresh_tokens_are_good_once,
    a_revoked_application_is_refused,
    a_forged_token_is_refused,
    a_token_of_another_time_audience_or_tenant_is_refused,
    a_person_gets_a_token_by_password,
);

const GOOD: &[(&str, &str)] = &[
    ("grant_type", "client_credentials"),
    ("client_id", "demo"),
    ("client_secret", "demo-secret"),
    ("scope", "all"),
];

/// The good form with some fields changed; an empty value leaves a field out.
fn form<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<(&str, &str)> = GOOD
        .iter()
        .copied()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name))
        .collect();
    fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    fields
}

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    let body = answer.expect(status);
    assert_eq!(body["error"], error, "{body}");
    assert!(body["error_description"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    assert!(answer.header("content-type").starts_with("application/json"));
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    // What every error has, for programs that read any of them.
    assert!(body["ClassName"].is_string() && body["Message"].is_string(), "{body}");
    assert_eq!(body["status"], status, "{body}");
    assert!(body["code"].is_string() && body["errors"].is_object(), "{body}");
}

async fn a_token_reply_has_six_members(server: &Server) {
    let nobody = server.nobody();
    let answer = nobody.form("/auth/token", GOOD).await;
    let body = answer.expect(200);
    let mut names: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"]
    );
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    for name in ["access_token", "refresh_token", "id_token", "scope"] {
        assert!(body[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
    assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3, "a signed JWT");
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = body["access_token"].as_str().unwrap();
    nobody.with_token(token).get("/api/Client").await.expect(200);
    // The word before the token in any case.
    for scheme in ["bearer", "BEARER", "Bearer"] {
        let request = nobody
            .request(Method::GET, "/Client")
            .header("authorization", format!("{scheme} {token}"));
        nobody.send(request).await.expect(200);
    }
    // An hour, and a minute for clocks that differ.
    server.advance_ms(3_661_000);
    nobody.with_token(token).get("/api/Client").await.expect_error(401, "unauthorized");
}

async fn credentials_come_in_many_forms(server: &Server) {
    let nobody = server.nobody();
    let mut fields = GOOD.to_vec();
    for path in
        ["/auth/token", "/token", "/api/token", "/Auth/Token/", "//auth/token", "/api/auth/token"]
    {
        fields.rotate_left(1);
        nobody.form(path, &fields).await.expect(200);
    }
    let basic = |secret: &str, fields: &[(&str, &str)]| {
        nobody.request(Method::POST, "/auth/token").basic_auth("demo", Some(secret)).form(fields)
    };
    nobody.send(basic("demo-secret", &[("grant_type", "client_credentials")])).await.expect(200);
    let answer = nobody.send(basic("wrong", &[("grant_type", "client_credentials")])).await;
    refused(&answer, 401, "invalid_client");
    let extra = form(&[("unknown", "x"), ("tenant", "")]);
    nobody.form("/token", &extra).await.expect(200);
    let scoped =
        nobody.form("/token", &form(&[("scope", "read:customers edit:tickets")])).await.expect(200);
    let scope = scoped["scope"].as_str().unwrap();
    assert!(
        scope.contains("read:customers")
            && scope.contains("edit:tickets")
            && !scope.contains("admin"),
        "{scope}"
    );
    nobody
        .form("/token", &form(&[("scope", "admin edit:tickets edit:customers")]))
        .await
        .expect(200);
    nobody.form("/token", &form(&[("scope", "")])).await.expect(200);
}

async fn the_tenant_comes_in_query_or_form(server: &Server) {
    let nobody = server.nobody();
    // With one tenant, whatever is named means that one.
    for tenant in ["default", "Default", "", "undefined", "acme.halopsa.com"] {
        nobody.form(&format!("/auth/token?tenant={tenant}"), GOOD).await.expect(200);
        nobody.form("/auth/token", &form(&[("tenant", tenant)])).await.expect(200);
    }
    server.actor("second", "second-app", "all", Role::Administrator).await;
    let answer = nobody.form("/auth/token?tenant=third", GOOD).await;
    refused(&answer, 400, "invalid_request");
    assert!(
        answer.json()["error_description"].as_str().unwrap().contains("third"),
        "{}",
        answer.text
    );
    for tenant in ["default", "", "undefined"] {
        nobody.form(&format!("/auth/token?tenant={tenant}"), GOOD).await.expect(200);
    }
    nobody.form("/auth/token", GOOD).await.expect(200);
    let second = form(&[("client_id", "second-app"), ("client_secret", "a-secret")]);
    nobody.form("/auth/token?tenant=second", &second).await.expect(200);
    let second =
        form(&[("client_id", "second-app"), ("client_secret", "a-secret"), ("tenant", "SECOND")]);
    nobody.form("/auth/token", &second).await.expect(200);
    // An application of one tenant is nobody in the other.
    refused(&nobody.form("/auth/token?tenant=second", GOOD).await, 401, "invalid_client");
}

async fn refusals_are_json_with_both_members(server: &Server) {
    let nobody = server.nobody();
    for (changes, status, error) in [
        (&[("client_secret", "wrong")][..], 401, "invalid_client"),
        (&[("client_id", "nobody")], 401, "invalid_client"),
        (&[("client_secret", "")], 401, "invalid_client"),
        (&[("client_id", "")], 401, "invalid_client"),
        (&[("grant_type", "magic")], 400, "unsupported_grant_type"),
        (&[("grant_type", "Client_Credentials")], 400, "unsupported_grant_type"),
        (&[("grant_type", "")], 400, "invalid_request"),
        (&[("scope", "everything")], 400, "invalid_scope"),
        (&[("scope", "read:nothing")], 400, "invalid_scope"),
        (&[("grant_type", "refresh_token"), ("refresh_token", "nonsense")], 400, "invalid_grant"),
    ] {
        refused(&nobody.form("/auth/token", &form(changes)).await, status, error);
    }
    let text = |kind: &'static str, body: String| {
        let nobody = nobody.clone();
        async move { nobody.post_text("/auth/token", kind, body).await }
    };
    refused(
        &text("application/x-www-form-urlencoded", String::new()).await,
        400,
        "invalid_request",
    );
    refused(&text("application/json", "{\"grant_type\":".to_owned()).await, 400, "invalid_request");
    refused(&text("text/plain", "\u{0}\u{1}&&==%%".to_owned()).await, 400, "invalid_request");
    refused(
        &text("text/html", format!("grant_type={}", "x".repeat(100_000))).await,
        400,
        "invalid_request",
    );
    // Ten wrong secrets in a minute are enough.
    let mut last = nobody.form("/auth/token", &form(&[("client_secret", "no")])).await;
    for _ in 0..12 {
        last = nobody.form("/auth/token", &form(&[("client_secret", "no")])).await;
    }
    assert_eq!(last.status, 429, "{}", last.text);
    assert!(
        last.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=60).contains(&seconds))
    );
    assert!(last.json()["error_description"].is_string());
}

async fn a_token_is_only_given_for_a_post(server: &Server) {
    let nobody = server.nobody();
    for path in ["/auth/token", "/token", "/api/Auth/Token/"] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = nobody.send(nobody.request(method, path)).await;
            answer.expect_error(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), "POST, OPTIONS");
            let body = answer.json();
            assert!(body["error"].is_string() && body["error_description"].is_string(), "{body}");
        }
    }
}

async fn two_documents_lead_to_the_token(server: &Server) {
    let nobody = server.nobody();
    for path in ["/api/authinfo", "/authinfo", "/AuthInfo/", "/api/AuthInfo?tenant=default"] {
        let info = nobody.get(path).await.expect(200);
        assert_eq!(info["auth_url"], format!("{}/auth", server.url()), "{path}");
        for name in ["tenant_id", "name", "version"] {
            assert!(
                info[name].as_str().is_some_and(|text| !text.is_empty()),
                "{path} {name}: {info}"
            );
        }
    }
    let root = nobody.get("/.well-known/openid-configuration").await.expect(200);
    assert_eq!(nobody.get("/auth/.well-known/openid-configuration").await.expect(200), root);
    assert_eq!(root["token_endpoint"], format!("{}/auth/token", server.url()));
    assert_eq!(root["authorization_endpoint"], format!("{}/auth/authorize", server.url()));
    assert!(
        root["issuer"].as_str().is_some_and(|issuer| issuer.starts_with(server.url())),
        "{root}"
    );
    let list = |name: &str| -> Vec<String> { serde_json::from_value(root[name].clone()).unwrap() };
    for grant in ["client_credentials", "password", "refresh_token"] {
        assert!(list("grant_types_supported").contains(&grant.to_owned()), "{root}");
    }
    for scope in ["all", "all:standard", "admin", "read:customers", "edit:customers"] {
        assert!(list("scopes_supported").contains(&scope.to_owned()), "{root}");
    }
    assert_eq!(list("code_challenge_methods_supported"), ["S256"]);
    let keys = root["jwks_uri"].as_str().unwrap().strip_prefix(server.url()).unwrap();
    let keys = nobody.get(keys).await.expect(200);
    assert!(keys["keys"].as_array().is_some_and(|keys| !keys.is_empty()), "{keys}");
    // The token endpoint that the document names is one.
    let path = root["token_endpoint"].as_str().unwrap().strip_prefix(server.url()).unwrap();
    nobody.form(path, GOOD).await.expect(200);
}

async fn refresh_tokens_are_good_once(server: &Server) {
    let nobody = server.nobody();
    let first =
        nobody.form("/token", GOOD).await.expect(200)["refresh_token"].as_str().unwrap().to_owned();
    let refresh = |token: String| {
        let nobody = nobody.clone();
        async move {
            let fields = [
                ("grant_type", "refresh_token"),
                ("refresh_token", token.as_str()),
                ("client_id", "demo"),
                ("client_secret", "demo-secret"),
            ];
            nobody.form("/token", &fields).await
        }
    };
    let second = refresh(first.clone()).await.expect(200);
    assert_eq!(second.as_object().unwrap().len(), 6);
    nobody.with_token(second["access_token"].as_str().unwrap()).get("/Client").await.expect(200);
    let second = second["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    refused(&refresh(first).await, 400, "invalid_grant");
    // The second use of the first one ended the whole family.
    refused(&refresh(second).await, 400, "invalid_grant");
}

async fn a_revoked_application_is_refused(server: &Server) {
    let actor = server.actor("default", "short-lived", "all", Role::Agent).await;
    actor.get("/Client").await.expect(200);
    let now = server.app().clock.now_ms();
    server.app().auth.revoke_application(Some("default"), "short-lived", now).await.unwrap();
    let mut last = 200;
    for _ in 0..50 {
        last = actor.get("/Client").await.status;
        if last == 401 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(last, 401, "five seconds are the most");
    actor.get("/Client").await.expect_error(401, "unauthorized");
    let fields = form(&[("client_id", "short-lived"), ("client_secret", "a-secret")]);
    refused(&server.nobody().form("/token", &fields).await, 401, "invalid_client");
}

async fn a_forged_token_is_refused(server: &Server) {
    let admin = server.admin().await;
    let parts: Vec<&str> = admin.token().split('.').collect();
    let [head, body, signature] = parts[..] else { panic!("{}", admin.token()) };
    // {"alg":"none"} and {"alg":"none","typ":"JWT"}
    let none = ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"];
    let other = server.with_scope("read:tickets").await;
    let other_body = other.token().split('.').nth(1).unwrap().to_owned();
    let flipped = |text: &str| {
        let (at, last) = (text.len() / 2, text.as_bytes()[text.len() / 2]);
        format!("{}{}{}", &text[..at], if last == b'A' { 'B' } else { 'A' }, &text[at + 1..])
    };
    let forged = [
        format!("{}.{body}.", none[0]),
        format!("{}.{body}.{signature}", none[1]),
        format!("{head}.{body}."),
        format!("{head}.{body}"),
        format!("{head}.{other_body}.{signature}"),
        format!("{head}.{}.{signature}", flipped(body)),
        format!("{head}.{body}.{}", flipped(signature)),
        format!("{}.{body}.{signature}", flipped(head)),
        format!("{head}.{body}.{signature}.x"),
        format!("{}x", admin.token()),
        format!(".{}", admin.token()),
        "..".to_owned(),
        "x".repeat(10_000),
    ];
    for token in forged {
        let answer = server.nobody().with_token(&token).get("/Client").await;
        answer.expect_error(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    // An id token and a refresh token open nothing.
    let reply: Value = server.nobody().form("/token", GOOD).await.expect(200);
    for name in ["id_token", "refresh_token"] {
        let token = reply[name].as_str().unwrap();
        server.nobody().with_token(token).get("/Client").await.expect_error(401, "unauthorized");
    }
    admin.get("/Client").await.expect(200);
}

/// Signed with the server's own key, so that nothing but what it says is wrong.
async fn a_token_of_another_time_audience_or_tenant_is_refused(server: &Server) {
    let admin = server.admin().await;
    let stranger = server.actor("second", "stranger", "all", Role::Administrator).await;
    let keys = aureole_storage::tokens::signing_keys(&mut server.app().db.clone()).await.unwrap();
    let key = EncodingKey::from_ec_pem(keys[0].private_pem.as_bytes()).unwrap();
    let claims = |actor: &Actor| -> Value {
        let body = actor.token().split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
    };
    let sign = |kind: &str, claims: &Value| {
        let head = json!({ "typ": kind, "alg": "ES256", "kid": keys[0].kid });
        let parts = [&head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = parts.join(".");
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    };
    let (good, foreign) = (claims(&admin), claims(&stranger));
    let ask = async |token: String| server.nobody().with_token(&token).get("/Client").await;
    ask(sign("at+jwt", &good)).await.expect(200);
    let now = server.app().clock.now_ms() / 1_000;
    for (name, value) in [
        ("aud", json!("demo")),
        ("aud", json!(["demo", "elsewhere"])),
        ("iss", json!("https://elsewhere.example")),
        ("exp", json!(now - 60)),
        ("nbf", json!(now + 60)),
        ("tid", foreign["tid"].clone()),
        ("tid", json!(0)),
        ("tid", json!(-1)),
        ("tid", json!(999)),
        ("cid", json!("stranger")),
        ("cid", json!("")),
        ("aid", json!(999_999)),
        ("aid", json!(-1)),
    ] {
        let mut forged = good.clone();
        forged[name] = value.clone();
        let answer = ask(sign("at+jwt", &forged)).await;
        assert_eq!(answer.status, 401, "{name} {value}: {}", answer.text);
        answer.expect_error(401, "unauthorized");
    }
    ask(sign("JWT", &good)).await.expect_error(401, "unauthorized");
    // A scope that the application does not have, though the token says so, is no right.
    let narrow = server.actor("default", "narrow", "read:customers", Role::Administrator).await;
    let mut wide = claims(&narrow);
    wide["scope"] = json!("all");
    let wide = server.nobody().with_token(&sign("at+jwt", &wide));
    wide.post("/Tax", json!({ "name": "x" })).await.expect_error(403, "forbidden");
}

async fn a_person_gets_a_token_by_password(server: &Server) {
    server.actor("default", "desk", "all", Role::Agent).await;
    let fields = |name: &'static str, password: &'static str| {
        [
            ("password", password),
            ("username", name),
            ("grant_type", "password"),
            ("client_id", "desk"),
            ("client_secret", "a-secret"),
            ("scope", "all"),
        ]
    };
    let reply =
        server.nobody().form("/token", &fields("DESK@example.com", "a-password")).await.expect(200);
    let me = server
        .nobody()
        .with_token(reply["access_token"].as_str().unwrap())
        .get("/Agent/me")
        .await
        .expect(200);
    assert_eq!(me["name"], "desk");
    refused(
        &server.nobody().form("/token", &fields("desk@example.com", "wrong")).await,
        400,
        "invalid_grant",
    );
    refused(
        &server.nobody().form("/token", &fields("", "a-password")).await,
        400,
        "invalid_request",
    );
}
