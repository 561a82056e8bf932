//! GET of one record with `asof`: as it was at that time.

use aureole_catalogue::value::format_millis;
use aureole_catalogue::{EntityKind, Problems, Show};
use serde_json::Value;

use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::history::past::{Found, Then, absence};
use crate::reply::{self, Reply};
use crate::{history, rights};

pub const PARAMETER: &str = "asof";

/// True when the request asks for the past.
pub fn is_asked(call: &Call) -> bool {
    call.params.get(PARAMETER).is_some()
}

/// The refusal of `asof` where there is only the present.
pub fn refusal() -> ApiError {
    ApiError::invalid(PARAMETER, "works for one record by its id, not here")
}

pub async fn get(call: &Call, endpoint: &'static Endpoint, id: i64) -> Result<Reply> {
    rights::check(&call.caller, endpoint, false)?;
    let mut problems = Problems::default();
    let show = show(call, endpoint, &mut problems);
    call.check_params(&[endpoint.get_params, &[PARAMETER]], &mut problems);
    let at = time(call, &mut problems).await?;
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let (mut db, kind) = (call.db.clone(), endpoint.kind);
    let mut then = Then::new(&call.app, &mut db, &call.caller, at);
    let found = then.find(kind, id).await?;
    let what = kind.entity().singular;
    let Found::Was(stored) = found else {
        let visible = may_know(call, kind, id).await?;
        return Err(match &found {
            Found::NotYet(_) | Found::Gone(_) if visible => {
                let (at, why) = (format_millis(at), absence(&found));
                ApiError::NotFound(format!("{what} {id} did not exist at {at}: {why}"))
            }
            _ => ApiError::missing(what, id),
        });
    };
    if !then.is_seen(kind, &stored).await? {
        return Err(ApiError::missing(what, id));
    }
    if kind == EntityKind::Client {
        let into = then.merged_into(id).await?;
        if into > 0 {
            return merged(call, &mut then, id, into, show).await;
        }
    }
    let body = then.render(kind, &stored, show).await?;
    Ok(reply::json(200, body))
}

/// The client that had taken this one's place by then.
async fn merged(
    call: &Call,
    then: &mut Then<'_, aureole_storage::Db>,
    id: i64,
    into: i64,
    show: Show,
) -> Result<Reply> {
    let Found::Was(stored) = then.find(EntityKind::Client, into).await? else {
        return Err(ApiError::missing("client", id));
    };
    if !rights::sees_client(&call.caller, into) {
        return Err(ApiError::missing("client", id));
    }
    let body = then.render(EntityKind::Client, &stored, show).await?;
    let mut body: Value =
        serde_json::from_slice(&body).map_err(|error| ApiError::Internal(error.to_string()))?;
    body["_warning"] = Value::String(format!("client {id} was merged into {into}"));
    Ok(reply::value(200, &body))
}

/// What is shown of the past: the details, but nothing that is counted from other records.
fn show(call: &Call, endpoint: &Endpoint, problems: &mut Problems) -> Show {
    for name in endpoint.get_params.iter().filter(|name| **name != "includedetails") {
        if call.params.get(name).is_some_and(|text| !matches!(text, "false" | "False" | "0")) {
            problems.add(*name, "can't be combined with asof");
        }
    }
    let details = call.params.flag("includedetails", problems);
    if details { Show::DETAILS } else { Show::NONE }
}

/// The time that is asked for, in milliseconds since 1970.
async fn time(call: &Call, problems: &mut Problems) -> Result<i64> {
    let text = call.params.get(PARAMETER).unwrap_or_default();
    let Some(at) = history::instant(text, false) else {
        let example = "2026-11-01T00:00:00";
        problems.add(PARAMETER, format!("must be a date-time such as {example}, not {text:?}"));
        return Ok(0);
    };
    if at > call.now {
        problems
            .add(PARAMETER, format!("must not lie in the future, as {} does", format_millis(at)));
        return Ok(0);
    }
    let (mut db, tenant) = (call.db.clone(), call.caller.tenant_id);
    let settings = crate::settings::load(&mut db, tenant).await?;
    let kept = history::kept_from(&call.app, &mut db, tenant, &settings, call.now).await?;
    if at < kept {
        let kept = format_millis(kept);
        problems.add(PARAMETER, format!("is too long ago: history is kept from {kept} on"));
    }
    Ok(at)
}

/// Whether the caller may learn that the record exists now or existed once.
async fn may_know(call: &Call, kind: EntityKind, id: i64) -> Result<bool> {
    if !rights::is_limited(&call.caller) {
        return Ok(true);
    }
    let (mut db, tenant) = (call.db.clone(), call.caller.tenant_id);
    let name = kind.entity().name;
    let last = aureole_storage::changes::last_known(&mut db, tenant, name, id).await?;
    let client = last.map_or(0, |last| last.client_id);
    Ok(client > 0 && rights::sees_client(&call.caller, client))
}
