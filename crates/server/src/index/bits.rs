//! A set of slots, one bit each.

/// Slots below [`Bits::len`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// The empty set.
    pub fn new(len: usize) -> Bits {
        Bits { words: vec![0; len.div_ceil(64)], len }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Room for one more slot, which is in the set or not.
    pub fn push(&mut self, held: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        self.len += 1;
        if held {
            self.set(self.len - 1);
        }
    }

    pub fn set(&mut self, slot: usize) {
        if let Some(word) = self.words.get_mut(slot / 64) {
            *word |= 1 << (slot % 64);
        }
    }

    /// Takes the first slots in or not, one after the other.
    pub fn fill(&mut self, mut held: impl Iterator<Item = bool>) {
        for word in &mut self.words {
            let mut bits = 0;
            for at in 0..64 {
                let Some(held) = held.next() else {
                    *word |= bits;
                    return;
                };
                bits |= u64::from(held) << at;
            }
            *word |= bits;
        }
    }

    pub fn unset(&mut self, slot: usize) {
        if let Some(word) = self.words.get_mut(slot / 64) {
            *word &= !(1 << (slot % 64));
        }
    }

    pub fn has(&self, slot: usize) -> bool {
        self.words.get(slot / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn keep(&mut self, other: &Bits) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    pub fn add(&mut self, other: &Bits) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// What is in `all` and not in this set.
    pub fn without(&mut self, all: &Bits) {
        for (word, all) in self.words.iter_mut().zip(&all.words) {
            *word = !*word & all;
        }
    }

    /// The slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.iter_from(0)
    }

    /// The slots from one on, ascending.
    pub fn iter_from(&self, first: usize) -> impl Iterator<Item = usize> + '_ {
        let words = self.words.iter().enumerate().skip(first / 64);
        words.flat_map(move |(at, word)| {
            let before = if at == first / 64 { (1 << (first % 64)) - 1 } else { 0 };
            let mut rest = *word & !before;
            std::iter::from_fn(move || {
                let low = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(at * 64 + low)
            })
        })
    }

    pub fn bytes(&self) -> usize {
        self.words.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    fn of(len: usize, slots: &[usize]) -> Bits {
        let mut bits = Bits::new(len);
        slots.iter().for_each(|slot| bits.set(*slot));
        bits
    }

    #[test]
    fn sets_combine() {
        let all = of(130, &[0, 1, 63, 64, 129]);
        let mut left = of(130, &[0, 63, 129]);
        left.add(&of(130, &[64]));
        assert_eq!(left.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        left.keep(&of(130, &[63, 64, 65]));
        assert_eq!((left.count(), left.has(63), left.has(0)), (2, true, false));
        assert_eq!(left.iter_from(63).collect::<Vec<_>>(), [63, 64]);
        assert_eq!(left.iter_from(64).collect::<Vec<_>>(), [64]);
        assert_eq!(left.iter_from(200).count(), 0);
        left.without(&all);
        assert_eq!(left.iter().collect::<Vec<_>>(), [0, 1, 129]);
    }

    #[test]
    fn a_set_is_filled() {
        let mut bits = Bits::new(130);
        bits.fill((0..129).map(|slot| slot % 5 == 0));
        let expected: Vec<usize> = (0..129).filter(|slot| slot % 5 == 0).collect();
        assert_eq!(bits.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_set_grows() {
        let mut bits = Bits::default();
        (0..70).for_each(|slot| bits.push(slot % 3 == 0));
        bits.unset(69);
        assert_eq!((bits.len(), bits.count(), bits.has(66)), (70, 23, true));
    }
}
