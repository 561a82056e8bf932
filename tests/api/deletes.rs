//! DELETE: what goes along, what refuses it, what comes back.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    a_client_goes_with_all_it_owns,
    tickets_keep_their_client_and_site,
    pointers_of_others_refuse,
    the_firm_itself_stays,
    a_site_goes_with_its_users,
    definitions_in_use_stay,
    a_supplier_goes_with_its_notes,
    a_deletion_is_not_repeated,
);

/// A client with something of every kind that clients own.
pub async fn rich_client(admin: &Actor, name: &str) -> Value {
    let guid = "00000000-0000-4000-8000-000000000001";
    let body = json!({
        "name": name, "notes": "n", "newclient_contactname": "Una", "newclient_contactemail": "una@example.com",
        "newclient_delivery_address": { "line1": "1 High St" },
        "popup_notes": [{ "note": "careful" }],
        "areaitems": [{ "areaitemdesc": "backup", "quantity": 2 }],
        "azure_tenants": [{ "azure_tenant_id": guid }],
        "external_links": [{ "third_party_id": "x" }],
        "site_update": [{ "name": "Store", "isstocklocation": true, "stockbins": [{ "name": "A" }], "popup_notes": [{ "note": "site" }] }],
    });
    let made = make(admin, "Client", body).await;
    make(admin, "CRMNote", json!({ "note": "called", "client_id": id(&made) })).await;
    make(admin, "CRMNote", json!({ "note": "on a site", "site_id": made["main_site_id"] })).await;
    get(admin, "Client", id(&made), "").await
}

/// How many records of each kind there are.
pub async fn totals(admin: &Actor) -> Vec<(&'static str, i64)> {
    let mut found = Vec::new();
    for path in ["Client", "Site", "Users", "CRMNote"] {
        let list = admin.get(&format!("/api/{path}?includeinactive=true")).await.expect(200);
        found.push((path, list["record_count"].as_i64().unwrap()));
    }
    let lists = ["PopupNote?showall=true", "RecurringItem", "AreaAzureTenant"];
    for path in lists.into_iter().chain(["ClientPrepay", "ClientPrepay/use"]) {
        let list = admin.get(&format!("/api/{path}")).await.expect(200);
        found.push((path, i64::try_from(list.as_array().unwrap().len()).unwrap()));
    }
    found
}

async fn a_client_goes_with_all_it_owns(server: &Server) {
    let admin = server.admin().await;
    rich_client(&admin, "Stays").await;
    let before = totals(&admin).await;
    let made = rich_client(&admin, "Goes").await;
    let path = format!("/api/Client/{}", id(&made));
    let would = admin.delete(&format!("{path}?dryrun=true")).await.expect(200);
    assert_eq!(would["name"], "Goes");
    assert_ne!(totals(&admin).await, before);
    let gone = admin.delete(&path).await.expect(200);
    assert_eq!(gone, made);
    assert_eq!(totals(&admin).await, before);
    admin.get(&format!("/api/Site/{}", made["main_site_id"])).await.expect_error(404, "not_found");
    // Its ids are not used again.
    assert!(id(&client(&admin, "Next").await) > id(&made));
}

async fn tickets_keep_their_client_and_site(server: &Server) {
    let admin = server.admin().await;
    let made = client(&admin, "Acme").await;
    let depot = id(&make(&admin, "Site", json!({ "name": "Depot", "client_id": id(&made) })).await);
    let body = json!([
        { "summary": "a", "client_id": id(&made) },
        { "summary": "b", "client_id": id(&made), "site_id": depot, "dateclosed": "2020-01-01" },
    ]);
    let tickets = admin.post("/api/Tickets", body).await.expect(201);
    let refused = async |path: String, count: i64| {
        let answer = admin.delete(&path).await;
        answer.expect_error(400, "in_use");
        let body = answer.json();
        assert_eq!(body["counts"]["tickets"], count, "{body}");
        assert!(body["Message"].as_str().unwrap().contains(&format!("{count} ticket")), "{body}");
    };
    refused(format!("/api/Client/{}", id(&made)), 2).await;
    refused(format!("/api/Client/{}?dryrun=true", id(&made)), 2).await;
    refused(format!("/api/Site/{depot}"), 1).await;
    admin.delete(&format!("/api/Tickets/{}", tickets[1]["id"])).await.expect(200);
    admin.delete(&format!("/api/Site/{depot}")).await.expect(200);
    refused(format!("/api/Client/{}", id(&made)), 1).await;
    admin.delete(&format!("/api/Tickets/{}", tickets[0]["id"])).await.expect(200);
    admin.delete(&format!("/api/Client/{}", id(&made))).await.expect(200);
}

