//! What is known of the records of one kind.
//!
//! Every record has a slot. What is kept of it never changes: a written record gets a new slot, and
//! the old one is dead, so that whoever holds a slot holds the state that it stood for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aureole_catalogue::filter::Test;
use aureole_catalogue::{Entity, Field};

use super::bits::Bits;
use super::column::Column;
use super::gather::{Gathered, Parts, Place, Sink};
use super::ids::SlotsById;
use super::ints::Ints;
use super::names::Names;
use super::narrow;
use super::words::Words;

/// Steps that are kept, so that lists made before them can be brought up to date.
const JOURNAL: usize = 256;

/// One written record: its slot before and after.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub generation: u64,
    pub dead: Option<u32>,
    pub born: Option<u32>,
}

/// The records of one kind in one tenant.
pub struct Kind {
    pub entity: &'static Entity,
    pub parts: Parts,
    /// By slot.
    pub ids: Arc<Vec<i64>>,
    slots: SlotsById,
    pub live: Bits,
    count: usize,
    pub names: Option<Names>,
    pub fields: BTreeMap<Place, Column>,
    pub updated: Option<Ints>,
    pub search: Option<Words>,
    pub contact: Option<Words>,
    /// Grows with every change and is never the same in two of these.
    pub generation: u64,
    journal: VecDeque<Step>,
    /// What was before this generation can't be followed.
    floor: u64,
    /// The slots that passed tests of narrow columns, the latest test first.
    tested: Mutex<Vec<Tested>>,
}

/// What is known of a slot never changes, so these are only ever continued.
struct Tested {
    position: usize,
    test: Test,
    passing: Arc<Bits>,
}

/// Tests whose slots are kept.
const TESTS: usize = 8;

/// Parts by slot, ready to be taken in.
pub struct Placed {
    parts: Parts,
    names: Option<Names>,
    fields: Vec<(Place, Column)>,
    updated: Option<Ints>,
    search: Option<Words>,
    contact: Option<Words>,
}

static GENERATION: AtomicU64 = AtomicU64::new(1);

fn next_generation() -> u64 {
    GENERATION.fetch_add(1, Ordering::Relaxed)
}

impl Kind {
    /// All records of a kind; slots are in the default order as far as it is known.
    pub fn new(entity: &'static Entity, parts: Parts, gathered: Gathered) -> Kind {
        let mut rows: Vec<u32> = (0..narrow(gathered.ids.len())).collect();
        let id = |row: u32| gathered.ids[row as usize];
        match &gathered.name {
            Some((texts, codes)) => {
                let name = |row: u32| texts.get(codes.code(row as usize));
                rows.sort_unstable_by(|left, right| {
                    name(*left).cmp(name(*right)).then_with(|| id(*left).cmp(&id(*right)))
                });
            }
            None => rows.sort_unstable_by_key(|row| id(*row)),
        }
        let ids: Vec<i64> = rows.iter().map(|row| id(*row)).collect();
        let mut slots = SlotsById::default();
        let mut live = Bits::new(ids.len());
        for (slot, id) in ids.iter().enumerate() {
            slots.set(*id, narrow(slot));
            live.set(slot);
        }
        let generation = next_generation();
        let mut kind = Kind {
            entity,
            parts: Parts::new(),
            count: ids.len(),
            ids: Arc::new(ids),
            slots,
            live,
            names: None,
            fields: BTreeMap::new(),
            updated: None,
            search: None,
            contact: None,
            generation,
            journal: VecDeque::new(),
            floor: generation,
            tested: Mutex::default(),
        };
        let placed = kind.place(parts, gathered);
        kind.install(placed);
        kind
    }

    /// Puts parts that were read later to their slots. Records that are not here (any more) are
    /// passed over: the changes that made them come (or go) are still to be applied.
    pub fn place(&self, parts: Parts, gathered: Gathered) -> Placed {
        let rows = gathered.ids.iter().zip(0..);
        let mut rows: Vec<(u32, u32)> =
            rows.filter_map(|(id, row)| Some((self.slots.get(*id)?, row))).collect();
        rows.sort_unstable();
        let len = self.ids.len();
        let names = gathered.name.map(|(texts, codes)| {
            let live = self.live.iter().map(narrow).collect();
            Names::new(texts, codes.spread(len, &rows), &self.ids, live)
        });
        let fields = gathered.fields.into_iter();
        let words = |sink| match sink {
            Some(Sink::Whole(words)) => Some(words.place(&rows)),
            _ => None,
        };
        Placed {
            parts,
            names,
            fields: fields.map(|(at, column)| (at, column.spread(len, &rows))).collect(),
            updated: gathered.updated.map(|values| values.spread(len, &rows)),
            search: words(gathered.search),
            contact: words(gathered.contact),
        }
    }

    /// Takes what was placed, if no record has changed since.
    pub fn install(&mut self, placed: Placed) {
        self.parts.extend(placed.parts);
        self.fields.extend(placed.fields);
        self.names = placed.names.or(self.names.take());
        self.updated = placed.updated.or(self.updated.take());
        self.search = placed.search.or(self.search.take());
        self.contact = placed.contact.or(self.contact.take());
    }

