//! Write-only fields: refused without a key, and with one never to be seen again outside.

use aureole_catalogue::{EntityKind, Mode};
use aureole_server::endpoints::{ENDPOINTS, Endpoint};
use aureole_server::vault::{self, KeyText, Place, Vault, rotate};
use aureole_testkit::{Actor, Database, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{id, make};

on_both_databases!(without_a_key_a_secret_is_refused, what_was_read_can_be_posted_back);

/// A word that is in every secret of these tests and nowhere else.
const WORD: &str = "hush";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const BOTH: [Database; 2] = [Database::Sqlite, Database::Postgres];

async fn server(database: Database) -> Server {
    Server::start_with(database, |config| config.secret_key = KeyText(KEY.to_owned())).await
}

/// The kinds of record with secrets, and the names of those.
fn holders() -> Vec<(&'static Endpoint, Vec<&'static str>)> {
    let secrets = |endpoint: &Endpoint| -> Vec<&'static str> {
        let fields = endpoint.kind.entity().schema.fields.iter();
        let secret = fields.filter(|field| field.mode == Mode::Secret && field.name != "password");
        secret.map(|field| field.name).collect()
    };
    let all = ENDPOINTS.iter().map(|endpoint| (endpoint, secrets(endpoint)));
    all.filter(|(_, secrets)| !secrets.is_empty()).collect()
}

/// A record of a kind without secrets.
fn plain(kind: EntityKind, client: i64) -> Value {
    match kind {
        EntityKind::Site => json!({ "name": "Depot", "client_id": client }),
        EntityKind::AzureTenant => {
            let guid = "00000000-0000-0000-0000-000000000001";
            json!({ "client_id": client, "azure_tenant_id": guid })
        }
        EntityKind::ExternalLink => json!({ "third_party_id": "1", "third_party_desc": "d" }),
        EntityKind::FieldInfo => json!({ "name": "Note", "usage": 2, "type": 0 }),
        EntityKind::Webhook => {
            json!({ "name": "Plain", "url": "https://example.com/hook", "entities": ["Client"], "events": ["created"], "enabled": false })
        }
        _ => json!({ "name": "Plain" }),
    }
}

/// Everything that the database holds and could hold a secret in.
async fn stored(server: &Server) -> String {
    let mut text = String::new();
    let mut queries: Vec<String> = ENDPOINTS
        .iter()
        .map(|endpoint| format!("SELECT doc FROM {}", endpoint.kind.entity().table))
        .collect();
    queries.push("SELECT coalesce(before_doc, '') FROM change".to_owned());
    queries.push("SELECT reply FROM idempotency".to_owned());
    queries.push("SELECT private_pem FROM signing_key".to_owned());
    for query in queries {
        for row in server.app().db.query(&query, &[]).await.unwrap() {
            text.push_str(row.text(0));
            text.push('\n');
        }
    }
    text
}

async fn doc(server: &Server, kind: EntityKind, id: i64) -> Value {
    let sql = format!("SELECT doc FROM {} WHERE tenant_id = 1 AND id = $1", kind.entity().table);
    let rows = server.app().db.query(&sql, &[id.into()]).await.unwrap();
    serde_json::from_str(rows[0].text(0)).unwrap()
}

/// The secret in a field, as a server with the key opens it.
async fn opened(server: &Server, vault: &Vault, kind: EntityKind, id: i64, field: &str) -> String {
    let doc = doc(server, kind, id).await;
    let place = Place::new(1, kind.entity().name, id, field);
    vault.open(&place, doc[field].as_str().unwrap_or("")).unwrap()
}

/// All that the API shows of a record.
async fn shown(admin: &Actor, endpoint: &Endpoint, id: i64) -> String {
    let name = endpoint.kind.entity().name;
    let mut text = String::new();
    for path in [
        format!("/{}", endpoint.path),
        format!("/{}?search={WORD}", endpoint.path),
        format!("/{}/{id}", endpoint.path),
        format!("/{}/{id}?includedetails=true", endpoint.path),
        format!("/History?entity={name}&id={id}"),
    ] {
        let answer = admin.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        text.push_str(&answer.text);
    }
    text
}

async fn without_a_key_a_secret_is_refused(server: &Server) {
    let admin = server.admin().await;
    let client = id(&make(&admin, "Client", json!({ "name": "Owner" })).await);
    for (endpoint, names) in holders() {
        let mut body = plain(endpoint.kind, client);
        for name in &names {
            body[*name] = json!(format!("{WORD}-{name}"));
        }
        let before = stored(server).await;
        let answer = admin.post(&format!("/{}", endpoint.path), json!([body])).await;
        assert!(!answer.text.contains(WORD), "{}", answer.text);
        let errors = answer.expect_error(400, "validation");
        for name in &names {
            let message = errors[format!("[0].{name}")][0].as_str().unwrap_or_default();
            assert!(message.contains("secret_key_file"), "{name}: {errors}");
            // Nothing to store is nothing to refuse.
            body[*name] = if *name == names[0] { Value::Null } else { json!("") };
        }
        assert_eq!(stored(server).await, before, "/{}", endpoint.path);
        make(&admin, endpoint.path, body).await;
    }
    let pem = stored(server).await;
    assert!(pem.contains("-----BEGIN"), "without a key the signing key is in clear");
}

