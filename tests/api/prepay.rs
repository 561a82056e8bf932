//! Prepay: the ledger of lots and uses, and what a client shows of it.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    lots_are_made_listed_and_read,
    a_lot_keeps_what_the_ledger_is_made_of,
    a_deletion_adds_the_reversing_lot,
    uses_draw_from_the_lot_that_expires_first,
    a_client_shows_its_sums_and_lots,
    periods_sum_the_ledger,
    amounts_count_instead_of_hours,
    the_history_tells_of_lots_uses_and_deletions,
    the_scopes_invoices_and_customers_open_prepay,
);

pub const DAY_MS: i64 = 86_400_000;

/// A date-time some days from the server's now.
pub fn day(server: &Server, days: i64) -> String {
    let at = server.app().clock.now_ms() / 1000 * 1000 + days * DAY_MS;
    aureole_catalogue::value::format_millis(at)
}

pub async fn lot(actor: &Actor, body: Value) -> Value {
    make(actor, "ClientPrepay", body).await
}

pub async fn take(actor: &Actor, client_id: i64, hours: &str, date: &str) -> Value {
    let body = format!(
        r#"[{{"client_id":{client_id},"hours":{hours},"date":"{date}","description":"Work"}}]"#
    );
    let body: Value = serde_json::from_str(&body).unwrap();
    actor.post("/api/ClientPrepay/use", body).await.expect(201)
}

/// `prepaytotal`, `prepayused` and `prepaybalance`, as they stand in the reply.
pub async fn sums(actor: &Actor, client_id: i64) -> [String; 3] {
    let read = get(actor, "Client", client_id, "?includeprepay=true").await;
    ["prepaytotal", "prepayused", "prepaybalance"].map(|name| read[name].to_string())
}

/// The lots of a client as (date, hours), oldest first.
pub async fn lots(actor: &Actor, client_id: i64) -> Vec<(String, String)> {
    let read = get(actor, "Client", client_id, "?includeprepay=true").await;
    let rows = read["prepayhistory"].as_array().unwrap();
    rows.iter()
        .map(|row| (row["date"].as_str().unwrap().to_owned(), row["hours"].to_string()))
        .collect()
}

async fn lots_are_made_listed_and_read(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (id(&client(&admin, "Acme").await), id(&client(&admin, "Beta").await));
    let made = lot(&admin, json!([{
        "client_id": acme, "date": "2026-01-15", "hours": 10.25, "amount": "999.99",
        "description": "Ten hours", "expirydate": "2027-01-15", "invoice_id": "INV-1", "invoice_number": "1",
    }]))
    .await;
    assert_eq!(
        (&made["client_name"], &made["date"]),
        (&json!("Acme"), &json!("2026-01-15T00:00:00"))
    );
    assert_eq!(
        (made["hours"].to_string(), made["amount"].to_string()),
        ("10.25".into(), "999.99".into())
    );
    let read = get(&admin, "ClientPrepay", id(&made), "?includedetails=true").await;
    assert_eq!(
        (&read["invoice_id"], &read["expirydate"]),
        (&json!("INV-1"), &json!("2027-01-15T00:00:00"))
    );
    let correction =
        lot(&admin, json!({ "client_id": acme, "hours": -2.5, "description": "Correction" })).await;
    assert!(correction["date"].is_string());
    let other = lot(
        &admin,
        json!({ "client_name": "Beta", "hours": 1, "amount": 80, "date": "2026-02-01" }),
    )
    .await;
    assert_eq!(other["client_id"], beta);
    let ids = |list: Value| -> Vec<i64> { list.as_array().unwrap().iter().map(id).collect() };
    let list = |query: String| {
        let admin = admin.clone();
        async move { ids(admin.get(&format!("/api/ClientPrepay{query}")).await.expect(200)) }
    };
    let (first, second, third) = (id(&made), id(&correction), id(&other));
    assert_eq!(list(String::new()).await, [first, second, third]);
    assert_eq!(list(format!("?client_id={acme}")).await, [first, second]);
    assert_eq!(list(format!("?client_ids={beta},{}", 99)).await, [third]);
    assert_eq!(list("?order=date&orderdesc=true".to_owned()).await, [second, third, first]);
    assert_eq!(list("?order=hours&count=1".to_owned()).await, [second]);
    assert_eq!(list("?search=ten".to_owned()).await, [first]);
    assert_eq!(list("?billing_date=2026-01-31".to_owned()).await, [first]);
    assert_eq!(list("?ready_for_invoicing=true".to_owned()).await, [third]);
    assert_eq!(list("?contract_id=5".to_owned()).await, [0_i64; 0]);
    admin.get("/api/ClientPrepay?billing_date=soon").await.expect_error(400, "validation");
    admin.get("/api/ClientPrepay/4711").await.expect_error(404, "not_found");
    for (body, field) in [
        (json!({ "hours": 1 }), "client_id"),
        (json!({ "client_id": 4711, "hours": 1 }), "client_id"),
        (json!({ "client_id": acme, "hours": 0 }), "hours"),
        (json!({ "client_id": acme, "hours": 1.00001 }), "hours"),
        (
            json!({ "client_id": acme, "hours": 1, "date": "2026-02-01", "expirydate": "2026-02-01" }),
            "expirydate",
        ),
    ] {
        let errors =
            admin.post("/api/ClientPrepay", body.clone()).await.expect_error(400, "validation");
        assert!(errors[field].is_array(), "{body}: {errors}");
    }
}

