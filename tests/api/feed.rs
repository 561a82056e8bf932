//! GET /changes: what a reader of the feed gets.

use std::time::{Duration, Instant};

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Database, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    every_write_is_told_in_order,
    a_reader_goes_on_where_it_was,
    a_reader_asks_for_some_kinds,
    changes_bring_their_records,
    bad_questions_are_refused,
    a_reader_waits_for_what_comes,
    concurrent_writers_are_all_told_once,
    scopes_decide_which_kinds_are_told,
    limits_decide_whose_records_are_told,
    what_hangs_on_a_site_is_told_to_who_sees_it,
    another_tenant_is_never_told,
    a_quiet_write_is_told,
);

/// What the feed tells from a cursor on: the changes, and the cursor to go on with.
pub async fn read(actor: &Actor, since: &str, more: &str) -> (Vec<Value>, String) {
    let page = actor.get(&format!("/api/changes?since={since}{more}")).await.expect(200);
    let rows = page["changes"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
    (rows, page["cursor"].as_str().unwrap_or_else(|| panic!("{page}")).to_owned())
}

/// The cursor behind everything.
pub async fn now(actor: &Actor) -> String {
    let (rows, cursor) = read(actor, "now", "").await;
    assert!(rows.is_empty(), "{rows:?}");
    cursor
}

/// `Client 1 created` and so on.
fn told(rows: &[Value]) -> Vec<String> {
    let text = |row: &Value| {
        let (entity, operation) = (row["entity"].as_str(), row["operation"].as_str());
        format!("{} {} {}", entity.unwrap(), row["id"], operation.unwrap())
    };
    rows.iter().map(text).collect()
}

async fn every_write_is_told_in_order(server: &Server) {
    let admin = server.admin().await;
    let start = now(&admin).await;
    let made = client(&admin, "Acme").await;
    let (client_id, site_id) = (id(&made), made["main_site_id"].as_i64().unwrap());
    let request = admin
        .request(reqwest::Method::POST, "/api/Client")
        .header("x-request-id", "feed-test-1")
        .json(&json!({ "id": client_id, "ref": "a" }));
    admin.send(request).await.expect(200);
    // Nothing changes, nothing is told.
    admin.post("/api/Client", json!({ "id": client_id, "ref": "a" })).await.expect(200);
    let tag = admin.get(&format!("/api/Client/{client_id}")).await.header("etag").to_owned();
    admin.delete(&format!("/api/Client/{client_id}")).await.expect(200);
    let (rows, _) = read(&admin, &start, "").await;
    let texts = told(&rows);
    let at = |text: &str| {
        let place = texts.iter().position(|found| found == text);
        place.unwrap_or_else(|| panic!("{text} is not in {texts:?}"))
    };
    let (client_made, site_made) =
        (format!("Client {client_id} created"), format!("Site {site_id} created"));
    let client_gone = format!("Client {client_id} deleted");
    assert!(at(&client_made) < at(&site_made) && at(&site_made) < at(&client_gone), "{texts:?}");
    let updated = rows.iter().find(|row| row["request_id"] == "feed-test-1").unwrap();
    assert_eq!(updated["operation"], "updated");
    assert_eq!(updated["client_id"], json!(client_id));
    assert_eq!(format!("\"{}\"", updated["rev"]), tag, "rev is the entity tag");
    assert_eq!(updated["application"], "demo");
    assert!(updated["agent_id"].as_i64().unwrap() > 0 && updated["user_id"] == 0);
    assert_eq!((&updated["imported"], &updated["automations"]), (&json!(false), &json!(true)));
    assert!(updated["at"].as_str().unwrap().starts_with("20"), "{updated}");
    // Restoring tells of everything that is back.
    let (_, cursor) = read(&admin, &start, "&limit=1000").await;
    let path = format!("/api/History?entity=Client&id={client_id}");
    let change = admin.get(&path).await.expect(200)[0]["id"].as_i64().unwrap();
    admin.post(&format!("/api/History/{change}/restore"), json!({})).await.expect(200);
    let texts = told(&read(&admin, &cursor, "").await.0);
    assert!(texts.contains(&format!("Client {client_id} restored")), "{texts:?}");
    assert!(texts.contains(&format!("Site {site_id} restored")), "{texts:?}");
}

async fn a_reader_goes_on_where_it_was(server: &Server) {
    let admin = server.admin().await;
    let start = now(&admin).await;
    for number in 0..5 {
        make(&admin, "Tax", json!({ "name": format!("Tax {number}") })).await;
    }
    let (all, end) = read(&admin, &start, "").await;
    assert_eq!(all.len(), 5);
    // Page by page it is the same, once each.
    let (mut cursor, mut paged) = (start.clone(), Vec::new());
    loop {
        let page = admin.get(&format!("/api/changes?since={cursor}&limit=2")).await.expect(200);
        let rows = page["changes"].as_array().unwrap();
        assert!(rows.len() <= 2);
        assert_eq!(page["more"], json!(rows.len() == 2), "{page}");
        paged.extend(rows.clone());
        cursor = page["cursor"].as_str().unwrap().to_owned();
        if rows.len() < 2 {
            break;
        }
    }
    assert_eq!((&paged, &cursor), (&all, &end));
    // A row's own cursor is the place behind it.
    let (rest, _) = read(&admin, all[2]["cursor"].as_str().unwrap(), "").await;
    assert_eq!(rest, all[3..]);
    assert_eq!(read(&admin, &end, "").await, (Vec::new(), end.clone()));
    // Without a cursor: from the oldest on, in the same order.
    let (oldest, _) = read(&admin, "", "&limit=1000").await;
    assert!(oldest.len() > 5 && oldest.ends_with(&all), "{oldest:?}");
    let absent = admin.get("/api/changes?limit=1000").await.expect(200);
    assert_eq!(absent["changes"], json!(oldest));
}

async fn a_reader_asks_for_some_kinds(server: &Server) {
    let admin = server.admin().await;
    let start = now(&admin).await;
    client(&admin, "Acme").await;
    make(&admin, "Tax", json!({ "name": "VAT" })).await;
    let kinds = async |query: &str| {
        let (rows, _) = read(&admin, &start, query).await;
        let mut kinds: Vec<String> =
            rows.iter().map(|row| row["entity"].as_str().unwrap().to_owned()).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds("&entity=tax").await, ["Tax"]);
    assert_eq!(kinds("&entity=Client,TAX").await, ["Client", "Tax"]);
    assert_eq!(kinds("&entity=site&entity=Tax").await, ["Site", "Tax"]);
    // A path does as well as a name.
    assert_eq!(kinds("&entity=clientprepay").await, Vec::<String>::new());
    // The cursor moves on over what was not asked for.
    let (_, end) = read(&admin, &start, "&entity=supplier").await;
    assert_eq!(read(&admin, &end, "").await.0, Vec::<Value>::new());
}

async fn changes_bring_their_records(server: &Server) {
    let admin = server.admin().await;
    let start = now(&admin).await;
    let made = make(&admin, "Tax", json!({ "name": "VAT" })).await;
    let gone = make(&admin, "Tax", json!({ "name": "Gone" })).await;
    admin.post("/api/Tax", json!({ "id": id(&made), "name": "VAT 20" })).await.expect(200);
    admin.delete(&format!("/api/Tax/{}", id(&gone))).await.expect(200);
    let (rows, _) = read(&admin, &start, "&include=record").await;
    let now = get(&admin, "Tax", id(&made), "").await;
    assert_eq!(rows[0]["record"], now, "the record as it is now");
    assert_eq!(rows[1]["record"], Value::Null, "it is gone since");
    assert_eq!(rows[2]["record"], now);
    assert_eq!(
        (&rows[3]["operation"], &rows[3]["record"]["name"]),
        (&json!("deleted"), &json!("Gone"))
    );
    let (rows, _) = read(&admin, &start, "").await;
    assert!(rows.iter().all(|row| row.get("record").is_none()), "{rows:?}");
}

async fn bad_questions_are_refused(server: &Server) {
    let admin = server.admin().await;
    client(&admin, "Acme").await;
    let cursor = now(&admin).await;
    for since in [
        "x",
        "7",
        "1s-1",
        "-1",
        "1s-1-zz",
        "1p-1-zz",
        &format!("{cursor}0000"),
        &format!("2{cursor}"),
    ] {
        let answer = admin.get(&format!("/api/changes?since={since}")).await;
        let errors = answer.expect_error(400, "validation");
        assert!(errors["since"].is_array(), "{since}: {errors}");
        let answer = admin.get(&format!("/api/changes/stream?since={since}")).await;
        assert!(answer.expect_error(400, "validation")["since"].is_array(), "{since}");
    }
    let answer = admin.get("/api/changes?since=x&limit=0&entity=Nosuch&include=all").await;
    let errors = answer.expect_error(400, "validation");
    for name in ["since", "limit", "entity", "include"] {
        assert!(errors[name].is_array(), "{name}: {errors}");
    }
    for (query, name) in [("limit=a", "limit"), ("wait=a", "wait"), ("wait=-1", "wait")] {
        let errors = admin.get(&format!("/api/changes?{query}")).await;
        assert!(errors.expect_error(400, "validation")[name].is_array(), "{query}");
    }
    // A cursor behind which something has expired: the reader has to know.
    let first = read(&admin, "", "&limit=1").await.1;
    server.advance_ms(40 * 86_400_000);
    server.housekeep().await;
    let admin = server.admin().await;
    let answer = admin.get(&format!("/api/changes?since={first}")).await;
    assert!(answer.json()["Message"].as_str().unwrap().contains("since=now"), "{}", answer.text);
    answer.expect_error(400, "validation");
    // The end is still a place to go on from, and the oldest is what is kept: the newest always is.
    let made = make(&admin, "Tax", json!({ "name": "VAT" })).await;
    assert_eq!(told(&read(&admin, &cursor, "").await.0), [format!("Tax {} created", id(&made))]);
    assert_eq!(read(&admin, "", "").await.0.len(), 2);
}

async fn a_reader_waits_for_what_comes(server: &Server) {
    let admin = server.admin().await;
    let start = now(&admin).await;
    let began = Instant::now();
    let (rows, cursor) = read(&admin, &start, "&wait=1").await;
    assert!(rows.is_empty() && cursor == start);
    assert!(began.elapsed() >= Duration::from_millis(950), "{:?}", began.elapsed());
    // What is there already is told at once.
    make(&admin, "Tax", json!({ "name": "One" })).await;
    let began = Instant::now();
    let (rows, cursor) = read(&admin, &start, "&wait=30").await;
    assert_eq!((rows.len(), began.elapsed() < Duration::from_secs(5)), (1, true));
    // What comes wakes the reader; what it did not ask for does not.
    let waiting = read(&admin, &cursor, "&wait=30&entity=Tax");
    let writing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        make(&admin, "Supplier", json!({ "name": "Other" })).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        make(&admin, "Tax", json!({ "name": "Two" })).await;
    };
    let began = Instant::now();
    let ((rows, _), ()) = tokio::join!(waiting, writing);
    assert_eq!(told(&rows).len(), 1, "{rows:?}");
    assert_eq!(rows[0]["entity"], "Tax");
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(600) && took < Duration::from_secs(10), "{took:?}");
}

