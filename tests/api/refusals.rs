//! Every rule of a write that answers with a 400: the exact code and paths, and nothing written,
//! not even of the good record that stands before the bad one.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::deletes::totals;
use crate::writes::{client, id, make};

on_both_databases!(
    refusals_of_clients_name_their_paths,
    refusals_of_sites_name_their_paths,
    refusals_of_what_hangs_on_clients_name_their_paths,
    refusals_of_deletes_have_their_counts,
);

/// Posts a good record and a bad one: `paths` are those of the second, separated by spaces.
async fn refused(admin: &Actor, path: &str, good: &Value, table: Vec<(Value, &str, &str)>) {
    let before = totals(admin).await;
    for (bad, code, paths) in table {
        let body = json!([good, bad]);
        let answer = admin.post(&format!("/api/{path}"), body).await;
        let errors = answer.expect_error(400, code);
        let found: Vec<&String> = errors.as_object().unwrap().keys().collect();
        let expected: Vec<String> =
            paths.split_whitespace().map(|path| format!("[1].{path}")).collect();
        assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{path} {bad}: {}", answer.text);
        // A bare object has the bare path.
        let answer = admin.post(&format!("/api/{path}"), bad.clone()).await;
        let errors = answer.expect_error(400, code);
        let found: Vec<&str> = errors.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, paths.split_whitespace().collect::<Vec<_>>(), "{path} {bad}");
    }
    assert_eq!(totals(admin).await, before, "{path}: something was written");
}

const V: &str = "validation";
const D: &str = "duplicate";
const U: &str = "in_use";

async fn refusals_of_clients_name_their_paths(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let other = client(&admin, "Other").await;
    let theirs = other["main_site_id"].clone();
    let payer = json!({ "name": "Payee", "client_to_invoice": acme });
    let payee = id(&make(&admin, "Client", payer).await);
    let new = |field: &str, value: Value| json!({ "name": "New", field: value });
    let of = |field: &str, value: Value| json!({ "id": acme, field: value });
    let mut table = vec![
        (json!({}), V, "name"),
        (json!({ "name": " \t" }), V, "name"),
        (json!({ "name": null }), V, "name"),
        (json!({ "name": "x".repeat(256) }), V, "name"),
        (json!({ "name": "ACME" }), D, "name"),
        (json!({ "name": "acme " }), D, "name"),
        (of("name", json!("other")), D, "name"),
        (new("toplevel_name", json!("Nowhere")), V, "toplevel_name"),
        (new("pritech_name", json!("Nobody")), V, "pritech_name"),
        (new("colour", json!("red")), V, "colour"),
        (new("colour", json!("#12345")), V, "colour"),
        (new("portalcolour", json!("red")), V, "portalcolour"),
        (new("accountsemailaddress", json!("nobody")), V, "accountsemailaddress"),
        (new("discountperc", json!(-0.5)), V, "discountperc"),
        (new("discountperc", json!(100.5)), V, "discountperc"),
        (new("hourlyrate", json!(1.23456)), V, "hourlyrate"),
        (new("connectwiseid", json!(2_147_483_648_i64)), V, "connectwiseid"),
        (new("connectwiseid", json!(12.5)), V, "connectwiseid"),
        (new("prepayrecurringchargebp", json!(77)), V, "prepayrecurringchargebp"),
        (new("client_to_invoice", json!(payee)), V, "client_to_invoice"),
        (of("client_to_invoice", json!(acme)), V, "client_to_invoice"),
        (of("client_to_invoice", json!(id(&other))), V, "client_to_invoice"),
        (of("client_to_invoice_recurring", json!(acme)), V, "client_to_invoice_recurring"),
        (of("main_site_id", theirs.clone()), V, "main_site_id"),
        (of("site_update", json!([{ "id": theirs }])), V, "site_update[0].id"),
        (of("site_update", json!([{ "id": 4711 }])), V, "site_update[0].id"),
        (of("site_update", json!([{ "name": "ok" }, { "name": "" }])), V, "site_update[1].name"),
        (
            of("site_update", json!([{ "name": "x", "client_id": id(&other) }])),
            V,
            "site_update[0].client_id",
        ),
        (of("popup_notes", json!([{ "id": 4711, "note": "x" }])), V, "popup_notes[0].id"),
        (of("popup_notes", json!([{ "note": "" }])), V, "popup_notes[0].note"),
        (of("areaitems", json!([{ "billingperiod_id": 77 }])), V, "areaitems[0].billingperiod_id"),
        (
            of("azure_tenants", json!([{ "azure_tenant_id": "x" }])),
            V,
            "azure_tenants[0].azure_tenant_id",
        ),
        (of("allowed_tickettypes", json!([{ "id": 4711 }])), V, "allowed_tickettypes[0]"),
        (of("customfields", json!([{ "id": 4711, "value": 1 }])), V, "customfields[0]"),
        (of("site_fields", json!([{ "name": "None", "value": 1 }])), V, "site_fields[0]"),
        (new("newclient_timezone", json!("Mars/Base")), V, "newclient_timezone"),
        (
            json!({ "name": "New", "newclient_contactname": "Jo", "newclient_contactemail": "x" }),
            V,
            "newclient_contactemail",
        ),
        (
            json!({ "name": "", "colour": "red", "pritech": 4711, "discountperc": "x" }),
            V,
            "discountperc pritech name colour",
        ),
    ];
    for field in "toplevel_id pritech sectech accountmanagertech item_tax_code service_tax_code \
                  contract_tax_code prepay_tax_code surchargeid billingtemplate_id \
                  default_currency_code client_to_invoice client_to_invoice_recurring"
        .split_whitespace()
    {
        table.push((new(field, json!(4711)), V, field));
    }
    let good = json!({ "name": "Good" });
    let before = totals(&admin).await;
    for (bad, code, paths) in table {
        let answer = admin.post("/api/Client", json!([good, bad])).await;
        let errors = answer.expect_error(400, code);
        let mut found: Vec<&str> = errors.as_object().unwrap().keys().map(String::as_str).collect();
        let expected: Vec<String> =
            paths.split_whitespace().map(|path| format!("[1].{path}")).collect();
        let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{bad}: {}", answer.text);
    }
    assert_eq!(totals(&admin).await, before, "something was written");
    let merge = |body: Value| admin.post("/api/Client", json!([body]));
    for body in [
        json!({ "id": acme, "_merge_client_into": acme }),
        json!({ "id": acme, "_merge_client_into": 4711 }),
        json!({ "_merge_client_into": acme }),
    ] {
        let errors = merge(body).await.expect_error(400, V);
        assert!(errors["[0]._merge_client_into"].is_array(), "{errors}");
    }
}

