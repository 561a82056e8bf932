//! Records as GET by id shows them, kept in memory.
//!
//! An entry is the packed record ([`Plan::pack`]: nine tenths of a reply are names and defaults that all
//! of its kind share), compressed against a few others of the same kind. What is left of a client
//! is some 200 bytes. Taking it apart again costs less than rendering, and a quarter of what
//! reading the record costs.
//!
//! An entry holds as long as [`Fresh`] knows of no change to the record and to the records whose
//! names it shows. It keeps the marks of all of them and the position from before it was read, so
//! a change makes it void without anybody looking for it.
//!
//! [`Plan::pack`]: aureole_catalogue::render::Plan::pack

mod store;

use std::sync::{Mutex, OnceLock, PoisonError};

use aureole_catalogue::{ENTITIES, EntityKind};
use lz4_flex::block::{compress_with_dict, decompress_into_with_dict};

use crate::fresh::{Fresh, Mark, Moment, Position};
use store::Store;

/// Packed records that the dictionary of a kind is made of.
const SAMPLES: usize = 16;
/// Longer ones are not kept: one of them would push out hundreds of others.
const MAX_BYTES: usize = 32 * 1024;

/// A bounded store of packed records.
pub struct RecordCache {
    max_bytes: u64,
    entries: Store,
    /// By kind.
    dictionaries: Vec<Dictionary>,
}

/// Which record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub tenant: i64,
    pub kind: EntityKind,
    pub id: i64,
}

/// A record that still reads like this.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    pub rev: i64,
    /// `None` when the caller has it already.
    pub packed: Option<Vec<u8>>,
}

#[derive(Default)]
struct Dictionary {
    samples: Mutex<Vec<Vec<u8>>>,
    text: OnceLock<Vec<u8>>,
}

impl RecordCache {
    /// A store of at most `max_bytes`.
    pub fn new(max_bytes: u64) -> RecordCache {
        RecordCache {
            max_bytes,
            entries: Store::new(max_bytes),
            dictionaries: ENTITIES.iter().map(|_| Dictionary::default()).collect(),
        }
    }

    /// The record, if it reads at `now` as it was kept. `has` tells whether the caller has this
    /// revision of it already.
    pub fn get(
        &self,
        fresh: &Fresh,
        now: Moment,
        place: Place,
        has: impl FnOnce(i64) -> bool,
    ) -> Option<Kept> {
        self.entries.read(place, |bytes| {
            let entry = Entry::of(bytes)?;
            if !entry.holds(fresh, now) {
                return None;
            }
            let packed = match has(entry.rev) {
                true => None,
                false => Some(entry.packed(self.dictionaries[place.kind as usize].text.get())?),
            };
            Some(Kept { rev: entry.rev, packed })
        })
    }

    /// True when [`RecordCache::get`] would give the record.
    pub fn has(&self, fresh: &Fresh, now: Moment, place: Place) -> bool {
        let holds = |bytes: &[u8]| Entry::of(bytes).is_some_and(|entry| entry.holds(fresh, now));
        self.entries.peek(place, holds).unwrap_or(false)
    }

    /// Keeps a record that was read after `position`, by what it is made of.
    pub fn keep(
        &self,
        place: Place,
        position: Position,
        rev: i64,
        sources: &[(EntityKind, i64)],
        packed: &[u8],
    ) {
        if packed.len() > MAX_BYTES {
            return;
        }
        let mut marks = vec![Mark::of(place.tenant, place.kind, place.id)];
        for (kind, id) in sources {
            let mark = Mark::of(place.tenant, *kind, *id);
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
        let dictionary = self.dictionaries[place.kind as usize].ready(packed);
        self.entries.keep(place, &Entry::bytes(position, rev, &marks, packed, dictionary));
    }

    /// True while there is room for more without pushing anything out.
    pub fn has_room(&self) -> bool {
        // Parts of the store fill up before the whole does.
        self.bytes() < self.max_bytes - self.max_bytes / 8
    }

    /// What the entries take now.
    pub fn bytes(&self) -> u64 {
        self.entries.bytes() as u64
    }
}

impl Dictionary {
    /// The text once there were enough samples; this record may be one.
    fn ready(&self, packed: &[u8]) -> Option<&[u8]> {
        if let Some(text) = self.text.get() {
            return Some(text);
        }
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push(packed.to_vec());
        if samples.len() < SAMPLES {
            return None;
        }
        let samples = std::mem::take(&mut *samples);
        Some(self.text.get_or_init(|| samples.concat()))
    }
}

/// What is kept of a record: a head, the marks, and the packed record.
struct Entry<'a> {
    position: Position,
    rev: i64,
    /// Of the packed record; 0 when it is not compressed.
    size: usize,
    marks: &'a [[u8; 4]],
    text: &'a [u8],
}

const HEAD: usize = 24;
const MARK: usize = 4;

