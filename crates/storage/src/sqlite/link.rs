//! One SQLite connection: its settings, binding, reading, time-out and errors.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, InterruptHandle, OpenFlags, ToSql, ffi};

use super::memory::Concern;
use crate::db::{Error, Result, Row, Value};

/// How long opening and reading wait while another process repairs or cuts the log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Texts whose parameters were renumbered are remembered up to this many a connection. There are
/// some hundred; a caller that builds endless ones must not fill the memory.
const MAX_TEXTS: usize = 2_000;

/// A statement that takes less runs on the runtime's own thread: making way for other tasks would
/// cost more than it (measured with 32 tasks on 2 cores: 22 µs a lookup by id instead of 6). On a
/// busy machine a lookup that is interrupted by the scheduler takes a millisecond and is still one.
const QUICK: Duration = Duration::from_micros(2_000);

/// What a connection is for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Role {
    Writer,
    Reader,
}

/// A connection with its statement cache.
pub(super) struct Link {
    conn: Connection,
    pub(super) watch: Arc<Watch>,
    /// By text as the program wrote it.
    texts: HashMap<Box<str>, Text, foldhash::fast::RandomState>,
    timeout: Duration,
    /// How long a statement waits for the locks of others.
    busy: Duration,
}

struct Text {
    /// With `?1` for `$1`.
    sql: Arc<str>,
    concern: Concern,
    /// What it took lately; the slow runs count longer than the quick ones.
    cost: Duration,
}

/// Ends a statement that runs too long: see [`super::upkeep`].
pub(super) struct Watch {
    interrupt: InterruptHandle,
    /// Set while a statement runs. The lock is held during the interrupt, so that it can't hit the
    /// next statement.
    deadline: Mutex<Option<Instant>>,
}

impl Watch {
    fn set(&self, deadline: Option<Instant>) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// Interrupts the statement if it is overdue. Returns whether one is running.
    pub(super) fn check(&self, now: Instant) -> bool {
        let deadline = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.interrupt.interrupt();
        }
        deadline.is_some()
    }
}

impl Link {
    /// Opens the file; a writer creates it.
    pub(super) fn open(path: &Path, role: Role, timeout: Duration) -> Result<Self> {
        let conn = connect(path, role).map_err(|error| {
            Error::Unavailable(format!("open SQLite file {}: {error}", path.display()))
        })?;
        let watch =
            Arc::new(Watch { interrupt: conn.get_interrupt_handle(), deadline: Mutex::new(None) });
        // The writer waits for its turn to begin, and from then on for nobody.
        let busy = if role == Role::Writer { Duration::ZERO } else { BUSY_TIMEOUT };
        let link = Self { conn, watch, texts: HashMap::default(), timeout, busy };
        link.conn.busy_timeout(busy).map_err(|error| link.error("busy_timeout", error))?;
        Ok(link)
    }

    /// True when no transaction is open, which is also the case after SQLite ended it by itself.
    pub(super) fn is_autocommit(&self) -> bool {
        self.conn.is_autocommit()
    }

    /// True when this statement ran before and took next to no time.
    pub(super) fn is_quick(&self, sql: &str) -> bool {
        self.texts.get(sql).is_some_and(|text| text.cost < QUICK)
    }

    /// What a statement means for the writer's memory.
    pub(super) fn concern(&mut self, sql: &str) -> Concern {
        if let Some(text) = self.texts.get(sql) {
            return text.concern;
        }
        self.text(sql);
        self.texts.get(sql).map_or(Concern::Unsettles, |text| text.concern)
    }

    /// Begins a write transaction; false when somebody else is writing.
    pub(super) fn begin_write(&self) -> Result<bool> {
        let sql = "BEGIN IMMEDIATE";
        let begun = self.conn.prepare_cached(sql).and_then(|mut begin| begin.raw_execute());
        match begun {
            Ok(_) => Ok(true),
            Err(rusqlite::Error::SqliteFailure(code, _))
                if matches!(code.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) =>
            {
                Ok(false)
            }
            Err(error) => Err(self.error(sql, error)),
        }
    }

    /// A number that moves when another connection has committed. In a transaction.
    pub(super) fn data_version(&self) -> Result<i64> {
        let sql = "PRAGMA data_version";
        let read = || self.conn.prepare_cached(sql)?.query_row([], |row| row.get(0));
        read().map_err(|error| self.error(sql, error))
    }

