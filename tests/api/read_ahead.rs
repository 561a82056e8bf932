//! Records that are read ahead: in blocks where many are asked for, and never older than the database.

use aureole_server::Config;
use aureole_server::auth::Role;
use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{id, make};

on_both_databases!(
    who_reads_many_records_is_answered_from_blocks,
    a_lone_miss_reads_one_record,
    requests_for_one_block_share_one_reading,
    nothing_is_read_ahead_without_room,
    what_was_read_ahead_is_never_old,
    what_was_read_ahead_keeps_tenants_and_limits,
);

const MISSES: u32 = 4;
const BLOCK: i64 = 32;
const CLIENTS: usize = 150;

async fn node(server: &Server, change: impl FnOnce(&mut Config)) -> (Server, Actor) {
    let node = server
        .start_beside(|config| {
            config.cache.read_ahead_records = BLOCK;
            config.cache.read_ahead_misses = MISSES;
            change(config);
        })
        .await;
    let admin = node.admin().await;
    (node, admin)
}

/// Makes clients that share a top level, and returns their ids.
async fn clients(admin: &Actor, level: i64) -> Vec<i64> {
    let body = (0..CLIENTS)
        .map(|number| json!({ "name": format!("Client {number}"), "toplevel_id": level }));
    let made = admin.post("/api/Client", body.collect()).await.expect(201);
    made.as_array().unwrap().iter().map(id).collect()
}

async fn level(admin: &Actor) -> i64 {
    id(&make(admin, "TopLevel", json!({ "name": "Gold" })).await)
}

/// A counter of `/metrics`.
async fn count(server: &Server, name: &str) -> u64 {
    let text = server.nobody().get("/metrics").await.text;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |number| number.parse().unwrap())
}

async fn read_alone(server: &Server) -> u64 {
    count(server, "aureole_records_total{from=\"database\"}").await
}

async fn read_ahead(server: &Server) -> u64 {
    count(server, "aureole_records_read_ahead_total").await
}

async fn get(actor: &Actor, id: i64) -> Value {
    actor.get(&format!("/api/Client/{id}")).await.expect(200)
}

async fn who_reads_many_records_is_answered_from_blocks(server: &Server) {
    let admin = server.admin().await;
    let ids = clients(&admin, level(&admin).await).await;
    let (node, there) = node(server, |_| {}).await;
    let mut read = Vec::new();
    for id in &ids {
        read.push(there.get(&format!("/api/Client/{id}")).await);
    }
    assert_eq!(read_alone(&node).await, u64::from(MISSES));
    // The first block had some records when it was read.
    let ahead = read_ahead(&node).await;
    assert!((CLIENTS as u64 - u64::from(MISSES)..=CLIENTS as u64).contains(&ahead), "{ahead}");
    for (id, read) in ids.iter().zip(read) {
        // A request with a parameter is not answered from memory.
        let plain = there.get(&format!("/api/Client/{id}?nothing=1")).await;
        assert_eq!((read.status, read.text.as_str()), (200, plain.text.as_str()));
        assert_eq!(read.header("etag"), plain.header("etag"));
        let request = there.request(reqwest::Method::GET, &format!("/api/Client/{id}"));
        let known = there.send(request.header("if-none-match", plain.header("etag"))).await;
        assert_eq!((known.status, known.text.as_str()), (304, ""));
    }
    node.stop().await;
}

async fn a_lone_miss_reads_one_record(server: &Server) {
    let admin = server.admin().await;
    let ids = clients(&admin, level(&admin).await).await;
    let (node, there) = node(server, |_| {}).await;
    for id in ids.iter().step_by(20) {
        get(&there, *id).await;
        // Time goes on between them.
        node.advance_ms(5_000);
    }
    assert_eq!((read_alone(&node).await, read_ahead(&node).await), (8, 0));
    node.stop().await;
    let (node, there) = self::node(server, |config| config.cache.read_ahead_records = 0).await;
    for id in &ids {
        get(&there, *id).await;
    }
    assert_eq!((read_alone(&node).await, read_ahead(&node).await), (CLIENTS as u64, 0));
    node.stop().await;
}

