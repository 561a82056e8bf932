//! POST of records, for any kind: create and update, all or nothing.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Problems, Record, Show};
use aureole_storage::records::{self, Stored};

use crate::api::get;
use crate::api::idempotency::{self, Repeatable};
use crate::api::list::row;
use crate::app::Prepared;
use crate::auth::AuthError;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::{self, Call};
use crate::reply::{self, Reply};
use crate::rules::extras::Extras;
use crate::save::{self, Draft, Preset, Save};
use crate::wire::{self, Elements};
use crate::{rights, rules};

/// How a POST is to be carried out.
struct Mode {
    dry_run: bool,
    bulk: bool,
    merge: bool,
    show: Show,
    repeatable: Option<Repeatable>,
}

/// What a request wrote, and its reply.
struct Written {
    status: u16,
    body: Vec<u8>,
    first_id: i64,
}

pub async fn post(call: &Call, endpoint: &'static Endpoint, body: &[u8]) -> Result<Reply> {
    rights::check(&call.caller, endpoint, true)?;
    let mut problems = Problems::default();
    let mut mode = Mode {
        dry_run: call.params.flag("dryrun", &mut problems),
        bulk: call.params.flag("bulkresponse", &mut problems),
        merge: call
            .header("prefer")
            .is_some_and(|text| text.split([',', ';']).any(|part| part.trim() == "merge")),
        show: get::show(call, &mut problems),
        repeatable: None,
    };
    call.check_params(&[endpoint.get_params, &["dryrun", "bulkresponse"]], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    idempotency::given(call)?;
    if !mode.dry_run {
        mode.repeatable = idempotency::of(call, body).await?;
    }
    if let Some(repeatable) = &mode.repeatable
        && let Some(first) = repeatable.first(call).await?
    {
        return Ok(first);
    }
    let elements = wire::elements(body, call.app.config.limits.records_per_post)?;
    if elements.records.is_empty() {
        return Ok(reply::json(200, "[]"));
    }
    if let Some((from, into)) = merge_of(endpoint, &elements)? {
        let reply = super::merge::post(call, &elements.path(0), from, into, mode.dry_run).await?;
        return match mode.repeatable {
            Some(repeatable) => repeatable.kept(call, reply).await,
            None => Ok(reply),
        };
    }
    if mode.bulk && !elements.bare {
        let repeatable = mode.repeatable.take();
        let body = bulk(call, endpoint, &elements, &mode).await?;
        if let Some(repeatable) = repeatable {
            // Its records were committed one by one.
            repeatable.keep_behind(call, 200, &body).await;
        }
        return Ok(reply::json(200, body));
    }
    let written = write_again(call, endpoint, &elements, &mode).await;
    if let (Err(_), Some(repeatable)) = (&written, &mode.repeatable)
        && let Some(first) = repeatable.first(call).await?
    {
        // The same request came to another server at the same time, which was first.
        return Ok(first);
    }
    let written = written?;
    Ok(reply::json(written.status, written.body))
}

/// The two clients of a `_merge_client_into`, which is a request of its own.
fn merge_of(endpoint: &Endpoint, elements: &Elements) -> Result<Option<(i64, i64)>> {
    if endpoint.kind != EntityKind::Client {
        return Ok(None);
    }
    let number = |record: &Map<String, Value>, name: &str| {
        record.get(name).and_then(aureole_catalogue::accept::id).unwrap_or(0)
    };
    let merges = |record: &Map<String, Value>| number(record, "_merge_client_into") > 0;
    let Some(at) = elements.records.iter().position(merges) else { return Ok(None) };
    let field = aureole_catalogue::accept::join(&elements.path(at), "_merge_client_into");
    if elements.records.len() > 1 {
        return Err(ApiError::invalid(field, "must be the only record of its request"));
    }
    let record = &elements.records[at];
    match number(record, "id") {
        id if id > 0 => Ok(Some((id, number(record, "_merge_client_into")))),
        _ => Err(ApiError::invalid(field, "needs the id of the client that is to be merged")),
    }
}

/// Writes; when another request took a name in between, once more, so that the check finds it.
async fn write_again(
    call: &Call,
    endpoint: &'static Endpoint,
    elements: &Elements,
    mode: &Mode,
) -> Result<Written> {
    match write(call, endpoint, elements, mode).await {
        Err(ApiError::Duplicate { id: 0, .. }) => write(call, endpoint, elements, mode).await,
        other => other,
    }
}

/// One transaction for all records of a request. 201 when at least one was created.
async fn write(
    call: &Call,
    endpoint: &'static Endpoint,
    elements: &Elements,
    mode: &Mode,
) -> Result<Written> {
    let password_hashes = password_hashes(call, endpoint, elements).await?;
    let mut save = Save::begin_records(call, endpoint.kind, &elements.records, mode.merge).await?;
    save.password_hashes = password_hashes;
    let mut drafts = Vec::with_capacity(elements.records.len());
    for (at, record) in elements.records.iter().enumerate() {
        precondition(call, &mut save, endpoint, elements, record).await?;
        let path = elements.path(at);
        save.next_batch();
        let saved =
            save::record(&mut save, endpoint.kind, record, &path, Preset::default()).await?;
        drafts.extend(saved);
        if save.problems.len() >= call.app.limits.problems {
            break;
        }
    }
    if !save.problems.is_empty() {
        return Err(save.failure(endpoint.place));
    }
    let first_id = drafts.first().map_or(0, |draft| draft.id);
    let status = if drafts.iter().any(|draft| draft.is_new) { 201 } else { 200 };
    let prepared = call.app.prepared_for(&call.caller, endpoint.kind, View::Full, mode.show);
    let rows = saved_rows(call, &mut save, &prepared, &drafts, mode.show).await?;
    let mut tx = save.tx;
    let warnings: Vec<Vec<String>> = drafts.into_iter().map(|draft| draft.warnings).collect();
    let render = || rendered(&prepared, &rows, &warnings);
    let body = match &mode.repeatable {
        Some(repeatable) => {
            let body = render();
            let text = std::str::from_utf8(&body)
                .map_err(|error| ApiError::Internal(error.to_string()))?;
            repeatable.keep(call, &mut tx, status, text).await?;
            tx.commit().await?;
            body
        }
        None if mode.dry_run => {
            tx.rollback().await?;
            return Ok(Written { status, body: render(), first_id });
        }
        // Nobody else has to wait for the text, which can't fail.
        None => {
            tx.commit().await?;
            render()
        }
    };
    rules::committed(call, endpoint.kind).await;
    Ok(Written { status, body, first_id })
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
    let Some(id) = super::invoiced::id_of(record) else { return Ok(()) };
    let tenant = save.tenant();
    records::lock(&mut save.tx, tenant, endpoint.kind.entity(), &[id]).await?;
    if let Some((stored, _)) = save.load(endpoint.kind, id).await? {
        check_tag(endpoint, wanted, id, stored.rev)?;
    }
    Ok(())
}

/// Compares `If-Match` with the stored state.
pub fn check_tag(endpoint: &Endpoint, wanted: &str, id: i64, rev: i64) -> Result<()> {
    let [of_record, of_content] = super::attachments::etags(rev);
    let is_file = endpoint.kind == EntityKind::Attachment;
    if get::matches(wanted, &of_record) || is_file && get::matches(wanted, &of_content) {
        return Ok(());
    }
    let what = endpoint.kind.entity().singular;
    Err(ApiError::PreconditionFailed(format!("{what} {id} was changed since you read it")))
}

/// The saved records with what GET by id computes for them, in the order of the request, read inside
/// the transaction.
async fn saved_rows(
    call: &Call,
    save: &mut Save<'_>,
    prepared: &Prepared,
    drafts: &[Draft],
    show: Show,
) -> Result<Vec<(Stored, Extras)>> {
    let tenant = save.tenant();
    let mut found: HashMap<i64, Stored> = HashMap::with_capacity(drafts.len());
    if let [draft] = drafts {
        let written = save.known.state(draft.kind, draft.id);
        let stored = match written.filter(|_| !rights::is_limited(&call.caller)) {
            Some(written) => {
                let (entity, lookups) = (draft.entity(), &prepared.plan.lookups);
                let record = Record::from_doc(entity.schema, &written.doc);
                let tx = &mut save.tx;
                let named = records::with_names(tx, tenant, entity, lookups, written, &record);
                Some(named.await?)
            }
            None => records::get(&mut save.tx, &prepared.select, tenant, draft.id).await?,
        };
        found.extend(stored.map(|stored| (draft.id, stored)));
    } else {
        let mut ids: Vec<i64> = drafts.iter().map(|draft| draft.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let all = records::get_many(&mut save.tx, &prepared.select, tenant, &ids).await?;
        found.extend(all.into_iter().map(|stored| (stored.id, stored)));
    }
    let mut rows = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let stored = found.get(&draft.id).cloned();
        let stored = stored.ok_or_else(|| ApiError::missing(draft.entity().singular, draft.id))?;
        let stored = rights::without_hidden_clients(&call.caller, draft.kind, stored);
        let (app, caller) = (&call.app, &call.caller);
        let extras =
            rules::extras::full(&mut save.tx, app, caller, draft.kind, show, &stored, call.now)
                .await?;
        rows.push((stored, extras));
    }
    Ok(rows)
}

/// The reply: the record, or the array of several, each with its warnings.
fn rendered(prepared: &Prepared, rows: &[(Stored, Extras)], warnings: &[Vec<String>]) -> Vec<u8> {
    let several = rows.len() != 1;
    let mut out = Vec::with_capacity(rows.len() * 2_048);
    out.extend(several.then_some(b'['));
    for (at, ((stored, extras), warnings)) in rows.iter().zip(warnings).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        prepared.plan.open(&row(stored, extras), &mut Vec::new(), &mut out);
        if !warnings.is_empty() {
            out.extend_from_slice(b",\"_warning\":");
            let text = aureole_catalogue::render::quote(&warnings.join("; "));
            out.extend_from_slice(text.as_bytes());
        }
        out.push(b'}');
    }
    out.extend(several.then_some(b']'));
    out
}

/// `?bulkresponse=true`: each record in a transaction of its own; the good ones are kept.
async fn bulk(
    call: &Call,
    endpoint: &'static Endpoint,
    elements: &Elements,
    mode: &Mode,
) -> Result<String> {
    let mut results = Vec::with_capacity(elements.records.len());
    for (index, record) in elements.records.iter().enumerate() {
        let one = Elements { records: vec![record.clone()], bare: true };
        results.push(match write_again(call, endpoint, &one, mode).await {
            Ok(written) => {
                json!({ "index": index, "status": written.status, "id": written.first_id })
            }
            Err(error) => {
                // Other records of the request are kept, so that a defect is the answer for this one.
                if let Some(cause) = front::cause(&error) {
                    tracing::error!(request_id = call.request_id, index, cause, "a record failed");
                }
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
    Ok(Value::Array(results).to_string())
}
