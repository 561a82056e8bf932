//! The odd paths of a client: /Client/me, /Client/NewAccountsId, /Client/PaymentMethodUpdate.

use aureole_catalogue::filter::Test;
use aureole_catalogue::keys::user;
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Filter, Record, Show};
use aureole_storage::records;
use serde_json::{Map, Value};

use crate::api::get::rendered;
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
    let client_id = own_client(call).await?;
    let (app, tenant) = (&call.app, call.caller.tenant_id);
    let client = rendered(app, &mut call.db.clone(), tenant, EntityKind::Client, client_id).await?;
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

/// Accounting links and the fields that name the product's tenant.
pub const ACCOUNT_IDS: &[&str] =
    &["accountsid", "xeroid", "kashflowid", "snelstart_id", "avalara_id"];
pub const ACCOUNT_TENANTS: &[&str] = &[
    "xero_tenant_id",
    "xerodetails_id",
    "qbo_company_id",
    "kashflow_tenant_id",
    "myob_tenant",
    "fortnox_tenant",
    "avalara_tenant",
    "dbc_company_id",
    "exact_division",
    "sage_business_cloud_details_id",
    "intacct_location_id",
];
pub const PAYMENT_METHOD: &[&str] =
    &["stripe_customer_id", "stripe_payment_method_id", "stripe_payment_method_name"];

/// Writes accounting links back after an export.
pub async fn new_accounts_id(call: &Call, body: &[u8]) -> Result<Reply> {
    edits_accounts(call, 0)?;
    let mut fields = ACCOUNT_IDS.to_vec();
    fields.extend(ACCOUNT_TENANTS);
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
    let elements = wire::elements(body, call.app.config.limits.records_per_post)?;
    let own = if call.caller.role == Role::EndUser { Some(own_client(call).await?) } else { None };
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, false, call.now).await?;
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
        if unique {
            taken(&mut save, call, id, &kept, &path).await?;
        }
        let saved =
            save::record(&mut save, EntityKind::Client, &kept, &path, Preset::default()).await?;
        if let Some(mut draft) = saved {
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
    let tenant = save.tenant();
    let mut replies = Vec::with_capacity(done.len());
    for (id, warnings) in done {
        let record = rendered(&call.app, &mut save.tx, tenant, EntityKind::Client, id).await?;
        let Some(Value::Object(mut record)) = record else { continue };
        if call.caller.role == Role::EndUser {
            record.retain(|name, _| PORTAL_FIELDS.contains(&name.as_str()));
        }
        if !warnings.is_empty() {
            record.insert("_warning".to_owned(), Value::String(warnings.join("; ")));
        }
        replies.push(Value::Object(record));
    }
    save.tx.commit().await?;
    let body = if replies.len() == 1 { replies.remove(0) } else { Value::Array(replies) };
    Ok(reply::value(200, &body))
}

/// Refuses an accounting id that another client has in the same tenant of the same product.
async fn taken(
    save: &mut Save<'_>,
    call: &Call,
    id: i64,
    body: &Map<String, Value>,
    path: &str,
) -> Result<()> {
    let entity = EntityKind::Client.entity();
    let Some((_, own)) = save.load(EntityKind::Client, id).await? else { return Ok(()) };
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let key = |name: &str| aureole_catalogue::Key(entity.schema.find(name).unwrap_or(0));
    let tenant_of = |record: &Record, name: &str| text(record.get(key(name)));
    for name in ACCOUNT_IDS {
        let wanted = text(body.get(*name));
        if wanted.is_empty() || wanted == "0" {
            continue;
        }
        let filter = Filter::Field { position: key(name).0, test: Test::Equals(fold(&wanted)) };
        let tenant = save.tenant();
        let others = records::select_ids(&call.db, tenant, entity, &filter, &[]).await?;
        for other in others.into_iter().filter(|other| *other != id) {
            let Some((_, record)) = save.load(EntityKind::Client, other).await? else { continue };
            let same_tenant = ACCOUNT_TENANTS.iter().all(|tenant| {
                let mine = body
                    .get(*tenant)
                    .map_or_else(|| tenant_of(&own, tenant), |value| text(Some(value)));
                mine == tenant_of(&record, tenant)
            });
            if same_tenant {
                let field = aureole_catalogue::accept::join(path, name);
                save.duplicate(field, format!("{wanted:?} is client {other}'s already"), other);
            }
        }
    }
    Ok(())
}
