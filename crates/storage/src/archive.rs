//! A backup: all tables of one moment in one file that either database can read again.
//!
//! The file is a ZIP archive. `TABLE.ndjson` has one JSON array a row, in the order of the columns
//! that `manifest.json` names; numbers are BIGINTs, texts TEXTs. The manifest also has the schema's
//! version and, for each table, the number of rows and the SHA-256 of its entry, so that a file that
//! was cut or changed is refused.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use zip::read::ZipFile;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::db::{Db, Read as _, Row, Tx, Value};
use crate::migrate::{self, MIGRATIONS};
use crate::snapshot::Snapshot;

/// The version of the file's layout.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// Rows that are inserted at a time.
const BATCH_ROWS: usize = 1_000;

/// Why a backup could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Asked for something that cannot be: a sentence for the person who asked.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Storage(#[from] crate::Error),
}

impl From<zip::result::ZipError> for Error {
    fn from(error: zip::result::ZipError) -> Error {
        Error::Refused(format!("the file is not a whole backup: {error}"))
    }
}

type Result<T> = std::result::Result<T, Error>;

fn refused<T>(sentence: impl Into<String>) -> Result<T> {
    Err(Error::Refused(sentence.into()))
}

/// What a backup says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The number of the newest migration that the tables had.
    pub schema_version: i64,
    /// The program that made it.
    pub program: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    pub tables: BTreeMap<String, Table>,
}

/// One table of a backup.
#[derive(Debug, Serialize, Deserialize)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: u64,
    /// Of the entry's uncompressed bytes, in hexadecimal digits.
    sha256: String,
}

impl Manifest {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }
}

/// Writes everything into `file`. The database stays in use; the backup has the state of its start.
///
/// # Errors
/// From the database or the file, which is then not whole.
pub async fn write(db: &Db, file: File, program: &str, now_ms: i64) -> Result<Manifest> {
    let schema_version = db.schema_version().await?;
    let mut snapshot = db.snapshot().await?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let mut tables = BTreeMap::new();
    for name in snapshot.tables().await? {
        let table = write_table(&mut snapshot, &mut zip, &name).await?;
        tables.insert(name, table);
    }
    let manifest = Manifest {
        format: FORMAT,
        schema_version,
        program: program.to_owned(),
        created_at: now_ms,
        tables,
    };
    zip.start_file(MANIFEST, SimpleFileOptions::default())?;
    let text = serde_json::to_string_pretty(&manifest).map_err(std::io::Error::from)?;
    zip.write_all(text.as_bytes())?;
    let file = zip.finish()?.into_inner().map_err(|error| Error::File(error.into_error()))?;
    file.sync_all()?;
    Ok(manifest)
}

async fn write_table(
    snapshot: &mut Snapshot,
    zip: &mut ZipWriter<BufWriter<File>>,
    name: &str,
) -> Result<Table> {
    let columns = snapshot.columns(name).await?;
    let quoted: Vec<String> =
        columns.iter().map(|column| snapshot.dialect().ident(column)).collect();
    let sql = format!("SELECT {} FROM {}", quoted.join(", "), snapshot.dialect().ident(name));
    zip.start_file(format!("{name}.ndjson"), SimpleFileOptions::default().large_file(true))?;
    let (mut rows, mut hash, mut failed) = (0, Sha256::new(), None);
    snapshot
        .each(&sql, &mut |row| {
            if failed.is_some() {
                return;
            }
            let line = line(&row);
            hash.update(line.as_bytes());
            rows += 1;
            failed = zip.write_all(line.as_bytes()).err();
        })
        .await?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(Table { columns, rows, sha256: hex(&hash.finalize()) }),
    }
}

