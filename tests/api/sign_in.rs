//! Signing in by browser: the page, the code and what it becomes.

mod console;
mod ends;
mod page;
mod redirects;

use std::process::Command;

use aureole_server::auth::{NewApplication, Role};
use aureole_testkit::{Actor, Answer, Server, on_both_databases};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    an_agent_signs_in_and_gets_six_members,
    an_end_user_signs_in_and_reaches_its_own_client_only,
    every_form_of_the_path_is_the_page,
    a_program_that_keeps_no_secret_needs_none,
    scopes_are_those_of_application_and_agent,
);

const BACK: &str = "https://app.example/back";
/// The example of RFC 7636.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const SECRET: &str = "a-secret";
const PASSWORD: &str = "a-long-password";

/// An application `web` that keeps a secret and sends people back to [`BACK`].
async fn web(server: &Server) {
    application(server, "web", &["client_credentials", "authorization_code"], false, BACK).await;
}

async fn application(server: &Server, id: &str, grants: &[&str], is_public: bool, back: &str) {
    let new = NewApplication {
        name: id,
        client_id: Some(id),
        client_secret: (!is_public).then_some(SECRET),
        scope: "all",
        grants,
        redirect_uris: &[back],
        is_public,
        ..NewApplication::default()
    };
    let now = server.app().clock.now_ms();
    server.app().auth.create_application(new, now).await.unwrap();
}

/// An agent `NAME@example.com` with [`PASSWORD`].
async fn agent(server: &Server, name: &str, role: Role) -> i64 {
    let (email, now) = (format!("{name}@example.com"), server.app().clock.now_ms());
    let made = server.app().auth.create_agent("", name, &email, Some(PASSWORD), role, now);
    made.await.unwrap()
}

/// A client with an end user `eve@example.com`; returns the client's id.
async fn end_user(server: &Server) -> i64 {
    let admin = server.admin().await;
    let client = admin.post("/Client", json!({"name": "Owner"})).await.expect(201);
    let user = json!({
        "name": "Eve End", "site_id": client["main_site_id"],
        "emailaddress": "eve@example.com", "password": PASSWORD,
    });
    admin.post("/Users", user).await.expect(201);
    client["id"].as_i64().unwrap()
}

