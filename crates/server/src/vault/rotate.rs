//! Sealing everything again under the newest key, in small steps: it can be interrupted anywhere
//! and started again, while servers read and write. All keys open meanwhile; a row that somebody
//! writes in between is left to them, and found by the next pass if it still needs it.

use std::collections::BTreeMap;
use std::path::Path;

use aureole_catalogue::{ENTITIES, Entity, Record};
use aureole_storage::Db;
use aureole_storage::sealed::{self, COLUMNS, Held, Store};

use super::{ENVELOPE, OpenError, Place, Vault, generate_key, is_under};
use crate::save::secrets;

/// Rows of one transaction.
const BATCH: i64 = 200;

/// What one pass did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Secrets that are under the newest key now and were not.
    pub resealed: u64,
    /// Secrets that stay as they are because they don't open: how many for each reason.
    pub unreadable: BTreeMap<String, u64>,
}

/// Goes through everything once.
///
/// # Errors
/// A sentence; what was done until then stays done.
pub async fn pass(db: &Db, vault: &Vault) -> Result<Outcome, String> {
    let newest = vault.key_id().ok_or("there is no key: set secret_key_file")?;
    let mut outcome = Outcome::default();
    let documents = ENTITIES.iter().map(Store::Documents);
    let columns = COLUMNS.iter().copied().map(Store::Column);
    for store in documents.chain([Store::History]).chain(columns) {
        let mut work = Work { vault, newest: &newest, outcome: &mut outcome };
        work.through(db, store).await.map_err(|error| error.to_string())?;
    }
    Ok(outcome)
}

struct Work<'a> {
    vault: &'a Vault,
    newest: &'a str,
    outcome: &'a mut Outcome,
}

impl Work<'_> {
    async fn through(&mut self, db: &Db, store: Store) -> aureole_storage::Result<()> {
        let mut after: Option<Held> = None;
        loop {
            let mut reader = db.clone();
            let rows = sealed::next(&mut reader, store, ENVELOPE, after.as_ref(), BATCH).await?;
            let Some(last) = rows.last().cloned() else { return Ok(()) };
            let mut tx = db.begin().await?;
            for held in &rows {
                let before = self.outcome.resealed;
                let Some(text) = self.again(store, held) else { continue };
                if !sealed::replace(&mut tx, store, held, &text).await? {
                    self.outcome.resealed = before;
                }
            }
            tx.commit().await?;
            after = Some(last);
        }
    }

    /// The row's text under the newest key; `None` when there is nothing to do.
    fn again(&mut self, store: Store, held: &Held) -> Option<String> {
        let entity = match store {
            Store::Documents(entity) => entity,
            Store::History => find(&held.entity)?,
            Store::Column(column) => {
                let place = Place::new(held.tenant_id, column.table, &held.id, column.column);
                return self.reseal(&place, &held.text);
            }
        };
        let mut record = Record::from_doc(entity.schema, &held.text);
        let mut any = false;
        secrets::each(entity, held.tenant_id, held.record_id, &mut record, &mut |place, old| {
            let new = self.reseal(place, old);
            any |= new.is_some();
            new
        });
        any.then(|| record.to_doc())
    }

    fn reseal(&mut self, place: &Place, old: &str) -> Option<String> {
        if is_under(old, self.newest) {
            return None;
        }
        match self.vault.open(place, old) {
            Ok(secret) => {
                self.outcome.resealed += 1;
                self.vault.seal(place, &secret)
            }
            Err(error) => {
                self.note(&error);
                None
            }
        }
    }

    fn note(&mut self, error: &OpenError) {
        *self.outcome.unreadable.entry(error.to_string()).or_default() += 1;
    }
}

fn find(name: &str) -> Option<&'static Entity> {
    ENTITIES.iter().find(|entity| entity.name == name)
}

/// Puts a new key in front of those in a file, which other processes see whole or not at all.
///
/// # Errors
/// A sentence that names the file.
pub fn add_key(file: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let old = std::fs::read_to_string(file).map_err(failed)?;
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    let new = Path::new(&name);
    std::fs::write(new, "").map_err(failed)?;
    // As closed to others as the old one was, before there is anything in it.
    std::fs::set_permissions(new, std::fs::metadata(file).map_err(failed)?.permissions())
        .map_err(failed)?;
    std::fs::write(new, format!("{}\n{old}", generate_key())).map_err(failed)?;
    std::fs::rename(new, file).map_err(failed)
}
