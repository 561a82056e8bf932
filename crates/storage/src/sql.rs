//! SQL text from the catalogue: looked-up names, filters and orders.

use aureole_catalogue::field::{Field, Tickets};
use aureole_catalogue::filter::{Compare, Operand, Test};
use aureole_catalogue::query::OrderKey;
use aureole_catalogue::{Entity, EntityKind, Filter, Kind, Source};

use crate::db::Value;
use crate::dialect::Dialect;
use crate::records::Sight;
use crate::tickets;

/// The folded name that lists order by.
pub const NAME_KEY: &str = "name_key";

/// A condition that no row meets, and one that every row does.
const NONE: &str = "1 = 0";
const EVERY: &str = "1 = 1";

const AND: &str = " AND ";
const OR: &str = " OR ";

/// A statement under construction: its text and the parameters that it names.
pub struct Sql {
    pub dialect: Dialect,
    pub params: Vec<Value>,
    /// The first moment of the current month, which some counts of tickets ask for.
    month: String,
}

impl Sql {
    /// A statement whose first parameter `$1` is the tenant.
    pub fn new(dialect: Dialect, tenant: i64) -> Sql {
        Sql { dialect, params: vec![Value::Int(tenant)], month: String::new() }
    }

    /// The same in the month that begins at this stored date-time.
    pub fn in_month(mut self, month: &str) -> Sql {
        month.clone_into(&mut self.month);
        self
    }

    /// Adds a parameter and returns its number.
    pub fn bind(&mut self, value: impl Into<Value>) -> usize {
        self.params.push(value.into());
        self.params.len()
    }

    /// The condition for rows of `entity`, which the statement calls `alias`; `None` when the
    /// database can't decide it and [`Filter::matches`] has to.
    pub fn filter(
        &mut self,
        entity: &'static Entity,
        alias: &str,
        filter: &Filter,
    ) -> Option<String> {
        Some(match filter {
            Filter::True => EVERY.to_owned(),
            Filter::All(filters) => self.joined(entity, alias, filters, AND)?,
            Filter::Any(filters) => self.joined(entity, alias, filters, OR)?,
            Filter::Not(filter) => format!("NOT ({})", self.filter(entity, alias, filter)?),
            Filter::Field { position, test } => self.test(entity, alias, *position, test)?,
            Filter::Custom { .. } => return None,
            // A kind of record that has no such text has nothing to be found by.
            Filter::Search(_) if entity.search.is_empty() => NONE.to_owned(),
            Filter::Contact(_) if entity.contact.is_empty() => NONE.to_owned(),
            Filter::Search(word) => self.contains(alias, "search_key", word),
            Filter::Contact(word) => self.contains(alias, "contact_key", word),
            Filter::NameContains(word) => match entity.schema.find("name") {
                None => NONE.to_owned(),
                Some(at) if entity.schema.fields[at].column => self.contains(alias, NAME_KEY, word),
                Some(_) => return None,
            },
            Filter::Ids(ids) => {
                let ids = self.bind(Value::ids(ids));
                self.dialect.in_ids(&format!("{alias}.id"), ids)
            }
            Filter::Has { kind, column, filter } => {
                let inner = format!("{alias}h");
                let condition = self.filter(kind.entity(), &inner, filter)?;
                format!(
                    "{alias}.id IN (SELECT {inner}.\"{column}\" FROM {} {inner} \
                     WHERE {inner}.tenant_id = $1 AND {condition})",
                    kind.entity().table
                )
            }
            Filter::HasAny { kind, filter } => {
                let inner = format!("{alias}a");
                let condition = self.filter(kind.entity(), &inner, filter)?;
                format!(
                    "EXISTS (SELECT 1 FROM {} {inner} WHERE {inner}.tenant_id = $1 AND {condition})",
                    kind.entity().table
                )
            }
            Filter::In { column, kind, filter } => {
                let inner = format!("{alias}i");
                let condition = self.filter(kind.entity(), &inner, filter)?;
                format!(
                    "{alias}.\"{column}\" IN (SELECT {inner}.id FROM {} {inner} \
                     WHERE {inner}.tenant_id = $1 AND {condition})",
                    kind.entity().table
                )
            }
            Filter::Updated { from, millis } => {
                let millis = self.bind(*millis);
                format!("{alias}.updated_at {} ${millis}", if *from { ">=" } else { "<=" })
            }
        })
    }

    fn joined(
        &mut self,
        entity: &'static Entity,
        alias: &str,
        filters: &[Filter],
        word: &str,
    ) -> Option<String> {
        let mut parts = Vec::with_capacity(filters.len());
        for filter in filters {
            parts.push(self.filter(entity, alias, filter)?);
        }
        if parts.is_empty() {
            // All of nothing holds, any of nothing does not.
            return Some(if word == OR { NONE } else { EVERY }.to_owned());
        }
        Some(format!("({})", parts.join(word)))
    }