    /// Brings records up to date: `changed` are their ids, `gathered` is what there is of them now.
    /// Returns the slots that died of it.
    pub fn apply(&mut self, changed: &[i64], gathered: &Gathered) -> Vec<u32> {
        let mut steps: Vec<Step> = Vec::with_capacity(changed.len());
        let mut rows: Vec<(usize, i64)> = gathered.ids.iter().copied().enumerate().collect();
        rows.sort_unstable_by_key(|(_, id)| *id);
        let mut born: Vec<usize> = Vec::new();
        for id in changed {
            let dead = self.slots.remove(*id);
            if let Some(slot) = dead {
                self.live.unset(slot as usize);
                self.count -= 1;
                if let Some(names) = &mut self.names {
                    names.remove(slot);
                }
            }
            let row = rows.binary_search_by_key(id, |(_, id)| *id).ok().map(|at| rows[at].0);
            let slot = row.map(|row| {
                born.push(row);
                narrow(self.ids.len() + born.len() - 1)
            });
            if dead.is_some() || slot.is_some() {
                steps.push(Step { generation: next_generation(), dead, born: slot });
            }
        }
        let relabelled = self.push(gathered, &born);
        let dead = steps.iter().filter_map(|step| step.dead).collect();
        self.generation = steps.last().map_or(self.generation, |step| step.generation);
        self.journal.extend(steps);
        if relabelled {
            self.journal.clear();
            self.floor = self.generation;
        }
        while self.journal.len() > JOURNAL {
            if let Some(step) = self.journal.pop_front() {
                self.floor = step.generation;
            }
        }
        dead
    }

    /// Gives rows the next slots. Returns true when the labels of the order are new.
    fn push(&mut self, gathered: &Gathered, rows: &[usize]) -> bool {
        let first = self.ids.len();
        let ids = Arc::make_mut(&mut self.ids);
        for (row, slot) in rows.iter().zip(first..) {
            let id = gathered.ids[*row];
            ids.push(id);
            self.slots.set(id, narrow(slot));
            self.live.push(true);
        }
        self.count += rows.len();
        for (place, from) in &gathered.fields {
            if let Some(column) = self.fields.get_mut(place) {
                rows.iter().for_each(|row| column.push_from(from, *row));
            }
        }
        if let (Some(updated), Some(from)) = (&mut self.updated, &gathered.updated) {
            rows.iter().for_each(|row| updated.push(from.get(*row)));
        }
        for (words, sink) in
            [(&mut self.search, &gathered.search), (&mut self.contact, &gathered.contact)]
        {
            if let (Some(words), Some(Sink::Few(texts))) = (words, sink) {
                for (row, slot) in rows.iter().zip(first..) {
                    words.push(narrow(slot), &texts[*row]);
                }
            }
        }
        match (&mut self.names, &gathered.name) {
            (Some(names), Some((texts, codes))) => {
                let new: Vec<&str> = rows.iter().map(|row| texts.get(codes.code(*row))).collect();
                names.push(&new, &self.ids)
            }
            _ => false,
        }
    }

    /// The steps after a generation of this kind; `None` when they are not known any more.
    pub fn since(&self, generation: u64) -> Option<impl Iterator<Item = &Step>> {
        let known = generation >= self.floor && generation <= self.generation;
        known.then(|| self.journal.iter().skip_while(move |step| step.generation <= generation))
    }

    pub fn slot(&self, id: i64) -> Option<u32> {
        self.slots.get(id)
    }

    /// The slots that pass a test of a narrow column, dead ones too; `None` for other columns.
    pub fn passing(&self, position: usize, field: &Field, test: &Test) -> Option<Arc<Bits>> {
        let column = self.fields.get(&(position, 0)).filter(|column| column.is_narrow())?;
        let len = self.ids.len();
        let mut tested = self.tested.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tested.iter().position(|one| one.position == position && one.test == *test);
        match known {
            Some(at) => tested[..=at].rotate_right(1),
            None => {
                let passing = Arc::new(column.find(len, field, test));
                tested.truncate(TESTS - 1);
                tested.insert(0, Tested { position, test: test.clone(), passing });
            }
        }
        let Tested { passing, .. } = tested.first_mut()?;
        if passing.len() < len {
            let passing = Arc::make_mut(passing);
            (passing.len()..len).for_each(|slot| passing.push(column.passes(slot, field, test)));
        }
        Some(Arc::clone(passing))
    }

    /// True when so many slots are dead that it is time to begin anew.
    pub fn is_worn(&self) -> bool {
        self.ids.len() > 4096 && self.ids.len() > self.count * 2
    }

    pub fn bytes(&self) -> usize {
        let fields: usize = self.fields.values().map(Column::bytes).sum();
        let words = [&self.search, &self.contact].into_iter().flatten();
        let words: usize = words.map(Words::bytes).sum();
        let base = self.ids.capacity() * 8 + self.slots.bytes() + self.live.bytes();
        let updated = self.updated.as_ref().map_or(0, Ints::bytes);
        base + fields + words + updated + self.names.as_ref().map_or(0, Names::bytes)
    }

    /// True when all these parts are here.
    pub fn has(&self, parts: &Parts) -> bool {
        parts.is_subset(&self.parts)
    }
}
