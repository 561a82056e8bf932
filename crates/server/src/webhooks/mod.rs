//! Webhooks: the change feed, sent on.
//!
//! **Fan-out.** Each enabled webhook has a cursor in the feed. What lies behind it becomes deliveries,
//! in the transaction that moves the cursor: each change once, whatever restarts.
//!
//! **Delivery.** A delivery is claimed for one attempt, sent, and its outcome noted. One of each record
//! is under way at a time, so that a record's changes arrive in order; after the last attempt it is
//! parked, and the record's next one goes on. A claim whose server died runs out, and the attempt is
//! repeated: at least once.
//!
//! Of several servers the one with a tenant's lease does its work.

pub mod address;
mod fan_out;
mod send;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aureole_catalogue::keys::webhook;
use aureole_catalogue::{EntityKind, Record};
use aureole_storage::webhooks::{self as store, Due, Outcome, State};
use aureole_storage::{Db, leases};
use ipnet::IpNet;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use crate::app::App;
use crate::config::WebhookSettings;
use crate::error::Result;
use crate::vault::Place;
pub use send::authorities;
use send::{Failure, Message, Sender};

const LEASE: &str = "webhooks";
/// Rounds are at least so far apart, so that many commits share one.
const PAUSE: Duration = Duration::from_millis(5);
/// A claim outlasts the time-out of its attempt by this.
const CLAIM_MARGIN_MS: i64 = 5_000;

/// What the rest of the program tells and asks of webhooks.
pub struct Webhooks {
    /// Private networks to which deliveries may go.
    pub networks: Vec<IpNet>,
    sender: Sender,
    /// There may be a tenant with work that had none before.
    stirred: AtomicBool,
    /// This server's name in leases.
    holder: String,
}

impl Webhooks {
    /// # Errors
    /// One line on a setting that is wrong.
    pub fn new(settings: &WebhookSettings) -> std::result::Result<Webhooks, String> {
        let networks = address::networks(&settings.allow_networks)
            .map_err(|wrong| format!("webhooks.allow_networks {wrong}"))?;
        let authorities =
            authorities(&settings.ca_file).map_err(|wrong| format!("webhooks.ca_file {wrong}"))?;
        let sender = Sender {
            networks: networks.clone(),
            timeout: Duration::from_secs(settings.timeout_seconds),
            response_bytes: settings.response_bytes,
            authorities,
            tls: tokio::sync::OnceCell::new(),
        };
        Ok(Webhooks {
            sender,
            networks,
            stirred: AtomicBool::new(true),
            holder: format!("{:016x}", rand::random::<u64>()),
        })
    }

    /// Has the next round look for tenants again.
    pub fn stir(&self) {
        self.stirred.store(true, Ordering::Release);
    }
}

/// What one server is at.
struct Dispatcher<'a> {
    app: &'a Arc<App>,
    tenants: Vec<i64>,
    looked_at: Option<Instant>,
    /// By tenant, until when its lease is held.
    leases: HashMap<i64, i64>,
    /// What is under way. A clock that jumps must not end the claim of any of it.
    sent: HashMap<Id, Sent>,
    /// Tasks of their own: an attempt that notes its outcome holds the database's writer, and must go
    /// on while a round waits for that.
    attempts: JoinSet<()>,
}

/// A delivery that is under way.
#[derive(Clone, Copy)]
struct Sent {
    tenant: i64,
    webhook: i64,
    delivery: i64,
}

