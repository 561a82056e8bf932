//! Site field (`Field`).
//! One line a field, in the published order.

use super::lookup::LOOKUP;
use crate::field::{Schema, anys, boolean, int, list, text, uuid};

pub static FIELD: Schema = Schema {
    name: "Field",
    fields: &[
        uuid("guid").light(),
        text("intent").light(),
        text("kind").light(),
        int("id").core().light(),
        int("typeinfo_id").light(),
        text("name").core().light().column(),
        text("validate").light(),
        int("systemuse").light(),
        text("url").light(),
        text("idstring").light(),
        int("datafrom").light(),
        int("datalength").light(),
        boolean("issoftware").light(),
        int("sequence").core().light(),
        int("lookup").light(),
        boolean("mandatory").core().light(),
        boolean("showoncalendar").light(),
        int("moveupdatetype").light(),
        int("inactiveupdatetype").light(),
        text("moveupdatedefault").light(),
        boolean("showonactivity").light(),
        list("values", &LOOKUP),
        text("new_values").light(),
        int("parenttype_id").light(),
        text("parenttype_name").light(),
        int("mapping_id").light(),
        boolean("order_values_alphanumerically").light(),
        int("tab_id").light(),
        text("tab_name").light(),
        int("tab_sequence").light(),
        int("tab_columns").light(),
        text("groupname").light(),
        int("techdetail").light(),
        int("userdetail").light(),
        anys("visibility_conditions"),
        int("access_level").light(),
        text("_warning").output(),
    ],
};
