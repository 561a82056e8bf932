//! The ticket types that a client may log, and one permission with its ticket type.

use aureole_catalogue::keys::area_request_type;
use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Problems, Record, Show};
use aureole_storage::records;

use crate::api::get::{not_modified, rendered, sees};
use crate::api::list::row;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::rights;

/// GET /AreaRequestType/{id}; `includedetails` adds the ticket type's record as `details`.
pub async fn get(call: &Call, endpoint: &'static Endpoint, id: i64) -> Result<Reply> {
    rights::check(&call.caller, endpoint, false)?;
    let mut problems = Problems::default();
    let details = call.params.flag("includedetails", &mut problems);
    call.check_params(&[endpoint.get_params], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let kind = EntityKind::AreaRequestType;
    let prepared = call.app.prepared_for(&call.caller, kind, View::Full, Show::NONE);
    let mut db = call.db.clone();
    let tenant = call.caller.tenant_id;
    let stored = records::get(&mut db, &prepared.select, tenant, id).await?;
    let missing = || ApiError::missing(kind.entity().singular, id);
    let stored = stored.ok_or_else(missing)?;
    if !sees(call, &mut db, kind.entity(), &stored).await? {
        return Err(missing());
    }
    let etag = format!("\"{}\"", stored.rev);
    if let Some(reply) = not_modified(call, &etag) {
        return Ok(reply);
    }
    let mut out = Vec::new();
    prepared.plan.open(&row(&stored, &[]), &mut Vec::new(), &mut out);
    if details {
        let record = Record::from_doc(kind.entity().schema, &stored.doc);
        let type_id = record.int(area_request_type::REQUEST_TYPE);
        let details =
            rendered(&call.app, &mut db, &call.caller, EntityKind::TicketType, type_id).await?;
        if let Some(details) = details {
            out.extend_from_slice(b",\"details\":");
            out.extend_from_slice(details.to_string().as_bytes());
        }
    }
    out.push(b'}');
    let mut reply = reply::json(200, out);
    reply::set(&mut reply, http::header::ETAG, &etag);
    Ok(reply)
}
