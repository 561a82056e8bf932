//! Lists that were made lately, and how they are brought up to date.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use aureole_catalogue::{EntityKind, Filter};

use super::kind::{Kind, Step};
use super::needs::{Order, is_plain};
use super::select::passes;

/// The lists of one tenant, by what was asked for.
#[derive(Default)]
pub struct Results {
    entries: HashMap<String, Entry>,
    bytes: usize,
    /// Grows with every use: the entry with the smallest is the one used longest ago.
    tick: u64,
}

struct Entry {
    /// The generations of all kinds that the list was made from.
    stamps: Vec<(EntityKind, u64)>,
    list: Listed,
    used: u64,
}

/// A list, or the beginning of one.
#[derive(Clone)]
pub struct Listed {
    pub slots: Arc<Vec<u32>>,
    /// Records of the whole list.
    pub total: usize,
}

impl Listed {
    pub fn new(slots: Vec<u32>) -> Listed {
        Listed { total: slots.len(), slots: Arc::new(slots) }
    }

    pub fn is_whole(&self) -> bool {
        self.slots.len() == self.total
    }

    /// What is worth keeping of a list of which the first `wanted` records were asked for.
    fn kept(&self, filter: &Filter, wanted: usize) -> Listed {
        let len = worth(filter, wanted, self.total).min(self.slots.len());
        if len == self.slots.len() {
            return self.clone();
        }
        Listed { slots: Arc::new(self.slots[..len].to_vec()), total: self.total }
    }
}

/// How many slots of a list are worth making and keeping: all of one that can be brought up to
/// date, and of others, which are mostly searches, the beginning.
pub fn worth(filter: &Filter, wanted: usize, total: usize) -> usize {
    if is_plain(filter) { total } else { wanted.next_power_of_two().max(HEAD).min(total) }
}

/// Slots of a beginning.
const HEAD: usize = 512;

/// What an entry costs beside its slots, roughly.
const ENTRY_BYTES: usize = 256;

/// Steps beyond which a list is made anew.
const STEPS: usize = 64;

impl Results {
    /// A list that still holds, or that could be brought up to date.
    pub fn get(
        &mut self,
        key: &str,
        stamps: &[(EntityKind, u64)],
        kind: &Kind,
        (filter, order): (&Filter, &Order),
    ) -> Option<Listed> {
        self.tick += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.tick;
        if entry.stamps == stamps {
            return Some(entry.list.clone());
        }
        let own = |stamps: &[(EntityKind, u64)]| {
            stamps.iter().find(|(found, _)| *found == kind.entity.kind).map(|(_, at)| *at)
        };
        let is_single = entry.stamps.len() == 1 && entry.list.is_whole();
        if !is_single || !is_plain(filter) || matches!(order, Order::Keys(_)) {
            return None;
        }
        let steps: Vec<Step> = kind.since(own(&entry.stamps)?)?.copied().collect();
        if steps.len() > STEPS {
            return None;
        }
        let before = entry.list.slots.capacity();
        let slots = Arc::make_mut(&mut entry.list.slots);
        let is_done = follow(slots, &steps, kind, filter, order).is_some();
        self.bytes = self.bytes + slots.capacity() * 4 - before * 4;
        if !is_done {
            // Never to be taken for a list.
            entry.stamps.clear();
            return None;
        }
        entry.list.total = entry.list.slots.len();
        entry.stamps = stamps.to_vec();
        Some(entry.list.clone())
    }

    /// Keeps a list of which the first `wanted` records were asked for, if it is not larger than all
    /// lists may be together.
    pub fn keep(
        &mut self,
        key: String,
        stamps: Vec<(EntityKind, u64)>,
        (list, filter, wanted): (&Listed, &Filter, usize),
        max_bytes: usize,
    ) {
        let entry = Entry { stamps, list: list.kept(filter, wanted), used: self.tick };
        let size = size(&key, &entry);
        if size > max_bytes {
            return;
        }
        self.bytes += size;
        if let Some(old) = self.entries.insert(key.clone(), entry) {
            self.bytes -= self::size(&key, &old);
        }
        if self.bytes > max_bytes {
            self.make_room(max_bytes / 4 * 3);
        }
    }

    /// Drops what was used longest ago until no more than `bytes` are left.
    fn make_room(&mut self, bytes: usize) {
        let mut used: Vec<(u64, String)> =
            self.entries.iter().map(|(key, entry)| (entry.used, key.clone())).collect();
        used.sort_unstable();
        for (_, key) in used {
            if self.bytes <= bytes {
                break;
            }
            if let Some(entry) = self.entries.remove(&key) {
                self.bytes -= size(&key, &entry);
            }
        }
    }

    pub fn clear(&mut self) {
        *self = Results { tick: self.tick, ..Results::default() };
    }
}

fn size(key: &str, entry: &Entry) -> usize {
    key.len() + entry.list.slots.capacity() * 4 + ENTRY_BYTES
}

/// Takes dead slots out of a list and sorts new ones in, if they pass.
fn follow(
    slots: &mut Vec<u32>,
    steps: &[Step],
    kind: &Kind,
    filter: &Filter,
    order: &Order,
) -> Option<()> {
    let compare = |left: u32, right: u32| -> Option<Ordering> {
        Some(match order {
            Order::Ids => kind.ids[left as usize].cmp(&kind.ids[right as usize]),
            Order::Names => kind.names.as_ref()?.compare(left, right),
            Order::NamesDescending => kind.names.as_ref()?.compare_descending(left, right),
            Order::Keys(_) => return None,
        })
    };
    let place = |slots: &[u32], slot: u32| {
        slots.partition_point(|other| compare(*other, slot) == Some(Ordering::Less))
    };
    // A new slot may have the place of a dead one: first the dead ones go, all of them.
    for dead in steps.iter().filter_map(|step| step.dead) {
        let at = place(slots, dead);
        if slots.get(at) == Some(&dead) {
            slots.remove(at);
        }
    }
    for born in steps.iter().filter_map(|step| step.born) {
        if kind.live.has(born as usize) && passes(kind, born as usize, filter)? {
            let at = place(slots, born);
            slots.insert(at, born);
        }
    }
    Some(())
}
