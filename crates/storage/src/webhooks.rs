//! Webhooks on their way: cursors in the change feed, and the deliveries.

use crate::db::{Db, Read, Result, Row, Tx, Value};

/// The counter of delivery ids.
const COUNTER: &str = "webhook_delivery";

/// An enabled webhook and where it is in the feed.
#[derive(Clone, Debug)]
pub struct Follower {
    pub webhook_id: i64,
    pub doc: String,
    /// `None` for one that came back from the history.
    pub cursor: Option<Cursor>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The change with which it was enabled.
    pub start_seq: i64,
    /// -1 before its place is known.
    pub position: i64,
}

/// The tenants that have a webhook or something to deliver, except suspended ones.
pub async fn tenants(db: &Db) -> Result<Vec<i64>> {
    let sql = "SELECT t.id FROM tenant t WHERE t.suspended_at IS NULL AND \
               (EXISTS (SELECT 1 FROM webhook w WHERE w.tenant_id = t.id) OR \
               EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.tenant_id = t.id \
               AND d.state = 'pending')) ORDER BY t.id";
    Ok(db.query(sql, &[]).await?.iter().map(|row| row.int(0)).collect())
}

/// How many webhooks a tenant has.
pub async fn count(reader: &mut impl Read, tenant: i64) -> Result<i64> {
    let rows =
        reader.query("SELECT count(*) FROM webhook WHERE tenant_id = $1", &[tenant.into()]).await?;
    Ok(rows.first().map_or(0, |row| row.int(0)))
}

/// Lets a webhook begin behind the change `start_seq`.
pub async fn begin(tx: &mut Tx, tenant: i64, webhook_id: i64, start_seq: i64) -> Result<()> {
    let sql = "INSERT INTO webhook_cursor (tenant_id, webhook_id, start_seq, position) \
               VALUES ($1, $2, $3, -1) ON CONFLICT (tenant_id, webhook_id) \
               DO UPDATE SET start_seq = $3, position = -1";
    tx.execute(sql, &[tenant.into(), webhook_id.into(), start_seq.into()]).await.map(drop)
}

/// A webhook follows the feed no more.
pub async fn end(tx: &mut Tx, tenant: i64, webhook_id: i64) -> Result<()> {
    let sql = "DELETE FROM webhook_cursor WHERE tenant_id = $1 AND webhook_id = $2";
    tx.execute(sql, &[tenant.into(), webhook_id.into()]).await.map(drop)
}

/// The enabled webhooks of a tenant.
pub async fn followers(reader: &mut impl Read, tenant: i64) -> Result<Vec<Follower>> {
    let sql = "SELECT w.id, w.doc, c.start_seq, c.position FROM webhook w LEFT JOIN webhook_cursor c \
               ON c.tenant_id = w.tenant_id AND c.webhook_id = w.id \
               WHERE w.tenant_id = $1 AND w.enabled = 1 ORDER BY w.id";
    let mut rows = reader.query(sql, &[tenant.into()]).await?;
    let follower = |row: &mut Row| Follower {
        webhook_id: row.int(0),
        doc: row.take_text(1),
        cursor: (!row.is_null(2)).then(|| Cursor { start_seq: row.int(2), position: row.int(3) }),
    };
    Ok(rows.iter_mut().map(follower).collect())
}

/// The place of a change in the feed; 0 when it has none or is gone.
pub async fn position_of(reader: &mut impl Read, tenant: i64, seq: i64) -> Result<i64> {
    let column = reader.dialect().feed_position();
    let sql = format!("SELECT {column} FROM change WHERE tenant_id = $1 AND seq = $2");
    let rows = reader.query(&sql, &[tenant.into(), seq.into()]).await?;
    Ok(rows.first().map_or(0, |row| row.int(0)))
}

