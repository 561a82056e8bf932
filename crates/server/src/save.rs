//! The generic write: one record of any kind, checked, saved and logged inside one transaction.

pub mod apply;
mod draft;
pub mod foresee;
mod input;
pub mod references;
pub mod secrets;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Problems, Record, Show};
use aureole_storage::beside;
use aureole_storage::changes::{self, Action, Author, Before, Operation};
use aureole_storage::records::{self, Stored, Write};
use aureole_storage::{Dialect, Tx};

use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::settings::Settings;
use crate::{rights, rules};
use draft::draft;
pub use draft::{Draft, Preset};

/// One request's transaction and everything that its records share.
pub struct Save<'a> {
    pub app: &'a Arc<App>,
    pub caller: &'a Caller,
    pub tx: Tx,
    /// Milliseconds since 1970.
    pub now: i64,
    /// The same in the wire's form, whole seconds.
    pub now_text: String,
    pub problems: Problems,
    /// The records that already have what must be unique, one for each such problem.
    pub duplicates: Vec<i64>,
    pub settings: Settings,
    pub author: Author,
    /// The hashes of the passwords in the request, made before the transaction began.
    pub password_hashes: HashMap<String, String>,
    /// `Prefer: merge`: nested collections keep the elements that a body does not mention.
    pub merge: bool,
    /// A key of another product that another client has is a problem, not a warning.
    pub unique_links: bool,
    /// The definitions of custom and site fields that were read already.
    pub definitions: rules::custom_fields::Cache,
    /// What was asked for all records of the request at once.
    pub known: foresee::Known,
    /// Nothing is written any more: the records are only checked, so that every problem is named.
    pub check_only: bool,
    /// What is written now fires no webhook: `_dont_fire_automations` of the record, or of the one
    /// that it is nested in.
    pub quiet: bool,
    /// The number of the first change since the last [`Save::next_batch`]; 0 when there is none.
    pub batch: i64,
    /// What the changes are part of.
    pub action: Action,
    /// The change that is being undone; 0 for none. What was once there is put back as it was, so
    /// rules that a new write has to follow don't hold for it.
    pub restores: i64,
}

/// How a record is written.
#[derive(Default)]
pub struct Manner {
    pub imported: bool,
    /// What was beside the document, when the write changes that too.
    pub before_more: Option<String>,
    /// Changed fields that no document has.
    pub more_fields: Vec<&'static str>,
    /// The record's last change number, for one that exists no more.
    pub floor: i64,
}

