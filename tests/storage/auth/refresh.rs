//! Refresh tokens: single use, in families.

use super::*;

async fn first(stage: &Stage) -> String {
    let body = "grant_type=password&client_id=demo&username=ann@example.com&password=demo-password";
    text(&stage.token(body).await.unwrap())
}

fn text(reply: &Value) -> String {
    reply["refresh_token"].as_str().unwrap().to_owned()
}

fn body(token: &str) -> String {
    format!("grant_type=refresh_token&client_id=demo&refresh_token={token}")
}

const OVER: (u16, &str) = (400, "invalid_grant");

async fn is_over(stage: &Stage, token: &str) {
    assert_eq!(stage.refused(&body(token)).await, (OVER.0, OVER.1.to_owned()));
}

async fn stored(stage: &Stage) -> i64 {
    stage.db.query("SELECT count(*) FROM refresh_token", &[]).await.unwrap()[0].int(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_good_once_and_a_second_use_ends_the_family() {
    for stage in stages().await {
        let other = first(&stage).await;
        let one = first(&stage).await;
        let two = text(&stage.token(&body(&one)).await.unwrap());
        let three = text(&stage.token(&body(&two)).await.unwrap());
        assert!(one != two && two != three);
        is_over(&stage, &one).await;
        is_over(&stage, &three).await;
        assert_eq!(stored(&stage).await, 1, "another family is left alone");
        stage.token(&body(&other)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_uses_at_once_one_wins_and_the_family_ends() {
    for stage in stages().await {
        let stage = Arc::new(stage);
        for _ in 0..10 {
            let token = first(&stage).await;
            let mut uses = tokio::task::JoinSet::new();
            for _ in 0..4 {
                let (stage, body) = (Arc::clone(&stage), body(&token));
                uses.spawn(async move { stage.token(&body).await.ok() });
            }
            let won: Vec<Value> = uses.join_all().await.into_iter().flatten().collect();
            assert!(won.len() <= 1, "a token was good twice");
            for reply in won {
                is_over(&stage, &text(&reply)).await;
            }
        }
        assert_eq!(stored(&stage).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_made_with_the_secret_needs_it_again() {
    for stage in stages().await {
        let reply = stage.token(&format!("grant_type=client_credentials&{CLIENT}")).await.unwrap();
        let token = text(&reply);
        assert_eq!(stage.refused(&body(&token)).await, (401, "invalid_client".to_owned()));
        let proved = format!("grant_type=refresh_token&{CLIENT}&refresh_token={token}");
        let next = stage.token(&proved).await.unwrap();
        assert_eq!(next["scope"], "all");
        stage.caller(&next).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_belongs_to_its_application_and_ends_in_time() {
    for stage in stages().await {
        stage.application("other", "all", &["password"]).await;
        let token = first(&stage).await;
        let stolen = format!("grant_type=refresh_token&client_id=other&refresh_token={token}");
        assert_eq!(stage.refused(&stolen).await, (OVER.0, OVER.1.to_owned()));
        let late_ms = NOW_MS + 30 * 86_400_000;
        let late = stage.auth.token(request(&body(&token), late_ms)).await;
        assert_eq!(refusal(late), (OVER.0, OVER.1.to_owned()));
        assert_eq!(stage.auth.purge_refresh_tokens(10, late_ms).await.unwrap(), 0);
        assert_eq!(stage.auth.purge_refresh_tokens(10, late_ms + 1).await.unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrower_token_does_not_narrow_the_next_ones_and_none_is_wider() {
    for stage in stages().await {
        let body_of = |token: &str, scope: &str| format!("{}&scope={scope}", body(token));
        let start = "grant_type=password&client_id=demo&username=ann@example.com\
             &password=demo-password&scope=edit:customers";
        let one = stage.token(start).await.unwrap();
        let two = stage.token(&body_of(&text(&one), "read:customers")).await.unwrap();
        assert_eq!(two["scope"], "read:customers");
        let refused = stage.refused(&body_of(&text(&two), "admin")).await;
        assert_eq!(refused, (400, "invalid_scope".to_owned()), "and the token is still good");
        let three = stage.token(&body_of(&text(&two), "all")).await.unwrap();
        assert_eq!(three["scope"], "edit:customers");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_or_a_revoked_application_ends_it() {
    for stage in stages().await {
        let token = first(&stage).await;
        stage.auth.set_password(1, "agent", 2, &["ann@example.com"], "new-password").await.unwrap();
        is_over(&stage, &token).await;
        assert_eq!(stored(&stage).await, 0);
        let body =
            "grant_type=password&client_id=demo&username=ann@example.com&password=new-password";
        stage.token(body).await.unwrap();
        stage.auth.revoke_application(None, "demo", NOW_MS).await.unwrap();
        assert_eq!(stored(&stage).await, 0);
        assert_eq!(stage.refused(body).await, (401, "invalid_client".to_owned()));
    }
}
