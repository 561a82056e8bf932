//! End user (`Users_List`)
//! One line a field, in the published order.

use super::attachment::ATTACHMENT;
use super::custom_button::CUSTOM_BUTTON;
use super::nested::CUSTOM_FIELD;
use super::popup_note::AREA_POPUP;
use crate::entity::EntityKind::{Agent, Client, Currency, Site, Tax};
use crate::field::{Schema, anys, boolean, datetime, decimal, int, list, text};
use crate::show::Show;

pub static USERS_LIST: Schema = Schema {
    name: "Users_List",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column(),
        int("site_id").core().light().refers(Site),
        int("site_id_int").light(),
        text("site_name")
            .core()
            .light()
            .named()
            .name_of(&[("site_id", Site)]),
        text("client_name")
            .core()
            .light()
            .named()
            .name_of(&[("client_id", Client)]),
        text("firstname").core().light(),
        text("surname").core().light(),
        text("initials").light(),
        text("title").core().light(),
        text("emailaddress").core().light().column().max(320),
        text("phonenumber_preferred").light(),
        text("sitephonenumber").light(),
        text("phonenumber").core().light(),
        text("homenumber").light(),
        text("mobilenumber").light(),
        text("mobilenumber2").light(),
        text("fax").light(),
        int("telpref").light(),
        text("activedirectory_dn").light(),
        text("onpremise_activedirectory_dn").light(),
        text("container_dn").light(),
        text("login").core().light().max(320),
        boolean("inactive").core().light().column(),
        text("colour").light(),
        boolean("isimportantcontact").core().light(),
        text("other1").light(),
        text("other2").light(),
        text("other3").light(),
        text("other4").light(),
        text("other5").light(),
        text("notes"),
        boolean("neversendemails").light(),
        int("default_currency_code").light().refers(Currency),
        text("site_guid").light(),
        text("area_guid").light(),
        text("site_cautomate_guid").light(),
        int("priority_id").light(),
        int("linked_agent_id").light().refers(Agent),
        boolean("covered_by_contract").light(),
        decimal("contract_value").light(),
        text("software_role_name").light(),
        list("customfields", &CUSTOM_FIELD).light_when(Show::CUSTOM_FIELDS),
        list("attachments", &ATTACHMENT),
        list("custombuttons", &CUSTOM_BUTTON),
        int("relationship_id").light(),
        anys("user_relationships"),
        int("uddevsite").light(),
        int("uddevnum").light(),
        int("uduserid").light(),
        int("userdevicerolecount").light(),
        text("site_hubspot_guid").light(),
        boolean("isserviceaccount").light(),
        boolean("ignoreautomatedbilling").light(),
        boolean("isimportantcontact2").light(),
        int("connectwiseid").light(),
        int("autotaskid").light(),
        int("messagegroup_id").light(),
        text("role_list").light(),
        text("sitetimezone").light(),
        int("client_account_manager_id").light(),
        text("use").core().light().computed().constant("user"),
        int("client_id").core().light().refers(Client),
        int("item_tax_code").light().refers(Tax),
        boolean("automatic_sales_tax").light(),
        boolean("client_taxable").light(),
        int("overridepdftemplatequote").light(),
        text("overridepdftemplatequote_name").light(),
        datetime("contract_end_date").light(),
        text("okta_id").light(),
        text("azure_id").light(),
        text("user_with_clientsite").light(),
        int("client_automatic_callscript_id").light(),
        list("popup_notes", &AREA_POPUP).by_rule(),
        text("password").secret(),
    ],
};
