//! What hangs on clients: notes, popups, items, links, prepay; and what a DELETE refuses.

use aureole_testkit::{Actor, Server};
use serde_json::{Value, json};

use super::{D, Place, Row, Seen, U, V, refused};
use crate::writes::{client, id, make};

const GUID: &str = "00000000-0000-4000-8000-000000000001";

pub async fn on_clients(server: &Server, seen: &mut Seen) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (owner, site) = (id(&acme), acme["main_site_id"].clone());
    let own = |more: Value| {
        let mut body = more;
        body["client_id"] = json!(owner);
        body
    };
    let table: Vec<Row> = vec![
        (json!({}), V, "client_id"),
        (json!({ "client_id": 4711 }), V, "client_id"),
        (own(json!({ "billingperiod_id": 77 })), V, "billingperiod_id"),
        (own(json!({ "startdate": "2026-02-01", "enddate": "2026-01-31" })), V, "enddate"),
        (own(json!({ "sellingprice": 1.23456 })), V, "sellingprice"),
        (own(json!({ "costprice": "x" })), V, "costprice"),
        (own(json!({ "quantity": "x" })), V, "quantity"),
        (own(json!({ "item_id": 4711 })), V, "item_id"),
    ];
    let place = Place::of("RecurringItem", own(json!({}))).nested(owner, "areaitems");
    refused(&admin, seen, place, table).await;
    let note = |field: &str, value: Value| json!({ "note": "n", "client_id": owner, field: value });
    let table: Vec<Row> = vec![
        (json!({ "client_id": owner }), V, "note"),
        (note("note", json!(" ")), V, "note"),
        (json!({ "note": "n" }), V, "client_id"),
        (note("client_id", json!(4711)), V, "client_id"),
        (json!({ "note": "n", "supplier_id": 4711 }), V, "supplier_id"),
        (note("who_agentid", json!(4711)), V, "who_agentid"),
        (note("datetime", json!("soon")), V, "datetime"),
        (note("nextcalldate", json!("soon")), V, "nextcalldate"),
    ];
    refused(&admin, seen, Place::of("CRMNote", note("note", json!("n"))), table).await;
    let dates = json!({ "client_id": owner, "note": "n", "limitdaterange": true,
        "startdate": "2026-02-01", "enddate": "2026-01-01" });
    let table: Vec<Row> = vec![
        (json!({ "note": "n" }), V, "client_id"),
        (note("site_id", site.clone()), V, "client_id"),
        (json!({ "client_id": owner }), V, "note"),
        (json!({ "client_id": owner, "note": "" }), V, "note"),
        (note("note", json!("x".repeat(4001))), V, "note"),
        (dates, V, "enddate"),
    ];
    let place = Place::of("PopupNote", note("note", json!("n"))).nested(owner, "popup_notes");
    refused(&admin, seen, place, table).await;
    let link = |field: &str, value: Value| json!({ "client_id": owner, "azure_tenant_id": GUID, field: value });
    let table: Vec<Row> = vec![
        (json!({ "client_id": owner }), V, "azure_tenant_id"),
        (link("azure_tenant_id", json!("x")), V, "azure_tenant_id"),
        (link("client_id", json!(4711)), V, "client_id"),
        (link("details_id", json!(4711)), V, "details_id"),
    ];
    let good = link("client_id", json!(owner));
    let place = Place::of("AreaAzureTenant", good).nested(owner, "azure_tenants");
    refused(&admin, seen, place, table).await;
    let kind = id(&make(&admin, "TicketType", json!({ "name": "Known" })).await);
    let further = id(&make(&admin, "TicketType", json!({ "name": "Further" })).await);
    let pair = json!({ "client_id": owner, "request_type": kind });
    make(&admin, "AreaRequestType", pair.clone()).await;
    let table: Vec<Row> = vec![
        (json!({ "request_type": kind }), V, "client_id"),
        (json!({ "client_id": owner }), V, "request_type"),
        (json!({ "client_id": owner, "request_type": 4711 }), V, "request_type"),
        (pair, D, "request_type"),
    ];
    let good = json!({ "client_id": owner, "request_type": further });
    refused(&admin, seen, Place::of("AreaRequestType", good), table).await;
    prepay(&admin, seen, owner).await;
    popups_and_invoices(&admin, seen, owner).await;
}

async fn prepay(admin: &Actor, seen: &mut Seen, owner: i64) {
    let own = |field: &str, value: Value| json!({ "client_id": owner, "hours": 1, field: value });
    let lot = id(&make(admin, "ClientPrepay", own("description", json!("d"))).await);
    let used = id(&make(admin, "ClientPrepay/use", own("description", json!("d"))).await);
    let money = json!({ "name": "Money", "prepayasamount": true });
    let money = id(&make(admin, "Client", money).await);
    let ticket = json!({ "summary": "t", "client_id": money });
    let ticket = id(&make(admin, "Tickets", ticket).await);
    let mut dated = own("date", json!("2026-02-01"));
    dated["expirydate"] = json!("2026-01-01");
    let table: Vec<Row> = vec![
        (json!({}), V, "client_id"),
        (json!({ "client_id": owner }), V, "hours"),
        (json!({ "client_id": money }), V, "amount"),
        (own("hours", json!(0)), V, "hours"),
        (own("hours", json!("1.23456")), V, "hours"),
        (own("client_id", json!(4711)), V, "client_id"),
        (dated, V, "expirydate"),
        (json!({ "id": lot, "hours": 2 }), V, "hours"),
        (json!({ "id": lot, "date": "2020-01-01" }), V, "date"),
        (json!({ "id": lot, "client_id": money }), V, "client_id"),
    ];
    let good = own("description", json!("d"));
    refused(admin, seen, Place::of("ClientPrepay", good.clone()), table).await;
    let table: Vec<Row> = vec![
        (json!({}), V, "client_id"),
        (json!({ "client_id": owner }), V, "hours"),
        (json!({ "client_id": money }), V, "amount"),
        (own("hours", json!(-1)), V, "hours"),
        (own("hours", json!(0)), V, "hours"),
        (own("ticket_id", json!(4711)), V, "ticket_id"),
        (own("ticket_id", json!(ticket)), V, "ticket_id"),
        (json!({ "id": used, "hours": 2 }), V, "hours"),
    ];
    refused(admin, seen, Place::of("ClientPrepay/use", good), table).await;
}

