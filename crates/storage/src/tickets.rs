//! Counts over tickets.

use std::collections::HashMap;

use crate::db::{Read, Result, Value};

/// The counts of each record that has tickets, by the id in `column` (`client_id`, `site_id`):
/// open (on hold included), on hold, all but opportunities, opened since `month` (a stored
/// date-time), and open opportunities.
pub async fn ticket_counts(
    reader: &mut impl Read,
    tenant: i64,
    column: &str,
    ids: &[i64],
    month: &str,
) -> Result<HashMap<i64, [i64; 5]>> {
    let condition = reader.dialect().in_ids(&format!("\"{column}\""), 2);
    let open = "\"dateclosed\" = ''";
    let plain = "\"isopportunity\" = 0";
    let count = |condition: &str| format!("count(CASE WHEN {condition} THEN 1 END)");
    let sql = format!(
        "SELECT \"{column}\", {}, {}, {}, {}, {} FROM ticket \
         WHERE tenant_id = $1 AND {condition} GROUP BY \"{column}\"",
        count(&format!("{plain} AND {open}")),
        count(&format!("{plain} AND {open} AND \"onhold\" = 1")),
        count(plain),
        count(&format!("{plain} AND \"dateoccurred\" >= $3")),
        count(&format!("\"isopportunity\" = 1 AND {open}")),
    );
    let params = [tenant.into(), Value::ids(ids), month.into()];
    let rows = reader.query(&sql, &params).await?;
    Ok(rows.iter().map(|row| (row.int(0), [1, 2, 3, 4, 5].map(|at| row.int(at)))).collect())
}
