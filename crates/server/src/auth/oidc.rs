//! The documents by which programs find their way to the token endpoint.

use serde_json::{Value, json};

use super::{Auth, Scopes};

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
            "response_types_supported": ["code"],
            "grant_types_supported": [
                "client_credentials", "password", "refresh_token",
            ],
            "scopes_supported": Scopes::supported(),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "claims_supported": ["iss", "sub", "aud", "iat", "exp", "name", "email"],
        })
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
