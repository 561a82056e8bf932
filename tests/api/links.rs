//! Keys of other products: who else has them, /Client/NewAccountsId, /Client/PaymentMethodUpdate.

use aureole_testkit::{Actor, Server, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client_lists::limited;
use crate::writes::{client, get, id, make};

on_both_databases!(
    a_second_client_with_a_key_is_told,
    an_account_link_is_unique_in_its_tenant,
    account_links_are_all_that_is_written,
    a_payment_method_is_all_that_is_written,
    the_odd_posts_repeat_and_rehearse,
    a_link_of_a_hidden_client_is_taken,
    of_two_with_one_link_one_wins,
);

/// Every key that another product knows a client by.
const KEYS: &[(&str, &str)] = &[
    ("xeroid", "\"x-1\""),
    ("connectwiseid", "11"),
    ("autotaskid", "12"),
    ("datto_id", "\"d\""),
    ("datto_alternate_id", "13"),
    ("datto_commerce_id", "14"),
    ("hubspot_id", "\"h\""),
    ("auvik_id", "\"a\""),
    ("passportal_id", "9007199254740993"),
    ("ninjarmmid", "15"),
    ("liongardid", "16"),
    ("kaseyaid", "\"k\""),
    ("stripe_customer_id", "\"cus_1\""),
    ("stripe_payment_method_id", "\"pm_1\""),
    ("itglue_id", "\"i\""),
    ("accountsid", "\"acc\""),
    ("kashflowid", "17"),
    ("snelstart_id", "\"s\""),
    ("avalara_id", "\"av\""),
    ("qbo_company_id", "\"q\""),
    ("dbc_company_id", "\"dbc\""),
    ("ateraid", "18"),
    ("syncroid", "19"),
    ("cautomateid", "20"),
    ("device42id", "21"),
    ("servicenowid", "\"sn\""),
    ("snow_id", "22"),
    ("gficlientid", "\"g\""),
    ("twilio_subaccount_sid", "\"AC1\""),
];

fn warning(record: &Value) -> &str {
    record["_warning"].as_str().unwrap_or("")
}

async fn post(admin: &Actor, body: String) -> Value {
    let answer = admin.post_text("/api/Client", "application/json", body).await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    answer.json()
}

async fn a_second_client_with_a_key_is_told(server: &Server) {
    let admin = server.admin().await;
    let first = id(&client(&admin, "First").await);
    let second = id(&client(&admin, "Second").await);
    for (name, value) in KEYS {
        let set = post(&admin, format!("{{\"id\":{first},\"{name}\":{value}}}")).await;
        assert_eq!(warning(&set), "", "{name}");
        let told = post(&admin, format!("{{\"id\":{second},\"{name}\":{value}}}")).await;
        let expected = format!("{name}: client {first} (First) has the same one");
        assert_eq!(warning(&told), expected);
        let read = admin.get(&format!("/api/Client/{second}")).await.text;
        assert!(read.contains(&format!("\"{name}\":{value}")), "{name} was not kept: {read}");
        // The same again changes nothing and is not worth a word.
        let again = post(&admin, format!("{{\"id\":{second},\"{name}\":{value}}}")).await;
        assert_eq!(warning(&again), "", "{name}");
        // Who gave the key up is not named any more.
        post(&admin, format!("{{\"id\":{first},\"{name}\":null}}")).await;
        post(&admin, format!("{{\"id\":{second},\"{name}\":null}}")).await;
        let free = post(&admin, format!("{{\"id\":{second},\"{name}\":{value}}}")).await;
        assert_eq!(warning(&free), "", "{name}");
        post(&admin, format!("{{\"id\":{second},\"{name}\":null}}")).await;
    }
    for (at, unset) in ["\"\"", "null"].iter().enumerate() {
        let body = format!(
            "[{{\"name\":\"a{at}\",\"xeroid\":{unset}}},{{\"name\":\"b{at}\",\"xeroid\":{unset}}}]"
        );
        let made = post(&admin, body).await;
        assert_eq!((warning(&made[0]), warning(&made[1])), ("", ""));
    }
    // Within one request, whatever the letter case, and with the new client's own warning.
    let body = json!([{ "name": "One", "datto_id": "Dup" }, { "name": "Two", "datto_id": "dUP", "connectwiseid": -1 },
        { "name": "Three", "connectwiseid": -1 }]);
    let made = make(&admin, "Client", body).await;
    let expected = format!("datto_id: client {} (One) has the same one", id(&made[0]));
    assert_eq!((warning(&made[0]), warning(&made[1]), warning(&made[2])), ("", &expected[..], ""));
    // A deleted client is nobody any more; restored, it is somebody again.
    admin.delete(&format!("/api/Client/{}", id(&made[0]))).await.expect(200);
    let four = make(&admin, "Client", json!({ "name": "Four", "datto_id": "dup" })).await;
    assert_eq!(warning(&four), format!("datto_id: client {} (Two) has the same one", id(&made[1])));
    let history =
        admin.get(&format!("/api/History?entity=Client&id={}", id(&made[0]))).await.expect(200);
    let gone = history.as_array().unwrap().iter().find(|row| row["operation"] == "deleted");
    let change = gone.unwrap()["id"].clone();
    admin.post(&format!("/api/History/{change}/restore"), json!({})).await.expect(200);
    let five = make(&admin, "Client", json!({ "name": "Five", "datto_id": "dup" })).await;
    assert!(warning(&five).contains("(One)"), "{five}");
}

async fn an_account_link_is_unique_in_its_tenant(server: &Server) {
    let admin = server.admin().await;
    let made = make(&admin, "Client", json!([{ "name": "A" }, { "name": "B" }])).await;
    let (a, b) = (id(&made[0]), id(&made[1]));
    let cases = [
        // The same key in the same tenant is refused, in another it is another.
        ("xeroid", json!("X"), "xero_tenant_id", json!("T1"), json!("T2")),
        ("xeroid", json!("Y"), "xerodetails_id", json!(1), json!(2)),
        ("kashflowid", json!(5), "kashflow_tenant_id", json!(1), json!(2)),
        ("avalara_id", json!("V"), "avalara_tenant", json!(1), json!(2)),
        ("accountsid", json!("C"), "qbo_company_id", json!("Q1"), json!("Q2")),
        ("accountsid", json!("D"), "myob_tenant", json!(1), json!(2)),
    ];
    for (name, value, tenant, one, two) in cases {
        let link = |id: i64, at: &Value| json!([{ "id": id, name: value, tenant: at }]);
        admin.post("/api/Client/NewAccountsId", link(a, &one)).await.expect(200);
        let answer = admin.post("/api/Client/NewAccountsId", link(b, &one)).await;
        let errors = answer.expect_error(400, "duplicate");
        let message = format!("must be unique: client {a} has it already");
        assert_eq!(errors[format!("[0].{name}")], json!([message]), "{errors}");
        assert_eq!(answer.json()["id"], a);
        assert_eq!(get(&admin, "Client", b, "").await.get(name), client_default(name).as_ref());
        let other = admin.post("/api/Client/NewAccountsId", link(b, &two)).await.expect(200);
        assert_eq!((&other[name], warning(&other)), (&value, ""));
        // Repeating it changes nothing.
        let rev = admin.get(&format!("/api/Client/{b}")).await.header("etag").to_owned();
        admin.post("/api/Client/NewAccountsId", link(b, &two)).await.expect(200);
        assert_eq!(admin.get(&format!("/api/Client/{b}")).await.header("etag"), rev);
        let clear = |id: i64| json!({ "id": id, name: null, tenant: null });
        admin.post("/api/Client", json!([clear(a), clear(b)])).await.expect(200);
    }
    // A company of QuickBooks without a customer in it is the link itself.
    admin
        .post("/api/Client/NewAccountsId", json!({ "id": a, "qbo_company_id": "Q" }))
        .await
        .expect(200);
    let answer =
        admin.post("/api/Client/NewAccountsId", json!({ "id": b, "qbo_company_id": "q" })).await;
    assert!(answer.expect_error(400, "duplicate")["qbo_company_id"].is_array());
    // Where tenants of another product differ, the link is the same all the same.
    admin
        .post(
            "/api/Client/NewAccountsId",
            json!({ "id": a, "xeroid": "Z", "xero_tenant_id": "T", "kashflow_tenant_id": 9 }),
        )
        .await
        .expect(200);
    let answer = admin
        .post("/api/Client/NewAccountsId", json!({ "id": b, "xeroid": "z", "xero_tenant_id": "T" }))
        .await;
    assert!(answer.expect_error(400, "duplicate")["xeroid"].is_array());
    // All or nothing, and every problem at once.
    let body = json!([{ "id": b, "snelstart_id": "new" }, { "id": b, "xeroid": "z", "xero_tenant_id": "T" }, { "xeroid": 5 }]);
    let errors =
        admin.post("/api/Client/NewAccountsId", body).await.expect_error(400, "validation");
    let paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    assert_eq!(paths, ["[1].xeroid", "[2].id"], "{errors}");
    assert!(get(&admin, "Client", b, "").await.get("snelstart_id").is_none());
    // A merged client has given its links up.
    admin.post("/api/Client", json!({ "id": a, "_merge_client_into": b })).await.expect(200);
    let body = json!({ "id": b, "xeroid": "z", "xero_tenant_id": "T" });
    let kept = admin.post("/api/Client/NewAccountsId", body).await.expect(200);
    assert_eq!((&kept["xeroid"], warning(&kept)), (&json!("z"), ""));
}

/// What an unset field of a client reads as; `None` when it is left out.
fn client_default(name: &str) -> Option<Value> {
    matches!(name, "xeroid" | "accountsid").then(|| json!(""))
}

async fn account_links_are_all_that_is_written(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&make(&admin, "Client", json!({ "name": "Acme", "ref": "old" })).await);
    let body = json!([{ "id": acme.to_string(), "xeroid": "x", "name": "Other", "ref": "new", "nonsense": 1 }]);
    let done = admin.post("/api/Client/NewAccountsId", body).await.expect(200);
    assert_eq!(
        (&done["name"], &done["ref"], &done["xeroid"]),
        (&json!("Acme"), &json!("old"), &json!("x"))
    );
    for name in ["name", "ref", "nonsense"] {
        assert!(warning(&done).contains(name), "{done}");
    }
    let done = admin
        .post(
            "/api/Client/NewAccountsId",
            json!([{ "id": acme, "xeroid": null }, { "id": acme, "accountsid": "a" }]),
        )
        .await
        .expect(200);
    assert_eq!((&done[1]["xeroid"], &done[1]["accountsid"]), (&json!(""), &json!("a")));
    assert_eq!(admin.post("/api/Client/NewAccountsId", json!([])).await.expect(200), json!([]));
    admin
        .post("/api/Client/NewAccountsId", json!({ "id": 4242, "xeroid": "x" }))
        .await
        .expect_error(404, "not_found");
    for wrong in [json!({ "xeroid": "x" }), json!({ "id": 0, "xeroid": "x" }), json!({ "id": "x" })]
    {
        let errors =
            admin.post("/api/Client/NewAccountsId", wrong).await.expect_error(400, "validation");
        assert_eq!(errors["id"], json!(["is required"]));
    }
    let errors =
        admin.post("/api/Client/NewAccountsId", json!({ "id": acme, "kashflowid": "x" })).await;
    assert!(errors.expect_error(400, "validation")["kashflowid"].is_array());
    admin.get("/api/Client/NewAccountsId").await.expect_error(405, "method_not_allowed");
    for (scope, status) in [
        ("edit:invoices", 200),
        ("edit:customers", 200),
        ("read:customers", 403),
        ("edit:crm", 403),
    ] {
        let actor = server.with_scope(scope).await;
        for path in ["NewAccountsId", "PaymentMethodUpdate"] {
            let answer = actor.post(&format!("/api/Client/{path}"), json!({ "id": acme })).await;
            assert_eq!(answer.status, status, "{scope} {path}: {}", answer.text);
        }
    }
    server
        .nobody()
        .post("/api/Client/NewAccountsId", json!({ "id": acme }))
        .await
        .expect_error(401, "unauthorized");
}

