//! Where items lie: the rules of a stock record, and the figures that sites and items show.

use std::collections::HashMap;

use aureole_catalogue::keys::{item, item_stock, site, stock_bin};
use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Key, Record, Show};
use aureole_storage::Read;
use aureole_storage::records::{self, Stored};

use crate::app::App;
use crate::error::Result;
use crate::rules::extras::Extras;
use crate::rules::prepay::{decimal, units};
use crate::save::{Draft, Save};

/// The quantities of a record, none of which is negative.
const QUANTITIES: &[Key] =
    &[item_stock::IN_STOCK, item_stock::SERIALISED, item_stock::RESERVED, item_stock::ON_ORDER];

pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    for (key, name) in [(item_stock::ITEM_ID, "item_id"), (item_stock::SITE_ID, "site_id")] {
        if draft.record.int(key) <= 0 {
            save.problem(draft.at(name), "is required");
        }
    }
    for key in QUANTITIES {
        if units(&draft.record, *key) < 0 {
            let name = draft.entity().schema.fields[key.0].name;
            save.problem(draft.at(name), "must not be negative");
        }
    }
    let (serialised, all) =
        (units(&draft.record, item_stock::SERIALISED), units(&draft.record, item_stock::IN_STOCK));
    if serialised > all {
        save.problem(
            draft.at("serialised_assets_in_stock"),
            "must not be more than quantity_in_stock, of which they are a part",
        );
    }
    place(save, draft).await
}

/// A bin is at a stock location.
pub async fn bin_before(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let site_id = draft.record.int(stock_bin::SITE_ID);
    if site_id <= 0 {
        save.problem(draft.at("site_id"), "is required");
    } else if (draft.is_new || draft.changes(stock_bin::SITE_ID))
        && let Some((_, place)) = save.load(EntityKind::Site, site_id).await?
        && !place.bool(site::IS_STOCK)
    {
        save.problem(draft.at("site_id"), format!("is site {site_id}, which is no stock location"));
    }
    Ok(())
}

/// Stock lies at a stock location, in one of its own bins or in none, and one record says how much.
async fn place(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let (item_id, site_id, bin_id) = (
        draft.record.int(item_stock::ITEM_ID),
        draft.record.int(item_stock::SITE_ID),
        draft.record.int(item_stock::BIN_ID).max(0),
    );
    let moved = draft.is_new
        || [item_stock::ITEM_ID, item_stock::SITE_ID, item_stock::BIN_ID]
            .iter()
            .any(|key| draft.changes(*key));
    if !moved {
        return Ok(());
    }
    if site_id > 0
        && let Some((_, place)) = save.load(EntityKind::Site, site_id).await?
        && !place.bool(site::IS_STOCK)
    {
        save.problem(draft.at("site_id"), format!("is site {site_id}, which is no stock location"));
    }
    if bin_id > 0
        && let Some((_, bin)) = save.load(EntityKind::StockBin, bin_id).await?
        && bin.int(stock_bin::SITE_ID) != site_id
    {
        let owner = bin.int(stock_bin::SITE_ID);
        save.problem(draft.at("stockbin_id"), format!("is a bin of site {owner}"));
    }
    let (tenant, entity) = (save.tenant(), draft.entity());
    let same_item = records::ids_where(&mut save.tx, tenant, entity, "item_id", &[item_id]).await?;
    for other in same_item.into_iter().filter(|other| *other != draft.id) {
        let Some((_, found)) = save.load(EntityKind::ItemStock, other).await? else { continue };
        if found.int(item_stock::SITE_ID) == site_id
            && found.int(item_stock::BIN_ID).max(0) == bin_id
        {
            let message = format!("has item {item_id} in this place already, in record {other}");
            save.duplicate(draft.at("site_id"), message, other);
        }
    }
    Ok(())
}

/// Sums over stock records, in units of 1/10000.
#[derive(Clone, Copy, Default)]
struct Figures {
    in_stock: i128,
    serialised: i128,
    reserved: i128,
    on_order: i128,
}

impl Figures {
    fn add(&mut self, record: &Record) {
        self.in_stock += units(record, item_stock::IN_STOCK);
        self.serialised += units(record, item_stock::SERIALISED);
        self.reserved += units(record, item_stock::RESERVED);
        self.on_order += units(record, item_stock::ON_ORDER);
    }
}

/// The figures of sites for one item, and whether anything lies there at all. Without an item only
/// the latter.
pub async fn of_sites(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    item_id: Option<i64>,
    stored: &[Stored],
    extras: &mut [Extras],
) -> Result<()> {
    let ids: Vec<i64> = stored.iter().map(|site| site.id).collect();
    let found = stock_of(reader, app, tenant, "site_id", &ids).await?;
    let mut sums: HashMap<i64, Figures> = HashMap::new();
    let mut filled: HashMap<i64, bool> = HashMap::new();
    for record in &found {
        let place = record.int(item_stock::SITE_ID);
        *filled.entry(place).or_default() |= units(record, item_stock::IN_STOCK) > 0;
        if item_id == Some(record.int(item_stock::ITEM_ID)) {
            sums.entry(place).or_default().add(record);
        }
    }
    for (at, id) in ids.iter().enumerate() {
        let has_stock = filled.get(id).copied().unwrap_or(false);
        extras[at].push((site::HAS_STOCK.0, has_stock.to_string()));
        let Some(figures) = item_id.map(|_| sums.get(id).copied().unwrap_or_default()) else {
            continue;
        };
        for (key, quantity) in [
            (site::STOCK_QUANTITY, figures.in_stock),
            (site::STOCK_SERIALISED, figures.serialised),
            (site::STOCK_RESERVED, figures.reserved),
            (site::STOCK_ON_ORDER, figures.on_order),
            (site::STOCK_AVAILABLE, figures.in_stock - figures.reserved),
        ] {
            extras[at].push((key.0, decimal(quantity).to_string()));
        }
    }
    Ok(())
}

/// `quantity_in_stock` of items: what lies in all places together.
pub async fn of_items(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    stored: &[Stored],
    extras: &mut [Extras],
) -> Result<()> {
    let ids: Vec<i64> = stored.iter().map(|item| item.id).collect();
    let mut sums: HashMap<i64, Figures> = HashMap::new();
    for record in stock_of(reader, app, tenant, "item_id", &ids).await? {
        sums.entry(record.int(item_stock::ITEM_ID)).or_default().add(&record);
    }
    for (at, id) in ids.iter().enumerate() {
        let quantity = sums.get(id).copied().unwrap_or_default().in_stock;
        extras[at].push((item::IN_STOCK.0, decimal(quantity).to_string()));
    }
    Ok(())
}

async fn stock_of(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    column: &str,
    ids: &[i64],
) -> Result<Vec<Record>> {
    let entity = EntityKind::ItemStock.entity();
    let found = records::ids_where(reader, tenant, entity, column, ids).await?;
    let prepared = app.prepared(entity.kind, View::Full, Show::NONE);
    let stored = records::get_many(reader, &prepared.select, tenant, &found).await?;
    Ok(stored.iter().map(|stored| Record::from_doc(entity.schema, &stored.doc)).collect())
}
