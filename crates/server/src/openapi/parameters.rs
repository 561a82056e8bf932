//! What the parameters of requests are: type and meaning, by name.

use serde_json::{Value, json};

use crate::config::Config;

/// The type of a parameter.
#[derive(Clone, Copy)]
enum Type {
    Flag,
    Int,
    /// A text that is looked up and nothing else.
    Anything,
    /// An integer from this number on.
    From(i64),
    Ints,
    Text,
    Texts,
    Guid,
    /// A date or a date-time.
    Date,
    /// `true`, or a date-time.
    FlagOrDate,
    /// Two booleans with a comma between them.
    Flags,
    /// Names of kinds of record, as the history calls them.
    Kind,
    OneOf(&'static [&'static str]),
    /// The name of a field to sort by.
    Order,
    /// JSON text: conditions of a search.
    Conditions,
}

use Type::{
    Anything, Conditions, Date, Flag, FlagOrDate, Flags, From, Guid, Int, Ints, Kind, OneOf, Order,
    Text, Texts,
};

/// Name, type and meaning. A name with a path in front, such as `toplevel/type`, holds there only
/// and comes before the plain one.
const PARAMETERS: &[(&str, Type, &str)] = &[
    ("pageinate", Flag, "Asks for pages: `page_no` and `page_size` count, and `count` does not."),
    (
        "page_no",
        From(0),
        "The page, from 1; 0 is page 1. A page past the end is an empty list. Counts with `pageinate=true` only.",
    ),
    ("page_size", From(1), "Rows of a page. Counts with `pageinate=true` only."),
    ("count", From(0), "How many records at most. Does not count with `pageinate=true`."),
    (
        "order",
        Order,
        "The field to sort by; `id` is always the last key. Text compares case-blind, unset sorts first. Default: name.",
    ),
    ("order2", Order, "The second sort key."),
    ("order3", Order, "The third sort key."),
    ("order4", Order, "The fourth sort key."),
    ("order5", Order, "The fifth sort key."),
    ("orderdesc", Flag, "True sorts `order` downwards."),
    ("orderdesc2", Flag, "True sorts `order2` downwards."),
    ("orderdesc3", Flag, "True sorts `order3` downwards."),
    ("orderdesc4", Flag, "True sorts `order4` downwards."),
    ("orderdesc5", Flag, "True sorts `order5` downwards."),
    (
        "search",
        Text,
        "Case-blind: every word must occur somewhere in the record's searched fields. `%` and `_` are literal.",
    ),
    (
        "search_name_only",
        Text,
        "As `search`, in the name alone: either the words themselves, or `true` beside `search`.",
    ),
    ("advanced_search", Conditions, "Conditions that must all hold."),
    ("idonly", Flag, "True lists ids only, and all of them: paging does not count."),
    ("includeactive", Flag, "False leaves the active records out. Default: true."),
    ("includeinactive", Flag, "True lists the inactive records as well. Default: false."),
    ("activeinactive", Flags, "Both of these at once, such as `true,false`."),
    (
        "lastupdatefromdate",
        FlagOrDate,
        "`true` adds the time of the last update to the rows; a date-time also lists only records updated then or later.",
    ),
    (
        "lastupdatetodate",
        FlagOrDate,
        "`true` adds the time of the last update to the rows; a date-time also lists only records updated then or earlier.",
    ),
    (
        "include_custom_fields",
        Ints,
        "The ids of custom fields that the rows carry in `customfields`.",
    ),
    ("sitefields", Ints, "The ids of site fields that the rows carry in `site_fields`."),
    ("showcounts", Flag, "True adds the counts of tickets to the rows."),
    (
        "view_id",
        Int,
        "A saved list: its filter holds as well, and its order unless the request has one.",
    ),
    ("columns_id", Int, "The column profile whose columns the reply describes."),
    ("includecolumns", Flag, "True adds the columns of the profile in force to the reply."),
    ("accountmanageronly", Flag, "True lists the caller's own accounts only."),
    ("azureclients", Flag, "True lists clients with a link to a Microsoft tenant only."),
    ("azuresites", Flag, "True lists sites with a link to a Microsoft tenant only."),
    ("callplan", Flag, "True lists clients whose `calldate` is past only."),
    (
        "domain",
        OneOf(&["opps", "reqs", "tickets", "all"]),
        "The purpose: `opps` shows what belongs to sales.",
    ),
    ("exclude_internal", Flag, "True leaves out the firm's own client."),
    ("gficlients", Flag, "True lists clients with `gficlientid` only."),
    ("gfisites", Flag, "True lists sites with `gfisiteid` only."),
    ("includeazuretenants", Flag, "True adds `azure_tenants` to the rows."),
    ("includeinvoicetemplatename", Flag, "True adds `invoicetemplate_name` to the rows."),
    ("includenotes", Flag, "True adds `notes` to the rows."),
    ("includeqbofields", Flag, "True adds the fields whose name begins with `qbo` to the rows."),
    ("include_website", Flag, "True adds `website` to the rows."),
    ("isjira", Flag, "True lists clients with `jira_url` only."),
    ("issentinel", Flag, "True lists clients with `sentinel_subscription_id` only."),
    ("isservicenow", Flag, "True lists clients with `servicenow_url` only."),
    ("sentinelid", Int, "The client with this `sentinel_tenant_id`."),
    ("snowaccountid", Int, "The client with this `snow_id`."),
    ("snowclients", Flag, "True lists clients with `snow_id` only."),
    ("toplevel_id", Int, "Records of this top level and all below it."),
    ("ticketarea_id", Int, "Clients that can log a ticket type of this area."),
    (
        "integration_type",
        OneOf(&[
            "azure",
            "xero",
            "kashflow",
            "qbo",
            "myob",
            "avalara",
            "fortnox",
            "dattocommerce",
            "sentinel",
        ]),
        "Clients linked to a tenant of this product; needs `integration_tenantids`.",
    ),
    (
        "integration_tenantids",
        Texts,
        "The ids of the product's tenants; needs `integration_type`. Integers for `azure`.",
    ),
    ("authorize/client_id", Text, "The application that asks."),
    (
        "redirect_uri",
        Text,
        "Where the browser goes afterwards: an address that the application has registered.",
    ),
    ("response_type", Text, "`code`."),
    ("response_mode", Text, "`query`, as without it."),
    ("scope", Text, "Scopes, separated by spaces; without it all that the application has."),
    ("state", Text, "Comes back as it is."),
    ("nonce", Text, "Comes back in the id token."),
    (
        "prompt",
        Text,
        "`none` never shows the page: `login_required` comes back. All others show it.",
    ),
    ("login_hint", Text, "What the person will probably sign in with."),
    ("code_challenge", Text, "The SHA-256 hash of the verifier, in base64url."),
    ("code_challenge_method", Text, "`S256`."),
    ("client_id", Int, "Records of this client."),
    ("client_ids", Ints, "Records of these clients."),
    ("site_id", Int, "Records of this site."),
    ("user_id", Int, "Records of this user."),
    ("agent_id", Int, "Records of this agent."),
    ("supplier_id", Int, "Records of this supplier."),
    ("ticket_id", Int, "Records of this ticket."),
    ("action_id", Int, "Files of this action."),
    ("unique_id", Int, "Files with this `unique_id`."),
    ("attachment/type", Int, "Files of this type."),
    (
        "attachment/includedetails",
        Flag,
        "True shows the record with its content as `data_base64`, instead of the content itself.",
    ),
    ("item_id", Int, "Stock of this item."),
    ("stockbin_id", Int, "Stock in this bin."),
    ("contract_id", Int, "Records of this contract."),
    ("open_only", Flag, "True leaves out closed tickets."),
    ("includeaddress", Flag, "True adds the lines of the address, and the notes, to the rows."),
    ("includestocklocations", Flag, "False leaves out sites that are stock locations."),
    ("includenonstocklocations", Flag, "False leaves out sites that are none."),
    ("stocklocation", Ints, "These stock locations only."),
    ("item_id_qty", Int, "Adds the quantity of this item to the rows."),
    ("kashflowtenantid", Int, "Records of this KashFlow tenant."),
    ("xerotenantid", Text, "Records of this Xero tenant."),
    ("toplevel/type", Int, "Top levels of this type."),
    ("azureadconnection/type", Int, "Connections of this type."),
    ("org_id", Int, "Top levels of this organisation."),
    ("showall", Flag, "True lists every popup note: also read ones, and outside their dates."),
    ("pending_recurring_invoice", Flag, "True lists items that are due for an invoice only."),
    ("billing_date", Date, "Lots up to this day."),
    ("ready_for_invoicing", Flag, "True lists lots that wait for an invoice only."),
    ("azure_tenant_id", Guid, "Links to this Microsoft tenant."),
    ("details_id", Int, "Links over this connection."),
    ("ignore_decrypt", Flag, "Has no effect: credentials are never returned."),
    ("notset", Flag, "True lists links without a client only."),
    ("returnalliflinked", Flag, "True adds all other links of the clients that were found."),
    ("postcode", Text, "Addresses with this postcode."),
    ("type_id", Int, "Addresses of this type."),
    ("typeid", Int, "Custom fields of this kind of record."),
    ("lookupid", Int, "The values of this lookup."),
    ("includedetails", Flag, "True adds collections and nested objects."),
    (
        "includetenants",
        Flag,
        "True adds `mappings_client`, the links of clients to tenants of this connection.",
    ),
    ("includeactivity", Flag, "True adds the counts of tickets."),
    ("includediagramdetails", Flag, "Has no effect."),
    ("includeperiods", Flag, "True adds `periods`."),
    (
        "includeprepay",
        Flag,
        "True adds `prepaytotal`, `prepayused`, `prepaybalance` and `prepayhistory`.",
    ),
    (
        "getavailablerts",
        Flag,
        "True adds `allowed_tickettypes`: the ticket types that the client may log.",
    ),
    (
        "tickettype_id",
        Int,
        "Popup notes and buttons as they are when a ticket of this type is logged.",
    ),
    ("client_override", Int, "The site's client: a site of another one is a 404."),
    ("dryrun", Flag, "True checks everything and shows the reply, and writes nothing."),
    (
        "bulkresponse",
        Flag,
        "True writes each record of an array by itself: the good ones are kept, and the reply, a 200, has a result for each.",
    ),
    (
        "since",
        Text,
        "The cursor of the reply before; empty for the oldest change that is kept, `now` for what comes. Behind a cursor that is too old something is missing: 400.",
    ),
    (
        "changes/entity",
        Texts,
        "Kinds of record, such as `Client,Site`; without it, all that the token may read.",
    ),
    (
        "stream/entity",
        Texts,
        "Kinds of record, such as `Client,Site`; without it, all that the token may read.",
    ),
    ("limit", From(1), "How many changes at most."),
    ("include", OneOf(&["record"]), "`record` adds the records."),
    ("wait", From(0), "Seconds to wait when there is no change yet."),
    ("webhook_id", Int, "Deliveries of this webhook."),
    (
        "webhookdelivery/status",
        OneOf(&["pending", "delivered", "parked"]),
        "Deliveries in this state.",
    ),
    ("webhookdelivery/before", Int, "Deliveries with a smaller id: the next page."),
    ("webhookdelivery/count", From(1), "How many at most; more than 1000 is served as 1000."),
    (
        "history/entity",
        Kind,
        "The kinds of record, such as `Client`; without it all that the caller may read.",
    ),
    ("history/id", Int, "The record's id; needs `entity`."),
    ("history/client_id", Ints, "Changes to these clients and to what belongs to them."),
    ("history/agent_id", Ints, "Changes by these agents."),
    ("history/user_id", Ints, "Changes by these end users."),
    ("application", Text, "Changes by the application with this id."),
    ("operation", Texts, "`created`, `updated`, `deleted` or `restored`."),
    ("history/field", Text, "Changes to this field."),
    ("from", Date, "Changes from this time on."),
    ("to", Date, "Changes up to this time; a date alone is its whole day."),
    ("request_id", Text, "Changes by the request with this `X-Request-Id`."),
    ("asof", Date, "The record as it was at this time."),
    ("tenant", Anything, "The tenant's name; without it, the only tenant or `default`."),
];

