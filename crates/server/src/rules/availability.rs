//! Which ticket types a client may log: available(client, type) = the type is visible, and (it is
//! open to all clients, or the pair exists, or the client may log everything).

use aureole_catalogue::keys::{area_request_type, client, ticket_type};
use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Record, Show};
use aureole_storage::Read;
use aureole_storage::records::{self, Stored};

use crate::app::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::rights;

/// `allowed_tickettypes` of a client: the ones that it may log, or (without `available`) the ones
/// that it was given one by one.
pub async fn types_of_client(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    stored: &Stored,
    available: bool,
) -> Result<String> {
    let kind = EntityKind::AreaRequestType;
    let pairs =
        records::ids_where(reader, tenant, kind.entity(), "client_id", &[stored.id]).await?;
    let permitted = pointed(reader, app, tenant, &pairs, area_request_type::REQUEST_TYPE).await?;
    let entity = EntityKind::TicketType.entity();
    let ids =
        if available { records::all_ids(reader, tenant, entity).await? } else { permitted.clone() };
    let prepared = app.prepared(entity.kind, View::Full, Show::NONE);
    let types = records::get_many(reader, &prepared.select, tenant, &ids).await?;
    let owner = Record::from_doc(EntityKind::Client.entity().schema, &stored.doc);
    let everything = owner.bool(client::ALLOWALL_TICKETTYPES);
    let mut shown = Vec::new();
    for found in &types {
        let record = Record::from_doc(entity.schema, &found.doc);
        let open =
            everything || record.bool(ticket_type::ALLOW_ALL) || permitted.contains(&found.id);
        if available && !(record.bool(ticket_type::VISIBLE) && open) {
            continue;
        }
        let mut out = Vec::new();
        prepared.plan.render(&crate::api::list::row(found, &[]), &mut Vec::new(), &mut out);
        shown.push(String::from_utf8(out).unwrap_or_default());
    }
    Ok(format!("[{}]", shown.join(",")))
}

/// `allowed_clients` of a ticket type: the same pairs from the other side, those that the caller sees.
pub async fn clients_of_type(
    reader: &mut impl Read,
    app: &App,
    caller: &Caller,
    id: i64,
) -> Result<String> {
    let (kind, tenant) = (EntityKind::AreaRequestType, caller.tenant_id);
    let ids = records::ids_where(reader, tenant, kind.entity(), "request_type", &[id]).await?;
    let prepared = app.prepared(kind, View::Full, Show::NONE);
    let found = records::get_many(reader, &prepared.select, tenant, &ids).await?;
    let mut shown = Vec::new();
    for pair in &found {
        let record = Record::from_doc(kind.entity().schema, &pair.doc);
        if !rights::sees(caller, kind.entity(), pair.id, &record) {
            continue;
        }
        let mut out = Vec::new();
        prepared.plan.render(&crate::api::list::row(pair, &[]), &mut Vec::new(), &mut out);
        shown.push(String::from_utf8(out).unwrap_or_default());
    }
    Ok(format!("[{}]", shown.join(",")))
}

async fn pointed(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    pairs: &[i64],
    key: aureole_catalogue::Key,
) -> Result<Vec<i64>> {
    let kind = EntityKind::AreaRequestType;
    let prepared = app.prepared(kind, View::Full, Show::NONE);
    let found = records::get_many(reader, &prepared.select, tenant, pairs).await?;
    Ok(found
        .iter()
        .map(|pair| Record::from_doc(kind.entity().schema, &pair.doc).int(key))
        .collect())
}
