//! Webhooks: what receivers get, and what they don't.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aureole_server::Config;
use aureole_server::auth::Role;
use aureole_server::vault::KeyText;
use aureole_testkit::{Actor, Database, Server};
use serde_json::{Value, json};

use crate::receiver::{Got, Receiver};
use crate::writes::{client, id, make};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn settings(config: &mut Config) {
    config.secret_key = KeyText(KEY.to_owned());
    config.webhooks.allow_networks = "127.0.0.0/8".to_owned();
    config.webhooks.poll_ms = 50;
}

/// As `on_both_databases`, with the settings of these tests.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                use super::*;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_sqlite() {
                    super::$name(&Server::start_with(Database::Sqlite, settings).await).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_postgres() {
                    super::$name(&Server::start_with(Database::Postgres, settings).await).await;
                }
            }
        )+
    };
}

/// A test on both databases that stops its servers itself.
macro_rules! on_both_owned {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                use super::*;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_sqlite() {
                    super::$name(Server::start_with(Database::Sqlite, settings).await).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_postgres() {
                    super::$name(Server::start_with(Database::Postgres, settings).await).await;
                }
            }
        )+
    };
}

mod guards;
mod https;
mod restarts;

on_both!(
    a_receiver_is_told_of_every_change,
    a_receiver_asks_for_kinds_and_events,
    deliveries_are_signed,
    a_failed_delivery_is_repeated_in_order,
    a_delivery_is_parked_and_replayed,
    quiet_records_are_not_told,
    a_test_reaches_a_webhook_that_is_off,
    a_webhook_that_is_off_waits,
    a_deleted_webhook_sends_nothing_more,
    deliveries_do_not_hold_writers_up,
);

async fn hook(admin: &Actor, receiver: &Receiver, more: Value) -> Value {
    let mut body = json!({ "name": "Receiver", "url": receiver.url() });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    make(admin, "Webhook", body).await
}

async fn log(admin: &Actor, query: &str) -> Vec<Value> {
    let list = admin.get(&format!("/api/WebhookDelivery?{query}")).await.expect(200);
    list.as_array().unwrap().clone()
}

