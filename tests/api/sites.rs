//! Sites: their client, the one main site, addresses, places, contacts, stock, lists.

use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make, names};

on_both_databases!(
    a_site_needs_a_name_and_a_client,
    a_client_has_one_main_site,
    the_main_site_stays_until_another_takes_over,
    a_site_moves_with_its_users,
    addresses_are_flat_and_nested,
    an_invoice_address_can_be_the_delivery_address,
    places_and_times_are_checked,
    the_main_contact_belongs_to_the_client,
    a_new_site_can_bring_its_contact,
    site_collections_are_replaced,
    stock_bins_are_at_stock_locations_only,
    the_list_filters_by_owner_and_kind,
    the_list_adds_addresses_and_notes,
    the_search_knows_the_client,
    another_clients_site_is_not_found,
);

async fn a_site_needs_a_name_and_a_client(server: &Server) {
    let admin = server.admin().await;
    let errors = admin
        .post("/api/Site", json!([{ "phonenumber": "1" }]))
        .await
        .expect_error(400, "validation");
    assert!(errors["[0].name"].is_array() && errors["[0].client_id"].is_array(), "{errors}");
    let acme = id(&client(&admin, "Acme").await);
    for name in ["", "  ", &"x".repeat(256)] {
        let errors = admin.post("/api/Site", json!({ "name": name, "client_id": acme })).await;
        assert!(errors.expect_error(400, "validation")["name"].is_array());
    }
    for client in [json!(0), json!(-1), json!(4242), json!(null)] {
        let errors = admin.post("/api/Site", json!({ "name": "Depot", "client_id": client })).await;
        assert!(errors.expect_error(400, "validation")["client_id"].is_array(), "{client}");
    }
    let site = make(&admin, "Site", json!({ "name": "y".repeat(255), "client_id": acme })).await;
    assert_eq!((&site["isinvoicesite"], &site["client_name"]), (&json!(false), &json!("Acme")));
    // Two sites may have one name.
    make(
        &admin,
        "Site",
        json!([{ "name": "Same", "client_id": acme }, { "name": "Same", "client_id": acme }]),
    )
    .await;
}

async fn a_client_has_one_main_site(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let main = acme["main_site_id"].as_i64().unwrap();
    let body = json!([{ "name": "Depot", "client_id": id(&acme) }, { "name": "Shop", "client_id": id(&acme), "isinvoicesite": true }]);
    let made = admin.post("/api/Site", body).await.expect(201);
    let (depot, shop) = (id(&made[0]), id(&made[1]));
    let is_main = async || {
        let mut flags = Vec::new();
        for site in [main, depot, shop] {
            flags.push(get(&admin, "Site", site, "").await["isinvoicesite"].as_bool().unwrap());
        }
        let pointed = get(&admin, "Client", id(&acme), "").await["main_site_id"].as_i64().unwrap();
        (flags, pointed)
    };
    assert_eq!(is_main().await, (vec![false, false, true], shop));
    admin.post("/api/Site", json!({ "id": depot, "isinvoicesite": true })).await.expect(200);
    assert_eq!(is_main().await, (vec![false, true, false], depot));
    admin.post("/api/Client", json!({ "id": id(&acme), "main_site_id": main })).await.expect(200);
    assert_eq!(is_main().await, (vec![true, false, false], main));
    // Clearing the pointer keeps it, and saying it again changes nothing.
    for value in [json!(0), json!(null), json!(main)] {
        admin
            .post("/api/Client", json!({ "id": id(&acme), "main_site_id": value }))
            .await
            .expect(200);
        assert_eq!(is_main().await, (vec![true, false, false], main));
    }
    // One after the other in one request: the last wins.
    let body =
        json!([{ "id": depot, "isinvoicesite": true }, { "id": shop, "isinvoicesite": true }]);
    admin.post("/api/Site", body).await.expect(200);
    assert_eq!(is_main().await, (vec![false, false, true], shop));
    let beta = client(&admin, "Beta").await;
    let errors = admin
        .post("/api/Client", json!({ "id": id(&acme), "main_site_id": beta["main_site_id"] }))
        .await;
    assert!(errors.expect_error(400, "validation")["main_site_id"].is_array());
    admin.post("/api/Site", json!({ "id": depot, "inactive": true })).await.expect(200);
    let errors = admin.post("/api/Client", json!({ "id": id(&acme), "main_site_id": depot })).await;
    assert!(errors.expect_error(400, "validation")["main_site_id"].is_array());
    let errors = admin.post("/api/Site", json!({ "id": depot, "isinvoicesite": true })).await;
    assert!(errors.expect_error(400, "validation")["isinvoicesite"].is_array());
}

