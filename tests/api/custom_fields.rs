//! Custom fields: their definitions and the values of records.

use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::custom_field_lists::search;
use crate::paths::encode;
use crate::writes::{client, get, id, make};

on_both_databases!(
    a_definition_is_checked,
    a_definition_in_use_stays_as_it_is,
    values_of_every_type_are_checked,
    values_of_every_type_are_read_back,
    what_is_read_can_be_posted_back,
    values_merge_by_id_or_by_name_and_null_clears,
    mandatory_fields_are_named_together,
    encrypted_values_need_a_key,
    suppliers_notes_and_organisations_have_fields,
);

/// Defines a custom field and returns its id.
pub async fn define(server: &Server, mut body: Value) -> i64 {
    let admin = server.admin().await;
    if body.get("usage").is_none() {
        body["usage"] = json!(2);
    }
    id(&make(&admin, "FieldInfo", body).await)
}

/// The element of a list of fields that has this name.
pub fn field<'a>(record: &'a Value, list: &str, name: &str) -> &'a Value {
    let fields = record[list].as_array().unwrap_or_else(|| panic!("no {list}: {record}"));
    fields
        .iter()
        .find(|field| field["name"] == name)
        .unwrap_or_else(|| panic!("no {name}: {record}"))
}

async fn a_definition_is_checked(server: &Server) {
    let admin = server.admin().await;
    let bad = json!({ "name": "x", "usage": 2, "type": 8, "regex": "(", "characterlimit": -1,
        "values": [{ "name": "a" }, { "name": "A" }, { "name": "" }] });
    let errors = admin.post("/api/FieldInfo", bad).await.expect_error(400, "validation");
    for path in ["type", "regex", "characterlimit", "values[1].name", "values[2].name"] {
        assert!(errors[path].is_array(), "{path}: {errors}");
    }
    let made = make(
        &admin,
        "FieldInfo",
        json!({ "name": "CFColour", "usage": 2, "type": 2, "new_values": "Red, Green" }),
    )
    .await;
    assert_eq!((&made["name"], &made["label"]), (&json!("Colour"), &json!("Colour")));
    let read = get(&admin, "FieldInfo", id(&made), "?includedetails=true").await;
    assert_eq!(
        (&read["values"][0]["id"], &read["values"][1]["name"]),
        (&json!(1), &json!("Green")),
        "{read}"
    );
    for name in ["colour", "CFCOLOUR"] {
        let again = json!({ "name": name, "usage": 2 });
        admin.post("/api/FieldInfo", again).await.expect_error(400, "duplicate");
    }
    make(&admin, "FieldInfo", json!({ "name": "colour", "usage": 3 })).await;
    let mut rename = read.clone();
    rename["name"] = json!("CFShade");
    admin.post("/api/FieldInfo", rename).await.expect(200);
    let list = admin.get("/api/FieldInfo?typeid=2").await.expect(200);
    let names: Vec<&Value> = list.as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["Shade"]);
}

async fn a_definition_in_use_stays_as_it_is(server: &Server) {
    let admin = server.admin().await;
    let colour = define(
        server,
        json!({ "name": "Colour", "type": 2, "values": [{ "name": "Red" }, { "name": "Green" }] }),
    )
    .await;
    let free = define(server, json!({ "name": "Free", "type": 0 })).await;
    let made = make(
        &admin,
        "Client",
        json!({ "name": "Acme", "customfields": [{ "id": colour, "value": "Red" }] }),
    )
    .await;
    let answer = admin.delete(&format!("/api/FieldInfo/{colour}")).await;
    let body = answer.expect(400);
    assert_eq!(
        (&body["code"], &body["counts"]),
        (&json!("in_use"), &json!({ "clients": 1 })),
        "{body}"
    );
    for change in [
        json!({ "type": 0 }),
        json!({ "usage": 3 }),
        json!({ "isencrypted": true }),
        json!({ "values": [{ "id": 2, "name": "Green" }] }),
    ] {
        let mut body = change.clone();
        body["id"] = json!(colour);
        let error = admin.post("/api/FieldInfo", body).await.expect(400);
        assert_eq!(error["code"], "in_use", "{change}: {error}");
    }
    let body = json!({ "id": colour, "values": [{ "id": 1, "name": "Scarlet" }] });
    admin.post("/api/FieldInfo", body).await.expect(200);
    admin.delete(&format!("/api/FieldInfo/{free}")).await.expect(200);
    let body = json!({ "id": id(&made), "customfields": [{ "id": colour, "value": null }] });
    admin.post("/api/Client", body).await.expect(200);
    let view = json!({ "name": "v", "filters": [{ "filter_name": "CFColour", "filter_type": 2, "filter_value": "Scarlet" }] });
    let view = id(&make(&admin, "ViewLists", view).await);
    let body = admin.delete(&format!("/api/FieldInfo/{colour}")).await.expect(400);
    assert_eq!(body["counts"], json!({ "views": 1 }), "{body}");
    admin.delete(&format!("/api/ViewLists/{view}")).await.expect(200);
    admin.delete(&format!("/api/FieldInfo/{colour}")).await.expect(200);
}

