//! What ends a code and the tokens that came of it.

use std::time::Duration;

use aureole_server::Config;
use aureole_server::vault::KeyText;
use aureole_testkit::Database;

use super::*;

on_both_databases!(
    a_code_is_good_for_who_asked_for_it,
    a_code_is_good_once_and_its_second_use_ends_what_it_gave,
    of_many_uses_of_a_code_at_once_one_wins_at_most,
    a_code_ends_in_a_minute_and_with_its_person,
    a_second_use_of_a_refresh_token_ends_the_access_tokens_too,
    a_revoked_token_ends_with_its_kin,
    a_new_key_signs_soon_and_the_old_one_verifies_until_its_tokens_end,
    keys_are_replaced_by_age,
);

async fn signed_in(server: &Server) -> (String, Value) {
    let code = code(server, &[], "ann@example.com").await;
    let tokens = exchange(server, &code, &[]).await.expect(200);
    with_token(server, &tokens).get("/Client").await.expect(200);
    (code, tokens)
}

async fn people(server: &Server) -> i64 {
    web(server).await;
    agent(server, "ann", Role::Agent).await
}

async fn a_code_is_good_for_who_asked_for_it(server: &Server) {
    people(server).await;
    application(server, "other", &["authorization_code"], false, BACK).await;
    let code = code(server, &[], "ann@example.com").await;
    let wrong_verifier = "a".repeat(43);
    for (changes, status, error) in [
        (vec![("code", "")], 400, "invalid_request"),
        (vec![("code_verifier", "")], 400, "invalid_request"),
        (vec![("redirect_uri", "")], 400, "invalid_request"),
        (vec![("code", "unknown")], 400, "invalid_grant"),
        (vec![("code_verifier", wrong_verifier.as_str())], 400, "invalid_grant"),
        (vec![("code_verifier", CHALLENGE)], 400, "invalid_grant"),
        (vec![("code_verifier", "short")], 400, "invalid_grant"),
        (vec![("redirect_uri", "https://app.example/back/")], 400, "invalid_grant"),
        (vec![("redirect_uri", "https://app.example/other")], 400, "invalid_grant"),
        (vec![("client_id", "other")], 400, "invalid_grant"),
        (vec![("client_secret", "")], 401, "invalid_client"),
        (vec![("client_secret", "wrong")], 401, "invalid_client"),
        (vec![("client_id", "nobody")], 401, "invalid_client"),
        (vec![("client_id", "demo"), ("client_secret", "demo-secret")], 400, "invalid_grant"),
    ] {
        refused(&exchange(server, &code, &changes).await, status, error);
    }
    exchange(server, &code, &[]).await.expect(200);
}

