//! The table of routes: which kind of record answers where, in which envelope, for whom.

use aureole_catalogue::EntityKind;

use crate::auth::scopes::Area;

/// Which right a kind of record needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// `read:X` to read and `edit:X` to write, for one of these areas.
    Areas(&'static [Area]),
    /// Any token may read; writing takes the `admin` scope and an administrator.
    Definitions,
    /// Reading and writing take the `admin` scope and an administrator who may see every client.
    Administrators,
}

/// One kind of record on the wire.
pub struct Endpoint {
    /// In lower case, without slashes.
    pub path: &'static str,
    pub kind: EntityKind,
    /// The list's key in its envelope; `None` for a bare array.
    pub envelope: Option<&'static str>,
    /// What messages call the collection.
    pub place: &'static str,
    pub guard: Guard,
    /// Parameters of the list beyond those that all lists have.
    pub list_params: &'static [&'static str],
    /// Parameters of GET by id.
    pub get_params: &'static [&'static str],
}

const CUSTOMERS: Guard = Guard::Areas(&[Area::Customers]);
const PREPAY: Guard = Guard::Areas(&[Area::Invoices, Area::Customers]);

const fn endpoint(
    path: &'static str,
    kind: EntityKind,
    place: &'static str,
    guard: Guard,
) -> Endpoint {
    Endpoint {
        path,
        kind,
        envelope: None,
        place,
        guard,
        list_params: &[],
        get_params: &["includedetails"],
    }
}

impl Endpoint {
    const fn envelope(mut self, key: &'static str) -> Endpoint {
        self.envelope = Some(key);
        self
    }
    const fn list(mut self, params: &'static [&'static str]) -> Endpoint {
        self.list_params = params;
        self
    }
    const fn get(mut self, params: &'static [&'static str]) -> Endpoint {
        self.get_params = params;
        self
    }
}

