//! The list of clients: its own filters, what it adds, and what an agent may see of it.

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make, names};

on_both_databases!(
    links_to_products_filter_the_list,
    the_list_filters_by_people_dates_and_place,
    the_list_adds_what_is_asked_for,
    sales_see_prospects,
    an_agent_sees_its_clients_only,
    a_denied_client_is_out_of_reach_everywhere,
);

async fn links_to_products_filter_the_list(server: &Server) {
    let admin = server.admin().await;
    client(&admin, "Plain").await;
    let guid = "00000000-0000-4000-8000-000000000001";
    for (name, body) in [
        ("Azure", json!({ "azure_tenants": [{ "azure_tenant_id": guid }] })),
        ("Gfi", json!({ "gficlientid": "7" })),
        ("Snow", json!({ "snow_id": 5 })),
        ("Sentinel", json!({ "sentinel_subscription_id": "s", "sentinel_tenant_id": 9 })),
        ("Jira", json!({ "jira_url": "https://jira.example" })),
        ("Now", json!({ "servicenow_url": "https://now.example" })),
    ] {
        let mut body = body;
        body["name"] = json!(name);
        make(&admin, "Client", body).await;
    }
    for (query, expected) in [
        ("azureclients=true", &["Azure"][..]),
        ("gficlients=true", &["Gfi"]),
        ("snowclients=true", &["Snow"]),
        ("issentinel=true", &["Sentinel"]),
        ("isjira=true", &["Jira"]),
        ("isservicenow=true", &["Now"]),
        ("sentinelid=9", &["Sentinel"]),
        ("sentinelid=8", &[]),
        ("snowaccountid=5", &["Snow"]),
        ("snowaccountid=6", &[]),
    ] {
        assert_eq!(
            names(&admin, &format!("/api/Client?{query}"), "clients").await,
            expected,
            "{query}"
        );
    }
    for query in ["azureclients=false", "isjira=False", "snowclients="] {
        assert_eq!(
            names(&admin, &format!("/api/Client?{query}"), "clients").await.len(),
            7,
            "{query}"
        );
    }
    admin.get("/api/Client?isjira=maybe").await.expect_error(400, "validation");
    admin.get("/api/Client?snowaccountid=x").await.expect_error(400, "validation");
}

async fn the_list_filters_by_people_dates_and_place(server: &Server) {
    let admin = server.admin().await;
    let own = admin.get("/api/Agent/me").await.expect(200)["id"].clone();
    make(&admin, "Client", json!({ "name": "Mine", "accountmanagertech": own })).await;
    make(&admin, "Client", json!({ "name": "Due", "calldate": "2020-01-01" })).await;
    make(&admin, "Client", json!({ "name": "Later", "calldate": "2099-01-01" })).await;
    let us = id(&client(&admin, "Us").await);
    assert_eq!(names(&admin, "/api/Client?accountmanageronly=true", "clients").await, ["Mine"]);
    assert_eq!(names(&admin, "/api/Client?callplan=true", "clients").await, ["Due"]);
    admin.post("/api/Settings", json!({ "internal_client_id": us })).await.expect(200);
    assert_eq!(
        names(&admin, "/api/Client?exclude_internal=true", "clients").await,
        ["Due", "Later", "Mine"]
    );
    assert_eq!(admin.get("/api/Site?exclude_internal=true").await.expect(200)["record_count"], 3);
    let top = id(&make(&admin, "TopLevel", json!({ "name": "Top" })).await);
    let middle = id(&make(&admin, "TopLevel", json!({ "name": "Middle", "parentid": top })).await);
    let low = id(&make(&admin, "TopLevel", json!({ "name": "Low", "parentid": middle })).await);
    for (name, level) in [("At top", top), ("At middle", middle), ("At low", low)] {
        make(&admin, "Client", json!({ "name": name, "toplevel_id": level })).await;
    }
    for (level, expected) in [
        (top, &["At low", "At middle", "At top"][..]),
        (middle, &["At low", "At middle"]),
        (low, &["At low"]),
        (999, &[]),
    ] {
        assert_eq!(
            names(&admin, &format!("/api/Client?toplevel_id={level}"), "clients").await,
            expected
        );
        let sites = admin.get(&format!("/api/Site?toplevel_id={level}")).await.expect(200);
        assert_eq!(sites["record_count"], expected.len());
    }
}