async fn the_main_site_stays_until_another_takes_over(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let main = acme["main_site_id"].as_i64().unwrap();
    let beta = id(&client(&admin, "Beta").await);
    let refused = [
        json!({ "inactive": true }),
        json!({ "isinvoicesite": false }),
        json!({ "isinvoicesite": null }),
        json!({ "client_id": beta }),
    ];
    for change in &refused {
        let mut body = change.clone();
        body["id"] = json!(main);
        let name = change.as_object().unwrap().keys().next().unwrap().clone();
        let errors = admin.post("/api/Site", json!([body])).await.expect_error(400, "in_use");
        assert!(errors[format!("[0].{name}")].is_array(), "{errors}");
    }
    let answer = admin.delete(&format!("/api/Site/{main}")).await;
    answer.expect_error(400, "in_use");
    assert!(answer.json()["counts"].is_object(), "{}", answer.text);
    make(&admin, "Site", json!({ "name": "Depot", "client_id": id(&acme), "isinvoicesite": true }))
        .await;
    admin.post("/api/Site", json!({ "id": main, "inactive": true })).await.expect(200);
    admin.delete(&format!("/api/Site/{main}")).await.expect(200);
    assert_eq!(get(&admin, "Client", id(&acme), "").await["main_site_name"], "Depot");
}

async fn a_site_moves_with_its_users(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, client(&admin, "Beta").await);
    let site = id(&make(&admin, "Site", json!({ "name": "Depot", "client_id": id(&acme) })).await);
    let user = id(&make(&admin, "Users", json!({ "name": "Una", "site_id": site })).await);
    let stays =
        id(&make(&admin, "Users", json!({ "name": "Uwe", "site_id": acme["main_site_id"] })).await);
    let moved =
        admin.post("/api/Site", json!({ "id": site, "client_id": id(&beta) })).await.expect(200);
    assert_eq!(
        (&moved["client_name"], &moved["clientsite_name"]),
        (&json!("Beta"), &json!("Beta/Depot"))
    );
    let read = get(&admin, "Users", user, "").await;
    assert_eq!((&read["client_id"], &read["client_name"]), (&beta["id"], &json!("Beta")));
    assert_eq!(get(&admin, "Users", stays, "").await["client_name"], "Acme");
    let list = admin.get(&format!("/api/Users?client_id={}", id(&beta))).await.expect(200);
    assert_eq!((&list["record_count"], &list["users"][0]["name"]), (&json!(1), &json!("Una")));
}

async fn addresses_are_flat_and_nested(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let body = json!({
        "name": "Depot", "client_id": acme, "delivery_address_line1": "1 High St", "delivery_address_line5": "AB1 2CD",
        "invoice_address": { "line1": "PO Box", "line2": "b", "postcode": "X", "lat": 51.5 },
    });
    let made = make(&admin, "Site", body).await;
    let full = async || get(&admin, "Site", id(&made), "?includedetails=true").await;
    let read = full().await;
    assert_eq!(read["delivery_address"]["line1"], "1 High St");
    assert_eq!(read["delivery_address"]["postcode"], "AB1 2CD");
    assert_eq!(read["delivery_address_line5"], "AB1 2CD");
    assert_eq!(read["delivery_address_line2"], "");
    assert_eq!(
        (&read["invoice_address_line1"], &read["invoice_address_line5"]),
        (&json!("PO Box"), &json!("X"))
    );
    assert_eq!(made["invoice_address_line2"], "b");
    let body = json!({ "id": id(&made), "invoice_address_line2": null, "invoice_address": { "line1": "Box 2" } });
    admin.post("/api/Site", body).await.expect(200);
    let read = full().await;
    assert_eq!(
        (&read["invoice_address_line1"], &read["invoice_address_line2"]),
        (&json!("Box 2"), &json!(""))
    );
    assert_eq!(read["invoice_address"]["postcode"], "X");
    // What was read is posted back with one form changed; the changed form counts.
    let mut back = read.clone();
    back["delivery_address_line1"] = json!("2 High St");
    admin.post("/api/Site", json!([back])).await.expect(200);
    assert_eq!(full().await["delivery_address"]["line1"], "2 High St");
    let mut back = full().await;
    back["delivery_address"]["line1"] = json!("3 High St");
    admin.post("/api/Site", json!([back])).await.expect(200);
    let read = full().await;
    assert_eq!(
        (&read["delivery_address"]["line1"], &read["delivery_address_line1"]),
        (&json!("3 High St"), &json!("3 High St"))
    );
    let body = json!({ "id": id(&made), "delivery_address": null });
    admin.post("/api/Site", body).await.expect(200);
    assert_eq!(full().await["delivery_address_line1"], "");
}

