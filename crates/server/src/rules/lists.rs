//! The parameters of lists that belong to one kind of record, as filters.

use aureole_catalogue::filter::{Compare, Operand, Test};
use aureole_catalogue::keys::{client, site, ticket, top_level};
use aureole_catalogue::query::ListQuery;
use aureole_catalogue::{EntityKind, Filter, Key, Problems, Show};
use aureole_storage::records::Stored;

use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::rules::more_lists;

/// What a list's own parameters ask for.
pub async fn filter(
    call: &Call,
    endpoint: &'static Endpoint,
    query: &mut ListQuery,
    problems: &mut Problems,
) -> Result<Filter> {
    match endpoint.kind {
        EntityKind::Client => clients(call, query, problems).await,
        EntityKind::Site => sites(call, query, problems).await,
        EntityKind::Supplier => suppliers(call, problems).await,
        EntityKind::User => users(call, problems).await,
        EntityKind::Ticket => Ok(tickets(call, problems)),
        EntityKind::TopLevel => Ok(top_levels(call, problems)),
        _ => more_lists::filter(call, endpoint, query, problems).await,
    }
}

/// A client is also found by the phones and addresses of its sites, a site by the name of its
/// client.
pub fn widen_search(kind: EntityKind, filter: Filter) -> Filter {
    match filter {
        Filter::All(filters) => {
            Filter::All(filters.into_iter().map(|filter| widen_search(kind, filter)).collect())
        }
        Filter::Search(word) => match kind {
            EntityKind::Client => {
                let sites = Filter::Has {
                    kind: EntityKind::Site,
                    column: "client_id",
                    filter: Box::new(Filter::Contact(word.clone())),
                };
                Filter::Any(vec![Filter::Search(word), sites])
            }
            EntityKind::Site => {
                let client = Filter::In {
                    column: "client_id",
                    kind: EntityKind::Client,
                    filter: Box::new(Filter::NameContains(word.clone())),
                };
                Filter::Any(vec![Filter::Search(word.clone()), Filter::Contact(word), client])
            }
            _ => Filter::Search(word),
        },
        other => other,
    }
}

fn is_set(key: Key) -> Filter {
    Filter::Field { position: key.0, test: Test::IsSet }
}

/// Adds the filter when the flag is true.
fn when(call: &Call, name: &str, filter: Filter, problems: &mut Problems) -> Filter {
    if call.params.flag(name, problems) { filter } else { Filter::True }
}

/// Adds fields to the rows when the flag is true.
fn show(call: &Call, query: &mut ListQuery, flags: &[(&str, Show)], problems: &mut Problems) {
    for (name, flag) in flags {
        if call.params.flag(name, problems) {
            query.show = query.show.with(*flag);
        }
    }
}

/// A filter on a field that holds an id.
fn by_id(call: &Call, name: &str, key: Key, problems: &mut Problems) -> Filter {
    call.params.int(name, problems).map_or(Filter::True, |id| Filter::int(key.0, id))
}

fn azure_tenants() -> Filter {
    let filter = Box::new(Filter::True);
    Filter::Has { kind: EntityKind::AzureTenant, column: "client_id", filter }
}

async fn clients(call: &Call, query: &mut ListQuery, problems: &mut Problems) -> Result<Filter> {
    let shows = [
        ("includenotes", Show::NOTES),
        ("includeazuretenants", Show::AZURE_TENANTS),
        ("includeinvoicetemplatename", Show::INVOICE_TEMPLATE),
        ("include_website", Show::WEBSITE),
        ("includeqbofields", Show::QBO),
    ];
    show(call, query, &shows, problems);
    let now = call.app.clock.now_text();
    let called = Test::Compare(Compare::Less, Operand::Date(now));
    let call_plan = Filter::Field { position: client::CALL_DATE.0, test: called };
    let own = Filter::int(client::ACCOUNT_MANAGER.0, call.caller.agent_id);
    let mut filters = vec![
        when(call, "accountmanageronly", own, problems),
        when(call, "azureclients", azure_tenants(), problems),
        when(call, "gficlients", is_set(client::GFI_CLIENT_ID), problems),
        when(call, "snowclients", is_set(client::SNOW_ID), problems),
        when(call, "issentinel", is_set(client::SENTINEL_SUBSCRIPTION), problems),
        when(call, "isjira", is_set(client::JIRA_URL), problems),
        when(call, "isservicenow", is_set(client::SERVICENOW_URL), problems),
        when(call, "callplan", call_plan, problems),
        by_id(call, "sentinelid", client::SENTINEL_TENANT, problems),
        by_id(call, "snowaccountid", client::SNOW_ID, problems),
        domain(call, problems),
        more_lists::ticket_area(call, problems),
        more_lists::integration(call, problems),
    ];
    filters.push(under_top_level(call, client::TOPLEVEL_ID, problems).await?);
    let internal = internal_client(call, problems).await?;
    filters.push(internal.map_or(Filter::True, |id| Filter::Ids(vec![id]).negate()));
    Ok(Filter::all(filters))
}