async fn ends_within_five_seconds(actor: &Actor) {
    let mut last = 200;
    for _ in 0..50 {
        last = actor.get("/Client").await.status;
        if last == 401 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(last, 401, "five seconds are the most");
}

async fn a_code_is_good_once_and_its_second_use_ends_what_it_gave(server: &Server) {
    people(server).await;
    let (_, kept) = signed_in(server).await;
    let (code, tokens) = signed_in(server).await;
    let next = refresh(server, &tokens["refresh_token"]).await.expect(200);
    refused(&exchange(server, &code, &[]).await, 400, "invalid_grant");
    refused(&refresh(server, &next["refresh_token"]).await, 400, "invalid_grant");
    for tokens in [&tokens, &next] {
        ends_within_five_seconds(&with_token(server, tokens)).await;
    }
    refused(&exchange(server, &code, &[]).await, 400, "invalid_grant");
    // Another signing in of the same person is left alone.
    with_token(server, &kept).get("/Client").await.expect(200);
    refresh(server, &kept["refresh_token"]).await.expect(200);
}

async fn of_many_uses_of_a_code_at_once_one_wins_at_most(server: &Server) {
    people(server).await;
    for _ in 0..5 {
        let code = code(server, &[], "ann@example.com").await;
        let (one, two, three) = tokio::join!(
            exchange(server, &code, &[]),
            exchange(server, &code, &[]),
            exchange(server, &code, &[])
        );
        let won: Vec<Value> = [one, two, three]
            .iter()
            .filter(|answer| answer.status == 200)
            .map(Answer::json)
            .collect();
        assert!(won.len() <= 1, "a code was good twice");
        for tokens in won {
            refused(&refresh(server, &tokens["refresh_token"]).await, 400, "invalid_grant");
        }
    }
}

async fn a_code_ends_in_a_minute_and_with_its_person(server: &Server) {
    let ann = people(server).await;
    let late = code(server, &[], "ann@example.com").await;
    server.advance_ms(60_000);
    refused(&exchange(server, &late, &[]).await, 400, "invalid_grant");
    let early = code(server, &[], "ann@example.com").await;
    server.advance_ms(59_000);
    exchange(server, &early, &[]).await.expect(200);

    // A new password ends codes that wait.
    let waiting = code(server, &[], "ann@example.com").await;
    let auth = &server.app().auth;
    auth.set_password(1, "agent", ann, &["ann@example.com"], PASSWORD).await.unwrap();
    refused(&exchange(server, &waiting, &[]).await, 400, "invalid_grant");
    // So does disabling the agent, and revoking the application.
    let waiting = code(server, &[], "ann@example.com").await;
    let disabled = json!({"id": ann, "isdisabled": true});
    server.admin().await.post("/Agent", disabled).await.expect(200);
    server.app().auth.refresh().await.unwrap();
    refused(&exchange(server, &waiting, &[]).await, 400, "invalid_grant");
    server.app().auth.revoke_application(None, "web", 0).await.unwrap();
    refused(&exchange(server, &waiting, &[]).await, 401, "invalid_client");
}

async fn a_second_use_of_a_refresh_token_ends_the_access_tokens_too(server: &Server) {
    people(server).await;
    let (_, tokens) = signed_in(server).await;
    let next = refresh(server, &tokens["refresh_token"]).await.expect(200);
    refused(&refresh(server, &tokens["refresh_token"]).await, 400, "invalid_grant");
    refused(&refresh(server, &next["refresh_token"]).await, 400, "invalid_grant");
    for tokens in [&tokens, &next] {
        ends_within_five_seconds(&with_token(server, tokens)).await;
        let answer = with_token(server, tokens).get("/Client").await;
        answer.expect_error(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

async fn a_revoked_token_ends_with_its_kin(server: &Server) {
    people(server).await;
    application(server, "other", &["client_credentials", "authorization_code"], false, BACK).await;
    let revoke = |path: &'static str, client: &'static str, secret: &'static str, token: String| {
        let nobody = server.nobody();
        async move {
            let fields =
                [("client_id", client), ("client_secret", secret), ("token", token.as_str())];
            nobody.form(path, &fields).await
        }
    };
    for (path, member) in [("/auth/revoke", "refresh_token"), ("/api/Revoke", "access_token")] {
        let (_, tokens) = signed_in(server).await;
        let token = tokens[member].as_str().unwrap().to_owned();
        refused(&revoke(path, "web", "wrong", token.clone()).await, 401, "invalid_client");
        refused(&revoke(path, "web", "", token.clone()).await, 401, "invalid_client");
        refused(&revoke(path, "web", SECRET, String::new()).await, 400, "invalid_request");
        // Nobody revokes the token of another application, and nobody learns that there is one.
        revoke(path, "other", SECRET, token.clone()).await.expect(200);
        with_token(server, &tokens).get("/Client").await.expect(200);
        revoke(path, "web", SECRET, "unknown".to_owned()).await.expect(200);
        assert_eq!(revoke(path, "web", SECRET, token.clone()).await.expect(200), json!({}));
        refused(&refresh(server, &tokens["refresh_token"]).await, 400, "invalid_grant");
        ends_within_five_seconds(&with_token(server, &tokens)).await;
        revoke(path, "web", SECRET, token).await.expect(200);
    }
}

/// The ids of the keys that are published, newest first.
async fn published(server: &Server) -> Vec<String> {
    let keys = server.nobody().get("/.well-known/jwks.json").await.expect(200);
    let keys = keys["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(tokens: &Value, member: &str) -> String {
    jsonwebtoken::decode_header(tokens[member].as_str().unwrap()).unwrap().kid.unwrap()
}

async fn a_new_key_signs_soon_and_the_old_one_verifies_until_its_tokens_end(server: &Server) {
    people(server).await;
    let (_, before) = signed_in(server).await;
    let old = published(server).await;
    let auth = &server.app().auth;
    let new = auth.rotate_signing_key(server.app().clock.now_ms()).await.unwrap();
    assert_eq!(published(server).await, [new.clone(), old[0].clone()]);
    server.advance_ms(5_000);
    let (_, after) = signed_in(server).await;
    assert_eq!((kid(&after, "access_token"), kid(&after, "id_token")), (new.clone(), new.clone()));
    assert_eq!(kid(&before, "access_token"), old[0]);
    with_token(server, &before).get("/Client").await.expect(200);
    is_signed(server, &before["id_token"]).await;
    let tend = || auth.tend_signing_keys(0, server.app().clock.now_ms());
    server.advance_ms(3_590_000);
    tend().await.unwrap();
    with_token(server, &before).get("/Client").await.expect(200);
    assert_eq!(published(server).await.len(), 2);
    server.advance_ms(3_610_000);
    tend().await.unwrap();
    assert_eq!(published(server).await, [new], "the old one and its private half are gone");
    let rows =
        server.app().db.query("SELECT private_pem FROM signing_key ORDER BY created_at", &[]);
    assert_eq!(rows.await.unwrap()[0].text(0), "");
}

async fn keys_are_replaced_by_age(server: &Server) {
    const DAY_MS: i64 = 86_400_000;
    let auth = &server.app().auth;
    let tend = |days: i64| auth.tend_signing_keys(days * DAY_MS, server.app().clock.now_ms());
    assert!(!tend(90).await.unwrap());
    server.advance_ms(90 * DAY_MS);
    assert!(!tend(0).await.unwrap(), "0 is never");
    assert!(tend(90).await.unwrap());
    assert!(!tend(90).await.unwrap(), "the new one is young");
    assert_eq!(published(server).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_is_sealed_when_secrets_are() {
    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for database in [Database::Sqlite, Database::Postgres] {
        let change = |config: &mut Config| config.secret_key = KeyText(KEY.to_owned());
        let server = Server::start_with(database, change).await;
        let now = server.app().clock.now_ms();
        server.app().auth.rotate_signing_key(now).await.unwrap();
        assert_eq!(published(&server).await.len(), 2);
        let rows = server.app().db.query("SELECT private_pem FROM signing_key", &[]).await.unwrap();
        assert!(
            rows.iter().all(|row| !row.text(0).is_empty() && !row.text(0).contains("PRIVATE KEY"))
        );
        server.advance_ms(5_000);
        server.admin().await.get("/Client").await.expect(200);
    }
}
