//! Ascending numbers, each kept as the distance to the one before.

/// A list that grows at its end.
#[derive(Clone, Debug, Default)]
pub struct Postings {
    /// Seven bits a byte, the low ones first; the high bit says that more follow.
    deltas: Vec<u8>,
    last: u32,
    count: u32,
}

impl Postings {
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Adds a number that is larger than all before it; the last one again changes nothing.
    pub fn push(&mut self, value: u32) {
        if self.count > 0 && value <= self.last {
            return;
        }
        let mut delta = [0; MAX];
        let size = write(value - self.last, &mut delta);
        self.deltas.extend_from_slice(&delta[..size]);
        self.last = value;
        self.count += 1;
    }

    pub fn iter(&self) -> Iter<'_> {
        iter(&self.deltas)
    }

    pub fn shrink(&mut self) {
        self.deltas.shrink_to_fit();
    }

    pub fn bytes(&self) -> usize {
        self.deltas.capacity() + size_of::<Postings>()
    }
}

/// Bytes of a distance at most.
const MAX: usize = 5;

/// The bytes that a distance takes.
pub fn size(delta: u32) -> usize {
    let bits = u32::BITS - (delta | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Writes a distance to the beginning of `out`, which has room for it; returns how many bytes that is.
pub fn write(mut delta: u32, out: &mut [u8]) -> usize {
    let size = size(delta);
    for (at, byte) in out.iter_mut().take(size).enumerate() {
        let more = if at + 1 < size { 0x80 } else { 0 };
        *byte = delta.to_le_bytes()[0] & 0x7F | more;
        delta >>= 7;
    }
    size
}

/// The numbers of distances one after the other.
pub fn iter(deltas: &[u8]) -> Iter<'_> {
    Iter { rest: deltas, last: 0 }
}

/// The numbers of a list, ascending.
pub struct Iter<'a> {
    rest: &'a [u8],
    last: u32,
}

impl Iterator for Iter<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let mut delta = 0u32;
        let mut shift = 0;
        loop {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            delta |= u32::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                self.last = self.last.wrapping_add(delta);
                return Some(self.last);
            }
            shift += 7;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Postings;

    #[test]
    fn numbers_come_back() {
        let values = [0, 1, 127, 128, 129, 16_511, 2_113_664, u32::MAX - 1, u32::MAX];
        let mut list = Postings::default();
        for value in values {
            list.push(value);
            list.push(value);
        }
        assert_eq!(list.iter().collect::<Vec<_>>(), values);
        assert_eq!(list.len(), values.len());
    }
}
