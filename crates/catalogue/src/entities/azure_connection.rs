//! Connection to a Microsoft directory, which tenant links refer to.
//! One line a field.

use crate::field::{Schema, int, text};

pub static AZURE_CONNECTION: Schema = Schema {
    name: "AzureADConnection",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column(),
        int("type").core().light().column(),
        text("_warning").output(),
    ],
};
