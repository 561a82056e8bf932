//! Order and filters of lists.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

on_both_databases!(
    lists_are_ordered_as_asked,
    an_unknown_order_names_the_known,
    active_and_inactive_are_listed_as_asked,
    the_last_update_is_shown_and_filters,
    a_top_level_has_what_is_below_it,
    the_firm_itself_can_be_left_out,
    a_list_shows_what_was_written_before,
    a_long_list_of_ids_is_whole,
);

/// The names of a list's rows, one text.
pub async fn found(admin: &Actor, query: &str) -> String {
    let path = if query.starts_with('/') { query.to_owned() } else { format!("/Client?{query}") };
    let list = admin.get(&path).await.expect(200);
    let rows = match &list {
        Value::Array(rows) => rows,
        _ => list.as_object().unwrap().values().find_map(Value::as_array).unwrap(),
    };
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect::<Vec<_>>().join("|")
}

async fn lists_are_ordered_as_asked(server: &Server) {
    let admin = server.admin().await;
    let clients = json!([
        {"name": "delta", "ref": "B", "customertype": 10, "is_vip": true},
        {"name": "Alpha", "ref": "a", "customertype": 9, "hourlyrate": 1},
        {"name": "éclair", "customertype": -1, "is_vip": true},
        {"name": "charlie", "ref": "b"},
        {"name": "_under", "ref": "", "customertype": 2},
    ]);
    admin.post("/Client", clients).await.expect(201);
    for (query, expected) in [
        ("", "_under|Alpha|charlie|delta|éclair"),
        ("orderdesc=true", "éclair|delta|charlie|Alpha|_under"),
        ("order=name", "_under|Alpha|charlie|delta|éclair"),
        ("order=Name&orderdesc=True", "éclair|delta|charlie|Alpha|_under"),
        ("order=id", "delta|Alpha|éclair|charlie|_under"),
        ("order=id&orderdesc=1", "_under|charlie|éclair|Alpha|delta"),
        // Numbers compare as numbers, and an unset one is 0.
        ("order=customertype", "éclair|charlie|_under|Alpha|delta"),
        ("order=customertype&orderdesc=true", "delta|Alpha|_under|charlie|éclair"),
        // Text compares case-blind, unset first; the id settles ties.
        ("order=ref", "éclair|_under|Alpha|delta|charlie"),
        (
            "order=ref&orderdesc=true&order2=name&orderdesc2=true",
            "delta|charlie|Alpha|éclair|_under",
        ),
        ("order=ref&order2=name", "_under|éclair|Alpha|charlie|delta"),
        (
            "order=is_vip&orderdesc=true&order2=name&orderdesc2=false",
            "delta|éclair|_under|Alpha|charlie",
        ),
        (
            "order=is_vip&order2=ref&orderdesc2=true&order3=id&orderdesc3=true",
            "charlie|Alpha|_under|delta|éclair",
        ),
        (
            "order=use&order2=toplevel_name&order3=inactive&order4=colour&order5=id&orderdesc5=true",
            "_under|charlie|éclair|Alpha|delta",
        ),
        ("order=toplevel_name&order2=name", "_under|Alpha|charlie|delta|éclair"),
    ] {
        assert_eq!(found(&admin, query).await, expected, "{query}");
    }
    // Pages follow the same order.
    let pages =
        [1, 2, 3].map(|page| format!("order=ref&pageinate=true&page_size=2&page_no={page}"));
    let mut whole = Vec::new();
    for page in &pages {
        whole.push(found(&admin, page).await);
    }
    assert_eq!(whole.join("|"), "éclair|_under|Alpha|delta|charlie");
    assert_eq!(
        found(&admin, "/Status?order=id&orderdesc=true").await,
        "Closed|On Hold|In Progress|New"
    );
}

