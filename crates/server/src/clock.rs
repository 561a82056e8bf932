//! The time, as an argument.

use std::sync::Arc;

/// Tells the time. Tests bring their own.
#[derive(Clone)]
pub struct Clock {
    read: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let read = || jiff::Timestamp::now().as_millisecond();
        Clock { read: Arc::new(read) }
    }

    /// A clock that answers what `read` says, in milliseconds since 1970.
    pub fn from_fn(read: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
        Clock { read: Arc::new(read) }
    }

    /// Milliseconds since 1970, UTC.
    pub fn now_ms(&self) -> i64 {
        (self.read)()
    }

    /// Now in the wire's form.
    pub fn now_text(&self) -> String {
        aureole_catalogue::value::format_millis(self.now_ms() / 1000 * 1000)
    }
}
