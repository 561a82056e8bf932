//! What can go wrong with a request, and the only file that names status codes of errors.

use aureole_catalogue::Problems;
use serde_json::{Map, Value, json};

use crate::auth::grants::TokenError;

pub type Result<T> = std::result::Result<T, ApiError>;

/// An answer that is not the one that the caller hoped for.
#[derive(Debug)]
pub enum ApiError {
    /// Something in the request is wrong; every problem by path. `place` names the collection in
    /// the message: `clients` in `clients[3].name must not be empty`.
    Validation {
        place: &'static str,
        problems: Problems,
    },
    /// Another record has what must be unique; `id` is the other's, 0 when it was written so
    /// recently that only the database knows.
    Duplicate {
        place: &'static str,
        problems: Problems,
        id: i64,
    },
    /// Something hangs on the record; the sentence carries the counts.
    InUse {
        path: String,
        message: String,
        counts: Vec<(&'static str, i64)>,
    },
    NotFound(String),
    Unauthorized(String),
    /// The token is good and the right is missing; the sentence names the right.
    Forbidden(String),
    PreconditionFailed(String),
    RateLimited {
        message: String,
        retry_after_s: u64,
    },
    MethodNotAllowed {
        allow: &'static str,
    },
    UnsupportedMediaType(String),
    IdempotencyMismatch,
    TooLarge {
        limit_bytes: usize,
    },
    /// The path and query together are longer than `limit_bytes`.
    AddressTooLong {
        limit_bytes: usize,
    },
    /// The address and the headers together are more than is read of them.
    HeadTooLarge,
    /// The database can't answer now.
    Unavailable(String),
    /// A defect of ours; the text is for the log.
    Internal(String),
}

impl ApiError {
    /// One problem with a parameter or a field.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> ApiError {
        let mut problems = Problems::default();
        problems.add(path, message);
        ApiError::Validation { place: "", problems }
    }

    pub fn missing(what: &str, id: i64) -> ApiError {
        ApiError::NotFound(format!("{what} {id} does not exist"))
    }

    /// Status, code and class name.
    fn kind(&self) -> (u16, &'static str, &'static str) {
        match self {
            ApiError::Validation { .. } => (400, "validation", "ValidationError"),
            ApiError::Duplicate { .. } => (400, "duplicate", "DuplicateError"),
            ApiError::InUse { .. } => (400, "in_use", "InUseError"),
            ApiError::NotFound(_) => (404, "not_found", "NotFoundError"),
            ApiError::Unauthorized(_) => (401, "unauthorized", "UnauthorizedError"),
            ApiError::Forbidden(_) => (403, "forbidden", "ForbiddenError"),
            ApiError::PreconditionFailed(_) => {
                (412, "precondition_failed", "PreconditionFailedError")
            }
            ApiError::RateLimited { .. } => (429, "rate_limited", "RateLimitedError"),
            ApiError::MethodNotAllowed { .. } => {
                (405, "method_not_allowed", "MethodNotAllowedError")
            }
            ApiError::UnsupportedMediaType(_) => {
                (415, "unsupported_media_type", "UnsupportedMediaTypeError")
            }
            ApiError::IdempotencyMismatch => {
                (422, "idempotency_mismatch", "IdempotencyMismatchError")
            }
            ApiError::TooLarge { .. } => (413, "too_large", "TooLargeError"),
            ApiError::AddressTooLong { .. } => (414, "too_large", "AddressTooLongError"),
            ApiError::HeadTooLarge => (431, "too_large", "HeadTooLargeError"),
            ApiError::Unavailable(_) => (503, "unavailable", "UnavailableError"),
            ApiError::Internal(_) => (500, "internal", "InternalError"),
        }
    }

    pub fn status(&self) -> u16 {
        self.kind().0
    }

    /// The body that every client can read.
    pub fn body(&self, request_id: &str) -> Value {
        let (status, code, class_name) = self.kind();
        let mut body = json!({
            "ClassName": class_name,
            "Message": self.message(),
            "errors": self.errors(),
            "status": status,
            "code": code,
            "request_id": request_id,
        });
        match self {
            // Without the id of a record that the caller may not see.
            ApiError::Duplicate { id, .. } if *id > 0 => body["id"] = json!(id),
            ApiError::InUse { counts, .. } => {
                let counts: Map<String, Value> =
                    counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
                body["counts"] = Value::Object(counts);
            }
            // HaloPSA for Python reads these two unguarded on every 401.
            ApiError::Unauthorized(message) => {
                body["error"] = json!("invalid_token");
                body["error_description"] = json!(message);
            }
            _ => {}
        }
        body
    }

