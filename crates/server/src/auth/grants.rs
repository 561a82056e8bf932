//! `POST /auth/token`: the grants, and for whom each of them is. `POST /auth/revoke`.

use std::net::IpAddr;

use aureole_catalogue::value::fold;
use aureole_storage::{codes, tokens};
use serde_json::Value;

use super::admin::DEFAULT_TENANT;
use super::agents::FIRST_AGENT;
use super::directory::AgentEntry;
use super::issue::{Origin, Permit, Person};
use super::keys::TOKEN_ENDS_MS;
use super::passwords::sha256_hex;
use super::request::Fields;
use super::secrets::Client;
use super::throttle::Subject;
pub use super::token_error::TokenError;
use super::{Auth, Scopes, authorize, pkce};

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
    AuthorizationCode,
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
            Grant::ClientCredentials => {
                self.client_credentials(&client, &fields, request.now_ms).await?
            }
            Grant::Password => self.password(&client, &fields, &request).await?,
            Grant::AuthorizationCode => self.code(&client, &fields, request.now_ms).await?,
            Grant::RefreshToken => self.refresh_token(&client, &fields, request.now_ms).await?,
        };
        self.issue(permit, &request).await
    }

    /// The tenant that a request is for.
    pub(super) async fn tenant(&self, name: &str) -> Result<i64, TokenError> {
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
        now_ms: i64,
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
            origin: Origin::New,
            signed_in_at: now_ms,
            lifetime_ms: PROGRAM_REFRESH_TOKEN_MS,
        })
    }

    async fn password<'a>(
        &self,
        client: &'a Client,
        fields: &'a Fields,
        request: &TokenRequest<'_>,
    ) -> Result<Permit<'a>, TokenError> {
        let tenant_id = client.application.tenant_id;
        let (username, password) = (&fields.username, &fields.password);
        let (peer, now_ms) = (request.peer, request.now_ms);
        let person = self.authenticate(tenant_id, username, password, peer, now_ms).await?;
        Ok(Permit {
            client,
            person,
            bound: Scopes::ALL,
            asked: &fields.scope,
            origin: Origin::New,
            signed_in_at: now_ms,
            lifetime_ms: REFRESH_TOKEN_MS,
        })
    }

    /// Who has this name and password. An agent signs in by its e-mail address, an end user by that
    /// or by its login name. What is wrong is counted.
    pub(super) async fn authenticate(
        &self,
        tenant_id: i64,
        username: &str,
        password: &str,
        peer: IpAddr,
        now_ms: i64,
    ) -> Result<Person, TokenError> {
        if username.trim().is_empty() || password.is_empty() {
            return Err(TokenError::invalid_request("username and password are needed."));
        }
        let login_key = fold(username.trim());
        let subjects =
            [Subject::Login { tenant_id, login_key: &login_key }, Subject::Address(peer)];
        self.throttle.check(&subjects, now_ms).map_err(TokenError::throttled)?;
        let found = tokens::credentials(&mut self.db.clone(), tenant_id, &login_key).await?;
        let stored: Vec<&str> = found.iter().map(|found| found.password_hash.as_str()).collect();
        let fits = self.check(&[password.to_owned()], &stored, &subjects, now_ms).await?;
        let wrong = || TokenError::invalid_grant("The username or the password is wrong.");
        let credential = fits.and_then(|at| found.get(at)).ok_or_else(wrong)?;
        let (agent_id, user_id) = match credential.kind.as_str() {
            "agent" => (credential.subject_id, 0),
            _ => (0, credential.subject_id),
        };
        self.person(tenant_id, agent_id, user_id).await?.ok_or_else(wrong)
    }

    /// What a code from the sign-in page is good for. It is used up in [`Auth::issue`].
    async fn code<'a>(
        &self,
        client: &'a Client,
        fields: &'a Fields,
        now_ms: i64,
    ) -> Result<Permit<'a>, TokenError> {
        for (name, value) in [
            ("code", &fields.code),
            ("redirect_uri", &fields.redirect_uri),
            ("code_verifier", &fields.code_verifier),
        ] {
            if value.is_empty() {
                return Err(TokenError::invalid_request(format!("The {name} is missing.")));
            }
        }
        if client.keeps_a_secret() && !client.proved {
            return Err(TokenError::invalid_client("The client_secret is missing."));
        }
        let tenant_id = client.application.tenant_id;
        let hash = sha256_hex(fields.code.as_bytes());
        let found = codes::find(&mut self.db.clone(), tenant_id, &hash).await?;
        let over = || TokenError::invalid_grant("The code is unknown, used, or has expired.");
        let code =
            found.filter(|code| code.client_id == client.application.client_id).ok_or_else(over)?;
        if code.used_at.is_some() {
            tracing::warn!(application = code.client_id, "an authorization code was used twice");
            self.end_grant(tenant_id, &code.family, now_ms).await?;
            return Err(over());
        }
        if code.expires_at <= now_ms {
            return Err(over());
        }
        if code.redirect_uri != fields.redirect_uri {
            let sentence = "The redirect_uri is not the one that the code was sent to.";
            return Err(TokenError::invalid_grant(sentence));
        }
        if !pkce::fits(&fields.code_verifier, &code.code_challenge) {
            return Err(TokenError::invalid_grant("The code_verifier does not fit the code."));
        }
        let person = self.person(tenant_id, code.agent_id, code.user_id).await?;
        let person = person.ok_or_else(|| {
            TokenError::invalid_grant("Whom the code was made for may no longer sign in.")
        })?;
        Ok(Permit {
            client,
            person,
            bound: Scopes::parse_known(&code.scope),
            asked: "",
            signed_in_at: code.issued_at,
            origin: Origin::Code(code),
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
            tracing::warn!(application = old.client_id, "a refresh token was used twice");
            self.end_grant(tenant_id, &old.family, now_ms).await?;
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
            signed_in_at: old.signed_in_at,
            origin: Origin::Refresh(old),
        })
    }

    /// Ends a grant here at once, and on the other nodes when they read the directory again.
    async fn end_grant(&self, tenant_id: i64, family: &str, now_ms: i64) -> Result<(), TokenError> {
        let mut tx = self.db.begin().await?;
        codes::end_grant(&mut tx, tenant_id, family, now_ms + TOKEN_ENDS_MS).await?;
        tx.commit().await?;
        Ok(self.refresh().await?)
    }

    /// Revokes a token and all that came of the same signing in (RFC 7009). A text that is no token
    /// of this application is none that could do harm: no error.
    ///
    /// # Errors
    /// [`TokenError`], when the application is not who it says.
    pub async fn revoke(&self, request: TokenRequest<'_>) -> Result<(), TokenError> {
        let fields = Fields::parse(request.query, request.body, request.authorization)?;
        let tenant_id = self.tenant(&fields.tenant).await?;
        let client = self.client(tenant_id, &fields, &request).await?;
        if client.keeps_a_secret() && !client.proved {
            return Err(TokenError::invalid_client("The client_secret is missing."));
        }
        if fields.token.is_empty() {
            return Err(TokenError::invalid_request("The token is missing."));
        }
        let hash = sha256_hex(fields.token.as_bytes());
        let client_id = &client.application.client_id;
        let refresh = tokens::find_refresh_token(&mut self.db.clone(), tenant_id, &hash).await?;
        let family = match refresh {
            Some(token) => (token.client_id == *client_id).then_some(token.family),
            None => self
                .keys
                .verify_access(&fields.token, request.now_ms)
                .ok()
                .filter(|claims| claims.tid == tenant_id && claims.cid == *client_id)
                .map(|claims| claims.gid),
        };
        match family.filter(|family| !family.is_empty()) {
            Some(family) => self.end_grant(tenant_id, &family, request.now_ms).await,
            None => Ok(()),
        }
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
        authorize::GRANT => Ok(Grant::AuthorizationCode),
        "refresh_token" => Ok(Grant::RefreshToken),
        "" => Err(TokenError::invalid_request("The grant_type is missing.")),
        _ => Err(TokenError::new(
            400,
            "unsupported_grant_type",
            "The grant_type has to be client_credentials, password, authorization_code or refresh_token.",
        )),
    }
}
