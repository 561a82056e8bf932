//! Recurring item (`AreaItem`).
//! One line a field, in the published order.

use crate::entity::EntityKind::{Client, Item, Site};
use crate::field::{Schema, boolean, datetime, decimal, int, text, texts};
use crate::show::Show;

pub static AREA_ITEM: Schema = Schema {
    name: "AreaItem",
    fields: &[
        int("id").core().light(),
        int("client_id").core().light().refers(Client),
        int("item_id").core().light().refers(Item),
        decimal("quantity").core().light(),
        text("areaitemdesc").core().light(),
        int("billingperiod_id").core().light(),
        datetime("startdate").core().light(),
        text("invoicenumber").core().light(),
        datetime("lastinvoicedate").core().light(),
        datetime("nextinvoicedate").core().light().column(),
        boolean("autorenew").core().light(),
        text("note").core().light(),
        decimal("costprice").core().light(),
        decimal("sellingprice").core().light(),
        text("accounts_id").core().light(),
        int("numberdayswarning").core().light(),
        int("dsite").core().light(),
        int("ddevnum").core().light(),
        int("technician").core().light(),
        int("billingcategory_id").core().light(),
        int("site_id").core().light().refers(Site),
        boolean("dontinvoice").core().light().column(),
        datetime("enddate").core().light(),
        text("_warning").output(),
        // Not published: the end date that was set, before renewals moved it on.
        datetime("originalenddate").computed(),
        // Not published: the numbers of its invoices, so that none counts twice.
        texts("invoicenumbers").computed().full_when(Show::DETAILS),
    ],
};
