//! Every setting. `aureole.default.toml` is the lowest layer and therefore the documentation.

use aureole_catalogue::Limits;
use aureole_catalogue::query::ListLimits;
use serde::Deserialize;

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
    pub limits: LimitSettings,
    pub lists: ListSettings,
    pub storage: StorageSettings,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    pub body_bytes: usize,
    pub records_per_post: usize,
    pub text_chars: usize,
    pub elements: usize,
    pub problems: usize,
    pub url_bytes: usize,
    pub connections: usize,
    pub header_seconds: u64,
    pub body_seconds: u64,
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

impl Config {
    /// Reads settings from TOML text laid over the defaults; the error names the wrong setting.
    pub fn from_toml(text: &str) -> Result<Config, String> {
        let mut base: toml::Table = toml::from_str(DEFAULTS).map_err(|error| error.to_string())?;
        let over: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
        lay_over(&mut base, over);
        toml::Value::Table(base).try_into().map_err(|error: toml::de::Error| error.to_string())
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

fn lay_over(base: &mut toml::Table, over: toml::Table) {
    for (name, value) in over {
        match (base.get_mut(&name), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => lay_over(inner, value),
            (_, value) => {
                base.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_is_complete() {
        let config = Config::from_toml("").unwrap();
        assert_eq!(config.lists.page_size, 50);
    }

    #[test]
    fn an_unknown_setting_is_named() {
        let error = Config::from_toml("[limits]\nbody_bites = 1").unwrap_err();
        assert!(error.contains("body_bites"), "{error}");
    }
}
