//! `aureole jobs run`: does what is due now, once, and ends.

use serde_json::Value;

use crate::program::{Folder, Server, curl};

/// Starts the server, runs `body` as an application that may do everything, and stops it again.
fn served<T>(folder: &Folder, body: impl FnOnce(&Server, &str) -> T) -> T {
    let server = Server::start(folder, &["--listen", "127.0.0.1:0"], &[]);
    let token = server.token("jobs-test", "jobs-test-secret");
    let result = body(&server, &token);
    assert_eq!(server.stop("TERM"), 0);
    result
}

fn lots(server: &Server, token: &str, client: &Value) -> Vec<String> {
    let read = server.get(token, &format!("Client/{client}?includeprepay=true"));
    let rows = read["prepayhistory"].as_array().unwrap().iter();
    rows.map(|row| format!("{} {}", row["date"].as_str().unwrap(), row["hours"])).collect()
}

#[test]
fn due_jobs_run_once() {
    let folder = Folder::new();
    folder.application("jobs-test", "jobs-test-secret", &[]);
    // A server begins its first round at once; what is written later waits a minute for the next.
    let client = served(&folder, |server, token| {
        std::thread::sleep(std::time::Duration::from_millis(500));
        let bearer = format!("Authorization: Bearer {token}");
        let body = r#"{"name": "Acme", "prepayrecurringchargenextdate": "2024-01-31",
            "prepayrecurringchargebp": 5, "prepayrecurringhours": 2}"#;
        let url = format!("{}/api/Client", server.url);
        let made = curl(&["-H", &bearer, "-H", "Content-Type: application/json", "-d", body, &url]);
        let made: Value = serde_json::from_str(&made).unwrap();
        assert_eq!(lots(server, token, &made["id"]), [""; 0], "{made}");
        made["id"].clone()
    });
    let first = folder.run(&["jobs", "run"], &[]);
    assert_eq!(first.code, 0, "{}", first.err);
    let again = folder.run(&["jobs", "run"], &[]);
    assert_eq!(again.code, 0, "{}", again.err);
    assert_ne!(first.out, again.out, "the first has bought something, the second nothing");
    let bought = served(&folder, |server, token| lots(server, token, &client));
    let years = ["2024", "2025", "2026"];
    assert!(bought.len() >= years.len(), "{bought:?}");
    for (lot, year) in bought.iter().zip(years) {
        assert_eq!(*lot, format!("{year}-01-31T00:00:00 2"), "{bought:?}");
    }
    let mut once = bought.clone();
    once.dedup();
    assert_eq!(once, bought);
}