    /// The condition that a text column contains a word.
    pub fn contains(&mut self, alias: &str, column: &str, word: &str) -> String {
        let word = self.bind(word);
        self.dialect.contains(&format!("{alias}.{column}"), word)
    }

    fn test(
        &mut self,
        entity: &Entity,
        alias: &str,
        position: usize,
        test: &Test,
    ) -> Option<String> {
        let field = entity.schema.fields.get(position)?;
        let integer = matches!(field.kind, Kind::Int | Kind::Int64 | Kind::Bool);
        if field.name == "name" && field.column {
            return self.name_test(alias, test);
        }
        let column = column(field, alias)?;
        Some(match test {
            Test::IsSet if integer => format!("{column} <> 0"),
            Test::IsSet => format!("{column} <> ''"),
            Test::Compare(compare, Operand::Number(number)) if integer => {
                // Only a whole number compares exactly with an integer column.
                let whole: i64 = number.normalize().to_string().parse().ok()?;
                format!("{column} {} ${}", compare.sql(), self.bind(whole))
            }
            Test::Compare(Compare::Equal, Operand::Bool(flag)) if integer => {
                format!("{column} = {}", i64::from(*flag))
            }
            Test::Compare(compare, Operand::Date(date)) if matches!(field.kind, Kind::DateTime) => {
                format!(
                    "({column} <> '' AND {column} {} ${})",
                    compare.sql(),
                    self.bind(date.as_str())
                )
            }
            Test::OneOf(values) if integer && !matches!(field.kind, Kind::Bool) => {
                // Equal as text: `03` is no 3.
                let numbers =
                    values.iter().filter_map(|value| value.parse::<i64>().ok().zip(Some(value)));
                let ids: Vec<i64> = numbers
                    .filter(|(id, text)| id.to_string() == **text)
                    .map(|(id, _)| id)
                    .collect();
                let ids = self.bind(Value::ids(&ids));
                self.dialect.in_ids(&column, ids)
            }
            _ => return None,
        })
    }

    /// The ORDER BY list; `None` when a key is no column that orders as the contract says.
    pub fn order(
        &mut self,
        entity: &'static Entity,
        alias: &str,
        keys: &[OrderKey],
    ) -> Option<String> {
        let mut parts = Vec::with_capacity(keys.len() + 1);
        for key in keys {
            let field = entity.schema.fields.get(key.position)?;
            let direction = if key.descending { " DESC" } else { "" };
            if field.name == "name" && field.column {
                parts.push(format!("{alias}.{NAME_KEY}{direction}"));
            } else if let Source::Tickets(counted) = field.source {
                parts.push(format!("{}{direction}", self.tickets(entity, alias, counted)?));
            } else if matches!(field.kind, Kind::Text | Kind::Uuid | Kind::Decimal) {
                return None;
            } else {
                parts.push(format!("{}{direction}", column(field, alias)?));
            }
        }
        parts.push(format!("{alias}.id"));
        Some(parts.join(", "))
    }

    /// How many tickets hang on a row; `None` for a kind of record that has none.
    pub fn tickets(
        &mut self,
        entity: &'static Entity,
        alias: &str,
        counted: Tickets,
    ) -> Option<String> {
        let column = tickets::column(entity.kind)?;
        let ticket = format!("{alias}t");
        let month = if counted == Tickets::ThisMonth { self.bind(self.month.clone()) } else { 0 };
        Some(format!(
            "(SELECT count(*) FROM ticket {ticket} WHERE {ticket}.tenant_id = {alias}.tenant_id \
             AND {ticket}.\"{column}\" = {alias}.id AND {})",
            tickets::condition(counted, &ticket, month)
        ))
    }

    fn name_test(&mut self, alias: &str, test: &Test) -> Option<String> {
        Some(match test {
            Test::IsSet => format!("{alias}.{NAME_KEY} <> ''"),
            Test::Equals(text) => format!("{alias}.{NAME_KEY} = ${}", self.bind(text.as_str())),
            Test::Contains(text) => self.contains(alias, NAME_KEY, text),
            Test::Compare(compare, Operand::Text(text)) => {
                format!("{alias}.{NAME_KEY} {} ${}", compare.sql(), self.bind(text.as_str()))
            }
            _ => return None,
        })
    }
}

/// The column that holds a field, when there is one.
pub fn column(field: &Field, alias: &str) -> Option<String> {
    if field.name == "id" || field.column {
        Some(format!("{alias}.\"{}\"", field.name))
    } else {
        None
    }
}

