//! Recurring items: what is due, how dates move on, and what is refused.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    due_items_are_listed,
    dates_keep_the_anchor_day,
    an_end_ends_or_renews,
    every_renewal_is_as_long_as_the_first,
    twice_is_once,
    items_are_checked,
    a_period_code_means_what_its_label_says,
);

/// Days from the server's today, as a date.
fn day(server: &Server, days: i64) -> String {
    let at = server.app().clock.now_ms() + days * 86_400_000;
    aureole_catalogue::value::format_millis(at)[..10].to_owned()
}

async fn item(admin: &Actor, mut body: Value, client_id: i64) -> i64 {
    body["client_id"] = json!(client_id);
    id(&make(admin, "RecurringItem", body).await)
}

async fn invoiced(admin: &Actor, item: i64, mut body: Value) -> Value {
    body["id"] = json!(item);
    admin.post("/api/RecurringItem/invoiced", json!([body])).await.expect(200)
}

async fn due_items_are_listed(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (id(&client(&admin, "Acme").await), id(&client(&admin, "Beta").await));
    let (past, today, soon) = (day(server, -3), day(server, 0), day(server, 1));
    let mut made = Vec::new();
    for body in [
        json!({ "areaitemdesc": "due long", "nextinvoicedate": past }),
        json!({ "areaitemdesc": "due today", "startdate": today }),
        json!({ "areaitemdesc": "ends today", "nextinvoicedate": past, "enddate": today }),
        json!({ "areaitemdesc": "not yet", "nextinvoicedate": soon }),
        json!({ "areaitemdesc": "not begun", "nextinvoicedate": past, "startdate": soon }),
        json!({ "areaitemdesc": "over", "nextinvoicedate": past, "enddate": past }),
        json!({ "areaitemdesc": "kept out", "nextinvoicedate": past, "dontinvoice": true }),
        json!({ "areaitemdesc": "no date" }),
    ] {
        made.push(item(&admin, body, acme).await);
    }
    let other = item(&admin, json!({ "nextinvoicedate": past }), beta).await;
    let ids = async |query: String| -> Vec<i64> {
        let list = admin.get(&format!("/api/RecurringItem?{query}")).await.expect(200);
        list.as_array().unwrap().iter().map(id).collect()
    };
    let mut due = made[..3].to_vec();
    assert_eq!(ids(format!("client_id={acme}")).await, made);
    assert_eq!(ids(format!("client_id={acme}&pending_recurring_invoice=true")).await, due);
    assert_eq!(ids(format!("client_id={acme}&pending_recurring_invoice=false")).await, made);
    due.push(other);
    assert_eq!(ids("pending_recurring_invoice=true".into()).await, due);
    assert_eq!(ids("client_id=4711".into()).await, [0_i64; 0]);
    for name in ["client_id", "pending_recurring_invoice"] {
        let errors = admin.get(&format!("/api/RecurringItem?{name}=x")).await;
        assert!(errors.expect_error(400, "validation")[name].is_array(), "{name}");
    }
}