async fn what_was_read_can_be_posted_back(server: &Server) {
    let admin = server.admin().await;
    let client = id(&make(&admin, "Client", json!({ "name": "Owner" })).await);
    for (endpoint, _) in holders() {
        let made = make(&admin, endpoint.path, plain(endpoint.kind, client)).await;
        let path = format!("/{}/{}?includedetails=true", endpoint.path, id(&made));
        let read = admin.get(&path).await.expect(200);
        let answer = admin.post(&format!("/{}", endpoint.path), json!([read])).await;
        assert_eq!(answer.status, 200, "/{}: {}", endpoint.path, answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_stored_sealed_and_never_shown() {
    for database in BOTH {
        let server = server(database).await;
        let (admin, vault) = (server.admin().await, &server.app().vault);
        let client = id(&make(&admin, "Client", json!({ "name": "Owner" })).await);
        for (endpoint, names) in holders() {
            let (path, kind) = (format!("/{}", endpoint.path), endpoint.kind);
            let mut body = plain(kind, client);
            for name in &names {
                body[*name] = json!(format!("{WORD}-{name}"));
            }
            let made = admin.post(&path, body.clone()).await;
            assert!(!made.text.contains(WORD) && !made.text.contains("_warning"), "{}", made.text);
            let record = id(&made.expect(201));
            for name in &names {
                let secret = opened(&server, vault, kind, record, name).await;
                assert_eq!(secret, format!("{WORD}-{name}"));
            }
            // The same again changes nothing; a new value does, and the history says so.
            body["id"] = json!(record);
            let sealed = doc(&server, kind, record).await;
            admin.post(&path, body.clone()).await.expect(200);
            assert_eq!(doc(&server, kind, record).await, sealed, "{path}");
            let name = names[0];
            let change = json!({ "id": record, name: format!("{WORD}-again") });
            assert!(!admin.post(&path, change).await.text.contains(WORD));
            assert_eq!(opened(&server, vault, kind, record, name).await, format!("{WORD}-again"));
            let text = shown(&admin, endpoint, record).await;
            assert!(!text.contains(WORD) && !text.contains(vault::ENVELOPE), "{path}: {text}");
            let history = format!("/History?entity={}&id={record}", kind.entity().name);
            let history = admin.get(&history).await.expect(200);
            assert_eq!(history[0]["fields"], json!({ name: "changed" }), "{path}");
            // Null clears, and only what it names.
            admin.post(&path, json!({ "id": record, name: null })).await.expect(200);
            let cleared = doc(&server, kind, record).await;
            assert!(cleared.get(name).is_none(), "{cleared}");
            for other in &names[1..] {
                assert_eq!(cleared[*other], sealed[*other]);
            }
        }
        let all = stored(&server).await;
        assert!(!all.contains(WORD) && !all.contains("-----BEGIN"), "{all}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_encrypted_custom_fields_are_sealed() {
    for database in BOTH {
        let server = server(database).await;
        let (admin, vault) = (server.admin().await, &server.app().vault);
        let pin = json!({ "name": "Pin", "usage": 2, "isencrypted": true, "mandatory": true });
        let pin = make(&admin, "FieldInfo", pin).await;
        assert!(pin.get("_warning").is_none(), "{pin}");
        let errors = admin.post("/Client", json!({ "name": "None" })).await;
        assert!(errors.expect_error(400, "validation")["customfields"].is_array());
        let value = json!([{ "name": "CFPin", "value": "hush-12" }]);
        let made = make(&admin, "Client", json!({ "name": "Acme", "customfields": value })).await;
        let client = id(&made);
        let place = Place::new(1, "Client", client, &format!("customfields.{}", id(&pin)));
        let sealed = doc(&server, EntityKind::Client, client).await["customfields"][0].clone();
        let envelope = sealed["value"].as_str().unwrap();
        assert_eq!(vault.open(&place, envelope).unwrap(), "\"hush-12\"");
        // What is read has no value, so that it can be posted back.
        let read = admin.get(&format!("/Client/{client}?includedetails=true")).await.expect(200);
        assert!(read["customfields"][0].get("value").is_none(), "{read}");
        admin.post("/Client", json!([read])).await.expect(200);
        let kept = doc(&server, EntityKind::Client, client).await["customfields"][0].clone();
        assert_eq!(kept, sealed);
        let again =
            json!({ "id": client, "customfields": [{ "id": id(&pin), "value": "hush-34" }] });
        admin.post("/Client", again).await.expect(200);
        let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.path == "client").unwrap();
        let text = shown(&admin, endpoint, client).await;
        assert!(!text.contains(WORD) && !text.contains(vault::ENVELOPE), "{text}");
        assert!(!stored(&server).await.contains(WORD));
        // It is mandatory, so it can't be cleared; its definition can't become a plain one.
        let clear = json!({ "id": client, "customfields": [{ "id": id(&pin), "value": null }] });
        admin.post("/Client", clear.clone()).await.expect_error(400, "validation");
        let open = json!({ "id": id(&pin), "isencrypted": false });
        assert_eq!(admin.post("/FieldInfo", open).await.expect(400)["code"], "in_use");
        let free = json!({ "id": id(&pin), "mandatory": false });
        admin.post("/FieldInfo", free).await.expect(200);
        admin.post("/Client", clear).await.expect(200);
        let cleared = doc(&server, EntityKind::Client, client).await;
        assert!(!cleared.to_string().contains(vault::ENVELOPE), "{cleared}");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_survive_merging_and_restoring() {
    for database in BOTH {
        let server = server(database).await;
        let (admin, vault) = (server.admin().await, &server.app().vault);
        let body = json!({ "name": "Gone", "new_jirakey": "hush-1" });
        let gone = id(&make(&admin, "Client", body).await);
        let kept = id(&make(&admin, "Client", json!({ "name": "Kept" })).await);
        let merge = json!({ "id": gone, "_merge_client_into": kept });
        let merged = admin.post("/Client", merge).await;
        assert!(!merged.text.contains(WORD), "{}", merged.text);
        merged.expect(200);
        let kind = EntityKind::Client;
        assert_eq!(opened(&server, vault, kind, kept, "new_jirakey").await, "hush-1");
        let body = json!({ "name": "Deleted", "new_jirakey": "hush-2" });
        let client = id(&make(&admin, "Client", body).await);
        admin.delete(&format!("/Client/{client}")).await.expect(200);
        let history = admin.get(&format!("/History?entity=Client&id={client}")).await.expect(200);
        let restore = format!("/History/{}/restore", id(&history[0]));
        admin.post(&restore, json!([])).await.expect(200);
        assert_eq!(opened(&server, vault, kind, client, "new_jirakey").await, "hush-2");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_leaves_nothing_under_the_old_key() {
    for database in BOTH {
        let server = server(database).await;
        let admin = server.admin().await;
        let pin = json!({ "name": "Pin", "usage": 2, "isencrypted": true });
        let pin = id(&make(&admin, "FieldInfo", pin).await);
        let mut clients = Vec::new();
        for number in 0..5 {
            let body = json!({
                "name": format!("Client {number}"), "new_jirakey": format!("hush-{number}"),
                "customfields": [{ "id": pin, "value": number.to_string() }],
            });
            clients.push(id(&make(&admin, "Client", body).await));
        }
        // A secret that only the history has.
        let change = json!({ "id": clients[0], "new_jirakey": "hush-new" });
        admin.post("/Client", change).await.expect(200);
        let new = vault::generate_key();
        let both = Vault::new(&KeyText(format!("{new},{KEY}")), "").unwrap();
        let db = &server.app().db;
        let done = rotate::pass(db, &both).await.unwrap();
        // Five fields, five custom values, both in one old state, and the key that signs.
        assert_eq!((done.resealed, done.unreadable.len()), (13, 0));
        assert_eq!(rotate::pass(db, &both).await.unwrap().resealed, 0, "twice is once");
        let old = Vault::new(&KeyText(KEY.to_owned()), "").unwrap().key_id().unwrap();
        assert!(!stored(&server).await.contains(&format!("{}{old}", vault::ENVELOPE)));
        let only = Vault::new(&KeyText(new), "").unwrap();
        for (number, client) in clients.iter().enumerate().skip(1) {
            let secret = opened(&server, &only, EntityKind::Client, *client, "new_jirakey").await;
            assert_eq!(secret, format!("hush-{number}"));
        }
        // Without the key that it needs nothing is touched, and it says why.
        let other = Vault::new(&KeyText(vault::generate_key()), "").unwrap();
        let before = stored(&server).await;
        let failed = rotate::pass(db, &other).await.unwrap();
        assert_eq!((failed.resealed, failed.unreadable.values().sum::<u64>()), (0, 13));
        assert_eq!(stored(&server).await, before);
        server.stop().await;
    }
}
