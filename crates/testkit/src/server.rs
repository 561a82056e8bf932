//! A whole server in the test's process, on a database of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aureole_server::auth::{NewApplication, Role};
use aureole_server::{App, Clock, Config, load, serve};
use aureole_storage::{DatabaseUrl, Db};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::actor::Actor;
use crate::postgres::Cluster;

/// Where a test server keeps its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// A running server; it ends with the test.
pub struct Server {
    url: String,
    database: DatabaseUrl,
    app: Arc<App>,
    offset_ms: Arc<AtomicI64>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
    folder: Option<TempDir>,
}

impl Server {
    /// Starts a server with the default settings, the tenant `default`, the application `demo` /
    /// `demo-secret` (scope `all`) and its agent, and no other records than every tenant has.
    ///
    /// # Panics
    /// When the server can't be started: a test can't go on without it.
    pub async fn start(database: Database) -> Server {
        Server::start_with(database, |_| {}).await
    }

    /// The same with changed settings.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub async fn start_with(database: Database, change: impl FnOnce(&mut Config)) -> Server {
        let mut config = Config::default();
        change(&mut config);
        let (url, folder) = match database {
            Database::Sqlite => {
                let folder = must(TempDir::new(), "a temporary folder");
                (DatabaseUrl::Sqlite(folder.path().join("test.db")), Some(folder))
            }
            Database::Postgres => {
                let cluster = must(Cluster::shared(), "a PostgreSQL cluster");
                (DatabaseUrl::Postgres(cluster.create_database()), None)
            }
        };
        let server = Server::run(url, folder, config).await;
        must(load::demo_identities(&server.app, "default").await, "the demo identities");
        server
    }

    /// Starts another server on the same database, with changed settings.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub async fn start_beside(&self, change: impl FnOnce(&mut Config)) -> Server {
        let mut config = Config::default();
        change(&mut config);
        Server::run(self.database.clone(), None, config).await
    }

    /// Stops the server as SIGTERM would, and starts another one on the same database, with changed
    /// settings and the same time on its clock.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub async fn restart(mut self, change: impl FnOnce(&mut Config)) -> Server {
        let (database, folder) = (self.database.clone(), self.folder.take());
        let offset_ms = self.offset_ms.load(Ordering::SeqCst);
        self.stop().await;
        let mut config = Config::default();
        change(&mut config);
        let server = Server::run(database, folder, config).await;
        server.advance_ms(offset_ms);
        server
    }

    async fn run(database: DatabaseUrl, folder: Option<TempDir>, config: Config) -> Server {
        let db = must(Db::open(&database, config.storage_options()).await, "the database");
        let offset_ms = Arc::new(AtomicI64::new(0));
        let clock = clock(Arc::clone(&offset_ms));
        let app = must(App::open(db, config, clock).await, "the server");
        let listener = must(TcpListener::bind("127.0.0.1:0").await, "a port");
        let address = must(listener.local_addr(), "the port's number");
        let (stop, stopped) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "the server of a test runs beside it")]
        let running = tokio::spawn(serve::serve(Arc::clone(&app), listener, async {
            let _ = stopped.await;
        }));
        Server {
            url: format!("http://{address}"),
            database,
            app,
            offset_ms,
            stop: Some(stop),
            running: Some(running),
            folder,
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Loads demo clients (seed 1) into the tenant `default`.
    ///
    /// # Panics
    /// When the load fails.
    pub async fn load_demo(&self, clients: u32) {
        must(load::demo(&self.app, 1, 1, clients, &mut |_| {}).await, "the demo data");
    }

    /// Moves the server's clock forward.
    pub fn advance_ms(&self, ms: i64) {
        self.offset_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Does what the server does every minute, now.
    ///
    /// # Panics
    /// When it fails.
    pub async fn housekeep(&self) {
        must(aureole_server::jobs::housekeep(&self.app).await, "the housekeeping");
    }

    /// The application `demo`, whose agent is an administrator.
    pub async fn admin(&self) -> Actor {
        Actor::sign_in(&self.url, "default", "demo", "demo-secret", "all").await
    }

    /// The same application with less scope.
    pub async fn with_scope(&self, scope: &str) -> Actor {
        Actor::sign_in(&self.url, "default", "demo", "demo-secret", scope).await
    }

    /// An application of its own in a tenant, which is made when it is missing; its agent has `role`.
    ///
    /// # Panics
    /// When it can't be made.
    pub async fn actor(&self, tenant: &str, id: &str, scope: &str, role: Role) -> Actor {
        let now = self.app.clock.now_ms();
        let auth = &self.app.auth;
        let tenants = must(auth.list_tenants().await, "the tenants");
        if !tenants.iter().any(|entry| entry.name == tenant) {
            must(auth.create_tenant(tenant, now).await, "a tenant");
        }
        let email = format!("{id}@example.com");
        let agent = auth.create_agent(tenant, id, &email, Some("a-password"), role, now).await;
        let agent_id = must(agent, "an agent");
        let application = NewApplication {
            tenant,
            name: id,
            client_id: Some(id),
            client_secret: Some("a-secret"),
            scope,
            agent_id,
            grants: &["client_credentials", "password", "refresh_token"],
            redirect_uris: &[],
            is_public: false,
        };
        must(auth.create_application(application, now).await, "an application");
        Actor::sign_in(&self.url, tenant, id, "a-secret", scope).await
    }

    /// Somebody without a token.
    pub fn nobody(&self) -> Actor {
        Actor::nobody(&self.url)
    }

    /// Stops the server as SIGTERM would and waits until it has.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(running) = self.running.take() {
            let _ = running.await;
        }
    }
}

fn clock(offset_ms: Arc<AtomicI64>) -> Clock {
    let system = Clock::system();
    Clock::from_fn(move || system.now_ms() + offset_ms.load(Ordering::SeqCst))
}

/// The value, or the end of the test.
fn must<T, E: std::fmt::Display>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error}"),
    }
}
