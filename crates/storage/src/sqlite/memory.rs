//! What the one writer knows of the database without asking: the counters of ids, and the answers
//! of questions about tables that hardly ever change.
//!
//! It holds as long as no other connection commits, which `PRAGMA data_version` tells at the start
//! of every outer transaction. Counters are written once, right before the COMMIT of a batch, and
//! a request that is undone gives back the ids that it had reserved: the database after a COMMIT is
//! the same as if each request had moved its counters itself.

use std::collections::HashMap;

use super::link::Link;
use crate::db::{RESERVE_IDS, Result, Row, Value};
use crate::settled::{self, Answers};

/// What a statement means for the memory. Found out once for each text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concern {
    None,
    /// Reads settled tables and no other.
    Settled,
    /// May change settled tables.
    Unsettles,
    /// Reads or writes the counters itself.
    Counters,
    /// Undoes a part of the request.
    Rollback,
}

impl Concern {
    pub(super) fn of(sql: &str) -> Concern {
        let words = settled::words(sql);
        let is = |word: &&str, name: &str| word.eq_ignore_ascii_case(name);
        if words.iter().any(|word| is(word, "id_counters")) {
            return Concern::Counters;
        }
        let first = words.first().copied().unwrap_or_default().to_ascii_uppercase();
        let mentions = || settled::mentions(&words);
        match first.as_str() {
            "SELECT" if settled::is_question(&words) => Concern::Settled,
            "SELECT" => Concern::None,
            "INSERT" | "UPDATE" | "DELETE" if !mentions() => Concern::None,
            "SAVEPOINT" | "RELEASE" => Concern::None,
            "ROLLBACK" => Concern::Rollback,
            _ => Concern::Unsettles,
        }
    }
}

#[derive(Default)]
pub(super) struct Memory {
    /// `PRAGMA data_version` when it was right last.
    version: Option<i64>,
    counters: HashMap<(i64, Box<str>), Counter>,
    /// The counters that the request under way has moved, as they were before.
    moved: Vec<((i64, Box<str>), i64)>,
    /// The request under way works on the table of the counters itself.
    by_hand: bool,
    answers: Answers,
    /// The request under way may have changed settled tables.
    unsettled: bool,
}

struct Counter {
    next: i64,
    /// What the database has.
    stored: i64,
}

impl Memory {
    /// At the start of an outer transaction: forgets everything when somebody else has written.
    /// Returns whether it still holds.
    pub(super) fn check(&mut self, link: &Link) -> Result<bool> {
        let version = Some(link.data_version()?);
        let holds = self.version == version;
        if !holds {
            self.clear();
            self.version = version;
        }
        Ok(holds)
    }

    /// Nothing of it is certain any more.
    pub(super) fn clear(&mut self) {
        *self = Memory::default();
    }

    /// The first of `count` ids.
    pub(super) fn reserve(
        &mut self,
        link: &mut Link,
        tenant: i64,
        entity: &str,
        count: i64,
    ) -> Result<i64> {
        if self.by_hand {
            let params = [Value::Int(tenant), Value::from(entity), Value::Int(count)];
            let rows = link.query(RESERVE_IDS, &params)?;
            return Ok(rows.first().map_or(0, |row| row.int(0)));
        }
        let key = (tenant, entity.into());
        let counter = match self.counters.get_mut(&key) {
            Some(counter) => counter,
            None => {
                let sql = "SELECT next_id FROM id_counters WHERE tenant_id = $1 AND entity = $2";
                let rows = link.query(sql, &[Value::Int(tenant), Value::from(entity)])?;
                let next = rows.first().map_or(1, |row| row.int(0));
                self.counters.entry(key.clone()).or_insert(Counter { next, stored: next })
            }
        };
        let first = counter.next;
        counter.next += count;
        if !self.moved.iter().any(|(moved, _)| *moved == key) {
            self.moved.push((key, first));
        }
        Ok(first)
    }

