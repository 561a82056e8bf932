//! The change feed as callers see it: which changes, and how each is told.

pub mod cursor;
pub mod hub;
pub mod sight;

use std::collections::HashMap;

use aureole_catalogue::render::View;
use aureole_catalogue::{ENTITIES, Entity, EntityKind, Record, Show};
use aureole_storage::Db;
use aureole_storage::changes::Operation;
use aureole_storage::feed::{self, Ends, Row};
use aureole_storage::records::{self, Stored};
use serde_json::{Value, json};

use crate::api::list::row;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{ApiError, Result};
use crate::rights;
use cursor::Since;
use hub::PLACED_AT_A_TIME;

/// Pages that are read at most for one that has anything for the caller.
const LOOKS: usize = 10;

/// What is asked of the feed.
pub struct Ask {
    /// Empty = every kind that the caller may read.
    pub wanted: Vec<&'static Entity>,
    pub limit: i64,
    /// Each change with the record.
    pub records: bool,
}

/// A change that concerns the caller.
pub struct Seen {
    pub row: Row,
    pub entity: &'static Entity,
    /// What happened, as the caller sees it.
    pub operation: Operation,
    /// The client that the record belongs to, or did when it was last in sight.
    pub client_id: i64,
}

/// Some changes in their order.
pub struct Page {
    pub changes: Vec<Seen>,
    /// Everything up to here is in this page, or not for the caller.
    pub position: i64,
    /// There is more, or there may be.
    pub more: bool,
}

/// The position behind which a reader begins.
///
/// # Errors
/// 400 for a cursor behind which something is missing.
pub async fn begin(app: &App, tenant: i64, since: Since) -> Result<i64> {
    let mut db = app.db.of(tenant);
    match since {
        Since::Oldest => Ok(0),
        Since::Now => {
            hub::place_all(app, tenant).await?;
            Ok(feed::ends(&mut db, tenant).await?.last)
        }
        Since::After(position) => {
            let mut ends = feed::ends(&mut db, tenant).await?;
            if position > ends.last {
                // Another process may have given it, and this one's view may be a moment old; a
                // write transaction never is.
                let mut tx = db.begin().await?;
                ends = feed::ends(&mut tx, tenant).await?;
                tx.rollback().await?;
            }
            check(position, ends).map(|()| position)
        }
    }
}

fn check(position: i64, ends: Ends) -> Result<()> {
    let reason = if position < ends.floor {
        "is older than the changes that are kept"
    } else if position > ends.last {
        "is newer than every change: the database is another one, or was restored"
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(
        "since",
        format!("{reason}; read the records anew and go on with the cursor of since=now"),
    ))
}

/// Reads on behind a position.
///
/// # Errors
/// 403 when the caller may not read what it wants, 400 when changes behind the position are gone.
pub async fn page(app: &App, caller: &Caller, ask: &Ask, position: i64) -> Result<Page> {
    let kinds = sight::kinds(caller, &ask.wanted)?;
    let (tenant, mut db) = (caller.tenant_id, app.db.of(caller.tenant_id));
    let placed = feed::place(&db, tenant, PLACED_AT_A_TIME).await?;
    let mut page = Page { changes: Vec::new(), position, more: placed == PLACED_AT_A_TIME };
    for _ in 0..LOOKS {
        let room = ask.limit - i64::try_from(page.changes.len()).unwrap_or(ask.limit);
        let (ends, rows) =
            feed::after(&mut db, tenant, page.position, kinds.as_deref(), room).await?;
        // 0 is the beginning, whatever has expired since.
        if page.position > 0 && page.position < ends.floor {
            check(page.position, ends)?;
        }
        let full = i64::try_from(rows.len()).is_ok_and(|count| count >= room);
        page.position = match rows.last() {
            Some(row) if full => row.position,
            _ => ends.last.max(page.position),
        };
        for row in rows {
            let Some(entity) = ENTITIES.iter().find(|entity| entity.name == row.entry.entity)
            else {
                continue;
            };
            let seen = sight::operation(&mut db, caller, entity, &row.entry).await?;
            page.changes.extend(seen.map(|(operation, client_id)| Seen {
                row,
                entity,
                operation,
                client_id,
            }));
        }
        if !full {
            return Ok(page);
        }
        if i64::try_from(page.changes.len()).is_ok_and(|count| count >= ask.limit) {
            break;
        }
    }
    page.more = true;
    Ok(page)
}

