//! Tax (`Tax`).
//! One line a field, in the published order.

use super::nested::KEY_PAIR2;
use crate::field::{Schema, boolean, decimal, int, list, object, text};

pub static TAX: Schema = Schema {
    name: "Tax",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column(),
        text("code").core().light(),
        decimal("value").core().light(),
        list("thirdparty_tax_rates", &KEY_PAIR2),
        text("xero_tenant_id").light(),
        text("xero_tenant_name").light(),
        text("third_party_desc").light(),
        boolean("is_composite").light(),
        list("linked_rates", &TAX),
        object("xerotaxrate", &KEY_PAIR2),
        int("kashflow_tenant_id").light(),
        text("kashflow_tenant_name").light(),
        object("kashflowtaxrate", &KEY_PAIR2),
        object("qbotaxrate", &KEY_PAIR2),
        text("qbocode").light(),
        text("qbocode_name").light(),
        object("qbotaxcode", &KEY_PAIR2),
        text("qbo_company_id").light(),
        text("qbo_company_name").light(),
        object("sageintacttaxcode", &KEY_PAIR2),
        int("sage_tenant_id").light(),
        text("sage_tenant_name").light(),
        object("sagebusinesscloudtaxcode", &KEY_PAIR2),
        int("exact_division").light(),
        text("exact_division_name").light(),
        object("exacttaxcode", &KEY_PAIR2),
        boolean("onseparateline").light(),
        object("myobtaxcode", &KEY_PAIR2),
        int("myob_details_id").light(),
        text("myob_details_name").light(),
        text("third_party_id").light(),
        text("avalara_id").light(),
        text("_warning").output(),
    ],
};
