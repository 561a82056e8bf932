//! `POST /auth/token`: the grants, and for whom each of them is.

use std::net::IpAddr;

use aureole_catalogue::value::fold;
use aureole_storage::tokens::{self, RefreshToken};
use serde_json::Value;

use super::admin::DEFAULT_TENANT;
use super::agents::FIRST_AGENT;
use super::directory::AgentEntry;
use super::issue::{Permit, Person};
use super::passwords::sha256_hex;
use super::request::Fields;
use super::secrets::Client;
use super::throttle::Subject;
pub use super::token_error::TokenError;
use super::{Auth, Scopes};

/// How long a refresh token of a person is good.
const REFRESH_TOKEN_MS: i64 = 30 * 86_400_000;
/// How long one of a program is good. It has its secret and can ask for a new token at any time;
/// it gets a refresh token only because programs read that member unguarded.
const PROGRAM_REFRESH_TOKEN_MS: i64 = 86_400_000;

/// A request for a token, as it came in.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// The query of the address, without the question mark.
    pub query: &'a str,
    /// A form, or a JSON object.
    pub body: &'a [u8],
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    pub peer: IpAddr,
    /// The server's address as the caller sees it: who issues the id token.
    pub base_url: &'a str,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

/// The grants that can be asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grant {
    ClientCredentials,
    Password,
    RefreshToken,
}

impl Auth {
    /// Answers a token request with the six members that programs expect.
    ///
    /// # Errors
    /// [`TokenError`], which has the reply's status and body.
    pub async fn token(&self, request: TokenRequest<'_>) -> Result<Value, TokenError> {
        let fields = Fields::parse(request.query, request.body, request.authorization)?;
        let grant = grant(&fields.grant_type)?;
        let tenant_id = self.tenant(&fields.tenant).await?;
        let client = self.client(tenant_id, &fields, &request).await?;
        if grant == Grant::ClientCredentials && !client.proved {
            return Err(TokenError::invalid_client("The client_secret is missing."));
        }
        let allowed = &client.application.grants;
        // Every reply has a refresh token, so every application may use it.
        if grant != Grant::RefreshToken
            && !allowed.split_whitespace().any(|name| name == fields.grant_type)
        {
            let sentence = format!("This application may not use the grant {}.", fields.grant_type);
            return Err(TokenError::new(400, "unauthorized_client", sentence));
        }
        let permit = match grant {
            Grant::ClientCredentials => self.client_credentials(&client, &fields).await?,
            Grant::Password => self.password(&client, &fields, &request).await?,
            Grant::RefreshToken => self.refresh_token(&client, &fields, request.now_ms).await?,
        };
        self.issue(permit, &request).await
    }

    /// The tenant that a request is for.
    async fn tenant(&self, name: &str) -> Result<i64, TokenError> {
        let absent = name.is_empty() || name == "undefined";
        if !absent && self.directory.load().tenant_named(name).is_none() {
            // Perhaps it was made a moment ago.
            let tenants = tokens::tenants(&mut self.db.clone()).await?;
            if tenants.iter().any(|tenant| fold(&tenant.name) == fold(name)) {
                self.refresh().await?;
            }
        }
        let snapshot = self.directory.load();
        let wanted = if absent { DEFAULT_TENANT } else { name };
        let tenant = match snapshot.only_tenant() {
            Some(tenant) => tenant,
            None => snapshot.tenant_named(wanted).ok_or_else(|| {
                TokenError::invalid_request(format!("There is no tenant named {wanted}."))
            })?,
        };
        if tenant.suspended {
            let sentence = format!("The tenant {} is suspended.", tenant.name);
            return Err(TokenError::invalid_client(sentence));
        }
        Ok(tenant.id)
    }

