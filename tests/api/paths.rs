//! Paths, methods, media types and query spellings.

use aureole_testkit::{Database, Server, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

on_both_databases!(
    a_path_has_many_forms,
    methods_are_answered_as_http_asks,
    a_body_on_get_and_delete_is_ignored,
    media_types_of_json_are_taken,
    a_doubly_nested_array_is_flattened,
    a_body_over_the_limit_is_refused,
    an_id_is_a_32_bit_integer,
    unknown_query_keys_are_ignored,
    booleans_have_six_spellings,
    integer_lists_have_three_spellings,
);

async fn a_path_has_many_forms(server: &Server) {
    let admin = server.admin().await;
    let id = admin.post("/Client", json!({"name": "Acme"})).await.expect(201)["id"].clone();
    for path in [
        "/api/Client",
        "/api/client",
        "/API/CLIENT",
        "/client",
        "/Client",
        "/Client/",
        "/api/Client/",
        "//Client",
        "//api/Client",
        "//api//Client//",
        "/CLIENT?page_no=1",
    ] {
        let list = admin.get(path).await.expect(200);
        assert_eq!(list["clients"][0]["name"], "Acme", "{path}");
    }
    for path in [
        "/api/Client/ID",
        "/client/ID",
        "/CLIENT/ID/",
        "//Client/ID",
        "//api/client/ID/",
        "/api/client/ID?x=",
    ] {
        let path = path.replace("ID", &id.to_string());
        assert_eq!(admin.get(&path).await.expect(200)["name"], "Acme", "{path}");
    }
    for path in
        ["/", "/api", "/api/", "/nothing", "/api/nothing/1", "/api/Client/1/2", "/api/api/Client"]
    {
        admin.get(path).await.expect_error(404, "not_found");
    }
    // Names of parameters come in any case too.
    let list = admin.get("/Client?PageInate=true&PAGE_SIZE=7").await.expect(200);
    assert_eq!(list["page_size"], 7);
}

async fn methods_are_answered_as_http_asks(server: &Server) {
    let admin = server.admin().await;
    let id = admin.post("/Client", json!({"name": "Acme"})).await.expect(201)["id"].clone();
    let record = format!("/Client/{id}");

    let got = admin.get(&record).await;
    let head = admin.send(admin.request(Method::HEAD, &record)).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), got.text.len().to_string());
    assert_eq!(head.header("etag"), got.header("etag"));
    assert_eq!(admin.send(admin.request(Method::HEAD, "/Client/999")).await.status, 404);
    assert_eq!(admin.send(admin.request(Method::HEAD, "/Client")).await.status, 200);

    for (path, allow) in [
        ("/Client", "GET, HEAD, POST, OPTIONS"),
        (record.as_str(), "GET, HEAD, DELETE, OPTIONS"),
        ("/auth/token", "POST, OPTIONS"),
        ("/token", "POST, OPTIONS"),
        ("/authinfo", "GET, HEAD, OPTIONS"),
        ("/Agent/me", "GET, HEAD, OPTIONS"),
    ] {
        let nobody = server.nobody();
        let options = nobody.send(nobody.request(Method::OPTIONS, path)).await;
        assert_eq!((options.status, options.text.as_str()), (204, ""), "{path}");
        assert_eq!(options.header("allow"), allow, "{path}");
        for method in [Method::GET, Method::POST, Method::DELETE, Method::PUT, Method::PATCH] {
            if allow.split(", ").any(|allowed| allowed == method.as_str()) {
                continue;
            }
            let answer = admin.send(admin.request(method.clone(), path).json(&json!({}))).await;
            answer.expect_error(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
        }
    }
    admin.send(admin.request(Method::PUT, "/nothing")).await.expect_error(404, "not_found");
    // Of the server as a whole, which no library for clients asks.
    let address = server.url().trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(answer.contains("allow: GET, HEAD, POST, DELETE, OPTIONS\r\n"), "{answer}");
}

async fn a_body_on_get_and_delete_is_ignored(server: &Server) {
    let admin = server.admin().await;
    let id = admin.post("/Client", json!({"name": "Acme"})).await.expect(201)["id"].clone();
    let path = format!("/Client/{id}");
    for (kind, body) in
        [("application/json", "{\"broken"), ("text/plain", "x"), ("application/xml", "<a/>")]
    {
        for path in ["/Client", path.as_str()] {
            let request = admin.request(Method::GET, path).header("content-type", kind).body(body);
            admin.send(request).await.expect(200);
        }
    }
    let request = admin.request(Method::GET, "/Client").header("content-type", "application/json");
    admin.send(request).await.expect(200);
    let request =
        admin.request(Method::DELETE, &path).header("content-type", "text/html").body("[[{");
    assert_eq!(admin.send(request).await.expect(200)["id"], id);
}

