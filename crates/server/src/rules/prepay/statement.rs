//! The ledger by period: added, expired, used, remaining.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::ledger::{Entry, Kind};
use crate::rules::periods::Period as Length;

/// Periods of one statement at most; the earlier ones are left out.
const MOST: usize = 600;

/// One period. Quantities are units of 1/10000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    pub start: DateTime,
    /// The start of the next one.
    pub end: DateTime,
    pub current: bool,
    pub added: i128,
    pub expired: i128,
    pub used: i128,
    /// The balance at its end, or now.
    pub remaining: i128,
}

/// The periods from the first entry to the one that `now` is in, oldest first. One without a length
/// (once) counts as monthly. `anchor` is the start of one of them;
/// without it they start with the calendar's.
pub fn statement(
    entries: &[Entry],
    anchor: Option<DateTime>,
    length: Length,
    now: i64,
) -> Vec<Period> {
    let code = if length == Length::Once { Length::Months(1) } else { length };
    let Some(today) = civil(now) else { return Vec::new() };
    let anchor = anchor.unwrap_or_else(|| calendar_start(today, code));
    let last = index_of(anchor, code, today);
    let earliest = last.saturating_sub(i64::try_from(MOST).unwrap_or(i64::MAX) - 1);
    let first = entries.first().and_then(|entry| civil(entry.at));
    let first = first.map_or(last, |first| index_of(anchor, code, first)).clamp(earliest, last);
    let mut found = Vec::new();
    let mut remaining = 0;
    let mut rest = entries.iter().peekable();
    for index in first..=last {
        let (Some(start), Some(end)) =
            (boundary(anchor, code, index), boundary(anchor, code, index + 1))
        else {
            break;
        };
        let current = index == last;
        let mut period =
            Period { start, end, current, added: 0, expired: 0, used: 0, remaining: 0 };
        while let Some(entry) =
            rest.next_if(|entry| current || civil(entry.at).is_none_or(|at| at < end))
        {
            let before = civil(entry.at).is_none_or(|at| at < start);
            let (sum, sign) = match entry.kind {
                Kind::Added => (&mut period.added, 1),
                Kind::Expired => (&mut period.expired, -1),
                Kind::Used => (&mut period.used, -1),
            };
            remaining += sign * entry.quantity;
            // Only the balance knows of what lies before the earliest period shown.
            if !before {
                *sum += entry.quantity;
            }
        }
        period.remaining = remaining;
        found.push(period);
    }
    found
}

/// A moment in milliseconds since 1970, UTC.
pub fn civil(at: i64) -> Option<DateTime> {
    Timestamp::from_millisecond(at).ok().map(|at| TimeZone::UTC.to_datetime(at))
}

/// The start of the calendar's period around a moment: a Monday, or the first of a month.
fn calendar_start(at: DateTime, code: Length) -> DateTime {
    let day = match code {
        Length::Weeks(_) | Length::Once => {
            let since_monday = i64::from(at.date().weekday().to_monday_zero_offset());
            at.date().checked_sub(Span::new().days(since_monday)).ok()
        }
        Length::Months(months) => {
            let month = i32::from(at.year()) * 12 + i32::from(at.month()) - 1;
            let first = month - month.rem_euclid(months);
            let year = i16::try_from(first.div_euclid(12)).ok();
            let month = i8::try_from(first.rem_euclid(12) + 1).ok();
            year.zip(month).and_then(|(year, month)| Date::new(year, month, 1).ok())
        }
    };
    day.unwrap_or(at.date()).at(0, 0, 0, 0)
}

/// The start of period number `index`; that of number 0 is the anchor. Keeps the anchor's day of
/// the month and clamps to the month's end.
pub fn boundary(anchor: DateTime, code: Length, index: i64) -> Option<DateTime> {
    let span = match code {
        Length::Once => return None,
        Length::Weeks(weeks) => Span::new().try_weeks(index.checked_mul(i64::from(weeks))?),
        Length::Months(months) => Span::new().try_months(index.checked_mul(i64::from(months))?),
    };
    anchor.checked_add(span.ok()?).ok()
}

