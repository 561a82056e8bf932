//! Records as they were at some time, with the names and collections that they had then.

use std::collections::HashMap;

use aureole_catalogue::keys::{area_request_type, client, site, ticket_type};
use aureole_catalogue::render::View;
use aureole_catalogue::value::format_millis;
use aureole_catalogue::{EntityKind, Key, Record, Show, Source};
use aureole_storage::changes::{self, Past};
use aureole_storage::records::{self, Stored};
use aureole_storage::{Read, beside};
use serde_json::Value;

use crate::api::list::row;
use crate::app::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::rights;
use crate::rules::custom_fields;
use crate::rules::extras::{Collection, Extras, collections};

/// What is known of a record at the time.
#[derive(Clone, Debug)]
pub enum Found {
    /// Its state, without looked-up names.
    Was(Stored),
    /// It was made later, at this time in milliseconds since 1970.
    NotYet(i64),
    /// It was gone since this time.
    Gone(i64),
    Never,
}

impl Found {
    fn state(&self) -> Option<&Stored> {
        match self {
            Found::Was(stored) => Some(stored),
            _ => None,
        }
    }
}

/// One tenant's records at one time, as far as the caller may see them.
pub struct Then<'a, R> {
    app: &'a App,
    reader: &'a mut R,
    caller: &'a Caller,
    tenant: i64,
    /// Milliseconds since 1970; what was written in that millisecond counts.
    at: i64,
    known: HashMap<(EntityKind, i64), Found>,
}

