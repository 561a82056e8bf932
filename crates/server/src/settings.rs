//! A tenant's settings, with their defaults.

use serde_json::{Value, json};

use aureole_catalogue::keys::settings;
use aureole_catalogue::{EntityKind, Mode, Record};
use aureole_storage::settings::ID;
use aureole_storage::{Read, records};

use crate::error::Result;
use crate::rules::periods::{self, Period};

/// What an administrator can set. Unset ones have these defaults.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The client that is the firm itself; 0 = none.
    pub internal_client_id: i64,
    /// Where a client goes that names no top level; 0 = the first one.
    pub default_toplevel_id: i64,
    /// Kind of record to names of fields that must be set.
    pub mandatory_fields: Vec<(String, Vec<String>)>,
    /// The labels of period codes, when they differ from the built-in ones.
    pub period_codes: Option<Value>,
    /// How long history can be restored; `None` = as the configuration says.
    pub history_days: Option<i64>,
}

/// Every setting.
const NAMES: &[&str] = &[
    "internal_client_id",
    "default_toplevel_id",
    "mandatory_fields",
    "period_codes",
    "history_days",
];

/// Checks one setting of a body; null is the default. The error is a sentence without the name.
pub fn check(name: &str, value: &Value) -> std::result::Result<(), String> {
    if value.is_null() && NAMES.contains(&name) {
        return Ok(());
    }
    let integer = || value.as_i64().filter(|id| (0..=i64::from(i32::MAX)).contains(id));
    match name {
        "internal_client_id" | "default_toplevel_id" => {
            integer().map(drop).ok_or_else(|| "must be an id, or 0 for none".to_owned())
        }
        "history_days" => integer()
            .filter(|days| (1..=36_500).contains(days))
            .map(drop)
            .ok_or_else(|| "must be a number of days from 1 to 36500".to_owned()),
        "mandatory_fields" => match mandatory(value) {
            Some(fields) => check_fields(&fields),
            None => Err(r#"must look like {"Client": ["website"]}"#.to_owned()),
        },
        "period_codes" => check_codes(value),
        _ => Err("is not a setting".to_owned()),
    }
}

/// Every code has a label, and it is clear how long the period is.
fn check_codes(value: &Value) -> std::result::Result<(), String> {
    let shape = || r#"must look like {"2": "Monthly"}"#.to_owned();
    for (code, label) in value.as_object().ok_or_else(shape)? {
        let (code, label) =
            (code.parse::<u8>().map_err(|_| shape())?, label.as_str().ok_or_else(shape)?);
        if periods::of(i64::from(code), label).is_none() {
            return Err(format!(
                "has {label:?} for code {code}, which says no length; Monthly or 18 months would"
            ));
        }
    }
    Ok(())
}

fn check_fields(fields: &[(String, Vec<String>)]) -> std::result::Result<(), String> {
    for (kind, names) in fields {
        let entity = aureole_catalogue::ENTITIES.iter().find(|entity| entity.name == kind);
        let entity =
            entity.ok_or_else(|| format!("names the kind {kind:?}, which does not exist"))?;
        for name in names {
            let field = entity.schema.find(name).map(|at| &entity.schema.fields[at]);
            let field = field
                .ok_or_else(|| format!("names the field {name:?}, which {kind} does not have"))?;
            if matches!(field.mode, Mode::Computed | Mode::Out | Mode::Name) {
                return Err(format!("names the field {name:?}, which nobody can set"));
            }
        }
    }
    Ok(())
}

fn mandatory(value: &Value) -> Option<Vec<(String, Vec<String>)>> {
    let object = value.as_object()?;
    object
        .iter()
        .map(|(kind, names)| {
            let names = names.as_array()?.iter().map(|name| name.as_str().map(str::to_owned));
            Some((kind.clone(), names.collect::<Option<Vec<String>>>()?))
        })
        .collect()
}

/// Reads a tenant's settings.
pub async fn load(reader: &mut impl Read, tenant: i64) -> Result<Settings> {
    let entity = EntityKind::Settings.entity();
    let doc = records::doc(reader, tenant, entity, ID).await?;
    let record = Record::from_doc(entity.schema, doc.as_deref().unwrap_or("{}"));
    Ok(Settings {
        internal_client_id: record.int(settings::INTERNAL_CLIENT_ID),
        default_toplevel_id: record.int(settings::DEFAULT_TOPLEVEL_ID),
        mandatory_fields: record
            .get(settings::MANDATORY_FIELDS)
            .and_then(mandatory)
            .unwrap_or_default(),
        period_codes: record.get(settings::PERIOD_CODES).cloned(),
        history_days: Some(record.int(settings::HISTORY_DAYS)).filter(|days| *days > 0),
    })
}

impl Settings {
    /// The names of the fields of `kind` that must be set.
    pub fn mandatory(&self, kind: &str) -> &[String] {
        let found = self.mandatory_fields.iter().find(|(name, _)| name == kind);
        found.map(|(_, names)| names.as_slice()).unwrap_or_default()
    }

    /// What a period code means; `None` when the lookup does not have it.
    pub fn period(&self, code: i64) -> Option<Period> {
        let codes = self.period_codes.clone().unwrap_or_else(period_codes);
        periods::of(code, codes.get(code.to_string())?.as_str()?)
    }

    pub fn to_json(&self) -> Value {
        let mandatory: serde_json::Map<String, Value> = self
            .mandatory_fields
            .iter()
            .map(|(kind, names)| (kind.clone(), json!(names)))
            .collect();
        json!({
            "internal_client_id": self.internal_client_id,
            "default_toplevel_id": self.default_toplevel_id,
            "mandatory_fields": mandatory,
            "period_codes": self.period_codes.clone().unwrap_or_else(period_codes),
            "history_days": self.history_days,
        })
    }
}

/// The built-in period codes.
pub fn period_codes() -> Value {
    let codes = periods::CODES.iter();
    Value::Object(codes.map(|(code, label)| (code.to_string(), json!(label))).collect())
}
