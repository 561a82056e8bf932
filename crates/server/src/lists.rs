//! The ids of lists that were asked for lately, so that a deep page costs what the first one does
//! and an unchanged total is not counted again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aureole_catalogue::query::ListQuery;
use aureole_catalogue::{Entity, Filter};
use aureole_storage::{Db, records};

/// A bounded cache of id lists. An entry counts only while the tenant's version is the one that
/// it was read at, so a list always shows everything that was committed before the request began.
pub struct Lists {
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    bytes: usize,
    /// Grows with every use: the entry with the smallest is the one used longest ago.
    tick: u64,
}

struct Entry {
    version: String,
    ids: Arc<[i64]>,
    used: u64,
}

impl Lists {
    pub fn new(max_bytes: usize) -> Lists {
        Lists { max_bytes, state: Mutex::default() }
    }

    /// The ids of the records that pass `filter`, in the query's order. `month` is the first moment
    /// of the current month, a stored date-time.
    pub async fn ids(
        &self,
        month: &str,
        db: &Db,
        tenant: i64,
        entity: &'static Entity,
        filter: &Filter,
        query: &ListQuery,
    ) -> aureole_storage::Result<Arc<[i64]>> {
        let version = records::version(db, tenant).await?;
        let key = format!("{tenant}/{month}/{}/{filter:?}/{:?}", entity.table, query.order);
        if let Some(ids) = self.fresh(&key, &version) {
            return Ok(ids);
        }
        // The version was read first: what is committed meanwhile makes the entry stale, never wrong.
        let ids: Arc<[i64]> =
            records::select_ids_in(month, db, tenant, entity, filter, &query.order).await?.into();
        self.keep(key, version, Arc::clone(&ids));
        Ok(ids)
    }

    fn fresh(&self, key: &str, version: &str) -> Option<Arc<[i64]>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tick += 1;
        let tick = state.tick;
        let entry = state.entries.get_mut(key).filter(|entry| entry.version == version)?;
        entry.used = tick;
        Some(Arc::clone(&entry.ids))
    }

    fn keep(&self, key: String, version: String, ids: Arc<[i64]>) {
        let size = size(&key, &ids);
        if size > self.max_bytes {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tick += 1;
        let entry = Entry { version, ids, used: state.tick };
        if let Some(old) = state.entries.remove(&key) {
            state.bytes -= self::size(&key, &old.ids);
        }
        state.bytes += size;
        state.entries.insert(key, entry);
        while state.bytes > self.max_bytes {
            let oldest = state.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            if let Some(entry) = state.entries.remove(&oldest) {
                state.bytes -= self::size(&oldest, &entry.ids);
            }
        }
    }
}

/// What an entry costs, roughly.
fn size(key: &str, ids: &[i64]) -> usize {
    key.len() + size_of_val(ids) + 128
}
