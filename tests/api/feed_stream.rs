//! GET /changes/stream: server-sent events.

use std::time::Duration;

use aureole_testkit::{Actor, Database, Server, on_both_databases};
use serde_json::{Value, json};

use crate::feed::now;
use crate::writes::make;

on_both_databases!(
    a_stream_tells_what_comes,
    a_stream_goes_on_after_the_last_event,
    a_stream_ends_with_its_token,
);

/// One event of a stream.
#[derive(Debug, Default, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: String,
    comment: String,
}

impl Event {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// An open stream.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn open(actor: &Actor, query: &str, last_event_id: Option<&str>) -> Events {
        let mut request =
            actor.request(reqwest::Method::GET, &format!("/api/changes/stream{query}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with("text/event-stream"));
        assert_eq!(header("cache-control"), "no-store");
        Events { response, text: String::new() }
    }

    /// The next event, comments included; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let mut event = Event::default();
                for line in block.lines() {
                    let (name, value) = line.split_once(": ").unwrap_or((line, ""));
                    let place = match name {
                        "event" => &mut event.name,
                        "id" => &mut event.id,
                        "data" => &mut event.data,
                        "" => &mut event.comment,
                        "retry" => continue,
                        other => panic!("{other} in {block}"),
                    };
                    value.clone_into(place);
                }
                self.text = rest.to_owned();
                if event == Event::default() {
                    continue;
                }
                return Some(event);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await;
            let chunk = chunk.expect("nothing came for 20 seconds").unwrap();
            self.text.push_str(std::str::from_utf8(&chunk?).unwrap());
        }
    }

    /// The next change.
    async fn change(&mut self) -> Event {
        loop {
            let event = self.next().await.expect("the stream ended");
            if event.comment.is_empty() {
                assert_eq!(event.name, "change", "{event:?}");
                return event;
            }
        }
    }
}

async fn a_stream_tells_what_comes(server: &Server) {
    let admin = server.admin().await;
    let mut events = Events::open(&admin, "?since=now&entity=Tax&include=record", None).await;
    for name in ["One", "Two"] {
        make(&admin, "Supplier", json!({ "name": format!("no {name}") })).await;
        let made = make(&admin, "Tax", json!({ "name": name })).await;
        let event = events.change().await;
        let change = event.json();
        assert_eq!((&change["id"], &change["operation"]), (&made["id"], &json!("created")));
        assert_eq!(change["record"]["name"], name);
        assert_eq!(change["cursor"], event.id, "the event's id is the cursor");
    }
}

async fn a_stream_goes_on_after_the_last_event(server: &Server) {
    let admin = server.admin().await;
    let start = now(&admin).await;
    for number in 0..5 {
        make(&admin, "Tax", json!({ "name": format!("Tax {number}") })).await;
    }
    let mut events = Events::open(&admin, &format!("?since={start}&limit=2"), None).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let event = events.change().await;
        let id = event.json()["id"].as_i64().unwrap();
        let record = admin.get(&format!("/api/Tax/{id}")).await.expect(200);
        assert_eq!(record["name"], format!("Tax {number}"));
        ids.push(event.id);
    }
    drop(events);
    // The header wins over the parameter, as a browser sends both.
    let mut events = Events::open(&admin, &format!("?since={start}"), Some(&ids[2])).await;
    assert_eq!(events.change().await.id, ids[3]);
    assert_eq!(events.change().await.id, ids[4]);
    let request = admin.request(reqwest::Method::GET, "/api/changes/stream");
    let answer = admin.send(request.header("last-event-id", "garbage")).await;
    answer.expect_error(400, "validation");
}

async fn a_stream_ends_with_its_token(server: &Server) {
    let admin = server.admin().await;
    let mut events = Events::open(&admin, "?since=now", None).await;
    server.advance_ms(3_601_000);
    let end = loop {
        let event = events.next().await.expect("an event that says why");
        if event.comment.is_empty() {
            break event;
        }
    };
    assert_eq!((end.name.as_str(), &end.json()["code"]), ("end", &json!("unauthorized")));
    assert!(end.json()["message"].as_str().unwrap().contains("expired"), "{end:?}");
    assert_eq!(events.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_stream_shows_that_it_lives() {
    let server =
        Server::start_with(Database::Sqlite, |config| config.feed.heartbeat_seconds = 1).await;
    let admin = server.admin().await;
    let mut events = Events::open(&admin, "?since=now&entity=Tax", None).await;
    let first = events.next().await.unwrap();
    assert_eq!((first.comment.as_str(), first.id.is_empty()), ("heartbeat", false));
    make(&admin, "Supplier", json!({ "name": "not asked for" })).await;
    let later = loop {
        let event = events.next().await.unwrap();
        if event.id != first.id {
            break event;
        }
    };
    assert_eq!(later.comment, "heartbeat", "its id moves on over what was not asked for");
    // From there nothing is missing.
    let made = make(&admin, "Tax", json!({ "name": "VAT" })).await;
    let mut again = Events::open(&admin, "", Some(&later.id)).await;
    assert_eq!(again.change().await.json()["id"], made["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_waits_end_when_the_server_stops() {
    let server =
        Server::start_with(Database::Sqlite, |config| config.limits.stop_seconds = 30).await;
    let admin = server.admin().await;
    let mut events = Events::open(&admin, "?since=now", None).await;
    let waiting = async {
        let answer = admin.get("/api/changes?since=now&wait=60").await;
        answer.expect(200)["changes"].clone()
    };
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let began = std::time::Instant::now();
        server.stop().await;
        began.elapsed()
    };
    let (changes, took) = tokio::join!(waiting, stopping);
    assert_eq!(changes, json!([]));
    assert!(took < Duration::from_secs(5), "{took:?}");
    let end = events.next().await.unwrap();
    assert_eq!((end.name.as_str(), &end.json()["code"]), ("end", &json!("stopping")));
    assert_eq!(events.next().await, None);
}