async fn dates_keep_the_anchor_day(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    for (code, start, expected) in [
        (2, "2026-01-31", &["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"][..]),
        (1, "2026-12-28", &["2027-01-04", "2027-01-11"]),
        (3, "2026-11-30", &["2027-02-28", "2027-05-30"]),
        (4, "2026-08-31", &["2027-02-28", "2027-08-31"]),
        (5, "2024-02-29", &["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        (6, "2026-01-01", &["2028-01-01"]),
        (9, "2026-01-01", &["2031-01-01"]),
    ] {
        let body = json!({ "billingperiod_id": code, "startdate": start });
        let made = item(&admin, body, acme).await;
        let mut last = start;
        for next in expected {
            let read = invoiced(&admin, made, json!({})).await;
            let dates = (&read["lastinvoicedate"], &read["nextinvoicedate"]);
            let expected = (json!(format!("{last}T00:00:00")), json!(format!("{next}T00:00:00")));
            assert_eq!(dates, (&expected.0, &expected.1), "code {code}");
            last = next;
        }
    }
    // Once is once.
    let made = item(&admin, json!({ "startdate": "2026-01-31" }), acme).await;
    let read = invoiced(&admin, made, json!({})).await;
    assert!(read.get("nextinvoicedate").is_none(), "{read}");
}

async fn an_end_ends_or_renews(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let body = |renews: bool| {
        json!({
            "billingperiod_id": 2, "startdate": "2026-01-01", "enddate": "2026-02-28", "autorenew": renews,
        })
    };
    let ends = item(&admin, body(false), acme).await;
    invoiced(&admin, ends, json!({})).await;
    let over = invoiced(&admin, ends, json!({})).await;
    assert!(over.get("nextinvoicedate").is_none(), "{over}");
    assert_eq!(over["lastinvoicedate"], "2026-02-01T00:00:00");
    let refused = json!([{ "id": ends, "invoicenumber": "X" }]);
    let errors =
        admin.post("/api/RecurringItem/invoiced", refused).await.expect_error(400, "validation");
    assert!(errors["[0].date"].is_array(), "{errors}");
    let renews = item(&admin, body(true), acme).await;
    invoiced(&admin, renews, json!({})).await;
    let renewed = invoiced(&admin, renews, json!({})).await;
    assert_eq!(
        (&renewed["nextinvoicedate"], &renewed["enddate"]),
        (&json!("2026-03-01T00:00:00"), &json!("2026-04-30T00:00:00"))
    );
}

async fn every_renewal_is_as_long_as_the_first(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let body = json!({
        "billingperiod_id": 5, "startdate": "2026-01-01", "enddate": "2026-12-31", "autorenew": true,
    });
    let made = item(&admin, body, acme).await;
    let mut ends = Vec::new();
    for _ in 0..4 {
        let moved = invoiced(&admin, made, json!({})).await;
        ends.push(moved["enddate"].as_str().unwrap()[..10].to_owned());
    }
    assert_eq!(ends, ["2027-12-31", "2028-12-31", "2029-12-31", "2030-12-31"]);
    // What was read is posted back: the length stays. Another end date is another length.
    let read = get(&admin, "RecurringItem", made, "").await;
    admin.post("/api/RecurringItem", read).await.expect(200);
    let moved = invoiced(&admin, made, json!({})).await;
    assert_eq!(moved["enddate"], "2031-12-31T00:00:00");
    let body = json!({ "id": made, "startdate": "2031-01-01", "enddate": "2032-12-31" });
    admin.post("/api/RecurringItem", body).await.expect(200);
    for end in ["2032-12-31T00:00:00", "2034-12-31T00:00:00"] {
        assert_eq!(invoiced(&admin, made, json!({})).await["enddate"], end);
    }
}

async fn twice_is_once(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let body = json!({ "billingperiod_id": 2, "startdate": "2026-01-31" });
    let made = item(&admin, body, acme).await;
    let first =
        invoiced(&admin, made, json!({ "invoicenumber": "I-1", "date": "2026-01-31" })).await;
    assert_eq!(
        (&first["invoicenumber"], &first["nextinvoicedate"]),
        (&json!("I-1"), &json!("2026-02-28T00:00:00"))
    );
    for again in [
        json!({ "invoicenumber": "I-1" }),
        json!({ "invoicenumber": "I-1", "date": "2026-01-31" }),
        json!({ "invoicenumber": "I-9", "date": "2026-01-31" }),
        json!({ "date": "2025-12-31" }),
    ] {
        assert_eq!(invoiced(&admin, made, again.clone()).await, first, "{again}");
    }
    let path = "/api/RecurringItem/invoiced";
    let body = json!([
        { "id": made, "date": "2026-02-15" },
        { "id": made, "date": "2026-03-31" },
        { "id": made, "date": "soon" },
        { "id": made, "invoicenumber": [] },
        { "invoicenumber": "I-2" },
    ]);
    let errors = admin.post(path, body).await.expect_error(400, "validation");
    for at in ["[0].date", "[1].date", "[2].date", "[3].invoicenumber", "[4].id"] {
        assert!(errors[at].is_array(), "{at}: {errors}");
    }
    // One bad element keeps the good ones from being written.
    let body = json!([{ "id": made, "invoicenumber": "I-2" }, { "id": 4711 }]);
    admin.post(path, body).await.expect_error(404, "not_found");
    assert_eq!(get(&admin, "RecurringItem", made, "").await, first);
    let would = json!([{ "id": made.to_string(), "invoicenumber": "I-2" }]);
    let would = admin.post(&format!("{path}?dryrun=true"), would).await.expect(200);
    assert_eq!(would["nextinvoicedate"], "2026-03-31T00:00:00");
    assert_eq!(get(&admin, "RecurringItem", made, "").await, first);
    // A number from before the last one is no new invoice either.
    let second = invoiced(&admin, made, json!({ "invoicenumber": "I-2" })).await;
    assert_eq!(second["nextinvoicedate"], "2026-03-31T00:00:00");
    for number in ["I-1", "I-2"] {
        assert_eq!(invoiced(&admin, made, json!({ "invoicenumber": number })).await, second);
    }
    server
        .with_scope("read:items")
        .await
        .post(path, json!([]))
        .await
        .expect_error(403, "forbidden");
}

async fn items_are_checked(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let body = json!([
        { "areaitemdesc": "nobody's" },
        { "client_id": acme, "billingperiod_id": 42 },
        { "client_id": acme, "startdate": "2026-02-02", "enddate": "2026-02-01" },
        { "client_id": acme, "quantity": 1.00001, "sellingprice": "x", "item_id": 4711, "site_id": 4711 },
    ]);
    let errors = admin.post("/api/RecurringItem", body).await.expect_error(400, "validation");
    let paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "[0].client_id",
            "[1].billingperiod_id",
            "[2].enddate",
            "[3].quantity",
            "[3].sellingprice",
            "[3].site_id",
            "[3].item_id",
        ],
        "{errors}"
    );
    let list = admin.get("/api/RecurringItem").await.expect(200);
    assert_eq!(list, json!([]));
    let exact: Value = serde_json::from_str(
        r#"{"quantity": 0.1, "costprice": "19.99", "sellingprice": 123456789.1234}"#,
    )
    .unwrap();
    let made = item(&admin, exact, acme).await;
    let read = get(&admin, "RecurringItem", made, "").await;
    let shown = ["quantity", "costprice", "sellingprice"].map(|name| read[name].to_string());
    assert_eq!(shown, ["0.1", "19.99", "123456789.1234"]);
    let errors = admin
        .post("/api/Client", json!([{ "id": acme, "areaitems": [{ "billingperiod_id": 42 }] }]))
        .await
        .expect_error(400, "validation");
    assert!(errors["[0].areaitems[0].billingperiod_id"].is_array(), "{errors}");
    assert_eq!(admin.delete(&format!("/api/RecurringItem/{made}")).await.expect(200), read);
}

