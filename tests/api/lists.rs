//! Order, search and filters of lists.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::paths::encode;

on_both_databases!(
    lists_are_ordered_as_asked,
    an_unknown_order_names_the_known,
    search_finds_every_word_anywhere,
    a_client_is_found_by_its_sites_and_a_site_by_its_client,
    a_name_can_be_searched_alone,
    advanced_search_has_eleven_types,
    a_malformed_advanced_search_is_refused,
    active_and_inactive_are_listed_as_asked,
    the_last_update_is_shown_and_filters,
    a_top_level_has_what_is_below_it,
    the_firm_itself_can_be_left_out,
    a_list_shows_what_was_written_before,
);

/// The names of a list's rows, one text.
async fn found(admin: &Actor, query: &str) -> String {
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
        ("order=ref&orderdesc=true&order2=name&orderdesc2=true", "delta|charlie|Alpha|éclair|_under"),
        ("order=ref&order2=name", "_under|éclair|Alpha|charlie|delta"),
        ("order=is_vip&orderdesc=true&order2=name&orderdesc2=false", "delta|éclair|_under|Alpha|charlie"),
        ("order=is_vip&order2=ref&orderdesc2=true&order3=id&orderdesc3=true", "charlie|Alpha|_under|delta|éclair"),
        ("order=use&order2=toplevel_name&order3=inactive&order4=colour&order5=id&orderdesc5=true",
            "_under|charlie|éclair|Alpha|delta"),
        ("order=toplevel_name&order2=name", "_under|Alpha|charlie|delta|éclair"),
    ] {
        assert_eq!(found(&admin, query).await, expected, "{query}");
    }
    // Pages follow the same order.
    let pages = [1, 2, 3].map(|page| format!("order=ref&pageinate=true&page_size=2&page_no={page}"));
    let mut whole = Vec::new();
    for page in &pages {
        whole.push(found(&admin, page).await);
    }
    assert_eq!(whole.join("|"), "éclair|_under|Alpha|delta|charlie");
    assert_eq!(found(&admin, "/Status?order=id&orderdesc=true").await, "Closed|On Hold|In Progress|New");
}

async fn an_unknown_order_names_the_known(server: &Server) {
    let admin = server.admin().await;
    for (query, path) in [
        ("order=nothing", "order"), ("order=name&order2=nothing", "order2"), ("order5=customfields", "order5"),
        ("order=name;drop", "order"), ("order=kashflowpassword", "order"), ("order=name%00", "order"),
    ] {
        let errors = admin.get(&format!("/Client?{query}")).await.expect_error(400, "validation");
        let message = errors[path][0].as_str().unwrap_or_default().to_owned();
        for name in ["id", "name", "toplevel_name", "inactive", "ref"] {
            assert!(message.contains(&format!("{name},")) || message.contains(&format!(" {name}")), "{query}: {message}");
        }
        assert!(!message.contains("attachments") && !message.contains("portal_logo"), "{message}");
    }
    // A sixth key is a parameter that nobody knows.
    admin.get("/Client?order6=nothing").await.expect(200);
    // Every name that the message lists works.
    for kind in ["Client", "Site", "Supplier", "Users", "Tickets", "TopLevel", "Tax", "Agent", "Status", "TicketType"] {
        let errors = admin.get(&format!("/{kind}?order=-")).await.expect_error(400, "validation");
        let message = errors["order"][0].as_str().unwrap().to_owned();
        let names = message.split_once(": ").unwrap().1;
        for names in names.split(", ").collect::<Vec<_>>().chunks(5) {
            let keys: Vec<String> = names.iter().enumerate()
                .map(|(at, name)| if at == 0 { format!("order={name}") } else { format!("order{}={name}", at + 1) })
                .collect();
            admin.get(&format!("/{kind}?{}", keys.join("&"))).await.expect(200);
        }
    }
}

