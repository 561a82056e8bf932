//! What the operations of signing in take and answer.

use serde_json::{Value, json};

use super::replies::{add_errors, reply};

/// The errors that every path has, whatever it is: JSON.
const ANYWHERE: &[u16] = &[413, 500];

/// True for the page where people sign in.
pub fn is_page(path: &str) -> bool {
    path.ends_with("/authorize")
}

/// The replies of the page.
pub fn page_replies() -> Value {
    let page = |text: &str| reply(text, "text/html", json!({ "type": "string" }));
    let mut back = reply(
        "Back to the application: `code`, `state` and `iss` in the address, or `error`.",
        "text/plain",
        json!({ "type": "string" }),
    );
    back["headers"]["Location"] = json!({
        "required": true, "description": "The redirect address.", "schema": { "type": "string" },
    });
    let mut later = page("Too many wrong passwords; the page again.");
    later["headers"]["Retry-After"] = json!({
        "required": true, "description": "Seconds to wait.", "schema": { "type": "string" },
    });
    let mut replies = serde_json::Map::new();
    for (status, reply) in [
        ("200", page("The page where people sign in.")),
        ("303", back),
        (
            "400",
            page("The application or its redirect address is not known, or the password is wrong."),
        ),
        ("403", page("The form did not come from this server's page, or the tenant is suspended.")),
        ("429", later),
        ("503", page("The database can't answer now.")),
    ] {
        replies.insert(status.to_owned(), reply);
    }
    add_errors(&mut replies, ANYWHERE);
    Value::Object(replies)
}

/// The body of the page's form.
pub fn page_form() -> Value {
    let text = json!({ "type": "string" });
    let form = json!({
        "type": "object",
        "required": ["form_token"],
        "properties": {
            "form_token": { "type": "string", "description": "Belongs to the browser's cookie and to the address." },
            "username": text,
            "password": { "type": "string", "writeOnly": true },
            "action": { "type": "string", "description": "`cancel` goes back without signing in." },
        },
    });
    form_body(form)
}

/// The body of a revocation.
pub fn revocation() -> Value {
    let text = json!({ "type": "string" });
    form_body(json!({
        "type": "object",
        "required": ["token"],
        "properties": {
            "token": { "type": "string", "writeOnly": true, "description": "A refresh token or an access token." },
            "token_type_hint": text,
            "client_id": { "type": "string", "description": "The application's id and secret may come by HTTP Basic instead." },
            "client_secret": { "type": "string", "writeOnly": true },
            "tenant": text,
        },
    }))
}

fn form_body(schema: Value) -> Value {
    json!({
        "required": true,
        "content": { "application/x-www-form-urlencoded": { "schema": schema } },
    })
}