async fn concurrent_writers_are_all_told_once(server: &Server) {
    let admin = server.admin().await;
    let start = now(&admin).await;
    let shared = id(&make(&admin, "Tax", json!({ "name": "shared" })).await);
    let write = async |writer: usize| {
        for round in 0..8 {
            make(&admin, "Tax", json!({ "name": format!("{writer}-{round}") })).await;
            let body = json!({ "id": shared, "name": format!("shared {writer}-{round}") });
            admin.post("/api/Tax", body).await.expect(200);
        }
    };
    let writers = async {
        tokio::join!(write(0), write(1), write(2), write(3), write(4), write(5));
    };
    let mut rows = Vec::new();
    let reader = async {
        let mut cursor = start.clone();
        while rows.len() < 6 * 16 + 1 {
            let (more, next) = read(&admin, &cursor, "&wait=10&limit=7").await;
            assert!(!more.is_empty(), "nothing came for 10 seconds after {} changes", rows.len());
            rows.extend(more);
            cursor = next;
        }
    };
    tokio::join!(writers, reader);
    let mut revs: Vec<i64> = rows.iter().map(|row| row["rev"].as_i64().unwrap()).collect();
    revs.sort_unstable();
    revs.dedup();
    assert_eq!(revs.len(), 6 * 16 + 1, "each once");
    // The last told change of the shared record is its state.
    let last = rows.iter().rev().find(|row| row["id"] == json!(shared)).unwrap();
    let tag = admin.get(&format!("/api/Tax/{shared}")).await.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", last["rev"]));
}

