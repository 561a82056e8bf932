//! From a record's id to its slot.

use std::collections::HashMap;

use foldhash::fast::RandomState;

const PAGE: usize = 256;
const NONE: u32 = u32::MAX;

/// Ids are given out in ascending order, so they lie densely: pages of neighbours.
#[derive(Default)]
pub struct SlotsById {
    pages: HashMap<i64, Box<[u32; PAGE]>, RandomState>,
}

fn place(id: i64) -> (i64, usize) {
    let at = usize::try_from(id.rem_euclid(256)).unwrap_or(0);
    (id.div_euclid(256), at)
}

impl SlotsById {
    pub fn get(&self, id: i64) -> Option<u32> {
        let (page, at) = place(id);
        self.pages.get(&page).map(|page| page[at]).filter(|slot| *slot != NONE)
    }

    pub fn set(&mut self, id: i64, slot: u32) {
        let (page, at) = place(id);
        self.pages.entry(page).or_insert_with(|| Box::new([NONE; PAGE]))[at] = slot;
    }

    pub fn remove(&mut self, id: i64) -> Option<u32> {
        let (page, at) = place(id);
        let place = &mut self.pages.get_mut(&page)?[at];
        let slot = std::mem::replace(place, NONE);
        (slot != NONE).then_some(slot)
    }

    pub fn bytes(&self) -> usize {
        self.pages.len() * (PAGE * 4 + 32)
    }
}

#[cfg(test)]
mod tests {
    use super::SlotsById;

    #[test]
    fn ids_near_and_far() {
        let mut slots = SlotsById::default();
        let ids = [0, 1, 255, 256, -1, i64::MAX, i64::MIN, 7];
        ids.iter().zip(0..).for_each(|(id, slot)| slots.set(*id, slot));
        for (id, slot) in ids.into_iter().zip(0..) {
            assert_eq!(slots.get(id), Some(slot), "{id}");
        }
        assert_eq!((slots.remove(255), slots.remove(255), slots.get(255)), (Some(2), None, None));
        assert_eq!(slots.get(254), None);
    }
}
