//! Every setting. `aureole.default.toml` is the lowest layer and therefore the documentation.

use std::ops::Range;
use std::time::Duration;

use aureole_catalogue::Limits;
use aureole_catalogue::query::ListLimits;
use serde::Deserialize;
use toml::Value;
use toml::de::{DeTable, DeValue};

use crate::cors::Origins;
use crate::index::Sizes;
use crate::limit::Rate;
use crate::proxies::Proxies;
use crate::vault::{self, KeyText};

/// The documented defaults, compiled in.
pub const DEFAULTS: &str = include_str!("../../../aureole.default.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub listen: String,
    pub database: String,
    pub strict: bool,
    pub log_format: String,
    pub log: String,
    pub public_url: String,
    pub trusted_proxies: String,
    pub rate_limit: String,
    pub secret_key: KeyText,
    pub secret_key_file: String,
    pub limits: LimitSettings,
    pub lists: ListSettings,
    pub cors: CorsSettings,
    pub compression: CompressionSettings,
    pub cache: CacheSettings,
    pub storage: StorageSettings,
    pub tokens: TokenSettings,
    pub feed: FeedSettings,
    pub webhooks: WebhookSettings,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    pub body_bytes: usize,
    pub records_per_post: usize,
    pub text_chars: usize,
    pub elements: usize,
    pub attachment_bytes: usize,
    pub problems: usize,
    pub url_bytes: usize,
    pub connections: usize,
    pub header_seconds: u64,
    pub body_seconds: u64,
    pub write_seconds: u64,
    pub application_requests: usize,
    pub application_share: usize,
    pub stop_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSettings {
    pub page_size: u64,
    pub max_page_size: u64,
    /// 0 = all.
    pub default_count: u64,
    pub conditions: usize,
    pub words: usize,
    pub chunk_rows: usize,
    pub cache_bytes: usize,
    pub index_bytes: usize,
    pub row_bytes: usize,
    pub idle_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheSettings {
    pub changes: usize,
    pub record_bytes: u64,
    /// 0 = nothing is read ahead.
    pub read_ahead_records: i64,
    pub read_ahead_misses: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSettings {
    pub readers: usize,
    pub pool_size: usize,
    pub query_timeout_ms: u64,
    pub read_hold_ms: u64,
    pub id_block: i64,
    pub history_days: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// 0 = never.
    pub signing_key_days: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedSettings {
    pub page_size: i64,
    pub max_page_size: i64,
    pub wait_seconds: u64,
    pub readers: usize,
    pub readers_per_application: usize,
    pub heartbeat_seconds: u64,
    pub poll_ms: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorsSettings {
    pub origins: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompressionSettings {
    pub min_bytes: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    pub allow_networks: String,
    pub ca_file: String,
    pub timeout_seconds: u64,
    pub response_bytes: usize,
    pub attempts: i64,
    pub first_retry_seconds: i64,
    pub max_retry_seconds: i64,
    pub concurrency: usize,
    pub per_tenant: i64,
    pub keep_days: i64,
    pub lease_seconds: i64,
    pub poll_ms: u64,
}

impl Config {
    /// Reads settings from TOML text laid over the defaults.
    ///
    /// # Errors
    /// One line that names what is wrong.
    pub fn from_toml(text: &str) -> Result<Config, String> {
        let mut layers = Layers::defaults()?;
        layers.lay_file(text)?;
        layers.finish()
    }

    /// What an application may ask for, when that is limited.
    pub fn rate(&self) -> Result<Option<Rate>, String> {
        match self.rate_limit.trim() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(str::to_owned),
        }
    }

    /// What request bodies may hold.
    pub fn accept_limits(&self) -> Limits {
        Limits {
            text_chars: self.limits.text_chars,
            elements: self.limits.elements,
            problems: self.limits.problems,
        }
    }

    /// What list requests may ask for.
    pub fn list_limits(&self) -> ListLimits {
        ListLimits {
            page_size: self.lists.page_size,
            max_page_size: self.lists.max_page_size,
            default_count: (self.lists.default_count > 0).then_some(self.lists.default_count),
            conditions: self.lists.conditions,
            words: self.lists.words,
        }
    }

    /// What the index in memory may take.
    pub fn index_sizes(&self) -> Sizes {
        Sizes {
            index_bytes: self.lists.index_bytes,
            row_bytes: self.lists.row_bytes,
            list_bytes: self.lists.cache_bytes,
            idle: Duration::from_secs(self.lists.idle_seconds),
        }
    }

    pub fn storage_options(&self) -> aureole_storage::Options {
        aureole_storage::Options {
            readers: self.storage.readers,
            pool_size: self.storage.pool_size,
            query_timeout_ms: self.storage.query_timeout_ms,
            read_hold_ms: self.storage.read_hold_ms,
            id_block: self.storage.id_block,
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        match Config::from_toml("") {
            Ok(config) => config,
            // The text is compiled in and a test reads it.
            Err(error) => unreachable!("aureole.default.toml: {error}"),
        }
    }
}

/// Settings in the making: the defaults, and what was laid over them so far. Every value is checked
/// when it is laid, so that the error can name where it came from.
pub struct Layers {
    /// By path (`limits.body_bytes`), in the order of the default file.
    values: Vec<(String, Value)>,
}

impl Layers {
    /// The lowest layer.
    ///
    /// # Errors
    /// Never: the text is compiled in and a test reads it.
    pub fn defaults() -> Result<Layers, String> {
        let table: toml::Table = toml::from_str(DEFAULTS).map_err(|error| error.to_string())?;
        let mut values = Vec::new();
        flatten("", table, &mut values);
        Ok(Layers { values })
    }

    /// Every setting's path, and the name of its variable: `AUREOLE_LIMITS_BODY_BYTES`.
    pub fn variables(&self) -> Vec<(String, String)> {
        let name = |path: &str| format!("AUREOLE_{}", path.replace('.', "_").to_uppercase());
        self.values.iter().map(|(path, _)| (path.clone(), name(path))).collect()
    }

    /// Lays the settings of a file on top.
    ///
    /// # Errors
    /// One line that names the setting or the place.
    pub fn lay_file(&mut self, text: &str) -> Result<(), String> {
        let at = |place: Range<usize>, wrong: &str| {
            let before = &text.as_bytes()[..place.start.min(text.len())];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("line {line}: {wrong}")
        };
        let unreadable = |error: toml::de::Error| {
            at(error.span().unwrap_or(0..0), &error.message().replace('\n', "; "))
        };
        let table: toml::Table = toml::from_str(text).map_err(unreadable)?;
        let places = DeTable::parse(text).map_err(unreadable)?;
        let mut values = Vec::new();
        flatten("", table, &mut values);
        for (path, value) in values {
            self.lay(&path, value).map_err(|wrong| {
                at(place_of(places.get_ref(), &path), &format!("{path} {wrong}"))
            })?;
        }
        Ok(())
    }

    /// Lays one setting on top that is written as a variable's text.
    ///
    /// # Errors
    /// The end of a sentence that starts with the setting: "has to be …".
    pub fn lay_text(&mut self, path: &str, text: &str) -> Result<(), String> {
        let default = self.values.iter().find(|(known, _)| known == path);
        let value = match default.map(|(_, value)| value) {
            Some(Value::Integer(_)) => text
                .trim()
                .replace('_', "")
                .parse()
                .map(Value::Integer)
                .map_err(|_| format!("has to be a whole number, not {text:?}"))?,
            Some(Value::Boolean(_)) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Value::Boolean(true),
                "false" | "no" | "off" | "0" => Value::Boolean(false),
                _ => return Err(format!("has to be true or false, not {text:?}")),
            },
            _ => Value::String(text.to_owned()),
        };
        self.lay(path, value)
    }

    fn lay(&mut self, path: &str, value: Value) -> Result<(), String> {
        let Some((_, place)) = self.values.iter_mut().find(|(known, _)| known == path) else {
            return Err("is not a setting".to_owned());
        };
        match (&*place, &value) {
            (Value::Integer(_), Value::Integer(number)) => check_number(path, *number)?,
            (Value::String(_), Value::String(text)) => check_text(path, text)?,
            (Value::Boolean(_), Value::Boolean(_)) => {}
            (Value::Integer(_), _) => return Err("has to be a whole number".to_owned()),
            (Value::Boolean(_), _) => return Err("has to be true or false".to_owned()),
            _ => return Err("has to be text in quotes".to_owned()),
        }
        *place = value;
        Ok(())
    }

    /// The settings, when they agree with each other.
    ///
    /// # Errors
    /// One line that names the settings that don't.
    pub fn finish(self) -> Result<Config, String> {
        let mut table = toml::Table::new();
        for (path, value) in self.values {
            let Some((section, name)) = path.split_once('.') else {
                table.insert(path, value);
                continue;
            };
            let section = table.entry(section).or_insert_with(|| Value::Table(toml::Table::new()));
            if let Value::Table(section) = section {
                section.insert(name.to_owned(), value);
            }
        }
        let config: Config =
            Value::Table(table).try_into().map_err(|error: toml::de::Error| error.to_string())?;
        if config.lists.page_size > config.lists.max_page_size {
            return Err("lists.page_size is larger than lists.max_page_size".to_owned());
        }
        Ok(config)
    }
}

/// Where the key of a setting stands in a file, in bytes.
fn place_of(table: &DeTable<'_>, path: &str) -> Range<usize> {
    let (name, inside) =
        path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == name) else {
        return 0..0;
    };
    match (value.get_ref(), inside) {
        (DeValue::Table(table), Some(inside)) => place_of(table, inside),
        _ => key.span(),
    }
}

fn flatten(prefix: &str, table: toml::Table, values: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let path = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten(&path, inner, values),
            value => values.push((path, value)),
        }
    }
}

/// The largest number where [`RANGES`] names no other: nothing overflows below it.
const LARGEST: i64 = 1_000_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// The settings that may be other than 1 to [`LARGEST`].
const RANGES: &[(&str, i64, i64)] = &[
    ("limits.connections", 1, 1_000_000),
    ("limits.header_seconds", 1, DAY_SECONDS),
    ("limits.body_seconds", 1, DAY_SECONDS),
    ("limits.write_seconds", 1, DAY_SECONDS),
    ("limits.application_requests", 1, 1_000_000),
    ("limits.application_share", 1, 1_000_000),
    ("limits.stop_seconds", 0, DAY_SECONDS),
    ("lists.default_count", 0, LARGEST),
    ("lists.cache_bytes", 0, LARGEST),
    // Places in the index are numbers of 32 bits.
    ("lists.index_bytes", 0, 3_000_000_000),
    ("lists.row_bytes", 0, LARGEST),
    ("lists.idle_seconds", 1, 30 * DAY_SECONDS),
    ("cache.record_bytes", 0, LARGEST),
    ("cache.read_ahead_records", 0, 1_000),
    ("cache.read_ahead_misses", 0, 1_000_000),
    ("storage.readers", 1, 1_000),
    ("storage.pool_size", 1, 1_000),
    ("storage.query_timeout_ms", 1, DAY_SECONDS * 1_000),
    ("storage.read_hold_ms", 0, 60_000),
    ("storage.id_block", 1, 1_000_000),
    ("storage.history_days", 0, 36_500),
    ("tokens.signing_key_days", 0, 36_500),
    ("feed.page_size", 1, 10_000),
    ("feed.max_page_size", 1, 10_000),
    ("feed.wait_seconds", 0, DAY_SECONDS),
    ("feed.readers", 0, 1_000_000),
    ("feed.readers_per_application", 0, 1_000_000),
    ("feed.heartbeat_seconds", 1, DAY_SECONDS),
    ("feed.poll_ms", 10, 60_000),
    ("webhooks.timeout_seconds", 1, 600),
    ("webhooks.attempts", 1, 1_000),
    ("webhooks.first_retry_seconds", 1, DAY_SECONDS),
    ("webhooks.max_retry_seconds", 1, 30 * DAY_SECONDS),
    ("webhooks.concurrency", 1, 1_000),
    ("webhooks.per_tenant", 0, 10_000),
    ("webhooks.keep_days", 1, 36_500),
    ("webhooks.lease_seconds", 2, DAY_SECONDS),
    ("webhooks.poll_ms", 10, 60_000),
];

fn check_number(path: &str, number: i64) -> Result<(), String> {
    let range = RANGES.iter().find(|(known, ..)| *known == path);
    let (least, most) = range.map_or((1, LARGEST), |(_, least, most)| (*least, *most));
    if (least..=most).contains(&number) {
        return Ok(());
    }
    Err(format!("has to be from {least} to {most}, not {number}"))
}

fn check_text(path: &str, text: &str) -> Result<(), String> {
    let (good, expected) = match path {
        "listen" => (is_listen_address(text), "an address and a port such as 127.0.0.1:7070"),
        // The URL may hold a password and is not repeated.
        "database" => {
            let url = text.parse::<aureole_storage::DatabaseUrl>();
            return url.map(|_| ()).map_err(|error| format!("is wrong: {error}"));
        }
        "rate_limit" if text.trim().is_empty() => return Ok(()),
        "rate_limit" => match text.parse::<Rate>() {
            Ok(_) => return Ok(()),
            Err(expected) => (false, expected),
        },
        "trusted_proxies" => match Proxies::parse(text) {
            Ok(_) => return Ok(()),
            Err(expected) => (false, expected),
        },
        "cors.origins" => match Origins::parse(text) {
            Ok(_) => return Ok(()),
            Err(expected) => (false, expected),
        },
        // Keys are not repeated either.
        "secret_key" => return vault::check(text),
        "webhooks.allow_networks" => {
            return crate::webhooks::address::networks(text).map(drop);
        }
        "webhooks.ca_file" => return crate::webhooks::authorities(text).map(drop),
        "log_format" => (matches!(text, "human" | "json"), "human or json"),
        "log" => (
            text.split(',').all(is_log_filter),
            "a level or filters such as info,aureole_server=debug",
        ),
        "public_url" => (
            text.is_empty() || text.starts_with("http://") || text.starts_with("https://"),
            "empty or an address that starts with http:// or https://",
        ),
        _ => return Ok(()),
    };
    if good { Ok(()) } else { Err(format!("has to be {expected}, not {text:?}")) }
}

fn is_listen_address(text: &str) -> bool {
    if text.parse::<std::net::SocketAddr>().is_ok() {
        return true;
    }
    let is_host = |host: &str| {
        !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    };
    // A host of digits and dots is a mistyped address, not a name.
    let is_name = |host: &str| is_host(host) && host.bytes().any(|byte| byte.is_ascii_alphabetic());
    text.rsplit_once(':').is_some_and(|(host, port)| is_name(host) && port.parse::<u16>().is_ok())
}

/// A level, or the start of a module's path with its level.
fn is_log_filter(text: &str) -> bool {
    let (target, level) = text.rsplit_once('=').unwrap_or(("aureole", text));
    let is_target = !target.is_empty()
        && target.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte));
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    is_target && levels.iter().any(|known| known.eq_ignore_ascii_case(level))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
