//! The shape of lists: envelopes, pages, bare arrays, long lists.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

on_both_databases!(
    an_unpaged_envelope_has_two_keys,
    a_paged_envelope_has_four_keys,
    each_list_has_its_own_key,
    other_lists_are_bare_arrays,
    count_limits_and_paging_wins,
    pages_end_and_have_a_largest_size,
    only_ids_come_when_asked,
    a_record_is_a_bare_object,
    long_lists_are_complete,
);

async fn clients(admin: &Actor, names: &[&str]) -> Vec<i64> {
    let body: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    let made = admin.post("/Client", json!([body])).await.expect(201);
    let made = made.as_array().cloned().unwrap_or_else(|| vec![made]);
    made.iter().map(|client| client["id"].as_i64().unwrap()).collect()
}

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

/// The keys of an object in the order of the reply's text.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn an_unpaged_envelope_has_two_keys(server: &Server) {
    let admin = server.admin().await;
    let empty = admin.get("/Client").await;
    assert_eq!((empty.status, empty.text.as_str()), (200, r#"{"record_count":0,"clients":[]}"#));
    assert_eq!(empty.header("content-type"), "application/json; charset=utf-8");
    clients(&admin, &["a", "b"]).await;
    for query in
        ["", "?count=1", "?pageinate=false", "?pageinate=False&count=50", "?page_size=1&page_no=2"]
    {
        let list = admin.get(&format!("/Client{query}")).await;
        assert!(
            list.text.starts_with(r#"{"record_count":2,"clients":[{"id":"#),
            "{query}: {}",
            list.text
        );
        assert_eq!(keys(&list.expect(200)), ["record_count", "clients"], "{query}");
    }
}

async fn a_paged_envelope_has_four_keys(server: &Server) {
    let admin = server.admin().await;
    let empty = admin.get("/Client?pageinate=true").await;
    assert_eq!(empty.text, r#"{"page_no":1,"page_size":50,"record_count":0,"clients":[]}"#);
    clients(&admin, &["a", "b", "c"]).await;
    let page = admin.get("/Client?pageinate=true&page_size=2&page_no=2").await;
    assert!(
        page.text.starts_with(r#"{"page_no":2,"page_size":2,"record_count":3,"clients":[{"id":"#),
        "{}",
        page.text
    );
    let page = page.expect(200);
    assert_eq!(keys(&page), ["page_no", "page_size", "record_count", "clients"]);
    assert_eq!(names(&page["clients"]), ["c"]);
}

async fn each_list_has_its_own_key(server: &Server) {
    let admin = server.admin().await;
    for (path, key) in [
        ("Client", "clients"),
        ("Site", "sites"),
        ("Supplier", "suppliers"),
        ("Users", "users"),
        ("Tickets", "tickets"),
        ("TopLevel", "tree"),
        ("CRMNote", "actions"),
    ] {
        let list = admin.get(&format!("/api/{path}")).await.expect(200);
        assert_eq!(keys(&list), ["record_count", key], "{path}");
        assert_eq!(list["record_count"], list[key].as_array().unwrap().len(), "{path}");
        let page = admin.get(&format!("/api/{path}?pageinate=True")).await.expect(200);
        assert_eq!(keys(&page), ["page_no", "page_size", "record_count", key], "{path}");
    }
}

async fn other_lists_are_bare_arrays(server: &Server) {
    let admin = server.admin().await;
    for path in [
        "Agent",
        "TicketType",
        "Status",
        "Tax",
        "Currency",
        "Surcharge",
        "BillingTemplate",
        "InvoiceTemplate",
        "Item",
        "Organisation",
        "TicketArea",
        "PopupNote",
        "RecurringItem",
        "AreaAzureTenant",
        "AreaRequestType",
        "FieldInfo",
        "Field",
        "CustomButton",
        "FAQLists",
        "ExternalLink",
        "ViewLists",
        "ViewColumns",
        "Lookup",
        "AzureADConnection",
        "Address",
        "ClientPrepay",
    ] {
        let list = admin.get(&format!("/api/{path}")).await;
        assert_eq!(list.status, 200, "{path}: {}", list.text);
        assert!(list.text.starts_with('[') && list.text.ends_with(']'), "{path}: {}", list.text);
    }
    assert_eq!(admin.get("/Tax").await.text, "[]");
    let taxes: Vec<Value> =
        (1..=60).map(|at| json!({"name": format!("Tax {at:02}"), "value": 20})).collect();
    admin.post("/Tax", json!(taxes)).await.expect(201);
    for (query, count) in [
        ("", 60),
        ("?pageinate=true", 60),
        ("?pageinate=true&page_size=5&page_no=2", 60),
        ("?count=7", 7),
        ("?count=7&pageinate=true", 7),
        ("?count=100", 60),
        ("?count=true", 60),
        ("?count=0", 0),
    ] {
        let list = admin.get(&format!("/Tax{query}")).await.expect(200);
        assert_eq!(list.as_array().unwrap().len(), count, "{query}");
    }
    let ids = admin.get("/Tax?idonly=true&count=1").await.expect(200);
    assert_eq!((ids.as_array().unwrap().len(), keys(&ids[0])), (60, vec!["id"]));
}

async fn count_limits_and_paging_wins(server: &Server) {
    let admin = server.admin().await;
    clients(&admin, &["a", "b", "c", "d"]).await;
    for (query, paged, expected) in [
        ("count=2", false, "a b"),
        ("count=0", false, ""),
        ("count=100000", false, "a b c d"),
        ("count=true", false, "a b c d"),
        ("page_size=1", false, "a b c d"),
        ("page_no=2", false, "a b c d"),
        ("count=3&page_size=1&page_no=2", false, "a b c"),
        ("pageinate=True&page_size=3&page_no=1&count=1", true, "a b c"),
        ("pageinate=true&count=1", true, "a b c d"),
        ("count=1&pageinate=1&page_size=2&page_no=2", true, "c d"),
    ] {
        let list = admin.get(&format!("/Client?{query}")).await.expect(200);
        assert_eq!(names(&list["clients"]).join(" "), expected, "{query}");
        assert_eq!(list["record_count"], 4, "{query}");
        assert_eq!(list.get("page_no").is_some(), paged, "{query}");
    }
}

async fn pages_end_and_have_a_largest_size(server: &Server) {
    let admin = server.admin().await;
    clients(&admin, &["a", "b", "c"]).await;
    for page_no in [3, 4, 1_000_000, i32::MAX] {
        let page =
            admin.get(&format!("/Client?pageinate=true&page_size=2&page_no={page_no}")).await;
        let expected =
            format!(r#"{{"page_no":{page_no},"page_size":2,"record_count":3,"clients":[]}}"#);
        assert_eq!(page.text, expected);
    }
    for (asked, served) in [(1, 1), (999, 999), (1000, 1000), (1001, 1000), (i32::MAX, 1000)] {
        let page =
            admin.get(&format!("/Client?pageinate=true&page_size={asked}")).await.expect(200);
        assert_eq!(page["page_size"], served, "{asked}");
    }
    // A page counts what matches, not what it shows.
    let page = admin.get("/Client?pageinate=true&page_size=1&search=b").await.expect(200);
    assert_eq!((&page["record_count"], names(&page["clients"])), (&json!(1), vec!["b"]));
}

async fn only_ids_come_when_asked(server: &Server) {
    let admin = server.admin().await;
    let ids = clients(&admin, &["b", "a"]).await;
    let expected =
        format!(r#"{{"record_count":2,"clients":[{{"id":{}}},{{"id":{}}}]}}"#, ids[1], ids[0]);
    for query in
        ["idonly=true", "idonly=True&count=1", "idonly=1&pageinate=true&page_size=1&page_no=2"]
    {
        assert_eq!(admin.get(&format!("/Client?{query}")).await.text, expected, "{query}");
    }
    let found = admin.get("/Client?idonly=true&search=b&order=id&orderdesc=true").await.text;
    assert_eq!(found, format!(r#"{{"record_count":1,"clients":[{{"id":{}}}]}}"#, ids[0]));
}

async fn a_record_is_a_bare_object(server: &Server) {
    let admin = server.admin().await;
    let client = clients(&admin, &["Acme"]).await[0];
    let site =
        admin.get(&format!("/Client/{client}")).await.expect(200)["main_site_id"].as_i64().unwrap();
    let supplier = admin.post("/Supplier", json!({"name": "Supply"})).await.expect(201)["id"]
        .as_i64()
        .unwrap();
    for path in [
        format!("Client/{client}"),
        format!("Site/{site}"),
        format!("Supplier/{supplier}"),
        "TopLevel/1".to_owned(),
    ] {
        for query in ["", "?includedetails=true", "?includedetails=True&includeactivity=true"] {
            let record = admin.get(&format!("/{path}{query}")).await.expect(200);
            assert!(record["id"].is_i64() && record["name"].is_string(), "{path}");
            for key in ["record_count", "clients", "sites", "suppliers"] {
                assert!(record.get(key).is_none(), "{path}{query} has {key}");
            }
        }
    }
}

async fn long_lists_are_complete(server: &Server) {
    server.load_demo(1_500).await;
    let admin = server.admin().await;
    let whole = admin.get("/Client?includeinactive=true").await;
    let list = whole.expect(200);
    let rows = list["clients"].as_array().unwrap();
    assert!(whole.text.len() > 1_000_000 && rows.len() > 1_000, "{} bytes", whole.text.len());
    assert_eq!(list["record_count"], rows.len());
    assert_eq!(keys(&list), ["record_count", "clients"]);
    let ids = |list: &Value| -> Vec<i64> {
        list["clients"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    let mut paged = Vec::new();
    for page_no in 1.. {
        let path =
            format!("/Client?includeinactive=true&pageinate=true&page_size=400&page_no={page_no}");
        let page = admin.get(&path).await.expect(200);
        assert_eq!(page["record_count"], rows.len());
        if page["clients"] == json!([]) {
            break;
        }
        paged.extend(ids(&page));
    }
    assert_eq!(paged, ids(&list), "the pages together are the list");
    let mut sorted = paged.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), paged.len(), "no record comes twice");
    assert_eq!(
        ids(&admin.get("/Client?includeinactive=true&idonly=true").await.expect(200)),
        paged
    );
    let most = admin.get("/Client?includeinactive=true&count=1200").await.expect(200);
    assert_eq!(ids(&most), paged[..1200]);
    let largest =
        admin.get("/Client?includeinactive=true&pageinate=true&page_size=100000").await.expect(200);
    assert_eq!(ids(&largest), paged[..1000]);
}
