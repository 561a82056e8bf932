//! Shapes that only occur inside other records.
//! One line a field, in the published order.

use super::agent::UNAME_LIST;
use super::field_info::FIELD_INFO;
use crate::field::{Schema, any, anys, boolean, datetime, decimal, int, list, text, uuid};

pub static CUSTOM_FIELD: Schema = Schema {
    name: "CustomField",
    fields: &[
        int("id"),
        text("name"),
        text("label"),
        text("summary"),
        int("type"),
        any("value"),
        boolean("value_is_password_id"),
        text("display"),
        int("characterlimit"),
        int("characterlimittype"),
        int("inputtype"),
        boolean("copytochild"),
        boolean("searchable"),
        boolean("ordervalues"),
        int("ordervaluesby"),
        int("database_lookup_id"),
        boolean("database_lookup_auto"),
        anys("database_lookup_triggers"),
        text("third_party_name"),
        int("extratype"),
        boolean("copytochildonupdate"),
        text("hyperlink"),
        int("usage"),
        int("linked_table_id"),
        boolean("showondetailsscreen"),
        text("third_party_value"),
        int("custom_extra_table_id"),
        boolean("copytorelated"),
        text("calculation"),
        int("rounding"),
        list("validation_reasons", &KEY_PAIR),
        boolean("int_value_is_display"),
        text("regex"),
        boolean("onlyshowforagents"),
        boolean("is_horizontal"),
        boolean("copied"),
        boolean("isencrypted"),
        int("max_selection"),
        uuid("guid"),
        int("selection_field_id"),
        text("variable_format_1"),
        text("variable_format_2"),
        anys("validation_data"),
        int("database_lookup_input"),
        int("table_data_entry_type"),
        boolean("showintable"),
        int("table_height"),
        boolean("dont_delete_rows"),
        int("table_matching_field"),
        boolean("new_storage_method"),
        text("where_sql"),
        int("load_type"),
    ],
};

pub static FIELD_HELPER: Schema = Schema {
    name: "FieldHelper",
    fields: &[
        int("id"),
        text("name"),
        text("validate"),
        any("value"),
        text("display"),
        boolean("mandatory"),
        boolean("showonactivity"),
        int("lookup"),
        int("systemuse"),
        int("parenttype_id"),
        text("url"),
        int("mapping_id"),
        int("access_level"),
        int("typeinfo_id"),
        int("tab_id"),
        text("tab_name"),
        int("tab_sequence"),
        int("tab_columns"),
        text("groupname"),
        int("techdetail"),
        int("userdetail"),
        anys("visibility_conditions"),
    ],
};

pub static CATEGORY_RESTRICTION: Schema = Schema {
    name: "CategoryRestriction",
    fields: &[
        int("id"),
        int("type"),
        int("client_id"),
        int("tickettype_id"),
        int("team_id"),
        uuid("team_guid"),
        int("service_id"),
        int("category_id"),
        uuid("category_guid"),
        text("category_value"),
        text("_warning").output(),
        boolean("partial_match_category"),
        text("category_name_partial"),
        boolean("is_integration"),
    ],
};

pub static CONTRACT_DETAIL: Schema = Schema {
    name: "ContractDetail",
    fields: &[
        int("client_id"),
        int("seq"),
        int("type"),
        int("itil_requesttype"),
        int("requesttype"),
        text("requesttype_name"),
        int("priority"),
        int("chargerate_id"),
        text("chargerate_name"),
        decimal("multiplier"),
        int("plan_id"),
        int("plan_contract_id"),
        text("plan_name"),
        text("category_1"),
        boolean("partialmatchcategory"),
        text("category_2"),
        boolean("partialmatchcategory2"),
        text("category_3"),
        boolean("partialmatchcategory3"),
        text("category_4"),
        boolean("partialmatchcategory4"),
        int("user_covered_billingdescription"),
        int("site"),
        text("site_name").named(),
        boolean("allowallcontracts"),
        boolean("asset_covered_by_contract"),
        boolean("user_covered_by_contract"),
        int("work_hours_covered"),
        text("_warning").output(),
        int("order"),
        text("billing_plan_desc"),
        int("contract_type"),
        int("contract_sub_type"),
        boolean("not_included_in_contract"),
        datetime("contract_header_end_date"),
    ],
};