/// One definition of each type.
pub async fn all_types(server: &Server) {
    let options = json!([{ "name": "Red" }, { "name": "Green" }, { "name": "Blue" }]);
    for body in [
        json!({ "name": "text", "type": 0, "characterlimit": 5, "regex": "^[a-zé]+$" }),
        json!({ "name": "memo", "type": 1 }),
        json!({ "name": "single", "type": 2, "values": options }),
        json!({ "name": "multi", "type": 3, "values": options, "max_selection": 2 }),
        json!({ "name": "date", "type": 4 }),
        json!({ "name": "time", "type": 5 }),
        json!({ "name": "flag", "type": 6 }),
        json!({ "name": "table", "type": 7 }),
        json!({ "name": "rich", "type": 10 }),
    ] {
        define(server, body).await;
    }
}

async fn values_of_every_type_are_checked(server: &Server) {
    let admin = server.admin().await;
    all_types(server).await;
    let bad = json!([
        ["text", "toolong"],
        ["text", "ABC"],
        ["memo", {}],
        ["single", "Pink"],
        ["single", 9],
        ["single", ["Red", "Blue"]],
        ["multi", "Red,Pink"],
        ["multi", [1, 2, 3]],
        ["date", "soon"],
        ["date", "2026-02-30"],
        ["time", "25:00"],
        ["time", "7"],
        ["flag", "maybe"],
        ["table", [1]],
        ["table", "rows"],
        ["rich", []],
        ["nothing", 1],
    ]);
    let bad = bad.as_array().unwrap();
    let fields: Vec<Value> =
        bad.iter().map(|pair| json!({ "name": pair[0], "value": pair[1] })).collect();
    let errors = admin
        .post("/api/Client", json!([{ "name": "Acme", "customfields": fields }]))
        .await
        .expect_error(400, "validation");
    for (at, pair) in bad.iter().enumerate() {
        let name = pair[0].as_str().unwrap();
        let path = match name {
            "nothing" => format!("[0].customfields[{at}]"),
            _ => format!("[0].customfields[{at}].value"),
        };
        // An empty list is no value, which is fine.
        assert_eq!(errors.get(&path).is_none(), name == "rich", "{path}: {errors}");
    }
    let errors = admin
        .post(
            "/api/Client",
            json!({ "name": "Acme", "customfields": [{ "value": 1 }, { "id": 77, "value": 1 }] }),
        )
        .await;
    let errors = errors.expect_error(400, "validation");
    assert!(
        errors["customfields[0]"].is_array() && errors["customfields[1]"].is_array(),
        "{errors}"
    );
    assert_eq!(admin.get("/api/Client").await.expect(200)["record_count"], 0);
}

