//! Which ticket types a client may log: the pairs, and what follows from them.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    a_pair_is_listed_read_and_deleted,
    availability_follows_the_rule,
    both_sides_write_the_same_pairs,
);

async fn ticket_type(admin: &Actor, name: &str, body: Value) -> i64 {
    let mut body = body;
    body["name"] = json!(name);
    id(&make(admin, "TicketType", body).await)
}

async fn a_pair_is_listed_read_and_deleted(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let change = ticket_type(&admin, "Change", json!({})).await;
    let project = ticket_type(&admin, "Project", json!({})).await;
    let errors = admin
        .post("/api/AreaRequestType", json!([{}, { "client_id": 4711, "request_type": 4711 }]))
        .await
        .expect_error(400, "validation");
    for path in ["[0].client_id", "[0].request_type", "[1].client_id", "[1].request_type"] {
        assert!(errors[path].is_array(), "{path}: {errors}");
    }
    let pair =
        make(&admin, "AreaRequestType", json!({ "client_id": acme, "request_type": change })).await;
    assert_eq!(
        pair,
        json!({
            "client_id": acme, "client_name": "Acme", "request_type": change, "id": pair["id"],
            "request_type_name": "Change",
        })
    );
    let twice = json!({ "client_id": acme, "request_type": change });
    let twice = admin.post("/api/AreaRequestType", twice).await;
    twice.expect_error(400, "duplicate");
    assert_eq!(twice.json()["id"], pair["id"]);
    let second = json!({ "client_name": "Acme", "request_type_name": "Project" });
    let second = make(&admin, "AreaRequestType", second).await;
    assert_eq!(second["request_type"], project);
    let list = admin.get("/api/AreaRequestType").await.expect(200);
    assert_eq!(list, json!([pair, second]));
    let path = format!("/api/AreaRequestType/{}", id(&pair));
    let read = admin.get(&path).await;
    assert_eq!(read.expect(200), pair);
    let full = admin.get(&format!("{path}?includedetails=true")).await.expect(200);
    assert_eq!(
        (&full["details"]["id"], &full["details"]["name"]),
        (&json!(change), &json!("Change"))
    );
    let request =
        admin.request(reqwest::Method::GET, &path).header("if-none-match", read.header("etag"));
    assert_eq!(admin.send(request).await.status, 304);
    admin.get(&format!("{path}?includedetails=x")).await.expect_error(400, "validation");
    admin.get("/api/AreaRequestType/4711").await.expect_error(404, "not_found");
    admin.get("/api/AreaRequestType/x").await.expect_error(400, "validation");
    // The names follow, and the last one that goes is told of.
    admin.post("/api/TicketType", json!({ "id": change, "name": "Changed" })).await.expect(200);
    let gone = admin.delete(&path).await.expect(200);
    assert_eq!((&gone["request_type_name"], gone.get("_warning")), (&json!("Changed"), None));
    let gone = admin.delete(&format!("/api/AreaRequestType/{}", id(&second))).await.expect(200);
    assert!(gone["_warning"].as_str().unwrap().contains("no permitted ticket type"), "{gone}");
}

async fn availability_follows_the_rule(server: &Server) {
    let admin = server.admin().await;
    let body = json!({ "name": "Acme", "allowall_tickettypes": false });
    let acme = id(&make(&admin, "Client", body).await);
    let fresh = client(&admin, "Fresh").await;
    assert_eq!(fresh["allowall_tickettypes"], true);
    let mut types = Vec::new();
    for (name, visible, all_clients) in [
        ("open", true, true),
        ("hidden", false, true),
        ("closed", true, false),
        ("hidden and closed", false, false),
    ] {
        let body = json!({ "visible": visible, "allowall_clients": all_clients });
        types.push(ticket_type(&admin, name, body).await);
    }
    let available = async |client: i64| -> Vec<String> {
        let read = get(&admin, "Client", client, "?getavailablerts=true").await;
        let names = read["allowed_tickettypes"].as_array().unwrap().iter();
        let names = names.map(|row| row["name"].as_str().unwrap().to_owned());
        names.filter(|name| ["open", "hidden", "closed"].contains(&name.as_str())).collect()
    };
    assert_eq!(available(acme).await, ["open"]);
    assert_eq!(available(id(&fresh)).await, ["open", "closed"]);
    for kind in &types {
        make(&admin, "AreaRequestType", json!({ "client_id": acme, "request_type": kind })).await;
    }
    assert_eq!(available(acme).await, ["open", "closed"]);
    admin
        .get(&format!("/api/Client/{acme}?getavailablerts=x"))
        .await
        .expect_error(400, "validation");
}

async fn both_sides_write_the_same_pairs(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (id(&client(&admin, "Acme").await), id(&client(&admin, "Beta").await));
    let change = ticket_type(&admin, "Change", json!({})).await;
    let project = ticket_type(&admin, "Project", json!({})).await;
    let body = json!({ "id": acme, "allowed_tickettypes": [{ "id": change }, { "id": project }] });
    admin.post("/api/Client", body).await.expect(200);
    let read = get(&admin, "TicketType", change, "?includedetails=true").await;
    assert_eq!(read["allowed_clients"][0]["client_id"], acme);
    // From the type's side: Beta comes, Acme goes, and has another one left.
    let body = json!({ "id": change, "allowed_clients": [{ "client_id": beta }] });
    let saved = admin.post("/api/TicketType", body).await.expect(200);
    assert!(saved.get("_warning").is_none(), "{saved}");
    let pairs = async |client: i64| {
        let list = admin.get(&format!("/api/AreaRequestType?client_id={client}")).await.expect(200);
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| row["request_type"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((pairs(acme).await, pairs(beta).await), (vec![project], vec![change]));
    let body = json!({ "id": project, "allowed_clients": [] });
    let saved = admin.post("/api/TicketType", body).await.expect(200);
    let warning = saved["_warning"].as_str().unwrap_or("");
    assert!(warning.contains(&format!("client {acme}")), "{saved}");
    for body in [
        json!({ "id": change, "allowed_clients": [{ "client_id": 4711 }] }),
        json!({ "id": change, "allowed_clients": [{}] }),
    ] {
        let errors = admin.post("/api/TicketType", body).await.expect_error(400, "validation");
        assert!(errors["allowed_clients[0]"].is_array(), "{errors}");
    }
    // The pair is the client's: the type stays while there is one.
    let refused = admin.delete(&format!("/api/TicketType/{change}")).await;
    refused.expect_error(400, "in_use");
    assert_eq!(refused.json()["counts"]["area_request_type"], 1, "{}", refused.text);
    admin.delete(&format!("/api/Client/{beta}")).await.expect(200);
    admin.delete(&format!("/api/TicketType/{change}")).await.expect(200);
}
