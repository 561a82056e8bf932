//! Clients, and the paths of clients that are no plain write.

use aureole_testkit::Server;
use serde_json::{Value, json};

use super::{D, Place, Row, Seen, V, asked, refused};
use crate::writes::{client, id, make};

pub async fn clients(server: &Server, seen: &mut Seen) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let other = client(&admin, "Other").await;
    let theirs = other["main_site_id"].clone();
    let payer = json!({ "name": "Payee", "client_to_invoice": acme });
    let payee = id(&make(&admin, "Client", payer).await);
    let merged = id(&client(&admin, "Merged").await);
    let merge = json!({ "id": merged, "_merge_client_into": id(&other) });
    admin.post("/api/Client", merge).await.expect(200);
    let idle = json!({ "name": "Idle", "client_id": acme, "inactive": true });
    let idle = id(&make(&admin, "Site", idle).await);
    for _ in 0..2 {
        make(&admin, "TopLevel", json!({ "name": "Twins" })).await;
    }
    make(&admin, "FieldInfo", json!({ "name": "Tier", "usage": 2 })).await;
    let new = |field: &str, value: Value| json!({ "name": "New", field: value });
    let of = |field: &str, value: Value| json!({ "id": acme, field: value });
    let mut table: Vec<Row> = vec![
        (json!({}), V, "name"),
        (json!({ "name": " \t" }), V, "name"),
        (json!({ "name": null }), V, "name"),
        (json!({ "name": 5 }), V, "name"),
        (json!({ "name": "x".repeat(256) }), V, "name"),
        (json!({ "name": "ACME" }), D, "name"),
        (json!({ "name": "acme " }), D, "name"),
        (of("name", json!("other")), D, "name"),
        (json!({ "id": merged, "notes": "n" }), V, "id"),
        (new("toplevel_name", json!("Nowhere")), V, "toplevel_name"),
        (new("toplevel_name", json!("Twins")), V, "toplevel_name"),
        (new("pritech_name", json!("Nobody")), V, "pritech_name"),
        (new("notes", json!("a\u{0}b")), V, "notes"),
        (new("notes", json!(["x"])), V, "notes"),
        (new("colour", json!("red")), V, "colour"),
        (new("colour", json!("#12345")), V, "colour"),
        (new("portalcolour", json!("red")), V, "portalcolour"),
        (new("inactive", json!("maybe")), V, "inactive"),
        (new("_isimport", json!("maybe")), V, "_isimport"),
        (new("_dont_fire_automations", json!("maybe")), V, "_dont_fire_automations"),
        (new("calldate", json!("soon")), V, "calldate"),
        (new("accountsemailaddress", json!("nobody")), V, "accountsemailaddress"),
        (new("accountsccemailaddress", json!("nobody")), V, "accountsccemailaddress"),
        (new("accountsbccemailaddress", json!("nobody")), V, "accountsbccemailaddress"),
        (new("discountperc", json!(-0.5)), V, "discountperc"),
        (new("discountperc", json!(100.5)), V, "discountperc"),
        (new("hourlyrate", json!(1.23456)), V, "hourlyrate"),
        (new("hourlyrate", json!("much")), V, "hourlyrate"),
        (new("hourlyrate", json!(true)), V, "hourlyrate"),
        (new("hourlyrate", json!("1e400")), V, "hourlyrate"),
        (new("connectwiseid", json!(2_147_483_648_i64)), V, "connectwiseid"),
        (new("connectwiseid", json!(-2_147_483_649_i64)), V, "connectwiseid"),
        (new("connectwiseid", json!(12.5)), V, "connectwiseid"),
        (new("passportal_id", json!("9223372036854775808")), V, "passportal_id"),
        (new("prepayrecurringchargebp", json!(77)), V, "prepayrecurringchargebp"),
        (new("prepayrecurringhours", json!(-1)), V, "prepayrecurringhours"),
        (new("client_to_invoice", json!(payee)), V, "client_to_invoice"),
        (new("client_to_invoice", json!(merged)), V, "client_to_invoice"),
        (of("client_to_invoice", json!(acme)), V, "client_to_invoice"),
        (of("client_to_invoice", json!(id(&other))), V, "client_to_invoice"),
        (of("client_to_invoice_recurring", json!(acme)), V, "client_to_invoice_recurring"),
        (of("main_site_id", theirs.clone()), V, "main_site_id"),
        (of("main_site_id", json!(idle)), V, "main_site_id"),
        (of("main_site_id", json!(4711)), V, "main_site_id"),
        (of("site_update", json!([{ "id": theirs }])), V, "site_update[0].id"),
        (of("site_update", json!([{ "id": 4711 }])), V, "site_update[0].id"),
        (of("site_update", json!({ "name": "x" })), V, "site_update"),
        (of("site_update", json!(["x"])), V, "site_update[0]"),
        (of("site_update", json!([{ "name": "ok" }, { "name": "" }])), V, "site_update[1].name"),
        (
            of("site_update", json!([{ "name": "x", "client_id": id(&other) }])),
            V,
            "site_update[0].client_id",
        ),
        (of("popup_notes", json!([{ "id": 4711, "note": "x" }])), V, "popup_notes[0].id"),
        (of("popup_notes", json!(vec![json!({}); 10_001])), V, "popup_notes"),
        (of("areaitems", json!([{ "id": 4711 }])), V, "areaitems[0].id"),
        (of("azure_tenants", json!([{ "id": 4711 }])), V, "azure_tenants[0].id"),
        (of("allowed_tickettypes", json!([{ "id": 4711 }])), V, "allowed_tickettypes[0]"),
        (of("customfields", json!([{ "id": 4711, "value": 1 }])), V, "customfields[0]"),
        (of("customfields", json!([{ "value": 1 }])), V, "customfields[0]"),
        (of("site_fields", json!([{ "name": "None", "value": 1 }])), V, "site_fields[0]"),
        (of("custombuttons", json!([{ "guid": "x" }])), V, "custombuttons[0].guid"),
        (of("custombuttons", json!([{ "id": 4711 }])), V, "custombuttons[0].id"),
        (of("faqlists", json!([{ "name": "own" }, { "id": 4711 }])), V, "faqlists[1].id"),
        (new("newclient_timezone", json!("Mars/Base")), V, "newclient_timezone"),
        (new("newclient_delivery_address", json!("x")), V, "newclient_delivery_address"),
        (
            json!({ "name": "New", "newclient_contactname": "Jo", "newclient_contactemail": "x" }),
            V,
            "newclient_contactemail",
        ),
        (new("_apply_billingtemplate", json!(true)), V, "_apply_billingtemplate"),
        (of("_reassign_all_to_user", json!(4711)), V, "_reassign_all_to_user"),
        (new("import_azure_tenant", json!({ "id": "x" })), V, "import_azure_tenant"),
        (new("import_notes", json!([{ "note": "" }])), V, "import_notes[0].note"),
        (
            json!({ "name": "", "colour": "red", "pritech": 4711, "discountperc": "x" }),
            V,
            "discountperc pritech name colour",
        ),
    ];
    for field in "toplevel_id pritech sectech accountmanagertech item_tax_code service_tax_code \
                  contract_tax_code prepay_tax_code sales_tax_code purchase_tax_code surchargeid \
                  billingtemplate_id default_currency_code client_to_invoice \
                  client_to_invoice_recurring"
        .split_whitespace()
    {
        table.push((new(field, json!(4711)), V, field));
    }
    let good = || Place::of("Client", json!({ "name": "Good" }));
    refused(&admin, seen, good(), table).await;
    let settings = json!({ "mandatory_fields": { "Client": ["website", "ref"] } });
    admin.post("/api/Settings", settings).await.expect(200);
    let place = Place::of("Client", json!({ "name": "Good", "website": "w", "ref": "r" }));
    let table: Vec<Row> = vec![(json!({ "name": "New" }), V, "website ref")];
    refused(&admin, seen, place, table).await;
}

