//! Who gets a token, and what it is good for.

use super::*;

fn program(scope: &str) -> String {
    format!("grant_type=client_credentials&{CLIENT}&scope={scope}")
}

fn person(name: &str, password: &str) -> String {
    format!("grant_type=password&client_id=demo&username={name}&password={password}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_has_the_six_members_that_programs_read() {
    for stage in stages().await {
        for body in [program(""), person("ann@example.com", "demo-password")] {
            let reply = stage.token(&body).await.unwrap();
            let names: Vec<&String> = reply.as_object().unwrap().keys().collect();
            let expected =
                ["access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"];
            assert_eq!(names, expected);
            assert_eq!(
                (&reply["token_type"], &reply["expires_in"]),
                (&"Bearer".into(), &3600.into())
            );
            assert_eq!(reply["scope"], "all");
            assert!(reply["id_token"].as_str().unwrap().split('.').count() == 3);
            assert!(reply["refresh_token"].as_str().unwrap().len() == 43);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_acts_as_its_agent() {
    for stage in stages().await {
        let caller = stage.caller(&stage.token(&program("all")).await.unwrap()).await.unwrap();
        assert_eq!((caller.tenant_id, caller.agent_id, caller.user_id), (1, 1, 0));
        assert_eq!((caller.agent_name.as_str(), caller.role), ("System", Role::Administrator));
        assert_eq!((caller.tenant.as_str(), caller.application.as_str()), ("default", "demo"));
        assert!(caller.scopes.is_admin());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_may_come_as_basic_credentials_or_json() {
    for stage in stages().await {
        let basic = TokenRequest {
            // demo:demo-secret
            authorization: Some("Basic ZGVtbzpkZW1vLXNlY3JldA=="),
            ..request("grant_type=client_credentials", NOW_MS)
        };
        stage.auth.token(basic).await.unwrap();
        let object = r#"{"grant_type":"client_credentials","client_id":"demo","client_secret":"demo-secret"}"#;
        stage.token(object).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_secret_is_shown_once_and_works() {
    for stage in stages().await {
        let new = NewApplication { name: "generated", ..NewApplication::default() };
        let (id, secret) = stage.auth.create_application(new, NOW_MS).await.unwrap();
        let secret = secret.unwrap();
        let body = |secret: &str| {
            format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
        };
        stage.token(&body(&secret)).await.unwrap();
        let wrong = (401, "invalid_client".to_owned());
        assert_eq!(stage.refused(&body("demo-secret")).await, wrong);
        let sql = "SELECT secret_hash FROM application WHERE client_id = $1";
        let stored = stage.db.query(sql, &[id.as_str().into()]).await.unwrap();
        assert!(stored[0].text(0).starts_with("sha256:") && !stored[0].text(0).contains(&secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_the_form_that_programs_read() {
    for stage in stages().await {
        stage.application("programs", "all", &["client_credentials"]).await;
        for (body, status, error) in [
            ("", 400, "invalid_request"),
            ("client_id=demo&client_secret=demo-secret", 400, "invalid_request"),
            ("grant_type=implicit&client_id=demo", 400, "unsupported_grant_type"),
            ("grant_type=authorization_code&client_id=demo", 400, "unauthorized_client"),
            ("grant_type=client_credentials", 401, "invalid_client"),
            ("grant_type=client_credentials&client_id=demo", 401, "invalid_client"),
            ("grant_type=client_credentials&client_id=demo&client_secret=x", 401, "invalid_client"),
            ("grant_type=client_credentials&client_id=x&client_secret=x", 401, "invalid_client"),
            ("grant_type=password&client_id=demo", 400, "invalid_request"),
            ("grant_type=password&client_id=demo&username=x&password=x", 400, "invalid_grant"),
            (
                "grant_type=password&client_id=programs&username=x&password=x",
                400,
                "unauthorized_client",
            ),
            ("grant_type=refresh_token&client_id=demo", 400, "invalid_request"),
            ("grant_type=refresh_token&client_id=demo&refresh_token=x", 400, "invalid_grant"),
            (&program("read:everything"), 400, "invalid_scope"),
            (&program("read:actions read:tickets"), 400, "invalid_scope"),
        ] {
            assert_eq!(stage.refused(body).await, (status, error.to_owned()), "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn less_than_asked_is_granted_but_not_nothing() {
    for stage in stages().await {
        stage.application("reader", "read:customers edit:tickets", &[]).await;
        let body = |scope: &str| {
            format!(
                "grant_type=client_credentials&client_id=reader&client_secret=demo-secret&scope={scope}"
            )
        };
        for (asked, granted) in [
            ("", "read:customers edit:tickets"),
            ("all", "read:customers edit:tickets"),
            ("admin+edit:tickets+edit:customers", "read:customers edit:tickets"),
            ("read:tickets", "read:tickets"),
            ("openid+read:customers", "read:customers"),
            ("openid", ""),
        ] {
            let reply = stage.token(&body(asked)).await.unwrap();
            assert_eq!(reply["scope"], granted, "{asked}");
        }
        for asked in ["admin", "edit:suppliers+read:crm"] {
            assert_eq!(stage.refused(&body(asked)).await, (400, "invalid_scope".to_owned()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_signs_in_with_its_address_in_any_case() {
    for stage in stages().await {
        let body = person("%20Paul@EXAMPLE.com", "demo-password");
        let reply = stage.token(&body).await.unwrap();
        assert_eq!(reply["scope"], "all:standard", "a plain agent is no administrator");
        let caller = stage.caller(&reply).await.unwrap();
        assert_eq!((caller.agent_name.as_str(), caller.role), ("Paul Plain", Role::Agent));
        assert!(!caller.scopes.is_admin());
        let wrong = (400, "invalid_grant".to_owned());
        assert_eq!(stage.refused(&person("paul@example.com", "Demo-password")).await, wrong);
        stage
            .execute("UPDATE agent SET isdisabled = 1, rev = rev + 1 WHERE name = 'Paul Plain'")
            .await;
        stage.auth.refresh().await.unwrap();
        assert_eq!(stage.refused(&body).await, wrong);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_user_gets_no_staff_rights() {
    for stage in stages().await {
        stage.user().await;
        for login in ["user@example.com", "USER"] {
            let body = format!("{}&scope=all", person(login, "user-password"));
            let reply = stage.token(&body).await.unwrap();
            assert_eq!(reply["scope"], "");
            let caller = stage.caller(&reply).await.unwrap();
            assert_eq!((caller.agent_id, caller.user_id, caller.role), (0, 7, Role::EndUser));
            assert_eq!(caller.agent_name, "Uma User");
            assert!(caller.scopes.is_empty());
        }
        stage.execute("UPDATE end_user SET inactive = 1").await;
        let wrong = (400, "invalid_grant".to_owned());
        assert_eq!(stage.refused(&person("user", "user-password")).await, wrong);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_ones_in_a_minute_are_enough() {
    for stage in stages().await {
        let wrong = "grant_type=client_credentials&client_id=demo&client_secret=wrong";
        for _ in 0..10 {
            assert_eq!(stage.refused(wrong).await.0, 401);
        }
        let error = stage.token(&program("")).await.unwrap_err();
        assert_eq!((error.status(), error.retry_after_s()), (429, Some(60)));
        let elsewhere = |now_ms| {
            let peer = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
            TokenRequest { peer, ..request(wrong, now_ms) }
        };
        assert_eq!(refusal(stage.auth.token(elsewhere(NOW_MS)).await).0, 429);
        assert_eq!(refusal(stage.auth.token(elsewhere(NOW_MS + 60_000)).await).0, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_ones_at_the_same_time_are_counted_too() {
    for stage in stages().await {
        let wrong = "grant_type=client_credentials&client_id=demo&client_secret=";
        let bodies: Vec<String> = (0..30).map(|number| format!("{wrong}{number}")).collect();
        let stage = Arc::new(stage);
        let mut guesses = tokio::task::JoinSet::new();
        for body in bodies {
            let stage = Arc::clone(&stage);
            guesses.spawn(async move { stage.refused(&body).await.0 });
        }
        let statuses = guesses.join_all().await;
        let checked = statuses.iter().filter(|status| **status == 401).count();
        assert!((10..=11).contains(&checked), "{statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_named_or_follows_from_the_rules() {
    for stage in stages().await {
        let ask = |query: &'static str| {
            let body = "grant_type=client_credentials&client_id=demo&client_secret=demo-secret";
            TokenRequest { query, ..request(body, NOW_MS) }
        };
        for query in ["", "tenant=", "tenant=undefined", "tenant=unknown", "tenant=DEFAULT"] {
            assert!(stage.auth.token(ask(query)).await.is_ok(), "{query}");
        }
        stage.auth.create_tenant("Second", NOW_MS).await.unwrap();
        for query in ["", "tenant=undefined", "tenant=default"] {
            assert!(stage.auth.token(ask(query)).await.is_ok(), "{query}");
        }
        let unknown = stage.auth.token(ask("tenant=unknown")).await.unwrap_err();
        assert!(unknown.body()["error_description"].as_str().unwrap().contains("unknown"));
        assert_eq!((unknown.status(), &unknown.body()["error"]), (400, &"invalid_request".into()));
        // Secrets of one tenant are nothing in another.
        assert_eq!(refusal(stage.auth.token(ask("tenant=second")).await).0, 401);
        let new = NewApplication {
            tenant: "second",
            name: "demo",
            client_id: Some("demo"),
            client_secret: Some("demo-secret"),
            ..NewApplication::default()
        };
        stage.auth.create_application(new, NOW_MS).await.unwrap();
        let reply = stage.auth.token(ask("tenant=second")).await.unwrap();
        let caller = stage.caller(&reply).await.unwrap();
        assert_eq!((caller.tenant_id, caller.tenant.as_str(), caller.agent_id), (2, "Second", 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_is_told_in_a_sentence() {
    for stage in stages().await {
        let auth = &stage.auth;
        let told =
            |result: Result<i64, aureole_server::auth::AuthError>| result.unwrap_err().to_string();
        assert_eq!(
            told(auth.create_tenant("DEFAULT", NOW_MS).await),
            "There is a tenant named DEFAULT already."
        );
        let made =
            auth.create_agent("", "ann ADMIN", "a@b.example", None, Role::Agent, NOW_MS).await;
        assert!(told(made).contains("Ann Admin"));
        let made = auth.create_agent("", "A", "ANN@example.com", None, Role::Agent, NOW_MS).await;
        assert!(told(made).contains("Ann Admin"));
        let made =
            auth.create_agent("nowhere", "A", "a@b.example", None, Role::Agent, NOW_MS).await;
        assert_eq!(told(made), "There is no tenant named nowhere.");
        let new =
            NewApplication { name: "x", client_id: Some("demo"), ..NewApplication::default() };
        for (new, part) in [
            (new.clone(), "client id demo already"),
            (NewApplication { client_id: None, agent_id: 99, ..new.clone() }, "no agent 99"),
            (NewApplication { client_id: None, scope: "everything", ..new.clone() }, "everything"),
            (NewApplication { client_id: None, grants: &["implicit"], ..new.clone() }, "implicit"),
            (NewApplication { client_id: None, name: " ", ..new }, "name"),
        ] {
            let sentence = auth.create_application(new, NOW_MS).await.unwrap_err().to_string();
            assert!(sentence.contains(part), "{sentence}");
        }
        let sentence = auth.revoke_application(None, "nobody", NOW_MS).await.unwrap_err();
        assert!(sentence.to_string().contains("nobody"));
        assert_eq!(auth.list_applications().await.unwrap().len(), 1);
    }
}