async fn pointers_of_others_refuse(server: &Server) {
    let admin = server.admin().await;
    let payer = client(&admin, "Payer").await;
    let user =
        id(&make(&admin, "Users", json!({ "name": "Una", "site_id": payer["main_site_id"] }))
            .await);
    let acme =
        make(&admin, "Client", json!({ "name": "Acme", "client_to_invoice": id(&payer) })).await;
    let answer = admin.delete(&format!("/api/Client/{}", id(&payer))).await;
    answer.expect_error(400, "in_use");
    assert_eq!(answer.json()["counts"]["clients"], 1, "{}", answer.text);
    admin.post("/api/Client", json!({ "id": id(&acme), "client_to_invoice": 0 })).await.expect(200);
    // The main contact of a site is pointed at too.
    admin
        .post("/api/Site", json!({ "id": payer["main_site_id"], "maincontact_id": user }))
        .await
        .expect(200);
    let answer = admin.delete(&format!("/api/Users/{user}")).await;
    answer.expect_error(400, "in_use");
    assert_eq!(answer.json()["counts"]["sites"], 1, "{}", answer.text);
    // Within what goes, pointers do not count.
    admin.delete(&format!("/api/Client/{}", id(&payer))).await.expect(200);
}

async fn the_firm_itself_stays(server: &Server) {
    let admin = server.admin().await;
    let us = id(&client(&admin, "Us").await);
    admin.post("/api/Settings", json!({ "internal_client_id": us })).await.expect(200);
    admin.delete(&format!("/api/Client/{us}")).await.expect_error(400, "in_use");
    admin.post("/api/Settings", json!({ "internal_client_id": 0 })).await.expect(200);
    admin.delete(&format!("/api/Client/{us}")).await.expect(200);
}

async fn a_site_goes_with_its_users(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let before = totals(&admin).await;
    let body = json!({ "name": "Depot", "client_id": id(&acme), "newsite_contactname": "Una", "popup_notes": [{ "note": "n" }] });
    let depot = make(&admin, "Site", body).await;
    let gone = admin.delete(&format!("/api/Site/{}", id(&depot))).await.expect(200);
    assert_eq!(gone["name"], "Depot");
    assert_eq!(totals(&admin).await, before);
}

async fn definitions_in_use_stay(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    for (path, field) in [
        ("TopLevel", "toplevel_id"),
        ("Tax", "item_tax_code"),
        ("Tax", "purchase_tax_code"),
        ("Agent", "pritech"),
        ("Agent", "salesreptech"),
        ("Surcharge", "surchargeid"),
        ("Currency", "default_currency_code"),
        ("BillingTemplate", "billingtemplate_id"),
        ("Organisation", "linked_organisation_id"),
    ] {
        let body = json!({ "name": format!("{path} of {field}"), "email": "x@example.com" });
        let used = id(&make(&admin, path, body).await);
        admin.post("/api/Client", json!({ "id": acme, field: used })).await.expect(200);
        let answer = admin.delete(&format!("/api/{path}/{used}")).await;
        answer.expect_error(400, "in_use");
        assert_eq!(answer.json()["counts"]["clients"], 1, "{path}: {}", answer.text);
        admin
            .post(
                "/api/Client",
                json!({ "id": acme, field: if path == "TopLevel" { 1 } else { 0 } }),
            )
            .await
            .expect(200);
        admin.delete(&format!("/api/{path}/{used}")).await.expect(200);
    }
    let kind = id(&make(&admin, "TicketType", json!({ "name": "Special" })).await);
    make(&admin, "Tickets", json!({ "summary": "s", "client_id": acme, "tickettype_id": kind }))
        .await;
    let answer = admin.delete(&format!("/api/TicketType/{kind}")).await;
    answer.expect_error(400, "in_use");
    assert_eq!(answer.json()["counts"]["tickets"], 1, "{}", answer.text);
    let parent = id(&make(&admin, "TopLevel", json!({ "name": "Parent" })).await);
    make(&admin, "TopLevel", json!({ "name": "Child", "parentid": parent })).await;
    admin.delete(&format!("/api/TopLevel/{parent}")).await.expect_error(400, "in_use");
}

async fn a_supplier_goes_with_its_notes(server: &Server) {
    let admin = server.admin().await;
    let supplier = id(&make(&admin, "Supplier", json!({ "name": "Parts Ltd" })).await);
    let note = id(&make(&admin, "CRMNote", json!({ "note": "n", "supplier_id": supplier })).await);
    let gone = admin.delete(&format!("/api/Supplier/{supplier}")).await.expect(200);
    assert_eq!((&gone["id"], &gone["name"]), (&json!(supplier), &json!("Parts Ltd")));
    admin.get(&format!("/api/CRMNote/{note}")).await.expect_error(404, "not_found");
}

async fn a_deletion_is_not_repeated(server: &Server) {
    let admin = server.admin().await;
    for path in ["Client", "Supplier", "TopLevel", "Tax"] {
        let made = id(&make(&admin, path, json!({ "name": "Gone" })).await);
        admin.delete(&format!("/api/{path}/{made}")).await.expect(200);
        admin.delete(&format!("/api/{path}/{made}")).await.expect_error(404, "not_found");
        admin.get(&format!("/api/{path}/{made}")).await.expect_error(404, "not_found");
        admin
            .post(&format!("/api/{path}"), json!({ "id": made, "name": "Back" }))
            .await
            .expect_error(404, "not_found");
        admin.delete(&format!("/api/{path}/x")).await.expect_error(400, "validation");
    }
}
