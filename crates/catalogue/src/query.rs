//! A query string to a [`ListQuery`]: paging, order, search and filters that every list has.

mod advanced;
mod params;

pub use advanced::{advanced_search, conditions_filter};
pub use params::Params;

use crate::accept::Problems;
use crate::entity::Entity;
use crate::field::{Schema, Source};
use crate::filter::Filter;
use crate::render::is_sortable;
use crate::show::Show;
use crate::value::{parse_datetime, words};

/// Which part of a list a reply has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    All,
    First(u64),
    Page { number: u64, size: u64 },
}

/// One sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderKey {
    pub position: usize,
    pub descending: bool,
}

/// What a list request asks for, checked.
#[derive(Clone, Debug)]
pub struct ListQuery {
    pub paging: Paging,
    pub order: Vec<OrderKey>,
    pub filter: Filter,
    pub id_only: bool,
    pub show: Show,
    /// The definitions whose values rows carry in `customfields`.
    pub custom_fields: Vec<i64>,
    /// The same for `site_fields`.
    pub site_fields: Vec<i64>,
    /// The item whose quantities rows of sites carry; 0 = none.
    pub stock_item: i64,
}

/// The sizes that bound a list request.
#[derive(Clone, Copy, Debug)]
pub struct ListLimits {
    /// Rows of a page when the request names no size.
    pub page_size: u64,
    /// Rows of a page at most; a larger wish is served as this.
    pub max_page_size: u64,
    /// Rows of an un-paged list without `count`; `None` = all.
    pub default_count: Option<u64>,
    /// Conditions of one `advanced_search`.
    pub conditions: usize,
    /// Words of one search term.
    pub words: usize,
}

impl Default for ListLimits {
    fn default() -> ListLimits {
        ListLimits {
            page_size: 50,
            max_page_size: 1000,
            default_count: None,
            conditions: 50,
            words: 20,
        }
    }
}

/// The parameters that [`list_query`] reads, for the check of unknown names.
pub const COMMON: &[&str] = &[
    "pageinate",
    "page_no",
    "page_size",
    "count",
    "order",
    "order2",
    "order3",
    "order4",
    "order5",
    "orderdesc",
    "orderdesc2",
    "orderdesc3",
    "orderdesc4",
    "orderdesc5",
    "search",
    "search_name_only",
    "advanced_search",
    "idonly",
    "includeactive",
    "includeinactive",
    "activeinactive",
    "lastupdatefromdate",
    "lastupdatetodate",
    "include_custom_fields",
    "sitefields",
    "showcounts",
];

/// Reads what all lists share. `paged` is false for lists that are bare arrays.
pub fn list_query(
    entity: &'static Entity,
    params: &Params,
    paged: bool,
    limits: &ListLimits,
    problems: &mut Problems,
) -> ListQuery {
    let mut show = Show::NONE;
    let mut filters = vec![activity(entity, params, problems)];
    filters.push(search(params, limits, problems));
    filters.push(advanced_search(entity, params, limits, problems));
    filters.push(last_update(params, "lastupdatefromdate", true, &mut show, problems));
    filters.push(last_update(params, "lastupdatetodate", false, &mut show, problems));
    let custom_fields = params.ints("include_custom_fields", problems);
    let site_fields = params.ints("sitefields", problems);
    if !custom_fields.is_empty() {
        show = show.with(Show::CUSTOM_FIELDS);
    }
    if !site_fields.is_empty() {
        show = show.with(Show::SITE_FIELDS);
    }
    if params.flag("showcounts", problems) {
        show = show.with(Show::ACTIVITY);
    }
    ListQuery {
        paging: paging(params, paged, limits, problems),
        order: order(entity.schema, params, problems),
        filter: Filter::all(filters),
        id_only: params.flag("idonly", problems),
        show,
        custom_fields,
        site_fields,
        stock_item: 0,
    }
}

fn paging(params: &Params, paged: bool, limits: &ListLimits, problems: &mut Problems) -> Paging {
    let page = params.flag("pageinate", problems);
    let number = params.int("page_no", problems).unwrap_or(1);
    let size = params.int("page_size", problems);
    let count = match params.get("count") {
        Some("true" | "True") | None => None,
        Some(_) => params.int("count", problems),
    };
    if let Some(size) = size.filter(|size| *size < 1) {
        problems.add("page_size", format!("must be at least 1, not {size}"));
    }
    if number < 0 {
        problems.add("page_no", format!("must be at least 1, not {number}"));
    }
    if let Some(count) = count.filter(|count| *count < 0) {
        problems.add("count", format!("must not be negative, not {count}"));
    }
    if page && paged {
        let size = size.and_then(|size| u64::try_from(size).ok()).unwrap_or(limits.page_size);
        let number = u64::try_from(number).unwrap_or(1).max(1);
        return Paging::Page { number, size: size.clamp(1, limits.max_page_size) };
    }
    match count.and_then(|count| u64::try_from(count).ok()).or(limits.default_count) {
        Some(count) => Paging::First(count),
        None => Paging::All,
    }
}