async fn search_finds_every_word_anywhere(server: &Server) {
    let admin = server.admin().await;
    let clients = json!([
        {"name": "Acme Widgets", "ref": "AC-1", "website": "acme.example", "accountsemailaddress": "pay@acme.example"},
        {"name": "100% Pure_Water", "trading_name": "Fountain", "domain": "pure.test"},
        {"name": "Ünïcode Größe ЖУК 東京商事", "ref": "50 %"},
        {"name": "100 Percent PureXWater"},
        {"name": "Back\\slash 'n' \"Quote\""},
    ]);
    admin.post("/Client", clients).await.expect(201);
    let acme = "Acme Widgets";
    for (term, expected) in [
        ("acme", acme), ("ACME", acme), ("widg", acme), ("dgets acm", acme), ("acme ac-1", acme), ("AC-1", acme),
        ("acme.example widgets", acme), ("pay@acme", acme), ("acme nothing", ""), ("acmewidgets", ""),
        ("  acme   widgets ", acme), ("FOUNTAIN", "100% Pure_Water"), ("pure.test", "100% Pure_Water"),
        ("100%", "100% Pure_Water"), ("pure_water", "100% Pure_Water"), ("_", "100% Pure_Water"),
        ("%", "100% Pure_Water|Ünïcode Größe ЖУК 東京商事"), ("100", "100 Percent PureXWater|100% Pure_Water"),
        ("ÜNÏCODE", "Ünïcode Größe ЖУК 東京商事"), ("жук", "Ünïcode Größe ЖУК 東京商事"), ("東京", "Ünïcode Größe ЖУК 東京商事"),
        ("größe", "Ünïcode Größe ЖУК 東京商事"), ("\\", "Back\\slash 'n' \"Quote\""), ("'n'", "Back\\slash 'n' \"Quote\""),
        ("\"quote\"", "Back\\slash 'n' \"Quote\""), ("%%", ""), ("a%e", ""), ("a_me", ""),
    ] {
        assert_eq!(found(&admin, &format!("search={}", encode(term))).await, expected, "{term}");
    }
    assert_eq!(found(&admin, "search=acme+widgets").await, acme, "a plus is a space");
    // Two words may be in two fields; both must be somewhere.
    assert_eq!(found(&admin, "search=fountain%20water").await, "100% Pure_Water");
    admin.post("/Supplier", json!({"name": "Paper Mill"})).await.expect(201);
    assert_eq!(found(&admin, "/Supplier?search=MILL%20paper").await, "Paper Mill");
    assert_eq!(found(&admin, "/Status?search=hold").await, "On Hold");
    let words = vec!["a"; 21].join("+");
    admin.get(&format!("/Client?search={words}")).await.expect_error(400, "validation");
    for query in ["search=%00", "search=a&search_name_only=%00", "search_name_only=a%00"] {
        admin.get(&format!("/Client?{query}")).await.expect_error(400, "validation");
    }
}

async fn a_client_is_found_by_its_sites_and_a_site_by_its_client(server: &Server) {
    let admin = server.admin().await;
    let address = json!({"line1": "12 Harbour Road", "line3": "Leith", "postcode": "EH6 6QQ"});
    let body = json!({"name": "Acme", "newclient_sitename": "Dock", "newclient_phonenumber": "0131 496 0000",
        "newclient_delivery_address": address});
    admin.post("/Client", json!([body, {"name": "Beta", "newclient_sitename": "Hill"}])).await.expect(201);
    for term in ["0131", "harbour", "LEITH", "eh6 6qq", "acme leith", "harbour 496"] {
        assert_eq!(found(&admin, &format!("search={}", encode(term))).await, "Acme", "{term}");
        assert_eq!(found(&admin, &format!("/Site?search={}", encode(term))).await, "Dock", "{term}");
    }
    assert_eq!(found(&admin, "/Site?search=beta").await, "Hill");
    assert_eq!(found(&admin, "/Site?search=beta%20hill").await, "Hill");
    assert_eq!(found(&admin, "/Site?search=beta%20dock").await, "");
    assert_eq!(found(&admin, "/Site?search_name_only=beta").await, "");
    assert_eq!(found(&admin, "search_name_only=harbour").await, "");
    // What the site is called now counts.
    let site = admin.get("/Site?search=dock").await.expect(200)["sites"][0]["id"].clone();
    admin.post("/Site", json!({"id": site, "phonenumber": "0200 1"})).await.expect(200);
    assert_eq!(found(&admin, "search=0131").await, "");
    assert_eq!(found(&admin, "search=0200").await, "Acme");
}