impl Entry<'_> {
    /// What [`Entry::of`] reads.
    fn bytes(
        position: Position,
        rev: i64,
        marks: &[Mark],
        packed: &[u8],
        dictionary: Option<&[u8]>,
    ) -> Vec<u8> {
        let compressed = dictionary.map(|dictionary| compress_with_dict(packed, dictionary));
        let (size, text) = match &compressed {
            Some(compressed) => (packed.len(), compressed.as_slice()),
            None => (0, packed),
        };
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = Vec::with_capacity(HEAD + marks.len() * MARK + text.len());
        bytes.extend_from_slice(&position.to_le_bytes());
        bytes.extend_from_slice(&rev.to_le_bytes());
        bytes.extend_from_slice(&count(size));
        bytes.extend_from_slice(&count(marks.len()));
        marks.iter().for_each(|mark| bytes.extend_from_slice(&mark.to_bytes()));
        bytes.extend_from_slice(text);
        bytes
    }

    fn of(bytes: &[u8]) -> Option<Entry<'_>> {
        let (position, rest) = bytes.split_first_chunk()?;
        let (rev, rest) = rest.split_first_chunk()?;
        let (size, rest) = rest.split_first_chunk()?;
        let (marks, rest) = rest.split_first_chunk()?;
        let marks = usize::try_from(u32::from_le_bytes(*marks)).ok()?;
        let (marks, text) = rest.split_at_checked(marks * MARK)?;
        Some(Entry {
            position: Position::from_le_bytes(*position),
            rev: i64::from_le_bytes(*rev),
            size: usize::try_from(u32::from_le_bytes(*size)).ok()?,
            marks: marks.as_chunks::<MARK>().0,
            text,
        })
    }

    /// True when nothing that the record is made of has changed.
    fn holds(&self, fresh: &Fresh, now: Moment) -> bool {
        let mut marks = self.marks.iter().copied().map(Mark::from_bytes);
        self.position >= now.floor && marks.all(|mark| fresh.is_untouched(mark, self.position))
    }

    /// The packed record; `None` if it can't be read, which would be a defect.
    fn packed(&self, dictionary: Option<&Vec<u8>>) -> Option<Vec<u8>> {
        if self.size == 0 {
            return Some(self.text.to_vec());
        }
        let mut packed = vec![0; self.size];
        let length = decompress_into_with_dict(self.text, &mut packed, dictionary?).ok()?;
        (length == packed.len()).then_some(packed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aureole_storage::{DatabaseUrl, Db, Options};

    use super::*;

    const NOW: Moment = Moment { position: 5, floor: 5 };

    async fn fresh() -> (Fresh, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("test.db"));
        let db = Db::open(&url, Options::default()).await.unwrap();
        (Fresh::new(db, Duration::from_millis(5), 100), folder)
    }

    fn place(id: i64) -> Place {
        Place { tenant: 1, kind: EntityKind::Client, id }
    }

    fn text(id: i64) -> Vec<u8> {
        let noise: String =
            (0..60).map(|at| format!("{:x},", (id * 7919 + at) * 104_729)).collect();
        format!("{{\"id\":{id},\"name\":\"Client {id}\",\"noise\":\"{noise}\"}}").into_bytes()
    }

    fn filled(max_bytes: u64, count: i64) -> RecordCache {
        let cache = RecordCache::new(max_bytes);
        for id in 0..count {
            cache.keep(place(id), 5, id, &[(EntityKind::Site, id)], &text(id));
        }
        cache
    }

    #[tokio::test]
    async fn what_is_kept_comes_back_as_it_was() {
        let (fresh, _folder) = fresh().await;
        let cache = filled(10_000_000, 100);
        for id in 0..100 {
            let kept = cache.get(&fresh, NOW, place(id), |_| false);
            assert_eq!(kept, Some(Kept { rev: id, packed: Some(text(id)) }));
            let known = cache.get(&fresh, NOW, place(id), |rev| rev == id);
            assert_eq!(known, Some(Kept { rev: id, packed: None }));
        }
        let is_there = |now, place| {
            let there = cache.get(&fresh, now, place, |_| false).is_some();
            assert_eq!(cache.has(&fresh, now, place), there);
            there
        };
        assert!(is_there(NOW, place(20)));
        assert!(!is_there(NOW, Place { tenant: 2, ..place(20) }));
        assert!(!is_there(NOW, Place { kind: EntityKind::Site, ..place(20) }));
        // Learned before the log began.
        assert!(!is_there(Moment { position: 9, floor: 6 }, place(20)));
    }

    #[tokio::test]
    async fn the_budget_is_kept() {
        for budget in [0, 20_000, 1_000_000] {
            let cache = filled(budget, 20_000);
            assert!(cache.bytes() <= budget, "{} of {budget}", cache.bytes());
            assert!(cache.bytes() >= budget / 2, "{} of {budget}", cache.bytes());
        }
        let (fresh, _folder) = fresh().await;
        let cache = filled(1_000_000, 100);
        assert!(cache.has_room());
        cache.keep(place(7), 5, 1, &[], &vec![b'x'; MAX_BYTES + 1]);
        assert_eq!(cache.get(&fresh, NOW, place(7), |_| true).unwrap().rev, 7);
        assert!(!filled(100_000, 20_000).has_room());
    }
}
