//! What waits to be sent in a transaction: writes that nobody waits for, and questions that are
//! known beforehand.

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Statement;
use tokio_postgres::types::{ToSql, Type};

use super::{failure, prepare};
use crate::db::{Error, Result, Row, Value};

/// Fewer rows go one by one: arrays would cost more than they save.
const MIN_ROWS: usize = 4;
/// Rows that one statement inserts at most.
const MAX_ROWS: usize = 500;

/// The queued writes in their order. Rows for one statement are gathered into one batch; only plain
/// inserts, whose order among each other makes no difference, pass by others.
#[derive(Default)]
pub(super) struct Queue {
    batches: Vec<Batch>,
    /// Batches before this one are complete.
    open: usize,
    rows: usize,
}

/// The rows for one statement.
pub(super) struct Batch {
    pub(super) sql: String,
    rows: Vec<Vec<Value>>,
    plain: bool,
    /// Each row has to change one.
    exact: bool,
}

impl Queue {
    pub(super) fn push(&mut self, sql: &str, rows: Vec<Vec<Value>>, exact: bool) {
        self.rows += rows.len();
        let open = self.batches.get_mut(self.open..).unwrap_or_default();
        if let Some(batch) = open.iter_mut().find(|batch| batch.sql == sql) {
            batch.rows.extend(rows);
            return;
        }
        let plain = is_plain_insert(sql);
        self.batches.push(Batch { sql: sql.to_owned(), rows, plain, exact });
        if !plain {
            // What comes later must not overtake it; more of the same may follow it.
            self.open = self.batches.len() - 1;
        }
        if plain && self.batches.get(self.open).is_some_and(|batch| !batch.plain) {
            self.open = self.batches.len() - 1;
        }
    }

    /// How many rows wait.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    pub(super) fn batches(self) -> Vec<Batch> {
        self.batches
    }
}

/// An INSERT that looks at nothing but its own row.
fn is_plain_insert(sql: &str) -> bool {
    let text = sql.to_ascii_uppercase();
    text.starts_with("INSERT") && !text.contains("SELECT") && !text.contains("DO UPDATE")
}

/// One execution of a statement: with one row, or with a column of many rows in each parameter.
pub(super) struct Execution<'a> {
    sql: &'a str,
    statement: Statement,
    params: Params<'a>,
    /// How many rows it has to change, when that is known.
    exact: Option<u64>,
}

enum Params<'a> {
    Row(&'a [Value]),
    Columns(Vec<Box<dyn ToSql + Sync + Send + 'a>>),
}

impl Batch {
    /// `statement` is the batch's own, prepared.
    pub(super) async fn executions(
        &self,
        client: &ClientWrapper,
        statement: Statement,
    ) -> Result<Vec<Execution<'_>>> {
        let sql = self.sql.as_str();
        let many = (self.plain && self.rows.len() >= MIN_ROWS)
            .then(|| many(sql, statement.params()))
            .flatten();
        if let Some(text) = many {
            let types = statement.params().to_vec();
            let statement = prepare(client, &text).await?;
            let parts: Option<Vec<Execution<'_>>> = self
                .rows
                .chunks(MAX_ROWS)
                .map(|rows| {
                    let columns = types.iter().enumerate().map(|(at, ty)| column(rows, at, ty));
                    let params = Params::Columns(columns.collect::<Option<_>>()?);
                    Some(Execution { sql, statement: statement.clone(), params, exact: None })
                })
                .collect();
            if let Some(parts) = parts {
                return Ok(parts);
            }
        }
        let exact = self.exact.then_some(1);
        let one =
            |row| Execution { sql, statement: statement.clone(), params: Params::Row(row), exact };
        Ok(self.rows.iter().map(|row| one(row.as_slice())).collect())
    }
}

impl Execution<'_> {
    /// Returns how many rows it changed.
    pub(super) async fn run(&self, client: &ClientWrapper) -> Result<u64> {
        let done = match &self.params {
            Params::Row(row) => client.execute_raw(&self.statement, *row).await,
            Params::Columns(columns) => {
                let columns = columns.iter().map(|column| &**column as &(dyn ToSql + Sync));
                client.execute_raw(&self.statement, columns).await
            }
        };
        let changed = done.map_err(|error| failure(client, self.sql, &error))?;
        match self.exact {
            Some(exact) if changed != exact => Err(Error::Internal(format!(
                "changed {changed} rows instead of {exact}: {}",
                self.sql
            ))),
            _ => Ok(changed),
        }
    }
}

/// The values of many rows for one parameter; `None` when they don't fit into an array.
fn column<'a>(
    rows: &'a [Vec<Value>],
    at: usize,
    ty: &Type,
) -> Option<Box<dyn ToSql + Sync + Send + 'a>> {
    if *ty == Type::INT8 {
        let values = rows.iter().map(|row| match row.get(at)? {
            Value::Null => Some(None),
            Value::Int(value) => Some(Some(*value)),
            _ => None,
        });
        return Some(Box::new(values.collect::<Option<Vec<Option<i64>>>>()?));
    }
    let values = rows.iter().map(|row| match row.get(at)? {
        Value::Null => Some(None),
        Value::Text(value) => Some(Some(value.as_str())),
        _ => None,
    });
    Some(Box::new(values.collect::<Option<Vec<Option<&str>>>>()?))
}

