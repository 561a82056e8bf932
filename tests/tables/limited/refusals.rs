//! What is refused, and what is not found, tells nothing of what is hidden.

use super::*;

on_both_databases!(
    refusals_do_not_tell_what_is_hidden,
    names_cannot_be_guessed_by_search_or_order,
    what_is_hidden_is_as_absent_as_what_never_was,
    warnings_do_not_name_what_is_hidden,
);

async fn refusals_do_not_tell_what_is_hidden(server: &Server) {
    let stage = Stage::set(server).await;
    let hidden = &stage.hidden;
    // A client of its own on which a hidden one hangs.
    let billed = make(&stage.admin, "Client", json!({"name": "Delta"})).await;
    let pointer = json!({"id": hidden.site, "client_to_invoice": billed});
    stage.admin.post("/Site", pointer).await.expect(200);
    for (number, actor) in stage.agents(server).await.into_iter().enumerate() {
        // Every pointer to something hidden is one to nothing.
        for endpoint in ENDPOINTS {
            for field in endpoint.kind.entity().schema.fields {
                let foreign = match field.reference {
                    Some(EntityKind::Client) => hidden.client,
                    Some(EntityKind::Site) => hidden.site,
                    Some(EntityKind::User) => hidden.user,
                    _ => continue,
                };
                if field.mode != Mode::ReadWrite {
                    continue;
                }
                let place = format!("/{} {}={foreign}", endpoint.path, field.name);
                let body = json!({"name": "x", field.name: foreign});
                let answer = actor.post(&format!("/{}?dryrun=true", endpoint.path), body).await;
                is_silent(&answer, &place);
                if answer.status == 403 {
                    continue;
                }
                let errors = answer.expect_error(400, "validation");
                assert!(errors[field.name].is_array(), "{place}: {errors}");
            }
        }
        // A name that is taken is refused, but not by whom it is taken.
        let name = format!("{} LTD", HIDDEN.to_uppercase());
        let answer = actor.post("/Client", json!({"id": stage.own.client, "name": name})).await;
        is_silent(&answer, "a taken name");
        let errors = answer.expect_error(400, "duplicate");
        assert!(answer.json().get("id").is_none(), "{}", answer.text);
        assert!(!errors.to_string().contains(&hidden.client.to_string()), "{errors}");
        let link = json!([{"id": stage.own.client, "accountsid": format!("{HIDDEN}-account").to_uppercase()}]);
        let answer = actor.post("/Client/NewAccountsId", link).await;
        is_silent(&answer, "a taken account");
        assert!(!answer.text.contains(&format!("client {}", hidden.client)), "{}", answer.text);
        // A name of something hidden is no name.
        let named = json!({"name": "x", "client_name": format!("{HIDDEN} Ltd").to_uppercase()});
        let answer = actor.post("/Site?dryrun=true", named).await;
        is_silent(&answer, "a name");
        answer.expect_error(400, "validation");
        // What hangs on a record is told as far as it is seen.
        let limits = json!([{"client_id": stage.own.client}, {"client_id": billed}]);
        if number != 1 {
            let me = actor.get("/Agent/me").await.expect(200)["id"].clone();
            let body = json!({"id": me, "allowed_clients": limits});
            stage.admin.post("/Agent", body).await.expect(200);
            server.app().auth.refresh().await.unwrap();
        }
        let answer = actor.delete(&format!("/Client/{billed}")).await;
        is_silent(&answer, "in use");
        answer.expect_error(400, "in_use");
        assert!(answer.json()["counts"].get("sites").is_none(), "{}", answer.text);
    }
    let answer = stage.admin.delete(&format!("/Client/{billed}")).await;
    assert_eq!(answer.json()["counts"]["sites"], json!(1), "{}", answer.text);
}

async fn names_cannot_be_guessed_by_search_or_order(server: &Server) {
    let stage = Stage::set(server).await;
    let search = |kind: i64, value: &str| {
        let filter = json!([{"filter_name": "client_to_invoice_name", "filter_type": kind, "filter_value": value}]);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("advanced_search", &filter.to_string());
        format!("/Client?{}", query.finish())
    };
    let right = search(4, &HIDDEN.to_lowercase());
    assert_eq!(stage.admin.get(&right).await.expect(200)["record_count"], json!(1));
    for actor in stage.agents(server).await {
        // The answer is the same for a right guess and for a wrong one.
        for kind in [2, 3, 4, 5] {
            let right = actor.get(&search(kind, &HIDDEN.to_lowercase())).await.expect(200);
            let wrong = actor.get(&search(kind, "nothing like it")).await.expect(200);
            let ids = |list: &Value| -> Vec<i64> {
                list["clients"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|row| row["id"].as_i64().unwrap())
                    .collect()
            };
            assert_eq!(ids(&right), ids(&wrong), "type {kind}");
        }
    }
}

