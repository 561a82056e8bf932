//! The keys that sign tokens, and the tokens themselves: ES256 JSON Web Tokens.
//!
//! All nodes share the keys through the database. The newest one that every node has had the time to
//! read signs, all verify. A key that was replaced is served until its last token has ended.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aureole_storage::tokens::SigningKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey as Signing};
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::vault::{self, Place, Vault};

/// How long an access token is good, in seconds.
pub const ACCESS_TOKEN_S: i64 = 3_600;
/// Access tokens say who made them and for whom; neither depends on the server's address, which is
/// not the same for every caller.
const ISSUER: &str = "aureole";
const AUDIENCE: &str = "aureole-api";
/// Tells access tokens from id tokens, which the same key signs.
const ACCESS_TYPE: &str = "at+jwt";
/// How much the clocks of two nodes may differ, in seconds.
const LEEWAY_S: i64 = 5;
/// When a token made now has ended on every node, from now, in milliseconds.
pub const TOKEN_ENDS_MS: i64 = (ACCESS_TOKEN_S + LEEWAY_S) * 1_000;
/// How long a new key waits before it signs: by then every node has read it, and verifies with it.
pub const ACTIVATION_MS: i64 = 4_000;
/// How long after its successor was made a key is served: its last token has ended, with an hour to
/// spare for nodes that had not read the successor and for programs that are slow to check.
pub const RETIREMENT_MS: i64 = 2 * ACCESS_TOKEN_S * 1_000;
/// Ours have some 500 bytes.
const MAX_TOKEN_BYTES: usize = 4_096;

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    pub iss: String,
    pub aud: String,
    /// Agent or end user, unique over all tenants.
    pub sub: String,
    /// The tenant's id.
    pub tid: i64,
    /// The application's client id.
    pub cid: String,
    /// The agent's id; 0 for an end user.
    pub aid: i64,
    /// The end user's id; 0 for an agent.
    pub uid: i64,
    /// The end user's name. An agent's comes from the directory.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub scope: String,
    /// The grant: all tokens of one signing in share it and can be ended together.
    #[serde(default)]
    pub gid: String,
    /// Seconds since 1970, as all times in tokens.
    pub iat: i64,
    pub exp: i64,
    /// Not good before this; 0, as in all of ours, for at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nbf: i64,
    /// Makes every token another text.
    pub jti: String,
}

/// Who an access token is for.
#[derive(Clone, Debug)]
pub struct Grantee<'a> {
    pub subject: &'a str,
    pub tenant_id: i64,
    pub client_id: &'a str,
    pub agent_id: i64,
    pub user_id: i64,
    pub user_name: &'a str,
    /// What all tokens of one signing in share.
    pub grant: &'a str,
}

impl AccessClaims {
    /// The claims of a new token that is good from `now_ms` on.
    #[must_use]
    pub fn new(grantee: &Grantee<'_>, scope: String, now_ms: i64) -> AccessClaims {
        let iat = now_ms.div_euclid(1_000);
        AccessClaims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: grantee.subject.to_owned(),
            tid: grantee.tenant_id,
            cid: grantee.client_id.to_owned(),
            aid: grantee.agent_id,
            uid: grantee.user_id,
            name: grantee.user_name.to_owned(),
            scope,
            gid: grantee.grant.to_owned(),
            iat,
            exp: iat + ACCESS_TOKEN_S,
            nbf: 0,
            jti: URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>()),
        }
    }

    /// When the token ends, in milliseconds, with the allowance for clocks that differ.
    #[must_use]
    pub fn ends_ms(&self) -> i64 {
        (self.exp.saturating_add(LEEWAY_S)).saturating_mul(1_000)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it tests by reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// Not a token of ours: its form, algorithm, signature, issuer or audience is wrong.
    Invalid,
    /// Signed with a key that this process has not seen; another node may just have made it.
    UnknownKey,
    Expired,
}

/// One key, ready for use.
struct Key {
    kid: String,
    created_at: i64,
    signing: Signing,
    decoding: DecodingKey,
    /// The public half as a JSON Web Key.
    jwk: Value,
}

/// The keys that this process knows, newest first.
#[derive(Default)]
pub struct Keys {
    keys: ArcSwap<Vec<Key>>,
}

/// A new signing key. `kid` and key are random.
///
/// # Errors
/// A sentence for the log when the key cannot be written as PEM.
pub fn generate(now_ms: i64) -> Result<SigningKey, String> {
    let secret = loop {
        // Practically every 256-bit number is a key; the few others are refused here.
        if let Ok(secret) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
            break secret;
        }
    };
    let pem = secret.to_pkcs8_pem(LineEnding::LF).map_err(|error| error.to_string())?;
    let kid = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 12]>());
    Ok(SigningKey { kid, private_pem: pem.to_string(), created_at: now_ms })
}

