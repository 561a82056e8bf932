//! Lists from memory show what was committed before, by whomever, and what the database would.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::paths::encode;

on_both_databases!(
    rows_follow_the_names_of_other_records,
    a_search_follows_the_sites,
    another_server_s_writes_are_shown,
    without_an_index_the_replies_are_the_same,
    values_of_defined_fields_follow_writes,
    a_long_list_is_one_state,
);

/// The values of one field of a list's rows, in order.
fn column(list: &Value, key: &str, field: &str) -> Vec<String> {
    let rows = list[key].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect()
}

async fn clients(actor: &Actor, query: &str, field: &str) -> Vec<String> {
    column(&actor.get(&format!("/api/Client?{query}")).await.expect(200), "clients", field)
}

async fn rows_follow_the_names_of_other_records(server: &Server) {
    let admin = server.admin().await;
    let top = admin.post("/api/TopLevel", json!([{"name": "North"}])).await.expect(201);
    let top = &top["id"];
    let two = json!([{"name": "One", "toplevel_id": top}, {"name": "Two", "toplevel_id": top}]);
    let made = admin.post("/api/Client", two).await.expect(201);
    for _ in 0..2 {
        assert_eq!(clients(&admin, "order=name", "toplevel_name").await, ["North", "North"]);
    }
    admin.post("/api/TopLevel", json!([{"id": top, "name": "South"}])).await.expect(200);
    assert_eq!(clients(&admin, "order=name", "toplevel_name").await, ["South", "South"]);

    let sites = |name: &'static str| format!("/api/Site?client_id={}&x={name}", made[0]["id"]);
    let before = admin.get(&sites("before")).await.expect(200);
    assert_eq!(column(&before, "sites", "client_name"), ["One"]);
    admin.post("/api/Client", json!([{"id": made[0]["id"], "name": "Three"}])).await.expect(200);
    let after = admin.get(&sites("after")).await.expect(200);
    assert_eq!(column(&after, "sites", "client_name"), ["Three"]);
    assert_eq!(clients(&admin, "order=name", "name").await, ["Three", "Two"]);
    assert_eq!(clients(&admin, "order=name&orderdesc=true", "name").await, ["Two", "Three"]);
}

async fn a_search_follows_the_sites(server: &Server) {
    let admin = server.admin().await;
    let two = json!([{"name": "One"}, {"name": "Two"}]);
    let made = admin.post("/api/Client", two).await.expect(201);
    assert!(clients(&admin, "search=555-77", "name").await.is_empty());
    let site = json!([{"name": "Depot", "client_id": made[0]["id"], "phonenumber": "+1 555-77"}]);
    let site = admin.post("/api/Site", site).await.expect(201);
    let site = &site["id"];
    assert_eq!(clients(&admin, "search=555-77", "name").await, ["One"]);
    admin.post("/api/Site", json!([{"id": site, "phonenumber": "+1 555-88"}])).await.expect(200);
    assert!(clients(&admin, "search=555-77", "name").await.is_empty());
    assert_eq!(clients(&admin, "search=555-88", "name").await, ["One"]);
    admin.delete(&format!("/api/Site/{site}")).await.expect(200);
    assert!(clients(&admin, "search=555-88", "name").await.is_empty());
}

async fn another_server_s_writes_are_shown(server: &Server) {
    let other = server.start_beside(|_| {}).await;
    let (here, there) = (server.admin().await, other.admin().await);
    for round in 0..5 {
        let name = format!("Client {round}");
        let (writer, reader) = if round % 2 == 0 { (&here, &there) } else { (&there, &here) };
        writer.post("/api/Client", json!([{ "name": name }])).await.expect(201);
        // On SQLite another process is seen after `storage.read_hold_ms`.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let expected: Vec<String> = (0..=round).map(|round| format!("Client {round}")).collect();
        for actor in [reader, writer] {
            assert_eq!(clients(actor, "", "name").await, expected);
            let search = encode(&name);
            assert_eq!(clients(actor, &format!("search={search}"), "name").await, [name.as_str()]);
        }
    }
    other.stop().await;
}

