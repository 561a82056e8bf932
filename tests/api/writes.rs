//! What every POST keeps to: create and update, all or nothing, replies, names, references, tags.

use aureole_testkit::{Actor, Server, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

on_both_databases!(
    an_id_decides_between_create_and_update,
    the_reply_has_the_shape_and_order_of_the_request,
    one_bad_record_stops_the_whole_request,
    every_problem_is_named_at_once,
    omitted_null_and_value_are_three_things,
    read_only_fields_are_ignored,
    unknown_fields_are_reported_in_a_warning,
    numbers_texts_and_dates_are_read_generously,
    a_dry_run_writes_nothing,
    a_bulk_request_keeps_the_good_records,
    a_bulk_request_tells_what_it_kept_beside_a_defect,
    tags_guard_against_lost_updates,
    an_unchanged_record_keeps_its_tag,
    an_import_is_marked_in_the_history,
);

/// The id of a record.
#[track_caller]
pub fn id(record: &Value) -> i64 {
    record["id"].as_i64().unwrap()
}

/// Makes one record and returns it.
pub async fn make(actor: &Actor, path: &str, body: Value) -> Value {
    actor.post(&format!("/api/{path}"), body).await.expect(201)
}

/// Makes a client and returns it.
pub async fn client(actor: &Actor, name: &str) -> Value {
    make(actor, "Client", json!({ "name": name })).await
}

/// A record by id, with a query string or without.
pub async fn get(actor: &Actor, path: &str, id: i64, query: &str) -> Value {
    actor.get(&format!("/api/{path}/{id}{query}")).await.expect(200)
}

/// A record without the times of its last write, which move with an undoing.
pub fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            map.retain(|name, _| {
                !matches!(name.as_str(), "alastupdate" | "slastupdate" | "last_modified")
            });
            map.values_mut().for_each(|value| *value = timeless(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = timeless(item.take())),
        _ => {}
    }
    value
}

