//! Clients: creation with a first site, names, top levels, payers, nested sites, settings.

use aureole_server::auth::Role;
use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make, names};

on_both_databases!(
    a_client_starts_with_a_main_site,
    every_newclient_field_is_used,
    newclient_errors_have_newclient_names,
    newclient_fields_are_ignored_on_update,
    nested_sites_are_written_with_their_client,
    nested_sites_of_others_are_refused,
    names_are_unique,
    a_name_is_unique_within_one_request,
    of_two_posts_with_one_name_one_wins,
    the_default_top_level_is_used,
    a_bill_goes_one_step,
    tickets_are_counted,
    mandatory_fields_are_named_at_once,
    settings_are_checked,
);

async fn a_client_starts_with_a_main_site(server: &Server) {
    let admin = server.admin().await;
    let made = client(&admin, "Acme").await;
    assert_eq!((&made["main_site_name"], &made["use"]), (&json!("Main"), &json!("client")));
    assert_eq!((&made["toplevel_name"], &made["inactive"]), (&json!("Clients"), &json!(false)));
    assert!(made["datecreated"].as_str().unwrap().len() >= 19, "{made}");
    let site = get(&admin, "Site", made["main_site_id"].as_i64().unwrap(), "").await;
    assert_eq!((&site["name"], &site["client_id"]), (&json!("Main"), &made["id"]));
    assert_eq!(
        (&site["isinvoicesite"], &site["clientsite_name"]),
        (&json!(true), &json!("Acme/Main"))
    );
    assert_eq!(admin.get("/api/Site").await.expect(200)["record_count"], 1);
    assert_eq!(admin.get("/api/Users").await.expect(200)["record_count"], 0);
    // The request's own list of sites comes beside the main site.
    let body = json!({ "name": "Beta", "newclient_sitename": " HQ ", "main_site_id": made["main_site_id"] });
    let beta = make(&admin, "Client", body).await;
    assert_eq!(beta["main_site_name"], "HQ");
    assert_ne!(beta["main_site_id"], made["main_site_id"]);
}

async fn every_newclient_field_is_used(server: &Server) {
    let admin = server.admin().await;
    let body = json!([{
        "name": "Acme", "newclient_sitename": "HQ", "newclient_phonenumber": " 01234 ", "newclient_timezone": "Europe/Paris",
        "newclient_domain": "acme.example", "newclient_countrycode": "FR", "newclient_regioncode": 7,
        "newclient_siteguid": "guid-1", "newclient_contactname": "Jean Contact",
        "newclient_contactemail": "jean@acme.example", "newclient_contacttitle": "Dr", "newclient_web_access_level": 2,
        "newclient_delivery_address": { "line1": "1 Rue", "line2": "b", "line3": "c", "line4": "d", "postcode": "75001" },
    }]);
    let made = make(&admin, "Client", body).await;
    assert!(made.get("_warning").is_none(), "{made}");
    assert!(!made.as_object().unwrap().keys().any(|name| name.starts_with("newclient_")), "{made}");
    assert_eq!(
        (&made["main_contact_name"], &made["main_phonenumber"]),
        (&json!("Jean Contact"), &json!("01234"))
    );
    let site =
        get(&admin, "Site", made["main_site_id"].as_i64().unwrap(), "?includedetails=true").await;
    for (name, value) in [
        ("name", json!("HQ")),
        ("phonenumber", json!("01234")),
        ("timezone", json!("Europe/Paris")),
        ("emaildomain", json!("acme.example")),
        ("country_code", json!("FR")),
        ("region_code", json!(7)),
        ("guid", json!("guid-1")),
        ("isinvoicesite", json!(true)),
        ("maincontact_name", json!("Jean Contact")),
        ("delivery_address_line1", json!("1 Rue")),
        ("delivery_address_line5", json!("75001")),
    ] {
        assert_eq!(site[name], value, "{name} of {site}");
    }
    assert_eq!(site["delivery_address"]["line4"], "d");
    let user = get(&admin, "Users", site["maincontact_id"].as_i64().unwrap(), "").await;
    assert_eq!(
        (&user["emailaddress"], &user["title"]),
        (&json!("jean@acme.example"), &json!("Dr"))
    );
    assert_eq!((&user["site_id"], &user["client_id"]), (&site["id"], &made["id"]));
    let detailed = get(&admin, "Client", id(&made), "?includedetails=true").await;
    assert_eq!(detailed["main_delivery_address"]["line1"], "1 Rue");
}

