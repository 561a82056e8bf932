//! Typed keys of the fields that rules touch: a name that the catalogue lacks stops the build.

/// Declares keys of one schema: `CONSTANT = "field"`.
macro_rules! keys {
    ($module:ident, $schema:path, $($key:ident = $name:literal),+ $(,)?) => {
        pub mod $module {
            use crate::record::Key;
            $(pub const $key: Key = Key::of(&$schema, $name);)+
        }
    };
}

keys!(
    client,
    crate::entities::client::AREA,
    ID = "id",
    NAME = "name",
    TOPLEVEL_ID = "toplevel_id",
    INACTIVE = "inactive",
    COLOUR = "colour",
    PORTAL_COLOUR = "portalcolour",
    MAIN_SITE_ID = "main_site_id",
    DATE_CREATED = "datecreated",
    CALL_DATE = "calldate",
    NOTES = "notes",
    CLIENT_TO_INVOICE = "client_to_invoice",
    CLIENT_TO_INVOICE_RECURRING = "client_to_invoice_recurring",
    ALLOWALL_TICKETTYPES = "allowall_tickettypes",
    DISCOUNT = "discountperc",
    PAYMENT_TERMS = "paymentterms",
    INVOICE_YES = "invoiceyes",
    IS_OPPORTUNITY = "isopportunity",
    WEBSITE = "website",
    CUSTOM_FIELDS = "customfields",
    ACCOUNT_MANAGER = "accountmanagertech",
    REF = "ref",
    NEW_SITE_NAME = "newclient_sitename",
    NEW_PHONE = "newclient_phonenumber",
    NEW_DOMAIN = "newclient_domain",
    NEW_TIMEZONE = "newclient_timezone",
    NEW_CONTACT_NAME = "newclient_contactname",
    NEW_CONTACT_EMAIL = "newclient_contactemail",
    NEW_CONTACT_TITLE = "newclient_contacttitle",
    NEW_WEB_ACCESS = "newclient_web_access_level",
    NEW_ADDRESS = "newclient_delivery_address",
    NEW_COUNTRY = "newclient_countrycode",
    NEW_REGION = "newclient_regioncode",
    NEW_SITE_GUID = "newclient_siteguid",
    IMPORT_ADDRESS = "import_address",
    BILLING_TEMPLATE = "billingtemplate_id",
    SITE_UPDATE = "site_update",
    MERGE_INTO = "_merge_client_into",
    POPUP_NOTES = "popup_notes",
    AREA_ITEMS = "areaitems",
    AZURE_TENANTS = "azure_tenants",
    ATTACHMENTS = "attachments",
    ALLOWED_TICKETTYPES = "allowed_tickettypes",
    MAIN_DELIVERY_ADDRESS = "main_delivery_address",
    MAIN_INVOICE_ADDRESS = "main_invoice_address",
    PREPAY_TOTAL = "prepaytotal",
    PREPAY_USED = "prepayused",
    PREPAY_BALANCE = "prepaybalance",
    PREPAY_HISTORY = "prepayhistory",
    PREPAY_AS_AMOUNT = "prepayasamount",
    PREPAY_PERIODS = "periods",
    PREPAY_NEXT_DATE = "prepayrecurringchargenextdate",
    PREPAY_CHARGE = "prepayrecurringcharge",
    PREPAY_HOURS = "prepayrecurringhours",
    PREPAY_PERIOD = "prepayrecurringchargebp",
    PREPAY_EXPIRY_MONTHS = "prepayrecurringexpirymonths",
    TOP_UP_BELOW = "autotopupthreshhold",
    TOP_UP_TO = "autotopuptoamount",
    TOP_UP_BY = "autotopupbyamount",
    TOP_UP_COST = "autotopupcostperhour",
    GFI_CLIENT_ID = "gficlientid",
    SNOW_ID = "snow_id",
    SENTINEL_SUBSCRIPTION = "sentinel_subscription_id",
    SENTINEL_TENANT = "sentinel_tenant_id",
    JIRA_URL = "jira_url",
    SERVICENOW_URL = "servicenow_url",
    STRIPE_CUSTOMER = "stripe_customer_id",
    STRIPE_METHOD = "stripe_payment_method_id",
    STRIPE_METHOD_NAME = "stripe_payment_method_name",
    IS_IMPORT = "_isimport",
);