/// The names of a list's rows.
pub async fn names(actor: &Actor, path: &str, key: &str) -> Vec<String> {
    let list = actor.get(path).await.expect(200);
    let rows = if key.is_empty() { &list } else { &list[key] };
    rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

async fn an_id_decides_between_create_and_update(server: &Server) {
    let admin = server.admin().await;
    for (at, sent) in [json!(null), json!(0), json!(-1), json!(-77)].into_iter().enumerate() {
        let body = json!([{ "id": sent, "name": format!("Client {at}") }]);
        let made = admin.post("/api/Client", body).await.expect(201);
        assert!(id(&made) > 0, "{made}");
    }
    let first = client(&admin, "No id").await;
    let changed =
        admin.post("/api/Client", json!([{ "id": id(&first), "notes": "n" }])).await.expect(200);
    assert_eq!(id(&changed), id(&first));
    assert_eq!(changed["name"], "No id");
    let body = json!([{ "name": "Never" }, { "id": 999_999, "name": "Gone" }]);
    let error = admin.post("/api/Client", body).await.expect(404);
    assert_eq!(error["code"], "not_found");
    assert!(error["Message"].as_str().unwrap().contains("999999"), "{error}");
    let list = names(&admin, "/api/Client", "clients").await;
    assert_eq!(list, ["Client 0", "Client 1", "Client 2", "Client 3", "No id"]);
}

async fn the_reply_has_the_shape_and_order_of_the_request(server: &Server) {
    let admin = server.admin().await;
    let bare = admin.post("/api/Client", json!({ "name": "Bare" })).await.expect(201);
    assert!(bare.is_object());
    let one = admin.post("/api/Client", json!([{ "name": "One" }])).await.expect(201);
    assert!(one.is_object());
    let body = json!([{ "name": "Zulu" }, { "id": id(&one), "ref": "r" }, { "name": "Alpha" }]);
    let mixed = admin.post("/api/Client", body).await.expect(201);
    let order: Vec<&str> =
        mixed.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(order, ["Zulu", "One", "Alpha"]);
    let body = json!([{ "id": id(&one), "ref": "s" }, { "id": id(&bare), "ref": "t" }]);
    let updates = admin.post("/api/Client", body).await.expect(200);
    assert_eq!((&updates[0]["ref"], &updates[1]["ref"]), (&json!("s"), &json!("t")));
    let nested = admin.post("/api/Client", json!([[{ "name": "Inner" }]])).await.expect(201);
    assert_eq!(nested["name"], "Inner");
    assert_eq!(admin.post("/api/Client", json!([])).await.expect(200), json!([]));
    admin
        .post_text("/api/Client", "text/plain", "[]")
        .await
        .expect_error(415, "unsupported_media_type");
    let untyped = admin.request(Method::POST, "/api/Client").body("[]");
    admin.send(untyped).await.expect_error(415, "unsupported_media_type");
    let empty = admin.request(Method::POST, "/api/Client");
    admin.send(empty).await.expect_error(400, "validation");
}

async fn one_bad_record_stops_the_whole_request(server: &Server) {
    let admin = server.admin().await;
    let body = json!([{ "name": "Good" }, { "name": "Also good" }, { "name": "  " }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["[2].name"].is_array(), "{errors}");
    let errors =
        admin.post("/api/Client", json!({ "name": "" })).await.expect_error(400, "validation");
    assert!(errors["name"].is_array(), "{errors}");
    let body = json!([{ "name": "Nested", "site_update": [{ "name": "Depot" }, { "name": "" }] }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["[0].site_update[1].name"].is_array(), "{errors}");
    assert_eq!(admin.get("/api/Client").await.expect(200)["record_count"], 0);
    assert_eq!(admin.get("/api/Site").await.expect(200)["record_count"], 0);
    assert_eq!(admin.get("/api/Users").await.expect(200)["record_count"], 0);
}

async fn every_problem_is_named_at_once(server: &Server) {
    let admin = server.admin().await;
    let body = json!([
        { "name": "", "colour": "red", "discountperc": 101 },
        { "name": "Fine", "pritech": 4242, "accountsemailaddress": "nobody", "paymentterms": 1.5 },
    ]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    let paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    for path in [
        "[0].name",
        "[0].colour",
        "[0].discountperc",
        "[1].pritech",
        "[1].accountsemailaddress",
        "[1].paymentterms",
    ] {
        assert!(paths.iter().any(|found| *found == path), "{path} of {paths:?}");
    }
    assert_eq!(paths.len(), 6, "{paths:?}");
}

async fn omitted_null_and_value_are_three_things(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "Acme", "notes": "n", "ref": "r", "paymentterms": 30, "calldate": "2026-01-02T03:04:05", "is_vip": true });
    let made = make(&admin, "Client", body).await;
    let kept = admin.post("/api/Client", json!({ "id": id(&made), "ref": "s" })).await.expect(200);
    assert_eq!((&kept["notes"], &kept["ref"]), (&json!("n"), &json!("s")));
    assert_eq!((&kept["paymentterms"], &kept["is_vip"]), (&json!(30), &json!(true)));
    let body = json!({ "id": id(&made), "notes": null, "paymentterms": null, "calldate": null, "is_vip": null });
    admin.post("/api/Client", body).await.expect(200);
    let cleared = get(&admin, "Client", id(&made), "").await;
    assert_eq!((&cleared["notes"], &cleared["ref"]), (&json!(""), &json!("s")));
    assert_eq!((&cleared["paymentterms"], &cleared["is_vip"]), (&json!(0), &json!(false)));
    assert!(cleared.get("calldate").is_none(), "{cleared}");
    let body = json!({ "id": id(&made), "name": null });
    admin.post("/api/Client", body).await.expect_error(400, "validation");
}

async fn read_only_fields_are_ignored(server: &Server) {
    let admin = server.admin().await;
    let made = client(&admin, "Acme").await;
    let mut read =
        get(&admin, "Client", id(&made), "?includedetails=true&includeactivity=true").await;
    read["datecreated"] = json!("2001-01-01T00:00:00");
    read["toplevel_name"] = json!("Nowhere");
    read["main_site_name"] = json!("Nowhere");
    read["main_contact_name"] = json!("Nobody");
    read["main_phonenumber"] = json!("0");
    read["open_ticket_count"] = json!(99);
    read["use"] = json!("site");
    let posted = admin.post("/api/Client", json!([read])).await.expect(200);
    let now = get(&admin, "Client", id(&made), "?includeactivity=true").await;
    for name in ["datecreated", "toplevel_name", "main_site_name", "use"] {
        assert_eq!(posted[name], made[name], "{name}");
        assert_eq!(now[name], made[name], "{name}");
    }
    assert_eq!(now["open_ticket_count"], 0);
    let site = made["main_site_id"].as_i64().unwrap();
    let mut read = get(&admin, "Site", site, "?includedetails=true").await;
    read["client_name"] = json!("Nowhere");
    read["clientsite_name"] = json!("a/b");
    read["item_quantity_in_stock"] = json!(7);
    let posted = admin.post("/api/Site", json!([read])).await.expect(200);
    assert_eq!(
        (&posted["client_name"], &posted["clientsite_name"]),
        (&json!("Acme"), &json!("Acme/Main"))
    );
}

async fn unknown_fields_are_reported_in_a_warning(server: &Server) {
    let admin = server.admin().await;
    let made = make(&admin, "Client", json!({ "name": "Acme", "flavour": "sweet" })).await;
    assert!(made["_warning"].as_str().unwrap().contains("flavour"), "{made}");
    assert!(made.get("flavour").is_none());
    let read = get(&admin, "Client", id(&made), "").await;
    assert!(read.get("flavour").is_none() && read.get("_warning").is_none(), "{read}");
}

async fn numbers_texts_and_dates_are_read_generously(server: &Server) {
    let admin = server.admin().await;
    let body = json!({
        "name": "  Acme  ", "website": " acme.example ", "accountsemailaddress": " a@b.example ",
        "paymentterms": "12", "customertype": 12.0, "hourlyrate": 19.99, "chargehours": "7.5",
        "passportal_id": 9_007_199_254_740_993_i64, "is_vip": "true",
        "calldate": "2026-03-04T05:06:07.1234567+02:00", "announcedate": "2026-03-04",
        "hvdate": "1900-01-01T00:00:00",
    });
    let made = make(&admin, "Client", body).await;
    assert_eq!((&made["name"], &made["website"]), (&json!("Acme"), &json!("acme.example")));
    assert_eq!(made["accountsemailaddress"], "a@b.example");
    assert_eq!((&made["paymentterms"], &made["customertype"]), (&json!(12), &json!(12)));
    assert_eq!(
        (made["hourlyrate"].to_string(), made["chargehours"].to_string()),
        ("19.99".into(), "7.5".into())
    );
    assert_eq!(made["passportal_id"], json!(9_007_199_254_740_993_i64));
    assert_eq!(made["calldate"], "2026-03-04T03:06:07.123");
    assert_eq!(made["announcedate"], "2026-03-04T00:00:00");
    assert!(made.get("hvdate").is_none());
    for (name, value) in [
        ("paymentterms", json!(12.5)),
        ("paymentterms", json!(2_147_483_648_i64)),
        ("hourlyrate", json!("1.23456")),
        ("calldate", json!("yesterday")),
        ("is_vip", json!("perhaps")),
        ("accountsemailaddress", json!("nobody")),
        ("name", json!("x".repeat(256))),
        ("colour", json!("#12345")),
        ("colour", json!("112233")),
        ("portalcolour", json!("#gg0000")),
        ("discountperc", json!(-1)),
        ("discountperc", json!(100.5)),
    ] {
        let mut body = json!({ "id": id(&made) });
        body[name] = value.clone();
        let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
        assert!(errors[name].is_array(), "{name} {value}: {errors}");
    }
    let body = json!({ "id": id(&made), "colour": "#1A2b3c", "portalcolour": "#000000", "discountperc": 100, "name": "y".repeat(255) });
    admin.post("/api/Client", body).await.expect(200);
    let body = json!({ "id": id(&made), "colour": "", "discountperc": 0 });
    let cleared = admin.post("/api/Client", body).await.expect(200);
    assert_eq!((&cleared["colour"], &cleared["discountperc"]), (&json!(""), &json!(0)));
}

async fn a_dry_run_writes_nothing(server: &Server) {
    let admin = server.admin().await;
    let would =
        admin.post("/api/Client?dryrun=true", json!([{ "name": "Acme" }])).await.expect(201);
    assert_eq!((&would["name"], &would["main_site_name"]), (&json!("Acme"), &json!("Main")));
    assert_eq!(admin.get("/api/Client").await.expect(200)["record_count"], 0);
    assert_eq!(admin.get("/api/Site").await.expect(200)["record_count"], 0);
    admin
        .post("/api/Client?dryrun=true", json!([{ "name": "" }]))
        .await
        .expect_error(400, "validation");
    let made = client(&admin, "Acme").await;
    let would = admin
        .post("/api/Client?dryrun=true", json!({ "id": id(&made), "name": "Beta" }))
        .await
        .expect(200);
    assert_eq!(would["name"], "Beta");
    let gone = admin.delete(&format!("/api/Client/{}?dryrun=true", id(&made))).await.expect(200);
    assert_eq!(id(&gone), id(&made));
    assert_eq!(get(&admin, "Client", id(&made), "").await["name"], "Acme");
}

async fn a_bulk_request_keeps_the_good_records(server: &Server) {
    let admin = server.admin().await;
    let known = client(&admin, "Known").await;
    let body = json!([
        { "name": "Good" }, { "name": "" }, { "id": id(&known), "ref": "r" }, { "id": 999_999 }, { "name": "known" },
    ]);
    let results = admin.post("/api/Client?bulkresponse=true", body).await.expect(200);
    let statuses: Vec<i64> =
        results.as_array().unwrap().iter().map(|row| row["status"].as_i64().unwrap()).collect();
    assert_eq!(statuses, [201, 400, 200, 404, 400]);
    for at in 0..5 {
        assert_eq!(results[at]["index"], at);
    }
    assert_eq!(results[2]["id"], known["id"]);
    assert!(results[1]["errors"]["name"].is_array(), "{results}");
    assert_eq!(names(&admin, "/api/Client", "clients").await, ["Good", "Known"]);
    assert_eq!(get(&admin, "Client", id(&known), "").await["ref"], "r");
}

/// A defect ends the record that it hits: the others are kept, and the reply says so.
async fn a_bulk_request_tells_what_it_kept_beside_a_defect(server: &Server) {
    let admin = server.admin().await;
    let mut tx = server.app().db.begin().await.unwrap();
    if server.app().db.dialect() == aureole_storage::Dialect::Postgres {
        tx.execute("SET LOCAL ROLE NONE", &[]).await.unwrap();
    }
    tx.execute("ALTER TABLE crm_note RENAME TO crm_note_elsewhere", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let body = json!([
        { "name": "Good" },
        { "name": "Bad luck", "import_notes": [{ "note": "lost" }] },
        { "name": "Good too" },
    ]);
    let results = admin.post("/api/Client?bulkresponse=true", body).await.expect(200);
    let status = |at: usize| results[at]["status"].as_i64().unwrap();
    assert_eq!((status(0), status(1), status(2)), (201, 500, 201), "{results}");
    assert_eq!(results[1]["code"], "internal");
    assert!(!results.to_string().contains("crm_note"), "{results}");
    assert_eq!(names(&admin, "/api/Client", "clients").await, ["Good", "Good too"]);
}

async fn tags_guard_against_lost_updates(server: &Server) {
    let admin = server.admin().await;
    let made = client(&admin, "Acme").await;
    let path = format!("/api/Client/{}", id(&made));
    let first = admin.get(&path).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{tag}");
    assert_eq!(admin.get(&format!("{path}?includeactivity=true")).await.header("etag"), tag);
    let send = |method: reqwest::Method, path: String, name: &'static str, tag: String| {
        let admin = admin.clone();
        let body = json!({ "id": id(&made), "ref": "r" });
        async move {
            let request = admin.request(method.clone(), &path).header(name, tag);
            admin
                .send(if method == reqwest::Method::POST { request.json(&body) } else { request })
                .await
        }
    };
    let same = send(reqwest::Method::GET, path.clone(), "if-none-match", tag.clone()).await;
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    send(reqwest::Method::POST, "/api/Client".into(), "if-match", tag.clone()).await.expect(200);
    let moved = send(reqwest::Method::GET, path.clone(), "if-none-match", tag.clone()).await;
    assert_eq!(moved.status, 200);
    assert_ne!(moved.header("etag"), tag);
    send(reqwest::Method::POST, "/api/Client".into(), "if-match", tag.clone())
        .await
        .expect_error(412, "precondition_failed");
    send(reqwest::Method::DELETE, path.clone(), "if-match", tag)
        .await
        .expect_error(412, "precondition_failed");
    let current = moved.header("etag").to_owned();
    send(reqwest::Method::DELETE, path, "if-match", current).await.expect(200);
}

async fn an_unchanged_record_keeps_its_tag(server: &Server) {
    let admin = server.admin().await;
    let made = client(&admin, "Acme").await;
    let path = format!("/api/Client/{}", id(&made));
    let before = admin.get(&path).await.header("etag").to_owned();
    let ticket =
        json!({ "summary": "Broken", "client_id": id(&made), "site_id": made["main_site_id"] });
    make(&admin, "Tickets", ticket).await;
    assert_eq!(admin.get(&format!("{path}?includeactivity=true")).await.header("etag"), before);
}

async fn an_import_is_marked_in_the_history(server: &Server) {
    let admin = server.admin().await;
    let made =
        make(&admin, "Client", json!({ "name": "Acme", "_isimport": true, "_importtype": "csv" }))
            .await;
    assert!(made.get("_isimport").is_none() && made.get("_importtype").is_none(), "{made}");
    let history =
        admin.get(&format!("/api/History?entity=Client&id={}", id(&made))).await.expect(200);
    assert_eq!(history[0]["imported"], true, "{history}");
    let other = client(&admin, "Beta").await;
    let history =
        admin.get(&format!("/api/History?entity=Client&id={}", id(&other))).await.expect(200);
    assert_eq!(history[0]["imported"], false, "{history}");
}
