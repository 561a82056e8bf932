//! Rules of a client: unique name, top level, first site, main site, who pays.

use aureole_catalogue::keys::{client, site};
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Key, Problems};
use aureole_storage::records;
use serde_json::{Map, Value, json};

use crate::error::{ApiError, Result};
use crate::rights;
use crate::rules::{generic, links, once};
use crate::save::apply::copy;
use crate::save::references;
use crate::save::{self, Draft, Preset, Save};

/// `newclient_*` fields and what they are called on the first site.
const FIRST_SITE: &[(Key, &str)] = &[
    (client::NEW_SITE_NAME, "name"),
    (client::NEW_PHONE, "phonenumber"),
    (client::NEW_TIMEZONE, "timezone"),
    (client::NEW_DOMAIN, "emaildomain"),
    (client::NEW_ADDRESS, "delivery_address"),
    (client::NEW_COUNTRY, "country_code"),
    (client::NEW_REGION, "region_code"),
    (client::NEW_SITE_GUID, "guid"),
];

/// `newclient_*` fields and what they are called on the first user.
const FIRST_USER: &[(Key, &str)] = &[
    (client::NEW_CONTACT_NAME, "name"),
    (client::NEW_CONTACT_EMAIL, "emailaddress"),
    (client::NEW_CONTACT_TITLE, "title"),
    (client::NEW_WEB_ACCESS, "web_access_level"),
];

pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    still_there(save, draft).await?;
    generic::default(draft, client::ALLOWALL_TICKETTYPES, true);
    unique_name(save, draft).await?;
    top_level(save, draft).await?;
    main_site(save, draft).await?;
    generic::in_range(save, draft, client::DISCOUNT, 0, 100);
    for key in [client::CLIENT_TO_INVOICE, client::CLIENT_TO_INVOICE_RECURRING] {
        generic::bill_payer(save, draft, draft.id, key, key).await?;
    }
    links::before(save, draft).await?;
    Ok(())
}

/// A merged client has given its place to another one, and is not written any more.
async fn still_there(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let Some(before) = draft.before.as_ref() else { return Ok(()) };
    // Only a merged client has no main site.
    if save.is_restoring() || before.int(client::MAIN_SITE_ID) > 0 {
        return Ok(());
    }
    let (id, tenant) = (draft.id, save.tenant());
    if records::merged_into(&mut save.tx, tenant, id).await? > 0 {
        let where_to = references::merged_where(save, id).await?;
        save.problem(draft.at("id"), format!("is client {id}, which was merged into {where_to}"));
    }
    Ok(())
}

/// The name is unique among the tenant's clients, active or not, whatever its case.
async fn unique_name(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let name = draft.record.text(client::NAME).to_owned();
    if name.is_empty() || !draft.changes(client::NAME) {
        return Ok(());
    }
    let (tenant, entity) = (save.tenant(), draft.entity());
    // A merged client has given its name up.
    if !draft.is_new && records::merged_into(&mut save.tx, tenant, draft.id).await? > 0 {
        return Ok(());
    }
    let name_key = fold(&name);
    let others = match save.known.clients_named(&name_key) {
        Some(others) => others.to_vec(),
        None => records::ids_by_name(&mut save.tx, tenant, entity, &name_key, None).await?,
    };
    if let Some(other) = others.into_iter().find(|other| *other != draft.id) {
        // Without the name: n8n cuts texts at a hyphen between spaces, which a name may have.
        let shown = save.shown_client(other);
        let who = shown.map_or("another client".to_owned(), |id| format!("client {id}"));
        let message = format!("must be unique: {who} has this name already");
        save.duplicate(draft.at("name"), message, shown.unwrap_or(0));
    }
    Ok(())
}

/// A client without a top level goes to the default one.
async fn top_level(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.record.int(client::TOPLEVEL_ID) > 0 {
        return Ok(());
    }
    let chosen = save.settings.default_toplevel_id;
    let id = if chosen > 0 { chosen } else { crate::seed::first_top_level(save).await? };
    draft.record.set(client::TOPLEVEL_ID, id);
    Ok(())
}

/// Checks a new `main_site_id`; the flags follow after the write.
async fn main_site(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.is_new {
        if draft.change.int(client::MAIN_SITE_ID) > 0 {
            draft
                .warnings
                .push("main_site_id was ignored: a new client's main site is made with it".into());
        }
        // Both ids are known before either record is written, because each names the other.
        if draft.id == 0 {
            draft.id = save.reserve(EntityKind::Client, 1).await?;
        }
        if !rights::sees_client(save.caller, draft.id) {
            let message = "this agent is limited to certain clients and can't make new ones";
            return Err(ApiError::Forbidden(message.to_owned()));
        }
        let site_id = save.reserve(EntityKind::Site, 1).await?;
        draft.record.set(client::MAIN_SITE_ID, site_id);
        return Ok(());
    }
    let stored = draft.before.as_ref().map_or(0, |before| before.int(client::MAIN_SITE_ID));
    let wanted = draft.record.int(client::MAIN_SITE_ID);
    if wanted <= 0 {
        draft.record.set(client::MAIN_SITE_ID, stored);
        return Ok(());
    }
    if wanted == stored {
        return Ok(());
    }
    match save.load(EntityKind::Site, wanted).await? {
        Some((_, site)) if site.int(site::CLIENT_ID) != draft.id => {
            let owner = site.int(site::CLIENT_ID);
            save.problem(
                draft.at("main_site_id"),
                format!("is site {wanted}, which belongs to client {owner}"),
            );
        }
        Some((_, site)) if site.bool(site::INACTIVE) => {
            save.problem(draft.at("main_site_id"), format!("is site {wanted}, which is inactive"));
        }
        // A missing site was reported with the other references.
        _ => {}
    }
    Ok(())
}

