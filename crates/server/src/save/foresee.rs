//! What the records of a request are going to ask of the database, asked for all of them at once.
//!
//! Rules ask record by record. What can be told from the bodies alone (the names of clients, the
//! records that are pointed at, the definitions of fields) is read beforehand, and kept right while
//! the request writes. What is not here is asked of the database as ever, so that a missing entry
//! costs time and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value};

use aureole_catalogue::accept;
use aureole_catalogue::keys::client;
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Record};
use aureole_storage::changes::Before;
use aureole_storage::records::Stored;
use aureole_storage::{Dialect, Read, records};

use crate::error::Result;
use crate::rights;
use crate::rules::custom_fields;
use crate::save::Save;

/// A longer name is none.
const MAX_NAME_BYTES: usize = 1_100;

/// What was read.
#[derive(Default)]
pub struct Known {
    /// The clients by folded name, for every name that was asked for.
    names: HashMap<String, Vec<i64>>,
    /// Records that exist, that the caller may see and that take something in.
    existing: HashMap<EntityKind, HashSet<i64>>,
    /// Where clients go that name no top level.
    pub top_level: Option<i64>,
    /// The last state of each record that the request has written.
    states: HashMap<(EntityKind, i64), Before>,
}

impl Known {
    /// The clients with this folded name, when that was asked.
    pub fn clients_named(&self, name_key: &str) -> Option<&[i64]> {
        self.names.get(name_key).map(Vec::as_slice)
    }

    /// True when the record is known to exist and may be pointed at.
    pub fn exists(&self, kind: EntityKind, id: i64) -> bool {
        self.existing.get(&kind).is_some_and(|ids| ids.contains(&id))
    }

    /// A record was written over `old`.
    pub fn written(&mut self, kind: EntityKind, id: i64, old: Option<&Record>, record: &Record) {
        if kind == EntityKind::TopLevel {
            self.top_level = None;
        }
        if kind != EntityKind::Client || self.names.is_empty() {
            return;
        }
        let after = fold(record.text(client::NAME));
        match old.map(|old| fold(old.text(client::NAME))) {
            Some(before) if before == after => {}
            // The client may be a merged one, which has no claim to its name.
            Some(before) => {
                self.names.remove(&before);
                self.names.remove(&after);
            }
            None => self.names.entry(after).or_default().push(id),
        }
    }

    /// The state that the request has given a record, for its reply.
    pub fn keep(&mut self, kind: EntityKind, id: i64, state: Before) {
        self.states.insert((kind, id), state);
    }

    /// The last state of a record that the request has written.
    pub fn state(&self, kind: EntityKind, id: i64) -> Option<Stored> {
        let Before { doc, rev, updated_at } = self.states.get(&(kind, id))?.clone();
        Some(Stored { id, rev, updated_at, doc, lookups: Vec::new(), pointers: Vec::new() })
    }

    /// Records went, and with them what is known.
    pub fn removed(&mut self) {
        *self = Known::default();
    }
}

/// Hands the questions to the transaction, which sends them with its first statement. On SQLite
/// that brings nothing.
pub async fn ask(
    save: &mut Save<'_>,
    kind: EntityKind,
    bodies: &[Map<String, Value>],
) -> Result<()> {
    if save.tx.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let (app, tenant) = (save.app, save.tenant());
    let mut ahead = save.tx.ahead();
    crate::settings::load(&mut ahead, tenant).await?;
    let creates = bodies.iter().any(|body| id_of(body) <= 0);
    let first_site = (creates && kind == EntityKind::Client).then_some(EntityKind::Site);
    for family in [Some(kind), first_site].into_iter().flatten().flat_map(custom_fields::families) {
        custom_fields::load(&mut ahead, app, tenant, *family).await?;
    }
    if first_site.is_some() {
        records::first_id(&mut ahead, tenant, EntityKind::TopLevel.entity()).await?;
    }
    for (target, ids) in targets(kind, bodies) {
        records::ids_where(&mut ahead, tenant, target.entity(), "id", &ids).await?;
        if target == EntityKind::Client {
            records::merged_of(&mut ahead, tenant, &ids).await?;
        }
    }
    let names = names(kind, bodies);
    if let ([name], [_]) = (names.as_slice(), bodies) {
        records::ids_by_name(&mut ahead, tenant, kind.entity(), name, None).await?;
    } else if !names.is_empty() {
        records::clients_by_name(&mut ahead, tenant, &names).await?;
    }
    Ok(())
}

/// Reads what one question answers for several records.
pub async fn read(
    save: &mut Save<'_>,
    kind: EntityKind,
    bodies: &[Map<String, Value>],
) -> Result<()> {
    if bodies.len() < 2 && save.tx.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let tenant = save.tenant();
    if !rights::is_limited(save.caller) {
        for (target, ids) in targets(kind, bodies) {
            let found =
                records::ids_where(&mut save.tx, tenant, target.entity(), "id", &ids).await?;
            let mut existing: HashSet<i64> = found.into_iter().collect();
            if target == EntityKind::Client {
                for merged in records::merged_of(&mut save.tx, tenant, &ids).await? {
                    existing.remove(&merged);
                }
            }
            save.known.existing.insert(target, existing);
        }
    }
    let names = names(kind, bodies);
    if bodies.len() > 1 && !names.is_empty() {
        let mut found = records::clients_by_name(&mut save.tx, tenant, &names).await?;
        for name in names {
            let ids = found.remove(&name).unwrap_or_default();
            save.known.names.insert(name, ids);
        }
    }
    Ok(())
}

fn id_of(body: &Map<String, Value>) -> i64 {
    body.get("id").and_then(accept::id).unwrap_or(0)
}

/// The folded names that clients of the request are given.
fn names(kind: EntityKind, bodies: &[Map<String, Value>]) -> Vec<String> {
    if kind != EntityKind::Client {
        return Vec::new();
    }
    let given = bodies.iter().filter_map(|body| body.get("name")?.as_str());
    // Nothing is checked yet, and no database has to read what no client can be called.
    let names: BTreeSet<String> = given
        .map(str::trim)
        .filter(|name| !name.is_empty() && name.len() < MAX_NAME_BYTES && !name.contains('\0'))
        .map(fold)
        .collect();
    names.into_iter().collect()
}

/// The records that the bodies point at, by kind.
fn targets(kind: EntityKind, bodies: &[Map<String, Value>]) -> BTreeMap<EntityKind, Vec<i64>> {
    let schema = kind.entity().schema;
    let mut targets: BTreeMap<EntityKind, BTreeSet<i64>> = BTreeMap::new();
    for (name, value) in bodies.iter().flatten() {
        let Some(target) = schema.find(name).and_then(|at| schema.fields[at].reference) else {
            continue;
        };
        if let Some(id) = accept::id(value).filter(|id| *id > 0) {
            targets.entry(target).or_default().insert(id);
        }
    }
    targets.into_iter().map(|(kind, ids)| (kind, ids.into_iter().collect())).collect()
}
