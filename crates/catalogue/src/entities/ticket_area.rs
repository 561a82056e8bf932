//! Ticket area (`TicketArea`).
//! One line a field, in the published order.

use super::nested::KEY_PAIR;
use crate::field::{Schema, anys, boolean, int, list, text};

pub static TICKET_AREA: Schema = Schema {
    name: "TicketArea",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column(),
        int("sequence").core().light(),
        text("entity_singular").light(),
        text("entity_plural").light(),
        text("icon").light(),
        int("default_filter_id").light(),
        text("default_filter_name").light(),
        text("default_view").light(),
        int("default_view_selectedid").light(),
        text("default_view_selectedname").light(),
        int("default_columns_id").light(),
        int("default_ticket_type").light(),
        int("default_itil_ticket_type").light(),
        int("default_template_group_id").light(),
        text("default_columns_name").light(),
        int("selectservice").light(),
        boolean("enableprojecttreeview").light(),
        boolean("showtabondetailsscreens").light(),
        anys("filters"),
        anys("team_restrictions"),
        int("area_use").light(),
        text("area_use_name").light(),
        boolean("shownewticketbutton").light(),
        int("allow_ticket_type_selection").light(),
        list("kanbanstatuschoice", &KEY_PAIR),
        text("kanbanstatuschoice_list").light(),
        text("_warning").output(),
    ],
};
