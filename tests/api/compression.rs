//! Replies in other encodings, and the entity tags of those.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use aureole_testkit::{Actor, Database, Server, on_both_databases};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::writes::{client, id};

on_both_databases!(
    each_encoding_carries_the_same_reply,
    a_streamed_list_is_compressed_too,
    entity_tags_belong_to_an_encoding,
    small_replies_stay_as_they_are,
);

struct Raw {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Raw {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn text(&self) -> String {
        async fn all(mut reader: impl AsyncRead + Unpin) -> String {
            let mut text = String::new();
            reader.read_to_string(&mut text).await.unwrap();
            text
        }
        let bytes = self.bytes.as_slice();
        match self.header("content-encoding") {
            "gzip" => all(GzipDecoder::new(bytes)).await,
            "br" => all(BrotliDecoder::new(bytes)).await,
            "zstd" => all(ZstdDecoder::new(bytes)).await,
            "" => all(bytes).await,
            other => panic!("{other}"),
        }
    }
}

async fn get(actor: &Actor, path: &str, headers: &[(&str, &str)]) -> Raw {
    send(actor, reqwest::Method::GET, path, headers).await
}

async fn send(actor: &Actor, method: reqwest::Method, path: &str, headers: &[(&str, &str)]) -> Raw {
    let mut request = actor.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Raw { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

async fn each_encoding_carries_the_same_reply(server: &Server) {
    let admin = server.admin().await;
    server.load_demo(60).await;
    let path = "/Client?pageinate=true&page_size=50";
    let plain = get(&admin, path, &[]).await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "Accept-Encoding"));
    for (asked, encoding) in [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.1, gzip;q=0.2", "gzip"),
        ("identity", ""),
        ("deflate", ""),
        ("gzip;q=0", ""),
    ] {
        let raw = get(&admin, path, &[("accept-encoding", asked)]).await;
        assert_eq!((raw.status, raw.header("content-encoding")), (200, encoding), "{asked}");
        assert_eq!(raw.header("vary"), "Accept-Encoding", "{asked}");
        assert_eq!(raw.header("content-length"), raw.bytes.len().to_string(), "{asked}");
        assert!(encoding.is_empty() || raw.bytes.len() * 4 < plain.bytes.len(), "{asked}");
        assert!(raw.text().await == plain.text().await, "{asked}");
        let head = send(&admin, reqwest::Method::HEAD, path, &[("accept-encoding", asked)]).await;
        assert_eq!(head.header("content-encoding"), encoding, "HEAD {asked}");
        assert!(head.bytes.is_empty());
    }
}

async fn a_streamed_list_is_compressed_too(server: &Server) {
    let admin = server.admin().await;
    let clients: Vec<Value> =
        (0..1_500).map(|number| json!({ "name": format!("Client {number:05}") })).collect();
    let answer = admin.post("/Client", json!(clients)).await;
    assert_eq!(answer.status, 201);
    let plain = get(&admin, "/Client", &[]).await;
    assert_eq!(plain.header("content-length"), "", "it is streamed");
    for encoding in ["gzip", "br", "zstd"] {
        let raw = get(&admin, "/Client", &[("accept-encoding", encoding)]).await;
        assert_eq!(raw.header("content-encoding"), encoding);
        assert!(raw.text().await == plain.text().await, "{encoding}");
        assert!(raw.bytes.len() * 10 < plain.bytes.len(), "{encoding}: {}", raw.bytes.len());
    }
}

async fn entity_tags_belong_to_an_encoding(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let path = format!("/Client/{acme}");
    let plain = get(&admin, &path, &[]).await.header("etag").to_owned();
    let gzip = [("accept-encoding", "gzip")];
    let packed = get(&admin, &path, &gzip).await;
    let tag = packed.header("etag").to_owned();
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(tag, format!("{}-gzip\"", plain.trim_end_matches('"')));
    assert_eq!(packed.bytes, get(&admin, &path, &gzip).await.bytes, "the same bytes each time");
    for (known, headers) in [
        (tag.as_str(), vec![("accept-encoding", "gzip"), ("if-none-match", tag.as_str())]),
        (plain.as_str(), vec![("if-none-match", plain.as_str())]),
    ] {
        let raw = get(&admin, &path, &headers).await;
        assert_eq!((raw.status, raw.header("etag")), (304, known));
        assert!(raw.bytes.is_empty() && raw.header("content-encoding").is_empty());
    }
    // What was read compressed can be written.
    for (if_match, status) in [(tag.as_str(), 200), (tag.as_str(), 412), (plain.as_str(), 412)] {
        let request = admin
            .request(reqwest::Method::POST, "/Client")
            .header("if-match", if_match)
            .json(&json!([{ "id": acme, "notes": "n" }]));
        assert_eq!(admin.send(request).await.status, status, "{if_match}");
    }
    let raw = get(&admin, &path, &[("accept-encoding", "gzip"), ("if-none-match", &tag)]).await;
    assert_eq!(raw.status, 200, "it was written since");
}

async fn small_replies_stay_as_they_are(server: &Server) {
    let admin = server.admin().await;
    for path in ["/Client", "/healthz"] {
        let raw = get(&admin, path, &[("accept-encoding", "gzip")]).await;
        assert_eq!((raw.header("content-encoding"), raw.header("vary")), ("", ""), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_replies_stay_as_they_are() {
    let server =
        Server::start_with(Database::Sqlite, |config| config.compression.min_bytes = 1).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "demo"),
        ("client_secret", "demo-secret"),
    ];
    let nobody = server.nobody();
    let request = nobody.request(reqwest::Method::POST, "/auth/token").form(&form);
    let answer = nobody.send(request.header("accept-encoding", "gzip")).await;
    assert!(answer.json()["access_token"].is_string());
    assert_eq!(answer.header("content-encoding"), "");
    let raw = get(&nobody, "/healthz", &[("accept-encoding", "gzip")]).await;
    assert_eq!(raw.header("content-encoding"), "gzip");
}