/// Numbers in a text replaced: what is left is the same for a hidden id and for an unknown one.
fn without_numbers(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    let id = plain.find("\"request_id\"").unwrap_or(plain.len());
    let mut shape = plain[..id].to_owned();
    while shape.contains("##") {
        shape = shape.replace("##", "#");
    }
    shape
}

async fn what_is_hidden_is_as_absent_as_what_never_was(server: &Server) {
    const UNKNOWN: i64 = i32::MAX as i64;
    let stage = Stage::set(server).await;
    let me = stage.admin.get("/Agent/me").await;
    me.expect(200);
    for actor in stage.agents(server).await {
        for endpoint in ENDPOINTS {
            let path = endpoint.path;
            for id in stage.ids(path).1 {
                let hidden = stage.admin.get(&format!("/{path}/{id}")).await;
                let tag = hidden.header("etag").to_owned();
                let name = endpoint.kind.entity().name;
                for (method, place, header) in [
                    ("GET", format!("/{path}/{{}}"), None),
                    ("GET", format!("/{path}/{{}}?includedetails=true"), None),
                    ("GET", format!("/{path}/{{}}"), Some(("if-none-match", tag.clone()))),
                    ("GET", format!("/{path}/{{}}"), Some(("if-none-match", "*".to_owned()))),
                    ("GET", format!("/{path}/{{}}?asof=2999-01-01"), None),
                    ("GET", format!("/History?entity={name}&id={{}}"), None),
                    ("GET", format!("/History?entity={name}&id={{}}&pageinate=true"), None),
                    ("DELETE", format!("/{path}/{{}}"), None),
                    ("DELETE", format!("/{path}/{{}}"), Some(("if-match", tag.clone()))),
                    ("DELETE", format!("/{path}/{{}}"), Some(("if-match", "\"x\"".to_owned()))),
                    ("POST", format!("/{path}"), None),
                    ("POST", format!("/{path}"), Some(("if-match", tag.clone()))),
                    ("POST", format!("/{path}"), Some(("if-match", "\"x\"".to_owned()))),
                    ("POST", format!("/{path}?bulkresponse=true"), None),
                ] {
                    let ask = async |id: i64| {
                        let target = place.replace("{}", &id.to_string());
                        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
                        let is_post = method == reqwest::Method::POST;
                        let mut request = actor.request(method, &target);
                        if is_post {
                            request = request.json(&json!([{ "id": id }]));
                        }
                        if let Some((name, value)) = &header {
                            request = request.header(*name, value);
                        }
                        actor.send(request).await
                    };
                    let (hidden, unknown) = (ask(*id).await, ask(UNKNOWN).await);
                    let place = format!("{method} {place} {id} {header:?}");
                    is_silent(&hidden, &place);
                    assert_eq!(hidden.status, unknown.status, "{place}: {}", hidden.text);
                    let texts = [&hidden.text, &unknown.text].map(|text| without_numbers(text));
                    assert_eq!(texts[0], texts[1], "{place}");
                }
            }
        }
    }
}

/// Links to other products and tenants may be on several clients; the warning counts those in sight.
async fn warnings_do_not_name_what_is_hidden(server: &Server) {
    let stage = Stage::set(server).await;
    let guid = "00000000-0000-0000-0000-000000000002";
    let names = ["xeroid", "itglue_id", "connectwiseid", "hubspot_id", "datto_id"];
    for name in names {
        let link = json!({ "id": stage.hidden.client, name: "77" });
        stage.admin.post("/Client", link).await.expect(200);
    }
    // An administrator is told whose it is.
    let own = stage.own.client;
    for name in names {
        let answer = stage.admin.post("/Client?dryrun=true", json!({"id": own, name: "77"})).await;
        let warning = answer.expect(200)["_warning"].as_str().unwrap_or("").to_owned();
        assert!(warning.contains(&stage.hidden.client.to_string()), "{name}: {warning}");
    }
    for actor in stage.agents(server).await {
        for name in names {
            let body = json!({ "id": own, name: "77" });
            let answer = actor.post("/Client?dryrun=true", body).await;
            is_silent(&answer, name);
            let warning = answer.expect(200)["_warning"].clone();
            assert!(warning.is_null(), "{name}: {warning}");
        }
        let body = json!({ "client_id": own, "azure_tenant_id": guid,
            "details_id": stage.shared.connection });
        let answer = actor.post("/AreaAzureTenant?dryrun=true", body).await;
        is_silent(&answer, "azure");
        let warning = answer.expect(201)["_warning"].clone();
        assert!(warning.is_null(), "{warning}");
    }
}