/// No stored text has a NUL character, and no parameter may.
const NO_NUL: &str = r"^[^\u0000]*$";
/// A date, or a date-time with or without a zone. The server reads the 29th to the 31st as well,
/// where a month has them; a pattern can't tell which do.
const DATE: &str =
    "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z?)?";

fn find(path: &str, name: &str) -> Option<&'static (&'static str, Type, &'static str)> {
    let own = format!("{path}/{name}");
    let entry = PARAMETERS.iter().find(|(known, ..)| *known == own);
    entry.or_else(|| PARAMETERS.iter().find(|(known, ..)| *known == name))
}

/// A parameter in the query of a path; `order` is the schema of the names to sort by.
pub fn query(path: &str, name: &str, order: &Value, config: &Config) -> Value {
    let (kind, text) = find(path, name).map_or((Text, ""), |(_, kind, text)| (*kind, *text));
    let mut description = text.to_owned();
    let limits = &config.lists;
    match name {
        "page_size" => {
            description.push_str(&format!(
                " Default: {}; more than {} is served as {}.",
                limits.page_size, limits.max_page_size, limits.max_page_size
            ));
        }
        "limit" => {
            let (usual, most) = (config.feed.page_size, config.feed.max_page_size);
            description
                .push_str(&format!(" Default: {usual}; more than {most} is served as {most}."));
        }
        "wait" => {
            let most = config.feed.wait_seconds;
            description.push_str(&format!(" More than {most} is served as {most}."));
        }
        "count" if limits.default_count > 0 => {
            description.push_str(&format!(" Default: {}.", limits.default_count))
        }
        _ => {}
    }
    let mut parameter = json!({ "name": name, "in": "query", "description": description });
    if let Conditions = kind {
        let items = super::schemas::reference("Condition");
        let schema = json!({ "type": "array", "maxItems": limits.conditions, "items": items });
        parameter["content"] = json!({ "application/json": { "schema": schema } });
        return parameter;
    }
    parameter["schema"] = schema(kind, order);
    if matches!(kind, Ints | Texts | Kind) {
        parameter["style"] = json!("form");
        parameter["explode"] = json!(true);
    }
    parameter
}

