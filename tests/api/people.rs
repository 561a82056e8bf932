//! End users, agents, top levels, tickets, ticket types, taxes and suppliers.

use aureole_server::auth::Role;
use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make, names};

on_both_databases!(
    a_user_belongs_to_the_client_of_its_site,
    a_password_is_write_only_and_works,
    users_are_listed_by_client_and_site,
    top_levels_do_not_go_round,
    top_levels_have_a_path_and_count_their_users,
    tickets_find_their_client,
    agents_have_roles_and_limits,
    definitions_need_an_administrator,
    suppliers_are_listed_by_tenant,
    new_ticket_types_are_open,
);

async fn a_user_belongs_to_the_client_of_its_site(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, client(&admin, "Beta").await);
    let errors = admin.post("/api/Users", json!([{ "emailaddress": "x@example.com" }])).await;
    let errors = errors.expect_error(400, "validation");
    assert!(errors["[0].name"].is_array() && errors["[0].site_id"].is_array(), "{errors}");
    let by_site =
        make(&admin, "Users", json!({ "name": "Una", "site_id": acme["main_site_id"] })).await;
    assert_eq!((&by_site["client_id"], &by_site["client_name"]), (&acme["id"], &json!("Acme")));
    let by_client = make(
        &admin,
        "Users",
        json!({ "firstname": "Uwe", "surname": "User", "client_id": id(&beta) }),
    )
    .await;
    assert_eq!(
        (&by_client["site_id"], &by_client["name"]),
        (&beta["main_site_id"], &json!("Uwe User"))
    );
    let moved = json!({ "id": id(&by_site), "site_id": beta["main_site_id"] });
    assert_eq!(admin.post("/api/Users", moved).await.expect(200)["client_name"], "Beta");
    let wrong = json!({ "name": "Una", "site_id": acme["main_site_id"], "client_id": id(&beta) });
    let errors = admin.post("/api/Users", wrong).await.expect_error(400, "validation");
    assert!(errors["client_id"].is_array(), "{errors}");
    let errors = admin.post("/api/Users", json!({ "name": "Una", "site_id": 4242 })).await;
    assert!(errors.expect_error(400, "validation")["site_id"].is_array());
    let errors =
        admin.post("/api/Users", json!({ "id": id(&by_site), "emailaddress": "nobody" })).await;
    assert!(errors.expect_error(400, "validation")["emailaddress"].is_array());
    let gone = admin.delete(&format!("/api/Users/{}", id(&by_site))).await.expect(200);
    assert_eq!(gone["id"], by_site["id"]);
}

async fn a_password_is_write_only_and_works(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let body = json!([{ "name": "Una", "site_id": acme["main_site_id"], "emailaddress": "una@acme.example", "password": "correct horse" }]);
    let made = make(&admin, "Users", body).await;
    assert!(made.get("_warning").is_none(), "{made}");
    let sign_in = async |login: &str, password: &str| {
        let form = [
            ("grant_type", "password"),
            ("client_id", "demo"),
            ("client_secret", "demo-secret"),
            ("username", login),
            ("password", password),
            ("scope", "all"),
        ];
        server.nobody().form("/auth/token", &form).await.status
    };
    assert_eq!(sign_in("una@acme.example", "correct horse").await, 200);
    assert_eq!(sign_in("una@acme.example", "wrong").await, 400);
    for answer in [
        admin.get(&format!("/api/Users/{}?includedetails=true", id(&made))).await,
        admin.get("/api/Users").await,
        admin.get(&format!("/api/History?entity=User&id={}", id(&made))).await,
    ] {
        assert!(
            !answer.text.contains("correct horse") && !answer.text.contains("argon2"),
            "{}",
            answer.text
        );
    }
    // Another field changes nothing; a new password replaces the old one.
    admin.post("/api/Users", json!({ "id": id(&made), "title": "Dr" })).await.expect(200);
    assert_eq!(sign_in("una@acme.example", "correct horse").await, 200);
    admin
        .post("/api/Users", json!({ "id": id(&made), "password": "battery staple" }))
        .await
        .expect(200);
    assert_eq!(sign_in("una@acme.example", "correct horse").await, 400);
    assert_eq!(sign_in("una@acme.example", "battery staple").await, 200);
    // The sign-in name follows the e-mail address.
    admin
        .post("/api/Users", json!({ "id": id(&made), "emailaddress": "new@acme.example" }))
        .await
        .expect(200);
    assert_eq!(sign_in("new@acme.example", "battery staple").await, 200);
    assert_eq!(sign_in("una@acme.example", "battery staple").await, 400);
    let errors = admin
        .post(
            "/api/Users",
            json!({ "name": "Uwe", "site_id": acme["main_site_id"], "password": "battery staple" }),
        )
        .await;
    assert!(errors.expect_error(400, "validation")["password"].is_array());
    admin.delete(&format!("/api/Users/{}", id(&made))).await.expect(200);
    assert_eq!(sign_in("new@acme.example", "battery staple").await, 400);
}

