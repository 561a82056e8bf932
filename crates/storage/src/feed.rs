//! The change feed: every change of a tenant once, in an order that never changes afterwards.
//!
//! A reader remembers the position of the last change that it got, and asks for what comes after.
//! That is right only if nothing can appear below a position that somebody has read. On SQLite the
//! one writer numbers the changes, so their numbers do. On PostgreSQL neither numbers (nodes take
//! them in blocks) nor transaction ids (who got one early may commit late) do. So a change gets its
//! position after its commit: [`place`] numbers what is visible and has none, one caller at a time
//! for a tenant. Writers don't take part in it and never wait for it.
//!
//! Changes of one record keep their order: a writer holds the record's lock until it commits, so who
//! sees a change sees every earlier one of the record too; they are placed by the same call or an
//! earlier one, and within a call `moment` orders them.

use crate::changes::{COLUMNS, COUNTER, Plain, plain};
use crate::db::{Db, Read, Result};
use crate::dialect::Dialect;

/// One change and its place.
#[derive(Clone, Debug)]
pub struct Row {
    pub position: i64,
    pub entry: Plain,
}

/// What of a tenant's feed there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Changes up to here may have expired.
    pub floor: i64,
    /// The newest change that has a place, expired or not.
    pub last: i64,
}

/// Gives a place to changes that were committed and have none, at most `most` of them; returns how
/// many. When it is fewer than `most`, everything that was committed before the call has one.
pub async fn place(db: &Db, tenant: i64, most: i64) -> Result<i64> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(0);
    }
    let waiting = "SELECT 1 FROM change WHERE tenant_id = $1 AND feed_position = 0 LIMIT 1";
    if db.query(waiting, &[tenant.into()]).await?.is_empty() {
        return Ok(0);
    }
    let mut tx = db.begin().await?;
    let begin = "INSERT INTO feed (tenant_id, last_position, floor) VALUES ($1, 0, 0) \
                 ON CONFLICT (tenant_id) DO NOTHING";
    tx.execute(begin, &[tenant.into()]).await?;
    // The planner would read the whole table to place some thousand changes, and sort or hash it;
    // each has its place in the primary key.
    let lock = "SELECT last_position, set_config('enable_hashjoin', 'off', TRUE), \
                set_config('enable_mergejoin', 'off', TRUE) \
                FROM feed WHERE tenant_id = $1 FOR UPDATE";
    let rows = tx.query(lock, &[tenant.into()]).await?;
    let last = rows.first().map_or(0, |row| row.int(0));
    // A statement of its own: its view is younger than the lock, so that it sees what the holder
    // before placed.
    let place = "WITH waiting AS (SELECT seq, row_number() OVER (ORDER BY moment, seq) AS number \
                 FROM (SELECT seq, moment FROM change WHERE tenant_id = $1 AND feed_position = 0 \
                 ORDER BY moment, seq LIMIT $2) w), \
                 placed AS (UPDATE change c SET feed_position = $3 + w.number FROM waiting w \
                 WHERE c.tenant_id = $1 AND c.seq = w.seq RETURNING w.number) \
                 SELECT coalesce(max(number), 0) FROM placed";
    let rows = tx.query(place, &[tenant.into(), most.into(), last.into()]).await?;
    let placed = rows.first().map_or(0, |row| row.int(0));
    if placed > 0 {
        let sql = "UPDATE feed SET last_position = $2 WHERE tenant_id = $1";
        tx.execute(sql, &[tenant.into(), (last + placed).into()]).await?;
    }
    tx.commit().await?;
    Ok(placed)
}

/// The SELECT of a tenant's `last` and `floor`; parameter `$1` is the tenant. On SQLite the counter
/// of changes outlives them.
fn ends_sql(dialect: Dialect) -> String {
    let last = match dialect {
        Dialect::Postgres => "SELECT last_position FROM feed WHERE tenant_id = $1".to_owned(),
        Dialect::Sqlite => format!(
            "SELECT next_id - 1 FROM id_counters WHERE tenant_id = $1 AND entity = '{COUNTER}'"
        ),
    };
    format!(
        "SELECT coalesce(({last}), 0) AS newest, \
         coalesce((SELECT floor FROM feed WHERE tenant_id = $1), 0) AS oldest"
    )
}

/// The ends of a tenant's feed.
pub async fn ends(reader: &mut impl Read, tenant: i64) -> Result<Ends> {
    let rows = reader.query(&ends_sql(reader.dialect()), &[tenant.into()]).await?;
    Ok(rows.first().map_or(Ends::default(), |row| Ends { last: row.int(0), floor: row.int(1) }))
}

/// The changes after a position, in order, at most `limit`, and the ends of the feed as they were
/// at that moment. `kinds` are the names of the kinds of record that are wanted; `None` is all.
pub async fn after(
    reader: &mut impl Read,
    tenant: i64,
    position: i64,
    kinds: Option<&[&'static str]>,
    limit: i64,
) -> Result<(Ends, Vec<Row>)> {
    let column = reader.dialect().feed_position();
    let kinds = kinds.map_or(String::new(), |kinds| {
        let names: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
        format!(" AND entity IN ({})", names.join(", "))
    });
    // One statement has one view of the database: nothing is missing below its `newest`. The third
    // condition is the partial index's own.
    let sql = format!(
        "SELECT e.newest, e.oldest, c.* FROM ({}) e LEFT JOIN \
         (SELECT {column} AS place, {COLUMNS} FROM change WHERE tenant_id = $1 \
         AND {column} > $2 AND {column} > 0{kinds} ORDER BY {column} LIMIT $3) c ON 1 = 1 \
         ORDER BY c.place",
        ends_sql(reader.dialect())
    );
    let rows = reader.query(&sql, &[tenant.into(), position.into(), limit.into()]).await?;
    let ends =
        rows.first().map_or(Ends::default(), |row| Ends { last: row.int(0), floor: row.int(1) });
    let found = rows.iter().filter(|row| !row.is_null(2));
    Ok((ends, found.map(|row| Row { position: row.int(2), entry: plain(row, 3) }).collect()))
}

/// The client of a record's newest change; 0 when it never had one.
pub async fn last_client(
    reader: &mut impl Read,
    tenant: i64,
    entity: &str,
    record_id: i64,
) -> Result<i64> {
    let sql = format!(
        "SELECT client_id FROM change WHERE tenant_id = $1 AND entity = $2 AND record_id = $3 \
         ORDER BY {} LIMIT 1",
        reader.dialect().newest_first()
    );
    let rows = reader.query(&sql, &[tenant.into(), entity.into(), record_id.into()]).await?;
    Ok(rows.first().map_or(0, |row| row.int(0)))
}
