//! Custom fields in lists: the asked ones in rows, conditions on them, names; and site fields.

use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::custom_fields::{all_types, define, field};
use crate::writes::{client, get, id, make};

on_both_databases!(
    lists_carry_just_the_asked_fields,
    names_follow_the_definition,
    conditions_compare_by_the_type_of_the_definition,
    site_fields_are_defined_and_checked_too,
);

async fn lists_carry_just_the_asked_fields(server: &Server) {
    let admin = server.admin().await;
    let tier = define(server, json!({ "name": "Tier" })).await;
    let floor = define(server, json!({ "name": "Floor" })).await;
    define(server, json!({ "name": "Other" })).await;
    let rack = id(&make(&admin, "Field", json!({ "name": "Rack" })).await);
    let body = json!({ "name": "Acme", "customfields": [{ "id": tier, "value": "gold" }], "site_fields": [{ "name": "Rack", "value": "7" }] });
    make(&admin, "Client", body).await;
    client(&admin, "Beta").await;
    let list = admin
        .get(&format!("/api/Client?include_custom_fields={floor},{tier},999&sitefields={rack}"))
        .await
        .expect(200);
    for (at, value) in [(0, json!("gold")), (1, Value::Null)] {
        let fields = list["clients"][at]["customfields"].as_array().unwrap();
        let ids: Vec<i64> = fields.iter().map(id).collect();
        assert_eq!(ids, [floor, tier]);
        assert_eq!((&fields[0]["value"], &fields[1]["value"]), (&Value::Null, &value), "{list}");
    }
    assert_eq!(list["clients"][0]["site_fields"][0]["value"], "7");
    assert_eq!(list["clients"][1]["site_fields"][0]["value"], Value::Null);
    let plain = admin.get("/api/Client").await.expect(200);
    assert!(
        plain["clients"][0].get("customfields").is_none()
            && plain["clients"][0].get("site_fields").is_none()
    );
}

/// The path of a list of clients under these conditions.
pub fn search(conditions: &Value) -> String {
    let encoded: String =
        conditions.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/api/Client?advanced_search={encoded}")
}

