//! Questions about end users that no generic statement answers.

use std::collections::HashMap;

use crate::db::{Read, Result};

/// How many active users the clients of each top level have, without those of the levels below it.
pub async fn by_top_level(reader: &mut impl Read, tenant: i64) -> Result<HashMap<i64, i64>> {
    let sql = "SELECT c.toplevel_id, count(*) FROM end_user u \
               JOIN client c ON c.tenant_id = u.tenant_id AND c.id = u.client_id \
               WHERE u.tenant_id = $1 AND u.inactive = 0 GROUP BY c.toplevel_id";
    let rows = reader.query(sql, &[tenant.into()]).await?;
    Ok(rows.iter().map(|row| (row.int(0), row.int(1))).collect())
}
