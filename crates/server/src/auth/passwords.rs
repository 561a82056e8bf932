//! Passwords and secrets: how they are hashed, checked, and made.
//!
//! What people choose is hashed with argon2id, which is slow on purpose. What the server chose has
//! 256 random bits, cannot be guessed, and is hashed with SHA-256. Some programs ask for a token
//! before every call, so an argon2id secret that was right is remembered for five minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a right secret is remembered.
const MEMORY_MS: i64 = 5 * 60_000;
/// How many right secrets are remembered at a time.
const CAPACITY: usize = 4_096;
/// How many argon2id hashes are computed at a time: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// How many callers may wait for that; the next one is told to come back.
const WAITING: usize = 256;
/// Longer secrets and passwords are wrong unseen.
pub const MAX_SECRET_BYTES: usize = 1_024;

const SHA256_PREFIX: &str = "sha256:";
/// Checked in vain when there is no such login, so that the time does not tell.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$QXVyZW9sZSBub2JvZHk\
    $v0hXk0GJf2m6nP9h0cHk2w3cV5p6l8b7aZr1qTt4y8E";

/// Why a secret could not be checked or hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many checks are waiting already.
    #[error("too many passwords are being checked")]
    Busy,
    /// A stored hash that cannot be read, or a task that ended early.
    #[error("password hash: {0}")]
    Internal(String),
}

/// A secret of 256 random bits, as text without special characters.
#[must_use]
pub fn generate_secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// The stored form of a generated secret: `sha256:<hex>`.
#[must_use]
pub fn hash_generated(secret: &str) -> String {
    format!("{SHA256_PREFIX}{}", sha256_hex(secret.as_bytes()))
}

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Hashes and checks, and remembers what was right.
pub struct Passwords {
    turns: Semaphore,
    waiting: Semaphore,
    /// By a keyed hash of secret and stored hash; until when.
    remembered: Mutex<HashMap<String, i64>>,
    /// Random for each process: the memory is of no use outside it.
    key: EncodingKey,
}

/// The right to compute one argon2id hash; see [`Passwords::turn`].
pub struct Turn<'a> {
    _turn: SemaphorePermit<'a>,
    _waiting: SemaphorePermit<'a>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
            waiting: Semaphore::new(AT_ONCE + WAITING),
            remembered: Mutex::default(),
            key: EncodingKey::from_secret(&rand::random::<[u8; 32]>()),
        }
    }
}

impl Passwords {
    /// Hashes a password or a hand-chosen secret with argon2id: a PHC string. Takes some 20 ms.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let _turn = self.turn().await?;
        let password = password.to_owned();
        let hash = move || Argon2::default().hash_password(password.as_bytes());
        let hash = tokio::task::spawn_blocking(hash).await.map_err(internal)?;
        Ok(hash.map_err(internal)?.to_string())
    }

    /// Answers at once when it can: for generated secrets, for what is obviously wrong, and for a
    /// secret that was right in the last five minutes. `None`: only [`Passwords::verify`] knows.
    #[must_use]
    pub fn verify_quickly(&self, secret: &str, stored: &str, now_ms: i64) -> Option<bool> {
        if secret.is_empty() || stored.is_empty() || secret.len() > MAX_SECRET_BYTES {
            return Some(false);
        }
        if let Some(expected) = stored.strip_prefix(SHA256_PREFIX) {
            let given = sha256_hex(secret.as_bytes());
            return Some(given.as_bytes().ct_eq(expected.as_bytes()).into());
        }
        let mac = self.mac(secret, stored)?;
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        (*remembered.get(&mac)? > now_ms).then_some(true)
    }

    /// Waits until an argon2id hash may be computed.
    pub async fn turn(&self) -> Result<Turn<'_>, PasswordError> {
        let waiting = self.waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        let turn = self.turns.acquire().await.map_err(internal)?;
        Ok(Turn { _turn: turn, _waiting: waiting })
    }

    /// Checks a secret against a PHC string, off the async threads, and remembers a right one.
    pub async fn verify(
        &self,
        _turn: &Turn<'_>,
        secret: &str,
        stored: &str,
        now_ms: i64,
    ) -> Result<bool, PasswordError> {
        let pair: Arc<(String, String)> = Arc::new((secret.to_owned(), stored.to_owned()));
        let check = move || {
            let hash = PasswordHash::new(&pair.1).map_err(internal)?;
            Ok(Argon2::default().verify_password(pair.0.as_bytes(), &hash).is_ok())
        };
        let right = tokio::task::spawn_blocking(check).await.map_err(internal)??;
        if right {
            self.remember(secret, stored, now_ms);
        }
        Ok(right)
    }

    /// Takes as long as [`Passwords::verify`] does and is never right.
    pub async fn verify_nobody(&self, turn: &Turn<'_>, secret: &str) -> Result<(), PasswordError> {
        self.verify(turn, secret, NOBODY, 0).await.map(|_| ())
    }

    fn remember(&self, secret: &str, stored: &str, now_ms: i64) {
        let Some(mac) = self.mac(secret, stored) else {
            return;
        };
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= CAPACITY {
            remembered.retain(|_, until_ms| *until_ms > now_ms);
        }
        if remembered.len() >= CAPACITY {
            remembered.clear();
        }
        remembered.insert(mac, now_ms + MEMORY_MS);
    }

    /// HMAC-SHA-256 of both texts. A PHC string has no NUL, so no two pairs look the same.
    fn mac(&self, secret: &str, stored: &str) -> Option<String> {
        let message = [stored.as_bytes(), b"\0", secret.as_bytes()].concat();
        jsonwebtoken::crypto::sign(&message, &self.key, Algorithm::HS256).ok()
    }
}

