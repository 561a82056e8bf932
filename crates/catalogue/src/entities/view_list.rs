//! View list (`ViewLists`).
//! One line a field, in the published order.

use crate::entity::EntityKind::ViewColumns;
use crate::field::{Schema, any, anys, boolean, int, text, uuid};
use crate::show::Show;

pub static VIEW_LISTS: Schema = Schema {
    name: "ViewLists",
    fields: &[
        uuid("guid").light(),
        text("intent").light(),
        int("id").core().light(),
        text("name").core().light().column(),
        text("use").light().computed().constant("viewlist"),
        int("restriction_type").light(),
        int("agent_id").light(),
        text("agent_name").light(),
        int("team_id").light(),
        uuid("team_guid").light(),
        text("team_name").light(),
        any("type").core().light(),
        text("type_name").light(),
        int("sequence").core().light(),
        boolean("showcounts").light(),
        int("column_profile_id").light(),
        uuid("column_profile_guid").light(),
        int("filter_profile_id").light(),
        uuid("filter_profile_guid").light(),
        int("lock_view_type").light(),
        int("connectedinstance_id").light(),
        int("connectedinstance_list_id").light(),
        boolean("show_in_team_tree").light(),
        int("show_in_team_tree_team_id").light(),
        text("show_in_team_tree_team_name").light(),
        int("ticket_count").light(),
        boolean("connectedinstance_error").light(),
        text("column_profile_name").light(),
        text("filter_profile_name").light(),
        text("connectedinstance_name").light(),
        anys("filters").core().full_when(Show::NONE),
        int("group").light(),
        text("group_name").light(),
        int("group_seq").light(),
        int("group_type").light(),
        boolean("group_collapsed").light(),
        anys("order").core().full_when(Show::NONE),
        int("columns_id").core().light().refers(ViewColumns),
    ],
};
