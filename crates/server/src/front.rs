//! The one layer around every request: request id, route, method, token, errors, log line,
//! metrics. Everything behind it sees a checked [`Call`].

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderName};
use http::request::Parts;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

use aureole_catalogue::{Params, Problems};
use aureole_storage::Db;

use crate::api::{console, sign_in};

use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, Result};
use crate::limit::{Allowance, Place, Rate, Shares};
use crate::proxies::Visitor;
use crate::reply::{self, Reply};
use crate::routes::{self, Route};
use crate::{compress, cors, wire};

/// The methods that some path takes.
const EVERYWHERE: &str = "GET, HEAD, POST, DELETE, OPTIONS";

pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request that is well formed and whose caller is known.
pub struct Call {
    pub app: Arc<App>,
    /// For the rows of the caller's tenant alone.
    pub db: Db,
    pub caller: Arc<Caller>,
    pub request_id: String,
    pub params: Params,
    pub headers: HeaderMap,
    pub path: &'static str,
    /// Milliseconds since 1970.
    pub now: i64,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Waits for a place among the requests of the same application that are worked on.
    async fn place(&self, route: Route) -> Option<Place<'_>> {
        if route.is_patient() {
            return None;
        }
        let (limits, meter) = (&self.app.config.limits, &self.caller.meter);
        let shares =
            Shares { alone: limits.application_requests, beside_others: limits.application_share };
        let crowded = self.app.crowd.is_crowded(meter, self.now);
        Some(meter.enter(shares, crowded).await)
    }

    /// The same for a route that has no other way to go wrong.
    pub fn only_params(&self, known: &[&str]) -> Result<()> {
        let mut problems = Problems::default();
        self.check_params(&[known], &mut problems);
        match problems.is_empty() {
            true => Ok(()),
            false => Err(ApiError::Validation { place: "", problems }),
        }
    }

    /// Reports the parameters that this route does not know: counted, and a 400 under `--strict`.
    pub fn check_params(&self, known: &[&[&str]], problems: &mut Problems) {
        for name in self.params.names() {
            if known.iter().any(|names| names.contains(&name)) {
                continue;
            }
            self.app.metrics.unknown_param(self.path, name);
            if self.app.config.strict {
                problems.add(name, "is not a parameter of this path");
            }
        }
    }
}

/// Answers one request; whatever happens, the answer is one that a client can read.
pub async fn handle(app: Arc<App>, peer: IpAddr, request: Request<Incoming>) -> Reply {
    let started = Instant::now();
    let (mut parts, mut body) = request.into_parts();
    let outside = Outside::of(&app, &mut parts).await;
    let visitor = app.proxies.visitor(peer, &parts.headers);
    let request_id = request_id(&parts.headers);
    let method = parts.method.clone();
    let path = parts.uri.path().to_owned();
    // A client that waits for leave to send its body is not sending.
    let waits = parts.headers.contains_key(EXPECT) && parts.headers.contains_key(CONTENT_LENGTH);
    let result = match outside.refusal(&app) {
        Some(refusal) => Err(refusal),
        None => {
            let answered = answer(&app, visitor, parts, &mut body, &request_id);
            let answered = std::panic::AssertUnwindSafe(answered).catch_unwind().await;
            answered.unwrap_or_else(|panic| Err(panicked(&*panic)))
        }
    };
    if !waits && !body.is_end_stream() {
        drain(&app, body).await;
    }
    let cause = result.as_ref().err().map(cause);
    let mut reply = result.unwrap_or_else(|error| refusal(&error, &path, &request_id));
    reply::set(&mut reply, REQUEST_ID.clone(), &request_id);
    let reply = outside.dress(&app, &method, reply).await;
    let (status, duration) = (reply.status().as_u16(), started.elapsed());
    app.metrics.request(status, duration);
    log(&method, &path, status, duration, &request_id, cause.flatten());
    reply
}

/// What every request has to do with, whatever it asks for: limits, browsers, encodings.
struct Outside {
    /// Of a limited application.
    allowance: Option<Allowance>,
    browser: cors::Asked,
    encoding: compress::Asked,
}

impl Outside {
    async fn of(app: &App, parts: &mut Parts) -> Outside {
        Outside {
            allowance: match app.rate {
                Some(rate) => allowance(app, rate, &parts.headers).await,
                None => None,
            },
            browser: cors::Asked::of(&parts.headers),
            encoding: compress::Asked::of(&mut parts.headers),
        }
    }