async fn a_lot_keeps_what_the_ledger_is_made_of(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let beta = id(&client(&admin, "Beta").await);
    let made = lot(&admin, json!({ "client_id": acme, "hours": 10, "date": "2026-01-15" })).await;
    let body = json!({
        "id": id(&made), "description": "New", "expirydate": "2028-01-01", "invoice_id": "7",
        "invoice_number": "INV7", "invoicedate": "2026-02-01",
    });
    let changed = admin.post("/api/ClientPrepay", body).await.expect(200);
    assert_eq!(
        (&changed["description"], &changed["invoice_number"]),
        (&json!("New"), &json!("INV7"))
    );
    // Clients post back what they read.
    let read = get(&admin, "ClientPrepay", id(&made), "").await;
    admin.post("/api/ClientPrepay", json!([read])).await.expect(200);
    for (name, value) in [
        ("hours", json!(11)),
        ("amount", json!(5)),
        ("date", json!("2026-01-16")),
        ("client_id", json!(beta)),
        ("hours", json!(null)),
        ("date", json!(null)),
    ] {
        let mut body = json!({ "id": id(&made) });
        body[name] = value;
        let errors = admin.post("/api/ClientPrepay", body).await.expect_error(400, "validation");
        assert!(errors[name].is_array(), "{name}: {errors}");
    }
    let body = json!({ "id": id(&made), "expirydate": "2026-01-01" });
    admin.post("/api/ClientPrepay", body).await.expect_error(400, "validation");
    let body = json!({ "id": id(&made), "reverses_id": 1 });
    admin.post("/api/ClientPrepay", body).await.expect(200);
    assert!(get(&admin, "ClientPrepay", id(&made), "").await.get("reverses_id").is_none());
    let used = take(&admin, acme, "1", "2026-03-01").await;
    let errors = admin.post("/api/ClientPrepay/use", json!({ "id": id(&used), "hours": 2 })).await;
    errors.expect_error(400, "validation");
}

