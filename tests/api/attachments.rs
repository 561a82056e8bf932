//! Stored files: how they come in, how they are read, and whose they are.

use aureole_server::jobs;
use aureole_testkit::{Actor, Answer, Database, Server, on_both_databases};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    a_file_is_stored_listed_read_and_deleted,
    a_file_comes_back_byte_for_byte,
    the_list_filters_by_what_the_file_is_on,
    files_belong_to_a_client,
    files_are_written_through_their_client,
    bad_files_are_named_at_once,
    a_new_content_replaces_the_old_one,
    a_deleted_file_can_be_restored_with_its_content,
    a_file_on_a_client_in_use_keeps_nobody,
    either_tag_guards_a_file,
);

const DAY_MS: i64 = 86_400_000;

/// What a program gets that saves the file.
async fn content(actor: &Actor, id: i64) -> Answer {
    actor.get(&format!("/api/Attachment/{id}")).await
}

async fn a_file_is_stored_listed_read_and_deleted(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let made = make(
        &admin,
        "Attachment",
        json!([{ "filename": "Räume.txt", "client_id": acme, "note": "n", "data_base64": "aGVsbG8=" }]),
    )
    .await;
    assert_eq!(
        (&made["filename"], &made["filesize"], &made["isimage"], &made["client_id"]),
        (&json!("Räume.txt"), &json!(5), &json!(false), &json!(acme))
    );
    assert_eq!(made["content_type"], "text/plain");
    let file = content(&admin, id(&made)).await;
    assert_eq!((file.status, file.text.as_str()), (200, "hello"));
    assert_eq!(file.header("content-type"), "text/plain");
    assert_eq!(file.header("content-length"), "5");
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"R_ume.txt\"; filename*=UTF-8''R%C3%A4ume.txt"
    );
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    let tag = file.header("etag").to_owned();
    let again = admin.request(reqwest::Method::GET, &format!("/api/Attachment/{}", id(&made)));
    assert_eq!(admin.send(again.header("if-none-match", tag)).await.status, 304);
    // As JSON for who asks for it; the content with details alone.
    let request = admin.request(reqwest::Method::GET, &format!("/api/Attachment/{}", id(&made)));
    let plain = admin.send(request.header("accept", "application/json, */*")).await.expect(200);
    assert_eq!(plain, made);
    let full = get(&admin, "Attachment", id(&made), "?includedetails=true").await;
    assert_eq!(full["data_base64"], "aGVsbG8=");
    let list = admin.get("/api/Attachment").await.expect(200);
    assert_eq!(list, json!([made]), "no content in rows");
    let gone = admin.delete(&format!("/api/Attachment/{}", id(&made))).await.expect(200);
    assert_eq!(gone, made);
    content(&admin, id(&made)).await.expect_error(404, "not_found");
}

async fn a_file_comes_back_byte_for_byte(server: &Server) {
    let admin = server.admin().await;
    // More than two parts, and no multiple of anything.
    let bytes: Vec<u8> = (0..600_001_u32).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
    let encoded = STANDARD.encode(&bytes);
    let address = format!("data:image/png;base64,{encoded}");
    for (name, text) in [("data_base64", &address), ("data", &encoded), ("file", &address)] {
        let made = make(&admin, "Attachment", json!({ "filename": "a.png", name: text })).await;
        assert_eq!(
            (&made["filesize"], &made["content_type"], &made["isimage"]),
            (&json!(600_001), &json!("image/png"), &json!(true)),
            "{name}"
        );
        let path = format!("/api/Attachment/{}", id(&made));
        let reply = admin.request(reqwest::Method::GET, &path).send().await.unwrap();
        assert_eq!(reply.headers()["content-length"], "600001");
        assert!(reply.bytes().await.unwrap() == bytes, "{name}");
        let full = get(&admin, "Attachment", id(&made), "?includedetails=true").await;
        assert!(full["data_base64"] == json!(encoded), "{name}");
    }
}

