//! The prepay ledger's rows, and what keeps the background from buying twice.

use crate::db::{Read, Result, Tx, Value};

/// One row of a ledger: the record's id and its document.
pub type Entry = (i64, String);

/// The lots of a client, by id.
pub async fn lots(reader: &mut impl Read, tenant: i64, client_id: i64) -> Result<Vec<Entry>> {
    entries(reader, "prepay_lot", tenant, client_id).await
}

/// What a client used, by id.
pub async fn uses(reader: &mut impl Read, tenant: i64, client_id: i64) -> Result<Vec<Entry>> {
    entries(reader, "prepay_use", tenant, client_id).await
}

async fn entries(
    reader: &mut impl Read,
    table: &str,
    tenant: i64,
    client_id: i64,
) -> Result<Vec<Entry>> {
    let sql =
        format!("SELECT id, doc FROM {table} WHERE tenant_id = $1 AND client_id = $2 ORDER BY id");
    let mut rows = reader.query(&sql, &[tenant.into(), client_id.into()]).await?;
    Ok(rows.iter_mut().map(|row| (row.int(0), row.take_text(1))).collect())
}

/// The lot that takes this one back, when there is one.
pub async fn reversal_of(reader: &mut impl Read, tenant: i64, lot_id: i64) -> Result<Option<i64>> {
    // `reverses_id > 0` is what the partial index has.
    let sql =
        "SELECT id FROM prepay_lot WHERE tenant_id = $1 AND reverses_id = $2 AND reverses_id > 0";
    let rows = reader.query(sql, &[tenant.into(), lot_id.into()]).await?;
    Ok(rows.first().map(|row| row.int(0)))
}

/// The active clients with a recurring prepay date or an automatic top-up, as id and document;
/// `after` is the last id of the batch before, 0 for the first.
pub async fn candidates(
    reader: &mut impl Read,
    tenant: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<Entry>> {
    // The last condition is the partial index's own, word for word.
    let sql = "SELECT id, doc FROM client WHERE tenant_id = $1 AND id > $2 AND inactive = 0 AND \
               (doc LIKE '%\"autotopup%' OR doc LIKE '%\"prepayrecurringchargenextdate\"%') \
               ORDER BY id LIMIT $3";
    let mut rows = reader.query(sql, &[tenant.into(), after.into(), limit.into()]).await?;
    Ok(rows.iter_mut().map(|row| (row.int(0), row.take_text(1))).collect())
}

/// Takes a client for this transaction; false when it is gone, or another one works on it.
pub async fn claim(tx: &mut Tx, tenant: i64, client_id: i64) -> Result<bool> {
    let sql = format!(
        "SELECT id FROM client WHERE tenant_id = $1 AND id = $2{}",
        tx.dialect().for_update_skip_locked()
    );
    Ok(!tx.query(&sql, &[tenant.into(), client_id.into()]).await?.is_empty())
}

/// One purchase of the background.
pub struct Run<'a> {
    pub client_id: i64,
    /// `recurring` or `topup`.
    pub kind: &'static str,
    /// A due date in the stored form, or what else occurs once.
    pub due: &'a str,
    pub lot_id: i64,
}

/// Notes a purchase; false when it was made before. `now` is in milliseconds since 1970.
pub async fn mark_run(tx: &mut Tx, tenant: i64, run: &Run<'_>, now: i64) -> Result<bool> {
    let sql = "INSERT INTO prepay_run (tenant_id, client_id, kind, due, lot_id, at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, client_id, kind, due) DO NOTHING";
    let params: [Value; 6] = [
        tenant.into(),
        run.client_id.into(),
        run.kind.into(),
        run.due.into(),
        run.lot_id.into(),
        now.into(),
    ];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// The date from which a client's `next_date` was worked out, when it was.
pub async fn anchor(
    reader: &mut impl Read,
    tenant: i64,
    client_id: i64,
    next_date: &str,
) -> Result<Option<String>> {
    let sql = "SELECT anchor FROM prepay_anchor WHERE tenant_id = $1 AND client_id = $2 AND next_date = $3";
    let params = [tenant.into(), client_id.into(), next_date.into()];
    let mut rows = reader.query(sql, &params).await?;
    Ok(rows.first_mut().map(|row| row.take_text(0)))
}

/// Remembers from which date a client's `next_date` was worked out.
pub async fn set_anchor(
    tx: &mut Tx,
    tenant: i64,
    client_id: i64,
    next_date: &str,
    anchor: &str,
) -> Result<()> {
    let sql = "INSERT INTO prepay_anchor (tenant_id, client_id, next_date, anchor) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (tenant_id, client_id, next_date) DO UPDATE SET anchor = excluded.anchor";
    let params = [tenant.into(), client_id.into(), next_date.into(), anchor.into()];
    tx.execute(sql, &params).await.map(drop)
}