async fn a_payment_method_is_all_that_is_written(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let method = json!({
        "id": id(&acme), "stripe_customer_id": "cus", "stripe_payment_method_id": "pm", "stripe_payment_method_name": "Visa",
        "name": "Other", "xeroid": "x",
    });
    let done = admin.post("/api/Client/PaymentMethodUpdate", json!([method])).await.expect(200);
    assert_eq!(
        (&done["stripe_customer_id"], &done["stripe_payment_method_id"]),
        (&json!("cus"), &json!("pm"))
    );
    assert_eq!(
        (&done["stripe_payment_method_name"], &done["name"]),
        (&json!("Visa"), &json!("Acme"))
    );
    assert!(warning(&done).contains("name, xeroid"), "{done}");
    let cleared = json!({ "id": id(&acme), "stripe_customer_id": null, "stripe_payment_method_id": null, "stripe_payment_method_name": null });
    let done = admin.post("/api/Client/PaymentMethodUpdate", cleared).await.expect(200);
    assert_eq!(
        (&done["stripe_customer_id"], &done["stripe_payment_method_id"]),
        (&json!(""), &json!(""))
    );
    assert!(done.get("stripe_payment_method_name").is_none());
    // An end user reaches its own client, and learns nothing of others.
    let other =
        make(&admin, "Client", json!({ "name": "Other", "stripe_customer_id": "cus_2" })).await;
    let user = json!({ "name": "Una", "emailaddress": "una@x.example", "password": "a-long-password", "site_id": acme["main_site_id"] });
    make(&admin, "Users", user).await;
    let form = [
        ("grant_type", "password"),
        ("client_id", "demo"),
        ("client_secret", "demo-secret"),
        ("scope", "all"),
        ("username", "una@x.example"),
        ("password", "a-long-password"),
    ];
    let token =
        server.nobody().form("/auth/token", &form).await.expect(200)["access_token"].clone();
    let una = server.nobody().with_token(token.as_str().unwrap());
    let body = json!({ "id": id(&acme), "stripe_customer_id": "cus_2", "stripe_payment_method_name": "Amex" });
    let done = una.post("/api/Client/PaymentMethodUpdate", body).await.expect(200);
    assert_eq!((&done["stripe_payment_method_name"], warning(&done)), (&json!("Amex"), ""));
    assert!(done.get("stripe_customer_id").is_none() && done.get("notes").is_none(), "{done}");
    let body = json!({ "id": id(&other), "stripe_customer_id": "x" });
    una.post("/api/Client/PaymentMethodUpdate", body).await.expect_error(404, "not_found");
    assert_eq!(get(&admin, "Client", id(&other), "").await["stripe_customer_id"], "cus_2");
}