async fn users_are_listed_by_client_and_site(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, client(&admin, "Beta").await);
    let depot = id(&make(&admin, "Site", json!({ "name": "Depot", "client_id": id(&acme) })).await);
    let body = json!([
        { "name": "At main", "site_id": acme["main_site_id"] },
        { "name": "At depot", "site_id": depot, "emailaddress": "depot@acme.example" },
        { "name": "At beta", "site_id": beta["main_site_id"] },
        { "name": "Left", "site_id": depot, "inactive": true },
    ]);
    admin.post("/api/Users", body).await.expect(201);
    for (query, expected) in [
        (String::new(), &["At beta", "At depot", "At main"][..]),
        (format!("client_id={}", id(&acme)), &["At depot", "At main"]),
        (format!("site_id={depot}"), &["At depot"]),
        (format!("site_id={depot}&includeinactive=true"), &["At depot", "Left"]),
        ("search=depot@acme".into(), &["At depot"]),
        ("client_id=4242".into(), &[]),
    ] {
        assert_eq!(
            names(&admin, &format!("/api/Users?{query}"), "users").await,
            expected,
            "{query}"
        );
    }
    let page = admin.get("/api/Users?pageinate=true&page_size=2&page_no=2").await.expect(200);
    assert_eq!((&page["record_count"], &page["users"][0]["name"]), (&json!(3), &json!("At main")));
}

async fn top_levels_do_not_go_round(server: &Server) {
    let admin = server.admin().await;
    let a = id(&make(&admin, "TopLevel", json!({ "name": "A" })).await);
    let b = id(&make(&admin, "TopLevel", json!({ "name": "B", "parentid": a })).await);
    let c = id(&make(&admin, "TopLevel", json!({ "name": "C", "parentid": b })).await);
    for parent in [a, b, c] {
        let errors = admin.post("/api/TopLevel", json!([{ "id": a, "parentid": parent }])).await;
        assert!(errors.expect_error(400, "validation")["[0].parentid"].is_array(), "{parent}");
    }
    let errors = admin.post("/api/TopLevel", json!({ "id": a, "parentid": 4242 })).await;
    assert!(errors.expect_error(400, "validation")["parentid"].is_array());
    // Within one request the order decides: A may go below C once B has left A.
    let body = json!([{ "id": b, "parentid": 0 }, { "id": a, "parentid": c }]);
    let moved = admin.post("/api/TopLevel", body).await.expect(200);
    assert_eq!(moved[1]["parentid"], c);
    let body = json!([{ "id": b, "parentid": a }]);
    admin.post("/api/TopLevel", body).await.expect_error(400, "validation");
    admin.post("/api/TopLevel", json!({ "parentid": a })).await.expect_error(400, "validation");
    let list = admin.get("/api/TopLevel").await.expect(200);
    assert_eq!(list["record_count"], 4);
    assert!(list["tree"].is_array(), "{list}");
}

