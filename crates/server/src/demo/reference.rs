//! The shared records that clients point at: one small firm's set-up.

use super::Record;
use super::record::{Decimal, Fields};

/// The kinds of shared record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `Tree`: a node above the clients.
    TopLevel,
    /// `Organisation`: the firm that runs the system.
    Organisation,
    /// `Uname_List`: a member of the firm's staff.
    Agent,
    /// `TicketArea`.
    TicketArea,
    /// `RequestType_List`: a ticket type.
    TicketType,
    /// `TStatus`: a ticket status.
    Status,
    /// `Tax`.
    Tax,
    /// `Currency`.
    Currency,
    /// A surcharge (`id`, `name`).
    Surcharge,
    /// `ContractTemplateHeader`: a billing template.
    BillingTemplate,
    /// An item that can be sold (`id`, `name`).
    Item,
    /// `Company`: a supplier.
    Supplier,
    /// A connection to Azure (`id`, `name`, `type`).
    AzureConnection,
}

/// The shared records, a record behind those that it points at. Each has its `id`.
pub type Reference = Vec<(Kind, Record)>;

/// Every field, in any record of the demo data, that points at a shared record, and at which kind.
/// Zero means not set.
pub const REFERENCES: &[(&str, Kind)] = &[
    ("accountmanagertech", Kind::Agent),
    ("agent_id", Kind::Agent),
    ("billingtemplate_id", Kind::BillingTemplate),
    ("contract_tax_code", Kind::Tax),
    ("default_currency_code", Kind::Currency),
    ("details_id", Kind::AzureConnection),
    ("item_id", Kind::Item),
    ("item_tax_code", Kind::Tax),
    ("organisation_id", Kind::Organisation),
    ("parentid", Kind::TopLevel),
    ("prepay_tax_code", Kind::Tax),
    ("pritech", Kind::Agent),
    ("sectech", Kind::Agent),
    ("service_tax_code", Kind::Tax),
    ("status_id", Kind::Status),
    ("surchargeid", Kind::Surcharge),
    ("technician", Kind::Agent),
    ("ticketarea_id", Kind::TicketArea),
    ("tickettype_id", Kind::TicketType),
    ("toplevel_id", Kind::TopLevel),
    ("who_agentid", Kind::Agent),
];

/// How many agents, top levels and connections there are: clients draw from `1..=` these.
pub(super) const AGENTS: i64 = 8;
pub(super) const TOP_LEVELS: i64 = 5;
pub(super) const SURCHARGES: i64 = 2;
pub(super) const BILLING_TEMPLATES: i64 = 2;
pub(super) const AZURE_CONNECTIONS: i64 = 2;

/// Tax ordinals.
pub(super) const TAX_STANDARD: i64 = 1;
pub(super) const TAX_REDUCED: i64 = 2;
pub(super) const TAX_ZERO: i64 = 3;

/// Ticket status ordinals.
pub(super) const STATUS_NEW: i64 = 1;
pub(super) const STATUS_IN_PROGRESS: i64 = 2;
pub(super) const STATUS_WITH_CLIENT: i64 = 3;
pub(super) const STATUS_WITH_SUPPLIER: i64 = 4;
pub(super) const STATUS_CLOSED: i64 = 5;

/// Ticket type ordinals.
pub(super) const TYPE_OPPORTUNITY: i64 = 8;

/// An item on sale: its name, and what it costs and is sold for by the month, in cents.
pub(super) struct Goods {
    pub(super) name: &'static str,
    pub(super) cost_cents: i64,
    pub(super) price_cents: i64,
}

