//! What happened to records: who may read it, how it is told, and records as they were.

pub mod describe;
pub mod past;

use aureole_catalogue::value::parse_datetime;
use aureole_catalogue::{ENTITIES, Entity, EntityKind};
use aureole_storage::{Read, changes};

use crate::app::App;
use crate::auth::caller::{Caller, Role};
use crate::endpoints;
use crate::error::{ApiError, Result};
use crate::rights;
use crate::settings::Settings;

const DAY_MS: i64 = 86_400_000;

/// A kind by its name in the history or by its path, in any letter case.
pub fn kind_named(name: &str) -> Option<&'static Entity> {
    let by_name = ENTITIES.iter().find(|entity| entity.name.eq_ignore_ascii_case(name));
    by_name.or_else(|| {
        let endpoint = endpoints::find(&name.to_ascii_lowercase())?;
        Some(endpoint.kind.entity())
    })
}

/// The kind of a stored name.
pub fn kind_stored(name: &str) -> Option<&'static Entity> {
    ENTITIES.iter().find(|entity| entity.name == name)
}

/// Who may read (or write) a kind of record may read its history (or restore it).
pub fn check(caller: &Caller, kind: EntityKind, write: bool) -> Result<()> {
    match endpoints::of_kind(kind) {
        Some(endpoint) => rights::check(caller, endpoint, write),
        None => rights::administrator(caller),
    }
}

/// The kinds whose history the caller may read; empty stands for all of them.
pub fn readable(caller: &Caller) -> Result<Vec<&'static str>> {
    if caller.role == Role::EndUser {
        return Err(ApiError::Forbidden("an end user's token does not open this path".to_owned()));
    }
    let kinds: Vec<&'static str> = ENTITIES
        .iter()
        .filter(|entity| check(caller, entity.kind, false).is_ok())
        .map(|entity| entity.name)
        .collect();
    Ok(if kinds.len() == ENTITIES.len() { Vec::new() } else { kinds })
}

/// From when on the history is kept, in milliseconds since 1970.
pub async fn kept_from(
    app: &App,
    reader: &mut impl Read,
    tenant: i64,
    settings: &Settings,
    now: i64,
) -> Result<i64> {
    let forgotten = changes::kept_from(reader, tenant).await?;
    Ok(forgotten.max(now - days(app, settings).saturating_mul(DAY_MS)))
}

/// For how many days the tenant's history is kept: at least one, because caches follow it.
pub fn days(app: &App, settings: &Settings) -> i64 {
    settings.history_days.unwrap_or(app.config.storage.history_days).max(1)
}

/// A date-time of a request in milliseconds since 1970; `whole_day` takes a date alone as its end.
pub fn instant(text: &str, whole_day: bool) -> Option<i64> {
    let is_date = text.trim().len() == "2026-11-01".len();
    let stored = parse_datetime(text).filter(|stored| !stored.is_empty())?;
    let instant: jiff::Timestamp = format!("{stored}Z").parse().ok()?;
    let end = if is_date && whole_day { DAY_MS - 1 } else { 0 };
    Some(instant.as_millisecond() + end)
}