async fn values_of_every_type_are_read_back(server: &Server) {
    let admin = server.admin().await;
    all_types(server).await;
    let cases = json!([
        ["text", "ébcde", "ébcde", "ébcde"], ["memo", "a\nb", "a\nb", "a\nb"], ["memo", 12, "12", "12"],
        ["single", 2, 2, "Green"], ["single", "green", 2, "Green"], ["single", { "id": 3 }, 3, "Blue"], ["single", [{ "name": "Red" }], 1, "Red"],
        ["multi", ["Blue", 1, "3"], [3, 1], "Blue, Red"], ["multi", "Red, 2", [1, 2], "Red, Green"],
        ["date", "2026-03-04", "2026-03-04T00:00:00", "2026-03-04"], ["date", "2026-03-04T05:06:07Z", "2026-03-04T00:00:00", "2026-03-04"],
        ["time", "07:36", "07:36:00", "07:36"], ["time", "23:59:58", "23:59:58", "23:59:58"],
        ["flag", "true", true, "Yes"], ["flag", 0, false, "No"],
        ["table", [{ "a": 1, "b": "x" }], [{ "a": 1, "b": "x" }], "1 row"],
        ["rich", "<p>a<script>b()</script></p>", "<p>a</p>", "<p>a</p>"],
        ["flag", null, null, ""], ["text", "", null, ""], ["multi", [], null, ""],
    ]);
    let made = id(&client(&admin, "Acme").await);
    for case in cases.as_array().unwrap() {
        let name = case[0].as_str().unwrap();
        let body = json!({ "id": made, "customfields": [{ "name": format!("CF{name}"), "value": case[1] }] });
        admin.post("/api/Client", body).await.expect(200);
        let read = get(&admin, "Client", made, "?includedetails=true").await;
        let found = field(&read, "customfields", &format!("CF{name}"));
        assert_eq!((&found["value"], &found["display"]), (&case[2], &case[3]), "{case} {found}");
        assert_eq!((&found["label"], &found["usage"]), (&json!(name), &json!(2)));
        assert!(found["type"].is_i64() && found["id"].is_i64(), "{found}");
    }
    let read = get(&admin, "Client", made, "?includedetails=true").await;
    assert_eq!(read["customfields"].as_array().unwrap().len(), 9);
    assert!(get(&admin, "Client", made, "").await.get("customfields").is_none());
}

async fn what_is_read_can_be_posted_back(server: &Server) {
    let admin = server.admin().await;
    all_types(server).await;
    let text = admin.get("/api/FieldInfo?search=text").await.expect(200)[0]["id"].clone();
    let fields = json!([
        { "name": "text", "value": "abc" }, { "name": "multi", "value": [1, 3] }, { "name": "date", "value": "2026-01-01" },
        { "name": "flag", "value": false }, { "name": "table", "value": [{ "n": 1.50 }] },
    ]);
    let made = id(&make(&admin, "Client", json!({ "name": "Acme", "customfields": fields })).await);
    // The pattern is stricter by now; what is stored already stays.
    admin.post("/api/FieldInfo", json!({ "id": text, "regex": "^x" })).await.expect(200);
    let path = format!("/api/Client/{made}");
    let before = admin.get(&format!("{path}?includedetails=true")).await;
    admin.post("/api/Client", json!([before.json()])).await.expect(200);
    let after = admin.get(&format!("{path}?includedetails=true")).await;
    assert_eq!(after.json()["customfields"], before.json()["customfields"]);
    assert_eq!(after.header("etag"), before.header("etag"));
}

