//! POST /PopupNote/read: what the calling agent has read or dismissed.

use aureole_catalogue::accept::scalar;
use aureole_catalogue::keys::popup_note;
use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Problems, Show};
use aureole_storage::popups;
use serde_json::{Map, Value};

use crate::api::list::row;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::save::Save;
use crate::{rights, wire};

/// `[{id, read_status?}]`; 1 read (the default), 2 dismissed, 0 unread again.
pub async fn read(call: &Call, endpoint: &'static Endpoint, body: &[u8]) -> Result<Reply> {
    // What an agent has read is its own, so that the right to read is enough.
    rights::check(&call.caller, endpoint, false)?;
    let mut problems = Problems::default();
    let dry_run = call.params.flag("dryrun", &mut problems);
    call.check_params(&[&["dryrun"]], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let elements = wire::elements(body, call.app.config.limits.records_per_post)?;
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, false, call.now).await?;
    let mut replies = Vec::new();
    for (at, element) in elements.records.iter().enumerate() {
        let path = |name: &str| aureole_catalogue::accept::join(&elements.path(at), name);
        replies.extend(read_one(&mut save, element, &path).await?);
    }
    if !save.problems.is_empty() {
        return Err(save.failure(endpoint.place));
    }
    if dry_run {
        save.tx.rollback().await?;
    } else {
        save.tx.commit().await?;
    }
    let bare = elements.bare || replies.len() == 1;
    let body = if bare { replies.pop().unwrap_or(Value::Null) } else { Value::Array(replies) };
    Ok(reply::value(200, &body))
}

/// One element; `None` after a problem.
async fn read_one(
    save: &mut Save<'_>,
    element: &Map<String, Value>,
    path: &impl Fn(&str) -> String,
) -> Result<Option<Value>> {
    let kind = EntityKind::PopupNote;
    let Some(id) = super::invoiced::id_of(element) else {
        save.problem(path("id"), "is required");
        return Ok(None);
    };
    let field = &kind.entity().schema.fields[popup_note::READ_STATUS.0];
    let status = element.get("read_status").filter(|status| !status.is_null());
    let status =
        status.map_or(Ok(Value::from(1)), |status| scalar(field, status, &save.app.limits));
    let Some(status @ 0..=2) = status.ok().as_ref().and_then(Value::as_i64) else {
        save.problem(path("read_status"), "must be 0 (unread), 1 (read) or 2 (dismissed)");
        return Ok(None);
    };
    let Some((stored, record)) = save.load(kind, id).await? else {
        return Err(ApiError::missing(kind.entity().singular, id));
    };
    if status == 2 && !record.bool(popup_note::DISMISSABLE) {
        save.problem(path("read_status"), format!("popup note {id} can't be dismissed"));
        return Ok(None);
    }
    let (tenant, agent) = (save.tenant(), save.caller.agent_id);
    popups::set_status(&mut save.tx, tenant, agent, id, status).await?;
    let prepared = save.app.prepared(kind, View::Full, Show::NONE);
    let mut out = Vec::new();
    let extras = [(popup_note::READ_STATUS.0, status.to_string())];
    prepared.plan.render(&row(&stored, &extras), &mut Vec::new(), &mut out);
    Ok(Some(serde_json::from_slice(&out).unwrap_or(Value::Null)))
}
