//! What the program's tables do not say: where a behaviour comes from, and what is not built yet.

/// Where a parameter stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum At {
    List,
    Get,
}

/// What an integrator can expect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Works,
    Stored,
    Accepted,
    NotYet,
}

impl State {
    /// The word on the page.
    pub fn text(self) -> &'static str {
        match self {
            State::Works => "works",
            State::Stored => "stored only",
            State::Accepted => "accepted",
            State::NotYet => "not yet",
        }
    }
}

use At::{Get, List};
use State::{Accepted, Stored, Works};

/// The published parameters and their marks; `""` as the path stands for every list. Whether one
/// works is read from the endpoint's table.
pub const PARAMETERS: &[(&str, At, &str, &str)] = &[
    ("", List, "pageinate page_no page_size", "[seed]; sizes up to 1000 [seen]"),
    ("", List, "count", "[api] [seen]; without it all records [ours]"),
    ("", List, "order order2 order3 order4 order5", "[seed]; five keys, text case-blind [ours]"),
    (
        "",
        List,
        "orderdesc orderdesc2 orderdesc3 orderdesc4 orderdesc5",
        "[seed]; one for each key [ours]",
    ),
    ("", List, "search", "[api]; every word anywhere [ours]"),
    ("", List, "search_name_only showcounts", "[ours]"),
    ("", List, "advanced_search", "[seen]; any field [ours]"),
    ("", List, "idonly", "[seed]; shape [ours]"),
    ("", List, "includeactive includeinactive activeinactive", "[api]; defaults [ours]"),
    ("", List, "lastupdatefromdate lastupdatetodate", "[seed] as a flag; as a date-time [data]"),
    ("", List, "include_custom_fields sitefields", "[seed]"),
    ("client", List, "view_id", "[seed]; shape of a view [ours]"),
    ("client", List, "columns_id includecolumns", "[data]"),
    ("site", List, "view_id columns_id includecolumns", "[ours]"),
    ("supplier", List, "columns_id includecolumns", "[seed] as fields of the reply"),
    ("supplier", List, "view_id", "[ours]"),
    ("client", List, "toplevel_id", "[seed]; with those below it [ours]"),
    ("client", List, "domain", "[api]"),
    ("client", List, "exclude_internal ticketarea_id", "[ours]"),
    ("client", List, "accountmanageronly callplan includeqbofields", "[api]"),
    ("client", List, "azureclients gficlients snowclients issentinel isjira isservicenow", "[api]"),
    ("client", List, "sentinelid snowaccountid", "[api]"),
    ("client", List, "includenotes includeazuretenants includeinvoicetemplatename", "[seed]"),
    ("client", List, "include_website", "[seen]"),
    ("client", List, "integration_type integration_tenantids", "[seed]; which fields [ours]"),
    ("client", Get, "includedetails", "[api]; which objects [ours]"),
    ("client", Get, "includeactivity includeprepay includeperiods getavailablerts domain", "[api]"),
    ("client", Get, "tickettype_id", "[ours]"),
    ("client", Get, "includediagramdetails", "[seen]"),
    ("site", List, "toplevel_id", "[seed]; with those below it [ours]"),
    ("site", List, "exclude_internal", "[ours]"),
    ("site", List, "item_id_qty", "[api]; where stock is kept [ours]"),
    ("attachment", List, "ticket_id action_id type unique_id", "[seen]"),
    ("attachment", List, "client_id user_id", "[ours]"),
    ("attachment", Get, "includedetails", "[seen]; adds `data_base64` [ours]"),
    ("itemstock", List, "item_id site_id stockbin_id", "[ours]"),
    ("site", Get, "tickettype_id", "[ours]"),
    ("users", Get, "includedetails", "[seen]"),
    ("toplevel", Get, "includedetails", "[seen]"),
];

/// Parameters that published clients send and that change nothing here.
pub const NO_EFFECT: &[(&str, &str)] = &[("client", "includediagramdetails")];