async fn newclient_errors_have_newclient_names(server: &Server) {
    let admin = server.admin().await;
    let body = json!([{
        "name": "Acme", "newclient_sitename": "x".repeat(256), "newclient_timezone": "Middle/Earth",
        "newclient_contactname": "Jean", "newclient_contactemail": "nobody",
    }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    for name in ["newclient_sitename", "newclient_timezone", "newclient_contactemail"] {
        assert!(errors[format!("[0].{name}")].is_array(), "{name} of {errors}");
    }
    let body = json!({ "name": "Acme", "newclient_delivery_address": { "line1": 5 } });
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["newclient_delivery_address.line1"].is_array(), "{errors}");
    assert_eq!(admin.get("/api/Site").await.expect(200)["record_count"], 0);
}

async fn newclient_fields_are_ignored_on_update(server: &Server) {
    let admin = server.admin().await;
    let made = client(&admin, "Acme").await;
    let body = json!({ "id": id(&made), "ref": "r", "newclient_sitename": "Other", "newclient_contactname": "Jean" });
    let changed = admin.post("/api/Client", body).await.expect(200);
    let warning = changed["_warning"].as_str().unwrap();
    assert!(
        warning.contains("newclient_sitename") && warning.contains("newclient_contactname"),
        "{warning}"
    );
    assert_eq!((&changed["main_site_name"], &changed["ref"]), (&json!("Main"), &json!("r")));
    assert_eq!(admin.get("/api/Site").await.expect(200)["record_count"], 1);
    assert_eq!(admin.get("/api/Users").await.expect(200)["record_count"], 0);
}

async fn nested_sites_are_written_with_their_client(server: &Server) {
    let admin = server.admin().await;
    let body = json!([{ "name": "Acme", "site_update": [{ "name": "Depot", "phonenumber": "1" }, { "id": 0, "name": "Shop" }] }]);
    let made = make(&admin, "Client", body).await;
    let path = format!("/api/Site?client_id={}", id(&made));
    assert_eq!(names(&admin, &path, "sites").await, ["Depot", "Main", "Shop"]);
    let main = get(&admin, "Site", made["main_site_id"].as_i64().unwrap(), "").await;
    assert_eq!(main["name"], "Main");
    let depot = id(&admin.get(&path).await.expect(200)["sites"][0]);
    let body = json!([{ "id": id(&made), "site_update": [{ "id": depot, "phonenumber": "2" }, { "name": "Yard", "client_id": id(&made) }] }]);
    admin.post("/api/Client", body).await.expect(200);
    assert_eq!(names(&admin, &path, "sites").await, ["Depot", "Main", "Shop", "Yard"]);
    let read = get(&admin, "Site", depot, "").await;
    assert_eq!((&read["phonenumber"], &read["name"]), (&json!("2"), &json!("Depot")));
    // A nested site can become the main one in the same request.
    let body = json!({ "id": id(&made), "site_update": [{ "id": depot, "isinvoicesite": true }] });
    let moved = admin.post("/api/Client", body).await.expect(200);
    assert_eq!(moved["main_site_name"], "Depot");
    let answer = admin
        .post(
            "/api/Client",
            json!({ "name": "Beta", "site_update": [{ "name": "HQ", "isinvoicesite": true }] }),
        )
        .await;
    assert_eq!(answer.expect(201)["main_site_name"], "HQ");
}

async fn nested_sites_of_others_are_refused(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = (client(&admin, "One").await, client(&admin, "Two").await);
    let foreign = two["main_site_id"].as_i64().unwrap();
    let body = json!([{ "id": id(&one), "ref": "r", "site_update": [{ "name": "Ok" }, { "id": foreign, "name": "Stolen" }] }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["[0].site_update[1].id"].is_array(), "{errors}");
    let body =
        json!([{ "id": id(&one), "site_update": [{ "name": "Depot", "client_id": id(&two) }] }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["[0].site_update[0].client_id"].is_array(), "{errors}");
    let body = json!({ "id": id(&one), "site_update": [{ "name": "Depot", "timezone": "nowhere", "geocoord1": 91 }] });
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(
        errors["site_update[0].timezone"].is_array()
            && errors["site_update[0].geocoord1"].is_array(),
        "{errors}"
    );
    assert_eq!(get(&admin, "Site", foreign, "").await["name"], "Main");
    assert_eq!(get(&admin, "Client", id(&one), "").await["ref"], "");
    assert_eq!(admin.get("/api/Site").await.expect(200)["record_count"], 2);
}

async fn names_are_unique(server: &Server) {
    let admin = server.admin().await;
    let first = make(&admin, "Client", json!({ "name": "Ärger & Co", "inactive": true })).await;
    let answer = admin.post("/api/Client", json!([{ "name": " äRGER & co " }])).await;
    let body = answer.expect(400);
    assert_eq!((&body["code"], &body["id"]), (&json!("duplicate"), &first["id"]), "{body}");
    assert!(body["errors"]["[0].name"].is_array(), "{body}");
    let other = client(&admin, "Other").await;
    let answer = admin.post("/api/Client", json!({ "id": id(&other), "name": "ärger & CO" })).await;
    assert!(answer.expect_error(400, "duplicate")["name"].is_array());
    // Its own name in another case is no duplicate.
    let renamed =
        admin.post("/api/Client", json!({ "id": id(&other), "name": "OTHER" })).await.expect(200);
    assert_eq!(renamed["name"], "OTHER");
    admin.delete(&format!("/api/Client/{}", id(&first))).await.expect(200);
    client(&admin, "ÄRGER & CO").await;
    // Another tenant has names of its own.
    let stranger = server.actor("elsewhere", "stranger", "all", Role::Administrator).await;
    client(&stranger, "Other").await;
}

async fn a_name_is_unique_within_one_request(server: &Server) {
    let admin = server.admin().await;
    let body = json!([{ "name": "Acme" }, { "name": "Beta" }, { "name": "ACME" }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "duplicate");
    assert!(errors["[2].name"].is_array(), "{errors}");
    assert_eq!(admin.get("/api/Client").await.expect(200)["record_count"], 0);
    // A name that an earlier record of the request gives up is free.
    let made = client(&admin, "Acme").await;
    let body = json!([{ "id": id(&made), "name": "Old Acme" }, { "name": "Acme" }]);
    admin.post("/api/Client", body).await.expect(201);
}

async fn of_two_posts_with_one_name_one_wins(server: &Server) {
    let admin = server.admin().await;
    for round in 0..5 {
        let body = |name: String| json!([{ "name": name }]);
        let (left, right) = tokio::join!(
            admin.post("/api/Client", body(format!("Race {round}"))),
            admin.post("/api/Client", body(format!("RACE {round}"))),
        );
        let (won, lost) = if left.status == 201 { (left, right) } else { (right, left) };
        let won = won.expect(201);
        let body = lost.expect(400);
        assert_eq!((&body["code"], &body["id"]), (&json!("duplicate"), &won["id"]), "{body}");
    }
    assert_eq!(admin.get("/api/Client").await.expect(200)["record_count"], 5);
    assert_eq!(admin.get("/api/Site").await.expect(200)["record_count"], 5);
}

async fn the_default_top_level_is_used(server: &Server) {
    let admin = server.admin().await;
    assert_eq!(client(&admin, "First").await["toplevel_name"], "Clients");
    let level = make(&admin, "TopLevel", json!({ "name": "Prospects" })).await;
    admin.post("/api/Settings", json!({ "default_toplevel_id": id(&level) })).await.expect(200);
    assert_eq!(client(&admin, "Second").await["toplevel_name"], "Prospects");
    let cleared = make(&admin, "Client", json!({ "name": "Third", "toplevel_id": null })).await;
    assert_eq!(cleared["toplevel_name"], "Prospects");
    assert_eq!(get(&admin, "Client", 1, "").await["toplevel_name"], "Clients");
}

async fn a_bill_goes_one_step(server: &Server) {
    let admin = server.admin().await;
    let (one, two, three) =
        (client(&admin, "One").await, client(&admin, "Two").await, client(&admin, "Three").await);
    for name in ["client_to_invoice", "client_to_invoice_recurring"] {
        let point = async |from: &Value, to: i64| {
            admin.post("/api/Client", json!({ "id": id(from), name: to })).await
        };
        let refused = |answer: aureole_testkit::Answer| {
            let errors = answer.expect_error(400, "validation");
            assert!(errors[name].is_array(), "{errors}");
        };
        refused(point(&one, id(&one)).await);
        assert_eq!(point(&one, id(&two)).await.expect(200)[format!("{name}_name")], "Two");
        // A loop, a target that points on, and a payer that is a target already.
        refused(point(&two, id(&one)).await);
        refused(point(&three, id(&one)).await);
        refused(point(&two, id(&three)).await);
        point(&three, id(&two)).await.expect(200);
        // Pointing at oneself is refused on a create too, and sites obey the same rules.
        let body = json!({ "id": three["main_site_id"], name: id(&one) });
        refused(admin.post("/api/Site", body).await);
        let body = json!({ "id": three["main_site_id"], name: id(&two) });
        admin.post("/api/Site", body).await.expect(200);
        point(&one, 0).await.expect(200);
        point(&three, 0).await.expect(200);
        let body = json!({ "id": three["main_site_id"], name: 0 });
        admin.post("/api/Site", body).await.expect(200);
    }
    let body = json!({ "name": "Four", "client_to_invoice": id(&one) });
    let four = make(&admin, "Client", body).await;
    assert_eq!(four["client_to_invoice_name"], "One");
    // Within one request the order does not open a way round the rule.
    let body = json!([{ "id": id(&two), "client_to_invoice": id(&three) }, { "id": id(&three), "client_to_invoice": id(&two) }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["[1].client_to_invoice"].is_array(), "{errors}");
}

async fn tickets_are_counted(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (main, made) = (acme["main_site_id"].as_i64().unwrap(), id(&acme));
    let depot = id(&make(&admin, "Site", json!({ "name": "Depot", "client_id": made })).await);
    let old = "2020-01-31T23:59:59";
    let tickets = json!([
        { "summary": "open", "client_id": made, "site_id": main },
        { "summary": "old open", "client_id": made, "site_id": depot, "dateoccurred": old },
        { "summary": "on hold", "client_id": made, "site_id": main, "onhold": true, "dateoccurred": old },
        { "summary": "closed on hold", "client_id": made, "site_id": main, "onhold": true, "dateclosed": old, "dateoccurred": old },
        { "summary": "closed", "site_id": depot, "dateclosed": old },
        { "summary": "chance", "client_id": made, "site_id": main, "isopportunity": true },
        { "summary": "old chance", "client_id": made, "isopportunity": true, "dateclosed": old },
    ]);
    admin.post("/api/Tickets", tickets).await.expect(201);
    let expected = |record: &Value, counts: [i64; 4]| {
        let found = [
            "open_ticket_count",
            "onhold_ticket_count",
            "total_ticket_count",
            "opened_thismonth_count",
        ]
        .map(|name| record[name].as_i64().unwrap_or(-1));
        assert_eq!(found, counts, "{record}");
    };
    let read = get(&admin, "Client", made, "?includeactivity=true").await;
    expected(&read, [3, 1, 5, 2]);
    assert_eq!(read["opps_ticket_count"], 1);
    expected(&get(&admin, "Site", main, "?includeactivity=true").await, [2, 1, 3, 1]);
    expected(&get(&admin, "Site", depot, "?includeactivity=true").await, [1, 0, 2, 1]);
    expected(
        &admin.get("/api/Client?showcounts=true").await.expect(200)["clients"][0],
        [3, 1, 5, 2],
    );
    let sites = admin.get("/api/Site?showcounts=true").await.expect(200)["sites"].clone();
    expected(&sites[0], [1, 0, 2, 1]);
    expected(&sites[1], [2, 1, 3, 1]);
    let plain = get(&admin, "Client", made, "").await;
    let row = admin.get("/api/Client").await.expect(200)["clients"][0].clone();
    for name in
        ["open_ticket_count", "onhold_ticket_count", "total_ticket_count", "opps_ticket_count"]
    {
        assert!(plain.get(name).is_none() && row.get(name).is_none(), "{name}");
    }
}

async fn mandatory_fields_are_named_at_once(server: &Server) {
    let admin = server.admin().await;
    let fields = json!({ "mandatory_fields": { "Client": ["website", "pritech", "newclient_sitename"], "Site": ["phonenumber"] } });
    admin.post("/api/Settings", fields).await.expect(200);
    let errors = admin
        .post("/api/Client", json!([{ "name": "Acme" }]))
        .await
        .expect_error(400, "validation");
    for name in ["website", "pritech", "newclient_sitename"] {
        assert!(errors[format!("[0].{name}")].is_array(), "{name} of {errors}");
    }
    let body = json!({ "name": "Acme", "website": "w", "pritech": 1, "newclient_sitename": "HQ", "newclient_phonenumber": "1" });
    let made = make(&admin, "Client", body).await;
    admin.post("/api/Client", json!({ "id": id(&made), "ref": "r" })).await.expect(200);
    let errors =
        admin.post("/api/Client", json!({ "id": id(&made), "website": "", "pritech": null })).await;
    let errors = errors.expect_error(400, "validation");
    assert!(errors["website"].is_array() && errors["pritech"].is_array(), "{errors}");
    let errors = admin.post("/api/Site", json!({ "name": "Depot", "client_id": id(&made) })).await;
    assert!(errors.expect_error(400, "validation")["phonenumber"].is_array());
}

async fn settings_are_checked(server: &Server) {
    let admin = server.admin().await;
    let made = id(&client(&admin, "Us").await);
    let set = admin
        .post("/api/Settings", json!({ "internal_client_id": made, "history_days": 60 }))
        .await
        .expect(200);
    assert_eq!((&set["internal_client_id"], &set["history_days"]), (&json!(made), &json!(60)));
    assert_eq!(admin.get("/api/Settings").await.expect(200), set);
    for (name, value) in [
        ("colour", json!("red")),
        ("internal_client_id", json!(4242)),
        ("default_toplevel_id", json!(4242)),
        ("history_days", json!("many")),
        ("mandatory_fields", json!({ "Client": ["nosuch"] })),
        ("mandatory_fields", json!({ "Nosuch": [] })),
        ("period_codes", json!([1])),
    ] {
        let answer = admin.post("/api/Settings", json!({ "history_days": 1, name: value })).await;
        let errors = answer.expect_error(400, "validation");
        assert!(errors[name].is_array(), "{name}: {errors}");
    }
    assert_eq!(admin.get("/api/Settings").await.expect(200), set);
    let agent = server.actor("default", "plain-agent", "all", Role::Agent).await;
    agent.get("/api/Settings").await.expect_error(403, "forbidden");
    agent.post("/api/Settings", json!({ "history_days": 1 })).await.expect_error(403, "forbidden");
    let narrow = server.with_scope("all:standard").await;
    narrow.post("/api/Settings", json!({ "history_days": 1 })).await.expect_error(403, "forbidden");
}
