//! One record on its way from a body into the database.

use serde_json::{Map, Value};

use aureole_catalogue::{Change, Entity, EntityKind, Key, Record, accept};
use aureole_storage::changes::Before;
use aureole_storage::records::{self, Stored};

use super::{Manner, Save, input, secrets};
use crate::error::{ApiError, Result};

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
    pub(super) stored: Option<Before>,
    pub record: Record,
    pub change: Change,
    pub warnings: Vec<String>,
    /// Taken out of the change; sealed into the record just before it is written.
    pub secrets: Vec<secrets::Secret>,
}

/// What the caller of [`super::record`] knows beforehand.
#[derive(Default)]
pub struct Preset<'a> {
    /// The id of a new record, reserved by the caller.
    pub id: Option<i64>,
    /// Values that the request can't choose, e.g. the client of a nested site.
    pub fixed: &'a [(Key, i64)],
}

impl Draft {
    /// A record that is to be put back: `record` over the stored state, or over nothing.
    pub fn of_restored(
        kind: EntityKind,
        id: i64,
        path: String,
        stored: Option<(Stored, Record)>,
        record: Record,
    ) -> Draft {
        let (stored, before) = stored.map(|(stored, before)| (stored.into(), before)).unzip();
        let mut change = Change::default();
        for key in Record::differing(before.as_ref(), Some(&record)) {
            let value = record.get(key).filter(|_| record.is_set(key)).cloned();
            change.set(key, value);
        }
        let warnings = Vec::new();
        Draft {
            kind,
            path,
            id,
            is_new: false,
            implied: false,
            before,
            stored,
            record,
            change,
            secrets: Vec::new(),
            warnings,
        }
    }

    /// Writes the record; true when that changed something.
    pub async fn put(&mut self, save: &mut Save<'_>, manner: Manner) -> Result<bool> {
        let same = self.stored.as_ref().is_some_and(|stored| stored.doc == self.record.to_doc());
        if same && manner.before_more.is_none() {
            return Ok(false);
        }
        let old = self.stored.take().zip(self.before.as_ref());
        save.write(self.kind, self.id, &self.record, old, manner).await?;
        Ok(true)
    }

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

/// Reads the body and the stored state. A record that does not exist ends the whole request.
pub(super) async fn draft(
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
            stored: None,
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
        stored: Some(stored.into()),
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
