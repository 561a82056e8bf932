//! Reading the history: lists, single changes, and records as they were.

use crate::db::{Read, Result, Row, Value};
use crate::dialect::Dialect;

use super::Before;

/// One row of the history, as stored.
#[derive(Clone, Debug)]
pub struct Entry {
    pub seq: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    pub entity: String,
    pub record_id: i64,
    pub client_id: i64,
    pub operation: String,
    pub application: String,
    pub agent_id: i64,
    pub user_id: i64,
    pub request_id: String,
    pub imported: bool,
    pub batch: i64,
    pub action: String,
    pub restores: i64,
    pub before: Option<Before>,
    pub before_more: Option<String>,
    /// The names of the changed fields, each between commas; empty when nobody noted them.
    pub fields: String,
    /// The record's next change: its number, and the document before it.
    pub next: Option<(i64, Option<String>)>,
}

/// Which changes are asked for; what is empty or `None` does not narrow.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub entities: Vec<&'static str>,
    pub record_id: Option<i64>,
    pub clients: Vec<i64>,
    pub agents: Vec<i64>,
    pub users: Vec<i64>,
    pub application: Option<String>,
    pub operations: Vec<&'static str>,
    /// The name of a field that was changed.
    pub field: Option<String>,
    pub request_id: Option<String>,
    /// Milliseconds since 1970, both included.
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// The clients whose changes may be seen, and those whose may not.
    pub allowed: Vec<i64>,
    pub denied: Vec<i64>,
}

const COLUMNS: &str = "c.seq, c.at, c.entity, c.record_id, c.client_id, c.operation, \
                       c.application, c.agent_id, c.user_id, c.request_id, c.imported, c.batch, \
                       c.action, c.restores, c.before_doc, c.before_rev, c.before_at, \
                       c.before_more, n.seq, n.before_doc, c.fields";

/// The number of the record's next change.
const NEXT: &str = "(SELECT n.seq FROM change n WHERE n.tenant_id = c.tenant_id AND \
                    n.entity = c.entity AND n.record_id = c.record_id AND n.seq > c.seq \
                    ORDER BY n.seq LIMIT 1) AS next_seq";

fn entry(row: &mut Row) -> Entry {
    let before = row.opt_text(14).map(str::to_owned);
    let (rev, updated_at) = (row.int(15), row.int(16));
    Entry {
        seq: row.int(0),
        at: row.int(1),
        entity: row.take_text(2),
        record_id: row.int(3),
        client_id: row.int(4),
        operation: row.take_text(5),
        application: row.take_text(6),
        agent_id: row.int(7),
        user_id: row.int(8),
        request_id: row.take_text(9),
        imported: row.int(10) != 0,
        batch: row.int(11),
        action: row.take_text(12),
        restores: row.int(13),
        before: before.map(|doc| Before { doc, rev, updated_at }),
        before_more: row.opt_text(17).map(str::to_owned),
        next: row.opt_int(18).map(|seq| (seq, row.opt_text(19).map(str::to_owned))),
        fields: row.take_text(20),
    }
}

/// Reads the changes that `picked` selects: the end of a statement on `change c`.
async fn entries(
    reader: &mut impl Read,
    picked: &str,
    order: &str,
    params: &[Value],
) -> Result<Vec<Entry>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM (SELECT c.*, {NEXT} FROM change c WHERE {picked}) c \
         LEFT JOIN change n ON n.tenant_id = c.tenant_id AND n.seq = c.next_seq ORDER BY {order}"
    );
    Ok(reader.query(&sql, params).await?.iter_mut().map(entry).collect())
}

/// A condition on `change c` while it grows, and its parameters.
struct Condition {
    dialect: Dialect,
    sql: String,
    params: Vec<Value>,
}

