//! `/openapi.json` and the page at `/docs`. Whether the server does what the document says is
//! tested in `tests/clients`.

use aureole_server::endpoints::ENDPOINTS;
use aureole_server::{Config, openapi};
use aureole_testkit::{Database, Server, on_both_databases};
use serde_json::Value;

on_both_databases!(the_document_and_its_page_need_no_token);

/// Where the paths beside the table of endpoints are.
const ROUTES: &str = include_str!("../../crates/server/src/routes.rs");

fn document() -> Value {
    openapi::document("https://example.com/", &Config::default())
}

/// A path as the routes know it, its parameters as `{}`.
fn folded(path: &str) -> String {
    let path = path.to_ascii_lowercase();
    let segments = path.trim_start_matches("/api").split('/').filter(|segment| !segment.is_empty());
    let segments = segments.map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// The paths of a match on segments: `["history", change, "restore"] => …` is `history/{}/restore`.
fn patterns(source: &str) -> Vec<String> {
    let start = source.find("match segments.as_slice()").unwrap();
    let body = &source[start..start + source[start..].find("_ => return").unwrap()];
    let mut found = Vec::new();
    for pattern in
        body.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(inside, _)| inside)
    {
        let segments: Vec<&str> = pattern.split(',').map(str::trim).collect();
        let is_pattern = segments.iter().all(|part| {
            let bare = part.trim_matches('"');
            !bare.is_empty()
                && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        });
        // `[path]` and `[path, id]` stand for the table.
        if is_pattern && segments[0].starts_with('"') {
            let names = segments
                .iter()
                .map(|part| if part.starts_with('"') { part.trim_matches('"') } else { "{}" });
            found.push(names.collect::<Vec<_>>().join("/"));
        }
    }
    found
}

#[test]
fn every_path_is_in_the_document() {
    let document = document();
    let known: Vec<String> =
        document["paths"].as_object().unwrap().keys().map(|path| folded(path)).collect();
    let mut wanted = patterns(ROUTES);
    assert!(wanted.len() >= 20, "{wanted:?}");
    for endpoint in ENDPOINTS {
        wanted.push(endpoint.path.to_owned());
        wanted.push(format!("{}/{{}}", endpoint.path));
    }
    let missing: Vec<&String> = wanted.iter().filter(|path| !known.contains(path)).collect();
    assert!(
        missing.is_empty(),
        "not in the document: {missing:?}; add them to crates/server/src/openapi/others.rs"
    );
}

#[test]
fn every_operation_is_described() {
    let document = document();
    let mut ids = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            let place = format!("{method} {path}");
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            assert!(
                operation["summary"].as_str().is_some_and(|text| text.ends_with('.')),
                "{place}"
            );
            assert!(operation["security"].is_array(), "{place}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let described =
                    parameter["description"].as_str().is_some_and(|text| !text.is_empty());
                let plain = parameter.get("$ref").is_some() || parameter["in"] == "path";
                assert!(
                    described || plain,
                    "{place}: add {} to crates/server/src/openapi/parameters.rs",
                    parameter["name"]
                );
            }
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "an operationId occurs twice");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut open = vec![&document];
    while let Some(node) = open.pop() {
        match node {
            Value::Array(items) => open.extend(items),
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let pointer = reference.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                open.extend(map.values());
            }
            _ => {}
        }
    }
}

/// A path, a method, and the scopes of which one is needed.
#[test]
fn operations_name_their_scopes() {
    let document = document();
    for (path, method, scopes) in [
        ("/api/Client", "get", vec!["read:customers"]),
        ("/api/Client", "post", vec!["edit:customers"]),
        ("/api/Client/{id}", "delete", vec!["edit:customers"]),
        ("/api/Tax", "post", vec!["admin"]),
        ("/api/Client/NewAccountsId", "post", vec!["edit:invoices", "edit:customers"]),
    ] {
        let alternatives = document["paths"][path][method]["security"].as_array().unwrap();
        let named: Vec<&str> =
            alternatives.iter().filter_map(|one| one["oauth2"][0].as_str()).collect();
        assert_eq!(named, scopes, "{method} {path}");
    }
    assert_eq!(document["servers"][0]["url"], "https://example.com");
    let flow = &document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"];
    assert_eq!(flow["tokenUrl"], "https://example.com/auth/token");
}

async fn the_document_and_its_page_need_no_token(server: &Server) {
    let nobody = server.nobody();
    for path in ["/api/openapi.json", "/openapi.json", "//API/OpenAPI.json/"] {
        let answer = nobody.get(path).await;
        let document = answer.expect(200);
        assert_eq!(document["openapi"], "3.1.0", "{path}");
        assert_eq!(document["servers"][0]["url"], server.url(), "{path}");
    }
    for (path, files) in [("/api/docs", "docs/"), ("/docs/", "\"")] {
        let page = nobody.get(path).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        assert!(
            page.text.contains(&format!("{files}swagger-ui-bundle.js\"")),
            "{path}: {}",
            page.text
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("script-src 'self';"),
            "{policy}"
        );
        assert!(!page.text.contains("://"), "the page names another server: {}", page.text);
    }
    for (name, kind) in [
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("start.js", "text/javascript; charset=utf-8"),
    ] {
        let file = nobody.get(&format!("/api/docs/{name}")).await;
        assert_eq!((file.status, file.header("content-type")), (200, kind), "{name}");
        assert!(!file.text.is_empty(), "{name}");
    }
    nobody.get("/docs/other.js").await.expect_error(404, "not_found");
}

#[tokio::test]
async fn the_document_names_the_public_address() {
    let server = Server::start_with(Database::Sqlite, |config| {
        config.public_url = "https://clients.example.com/aureole/".to_owned();
    });
    let document = server.await.nobody().get("/openapi.json").await.expect(200);
    assert_eq!(document["servers"][0]["url"], "https://clients.example.com/aureole");
}
