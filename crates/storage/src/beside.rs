//! What belongs to a record without being part of its document: with what somebody signs in, who
//! has read a popup, into what a client was merged. History keeps it as JSON text.

use std::collections::HashMap;

use aureole_catalogue::EntityKind;
use serde_json::{Value as Json, json};

use crate::db::{Read, Result, Tx, Value};
use crate::{records, tokens};

/// True for kinds that have something beside their documents.
pub fn has(kind: EntityKind) -> bool {
    matches!(
        kind,
        EntityKind::Client | EntityKind::User | EntityKind::Agent | EntityKind::PopupNote
    )
}

/// The kind's name in the table of credentials.
fn subject(kind: EntityKind) -> &'static str {
    if kind == EntityKind::Agent { "agent" } else { "user" }
}

/// What is beside these records, by id; empty for kinds that have nothing.
pub async fn read(
    reader: &mut impl Read,
    tenant: i64,
    kind: EntityKind,
    ids: &[i64],
) -> Result<HashMap<i64, String>> {
    if !has(kind) || ids.is_empty() {
        return Ok(HashMap::new());
    }
    let dialect = reader.dialect();
    let in_ids = |column| dialect.in_ids(column, 2);
    let mut params = vec![tenant.into(), Value::ids(ids)];
    let (sql, member) = match kind {
        EntityKind::Client => {
            let own = in_ids("id");
            let sql = format!("SELECT id, merged_into FROM client WHERE tenant_id = $1 AND {own}");
            (sql, "merged_into")
        }
        EntityKind::PopupNote => {
            let own = in_ids("popup_id");
            let sql = format!(
                "SELECT popup_id, agent_id, status FROM popup_read WHERE tenant_id = $1 AND {own} \
                 ORDER BY popup_id, agent_id"
            );
            (sql, "read")
        }
        _ => {
            let own = in_ids("subject_id");
            params.push(subject(kind).into());
            let sql = format!(
                "SELECT subject_id, login_key, password_hash FROM credential \
                 WHERE tenant_id = $1 AND {own} AND kind = $3 ORDER BY subject_id, login_key"
            );
            (sql, "credentials")
        }
    };
    let mut found: HashMap<i64, Json> = ids
        .iter()
        .map(|id| (*id, if member == "merged_into" { json!(0) } else { json!([]) }))
        .collect();
    for row in reader.query(&sql, &params).await? {
        let Some(entry) = found.get_mut(&row.int(0)) else { continue };
        match entry {
            Json::Array(list) if member == "read" => list.push(json!([row.int(1), row.int(2)])),
            Json::Array(list) => list.push(json!([row.text(1), row.text(2)])),
            other => *other = json!(row.int(1)),
        }
    }
    Ok(found.into_iter().map(|(id, value)| (id, json!({ member: value }).to_string())).collect())
}

/// Makes what is beside a record this.
pub async fn write(tx: &mut Tx, tenant: i64, kind: EntityKind, id: i64, text: &str) -> Result<()> {
    let value: Json = serde_json::from_str(text).unwrap_or(Json::Null);
    let list = |member: &str| value.get(member).and_then(Json::as_array).cloned();
    match kind {
        EntityKind::Client => {
            let into = value.get("merged_into").and_then(Json::as_i64).unwrap_or(0);
            records::set_merged(tx, tenant, id, into).await
        }
        EntityKind::PopupNote => {
            crate::popups::reset(tx, tenant, &[id]).await?;
            for one in list("read").unwrap_or_default() {
                let (agent, status) = (one[0].as_i64(), one[1].as_i64());
                if let (Some(agent), Some(status)) = (agent, status) {
                    crate::popups::set_status(tx, tenant, agent, id, status).await?;
                }
            }
            Ok(())
        }
        EntityKind::User | EntityKind::Agent => {
            let credentials = list("credentials").unwrap_or_default();
            let logins: Vec<String> =
                credentials.iter().filter_map(|one| one[0].as_str().map(str::to_owned)).collect();
            match credentials.first().and_then(|one| one[1].as_str()) {
                Some(hash) => {
                    tokens::set_credential(tx, tenant, subject(kind), id, &logins, hash).await
                }
                None => tokens::delete_credentials(tx, tenant, subject(kind), &[id]).await,
            }
        }
        _ => Ok(()),
    }
}

/// Forgets what is beside records that are gone; a client's goes with its row.
pub async fn delete(tx: &mut Tx, tenant: i64, kind: EntityKind, ids: &[i64]) -> Result<()> {
    match kind {
        EntityKind::PopupNote => crate::popups::reset(tx, tenant, ids).await,
        EntityKind::User | EntityKind::Agent => {
            tokens::delete_credentials(tx, tenant, subject(kind), ids).await
        }
        _ => Ok(()),
    }
}

/// True when somebody can sign in with what this text says.
pub fn has_password(text: &str) -> bool {
    let value: Json = serde_json::from_str(text).unwrap_or(Json::Null);
    value.get("credentials").and_then(Json::as_array).is_some_and(|list| !list.is_empty())
}

/// The client into which this text says that one was merged; 0 for none.
pub fn merged_into(text: &str) -> i64 {
    let value: Json = serde_json::from_str(text).unwrap_or(Json::Null);
    value.get("merged_into").and_then(Json::as_i64).unwrap_or(0)
}
