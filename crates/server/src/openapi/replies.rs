//! The replies of operations: bodies, headers, and what can go wrong.

use serde_json::{Map, Value, json};

use super::schemas::reference;

/// Every error: status, name of its reply, and when it comes.
const ERRORS: &[(u16, &str, &str)] = &[
    (
        400,
        "Invalid",
        "Something in the request is wrong, or the rules refuse it; `errors` has every problem by its path. Codes: `validation`, `duplicate`, `in_use`.",
    ),
    (401, "Unauthorized", "There is no token, or it is not good."),
    (403, "Forbidden", "The token is good, and the right is missing; the message names the scope."),
    (404, "NotFound", "There is no such record, or the caller may not see it."),
    (
        405,
        "MethodNotAllowed",
        "The path does not have this method; `Allow` names those it has. Any path answers so.",
    ),
    (412, "PreconditionFailed", "The record was changed since the entity tag of `If-Match`."),
    (413, "TooLarge", "The body is too large."),
    (
        414,
        "AddressTooLong",
        "The address (path and query) is longer than this server reads. Any path answers so.",
    ),
    (415, "UnsupportedMediaType", "The body is not JSON."),
    (422, "IdempotencyMismatch", "This `Idempotency-Key` was used with another body."),
    (
        429,
        "RateLimited",
        "Too many requests; `Retry-After` says how long to wait. Every reply to a limited application has `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds).",
    ),
    (431, "HeadTooLarge", "The headers are too many or too long. Any path answers so."),
    (500, "Internal", "A defect of the server; its log has the cause under the `request_id`."),
    (503, "Unavailable", "The database can't answer now."),
];

/// The replies that operations refer to.
pub fn components() -> Value {
    let mut replies = Map::new();
    for (status, name, text) in ERRORS {
        let mut headers =
            json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
        let more = match status {
            401 => Some(("WWW-Authenticate", "The kind of token that is needed.")),
            405 => Some(("Allow", "The methods of the path.")),
            429 | 503 => Some(("Retry-After", "Seconds to wait.")),
            _ => None,
        };
        if let Some((header, text)) = more {
            headers[header] =
                json!({ "required": true, "description": text, "schema": { "type": "string" } });
        }
        replies.insert(
            (*name).to_owned(),
            json!({
                "description": text,
                "headers": headers,
                "content": { "application/json": { "schema": reference("Error") } },
            }),
        );
    }
    Value::Object(replies)
}

/// Adds errors to the replies of an operation.
pub fn add_errors(replies: &mut Map<String, Value>, statuses: &[u16]) {
    for (status, name, _) in ERRORS.iter().filter(|(status, ..)| statuses.contains(status)) {
        replies.insert(
            status.to_string(),
            json!({ "$ref": format!("#/components/responses/{name}") }),
        );
    }
}

/// A reply with a JSON body.
pub fn json_reply(text: &str, schema: Value) -> Value {
    reply(text, "application/json", schema)
}

/// A reply with a body of any type.
pub fn reply(text: &str, content_type: &str, schema: Value) -> Value {
    json!({
        "description": text,
        "headers": { "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } },
        "content": { content_type: { "schema": schema } },
    })
}

pub fn headers() -> Value {
    json!({
        "X-Request-Id": {
            "description": "The request's id in the server's log: the caller's own, or a new one.",
            "required": true,
            "schema": { "type": "string" },
        },
        "ETag": {
            "description": "Changes with every write to the record.",
            "schema": { "type": "string" },
        },
        "X-Change-Id": {
            "description": "The change in the history by which this can be undone.",
            "schema": { "type": "string" },
        },
        "Idempotency-Replayed": {
            "description": "`true` when this is the first reply to the same request, again.",
            "schema": { "type": "string", "const": "true" },
        },
    })
}

/// The body of every error.
pub fn error_schema() -> Value {
    json!({
        "type": "object",
        "description": "Every error has this body.",
        "required": ["ClassName", "Message", "errors", "status", "code", "request_id"],
        "properties": {
            "ClassName": { "type": "string", "examples": ["ValidationError"] },
            "Message": { "type": "string", "description": "A sentence for a person." },
            "errors": {
                "type": "object",
                "description": "Every problem by its path, such as `[3].name`.",
                "additionalProperties": { "type": "array", "items": { "type": "string" } },
            },
            "status": { "type": "integer" },
            "code": {
                "type": "string",
                "enum": [
                    "validation", "duplicate", "in_use", "not_found", "unauthorized", "forbidden",
                    "precondition_failed", "rate_limited", "method_not_allowed", "unsupported_media_type",
                    "idempotency_mismatch", "too_large", "unavailable", "internal",
                ],
            },
            "request_id": { "type": "string" },
            "id": { "type": "integer", "description": "With `duplicate`: the other record." },
            "counts": {
                "type": "object",
                "description": "With `in_use`: how many records hang on this one, by kind.",
                "additionalProperties": { "type": "integer" },
            },
            "error": { "type": "string", "description": "OAuth's code, where OAuth asks for one." },
            "error_description": { "type": "string", "description": "OAuth's sentence." },
        },
    })
}