keys!(
    site,
    crate::entities::site::SITE,
    ID = "id",
    NAME = "name",
    CLIENT_ID = "client_id",
    CLIENT_NAME = "client_name",
    CLIENT_SITE_NAME = "clientsite_name",
    INACTIVE = "inactive",
    IS_MAIN = "isinvoicesite",
    IS_STOCK = "isstocklocation",
    PHONE = "phonenumber",
    TIMEZONE = "timezone",
    COLOUR = "colour",
    DATE_CREATED = "datecreated",
    MAIN_CONTACT = "maincontact_id",
    LATITUDE = "geocoord1",
    LONGITUDE = "geocoord2",
    EMAIL_DOMAIN = "emaildomain",
    DELIVERY_ADDRESS = "delivery_address",
    INVOICE_ADDRESS = "invoice_address",
    INVOICE_IS_DELIVERY = "invoice_address_isdelivery",
    COUNTRY = "country_code",
    REGION = "region_code",
    GUID = "guid",
    CLIENT_TO_INVOICE = "client_to_invoice",
    CLIENT_TO_INVOICE_RECURRING = "client_to_invoice_recurring",
    NEW_CONTACT_NAME = "newsite_contactname",
    NEW_CONTACT_EMAIL = "newsite_contactemail",
    NEW_CONTACT_TITLE = "newsite_contacttitle",
    NEW_WEB_ACCESS = "newsite_web_access_level",
    CUSTOM_FIELDS = "customfields",
    POPUP_NOTES = "popup_notes",
    STOCK_BINS = "stockbins",
    SITE_CONTACTS = "sitecontacts",
    HAS_STOCK = "hasitemsinstock",
    STOCK_QUANTITY = "item_quantity_in_stock",
    STOCK_SERIALISED = "item_serialised_assets_in_stock",
    STOCK_RESERVED = "item_quantity_reserved",
    STOCK_ON_ORDER = "item_quantity_reserved_on_order",
    STOCK_AVAILABLE = "item_quantity_available",
    GFI_SITE_ID = "gfisiteid",
    AZURE_TENANT = "azuretenantid",
    IS_IMPORT = "_isimport",
    REF = "ref",
    TAX_ITEM = "site_item_tax_code",
    TAX_SERVICE = "site_service_tax_code",
    TAX_PREPAY = "site_prepay_tax_code",
    TAX_CONTRACT = "site_contract_tax_code",
);

keys!(
    user,
    crate::entities::user::USERS_LIST,
    ID = "id",
    NAME = "name",
    CLIENT_ID = "client_id",
    CLIENT_NAME = "client_name",
    SITE_ID = "site_id",
    SITE_ID_INT = "site_id_int",
    EMAIL = "emailaddress",
    LOGIN = "login",
    FIRST_NAME = "firstname",
    SURNAME = "surname",
    TITLE = "title",
    PASSWORD = "password",
    INACTIVE = "inactive",
    POPUP_NOTES = "popup_notes",
    CLIENT_SITE = "user_with_clientsite",
);

keys!(
    agent,
    crate::entities::agent::UNAME_LIST,
    ID = "id",
    NAME = "name",
    EMAIL = "email",
    DISABLED = "isdisabled",
    ROLE = "role",
    IS_AGENT = "is_agent",
    IS_API_AGENT = "isapiagent",
    ALLOWED = "allowed_clients",
    DENIED = "denied_clients",
    INITIALS = "initials",
    FIRST_NAME = "firstname",
    SURNAME = "surname",
);

keys!(
    top_level,
    crate::entities::top_level::TREE,
    ID = "id",
    NAME = "name",
    PARENT = "parentid",
    LONG_NAME = "long_name",
    USER_COUNT = "user_count",
);

keys!(
    ticket,
    crate::entities::ticket::TICKETS,
    ID = "id",
    SUMMARY = "summary",
    CLIENT_ID = "client_id",
    SITE_ID = "site_id",
    USER_ID = "user_id",
    OCCURRED = "dateoccurred",
    CLOSED = "dateclosed",
    ON_HOLD = "onhold",
    IS_OPPORTUNITY = "isopportunity",
    TYPE = "tickettype_id",
);

keys!(
    ticket_type,
    crate::entities::ticket_type::REQUEST_TYPE_LIST,
    ID = "id",
    NAME = "name",
    VISIBLE = "visible",
    ALLOW_ALL = "allowall_clients",
    ALLOWED_CLIENTS = "allowed_clients",
    AREA = "ticketarea_id",
);

keys!(
    crm_note,
    crate::entities::crm_note::AREA_NOTE,
    CLIENT_ID = "client_id",
    SUPPLIER_ID = "supplier_id",
    SITE_ID = "site_id",
    USER_ID = "user_id",
    DATETIME = "datetime",
    AGENT = "who_agentid",
    NOTE = "note",
    NEXT_CALL = "nextcalldate",
    THIRD_PARTY = "third_party_id",
    DETAIL = "detail",
    SALES_ORDER = "sales_order_id",
    PURCHASE_ORDER = "purchase_order_id",
    QUOTE = "quote_id",
    INVOICE = "invoice_id",
);

keys!(
    popup_note,
    crate::entities::popup_note::AREA_POPUP,
    CLIENT_ID = "client_id",
    SITE_ID = "site_id",
    USER_ID = "user_id",
    NOTE = "note",
    DATE_CREATED = "date_created",
    START = "startdate",
    END = "enddate",
    READ_STATUS = "read_status",
    LIMIT = "limitdaterange",
    DISMISSABLE = "dismissable",
    HTML = "displayhtml",
);

keys!(
    recurring_item,
    crate::entities::recurring_item::AREA_ITEM,
    CLIENT_ID = "client_id",
    NEXT_INVOICE = "nextinvoicedate",
    START = "startdate",
    INVOICE = "invoicenumber",
    LAST_INVOICE = "lastinvoicedate",
    AUTO_RENEW = "autorenew",
    END = "enddate",
    ORIGINAL_END = "originalenddate",
    INVOICES = "invoicenumbers",
    DONT_INVOICE = "dontinvoice",
    PERIOD = "billingperiod_id",
);

