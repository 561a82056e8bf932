//! A rendered record without what all records of a plan have in common.
//!
//! Most of a reply's row is field names and defaults. A packed row has only the values that differ
//! from the default, each with the number of steps since the one before and its length; everything
//! between them is copied from one text that all rows of the plan share.

use super::{Plan, Row, Step};

/// What the rows of a plan have in common.
#[derive(Default)]
pub struct Template {
    /// `,"name":default` of every field that has a default.
    text: Vec<u8>,
    /// By step: where its default begins and ends in the text. The same twice when there is none.
    places: Vec<(usize, usize)>,
}

impl Template {
    pub(super) fn new(steps: &[Step]) -> Template {
        let mut template = Template::default();
        for step in steps {
            let start = template.text.len();
            let place = match step.default {
                None => (start, start),
                Some(default) => {
                    template.text.push(b',');
                    template.text.extend_from_slice(step.key.as_bytes());
                    let start = template.text.len();
                    template.text.extend_from_slice(default.as_bytes());
                    (start, template.text.len())
                }
            };
            template.places.push(place);
        }
        template
    }
}

impl Plan {
    /// Appends a record in its packed form.
    pub fn pack<'a>(&self, row: &Row<'a>, fields: &mut Vec<(usize, &'a str)>, out: &mut Vec<u8>) {
        let mut value = Vec::new();
        let mut last = 0;
        self.each_value(row, fields, &mut |number, step, stored, fields| {
            value.clear();
            let is_set = self.value(step, stored, row, fields, &mut value);
            if is_set && step.default.map(str::as_bytes) != Some(value.as_slice()) {
                push_number(number - last, out);
                push_number(value.len(), out);
                out.extend_from_slice(&value);
                last = number;
            }
        });
    }

    /// What a row takes, roughly.
    pub fn row_bytes(&self) -> usize {
        self.template.text.len() + 128
    }

    /// Appends a packed record as one JSON object, as [`Plan::render`] would have.
    pub fn unpack(&self, mut packed: &[u8], out: &mut Vec<u8>) {
        let Template { text, places } = &self.template;
        out.reserve(text.len() + packed.len());
        let start = out.len();
        let (mut number, mut copied) = (0, 0);
        while !packed.is_empty() {
            number += take_number(&mut packed);
            let length = take_number(&mut packed).min(packed.len());
            let (value, rest) = packed.split_at(length);
            packed = rest;
            let (Some(step), Some((before, after))) = (self.steps.get(number), places.get(number))
            else {
                break;
            };
            out.extend_from_slice(text.get(copied..*before).unwrap_or_default());
            if step.default.is_none() {
                out.push(b',');
                out.extend_from_slice(step.key.as_bytes());
            }
            out.extend_from_slice(value);
            copied = *after;
        }
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
        match out.get_mut(start) {
            // The first field's comma.
            Some(first) => *first = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
    }
}

/// Seven bits a byte, the low ones first; the high bit says that more follow.
fn push_number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn take_number(from: &mut &[u8]) -> usize {
    let (mut number, mut shift) = (0usize, 0u32);
    while let Some((byte, rest)) = from.split_first() {
        *from = rest;
        number |= usize::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, Row, View};
    use crate::{EntityKind, Show};

    #[test]
    fn a_packed_row_is_the_rendered_one() {
        let docs = [
            "{}".to_owned(),
            r##"{"name":"Acme","toplevel_id":3,"inactive":true,"colour":"\"#fff\""}"##.to_owned(),
            format!(r#"{{"name":"{}","website":"x","taxable":true}}"#, "long ".repeat(100)),
        ];
        let shows = [Show::NONE, Show::NOTES.with(Show::WEBSITE), Show::LAST_UPDATE];
        for kind in [EntityKind::Client, EntityKind::Site, EntityKind::Ticket] {
            for (show, view) in
                shows.iter().flat_map(|show| [(show, View::Light), (show, View::Full)])
            {
                let plan = Plan::new(kind.entity().schema, view, *show);
                for (doc, name) in docs.iter().flat_map(|doc| [(doc, ""), (doc, "Top \\ level")]) {
                    let lookups = vec![name.to_owned(); plan.lookups.len()];
                    let extras = [(7, "[1,2]".to_owned())];
                    let extras = if name.is_empty() { &extras[..0] } else { &extras[..] };
                    let row = Row { id: 12, updated_at: 5, doc, lookups: &lookups, extras };
                    let (mut rendered, mut packed) = (Vec::new(), Vec::new());
                    plan.render(&row, &mut Vec::new(), &mut rendered);
                    plan.pack(&row, &mut Vec::new(), &mut packed);
                    let mut unpacked = b"before".to_vec();
                    plan.unpack(&packed, &mut unpacked);
                    let unpacked = String::from_utf8(unpacked).unwrap();
                    let rendered = format!("before{}", String::from_utf8(rendered).unwrap());
                    assert_eq!(unpacked, rendered, "{:?} {view:?}", kind);
                    assert!(packed.len() < rendered.len(), "nothing was saved");
                }
            }
        }
    }
}
