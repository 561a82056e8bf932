//! Fields that a body only writes: what an import brings along, templates that are applied, tickets
//! that change hands.

use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    a_first_contact_has_its_level_and_no_mail,
    an_imported_address_is_the_main_sites,
    imported_notes_become_crm_notes,
    an_imported_tenant_becomes_a_link,
    an_external_link_joins_the_others,
    a_billing_template_is_applied_when_asked,
    tickets_are_reassigned_to_a_user,
    an_import_is_marked_in_the_history,
);

fn warning(record: &Value) -> &str {
    record["_warning"].as_str().unwrap_or("")
}

async fn a_first_contact_has_its_level_and_no_mail(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "Acme", "newclient_contactname": "Ann", "newclient_web_access_level": 2,
        "newclient_sendwelcomeemail": true });
    let acme = make(&admin, "Client", body).await;
    assert!(warning(&acme).contains("newclient_sendwelcomeemail: no e-mail was sent"), "{acme}");
    let site = get(&admin, "Site", acme["main_site_id"].as_i64().unwrap(), "").await;
    let ann = get(&admin, "Users", site["maincontact_id"].as_i64().unwrap(), "").await;
    assert_eq!((&ann["name"], &ann["web_access_level"]), (&json!("Ann"), &json!(2)));
    let body = json!({ "name": "Depot", "client_id": id(&acme), "newsite_contactname": "Bob",
        "newsite_web_access_level": "3", "newsite_sendwelcomeemail": true });
    let depot = make(&admin, "Site", body).await;
    assert!(warning(&depot).contains("newsite_sendwelcomeemail: no e-mail was sent"), "{depot}");
    let bob = get(&admin, "Users", depot["maincontact_id"].as_i64().unwrap(), "").await;
    assert_eq!((&bob["name"], &bob["web_access_level"]), (&json!("Bob"), &json!(3)));
    let body = json!({ "name": "Nobody", "newclient_contactemail": "n@x.example", "newclient_web_access_level": 1 });
    let told = make(&admin, "Client", body).await;
    let expected = "newclient_contactemail, newclient_web_access_level: no contact is made without newclient_contactname";
    assert_eq!(warning(&told), expected);
    let quiet = json!({ "name": "Quiet", "newclient_sendwelcomeemail": false });
    assert_eq!(warning(&make(&admin, "Client", quiet).await), "");
    for (path, field) in
        [("Client", "newclient_web_access_level"), ("Site", "newsite_web_access_level")]
    {
        let body = json!({ "name": "Bad", "client_id": id(&acme), field: "high" });
        let answer = admin.post(&format!("/api/{path}"), body).await;
        let errors = answer.expect_error(400, "validation");
        assert_eq!(errors[field], json!(["must be an integer"]), "{errors}");
        // On an update they come too late, and the reply says so.
        let made = if path == "Client" { &acme } else { &depot };
        let told = admin.post(&format!("/api/{path}"), json!({ "id": id(made), field: 5 })).await;
        assert!(warning(&told.expect(200)).contains(field), "{}", told.text);
    }
    assert_eq!(get(&admin, "Users", id(&bob), "").await["web_access_level"], 3);
}

