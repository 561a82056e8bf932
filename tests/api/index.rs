//! Lists from memory show what was committed before, by whomever, and what the database would.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::paths::encode;

on_both_databases!(
    rows_follow_the_names_of_other_records,
    a_search_follows_the_sites,
    another_server_s_writes_are_shown,
    without_an_index_the_replies_are_the_same,
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
    let without = server
        .start_beside(|config| {
            config.lists.index_bytes = 0;
            config.lists.row_bytes = 0;
        })
        .await;
    let (here, there) = (server.admin().await, without.admin().await);
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
