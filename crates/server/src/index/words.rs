//! Finding records by a piece of a word.
//!
//! A search term has no white space, so it occurs in a text exactly if it occurs in one of the
//! text's words. Words are far fewer than records: each is kept once, with the slots of the records
//! that have it. Addresses of the web and of mail are mostly some record's alone, but made of parts
//! that others have too: `info@north-hill.example`. So a word is found by its parts, each of which
//! is kept once, too, with the words that have it, and these by the three-byte pieces in them.

use super::bits::Bits;
use super::pieces::{self, Pieces};
use super::postings::Postings;
use super::texts::Texts;

/// The words of one searched text, over all records of a kind.
#[derive(Default)]
pub struct Words {
    words: Texts,
    /// The slots by word.
    holders: Holders,
    parts: Texts,
    /// The words by part.
    members: Holders,
    /// The parts by piece.
    pieces: Pieces,
}

/// Who has a word or part. Most have one holder alone.
#[derive(Default)]
struct Holders {
    /// By code: a holder, or, with the high bit set, a place in `several`.
    firsts: Vec<u32>,
    several: Vec<Postings>,
}

const SEVERAL: u32 = 1 << 31;

/// Candidates beyond which another piece is asked, and how much longer its list may be.
const FEW: usize = 32;
const MUCH_LONGER: usize = 8;
/// Pieces that are asked beside the rarest one: parts that have three of a term's pieces mostly
/// have the term.
const OTHERS: usize = 2;

impl Words {
    /// Adds the words of a record's text. Slots come in ascending order.
    pub fn push(&mut self, slot: u32, text: &str) {
        for word in text.split_whitespace() {
            let code = self.intern(word);
            self.holders.push(code, slot);
        }
    }

    fn intern(&mut self, word: &str) -> u32 {
        let known = self.words.len();
        let code = self.words.intern(word);
        if self.words.len() > known {
            for part in parts(word) {
                let known = self.parts.len();
                let part_code = self.parts.intern(part);
                if self.parts.len() > known {
                    self.pieces.learn(part_code, part);
                }
                self.members.push(part_code, code);
            }
        }
        code
    }

    /// Calls `each` with the slots of all records that have `word` somewhere; a slot may come
    /// several times.
    pub fn each_holder(&self, word: &str, mut each: impl FnMut(u32)) {
        let members = |found: &Vec<u32>| -> usize {
            found.iter().map(|part| self.members.count(*part)).sum()
        };
        let rarest = parts(word).map(|part| self.matching(part)).min_by_key(members);
        let Some(rarest) = rarest else {
            let codes = self.words.containing(word);
            return codes.into_iter().for_each(|code| self.holders.each(code, &mut each));
        };
        let is_part = parts(word).next() == Some(word);
        let finder = (!is_part).then(|| memchr::memmem::Finder::new(word));
        for part in rarest {
            self.members.each(part, &mut |code| {
                let has = |finder: &memchr::memmem::Finder<'_>| {
                    finder.find(self.words.get(code).as_bytes()).is_some()
                };
                if finder.as_ref().is_none_or(has) {
                    self.holders.each(code, &mut each);
                }
            });
        }
    }

    /// Adds the records that have `word` somewhere.
    pub fn find(&self, word: &str, found: &mut Bits) {
        self.each_holder(word, |slot| found.set(slot as usize));
    }

    /// The codes of the parts in which `part` occurs.
    fn matching(&self, part: &str) -> Vec<u32> {
        let mut lists: Vec<pieces::List<'_>> = Vec::new();
        for piece in pieces::of(part) {
            match self.pieces.get(piece) {
                Some(list) => lists.push(list),
                None => return Vec::new(),
            }
        }
        lists.sort_unstable_by_key(pieces::List::len);
        let Some((shortest, others)) = lists.split_first() else {
            return self.parts.containing(part);
        };
        let mut codes: Vec<u32> = shortest.iter().collect();
        for list in others.iter().take(OTHERS) {
            if codes.len() <= FEW || list.len() > codes.len() * MUCH_LONGER {
                break;
            }
            intersect(&mut codes, list);
        }
        if part.len() > 3 {
            let finder = memchr::memmem::Finder::new(part);
            codes.retain(|code| finder.find(self.parts.get(*code).as_bytes()).is_some());
        }
        codes
    }

    pub fn shrink(&mut self) {
        self.words.shrink();
        self.holders.shrink();
        self.parts.shrink();
        self.members.shrink();
    }

    pub fn bytes(&self) -> usize {
        let words = self.words.bytes() + self.holders.bytes();
        words + self.parts.bytes() + self.members.bytes() + self.pieces.bytes()
    }
}

