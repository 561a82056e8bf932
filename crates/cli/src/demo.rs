//! Demo data, and what `serve --demo` prints about it.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Instant;

use aureole_server::App;
use aureole_server::load::{self, AGENT, APPLICATION, USER};
use indicatif::{ProgressBar, ProgressStyle};

use crate::admin::tenant_id;
use crate::args::Load;
use crate::failure::Failure;
use crate::output::note;

/// The tenant, size and seed of `serve --demo`.
const TENANT: &str = "default";
const CLIENTS: u32 = 200;
const SEED: u64 = 1;

/// `demo load`: with a progress bar on a terminal, and one line at the end in any case.
pub async fn load(app: &Arc<App>, load: Load) -> Result<(), Failure> {
    let tenant = tenant_id(app, &load.tenant).await?;
    let started = Instant::now();
    let bar = progress_bar(load.clients)?;
    let mut progress = |done: u32| bar.set_position(u64::from(done));
    let loaded = load::demo(app, tenant, load.seed, load.clients, &mut progress).await;
    bar.finish_and_clear();
    loaded.map_err(Failure::Failed)?;
    note(&format!(
        "loaded {} clients into tenant {} in {:.1} s",
        load.clients,
        load.tenant,
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn progress_bar(clients: u32) -> Result<ProgressBar, Failure> {
    if !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} clients, {eta} left")
        .map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(ProgressBar::new(u64::from(clients)).with_style(style))
}

/// Loads the demo into the default tenant, unless its application is there already: then the data
/// stays as it is.
pub async fn prepare(app: &Arc<App>) -> Result<(), Failure> {
    let applications = app.auth.list_applications().await?;
    let is_demo = |tenant: &str, id: &str| tenant == TENANT && id == APPLICATION.0;
    if applications.iter().any(|found| is_demo(&found.tenant, &found.client_id)) {
        return Ok(());
    }
    let tenant = tenant_id(app, TENANT).await?;
    let loaded = load::demo(app, tenant, SEED, CLIENTS, &mut |_| ()).await;
    loaded.map_err(Failure::Failed)?;
    let made = load::demo_identities(app, TENANT).await;
    made.map_err(Failure::Failed)
}

/// The credentials, and commands that work in every shell with nothing but curl and sed.
pub fn welcome(url: &str, is_temporary: bool) -> String {
    let kept = if is_temporary {
        "a temporary database that is removed at the end"
    } else {
        "the given database"
    };
    let (id, secret) = APPLICATION;
    let (agent, agent_password) = AGENT;
    let (user, user_password) = USER;
    format!(
        r#"Demo data, in {kept}.
  application  {id} / {secret}
  agent        {agent} / {agent_password}
  end user     {user} / {user_password}

Console      {url}/console   (sign in as the agent)

Copy and paste, for a token and a list of clients:

TOKEN=$(curl -sS '{url}/auth/token' \
  -d grant_type=client_credentials -d client_id={id} -d client_secret={secret} -d scope=all |
  sed 's/.*"access_token" *: *"\([^"]*\)".*/\1/')
curl -sS -H "Authorization: Bearer $TOKEN" '{url}/api/Client?pageinate=true&page_size=3'
"#
    )
}