async fn values_merge_by_id_or_by_name_and_null_clears(server: &Server) {
    let admin = server.admin().await;
    let tier = define(server, json!({ "name": "Tier" })).await;
    let floor = define(server, json!({ "name": "Floor" })).await;
    let of_site = define(server, json!({ "name": "Tier", "usage": 3 })).await;
    let fields = json!([{ "id": tier, "value": "gold" }, { "name": "floor", "value": "3" }]);
    let made = make(&admin, "Client", json!({ "name": "Acme", "customfields": fields })).await;
    let values = async || {
        let read = get(&admin, "Client", id(&made), "?includedetails=true").await;
        let value = |name| field(&read, "customfields", name)["value"].clone();
        (value("CFTier"), value("CFFloor"))
    };
    assert_eq!(values().await, (json!("gold"), json!("3")));
    let change = async |element: Value| {
        let body = json!({ "id": id(&made), "customfields": [element] });
        admin.post("/api/Client", body).await.expect(200);
        values().await
    };
    assert_eq!(
        change(json!({ "name": "CFTier", "value": "silver" })).await,
        (json!("silver"), json!("3"))
    );
    assert_eq!(
        change(json!({ "id": floor, "name": "Tier", "value": "4" })).await,
        (json!("silver"), json!("4"))
    );
    assert_eq!(change(json!({ "id": tier })).await, (json!("silver"), json!("4")));
    assert_eq!(change(json!({ "id": tier, "value": null })).await, (Value::Null, json!("4")));
    let body = json!({ "id": id(&made), "customfields": [{ "id": of_site, "value": "1" }] });
    admin.post("/api/Client", body).await.expect_error(400, "validation");
    let site = json!({ "id": made["main_site_id"], "customfields": [{ "name": "CFTier", "value": "ground" }] });
    admin.post("/api/Site", site).await.expect(200);
    let read =
        get(&admin, "Site", made["main_site_id"].as_i64().unwrap(), "?includedetails=true").await;
    assert_eq!(field(&read, "customfields", "CFTier")["id"], of_site);
    let shoes = define(server, json!({ "name": "Shoes", "usage": 1 })).await;
    let user = json!({ "name": "Ann", "site_id": made["main_site_id"], "customfields": [{ "id": shoes, "value": "42" }] });
    let user = id(&make(&admin, "Users", user).await);
    let read = get(&admin, "Users", user, "?includedetails=true").await;
    assert_eq!(field(&read, "customfields", "CFShoes")["value"], "42");
}

async fn mandatory_fields_are_named_together(server: &Server) {
    let admin = server.admin().await;
    let tier = define(server, json!({ "name": "Tier", "mandatory": true })).await;
    define(server, json!({ "name": "Level", "type": 4, "mandatory": true })).await;
    define(server, json!({ "name": "Depot", "usage": 3, "mandatory": true })).await;
    make(&admin, "Field", json!({ "name": "Rack", "mandatory": true })).await;
    admin
        .post("/api/Settings", json!({ "mandatory_fields": { "Client": ["website"] } }))
        .await
        .expect(200);
    let errors = admin
        .post("/api/Client", json!([{ "name": "Acme" }]))
        .await
        .expect_error(400, "validation");
    assert!(errors["[0].website"].is_array(), "{errors}");
    let named = errors["[0].customfields"].to_string();
    assert!(named.contains("CFTier") && named.contains("CFLevel"), "{errors}");
    // A bad value is one problem, not two.
    let fields = json!([{ "name": "Tier", "value": "a" }, { "name": "Level", "value": "soon" }]);
    let body = json!([{ "name": "Acme", "website": "a.example", "customfields": fields }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert_eq!(
        errors.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["[0].customfields[1].value"],
        "{errors}"
    );
    // The site that comes with a client has no place for its own values.
    let fields =
        json!([{ "name": "Tier", "value": "a" }, { "name": "Level", "value": "2026-01-01" }]);
    let body = json!({ "name": "Acme", "website": "a.example", "newclient_contactname": "Ann", "customfields": fields });
    let made = make(&admin, "Client", body).await;
    let body = json!({ "name": "Depot", "client_id": id(&made) });
    let errors = admin.post("/api/Site", body).await.expect_error(400, "validation");
    assert!(errors["customfields"].is_array() && errors["site_fields"].is_array(), "{errors}");
    admin.post("/api/Client", json!({ "id": id(&made), "notes": "n" })).await.expect(200);
    let body = json!({ "id": id(&made), "customfields": [{ "id": tier, "value": "" }] });
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["customfields[0].value"].is_array(), "{errors}");
}

async fn encrypted_values_need_a_key(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "Pin", "usage": 2, "isencrypted": true });
    let pin = make(&admin, "FieldInfo", body).await;
    assert!(pin["_warning"].as_str().unwrap().contains("secret_key_file"), "{pin}");
    let fields = json!([{ "name": "CFPin", "value": "s3cret-value" }]);
    let body = json!({ "name": "Acme", "customfields": fields });
    let answer = admin.post("/api/Client", body).await;
    assert!(!answer.text.contains("s3cret"), "{}", answer.text);
    let errors = answer.expect_error(400, "validation");
    let message = errors["customfields[0].value"][0].as_str().unwrap_or_default();
    assert!(message.contains("CFPin") && message.contains("secret_key_file"), "{errors}");
    let made = make(&admin, "Client", json!({ "name": "Acme" })).await;
    let read = get(&admin, "Client", id(&made), "?includedetails=true").await;
    assert_eq!(field(&read, "customfields", "CFPin")["value"], Value::Null);
    admin.post("/api/Client", json!([read])).await.expect(200);
    let condition = json!([{ "filter_name": "CFPin", "filter_type": 2, "filter_value": "1" }]);
    admin.get(&search(&condition)).await.expect_error(400, "validation");
}

