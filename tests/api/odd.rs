//! Odd requests by the thousand: none may fail on the server's side.

use aureole_testkit::{Actor, Answer, Database, Server};
use serde_json::json;

use crate::paths::encode;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weird_requests_get_an_answer_that_a_client_can_read() {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::start(database).await;
        let admin = server.admin().await;
        admin.post("/Client", json!([{"name": "Acme"}, {"name": "Beta"}])).await.expect(201);
        weird_queries(&admin).await;
        weird_bodies(&admin).await;
    }
}

const WEIRD: &[&str] = &[
    "%00",
    "a%00b",
    "%FF%FE",
    "%",
    "%zz",
    "'",
    "\"",
    "\\",
    "%25",
    "_",
    ";--",
    "NaN",
    "-0",
    "1e999",
    "[]",
    "{}",
    "null",
    "[{}]",
    "[null]",
    "[[]]",
    "2147483648",
    "-2147483648",
    "9223372036854775808",
    "%F0%9F%98%80",
    "%ED%A0%80",
    "+",
    ",",
    "true,true,true",
    "0001-01-01",
    "9999-12-31T23:59:59.9999999Z",
    "-009999-01-01T00:00:00Z",
    "1900-01-01",
    "2026-02-30",
    "T",
    "%E0%B8%81%CC%81",
    "$1",
    "?1",
    ":a",
    "*",
    "name",
    "id",
    "use",
    "customfields",
];

/// Every parameter with every odd value, on lists of several kinds and on one record.
async fn weird_queries(admin: &Actor) {
    let names = [
        "pageinate",
        "page_no",
        "page_size",
        "count",
        "order",
        "order3",
        "orderdesc",
        "search",
        "search_name_only",
        "advanced_search",
        "idonly",
        "includeactive",
        "activeinactive",
        "lastupdatefromdate",
        "lastupdatetodate",
        "include_custom_fields",
        "sitefields",
        "toplevel_id",
        "domain",
        "sentinelid",
        "xerotenantid",
        "client_id",
        "stocklocation",
        "type",
        "view_id",
        "columns_id",
        "tickettype_id",
        "integration_type",
        "includedetails",
    ];
    for value in WEIRD {
        for name in names {
            for path in ["/Client", "/Site", "/Client/1"] {
                check(
                    &format!("GET {path}?{name}={value}"),
                    &admin.get(&format!("{path}?{name}={value}")).await,
                );
            }
        }
        let both = format!("/Client?search=a&search_name_only={value}");
        check(&both, &admin.get(&both).await);
        check(value, &admin.get(&format!("/Client/{value}")).await);
        check(value, &admin.get(&format!("/{value}")).await);
        for filter_type in [0, 4, 6, 9] {
            for field in
                ["name", "id", "inactive", "hourlyrate", "calldate", "CFx", "toplevel_name"]
            {
                for encoded in
                    [format!("\"{value}\""), format!("[\"{value}\"]"), "\"\\u0000\"".to_owned()]
                {
                    let filter = format!(
                        "[{{\"filter_name\":\"{field}\",\"filter_type\":{filter_type},\"filter_value\":{encoded}}}]"
                    );
                    check(
                        &filter,
                        &admin.get(&format!("/Client?advanced_search={}", encode(&filter))).await,
                    );
                }
            }
        }
    }
}

const VALUES: &[&str] = &[
    "null",
    "true",
    "-0",
    "-0.0",
    "1e400",
    "1e-400",
    "1E+2",
    "12.5",
    "123456789012345678901234567890",
    "0.1e1",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\uFFFF\"",
    "\"12\"",
    "\"NaN\"",
    "[]",
    "[null]",
    "[[]]",
    "{}",
    "{\"$serde_json::private::Number\":\"x\"}",
    "{\"$serde_json::private::Number\":\"1\"}",
    "[{\"id\":-1}]",
    "[{\"id\":999999}]",
    "{\"id\":1}",
    "\"0001-01-01T00:00:00\"",
    "\"9999-12-31T23:59:59-12:00\"",
];

const FIELDS: &[&str] = &[
    "id",
    "name",
    "toplevel_id",
    "toplevel_name",
    "inactive",
    "hourlyrate",
    "passportal_id",
    "calldate",
    "website",
    "site_update",
    "customfields",
    "site_fields",
    "popup_notes",
    "areaitems",
    "azure_tenants",
    "main_site_id",
    "newclient_delivery_address",
    "override_org_address",
    "allowed_tickettypes",
    "colour",
    "_isimport",
    "_warning",
    "use",
    "client_to_invoice",
    "accountsemailaddress",
    "newclient_contactname",
    "newclient_timezone",
];

/// Every kind of value in fields of every type, and bodies that are hardly JSON.
async fn weird_bodies(admin: &Actor) {
    for value in VALUES {
        for field in FIELDS {
            let body = format!("[{{\"name\":\"Weird {field}\",\"{field}\":{value}}}]");
            let answer =
                admin.post_text("/Client?dryrun=true", "application/json", body.clone()).await;
            check(&body, &answer);
        }
    }
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let deep_object = format!("{}1{}", "{\"name\":".repeat(500), "}".repeat(500));
    for body in [
        "",
        " ",
        "null",
        "1",
        "\"x\"",
        "[",
        "{",
        "{]",
        "[1]",
        "[null]",
        "[{}",
        "[{},]",
        "{\"a\":}",
        "nul",
        "\u{feff}[]",
        "[{\"name\":\"x\"}] y",
        "{'name':'x'}",
        "<xml/>",
        "name=x",
        &deep,
        &deep_object,
        "[[[{\"name\":\"x\"}]]]",
    ] {
        for path in ["/Client", "/Site", "/Settings", "/auth/token", "/Client/1", "/nothing"] {
            check(body, &admin.post_text(path, "application/json", body).await);
        }
    }
}

#[track_caller]
fn check(what: &str, answer: &Answer) {
    assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.text);
    assert!(answer.header("content-type").starts_with("application/json"), "{what}");
    assert!(!answer.header("x-request-id").is_empty(), "{what}");
    let body = answer.json();
    assert!(
        answer.status < 400 || body["Message"].is_string() || body["error"].is_string(),
        "{what}: {body}"
    );
}
