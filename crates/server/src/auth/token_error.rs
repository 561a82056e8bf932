//! Why a token is refused, in the form that RFC 6749 gives it.

use serde_json::{Value, json};

use super::AuthError;
use super::passwords::PasswordError;

/// The refusal of a token, in the form of RFC 6749.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct TokenError {
    status: u16,
    error: &'static str,
    description: String,
    retry_after_s: Option<u64>,
}

impl TokenError {
    pub(super) fn new(
        status: u16,
        error: &'static str,
        description: impl Into<String>,
    ) -> TokenError {
        TokenError { status, error, description: description.into(), retry_after_s: None }
    }

    pub(super) fn invalid_request(description: impl Into<String>) -> TokenError {
        TokenError::new(400, "invalid_request", description)
    }

    pub(super) fn invalid_client(description: impl Into<String>) -> TokenError {
        TokenError::new(401, "invalid_client", description)
    }

    pub(super) fn invalid_grant(description: impl Into<String>) -> TokenError {
        TokenError::new(400, "invalid_grant", description)
    }

    pub(super) fn invalid_scope(description: impl Into<String>) -> TokenError {
        TokenError::new(400, "invalid_scope", description)
    }

    pub(super) fn throttled(wait_s: u64) -> TokenError {
        let description = format!("Too many wrong secrets or passwords; try again in {wait_s} s.");
        let error = TokenError::new(429, "rate_limited", description);
        TokenError { retry_after_s: Some(wait_s), ..error }
    }

    fn unavailable() -> TokenError {
        let error = TokenError::new(
            503,
            "temporarily_unavailable",
            "Signing in is not possible at the moment; try again.",
        );
        TokenError { retry_after_s: Some(1), ..error }
    }

    /// The HTTP status: 400, 401, 429 or 503.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// OAuth's code.
    #[must_use]
    pub fn error(&self) -> &'static str {
        self.error
    }

    /// A sentence for a person.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// For the `Retry-After` header, in seconds.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }

    /// The reply's body: `error` and `error_description`, which programs read unguarded.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({ "error": self.error, "error_description": self.description })
    }
}

/// The cause goes to the log; the caller learns that it may try again.
impl From<AuthError> for TokenError {
    fn from(error: AuthError) -> TokenError {
        tracing::error!(%error, "token request failed");
        TokenError::unavailable()
    }
}

impl From<aureole_storage::Error> for TokenError {
    fn from(error: aureole_storage::Error) -> TokenError {
        AuthError::from(error).into()
    }
}

impl From<PasswordError> for TokenError {
    fn from(error: PasswordError) -> TokenError {
        AuthError::from(error).into()
    }
}
