//! The generic records (`list`, `get`, `save`, `delete`) and the few odd endpoints, one file each.

pub mod agent_me;
pub mod asof;
pub mod attachments;
pub mod changes;
pub mod client_actions;
pub mod console;
pub mod delete;
pub mod get;
pub mod history;
pub mod idempotency;
pub mod invoiced;
pub mod list;
pub mod merge;
pub mod openapi;
pub mod popups;
pub mod prepay;
pub mod request_types;
pub mod restore;
pub mod save;
pub mod settings;
pub mod sign_in;
pub mod start_up;
pub mod webhooks;