async fn top_levels_have_a_path_and_count_their_users(server: &Server) {
    let admin = server.admin().await;
    let north = make(&admin, "TopLevel", json!({ "name": "North" })).await;
    let sales = json!({ "name": "Sales", "parentid": id(&north), "long_name": "ignored" });
    let sales = make(&admin, "TopLevel", sales).await;
    assert_eq!(
        (&north["long_name"], &sales["long_name"]),
        (&json!("North"), &json!("North/Sales"))
    );
    for (level, users) in [(&north, 1), (&sales, 2)] {
        let body = json!({ "name": format!("{users}"), "toplevel_id": id(level) });
        let owner = make(&admin, "Client", body).await;
        for at in 0..users {
            let body = json!({ "name": format!("User {at}"), "site_id": owner["main_site_id"] });
            make(&admin, "Users", body).await;
        }
    }
    let counted = async |query: &str| -> Vec<(String, Value)> {
        let list = admin.get(&format!("/api/TopLevel?order=id{query}")).await.expect(200);
        let rows = list["tree"].as_array().unwrap().iter().skip(1);
        rows.map(|row| (row["long_name"].as_str().unwrap().into(), row["user_count"].clone()))
            .collect()
    };
    assert_eq!(counted("").await[1], ("North/Sales".into(), Value::Null));
    let rows = counted("&showcounts=true").await;
    assert_eq!(rows, [("North".into(), json!(3)), ("North/Sales".into(), json!(2))]);
    let left = admin.get("/api/Users?search=User").await.expect(200)["users"][2]["id"].clone();
    admin.post("/api/Users", json!({ "id": left, "inactive": true })).await.expect(200);
    admin.post("/api/TopLevel", json!({ "id": id(&north), "name": "Nord" })).await.expect(200);
    let read = get(&admin, "TopLevel", id(&sales), "?includedetails=true").await;
    assert_eq!((&read["long_name"], &read["user_count"]), (&json!("Nord/Sales"), &json!(1)));
    let read = get(&admin, "TopLevel", id(&north), "?includedetails=true").await;
    assert_eq!(read["user_count"], 2);
}

async fn tickets_find_their_client(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, client(&admin, "Beta").await);
    let user =
        id(&make(&admin, "Users", json!({ "name": "Una", "site_id": acme["main_site_id"] })).await);
    let by_user = make(&admin, "Tickets", json!({ "summary": "s", "user_id": user })).await;
    assert_eq!((&by_user["client_id"], &by_user["site_id"]), (&acme["id"], &acme["main_site_id"]));
    assert_eq!((&by_user["user_name"], &by_user["site_name"]), (&json!("Una"), &json!("Main")));
    assert!(
        by_user["dateoccurred"].is_string() && by_user.get("dateclosed").is_none(),
        "{by_user}"
    );
    let by_site =
        make(&admin, "Tickets", json!([{ "summary": "s", "site_id": beta["main_site_id"] }])).await;
    assert_eq!(by_site["client_name"], "Beta");
    let errors = admin
        .post("/api/Tickets", json!([{ "client_id": 4242 }]))
        .await
        .expect_error(400, "validation");
    assert!(errors["[0].summary"].is_array() && errors["[0].client_id"].is_array(), "{errors}");
    let body = json!({ "summary": "of nobody", "details": "kept" });
    let unassigned = admin.post("/api/Tickets", body).await.expect(201);
    assert_eq!((&unassigned["client_id"], &unassigned["details"]), (&json!(0), &json!("kept")));
    let body = json!({ "summary": "s", "client_id": id(&acme), "site_id": beta["main_site_id"] });
    let errors = admin.post("/api/Tickets", body).await.expect_error(400, "validation");
    assert!(errors["client_id"].is_array(), "{errors}");
    let list = admin.get(&format!("/api/Tickets?client_id={}", id(&acme))).await.expect(200);
    assert_eq!((&list["record_count"], &list["tickets"][0]["id"]), (&json!(1), &by_user["id"]));
}

async fn agents_have_roles_and_limits(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let made = make(&admin, "Agent", json!({ "name": "Ann", "email": "ann@example.com" })).await;
    assert_eq!((&made["role"], &made["is_agent"]), (&json!("agent"), &json!(true)));
    for (name, value) in [
        ("role", json!("king")),
        ("allowed_clients", json!([{ "client_id": 4242 }])),
        ("denied_clients", json!([{ "client": acme }])),
    ] {
        let errors = admin.post("/api/Agent", json!({ "id": id(&made), name: value })).await;
        let errors = errors.expect_error(400, "validation");
        assert!(errors.as_object().unwrap().keys().any(|path| path.starts_with(name)), "{errors}");
    }
    let body = json!({ "id": id(&made), "allowed_clients": [{ "client_id": acme }] });
    admin.post("/api/Agent", body).await.expect(200);
    let read = get(&admin, "Agent", id(&made), "?includedetails=true").await;
    assert_eq!(read["allowed_clients"][0]["client_id"], acme);
}

