//! The odd paths of a client: /Client/me, /Client/NewAccountsId, /Client/PaymentMethodUpdate.

use aureole_catalogue::keys::user;
use aureole_catalogue::{EntityKind, Problems, Record, Show};
use aureole_storage::records;
use serde_json::{Map, Value};

use crate::api::get::rendered;
use crate::api::idempotency;
use crate::auth::caller::Role;
use crate::auth::scopes::Area;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::save::{self, Preset, Save};
use crate::wire;

/// What an end user sees of its own client: no notes, rates, settings, secrets or link ids.
const PORTAL_FIELDS: &[&str] = &[
    "id",
    "name",
    "toplevel_id",
    "toplevel_name",
    "inactive",
    "colour",
    "main_site_id",
    "main_site_name",
    "main_contact_name",
    "main_phonenumber",
    "datecreated",
    "website",
    "accountsemailaddress",
    "accountsfirstname",
    "accountslastname",
    "accountsccemailaddress",
    "accountsbccemailaddress",
    "tax_number",
    "trading_name",
    "override_portalcolour",
    "portalcolour",
    "portal_logo",
    "portalbackgroundimageurl",
    "portalchatprofile",
    "stripe_payment_method_name",
    "default_currency_code",
    "default_currency_code_name",
    "pritech_name",
    "accountmanagertech_name",
    "use",
];

/// The client of the signed-in end user.
pub async fn me(call: &Call) -> Result<Reply> {
    call.only_params(&[])?;
    let client_id = own_client(call).await?;
    let app = &call.app;
    let client =
        rendered(app, &mut call.db.clone(), &call.caller, EntityKind::Client, client_id).await?;
    let Some(Value::Object(client)) = client else {
        return Err(ApiError::missing("client", client_id));
    };
    let shown: Map<String, Value> =
        client.into_iter().filter(|(name, _)| PORTAL_FIELDS.contains(&name.as_str())).collect();
    Ok(reply::value(200, &Value::Object(shown)))
}

/// The id of the end user's client.
async fn own_client(call: &Call) -> Result<i64> {
    if call.caller.role != Role::EndUser {
        let message =
            "this token belongs to an agent or application, which has no client of its own";
        return Err(ApiError::NotFound(message.to_owned()));
    }
    let kind = EntityKind::User;
    let prepared = call.app.prepared(kind, aureole_catalogue::render::View::Full, Show::NONE);
    let mut db = call.db.clone();
    let stored =
        records::get(&mut db, &prepared.select, call.caller.tenant_id, call.caller.user_id).await?;
    let stored = stored.ok_or_else(|| ApiError::missing("user", call.caller.user_id))?;
    Ok(Record::from_doc(kind.entity().schema, &stored.doc).int(user::CLIENT_ID))
}

/// Accounting links.
pub const ACCOUNT_IDS: &[&str] =
    &["accountsid", "xeroid", "kashflowid", "snelstart_id", "avalara_id"];
pub const PAYMENT_METHOD: &[&str] =
    &["stripe_customer_id", "stripe_payment_method_id", "stripe_payment_method_name"];

/// Writes accounting links back after an export.
pub async fn new_accounts_id(call: &Call, body: &[u8]) -> Result<Reply> {
    edits_accounts(call, 0)?;
    let mut fields = ACCOUNT_IDS.to_vec();
    fields.extend(crate::rules::links::ACCOUNT_TENANTS);
    narrow_update(call, body, &fields, true).await
}

/// Sets or clears the stored payment method.
pub async fn payment_method(call: &Call, body: &[u8]) -> Result<Reply> {
    let own = if call.caller.role == Role::EndUser { own_client(call).await? } else { 0 };
    edits_accounts(call, own)?;
    narrow_update(call, body, PAYMENT_METHOD, false).await
}

