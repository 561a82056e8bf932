//! Scalars on the wire: dates, decimals, and the folded form in which text compares.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

/// Reads a date-time as clients send it (with or without zone, up to seven fraction digits, or a
/// date alone; without a zone it is UTC) and returns the stored form `YYYY-MM-DDTHH:MM:SS[.fff]`.
/// `1900-01-01T00:00:00` is how .NET clients say "no date": it returns an empty text.
pub fn parse_datetime(text: &str) -> Option<String> {
    let text = text.trim();
    let civil = match text.parse::<Timestamp>() {
        Ok(instant) => TimeZone::UTC.to_datetime(instant),
        // The last day that a date can have is no instant: with an offset it would be past the end.
        Err(_) => text.strip_suffix(['Z', 'z']).unwrap_or(text).parse::<DateTime>().ok()?,
    };
    if !(1..=9999).contains(&civil.year()) {
        return None;
    }
    let stored = format_datetime(civil);
    Some(if stored == "1900-01-01T00:00:00" { String::new() } else { stored })
}

/// The wire form of a UTC date-time: milliseconds only when there are some.
pub fn format_datetime(at: DateTime) -> String {
    let millis = at.millisecond();
    let seconds = at.strftime("%Y-%m-%dT%H:%M:%S");
    if millis == 0 { seconds.to_string() } else { format!("{seconds}.{millis:03}") }
}

/// The wire form of an instant given in milliseconds since 1970; empty when out of range.
pub fn format_millis(millis: i64) -> String {
    Timestamp::from_millisecond(millis)
        .map(|instant| format_datetime(TimeZone::UTC.to_datetime(instant)))
        .unwrap_or_default()
}

/// The largest magnitude of a decimal: what an integer of 1/10000 still holds.
const DECIMAL_LIMIT: i64 = 900_000_000_000_000;

/// Why a decimal was refused.
#[derive(Debug, PartialEq, Eq)]
pub enum DecimalError {
    NotANumber,
    TooManyPlaces(u32),
    OutOfRange,
}

/// Reads a decimal from its JSON text and returns the canonical text: no exponent, no trailing
/// zeros. `places` is the most decimal places that are kept; more are refused, never rounded.
pub fn parse_decimal(text: &str, places: u32) -> Result<String, DecimalError> {
    let text = text.trim();
    // The decimal library takes underscores between digits; no client means a number by them.
    if text.contains('_') {
        return Err(DecimalError::NotANumber);
    }
    let parsed = if let Some((digits, exponent)) = text.split_once(['e', 'E']) {
        match Decimal::from_scientific(text) {
            Ok(parsed) => parsed,
            Err(_) => return Err(unreadable(digits, exponent, places)),
        }
    } else {
        Decimal::from_str_exact(text).map_err(|error| match error {
            rust_decimal::Error::Underflow => DecimalError::TooManyPlaces(places),
            rust_decimal::Error::ExceedsMaximumPossibleValue => DecimalError::OutOfRange,
            _ if is_plain(text) => DecimalError::OutOfRange,
            _ => DecimalError::NotANumber,
        })?
    };
    if parsed.abs() > Decimal::from(DECIMAL_LIMIT) {
        return Err(DecimalError::OutOfRange);
    }
    let normal = parsed.normalize();
    if normal.scale() > places {
        return Err(DecimalError::TooManyPlaces(places));
    }
    Ok(normal.to_string())
}

/// A decimal text as an integer of 10⁻¹⁵, the most places that any field keeps: for ordering.
pub fn scaled(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<15}").parse().unwrap_or(0)
}

/// True for digits with at most one sign in front and one point.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.matches('.').count() <= 1
}

/// What is wrong with a number in exponent form that has no decimal of its own.
fn unreadable(digits: &str, exponent: &str, places: u32) -> DecimalError {
    let (sign, size) = match exponent.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, exponent.strip_prefix('+').unwrap_or(exponent)),
    };
    let is_exponent = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse::<Decimal>() {
        Ok(_) if is_exponent && sign < 0 => DecimalError::TooManyPlaces(places),
        Ok(_) if is_exponent => DecimalError::OutOfRange,
        _ => DecimalError::NotANumber,
    }
}

/// The form in which text is compared and searched, the same on both databases: without case, also
/// where one letter has two forms in lower case (`σ` and `ς`) or two letters in upper case (`ß`).
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'ß' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            'ſ' => folded.push('s'),
            other => folded.push(other),
        }
    }
    folded
}

/// The words of a search term, folded.
pub fn words(term: &str) -> Vec<String> {
    fold(term).split_whitespace().map(str::to_owned).collect()
}
