//! Applications, agents and tenants.

use std::io::{BufRead, Read};
use std::sync::Arc;

use aureole_catalogue::value::fold;
use aureole_server::App;
use aureole_server::auth::{self, Role};

use crate::args::{AgentRole, Application, NewAgent, NewApplication, Tenant};
use crate::failure::Failure;
use crate::output::{print, table};

/// Of the standard input that is read for a password.
const PASSWORD_BYTES: u64 = 64 * 1024;

pub async fn application(app: &App, command: Application) -> Result<(), Failure> {
    match command {
        Application::Create(new) => create_application(app, new).await,
        Application::List { tenant } => list_applications(app, tenant.as_deref()).await,
        Application::Revoke { client_id, tenant } => {
            let now = app.clock.now_ms();
            let revoked = app.auth.revoke_application(tenant.as_deref(), &client_id, now);
            revoked.await?;
            print(&format!("The application {client_id} is revoked.\n"))
        }
    }
}

async fn create_application(app: &App, new: NewApplication) -> Result<(), Failure> {
    let grants: Vec<&str> = new.grant.iter().map(String::as_str).collect();
    let redirect_uris: Vec<&str> = new.redirect_uri.iter().map(String::as_str).collect();
    let application = auth::NewApplication {
        tenant: &new.tenant,
        name: &new.name,
        client_id: new.client_id.as_deref(),
        client_secret: new.client_secret.as_deref(),
        scope: &new.scope,
        agent_id: new.agent.unwrap_or(0),
        grants: &grants,
        redirect_uris: &redirect_uris,
        is_public: new.public,
    };
    let is_public = new.public;
    let made = app.auth.create_application(application, app.clock.now_ms());
    let (client_id, secret) = made.await?;
    if is_public {
        return print(&format!("client_id: {client_id}\n"));
    }
    print(&credentials(&client_id, secret.as_deref()))
}

/// Makes a new key that signs tokens, and prints its id.
pub async fn rotate_signing_key(app: &App) -> Result<(), Failure> {
    let kid = app.auth.rotate_signing_key(app.clock.now_ms()).await?;
    print(&format!("{kid}\n"))
}

/// Two lines. `secret` is there when the program chose it.
pub fn credentials(client_id: &str, secret: Option<&str>) -> String {
    let secret = secret.unwrap_or("as given");
    format!("client_id: {client_id}\nclient_secret: {secret}\n")
}

async fn list_applications(app: &App, tenant: Option<&str>) -> Result<(), Failure> {
    if let Some(name) = tenant {
        tenant_id(app, name).await?;
    }
    let rows: Vec<[String; 6]> = app
        .auth
        .list_applications()
        .await?
        .into_iter()
        .filter(|found| tenant.is_none_or(|name| fold(name) == fold(&found.tenant)))
        .map(|found| {
            let agent = match found.agent_id {
                0 => "first".to_owned(),
                id => id.to_string(),
            };
            let revoked = yes_no(found.revoked);
            [found.client_id, found.name, found.tenant, found.scope, agent, revoked]
        })
        .collect();
    let heading = ["id", "name", "tenant", "scope", "agent", "revoked"];
    print(&table(heading, &rows))
}

pub async fn create_agent(
    app: &App,
    new: NewAgent,
    password: Option<String>,
) -> Result<(), Failure> {
    let role = match new.role {
        AgentRole::Administrator => Role::Administrator,
        AgentRole::Agent => Role::Agent,
    };
    let (password, now) = (password.as_deref(), app.clock.now_ms());
    let made = app.auth.create_agent(&new.tenant, &new.name, &new.email, password, role, now);
    print(&format!("{}\n", made.await?))
}

/// The first line of the standard input, without its end.
///
/// # Errors
/// There is none, or it is empty.
pub fn read_password() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .take(PASSWORD_BYTES)
        .read_line(&mut line)
        .map_err(|error| Failure::Wrong(format!("the password can't be read: {error}")))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        let text = "--password-stdin: the standard input has no password";
        return Err(Failure::Wrong(text.to_owned()));
    }
    Ok(password.to_owned())
}

pub async fn tenant(app: &Arc<App>, command: Tenant) -> Result<(), Failure> {
    let now = app.clock.now_ms();
    match command {
        Tenant::Create { name } => {
            let id = app.auth.create_tenant(&name, now).await?;
            let made = aureole_server::load::tenant_defaults(app, id).await;
            made.map_err(Failure::Failed)?;
            print(&format!("{id}\n"))
        }
        Tenant::List => {
            let tenants = app.auth.list_tenants().await?.into_iter();
            let rows: Vec<[String; 3]> = tenants
                .map(|tenant| [tenant.id.to_string(), tenant.name, yes_no(tenant.suspended)])
                .collect();
            print(&table(["id", "name", "suspended"], &rows))
        }
        Tenant::Suspend { name } => {
            app.auth.suspend_tenant(&name, now).await?;
            print(&format!("The tenant {name} is suspended.\n"))
        }
    }
}

/// The id of a tenant, found without regard to letter case.
pub async fn tenant_id(app: &App, name: &str) -> Result<i64, Failure> {
    let tenants = app.auth.list_tenants().await?;
    let found = tenants.iter().find(|tenant| fold(&tenant.name) == fold(name));
    found
        .map(|tenant| tenant.id)
        .ok_or_else(|| Failure::Wrong(format!("There is no tenant named {name}.")))
}

fn yes_no(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}
