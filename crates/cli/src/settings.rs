//! The layers of settings: flag, variable, file, default.

use std::path::Path;

use aureole_server::config::{Config, Layers};

use crate::args::{Args, Command};
use crate::failure::Failure;

/// Read when there is no `--config`, and only if it is there.
const FILE: &str = "aureole.toml";

pub struct Settings {
    pub config: Config,
    /// Whether a flag or a variable names the database: `serve --demo` otherwise takes its own.
    pub database_given: bool,
}

/// Reads every layer.
///
/// # Errors
/// The first wrong value, named by where it stands.
pub fn read(args: &Args) -> Result<Settings, Failure> {
    let mut layers = Layers::defaults().map_err(Failure::Wrong)?;
    read_file(args.global.config.as_deref(), &mut layers)?;
    let mut database_given = args.global.database.is_some();
    for (path, variable) in layers.variables() {
        let Some(text) = std::env::var_os(&variable) else {
            continue;
        };
        let Some(text) = text.to_str() else {
            return Err(Failure::Wrong(format!("{variable} is not UTF-8")));
        };
        let laid = layers.lay_text(&path, text);
        laid.map_err(|wrong| Failure::Wrong(format!("{variable} {wrong}")))?;
        database_given |= path == "database";
    }
    for (flag, path, text) in flags(args) {
        let laid = layers.lay_text(path, text);
        laid.map_err(|wrong| Failure::Wrong(format!("{flag} {wrong}")))?;
    }
    let config = layers.finish().map_err(Failure::Wrong)?;
    Ok(Settings { config, database_given })
}

fn read_file(given: Option<&Path>, layers: &mut Layers) -> Result<(), Failure> {
    let file = given.unwrap_or(Path::new(FILE));
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && given.is_none() => {
            return Ok(());
        }
        Err(error) => {
            return Err(Failure::Wrong(format!("{} can't be read: {error}", file.display())));
        }
    };
    let laid = layers.lay_file(&text);
    laid.map_err(|wrong| Failure::Wrong(format!("{}: {wrong}", file.display())))
}

/// The flags that are settings: flag, path, text.
fn flags(args: &Args) -> Vec<(&'static str, &'static str, &str)> {
    let mut flags = Vec::new();
    if let Some(database) = &args.global.database {
        flags.push(("--database", "database", database.as_str()));
    }
    if let Command::Serve(serve) = &args.command {
        if let Some(listen) = &serve.listen {
            flags.push(("--listen", "listen", listen));
        }
        if let Some(format) = &serve.log_format {
            flags.push(("--log-format", "log_format", format));
        }
        if let Some(rate) = &serve.rate_limit {
            flags.push(("--rate-limit", "rate_limit", rate));
        }
        if serve.strict {
            flags.push(("--strict", "strict", "true"));
        }
    }
    flags
}
