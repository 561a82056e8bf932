//! Brings a deleted record back under its old id, with everything that went with it.

use std::collections::BTreeMap;

use aureole_catalogue::keys::client;
use aureole_catalogue::{EntityKind, Record};
use aureole_storage::changes::{self, Change, Entry, Operation};
use aureole_storage::records::{self, Write};
use aureole_storage::{Tx, beside};

use super::{Undo, checks, kind_of};
use crate::error::Result;
use crate::rights;
use crate::rules;
use crate::save::{Draft, Manner, Save};

/// One record that comes back.
pub struct Back {
    pub kind: EntityKind,
    pub id: i64,
    pub record: Record,
    pub client_id: i64,
    pub more: Option<String>,
    /// The change that took it.
    pub seq: i64,
}

impl Back {
    pub fn of(entry: &Entry) -> Result<Option<Back>> {
        let entity = kind_of(entry)?;
        let Some(before) = &entry.before else { return Ok(None) };
        Ok(Some(Back {
            kind: entity.kind,
            id: entry.record_id,
            record: Record::from_doc(entity.schema, &before.doc),
            client_id: entry.client_id,
            more: entry.before_more.clone(),
            seq: entry.seq,
        }))
    }

    /// The client into which this one was merged; 0 for none, and for any other record.
    fn merged_into(&self) -> i64 {
        let more = self.more.as_deref().filter(|_| self.kind == EntityKind::Client);
        more.map_or(0, beside::merged_into)
    }

    /// A merged client may share its name, which it must not have before it is marked as merged:
    /// until then it has one that no client can have, because names are trimmed.
    fn stand_in(&self) -> Option<Record> {
        (self.merged_into() > 0).then(|| {
            let mut record = Record::new(self.kind.entity().schema);
            record.set(client::NAME, format!(" {}", self.id));
            record
        })
    }

    fn path(&self) -> String {
        format!("{} {}", self.kind.entity().singular, self.id)
    }

    /// The record that owns this one: a merged client goes with the one that took its place.
    fn owner(&self) -> Option<(EntityKind, i64)> {
        if self.merged_into() > 0 {
            return Some((EntityKind::Client, self.merged_into()));
        }
        rights::owner_keys(self.kind.entity())
            .map(|(key, kind)| (kind, self.record.int(key)))
            .find(|(_, id)| *id > 0)
    }
}

pub async fn undo(save: &mut Save<'_>, undo: &Undo, batch: &[Entry]) -> Result<()> {
    let mut gone: BTreeMap<(EntityKind, i64), Back> = BTreeMap::new();
    for entry in batch.iter().filter(|entry| entry.operation == Operation::Deleted.name()) {
        if let Some(back) = Back::of(entry)? {
            gone.insert((back.kind, back.id), back);
        }
    }
    let own = (undo.kind(), undo.id());
    let root = top(&gone, own);
    let root = if root != own && save.stored(root.0, root.1).await?.is_some() { own } else { root };
    if save.stored(root.0, root.1).await?.is_some() {
        return Ok(());
    }
    let mut back = Vec::new();
    for (place, one) in &gone {
        if is_within(&gone, *place, root) && save.stored(one.kind, one.id).await?.is_none() {
            back.push(*place);
        }
    }
    let back: Vec<Back> = back.into_iter().filter_map(|place| gone.remove(&place)).collect();
    insert(save, &back).await?;
    verify(save, &back).await
}

/// The record at the top of what went together.
fn top(
    gone: &BTreeMap<(EntityKind, i64), Back>,
    mut place: (EntityKind, i64),
) -> (EntityKind, i64) {
    while let Some(owner) = gone.get(&place).and_then(Back::owner) {
        if !gone.contains_key(&owner) {
            break;
        }
        place = owner;
    }
    place
}

