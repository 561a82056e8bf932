//! Whole numbers by slot, each as narrow as all of them allow.

/// A column of numbers.
#[derive(Debug)]
pub enum Ints {
    Bytes(Vec<u8>),
    Halves(Vec<i32>),
    Longs(Vec<i64>),
}

impl Default for Ints {
    fn default() -> Ints {
        Ints::Bytes(Vec::new())
    }
}

impl Ints {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Ints {
        Ints::Bytes(vec![0; len])
    }

    pub fn len(&self) -> usize {
        match self {
            Ints::Bytes(values) => values.len(),
            Ints::Halves(values) => values.len(),
            Ints::Longs(values) => values.len(),
        }
    }

    /// The number at a slot; 0 beyond the end.
    pub fn get(&self, slot: usize) -> i64 {
        match self {
            Ints::Bytes(values) => values.get(slot).copied().map_or(0, i64::from),
            Ints::Halves(values) => values.get(slot).copied().map_or(0, i64::from),
            Ints::Longs(values) => values.get(slot).copied().unwrap_or(0),
        }
    }

    /// The number at a slot of a column that holds codes, which are never negative.
    pub fn code(&self, slot: usize) -> u32 {
        u32::try_from(self.get(slot)).unwrap_or(0)
    }

    pub fn push(&mut self, value: i64) {
        self.widen_for(value);
        match self {
            Ints::Bytes(values) => values.push(u8::try_from(value).unwrap_or(0)),
            Ints::Halves(values) => values.push(i32::try_from(value).unwrap_or(0)),
            Ints::Longs(values) => values.push(value),
        }
    }

    pub fn set(&mut self, slot: usize, value: i64) {
        self.widen_for(value);
        match self {
            Ints::Bytes(values) => put(values, slot, u8::try_from(value).unwrap_or(0)),
            Ints::Halves(values) => put(values, slot, i32::try_from(value).unwrap_or(0)),
            Ints::Longs(values) => put(values, slot, value),
        }
    }

    /// The numbers at their slots: `rows` are pairs of slot and row, the others are 0.
    pub fn spread(&self, len: usize, rows: &[(u32, u32)]) -> Ints {
        let mut spread = Ints::zeros(len);
        rows.iter().for_each(|(slot, row)| spread.set(*slot as usize, self.get(*row as usize)));
        spread
    }

    pub fn bytes(&self) -> usize {
        match self {
            Ints::Bytes(values) => values.capacity(),
            Ints::Halves(values) => values.capacity() * 4,
            Ints::Longs(values) => values.capacity() * 8,
        }
    }

    fn widen_for(&mut self, value: i64) {
        if let Ints::Bytes(values) = self
            && u8::try_from(value).is_err()
        {
            *self = Ints::Halves(values.iter().map(|value| i32::from(*value)).collect());
        }
        if let Ints::Halves(values) = self
            && i32::try_from(value).is_err()
        {
            *self = Ints::Longs(values.iter().map(|value| i64::from(*value)).collect());
        }
    }
}

fn put<T>(values: &mut [T], slot: usize, value: T) {
    if let Some(place) = values.get_mut(slot) {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::Ints;

    #[test]
    fn numbers_of_every_size_stay_what_they_are() {
        let values = [0, 255, -1, 256, i64::from(i32::MAX), i64::MIN, 7];
        let mut pushed = Ints::default();
        let mut set = Ints::zeros(values.len());
        for (slot, value) in values.into_iter().enumerate() {
            pushed.push(value);
            set.set(slot, value);
        }
        for (slot, value) in values.into_iter().enumerate() {
            assert_eq!((pushed.get(slot), set.get(slot)), (value, value));
        }
        assert_eq!((pushed.len(), pushed.get(99)), (7, 0));
    }
}