/// Waits until the newest delivery of the log is as wanted.
async fn newest(admin: &Actor, wanted: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let entries = log(admin, "count=1").await;
        if let Some(entry) = entries.first().filter(|entry| wanted(entry)) {
            return entry.clone();
        }
        assert!(Instant::now() < until, "{entries:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn told(got: &[Got]) -> Vec<String> {
    got.iter().map(Got::told).collect()
}

async fn a_receiver_is_told_of_every_change(server: &Server) {
    let admin = server.admin().await;
    make(&admin, "Tax", json!({ "name": "Before" })).await;
    let receiver = Receiver::start().await;
    let webhook = hook(&admin, &receiver, json!({ "entities": ["Tax"] })).await;
    let made = id(&make(&admin, "Tax", json!({ "name": "VAT" })).await);
    let got = receiver.wait_for(1).await;
    assert_eq!(told(&got), ["created VAT"], "and nothing from before");
    let body = got[0].json();
    assert_eq!((&body["entity"], &body["id"]), (&json!("Tax"), &json!(made)));
    assert_eq!(body["tenant"], "default");
    assert_eq!(body["record"], admin.get(&format!("/api/Tax/{made}")).await.expect(200));
    assert_eq!(got[0].path, "POST /hook HTTP/1.1");
    assert_eq!(got[0].headers["x-aureole-event"], "created");
    assert_eq!(got[0].headers["x-aureole-event-id"], body["event_id"].as_str().unwrap());
    assert_eq!(got[0].headers["content-type"], "application/json; charset=utf-8");
    admin.post("/api/Tax", json!({ "id": made, "name": "VAT 20" })).await.expect(200);
    receiver.wait_for(2).await;
    admin.delete(&format!("/api/Tax/{made}")).await.expect(200);
    receiver.wait_for(3).await;
    let history = admin.get(&format!("/api/History?entity=Tax&id={made}")).await.expect(200);
    let path = format!("/api/History/{}/restore", history[0]["id"]);
    admin.post(&path, json!({})).await.expect(200);
    let got = receiver.wait_for(4).await;
    let expected = ["created VAT", "updated VAT 20", "deleted VAT 20", "restored VAT 20"];
    assert_eq!(told(&got), expected);
    let entry = newest(&admin, |entry| entry["status"] == "delivered").await;
    assert_eq!((&entry["webhook_id"], &entry["attempts"]), (&webhook["id"], &json!(1)));
    assert_eq!((&entry["response_code"], &entry["error"]), (&json!(200), &json!("")));
    assert_eq!(entry["id"].to_string(), got[3].headers["x-aureole-delivery-id"]);
    let one = admin.get(&format!("/api/WebhookDelivery/{}", entry["id"])).await.expect(200);
    assert_eq!(one["body"], got[3].json());
    // Webhooks are not told of webhooks.
    let all = hook(&admin, &receiver, json!({ "name": "All" })).await;
    client(&admin, "Acme").await;
    receiver.wait_for(6).await;
    let path = format!("webhook_id={}", all["id"]);
    assert!(log(&admin, &path).await.iter().all(|entry| entry["entity"] != "Webhook"));
}

async fn a_receiver_asks_for_kinds_and_events(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let wanted =
        json!({ "entities": ["tax", "Tax", "supplier"], "events": ["Updated", "deleted"] });
    let webhook = hook(&admin, &receiver, wanted).await;
    assert_eq!(webhook["entities"], json!(["Tax", "Supplier"]));
    assert_eq!(webhook["events"], json!(["updated", "deleted"]));
    let tax = id(&make(&admin, "Tax", json!({ "name": "Tax" })).await);
    client(&admin, "Acme").await;
    let supplier = id(&make(&admin, "Supplier", json!({ "name": "Parts" })).await);
    admin.post("/api/Tax", json!({ "id": tax, "name": "Tax 2" })).await.expect(200);
    admin.delete(&format!("/api/Supplier/{supplier}")).await.expect(200);
    let mut all = told(&receiver.wait_for(2).await);
    all.sort();
    assert_eq!(all, ["deleted Parts", "updated Tax 2"]);
}

async fn deliveries_are_signed(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let secret = "a secret; with \"signs\" & ümlauts";
    let webhook = hook(&admin, &receiver, json!({ "secret": secret })).await;
    assert_eq!(webhook["signed"], true);
    let got = admin.get(&format!("/api/Webhook/{}", webhook["id"])).await;
    assert!(got.json().get("secret").is_none() && !got.text.contains("a secret"), "{}", got.text);
    make(&admin, "Tax", json!({ "name": "VAT – 20 %" })).await;
    let got = receiver.wait_for(1).await.remove(0);
    let timestamp = &got.headers["x-aureole-timestamp"];
    // Worked out by another program.
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let message = format!("{timestamp}.{}", got.body);
    std::io::Write::write_all(&mut openssl.stdin.take().unwrap(), message.as_bytes()).unwrap();
    let output = openssl.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let digest = text.trim().rsplit(' ').next().unwrap();
    assert_eq!(got.headers["x-aureole-signature"], format!("sha256={digest}"));
    let log = admin.get("/api/WebhookDelivery").await.text;
    assert!(!log.contains("a secret"), "{log}");
    // Without a secret there is no signature, and the reply says so.
    let cleared = json!({ "id": webhook["id"], "secret": null });
    let cleared = admin.post("/api/Webhook", cleared).await.expect(200);
    assert_eq!(cleared["signed"], false);
    assert!(cleared["_warning"].as_str().unwrap().contains("not signed"), "{cleared}");
    make(&admin, "Tax", json!({ "name": "plain" })).await;
    assert!(!receiver.wait_for(2).await[1].headers.contains_key("x-aureole-signature"));
}

async fn a_failed_delivery_is_repeated_in_order(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    hook(&admin, &receiver, json!({ "entities": ["Tax"] })).await;
    receiver.answer_with(&[500, 503]);
    let made = id(&make(&admin, "Tax", json!({ "name": "one" })).await);
    receiver.wait_for(1).await;
    let entry = newest(&admin, |entry| entry["response_code"] == 500).await;
    assert_eq!((&entry["status"], &entry["attempts"]), (&json!("pending"), &json!(1)));
    assert!(entry["error"].as_str().unwrap().contains("500"), "{entry}");
    assert!(entry["next_attempt_at"].is_string(), "{entry}");
    for name in ["two", "three"] {
        admin.post("/api/Tax", json!({ "id": made, "name": name })).await.expect(200);
    }
    // Another record does not wait for it.
    make(&admin, "Tax", json!({ "name": "other" })).await;
    receiver.wait_for(2).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.got().len(), 2, "no repetition before its time");
    // Two failures and four deliveries.
    let until = Instant::now() + Duration::from_secs(20);
    while receiver.got().len() < 6 {
        assert!(Instant::now() < until, "{:?}", receiver.got());
        server.advance_ms(15_000);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let got = receiver.wait_for(6).await;
    let of_record: Vec<(String, String)> = got
        .iter()
        .filter(|got| got.json()["id"] == json!(made))
        .map(|got| {
            let body = got.json();
            (body["operation"].as_str().unwrap().to_owned(), body["rev"].to_string())
        })
        .collect();
    let mut revs: Vec<i64> = of_record.iter().map(|(_, rev)| rev.parse().unwrap()).collect();
    assert!(revs.is_sorted(), "in the order of the changes: {of_record:?}");
    revs.dedup();
    assert_eq!(revs.len(), 3, "{of_record:?}");
    let ids: Vec<&String> = got.iter().map(|got| &got.headers["x-aureole-delivery-id"]).collect();
    let attempts: Vec<&str> =
        got.iter().map(|got| got.headers["x-aureole-attempt"].as_str()).collect();
    assert!(attempts.contains(&"2"), "{attempts:?} of {ids:?}");
}

async fn a_delivery_is_parked_and_replayed(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let made_hook = hook(&admin, &receiver, json!({ "entities": ["Tax"] })).await;
    let attempts = usize::try_from(server.app().config.webhooks.attempts).unwrap();
    receiver.answer_with(&vec![500; attempts]);
    let made = id(&make(&admin, "Tax", json!({ "name": "one" })).await);
    admin.post("/api/Tax", json!({ "id": made, "name": "two" })).await.expect(200);
    let mut gaps = Vec::new();
    for count in 1..=attempts {
        receiver.wait_for(count).await;
        // Time passes faster than a token lives.
        let admin = server.admin().await;
        let entry = first(&admin, |entry| entry["attempts"] == count && entry["error"] != "").await;
        if count < attempts {
            let time = |name: &str| -> i64 {
                let text = entry[name].as_str().unwrap();
                format!("{text}Z").parse::<jiff::Timestamp>().unwrap().as_second()
            };
            gaps.push(time("next_attempt_at") - time("last_attempt_at"));
        }
        server.advance_ms(6 * 3_600_000);
    }
    // Twice as long each time, give or take a quarter, up to four hours.
    for (at, gap) in gaps.iter().enumerate() {
        let ideal = (10_i64 << at).min(14_400);
        assert!((ideal * 3 / 4 - 1..=ideal * 5 / 4 + 2).contains(gap), "{at}: {gaps:?}");
    }
    let admin = server.admin().await;
    let parked = first(&admin, |entry| entry["status"] == "parked").await;
    assert_eq!(parked["attempts"], json!(attempts));
    assert!(parked.get("next_attempt_at").is_none(), "{parked}");
    // The next change of the record goes on.
    let got = receiver.wait_for(attempts + 1).await;
    assert_eq!(got[attempts].json()["operation"], "updated");
    assert_eq!(log(&admin, "status=parked").await.len(), 1);
    // Once more by hand: the same event, another delivery.
    let path = format!("/api/WebhookDelivery/{}/replay", parked["id"]);
    let again = admin.post(&path, json!([])).await.expect(201);
    assert_eq!((&again["event_id"], &again["replay_of"]), (&parked["event_id"], &parked["id"]));
    assert_ne!(again["id"], parked["id"]);
    let got = receiver.wait_for(attempts + 2).await;
    assert_eq!(got[attempts + 1].body, got[0].body);
    admin
        .post("/api/WebhookDelivery/999999/replay", json!([]))
        .await
        .expect_error(404, "not_found");
    let off = json!({ "id": made_hook["id"], "enabled": false });
    admin.post("/api/Webhook", off).await.expect(200);
    let errors = admin.post(&path, json!([])).await.expect_error(400, "validation");
    assert!(errors["id"][0].as_str().unwrap().contains("which is not enabled"), "{errors}");
}

/// Waits until the oldest delivery of the log is as wanted.
async fn first(admin: &Actor, wanted: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let entries = log(admin, "").await;
        if let Some(entry) = entries.last().filter(|entry| wanted(entry)) {
            return entry.clone();
        }
        assert!(Instant::now() < until, "{entries:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn quiet_records_are_not_told(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    hook(&admin, &receiver, json!({})).await;
    let quiet = json!([
        { "name": "Quiet", "_dont_fire_automations": true },
        { "name": "Loud", "newclient_sitename": "Loud site" },
    ]);
    let made = admin.post("/api/Client", quiet).await.expect(201);
    make(&admin, "Tax", json!({ "name": "Quiet tax", "_dont_fire_automations": true })).await;
    admin.post("/api/Client", json!({ "id": made[0]["id"], "ref": "told" })).await.expect(200);
    make(&admin, "Tax", json!({ "name": "End" })).await;
    let until = Instant::now() + Duration::from_secs(20);
    while !told(&receiver.got()).contains(&"created End".to_owned()) {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let all = told(&receiver.got());
    assert!(
        all.contains(&"created Loud".to_owned()) && all.contains(&"created Loud site".to_owned())
    );
    assert!(all.contains(&"updated Quiet".to_owned()), "this time it was not quiet: {all:?}");
    assert!(
        !all.iter().any(|text| text == "created Quiet" || text.contains("Quiet tax")),
        "{all:?}"
    );
}

async fn a_test_reaches_a_webhook_that_is_off(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let webhook = hook(&admin, &receiver, json!({ "enabled": false })).await;
    let path = format!("/api/Webhook/{}/test", webhook["id"]);
    let queued = admin.post(&path, json!([])).await.expect(201);
    assert_eq!((&queued["event"], &queued["status"]), (&json!("test"), &json!("pending")));
    let got = receiver.wait_for(1).await;
    assert_eq!(got[0].headers["x-aureole-event"], "test");
    assert_eq!(got[0].json()["operation"], "test");
    make(&admin, "Tax", json!({ "name": "VAT" })).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.got().len(), 1);
    admin.post("/api/Webhook/999999/test", json!([])).await.expect_error(404, "not_found");
}

async fn a_webhook_that_is_off_waits(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let webhook = hook(&admin, &receiver, json!({ "entities": ["Tax"] })).await;
    let switch = async |on: bool| {
        let body = json!({ "id": webhook["id"], "enabled": on });
        admin.post("/api/Webhook", body).await.expect(200);
    };
    receiver.answer_with(&[500]);
    make(&admin, "Tax", json!({ "name": "queued" })).await;
    newest(&admin, |entry| entry["response_code"] == 500).await;
    switch(false).await;
    make(&admin, "Tax", json!({ "name": "missed" })).await;
    server.advance_ms(120_000);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.got().len(), 1, "nothing is sent while it is off");
    switch(true).await;
    make(&admin, "Tax", json!({ "name": "told" })).await;
    let mut all = told(&receiver.wait_for(3).await[1..]);
    all.sort();
    assert_eq!(all, ["created queued", "created told"], "what was queued, and what came after");
}

async fn a_deleted_webhook_sends_nothing_more(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    let webhook = hook(&admin, &receiver, json!({})).await;
    receiver.answer_with(&[500]);
    make(&admin, "Tax", json!({ "name": "VAT" })).await;
    newest(&admin, |entry| entry["response_code"] == 500).await;
    admin.delete(&format!("/api/Webhook/{}", webhook["id"])).await.expect(200);
    let entry = newest(&admin, |entry| entry["status"] == "parked").await;
    assert!(entry["error"].as_str().unwrap().contains("deleted"), "{entry}");
    server.advance_ms(120_000);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(receiver.got().len(), 1);
    let path = format!("/api/WebhookDelivery/{}/replay", entry["id"]);
    admin.post(&path, json!([])).await.expect_error(404, "not_found");
}

/// Outcomes are noted while new changes are queued and others write: none of them waits for another
/// that waits for it.
async fn deliveries_do_not_hold_writers_up(server: &Server) {
    let admin = server.admin().await;
    let receiver = Receiver::start().await;
    for name in ["one", "two", "three"] {
        hook(&admin, &receiver, json!({ "name": name, "entities": ["Tax"] })).await;
    }
    let write = async |writer: usize| {
        for round in 0..25 {
            let began = Instant::now();
            make(&admin, "Tax", json!({ "name": format!("{writer}-{round}") })).await;
            assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        }
    };
    tokio::join!(write(0), write(1), write(2), write(3));
    receiver.wait_for(300).await;
    let until = Instant::now() + Duration::from_secs(20);
    while !log(&admin, "status=pending").await.is_empty() {
        assert!(Instant::now() < until, "some outcomes were not noted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(receiver.got().len(), 300, "each once to each");
}
