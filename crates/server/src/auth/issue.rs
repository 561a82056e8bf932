//! Handing out tokens: what they may do, and what is stored of them.

use aureole_storage::codes::{self, AuthorizationCode};
use aureole_storage::tokens::{self, Application, RefreshToken, Rotation};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::caller::{Role, join};
use super::directory::AgentEntry;
use super::grants::TokenRequest;
use super::keys::{ACCESS_TOKEN_S, AccessClaims, Grantee, TOKEN_ENDS_MS};
use super::passwords::{generate_secret, sha256_hex};
use super::secrets::Client;
use super::token_error::TokenError;
use super::{Auth, AuthError, Scopes};

/// Whom a token is for.
pub(super) enum Person {
    Agent(AgentEntry),
    User { id: i64, name: String, email: String },
}

/// A token that may be handed out.
pub(super) struct Permit<'a> {
    pub client: &'a Client,
    pub person: Person,
    /// The most that it may do, before application and role are considered.
    pub bound: Scopes,
    pub asked: &'a str,
    pub origin: Origin,
    /// When the person or program proved who it is, in milliseconds since 1970.
    pub signed_in_at: i64,
    pub lifetime_ms: i64,
}

/// What a permit comes from, and uses up.
pub(super) enum Origin {
    New,
    Code(AuthorizationCode),
    Refresh(RefreshToken),
}

impl Auth {
    /// Makes the tokens and stores the refresh token.
    pub(super) async fn issue(
        &self,
        permit: Permit<'_>,
        request: &TokenRequest<'_>,
    ) -> Result<Value, TokenError> {
        let application = &permit.client.application;
        let scopes = granted(application, &permit.person, permit.bound, permit.asked)?;
        let family = match &permit.origin {
            Origin::New => generate_secret(),
            Origin::Code(code) => code.family.clone(),
            Origin::Refresh(old) => old.family.clone(),
        };
        let (agent_id, user_id, name, email) = match &permit.person {
            Person::Agent(agent) => (agent.id, 0, &*agent.name, &*agent.email),
            Person::User { id, name, email } => (0, *id, name.as_str(), email.as_str()),
        };
        let kind = if user_id == 0 { "agent" } else { "user" };
        let subject = subject(application.tenant_id, kind, agent_id + user_id);
        let grantee = Grantee {
            subject: &subject,
            tenant_id: application.tenant_id,
            client_id: &application.client_id,
            agent_id,
            user_id,
            user_name: if user_id == 0 { "" } else { name },
            grant: &family,
        };
        let now_ms = request.now_ms;
        let claims = AccessClaims::new(&grantee, scopes.to_string(), now_ms);
        let access_token = self.keys.sign_access(&claims, now_ms).map_err(AuthError::Internal)?;
        let mut id_claims = json!({
            "iss": request.base_url,
            "sub": subject,
            "aud": application.client_id,
            "iat": claims.iat,
            "exp": claims.exp,
            "auth_time": permit.signed_in_at.div_euclid(1_000),
            "at_hash": at_hash(&access_token),
            "name": name,
            "email": email,
        });
        if let Origin::Code(code) = &permit.origin
            && !code.nonce.is_empty()
        {
            id_claims["nonce"] = json!(code.nonce);
        }
        let id_token = self.keys.sign_id(&id_claims, now_ms).map_err(AuthError::Internal)?;
        let refresh_token = self.store(&permit, &grantee, &claims.scope, now_ms).await?;
        if join(&claims, &self.directory.load()).is_err() {
            // The token names something that was made a moment ago; it has to work at once.
            self.refresh().await?;
        }
        Ok(json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": ACCESS_TOKEN_S,
            "scope": claims.scope,
            "refresh_token": refresh_token,
            "id_token": id_token,
        }))
    }

    /// Stores a new refresh token, uses up what it comes from, and returns its text.
    async fn store(
        &self,
        permit: &Permit<'_>,
        grantee: &Grantee<'_>,
        scope: &str,
        now_ms: i64,
    ) -> Result<String, TokenError> {
        let text = generate_secret();
        let new = RefreshToken {
            tenant_id: grantee.tenant_id,
            token_hash: sha256_hex(text.as_bytes()),
            family: grantee.grant.to_owned(),
            client_id: grantee.client_id.to_owned(),
            agent_id: grantee.agent_id,
            user_id: grantee.user_id,
            // A narrower access token does not narrow the ones after it.
            scope: match &permit.origin {
                Origin::Refresh(old) => old.scope.clone(),
                _ => scope.to_owned(),
            },
            confidential: permit.client.proved,
            signed_in_at: permit.signed_in_at,
            issued_at: now_ms,
            expires_at: now_ms + permit.lifetime_ms,
            used_at: None,
        };
        let mut tx = self.db.begin().await?;
        let is_first_use = match &permit.origin {
            Origin::New => true,
            Origin::Code(code) => codes::use_up(&mut tx, code, now_ms).await?,
            Origin::Refresh(old) => {
                tokens::rotate_refresh_token(&mut tx, old, &new, now_ms).await? == Rotation::Done
            }
        };
        match (&permit.origin, is_first_use) {
            (Origin::Refresh(_), true) => {}
            (_, true) => tokens::insert_refresh_token(&mut tx, &new).await?,
            (_, false) => {
                // Another request was faster; what it got ends as well.
                let until_ms = now_ms + TOKEN_ENDS_MS;
                codes::end_grant(&mut tx, new.tenant_id, &new.family, until_ms).await?;
            }
        }
        tx.commit().await?;
        if is_first_use {
            return Ok(text);
        }
        tracing::warn!(application = new.client_id, "a code or refresh token was used twice");
        self.refresh().await?;
        Err(TokenError::invalid_grant("The code or refresh token was used before."))
    }
}

/// Which access token an id token came with: the left half of its SHA-256 (OpenID Connect, 3.1.3.6).
fn at_hash(access_token: &str) -> String {
    let hash = Sha256::digest(access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}

/// Who it is, unique over all tenants.
pub(super) fn subject(tenant_id: i64, kind: &str, id: i64) -> String {
    format!("{tenant_id}.{kind}.{id}")
}

/// The scopes that a token gets: what was asked for, as far as application and role allow. Some
/// programs always ask for the same scopes, so less than that is no error; nothing is.
pub(super) fn granted(
    application: &Application,
    person: &Person,
    bound: Scopes,
    asked: &str,
) -> Result<Scopes, TokenError> {
    let wanted = Scopes::parse(asked)
        .map_err(|name| TokenError::invalid_scope(format!("There is no scope named {name}.")))?;
    let role = match person {
        Person::Agent(agent) => agent.role,
        Person::User { .. } => Role::EndUser,
    };
    if role == Role::EndUser {
        return Ok(Scopes::NONE);
    }
    let most = Scopes::parse_known(&application.scope);
    let most = most.intersection(bound).intersection(role.limit());
    if asked.trim().is_empty() {
        return Ok(most);
    }
    let scopes = wanted.intersection(most);
    if scopes.is_empty() && !wanted.is_empty() {
        let sentence = format!("This application and agent may use these scopes only: {most}");
        return Err(TokenError::invalid_scope(sentence));
    }
    Ok(scopes)
}