pub async fn after(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.is_new {
        first_site(save, draft).await?;
    } else {
        let stored = draft.before.as_ref().map_or(0, |before| before.int(client::MAIN_SITE_ID));
        let wanted = draft.record.int(client::MAIN_SITE_ID);
        if wanted != stored {
            move_main_flag(save, stored, wanted).await?;
        }
    }
    nested_sites(save, draft).await
}

/// The main-site flag follows a client that was put back as it was.
pub async fn restored(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let stored = draft.before.as_ref().map_or(0, |before| before.int(client::MAIN_SITE_ID));
    let wanted = draft.record.int(client::MAIN_SITE_ID);
    if wanted != stored && wanted > 0 {
        move_main_flag(save, stored, wanted).await?;
    }
    Ok(())
}

/// Checks the records that a client with problems brings along, so that the reply names their
/// problems too. Nothing is written.
pub async fn check_nested(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.kind != EntityKind::Client {
        return Ok(());
    }
    save.check_only = true;
    if draft.is_new {
        first_site(save, draft).await?;
    }
    nested_sites(save, draft).await?;
    once::after(save, draft).await?;
    save.check_only = false;
    Ok(())
}

/// Takes the main flag from one site and gives it to another.
pub async fn move_main_flag(save: &mut Save<'_>, from: i64, to: i64) -> Result<()> {
    save.amend(EntityKind::Site, from, |site| site.clear(site::IS_MAIN)).await?;
    save.amend(EntityKind::Site, to, |site| site.set(site::IS_MAIN, true)).await
}

/// Makes the site, and the contact when there is one, that a new client starts with.
async fn first_site(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let mut body = Map::new();
    for (key, name) in FIRST_SITE {
        copy(&draft.change, *key, &mut body, name);
    }
    if !draft.change.has(client::NEW_ADDRESS) {
        copy(&draft.change, client::IMPORT_ADDRESS, &mut body, "delivery_address");
    }
    if draft.change.text(client::NEW_SITE_NAME).is_empty() {
        body.insert("name".to_owned(), json!("Main"));
    }
    body.insert("isinvoicesite".to_owned(), json!(true));
    let site_id = draft.record.int(client::MAIN_SITE_ID);
    let fixed = [(site::CLIENT_ID, draft.id)];
    let preset = Preset { id: Some(site_id), fixed: &fixed };
    renamed(save, draft, EntityKind::Site, &body, preset, FIRST_SITE).await?;
    if draft.change.text(client::NEW_CONTACT_NAME).is_empty() {
        return Ok(());
    }
    let mut body = Map::new();
    for (key, name) in FIRST_USER {
        copy(&draft.change, *key, &mut body, name);
    }
    body.insert("isimportantcontact".to_owned(), json!(true));
    let fixed = [(aureole_catalogue::keys::user::SITE_ID, site_id)];
    let preset = Preset { id: None, fixed: &fixed };
    let user = renamed(save, draft, EntityKind::User, &body, preset, FIRST_USER).await?;
    if let Some(user) = user {
        save.amend(EntityKind::Site, site_id, |site| site.set(site::MAIN_CONTACT, user)).await?;
    }
    Ok(())
}

/// Saves a record whose fields the request calls by other names, and reports problems under those.
async fn renamed(
    save: &mut Save<'_>,
    draft: &mut Draft,
    kind: EntityKind,
    body: &Map<String, Value>,
    preset: Preset<'_>,
    names: &[(Key, &str)],
) -> Result<Option<i64>> {
    let own = std::mem::take(&mut save.problems);
    let saved = Box::pin(save::record(save, kind, body, "", preset)).await;
    let found: Problems = std::mem::replace(&mut save.problems, own);
    for (path, message) in found.into_list() {
        let key =
            names.iter().find(|(_, name)| path == *name || path.starts_with(&format!("{name}.")));
        let (field, rest) = match key {
            Some((key, name)) => (draft.entity().schema.fields[key.0].name, &path[name.len()..]),
            None => (path.as_str(), ""),
        };
        save.problem(draft.at(&format!("{field}{rest}")), message);
    }
    let saved = saved?;
    if let Some(saved) = saved {
        draft.warnings.extend(saved.warnings);
        return Ok(Some(saved.id));
    }
    Ok(None)
}

/// `site_update`: sites of this client, created or updated with it.
async fn nested_sites(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let Some(Value::Array(sites)) = draft.change.value(client::SITE_UPDATE).cloned() else {
        return Ok(());
    };
    for (at, body) in sites.iter().enumerate() {
        let Value::Object(body) = body else { continue };
        let path = draft.at(&format!("site_update[{at}]"));
        let id = body.get("id").and_then(Value::as_i64).unwrap_or(0);
        if id > 0 {
            match save.load(EntityKind::Site, id).await? {
                Some((_, site)) if site.int(site::CLIENT_ID) == draft.id => {}
                Some(_) => {
                    save.problem(
                        format!("{path}.id"),
                        format!("is site {id}, which belongs to another client"),
                    );
                    continue;
                }
                None => {
                    save.problem(
                        format!("{path}.id"),
                        format!("is site {id}, which does not exist"),
                    );
                    continue;
                }
            }
        }
        let fixed = [(site::CLIENT_ID, draft.id)];
        let preset = Preset { id: None, fixed: &fixed };
        if let Some(saved) =
            Box::pin(save::record(save, EntityKind::Site, body, &path, preset)).await?
        {
            let note = |warning: String| format!("site_update[{at}]: {warning}");
            draft.warnings.extend(saved.warnings.into_iter().map(note));
        }
    }
    Ok(())
}