/// Paths outside the table of endpoints. Those that have moved into it are left out of the page.
pub const PATHS: &[(&str, &str, State, &str)] = &[
    (
        "/auth/token",
        "POST",
        Works,
        "`client_credentials`, `password`, `refresh_token` [api] [seen]",
    ),
    ("/token", "POST", Works, "the same [seen]"),
    (
        "/auth/authorize",
        "GET, POST",
        Works,
        "the sign-in page: `authorization_code` with PKCE, method S256 [api]; `iss` in the reply [ours]",
    ),
    ("/authorize", "GET, POST", Works, "the same [ours]"),
    (
        "/auth/revoke, /revoke",
        "POST",
        Works,
        "revokes a token and all that came of the same signing in [ours]",
    ),
    ("/auth/userinfo, /userinfo", "GET", Works, "who is behind the token [ours]"),
    ("/authinfo", "GET", Works, "where to sign in [seen]"),
    ("/.well-known/openid-configuration", "GET", Works, "[seen]"),
    ("/auth/jwks", "GET", Works, "the public keys of tokens [ours]"),
    ("/agent/me", "GET", Works, "the calling agent [seen]"),
    ("/settings", "GET, POST", Works, "a tenant's settings [ours]"),
    ("/history", "GET", Works, "who changed what, every field before and after [ours]"),
    ("/history/{id}", "GET", Works, "one change [ours]"),
    ("/history/{id}/restore", "POST", Works, "undoes a change, whole or some fields [ours]"),
    ("/healthz", "GET", Works, "the program runs [ours]"),
    ("/readyz", "GET", Works, "the database answers [ours]"),
    ("/metrics", "GET", Works, "Prometheus text [ours]"),
    ("/client/me", "GET", Works, "the signed-in end user's client [seed]"),
    ("/client/NewAccountsId", "POST", Works, "[seed]"),
    ("/client/PaymentMethodUpdate", "POST", Works, "[seed]"),
    ("/site/StockBins", "GET, POST", Works, "another path of `/stockbins` [seed]"),
    ("/popupnote/read", "POST", Works, "marks as read or dismissed [seed]"),
    ("/recurringitem/invoiced", "POST", Works, "moves the next invoice date on [ours]"),
    ("/clientprepay/use", "GET, POST", Works, "books prepay time [ours]"),
    ("/openapi.json", "GET", Works, "this API, described [ours]"),
    ("/docs", "GET", Works, "the same as a page [ours]"),
    ("/clientcache", "GET", Works, "[seen]"),
    ("/changes", "GET", Works, "the change feed, also with `wait=` [ours]"),
    ("/changes/stream", "GET", Works, "the same as server-sent events [ours]"),
    ("/webhookdelivery", "GET", Works, "the log of webhook deliveries [ours]"),
    ("/webhookdelivery/{id}/replay", "POST", Works, "sends one again [ours]"),
    ("/webhook/{id}/test", "POST", Works, "sends a test [ours]"),
];

/// What holds for every path.
pub const PROTOCOL: &[(&str, State)] = &[
    ("POST creates and updates, array or bare object, all or nothing [seed] [seen]", Works),
    ("absent, null and value are three things [seen]", Works),
    ("names instead of ids, e.g. `toplevel_name` alone [seen]", Works),
    ("`[[…]]`, ids as text, `12.0` as an integer [seen]", Works),
    ("`ETag`, `If-None-Match`, `If-Match` [ours]", Works),
    ("`?dryrun=true`, `?bulkresponse=true` [ours]", Works),
    ("`Prefer: merge` for nested collections [ours]", Works),
    ("what was changed, deleted or merged can be put back for 30 days [ours]", Works),
    ("GET of a record with `asof`: as it was then [ours]", Works),
    ("`Idempotency-Key` [ours]", Works),
    ("limits per application with `RateLimit-…` headers [ours]", Works),
    ("compressed replies, CORS [ours]", Works),
    ("webhooks, and `_dont_fire_automations` [ours]", Works),
];

/// Fields about which the catalogue alone would say the wrong thing.
pub struct Fact {
    pub schema: &'static str,
    /// Separated by spaces.
    pub names: &'static str,
    pub state: State,
    /// The reason, or empty.
    pub why: &'static str,
}

const fn fact(schema: &'static str, names: &'static str, state: State, why: &'static str) -> Fact {
    Fact { schema, names, state, why }
}

