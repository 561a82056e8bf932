//! What of the feed a caller may see: the kinds of record that its scopes let it read, and the
//! clients that its agent may see.

use aureole_catalogue::{ENTITIES, Entity, EntityKind, Record};
use aureole_storage::changes::{self, Operation, Plain};
use aureole_storage::{Db, Read, feed, records};

use crate::auth::Caller;
use crate::endpoints::{self, ENDPOINTS};
use crate::error::{ApiError, Result};
use crate::rights;

/// A kind of record by its name or by its path, in any letter case.
pub fn kind(name: &str) -> Option<&'static Entity> {
    let entity = ENTITIES.iter().find(|entity| entity.name.eq_ignore_ascii_case(name));
    entity.or_else(|| {
        let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.path.eq_ignore_ascii_case(name));
        endpoint.map(|endpoint| endpoint.kind.entity())
    })
}

/// The end of a sentence on a name that is none of a kind.
pub fn unknown_kind(name: &str) -> String {
    let names: Vec<&str> = ENTITIES.iter().map(|entity| entity.name).collect();
    format!("must be kinds of record, not {name:?}: {}", names.join(", "))
}

/// Who may read a kind of record may read its changes.
fn check(caller: &Caller, entity: &Entity) -> Result<()> {
    match endpoints::of_kind(entity.kind) {
        Some(endpoint) => rights::check(caller, endpoint, false),
        None => rights::administrator(caller),
    }
}

/// The names of the kinds that a caller reads, of those that it `wanted` or, when that is none, of
/// all; `None` stands for every kind there is.
///
/// # Errors
/// 403 when it wanted one that it may not read, or may read none.
pub fn kinds(caller: &Caller, wanted: &[&'static Entity]) -> Result<Option<Vec<&'static str>>> {
    if !wanted.is_empty() {
        wanted.iter().try_for_each(|entity| check(caller, entity))?;
        return Ok(Some(wanted.iter().map(|entity| entity.name).collect()));
    }
    let (mut names, mut refused) = (Vec::with_capacity(ENTITIES.len()), None);
    for entity in ENTITIES {
        match check(caller, entity) {
            Ok(()) => names.push(entity.name),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        None => Ok(None),
        Some(error) if names.is_empty() => Err(error),
        Some(_) => Ok(Some(names)),
    }
}

/// What a change looks like to a caller, and whose record it was to it; `None` when it does not concern it. A record that moves
/// out of sight is deleted for who can't see where it went, and one that moves in is created, so
/// that a copy that follows the feed has exactly what its owner may see.
pub async fn operation(
    db: &mut Db,
    caller: &Caller,
    entity: &'static Entity,
    entry: &Plain,
) -> Result<Option<(Operation, i64)>> {
    let operation = Operation::parse(&entry.operation).ok_or_else(|| {
        ApiError::Internal(format!("change {} is {:?}", entry.seq, entry.operation))
    })?;
    if !rights::is_limited(caller) {
        return Ok(Some((operation, entry.client_id)));
    }
    let (before, old_client) = match entry.before.as_deref() {
        Some(doc) => {
            let record = Record::from_doc(entity.schema, doc);
            let client = rights::client_of(entity, entry.record_id, &record);
            (Some(was_seen(db, caller, entity, entry.record_id, &record).await?), client)
        }
        None => (None, 0),
    };
    if operation == Operation::Deleted {
        return Ok(before.unwrap_or(false).then_some((operation, old_client)));
    }
    let owners = owners_now(db, caller, entity, entry).await?;
    let after = is_seen(db, caller, entry.client_id, &owners).await?;
    Ok(match (before, after) {
        (None | Some(true), true) => Some((operation, entry.client_id)),
        (Some(false), true) => Some((Operation::Created, entry.client_id)),
        (Some(true), false) => Some((Operation::Deleted, old_client)),
        _ => None,
    })
}

/// True when a state of a record is within the agent's client limits.
pub async fn was_seen(
    reader: &mut impl Read,
    caller: &Caller,
    entity: &'static Entity,
    id: i64,
    state: &Record,
) -> Result<bool> {
    if !rights::is_limited(caller) {
        return Ok(true);
    }
    let owners = rights::owners_of(entity, id, state);
    is_seen(reader, caller, rights::client_of(entity, id, state), &owners).await
}

/// The site and the user of a record that does not name its client itself.
async fn owners_now(
    db: &mut Db,
    caller: &Caller,
    entity: &'static Entity,
    entry: &Plain,
) -> Result<Vec<(EntityKind, i64)>> {
    if entry.client_id > 0 || !rights::has_owners(entity) {
        return Ok(Vec::new());
    }
    let (tenant, id) = (caller.tenant_id, entry.record_id);
    let doc = match records::doc(db, tenant, entity, id).await? {
        Some(doc) => Some(doc),
        // It is gone: what its newest change, the deletion, keeps is its last state.
        None => {
            let newest = changes::of_record(db, tenant, entity.name, id, 1).await?;
            newest.into_iter().next().and_then(|newest| newest.before)
        }
    };
    let doc = doc.unwrap_or_else(|| "{}".to_owned());
    Ok(rights::owners_of(entity, id, &Record::from_doc(entity.schema, &doc)))
}

/// True when the client, or that of every owner, is in sight. An owner that is gone is its last
/// client's.
async fn is_seen(
    db: &mut impl Read,
    caller: &Caller,
    client: i64,
    owners: &[(EntityKind, i64)],
) -> Result<bool> {
    if client > 0 {
        return Ok(rights::sees_client(caller, client));
    }
    for (kind, id) in owners {
        let entity = kind.entity();
        let client = match records::doc(db, caller.tenant_id, entity, *id).await? {
            Some(doc) => rights::client_of(entity, *id, &Record::from_doc(entity.schema, &doc)),
            None => feed::last_client(db, caller.tenant_id, entity.name, *id).await?,
        };
        if client > 0 && !rights::sees_client(caller, client) {
            return Ok(false);
        }
    }
    Ok(true)
}
