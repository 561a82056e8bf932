//! GET and POST /Settings: what an administrator sets for the tenant.

use serde_json::Value;

use aureole_catalogue::{EntityKind, Problems};
use aureole_storage::settings;

use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::{rights, wire};

pub async fn get(call: &Call) -> Result<Reply> {
    call.only_params(&[])?;
    rights::administrator(&call.caller)?;
    let settings = crate::settings::load(&mut call.db.clone(), call.caller.tenant_id).await?;
    Ok(reply::value(200, &settings.to_json()))
}

pub async fn post(call: &Call, body: &[u8]) -> Result<Reply> {
    rights::administrator(&call.caller)?;
    let mut problems = Problems::default();
    let dry_run = call.params.flag("dryrun", &mut problems);
    call.check_params(&[&["dryrun"]], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let elements = wire::elements(body, 1)?;
    let Some(body) = elements.records.first() else { return get(call).await };
    let path = |name: &str| aureole_catalogue::accept::join(&elements.path(0), name);
    for (name, value) in body {
        if let Err(message) = crate::settings::check(name, value) {
            problems.add(path(name), message);
        }
    }
    let mut tx = call.db.begin().await?;
    for (name, kind) in
        [("internal_client_id", EntityKind::Client), ("default_toplevel_id", EntityKind::TopLevel)]
    {
        let id = body.get(name).and_then(Value::as_i64).unwrap_or(0);
        let entity = kind.entity();
        let tenant = call.caller.tenant_id;
        let found =
            aureole_storage::records::ids_where(&mut tx, tenant, entity, "id", &[id]).await?;
        if id > 0 && found.is_empty() {
            problems
                .add(path(name), format!("names {} {id}, which does not exist", entity.singular));
        }
    }
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    for (name, value) in body {
        settings::set(&mut tx, call.caller.tenant_id, name, &value.to_string()).await?;
    }
    let saved = crate::settings::load(&mut tx, call.caller.tenant_id).await?;
    if dry_run {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(reply::value(200, &saved.to_json()))
}