    /// The error of a request that is one too many.
    fn refusal(&self, app: &App) -> Option<ApiError> {
        let allowance = self.allowance.filter(|allowance| allowance.wait_s > 0)?;
        let (rate, wait_s) = (&app.config.rate_limit, allowance.wait_s);
        Some(ApiError::RateLimited {
            message: format!("this application may make {rate} requests; wait {wait_s} s"),
            retry_after_s: wait_s,
        })
    }

    async fn dress(self, app: &App, method: &Method, mut reply: Reply) -> Reply {
        if let Some(allowance) = &self.allowance {
            allowance.tell(&mut reply);
        }
        app.origins.tell(method, &self.browser, &mut reply);
        self.encoding.fulfil(reply, app.config.compression.min_bytes).await
    }
}

/// Counts the request, when it has a good token.
async fn allowance(app: &App, rate: Rate, headers: &HeaderMap) -> Option<Allowance> {
    let authorization = headers.get(AUTHORIZATION)?.to_str().ok();
    let now = app.clock.now_ms();
    let caller = app.auth.caller(authorization, now).await.ok()?;
    Some(caller.meter.count(rate, now))
}

/// The answer to a request of which not even the head could be read.
pub fn unread(app: &App, error: &ApiError) -> Reply {
    let request_id = request_id(&HeaderMap::new());
    let mut reply = reply::error(error, &error.body(&request_id));
    reply::set(&mut reply, REQUEST_ID.clone(), &request_id);
    let status = reply.status().as_u16();
    app.metrics.request(status, Duration::ZERO);
    tracing::info!(status, request_id, error = error.message(), "a request could not be read");
    reply
}

/// The answer to a failed request. At the token endpoint it also has the members of OAuth's errors.
fn refusal(error: &ApiError, path: &str, request_id: &str) -> Reply {
    match routes::find(&wire::fold_path(path)) {
        Ok(Route::Token | Route::Revoke) => reply::error(error, &error.oauth_body(request_id)),
        _ => reply::error(error, &error.body(request_id)),
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> ApiError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("");
    ApiError::Internal(format!("panic: {text}"))
}

/// The text for the log of an error whose cause the caller does not see.
pub fn cause(error: &ApiError) -> Option<String> {
    match error {
        ApiError::Internal(text) | ApiError::Unavailable(text) => Some(text.clone()),
        _ => None,
    }
}

fn log(
    method: &Method,
    path: &str,
    status: u16,
    duration: Duration,
    request_id: &str,
    cause: Option<String>,
) {
    let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    match cause {
        Some(cause) => {
            tracing::error!(%method, path, status, duration_us, request_id, cause, "request failed");
        }
        None => tracing::info!(%method, path, status, duration_us, request_id, "request"),
    }
}

/// The client's own id when it is plain, otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let given = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    match given.filter(|text| wire::is_request_id(text)) {
        Some(text) => text.to_owned(),
        None => {
            // A counter that starts at a random place: unique on a node, and across nodes as good as.
            let start = *START.get_or_init(rand::random::<u64>);
            format!("{:016x}", start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)))
        }
    }
}

static START: std::sync::OnceLock<u64> = std::sync::OnceLock::new();

