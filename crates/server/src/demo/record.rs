//! Building records: typed setters over a JSON map, decimals as text, dates as text.

use super::Record;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
use serde_json::{Number, Value};

pub(super) const DAY_S: i64 = 86_400;

/// A record under construction.
pub(super) struct Fields(Record);

impl Fields {
    /// Room for `capacity` fields: growing a map costs more than filling it.
    pub(super) fn new(capacity: usize) -> Fields {
        Fields(Record::with_capacity(capacity))
    }

    pub(super) fn text(&mut self, name: &str, value: impl Into<String>) -> &mut Fields {
        self.0.insert(name.to_owned(), Value::String(value.into()));
        self
    }

    pub(super) fn int(&mut self, name: &str, value: i64) -> &mut Fields {
        self.0.insert(name.to_owned(), Value::Number(Number::from(value)));
        self
    }

    pub(super) fn flag(&mut self, name: &str, value: bool) -> &mut Fields {
        self.0.insert(name.to_owned(), Value::Bool(value));
        self
    }

    /// An exact decimal.
    pub(super) fn decimal(&mut self, name: &str, value: Decimal) -> &mut Fields {
        let number = Number::from_string_unchecked(value.text());
        self.0.insert(name.to_owned(), Value::Number(number));
        self
    }

    pub(super) fn object(&mut self, name: &str, value: Record) -> &mut Fields {
        self.0.insert(name.to_owned(), Value::Object(value));
        self
    }

    pub(super) fn done(self) -> Record {
        self.0
    }
}

/// `units` of 10^-`places`: the text is exact because no binary fraction is ever involved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal {
    units: i64,
    places: usize,
}

impl Decimal {
    /// Hundredths: money (cents) and percentages.
    pub(super) fn hundredths(units: i64) -> Decimal {
        Decimal { units, places: 2 }
    }

    /// Ten-thousandths: degrees of a map position.
    pub(super) fn ten_thousandths(units: i64) -> Decimal {
        Decimal { units, places: 4 }
    }

    /// A whole number in a decimal field.
    pub(super) fn whole(units: i64) -> Decimal {
        Decimal { units, places: 0 }
    }

    fn text(self) -> String {
        let sign = if self.units < 0 { "-" } else { "" };
        let mut text = self.units.unsigned_abs().to_string();
        if self.places > 0 {
            while text.len() <= self.places {
                text.insert(0, '0');
            }
            text.insert(text.len() - self.places, '.');
        }
        text.insert_str(0, sign);
        text
    }
}

/// Dates counted from the day of the load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calendar {
    today: Date,
}

impl Calendar {
    /// The UTC day of `now`.
    pub(super) fn new(now: Timestamp) -> Calendar {
        Calendar { today: Offset::UTC.to_datetime(now).date() }
    }

    /// The day of the month, 1 to 31.
    pub(super) fn day_of_month(self) -> i64 {
        i64::from(self.today.day())
    }

    /// Today plus `days` (negative: the past).
    pub(super) fn day(self, days: i64) -> Date {
        self.today.saturating_add(days.days())
    }

    /// The moment `offset_s` seconds after the start of today (negative: the past), as
    /// `YYYY-MM-DDTHH:MM:SS`.
    pub(super) fn moment(self, offset_s: i64) -> String {
        stamp(self.day(offset_s.div_euclid(DAY_S)), offset_s.rem_euclid(DAY_S))
    }

    /// The start of the day `days` from today.
    pub(super) fn midnight(self, days: i64) -> String {
        stamp(self.day(days), 0)
    }
}

/// `date` plus `months`, clamped to the month's end (31 January, 28 February).
pub(super) fn months_after(date: Date, months: i64) -> Date {
    date.saturating_add(months.months())
}

/// `YYYY-MM-DDTHH:MM:SS` for a moment `second` seconds into `date`.
pub(super) fn stamp(date: Date, second: i64) -> String {
    let mut text = String::with_capacity(19);
    let year = i64::from(date.year());
    push_two(&mut text, year / 100);
    push_two(&mut text, year % 100);
    text.push('-');
    push_two(&mut text, i64::from(date.month()));
    text.push('-');
    push_two(&mut text, i64::from(date.day()));
    text.push('T');
    push_two(&mut text, second / 3600);
    text.push(':');
    push_two(&mut text, second / 60 % 60);
    text.push(':');
    push_two(&mut text, second % 60);
    text
}

/// Two digits. Written out because padding through `format!` is most of the cost of a date.
fn push_two(text: &mut String, value: i64) {
    for digit in [value / 10 % 10, value % 10] {
        text.push(char::from(b'0' + u8::try_from(digit).unwrap_or(0)));
    }
}