/// The first line that names a field counts.
pub const FIELDS: &[Fact] = &[
    // What a request only writes, and is done.
    fact(
        "Area",
        "newclient_sitename newclient_phonenumber newclient_timezone newclient_domain",
        Works,
        "",
    ),
    fact(
        "Area",
        "newclient_delivery_address newclient_countrycode newclient_regioncode",
        Works,
        "",
    ),
    fact("Area", "newclient_siteguid newclient_contactname newclient_contactemail", Works, ""),
    fact("Area", "newclient_contacttitle site_update _merge_client_into", Works, ""),
    fact("Site", "newsite_contactname newsite_contactemail newsite_contacttitle", Works, ""),
    fact("Area", "_dont_fire_automations", Works, "no webhook for this record"),
    fact("Site", "_dont_fire_automations", Works, "no webhook for this record"),
    fact("Webhook", "signed", Works, "whether it has a secret"),
    fact("Area", "newclient_web_access_level", Works, WEB_ACCESS),
    fact("Site", "newsite_web_access_level", Works, WEB_ACCESS),
    fact("Users_List", "web_access_level", Stored, "there is no portal"),
    fact("Area", "newclient_sendwelcomeemail", Accepted, NO_MAIL),
    fact("Site", "newsite_sendwelcomeemail", Accepted, NO_MAIL),
    fact("Area", "_reassign_all_to_user", Works, REASSIGNED),
    fact("Site", "_reassign_all_to_user", Works, REASSIGNED),
    fact("Area", "import_address", Works, "the main site's delivery address"),
    fact("Area", "import_notes", Works, "CRM notes of the client"),
    fact("Area", "import_azure_tenant", Works, "a tenant link through import_details_id"),
    fact("Area", "_apply_billingtemplate", Works, "what the template sets and the body does not"),
    fact("Area", "new_external_link _importtype _isimport", Works, ""),
    fact("Site", "new_external_link _importtype _isimport _isxero", Works, ""),
    fact("Company", "new_external_link _importtype", Works, ""),
    fact("Users_List", "password", Works, ""),
    // What rules compute.
    fact("Area", "open_ticket_count onhold_ticket_count total_ticket_count", Works, ""),
    fact("Area", "opened_thismonth_count opps_ticket_count", Works, ""),
    fact("Area", "popup_notes areaitems azure_tenants", Works, ""),
    fact("Area", "allowed_tickettypes", Works, ""),
    fact("RequestType_List", "allowed_clients", Works, ""),
    fact("AreaPopup", "read_status", Works, ""),
    fact("Area", "main_delivery_address main_invoice_address", Works, ""),
    fact("Site", "open_ticket_count onhold_ticket_count total_ticket_count", Works, ""),
    fact("Site", "opened_thismonth_count popup_notes sitecontacts stockbins", Works, ""),
    fact("Users_List", "popup_notes", Works, ""),
    // Merged by id or name, checked against their definitions.
    fact("Area", "customfields site_fields", Works, ""),
    fact("Site", "customfields site_fields", Works, ""),
    fact("Users_List", "customfields", Works, ""),
    fact("Company", "customfields", Works, ""),
    fact("AreaNote", "customfields", Works, ""),
    fact("Organisation", "customfields", Works, ""),
    // Prepay.
    fact("Area", "prepaytotal prepayused prepaybalance prepayhistory periods", Works, ""),
    fact("Area", "prepayrecurringcharge prepayrecurringhours", Works, ""),
    fact("Area", "prepayrecurringchargebp prepayrecurringchargenextdate", Works, ""),
    fact("Area", "prepayrecurringexpirymonths prepayasamount", Works, ""),
    fact("Area", "autotopupthreshhold autotopuptoamount", Works, ""),
    fact("Area", "autotopupbyamount autotopupcostperhour", Works, ""),
    fact("Area", "prepayrecurringminimumdeduction", Stored, NO_DEDUCTIONS),
    fact("Area", "prepayrecurringminimumdeductiononlyactive", Stored, NO_DEDUCTIONS),
    fact(
        "Area",
        "prepayrecurringautomaticdeduction billforrecurringprepayamount",
        Stored,
        NO_DEDUCTIONS,
    ),
    fact("PrepayHistory", "reverses_id", Works, ""),
    fact("AreaItem", "originalenddate", Works, ""),
    fact("AreaItem", "invoicenumbers", Works, ""),
    // Agreements: kept for the programs that bill.
    fact("Area", "chargeperiod", Works, ANY_CODE),
    fact("Area", "chargehours hourlyrate periodcharge", Works, EXACT),
    fact("Area", "invoiceyes dontinvoice", Works, ITEMS_GO_BY_THEIR_OWN),
    fact("Area", "paymentterms", Works, NO_DUE_DATES),
    fact("Area", "chargecarryover chargehours2 hourlyrate2 emailinvoice", Stored, NO_BILLING),
    fact(
        "Area",
        "dont_auto_send_invoices needsinvoice automatic_sales_tax taxable",
        Stored,
        NO_BILLING,
    ),
    fact("Area", "ticket_invoices_for_each_site due_date_type", Stored, NO_BILLING),
    // Lists that live inside their record: the body's list is the whole new one.
    fact("Area", "custombuttons faqlists", Works, ONLY_AN_ID),
    fact("Area", "billingplans", Works, INSIDE),
    fact("Site", "custombuttons faqlists", Works, ONLY_AN_ID),
    // Permissions of a client that other modules would apply.
    fact("Area", "allowall_category1 allowall_category2", Stored, NO_CATEGORIES),
    fact("Area", "allowall_category3 allowall_category4", Stored, NO_CATEGORIES),
    fact(
        "Area",
        "allow_api_access api_access_clientid",
        Stored,
        "applications are made with `aureole application`",
    ),
    fact("Area", "portalcolour portal_logo", Works, FOR_PORTALS),
    fact("Area", "override_portalcolour portalbackgroundimageurl", Works, FOR_PORTALS),
    // Other products are never called from here.
    fact(
        "Area",
        "test_servicenow test_jira create_jira_webhook update_licences",
        Accepted,
        OTHER_PRODUCTS,
    ),
    fact("Area", "_create_twilio_subaccount _close_twilio_subaccount", Accepted, OTHER_PRODUCTS),
    fact(
        "Area",
        "_pauseunpause_twilio_subaccount _create_twilio_recurringinvoice",
        Accepted,
        OTHER_PRODUCTS,
    ),
    fact("Company", "test_servicenow test_jira create_jira_webhook", Accepted, OTHER_PRODUCTS),
    // Stock, from `/ItemStock`.
    fact(
        "Site",
        "hasitemsinstock item_quantity_in_stock item_serialised_assets_in_stock",
        Works,
        "",
    ),
    fact("Site", "item_quantity_reserved item_quantity_reserved_on_order", Works, ""),
    fact("Site", "item_quantity_available", Works, ""),
    fact("Item", "quantity_in_stock", Works, ""),
    // Files.
    fact("Area", "attachments", Works, ""),
    fact("Attachment", "data data_base64 file filesize isimage linked_version_id", Works, ""),
    fact(
        "Attachment",
        "_enduserportalpdfprint _is_new_version _alreadyuploaded",
        Accepted,
        "a file's new content always replaces the old one, which history keeps",
    ),
    // Top levels.
    fact("Tree", "long_name user_count", Works, ""),
    // What a screen of the vendor's posts back.
    fact("Tree", "_canupdate", Accepted, OWN_RIGHTS),
    fact("Uname_List", "_canupdate _canupdate_moreinfo", Accepted, OWN_RIGHTS),
    fact("Attachment", "_canupdate", Accepted, OWN_RIGHTS),
    fact("CannedText", "_canupdate _isimport", Accepted, OWN_RIGHTS),
    fact("FieldInfo", "_testsql", Accepted, OTHER_PRODUCTS),
    fact("ExternalLink_List", "_match _webhookaction", Accepted, OTHER_PRODUCTS),
    fact("ViewColumns", "_temp", Accepted, "a profile that is posted is kept until it is deleted"),
    fact("Lookup", "_isnewcode", Accepted, "a code without an id is new"),
    fact("Company", "contract_count", Works, "always 0: contracts are no kind of record here"),
    fact("Company", "new_external_link", Works, ""),
    fact(
        "FAQListHead",
        "new_external_link",
        Accepted,
        "lists of questions have no links to elsewhere",
    ),
];