async fn answer(
    app: &Arc<App>,
    visitor: Visitor,
    parts: Parts,
    body: &mut Incoming,
    request_id: &str,
) -> Result<Reply> {
    if parts.uri.path_and_query().map_or(0, |all| all.as_str().len()) > app.config.limits.url_bytes
    {
        return Err(ApiError::AddressTooLong { limit_bytes: app.config.limits.url_bytes });
    }
    refuse_doubled(&parts.headers)?;
    if parts.method == Method::OPTIONS && parts.uri.path() == "*" {
        return Ok(options(EVERYWHERE));
    }
    let route = routes::find(&wire::fold_path(parts.uri.path()))?;
    let allow = route.allow();
    if parts.method == Method::OPTIONS {
        return Ok(options(allow));
    }
    let method = match &parts.method {
        &Method::HEAD => Method::GET,
        other => other.clone(),
    };
    if !allow.split(", ").any(|allowed| allowed == method.as_str()) {
        return Err(ApiError::MethodNotAllowed { allow });
    }
    if let Some(open) = open_route(app, &route, visitor, request_id) {
        return open.run(parts, body).await;
    }
    let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let now = app.clock.now_ms();
    let caller = app.auth.caller(authorization, now).await;
    let caller = caller.map_err(|error| ApiError::Unauthorized(error.to_string()))?;
    let params = Params::parse(parts.uri.query().unwrap_or(""));
    let mut problems = Problems::default();
    params.refuse_nul(&mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let call = Call {
        app: Arc::clone(app),
        db: app.db.of(caller.tenant_id),
        caller,
        request_id: request_id.to_owned(),
        params,
        headers: parts.headers,
        path: route.path(),
        now,
    };
    if method == Method::POST {
        let content_type = call.header("content-type");
        let not_json = || {
            let content_type = content_type.unwrap_or("");
            ApiError::UnsupportedMediaType(format!(
                "the body must be application/json, not {content_type:?}"
            ))
        };
        if content_type.is_some_and(|content_type| !wire::is_json(content_type)) {
            return Err(not_json());
        }
        if let Some(encoding) = call.header("content-encoding").filter(|name| !is_plain(name)) {
            return Err(ApiError::UnsupportedMediaType(format!(
                "the body must not be compressed, not {encoding:?}"
            )));
        }
        let bytes = read_body(app, body, call.header("content-length")).await?;
        // Without a body there is nothing that could have a type.
        if content_type.is_none() && !bytes.is_empty() {
            return Err(not_json());
        }
        let _place = call.place(route).await;
        return routes::post(&call, route, &bytes).await;
    }
    let _place = call.place(route).await;
    if method == Method::DELETE {
        return routes::delete(&call, route).await;
    }
    routes::get(&call, route).await
}

/// True for a `Content-Encoding` that is none.
fn is_plain(encoding: &str) -> bool {
    encoding.trim().is_empty() || encoding.trim().eq_ignore_ascii_case("identity")
}

/// What a path takes, or the server as a whole.
fn options(allow: &str) -> Reply {
    let mut reply = reply::json(204, Bytes::new());
    reply.headers_mut().remove(CONTENT_TYPE);
    reply::set(&mut reply, http::header::ALLOW, allow);
    reply
}

/// Two programs on the way that each take another one of these would not mean the same request.
fn refuse_doubled(headers: &HeaderMap) -> Result<()> {
    for name in [HOST, AUTHORIZATION] {
        if headers.get_all(&name).iter().nth(1).is_some() {
            return Err(ApiError::invalid(name.as_str(), "is there more than once"));
        }
    }
    Ok(())
}

/// A route that needs no token.
struct Open<'a> {
    app: &'a Arc<App>,
    route: Route,
    visitor: Visitor,
    request_id: &'a str,
}

fn open_route<'a>(
    app: &'a Arc<App>,
    route: &Route,
    visitor: Visitor,
    request_id: &'a str,
) -> Option<Open<'a>> {
    route.is_open().then_some(Open { app, route: *route, visitor, request_id })
}