/// edit:customers or edit:invoices, or an end user whose client it is.
fn edits_accounts(call: &Call, own_client: i64) -> Result<()> {
    let scopes = &call.caller.scopes;
    if own_client > 0 || scopes.may_edit(Area::Customers) || scopes.may_edit(Area::Invoices) {
        return Ok(());
    }
    Err(ApiError::Forbidden("this needs the scope edit:invoices or edit:customers".to_owned()))
}

/// An update of some fields of existing clients; other fields are ignored with a warning.
async fn narrow_update(call: &Call, body: &[u8], fields: &[&str], unique: bool) -> Result<Reply> {
    let mut problems = Problems::default();
    let dry_run = call.params.flag("dryrun", &mut problems);
    call.check_params(&[&["dryrun"]], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let repeatable = if dry_run { None } else { idempotency::of(call, body).await? };
    if let Some(repeatable) = &repeatable
        && let Some(first) = repeatable.first(call).await?
    {
        return Ok(first);
    }
    let (mut save, replies) = narrowed(call, body, fields, unique).await?;
    let body = match replies.as_slice() {
        [only] => only.to_string(),
        several => Value::Array(several.to_vec()).to_string(),
    };
    if let Some(repeatable) = &repeatable {
        repeatable.keep(call, &mut save.tx, 200, &body).await?;
    }
    if dry_run {
        save.tx.rollback().await?;
    } else {
        save.tx.commit().await?;
    }
    Ok(reply::json(200, body))
}

/// The records of such an update, written in a transaction that is still open.
async fn narrowed<'a>(
    call: &'a Call,
    body: &[u8],
    fields: &[&str],
    unique: bool,
) -> Result<(Save<'a>, Vec<Value>)> {
    let elements = wire::elements(body, call.app.config.limits.records_per_post)?;
    let own = if call.caller.role == Role::EndUser { Some(own_client(call).await?) } else { None };
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, false, call.now).await?;
    save.unique_links = unique;
    if unique {
        records::lock_links(&mut save.tx, call.caller.tenant_id).await?;
    }
    let mut done = Vec::new();
    for (at, element) in elements.records.iter().enumerate() {
        let path = elements.path(at);
        let Some(id) = super::invoiced::id_of(element) else {
            save.problem(aureole_catalogue::accept::join(&path, "id"), "is required");
            continue;
        };
        if own.is_some_and(|own| own != id) {
            return Err(ApiError::missing("client", id));
        }
        let (kept, ignored): (Map<String, Value>, Map<String, Value>) = element
            .clone()
            .into_iter()
            .partition(|(name, _)| name == "id" || fields.contains(&name.as_str()));
        let saved =
            save::record(&mut save, EntityKind::Client, &kept, &path, Preset::default()).await?;
        if let Some(mut draft) = saved {
            if call.app.config.strict {
                let known = |name: &str| draft.entity().schema.find(name).is_some();
                for name in ignored.keys().filter(|name| !known(name)) {
                    let path = aureole_catalogue::accept::join(&path, name);
                    save.problem(path, "is not a known field");
                }
            }
            if !ignored.is_empty() {
                let names: Vec<String> = ignored.keys().cloned().collect();
                draft.warnings.push(format!(
                    "only {} are written here; ignored: {}",
                    fields.join(", "),
                    names.join(", ")
                ));
            }
            done.push((draft.id, draft.warnings));
        }
    }
    if !save.problems.is_empty() {
        return Err(save.failure("clients"));
    }
    let mut replies = Vec::with_capacity(done.len());
    for (id, warnings) in done {
        let record =
            rendered(&call.app, &mut save.tx, &call.caller, EntityKind::Client, id).await?;
        let Some(Value::Object(mut record)) = record else { continue };
        if call.caller.role == Role::EndUser {
            record.retain(|name, _| PORTAL_FIELDS.contains(&name.as_str()));
        }
        if !warnings.is_empty() {
            record.insert("_warning".to_owned(), Value::String(warnings.join("; ")));
        }
        replies.push(Value::Object(record));
    }
    Ok((save, replies))
}
