//! The order that lists have by default: by folded name, then by id.
//!
//! Each slot has a label, and labels are ordered as the slots are: two slots compare by one number,
//! and a new record between two others takes a label between theirs. When there is none left, all
//! labels are given out anew.

use std::cmp::Ordering;

use super::bits::Bits;
use super::ints::Ints;
use super::texts::Texts;

/// The distance between labels that are given out at once.
const GAP: u64 = 1 << 32;

/// New records at a time from which sorting in beats moving the others aside one by one.
const MANY: usize = 64;

/// Folded names by slot, and the live slots in order.
#[derive(Default)]
pub struct Names {
    pub texts: Texts,
    pub codes: Ints,
    order: Vec<u32>,
    labels: Vec<u64>,
    /// Slots below this one have the order of their names.
    ascending: u32,
}

impl Names {
    /// `live` are the slots that have a record, in any order.
    pub fn new(texts: Texts, codes: Ints, ids: &[i64], mut live: Vec<u32>) -> Names {
        let labels = vec![0; codes.len()];
        let mut names = Names { texts, codes, order: Vec::new(), labels, ascending: 0 };
        live.sort_unstable_by(|left, right| names.by_text(ids, *left, *right));
        if live.is_sorted() {
            names.ascending = live.last().map_or(0, |last| last + 1);
        }
        names.order = live;
        names.relabel();
        names
    }

    pub fn get(&self, slot: u32) -> &str {
        self.texts.get(self.codes.code(slot as usize))
    }

    /// The live slots in order.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// The first `wanted` of some live slots in order.
    pub fn first(&self, passing: &Bits, wanted: usize) -> Vec<u32> {
        let later = passing.iter_from(self.ascending as usize).map(super::narrow);
        let mut later: Vec<u32> = later.collect();
        later.sort_unstable_by_key(|slot| self.label(*slot));
        let mut later = later.into_iter().peekable();
        let earlier = passing.iter().map(super::narrow);
        let mut earlier = earlier.take_while(|slot| *slot < self.ascending).peekable();
        let mut first = Vec::with_capacity(wanted);
        while first.len() < wanted {
            let next = match (earlier.peek(), later.peek()) {
                (Some(left), Some(right)) if self.label(*right) < self.label(*left) => later.next(),
                (Some(_), _) => earlier.next(),
                (None, _) => later.next(),
            };
            let Some(slot) = next else { break };
            first.push(slot);
        }
        first
    }

    pub fn compare(&self, left: u32, right: u32) -> Ordering {
        self.label(left).cmp(&self.label(right))
    }

    /// By name downwards; the ids of equal names still grow.
    pub fn compare_descending(&self, left: u32, right: u32) -> Ordering {
        let same = self.codes.get(left as usize) == self.codes.get(right as usize);
        if same { self.compare(left, right) } else { self.compare(right, left) }
    }

    pub fn label(&self, slot: u32) -> u64 {
        self.labels.get(slot as usize).copied().unwrap_or(0)
    }

    /// Takes a slot out of the order; its label stays until labels are given out anew.
    pub fn remove(&mut self, slot: u32) {
        let label = self.label(slot);
        let labels = &self.labels;
        let at = self.order.partition_point(|other| labels[*other as usize] < label);
        if self.order.get(at) == Some(&slot) {
            self.order.remove(at);
        }
    }

    /// Adds new slots, the next ones. Returns true when labels were given out anew.
    pub fn push(&mut self, names: &[&str], ids: &[i64]) -> bool {
        let first = super::narrow(self.codes.len());
        for name in names {
            let code = self.texts.intern(name);
            self.codes.push(i64::from(code));
            self.labels.push(0);
        }
        let slots = first..super::narrow(self.codes.len());
        if names.len() > MANY {
            self.merge(slots, ids);
            self.relabel();
            return true;
        }
        let mut relabelled = false;
        for slot in slots {
            relabelled |= self.insert(slot, ids);
        }
        relabelled
    }

    fn insert(&mut self, slot: u32, ids: &[i64]) -> bool {
        let at =
            self.order.partition_point(|other| self.by_text(ids, *other, slot) == Ordering::Less);
        let before = at.checked_sub(1).map_or(0, |before| self.label(self.order[before]));
        let label = match self.order.get(at) {
            None => before.saturating_add(GAP),
            Some(after) => before + (self.label(*after) - before) / 2,
        };
        self.order.insert(at, slot);
        if let Some(place) = self.labels.get_mut(slot as usize) {
            *place = label;
        }
        let crowded = label == before;
        if crowded {
            self.relabel();
        }
        crowded
    }

    /// Sorts many new slots in, in one pass over the others.
    fn merge(&mut self, slots: std::ops::Range<u32>, ids: &[i64]) {
        let mut fresh: Vec<u32> = slots.collect();
        fresh.sort_unstable_by(|left, right| self.by_text(ids, *left, *right));
        let mut merged = Vec::with_capacity(self.order.len() + fresh.len());
        let mut fresh = fresh.into_iter().peekable();
        for slot in &self.order {
            while let Some(new) =
                fresh.next_if(|new| self.by_text(ids, *new, *slot) == Ordering::Less)
            {
                merged.push(new);
            }
            merged.push(*slot);
        }
        merged.extend(fresh);
        self.order = merged;
    }

