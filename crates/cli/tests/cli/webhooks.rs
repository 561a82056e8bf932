//! Deliveries of a server that is killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{Folder, Server, curl};

/// The head of one request, read whole, and its connection.
fn request(receiver: &TcpListener) -> (Vec<String>, TcpStream) {
    let (stream, _) = receiver.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    (head, stream)
}

fn header<'a>(head: &'a [String], name: &str) -> &'a str {
    head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

fn post(server: &Server, token: &str, path: &str, body: &Value) -> Value {
    let bearer = format!("Authorization: Bearer {token}");
    let (url, body) = (format!("{}/api/{path}", server.url), body.to_string());
    let reply = curl(&["-H", &bearer, "-H", "Content-Type: application/json", "-d", &body, &url]);
    serde_json::from_str(&reply).unwrap()
}

#[test]
fn what_a_killed_server_was_sending_is_sent_again() {
    let folder = Folder::new();
    folder.application("a", "a-secret", &[]);
    let variables = [
        ("AUREOLE_WEBHOOKS_ALLOW_NETWORKS", "127.0.0.0/8"),
        ("AUREOLE_WEBHOOKS_TIMEOUT_SECONDS", "2"),
        ("AUREOLE_WEBHOOKS_LEASE_SECONDS", "2"),
        ("AUREOLE_WEBHOOKS_POLL_MS", "100"),
    ];
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", receiver.local_addr().unwrap());
    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &variables);
    let token = server.token("a", "a-secret");
    post(&server, &token, "Webhook", &json!({ "name": "w", "url": url, "entities": ["Tax"] }));
    let made = post(&server, &token, "Tax", &json!({ "name": "one" }));
    post(&server, &token, "Tax", &json!({ "id": made["id"], "name": "two" }));
    let (first, _connection) = request(&receiver);
    assert_eq!(
        (header(&first, "x-aureole-event"), header(&first, "x-aureole-attempt")),
        ("created", "1")
    );
    assert_eq!(server.stop("KILL"), -1);

    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &variables);
    let answer = |mut stream: TcpStream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
    };
    // Not before the attempt that was cut off would have ended.
    let (again, stream) = request(&receiver);
    answer(stream);
    let same = ["x-aureole-delivery-id", "x-aureole-event-id"];
    assert_eq!(same.map(|name| header(&again, name)), same.map(|name| header(&first, name)));
    assert_eq!(header(&again, "x-aureole-attempt"), "2");
    let (next, stream) = request(&receiver);
    answer(stream);
    assert_eq!(
        (header(&next, "x-aureole-event"), header(&next, "x-aureole-attempt")),
        ("updated", "1")
    );
    let until = Instant::now() + Duration::from_secs(20);
    let token = server.token("a", "a-secret");
    loop {
        let log = server.get(&token, "WebhookDelivery");
        let states: Vec<&str> =
            log.as_array().unwrap().iter().map(|entry| entry["status"].as_str().unwrap()).collect();
        if states == ["delivered", "delivered"] {
            break;
        }
        assert!(Instant::now() < until, "{log}");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.stop("TERM"), 0);
}
