//! DELETE /ClientPrepay/{id}: the ledger is append-only, so a lot is taken back by another one.

use aureole_catalogue::keys::prepay_lot as lot;
use aureole_catalogue::{EntityKind, Problems, Record};
use aureole_storage::{prepay, records};
use serde_json::{Map, Value, json};

use crate::api::get::rendered;
use crate::api::save::check_tag;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::rights;
use crate::rules::prepay::{decimal, units};
use crate::save::{self, Preset, Save};

/// Adds the lot that takes this one back, and returns it. A lot is taken back once.
pub async fn delete(call: &Call, endpoint: &'static Endpoint, id: i64) -> Result<Reply> {
    rights::check(&call.caller, endpoint, true)?;
    let mut problems = Problems::default();
    let dry_run = call.params.flag("dryrun", &mut problems);
    call.check_params(&[&["dryrun"]], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let kind = EntityKind::PrepayLot;
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, false, call.now).await?;
    let tenant = save.tenant();
    records::lock(&mut save.tx, tenant, kind.entity(), &[id]).await?;
    let Some((stored, record)) = save.load(kind, id).await? else {
        return Err(ApiError::missing(kind.entity().singular, id));
    };
    if let Some(wanted) = call.header("if-match") {
        check_tag(endpoint, wanted, id, stored.rev)?;
    }
    if let Some(other) = prepay::reversal_of(&mut save.tx, tenant, id).await? {
        return Err(ApiError::invalid(
            "id",
            format!("prepay lot {id} was taken back before, by lot {other}"),
        ));
    }
    let body = reversal(&save, id, &record);
    let preset = Preset { id: None, fixed: &[(lot::REVERSES, id)] };
    let Some(draft) = save::record(&mut save, kind, &body, "", preset).await? else {
        return Err(save.failure(endpoint.place));
    };
    let reply = rendered(&call.app, &mut save.tx, &call.caller, kind, draft.id).await?;
    let mut reply = reply::value(200, &reply.unwrap_or(Value::Null));
    if dry_run {
        save.tx.rollback().await?;
    } else {
        let change = save.newest_of(kind, draft.id).await?;
        save.tx.commit().await?;
        reply::set_change(&mut reply, change);
    }
    Ok(reply)
}

/// The same lot with the sign turned round, from now on; a lot of the future is taken back then.
fn reversal(save: &Save<'_>, id: i64, record: &Record) -> Map<String, Value> {
    let date = record.text(lot::DATE).max(save.now_text.as_str());
    let quantity =
        |key| aureole_catalogue::record::number(&decimal(-units(record, key)).to_string());
    let description = match record.text(lot::DESCRIPTION) {
        "" => format!("Reversal of lot {id}"),
        text => format!("Reversal of lot {id}: {text}"),
    };
    let mut body = Map::new();
    for (name, value) in [
        ("client_id", json!(record.int(lot::CLIENT_ID))),
        ("date", json!(date)),
        ("hours", quantity(lot::HOURS)),
        ("amount", quantity(lot::AMOUNT)),
        ("description", json!(description)),
        ("client_to_invoice_to_id", json!(record.int(lot::CLIENT_TO_INVOICE))),
    ] {
        body.insert(name.to_owned(), value);
    }
    let expiry = record.text(lot::EXPIRY);
    if !expiry.is_empty() {
        body.insert("expirydate".to_owned(), json!(expiry));
    }
    body
}
