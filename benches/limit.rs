//! The limit server of the load harness: a fixed JSON reply from memory, on every path.
//!
//! It marks what the machine, the network stack and the HTTP library allow at a given reply size, so
//! that a figure of Aureole can be told as a ratio to it. `/fixed/2048` replies with exactly 2,048
//! bytes; every other path replies with `--size` bytes. Any method is taken, and a request body is
//! read to its end, because Aureole reads it too and the connection must stay open.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::serve::ListenerExt;

/// The same allocator as the server that is compared with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The shortest reply in bytes: an empty JSON text.
const SIZE_MIN_BYTES: usize = 2;
/// The longest reply in bytes, well above the largest page of a list.
const SIZE_MAX_BYTES: usize = 64 << 20;
/// The longest request body in bytes that is read.
const REQUEST_MAX_BYTES: usize = 20 << 20;
/// How many sizes are prepared at most; a run of the harness needs fewer than ten.
const PREPARED_MAX: usize = 64;

const USAGE: &str = "usage: limit [--listen 127.0.0.1:7071] [--size 2048]";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let settings = match Settings::parse(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(problem) => {
            eprintln!("limit: {problem}; {USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("limit: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line said.
struct Settings {
    listen: SocketAddr,
    size_bytes: usize,
}

impl Settings {
    /// Reads the arguments after the program's name. An unknown option or a malformed value is an
    /// error that names it.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut settings =
            Self { listen: SocketAddr::from(([127, 0, 0, 1], 7071)), size_bytes: 2048 };
        while let Some(option) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
            let wrong = || format!("{option}: {value:?} does not fit");
            match option.as_str() {
                "--listen" => settings.listen = value.parse().map_err(|_| wrong())?,
                "--size" => settings.size_bytes = size(&value).ok_or_else(wrong)?,
                _ => return Err(format!("unknown option {option}")),
            }
        }
        Ok(settings)
    }
}

/// Listens until the process is ended.
async fn serve(settings: Settings) -> Result<(), Box<dyn Error>> {
    let replies = Arc::new(Replies::new(settings.size_bytes));
    let router = Router::new().fallback(reply).with_state(replies);
    let listener = tokio::net::TcpListener::bind(settings.listen).await?;
    eprintln!("limit: listening on {}", listener.local_addr()?);
    // Without this a reply could wait for the other side's acknowledgement; when it fails the
    // connection still works.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router).await?;
    Ok(())
}

async fn reply(State(replies): State<Arc<Replies>>, request: Request) -> Response {
    let wanted = match request.uri().path().strip_prefix("/fixed/") {
        Some(text) => size(text).and_then(|size_bytes| replies.sized(size_bytes)),
        None => Some(replies.plain),
    };
    let body = request.into_body();
    if !body.is_end_stream() && axum::body::to_bytes(body, REQUEST_MAX_BYTES).await.is_err() {
        return json(StatusCode::PAYLOAD_TOO_LARGE, b"\"body too large\"");
    }
    match wanted {
        Some(bytes) => json(StatusCode::OK, bytes),
        None => json(StatusCode::BAD_REQUEST, b"\"no such size\""),
    }
}

fn json(status: StatusCode, bytes: &'static [u8]) -> Response {
    let mut response = Response::new(Body::from(Bytes::from_static(bytes)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Reads a reply size in bytes; `None` when it is not a number or out of bounds.
fn size(text: &str) -> Option<usize> {
    let size_bytes = text.parse().ok()?;
    (SIZE_MIN_BYTES..=SIZE_MAX_BYTES).contains(&size_bytes).then_some(size_bytes)
}

/// The prepared replies. They live as long as the process, so that a request touches no reference
/// count that both cores would fight over.
struct Replies {
    plain: &'static [u8],
    by_size: RwLock<HashMap<usize, &'static [u8]>>,
}

impl Replies {
    fn new(size_bytes: usize) -> Self {
        let plain = prepare(size_bytes);
        Self { plain, by_size: RwLock::new(HashMap::from([(size_bytes, plain)])) }
    }

    /// The reply of this size, prepared on first use; `None` when too many sizes were asked for.
    fn sized(&self, size_bytes: usize) -> Option<&'static [u8]> {
        let known = self.by_size.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = known.get(&size_bytes) {
            return Some(bytes);
        }
        drop(known);
        let mut known = self.by_size.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PREPARED_MAX {
            return None;
        }
        Some(known.entry(size_bytes).or_insert_with(|| prepare(size_bytes)))
    }
}

/// A JSON text of exactly this many bytes, its two quotes included.
fn prepare(size_bytes: usize) -> &'static [u8] {
    let mut bytes = vec![b'a'; size_bytes.max(SIZE_MIN_BYTES)];
    if let [first, .., last] = bytes.as_mut_slice() {
        *first = b'"';
        *last = b'"';
    }
    bytes.leak()
}