fn order(schema: &'static Schema, params: &Params, problems: &mut Problems) -> Vec<OrderKey> {
    let mut keys: Vec<OrderKey> = Vec::new();
    for suffix in ["", "2", "3", "4", "5"] {
        let descending = params.flag(&format!("orderdesc{suffix}"), problems);
        let parameter = format!("order{suffix}");
        let Some(name) = params.get(&parameter) else {
            continue;
        };
        // `use` is a field of the row, with the same text in all rows: it orders nothing.
        let is_constant = |at: usize| matches!(schema.fields[at].source, Source::Constant(_));
        if schema.find(name).is_some_and(is_constant) {
            continue;
        }
        match order_position(schema, name) {
            Ok(position) => keys.push(OrderKey { position, descending }),
            Err(message) => problems.add(parameter, message),
        }
    }
    if keys.is_empty() {
        // `orderdesc=true` alone turns the default order round.
        let descending = params.flag("orderdesc", &mut Problems::default());
        keys.extend(schema.find("name").map(|position| OrderKey { position, descending }));
    }
    keys
}

/// The position of a field that can be a key of `order`, by its name.
///
/// # Errors
/// A sentence that lists the names that can.
pub fn order_position(schema: &'static Schema, name: &str) -> Result<usize, String> {
    let found = schema.find(name).or_else(|| schema.find(&name.to_ascii_lowercase()));
    found
        .filter(|&position| is_sortable(&schema.fields[position]))
        .ok_or_else(|| format!("{name:?} is not one of: {}", sortable(schema)))
}

fn sortable(schema: &Schema) -> String {
    let names: Vec<&str> =
        schema.fields.iter().filter(|field| is_sortable(field)).map(|field| field.name).collect();
    names.join(", ")
}

fn activity(entity: &'static Entity, params: &Params, problems: &mut Problems) -> Filter {
    let mut active = params.boolean("includeactive", problems).unwrap_or(true);
    let mut inactive = params.boolean("includeinactive", problems).unwrap_or(false);
    if let Some(both) = params.get("activeinactive") {
        let parsed: Vec<Option<bool>> =
            both.split(',').map(|part| crate::accept::parse_bool(part.trim())).collect();
        match parsed.as_slice() {
            [Some(first), Some(second)] => (active, inactive) = (*first, *second),
            _ => problems.add("activeinactive", "must be two booleans such as true,false"),
        }
    }
    let Some(position) = entity.inactive.and_then(|name| entity.schema.find(name)) else {
        return Filter::True;
    };
    match (active, inactive) {
        (true, true) => Filter::True,
        (true, false) => Filter::int(position, 0),
        (false, true) => Filter::int(position, 1),
        (false, false) => Filter::none(),
    }
}

fn search(params: &Params, limits: &ListLimits, problems: &mut Problems) -> Filter {
    let mut filters = Vec::new();
    let term = params.get("search");
    let name_only = params.get("search_name_only");
    let (everywhere, in_name) = match name_only.map(|text| (text, crate::accept::parse_bool(text)))
    {
        Some((_, Some(true))) if term.is_some() => (None, term),
        Some((_, Some(false))) | None => (term, None),
        Some((text, _)) => (term, Some(text)),
    };
    if let Some(term) = everywhere {
        filters.extend(words(term).into_iter().map(Filter::Search));
    }
    if let Some(term) = in_name {
        filters.extend(words(term).into_iter().map(Filter::NameContains));
    }
    if filters.len() > limits.words {
        problems.add("search", format!("must have at most {} words", limits.words));
        filters.truncate(limits.words);
    }
    Filter::all(filters)
}

fn last_update(
    params: &Params,
    name: &str,
    from: bool,
    show: &mut Show,
    problems: &mut Problems,
) -> Filter {
    let Some(text) = params.get(name) else {
        return Filter::True;
    };
    match crate::accept::parse_bool(text) {
        Some(asked) => {
            if asked {
                *show = show.with(Show::LAST_UPDATE);
            }
            Filter::True
        }
        None => match parse_datetime(text).and_then(|text| millis(&text, from)) {
            // "No date" is no bound.
            Some(None) => {
                *show = show.with(Show::LAST_UPDATE);
                Filter::True
            }
            Some(Some(millis)) => {
                *show = show.with(Show::LAST_UPDATE);
                Filter::Updated { from, millis }
            }
            None => {
                problems.add(name, "must be true, false or a date-time");
                Filter::True
            }
        },
    }
}

/// A stored date-time as milliseconds; an upper bound without a fraction takes in its whole second.
/// `Some(None)` for the empty text that stands for no date.
fn millis(text: &str, from: bool) -> Option<Option<i64>> {
    if text.is_empty() {
        return Some(None);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    // Instants end a day before dates do; programs use the last date for "no upper bound".
    let at = jiff::tz::TimeZone::UTC
        .to_timestamp(civil)
        .unwrap_or(jiff::Timestamp::MAX)
        .as_millisecond();
    Some(Some(if from || text.contains('.') { at } else { at + 999 }))
}