async fn a_name_can_be_searched_alone(server: &Server) {
    let admin = server.admin().await;
    admin.post("/Client", json!([
        {"name": "Acme Widgets", "ref": "true"}, {"name": "Beta", "ref": "acme"}, {"name": "Truefoods"},
    ])).await.expect(201);
    for (query, expected) in [
        ("search=acme", "Acme Widgets|Beta"),
        ("search=acme&search_name_only=true", "Acme Widgets"),
        ("search=acme&search_name_only=True", "Acme Widgets"),
        ("search=acme&search_name_only=1", "Acme Widgets"),
        ("search=acme&search_name_only=false", "Acme Widgets|Beta"),
        ("search=acme&search_name_only=0", "Acme Widgets|Beta"),
        ("search_name_only=acme", "Acme Widgets"),
        ("search_name_only=WIDGETS+acme", "Acme Widgets"),
        ("search_name_only=true", "Truefoods"),
        ("search_name_only=false", "Acme Widgets|Beta|Truefoods"),
        ("search=&search_name_only=acme", "Acme Widgets"),
    ] {
        assert_eq!(found(&admin, query).await, expected, "{query}");
    }
}

async fn conditions(admin: &Actor, conditions: Value) -> String {
    found(admin, &format!("advanced_search={}", encode(&conditions.to_string()))).await
}