pub static CHARGE_RATE: Schema = Schema {
    name: "ChargeRate",
    fields: &[
        int("id"),
        int("area"),
        int("contract_id"),
        int("charge_id"),
        datetime("startdate"),
        datetime("expirydate"),
        decimal("rate"),
        int("org"),
        decimal("minimum"),
        decimal("increment"),
        decimal("oohmultiplier"),
        decimal("holidaymultiplier"),
        decimal("weekendmultiplier"),
        boolean("surcharge"),
        int("round"),
        boolean("useagentworkinghours"),
        boolean("use_budget_rate"),
        boolean("current"),
        decimal("current_rate"),
        boolean("use_for_travel"),
        boolean("use_for_mileage"),
        int("travel_surchargeid"),
        decimal("contractmultiplier"),
        decimal("rateoverride"),
        boolean("override_surcharge"),
        text("_warning").output(),
    ],
};

pub static CHARGE_RATE_AREA: Schema = Schema {
    name: "ChargeRateArea",
    fields: &[
        int("id"),
        int("area"),
        int("chargerate_id"),
        text("name"),
        text("_warning").output(),
    ],
};

pub static KEY_PAIR2: Schema =
    Schema { name: "KeyPair2", fields: &[text("value"), text("label"), boolean("isnew")] };

pub static SERVICE_RESTRICTION: Schema = Schema {
    name: "ServiceRestriction",
    fields: &[
        int("id"),
        int("service_category_id"),
        int("service_id"),
        text("type"),
        int("data_id"),
        uuid("svrdata_guid"),
        text("data_name"),
        text("service_name"),
        boolean("allow_access"),
        text("data_string"),
        text("_warning").output(),
    ],
};

pub static SERVICE_USER: Schema = Schema {
    name: "ServiceUser",
    fields: &[
        int("id"),
        int("service_id"),
        text("service_name"),
        text("type"),
        int("data_id"),
        text("data_name"),
        boolean("emailupdates"),
        text("_warning").output(),
    ],
};

pub static CSPCUSTOMER: Schema = Schema {
    name: "CSPCustomer",
    fields: &[text("id"), any("companyProfile"), text("relationshipToPartner")],
};

pub static KBENTRY_LIST: Schema = Schema {
    name: "KBEntry_List",
    fields: &[
        int("id"),
        text("name"),
        text("description"),
        int("view_count"),
        int("useful_count"),
        int("notuseful_count"),
        datetime("date_created"),
        datetime("date_edited"),
        text("tag_string"),
        boolean("inactive"),
        int("type"),
        datetime("next_review_date"),
        list("customfields", &CUSTOM_FIELD),
        datetime("limit_start_date"),
        datetime("limit_end_date"),
        int("editor_type"),
        text("kb_tags"),
        text("confluence_url"),
        decimal("search_score"),
        text("resolution_list"),
        text("link"),
        text("use").computed(),
    ],
};

pub static STRIPE_PAYMENT_METHOD: Schema =
    Schema { name: "StripePaymentMethod", fields: &[text("id"), text("name"), text("hint")] };

pub static INTEGRATION_FIELD_MAPPING: Schema = Schema {
    name: "IntegrationFieldMapping",
    fields: &[
        int("id"),
        int("fiid"),
        text("name"),
        text("thirdpartyname"),
        int("msid"),
        int("typeid"),
        boolean("isassetfield"),
        int("subtypeid"),
        boolean("newrecords"),
        text("xmvalue"),
        text("third_party_friendly_name"),
        boolean("sync"),
        int("synctype"),
        int("product"),
        boolean("dontupdate"),
        text("product_name"),
        int("third_party_field_type"),
        boolean("populateemptyvalue"),
        text("value_set"),
        text("_warning").output(),
    ],
};

