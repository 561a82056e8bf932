//! Who waits for changes, and what wakes them.
//!
//! One task a process looks for what is new in the tenants for which somebody waits: after every
//! commit of this process, and now and then for those of others. So a hundred readers of a tenant
//! cost one look, and only those are woken that have something to read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aureole_storage::feed;
use tokio::sync::watch;

use crate::app::App;
use crate::error::{ApiError, Result};

/// Looks are at least so far apart, so that many commits share one.
const PAUSE: Duration = Duration::from_millis(5);
/// Changes that get their place in one transaction.
pub const PLACED_AT_A_TIME: i64 = 5_000;
/// What a reader is told to wait when there is no room for it.
const RETRY_AFTER_S: u64 = 5;

/// The waiting readers of this process.
#[derive(Default)]
pub struct Hub {
    /// By tenant: the newest position that was found.
    tenants: Mutex<HashMap<i64, watch::Sender<i64>>>,
    /// By tenant and application: how many wait.
    readers: Mutex<HashMap<(i64, String), usize>>,
}

/// A waiting reader's place, given up when dropped.
pub struct Place {
    hub: Arc<Hub>,
    key: (i64, String),
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut readers = lock(&self.hub.readers);
        if let Some(count) = readers.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                readers.remove(&self.key);
            }
        }
    }
}

impl Hub {
    /// A place for one more reader that waits.
    ///
    /// # Errors
    /// 429 when the process or the application has as many as it may.
    pub fn enter(self: &Arc<Hub>, app: &App, tenant: i64, application: &str) -> Result<Place> {
        let settings = &app.config.feed;
        let key = (tenant, application.to_owned());
        let mut readers = lock(&self.readers);
        let (all, own) = (readers.values().sum::<usize>(), readers.get(&key).copied().unwrap_or(0));
        let full = if own >= settings.readers_per_application {
            Some(format!("this application waits for changes {own} times already"))
        } else if all >= settings.readers {
            Some("too many programs wait for changes already".to_owned())
        } else {
            None
        };
        if let Some(message) = full {
            return Err(ApiError::RateLimited { message, retry_after_s: RETRY_AFTER_S });
        }
        *readers.entry(key.clone()).or_default() += 1;
        Ok(Place { hub: Arc::clone(self), key })
    }

    /// Tells when a tenant has something new. Who waits takes it first, then reads, then waits.
    pub fn watch(&self, tenant: i64) -> watch::Receiver<i64> {
        lock(&self.tenants).entry(tenant).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// The tenants for which somebody waits.
    fn watched(&self) -> Vec<i64> {
        let mut tenants = lock(&self.tenants);
        tenants.retain(|_, sender| sender.receiver_count() > 0);
        tenants.keys().copied().collect()
    }

    fn tell(&self, tenant: i64, position: i64) {
        if let Some(sender) = lock(&self.tenants).get(&tenant) {
            sender.send_if_modified(|newest| {
                let is_news = position > *newest;
                *newest = position.max(*newest);
                is_news
            });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks for news as long as the server runs.
pub async fn run(app: &App) {
    let poll = Duration::from_millis(app.config.feed.poll_ms);
    loop {
        let committed = app.db.committed().notified();
        tokio::pin!(committed);
        committed.as_mut().enable();
        for tenant in app.feed.watched() {
            match look(app, tenant).await {
                Ok(position) => app.feed.tell(tenant, position),
                Err(error) => tracing::warn!(%error, tenant, "the change feed could not be read"),
            }
        }
        // Both orders of waking are fine: the time-out is what finds the commits of other nodes.
        let _ = tokio::time::timeout(poll, committed).await;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn look(app: &App, tenant: i64) -> aureole_storage::Result<i64> {
    place_all(app, tenant).await?;
    feed::ends(&mut app.db.of(tenant), tenant).await.map(|ends| ends.last)
}

/// Gives everything that is committed its place in the feed.
pub async fn place_all(app: &App, tenant: i64) -> aureole_storage::Result<()> {
    let db = app.db.of(tenant);
    while feed::place(&db, tenant, PLACED_AT_A_TIME).await? == PLACED_AT_A_TIME {}
    Ok(())
}
