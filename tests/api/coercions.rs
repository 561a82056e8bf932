//! Fields on the wire: what is emitted, and how dates, numbers, booleans and texts are read.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

on_both_databases!(
    rows_have_every_core_field,
    other_fields_come_when_they_are_set,
    dates_have_many_forms_in_and_one_out,
    decimals_are_exact,
    decimals_out_of_bounds_are_refused,
    integers_are_read_as_clients_write_them,
    booleans_are_read_as_clients_write_them,
    texts_are_kept_as_they_came,
    unknown_fields_are_reported,
    null_clears_and_absent_keeps,
    ids_grow_and_are_not_reused,
    read_only_fields_are_ignored,
    nothing_on_create_means_the_default,
);

/// Creates a client and returns it with its reply's text, whose numbers are exact.
async fn create(admin: &Actor, fields: &str) -> (Value, String) {
    let name = format!(
        "Client {}",
        admin.get("/Client?idonly=true&includeinactive=true").await.expect(200)["record_count"]
    );
    let answer = admin
        .post_text("/Client", "application/json", format!("{{\"name\":\"{name}\",{fields}}}"))
        .await;
    let made = answer.expect(201);
    let read = admin.get(&format!("/Client/{}", made["id"])).await;
    (made, read.text)
}

async fn refused(admin: &Actor, field: &str, value: &str) -> String {
    let body = format!("{{\"name\":\"No\",\"{field}\":{value}}}");
    let errors =
        admin.post_text("/Client", "application/json", body).await.expect_error(400, "validation");
    assert_eq!(errors.as_object().unwrap().len(), 1, "{field} {value}: {errors}");
    errors[field][0].as_str().unwrap_or_else(|| panic!("{field} {value}: {errors}")).to_owned()
}

async fn rows_have_every_core_field(server: &Server) {
    let admin = server.admin().await;
    let made = admin.post("/Client", json!({"name": "Acme"})).await.expect(201);
    let row = admin.get("/Client").await.expect(200)["clients"][0].clone();
    let unset: &[(&str, Value)] = &[
        ("inactive", json!(false)),
        ("colour", json!("")),
        ("confirmemail", json!(0)),
        ("messagegroup_id", json!(0)),
        ("item_tax_code", json!(0)),
        ("pritech", json!(0)),
        ("accountmanagertech", json!(0)),
        ("xeroid", json!("")),
        ("excludefrominvoicesync", json!(false)),
        ("accountsid", json!("")),
        ("client_to_invoice", json!(0)),
        ("itglue_id", json!("")),
        ("customertype", json!(0)),
        ("ref", json!("")),
        ("is_vip", json!(false)),
        ("taxable", json!(false)),
        ("percentage_to_survey", json!(0)),
    ];
    for record in [&row, &made, &admin.get(&format!("/Client/{}", made["id"])).await.expect(200)] {
        assert_eq!((&record["name"], &record["use"]), (&json!("Acme"), &json!("client")));
        assert_eq!(
            (&record["toplevel_id"], &record["toplevel_name"]),
            (&json!(1), &json!("Clients"))
        );
        for (name, default) in unset {
            assert_eq!(record.get(name), Some(default), "{name}");
        }
    }
    // Light rows have no pictures, nested things, notes or dates that are unset.
    for name in [
        "notes",
        "customfields",
        "site_fields",
        "attachments",
        "portal_logo",
        "datecreated",
        "website",
        "alastupdate",
    ] {
        assert!(row.get(name).is_none(), "{name}");
    }
    assert!(
        row.as_object()
            .unwrap()
            .values()
            .all(|value| !value.is_array() && !value.is_object() && !value.is_null())
    );

    let site = admin.get("/Site").await.expect(200)["sites"][0].clone();
    assert_eq!((&site["name"], &site["client_name"]), (&json!("Main"), &json!("Acme")));
    assert_eq!((&site["clientsite_name"], &site["use"]), (&json!("Acme/Main"), &json!("site")));
    assert_eq!((&site["client_id"], &site["phonenumber"]), (&made["id"], &json!("")));
    let user = json!({"name": "Ann", "client_id": made["id"], "site_id": site["id"]});
    admin.post("/Users", user).await.expect(201);
    let user = admin.get("/Users").await.expect(200)["users"][0].clone();
    assert_eq!(
        (&user["use"], &user["name"], &user["inactive"]),
        (&json!("user"), &json!("Ann"), &json!(false))
    );
    assert_eq!((&user["client_name"], &user["site_name"]), (&json!("Acme"), &json!("Main")));
}

