//! Tenants, applications, credentials, refresh tokens and signing keys: what signing in needs.
//!
//! Plain rows in and out; what they mean is decided above. Times are milliseconds since 1970.
//! Secrets and passwords arrive here hashed.

use crate::db::{Read, Result, Row, Tx, Value};

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: i64,
    pub name: String,
    pub created_at: i64,
    pub suspended_at: Option<i64>,
}

/// An application that may ask for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    pub tenant_id: i64,
    pub client_id: String,
    pub name: String,
    /// A PHC string, `sha256:<hex>`, or empty: an application that has no secret.
    pub secret_hash: String,
    /// The scopes that it may use, separated by spaces.
    pub scope: String,
    /// The grants that it may use, separated by spaces.
    pub grants: String,
    /// Where `authorization_code` may send the browser back to, separated by spaces.
    pub redirect_uris: String,
    /// Whose rights `client_credentials` has; 0 means the tenant's first agent.
    pub agent_id: i64,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
}

/// What signing in needs to know of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRow {
    pub tenant_id: i64,
    pub id: i64,
    pub name: String,
    pub email: String,
    pub disabled: bool,
    pub doc: String,
}

/// What signing in needs to know of an end user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    pub name: String,
    pub email: String,
    pub inactive: bool,
}

/// The password of an agent (`kind` "agent") or an end user ("user").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub kind: String,
    pub subject_id: i64,
    pub password_hash: String,
}

/// A refresh token. Only its hash is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    pub tenant_id: i64,
    pub token_hash: String,
    /// Shared by a token and all its successors: they are revoked together.
    pub family: String,
    pub client_id: String,
    pub agent_id: i64,
    pub user_id: i64,
    pub scope: String,
    /// The application had proved its secret, so it has to prove it again.
    pub confidential: bool,
    /// When the person or program proved who it is; kept by the successors.
    pub signed_in_at: i64,
    pub issued_at: i64,
    pub expires_at: i64,
    pub used_at: Option<i64>,
}

/// A key that signs tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    pub kid: String,
    pub private_pem: String,
    pub created_at: i64,
}

/// What became of an attempt to use a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The old token is used up and its successor is stored.
    Done,
    /// The token had been used before, or its grant has ended; the successor was not stored.
    Reused,
}

const TENANT: &str = "SELECT id, name, created_at, suspended_at FROM tenant";

/// All tenants, oldest first.
pub async fn tenants(reader: &mut impl Read) -> Result<Vec<Tenant>> {
    let rows = reader.query(&format!("{TENANT} ORDER BY id"), &[]).await?;
    Ok(rows.into_iter().map(tenant).collect())
}

fn tenant(mut row: Row) -> Tenant {
    Tenant {
        id: row.int(0),
        name: row.take_text(1),
        created_at: row.int(2),
        suspended_at: row.opt_int(3),
    }
}

/// Stores a tenant; false when its id or its name is taken.
pub async fn insert_tenant(tx: &mut Tx, id: i64, name: &str, now_ms: i64) -> Result<bool> {
    let sql =
        "INSERT INTO tenant (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, &[id.into(), name.into(), now_ms.into()]).await? == 1)
}

/// Suspends a tenant; the first time counts.
pub async fn suspend_tenant(tx: &mut Tx, id: i64, now_ms: i64) -> Result<()> {
    let sql = "UPDATE tenant SET suspended_at = $2 WHERE id = $1 AND suspended_at IS NULL";
    tx.execute(sql, &[id.into(), now_ms.into()]).await.map(|_| ())
}

const APPLICATION: &str = "SELECT tenant_id, client_id, name, secret_hash, scope, grants, \
    redirect_uris, agent_id, created_at, revoked_at FROM application";

/// The applications of all tenants, revoked ones too.
pub async fn applications(reader: &mut impl Read) -> Result<Vec<Application>> {
    let sql = format!("{APPLICATION} ORDER BY tenant_id, created_at, client_id");
    Ok(reader.query(&sql, &[]).await?.into_iter().map(application).collect())
}

/// One application, also when it is revoked.
pub async fn find_application(
    reader: &mut impl Read,
    tenant_id: i64,
    client_id: &str,
) -> Result<Option<Application>> {
    let sql = format!("{APPLICATION} WHERE tenant_id = $1 AND client_id = $2");
    let rows = reader.query(&sql, &[tenant_id.into(), client_id.into()]).await?;
    Ok(rows.into_iter().next().map(application))
}

fn application(mut row: Row) -> Application {
    Application {
        tenant_id: row.int(0),
        client_id: row.take_text(1),
        name: row.take_text(2),
        secret_hash: row.take_text(3),
        scope: row.take_text(4),
        grants: row.take_text(5),
        redirect_uris: row.take_text(6),
        agent_id: row.int(7),
        created_at: row.int(8),
        revoked_at: row.opt_int(9),
    }
}

