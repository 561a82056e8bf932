//! Counts over tickets.

use std::collections::HashMap;

use aureole_catalogue::EntityKind;
use aureole_catalogue::field::Tickets;

use crate::db::{Read, Result, Value};

/// What is counted, in the order of the counts of [`ticket_counts`].
pub const COUNTED: [Tickets; 5] =
    [Tickets::Open, Tickets::OnHold, Tickets::Total, Tickets::ThisMonth, Tickets::Opportunities];

/// The column of a ticket with the id of the record of `kind` that it hangs on.
pub fn column(kind: EntityKind) -> Option<&'static str> {
    match kind {
        EntityKind::Client => Some("client_id"),
        EntityKind::Site => Some("site_id"),
        _ => None,
    }
}

/// The condition for a ticket (called `alias`) that is counted; the parameter `$month` holds the
/// first moment of the month.
pub fn condition(counted: Tickets, alias: &str, month: usize) -> String {
    let open = format!("{alias}.\"dateclosed\" = ''");
    let plain = format!("{alias}.\"isopportunity\" = 0");
    match counted {
        Tickets::Open => format!("{plain} AND {open}"),
        Tickets::OnHold => format!("{plain} AND {open} AND {alias}.\"onhold\" = 1"),
        Tickets::Total => plain,
        Tickets::ThisMonth => format!("{plain} AND {alias}.\"dateoccurred\" >= ${month}"),
        Tickets::Opportunities => format!("{alias}.\"isopportunity\" = 1 AND {open}"),
    }
}

/// The counts of each record that has tickets, by the id in `column` (see [`column()`]), in the order
/// of [`COUNTED`]; `month` is the first moment of the current month, a stored date-time.
pub async fn ticket_counts(
    reader: &mut impl Read,
    tenant: i64,
    column: &str,
    ids: &[i64],
    month: &str,
) -> Result<HashMap<i64, [i64; 5]>> {
    let among = reader.dialect().in_ids(&format!("t.\"{column}\""), 2);
    let counts = COUNTED.map(|counted| {
        let condition = condition(counted, "t", 3);
        format!("count(CASE WHEN {condition} THEN 1 END)")
    });
    let sql = format!(
        "SELECT t.\"{column}\", {} FROM ticket t \
         WHERE t.tenant_id = $1 AND {among} GROUP BY t.\"{column}\"",
        counts.join(", ")
    );
    let params = [tenant.into(), Value::ids(ids), month.into()];
    let rows = reader.query(&sql, &params).await?;
    Ok(rows.iter().map(|row| (row.int(0), [1, 2, 3, 4, 5].map(|at| row.int(at)))).collect())
}
