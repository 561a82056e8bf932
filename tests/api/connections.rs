//! Connections from outside, byte by byte: who is slow, who never ends, who tries to hide a second
//! request in the first.

use std::time::{Duration, Instant};

use aureole_server::Config;
use aureole_testkit::{Database, Server, on_both_databases};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

on_both_databases!(
    lengths_that_contradict_each_other_are_refused,
    a_header_that_must_be_one_is_refused_twice,
    nothing_gets_into_the_headers_of_a_reply,
    markup_comes_back_as_the_text_that_it_was,
    a_long_list_is_made_while_it_is_read,
);

const SOON: Duration = Duration::from_secs(20);

async fn started(change: impl FnOnce(&mut Config)) -> Server {
    Server::start_with(Database::Sqlite, change).await
}

fn address(server: &Server) -> std::net::SocketAddr {
    server.url().trim_start_matches("http://").parse().unwrap()
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(address(server)).await.unwrap()
}

/// All that the server says until it closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset counts as an end too.
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a request as it is and returns everything until the connection ends.
async fn send(server: &Server, request: &str) -> String {
    let mut stream = connect(server).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    rest(stream).await
}

fn statuses(answer: &str) -> Vec<&str> {
    let parts = answer.split("HTTP/1.1 ").skip(1).map(|part| &part[..3]);
    parts.filter(|status| status.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_nothing_or_half_a_head_is_cut_off() {
    let server = started(|config| config.limits.header_seconds = 1).await;
    for sent in ["", "GET /healthz HT", "GET /healthz HTTP/1.1\r\nhost: x\r\n"] {
        let began = Instant::now();
        let answer = send(&server, sent).await;
        assert!(answer.is_empty() || statuses(&answer)[0].starts_with('4'), "{answer}");
        assert!(began.elapsed() >= Duration::from_millis(900), "{sent:?}: {:?}", began.elapsed());
    }
    // A connection that was of use and then sleeps is cut off as well.
    let answer = send(&server, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(statuses(&answer), ["200"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_an_error() {
    let server = started(|config| config.limits.body_seconds = 1).await;
    let head = "POST /auth/token HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                content-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\n";
    let answer = send(&server, &format!("{head}grant_type=")).await;
    assert_eq!(statuses(&answer), ["400"]);
    assert!(answer.contains("within 1 s"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_stated_length_is_bounded_too() {
    let server = started(|config| config.limits.body_bytes = 1_000).await;
    let head = "POST /auth/token HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                transfer-encoding: chunked\r\n\r\n";
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1_000));
    let answer = send(&server, &format!("{head}{chunk}{chunk}0\r\n\r\n")).await;
    assert_eq!(statuses(&answer), ["413"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_the_reply_gives_up_the_place() {
    let server = started(|config| {
        config.limits.connections = 1;
        config.limits.write_seconds = 1;
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut deaf = socket.connect(address(&server)).await.unwrap();
    // Far more than all buffers between the two hold.
    let request = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(200);
    deaf.write_all(request.as_bytes()).await.unwrap();
    let began = Instant::now();
    let polite = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = send(&server, polite).await;
    assert_eq!(statuses(&answer), ["200"]);
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_slowly_gets_everything() {
    let server = started(|config| config.limits.write_seconds = 1).await;
    let mut slow = connect(&server).await;
    let request = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(29)
        + "GET /openapi.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    slow.write_all(request.as_bytes()).await.unwrap();
    let (mut answer, began) = (Vec::new(), Instant::now());
    let mut part = vec![0; 1_000_000];
    loop {
        let size = slow.read(&mut part).await.unwrap();
        if size == 0 {
            break;
        }
        answer.extend_from_slice(&part[..size]);
        // A few seconds in all, and always some progress within the limit.
        if began.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let answer = String::from_utf8(answer).unwrap();
    assert_eq!(statuses(&answer), ["200"; 30]);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let server = started(|config| config.limits.connections = 2).await;
    let held = [connect(&server).await, connect(&server).await];
    let mut third = connect(&server).await;
    let request = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    third.write_all(request.as_bytes()).await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(500), third.read(&mut byte)).await;
    assert!(early.is_err(), "answered beyond the limit");
    drop(held);
    assert!(rest(third).await.starts_with("HTTP/1.1 200"));
}

async fn lengths_that_contradict_each_other_are_refused(server: &Server) {
    let hidden = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    for lengths in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "content-length: -1",
        "content-length : 5",
        "content-length: 5\r\n ,6",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: identity",
    ] {
        let head = format!("POST /auth/token HTTP/1.1\r\nhost: x\r\n{lengths}\r\n\r\n");
        let answer = send(server, &format!("{head}{hidden}")).await;
        assert_eq!(statuses(&answer), ["400"], "{lengths}");
    }
    // With both, the chunks decide, as HTTP says, and the connection ends with the answer: what
    // follows is never taken for a request, whatever a proxy made of the length.
    let both = "POST /auth/token HTTP/1.1\r\nhost: x\r\ncontent-length: 60\r\n\
                transfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(statuses(&send(server, both).await), ["400"]);
    let answer = send(server, &format!("{both}{hidden}")).await;
    assert!(!statuses(&answer).contains(&"200"), "{answer}");
}

async fn a_header_that_must_be_one_is_refused_twice(server: &Server) {
    let token = server.admin().await.token().to_owned();
    for (headers, status) in [
        (format!("authorization: Bearer {token}\r\n"), "200"),
        (format!("authorization: Bearer {token}\r\nauthorization: Bearer {token}\r\n"), "400"),
        (format!("authorization: Bearer {token}\r\nhost: y\r\n"), "400"),
        (
            format!("authorization: Bearer {token}\r\ncontent-type: a/b\r\ncontent-type: c/d\r\n"),
            "200",
        ),
    ] {
        let request =
            format!("GET /client HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        assert_eq!(statuses(&send(server, &request).await), [status], "{headers}");
    }
}

async fn nothing_gets_into_the_headers_of_a_reply(server: &Server) {
    let admin = server.admin().await;
    let evil = "%0d%0aSet-Cookie:%20evil=1%0d%0a%0d%0a<script>";
    for path in [
        format!("/Client/{evil}"),
        format!("/{evil}"),
        format!("/Client?order={evil}"),
        format!("/Client?{evil}=1&view_id={evil}"),
        format!("/Client?advanced_search={evil}"),
        format!("/auth/authorize?client_id={evil}&redirect_uri={evil}&state={evil}"),
        format!("/AuthInfo?tenant={evil}"),
    ] {
        let answer = admin.get(&path).await;
        assert!(answer.status < 500, "{path}: {}", answer.text);
        assert!(answer.headers.get("set-cookie").is_none_or(|value| value != "evil=1"), "{path}");
        for (name, value) in &answer.headers {
            assert!(
                !String::from_utf8_lossy(value.as_bytes()).contains("<script>"),
                "{path} {name}"
            );
        }
        let kind = answer.header("content-type");
        assert!(
            kind.starts_with("application/json") || !answer.text.contains("<script>"),
            "{path}"
        );
    }
    for id in ["a b", "<script>", &"x".repeat(65), "é"] {
        let request = admin.request(reqwest::Method::GET, "/Client");
        let answer = admin.send(request.header("x-request-id", id)).await;
        assert_ne!(answer.headers["x-request-id"].as_bytes(), id.as_bytes());
    }
}

async fn markup_comes_back_as_the_text_that_it_was(server: &Server) {
    use aureole_catalogue::{EntityKind, Kind, Mode};
    const MARKUP: &str = "<script>alert('1')</script>&\"";
    let admin = server.admin().await;
    let schema = EntityKind::Client.entity().schema;
    let mut body = json!({ "name": MARKUP });
    for field in schema.fields {
        let takes_any = field.mode == Mode::ReadWrite && matches!(field.kind, Kind::Text);
        if takes_any && field.max_chars == 0 && field.name != "name" {
            body[field.name] = json!(MARKUP);
        }
    }
    // Fields with a form of their own refuse it; all others keep it as it is.
    let errors = admin.post("/Client", body.clone()).await;
    if errors.status == 400 {
        for name in errors.expect(400)["errors"].as_object().unwrap().keys() {
            body.as_object_mut().unwrap().remove(name);
        }
    }
    assert!(body.as_object().unwrap().len() > 100, "{body}");
    let made = admin.post("/Client", body.clone()).await;
    assert!(made.header("content-type").starts_with("application/json"));
    let id = made.expect(201)["id"].as_i64().unwrap();
    let read = admin.get(&format!("/Client/{id}?includedetails=true")).await;
    assert!(read.header("content-type").starts_with("application/json"));
    let read = read.expect(200);
    let mut same = 0;
    for (name, value) in body.as_object().unwrap() {
        if read[name] == *value {
            same += 1;
        } else {
            // HTML is kept clean, which is the other way of being harmless.
            let text = read[name].as_str().unwrap_or_default();
            assert!(!text.contains("<script"), "{name}: {text}");
        }
    }
    assert!(same > 100, "{same}");
    let page = server.nobody().get("/api/docs").await;
    assert!(!page.text.contains("alert('1')"));
}

/// Who reads a long list slowly gets its end as it is when it comes to be sent: nothing is made ahead of
/// the reader but what fits between the two.
async fn a_long_list_is_made_while_it_is_read(server: &Server) {
    const CLIENTS: usize = 1_100;
    let admin = server.admin().await;
    let notes = "long ".repeat(3_000);
    let body =
        (0..CLIENTS).map(|number| json!({ "name": format!("Client {number:04}"), "notes": notes }));
    let made = admin.post("/api/Client", body.collect()).await.expect(201);
    let mut stream = connect(server).await;
    let request = format!(
        "GET /api/Client?includenotes=true HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         authorization: Bearer {}\r\n\r\n",
        admin.token()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 64];
    stream.read_exact(&mut first).await.unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200"));
    let last = json!({ "id": made[CLIENTS - 1]["id"], "notes": "written since" });
    admin.post("/api/Client", last).await.expect(200);
    let rest = rest(stream).await;
    assert!(rest.matches("Client ").count() >= CLIENTS, "the list is not whole");
    assert!(rest.contains("written since"), "the whole list was made before it was read");
}
