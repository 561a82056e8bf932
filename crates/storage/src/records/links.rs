//! The keys by which other products know clients, so that a second client with the same one is found
//! without reading every document.

use std::sync::OnceLock;

use aureole_catalogue::record::Record;
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Key};
use serde_json::Value as Json;

use super::Write;
use crate::db::{Read, Result, Tx, Value};

/// The fields of a client that are such keys.
pub fn link_fields() -> &'static [Key] {
    static FIELDS: OnceLock<Vec<Key>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let fields = EntityKind::Client.entity().schema.fields.iter().enumerate();
        fields.filter(|(_, field)| field.link_key).map(|(position, _)| Key(position)).collect()
    })
}

/// A key as it is compared: folded text, the digits of a positive number; `None` when it is unset.
pub fn link_value(value: Option<&Json>) -> Option<String> {
    match value? {
        Json::String(text) => Some(fold(text.trim())).filter(|text| !text.is_empty()),
        Json::Number(number) => {
            number.as_i64().filter(|number| *number > 0).map(|number| number.to_string())
        }
        _ => None,
    }
}

/// Notes the keys of written clients. What a client had before stays noted, because finding a
/// client by its key looks at the client itself.
pub(super) async fn note(tx: &mut Tx, tenant: i64, writes: &[Write<'_>]) -> Result<()> {
    let schema = EntityKind::Client.entity().schema;
    let mut rows = Vec::new();
    for write in writes {
        for key in link_fields() {
            if let Some(value) = link_value(write.record.get(*key)) {
                let name = schema.fields[key.0].name;
                rows.push(vec![tenant.into(), name.into(), value.into(), write.id.into()]);
            }
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO client_link (tenant_id, field, value, client_id) \
               VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    tx.later(sql, rows).await
}

/// Lets one transaction of a tenant at a time ask for keys that must be nobody else's.
pub async fn lock_links(tx: &mut Tx, tenant: i64) -> Result<()> {
    match tx.dialect().lock_links() {
        Some(sql) => tx.query(sql, &[tenant.into()]).await.map(drop),
        None => Ok(()),
    }
}

/// Forgets the keys of clients that are no more.
pub(super) async fn forget(tx: &mut Tx, tenant: i64, clients: &[i64]) -> Result<()> {
    let condition = tx.dialect().in_ids("client_id", 2);
    let sql = format!("DELETE FROM client_link WHERE tenant_id = $1 AND {condition}");
    tx.execute(&sql, &[tenant.into(), Value::ids(clients)]).await.map(drop)
}

/// The clients other than `but` that have, or had, this key; merged ones are left out. The caller
/// compares their records.
pub async fn linked_clients(
    reader: &mut impl Read,
    tenant: i64,
    key: Key,
    record: &Record,
    but: i64,
) -> Result<Vec<i64>> {
    let Some(value) = link_value(record.get(key)) else { return Ok(Vec::new()) };
    let name = EntityKind::Client.entity().schema.fields[key.0].name;
    let sql = "SELECT l.client_id FROM client_link l JOIN client c \
               ON c.tenant_id = l.tenant_id AND c.id = l.client_id AND c.merged_into = 0 \
               WHERE l.tenant_id = $1 AND l.field = $2 AND l.value = $3 AND l.client_id <> $4 \
               ORDER BY l.client_id";
    let params = [tenant.into(), name.into(), value.into(), but.into()];
    let rows = reader.query(sql, &params).await?;
    Ok(rows.iter().map(|row| row.int(0)).collect())
}