async fn refusals_of_sites_name_their_paths(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (owner, main) = (id(&acme), acme["main_site_id"].clone());
    let other = id(&client(&admin, "Other").await);
    let new =
        |field: &str, value: Value| json!({ "name": "New", "client_id": owner, field: value });
    let table = vec![
        (json!({ "client_id": owner }), V, "name"),
        (json!({ "name": "New" }), V, "client_id"),
        (json!({ "name": "New", "client_id": 4711 }), V, "client_id"),
        (json!({ "name": "New", "client_name": "Nowhere" }), V, "client_name"),
        (new("name", json!("x".repeat(256))), V, "name"),
        (new("geocoord1", json!(90.1)), V, "geocoord1"),
        (new("geocoord1", json!(-90.1)), V, "geocoord1"),
        (new("geocoord2", json!(180.1)), V, "geocoord2"),
        (new("geocoord2", json!(-180.1)), V, "geocoord2"),
        (new("timezone", json!("Mars/Base")), V, "timezone"),
        (new("colour", json!("red")), V, "colour"),
        (new("stockbins", json!([{ "name": "A" }])), V, "stockbins"),
        (new("maincontact_id", json!(4711)), V, "maincontact_id"),
        (new("default_currency_code", json!(4711)), V, "default_currency_code"),
        (new("client_to_invoice", json!(4711)), V, "client_to_invoice"),
        (new("client_to_invoice_recurring", json!(4711)), V, "client_to_invoice_recurring"),
    ];
    let good = json!({ "name": "Good", "client_id": owner });
    refused(&admin, "Site", &good, table).await;
    for (field, value) in
        [("inactive", json!(true)), ("isinvoicesite", json!(false)), ("client_id", json!(other))]
    {
        let answer = admin.post("/api/Site", json!([{ "id": main, field: value }])).await;
        answer.expect_error(400, U);
        let read = admin.get(&format!("/api/Site/{main}")).await.expect(200);
        assert_eq!((&read["client_id"], &read["isinvoicesite"]), (&json!(owner), &json!(true)));
    }
}