pub static TABNAME: Schema = Schema {
    name: "Tabname",
    fields: &[
        text("intent"),
        int("id"),
        uuid("guid"),
        text("name"),
        int("tableid"),
        int("columns"),
        int("sequence"),
        list("fields", &FIELD_INFO),
        text("url"),
        int("linked_dashboard_id"),
        text("icon"),
        text("_warning").output(),
    ],
};

pub static SNOW_LICENSE_ABSTRACT: Schema = Schema {
    name: "SnowLicenseAbstract",
    fields: &[
        int("id"),
        text("applicationName"),
        text("manufacturerName"),
        text("metric"),
        text("assignmentType"),
        datetime("purchaseDate"),
        int("quantity"),
        boolean("isIncomplete"),
        datetime("updatedDate"),
        text("updatedBy"),
        anys("snowDevices"),
    ],
};

pub static KEY_PAIR: Schema = Schema { name: "KeyPair", fields: &[text("id"), text("name")] };

pub static ACCESS_CONTROL: Schema = Schema {
    name: "AccessControl",
    fields: &[
        int("id"),
        text("entity"),
        int("entity_id"),
        int("type"),
        int("agent_id"),
        int("user_id"),
        int("role_id"),
        int("team_id"),
        int("department_id"),
        text("name"),
        int("level"),
        text("_warning").output(),
        text("entity_name"),
        text("entity_text_id"),
    ],
};

pub static UNAME_DEPARTMENT: Schema = Schema {
    name: "UnameDepartment",
    fields: &[
        int("id"),
        int("agent_id"),
        text("agent_name"),
        int("department_id"),
        uuid("department_guid"),
        text("department_name"),
        text("role_id"),
        text("role_name"),
        int("membershiplevel"),
        boolean("includeteamsintree"),
    ],
};

pub static USER_DEPARTMENT: Schema = Schema {
    name: "UserDepartment",
    fields: &[
        int("id"),
        int("user_id"),
        text("user_name").named(),
        int("department_id"),
        text("department_name"),
        boolean("is_manager"),
        boolean("is_azure_department"),
        int("role_id"),
        text("role_name"),
    ],
};

pub static CANNED_TEXT: Schema = Schema {
    name: "CannedText",
    fields: &[
        uuid("guid"),
        text("intent"),
        int("id"),
        text("name"),
        int("group_id"),
        text("text"),
        text("html"),
        int("restriction_type"),
        int("department_id"),
        uuid("department_guid"),
        text("department_name"),
        int("team_id"),
        uuid("team_guid"),
        text("team_name"),
        int("agent_id"),
        text("agent_name"),
        boolean("_canupdate").input(),
        list("access_control", &ACCESS_CONTROL),
        int("access_control_level"),
        boolean("_isimport").input(),
        text("group_name"),
        anys("tags"),
        text("_warning").output(),
    ],
};

pub static SECTION_DETAIL_LIST: Schema = Schema {
    name: "SectionDetail_List",
    fields: &[
        int("id"),
        uuid("guid"),
        text("intent"),
        text("name"),
        int("sequence"),
        boolean("forrequests"),
        boolean("foropps"),
        boolean("forprojects"),
        int("ticket_count"),
        int("department_id"),
        text("department_name"),
        text("org_team_name"),
        boolean("inactive"),
        int("override_column_id"),
        list("agents", &UNAME_LIST),
        list("managers", &MANAGER),
        text("teamphotopath"),
        datetime("last_modified").computed(),
        boolean("hide_agents_in_tree_if_no_tickets"),
        text("use").computed(),
        uuid("department_guid"),
    ],
};

pub static MANAGER: Schema =
    Schema { name: "Manager", fields: &[int("id"), text("name"), int("agent_id"), int("user_id")] };
