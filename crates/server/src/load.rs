//! Loads the demo data into a tenant.

use std::collections::HashMap;
use std::sync::Arc;

use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Key, Limits, Problems, Record, accept};
use aureole_storage::changes::{self, Author, Change};
use aureole_storage::records::{self, Write};
use aureole_storage::{Tx, tokens};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::auth::{NewApplication, Role, login_keys};
use crate::demo::{ClientBundle, Demo, Kind, REFERENCES};
use crate::rights;
use crate::save::apply::apply;

/// Clients that one transaction writes.
const BATCH: u32 = 250;

/// The fixed credentials of `serve --demo`.
pub const APPLICATION: (&str, &str) = ("demo", "demo-secret");
pub const AGENT: (&str, &str) = ("demo@example.com", "demo-password");
pub const USER: (&str, &str) = ("user@example.com", "demo-password");

/// Ids of the shared records, by kind and ordinal.
type Shared = HashMap<(Kind, i64), i64>;

/// Writes `clients` clients with all that belongs to them. `progress` learns how many are there.
///
/// # Errors
/// A sentence: a client of that name exists (the same seed was loaded before), or the database
/// failed. Whole batches stay.
pub async fn demo(
    app: &Arc<App>,
    tenant: i64,
    seed: u64,
    clients: u32,
    progress: &mut (dyn FnMut(u32) + Send),
) -> Result<(), String> {
    let now = app.clock.now_ms();
    let today = jiff::Timestamp::from_millisecond(now).map_err(|error| error.to_string())?;
    let demo = Demo::new(seed, clients, today);
    tenant_defaults(app, tenant).await?;
    let shared = load_shared(app, tenant, &demo, now).await?;
    let mut done = 0;
    while done < clients {
        let end = clients.min(done + BATCH);
        let mut batch = Batch::begin(app, tenant, now).await?;
        let bundles: Vec<ClientBundle> = (done..end).map(|index| demo.client(index)).collect();
        batch.add_clients(bundles, &shared).await?;
        batch.finish().await?;
        done = end;
        progress(done);
    }
    Ok(())
}

/// Gives a tenant that was just made the records that every tenant starts with.
///
/// # Errors
/// A sentence, as from [`demo`].
pub async fn tenant_defaults(app: &Arc<App>, tenant: i64) -> Result<(), String> {
    crate::seed::tenant_defaults(app, tenant).await.map_err(|error| format!("{error:?}"))
}

/// Makes the application, the agent and the end user whose credentials the manual prints.
///
/// # Errors
/// A sentence, as from [`demo`].
pub async fn demo_identities(app: &Arc<App>, tenant: &str) -> Result<(), String> {
    let now = app.clock.now_ms();
    let agent = app
        .auth
        .create_agent(tenant, "Demo Agent", AGENT.0, Some(AGENT.1), Role::Administrator, now)
        .await
        .map_err(|error| error.to_string())?;
    let application = NewApplication {
        tenant,
        name: "Demo",
        client_id: Some(APPLICATION.0),
        client_secret: Some(APPLICATION.1),
        scope: "all",
        agent_id: agent,
        grants: &["client_credentials", "password", "authorization_code", "refresh_token"],
        redirect_uris: &["http://localhost/callback", "http://127.0.0.1/callback"],
        is_public: false,
    };
    app.auth.create_application(application, now).await.map_err(|error| error.to_string())?;
    let tenants = app.auth.list_tenants().await.map_err(|error| error.to_string())?;
    let tenant = tenants.iter().find(|entry| entry.name == tenant).map_or(1, |entry| entry.id);
    demo_user(app, tenant, now).await
}

/// The end user works at the first client's main site.
async fn demo_user(app: &Arc<App>, tenant: i64, now: i64) -> Result<(), String> {
    let hash = app.auth.hash_password(USER.1).await.map_err(|error| error.to_string())?;
    let mut batch = Batch::begin(app, tenant, now).await?;
    let text = |error: aureole_storage::Error| error.to_string();
    let entity = EntityKind::Site.entity();
    let Some(site) = records::first_id(&mut batch.tx, tenant, entity).await.map_err(text)? else {
        return Ok(());
    };
    let prepared = app.prepared(
        EntityKind::Site,
        aureole_catalogue::render::View::Full,
        aureole_catalogue::Show::NONE,
    );
    let stored = records::get(&mut batch.tx, &prepared.select, tenant, site).await.map_err(text)?;
    let doc = stored.map(|stored| stored.doc).unwrap_or_default();
    let client =
        Record::from_doc(entity.schema, &doc).int(aureole_catalogue::keys::site::CLIENT_ID);
    let id = batch.reserve(EntityKind::User, 1).await?;
    let user = json!({
        "name": "Demo User", "firstname": "Demo", "surname": "User", "emailaddress": USER.0,
        "site_id": site, "site_id_int": site, "client_id": client,
    });
    batch.add(EntityKind::User, id, user.as_object().cloned().unwrap_or_default())?;
    let logins = login_keys(&[USER.0]);
    tokens::set_credential(&mut batch.tx, tenant, "user", id, &logins, &hash)
        .await
        .map_err(text)?;
    batch.finish().await
}

