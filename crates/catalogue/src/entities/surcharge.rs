//! Surcharge.
//! One line a field.

use crate::field::{Schema, decimal, int, text};

pub static SURCHARGE: Schema = Schema {
    name: "Surcharge",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column(),
        decimal("rate").core().light(),
        text("_warning").output(),
    ],
};
