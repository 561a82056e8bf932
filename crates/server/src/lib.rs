//! How the world talks to Aureole: HTTP, tokens, rules. No SQL.

mod api;
pub mod app;
pub mod auth;
pub mod clock;
mod compress;
pub mod config;
mod connection;
mod cors;
pub mod demo;
pub mod endpoints;
pub mod error;
mod feed;
pub mod fresh;
mod front;
pub mod index;
pub mod jobs;
mod limit;
mod lists;
pub mod load;
mod metrics;
pub mod openapi;
mod proxies;
mod reply;
mod rights;
mod routes;
mod rules;
mod save;
mod seed;
pub mod serve;
mod settings;
mod time_zones;
pub mod vault;
mod wire;

pub use app::App;
pub use clock::Clock;
pub use config::Config;
