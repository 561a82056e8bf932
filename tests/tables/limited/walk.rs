//! Every route of the router, history, feed and stream with it, walked by limited agents with the ids of
//! what is hidden from them. The routes are those of the walk over tenants, which is compared with the
//! router's own text: a new one is walked here too.

use std::time::Duration;

use aureole_catalogue::{ENTITIES, Kind};

use super::*;
use crate::isolation::walk::{ROUTES, Walk};

on_both_databases!(
    every_route_keeps_what_is_hidden,
    history_and_feed_keep_what_is_hidden,
    the_past_keeps_what_is_hidden,
    nested_records_keep_what_is_hidden,
    replies_to_writes_keep_what_is_hidden,
);

impl Stage {
    /// A text with hidden ids in the place of names in braces; what has no client is the first.
    fn fill(&self, text: &str, change: i64, cursor: &str) -> String {
        let mut filled = text.replace("{change}", &change.to_string()).replace("{cursor}", cursor);
        for endpoint in ENDPOINTS {
            let id = self.ids(endpoint.path).1.last().copied().unwrap_or(1);
            filled = filled.replace(&format!("{{{}}}", endpoint.path), &id.to_string());
        }
        filled
    }

    /// The newest change of the hidden client.
    async fn change(&self) -> i64 {
        let history = format!("/History?entity=Client&id={}", self.hidden.client);
        self.admin.get(&history).await.expect(200)[0]["id"].as_i64().unwrap()
    }
}

async fn every_route_keeps_what_is_hidden(server: &Server) {
    let stage = Stage::set(server).await;
    let before = stage.everything_hidden().await;
    let change = stage.change().await;
    let cursor = stage.admin.get("/changes?since=").await.expect(200)["cursor"].clone();
    let cursor = cursor.as_str().unwrap();
    for actor in stage.agents(server).await {
        for (pattern, walk) in ROUTES {
            let requests = match walk {
                Walk::Open(path) => vec![("GET", *path, "")],
                // The other tests of this module.
                Walk::Table => Vec::new(),
                Walk::Requests(requests) => {
                    requests.iter().map(|(method, path, body, _)| (*method, *path, *body)).collect()
                }
            };
            for (method, path, body) in requests {
                // A stream does not end; it is read below.
                if path.starts_with("/changes/stream") {
                    continue;
                }
                let path = stage.fill(path, change, cursor);
                let place = format!("{pattern} {method} {path}");
                let answer = match method {
                    "GET" => actor.get(&path).await,
                    _ => {
                        let body = stage.fill(body, change, cursor);
                        actor.post_text(&path, "application/json", body).await
                    }
                };
                is_silent(&answer, &place);
                let is_refused = matches!(answer.status, 400 | 403 | 404);
                assert!(
                    method == "GET" || is_refused,
                    "{place}: {} {}",
                    answer.status,
                    answer.text
                );
            }
        }
    }
    assert!(stage.everything_hidden().await == before, "something hidden was changed");
}

/// Every change there is, as this caller is told of it.
async fn feed(actor: &Actor, query: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let place = format!("/changes?include=record&limit=1000&since={cursor}{query}");
        let answer = actor.get(&place).await;
        is_silent(&answer, &place);
        let page = answer.expect(200);
        rows.extend(page["changes"].as_array().unwrap().clone());
        page["cursor"].as_str().unwrap().clone_into(&mut cursor);
        if page["more"] == json!(false) {
            return rows;
        }
    }
}

/// The stream from the very beginning, for a while.
async fn stream(actor: &Actor) -> String {
    let request = actor.request(reqwest::Method::GET, "/changes/stream?since=&include=record");
    let mut response = request.send().await.unwrap();
    let mut text = String::new();
    let wait = Duration::from_millis(400);
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout(wait, response.chunk()).await {
        text.push_str(&String::from_utf8_lossy(&chunk));
        if text.len() > 4_000_000 {
            break;
        }
    }
    text
}

