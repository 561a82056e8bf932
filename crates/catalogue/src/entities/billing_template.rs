//! Billing template (`ContractTemplateHeader`).
//! One line a field, in the published order.

use crate::field::{Schema, anys, boolean, datetime, decimal, int, ints, text};

pub static CONTRACT_TEMPLATE_HEADER: Schema = Schema {
    name: "ContractTemplateHeader",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column(),
        int("unmatchedcombinations").light(),
        datetime("prepayrecurringchargenextdate").light(),
        boolean("billforrecurringprepayamount").light(),
        decimal("prepayrecurringcharge").light(),
        decimal("prepayrecurringhours").light(),
        int("prepayrecurringchargebp").light(),
        decimal("autotopupthreshhold").light(),
        decimal("autotopuptoamount").light(),
        decimal("autotopupcostperhour").light(),
        decimal("autotopupbyamount").light(),
        decimal("surchargeid").light(),
        decimal("numberofunitsfree").light(),
        decimal("prepayrecurringminimumdeduction").light(),
        boolean("prepayrecurringminimumdeductiononlyactive").light(),
        decimal("prepayrecurringautomaticdeduction").light(),
        anys("billingplans"),
        int("billingdescription").light(),
        int("subtype").light(),
        int("billingperiod").light(),
        ints("clients"),
        boolean("create_contract").light(),
        text("_warning").output(),
    ],
};
