//! Administration: tenants and applications, as the command line needs them.

use aureole_catalogue::value::fold;
use aureole_storage::Error;
use aureole_storage::tokens::{self, Application, Tenant};

use super::agents::create_first_agent;
use super::passwords::{generate_secret, hash_generated};
use super::{Auth, AuthError, Scopes, authorize, redirects};

/// The tenant that every database has, and its id.
pub(super) const DEFAULT_TENANT: &str = "default";
const DEFAULT_TENANT_ID: i64 = 1;
/// The grants that an application may be given. `refresh_token` is part of each.
pub const GRANTS: [&str; 4] = ["client_credentials", "password", authorize::GRANT, "refresh_token"];
const MAX_NAME_CHARS: usize = 100;
/// How often a tenant's id is chosen again when another process was faster.
const ATTEMPTS: usize = 20;

/// An application to be made.
#[derive(Clone, Debug, Default)]
pub struct NewApplication<'a> {
    /// The tenant's name; empty means `default`.
    pub tenant: &'a str,
    /// For people.
    pub name: &'a str,
    /// `None`: a random one.
    pub client_id: Option<&'a str>,
    /// `None`: 256 random bits.
    pub client_secret: Option<&'a str>,
    /// Separated by spaces; empty means `all`.
    pub scope: &'a str,
    /// Whose rights `client_credentials` has; 0 means the tenant's first agent.
    pub agent_id: i64,
    /// Empty means `client_credentials`.
    pub grants: &'a [&'a str],
    pub redirect_uris: &'a [&'a str],
    /// It cannot keep a secret and gets none: a program on the person's machine or in a browser.
    pub is_public: bool,
}

/// A tenant, for a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantInfo {
    pub id: i64,
    pub name: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    pub suspended: bool,
}

/// An application, for a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationInfo {
    /// The tenant's name.
    pub tenant: String,
    pub client_id: String,
    pub name: String,
    pub scope: String,
    pub grants: String,
    pub agent_id: i64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    pub revoked: bool,
}

