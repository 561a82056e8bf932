//! What every tenant starts with.

use aureole_catalogue::EntityKind;
use aureole_storage::records;
use serde_json::json;

use crate::app::App;
use crate::auth::{Caller, Role, Scopes};
use crate::error::Result;
use crate::save::apply::map;
use crate::save::{self, Preset, Save};

/// The first top level of a tenant; it is made when there is none yet.
pub async fn first_top_level(save: &mut Save<'_>) -> Result<i64> {
    if let Some(id) = save.known.top_level {
        return Ok(id);
    }
    let (tenant, entity) = (save.tenant(), EntityKind::TopLevel.entity());
    if let Some(id) = records::first_id(&mut save.tx, tenant, entity).await? {
        save.known.top_level = Some(id);
        return Ok(id);
    }
    let body = map(vec![("name", json!("Clients"))]);
    let made =
        Box::pin(save::record(save, EntityKind::TopLevel, &body, "", Preset::default())).await?;
    Ok(made.map_or(0, |draft| draft.id))
}

/// Gives every tenant the ticket types and statuses that clients of the API expect to find.
pub async fn all_tenants(app: &std::sync::Arc<App>) -> Result<()> {
    for tenant in aureole_storage::tokens::tenants(&mut app.db.clone()).await? {
        tenant_defaults(app, tenant.id).await?;
    }
    Ok(())
}

/// A kind, the field that its default records share, and their names.
type Default = (EntityKind, Option<(&'static str, i64)>, &'static [&'static str]);

const DEFAULTS: &[Default] = &[
    (EntityKind::TopLevel, None, &["Clients"]),
    (EntityKind::TicketType, None, &["Incident", "Service Request"]),
    (EntityKind::Status, None, &["New", "In Progress", "On Hold", "Closed"]),
    // Programs test a connection by reading this lookup and expect it not to be empty.
    (EntityKind::Lookup, Some(("lookupid", 11)), &["Client", "Prospect", "Supplier", "Partner"]),
];

/// Makes the default records of one tenant, kind by kind where it has none.
pub async fn tenant_defaults(app: &std::sync::Arc<App>, tenant: i64) -> Result<()> {
    let caller = Caller {
        tenant_id: tenant,
        tenant: String::new(),
        application: String::new(),
        agent_id: 1,
        agent_name: String::new(),
        role: Role::Administrator,
        user_id: 0,
        scopes: Scopes::ALL,
        allowed_clients: std::sync::Arc::new([]),
        denied_clients: std::sync::Arc::new([]),
        meter: std::sync::Arc::default(),
    };
    for (kind, shared, names) in DEFAULTS {
        let existing = records::first_id(&mut app.db.of(tenant), tenant, kind.entity()).await?;
        if existing.is_some() {
            continue;
        }
        let mut save = Save::begin(app, &caller, "seed", false, app.clock.now_ms()).await?;
        // Another node may have been quicker.
        if records::first_id(&mut save.tx, tenant, kind.entity()).await?.is_none() {
            for name in *names {
                let mut body = map(vec![("name", json!(name))]);
                body.extend(shared.map(|(field, value)| (field.to_owned(), json!(value))));
                save::record(&mut save, *kind, &body, "", Preset::default()).await?;
            }
        }
        save.tx.commit().await?;
    }
    Ok(())
}