/// The permission lens: `opps` is what the caller may see as sales.
fn domain(call: &Call, problems: &mut Problems) -> Filter {
    match call.params.get("domain").map(str::to_ascii_lowercase).as_deref() {
        Some("opps") => {
            let opportunity = Filter::all(vec![
                Filter::int(ticket::IS_OPPORTUNITY.0, 1),
                Filter::Field { position: ticket::CLOSED.0, test: Test::IsSet }.negate(),
            ]);
            let filter = Box::new(opportunity);
            Filter::Any(vec![
                is_set(client::IS_OPPORTUNITY),
                Filter::Has { kind: EntityKind::Ticket, column: "client_id", filter },
            ])
        }
        Some("tickets" | "reqs" | "all") | None => Filter::True,
        Some(other) => {
            problems.add("domain", format!("{other:?} is not one of: opps, reqs"));
            Filter::True
        }
    }
}

/// `toplevel_id` and every top level below it.
pub async fn under_top_level(call: &Call, key: Key, problems: &mut Problems) -> Result<Filter> {
    let Some(id) = call.params.int("toplevel_id", problems) else { return Ok(Filter::True) };
    let ids = descendants(call, id).await?;
    Ok(Filter::Any(ids.into_iter().map(|id| Filter::int(key.0, id)).collect()))
}

/// A top level and all below it.
async fn descendants(call: &Call, id: i64) -> Result<Vec<i64>> {
    let entity = EntityKind::TopLevel.entity();
    let parent = entity.schema.fields[top_level::PARENT.0].name;
    let mut found = vec![id];
    let mut level = vec![id];
    while !level.is_empty() {
        let mut db = call.db.clone();
        let tenant = call.caller.tenant_id;
        level =
            aureole_storage::records::ids_where(&mut db, tenant, entity, parent, &level).await?;
        level.retain(|id| !found.contains(id));
        found.extend(&level);
    }
    Ok(found)
}

/// The firm's own client, when the request leaves it out.
async fn internal_client(call: &Call, problems: &mut Problems) -> Result<Option<i64>> {
    if !call.params.flag("exclude_internal", problems) {
        return Ok(None);
    }
    let settings = crate::settings::load(&mut call.db.clone(), call.caller.tenant_id).await?;
    Ok(Some(settings.internal_client_id).filter(|id| *id > 0))
}

async fn sites(call: &Call, query: &mut ListQuery, problems: &mut Problems) -> Result<Filter> {
    show(
        call,
        query,
        &[("includenotes", Show::NOTES), ("includeaddress", Show::ADDRESS)],
        problems,
    );
    if query.show.meets(Show::ADDRESS) {
        // The address lines and the notes come together.
        query.show = query.show.with(Show::NOTES);
    }
    if let Some(item) = call.params.int("item_id_qty", problems) {
        // An item that does not exist lies nowhere: its figures are 0.
        query.stock_item = item.max(0);
        query.show = query.show.with(Show::ITEM_QUANTITY);
    }
    let stock = call.params.ints("stocklocation", problems);
    let include_stock = call.params.boolean("includestocklocations", problems).unwrap_or(true);
    let include_other = call.params.boolean("includenonstocklocations", problems).unwrap_or(true);
    let azure = Filter::Any(vec![
        is_set(site::AZURE_TENANT),
        Filter::In {
            column: "client_id",
            kind: EntityKind::Client,
            filter: Box::new(azure_tenants()),
        },
    ]);
    let mut filters = vec![
        by_id(call, "client_id", site::CLIENT_ID, problems),
        by_id(call, "site_id", site::ID, problems),
        when(call, "azuresites", azure, problems),
        when(call, "gfisites", is_set(site::GFI_SITE_ID), problems),
        if include_stock { Filter::True } else { Filter::int(site::IS_STOCK.0, 0) },
        if include_other { Filter::True } else { Filter::int(site::IS_STOCK.0, 1) },
    ];
    if !stock.is_empty() {
        let mut stock = stock;
        stock.sort_unstable();
        filters.push(Filter::all(vec![Filter::Ids(stock), Filter::int(site::IS_STOCK.0, 1)]));
    }
    filters.push(through_client(under_top_level(call, client::TOPLEVEL_ID, problems).await?));
    let internal = internal_client(call, problems).await?;
    filters.push(internal.map_or(Filter::True, |id| Filter::int(site::CLIENT_ID.0, id).negate()));
    Ok(Filter::all(filters))
}

