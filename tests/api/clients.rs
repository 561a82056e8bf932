//! Clients: creation with a first site, names, top levels, payers, nested sites, collections, lists.

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Server, on_both_databases};
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
    collections_are_replaced,
    collections_merge_when_asked,
    custom_fields_merge_by_id_or_name,
    nested_objects_come_with_details,
    permitted_ticket_types_are_pairs,
    tickets_are_counted,
    mandatory_fields_are_named_at_once,
    settings_are_checked,
    links_to_products_filter_the_list,
    the_list_filters_by_people_dates_and_place,
    the_list_adds_what_is_asked_for,
    sales_see_prospects,
    an_agent_sees_its_clients_only,
    a_denied_client_is_out_of_reach_everywhere,
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

/// The collection of a client as a GET with details shows it.
async fn details(admin: &Actor, client: i64, name: &str) -> Vec<Value> {
    get(admin, "Client", client, "?includedetails=true").await[name].as_array().unwrap().clone()
}

async fn collections_are_replaced(server: &Server) {
    let admin = server.admin().await;
    let guid = |last: u8| format!("00000000-0000-4000-8000-0000000000{last:02}");
    let collections = [
        ("popup_notes", "note", json!("first"), json!("second"), json!("third")),
        ("areaitems", "areaitemdesc", json!("first"), json!("second"), json!("third")),
        ("azure_tenants", "azure_tenant_id", json!(guid(1)), json!(guid(2)), json!(guid(3))),
        ("external_links", "third_party_id", json!("first"), json!("second"), json!("third")),
        ("billingplans", "plan_name", json!("first"), json!("second"), json!("third")),
    ];
    let other = client(&admin, "Other").await;
    for (name, field, first, second, third) in collections {
        let body = json!([{ "name": name, name: [{ field: first }, { field: second }] }]);
        let made = id(&make(&admin, "Client", body).await);
        let read = details(&admin, made, name).await;
        assert_eq!(read.len(), 2, "{name}: {read:?}");
        assert_eq!((&read[0][field], &read[1][field]), (&first, &second), "{name}");
        assert!(
            get(&admin, "Client", made, "").await.get(name).is_none(),
            "{name} without details"
        );
        for untouched in [json!({ "id": made, "ref": "r" }), json!({ "id": made, name: null })] {
            admin.post("/api/Client", untouched).await.expect(200);
            assert_eq!(details(&admin, made, name).await.len(), 2, "{name}");
        }
        // By id where the elements have one: the first is changed, the second goes, a third comes.
        let has_id = read[0].get("id").is_some();
        let element = if has_id {
            json!({ "id": read[0]["id"], field: third })
        } else {
            json!({ field: third })
        };
        let new = if name == "azure_tenants" { json!(guid(4)) } else { json!("fourth") };
        admin
            .post("/api/Client", json!({ "id": made, name: [element, { field: new }] }))
            .await
            .expect(200);
        let replaced = details(&admin, made, name).await;
        assert_eq!(replaced.len(), 2, "{name}: {replaced:?}");
        assert_eq!((&replaced[0][field], &replaced[1][field]), (&third, &new), "{name}");
        if has_id {
            assert_eq!(replaced[0]["id"], read[0]["id"], "{name}");
            assert_ne!(replaced[1]["id"], read[1]["id"], "{name}");
        }
        if matches!(name, "popup_notes" | "areaitems" | "azure_tenants") {
            // The record of another client can't be taken.
            let body =
                json!([{ "id": id(&other), name: [{ "id": replaced[0]["id"], field: third }] }]);
            let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
            assert!(errors[format!("[0].{name}[0].id")].is_array(), "{errors}");
        }
        admin.post("/api/Client", json!({ "id": made, name: [] })).await.expect(200);
        assert_eq!(details(&admin, made, name).await.len(), 0, "{name}");
    }
}

