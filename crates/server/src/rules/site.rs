//! Rules of a site: its client, the one main site, addresses, coordinates, time zone.

use aureole_catalogue::keys::{client, site, user};
use aureole_catalogue::{EntityKind, Key, Source};
use aureole_storage::records;
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::rules::generic;
use crate::save::apply::copy;
use crate::save::{self, Draft, Preset, Save};

pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    address_lines(draft);
    generic::in_range(save, draft, site::LATITUDE, -90, 90);
    generic::in_range(save, draft, site::LONGITUDE, -180, 180);
    time_zone(save, draft);
    stock_bins(save, draft).await?;
    let client_id = draft.record.int(site::CLIENT_ID);
    for (key, target) in [
        (site::CLIENT_TO_INVOICE, client::CLIENT_TO_INVOICE),
        (site::CLIENT_TO_INVOICE_RECURRING, client::CLIENT_TO_INVOICE_RECURRING),
    ] {
        generic::bill_payer(save, draft, client_id, key, target).await?;
    }
    if client_id <= 0 {
        let path = draft.at("client_name");
        if save.problems.iter().any(|(known, _)| *known == path) {
            // The client was named, and there is none of that name.
            return Ok(());
        }
        let message = if draft.change.has(site::CLIENT_ID) {
            "must be the id of a client"
        } else {
            "is required"
        };
        save.problem(draft.at("client_id"), message);
        return Ok(());
    }
    main_contact(save, draft).await?;
    main_flag(save, draft).await
}

/// The flat address lines of a body are laid into the address objects, unless the object itself
/// changes the same line; and an invoice address that is the delivery address copies it.
fn address_lines(draft: &mut Draft) {
    let schema = draft.entity().schema;
    for (position, field) in schema.fields.iter().enumerate() {
        let Source::AddressLine { object, key: line } = field.source else { continue };
        let Some(given) = draft.change.get(Key(position)).cloned() else { continue };
        let Some(object_key) = schema.find(object).map(Key) else { continue };
        let text = given.as_ref().and_then(Value::as_str).unwrap_or("").to_owned();
        let read = |value: Option<&Value>| {
            value.and_then(|value| value.get(line)).and_then(Value::as_str).unwrap_or("").to_owned()
        };
        let stored = read(draft.before.as_ref().and_then(|before| before.get(object_key)));
        let current = read(draft.record.get(object_key));
        if text == stored || current != stored {
            continue;
        }
        let mut address =
            draft.record.get(object_key).and_then(Value::as_object).cloned().unwrap_or_default();
        if text.is_empty() {
            address.shift_remove(line);
        } else {
            address.insert(line.to_owned(), Value::String(text));
        }
        draft.record.set(object_key, Value::Object(address));
    }
    if draft.record.bool(site::INVOICE_IS_DELIVERY) {
        match draft.record.get(site::DELIVERY_ADDRESS).cloned() {
            Some(address) => draft.record.set(site::INVOICE_ADDRESS, address),
            None => draft.record.clear(site::INVOICE_ADDRESS),
        }
    }
}

/// Bins are at stock locations only; a site that stops being one has none left.
async fn stock_bins(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    if draft.record.bool(site::IS_STOCK) {
        return Ok(());
    }
    match draft.change.value(site::STOCK_BINS).and_then(Value::as_array) {
        Some(bins) if bins.is_empty() => {}
        Some(_) => save.problem(draft.at("stockbins"), "are for a stock location only"),
        None if draft.changes(site::IS_STOCK) && !draft.is_new => {
            let (tenant, entity) = (save.tenant(), EntityKind::StockBin.entity());
            let bins =
                records::ids_where(&mut save.tx, tenant, entity, "site_id", &[draft.id]).await?;
            let count = bins.len();
            if count > 0 {
                let message = format!("can't be cleared: the site has {count} stock bins");
                save.problem(draft.at("isstocklocation"), message);
            }
        }
        None => {}
    }
    Ok(())
}

/// An IANA name or a Windows one.
fn time_zone(save: &mut Save<'_>, draft: &Draft) {
    let zone = draft.record.text(site::TIMEZONE);
    if draft.changes(site::TIMEZONE) && !zone.is_empty() && !crate::time_zones::is_known(zone) {
        let message = "must be a time zone such as Europe/London or GMT Standard Time";
        save.problem(draft.at("timezone"), message);
    }
}

/// The main contact belongs to the site's client, when it is chosen; it may move on later. Negative
/// ids are sentinels.
async fn main_contact(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let contact = draft.record.int(site::MAIN_CONTACT);
    if contact <= 0 || save.is_restoring() || !draft.changes(site::MAIN_CONTACT) {
        return Ok(());
    }
    let found = save.load(EntityKind::User, contact).await?;
    let client_id = draft.record.int(site::CLIENT_ID);
    if let Some((_, contact_user)) = found
        && contact_user.int(user::CLIENT_ID) != client_id
    {
        let owner = contact_user.int(user::CLIENT_ID);
        save.problem(
            draft.at("maincontact_id"),
            format!("is user {contact}, who belongs to client {owner}"),
        );
    }
    Ok(())
}

/// True for the site that a new client starts with.
fn is_first(draft: &Draft) -> bool {
    draft.is_new && draft.implied
}

