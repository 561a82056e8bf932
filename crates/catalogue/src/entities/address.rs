//! Address (`AddressStore`).
//! One line a field, in the published order.

use crate::entity::EntityKind::{Client, Site, User};
use crate::field::{Schema, boolean, datetime, decimal, int, text};

pub static ADDRESS_STORE: Schema = Schema {
    name: "AddressStore",
    fields: &[
        int("id").core().light(),
        int("type").core().light(),
        text("description").light(),
        text("note").light(),
        text("line1").core().light(),
        text("line2").core().light(),
        text("line3").core().light(),
        text("line4").core().light(),
        text("postcode").core().light().column(),
        boolean("primary").core().light(),
        boolean("inactive").core().light(),
        datetime("date_active").light(),
        datetime("date_inactive").light(),
        decimal("lat").light().fine(),
        decimal("long").light().fine(),
        text("client_name")
            .core()
            .light()
            .named()
            .name_of(&[("site_id", Site), ("client_id", Client)]),
        int("site_id").core().light().refers(Site),
        text("site_name").core().light().named().name_of(&[("site_id", Site)]),
        int("user_id").core().light().refers(User),
        text("user_name").core().light().named().name_of(&[("user_id", User)]),
        text("user_email").light().named().looked_up(&[("user_id", User)], "emailaddress"),
        boolean("_isimport").input(),
        text("_warning").output(),
        // Not published: what the address is called. A record that others point at has a name.
        text("name").light(),
    ],
};
