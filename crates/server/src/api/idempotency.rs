//! `Idempotency-Key` on POST: the same key and body within 24 hours returns the first reply.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use aureole_catalogue::Problems;
use aureole_storage::Tx;
use aureole_storage::idempotency::{self, First, Key};
use http_body_util::BodyExt;
use tokio::sync::OwnedMutexGuard;

use crate::auth::passwords::sha256_hex;
use crate::error::{ApiError, Result};
use crate::front::{self, Call};
use crate::reply::{self, Reply};

/// How long a key is remembered, in milliseconds.
pub const LIFE_MS: i64 = 24 * 60 * 60 * 1_000;
/// Bytes of a key at most.
const MAX_KEY_BYTES: usize = 255;

/// The keys whose requests are being worked on by this server. The same one that comes meanwhile waits for
/// the reply that it is to repeat; between servers the database decides whose reply is the first.
#[derive(Default)]
pub struct Running {
    keys: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Running {
    async fn turn(&self, key: String) -> OwnedMutexGuard<()> {
        let own = {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.retain(|_, turn| turn.strong_count() > 0);
            let found = keys.get(&key).and_then(Weak::upgrade);
            found.unwrap_or_else(|| {
                let made = Arc::default();
                keys.insert(key, Arc::downgrade(&made));
                made
            })
        };
        own.lock_owned().await
    }
}

/// A request that may come again.
pub struct Repeatable {
    key: String,
    hash: String,
    _turn: OwnedMutexGuard<()>,
}

/// Answers a request whose write can't keep its reply itself: it is kept in a transaction of its own
/// behind the write. `write` does not begin when there is a first reply already.
pub async fn once(
    call: &Call,
    body: &[u8],
    write: impl Future<Output = Result<Reply>>,
) -> Result<Reply> {
    given(call)?;
    let dry_run = call.params.flag("dryrun", &mut Problems::default());
    let repeatable = if dry_run { None } else { of(call, body).await? };
    let Some(repeatable) = repeatable else { return write.await };
    if let Some(first) = repeatable.first(call).await? {
        return Ok(first);
    }
    let reply = write.await?;
    repeatable.kept(call, reply).await
}

/// The key that a request has, if it has one; one that can't be kept is refused, in a dry run too.
pub fn given(call: &Call) -> Result<Option<&str>> {
    let Some(given) = call.headers.get("idempotency-key") else { return Ok(None) };
    // One that was passed over would be no protection, and nobody would know.
    let key = given.to_str().ok().filter(|key| key.len() <= MAX_KEY_BYTES);
    let Some(key) = key.map(str::trim) else {
        let text = format!("must be at most {MAX_KEY_BYTES} visible ASCII characters");
        return Err(ApiError::invalid("Idempotency-Key", text));
    };
    Ok(Some(key).filter(|key| !key.is_empty()))
}

/// The request, when it has a key, and its turn among those with the same one.
pub async fn of(call: &Call, body: &[u8]) -> Result<Option<Repeatable>> {
    let Some(key) = given(call)? else { return Ok(None) };
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
    let (tenant, application) = (call.caller.tenant_id, &call.caller.application);
    let turn = call.app.repeats.turn(format!("{tenant}:{application}:{key}")).await;
    Ok(Some(Repeatable { key, hash: sha256_hex(&hashed), _turn: turn }))
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
        // What another server has just committed counts.
        call.db.renew_views();
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

    /// The reply to what is committed already, kept.
    pub async fn kept(&self, call: &Call, mut reply: Reply) -> Result<Reply> {
        let text = reply.body_mut().collect().await;
        let text = text.map_err(|error| ApiError::Internal(error.to_string()))?.to_bytes();
        let status = reply.status().as_u16();
        self.keep_behind(call, status, &String::from_utf8_lossy(&text)).await;
        *reply.body_mut() = reply::full(text);
        Ok(reply)
    }

    /// Keeps the text of such a reply. What it tells of is done, so it stands whatever becomes of its
    /// copy.
    pub async fn keep_behind(&self, call: &Call, status: u16, reply: &str) {
        let keep = async {
            let mut tx = call.db.begin().await?;
            self.keep(call, &mut tx, status, reply).await?;
            Ok::<(), ApiError>(tx.commit().await?)
        };
        if let Err(error) = keep.await {
            let (request_id, cause) = (&call.request_id, front::cause(&error));
            tracing::error!(request_id, cause, "a reply is not kept for repetitions");
        }
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
