//! Every difference between the two databases, each a named function.
//!
//! `n` is the number of a parameter: 3 for `$3`.

/// Which of the two databases runs the SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The name as it stands in the file names of migrations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// `expr` is one of the ids in the [`crate::Value::Ids`] parameter `n`.
    pub fn in_ids(self, expr: &str, n: usize) -> String {
        match self {
            Self::Sqlite => format!("{expr} IN (SELECT value FROM json_each(${n}))"),
            Self::Postgres => format!("{expr} = ANY(${n}::bigint[])"),
        }
    }

    /// `expr`, a text key, is one of the texts in parameter `n`, a JSON array.
    pub fn in_texts(self, expr: &str, n: usize) -> String {
        match self {
            Self::Sqlite => format!("{expr} IN (SELECT value FROM json_each(${n}))"),
            Self::Postgres => format!(
                "{expr} = ANY(ARRAY(SELECT jsonb_array_elements_text(${n}::jsonb) COLLATE \"C\"))"
            ),
        }
    }

    /// `expr` contains the text of parameter `n`, byte for byte; `%` and `_` mean themselves.
    pub fn contains(self, expr: &str, n: usize) -> String {
        match self {
            Self::Sqlite => format!("instr({expr}, ${n}) > 0"),
            Self::Postgres => format!("strpos({expr}, ${n}) > 0"),
        }
    }

    /// The record `r` of a table whose tenant is parameter 1 and whose id is parameter 2, or is one of
    /// its [`crate::Value::Ids`]: what stands before and after the joins of [`Dialect::probe`].
    /// SQLite prepares a statement anew for each execution when a parameter is compared directly
    /// with a column that outer joins depend on; one step in between spares that.
    pub fn records(self, table: &str, several: bool) -> (String, String) {
        let condition = match (self, several) {
            (Self::Sqlite, false) => {
                let given = "(SELECT $1 AS tenant, $2 AS id) g";
                let found = format!("{table} r ON r.tenant_id = g.tenant AND r.id = g.id");
                return (format!("FROM {given} CROSS JOIN {found}"), String::new());
            }
            (Self::Sqlite, true) => {
                let given = "(SELECT $1 AS tenant) g CROSS JOIN json_each($2) j";
                let found = format!("{table} r ON r.tenant_id = g.tenant AND r.id = j.value");
                return (format!("FROM {given} CROSS JOIN {found}"), String::new());
            }
            (Self::Postgres, false) => "r.id = $2".to_owned(),
            (Self::Postgres, true) => self.in_ids("r.id", 2),
        };
        (format!("FROM {table} r"), format!(" WHERE r.tenant_id = $1 AND {condition}"))
    }

    /// Joins to `r` the record of `table` with the id `pointer`, if there is one. Both databases go through
    /// the primary key, once for each row: PostgreSQL would read the whole table where its
    /// statistics say that this is cheaper, and they are wrong after a large load.
    pub fn probe(self, table: &str, alias: &str, columns: &[&str], pointer: &str) -> String {
        match self {
            Self::Sqlite => format!(
                " LEFT JOIN {table} {alias} ON {alias}.tenant_id = r.tenant_id \
                 AND {alias}.id = {pointer}"
            ),
            Self::Postgres => {
                let columns: Vec<String> =
                    columns.iter().map(|column| format!("l.\"{column}\"")).collect();
                format!(
                    " LEFT JOIN LATERAL (SELECT {} FROM {table} l WHERE l.tenant_id = r.tenant_id \
                     AND l.id = {pointer} LIMIT 1) {alias} ON TRUE",
                    columns.join(", ")
                )
            }
        }
    }

    /// Ends a SELECT whose rows the transaction is going to change. SQLite has one writer at a
    /// time and needs nothing.
    pub fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    /// Holds until the end of the transaction what only one transaction of a tenant, parameter `$1`,
    /// may hold at a time. SQLite has one writer at a time and needs nothing.
    pub fn lock_links(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            // The number keeps clear of the other locks of this program.
            Self::Postgres => Some("SELECT pg_advisory_xact_lock(4000000000000 + $1::bigint)"),
        }
    }

    /// As [`Dialect::for_update`], but passes over rows that another transaction has locked.
    pub fn for_update_skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// The column type of text that is ordered and compared by its bytes on both databases.
    pub fn text_key(self) -> &'static str {
        match self {
            Self::Sqlite => "TEXT",
            Self::Postgres => "TEXT COLLATE \"C\"",
        }
    }

    /// Adds a long text to an index, so that a search reads the index alone. PostgreSQL bounds the
    /// size of an index entry, and a search there reads the table.
    pub fn and_searched(self, column: &'static str) -> &'static str {
        match (self, column) {
            (Self::Sqlite, "search_key") => ", search_key",
            (Self::Sqlite, "contact_key") => ", contact_key",
            _ => "",
        }
    }

    /// A BIGINT that a row can keep to tell in what order transactions began to write. On SQLite
    /// they write one after the other and the row's own id says it already.
    pub fn commit_order(self) -> &'static str {
        match self {
            Self::Sqlite => "0",
            Self::Postgres => "pg_current_xact_id()::text::bigint",
        }
    }

    /// The value of `change.moment` for a change whose tenant, kind and record are the parameters
    /// `$1`, `$4` and `$5`: later than every earlier one of the same record, and else the time in
    /// microseconds. It is worked out under the record's lock, so a clock that is set back or
    /// differs between nodes can't turn two changes of a record round. On SQLite `seq` orders them,
    /// and the time of parameter `$3` is kept for a later life on PostgreSQL.
    pub fn change_moment(self) -> &'static str {
        match self {
            Self::Sqlite => "$3 * 1000",
            Self::Postgres => {
                "greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, \
                 coalesce((SELECT max(p.moment) FROM change p WHERE p.tenant_id = $1 \
                 AND p.entity = $4 AND p.record_id = $5), 0) + 1)"
            }
        }
    }

    /// The same for the first change of a record.
    pub fn first_moment(self) -> &'static str {
        match self {
            Self::Sqlite => self.change_moment(),
            Self::Postgres => "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
        }
    }

    /// Orders the changes of one record, the newest first.
    pub fn newest_first(self) -> &'static str {
        match self {
            Self::Sqlite => "seq DESC",
            Self::Postgres => "moment DESC, seq DESC",
        }
    }

    /// The column of a change's place in the feed; on PostgreSQL 0 until it has one.
    pub fn feed_position(self) -> &'static str {
        match self {
            Self::Sqlite => "seq",
            Self::Postgres => "feed_position",
        }
    }

    /// The text of a field at the top of a JSON document in a TEXT column; NULL where it is absent
    /// or null. Only for fields that hold JSON strings: numbers and booleans print differently.
    /// `field` is a name of our own, not a caller's text.
    pub fn json_text(self, column: &str, field: &str) -> String {
        let field = field.replace('\'', "''");
        match self {
            Self::Sqlite => format!("({column} ->> '{field}')"),
            Self::Postgres => format!("({column}::jsonb ->> '{field}')"),
        }
    }

    /// The larger of two expressions.
    pub fn greatest(self, left: &str, right: &str) -> String {
        match self {
            Self::Sqlite => format!("max({left}, {right})"),
            Self::Postgres => format!("greatest({left}, {right})"),
        }
    }

    /// A SELECT that has a row when the table named by parameter `$1` exists.
    pub fn table_exists(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1",
            Self::Postgres => "SELECT 1 FROM pg_class WHERE oid = to_regclass($1)",
        }
    }

    /// The names of all tables, in order.
    pub fn tables(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                 ORDER BY name"
            }
            Self::Postgres => {
                "SELECT relname::text FROM pg_class WHERE relkind = 'r' \
                 AND relnamespace = current_schema()::regnamespace ORDER BY relname COLLATE \"C\""
            }
        }
    }

    /// The columns of a table, in order of their names. `table` is a name of our own.
    pub fn columns(self, table: &str) -> String {
        let table = table.replace('\'', "''");
        match self {
            Self::Sqlite => format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name"),
            Self::Postgres => format!(
                "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass('{table}') \
                 AND attnum > 0 AND NOT attisdropped ORDER BY attname COLLATE \"C\""
            ),
        }
    }

    /// The database's own check of its files; every row that is not `ok` is a problem.
    pub fn integrity_check(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => Some("SELECT * FROM pragma_integrity_check"),
            // Checksums of pages are the server's own affair; reading every row finds torn ones.
            Self::Postgres => None,
        }
    }

    /// A name of a table, column or index in quotes. The same on both databases.
    pub fn ident(self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn names_and_fields_are_quoted() {
        assert_eq!(Dialect::Sqlite.ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(Dialect::Postgres.json_text("doc", "o'n"), "(doc::jsonb ->> 'o''n')");
    }

    #[test]
    fn parameters_keep_their_number() {
        assert_eq!(Dialect::Postgres.in_ids("id", 3), "id = ANY($3::bigint[])");
        assert_eq!(Dialect::Sqlite.contains("name", 2), "instr(name, $2) > 0");
    }
}