/// Finds the shared records by name, and makes those that the tenant lacks.
async fn load_shared(app: &Arc<App>, tenant: i64, demo: &Demo, now: i64) -> Result<Shared, String> {
    let mut shared = Shared::new();
    let mut batch = Batch::begin(app, tenant, now).await?;
    for (kind, mut record) in demo.reference() {
        let entity = entity_kind(kind).entity();
        let ordinal = record.shift_remove("id").and_then(|id| id.as_i64()).unwrap_or(0);
        let name = record.get("name").and_then(Value::as_str).map(fold).unwrap_or_default();
        let found = records::ids_by_name(&mut batch.tx, tenant, entity, &name, None).await;
        let found = found.map_err(|error| error.to_string())?;
        let id = match found.first() {
            Some(id) => *id,
            None => {
                let id = batch.reserve(entity.kind, 1).await?;
                point(&mut record, &shared);
                batch.add(entity.kind, id, record)?;
                batch.flush().await?;
                id
            }
        };
        shared.insert((kind, ordinal), id);
    }
    batch.finish().await?;
    Ok(shared)
}

/// Replaces ordinals of shared records by their ids.
fn point(record: &mut Map<String, Value>, shared: &Shared) {
    for (field, kind) in REFERENCES {
        let Some(value) = record.get_mut(*field) else { continue };
        if let Some(id) = value.as_i64().and_then(|ordinal| shared.get(&(*kind, ordinal))) {
            *value = Value::from(*id);
        }
    }
}

fn entity_kind(kind: Kind) -> EntityKind {
    match kind {
        Kind::TopLevel => EntityKind::TopLevel,
        Kind::Organisation => EntityKind::Organisation,
        Kind::Agent => EntityKind::Agent,
        Kind::TicketArea => EntityKind::TicketArea,
        Kind::TicketType => EntityKind::TicketType,
        Kind::Status => EntityKind::Status,
        Kind::Tax => EntityKind::Tax,
        Kind::Currency => EntityKind::Currency,
        Kind::Surcharge => EntityKind::Surcharge,
        Kind::BillingTemplate => EntityKind::BillingTemplate,
        Kind::Item => EntityKind::Item,
        Kind::Supplier => EntityKind::Supplier,
        Kind::AzureConnection => EntityKind::AzureConnection,
    }
}

/// Records of one transaction, gathered by kind and written with one statement each.
struct Batch {
    tenant: i64,
    now: i64,
    tx: Tx,
    gathered: Vec<(EntityKind, i64, Record)>,
    /// The clients of records that name their site alone.
    owners: HashMap<(EntityKind, i64), i64>,
}

impl Batch {
    async fn begin(app: &Arc<App>, tenant: i64, now: i64) -> Result<Batch, String> {
        let tx = app.db.of(tenant).begin().await.map_err(|error| error.to_string())?;
        Ok(Batch { tenant, now, tx, gathered: Vec::new(), owners: HashMap::new() })
    }

    async fn reserve(&mut self, kind: EntityKind, count: usize) -> Result<i64, String> {
        let count = i64::try_from(count).map_err(|error| error.to_string())?;
        let reserved = self.tx.reserve_ids(self.tenant, kind.entity().name, count).await;
        reserved.map_err(|error| error.to_string())
    }

    /// Gathers one record, checked like a request's.
    fn add(&mut self, kind: EntityKind, id: i64, body: Map<String, Value>) -> Result<(), String> {
        let schema = kind.entity().schema;
        let mut problems = Problems::default();
        let change = accept(schema, &body, "", &Limits::default(), &mut problems);
        if let Some((path, message)) = problems.iter().next() {
            return Err(format!("demo data, {} {path}: {message}", kind.entity().singular));
        }
        let mut record = Record::new(schema);
        apply(&change, None, &mut record, false);
        let created = schema.find("datecreated").or_else(|| schema.find("date_created"));
        if let Some(position) = created {
            let given = body.get(schema.fields[position].name).and_then(Value::as_str);
            let text = given
                .map_or_else(|| aureole_catalogue::value::format_millis(self.now), str::to_owned);
            record.set(Key(position), text);
        }
        self.gathered.push((kind, id, record));
        Ok(())
    }

    async fn add_clients(
        &mut self,
        bundles: Vec<ClientBundle>,
        shared: &Shared,
    ) -> Result<(), String> {
        let sites = bundles.iter().map(|bundle| bundle.sites.len()).sum();
        let users = bundles.iter().map(|bundle| bundle.users.len()).sum();
        let mut client_id = self.reserve(EntityKind::Client, bundles.len()).await?;
        let mut site_id = self.reserve(EntityKind::Site, sites).await?;
        let mut user_id = self.reserve(EntityKind::User, users).await?;
        for bundle in bundles {
            let (next_site, next_user) = (count(bundle.sites.len()), count(bundle.users.len()));
            self.add_client(bundle, shared, client_id, site_id, user_id).await?;
            client_id += 1;
            site_id += next_site;
            user_id += next_user;
        }
        Ok(())
    }

