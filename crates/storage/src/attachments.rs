//! The contents of stored files, in parts of base64 text.

use crate::db::{Read, Result, Tx, Value};

/// The counter of contents.
pub const COUNTER: &str = "AttachmentFile";
/// Characters of one part: a multiple of 4, so that every part is base64 by itself.
const PART_CHARS: usize = 256 * 1024;
/// Contents that one purge removes at most.
const PURGE: i64 = 1_000;

/// Stores a content under a new id. `base64` is canonical: padded, without white space.
pub async fn put(tx: &mut Tx, tenant: i64, file_id: i64, base64: &str) -> Result<()> {
    let file = "INSERT INTO attachment_file (tenant_id, id) VALUES ($1, $2)";
    tx.execute(file, &[tenant.into(), file_id.into()]).await?;
    let sql =
        "INSERT INTO attachment_part (tenant_id, file_id, part, data) VALUES ($1, $2, $3, $4)";
    // Canonical base64 is plain ASCII, so it can be cut anywhere.
    let mut rest = base64;
    let mut part = 0_i64;
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(rest.len().min(PART_CHARS));
        tx.execute(sql, &[tenant.into(), file_id.into(), part.into(), head.into()]).await?;
        rest = tail;
        part += 1;
    }
    Ok(())
}

/// One part of a content, from 0; `None` behind the last one.
pub async fn part(
    reader: &mut impl Read,
    tenant: i64,
    file_id: i64,
    part: i64,
) -> Result<Option<String>> {
    let sql =
        "SELECT data FROM attachment_part WHERE tenant_id = $1 AND file_id = $2 AND part = $3";
    let mut rows = reader.query(sql, &[tenant.into(), file_id.into(), part.into()]).await?;
    Ok(rows.first_mut().map(|row| row.take_text(0)))
}

/// True when a stored content is this one. `base64` is canonical.
pub async fn is(reader: &mut impl Read, tenant: i64, file_id: i64, base64: &str) -> Result<bool> {
    let mut rest = base64;
    for number in 0.. {
        let Some(stored) = part(reader, tenant, file_id, number).await? else { break };
        match rest.strip_prefix(stored.as_str()) {
            Some(left) => rest = left,
            None => return Ok(false),
        }
    }
    Ok(rest.is_empty())
}

/// Notes that no record has these contents any more.
pub async fn release(tx: &mut Tx, tenant: i64, file_ids: &[i64], now: i64) -> Result<()> {
    let condition = tx.dialect().in_ids("id", 3);
    let sql =
        format!("UPDATE attachment_file SET released_at = $2 WHERE tenant_id = $1 AND {condition}");
    tx.execute(&sql, &[tenant.into(), now.into(), Value::ids(file_ids)]).await.map(drop)
}

/// Forgets contents that were released before this moment (milliseconds since 1970) and that no
/// record has: history could have brought one back. Returns how many went.
pub async fn expire(tx: &mut Tx, before: i64) -> Result<u64> {
    let sql = "SELECT f.tenant_id, f.id FROM attachment_file f \
               WHERE f.released_at > 0 AND f.released_at < $1 AND NOT EXISTS \
               (SELECT 1 FROM attachment a WHERE a.tenant_id = f.tenant_id AND a.linked_version_id = f.id) \
               ORDER BY f.tenant_id, f.id LIMIT $2";
    let rows = tx.query(sql, &[before.into(), PURGE.into()]).await?;
    let mut gone = 0;
    for row in rows {
        let key = [Value::from(row.int(0)), Value::from(row.int(1))];
        for sql in [
            "DELETE FROM attachment_part WHERE tenant_id = $1 AND file_id = $2",
            "DELETE FROM attachment_file WHERE tenant_id = $1 AND id = $2",
        ] {
            tx.execute(sql, &key).await?;
        }
        gone += 1;
    }
    Ok(gone)
}
