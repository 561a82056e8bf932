//! First replies to requests with an `Idempotency-Key`.

use crate::db::{Read, Result, Tx};

/// What was answered the first time.
pub struct First {
    pub body_hash: String,
    pub status: i64,
    pub reply: String,
}

/// Whose key it is.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    pub tenant: i64,
    pub application: &'a str,
    pub text: &'a str,
}

/// The first reply under a key, when it is not older than `since` (milliseconds since 1970).
pub async fn find(reader: &mut impl Read, key: Key<'_>, since: i64) -> Result<Option<First>> {
    let sql = "SELECT body_hash, status, reply FROM idempotency WHERE tenant_id = $1 \
               AND application = $2 AND idempotency_key = $3 AND created_at >= $4";
    let params = [key.tenant.into(), key.application.into(), key.text.into(), since.into()];
    let mut rows = reader.query(sql, &params).await?;
    Ok(rows.first_mut().map(|row| First {
        body_hash: row.take_text(0),
        status: row.int(1),
        reply: row.take_text(2),
    }))
}

/// Keeps a first reply, in the transaction of what it tells of. An expired one gives way; a live
/// one is [`crate::Error::Unique`].
pub async fn keep(tx: &mut Tx, key: Key<'_>, first: &First, now: i64, since: i64) -> Result<()> {
    let own = [key.tenant.into(), key.application.into(), key.text.into()];
    let expired = "DELETE FROM idempotency WHERE tenant_id = $1 AND application = $2 \
                   AND idempotency_key = $3 AND created_at < $4";
    let [tenant, application, text] = own.clone();
    tx.execute(expired, &[tenant, application, text, since.into()]).await?;
    let sql = "INSERT INTO idempotency (tenant_id, application, idempotency_key, body_hash, status, \
               reply, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let [tenant, application, text] = own;
    let params = [
        tenant,
        application,
        text,
        first.body_hash.as_str().into(),
        first.status.into(),
        first.reply.as_str().into(),
        now.into(),
    ];
    tx.execute(sql, &params).await.map(drop)
}

/// Forgets first replies older than `before`.
pub async fn expire(tx: &mut Tx, before: i64) -> Result<u64> {
    tx.execute("DELETE FROM idempotency WHERE created_at < $1", &[before.into()]).await
}