/// The further condition on a looked-up record that hides those of clients out of sight.
pub fn in_sight(kind: EntityKind, alias: &str, sight: Option<Sight<'_>>) -> String {
    let column = match kind {
        EntityKind::Client => "id",
        EntityKind::Site | EntityKind::User => "client_id",
        _ => return String::new(),
    };
    let Some(sight) = sight else { return String::new() };
    let list = |ids: &[i64]| ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    let mut condition = String::new();
    if !sight.allowed.is_empty() {
        condition.push_str(&format!(" AND {alias}.{column} IN ({})", list(sight.allowed)));
    }
    if !sight.denied.is_empty() {
        condition.push_str(&format!(" AND {alias}.{column} NOT IN ({})", list(sight.denied)));
    }
    condition
}

/// The expression of a text that belongs to another record; `NULL` for a field that has none, and
/// for a record of a client that is out of sight.
pub fn lookup(field: &Field, alias: &str, sight: Option<Sight<'_>>) -> String {
    match field.source {
        Source::Name { path: [(id, kind)], column } => {
            let table = kind.entity().table;
            let in_sight = in_sight(*kind, "l", sight);
            format!(
                "CASE WHEN {alias}.\"{id}\" > 0 THEN (SELECT l.\"{column}\" FROM {table} l \
                 WHERE l.tenant_id = {alias}.tenant_id AND l.id = {alias}.\"{id}\"{in_sight}) END"
            )
        }
        Source::Name { path: [(first_id, first), (second_id, second)], column } => {
            let in_sight = in_sight(*first, "l", sight) + &in_sight(*second, "m", sight);
            let (first, second) = (first.entity().table, second.entity().table);
            format!(
                "(SELECT m.\"{column}\" FROM {first} l \
                 JOIN {second} m ON m.tenant_id = l.tenant_id AND m.id = l.\"{second_id}\" \
                 WHERE l.tenant_id = {alias}.tenant_id AND l.id = {alias}.\"{first_id}\"{in_sight})"
            )
        }
        Source::ClientSiteName => format!(
            "(SELECT l.\"name\" FROM client l WHERE l.tenant_id = {alias}.tenant_id \
             AND l.id = {alias}.\"client_id\") || '/' || {alias}.\"name\""
        ),
        _ => "NULL".to_owned(),
    }
}

/// The records that a statement looks up beside its own `r`, each joined once.
#[derive(Default)]
pub struct Probes {
    probes: Vec<Probe>,
}

struct Probe {
    kind: EntityKind,
    /// The probe whose record has the id; the statement's own record when there is none.
    parent: Option<usize>,
    id: &'static str,
    /// The columns that are asked for.
    columns: Vec<&'static str>,
}

impl Probes {
    /// The expression of a field's text, as [`lookup`] gives it by itself.
    pub fn text(&mut self, field: &Field) -> String {
        match field.source {
            Source::Name { path, column } => match self.walk(path) {
                Some(at) => self.column(at, column),
                None => "NULL".to_owned(),
            },
            Source::ClientSiteName => {
                let at = self.probe(None, "client_id", EntityKind::Client);
                format!("{} || '/' || r.\"name\"", self.column(at, "name"))
            }
            _ => "NULL".to_owned(),
        }
    }

    /// The ids by which the records are found, in the order of [`Probes::kinds`].
    pub fn pointers(&self) -> impl Iterator<Item = String> {
        self.probes.iter().map(|probe| probe.pointer())
    }

    pub fn kinds(&self) -> Vec<EntityKind> {
        self.probes.iter().map(|probe| probe.kind).collect()
    }

    /// The text behind `FROM table r`.
    pub fn joins(&self, dialect: Dialect) -> String {
        let join = |(at, probe): (usize, &Probe)| {
            let table = probe.kind.entity().table;
            dialect.probe(table, &format!("p{at}"), &probe.columns, &probe.pointer())
        };
        self.probes.iter().enumerate().map(join).collect()
    }

    fn walk(&mut self, path: &[(&'static str, EntityKind)]) -> Option<usize> {
        let mut at = None;
        for (id, kind) in path {
            at = Some(self.probe(at, id, *kind));
        }
        at
    }

    fn probe(&mut self, parent: Option<usize>, id: &'static str, kind: EntityKind) -> usize {
        if let Some(parent) = parent {
            self.column(parent, id);
        }
        let same = |probe: &Probe| probe.parent == parent && probe.id == id;
        if let Some(at) = self.probes.iter().position(same) {
            return at;
        }
        self.probes.push(Probe { kind, parent, id, columns: Vec::new() });
        self.probes.len() - 1
    }

    fn column(&mut self, at: usize, column: &'static str) -> String {
        let columns = &mut self.probes[at].columns;
        if !columns.contains(&column) {
            columns.push(column);
        }
        format!("p{at}.\"{column}\"")
    }
}

impl Probe {
    fn pointer(&self) -> String {
        match self.parent {
            Some(parent) => format!("p{parent}.\"{}\"", self.id),
            None => format!("r.\"{}\"", self.id),
        }
    }
}