    /// Runs one of our own statements without parameters and rows, such as COMMIT. No time-out.
    pub(super) fn control(&self, sql: &str) -> Result<()> {
        let run = || self.conn.prepare_cached(sql)?.raw_execute();
        run().map(|_| ()).map_err(|error| self.error(sql, error))
    }

    /// Several statements in one text. No time-out.
    pub(super) fn script(&self, sql: &str) -> Result<()> {
        self.conn.execute_batch(sql).map_err(|error| self.error(sql, error))
    }

    /// Runs `PRAGMA wal_checkpoint(MODE)`; returns the frames in the log and those already moved.
    pub(super) fn checkpoint(&self, mode: &str, wait: Duration) -> Result<(i64, i64)> {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let run = || {
            self.conn.busy_timeout(wait)?;
            let frames = self.conn.query_row(&sql, [], |row| Ok((row.get(1)?, row.get(2)?)));
            self.conn.busy_timeout(self.busy)?;
            frames
        };
        run().map_err(|error| self.error(&sql, error))
    }

    pub(super) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.query_each(sql, params, &mut |row| rows.push(row))?;
        Ok(rows)
    }

    pub(super) fn query_each(
        &mut self,
        sql: &str,
        params: &[Value],
        each: &mut dyn FnMut(Row),
    ) -> Result<()> {
        self.timed(sql, |link, text| {
            let mut statement = link.conn.prepare_cached(text)?;
            bind(&mut statement, params)?;
            let columns = statement.column_count();
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                let mut values = Vec::with_capacity(columns);
                for column in 0..columns {
                    values.push(read(row.get_ref(column)?)?);
                }
                each(Row::new(values));
            }
            Ok(())
        })
    }

    /// Runs one statement once a row; returns how many rows it changed in all.
    pub(super) fn execute_many<'a>(
        &mut self,
        sql: &str,
        rows: impl Iterator<Item = &'a [Value]>,
    ) -> Result<u64> {
        self.timed(sql, |link, text| {
            let mut statement = link.conn.prepare_cached(text)?;
            let mut changed = 0;
            for params in rows {
                bind(&mut statement, params)?;
                changed += step_to_end(&link.conn, &mut statement)?;
            }
            Ok(changed)
        })
    }

    /// Runs `work` with the renumbered text, under the time limit.
    fn timed<T>(
        &mut self,
        sql: &str,
        work: impl FnOnce(&Self, &str) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let text = self.text(sql);
        let start = Instant::now();
        self.watch.set(Some(start + self.timeout));
        let result = work(self, &text);
        self.watch.set(None);
        if let Some(text) = self.texts.get_mut(sql) {
            text.cost = (text.cost * 7 / 8).max(start.elapsed());
        }
        result.map_err(|error| self.error(sql, error))
    }

    fn text(&mut self, sql: &str) -> Arc<str> {
        if let Some(text) = self.texts.get(sql) {
            return Arc::clone(&text.sql);
        }
        if self.texts.len() >= MAX_TEXTS {
            self.texts.clear();
        }
        let text: Arc<str> = renumber(sql).into();
        let concern = Concern::of(sql);
        let entry = Text { sql: Arc::clone(&text), concern, cost: Duration::ZERO };
        self.texts.insert(sql.into(), entry);
        text
    }

    fn error(&self, sql: &str, error: rusqlite::Error) -> Error {
        let (code, message) = match &error {
            rusqlite::Error::SqliteFailure(code, message) => {
                (*code, message.as_deref().unwrap_or_default())
            }
            other => return Error::Internal(format!("{other} in: {sql}")),
        };
        match (code.code, code.extended_code) {
            (
                _,
                ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID,
            ) => Error::Unique { index: self.unique_index(message) },
            (ErrorCode::OperationInterrupted, _) => Error::Timeout,
            (
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly,
                _,
            ) => Error::Unavailable(error.to_string()),
            _ => Error::Internal(format!("{error} in: {sql}")),
        }
    }

    /// SQLite names columns (`UNIQUE constraint failed: t.a, t.b`), PostgreSQL the index. Callers
    /// want one name for both, so the index is looked up; keys without a name of their own get the
    /// one that PostgreSQL gives them.
    fn unique_index(&self, message: &str) -> String {
        let place = message.rsplit(": ").next().unwrap_or_default();
        if let Some(name) = place.strip_prefix("index ") {
            return name.trim_matches('\'').to_owned();
        }
        let table = place.split('.').next().unwrap_or_default();
        let columns: Vec<&str> =
            place.split(", ").filter_map(|column| column.rsplit('.').next()).collect();
        let sql = "SELECT l.name, l.origin FROM pragma_index_list(?1) l WHERE l.\"unique\" = 1 \
             AND (SELECT group_concat(i.name, ',' ORDER BY i.seqno) FROM pragma_index_info(l.name) i) \
             = ?2 ORDER BY l.origin = 'c' DESC";
        let found = self.conn.query_row(sql, (table, columns.join(",")), |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        });
        match found {
            Ok((name, origin)) if origin == "c" => name,
            Ok((_, origin)) if origin == "u" => format!("{table}_{}_key", columns.join("_")),
            _ => format!("{table}_pkey"),
        }
    }
}