fn is_within(
    gone: &BTreeMap<(EntityKind, i64), Back>,
    mut place: (EntityKind, i64),
    root: (EntityKind, i64),
) -> bool {
    while place != root {
        match gone.get(&place).and_then(Back::owner) {
            Some(owner) if gone.contains_key(&owner) => place = owner,
            _ => return false,
        }
    }
    true
}

/// Inserts the records again, owners before what they own, each with its change.
pub async fn insert(save: &mut Save<'_>, back: &[Back]) -> Result<()> {
    let Some(first) = back.first() else { return Ok(()) };
    let tenant = save.tenant();
    for one in back {
        checks::name_is_free(save, one.kind, one.id, &one.record, one.more.as_deref(), &one.path())
            .await?;
    }
    if !save.problems.is_empty() {
        return Err(save.take_failure());
    }
    let name = first.kind.entity().name;
    let last = changes::last_known(&mut save.tx, tenant, name, first.id).await?;
    let newest = back.iter().map(|one| one.seq).max().unwrap_or(0);
    let floor = newest.max(last.map_or(0, |last| last.seq));
    let count = i64::try_from(back.len()).unwrap_or(i64::MAX);
    let seq = save.reserve_changes(count, floor).await?;
    let mut writes: BTreeMap<EntityKind, Vec<Write<'_>>> = BTreeMap::new();
    let mut rows = Vec::with_capacity(back.len());
    let stand_ins: Vec<Option<Record>> = back.iter().map(Back::stand_in).collect();
    for ((one, stand_in), seq) in back.iter().zip(&stand_ins).zip(seq..) {
        let record = stand_in.as_ref().unwrap_or(&one.record);
        let write = Write { id: one.id, rev: seq, now: save.now, record };
        writes.entry(one.kind).or_default().push(write);
        rows.push(change(save, one, seq));
    }
    for (kind, writes) in writes {
        records::insert(&mut save.tx, tenant, kind.entity(), &writes).await?;
    }
    changes::append(&mut save.tx, tenant, save.now, &save.author, rows).await?;
    for (one, seq) in back.iter().zip(seq..) {
        write_beside(&mut save.tx, tenant, one).await?;
        if one.merged_into() > 0 {
            let write = Write { id: one.id, rev: seq, now: save.now, record: &one.record };
            records::update(&mut save.tx, tenant, one.kind.entity(), &write).await?;
        }
    }
    Ok(())
}

async fn write_beside(tx: &mut Tx, tenant: i64, one: &Back) -> Result<()> {
    match &one.more {
        Some(more) => Ok(beside::write(tx, tenant, one.kind, one.id, more).await?),
        None => Ok(()),
    }
}

fn change(save: &Save<'_>, one: &Back, seq: i64) -> Change {
    let mut fields = Record::differing_names(None, Some(&one.record));
    if one.more.as_deref().is_some_and(beside::has_password) {
        fields.push("password");
    }
    let created = Change::created(seq, one.kind.entity().name, one.id, one.client_id, fields);
    Change {
        batch: save.batch,
        operation: Operation::Restored,
        action: save.action,
        restores: save.restores,
        ..created
    }
}

/// Checks the records that are back: that what they point at is there, and the rules.
pub async fn verify(save: &mut Save<'_>, back: &[Back]) -> Result<()> {
    checks::references(save, back.iter().map(|one| (one.path(), &one.record))).await?;
    for one in back {
        let target = one.record.clone();
        let mut draft = Draft::of_restored(one.kind, one.id, one.path(), None, target);
        checks::defined_fields(save, &mut draft).await?;
        rules::before(save, &mut draft).await?;
        // A user's client is its site's, which may have moved meanwhile.
        if save.problems.is_empty() && draft.record.to_doc() != one.record.to_doc() {
            let record = draft.record;
            let stored = save.stored(one.kind, one.id).await?;
            let mut again = Draft::of_restored(one.kind, one.id, one.path(), stored, record);
            again.put(save, Manner::default()).await?;
        }
    }
    Ok(())
}
