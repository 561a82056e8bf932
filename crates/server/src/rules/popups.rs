//! Popup notes: which of them pop up now for the calling agent, and what each agent has read.

use aureole_catalogue::keys::{client, popup_note, site, user};
use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Filter, Key, Problems, Record, Show};
use aureole_storage::records::{self, Stored};
use aureole_storage::{Read, popups};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::error::Result;
use crate::front::Call;
use crate::rights;
use crate::rules::extras::Extras;

/// The parameters by which a list is narrowed; several of them are a union.
const ANCHORS: &[(&str, Key)] = &[
    ("client_id", popup_note::CLIENT_ID),
    ("site_id", popup_note::SITE_ID),
    ("user_id", popup_note::USER_ID),
];

/// The popups of any of the anchors (of all of them when the request names none) that pop up now
/// for the caller, or with `showall` all of these.
pub async fn filter(call: &Call, problems: &mut Problems) -> Result<Filter> {
    let show_all = call.params.flag("showall", problems);
    let of = |(name, key): &(&str, Key)| Some(Filter::int(key.0, call.params.int(name, problems)?));
    let anchors: Vec<Filter> = ANCHORS.iter().filter_map(of).collect();
    let asked = if anchors.is_empty() { Filter::True } else { Filter::Any(anchors) };
    if show_all || !problems.is_empty() {
        return Ok(asked);
    }
    let entity = EntityKind::PopupNote.entity();
    let (tenant, agent) = (call.caller.tenant_id, call.caller.agent_id);
    let seen = Filter::all(vec![asked, rights::visible(&call.caller, entity)]);
    let ids = records::select_ids(&call.db, tenant, entity, &seen, &[]).await?;
    let mut db = call.db.clone();
    let statuses = popups::statuses(&mut db, tenant, agent, &ids).await?;
    let prepared = call.app.prepared(entity.kind, View::Full, Show::NONE);
    let mut shown = Vec::new();
    for stored in records::get_many(&mut db, &prepared.select, tenant, &ids).await? {
        let status = statuses.get(&stored.id).copied().unwrap_or(0);
        if pops_up(call, &stored, status).await? {
            shown.push(stored.id);
        }
    }
    shown.sort_unstable();
    Ok(Filter::Ids(shown))
}

/// `read_status` of each popup, as the agent left it.
pub async fn statuses(
    reader: &mut impl Read,
    tenant: i64,
    agent: i64,
    stored: &[Stored],
    extras: &mut [Extras],
) -> Result<()> {
    let ids: Vec<i64> = stored.iter().map(|popup| popup.id).collect();
    let found = popups::statuses(reader, tenant, agent, &ids).await?;
    for (at, id) in ids.iter().enumerate() {
        let status = found.get(id).copied().unwrap_or(0);
        extras[at].push((popup_note::READ_STATUS.0, status.to_string()));
    }
    Ok(())
}

/// Leaves in a record's `popup_notes`, when the reply has them, those that pop up now for the caller:
/// what somebody sees who logs a ticket there.
pub async fn as_they_pop_up(call: &Call, kind: EntityKind, extras: &mut Extras) -> Result<()> {
    let collections = super::extras::collections(kind);
    let Some((_, _, key)) = collections.iter().find(|(child, ..)| *child == EntityKind::PopupNote)
    else {
        return Ok(());
    };
    let Some((_, json)) = extras.iter_mut().find(|(position, _)| *position == key.0) else {
        return Ok(());
    };
    let mut shown: Vec<serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    let id = |note: &serde_json::Value| note["id"].as_i64().unwrap_or(0);
    let ids: Vec<i64> = shown.iter().map(id).collect();
    let (tenant, agent) = (call.caller.tenant_id, call.caller.agent_id);
    let mut db = call.db.clone();
    let statuses = popups::statuses(&mut db, tenant, agent, &ids).await?;
    let prepared = call.app.prepared(EntityKind::PopupNote, View::Full, Show::NONE);
    let mut current = Vec::new();
    for stored in records::get_many(&mut db, &prepared.select, tenant, &ids).await? {
        let status = statuses.get(&stored.id).copied().unwrap_or(0);
        if pops_up(call, &stored, status).await? {
            current.push(stored.id);
        }
    }
    shown.retain(|note| current.contains(&id(note)));
    *json = serde_json::Value::Array(shown).to_string();
    Ok(())
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
