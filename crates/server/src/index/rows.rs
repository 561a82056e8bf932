//! Rows of lists as they were rendered, by slot.
//!
//! A written record has a new slot, so a row never has to be looked for to be dropped. Names of
//! other records are part of rows: when one of these was written, all rows of the kind go.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The memory that all rows of all tenants share.
pub struct Budget {
    pub max_bytes: usize,
    used: AtomicUsize,
}

impl Budget {
    pub fn new(max_bytes: usize) -> Arc<Budget> {
        Arc::new(Budget { max_bytes, used: AtomicUsize::new(0) })
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// The rows of one kind of record, all with the same fields.
pub struct Rows {
    budget: Arc<Budget>,
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    places: Vec<Place>,
    bytes: usize,
    /// Where the search for rows to drop goes on.
    hand: usize,
}

#[derive(Default)]
struct Place {
    row: Option<Box<[u8]>>,
    /// Read since the hand passed.
    used: AtomicBool,
}

/// What a row costs beside its text.
const ROW_BYTES: usize = 16;

impl Rows {
    pub fn new(budget: &Arc<Budget>) -> Rows {
        Rows { budget: Arc::clone(budget), inner: RwLock::default() }
    }

    /// Calls `each` for every slot with its row, if that is kept.
    pub fn read(&self, slots: impl Iterator<Item = u32>, each: impl FnMut(Option<&[u8]>)) {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let row = |slot: u32| {
            let place = inner.places.get(slot as usize)?;
            let row = place.row.as_deref()?;
            if !place.used.load(Ordering::Relaxed) {
                place.used.store(true, Ordering::Relaxed);
            }
            Some(row)
        };
        let rows: Vec<Option<&[u8]>> = slots.map(row).collect();
        touch(&rows);
        rows.into_iter().for_each(each);
    }

    /// Keeps rows, and drops others that nobody read lately to make room.
    pub fn keep(&self, rows: Vec<(u32, Box<[u8]>)>) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for (slot, row) in rows {
            let size = row.len() + ROW_BYTES;
            if !inner.make_room(&self.budget, size) {
                return;
            }
            let slot = slot as usize;
            if inner.places.len() <= slot {
                inner.places.resize_with(slot + 1, Place::default);
            }
            inner.drop_row(&self.budget, slot);
            inner.places[slot] = Place { row: Some(row), used: AtomicBool::new(true) };
            inner.bytes += size;
            self.budget.used.fetch_add(size, Ordering::Relaxed);
        }
    }

    /// Drops the row of a slot that is dead.
    pub fn forget(&self, slots: impl Iterator<Item = u32>) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        slots.for_each(|slot| inner.drop_row(&self.budget, slot as usize));
    }
}

/// Bytes that the processor fetches at a time.
const LINE: usize = 64;

/// Rows lie all over the memory. Worked on one by one, the processor would wait for each; asked for all
/// at once, they come together.
fn touch(rows: &[Option<&[u8]>]) {
    let lines = rows.iter().flatten().flat_map(|row| row.chunks(LINE));
    std::hint::black_box(lines.fold(0, |seen, line| seen ^ line[0]));
}

impl Inner {
    fn drop_row(&mut self, budget: &Budget, slot: usize) {
        let row = self.places.get_mut(slot).and_then(|place| place.row.take());
        if let Some(row) = row {
            let size = row.len() + ROW_BYTES;
            self.bytes -= size;
            budget.used.fetch_sub(size, Ordering::Relaxed);
        }
    }

    /// False when there is no room and no row here to drop.
    fn make_room(&mut self, budget: &Budget, size: usize) -> bool {
        while budget.used() + size > budget.max_bytes {
            if self.bytes == 0 {
                return false;
            }
            let slot = self.hand;
            self.hand = if slot + 1 >= self.places.len() { 0 } else { slot + 1 };
            let Some(place) = self.places.get_mut(slot) else { continue };
            if !std::mem::take(place.used.get_mut()) {
                self.drop_row(budget, slot);
            }
        }
        true
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.budget.used.fetch_sub(inner.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Rows};

    fn kept(rows: &Rows, slots: std::ops::Range<u32>) -> Vec<u32> {
        let mut kept = Vec::new();
        let mut all = slots.clone();
        rows.read(slots, |row| kept.extend(all.next().filter(|_| row.is_some())));
        kept
    }

    fn row() -> Box<[u8]> {
        vec![b'x'; 84].into()
    }

    #[test]
    fn rows_that_are_read_stay() {
        let budget = Budget::new(1000);
        let rows = Rows::new(&budget);
        rows.keep((0..10).map(|slot| (slot, row())).collect());
        assert_eq!((kept(&rows, 0..20).len(), budget.used()), (10, 1000));
        // The hand goes round once and takes the marks away; then 0 and 1 are read again.
        rows.keep(vec![(10, row())]);
        let left = kept(&rows, 0..2);
        rows.keep(vec![(11, row()), (12, row())]);
        assert_eq!(kept(&rows, 0..2), left);
        assert_eq!((kept(&rows, 0..20).len(), budget.used()), (10, 1000));
        rows.forget([12, 12, 99].into_iter());
        assert_eq!(budget.used(), 900);
        drop(rows);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_row_that_does_not_fit_is_not_kept() {
        let budget = Budget::new(50);
        let rows = Rows::new(&budget);
        rows.keep(vec![(3, row())]);
        assert!(kept(&rows, 0..9).is_empty());
        assert_eq!(budget.used(), 0);
    }
}