    /// The body with the two members that OAuth prescribes, for requests to the token endpoint.
    pub fn oauth_body(&self, request_id: &str) -> Value {
        let mut body = self.body(request_id);
        body["error"] =
            json!(if self.status() >= 500 { "server_error" } else { "invalid_request" });
        body["error_description"] = json!(self.message());
        body
    }

    /// The same error about a collection: paths that begin with an index get its name in front.
    pub fn about(self, collection: &'static str) -> ApiError {
        match self {
            ApiError::Validation { place: "", problems } => {
                ApiError::Validation { place: collection, problems }
            }
            other => other,
        }
    }

    /// A sentence for a person.
    pub fn message(&self) -> String {
        match self {
            ApiError::Validation { place, problems }
            | ApiError::Duplicate { place, problems, .. } => summary(place, problems),
            ApiError::InUse { message, .. }
            | ApiError::NotFound(message)
            | ApiError::Unauthorized(message)
            | ApiError::Forbidden(message)
            | ApiError::PreconditionFailed(message)
            | ApiError::RateLimited { message, .. }
            | ApiError::UnsupportedMediaType(message) => message.clone(),
            ApiError::MethodNotAllowed { allow } => format!("this path takes {allow}"),
            ApiError::IdempotencyMismatch => {
                "this Idempotency-Key was used with another body".to_owned()
            }
            ApiError::TooLarge { limit_bytes } => {
                format!("the body is larger than {limit_bytes} bytes")
            }
            ApiError::AddressTooLong { limit_bytes } => {
                format!("the address is longer than {limit_bytes} bytes")
            }
            ApiError::HeadTooLarge => {
                "the headers of the request are too many or too long".to_owned()
            }
            ApiError::Unavailable(_) => "the database can't answer now; try again".to_owned(),
            ApiError::Internal(_) => "something went wrong on the server".to_owned(),
        }
    }

    fn errors(&self) -> Value {
        let mut errors: Map<String, Value> = Map::new();
        let mut add = |path: &str, message: &str| {
            let entry = errors.entry(path.to_owned()).or_insert_with(|| json!([]));
            if let Value::Array(list) = entry {
                list.push(json!(message));
            }
        };
        match self {
            ApiError::Validation { problems, .. } | ApiError::Duplicate { problems, .. } => {
                problems.iter().for_each(|(path, message)| add(path, message));
            }
            ApiError::InUse { path, message, .. } if !path.is_empty() => add(path, message),
            _ => {}
        }
        Value::Object(errors)
    }
}

/// The body of a refused token request: what OAuth prescribes, and what every error has.
pub fn token_refusal(refusal: &TokenError, request_id: &str) -> Value {
    let oauth = refusal.body();
    let message = oauth["error_description"].as_str().unwrap_or_default().to_owned();
    let alike = match refusal.status() {
        401 => ApiError::Unauthorized(message.clone()),
        429 => {
            let retry_after_s = refusal.retry_after_s().unwrap_or(1);
            ApiError::RateLimited { message: message.clone(), retry_after_s }
        }
        503 => ApiError::Unavailable(String::new()),
        _ => ApiError::Validation { place: "", problems: Problems::default() },
    };
    let mut body = alike.body(request_id);
    body["Message"] = json!(message);
    body["error"] = oauth["error"].clone();
    body["error_description"] = oauth["error_description"].clone();
    body
}

/// The first problem, and how many more there are.
fn summary(place: &str, problems: &Problems) -> String {
    let Some((path, message)) = problems.iter().next() else {
        return "the request is not valid".to_owned();
    };
    let place = if path.starts_with('[') { place } else { "" };
    let subject = if path.is_empty() { "the body" } else { path };
    match problems.len() - 1 {
        0 => format!("{place}{subject} {message}"),
        more => format!("{place}{subject} {message} (and {more} more)"),
    }
}

impl From<aureole_storage::Error> for ApiError {
    fn from(error: aureole_storage::Error) -> ApiError {
        match error {
            aureole_storage::Error::Unavailable(_) | aureole_storage::Error::Timeout => {
                ApiError::Unavailable(error.to_string())
            }
            // Another request took the name between a check and its write.
            aureole_storage::Error::Unique { .. } => {
                let mut problems = Problems::default();
                problems.add("", "has a name or key that another request took just now");
                ApiError::Duplicate { place: "", problems, id: 0 }
            }
            other => ApiError::Internal(other.to_string()),
        }
    }
}