keys!(
    billing_template,
    crate::entities::billing_template::CONTRACT_TEMPLATE_HEADER,
    SURCHARGE = "surchargeid",
);

keys!(
    azure_tenant,
    crate::entities::azure_tenant::AREA_AZURE_TENANT,
    CLIENT_ID = "client_id",
    DETAILS_ID = "details_id",
    TENANT = "azure_tenant_id",
);

keys!(
    area_request_type,
    crate::entities::area_request_type::AREA_REQUEST_TYPE,
    CLIENT_ID = "client_id",
    REQUEST_TYPE = "request_type",
);

keys!(
    prepay_lot,
    crate::entities::prepay::PREPAY_HISTORY,
    CLIENT_ID = "client_id",
    DATE = "date",
    HOURS = "hours",
    AMOUNT = "amount",
    DESCRIPTION = "description",
    EXPIRY = "expirydate",
    EXPIRY_CHECKED = "expirychecked",
    INVOICE_DATE = "invoicedate",
    INVOICE_ID = "invoice_id",
    INVOICE_NUMBER = "invoice_number",
    CLIENT_TO_INVOICE = "client_to_invoice_to_id",
    REVERSES = "reverses_id",
);

keys!(
    prepay_use,
    crate::entities::prepay::PREPAY_USE,
    CLIENT_ID = "client_id",
    DATE = "date",
    HOURS = "hours",
    AMOUNT = "amount",
    DESCRIPTION = "description",
    TICKET_ID = "ticket_id",
);

keys!(site_contact, crate::entities::site_contact::SITE_CONTACT, SITE = "site", USER = "uid",);

keys!(stock_bin, crate::entities::stock_bin::STOCK_BIN, SITE_ID = "site_id", NAME = "name",);

keys!(
    field_info,
    crate::entities::field_info::FIELD_INFO,
    NAME = "name",
    LABEL = "label",
    TYPE = "type",
    USAGE = "usage",
    CHARACTER_LIMIT = "characterlimit",
    REGEX = "regex",
    MANDATORY = "mandatory",
    ENCRYPTED = "isencrypted",
    MAX_SELECTION = "max_selection",
    VALUES = "values",
    NEW_VALUES = "new_values",
    SEQUENCE = "seq",
);

keys!(
    site_field,
    crate::entities::site_field::FIELD,
    NAME = "name",
    LENGTH = "datalength",
    MANDATORY = "mandatory",
    VALUES = "values",
    NEW_VALUES = "new_values",
    SEQUENCE = "sequence",
);

keys!(
    view_list,
    crate::entities::view_list::VIEW_LISTS,
    TYPE = "type",
    FILTERS = "filters",
    ORDER = "order",
    COLUMNS_ID = "columns_id",
    COLUMN_PROFILE_ID = "column_profile_id",
);

keys!(
    view_columns,
    crate::entities::view_columns::VIEW_COLUMNS,
    TYPE = "type",
    COLUMNS = "columns",
);

keys!(
    attachment,
    crate::entities::attachment::ATTACHMENT,
    FILENAME = "filename",
    CONTENT_TYPE = "content_type",
    SIZE = "filesize",
    IS_IMAGE = "isimage",
    LAST_UPDATED = "last_updated",
    LINK = "link",
    TYPE = "type",
    UNIQUE_ID = "unique_id",
    CLIENT_ID = "client_id",
    TICKET_ID = "ticket_id",
    USER_ID = "user_id",
    AGENT_ID = "agent_id",
    VERSION = "linked_version_id",
    DATA = "data",
    DATA_BASE64 = "data_base64",
    FILE = "file",
);

keys!(
    item_stock,
    crate::entities::item_stock::ITEM_STOCK,
    ITEM_ID = "item_id",
    SITE_ID = "site_id",
    BIN_ID = "stockbin_id",
    IN_STOCK = "quantity_in_stock",
    SERIALISED = "serialised_assets_in_stock",
    RESERVED = "quantity_reserved",
    ON_ORDER = "quantity_reserved_on_order",
);

keys!(item, crate::entities::item::ITEM, IN_STOCK = "quantity_in_stock",);

keys!(azure_connection, crate::entities::azure_connection::AZURE_CONNECTION, TYPE = "type",);

keys!(
    webhook,
    crate::entities::webhook::WEBHOOK,
    NAME = "name",
    URL = "url",
    ENTITIES = "entities",
    EVENTS = "events",
    ENABLED = "enabled",
    SECRET = "secret",
    SIGNED = "signed",
);

keys!(
    settings,
    crate::entities::settings::SETTINGS,
    INTERNAL_CLIENT_ID = "internal_client_id",
    DEFAULT_TOPLEVEL_ID = "default_toplevel_id",
    MANDATORY_FIELDS = "mandatory_fields",
    PERIOD_CODES = "period_codes",
    HISTORY_DAYS = "history_days",
);
