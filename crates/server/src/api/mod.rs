//! The generic records (`list`, `get`, `save`, `delete`) and the few odd endpoints, one file each.

pub mod agent_me;
pub mod delete;
pub mod get;
pub mod history;
pub mod list;
pub mod save;
pub mod settings;