fn internal(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_secrets_are_checked_at_once() {
        let passwords = Passwords::default();
        let secret = generate_secret();
        assert_eq!(secret.len(), 43);
        let stored = hash_generated(&secret);
        assert!(stored.starts_with("sha256:") && stored.len() == 71);
        assert_eq!(passwords.verify_quickly(&secret, &stored, 0), Some(true));
        assert_eq!(passwords.verify_quickly(&generate_secret(), &stored, 0), Some(false));
        assert_eq!(passwords.verify_quickly(&stored, &stored, 0), Some(false));
        assert_eq!(passwords.verify_quickly("", "", 0), Some(false));
    }

    #[tokio::test]
    async fn a_right_secret_is_remembered_for_five_minutes() {
        let passwords = Passwords::default();
        let stored = passwords.hash("demo-secret").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(passwords.verify_quickly("demo-secret", &stored, 0), None);
        let turn = passwords.turn().await.unwrap();
        assert!(passwords.verify(&turn, "demo-secret", &stored, 0).await.unwrap());
        assert_eq!(passwords.verify_quickly("demo-secret", &stored, 299_999), Some(true));
        assert_eq!(passwords.verify_quickly("demo-secret", &stored, 300_000), None);
        let changed = passwords.hash("demo-secret").await.unwrap();
        assert_eq!(passwords.verify_quickly("demo-secret", &changed, 1), None);
    }

    #[tokio::test]
    async fn a_wrong_secret_is_never_remembered() {
        let passwords = Passwords::default();
        let stored = passwords.hash("right").await.unwrap();
        let turn = passwords.turn().await.unwrap();
        assert!(!passwords.verify(&turn, "wrong", &stored, 0).await.unwrap());
        assert_eq!(passwords.verify_quickly("wrong", &stored, 0), None);
        let long = "x".repeat(MAX_SECRET_BYTES + 1);
        assert_eq!(passwords.verify_quickly(&long, &stored, 0), Some(false));
    }

    #[tokio::test]
    async fn nobody_has_a_password() {
        let passwords = Passwords::default();
        let turn = passwords.turn().await.unwrap();
        passwords.verify_nobody(&turn, "x").await.unwrap();
    }

    #[tokio::test]
    async fn the_queue_is_limited() {
        let passwords = Passwords::default();
        let _first = passwords.turn().await.unwrap();
        let _others =
            passwords.waiting.try_acquire_many(u32::try_from(AT_ONCE + WAITING - 1).unwrap());
        assert!(matches!(passwords.turn().await, Err(PasswordError::Busy)));
    }
}