    async fn add_client(
        &mut self,
        bundle: ClientBundle,
        shared: &Shared,
        client: i64,
        first_site: i64,
        first_user: i64,
    ) -> Result<(), String> {
        let own = [("client_id", client)];
        let mut record = bundle.client;
        record.insert("main_site_id".to_owned(), json!(first_site));
        record.insert("allowall_tickettypes".to_owned(), json!(true));
        self.put(EntityKind::Client, client, record, &[], shared)?;
        for (at, mut record) in bundle.sites.into_iter().enumerate() {
            if at == 0 && !bundle.users.is_empty() {
                record.insert("maincontact_id".to_owned(), json!(first_user));
            }
            self.put(EntityKind::Site, first_site + count(at), record, &own, shared)?;
        }
        for (at, (site, record)) in bundle.users.into_iter().enumerate() {
            let site = first_site + count(site);
            let ids = [("client_id", client), ("site_id", site), ("site_id_int", site)];
            self.put(EntityKind::User, first_user + count(at), record, &ids, shared)?;
        }
        for (kind, records) in [
            (EntityKind::CrmNote, bundle.notes),
            (EntityKind::RecurringItem, bundle.items),
            (EntityKind::PrepayLot, bundle.lots),
            (EntityKind::AzureTenant, bundle.azure_links),
        ] {
            for record in records {
                let id = self.reserve(kind, 1).await?;
                self.put(kind, id, record, &own, shared)?;
            }
        }
        for (site, record) in bundle.popups {
            let id = self.reserve(EntityKind::PopupNote, 1).await?;
            let anchor = match site {
                Some(site) => [("site_id", first_site + count(site))],
                None => own,
            };
            self.owners.insert((EntityKind::PopupNote, id), client);
            self.put(EntityKind::PopupNote, id, record, &anchor, shared)?;
        }
        for (site, user, record) in bundle.tickets {
            let id = self.reserve(EntityKind::Ticket, 1).await?;
            let user = user.map_or(0, |user| first_user + count(user));
            let ids =
                [("client_id", client), ("site_id", first_site + count(site)), ("user_id", user)];
            self.put(EntityKind::Ticket, id, record, &ids, shared)?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        kind: EntityKind,
        id: i64,
        mut record: Map<String, Value>,
        ids: &[(&str, i64)],
        shared: &Shared,
    ) -> Result<(), String> {
        point(&mut record, shared);
        for (name, id) in ids {
            record.insert((*name).to_owned(), json!(id));
        }
        self.add(kind, id, record)
    }

    /// Writes what was gathered, one statement a kind, with its change rows.
    async fn flush(&mut self) -> Result<(), String> {
        let gathered = std::mem::take(&mut self.gathered);
        let owners = std::mem::take(&mut self.owners);
        if gathered.is_empty() {
            return Ok(());
        }
        let total = i64::try_from(gathered.len()).map_err(|error| error.to_string())?;
        let text = |error: aureole_storage::Error| match error {
            aureole_storage::Error::Unique { .. } => {
                "a client of the demo data exists already: this seed was loaded before".to_owned()
            }
            other => other.to_string(),
        };
        let (tenant, now) = (self.tenant, self.now);
        let mut seq = self.tx.reserve_changes(tenant, total, 0).await.map_err(text)?;
        let mut log = Vec::with_capacity(gathered.len());
        let mut by_kind: Vec<(EntityKind, Vec<Write<'_>>)> = Vec::new();
        for (kind, id, record) in &gathered {
            let write = Write { id: *id, rev: seq, now, record };
            match by_kind.iter_mut().find(|(found, _)| found == kind) {
                Some((_, writes)) => writes.push(write),
                None => by_kind.push((*kind, vec![write])),
            }
            let client_id = match owners.get(&(*kind, *id)) {
                Some(client_id) => *client_id,
                None => rights::client_of(kind.entity(), *id, record),
            };
            let fields = Record::differing_names(None, Some(record));
            let created = Change::created(seq, kind.entity().name, *id, client_id, fields);
            log.push(Change { imported: true, ..created });
            seq += 1;
        }
        for (kind, writes) in by_kind {
            records::insert(&mut self.tx, tenant, kind.entity(), &writes).await.map_err(text)?;
        }
        let author = Author { application: "demo load".to_owned(), ..Author::default() };
        changes::append(&mut self.tx, tenant, now, &author, log).await.map_err(text)
    }

    async fn finish(mut self) -> Result<(), String> {
        self.flush().await?;
        self.tx.commit().await.map_err(|error| error.to_string())
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
