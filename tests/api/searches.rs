//! `search`, `search_name_only` and `advanced_search`.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::lists::found;
use crate::paths::encode;

on_both_databases!(
    search_finds_every_word_anywhere,
    a_client_is_found_by_its_sites_and_a_site_by_its_client,
    a_name_can_be_searched_alone,
    advanced_search_has_eleven_types,
    a_malformed_advanced_search_is_refused,
    letters_match_whatever_their_case,
);

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
        ("acme", acme),
        ("ACME", acme),
        ("widg", acme),
        ("dgets acm", acme),
        ("acme ac-1", acme),
        ("AC-1", acme),
        ("acme.example widgets", acme),
        ("pay@acme", acme),
        ("acme nothing", ""),
        ("acmewidgets", ""),
        ("  acme   widgets ", acme),
        ("FOUNTAIN", "100% Pure_Water"),
        ("pure.test", "100% Pure_Water"),
        ("100%", "100% Pure_Water"),
        ("pure_water", "100% Pure_Water"),
        ("_", "100% Pure_Water"),
        ("%", "100% Pure_Water|Ünïcode Größe ЖУК 東京商事"),
        ("100", "100 Percent PureXWater|100% Pure_Water"),
        ("ÜNÏCODE", "Ünïcode Größe ЖУК 東京商事"),
        ("жук", "Ünïcode Größe ЖУК 東京商事"),
        ("東京", "Ünïcode Größe ЖУК 東京商事"),
        ("größe", "Ünïcode Größe ЖУК 東京商事"),
        ("\\", "Back\\slash 'n' \"Quote\""),
        ("'n'", "Back\\slash 'n' \"Quote\""),
        ("\"quote\"", "Back\\slash 'n' \"Quote\""),
        ("%%", ""),
        ("a%e", ""),
        ("a_me", ""),
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
    admin
        .post("/Client", json!([body, {"name": "Beta", "newclient_sitename": "Hill"}]))
        .await
        .expect(201);
    for term in ["0131", "harbour", "LEITH", "eh6 6qq", "acme leith", "harbour 496"] {
        assert_eq!(found(&admin, &format!("search={}", encode(term))).await, "Acme", "{term}");
        assert_eq!(
            found(&admin, &format!("/Site?search={}", encode(term))).await,
            "Dock",
            "{term}"
        );
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

const ALL: &str = "Alpha|Beta|Gamma";

/// Field, type, value and the names that are found.
fn typed_conditions() -> Vec<(&'static str, i32, Value, &'static str)> {
    vec![
        ("name", 0, json!(["alpha", "GAMMA"]), "Alpha|Gamma"),
        ("name", 0, json!("beta, gamma"), "Beta|Gamma"),
        ("itglue_id", 0, json!([42, 8]), "Alpha"),
        ("id", 0, json!("1,3"), "Alpha|Gamma"),
        ("id", 0, json!([2]), "Beta"),
        ("name", 1, json!("alpha"), "Beta|Gamma"),
        ("ref", 1, json!(["one"]), "Beta|Gamma"),
        ("name", 0, json!([]), ""),
        ("name", 1, json!([]), ALL),
        ("name", 2, json!("ALPHA"), "Alpha"),
        ("customertype", 2, json!("5"), "Alpha"),
        ("customertype", 2, json!(10), "Beta"),
        ("is_vip", 2, json!(true), "Alpha"),
        ("ref", 2, json!(""), "Gamma"),
        ("name", 3, json!("alpha"), "Beta|Gamma"),
        ("ref", 3, json!(""), "Alpha|Beta"),
        ("hourlyrate", 2, json!(19.99), "Alpha"),
        ("name", 4, json!("A"), ALL),
        ("name", 4, json!("mm"), "Gamma"),
        ("notes", 4, json!("%"), "Alpha"),
        ("notes", 4, json!("0%_o"), "Alpha"),
        ("notes", 4, json!("0__o"), ""),
        ("name", 5, json!("mm"), "Alpha|Beta"),
        ("website", 4, json!("example"), "Gamma"),
        ("ref", 5, json!("o"), "Gamma"),
        ("customertype", 6, json!(5), "Alpha"),
        ("customertype", 6, json!("5"), "Alpha"),
        ("hourlyrate", 6, json!("19.990"), "Alpha"),
        ("is_vip", 6, json!("True"), "Alpha"),
        ("is_vip", 6, json!(false), "Beta|Gamma"),
        ("is_vip", 6, json!(0), "Beta|Gamma"),
        ("calldate", 6, json!("2026-11-23T08:36:00+01:00"), "Alpha"),
        ("calldate", 6, json!("2027-01-01"), "Beta"),
        ("name", 6, json!("alpha"), "Alpha"),
        ("passportal_id", 6, json!(9_007_199_254_740_993_i64), "Alpha"),
        ("passportal_id", 6, json!(9_007_199_254_740_992_i64), ""),
        ("customertype", 7, json!(5), "Beta"),
        ("customertype", 8, json!(5), "Alpha|Beta"),
        ("customertype", 9, json!(5), "Gamma"),
        ("customertype", 10, json!(5), "Alpha|Gamma"),
        ("hourlyrate", 7, json!(19.99), "Beta"),
        ("hourlyrate", 8, json!("19.9901"), "Beta"),
        ("hourlyrate", 9, json!(20), "Alpha|Gamma"),
        ("calldate", 7, json!("2026-11-23T07:36:00"), "Beta"),
        ("calldate", 8, json!("2026-11-23T07:36:00Z"), "Alpha|Beta"),
        ("calldate", 9, json!("2027-01-01"), "Alpha"),
        ("calldate", 10, json!("2027-01-01"), "Alpha|Beta"),
        ("name", 7, json!("beta"), "Gamma"),
        ("name", 10, json!("BETA"), "Alpha|Beta"),
        ("toplevel_name", 2, json!("clients"), ALL),
        ("toplevel_id", 6, json!(1), ALL),
        ("inactive", 6, json!("false"), ALL),
    ]
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
    for (name, kind, value, expected) in typed_conditions() {
        let condition = json!([{"filter_name": name, "filter_type": kind, "filter_value": value}]);
        assert_eq!(conditions(&admin, condition.clone()).await, expected, "{condition}");
    }
    let both = json!([
        {"filter_name": "customertype", "filter_type": 8, "filter_value": 5},
        {"filter_name": "ref", "filter_type": "4", "filter_value": "o"},
        {"filter_name": "name", "filter_type": 3, "filter_value": "beta"},
    ]);
    assert_eq!(conditions(&admin, both).await, "Alpha");
    assert_eq!(conditions(&admin, json!([])).await, ALL);
    // It joins with everything else.
    let name = encode(
        &json!([{"filter_name": "name", "filter_type": 4, "filter_value": "a"}]).to_string(),
    );
    let list = admin
        .get(&format!("/Client?advanced_search={name}&search=beta&idonly=true"))
        .await
        .expect(200);
    assert_eq!(list, json!({"record_count": 1, "clients": [{"id": 2}]}));
    assert_eq!(found(&admin, &format!("/Status?advanced_search={name}")).await, "");
}

async fn a_malformed_advanced_search_is_refused(server: &Server) {
    let admin = server.admin().await;
    admin.post("/Client", json!({"name": "Acme"})).await.expect(201);
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for malformed in [
        "[",
        "{}",
        "null",
        "5",
        "\"x\"",
        "[1]",
        "[null]",
        "[[]]",
        "[{}]",
        "nonsense",
        &deep,
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
        let text =
            format!(r#"[{{"filter_name":"customertype","filter_type":9,"filter_value":{value}}}]"#);
        assert!(
            admin.get(&format!("/Client?advanced_search={}", encode(&text))).await.status < 500,
            "{value}"
        );
    }
    let many = vec![json!({"filter_name": "name", "filter_type": 4, "filter_value": "a"}); 51];
    let many = encode(&json!(many).to_string());
    admin.get(&format!("/Client?advanced_search={many}")).await.expect_error(400, "validation");
}

async fn letters_match_whatever_their_case(server: &Server) {
    let admin = server.admin().await;
    for (name, terms) in [
        ("Große Straße", ["GROSSE STRASSE", "grosse", "große", "straße"]),
        ("ΟΔΟΣ ΣΙΓΜΑ", ["οδος", "οδοσ", "ΟΔΟΣ", "σιγμα"]),
        ("Éclair İzmir", ["éclair", "ÉCLAIR", "İZMIR", "i\u{307}zmir"]),
    ] {
        let made = json!({ "name": name, "website": name, "trading_name": name });
        admin.post("/Client", made).await.expect(201);
        for term in terms {
            for query in ["search", "search_name_only"] {
                let query = format!("{query}={}", encode(term));
                assert_eq!(found(&admin, &query).await, name, "{query}");
            }
            for field in ["name", "website", "trading_name"] {
                let search =
                    json!([{ "filter_name": field, "filter_type": 4, "filter_value": term }]);
                let query = format!("advanced_search={}", encode(&search.to_string()));
                assert_eq!(found(&admin, &query).await, name, "{field} {term}");
            }
        }
    }
    let answer = admin.post("/api/Client", json!({ "name": "GROSSE STRASSE" })).await;
    answer.expect_error(400, "duplicate");
    let by_name = json!({ "name": "Late", "client_name": "GROSSE STRASSE" });
    let site = admin.post("/Site", by_name).await.expect(201);
    assert_eq!(site["client_name"], "Große Straße");
}