impl Keys {
    /// Takes over the keys from the database, newest first. Nothing happens when they are known.
    ///
    /// # Errors
    /// A sentence for the log that names the key which cannot be read; the old ones stay.
    pub fn replace(&self, stored: &[SigningKey], vault: &Vault) -> Result<(), String> {
        let known = self.keys.load();
        if known.iter().map(|key| &key.kid).eq(stored.iter().map(|key| &key.kid)) {
            return Ok(());
        }
        let keys: Result<Vec<Key>, String> = stored
            .iter()
            .map(|key| {
                read(key, vault).map_err(|error| format!("signing key {}: {error}", key.kid))
            })
            .collect();
        self.keys.store(Arc::new(keys?));
        Ok(())
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// A sentence for the log.
    pub fn sign_access(&self, claims: &AccessClaims, now_ms: i64) -> Result<String, String> {
        self.sign(ACCESS_TYPE, claims, now_ms)
    }

    /// Signs an id token: who signed in, for the program that asked.
    ///
    /// # Errors
    /// A sentence for the log.
    pub fn sign_id(&self, claims: &Value, now_ms: i64) -> Result<String, String> {
        self.sign("JWT", claims, now_ms)
    }

    /// Signs without jsonwebtoken, which reads the key again each time: 0.17 ms instead of 0.46,
    /// twice in every reply of the token endpoint.
    fn sign(&self, kind: &str, claims: &impl Serialize, now_ms: i64) -> Result<String, String> {
        let keys = self.keys.load();
        let known_to_all = |key: &&Key| key.created_at.saturating_add(ACTIVATION_MS) <= now_ms;
        // In the first seconds of a database there is none that all nodes know.
        let key =
            keys.iter().find(known_to_all).or(keys.last()).ok_or("there is no signing key")?;
        let header = json!({ "typ": kind, "alg": "ES256", "kid": key.kid }).to_string();
        let claims = serde_json::to_vec(claims).map_err(|error| error.to_string())?;
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature: Signature =
            key.signing.try_sign(token.as_bytes()).map_err(|error| error.to_string())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.to_bytes(), &mut token);
        Ok(token)
    }

    /// The claims of an access token that one of the keys signed and that has not ended.
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn verify_access(&self, token: &str, now_ms: i64) -> Result<AccessClaims, BadToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(BadToken::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| BadToken::Invalid)?;
        if header.alg != Algorithm::ES256
            || header.typ.as_deref() != Some(ACCESS_TYPE)
            || header.crit.is_some()
        {
            return Err(BadToken::Invalid);
        }
        let keys = self.keys.load();
        let kid = header.kid.as_deref().ok_or(BadToken::Invalid)?;
        let key = keys.iter().find(|key| key.kid == kid).ok_or(BadToken::UnknownKey)?;
        let verified = jsonwebtoken::decode::<AccessClaims>(token, &key.decoding, &validation())
            .map_err(|_| BadToken::Invalid)?;
        let begins_s = verified.claims.nbf.saturating_sub(LEEWAY_S);
        if begins_s.saturating_mul(1_000) > now_ms {
            return Err(BadToken::Invalid);
        }
        if verified.claims.ends_ms() <= now_ms {
            return Err(BadToken::Expired);
        }
        Ok(verified.claims)
    }

    /// When the newest key was made, in milliseconds since 1970.
    #[must_use]
    pub fn newest_ms(&self) -> i64 {
        self.keys.load().first().map_or(0, |key| key.created_at)
    }

    /// The public keys, as a JSON Web Key Set.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys = self.keys.load();
        json!({ "keys": keys.iter().map(|key| key.jwk.clone()).collect::<Vec<_>>() })
    }
}

/// Everything but beginning and end, which are compared with the caller's clock instead of the machine's.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.validate_exp = false;
    validation
}

/// The sealed form of a key that is in clear; `None` when it is sealed already.
pub(super) fn sealed(stored: &SigningKey, vault: &Vault) -> Option<String> {
    let pem = &stored.private_pem;
    if vault::is_envelope(pem) { None } else { vault.seal(&place(&stored.kid), pem) }
}

fn place(kid: &str) -> Place {
    Place::new(0, "signing_key", kid, "private_pem")
}

fn read(stored: &SigningKey, vault: &Vault) -> Result<Key, String> {
    let pem = &stored.private_pem;
    let secret = if vault::is_envelope(pem) {
        let pem = vault.open(&place(&stored.kid), pem).map_err(|error| error.to_string())?;
        SecretKey::from_pkcs8_pem(&pem)
    } else {
        SecretKey::from_pkcs8_pem(pem)
    };
    let secret = secret.map_err(|error| error.to_string())?;
    let public = secret.public_key();
    let public_pem = public.to_public_key_pem(LineEnding::LF).map_err(|error| error.to_string())?;
    let point = public.to_encoded_point(false);
    let coordinate = |bytes: Option<&p256::FieldBytes>| {
        bytes.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).unwrap_or_default()
    };
    Ok(Key {
        kid: stored.kid.clone(),
        created_at: stored.created_at,
        signing: Signing::from(&secret),
        decoding: DecodingKey::from_ec_pem(public_pem.as_bytes())
            .map_err(|error| error.to_string())?,
        jwk: json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": stored.kid,
            "x": coordinate(point.x()), "y": coordinate(point.y()),
        }),
    })
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