async fn a_deletion_adds_the_reversing_lot(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let made = lot(&admin, json!({
        "client_id": acme, "hours": 10.5, "amount": 500, "date": day(server, -20), "expirydate": day(server, -5),
        "description": "Wrong",
    }))
    .await;
    lot(&admin, json!({ "client_id": acme, "hours": 3, "date": day(server, -20) })).await;
    assert_eq!(sums(&admin, acme).await, ["13.5", "0", "3"]);
    let path = format!("/api/ClientPrepay/{}", id(&made));
    let would = admin.delete(&format!("{path}?dryrun=true")).await.expect(200);
    assert_eq!(would["hours"].to_string(), "-10.5");
    assert_eq!(sums(&admin, acme).await, ["13.5", "0", "3"]);
    let reversing = admin.delete(&path).await.expect(200);
    assert_eq!(
        (reversing["hours"].to_string(), reversing["amount"].to_string()),
        ("-10.5".into(), "-500".into())
    );
    assert_eq!(reversing["reverses_id"], made["id"]);
    assert_ne!(reversing["id"], made["id"]);
    assert_eq!(get(&admin, "ClientPrepay", id(&made), "").await["hours"].to_string(), "10.5");
    // It had expired, so the balance is what it was.
    assert_eq!(sums(&admin, acme).await, ["3", "0", "3"]);
    admin.delete(&path).await.expect_error(400, "validation");
    // Taking the reversal back brings the lot back, and it is expired still.
    let again = admin.delete(&format!("/api/ClientPrepay/{}", id(&reversing))).await.expect(200);
    assert_eq!(again["hours"].to_string(), "10.5");
    assert_eq!(sums(&admin, acme).await, ["13.5", "0", "3"]);
    admin.delete("/api/ClientPrepay/4711").await.expect_error(404, "not_found");
    let open = lot(&admin, json!({ "client_id": acme, "hours": 8 })).await;
    assert_eq!(sums(&admin, acme).await, ["21.5", "0", "11"]);
    admin.delete(&format!("/api/ClientPrepay/{}", id(&open))).await.expect(200);
    assert_eq!(sums(&admin, acme).await, ["13.5", "0", "3"]);
}

async fn uses_draw_from_the_lot_that_expires_first(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    for (hours, expiry) in [(10, None), (5, Some(40)), (5, Some(20)), (7, Some(-10))] {
        let mut body = json!({ "client_id": acme, "hours": hours, "date": day(server, -30) });
        if let Some(days) = expiry {
            body["expirydate"] = json!(day(server, days));
        }
        lot(&admin, body).await;
    }
    let used = take(&admin, acme, "6.75", &day(server, -1)).await;
    assert_eq!(
        (&used["client_name"], used["hours"].to_string()),
        (&json!("Acme"), "6.75".to_owned())
    );
    assert_eq!(sums(&admin, acme).await, ["27", "6.75", "13.25"]);
    // Nothing was left of the lot that expired on day 20, and 3.25 of the next.
    server.advance_ms(21 * DAY_MS);
    let admin = server.admin().await;
    assert_eq!(sums(&admin, acme).await, ["27", "6.75", "13.25"]);
    server.advance_ms(20 * DAY_MS);
    let admin = server.admin().await;
    assert_eq!(sums(&admin, acme).await, ["27", "6.75", "10"]);
    take(&admin, acme, "12.0001", &day(server, 0)).await;
    assert_eq!(sums(&admin, acme).await, ["27", "18.7501", "-2.0001"]);
    lot(&admin, json!({ "client_id": acme, "hours": 5 })).await;
    assert_eq!(sums(&admin, acme).await, ["32", "18.7501", "2.9999"]);
    let list = admin.get(&format!("/api/ClientPrepay/use?client_id={acme}")).await.expect(200);
    assert_eq!(list.as_array().unwrap().len(), 2);
    for (body, field) in [
        (json!([{ "hours": 1 }]), "[0].client_id"),
        (json!([{ "client_id": acme }]), "[0].hours"),
        (json!([{ "client_id": acme, "amount": 5 }]), "[0].hours"),
        (json!([{ "client_id": acme, "hours": -1 }]), "[0].hours"),
        (json!([{ "client_id": acme, "hours": 1, "ticket_id": 4711 }]), "[0].ticket_id"),
    ] {
        let errors =
            admin.post("/api/ClientPrepay/use", body.clone()).await.expect_error(400, "validation");
        assert!(errors[field].is_array(), "{body}: {errors}");
    }
    let other = client(&admin, "Beta").await;
    let ticket =
        json!({ "summary": "t", "client_id": other["id"], "site_id": other["main_site_id"] });
    let ticket = make(&admin, "Tickets", ticket).await;
    let body = json!([{ "client_id": acme, "hours": 1, "ticket_id": ticket["id"] }]);
    admin.post("/api/ClientPrepay/use", body).await.expect_error(400, "validation");
    let body = json!({ "client_id": other["id"], "hours": 1, "ticket_id": ticket["id"] });
    admin.post("/api/ClientPrepay/use", body).await.expect(201);
}

