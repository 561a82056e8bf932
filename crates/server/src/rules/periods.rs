//! Billing periods: what their codes mean, and how a due date moves on.

use aureole_catalogue::value::fold;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Once,
    Weeks(i32),
    Months(i32),
}

/// The longest period, in months.
const MOST_MONTHS: i32 = 1200;

/// The labels that say how long a period is; `18 months` and the like do too.
const LABELS: &[(&str, Period)] = &[
    ("once", Period::Once),
    ("one-off", Period::Once),
    ("weekly", Period::Weeks(1)),
    ("fortnightly", Period::Weeks(2)),
    ("two-weekly", Period::Weeks(2)),
    ("four-weekly", Period::Weeks(4)),
    ("monthly", Period::Months(1)),
    ("two-monthly", Period::Months(2)),
    ("quarterly", Period::Months(3)),
    ("three-monthly", Period::Months(3)),
    ("four-monthly", Period::Months(4)),
    ("six-monthly", Period::Months(6)),
    ("half-yearly", Period::Months(6)),
    ("yearly", Period::Months(12)),
    ("annually", Period::Months(12)),
    ("two-yearly", Period::Months(24)),
    ("three-yearly", Period::Months(36)),
    ("four-yearly", Period::Months(48)),
    ("five-yearly", Period::Months(60)),
];

/// The built-in codes, each with its label.
pub const CODES: &[(i64, &str)] = &[
    (0, "Once"),
    (1, "Weekly"),
    (2, "Monthly"),
    (3, "Quarterly"),
    (4, "Six-monthly"),
    (5, "Yearly"),
    (6, "Two-yearly"),
    (7, "Three-yearly"),
    (8, "Four-yearly"),
    (9, "Five-yearly"),
];

/// The period of a code under this label. An administrator may give codes other labels: one that
/// says a length means it, and another one (in another language) keeps the code's built-in length.
pub fn of(code: i64, label: &str) -> Option<Period> {
    let built_in = || CODES.iter().find(|(known, _)| *known == code);
    by_label(label).or_else(|| by_label(built_in()?.1))
}

fn by_label(label: &str) -> Option<Period> {
    let label = fold(label.trim()).replace([' ', '_'], "-");
    if let Some((_, period)) = LABELS.iter().find(|(known, _)| *known == label) {
        return Some(*period);
    }
    let label = label.strip_prefix("every-").unwrap_or(&label);
    let (number, unit) = label.split_once('-')?;
    let number: i32 = number.parse().ok().filter(|number| (1..=MOST_MONTHS).contains(number))?;
    match unit.trim_end_matches('s') {
        "week" => Some(Period::Weeks(number)),
        "month" => Some(Period::Months(number)),
        "year" if number <= MOST_MONTHS / 12 => Some(Period::Months(number * 12)),
        _ => None,
    }
}

/// The due date after `due`: one period later, on the day of the month of `anchor`, clamped to the
/// month's end (31 Jan, 28 Feb, 31 Mar). `None` when the period has no next one.
pub fn next(due: DateTime, anchor: DateTime, period: Period) -> Option<DateTime> {
    let months = match period {
        Period::Once => return None,
        Period::Weeks(weeks) => return due.checked_add(weeks.weeks()).ok(),
        Period::Months(months) => months,
    };
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
            due = next(due, anchor, Period::Months(1)).unwrap();
            days.push(due.date().to_string());
        }
        assert_eq!(days, ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]);
    }

    #[test]
    fn a_leap_day_comes_back() {
        let anchor = at("2024-02-29T00:00:00");
        let mut due = anchor;
        for _ in 0..4 {
            due = next(due, anchor, Period::Months(12)).unwrap();
        }
        assert_eq!(due, at("2028-02-29T00:00:00"));
    }

    #[test]
    fn weeks_and_single_charges() {
        assert_eq!(
            next(at("2026-12-28T00:00:00"), at("2026-01-01T00:00:00"), Period::Weeks(1)),
            Some(at("2027-01-04T00:00:00"))
        );
        assert_eq!(next(at("2026-12-28T00:00:00"), at("2026-01-01T00:00:00"), Period::Once), None);
    }

    #[test]
    fn labels_say_how_long() {
        for (code, label, expected) in [
            (2, "Monthly", Some(Period::Months(1))),
            (1, "monthly", Some(Period::Months(1))),
            (2, "Monatlich", Some(Period::Months(1))),
            (11, "Every 18 months", Some(Period::Months(18))),
            (12, "2 weeks", Some(Period::Weeks(2))),
            (13, "10 years", Some(Period::Months(120))),
            (14, "now and then", None),
            (15, "0 months", None),
        ] {
            assert_eq!(of(code, label), expected, "{code} {label}");
        }
        assert!(CODES.iter().all(|(_, label)| by_label(label).is_some()));
    }
}
