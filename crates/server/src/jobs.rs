//! What runs in the background.

mod prepay;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use aureole_storage::{changes, tokens};

use crate::app::App;
use crate::auth::{self, Caller, Role, Scopes};
use crate::error::ApiError;

/// Seconds between two rounds of the housekeeping.
const HOUSEKEEPING_S: u64 = 60;
/// Refresh tokens that one round deletes at most.
const PURGE_LIMIT: i64 = 10_000;
/// Changes that one transaction forgets at most.
const FORGET_LIMIT: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;

/// Starts the background task of a server; it ends soon after the server has begun to stop.
pub fn start(app: Arc<App>) -> JoinHandle<()> {
    #[expect(clippy::disallowed_methods, reason = "the server's one background task")]
    tokio::spawn(async move {
        // Side by side: a long round must not keep a revoked application alive.
        let endless =
            async { tokio::join!(watch(&app), rounds(&app), crate::feed::hub::run(&app)) };
        tokio::select! {
            _ = endless => {}
            // Ends when the server stops, after what is being sent.
            () = crate::webhooks::run(&app) => {}
        }
    })
}

/// Learns what other nodes changed.
async fn watch(app: &App) {
    let mut refresh = tokio::time::interval(Duration::from_millis(auth::REFRESH_MS));
    loop {
        refresh.tick().await;
        app.metrics.record_cache(app.records.bytes());
        app.metrics.upkeep();
        if let Err(error) = app.auth.refresh().await {
            tracing::warn!(%error, "the directory could not be read");
        }
    }
}

/// What is done at start and then every minute.
async fn rounds(app: &Arc<App>) {
    let mut minute = tokio::time::interval(Duration::from_secs(HOUSEKEEPING_S));
    loop {
        minute.tick().await;
        if let Err(error) = housekeep(app).await {
            tracing::warn!(error, "housekeeping failed");
        }
        if let Err(error) = run_due(app).await {
            tracing::warn!(error, "a background round failed");
        }
    }
}

/// Does everything that is due now; returns how many prepay lots were bought.
///
/// # Errors
/// A sentence on the last failure; what else was due is done.
pub async fn run_due(app: &Arc<App>) -> Result<u64, String> {
    prepay::run_due(app).await
}

/// Forgets every tenant's history from before the days for which it keeps it, in pieces, so that
/// nobody waits long. Returns from when on some tenant keeps it (milliseconds since 1970).
async fn forget_history(app: &App, now: i64) -> Result<i64, ApiError> {
    let mut oldest = now;
    for tenant in tokens::tenants(&mut app.db.clone()).await? {
        let mut db = app.db.of(tenant.id);
        let settings = crate::settings::load(&mut db, tenant.id).await?;
        let days = crate::history::days(app, &settings);
        let before = now - days.saturating_mul(DAY_MS);
        oldest = oldest.min(before);
        loop {
            let mut tx = db.begin().await?;
            let gone = changes::expire(&mut tx, tenant.id, before, FORGET_LIMIT).await?;
            tx.commit().await?;
            if gone == 0 {
                break;
            }
        }
    }
    Ok(oldest)
}

/// Forgets what has expired: refresh tokens, codes and old history. Replaces an old signing key.
pub async fn housekeep(app: &App) -> Result<(), String> {
    let now = app.clock.now_ms();
    let max_age_ms = app.config.tokens.signing_key_days.saturating_mul(DAY_MS);
    app.auth.tend_signing_keys(max_age_ms, now).await.map_err(|error| error.to_string())?;
    app.auth.purge_refresh_tokens(PURGE_LIMIT, now).await.map_err(|error| error.to_string())?;
    // What is kept in memory learns of changes before they go, those of other processes too: a log
    // that was not read for long is begun anew.
    app.fresh.sync_all().await.map_err(|error| error.to_string())?;
    app.fresh.forget_idle();
    app.index.forget_idle();
    // What has no place in the feed yet does not expire.
    for tenant in aureole_storage::tokens::tenants(&mut app.db.clone())
        .await
        .map_err(|error| error.to_string())?
    {
        let placed = crate::feed::hub::place_all(app, tenant.id).await;
        placed.map_err(|error| error.to_string())?;
    }
    let before = forget_history(app, now).await.map_err(|error| error.message())?;
    let mut tx = app.db.begin().await.map_err(|error| error.to_string())?;
    aureole_storage::attachments::expire(&mut tx, before)
        .await
        .map_err(|error| error.to_string())?;
    let before = now - app.config.webhooks.keep_days.saturating_mul(DAY_MS);
    aureole_storage::webhooks::expire(&mut tx, before).await.map_err(|error| error.to_string())?;
    let before = now - crate::api::idempotency::LIFE_MS;
    aureole_storage::idempotency::expire(&mut tx, before)
        .await
        .map_err(|error| error.to_string())?;
    tx.commit().await.map_err(|error| error.to_string())
}

/// Who works in the background.
pub fn caller(tenant: i64) -> Caller {
    Caller {
        tenant_id: tenant,
        tenant: String::new(),
        application: "jobs".to_owned(),
        agent_id: 0,
        agent_name: String::new(),
        role: Role::Administrator,
        user_id: 0,
        scopes: Scopes::ALL,
        allowed_clients: Arc::new([]),
        denied_clients: Arc::new([]),
        meter: Arc::default(),
    }
}
