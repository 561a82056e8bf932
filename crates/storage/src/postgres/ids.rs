//! Ids from blocks that this process has reserved.
//!
//! A counter updated inside the writing transactions would make them wait for each other's commit.
//! So the counter moves on by a block at a time, in a statement of its own, and the ids of the
//! block are handed out from memory. What is left of a block when the process ends is a gap.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as AsyncMutex;

use super::Postgres;
use crate::db::{RESERVE_IDS, Result, Value};

pub(super) struct IdBlocks {
    size: i64,
    blocks: Mutex<HashMap<Counter, Arc<AsyncMutex<Block>>>>,
}

/// Tenant and entity.
type Counter = (i64, Box<str>);

/// The ids from `next` up to and without `end` are ours.
#[derive(Default)]
struct Block {
    next: i64,
    end: i64,
    /// When it was known last that no node had reserved later ids.
    newest: Option<Instant>,
}

/// How long a block gives out ids in the order of time without a look at the counter.
const IN_ORDER: Duration = Duration::from_secs(1);

impl IdBlocks {
    pub(super) fn new(size: i64) -> Self {
        Self { size: size.max(1), blocks: Mutex::default() }
    }

    /// The first of `count` consecutive ids. Asked for in one process, they always grow.
    pub(super) async fn reserve(
        &self,
        db: &Postgres,
        tenant: i64,
        entity: &str,
        count: i64,
    ) -> Result<i64> {
        let block = self.block(tenant, entity);
        let mut block = block.lock().await;
        self.take(&mut block, db, tenant, entity, count).await
    }

    /// The same, above `floor` and in the order of time: a block that was reserved long ago, on a
    /// node that had little to write, is left when another node has reserved since.
    pub(super) async fn reserve_above(
        &self,
        db: &Postgres,
        tenant: i64,
        entity: &str,
        count: i64,
        floor: i64,
    ) -> Result<i64> {
        let block = self.block(tenant, entity);
        let mut block = block.lock().await;
        if block.next < block.end && block.newest.is_none_or(|at| at.elapsed() > IN_ORDER) {
            let sql = "SELECT next_id FROM id_counters WHERE tenant_id = $1 AND entity = $2";
            let params = [Value::Int(tenant), Value::from(entity)];
            let rows = db.query(tenant, sql, &params).await?;
            match rows.first().map(|row| row.int(0)) {
                Some(next) if next == block.end => block.newest = Some(Instant::now()),
                _ => *block = Block::default(),
            }
        }
        if block.next <= floor {
            *block = Block::default();
        }
        self.take(&mut block, db, tenant, entity, count).await
    }

    async fn take(
        &self,
        block: &mut Block,
        db: &Postgres,
        tenant: i64,
        entity: &str,
        count: i64,
    ) -> Result<i64> {
        if block.end - block.next < count {
            let size = count.max(self.size);
            let params = [Value::Int(tenant), Value::from(entity), Value::Int(size)];
            let rows = db.query(tenant, RESERVE_IDS, &params).await?;
            let first = rows.first().map_or(0, |row| row.int(0));
            // When nobody else reserved in between, the rest of the old block continues in the new.
            if first != block.end {
                block.next = first;
            }
            block.end = first + size;
            block.newest = Some(Instant::now());
        }
        let first = block.next;
        block.next += count;
        Ok(first)
    }

    fn block(&self, tenant: i64, entity: &str) -> Arc<AsyncMutex<Block>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(blocks.entry((tenant, entity.into())).or_default())
    }
}
