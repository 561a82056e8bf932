//! View columns (`ViewColumns`).
//! One line a field, in the published order.

use crate::field::{Schema, any, anys, boolean, int, text, uuid};
use crate::show::Show;

pub static VIEW_COLUMNS: Schema = Schema {
    name: "ViewColumns",
    fields: &[
        int("id").core().light(),
        uuid("guid").light(),
        text("intent").light(),
        text("name").core().light().column(),
        text("tile_html"),
        anys("columns").core().full_when(Show::NONE),
        boolean("_temp").input(),
        text("card_html"),
        int("linked_dashboard_id").light(),
        boolean("use_dashboard").light(),
        int("restriction_type").light(),
        int("agent_id").light(),
        text("agent_name").light(),
        int("team_id").light(),
        uuid("team_guid").light(),
        text("team_name").light(),
        any("type").core().light(),
        text("type_name").light(),
    ],
};
