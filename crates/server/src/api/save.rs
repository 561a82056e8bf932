//! POST of records, for any kind: create and update, all or nothing.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Problems, Show};
use aureole_storage::records;

use crate::api::get;
use crate::api::list::row;
use crate::auth::AuthError;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::save::{self, Draft, Preset, Save};
use crate::wire::{self, Elements};
use crate::{rights, rules};

/// How a POST is to be carried out.
struct Mode {
    dry_run: bool,
    bulk: bool,
    merge: bool,
    show: Show,
}

pub async fn post(call: &Call, endpoint: &'static Endpoint, body: &[u8]) -> Result<Reply> {
    rights::check(&call.caller, endpoint, true)?;
    let mut problems = Problems::default();
    let mode = Mode {
        dry_run: call.params.flag("dryrun", &mut problems),
        bulk: call.params.flag("bulkresponse", &mut problems),
        merge: call.header("prefer").is_some_and(|text| text.split([',', ';']).any(|part| part.trim() == "merge")),
        show: get::show(call, &mut problems),
    };
    call.check_params(&[endpoint.get_params, &["dryrun", "bulkresponse"]], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let elements = wire::elements(body, call.app.config.limits.records_per_post)?;
    if elements.records.is_empty() {
        return Ok(reply::json(200, "[]"));
    }
    if mode.bulk && !elements.bare {
        return bulk(call, endpoint, &elements, &mode).await;
    }
    let (created, mut replies) = write_again(call, endpoint, &elements, &mode).await?;
    let status = if created { 201 } else { 200 };
    let body = match replies.len() {
        1 => replies.remove(0),
        _ => Value::Array(replies),
    };
    Ok(reply::value(status, &body))
}

/// Writes; when another request took a name in between, once more, so that the check finds it.
async fn write_again(
    call: &Call,
    endpoint: &'static Endpoint,
    elements: &Elements,
    mode: &Mode,
) -> Result<(bool, Vec<Value>)> {
    match write(call, endpoint, elements, mode).await {
        Err(ApiError::Duplicate { id: 0, .. }) => write(call, endpoint, elements, mode).await,
        other => other,
    }
}

/// One transaction for all records of a request; whether one was created, and the replies.
async fn write(
    call: &Call,
    endpoint: &'static Endpoint,
    elements: &Elements,
    mode: &Mode,
) -> Result<(bool, Vec<Value>)> {
    let password_hashes = password_hashes(call, endpoint, elements).await?;
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, mode.merge, call.now).await?;
    save.password_hashes = password_hashes;
    let mut drafts = Vec::with_capacity(elements.records.len());
    for (at, record) in elements.records.iter().enumerate() {
        precondition(call, &mut save, endpoint, elements, record).await?;
        let path = elements.path(at);
        let saved = save::record(&mut save, endpoint.kind, record, &path, Preset::default()).await?;
        drafts.extend(saved);
        if save.problems.len() >= call.app.limits.problems {
            break;
        }
    }
    if !save.problems.is_empty() {
        return Err(save.failure(endpoint.place));
    }
    let mut replies = Vec::with_capacity(drafts.len());
    for draft in &mut drafts {
        replies.push(rendered(call, &mut save, draft, mode.show).await?);
    }
    let created = drafts.iter().any(|draft| draft.is_new);
    if mode.dry_run {
        save.tx.rollback().await?;
    } else {
        save.tx.commit().await?;
        rules::committed(call, endpoint.kind).await;
    }
    Ok((created, replies))
}

/// The hashes of the users' passwords. Hashing takes long, so it comes before the transaction.
async fn password_hashes(
    call: &Call,
    endpoint: &Endpoint,
    elements: &Elements,
) -> Result<HashMap<String, String>> {
    let mut hashes = HashMap::new();
    if endpoint.kind != EntityKind::User {
        return Ok(hashes);
    }
    for (at, record) in elements.records.iter().enumerate() {
        let Some(password) = record.get("password").and_then(Value::as_str) else { continue };
        if password.is_empty() || hashes.contains_key(password) {
            continue;
        }
        let path = aureole_catalogue::accept::join(&elements.path(at), "password");
        let hash = call.app.auth.hash_password(password).await.map_err(|error| match error {
            AuthError::Refused(message) => ApiError::invalid(path, message),
            other => ApiError::Internal(other.to_string()),
        })?;
        hashes.insert(password.to_owned(), hash);
    }
    Ok(hashes)
}

