//! The values of one field by slot, and tests on them.

use aureole_catalogue::filter::{Compare, Operand, Test};
use aureole_catalogue::value::{fold, scaled};
use aureole_catalogue::{Field, Kind};
use std::borrow::Cow;

use super::bits::Bits;
use super::ints::Ints;
use super::texts::Texts;

/// A field's values: whole numbers as such, everything else as the text that tests compare.
pub enum Column {
    Ints(Ints),
    Texts { texts: Texts, codes: Ints },
}

impl Column {
    /// For a field that the table has as a number, or for any other.
    pub fn new(is_int: bool) -> Column {
        match is_int {
            true => Column::Ints(Ints::default()),
            false => Column::Texts { texts: Texts::default(), codes: Ints::default() },
        }
    }

    /// The values at their slots: `rows` are pairs of slot and row. Slots without a row have none.
    pub fn spread(self, len: usize, rows: &[(u32, u32)]) -> Column {
        match self {
            Column::Ints(values) => Column::Ints(values.spread(len, rows)),
            Column::Texts { mut texts, codes } => {
                texts.shrink();
                Column::Texts { texts, codes: codes.spread(len, rows) }
            }
        }
    }

    pub fn push_int(&mut self, value: i64) {
        match self {
            Column::Ints(values) => values.push(value),
            Column::Texts { .. } => self.push_text(&value.to_string()),
        }
    }

    pub fn push_text(&mut self, value: &str) {
        match self {
            Column::Ints(values) => values.push(value.parse().unwrap_or(0)),
            Column::Texts { texts, codes } => codes.push(i64::from(texts.intern(value))),
        }
    }

    /// Adds the value that another column has at a row.
    pub fn push_from(&mut self, other: &Column, row: usize) {
        match other {
            Column::Ints(values) => self.push_int(values.get(row)),
            Column::Texts { texts, codes } => self.push_text(texts.get(codes.code(row))),
        }
    }

    pub fn int(&self, slot: usize) -> i64 {
        match self {
            Column::Ints(values) => values.get(slot),
            Column::Texts { texts, codes } => texts.get(codes.code(slot)).parse().unwrap_or(0),
        }
    }

    fn text(&self, slot: usize, kind: Kind) -> Cow<'_, str> {
        match self {
            Column::Ints(values) => int_text(values.get(slot), kind).into(),
            Column::Texts { texts, codes } => texts.get(codes.code(slot)).into(),
        }
    }

    /// The text of a slot as it was gathered.
    pub fn raw(&self, slot: usize) -> &str {
        match self {
            Column::Ints(_) => "",
            Column::Texts { texts, codes } => texts.get(codes.code(slot)),
        }
    }

    /// The slots, among those below `len`, whose text passes. Each distinct text is asked once.
    pub fn find_raw(&self, len: usize, passes: impl Fn(&str) -> bool) -> Bits {
        let mut found = Bits::new(len);
        if let Column::Texts { texts, codes } = self {
            let codes_in_use = 0..super::narrow(texts.len());
            let passing: Vec<bool> = codes_in_use.map(|code| passes(texts.get(code))).collect();
            let passes = |slot: &usize| passing.get(codes.code(*slot) as usize) == Some(&true);
            (0..len).filter(passes).for_each(|slot| found.set(slot));
        }
        found
    }

    /// Decides a test for one slot.
    pub fn passes(&self, slot: usize, field: &Field, test: &Test) -> bool {
        if let (Column::Ints(values), Some(decide)) = (self, int_test(test, field.kind)) {
            return decide(values.get(slot));
        }
        test.passes(&self.text(slot, field.kind), field.kind)
    }

    /// True when there are few different values, so that tests of it are likely to come again.
    pub fn is_narrow(&self) -> bool {
        matches!(self, Column::Ints(Ints::Bytes(_)))
    }

    /// The slots that pass, among those below `len`.
    pub fn find(&self, len: usize, field: &Field, test: &Test) -> Bits {
        let mut found = Bits::new(len);
        match self {
            Column::Ints(Ints::Bytes(values)) => {
                let decide = |value| match int_test(test, field.kind) {
                    Some(decide) => decide(value),
                    None => test.passes(&int_text(value, field.kind), field.kind),
                };
                let passing: Vec<bool> = (0..256).map(decide).collect();
                let passing = values.iter().map(|value| passing[usize::from(*value)]);
                found.fill(passing);
            }
            Column::Ints(values) => match int_test(test, field.kind) {
                Some(decide) => {
                    (0..len).filter(|slot| decide(values.get(*slot))).for_each(|slot| {
                        found.set(slot);
                    });
                }
                None => {
                    for slot in 0..len {
                        if test.passes(&int_text(values.get(slot), field.kind), field.kind) {
                            found.set(slot);
                        }
                    }
                }
            },
            Column::Texts { texts, codes } => {
                let passing: Vec<bool> = (0..super::narrow(texts.len()))
                    .map(|code| test.passes(texts.get(code), field.kind))
                    .collect();
                for slot in 0..len {
                    if passing.get(codes.code(slot) as usize) == Some(&true) {
                        found.set(slot);
                    }
                }
            }
        }
        found
    }

    /// For each slot a number that orders as the field's values do.
    pub fn ranks(&self, field: &Field) -> Ranks<'_> {
        match self {
            Column::Ints(values) => Ranks { values, ranks: None },
            Column::Texts { texts, codes } => {
                Ranks { values: codes, ranks: Some(ranks(texts, field.kind)) }
            }
        }
    }

    pub fn bytes(&self) -> usize {
        match self {
            Column::Ints(values) => values.bytes(),
            Column::Texts { texts, codes } => texts.bytes() + codes.bytes(),
        }
    }
}

