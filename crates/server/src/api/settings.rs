//! GET and POST /Settings: what an administrator sets for the tenant.

use serde_json::{Map, Value};

use aureole_catalogue::{EntityKind, Key, Problems};
use aureole_storage::records;
use aureole_storage::settings::{self, ID};

use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::save::{Draft, Manner, Save};
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
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, false, call.now).await?;
    for (name, kind) in
        [("internal_client_id", EntityKind::Client), ("default_toplevel_id", EntityKind::TopLevel)]
    {
        let id = body.get(name).and_then(Value::as_i64).unwrap_or(0);
        if id > 0 && save.load(kind, id).await?.is_none() {
            let what = kind.entity().singular;
            problems.add(path(name), format!("names {what} {id}, which does not exist"));
        }
    }
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let changed = change(&mut save, body).await?;
    let saved = crate::settings::load(&mut save.tx, call.caller.tenant_id).await?;
    let number = save.newest_of(EntityKind::Settings, ID).await?;
    if dry_run || !changed {
        save.tx.rollback().await?;
    } else {
        save.tx.commit().await?;
    }
    let mut reply = reply::value(200, &saved.to_json());
    reply::set_change(&mut reply, number.filter(|_| !dry_run));
    Ok(reply)
}

/// Writes what the body says, with its history; true when that changed something.
async fn change(save: &mut Save<'_>, body: &Map<String, Value>) -> Result<bool> {
    let (kind, tenant) = (EntityKind::Settings, save.tenant());
    settings::ensure(&mut save.tx, tenant).await?;
    records::lock(&mut save.tx, tenant, kind.entity(), &[ID]).await?;
    let stored = save.stored(kind, ID).await?;
    let (_, mut record) =
        stored.clone().ok_or_else(|| ApiError::Internal("there are no settings".to_owned()))?;
    for (name, value) in body {
        let Some(key) = record.schema.find(name).map(Key) else { continue };
        match value {
            Value::Null => record.clear(key),
            value => record.set(key, value.clone()),
        }
    }
    Draft::of_restored(kind, ID, String::new(), stored, record).put(save, Manner::default()).await
}
