//! The list parameters of notes, items, tenant links and permitted types, and those of clients
//! that look through these.

use aureole_catalogue::filter::{Compare, Operand, Test};
use aureole_catalogue::keys::{
    area_request_type, azure_tenant, client, crm_note, prepay_lot, prepay_use, recurring_item,
    site, ticket_type,
};
use aureole_catalogue::query::{ListQuery, OrderKey, Paging};
use aureole_catalogue::value::{fold, parse_datetime};
use aureole_catalogue::{EntityKind, Filter, Key, Problems, Record};
use aureole_storage::records;

use crate::endpoints::Endpoint;
use crate::error::Result;
use crate::front::Call;

/// What the list's own parameters ask for.
pub async fn filter(
    call: &Call,
    endpoint: &'static Endpoint,
    query: &mut ListQuery,
    problems: &mut Problems,
) -> Result<Filter> {
    match endpoint.kind {
        EntityKind::CrmNote => crm_notes(call, query, problems).await,
        EntityKind::RecurringItem => Ok(items(call, problems)),
        EntityKind::AzureTenant => azure_tenants(call, problems).await,
        EntityKind::AreaRequestType => {
            Ok(by_id(call, "client_id", area_request_type::CLIENT_ID, problems))
        }
        EntityKind::PrepayLot => Ok(lots(call, problems)),
        EntityKind::PrepayUse => Ok(Filter::all(vec![
            by_id(call, "client_id", prepay_use::CLIENT_ID, problems),
            by_id(call, "ticket_id", prepay_use::TICKET_ID, problems),
        ])),
        EntityKind::PopupNote => super::popups::filter(call, problems).await,
        EntityKind::Lookup => Ok(by_name(call, endpoint, "lookupid", "lookupid", problems)),
        EntityKind::FieldInfo => Ok(by_name(call, endpoint, "typeid", "usage", problems)),
        EntityKind::AzureConnection => Ok(by_name(call, endpoint, "type", "type", problems)),
        EntityKind::StockBin => Ok(by_name(call, endpoint, "site_id", "site_id", problems)),
        EntityKind::SiteContact => Ok(by_name(call, endpoint, "site_id", "site", problems)),
        EntityKind::Address => Ok(addresses(call, endpoint, problems)),
        EntityKind::ItemStock | EntityKind::Attachment => {
            let names = endpoint.list_params.iter();
            Ok(Filter::all(
                names.map(|name| by_name(call, endpoint, name, name, problems)).collect(),
            ))
        }
        _ => Ok(Filter::True),
    }
}

fn by_id(call: &Call, name: &str, key: Key, problems: &mut Problems) -> Filter {
    call.params.int(name, problems).map_or(Filter::True, |id| Filter::int(key.0, id))
}

/// A filter on an integer field, by the field's name.
fn by_name(
    call: &Call,
    endpoint: &Endpoint,
    name: &str,
    field: &str,
    problems: &mut Problems,
) -> Filter {
    let position = endpoint.kind.entity().schema.find(field);
    match (call.params.int(name, problems), position) {
        (Some(id), Some(position)) => Filter::int(position, id),
        _ => Filter::True,
    }
}

/// Newest first; 50 of them unless the request says otherwise.
async fn crm_notes(call: &Call, query: &mut ListQuery, problems: &mut Problems) -> Result<Filter> {
    if call.params.get("order").is_none() {
        let newest = |position| OrderKey { position, descending: true };
        let id = EntityKind::CrmNote.entity().schema.find("id").unwrap_or(0);
        query.order = vec![newest(crm_note::DATETIME.0), newest(id)];
    }
    if query.paging == Paging::All {
        query.paging = Paging::First(call.app.list_limits.page_size);
    }
    let mut filters = vec![
        by_id(call, "client_id", crm_note::CLIENT_ID, problems),
        by_id(call, "supplier_id", crm_note::SUPPLIER_ID, problems),
    ];
    let top_level = super::lists::under_top_level(call, client::TOPLEVEL_ID, problems).await?;
    filters.push(super::lists::through_client(top_level));
    Ok(Filter::all(filters))
}

fn date(key: Key, compare: Compare, day: &str) -> Filter {
    Filter::Field { position: key.0, test: Test::Compare(compare, Operand::Date(day.to_owned())) }
}

fn is_set(key: Key) -> Filter {
    Filter::Field { position: key.0, test: Test::IsSet }
}

