//! Currency (`Currency`).
//! One line a field, in the published order.

use crate::field::{Schema, datetime, decimal, int, text};

pub static CURRENCY: Schema = Schema {
    name: "Currency",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column(),
        text("symbol").core().light(),
        text("code").core().light(),
        decimal("conversion_rate").core().light().fine(),
        datetime("last_updated").light(),
        text("_warning").output(),
    ],
};
