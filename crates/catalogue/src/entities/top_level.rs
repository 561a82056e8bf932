//! Top level (`Tree`)
//! One line a field, in the published order.

use super::agent::UNAME_LIST;
use super::nested::{CANNED_TEXT, MANAGER, SECTION_DETAIL_LIST, UNAME_DEPARTMENT, USER_DEPARTMENT};
use crate::entity::EntityKind::{Organisation, TopLevel};
use crate::field::{Schema, anys, boolean, int, list, text, uuid};
use crate::show::Show;

pub static TREE: Schema = Schema {
    name: "Tree",
    fields: &[
        int("id").core().light(),
        uuid("guid").light(),
        text("intent").light(),
        text("name").core().light().column(),
        int("accounts_override_mailbox").light(),
        int("parentid").core().light().refers(TopLevel),
        text("notes"),
        text("kashflowurl").light(),
        text("kashflowusername").light(),
        text("kashflowpassword").secret(),
        int("mailbox_override").light(),
        boolean("agent_department").light(),
        int("messagegroup_id").light(),
        list("agents", &UNAME_DEPARTMENT),
        list("users", &USER_DEPARTMENT),
        list("cannedtext", &CANNED_TEXT),
        anys("templates"),
        text("announcement").light(),
        text("invoice_class").light(),
        int("quote_profit_currency").light(),
        text("quote_profit_currency_name").light(),
        text("_warning").output(),
        boolean("_canupdate").input(),
        int("organisation_id").core().light().refers(Organisation),
        uuid("organisation_guid").light(),
        text("organisation_name")
            .core()
            .light()
            .named()
            .name_of(&[("organisation_id", Organisation)]),
        text("org_department_name").light(),
        text("long_name").core().light().computed().by_rule(),
        int("type").core().light(),
        list("teams", &SECTION_DETAIL_LIST),
        list("agent_members", &UNAME_LIST),
        list("managers", &MANAGER),
        int("user_count").light().computed().by_rule().full_when(Show::DETAILS),
    ],
};
