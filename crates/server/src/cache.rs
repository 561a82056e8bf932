//! Records as GET by id shows them, kept in memory.
//!
//! An entry is the finished reply, compressed against a few replies of the same kind: nine tenths of
//! a record's text are names and defaults that all of its kind share, and what is left of a client is
//! some 350 bytes. Taking it apart again costs less than rendering, and a quarter of what reading the
//! record costs.
//!
//! An entry holds as long as [`Fresh`] knows of no change to the record and to the records whose
//! names it shows. It keeps the marks of all of them and the position from before it was read, so
//! a change makes it void without anybody looking for it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aureole_catalogue::{ENTITIES, EntityKind};
use lz4_flex::block::{compress_with_dict, decompress_into_with_dict};
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::fresh::{Fresh, Mark, Moment, Position};

/// Replies that the dictionary of a kind is made of.
const SAMPLES: usize = 8;
/// Replies longer than this are not kept: one of them would push out hundreds of others.
const MAX_REPLY_BYTES: usize = 64 * 1024;
/// What an entry costs beside its bytes: its place in the table and in the order of use.
const PLACE_BYTES: u64 = 72;
/// What an entry takes on average, to lay out the table.
const USUAL_BYTES: u64 = 512;

/// A bounded store of rendered records.
pub struct RecordCache {
    entries: Cache<Place, Entry, Weight, foldhash::fast::RandomState>,
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

/// A head (see [`Entry::new`]), the marks, and the compressed reply, in one piece of memory.
#[derive(Clone)]
struct Entry(Arc<[u8]>);

/// A record that still reads like this.
pub struct Kept<'a> {
    pub rev: i64,
    entry: Entry,
    dictionary: &'a [u8],
}

#[derive(Default)]
struct Dictionary {
    samples: Mutex<Vec<Vec<u8>>>,
    text: OnceLock<Vec<u8>>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Place, Entry> for Weight {
    fn weight(&self, _: &Place, entry: &Entry) -> u64 {
        PLACE_BYTES + entry.0.len() as u64
    }
}

impl RecordCache {
    /// A store of at most `max_bytes`.
    pub fn new(max_bytes: u64) -> RecordCache {
        let items = usize::try_from(max_bytes / USUAL_BYTES).unwrap_or(usize::MAX).max(1);
        RecordCache {
            entries: Cache::with(
                items,
                max_bytes,
                Weight,
                foldhash::fast::RandomState::default(),
                DefaultLifecycle::default(),
            ),
            dictionaries: ENTITIES.iter().map(|_| Dictionary::default()).collect(),
        }
    }

    /// The record, if it reads at `now` as it was kept.
    pub fn get(&self, fresh: &Fresh, now: Moment, place: Place) -> Option<Kept<'_>> {
        let entry = self.entries.get(&place)?;
        let position = entry.position();
        let holds =
            position >= now.floor && entry.marks().all(|mark| fresh.is_untouched(mark, position));
        let dictionary = self.dictionaries[place.kind as usize].text.get()?;
        holds.then(|| Kept { rev: entry.rev(), entry, dictionary })
    }

    /// Keeps a reply that was read after `position`, by what it is made of.
    pub fn keep(
        &self,
        place: Place,
        position: Position,
        rev: i64,
        sources: &[(EntityKind, i64)],
        reply: &[u8],
    ) {
        if reply.len() > MAX_REPLY_BYTES {
            return;
        }
        let Some(dictionary) = self.dictionaries[place.kind as usize].ready(reply) else { return };
        let mut marks = vec![Mark::of(place.tenant, place.kind, place.id)];
        for (kind, id) in sources {
            let mark = Mark::of(place.tenant, *kind, *id);
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
        let entry = Entry::new(position, rev, &marks, reply, dictionary);
        self.entries.insert(place, entry);
    }

    /// What the entries take now.
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }
}

impl Kept<'_> {
    /// The reply's text; `None` if it can't be read, which would be a defect.
    pub fn text(&self) -> Option<Vec<u8>> {
        let mut text = vec![0; self.entry.size()];
        let length =
            decompress_into_with_dict(self.entry.compressed(), &mut text, self.dictionary).ok()?;
        (length == text.len()).then_some(text)
    }
}

impl Dictionary {
    /// The text once there were enough samples; this reply may be one.
    fn ready(&self, reply: &[u8]) -> Option<&[u8]> {
        if let Some(text) = self.text.get() {
            return Some(text);
        }
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push(reply.to_vec());
        if samples.len() < SAMPLES {
            return None;
        }
        let samples = std::mem::take(&mut *samples);
        Some(self.text.get_or_init(|| samples.concat()))
    }
}

const POSITION: usize = 0;
const REV: usize = 8;
const SIZE: usize = 16;
const MARKS: usize = 20;
const HEAD: usize = 24;
const MARK: usize = 4;

impl Entry {
    fn new(position: Position, rev: i64, marks: &[Mark], reply: &[u8], dictionary: &[u8]) -> Entry {
        let compressed = compress_with_dict(reply, dictionary);
        let mut bytes = Vec::with_capacity(HEAD + marks.len() * MARK + compressed.len());
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        bytes.extend_from_slice(&position.to_le_bytes());
        bytes.extend_from_slice(&rev.to_le_bytes());
        bytes.extend_from_slice(&count(reply.len()));
        bytes.extend_from_slice(&count(marks.len()));
        for mark in marks {
            bytes.extend_from_slice(&mark.to_bytes());
        }
        bytes.extend_from_slice(&compressed);
        Entry(bytes.into())
    }

    fn position(&self) -> Position {
        Position::from_le_bytes(self.array(POSITION))
    }

    fn rev(&self) -> i64 {
        i64::from_le_bytes(self.array(REV))
    }

    fn size(&self) -> usize {
        u32::from_le_bytes(self.array(SIZE)) as usize
    }

    fn marks(&self) -> impl Iterator<Item = Mark> {
        self.0[HEAD..self.compressed_at()]
            .as_chunks::<MARK>()
            .0
            .iter()
            .copied()
            .map(Mark::from_bytes)
    }

    fn compressed(&self) -> &[u8] {
        &self.0[self.compressed_at()..]
    }

    fn compressed_at(&self) -> usize {
        HEAD + u32::from_le_bytes(self.array(MARKS)) as usize * MARK
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(&self.0[at..at + N]);
        array
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
        for id in 10..100 {
            let kept = cache.get(&fresh, NOW, place(id)).unwrap();
            assert_eq!((kept.rev, kept.text()), (id, Some(text(id))));
        }
        assert!(cache.get(&fresh, NOW, Place { tenant: 2, ..place(20) }).is_none());
        assert!(cache.get(&fresh, NOW, Place { kind: EntityKind::Site, ..place(20) }).is_none());
        // Learned before the log began.
        assert!(cache.get(&fresh, Moment { position: 9, floor: 6 }, place(20)).is_none());
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
        cache.keep(place(7), 5, 1, &[], &vec![b'x'; MAX_REPLY_BYTES + 1]);
        assert_eq!(cache.get(&fresh, NOW, place(7)).unwrap().rev, 7);
    }
}