async fn the_list_filters_by_what_the_file_is_on(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let user =
        id(&make(&admin, "Users", json!({ "name": "Una", "site_id": acme["main_site_id"] })).await);
    let ticket =
        id(&make(&admin, "Tickets", json!({ "summary": "t", "client_id": id(&acme) })).await);
    let store = async |name: &str, mut body: Value| {
        body["filename"] = json!(name);
        body["data"] = json!("aA==");
        id(&make(&admin, "Attachment", body).await)
    };
    store("nobody", json!({})).await;
    store("client", json!({ "client_id": id(&acme) })).await;
    store("ticket", json!({ "ticket_id": ticket, "action_id": 7 })).await;
    store("user", json!({ "user_id": user })).await;
    store("other", json!({ "type": 3, "unique_id": 12, "desc": "the plan" })).await;
    for (query, expected) in [
        (String::new(), &["nobody", "client", "ticket", "user", "other"][..]),
        (format!("client_id={}", id(&acme)), &["client", "ticket", "user"]),
        (format!("ticket_id={ticket}"), &["ticket"]),
        ("action_id=7".into(), &["ticket"]),
        (format!("user_id={user}"), &["user"]),
        ("type=3".into(), &["other"]),
        ("unique_id=12".into(), &["other"]),
        ("type=3&unique_id=13".into(), &[]),
        ("search=plan".into(), &["other"]),
        ("count=2".into(), &["nobody", "client"]),
        ("order=filename&orderdesc=true&count=1".into(), &["user"]),
    ] {
        let list = admin.get(&format!("/api/Attachment?{query}")).await.expect(200);
        let names: Vec<&str> =
            list.as_array().unwrap().iter().map(|row| row["filename"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{query}");
    }
    admin.get("/api/Attachment?ticket_id=x").await.expect_error(400, "validation");
}

async fn files_belong_to_a_client(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, client(&admin, "Beta").await);
    let ticket =
        id(&make(&admin, "Tickets", json!({ "summary": "t", "client_id": id(&acme) })).await);
    let body =
        json!({ "filename": "a", "data": "aA==", "ticket_id": ticket, "client_id": id(&beta) });
    let errors = admin.post("/api/Attachment", body).await.expect_error(400, "validation");
    assert!(errors["client_id"].is_array(), "{errors}");
    let made =
        make(&admin, "Attachment", json!({ "filename": "a", "data": "aA==", "ticket_id": ticket }))
            .await;
    assert_eq!(made["client_id"], acme["id"]);
    // An agent that must not see the client does not see its files, wherever they hang.
    let agent = json!({ "name": "Limited", "email": "limited@example.com", "allowed_clients": [{ "client_id": id(&beta) }] });
    let agent = id(&make(&admin, "Agent", agent).await);
    let limited = limited(server, agent).await;
    assert_eq!(limited.get("/api/Attachment").await.expect(200), json!([]));
    content(&limited, id(&made)).await.expect_error(404, "not_found");
    limited.delete(&format!("/api/Attachment/{}", id(&made))).await.expect_error(404, "not_found");
    // The file goes with its ticket.
    admin.delete(&format!("/api/Tickets/{ticket}")).await.expect(200);
    content(&admin, id(&made)).await.expect_error(404, "not_found");
}

/// An application of this agent.
pub async fn limited(server: &Server, agent_id: i64) -> Actor {
    let application = aureole_server::auth::NewApplication {
        tenant: "default",
        name: "limited",
        client_id: Some("limited"),
        client_secret: Some("a-secret"),
        scope: "all",
        agent_id,
        grants: &["client_credentials"],
        redirect_uris: &[],
        is_public: false,
    };
    let now = server.app().clock.now_ms();
    server.app().auth.create_application(application, now).await.unwrap();
    Actor::sign_in(server.url(), "default", "limited", "a-secret", "all").await
}

async fn files_are_written_through_their_client(server: &Server) {
    let admin = server.admin().await;
    let body = json!({
        "name": "Acme",
        "attachments": [{ "filename": "a.txt", "data_base64": "YQ==" }, { "filename": "b.txt", "data": "Yg==" }],
    });
    let acme = id(&make(&admin, "Client", body).await);
    let read = get(&admin, "Client", acme, "?includedetails=true").await;
    let files = read["attachments"].as_array().unwrap().clone();
    assert_eq!(files.len(), 2, "{read}");
    assert!(files[0].get("data_base64").is_none() && files[0].get("data").is_none());
    assert!(get(&admin, "Client", acme, "").await.get("attachments").is_none());
    assert_eq!(content(&admin, id(&files[1])).await.text, "b");
    // The whole new list: what was read stays as it is, what is missing goes.
    let body =
        json!({ "id": acme, "attachments": [files[1], { "filename": "c.txt", "data": "Yw==" }] });
    admin.post("/api/Client", body).await.expect(200);
    content(&admin, id(&files[0])).await.expect_error(404, "not_found");
    assert_eq!(content(&admin, id(&files[1])).await.text, "b");
    let list = admin.get(&format!("/api/Attachment?client_id={acme}")).await.expect(200);
    assert_eq!(list.as_array().unwrap().len(), 2);
    let errors = admin
        .post("/api/Client", json!([{ "id": acme, "attachments": [{ "data": "?" }] }]))
        .await
        .expect_error(400, "validation");
    assert!(errors["[0].attachments[0].filename"].is_array(), "{errors}");
    assert!(errors["[0].attachments[0].data"].is_array(), "{errors}");
    admin.delete(&format!("/api/Client/{acme}")).await.expect(200);
    assert_eq!(admin.get("/api/Attachment").await.expect(200), json!([]));
}

async fn bad_files_are_named_at_once(server: &Server) {
    let admin = server.admin().await;
    let body = json!([
        { "filename": "../a", "data_base64": "***" },
        { "data": "aA==", "content_type": "text" },
        { "filename": "  " },
        { "filename": "a\nb", "data": "aA", "client_id": 4711 },
        { "filename": "x".repeat(256), "data": "a" },
        { "filename": "good", "link": "https://example.com/a" },
    ]);
    let errors = admin.post("/api/Attachment", body).await.expect_error(400, "validation");
    let paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "[0].filename",
            "[0].data_base64",
            "[1].filename",
            "[1].content_type",
            "[2].filename",
            "[2].data_base64",
            "[3].client_id",
            "[3].filename",
            "[4].filename",
            "[4].data",
        ],
        "{errors}"
    );
    assert_eq!(admin.get("/api/Attachment").await.expect(200), json!([]));
    let reader = server.with_scope("read:customers").await;
    reader.get("/api/Attachment").await.expect(200);
    reader.post("/api/Attachment", json!([])).await.expect_error(403, "forbidden");
    // A file elsewhere has a link and no content.
    let link = json!({ "filename": "good", "link": "https://example.com/a" });
    let link = make(&admin, "Attachment", link).await;
    assert_eq!(content(&admin, id(&link)).await.expect(200), link);
}

