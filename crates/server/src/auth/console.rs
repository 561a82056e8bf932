//! The application that the console is. Each tenant gets it when its console is opened for the first
//! time; revoking it closes the console to that tenant.

use aureole_storage::tokens::{self, Application};

use super::{Auth, authorize};

/// The console's client id in every tenant.
pub const CLIENT_ID: &str = "aureole-console";
/// Where the console is, below the server's own address; nothing else may take its codes.
pub const PATH: &str = "/console";
/// The console only looks.
const SCOPES: &str =
    "read:customers read:crm read:suppliers read:items read:invoices read:contracts read:tickets";

impl Auth {
    /// Makes the console's application in a tenant that has none. An empty or unknown name means what
    /// it means for tokens; who signs in is told of an unknown one.
    ///
    /// # Errors
    /// From the database.
    pub async fn ensure_console(
        &self,
        tenant: &str,
        now_ms: i64,
    ) -> Result<(), aureole_storage::Error> {
        let Ok(tenant_id) = self.tenant(tenant).await else { return Ok(()) };
        if self.directory.load().application(tenant_id, CLIENT_ID).is_some() {
            return Ok(());
        }
        let application = Application {
            tenant_id,
            client_id: CLIENT_ID.to_owned(),
            name: "Aureole console".to_owned(),
            // It runs in a browser and could keep no secret.
            secret_hash: String::new(),
            scope: SCOPES.to_owned(),
            grants: format!("{} refresh_token", authorize::GRANT),
            redirect_uris: PATH.to_owned(),
            agent_id: 0,
            created_at: now_ms,
            revoked_at: None,
        };
        let mut tx = self.db.begin().await?;
        tokens::insert_application(&mut tx, &application).await?;
        tx.commit().await
    }
}
