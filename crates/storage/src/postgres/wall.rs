//! Row-level security, the second wall between tenants: a statement that forgets its tenant finds
//! the rows of the session's tenant only. The first wall is the `tenant_id = $1` of the statement.
//!
//! Which tenant that is stands in the setting `aureole.tenant`. In a transaction it travels with
//! BEGIN; a shared connection is told when the tenant changes, in front of the statement and
//! without waiting for the answer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use deadpool_postgres::ClientWrapper;
use futures_util::future::join;

use super::{Postgres, failure};
use crate::db::Result;

/// The policies; runs after the migrations.
const POLICIES: &str = include_str!("../../migrations/wall.postgres.sql");

/// Who reads and writes when the user of the connection stands above all policies. It can't sign
/// in, and has no rights but those on the tables of the databases where it is used.
const ROLE: &str = "aureole_tenants";

/// Makes the role and gives it what it needs. Another process may do the same at the same time, in
/// this database or in another one of the server.
const GRANTS: &str = "\
    DO $$ BEGIN \
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'aureole_tenants') THEN \
            BEGIN CREATE ROLE aureole_tenants NOLOGIN; \
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END; \
        END IF; \
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO aureole_tenants', current_schema()); \
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I \
            TO aureole_tenants', current_schema()); \
    END $$";

/// Any number that no other program takes in the same PostgreSQL database.
const LOCK: &str = "SELECT pg_advisory_xact_lock(4697251101801573)";

impl Postgres {
    /// Puts up what is missing of the wall, and goes behind it: after the migrations.
    pub(crate) async fn raise_wall(&self) -> Result<()> {
        let lease = self.lease(0).await?;
        let client = lease.client()?;
        let fail = |error| failure(client, "row-level security", &error);
        let script = format!("BEGIN; SET LOCAL statement_timeout = 0; {LOCK}; {POLICIES}; COMMIT");
        client.batch_execute(&script).await.map_err(fail)?;
        let sql = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user";
        let row = client.query_one(sql, &[]).await.map_err(fail)?;
        if !row.get::<_, bool>(0) {
            // The policies bind the owner of the tables as well.
            return Ok(());
        }
        let script = format!("BEGIN; {LOCK}; {GRANTS}; COMMIT; SET ROLE {ROLE}; RESET ROLE");
        if let Err(error) = client.batch_execute(&script).await {
            client.batch_execute("ROLLBACK").await.map_err(fail)?;
            let error = failure(client, "a role for row-level security", &error);
            tracing::warn!(%error, "row-level security does not hold: the database's user is above it");
            return Ok(());
        }
        drop(lease);
        self.behind_wall.store(true, Ordering::Release);
        // Connections from before are not.
        self.pool.retain(|_, _| false);
        self.lines.iter().for_each(|line| line.set(None));
        Ok(())
    }

    /// What a new connection has to be told first.
    pub(super) async fn go_behind_wall(
        is_up: bool,
        client: &ClientWrapper,
    ) -> std::result::Result<(), tokio_postgres::Error> {
        if is_up { client.batch_execute(&format!("SET ROLE {ROLE}")).await } else { Ok(()) }
    }
}

/// What tells a session or a transaction (`LOCAL`) its tenant; 0 for all of them.
pub(super) fn tell(scope: &str, tenant: i64) -> String {
    format!("SET {scope} aureole.tenant = '{tenant}'")
}

/// A shared connection, and the tenant that it was told last.
pub(super) struct Session {
    pub(super) client: ClientWrapper,
    tenant: Mutex<Option<i64>>,
}

impl Session {
    pub(super) fn new(client: ClientWrapper) -> Session {
        Session { client, tenant: Mutex::new(None) }
    }

    /// Sends a statement of a tenant: `work` has to send it when it is polled first.
    ///
    /// Nothing of another task may come between the tenant and the statement, so both are sent
    /// under the lock, which is held for as long as it takes to hand them to the connection.
    pub(super) async fn send<T>(
        &self,
        tenant: i64,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut work = pin!(work);
        let mut told = None;
        let first = poll_fn(|context| {
            let mut current = self.tenant.lock().unwrap_or_else(PoisonError::into_inner);
            if *current != Some(tenant) {
                let mut telling = Box::pin(self.tell(tenant));
                let answer = telling.as_mut().poll(context);
                told = answer.is_pending().then_some(telling);
                if let Poll::Ready(Err(error)) = answer {
                    return Poll::Ready(Err(error));
                }
                *current = Some(tenant);
            }
            Poll::Ready(Ok(work.as_mut().poll(context)))
        })
        .await?;
        match (first, told) {
            (Poll::Ready(done), _) => done,
            (Poll::Pending, None) => work.await,
            (Poll::Pending, Some(told)) => {
                let (told, done) = join(told, work).await;
                if told.is_err() {
                    // The next statement tells it again.
                    *self.tenant.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                told.and(done)
            }
        }
    }

    async fn tell(&self, tenant: i64) -> Result<()> {
        let sql = tell("SESSION", tenant);
        let told = self.client.batch_execute(&sql).await;
        told.map_err(|error| failure(&self.client, &sql, &error))
    }
}
