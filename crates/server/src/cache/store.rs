//! Texts by record, one after the other in pages of memory, within a budget.
//!
//! Some hundred thousand texts of a few hundred bytes would each pay for its place in an allocator
//! and in a list of what was used last: half as much again as the texts themselves. In a page they lie
//! side by side. When the budget is used up, the oldest page is written anew with those of its texts
//! that were read since, and what is left of it goes to new ones.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use aureole_catalogue::ENTITIES;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::Place;

/// Parts with a lock each.
const SHARDS: usize = 16;
/// A part smaller than this is not worth having.
const SHARD_MIN_BYTES: usize = 256 * 1024;
const PAGE_BYTES: usize = 64 * 1024;
/// Pages of a part at least, so that one of them is a small share of it.
const PAGES: usize = 8;
/// Texts begin at multiples of this.
const STEP: usize = 8;
/// What a place in the table takes.
const SPOT_BYTES: usize = 6;

/// The texts of all records that are kept.
pub struct Store {
    shards: Vec<RwLock<Shard>>,
    hasher: RandomState,
}

struct Shard {
    max_bytes: usize,
    page_bytes: usize,
    spots: HashTable<Spot>,
    pages: Vec<Page>,
    /// The page that new texts go to. The next one in the round is the oldest.
    filling: usize,
}

/// The number of a page, and behind it a place in the page, in steps.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Spot(u32);

struct Page {
    bytes: Vec<u8>,
    /// By place: whether the text that begins there was read.
    used: Vec<AtomicU64>,
}

impl Store {
    /// Room for `max_bytes`; with none, nothing is kept.
    pub fn new(max_bytes: u64) -> Store {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let shards = (max_bytes / SHARD_MIN_BYTES).clamp(1, SHARDS);
        let shard = || RwLock::new(Shard::new(max_bytes / shards));
        Store { shards: (0..shards).map(|_| shard()).collect(), hasher: RandomState::default() }
    }

    /// What `read` makes of a record's text. The text counts as read when it made something of it.
    pub fn read<T>(&self, place: Place, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let shard = self.shard(place).read().unwrap_or_else(PoisonError::into_inner);
        let spot = shard.find(&self.hasher, place)?;
        let made = read(shard.text(spot)?)?;
        shard.mark(spot);
        Some(made)
    }

    /// The same without a trace.
    pub fn peek<T>(&self, place: Place, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let shard = self.shard(place).read().unwrap_or_else(PoisonError::into_inner);
        shard.text(shard.find(&self.hasher, place)?).map(read)
    }

    /// Keeps a text in place of the one before. One that takes half a page is not kept.
    pub fn keep(&self, place: Place, text: &[u8]) {
        let mut shard = self.shard(place).write().unwrap_or_else(PoisonError::into_inner);
        shard.keep(&self.hasher, place, text);
    }

    /// What all this takes now.
    pub fn bytes(&self) -> usize {
        let shards = self.shards.iter();
        shards.map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).bytes()).sum()
    }

    fn shard(&self, place: Place) -> &RwLock<Shard> {
        // The table takes the low bits.
        let hash = (self.hasher.hash_one(place) >> 32) as usize;
        &self.shards[hash % self.shards.len()]
    }
}

impl Shard {
    fn new(max_bytes: usize) -> Shard {
        let page_bytes = (max_bytes / PAGES).min(PAGE_BYTES) / STEP * STEP;
        Shard { max_bytes, page_bytes, spots: HashTable::new(), pages: Vec::new(), filling: 0 }
    }

    fn find(&self, hasher: &RandomState, place: Place) -> Option<Spot> {
        let is_it = |spot: &Spot| {
            let head = entry_at(&self.pages, *spot).and_then(Head::of);
            head.is_some_and(|head| head.place == place)
        };
        self.spots.find(hasher.hash_one(place), is_it).copied()
    }

    fn text(&self, spot: Spot) -> Option<&[u8]> {
        let entry = entry_at(&self.pages, spot)?;
        entry.get(Head::BYTES..Head::of(entry)?.end)
    }

    fn mark(&self, spot: Spot) {
        if let Some(page) = self.pages.get(spot.page()) {
            page.mark(spot.at());
        }
    }

