//! The index in memory: which records a list has, in which order, without the database.
//!
//! For each tenant in use and each kind of record that its lists touch, it holds what they filter
//! and order by: names, values of fields, the words of searched texts. Each part is read from the
//! database when it is first needed, and kept current from the changes that every write commits
//! ([`crate::fresh`]). Documents stay on disk; the rendered rows of pages that were asked for lately
//! are kept within a budget. What the index can't tell, and tenants that are too large for it, are
//! the database's: same question, same answer.

mod bits;
mod column;
mod gather;
mod ids;
mod ints;
mod kind;
mod names;
mod needs;
mod pieces;
mod postings;
mod results;
mod rows;
mod select;
mod tenant;
mod texts;
mod words;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aureole_catalogue::query::OrderKey;
use aureole_catalogue::{Entity, EntityKind, Filter, Show};
use aureole_storage::{Db, Result};

use crate::fresh::Fresh;
use needs::Needs;
use rows::Budget;
pub use rows::Rows;
use tenant::Tenant;

/// The sizes that bound the index.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Keys, values and words of all tenants together.
    pub index_bytes: usize,
    /// Rendered rows of all tenants together.
    pub row_bytes: usize,
    /// Lists of one tenant.
    pub list_bytes: usize,
    /// A tenant that nobody asked for so long is dropped.
    pub idle: Duration,
}

/// The index of all tenants in use.
pub struct Index {
    sizes: Sizes,
    budget: Arc<Budget>,
    tenants: RwLock<HashMap<i64, Arc<Tenant>>>,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub entity: &'static Entity,
    pub filter: &'a Filter,
    pub order: &'a [OrderKey],
    /// The fields of rows that are kept; `None` when rows carry more than the record's own fields
    /// and names.
    pub rows: Option<RowsOf<'a>>,
}

/// Which rows are kept: those with the same fields.
#[derive(Clone, Copy)]
pub struct RowsOf<'a> {
    pub show: Show,
    /// The kinds whose names the rows carry.
    pub names_of: &'a [EntityKind],
}

/// A list, or a part of it.
pub struct Found {
    /// Records of the whole list.
    pub total: usize,
    pub part: Part,
    pub rows: Option<Arc<Rows>>,
}

/// Slots and ids in order.
pub enum Part {
    Page(Vec<(u32, i64)>),
    /// The whole list: `ids` are by slot.
    Whole {
        slots: Arc<Vec<u32>>,
        ids: Arc<Vec<i64>>,
    },
}

/// Parts up to this many rows are copied; longer ones share the list.
const PAGE_ROWS: usize = 1024;

/// For so long a kind that was too large is not tried again.
const TOO_LARGE: Duration = Duration::from_secs(600);

impl Index {
    pub fn new(sizes: Sizes) -> Index {
        Index { sizes, budget: Budget::new(sizes.row_bytes), tenants: RwLock::default() }
    }

    /// A list as of now: with everything that was committed before the call. `range` chooses the
    /// part of it that is wanted, given how many records there are. `None` when only the database
    /// can tell.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find(
        &self,
        fresh: &Fresh,
        db: &Db,
        tenant: i64,
        asked: Asked<'_>,
        range: impl Fn(usize) -> Range<usize>,
    ) -> Result<Option<Found>> {
        let Some((needs, order)) = needs::needs(asked.entity, asked.filter, asked.order) else {
            return Ok(None);
        };
        let position = fresh.sync(tenant).await?;
        let tenant = self.tenant(tenant);
        let is_ready = tenant.is_at(position) && tenant.has(&needs);
        if !is_ready && !self.prepare(fresh, db, &tenant, &needs).await? {
            return Ok(None);
        }
        Ok(tenant.find(asked, &needs, &order, self.sizes.list_bytes, &self.budget, range))
    }

    /// Brings a tenant up to date and reads what is missing. False when it does not fit.
    async fn prepare(
        &self,
        fresh: &Fresh,
        db: &Db,
        tenant: &Tenant,
        needs: &Needs,
    ) -> Result<bool> {
        let _turn = tenant.turn().await;
        tenant.catch_up(fresh, db, self.sizes.index_bytes).await?;
        for (kind, parts) in needs {
            if !tenant.load(db, *kind, parts, self.sizes.index_bytes).await? {
                return Ok(false);
            }
            if !self.make_room(tenant) {
                tenant.give_up(*kind);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Drops the tenants used longest ago until the others fit; false when this one alone does not.
    fn make_room(&self, tenant: &Tenant) -> bool {
        if tenant.bytes() > self.sizes.index_bytes {
            return false;
        }
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        let mut others: Vec<(Instant, i64, usize)> = tenants
            .values()
            .filter(|other| other.id != tenant.id)
            .map(|other| (other.used(), other.id, other.bytes()))
            .collect();
        others.sort_unstable();
        let mut total: usize =
            tenant.bytes() + others.iter().map(|(.., bytes)| bytes).sum::<usize>();
        for (_, id, bytes) in others {
            if total <= self.sizes.index_bytes {
                break;
            }
            tenants.remove(&id);
            total -= bytes;
        }
        true
    }

    fn tenant(&self, id: i64) -> Arc<Tenant> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = tenants.get(&id) {
            return Arc::clone(tenant);
        }
        drop(tenants);
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tenants.entry(id).or_insert_with(|| Arc::new(Tenant::new(id))))
    }

    /// Drops the tenants that nobody asked for lately.
    pub fn forget_idle(&self) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, tenant| tenant.used().elapsed() < self.sizes.idle);
    }
}

impl Found {
    /// How many records the part has.
    pub fn count(&self) -> usize {
        match &self.part {
            Part::Page(page) => page.len(),
            Part::Whole { slots, .. } => slots.len(),
        }
    }

    /// Slot and id of the records at these places of the part.
    pub fn slice(&self, range: Range<usize>) -> Vec<(u32, i64)> {
        match &self.part {
            Part::Page(page) => page.get(range).unwrap_or_default().to_vec(),
            Part::Whole { slots, ids } => {
                let slots = slots.get(range).unwrap_or_default().iter();
                slots.map(|slot| (*slot, ids[*slot as usize])).collect()
            }
        }
    }
}

/// A count as a slot or code. Four thousand million of either take more memory than a budget allows.
fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
