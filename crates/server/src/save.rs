//! The generic write: one record of any kind, checked, saved and logged inside one transaction.

pub mod apply;
mod input;
pub mod references;
pub mod secrets;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use aureole_catalogue::render::View;
use aureole_catalogue::{Change, Entity, EntityKind, Key, Problems, Record, Show, accept};
use aureole_storage::Tx;
use aureole_storage::changes::{self, Author, Operation};
use aureole_storage::records::{self, Stored, Write};

use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, Result};
use crate::settings::Settings;
use crate::{rights, rules};

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
    /// Nothing is written any more: the records are only checked, so that every problem is named.
    pub check_only: bool,
    /// What is written now fires no webhook: `_dont_fire_automations` of the record, or of the one
    /// that it is nested in.
    pub quiet: bool,
}

/// One record on its way into the database.
pub struct Draft {
    pub kind: EntityKind,
    /// Where the record stands in the request, for error paths.
    pub path: String,
    pub id: i64,
    pub is_new: bool,
    /// Made beside the record that was asked for (a client's first site and user): the request has
    /// no place for all of its fields, so mandatory definitions don't hold for it.
    pub implied: bool,
    pub before: Option<Record>,
    before_doc: Option<String>,
    pub record: Record,
    pub change: Change,
    pub warnings: Vec<String>,
    /// Taken out of the change; sealed into the record just before it is written.
    pub secrets: Vec<secrets::Secret>,
}

/// What the caller of [`record`] knows beforehand.
#[derive(Default)]
pub struct Preset<'a> {
    /// The id of a new record, reserved by the caller.
    pub id: Option<i64>,
    /// Values that the request can't choose, e.g. the client of a nested site.
    pub fixed: &'a [(Key, i64)],
}

impl Draft {
    pub fn entity(&self) -> &'static Entity {
        self.kind.entity()
    }

    /// The error path of one of the record's fields.
    pub fn at(&self, name: &str) -> String {
        aureole_catalogue::accept::join(&self.path, name)
    }

    /// True when the request gives the field a value that differs from the stored one.
    pub fn changes(&self, key: Key) -> bool {
        self.change.has(key)
            && self.before.as_ref().and_then(|before| before.get(key)) != self.record.get(key)
    }
}