async fn suppliers_notes_and_organisations_have_fields(server: &Server) {
    let admin = server.admin().await;
    let owner = id(&make(&admin, "Client", json!({ "name": "Owner" })).await);
    for (usage, path, list, base) in [
        (4, "Supplier", "suppliers", json!({ "name": "Parts" })),
        (5, "CRMNote", "actions", json!({ "note": "Called", "client_id": owner })),
        (6, "Organisation", "", json!({ "name": "Group" })),
    ] {
        let tier = define(server, json!({ "name": "Tier", "usage": usage, "type": 0 })).await;
        let of_client = define(server, json!({ "name": format!("C{usage}") })).await;
        let day = json!({ "name": "Day", "usage": usage, "type": 4, "mandatory": true });
        let day = define(server, day).await;
        let with = |fields: Value| {
            let mut body = base.clone();
            body["customfields"] = fields;
            json!([body])
        };
        // Checked like those of clients: known, of the right kind, of the right type, mandatory.
        let bad = json!([{ "id": 4711, "value": 1 }, { "id": of_client, "value": "x" }, { "id": day, "value": "soon" }]);
        let errors =
            admin.post(&format!("/api/{path}"), with(bad)).await.expect_error(400, "validation");
        let paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
        let expected = ["[0].customfields[0]", "[0].customfields[1]", "[0].customfields[2].value"];
        assert_eq!(paths, expected, "{path}");
        let errors = admin.post(&format!("/api/{path}"), with(json!([]))).await;
        let errors = errors.expect_error(400, "validation");
        assert!(errors["[0].customfields"].to_string().contains("CFDay"), "{errors}");
        let good =
            json!([{ "name": "CFTier", "value": "gold" }, { "id": day, "value": "2026-02-03" }]);
        let made = id(&make(&admin, path, with(good)).await);
        let read = get(&admin, path, made, "?includedetails=true").await;
        assert_eq!(field(&read, "customfields", "CFTier")["value"], "gold");
        assert!(get(&admin, path, made, "").await.get("customfields").is_none());
        // In lists when asked for, and to be searched.
        let rows = async |query: &str| {
            let answer = admin.get(&format!("/api/{path}?{query}")).await.expect(200);
            let rows = if list.is_empty() { &answer } else { &answer[list] };
            let of_made = |row: &&Value| row["id"] == made;
            rows.as_array().unwrap().iter().find(of_made).cloned()
        };
        let row = rows(&format!("include_custom_fields={tier}")).await.unwrap();
        assert_eq!(row["customfields"].as_array().unwrap().len(), 1);
        assert_eq!(field(&row, "customfields", "CFTier")["value"], "gold");
        assert!(rows("count=50").await.unwrap().get("customfields").is_none());
        for (value, found) in [("GOLD", true), ("silver", false)] {
            let search =
                json!([{ "filter_name": "CFTier", "filter_type": 2, "filter_value": value }]);
            let query = format!("advanced_search={}", encode(&search.to_string()));
            assert_eq!(rows(&query).await.is_some(), found, "{path} {value}");
        }
        let answer = admin.delete(&format!("/api/FieldInfo/{tier}")).await;
        answer.expect_error(400, "in_use");
    }
}
