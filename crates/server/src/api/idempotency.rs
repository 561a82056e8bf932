//! `Idempotency-Key` on POST: the same key and body within 24 hours returns the first reply.

use aureole_storage::Tx;
use aureole_storage::idempotency::{self, First, Key};

use crate::auth::passwords::sha256_hex;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};

/// How long a key is remembered, in milliseconds.
pub const LIFE_MS: i64 = 24 * 60 * 60 * 1_000;
/// Bytes of a key at most.
const MAX_KEY_BYTES: usize = 255;

/// A request that may come again.
pub struct Repeatable {
    key: String,
    hash: String,
}

/// The key of a request, when it has one.
pub fn of(call: &Call, body: &[u8]) -> Result<Option<Repeatable>> {
    let Some(key) = call.header("idempotency-key").map(str::trim).filter(|key| !key.is_empty())
    else {
        return Ok(None);
    };
    if key.len() > MAX_KEY_BYTES {
        return Err(ApiError::invalid(
            "Idempotency-Key",
            format!("must be at most {MAX_KEY_BYTES} bytes"),
        ));
    }
    let mut names: Vec<&str> = call.params.names().collect();
    names.sort_unstable();
    let params: Vec<String> = names
        .iter()
        .map(|name| format!("{name}={}", call.params.get(name).unwrap_or("")))
        .collect();
    let mut hashed = format!("{}?{}\n", call.path, params.join("&")).into_bytes();
    hashed.extend_from_slice(body);
    // Two agents behind one application do not see the same.
    let key = format!("{}.{}:{key}", call.caller.agent_id, call.caller.user_id);
    Ok(Some(Repeatable { key, hash: sha256_hex(&hashed) }))
}

impl Repeatable {
    fn key<'a>(&'a self, call: &'a Call) -> Key<'a> {
        Key {
            tenant: call.caller.tenant_id,
            application: &call.caller.application,
            text: &self.key,
        }
    }

    /// The first reply, when there was one; another body under the same key is a 422.
    pub async fn first(&self, call: &Call) -> Result<Option<Reply>> {
        let since = call.now - LIFE_MS;
        let first = idempotency::find(&mut call.db.clone(), self.key(call), since).await?;
        let Some(first) = first else { return Ok(None) };
        if first.body_hash != self.hash {
            return Err(ApiError::IdempotencyMismatch);
        }
        let status = u16::try_from(first.status).unwrap_or(200);
        let mut reply = reply::json(status, first.reply);
        reply::set(&mut reply, http::HeaderName::from_static("idempotency-replayed"), "true");
        Ok(Some(reply))
    }

    /// Keeps the reply, in the transaction that wrote what it tells of.
    pub async fn keep(&self, call: &Call, tx: &mut Tx, status: u16, reply: &str) -> Result<()> {
        let first = First {
            body_hash: self.hash.clone(),
            status: i64::from(status),
            reply: reply.to_owned(),
        };
        Ok(idempotency::keep(tx, self.key(call), &first, call.now, call.now - LIFE_MS).await?)
    }
}
