//! Defined fields: their definitions, and values of every type.

use aureole_testkit::{Actor, Server};
use serde_json::{Value, json};

use super::{D, Place, Row, Seen, U, V, asked, refused};
use crate::paths::encode;
use crate::writes::{client, id, make};

pub async fn fields(server: &Server, seen: &mut Seen) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    definitions(&admin, seen, acme).await;
    values(&admin, seen, acme).await;
}

async fn definitions(admin: &Actor, seen: &mut Seen, acme: i64) {
    let used = id(&make(admin, "FieldInfo", json!({ "name": "Used", "usage": 2 })).await);
    let value = json!({ "id": acme, "customfields": [{ "id": used, "value": "x" }] });
    admin.post("/api/Client", value).await.expect(200);
    let of = |field: &str, value: Value| json!({ "name": "New", "usage": 2, field: value });
    let options = |labels: &[&str]| -> Value {
        let option = |(at, label): (usize, &&str)| json!({ "id": at + 1, "name": label });
        labels.iter().enumerate().map(option).collect()
    };
    let many: Vec<Value> =
        (1..=2001).map(|at| json!({ "id": at, "name": at.to_string() })).collect();
    let table: Vec<Row> = vec![
        (json!({ "usage": 2 }), V, "name"),
        (of("name", json!("USED")), D, "name"),
        (of("type", json!(99)), V, "type"),
        (of("regex", json!("x".repeat(1001))), V, "regex"),
        (of("regex", json!("(")), V, "regex"),
        (of("regex", json!("\\w{900}{900}")), V, "regex"),
        (of("characterlimit", json!(-1)), V, "characterlimit"),
        (of("max_selection", json!(-1)), V, "max_selection"),
        (of("values", options(&["A", " "])), V, "values[1].name"),
        (of("values", options(&["A", "a"])), V, "values[1].name"),
        (of("values", json!(many)), V, "values"),
        (json!({ "id": used, "type": 4 }), U, "type"),
        (json!({ "id": used, "usage": 3 }), U, "usage"),
        (json!({ "id": used, "isencrypted": true }), U, "isencrypted"),
    ];
    refused(admin, seen, Place::of("FieldInfo", of("name", json!("Good"))), table).await;
    make(admin, "Field", json!({ "name": "Rack" })).await;
    let table: Vec<Row> = vec![
        (json!({}), V, "name"),
        (json!({ "name": "rack" }), D, "name"),
        (json!({ "name": "New", "datalength": -1 }), V, "datalength"),
        (json!({ "name": "New", "values": options(&[""]) }), V, "values[0].name"),
    ];
    refused(admin, seen, Place::of("Field", json!({ "name": "Good" })), table).await;
}

async fn values(admin: &Actor, seen: &mut Seen, acme: i64) {
    let define = async |name: &str, kind: i64, more: Value| {
        let mut body = json!({ "name": name, "usage": 2, "type": kind });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        id(&make(admin, "FieldInfo", body).await)
    };
    let none = json!({});
    let text = define("Text", 0, json!({ "characterlimit": 3, "regex": "^[a-z]*$" })).await;
    let rich = define("Rich", 10, none.clone()).await;
    let single = define("Single", 2, json!({ "new_values": "Gold,Silver" })).await;
    let multi = json!({ "new_values": "Gold,Silver", "max_selection": 1 });
    let multi = define("Multi", 3, multi).await;
    let date = define("Date", 4, none.clone()).await;
    let time = define("Time", 5, none.clone()).await;
    let check = define("Check", 6, none.clone()).await;
    let table = define("Table", 7, none.clone()).await;
    let secret = define("Secret", 0, json!({ "isencrypted": true })).await;
    let site_field = json!({ "name": "Shelf", "datalength": 2 });
    let site_field = id(&make(admin, "Field", site_field).await);
    let with = |field: i64, value: Value| json!({ "name": "New", "customfields": [{ "id": field, "value": value }] });
    let rows = vec![json!({ "a": 1 }); 1001];
    let wide = json!([{ "a": "x".repeat(256 * 1024) }]);
    let at = "customfields[0].value";
    let mut bad: Vec<Row> = vec![
        (with(text, json!("abcd")), V, at),
        (with(text, json!("AB")), V, at),
        (with(text, json!(["a"])), V, at),
        (with(text, json!("a\u{0}")), V, at),
        (with(rich, json!({})), V, at),
        (with(single, json!("Bronze")), V, at),
        (with(single, json!([1, 2])), V, at),
        (with(multi, json!("Gold,Silver")), V, at),
        (with(multi, json!("Gold,Bronze")), V, at),
        (with(date, json!("soon")), V, at),
        (with(date, json!(5)), V, at),
        (with(time, json!("25:00")), V, at),
        (with(check, json!("maybe")), V, at),
        (with(table, json!("x")), V, at),
        (with(table, json!([1])), V, at),
        (with(table, json!(rows)), V, at),
        (with(table, wide), V, at),
        // A server without a key keeps no secrets.
        (with(secret, json!("s")), V, at),
        (json!({ "name": "New", "teamviewerpassword": "s" }), V, "teamviewerpassword"),
        (with(4711, json!("x")), V, "customfields[0]"),
        (json!({ "name": "New", "customfields": [{ "value": 1 }] }), V, "customfields[0]"),
        (json!({ "name": "New", "customfields": "x" }), V, "customfields"),
        (
            json!({ "name": "New", "site_fields": [{ "id": site_field, "value": "abc" }] }),
            V,
            "site_fields[0].value",
        ),
        (json!({ "name": "New", "site_fields": [{ "name": "None" }] }), V, "site_fields[0]"),
    ];
    let good = || Place::of("Client", json!({ "name": "Good" }));
    refused(admin, seen, good(), std::mem::take(&mut bad)).await;
    let search = |name: &str, kind: i64, value: Value| {
        let condition =
            json!([{ "filter_name": name, "filter_type": kind, "filter_value": value }]);
        (format!("Client?advanced_search={}", encode(&condition.to_string())), "advanced_search")
    };
    let table = [
        search("CFNone", 2, json!("x")),
        search("CFSecret", 2, json!("x")),
        search("CFSingle", 7, json!("Gold")),
        search("CFDate", 7, json!("soon")),
        search("CFTime", 7, json!("soon")),
        search("CFCheck", 2, json!("maybe")),
    ];
    asked(admin, seen, &table).await;
    let must = define("Must", 0, json!({ "mandatory": true })).await;
    let value = json!({ "id": acme, "customfields": [{ "id": must, "value": "x" }] });
    admin.post("/api/Client", value).await.expect(200);
    let clear = json!({ "id": acme, "customfields": [{ "id": must, "value": null }] });
    let table: Vec<Row> =
        vec![(json!({ "name": "New" }), V, "customfields"), (clear, V, "customfields[0].value")];
    let place = json!({ "name": "Good", "customfields": [{ "id": must, "value": "x" }] });
    refused(admin, seen, Place::of("Client", place), table).await;
}