impl Auth {
    /// Makes the tenant of an empty database; does nothing in any other.
    pub(super) async fn create_default_tenant(&self, now_ms: i64) -> Result<(), AuthError> {
        if !self.tenants().await?.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        if tokens::insert_tenant(&mut tx, DEFAULT_TENANT_ID, DEFAULT_TENANT, now_ms).await? {
            create_first_agent(&mut tx, DEFAULT_TENANT_ID, now_ms).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Makes a tenant with its first agent and returns its id.
    ///
    /// # Errors
    /// A name that is taken (in any letter case) or unusable; from the database.
    pub async fn create_tenant(&self, name: &str, now_ms: i64) -> Result<i64, AuthError> {
        let name = usable_name("tenant", name)?;
        if name.eq_ignore_ascii_case("undefined") {
            // Published programs send this word when they have no tenant.
            return Err(AuthError::refused("A tenant cannot be named undefined."));
        }
        for _ in 0..ATTEMPTS {
            let tenants = self.tenants().await?;
            if tenants.iter().any(|tenant| fold(&tenant.name) == fold(name)) {
                return Err(AuthError::refused(format!("There is a tenant named {name} already.")));
            }
            let id = tenants.last().map_or(0, |tenant| tenant.id) + 1;
            let mut tx = self.db.begin().await?;
            if tokens::insert_tenant(&mut tx, id, name, now_ms).await? {
                create_first_agent(&mut tx, id, now_ms).await?;
                tx.commit().await?;
                self.refresh().await?;
                return Ok(id);
            }
        }
        Err(AuthError::Internal(format!("no id could be found for tenant {name}")))
    }

    /// All tenants, oldest first.
    ///
    /// # Errors
    /// From the database.
    pub async fn list_tenants(&self) -> Result<Vec<TenantInfo>, AuthError> {
        let tenants = self.tenants().await?.into_iter();
        Ok(tenants
            .map(|tenant| TenantInfo {
                id: tenant.id,
                name: tenant.name,
                created_at: tenant.created_at,
                suspended: tenant.suspended_at.is_some(),
            })
            .collect())
    }

    /// Suspends a tenant: nobody signs in, and its tokens end within five seconds everywhere.
    ///
    /// # Errors
    /// An unknown tenant; from the database.
    pub async fn suspend_tenant(&self, name: &str, now_ms: i64) -> Result<(), AuthError> {
        let tenant = self.tenant_named(name).await?;
        let mut tx = self.db.begin().await?;
        tokens::suspend_tenant(&mut tx, tenant.id, now_ms).await?;
        tx.commit().await?;
        self.refresh().await
    }

    /// Makes an application. Returns its client id, and its secret when the server chose it: it is
    /// not stored and cannot be shown again.
    ///
    /// # Errors
    /// An unknown tenant, agent, scope or grant, an id that is taken; from the database.
    pub async fn create_application(
        &self,
        new: NewApplication<'_>,
        now_ms: i64,
    ) -> Result<(String, Option<String>), AuthError> {
        let tenant = self.tenant_named(new.tenant).await?;
        let name = usable_name("application", new.name)?;
        let scope = if new.scope.trim().is_empty() { "all" } else { new.scope };
        let scopes = Scopes::parse(scope)
            .map_err(|scope| AuthError::refused(format!("There is no scope named {scope}.")))?;
        let mut db = self.db.clone();
        if new.agent_id != 0 && !tokens::agent_exists(&mut db, tenant.id, new.agent_id).await? {
            let sentence = format!("There is no agent {} in tenant {}.", new.agent_id, tenant.name);
            return Err(AuthError::refused(sentence));
        }
        let client_id = match new.client_id {
            Some(id) => usable_name("client id", id)?.to_owned(),
            None => random_client_id(),
        };
        let grants = usable_grants(new.grants)?;
        check_grants(&new, &grants)?;
        let (secret_hash, secret) = match new.client_secret {
            None if new.is_public => (String::new(), None),
            Some(chosen) => (self.hash_chosen("secret", chosen).await?, None),
            None => {
                let secret = generate_secret();
                (hash_generated(&secret), Some(secret))
            }
        };
        let application = Application {
            tenant_id: tenant.id,
            client_id: client_id.clone(),
            name: name.to_owned(),
            secret_hash,
            scope: scopes.to_string(),
            grants,
            redirect_uris: usable_redirect_uris(new.redirect_uris)?,
            agent_id: new.agent_id,
            created_at: now_ms,
            revoked_at: None,
        };
        let mut tx = self.db.begin().await?;
        if !tokens::insert_application(&mut tx, &application).await? {
            let sentence =
                format!("There is an application with the client id {client_id} already.");
            return Err(AuthError::refused(sentence));
        }
        tx.commit().await?;
        self.refresh().await?;
        Ok((client_id, secret))
    }

    /// The applications of all tenants, revoked ones too.
    ///
    /// # Errors
    /// From the database.
    pub async fn list_applications(&self) -> Result<Vec<ApplicationInfo>, AuthError> {
        let tenants = self.tenants().await?;
        let name = |id| {
            let tenant = tenants.iter().find(|tenant| tenant.id == id);
            tenant.map(|tenant| tenant.name.clone()).unwrap_or_default()
        };
        let applications = tokens::applications(&mut self.db.clone()).await?.into_iter();
        Ok(applications
            .map(|application| ApplicationInfo {
                tenant: name(application.tenant_id),
                client_id: application.client_id,
                name: application.name,
                scope: application.scope,
                grants: application.grants,
                agent_id: application.agent_id,
                created_at: application.created_at,
                revoked: application.revoked_at.is_some(),
            })
            .collect())
    }

    /// Revokes an application: its tokens end within five seconds everywhere. Without a tenant's
    /// name, the client id has to be there in one tenant only.
    ///
    /// # Errors
    /// An unknown tenant or client id, one that several tenants have; from the database.
    pub async fn revoke_application(
        &self,
        tenant: Option<&str>,
        client_id: &str,
        now_ms: i64,
    ) -> Result<(), AuthError> {
        let tenant_id = match tenant {
            Some(name) => Some(self.tenant_named(name).await?.id),
            None => None,
        };
        let applications = tokens::applications(&mut self.db.clone()).await?;
        let mut found = applications.iter().filter(|application| {
            application.client_id == client_id
                && tenant_id.is_none_or(|tenant_id| application.tenant_id == tenant_id)
        });
        let Some(application) = found.next() else {
            let sentence = format!("There is no application with the client id {client_id}.");
            return Err(AuthError::refused(sentence));
        };
        if found.next().is_some() {
            let sentence =
                format!("Several tenants have an application {client_id}; name the tenant.");
            return Err(AuthError::refused(sentence));
        }
        let mut tx = self.db.begin().await?;
        tokens::revoke_application(&mut tx, application.tenant_id, client_id, now_ms).await?;
        tx.commit().await?;
        self.refresh().await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        tokens::tenants(&mut self.db.clone()).await
    }

    pub(super) async fn tenant_named(&self, name: &str) -> Result<Tenant, AuthError> {
        let name = if name.is_empty() { DEFAULT_TENANT } else { name };
        let tenants = self.tenants().await?;
        let found = tenants.into_iter().find(|tenant| fold(&tenant.name) == fold(name));
        found.ok_or_else(|| AuthError::refused(format!("There is no tenant named {name}.")))
    }
}

/// A name that people gave, without the spaces around it.
pub(super) fn usable_name<'a>(what: &str, name: &'a str) -> Result<&'a str, AuthError> {
    let name = name.trim();
    let chars = name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&chars) || name.contains(char::is_control) {
        let sentence =
            format!("The name of the {what} has to have 1 to {MAX_NAME_CHARS} characters.");
        return Err(AuthError::refused(sentence));
    }
    Ok(name)
}

