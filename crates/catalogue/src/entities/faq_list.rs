//! Faq list (`FAQListHead`).
//! One line a field, in the published order.

use super::external_link::EXTERNAL_LINK_LIST;
use super::nested::ACCESS_CONTROL;
use crate::field::{Schema, anys, boolean, int, list, object, text, uuid};

pub static FAQLIST_HEAD: Schema = Schema {
    name: "FAQListHead",
    fields: &[
        uuid("guid").light(),
        text("intent").light(),
        int("id").core().light(),
        text("name").core().light().column(),
        boolean("showforall").light(),
        boolean("showforallagents").light(),
        int("level").light(),
        boolean("is_group").light(),
        int("group_id").light(),
        text("group_name").light(),
        text("full_name").light(),
        int("article_count").light(),
        int("type").light(),
        anys("fields"),
        text("grandparent_name").light(),
        text("greatgrandparent_name").light(),
        text("greatgreatgrandparent_name").light(),
        text("greatgreatgreatgrandparent_name").light(),
        text("fullgroup_name").light(),
        anys("roles"),
        anys("draft_roles"),
        object("new_external_link", &EXTERNAL_LINK_LIST).input(),
        boolean("_isimport").input(),
        text("_importtype").input(),
        int("import_details_id").light(),
        text("third_party_id").light(),
        anys("translations"),
        list("access_control", &ACCESS_CONTROL),
        int("access_control_level").light(),
    ],
};
