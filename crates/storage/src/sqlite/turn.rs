//! Whose turn it is to write, when several processes write to one file.
//!
//! SQLite has no queue: who wants to write tries again now and then, and a process that begins its
//! next transaction right after each COMMIT can keep everybody else away for ever. So before a
//! process tries, it locks the file `…-turn` beside the database, and keeps that lock until it has
//! begun. Who has just committed finds it locked by the one who waits, and so comes after it.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::db::{Error, Result};

/// How often a waiting process tries. Waiting is rare, and a commit takes about as long.
pub(super) const PAUSE: Duration = Duration::from_micros(500);

pub(super) struct Turn {
    file: File,
}

/// Held until the transaction has begun.
pub(super) struct Held<'a> {
    turn: &'a Turn,
}

impl Turn {
    pub(super) fn open(database: &Path) -> Result<Turn> {
        let mut path = database.as_os_str().to_owned();
        path.push("-turn");
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(|error| {
            Error::Unavailable(format!("open {}: {error}", Path::new(&path).display()))
        })?;
        Ok(Turn { file })
    }

    /// `None` while another process has it.
    pub(super) fn try_take(&self) -> Option<Held<'_>> {
        match self.file.try_lock() {
            // A file system without locks has no turns either.
            Ok(()) | Err(TryLockError::Error(_)) => Some(Held { turn: self }),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.turn.file.unlock() {
            tracing::debug!(%error, "the turn to write could not be given back");
        }
    }
}