impl Condition {
    fn of(dialect: Dialect, tenant: i64, wanted: &Wanted) -> Condition {
        let sql = "c.tenant_id = $1".to_owned();
        let mut condition = Condition { dialect, sql, params: vec![tenant.into()] };
        condition.equals("c.record_id", wanted.record_id);
        condition.equals("c.application", wanted.application.as_deref());
        condition.equals("c.request_id", wanted.request_id.as_deref());
        condition.ids("c.client_id", &wanted.clients);
        condition.ids("c.agent_id", &wanted.agents);
        condition.ids("c.user_id", &wanted.users);
        condition.texts("c.entity", &wanted.entities);
        condition.texts("c.operation", &wanted.operations);
        if let Some(from) = wanted.from {
            let at = condition.bind(from);
            condition.and(&format!("c.at >= ${at}"));
        }
        if let Some(to) = wanted.to {
            let at = condition.bind(to);
            condition.and(&format!("c.at <= ${at}"));
        }
        if let Some(field) = &wanted.field {
            condition.field(field);
        }
        condition.visible(wanted);
        condition
    }

    fn bind(&mut self, value: impl Into<Value>) -> usize {
        self.params.push(value.into());
        self.params.len()
    }

    fn and(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    fn equals(&mut self, column: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            let at = self.bind(value);
            self.and(&format!("{column} = ${at}"));
        }
    }

    /// An index finds one id; several are looked for row by row, the newest first.
    fn ids(&mut self, column: &str, ids: &[i64]) {
        match ids {
            [] => {}
            [id] => self.equals(column, Some(*id)),
            ids => {
                let at = self.bind(Value::ids(ids));
                let condition = self.dialect.in_ids(&format!("({column} + 0)"), at);
                self.and(&condition);
            }
        }
    }

    fn texts(&mut self, column: &str, texts: &[&str]) {
        match texts {
            [] => {}
            [text] => self.equals(column, Some(*text)),
            texts => {
                let marks: Vec<String> =
                    texts.iter().map(|text| format!("${}", self.bind(*text))).collect();
                self.and(&format!("({column} || '') IN ({})", marks.join(", ")));
            }
        }
    }

    /// A field that a change gave another value; a deletion takes every field that was set.
    fn field(&mut self, name: &str) {
        let changed = self.bind(format!(",{name},"));
        let set = self.bind(format!("\"{name}\":"));
        let changed = self.dialect.contains("c.fields", changed);
        let set = self.dialect.contains("c.before_doc", set);
        self.and(&format!("({changed} OR c.operation = 'deleted' AND {set})"));
    }

    /// What belongs to no client is everybody's.
    fn visible(&mut self, wanted: &Wanted) {
        if !wanted.allowed.is_empty() {
            let at = self.bind(Value::ids(&wanted.allowed));
            let own = self.dialect.in_ids("c.client_id", at);
            self.and(&format!("(c.client_id = 0 OR {own})"));
        }
        if !wanted.denied.is_empty() {
            let at = self.bind(Value::ids(&wanted.denied));
            let denied = self.dialect.in_ids("c.client_id", at);
            self.and(&format!("NOT ({denied})"));
        }
    }
}

/// The changes that are asked for, the newest first.
pub async fn list(
    reader: &mut impl Read,
    tenant: i64,
    wanted: &Wanted,
    limit: i64,
    offset: i64,
) -> Result<Vec<Entry>> {
    let mut condition = Condition::of(reader.dialect(), tenant, wanted);
    let (limit, offset) = (condition.bind(limit), condition.bind(offset));
    let picked = format!("{} ORDER BY c.seq DESC LIMIT ${limit} OFFSET ${offset}", condition.sql);
    entries(reader, &picked, "c.seq DESC", &condition.params).await
}

/// How many changes are asked for.
pub async fn count(reader: &mut impl Read, tenant: i64, wanted: &Wanted) -> Result<i64> {
    let condition = Condition::of(reader.dialect(), tenant, wanted);
    let sql = format!("SELECT count(*) FROM change c WHERE {}", condition.sql);
    Ok(reader.query(&sql, &condition.params).await?.first().map_or(0, |row| row.int(0)))
}

