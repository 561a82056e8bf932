//! Replies: a body in memory, or one that is streamed.

use bytes::Bytes;
use futures_util::Stream;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

use crate::error::ApiError;

/// The failure of a streamed body: the connection breaks off, so that nobody takes half a list
/// for the whole.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BodyError>;
pub type Reply = Response<Body>;

/// A body that is there already.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// JSON text with a status.
pub fn json(status: u16, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(full(body));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    reply
}

/// A JSON value with a status.
pub fn value(status: u16, body: &serde_json::Value) -> Reply {
    json(status, body.to_string())
}

/// JSON that is made while it is sent.
pub fn stream(chunks: impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static) -> Reply {
    use futures_util::StreamExt;
    let mut reply = json(200, Bytes::new());
    let frames = chunks.map(|chunk| chunk.map(Frame::data));
    *reply.body_mut() = StreamBody::new(frames).boxed_unsync();
    reply
}

/// Plain text.
pub fn text(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = json(status, body);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// Sets a header; a value that HTTP can't carry is left out.
pub fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

/// The headers of what a browser shows or runs: it takes the type as it is told, names the page to nobody,
/// lets nothing frame it, does what `policy` allows alone, and keeps it as `cache` says.
pub fn guard(reply: &mut Reply, policy: Option<&str>, cache: &str) {
    let headers: [(HeaderName, &str); 4] = [
        (CACHE_CONTROL, cache),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in headers {
        set(reply, name, value);
    }
    if let Some(policy) = policy {
        set(reply, CONTENT_SECURITY_POLICY, policy);
    }
}

/// Says that the reply depends on a header of the request.
pub fn vary(reply: &mut Reply, name: &'static str) {
    reply.headers_mut().append(http::header::VARY, HeaderValue::from_static(name));
}

/// The change by which what the request did can be undone: `POST /History/{change}/restore`.
pub static CHANGE: HeaderName = HeaderName::from_static("x-change-id");

/// Names that change, when there is one.
pub fn set_change(reply: &mut Reply, change: Option<i64>) {
    if let Some(change) = change {
        set(reply, CHANGE.clone(), &change.to_string());
    }
}

/// The answer to a failed request, with the headers that its error asks for.
pub fn error(error: &ApiError, body: &serde_json::Value) -> Reply {
    let mut reply = value(error.status(), body);
    match error {
        ApiError::Unauthorized(_) => set(&mut reply, http::header::WWW_AUTHENTICATE, "Bearer"),
        ApiError::MethodNotAllowed { allow } => set(&mut reply, http::header::ALLOW, allow),
        ApiError::RateLimited { retry_after_s, .. } => {
            set(&mut reply, http::header::RETRY_AFTER, &retry_after_s.to_string());
        }
        ApiError::Unavailable(_) => set(&mut reply, http::header::RETRY_AFTER, "1"),
        _ => {}
    }
    reply
}
