//! One reader that keeps its view until it is dropped.

use std::time::Duration;

use super::link::{Link, Role};
use super::{Sqlite, blocking};
use crate::db::{Result, Row};

/// Longer than any statement of a backup.
const NO_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3600);

pub(crate) struct Snapshot {
    link: Link,
}

impl Sqlite {
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        blocking(|| {
            let mut link = Link::open(&self.shared.path, Role::Reader, NO_TIMEOUT)?;
            link.control("BEGIN")?;
            // The view begins with the first read.
            link.query("SELECT count(*) FROM sqlite_schema", &[])?;
            Ok(Snapshot { link })
        })
    }
}

impl Snapshot {
    pub(crate) fn each(&mut self, sql: &str, each: &mut (dyn FnMut(Row) + Send)) -> Result<()> {
        blocking(|| self.link.query_each(sql, &[], each))
    }
}