/// The number of the period that a moment is in.
fn index_of(anchor: DateTime, code: Length, at: DateTime) -> i64 {
    let days = at.date().since(anchor.date()).map_or(0, |span| i64::from(span.get_days()));
    let months = (i64::from(at.year()) - i64::from(anchor.year())) * 12
        + (i64::from(at.month()) - i64::from(anchor.month()));
    // One off at most, because of the day within the month.
    let mut index = match code {
        Length::Once => 0,
        Length::Weeks(weeks) => days.div_euclid(7 * i64::from(weeks)),
        Length::Months(length) => months.div_euclid(i64::from(length)),
    };
    if boundary(anchor, code, index).is_some_and(|start| start > at) {
        index -= 1;
    }
    if boundary(anchor, code, index + 1).is_some_and(|next| next <= at) {
        index += 1;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    fn millis(text: &str) -> i64 {
        TimeZone::UTC.to_timestamp(at(text)).unwrap().as_millisecond()
    }

    /// The lengths of the built-in codes, from weekly on.
    fn codes() -> impl Iterator<Item = Length> {
        let codes = crate::rules::periods::CODES.iter().skip(1);
        codes.map(|(code, label)| crate::rules::periods::of(*code, label).unwrap())
    }

    #[test]
    fn boundaries_keep_the_anchor_day() {
        let anchor = at("2026-01-31T00:00:00");
        let starts: Vec<String> = (0..4)
            .map(|k| boundary(anchor, Length::Months(1), k).unwrap().date().to_string())
            .collect();
        assert_eq!(starts, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]);
    }

    #[test]
    fn every_moment_is_in_its_period() {
        for code in codes() {
            for anchor in ["2026-01-31T06:00:00", "2024-02-29T00:00:00", "2026-12-01T23:59:59"] {
                let anchor = at(anchor);
                for day in 0..2_000_i64 {
                    let moment =
                        at("2023-01-01T05:00:00").checked_add(Span::new().days(day)).unwrap();
                    let index = index_of(anchor, code, moment);
                    let (start, end) = (
                        boundary(anchor, code, index).unwrap(),
                        boundary(anchor, code, index + 1).unwrap(),
                    );
                    assert!(
                        start <= moment && moment < end,
                        "{code:?} {anchor} {moment}: {start} to {end}"
                    );
                }
            }
        }
    }

    #[test]
    fn calendar_periods_start_with_the_calendar() {
        let starts: Vec<String> = codes()
            .take(6)
            .map(|code| calendar_start(at("2026-11-23T18:00:00"), code).to_string())
            .collect();
        let day =
            ["2026-11-23", "2026-11-01", "2026-10-01", "2026-07-01", "2026-01-01", "2026-01-01"];
        assert_eq!(starts, day.map(|day| format!("{day}T00:00:00")));
    }

    #[test]
    fn a_statement_sums_by_period() {
        let entry = |at: &str, kind, quantity| Entry { at: millis(at), kind, quantity };
        let entries = [
            entry("2026-09-10T00:00:00", Kind::Added, 10),
            entry("2026-09-20T00:00:00", Kind::Used, 4),
            entry("2026-11-01T00:00:00", Kind::Expired, 6),
            entry("2026-11-02T00:00:00", Kind::Added, 3),
        ];
        let rows = statement(&entries, None, Length::Once, millis("2026-11-23T00:00:00"));
        let sums: Vec<[i128; 4]> =
            rows.iter().map(|row| [row.added, row.expired, row.used, row.remaining]).collect();
        assert_eq!(sums, [[10, 0, 4, 6], [0, 0, 0, 6], [3, 6, 0, 3]]);
        assert_eq!(rows.iter().map(|row| row.current).collect::<Vec<_>>(), [false, false, true]);
    }
}
