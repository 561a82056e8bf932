//! One connection: what comes in goes to [`front`], and a request that HTTP can't read gets an answer
//! of ours, because that of the library is a bare status.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Sleep;

use crate::app::App;
use crate::error::ApiError;
use crate::front;
use crate::reply::Reply;

/// Serves one connection until it ends.
pub async fn serve(app: Arc<App>, watcher: Watcher, stream: TcpStream, peer: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let header_limit = Duration::from_secs(app.config.limits.header_seconds);
    let shared = Arc::clone(&app);
    let service = service_fn(move |request| {
        let app = Arc::clone(&shared);
        async move { Ok::<_, std::convert::Infallible>(front::handle(app, peer.ip(), request).await) }
    });
    let write_limit = Duration::from_secs(app.config.limits.write_seconds);
    let (lent, returned) = Lent::new(stream, write_limit);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_limit)
        // One buffer, written when a reply is whole. Not `pipeline_flush`: bytes that nobody can read
        // would stay in front of the reply that says so, and it would never be sent.
        .writev(false)
        .serve_connection(TokioIo::new(lent), service);
    // The statement ends here, and with it the connection that has the stream.
    let ended = watcher.watch(connection).await;
    let Err(error) = ended else { return };
    tracing::debug!(%error, "connection ended");
    if error.is_parse()
        && let Ok(stream) = returned.await
    {
        let limits = &app.config.limits;
        let reply = front::unread(&app, &unreadable(&error, limits.url_bytes));
        let answered = refuse(stream, reply, limits.body_bytes);
        let limit = Duration::from_secs(limits.body_seconds);
        if let Ok(Err(error)) = tokio::time::timeout(limit, answered).await {
            tracing::debug!(%error, "a refusal could not be sent");
        }
    }
}

/// What was wrong with the head of a request.
fn unreadable(error: &hyper::Error, limit_bytes: usize) -> ApiError {
    match (error.is_parse_too_large(), error.to_string().contains("URI")) {
        (true, true) => ApiError::AddressTooLong { limit_bytes },
        (true, false) => ApiError::HeadTooLarge,
        _ => ApiError::invalid("", "is no HTTP/1.1 request that this server can read"),
    }
}

/// Writes an answer in the shape of every other, and reads what the client still sends: it would
/// find the connection broken instead of the answer.
async fn refuse(mut stream: TcpStream, mut reply: Reply, drain_bytes: usize) -> io::Result<()> {
    let body = reply.body_mut().collect().await.map_err(io::Error::other)?.to_bytes();
    let status = reply.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_str());
    for (name, value) in reply.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await?;
    let mut rest = [0; 8192];
    let mut left = drain_bytes;
    while left > 0 {
        match stream.read(&mut rest).await? {
            0 => break,
            size => left = left.saturating_sub(size),
        }
    }
    Ok(())
}

/// How many bytes at the end are the library's own refusal of a head that it can't read: the last thing
/// that it writes on a connection, without one of the headers that every reply of ours has.
/// [`refuse`] answers in its place.
fn bare_refusal_bytes(bytes: &[u8]) -> usize {
    const MOST_BYTES: usize = 200;
    const REST: &[u8] = b"\r\nconnection: close\r\ncontent-length: 0\r\ndate: ";
    let Some(head) = bytes.strip_suffix(b"\r\n\r\n") else { return 0 };
    let tail = &head[head.len().saturating_sub(MOST_BYTES)..];
    let Some(at) = tail.windows(7).rposition(|start| start == b"HTTP/1.") else { return 0 };
    let refusal = &tail[at..];
    let line = refusal.iter().position(|byte| *byte == b'\r').unwrap_or(0);
    match refusal[line..].starts_with(REST) && !refusal[line + REST.len()..].contains(&b'\r') {
        true => refusal.len() + 4,
        false => 0,
    }
}

/// A stream that comes back when the connection that uses it is dropped.
struct Lent {
    stream: Option<TcpStream>,
    /// How long the client may read nothing of what it asked for.
    write_limit: Duration,
    /// Runs while it does not.
    stalled: Option<Pin<Box<Sleep>>>,
    back: Option<oneshot::Sender<TcpStream>>,
}

impl Lent {
    fn new(stream: TcpStream, write_limit: Duration) -> (Lent, oneshot::Receiver<TcpStream>) {
        let (back, returned) = oneshot::channel();
        (Lent { stream: Some(stream), write_limit, stalled: None, back: Some(back) }, returned)
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// What became of a write; one that waits for longer than the limit fails.
    fn watched(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.write_limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => {
                let text = "the client reads nothing of its reply";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(stream), Some(back)) = (self.stream.take(), self.back.take()) {
            // Nobody waits for a connection that ended well; then the stream closes here.
            let _ = back.send(stream);
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Lent {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let ours = &buf[..buf.len() - bare_refusal_bytes(buf)];
        if ours.is_empty() && !buf.is_empty() {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = self.stream()?.poll_write(cx, ours);
        self.watched(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    /// Left to the end of the connection: until then a refusal may have to be written.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::bare_refusal_bytes;

    #[test]
    fn only_the_bare_refusal_is_held_back() {
        let bare = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\
                    date: Wed, 25 Nov 2026 16:34:32 GMT\r\n\r\n";
        let before = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]";
        let ours = "HTTP/1.1 404 Not Found\r\nx-request-id: 1\r\nconnection: close\r\n\
                    content-length: 0\r\ndate: Wed, 25 Nov 2026 16:34:32 GMT\r\n\r\n";
        assert_eq!(bare_refusal_bytes(bare.as_bytes()), bare.len());
        assert_eq!(bare_refusal_bytes(format!("{before}{bare}").as_bytes()), bare.len());
        for kept in [before, ours, "", "\r\n\r\n", &format!("{bare}x")] {
            assert_eq!(bare_refusal_bytes(kept.as_bytes()), 0, "{kept}");
        }
    }
}
