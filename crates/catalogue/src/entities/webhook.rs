//! Webhooks: who is told of changes. Not published in this shape.
//! One line a field.

use crate::field::{Schema, boolean, int, text, texts};
use crate::show::Show;

pub static WEBHOOK: Schema = Schema {
    name: "Webhook",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column(),
        text("url").core().light().max(2_000),
        // Names of kinds of record; none = all of them.
        texts("entities").core().full_when(Show::NONE),
        // created, updated, deleted; none = all of them.
        texts("events").core().full_when(Show::NONE),
        boolean("enabled").core().light().column(),
        // The key of the signatures.
        text("secret").secret().max(1_000),
        // There is a secret.
        boolean("signed").core().light().computed(),
        text("_warning").output(),
    ],
};
