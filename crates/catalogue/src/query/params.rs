//! The query string: names in any case, empty values as absent, repeated and comma lists.

use crate::accept::{Problems, parse_bool};

/// The decoded parameters of one request, names in lower case.
#[derive(Clone, Debug, Default)]
pub struct Params {
    list: Vec<(String, String)>,
}

impl Params {
    pub fn parse(query: &str) -> Params {
        let list = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| {
                let name = name.trim_end_matches("[]").to_ascii_lowercase();
                (name, value.into_owned())
            })
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Params { list }
    }

    /// The first value of a parameter; empty ones count as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Reports the values with a NUL character: no text that is stored has one, and PostgreSQL
    /// takes none in a statement.
    pub fn refuse_nul(&self, problems: &mut Problems) {
        for (name, _) in self.list.iter().filter(|(_, value)| value.contains('\0')) {
            problems.add(name.replace('\0', ""), "must not contain a NUL character");
        }
    }

    /// True when the request has no parameter.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The names that occur, for the check of unknown ones.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(name, _)| name.as_str())
    }

    pub fn boolean(&self, name: &str, problems: &mut Problems) -> Option<bool> {
        let text = self.get(name)?;
        let parsed = parse_bool(text.trim());
        if parsed.is_none() {
            problems.add(name, format!("must be true or false, not {text:?}"));
        }
        parsed
    }

    /// A boolean that is false when absent.
    pub fn flag(&self, name: &str, problems: &mut Problems) -> bool {
        self.boolean(name, problems).unwrap_or(false)
    }

    /// A 32-bit integer.
    pub fn int(&self, name: &str, problems: &mut Problems) -> Option<i64> {
        let text = self.get(name)?;
        let parsed = text.trim().parse::<i32>().ok().map(i64::from);
        if parsed.is_none() {
            problems.add(name, format!("must be an integer, not {text:?}"));
        }
        parsed
    }

    /// A list of integers: repeated names, `name[]=`, or comma separated.
    pub fn ints(&self, name: &str, problems: &mut Problems) -> Vec<i64> {
        let mut ints = Vec::new();
        for text in self.texts(name) {
            match text.parse::<i32>() {
                Ok(value) => ints.push(i64::from(value)),
                Err(_) => problems.add(name, format!("must be integers, not {text:?}")),
            }
        }
        ints
    }

    /// A list of texts, written like a list of integers.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.list
            .iter()
            .filter(|(found, _)| found == name)
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect()
    }
}
