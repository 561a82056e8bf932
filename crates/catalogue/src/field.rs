//! The vocabulary of the catalogue: what a field is, in one line of const data.

use crate::entity::EntityKind;
use crate::show::Show;

/// The type of a field's value on the wire.
#[derive(Clone, Copy)]
pub enum Kind {
    /// 32-bit signed integer.
    Int,
    /// 64-bit signed integer.
    Int64,
    /// Exact decimal; the limit of 4 decimal places holds for money and hours.
    Decimal,
    Bool,
    Text,
    /// UTC date-time, stored as `YYYY-MM-DDTHH:MM:SS[.fff]`.
    DateTime,
    Uuid,
    /// Any JSON value, kept as it came.
    Any,
    Object(&'static Schema),
    List(&'static Schema),
    IntList,
    TextList,
    /// A list whose elements have no published shape.
    AnyList,
}

impl Kind {
    /// True for lists and objects: what a light row never carries unasked.
    pub const fn is_nested(self) -> bool {
        matches!(
            self,
            Kind::Object(_) | Kind::List(_) | Kind::IntList | Kind::TextList | Kind::AnyList
        )
    }

    /// The reply's text of an unset field; dates, objects and `any` have none and are left out.
    pub const fn default_json(self) -> Option<&'static str> {
        match self {
            Kind::Int | Kind::Int64 | Kind::Decimal => Some("0"),
            Kind::Bool => Some("false"),
            Kind::Text | Kind::Uuid => Some("\"\""),
            Kind::List(_) | Kind::IntList | Kind::TextList | Kind::AnyList => Some("[]"),
            Kind::DateTime | Kind::Any | Kind::Object(_) => None,
        }
    }
}

/// Who writes a field and who sees it (`mode` in the published catalogue).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    ReadWrite,
    /// Set by the server, ignored in a body.
    Computed,
    /// Follows the id beside it; ignored in a body that has the id.
    Name,
    /// Accepted, never returned.
    In,
    /// Returned, never accepted.
    Out,
    /// Write-only secret.
    Secret,
}

/// Where the reply takes a field's value from.
#[derive(Clone, Copy)]
pub enum Source {
    /// The stored document.
    Doc,
    /// A column of a referenced record, reached over one or more id columns.
    Name { path: &'static [(&'static str, EntityKind)], column: &'static str },
    /// `Client/Site`.
    ClientSiteName,
    /// A fixed text, e.g. `use`.
    Constant(&'static str),
    /// The row's last write.
    UpdatedAt,
    /// A line of an address object of the same document.
    AddressLine { object: &'static str, key: &'static str },
    /// How many tickets hang on the record.
    Tickets(Tickets),
    /// A rule of the server computes it when the request asks for it.
    Rule,
}

/// Which of a record's tickets are counted. Opportunities count as themselves alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tickets {
    /// Not closed, on hold included.
    Open,
    OnHold,
    Total,
    /// Opened in the current month, UTC.
    ThisMonth,
    /// Opportunities that are not closed.
    Opportunities,
}

/// One field of a record: name, type and every rule that generic code obeys.
#[derive(Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub mode: Mode,
    /// Emitted even when unset, with the kind's default.
    pub core: bool,
    /// Part of list rows.
    pub light: bool,
    pub source: Source,
    /// The kind of record that a positive value must point at.
    pub reference: Option<EntityKind>,
    /// Kept in a column of its own beside the document.
    pub column: bool,
    /// What another product calls the record: two records with the same one are reported.
    pub link_key: bool,
    /// Longest text in characters; 0 = the configured general limit.
    pub max_chars: u32,
    /// More than 4 decimal places are kept (coordinates, conversion rates).
    pub fine: bool,
    /// Full records carry the field only when one of these is asked for; empty = always.
    pub full_when: Show,
    /// List rows carry the field only when one of these is asked for; empty = by `light`.
    pub light_when: Show,
}

/// A named list of fields, in the published order.
pub struct Schema {
    pub name: &'static str,
    pub fields: &'static [Field],
}

impl Schema {
    /// The position of a field, found by name; a linear scan for const evaluation and tests.
    pub const fn position(&self, name: &str) -> Option<usize> {
        let mut at = 0;
        while at < self.fields.len() {
            if same(self.fields[at].name, name) {
                return Some(at);
            }
            at += 1;
        }
        None
    }
}