async fn a_new_content_replaces_the_old_one(server: &Server) {
    let admin = server.admin().await;
    let made = make(&admin, "Attachment", json!({ "filename": "a.txt", "data": "YQ==" })).await;
    let path = "/api/Attachment";
    let renamed = json!({ "id": id(&made), "filename": "b.png", "note": "n" });
    let renamed = admin.post(path, renamed).await.expect(200);
    assert_eq!((&renamed["filesize"], &renamed["content_type"]), (&json!(1), &json!("text/plain")));
    assert_eq!(content(&admin, id(&made)).await.text, "a");
    let would = json!({ "id": id(&made), "data": "YmI=" });
    let would = admin.post("/api/Attachment?dryrun=true", would).await.expect(200);
    assert_eq!(would["filesize"], 2);
    assert_eq!(content(&admin, id(&made)).await.text, "a");
    let changed = json!({ "id": id(&made), "data": "Y2Nj", "filesize": 99 });
    let changed = admin.post(path, changed).await.expect(200);
    assert_eq!((&changed["filesize"], &changed["isimage"]), (&json!(3), &json!(true)));
    assert_eq!(content(&admin, id(&made)).await.text, "ccc");
}

/// A program that read the content has the content's tag.
async fn either_tag_guards_a_file(server: &Server) {
    let admin = server.admin().await;
    let made = make(&admin, "Attachment", json!({ "filename": "a.txt", "data": "YQ==" })).await;
    let path = format!("/api/Attachment/{}", id(&made));
    let mut old = Vec::new();
    for (at, accept) in ["*/*", "application/json"].into_iter().enumerate() {
        let read = admin.send(admin.request(Method::GET, &path).header("accept", accept)).await;
        let tag = read.header("etag").to_owned();
        let change = json!({ "id": id(&made), "note": format!("change {at}") });
        let write =
            |tag: &str| admin.request(Method::POST, "/api/Attachment").header("if-match", tag);
        admin.send(write(&tag).json(&change)).await.expect(200);
        admin.send(write(&tag).json(&change)).await.expect_error(412, "precondition_failed");
        old.push(tag);
    }
    for tag in &old {
        let answer = admin.send(admin.request(Method::DELETE, &path).header("if-match", tag)).await;
        answer.expect_error(412, "precondition_failed");
    }
    let tag = admin.get(&path).await.header("etag").to_owned();
    admin.send(admin.request(Method::DELETE, &path).header("if-match", tag)).await.expect(200);
}

