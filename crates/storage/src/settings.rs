//! A tenant's settings: one record, which is there from its first change on.

use crate::db::{Result, Tx};

/// The id of the settings in every tenant.
pub const ID: i64 = 1;

/// Makes the record of a tenant that has none yet, with nothing set.
pub async fn ensure(tx: &mut Tx, tenant: i64) -> Result<()> {
    let sql = "INSERT INTO tenant_settings (tenant_id, id, rev, updated_at, doc) \
               VALUES ($1, $2, 0, 0, '{}') ON CONFLICT (tenant_id, id) DO NOTHING";
    tx.execute(sql, &[tenant.into(), ID.into()]).await.map(drop)
}