async fn an_invoice_address_can_be_the_delivery_address(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let body = json!({
        "name": "Depot", "client_id": acme, "invoice_address_isdelivery": true, "delivery_address": { "line1": "d" },
        "invoice_address": { "line1": "i" },
    });
    let made = make(&admin, "Site", body).await;
    assert_eq!(
        (&made["delivery_address_line1"], &made["invoice_address_line1"]),
        (&json!("d"), &json!("d"))
    );
    let body = json!({ "id": id(&made), "delivery_address_line1": "e" });
    let changed = admin.post("/api/Site", body).await.expect(200);
    assert_eq!(changed["invoice_address_line1"], "e");
    let body = json!({ "id": id(&made), "invoice_address_isdelivery": false, "invoice_address_line1": "i" });
    let changed = admin.post("/api/Site", body).await.expect(200);
    assert_eq!(
        (&changed["delivery_address_line1"], &changed["invoice_address_line1"]),
        (&json!("e"), &json!("i"))
    );
    let body = json!({ "id": id(&made), "invoice_address_isdelivery": true });
    let changed = admin.post("/api/Site", body).await.expect(200);
    assert_eq!(changed["invoice_address_line1"], "e");
    let detailed = get(&admin, "Site", id(&made), "?includedetails=true").await;
    assert_eq!(detailed["invoice_address"]["line1"], "e");
}

async fn places_and_times_are_checked(server: &Server) {
    let admin = server.admin().await;
    let site = client(&admin, "Acme").await["main_site_id"].as_i64().unwrap();
    for (name, value) in [
        ("geocoord1", json!(90.000_001)),
        ("geocoord1", json!(-91)),
        ("geocoord2", json!(180.1)),
        ("geocoord2", json!(-180.000_1)),
        ("timezone", json!("Middle/Earth")),
        ("timezone", json!("Nowhere Standard Time")),
        ("colour", json!("blue")),
        ("accountsemailaddress", json!("nobody")),
    ] {
        let errors = admin
            .post("/api/Site", json!({ "id": site, name: value }))
            .await
            .expect_error(400, "validation");
        assert!(errors[name].is_array(), "{name} {value}: {errors}");
    }
    for zone in ["Europe/London", "GMT Standard Time", "UTC", ""] {
        let body =
            json!({ "id": site, "timezone": zone, "geocoord1": -90, "geocoord2": 179.999_999 });
        let kept = admin.post("/api/Site", body).await.expect(200);
        assert_eq!(
            (&kept["timezone"], kept["geocoord2"].to_string()),
            (&json!(zone), "179.999999".to_owned())
        );
    }
}

async fn the_main_contact_belongs_to_the_client(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, client(&admin, "Beta").await);
    let site = acme["main_site_id"].as_i64().unwrap();
    let own = id(&make(&admin, "Users", json!({ "name": "Own", "site_id": site })).await);
    let foreign =
        id(&make(&admin, "Users", json!({ "name": "Foreign", "site_id": beta["main_site_id"] }))
            .await);
    let errors = admin.post("/api/Site", json!({ "id": site, "maincontact_id": foreign })).await;
    assert!(errors.expect_error(400, "validation")["maincontact_id"].is_array());
    let kept =
        admin.post("/api/Site", json!({ "id": site, "maincontact_id": own })).await.expect(200);
    assert_eq!(kept["maincontact_name"], "Own");
    let none =
        admin.post("/api/Site", json!({ "id": site, "maincontact_id": -2 })).await.expect(200);
    assert_eq!((&none["maincontact_id"], &none["maincontact_name"]), (&json!(-2), &json!("")));
}

