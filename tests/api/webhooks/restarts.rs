//! Deliveries across restarts, and with several servers on one database.

use super::*;

on_both_owned!(
    what_was_queued_is_sent_after_a_restart,
    what_was_not_queued_yet_is_sent_after_a_restart,
    an_attempt_that_was_cut_off_is_made_again,
    several_servers_send_each_change_once,
);

/// The revisions of one record in the order in which they came, repetitions left out.
fn revs(got: &[Got], id: i64) -> Vec<i64> {
    let own = got.iter().map(Got::json).filter(|body| body["id"] == json!(id));
    let mut revs: Vec<i64> = own.map(|body| body["rev"].as_i64().unwrap()).collect();
    revs.dedup();
    revs
}

/// Lets time pass until so many different changes have come.
async fn all_events(server: &Server, receiver: &Receiver, count: usize) -> Vec<Got> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let got = receiver.got();
        let mut events: Vec<&String> =
            got.iter().map(|got| &got.headers["x-aureole-event-id"]).collect();
        events.sort_unstable();
        events.dedup();
        if events.len() >= count {
            assert_eq!(events.len(), count, "{got:?}");
            return got;
        }
        assert!(Instant::now() < until, "{} of {count}: {got:?}", events.len());
        server.advance_ms(10_000);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn what_was_queued_is_sent_after_a_restart(server: Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    hook(&admin, &receiver, json!({ "entities": ["Tax"], "secret": "shared" })).await;
    receiver.answer_with(&[500]);
    let made = id(&make(&admin, "Tax", json!({ "name": "one" })).await);
    newest(&admin, |entry| entry["response_code"] == 500).await;
    // These wait for the first one.
    for name in ["two", "three"] {
        admin.post("/api/Tax", json!({ "id": made, "name": name })).await.expect(200);
    }
    let until = Instant::now() + Duration::from_secs(20);
    while log(&admin, "status=pending").await.len() < 3 {
        assert!(Instant::now() < until, "not queued");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let server = server.restart(settings).await;
    let got = all_events(&server, &receiver, 3).await;
    let events: Vec<&str> = got.iter().map(|got| got.headers["x-aureole-event"].as_str()).collect();
    assert_eq!(events, ["created", "created", "updated", "updated"]);
    let revs = revs(&got, made);
    assert!(revs.is_sorted() && revs.len() == 3, "{revs:?}");
    assert!(got.iter().all(|got| got.headers.contains_key("x-aureole-signature")));
    let admin = server.admin().await;
    newest(&admin, |entry| entry["status"] == "delivered").await;
    assert!(log(&admin, "status=pending").await.is_empty());
    server.stop().await;
}

async fn what_was_not_queued_yet_is_sent_after_a_restart(server: Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    hook(&admin, &receiver, json!({ "entities": ["Tax"] })).await;
    let taxes: Vec<Value> = (0..250).map(|number| json!({ "name": format!("{number}") })).collect();
    admin.post("/api/Tax", json!(taxes)).await.expect(201);
    // More than one round queues, and hardly anything of it is sent.
    let server = server.restart(settings).await;
    let got = all_events(&server, &receiver, 250).await;
    let mut names = told(&got);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 250);
    server.stop().await;
}

async fn an_attempt_that_was_cut_off_is_made_again(server: Server) {
    let impatient = |config: &mut Config| {
        settings(config);
        config.limits.stop_seconds = 1;
        config.webhooks.timeout_seconds = 60;
    };
    let server = server.restart(impatient).await;
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    hook(&admin, &receiver, json!({ "entities": ["Tax"] })).await;
    receiver.answer_with(&[0]);
    let made = id(&make(&admin, "Tax", json!({ "name": "one" })).await);
    admin.post("/api/Tax", json!({ "id": made, "name": "two" })).await.expect(200);
    receiver.wait_for(1).await;
    // The server goes while the receiver thinks.
    let server = server.restart(impatient).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.got().len(), 1, "the attempt may still be under way elsewhere");
    let got = all_events(&server, &receiver, 2).await;
    let events: Vec<&str> = got.iter().map(|got| got.headers["x-aureole-event"].as_str()).collect();
    assert_eq!(events, ["created", "created", "updated"]);
    assert_eq!(got[0].headers["x-aureole-delivery-id"], got[1].headers["x-aureole-delivery-id"]);
    assert_eq!(got[1].headers["x-aureole-attempt"], "2");
    server.stop().await;
}

/// Three servers take writes; one of them sends. Two go, one after the other, and the rest goes on.
async fn several_servers_send_each_change_once(first: Server) {
    const RECORDS: usize = 6;
    let (second, third) = (first.start_beside(settings).await, first.start_beside(settings).await);
    let receiver = Receiver::start().await;
    let admin = first.admin().await;
    hook(&admin, &receiver, json!({ "entities": ["Tax"] })).await;
    let taxes: Vec<Value> =
        (0..RECORDS).map(|number| json!({ "name": format!("{number}") })).collect();
    let made = admin.post("/api/Tax", json!(taxes)).await.expect(201);
    let ids: Vec<i64> = made.as_array().unwrap().iter().map(id).collect();
    let mut changes = RECORDS;
    let mut write = async |servers: &[&Server], rounds: usize, word: &str| {
        let mut actors = Vec::new();
        for server in servers {
            actors.push(server.admin().await);
        }
        for round in 0..rounds {
            for (number, id) in ids.iter().enumerate() {
                let actor = &actors[(round + number) % actors.len()];
                let body = json!({ "id": id, "name": format!("{number} {word} {round}") });
                actor.post("/api/Tax", body).await.expect(200);
                changes += 1;
            }
        }
        changes
    };
    let count = write(&[&first, &second, &third], 5, "a").await;
    // Nobody fails here, so that nothing comes twice.
    let got = receiver.wait_for(count).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(receiver.got().len(), count, "each change once");
    for id in &ids {
        assert_eq!(revs(&got, *id).len(), 6, "{got:?}");
    }
    write(&[&first, &second, &third], 2, "b").await;
    third.stop().await;
    write(&[&first, &second], 2, "c").await;
    second.stop().await;
    let count = write(&[&first], 2, "d").await;
    let got = all_events(&first, &receiver, count).await;
    for id in &ids {
        let revs = revs(&got, *id);
        assert!(revs.is_sorted() && revs.len() == 12, "{id}: {revs:?}");
    }
    first.stop().await;
}
