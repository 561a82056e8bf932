//! Invoice template.
//! One line a field.

use crate::field::{Schema, int, text};

pub static INVOICE_TEMPLATE: Schema = Schema {
    name: "InvoiceTemplate",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column(),
        text("_warning").output(),
    ],
};
