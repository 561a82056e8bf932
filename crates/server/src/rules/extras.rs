//! Fields that are computed at read time, for the records of one reply at once.

use std::collections::HashMap;

use aureole_catalogue::keys::{client, site, ticket_type};
use aureole_catalogue::query::ListQuery;
use aureole_catalogue::{EntityKind, Key, Record, Show, Source};
use aureole_storage::Read;
use aureole_storage::records::Stored;
use aureole_storage::tickets::{self, COUNTED, ticket_counts};

use crate::app::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::rules::{availability, custom_fields, listed, popups, prepay, stock, top_levels};

/// JSON by field position, for one record.
pub type Extras = Vec<(usize, String)>;

/// What makes list rows carry fields that are computed anew for every reply.
const COMPUTED: Show =
    Show::ACTIVITY.with(Show::CUSTOM_FIELDS).with(Show::SITE_FIELDS).with(Show::AZURE_TENANTS);

/// True when [`rows`] adds anything, so that such rows can't be kept.
pub fn are_computed(kind: EntityKind, query: &ListQuery) -> bool {
    let by_kind = match kind {
        EntityKind::PopupNote | EntityKind::Item | EntityKind::TopLevel => true,
        EntityKind::Site => query.stock_item > 0,
        _ => false,
    };
    by_kind || query.show.meets(COMPUTED)
}

/// The computed fields of list rows, in the order of the rows.
pub async fn rows(
    reader: &mut impl Read,
    app: &App,
    caller: &Caller,
    kind: EntityKind,
    query: &ListQuery,
    stored: &[Stored],
    now: i64,
) -> Result<Vec<Extras>> {
    let tenant = caller.tenant_id;
    let mut extras: Vec<Extras> = vec![Vec::new(); stored.len()];
    if !are_computed(kind, query) {
        return Ok(extras);
    }
    match kind {
        EntityKind::PopupNote => {
            popups::statuses(reader, tenant, caller.agent_id, stored, &mut extras).await?;
        }
        EntityKind::Site if query.stock_item > 0 => {
            stock::of_sites(reader, app, tenant, Some(query.stock_item), stored, &mut extras)
                .await?;
        }
        EntityKind::Item => stock::of_items(reader, app, tenant, stored, &mut extras).await?,
        EntityKind::TopLevel => {
            let counts = query.show.meets(Show::ACTIVITY);
            top_levels::names_and_counts(reader, app, caller, counts, stored, &mut extras).await?;
        }
        _ => {}
    }
    if query.show.meets(Show::ACTIVITY) {
        counts(reader, tenant, kind, stored, now, &mut extras).await?;
    }
    if query.show.meets(Show::CUSTOM_FIELDS) {
        let asked = ("customfields", query.custom_fields.as_slice());
        custom_fields::rows(reader, app, tenant, kind, asked, stored, &mut extras).await?;
    }
    if query.show.meets(Show::SITE_FIELDS) {
        let asked = ("site_fields", query.site_fields.as_slice());
        custom_fields::rows(reader, app, tenant, kind, asked, stored, &mut extras).await?;
    }
    if query.show.meets(Show::AZURE_TENANTS) && kind == EntityKind::Client {
        let links = (EntityKind::AzureTenant, "client_id", client::AZURE_TENANTS);
        children(reader, app, caller, &links, stored, &mut extras).await?;
    }
    Ok(extras)
}

/// True for the kinds of which a full record has computed fields without being asked for them: they
/// follow from more than the record and those that it points at.
pub fn are_always_there(kind: EntityKind) -> bool {
    matches!(kind, EntityKind::PopupNote | EntityKind::Item | EntityKind::TopLevel)
}

/// The computed fields of one full record. A kind that has some without being asked is in
/// [`are_always_there`].
pub async fn full(
    reader: &mut impl Read,
    app: &App,
    caller: &Caller,
    kind: EntityKind,
    show: Show,
    stored: &Stored,
    now: i64,
) -> Result<Extras> {
    let tenant = caller.tenant_id;
    let mut extras = vec![Vec::new()];
    let stored = std::slice::from_ref(stored);
    match kind {
        EntityKind::PopupNote => {
            popups::statuses(reader, tenant, caller.agent_id, stored, &mut extras).await?;
        }
        EntityKind::Site if show.meets(Show::DETAILS) => {
            stock::of_sites(reader, app, tenant, None, stored, &mut extras).await?;
        }
        EntityKind::Item => stock::of_items(reader, app, tenant, stored, &mut extras).await?,
        EntityKind::TopLevel => {
            let counts = show.meets(Show::DETAILS);
            top_levels::names_and_counts(reader, app, caller, counts, stored, &mut extras).await?;
        }
        _ => {}
    }
    if show.meets(Show::ACTIVITY) {
        counts(reader, tenant, kind, stored, now, &mut extras).await?;
    }
    if kind == EntityKind::Client && show.meets(Show::DETAILS.with(Show::TICKET_TYPES)) {
        let available = show.meets(Show::TICKET_TYPES);
        let types =
            availability::types_of_client(reader, app, tenant, &stored[0], available).await?;
        extras[0].push((client::ALLOWED_TICKETTYPES.0, types));
    }
    if kind == EntityKind::Client && show.meets(Show::PREPAY.with(Show::PERIODS)) {
        prepay::extras(reader, app, tenant, show, &stored[0], now, &mut extras[0]).await?;
    }
    if kind == EntityKind::TicketType && show.meets(Show::DETAILS) {
        let clients = availability::clients_of_type(reader, app, caller, stored[0].id).await?;
        extras[0].push((ticket_type::ALLOWED_CLIENTS.0, clients));
    }
    if show.meets(Show::DETAILS) {
        for collection in collections(kind) {
            children(reader, app, caller, collection, stored, &mut extras).await?;
        }
        listed::full(reader, app, tenant, kind, &stored[0], &mut extras[0]).await?;
        if kind == EntityKind::Client {
            main_addresses(reader, app, tenant, &stored[0], &mut extras[0]).await?;
        }
    }
    custom_fields::full(reader, app, tenant, kind, show, &stored[0], &mut extras[0]).await?;
    Ok(extras.pop().unwrap_or_default())
}