    fn keep(&mut self, hasher: &RandomState, place: Place, text: &[u8]) {
        let hash = hasher.hash_one(place);
        if let Some(old) = self.find(hasher, place) {
            self.forget(hash, old);
        }
        let size = (Head::BYTES + text.len()).next_multiple_of(STEP);
        if size > self.page_bytes / 2 {
            return;
        }
        let filled = self.pages.get(self.filling).map_or(usize::MAX, |page| page.bytes.len());
        if filled.saturating_add(size) > self.page_bytes {
            self.turn_page(hasher);
        }
        while self.spots.len() == self.spots.capacity() && !self.may_grow() {
            self.turn_page(hasher);
        }
        let Some(page) = self.pages.get_mut(self.filling) else { return };
        let spot = Spot::new(self.filling, page.bytes.len());
        Head { place, end: Head::BYTES + text.len() }.write(&mut page.bytes);
        page.bytes.extend_from_slice(text);
        page.bytes.resize(spot.at() + size, 0);
        let pages = &self.pages;
        self.spots.insert_unique(hash, spot, |spot| hash_at(hasher, pages, *spot));
    }

    fn forget(&mut self, hash: u64, spot: Spot) -> bool {
        let found = self.spots.find_entry(hash, |other| *other == spot);
        found.map(|found| found.remove()).is_ok()
    }

    /// Goes on to an empty page, or to the oldest one with what is to stay of it.
    fn turn_page(&mut self, hasher: &RandomState) {
        if self.bytes() + self.page_bytes <= self.max_bytes || self.pages.is_empty() {
            self.filling = self.pages.len();
            self.pages.push(Page::new(self.page_bytes));
            return;
        }
        self.filling = (self.filling + 1) % self.pages.len();
        let mut bytes = std::mem::take(&mut self.pages[self.filling].bytes);
        let (mut at, mut kept) = (0, 0);
        // The table still has the old places: they are looked up in what is still there of the page.
        let mut moved = Vec::new();
        while let Some(head) = Head::of(&bytes[at..]) {
            let size = head.end.next_multiple_of(STEP);
            let (hash, spot) = (hasher.hash_one(head.place), Spot::new(self.filling, at));
            let was_there = self.forget(hash, spot);
            let is_used = self.pages[self.filling].is_used(at);
            if was_there && is_used && kept + size <= self.page_bytes / 2 {
                bytes.copy_within(at..at + size, kept);
                moved.push((hash, Spot::new(self.filling, kept)));
                kept += size;
            }
            at += size;
        }
        bytes.truncate(kept);
        let page = &mut self.pages[self.filling];
        page.bytes = bytes;
        page.used.iter_mut().for_each(|used| *used.get_mut() = 0);
        let pages = &self.pages;
        for (hash, spot) in moved {
            self.spots.insert_unique(hash, spot, |spot| hash_at(hasher, pages, *spot));
        }
    }

    /// True when a table of twice the size fits.
    fn may_grow(&self) -> bool {
        let grown = self.spots.capacity() * SPOT_BYTES;
        self.pages.len() < 2 || self.bytes() + grown <= self.max_bytes
    }

    fn bytes(&self) -> usize {
        self.pages.len() * (self.page_bytes + Page::used_bytes(self.page_bytes))
            + self.spots.capacity() * SPOT_BYTES
    }
}

fn entry_at(pages: &[Page], spot: Spot) -> Option<&[u8]> {
    pages.get(spot.page())?.bytes.get(spot.at()..)
}

fn hash_at(hasher: &RandomState, pages: &[Page], spot: Spot) -> u64 {
    let head = entry_at(pages, spot).and_then(Head::of);
    head.map_or(0, |head| hasher.hash_one(head.place))
}

impl Spot {
    /// Bits of a place in a page.
    const AT_BITS: u32 = (PAGE_BYTES / STEP).trailing_zeros();

    fn new(page: usize, at: usize) -> Spot {
        let number = (page << Spot::AT_BITS) | (at / STEP);
        Spot(u32::try_from(number).unwrap_or(u32::MAX))
    }

    fn page(self) -> usize {
        (self.0 >> Spot::AT_BITS) as usize
    }

    fn at(self) -> usize {
        (self.0 as usize % (1 << Spot::AT_BITS)) * STEP
    }
}

impl Page {
    fn new(bytes: usize) -> Page {
        let used = (0..bytes.div_ceil(Head::BYTES * 64)).map(|_| AtomicU64::new(0)).collect();
        Page { bytes: Vec::with_capacity(bytes), used }
    }