async fn a_period_code_means_what_its_label_says(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let codes = json!({ "period_codes": { "0": "Einmalig", "1": "Monthly", "2": "Monatlich", "20": "18 months", "21": "Fortnightly" } });
    admin.post("/api/Settings", codes).await.expect(200);
    for (code, next) in
        [(1, "2026-02-28"), (2, "2026-02-28"), (20, "2027-07-31"), (21, "2026-02-14")]
    {
        let body = json!({ "billingperiod_id": code, "startdate": "2026-01-31" });
        let made = item(&admin, body, acme).await;
        let read = invoiced(&admin, made, json!({})).await;
        assert_eq!(read["nextinvoicedate"], format!("{next}T00:00:00"), "code {code}");
    }
    // A code that the list does not have any more is refused, here and for prepay.
    for (path, body) in [
        ("RecurringItem", json!({ "client_id": acme, "billingperiod_id": 5 })),
        ("Client", json!({ "id": acme, "prepayrecurringchargebp": 5 })),
    ] {
        let refused = admin.post(&format!("/api/{path}"), body).await;
        refused.expect_error(400, "validation");
    }
    let unclear = json!({ "period_codes": { "30": "now and then" } });
    let errors = admin.post("/api/Settings", unclear).await.expect_error(400, "validation");
    assert!(errors["period_codes"].is_array(), "{errors}");
    let back = admin.post("/api/Settings", json!({ "period_codes": null })).await.expect(200);
    assert_eq!(back["period_codes"]["9"], "Five-yearly");
}