async fn scopes_decide_which_kinds_are_told(server: &Server) {
    let admin = server.admin().await;
    let start = now(&admin).await;
    client(&admin, "Acme").await;
    make(&admin, "Supplier", json!({ "name": "Parts" })).await;
    make(&admin, "Tax", json!({ "name": "VAT" })).await;
    let reader = server.with_scope("read:suppliers").await;
    let (rows, _) = read(&reader, &start, "").await;
    let kinds: Vec<&Value> = rows.iter().map(|row| &row["entity"]).collect();
    assert_eq!(kinds, ["Supplier", "Tax"], "definitions are everybody's");
    let answer = reader.get(&format!("/api/changes?since={start}&entity=Supplier,Client")).await;
    answer.expect_error(403, "forbidden");
    assert!(answer.text.contains("read:customers"), "{}", answer.text);
    server.nobody().get("/api/changes").await.expect_error(401, "unauthorized");
    server.nobody().get("/api/changes/stream").await.expect_error(401, "unauthorized");
}

/// An agent that sees one client only.
async fn limited(server: &Server, admin: &Actor, to: i64) -> Actor {
    let agent = server.actor("default", "limited", "all:standard", Role::Agent).await;
    let me = id(&agent.get("/api/Agent/me").await.expect(200));
    let limits = json!({ "id": me, "allowed_clients": [{ "client_id": to }] });
    admin.post("/api/Agent", limits).await.expect(200);
    agent
}