fn connect(path: &Path, role: Role) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if role == Role::Writer {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // Without it a statement whose plan may depend on a parameter is planned again whenever that is
    // bound, which took a quarter of the time of a write.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A checkpoint inside a COMMIT would make everyone behind it wait: see `upkeep`.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; \
         PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;",
    )?;
    match role {
        Role::Writer => {
            conn.set_prepared_statement_cache_capacity(256);
            conn.execute_batch("PRAGMA cache_size = -8000")?;
        }
        Role::Reader => {
            conn.set_prepared_statement_cache_capacity(128);
            conn.execute_batch("PRAGMA cache_size = -2000; PRAGMA query_only = ON")?;
        }
    }
    Ok(conn)
}

fn bind(statement: &mut CachedStatement<'_>, params: &[Value]) -> rusqlite::Result<()> {
    if statement.parameter_count() != params.len() {
        return Err(rusqlite::Error::InvalidParameterCount(
            params.len(),
            statement.parameter_count(),
        ));
    }
    for (index, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}

/// As `raw_execute`, which refuses statements with RETURNING.
fn step_to_end(conn: &Connection, statement: &mut CachedStatement<'_>) -> rusqlite::Result<u64> {
    let before = conn.total_changes();
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    Ok(conn.total_changes() - before)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Int(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Self::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Self::Ids(ids) => {
                let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
                ToSqlOutput::from(format!("[{}]", ids.join(",")))
            }
        })
    }
}

fn read(value: ValueRef<'_>) -> rusqlite::Result<Value> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(Value::Int(value)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(error) => Err(rusqlite::Error::Utf8Error(0, error)),
        },
        other @ (ValueRef::Real(_) | ValueRef::Blob(_)) => {
            Err(rusqlite::Error::InvalidColumnType(0, "a column".to_owned(), other.data_type()))
        }
    }
}

/// `$1` becomes `?1`. SQLite takes `$1` for a *name* and numbers names by their first appearance.
/// Quoted text, quoted names and comments stay as they are.
fn renumber(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '\'', '"', '-']) {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let next = tail.as_bytes().get(1).copied().unwrap_or_default();
        let taken = match tail.as_bytes()[0] {
            b'$' if next.is_ascii_digit() => {
                out.push('?');
                rest = &tail[1..];
                continue;
            }
            b'-' if next == b'-' => tail.find('\n').unwrap_or(tail.len()),
            quote @ (b'\'' | b'"') => {
                tail[1..].find(char::from(quote)).map_or(tail.len(), |end| end + 2)
            }
            _ => 1,
        };
        out.push_str(&tail[..taken]);
        rest = &tail[taken..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::renumber;

    #[test]
    fn only_parameters_are_renumbered() {
        assert_eq!(renumber("a = $2 AND b=$1"), "a = ?2 AND b=?1");
        assert_eq!(renumber("'$1' \"$2\" -- it's $3\n$4 - $5"), "'$1' \"$2\" -- it's $3\n?4 - ?5");
        assert_eq!(renumber("'a''$1' ->> '$.x' = $10"), "'a''$1' ->> '$.x' = ?10");
        assert_eq!(renumber("open ' $1"), "open ' $1");
        assert_eq!(renumber("ä$1é"), "ä?1é");
    }
}