/// Every kind of record that has a route.
pub static ENDPOINTS: &[Endpoint] = &[
    endpoint("client", EntityKind::Client, "clients", CUSTOMERS)
        .envelope("clients")
        .list(&[
            "accountmanageronly",
            "azureclients",
            "callplan",
            "domain",
            "exclude_internal",
            "gficlients",
            "includeazuretenants",
            "includeinvoicetemplatename",
            "includenotes",
            "includeqbofields",
            "include_website",
            "isjira",
            "issentinel",
            "isservicenow",
            "sentinelid",
            "snowaccountid",
            "snowclients",
            "toplevel_id",
            "ticketarea_id",
            "integration_type",
            "integration_tenantids",
            "view_id",
            "columns_id",
            "includecolumns",
        ])
        .get(&[
            "domain",
            "getavailablerts",
            "includeactivity",
            "includedetails",
            "includediagramdetails",
            "includeperiods",
            "includeprepay",
            "tickettype_id",
        ]),
    endpoint("site", EntityKind::Site, "sites", CUSTOMERS)
        .envelope("sites")
        .list(&[
            "azuresites",
            "client_id",
            "exclude_internal",
            "gfisites",
            "includeaddress",
            "includenonstocklocations",
            "includenotes",
            "includestocklocations",
            "item_id_qty",
            "stocklocation",
            "toplevel_id",
            "site_id",
            "view_id",
            "columns_id",
            "includecolumns",
        ])
        .get(&["client_override", "domain", "includeactivity", "includedetails", "tickettype_id"]),
    endpoint("supplier", EntityKind::Supplier, "suppliers", Guard::Areas(&[Area::Suppliers]))
        .envelope("suppliers")
        .list(&[
            "kashflowtenantid",
            "toplevel_id",
            "xerotenantid",
            "view_id",
            "columns_id",
            "includecolumns",
        ]),
    endpoint("users", EntityKind::User, "users", CUSTOMERS).envelope("users").list(&[
        "client_id",
        "site_id",
        "toplevel_id",
        "exclude_internal",
    ]),
    endpoint("tickets", EntityKind::Ticket, "tickets", Guard::Areas(&[Area::Tickets]))
        .envelope("tickets")
        .list(&["client_id", "site_id", "user_id", "agent_id", "open_only"]),
    endpoint("toplevel", EntityKind::TopLevel, "tree", CUSTOMERS)
        .envelope("tree")
        .list(&["type", "org_id"])
        .get(&["includedetails"]),
    endpoint("crmnote", EntityKind::CrmNote, "actions", Guard::Areas(&[Area::Crm]))
        .envelope("actions")
        .list(&["client_id", "supplier_id", "toplevel_id"]),
    endpoint("popupnote", EntityKind::PopupNote, "popupnotes", CUSTOMERS).list(&[
        "client_id",
        "site_id",
        "user_id",
        "showall",
    ]),
    endpoint(
        "recurringitem",
        EntityKind::RecurringItem,
        "recurringitems",
        Guard::Areas(&[Area::Items]),
    )
    .list(&["client_id", "pending_recurring_invoice"]),
    endpoint("clientprepay", EntityKind::PrepayLot, "lots", PREPAY).list(&[
        "billing_date",
        "client_id",
        "client_ids",
        "contract_id",
        "ready_for_invoicing",
    ]),
    endpoint("prepayuse", EntityKind::PrepayUse, "uses", PREPAY).list(&["client_id", "ticket_id"]),
    endpoint("areaazuretenant", EntityKind::AzureTenant, "azuretenants", CUSTOMERS).list(&[
        "azure_tenant_id",
        "client_id",
        "details_id",
        "ignore_decrypt",
        "notset",
        "returnalliflinked",
        "site_id",
    ]),
    endpoint("arearequesttype", EntityKind::AreaRequestType, "arearequesttypes", CUSTOMERS)
        .list(&["client_id"]),
    endpoint("stockbins", EntityKind::StockBin, "stockbins", CUSTOMERS).list(&["site_id"]),
    endpoint("sitecontact", EntityKind::SiteContact, "sitecontacts", CUSTOMERS).list(&["site_id"]),
    endpoint("address", EntityKind::Address, "addresses", CUSTOMERS)
        .list(&["postcode", "site_id", "type_id", "user_id"]),
    endpoint("organisation", EntityKind::Organisation, "organisations", CUSTOMERS),
    endpoint("agent", EntityKind::Agent, "agents", Guard::Definitions),
    endpoint("tickettype", EntityKind::TicketType, "tickettypes", Guard::Definitions),
    endpoint("ticketarea", EntityKind::TicketArea, "ticketareas", Guard::Definitions),
    endpoint("status", EntityKind::Status, "statuses", Guard::Definitions),
    endpoint("tax", EntityKind::Tax, "taxes", Guard::Definitions),
    endpoint("currency", EntityKind::Currency, "currencies", Guard::Definitions),
    endpoint("surcharge", EntityKind::Surcharge, "surcharges", Guard::Definitions),
    endpoint(
        "billingtemplate",
        EntityKind::BillingTemplate,
        "billingtemplates",
        Guard::Definitions,
    ),
    endpoint(
        "invoicetemplate",
        EntityKind::InvoiceTemplate,
        "invoicetemplates",
        Guard::Definitions,
    ),
    endpoint("azureadconnection", EntityKind::AzureConnection, "connections", Guard::Definitions)
        .list(&["type"])
        .get(&["type", "includedetails", "includetenants"]),
    endpoint("fieldinfo", EntityKind::FieldInfo, "fields", Guard::Definitions).list(&["typeid"]),
    endpoint("field", EntityKind::SiteField, "fields", Guard::Definitions),
    endpoint("custombutton", EntityKind::CustomButton, "custombuttons", Guard::Definitions),
    endpoint("faqlists", EntityKind::FaqList, "faqlists", Guard::Definitions),
    endpoint("externallink", EntityKind::ExternalLink, "externallinks", Guard::Definitions),
    endpoint("viewlists", EntityKind::ViewList, "viewlists", Guard::Definitions),
    endpoint("viewcolumns", EntityKind::ViewColumns, "viewcolumns", Guard::Definitions),
    endpoint("lookup", EntityKind::Lookup, "lookups", Guard::Definitions).list(&["lookupid"]),
    endpoint("webhook", EntityKind::Webhook, "webhooks", Guard::Administrators),
    endpoint("item", EntityKind::Item, "items", Guard::Definitions),
    endpoint("itemstock", EntityKind::ItemStock, "stock", Guard::Areas(&[Area::Items])).list(&[
        "item_id",
        "site_id",
        "stockbin_id",
    ]),
    endpoint("attachment", EntityKind::Attachment, "attachments", CUSTOMERS).list(&[
        "action_id",
        "client_id",
        "ticket_id",
        "type",
        "unique_id",
        "user_id",
    ]),
];

/// Other names of paths: the record's own name where the path is another.
const ALSO_CALLED: &[(&str, &str)] = &[("faqlist", "faqlists")];

/// The entry of a path; the table is short, and its first rows are the busiest.
pub fn find(path: &str) -> Option<&'static Endpoint> {
    let path = ALSO_CALLED.iter().find(|(other, _)| *other == path).map_or(path, |(_, own)| own);
    ENDPOINTS.iter().find(|endpoint| endpoint.path == path)
}

/// The entry of a kind of record; every kind that can be written has one.
pub fn of_kind(kind: EntityKind) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.kind == kind)
}
