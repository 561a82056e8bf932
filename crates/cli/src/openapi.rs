//! `aureole openapi`: the description of the API, for programs that generate clients.

use aureole_server::{Config, openapi};

use crate::args::{DocumentFormat, OpenApi};
use crate::failure::Failure;
use crate::output;

/// Prints the document, for the address in the settings or, without one, relative to the server's.
pub fn print(asked: &OpenApi, config: &Config) -> Result<(), Failure> {
    let document = openapi::document(&config.public_url, config);
    match asked.format {
        DocumentFormat::Json => output::print(&format!("{document:#}\n")),
        DocumentFormat::Yaml => output::print(&openapi::yaml(&document)),
    }
}