/// The names of the clients that pass one condition.
async fn found(server: &Server, name: &str, kind: i64, value: Value) -> Vec<String> {
    let admin = server.admin().await;
    let condition = json!([{ "filter_name": name, "filter_type": kind, "filter_value": value }]);
    let list = admin.get(&search(&condition)).await.expect(200);
    list["clients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn names_follow_the_definition(server: &Server) {
    let admin = server.admin().await;
    let tier = define(server, json!({ "name": "Tier", "label": "The tier" })).await;
    let made = make(
        &admin,
        "Client",
        json!({ "name": "Acme", "customfields": [{ "id": tier, "value": "gold" }] }),
    )
    .await;
    assert_eq!(found(server, "CFTier", 2, json!("Gold")).await, ["Acme"]);
    admin
        .post("/api/FieldInfo", json!({ "id": tier, "name": "Rank", "label": "The rank" }))
        .await
        .expect(200);
    let read = get(&admin, "Client", id(&made), "?includedetails=true").await;
    let renamed = field(&read, "customfields", "CFRank");
    assert_eq!((&renamed["label"], &renamed["value"]), (&json!("The rank"), &json!("gold")));
    assert_eq!(found(server, "CFRank", 2, json!("gold")).await, ["Acme"]);
    let condition = json!([{ "filter_name": "CFTier", "filter_type": 2, "filter_value": "gold" }]);
    let errors = admin.get(&search(&condition)).await.expect_error(400, "validation");
    assert!(errors["advanced_search"].to_string().contains("CFTier"), "{errors}");
}

async fn conditions_compare_by_the_type_of_the_definition(server: &Server) {
    let admin = server.admin().await;
    all_types(server).await;
    for (name, fields) in [
        (
            "A",
            json!([{ "name": "memo", "value": "9" }, { "name": "single", "value": "Red" }, { "name": "multi", "value": "Red,Blue" },
            { "name": "date", "value": "2026-01-31" }, { "name": "time", "value": "07:00" }, { "name": "flag", "value": true }]),
        ),
        (
            "B",
            json!([{ "name": "memo", "value": "10" }, { "name": "single", "value": "Green" }, { "name": "multi", "value": "Green" },
            { "name": "date", "value": "2026-02-01" }, { "name": "time", "value": "17:30" }, { "name": "flag", "value": false }]),
        ),
        ("C", json!([])),
    ] {
        make(&admin, "Client", json!({ "name": name, "customfields": fields })).await;
    }
    let cases = json!([
        ["CFmemo", 7, 9, "B"],
        ["CFmemo", 2, "9", "A"],
        ["CFsingle", 2, "red", "A"],
        ["CFsingle", 3, "Red", "BC"],
        ["CFsingle", 0, ["Red", 2], "AB"],
        ["CFsingle", 4, "re", "AB"],
        ["CFsingle", 6, 2, "B"],
        ["CFsingle", 2, "", "C"],
        ["CFmulti", 2, "Blue", "A"],
        ["CFmulti", 1, "Red,Green", "C"],
        ["CFdate", 7, "2026-01-31", "B"],
        ["CFdate", 9, "2026-02-01", "A"],
        ["CFdate", 10, "2026-02-01T00:00:00Z", "AB"],
        ["CFdate", 2, "2026-02-01", "B"],
        ["CFtime", 8, "07:00", "AB"],
        ["CFtime", 7, "07:00", "B"],
        ["CFflag", 6, true, "A"],
        ["CFflag", 2, "false", "BC"],
        ["cfdate", 2, "x", "400"],
        ["CFdate", 7, "soon", "400"],
        ["CFflag", 2, "maybe", "400"],
        ["CFsingle", 7, 1, "400"],
        ["CFnothing", 2, 1, "400"],
    ]);
    for case in cases.as_array().unwrap() {
        let condition =
            json!([{ "filter_name": case[0], "filter_type": case[1], "filter_value": case[2] }]);
        let answer = admin.get(&search(&condition)).await;
        if case[3] == "400" {
            assert_eq!(answer.status, 400, "{case} {}", answer.text);
            continue;
        }
        let list = answer.expect(200);
        let names: String = list["clients"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, case[3].as_str().unwrap(), "{case}");
    }
}

async fn site_fields_are_defined_and_checked_too(server: &Server) {
    let admin = server.admin().await;
    let rack = make(&admin, "Field", json!({ "name": "Rack", "datalength": 3 })).await;
    let shift = make(
        &admin,
        "Field",
        json!({ "name": "Shift", "values": [{ "name": "Day" }, { "name": "Night" }] }),
    )
    .await;
    admin.post("/api/Field", json!({ "name": "RACK" })).await.expect_error(400, "duplicate");
    let owner = client(&admin, "Acme").await;
    let fields = json!([{ "name": "Rack", "value": "1234" }, { "id": id(&shift), "value": "Noon" }, { "name": "None", "value": 1 }]);
    let body = json!({ "name": "Depot", "client_id": id(&owner), "site_fields": fields });
    let errors = admin.post("/api/Site", body).await.expect_error(400, "validation");
    for path in ["site_fields[0].value", "site_fields[1].value", "site_fields[2]"] {
        assert!(errors[path].is_array(), "{path}: {errors}");
    }
    let fields = json!([{ "name": "Rack", "value": "12" }, { "id": id(&shift), "value": "Night" }]);
    let site = id(&make(
        &admin,
        "Site",
        json!({ "name": "Depot", "client_id": id(&owner), "site_fields": fields }),
    )
    .await);
    let read = get(&admin, "Site", site, "?includedetails=true").await;
    let night = field(&read, "site_fields", "Shift");
    assert_eq!(
        (&night["value"], &night["display"], &night["mandatory"]),
        (&json!(2), &json!("Night"), &json!(false))
    );
    let body = admin.delete(&format!("/api/Field/{}", id(&rack))).await.expect(400);
    assert_eq!(
        (&body["code"], &body["counts"]),
        (&json!("in_use"), &json!({ "sites": 1 })),
        "{body}"
    );
}