async fn limits_decide_whose_records_are_told(server: &Server) {
    let admin = server.admin().await;
    let (seen, hidden) = (client(&admin, "Seen").await, client(&admin, "Hidden").await);
    let agent = limited(server, &admin, id(&seen)).await;
    let start = now(&admin).await;
    let site = async |name: &str, owner: &Value| {
        id(&make(&admin, "Site", json!({ "name": name, "client_id": id(owner) })).await)
    };
    let (ours, theirs) = (site("ours", &seen).await, site("theirs", &hidden).await);
    admin.post("/api/Client", json!({ "id": id(&hidden), "ref": "x" })).await.expect(200);
    let (rows, cursor) = read(&agent, &start, "&include=record").await;
    assert_eq!(told(&rows), [format!("Site {ours} created")]);
    // One moves out of sight and one into it.
    let moved = |site: i64, owner: &Value| json!({ "id": site, "client_id": id(owner) });
    admin.post("/api/Site", moved(ours, &hidden)).await.expect(200);
    admin.post("/api/Site", moved(theirs, &seen)).await.expect(200);
    let (rows, cursor) = read(&agent, &cursor, "&include=record&entity=Site").await;
    assert_eq!(told(&rows), [format!("Site {ours} deleted"), format!("Site {theirs} created")]);
    assert_eq!((&rows[0]["client_id"], &rows[0]["record"]), (&seen["id"], &Value::Null));
    assert_eq!(rows[1]["record"]["name"], "theirs");
    // What happens to it there is none of the agent's business.
    admin.post("/api/Site", json!({ "id": ours, "notes": "n" })).await.expect(200);
    admin.delete(&format!("/api/Site/{ours}")).await.expect(200);
    admin.delete(&format!("/api/Site/{theirs}")).await.expect(200);
    let (rows, _) = read(&agent, &cursor, "&include=record&entity=Site").await;
    assert_eq!(told(&rows), [format!("Site {theirs} deleted")]);
    assert_eq!(rows[0]["record"]["name"], "theirs");
    let all = agent.get("/api/changes?limit=1000&include=record").await.text;
    assert!(!all.contains("Hidden"), "{all}");
}