impl<'a> Save<'a> {
    pub async fn begin(
        app: &'a Arc<App>,
        caller: &'a Caller,
        request_id: &str,
        merge: bool,
        now: i64,
    ) -> Result<Save<'a>> {
        let mut save = Save::open(app, caller, request_id, merge, now).await?;
        save.read_settings().await?;
        Ok(save)
    }

    /// [`Save::begin`] for records of one kind: what they are going to ask is asked with the first
    /// statement.
    pub async fn begin_records(
        call: &'a Call,
        kind: EntityKind,
        records: &[Map<String, Value>],
        merge: bool,
    ) -> Result<Save<'a>> {
        let (app, caller) = (&call.app, &call.caller);
        // Before the transaction takes a connection. SQLite's writer has such a memory of its own.
        let settled = match app.db.dialect() {
            Dialect::Postgres => Some(app.settled.of(&app.fresh, caller.tenant_id).await?),
            Dialect::Sqlite => None,
        };
        let mut save = Save::open(app, caller, &call.request_id, merge, call.now).await?;
        if let Some(settled) = settled {
            save.tx.recall(settled);
        }
        foresee::ask(&mut save, kind, records).await?;
        save.read_settings().await?;
        foresee::read(&mut save, kind, records).await?;
        Ok(save)
    }

    async fn read_settings(&mut self) -> Result<()> {
        self.settings = crate::settings::load(&mut self.tx, self.caller.tenant_id).await?;
        Ok(())
    }

    async fn open(
        app: &'a Arc<App>,
        caller: &'a Caller,
        request_id: &str,
        merge: bool,
        now: i64,
    ) -> Result<Save<'a>> {
        let tx = app.db.of(caller.tenant_id).begin().await?;
        let author = Author {
            application: caller.application.clone(),
            agent_id: caller.agent_id,
            user_id: caller.user_id,
            request_id: request_id.to_owned(),
        };
        let now_text = aureole_catalogue::value::format_millis(now / 1000 * 1000);
        Ok(Save {
            app,
            caller,
            tx,
            now,
            now_text,
            problems: Problems::default(),
            duplicates: Vec::new(),
            settings: Settings::default(),
            author,
            password_hashes: HashMap::new(),
            merge,
            unique_links: false,
            definitions: HashMap::new(),
            known: foresee::Known::default(),
            check_only: false,
            quiet: false,
            batch: 0,
            action: Action::Plain,
            restores: 0,
        })
    }

    /// What follows can be undone apart from what was written before.
    pub fn next_batch(&mut self) {
        self.batch = 0;
    }

    /// True while something is put back as it was.
    pub fn is_restoring(&self) -> bool {
        self.restores > 0
    }

    /// Reserves the numbers of `count` changes to records, the last of which was `floor`.
    pub async fn reserve_changes(&mut self, count: i64, floor: i64) -> Result<i64> {
        let tenant = self.tenant();
        let first = self.tx.reserve_changes(tenant, count, floor).await?;
        if self.batch == 0 {
            self.batch = first;
        }
        Ok(first)
    }

    pub fn tenant(&self) -> i64 {
        self.caller.tenant_id
    }

    pub fn problem(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.add(path, message);
    }

    /// A client's id for a message, unless the caller may not see the client.
    pub fn shown_client(&self, id: i64) -> Option<i64> {
        rights::sees_client(self.caller, id).then_some(id)
    }

    /// A problem that consists in another record having the same name or key.
    pub fn duplicate(&mut self, path: impl Into<String>, message: impl Into<String>, id: i64) {
        self.problems.add(path, message);
        self.duplicates.push(id);
    }

    /// The error of a request with problems.
    pub fn failure(mut self, place: &'static str) -> ApiError {
        match self.take_failure() {
            ApiError::Duplicate { problems, id, .. } => ApiError::Duplicate { place, problems, id },
            ApiError::Validation { problems, .. } => ApiError::Validation { place, problems },
            other => other,
        }
    }

    /// The same for a request that may try something else.
    pub fn take_failure(&mut self) -> ApiError {
        let problems = std::mem::take(&mut self.problems);
        let duplicates = std::mem::take(&mut self.duplicates);
        match duplicates.first() {
            Some(&id) if duplicates.len() == problems.len() => {
                ApiError::Duplicate { place: "", problems, id }
            }
            _ => ApiError::Validation { place: "", problems },
        }
    }

    /// The number of the newest change of a record, when this request made it.
    pub async fn newest_of(&mut self, kind: EntityKind, id: i64) -> Result<Option<i64>> {
        let (tenant, name) = (self.tenant(), kind.entity().name);
        let last = changes::last_known(&mut self.tx, tenant, name, id).await?;
        Ok(last.filter(|last| self.batch > 0 && last.batch == self.batch).map(|last| last.seq))
    }

    /// A stored record, unless the caller may not see it.
    pub async fn load(&mut self, kind: EntityKind, id: i64) -> Result<Option<(Stored, Record)>> {
        let entity = kind.entity();
        let prepared = self.app.prepared_for(self.caller, kind, View::Full, Show::NONE);
        let tenant = self.tenant();
        let Some(stored) = records::get(&mut self.tx, &prepared.select, tenant, id).await? else {
            return Ok(None);
        };
        let record = Record::from_doc(entity.schema, &stored.doc);
        let seen =
            rights::sees_stored(self.app, &mut self.tx, self.caller, entity, id, &record).await?;
        Ok(seen.then_some((stored, record)))
    }

    /// A stored record, whoever asks.
    pub async fn stored(&mut self, kind: EntityKind, id: i64) -> Result<Option<(Stored, Record)>> {
        let prepared = self.app.prepared(kind, View::Full, Show::NONE);
        let tenant = self.tenant();
        let stored = records::get(&mut self.tx, &prepared.select, tenant, id).await?;
        Ok(stored.map(|stored| {
            let record = Record::from_doc(kind.entity().schema, &stored.doc);
            (stored, record)
        }))
    }

    pub async fn reserve(&mut self, kind: EntityKind, count: i64) -> Result<i64> {
        let tenant = self.tenant();
        Ok(self.tx.reserve_ids(tenant, kind.entity().name, count).await?)
    }

    /// Writes a record that rules changed on their own: `edit` works on the stored state.
    pub async fn amend(
        &mut self,
        kind: EntityKind,
        id: i64,
        edit: impl FnOnce(&mut Record),
    ) -> Result<()> {
        self.amend_with(kind, id, Manner::default(), edit).await
    }

    /// The same for a write that changes what is beside the document too.
    pub async fn amend_with(
        &mut self,
        kind: EntityKind,
        id: i64,
        manner: Manner,
        edit: impl FnOnce(&mut Record),
    ) -> Result<()> {
        let prepared = self.app.prepared(kind, View::Full, Show::NONE);
        let tenant = self.tenant();
        records::lock(&mut self.tx, tenant, kind.entity(), &[id]).await?;
        let Some(stored) = records::get(&mut self.tx, &prepared.select, tenant, id).await? else {
            return Ok(());
        };
        let old = Record::from_doc(kind.entity().schema, &stored.doc);
        let mut record = old.clone();
        edit(&mut record);
        if record.to_doc() == stored.doc && manner.before_more.is_none() {
            return Ok(());
        }
        self.write(kind, id, &record, Some((stored.into(), &old)), manner).await
    }

    /// Inserts or updates, and appends the change row. `old` is the stored state, which the caller
    /// has locked.
    pub async fn write(
        &mut self,
        kind: EntityKind,
        id: i64,
        record: &Record,
        old: Option<(Before, &Record)>,
        manner: Manner,
    ) -> Result<()> {
        let (tenant, entity) = (self.tenant(), kind.entity());
        let floor = old.as_ref().map_or(manner.floor, |(before, _)| before.rev);
        let seq = self.reserve_changes(1, floor).await?;
        let write = Write { id, rev: seq, now: self.now, record };
        match old {
            Some(_) => records::update(&mut self.tx, tenant, entity, &write).await?,
            None => records::insert(&mut self.tx, tenant, entity, &[write]).await?,
        }
        self.known.written(kind, id, old.as_ref().map(|(_, old)| *old), record);
        self.known.keep(kind, id, Before { doc: record.to_doc(), rev: seq, updated_at: self.now });
        let operation = match old {
            _ if self.is_restoring() => Operation::Restored,
            Some(_) => Operation::Updated,
            None => Operation::Created,
        };
        let client_id =
            rights::owning_client(self.app, &mut self.tx, tenant, entity, id, record).await?;
        let mut fields = Record::differing_names(old.as_ref().map(|(_, old)| *old), Some(record));
        fields.extend(manner.more_fields);
        let change = changes::Change {
            seq,
            batch: self.batch,
            entity: entity.name,
            record_id: id,
            client_id,
            operation,
            quiet: self.quiet,
            action: self.action,
            restores: self.restores,
            imported: manner.imported,
            before: old.map(|(before, _)| before),
            before_more: manner.before_more,
            fields,
        };
        changes::append(&mut self.tx, tenant, self.now, &self.author, vec![change]).await?;
        Ok(())
    }
}

