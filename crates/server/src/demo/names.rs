//! Company names, no two alike.
//!
//! A name is a number written in words. The space holds [`SPACE`] numbers in five shapes; a keyed
//! Feistel permutation of that space takes an index to its number, so that two indexes of one seed
//! can not get the same name, while neighbours look nothing like each other.

use super::places::Nation;
use super::rng::{Rng, Stream, mix};
use super::words::{
    ADJECTIVES, BRAND_ENDS, BRAND_MIDDLES, BRAND_STARTS, NOUNS, PLACE_ENDS, PLACE_STARTS, SUFFIXES,
    SURNAMES, TRADES,
};

const SHAPES: [usize; 5] = [
    SURNAMES.len() * TRADES.len() * SUFFIXES.len(),
    PLACE_STARTS.len() * PLACE_ENDS.len() * TRADES.len() * SUFFIXES.len(),
    BRAND_STARTS.len() * BRAND_MIDDLES.len() * BRAND_ENDS.len() * SUFFIXES.len(),
    SURNAMES.len() * (SURNAMES.len() - 1) * SUFFIXES.len(),
    ADJECTIVES.len() * NOUNS.len() * TRADES.len() * SUFFIXES.len(),
];

/// How many names a shape gives: as many as the poorest has, so that all are equally common.
const PER_SHAPE: usize = smallest(SHAPES);

/// How many names there are before a number has to be added.
pub(super) const SPACE: usize = PER_SHAPE * SHAPES.len();

const HALF_BITS: u32 = 12;
const HALF_MASK: u64 = (1 << HALF_BITS) - 1;
const _: () = assert!(SPACE > 4_000_000 && SPACE <= 1 << (2 * HALF_BITS));

/// A prime beyond every list's length, hence without a common factor with any shape's size:
/// multiplying by it spreads the used numbers over the whole of a shape, one to one.
const SPREAD: usize = 1_000_003;

/// The permutation of the name space for one seed.
#[derive(Debug, Clone)]
pub(super) struct Names {
    keys: [u64; 4],
}

/// A company's name and the country that its legal form belongs to.
pub(super) struct CompanyName {
    pub(super) text: String,
    pub(super) nation: Nation,
}

impl Names {
    pub(super) fn new(seed: u64) -> Names {
        let mut rng = Rng::new(seed, 0, Stream::Names);
        Names { keys: [rng.next(), rng.next(), rng.next(), rng.next()] }
    }

    /// The name of client number `index`. Past the end of the space the names start again with a
    /// number behind them (` 2`, ` 3`, …), which no name has by itself.
    pub(super) fn company(&self, index: u32) -> CompanyName {
        let index = usize::try_from(index).unwrap_or(0);
        let mut name = spell(self.permute(index % SPACE));
        if index >= SPACE {
            name.text.push_str(&format!(" {}", index / SPACE + 1));
        }
        name
    }

    /// Four Feistel rounds over 24 bits, repeated until the result is inside the space (cycle
    /// walking, three times on average): a bijection of `0..SPACE`.
    fn permute(&self, number: usize) -> usize {
        let mut value = number as u64;
        loop {
            let mut left = value >> HALF_BITS;
            let mut right = value & HALF_MASK;
            for key in self.keys {
                (left, right) = (right, left ^ (mix(right ^ key) & HALF_MASK));
            }
            value = (left << HALF_BITS) | right;
            match usize::try_from(value) {
                Ok(inside) if inside < SPACE => return inside,
                _ => {}
            }
        }
    }
}

/// Name number `number` of the space.
pub(super) fn spell(number: usize) -> CompanyName {
    let shape = number % SHAPES.len();
    let mut digits = Digits((number / SHAPES.len()) * SPREAD % SHAPES[shape]);
    let suffix = &SUFFIXES[digits.take(SUFFIXES.len())];
    let core = match shape {
        0 => format!("{} {}", digits.word(SURNAMES), digits.word(TRADES)),
        1 => {
            let (start, end) = (digits.word(PLACE_STARTS), digits.word(PLACE_ENDS));
            format!("{start}{end} {}", digits.word(TRADES))
        }
        2 => {
            let (start, middle) = (digits.word(BRAND_STARTS), digits.word(BRAND_MIDDLES));
            format!("{start}{middle}{}", digits.word(BRAND_ENDS))
        }
        3 => {
            let first = digits.take(SURNAMES.len());
            let second = (first + 1 + digits.take(SURNAMES.len() - 1)) % SURNAMES.len();
            format!("{} & {}", SURNAMES[first], SURNAMES[second])
        }
        _ => {
            let (adjective, noun) = (digits.word(ADJECTIVES), digits.word(NOUNS));
            format!("{adjective} {noun} {}", digits.word(TRADES))
        }
    };
    let mut text = core;
    text.push(' ');
    text.push_str(suffix.0);
    CompanyName { text, nation: suffix.1 }
}

/// A number read digit by digit, lowest first, each in a base of its own.
struct Digits(usize);

impl Digits {
    fn take(&mut self, base: usize) -> usize {
        let digit = self.0 % base;
        self.0 /= base;
        digit
    }

    fn word(&mut self, words: &[&'static str]) -> &'static str {
        words[self.take(words.len())]
    }
}

/// `text` in lower-case ASCII letters and digits, words joined by `separator`: fit for a host name
/// or a mailbox. Distinct company names stay distinct.
pub(super) fn plain(text: &str, separator: char) -> String {
    let mut plain = String::with_capacity(text.len() + 4);
    let mut gap = false;
    for character in text.chars() {
        let mut byte = [0; 4];
        let part: &str = match character {
            'a'..='z' | '0'..='9' => character.encode_utf8(&mut byte),
            'A'..='Z' => character.to_ascii_lowercase().encode_utf8(&mut byte),
            '&' => "and",
            ' ' | '-' => {
                gap = true;
                continue;
            }
            'á' | 'à' | 'â' | 'å' | 'Å' | 'ã' => "a",
            'ä' | 'Ä' | 'æ' | 'Æ' => "ae",
            'ç' | 'č' => "c",
            'é' | 'è' | 'ê' | 'ë' | 'É' => "e",
            'í' | 'î' | 'ï' | 'ı' => "i",
            'ñ' => "n",
            'ó' | 'ô' => "o",
            'ö' | 'ø' | 'Ö' | 'Ø' => "oe",
            'ß' => "ss",
            'ř' => "r",
            'š' | 'Š' => "s",
            'ú' | 'û' => "u",
            'ü' | 'Ü' => "ue",
            'ž' | 'Ž' | 'ź' => "z",
            _ => continue,
        };
        if gap && !plain.is_empty() {
            plain.push(separator);
        }
        gap = false;
        plain.push_str(part);
    }
    plain
}

const fn smallest(sizes: [usize; 5]) -> usize {
    let mut least = sizes[0];
    let mut position = 1;
    while position < sizes.len() {
        if sizes[position] < least {
            least = sizes[position];
        }
        position += 1;
    }
    least
}