/// A filter on the record's client.
pub fn through_client(filter: Filter) -> Filter {
    match filter {
        Filter::True => Filter::True,
        other => {
            Filter::In { column: "client_id", kind: EntityKind::Client, filter: Box::new(other) }
        }
    }
}

async fn suppliers(call: &Call, problems: &mut Problems) -> Result<Filter> {
    let schema = EntityKind::Supplier.entity().schema;
    let key = |name: &str| Key(schema.find(name).unwrap_or(0));
    let xero = call.params.get("xerotenantid").map_or(Filter::True, |text| Filter::Field {
        position: key("xero_tenant_id").0,
        test: Test::Equals(aureole_catalogue::value::fold(text)),
    });
    Ok(Filter::all(vec![
        by_id(call, "kashflowtenantid", key("kashflow_tenant_id"), problems),
        xero,
        under_top_level(call, key("toplevel_id"), problems).await?,
    ]))
}

async fn users(call: &Call, problems: &mut Problems) -> Result<Filter> {
    use aureole_catalogue::keys::user;
    let mut filters = vec![
        by_id(call, "client_id", user::CLIENT_ID, problems),
        by_id(call, "site_id", user::SITE_ID, problems),
        through_client(under_top_level(call, client::TOPLEVEL_ID, problems).await?),
    ];
    let internal = internal_client(call, problems).await?;
    filters.push(internal.map_or(Filter::True, |id| Filter::int(user::CLIENT_ID.0, id).negate()));
    Ok(Filter::all(filters))
}

fn tickets(call: &Call, problems: &mut Problems) -> Filter {
    let schema = EntityKind::Ticket.entity().schema;
    let agent = Key(schema.find("agent_id").unwrap_or(0));
    let open = Filter::Field { position: ticket::CLOSED.0, test: Test::IsSet }.negate();
    Filter::all(vec![
        by_id(call, "client_id", ticket::CLIENT_ID, problems),
        by_id(call, "site_id", ticket::SITE_ID, problems),
        by_id(call, "user_id", ticket::USER_ID, problems),
        by_id(call, "agent_id", agent, problems),
        when(call, "open_only", open, problems),
    ])
}

fn top_levels(call: &Call, problems: &mut Problems) -> Filter {
    let schema = EntityKind::TopLevel.entity().schema;
    let key = |name: &str| Key(schema.find(name).unwrap_or(0));
    Filter::all(vec![
        by_id(call, "type", key("type"), problems),
        by_id(call, "org_id", key("organisation_id"), problems),
    ])
}

/// `tickettype_id` sets the scene for a ticket of that type, which has to exist.
async fn ticket_type_exists(call: &Call, problems: &mut Problems) -> Result<()> {
    let Some(id) = call.params.int("tickettype_id", problems).filter(|id| *id > 0) else {
        return Ok(());
    };
    let entity = EntityKind::TicketType.entity();
    let (mut db, tenant) = (call.db.clone(), call.caller.tenant_id);
    let found = aureole_storage::records::ids_where(&mut db, tenant, entity, "id", &[id]).await?;
    if found.is_empty() {
        problems.add("tickettype_id", format!("names ticket type {id}, which does not exist"));
    }
    Ok(())
}

/// The parameters of GET by id that can hide a record.
pub async fn check_get(call: &Call, kind: EntityKind, id: i64, stored: &Stored) -> Result<()> {
    let mut problems = Problems::default();
    let missing = || Err(ApiError::missing(kind.entity().singular, id));
    if kind == EntityKind::Site {
        let client = call.params.int("client_override", &mut problems);
        let record = aureole_catalogue::Record::from_doc(kind.entity().schema, &stored.doc);
        if client.is_some_and(|client| client > 0 && client != record.int(site::CLIENT_ID)) {
            return missing();
        }
    }
    if matches!(kind, EntityKind::Client | EntityKind::Site) {
        ticket_type_exists(call, &mut problems).await?;
        let lens = domain(call, &mut problems);
        if !problems.is_empty() {
            return Err(ApiError::Validation { place: "", problems });
        }
        if lens != Filter::True {
            // A site is within the lens when its client is.
            let record = aureole_catalogue::Record::from_doc(kind.entity().schema, &stored.doc);
            let client = if kind == EntityKind::Site { record.int(site::CLIENT_ID) } else { id };
            let filter = Filter::all(vec![Filter::Ids(vec![client]), lens]);
            let (db, tenant) = (&call.db, call.caller.tenant_id);
            let entity = EntityKind::Client.entity();
            let found =
                aureole_storage::records::select_ids(db, tenant, entity, &filter, &[]).await?;
            if found.is_empty() {
                return missing();
            }
        }
    }
    Ok(())
}
