//! What tests share: databases, a server on them, actors and a clock.

mod actor;
pub mod browser;
pub mod postgres;
mod server;

pub use actor::{Actor, Answer};
pub use server::{Database, Server};

/// Runs an async test body on SQLite and on PostgreSQL, as two tests in a module of that name.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_sqlite() {
                    let server = $crate::Server::start($crate::Database::Sqlite).await;
                    super::$name(&server).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_postgres() {
                    let server = $crate::Server::start($crate::Database::Postgres).await;
                    super::$name(&server).await;
                }
            }
        )+
    };
}