/// Moves a webhook on; false when somebody else has, or it was disabled meanwhile.
pub async fn advance(
    tx: &mut Tx,
    tenant: i64,
    webhook_id: i64,
    from: Cursor,
    position: i64,
) -> Result<bool> {
    let sql = "UPDATE webhook_cursor SET position = $5 WHERE tenant_id = $1 AND webhook_id = $2 \
               AND start_seq = $3 AND position = $4";
    let params = [
        tenant.into(),
        webhook_id.into(),
        from.start_seq.into(),
        from.position.into(),
        position.into(),
    ];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// Something to be sent.
#[derive(Clone, Debug)]
pub struct New {
    pub webhook_id: i64,
    pub event_id: String,
    pub entity: String,
    pub record_id: i64,
    pub event: String,
    /// The delivery whose repetition this is, or 0.
    pub replay_of: i64,
    pub body: String,
}

/// Queues deliveries in this order; returns the first id, the others follow it.
pub async fn enqueue(tx: &mut Tx, tenant: i64, now: i64, deliveries: Vec<New>) -> Result<i64> {
    let count = i64::try_from(deliveries.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(0);
    }
    let first = tx.reserve_ids(tenant, COUNTER, count).await?;
    let sql = "INSERT INTO webhook_delivery (tenant_id, id, webhook_id, event_id, entity, record_id, \
               event, state, attempts, created_at, next_at, last_at, response_code, duration_ms, \
               error, replay_of, body) VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8, $8, 0, \
               0, 0, '', $9, $10)";
    let rows: Vec<Vec<Value>> = deliveries
        .into_iter()
        .zip(first..)
        .map(|(new, id)| {
            vec![
                tenant.into(),
                id.into(),
                new.webhook_id.into(),
                new.event_id.into(),
                new.entity.into(),
                new.record_id.into(),
                new.event.into(),
                now.into(),
                new.replay_of.into(),
                new.body.into(),
            ]
        })
        .collect();
    tx.execute_many(sql, &rows).await?;
    Ok(first)
}

/// A delivery whose turn it is.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: i64,
    pub webhook_id: i64,
    pub event_id: String,
    pub event: String,
    /// Before this one.
    pub attempts: i64,
    pub body: String,
    /// The webhook's document.
    pub doc: String,
}

/// The webhooks that have something whose time has come.
pub async fn due_webhooks(reader: &mut impl Read, tenant: i64, now: i64) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT webhook_id FROM webhook_delivery WHERE tenant_id = $1 \
               AND state = 'pending' AND next_at <= $2 ORDER BY webhook_id";
    Ok(reader
        .query(sql, &[tenant.into(), now.into()])
        .await?
        .iter()
        .map(|row| row.int(0))
        .collect())
}

/// The oldest deliveries of a webhook whose time has come, at most one of each record: what comes
/// later waits until it is delivered or parked. A disabled webhook gets nothing but tests.
pub async fn due(
    reader: &mut impl Read,
    tenant: i64,
    webhook_id: i64,
    now: i64,
    limit: i64,
) -> Result<Vec<Due>> {
    let sql = "SELECT d.id, d.webhook_id, d.event_id, d.event, d.attempts, d.body, w.doc \
               FROM webhook_delivery d JOIN webhook w ON w.tenant_id = d.tenant_id \
               AND w.id = d.webhook_id WHERE d.tenant_id = $1 AND d.webhook_id = $2 \
               AND d.state = 'pending' AND d.next_at <= $3 AND (w.enabled = 1 OR d.event = 'test') \
               AND NOT EXISTS (SELECT 1 FROM webhook_delivery e WHERE e.tenant_id = d.tenant_id \
               AND e.webhook_id = d.webhook_id AND e.entity = d.entity \
               AND e.record_id = d.record_id AND e.state = 'pending' AND e.id < d.id) \
               ORDER BY d.id LIMIT $4";
    let params = [tenant.into(), webhook_id.into(), now.into(), limit.into()];
    let mut rows = reader.query(sql, &params).await?;
    let due = |row: &mut Row| Due {
        id: row.int(0),
        webhook_id: row.int(1),
        event_id: row.take_text(2),
        event: row.take_text(3),
        attempts: row.int(4),
        body: row.take_text(5),
        doc: row.take_text(6),
    };
    Ok(rows.iter_mut().map(due).collect())
}