impl<'a, R: Read> Then<'a, R> {
    pub fn new(app: &'a App, reader: &'a mut R, caller: &'a Caller, at: i64) -> Then<'a, R> {
        Then { app, reader, caller, tenant: caller.tenant_id, at, known: HashMap::new() }
    }

    /// A record at the time.
    pub async fn find(&mut self, kind: EntityKind, id: i64) -> Result<Found> {
        if let Some(found) = self.known.get(&(kind, id)) {
            return Ok(found.clone());
        }
        let found = self.read(kind, id).await?;
        self.known.insert((kind, id), found.clone());
        Ok(found)
    }

    async fn read(&mut self, kind: EntityKind, id: i64) -> Result<Found> {
        let name = kind.entity().name;
        // A change between the two reads shows in the second round.
        for _ in 0..3 {
            let past = changes::past(self.reader, self.tenant, name, id, self.at).await?;
            if let Past::Until(first) = past {
                let Some(before) = first.before else {
                    return Ok(Found::NotYet(first.at));
                };
                return Ok(Found::Was(Stored {
                    id,
                    rev: before.rev,
                    updated_at: before.updated_at,
                    doc: before.doc,
                    lookups: Vec::new(),
                    pointers: Vec::new(),
                }));
            }
            match self.current(kind, id).await? {
                Some(stored) if stored.updated_at > self.at => {}
                Some(stored) => return Ok(Found::Was(stored)),
                None => {
                    let last = changes::last_known(self.reader, self.tenant, name, id).await?;
                    match last {
                        Some(last) if last.at > self.at => {}
                        Some(last) => return Ok(Found::Gone(last.at)),
                        None => return Ok(Found::Never),
                    }
                }
            }
        }
        Ok(Found::Never)
    }

    async fn current(&mut self, kind: EntityKind, id: i64) -> Result<Option<Stored>> {
        let prepared = self.app.prepared(kind, View::Full, Show::NONE);
        let stored = records::get(self.reader, &prepared.select, self.tenant, id).await?;
        Ok(stored.map(|stored| Stored { lookups: Vec::new(), ..stored }))
    }

    /// The record at the time; what history does not know of it is taken from now.
    async fn state(&mut self, kind: EntityKind, id: i64) -> Result<Option<Stored>> {
        match self.find(kind, id).await?.state() {
            Some(stored) => Ok(Some(stored.clone())),
            None => self.current(kind, id).await,
        }
    }

    /// The client that had this one's place by then; 0 for none.
    pub async fn merged_into(&mut self, id: i64) -> Result<i64> {
        let mut last = 0;
        // A merged client takes no other one in: the way has an end.
        loop {
            let next = self.merged_once(if last > 0 { last } else { id }).await?;
            if next <= 0 || next == last {
                return Ok(last);
            }
            last = next;
        }
    }

    /// The client into which this one itself had been merged by then; 0 for none.
    async fn merged_once(&mut self, id: i64) -> Result<i64> {
        let name = EntityKind::Client.entity().name;
        let past = changes::past(self.reader, self.tenant, name, id, self.at).await?;
        let Past::Until(first) = past else {
            return Ok(records::merged_once(self.reader, self.tenant, id).await?);
        };
        let more = changes::more_before(self.reader, self.tenant, name, id, first.seq).await?;
        match more {
            Some(more) => Ok(beside::merged_into(&more)),
            None => Ok(records::merged_once(self.reader, self.tenant, id).await?),
        }
    }

    /// The client that the record belonged to; 0 for none.
    pub async fn owner(&mut self, kind: EntityKind, stored: &Stored) -> Result<i64> {
        let entity = kind.entity();
        let record = Record::from_doc(entity.schema, &stored.doc);
        let own = rights::client_of(entity, stored.id, &record);
        if own > 0 {
            return Ok(own);
        }
        for (key, kind) in rights::owner_keys(entity) {
            let id = record.int(key);
            if id > 0 && matches!(kind, EntityKind::Site | EntityKind::User) {
                let Some(owner) = self.state(kind, id).await? else { return Ok(0) };
                let owner = Record::from_doc(kind.entity().schema, &owner.doc);
                return Ok(rights::client_of(kind.entity(), id, &owner));
            }
        }
        Ok(0)
    }

    /// True when the record was within the agent's client limits and, if it is there still, is now.
    pub async fn is_seen(&mut self, kind: EntityKind, stored: &Stored) -> Result<bool> {
        if !rights::is_limited(self.caller) {
            return Ok(true);
        }
        let owner = self.owner(kind, stored).await?;
        if owner > 0 && !rights::sees_client(self.caller, owner) {
            return Ok(false);
        }
        let Some(now) = self.current(kind, stored.id).await? else { return Ok(true) };
        let (app, entity) = (self.app, kind.entity());
        let record = Record::from_doc(entity.schema, &now.doc);
        rights::sees_stored(app, self.reader, self.caller, entity, stored.id, &record).await
    }

    /// The record as a reply shows it.
    pub async fn render(
        &mut self,
        kind: EntityKind,
        stored: &Stored,
        show: Show,
    ) -> Result<Vec<u8>> {
        let prepared = self.app.prepared(kind, View::Full, show);
        let record = Record::from_doc(kind.entity().schema, &stored.doc);
        let mut named = rights::without_hidden_clients(self.caller, kind, stored.clone());
        for position in &prepared.plan.lookups {
            let source = kind.entity().schema.fields[*position].source;
            let text = self.looked_up(&record, source).await?;
            named.lookups.push(text);
        }
        let extras = match show.meets(Show::DETAILS) {
            true => self.details(kind, &record, &named).await?,
            false => Extras::new(),
        };
        let mut out = Vec::with_capacity(4096);
        prepared.plan.render(&row(&named, &extras), &mut Vec::new(), &mut out);
        Ok(out)
    }

    /// A text of another record; empty when there is none.
    async fn looked_up(&mut self, record: &Record, source: Source) -> Result<String> {
        let (path, column): (&[(&str, EntityKind)], &str) = match source {
            Source::Name { path, column } => (path, column),
            Source::ClientSiteName => (&[("client_id", EntityKind::Client)], "name"),
            _ => return Ok(String::new()),
        };
        let mut at = record.clone();
        for (id_name, kind) in path {
            let id = at.schema.find(id_name).map_or(0, |position| at.int(Key(position)));
            if id <= 0 {
                return Ok(String::new());
            }
            let Some(next) = self.state(*kind, id).await? else { return Ok(String::new()) };
            if !self.is_seen(*kind, &next).await? {
                return Ok(String::new());
            }
            at = Record::from_doc(kind.entity().schema, &next.doc);
        }
        let text = at.schema.find(column).map(|position| at.text(Key(position)).to_owned());
        let text = text.unwrap_or_default();
        Ok(match source {
            Source::ClientSiteName => format!("{text}/{}", record.text(site::NAME)),
            _ => text,
        })
    }

    /// What `includedetails` adds.
    async fn details(
        &mut self,
        kind: EntityKind,
        record: &Record,
        stored: &Stored,
    ) -> Result<Extras> {
        let mut extras = Extras::new();
        for collection in collections(kind) {
            let list = self.children(*collection, stored.id).await?;
            extras.push((collection.2.0, list));
        }
        match kind {
            EntityKind::Client => {
                let types = self.permitted_types(stored.id).await?;
                extras.push((client::ALLOWED_TICKETTYPES.0, types));
                self.main_addresses(record, &mut extras).await?;
            }
            EntityKind::TicketType => {
                let pairs =
                    (EntityKind::AreaRequestType, "request_type", ticket_type::ALLOWED_CLIENTS);
                let clients = self.children(pairs, stored.id).await?;
                extras.push((ticket_type::ALLOWED_CLIENTS.0, clients));
            }
            _ => {}
        }
        let (app, tenant) = (self.app, self.tenant);
        let show = Show::DETAILS;
        custom_fields::full(self.reader, app, tenant, kind, show, stored, &mut extras).await?;
        Ok(extras)
    }

    /// The ids and states of the records whose `column` was `parent`.
    async fn pointing(
        &mut self,
        kind: EntityKind,
        column: &str,
        parent: i64,
    ) -> Result<Vec<Stored>> {
        let (tenant, entity) = (self.tenant, kind.entity());
        let mut ids = records::ids_where(self.reader, tenant, entity, column, &[parent]).await?;
        ids.extend(
            changes::children_before(self.reader, tenant, entity.name, column, parent, self.at)
                .await?,
        );
        ids.sort_unstable();
        ids.dedup();
        let Some(key) = entity.schema.find(column).map(Key) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for id in ids {
            if let Found::Was(stored) = self.find(kind, id).await?
                && Record::from_doc(entity.schema, &stored.doc).int(key) == parent
                && self.is_seen(kind, &stored).await?
            {
                found.push(stored);
            }
        }
        Ok(found)
    }

    async fn children(&mut self, collection: Collection, parent: i64) -> Result<String> {
        let (kind, column, _) = collection;
        let mut list = Vec::new();
        for stored in self.pointing(kind, column, parent).await? {
            let shown = Box::pin(self.render(kind, &stored, Show::NONE)).await?;
            list.push(String::from_utf8(shown).unwrap_or_default());
        }
        Ok(format!("[{}]", list.join(",")))
    }

    async fn permitted_types(&mut self, client_id: i64) -> Result<String> {
        let kind = EntityKind::AreaRequestType;
        let mut types = Vec::new();
        for pair in self.pointing(kind, "client_id", client_id).await? {
            let pair = Record::from_doc(kind.entity().schema, &pair.doc);
            types.push(pair.int(area_request_type::REQUEST_TYPE));
        }
        types.sort_unstable();
        let mut list = Vec::new();
        for id in types {
            if let Found::Was(stored) = self.find(EntityKind::TicketType, id).await? {
                let shown =
                    Box::pin(self.render(EntityKind::TicketType, &stored, Show::NONE)).await?;
                list.push(String::from_utf8(shown).unwrap_or_default());
            }
        }
        Ok(format!("[{}]", list.join(",")))
    }

    async fn main_addresses(&mut self, record: &Record, extras: &mut Extras) -> Result<()> {
        let id = record.int(client::MAIN_SITE_ID);
        let Found::Was(main) = self.find(EntityKind::Site, id).await? else { return Ok(()) };
        let main = Record::from_doc(EntityKind::Site.entity().schema, &main.doc);
        for (from, to) in [
            (site::DELIVERY_ADDRESS, client::MAIN_DELIVERY_ADDRESS),
            (site::INVOICE_ADDRESS, client::MAIN_INVOICE_ADDRESS),
        ] {
            if let Some(address) = main.get(from).filter(|address: &&Value| address.is_object()) {
                extras.push((to.0, address.to_string()));
            }
        }
        Ok(())
    }
}

/// Why a record was not there, as the end of a sentence.
pub fn absence(found: &Found) -> String {
    match found {
        Found::NotYet(at) => format!("it was made at {}", format_millis(*at)),
        Found::Gone(at) => format!("it was deleted at {}", format_millis(*at)),
        _ => "there never was one".to_owned(),
    }
}
