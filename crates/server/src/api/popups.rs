//! GET /PopupNote and POST /PopupNote/read: what pops up now for the calling agent.

use aureole_catalogue::keys::{popup_note, site};
use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Problems, Record, Show};
use aureole_storage::records::{self, Stored};
use aureole_storage::{Read, popups};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::api::list::row;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::{rights, wire};

/// The columns that a popup can belong through, and the parameters of the same names.
const ANCHORS: &[&str] = &["client_id", "site_id", "user_id"];

pub async fn list(call: &Call, endpoint: &'static Endpoint) -> Result<Reply> {
    rights::check(&call.caller, endpoint, false)?;
    let mut problems = Problems::default();
    let show_all = call.params.flag("showall", &mut problems);
    let count = call.params.int("count", &mut problems).unwrap_or(i64::MAX);
    let anchors: Vec<(&str, i64)> = ANCHORS
        .iter()
        .filter_map(|name| call.params.int(name, &mut problems).map(|id| (*name, id)))
        .collect();
    call.check_params(&[endpoint.list_params, &["count"]], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let found = popups_of(call, &anchors).await?;
    let ids: Vec<i64> = found.iter().map(|stored| stored.id).collect();
    let (tenant, agent) = (call.caller.tenant_id, call.caller.agent_id);
    let mut db = call.db.clone();
    let statuses = popups::statuses(&mut db, tenant, agent, &ids).await?;
    let prepared = call.app.prepared(EntityKind::PopupNote, View::Full, Show::NONE);
    let mut out = vec![b'['];
    let mut shown = 0;
    for stored in &found {
        let status = statuses.get(&stored.id).copied().unwrap_or(0);
        if shown >= count || !show_all && !pops_up(call, stored, status).await? {
            continue;
        }
        if shown > 0 {
            out.push(b',');
        }
        shown += 1;
        let extras = [(popup_note::READ_STATUS.0, status.to_string())];
        prepared.plan.render(&row(stored, &extras), &mut Vec::new(), &mut out);
    }
    out.push(b']');
    Ok(reply::json(200, out))
}

/// The popups of any of the anchors; of all of them when the request names none.
async fn popups_of(call: &Call, anchors: &[(&str, i64)]) -> Result<Vec<Stored>> {
    let entity = EntityKind::PopupNote.entity();
    let tenant = call.caller.tenant_id;
    let mut db = call.db.clone();
    let mut ids = Vec::new();
    if anchors.is_empty() {
        ids = records::select_ids(
            &call.db,
            tenant,
            entity,
            &rights::visible(&call.caller, entity),
            &[],
        )
        .await?;
    }
    for (column, id) in anchors {
        ids.extend(records::ids_where(&mut db, tenant, entity, column, &[*id]).await?);
    }
    ids.sort_unstable();
    ids.dedup();
    let prepared = call.app.prepared(entity.kind, View::Full, Show::NONE);
    let mut found = records::get_many(&mut db, &prepared.select, tenant, &ids).await?;
    let mut kept = Vec::with_capacity(found.len());
    for stored in found.drain(..) {
        let record = Record::from_doc(entity.schema, &stored.doc);
        let client = client_of(call, &mut db, &record).await?;
        if client == 0 || rights::sees_client(&call.caller, client) {
            kept.push(stored);
        }
    }
    Ok(kept)
}

/// The client that a popup belongs to, directly or through its site or user.
async fn client_of(call: &Call, db: &mut impl Read, record: &Record) -> Result<i64> {
    use aureole_catalogue::keys::user;
    let through = [
        (EntityKind::Site, record.int(popup_note::SITE_ID), site::CLIENT_ID),
        (EntityKind::User, record.int(popup_note::USER_ID), user::CLIENT_ID),
    ];
    for (kind, id, key) in through.into_iter().filter(|(_, id, _)| *id > 0) {
        if let Some(owner) = load(call, db, kind, id).await? {
            return Ok(owner.int(key));
        }
    }
    Ok(record.int(popup_note::CLIENT_ID))
}

async fn load(
    call: &Call,
    db: &mut impl Read,
    kind: EntityKind,
    id: i64,
) -> Result<Option<Record>> {
    let prepared = call.app.prepared(kind, View::Full, Show::NONE);
    let stored = records::get(db, &prepared.select, call.caller.tenant_id, id).await?;
    Ok(stored.map(|stored| Record::from_doc(kind.entity().schema, &stored.doc)))
}

/// Inside its dates, and unread or not to be dismissed.
async fn pops_up(call: &Call, stored: &Stored, status: i64) -> Result<bool> {
    let record = Record::from_doc(EntityKind::PopupNote.entity().schema, &stored.doc);
    if status != 0 && record.bool(popup_note::DISMISSABLE) {
        return Ok(false);
    }
    if !record.bool(popup_note::LIMIT) {
        return Ok(true);
    }
    let zone = zone_of(call, &record).await?;
    let start = record.text(popup_note::START);
    let end = last_moment(record.text(popup_note::END));
    let now = call.now;
    let after_start = start.is_empty() || instant(start, &zone).is_none_or(|start| now >= start);
    let before_end = end.is_empty() || instant(&end, &zone).is_none_or(|end| now <= end);
    Ok(after_start && before_end)
}

/// An end date without a time, or at midnight, takes in its whole day.
fn last_moment(end: &str) -> String {
    match end.strip_suffix("T00:00:00") {
        Some(day) => format!("{day}T23:59:59.999"),
        None => end.to_owned(),
    }
}

/// The instant of a date-time on the wall of a time zone, in milliseconds since 1970.
fn instant(text: &str, zone: &TimeZone) -> Option<i64> {
    let civil: DateTime = text.parse().ok()?;
    zone.to_timestamp(civil).ok().map(|instant| instant.as_millisecond())
}

/// The time zone of the popup's site: its own, its user's, or its client's main site.
async fn zone_of(call: &Call, record: &Record) -> Result<TimeZone> {
    use aureole_catalogue::keys::{client, user};
    let mut db = call.db.clone();
    let mut site_id = record.int(popup_note::SITE_ID);
    let (user_id, client_id) = (record.int(popup_note::USER_ID), record.int(popup_note::CLIENT_ID));
    if site_id <= 0 && user_id > 0 {
        let owner = load(call, &mut db, EntityKind::User, user_id).await?;
        site_id = owner.map_or(0, |owner| owner.int(user::SITE_ID));
    }
    if site_id <= 0 && client_id > 0 {
        let owner = load(call, &mut db, EntityKind::Client, client_id).await?;
        site_id = owner.map_or(0, |owner| owner.int(client::MAIN_SITE_ID));
    }
    let site = load(call, &mut db, EntityKind::Site, site_id).await?;
    let name = site.map(|site| site.text(site::TIMEZONE).to_owned()).unwrap_or_default();
    Ok(crate::time_zones::find(&name).unwrap_or(TimeZone::UTC))
}

/// POST /PopupNote/read: `[{id, read_status?}]`; 1 read (the default), 2 dismissed, 0 unread again.
pub async fn read(call: &Call, endpoint: &'static Endpoint, body: &[u8]) -> Result<Reply> {
    rights::check(&call.caller, endpoint, false)?;
    let elements = wire::elements(body, call.app.config.limits.records_per_post)?;
    let (tenant, agent) = (call.caller.tenant_id, call.caller.agent_id);
    let mut problems = Problems::default();
    let mut tx = call.db.begin().await?;
    let prepared = call.app.prepared(EntityKind::PopupNote, View::Full, Show::NONE);
    let mut replies = Vec::new();
    for (at, element) in elements.records.iter().enumerate() {
        let path = |name: &str| aureole_catalogue::accept::join(&elements.path(at), name);
        let Some(id) = element.get("id").and_then(Value::as_i64).filter(|id| *id > 0) else {
            problems.add(path("id"), "is required");
            continue;
        };
        let status = element.get("read_status").filter(|status| !status.is_null());
        let status = match status.map_or(Some(1), Value::as_i64) {
            Some(status @ 0..=2) => status,
            _ => {
                problems.add(path("read_status"), "must be 0 (unread), 1 (read) or 2 (dismissed)");
                continue;
            }
        };
        let stored = records::get(&mut tx, &prepared.select, tenant, id).await?;
        let stored = stored.ok_or_else(|| ApiError::missing("popup note", id))?;
        let record = Record::from_doc(EntityKind::PopupNote.entity().schema, &stored.doc);
        let client = client_of(call, &mut tx, &record).await?;
        if client > 0 && !rights::sees_client(&call.caller, client) {
            return Err(ApiError::missing("popup note", id));
        }
        if status == 2 && !record.bool(popup_note::DISMISSABLE) {
            problems.add(path("read_status"), format!("popup note {id} can't be dismissed"));
            continue;
        }
        popups::set_status(&mut tx, tenant, agent, id, status).await?;
        let mut out = Vec::new();
        let extras = [(popup_note::READ_STATUS.0, status.to_string())];
        prepared.plan.render(&row(&stored, &extras), &mut Vec::new(), &mut out);
        replies.push(serde_json::from_slice(&out).unwrap_or(Value::Null));
    }
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "popupnotes", problems });
    }
    tx.commit().await?;
    let body = if replies.len() == 1 { replies.remove(0) } else { Value::Array(replies) };
    Ok(reply::value(200, &body))
}
