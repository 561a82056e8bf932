//! Parts of many records, for what is kept of them in memory.

use aureole_catalogue::Entity;

use crate::db::{Db, Result, Value};
use crate::sql::NAME_KEY;

/// One column of what [`each_part`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The folded name.
    NameKey,
    /// What a search looks into; empty for a kind that has no such text.
    SearchKey,
    /// What the owner is found by; empty for a kind that has no such text.
    ContactKey,
    /// Milliseconds since 1970.
    UpdatedAt,
    /// A field that is a column, by its position.
    Column(usize),
    Doc,
}

impl Part {
    fn sql(self, entity: &'static Entity) -> String {
        match self {
            Part::NameKey => format!("r.{NAME_KEY}"),
            Part::SearchKey if entity.search.is_empty() => "''".to_owned(),
            Part::SearchKey => "r.search_key".to_owned(),
            Part::ContactKey if entity.contact.is_empty() => "''".to_owned(),
            Part::ContactKey => "r.contact_key".to_owned(),
            Part::UpdatedAt => "r.updated_at".to_owned(),
            Part::Column(position) => match entity.schema.fields.get(position) {
                Some(field) => format!("r.\"{}\"", field.name),
                None => "NULL".to_owned(),
            },
            Part::Doc => "r.doc".to_owned(),
        }
    }
}

/// Hands over the id and the parts of every record, or of those with these ids, in no order.
pub async fn each_part(
    db: &Db,
    tenant: i64,
    entity: &'static Entity,
    parts: &[Part],
    ids: Option<&[i64]>,
    each: &mut (dyn FnMut(crate::Row) + Send),
) -> Result<()> {
    let mut columns = "r.id".to_owned();
    for part in parts {
        columns.push_str(", ");
        columns.push_str(&part.sql(entity));
    }
    let mut params = vec![Value::Int(tenant)];
    let sql = match ids {
        None => format!("SELECT {columns} FROM {} r WHERE r.tenant_id = $1", entity.table),
        Some(ids) => {
            params.push(Value::ids(ids));
            // Otherwise SQLite would walk an index that has all the columns.
            let (from, condition) = db.dialect().records(entity.table, true);
            format!("SELECT {columns} {from}{condition}")
        }
    };
    db.query_each(&sql, &params, each).await
}
