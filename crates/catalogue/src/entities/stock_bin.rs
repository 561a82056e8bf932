//! Stock bin (`StockBin`).
//! One line a field, in the published order.

use crate::entity::EntityKind::Site;
use crate::field::{Schema, boolean, int, text};

pub static STOCK_BIN: Schema = Schema {
    name: "StockBin",
    fields: &[
        int("id").core().light(),
        text("name").core().light(),
        int("site_id").core().light().refers(Site),
        text("_warning").output(),
        boolean("dont_add_to_order").light(),
    ],
};
