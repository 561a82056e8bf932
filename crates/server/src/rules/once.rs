//! Fields that a body only writes and whose effect happens once: what an import brings along, a
//! billing template that is applied, tickets that get another user, a welcome that can't be sent.

use aureole_catalogue::keys::{
    azure_tenant, billing_template, client, crm_note, site, ticket, user,
};
use aureole_catalogue::{EntityKind, Key};
use aureole_storage::records;
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::save::{self, Draft, Preset, Save};

/// The value that the body has for a field, by the field's name.
fn given<'a>(draft: &'a Draft, name: &str) -> Option<&'a Value> {
    draft.entity().schema.find(name).and_then(|position| draft.change.value(Key(position)))
}

/// Runs before the record is written.
pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    too_late(draft);
    external_link(save, draft).await?;
    nameless_contact(draft);
    welcome(draft);
    if draft.kind == EntityKind::Client {
        billing_template(save, draft).await?;
    }
    reassignable(save, draft).await
}

/// Runs after the record was written.
pub async fn after(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.kind == EntityKind::Client {
        imported_address(save, draft).await?;
        imported_notes(save, draft).await?;
        imported_tenant(save, draft).await?;
    }
    reassign(save, draft).await
}

/// `newclient_…` and `newsite_…` are about the records that a new one starts with.
fn too_late(draft: &mut Draft) {
    let schema = draft.entity().schema;
    let name = |key: Key| schema.fields[key.0].name;
    let late: Vec<&str> = draft
        .change
        .iter()
        .filter(|(_, value)| value.is_some() && !draft.is_new)
        .map(|(key, _)| name(key))
        .filter(|name| name.starts_with("newclient_") || name.starts_with("newsite_"))
        .collect();
    if !late.is_empty() {
        let what = draft.entity().singular;
        let warning = format!("{}: only a new {what} takes these; ignored", late.join(", "));
        draft.warnings.push(warning);
    }
}

/// `new_external_link` joins `external_links`; one with the same ids takes the other's place.
async fn external_link(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let schema = draft.entity().schema;
    let (Some(Value::Object(link)), Some(list)) =
        (given(draft, "new_external_link"), schema.find("external_links").map(Key))
    else {
        return Ok(());
    };
    let mut link = link.clone();
    // Flags of the request and secrets are no part of a link.
    for name in ["_match", "_webhookaction", "new_subscription_key"] {
        link.shift_remove(name);
    }
    link.retain(|_, value| !value.is_null());
    if draft.is_new && draft.id == 0 {
        draft.id = save.reserve(draft.kind, 1).await?;
    }
    link.insert("halo_id".to_owned(), json!(draft.id));
    let mut links = draft.record.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let same = |other: &Value| {
        ["third_party_id", "module_id", "table_id", "details_id"]
            .iter()
            .all(|name| other.get(*name) == link.get(*name))
    };
    let at = links.iter().position(same);
    let id = |link: &Value| link.get("id").and_then(Value::as_i64).unwrap_or(0);
    let own = match at {
        Some(at) => id(&links[at]),
        None => links.iter().map(id).max().unwrap_or(0) + 1,
    };
    link.insert("id".to_owned(), json!(own));
    match at {
        Some(at) => links[at] = Value::Object(link),
        None => links.push(Value::Object(link)),
    }
    draft.record.set(list, links);
    Ok(())
}

/// A contact is made by its name; what else is said of it needs the name.
fn nameless_contact(draft: &mut Draft) {
    for prefix in ["newclient_", "newsite_"] {
        let is_set = |name: &str| match given(draft, &format!("{prefix}{name}")) {
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Number(number)) => number.as_i64() != Some(0),
            _ => false,
        };
        let lost: Vec<String> = ["contactemail", "contacttitle", "web_access_level"]
            .into_iter()
            .filter(|name| is_set(name))
            .map(|name| format!("{prefix}{name}"))
            .collect();
        if draft.is_new && !lost.is_empty() && !is_set("contactname") {
            let warning =
                format!("{}: no contact is made without {prefix}contactname", lost.join(", "));
            draft.warnings.push(warning);
        }
    }
}

/// There is no way to send e-mail here, and whoever asks for a welcome should know.
fn welcome(draft: &mut Draft) {
    for name in ["newclient_sendwelcomeemail", "newsite_sendwelcomeemail"] {
        if draft.is_new && given(draft, name) == Some(&Value::Bool(true)) {
            draft
                .warnings
                .push(format!("{name}: no e-mail was sent, because this server sends none"));
        }
    }
}

/// `_apply_billingtemplate`: what the template sets and the body does not is the client's.
async fn billing_template(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if given(draft, "_apply_billingtemplate") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    let id = draft.record.int(client::BILLING_TEMPLATE);
    if id <= 0 {
        save.problem(draft.at("_apply_billingtemplate"), "needs a billingtemplate_id");
        return Ok(());
    }
    // A template that does not exist was reported with the other references.
    let Some((_, template)) = save.load(EntityKind::BillingTemplate, id).await? else {
        return Ok(());
    };
    let schema = draft.entity().schema;
    for (from, value) in template.iter() {
        let name = template.schema.fields[from.0].name;
        let Some(to) = schema.find(name).map(Key) else { continue };
        if matches!(name, "id" | "name") || draft.change.has(to) || !template.is_set(from) {
            continue;
        }
        if from == billing_template::SURCHARGE {
            let surcharge = value.as_i64().unwrap_or(0);
            if save.load(EntityKind::Surcharge, surcharge).await?.is_none() {
                continue;
            }
        }
        draft.change.set(to, Some(value.clone()));
        draft.record.set(to, value.clone());
    }
    Ok(())
}

