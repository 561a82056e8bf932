//! Which agent has read which popup note.

use std::collections::HashMap;

use crate::db::{Read, Result, Tx, Value};

/// The agent's status of these popups: 1 read, 2 dismissed; one that is missing is unread.
pub async fn statuses(
    reader: &mut impl Read,
    tenant: i64,
    agent_id: i64,
    popups: &[i64],
) -> Result<HashMap<i64, i64>> {
    let sql = format!(
        "SELECT popup_id, status FROM popup_read WHERE tenant_id = $1 AND agent_id = $2 AND {}",
        reader.dialect().in_ids("popup_id", 3)
    );
    let rows = reader.query(&sql, &[tenant.into(), agent_id.into(), Value::ids(popups)]).await?;
    Ok(rows.iter().map(|row| (row.int(0), row.int(1))).collect())
}

/// Sets the agent's status of one popup.
pub async fn set_status(
    tx: &mut Tx,
    tenant: i64,
    agent_id: i64,
    popup_id: i64,
    status: i64,
) -> Result<()> {
    let sql = "INSERT INTO popup_read (tenant_id, popup_id, agent_id, status) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (tenant_id, popup_id, agent_id) DO UPDATE SET status = excluded.status";
    let params = [tenant.into(), popup_id.into(), agent_id.into(), status.into()];
    tx.execute(sql, &params).await.map(drop)
}

/// Makes these popups unread for everybody.
pub async fn reset(tx: &mut Tx, tenant: i64, popups: &[i64]) -> Result<()> {
    let condition = tx.dialect().in_ids("popup_id", 2);
    let sql = format!("DELETE FROM popup_read WHERE tenant_id = $1 AND {condition}");
    tx.execute(&sql, &[tenant.into(), Value::ids(popups)]).await.map(drop)
}
