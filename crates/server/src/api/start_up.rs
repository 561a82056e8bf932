//! What published clients ask for at start-up, beyond plain lists.

use aureole_catalogue::keys::azure_connection;
use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Problems, Record, Show};
use aureole_storage::records::{self, Stored};
use serde_json::{Value, json};

use crate::api::get::not_modified;
use crate::api::list::row;
use crate::auth::caller::Role;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::rights;

/// GET /ClientCache: the small lists that a program keeps while it runs.
pub async fn client_cache(call: &Call) -> Result<Reply> {
    if call.caller.role == Role::EndUser {
        return Err(ApiError::Forbidden("an end user's token does not open this path".to_owned()));
    }
    call.only_params(&[])?;
    let body = json!({
        "tenant": call.caller.tenant,
        "agent_id": call.caller.agent_id,
        "version": env!("CARGO_PKG_VERSION"),
        "agents": names(call, EntityKind::Agent).await?,
        "tickettypes": names(call, EntityKind::TicketType).await?,
        "statuses": names(call, EntityKind::Status).await?,
        "toplevels": names(call, EntityKind::TopLevel).await?,
    });
    Ok(reply::value(200, &body))
}

/// Id and name of every record of a kind.
async fn names(call: &Call, kind: EntityKind) -> Result<Value> {
    let entity = kind.entity();
    let tenant = call.caller.tenant_id;
    let mut db = call.db.clone();
    let ids = records::all_ids(&mut db, tenant, entity).await?;
    let prepared = call.app.prepared(kind, View::Full, Show::NONE);
    let found = records::get_many(&mut db, &prepared.select, tenant, &ids).await?;
    let name = aureole_catalogue::Key(entity.schema.find("name").unwrap_or(0));
    let list = found.iter().map(|stored| {
        json!({ "id": stored.id, "name": Record::from_doc(entity.schema, &stored.doc).text(name) })
    });
    Ok(Value::Array(list.collect()))
}

/// GET /AzureADConnection/{id}; `includetenants` adds `mappings_client`, the links of clients to
/// tenants of this connection, as CIPP reads them.
pub async fn connection(call: &Call, endpoint: &'static Endpoint, id: i64) -> Result<Reply> {
    rights::check(&call.caller, endpoint, false)?;
    let mut problems = Problems::default();
    let with_tenants = call.params.flag("includetenants", &mut problems);
    call.params.flag("includedetails", &mut problems);
    let kind = call.params.int("type", &mut problems);
    call.check_params(&[endpoint.get_params], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let tenant = call.caller.tenant_id;
    let mut db = call.db.clone();
    let prepared = call.app.prepared(endpoint.kind, View::Full, Show::NONE);
    let stored = records::get(&mut db, &prepared.select, tenant, id).await?;
    let is_asked = |stored: &Stored| {
        let record = Record::from_doc(endpoint.kind.entity().schema, &stored.doc);
        kind.is_none_or(|kind| record.int(azure_connection::TYPE) == kind)
    };
    let missing = || ApiError::missing(endpoint.kind.entity().singular, id);
    let stored = stored.filter(is_asked).ok_or_else(missing)?;
    let etag = format!("\"{}\"", stored.rev);
    // The links are records of their own, which the tag of the connection does not know.
    if let Some(reply) = not_modified(call, &etag).filter(|_| !with_tenants) {
        return Ok(reply);
    }
    let mut out = Vec::new();
    prepared.plan.open(&row(&stored, &[]), &mut Vec::new(), &mut out);
    if with_tenants {
        let links = Value::Array(mappings(call, id).await?).to_string();
        out.extend_from_slice(b",\"mappings_client\":");
        out.extend_from_slice(links.as_bytes());
    }
    out.push(b'}');
    let mut reply = reply::json(200, out);
    reply::set(&mut reply, http::header::ETAG, &etag);
    Ok(reply)
}

async fn mappings(call: &Call, id: i64) -> Result<Vec<Value>> {
    let entity = EntityKind::AzureTenant.entity();
    let tenant = call.caller.tenant_id;
    let mut db = call.db.clone();
    let ids = records::ids_where(&mut db, tenant, entity, "details_id", &[id]).await?;
    let prepared = call.app.prepared_for(&call.caller, entity.kind, View::Full, Show::NONE);
    let links = records::get_many(&mut db, &prepared.select, tenant, &ids).await?;
    let mut mappings = Vec::with_capacity(links.len());
    for link in &links {
        let record = Record::from_doc(entity.schema, &link.doc);
        if !rights::sees(&call.caller, entity, link.id, &record) {
            continue;
        }
        let mut out = Vec::new();
        prepared.plan.render(&crate::api::list::row(link, &[]), &mut Vec::new(), &mut out);
        mappings.push(serde_json::from_slice(&out).unwrap_or_default());
    }
    Ok(mappings)
}
