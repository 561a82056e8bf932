//! Changes as those read them who follow what was written.

use crate::db::{Read, Result, Row};

/// One row of the history as a reader that follows it needs it.
#[derive(Clone, Debug)]
pub struct Plain {
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
pub(crate) fn plain(row: &Row, from: usize) -> Plain {
    Plain {
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

/// The changes of one record, newest first.
pub async fn of_record(
    reader: &mut impl Read,
    tenant: i64,
    entity: &str,
    record_id: i64,
    limit: i64,
) -> Result<Vec<Plain>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM change WHERE tenant_id = $1 AND entity = $2 AND record_id = $3 \
         ORDER BY {} LIMIT $4",
        reader.dialect().newest_first()
    );
    let params = [tenant.into(), entity.into(), record_id.into(), limit.into()];
    Ok(reader.query(&sql, &params).await?.iter().map(|row| plain(row, 0)).collect())
}
