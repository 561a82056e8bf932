//! Several processes on one database, and what ends a token while it is still good.

use super::*;
use aureole_server::auth::keys;
use aureole_storage::tokens;

const PROGRAM: &str = "grant_type=client_credentials&client_id=demo&client_secret=demo-secret";

/// SQLite shows a process what another one wrote some milliseconds later.
async fn refresh(node: &Auth) {
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    node.refresh().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_on_every_node_until_it_ends() {
    for stage in stages().await {
        let node = stage.node().await;
        let reply = stage.token(PROGRAM).await.unwrap();
        assert_eq!(caller(&node, &reply, NOW_MS).await, stage.caller(&reply).await);
        let last_ms = NOW_MS + 3_604_999;
        assert!(caller(&node, &reply, last_ms).await.is_ok());
        let over = caller(&node, &reply, last_ms + 1).await;
        assert_eq!(over.unwrap_err(), "The access token has expired.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_ends_on_every_node() {
    for stage in stages().await {
        let node = stage.node().await;
        let reply = stage.token(PROGRAM).await.unwrap();
        caller(&node, &reply, NOW_MS).await.unwrap();
        stage.auth.revoke_application(None, "demo", NOW_MS).await.unwrap();
        refresh(&node).await;
        let told = caller(&node, &reply, NOW_MS).await.unwrap_err();
        assert_eq!(told, "The application has been revoked.");
        assert!(stage.caller(&reply).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_agent_and_a_suspended_tenant_end_their_tokens() {
    for stage in stages().await {
        let node = stage.node().await;
        let reply = stage.token(PROGRAM).await.unwrap();
        stage.execute("UPDATE agent SET isdisabled = 1, rev = rev + 1 WHERE id = 1").await;
        refresh(&node).await;
        assert_eq!(caller(&node, &reply, NOW_MS).await.unwrap_err(), "The agent is disabled.");
        stage.execute("UPDATE agent SET isdisabled = 0, rev = rev + 1 WHERE id = 1").await;
        refresh(&node).await;
        caller(&node, &reply, NOW_MS).await.unwrap();
        stage.auth.suspend_tenant("default", NOW_MS).await.unwrap();
        refresh(&node).await;
        assert_eq!(caller(&node, &reply, NOW_MS).await.unwrap_err(), "The tenant is suspended.");
        assert_eq!(refusal(node.token(request(PROGRAM, NOW_MS)).await).0, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_lost_rights_loses_them_in_its_tokens() {
    for stage in stages().await {
        let reply = stage.token(PROGRAM).await.unwrap();
        assert!(stage.caller(&reply).await.unwrap().scopes.is_admin());
        let doc = r#"{"role":"agent","allowed_clients":[{"client_id":5}]}"#;
        stage.execute(&format!("UPDATE agent SET doc = '{doc}', rev = rev + 1 WHERE id = 1")).await;
        refresh(&stage.auth).await;
        let caller = stage.caller(&reply).await.unwrap();
        assert!(!caller.scopes.is_admin());
        assert_eq!((caller.role, &caller.allowed_clients[..]), (Role::Agent, &[5][..]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_learns_of_new_names_from_a_token() {
    for stage in stages().await {
        let node = stage.node().await;
        stage.application("fresh", "all", &[]).await;
        let body = PROGRAM.replace("demo&", "fresh&");
        let reply = stage.token(&body).await.unwrap();
        assert_eq!(caller(&node, &reply, NOW_MS).await.unwrap().application, "fresh");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_learns_of_a_new_key_from_a_token() {
    for stage in stages().await {
        let node = stage.node().await;
        let mut tx = stage.db.begin().await.unwrap();
        let key = keys::generate(NOW_MS + 1).unwrap();
        tokens::insert_signing_key(&mut tx, &key).await.unwrap();
        tx.commit().await.unwrap();
        refresh(&stage.auth).await;
        // It signs when every node can know it; this one has been asleep.
        let later_ms = NOW_MS + 1 + keys::ACTIVATION_MS;
        let reply = stage.auth.token(request(PROGRAM, later_ms)).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        caller(&node, &reply, later_ms).await.unwrap();
        assert_eq!(node.jwks(), stage.auth.jwks());
        assert_eq!(node.jwks()["keys"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_opened_twice_has_one_default_tenant() {
    for stage in stages().await {
        stage.node().await;
        let tenants = stage.auth.list_tenants().await.unwrap();
        assert_eq!(tenants.len(), 1);
        assert_eq!((tenants[0].id, tenants[0].name.as_str()), (1, "default"));
        let second = stage.auth.create_tenant("second", NOW_MS).await.unwrap();
        assert_eq!(second, 2);
        // Numbering goes on behind the agent that a tenant is made with.
        let made = stage.auth.create_agent("second", "A", "a@b.example", None, Role::Agent, NOW_MS);
        assert_eq!(made.await.unwrap(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_lead_to_the_token_endpoint() {
    for stage in stages().await {
        let info = stage.auth.authinfo("http://host:1/", "nowhere");
        assert_eq!(info["auth_url"], "http://host:1/auth");
        assert_eq!((&info["tenant_id"], &info["name"]), (&"default".into(), &"default".into()));
        assert!(info["version"].is_string());
        let document = stage.auth.openid_configuration("http://host:1");
        for name in [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "grant_types_supported",
            "scopes_supported",
            "code_challenge_methods_supported",
        ] {
            assert!(!document[name].is_null(), "{name}");
        }
    }
}
