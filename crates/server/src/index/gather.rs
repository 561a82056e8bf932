//! What the database says of the records of a kind, on its way into the index.

use std::collections::BTreeSet;

use aureole_catalogue::{Entity, Kind, Source, doc, filter};
use aureole_storage::records::Part as Read;
use aureole_storage::{Db, Result, Row, records};
use memchr::memmem;

use super::column::Column;
use super::ints::Ints;
use super::texts::Texts;
use super::words;

/// What the index can know of the records of a kind. Each part is read when it is first needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The folded name, and with it the default order.
    Name,
    /// The values of a field, by position.
    Field(usize),
    /// The raw values of a defined field: the position of the list that has them, and the
    /// definition's id.
    Defined(usize, i64),
    /// When the record was last written.
    Updated,
    /// The words that a search looks into.
    Search,
    /// The words by which the owner is found.
    Contact,
}

pub type Parts = BTreeSet<Part>;

/// Whose values a column has: the position of the field, and the definition's id when the field is a
/// list of defined fields; otherwise 0.
pub type Place = (usize, i64);

/// Rows in the order of the scan.
pub struct Gathered {
    pub ids: Vec<i64>,
    pub name: Option<(Texts, Ints)>,
    pub fields: Vec<(Place, Column)>,
    pub updated: Option<Ints>,
    pub search: Option<Sink>,
    pub contact: Option<Sink>,
}

/// Searched texts: split into words at once when there are many, kept when there are few.
pub enum Sink {
    Whole(words::Gathered),
    Few(Vec<String>),
}

impl Sink {
    fn push(&mut self, text: String) {
        match self {
            Sink::Whole(words) => words.push(&text),
            Sink::Few(texts) => texts.push(text),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Sink::Whole(words) => words.bytes(),
            Sink::Few(_) => 0,
        }
    }
}

/// How a field is read.
fn read_of(entity: &'static Entity, position: usize) -> Read {
    let Some(field) = entity.schema.fields.get(position) else { return Read::UpdatedAt };
    match field.source {
        Source::UpdatedAt | Source::Constant(_) => Read::UpdatedAt,
        // A decimal's column holds its whole part only.
        Source::Doc if field.column && !matches!(field.kind, Kind::Decimal) => {
            Read::Column(position)
        }
        _ => Read::Doc,
    }
}

/// True for fields that the table has as numbers.
fn is_int(entity: &'static Entity, position: usize) -> bool {
    let field = entity.schema.fields.get(position);
    matches!(read_of(entity, position), Read::Column(_))
        && field.is_some_and(|field| matches!(field.kind, Kind::Int | Kind::Int64 | Kind::Bool))
}

/// Reads parts of the records with these ids, or of all. `None` when they would take more than
/// `max_bytes`.
pub async fn gather(
    db: &Db,
    tenant: i64,
    entity: &'static Entity,
    parts: &Parts,
    ids: Option<&[i64]>,
    max_bytes: usize,
) -> Result<Option<Gathered>> {
    let mut reads: Vec<Read> = Vec::new();
    for part in parts {
        let read = match part {
            Part::Name => Read::NameKey,
            Part::Search => Read::SearchKey,
            Part::Contact => Read::ContactKey,
            Part::Updated => Read::UpdatedAt,
            Part::Field(position) => read_of(entity, *position),
            Part::Defined(..) => Read::Doc,
        };
        if !reads.contains(&read) {
            reads.push(read);
        }
    }
    let mut gathered = Gathered::new(entity, parts, ids.is_some());
    let names = Names::of_fields(entity, &gathered);
    let mut fits = true;
    let mut each = |row: Row| {
        if fits {
            gathered.push(entity, &reads, &names, row);
            fits = !gathered.ids.len().is_multiple_of(4096) || gathered.bytes() <= max_bytes;
        }
    };
    records::each_part(db, tenant, entity, &reads, ids, &mut each).await?;
    Ok(fits.then_some(gathered))
}

