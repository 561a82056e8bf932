//! Distinct texts, each kept once and known by a small number.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use super::narrow;

/// Texts by code; codes are given out from 0.
#[derive(Default)]
pub struct Texts {
    /// All texts, one after the other.
    arena: String,
    /// Where each ends.
    ends: Vec<u32>,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Texts {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a code; empty for a code that was never given out.
    pub fn get(&self, code: u32) -> &str {
        get(&self.arena, &self.ends, code)
    }

    /// The text's code, a new one if need be.
    pub fn intern(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text);
        let (arena, ends) = (&self.arena, &self.ends);
        if let Some(code) = self.table.find(hash, |code| get(arena, ends, *code) == text) {
            return *code;
        }
        self.arena.push_str(text);
        let code = narrow(self.ends.len());
        self.ends.push(narrow(self.arena.len()));
        let (arena, ends, hasher) = (&self.arena, &self.ends, &self.hasher);
        self.table.insert_unique(hash, code, |code| hasher.hash_one(get(arena, ends, *code)));
        code
    }

    /// The codes of the texts, in order, in which `word` occurs.
    pub fn containing(&self, word: &str) -> Vec<u32> {
        let finder = memchr::memmem::Finder::new(word);
        (0..narrow(self.len()))
            .filter(|code| finder.find(self.get(*code).as_bytes()).is_some())
            .collect()
    }

    pub fn shrink(&mut self) {
        self.arena.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub fn bytes(&self) -> usize {
        self.arena.capacity() + self.ends.capacity() * 4 + self.table.capacity() * 6
    }
}

fn get<'a>(arena: &'a str, ends: &[u32], code: u32) -> &'a str {
    let at = code as usize;
    let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    let end = ends.get(at).copied().unwrap_or(start);
    arena.get(start as usize..end as usize).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::Texts;

    #[test]
    fn a_text_is_kept_once() {
        let mut texts = Texts::default();
        let codes: Vec<u32> =
            ["b", "", "äöü", "b", "", "c"].iter().map(|text| texts.intern(text)).collect();
        assert_eq!(codes, [0, 1, 2, 0, 1, 3]);
        assert_eq!((texts.get(2), texts.get(1), texts.get(9)), ("äöü", "", ""));
        assert_eq!(texts.containing("ö"), [2]);
        assert_eq!(texts.containing(""), [0, 1, 2, 3]);
    }

    #[test]
    fn many_texts_are_found_again() {
        let mut texts = Texts::default();
        for round in 0..2 {
            for number in 0..5_000u32 {
                assert_eq!(texts.intern(&number.to_string()), number, "{round}");
            }
        }
    }
}
