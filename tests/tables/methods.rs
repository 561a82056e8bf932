//! The methods of every path: those it has, those it refuses, HEAD and OPTIONS.

use aureole_server::endpoints::ENDPOINTS;
use aureole_testkit::{Actor, Answer, Server, on_both_databases};
use reqwest::Method;
use serde_json::json;

use crate::routes::is_well_formed;

on_both_databases!(every_path_answers_every_method);

const LIST: &str = "GET, HEAD, POST, OPTIONS";
const RECORD: &str = "GET, HEAD, DELETE, OPTIONS";
const GET: &str = "GET, HEAD, OPTIONS";
const POST: &str = "POST, OPTIONS";

/// The paths beside the table of records.
const ODD: &[(&str, &str)] = &[
    ("/Agent/me", GET),
    ("/Client/me", GET),
    ("/ClientCache", GET),
    ("/AuthInfo", GET),
    ("/changes?since=now", GET),
    // A stream would not end.
    ("/changes/stream?since=wrong", GET),
    ("/WebhookDelivery", GET),
    ("/WebhookDelivery/2147483647", GET),
    ("/WebhookDelivery/1/replay", POST),
    ("/Webhook/1/test", POST),
    ("/History?entity=Client&id=1", GET),
    ("/.well-known/openid-configuration", GET),
    ("/auth/.well-known/openid-configuration", GET),
    ("/auth/jwks", GET),
    ("/healthz", GET),
    ("/readyz", GET),
    ("/Settings", LIST),
    ("/Site/StockBins", LIST),
    ("/History/1", GET),
    ("/History/1/restore", POST),
    ("/Client/NewAccountsId", POST),
    ("/Client/PaymentMethodUpdate", POST),
    ("/PopupNote/read", POST),
    ("/RecurringItem/invoiced", POST),
    ("/auth/token", POST),
    ("/token", POST),
    ("/auth/revoke", POST),
    ("/revoke", POST),
    ("/auth/userinfo", GET),
    ("/userinfo", GET),
];

async fn send(actor: &Actor, method: &Method, path: &str) -> Answer {
    actor.send(actor.request(method.clone(), path).json(&json!([]))).await
}

async fn every_path_answers_every_method(server: &Server) {
    let admin = server.admin().await;
    let mut paths: Vec<(String, &str)> =
        ODD.iter().map(|(path, allow)| ((*path).to_owned(), *allow)).collect();
    for endpoint in ENDPOINTS {
        paths.push((format!("/{}", endpoint.path), LIST));
        paths.push((format!("/api/{}/2147483647", endpoint.path), RECORD));
    }
    for (path, allow) in paths {
        let options = send(&server.nobody(), &Method::OPTIONS, &path).await;
        is_well_formed(&options, &format!("OPTIONS {path}"));
        assert_eq!((options.status, options.text.as_str()), (204, ""), "OPTIONS {path}");
        assert_eq!(options.header("allow"), allow, "OPTIONS {path}");
        for method in [Method::GET, Method::POST, Method::DELETE, Method::PUT, Method::PATCH] {
            if allow.split(", ").any(|allowed| allowed == method.as_str()) {
                continue;
            }
            // A method is refused before a token is asked for.
            for actor in [&admin, &server.nobody()] {
                let answer = send(actor, &method, &path).await;
                is_well_formed(&answer, &format!("{method} {path}"));
                answer.expect_error(405, "method_not_allowed");
                assert_eq!(answer.header("allow"), allow, "{method} {path}");
            }
        }
        let head = send(&admin, &Method::HEAD, &path).await;
        if allow == POST {
            assert_eq!((head.status, head.header("allow")), (405, allow), "HEAD {path}");
        } else {
            is_the_head_of(&head, &admin.get(&path).await, &path);
        }
    }
}

/// HEAD is GET without its body.
fn is_the_head_of(head: &Answer, got: &Answer, path: &str) {
    assert_eq!((head.status, head.text.as_str()), (got.status, ""), "HEAD {path}");
    for name in ["content-type", "content-length", "etag", "allow"] {
        assert_eq!(head.header(name), got.header(name), "HEAD {path}: {name}");
    }
    assert!(!head.header("x-request-id").is_empty(), "HEAD {path}");
}