async fn other_fields_come_when_they_are_set(server: &Server) {
    let admin = server.admin().await;
    let (plain, _) = create(&admin, "\"ref\":\"\"").await;
    let (full, _) = create(&admin, r#""from_address_override":"x@example.com","calldate":"2026-11-23","cat2":"","customfields":[]"#).await;
    for name in ["from_address_override", "calldate"] {
        assert!(plain.get(name).is_none() && full.get(name).is_some(), "{name}");
    }
    assert!(full.get("cat2").is_none());
    for name in
        ["customfields", "site_fields", "popup_notes", "attachments", "areaitems", "azure_tenants"]
    {
        assert!(plain.get(name).is_none(), "{name}");
        let path = format!("/Client/{}?includedetails=true", plain["id"]);
        assert_eq!(admin.get(&path).await.expect(200)[name], json!([]), "{name}");
    }
    assert!(plain.get("open_ticket_count").is_none());
    let path = format!("/Client/{}?includeactivity=True", plain["id"]);
    assert_eq!(admin.get(&path).await.expect(200)["open_ticket_count"], 0);
    let rows =
        admin.get("/Client?showcounts=true&includenotes=true&include_website=1").await.expect(200);
    let row = &rows["clients"][0];
    assert_eq!(
        (&row["open_ticket_count"], &row["notes"], &row["website"]),
        (&json!(0), &json!(""), &json!(""))
    );
}

async fn dates_have_many_forms_in_and_one_out(server: &Server) {
    let admin = server.admin().await;
    for (written, stored) in [
        ("2026-11-23T07:36:00", "2026-11-23T07:36:00"),
        ("2026-11-23T07:36:00Z", "2026-11-23T07:36:00"),
        ("2026-11-23T07:36:00.000Z", "2026-11-23T07:36:00"),
        ("2026-11-23T08:36:00+01:00", "2026-11-23T07:36:00"),
        ("2026-11-23T02:06:00-05:30", "2026-11-23T07:36:00"),
        ("2026-11-24T01:36:00+18:00", "2026-11-23T07:36:00"),
        ("2026-11-23T07:36:00.5", "2026-11-23T07:36:00.500"),
        ("2026-11-23T07:36:00.123", "2026-11-23T07:36:00.123"),
        ("2026-11-23T07:36:00.1234567", "2026-11-23T07:36:00.123"),
        ("2026-11-23T07:36:00.1234567Z", "2026-11-23T07:36:00.123"),
        ("2026-11-23T07:36:00.0000000+00:00", "2026-11-23T07:36:00"),
        ("2026-11-23T07:36:00.0000001", "2026-11-23T07:36:00"),
        ("2026-11-23 07:36:00", "2026-11-23T07:36:00"),
        ("2026-11-23", "2026-11-23T00:00:00"),
        ("2026-11-23T07:36", "2026-11-23T07:36:00"),
        ("2026-11-23T07:36Z", "2026-11-23T07:36:00"),
        ("2024-02-29T23:59:59", "2024-02-29T23:59:59"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59", "9999-12-31T23:59:59"),
        ("9999-12-31T23:59:59.9999999", "9999-12-31T23:59:59.999"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999"),
        ("1900-01-02T00:00:00", "1900-01-02T00:00:00"),
    ] {
        let (made, _) = create(&admin, &format!("\"calldate\":\"{written}\"")).await;
        assert_eq!(made["calldate"], stored, "{written}");
    }
    for unset in
        ["\"1900-01-01T00:00:00\"", "\"1900-01-01T00:00:00Z\"", "\"1900-01-01\"", "\"\"", "null"]
    {
        let (made, text) = create(&admin, &format!("\"calldate\":{unset}")).await;
        assert!(made.get("calldate").is_none() && !text.contains("calldate"), "{unset}");
    }
    // Unset over set.
    let (made, _) = create(&admin, "\"calldate\":\"2026-11-23\"").await;
    let cleared = admin
        .post("/Client", json!({"id": made["id"], "calldate": "1900-01-01T00:00:00"}))
        .await
        .expect(200);
    assert!(cleared.get("calldate").is_none());
    for wrong in [
        "\"tomorrow\"",
        "\"2026-02-29\"",
        "\"23/11/2026\"",
        "20261123",
        "\"2026-11-23T25:00:00\"",
        "true",
        "{}",
    ] {
        assert!(refused(&admin, "calldate", wrong).await.contains("date-time"), "{wrong}");
    }
}

async fn decimals_are_exact(server: &Server) {
    let admin = server.admin().await;
    for (written, out) in [
        ("19.99", "19.99"),
        ("0.1", "0.1"),
        ("0.3", "0.3"),
        ("1234567.8901", "1234567.8901"),
        ("0.0001", "0.0001"),
        ("-0.0001", "-0.0001"),
        ("99999999999.9999", "99999999999.9999"),
        ("12", "12"),
        ("12.0", "12"),
        ("12.50", "12.5"),
        ("1.00000000", "1"),
        ("1e2", "100"),
        ("1.5E+3", "1500"),
        ("1999e-2", "19.99"),
        ("1E-4", "0.0001"),
        ("\"19.99\"", "19.99"),
        ("\" 7 \"", "7"),
        ("\"1e2\"", "100"),
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e10", "0"),
        ("0.00000", "0"),
        ("-5.25", "-5.25"),
    ] {
        let (_, text) = create(&admin, &format!("\"hourlyrate\":{written}")).await;
        assert!(text.contains(&format!("\"hourlyrate\":{out},")), "{written}: {text}");
    }
    // Coordinates keep what they came with.
    let client =
        admin.post("/Client", json!({"name": "Place"})).await.expect(201)["main_site_id"].clone();
    let body =
        format!("{{\"id\":{client},\"geocoord1\":51.50735091234,\"geocoord2\":-0.12775831}}");
    let text = admin.post_text("/Site", "application/json", body).await.text;
    assert!(text.contains("\"geocoord1\":51.50735091234,\"geocoord2\":-0.12775831"), "{text}");
}

async fn decimals_out_of_bounds_are_refused(server: &Server) {
    let admin = server.admin().await;
    for wrong in [
        "0.00001",
        "19.99999",
        "1e-5",
        "\"1.23456\"",
        "1e-30",
        "0.00000000000000000000000000000000001",
    ] {
        let message = refused(&admin, "hourlyrate", wrong).await;
        assert_eq!(message, "must have at most 4 decimal places", "{wrong}");
    }
    for wrong in ["1e30", "1e400", "123456789012345678901234567890", "-1e16", "1e999999999999"] {
        assert_eq!(refused(&admin, "hourlyrate", wrong).await, "is out of range", "{wrong}");
    }
    for wrong in [
        "\"abc\"",
        "\"\"",
        "\"1,5\"",
        "\"0x10\"",
        "true",
        "[]",
        "{}",
        "\"NaN\"",
        "\"Infinity\"",
        "\"1_000\"",
    ] {
        assert_eq!(refused(&admin, "hourlyrate", wrong).await, "must be a number", "{wrong}");
    }
}

async fn integers_are_read_as_clients_write_them(server: &Server) {
    let admin = server.admin().await;
    for (written, out) in [
        ("12", "12"),
        ("12.0", "12"),
        ("\"12\"", "12"),
        ("\"12.0\"", "12"),
        ("1.2e1", "12"),
        ("\" 12 \"", "12"),
        ("2147483647", "2147483647"),
        ("-2147483648", "-2147483648"),
        ("-1", "-1"),
        ("0", "0"),
        ("-0.0", "0"),
        ("12.0000000", "12"),
    ] {
        let (_, text) = create(&admin, &format!("\"customertype\":{written}")).await;
        assert!(text.contains(&format!("\"customertype\":{out},")), "{written}: {text}");
    }
    for wrong in ["12.5", "\"12.5\"", "\"abc\"", "\"\"", "true", "[]", "{}", "[12]", "1e-1", "0.1"]
    {
        assert_eq!(refused(&admin, "customertype", wrong).await, "must be an integer", "{wrong}");
    }
    for wrong in [
        "2147483648",
        "-2147483649",
        "9223372036854775808",
        "1e10",
        "1e40",
        "\"2147483648\"",
        "3e400",
    ] {
        let message = refused(&admin, "customertype", wrong).await;
        assert_eq!(message, "must be an integer from -2147483648 to 2147483647", "{wrong}");
    }
    for exact in ["9007199254740993", "9223372036854775807", "-9223372036854775808", "2147483648"] {
        for written in [exact.to_owned(), format!("\"{exact}\"")] {
            let (_, text) = create(&admin, &format!("\"passportal_id\":{written}")).await;
            assert!(text.contains(&format!("\"passportal_id\":{exact},")), "{written}: {text}");
        }
    }
    for wrong in ["9223372036854775808", "-9223372036854775809", "1e19"] {
        assert!(
            refused(&admin, "passportal_id", wrong)
                .await
                .starts_with("must be an integer from -92233"),
            "{wrong}"
        );
    }
    // An id is an integer like the others.
    let (made, _) = create(&admin, "\"ref\":\"x\"").await;
    for id in [made["id"].to_string(), format!("\"{}\"", made["id"]), format!("{}.0", made["id"])] {
        let body = format!("[{{\"id\":{id},\"ref\":\"changed\"}}]");
        let changed = admin.post_text("/Client", "application/json", body).await.expect(200);
        assert_eq!((&changed["id"], &changed["ref"]), (&made["id"], &json!("changed")));
    }
    for wrong in ["1.5", "\"x\"", "2147483648", "true"] {
        refused(&admin, "id", wrong).await;
    }
}

async fn booleans_are_read_as_clients_write_them(server: &Server) {
    let admin = server.admin().await;
    for (written, out) in [
        ("true", true),
        ("\"true\"", true),
        ("\"True\"", true),
        ("1", true),
        ("\"1\"", true),
        ("false", false),
        ("\"false\"", false),
        ("\"False\"", false),
        ("0", false),
        ("\"0\"", false),
    ] {
        let (made, text) = create(&admin, &format!("\"is_vip\":{written}")).await;
        assert_eq!(made["is_vip"], json!(out), "{written}");
        assert!(text.contains(&format!("\"is_vip\":{out},")), "{written}");
    }
    for wrong in ["2", "-1", "\"yes\"", "\"\"", "[]", "{}", "0.5"] {
        assert_eq!(refused(&admin, "is_vip", wrong).await, "must be true or false", "{wrong}");
    }
}

async fn texts_are_kept_as_they_came(server: &Server) {
    let admin = server.admin().await;
    for text in [
        "plain",
        "Ünïcödé – 東京 🚀",
        "quote \" and \\ and / and <b>",
        "tab\t line\n return\r bell\u{7} del\u{7f}",
        "\u{2028}\u{2029}\u{feff}\u{fffd}",
        "e\u{301}",
        "%_';--",
        "  spaces around  ",
        "null",
    ] {
        let made = admin.post("/Client", json!({"name": format!("T {}", text.trim().len() * 1000 + text.chars().count()), "ref": text}));
        let made = made.await.expect(201);
        assert_eq!(made["ref"], text);
        let path = format!("/Client/{}", made["id"]);
        assert_eq!(admin.get(&path).await.expect(200)["ref"], text);
        let list = admin.get("/Client?count=1&order=id&orderdesc=true").await.expect(200);
        assert_eq!(list["clients"][0]["ref"], text);
        admin.delete(&path).await.expect(200);
    }
    let longest = "é".repeat(255);
    let made = admin.post("/Client", json!({"name": format!("  {longest}  ")})).await.expect(201);
    assert_eq!(made["name"], longest);
    let errors = admin
        .post("/Client", json!({"name": "é".repeat(256)}))
        .await
        .expect_error(400, "validation");
    assert_eq!(errors["name"][0], "must be at most 255 characters");
    for wrong in ["12", "true", "[]", "{}", "1.5"] {
        assert_eq!(refused(&admin, "ref", wrong).await, "must be a text", "{wrong}");
    }
    assert_eq!(refused(&admin, "ref", "\"a\\u0000b\"").await, "must not contain a NUL character");
    assert!(
        refused(&admin, "notes", &format!("\"{}\"", "x".repeat(1_000_001)))
            .await
            .contains("1000000")
    );
}

async fn unknown_fields_are_reported(server: &Server) {
    let admin = server.admin().await;
    let made = admin
        .post("/Client", json!({"name": "Acme", "nonsense": 1, "more": {"x": []}}))
        .await
        .expect(201);
    let warning = made["_warning"].as_str().unwrap();
    assert!(warning.contains("nonsense") && warning.contains("more"), "{warning}");
    assert!(made.get("nonsense").is_none());
    let read = admin.get(&format!("/Client/{}", made["id"])).await.expect(200);
    assert!(read.get("_warning").is_none() && read.get("nonsense").is_none());
    let quiet = admin
        .post("/Client", json!({"id": made["id"], "ref": "x", "fluserdef1": "kept"}))
        .await
        .expect(200);
    assert!(quiet.get("_warning").is_none(), "{quiet}");
    assert_eq!(quiet["fluserdef1"], "kept");
    // Nested records report theirs too.
    let body = json!({"id": made["id"], "site_update": [{"name": "Two", "odd": 1}], "override_org_address": {"line9": "x"}});
    let warning =
        admin.post("/Client", body).await.expect(200)["_warning"].as_str().unwrap_or("").to_owned();
    assert!(warning.contains("odd") && warning.contains("line9"), "{warning:?}");
    // What a program reads it may post back.
    let read = admin
        .get(&format!("/Client/{}?includedetails=true&includeactivity=true", made["id"]))
        .await
        .expect(200);
    let back = admin.post("/Client", json!([read])).await.expect(200);
    assert!(back.get("_warning").is_none(), "{}", back["_warning"]);
    let row =
        admin.get("/Client?showcounts=true&lastupdatefromdate=true").await.expect(200)["clients"]
            [0]
        .clone();
    let back = admin.post("/Client", json!([row])).await.expect(200);
    assert!(back.get("_warning").is_none(), "{}", back["_warning"]);
}

async fn null_clears_and_absent_keeps(server: &Server) {
    let admin = server.admin().await;
    let body = r#""ref":"r","hourlyrate":5,"is_vip":true,"customertype":3,"calldate":"2026-11-23","accountsemailaddress":"a@b""#;
    let (made, _) = create(&admin, body).await;
    let kept = admin.post("/Client", json!({"id": made["id"]})).await.expect(200);
    for name in ["ref", "hourlyrate", "is_vip", "customertype", "calldate", "accountsemailaddress"]
    {
        assert_eq!(kept[name], made[name], "{name}");
    }
    let nulls = json!({"id": made["id"], "ref": null, "hourlyrate": null, "is_vip": null, "customertype": null,
        "calldate": null, "accountsemailaddress": null});
    let cleared = admin.post("/Client", nulls).await.expect(200);
    assert_eq!(
        (&cleared["ref"], &cleared["hourlyrate"], &cleared["is_vip"]),
        (&json!(""), &json!(0), &json!(false))
    );
    assert_eq!(cleared["customertype"], 0);
    assert!(cleared.get("calldate").is_none());
    // A null id is a create, as is 0 and a negative one.
    for (at, id) in [json!(null), json!(0), json!(-5), json!("0")].into_iter().enumerate() {
        admin.post("/Client", json!({"id": id, "name": format!("New {at}")})).await.expect(201);
    }
    admin
        .post("/Client", json!({"id": made["id"], "name": null}))
        .await
        .expect_error(400, "validation");
}

async fn ids_grow_and_are_not_reused(server: &Server) {
    let admin = server.admin().await;
    let mut last = 0;
    for at in 0..5 {
        let id = admin.post("/Client", json!({"name": format!("c{at}")})).await.expect(201)["id"]
            .as_i64()
            .unwrap();
        assert!(id > last, "{id} after {last}");
        assert!(at > 0 || id == 1, "ids start at 1, not {id}");
        last = id;
        admin.delete(&format!("/Client/{id}")).await.expect(200);
    }
    let other =
        server.actor("other", "app", "all", aureole_server::auth::Role::Administrator).await;
    let made = other.post("/Client", json!({"name": "theirs"})).await.expect(201);
    assert_eq!(made["id"], 1, "each tenant counts for itself");
}

async fn read_only_fields_are_ignored(server: &Server) {
    let admin = server.admin().await;
    let (made, _) = create(&admin, "\"ref\":\"x\"").await;
    let body = json!({"id": made["id"], "use": "site", "toplevel_id": 1, "toplevel_name": "Other", "open_ticket_count": 99,
        "datecreated": "2000-01-01", "main_site_id": made["main_site_id"], "main_site_name": "Other", "_warning": "loud", "alastupdate": "2000-01-01"});
    let same = admin.post("/Client", body).await.expect(200);
    assert_eq!((&same["use"], &same["toplevel_name"]), (&json!("client"), &json!("Clients")));
    assert_eq!(same["datecreated"], made["datecreated"]);
    assert!(same.get("_warning").is_none(), "{}", same["_warning"]);
    // A name without its id finds the record.
    let top = admin.post("/TopLevel", json!({"name": "Partners"})).await.expect(201);
    let moved = admin
        .post("/Client", json!({"id": made["id"], "toplevel_name": "partners"}))
        .await
        .expect(200);
    assert_eq!((&moved["toplevel_id"], &moved["toplevel_name"]), (&top["id"], &json!("Partners")));
    let errors = admin.post("/Client", json!({"id": made["id"], "toplevel_name": "Nobody"})).await;
    assert!(errors.expect_error(400, "validation")["toplevel_name"].is_array());
    let errors = admin
        .post("/Client", json!({"id": made["id"], "toplevel_id": 999}))
        .await
        .expect_error(400, "validation");
    assert!(errors["toplevel_id"][0].as_str().unwrap().contains("999"), "{errors}");
}

async fn nothing_on_create_means_the_default(server: &Server) {
    let admin = server.admin().await;
    let me = admin.get("/api/Agent/me").await.expect(200)["id"].clone();
    let acme = json!({ "name": "Acme", "allowall_tickettypes": null });
    let made = admin.post("/api/Client", acme).await.expect(201);
    assert_eq!(made["allowall_tickettypes"], true);
    for (date, agent) in [(json!(null), json!(null)), (json!(""), json!(0))] {
        let note =
            json!({ "note": "n", "client_id": made["id"], "datetime": date, "who_agentid": agent });
        let note = admin.post("/api/CRMNote", note).await.expect(201);
        assert!(note["datetime"].is_string(), "{date}: {note}");
        assert_eq!(note["who_agentid"], me, "{agent}");
    }
    let kind = json!({ "name": "Open", "visible": null, "allowall_clients": null });
    let kind = admin.post("/api/TicketType", kind).await.expect(201);
    assert_eq!((&kind["visible"], &kind["allowall_clients"]), (&json!(true), &json!(true)));
    // What is said holds.
    let beta = json!({ "name": "Beta", "allowall_tickettypes": false });
    let made = admin.post("/api/Client", beta).await.expect(201);
    assert_eq!(made["allowall_tickettypes"], false);
    // On update null clears.
    let body = json!({ "id": kind["id"], "visible": null });
    assert_eq!(admin.post("/api/TicketType", body).await.expect(200)["visible"], false);
}
