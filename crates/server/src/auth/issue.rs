//! Handing out tokens: what they may do, and what is stored of them.

use aureole_storage::tokens::{self, RefreshToken, Rotation};
use serde_json::{Value, json};

use super::caller::{Role, join};
use super::directory::AgentEntry;
use super::grants::TokenRequest;
use super::keys::{ACCESS_TOKEN_S, AccessClaims, Grantee};
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
    /// The refresh token that is used up.
    pub old: Option<RefreshToken>,
    pub lifetime_ms: i64,
}

impl Auth {
    /// Makes the tokens and stores the refresh token.
    pub(super) async fn issue(
        &self,
        permit: Permit<'_>,
        request: &TokenRequest<'_>,
    ) -> Result<Value, TokenError> {
        let application = &permit.client.application;
        let scopes = granted(&permit)?;
        let (agent_id, user_id, name, email) = match &permit.person {
            Person::Agent(agent) => (agent.id, 0, &*agent.name, &*agent.email),
            Person::User { id, name, email } => (0, *id, name.as_str(), email.as_str()),
        };
        let kind = if user_id == 0 { "agent" } else { "user" };
        let subject = format!("{}.{kind}.{}", application.tenant_id, agent_id + user_id);
        let grantee = Grantee {
            subject: &subject,
            tenant_id: application.tenant_id,
            client_id: &application.client_id,
            agent_id,
            user_id,
            user_name: if user_id == 0 { "" } else { name },
        };
        let claims = AccessClaims::new(&grantee, scopes.to_string(), request.now_ms);
        let id_claims = json!({
            "iss": request.base_url,
            "sub": subject,
            "aud": application.client_id,
            "iat": claims.iat,
            "exp": claims.exp,
            "name": name,
            "email": email,
        });
        let access_token = self.keys.sign_access(&claims).map_err(AuthError::Internal)?;
        let id_token = self.keys.sign_id(&id_claims).map_err(AuthError::Internal)?;
        let refresh_token = self.store(&permit, &grantee, &claims.scope, request.now_ms).await?;
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

    /// Stores a new refresh token, in place of the old one if there is one, and returns its text.
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
            family: permit.old.as_ref().map_or_else(generate_secret, |old| old.family.clone()),
            client_id: grantee.client_id.to_owned(),
            agent_id: grantee.agent_id,
            user_id: grantee.user_id,
            // A narrower access token does not narrow the ones after it.
            scope: permit.old.as_ref().map_or(scope, |old| &old.scope).to_owned(),
            confidential: permit.client.proved,
            issued_at: now_ms,
            expires_at: now_ms + permit.lifetime_ms,
            used_at: None,
        };
        let mut tx = self.db.begin().await?;
        let rotation = match &permit.old {
            Some(old) => tokens::rotate_refresh_token(&mut tx, old, &new, now_ms).await?,
            None => {
                tokens::insert_refresh_token(&mut tx, &new).await?;
                Rotation::Done
            }
        };
        tx.commit().await?;
        match rotation {
            Rotation::Done => Ok(text),
            Rotation::Reused => {
                tracing::warn!(application = new.client_id, "a refresh token was used twice");
                Err(TokenError::invalid_grant("The refresh token was used before."))
            }
        }
    }
}

/// The scopes that a token gets: what was asked for, as far as application and role allow. Some
/// programs always ask for the same scopes, so less than that is no error; nothing is.
fn granted(permit: &Permit<'_>) -> Result<Scopes, TokenError> {
    let asked = Scopes::parse(permit.asked)
        .map_err(|name| TokenError::invalid_scope(format!("There is no scope named {name}.")))?;
    let role = match &permit.person {
        Person::Agent(agent) => agent.role,
        Person::User { .. } => Role::EndUser,
    };
    if role == Role::EndUser {
        return Ok(Scopes::NONE);
    }
    let application = Scopes::parse_known(&permit.client.application.scope);
    let most = application.intersection(permit.bound).intersection(role.limit());
    if permit.asked.trim().is_empty() {
        return Ok(most);
    }
    let scopes = asked.intersection(most);
    if scopes.is_empty() && !asked.is_empty() {
        let sentence = format!("This application and agent may use these scopes only: {most}");
        return Err(TokenError::invalid_scope(sentence));
    }
    Ok(scopes)
}
