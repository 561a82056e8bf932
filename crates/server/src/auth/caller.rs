//! Who is calling: a verified token, joined with what the directory says about it now.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::Auth;
use super::directory::Snapshot;
use super::keys::{AccessClaims, BadToken};
use super::scopes::Scopes;
use crate::limit::Meter;

/// What a caller may do beyond its scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Does everything.
    Administrator,
    /// Reads and writes client data, but not definitions, settings, applications, agents.
    Agent,
    /// A client's employee: sees its own client through the portal.
    EndUser,
}

impl Role {
    /// An agent's role as it stands in its record. Whatever is not an administrator is an agent.
    #[must_use]
    pub fn parse(text: &str) -> Role {
        if text.eq_ignore_ascii_case("administrator") { Role::Administrator } else { Role::Agent }
    }

    /// The text in an agent's record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Administrator => "administrator",
            Role::Agent => "agent",
            Role::EndUser => "user",
        }
    }

    /// The most that a token of this role may do.
    #[must_use]
    pub fn limit(self) -> Scopes {
        match self {
            Role::Administrator => Scopes::ALL,
            Role::Agent => Scopes::STANDARD,
            Role::EndUser => Scopes::NONE,
        }
    }
}

/// Who is calling, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub tenant_id: i64,
    /// The tenant's name.
    pub tenant: String,
    /// The application's client id.
    pub application: String,
    /// 0 for an end user.
    pub agent_id: i64,
    /// The agent's name, or the end user's.
    pub agent_name: String,
    pub role: Role,
    /// 0 for an agent.
    pub user_id: i64,
    pub scopes: Scopes,
    /// The clients that the agent may see; empty means all.
    pub allowed_clients: Arc<[i64]>,
    /// The clients that it may not see. Stronger than `allowed_clients`.
    pub denied_clients: Arc<[i64]>,
    /// Of the application.
    pub meter: Arc<Meter>,
}

/// Why a request without a good token is refused; a sentence for the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unauthorized(pub &'static str);

const MISSING: Unauthorized =
    Unauthorized("This request needs an access token: Authorization: Bearer TOKEN.");
const INVALID: Unauthorized = Unauthorized("The access token is not valid.");
const EXPIRED: Unauthorized = Unauthorized("The access token has expired.");

/// A token this young may name something that this process has not read yet.
const YOUNG_MS: i64 = 10_000;

impl Auth {
    /// Who sent this `Authorization` header. A token that was seen before costs a look into a map.
    ///
    /// # Errors
    /// [`Unauthorized`], with a sentence for the reply.
    pub async fn caller(
        &self,
        authorization: Option<&str>,
        now_ms: i64,
    ) -> Result<Arc<Caller>, Unauthorized> {
        let token = bearer(authorization.unwrap_or_default()).ok_or(MISSING)?;
        let snapshot = self.directory.load();
        match self.known_tokens.find(token, snapshot.generation, now_ms) {
            Found::Caller(caller) => return Ok(caller),
            Found::Claims(claims) => {
                if let Ok(caller) = self.admit(token, claims, &snapshot) {
                    return Ok(caller);
                }
            }
            Found::Nothing => {}
        }
        drop(snapshot);
        self.new_caller(token, now_ms).await
    }

    /// Checks a token from scratch.
    async fn new_caller(&self, token: &str, now_ms: i64) -> Result<Arc<Caller>, Unauthorized> {
        let mut claims = self.keys.verify_access(token, now_ms);
        if claims == Err(BadToken::UnknownKey) && self.directory.is_due() {
            self.refresh_for_token().await;
            claims = self.keys.verify_access(token, now_ms);
        }
        let claims = Arc::new(claims.map_err(|bad| match bad {
            BadToken::Expired => EXPIRED,
            BadToken::Invalid | BadToken::UnknownKey => INVALID,
        })?);
        let first = self.admit(token, Arc::clone(&claims), &self.directory.load());
        match first {
            Err(Refusal::Unknown) if claims.iat.saturating_mul(1_000) > now_ms - YOUNG_MS => {
                self.refresh_for_token().await;
                let again = self.admit(token, claims, &self.directory.load());
                again.map_err(Refusal::unauthorized)
            }
            other => other.map_err(Refusal::unauthorized),
        }
    }

    /// Joins a verified token with the directory and remembers the outcome.
    fn admit(
        &self,
        token: &str,
        claims: Arc<AccessClaims>,
        snapshot: &Snapshot,
    ) -> Result<Arc<Caller>, Refusal> {
        let caller = Arc::new(join(&claims, snapshot)?);
        let entry = Entry {
            ends_ms: claims.ends_ms(),
            generation: snapshot.generation,
            claims,
            caller: Arc::clone(&caller),
        };
        self.known_tokens.keep(token, entry);
        Ok(caller)
    }
}

/// Why a verified token is refused all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It names something that the snapshot lacks.
    Unknown,
    Ended(Unauthorized),
}

impl Refusal {
    fn unauthorized(self) -> Unauthorized {
        match self {
            Refusal::Unknown => INVALID,
            Refusal::Ended(reason) => reason,
        }
    }
}