async fn history_and_feed_keep_what_is_hidden(server: &Server) {
    let stage = Stage::set(server).await;
    // What is deleted is told by its last state.
    let gone = json!({"name": format!("{HIDDEN} Gone"), "client_id": stage.hidden.client});
    let gone = make(&stage.admin, "Site", gone).await;
    stage.admin.delete(&format!("/Site/{gone}")).await.expect(200);
    let agents = stage.agents(server).await;
    let all = stage.admin.get("/History?pageinate=true&page_size=1000").await.expect(200);
    assert!(tells(&all.to_string()) && tells(&stream(&stage.admin).await));
    let newest = all["changes"][0]["id"].as_i64().unwrap();
    for actor in agents {
        let mut told = feed(&actor, "").await;
        assert!(told.len() > 20, "{told:?}");
        for entity in ENTITIES {
            let place = format!("/History?entity={}&count=1000", entity.name);
            is_silent(&actor.get(&place).await, &place);
            let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.kind == entity.kind);
            if endpoint.is_some_and(|endpoint| endpoint.guard != Guard::Administrators) {
                told.extend(feed(&actor, &format!("&entity={}", entity.name)).await);
            }
        }
        // What the administrator made hidden is in nobody's part of the feed.
        for row in &told {
            let endpoint = ENDPOINTS
                .iter()
                .find(|endpoint| row["entity"] == endpoint.kind.entity().name)
                .unwrap();
            let id = row["id"].as_i64().unwrap();
            assert!(!stage.ids(endpoint.path).1.contains(&id), "{row}");
            assert_ne!(row["client_id"], json!(stage.hidden.client), "{row}");
        }
        let text = stream(&actor).await;
        assert!(text.contains(OWN) && !tells(&text), "{text}");
        for query in ["", "&search=x", "&operation=created", "&field=name"] {
            let place = format!("/History?pageinate=true&page_size=1000{query}");
            let answer = actor.get(&place).await;
            is_silent(&answer, &place);
            let page = answer.expect(200);
            let rows = page["changes"].as_array().unwrap();
            assert_eq!(page["record_count"], json!(rows.len()), "{place}");
        }
        for change in 1..=newest {
            let place = format!("/History/{change}");
            is_silent(&actor.get(&place).await, &place);
            let place = format!("/History/{change}/restore?dryrun=true");
            is_silent(&actor.post(&place, json!([])).await, &place);
        }
    }
}

async fn the_past_keeps_what_is_hidden(server: &Server) {
    let stage = Stage::set(server).await;
    let now = stage.admin.get("/History?count=1").await.expect(200)[0]["datetime"].clone();
    let now = now.as_str().unwrap().to_owned();
    let agents = stage.agents(server).await;
    // Before the site was ours, by a thousandth of a second.
    let moves = format!("/History?entity=Site&id={}&count=1", stage.moved);
    let moved_at = stage.admin.get(&moves).await.expect(200)[0]["datetime"].clone();
    let moved_at = moved_at.as_str().unwrap().to_owned();
    let before: jiff::Timestamp = format!("{moved_at}Z").parse().unwrap();
    let before = (before - jiff::SignedDuration::from_millis(1)).to_string();
    for actor in agents {
        for endpoint in ENDPOINTS {
            let path = endpoint.path;
            let (own, hidden) = stage.ids(path);
            for at in [&now, &before] {
                for id in hidden {
                    let place = format!("/{path}/{id}?asof={at}&includedetails=true");
                    let answer = actor.get(&place).await;
                    is_silent(&answer, &place);
                    assert_eq!(answer.status, 404, "{place}: {}", answer.text);
                    assert!(!answer.text.contains("did not exist at"), "{}", answer.text);
                }
                for id in own {
                    for more in ["", "&includedetails=true"] {
                        let place = format!("/{path}/{id}?asof={at}{more}");
                        let answer = actor.get(&place).await;
                        is_silent(&answer, &place);
                        assert!(*at != now || answer.status == 200, "{place}: {}", answer.text);
                    }
                }
                if own.is_empty() && endpoint.guard != Guard::Administrators {
                    let list = format!("/{path}?includeinactive=true");
                    for row in rows(&actor.get(&list).await.expect(200), endpoint) {
                        let place = format!("/{path}/{}?asof={at}&includedetails=true", row["id"]);
                        is_silent(&actor.get(&place).await, &place);
                    }
                }
            }
        }
        let place = format!("/Site/{}?asof={before}", stage.moved);
        let answer = actor.get(&place).await;
        is_silent(&answer, &place);
        answer.expect_error(404, "not_found");
        let place = format!("/Site/{}", stage.moved);
        assert_eq!(actor.get(&place).await.expect(200)["name"], "Depot");
        for merged in [stage.merged, stage.hidden.client] {
            let place = format!("/Client/{merged}?asof={now}");
            is_silent(&actor.get(&place).await, &place);
        }
    }
}