/// `a == b` that works in const evaluation.
pub const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        mode: Mode::ReadWrite,
        core: false,
        light: false,
        source: Source::Doc,
        reference: None,
        column: false,
        link_key: false,
        max_chars: 0,
        fine: false,
        full_when: if kind.is_nested() { Show::DETAILS } else { Show::NONE },
        light_when: Show::NONE,
    }
}

pub const fn int(name: &'static str) -> Field {
    field(name, Kind::Int)
}
pub const fn int64(name: &'static str) -> Field {
    field(name, Kind::Int64)
}
pub const fn decimal(name: &'static str) -> Field {
    field(name, Kind::Decimal)
}
pub const fn boolean(name: &'static str) -> Field {
    field(name, Kind::Bool)
}
pub const fn text(name: &'static str) -> Field {
    field(name, Kind::Text)
}
pub const fn datetime(name: &'static str) -> Field {
    field(name, Kind::DateTime)
}
pub const fn uuid(name: &'static str) -> Field {
    field(name, Kind::Uuid)
}
pub const fn any(name: &'static str) -> Field {
    field(name, Kind::Any)
}
pub const fn object(name: &'static str, schema: &'static Schema) -> Field {
    field(name, Kind::Object(schema))
}
pub const fn list(name: &'static str, schema: &'static Schema) -> Field {
    field(name, Kind::List(schema))
}
pub const fn ints(name: &'static str) -> Field {
    field(name, Kind::IntList)
}
pub const fn texts(name: &'static str) -> Field {
    field(name, Kind::TextList)
}
pub const fn anys(name: &'static str) -> Field {
    field(name, Kind::AnyList)
}

impl Field {
    pub const fn core(mut self) -> Field {
        self.core = true;
        self
    }
    pub const fn light(mut self) -> Field {
        self.light = true;
        self
    }
    pub const fn computed(mut self) -> Field {
        self.mode = Mode::Computed;
        self
    }
    pub const fn named(mut self) -> Field {
        self.mode = Mode::Name;
        self
    }
    pub const fn input(mut self) -> Field {
        self.mode = Mode::In;
        self
    }
    pub const fn output(mut self) -> Field {
        self.mode = Mode::Out;
        self
    }
    pub const fn secret(mut self) -> Field {
        self.mode = Mode::Secret;
        self
    }
    /// The value is the id of a record of this kind; such a field is always a column.
    pub const fn refers(mut self, to: EntityKind) -> Field {
        self.reference = Some(to);
        self.column = true;
        self
    }
    pub const fn column(mut self) -> Field {
        self.column = true;
        self
    }
    pub const fn link_key(mut self) -> Field {
        self.link_key = true;
        self
    }
    /// The name of the record that the id beside it points at.
    pub const fn name_of(self, path: &'static [(&'static str, EntityKind)]) -> Field {
        self.looked_up(path, "name")
    }
    /// Another column of a referenced record.
    pub const fn looked_up(
        mut self,
        path: &'static [(&'static str, EntityKind)],
        column: &'static str,
    ) -> Field {
        self.source = Source::Name { path, column };
        self
    }
    pub const fn client_site_name(mut self) -> Field {
        self.source = Source::ClientSiteName;
        self
    }
    pub const fn constant(mut self, value: &'static str) -> Field {
        self.source = Source::Constant(value);
        self
    }
    pub const fn updated_at(mut self) -> Field {
        self.source = Source::UpdatedAt;
        self
    }
    pub const fn address_line(mut self, object: &'static str, key: &'static str) -> Field {
        self.source = Source::AddressLine { object, key };
        self
    }
    /// A count over the record's tickets, made when the reply is.
    pub const fn tickets(mut self, counted: Tickets) -> Field {
        self.mode = Mode::Computed;
        self.source = Source::Tickets(counted);
        self
    }
    /// Computed by the server's rules.
    pub const fn by_rule(mut self) -> Field {
        self.source = Source::Rule;
        self
    }
    pub const fn max(mut self, chars: u32) -> Field {
        self.max_chars = chars;
        self
    }
    pub const fn fine(mut self) -> Field {
        self.fine = true;
        self
    }
    pub const fn full_when(mut self, show: Show) -> Field {
        self.full_when = show;
        self
    }
    pub const fn light_when(mut self, show: Show) -> Field {
        self.light_when = show;
        self
    }
}