/// The parts of a word: what stands between signs such as `.` and `-`.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    let is_sign = |char: char| char.is_ascii() && !char.is_ascii_alphanumeric();
    word.split(is_sign).filter(|part| !part.is_empty())
}

impl Holders {
    fn shrink(&mut self) {
        self.several.iter_mut().for_each(Postings::shrink);
        self.several.shrink_to_fit();
        self.firsts.shrink_to_fit();
    }

    fn bytes(&self) -> usize {
        self.firsts.capacity() * 4 + self.several.iter().map(Postings::bytes).sum::<usize>()
    }

    fn push(&mut self, code: u32, slot: u32) {
        let Some(first) = self.firsts.get_mut(code as usize) else {
            // Codes are given out one by one, and each gets its first slot at once.
            self.firsts.push(slot);
            return;
        };
        if *first & SEVERAL == 0 {
            if *first == slot {
                return;
            }
            let mut list = Postings::default();
            list.push(*first);
            *first = super::narrow(self.several.len()) | SEVERAL;
            self.several.push(list);
        }
        if let Some(list) = self.several.get_mut((*first & !SEVERAL) as usize) {
            list.push(slot);
        }
    }

    /// How many have it.
    fn count(&self, code: u32) -> usize {
        match self.firsts.get(code as usize) {
            Some(first) if first & SEVERAL == 0 => 1,
            Some(first) => self.several.get((first & !SEVERAL) as usize).map_or(0, Postings::len),
            None => 0,
        }
    }

    fn each(&self, code: u32, each: &mut impl FnMut(u32)) {
        match self.firsts.get(code as usize) {
            Some(first) if first & SEVERAL == 0 => each(*first),
            Some(first) => {
                let list = self.several.get((first & !SEVERAL) as usize);
                list.into_iter().flat_map(Postings::iter).for_each(each);
            }
            None => {}
        }
    }
}

/// Keeps the numbers that are in the list too; both ascend.
fn intersect(codes: &mut Vec<u32>, list: &pieces::List<'_>) {
    let mut rest = list.iter();
    let mut next = rest.next();
    codes.retain(|code| {
        while next.is_some_and(|found| found < *code) {
            next = rest.next();
        }
        next == Some(*code)
    });
}

/// Texts as a scan finds them, in any order, on their way into [`Words`].
#[derive(Default)]
pub struct Gathered {
    words: Texts,
    /// The codes of all texts, one text after the other.
    codes: Vec<u32>,
    ends: Vec<u32>,
}

impl Gathered {
    pub fn push(&mut self, text: &str) {
        let start = self.codes.len();
        self.codes.extend(text.split_whitespace().map(|word| self.words.intern(word)));
        self.codes[start..].sort_unstable();
        let mut kept = start;
        for at in start..self.codes.len() {
            if at == start || self.codes[at] != self.codes[kept - 1] {
                self.codes[kept] = self.codes[at];
                kept += 1;
            }
        }
        self.codes.truncate(kept);
        self.ends.push(super::narrow(kept));
    }

    pub fn bytes(&self) -> usize {
        // The words will have holders and pieces. Cheap enough to be asked for every row.
        self.words.bytes() * 3 + self.codes.capacity() * 4 + self.ends.capacity() * 4
    }

