//! Pages of other origins.

use aureole_testkit::{Actor, Answer, Database, Server, on_both_databases};
use reqwest::Method;

on_both_databases!(without_origins_no_page_may_call);

const PAGE: &str = "https://tools.example.com";

async fn call(actor: &Actor, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = actor.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    actor.send(request).await
}

fn cors_headers(answer: &Answer) -> Vec<String> {
    let names = answer.headers.keys().map(|name| name.as_str().to_owned());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

async fn without_origins_no_page_may_call(server: &Server) {
    let admin = server.admin().await;
    for method in [Method::GET, Method::OPTIONS] {
        let headers = [("origin", PAGE), ("access-control-request-method", "POST")];
        let answer = call(&admin, method, "/Client", &headers).await;
        assert!(cors_headers(&answer).is_empty(), "{:?}", answer.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn named_origins_may_call_and_others_not() {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::start_with(database, |config| {
            config.cors.origins = format!("http://localhost:3000, {PAGE}");
            config.rate_limit = "1000/1s".to_owned();
        })
        .await;
        let admin = server.admin().await;
        let ask = [("origin", PAGE), ("access-control-request-method", "POST")];
        let preflight = call(&server.nobody(), Method::OPTIONS, "/api/Client", &ask).await;
        assert_eq!((preflight.status, preflight.text.as_str()), (204, ""));
        assert_eq!(preflight.header("access-control-allow-origin"), PAGE);
        let allowed = preflight.header("access-control-allow-methods");
        assert!(["GET", "POST"].iter().all(|method| allowed.contains(method)), "{allowed}");
        let allowed = preflight.header("access-control-allow-headers").to_lowercase();
        for name in ["authorization", "content-type", "if-match", "idempotency-key", "prefer"] {
            assert!(allowed.contains(name), "{name}: {allowed}");
        }
        assert_eq!(preflight.header("vary"), "Origin");
        // The reply itself, also an error, can be read with its headers.
        for (actor, path, status) in [
            (&admin, "/Client", 200),
            (&admin, "/Client/99", 404),
            (&server.nobody(), "/Client", 401),
            (&server.nobody(), "/nothing", 404),
        ] {
            let answer = call(actor, Method::GET, path, &[("origin", PAGE)]).await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), PAGE, "{path}");
            let exposed = answer.header("access-control-expose-headers");
            for name in ["ETag", "X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining"] {
                assert!(exposed.contains(name), "{name}: {exposed}");
            }
            assert_eq!(answer.header("access-control-allow-credentials"), "");
        }
        for origin in ["https://evil.example", "https://tools.example.com.evil", "null", ""] {
            let headers = [("origin", origin), ("access-control-request-method", "GET")];
            for method in [Method::GET, Method::OPTIONS] {
                let answer = call(&admin, method, "/Client", &headers).await;
                assert!(cors_headers(&answer).is_empty(), "{origin}: {:?}", answer.headers);
                assert_eq!(answer.header("vary"), "Origin");
            }
        }
        let plain = admin.get("/Client").await;
        assert!(cors_headers(&plain).is_empty());
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_is_for_every_page() {
    let server =
        Server::start_with(Database::Sqlite, |config| config.cors.origins = "*".to_owned()).await;
    let answer = call(&server.admin().await, Method::GET, "/Client", &[("origin", PAGE)]).await;
    assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), ("*", ""));
}