impl Open<'_> {
    async fn run(self, parts: Parts, body: &mut Incoming) -> Result<Reply> {
        let app = self.app;
        let base = base_url(app, &parts.headers, self.visitor);
        match self.route {
            Route::Health => Ok(reply::json(200, r#"{"status":"ok"}"#)),
            Route::Ready => {
                app.db.ping().await?;
                Ok(reply::json(200, r#"{"status":"ready"}"#))
            }
            Route::Metrics => Ok(reply::text(
                200,
                "text/plain; version=0.0.4; charset=utf-8",
                app.metrics.render(),
            )),
            Route::AuthInfo => {
                let params = Params::parse(parts.uri.query().unwrap_or(""));
                let tenant = params.get("tenant").unwrap_or("default");
                Ok(reply::value(200, &app.auth.authinfo(&base, tenant)))
            }
            Route::OpenId => Ok(reply::value(200, &app.auth.openid_configuration(&base))),
            Route::OpenApi => Ok(crate::api::openapi::document(app, &base)),
            Route::Docs => Ok(crate::api::openapi::page(parts.uri.path())),
            Route::DocsFile(name) => crate::api::openapi::file(app, name),
            Route::Root => console::root(&parts.headers),
            Route::Console => {
                let params = Params::parse(parts.uri.query().unwrap_or(""));
                let tenant = params.get("tenant").unwrap_or("");
                console::page(app, parts.uri.path(), tenant).await
            }
            Route::ConsoleFile(place) => Ok(console::file(place)),
            Route::Jwks => Ok(reply::value(200, &app.auth.jwks())),
            Route::Authorize => self.authorize(parts, body).await,
            _ => self.token(parts, body).await,
        }
    }

    /// `/auth/authorize`: the page, and its form.
    async fn authorize(self, parts: Parts, body: &mut Incoming) -> Result<Reply> {
        let visit = sign_in::Visit {
            app: self.app,
            query: parts.uri.query().unwrap_or(""),
            headers: &parts.headers,
            peer: self.visitor.address,
            base_url: &base_url(self.app, &parts.headers, self.visitor),
            request_id: self.request_id,
        };
        if parts.method != Method::POST {
            return Ok(sign_in::show(&visit).await);
        }
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let body = read_body(self.app, body, length).await?;
        Ok(sign_in::submit(&visit, &body).await)
    }

    /// `POST /auth/token` and `/auth/revoke`. Their errors have the shape that OAuth prescribes.
    async fn token(self, parts: Parts, body: &mut Incoming) -> Result<Reply> {
        let app = self.app;
        let text =
            |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let length = text(&http::header::CONTENT_LENGTH);
        let body = read_body(app, body, length).await?;
        let base_url = base_url(app, &parts.headers, self.visitor);
        let request = crate::auth::grants::TokenRequest {
            query: parts.uri.query().unwrap_or(""),
            body: &body,
            authorization: text(&AUTHORIZATION),
            peer: self.visitor.address,
            base_url: &base_url,
            now_ms: app.clock.now_ms(),
        };
        let done = match self.route {
            Route::Revoke => app.auth.revoke(request).await.map(|()| serde_json::json!({})),
            _ => app.auth.token(request).await,
        };
        match done {
            Ok(body) => {
                let mut reply = reply::value(200, &body);
                reply::set(&mut reply, http::header::CACHE_CONTROL, "no-store");
                Ok(reply)
            }
            Err(error) => {
                let body = crate::error::token_refusal(&error, self.request_id);
                let mut reply = reply::value(error.status(), &body);
                if let Some(seconds) = error.retry_after_s() {
                    reply::set(&mut reply, http::header::RETRY_AFTER, &seconds.to_string());
                }
                if error.status() == 401 {
                    reply::set(&mut reply, http::header::WWW_AUTHENTICATE, "Basic");
                }
                Ok(reply)
            }
        }
    }
}

/// The address under which the caller reached this server.
fn base_url(app: &App, headers: &HeaderMap, visitor: Visitor) -> String {
    if !app.config.public_url.is_empty() {
        return app.config.public_url.trim_end_matches('/').to_owned();
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host =
        text("host").filter(|host| host.bytes().all(is_host_byte)).unwrap_or(&app.config.listen);
    let scheme = if visitor.is_https { "https" } else { "http" };
    format!("{scheme}://{host}")
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']' | b'_')
}

/// Reads a body within its limits of size and time.
async fn read_body(app: &App, body: &mut Incoming, content_length: Option<&str>) -> Result<Bytes> {
    let limit_bytes = app.config.limits.body_bytes;
    let declared = content_length.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    if declared > limit_bytes {
        return Err(ApiError::TooLarge { limit_bytes });
    }
    let seconds = app.config.limits.body_seconds;
    let read = Limited::new(body, limit_bytes).collect();
    match tokio::time::timeout(Duration::from_secs(seconds), read).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge { limit_bytes }),
        Ok(Err(_)) => Err(ApiError::invalid("", "ended before it was complete")),
        Err(_) => Err(ApiError::invalid("", format!("did not arrive within {seconds} s"))),
    }
}

/// Reads what is left of a body that nobody needed. A program sends all of its body before it reads
/// the answer, and would find the connection broken instead of, say, the 401 that tells it to sign
/// in again. Far beyond the largest body it is cut off all the same.
async fn drain(app: &App, mut body: Incoming) {
    let limits = &app.config.limits;
    let mut left = limits.body_bytes.saturating_mul(4);
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            if size > left {
                break;
            }
            left -= size;
        }
    };
    if tokio::time::timeout(Duration::from_secs(limits.body_seconds), read).await.is_err() {
        tracing::debug!("a body that nobody needed did not end in time");
    }
}
