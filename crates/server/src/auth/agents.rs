//! Administration: agents and passwords.

use aureole_catalogue::entities::agent::UNAME_LIST;
use aureole_catalogue::keys::agent as agent_key;
use aureole_catalogue::value::fold;
use aureole_catalogue::{EntityKind, Record};
use aureole_storage::changes::{self, Author, Change};
use aureole_storage::records::{self, Write};
use aureole_storage::{Error, Tx, tokens};

use super::admin::usable_name;
use super::caller::Role;
use super::passwords::MAX_SECRET_BYTES;
use super::{Auth, AuthError};

/// The agent that every tenant has: an application without an agent of its own acts as this one.
pub(super) const FIRST_AGENT: i64 = 1;
const FIRST_AGENT_NAME: &str = "System";

impl Auth {
    /// Makes an agent, with a password when there is one, and returns its id. The e-mail address is
    /// what it signs in with.
    ///
    /// # Errors
    /// An unknown tenant, a name or address that is taken; from the database.
    pub async fn create_agent(
        &self,
        tenant: &str,
        name: &str,
        email: &str,
        password: Option<&str>,
        role: Role,
        now_ms: i64,
    ) -> Result<i64, AuthError> {
        let tenant = self.tenant_named(tenant).await?;
        let name = usable_name("agent", name)?;
        let email = email.trim();
        if !email.contains('@') || email.contains(char::is_whitespace) {
            return Err(AuthError::refused(format!("{email} is not an e-mail address.")));
        }
        if role == Role::EndUser {
            return Err(AuthError::refused("An agent is an administrator or an agent."));
        }
        let hash = match password {
            Some(password) => Some(self.hash_chosen("password", password).await?),
            None => None,
        };
        let mut tx = self.db.begin().await?;
        if let Some(other) = tokens::agent_alike(&mut tx, tenant.id, &fold(name), email).await? {
            let sentence = format!("The agent {other} has this name or e-mail address already.");
            return Err(AuthError::refused(sentence));
        }
        let entity = EntityKind::Agent.entity();
        let id = tx.reserve_ids(tenant.id, entity.name, 1).await?;
        let mut record = agent_record(name, role);
        record.set(agent_key::EMAIL, email);
        insert_agent(&mut tx, tenant.id, id, &record, now_ms).await?;
        if let Some(hash) = hash {
            tokens::set_credential(&mut tx, tenant.id, "agent", id, &[fold(email)], &hash).await?;
        }
        tx.commit().await?;
        self.refresh().await?;
        Ok(id)
    }

    /// Sets the password of an agent (`kind` "agent") or end user ("user") and the logins with which
    /// it is good: an e-mail address, a login name. Ends its refresh tokens.
    ///
    /// # Errors
    /// A password or kind that is unusable; from the database.
    pub async fn set_password(
        &self,
        tenant_id: i64,
        kind: &str,
        subject_id: i64,
        logins: &[&str],
        password: &str,
    ) -> Result<(), AuthError> {
        if !matches!(kind, "agent" | "user") {
            return Err(AuthError::Internal(format!("a credential of kind {kind}")));
        }
        let hash = self.hash_chosen("password", password).await?;
        let keys = login_keys(logins);
        let mut tx = self.db.begin().await?;
        tokens::set_credential(&mut tx, tenant_id, kind, subject_id, &keys, &hash).await?;
        Ok(tx.commit().await?)
    }

    /// The hash of a password, for a caller that stores it in its own transaction with
    /// [`tokens::set_credential`]: hashing takes long, so it comes before the transaction.
    ///
    /// # Errors
    /// A password that is unusable.
    pub async fn hash_password(&self, password: &str) -> Result<String, AuthError> {
        self.hash_chosen("password", password).await
    }

    pub(super) async fn hash_chosen(&self, what: &str, chosen: &str) -> Result<String, AuthError> {
        if chosen.is_empty() || chosen.len() > MAX_SECRET_BYTES || chosen.contains('\0') {
            let sentence =
                format!("A {what} has 1 to {MAX_SECRET_BYTES} bytes, none of them zero.");
            return Err(AuthError::refused(sentence));
        }
        Ok(self.passwords.hash(chosen).await?)
    }
}

/// The folded logins, without empty ones.
#[must_use]
pub fn login_keys(logins: &[&str]) -> Vec<String> {
    let logins = logins.iter().map(|login| fold(login.trim()));
    logins.filter(|login| !login.is_empty()).collect()
}

pub(super) async fn create_first_agent(
    tx: &mut Tx,
    tenant_id: i64,
    now_ms: i64,
) -> Result<(), Error> {
    let mut record = agent_record(FIRST_AGENT_NAME, Role::Administrator);
    record.set(agent_key::IS_API_AGENT, true);
    insert_agent(tx, tenant_id, FIRST_AGENT, &record, now_ms).await?;
    tokens::start_ids(tx, tenant_id, EntityKind::Agent.entity().name, FIRST_AGENT + 1).await
}

fn agent_record(name: &str, role: Role) -> Record {
    let mut record = Record::new(&UNAME_LIST);
    record.set(agent_key::NAME, name);
    record.set(agent_key::ROLE, role.name());
    record.set(agent_key::IS_AGENT, true);
    let mut words = name.split_whitespace();
    let first = words.next().unwrap_or_default();
    let last = words.next_back().unwrap_or_default();
    record.set(agent_key::FIRST_NAME, first);
    record.set(agent_key::SURNAME, last);
    let initials = [first, last].into_iter().filter_map(|word| word.chars().next());
    record.set(agent_key::INITIALS, initials.flat_map(char::to_uppercase).collect::<String>());
    record
}

async fn insert_agent(
    tx: &mut Tx,
    tenant_id: i64,
    id: i64,
    record: &Record,
    now_ms: i64,
) -> Result<(), Error> {
    let entity = EntityKind::Agent.entity();
    let seq = tx.reserve_changes(tenant_id, 1, 0).await?;
    let write = Write { id, rev: seq, now: now_ms, record };
    records::insert(tx, tenant_id, entity, &[write]).await?;
    let fields = Record::differing_names(None, Some(record));
    let change = Change::created(seq, entity.name, id, 0, fields);
    let author = Author { application: "command line".to_owned(), ..Author::default() };
    changes::append(tx, tenant_id, now_ms, &author, vec![change]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_record_has_the_parts_of_its_name() {
        let record = agent_record("Ann B. Clarke", Role::Agent);
        assert_eq!(record.text(agent_key::INITIALS), "AC");
        assert_eq!(record.text(agent_key::SURNAME), "Clarke");
        assert_eq!(agent_record("System", Role::Administrator).text(agent_key::SURNAME), "");
    }

    #[test]
    fn logins_are_folded_and_empty_ones_left_out() {
        assert_eq!(login_keys(&[" Ann@Example.com ", "", "ANN"]), ["ann@example.com", "ann"]);
    }
}