async fn the_list_adds_what_is_asked_for(server: &Server) {
    let admin = server.admin().await;
    let guid = "00000000-0000-4000-8000-000000000001";
    let body = json!({
        "name": "Acme", "notes": "n", "website": "w.example", "invoicetemplate_name": "Standard", "qbodefaulttax": 3,
        "azure_tenants": [{ "azure_tenant_id": guid }], "qbo_company_name": "Q",
    });
    make(&admin, "Client", body).await;
    let row = async |query: &str| {
        admin.get(&format!("/api/Client?{query}")).await.expect(200)["clients"][0].clone()
    };
    let plain = row("").await;
    for (query, name, value) in [
        ("includenotes=true", "notes", json!("n")),
        ("include_website=true", "website", json!("w.example")),
        ("includeinvoicetemplatename=true", "invoicetemplate_name", json!("Standard")),
        ("includeqbofields=true", "qbodefaulttax", json!(3)),
        ("includeqbofields=true", "qbo_company_name", json!("Q")),
    ] {
        assert!(plain.get(name).is_none(), "{name} of {plain}");
        assert_eq!(row(query).await[name], value, "{query}");
    }
    assert!(plain.get("azure_tenants").is_none());
    assert_eq!(row("includeazuretenants=true").await["azure_tenants"][0]["azure_tenant_id"], guid);
    assert!(plain.get("alastupdate").is_none());
    assert!(row("lastupdatefromdate=true").await["alastupdate"].is_string());
}

async fn sales_see_prospects(server: &Server) {
    let admin = server.admin().await;
    let plain = id(&client(&admin, "Plain").await);
    let prospect =
        id(&make(&admin, "Client", json!({ "name": "Prospect", "isopportunity": 1 })).await);
    let chance = client(&admin, "Chance").await;
    let ticket = json!({ "summary": "s", "client_id": id(&chance), "isopportunity": true });
    make(&admin, "Tickets", ticket).await;
    assert_eq!(names(&admin, "/api/Client?domain=opps", "clients").await, ["Chance", "Prospect"]);
    assert_eq!(names(&admin, "/api/Client?domain=reqs", "clients").await.len(), 3);
    get(&admin, "Client", prospect, "?domain=opps").await;
    admin.get(&format!("/api/Client/{plain}?domain=opps")).await.expect_error(404, "not_found");
    get(&admin, "Site", chance["main_site_id"].as_i64().unwrap(), "?domain=opps").await;
    let plain_site = get(&admin, "Client", plain, "").await["main_site_id"].clone();
    admin.get(&format!("/api/Site/{plain_site}?domain=opps")).await.expect_error(404, "not_found");
}

/// An application whose agent has these client limits.
pub async fn limited(server: &Server, admin: &Actor, limits: Value) -> Actor {
    let actor = server.actor("default", "limited", "all", Role::Agent).await;
    let own = actor.get("/api/Agent/me").await.expect(200)["id"].clone();
    let mut body = limits;
    body["id"] = own;
    admin.post("/api/Agent", body).await.expect(200);
    // A fresh token: the limits come with it.
    Actor::sign_in(server.url(), "default", "limited", "a-secret", "all").await
}

