//! Seeded sampling. SplitMix64 keyed by `(seed, index, stream)`, so that every part of every client
//! has a stream of its own and nothing depends on the order of calls.

/// What a stream of random numbers is for. Adding draws to one leaves the others as they are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Client = 1,
    Sites = 2,
    Users = 3,
    Notes = 4,
    Popups = 5,
    Items = 6,
    Lots = 7,
    Links = 8,
    Tickets = 9,
    Inactive = 10,
    Names = 11,
}

/// The finishing step of SplitMix64: a bijection of 64 bits without visible structure.
pub(super) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of random numbers. Not for secrets.
#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64, index: u32, stream: Stream) -> Rng {
        let key = (u64::from(index) << 8) | stream as u64;
        Rng(mix(mix(seed.wrapping_add(STEP)) ^ mix(key)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number in `0..limit`; 0 when `limit` is 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let scaled = (u128::from(self.next()) * limit as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }

    /// A number in `low..=high`; `low` when the range is empty.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = usize::try_from(high - low + 1).unwrap_or(0);
        low + i64::try_from(self.below(width)).unwrap_or(0)
    }

    /// True in `percent` of 100 calls.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// The position of one of `weights`, each drawn in proportion to its size.
    pub(super) fn weighted(&mut self, weights: &[u8]) -> usize {
        let total: usize = weights.iter().map(|&weight| usize::from(weight)).sum();
        let mut rest = self.below(total);
        for (position, &weight) in weights.iter().enumerate() {
            if rest < usize::from(weight) {
                return position;
            }
            rest -= usize::from(weight);
        }
        0
    }

    /// `pattern` with every `#` replaced by a digit and every `@` by a capital letter.
    pub(super) fn fill(&mut self, pattern: &str) -> String {
        const LETTERS: &[u8; 20] = b"ABDEFGHJLNPQRSTUWXYZ";
        let mut text = String::with_capacity(pattern.len());
        for character in pattern.chars() {
            text.push(match character {
                '#' => char::from(*self.pick(b"0123456789")),
                '@' => char::from(*self.pick(LETTERS)),
                other => other,
            });
        }
        text
    }
}