/// Exactly one live site of a client is its main site.
async fn main_flag(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let client_id = draft.record.int(site::CLIENT_ID);
    let was_main = draft.before.as_ref().is_some_and(|before| before.bool(site::IS_MAIN));
    if is_first(draft) {
        // There is no other site yet that could be it, and the client names this one already.
        draft.record.set(site::IS_MAIN, true);
        if draft.record.bool(site::INACTIVE) {
            save.problem(draft.at("isinvoicesite"), "an inactive site can't be the main site");
        }
        return Ok(());
    }
    if draft.is_new {
        let (tenant, entity) = (save.tenant(), EntityKind::Site.entity());
        let siblings =
            records::ids_where(&mut save.tx, tenant, entity, "client_id", &[client_id]).await?;
        if siblings.is_empty() {
            draft.record.set(site::IS_MAIN, true);
        }
    }
    let is_main = draft.record.bool(site::IS_MAIN);
    let inactive = draft.record.bool(site::INACTIVE);
    let moved =
        draft.before.as_ref().is_some_and(|before| before.int(site::CLIENT_ID) != client_id);
    let problem = match (was_main, is_main) {
        (true, _) if inactive => Some(("inactive", "the main site can't be made inactive")),
        (true, _) if moved => Some(("client_id", "the main site can't be moved to another client")),
        (true, false) => Some(("isinvoicesite", "the main flag can't be taken away")),
        (false, true) if inactive => {
            save.problem(draft.at("isinvoicesite"), "an inactive site can't be the main site");
            None
        }
        _ => None,
    };
    if let Some((field, message)) = problem {
        let owner = draft.before.as_ref().map_or(client_id, |before| before.int(site::CLIENT_ID));
        let message = format!("{message}: make another site of client {owner} the main site first");
        if !save.problems.is_empty() {
            // The request is wrong in other ways too; all of them are listed.
            save.problem(draft.at(field), message);
            return Ok(());
        }
        let counts = vec![("main_site_of_clients", 1)];
        return Err(crate::error::ApiError::InUse { path: draft.at(field), message, counts });
    }
    if is_main && !was_main && save.problems.is_empty() {
        // The flag leaves the other site first: the database allows one only.
        let (tenant, entity) = (save.tenant(), EntityKind::Site.entity());
        let siblings =
            records::ids_where(&mut save.tx, tenant, entity, "client_id", &[client_id]).await?;
        for sibling in siblings.into_iter().filter(|sibling| *sibling != draft.id) {
            save.amend(EntityKind::Site, sibling, |other| other.clear(site::IS_MAIN)).await?;
        }
    }
    Ok(())
}

pub async fn after(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let client_id = draft.record.int(site::CLIENT_ID);
    if draft.record.bool(site::IS_MAIN) && !is_first(draft) {
        let id = draft.id;
        save.amend(EntityKind::Client, client_id, |client| client.set(client::MAIN_SITE_ID, id))
            .await?;
    }
    let moved =
        draft.before.as_ref().is_some_and(|before| before.int(site::CLIENT_ID) != client_id);
    if moved {
        move_users(save, draft.id, client_id).await?;
    }
    if draft.is_new {
        first_contact(save, draft).await?;
    }
    Ok(())
}

/// What follows from a site that was put back as it was.
pub async fn restored(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let client_id = draft.record.int(site::CLIENT_ID);
    if draft.record.bool(site::IS_MAIN) {
        let id = draft.id;
        save.amend(EntityKind::Client, client_id, |client| client.set(client::MAIN_SITE_ID, id))
            .await?;
    }
    move_users(save, draft.id, client_id).await
}

/// Refuses when a client has no live main site that says so itself.
pub async fn check_main(save: &mut Save<'_>, client_id: i64) -> Result<()> {
    let tenant = save.tenant();
    if records::merged_into(&mut save.tx, tenant, client_id).await? > 0 {
        return Ok(());
    }
    let Some((_, owner)) = save.load(EntityKind::Client, client_id).await? else { return Ok(()) };
    let main = owner.int(client::MAIN_SITE_ID);
    let found = save.load(EntityKind::Site, main).await?;
    let is_main = found.is_some_and(|(_, found)| {
        found.int(site::CLIENT_ID) == client_id
            && found.bool(site::IS_MAIN)
            && !found.bool(site::INACTIVE)
    });
    if is_main {
        return Ok(());
    }
    Err(crate::error::ApiError::InUse {
        path: String::new(),
        message: format!(
            "client {client_id} would be left without a main site: make another site the main \
             site first"
        ),
        counts: vec![("main_site_of_clients", 1)],
    })
}

/// A site's users follow it to another client.
pub async fn move_users(save: &mut Save<'_>, site_id: i64, client_id: i64) -> Result<()> {
    let (tenant, entity) = (save.tenant(), EntityKind::User.entity());
    let users = records::ids_where(&mut save.tx, tenant, entity, "site_id", &[site_id]).await?;
    for id in users {
        save.amend(EntityKind::User, id, |user| user.set(user::CLIENT_ID, client_id)).await?;
    }
    Ok(())
}

/// `newsite_contact*`: a user who is the new site's main contact.
async fn first_contact(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.change.text(site::NEW_CONTACT_NAME).is_empty() {
        return Ok(());
    }
    let mut body = Map::new();
    copy(&draft.change, site::NEW_CONTACT_NAME, &mut body, "name");
    copy(&draft.change, site::NEW_CONTACT_EMAIL, &mut body, "emailaddress");
    copy(&draft.change, site::NEW_CONTACT_TITLE, &mut body, "title");
    copy(&draft.change, site::NEW_WEB_ACCESS, &mut body, "web_access_level");
    body.insert("isimportantcontact".to_owned(), json!(true));
    let fixed = [(user::SITE_ID, draft.id)];
    let preset = Preset { id: None, fixed: &fixed };
    let path = draft.path.clone();
    if let Some(contact) =
        Box::pin(save::record(save, EntityKind::User, &body, &path, preset)).await?
    {
        let id = contact.id;
        save.amend(EntityKind::Site, draft.id, |site| site.set(site::MAIN_CONTACT, id)).await?;
    }
    Ok(())
}
