//! What every request shares: database, tokens, clock, settings, caches.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aureole_catalogue::query::ListLimits;
use aureole_catalogue::render::{Plan, View};
use aureole_catalogue::{Entity, EntityKind, Limits, Show, Source};
use aureole_storage::Db;
use aureole_storage::records::{Select, Sight};

use crate::ahead::Ahead;
use crate::api::idempotency::Running;
use crate::api::openapi::Docs;
use crate::auth::{Auth, Caller};
use crate::cache::RecordCache;
use crate::clock::Clock;
use crate::config::Config;
use crate::cors::Origins;
use crate::feed::hub::Hub;
use crate::fresh::Fresh;
use crate::index::Index;
use crate::limit::{Crowd, Rate};
use crate::lists::Lists;
use crate::metrics::Metrics;
use crate::proxies::Proxies;
use crate::serve::Stopping;
use crate::settled::SettledAnswers;
use crate::vault::Vault;
use crate::webhooks::Webhooks;

/// The running program.
pub struct App {
    /// For the rows of all tenants. Requests use `Call::db` or [`Db::of`].
    pub db: Db,
    pub auth: Auth,
    pub clock: Clock,
    pub config: Config,
    pub limits: Limits,
    pub list_limits: ListLimits,
    pub index: Index,
    pub lists: Lists,
    pub fresh: Fresh,
    pub settled: SettledAnswers,
    pub records: RecordCache,
    pub ahead: Ahead,
    pub metrics: Metrics,
    /// Seals and opens secrets.
    pub vault: Arc<Vault>,
    pub feed: Arc<Hub>,
    pub stopping: Stopping,
    pub rate: Option<Rate>,
    pub crowd: Crowd,
    pub proxies: Proxies,
    pub origins: Origins,
    pub webhooks: Webhooks,
    /// Requests with an `Idempotency-Key` that are worked on.
    pub repeats: Running,
    pub docs: Docs,
    plans: RwLock<HashMap<PlanKey, Arc<Prepared>, foldhash::fast::RandomState>>,
    /// Those of limited agents, by their limits.
    limited_plans: RwLock<HashMap<(PlanKey, Clients, Clients), Arc<Prepared>>>,
}

type PlanKey = (EntityKind, View, Show);
/// The clients that an agent may see, or must not see.
type Clients = Arc<[i64]>;

/// Plans of limited agents that are kept; with more, all of them are made anew.
const LIMITED_PLANS: usize = 1_000;

/// A rendering plan and the statement that reads what it needs.
pub struct Prepared {
    pub plan: Plan,
    pub select: Select,
    /// The kinds of record whose names the plan looks up.
    pub names_of: Vec<EntityKind>,
}

impl App {
    /// Migrates the database and loads what requests need in memory.
    pub async fn open(db: Db, config: Config, clock: Clock) -> Result<Arc<App>, String> {
        let now = clock.now_ms();
        db.migrate(now).await.map_err(|error| error.to_string())?;
        let vault = Arc::new(Vault::new(&config.secret_key, &config.secret_key_file)?);
        let auth = Auth::open_sealed(db.clone(), Arc::clone(&vault), now).await;
        let auth = auth.map_err(|error| error.to_string())?;
        let app = App {
            index: Index::new(config.index_sizes()),
            lists: Lists::new(config.lists.cache_bytes),
            settled: SettledAnswers::default(),
            fresh: Fresh::new(
                db.clone(),
                Duration::from_millis(config.storage.read_hold_ms),
                config.cache.changes.max(1),
            ),
            records: RecordCache::new(config.cache.record_bytes),
            ahead: Ahead::new(&config.cache),
            metrics: Metrics::default(),
            vault,
            feed: Arc::default(),
            stopping: Stopping::default(),
            rate: config.rate()?,
            crowd: Crowd::default(),
            proxies: Proxies::parse(&config.trusted_proxies)?,
            origins: Origins::parse(&config.cors.origins)?,
            webhooks: Webhooks::new(&config.webhooks)?,
            repeats: Running::default(),
            docs: Docs::default(),
            limits: config.accept_limits(),
            list_limits: config.list_limits(),
            plans: RwLock::default(),
            limited_plans: RwLock::default(),
            db,
            auth,
            clock,
            config,
        };
        let app = Arc::new(app);
        crate::seed::all_tenants(&app).await.map_err(|error| format!("{error:?}"))?;
        Ok(app)
    }

    /// The plan for one kind of reply, made at first use.
    pub fn prepared(&self, kind: EntityKind, view: View, show: Show) -> Arc<Prepared> {
        let key = (kind, view, show);
        if let Some(prepared) = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(&key)
        {
            return Arc::clone(prepared);
        }
        let prepared = Arc::new(self.prepare(kind, view, show, None));
        let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(plans.entry(key).or_insert(prepared))
    }

    /// The same for what a caller is shown: a limited agent gets no names of clients out of sight.
    pub fn prepared_for(
        &self,
        caller: &Caller,
        kind: EntityKind,
        view: View,
        show: Show,
    ) -> Arc<Prepared> {
        let Some(sight) = crate::rights::sight(caller) else {
            return self.prepared(kind, view, show);
        };
        let limits = (Arc::clone(&caller.allowed_clients), Arc::clone(&caller.denied_clients));
        let key = ((kind, view, show), limits.0, limits.1);
        let known = self.limited_plans.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = known.get(&key) {
            return Arc::clone(prepared);
        }
        drop(known);
        let prepared = Arc::new(self.prepare(kind, view, show, Some(sight)));
        let mut plans = self.limited_plans.write().unwrap_or_else(PoisonError::into_inner);
        if plans.len() >= LIMITED_PLANS {
            plans.clear();
        }
        Arc::clone(plans.entry(key).or_insert(prepared))
    }

    fn prepare(
        &self,
        kind: EntityKind,
        view: View,
        show: Show,
        sight: Option<Sight<'_>>,
    ) -> Prepared {
        let entity = kind.entity();
        let plan = Plan::new(entity.schema, view, show);
        let select = Select::new(entity, &plan.lookups, self.db.dialect(), sight);
        Prepared { names_of: names_of(entity, &plan), plan, select }
    }
}

/// The kinds of record that a plan's names come from or are reached through.
fn names_of(entity: &'static Entity, plan: &Plan) -> Vec<EntityKind> {
    let mut kinds: Vec<EntityKind> = Vec::new();
    for position in &plan.lookups {
        match entity.schema.fields[*position].source {
            Source::Name { path, .. } => kinds.extend(path.iter().map(|(_, kind)| *kind)),
            Source::ClientSiteName => kinds.push(EntityKind::Client),
            _ => {}
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
