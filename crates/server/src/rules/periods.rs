//! Billing periods: how a due date moves on.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

/// The months of a period code; 0 for weekly, `None` for "once" and unknown codes.
pub fn months(code: i64) -> Option<i32> {
    Some(match code {
        1 => 0,
        2 => 1,
        3 => 3,
        4 => 6,
        5 => 12,
        6 => 24,
        7 => 36,
        8 => 48,
        9 => 60,
        _ => return None,
    })
}

/// The due date after `due`: one period later, on the day of the month of `anchor`, clamped to the
/// month's end (31 Jan, 28 Feb, 31 Mar). `None` when the period has no next one.
pub fn next(due: DateTime, anchor: DateTime, code: i64) -> Option<DateTime> {
    let months = months(code)?;
    if months == 0 {
        return due.checked_add(7.days()).ok();
    }
    let first = due.date().first_of_month().checked_add(months.months()).ok()?;
    let day = anchor.day().min(first.days_in_month());
    let date = Date::new(first.year(), first.month(), day).ok()?;
    Some(DateTime::from_parts(date, due.time()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_end_does_not_drift() {
        let anchor = at("2026-01-31T00:00:00");
        let mut due = anchor;
        let mut days = Vec::new();
        for _ in 0..4 {
            due = next(due, anchor, 2).unwrap();
            days.push(due.date().to_string());
        }
        assert_eq!(days, ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]);
    }

    #[test]
    fn a_leap_day_comes_back() {
        let anchor = at("2024-02-29T00:00:00");
        let mut due = anchor;
        for _ in 0..4 {
            due = next(due, anchor, 5).unwrap();
        }
        assert_eq!(due, at("2028-02-29T00:00:00"));
    }

    #[test]
    fn weeks_and_single_charges() {
        assert_eq!(
            next(at("2026-12-28T00:00:00"), at("2026-01-01T00:00:00"), 1),
            Some(at("2027-01-04T00:00:00"))
        );
        assert_eq!(next(at("2026-12-28T00:00:00"), at("2026-01-01T00:00:00"), 0), None);
    }
}
