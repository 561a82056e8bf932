//! Authorization codes, and the grants that ended early.
//!
//! A grant is all that came of one signing in: a code, the refresh tokens and the access tokens.
//! They share a `family`. Times are milliseconds since 1970. Codes arrive here hashed.

use crate::db::{Read, Result, Tx, Value};
use crate::tokens;

/// A code that the browser carries from the sign-in page to the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    pub tenant_id: i64,
    pub code_hash: String,
    /// What the refresh tokens that come of it share.
    pub family: String,
    pub client_id: String,
    /// As the application wrote it when it sent the browser here.
    pub redirect_uri: String,
    /// PKCE, method S256.
    pub code_challenge: String,
    /// The scopes that were granted, separated by spaces.
    pub scope: String,
    /// For the id token; empty when there was none.
    pub nonce: String,
    /// 0 for an end user.
    pub agent_id: i64,
    /// 0 for an agent.
    pub user_id: i64,
    /// When the person signed in.
    pub issued_at: i64,
    pub expires_at: i64,
    pub used_at: Option<i64>,
}

/// Stores a code; `used_at` is ignored.
pub async fn insert(tx: &mut Tx, new: &AuthorizationCode) -> Result<()> {
    let sql = "INSERT INTO authorization_code (tenant_id, code_hash, family, client_id, \
         redirect_uri, code_challenge, scope, nonce, agent_id, user_id, issued_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let params = [
        new.tenant_id.into(),
        new.code_hash.as_str().into(),
        new.family.as_str().into(),
        new.client_id.as_str().into(),
        new.redirect_uri.as_str().into(),
        new.code_challenge.as_str().into(),
        new.scope.as_str().into(),
        new.nonce.as_str().into(),
        new.agent_id.into(),
        new.user_id.into(),
        new.issued_at.into(),
        new.expires_at.into(),
    ];
    tx.execute(sql, &params).await.map(drop)
}

/// A code by its hash, used or not, expired or not.
pub async fn find(
    reader: &mut impl Read,
    tenant_id: i64,
    code_hash: &str,
) -> Result<Option<AuthorizationCode>> {
    let sql = "SELECT tenant_id, code_hash, family, client_id, redirect_uri, code_challenge, scope, \
         nonce, agent_id, user_id, issued_at, expires_at, used_at FROM authorization_code \
         WHERE tenant_id = $1 AND code_hash = $2";
    let rows = reader.query(sql, &[tenant_id.into(), code_hash.into()]).await?;
    Ok(rows.into_iter().next().map(|mut row| AuthorizationCode {
        tenant_id: row.int(0),
        code_hash: row.take_text(1),
        family: row.take_text(2),
        client_id: row.take_text(3),
        redirect_uri: row.take_text(4),
        code_challenge: row.take_text(5),
        scope: row.take_text(6),
        nonce: row.take_text(7),
        agent_id: row.int(8),
        user_id: row.int(9),
        issued_at: row.int(10),
        expires_at: row.int(11),
        used_at: row.opt_int(12),
    }))
}

/// Uses a code up; false when it was used before. Of two uses at the same time one wins.
pub async fn use_up(tx: &mut Tx, code: &AuthorizationCode, now_ms: i64) -> Result<bool> {
    let sql = "UPDATE authorization_code SET used_at = $3 \
         WHERE tenant_id = $1 AND code_hash = $2 AND used_at IS NULL";
    let params = [code.tenant_id.into(), code.code_hash.as_str().into(), now_ms.into()];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// Ends all that came of one signing in: its refresh tokens now, and its access tokens as soon as
/// every node has read [`ended`] again. `until_ms` is when the last access token ends by itself.
pub async fn end_grant(tx: &mut Tx, tenant_id: i64, family: &str, until_ms: i64) -> Result<()> {
    tokens::delete_family(tx, tenant_id, family).await?;
    let sql = "INSERT INTO ended_grant (tenant_id, family, until_ms) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant_id, family) DO UPDATE SET until_ms = excluded.until_ms";
    tx.execute(sql, &[tenant_id.into(), family.into(), until_ms.into()]).await.map(drop)
}

/// The grants of all tenants that ended while their access tokens were still good.
pub async fn ended(reader: &mut impl Read) -> Result<Vec<(i64, String)>> {
    let rows = reader.query("SELECT tenant_id, family FROM ended_grant", &[]).await?;
    Ok(rows.into_iter().map(|mut row| (row.int(0), row.take_text(1))).collect())
}

/// Deletes at most `limit` codes that expired before `expired_before`, and the ended grants whose
/// last access token has ended.
pub async fn purge(tx: &mut Tx, expired_before: i64, now_ms: i64, limit: i64) -> Result<()> {
    let sql = "DELETE FROM authorization_code WHERE (tenant_id, code_hash) IN (\
         SELECT tenant_id, code_hash FROM authorization_code WHERE expires_at < $1 LIMIT $2)";
    tx.execute(sql, &[expired_before.into(), limit.into()]).await?;
    let sql = "DELETE FROM ended_grant WHERE until_ms < $1";
    tx.execute(sql, &[Value::from(now_ms)]).await.map(drop)
}
