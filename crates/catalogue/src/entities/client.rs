//! Client (`Area`)
//! One line a field, in the published order.

use super::address::ADDRESS_STORE;
use super::attachment::ATTACHMENT;
use super::azure_tenant::AREA_AZURE_TENANT;
use super::crm_note::AREA_NOTE;
use super::custom_button::CUSTOM_BUTTON;
use super::external_link::EXTERNAL_LINK_LIST;
use super::faq_list::FAQLIST_HEAD;
use super::nested::{
    CATEGORY_RESTRICTION, CHARGE_RATE, CHARGE_RATE_AREA, CONTRACT_DETAIL, CSPCUSTOMER,
    CUSTOM_FIELD, FIELD_HELPER, INTEGRATION_FIELD_MAPPING, KBENTRY_LIST, KEY_PAIR, KEY_PAIR2,
    SERVICE_RESTRICTION, SERVICE_USER, SNOW_LICENSE_ABSTRACT, STRIPE_PAYMENT_METHOD, TABNAME,
};
use super::organisation::ORGANISATION;
use super::popup_note::AREA_POPUP;
use super::prepay::{PREPAY_HISTORY, PREPAY_PERIOD};
use super::recurring_item::AREA_ITEM;
use super::site::SITE;
use super::ticket_type::REQUEST_TYPE_LIST;
use crate::entity::EntityKind::{
    Agent, BillingTemplate, Client, Currency, Organisation, Site, Surcharge, Tax, TopLevel, User,
};
use crate::field::{
    Schema, any, boolean, datetime, decimal, int, int64, list, object, text, texts,
};
use crate::show::Show;