async fn a_new_site_can_bring_its_contact(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let body = json!({
        "name": "Depot", "client_id": acme, "newsite_contactname": "Nina", "newsite_contactemail": "n@x.example",
        "newsite_contacttitle": "Ms",
    });
    let made = make(&admin, "Site", body).await;
    assert_eq!(made["maincontact_name"], "Nina");
    let user = get(&admin, "Users", made["maincontact_id"].as_i64().unwrap(), "").await;
    assert_eq!((&user["emailaddress"], &user["title"]), (&json!("n@x.example"), &json!("Ms")));
    assert_eq!(user["site_id"], made["id"]);
}

async fn stock_bins_are_at_stock_locations_only(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (main, bins) = (&acme["main_site_id"], json!([{ "name": "A" }]));
    let refused = async |path: &str, body: Value| {
        admin.post(&format!("/api/{path}"), body).await.expect_error(400, "validation")
    };
    let only = json!({ "stockbins": ["are for a stock location only"] });
    assert_eq!(refused("Site", json!({ "id": main, "stockbins": bins })).await, only);
    let body = json!({ "name": "Shop", "client_id": id(&acme), "stockbins": bins });
    assert_eq!(refused("Site", body).await, only);
    let errors = refused("StockBins", json!({ "name": "A", "site_id": main })).await;
    let text = format!("is site {main}, which is no stock location");
    assert_eq!(errors, json!({ "site_id": [text] }));
    assert_eq!(admin.get("/api/StockBins").await.expect(200), json!([]));
    let body = json!({ "id": main, "isstocklocation": true, "stockbins": bins });
    admin.post("/api/Site", body).await.expect(200);
    make(&admin, "StockBins", json!({ "name": "B", "site_id": main })).await;
    let errors = refused("Site", json!({ "id": main, "isstocklocation": false })).await;
    assert_eq!(errors["isstocklocation"], json!(["can't be cleared: the site has 2 stock bins"]));
    let body = json!({ "id": main, "isstocklocation": false, "stockbins": [] });
    admin.post("/api/Site", body).await.expect(200);
    assert_eq!(admin.get("/api/StockBins").await.expect(200), json!([]));
    // One problem is one problem: the client was named.
    let errors = refused("Site", json!({ "name": "Depot", "client_name": "Nobody" })).await;
    assert_eq!(errors.as_object().unwrap().keys().collect::<Vec<_>>(), ["client_name"], "{errors}");
}

