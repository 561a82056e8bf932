//! One read-only transaction that sees a single state.

use futures_util::stream::TryStreamExt;
use std::sync::atomic::Ordering;

use super::{Lease, Postgres, failure, read, wall};
use crate::db::{Result, Row, Value};

const BEGIN: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0";

pub(crate) struct Snapshot {
    lease: Lease,
}

impl Postgres {
    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        let lease = self.lease(0).await?;
        let client = lease.client()?;
        let sql = format!("{BEGIN}; {}", wall::tell("LOCAL", 0));
        client.batch_execute(&sql).await.map_err(|error| failure(client, &sql, &error))?;
        lease.begun.store(true, Ordering::Relaxed);
        Ok(Snapshot { lease })
    }
}

impl Snapshot {
    pub(crate) async fn each(
        &mut self,
        sql: &str,
        each: &mut (dyn FnMut(Row) + Send),
    ) -> Result<()> {
        let client = self.lease.client()?;
        let fail = |error| failure(client, sql, &error);
        self.lease.busy.store(true, Ordering::Relaxed);
        let no_params: &[Value] = &[];
        let stream = client.query_raw(sql, no_params).await.map_err(fail)?;
        let mut stream = std::pin::pin!(stream);
        while let Some(row) = stream.try_next().await.map_err(fail)? {
            each(read(&row).map_err(fail)?);
        }
        self.lease.busy.store(false, Ordering::Relaxed);
        Ok(())
    }
}