    fn used_bytes(page_bytes: usize) -> usize {
        page_bytes.div_ceil(Head::BYTES * 64) * 8
    }

    /// No two texts begin within the length of a head.
    fn bit(at: usize) -> (usize, u64) {
        let number = at / Head::BYTES;
        (number / 64, 1 << (number % 64))
    }

    fn mark(&self, at: usize) {
        let (word, bit) = Page::bit(at);
        if let Some(used) = self.used.get(word)
            && used.load(Ordering::Relaxed) & bit == 0
        {
            used.fetch_or(bit, Ordering::Relaxed);
        }
    }

    fn is_used(&mut self, at: usize) -> bool {
        let (word, bit) = Page::bit(at);
        self.used.get_mut(word).is_some_and(|used| *used.get_mut() & bit != 0)
    }
}

/// What stands before a text.
struct Head {
    place: Place,
    /// Where the text ends, from the beginning of the head.
    end: usize,
}

impl Head {
    const BYTES: usize = 24;

    /// The head at the beginning of some bytes; `None` at the end of a page.
    fn of(bytes: &[u8]) -> Option<Head> {
        let (head, _) = bytes.split_first_chunk::<{ Head::BYTES }>()?;
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&head[at..at + 8]);
            word
        };
        let last = u64::from_le_bytes(word(16));
        let kind = ENTITIES.get(usize::try_from(last >> 32).ok()?)?.kind;
        let place =
            Place { tenant: i64::from_le_bytes(word(0)), id: i64::from_le_bytes(word(8)), kind };
        Some(Head { place, end: usize::try_from(last & u64::from(u32::MAX)).ok()? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let last = ((self.place.kind as u64) << 32) | self.end as u64;
        out.extend_from_slice(&self.place.tenant.to_le_bytes());
        out.extend_from_slice(&self.place.id.to_le_bytes());
        out.extend_from_slice(&last.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use aureole_catalogue::EntityKind;

    use super::*;

    fn place(id: i64) -> Place {
        Place { tenant: 1, kind: EntityKind::Client, id }
    }

    fn text(id: i64) -> Vec<u8> {
        let length = 100 + usize::try_from(id % 300).unwrap();
        id.to_string().bytes().cycle().take(length).collect()
    }

    fn read(store: &Store, id: i64) -> Option<Vec<u8>> {
        store.read(place(id), |text| Some(text.to_vec()))
    }

    #[test]
    fn texts_come_back_and_new_ones_take_the_place_of_old_ones() {
        let store = Store::new(10_000_000);
        (0..5_000).for_each(|id| store.keep(place(id), &text(id)));
        (0..5_000).step_by(3).for_each(|id| store.keep(place(id), &text(id + 1)));
        for id in 0..5_000 {
            assert_eq!(read(&store, id), Some(text(id + i64::from(id % 3 == 0))));
        }
        assert_eq!(read(&store, 5_000), None);
        assert_eq!(store.read(Place { tenant: 2, ..place(1) }, |_| Some(())), None);
        assert_eq!(store.read(Place { kind: EntityKind::Site, ..place(1) }, |_| Some(())), None);
    }

    #[test]
    fn within_the_budget_what_is_read_stays() {
        for budget in [0u64, 3_000, 20_000, 1_000_000, 20_000_000] {
            let store = Store::new(budget);
            let mut stayed = 0;
            for id in 0..20_000 {
                store.keep(place(id), &text(id));
                // One in fifty is read again and again.
                for read_often in (0..id).step_by(50).take(20) {
                    stayed += usize::from(read(&store, read_often).is_some());
                }
                if id % 1_000 == 0 {
                    assert!(store.bytes() as u64 <= budget, "{} of {budget}", store.bytes());
                }
                let kept = store.peek(place(id), <[u8]>::to_vec);
                assert!(kept.is_none_or(|kept| kept == text(id)));
            }
            let share = store.bytes() as f64 / budget as f64;
            assert!(budget > 5_000_000 || budget == 0 || share > 0.5, "{share} of {budget}");
            assert!(budget < 20_000 || stayed > 350_000, "{stayed} within {budget}");
        }
    }

    #[test]
    fn too_long_a_text_is_not_kept_and_the_one_before_is_gone() {
        let store = Store::new(1_000_000);
        store.keep(place(1), b"short");
        store.keep(place(1), &vec![b'x'; PAGE_BYTES]);
        assert_eq!(read(&store, 1), None);
    }
}
