//! How far back the history goes.

use crate::db::{Read, Result, Tx};

/// Up to when the tenant's changes were forgotten, in milliseconds since 1970; 0 when none was.
pub async fn kept_from(reader: &mut impl Read, tenant: i64) -> Result<i64> {
    let sql = "SELECT kept_from FROM history_kept WHERE tenant_id = $1";
    let rows = reader.query(sql, &[tenant.into()]).await?;
    Ok(rows.first().map_or(0, |row| row.int(0)))
}

/// Forgets the tenant's changes from before `before` (milliseconds since 1970), at most `limit`, and
/// returns how many. Numbers grow with time but for those that a node had reserved, so the oldest
/// ones are at the beginning. What has no place in the feed yet stays, and so does the newest change:
/// it tells readers that nothing is newer. The feed remembers up to where it has gaps.
pub async fn expire(tx: &mut Tx, tenant: i64, before: i64, limit: i64) -> Result<u64> {
    let dialect = Read::dialect(tx);
    let position = dialect.feed_position();
    let old = format!(
        "tenant_id = $1 AND at < $2 AND {position} > 0 AND seq IN \
         (SELECT seq FROM change WHERE tenant_id = $1 ORDER BY seq LIMIT $3) \
         AND seq < (SELECT max(seq) FROM change WHERE tenant_id = $1)"
    );
    let params = [tenant.into(), before.into(), limit.into()];
    let floor = format!(
        "INSERT INTO feed (tenant_id, last_position, floor) \
         SELECT tenant_id, 0, max({position}) FROM change WHERE {old} GROUP BY tenant_id \
         ON CONFLICT (tenant_id) DO UPDATE SET floor = {}",
        dialect.greatest("feed.floor", "excluded.floor")
    );
    tx.execute(&floor, &params).await?;
    let gone = tx.execute(&format!("DELETE FROM change WHERE {old}"), &params).await?;
    if gone > 0 {
        let greatest = dialect.greatest("history_kept.kept_from", "excluded.kept_from");
        let sql = format!(
            "INSERT INTO history_kept (tenant_id, kept_from) VALUES ($1, $2) \
             ON CONFLICT (tenant_id) DO UPDATE SET kept_from = {greatest}"
        );
        tx.execute(&sql, &[tenant.into(), before.into()]).await?;
    }
    Ok(gone)
}
