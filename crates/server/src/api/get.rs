//! GET of one record.

use aureole_catalogue::render::View;
use aureole_catalogue::{Entity, EntityKind, Problems, Record, Show};
use aureole_storage::Read;
use aureole_storage::records::{self, Stored};
use serde_json::Value;

use crate::api::list::row;
use crate::app::{App, Prepared};
use crate::auth::Caller;
use crate::cache::Place;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::fresh::Moment;
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::{rights, rules};

pub async fn get(call: &Call, endpoint: &'static Endpoint, id: i64) -> Result<Reply> {
    rights::check(&call.caller, endpoint, false)?;
    let mut problems = Problems::default();
    let show = show(call, &mut problems);
    call.check_params(&[endpoint.get_params], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let entity = endpoint.kind.entity();
    let (app, tenant) = (&call.app, call.caller.tenant_id);
    // What the request asks for beyond the plain record, and what a limited agent may see, depends
    // on more than the records that an entry knows of.
    let plain = call.params.is_empty()
        && !rules::extras::are_always_there(endpoint.kind)
        && !rights::is_limited(&call.caller);
    let place = Place { tenant, kind: endpoint.kind, id };
    let now = if plain { Some(app.fresh.moment(tenant).await?) } else { None };
    if let Some(now) = now {
        if let Some(reply) = from_memory(call, now, place) {
            app.metrics.record(true);
            return Ok(reply);
        }
        if app.ahead.read(app, now, place, call.now).await
            && let Some(reply) = from_memory(call, now, place)
        {
            app.metrics.record(true);
            return Ok(reply);
        }
    }
    app.metrics.record(false);
    let prepared = app.prepared_for(&call.caller, endpoint.kind, View::Full, show);
    let mut db = call.db.clone();
    let stored = records::get(&mut db, &prepared.select, tenant, id).await?;
    let stored = match stored {
        Some(stored) if sees(call, &mut db, entity, &stored).await? => Some(stored),
        _ => None,
    };
    let Some(mut stored) = stored else { return Err(ApiError::missing(entity.singular, id)) };
    let into = merged_into(call, endpoint.kind, &stored).await?;
    if let Some(into) = into {
        // The client that took its place answers, with what the flags ask of it.
        let there = records::get(&mut db, &prepared.select, tenant, into).await?;
        let there = there.filter(|_| rights::sees_client(&call.caller, into));
        stored = there.ok_or_else(|| ApiError::missing(entity.singular, id))?;
    }
    rules::lists::check_get(call, endpoint.kind, stored.id, &stored).await?;
    let etag = etag(stored.rev);
    if let Some(reply) = not_modified(call, &etag).filter(|_| now.is_none()) {
        return Ok(reply);
    }
    let stored = rights::without_hidden_clients(&call.caller, endpoint.kind, stored);
    let (kind, caller) = (endpoint.kind, &call.caller);
    let mut extras =
        rules::extras::full(&mut db, app, caller, kind, show, &stored, call.now).await?;
    // Which was checked with the other parameters.
    if call.params.int("tickettype_id", &mut problems).is_some_and(|id| id > 0) {
        rules::popups::as_they_pop_up(call, kind, &mut extras).await?;
    }
    let mut out = Vec::with_capacity(4096);
    prepared.plan.open(&row(&stored, &extras), &mut Vec::new(), &mut out);
    close(&mut out, id, into);
    if let Some(now) = now
        && extras.is_empty()
        && into.is_none()
    {
        keep(app, now, place, &prepared, &stored);
    }
    if let Some(reply) = not_modified(call, &etag) {
        return Ok(reply);
    }
    Ok(tagged(reply::json(200, out), &etag))
}

/// Ends a record's text, with a word on the client that it took the place of.
fn close(out: &mut Vec<u8>, id: i64, into: Option<i64>) {
    if let Some(into) = into {
        let warning = format!("client {id} was merged into {into}");
        out.extend_from_slice(b",\"_warning\":");
        out.extend_from_slice(aureole_catalogue::render::quote(&warning).as_bytes());
    }
    out.push(b'}');
}

/// The reply made of what is kept; 304 without a look at the record's values.
fn from_memory(call: &Call, now: Moment, place: Place) -> Option<Reply> {
    let app = &call.app;
    let wanted = call.header("if-none-match");
    let has = |rev| wanted.is_some_and(|wanted| matches(wanted, &etag(rev)));
    let kept = app.records.get(&app.fresh, now, place, has)?;
    let etag = etag(kept.rev);
    let Some(packed) = kept.packed else { return Some(tagged(reply::json(304, ""), &etag)) };
    let plan = &app.prepared(place.kind, View::Full, Show::NONE).plan;
    let mut out = Vec::new();
    plan.unpack(&packed, &mut out);
    Some(tagged(reply::json(200, out), &etag))
}

/// Keeps a record that was read after `now` as a GET without parameters shows it to everybody who may
/// see it. What is shown of a merged client depends on more than what an entry knows of.
pub fn keep(app: &App, now: Moment, place: Place, prepared: &Prepared, stored: &Stored) {
    if may_be_merged(place.kind, stored) {
        return;
    }
    let mut packed = Vec::with_capacity(1024);
    prepared.plan.pack(&row(stored, &[]), &mut Vec::new(), &mut packed);
    app.records.keep(place, now.position, stored.rev, &stored.pointers, &packed);
}

fn etag(rev: i64) -> String {
    format!("\"{rev}\"")
}

fn tagged(mut reply: Reply, etag: &str) -> Reply {
    reply::set(&mut reply, http::header::ETAG, etag);
    reply
}

/// True when the record is within the agent's client limits.
pub async fn sees(
    call: &Call,
    reader: &mut impl Read,
    entity: &'static Entity,
    stored: &Stored,
) -> Result<bool> {
    if !rights::is_limited(&call.caller) {
        return Ok(true);
    }
    let record = Record::from_doc(entity.schema, &stored.doc);
    rights::sees_stored(&call.app, reader, &call.caller, entity, stored.id, &record).await
}

/// Only a merged client has no main site.
fn may_be_merged(kind: EntityKind, stored: &Stored) -> bool {
    kind == EntityKind::Client && !stored.doc.contains("\"main_site_id\":")
}

/// The client that took this one's place.
async fn merged_into(call: &Call, kind: EntityKind, stored: &Stored) -> Result<Option<i64>> {
    if !may_be_merged(kind, stored) {
        return Ok(None);
    }
    let (mut db, tenant) = (call.db.clone(), call.caller.tenant_id);
    let into = records::merged_into(&mut db, tenant, stored.id).await?;
    Ok((into > 0).then_some(into))
}

/// The 304 for a caller that has this version already.
pub fn not_modified(call: &Call, etag: &str) -> Option<Reply> {
    call.header("if-none-match").filter(|wanted| matches(wanted, etag))?;
    Some(tagged(reply::json(304, ""), etag))
}

/// True when a list of entity tags has this one, or is `*`.
pub fn matches(wanted: &str, etag: &str) -> bool {
    wanted.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// What the flags of the request ask to see.
pub fn show(call: &Call, problems: &mut Problems) -> Show {
    let flags = [
        ("includedetails", Show::DETAILS),
        ("includeactivity", Show::ACTIVITY),
        ("includeprepay", Show::PREPAY),
        ("includeperiods", Show::PERIODS),
        ("getavailablerts", Show::TICKET_TYPES),
    ];
    flags.iter().fold(Show::NONE, |show, (name, flag)| {
        if call.params.flag(name, problems) { show.with(*flag) } else { show }
    })
}

/// The record as a GET by id shows it, from inside a transaction or out of it.
pub async fn rendered(
    app: &App,
    reader: &mut impl Read,
    caller: &Caller,
    kind: EntityKind,
    id: i64,
) -> Result<Option<Value>> {
    let prepared = app.prepared_for(caller, kind, View::Full, Show::NONE);
    let Some(stored) = records::get(reader, &prepared.select, caller.tenant_id, id).await? else {
        return Ok(None);
    };
    let stored = rights::without_hidden_clients(caller, kind, stored);
    let mut out = Vec::with_capacity(4096);
    prepared.plan.render(&row(&stored, &[]), &mut Vec::new(), &mut out);
    serde_json::from_slice(&out).map(Some).map_err(|error| ApiError::Internal(error.to_string()))
}
