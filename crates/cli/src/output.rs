//! Lines for people and scripts.

use std::io::{ErrorKind, Write};

use crate::failure::Failure;

/// Prints a command's result on the standard output. A reader that has seen enough (`| head`) is no
/// failure.
///
/// # Errors
/// The output can't be written.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("the standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a line about what is happening on the standard error. Nobody is left to be told when that
/// fails.
pub fn note(text: &str) {
    let line = format!("{text}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// A table with a heading, columns padded to their widest cell.
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let heading = heading.map(str::to_owned);
    let all = || std::iter::once(&heading).chain(rows);
    let widths: [usize; N] = std::array::from_fn(|column| {
        let widths = all().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in all() {
        let cells = row.iter().zip(widths);
        let line: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["1".to_owned(), "Ärger".to_owned(), String::new()]];
        let text = table(["id", "name", "end"], &rows);
        assert_eq!(text, "id  name   end\n1   Ärger\n");
    }
}