async fn popups_and_invoices(admin: &Actor, seen: &mut Seen, owner: i64) {
    let popup = json!({ "note": "stays", "client_id": owner, "dismissable": false });
    let popup = id(&make(admin, "PopupNote", popup).await);
    let table: Vec<Row> = vec![
        (json!({ "id": popup, "read_status": 2 }), V, "read_status"),
        (json!({ "id": popup, "read_status": 3 }), V, "read_status"),
        (json!({ "read_status": 1 }), V, "id"),
    ];
    refused(admin, seen, Place::action("PopupNote/read", json!({ "id": popup })), table).await;
    let shown = admin.get("/api/PopupNote?showall=true").await.expect(200);
    assert_eq!(shown[0]["read_status"], 0, "the good record was marked");
    let due = json!({ "client_id": owner, "billingperiod_id": 2, "startdate": "2026-01-31" });
    let due = id(&make(admin, "RecurringItem", due).await);
    let over = id(&make(admin, "RecurringItem", json!({ "client_id": owner })).await);
    let table: Vec<Row> = vec![
        (json!({ "id": due, "date": "2026-07-07" }), V, "date"),
        (json!({ "id": due, "date": "soon" }), V, "date"),
        (json!({ "id": due, "invoicenumber": [] }), V, "invoicenumber"),
        (json!({ "id": over }), V, "date"),
        (json!({}), V, "id"),
    ];
    refused(admin, seen, Place::action("RecurringItem/invoiced", json!({ "id": due })), table)
        .await;
    let item = admin.get(&format!("/api/RecurringItem/{due}")).await.expect(200);
    assert_eq!(item["nextinvoicedate"], "2026-01-31T00:00:00", "the good record was invoiced");
}

pub async fn deletes(server: &Server, seen: &mut Seen) {
    let admin = server.admin().await;
    let tax = id(&make(&admin, "Tax", json!({ "name": "VAT" })).await);
    let tier = id(&make(&admin, "FieldInfo", json!({ "name": "Tier", "usage": 2 })).await);
    let button = id(&make(&admin, "CustomButton", json!({ "name": "Remote" })).await);
    let faqs = id(&make(&admin, "FAQList", json!({ "name": "Printers" })).await);
    let body = json!({ "name": "Acme", "item_tax_code": tax,
        "custombuttons": [{ "id": button }], "faqlists": [{ "id": faqs }],
        "customfields": [{ "id": tier, "value": "Gold" }] });
    let acme = make(&admin, "Client", body).await;
    let site = json!({ "name": "Second", "client_id": id(&acme) });
    let site = id(&make(&admin, "Site", site).await);
    let body = json!({ "name": "Payee", "client_to_invoice": id(&acme) });
    make(&admin, "Client", body).await;
    let ticket = json!({ "summary": "t", "client_id": id(&acme), "site_id": site });
    make(&admin, "Tickets", ticket).await;
    let firm = id(&client(&admin, "Firm").await);
    let top = id(&make(&admin, "TopLevel", json!({ "name": "Top" })).await);
    let settings = json!({ "internal_client_id": firm, "default_toplevel_id": top });
    admin.post("/api/Settings", settings).await.expect(200);
    let me = admin.get("/api/Agent/me").await.expect(200);
    for (path, counts) in [
        (format!("Tax/{tax}"), json!({ "clients": 1 })),
        (format!("FieldInfo/{tier}"), json!({ "clients": 1 })),
        (format!("CustomButton/{button}"), json!({ "clients": 1 })),
        (format!("FAQList/{faqs}"), json!({ "clients": 1 })),
        (format!("Site/{}", acme["main_site_id"]), json!({ "main_site_of_clients": 1 })),
        (format!("Site/{site}"), json!({ "tickets": 1 })),
        (format!("Client/{}", id(&acme)), json!({ "clients": 1, "tickets": 1 })),
        (format!("Client/{firm}"), json!({ "settings": 1 })),
        (format!("TopLevel/{top}"), json!({ "settings": 1 })),
        (format!("Agent/{}", id(&me)), json!({ "tokens": 1 })),
    ] {
        for dry_run in ["", "?dryrun=true"] {
            let answer = admin.delete(&format!("/api/{path}{dry_run}")).await;
            seen.refusal(&answer, U, &[], &path);
            assert_eq!(answer.json()["counts"], counts, "{path}");
        }
        admin.get(&format!("/api/{path}")).await.expect(200);
    }
    let lot = json!({ "client_id": id(&acme), "hours": 1 });
    let lot = id(&make(&admin, "ClientPrepay", lot).await);
    let path = format!("/api/ClientPrepay/{lot}");
    admin.delete(&path).await.expect(200);
    seen.refusal(&admin.delete(&path).await, V, &["id".to_owned()], "a lot taken back twice");
    for path in ["Client/abc", "Site/2147483648", "CRMNote/1.5"] {
        let answer = admin.delete(&format!("/api/{path}")).await;
        seen.refusal(&answer, V, &["id".to_owned()], path);
    }
}