async fn collections_merge_when_asked(server: &Server) {
    let admin = server.admin().await;
    let merge = async |body: Value| {
        let request = admin
            .request(reqwest::Method::POST, "/api/Client")
            .header("prefer", "merge")
            .json(&body);
        admin.send(request).await.expect(200)
    };
    for (name, field) in [("popup_notes", "note"), ("external_links", "third_party_id")] {
        let body = json!([{ "name": name, name: [{ field: "first" }, { field: "second" }] }]);
        let made = id(&make(&admin, "Client", body).await);
        let read = details(&admin, made, name).await;
        merge(json!({ "id": made, name: [{ "id": read[1]["id"], field: "changed" }, { field: "third" }] })).await;
        let texts: Vec<Value> =
            details(&admin, made, name).await.iter().map(|row| row[field].clone()).collect();
        assert_eq!(texts, [json!("first"), json!("changed"), json!("third")], "{name}");
    }
}

async fn custom_fields_merge_by_id_or_name(server: &Server) {
    let admin = server.admin().await;
    let define = async |name: &str, usage: i64| {
        let body = json!({ "name": name, "label": name, "type": 0, "usage": usage });
        id(&make(&admin, "FieldInfo", body).await)
    };
    let (tier, floor) = (define("Tier", 2).await, define("Floor", 2).await);
    let body = json!([{ "name": "Acme", "customfields": [{ "id": tier, "name": "CFTier", "value": "gold" }, { "id": floor, "name": "CFFloor", "value": "3" }] }]);
    let made = id(&make(&admin, "Client", body).await);
    let value = async |name: &str| {
        let fields = details(&admin, made, "customfields").await;
        let found = fields
            .iter()
            .find(|field| field["name"] == format!("CF{name}"))
            .cloned()
            .unwrap_or_default();
        found.get("value").cloned().unwrap_or(Value::Null)
    };
    assert_eq!((value("Tier").await, value("Floor").await), (json!("gold"), json!("3")));
    let body = json!({ "id": made, "customfields": [{ "name": "CFTier", "value": "silver" }] });
    admin.post("/api/Client", body).await.expect(200);
    assert_eq!((value("Tier").await, value("Floor").await), (json!("silver"), json!("3")));
    let body = json!({ "id": made, "customfields": [{ "id": floor, "value": "4" }] });
    admin.post("/api/Client", body).await.expect(200);
    assert_eq!((value("Tier").await, value("Floor").await), (json!("silver"), json!("4")));
    for body in
        [json!({ "id": made, "customfields": null }), json!({ "id": made, "customfields": [] })]
    {
        admin.post("/api/Client", body).await.expect(200);
        assert_eq!(value("Tier").await, json!("silver"));
    }
}

async fn nested_objects_come_with_details(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "Acme", "override_org_address": { "line1": "a", "line2": "b" } });
    let made = id(&make(&admin, "Client", body).await);
    assert!(get(&admin, "Client", made, "").await.get("override_org_address").is_none());
    let body = json!({ "id": made, "override_org_address": { "line2": null, "postcode": "c" } });
    admin.post("/api/Client", body).await.expect(200);
    let address =
        get(&admin, "Client", made, "?includedetails=true").await["override_org_address"].clone();
    assert_eq!((&address["line1"], &address["postcode"]), (&json!("a"), &json!("c")));
    assert!(address.get("line2").is_none_or(|line| line == ""), "{address}");
    let full = get(&admin, "Client", made, "?includedetails=true").await;
    for name in [
        "customfields",
        "site_fields",
        "custombuttons",
        "popup_notes",
        "attachments",
        "faqlists",
        "billingplans",
        "areaitems",
        "external_links",
        "azure_tenants",
        "allowed_tickettypes",
        "allowed_category1",
        "allowed_organisations",
    ] {
        assert!(full[name].is_array(), "{name} is {}", full[name]);
    }
}

