//! What the records are: const field tables and pure functions over them. No I/O, no HTTP.

pub mod accept;
pub mod doc;
pub mod entities;
pub mod entity;
pub mod field;
pub mod filter;
mod index;
pub mod keys;
pub mod query;
pub mod record;
pub mod render;
pub mod show;
pub mod value;

pub use accept::{Change, Limits, Problems, accept};
pub use entity::{ENTITIES, Entity, EntityKind};
pub use field::{Field, Kind, Mode, Schema, Source};
pub use filter::Filter;
pub use index::Index;
pub use query::{ListQuery, Params};
pub use record::{Key, Record};
pub use show::Show;
