//! Signing in: grants, refresh tokens and what ends a token, on both databases.

mod grants;
mod nodes;
mod refresh;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use aureole_server::auth::{Auth, Caller, NewApplication, Role, TokenError, TokenRequest};
use aureole_storage::{DatabaseUrl, Db, Options};
use aureole_testkit::postgres::Cluster;
use serde_json::Value;
use tempfile::TempDir;

const NOW_MS: i64 = 1_800_000_000_000;
const CLIENT: &str = "client_id=demo&client_secret=demo-secret";

/// A migrated database with an application `demo`, an administrator and a plain agent, and a
/// program that has it open.
struct Stage {
    url: DatabaseUrl,
    db: Db,
    auth: Auth,
    _folder: TempDir,
}

impl Stage {
    async fn at(url: DatabaseUrl, folder: TempDir) -> Stage {
        let db = Db::open(&url, Options::default()).await.unwrap();
        db.migrate(NOW_MS).await.unwrap();
        let auth = Auth::open(db.clone(), NOW_MS).await.unwrap();
        let stage = Stage { url, db, auth, _folder: folder };
        stage.application("demo", "all", &["client_credentials", "password"]).await;
        stage.agent("Ann Admin", "ann@example.com", Role::Administrator).await;
        stage.agent("Paul Plain", "paul@example.com", Role::Agent).await;
        stage
    }

    async fn application(&self, id: &str, scope: &str, grants: &[&str]) {
        let new = NewApplication {
            name: id,
            client_id: Some(id),
            client_secret: Some("demo-secret"),
            scope,
            grants,
            ..NewApplication::default()
        };
        self.auth.create_application(new, NOW_MS).await.unwrap();
    }

    async fn agent(&self, name: &str, email: &str, role: Role) -> i64 {
        let password = Some("demo-password");
        self.auth.create_agent("", name, email, password, role, NOW_MS).await.unwrap()
    }

    /// An end user with the logins `user@example.com` and `user`.
    async fn user(&self) {
        let mut tx = self.db.begin().await.unwrap();
        let sql = "INSERT INTO end_user (tenant_id, id, rev, updated_at, name, emailaddress, doc) \
             VALUES (1, 7, 1, 0, 'Uma User', 'user@example.com', '{}')";
        tx.execute(sql, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let logins = ["User@Example.com", "user"];
        self.auth.set_password(1, "user", 7, &logins, "user-password").await.unwrap();
    }

    /// Another process on the same database.
    async fn node(&self) -> Auth {
        let db = Db::open(&self.url, Options::default()).await.unwrap();
        Auth::open(db, NOW_MS).await.unwrap()
    }

    async fn execute(&self, sql: &str) {
        let mut tx = self.db.begin().await.unwrap();
        tx.execute(sql, &[]).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn token(&self, body: &str) -> Result<Value, TokenError> {
        self.auth.token(request(body, NOW_MS)).await
    }

    /// The status and the error of a refused request.
    async fn refused(&self, body: &str) -> (u16, String) {
        refusal(self.token(body).await)
    }

    async fn caller(&self, reply: &Value) -> Result<Arc<Caller>, String> {
        caller(&self.auth, reply, NOW_MS).await
    }
}

async fn stages() -> Vec<Stage> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = DatabaseUrl::Sqlite(folder.path().join("test.db"));
    let postgres = Cluster::shared().unwrap().create_database().parse().unwrap();
    vec![Stage::at(sqlite, folder).await, Stage::at(postgres, tempfile::tempdir().unwrap()).await]
}

fn request(body: &str, now_ms: i64) -> TokenRequest<'_> {
    TokenRequest {
        query: "",
        body: body.as_bytes(),
        authorization: None,
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        base_url: "http://127.0.0.1:7070",
        now_ms,
    }
}

fn refusal(result: Result<Value, TokenError>) -> (u16, String) {
    let error = result.unwrap_err();
    let body = error.body();
    assert!(!body["error_description"].as_str().unwrap().is_empty(), "{body}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    (error.status(), body["error"].as_str().unwrap().to_owned())
}

async fn caller(auth: &Auth, reply: &Value, now_ms: i64) -> Result<Arc<Caller>, String> {
    let header = format!("Bearer {}", reply["access_token"].as_str().unwrap());
    auth.caller(Some(&header), now_ms).await.map_err(|error| error.to_string())
}