const WEB_ACCESS: &str = "kept on the contact as web_access_level";
const NO_MAIL: &str = "no e-mail is sent, and the reply says so";
const REASSIGNED: &str = "every ticket goes to that user, and to the user's site and client";
const ANY_CODE: &str = "kept, any code; nothing is charged by it here";
const EXACT: &str = "kept exactly, to 4 decimal places; no charge is worked out from it here";
const ITEMS_GO_BY_THEIR_OWN: &str = "kept; no invoices are made here, and `pending_recurring_invoice` goes by the item's own `dontinvoice`";
const NO_DUE_DATES: &str = "kept, in days; no due date is worked out from it here";
const ONLY_AN_ID: &str = "a list inside the record, replaced as a whole; an element that has only an id is the record with that id and shows what it says now";
const FOR_PORTALS: &str = "in `/Client/me`, for the portals that read it; there is none of our own";
const INSIDE: &str = "a list inside the record, replaced as a whole, elements known by id";
const NO_DEDUCTIONS: &str = "nothing is deducted or billed on its own";
const NO_BILLING: &str = "no invoices are made here";
const NO_CATEGORIES: &str = "ticket categories are not part of Aureole";
const OTHER_PRODUCTS: &str = "other products are never called";
const OWN_RIGHTS: &str = "what a caller may do follows from its token alone";
