//! Azure tenant (`AreaAzureTenant`).
//! One line a field, in the published order.

use crate::entity::EntityKind::{AzureConnection, Client};
use crate::field::{Schema, datetime, int, text};

pub static AREA_AZURE_TENANT: Schema = Schema {
    name: "AreaAzureTenant",
    fields: &[
        int("id").core().light(),
        int("details_id").core().light().refers(AzureConnection),
        int("client_id").core().light().refers(Client),
        text("azure_tenant_id").core().light().column(),
        text("azure_tenant_name").core().light(),
        text("new_access_token").secret(),
        datetime("token_expiry").core().light(),
        text("client_name").core().light().named().name_of(&[("client_id", Client)]),
        text("details_name").core().light().named().name_of(&[("details_id", AzureConnection)]),
        text("azure_tenant_domain").core().light(),
        int("licence_import_type").core().light(),
        int("relationship_type").core().light(),
        text("_warning").output(),
    ],
};
