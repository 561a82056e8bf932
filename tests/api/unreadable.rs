//! Requests whose head HTTP can't read: an answer all the same, in the shape of every other.

use aureole_testkit::{Server, on_both_databases};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_both_databases!(
    an_unreadable_head_has_an_answer,
    what_cannot_be_read_behind_the_head_leaves_the_answer,
    a_long_address_has_an_answer
);

/// Sends bytes as they are and returns the status line and the body of the only answer.
async fn send(server: &Server, request: &[u8]) -> (String, Value) {
    let address = server.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let has = |header: &str| head.to_ascii_lowercase().contains(header);
    assert!(has("content-type: application/json") && has("connection: close"), "{head}");
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    let id = body["request_id"].as_str().unwrap();
    assert!(has(&format!("x-request-id: {id}")), "{head}");
    assert!(body["Message"].is_string() && body["errors"].is_object(), "{body}");
    (head.lines().next().unwrap().to_owned(), body)
}

async fn an_unreadable_head_has_an_answer(server: &Server) {
    let many: String = (0..200).map(|at| format!("x-{at}: 1\r\n")).collect();
    let long = "x".repeat(600_000);
    for (request, status, code) in [
        ("NONSENSE\r\n\r\n".to_owned(), "400 Bad Request", "validation"),
        ("GET /client HTTP/1.1\r\nno header\r\n\r\n".to_owned(), "400 Bad Request", "validation"),
        ("GET /client HTTP/9.9\r\nhost: x\r\n\r\n".to_owned(), "400 Bad Request", "validation"),
        (
            "GET /cl\u{1}ient HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
            "400 Bad Request",
            "validation",
        ),
        // These the library would answer with a bare status.
        (
            "GET /client?search=\"a\" HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
            "400 Bad Request",
            "validation",
        ),
        ("GET api/client HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), "400 Bad Request", "validation"),
        (
            "POST /client HTTP/1.1\r\ncontent-length: x\r\n\r\n".to_owned(),
            "400 Bad Request",
            "validation",
        ),
        (
            "POST /client HTTP/1.1\r\ntransfer-encoding: x\r\n\r\n".to_owned(),
            "400 Bad Request",
            "validation",
        ),
        (
            "POST /client HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
            "400 Bad Request",
            "validation",
        ),
        (
            format!("GET /client HTTP/1.1\r\n{many}\r\n"),
            "431 Request Header Fields Too Large",
            "too_large",
        ),
        (
            format!("GET /client HTTP/1.1\r\nx: {long}\r\n\r\n"),
            "431 Request Header Fields Too Large",
            "too_large",
        ),
    ] {
        let (line, body) = send(server, request.as_bytes()).await;
        let start: String = request.chars().take(60).collect();
        assert_eq!(line, format!("HTTP/1.1 {status}"), "{start}");
        assert_eq!((&body["code"], &body["status"].to_string()[..]), (&code.into(), &status[..3]));
    }
}

/// The reply is not lost when there is more on the connection than belongs to the request.
async fn what_cannot_be_read_behind_the_head_leaves_the_answer(server: &Server) {
    let token = server.admin().await.token().to_owned();
    let head = format!(
        "POST /client HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nconnection: close\r\n"
    );
    for (rest, message) in [
        ("transfer-encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n", "ended before"),
        ("transfer-encoding: chunked\r\n\r\n1\r\n[\r\nzz\r\n]\r\n", "ended before"),
        ("content-length: 2\r\n\r\n{}\r\n\r\nmore", "name is required"),
    ] {
        let (line, body) = send(server, format!("{head}{rest}").as_bytes()).await;
        assert_eq!(line, "HTTP/1.1 400 Bad Request", "{rest}");
        assert!(body["Message"].as_str().unwrap().contains(message), "{rest}: {body}");
    }
}

async fn a_long_address_has_an_answer(server: &Server) {
    let admin = server.admin().await;
    // The longest that is read has 65,534 bytes with the path.
    let longest = format!("/client?search={}", "x".repeat(65_534 - 15));
    admin.get(&longest[..65_500]).await.expect(200);
    // So long a one that nobody can tell where it would end fills all room for a head.
    for (more, status, line) in [
        (1, 414, "HTTP/1.1 414 URI Too Long"),
        (2, 414, "HTTP/1.1 414 URI Too Long"),
        (5_000, 414, "HTTP/1.1 414 URI Too Long"),
        (200_000, 414, "HTTP/1.1 414 URI Too Long"),
        (2_000_000, 431, "HTTP/1.1 431 Request Header Fields Too Large"),
    ] {
        let token = admin.token();
        let head = format!("HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
        let request = format!("GET {longest}{} {head}", "x".repeat(more));
        let (found, body) = send(server, request.as_bytes()).await;
        assert_eq!((found.as_str(), &body["status"]), (line, &status.into()), "{more}");
        assert_eq!(body["code"], "too_large");
    }
}