/// What a token's claims are worth now.
pub(super) fn join(claims: &AccessClaims, snapshot: &Snapshot) -> Result<Caller, Refusal> {
    let ended = |reason| Refusal::Ended(Unauthorized(reason));
    let tenant = snapshot.tenant(claims.tid).ok_or(Refusal::Unknown)?;
    if tenant.suspended {
        return Err(ended("The tenant is suspended."));
    }
    let application = snapshot.application(claims.tid, &claims.cid).ok_or(Refusal::Unknown)?;
    if application.revoked {
        return Err(ended("The application has been revoked."));
    }
    if snapshot.is_ended(claims.tid, &claims.gid) {
        return Err(ended("The access token has been revoked."));
    }
    let scopes = Scopes::parse_known(&claims.scope).intersection(application.scopes);
    let mut caller = Caller {
        tenant_id: tenant.id,
        tenant: tenant.name.to_string(),
        application: claims.cid.clone(),
        agent_id: claims.aid,
        agent_name: claims.name.clone(),
        role: Role::EndUser,
        user_id: claims.uid,
        scopes,
        allowed_clients: Arc::default(),
        denied_clients: Arc::default(),
        meter: Arc::clone(&application.meter),
    };
    if claims.uid == 0 {
        let agent = snapshot.agent(claims.tid, claims.aid).ok_or(Refusal::Unknown)?;
        if agent.disabled {
            return Err(ended("The agent is disabled."));
        }
        caller.agent_name = agent.name.to_string();
        caller.role = agent.role;
        caller.allowed_clients = Arc::clone(&agent.allowed_clients);
        caller.denied_clients = Arc::clone(&agent.denied_clients);
    }
    caller.scopes = scopes.intersection(caller.role.limit());
    Ok(caller)
}

/// The token in an `Authorization: Bearer` header.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// A token that was verified.
struct Entry {
    ends_ms: i64,
    /// Of the snapshot that `caller` comes from.
    generation: u64,
    claims: Arc<AccessClaims>,
    caller: Arc<Caller>,
}

enum Found {
    Caller(Arc<Caller>),
    /// Verified before, but the directory has changed since.
    Claims(Arc<AccessClaims>),
    Nothing,
}

const SHARDS: usize = 16;
/// Tokens in a shard; all of them together take some 20 MB.
const SHARD_CAPACITY: usize = 1_024;

type Shard = HashMap<Box<str>, Entry, RandomState>;

/// The tokens that were verified, by their text. Bounded: programs that ask for a token before
/// every call make many of them.
#[derive(Default)]
pub(super) struct KnownTokens {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

impl KnownTokens {
    fn find(&self, token: &str, generation: u64, now_ms: i64) -> Found {
        let shard = self.shard(token);
        match shard.get(token) {
            Some(entry) if entry.ends_ms <= now_ms => Found::Nothing,
            Some(entry) if entry.generation == generation => {
                Found::Caller(Arc::clone(&entry.caller))
            }
            Some(entry) => Found::Claims(Arc::clone(&entry.claims)),
            None => Found::Nothing,
        }
    }

    fn keep(&self, token: &str, entry: Entry) {
        let mut shard = self.shard(token);
        if shard.len() >= SHARD_CAPACITY && !shard.contains_key(token) {
            // Every second one goes: those in use are back with their next request, and it is done
            // once in 500 new tokens.
            let mut keep = false;
            shard.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        shard.insert(token.into(), entry);
    }

    fn shard(&self, token: &str) -> MutexGuard<'_, Shard> {
        // The signature at the end is what differs most, and all that is needed to spread.
        let tail = token.as_bytes().last_chunk::<16>();
        let hash = tail.map_or(0, |tail| self.hasher.hash_one(tail));
        let at = usize::from(hash.to_le_bytes()[0]) % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_may_be_written_in_any_case() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for header in ["", "Bearer", "Bearer ", "Basic abc", "abc"] {
            assert_eq!(bearer(header), None, "{header}");
        }
    }

    #[test]
    fn the_memory_of_tokens_is_bounded() {
        let known = KnownTokens::default();
        let claims = AccessClaims::new(
            &super::super::keys::Grantee {
                subject: "1.agent.1",
                tenant_id: 1,
                client_id: "a",
                agent_id: 1,
                user_id: 0,
                user_name: "",
                grant: "g",
            },
            "all".to_owned(),
            0,
        );
        let claims = Arc::new(claims);
        let caller = Arc::new(Caller {
            tenant_id: 1,
            tenant: String::new(),
            application: String::new(),
            agent_id: 1,
            agent_name: String::new(),
            role: Role::Agent,
            user_id: 0,
            scopes: Scopes::NONE,
            allowed_clients: Arc::default(),
            denied_clients: Arc::default(),
            meter: Arc::default(),
        });
        for number in 0..40_000 {
            let entry = Entry {
                ends_ms: 10,
                generation: 1,
                claims: Arc::clone(&claims),
                caller: Arc::clone(&caller),
            };
            known.keep(&format!("token-of-some-length-{number}"), entry);
        }
        let total: usize = known.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(
            (SHARDS * SHARD_CAPACITY / 4..=SHARDS * SHARD_CAPACITY).contains(&total),
            "{total}"
        );
        let newest = "token-of-some-length-39999";
        assert!(matches!(known.find(newest, 1, 9), Found::Caller(_)));
        assert!(matches!(known.find(newest, 2, 9), Found::Claims(_)));
        assert!(matches!(known.find(newest, 1, 10), Found::Nothing));
    }
}
