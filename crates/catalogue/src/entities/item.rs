//! Item that can be sold or stocked.
//! One line a field.

use crate::field::{Schema, boolean, decimal, int, text};

pub static ITEM: Schema = Schema {
    name: "Item",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column(),
        text("description").light(),
        decimal("costprice").core().light(),
        decimal("baseprice").core().light(),
        decimal("quantity_in_stock").core().light().computed().by_rule(),
        boolean("inactive").core().light().column(),
        text("use").core().light().computed().constant("item"),
        text("_warning").output(),
    ],
};