/// In the order of their ordinals.
pub(super) const ITEMS: &[Goods] = &[
    goods("Managed Workstation", 1150, 2499),
    goods("Managed Server", 4200, 8950),
    goods("Productivity Suite, Standard", 940, 1175),
    goods("Productivity Suite, Premium", 1660, 2075),
    goods("Cloud Backup, 1 TB", 1875, 3999),
    goods("Endpoint Protection", 210, 450),
    goods("Mail Filtering", 95, 225),
    goods("Fibre Line, 100 Mbit/s", 2890, 4450),
    goods("Hosted Telephone Seat", 620, 1199),
    goods("Firewall Rental", 3300, 5725),
    goods("Domain and Certificate", 180, 399),
    goods("Awareness Training Seat", 125, 299),
];

const fn goods(name: &'static str, cost_cents: i64, price_cents: i64) -> Goods {
    Goods { name, cost_cents, price_cents }
}

/// All shared records.
pub(super) fn all() -> Reference {
    let mut all = Reference::new();
    let mut add = |kind: Kind, records: Vec<Record>| {
        all.extend(records.into_iter().map(|record| (kind, record)));
    };
    add(Kind::Organisation, organisations());
    add(Kind::TopLevel, top_levels());
    add(Kind::Agent, agents());
    add(Kind::TicketArea, ticket_areas());
    add(Kind::TicketType, ticket_types());
    add(Kind::Status, statuses());
    add(Kind::Tax, taxes());
    add(Kind::Currency, currencies());
    add(Kind::Surcharge, named(&["Out of hours", "Same-day visit"]));
    add(Kind::BillingTemplate, named(&["Monthly in arrears", "Prepaid hours"]));
    add(Kind::Item, named(&ITEMS.iter().map(|item| item.name).collect::<Vec<_>>()));
    add(Kind::Supplier, suppliers());
    add(Kind::AzureConnection, azure_connections());
    all
}

/// One record a row, numbered from 1; `fill` adds what the kind needs.
fn numbered<T>(rows: &[T], fill: impl Fn(&mut Fields, &T)) -> Vec<Record> {
    let build = |(id, row): (i64, &T)| {
        let mut fields = Fields::new(12);
        fields.int("id", id);
        fill(&mut fields, row);
        fields.done()
    };
    (1..).zip(rows).map(build).collect()
}

fn named(names: &[&str]) -> Vec<Record> {
    numbered(names, |fields, name| {
        fields.text("name", *name);
    })
}

fn organisations() -> Vec<Record> {
    numbered(&["Lanternfield IT Services"], |fields, name| {
        fields
            .text("name", *name)
            .text("phone", "+44 1632 960100")
            .text("email", "hello@lanternfield.example")
            .text("website", "https://www.lanternfield.example")
            .text("portalcolour", "#1f5f8b");
    })
}

fn top_levels() -> Vec<Record> {
    let rows = [
        ("Managed Services", 0),
        ("Public Sector", 0),
        ("Schools", 2),
        ("Professional Services", 0),
        ("Pay as You Go", 0),
    ];
    numbered(&rows, |fields, (name, parent)| {
        fields.text("name", *name).int("organisation_id", 1);
        if *parent > 0 {
            fields.int("parentid", *parent);
        }
    })
}

fn agents() -> Vec<Record> {
    let rows = [
        ("Marian", "Holloway", "Service Desk Manager", "#1f5f8b"),
        ("Tomás", "Iglesias", "Senior Engineer", "#2e7d32"),
        ("Ngozi", "Eze", "Account Manager", "#6a1b9a"),
        ("Callum", "Strachan", "Field Engineer", "#c62828"),
        ("Yuki", "Morita", "Cloud Engineer", "#00838f"),
        ("Elsa", "Wikström", "Service Desk Engineer", "#ef6c00"),
        ("Devon", "Clarke", "Account Manager", "#4527a0"),
        ("Hélène", "Marchal", "Project Manager", "#558b2f"),
    ];
    numbered(&rows, |fields, (first, last, job, colour)| {
        let initials = first.chars().take(1).chain(last.chars().take(1)).collect::<String>();
        let mailbox = super::names::plain(first, '.');
        fields
            .text("name", format!("{first} {last}"))
            .text("firstname", *first)
            .text("surname", *last)
            .text("initials", initials)
            .text("email", format!("{mailbox}@lanternfield.example"))
            .text("jobtitle", *job)
            .text("colour", *colour)
            .text("role", "agent")
            .flag("is_agent", true);
    })
}

