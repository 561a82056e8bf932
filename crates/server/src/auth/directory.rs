//! Who there is: tenants, applications and agents, in memory.
//!
//! Tokens are checked without a database read. What they name is looked up here, and the snapshot
//! is read again every two seconds, so that revoking an application, suspending a tenant or
//! disabling an agent is felt on every node within five.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aureole_catalogue::Record;
use aureole_catalogue::entities::agent::UNAME_LIST;
use aureole_catalogue::keys::agent as agent_key;
use aureole_storage::tokens::{self, AgentRow};
use aureole_storage::{Db, Error, codes};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::caller::Role;
use super::scopes::Scopes;
use crate::limit::Meter;

/// How often a background task should call [`super::Auth::refresh`].
pub const REFRESH_MS: u64 = 2_000;
/// A token that names something unknown has it looked up, but not more often than this.
const ON_DEMAND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantEntry {
    pub id: i64,
    pub name: Arc<str>,
    pub suspended: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationEntry {
    pub client_id: Arc<str>,
    pub scopes: Scopes,
    pub revoked: bool,
    /// The same for as long as the process knows the application.
    pub meter: Arc<Meter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentEntry {
    pub id: i64,
    pub name: Arc<str>,
    pub email: Arc<str>,
    pub role: Role,
    pub disabled: bool,
    /// The clients that this agent may see; empty means all.
    pub allowed_clients: Arc<[i64]>,
    /// The clients that it may not see. Stronger than `allowed_clients`.
    pub denied_clients: Arc<[i64]>,
}

type Agents = HashMap<(i64, i64), AgentEntry>;

/// All that was known at one moment.
#[derive(Default)]
pub struct Snapshot {
    /// Moves on when something changed.
    pub generation: u64,
    tenants: HashMap<i64, TenantEntry>,
    tenant_ids: HashMap<String, i64>,
    applications: HashMap<i64, HashMap<Arc<str>, ApplicationEntry>>,
    agents: Arc<Agents>,
    /// By tenant and grant; few, since each is forgotten when its last token has ended.
    ended_grants: HashSet<(i64, String)>,
}

impl Snapshot {
    #[must_use]
    pub fn tenant(&self, id: i64) -> Option<&TenantEntry> {
        self.tenants.get(&id)
    }

    /// A tenant by its name, in any letter case.
    #[must_use]
    pub fn tenant_named(&self, name: &str) -> Option<&TenantEntry> {
        self.tenants.get(self.tenant_ids.get(&name.to_lowercase())?)
    }

    /// The tenant, when there is only one.
    #[must_use]
    pub fn only_tenant(&self) -> Option<&TenantEntry> {
        if self.tenants.len() == 1 { self.tenants.values().next() } else { None }
    }

    #[must_use]
    pub fn application(&self, tenant_id: i64, client_id: &str) -> Option<&ApplicationEntry> {
        self.applications.get(&tenant_id)?.get(client_id)
    }

    #[must_use]
    pub fn agent(&self, tenant_id: i64, id: i64) -> Option<&AgentEntry> {
        self.agents.get(&(tenant_id, id))
    }

    /// True when the tokens of this grant were ended before their time.
    #[must_use]
    pub fn is_ended(&self, tenant_id: i64, grant: &str) -> bool {
        !self.ended_grants.is_empty() && self.ended_grants.contains(&(tenant_id, grant.to_owned()))
    }
}

/// Keeps the newest snapshot.
pub struct Directory {
    db: Db,
    snapshot: ArcSwap<Snapshot>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// When the last refresh began.
    began: Option<Instant>,
    agents_version: Option<[i64; 4]>,
}

impl Directory {
    /// An empty one; [`Directory::refresh`] fills it.
    #[must_use]
    pub fn new(db: Db) -> Directory {
        Directory { db, snapshot: ArcSwap::default(), progress: Mutex::default() }
    }

    /// The newest snapshot.
    pub fn load(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Reads everything again.
    ///
    /// # Errors
    /// From the database; the old snapshot stays.
    pub async fn refresh(&self) -> Result<(), Error> {
        let mut progress = self.progress.lock().await;
        self.read_again(&mut progress).await
    }

    /// As [`Directory::refresh`], for a token that names something unknown: at most once a second,
    /// and one time for all who wait.
    ///
    /// # Errors
    /// From the database; the old snapshot stays.
    pub async fn refresh_on_demand(&self) -> Result<(), Error> {
        let called = Instant::now();
        let mut progress = self.progress.lock().await;
        if let Some(began) = progress.began {
            if began >= called {
                return Ok(());
            }
            tokio::time::sleep_until(began + ON_DEMAND).await;
        }
        self.read_again(&mut progress).await
    }

    /// Whether [`Directory::refresh_on_demand`] would start at once.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.progress
            .try_lock()
            .is_ok_and(|progress| progress.began.is_none_or(|began| began.elapsed() >= ON_DEMAND))
    }

    async fn read_again(&self, progress: &mut Progress) -> Result<(), Error> {
        let began = Instant::now();
        let mut db = self.db.clone();
        let old = self.snapshot.load_full();
        let version = tokens::agents_version(&mut db).await?;
        let agents = if progress.agents_version == Some(version) {
            Arc::clone(&old.agents)
        } else {
            Arc::new(read_agents(tokens::agents(&mut db).await?))
        };
        let tenants = tokens::tenants(&mut db).await?;
        let applications = tokens::applications(&mut db).await?;
        let ended_grants = codes::ended(&mut db).await?.into_iter().collect();
        let generation = old.generation;
        let mut new = Snapshot { generation, agents, ended_grants, ..Snapshot::default() };
        for tenant in tenants {
            new.tenant_ids.insert(tenant.name.to_lowercase(), tenant.id);
            let suspended = tenant.suspended_at.is_some();
            let entry = TenantEntry { id: tenant.id, name: tenant.name.into(), suspended };
            new.tenants.insert(tenant.id, entry);
        }
        for application in applications {
            let client_id: Arc<str> = application.client_id.into();
            let known = old.application(application.tenant_id, &client_id);
            let entry = ApplicationEntry {
                client_id: Arc::clone(&client_id),
                scopes: Scopes::parse_known(&application.scope),
                revoked: application.revoked_at.is_some(),
                meter: known.map(|known| Arc::clone(&known.meter)).unwrap_or_default(),
            };
            new.applications.entry(application.tenant_id).or_default().insert(client_id, entry);
        }
        progress.began = Some(began);
        progress.agents_version = Some(version);
        if new.tenants != old.tenants
            || new.applications != old.applications
            || !Arc::ptr_eq(&new.agents, &old.agents)
            || new.ended_grants != old.ended_grants
        {
            new.generation += 1;
            self.snapshot.store(Arc::new(new));
        }
        Ok(())
    }
}

fn read_agents(rows: Vec<AgentRow>) -> Agents {
    rows.into_iter()
        .map(|row| {
            let record = Record::from_doc(&UNAME_LIST, &row.doc);
            let entry = AgentEntry {
                id: row.id,
                name: row.name.into(),
                email: row.email.into(),
                role: Role::parse(record.text(agent_key::ROLE)),
                disabled: row.disabled,
                allowed_clients: client_ids(record.get(agent_key::ALLOWED)),
                denied_clients: client_ids(record.get(agent_key::DENIED)),
            };
            ((row.tenant_id, row.id), entry)
        })
        .collect()
}

/// The ids in `[{"client_id": 1}, …]`; a bare number counts as well.
fn client_ids(value: Option<&Value>) -> Arc<[i64]> {
    let items = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| item.get("client_id").unwrap_or(item).as_i64()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_clients_of_an_agent_come_from_its_document() {
        let doc = json!({"name": "Ann", "role": "Administrator",
            "allowed_clients": [{"client_id": 3, "name": "x"}, 4, {"id": 5}], "denied_clients": null});
        let row = AgentRow {
            tenant_id: 1,
            id: 2,
            name: "Ann".to_owned(),
            email: "ann@example.com".to_owned(),
            disabled: false,
            doc: doc.to_string(),
        };
        let agents = read_agents(vec![row]);
        let ann = &agents[&(1, 2)];
        assert_eq!(ann.role, Role::Administrator);
        assert_eq!((&ann.allowed_clients[..], &ann.denied_clients[..]), (&[3, 4][..], &[][..]));
    }
}
