//! What the writes of a tenant on PostgreSQL ask every time and hardly ever get another answer to:
//! settings, definitions of fields, top levels. Kept for as long as [`Fresh`] knows of no change to
//! them, by this node or another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aureole_catalogue::EntityKind;
use aureole_storage::{Result, Settled};

use crate::fresh::{Fresh, Position};

/// The kinds whose records are in the tables that [`Settled`] is about.
const KINDS: &[EntityKind] =
    &[EntityKind::Settings, EntityKind::FieldInfo, EntityKind::SiteField, EntityKind::TopLevel];
/// Tenants whose answers are kept.
const MAX_TENANTS: usize = 1_000;

#[derive(Default)]
pub struct SettledAnswers {
    tenants: Mutex<HashMap<i64, (Position, Arc<Settled>)>>,
}

impl SettledAnswers {
    /// The answers that held when the call began. What is asked from then on and added to them is at
    /// least as new, so a change that is learned of later takes it away with the rest.
    ///
    /// # Errors
    /// The database failed.
    pub async fn of(&self, fresh: &Fresh, tenant: i64) -> Result<Arc<Settled>> {
        let now = fresh.sync(tenant).await?;
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= MAX_TENANTS && !tenants.contains_key(&tenant) {
            tenants.clear();
        }
        let (position, answers) = tenants.entry(tenant).or_insert_with(|| (now, Arc::default()));
        let delta = fresh.since(tenant, *position);
        let is_touched = |changes: Vec<crate::fresh::Changed>| {
            changes.iter().any(|change| KINDS.contains(&change.kind))
        };
        if delta.changes.is_none_or(is_touched) {
            *answers = Arc::default();
        }
        *position = delta.position;
        Ok(Arc::clone(answers))
    }
}
