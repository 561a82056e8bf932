//! Rules of recurring items, tenant links and permitted ticket types.

use aureole_catalogue::EntityKind;
use aureole_catalogue::keys::{area_request_type, azure_tenant, recurring_item};
use aureole_catalogue::value::fold;
use aureole_storage::records;

use crate::error::Result;
use crate::rules::{generic, notes};
use crate::save::{Draft, Save};

pub async fn item_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.record.int(recurring_item::CLIENT_ID) <= 0 {
        save.problem(draft.at("client_id"), "is required");
    }
    notes::dates(save, draft, recurring_item::START, recurring_item::END);
    let period = draft.record.int(recurring_item::PERIOD);
    if draft.changes(recurring_item::PERIOD) && save.settings.period(period).is_none() {
        save.problem(
            draft.at("billingperiod_id"),
            format!("{period} is not one of the period codes"),
        );
    }
    // Whoever sets the dates anew sets the length by which renewals extend the item.
    if draft.changes(recurring_item::START) || draft.changes(recurring_item::END) {
        draft.record.clear(recurring_item::ORIGINAL_END);
    }
    // What was never invoiced is due first on the day it starts; null says that it is never due.
    let start = draft.record.text(recurring_item::START).to_owned();
    if !start.is_empty() && !draft.change.has(recurring_item::NEXT_INVOICE) {
        generic::default(draft, recurring_item::NEXT_INVOICE, start);
    }
    Ok(())
}

/// A tenant's GUID is kept in its canonical form. One tenant on two clients is allowed.
pub async fn azure_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let given = draft.record.text(azure_tenant::TENANT).trim().to_owned();
    if draft.changes(azure_tenant::TENANT) && !given.is_empty() {
        match aureole_catalogue::accept::canonical_guid(&given) {
            Some(guid) => draft.record.set(azure_tenant::TENANT, guid),
            None => save.problem(draft.at("azure_tenant_id"), "must be a GUID"),
        }
    } else if draft.is_new && given.is_empty() {
        save.problem(draft.at("azure_tenant_id"), "is required");
    }
    let client_id = draft.record.int(azure_tenant::CLIENT_ID);
    let guid = fold(draft.record.text(azure_tenant::TENANT));
    if guid.is_empty() || client_id <= 0 || !save.problems.is_empty() {
        return Ok(());
    }
    let tenant = save.tenant();
    let others = records::ids_with_text(
        &mut save.tx,
        tenant,
        EntityKind::AzureTenant.entity(),
        "azure_tenant_id",
        &guid,
    )
    .await?;
    for id in others {
        let Some((_, other)) = save.load(EntityKind::AzureTenant, id).await? else { continue };
        let owner = other.int(azure_tenant::CLIENT_ID);
        if owner > 0 && owner != client_id {
            draft.warnings.push(format!("this tenant is linked to client {owner} too"));
        }
    }
    Ok(())
}

/// The pair of a client and a ticket type exists once.
pub async fn pair_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let client_id = draft.record.int(area_request_type::CLIENT_ID);
    let type_id = draft.record.int(area_request_type::REQUEST_TYPE);
    if client_id <= 0 {
        save.problem(draft.at("client_id"), "is required");
    }
    if type_id <= 0 {
        save.problem(draft.at("request_type"), "is required");
    }
    let tenant = save.tenant();
    let entity = EntityKind::AreaRequestType.entity();
    let own = records::ids_where(&mut save.tx, tenant, entity, "client_id", &[client_id]).await?;
    for id in own.into_iter().filter(|id| *id != draft.id) {
        let Some((_, pair)) = save.load(EntityKind::AreaRequestType, id).await? else { continue };
        if pair.int(area_request_type::REQUEST_TYPE) == type_id {
            save.duplicate(
                draft.at("request_type"),
                format!("is permitted already, by record {id}"),
                id,
            );
        }
    }
    Ok(())
}
