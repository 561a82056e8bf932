//! Takes all changes of a batch back, the last one first. A field that was changed since stays as it
//! is; so does what was deleted since.

use std::collections::{BTreeMap, BTreeSet};

use aureole_catalogue::keys::{client, site};
use aureole_catalogue::{EntityKind, Key, Record};
use aureole_storage::changes::{Entry, Operation};
use aureole_storage::{beside, records};

use super::deleted::{self, Back};
use super::{Current, checks, kind_of};
use crate::api::delete::{Doomed, owned, refuse_when_pointed_at, remove};
use crate::error::{ApiError, Result};
use crate::rules;
use crate::save::{Draft, Manner, Save};

/// A record on its way back.
struct Work {
    current: Current,
    record: Record,
    /// What was beside the document.
    more: Option<String>,
}

type Place = (EntityKind, i64);

/// What is to be done in all.
#[derive(Default)]
struct Plan {
    updates: BTreeMap<Place, Work>,
    inserts: Vec<Back>,
    removals: Doomed,
}

pub async fn undo(save: &mut Save<'_>, batch: &[Entry], left: &mut Vec<String>) -> Result<()> {
    lock(save, batch).await?;
    let mut plan = Plan::default();
    for entry in batch.iter().rev() {
        plan_one(save, entry, &mut plan, left).await?;
    }
    let Plan { updates, mut inserts, removals } = plan;
    inserts.sort_by_key(|one| (one.kind, one.id));
    deleted::insert(save, &inserts).await?;
    update(save, updates).await?;
    if !save.problems.is_empty() {
        return Err(save.take_failure());
    }
    take_away(save, removals).await?;
    deleted::verify(save, &inserts).await?;
    match save.problems.is_empty() {
        true => Ok(()),
        false => Err(save.take_failure()),
    }
}

async fn lock(save: &mut Save<'_>, batch: &[Entry]) -> Result<()> {
    let mut ids: BTreeMap<EntityKind, BTreeSet<i64>> = BTreeMap::new();
    for entry in batch {
        ids.entry(kind_of(entry)?.kind).or_default().insert(entry.record_id);
    }
    let tenant = save.tenant();
    for (kind, ids) in ids {
        let ids: Vec<i64> = ids.into_iter().collect();
        records::lock(&mut save.tx, tenant, kind.entity(), &ids).await?;
    }
    Ok(())
}

async fn plan_one(
    save: &mut Save<'_>,
    entry: &Entry,
    plan: &mut Plan,
    left: &mut Vec<String>,
) -> Result<()> {
    let entity = kind_of(entry)?;
    let (kind, id) = (entity.kind, entry.record_id);
    let what = || format!("{} {id}", entity.singular);
    let current = save.stored(kind, id).await?;
    let Some(before) = &entry.before else {
        if current.is_some() {
            plan.updates.remove(&(kind, id));
            plan.removals.entry(kind).or_default().push(id);
        }
        return Ok(());
    };
    if entry.operation == Operation::Deleted.name() {
        match current {
            Some(_) => {}
            None => plan.inserts.extend(Back::of(entry)?),
        }
        return Ok(());
    }
    let Some((stored, now)) = current else {
        left.push(format!("{} was deleted since", what()));
        return Ok(());
    };
    let before = Record::from_doc(entity.schema, &before.doc);
    let after = match &entry.next {
        Some((_, Some(doc))) => Record::from_doc(entity.schema, doc),
        _ => now.clone(),
    };
    let work = plan.updates.entry((kind, id)).or_insert_with(|| Work {
        record: now.clone(),
        current: Some((stored, now)),
        more: None,
    });
    for key in Record::differing(Some(&before), Some(&after)) {
        let value = |record: &Record| record.get(key).filter(|_| record.is_set(key)).cloned();
        if value(&work.record) == value(&after) {
            set(&mut work.record, key, &before);
        } else if value(&work.record) != value(&before) {
            let name = entity.schema.fields[key.0].name;
            left.push(format!("{name} of {} was changed since", what()));
        }
    }
    if entry.before_more.is_some() {
        work.more.clone_from(&entry.before_more);
    }
    Ok(())
}

fn set(record: &mut Record, key: Key, from: &Record) {
    match from.get(key) {
        Some(value) => record.set(key, value.clone()),
        None => record.clear(key),
    }
}

async fn update(save: &mut Save<'_>, updates: BTreeMap<Place, Work>) -> Result<()> {
    let mut updates: Vec<(Place, Work)> = updates.into_iter().collect();
    // The flag leaves one site before another one gets it: the database allows one only.
    updates.sort_by_key(|((kind, _), work)| {
        *kind == EntityKind::Site && work.record.bool(site::IS_MAIN)
    });
    for ((kind, id), work) in &updates {
        claim(save, *kind, *id, work).await?;
    }
    if !save.problems.is_empty() {
        return Ok(());
    }
    let mut moved = Vec::new();
    let mut changed = Vec::new();
    for ((kind, id), work) in updates {
        let tenant = save.tenant();
        let path = format!("{} {id}", kind.entity().singular);
        let mut draft = Draft::of_restored(kind, id, path, work.current, work.record);
        if kind == EntityKind::Site && draft.changes(site::CLIENT_ID) {
            moved.push((id, draft.record.int(site::CLIENT_ID)));
        }
        let now = beside::read(&mut save.tx, tenant, kind, &[id]).await?.remove(&id);
        let differing = now.zip(work.more).filter(|(now, then)| now != then);
        let before_more = differing.as_ref().map(|(now, _)| now.clone());
        if !draft.put(save, Manner { before_more, ..Manner::default() }).await? {
            continue;
        }
        if let Some((_, then)) = differing {
            beside::write(&mut save.tx, tenant, kind, id, &then).await?;
        }
        changed.push(draft);
    }
    for (site_id, client_id) in moved {
        rules::site::move_users(save, site_id, client_id).await?;
    }
    for draft in &changed {
        crate::save::references::check(save, draft, &[]).await?;
    }
    Ok(())
}

/// A client that gets another name, or its own again because it is merged no longer, claims it.
async fn claim(save: &mut Save<'_>, kind: EntityKind, id: i64, work: &Work) -> Result<()> {
    let tenant = save.tenant();
    let now = work.current.as_ref().map(|(_, now)| now.text(client::NAME));
    if kind != EntityKind::Client
        || work.more.is_none() && now == Some(work.record.text(client::NAME))
    {
        return Ok(());
    }
    let beside = beside::read(&mut save.tx, tenant, kind, &[id]).await?.remove(&id);
    let more = work.more.clone().or(beside);
    let path = format!("client {id}");
    checks::name_is_free(save, kind, id, &work.record, more.as_deref(), &path).await
}

/// Removes what the batch made, unless something hangs on it that came later.
async fn take_away(save: &mut Save<'_>, removals: Doomed) -> Result<()> {
    let Some((kind, ids)) = removals.first_key_value() else { return Ok(()) };
    let (kind, id) = (*kind, ids.first().copied().unwrap_or(0));
    let all = owned(save, removals.clone()).await?;
    let none = Vec::new();
    for (kind, ids) in &all {
        let own = removals.get(kind).unwrap_or(&none);
        if let Some(other) = ids.iter().find(|id| !own.contains(id)) {
            let what = kind.entity().singular;
            return Err(ApiError::InUse {
                path: String::new(),
                message: format!("{what} {other} was added since"),
                counts: vec![(kind.entity().table, 1)],
            });
        }
    }
    refuse_when_pointed_at(save, kind, id, &all).await?;
    for (kind, ids) in all.iter().rev() {
        remove(save, *kind, ids).await?;
    }
    Ok(())
}
