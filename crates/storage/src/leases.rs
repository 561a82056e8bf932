//! Leases: of several servers on one database, one at a time does a piece of work.

use crate::db::{Db, Result};

/// Takes or prolongs a lease until `until`; false while another holder has it. Times are in
/// milliseconds since 1970.
pub async fn hold(
    db: &Db,
    tenant: i64,
    name: &str,
    holder: &str,
    (now, until): (i64, i64),
) -> Result<bool> {
    let mut tx = db.begin().await?;
    let sql = "INSERT INTO lease (tenant_id, name, holder, until) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (tenant_id, name) DO UPDATE SET holder = $3, until = $4 \
               WHERE lease.holder = $3 OR lease.until < $5";
    let params = [tenant.into(), name.into(), holder.into(), until.into(), now.into()];
    let held = tx.execute(sql, &params).await? == 1;
    tx.commit().await?;
    Ok(held)
}

/// Gives a lease up, so that another server need not wait for its end.
pub async fn release(db: &Db, tenant: i64, name: &str, holder: &str) -> Result<()> {
    let mut tx = db.begin().await?;
    let sql = "DELETE FROM lease WHERE tenant_id = $1 AND name = $2 AND holder = $3";
    tx.execute(sql, &[tenant.into(), name.into(), holder.into()]).await?;
    tx.commit().await
}