async fn media_types_of_json_are_taken(server: &Server) {
    let admin = server.admin().await;
    let good = [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "text/json",
        "application/json-patch+json",
        "application/vnd.api+json",
    ];
    for (at, kind) in good.iter().enumerate() {
        let body = json!({"name": format!("Client {at}")}).to_string();
        admin.post_text("/Client", kind, body).await.expect(201);
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "*/*",
    ] {
        let answer = admin.post_text("/Client", kind, "{\"name\":\"No\"}").await;
        answer.expect_error(415, "unsupported_media_type");
    }
    assert_eq!(admin.get("/Client").await.expect(200)["record_count"], good.len());
    // A body that would have to be unpacked first is told as that, not as broken JSON.
    for (encoding, status) in [("gzip", 415), ("br", 415), ("identity", 400), ("", 400)] {
        let request = admin.request(Method::POST, "/Client").header("content-encoding", encoding);
        let answer = admin.send(request.header("content-type", "text/json").body("\u{1f}")).await;
        assert_eq!(answer.status, status, "{encoding}");
    }
}

async fn a_doubly_nested_array_is_flattened(server: &Server) {
    let admin = server.admin().await;
    let made = admin.post("/Client", json!([[{"name": "a"}, {"name": "b"}]])).await.expect(201);
    assert_eq!((&made[0]["name"], &made[1]["name"]), (&json!("a"), &json!("b")));
    let made = admin.post("/Client", json!([[{"name": "c"}]])).await.expect(201);
    assert_eq!(made["name"], "c");
    let errors = admin
        .post("/Client", json!([[{"name": "d"}, {"name": ""}]]))
        .await
        .expect_error(400, "validation");
    assert!(errors["[1].name"].is_array(), "{errors}");
    for body in ["[]", "[[]]"] {
        let answer = admin.post_text("/Client", "application/json", body).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "[]"));
    }
}

async fn a_body_over_the_limit_is_refused(server: &Server) {
    let admin = server.admin().await;
    let over = format!("{{\"name\":\"{}\"}}", "x".repeat(20 * 1024 * 1024));
    let head = format!(
        "POST /api/Client HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
        admin.token()
    );
    let declared = format!("{head}Content-Length: {}\r\n\r\n", over.len());
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    for (head, in_chunks) in [(declared, false), (chunked, true)] {
        let answer = upload(server, &head, &over, in_chunks).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{in_chunks}: {answer}");
        assert!(answer.contains("application/json") && answer.contains("x-request-id"), "{answer}");
        assert!(answer.contains("\"code\":\"too_large\""), "{answer}");
    }
    // A program that sends all before it reads gets the answer too.
    for _ in 0..5 {
        let answer = admin.post_text("/api/Client", "application/json", over.clone()).await;
        answer.expect_error(413, "too_large");
    }
    let nobody = server.nobody();
    nobody
        .post_text("/Client", "application/json", over.clone())
        .await
        .expect_error(401, "unauthorized");
    nobody
        .post_text("/nothing", "application/json", over.clone())
        .await
        .expect_error(404, "not_found");
    admin
        .post_text("/Client", "text/plain", over.clone())
        .await
        .expect_error(415, "unsupported_media_type");
    nobody
        .post_text("/auth/token", "application/json", over.clone())
        .await
        .expect_error(413, "too_large");
    let request = admin.request(Method::GET, "/Client").body(over.clone());
    admin.send(request).await.expect(200);
    // Under the limit the body is read, and refused for what is in it.
    let near = format!("{{\"name\":\"{}\"}}", "x".repeat(20 * 1024 * 1024 - 100));
    let errors = admin
        .post_text("/api/Client", "application/json", near)
        .await
        .expect_error(400, "validation");
    assert!(errors["name"].is_array(), "{errors}");
}

