//! The words in which three bytes follow each other.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::postings::{self, Postings};
use super::texts::Texts;

/// For every three bytes the codes of the words that have them.
///
/// The lists of the words that were there at first lie in one piece of memory that is as long as they
/// are: lists that grow one by one would take twice as much on the way. Those of words that came
/// later stand beside them.
#[derive(Default)]
pub struct Pieces {
    codes: Vec<u8>,
    runs: HashMap<u32, Run, RandomState>,
    later: HashMap<u32, Postings, RandomState>,
}

/// A list in [`Pieces::codes`].
#[derive(Clone, Copy, Default)]
struct Run {
    at: usize,
    bytes: usize,
    count: usize,
    /// The last code while the list is made.
    last: u32,
}

/// The codes of one piece.
pub struct List<'a> {
    first: &'a [u8],
    first_count: usize,
    later: Option<&'a Postings>,
}

/// Every three bytes in a row, each once.
pub fn of(word: &str) -> Vec<u32> {
    let mut found = Vec::new();
    collect(word, &mut found);
    found
}

fn collect(word: &str, found: &mut Vec<u32>) {
    found.clear();
    let pieces = word.as_bytes().windows(3);
    found.extend(pieces.map(|piece| u32::from_be_bytes([0, piece[0], piece[1], piece[2]])));
    found.sort_unstable();
    found.dedup();
}

/// Calls `each` with every word's code and pieces.
fn each_piece(words: &Texts, mut each: impl FnMut(u32, u32)) {
    let mut found = Vec::new();
    for code in 0..super::narrow(words.len()) {
        collect(words.get(code), &mut found);
        found.iter().for_each(|piece| each(*piece, code));
    }
}

impl Pieces {
    /// Of all these words: once to know how long each list is, once to write it.
    pub fn of(words: &Texts) -> Pieces {
        let mut runs: HashMap<u32, Run, RandomState> = HashMap::default();
        each_piece(words, |piece, code| {
            let run = runs.entry(piece).or_default();
            run.bytes += postings::size(code - run.last);
            run.last = code;
            run.count += 1;
        });
        let mut total = 0;
        for run in runs.values_mut() {
            let bytes = std::mem::take(&mut run.bytes);
            *run = Run { at: total, last: 0, ..*run };
            total += bytes;
        }
        let mut codes = vec![0; total];
        each_piece(words, |piece, code| {
            if let Some(run) = runs.get_mut(&piece) {
                let end = run.at + run.bytes;
                run.bytes += postings::write(code - run.last, &mut codes[end..]);
                run.last = code;
            }
        });
        Pieces { codes, runs, later: HashMap::default() }
    }

    /// Adds the pieces of a new word.
    pub fn learn(&mut self, code: u32, word: &str) {
        for piece in of(word) {
            self.later.entry(piece).or_default().push(code);
        }
    }

    /// The words that have a piece; `None` when there is none.
    pub fn get(&self, piece: u32) -> Option<List<'_>> {
        let (run, later) = (self.runs.get(&piece), self.later.get(&piece));
        if run.is_none() && later.is_none() {
            return None;
        }
        let first = run.and_then(|run| self.codes.get(run.at..run.at + run.bytes));
        let first_count = run.map_or(0, |run| run.count);
        Some(List { first: first.unwrap_or_default(), first_count, later })
    }

    pub fn bytes(&self) -> usize {
        let later: usize = self.later.values().map(|list| list.bytes() + 8).sum();
        self.codes.capacity() + self.runs.capacity() * (size_of::<Run>() + 8) + later
    }
}

impl List<'_> {
    pub fn len(&self) -> usize {
        self.first_count + self.later.map_or(0, Postings::len)
    }

    /// The codes, ascending: words that came later have larger ones.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        postings::iter(self.first).chain(self.later.into_iter().flat_map(Postings::iter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_then_and_later_are_found_by_their_pieces() {
        let mut words = Texts::default();
        let count = 40_000u32;
        (0..count).for_each(|number| {
            words.intern(&format!("word{number}"));
        });
        let mut pieces = Pieces::of(&words);
        for code in count..count + 300 {
            words.intern(&format!("later{code}"));
            pieces.learn(code, words.get(code));
        }
        for piece in ["wor", "123", "lat", "999", "d7", "ter4", "xyz"] {
            for key in of(piece) {
                let text = String::from_utf8(key.to_be_bytes()[1..].to_vec()).unwrap();
                let expected = words.containing(&text);
                let list = pieces.get(key);
                assert_eq!(list.is_some(), !expected.is_empty(), "{text}");
                if let Some(list) = list {
                    assert_eq!(list.iter().collect::<Vec<_>>(), expected, "{text}");
                    assert_eq!(list.len(), expected.len());
                }
            }
        }
        assert_eq!(pieces.codes.len(), pieces.runs.values().map(|run| run.bytes).sum::<usize>());
    }
}
