//! Crm note (`AreaNote`).
//! One line a field, in the published order.

use super::nested::CUSTOM_FIELD;
use crate::entity::EntityKind::{Agent, Client, Site, Supplier, User};
use crate::field::{Schema, boolean, datetime, decimal, int, list, text};
use crate::show::Show;

pub static AREA_NOTE: Schema = Schema {
    name: "AreaNote",
    fields: &[
        int("id").core().light(),
        int("client_id").core().light().refers(Client),
        int("supplier_id").core().light().refers(Supplier),
        int("sales_order_id").core().light(),
        int("purchase_order_id").core().light(),
        int("quote_id").core().light(),
        int("invoice_id").core().light(),
        int("site_id").core().light().refers(Site),
        int("user_id").core().light().refers(User),
        datetime("datetime").core().light().column(),
        int("who_agentid").core().light().refers(Agent),
        text("note").core().light(),
        text("detail").full_when(Show::DETAILS),
        decimal("timetaken").core().light(),
        text("mailentryid").core().light(),
        datetime("nextcalldate").core().light(),
        text("satisfaction").core().light(),
        text("third_party_id").core().light().column(),
        list("customfields", &CUSTOM_FIELD).core().light_when(Show::CUSTOM_FIELDS),
        int("ticketid").core().light(),
        text("_warning").output(),
        boolean("hide_time_taken").core().light(),
        boolean("add_to_calendar").core().light(),
        int("app_user_id").core().light(),
        int("app_agent_id").core().light(),
        text("app_subject").core().light(),
        decimal("nextcallduration").core().light(),
    ],
};
