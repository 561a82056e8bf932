//! `aureole serve`.

use std::net::SocketAddr;
use std::sync::Arc;

use aureole_server::App;
use aureole_server::auth::NewApplication;
use aureole_server::config::Config;
use aureole_server::vault::{self, KeyText};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::args::Serve;
use crate::failure::Failure;
use crate::output::note;
use crate::settings::Settings;
use crate::{admin, demo, open};

/// Serves until SIGTERM or SIGINT; then finishes what runs. A second signal ends at once.
///
/// # Errors
/// Before the server is ready, or at the second signal.
pub async fn run(args: &Serve, settings: Settings) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let (stop, stopped) = oneshot::channel();
    let work = work(args.demo, settings, stopped);
    tokio::pin!(work);
    tokio::select! {
        result = &mut work => return result,
        () = signals.next() => {}
    }
    if stop.send(()).is_err() {
        tracing::debug!("the server had ended before the signal");
    }
    tokio::select! {
        result = &mut work => result,
        () = signals.next() => {
            Err(Failure::Failed("ended at once by a second signal".to_owned()))
        }
    }
}

async fn work(
    is_demo: bool,
    settings: Settings,
    mut stopped: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    let mut config = settings.config;
    if is_demo && config.secret_key == KeyText::default() && config.secret_key_file.is_empty() {
        config.secret_key = vault::demo_key();
    }
    // Removed when this function ends or is dropped.
    let folder = if is_demo && !settings.database_given {
        Some(temporary_database(&mut config)?)
    } else {
        None
    };
    let ready = tokio::select! {
        ready = prepare(is_demo, config) => ready?,
        _ = &mut stopped => return Ok(()),
    };
    let url = format!("http://{}", ready.address);
    if is_demo {
        note(&demo::welcome(&url, folder.is_some()));
    }
    // The listener is bound: whoever connects from now on is answered.
    note(&format!("aureole listening on {url}"));
    let stop = async {
        // An error means that nobody can send any more, which is a reason to stop as well.
        let _ = stopped.await;
    };
    aureole_server::serve::serve(ready.app, ready.listener, stop).await;
    Ok(())
}

struct Ready {
    app: Arc<App>,
    listener: TcpListener,
    address: SocketAddr,
}

async fn prepare(is_demo: bool, config: Config) -> Result<Ready, Failure> {
    let listener = bind(&config.listen, is_demo).await?;
    let address = listener.local_addr();
    let address = address.map_err(|error| Failure::Failed(format!("the listener: {error}")))?;
    let app = open(config).await?;
    if is_demo {
        demo::prepare(&app).await?;
    } else {
        first_application(&app).await?;
    }
    Ok(Ready { app, listener, address })
}

fn temporary_database(config: &mut Config) -> Result<TempDir, Failure> {
    let folder = tempfile::Builder::new().prefix("aureole-demo-").tempdir();
    let folder =
        folder.map_err(|error| Failure::Failed(format!("no temporary folder: {error}")))?;
    config.database = format!("sqlite:{}", folder.path().join("demo.db").display());
    Ok(folder)
}

/// Binds before the database is opened, so that a port in use leaves no trace.
async fn bind(listen: &str, is_demo: bool) -> Result<TcpListener, Failure> {
    let found = tokio::net::lookup_host(listen).await;
    let found = found.map_err(|error| Failure::Wrong(format!("listen {listen}: {error}")))?;
    let addresses: Vec<SocketAddr> = found.collect();
    if is_demo && !addresses.iter().all(|address| address.ip().is_loopback()) {
        // Everybody knows the demo's passwords.
        let text = format!("--demo listens on loopback only, such as 127.0.0.1:7070, not {listen}");
        return Err(Failure::Wrong(text));
    }
    let bound = TcpListener::bind(addresses.as_slice()).await;
    bound.map_err(|error| Failure::Failed(format!("can't listen on {listen}: {error}")))
}

/// Makes an application in a database without any, because nobody could ask for a token otherwise.
async fn first_application(app: &App) -> Result<(), Failure> {
    if !app.auth.list_applications().await?.is_empty() {
        return Ok(());
    }
    let new = NewApplication { name: "Default", scope: "all", ..NewApplication::default() };
    let (client_id, secret) = app.auth.create_application(new, app.clock.now_ms()).await?;
    let credentials = admin::credentials(&client_id, secret.as_deref());
    note(&format!(
        "There was no application: made \"Default\". Its secret is shown only this once.\n{}",
        credentials.trim_end()
    ));
    Ok(())
}

/// SIGTERM and SIGINT; only Ctrl-C where there are none.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Result<Signals, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |error: std::io::Error| Failure::Failed(format!("signals: {error}"));
        Ok(Signals {
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> Result<Signals, Failure> {
        Ok(Signals {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