async fn an_imported_address_is_the_main_sites(server: &Server) {
    let admin = server.admin().await;
    let body = json!([
        { "name": "A", "import_address": { "line1": "1 Import St", "postcode": "X1" } },
        { "name": "B", "import_address": { "line1": "1" }, "newclient_delivery_address": { "line1": "2" } },
    ]);
    let made = make(&admin, "Client", body).await;
    let line = async |client: &Value| {
        let site = client["main_site_id"].as_i64().unwrap();
        get(&admin, "Site", site, "").await["delivery_address_line1"].clone()
    };
    assert_eq!((line(&made[0]).await, line(&made[1]).await), (json!("1 Import St"), json!("2")));
    let body = json!({ "id": id(&made[0]), "import_address": { "line1": "3" } });
    admin.post("/api/Client", body).await.expect(200);
    let site = get(&admin, "Site", made[0]["main_site_id"].as_i64().unwrap(), "").await;
    assert_eq!(
        (&site["delivery_address_line1"], &site["delivery_address_line5"]),
        (&json!("3"), &json!("X1"))
    );
    let body = json!([{ "id": id(&made[0]), "ref": "no", "import_address": { "line1": 3 } }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["[0].import_address.line1"].is_array(), "{errors}");
    assert_eq!(get(&admin, "Client", id(&made[0]), "").await["ref"], "");
}

async fn imported_notes_become_crm_notes(server: &Server) {
    let admin = server.admin().await;
    let notes = json!([{ "id": 99, "note": "first", "third_party_id": "n1", "datetime": "2020-02-03T04:05:06" }, { "note": "second" }]);
    let acme = make(&admin, "Client", json!({ "name": "Acme", "import_notes": notes })).await;
    let list =
        async || admin.get(&format!("/api/CRMNote?client_id={}", id(&acme))).await.expect(200);
    let read = list().await;
    assert_eq!(read["record_count"], 2, "{read}");
    assert_eq!(
        (&read["actions"][1]["note"], &read["actions"][1]["datetime"]),
        (&json!("first"), &json!("2020-02-03T04:05:06"))
    );
    // The same note of the other system is the same one here.
    let body =
        json!({ "id": id(&acme), "import_notes": [{ "note": "changed", "third_party_id": "n1" }] });
    admin.post("/api/Client", body).await.expect(200);
    let read = list().await;
    assert_eq!(
        (&read["record_count"], &read["actions"][1]["note"]),
        (&json!(2), &json!("changed"))
    );
    let body = json!([{ "id": id(&acme), "ref": "no", "import_notes": [{ "note": "third" }, { "detail": "no note" }] }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["[0].import_notes[1].note"].is_array(), "{errors}");
    assert_eq!(list().await["record_count"], 2);
    assert_eq!(get(&admin, "Client", id(&acme), "").await["ref"], "");
    let body = json!([{ "name": "New", "import_notes": [{ "detail": "no note" }] }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["[0].import_notes[0].note"].is_array(), "{errors}");
    assert_eq!(admin.get("/api/Client?search=new").await.expect(200)["record_count"], 0);
}

async fn an_imported_tenant_becomes_a_link(server: &Server) {
    let admin = server.admin().await;
    let connection =
        id(&make(&admin, "AzureADConnection", json!({ "name": "CSP", "type": 2 })).await);
    let guid = "0000ABCD-0000-4000-8000-000000000001";
    let customer = json!({ "id": guid, "companyProfile": { "tenantId": guid, "domain": "acme.example", "companyName": "Acme Ltd" } });
    let body =
        json!({ "name": "Acme", "import_azure_tenant": customer, "import_details_id": connection });
    let acme = make(&admin, "Client", body).await;
    let links = async || {
        admin.get(&format!("/api/AreaAzureTenant?client_id={}", id(&acme))).await.expect(200)
    };
    let read = links().await;
    assert_eq!(read.as_array().unwrap().len(), 1, "{read}");
    for (name, value) in [
        ("azure_tenant_id", json!(guid.to_lowercase())),
        ("azure_tenant_name", json!("Acme Ltd")),
        ("azure_tenant_domain", json!("acme.example")),
        ("details_id", json!(connection)),
    ] {
        assert_eq!(read[0][name], value, "{name}");
    }
    // Once more: the link is renamed, not doubled.
    let customer = json!({ "id": guid, "companyProfile": { "companyName": "Acme plc" } });
    admin
        .post("/api/Client", json!({ "id": id(&acme), "import_azure_tenant": customer }))
        .await
        .expect(200);
    let read = links().await;
    assert_eq!(
        (read.as_array().unwrap().len(), &read[0]["azure_tenant_name"]),
        (1, &json!("Acme plc"))
    );
    for wrong in [json!({}), json!({ "id": "x" }), json!({ "companyProfile": { "tenantId": 5 } })] {
        let body = json!([{ "id": id(&acme), "ref": "no", "import_azure_tenant": wrong }]);
        let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
        assert!(errors["[0].import_azure_tenant"].is_array(), "{errors}");
    }
    assert_eq!(get(&admin, "Client", id(&acme), "").await["ref"], "");
}

async fn an_external_link_joins_the_others(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let site = acme["main_site_id"].as_i64().unwrap();
    let supplier = id(&make(&admin, "Supplier", json!({ "name": "Mill" })).await);
    for (path, record) in [("Client", id(&acme)), ("Site", site), ("Supplier", supplier)] {
        let post = async |link: Value| {
            let body = json!({ "id": record, "new_external_link": link });
            admin.post(&format!("/api/{path}"), body).await.expect(200);
            get(&admin, path, record, "?includedetails=true").await["external_links"].clone()
        };
        let links = post(json!({ "third_party_id": "a", "module_id": 7, "third_party_url": "https://x.example/a" })).await;
        assert_eq!(links.as_array().unwrap().len(), 1, "{path}");
        assert_eq!((&links[0]["id"], &links[0]["halo_id"]), (&json!(1), &json!(record)), "{path}");
        let links = post(
            json!({ "third_party_id": "b", "module_id": 7, "new_subscription_key": "s3cret" }),
        )
        .await;
        assert_eq!((links.as_array().unwrap().len(), &links[1]["id"]), (2, &json!(2)), "{path}");
        assert!(!links.to_string().contains("s3cret"), "{links}");
        let links =
            post(json!({ "third_party_id": "a", "module_id": 7, "third_party_desc": "again" }))
                .await;
        assert_eq!(
            (links.as_array().unwrap().len(), &links[0]["third_party_desc"]),
            (2, &json!("again")),
            "{path}"
        );
        let wrong = json!({ "id": record, "new_external_link": { "module_id": "x" } });
        let errors =
            admin.post(&format!("/api/{path}"), wrong).await.expect_error(400, "validation");
        assert!(errors["new_external_link.module_id"].is_array(), "{errors}");
    }
    let new = make(
        &admin,
        "Client",
        json!({ "name": "New", "new_external_link": { "third_party_id": "n" } }),
    )
    .await;
    let read = get(&admin, "Client", id(&new), "?includedetails=true").await;
    assert_eq!(read["external_links"][0]["halo_id"], new["id"]);
}

async fn a_billing_template_is_applied_when_asked(server: &Server) {
    let admin = server.admin().await;
    let surcharge = id(&make(&admin, "Surcharge", json!({ "name": "Late" })).await);
    let template = json!({ "name": "Monthly", "prepayrecurringhours": 10.5, "prepayrecurringcharge": "99.99",
        "prepayrecurringchargebp": 2, "autotopupthreshhold": 3, "surchargeid": surcharge });
    let template = id(&make(&admin, "BillingTemplate", template).await);
    let plain =
        make(&admin, "Client", json!({ "name": "Plain", "billingtemplate_id": template })).await;
    assert!(plain.get("prepayrecurringhours").is_none(), "{plain}");
    let body = json!({ "name": "Acme", "billingtemplate_id": template, "_apply_billingtemplate": true, "prepayrecurringcharge": 50 });
    let acme = make(&admin, "Client", body).await;
    for (name, value) in [
        ("prepayrecurringhours", json!(10.5)),
        ("prepayrecurringcharge", json!(50)),
        ("prepayrecurringchargebp", json!(2)),
        ("autotopupthreshhold", json!(3)),
        ("surchargeid", json!(surcharge)),
        ("billingtemplate_name", json!("Monthly")),
        ("name", json!("Acme")),
    ] {
        assert_eq!(acme[name], value, "{name}");
    }
    // A client that has the template already takes it on when asked.
    let applied = admin
        .post("/api/Client", json!({ "id": id(&plain), "_apply_billingtemplate": true }))
        .await
        .expect(200);
    assert_eq!(
        (applied["prepayrecurringcharge"].to_string(), &applied["name"]),
        ("99.99".to_owned(), &json!("Plain"))
    );
    let errors = admin
        .post("/api/Client", json!([{ "name": "None", "_apply_billingtemplate": true }]))
        .await;
    assert!(errors.expect_error(400, "validation")["[0]._apply_billingtemplate"].is_array());
}

async fn tickets_are_reassigned_to_a_user(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, client(&admin, "Beta").await);
    let depot = make(&admin, "Site", json!({ "name": "Depot", "client_id": id(&acme) })).await;
    let bea =
        make(&admin, "Users", json!({ "name": "Bea", "site_id": beta["main_site_id"] })).await;
    let ann =
        make(&admin, "Users", json!({ "name": "Ann", "site_id": acme["main_site_id"] })).await;
    let ticket = |site: &Value| json!({ "summary": "s", "site_id": site });
    let made =
        make(&admin, "Tickets", json!([ticket(&acme["main_site_id"]), ticket(&depot["id"])])).await;
    let owner = async |ticket: &Value| {
        let ticket = get(&admin, "Tickets", id(ticket), "").await;
        (ticket["user_id"].clone(), ticket["site_id"].clone(), ticket["client_id"].clone())
    };
    admin
        .post("/api/Site", json!({ "id": id(&depot), "_reassign_all_to_user": id(&ann) }))
        .await
        .expect(200);
    let anns = (ann["id"].clone(), acme["main_site_id"].clone(), acme["id"].clone());
    assert_eq!(owner(&made[1]).await, anns);
    assert_ne!(owner(&made[0]).await, anns);
    admin.delete(&format!("/api/Site/{}", id(&depot))).await.expect(200);
    let answer = admin.delete(&format!("/api/Client/{}", id(&acme))).await;
    answer.expect_error(400, "in_use");
    for none in [json!(0), json!(-1), json!(null)] {
        admin
            .post("/api/Client", json!({ "id": id(&acme), "_reassign_all_to_user": none }))
            .await
            .expect(200);
        assert_eq!(owner(&made[1]).await, anns);
    }
    let errors = admin
        .post(
            "/api/Client",
            json!([{ "id": id(&acme), "ref": "no", "_reassign_all_to_user": 4242 }]),
        )
        .await;
    let errors = errors.expect_error(400, "validation");
    assert_eq!(
        errors["[0]._reassign_all_to_user"],
        json!(["points at user 4242, which does not exist"])
    );
    admin
        .post("/api/Client", json!({ "id": id(&acme), "_reassign_all_to_user": id(&bea) }))
        .await
        .expect(200);
    let beas = (bea["id"].clone(), beta["main_site_id"].clone(), beta["id"].clone());
    assert_eq!((owner(&made[0]).await, owner(&made[1]).await), (beas.clone(), beas));
    // Nothing hangs on it any more.
    admin.delete(&format!("/api/Client/{}", id(&acme))).await.expect(200);
}

async fn an_import_is_marked_in_the_history(server: &Server) {
    let admin = server.admin().await;
    let site = client(&admin, "Acme").await["main_site_id"].clone();
    for (at, (path, mark, imported)) in [
        ("Client", json!({ "_isimport": true }), true),
        ("Client", json!({ "_importtype": "csv" }), true),
        ("Client", json!({ "_isimport": false, "_importtype": "" }), false),
        ("Client", json!({}), false),
        ("Site", json!({ "_isxero": true }), true),
        ("Site", json!({ "_importtype": "csv", "id": site }), true),
        ("Supplier", json!({ "_importtype": "csv" }), true),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = mark.clone();
        body["name"] = json!(format!("Record {at}"));
        body["client_id"] = json!(1);
        let saved = admin.post(&format!("/api/{path}"), body).await.json();
        let query = format!("/api/History?entity={path}&id={}", id(&saved));
        let history = admin.get(&query).await.expect(200);
        let newest = history.as_array().unwrap().iter().max_by_key(|row| row["id"].as_i64());
        let marked = newest.unwrap()["imported"].as_bool().unwrap();
        assert_eq!(marked, imported, "{path} {mark}: {history}");
    }
}