    /// The words with their holders. `rows` are pairs of slot and row (in the order of the scan),
    /// ascending by slot.
    pub fn place(self, rows: &[(u32, u32)]) -> Words {
        // A word has a place from the beginning here, so none can be taken for its first slot.
        let unused = !SEVERAL;
        let mut holders = Holders { firsts: vec![unused; self.words.len()], several: Vec::new() };
        for (slot, row) in rows {
            let row = *row as usize;
            let start = row.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
            for code in &self.codes[start..self.ends[row] as usize] {
                match holders.firsts.get_mut(*code as usize) {
                    Some(first) if *first == unused => *first = *slot,
                    _ => holders.push(*code, *slot),
                }
            }
        }
        // Words of rows that have no slot (any more) are held by nobody.
        for first in &mut holders.firsts {
            if *first == unused {
                *first = super::narrow(holders.several.len()) | SEVERAL;
                holders.several.push(Postings::default());
            }
        }
        // What is not needed any more goes before the pieces come.
        let words = self.words;
        drop((self.codes, self.ends));
        let (mut parts, mut members) = (Texts::default(), Holders::default());
        for code in 0..super::narrow(words.len()) {
            for part in self::parts(words.get(code)) {
                members.push(parts.intern(part), code);
            }
        }
        let mut words = Words { pieces: Pieces::of(&parts), words, holders, parts, members };
        words.shrink();
        words
    }
}

#[cfg(test)]
mod tests {
    use super::{Gathered, Words};
    use crate::index::bits::Bits;

    const TEXTS: &[&str] = &[
        "acme ltd\nacme.example",
        "zebra straße 7",
        "",
        "ac me",
        "pacman acmeacme",
        "日本 語",
        "x",
        "ltd ltd ltd",
        "1 high street\nlondon",
        "info@north-hill.example www.north-hill.example --",
        "a.b-c ...x.",
        "high\u{a0}gate",
    ];

    fn placed() -> Words {
        // In another order than that of the slots, and with a text that has no slot.
        let mut gathered = Gathered::default();
        gathered.push("acme that is gone");
        TEXTS.iter().rev().for_each(|text| gathered.push(text));
        let rows = (0..).zip((1..).take(TEXTS.len()).collect::<Vec<_>>().into_iter().rev());
        gathered.place(&rows.collect::<Vec<_>>())
    }

    fn pushed() -> Words {
        let mut words = Words::default();
        TEXTS.iter().zip(0..).for_each(|(text, slot)| words.push(slot, text));
        words
    }

    #[test]
    fn a_word_finds_what_contains_it() {
        for words in [placed(), pushed()] {
            for word in [
                "a",
                "ac",
                "acm",
                "acme",
                "meac",
                "ltd",
                "ße",
                "本",
                "日",
                "x",
                "high",
                "gate",
                "street",
                "nothing",
                "acme.example",
                "acmeacmeacme",
                "7",
                "c",
                "語",
                "-hill",
                "north-hill.",
                "@north",
                "h-h",
                ".b-",
                "-",
                "--",
                "...",
                ".",
                "x.",
                "example",
            ] {
                let mut found = Bits::new(TEXTS.len());
                words.find(word, &mut found);
                let expected: Vec<usize> =
                    (0..TEXTS.len()).filter(|at| TEXTS[*at].contains(word)).collect();
                assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{word}");
            }
        }
    }

    #[test]
    fn later_texts_are_found_too() {
        let mut words = placed();
        words.push(12, "gone fishing acme");
        let mut found = Bits::new(13);
        words.find("gone", &mut found);
        assert_eq!(found.iter().collect::<Vec<_>>(), [12]);
        words.find("acme", &mut found);
        assert_eq!(found.iter().collect::<Vec<_>>(), [0, 4, 12]);
    }
}
