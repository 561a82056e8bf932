//! Site contact (`SiteContact`).
//! One line a field, in the published order.

use crate::entity::EntityKind::{Site, User};
use crate::field::{Schema, int, text};

pub static SITE_CONTACT: Schema = Schema {
    name: "SiteContact",
    fields: &[
        int("id").core().light(),
        int("site").core().light().refers(Site),
        int("uid").core().light().refers(User),
        text("user_name").core().light().named().name_of(&[("uid", User)]),
        int("type").core().light(),
        text("type_name").core().light(),
        text("_warning").output(),
    ],
};
