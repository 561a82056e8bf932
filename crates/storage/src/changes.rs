//! History: one row for every written record, in the same transaction as the record.

use crate::db::{Read, Result, Tx, Value};

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Created,
    Updated,
    Deleted,
    Restored,
}

impl Operation {
    pub const ALL: [Operation; 4] =
        [Operation::Created, Operation::Updated, Operation::Deleted, Operation::Restored];

    pub fn parse(name: &str) -> Option<Operation> {
        Operation::ALL.into_iter().find(|operation| operation.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Operation::Created => "created",
            Operation::Updated => "updated",
            Operation::Deleted => "deleted",
            Operation::Restored => "restored",
        }
    }
}

/// Who wrote, and on behalf of which request.
#[derive(Clone, Debug, Default)]
pub struct Author {
    pub application: String,
    pub agent_id: i64,
    pub user_id: i64,
    pub request_id: String,
}

/// One written record. The document after the change is that before the record's next change, or
/// the stored one: only the earlier state is kept here.
pub struct Change {
    /// From [`Tx::reserve_ids`] for [`COUNTER`]; also the record's new `rev`.
    pub seq: i64,
    pub entity: &'static str,
    pub record_id: i64,
    /// The client that the record belongs to; 0 when it belongs to none.
    pub client_id: i64,
    pub operation: Operation,
    pub imported: bool,
    /// The request asked for no webhook.
    pub quiet: bool,
    pub before: Option<String>,
}

/// The counter of change numbers.
pub const COUNTER: &str = "change";

/// Appends changes, after the records were locked or written: the lock is what orders the changes
/// of one record.
pub async fn append(
    tx: &mut Tx,
    tenant: i64,
    now: i64,
    author: &Author,
    changes: Vec<Change>,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO change (tenant_id, seq, commit_order, at, entity, record_id, client_id, \
         operation, application, agent_id, user_id, request_id, imported, before_doc, quiet, \
         moment) VALUES ($1, $2, {}, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, {})",
        tx.dialect().commit_order(),
        tx.dialect().change_moment()
    );
    let rows: Vec<Vec<Value>> = changes
        .into_iter()
        .map(|change| {
            vec![
                tenant.into(),
                change.seq.into(),
                now.into(),
                change.entity.into(),
                change.record_id.into(),
                change.client_id.into(),
                change.operation.name().into(),
                author.application.as_str().into(),
                author.agent_id.into(),
                author.user_id.into(),
                author.request_id.as_str().into(),
                change.imported.into(),
                change.before.into(),
                change.quiet.into(),
            ]
        })
        .collect();
    match rows.as_slice() {
        [] => Ok(()),
        [row] => tx.execute(&sql, row).await.map(drop),
        rows => tx.execute_many(&sql, rows).await.map(drop),
    }
}

/// One row of the history, as stored.
#[derive(Clone, Debug)]
pub struct Entry {
    pub seq: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    pub entity: String,
    pub record_id: i64,
    pub client_id: i64,
    pub operation: String,
    pub application: String,
    pub agent_id: i64,
    pub user_id: i64,
    pub request_id: String,
    pub imported: bool,
    /// The request asked for no webhook.
    pub quiet: bool,
    pub before: Option<String>,
}

pub(crate) const COLUMNS: &str = "seq, at, entity, record_id, client_id, operation, application, \
                                  agent_id, user_id, request_id, imported, before_doc, quiet";

/// Reads [`COLUMNS`], of which the first is the row's column `from`.
pub(crate) fn entry(row: &crate::db::Row, from: usize) -> Entry {
    Entry {
        seq: row.int(from),
        at: row.int(from + 1),
        entity: row.text(from + 2).to_owned(),
        record_id: row.int(from + 3),
        client_id: row.int(from + 4),
        operation: row.text(from + 5).to_owned(),
        application: row.text(from + 6).to_owned(),
        agent_id: row.int(from + 7),
        user_id: row.int(from + 8),
        request_id: row.text(from + 9).to_owned(),
        imported: row.int(from + 10) != 0,
        before: row.opt_text(from + 11).map(str::to_owned),
        quiet: row.int(from + 12) != 0,
    }
}

/// One change by its number.
pub async fn get(reader: &mut impl Read, tenant: i64, seq: i64) -> Result<Option<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM change WHERE tenant_id = $1 AND seq = $2");
    let rows = reader.query(&sql, &[tenant.into(), seq.into()]).await?;
    Ok(rows.first().map(|row| entry(row, 0)))
}

/// The changes of one record, newest first.
pub async fn of_record(
    reader: &mut impl Read,
    tenant: i64,
    entity: &str,
    record_id: i64,
    limit: i64,
) -> Result<Vec<Entry>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM change WHERE tenant_id = $1 AND entity = $2 AND record_id = $3 \
         ORDER BY {} LIMIT $4",
        reader.dialect().newest_first()
    );
    let params = [tenant.into(), entity.into(), record_id.into(), limit.into()];
    Ok(reader.query(&sql, &params).await?.iter().map(|row| entry(row, 0)).collect())
}

/// The changes that one request made, in the order in which it made them.
pub async fn of_request(
    reader: &mut impl Read,
    tenant: i64,
    request_id: &str,
) -> Result<Vec<Entry>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM change WHERE tenant_id = $1 AND request_id = $2 ORDER BY seq"
    );
    let rows = reader.query(&sql, &[tenant.into(), request_id.into()]).await?;
    Ok(rows.iter().map(|row| entry(row, 0)).collect())
}

/// Forgets changes older than `before` (milliseconds since 1970); returns how many. The feed
/// remembers up to which position it has done so. What has no position yet stays.
pub async fn expire(tx: &mut Tx, before: i64) -> Result<u64> {
    let (position, greatest) =
        (tx.dialect().feed_position(), tx.dialect().greatest("feed.floor", "excluded.floor"));
    let floor = format!(
        "INSERT INTO feed (tenant_id, last_position, floor) SELECT tenant_id, 0, max({position}) \
         FROM change WHERE at < $1 AND {position} > 0 GROUP BY tenant_id \
         ON CONFLICT (tenant_id) DO UPDATE SET floor = {greatest}"
    );
    tx.execute(&floor, &[before.into()]).await?;
    let sql = format!(
        "DELETE FROM change WHERE at < $1 AND {position} > 0 AND {position} <= \
         (SELECT f.floor FROM feed f WHERE f.tenant_id = change.tenant_id)"
    );
    tx.execute(&sql, &[before.into()]).await
}