async fn what_hangs_on_a_site_is_told_to_who_sees_it(server: &Server) {
    let admin = server.admin().await;
    let (seen, hidden) = (client(&admin, "Seen").await, client(&admin, "Hidden").await);
    let agent = limited(server, &admin, id(&seen)).await;
    let start = now(&admin).await;
    let address = async |owner: &Value| {
        let body = json!({ "line1": "1 Quay", "site_id": owner["main_site_id"] });
        id(&make(&admin, "Address", body).await)
    };
    let (ours, theirs) = (address(&seen).await, address(&hidden).await);
    for place in [ours, theirs] {
        admin.post("/api/Address", json!({ "id": place, "line2": "x" })).await.expect(200);
    }
    admin.delete(&format!("/api/Client/{}", id(&hidden))).await.expect(200);
    // The client itself is in the agent's limits and stays.
    admin.delete(&format!("/api/Address/{ours}")).await.expect(200);
    let (rows, _) = read(&agent, &start, "&entity=Address&include=record").await;
    let expected =
        ["created", "updated", "deleted"].map(|operation| format!("Address {ours} {operation}"));
    assert_eq!(told(&rows), expected, "and none of {theirs}");
}

async fn another_tenant_is_never_told(server: &Server) {
    let admin = server.admin().await;
    let stranger = server.actor("elsewhere", "stranger", "all", Role::Administrator).await;
    let (ours, theirs) = (now(&admin).await, now(&stranger).await);
    client(&admin, "Acme").await;
    assert!(read(&stranger, &theirs, "").await.0.is_empty());
    let all = stranger.get("/api/changes?include=record&limit=1000").await.text;
    assert!(!all.contains("Acme"), "{all}");
    let answer = stranger.get(&format!("/api/changes?since={ours}")).await;
    answer.expect_error(400, "validation");
}

async fn a_quiet_write_is_told(server: &Server) {
    let admin = server.admin().await;
    let start = now(&admin).await;
    let body = json!({ "name": "Quiet", "_dont_fire_automations": true });
    let made = id(&make(&admin, "Client", body.clone()).await);
    make(&admin, "Tax", body).await;
    admin.post("/api/Client", json!({ "id": made, "ref": "loud" })).await.expect(200);
    let (rows, _) = read(&admin, &start, "").await;
    let (loud, quiet): (Vec<&Value>, Vec<&Value>) =
        rows.iter().partition(|row| row["automations"] == json!(true));
    assert!(quiet.len() >= 3, "client, its first site and tax: {rows:?}");
    assert_eq!(
        told(&loud.into_iter().cloned().collect::<Vec<_>>()),
        [format!("Client {made} updated")]
    );
    for wrong in [json!("perhaps"), json!(7), json!([])] {
        for path in ["Client", "Tax"] {
            let body = json!({ "name": "Wrong", "_dont_fire_automations": wrong });
            let answer = admin.post(&format!("/api/{path}"), body).await;
            let errors = answer.expect_error(400, "validation");
            assert!(errors["_dont_fire_automations"].is_array(), "{path} {wrong}: {errors}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_readers_are_limited() {
    let server = Server::start_with(Database::Sqlite, |config| {
        config.feed.readers_per_application = 1;
        config.feed.wait_seconds = 3;
    })
    .await;
    let admin = server.admin().await;
    let start = now(&admin).await;
    let path = format!("/api/changes?since={start}&wait=600");
    let began = Instant::now();
    let second = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        admin.get(&path).await
    };
    let (first, second) = tokio::join!(admin.get(&path), second);
    second.expect_error(429, "rate_limited");
    assert!(!second.header("retry-after").is_empty());
    // The longest wait is the setting's.
    first.expect(200);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    admin.get(&format!("/api/changes?since={start}&wait=1")).await.expect(200);
}
