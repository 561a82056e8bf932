//! Links of clients to Microsoft tenants, and the connections that they refer to.

use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    every_parameter_narrows_the_list,
    links_are_checked,
    connections_show_their_links,
);

fn guid(last: u8) -> String {
    format!("abcdef00-0000-4000-8000-0000000000{last:02}")
}

async fn every_parameter_narrows_the_list(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, client(&admin, "Beta").await);
    let cloud = json!({ "name": "Cloud", "client_id": id(&acme), "azuretenantid": guid(4) });
    let cloud = id(&make(&admin, "Site", cloud).await);
    let csp = id(&make(&admin, "AzureADConnection", json!({ "name": "CSP", "type": 2 })).await);
    let link = async |mut body: Value, last: u8| {
        body["azure_tenant_id"] = json!(guid(last).to_uppercase());
        id(&make(&admin, "AreaAzureTenant", body).await)
    };
    let first = link(json!({ "client_id": id(&acme), "details_id": csp }), 1).await;
    let second = link(json!({ "client_id": id(&acme) }), 2).await;
    let theirs = link(json!({ "client_id": id(&beta) }), 3).await;
    let free = link(json!({}), 4).await;
    let ids = async |query: &str| -> Vec<i64> {
        let list = admin.get(&format!("/api/AreaAzureTenant?{query}")).await.expect(200);
        list.as_array().unwrap().iter().map(id).collect()
    };
    for (query, expected) in [
        (String::new(), vec![first, second, theirs, free]),
        (format!("client_id={}", id(&acme)), vec![first, second]),
        (format!("site_id={}", acme["main_site_id"]), vec![first, second]),
        (format!("site_id={cloud}"), vec![free]),
        ("site_id=4711".into(), vec![]),
        (format!("details_id={csp}"), vec![first]),
        (format!("azure_tenant_id={}", guid(3)), vec![theirs]),
        (format!("azure_tenant_id={}", guid(3).to_uppercase()), vec![theirs]),
        (format!("azure_tenant_id={}", guid(9)), vec![]),
        ("notset=true".into(), vec![free]),
        (format!("returnalliflinked=true&azure_tenant_id={}", guid(1)), vec![first, second]),
        (format!("returnalliflinked=true&azure_tenant_id={}", guid(4)), vec![free]),
        (format!("returnalliflinked=false&azure_tenant_id={}", guid(1)), vec![first]),
        ("ignore_decrypt=true&count=2".into(), vec![first, second]),
    ] {
        assert_eq!(ids(&query).await, expected, "{query}");
    }
    for (name, value) in [
        ("azure_tenant_id", "12"),
        ("client_id", "x"),
        ("site_id", "x"),
        ("details_id", "x"),
        ("notset", "maybe"),
        ("returnalliflinked", "maybe"),
        ("ignore_decrypt", "maybe"),
    ] {
        let errors = admin.get(&format!("/api/AreaAzureTenant?{name}={value}")).await;
        assert!(errors.expect_error(400, "validation")[name].is_array(), "{name}");
    }
}

async fn links_are_checked(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (id(&client(&admin, "Acme").await), id(&client(&admin, "Beta").await));
    let body = json!([
        { "client_id": acme },
        { "client_id": acme, "azure_tenant_id": "no guid" },
        { "client_id": 4711, "details_id": 4711, "azure_tenant_id": guid(1) },
    ]);
    let errors = admin.post("/api/AreaAzureTenant", body).await.expect_error(400, "validation");
    let paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        ["[0].azure_tenant_id", "[1].azure_tenant_id", "[2].client_id", "[2].details_id"]
    );
    assert_eq!(admin.get("/api/AreaAzureTenant").await.expect(200), json!([]));
    let body = json!({ "client_id": acme, "azure_tenant_id": guid(1).to_uppercase() });
    let made = make(&admin, "AreaAzureTenant", body).await;
    assert_eq!((&made["azure_tenant_id"], made.get("_warning")), (&json!(guid(1)), None));
    // One tenant on two clients is allowed, and said.
    let body = json!({ "client_id": beta, "azure_tenant_id": guid(1) });
    let twice = make(&admin, "AreaAzureTenant", body).await;
    assert!(twice["_warning"].as_str().unwrap().contains(&format!("client {acme}")), "{twice}");
    let body = json!({ "name": "Third", "azure_tenants": [{ "azure_tenant_id": guid(1) }] });
    let third = make(&admin, "Client", body).await;
    assert!(third["_warning"].as_str().unwrap().contains("azure_tenants[0]"), "{third}");
    assert_eq!(
        admin.delete(&format!("/api/AreaAzureTenant/{}", id(&made))).await.expect(200),
        made
    );
}

async fn connections_show_their_links(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let csp = make(&admin, "AzureADConnection", json!({ "name": "CSP", "type": 2 })).await;
    let other = id(&make(&admin, "AzureADConnection", json!({ "name": "Own", "type": 1 })).await);
    let body = json!({ "client_id": acme, "azure_tenant_id": guid(1), "details_id": id(&csp) });
    let link = make(&admin, "AreaAzureTenant", body).await;
    assert_eq!(link["details_name"], "CSP");
    assert_eq!(admin.get("/api/AzureADConnection?type=2").await.expect(200), json!([csp]));
    let path = format!("/api/AzureADConnection/{}", id(&csp));
    let read = admin.get(&format!("{path}?type=2&includedetails=true&includetenants=true")).await;
    assert_eq!(read.expect(200)["mappings_client"], json!([link]));
    assert!(!read.header("etag").is_empty());
    assert_eq!(admin.get(&path).await.expect(200), csp);
    let request =
        admin.request(reqwest::Method::GET, &path).header("if-none-match", read.header("etag"));
    assert_eq!(admin.send(request).await.status, 304);
    admin.get(&format!("{path}?type=1")).await.expect_error(404, "not_found");
    admin.get(&format!("{path}?type=x")).await.expect_error(400, "validation");
    admin.get("/api/AzureADConnection/4711").await.expect_error(404, "not_found");
    let none = get(&admin, "AzureADConnection", other, "?includetenants=true").await;
    assert_eq!(none["mappings_client"], json!([]));
    let refused = admin.delete(&path).await;
    refused.expect_error(400, "in_use");
    assert_eq!(refused.json()["counts"]["azure_tenant"], 1);
}
