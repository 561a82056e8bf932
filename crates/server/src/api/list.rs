//! GET of a list, for any kind of record.

use std::collections::HashMap;
use std::ops::Range;
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
use crate::index::{Asked, Found, Rows as KeptRows, RowsOf};
use crate::reply::{self, BodyError, Reply};
use crate::rules::extras::{are_computed, month_start};
use crate::{rights, rules};

pub async fn list(call: &Call, endpoint: &'static Endpoint) -> Result<Reply> {
    rights::check(&call.caller, endpoint, false)?;
    let (query, filter, columns) = parse(call, endpoint).await?;
    let entity = endpoint.kind.entity();
    let app = &call.app;
    let (month, tenant) = (month_start(call.now), call.caller.tenant_id);
    let prepared = app.prepared_for(&call.caller, endpoint.kind, View::Light, query.show);
    // A limited agent's rows lack names that others see: they are not shared.
    let are_shared = !are_computed(endpoint.kind, &query) && !rights::is_limited(&call.caller);
    let asked = Asked {
        entity,
        filter: &filter,
        order: &query.order,
        rows: are_shared.then_some(RowsOf { show: query.show, names_of: &prepared.names_of }),
    };
    let wanted = |total| wanted(&query, total);
    let found = app.index.find(&app.fresh, &call.db, tenant, asked, wanted).await?;
    let list = match found {
        Some(found) => List::Index(found),
        None => {
            let ids = app.lists.ids(&month, &call.db, tenant, entity, &filter, &query).await?;
            List::Ids { wanted: wanted(ids.len()), ids }
        }
    };
    let total = list.total();
    if query.id_only {
        return Ok(id_only(app, endpoint, list));
    }
    let head = match query.paging {
        Paging::All | Paging::First(_) => record_count(total),
        Paging::Page { number, size } => {
            format!("{{\"page_no\":{number},\"page_size\":{size},\"record_count\":{total},")
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
        prepared,
        query: Arc::new(query),
        now: call.now,
        to: list.len(),
        list: Arc::new(list),
        at: 0,
        tail: Arc::clone(&tail),
        written: false,
    };
    if rows.to <= app.config.lists.chunk_rows.max(PAGE_ROWS) {
        let mut out = head.into_bytes();
        let mut rows = rows;
        rows.append(rows.to, &mut out).await?;
        out.extend_from_slice(tail.as_bytes());
        return Ok(reply::json(200, out));
    }
    Ok(streamed(head, rows))
}

/// Lists up to this length are sent in one piece.
const PAGE_ROWS: usize = 1000;

fn record_count(total: usize) -> String {
    format!("{{\"record_count\":{total},")
}

/// The places in a list of so many records that the reply has.
fn wanted(query: &ListQuery, total: usize) -> Range<usize> {
    let at_most = |rows: u64| usize::try_from(rows).unwrap_or(total).min(total);
    match query.paging {
        // Ids alone come without paging.
        _ if query.id_only => 0..total,
        Paging::All => 0..total,
        Paging::First(count) => 0..at_most(count),
        Paging::Page { number, size } => {
            let from = number.saturating_sub(1).saturating_mul(size);
            at_most(from)..at_most(from.saturating_add(size))
        }
    }
}

/// The ids alone; a long list of them is sent piece by piece, like any other.
fn id_only(app: &App, endpoint: &Endpoint, list: List) -> Reply {
    let head = match endpoint.envelope {
        Some(key) => format!("{}\"{key}\":[", record_count(list.total())),
        None => "[".to_owned(),
    };
    let tail: &'static [u8] = if endpoint.envelope.is_some() { b"]}" } else { b"]" };
    let piece = app.config.lists.chunk_rows.max(PAGE_ROWS);
    if list.len() <= piece {
        let mut out = head.into_bytes();
        append_ids(&list, 0..list.len(), &mut out);
        out.extend_from_slice(tail);
        return reply::json(200, out);
    }
    let list = Arc::new(list);
    let chunks = futures_util::stream::unfold((head, 0), move |(head, at)| {
        let list = Arc::clone(&list);
        async move {
            if at >= list.len() {
                return None;
            }
            if at > 0 {
                send_what_is_there().await;
            }
            let mut out = head.into_bytes();
            let end = (at + piece).min(list.len());
            append_ids(&list, at..end, &mut out);
            if end == list.len() {
                out.extend_from_slice(tail);
            }
            Some((Ok(Bytes::from(out)), (String::new(), end)))
        }
    });
    reply::stream(chunks)
}

fn append_ids(list: &List, range: Range<usize>, out: &mut Vec<u8>) {
    let first = range.start;
    for (at, (_, id)) in list.slice(range).iter().enumerate() {
        let comma = if first + at > 0 { "," } else { "" };
        out.extend_from_slice(format!("{comma}{{\"id\":{id}}}").as_bytes());
    }
}

/// The part of a list that a reply has.
enum List {
    Index(Found),
    Ids { ids: Arc<[i64]>, wanted: Range<usize> },
}

impl List {
    /// Records of the whole list.
    fn total(&self) -> usize {
        match self {
            List::Index(found) => found.total,
            List::Ids { ids, .. } => ids.len(),
        }
    }

    /// Records of the part.
    fn len(&self) -> usize {
        match self {
            List::Index(found) => found.count(),
            List::Ids { wanted, .. } => wanted.len(),
        }
    }

    /// Slots (where there are any) and ids of some places of the part.
    fn slice(&self, range: Range<usize>) -> Vec<(u32, i64)> {
        match self {
            List::Index(found) => found.slice(range),
            List::Ids { ids, wanted } => {
                let ids = ids.get(wanted.clone()).and_then(|ids| ids.get(range));
                ids.unwrap_or_default().iter().map(|id| (0, *id)).collect()
            }
        }
    }

    fn kept_rows(&self) -> Option<&KeptRows> {
        match self {
            List::Index(found) => found.rows.as_deref(),
            List::Ids { .. } => None,
        }
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
    rights::check_order(&call.caller, entity, &query.order, &mut problems);
    call.check_params(&[query::COMMON, endpoint.list_params], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let common = rules::lists::widen_search(endpoint.kind, query.filter.clone());
    let saved = view.filter.unwrap_or(Filter::True);
    let wanted = rights::blinded(&call.caller, entity, Filter::all(vec![common, asked, saved]));
    let filter = Filter::all(vec![wanted, rights::visible(&call.caller, entity)]);
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
    list: Arc<List>,
    at: usize,
    to: usize,
    tail: Arc<str>,
    /// A row was rendered: the next one needs a comma.
    written: bool,
}

impl Rows {
    /// Appends up to `count` more rows: those that are kept as they are, the others rendered.
    async fn append(&mut self, count: usize, out: &mut Vec<u8>) -> Result<()> {
        let end = self.at.saturating_add(count).min(self.to);
        let records = self.list.slice(self.at..end);
        self.at = end;
        let list = Arc::clone(&self.list);
        let Some(kept) = list.kept_rows() else {
            let ids: Vec<i64> = records.iter().map(|(_, id)| *id).collect();
            return self.append_stored(&ids, out).await;
        };
        out.reserve(records.len() * self.prepared.plan.row_bytes());
        let (start, written) = (out.len(), self.written);
        let mut places: Vec<Option<Range<usize>>> = Vec::with_capacity(records.len());
        kept.read(records.iter().map(|(slot, _)| *slot), |row| {
            places.push(row.map(|row| {
                self.comma(out);
                let from = out.len();
                self.prepared.plan.unpack(row, out);
                from - start..out.len() - start
            }));
        });
        let missing: Vec<(u32, i64)> = records
            .iter()
            .zip(&places)
            .filter(|(_, place)| place.is_none())
            .map(|(r, _)| *r)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = missing.iter().map(|(_, id)| *id).collect();
        // A record that is gone by now has no row.
        let mut packed: HashMap<i64, Box<[u8]>> = self.pack(&ids).await?.into_iter().collect();
        let known = out.split_off(start);
        self.written = written;
        for ((_, id), place) in records.iter().zip(places) {
            if let Some(place) = place {
                self.comma(out);
                out.extend_from_slice(&known[place]);
            } else if let Some(row) = packed.get(id) {
                self.comma(out);
                self.prepared.plan.unpack(row, out);
            }
        }
        // A walk over everything would drive out the rows of the pages that are asked for.
        if self.to <= PAGE_ROWS {
            let new = missing.iter().filter_map(|(slot, id)| Some((*slot, packed.remove(id)?)));
            kept.keep(new.collect());
        }
        Ok(())
    }

    fn comma(&mut self, out: &mut Vec<u8>) {
        if self.written {
            out.push(b',');
        }
        self.written = true;
    }

    /// Appends the rows of these records with what rules compute, as far as the records are there.
    async fn append_stored(&mut self, ids: &[i64], out: &mut Vec<u8>) -> Result<()> {
        let app = Arc::clone(&self.app);
        let tenant = self.caller.tenant_id;
        let mut db = app.db.of(tenant);
        let stored = records::get_many(&mut db, &self.prepared.select, tenant, ids).await?;
        let (kind, query, now) = (self.endpoint.kind, Arc::clone(&self.query), self.now);
        let extras =
            rules::extras::rows(&mut db, &app, &self.caller, kind, &query, &stored, now).await?;
        let mut fields = Vec::new();
        for (at, record) in stored.iter().enumerate() {
            let extras = extras.get(at).map(Vec::as_slice).unwrap_or_default();
            self.comma(out);
            self.prepared.plan.render(&row(record, extras), &mut fields, out);
        }
        Ok(())
    }

    /// The packed rows of these records, with their ids, as far as the records are there.
    async fn pack(&self, ids: &[i64]) -> Result<Vec<(i64, Box<[u8]>)>> {
        let tenant = self.caller.tenant_id;
        let mut db = self.app.db.of(tenant);
        let stored = records::get_many(&mut db, &self.prepared.select, tenant, ids).await?;
        let (mut fields, mut out) = (Vec::new(), Vec::new());
        let packed = stored.iter().map(|record| {
            out.clear();
            self.prepared.plan.pack(&row(record, &[]), &mut fields, &mut out);
            (record.id, out.as_slice().into())
        });
        Ok(packed.collect())
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

/// Comes between two pieces of a reply: what is not waited for is not sent either, as long as there is
/// more to be had, and nobody else gets on.
async fn send_what_is_there() {
    tokio::task::yield_now().await;
}

/// A long list: rendered and sent piece by piece, so that memory does not grow with it.
fn streamed(head: String, rows: Rows) -> Reply {
    let chunks =
        futures_util::stream::unfold(Stage::Head(head, Box::new(rows)), |stage| async move {
            // The first piece is small, so that the reply begins at once.
            let (mut out, mut rows, count) = match stage {
                Stage::Head(head, rows) => (head.into_bytes(), rows, 50),
                Stage::Body(rows) => {
                    send_what_is_there().await;
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