async fn definitions_need_an_administrator(server: &Server) {
    let admin = server.admin().await;
    let agent = server.actor("default", "plain", "all", Role::Agent).await;
    for path in ["Agent", "TicketType", "Tax", "Currency", "Status", "FieldInfo"] {
        agent.get(&format!("/api/{path}")).await.expect(200);
        agent
            .post(&format!("/api/{path}"), json!({ "name": "x" }))
            .await
            .expect_error(403, "forbidden");
        agent.delete(&format!("/api/{path}/1")).await.expect_error(403, "forbidden");
    }
    let made = id(&make(&agent, "Client", json!({ "name": "Acme" })).await);
    let reader = server.with_scope("read:customers").await;
    reader.get(&format!("/api/Client/{made}")).await.expect(200);
    reader
        .post("/api/Client", json!({ "id": made, "ref": "r" }))
        .await
        .expect_error(403, "forbidden");
    reader.delete(&format!("/api/Client/{made}")).await.expect_error(403, "forbidden");
    reader.get("/api/Supplier").await.expect_error(403, "forbidden");
    make(&admin, "Tax", json!({ "name": "VAT", "value": 17.5 })).await;
}

async fn suppliers_are_listed_by_tenant(server: &Server) {
    let admin = server.admin().await;
    let level = id(&make(&admin, "TopLevel", json!({ "name": "East" })).await);
    let body = json!([
        { "name": "Kash", "kashflow_tenant_id": 4 },
        { "name": "Xero", "xero_tenant_id": "abc" },
        { "name": "East", "toplevel_id": level, "email_address": " e@x.example " },
        { "name": "Old", "inactive": true },
    ]);
    let made = admin.post("/api/Supplier", body).await.expect(201);
    assert_eq!(made[2]["email_address"], "e@x.example");
    for (query, expected) in [
        (String::new(), &["East", "Kash", "Xero"][..]),
        ("kashflowtenantid=4".into(), &["Kash"]),
        ("xerotenantid=abc".into(), &["Xero"]),
        (format!("toplevel_id={level}"), &["East"]),
        ("search=kas".into(), &["Kash"]),
        ("includeinactive=true&includeactive=false".into(), &["Old"]),
    ] {
        assert_eq!(
            names(&admin, &format!("/api/Supplier?{query}"), "suppliers").await,
            expected,
            "{query}"
        );
    }
    let errors =
        admin.post("/api/Supplier", json!([{ "name": "" }, { "email_address": "nobody" }])).await;
    let errors = errors.expect_error(400, "validation");
    assert!(errors["[0].name"].is_array() && errors["[1].name"].is_array(), "{errors}");
    assert!(errors["[1].email_address"].is_array(), "{errors}");
    assert_eq!(admin.get("/api/Client").await.expect(200)["record_count"], 0);
}

async fn new_ticket_types_are_open(server: &Server) {
    let admin = server.admin().await;
    let made = make(&admin, "TicketType", json!({ "name": "Change" })).await;
    assert_eq!((&made["visible"], &made["allowall_clients"]), (&json!(true), &json!(true)));
    let hidden = make(&admin, "TicketType", json!({ "name": "Hidden", "visible": false })).await;
    assert_eq!(hidden["visible"], false);
    let acme = id(&client(&admin, "Acme").await);
    let body = json!({ "id": id(&made), "allowed_clients": [{ "client_id": acme }] });
    admin.post("/api/TicketType", body).await.expect(200);
    let pairs = admin.get(&format!("/api/AreaRequestType?client_id={acme}")).await.expect(200);
    assert_eq!(pairs[0]["request_type_name"], "Change");
    let renamed = admin
        .post("/api/Tax", json!({ "name": "VAT", "value": "17.5", "code": "V" }))
        .await
        .expect(201);
    assert_eq!((renamed["value"].to_string(), &renamed["code"]), ("17.5".to_owned(), &json!("V")));
}