/// `INSERT … VALUES ($1, f($2))` for many rows, each parameter an array with a value a row; `None`
/// when it can't be said so.
fn many(sql: &str, types: &[Type]) -> Option<String> {
    let mut arrays = Vec::with_capacity(types.len());
    for (at, ty) in types.iter().enumerate() {
        let name = match *ty {
            Type::INT8 => "bigint",
            Type::TEXT => "text",
            _ => return None,
        };
        arrays.push(format!("${}::{name}[]", at + 1));
    }
    let (head, tail) = sql.split_once("VALUES (")?;
    let mut depth = 1_u32;
    let end = tail.find(|sign: char| {
        depth = match sign {
            '(' => depth + 1,
            ')' => depth - 1,
            _ => depth,
        };
        depth == 0
    })?;
    let (row, rest) = (&tail[..end], &tail[end + 1..]);
    if row.contains('\'') || rest.contains('$') || types.is_empty() {
        return None;
    }
    let names: Vec<String> = (1..=types.len()).map(|at| format!("c{at}")).collect();
    Some(format!(
        "{head}SELECT {} FROM unnest({}) AS u({}){rest}",
        row.replace('$', "u.c"),
        arrays.join(", "),
        names.join(", ")
    ))
}

/// A question, and its answer when it has come.
pub(super) struct Asked {
    pub(super) sql: String,
    pub(super) params: Vec<Value>,
    tables: Vec<String>,
    pub(super) rows: Option<Vec<Row>>,
}

impl Asked {
    pub(super) fn new(sql: &str, params: &[Value]) -> Asked {
        Asked { sql: sql.to_owned(), params: params.to_vec(), tables: tables(sql), rows: None }
    }

    pub(super) fn is(&self, sql: &str, params: &[Value]) -> bool {
        self.sql == sql && self.params == params
    }

    pub(super) fn reads(&self, written: &[String]) -> bool {
        self.tables.iter().any(|table| written.contains(table))
    }
}

/// The tables that a statement names.
pub(super) fn tables(sql: &str) -> Vec<String> {
    let words: Vec<String> = sql
        .split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let named = words
        .windows(2)
        .filter(|pair| matches!(pair[0].as_str(), "from" | "join" | "into" | "update"));
    named.map(|pair| pair[1].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Queue, Type, many, tables};

    #[test]
    fn an_insert_takes_many_rows() {
        let sql =
            "INSERT INTO t (a, b, c) VALUES ($1, greatest($2, now()), $12) ON CONFLICT DO NOTHING";
        let mut types = vec![Type::INT8, Type::TEXT];
        assert_eq!(
            many("INSERT INTO t (a, b) VALUES ($1, f(g($2), 1))", &types).unwrap(),
            "INSERT INTO t (a, b) SELECT u.c1, f(g(u.c2), 1) \
             FROM unnest($1::bigint[], $2::text[]) AS u(c1, c2)"
        );
        types.resize(12, Type::TEXT);
        let text = many(sql, &types).unwrap();
        assert!(text.contains("SELECT u.c1, greatest(u.c2, now()), u.c12 FROM unnest("), "{text}");
        assert!(text.ends_with(" ON CONFLICT DO NOTHING"), "{text}");
        assert_eq!(many("UPDATE t SET a = $1", &types), None);
        assert_eq!(many("INSERT INTO t (a) VALUES ('$1')", &types), None);
        assert_eq!(many("INSERT INTO t (a) VALUES ($1)", &[Type::BOOL]), None);
    }

    #[test]
    fn only_plain_inserts_pass_by_others() {
        let order = |texts: &[&str]| {
            let mut queue = Queue::default();
            texts.iter().for_each(|sql| queue.push(sql, vec![Vec::new()], false));
            let batches = queue.batches().into_iter();
            batches.map(|batch| format!("{} {}", batch.rows.len(), batch.sql)).collect::<Vec<_>>()
        };
        let (a, b, update) = ("INSERT INTO a", "INSERT INTO b", "UPDATE a");
        assert_eq!(order(&[a, b, a, b]), ["2 INSERT INTO a", "2 INSERT INTO b"]);
        assert_eq!(
            order(&[a, update, update, a, b, a, update]),
            ["1 INSERT INTO a", "2 UPDATE a", "2 INSERT INTO a", "1 INSERT INTO b", "1 UPDATE a"]
        );
    }

    #[test]
    fn a_statement_names_its_tables() {
        assert_eq!(tables("SELECT 1 FROM a JOIN \"b\" ON true"), ["a", "b"]);
        assert_eq!(tables("INSERT INTO a (x) VALUES ($1)"), ["a"]);
        assert_eq!(tables("update b set from_ = 1"), ["b"]);
    }
}
