//! Where sealed secrets are kept, for sealing them again under another key: documents, the history
//! of documents, and columns of their own. What is inside is none of this crate's business.

use aureole_catalogue::Entity;

use crate::db::{Read, Result, Tx, Value};

/// A place that holds sealed text.
#[derive(Clone, Copy)]
pub enum Store {
    /// The documents of a kind of record.
    Documents(&'static Entity),
    /// The documents before each change.
    History,
    /// A column that is a sealed text or none.
    Column(Column),
}

/// A column of sealed texts.
#[derive(Clone, Copy)]
pub struct Column {
    pub table: &'static str,
    /// The rows belong to tenants: the table has a `tenant_id`.
    pub by_tenant: bool,
    /// What else is the primary key.
    pub id: &'static str,
    pub column: &'static str,
}

/// Every [`Column`].
pub const COLUMNS: &[Column] =
    &[Column { table: "signing_key", by_tenant: false, id: "kid", column: "private_pem" }];

/// One row that may hold sealed text.
#[derive(Clone, Debug)]
pub struct Held {
    pub tenant_id: i64,
    /// Of the row; of the change in the history.
    pub id: String,
    /// The kind of record, for the history.
    pub entity: String,
    /// The record's id, for documents and the history.
    pub record_id: i64,
    pub text: String,
}

/// The next rows after `after`, in the order of the primary key, of which some text begins with
/// `needle` inside.
pub async fn next(
    reader: &mut impl Read,
    store: Store,
    needle: &str,
    after: Option<&Held>,
    limit: i64,
) -> Result<Vec<Held>> {
    let pattern = Value::from(format!("%{needle}%"));
    let (tenant, id) = after.map_or((-1, ""), |held| (held.tenant_id, held.id.as_str()));
    let (number, text) = (Value::Int(id.parse().unwrap_or(-1)), Value::from(id));
    let (sql, id) = match store {
        Store::Documents(entity) => (
            format!(
                "SELECT tenant_id, id, '', id, doc FROM {} WHERE (tenant_id, id) > ($1, $2) \
                 AND doc LIKE $3 ORDER BY tenant_id, id LIMIT $4",
                entity.table
            ),
            number,
        ),
        Store::History => (
            "SELECT tenant_id, seq, entity, record_id, before_doc FROM change \
             WHERE (tenant_id, seq) > ($1, $2) AND before_doc LIKE $3 \
             ORDER BY tenant_id, seq LIMIT $4"
                .to_owned(),
            number,
        ),
        Store::Column(Column { table, by_tenant, id, column }) => {
            let tenant = if by_tenant { "tenant_id" } else { "CAST(0 AS BIGINT)" };
            let is_text = if by_tenant { number } else { text };
            (
                format!(
                    "SELECT {tenant}, {id}, '', CAST(0 AS BIGINT), {column} FROM {table} \
                     WHERE ({tenant}, {id}) > ($1, $2) AND {column} LIKE $3 \
                     ORDER BY {tenant}, {id} LIMIT $4"
                ),
                is_text,
            )
        }
    };
    let rows = reader.query(&sql, &[tenant.into(), id, pattern, limit.into()]).await?;
    let numeric = !matches!(store, Store::Column(Column { by_tenant: false, .. }));
    Ok(rows
        .into_iter()
        .map(|mut row| Held {
            tenant_id: row.int(0),
            id: if numeric { row.int(1).to_string() } else { row.take_text(1) },
            entity: row.take_text(2),
            record_id: row.int(3),
            text: row.take_text(4),
        })
        .collect())
}

/// Puts a text in place of a held one, unless somebody has written it since; true when it did.
pub async fn replace(tx: &mut Tx, store: Store, held: &Held, text: &str) -> Result<bool> {
    let number = Value::Int(held.id.parse().unwrap_or(-1));
    let (table, id, column, by_tenant, id_value) = match store {
        Store::Documents(entity) => (entity.table, "id", "doc", true, number),
        Store::History => ("change", "seq", "before_doc", true, number),
        Store::Column(Column { table, by_tenant, id, column }) => {
            let value = if by_tenant { number } else { Value::from(held.id.as_str()) };
            (table, id, column, by_tenant, value)
        }
    };
    let tenant = if by_tenant { "tenant_id" } else { "CAST(0 AS BIGINT)" };
    let sql = format!(
        "UPDATE {table} SET {column} = $4 WHERE {tenant} = $1 AND {id} = $2 AND {column} = $3"
    );
    let params = [held.tenant_id.into(), id_value, held.text.as_str().into(), text.into()];
    Ok(tx.execute(&sql, &params).await? == 1)
}
