//! Prepay (`PrepayHistory`, `PrepayPeriod`) and, as an extension, what was used of it.
//! One line a field, in the published order.

use crate::entity::EntityKind::{Client, PrepayLot, Ticket};
use crate::field::{Schema, boolean, datetime, decimal, int, text};

pub static PREPAY_HISTORY: Schema = Schema {
    name: "PrepayHistory",
    fields: &[
        int("id").core().light(),
        int("client_id").core().light().refers(Client),
        text("client_name").core().light().named().name_of(&[("client_id", Client)]),
        datetime("date").core().light().column(),
        decimal("hours").core().light(),
        text("description").core().light(),
        datetime("invoicedate").light(),
        text("invoice_id").core().light(),
        decimal("amount").core().light(),
        datetime("expirydate").core().light().column(),
        boolean("expirychecked").light(),
        text("_warning").output(),
        text("invoice_number").core().light(),
        int("client_to_invoice_to_id").light(),
        // Not published: the lot that this one takes back.
        int("reverses_id").light().computed().refers(PrepayLot),
    ],
};

/// Time or money that was taken from the lots.
pub static PREPAY_USE: Schema = Schema {
    name: "PrepayUse",
    fields: &[
        int("id").core().light(),
        int("client_id").core().light().refers(Client),
        text("client_name").core().light().named().name_of(&[("client_id", Client)]),
        datetime("date").core().light().column(),
        decimal("hours").core().light(),
        decimal("amount").core().light(),
        text("description").core().light(),
        int("ticket_id").core().light().refers(Ticket),
        text("_warning").output(),
    ],
};

pub static PREPAY_PERIOD: Schema = Schema {
    name: "PrepayPeriod",
    fields: &[
        int("id").light(),
        int("contract_id").light(),
        text("name").light(),
        datetime("start_date").light(),
        datetime("end_date").light(),
        datetime("start_date_display").light(),
        datetime("end_date_display").light(),
        boolean("current").light(),
        decimal("hours_added").light(),
        decimal("hours_expired").light(),
        decimal("hours_remaining").light(),
        decimal("hours_used_this_period").light(),
        decimal("amount_added").light(),
        decimal("amount_expired").light(),
        decimal("amount_remaining").light(),
        decimal("amount_used_this_period").light(),
    ],
};