    fn by_text(&self, ids: &[i64], left: u32, right: u32) -> Ordering {
        let id = |slot: u32| ids.get(slot as usize).copied().unwrap_or(0);
        self.get(left).cmp(self.get(right)).then_with(|| id(left).cmp(&id(right)))
    }

    fn relabel(&mut self) {
        let mut label = 0;
        for slot in &self.order {
            label += GAP;
            if let Some(place) = self.labels.get_mut(*slot as usize) {
                *place = label;
            }
        }
    }

    pub fn bytes(&self) -> usize {
        let order = self.order.capacity() * 4 + self.labels.capacity() * 8;
        self.texts.bytes() + self.codes.bytes() + order
    }
}

#[cfg(test)]
mod tests {
    use super::Names;
    use crate::index::bits::Bits;
    use crate::index::ints::Ints;
    use crate::index::texts::Texts;

    /// The slots of a plain sort.
    fn sorted(rows: &[(&str, i64)], live: &[bool]) -> Vec<u32> {
        let mut slots: Vec<u32> =
            (0..).zip(live).filter(|(_, live)| **live).map(|(slot, _)| slot).collect();
        slots.sort_by_key(|slot| rows[*slot as usize]);
        slots
    }

    fn built(rows: &[(&str, i64)]) -> Names {
        let (mut texts, mut codes) = (Texts::default(), Ints::default());
        rows.iter().for_each(|(name, _)| codes.push(i64::from(texts.intern(name))));
        let ids: Vec<i64> = rows.iter().map(|(_, id)| *id).collect();
        let live = (0..rows.len()).filter_map(|slot| u32::try_from(slot).ok()).collect();
        Names::new(texts, codes, &ids, live)
    }

    #[test]
    fn new_names_find_their_place_however_close() {
        let mut rows = vec![("b", 2), ("a", 9), ("b", 1), ("", 5)];
        let mut names = built(&rows);
        let mut live = vec![true; 4];
        assert_eq!(names.order(), sorted(&rows, &live));
        let mut relabelled = false;
        for id in 100..200 {
            // Each one right before the last: the gap is halved until none is left.
            rows.push(("b", 100 - id));
            live.push(true);
            let ids: Vec<i64> = rows.iter().map(|(_, id)| *id).collect();
            relabelled |= names.push(&["b"], &ids);
            assert_eq!(names.order(), sorted(&rows, &live));
            assert!(names.order().is_sorted_by(|left, right| names.compare(*left, *right).is_lt()));
        }
        assert!(relabelled, "a hundred halvings of 2^32");
        names.remove(2);
        live[2] = false;
        assert_eq!(names.order(), sorted(&rows, &live));
    }

    #[test]
    fn many_names_at_once_are_sorted_in() {
        let mut rows = vec![("m", 1), ("c", 2), ("x", 3)];
        let mut names = built(&rows);
        let more: Vec<String> = (0..200).map(|at| format!("{}", at * 7919 % 200)).collect();
        rows.extend(more.iter().map(String::as_str).zip(10..));
        let ids: Vec<i64> = rows.iter().map(|(_, id)| *id).collect();
        names.push(&more.iter().map(String::as_str).collect::<Vec<_>>(), &ids);
        assert_eq!(names.order(), sorted(&rows, &vec![true; rows.len()]));
    }

    #[test]
    fn the_first_of_some_are_the_first_of_the_order() {
        // Slots in the order of their names and slots in another one; both with later slots.
        for start in
            [[("a", 1), ("b", 2), ("b", 3), ("m", 4)], [("m", 4), ("b", 3), ("a", 1), ("b", 2)]]
        {
            let mut rows = start.to_vec();
            let mut names = built(&rows);
            rows.extend([("c", 5), ("a", 6), ("z", 7), ("", 8)]);
            let ids: Vec<i64> = rows.iter().map(|(_, id)| *id).collect();
            names.push(&["c", "a", "z", ""], &ids);
            for chosen in 0..256_usize {
                let mut passing = Bits::new(rows.len());
                passing.fill((0..rows.len()).map(|slot| chosen >> slot & 1 == 1));
                let live: Vec<bool> = (0..rows.len()).map(|slot| passing.has(slot)).collect();
                let all = sorted(&rows, &live);
                for wanted in [0, 1, 3, 8] {
                    assert_eq!(names.first(&passing, wanted), all[..wanted.min(all.len())]);
                }
            }
        }
    }

    #[test]
    fn downwards_equal_names_keep_the_order_of_their_ids() {
        let rows = [("b", 2), ("a", 9), ("b", 1), ("c", 5)];
        let names = built(&rows);
        let mut slots = vec![0, 1, 2, 3];
        slots.sort_by(|left, right| names.compare_descending(*left, *right));
        assert_eq!(slots, [3, 2, 0, 1]);
    }
}