async fn an_unknown_order_names_the_known(server: &Server) {
    let admin = server.admin().await;
    for (query, path) in [
        ("order=nothing", "order"),
        ("order=name&order2=nothing", "order2"),
        ("order5=customfields", "order5"),
        ("order=name;drop", "order"),
        ("order=kashflowpassword", "order"),
    ] {
        let errors = admin.get(&format!("/Client?{query}")).await.expect_error(400, "validation");
        let message = errors[path][0].as_str().unwrap_or_default().to_owned();
        for name in ["id", "name", "toplevel_name", "inactive", "ref"] {
            assert!(
                message.contains(&format!("{name},")) || message.contains(&format!(" {name}")),
                "{query}: {message}"
            );
        }
        assert!(!message.contains("attachments") && !message.contains("portal_logo"), "{message}");
    }
    // A sixth key is a parameter that nobody knows.
    admin.get("/Client?order6=nothing").await.expect(200);
    // Every name that the message lists works.
    for kind in [
        "Client",
        "Site",
        "Supplier",
        "Users",
        "Tickets",
        "TopLevel",
        "Tax",
        "Agent",
        "Status",
        "TicketType",
    ] {
        let errors = admin.get(&format!("/{kind}?order=-")).await.expect_error(400, "validation");
        let message = errors["order"][0].as_str().unwrap().to_owned();
        let names = message.split_once(": ").unwrap().1;
        for names in names.split(", ").collect::<Vec<_>>().chunks(5) {
            let keys: Vec<String> = names
                .iter()
                .enumerate()
                .map(|(at, name)| {
                    if at == 0 {
                        format!("order={name}")
                    } else {
                        format!("order{}={name}", at + 1)
                    }
                })
                .collect();
            admin.get(&format!("/{kind}?{}", keys.join("&"))).await.expect(200);
        }
    }
}

async fn active_and_inactive_are_listed_as_asked(server: &Server) {
    let admin = server.admin().await;
    admin
        .post("/Client", json!([{"name": "on"}, {"name": "off", "inactive": true}]))
        .await
        .expect(201);
    for (query, expected) in [
        ("", "on"),
        ("includeactive=true", "on"),
        ("includeinactive=true", "off|on"),
        ("includeactive=false", ""),
        ("includeactive=false&includeinactive=true", "off"),
        ("includeactive=False&includeinactive=False", ""),
        ("activeinactive=true,false", "on"),
        ("activeinactive=false,true", "off"),
        ("activeinactive=True,True", "off|on"),
        ("activeinactive=1,0", "on"),
        ("activeinactive=0,1", "off"),
        ("activeinactive=0,0", ""),
        ("activeinactive=false,true&includeactive=true&includeinactive=false", "off"),
        ("inactive=true&isactive=false", "on"),
    ] {
        assert_eq!(found(&admin, query).await, expected, "{query}");
    }
    let list =
        admin.get("/Client?includeinactive=true&pageinate=true&page_size=1").await.expect(200);
    assert_eq!(list["record_count"], 2);
    // By id it is there all the same.
    let id =
        admin.get("/Client?includeactive=false&includeinactive=true").await.expect(200)["clients"]
            [0]["id"]
            .clone();
    assert_eq!(admin.get(&format!("/Client/{id}")).await.expect(200)["inactive"], true);
}

async fn the_last_update_is_shown_and_filters(server: &Server) {
    let admin = server.admin().await;
    admin.post("/Client", json!({"name": "early"})).await.expect(201);
    server.advance_ms(86_400_000 * 2);
    let admin_later = server.admin().await;
    admin_later.post("/Client", json!({"name": "late"})).await.expect(201);
    let plain = admin_later.get("/Client").await.expect(200);
    assert!(plain["clients"][0].get("alastupdate").is_none());
    let flagged = admin_later.get("/Client?lastupdatefromdate=true").await.expect(200);
    let (early, late) =
        (&flagged["clients"][0]["alastupdate"], &flagged["clients"][1]["alastupdate"]);
    let (early, late) = (early.as_str().unwrap(), late.as_str().unwrap());
    assert!(early < late && early.len() >= 19 && !early.ends_with('Z'), "{early} {late}");
    assert_eq!(
        admin_later.get("/Client?lastupdatetodate=True").await.text,
        admin_later.get("/Client?lastupdatefromdate=1").await.text
    );
    assert_eq!(
        admin_later.get("/Client?lastupdatetodate=false").await.text,
        admin_later.get("/Client").await.text
    );
    for (query, expected) in [
        (format!("lastupdatefromdate={late}"), "late"),
        (format!("lastupdatefromdate={early}"), "early|late"),
        (format!("lastupdatetodate={early}"), "early"),
        (format!("lastupdatetodate={late}"), "early|late"),
        (format!("lastupdatetodate={}", &early[..19]), "early"),
        (format!("lastupdatefromdate={early}&lastupdatetodate={early}"), "early"),
        (format!("lastupdatefromdate={late}&lastupdatetodate={early}"), ""),
        (format!("lastupdatefromdate={}Z", &late[..19]), "late"),
        (format!("lastupdatefromdate={}%2B00:00", &late[..19]), "late"),
        (format!("lastupdatefromdate={}", &late[..10]), "late"),
        ("lastupdatefromdate=2000-01-01".to_owned(), "early|late"),
        ("lastupdatetodate=2000-01-01".to_owned(), ""),
        ("lastupdatefromdate=1900-01-01T00:00:00".to_owned(), "early|late"),
        ("lastupdatefromdate=0001-01-01".to_owned(), "early|late"),
        ("lastupdatetodate=9999-12-31T23:59:59".to_owned(), "early|late"),
        ("lastupdatetodate=9999-12-31T23:59:59.9999999Z".to_owned(), "early|late"),
    ] {
        assert_eq!(found(&admin_later, &query).await, expected, "{query}");
        if !expected.is_empty() {
            let list = admin_later.get(&format!("/Client?{query}")).await.expect(200);
            assert!(
                list["clients"][0]["alastupdate"].is_string(),
                "a date shows the field as well"
            );
        }
    }
    let sites = admin_later.get("/Site?lastupdatefromdate=true").await.expect(200);
    assert!(sites["sites"][0]["slastupdate"].is_string());
    assert_eq!(found(&admin_later, &format!("/Site?lastupdatefromdate={late}")).await, "Main");
}

