//! Who may do what: tokens, grants, scopes, passwords, and the administration of all that.
//!
//! A browser's path through here: [`Auth::authorization`] checks who sent it, [`Auth::sign_in`] gives
//! it a code to take back. A request's path: [`Auth::token`] checks secrets and hands out signed tokens,
//! [`Auth::caller`] turns a token into a [`Caller`] without a database read.

mod admin;
mod agents;
pub mod authorize;
pub mod caller;
pub mod console;
pub mod directory;
pub mod grants;
mod issue;
pub mod keys;
mod oidc;
pub mod passwords;
mod pkce;
pub mod redirects;
mod request;
pub mod scopes;
mod secrets;
pub mod throttle;
mod token_error;

pub use admin::{ApplicationInfo, NewApplication, TenantInfo};
pub use agents::login_keys;
pub use caller::{Caller, Role, Unauthorized};
pub use directory::REFRESH_MS;
pub use grants::{TokenError, TokenRequest};
pub use passwords::PasswordError;
pub use scopes::{Area, Scopes};

use std::sync::Arc;

use aureole_storage::tokens::SigningKey;
use aureole_storage::{Db, codes, tokens};

use caller::KnownTokens;
use directory::Directory;
use keys::Keys;
use passwords::Passwords;
use throttle::Throttle;

use crate::vault::Vault;

/// How long a code is remembered, so that a second use of it ends what the first one gave.
const CODE_MEMORY_MS: i64 = 86_400_000;

/// Why something about tenants, applications or passwords could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Asked for something that cannot be: a sentence for the person who asked.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Storage(#[from] aureole_storage::Error),
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A defect of ours, for the log.
    #[error("signing in: {0}")]
    Internal(String),
}

impl AuthError {
    fn refused(sentence: impl Into<String>) -> AuthError {
        AuthError::Refused(sentence.into())
    }
}

/// Everything about signing in. One for each process; made by [`Auth::open`].
pub struct Auth {
    db: Db,
    directory: Directory,
    keys: Keys,
    passwords: Passwords,
    throttle: Throttle,
    known_tokens: KnownTokens,
    vault: Arc<Vault>,
}

impl Auth {
    /// A tenant's name; empty when there is none.
    #[must_use]
    pub fn tenant_name(&self, id: i64) -> String {
        self.directory.load().tenant(id).map(|tenant| tenant.name.to_string()).unwrap_or_default()
    }

    /// Loads what tokens need. An empty database gets its tenant `default` with agent 1 and a
    /// signing key first; the schema has to be there already.
    ///
    /// # Errors
    /// From the database, or a signing key that cannot be read.
    pub async fn open(db: Db, now_ms: i64) -> Result<Auth, AuthError> {
        Auth::open_sealed(db, Arc::default(), now_ms).await
    }

    /// [`Auth::open`] with the keys for secrets: signing keys are then sealed in the database, those
    /// that were there in clear too.
    ///
    /// # Errors
    /// As [`Auth::open`].
    pub async fn open_sealed(db: Db, vault: Arc<Vault>, now_ms: i64) -> Result<Auth, AuthError> {
        let auth = Auth {
            directory: Directory::new(db.clone()),
            db,
            keys: Keys::default(),
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            known_tokens: KnownTokens::default(),
            vault,
        };
        auth.create_default_tenant(now_ms).await?;
        if tokens::signing_keys(&mut auth.db.clone()).await?.is_empty() {
            // Two processes that start at once make two keys; both are good.
            let key = auth.new_signing_key(now_ms)?;
            let mut tx = auth.db.begin().await?;
            tokens::insert_signing_key(&mut tx, &key).await?;
            tx.commit().await?;
        }
        auth.seal_signing_keys().await?;
        auth.refresh().await?;
        Ok(auth)
    }

