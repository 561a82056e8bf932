//! Where webhooks may be sent, and who may set them up.

use super::*;

on_both!(
    private_addresses_are_refused,
    a_redirect_is_not_followed,
    administrators_alone_set_up_webhooks,
    bad_webhooks_are_refused_whole,
);

async fn private_addresses_are_refused(server: &Server) {
    let admin = server.admin().await;
    for host in ["10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "192.168.1.1:8080"] {
        let body = json!({ "name": "x", "url": format!("http://{host}/") });
        let errors = admin.post("/api/Webhook", body).await.expect_error(400, "validation");
        let message = errors["url"][0].as_str().unwrap();
        assert!(message.contains("allow_networks"), "{host}: {message}");
    }
    // A name is judged by its address, when it is sent to. The setting allows 127/8 here, so that
    // this needs a server that allows nothing.
    let closed = Server::start_with(Database::Sqlite, |config| {
        settings(config);
        config.webhooks.allow_networks = String::new();
    })
    .await;
    let admin = closed.admin().await;
    let receiver = Receiver::start().await;
    for host in ["localhost", "2130706433", "0x7f.1", "127.1"] {
        let url = format!("http://{host}:{}/", receiver.port);
        let answer = admin.post("/api/Webhook", json!({ "name": host, "url": url })).await;
        let webhook = answer.expect(201);
        make(&admin, "Tax", json!({ "name": host })).await;
        let entry =
            newest(&admin, |entry| entry["webhook_id"] == webhook["id"] && entry["error"] != "")
                .await;
        let error = entry["error"].as_str().unwrap();
        // Systems that don't read a number as an address don't find the name.
        let refused = error.contains("allow_networks") && entry["status"] == "parked";
        assert!(refused || host != "localhost" && error.contains("the name"), "{host}: {entry}");
        admin.delete(&format!("/api/Webhook/{}", webhook["id"])).await.expect(200);
    }
    assert!(receiver.got().is_empty(), "{:?}", receiver.got());
    let _ = server;
}

async fn a_redirect_is_not_followed(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    hook(&admin, &receiver, json!({})).await;
    receiver.answer_with(&[302]);
    make(&admin, "Tax", json!({ "name": "VAT" })).await;
    let entry = newest(&admin, |entry| entry["response_code"] == 302).await;
    assert_eq!(entry["status"], "pending");
    assert!(entry["error"].as_str().unwrap().contains("redirects are not followed"), "{entry}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(receiver.got().len(), 1);
}

async fn administrators_alone_set_up_webhooks(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let webhook = hook(&admin, &receiver, json!({})).await;
    make(&admin, "Tax", json!({ "name": "VAT" })).await;
    receiver.wait_for(1).await;
    let entry = newest(&admin, |_| true).await;
    // Neither a plain agent nor an administrator from whom clients are hidden.
    let agent = server.actor("default", "plain", "all", Role::Agent).await;
    let limited = server.actor("default", "limited", "all", Role::Administrator).await;
    let acme = client(&admin, "Acme").await;
    let me = id(&limited.get("/api/Agent/me").await.expect(200));
    let limits = json!({ "id": me, "denied_clients": [{ "client_id": id(&acme) }] });
    admin.post("/api/Agent", limits).await.expect(200);
    let (hook, delivery) = (&webhook["id"], &entry["id"]);
    for actor in [&agent, &limited, &server.with_scope("all:standard").await] {
        for path in ["Webhook", &format!("Webhook/{hook}"), "WebhookDelivery"] {
            actor.get(&format!("/api/{path}")).await.expect_error(403, "forbidden");
        }
        let body = json!({ "name": "x", "url": receiver.url() });
        actor.post("/api/Webhook", body).await.expect_error(403, "forbidden");
        for path in [format!("Webhook/{hook}/test"), format!("WebhookDelivery/{delivery}/replay")] {
            actor.post(&format!("/api/{path}"), json!([])).await.expect_error(403, "forbidden");
        }
        let rows = actor.get("/api/changes?limit=1000").await.expect(200);
        let rows = rows["changes"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["entity"] != "Webhook"), "{rows:?}");
    }
    // Another tenant has none of it.
    let stranger = server.actor("elsewhere", "stranger", "all", Role::Administrator).await;
    stranger.get(&format!("/api/Webhook/{hook}")).await.expect_error(404, "not_found");
    stranger.get(&format!("/api/WebhookDelivery/{delivery}")).await.expect_error(404, "not_found");
    assert_eq!(stranger.get("/api/WebhookDelivery").await.expect(200), json!([]));
    let before = receiver.got().len();
    make(&stranger, "Tax", json!({ "name": "not yours" })).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(receiver.got().iter().skip(before).all(|got| !got.body.contains("not yours")));
}

async fn bad_webhooks_are_refused_whole(server: &Server) {
    let admin = server.admin().await;
    let bad = json!({
        "url": "ftp://example.com", "entities": ["Client", "Nosuch"], "events": ["made"], "enabled": "perhaps",
    });
    let errors = admin.post("/api/Webhook", bad).await.expect_error(400, "validation");
    for path in ["name", "url", "entities[1]", "events[0]", "enabled"] {
        assert!(errors[path].is_array(), "{path}: {errors}");
    }
    for url in ["", "example.com", "https://user:pw@example.com/", "http://example.com/#x"] {
        let body = json!({ "name": "x", "url": url });
        let errors = admin.post("/api/Webhook", body).await.expect_error(400, "validation");
        assert!(errors["url"].is_array(), "{url}: {errors}");
    }
    assert_eq!(admin.get("/api/Webhook").await.expect(200), json!([]));
    for (query, name) in
        [("status=lost", "status"), ("count=0", "count"), ("webhook_id=x", "webhook_id")]
    {
        let answer = admin.get(&format!("/api/WebhookDelivery?{query}")).await;
        assert!(answer.expect_error(400, "validation")[name].is_array(), "{query}");
    }
    // Without a key the server keeps no secret, and says why.
    let keyless = Server::start_with(Database::Sqlite, |_| {}).await;
    let admin = keyless.admin().await;
    let body = json!({ "name": "x", "url": "https://example.com/", "secret": "hush" });
    let errors = admin.post("/api/Webhook", body).await.expect_error(400, "validation");
    assert!(errors["secret"][0].as_str().unwrap().contains("key"), "{errors}");
    assert_eq!(admin.get("/api/Webhook").await.expect(200), json!([]));
}