/// `If-Match` on a POST of one record: stale is a 412.
async fn precondition(
    call: &Call,
    save: &mut Save<'_>,
    endpoint: &'static Endpoint,
    elements: &Elements,
    record: &Map<String, Value>,
) -> Result<()> {
    let Some(wanted) = call.header("if-match").filter(|_| elements.records.len() == 1) else {
        return Ok(());
    };
    let id = record.get("id").and_then(Value::as_i64).unwrap_or(0);
    if id <= 0 {
        return Ok(());
    }
    let tenant = save.tenant();
    records::lock(&mut save.tx, tenant, endpoint.kind.entity(), &[id]).await?;
    if let Some((stored, _)) = save.load(endpoint.kind, id).await? {
        check_tag(endpoint, wanted, id, stored.rev)?;
    }
    Ok(())
}

/// Compares `If-Match` with the stored state.
pub fn check_tag(endpoint: &Endpoint, wanted: &str, id: i64, rev: i64) -> Result<()> {
    if get::matches(wanted, &format!("\"{rev}\"")) {
        return Ok(());
    }
    let what = endpoint.kind.entity().singular;
    Err(ApiError::PreconditionFailed(format!("{what} {id} was changed since you read it")))
}

/// The saved record as GET by id shows it, read inside the transaction, with its warnings.
async fn rendered(call: &Call, save: &mut Save<'_>, draft: &mut Draft, show: Show) -> Result<Value> {
    let prepared = call.app.prepared(draft.kind, View::Full, show);
    let tenant = save.tenant();
    let stored = records::get(&mut save.tx, &prepared.select, tenant, draft.id).await?;
    let stored = stored.ok_or_else(|| ApiError::missing(draft.entity().singular, draft.id))?;
    let mut out = Vec::with_capacity(4096);
    let extras = if show == Show::NONE {
        Vec::new()
    } else {
        rules::extras::full(&mut save.tx, &call.app, tenant, draft.kind, show, &stored, call.now).await?
    };
    prepared.plan.open(&row(&stored, &extras), &mut Vec::new(), &mut out);
    if !draft.warnings.is_empty() {
        let text = std::mem::take(&mut draft.warnings).join("; ");
        out.extend_from_slice(b",\"_warning\":");
        out.extend_from_slice(aureole_catalogue::render::quote(&text).as_bytes());
    }
    out.push(b'}');
    serde_json::from_slice(&out).map_err(|error| ApiError::Internal(error.to_string()))
}

/// `?bulkresponse=true`: each record in a transaction of its own; the good ones are kept.
async fn bulk(
    call: &Call,
    endpoint: &'static Endpoint,
    elements: &Elements,
    mode: &Mode,
) -> Result<Reply> {
    let mut results = Vec::with_capacity(elements.records.len());
    for (index, record) in elements.records.iter().enumerate() {
        let one = Elements { records: vec![record.clone()], bare: true };
        results.push(match write_again(call, endpoint, &one, mode).await {
            Ok((created, replies)) => {
                let id = replies.first().and_then(|reply| reply.get("id")).cloned();
                json!({ "index": index, "status": if created { 201 } else { 200 }, "id": id })
            }
            Err(ApiError::Internal(text)) => return Err(ApiError::Internal(text)),
            Err(error) => {
                let body = error.body(&call.request_id);
                json!({
                    "index": index,
                    "status": error.status(),
                    "code": body["code"],
                    "message": body["Message"],
                    "errors": body["errors"],
                })
            }
        });
    }
    Ok(reply::value(200, &Value::Array(results)))
}
