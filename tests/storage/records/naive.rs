//! The same lists without a database: a loop over the records and a sort of the values.

use std::cmp::Ordering;

use aureole_catalogue::filter::Row;
use aureole_catalogue::query::OrderKey;
use aureole_catalogue::value::{fold, format_millis};
use aureole_catalogue::{Filter, Key, Kind, doc};

use super::{Site, key, schema};

/// The names of clients 1 to 3; sites point at 0 and 4 too, which are none.
pub const CLIENTS: &[&str] = &["Acme", "zulu", "Éclair"];

fn client_name(site: &Site) -> Option<&'static str> {
    let id = site.record().int(key("client_id"));
    let at = usize::try_from(id).ok()?.checked_sub(1)?;
    CLIENTS.get(at).copied()
}

fn client_site_name(site: &Site) -> String {
    let name = site.record().text(key("name")).to_owned();
    client_name(site).map(|client| format!("{client}/{name}")).unwrap_or_default()
}

/// Decides a filter by [`Filter::matches`], and what only a database decides by itself.
pub fn passes(filter: &Filter, site: &Site) -> bool {
    match filter {
        Filter::All(filters) => filters.iter().all(|filter| passes(filter, site)),
        Filter::Any(filters) => filters.iter().any(|filter| passes(filter, site)),
        Filter::Not(filter) => !passes(filter, site),
        Filter::In { filter, .. } => {
            let Filter::NameContains(word) = &**filter else { panic!("{filter:?}") };
            client_name(site).is_some_and(|name| fold(name).contains(word.as_str()))
        }
        other => matches(other, site),
    }
}

fn matches(filter: &Filter, site: &Site) -> bool {
    let record = site.record();
    let text = record.to_doc();
    let mut fields = Vec::new();
    doc::positions(schema().index(), &text, &mut fields);
    let search_key =
        format!("{}\n{}", fold(record.text(key("name"))), fold(record.text(key("ref"))));
    let lookups = [
        (key("client_name").0, client_name(site).unwrap_or_default().to_owned()),
        (key("clientsite_name").0, client_site_name(site)),
    ];
    let row = Row {
        schema: schema(),
        id: site.id,
        updated_at: site.updated_at,
        search_key: &search_key,
        fields: &fields,
        lookups: &lookups,
    };
    filter.matches(&row)
}

/// The ids in the order asked for, then by id.
pub fn sorted(mut sites: Vec<&Site>, order: &[OrderKey]) -> Vec<i64> {
    sites.sort_by(|left, right| {
        let by_keys = order.iter().map(|key| {
            let ordering = compare(left, right, Key(key.position));
            if key.descending { ordering.reverse() } else { ordering }
        });
        let by_keys = by_keys.fold(Ordering::Equal, Ordering::then);
        by_keys.then(left.id.cmp(&right.id))
    });
    sites.into_iter().map(|site| site.id).collect()
}

fn compare(left: &Site, right: &Site, key: Key) -> Ordering {
    let field = &schema().fields[key.0];
    let numbers = |site: &Site| match field.name {
        "id" => i128::from(site.id) * 10_000,
        _ => ten_thousandths(&site.record().decimal(key)),
    };
    match field.kind {
        Kind::Int | Kind::Decimal => numbers(left).cmp(&numbers(right)),
        Kind::Bool => left.record().bool(key).cmp(&right.record().bool(key)),
        _ => text(left, key).cmp(&text(right, key)),
    }
}

fn text(site: &Site, key: Key) -> String {
    match schema().fields[key.0].name {
        "client_name" => fold(client_name(site).unwrap_or_default()),
        "clientsite_name" => fold(&client_site_name(site)),
        "slastupdate" => fold(&format_millis(site.updated_at)),
        "use" => "site".to_owned(),
        _ => fold(site.record().text(key)),
    }
}

/// A decimal text as an integer of 1/10000.
fn ten_thousandths(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let magnitude: i128 =
        format!("{}{fraction:0<4}", whole.trim_start_matches('-')).parse().unwrap();
    if text.starts_with('-') { -magnitude } else { magnitude }
}