async fn a_deleted_file_can_be_restored_with_its_content(server: &Server) {
    let admin = server.admin().await;
    let made = make(&admin, "Attachment", json!({ "filename": "a.txt", "data": "YQ==" })).await;
    let restore = async |admin: &Actor| {
        let history = format!("/api/History?entity=Attachment&id={}", id(&made));
        let change = admin.get(&history).await.expect(200)[0]["id"].clone();
        admin.post(&format!("/api/History/{change}/restore"), json!([])).await
    };
    admin.delete(&format!("/api/Attachment/{}", id(&made))).await.expect(200);
    jobs::housekeep(server.app()).await.unwrap();
    restore(&admin).await.expect(200);
    assert_eq!(content(&admin, id(&made)).await.text, "a");
    // Restored in time, it stays; deleted for longer than history is kept, the content goes.
    server.advance_ms(31 * DAY_MS);
    jobs::housekeep(server.app()).await.unwrap();
    let admin = server.admin().await;
    assert_eq!(content(&admin, id(&made)).await.text, "a");
    admin.delete(&format!("/api/Attachment/{}", id(&made))).await.expect(200);
    let kept = || async {
        let sql = "SELECT count(*) FROM attachment_part";
        server.app().db.query(sql, &[]).await.unwrap()[0].int(0)
    };
    jobs::housekeep(server.app()).await.unwrap();
    assert_eq!(kept().await, 1);
    server.advance_ms(31 * DAY_MS);
    jobs::housekeep(server.app()).await.unwrap();
    assert_eq!(kept().await, 0);
}

async fn a_file_on_a_client_in_use_keeps_nobody(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let body = json!({ "filename": "a", "data": "YQ==", "client_id": id(&acme) });
    let file = id(&make(&admin, "Attachment", body).await);
    let beta = id(&client(&admin, "Beta").await);
    let merged = json!([{ "id": id(&acme), "_merge_client_into": beta }]);
    admin.post("/api/Client", merged).await.expect(200);
    let list = admin.get(&format!("/api/Attachment?client_id={beta}")).await.expect(200);
    assert_eq!(list[0]["id"], file);
    assert_eq!(content(&admin, file).await.text, "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_has_a_largest_size() {
    let server =
        Server::start_with(Database::Sqlite, |config| config.limits.attachment_bytes = 100).await;
    let admin = server.admin().await;
    let sized =
        |count: usize| json!([{ "filename": "a", "data": STANDARD.encode(vec![0_u8; count]) }]);
    admin.post("/api/Attachment", sized(100)).await.expect(201);
    let errors = admin.post("/api/Attachment", sized(101)).await.expect_error(400, "validation");
    assert!(errors["[0].data"][0].as_str().unwrap().contains("at most 100 bytes"), "{errors}");
    assert_eq!(admin.get("/api/Attachment").await.expect(200).as_array().unwrap().len(), 1);
}
