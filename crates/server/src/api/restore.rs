//! POST /History/{change}/restore: undoes a change, whole or some fields of it.

use std::collections::BTreeSet;

use aureole_catalogue::Problems;
use aureole_storage::changes;
use serde_json::{Value, json};

use crate::api::history::{missing, seen};
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::history::kind_stored;
use crate::reply::{self, Reply};
use crate::restore::{self, Undo, Undone};
use crate::save::Save;
use crate::{history, rights, rules, wire};

pub async fn post(call: &Call, change: i64, body: &[u8]) -> Result<Reply> {
    let mut problems = Problems::default();
    let dry_run = call.params.flag("dryrun", &mut problems);
    call.check_params(&[&["dryrun"]], &mut problems);
    let fields = fields(body, &mut problems)?;
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    history::readable(&call.caller)?;
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, false, call.now).await?;
    let tenant = save.tenant();
    let entry = changes::get(&mut save.tx, tenant, change).await?;
    let settings = save.settings.clone();
    let kept = history::kept_from(&call.app, &mut save.tx, tenant, &settings, call.now).await?;
    let Some((entry, entity)) = seen(call, entry, kept) else { return Err(missing(change, kept)) };
    history::check(&call.caller, entity.kind, true)?;
    let undo = Undo { entry, entity, fields };
    if undo.fields.is_some() && !undo.is_update() {
        let message = format!("can't be chosen: change {change} made or deleted the whole record");
        return Err(ApiError::invalid("fields", message));
    }
    let undone = restore::undo(&mut save, &undo).await?;
    allowed(call, &undone)?;
    if dry_run {
        save.tx.rollback().await?;
    } else {
        save.tx.commit().await?;
        let kinds: BTreeSet<_> = undone
            .changes
            .iter()
            .filter_map(|entry| kind_stored(&entry.entity))
            .map(|entity| entity.kind)
            .collect();
        for kind in kinds {
            rules::committed(call, kind).await;
        }
    }
    let mut reply = reply::value(200, &told(&undo, &undone, dry_run));
    if !dry_run {
        reply::set_change(&mut reply, undone.change);
    }
    Ok(reply)
}

/// Everything that went along must be within the agent's client limits.
fn allowed(call: &Call, undone: &Undone) -> Result<()> {
    let hidden = undone
        .changes
        .iter()
        .any(|entry| entry.client_id > 0 && !rights::sees_client(&call.caller, entry.client_id));
    if hidden {
        let message = "this changes records of clients that are out of this agent's reach";
        return Err(ApiError::Forbidden(message.to_owned()));
    }
    Ok(())
}

/// `{"fields": ["website"]}`: just these. An empty body is everything.
fn fields(body: &[u8], problems: &mut Problems) -> Result<Option<Vec<String>>> {
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let elements = wire::elements(body, 1)?;
    let Some(record) = elements.records.first() else { return Ok(None) };
    for name in record.keys().filter(|name| *name != "fields") {
        problems.add(name.clone(), "is not known here; fields is");
    }
    let list = match record.get("fields") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(_) => {
            problems.add("fields", "must be a list of names of fields");
            return Ok(None);
        }
    };
    if list.is_empty() {
        problems.add("fields", "must name at least one field");
    }
    let mut names = Vec::with_capacity(list.len());
    for (at, name) in list.iter().enumerate() {
        match name.as_str() {
            Some(name) => names.push(name.to_owned()),
            None => problems.add(format!("fields[{at}]"), "must be the name of a field"),
        }
    }
    Ok(Some(names))
}

fn told(undo: &Undo, undone: &Undone, dry_run: bool) -> Value {
    let restored: Vec<Value> = undone
        .changes
        .iter()
        .map(|entry| {
            let fields: Vec<&str> =
                entry.fields.split(',').filter(|name| !name.is_empty()).collect();
            let mut one = json!({
                "entity": entry.entity,
                "id": entry.record_id,
                "operation": entry.operation,
                "change": entry.seq,
            });
            if entry.before.is_some() && !fields.is_empty() {
                one["fields"] = json!(fields);
            }
            one
        })
        .collect();
    let changed = !restored.is_empty();
    let mut told = json!({
        "change": undo.entry.seq,
        "changed": changed,
        "dryrun": dry_run,
        "undo": undone.change,
        "restored": restored,
    });
    let mut warnings = undone.left.clone();
    if !changed {
        let (what, id) = (undo.entity.singular, undo.entry.record_id);
        warnings.insert(0, format!("{what} {id} is so already: nothing was changed"));
    }
    if !warnings.is_empty() {
        told["_warning"] = json!(warnings.join("; "));
    }
    told
}
