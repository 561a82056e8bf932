//! Custom button (`CustomButton`).
//! One line a field, in the published order.

use crate::field::{Schema, boolean, int, text, uuid};

pub static CUSTOM_BUTTON: Schema = Schema {
    name: "CustomButton",
    fields: &[
        uuid("guid").core().light(),
        text("intent").light(),
        int("id").core().light(),
        int("usage").core().light(),
        text("name").core().light().column(),
        text("label").core().light(),
        int("seq").core().light(),
        text("icon").light(),
        text("url").core().light(),
        boolean("newtab").light(),
        int("msid").light(),
        text("_warning").output(),
    ],
};
