//! Log lines on the standard error, written by a thread of their own: a request pays for the
//! making of its line, not for the writing.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use aureole_server::Config;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::failure::Failure;

/// Lines that wait to be written. When whoever reads them is slower, further lines are left out and
/// counted: the log must not stop the server.
const WAITING_BYTES: usize = 8 * 1024 * 1024;
/// Lines gather for this long, so that many go out in one call.
const PAUSE: Duration = Duration::from_millis(20);

/// Starts logging as the settings say. The guard's end writes what waits.
///
/// # Errors
/// A filter that can't be read, or no thread.
pub fn start(config: &Config) -> Result<Guard, Failure> {
    let filter: Targets = config
        .log
        .parse()
        .map_err(|error| Failure::Wrong(format!("log {:?}: {error}", config.log)))?;
    let shared = Arc::new(Shared::default());
    let thread = {
        let shared = Arc::clone(&shared);
        let name = std::thread::Builder::new().name("log".to_owned());
        name.spawn(move || shared.write_all(&mut std::io::stderr()))
    };
    let thread = thread.map_err(|error| Failure::Failed(format!("logging: {error}")))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(Lines(Arc::clone(&shared)));
    let registry = tracing_subscriber::registry().with(filter);
    let started = if config.log_format == "json" {
        let lines = lines.json().flatten_event(true);
        let lines = lines.with_current_span(false).with_span_list(false);
        registry.with(lines).try_init()
    } else {
        let is_coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        registry.with(lines.with_ansi(is_coloured)).try_init()
    };
    started.map_err(|error| Failure::Failed(format!("logging: {error}")))?;
    Ok(Guard { shared, thread: Some(thread) })
}

/// Keeps the log's thread; dropped, it writes what waits and ends it.
pub struct Guard {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has printed itself.
            let _ = thread.join();
        }
    }
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped_lines: u64,
    is_closing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.bytes.len() + line.len() > WAITING_BYTES {
            waiting.dropped_lines += 1;
            return;
        }
        let was_empty = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if was_empty {
            self.changed.notify_one();
        }
    }

    /// Writes lines until the guard ends. An output that is gone takes no lines, and nobody is left
    /// to be told.
    fn write_all(&self, out: &mut impl Write) {
        let mut bytes = Vec::new();
        loop {
            let mut waiting = self.lock();
            while waiting.bytes.is_empty() && !waiting.is_closing {
                let woken = self.changed.wait(waiting);
                waiting = woken.unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut bytes, &mut waiting.bytes);
            let dropped = std::mem::take(&mut waiting.dropped_lines);
            let is_closing = waiting.is_closing;
            drop(waiting);
            let _ = out.write_all(&bytes);
            bytes.clear();
            if dropped > 0 {
                tracing::warn!(dropped, "log lines were left out: their reader is too slow");
            }
            if is_closing && self.lock().bytes.is_empty() {
                return;
            }
            // Woken early only at the end.
            let waiting = self.lock();
            let paused =
                self.changed.wait_timeout_while(waiting, PAUSE, |waiting| !waiting.is_closing);
            drop(paused.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// What `tracing-subscriber` writes to: it hands over one whole line a call.
struct Lines(Arc<Shared>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Lines;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_written_once_and_whole() {
        let shared = Arc::new(Shared::default());
        let writer = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                let mut out = Vec::new();
                shared.write_all(&mut out);
                out
            })
        };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let shared = &shared;
                scope.spawn(move || {
                    for line in 0..500 {
                        shared.push(format!("{thread} {line}\n").as_bytes());
                    }
                });
            }
        });
        shared.lock().is_closing = true;
        shared.changed.notify_one();
        let text = String::from_utf8(writer.join().unwrap()).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2_000);
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 2_000);
    }

    #[test]
    fn a_slow_reader_costs_lines_and_not_memory() {
        let shared = Shared::default();
        let line = vec![b'x'; WAITING_BYTES / 2];
        for _ in 0..3 {
            shared.push(&line);
        }
        let waiting = shared.lock();
        assert_eq!((waiting.bytes.len(), waiting.dropped_lines), (WAITING_BYTES, 1));
    }
}
