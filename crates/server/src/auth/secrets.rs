//! Who asks for a token: the application, and whether what it knows is right.

use aureole_storage::tokens::{self, Application};

use super::Auth;
use super::grants::TokenRequest;
use super::request::Fields;
use super::throttle::Subject;
use super::token_error::TokenError;

/// The application that asks.
pub(super) struct Client {
    pub application: Application,
    /// It has shown its secret.
    pub proved: bool,
}

impl Client {
    /// An application that may use `client_credentials` runs where a secret can be kept, so it has to
    /// show it. Others may run on the person's own machine or in a browser, where it can't: there
    /// PKCE says that who exchanges a code is who asked for it.
    pub fn keeps_a_secret(&self) -> bool {
        let mut grants = self.application.grants.split_whitespace();
        !self.application.secret_hash.is_empty()
            && grants.any(|grant| grant == "client_credentials")
    }
}

impl Auth {
    /// The application that asks. Its secret is checked when it sends one.
    pub(super) async fn client(
        &self,
        tenant_id: i64,
        fields: &Fields,
        request: &TokenRequest<'_>,
    ) -> Result<Client, TokenError> {
        if fields.client_id.is_empty() {
            return Err(TokenError::invalid_client("The client_id is missing."));
        }
        let wrong = || TokenError::invalid_client("The client_id or the client_secret is wrong.");
        let now_ms = request.now_ms;
        let subjects = [
            Subject::Application { tenant_id, client_id: &fields.client_id },
            Subject::Address(request.peer),
        ];
        self.throttle.check(&subjects, now_ms).map_err(TokenError::throttled)?;
        let mut db = self.db.clone();
        let found = tokens::find_application(&mut db, tenant_id, &fields.client_id).await?;
        let Some(application) = found.filter(|application| application.revoked_at.is_none()) else {
            self.throttle.record(&subjects, now_ms);
            return Err(wrong());
        };
        let proved = !fields.client_secrets.is_empty();
        let stored = [application.secret_hash.as_str()];
        if proved && self.check(&fields.client_secrets, &stored, &subjects, now_ms).await?.is_none()
        {
            return Err(wrong());
        }
        Ok(Client { application, proved })
    }

    /// Which of the stored hashes fits one of the secrets; a miss is counted.
    pub(super) async fn check(
        &self,
        secrets: &[String],
        stored: &[&str],
        subjects: &[Subject<'_>],
        now_ms: i64,
    ) -> Result<Option<usize>, TokenError> {
        let mut unsure = stored.is_empty();
        for (at, hash) in stored.iter().enumerate() {
            for secret in secrets {
                match self.passwords.verify_quickly(secret, hash, now_ms) {
                    Some(true) => return Ok(Some(at)),
                    Some(false) => {}
                    None => unsure = true,
                }
            }
        }
        if unsure {
            let found = self.check_slowly(secrets, stored, subjects, now_ms).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        self.throttle.record(subjects, now_ms);
        Ok(None)
    }

    /// The part of [`Auth::check`] that costs time, one or two callers at once.
    async fn check_slowly(
        &self,
        secrets: &[String],
        stored: &[&str],
        subjects: &[Subject<'_>],
        now_ms: i64,
    ) -> Result<Option<usize>, TokenError> {
        let turn = self.passwords.turn().await?;
        // Others may have guessed wrong, or right, while this one waited.
        self.throttle.check(subjects, now_ms).map_err(TokenError::throttled)?;
        for (at, hash) in stored.iter().enumerate() {
            for secret in secrets {
                let right = match self.passwords.verify_quickly(secret, hash, now_ms) {
                    Some(right) => right,
                    None => self.passwords.verify(&turn, secret, hash, now_ms).await?,
                };
                if right {
                    return Ok(Some(at));
                }
            }
        }
        if let ([], [secret, ..]) = (stored, secrets) {
            self.passwords.verify_nobody(&turn, secret).await?;
        }
        Ok(None)
    }
}