/// Stores a new application; false when its id is taken in this tenant. `revoked_at` is ignored.
pub async fn insert_application(tx: &mut Tx, new: &Application) -> Result<bool> {
    let sql = "INSERT INTO application (tenant_id, client_id, name, secret_hash, scope, grants, \
         redirect_uris, agent_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT DO NOTHING";
    let params = [
        new.tenant_id.into(),
        new.client_id.as_str().into(),
        new.name.as_str().into(),
        new.secret_hash.as_str().into(),
        new.scope.as_str().into(),
        new.grants.as_str().into(),
        new.redirect_uris.as_str().into(),
        new.agent_id.into(),
        new.created_at.into(),
    ];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// Revokes an application and its refresh tokens. Access tokens end with it, because every node
/// reads the list of applications again every other second.
pub async fn revoke_application(
    tx: &mut Tx,
    tenant_id: i64,
    client_id: &str,
    now_ms: i64,
) -> Result<()> {
    let sql = "UPDATE application SET revoked_at = $3 \
         WHERE tenant_id = $1 AND client_id = $2 AND revoked_at IS NULL";
    tx.execute(sql, &[tenant_id.into(), client_id.into(), now_ms.into()]).await?;
    let sql = "DELETE FROM refresh_token WHERE tenant_id = $1 AND client_id = $2";
    delete_refresh_tokens(tx, sql, &[tenant_id.into(), client_id.into()]).await
}

/// The agents of all tenants.
pub async fn agents(reader: &mut impl Read) -> Result<Vec<AgentRow>> {
    let sql = "SELECT tenant_id, id, name, email, isdisabled, doc FROM agent";
    let rows = reader.query(sql, &[]).await?;
    Ok(rows
        .into_iter()
        .map(|mut row| AgentRow {
            tenant_id: row.int(0),
            id: row.int(1),
            name: row.take_text(2),
            email: row.take_text(3),
            disabled: row.int(4) != 0,
            doc: row.take_text(5),
        })
        .collect())
}

/// Numbers that change whenever an agent is made, changed or deleted: a cheap "read them again".
pub async fn agents_version(reader: &mut impl Read) -> Result<[i64; 4]> {
    let sql = "SELECT count(*), CAST(coalesce(sum(rev), 0) AS BIGINT), \
         coalesce(max(updated_at), 0), CAST(coalesce(sum(id), 0) AS BIGINT) FROM agent";
    let rows = reader.query(sql, &[]).await?;
    let column = |at| rows.first().map_or(0, |row| row.int(at));
    Ok([column(0), column(1), column(2), column(3)])
}

/// Starts the numbering of an entity of a new tenant behind the ids that were given by hand.
/// Not in a transaction that reserves ids.
pub async fn start_ids(tx: &mut Tx, tenant_id: i64, entity: &str, next: i64) -> Result<()> {
    let sql = "INSERT INTO id_counters (tenant_id, entity, next_id) VALUES ($1, $2, $3) \
         ON CONFLICT DO NOTHING";
    tx.execute(sql, &[tenant_id.into(), entity.into(), next.into()]).await.map(|_| ())
}

/// Whether an agent of this tenant has this id.
pub async fn agent_exists(reader: &mut impl Read, tenant_id: i64, id: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM agent WHERE tenant_id = $1 AND id = $2";
    Ok(!reader.query(sql, &[tenant_id.into(), id.into()]).await?.is_empty())
}

/// The name of an agent of this tenant that has this folded name or this e-mail address.
pub async fn agent_alike(
    reader: &mut impl Read,
    tenant_id: i64,
    name_key: &str,
    email: &str,
) -> Result<Option<String>> {
    let sql = "SELECT name FROM agent WHERE tenant_id = $1 AND \
         (name_key = $2 OR ($3 <> '' AND lower(email) = lower($3))) ORDER BY id LIMIT 1";
    let rows = reader.query(sql, &[tenant_id.into(), name_key.into(), email.into()]).await?;
    Ok(rows.into_iter().next().map(|mut row| row.take_text(0)))
}

/// An end user, active or not.
pub async fn find_user(reader: &mut impl Read, tenant_id: i64, id: i64) -> Result<Option<UserRow>> {
    let sql = "SELECT name, emailaddress, inactive FROM end_user WHERE tenant_id = $1 AND id = $2";
    let rows = reader.query(sql, &[tenant_id.into(), id.into()]).await?;
    Ok(rows.into_iter().next().map(|mut row| UserRow {
        name: row.take_text(0),
        email: row.take_text(1),
        inactive: row.int(2) != 0,
    }))
}

/// Who may sign in under this folded login, agents first. More than one is possible: a person may
/// be an agent and an end user. At most four are returned, since each costs a password check.
pub async fn credentials(
    reader: &mut impl Read,
    tenant_id: i64,
    login_key: &str,
) -> Result<Vec<Credential>> {
    let sql = "SELECT kind, subject_id, password_hash FROM credential \
         WHERE tenant_id = $1 AND login_key = $2 ORDER BY kind, subject_id LIMIT 4";
    let rows = reader.query(sql, &[tenant_id.into(), login_key.into()]).await?;
    Ok(rows
        .into_iter()
        .map(|mut row| Credential {
            kind: row.take_text(0),
            subject_id: row.int(1),
            password_hash: row.take_text(2),
        })
        .collect())
}

/// Replaces the password of an agent or end user and the folded logins under which it is good,
/// and ends all its refresh tokens.
pub async fn set_credential(
    tx: &mut Tx,
    tenant_id: i64,
    kind: &str,
    subject_id: i64,
    login_keys: &[String],
    password_hash: &str,
) -> Result<()> {
    let subject = [Value::from(tenant_id), Value::from(kind), Value::from(subject_id)];
    let sql = "DELETE FROM credential WHERE tenant_id = $1 AND kind = $2 AND subject_id = $3";
    tx.execute(sql, &subject).await?;
    let sql = "INSERT INTO credential (tenant_id, kind, subject_id, login_key, password_hash) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let rows: Vec<Vec<Value>> = login_keys
        .iter()
        .map(|key| [&subject[..], &[key.as_str().into(), password_hash.into()]].concat())
        .collect();
    tx.execute_many(sql, &rows).await?;
    let column = if kind == "agent" { "user_id = 0 AND agent_id" } else { "user_id" };
    let sql = format!("DELETE FROM authorization_code WHERE tenant_id = $1 AND {column} = $2");
    tx.execute(&sql, &[tenant_id.into(), subject_id.into()]).await?;
    let sql = format!("DELETE FROM refresh_token WHERE tenant_id = $1 AND {column} = $2");
    delete_refresh_tokens(tx, &sql, &[tenant_id.into(), subject_id.into()]).await
}

/// Forgets the logins and passwords of agents or end users that are gone.
pub async fn delete_credentials(
    tx: &mut Tx,
    tenant_id: i64,
    kind: &str,
    ids: &[i64],
) -> Result<()> {
    let condition = tx.dialect().in_ids("subject_id", 3);
    let sql = format!("DELETE FROM credential WHERE tenant_id = $1 AND kind = $2 AND {condition}");
    tx.execute(&sql, &[tenant_id.into(), kind.into(), Value::ids(ids)]).await.map(drop)
}

/// The stored password hash of an agent or end user, for a change of logins that keeps it.
pub async fn password_hash(
    reader: &mut impl Read,
    tenant_id: i64,
    kind: &str,
    subject_id: i64,
) -> Result<Option<String>> {
    let sql = "SELECT password_hash FROM credential \
         WHERE tenant_id = $1 AND kind = $2 AND subject_id = $3 LIMIT 1";
    let rows = reader.query(sql, &[tenant_id.into(), kind.into(), subject_id.into()]).await?;
    Ok(rows.into_iter().next().map(|mut row| row.take_text(0)))
}

/// Stores a refresh token; `used_at` is ignored.
pub async fn insert_refresh_token(tx: &mut Tx, new: &RefreshToken) -> Result<()> {
    let sql = "INSERT INTO refresh_token (tenant_id, token_hash, family, client_id, agent_id, \
         user_id, scope, confidential, issued_at, expires_at, signed_in_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let params = [
        new.tenant_id.into(),
        new.token_hash.as_str().into(),
        new.family.as_str().into(),
        new.client_id.as_str().into(),
        new.agent_id.into(),
        new.user_id.into(),
        new.scope.as_str().into(),
        new.confidential.into(),
        new.issued_at.into(),
        new.expires_at.into(),
        new.signed_in_at.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}

/// A refresh token by its hash, used or not, expired or not.
pub async fn find_refresh_token(
    reader: &mut impl Read,
    tenant_id: i64,
    token_hash: &str,
) -> Result<Option<RefreshToken>> {
    let sql = "SELECT tenant_id, token_hash, family, client_id, agent_id, user_id, scope, \
         confidential, issued_at, expires_at, used_at, signed_in_at FROM refresh_token \
         WHERE tenant_id = $1 AND token_hash = $2";
    let rows = reader.query(sql, &[tenant_id.into(), token_hash.into()]).await?;
    Ok(rows.into_iter().next().map(|mut row| RefreshToken {
        tenant_id: row.int(0),
        token_hash: row.take_text(1),
        family: row.take_text(2),
        client_id: row.take_text(3),
        agent_id: row.int(4),
        user_id: row.int(5),
        scope: row.take_text(6),
        confidential: row.int(7) != 0,
        issued_at: row.int(8),
        expires_at: row.int(9),
        used_at: row.opt_int(10),
        signed_in_at: row.int(11),
    }))
}

/// Uses up `old` and stores its successor. [`Rotation::Reused`]: `old` was used before, nothing is
/// stored, and the caller ends the grant. Of two uses at the same time one wins.
pub async fn rotate_refresh_token(
    tx: &mut Tx,
    old: &RefreshToken,
    successor: &RefreshToken,
    now_ms: i64,
) -> Result<Rotation> {
    let sql = "UPDATE refresh_token SET used_at = $3 \
         WHERE tenant_id = $1 AND token_hash = $2 AND used_at IS NULL";
    let params = [old.tenant_id.into(), old.token_hash.as_str().into(), now_ms.into()];
    if tx.execute(sql, &params).await? == 1 {
        insert_refresh_token(tx, successor).await?;
        return Ok(Rotation::Done);
    }
    Ok(Rotation::Reused)
}

/// Deletes a refresh token with all its kin.
pub(crate) async fn delete_family(tx: &mut Tx, tenant_id: i64, family: &str) -> Result<()> {
    let sql = "DELETE FROM refresh_token WHERE tenant_id = $1 AND family = $2";
    delete_refresh_tokens(tx, sql, &[tenant_id.into(), family.into()]).await
}

/// PostgreSQL: a DELETE waits for a rotation that holds one of the rows, but does not see the
/// successor which that one stores. The next DELETE does. One that finds nothing is the last,
/// since a rotation under way always holds a row of its family.
async fn delete_refresh_tokens(tx: &mut Tx, sql: &str, params: &[Value]) -> Result<()> {
    while tx.execute(sql, params).await? > 0 {}
    Ok(())
}

/// Deletes refresh tokens that expired, at most `limit` of them, and returns how many.
pub async fn purge_refresh_tokens(tx: &mut Tx, now_ms: i64, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM refresh_token WHERE (tenant_id, token_hash) IN (\
         SELECT tenant_id, token_hash FROM refresh_token WHERE expires_at < $1 LIMIT $2)";
    tx.execute(sql, &[now_ms.into(), limit.into()]).await
}

/// The keys that may have signed a token, newest first.
pub async fn signing_keys(reader: &mut impl Read) -> Result<Vec<SigningKey>> {
    let sql = "SELECT kid, private_pem, created_at FROM signing_key WHERE retired_at IS NULL \
         ORDER BY created_at DESC, kid";
    let rows = reader.query(sql, &[]).await?;
    Ok(rows
        .into_iter()
        .map(|mut row| SigningKey {
            kid: row.take_text(0),
            private_pem: row.take_text(1),
            created_at: row.int(2),
        })
        .collect())
}

/// Stores a signing key unless there is one that was made after `newer_than` (exclusive); false
/// then. Several nodes may find at the same time that a new one is due.
pub async fn insert_signing_key_if_due(
    tx: &mut Tx,
    key: &SigningKey,
    newer_than: i64,
) -> Result<bool> {
    let sql = "INSERT INTO signing_key (kid, private_pem, created_at) SELECT $1, $2, CAST($3 AS BIGINT) \
         WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE created_at > $4)";
    let params = [
        key.kid.as_str().into(),
        key.private_pem.as_str().into(),
        key.created_at.into(),
        newer_than.into(),
    ];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// Retires the signing keys that were replaced by one made at `replaced_before` or earlier, and
/// forgets their private halves.
pub async fn retire_signing_keys(tx: &mut Tx, replaced_before: i64, now_ms: i64) -> Result<u64> {
    let sql = "UPDATE signing_key SET retired_at = $2, private_pem = '' WHERE retired_at IS NULL \
         AND EXISTS (SELECT 1 FROM signing_key AS newer \
         WHERE newer.created_at > signing_key.created_at AND newer.created_at <= $1)";
    tx.execute(sql, &[replaced_before.into(), now_ms.into()]).await
}

/// Stores a signing key.
pub async fn insert_signing_key(tx: &mut Tx, key: &SigningKey) -> Result<()> {
    let sql = "INSERT INTO signing_key (kid, private_pem, created_at) VALUES ($1, $2, $3)";
    let params = [key.kid.as_str().into(), key.private_pem.as_str().into(), key.created_at.into()];
    tx.execute(sql, &params).await.map(|_| ())
}

/// Puts another form of the same signing key in the place of the one that was read.
pub async fn replace_signing_key(tx: &mut Tx, old: &SigningKey, private_pem: &str) -> Result<()> {
    let sql = "UPDATE signing_key SET private_pem = $3 WHERE kid = $1 AND private_pem = $2";
    let params = [old.kid.as_str().into(), old.private_pem.as_str().into(), private_pem.into()];
    tx.execute(sql, &params).await.map(drop)
}
