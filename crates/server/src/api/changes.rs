//! GET /changes and /changes/stream: what happened, in commit order, without gaps.

use std::sync::Arc;
use std::time::Duration;

use aureole_catalogue::Problems;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::app::App;
use crate::auth::Caller;
use crate::error::{ApiError, Result};
use crate::feed::cursor::{self, Since};
use crate::feed::hub::Place;
use crate::feed::{self, Ask, Page, sight};
use crate::front::Call;
use crate::reply::{self, BodyError, Reply};

/// What a browser waits before it opens a broken stream again.
const RETRY_MS: u64 = 3_000;
/// A stream looks so often whether its token still holds.
const CHECK: Duration = Duration::from_secs(1);

pub async fn list(call: &Call) -> Result<Reply> {
    let (ask, since) = parse(call, call.params.get("since").unwrap_or(""))?;
    let wait_s = wait_seconds(call)?;
    let (app, caller) = (&call.app, &call.caller);
    let tenant = caller.tenant_id;
    let _place = match wait_s {
        0 => None,
        _ => Some(app.feed.enter(app, tenant, &caller.application)?),
    };
    let until = Instant::now() + Duration::from_secs(wait_s);
    let mut news = app.feed.watch(tenant);
    let mut position = feed::begin(app, tenant, since).await?;
    loop {
        let page = feed::page(app, caller, &ask, position).await?;
        let done = !page.changes.is_empty() || Instant::now() >= until || app.stopping.has_begun();
        if done || wait_s == 0 {
            return render(call, &ask, &page).await;
        }
        position = page.position;
        if !page.more {
            tokio::select! {
                _ = news.changed() => {}
                () = sleep_until(until) => {}
                () = app.stopping.begun() => {}
            }
        }
    }
}

async fn render(call: &Call, ask: &Ask, page: &Page) -> Result<Reply> {
    let rows = feed::describe(&call.app, &call.caller, &page.changes, ask.records).await?;
    let cursor = cursor::write(call.app.db.dialect(), call.caller.tenant_id, page.position);
    let body = format!(
        "{{\"changes\":[{}],\"cursor\":\"{cursor}\",\"more\":{}}}",
        rows.join(","),
        page.more
    );
    Ok(reply::json(200, body))
}

/// The parameters that both paths have. `since` is checked with them, so that every problem of the
/// request is named at once.
fn parse(call: &Call, since: &str) -> Result<(Ask, Since)> {
    let settings = &call.app.config.feed;
    let mut problems = Problems::default();
    let mut wanted = Vec::new();
    for name in call.params.texts("entity") {
        match sight::kind(name) {
            Some(entity) => wanted.push(entity),
            None => problems.add("entity", sight::unknown_kind(name)),
        }
    }
    // Who may not read is told so first.
    sight::kinds(&call.caller, &wanted)?;
    let limit = call.params.int("limit", &mut problems).unwrap_or(settings.page_size);
    if limit < 1 {
        problems.add("limit", "must be at least 1");
    }
    let mut records = false;
    for name in call.params.texts("include") {
        if name.eq_ignore_ascii_case("record") {
            records = true;
        } else {
            problems.add("include", format!("must be record, not {name:?}"));
        }
    }
    let since = cursor::read(call.app.db.dialect(), call.caller.tenant_id, since.trim());
    if since.is_none() {
        problems.add("since", "must be a cursor of this feed, now, or empty for the oldest change");
    }
    call.check_params(&[&["since", "entity", "limit", "include", "wait"]], &mut problems);
    match since {
        Some(since) if problems.is_empty() => {
            let limit = limit.min(settings.max_page_size);
            Ok((Ask { wanted, limit, records }, since))
        }
        _ => Err(ApiError::Validation { place: "", problems }),
    }
}

/// How long to wait for a change; a longer time than is allowed is served as that.
fn wait_seconds(call: &Call) -> Result<u64> {
    let mut problems = Problems::default();
    let seconds = call.params.int("wait", &mut problems).unwrap_or(0);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let seconds = u64::try_from(seconds);
    let seconds = seconds.map_err(|_| ApiError::invalid("wait", "must not be negative"))?;
    Ok(seconds.min(call.app.config.feed.wait_seconds))
}

