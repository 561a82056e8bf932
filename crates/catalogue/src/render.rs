//! A stored document and its defaults to reply JSON, in one merge pass over raw slices.

mod pack;

use crate::doc;
use crate::field::{Field, Kind, Mode, Schema, Source};
use crate::index::Index;
use crate::show::Show;
use crate::value::format_millis;

/// A full record or a list row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    Full,
    Light,
}

/// Which fields a reply has, in which order and from where: worked out once for each kind of
/// request and then walked for each record.
pub struct Plan {
    index: &'static Index,
    steps: Vec<Step>,
    /// The fields whose value comes from another record, in the order of [`Row::lookups`].
    pub lookups: Vec<usize>,
    template: pack::Template,
}

struct Step {
    position: usize,
    /// `"name":`, ready to be copied.
    key: String,
    /// What an unset field reads as; `None` leaves it out.
    default: Option<&'static str>,
    from: From,
}

enum From {
    Id,
    Doc,
    Lookup(usize),
    Constant(String),
    UpdatedAt,
    AddressLine { object: usize, key: &'static str },
    Rule,
}

/// One stored record, as much of it as a plan needs.
pub struct Row<'a> {
    pub id: i64,
    /// Milliseconds since 1970.
    pub updated_at: i64,
    pub doc: &'a str,
    /// The texts of [`Plan::lookups`].
    pub lookups: &'a [String],
    /// JSON that the server's rules computed, by field position; it wins over the document.
    pub extras: &'a [(usize, String)],
}

impl Plan {
    pub fn new(schema: &'static Schema, view: View, show: Show) -> Plan {
        let mut plan = Plan {
            index: schema.index(),
            steps: Vec::new(),
            lookups: Vec::new(),
            template: pack::Template::default(),
        };
        for (position, field) in schema.fields.iter().enumerate() {
            if let Some(wanted) = wanted(field, view, show) {
                let step = plan.step(schema, position, field, wanted);
                plan.steps.push(step);
            }
        }
        plan.template = pack::Template::new(&plan.steps);
        plan
    }

    fn step(&mut self, schema: &Schema, position: usize, field: &Field, wanted: Wanted) -> Step {
        let from = match field.source {
            _ if field.name == "id" => From::Id,
            Source::Doc => From::Doc,
            Source::Name { .. } | Source::ClientSiteName => {
                self.lookups.push(position);
                From::Lookup(self.lookups.len() - 1)
            }
            Source::Constant(text) => From::Constant(quote(text)),
            Source::UpdatedAt => From::UpdatedAt,
            Source::AddressLine { object, key } => {
                From::AddressLine { object: schema.position(object).unwrap_or(position), key }
            }
            Source::Tickets(_) | Source::Rule => From::Rule,
        };
        let default = match wanted {
            Wanted::Always => field.kind.default_json(),
            Wanted::WhenSet => None,
        };
        Step { position, key: format!("\"{}\":", field.name), default, from }
    }

    /// Appends the record as one JSON object without its closing brace, so that the caller can
    /// add a `_warning`; [`Plan::render`] closes it.
    pub fn open<'a>(&self, row: &Row<'a>, fields: &mut Vec<(usize, &'a str)>, out: &mut Vec<u8>) {
        out.push(b'{');
        let start = out.len();
        self.each_value(row, fields, &mut |_, step, stored, fields| {
            let before = out.len();
            if before > start {
                out.push(b',');
            }
            out.extend_from_slice(step.key.as_bytes());
            if !self.value(step, stored, row, fields, out) {
                out.truncate(before);
            }
        });
    }

    /// Calls `each` for every step in order, with its number, what is stored for it, and all stored
    /// fields.
    fn each_value<'a>(
        &self,
        row: &Row<'a>,
        fields: &mut Vec<(usize, &'a str)>,
        each: &mut impl FnMut(usize, &Step, Option<&str>, &[(usize, &str)]),
    ) {
        doc::positions(self.index, row.doc, fields);
        let mut at = 0;
        for (number, step) in self.steps.iter().enumerate() {
            while fields.get(at).is_some_and(|(position, _)| *position < step.position) {
                at += 1;
            }
            let stored = fields.get(at).filter(|(position, _)| *position == step.position);
            each(number, step, stored.map(|(_, raw)| *raw), fields);
        }
    }

    /// Appends the record as one JSON object.
    pub fn render<'a>(&self, row: &Row<'a>, fields: &mut Vec<(usize, &'a str)>, out: &mut Vec<u8>) {
        self.open(row, fields, out);
        out.push(b'}');
    }

    /// Appends one value; false when the field is unset and has to be left out.
    fn value(
        &self,
        step: &Step,
        stored: Option<&str>,
        row: &Row<'_>,
        fields: &[(usize, &str)],
        out: &mut Vec<u8>,
    ) -> bool {
        if let Some((_, json)) = row.extras.iter().find(|(position, _)| *position == step.position)
        {
            out.extend_from_slice(json.as_bytes());
            return true;
        }
        match &step.from {
            From::Id => out.extend_from_slice(row.id.to_string().as_bytes()),
            From::Constant(json) => out.extend_from_slice(json.as_bytes()),
            From::UpdatedAt => {
                out.extend_from_slice(quote(&format_millis(row.updated_at)).as_bytes());
            }
            From::Lookup(at) => match row.lookups.get(*at).filter(|text| !text.is_empty()) {
                Some(text) => push_quoted(text, out),
                None => return push_default(step, out),
            },
            From::AddressLine { object, key } => {
                let line = fields
                    .iter()
                    .find(|(position, _)| position == object)
                    .and_then(|(_, raw)| doc::raw(raw, key));
                match line {
                    Some(raw) => out.extend_from_slice(raw.as_bytes()),
                    None => return push_default(step, out),
                }
            }
            From::Doc => match stored {
                Some(raw) => out.extend_from_slice(raw.as_bytes()),
                None => return push_default(step, out),
            },
            From::Rule => return push_default(step, out),
        }
        true
    }
}

#[derive(Clone, Copy)]
enum Wanted {
    /// With the kind's default when unset.
    Always,
    WhenSet,
}

/// Whether a reply carries a field, by the rules of the wire contract.
fn wanted(field: &Field, view: View, show: Show) -> Option<Wanted> {
    if matches!(field.mode, Mode::In | Mode::Out | Mode::Secret) {
        return None;
    }
    let asked = match view {
        View::Full => field.full_when,
        View::Light => field.light_when,
    };
    if !asked.is_empty() {
        return asked.meets(show).then_some(Wanted::Always);
    }
    match view {
        View::Full if field.core => Some(Wanted::Always),
        View::Full => Some(Wanted::WhenSet),
        View::Light if !field.light || field.kind.is_nested() => None,
        View::Light if field.core => Some(Wanted::Always),
        View::Light => Some(Wanted::WhenSet),
    }
}

/// True when a field can be a key of `order`: a scalar of the list row that the database can tell.
pub fn is_sortable(field: &Field) -> bool {
    !field.kind.is_nested()
        && !matches!(field.kind, Kind::Any)
        && !matches!(field.mode, Mode::In | Mode::Out | Mode::Secret)
        && !matches!(field.source, Source::Rule | Source::Constant(_))
        && (field.light || !field.light_when.is_empty())
}

fn push_default(step: &Step, out: &mut Vec<u8>) -> bool {
    match step.default {
        Some(json) => {
            out.extend_from_slice(json.as_bytes());
            true
        }
        None => false,
    }
}

/// A JSON string.
pub fn quote(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    push_quoted(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn push_quoted(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing to a vector cannot fail.
        let _ = serde_json::to_writer(out, text);
    }
}
