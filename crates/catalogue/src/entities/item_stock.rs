//! What of an item lies in one place: at a stock location, in one of its bins or in none.
//! One line a field. Not published: the vendor keeps stock in places that are not part of its API.

use crate::entity::EntityKind::{Item, Site, StockBin};
use crate::field::{Schema, decimal, int, text};

pub static ITEM_STOCK: Schema = Schema {
    name: "ItemStock",
    fields: &[
        int("id").core().light(),
        int("item_id").core().light().refers(Item),
        text("item_name").core().light().named().name_of(&[("item_id", Item)]),
        int("site_id").core().light().refers(Site),
        text("site_name").core().light().named().name_of(&[("site_id", Site)]),
        int("stockbin_id").core().light().refers(StockBin),
        decimal("quantity_in_stock").core().light(),
        // Of these, how many are assets with a serial number of their own.
        decimal("serialised_assets_in_stock").core().light(),
        // Promised to somebody, of what is in stock.
        decimal("quantity_reserved").core().light(),
        // Promised to somebody, of what is ordered and has not come yet.
        decimal("quantity_reserved_on_order").core().light(),
        text("_warning").output(),
    ],
};
