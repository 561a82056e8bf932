//! Where a reader of the feed is, as the text that it keeps for us.

use aureole_storage::Dialect;

/// The start of every cursor; another one when the text comes to mean something else. The two
/// databases count differently: after a move from one to the other no old cursor is good.
fn version(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "1s",
        Dialect::Postgres => "1p",
    }
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// With the oldest change that is kept.
    Oldest,
    /// With what is committed from now on.
    Now,
    /// Behind the change at this position.
    After(i64),
}

/// The cursor behind a position.
pub fn write(dialect: Dialect, tenant: i64, position: i64) -> String {
    format!("{}-{tenant:x}-{position:x}", version(dialect))
}

/// Reads `since`; `None` when it is no cursor of this tenant.
pub fn read(dialect: Dialect, tenant: i64, text: &str) -> Option<Since> {
    match text {
        // Programs that keep a number begin with 0.
        "" | "0" => return Some(Since::Oldest),
        "now" => return Some(Since::Now),
        _ => {}
    }
    let parts: Vec<&str> = text.split('-').collect();
    let [_, of, position] = parts.as_slice() else { return None };
    let number = |text: &str| i64::from_str_radix(text, 16).ok().filter(|number| *number >= 0);
    let position = number(position)?;
    // Only what was written is read: no signs, no zeros in front.
    (number(of)? == tenant && write(dialect, tenant, position) == text)
        .then_some(Since::After(position))
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Since, read, write};

    #[test]
    fn a_cursor_reads_as_it_was_written() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for position in [0, 1, 255, i64::MAX] {
                let text = write(dialect, 7, position);
                assert_eq!(read(dialect, 7, &text), Some(Since::After(position)));
            }
            assert_eq!(read(dialect, 7, ""), Some(Since::Oldest));
            assert_eq!(read(dialect, 7, "0"), Some(Since::Oldest));
            assert_eq!(read(dialect, 7, "now"), Some(Since::Now));
        }
    }

    #[test]
    fn nothing_else_is_a_cursor() {
        let foreign = [write(Dialect::Sqlite, 8, 12), write(Dialect::Postgres, 7, 12)];
        let wrong = [
            "12", "1s-7", "1s-7-", "1s-7-zz", "2s-7-c", "1s-7-0c", "1s-7--1", "1s-7-c-", "NOW",
            "1s-7-+c", "1S-7-c",
        ];
        for text in wrong.into_iter().chain(foreign.iter().map(String::as_str)) {
            assert_eq!(read(Dialect::Sqlite, 7, text), None, "{text}");
        }
    }
}