fn usable_grants(grants: &[&str]) -> Result<String, AuthError> {
    if let Some(unknown) = grants.iter().find(|grant| !GRANTS.contains(grant)) {
        let sentence =
            format!("There is no grant named {unknown}; known are {}.", GRANTS.join(", "));
        return Err(AuthError::refused(sentence));
    }
    Ok(if grants.is_empty() { GRANTS[0].to_owned() } else { grants.join(" ") })
}

/// Grants, redirect addresses and secret have to go together.
fn check_grants(new: &NewApplication<'_>, grants: &str) -> Result<(), AuthError> {
    let has = |name: &str| grants.split_whitespace().any(|grant| grant == name);
    let refused = |sentence: &str| Err(AuthError::refused(sentence));
    if has(authorize::GRANT) && new.redirect_uris.is_empty() {
        return refused("The grant authorization_code needs a redirect address to send people to.");
    }
    if new.is_public && (new.client_secret.is_some() || has("client_credentials")) {
        return refused(
            "A public application has no secret and can't use the grant client_credentials.",
        );
    }
    Ok(())
}

fn usable_redirect_uris(uris: &[&str]) -> Result<String, AuthError> {
    for uri in uris {
        redirects::check(uri).map_err(|why| AuthError::refused(format!("{uri} {why}.")))?;
    }
    Ok(uris.join(" "))
}

/// A random UUID (version 4): what published programs expect a client id to look like.
fn random_client_id() -> String {
    let random = rand::random::<u128>() & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{random:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_a_random_uuid() {
        let id = random_client_id();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        assert_ne!(id, random_client_id());
    }

    #[test]
    fn grants_and_redirects_are_checked() {
        assert_eq!(usable_grants(&[]).unwrap(), "client_credentials");
        assert_eq!(
            usable_grants(&["password", "client_credentials"]).unwrap(),
            "password client_credentials"
        );
        assert!(usable_grants(&["implicit"]).unwrap_err().to_string().contains("implicit"));
        assert!(usable_redirect_uris(&["https://a.example/back"]).is_ok());
        assert!(usable_redirect_uris(&["back"]).is_err());
        let new = |redirect_uris, is_public| NewApplication {
            redirect_uris,
            is_public,
            ..NewApplication::default()
        };
        let back = &["https://a.example/back"][..];
        assert!(check_grants(&new(back, false), "authorization_code").is_ok());
        assert!(check_grants(&new(back, true), "authorization_code").is_ok());
        assert!(check_grants(&new(&[], false), "authorization_code").is_err());
        assert!(check_grants(&new(back, false), "password").is_ok());
        assert!(check_grants(&new(back, true), "authorization_code client_credentials").is_err());
    }
}