/// The user of `_reassign_all_to_user`; 0 when there is none.
fn reassigned_to(draft: &Draft) -> i64 {
    let id = given(draft, "_reassign_all_to_user").and_then(Value::as_i64).unwrap_or(0);
    if draft.is_new { 0 } else { id.max(0) }
}

/// The user has to exist.
async fn reassignable(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let id = reassigned_to(draft);
    if id > 0 && save.load(EntityKind::User, id).await?.is_none() {
        let message = format!("points at user {id}, which does not exist");
        save.problem(draft.at("_reassign_all_to_user"), message);
    }
    Ok(())
}

/// Every ticket of the client or site becomes that user's, and goes to the user's site and client.
async fn reassign(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let id = reassigned_to(draft);
    let Some(column) = aureole_storage::tickets::column(draft.kind).filter(|_| id > 0) else {
        return Ok(());
    };
    if save.check_only {
        return Ok(());
    }
    let Some((_, owner)) = save.load(EntityKind::User, id).await? else { return Ok(()) };
    let (site_id, client_id) = (owner.int(user::SITE_ID), owner.int(user::CLIENT_ID));
    let (tenant, entity) = (save.tenant(), EntityKind::Ticket.entity());
    let tickets = records::ids_where(&mut save.tx, tenant, entity, column, &[draft.id]).await?;
    for ticket_id in tickets {
        save.amend(EntityKind::Ticket, ticket_id, |record| {
            record.set(ticket::USER_ID, id);
            record.set(ticket::SITE_ID, site_id);
            record.set(ticket::CLIENT_ID, client_id);
        })
        .await?;
    }
    Ok(())
}

/// `import_address` is the main site's delivery address. A new client's first site has it already.
async fn imported_address(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let Some(address) = given(draft, "import_address").filter(|_| !draft.is_new) else {
        return Ok(());
    };
    let mut body = Map::new();
    body.insert("id".to_owned(), json!(draft.record.int(client::MAIN_SITE_ID)));
    body.insert("delivery_address".to_owned(), address.clone());
    let fixed = [(site::CLIENT_ID, draft.id)];
    let preset = Preset { id: None, fixed: &fixed };
    let path = draft.at("import_address");
    Box::pin(save::record(save, EntityKind::Site, &body, &path, preset)).await.map(drop)
}

/// `import_notes` become CRM notes of the client. Their ids are another system's.
async fn imported_notes(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let Some(Value::Array(notes)) = given(draft, "import_notes").cloned() else { return Ok(()) };
    for (at, note) in notes.iter().enumerate() {
        let Value::Object(body) = note else { continue };
        let mut body = body.clone();
        body.shift_remove("id");
        body.insert("client_id".to_owned(), json!(draft.id));
        let fixed = [(crm_note::CLIENT_ID, draft.id)];
        let preset = Preset { id: None, fixed: &fixed };
        let path = draft.at(&format!("import_notes[{at}]"));
        let saved = Box::pin(save::record(save, EntityKind::CrmNote, &body, &path, preset)).await?;
        let warnings = saved.map(|saved| saved.warnings).unwrap_or_default();
        let told = warnings.into_iter().map(|text| format!("import_notes[{at}]: {text}"));
        draft.warnings.extend(told);
    }
    Ok(())
}

/// `import_azure_tenant` (a customer as Microsoft's partner interface shows it) becomes a link of
/// the client, through the connection `import_details_id`.
async fn imported_tenant(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let Some(customer) = given(draft, "import_azure_tenant").cloned() else { return Ok(()) };
    let profile = customer.get("companyProfile").cloned().unwrap_or(Value::Null);
    let text = |value: Option<&Value>| {
        value.and_then(Value::as_str).map(str::trim).unwrap_or("").to_owned()
    };
    let tenant_id = match text(profile.get("tenantId")) {
        id if id.is_empty() => text(customer.get("id")),
        id => id,
    };
    let path = draft.at("import_azure_tenant");
    let Some(guid) = aureole_catalogue::accept::canonical_guid(&tenant_id) else {
        save.problem(path, "needs the tenant's GUID as id or companyProfile.tenantId");
        return Ok(());
    };
    let mut body = Map::new();
    body.insert("azure_tenant_id".to_owned(), json!(guid));
    for (from, to) in [("companyName", "azure_tenant_name"), ("domain", "azure_tenant_domain")] {
        let value = text(profile.get(from));
        if !value.is_empty() {
            body.insert(to.to_owned(), json!(value));
        }
    }
    let details = given(draft, "import_details_id").and_then(Value::as_i64).unwrap_or(0);
    if details > 0 {
        body.insert("details_id".to_owned(), json!(details));
    }
    let (tenant, kind) = (save.tenant(), EntityKind::AzureTenant);
    let own =
        records::ids_where(&mut save.tx, tenant, kind.entity(), "client_id", &[draft.id]).await?;
    for id in own {
        let linked = save.load(kind, id).await?;
        if linked.is_some_and(|(_, link)| link.text(azure_tenant::TENANT) == guid) {
            body.insert("id".to_owned(), json!(id));
        }
    }
    let fixed = [(azure_tenant::CLIENT_ID, draft.id)];
    let preset = Preset { id: None, fixed: &fixed };
    let saved = Box::pin(save::record(save, kind, &body, &path, preset)).await?;
    draft.warnings.extend(saved.map(|saved| saved.warnings).unwrap_or_default());
    Ok(())
}