/// The kind of the elements, their column with the parent's id, and the parent's field.
pub type Collection = (EntityKind, &'static str, Key);

/// The collections whose elements are records of their own.
pub fn collections(kind: EntityKind) -> &'static [Collection] {
    match kind {
        EntityKind::Client => &[
            (EntityKind::PopupNote, "client_id", client::POPUP_NOTES),
            (EntityKind::RecurringItem, "client_id", client::AREA_ITEMS),
            (EntityKind::AzureTenant, "client_id", client::AZURE_TENANTS),
            (EntityKind::Attachment, "client_id", client::ATTACHMENTS),
        ],
        EntityKind::Site => &[
            (EntityKind::PopupNote, "site_id", site::POPUP_NOTES),
            (EntityKind::SiteContact, "site", site::SITE_CONTACTS),
            (EntityKind::StockBin, "site_id", site::STOCK_BINS),
        ],
        EntityKind::User => {
            &[(EntityKind::PopupNote, "user_id", aureole_catalogue::keys::user::POPUP_NOTES)]
        }
        _ => &[],
    }
}

/// The child records of each row, rendered in full.
async fn children(
    reader: &mut impl Read,
    app: &App,
    caller: &Caller,
    (child, column, key): &Collection,
    stored: &[Stored],
    extras: &mut [Extras],
) -> Result<()> {
    use aureole_catalogue::render::View;
    use aureole_storage::records;
    let tenant = caller.tenant_id;
    let parents: Vec<i64> = stored.iter().map(|record| record.id).collect();
    let ids = records::ids_where(reader, tenant, child.entity(), column, &parents).await?;
    let prepared = app.prepared_for(caller, *child, View::Full, Show::NONE);
    let found = records::get_many(reader, &prepared.select, tenant, &ids).await?;
    let position = child.entity().schema.find(column).unwrap_or(0);
    let mut own: Vec<Extras> = vec![Vec::new(); found.len()];
    if *child == EntityKind::PopupNote {
        popups::statuses(reader, tenant, caller.agent_id, &found, &mut own).await?;
    }
    let mut lists: HashMap<i64, String> = HashMap::new();
    for (record, own) in found.iter().zip(&own) {
        let parent = Record::from_doc(child.entity().schema, &record.doc).int(Key(position));
        let mut out = Vec::new();
        prepared.plan.render(&crate::api::list::row(record, own), &mut Vec::new(), &mut out);
        let list = lists.entry(parent).or_default();
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(&String::from_utf8(out).unwrap_or_default());
    }
    for (at, parent) in parents.iter().enumerate() {
        extras[at].push((key.0, format!("[{}]", lists.remove(parent).unwrap_or_default())));
    }
    Ok(())
}

/// Ticket counts: open (on hold included), on hold, all but opportunities, opened this month (UTC),
/// and open opportunities.
async fn counts(
    reader: &mut impl Read,
    tenant: i64,
    kind: EntityKind,
    stored: &[Stored],
    now: i64,
    extras: &mut [Extras],
) -> Result<()> {
    let Some(column) = tickets::column(kind) else { return Ok(()) };
    let counted = |source: Source| match source {
        Source::Tickets(counted) => COUNTED.iter().position(|other| *other == counted),
        _ => None,
    };
    let fields: Vec<(usize, usize)> = kind
        .entity()
        .schema
        .fields
        .iter()
        .enumerate()
        .filter_map(|(position, field)| Some((position, counted(field.source)?)))
        .collect();
    let ids: Vec<i64> = stored.iter().map(|record| record.id).collect();
    let found = ticket_counts(reader, tenant, column, &ids, &month_start(now)).await?;
    for (at, id) in ids.iter().enumerate() {
        let counts = found.get(id).copied().unwrap_or_default();
        let counts = fields.iter().map(|(position, which)| (*position, counts[*which].to_string()));
        extras[at].extend(counts);
    }
    Ok(())
}

/// The first moment of the month of `now`, UTC.
pub fn month_start(now: i64) -> String {
    let text = aureole_catalogue::value::format_millis(now);
    format!("{}-01T00:00:00", text.get(..7).unwrap_or("9999-12"))
}

/// The addresses of the main site.
async fn main_addresses(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    stored: &Stored,
    extras: &mut Extras,
) -> Result<()> {
    let record = Record::from_doc(EntityKind::Client.entity().schema, &stored.doc);
    let select = app.prepared(EntityKind::Site, aureole_catalogue::render::View::Full, Show::NONE);
    let id = record.int(client::MAIN_SITE_ID);
    let main = aureole_storage::records::get(reader, &select.select, tenant, id).await?;
    let Some(main) = main else { return Ok(()) };
    let main = Record::from_doc(EntityKind::Site.entity().schema, &main.doc);
    for (from, to) in [
        (site::DELIVERY_ADDRESS, client::MAIN_DELIVERY_ADDRESS),
        (site::INVOICE_ADDRESS, client::MAIN_INVOICE_ADDRESS),
    ] {
        if let Some(address) = main.get(from).filter(|address| address.is_object()) {
            extras.push((to.0, address.to_string()));
        }
    }
    Ok(())
}
