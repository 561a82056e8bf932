//! Keys by which other products know a client. Two clients with the same one are allowed, and the
//! reply tells; an accounting link that is written back after an export must be nobody else's.

use aureole_catalogue::keys::client;
use aureole_catalogue::{EntityKind, Key, Record};
use aureole_storage::records::{self, link_value};

use crate::auth::caller::Role;
use crate::error::Result;
use crate::save::{Draft, Save};

/// The fields that name the tenant of an accounting product.
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

/// Keys that count within a tenant of their product only, and the fields that name that tenant. A
/// QuickBooks or Business Central company is a tenant itself, and one with the same customer in it
/// is the same link.
const TENANTS: &[(&str, &[&str])] = &[
    ("accountsid", ACCOUNT_TENANTS),
    ("xeroid", &["xero_tenant_id", "xerodetails_id"]),
    ("kashflowid", &["kashflow_tenant_id"]),
    ("avalara_id", &["avalara_tenant"]),
    ("qbo_company_id", &["accountsid"]),
    ("dbc_company_id", &["accountsid"]),
];

fn tenants(name: &str) -> &'static [&'static str] {
    TENANTS.iter().find(|(key, _)| *key == name).map_or(&[], |(_, tenants)| tenants)
}

/// Reports the keys that another client has: as warnings, or as problems when they must be unique.
pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let schema = draft.entity().schema;
    for key in records::link_fields() {
        let name = schema.fields[key.0].name;
        let mut fields = vec![*key];
        fields.extend(tenants(name).iter().filter_map(|tenant| schema.find(tenant)).map(Key));
        let concerned = match save.unique_links {
            true => fields.iter().any(|field| draft.change.has(*field)),
            false => fields.iter().any(|field| draft.changes(*field)),
        };
        if !concerned || link_value(draft.record.get(*key)).is_none() {
            continue;
        }
        for (id, other) in others(save, draft, *key, &fields).await? {
            if save.unique_links {
                let shown = save.shown_client(id);
                let who = shown.map_or("another client".to_owned(), |id| format!("client {id}"));
                let message = format!("must be unique: {who} has it already");
                save.duplicate(draft.at(name), message, shown.unwrap_or(0));
            } else if save.caller.role != Role::EndUser {
                let warning = format!("{name}: client {id} ({other}) has the same one");
                draft.warnings.push(warning);
            }
        }
    }
    Ok(())
}

/// The other clients with the same values in all of `fields`: id, name. Those out of the caller's
/// reach count only where the key must be nobody else's.
async fn others(
    save: &mut Save<'_>,
    draft: &Draft,
    key: Key,
    fields: &[Key],
) -> Result<Vec<(i64, String)>> {
    let tenant = save.tenant();
    let ids = records::linked_clients(&mut save.tx, tenant, key, &draft.record, draft.id).await?;
    let value = |record: &Record, field: Key| link_value(record.get(field));
    let mut found = Vec::new();
    for id in ids {
        let other = match save.unique_links {
            true => save.stored(EntityKind::Client, id).await?,
            false => save.load(EntityKind::Client, id).await?,
        };
        let Some((_, other)) = other else { continue };
        if fields.iter().all(|field| value(&other, *field) == value(&draft.record, *field)) {
            found.push((id, other.text(client::NAME).to_owned()));
        }
    }
    Ok(found)
}
