//! GET of a list, for any kind of record.

use std::sync::Arc;

use bytes::Bytes;

use aureole_catalogue::query::{self, ListQuery, Paging};
use aureole_catalogue::render::{Row, View};
use aureole_catalogue::{Filter, Problems};
use aureole_storage::records::{self, Stored};

use crate::app::{App, Prepared};
use crate::auth::caller::Caller;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, BodyError, Reply};
use crate::rules::extras::month_start;
use crate::{rights, rules};

pub async fn list(call: &Call, endpoint: &'static Endpoint) -> Result<Reply> {
    rights::check(&call.caller, endpoint, false)?;
    let (query, filter, columns) = parse(call, endpoint).await?;
    let entity = endpoint.kind.entity();
    let app = &call.app;
    let (month, tenant) = (month_start(call.now), call.caller.tenant_id);
    let ids = app.lists.ids(&month, &call.db, tenant, entity, &filter, &query).await?;
    if query.id_only {
        return Ok(reply::json(200, id_only(endpoint, &ids)));
    }
    let total = ids.len();
    let (head, from, to) = match query.paging {
        Paging::All => (record_count(total), 0, total),
        Paging::First(count) => {
            (record_count(total), 0, usize::try_from(count).unwrap_or(total).min(total))
        }
        Paging::Page { number, size } => {
            let head =
                format!("{{\"page_no\":{number},\"page_size\":{size},\"record_count\":{total},");
            let from = number.saturating_sub(1).saturating_mul(size);
            let from = usize::try_from(from).unwrap_or(total).min(total);
            (head, from, from.saturating_add(usize::try_from(size).unwrap_or(total)).min(total))
        }
    };
    let head = match endpoint.envelope {
        Some(key) => format!("{head}\"{key}\":["),
        None => "[".to_owned(),
    };
    let tail: Arc<str> = match (endpoint.envelope, columns) {
        (Some(_), Some((id, columns))) => {
            format!("],\"columns_id\":{id},\"columns\":{columns}}}").into()
        }
        (Some(_), None) => "]}".into(),
        (None, _) => "]".into(),
    };
    let rows = Rows {
        app: Arc::clone(app),
        caller: Arc::clone(&call.caller),
        endpoint,
        prepared: app.prepared(endpoint.kind, View::Light, query.show),
        query: Arc::new(query),
        now: call.now,
        ids,
        at: from,
        to,
        tail: Arc::clone(&tail),
        written: false,
    };
    if to - from <= app.config.lists.chunk_rows.max(1000) {
        let mut out = head.into_bytes();
        let mut rows = rows;
        rows.append(to - from, &mut out).await?;
        out.extend_from_slice(tail.as_bytes());
        return Ok(reply::json(200, out));
    }
    Ok(streamed(head, rows))
}

fn record_count(total: usize) -> String {
    format!("{{\"record_count\":{total},")
}

fn id_only(endpoint: &Endpoint, ids: &[i64]) -> String {
    let rows: Vec<String> = ids.iter().map(|id| format!("{{\"id\":{id}}}")).collect();
    let rows = rows.join(",");
    match endpoint.envelope {
        Some(key) => format!("{}\"{key}\":[{rows}]}}", record_count(ids.len())),
        None => format!("[{rows}]"),
    }
}

/// The id of a column profile and its columns as JSON, when they were asked for.
type Columns = Option<(i64, String)>;

/// The query and the whole filter: what was asked for, and what the caller may see.
async fn parse(call: &Call, endpoint: &'static Endpoint) -> Result<(ListQuery, Filter, Columns)> {
    let entity = endpoint.kind.entity();
    let mut problems = Problems::default();
    let paged = endpoint.envelope.is_some();
    let mut query =
        query::list_query(entity, &call.params, paged, &call.app.list_limits, &mut problems);
    let view = rules::views::chosen(call, endpoint, &mut query, &mut problems).await?;
    let asked = rules::lists::filter(call, endpoint, &mut query, &mut problems).await?;
    let (app, tenant, path) = (&call.app, call.caller.tenant_id, "advanced_search");
    let filter = std::mem::replace(&mut query.filter, Filter::True);
    query.filter = rules::custom_fields::resolve(
        &mut call.db.clone(),
        app,
        tenant,
        endpoint.kind,
        filter,
        path,
        &mut problems,
    )
    .await?;
    call.check_params(&[query::COMMON, endpoint.list_params], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let common = rules::lists::widen_search(endpoint.kind, query.filter.clone());
    let saved = view.filter.unwrap_or(Filter::True);
    let filter = Filter::all(vec![common, asked, saved, rights::visible(&call.caller, entity)]);
    Ok((query, filter, view.columns))
}

/// The rows of one reply that are still to be rendered.
struct Rows {
    app: Arc<App>,
    caller: Arc<Caller>,
    endpoint: &'static Endpoint,
    prepared: Arc<Prepared>,
    query: Arc<ListQuery>,
    now: i64,
    ids: Arc<[i64]>,
    at: usize,
    to: usize,
    tail: Arc<str>,
    /// A row was rendered: the next one needs a comma.
    written: bool,
}

impl Rows {
    /// Renders up to `count` more rows.
    async fn append(&mut self, count: usize, out: &mut Vec<u8>) -> Result<()> {
        let end = self.at.saturating_add(count).min(self.to);
        let ids = &self.ids[self.at..end];
        let tenant = self.caller.tenant_id;
        let mut db = self.app.db.of(tenant);
        let stored = records::get_many(&mut db, &self.prepared.select, tenant, ids).await?;
        let extras = rules::extras::rows(
            &mut db,
            &self.app,
            &self.caller,
            self.endpoint.kind,
            &self.query,
            &stored,
            self.now,
        )
        .await?;
        let mut fields = Vec::new();
        for (at, record) in stored.iter().enumerate() {
            if self.written {
                out.push(b',');
            }
            self.written = true;
            let extras = extras.get(at).map(Vec::as_slice).unwrap_or_default();
            self.prepared.plan.render(&row(record, extras), &mut fields, out);
        }
        self.at = end;
        Ok(())
    }
}

/// What the renderer needs of a stored record.
pub fn row<'a>(stored: &'a Stored, extras: &'a [(usize, String)]) -> Row<'a> {
    Row {
        id: stored.id,
        updated_at: stored.updated_at,
        doc: &stored.doc,
        lookups: &stored.lookups,
        extras,
    }
}

enum Stage {
    Head(String, Box<Rows>),
    Body(Box<Rows>),
    Done,
}

/// A long list: rendered and sent piece by piece, so that memory does not grow with it.
fn streamed(head: String, rows: Rows) -> Reply {
    let chunks =
        futures_util::stream::unfold(Stage::Head(head, Box::new(rows)), |stage| async move {
            // The first piece is small, so that the reply begins at once.
            let (mut out, mut rows, count) = match stage {
                Stage::Head(head, rows) => (head.into_bytes(), rows, 50),
                Stage::Body(rows) => {
                    let count = rows.app.config.lists.chunk_rows.max(1);
                    (Vec::new(), rows, count)
                }
                Stage::Done => return None,
            };
            if let Err(error) = rows.append(count, &mut out).await {
                return Some((Err(BodyError::from(error.message())), Stage::Done));
            }
            if rows.at >= rows.to {
                out.extend_from_slice(rows.tail.as_bytes());
                return Some((Ok(Bytes::from(out)), Stage::Done));
            }
            Some((Ok(Bytes::from(out)), Stage::Body(rows)))
        });
    reply::stream(chunks)
}