/// Sends as long as the server runs; then lets what is under way end, and gives its leases up.
pub async fn run(app: &Arc<App>) {
    let mut dispatcher = Dispatcher {
        app,
        tenants: Vec::new(),
        looked_at: None,
        leases: HashMap::new(),
        sent: HashMap::new(),
        attempts: JoinSet::new(),
    };
    let poll = Duration::from_millis(app.config.webhooks.poll_ms);
    while !app.stopping.has_begun() {
        let committed = app.db.committed().notified();
        tokio::pin!(committed);
        committed.as_mut().enable();
        dispatcher.round().await;
        tokio::select! {
            Some(ended) = dispatcher.attempts.join_next_with_id() => dispatcher.ended(ended),
            () = &mut committed => {}
            () = tokio::time::sleep(poll) => {}
            () = app.stopping.begun() => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
    while dispatcher.attempts.join_next().await.is_some() {}
    for tenant in dispatcher.leases.keys() {
        let db = app.db.of(*tenant);
        if let Err(error) = leases::release(&db, *tenant, LEASE, &app.webhooks.holder).await {
            tracing::warn!(%error, "a lease runs out by itself");
        }
    }
}

impl Dispatcher<'_> {
    fn ended(&mut self, ended: std::result::Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(
            |error| {
                // Its claim runs out, and it is sent again.
                tracing::error!(%error, "a delivery broke off");
                error.id()
            },
            |(id, ())| id,
        );
        self.sent.remove(&id);
    }

    /// Queues what is new and starts what is due. What fails is tried again in the next round.
    async fn round(&mut self) {
        if let Err(error) = self.look().await {
            tracing::warn!(%error, "the webhooks could not be read");
        }
        for tenant in self.tenants.clone() {
            if let Err(error) = self.tenant(tenant).await {
                let cause = crate::front::cause(&error).unwrap_or_else(|| error.message());
                tracing::warn!(tenant, cause, "webhooks of a tenant could not be served");
            }
        }
    }

    /// Finds the tenants with work, now and then and when there may be a new one.
    async fn look(&mut self) -> aureole_storage::Result<()> {
        let poll = Duration::from_millis(self.app.config.webhooks.poll_ms);
        let fresh = self.looked_at.is_some_and(|at| at.elapsed() < poll);
        if !self.app.webhooks.stirred.swap(false, Ordering::AcqRel) && fresh {
            return Ok(());
        }
        self.tenants = store::tenants(&self.app.db).await?;
        for tenant in &self.tenants {
            store::park_orphans(&self.app.db.of(*tenant), *tenant).await?;
        }
        self.looked_at = Some(Instant::now());
        Ok(())
    }

    async fn tenant(&mut self, tenant: i64) -> Result<()> {
        let db = self.app.db.of(tenant);
        if !self.hold(&db, tenant).await? {
            return Ok(());
        }
        fan_out::run(self.app, &db, tenant).await?;
        let now = self.app.clock.now_ms();
        for webhook in store::due_webhooks(&mut db.clone(), tenant, now).await? {
            let of_webhook = |sent: &&Sent| sent.tenant == tenant && sent.webhook == webhook;
            let busy = self.sent.values().filter(of_webhook).count();
            let free = self.app.config.webhooks.concurrency.saturating_sub(busy);
            let limit = i64::try_from(free).unwrap_or(i64::MAX);
            if limit == 0 {
                continue;
            }
            let mut due = store::due(&mut db.clone(), tenant, webhook, now, limit).await?;
            let is_sent = |due: &Due| {
                self.sent.values().any(|sent| sent.tenant == tenant && sent.delivery == due.id)
            };
            due.retain(|due| !is_sent(due));
            self.start(&db, tenant, due, now).await?;
        }
        Ok(())
    }

    /// True while this server has the tenant's lease, which is prolonged at half its time.
    async fn hold(&mut self, db: &Db, tenant: i64) -> Result<bool> {
        let now = self.app.clock.now_ms();
        let length = self.app.config.webhooks.lease_seconds.saturating_mul(1_000);
        if self.leases.get(&tenant).is_some_and(|until| *until - length / 2 > now) {
            return Ok(true);
        }
        let until = now + length;
        let holder = &self.app.webhooks.holder;
        let held = leases::hold(db, tenant, LEASE, holder, (now, until)).await?;
        if held {
            self.leases.insert(tenant, until);
        } else {
            self.leases.remove(&tenant);
        }
        Ok(held)
    }

    /// Claims deliveries and sends each of them.
    async fn start(&mut self, db: &Db, tenant: i64, due: Vec<Due>, now: i64) -> Result<()> {
        if due.is_empty() {
            return Ok(());
        }
        let timeout_ms = self.app.config.webhooks.timeout_seconds.saturating_mul(1_000);
        let until = now + i64::try_from(timeout_ms).unwrap_or(0) + CLAIM_MARGIN_MS;
        let mut tx = db.begin().await?;
        let mut claimed = Vec::with_capacity(due.len());
        for due in due {
            if store::claim(&mut tx, tenant, &due, now, until).await? {
                claimed.push(due);
            }
        }
        tx.commit().await?;
        for due in claimed {
            let (app, db) = (Arc::clone(self.app), db.clone());
            let sent = Sent { tenant, webhook: due.webhook_id, delivery: due.id };
            let task = self.attempts.spawn(async move { attempt(&app, &db, tenant, &due).await });
            self.sent.insert(task.id(), sent);
        }
        Ok(())
    }
}

/// One attempt, and the note of its outcome.
async fn attempt(app: &App, db: &Db, tenant: i64, due: &Due) {
    let began = Instant::now();
    let result = send(app, tenant, due).await;
    let duration_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    let (response_code, error, refused) = match result {
        Ok(code) if (200..300).contains(&code) => (code, String::new(), false),
        Ok(code) if (300..400).contains(&code) => {
            (code, format!("the receiver answered {code}: redirects are not followed"), false)
        }
        Ok(code) => (code, format!("the receiver answered {code}"), false),
        Err(Failure::Failed(error)) => (0, error, false),
        Err(Failure::Refused(error)) => (0, error, true),
    };
    let settings = &app.config.webhooks;
    let state = if error.is_empty() {
        State::Delivered
    } else if refused || due.attempts + 1 >= settings.attempts {
        State::Parked
    } else {
        State::Pending { next_at: app.clock.now_ms() + delay_ms(settings, due.attempts) }
    };
    let (id, webhook) = (due.id, due.webhook_id);
    if error.is_empty() {
        tracing::debug!(tenant, webhook, delivery = id, duration_ms, "delivered");
    } else {
        let parked = state == State::Parked;
        tracing::warn!(tenant, webhook, delivery = id, parked, error, "a delivery failed");
    }
    let outcome = Outcome { state, response_code: response_code.into(), duration_ms, error };
    if let Err(error) = note(db, tenant, due, &outcome).await {
        // The claim runs out, and it is sent again.
        tracing::warn!(%error, tenant, delivery = id, "an outcome could not be noted");
    }
}

async fn note(db: &Db, tenant: i64, due: &Due, outcome: &Outcome) -> aureole_storage::Result<()> {
    let mut tx = db.begin().await?;
    store::finish(&mut tx, tenant, due, outcome).await?;
    tx.commit().await
}

async fn send(app: &App, tenant: i64, due: &Due) -> std::result::Result<u16, Failure> {
    let entity = EntityKind::Webhook.entity();
    let record = Record::from_doc(entity.schema, &due.doc);
    let secret = secret(app, tenant, due.webhook_id, &record)?;
    let message = Message {
        url: record.text(webhook::URL),
        secret: secret.as_deref(),
        delivery_id: due.id,
        event_id: &due.event_id,
        event: &due.event,
        attempt: due.attempts + 1,
        body: due.body.clone(),
        now: app.clock.now_ms(),
    };
    app.webhooks.sender.send(message).await
}

/// The key of the signatures. One that can't be opened stops the delivery: a receiver that expects a
/// signature must not get used to there being none.
fn secret(
    app: &App,
    tenant: i64,
    id: i64,
    record: &Record,
) -> std::result::Result<Option<String>, Failure> {
    if !record.is_set(webhook::SECRET) {
        return Ok(None);
    }
    let place = Place::new(tenant, EntityKind::Webhook.entity().name, id, "secret");
    let opened = app.vault.open(&place, record.text(webhook::SECRET));
    opened.map(Some).map_err(|error| Failure::Failed(format!("the webhook's secret: {error}")))
}

/// What to wait after an attempt: twice as long after each, up to a limit, and up to a quarter more or
/// less, so that what failed together does not come back together.
fn delay_ms(settings: &WebhookSettings, attempts_before: i64) -> i64 {
    let doublings = u32::try_from(attempts_before).unwrap_or(u32::MAX).min(32);
    let seconds = settings.first_retry_seconds.saturating_mul(1_i64 << doublings);
    let ms = seconds.min(settings.max_retry_seconds).saturating_mul(1_000);
    ms * 3 / 4 + rand::random_range(0..=ms / 2)
}