async fn without_an_index_the_replies_are_the_same(server: &Server) {
    server.load_demo(120).await;
    defined_values(&server.admin().await).await;
    let without = server
        .start_beside(|config| {
            config.lists.index_bytes = 0;
            config.lists.row_bytes = 0;
        })
        .await;
    let (here, there) = (server.admin().await, without.admin().await);
    let custom = |name: &str, kind: i64, value: &str| {
        let condition =
            json!([{ "filter_name": name, "filter_type": kind, "filter_value": value }]);
        format!("/api/Client?advanced_search={}", encode(&condition.to_string()))
    };
    let unpromoted = encode(r#"[{"filter_name":"website","filter_type":4,"filter_value":"a"}]"#);
    for path in [
        "/api/Client",
        "/api/Client?pageinate=true&page_size=7&page_no=3",
        "/api/Client?pageinate=true&page_size=7&page_no=999",
        "/api/Client?order=name&orderdesc=true&includeinactive=true",
        "/api/Client?order=toplevel_id&order2=name&orderdesc2=true&count=30",
        "/api/Client?order=toplevel_name&count=30",
        "/api/Client?order=id&orderdesc=true&idonly=true",
        "/api/Client?search=a&count=20",
        "/api/Client?search=an%20e",
        "/api/Client?search=street&search_name_only=false",
        "/api/Client?search_name_only=an",
        "/api/Client?accountmanageronly=true",
        "/api/Client?showcounts=true&count=5",
        &format!("/api/Client?advanced_search={unpromoted}"),
        &custom("CFTier", 2, "gold \"a\""),
        &custom("CFTier", 3, "gold \"a\""),
        &custom("CFTier", 4, ""),
        &custom("CFTier", 1, ",silver"),
        &custom("CFMulti", 0, "One,Three"),
        &custom("CFMulti", 5, "o"),
        &custom("CFCheck", 6, "false"),
        &custom("CFCheck", 6, "true"),
        &custom("CFDay", 8, "2026-01-15"),
        &format!("{}&order=toplevel_id&count=7", custom("CFTier", 4, "gold")),
        "/api/Client?lastupdatefromdate=2020-01-01&count=9",
        "/api/Site?pageinate=true&page_size=50&page_no=2",
        "/api/Site?search=an&includeaddress=true",
        "/api/Site?client_id=7",
        "/api/Users?order=name",
        "/api/Supplier",
        "/api/Tickets?open_only=true",
        "/api/TopLevel",
        "/api/Agent",
    ] {
        let (one, other) = (here.get(path).await, there.get(path).await);
        assert_eq!((one.status, &one.text), (200, &other.text), "{path}");
        // Now from kept rows.
        assert_eq!(here.get(path).await.text, other.text, "{path}");
    }
    without.stop().await;
}

/// Defined fields of several types, set on some of the clients, and on some no more.
async fn defined_values(admin: &Actor) {
    let define = async |name: &str, kind: i64| {
        let body = json!({ "name": name, "usage": 2, "type": kind, "new_values": "One,Two,Three" });
        admin.post("/api/FieldInfo", body).await.expect(201)["id"].clone()
    };
    let (tier, multi) = (define("Tier", 0).await, define("Multi", 3).await);
    let (check, day) = (define("Check", 6).await, define("Day", 4).await);
    let ids = admin.get("/api/Client?idonly=true").await.expect(200);
    let rows = ids["clients"].as_array().unwrap().iter().zip(0..);
    let bodies: Vec<Value> = rows
        .filter(|(_, at)| at % 3 > 0)
        .map(|(row, at)| {
            let tier_value = if at % 2 == 0 { "Gold \"a\"" } else { "Silver" };
            json!({ "id": row["id"], "customfields": [
                { "id": tier, "value": tier_value },
                { "id": multi, "value": [at % 3, 3] },
                { "id": check, "value": at % 5 == 0 },
                { "id": day, "value": format!("2026-01-{:02}", at % 28 + 1) },
            ] })
        })
        .collect();
    admin.post("/api/Client", json!(bodies)).await.expect(200);
    let cleared = json!({ "id": bodies[0]["id"], "customfields": [{ "id": tier, "value": null }] });
    admin.post("/api/Client", cleared).await.expect(200);
}

/// Longer than what is sent in one piece, with a write in between two lists.
async fn a_long_list_is_one_state(server: &Server) {
    let admin = server.admin().await;
    let names: Vec<Value> = (0..1_500).map(|at| json!({"name": format!("c{at:05}")})).collect();
    let made = admin.post("/api/Client", json!(names)).await.expect(201);
    let expected: Vec<String> = (0..1_500).map(|at| format!("c{at:05}")).collect();
    assert_eq!(clients(&admin, "", "name").await, expected);
    admin.post("/api/Client", json!([{"id": made[3]["id"], "name": "z last"}])).await.expect(200);
    let list = clients(&admin, "", "name").await;
    assert_eq!((list.len(), list[3].as_str(), list[1_499].as_str()), (1_500, "c00004", "z last"));
    let few = clients(&admin, "count=1200", "name").await;
    assert_eq!(few, list[..1_200]);
    // Of a search only the beginning is made and kept, and made longer for whom reads on.
    for page in [1, 11, 12, 30, 1] {
        let query = format!("search=c0&pageinate=true&page_size=50&page_no={page}");
        let found = admin.get(&format!("/api/Client?{query}")).await.expect(200);
        assert_eq!(
            (&found["record_count"], &found["clients"][0]["name"]),
            (&json!(1_499), &json!(list[50 * (page - 1)]))
        );
    }
    assert_eq!(clients(&admin, "search=c0", "name").await, list[..1_499]);
}

async fn values_of_defined_fields_follow_writes(server: &Server) {
    let admin = server.admin().await;
    let tier =
        admin.post("/api/FieldInfo", json!({ "name": "Tier", "usage": 2 })).await.expect(201);
    let two = json!([{"name": "One"}, {"name": "Two"}]);
    let made = admin.post("/api/Client", two).await.expect(201);
    let with = |value: &str| {
        let condition =
            json!([{ "filter_name": "CFTier", "filter_type": 2, "filter_value": value }]);
        format!("advanced_search={}", encode(&condition.to_string()))
    };
    assert!(clients(&admin, &with("Gold"), "name").await.is_empty());
    let set = |at: usize, value: Value| json!([{ "id": made[at]["id"], "customfields": [{ "id": tier["id"], "value": value }] }]);
    admin.post("/api/Client", set(1, json!("gold"))).await.expect(200);
    assert_eq!(clients(&admin, &with("Gold"), "name").await, ["Two"]);
    admin.post("/api/Client", set(0, json!("GOLD"))).await.expect(200);
    assert_eq!(clients(&admin, &with("Gold"), "name").await, ["One", "Two"]);
    admin.post("/api/Client", set(1, json!(null))).await.expect(200);
    assert_eq!(clients(&admin, &with("Gold"), "name").await, ["One"]);
    assert_eq!(clients(&admin, &with(""), "name").await, ["Two"]);
}
