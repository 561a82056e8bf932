//! Puts one record that exists back into an earlier state, or some of its fields.

use aureole_catalogue::{Key, Mode, Record, record};
use aureole_storage::changes::{self, Operation};
use aureole_storage::{beside, records};

use super::{Undo, checks};
use crate::error::{ApiError, Result};
use crate::rules;
use crate::save::{Draft, Manner, Save, references};

pub async fn undo(save: &mut Save<'_>, undo: &Undo) -> Result<()> {
    let (kind, id, tenant) = (undo.kind(), undo.id(), save.tenant());
    records::lock(&mut save.tx, tenant, undo.entity, &[id]).await?;
    let Some((stored, now)) = save.stored(kind, id).await? else { return gone(save, undo).await };
    let Some(before) = undo.before() else { return Ok(()) };
    not_merged(save, undo).await?;
    let (target, with_beside) = match &undo.fields {
        None => (before, true),
        Some(names) => {
            let (target, password) = some_fields(save, undo, &now, &before, names);
            (target, password)
        }
    };
    if !save.problems.is_empty() {
        return Ok(());
    }
    let before_more = match with_beside {
        true => beside_before(save, undo).await?,
        false => None,
    };
    let mut draft =
        Draft::of_restored(kind, id, String::new(), Some((stored, now)), target.clone());
    checks::defined_fields(save, &mut draft).await?;
    references::check(save, &draft, &[]).await?;
    rules::before(save, &mut draft).await?;
    if !save.problems.is_empty() {
        return Ok(());
    }
    if undo.fields.is_none() && draft.record.to_doc() != target.to_doc() {
        // The rules make something else of it, by what other records say.
        let names = Record::differing_names(Some(&draft.record), Some(&target));
        for name in names {
            save.problem(name, "follows from another record and can't be put back alone");
        }
        return Ok(());
    }
    let manner = Manner {
        before_more: before_more.as_ref().map(|(now, _)| now.clone()),
        more_fields: if before_more.is_some() && signs_in(undo) {
            vec!["password"]
        } else {
            vec![]
        },
        ..Manner::default()
    };
    if !draft.put(save, manner).await? {
        return Ok(());
    }
    rules::restored(save, &draft).await?;
    if let Some((_, then)) = before_more {
        beside::write(&mut save.tx, tenant, kind, id, &then).await?;
    }
    Ok(())
}

fn signs_in(undo: &Undo) -> bool {
    use aureole_catalogue::EntityKind;
    matches!(undo.kind(), EntityKind::User | EntityKind::Agent)
}

/// What is beside the document now and what was before the change, when the two differ.
async fn beside_before(save: &mut Save<'_>, undo: &Undo) -> Result<Option<(String, String)>> {
    let (kind, id, tenant) = (undo.kind(), undo.id(), save.tenant());
    if !beside::has(kind) {
        return Ok(None);
    }
    let name = undo.entity.name;
    let then = changes::more_before(&mut save.tx, tenant, name, id, undo.entry.seq).await?;
    let now = beside::read(&mut save.tx, tenant, kind, &[id]).await?.remove(&id);
    Ok(now.zip(then).filter(|(now, then)| now != then))
}

/// A client that was merged away since lives on in another one.
async fn not_merged(save: &mut Save<'_>, undo: &Undo) -> Result<()> {
    let (id, tenant) = (undo.id(), save.tenant());
    if undo.kind() != aureole_catalogue::EntityKind::Client {
        return Ok(());
    }
    let into = records::merged_once(&mut save.tx, tenant, id).await?;
    let (name, seq) = (undo.entity.name, undo.entry.seq);
    let then = changes::more_before(&mut save.tx, tenant, name, id, seq).await?;
    if into > 0 && then.is_some_and(|then| beside::merged_into(&then) != into) {
        let message = format!("is of client {id}, which was merged into {into}: undo that first");
        return Err(ApiError::invalid("change", message));
    }
    Ok(())
}

/// The record is gone: which change took it?
async fn gone(save: &mut Save<'_>, undo: &Undo) -> Result<()> {
    let (id, tenant) = (undo.id(), save.tenant());
    let last = changes::last_known(&mut save.tx, tenant, undo.entity.name, id).await?;
    let what = undo.entity.singular;
    let how = match last.filter(|last| last.operation == Operation::Deleted.name()) {
        Some(last) => format!("was deleted by change {}: restore that first", last.seq),
        None => "does not exist".to_owned(),
    };
    save.problem("change", format!("is of {what} {id}, which {how}"));
    Ok(())
}

/// The present state with some fields as they were before the change, and whether what the record
/// signs in with goes back too.
fn some_fields(
    save: &mut Save<'_>,
    undo: &Undo,
    now: &Record,
    before: &Record,
    names: &[String],
) -> (Record, bool) {
    let mut target = now.clone();
    let mut password = false;
    for (at, name) in names.iter().enumerate() {
        let folded = name.to_ascii_lowercase();
        let path = format!("fields[{at}]");
        if folded == "password" && signs_in(undo) {
            password = true;
            continue;
        }
        let Some(position) = undo.entity.schema.find(&folded) else {
            save.problem(path, format!("{name:?} is no field of a {}", undo.entity.singular));
            continue;
        };
        let field = &undo.entity.schema.fields[position];
        let key = Key(position);
        if folded == "id" || !record::is_stored(field) && field.mode != Mode::ReadWrite {
            save.problem(path, format!("{name} can't be put back: it is worked out"));
        } else if !record::is_stored(field) {
            let message = "has records of its own: restore their changes";
            save.problem(path, format!("{name} {message}"));
        } else {
            match before.get(key) {
                Some(value) => target.set(key, value.clone()),
                None => target.clear(key),
            }
        }
    }
    (target, password)
}