fn schema(kind: Type, order: &Value) -> Value {
    let int = || json!({ "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX });
    match kind {
        Flag => json!({ "type": "boolean" }),
        Int => int(),
        From(least) => {
            json!({ "type": "integer", "format": "int32", "minimum": least, "maximum": i32::MAX })
        }
        Ints => json!({ "type": "array", "items": int() }),
        Anything => json!({ "type": "string" }),
        Text => json!({ "type": "string", "pattern": NO_NUL }),
        Texts => json!({ "type": "array", "items": { "type": "string", "pattern": NO_NUL } }),
        Guid => json!({ "type": "string", "format": "uuid" }),
        Date => json!({
            "type": "string", "pattern": format!("^{DATE}$"), "examples": ["2026-11-23"],
        }),
        FlagOrDate => json!({
            "type": "string", "pattern": format!("^(true|false|{DATE})$"),
            "examples": ["true", "2026-11-23T07:36:00"],
        }),
        Flags => json!({
            "type": "string", "pattern": "^(true|false),(true|false)$", "examples": ["true,false"],
        }),
        Kind => {
            let names: Vec<&str> =
                aureole_catalogue::ENTITIES.iter().map(|entity| entity.name).collect();
            json!({ "type": "array", "items": { "type": "string", "enum": names } })
        }
        OneOf(texts) => json!({ "type": "string", "enum": texts }),
        Order => order.clone(),
        Conditions => json!({}),
    }
}