/// A row as a line of JSON.
fn line(row: &Row) -> String {
    let cells: Vec<Json> = (0..row.len())
        .map(|at| match (row.opt_int(at), row.opt_text(at)) {
            (Some(number), _) => number.into(),
            (_, Some(text)) => text.into(),
            _ => Json::Null,
        })
        .collect();
    format!("{}\n", Json::Array(cells))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A backup that is being read.
pub struct Archive {
    zip: ZipArchive<BufReader<File>>,
    pub manifest: Manifest,
}

/// Opens a backup and reads its manifest.
///
/// # Errors
/// No such file, or not a backup of a layout that this program knows.
pub fn open(path: &Path) -> Result<Archive> {
    let mut zip = ZipArchive::new(BufReader::new(File::open(path)?))?;
    let mut text = String::new();
    zip.by_name(MANIFEST)?.read_to_string(&mut text)?;
    let manifest: Manifest = serde_json::from_str(&text)
        .or_else(|error| refused(format!("the backup's manifest can't be read: {error}")))?;
    if manifest.format != FORMAT {
        return refused(format!("the backup has layout {}, not {FORMAT}", manifest.format));
    }
    Ok(Archive { zip, manifest })
}

impl Archive {
    /// Reads the whole file and compares it with its manifest.
    ///
    /// # Errors
    /// The first table that is not as the manifest says.
    pub fn check(&mut self) -> Result<()> {
        for (name, table) in &self.manifest.tables {
            let mut rows = Rows::open(&mut self.zip, name, table)?;
            while !rows.next(BATCH_ROWS)?.is_empty() {}
        }
        Ok(())
    }

    /// Fills an empty database, in one transaction: all of it or nothing. The schema is brought to
    /// the backup's version first and to this program's afterwards.
    ///
    /// # Errors
    /// The database has data, the backup is newer than the program, or is damaged.
    pub async fn restore(&mut self, db: &Db, now_ms: i64) -> Result<()> {
        let version = self.manifest.schema_version;
        let known = MIGRATIONS.iter().filter(|one| one.version() <= version).count();
        if MIGRATIONS.last().is_none_or(|newest| newest.version() < version) {
            return refused(format!(
                "the backup has schema version {version}, which is newer than this program"
            ));
        }
        refuse_data(db, version).await?;
        migrate::apply(db, &MIGRATIONS[..known], now_ms).await?;
        let mut tx = db.begin().await?;
        for (name, table) in &self.manifest.tables {
            let sql = insert(&tx, name, table);
            let mut rows = Rows::open(&mut self.zip, name, table)?;
            loop {
                let batch = rows.next(BATCH_ROWS)?;
                if batch.is_empty() {
                    break;
                }
                tx.execute_many(&sql, &batch).await?;
            }
        }
        tx.commit().await?;
        db.migrate(now_ms).await?;
        Ok(())
    }
}

fn insert(tx: &Tx, name: &str, table: &Table) -> String {
    let dialect = tx.dialect();
    let marks: Vec<String> = (1..=table.columns.len()).map(|at| format!("${at}")).collect();
    let quoted: Vec<String> = table.columns.iter().map(|column| dialect.ident(column)).collect();
    let (columns, marks) = (quoted.join(", "), marks.join(", "));
    format!("INSERT INTO {} ({columns}) VALUES ({marks})", dialect.ident(name))
}

/// The rows of one table, counted and hashed on the way.
struct Rows<'a> {
    name: &'a str,
    table: &'a Table,
    entry: BufReader<ZipFile<'a, BufReader<File>>>,
    rows: u64,
    hash: Sha256,
}

impl<'a> Rows<'a> {
    fn open(
        zip: &'a mut ZipArchive<BufReader<File>>,
        name: &'a str,
        table: &'a Table,
    ) -> Result<Rows<'a>> {
        let entry = BufReader::new(zip.by_name(&format!("{name}.ndjson"))?);
        Ok(Rows { name, table, entry, rows: 0, hash: Sha256::new() })
    }

    /// The next rows, at most this many; none after the last, when number and hash are as in the
    /// manifest.
    fn next(&mut self, limit: usize) -> Result<Vec<Vec<Value>>> {
        let mut batch = Vec::new();
        let mut line = String::new();
        while batch.len() < limit && self.entry.read_line(&mut line)? > 0 {
            self.hash.update(line.as_bytes());
            self.rows += 1;
            let Some(values) = values(&line, self.table.columns.len()) else {
                return refused(format!("row {} of {} can't be read", self.rows, self.name));
            };
            batch.push(values);
            line.clear();
        }
        let same = || {
            self.rows == self.table.rows && hex(&self.hash.clone().finalize()) == self.table.sha256
        };
        if batch.is_empty() && !same() {
            return refused(format!("{} is damaged: it is not what was written", self.name));
        }
        Ok(batch)
    }
}

/// The cells of a line, `None` when it is not a row of this many.
fn values(line: &str, columns: usize) -> Option<Vec<Value>> {
    let cells: Vec<Json> = serde_json::from_str(line).ok()?;
    let value = |cell: Json| match cell {
        Json::Null => Some(Value::Null),
        Json::String(text) => Some(Value::Text(text)),
        Json::Number(number) => number.as_i64().map(Value::Int),
        _ => None,
    };
    (cells.len() == columns).then(|| cells.into_iter().map(value).collect())?
}

/// Refuses a database that has rows, or tables that the backup's version does not know.
async fn refuse_data(db: &Db, version: i64) -> Result<()> {
    let found = db.schema_version().await?;
    if found == 0 {
        return Ok(());
    }
    if found > version {
        return refused(format!(
            "this database has schema version {found}, which is newer than the backup's {version}; \
             restore into a database that does not exist yet"
        ));
    }
    let mut snapshot = db.snapshot().await?;
    for table in snapshot.tables().await? {
        let sql = format!("SELECT count(*) FROM {}", snapshot.dialect().ident(&table));
        if snapshot.number(&sql).await? > 0 {
            return refused(format!(
                "this database has data (table {table}); restore into one that does not exist yet, \
                 or is empty"
            ));
        }
    }
    Ok(())
}
