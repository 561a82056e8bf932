//! Sites, and what stands in them: contacts, bins, stock.

use aureole_testkit::Server;
use serde_json::{Value, json};

use super::{D, Place, Row, Seen, U, V, refused};
use crate::writes::{client, id, make};

pub async fn sites(server: &Server, seen: &mut Seen) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (owner, main) = (id(&acme), acme["main_site_id"].clone());
    let other = client(&admin, "Other").await;
    let stranger = json!({ "name": "Jo", "site_id": other["main_site_id"] });
    let stranger = id(&make(&admin, "Users", stranger).await);
    let store = json!({ "name": "Store", "client_id": owner, "isstocklocation": true,
        "stockbins": [{ "name": "A" }] });
    let store = id(&make(&admin, "Site", store).await);
    let idle = json!({ "name": "Idle", "client_id": owner, "inactive": true });
    let idle = id(&make(&admin, "Site", idle).await);
    let new =
        |field: &str, value: Value| json!({ "name": "New", "client_id": owner, field: value });
    let table: Vec<Row> = vec![
        (json!({ "client_id": owner }), V, "name"),
        (json!({ "name": "New" }), V, "client_id"),
        (json!({ "name": "New", "client_id": 0 }), V, "client_id"),
        (json!({ "name": "New", "client_id": 4711 }), V, "client_id"),
        (json!({ "name": "New", "client_name": "Nowhere" }), V, "client_name"),
        (new("name", json!("x".repeat(256))), V, "name"),
        (new("name", json!(" ")), V, "name"),
        (new("geocoord1", json!(90.1)), V, "geocoord1"),
        (new("geocoord1", json!(-90.1)), V, "geocoord1"),
        (new("geocoord2", json!(180.1)), V, "geocoord2"),
        (new("geocoord2", json!(-180.1)), V, "geocoord2"),
        (new("timezone", json!("Mars/Base")), V, "timezone"),
        (new("colour", json!("red")), V, "colour"),
        (new("stockbins", json!([{ "name": "A" }])), V, "stockbins"),
        (new("maincontact_id", json!(4711)), V, "maincontact_id"),
        (new("maincontact_id", json!(stranger)), V, "maincontact_id"),
        (new("default_currency_code", json!(4711)), V, "default_currency_code"),
        (new("client_to_invoice", json!(4711)), V, "client_to_invoice"),
        (new("client_to_invoice_recurring", json!(4711)), V, "client_to_invoice_recurring"),
        (new("delivery_address", json!("x")), V, "delivery_address"),
        (new("sitecontacts", json!("x")), V, "sitecontacts"),
        (json!({ "id": store, "isstocklocation": false }), V, "isstocklocation"),
        (json!({ "id": store, "stockbins": [{ "id": 4711 }] }), V, "stockbins[0].id"),
        (json!({ "id": idle, "isinvoicesite": true }), V, "isinvoicesite"),
        (json!({ "id": main, "inactive": true }), U, "inactive"),
        (json!({ "id": main, "isinvoicesite": false }), U, "isinvoicesite"),
    ];
    let good = json!({ "name": "Good", "client_id": owner });
    refused(&admin, seen, Place::of("Site", good.clone()).nested(owner, "site_update"), table)
        .await;
    let table: Vec<Row> = vec![(json!({ "id": main, "client_id": id(&other) }), U, "client_id")];
    refused(&admin, seen, Place::of("Site", good), table).await;
    let read = admin.get(&format!("/api/Site/{main}")).await.expect(200);
    assert_eq!((&read["client_id"], &read["isinvoicesite"]), (&json!(owner), &json!(true)));
    users(&admin, seen, [&acme, &other]).await;
    stock(&admin, seen, owner, (store, idle)).await;
}

async fn users(admin: &aureole_testkit::Actor, seen: &mut Seen, clients: [&Value; 2]) {
    let [acme, other] = clients;
    let main = acme["main_site_id"].clone();
    let of = |field: &str, value: Value| json!({ "name": "Jo", "site_id": main, field: value });
    let table: Vec<Row> = vec![
        (json!({ "site_id": main }), V, "name"),
        (json!({ "name": "Jo" }), V, "site_id"),
        (of("client_id", json!(id(other))), V, "client_id"),
        (of("site_id", json!(4711)), V, "site_id"),
        (json!({ "name": "Jo", "site_id_int": 4711 }), V, "site_id"),
        (of("emailaddress", json!("nobody")), V, "emailaddress"),
        (of("password", json!("a-long-password")), V, "password"),
    ];
    refused(admin, seen, Place::of("Users", of("title", json!("Ms"))), table).await;
    let table: Vec<Row> = vec![
        (json!({ "client_id": id(acme) }), V, "summary"),
        (json!({ "summary": "t", "client_id": id(other), "site_id": main }), V, "client_id"),
        (json!({ "summary": "t", "client_id": 4711 }), V, "client_id"),
    ];
    let good = json!({ "summary": "t", "client_id": id(acme) });
    refused(admin, seen, Place::of("Tickets", good), table).await;
}

async fn stock(
    admin: &aureole_testkit::Actor,
    seen: &mut Seen,
    owner: i64,
    (store, idle): (i64, i64),
) {
    let item = id(&make(admin, "Item", json!({ "name": "Cable" })).await);
    let spare = id(&make(admin, "Item", json!({ "name": "Spare" })).await);
    let further = json!({ "name": "Further", "client_id": owner, "isstocklocation": true,
        "stockbins": [{ "name": "B" }] });
    let further = id(&make(admin, "Site", further).await);
    let bins = admin.get(&format!("/api/Site/{further}?includedetails=true")).await.expect(200);
    let bin = bins["stockbins"][0]["id"].clone();
    let held = json!({ "item_id": item, "site_id": store, "quantity_in_stock": 1 });
    make(admin, "ItemStock", held).await;
    let of =
        |field: &str, value: Value| json!({ "item_id": item, "site_id": further, field: value });
    let table: Vec<Row> = vec![
        (json!({ "site_id": further }), V, "item_id"),
        (json!({ "item_id": item }), V, "site_id"),
        (of("site_id", json!(idle)), V, "site_id"),
        (of("site_id", json!(store)), D, "site_id"),
        (json!({ "item_id": item, "site_id": store, "stockbin_id": bin }), V, "stockbin_id"),
        (of("quantity_in_stock", json!(-1)), V, "quantity_in_stock serialised_assets_in_stock"),
        (of("quantity_reserved", json!(-1)), V, "quantity_reserved"),
        (of("serialised_assets_in_stock", json!(2)), V, "serialised_assets_in_stock"),
    ];
    let good = json!({ "item_id": spare, "site_id": further });
    refused(admin, seen, Place::of("ItemStock", good), table).await;
    let table: Vec<Row> = vec![
        (json!({ "name": "X" }), V, "site_id"),
        (json!({ "name": "X", "site_id": idle }), V, "site_id"),
    ];
    let good = json!({ "name": "Good", "site_id": store });
    refused(admin, seen, Place::of("Site/StockBins", good), table).await;
}
