//! The documents by which programs find their way to the token endpoint.

use aureole_storage::tokens;
use serde_json::{Value, json};

use super::issue::subject;
use super::{Auth, Caller, Scopes};

/// How an application says who it is. `none` is for those that cannot keep a secret.
const AUTHENTICATION: [&str; 3] = ["client_secret_post", "client_secret_basic", "none"];

impl Auth {
    /// `GET /.well-known/openid-configuration`. `base_url` is the server's address as the caller
    /// sees it, without a slash at the end.
    #[must_use]
    pub fn openid_configuration(&self, base_url: &str) -> Value {
        let base_url = base_url.trim_end_matches('/');
        json!({
            "issuer": base_url,
            "authorization_endpoint": format!("{base_url}/auth/authorize"),
            "token_endpoint": format!("{base_url}/auth/token"),
            "jwks_uri": format!("{base_url}/.well-known/jwks.json"),
            "revocation_endpoint": format!("{base_url}/auth/revoke"),
            "userinfo_endpoint": format!("{base_url}/auth/userinfo"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [
                "client_credentials", "password", "authorization_code", "refresh_token",
            ],
            "scopes_supported": Scopes::supported(),
            "token_endpoint_auth_methods_supported": AUTHENTICATION,
            "revocation_endpoint_auth_methods_supported": AUTHENTICATION,
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "claims_supported": [
                "iss", "sub", "aud", "iat", "exp", "auth_time", "at_hash", "nonce", "name", "email",
            ],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "authorization_response_iss_parameter_supported": true,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
        })
    }

    /// `GET /auth/userinfo`: who is behind a token, as the id token said.
    ///
    /// # Errors
    /// From the database.
    pub async fn userinfo(&self, caller: &Caller) -> Result<Value, aureole_storage::Error> {
        let tenant_id = caller.tenant_id;
        let (kind, id) = match caller.user_id {
            0 => ("agent", caller.agent_id),
            id => ("user", id),
        };
        let mut name = caller.agent_name.clone();
        let email = if caller.user_id == 0 {
            let snapshot = self.directory.load();
            snapshot.agent(tenant_id, id).map(|agent| agent.email.to_string()).unwrap_or_default()
        } else {
            let user = tokens::find_user(&mut self.db.clone(), tenant_id, id).await?;
            user.map(|user| {
                name = user.name;
                user.email
            })
            .unwrap_or_default()
        };
        Ok(json!({ "sub": subject(tenant_id, kind, id), "name": name, "email": email }))
    }

    /// `GET /api/authinfo`: the way to the token endpoint for programs that know the API's address
    /// only. An unknown or empty tenant: see [`Auth::token`], which has the same rule; here the
    /// default tenant stands in where that would be an error.
    #[must_use]
    pub fn authinfo(&self, base_url: &str, tenant: &str) -> Value {
        let snapshot = self.directory.load();
        let tenant = snapshot
            .tenant_named(tenant)
            .or_else(|| snapshot.only_tenant())
            .or_else(|| snapshot.tenant_named(super::admin::DEFAULT_TENANT));
        let name = tenant.map_or(super::admin::DEFAULT_TENANT, |tenant| &tenant.name);
        json!({
            "auth_url": format!("{}/auth", base_url.trim_end_matches('/')),
            "tenant_id": name,
            "name": name,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    /// The public keys that verify this server's tokens, as a JSON Web Key Set.
    #[must_use]
    pub fn jwks(&self) -> Value {
        self.keys.jwks()
    }
}
