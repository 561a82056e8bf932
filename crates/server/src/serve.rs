//! Accepts connections until it is told to stop, then lets what runs finish.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::app::App;
use crate::{connection, jobs};

/// Tells what waits or streams that the server stops: it ends at once instead of using up the time
/// that requests have.
#[derive(Default)]
pub struct Stopping(watch::Sender<bool>);

impl Stopping {
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Ready once the server stops.
    pub async fn begun(&self) {
        // The sender is borrowed, so it can't be gone.
        let _ = self.0.subscribe().wait_for(|stopping| *stopping).await;
    }
}

/// Serves on `listener` until `stop` is ready; then takes no more connections, waits for the
/// requests that run (at most `limits.stop_seconds`), and closes the database.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let mut background = jobs::start(Arc::clone(&app));
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(app.config.limits.connections.max(1)));
    tokio::pin!(stop);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut stop => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => connection(&app, &graceful, stream, peer, place.ok()),
            Err(error) => {
                // Out of file descriptors, most likely: others have to close first.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    app.stopping.begin();
    let limit = Duration::from_secs(app.config.limits.stop_seconds);
    let finished = async { tokio::join!(graceful.shutdown(), &mut background) };
    if tokio::time::timeout(limit, finished).await.is_err() {
        tracing::warn!("stopped before every request had finished");
    }
    background.abort();
    app.db.close().await;
}

fn connection(
    app: &Arc<App>,
    graceful: &GracefulShutdown,
    stream: TcpStream,
    peer: SocketAddr,
    place: Option<tokio::sync::OwnedSemaphorePermit>,
) {
    let served = connection::serve(Arc::clone(app), graceful.watcher(), stream, peer);
    #[expect(
        clippy::disallowed_methods,
        reason = "one task a connection, watched by the graceful stop"
    )]
    tokio::spawn(async move {
        served.await;
        drop(place);
    });
}