async fn a_client_shows_its_sums_and_lots(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let plain = get(&admin, "Client", acme, "").await;
    for name in ["prepaytotal", "prepayused", "prepaybalance", "prepayhistory", "periods"] {
        assert!(plain.get(name).is_none(), "{name}");
    }
    let empty = get(&admin, "Client", acme, "?includeprepay=true").await;
    assert_eq!((&empty["prepaybalance"], &empty["prepayhistory"]), (&json!(0), &json!([])));
    let newer =
        lot(&admin, json!({ "client_id": acme, "hours": 0.1, "date": day(server, -1) })).await;
    let older =
        lot(&admin, json!({ "client_id": acme, "hours": 0.2, "date": day(server, -2) })).await;
    let future =
        lot(&admin, json!({ "client_id": acme, "hours": 7, "date": day(server, 2) })).await;
    let full = get(&admin, "Client", acme, "?includeprepay=true").await;
    assert_eq!(full["prepaybalance"].to_string(), "0.3");
    let ids: Vec<i64> = full["prepayhistory"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(ids, [id(&older), id(&newer), id(&future)]);
    let gone = admin.delete(&format!("/api/Client/{acme}")).await;
    gone.expect(200);
    admin.get(&format!("/api/ClientPrepay/{}", id(&older))).await.expect_error(404, "not_found");
}

async fn periods_sum_the_ledger(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    lot(&admin, json!({ "client_id": acme, "hours": 10, "date": day(server, -1), "expirydate": day(server, 45) })).await;
    take(&admin, acme, "2.5", &day(server, 0)).await;
    let read = get(&admin, "Client", acme, "?includeperiods=true").await;
    let now = read["periods"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&now["current"], now["hours_remaining"].to_string()),
        (&json!(true), "7.5".to_owned())
    );
    assert_eq!(now["hours_used_this_period"].to_string(), "2.5");
    assert!(now["start_date"].as_str().unwrap().ends_with("-01T00:00:00"), "{now}");
    assert!(read.get("prepayhistory").is_none());
    server.advance_ms(92 * DAY_MS);
    let admin = server.admin().await;
    let read = get(&admin, "Client", acme, "?includeperiods=true").await;
    let periods = read["periods"].as_array().unwrap();
    assert!((4..=5).contains(&periods.len()), "{periods:?}");
    let sum = |name: &str| -> f64 { periods.iter().map(|row| row[name].as_f64().unwrap()).sum() };
    let sums = ["hours_added", "hours_expired", "hours_used_this_period"].map(sum);
    assert_eq!(sums, [10.0, 7.5, 2.5]);
    assert_eq!(periods.iter().filter(|row| row["current"] == true).count(), 1);
    assert_eq!(periods.last().unwrap()["hours_remaining"], 0);
    // A yearly agreement has fewer.
    admin
        .post("/api/Client", json!({ "id": acme, "prepayrecurringchargebp": 5 }))
        .await
        .expect(200);
    let read = get(&admin, "Client", acme, "?includeperiods=true").await;
    assert!(read["periods"].as_array().unwrap().len() <= 2, "{read}");
    let body = json!({ "id": acme, "prepayrecurringchargebp": 42 });
    admin.post("/api/Client", body).await.expect_error(400, "validation");
}

