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
    pub before: Option<String>,
}

/// The counter of change numbers.
pub const COUNTER: &str = "change";

/// Appends changes.
pub async fn append(
    tx: &mut Tx,
    tenant: i64,
    now: i64,
    author: &Author,
    changes: Vec<Change>,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO change (tenant_id, seq, commit_order, at, entity, record_id, client_id, \
         operation, application, agent_id, user_id, request_id, imported, before_doc) \
         VALUES ($1, $2, {}, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        tx.dialect().commit_order()
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
    pub before: Option<String>,
}

const COLUMNS: &str = "seq, at, entity, record_id, client_id, operation, application, agent_id, \
                       user_id, request_id, imported, before_doc";

fn entry(row: &crate::db::Row) -> Entry {
    Entry {
        seq: row.int(0),
        at: row.int(1),
        entity: row.text(2).to_owned(),
        record_id: row.int(3),
        client_id: row.int(4),
        operation: row.text(5).to_owned(),
        application: row.text(6).to_owned(),
        agent_id: row.int(7),
        user_id: row.int(8),
        request_id: row.text(9).to_owned(),
        imported: row.int(10) != 0,
        before: row.opt_text(11).map(str::to_owned),
    }
}

/// One change by its number.
pub async fn get(reader: &mut impl Read, tenant: i64, seq: i64) -> Result<Option<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM change WHERE tenant_id = $1 AND seq = $2");
    let rows = reader.query(&sql, &[tenant.into(), seq.into()]).await?;
    Ok(rows.first().map(entry))
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
         ORDER BY seq DESC LIMIT $4"
    );
    let params = [tenant.into(), entity.into(), record_id.into(), limit.into()];
    Ok(reader.query(&sql, &params).await?.iter().map(entry).collect())
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
    Ok(rows.iter().map(entry).collect())
}

/// Forgets changes older than `before` (milliseconds since 1970); returns how many.
pub async fn expire(tx: &mut Tx, before: i64) -> Result<u64> {
    tx.execute("DELETE FROM change WHERE at < $1", &[before.into()]).await
}
