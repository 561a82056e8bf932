//! Why a command ended early, and the exit code that says so.

use std::fmt;

use aureole_server::auth::AuthError;

#[derive(Debug)]
pub enum Failure {
    /// A wrong value of an option or a setting, also one that only the database knows to be wrong, such
    /// as a tenant that does not exist or a name that is taken: exit code 2.
    Wrong(String),
    /// Everything else, such as a database that can't be reached: exit code 1.
    Failed(String),
}

impl Failure {
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Wrong(_) => 2,
            Failure::Failed(_) => 1,
        }
    }
}

/// One line, whatever the cause wrote.
impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Failure::Wrong(text) | Failure::Failed(text)) = self;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        out.write_str(lines.next().unwrap_or("unknown failure"))?;
        lines.try_for_each(|line| write!(out, " {line}"))
    }
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Failure {
        match error {
            AuthError::Refused(sentence) => Failure::Wrong(sentence),
            other => Failure::Failed(other.to_string()),
        }
    }
}