    /// Reads tenants, applications, agents and keys again. A background task of the server calls
    /// this every [`REFRESH_MS`], so that what was revoked anywhere ends here too.
    ///
    /// # Errors
    /// From the database; what was known stays in force.
    pub async fn refresh(&self) -> Result<(), AuthError> {
        self.read_keys().await?;
        Ok(self.directory.refresh().await?)
    }

    /// For a token that names something unknown here. A failure is logged: the token is then
    /// refused as it would have been without the attempt.
    async fn refresh_for_token(&self) {
        let result = match self.read_keys().await {
            Ok(()) => self.directory.refresh_on_demand().await.map_err(AuthError::from),
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            tracing::warn!(%error, "reading the directory for an unknown token");
        }
    }

    async fn read_keys(&self) -> Result<(), AuthError> {
        self.vault.refresh();
        let stored = tokens::signing_keys(&mut self.db.clone()).await?;
        self.keys.replace(&stored, &self.vault).map_err(AuthError::Internal)
    }

    /// A key for the database: sealed when there is a key for that.
    fn new_signing_key(&self, now_ms: i64) -> Result<SigningKey, AuthError> {
        let mut key = keys::generate(now_ms).map_err(AuthError::Internal)?;
        if self.vault.is_lasting()
            && let Some(sealed) = keys::sealed(&key, &self.vault)
        {
            key.private_pem = sealed;
        }
        Ok(key)
    }

    /// Seals the signing keys that are in the database in clear, when there is a key for that.
    async fn seal_signing_keys(&self) -> Result<(), AuthError> {
        if !self.vault.is_lasting() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        for key in tokens::signing_keys(&mut tx).await? {
            if let Some(sealed) = keys::sealed(&key, &self.vault) {
                tokens::replace_signing_key(&mut tx, &key, &sealed).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    /// Deletes what has ended of tokens and codes, at most `limit` of each, and returns how many
    /// refresh tokens. For a background job.
    ///
    /// # Errors
    /// From the database.
    pub async fn purge_refresh_tokens(&self, limit: i64, now_ms: i64) -> Result<u64, AuthError> {
        let mut tx = self.db.begin().await?;
        let purged = tokens::purge_refresh_tokens(&mut tx, now_ms, limit).await?;
        codes::purge(&mut tx, now_ms - CODE_MEMORY_MS, now_ms, limit).await?;
        tx.commit().await?;
        Ok(purged)
    }

    /// Makes a new signing key now; it signs within five seconds. Returns its id.
    ///
    /// # Errors
    /// From the database.
    pub async fn rotate_signing_key(&self, now_ms: i64) -> Result<String, AuthError> {
        let key = self.new_signing_key(now_ms)?;
        let mut tx = self.db.begin().await?;
        tokens::insert_signing_key(&mut tx, &key).await?;
        tx.commit().await?;
        self.read_keys().await?;
        Ok(key.kid)
    }

    /// Makes a new signing key when the newest is `max_age_ms` old (0: never), and retires those
    /// whose last token has ended. Returns whether one was made. For a background job.
    ///
    /// # Errors
    /// From the database.
    pub async fn tend_signing_keys(&self, max_age_ms: i64, now_ms: i64) -> Result<bool, AuthError> {
        let mut tx = self.db.begin().await?;
        let mut is_made = false;
        if max_age_ms > 0 && self.keys.newest_ms().saturating_add(max_age_ms) <= now_ms {
            let key = self.new_signing_key(now_ms)?;
            let newer_than = now_ms - max_age_ms;
            is_made = tokens::insert_signing_key_if_due(&mut tx, &key, newer_than).await?;
        }
        let replaced_before = now_ms - keys::RETIREMENT_MS;
        let retired = tokens::retire_signing_keys(&mut tx, replaced_before, now_ms).await?;
        tx.commit().await?;
        if is_made || retired > 0 {
            tracing::info!(is_made, retired, "signing keys");
            self.read_keys().await?;
        }
        Ok(is_made)
    }
}