/// How the slots of a column compare.
pub struct Ranks<'a> {
    values: &'a Ints,
    /// The place of each code's text among all; without, the values themselves compare.
    ranks: Option<Vec<i64>>,
}

impl<'a> Ranks<'a> {
    /// Of texts that are folded already.
    pub fn of_folded(texts: &Texts, codes: &'a Ints) -> Ranks<'a> {
        Ranks { values: codes, ranks: Some(ranks(texts, Kind::Text)) }
    }

    pub fn get(&self, slot: u32) -> i64 {
        match &self.ranks {
            None => self.values.get(slot as usize),
            Some(ranks) => {
                ranks.get(self.values.code(slot as usize) as usize).copied().unwrap_or(0)
            }
        }
    }
}

/// The place of each text among all, by code; texts that compare as equal share one.
fn ranks(texts: &Texts, kind: Kind) -> Vec<i64> {
    let codes = 0..super::narrow(texts.len());
    match kind {
        Kind::Int | Kind::Int64 | Kind::Decimal => {
            places(codes.map(|code| scaled(texts.get(code))).collect())
        }
        Kind::Bool => codes.map(|code| i64::from(texts.get(code) == "true")).collect(),
        _ => places(codes.map(|code| fold(texts.get(code))).collect()),
    }
}

fn places<T: Ord>(keys: Vec<T>) -> Vec<i64> {
    let mut sorted: Vec<usize> = (0..keys.len()).collect();
    sorted.sort_unstable_by(|left, right| keys[*left].cmp(&keys[*right]));
    let mut places = vec![0; keys.len()];
    let mut place = 0;
    for at in 0..sorted.len() {
        if at > 0 && keys[sorted[at]] != keys[sorted[at - 1]] {
            place += 1;
        }
        places[sorted[at]] = place;
    }
    places
}

fn int_text(value: i64, kind: Kind) -> String {
    match kind {
        Kind::Bool => (value != 0).to_string(),
        _ => value.to_string(),
    }
}

/// The test on a number, where it needs no text. The same as [`Test::passes`] on its text.
fn int_test(test: &Test, kind: Kind) -> Option<impl Fn(i64) -> bool> {
    let is_bool = matches!(kind, Kind::Bool);
    let (compare, right) = match test {
        Test::IsSet => (None, 0),
        Test::Compare(compare, Operand::Number(number)) => {
            (Some(*compare), i64::try_from(*number).ok().filter(|_| number.is_integer())?)
        }
        Test::Compare(compare, Operand::Bool(right)) if is_bool => {
            (Some(*compare), i64::from(*right))
        }
        _ => return None,
    };
    Some(move |value: i64| {
        let value = if is_bool { i64::from(value != 0) } else { value };
        match compare {
            None => value != 0,
            Some(Compare::Equal) => value == right,
            Some(compare) => compare.holds(&value, &right),
        }
    })
}