/// One change by its number.
pub async fn get(reader: &mut impl Read, tenant: i64, seq: i64) -> Result<Option<Entry>> {
    let picked = "c.tenant_id = $1 AND c.seq = $2";
    let found = entries(reader, picked, "c.seq", &[tenant.into(), seq.into()]).await?;
    Ok(found.into_iter().next())
}

/// The changes of one batch, in the order in which they were made.
pub async fn of_batch(reader: &mut impl Read, tenant: i64, one: &Entry) -> Result<Vec<Entry>> {
    let picked = "c.tenant_id = $1 AND c.request_id = $2 AND c.batch = $3 AND c.at = $4";
    let params = [tenant.into(), one.request_id.as_str().into(), one.batch.into(), one.at.into()];
    entries(reader, picked, "c.seq", &params).await
}

/// The record's newest change.
pub async fn last_known(
    reader: &mut impl Read,
    tenant: i64,
    entity: &str,
    record_id: i64,
) -> Result<Option<Entry>> {
    let picked = "c.tenant_id = $1 AND c.entity = $2 AND c.record_id = $3 \
                  ORDER BY c.seq DESC LIMIT 1";
    let params = [tenant.into(), entity.into(), record_id.into()];
    Ok(entries(reader, picked, "c.seq", &params).await?.into_iter().next())
}

/// What a record was at some time.
#[derive(Clone, Debug)]
pub enum Past {
    /// What it is now, or nothing if it is gone: it was not changed since.
    Unchanged,
    /// The state before this change, which is the first one since.
    Until(Box<Entry>),
}

/// How a record was at a time in milliseconds since 1970.
pub async fn past(
    reader: &mut impl Read,
    tenant: i64,
    entity: &str,
    record_id: i64,
    at: i64,
) -> Result<Past> {
    let picked = "c.tenant_id = $1 AND c.entity = $2 AND c.record_id = $3 AND c.at > $4 \
                  ORDER BY c.seq LIMIT 1";
    let params = [tenant.into(), entity.into(), record_id.into(), at.into()];
    let found = entries(reader, picked, "c.seq", &params).await?.into_iter().next();
    Ok(found.map_or(Past::Unchanged, |entry| Past::Until(Box::new(entry))))
}

/// What was beside a record's document before the change `seq` (the document's own columns aside):
/// that of the first change from there on that touched it; `None` when none did.
pub async fn more_before(
    reader: &mut impl Read,
    tenant: i64,
    entity: &str,
    record_id: i64,
    seq: i64,
) -> Result<Option<String>> {
    let sql = "SELECT before_more FROM change WHERE tenant_id = $1 AND entity = $2 AND \
               record_id = $3 AND seq >= $4 AND before_more IS NOT NULL ORDER BY seq LIMIT 1";
    let params = [tenant.into(), entity.into(), record_id.into(), seq.into()];
    let mut rows = reader.query(sql, &params).await?;
    Ok(rows.first_mut().map(|row| row.take_text(0)))
}

/// The records of a kind that were changed since a time and whose `column` may have been `id` then.
pub async fn children_before(
    reader: &mut impl Read,
    tenant: i64,
    entity: &str,
    column: &str,
    id: i64,
    at: i64,
) -> Result<Vec<i64>> {
    let sql = format!(
        "SELECT DISTINCT record_id FROM change WHERE tenant_id = $1 AND entity = $2 AND at > $3 \
         AND {} ORDER BY record_id",
        reader.dialect().contains("before_doc", 4)
    );
    let member = format!("\"{column}\":{id}");
    let params = [tenant.into(), entity.into(), at.into(), member.into()];
    Ok(reader.query(&sql, &params).await?.iter().map(|row| row.int(0)).collect())
}