async fn amounts_count_instead_of_hours(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&make(&admin, "Client", json!({ "name": "Acme", "prepayasamount": true })).await);
    lot(&admin, json!({ "client_id": acme, "amount": 100.1, "hours": 2 })).await;
    let odd = lot(&admin, json!({ "client_id": acme, "hours": 2 })).await;
    assert!(odd["_warning"].as_str().unwrap().contains("amount"), "{odd}");
    admin
        .post("/api/ClientPrepay/use", json!([{ "client_id": acme, "hours": 1 }]))
        .await
        .expect(400);
    admin
        .post("/api/ClientPrepay/use", json!([{ "client_id": acme, "amount": 0.2 }]))
        .await
        .expect(201);
    assert_eq!(sums(&admin, acme).await, ["100.1", "0.2", "99.9"]);
    let read = get(&admin, "Client", acme, "?includeperiods=true").await;
    let now = read["periods"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(now["amount_remaining"].to_string(), "99.9");
    assert!(now.get("hours_remaining").is_none(), "{now}");
}

async fn the_history_tells_of_lots_uses_and_deletions(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let made = lot(&admin, json!({ "client_id": acme, "hours": 10 })).await;
    admin
        .post("/api/ClientPrepay", json!({ "id": id(&made), "description": "d" }))
        .await
        .expect(200);
    let used = take(&admin, acme, "1", &day(server, 0)).await;
    let reversing = admin.delete(&format!("/api/ClientPrepay/{}", id(&made))).await.expect(200);
    let operations = |entity: &'static str, id: i64| {
        let admin = admin.clone();
        async move {
            let list =
                admin.get(&format!("/api/History?entity={entity}&id={id}")).await.expect(200);
            let rows = list.as_array().unwrap().iter();
            rows.map(|row| row["operation"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(operations("PrepayLot", id(&made)).await, ["updated", "created"]);
    assert_eq!(operations("PrepayLot", id(&reversing)).await, ["created"]);
    assert_eq!(operations("PrepayUse", id(&used)).await, ["created"]);
    assert_eq!(sums(&admin, acme).await, ["0", "1", "-1"]);
    admin.delete(&format!("/api/PrepayUse/{}", id(&used))).await.expect(200);
    assert_eq!(operations("PrepayUse", id(&used)).await, ["deleted", "created"]);
    assert_eq!(sums(&admin, acme).await, ["0", "0", "0"]);
}

async fn the_scopes_invoices_and_customers_open_prepay(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    for scope in ["edit:invoices", "edit:customers"] {
        let actor = server.with_scope(scope).await;
        lot(&actor, json!({ "client_id": acme, "hours": 1 })).await;
        take(&actor, acme, "1", &day(server, 0)).await;
    }
    for scope in ["read:invoices", "read:customers"] {
        let actor = server.with_scope(scope).await;
        assert_eq!(actor.get("/api/ClientPrepay").await.expect(200).as_array().unwrap().len(), 2);
        actor.post("/api/ClientPrepay", json!({ "client_id": acme, "hours": 1 })).await.expect(403);
        actor
            .post("/api/ClientPrepay/use", json!([{ "client_id": acme, "hours": 1 }]))
            .await
            .expect(403);
        actor.delete("/api/ClientPrepay/1").await.expect(403);
    }
    let actor = server.with_scope("all:standard").await;
    actor.get("/api/ClientPrepay").await.expect(200);
    server.with_scope("edit:tickets").await.get("/api/ClientPrepay").await.expect(403);
    server.nobody().get("/api/ClientPrepay").await.expect(401);
}
