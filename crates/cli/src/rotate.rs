//! `aureole rotate-key`: every secret under the newest key.

use std::path::Path;
use std::time::Duration;

use aureole_server::App;
use aureole_server::vault::rotate::{self, Outcome};

use crate::failure::Failure;
use crate::output;

/// Running servers read a file of keys again within two seconds.
const SERVERS_READ: Duration = Duration::from_secs(5);

/// Finishes a rotation that is under way; otherwise makes a new key, when the keys are in a file.
///
/// # Errors
/// What could not be done. It can be run again at any time.
pub async fn run(app: &App) -> Result<(), Failure> {
    let mut done = through(app).await?;
    let file = &app.config.secret_key_file;
    if done.resealed == 0 && !file.is_empty() {
        rotate::add_key(Path::new(file)).map_err(Failure::Failed)?;
        app.vault.refresh();
        output::note("A new key is in the file; servers that read it have five seconds to.");
        tokio::time::sleep(SERVERS_READ).await;
        done = through(app).await?;
    }
    report(app, &done)
}

/// Passes until one finds nothing to do, because servers write meanwhile.
async fn through(app: &App) -> Result<Outcome, Failure> {
    let mut all = Outcome::default();
    loop {
        let pass = rotate::pass(&app.db, &app.vault).await.map_err(Failure::Failed)?;
        all.resealed += pass.resealed;
        if pass.resealed == 0 {
            all.unreadable = pass.unreadable;
            return Ok(all);
        }
    }
}

fn report(app: &App, done: &Outcome) -> Result<(), Failure> {
    let key = app.vault.key_id().unwrap_or_default();
    output::print(&match done.resealed {
        0 => format!(
            "Every secret was under the key {key} already. For another one, put it in front of it \
             (aureole generate-key), restart the servers, and run this again.\n"
        ),
        count => format!(
            "{count} secrets were encrypted again; the key is {key} now. Older keys can go when no \
             backup needs them.\n"
        ),
    })?;
    if done.unreadable.is_empty() {
        return Ok(());
    }
    let causes: Vec<String> =
        done.unreadable.iter().map(|(cause, count)| format!("{count} ({cause})")).collect();
    Err(Failure::Failed(format!(
        "secrets that can't be opened stay as they are: {}",
        causes.join(", ")
    )))
}