async fn requests_for_one_block_share_one_reading(server: &Server) {
    let admin = server.admin().await;
    let ids = clients(&admin, level(&admin).await).await;
    let (node, there) = node(server, |config| config.cache.read_ahead_misses = 0).await;
    let mut tasks = tokio::task::JoinSet::new();
    for id in ids {
        let there = there.clone();
        tasks.spawn(async move { assert_eq!(get(&there, id).await["id"], id) });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!((read_alone(&node).await, read_ahead(&node).await), (0, CLIENTS as u64));
    node.stop().await;
}

async fn nothing_is_read_ahead_without_room(server: &Server) {
    let admin = server.admin().await;
    let ids = clients(&admin, level(&admin).await).await;
    let (node, there) = node(server, |config| {
        config.cache.record_bytes = 8_000;
        config.cache.read_ahead_misses = 0;
    })
    .await;
    for round in 0..2 {
        for id in &ids {
            get(&there, *id).await;
        }
        let ahead = read_ahead(&node).await;
        assert!(ahead <= 2 * BLOCK as u64, "{ahead} in round {round}");
    }
    assert!(read_alone(&node).await > CLIENTS as u64);
    node.stop().await;
}

async fn what_was_read_ahead_is_never_old(server: &Server) {
    let admin = server.admin().await;
    let gold = level(&admin).await;
    let ids = clients(&admin, gold).await;
    let (node, there) = node(server, |config| config.cache.read_ahead_misses = 0).await;
    let agree = async |round: &str| {
        for id in &ids {
            let path = format!("/api/Client/{id}");
            let (kept, read) =
                (there.get(&path).await, there.get(&format!("{path}?nothing=1")).await);
            assert_eq!((kept.status, &kept.text), (read.status, &read.text), "{id}, {round}");
        }
    };
    get(&there, ids[0]).await;
    assert!(read_ahead(&node).await > 1);
    let body = json!({ "id": ids[1], "notes": "new" });
    there.post("/api/Client", body).await.expect(200);
    assert_eq!(get(&there, ids[1]).await["notes"], "new");
    there.post("/api/TopLevel", json!({ "id": gold, "name": "Silver" })).await.expect(200);
    for id in &ids[..10] {
        assert_eq!(get(&there, *id).await["toplevel_name"], "Silver");
    }
    agree("after a name").await;
    let merge = json!({ "id": ids[2], "_merge_client_into": ids[3] });
    there.post("/api/Client", merge).await.expect(200);
    let merged = get(&there, ids[2]).await;
    assert_eq!(merged["_warning"], format!("client {} was merged into {}", ids[2], ids[3]));
    agree("after a merge").await;
    // A client that was merged before its block was read is shown as what it became, too.
    let (second, elsewhere) = self::node(server, |config| config.cache.read_ahead_misses = 0).await;
    get(&elsewhere, ids[0]).await;
    assert_eq!(get(&elsewhere, ids[2]).await, merged);
    second.stop().await;
    let site = get(&there, ids[4]).await["main_site_id"].clone();
    there.post("/api/Site", json!({ "id": site, "name": "Headquarters" })).await.expect(200);
    assert_eq!(get(&there, ids[4]).await["main_site_name"], "Headquarters");
    let gone = there.delete(&format!("/api/Client/{}", ids[5])).await;
    gone.expect(200);
    there.get(&format!("/api/Client/{}", ids[5])).await.expect_error(404, "not_found");
    let restore = format!("/api/History/{}/restore", gone.header("x-change-id"));
    there.post(&restore, json!({})).await;
    agree("after a restore").await;
    // Another server's writes.
    admin.post("/api/Client", json!({ "id": ids[6], "notes": "from elsewhere" })).await.expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(6)).await;
    assert_eq!(get(&there, ids[6]).await["notes"], "from elsewhere");
    node.stop().await;
}

async fn what_was_read_ahead_keeps_tenants_and_limits(server: &Server) {
    let admin = server.admin().await;
    let ids = clients(&admin, level(&admin).await).await;
    let (node, there) = node(server, |config| config.cache.read_ahead_misses = 0).await;
    let path = format!("/api/Client/{}", ids[7]);
    get(&there, ids[6]).await;
    assert!(read_ahead(&node).await > 7);
    let foreign = node.actor("other", "other", "all", Role::Administrator).await;
    foreign.get(&path).await.expect_error(404, "not_found");
    let narrow = node.with_scope("read:suppliers").await;
    narrow.get(&path).await.expect_error(403, "forbidden");
    let limited = node.actor("default", "limited", "all", Role::Agent).await;
    let agent = limited.get("/api/Agent/me").await.expect(200)["id"].clone();
    let body = json!({ "id": agent, "denied_clients": [{ "client_id": ids[7] }] });
    there.post("/api/Agent", body).await.expect(200);
    limited.get(&path).await.expect_error(404, "not_found");
    assert_eq!(get(&limited, ids[8]).await["id"], ids[8]);
    node.stop().await;
}