/// An open stream.
struct Stream {
    app: Arc<App>,
    /// The `Authorization` header: the token may expire or lose its rights while the stream is open.
    authorization: String,
    tenant: i64,
    ask: Ask,
    position: i64,
    news: watch::Receiver<i64>,
    beat_at: Instant,
    /// There may be something to read.
    due: bool,
    /// What is to be sent before anything else.
    first: Option<String>,
    ended: bool,
    _place: Place,
}

/// Server-sent events: one for each change, from `Last-Event-ID` or `since` on.
pub async fn stream(call: &Call) -> Result<Reply> {
    let last = call.header("last-event-id").filter(|id| !id.trim().is_empty());
    let (ask, since) = parse(call, last.or(call.params.get("since")).unwrap_or(""))?;
    let (app, caller) = (&call.app, &call.caller);
    let place = app.feed.enter(app, caller.tenant_id, &caller.application)?;
    let news = app.feed.watch(caller.tenant_id);
    let position = feed::begin(app, caller.tenant_id, since).await?;
    let stream = Stream {
        app: Arc::clone(app),
        authorization: call.header("authorization").unwrap_or("").to_owned(),
        tenant: caller.tenant_id,
        ask,
        position,
        news,
        beat_at: Instant::now() + beat(app),
        due: true,
        first: Some(format!("retry: {RETRY_MS}\n\n")),
        ended: false,
        _place: place,
    };
    let chunks = futures_util::stream::unfold(stream, |mut stream| async move {
        let text = stream.next().await?;
        Some((Ok::<_, BodyError>(Bytes::from(text)), stream))
    });
    let mut reply = reply::stream(chunks);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx holds small replies back otherwise.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(reply)
}

fn beat(app: &App) -> Duration {
    Duration::from_secs(app.config.feed.heartbeat_seconds)
}

impl Stream {
    /// The next piece of the body; `None` after the last one.
    async fn next(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            if self.app.stopping.has_begun() {
                return Some(self.end("stopping", "The server stops; connect again."));
            }
            let now = self.app.clock.now_ms();
            let caller = self.app.auth.caller(Some(&self.authorization), now).await;
            let caller = match caller {
                Ok(caller) => caller,
                Err(reason) => return Some(self.end("unauthorized", &reason.to_string())),
            };
            let read = if self.due { self.read(&caller).await } else { Ok(None) };
            match read {
                Ok(Some(text)) => {
                    self.beat_at = Instant::now() + beat(&self.app);
                    return Some(text);
                }
                Ok(None) => self.due = false,
                Err(error) => {
                    let body = error.body("");
                    let code = body["code"].as_str().unwrap_or("internal").to_owned();
                    return Some(self.end(&code, &error.message()));
                }
            }
            if Instant::now() >= self.beat_at {
                self.beat_at = Instant::now() + beat(&self.app);
                let cursor = cursor::write(self.app.db.dialect(), self.tenant, self.position);
                // The id moves the reader on past what is not for it.
                return Some(format!(": heartbeat\nid: {cursor}\n\n"));
            }
            let app = Arc::clone(&self.app);
            tokio::select! {
                _ = self.news.changed() => self.due = true,
                () = sleep_until(self.beat_at.min(Instant::now() + CHECK)) => {}
                () = app.stopping.begun() => {}
            }
        }
    }

    /// The events of the next page that has any.
    async fn read(&mut self, caller: &Caller) -> Result<Option<String>> {
        loop {
            let page = feed::page(&self.app, caller, &self.ask, self.position).await?;
            self.position = page.position;
            if page.changes.is_empty() {
                if page.more {
                    continue;
                }
                return Ok(None);
            }
            let rows = feed::describe(&self.app, caller, &page.changes, self.ask.records).await?;
            let mut text = String::new();
            for (seen, row) in page.changes.iter().zip(rows) {
                let cursor = cursor::write(self.app.db.dialect(), self.tenant, seen.row.position);
                text.push_str(&format!("id: {cursor}\nevent: change\ndata: {row}\n\n"));
            }
            return Ok(Some(text));
        }
    }

    /// The last event, which says why it is the last.
    fn end(&mut self, code: &str, message: &str) -> String {
        self.ended = true;
        format!("event: end\ndata: {}\n\n", json!({ "code": code, "message": message }))
    }
}
