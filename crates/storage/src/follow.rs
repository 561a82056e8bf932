//! Following the changes of a tenant in the order in which they become visible.
//!
//! On SQLite one writer at a time takes the change numbers, so their order is that of the commits.
//! On PostgreSQL a transaction with a smaller number may commit after one with a larger, so a
//! follower keeps a [`Cursor`] made of the snapshot that it read: next time it asks for what that
//! snapshot could not see, which is exactly what was committed since.

use std::borrow::Cow;

use crate::changes::Operation;
use crate::db::{Db, Result, Value};
use crate::dialect::Dialect;

/// What a follower has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// SQLite: every change up to this number.
    Seq(i64),
    /// PostgreSQL: the changes of every transaction before `end`, except those of the `running`.
    Snapshot { end: i64, running: Vec<i64> },
}

/// One written record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of the change.
    pub seq: i64,
    /// The name of the kind of record.
    pub entity: Cow<'static, str>,
    pub record_id: i64,
    /// The client that the record belongs to; 0 when it belongs to none.
    pub client_id: i64,
    /// The record did not exist before, under this id.
    pub is_new: bool,
}

/// The place behind everything that is committed now.
pub async fn newest(db: &Db, tenant: i64) -> Result<Cursor> {
    match db.dialect() {
        Dialect::Sqlite => {
            let sql = "SELECT seq FROM change WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1";
            let rows = db.query(sql, &[tenant.into()]).await?;
            Ok(Cursor::Seq(rows.first().map_or(0, |row| row.int(0))))
        }
        Dialect::Postgres => {
            // The snapshot is the whole server's; no tenant has one of its own.
            let rows = db.query("SELECT pg_current_snapshot()::text", &[]).await?;
            Ok(snapshot(rows.first().map_or("", |row| row.text(0))))
        }
    }
}

/// What was committed between `cursor` and now, at most `limit` changes; `None` when there are
/// more, and the follower has to begin anew from [`newest`].
pub async fn after(
    db: &Db,
    tenant: i64,
    cursor: &Cursor,
    limit: usize,
) -> Result<Option<(Vec<Step>, Cursor)>> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let (steps, cursor) = match cursor {
        Cursor::Seq(seq) => {
            let sql = "SELECT seq, entity, record_id, client_id, operation FROM change \
                       WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
            let rows = db.query(sql, &[tenant.into(), (*seq).into(), most.into()]).await?;
            let steps: Vec<Step> = rows.iter().map(|row| step(row, 0)).collect();
            let last = steps.last().map_or(*seq, |step| step.seq);
            (steps, Cursor::Seq(last))
        }
        Cursor::Snapshot { end, running } => {
            let running = asked(running);
            let params = [tenant.into(), (*end).into(), Value::ids(&running), most.into()];
            let rows = db.query(SINCE_SNAPSHOT, &params).await?;
            let seen = snapshot(rows.first().map_or("", |row| row.text(0)));
            let found = rows.iter().filter(|row| !row.is_null(1));
            (found.map(|row| step(row, 1)).collect(), seen)
        }
    };
    Ok((steps.len() <= limit).then_some((steps, cursor)))
}

/// One statement has one snapshot: what it returns and the cursor that it returns fit together.
/// The two parts are two ranges of the index `change_commit`. Numbers of transactions that this
/// server has not reached yet come from a dump of another one and are history.
const SINCE_SNAPSHOT: &str = "\
    SELECT s.seen, c.seq, c.entity, c.record_id, c.client_id, c.operation FROM \
    (SELECT pg_current_snapshot()::text AS seen, \
     pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS ends) s LEFT JOIN \
    ((SELECT seq, commit_order, entity, record_id, client_id, operation FROM change \
      WHERE tenant_id = $1 AND commit_order >= $2 \
      AND commit_order < pg_snapshot_xmax(pg_current_snapshot())::text::bigint \
      ORDER BY commit_order, seq LIMIT $4) \
     UNION ALL \
     (SELECT seq, commit_order, entity, record_id, client_id, operation FROM change \
      WHERE tenant_id = $1 AND commit_order = ANY($3::bigint[]) LIMIT $4)) c ON TRUE \
    ORDER BY c.commit_order, c.seq";

/// The transactions to ask for, never none: PostgreSQL takes a condition on an empty list to imply
/// every other, and so believes that any partial index holds what is asked for. It then walks through
/// `change_feed` from end to end, as long as its statistics say that this index is small.
fn asked(running: &[i64]) -> Vec<i64> {
    const NOBODY: i64 = -1;
    if running.is_empty() { vec![NOBODY] } else { running.to_vec() }
}

fn step(row: &crate::Row, from: usize) -> Step {
    Step {
        seq: row.int(from),
        entity: row.text(from + 1).to_owned().into(),
        record_id: row.int(from + 2),
        client_id: row.int(from + 3),
        is_new: row.text(from + 4) == Operation::Created.name(),
    }
}

/// Reads PostgreSQL's `xmin:xmax:xip,xip,…`.
fn snapshot(text: &str) -> Cursor {
    let mut parts = text.split(':').skip(1);
    let number = |text: &str| text.parse::<i64>().ok();
    let end = parts.next().and_then(number).unwrap_or(0);
    let running = parts.next().unwrap_or("").split(',').filter_map(number).collect();
    Cursor::Snapshot { end, running }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, asked, snapshot};

    #[test]
    fn an_empty_list_is_never_asked_for() {
        assert_eq!(asked(&[]), [-1]);
        assert_eq!(asked(&[7, 9]), [7, 9]);
    }

    #[test]
    fn a_snapshot_is_its_end_and_what_runs() {
        let cursor = |end, running: &[i64]| Cursor::Snapshot { end, running: running.to_vec() };
        assert_eq!(snapshot("10:20:10,14,15"), cursor(20, &[10, 14, 15]));
        assert_eq!(snapshot("20:20:"), cursor(20, &[]));
    }
}
