//! Rules of CRM notes and popup notes.

use aureole_catalogue::accept::id;
use aureole_catalogue::keys::{client, crm_note, popup_note, site, user};
use aureole_catalogue::{EntityKind, Key};
use aureole_storage::records;
use serde_json::{Map, Value};

use crate::error::{ApiError, Result};
use crate::rules::generic;
use crate::save::{Draft, Save};

/// HTML that is safe to show: tags that format text, no scripts, no event handlers.
fn sanitised(html: &str) -> String {
    ammonia::clean(html)
}

/// The note that a body without an id means: the one with the same `third_party_id` on the same
/// client. Programs that bring notes from elsewhere bring them again.
pub async fn same_note(save: &mut Save<'_>, body: &Map<String, Value>) -> Result<Option<i64>> {
    let schema = EntityKind::CrmNote.entity().schema;
    let given = |key: Key| body.get(schema.fields[key.0].name);
    let third_party = given(crm_note::THIRD_PARTY).and_then(Value::as_str).unwrap_or("").to_owned();
    if third_party.is_empty() || body.get("id").and_then(id).is_some() {
        return Ok(None);
    }
    let mut client_id = given(crm_note::CLIENT_ID).and_then(id).unwrap_or(0);
    for (kind, key, owner) in ANCHORS {
        if client_id <= 0
            && let Some(anchor) = given(*key).and_then(id)
            && let Some((_, record)) = save.load(*kind, anchor).await?
        {
            client_id = record.int(*owner);
        }
    }
    if client_id <= 0 {
        return Ok(None);
    }
    let tenant = save.tenant();
    // Two requests with the same note wait for each other.
    records::lock(&mut save.tx, tenant, EntityKind::Client.entity(), &[client_id]).await?;
    let entity = EntityKind::CrmNote.entity();
    let same = records::ids_with_text(&mut save.tx, tenant, entity, "third_party_id", &third_party)
        .await?;
    for note in same {
        if let Some((_, record)) = save.load(EntityKind::CrmNote, note).await?
            && record.int(crm_note::CLIENT_ID) == client_id
        {
            return Ok(Some(note));
        }
    }
    Ok(None)
}

/// The anchors that have a client of their own.
const ANCHORS: &[(EntityKind, Key, Key)] = &[
    (EntityKind::Site, crm_note::SITE_ID, site::CLIENT_ID),
    (EntityKind::User, crm_note::USER_ID, user::CLIENT_ID),
];

pub async fn crm_note_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let now = save.now_text.clone();
    generic::default(draft, crm_note::DATETIME, now);
    let caller_agent = save.caller.agent_id;
    generic::default(draft, crm_note::AGENT, caller_agent);
    generic::required(save, draft, crm_note::NOTE);
    another_author(save, draft)?;
    if draft.changes(crm_note::DETAIL) && !save.is_restoring() {
        let detail = sanitised(draft.record.text(crm_note::DETAIL));
        draft.record.set(crm_note::DETAIL, detail);
    }
    let anchors = [
        crm_note::CLIENT_ID,
        crm_note::SUPPLIER_ID,
        crm_note::SITE_ID,
        crm_note::USER_ID,
        crm_note::SALES_ORDER,
        crm_note::PURCHASE_ORDER,
        crm_note::QUOTE,
        crm_note::INVOICE,
    ];
    if anchors.iter().all(|key| draft.record.int(*key) <= 0) {
        save.problem(
            draft.at("client_id"),
            "is required, or a supplier_id, site_id, user_id or a document's id",
        );
    }
    anchor_client(save, draft).await
}

/// Only an administrator writes in another agent's name.
fn another_author(save: &Save<'_>, draft: &Draft) -> Result<()> {
    let author = draft.record.int(crm_note::AGENT);
    let own = save.caller.agent_id;
    if author > 0 && author != own && draft.changes(crm_note::AGENT) && !save.is_restoring() {
        crate::rights::administrator(save.caller).map_err(|_| {
            ApiError::Forbidden(format!("only an administrator writes notes as agent {author}"))
        })?;
    }
    Ok(())
}

/// A note on a site or user is a note on its client too.
async fn anchor_client(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.record.int(crm_note::CLIENT_ID) > 0 {
        return Ok(());
    }
    for (kind, key, owner) in ANCHORS {
        let id = draft.record.int(*key);
        if id > 0
            && let Some((_, record)) = save.load(*kind, id).await?
        {
            draft.record.set(crm_note::CLIENT_ID, record.int(*owner));
            return Ok(());
        }
    }
    Ok(())
}

/// The client's next call moves on when the note names a later one.
pub async fn crm_note_after(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let next = draft.record.text(crm_note::NEXT_CALL).to_owned();
    let client_id = draft.record.int(crm_note::CLIENT_ID);
    if next.is_empty() || client_id <= 0 || !draft.changes(crm_note::NEXT_CALL) && !draft.is_new {
        return Ok(());
    }
    save.amend(EntityKind::Client, client_id, |record| {
        if record.text(client::CALL_DATE) < next.as_str() {
            record.set(client::CALL_DATE, next);
        }
    })
    .await
}

pub async fn popup_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.is_new {
        let now = save.now_text.clone();
        draft.record.set(popup_note::DATE_CREATED, now);
    }
    generic::required(save, draft, popup_note::NOTE);
    let anchors = [popup_note::CLIENT_ID, popup_note::SITE_ID, popup_note::USER_ID];
    if anchors.iter().filter(|key| draft.record.int(**key) > 0).count() != 1 {
        save.problem(
            draft.at("client_id"),
            "must be set, or site_id or user_id, exactly one of them",
        );
    }
    dates(save, draft, popup_note::START, popup_note::END);
    if draft.record.bool(popup_note::HTML)
        && !save.is_restoring()
        && (draft.changes(popup_note::NOTE) || draft.changes(popup_note::HTML))
    {
        let note = sanitised(draft.record.text(popup_note::NOTE));
        draft.record.set(popup_note::NOTE, note);
    }
    Ok(())
}

/// A popup whose text was edited is unread again, for everybody.
pub fn is_unread_again(draft: &Draft) -> bool {
    !draft.is_new && draft.changes(popup_note::NOTE)
}

pub async fn popup_after(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if is_unread_again(draft) {
        let tenant = save.tenant();
        aureole_storage::popups::reset(&mut save.tx, tenant, &[draft.id]).await?;
    }
    Ok(())
}

/// The end is not before the start.
pub fn dates(save: &mut Save<'_>, draft: &Draft, start: Key, end: Key) {
    let (from, to) = (draft.record.text(start), draft.record.text(end));
    if !from.is_empty()
        && !to.is_empty()
        && to < from
        && (draft.changes(start) || draft.changes(end))
    {
        let name = draft.entity().schema.fields[end.0].name;
        save.problem(draft.at(name), "must not be before the start date");
    }
}