impl<'a> Save<'a> {
    pub async fn begin(
        app: &'a Arc<App>,
        caller: &'a Caller,
        request_id: &str,
        merge: bool,
        now: i64,
    ) -> Result<Save<'a>> {
        let mut tx = app.db.of(caller.tenant_id).begin().await?;
        let settings = crate::settings::load(&mut tx, caller.tenant_id).await?;
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
            settings,
            author,
            password_hashes: HashMap::new(),
            merge,
            unique_links: false,
            definitions: HashMap::new(),
            check_only: false,
            quiet: false,
        })
    }

    pub fn tenant(&self) -> i64 {
        self.caller.tenant_id
    }

    pub fn problem(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.add(path, message);
    }

    /// A problem that consists in another record having the same name or key.
    pub fn duplicate(&mut self, path: impl Into<String>, message: impl Into<String>, id: i64) {
        self.problems.add(path, message);
        self.duplicates.push(id);
    }

    /// The error of a request with problems.
    pub fn failure(self, place: &'static str) -> ApiError {
        let problems = self.problems;
        match self.duplicates.first() {
            Some(&id) if self.duplicates.len() == problems.len() => {
                ApiError::Duplicate { place, problems, id }
            }
            _ => ApiError::Validation { place, problems },
        }
    }

    /// A stored record, unless the caller may not see it.
    pub async fn load(&mut self, kind: EntityKind, id: i64) -> Result<Option<(Stored, Record)>> {
        let entity = kind.entity();
        let prepared = self.app.prepared(kind, View::Full, Show::NONE);
        let tenant = self.tenant();
        let Some(stored) = records::get(&mut self.tx, &prepared.select, tenant, id).await? else {
            return Ok(None);
        };
        let record = Record::from_doc(entity.schema, &stored.doc);
        let seen =
            rights::sees_stored(self.app, &mut self.tx, self.caller, entity, id, &record).await?;
        Ok(seen.then_some((stored, record)))
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
        let prepared = self.app.prepared(kind, View::Full, Show::NONE);
        let tenant = self.tenant();
        records::lock(&mut self.tx, tenant, kind.entity(), &[id]).await?;
        let Some(stored) = records::get(&mut self.tx, &prepared.select, tenant, id).await? else {
            return Ok(());
        };
        let mut record = Record::from_doc(kind.entity().schema, &stored.doc);
        edit(&mut record);
        if record.to_doc() == stored.doc {
            return Ok(());
        }
        self.write(kind, id, &record, Some(stored.doc), false).await
    }

    /// Inserts or updates, and appends the change row.
    async fn write(
        &mut self,
        kind: EntityKind,
        id: i64,
        record: &Record,
        before: Option<String>,
        imported: bool,
    ) -> Result<()> {
        let (tenant, entity) = (self.tenant(), kind.entity());
        let seq = self.tx.reserve_ids(tenant, changes::COUNTER, 1).await?;
        let write = Write { id, rev: seq, now: self.now, record };
        let operation = match before {
            Some(_) => {
                records::update(&mut self.tx, tenant, entity, &write).await?;
                Operation::Updated
            }
            None => {
                records::insert(&mut self.tx, tenant, entity, &[write]).await?;
                Operation::Created
            }
        };
        let client_id = rights::client_of(entity, id, record);
        let change = changes::Change {
            seq,
            entity: entity.name,
            record_id: id,
            client_id,
            operation,
            imported,
            quiet: self.quiet,
            before,
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
    let unchanged =
        draft.before_doc.as_ref().is_some_and(|before| *before == draft.record.to_doc());
    if !unchanged {
        let before = draft.before_doc.take();
        let record = draft.record.clone();
        save.write(kind, draft.id, &record, before, imported).await?;
    }
    rules::after(save, &mut draft).await?;
    Ok((save.problems.len() == problems).then_some(draft))
}

/// Reads the body and the stored state. A record that does not exist ends the whole request.
async fn draft(
    save: &mut Save<'_>,
    kind: EntityKind,
    body: &Map<String, Value>,
    path: &str,
    preset: Preset<'_>,
) -> Result<Option<Draft>> {
    let entity = kind.entity();
    let problems = save.problems.len();
    let mut change = accept(entity.schema, body, path, &save.app.limits, &mut save.problems);
    let mut warnings = Vec::new();
    input::check(entity, body, &mut change, path, &mut save.problems);
    unknown_fields(save, &mut change, path, &mut warnings);
    let id_key = Key(entity.schema.find("id").unwrap_or(0));
    let id = change.int(id_key).max(0);
    for (key, value) in preset.fixed {
        let given = change.int(*key);
        if given > 0 && given != *value {
            let name = entity.schema.fields[key.0].name;
            save.problem(
                aureole_catalogue::accept::join(path, name),
                format!("must be {value}, the record that it is nested in, not {given}"),
            );
        }
        change.set(*key, Some(Value::from(*value)));
    }
    let secrets = secrets::take(save, entity, &mut change, path);
    if id == 0 {
        let record = Record::new(entity.schema);
        let id = preset.id.unwrap_or(0);
        let path = path.to_owned();
        // A site with an id of its own choice is a client's first; users are never nested.
        let implied = preset.id.is_some() || kind == EntityKind::User && !preset.fixed.is_empty();
        let draft = Draft {
            kind,
            path,
            id,
            is_new: true,
            implied,
            before: None,
            before_doc: None,
            record,
            change,
            warnings,
            secrets,
        };
        // Rules find more problems, so a draft with problems goes on; only its write is left out.
        return Ok(Some(draft));
    }
    let tenant = save.tenant();
    records::lock(&mut save.tx, tenant, entity, &[id]).await?;
    let Some((stored, before)) = save.load(kind, id).await? else {
        if save.problems.len() > problems {
            return Ok(None);
        }
        return Err(ApiError::missing(entity.singular, id));
    };
    let record = before.clone();
    Ok(Some(Draft {
        kind,
        path: path.to_owned(),
        id,
        is_new: false,
        implied: false,
        before: Some(before),
        before_doc: Some(stored.doc),
        record,
        change,
        warnings,
        secrets,
    }))
}

fn unknown_fields(
    save: &mut Save<'_>,
    change: &mut Change,
    path: &str,
    warnings: &mut Vec<String>,
) {
    let unknown = std::mem::take(&mut change.unknown);
    if unknown.is_empty() {
        return;
    }
    if save.app.config.strict {
        for name in unknown {
            save.problem(aureole_catalogue::accept::join(path, &name), "is not a known field");
        }
    } else {
        warnings.push(format!("unknown fields were ignored: {}", unknown.join(", ")));
    }
}