async fn advanced_search_has_eleven_types(server: &Server) {
    let admin = server.admin().await;
    let made = json!([
        {"name": "Alpha", "ref": "One", "customertype": 5, "hourlyrate": 19.99, "is_vip": true,
         "calldate": "2026-11-23T07:36:00", "itglue_id": "42", "passportal_id": 9_007_199_254_740_993_i64,
         "notes": "50%_off"},
        {"name": "Beta", "ref": "TWO", "customertype": 10, "hourlyrate": 20, "calldate": "2027-01-01", "itglue_id": "7"},
        {"name": "Gamma", "customertype": -1, "website": "gamma.example"},
    ]);
    admin.post("/Client", made).await.expect(201);
    let all = "Alpha|Beta|Gamma";
    for (name, kind, value, expected) in [
        ("name", 0, json!(["alpha", "GAMMA"]), "Alpha|Gamma"), ("name", 0, json!("beta, gamma"), "Beta|Gamma"),
        ("itglue_id", 0, json!([42, 8]), "Alpha"), ("id", 0, json!("1,3"), "Alpha|Gamma"), ("id", 0, json!([2]), "Beta"),
        ("name", 1, json!("alpha"), "Beta|Gamma"), ("ref", 1, json!(["one"]), "Beta|Gamma"), ("name", 0, json!([]), ""),
        ("name", 1, json!([]), all),
        ("name", 2, json!("ALPHA"), "Alpha"), ("customertype", 2, json!("5"), "Alpha"), ("customertype", 2, json!(10), "Beta"),
        ("is_vip", 2, json!(true), "Alpha"), ("ref", 2, json!(""), "Gamma"), ("name", 3, json!("alpha"), "Beta|Gamma"),
        ("ref", 3, json!(""), "Alpha|Beta"), ("hourlyrate", 2, json!(19.99), "Alpha"),
        ("name", 4, json!("A"), all), ("name", 4, json!("mm"), "Gamma"), ("notes", 4, json!("%"), "Alpha"),
        ("notes", 4, json!("0%_o"), "Alpha"), ("notes", 4, json!("0__o"), ""), ("name", 5, json!("mm"), "Alpha|Beta"),
        ("website", 4, json!("example"), "Gamma"), ("ref", 5, json!("o"), "Gamma"),
        ("customertype", 6, json!(5), "Alpha"), ("customertype", 6, json!("5"), "Alpha"), ("hourlyrate", 6, json!("19.990"), "Alpha"),
        ("is_vip", 6, json!("True"), "Alpha"), ("is_vip", 6, json!(false), "Beta|Gamma"), ("is_vip", 6, json!(0), "Beta|Gamma"),
        ("calldate", 6, json!("2026-11-23T08:36:00+01:00"), "Alpha"), ("calldate", 6, json!("2027-01-01"), "Beta"),
        ("name", 6, json!("alpha"), "Alpha"), ("passportal_id", 6, json!(9_007_199_254_740_993_i64), "Alpha"),
        ("passportal_id", 6, json!(9_007_199_254_740_992_i64), ""),
        ("customertype", 7, json!(5), "Beta"), ("customertype", 8, json!(5), "Alpha|Beta"), ("customertype", 9, json!(5), "Gamma"),
        ("customertype", 10, json!(5), "Alpha|Gamma"), ("hourlyrate", 7, json!(19.99), "Beta"), ("hourlyrate", 8, json!("19.9901"), "Beta"),
        ("hourlyrate", 9, json!(20), "Alpha|Gamma"), ("calldate", 7, json!("2026-11-23T07:36:00"), "Beta"),
        ("calldate", 8, json!("2026-11-23T07:36:00Z"), "Alpha|Beta"), ("calldate", 9, json!("2027-01-01"), "Alpha"),
        ("calldate", 10, json!("2027-01-01"), "Alpha|Beta"), ("name", 7, json!("beta"), "Gamma"), ("name", 10, json!("BETA"), "Alpha|Beta"),
        ("toplevel_name", 2, json!("clients"), all), ("toplevel_id", 6, json!(1), all), ("inactive", 6, json!("false"), all),
    ] {
        let condition = json!([{"filter_name": name, "filter_type": kind, "filter_value": value}]);
        assert_eq!(conditions(&admin, condition.clone()).await, expected, "{condition}");
    }
    let both = json!([
        {"filter_name": "customertype", "filter_type": 8, "filter_value": 5},
        {"filter_name": "ref", "filter_type": "4", "filter_value": "o"},
        {"filter_name": "name", "filter_type": 3, "filter_value": "beta"},
    ]);
    assert_eq!(conditions(&admin, both).await, "Alpha");
    assert_eq!(conditions(&admin, json!([])).await, all);
    // It joins with everything else.
    let name = encode(&json!([{"filter_name": "name", "filter_type": 4, "filter_value": "a"}]).to_string());
    let list = admin.get(&format!("/Client?advanced_search={name}&search=beta&idonly=true")).await.expect(200);
    assert_eq!(list, json!({"record_count": 1, "clients": [{"id": 2}]}));
    assert_eq!(found(&admin, &format!("/Status?advanced_search={name}")).await, "");
}