async fn an_agent_sees_its_clients_only(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = (client(&admin, "One").await, client(&admin, "Two").await);
    let user =
        id(&make(&admin, "Users", json!({ "name": "Una", "site_id": two["main_site_id"] })).await);
    let actor =
        limited(server, &admin, json!({ "allowed_clients": [{ "client_id": id(&one) }] })).await;
    assert_eq!(names(&actor, "/api/Client", "clients").await, ["One"]);
    assert_eq!(names(&actor, "/api/Client?search=two", "clients").await.len(), 0);
    assert_eq!(actor.get("/api/Site").await.expect(200)["record_count"], 1);
    assert_eq!(actor.get("/api/Users").await.expect(200)["record_count"], 0);
    let ids = actor.get("/api/Client?idonly=true").await.expect(200);
    assert_eq!(ids, json!({ "record_count": 1, "clients": [{ "id": id(&one) }] }));
    get(&actor, "Client", id(&one), "").await;
    for path in [
        format!("Client/{}", id(&two)),
        format!("Site/{}", two["main_site_id"]),
        format!("Users/{user}"),
    ] {
        actor.get(&format!("/api/{path}")).await.expect_error(404, "not_found");
        actor.delete(&format!("/api/{path}")).await.expect_error(404, "not_found");
    }
    actor
        .post("/api/Client", json!({ "id": id(&two), "ref": "r" }))
        .await
        .expect_error(404, "not_found");
    actor
        .post("/api/Site", json!({ "id": two["main_site_id"], "ref": "r" }))
        .await
        .expect_error(404, "not_found");
    // A new client would be out of its reach at once.
    actor.post("/api/Client", json!({ "name": "Three" })).await.expect_error(403, "forbidden");
    // References tell no more than reads do.
    for (path, body) in [
        ("Site", json!({ "name": "Depot", "client_id": id(&two) })),
        ("Users", json!({ "name": "Uwe", "site_id": two["main_site_id"] })),
        ("Users", json!({ "name": "Uwe", "client_name": "Two" })),
        ("Tickets", json!({ "summary": "s", "user_id": user })),
        ("Tickets", json!({ "summary": "s", "site_id": two["main_site_id"] })),
        ("Client", json!({ "id": id(&one), "client_to_invoice": id(&two) })),
        ("Client", json!({ "id": id(&one), "client_to_invoice_name": "Two" })),
        (
            "Client",
            json!({ "id": id(&one), "site_update": [{ "id": two["main_site_id"], "name": "X" }] }),
        ),
        ("PopupNote", json!({ "note": "n", "site_id": two["main_site_id"] })),
    ] {
        let answer = actor.post(&format!("/api/{path}"), body.clone()).await;
        let errors = answer.expect_error(400, "validation");
        assert!(errors.to_string().contains("does not exist"), "{path} {body}: {errors}");
    }
}

async fn a_denied_client_is_out_of_reach_everywhere(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = (client(&admin, "One").await, client(&admin, "Two").await);
    let both = json!([{ "client_id": id(&one) }, { "client_id": id(&two) }]);
    let limits = json!({ "allowed_clients": both, "denied_clients": [{ "client_id": id(&two) }] });
    make(&admin, "PopupNote", json!({ "note": "on a site", "site_id": two["main_site_id"] })).await;
    make(&admin, "PopupNote", json!({ "note": "on a client", "client_id": id(&two) })).await;
    make(&admin, "CRMNote", json!({ "note": "on a site", "site_id": two["main_site_id"] })).await;
    make(&admin, "Tickets", json!({ "summary": "s", "client_id": id(&two) })).await;
    let actor = limited(server, &admin, limits).await;
    assert_eq!(names(&actor, "/api/Client", "clients").await, ["One"]);
    assert_eq!(actor.get("/api/Site").await.expect(200)["record_count"], 1);
    assert_eq!(actor.get("/api/Tickets").await.expect(200)["record_count"], 0);
    assert_eq!(actor.get("/api/CRMNote").await.expect(200)["record_count"], 0);
    assert_eq!(actor.get("/api/PopupNote?showall=true").await.expect(200), json!([]));
    actor.get(&format!("/api/Client/{}", id(&two))).await.expect_error(404, "not_found");
    let history =
        actor.get(&format!("/api/History?entity=Client&id={}", id(&two))).await.expect(200);
    assert_eq!(history, json!([]));
}
