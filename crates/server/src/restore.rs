//! Undoing: brings records back into the state before a change. There is no code for a kind of record
//! here; what a kind asks for is in `rules`.
//!
//! A change that made or deleted a record is undone with what the record owns. One that updated it
//! puts that record back, as long as the rules allow it alone; otherwise everything that was written
//! with it goes back. A merge, and an undoing of several records, go back as a whole.

mod checks;
mod deleted;
mod made;
mod updated;
mod whole;

use aureole_catalogue::{Entity, EntityKind, Record};
use aureole_storage::changes::{self, Action, Entry, Operation};
use aureole_storage::records::Stored;

use crate::error::{ApiError, Result};
use crate::history::kind_stored;
use crate::save::Save;

/// One change that is to be undone.
pub struct Undo {
    pub entry: Entry,
    pub entity: &'static Entity,
    /// Just these fields; `None` = everything.
    pub fields: Option<Vec<String>>,
}

impl Undo {
    /// True for a change that neither made nor deleted the record.
    pub fn is_update(&self) -> bool {
        self.entry.before.is_some() && self.entry.operation != Operation::Deleted.name()
    }

    fn id(&self) -> i64 {
        self.entry.record_id
    }

    fn kind(&self) -> EntityKind {
        self.entity.kind
    }

    /// The state before the change.
    fn before(&self) -> Option<Record> {
        let before = self.entry.before.as_ref()?;
        Some(Record::from_doc(self.entity.schema, &before.doc))
    }
}

/// What was undone.
pub struct Undone {
    /// The changes that this wrote, in their order.
    pub changes: Vec<Entry>,
    /// The change that undoes the undoing.
    pub change: Option<i64>,
    /// What was left as it is, sentences for a person.
    pub left: Vec<String>,
}

/// Undoes a change within the transaction of `save`, which the caller commits.
///
/// # Errors
/// What the rules refuse: a name that is taken, references that are gone, a record in use.
pub async fn undo(save: &mut Save<'_>, undo: &Undo) -> Result<Undone> {
    save.restores = undo.entry.seq;
    save.action = Action::Restore;
    let batch = changes::of_batch(&mut save.tx, save.caller.tenant_id, &undo.entry).await?;
    let mut left = Vec::new();
    if hangs_together(undo, &batch) {
        whole::undo(save, &batch, &mut left).await?;
        checks::all(save).await?;
    } else {
        alone_or_whole(save, undo, &batch, &mut left).await?;
    }
    let changes = written(save).await?;
    let own = |entry: &&Entry| entry.entity == undo.entry.entity && entry.record_id == undo.id();
    let change = changes.iter().rev().find(own).or(changes.first()).map(|entry| entry.seq);
    Ok(Undone { changes, change, left })
}

/// True for a change that is undone with all others of its batch.
fn hangs_together(undo: &Undo, batch: &[Entry]) -> bool {
    let action = undo.entry.action.as_str();
    undo.fields.is_none()
        && (action == Action::Merge.name()
            || action == Action::Restore.name() && undo.is_update() && batch.len() > 1)
}

/// Undoes one change by itself; when the rules refuse that and more was written along with it, all
/// of it together.
async fn alone_or_whole(
    save: &mut Save<'_>,
    undo: &Undo,
    batch: &[Entry],
    left: &mut Vec<String>,
) -> Result<()> {
    save.tx.savepoint().await?;
    let refusal = match alone(save, undo, batch).await {
        Ok(()) => return Ok(save.tx.release_savepoint().await?),
        Err(error @ (ApiError::Validation { .. } | ApiError::InUse { .. })) => error,
        Err(error) => return Err(error),
    };
    if batch.len() < 2 || undo.fields.is_some() {
        return Err(refusal);
    }
    forget(save).await?;
    let together = async {
        whole::undo(save, batch, left).await?;
        checks::all(save).await?;
        is_as_before(save, undo).await
    };
    match together.await {
        Ok(true) => Ok(save.tx.release_savepoint().await?),
        Ok(false) => Err(refusal),
        Err(error @ ApiError::Internal(_)) => Err(error),
        Err(_) => Err(refusal),
    }
}

async fn alone(save: &mut Save<'_>, undo: &Undo, batch: &[Entry]) -> Result<()> {
    let deleted = undo.entry.operation == Operation::Deleted.name();
    match &undo.entry.before {
        Some(_) if deleted => deleted::undo(save, undo, batch).await?,
        Some(_) => updated::undo(save, undo).await?,
        None => made::undo(save, undo).await?,
    }
    if !save.problems.is_empty() {
        return Err(save.take_failure());
    }
    checks::all(save).await
}

/// Takes back what was tried.
async fn forget(save: &mut Save<'_>) -> Result<()> {
    save.tx.rollback_to_savepoint().await?;
    save.next_batch();
    Ok(())
}

/// True when the change's own record is what it was before.
async fn is_as_before(save: &mut Save<'_>, undo: &Undo) -> Result<bool> {
    let now = save.stored(undo.kind(), undo.id()).await?;
    let now = now.map(|(_, record)| record);
    Ok(match (now, undo.before()) {
        (None, None) => true,
        (Some(now), Some(before)) => Record::differing(Some(&now), Some(&before)).is_empty(),
        _ => false,
    })
}

/// The changes that the transaction has written so far.
async fn written(save: &mut Save<'_>) -> Result<Vec<Entry>> {
    if save.batch == 0 {
        return Ok(Vec::new());
    }
    let tenant = save.tenant();
    let Some(first) = changes::get(&mut save.tx, tenant, save.batch).await? else {
        return Ok(Vec::new());
    };
    Ok(changes::of_batch(&mut save.tx, tenant, &first).await?)
}

/// A record as it is, whoever asks.
type Current = Option<(Stored, Record)>;

/// The kind of a row of the history.
fn kind_of(entry: &Entry) -> Result<&'static Entity> {
    kind_stored(&entry.entity)
        .ok_or_else(|| ApiError::Internal(format!("history of the kind {}", entry.entity)))
}