pub static AREA: Schema = Schema {
    name: "Area",
    fields: &[
        int("id").core().light(),
        text("name").core().light().column().max(255),
        int("toplevel_id").core().light().refers(TopLevel),
        text("toplevel_name")
            .core()
            .light()
            .named()
            .name_of(&[("toplevel_id", TopLevel)]),
        boolean("inactive").core().light().column(),
        text("colour").core().light(),
        int("confirmemail").core().light(),
        int("actionemail").core().light(),
        int("clearemail").core().light(),
        int("messagegroup_id").core().light(),
        text("from_address_override"),
        boolean("override_org_logo"),
        text("override_org_name"),
        object("override_org_address", &ADDRESS_STORE),
        text("override_org_phone"),
        text("override_org_email"),
        text("override_org_website"),
        text("override_org_portalurl"),
        int("mailbox_override").core().light(),
        int("default_mailbox_id").core().light(),
        datetime("calldate"),
        int("item_tax_code").core().light().refers(Tax),
        int("service_tax_code").core().light().refers(Tax),
        int("prepay_tax_code").core().light().refers(Tax),
        int("contract_tax_code").core().light().refers(Tax),
        list("customfields", &CUSTOM_FIELD)
            .core()
            .light_when(Show::CUSTOM_FIELDS),
        list("custombuttons", &CUSTOM_BUTTON).core(),
        list("attachments", &ATTACHMENT).core(),
        list("site_fields", &FIELD_HELPER)
            .core()
            .light_when(Show::SITE_FIELDS),
        int("pritech").core().light().refers(Agent),
        int("sectech").core().light().refers(Agent),
        int("accountmanagertech").core().light().refers(Agent),
        text("notes").core().light_when(Show::NOTES),
        text("thirdpartynhdapiurl"),
        text("xeroid").core().light(),
        int("open_ticket_count")
            .core()
            .computed()
            .by_rule()
            .full_when(Show::ACTIVITY)
            .light_when(Show::ACTIVITY),
        int("opps_ticket_count")
            .computed()
            .by_rule()
            .full_when(Show::ACTIVITY),
        datetime("datecreated").core().computed(),
        int("createdfrom_id"),
        text("announce"),
        datetime("announcedate"),
        text("pritech_name")
            .core()
            .named()
            .name_of(&[("pritech", Agent)]),
        text("sectech_name").named().name_of(&[("sectech", Agent)]),
        boolean("prinotify"),
        boolean("secnotify"),
        boolean("priassign"),
        boolean("secassign"),
        text("accountmanagertech_name")
            .core()
            .named()
            .name_of(&[("accountmanagertech", Agent)]),
        int("chargeperiod").core(),
        decimal("chargehours").core(),
        decimal("chargecarryover"),
        boolean("invoiceyes").core(),
        text("fluserdef1"),
        text("fluserdef2"),
        text("fluserdef3"),
        text("fluserdef4"),
        text("fluserdef5"),
        boolean("floverride"),
        boolean("fluserdef1hide"),
        boolean("fluserdef2hide"),
        boolean("fluserdef3hide"),
        boolean("fluserdef4hide"),
        boolean("fluserdef5hide"),
        boolean("fluserdef1mand"),
        boolean("fluserdef2mand"),
        boolean("fluserdef3mand"),
        boolean("fluserdef4mand"),
        boolean("fluserdef5mand"),
        boolean("includeactions"),
        boolean("needsinvoice"),
        datetime("startdate"),
        decimal("startbalance"),
        decimal("hourlyrate").core(),
        decimal("periodcharge").core(),
        boolean("dontinvoice").core(),
        text("invoicetemplate").core(),
        text("invoicecomment"),
        datetime("lastinvoiceenddate"),
        boolean("showslaonweb"),
        text("item_tax_code_name")
            .named()
            .name_of(&[("item_tax_code", Tax)]),
        text("service_tax_code_name")
            .named()
            .name_of(&[("service_tax_code", Tax)]),
        text("contract_tax_code_name")
            .named()
            .name_of(&[("contract_tax_code", Tax)]),
        text("prepay_tax_code_name")
            .named()
            .name_of(&[("prepay_tax_code", Tax)]),
        int("imageindex"),
        decimal("chargehours2"),
        decimal("hourlyrate2"),
        text("cat2"),
        text("cat3"),
        text("cat4"),
        text("cat5"),
        datetime("enddate"),
        int("ucemail"),
        int("fcemail"),
        text("actguid"),
        int("smsbalance"),
        text("html"),
        decimal("hv"),
        datetime("hvdate"),
        boolean("emailinvoice"),
        boolean("dont_auto_send_invoices"),
        int("seriousnesslevel"),
        text("defcat1"),
        text("defcat2"),
        text("defcat3"),
        text("defcat4"),
        int("thresholdbreached"),
        boolean("monthlyreportinclude"),
        datetime("monthlyreportlastrun"),
        boolean("monthlyreportemaildirect"),
        boolean("monthlyreportemailmanager"),
        boolean("monthlyreportshowonweb"),
        int("areatype"),
        int("unmatchedcombinations"),
        datetime("prepayrecurringchargenextdate"),
        boolean("billforrecurringprepayamount"),
        decimal("prepayrecurringcharge"),
        decimal("prepayrecurringhours"),
        int("prepayrecurringchargebp"),
        text("accountsemailaddress").core(),
        text("disclaimermatchstring"),
        int("paymentterms").core(),
        boolean("showallnonbillable"),
        int("billinggroup"),
        decimal("autotopupthreshhold"),
        decimal("autotopuptoamount"),
        decimal("autotopupcostperhour"),
        decimal("autotopupbyamount"),
        int("surchargeid").core().refers(Surcharge),
        int("billingtemplate_id").core().refers(BillingTemplate),
        text("billingtemplate_name")
            .named()
            .name_of(&[("billingtemplate_id", BillingTemplate)]),
        text("overidegreeting"),
        int("clientpackage"),
        int("scopeofbusiness"),
        int("preferredagent").refers(Agent),
        text("callhandlingnotes"),
        int("automatic_callscript_id"),
        text("automatic_callscript_name"),
        text("teamviewerpassword").secret(),
        text("customertype_new"),
        decimal("discountperc").core(),
        boolean("showfaqfortoplevel"),
        text("accountsccemailaddress").core(),
        int("isopportunity"),
        text("snowname"),
        int("main_site_id").core().refers(Site),
        text("main_site_name")
            .core()
            .named()
            .name_of(&[("main_site_id", Site)]),
        int("linked_organisation_id").refers(Organisation),
        boolean("all_organisations_allowed"),
        list("allowed_organisations", &ORGANISATION),
        text("override_signature"),
        text("contractaccountsdesc"),
        text("prepayaccountsdesc"),
        list("site_update", &SITE).core().input(),
        text("newclient_sitename").core().input(),
        text("newclient_phonenumber").core().input(),
        text("newclient_domain").core().input(),
        text("newclient_timezone").input(),
        text("newclient_contactname").core().input(),
        text("newclient_contactemail").core().input(),
        text("newclient_contacttitle").input(),
        int("newclient_web_access_level").input(),
        boolean("newclient_sendwelcomeemail").input(),
        object("newclient_delivery_address", &ADDRESS_STORE)
            .core()
            .input(),
        text("newclient_countrycode").input(),
        int("newclient_regioncode").input(),
        list("faqlists", &FAQLIST_HEAD).core(),
        list("popup_notes", &AREA_POPUP).core().by_rule(),
        int("_reassign_all_to_user").input(),
        boolean("allowall_tickettypes").core(),
        list("allowed_tickettypes", &REQUEST_TYPE_LIST)
            .core()
            .by_rule()
            .full_when(Show::DETAILS.with(Show::TICKET_TYPES)),
        boolean("allowall_category1"),
        list("allowed_category1", &CATEGORY_RESTRICTION),
        boolean("allowall_category2"),
        list("allowed_category2", &CATEGORY_RESTRICTION),
        boolean("allowall_category3"),
        list("allowed_category3", &CATEGORY_RESTRICTION),
        boolean("allowall_category4"),
        boolean("alocked"),
        list("allowed_category4", &CATEGORY_RESTRICTION),
        int("onhold_ticket_count")
            .core()
            .computed()
            .by_rule()
            .full_when(Show::ACTIVITY)
            .light_when(Show::ACTIVITY),
        int("total_ticket_count")
            .core()
            .computed()
            .by_rule()
            .full_when(Show::ACTIVITY)
            .light_when(Show::ACTIVITY),
        int("opened_thismonth_count")
            .core()
            .computed()
            .by_rule()
            .full_when(Show::ACTIVITY)
            .light_when(Show::ACTIVITY),
        list("billingplans", &CONTRACT_DETAIL).core(),
        list("overriding_rates", &CHARGE_RATE),
        boolean("allowallchargerates"),
        list("chargerates", &CHARGE_RATE_AREA),
        text("newclient_siteguid").input(),
        boolean("_isimport").input(),
        text("_importtype").input(),
        boolean("excludefrominvoicesync").core().light(),
        boolean("allow_api_access"),
        text("api_access_clientid"),
        text("api_access_clientsecret").secret(),
        text("thirdpartynhdauthurl"),
        text("thirdpartynhdtenant"),
        text("thirdpartynhdapiclientid"),
        text("new_thirdpartynhdapiclientsecret").secret(),
        list("areaitems", &AREA_ITEM).core().by_rule(),
        text("portal_logo").core(),
        boolean("override_portalcolour"),
        text("portalcolour").core(),
        text("portalbackgroundimageurl"),
        int("ninjarmmid").core(),
        text("sales_tax_type"),
        text("purchase_tax_type"),
        boolean("isarchived_xero"),
        text("accountsfirstname").core(),
        text("accountslastname").core(),
        int("sales_tax_code").refers(Tax),
        int("purchase_tax_code").refers(Tax),
        text("purchase_tax_code_name")
            .named()
            .name_of(&[("purchase_tax_code", Tax)]),
        list("prepayhistory", &PREPAY_HISTORY)
            .by_rule()
            .full_when(Show::PREPAY),
        list("periods", &PREPAY_PERIOD)
            .core()
            .by_rule()
            .full_when(Show::PERIODS),
        decimal("prepayrecurringminimumdeduction"),
        boolean("prepayrecurringminimumdeductiononlyactive"),
        decimal("prepayrecurringautomaticdeduction"),
        decimal("prepaytotal")
            .core()
            .computed()
            .by_rule()
            .full_when(Show::PREPAY),
        decimal("prepayused")
            .core()
            .computed()
            .by_rule()
            .full_when(Show::PREPAY),
        decimal("prepaybalance")
            .core()
            .computed()
            .by_rule()
            .full_when(Show::PREPAY),
        int("preferreddeliverymethod"),
        int("qbodefaulttax").light_when(Show::QBO),
        int("default_contract"),
        int("device42id"),
        int("xerodetails_id"),
        text("xero_tenant_name"),
        text("servicenowid"),
        boolean("isnhserveremaildefault"),
        text("datto_id").core(),
        int("datto_alternate_id"),
        text("datto_url"),
        int("dattocommerce_tenantid"),
        int("qbodefaulttaxcode").light_when(Show::QBO),
        text("qbodefaulttaxcodename").light_when(Show::QBO),
        object("qbo_default_tax_code", &KEY_PAIR2).light_when(Show::QBO),
        int("connectwiseid").core(),
        int("autotaskid").core(),
        object("import_address", &ADDRESS_STORE).input(),
        list("import_notes", &AREA_NOTE).input(),
        int("ateraid"),
        int("kashflowid"),
        text("kashflow_tenant_name"),
        text("website").core().light_when(Show::WEBSITE),
        datetime("alastupdate")
            .computed()
            .updated_at()
            .light_when(Show::LAST_UPDATE),
        list("service_access", &SERVICE_RESTRICTION),
        list("service_subscriptions", &SERVICE_USER),
        text("snelstart_id"),
        text("default_currency_code_name")
            .named()
            .name_of(&[("default_currency_code", Currency)]),
        boolean("_apply_billingtemplate").input(),
        int("datto_commerce_id"),
        text("datto_commerce_url"),
        object("import_azure_tenant", &CSPCUSTOMER).input(),
        int("import_details_id"),
        int("syncroid"),
        list("kbentries", &KBENTRY_LIST),
        text("auvik_id").core(),
        text("hubspot_id").core(),
        text("hubspot_url"),
        boolean("hubspot_dont_sync"),
        boolean("hubspot_archived"),
        text("domain").core(),
        int64("passportal_id").core(),
        boolean("update_licences").input(),
        boolean("prepayasamount"),
        boolean("synced_to_intacct"),
        text("qbo_company_name").light_when(Show::QBO),
        int("oppid"),
        text("tax_number").core(),
        boolean("isclientdetails"),
        text("hubspot_lifecycle"),
        text("hudu_url"),
        int("prepayrecurringexpirymonths"),
        text("accountsbccemailaddress").core(),
        int("defaultcontractoverride"),
        text("defaultcontractoverride_ref"),
        int("sqlimport_id"),
        list("external_links", &EXTERNAL_LINK_LIST),
        object("new_external_link", &EXTERNAL_LINK_LIST).input(),
        text("_warning").output(),
        boolean("donotimport"),
        int("liongardid").core(),
        text("liongard_url"),
        boolean("sync_to_liongard"),
        text("regmanagertech_name")
            .named()
            .name_of(&[("regmanagertech", Agent)]),
        text("logmanagertech_name")
            .named()
            .name_of(&[("logmanagertech", Agent)]),
        text("salesreptech_name")
            .named()
            .name_of(&[("salesreptech", Agent)]),
        boolean("default_team_to_salesrep_override"),
        text("default_team_to_salesrep_override_team"),
        text("cxmleadtech_name")
            .named()
            .name_of(&[("cxmleadtech", Agent)]),
        text("portalchatprofile"),
        text("portalchatprofile_name"),
        text("kaseyaid").core(),
        text("trading_name").core(),
        text("dbc_company_name"),
        boolean("salesforce_dontsync"),
        text("stripe_customer_id").core(),
        text("stripe_payment_method_id").core(),
        text("stripe_payment_method_name"),
        object("stripe_paymentmethod", &STRIPE_PAYMENT_METHOD),
        text("current_licences"),
        text("servicenow_url"),
        text("servicenow_locale"),
        text("servicenow_username"),
        text("new_servicenowkey").secret(),
        list("servicenow_priority_mappings", &INTEGRATION_FIELD_MAPPING),
        list("servicenow_status_mappings", &INTEGRATION_FIELD_MAPPING),
        list("servicenow_impact_mappings", &INTEGRATION_FIELD_MAPPING),
        list("servicenow_urgency_mappings", &INTEGRATION_FIELD_MAPPING),
        list("servicenow_category_mappings", &INTEGRATION_FIELD_MAPPING),
        text("servicenow_assignment_group"),
        text("servicenow_assignment_group_name"),
        object("servicenow_assignmentgroup", &KEY_PAIR2),
        text("servicenow_defaultuser_id"),
        text("servicenow_defaultuser_name"),
        object("servicenow_defaultuser", &KEY_PAIR2),
        boolean("test_servicenow").input(),
        int("sage_business_cloud_details_id"),
        text("sage_business_cloud_details_name"),
        int("exact_division"),
        text("exact_division_name"),
        int("ncentral_details_id"),
        text("currencyisocode"),
        text("intacct_location_id"),
        list("intacct_location_id_list", &KEY_PAIR2),
        text("intacct_location_type"),
        texts("new_categories"),
        text("jira_url"),
        text("jira_username"),
        text("new_jirakey").secret(),
        boolean("test_jira").input(),
        text("jira_servicedesk_id"),
        text("jira_servicedesk_name"),
        object("jira_servicedesk", &KEY_PAIR2),
        list("jira_requesttype_mappings", &INTEGRATION_FIELD_MAPPING),
        text("jira_user_id"),
        text("jira_user_name"),
        object("jira_user", &KEY_PAIR2),
        list("jira_priority_mappings", &INTEGRATION_FIELD_MAPPING),
        list("jira_status_mappings", &INTEGRATION_FIELD_MAPPING),
        boolean("create_jira_webhook").input(),
        boolean("jira_webhook_created"),
        int("defaultpdftemplateinvoicetickets"),
        int("defaultpdftemplateinvoiceorders"),
        int("defaultpdftemplateinvoicerecurring"),
        text("defaultpdftemplateinvoicetickets_name"),
        text("defaultpdftemplateinvoiceorders_name"),
        text("defaultpdftemplateinvoicerecurring_name"),
        text("intacct_invoice_save_location"),
        int("ingram_micro_details_id"),
        boolean("_dont_fire_automations").input(),
        object("main_delivery_address", &ADDRESS_STORE).by_rule(),
        object("main_invoice_address", &ADDRESS_STORE).by_rule(),
        text("main_contact_name")
            .named()
            .name_of(&[("main_site_id", Site), ("maincontact_id", User)]),
        text("main_phonenumber")
            .named()
            .looked_up(&[("main_site_id", Site)], "phonenumber"),
        boolean("auvik_site_inactive"),
        text("invoice_class"),
        text("new_icon"),
        int("fortnox_tenant"),
        text("fortnox_tenant_name"),
        boolean("servicenow_enable_webhook"),
        text("new_servicenow_webhooksecret").secret(),
        int("servicenow_webhook_user"),
        text("servicenow_webhook_user_name"),
        int("servicenow_webhook_tickettype"),
        text("servicenow_webhook_tickettype_name"),
        int("myob_tenant"),
        text("myob_tenant_name"),
        int("sync_servicenow_attachments"),
        text("twilio_subaccount_name"),
        boolean("twilio_subaccount_created"),
        text("twilio_subaccount_sid"),
        text("twilio_subaccount_status"),
        text("twilio_subaccount_authtoken").secret(),
        boolean("_create_twilio_subaccount").input(),
        boolean("_close_twilio_subaccount").input(),
        boolean("_pauseunpause_twilio_subaccount").input(),
        boolean("_create_twilio_recurringinvoice").input(),
        int("twilio_recurring_invoice_id"),
        int("override_layout_id"),
        text("override_layout_name"),
        list("extratabs", &TABNAME),
        list("servicenow_team_mappings", &INTEGRATION_FIELD_MAPPING),
        text("servicenow_ticket_sync"),
        list("servicenow_ticket_sync_list", &KEY_PAIR2),
        list("servicenow_fieldmappings", &INTEGRATION_FIELD_MAPPING),
        text("matching_value"),
        int("jira_webhook_user"),
        text("jira_webhook_username"),
        text("avalara_code"),
        text("avalara_tenant_name"),
        text("avalara_id"),
        int("_merge_client_into").input(),
        text("use").core().light().computed().constant("client"),
        text("logo"),
        int("regmanagertech").refers(Agent),
        int("logmanagertech").refers(Agent),
        int("salesreptech").refers(Agent),
        int("accountownertech").refers(Agent),
        int("cxmleadtech").refers(Agent),
        text("xero_tenant_id"),
        text("accountsid").core().light(),
        text("gficlientid"),
        int("overridepdftemplateinvoice"),
        text("overridepdftemplateinvoice_name"),
        int("kashflow_tenant_id"),
        int("client_to_invoice").core().light().refers(Client),
        text("client_to_invoice_name")
            .named()
            .name_of(&[("client_to_invoice", Client)]),
        int("invoiceduedaysextraclient"),
        text("itglue_id").core().light().column(),
        text("clientcurrency"),
        text("sentinel_subscription_id").core().light(),
        text("sentinel_workspace_name").core().light(),
        text("sentinel_resource_group_name").core().light(),
        int("sentinel_tenant_id"),
        text("sentinel_tenant_name"),
        int("default_currency_code").core().light().refers(Currency),
        int("client_to_invoice_recurring")
            .core()
            .light()
            .refers(Client),
        text("client_to_invoice_recurring_name")
            .named()
            .name_of(&[("client_to_invoice_recurring", Client)]),
        list("azure_tenants", &AREA_AZURE_TENANT)
            .by_rule()
            .full_when(Show::DETAILS)
            .light_when(Show::AZURE_TENANTS),
        int("snow_id"),
        list("snowLicences", &SNOW_LICENSE_ABSTRACT),
        text("qbo_company_id").core().light(),
        boolean("automatic_sales_tax"),
        int("cautomateid"),
        text("dbc_company_id").core().light(),
        int("stopped").core().light(),
        int("customertype").core().light(),
        list("customer_relationship", &KEY_PAIR),
        text("customer_relationship_list").core().light(),
        boolean("servicenow_validated").core().light(),
        int("sentinel_default_user_override"),
        text("sentinel_default_user_override_name"),
        boolean("jira_validated").core().light(),
        text("ref").core().light(),
        boolean("ticket_invoices_for_each_site").core().light(),
        text("intacct_save_location"),
        boolean("is_vip").core().light(),
        text("accountownertech_name")
            .named()
            .name_of(&[("accountownertech", Agent)]),
        boolean("taxable").core().light(),
        any("quickbooks_details"),
        int("percentage_to_survey").core().light(),
        text("billing_plan_text"),
        int("overridepdftemplatequote"),
        text("overridepdftemplatequote_name"),
        int("avalara_tenant"),
        int("due_date_type"),
        int("toplevel_quote_currency"),
        text("invoicetemplate_name").light_when(Show::INVOICE_TEMPLATE),
    ],
};
