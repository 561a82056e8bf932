//! From the change feed to deliveries.

use std::collections::BTreeMap;

use aureole_catalogue::keys::webhook;
use aureole_catalogue::{ENTITIES, EntityKind, Record};
use aureole_storage::changes::{self, Operation};
use aureole_storage::webhooks::{self as store, Cursor, New};
use aureole_storage::{Db, feed};
use serde_json::Value;

use crate::app::App;
use crate::error::Result;
use crate::feed::{Seen, describe, hub};
use crate::jobs;

/// Changes that become deliveries in one transaction.
const BATCH: i64 = 200;

/// An enabled webhook: where it is, and what it wants.
struct Follower {
    webhook_id: i64,
    cursor: Cursor,
    record: Record,
}

impl Follower {
    fn wants(&self, seen: &Seen) -> bool {
        let has = |key, name: &str| {
            let list = self.record.get(key).and_then(Value::as_array);
            list.is_none_or(|list| list.is_empty() || list.iter().any(|item| item == name))
        };
        let event = match seen.operation {
            // Who keeps a copy has to make the record again.
            Operation::Restored => Operation::Created,
            other => other,
        };
        has(webhook::ENTITIES, seen.entity.name) && has(webhook::EVENTS, event.name())
    }
}

/// Queues what is new for the webhooks of a tenant.
pub async fn run(app: &App, db: &Db, tenant: i64) -> Result<()> {
    loop {
        let followers = store::followers(&mut db.clone(), tenant).await?;
        if followers.is_empty() {
            return Ok(());
        }
        hub::place_all(app, tenant).await?;
        let mut by_position: BTreeMap<i64, Vec<Follower>> = BTreeMap::new();
        for found in followers {
            let Some(cursor) = cursor(db, tenant, &found).await? else { continue };
            let entity = EntityKind::Webhook.entity();
            let follower = Follower {
                webhook_id: found.webhook_id,
                cursor,
                record: Record::from_doc(entity.schema, &found.doc),
            };
            by_position.entry(cursor.position).or_default().push(follower);
        }
        let mut more = false;
        for (position, followers) in by_position {
            more |= queue(app, db, tenant, position, &followers).await?;
        }
        if !more {
            return Ok(());
        }
    }
}

/// Where a webhook is; the place of its beginning is looked up first.
async fn cursor(db: &Db, tenant: i64, found: &store::Follower) -> Result<Option<Cursor>> {
    let webhook_id = found.webhook_id;
    let start_seq = match found.cursor {
        Some(cursor) if cursor.position >= 0 => return Ok(Some(cursor)),
        Some(cursor) => cursor.start_seq,
        None => {
            // It came back from the history, which knows no cursors: it begins with its return.
            let name = EntityKind::Webhook.entity().name;
            let newest = changes::of_record(&mut db.clone(), tenant, name, webhook_id, 1).await?;
            newest.first().map_or(0, |entry| entry.seq)
        }
    };
    let mut tx = db.begin().await?;
    if found.cursor.is_none() {
        store::begin(&mut tx, tenant, webhook_id, start_seq).await?;
    }
    let position = match store::position_of(&mut tx, tenant, start_seq).await? {
        // The change has expired, so nothing older is there either.
        0 => feed::ends(&mut tx, tenant).await?.floor,
        position => position,
    };
    let from = Cursor { start_seq, position: -1 };
    let moved = store::advance(&mut tx, tenant, webhook_id, from, position).await?;
    tx.commit().await?;
    Ok(moved.then_some(Cursor { start_seq, position }))
}

/// Queues the next changes for webhooks that are at the same place; true when there may be more.
async fn queue(
    app: &App,
    db: &Db,
    tenant: i64,
    position: i64,
    followers: &[Follower],
) -> Result<bool> {
    let (ends, rows) = feed::after(&mut db.clone(), tenant, position, None, BATCH).await?;
    let Some(last) = rows.last().map(|row| row.position) else { return Ok(false) };
    if position < ends.floor {
        tracing::warn!(tenant, "changes expired before webhooks were told of them");
    }
    let more = i64::try_from(rows.len()).is_ok_and(|count| count == BATCH);
    let told: Vec<Seen> = rows.into_iter().filter_map(told).collect();
    let caller = jobs::caller(tenant);
    let wanted: Vec<Seen> = told
        .into_iter()
        .filter(|seen| followers.iter().any(|follower| follower.wants(seen)))
        .collect();
    let texts = describe(app, &caller, &wanted, true).await?;
    let tenant_name = app.auth.tenant_name(tenant);
    let mut tx = db.begin().await?;
    for follower in followers {
        let (id, from) = (follower.webhook_id, follower.cursor);
        if !store::advance(&mut tx, tenant, id, from, last).await? {
            continue;
        }
        let own = wanted.iter().zip(&texts).filter(|(seen, _)| follower.wants(seen));
        let new: Vec<New> =
            own.map(|(seen, text)| delivery(id, tenant, &tenant_name, seen, text)).collect();
        store::enqueue(&mut tx, tenant, app.clock.now_ms(), new).await?;
    }
    tx.commit().await?;
    Ok(more)
}

/// A change that webhooks are told of.
fn told(row: feed::Row) -> Option<Seen> {
    if row.entry.quiet || row.entry.entity == EntityKind::Webhook.entity().name {
        return None;
    }
    let entity = ENTITIES.iter().find(|entity| entity.name == row.entry.entity)?;
    let operation = Operation::parse(&row.entry.operation)?;
    Some(Seen { entity, operation, client_id: row.entry.client_id, row })
}

fn delivery(webhook_id: i64, tenant: i64, tenant_name: &str, seen: &Seen, text: &str) -> New {
    let entry = &seen.row.entry;
    let event_id = format!("{tenant}-{}", entry.seq);
    let name = aureole_catalogue::render::quote(tenant_name);
    let body = format!("{{\"event_id\":\"{event_id}\",\"tenant\":{name},{}", &text[1..]);
    New {
        webhook_id,
        event_id,
        entity: entry.entity.clone(),
        record_id: entry.record_id,
        event: seen.operation.name().to_owned(),
        replay_of: 0,
        body,
    }
}
