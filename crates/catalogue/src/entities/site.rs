//! Site (`Site`, `Site_List`)
//! One line a field, in the published order.

use super::address::ADDRESS_STORE;
use super::custom_button::CUSTOM_BUTTON;
use super::external_link::EXTERNAL_LINK_LIST;
use super::faq_list::FAQLIST_HEAD;
use super::nested::{CUSTOM_FIELD, FIELD_HELPER, KEY_PAIR2};
use super::popup_note::AREA_POPUP;
use super::site_contact::SITE_CONTACT;
use super::stock_bin::STOCK_BIN;
use crate::entity::EntityKind::{Agent, Client, Currency, Organisation, Surcharge, Tax, User};
use crate::field::{Schema, Tickets, boolean, datetime, decimal, int, int64, list, object, text};
use crate::show::Show;

pub static SITE: Schema = Schema {
    name: "Site",
    fields: &[
        text("accountsid"),
        text("accountsfirstname"),
        text("accountslastname"),
        text("accountsemailaddress"),
        text("accountsccemailaddress"),
        text("accountsbccemailaddress"),
        int("id").core().light(),
        text("name").core().light().column().max(255),
        int("client_id").core().light().refers(Client),
        text("client_name").core().light().named().name_of(&[("client_id", Client)]),
        text("clientsite_name").core().light().computed().client_site_name(),
        boolean("inactive").core().light().column(),
        int("sla_id").core().light(),
        text("phonenumber").core().light().column(),
        text("colour").core().light(),
        text("timezone").core().light(),
        boolean("invoice_address_isdelivery").core().light(),
        text("notes").core().light().light_when(Show::NOTES),
        boolean("isstocklocation").core().light().column(),
        int("messagegroup_id").core().light(),
        decimal("item_quantity_in_stock").core().light().computed().by_rule(),
        decimal("item_serialised_assets_in_stock").core().light().computed().by_rule(),
        decimal("item_quantity_reserved").core().light().computed().by_rule(),
        decimal("item_quantity_reserved_on_order").core().light().computed().by_rule(),
        decimal("item_quantity_available").core().light().computed().by_rule(),
        datetime("datecreated").core().computed(),
        decimal("text"),
        decimal("globx"),
        decimal("globy"),
        decimal("style"),
        int("inuseby"),
        decimal("upwho"),
        datetime("uptimestamp"),
        decimal("xrefsite"),
        int("zoffsetx"),
        int("zoffsety"),
        decimal("zoomx"),
        decimal("zoomy"),
        int("smallx"),
        int("smally"),
        int("bigx"),
        int("bigy"),
        text("ldapstring"),
        text("emaildomain"),
        int("deliverby"),
        boolean("isinvoicesite").core().light().column(),
        int("refnumber"),
        boolean("defaultdelivery"),
        int("seriousnesslevel"),
        decimal("geocoord1").core().light().fine(),
        decimal("geocoord2").core().light().fine(),
        text("todomain"),
        int("defaultstocklocation"),
        int("stopped"),
        int("sitetimeoffset"),
        int("sitedateformat"),
        text("disclaimermatchstring"),
        text("emailsubjectprefix"),
        int("regionaldirector").refers(Agent),
        int("facilitiesmanager").refers(Agent),
        text("actguid"),
        text("teamviewerpassword").secret(),
        datetime("contractlastchecked"),
        text("maincontact_name").core().light().named().name_of(&[("maincontact_id", User)]),
        text("wildcardref"),
        datetime("monthlyreportlastrun"),
        boolean("monthlyreportinclude"),
        boolean("monthlyreportemailmanager"),
        boolean("accountmanagertech"),
        boolean("monthlyreportemaildirect"),
        int("language_id"),
        text("language_name"),
        text("snowname"),
        int("linked_organisation_id").refers(Organisation),
        boolean("slocked"),
        text("newsite_contactname").input(),
        text("newsite_contactemail").input(),
        text("newsite_contacttitle").input(),
        int("newsite_web_access_level").input(),
        boolean("newsite_sendwelcomeemail").input(),
        object("delivery_address", &ADDRESS_STORE),
        object("invoice_address", &ADDRESS_STORE),
        list("popup_notes", &AREA_POPUP).by_rule(),
        int("_reassign_all_to_user").input(),
        list("fields", &FIELD_HELPER),
        int("open_ticket_count")
            .tickets(Tickets::Open)
            .full_when(Show::ACTIVITY)
            .light_when(Show::ACTIVITY),
        int("onhold_ticket_count")
            .tickets(Tickets::OnHold)
            .full_when(Show::ACTIVITY)
            .light_when(Show::ACTIVITY),
        int("total_ticket_count")
            .tickets(Tickets::Total)
            .full_when(Show::ACTIVITY)
            .light_when(Show::ACTIVITY),
        int("opened_thismonth_count")
            .tickets(Tickets::ThisMonth)
            .full_when(Show::ACTIVITY)
            .light_when(Show::ACTIVITY),
        text("guid"),
        list("sitecontacts", &SITE_CONTACT).by_rule(),
        boolean("_isimport").input(),
        int("cautomateid"),
        int("ninjarmmid"),
        text("_importtype").input(),
        boolean("_isxero").input(),
        text("servicenowid"),
        boolean("isnhserveremaildefault"),
        int("device42id"),
        text("datto_id"),
        int("datto_alternate_id"),
        text("datto_url"),
        int("connectwiseid"),
        text("azuretenantid"),
        int("autotaskid"),
        text("pagerdutywildcard"),
        int("ateraid"),
        datetime("slastupdate").computed().updated_at().light_when(Show::LAST_UPDATE),
        int("site_service_tax_code").refers(Tax),
        int("site_prepay_tax_code").refers(Tax),
        int("site_contract_tax_code").refers(Tax),
        text("site_item_tax_code_name").named().name_of(&[("site_item_tax_code", Tax)]),
        text("site_service_tax_code_name").named().name_of(&[("site_service_tax_code", Tax)]),
        text("site_contract_tax_code_name").named().name_of(&[("site_contract_tax_code", Tax)]),
        text("site_prepay_tax_code_name").named().name_of(&[("site_prepay_tax_code", Tax)]),
        int("site_sales_tax_code").refers(Tax),
        int("site_purchase_tax_code").refers(Tax),
        text("site_purchase_tax_code_name").named().name_of(&[("site_purchase_tax_code", Tax)]),
        int("syncroid"),
        text("third_party_client_name").named().name_of(&[("client_id", Client)]),
        text("auvik_id"),
        list("faqlists", &FAQLIST_HEAD),
        boolean("all_faqlists_allowed"),
        text("hubspot_id"),
        int64("passportal_id"),
        int("import_site_mapping"),
        text("_warning").output(),
        boolean("issitedetails"),
        text("hudu_url"),
        int("liongardid"),
        text("kaseyaid"),
        int("surchargeid").refers(Surcharge),
        text("country_code"),
        int("region_code"),
        list("stockbins", &STOCK_BIN).core().light().by_rule().light_when(Show::DETAILS),
        int("ncentral_details_id"),
        object("new_external_link", &EXTERNAL_LINK_LIST).input(),
        int("import_details_id"),
        boolean("hasitemsinstock")
            .computed()
            .by_rule()
            .full_when(Show::DETAILS)
            .light_when(Show::ITEM_QUANTITY),
        boolean("_dont_fire_automations").input(),
        int("sqlimport_id"),
        text("matching_value"),
        text("lapsafe_default_installation_name"),
        object("lapsafe_default_installation_obj", &KEY_PAIR2),
        list("external_links", &EXTERNAL_LINK_LIST),
        text("use").core().light().computed().constant("site"),
        list("customfields", &CUSTOM_FIELD).core().light().light_when(Show::CUSTOM_FIELDS),
        list("site_fields", &FIELD_HELPER).core().light().light_when(Show::SITE_FIELDS),
        int("gfisiteid").core().light(),
        text("delivery_address_line1")
            .core()
            .light()
            .address_line("delivery_address", "line1")
            .light_when(Show::ADDRESS),
        text("delivery_address_line2")
            .core()
            .light()
            .address_line("delivery_address", "line2")
            .light_when(Show::ADDRESS),
        text("delivery_address_line3")
            .core()
            .light()
            .address_line("delivery_address", "line3")
            .light_when(Show::ADDRESS),
        text("delivery_address_line4")
            .core()
            .light()
            .address_line("delivery_address", "line4")
            .light_when(Show::ADDRESS),
        text("delivery_address_line5")
            .core()
            .light()
            .address_line("delivery_address", "postcode")
            .light_when(Show::ADDRESS),
        text("itglue_id").core().light(),
        text("client_itglue_id")
            .core()
            .light()
            .named()
            .looked_up(&[("client_id", Client)], "itglue_id"),
        list("custombuttons", &CUSTOM_BUTTON).core().light().light_when(Show::DETAILS),
        int("stockbin_id").core().light(),
        text("stockbin_name").core().light(),
        text("country_code_name").core().light(),
        text("region_code_name").core().light(),
        text("ref").core().light(),
        text("lapsafe_default_installation").core().light(),
        int("maincontact_id").core().light().refers(User),
        int("site_item_tax_code").core().light().refers(Tax),
        text("invoice_address_line1")
            .core()
            .light()
            .address_line("invoice_address", "line1")
            .light_when(Show::ADDRESS),
        text("invoice_address_line2")
            .core()
            .light()
            .address_line("invoice_address", "line2")
            .light_when(Show::ADDRESS),
        text("invoice_address_line3")
            .core()
            .light()
            .address_line("invoice_address", "line3")
            .light_when(Show::ADDRESS),
        text("invoice_address_line4")
            .core()
            .light()
            .address_line("invoice_address", "line4")
            .light_when(Show::ADDRESS),
        text("invoice_address_line5")
            .core()
            .light()
            .address_line("invoice_address", "postcode")
            .light_when(Show::ADDRESS),
        int("default_currency_code").core().light().refers(Currency),
        int("client_to_invoice").core().light().refers(Client),
        int("client_to_invoice_recurring").core().light().refers(Client),
    ],
};