async fn site_collections_are_replaced(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let body = json!({
        "name": "Store", "client_id": acme, "isstocklocation": true, "stockbins": [{ "name": "A" }, { "name": "B" }],
        "popup_notes": [{ "note": "careful" }],
    });
    let made = make(&admin, "Site", body).await;
    let read = get(&admin, "Site", id(&made), "?includedetails=true").await;
    let bin = |record: &Value| -> Vec<String> {
        record["stockbins"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bin| bin["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        (bin(&read), &read["popup_notes"][0]["note"]),
        (vec!["A".into(), "B".into()], &json!("careful"))
    );
    let user = id(&make(&admin, "Users", json!({ "name": "Una", "site_id": id(&made) })).await);
    let body = json!({
        "id": id(&made), "stockbins": [{ "id": read["stockbins"][1]["id"], "name": "B2" }, { "name": "C" }],
        "sitecontacts": [{ "uid": user, "type": 3 }],
    });
    admin.post("/api/Site", body).await.expect(200);
    let read = get(&admin, "Site", id(&made), "?includedetails=true").await;
    assert_eq!(bin(&read), ["B2", "C"]);
    let contact = &read["sitecontacts"][0];
    assert_eq!(
        (&contact["user_name"], &contact["site"], &contact["type"]),
        (&json!("Una"), &made["id"], &json!(3))
    );
    assert_eq!(read["popup_notes"].as_array().unwrap().len(), 1);
}

async fn the_list_filters_by_owner_and_kind(server: &Server) {
    let admin = server.admin().await;
    let guid = "00000000-0000-4000-8000-000000000001";
    let acme =
        id(&make(&admin, "Client", json!({ "name": "Acme", "newclient_sitename": "A main" }))
            .await);
    let body = json!({ "name": "Cloud", "newclient_sitename": "C main", "azure_tenants": [{ "azure_tenant_id": guid }] });
    make(&admin, "Client", body).await;
    let body = json!([
        { "name": "Azure", "client_id": acme, "azuretenantid": "t" },
        { "name": "Gfi", "client_id": acme, "gfisiteid": 4 },
        { "name": "Stock", "client_id": acme, "isstocklocation": true },
        { "name": "Stock two", "client_id": acme, "isstocklocation": true },
        { "name": "Closed", "client_id": acme, "inactive": true },
    ]);
    let made = admin.post("/api/Site", body).await.expect(201);
    let (stock, two, gfi) = (id(&made[2]), id(&made[3]), id(&made[1]));
    let cases: [(String, &[&str]); 12] = [
        (format!("client_id={acme}"), &["A main", "Azure", "Gfi", "Stock", "Stock two"]),
        (format!("client_id={acme}&includeinactive=true&includeactive=false"), &["Closed"]),
        ("client_id=4242".into(), &[]),
        ("azuresites=true".into(), &["Azure", "C main"]),
        ("gfisites=true".into(), &["Gfi"]),
        (format!("stocklocation={stock}"), &["Stock"]),
        (format!("stocklocation={stock},{two},{gfi}"), &["Stock", "Stock two"]),
        ("includestocklocations=false".into(), &["A main", "Azure", "C main", "Gfi"]),
        ("includenonstocklocations=false".into(), &["Stock", "Stock two"]),
        ("includestocklocations=false&includenonstocklocations=false".into(), &[]),
        (
            "includestocklocations=true&includenonstocklocations=true".into(),
            &["A main", "Azure", "C main", "Gfi", "Stock", "Stock two"],
        ),
        (format!("stocklocation={gfi}"), &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(
            names(&admin, &format!("/api/Site?{query}"), "sites").await,
            expected,
            "{query}"
        );
    }
    admin.get("/api/Site?client_id=x").await.expect_error(400, "validation");
}

async fn the_list_adds_addresses_and_notes(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let body = json!({ "id": acme["main_site_id"], "notes": "n", "delivery_address_line1": "d", "invoice_address_line5": "p" });
    admin.post("/api/Site", body).await.expect(200);
    let row = async |query: &str| {
        admin.get(&format!("/api/Site?{query}")).await.expect(200)["sites"][0].clone()
    };
    let plain = row("").await;
    assert!(
        plain.get("notes").is_none() && plain.get("delivery_address_line1").is_none(),
        "{plain}"
    );
    for name in ["name", "client_id", "client_name", "clientsite_name", "use"] {
        assert!(plain.get(name).is_some(), "{name} of {plain}");
    }
    let noted = row("includenotes=true").await;
    assert_eq!(noted["notes"], "n");
    assert!(noted.get("delivery_address_line1").is_none(), "{noted}");
    let addressed = row("includeaddress=true").await;
    assert_eq!(
        (&addressed["delivery_address_line1"], &addressed["invoice_address_line5"]),
        (&json!("d"), &json!("p"))
    );
    assert_eq!(addressed["delivery_address_line2"], "");
    assert!(row("lastupdatefromdate=true").await["slastupdate"].is_string());
}

async fn the_search_knows_the_client(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "Acme", "newclient_sitename": "HQ", "newclient_phonenumber": "0555-123",
        "newclient_delivery_address": { "line2": "Quay Street" } });
    make(&admin, "Client", body).await;
    client(&admin, "Beta").await;
    for term in ["acme", "HQ", "0555", "quay", "acme%20hq"] {
        assert_eq!(
            names(&admin, &format!("/api/Site?search={term}"), "sites").await,
            ["HQ"],
            "{term}"
        );
    }
    for term in ["0555", "quay street", "ACME"] {
        assert_eq!(
            names(&admin, &format!("/api/Client?search={term}"), "clients").await,
            ["Acme"],
            "{term}"
        );
    }
    assert_eq!(names(&admin, "/api/Site?search=acme%20beta", "sites").await.len(), 0);
}

async fn another_clients_site_is_not_found(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, client(&admin, "Beta").await);
    let path = format!("/api/Site/{}", acme["main_site_id"]);
    admin.get(&format!("{path}?client_override={}", id(&acme))).await.expect(200);
    admin
        .get(&format!("{path}?client_override={}", id(&beta)))
        .await
        .expect_error(404, "not_found");
    admin.get(&format!("{path}?client_override=x")).await.expect_error(400, "validation");
}