/// Sends a request by hand, all of it as long as the server takes it, and returns the reply.
async fn upload(server: &Server, head: &str, body: &str, in_chunks: bool) -> String {
    let address = server.url().trim_start_matches("http://");
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let (head, body) = (head.to_owned(), body.as_bytes().to_vec());
    let sending = async move {
        writer.write_all(head.as_bytes()).await?;
        for chunk in body.chunks(1 << 20) {
            if in_chunks {
                writer.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
            }
            writer.write_all(chunk).await?;
            if in_chunks {
                writer.write_all(b"\r\n").await?;
            }
        }
        if in_chunks {
            writer.write_all(b"0\r\n\r\n").await?;
        }
        Ok::<_, std::io::Error>(writer)
    };
    let receiving = async move {
        let mut text = Vec::new();
        let mut part = [0; 4096];
        while let Ok(count) = reader.read(&mut part).await {
            text.extend_from_slice(&part[..count]);
            if count == 0 || text.ends_with(b"}") {
                break;
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    };
    let (_, text) = tokio::join!(sending, receiving);
    text
}

async fn an_id_is_a_32_bit_integer(server: &Server) {
    let admin = server.admin().await;
    for id in
        ["abc", "+1", "1.5", "2147483648", "-2147483649", "1e3", "0x1", "%00", "%20", "1%2F2", "١"]
    {
        for path in ["/api/Client", "/Site", "/tickets"] {
            let path = format!("{path}/{id}");
            let errors = admin.get(&path).await.expect_error(400, "validation");
            assert!(errors["id"].is_array(), "{path}: {errors}");
            admin.delete(&path).await.expect_error(400, "validation");
        }
    }
    for id in ["0", "-1", "999", "2147483647", "-2147483648", "0000999"] {
        for path in [
            "/api/Client",
            "/Site",
            "/Supplier",
            "/Users",
            "/Tickets",
            "/TopLevel",
            "/Agent",
            "/Tax",
        ] {
            admin.get(&format!("{path}/{id}")).await.expect_error(404, "not_found");
        }
        admin.delete(&format!("/Client/{id}")).await.expect_error(404, "not_found");
    }
}

async fn unknown_query_keys_are_ignored(server: &Server) {
    let admin = server.admin().await;
    for name in ["b", "a", "c"] {
        admin.post("/Client", json!({"name": name})).await.expect(201);
    }
    let plain = admin.get("/Client").await;
    let unknown = "tenant=default&activeStatus=active&inactive=true&isactive=false&paginate=true&x&=&&%FF=%FF";
    let empty = "pageinate=&page_size=&page_no=&count=&order=&search=&advanced_search=&idonly=&includeactive=\
                 &includeinactive=&lastupdatefromdate=&include_custom_fields=&toplevel_id=&domain=";
    for query in
        [unknown, empty, "count=true", "count=True", "page_size=2&page_no=2", "search=%20%20"]
    {
        let answer = admin.get(&format!("/Client?{query}")).await;
        assert_eq!((answer.status, &answer.text), (200, &plain.text), "{query}");
    }
    let first = admin.get("/Client?pageinate=true&page_size=2&page_no=0").await.expect(200);
    assert_eq!((&first["page_no"], &first["clients"][0]["name"]), (&json!(1), &json!("a")));
    let id = &first["clients"][0]["id"];
    let record = admin.get(&format!("/Client/{id}")).await;
    let same = admin
        .get(&format!("/Client/{id}?{unknown}&includedetails=&includediagramdetails=False"))
        .await;
    assert_eq!(same.text, record.text);
    admin.post(&format!("/Client?{unknown}"), json!({"name": "d"})).await.expect(201);
    admin.delete(&format!("/Client/{id}?{unknown}")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_server_refuses_what_it_does_not_know() {
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::start_with(database, |config| config.strict = true).await;
        let admin = server.admin().await;
        let id = admin.post("/Client", json!({"name": "Acme"})).await.expect(201)["id"].clone();
        let record = format!("/Client/{id}");
        for name in ["tenant", "activeStatus", "inactive", "isactive", "paginate"] {
            for path in ["/Client", record.as_str(), "/Tax"] {
                let errors =
                    admin.get(&format!("{path}?{name}=1")).await.expect_error(400, "validation");
                assert!(errors[name.to_ascii_lowercase()].is_array(), "{path} {name}: {errors}");
            }
            admin.get(&format!("/Client?{name}=")).await.expect(200);
        }
        admin.post("/Client?foo=1", json!({"name": "No"})).await.expect_error(400, "validation");
        admin.delete(&format!("{record}?foo=1")).await.expect_error(400, "validation");
        admin
            .get("/Client?pageinate=False&count=50&includeinactive=False&includeactive=True")
            .await
            .expect(200);
        let both =
            admin.get("/Client?foo=1&bar=2&page_size=abc").await.expect_error(400, "validation");
        assert_eq!(names(&both), ["bar", "foo", "page_size"]);
        let errors = admin.post(
            "/Client",
            json!([{"name": "A", "nonsense": 1, "site_update": [{"name": "S", "odd": 2}]}]),
        );
        let errors = errors.await.expect_error(400, "validation");
        assert_eq!(names(&errors), ["[0].nonsense", "[0].site_update[0].odd"]);
        let list = admin.get("/Client").await.expect(200);
        assert_eq!(list["record_count"], 1, "nothing was written or deleted");
    }
}

fn names(errors: &Value) -> Vec<String> {
    let mut names: Vec<String> = errors.as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}

async fn booleans_have_six_spellings(server: &Server) {
    let admin = server.admin().await;
    admin
        .post("/Client", json!([{"name": "on"}, {"name": "off", "inactive": true}]))
        .await
        .expect(201);
    for (spelling, count) in
        [("true", 2), ("True", 2), ("1", 2), ("false", 1), ("False", 1), ("0", 1)]
    {
        let list = admin.get(&format!("/Client?includeinactive={spelling}")).await.expect(200);
        assert_eq!(list["record_count"], count, "{spelling}");
        let paged = admin.get(&format!("/Client?pageinate={spelling}")).await.expect(200);
        assert_eq!(paged.get("page_no").is_some(), count == 2, "{spelling}");
    }
    for (name, wrong) in [
        ("includeinactive", "yes"),
        ("includeactive", "2"),
        ("pageinate", "maybe"),
        ("idonly", "-1"),
        ("orderdesc", "desc"),
        ("showcounts", "1.0"),
        ("includenotes", "x"),
        ("page_size", "abc"),
        ("page_no", "1.5"),
        ("page_size", "0"),
        ("page_size", "-5"),
        ("page_no", "-1"),
        ("count", "many"),
        ("count", "-1"),
        ("page_size", "99999999999"),
        ("include_custom_fields", "1,x"),
        ("sitefields", "a"),
        ("toplevel_id", "one"),
        ("activeinactive", "true"),
        ("activeinactive", "a,b"),
        ("lastupdatefromdate", "yesterday"),
        ("lastupdatetodate", "2026-13-01"),
        ("domain", "nowhere"),
    ] {
        let errors =
            admin.get(&format!("/Client?{name}={wrong}")).await.expect_error(400, "validation");
        assert_eq!(names(&errors), [name], "{wrong}");
    }
    let id = admin.get("/Client").await.expect(200)["clients"][0]["id"].clone();
    let errors = admin
        .get(&format!("/Client/{id}?includedetails=perhaps"))
        .await
        .expect_error(400, "validation");
    assert_eq!(names(&errors), ["includedetails"]);
    let errors = admin
        .post("/Client?dryrun=perhaps", json!({"name": "x"}))
        .await
        .expect_error(400, "validation");
    assert_eq!(names(&errors), ["dryrun"]);
}

async fn integer_lists_have_three_spellings(server: &Server) {
    let admin = server.admin().await;
    let stock = |name: &str| json!({"name": name, "isstocklocation": true});
    let body = json!({"name": "Acme", "site_update": [stock("one"), stock("two"), stock("three")]});
    admin.post("/Client", body).await.expect(201);
    let ids = |list: Value| -> Vec<i64> {
        list["sites"].as_array().unwrap().iter().map(|site| site["id"].as_i64().unwrap()).collect()
    };
    let all = ids(admin.get("/Site?includenonstocklocations=false&order=id").await.expect(200));
    assert_eq!(all.len(), 3);
    let (one, three) = (all[0], all[2]);
    for query in [
        format!("stocklocation={one},{three}"),
        format!("stocklocation={one}&stocklocation={three}"),
        format!("stocklocation[]={one}&stocklocation[]={three}"),
        format!("stocklocation%5B%5D={three}&stocklocation%5B%5D={one}"),
        format!("StockLocation=%20{one}%20,{three},"),
    ] {
        let found = ids(admin.get(&format!("/Site?{query}&order=id")).await.expect(200));
        assert_eq!(found, [one, three], "{query}");
    }
}

/// A text as a value in a query string.
pub fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