async fn the_odd_posts_repeat_and_rehearse(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    for (path, field) in
        [("NewAccountsId", "xeroid"), ("PaymentMethodUpdate", "stripe_customer_id")]
    {
        let path = format!("/api/Client/{path}");
        let body = json!({ "id": acme, field: "v" });
        let rehearsed = admin.post(&format!("{path}?dryrun=true"), body.clone()).await.expect(200);
        assert_eq!(rehearsed[field], "v");
        assert_eq!(get(&admin, "Client", acme, "").await[field], "");
        admin
            .post(&format!("{path}?dryrun=maybe"), body.clone())
            .await
            .expect_error(400, "validation");
        let send = |body: &Value| {
            admin.request(Method::POST, &path).header("idempotency-key", path.as_str()).json(body)
        };
        let first = admin.send(send(&body)).await;
        let again = admin.send(send(&body)).await;
        assert_eq!((first.status, first.text.as_str()), (200, again.text.as_str()));
        assert_eq!(again.header("idempotency-replayed"), "true");
        let other = admin.send(send(&json!({ "id": acme, field: "w" }))).await;
        other.expect_error(422, "idempotency_mismatch");
    }
}

async fn a_link_of_a_hidden_client_is_taken(server: &Server) {
    let admin = server.admin().await;
    let (own, hidden) = (id(&client(&admin, "Own").await), id(&client(&admin, "Hidden").await));
    let link = |id: i64| json!([{ "id": id, "xeroid": "taken", "xero_tenant_id": "T" }]);
    admin.post("/api/Client/NewAccountsId", link(hidden)).await.expect(200);
    let limits = json!({ "allowed_clients": [{ "client_id": own }] });
    let actor = limited(server, &admin, limits).await;
    let answer = actor.post("/api/Client/NewAccountsId", link(own)).await;
    let errors = answer.expect_error(400, "duplicate");
    let expected = json!(["must be unique: another client has it already"]);
    assert_eq!(errors["[0].xeroid"], expected);
    assert!(!answer.text.contains("Hidden") && answer.json()["id"] != hidden, "{}", answer.text);
    assert_eq!(get(&admin, "Client", own, "").await["xeroid"], "");
}

async fn of_two_with_one_link_one_wins(server: &Server) {
    let admin = server.admin().await;
    let mut clients = Vec::new();
    for name in 0..4 {
        clients.push(id(&client(&admin, &format!("C{name}")).await));
    }
    for round in 0..8 {
        let post = async |at: usize| {
            let key = format!("x{round}");
            let body = json!({ "id": clients[at], "xeroid": key, "xero_tenant_id": "T" });
            admin.post("/api/Client/NewAccountsId", body).await.status
        };
        let (a, b, c, d) = tokio::join!(post(0), post(1), post(2), post(3));
        let mut statuses = [a, b, c, d];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400], "round {round}");
    }
}