    /// The application acts as the agent that it was given.
    async fn client_credentials<'a>(
        &self,
        client: &'a Client,
        fields: &'a Fields,
    ) -> Result<Permit<'a>, TokenError> {
        let agent_id = match client.application.agent_id {
            0 => FIRST_AGENT,
            id => id,
        };
        let agent = self.agent(client.application.tenant_id, agent_id).await?;
        let agent = agent.ok_or_else(|| {
            TokenError::invalid_client("The agent of this application is disabled or deleted.")
        })?;
        Ok(Permit {
            client,
            person: Person::Agent(agent),
            bound: Scopes::ALL,
            asked: &fields.scope,
            old: None,
            lifetime_ms: PROGRAM_REFRESH_TOKEN_MS,
        })
    }

    /// An agent signs in by its e-mail address, an end user by that or by its login name.
    async fn password<'a>(
        &self,
        client: &'a Client,
        fields: &'a Fields,
        request: &TokenRequest<'_>,
    ) -> Result<Permit<'a>, TokenError> {
        if fields.username.trim().is_empty() || fields.password.is_empty() {
            return Err(TokenError::invalid_request("username and password are needed."));
        }
        let tenant_id = client.application.tenant_id;
        let login_key = fold(fields.username.trim());
        let subjects =
            [Subject::Login { tenant_id, login_key: &login_key }, Subject::Address(request.peer)];
        self.throttle.check(&subjects, request.now_ms).map_err(TokenError::throttled)?;
        let found = tokens::credentials(&mut self.db.clone(), tenant_id, &login_key).await?;
        let stored: Vec<&str> = found.iter().map(|found| found.password_hash.as_str()).collect();
        let secrets = std::slice::from_ref(&fields.password);
        let fits = self.check(secrets, &stored, &subjects, request.now_ms).await?;
        let wrong = || TokenError::invalid_grant("The username or the password is wrong.");
        let credential = fits.and_then(|at| found.get(at)).ok_or_else(wrong)?;
        let (agent_id, user_id) = match credential.kind.as_str() {
            "agent" => (credential.subject_id, 0),
            _ => (0, credential.subject_id),
        };
        let person = self.person(tenant_id, agent_id, user_id).await?.ok_or_else(wrong)?;
        Ok(Permit {
            client,
            person,
            bound: Scopes::ALL,
            asked: &fields.scope,
            old: None,
            lifetime_ms: REFRESH_TOKEN_MS,
        })
    }

    /// What a refresh token is good for. It is used up in [`Auth::issue`].
    async fn refresh_token<'a>(
        &self,
        client: &'a Client,
        fields: &'a Fields,
        now_ms: i64,
    ) -> Result<Permit<'a>, TokenError> {
        if fields.refresh_token.is_empty() {
            return Err(TokenError::invalid_request("The refresh_token is missing."));
        }
        let tenant_id = client.application.tenant_id;
        let hash = sha256_hex(fields.refresh_token.as_bytes());
        let found = tokens::find_refresh_token(&mut self.db.clone(), tenant_id, &hash).await?;
        let over =
            || TokenError::invalid_grant("The refresh token is unknown, used, or has expired.");
        let old = found
            .filter(|old| old.client_id == client.application.client_id && old.expires_at > now_ms)
            .ok_or_else(over)?;
        if old.confidential && !client.proved {
            return Err(TokenError::invalid_client("The client_secret is missing."));
        }
        if old.used_at.is_some() {
            self.revoke_family(&old).await?;
            return Err(over());
        }
        let person = self.person(tenant_id, old.agent_id, old.user_id).await?;
        let person = person.ok_or_else(|| {
            TokenError::invalid_grant("Whom the refresh token was made for may no longer sign in.")
        })?;
        Ok(Permit {
            client,
            person,
            bound: Scopes::parse_known(&old.scope),
            asked: &fields.scope,
            lifetime_ms: old.expires_at - old.issued_at,
            old: Some(old),
        })
    }

    async fn revoke_family(&self, old: &RefreshToken) -> Result<(), TokenError> {
        tracing::warn!(application = old.client_id, "a refresh token was used twice");
        let mut tx = self.db.begin().await?;
        tokens::revoke_family(&mut tx, old.tenant_id, &old.family).await?;
        Ok(tx.commit().await?)
    }

    /// The agent or end user, when it may sign in.
    async fn person(
        &self,
        tenant_id: i64,
        agent_id: i64,
        user_id: i64,
    ) -> Result<Option<Person>, TokenError> {
        if user_id == 0 {
            return Ok(self.agent(tenant_id, agent_id).await?.map(Person::Agent));
        }
        let user = tokens::find_user(&mut self.db.clone(), tenant_id, user_id).await?;
        Ok(user.filter(|user| !user.inactive).map(|user| Person::User {
            id: user_id,
            name: user.name,
            email: user.email,
        }))
    }

    /// An agent that is not disabled.
    async fn agent(&self, tenant_id: i64, id: i64) -> Result<Option<AgentEntry>, TokenError> {
        let mut agent = self.directory.load().agent(tenant_id, id).cloned();
        if agent.is_none() {
            // Perhaps it was made a moment ago. Only who has shown a secret comes this far.
            self.refresh().await?;
            agent = self.directory.load().agent(tenant_id, id).cloned();
        }
        Ok(agent.filter(|agent| !agent.disabled))
    }
}

fn grant(name: &str) -> Result<Grant, TokenError> {
    match name {
        "client_credentials" => Ok(Grant::ClientCredentials),
        "password" => Ok(Grant::Password),
        "refresh_token" => Ok(Grant::RefreshToken),
        "" => Err(TokenError::invalid_request("The grant_type is missing.")),
        "authorization_code" => Err(TokenError::new(
            400,
            "unsupported_grant_type",
            "The grant authorization_code is not supported yet; \
             use client_credentials, password or refresh_token.",
        )),
        _ => Err(TokenError::new(
            400,
            "unsupported_grant_type",
            "The grant_type has to be client_credentials, password or refresh_token.",
        )),
    }
}
