//! What an administrator sets for the tenant: one record of each. Not published in this shape.
//! One line a field.

use crate::entity::EntityKind;
use crate::field::{Schema, any, int};

pub static SETTINGS: Schema = Schema {
    name: "Settings",
    fields: &[
        int("id").core().light(),
        // The firm itself.
        int("internal_client_id").core().refers(EntityKind::Client),
        // Of clients that name none.
        int("default_toplevel_id").core().refers(EntityKind::TopLevel),
        // {"Client": ["website"]}
        any("mandatory_fields"),
        // {"2": "Monthly"}
        any("period_codes"),
        // 0 = as the configuration says.
        int("history_days"),
    ],
};
