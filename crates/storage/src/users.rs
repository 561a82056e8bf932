//! Questions about end users that no generic statement answers.

use std::collections::HashMap;

use aureole_catalogue::EntityKind;

use crate::db::{Read, Result};
use crate::records::Sight;
use crate::sql;

/// How many active users the clients of each top level have, without those of the levels below it.
/// Clients out of sight do not count.
pub async fn by_top_level(
    reader: &mut impl Read,
    tenant: i64,
    sight: Option<Sight<'_>>,
) -> Result<HashMap<i64, i64>> {
    let in_sight = sql::in_sight(EntityKind::Client, "c", sight);
    let sql = format!(
        "SELECT c.toplevel_id, count(*) FROM end_user u \
         JOIN client c ON c.tenant_id = u.tenant_id AND c.id = u.client_id \
         WHERE u.tenant_id = $1 AND u.inactive = 0{in_sight} GROUP BY c.toplevel_id"
    );
    let rows = reader.query(&sql, &[tenant.into()]).await?;
    Ok(rows.iter().map(|row| (row.int(0), row.int(1))).collect())
}