/// Saves one record of a request. `None` after a problem, which `save` then holds.
pub async fn record(
    save: &mut Save<'_>,
    kind: EntityKind,
    body: &Map<String, Value>,
    path: &str,
    preset: Preset<'_>,
) -> Result<Option<Draft>> {
    let outer = save.quiet;
    save.quiet = outer || input::is_on(body, input::QUIET);
    let saved = one(save, kind, body, path, preset).await;
    save.quiet = outer;
    saved
}

async fn one(
    save: &mut Save<'_>,
    kind: EntityKind,
    body: &Map<String, Value>,
    path: &str,
    preset: Preset<'_>,
) -> Result<Option<Draft>> {
    let problems = save.problems.len();
    let fixed = preset.fixed;
    let known = rules::known(save, kind, body).await?;
    let body = known.as_ref().unwrap_or(body);
    let Some(mut draft) = draft(save, kind, body, path, preset).await? else { return Ok(None) };
    references::names_to_ids(save, &mut draft).await?;
    apply::apply(&draft.change, draft.before.as_ref(), &mut draft.record, save.merge);
    references::check(save, &draft, fixed).await?;
    rules::before(save, &mut draft).await?;
    if save.check_only {
        return Ok(None);
    }
    if save.problems.len() > problems {
        rules::client::check_nested(save, &mut draft).await?;
        return Ok(None);
    }
    if draft.is_new && draft.id == 0 {
        draft.id = save.reserve(kind, 1).await?;
    }
    secrets::seal(save, &mut draft);
    let imported = input::is_import(body);
    let (before_more, more_fields) = beside_document(save, &draft).await?;
    let unchanged = more_fields.is_empty()
        && draft.stored.as_ref().is_some_and(|stored| stored.doc == draft.record.to_doc());
    if !unchanged {
        let old = draft.stored.take().zip(draft.before.as_ref());
        let manner = Manner { imported, before_more, more_fields, floor: 0 };
        save.write(kind, draft.id, &draft.record, old, manner).await?;
    }
    rules::after(save, &mut draft).await?;
    Ok((save.problems.len() == problems).then_some(draft))
}

/// What was beside the document, when the write is going to change it, and the changed fields that
/// are there instead of in the document.
async fn beside_document(
    save: &mut Save<'_>,
    draft: &Draft,
) -> Result<(Option<String>, Vec<&'static str>)> {
    let fields = rules::beside_document(draft);
    let Some(fields) = fields else { return Ok((None, Vec::new())) };
    if draft.is_new {
        return Ok((None, fields));
    }
    let tenant = save.tenant();
    let mut found = beside::read(&mut save.tx, tenant, draft.kind, &[draft.id]).await?;
    Ok((found.remove(&draft.id), fields))
}