fn ticket_areas() -> Vec<Record> {
    let rows = [("Service Desk", "Ticket"), ("Projects", "Project"), ("Sales", "Opportunity")];
    let mut records = numbered(&rows, |fields, (name, singular)| {
        fields.text("name", *name).text("entity_singular", *singular);
    });
    for (sequence, record) in (1i64..).zip(&mut records) {
        record.insert("sequence".to_owned(), sequence.into());
    }
    records
}

fn ticket_types() -> Vec<Record> {
    let rows = [
        ("Incident", 1),
        ("Service Request", 1),
        ("Change Request", 1),
        ("Problem", 1),
        ("Alert", 1),
        ("Project", 2),
        ("Project Task", 2),
        ("Opportunity", 3),
    ];
    let mut records = numbered(&rows, |fields, (name, area)| {
        fields
            .text("name", *name)
            .int("ticketarea_id", *area)
            .flag("visible", true)
            .flag("allowall_clients", true)
            .flag("cancreate", true)
            .flag("agentscanselect", true)
            .flag("enduserscanselect", *area == 1);
    });
    for (sequence, record) in (1i64..).zip(&mut records) {
        record.insert("sequence".to_owned(), sequence.into());
    }
    records
}

fn statuses() -> Vec<Record> {
    let rows = [
        ("New", "#c62828"),
        ("In Progress", "#1f5f8b"),
        ("With Client", "#ef6c00"),
        ("With Supplier", "#6a1b9a"),
        ("Closed", "#2e7d32"),
    ];
    numbered(&rows, |fields, (name, colour)| {
        fields.text("name", *name).text("colour", *colour);
    })
}

fn taxes() -> Vec<Record> {
    let rows = [("Standard Rate", "S", 2000), ("Reduced Rate", "R", 500), ("Zero Rate", "Z", 0)];
    numbered(&rows, |fields, (name, code, hundredths)| {
        fields
            .text("name", *name)
            .text("code", *code)
            .decimal("value", Decimal::hundredths(*hundredths));
    })
}

fn currencies() -> Vec<Record> {
    let rows = [
        ("Pound Sterling", "£", "GBP", 1_0000),
        ("US Dollar", "$", "USD", 1_2715),
        ("Euro", "€", "EUR", 1_1640),
    ];
    numbered(&rows, |fields, (name, symbol, code, rate)| {
        fields
            .text("name", *name)
            .text("symbol", *symbol)
            .text("code", *code)
            .decimal("conversion_rate", Decimal::ten_thousandths(*rate));
    })
}

fn suppliers() -> Vec<Record> {
    let rows = [
        ("Northlight Distribution", "northlight", "Ida Brandvold", "+44 1632 960201"),
        ("Cobalt Cloud Wholesale", "cobaltcloud", "Raj Malhotra", "+44 1632 960214"),
        ("Fenway Telecom Supply", "fenwaytelecom", "Grace Oduya", "+44 1632 960227"),
        ("Saltmarsh Cabling", "saltmarsh", "Piers Langdon", "+44 1632 960233"),
    ];
    numbered(&rows, |fields, (name, host, contact, phone)| {
        fields
            .text("name", *name)
            .int("toplevel_id", 1)
            .text("contact_name", *contact)
            .text("email_address", format!("sales@{host}.example"))
            .text("support_email_address", format!("support@{host}.example"))
            .text("phone_number", *phone)
            .text("website", format!("https://www.{host}.example"));
    })
}

fn azure_connections() -> Vec<Record> {
    numbered(&["Partner Tenant", "Partner Tenant (EU)"], |fields, name| {
        fields.text("name", *name).int("type", 2);
    })
}