    /// Writes the counters that have moved: before a COMMIT, or before the request itself works on
    /// their table.
    pub(super) fn write_counters(&self, link: &mut Link) -> Result<()> {
        let sql = "INSERT INTO id_counters (tenant_id, entity, next_id) VALUES ($1, $2, $3) \
            ON CONFLICT (tenant_id, entity) \
            DO UPDATE SET next_id = max(id_counters.next_id, excluded.next_id)";
        let rows: Vec<[Value; 3]> = self
            .counters
            .iter()
            .filter(|(_, counter)| counter.next != counter.stored)
            .map(|((tenant, entity), counter)| {
                [Value::Int(*tenant), Value::from(&**entity), Value::Int(counter.next)]
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        link.execute_many(sql, rows.iter().map(<[Value; 3]>::as_slice)).map(drop)
    }

    /// Before a statement of the request.
    pub(super) fn before(&mut self, link: &mut Link, concern: Concern) -> Result<()> {
        match concern {
            Concern::Counters if !self.by_hand => {
                self.write_counters(link)?;
                self.by_hand = true;
            }
            Concern::Unsettles => {
                self.unsettled = true;
                self.answers.clear();
            }
            _ => {}
        }
        Ok(())
    }

    /// After a part of the request was undone, and perhaps the counters with it.
    pub(super) fn after_rollback(&self, link: &mut Link) -> Result<()> {
        if self.by_hand { self.write_counters(link) } else { Ok(()) }
    }

    /// The rows that a statement about settled tables gave before.
    pub(super) fn answer(&self, sql: &str, params: &[Value]) -> Option<Vec<Row>> {
        if self.unsettled { None } else { self.answers.get(sql, params) }
    }

    pub(super) fn keep_answer(&mut self, sql: &str, params: &[Value], rows: &[Row]) {
        if !self.unsettled {
            self.answers.keep(sql, params, rows);
        }
    }

    /// The request is part of the batch from now on.
    pub(super) fn released(&mut self) {
        self.moved.clear();
        self.unsettled = false;
        if std::mem::take(&mut self.by_hand) {
            // Everything that was known is in the table, and perhaps more.
            self.counters.clear();
        }
    }

    /// The request left no trace.
    pub(super) fn undone(&mut self) {
        for (key, before) in self.moved.drain(..) {
            if let Some(counter) = self.counters.get_mut(&key) {
                counter.next = before;
            }
        }
        self.by_hand = false;
        self.unsettled = false;
    }

    /// The batch is durable, its counters with it.
    pub(super) fn committed(&mut self) {
        for counter in self.counters.values_mut() {
            counter.stored = counter.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Concern;

    #[test]
    fn a_statement_concerns_what_it_touches() {
        let of = Concern::of;
        assert_eq!(of("SELECT name FROM tenant_settings WHERE tenant_id = $1"), Concern::Settled);
        assert_eq!(
            of("SELECT id FROM site_field UNION SELECT id FROM top_level"),
            Concern::Settled
        );
        assert_eq!(of("SELECT r.id FROM top_level r JOIN client c ON true"), Concern::None);
        assert_eq!(of("SELECT id, (SELECT 1 FROM client) FROM top_level"), Concern::None);
        assert_eq!(of("SELECT top_level FROM client"), Concern::None);
        assert_eq!(of("SELECT 1"), Concern::None);
        assert_eq!(of("INSERT INTO client (id) VALUES ($1)"), Concern::None);
        assert_eq!(of("UPDATE tenant_settings SET value = $1"), Concern::Unsettles);
        assert_eq!(of("DELETE FROM \"field_info\""), Concern::Unsettles);
        assert_eq!(of("CREATE TABLE x (id BIGINT)"), Concern::Unsettles);
        assert_eq!(of("WITH a AS (SELECT 1) DELETE FROM client"), Concern::Unsettles);
        assert_eq!(of("SELECT next_id FROM id_counters"), Concern::Counters);
        assert_eq!(of("ROLLBACK TO SAVEPOINT part"), Concern::Rollback);
        assert_eq!(of("SAVEPOINT part"), Concern::None);
    }
}