async fn a_malformed_advanced_search_is_refused(server: &Server) {
    let admin = server.admin().await;
    admin.post("/Client", json!({"name": "Acme"})).await.expect(201);
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for malformed in [
        "[", "{}", "null", "5", "\"x\"", "[1]", "[null]", "[[]]", "[{}]", "nonsense", &deep,
        r#"[{"filter_name":"nothing","filter_type":2,"filter_value":"x"}]"#,
        r#"[{"filter_name":"","filter_type":2,"filter_value":"x"}]"#,
        r#"[{"filter_type":2,"filter_value":"x"}]"#,
        r#"[{"filter_name":5,"filter_type":2,"filter_value":"x"}]"#,
        r#"[{"filter_name":"name","filter_value":"x"}]"#,
        r#"[{"filter_name":"name","filter_type":11,"filter_value":"x"}]"#,
        r#"[{"filter_name":"name","filter_type":-1,"filter_value":"x"}]"#,
        r#"[{"filter_name":"name","filter_type":1.5,"filter_value":"x"}]"#,
        r#"[{"filter_name":"name","filter_type":"two","filter_value":"x"}]"#,
        r#"[{"filter_name":"name","filter_type":2,"filter_value":["x"]}]"#,
        r#"[{"filter_name":"name","filter_type":2,"filter_value":{"a":1}}]"#,
        r#"[{"filter_name":"customertype","filter_type":6,"filter_value":"x"}]"#,
        r#"[{"filter_name":"customertype","filter_type":7,"filter_value":""}]"#,
        r#"[{"filter_name":"calldate","filter_type":8,"filter_value":"soon"}]"#,
        r#"[{"filter_name":"is_vip","filter_type":6,"filter_value":"perhaps"}]"#,
        r#"[{"filter_name":"customfields","filter_type":4,"filter_value":"x"}]"#,
        r#"[{"filter_name":"name","filter_type":4,"filter_value":"\u0000"}]"#,
        r#"[{"filter_name":"name","filter_type":0,"filter_value":["a","\u0000"]}]"#,
    ] {
        let answer = admin.get(&format!("/Client?advanced_search={}", encode(malformed))).await;
        let errors = answer.expect_error(400, "validation");
        let path = errors.as_object().unwrap().keys().next().unwrap();
        assert!(path.starts_with("advanced_search"), "{malformed}: {errors}");
    }
    // The parts of a date that is hardly one, and numbers of any size, are only compared.
    for value in ["1e999", "99999999999999999999999999999999999999", "-1"] {
        let text = format!(r#"[{{"filter_name":"customertype","filter_type":9,"filter_value":{value}}}]"#);
        assert!(admin.get(&format!("/Client?advanced_search={}", encode(&text))).await.status < 500, "{value}");
    }
    let many = vec![json!({"filter_name": "name", "filter_type": 4, "filter_value": "a"}); 51];
    let many = encode(&json!(many).to_string());
    admin.get(&format!("/Client?advanced_search={many}")).await.expect_error(400, "validation");
}

async fn active_and_inactive_are_listed_as_asked(server: &Server) {
    let admin = server.admin().await;
    admin.post("/Client", json!([{"name": "on"}, {"name": "off", "inactive": true}])).await.expect(201);
    for (query, expected) in [
        ("", "on"), ("includeactive=true", "on"), ("includeinactive=true", "off|on"), ("includeactive=false", ""),
        ("includeactive=false&includeinactive=true", "off"), ("includeactive=False&includeinactive=False", ""),
        ("activeinactive=true,false", "on"), ("activeinactive=false,true", "off"), ("activeinactive=True,True", "off|on"),
        ("activeinactive=1,0", "on"), ("activeinactive=0,1", "off"), ("activeinactive=0,0", ""),
        ("activeinactive=false,true&includeactive=true&includeinactive=false", "off"),
        ("inactive=true&isactive=false", "on"),
    ] {
        assert_eq!(found(&admin, query).await, expected, "{query}");
    }
    let list = admin.get("/Client?includeinactive=true&pageinate=true&page_size=1").await.expect(200);
    assert_eq!(list["record_count"], 2);
    // By id it is there all the same.
    let id = admin.get("/Client?includeactive=false&includeinactive=true").await.expect(200)["clients"][0]["id"].clone();
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
    let (early, late) = (&flagged["clients"][0]["alastupdate"], &flagged["clients"][1]["alastupdate"]);
    let (early, late) = (early.as_str().unwrap(), late.as_str().unwrap());
    assert!(early < late && early.len() >= 19 && !early.ends_with('Z'), "{early} {late}");
    assert_eq!(admin_later.get("/Client?lastupdatetodate=True").await.text, admin_later.get("/Client?lastupdatefromdate=1").await.text);
    assert_eq!(admin_later.get("/Client?lastupdatetodate=false").await.text, admin_later.get("/Client").await.text);
    for (query, expected) in [
        (format!("lastupdatefromdate={late}"), "late"), (format!("lastupdatefromdate={early}"), "early|late"),
        (format!("lastupdatetodate={early}"), "early"), (format!("lastupdatetodate={late}"), "early|late"),
        (format!("lastupdatetodate={}", &early[..19]), "early"),
        (format!("lastupdatefromdate={early}&lastupdatetodate={early}"), "early"),
        (format!("lastupdatefromdate={late}&lastupdatetodate={early}"), ""),
        (format!("lastupdatefromdate={}Z", &late[..19]), "late"),
        (format!("lastupdatefromdate={}%2B00:00", &late[..19]), "late"),
        (format!("lastupdatefromdate={}", &late[..10]), "late"),
        ("lastupdatefromdate=2000-01-01".to_owned(), "early|late"), ("lastupdatetodate=2000-01-01".to_owned(), ""),
        ("lastupdatefromdate=1900-01-01T00:00:00".to_owned(), "early|late"),
        ("lastupdatefromdate=0001-01-01".to_owned(), "early|late"),
        ("lastupdatetodate=9999-12-31T23:59:59".to_owned(), "early|late"),
    ] {
        assert_eq!(found(&admin_later, &query).await, expected, "{query}");
        if !expected.is_empty() {
            let list = admin_later.get(&format!("/Client?{query}")).await.expect(200);
            assert!(list["clients"][0]["alastupdate"].is_string(), "a date shows the field as well");
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
    for (id, expected) in [(&group, "a|b|c"), (&part, "b|c"), (&unit, "c"), (&json!(1), "d"), (&json!(999), "")] {
        assert_eq!(found(&admin, &format!("toplevel_id={id}")).await, expected, "{id}");
        let sites = admin.get(&format!("/Site?toplevel_id={id}")).await.expect(200);
        assert_eq!(sites["record_count"], expected.split('|').filter(|name| !name.is_empty()).count(), "{id}");
    }
}

async fn the_firm_itself_can_be_left_out(server: &Server) {
    let admin = server.admin().await;
    let made = admin.post("/Client", json!([{"name": "firm"}, {"name": "other"}])).await.expect(201);
    assert_eq!(found(&admin, "exclude_internal=true").await, "firm|other", "no client is the firm yet");
    admin.post("/Settings", json!({"internal_client_id": made[0]["id"]})).await.expect(200);
    assert_eq!(found(&admin, "exclude_internal=true").await, "other");
    assert_eq!(found(&admin, "exclude_internal=false").await, "firm|other");
    let sites = admin.get("/Site?exclude_internal=True").await.expect(200);
    assert_eq!((&sites["record_count"], &sites["sites"][0]["client_name"]), (&json!(1), &json!("other")));
}

async fn a_list_shows_what_was_written_before(server: &Server) {
    let admin = server.admin().await;
    for at in 1..=20 {
        let made = admin.post("/Client", json!({"name": format!("c{at:02}")})).await.expect(201);
        let list = admin.get("/Client?pageinate=true&page_size=1&order=id&orderdesc=true").await.expect(200);
        assert_eq!((&list["record_count"], &list["clients"][0]["id"]), (&json!(at), &made["id"]));
    }
    admin.post("/Client", json!({"id": 1, "name": "renamed", "inactive": true})).await.expect(200);
    assert_eq!(admin.get("/Client").await.expect(200)["record_count"], 19);
    admin.post("/TopLevel", json!({"id": 1, "name": "Customers"})).await.expect(200);
    assert_eq!(admin.get("/Client?count=1").await.expect(200)["clients"][0]["toplevel_name"], "Customers");
}