async fn permitted_ticket_types_are_pairs(server: &Server) {
    let admin = server.admin().await;
    let kind =
        id(&make(&admin, "TicketType", json!({ "name": "Special", "allowall_clients": false }))
            .await);
    let body = json!({ "name": "Acme", "allowall_tickettypes": false, "allowed_tickettypes": [{ "id": kind }] });
    let made = id(&make(&admin, "Client", body).await);
    let pairs = admin.get(&format!("/api/AreaRequestType?client_id={made}")).await.expect(200);
    assert_eq!(
        (pairs[0]["request_type"].clone(), pairs[0]["client_name"].clone()),
        (json!(kind), json!("Acme"))
    );
    let errors = admin
        .post("/api/Client", json!({ "id": made, "allowed_tickettypes": [{ "id": 4242 }] }))
        .await;
    assert!(errors.expect_error(400, "validation")["allowed_tickettypes[0]"].is_array());
    let emptied = admin
        .post("/api/Client", json!({ "id": made, "allowed_tickettypes": [] }))
        .await
        .expect(200);
    assert!(emptied["_warning"].is_string(), "{emptied}");
    let pairs = admin.get(&format!("/api/AreaRequestType?client_id={made}")).await.expect(200);
    assert_eq!(pairs, json!([]));
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

async fn links_to_products_filter_the_list(server: &Server) {
    let admin = server.admin().await;
    client(&admin, "Plain").await;
    let guid = "00000000-0000-4000-8000-000000000001";
    for (name, body) in [
        ("Azure", json!({ "azure_tenants": [{ "azure_tenant_id": guid }] })),
        ("Gfi", json!({ "gficlientid": "7" })),
        ("Snow", json!({ "snow_id": 5 })),
        ("Sentinel", json!({ "sentinel_subscription_id": "s", "sentinel_tenant_id": 9 })),
        ("Jira", json!({ "jira_url": "https://jira.example" })),
        ("Now", json!({ "servicenow_url": "https://now.example" })),
    ] {
        let mut body = body;
        body["name"] = json!(name);
        make(&admin, "Client", body).await;
    }
    for (query, expected) in [
        ("azureclients=true", &["Azure"][..]),
        ("gficlients=true", &["Gfi"]),
        ("snowclients=true", &["Snow"]),
        ("issentinel=true", &["Sentinel"]),
        ("isjira=true", &["Jira"]),
        ("isservicenow=true", &["Now"]),
        ("sentinelid=9", &["Sentinel"]),
        ("sentinelid=8", &[]),
        ("snowaccountid=5", &["Snow"]),
        ("snowaccountid=6", &[]),
    ] {
        assert_eq!(
            names(&admin, &format!("/api/Client?{query}"), "clients").await,
            expected,
            "{query}"
        );
    }
    for query in ["azureclients=false", "isjira=False", "snowclients="] {
        assert_eq!(
            names(&admin, &format!("/api/Client?{query}"), "clients").await.len(),
            7,
            "{query}"
        );
    }
    admin.get("/api/Client?isjira=maybe").await.expect_error(400, "validation");
    admin.get("/api/Client?snowaccountid=x").await.expect_error(400, "validation");
}

async fn the_list_filters_by_people_dates_and_place(server: &Server) {
    let admin = server.admin().await;
    let own = admin.get("/api/Agent/me").await.expect(200)["id"].clone();
    make(&admin, "Client", json!({ "name": "Mine", "accountmanagertech": own })).await;
    make(&admin, "Client", json!({ "name": "Due", "calldate": "2020-01-01" })).await;
    make(&admin, "Client", json!({ "name": "Later", "calldate": "2099-01-01" })).await;
    let us = id(&client(&admin, "Us").await);
    assert_eq!(names(&admin, "/api/Client?accountmanageronly=true", "clients").await, ["Mine"]);
    assert_eq!(names(&admin, "/api/Client?callplan=true", "clients").await, ["Due"]);
    admin.post("/api/Settings", json!({ "internal_client_id": us })).await.expect(200);
    assert_eq!(
        names(&admin, "/api/Client?exclude_internal=true", "clients").await,
        ["Due", "Later", "Mine"]
    );
    assert_eq!(admin.get("/api/Site?exclude_internal=true").await.expect(200)["record_count"], 3);
    let top = id(&make(&admin, "TopLevel", json!({ "name": "Top" })).await);
    let middle = id(&make(&admin, "TopLevel", json!({ "name": "Middle", "parentid": top })).await);
    let low = id(&make(&admin, "TopLevel", json!({ "name": "Low", "parentid": middle })).await);
    for (name, level) in [("At top", top), ("At middle", middle), ("At low", low)] {
        make(&admin, "Client", json!({ "name": name, "toplevel_id": level })).await;
    }
    for (level, expected) in [
        (top, &["At low", "At middle", "At top"][..]),
        (middle, &["At low", "At middle"]),
        (low, &["At low"]),
        (999, &[]),
    ] {
        assert_eq!(
            names(&admin, &format!("/api/Client?toplevel_id={level}"), "clients").await,
            expected
        );
        let sites = admin.get(&format!("/api/Site?toplevel_id={level}")).await.expect(200);
        assert_eq!(sites["record_count"], expected.len());
    }
}

async fn the_list_adds_what_is_asked_for(server: &Server) {
    let admin = server.admin().await;
    let guid = "00000000-0000-4000-8000-000000000001";
    let body = json!({
        "name": "Acme", "notes": "n", "website": "w.example", "invoicetemplate_name": "Standard", "qbodefaulttax": 3,
        "azure_tenants": [{ "azure_tenant_id": guid }], "qbo_company_name": "Q",
    });
    make(&admin, "Client", body).await;
    let row = async |query: &str| {
        admin.get(&format!("/api/Client?{query}")).await.expect(200)["clients"][0].clone()
    };
    let plain = row("").await;
    for (query, name, value) in [
        ("includenotes=true", "notes", json!("n")),
        ("include_website=true", "website", json!("w.example")),
        ("includeinvoicetemplatename=true", "invoicetemplate_name", json!("Standard")),
        ("includeqbofields=true", "qbodefaulttax", json!(3)),
        ("includeqbofields=true", "qbo_company_name", json!("Q")),
    ] {
        assert!(plain.get(name).is_none(), "{name} of {plain}");
        assert_eq!(row(query).await[name], value, "{query}");
    }
    assert!(plain.get("azure_tenants").is_none());
    assert_eq!(row("includeazuretenants=true").await["azure_tenants"][0]["azure_tenant_id"], guid);
    assert!(plain.get("alastupdate").is_none());
    assert!(row("lastupdatefromdate=true").await["alastupdate"].is_string());
}

async fn sales_see_prospects(server: &Server) {
    let admin = server.admin().await;
    let plain = id(&client(&admin, "Plain").await);
    let prospect =
        id(&make(&admin, "Client", json!({ "name": "Prospect", "isopportunity": 1 })).await);
    let chance = client(&admin, "Chance").await;
    let ticket = json!({ "summary": "s", "client_id": id(&chance), "isopportunity": true });
    make(&admin, "Tickets", ticket).await;
    assert_eq!(names(&admin, "/api/Client?domain=opps", "clients").await, ["Chance", "Prospect"]);
    assert_eq!(names(&admin, "/api/Client?domain=reqs", "clients").await.len(), 3);
    get(&admin, "Client", prospect, "?domain=opps").await;
    admin.get(&format!("/api/Client/{plain}?domain=opps")).await.expect_error(404, "not_found");
    get(&admin, "Site", chance["main_site_id"].as_i64().unwrap(), "?domain=opps").await;
    let plain_site = get(&admin, "Client", plain, "").await["main_site_id"].clone();
    admin.get(&format!("/api/Site/{plain_site}?domain=opps")).await.expect_error(404, "not_found");
}

/// An application whose agent has these client limits.
async fn limited(server: &Server, admin: &Actor, limits: Value) -> Actor {
    let actor = server.actor("default", "limited", "all", Role::Agent).await;
    let own = actor.get("/api/Agent/me").await.expect(200)["id"].clone();
    let mut body = limits;
    body["id"] = own;
    admin.post("/api/Agent", body).await.expect(200);
    // A fresh token: the limits come with it.
    Actor::sign_in(server.url(), "default", "limited", "a-secret", "all").await
}

async fn an_agent_sees_its_clients_only(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = (client(&admin, "One").await, client(&admin, "Two").await);
    let user =
        id(&make(&admin, "Users", json!({ "name": "Una", "site_id": two["main_site_id"] })).await);
    let actor =
        limited(server, &admin, json!({ "allowed_clients": [{ "client_id": id(&one) }] })).await;
    assert_eq!(names(&actor, "/api/Client", "clients").await, ["One"]);
    assert_eq!(names(&actor, "/api/Client?search=two", "clients").await.len(), 0);
    assert_eq!(actor.get("/api/Site").await.expect(200)["record_count"], 1);
    assert_eq!(actor.get("/api/Users").await.expect(200)["record_count"], 0);
    let ids = actor.get("/api/Client?idonly=true").await.expect(200);
    assert_eq!(ids, json!({ "record_count": 1, "clients": [{ "id": id(&one) }] }));
    get(&actor, "Client", id(&one), "").await;
    for path in [
        format!("Client/{}", id(&two)),
        format!("Site/{}", two["main_site_id"]),
        format!("Users/{user}"),
    ] {
        actor.get(&format!("/api/{path}")).await.expect_error(404, "not_found");
        actor.delete(&format!("/api/{path}")).await.expect_error(404, "not_found");
    }
    actor
        .post("/api/Client", json!({ "id": id(&two), "ref": "r" }))
        .await
        .expect_error(404, "not_found");
    actor
        .post("/api/Site", json!({ "id": two["main_site_id"], "ref": "r" }))
        .await
        .expect_error(404, "not_found");
    // A new client would be out of its reach at once.
    actor.post("/api/Client", json!({ "name": "Three" })).await.expect_error(403, "forbidden");
    // References tell no more than reads do.
    for (path, body) in [
        ("Site", json!({ "name": "Depot", "client_id": id(&two) })),
        ("Users", json!({ "name": "Uwe", "site_id": two["main_site_id"] })),
        ("Users", json!({ "name": "Uwe", "client_name": "Two" })),
        ("Tickets", json!({ "summary": "s", "user_id": user })),
        ("Tickets", json!({ "summary": "s", "site_id": two["main_site_id"] })),
        ("Client", json!({ "id": id(&one), "client_to_invoice": id(&two) })),
        ("Client", json!({ "id": id(&one), "client_to_invoice_name": "Two" })),
        (
            "Client",
            json!({ "id": id(&one), "site_update": [{ "id": two["main_site_id"], "name": "X" }] }),
        ),
        ("PopupNote", json!({ "note": "n", "site_id": two["main_site_id"] })),
    ] {
        let answer = actor.post(&format!("/api/{path}"), body.clone()).await;
        let errors = answer.expect_error(400, "validation");
        assert!(errors.to_string().contains("does not exist"), "{path} {body}: {errors}");
    }
}

async fn a_denied_client_is_out_of_reach_everywhere(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = (client(&admin, "One").await, client(&admin, "Two").await);
    let both = json!([{ "client_id": id(&one) }, { "client_id": id(&two) }]);
    let limits = json!({ "allowed_clients": both, "denied_clients": [{ "client_id": id(&two) }] });
    make(&admin, "PopupNote", json!({ "note": "on a site", "site_id": two["main_site_id"] })).await;
    make(&admin, "PopupNote", json!({ "note": "on a client", "client_id": id(&two) })).await;
    make(&admin, "CRMNote", json!({ "note": "on a site", "site_id": two["main_site_id"] })).await;
    make(&admin, "Tickets", json!({ "summary": "s", "client_id": id(&two) })).await;
    let actor = limited(server, &admin, limits).await;
    assert_eq!(names(&actor, "/api/Client", "clients").await, ["One"]);
    assert_eq!(actor.get("/api/Site").await.expect(200)["record_count"], 1);
    assert_eq!(actor.get("/api/Tickets").await.expect(200)["record_count"], 0);
    assert_eq!(actor.get("/api/CRMNote").await.expect(200)["record_count"], 0);
    assert_eq!(actor.get("/api/PopupNote?showall=true").await.expect(200), json!([]));
    actor.get(&format!("/api/Client/{}", id(&two))).await.expect_error(404, "not_found");
    let history =
        actor.get(&format!("/api/History?entity=Client&id={}", id(&two))).await.expect(200);
    assert_eq!(history, json!([]));
}