async fn refusals_of_what_hangs_on_clients_name_their_paths(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (owner, site) = (id(&acme), acme["main_site_id"].clone());
    let period = json!({ "client_id": owner, "startdate": "2026-02-01", "enddate": "2026-01-31" });
    let items = vec![
        (json!({}), V, "client_id"),
        (json!({ "client_id": 4711 }), V, "client_id"),
        (json!({ "client_id": owner, "billingperiod_id": 77 }), V, "billingperiod_id"),
        (period, V, "enddate"),
        (json!({ "client_id": owner, "sellingprice": 1.23456 }), V, "sellingprice"),
        (json!({ "client_id": owner, "quantity": "x" }), V, "quantity"),
    ];
    refused(&admin, "RecurringItem", &json!({ "client_id": owner }), items).await;
    let note = |field: &str, value: Value| json!({ "note": "n", "client_id": owner, field: value });
    let notes = vec![
        (json!({ "client_id": owner }), V, "note"),
        (json!({ "note": "n" }), V, "client_id"),
        (note("client_id", json!(4711)), V, "client_id"),
        (json!({ "note": "n", "supplier_id": 4711 }), V, "supplier_id"),
        (note("who_agentid", json!(4711)), V, "who_agentid"),
        (note("datetime", json!("soon")), V, "datetime"),
        (note("nextcalldate", json!("soon")), V, "nextcalldate"),
    ];
    refused(&admin, "CRMNote", &json!({ "note": "n", "client_id": owner }), notes).await;
    let popups = vec![
        (json!({ "note": "n" }), V, "client_id"),
        (note("site_id", site), V, "client_id"),
        (json!({ "client_id": owner }), V, "note"),
        (note("note", json!("x".repeat(4001))), V, "note"),
        (
            json!({ "client_id": owner, "note": "n", "limitdaterange": true, "startdate": "2026-02-01", "enddate": "2026-01-01" }),
            V,
            "enddate",
        ),
    ];
    refused(&admin, "PopupNote", &json!({ "note": "n", "client_id": owner }), popups).await;
    let link = |field: &str, value: Value| json!({ "client_id": owner, "azure_tenant_id": "00000000-0000-4000-8000-000000000001", field: value });
    let links = vec![
        (json!({ "client_id": owner }), V, "azure_tenant_id"),
        (link("azure_tenant_id", json!("x")), V, "azure_tenant_id"),
        (link("client_id", json!(4711)), V, "client_id"),
        (link("details_id", json!(4711)), V, "details_id"),
    ];
    refused(&admin, "AreaAzureTenant", &link("client_id", json!(owner)), links).await;
    let lots = vec![
        (json!({}), V, "client_id"),
        (json!({ "client_id": owner }), V, "hours"),
        (json!({ "client_id": 4711, "hours": 1 }), V, "client_id"),
        (
            json!({ "client_id": owner, "hours": 1, "date": "2026-02-01", "expirydate": "2026-01-01" }),
            V,
            "expirydate",
        ),
    ];
    refused(&admin, "ClientPrepay", &json!({ "client_id": owner, "hours": 1 }), lots).await;
    let uses = vec![
        (json!({}), V, "client_id"),
        (json!({ "client_id": owner }), V, "hours"),
        (json!({ "client_id": owner, "hours": -1 }), V, "hours"),
        (json!({ "client_id": owner, "hours": 1, "ticket_id": 4711 }), V, "ticket_id"),
    ];
    refused(&admin, "ClientPrepay/use", &json!({ "client_id": owner, "hours": 1 }), uses).await;
    let popup = json!({ "note": "stays", "client_id": owner, "dismissable": false });
    let popup = id(&make(&admin, "PopupNote", popup).await);
    let reads = vec![
        (json!({ "id": popup, "read_status": 2 }), V, "read_status"),
        (json!({ "id": popup, "read_status": 3 }), V, "read_status"),
        (json!({ "read_status": 1 }), V, "id"),
    ];
    refused(&admin, "PopupNote/read", &json!({ "id": popup }), reads).await;
    let shown = admin.get("/api/PopupNote?showall=true").await.expect(200);
    assert_eq!(shown[0]["read_status"], 0, "the good record was marked");
    let due = json!({ "client_id": owner, "billingperiod_id": 2, "startdate": "2026-01-31" });
    let due = id(&make(&admin, "RecurringItem", due).await);
    let invoiced =
        vec![(json!({ "id": due, "date": "2026-07-07" }), V, "date"), (json!({}), V, "id")];
    refused(&admin, "RecurringItem/invoiced", &json!({ "id": due }), invoiced).await;
    let item = admin.get(&format!("/api/RecurringItem/{due}")).await.expect(200);
    assert_eq!(item["nextinvoicedate"], "2026-01-31T00:00:00", "the good record was invoiced");
}

async fn refusals_of_deletes_have_their_counts(server: &Server) {
    let admin = server.admin().await;
    let tax = id(&make(&admin, "Tax", json!({ "name": "VAT" })).await);
    let body = json!({ "name": "Acme", "item_tax_code": tax });
    let acme = make(&admin, "Client", body).await;
    let site = json!({ "name": "Second", "client_id": id(&acme) });
    let site = id(&make(&admin, "Site", site).await);
    let body = json!({ "name": "Payee", "client_to_invoice": id(&acme) });
    make(&admin, "Client", body).await;
    let ticket = json!({ "summary": "t", "client_id": id(&acme), "site_id": site });
    make(&admin, "Tickets", ticket).await;
    for (path, counts) in [
        (format!("Tax/{tax}"), json!({ "clients": 1 })),
        (format!("Site/{}", acme["main_site_id"]), json!({ "main_site_of_clients": 1 })),
        (format!("Site/{site}"), json!({ "tickets": 1 })),
        (format!("Client/{}", id(&acme)), json!({ "clients": 1, "tickets": 1 })),
    ] {
        let answer = admin.delete(&format!("/api/{path}")).await;
        answer.expect_error(400, U);
        assert_eq!(answer.json()["counts"], counts, "{path}");
        admin.get(&format!("/api/{path}")).await.expect(200);
    }
}