/// Takes a delivery for one attempt; false when another server was faster. It is not due again
/// before `until`, so that an attempt whose server dies is repeated.
pub async fn claim(tx: &mut Tx, tenant: i64, due: &Due, now: i64, until: i64) -> Result<bool> {
    let sql = "UPDATE webhook_delivery SET attempts = attempts + 1, next_at = $5, last_at = $4 \
               WHERE tenant_id = $1 AND id = $2 AND state = 'pending' AND attempts = $3";
    let params = [tenant.into(), due.id.into(), due.attempts.into(), now.into(), until.into()];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// What became of an attempt.
pub struct Outcome {
    pub state: State,
    /// 0 when there was no response.
    pub response_code: i64,
    pub duration_ms: i64,
    /// Empty when all went well.
    pub error: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Delivered,
    /// Again at this time.
    Pending {
        next_at: i64,
    },
    /// Never again, unless somebody asks for it.
    Parked,
}

/// Notes the outcome of an attempt that was claimed.
pub async fn finish(tx: &mut Tx, tenant: i64, due: &Due, outcome: &Outcome) -> Result<()> {
    let (state, next_at) = match outcome.state {
        State::Delivered => ("delivered", 0),
        State::Pending { next_at } => ("pending", next_at),
        State::Parked => ("parked", 0),
    };
    let sql = "UPDATE webhook_delivery SET state = $4, next_at = $5, response_code = $6, \
               duration_ms = $7, error = $8 WHERE tenant_id = $1 AND id = $2 AND state = 'pending' \
               AND attempts = $3";
    let params = [
        tenant.into(),
        due.id.into(),
        (due.attempts + 1).into(),
        state.into(),
        next_at.into(),
        outcome.response_code.into(),
        outcome.duration_ms.into(),
        outcome.error.as_str().into(),
    ];
    tx.execute(sql, &params).await.map(drop)
}

/// Parks what waits for webhooks that are gone, and forgets where those were.
pub async fn park_orphans(db: &Db, tenant: i64) -> Result<()> {
    let orphan = "tenant_id = $1 AND webhook_id NOT IN \
                  (SELECT w.id FROM webhook w WHERE w.tenant_id = $1)";
    let find = format!(
        "SELECT 1 FROM webhook_delivery WHERE state = 'pending' AND {orphan} \
         UNION ALL SELECT 1 FROM webhook_cursor WHERE {orphan}"
    );
    if db.query(&find, &[tenant.into()]).await?.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    let sql = format!(
        "UPDATE webhook_delivery SET state = 'parked', next_at = 0, \
         error = 'the webhook was deleted' WHERE state = 'pending' AND {orphan}"
    );
    tx.execute(&sql, &[tenant.into()]).await?;
    let sql = format!("DELETE FROM webhook_cursor WHERE {orphan}");
    tx.execute(&sql, &[tenant.into()]).await?;
    tx.commit().await
}

/// Forgets what was delivered or parked and queued before `before` (milliseconds since 1970).
pub async fn expire(tx: &mut Tx, before: i64) -> Result<u64> {
    let sql = "DELETE FROM webhook_delivery WHERE created_at < $1 AND state <> 'pending'";
    tx.execute(sql, &[before.into()]).await
}

/// A delivery in the log.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: i64,
    pub webhook_id: i64,
    pub event_id: String,
    pub entity: String,
    pub record_id: i64,
    pub event: String,
    pub state: String,
    pub attempts: i64,
    pub created_at: i64,
    pub next_at: i64,
    pub last_at: i64,
    pub response_code: i64,
    pub duration_ms: i64,
    pub error: String,
    pub replay_of: i64,
    pub body: String,
}

const COLUMNS: &str = "id, webhook_id, event_id, entity, record_id, event, state, attempts, \
                       created_at, next_at, last_at, response_code, duration_ms, error, replay_of, \
                       body";

fn entry(row: &mut Row) -> Entry {
    Entry {
        id: row.int(0),
        webhook_id: row.int(1),
        event_id: row.take_text(2),
        entity: row.take_text(3),
        record_id: row.int(4),
        event: row.take_text(5),
        state: row.take_text(6),
        attempts: row.int(7),
        created_at: row.int(8),
        next_at: row.int(9),
        last_at: row.int(10),
        response_code: row.int(11),
        duration_ms: row.int(12),
        error: row.take_text(13),
        replay_of: row.int(14),
        body: row.take_text(15),
    }
}

/// What the log is narrowed by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// 0 = of all.
    pub webhook_id: i64,
    /// `pending`, `delivered` or `parked`; empty = all.
    pub state: &'a str,
    /// Only ids below this; 0 = all.
    pub before: i64,
    pub limit: i64,
}

/// The log, newest first.
pub async fn log(reader: &mut impl Read, tenant: i64, wanted: Wanted<'_>) -> Result<Vec<Entry>> {
    let mut sql = format!("SELECT {COLUMNS} FROM webhook_delivery WHERE tenant_id = $1");
    let mut params: Vec<Value> = vec![tenant.into(), wanted.limit.into()];
    let conditions = [
        (wanted.webhook_id > 0, "webhook_id =", Value::from(wanted.webhook_id)),
        (!wanted.state.is_empty(), "state =", Value::from(wanted.state)),
        (wanted.before > 0, "id <", Value::from(wanted.before)),
    ];
    for (_, condition, value) in conditions.into_iter().filter(|(asked, ..)| *asked) {
        params.push(value);
        sql.push_str(&format!(" AND {condition} ${}", params.len()));
    }
    sql.push_str(" ORDER BY id DESC LIMIT $2");
    Ok(reader.query(&sql, &params).await?.iter_mut().map(entry).collect())
}

/// One delivery.
pub async fn get(reader: &mut impl Read, tenant: i64, id: i64) -> Result<Option<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM webhook_delivery WHERE tenant_id = $1 AND id = $2");
    let mut rows = reader.query(&sql, &[tenant.into(), id.into()]).await?;
    Ok(rows.first_mut().map(entry))
}