/// `pending_recurring_invoice`: due today or earlier, within its dates, and not kept out.
fn items(call: &Call, problems: &mut Problems) -> Filter {
    let mut filters = vec![by_id(call, "client_id", recurring_item::CLIENT_ID, problems)];
    if call.params.flag("pending_recurring_invoice", problems) {
        let now = call.app.clock.now_text();
        let day = now.get(..10).unwrap_or("");
        let (morning, night) = (format!("{day}T00:00:00"), format!("{day}T23:59:59.999"));
        let unset = |key| is_set(key).negate();
        filters.push(date(recurring_item::NEXT_INVOICE, Compare::LessOrEqual, &night));
        filters.push(Filter::Any(vec![
            unset(recurring_item::START),
            date(recurring_item::START, Compare::LessOrEqual, &night),
        ]));
        filters.push(Filter::Any(vec![
            unset(recurring_item::END),
            date(recurring_item::END, Compare::GreaterOrEqual, &morning),
        ]));
        filters.push(Filter::int(recurring_item::DONT_INVOICE.0, 0));
    }
    Filter::all(filters)
}

/// Lots of some clients, up to `billing_date`. `ready_for_invoicing`: bought (up to today, without
/// a `billing_date`), with a price, and on no invoice yet.
fn lots(call: &Call, problems: &mut Problems) -> Filter {
    let mut filters = vec![by_id(call, "client_id", prepay_lot::CLIENT_ID, problems)];
    let clients = call.params.ints("client_ids", problems);
    if !clients.is_empty() {
        let one = |id: &i64| Filter::int(prepay_lot::CLIENT_ID.0, *id);
        filters.push(Filter::Any(clients.iter().map(one).collect()));
    }
    // There are no contracts here, so no lot belongs to one.
    if call.params.int("contract_id", problems).is_some_and(|id| id > 0) {
        filters.push(Filter::none());
    }
    let ready = call.params.flag("ready_for_invoicing", problems);
    let until = match call.params.get("billing_date").map(parse_datetime) {
        Some(None) => {
            problems.add("billing_date", "must be a date");
            None
        }
        Some(until) => until,
        None => ready.then(|| call.app.clock.now_text()),
    };
    if let Some(day) = until.as_deref().and_then(|until| until.get(..10)) {
        filters.push(date(prepay_lot::DATE, Compare::LessOrEqual, &format!("{day}T23:59:59.999")));
    }
    if ready {
        let invoice =
            [prepay_lot::INVOICE_DATE, prepay_lot::INVOICE_ID, prepay_lot::INVOICE_NUMBER];
        filters.extend(invoice.map(|key| is_set(key).negate()));
        let test = Test::Compare(Compare::Greater, Operand::Number(0.into()));
        filters.push(Filter::Field { position: prepay_lot::AMOUNT.0, test });
    }
    Filter::all(filters)
}

async fn azure_tenants(call: &Call, problems: &mut Problems) -> Result<Filter> {
    let mut filters = vec![
        by_id(call, "client_id", azure_tenant::CLIENT_ID, problems),
        by_id(call, "details_id", azure_tenant::DETAILS_ID, problems),
    ];
    if let Some(text) = call.params.get("azure_tenant_id") {
        match aureole_catalogue::accept::canonical_guid(text.trim()) {
            Some(guid) => filters.push(tenant_is(&guid)),
            None => problems.add("azure_tenant_id", format!("must be a GUID, not {text:?}")),
        }
    }
    if call.params.flag("notset", problems) {
        filters.push(is_set(azure_tenant::CLIENT_ID).negate());
    }
    // Credentials are never in a reply, decrypted or not; the flag is checked and changes nothing.
    call.params.flag("ignore_decrypt", problems);
    if let Some(site_id) = call.params.int("site_id", problems) {
        filters.push(of_site(call, site_id).await?);
    }
    let filter = Filter::all(filters);
    if !call.params.flag("returnalliflinked", problems) {
        return Ok(filter);
    }
    // When a link of a client matches, all links of that client.
    let same_client = Filter::In {
        column: "client_id",
        kind: EntityKind::Client,
        filter: Box::new(Filter::Has {
            kind: EntityKind::AzureTenant,
            column: "client_id",
            filter: Box::new(filter.clone()),
        }),
    };
    Ok(Filter::Any(vec![filter, same_client]))
}

fn tenant_is(guid: &str) -> Filter {
    Filter::Field { position: azure_tenant::TENANT.0, test: Test::Equals(fold(guid)) }
}

/// The site's own tenant, else the links of its client.
async fn of_site(call: &Call, site_id: i64) -> Result<Filter> {
    let kind = EntityKind::Site;
    let show = aureole_catalogue::Show::NONE;
    let prepared = call.app.prepared(kind, aureole_catalogue::render::View::Full, show);
    let mut db = call.db.clone();
    let stored = records::get(&mut db, &prepared.select, call.caller.tenant_id, site_id).await?;
    let Some(stored) = stored else { return Ok(Filter::none()) };
    let record = Record::from_doc(kind.entity().schema, &stored.doc);
    let own = record.text(site::AZURE_TENANT);
    Ok(match own {
        "" => Filter::int(azure_tenant::CLIENT_ID.0, record.int(site::CLIENT_ID)),
        own => tenant_is(own),
    })
}

