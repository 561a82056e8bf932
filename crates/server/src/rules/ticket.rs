//! Rules of a ticket: only what the counts and the delete rule need.

use aureole_catalogue::EntityKind;
use aureole_catalogue::keys::{site, ticket, user};

use crate::error::Result;
use crate::rules::generic;
use crate::save::{Draft, Save};

/// A ticket belongs to a client, through its user or site when it names none itself. It may belong
/// to none: n8n makes tickets of a type and a summary alone.
pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let now = save.now_text.clone();
    generic::default(draft, ticket::OCCURRED, now);
    generic::required(save, draft, ticket::SUMMARY);
    let (user_id, site_id) = (draft.record.int(ticket::USER_ID), draft.record.int(ticket::SITE_ID));
    if site_id <= 0
        && user_id > 0
        && let Some((_, user)) = save.load(EntityKind::User, user_id).await?
    {
        draft.record.set(ticket::SITE_ID, user.int(user::SITE_ID));
    }
    let site_id = draft.record.int(ticket::SITE_ID);
    if site_id > 0
        && let Some((_, site)) = save.load(EntityKind::Site, site_id).await?
    {
        let owner = site.int(site::CLIENT_ID);
        let client = draft.record.int(ticket::CLIENT_ID);
        let moves =
            draft.changes(ticket::CLIENT_ID) || draft.changes(ticket::SITE_ID) || draft.is_new;
        if client > 0 && client != owner && moves {
            let message = format!("is not client {owner}, to which site {site_id} belongs");
            save.problem(draft.at("client_id"), message);
        }
        if client <= 0 {
            draft.record.set(ticket::CLIENT_ID, owner);
        }
    }
    Ok(())
}