/// The parameters of a good request, some of them changed; an empty value leaves one out.
fn request(changes: &[(&str, &str)]) -> String {
    let good = [
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", BACK),
        ("scope", "all"),
        ("state", "a state & more"),
        ("nonce", "a nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = good.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    let pairs = kept.chain(changes.iter().filter(|(_, value)| !value.is_empty()));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The page in a browser: where it is, its cookie, and what its form has hidden.
struct Page {
    path: String,
    cookie: String,
    form_token: String,
    answer: Answer,
}

impl Page {
    async fn open(server: &Server, path: &str) -> Page {
        let answer = server.nobody().get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let form_token = hidden(&answer.text, "form_token");
        Page { path: path.to_owned(), cookie, form_token, answer }
    }

    /// The form as a browser sends it.
    async fn send(&self, server: &Server, fields: &[(&str, &str)]) -> Answer {
        let nobody = server.nobody();
        let fields = [&[("form_token", self.form_token.as_str())], fields].concat();
        let request = nobody.request(Method::POST, &self.path).header("cookie", &self.cookie);
        nobody.send(request.form(&fields)).await
    }

    async fn sign_in(&self, server: &Server, username: &str, password: &str) -> Answer {
        let fields = [("username", username), ("password", password), ("action", "sign_in")];
        self.send(server, &fields).await
    }
}

fn hidden(page: &str, name: &str) -> String {
    let at = page.find(&format!("name=\"{name}\" value=\"")).expect(name);
    let value = page[at..].split("value=\"").nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}

/// A parameter of the address that an answer redirects to.
fn sent(answer: &Answer, name: &str) -> Option<String> {
    let (_, query) = answer.header("location").split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// Signs in at the request's page and returns the code.
async fn code(server: &Server, changes: &[(&str, &str)], username: &str) -> String {
    let page = Page::open(server, &format!("/auth/authorize?{}", request(changes))).await;
    let answer = page.sign_in(server, username, PASSWORD).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(answer.header("location").starts_with(BACK), "{}", answer.header("location"));
    sent(&answer, "code").expect("a code")
}

/// Exchanges a code, with some fields changed; an empty value leaves one out.
async fn exchange(server: &Server, code: &str, changes: &[(&str, &str)]) -> Answer {
    let good = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("client_id", "web"),
        ("client_secret", SECRET),
        ("code_verifier", VERIFIER),
    ];
    let kept = good.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    let fields: Vec<(&str, &str)> =
        kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect();
    server.nobody().form("/auth/token", &fields).await
}

async fn refresh(server: &Server, token: &Value) -> Answer {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str().unwrap()),
        ("client_id", "web"),
        ("client_secret", SECRET),
    ];
    server.nobody().form("/auth/token", &fields).await
}

fn with_token(server: &Server, tokens: &Value) -> Actor {
    server.nobody().with_token(tokens["access_token"].as_str().unwrap())
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    let body = answer.expect(status);
    assert_eq!(body["error"], error, "{body}");
    assert!(body["error_description"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
}

async fn an_agent_signs_in_and_gets_six_members(server: &Server) {
    web(server).await;
    let ann = agent(server, "ann", Role::Administrator).await;
    let page = Page::open(server, &format!("/auth/authorize?{}", request(&[]))).await;
    let answer = page.sign_in(server, " Ann@Example.com ", PASSWORD).await;
    assert_eq!((answer.status, answer.text.as_str()), (303, ""));
    assert_eq!(sent(&answer, "state").as_deref(), Some("a state & more"));
    assert_eq!(sent(&answer, "iss").as_deref(), Some(server.url()));
    assert_eq!(answer.header("cache-control"), "no-store");
    let code = sent(&answer, "code").unwrap();
    assert_eq!(code.len(), 43, "256 random bits");

    let reply = exchange(server, &code, &[]).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    let tokens = reply.expect(200);
    let names: Vec<&String> = tokens.as_object().unwrap().keys().collect();
    let all = ["access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"];
    assert_eq!(names, all);
    assert_eq!((&tokens["scope"], &tokens["expires_in"]), (&json!("all"), &json!(3600)));
    let me = with_token(server, &tokens).get("/Agent/me").await.expect(200);
    assert_eq!((&me["id"], &me["name"]), (&json!(ann), &json!("ann")));

    let id = claims(&tokens["id_token"]);
    let now = server.app().clock.now_ms() / 1_000;
    assert_eq!((&id["iss"], &id["aud"]), (&json!(server.url()), &json!("web")));
    assert_eq!((&id["nonce"], &id["name"]), (&json!("a nonce"), &json!("ann")));
    assert_eq!(
        (&id["sub"], &id["email"]),
        (&json!(format!("1.agent.{ann}")), &json!("ann@example.com"))
    );
    assert_eq!(id["exp"].as_i64().unwrap() - id["iat"].as_i64().unwrap(), 3_600);
    assert!((id["auth_time"].as_i64().unwrap() - now).abs() <= 30, "{id}");
    let hash = Command::new("sh")
        .args(["-c", "printf %s \"$0\" | openssl dgst -sha256 -binary | head -c 16 | base64"])
        .arg(tokens["access_token"].as_str().unwrap())
        .output()
        .unwrap();
    let hash = String::from_utf8(hash.stdout).unwrap();
    let hash = hash.trim().trim_end_matches('=').replace('+', "-").replace('/', "_");
    assert_eq!((id["at_hash"].as_str(), hash.len()), (Some(hash.as_str()), 22), "{id}");
    is_signed(server, &tokens["id_token"]).await;

    // A refresh keeps when the person signed in, and has no nonce (OpenID Connect, 12.2).
    server.advance_ms(120_000);
    let next = refresh(server, &tokens["refresh_token"]).await.expect(200);
    let later = claims(&next["id_token"]);
    assert_eq!((&later["auth_time"], &later["sub"]), (&id["auth_time"], &id["sub"]));
    assert!(later.get("nonce").is_none() && later["iat"].as_i64() > id["iat"].as_i64());
    let info = with_token(server, &next).get("/auth/userinfo").await.expect(200);
    assert_eq!(info, json!({"sub": id["sub"], "name": "ann", "email": "ann@example.com"}));
}

/// The token's signature is by a key that the server publishes.
async fn is_signed(server: &Server, token: &Value) {
    let token = token.as_str().unwrap();
    let keys = server.nobody().get("/.well-known/jwks.json").await.expect(200);
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap());
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&["web"]);
    validation.set_issuer(&[server.url()]);
    jsonwebtoken::decode::<Value>(token, &key.unwrap(), &validation).unwrap();
}

async fn an_end_user_signs_in_and_reaches_its_own_client_only(server: &Server) {
    web(server).await;
    let client = end_user(server).await;
    let code = code(server, &[], "eve@example.com").await;
    let tokens = exchange(server, &code, &[]).await.expect(200);
    let eve = with_token(server, &tokens);
    assert_eq!(eve.get("/Client/me").await.expect(200)["id"], json!(client));
    let info = eve.get("/UserInfo").await.expect(200);
    assert_eq!((&info["name"], &info["email"]), (&json!("Eve End"), &json!("eve@example.com")));
    for path in ["/Client", "/Site", "/Users", "/Tickets", "/Tax", "/Agent", "/Settings"] {
        eve.get(path).await.expect_error(403, "forbidden");
    }
    assert_eq!(tokens["scope"], json!(""));
    assert!(claims(&tokens["id_token"])["sub"].as_str().unwrap().starts_with("1.user."));
}

async fn every_form_of_the_path_is_the_page(server: &Server) {
    web(server).await;
    agent(server, "ann", Role::Agent).await;
    for path in ["/auth/authorize", "/authorize", "/Auth/Authorize/", "//api/AUTH/authorize"] {
        let page = Page::open(server, &format!("{path}?{}", request(&[]))).await;
        let answer = page.sign_in(server, "ann@example.com", PASSWORD).await;
        assert!(sent(&answer, "code").is_some(), "{path}");
    }
    let document = server.nobody().get("/.well-known/openid-configuration").await.expect(200);
    let list = |name: &str| document[name].as_array().unwrap().clone();
    assert!(list("grant_types_supported").contains(&json!("authorization_code")), "{document}");
    assert_eq!(document["authorization_response_iss_parameter_supported"], json!(true));
    for (name, path) in [
        ("authorization_endpoint", "/auth/authorize"),
        ("token_endpoint", "/auth/token"),
        ("revocation_endpoint", "/auth/revoke"),
        ("userinfo_endpoint", "/auth/userinfo"),
        ("jwks_uri", "/.well-known/jwks.json"),
    ] {
        assert_eq!(document[name], json!(format!("{}{path}", server.url())));
        let answer = server.nobody().get(path).await;
        assert_ne!(answer.status, 404, "{path}");
    }
}

async fn a_program_that_keeps_no_secret_needs_none(server: &Server) {
    application(server, "native", &["authorization_code"], true, "http://127.0.0.1/back").await;
    agent(server, "ann", Role::Agent).await;
    // It listens where there was a free port.
    let back = "http://127.0.0.1:49152/back";
    let page_at = request(&[("client_id", "native"), ("redirect_uri", back)]);
    let page = Page::open(server, &format!("/auth/authorize?{page_at}")).await;
    let answer = page.sign_in(server, "ann@example.com", PASSWORD).await;
    assert!(answer.header("location").starts_with(&format!("{back}?code=")));
    let code = sent(&answer, "code").unwrap();
    let native = [("client_id", "native"), ("client_secret", ""), ("redirect_uri", back)];
    let other_port = [
        ("client_id", "native"),
        ("client_secret", ""),
        ("redirect_uri", "http://127.0.0.1:49153/back"),
    ];
    refused(&exchange(server, &code, &other_port).await, 400, "invalid_grant");
    refused(
        &exchange(server, &code, &[("client_id", "native"), ("redirect_uri", back)]).await,
        401,
        "invalid_client",
    );
    let tokens = exchange(server, &code, &native).await.expect(200);
    with_token(server, &tokens).get("/Client").await.expect(200);
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("client_id", "native"),
    ];
    server.nobody().form("/token", &fields).await.expect(200);
    let fields = [("grant_type", "client_credentials"), ("client_id", "native")];
    refused(&server.nobody().form("/token", &fields).await, 401, "invalid_client");
}

async fn scopes_are_those_of_application_and_agent(server: &Server) {
    web(server).await;
    agent(server, "ann", Role::Administrator).await;
    agent(server, "paul", Role::Agent).await;
    for (username, asked, granted) in [
        ("ann", "all", "all"),
        ("ann", "", "all"),
        ("ann", "read:customers openid profile", "read:customers"),
        ("paul", "all", "all:standard"),
        ("paul", "admin read:crm", "read:crm"),
    ] {
        let code = code(server, &[("scope", asked)], &format!("{username}@example.com")).await;
        let tokens = exchange(server, &code, &[]).await.expect(200);
        assert_eq!(tokens["scope"], json!(granted), "{username} {asked}");
    }
    // An agent that may have none of it is sent back, and nobody is signed in.
    let page = Page::open(server, &format!("/authorize?{}", request(&[("scope", "admin")]))).await;
    let answer = page.sign_in(server, "paul@example.com", PASSWORD).await;
    assert_eq!((answer.status, sent(&answer, "error").as_deref()), (303, Some("invalid_scope")));
    assert!(sent(&answer, "code").is_none());
}