fn addresses(call: &Call, endpoint: &Endpoint, problems: &mut Problems) -> Filter {
    let schema = endpoint.kind.entity().schema;
    let postcode = call.params.get("postcode").map(fold);
    let postcode = match (postcode, schema.find("postcode")) {
        (Some(text), Some(position)) => Filter::Field { position, test: Test::Equals(text) },
        _ => Filter::True,
    };
    Filter::all(vec![
        postcode,
        by_name(call, endpoint, "site_id", "site_id", problems),
        by_name(call, endpoint, "user_id", "user_id", problems),
        by_name(call, endpoint, "type_id", "type", problems),
    ])
}

/// `ticketarea_id`: clients that can log a visible ticket type of the area. A type is open to a
/// client that it allows, or that may log everything, or that has the pair.
pub fn ticket_area(call: &Call, problems: &mut Problems) -> Filter {
    let Some(area) = call.params.int("ticketarea_id", problems) else { return Filter::True };
    let visible = |more: Vec<Filter>| {
        let mut all =
            vec![Filter::int(ticket_type::AREA.0, area), Filter::int(ticket_type::VISIBLE.0, 1)];
        all.extend(more);
        Box::new(Filter::all(all))
    };
    let exists = |filter: Box<Filter>| Filter::HasAny { kind: EntityKind::TicketType, filter };
    let by_pair = Filter::Has {
        kind: EntityKind::AreaRequestType,
        column: "client_id",
        filter: Box::new(Filter::In {
            column: "request_type",
            kind: EntityKind::TicketType,
            filter: visible(vec![]),
        }),
    };
    let everything = Filter::all(vec![
        Filter::Field { position: client::ALLOWALL_TICKETTYPES.0, test: Test::IsSet },
        exists(visible(vec![])),
    ]);
    Filter::Any(vec![
        exists(visible(vec![Filter::int(ticket_type::ALLOW_ALL.0, 1)])),
        everything,
        by_pair,
    ])
}

/// Integrations and the field that links a client to a tenant of theirs.
const INTEGRATIONS: &[(&str, &str)] = &[
    ("xero", "xero_tenant_id"),
    ("kashflow", "kashflow_tenant_id"),
    ("qbo", "qbo_company_id"),
    ("myob", "myob_tenant"),
    ("avalara", "avalara_tenant"),
    ("fortnox", "fortnox_tenant"),
    ("dattocommerce", "dattocommerce_tenantid"),
    ("sentinel", "sentinel_tenant_id"),
];

/// `integration_type` with `integration_tenantids`: one without the other is a 400.
pub fn integration(call: &Call, problems: &mut Problems) -> Filter {
    let kind = call.params.get("integration_type").map(str::to_ascii_lowercase);
    let ids = call.params.texts("integration_tenantids");
    let kind = match (kind, ids.is_empty()) {
        (None, true) => return Filter::True,
        (None, false) => {
            problems.add("integration_type", "is required with integration_tenantids");
            return Filter::True;
        }
        (Some(_), true) => {
            problems.add("integration_tenantids", "is required with integration_type");
            return Filter::True;
        }
        (Some(kind), false) => kind,
    };
    if kind == "azure" {
        let numbers: Vec<i64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        if numbers.len() < ids.len() {
            problems.add("integration_tenantids", "must be integers");
        }
        let link = numbers.iter().map(|id| Filter::int(azure_tenant::DETAILS_ID.0, *id));
        let mut any: Vec<Filter> = link.collect();
        let mut own = numbers.clone();
        own.sort_unstable();
        any.push(Filter::Ids(own));
        return Filter::Has {
            kind: EntityKind::AzureTenant,
            column: "client_id",
            filter: Box::new(Filter::Any(any)),
        };
    }
    let Some((_, field)) = INTEGRATIONS.iter().find(|(name, _)| *name == kind) else {
        let names: Vec<&str> = INTEGRATIONS.iter().map(|(name, _)| *name).collect();
        problems.add(
            "integration_type",
            format!("{kind:?} is not one of: azure, {}", names.join(", ")),
        );
        return Filter::True;
    };
    let position = EntityKind::Client.entity().schema.find(field).unwrap_or(0);
    Filter::Field { position, test: Test::OneOf(ids.iter().map(|id| fold(id)).collect()) }
}