async fn a_top_level_has_what_is_below_it(server: &Server) {
    let admin = server.admin().await;
    let top = |name: &str, parent: &Value| json!({"name": name, "parentid": parent});
    let group = admin.post("/TopLevel", json!({"name": "Group"})).await.expect(201)["id"].clone();
    let part = admin.post("/TopLevel", top("Part", &group)).await.expect(201)["id"].clone();
    let unit = admin.post("/TopLevel", top("Unit", &part)).await.expect(201)["id"].clone();
    admin.post("/Client", json!([
        {"name": "a", "toplevel_id": group}, {"name": "b", "toplevel_id": part}, {"name": "c", "toplevel_id": unit},
        {"name": "d"},
    ])).await.expect(201);
    for (id, expected) in
        [(&group, "a|b|c"), (&part, "b|c"), (&unit, "c"), (&json!(1), "d"), (&json!(999), "")]
    {
        assert_eq!(found(&admin, &format!("toplevel_id={id}")).await, expected, "{id}");
        let sites = admin.get(&format!("/Site?toplevel_id={id}")).await.expect(200);
        assert_eq!(
            sites["record_count"],
            expected.split('|').filter(|name| !name.is_empty()).count(),
            "{id}"
        );
    }
}

async fn the_firm_itself_can_be_left_out(server: &Server) {
    let admin = server.admin().await;
    let made =
        admin.post("/Client", json!([{"name": "firm"}, {"name": "other"}])).await.expect(201);
    assert_eq!(
        found(&admin, "exclude_internal=true").await,
        "firm|other",
        "no client is the firm yet"
    );
    admin.post("/Settings", json!({"internal_client_id": made[0]["id"]})).await.expect(200);
    assert_eq!(found(&admin, "exclude_internal=true").await, "other");
    assert_eq!(found(&admin, "exclude_internal=false").await, "firm|other");
    let sites = admin.get("/Site?exclude_internal=True").await.expect(200);
    assert_eq!(
        (&sites["record_count"], &sites["sites"][0]["client_name"]),
        (&json!(1), &json!("other"))
    );
}

async fn a_list_shows_what_was_written_before(server: &Server) {
    let admin = server.admin().await;
    for at in 1..=20 {
        let made = admin.post("/Client", json!({"name": format!("c{at:02}")})).await.expect(201);
        let list = admin
            .get("/Client?pageinate=true&page_size=1&order=id&orderdesc=true")
            .await
            .expect(200);
        assert_eq!((&list["record_count"], &list["clients"][0]["id"]), (&json!(at), &made["id"]));
    }
    admin.post("/Client", json!({"id": 1, "name": "renamed", "inactive": true})).await.expect(200);
    assert_eq!(admin.get("/Client").await.expect(200)["record_count"], 19);
    admin.post("/TopLevel", json!({"id": 1, "name": "Customers"})).await.expect(200);
    assert_eq!(
        admin.get("/Client?count=1").await.expect(200)["clients"][0]["toplevel_name"],
        "Customers"
    );
}

async fn a_long_list_of_ids_is_whole(server: &Server) {
    let admin = server.admin().await;
    let owner = admin.post("/Client", json!({ "name": "Owner" })).await.expect(201)["id"].clone();
    // More than one piece of a streamed reply, and not a whole number of pieces.
    for part in [1000, 1000, 345] {
        let ticket = |at: i64| json!({ "summary": at.to_string(), "client_id": owner });
        let body: Vec<Value> = (0..part).map(ticket).collect();
        admin.post("/api/Tickets", Value::Array(body)).await.expect(201);
    }
    let ids = admin.get("/api/Tickets?idonly=true&order=id").await.expect(200);
    let expected: Vec<Value> = (1..=2345).map(|id| json!({ "id": id })).collect();
    assert_eq!(ids, json!({ "record_count": 2345, "tickets": expected }));
}