pub async fn actions(server: &Server, seen: &mut Seen) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let other = client(&admin, "Other").await;
    let merged = id(&client(&admin, "Merged").await);
    let merge = json!({ "id": merged, "_merge_client_into": id(&other) });
    admin.post("/api/Client", merge).await.expect(200);
    let firm = id(&client(&admin, "Firm").await);
    admin.post("/api/Settings", json!({ "internal_client_id": firm })).await.expect(200);
    // A merge is alone in its request.
    for body in [
        json!({ "id": acme, "_merge_client_into": acme }),
        json!({ "id": acme, "_merge_client_into": 4711 }),
        json!({ "id": acme, "_merge_client_into": merged }),
        json!({ "id": firm, "_merge_client_into": acme }),
        json!({ "_merge_client_into": acme }),
        json!({ "_merge_client_into": acme, "name": "New" }),
    ] {
        for dry_run in ["", "?dryrun=true"] {
            let url = format!("/api/Client{dry_run}");
            let answer = admin.post(&url, body.clone()).await;
            seen.refusal(&answer, V, &["_merge_client_into".to_owned()], &body.to_string());
            let answer = admin.post(&url, json!([body])).await;
            seen.refusal(&answer, V, &["[0]._merge_client_into".to_owned()], &body.to_string());
        }
    }
    let two = json!([{ "name": "Good" }, { "id": acme, "_merge_client_into": id(&other) }]);
    let answer = admin.post("/api/Client", two).await;
    seen.refusal(&answer, V, &["[1]._merge_client_into".to_owned()], "two");
    let link = json!({ "id": id(&other), "xeroid": "X", "xero_tenant_id": "T" });
    admin.post("/api/Client/NewAccountsId", link).await.expect(200);
    let place = || Place::action("Client/NewAccountsId", json!({ "id": acme, "xeroid": "G" }));
    let table: Vec<Row> = vec![
        (json!({ "xeroid": "Y" }), V, "id"),
        (json!({ "id": acme, "xeroid": "x", "xero_tenant_id": "t" }), D, "xeroid"),
        (json!({ "id": acme, "xeroid": ["X"] }), V, "xeroid"),
    ];
    refused(&admin, seen, place(), table).await;
    let good = json!({ "id": acme, "stripe_customer_id": "G" });
    let table: Vec<Row> = vec![
        (json!({ "stripe_customer_id": "c" }), V, "id"),
        (json!({ "id": acme, "stripe_customer_id": ["c"] }), V, "stripe_customer_id"),
    ];
    refused(&admin, seen, Place::action("Client/PaymentMethodUpdate", good), table).await;
    let read = admin.get(&format!("/api/Client/{acme}")).await.expect(200);
    assert_eq!((&read["xeroid"], &read["stripe_customer_id"]), (&json!(""), &json!("")));
    // What a strict server does not know.
    let strict = server.start_beside(|config| config.strict = true).await;
    let strict_admin = strict.admin().await;
    let rows: Vec<Row> = vec![
        (json!({ "name": "New", "zip": 1 }), V, "zip"),
        (
            json!({ "id": acme, "site_update": [{ "name": "x", "zip": 1 }] }),
            V,
            "site_update[0].zip",
        ),
    ];
    refused(&strict_admin, seen, Place::of("Client", json!({ "name": "Good" })), rows).await;
    let rows: Vec<Row> = vec![(json!({ "id": acme, "xeroid": "q", "zip": 1 }), V, "zip")];
    refused(&strict_admin, seen, place(), rows).await;
    asked(&strict_admin, seen, &[("Client?nobody=1".to_owned(), "nobody")]).await;
    // What bodies look like.
    let most = vec![json!({}); 10_001];
    for (body, at) in [
        ("{".to_owned(), ""),
        ("5".to_owned(), ""),
        ("[".repeat(1000), ""),
        (r#"[{"name":"Good"},5]"#.to_owned(), "[1]"),
        (json!(most).to_string(), ""),
    ] {
        for path in ["Client", "Site", "CRMNote", "ClientPrepay/use", "RecurringItem/invoiced"] {
            let answer = admin.post_text(&format!("/api/{path}"), "application/json", &*body).await;
            seen.refusal(&answer, V, &[at.to_owned()], path);
        }
    }
    let key = "k".repeat(1000);
    let request = admin.request(reqwest::Method::POST, "/api/Client");
    let request = request.header("idempotency-key", key).json(&json!({ "name": "Good" }));
    let answer = admin.send(request).await;
    seen.refusal(&answer, V, &["Idempotency-Key".to_owned()], "key");
    let request = admin.request(reqwest::Method::GET, "/api/Client");
    let answer = admin.send(request.header("authorization", "Bearer twice")).await;
    seen.refusal(&answer, V, &["authorization".to_owned()], "two tokens");
    let names = crate::writes::names(&admin, "/api/Client?includeinactive=true", "clients").await;
    assert_eq!(names, ["Acme", "Firm", "Merged", "Other"], "something was written");
    strict.stop().await;
}
