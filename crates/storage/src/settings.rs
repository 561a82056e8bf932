//! A tenant's settings: name and JSON value.

use crate::db::{Read, Result, Tx};

/// All settings of a tenant.
pub async fn all(reader: &mut impl Read, tenant: i64) -> Result<Vec<(String, String)>> {
    let sql = "SELECT name, value FROM setting WHERE tenant_id = $1 ORDER BY name";
    let rows = reader.query(sql, &[tenant.into()]).await?;
    Ok(rows.iter().map(|row| (row.text(0).to_owned(), row.text(1).to_owned())).collect())
}

/// Sets one.
pub async fn set(tx: &mut Tx, tenant: i64, name: &str, value: &str) -> Result<()> {
    let sql = "INSERT INTO setting (tenant_id, name, value) VALUES ($1, $2, $3) \
               ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value";
    tx.execute(sql, &[tenant.into(), name.into(), value.into()]).await.map(drop)
}
