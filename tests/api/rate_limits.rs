//! What an application may ask for, and how wrong passwords are counted behind a proxy.

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Answer, Database, Server, on_both_databases};
use serde_json::json;

on_both_databases!(without_a_limit_no_reply_speaks_of_one);

const BOTH: [Database; 2] = [Database::Sqlite, Database::Postgres];

/// Limit, remaining, reset.
fn allowance(answer: &Answer) -> [Option<i64>; 3] {
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]
        .map(|name| answer.headers.get(name).map(|value| value.to_str().unwrap().parse().unwrap()))
}

async fn without_a_limit_no_reply_speaks_of_one(server: &Server) {
    let admin = server.admin().await;
    for _ in 0..20 {
        let answer = admin.get("/Client").await;
        answer.expect(200);
        assert_eq!(allowance(&answer), [None; 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_has_its_window_and_others_have_theirs() {
    for database in BOTH {
        let server =
            Server::start_with(database, |config| config.rate_limit = "3/1h".to_owned()).await;
        let admin = server.admin().await;
        // Whatever the answer, it counts and says what is left.
        for (path, status, left) in [("/Client", 200, 2), ("/Client/99", 404, 1), ("/no", 404, 0)] {
            let answer = admin.get(path).await;
            answer.expect(status);
            let [limit, remaining, reset] = allowance(&answer);
            assert_eq!((limit, remaining), (Some(3), Some(left)), "{path}");
            let reset = reset.unwrap();
            assert!((3 - left - 1) * 1_200 < reset && reset <= (3 - left) * 1_200, "{reset}");
        }
        let over = admin.post("/Client", json!({ "name": "Acme" })).await;
        over.expect_error(429, "rate_limited");
        assert_eq!(allowance(&over)[..2], [Some(3), Some(0)]);
        let wait: i64 = over.header("retry-after").parse().unwrap();
        assert!((1..=1_200).contains(&wait), "{wait}");
        // Another token of the same application has no window of its own; one of another has.
        let again = server.admin().await.get("/Client").await;
        again.expect_error(429, "rate_limited");
        let other = server.actor("default", "other", "all", Role::Agent).await;
        let list = other.get("/Client").await;
        assert_eq!(list.expect(200)["record_count"], 0, "what was refused was not done");
        assert_eq!(allowance(&list)[1], Some(2));
        let stranger = server.nobody().get("/Client").await;
        stranger.expect_error(401, "unauthorized");
        assert_eq!(allowance(&stranger), [None; 3]);
        server.advance_ms(wait * 1_000);
        admin.get("/Client").await.expect(200);
        admin.get("/Client").await.expect_error(429, "rate_limited");
        // The directory is read again; the meter stays.
        server.app().auth.refresh().await.unwrap();
        admin.get("/Client").await.expect_error(429, "rate_limited");
        server.stop().await;
    }
}

/// A wrong secret for an id of its own, by way of a proxy.
async fn guess(nobody: &Actor, number: usize, forwarded: &str) -> u16 {
    let id = format!("nobody-{number}");
    let form =
        [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", "wrong")];
    let request = nobody.request(reqwest::Method::POST, "/auth/token").form(&form);
    nobody.send(request.header("x-forwarded-for", forwarded)).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_count_by_the_address_that_a_trusted_proxy_saw() {
    for trusted in ["", "127.0.0.0/8"] {
        let server = Server::start_with(Database::Sqlite, |config| {
            config.trusted_proxies = trusted.to_owned();
        })
        .await;
        let nobody = server.nobody();
        for number in 0..10 {
            assert_eq!(guess(&nobody, number, "9.9.9.9, 192.0.2.1").await, 401);
        }
        assert_eq!(guess(&nobody, 10, "192.0.2.1").await, 429, "{trusted}");
        // Whoever is not trusted can't choose an address to be counted under.
        let other = if trusted.is_empty() { 429 } else { 401 };
        assert_eq!(guess(&nobody, 11, "192.0.2.2").await, other, "{trusted}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_beyond_the_share_wait_and_are_answered() {
    for database in BOTH {
        let server =
            Server::start_with(database, |config| config.limits.application_requests = 1).await;
        let admin = server.admin().await;
        // Another application makes it a crowd.
        let other = server.actor("default", "other", "all", Role::Agent).await;
        other.get("/Client").await.expect(200);
        let requests = (0..20).map(|number| {
            let admin = admin.clone();
            async move { admin.post("/Client", json!({ "name": format!("Client {number}") })).await }
        });
        let mut running: Vec<_> = Vec::new();
        for request in requests {
            #[expect(clippy::disallowed_methods, reason = "callers side by side")]
            running.push(tokio::spawn(request));
        }
        for answer in running {
            answer.await.unwrap().expect(201);
        }
        assert_eq!(admin.get("/Client").await.expect(200)["record_count"], 20);
        server.stop().await;
    }
}