/// An element with a hidden record's id updates nothing, moves nothing, and is answered with nothing of
/// it.
async fn nested_records_keep_what_is_hidden(server: &Server) {
    let stage = Stage::set(server).await;
    let before = stage.everything_hidden().await;
    for actor in stage.agents(server).await {
        for endpoint in ENDPOINTS {
            let Some(own) = stage.ids(endpoint.path).0.last() else { continue };
            for field in endpoint.kind.entity().schema.fields {
                let takes = !matches!(field.mode, Mode::Out | Mode::Computed);
                if !takes || !matches!(field.kind, Kind::List(_) | Kind::IntList | Kind::AnyList) {
                    continue;
                }
                for id in stage.hidden.ids.values().flatten() {
                    let element = match field.kind {
                        Kind::IntList => json!(id),
                        _ => json!({ "id": id, "name": OWN, "note": OWN, "client_id": id,
                            "site_id": id, "user_id": id }),
                    };
                    let body = json!([{ "id": own, field.name: [element] }]);
                    let path = format!("/{}?dryrun=true", endpoint.path);
                    let answer = actor.post(&path, body.clone()).await;
                    let place = format!("/{} {}=[{id}]", endpoint.path, field.name);
                    is_silent(&answer, &place);
                    // For good, too: what takes the place of a hidden one is one of its own.
                    let answer = actor.post(&format!("/{}", endpoint.path), body).await;
                    is_silent(&answer, &place);
                }
            }
        }
    }
    assert!(stage.everything_hidden().await == before, "something hidden was changed");
}

/// What is seen points at what is hidden: no reply to a write names that.
async fn replies_to_writes_keep_what_is_hidden(server: &Server) {
    let stage = Stage::set(server).await;
    let own = &stage.own;
    let item = own.ids["recurringitem"][0];
    let due = json!({ "id": item, "startdate": "2026-01-01", "nextinvoicedate": "2026-01-01",
        "billingperiod_id": 2 });
    stage.admin.post("/RecurringItem", due).await.expect(200);
    for (number, actor) in stage.agents(server).await.into_iter().enumerate() {
        for (path, body) in [
            (
                "/Client/NewAccountsId",
                json!([{ "id": own.client, "xeroid": format!("x{number}") }]),
            ),
            (
                "/Client/PaymentMethodUpdate",
                json!([{ "id": own.client, "stripe_customer_id": format!("c{number}") }]),
            ),
            (
                "/RecurringItem/invoiced",
                json!([{ "id": item, "invoicenumber": format!("i{number}") }]),
            ),
            ("/PopupNote/read", json!([{ "id": own.ids["popupnote"][0] }])),
            ("/Client", json!({ "id": own.client, "ref": format!("{OWN}{number}") })),
            (
                "/Client?bulkresponse=true",
                json!([{ "id": own.client, "ref": format!("{OWN}{number}b") }]),
            ),
            ("/Site", json!({ "id": own.site, "ref": format!("{OWN}{number}") })),
        ] {
            let answer = actor.post(path, body).await;
            is_silent(&answer, path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        }
        for endpoint in ENDPOINTS {
            let path = endpoint.path;
            for id in stage.ids(path).0 {
                let place = format!("/{path}?dryrun=true&includedetails=true");
                is_silent(&actor.post(&place, json!([{ "id": id }])).await, &place);
                let place = format!("/{path}/{id}?dryrun=true");
                is_silent(&actor.delete(&place).await, &place);
            }
        }
        // For good: the client goes, and comes back. One that an agent is limited to stays.
        if number != 1 {
            continue;
        }
        let body = json!({ "name": OWN, "client_to_invoice": stage.hidden.client });
        let client = make(&stage.admin, "Client", body).await;
        let answer = actor.delete(&format!("/Client/{client}")).await;
        is_silent(&answer, "delete");
        answer.expect(200);
        let change = answer.header("x-change-id").to_owned();
        let answer = actor.post(&format!("/History/{change}/restore"), json!([])).await;
        is_silent(&answer, "restore");
    }
}