/// The changes as JSON objects, each with its record when that is asked for.
pub async fn describe(
    app: &App,
    caller: &Caller,
    changes: &[Seen],
    with_records: bool,
) -> Result<Vec<String>> {
    let mut found = HashMap::new();
    if with_records {
        found = current(app, caller, changes).await?;
    }
    let mut texts = Vec::with_capacity(changes.len());
    for seen in changes {
        let mut text = fields(app, caller.tenant_id, seen).to_string();
        if with_records {
            let record = match seen.operation {
                Operation::Deleted => last_state(app, caller, seen),
                _ => found.get(&(seen.entity.kind, seen.row.entry.record_id)).cloned(),
            };
            text.pop();
            text.push_str(",\"record\":");
            text.push_str(record.as_deref().unwrap_or("null"));
            text.push('}');
        }
        texts.push(text);
    }
    Ok(texts)
}

fn fields(app: &App, tenant: i64, seen: &Seen) -> Value {
    let entry = &seen.row.entry;
    json!({
        "cursor": cursor::write(app.db.dialect(), tenant, seen.row.position),
        "at": aureole_catalogue::value::format_millis(entry.at),
        "entity": entry.entity,
        "id": entry.record_id,
        "client_id": seen.client_id,
        "operation": seen.operation.name(),
        "rev": entry.seq,
        "application": entry.application,
        "agent_id": entry.agent_id,
        "user_id": entry.user_id,
        "request_id": entry.request_id,
        "imported": entry.imported,
        "automations": !entry.quiet,
    })
}

type Found = HashMap<(EntityKind, i64), String>;

/// The records as they are now, as GET by id shows them, of those that are there and in sight.
async fn current(app: &App, caller: &Caller, changes: &[Seen]) -> Result<Found> {
    let mut wanted: HashMap<EntityKind, Vec<i64>> = HashMap::new();
    for seen in changes.iter().filter(|seen| seen.operation != Operation::Deleted) {
        wanted.entry(seen.entity.kind).or_default().push(seen.row.entry.record_id);
    }
    let (mut found, mut db): (Found, Db) = (HashMap::new(), app.db.of(caller.tenant_id));
    for (kind, mut ids) in wanted {
        ids.sort_unstable();
        ids.dedup();
        let prepared = app.prepared_for(caller, kind, View::Full, Show::NONE);
        let entity = kind.entity();
        let select = &prepared.select;
        for stored in records::get_many(&mut db, select, caller.tenant_id, &ids).await? {
            if rights::is_limited(caller) {
                let record = Record::from_doc(entity.schema, &stored.doc);
                if !rights::sees_stored(app, &mut db, caller, entity, stored.id, &record).await? {
                    continue;
                }
            }
            let stored = rights::without_hidden_clients(caller, kind, stored);
            let mut out = Vec::with_capacity(2048);
            prepared.plan.render(&row(&stored, &[]), &mut Vec::new(), &mut out);
            found.insert((kind, stored.id), text(out)?);
        }
    }
    Ok(found)
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| ApiError::Internal(error.to_string()))
}

/// A deleted record as it was last, without the names that it had from others. `None` when it is
/// not deleted but moved out of the caller's sight.
fn last_state(app: &App, caller: &Caller, seen: &Seen) -> Option<String> {
    let entry = &seen.row.entry;
    if entry.operation != Operation::Deleted.name() {
        return None;
    }
    let stored = Stored {
        id: entry.record_id,
        rev: entry.seq,
        updated_at: entry.at,
        doc: entry.before.clone()?,
        lookups: Vec::new(),
        pointers: Vec::new(),
    };
    let stored = rights::without_hidden_clients(caller, seen.entity.kind, stored);
    let prepared = app.prepared(seen.entity.kind, View::Full, Show::NONE);
    let mut out = Vec::with_capacity(2048);
    prepared.plan.render(&row(&stored, &[]), &mut Vec::new(), &mut out);
    String::from_utf8(out).ok()
}
