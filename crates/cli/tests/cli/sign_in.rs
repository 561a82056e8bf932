//! Applications that people sign in to with a browser, and the keys that sign their tokens.

use std::time::{Duration, Instant};

use crate::program::{Folder, Server, curl};

const CREATE: [&str; 5] = ["application", "create", "--name", "Portal", "--grant"];

fn create<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&CREATE[..], more].concat()
}

#[test]
fn redirect_addresses_are_checked() {
    let folder = Folder::new();
    for (uri, part) in [
        ("http://portal.example/back", "has to be https"),
        ("https://portal.example/back#top", "no fragment"),
        ("https://ann@portal.example/back", "no user name"),
        ("https://portal.example/a/../back", "has to be written as https://portal.example/back"),
        ("javascript:alert(1)", "javascript is neither"),
    ] {
        folder.fails(&create(&["authorization_code", "--redirect-uri", uri]), &[], 2, part);
    }
    folder.fails(&create(&["authorization_code"]), &[], 2, "needs a redirect address");
    let secret_of_all = ["client_credentials", "--public"];
    folder.fails(&create(&secret_of_all), &[], 2, "A public application has no secret");
}

#[test]
fn a_browser_is_shown_the_page_of_a_new_application() {
    let folder = Folder::new();
    let back = "http://127.0.0.1/back";
    let public =
        ["authorization_code", "--public", "--client-id", "portal", "--redirect-uri", back];
    assert_eq!(folder.ok(&create(&public)), "client_id: portal\n");
    let keeps = ["authorization_code", "--redirect-uri", "https://portal.example/back"];
    assert!(folder.ok(&create(&keeps)).contains("client_secret: "));
    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
    let page = |redirect_uri: &str| {
        let query = format!(
            "response_type=code&client_id=portal&redirect_uri={redirect_uri}&code_challenge_method=S256\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        curl(&[&format!("{}/auth/authorize?{query}", server.url)])
    };
    let shown = page("http://127.0.0.1:49152/back");
    assert!(shown.contains("<title>Sign in to Portal</title>"), "{shown}");
    let refused = page("http://127.0.0.1:49152/elsewhere");
    assert!(!refused.contains("<form"), "{refused}");
}

#[test]
fn a_new_signing_key_is_published_within_five_seconds() {
    let folder = Folder::new();
    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
    let url = format!("{}/.well-known/jwks.json", server.url);
    let before = curl(&[&url]);
    let kid = folder.ok(&["rotate-signing-key"]);
    let started = Instant::now();
    while !curl(&[&url]).contains(kid.trim()) {
        assert!(started.elapsed() < Duration::from_secs(5), "{kid} is not in {}", curl(&[&url]));
        std::thread::sleep(Duration::from_millis(100));
    }
    let old = before.split("\"kid\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(curl(&[&url]).contains(old), "the old key is still published");
}