/// The names in the document that the gathered fields are made of, with their positions.
struct Names {
    names: Vec<(&'static str, usize)>,
    /// Finds each name where a document has it, or in a text that only looks like it.
    finders: Vec<memmem::Finder<'static>>,
}

impl Names {
    fn of_fields(entity: &'static Entity, gathered: &Gathered) -> Names {
        let mut names = Vec::new();
        for ((position, _), _) in &gathered.fields {
            let Some(field) = entity.schema.fields.get(*position) else { continue };
            match field.source {
                Source::AddressLine { object, .. } => {
                    names.extend(entity.schema.find(object).map(|at| (object, at)));
                }
                _ => names.push((field.name, *position)),
            }
        }
        names.sort_unstable();
        names.dedup();
        let finder = |(name, _): &(&str, usize)| {
            memmem::Finder::new(format!("\"{name}\":").as_bytes()).into_owned()
        };
        let finders = names.iter().map(finder).collect();
        Names { names, finders }
    }

    /// The raw values of the names that a document has.
    fn of<'d>(&self, doc: &'d str) -> Vec<(usize, &'d str)> {
        let has = |finder: &&memmem::Finder<'_>| finder.find(doc.as_bytes()).is_some();
        // Most documents lack a field that few records have: a look at the text tells without a walk.
        let most = self.finders.iter().filter(has).count();
        let mut fields = Vec::with_capacity(most);
        if most == 0 {
            return fields;
        }
        for (name, raw) in doc::pairs(doc) {
            if let Some((_, position)) = self.names.iter().find(|(wanted, _)| *wanted == name) {
                fields.push((*position, raw));
                if fields.len() == most {
                    break;
                }
            }
        }
        fields
    }
}

impl Gathered {
    fn new(entity: &'static Entity, parts: &Parts, few: bool) -> Gathered {
        let has = |part: Part| parts.contains(&part);
        let sink = || match few {
            true => Sink::Few(Vec::new()),
            false => Sink::Whole(words::Gathered::default()),
        };
        let field = |part: &Part| match part {
            Part::Field(position) => Some(((*position, 0), Column::new(is_int(entity, *position)))),
            Part::Defined(list, id) => Some(((*list, *id), Column::new(false))),
            _ => None,
        };
        Gathered {
            ids: Vec::new(),
            name: has(Part::Name).then(Default::default),
            fields: parts.iter().filter_map(field).collect(),
            updated: has(Part::Updated).then(Ints::default),
            search: has(Part::Search).then(sink),
            contact: has(Part::Contact).then(sink),
        }
    }

    fn push(&mut self, entity: &'static Entity, reads: &[Read], names: &Names, mut row: Row) {
        let place = |read: Read| reads.iter().position(|found| *found == read).map(|at| at + 1);
        let id = row.int(0);
        self.ids.push(id);
        if let (Some((texts, codes)), Some(at)) = (&mut self.name, place(Read::NameKey)) {
            codes.push(i64::from(texts.intern(row.text(at))));
        }
        let updated_at = place(Read::UpdatedAt).map_or(0, |at| row.int(at));
        if let Some(updated) = &mut self.updated {
            updated.push(updated_at);
        }
        for (sink, read) in
            [(&mut self.search, Read::SearchKey), (&mut self.contact, Read::ContactKey)]
        {
            if let (Some(sink), Some(at)) = (sink, place(read)) {
                sink.push(row.take_text(at));
            }
        }
        let doc = place(Read::Doc).map_or("", |at| row.text(at));
        let fields = names.of(doc);
        let schema = entity.schema;
        let view =
            filter::Row { schema, id, updated_at, search_key: "", fields: &fields, lookups: &[] };
        for ((position, definition), column) in &mut self.fields {
            if *definition > 0 {
                let list = fields.iter().find(|(at, _)| at == position);
                let value = list.and_then(|(_, raw)| filter::defined_value(raw, *definition));
                column.push_text(value.unwrap_or(""));
                continue;
            }
            match read_of(entity, *position) {
                read @ Read::Column(_) => match (&mut *column, place(read)) {
                    (Column::Ints(values), Some(at)) => values.push(row.int(at)),
                    (column, Some(at)) => column.push_text(row.text(at)),
                    (column, None) => column.push_text(""),
                },
                _ => column.push_text(&view.text(*position)),
            }
        }
    }

    fn bytes(&self) -> usize {
        let name = self.name.as_ref().map_or(0, |(texts, codes)| texts.bytes() + codes.bytes());
        let fields: usize = self.fields.iter().map(|(_, column)| column.bytes()).sum();
        let sinks = [&self.search, &self.contact].into_iter().flatten();
        let sinks: usize = sinks.map(Sink::bytes).sum();
        let updated = self.updated.as_ref().map_or(0, Ints::bytes);
        self.ids.capacity() * 8 + name + fields + updated + sinks
    }
}
