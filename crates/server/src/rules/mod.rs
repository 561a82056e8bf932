//! What generic code cannot know: the rules of each kind of record.

pub mod attachments;
pub mod availability;
pub mod billing;
pub mod children;
pub mod client;
pub mod custom_fields;
pub mod extras;
pub mod generic;
pub mod links;
pub mod listed;
pub mod lists;
pub mod more_lists;
pub mod notes;
pub mod once;
pub mod people;
pub mod periods;
pub mod popups;
pub mod prepay;
pub mod site;
pub mod stock;
pub mod ticket;
pub mod top_levels;
pub mod views;
pub mod webhooks;

use aureole_catalogue::EntityKind;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::save::{Draft, Save};

/// The body with the id of the record that it means without naming it, when there is one.
pub async fn known(
    save: &mut Save<'_>,
    kind: EntityKind,
    body: &Map<String, Value>,
) -> Result<Option<Map<String, Value>>> {
    if kind != EntityKind::CrmNote {
        return Ok(None);
    }
    let Some(id) = notes::same_note(save, body).await? else { return Ok(None) };
    let mut body = body.clone();
    body.insert("id".to_owned(), id.into());
    Ok(Some(body))
}

/// Runs before a record is written: defaults, checks, derived fields. Problems go to `save`.
pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    generic::before(save, draft).await?;
    custom_fields::before(save, draft).await?;
    listed::before(save, draft).await?;
    once::before(save, draft).await?;
    match draft.kind {
        EntityKind::Client => {
            prepay::client_before(save, draft);
            client::before(save, draft).await
        }
        EntityKind::Site => site::before(save, draft).await,
        EntityKind::User => people::user_before(save, draft).await,
        EntityKind::Agent => people::agent_before(save, draft).await,
        EntityKind::TopLevel => people::top_level_before(save, draft).await,
        EntityKind::Ticket => ticket::before(save, draft).await,
        EntityKind::TicketType => people::ticket_type_before(draft),
        EntityKind::CrmNote => notes::crm_note_before(save, draft).await,
        EntityKind::PopupNote => notes::popup_before(save, draft).await,
        EntityKind::RecurringItem => billing::item_before(save, draft).await,
        EntityKind::AzureTenant => billing::azure_before(save, draft).await,
        EntityKind::AreaRequestType => billing::pair_before(save, draft).await,
        EntityKind::FieldInfo => custom_fields::field_info_before(save, draft).await,
        EntityKind::SiteField => custom_fields::site_field_before(save, draft).await,
        EntityKind::ViewList => views::view_list_before(save, draft).await,
        EntityKind::ViewColumns => views::view_columns_before(save, draft).await,
        EntityKind::PrepayLot => prepay::lot_before(save, draft).await,
        EntityKind::PrepayUse => prepay::use_before(save, draft).await,
        EntityKind::Attachment => attachments::before(save, draft).await,
        EntityKind::ItemStock => stock::before(save, draft).await,
        EntityKind::StockBin => stock::bin_before(save, draft).await,
        EntityKind::Webhook => webhooks::before(save, draft).await,
        _ => Ok(()),
    }
}

/// Runs after a record is written, in the same transaction: the records that hang on it.
pub async fn after(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    match draft.kind {
        EntityKind::Client => client::after(save, draft).await,
        EntityKind::Site => site::after(save, draft).await,
        EntityKind::User => people::user_after(save, draft).await,
        EntityKind::Agent => people::agent_after(save, draft).await,
        EntityKind::CrmNote => notes::crm_note_after(save, draft).await,
        EntityKind::PopupNote => notes::popup_after(save, draft).await,
        EntityKind::Attachment => attachments::after(save, draft).await,
        EntityKind::Webhook => webhooks::after(save, draft).await,
        _ => Ok(()),
    }?;
    once::after(save, draft).await?;
    children::after(save, draft).await
}

/// `Some` when a write changes what is beside the document; the fields that stand for it there.
pub fn beside_document(draft: &Draft) -> Option<Vec<&'static str>> {
    match draft.kind {
        EntityKind::User => people::credential_changes(draft),
        EntityKind::Agent => people::agent_login_changes(draft).then(Vec::new),
        EntityKind::PopupNote => notes::is_unread_again(draft).then(Vec::new),
        _ => None,
    }
}

/// Runs after a record was put back into an earlier state: what the rules keep in step with it.
pub async fn restored(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    match draft.kind {
        EntityKind::Client => client::restored(save, draft).await,
        EntityKind::Site => site::restored(save, draft).await,
        EntityKind::User => people::user_restored(save, draft).await,
        EntityKind::Agent => people::agent_restored(save, draft).await,
        EntityKind::Attachment => attachments::restored(save, draft).await,
        _ => Ok(()),
    }
}

/// Runs after a commit: what other requests see from memory has to learn of the write.
pub async fn committed(call: &crate::front::Call, kind: EntityKind) {
    if kind == EntityKind::Webhook {
        call.app.webhooks.stir();
    }
    if kind == EntityKind::Agent
        && let Err(error) = call.app.auth.refresh().await
    {
        tracing::warn!(%error, "the directory could not be read");
    }
}
