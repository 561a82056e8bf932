//! `/console`: clients and sites for people to look at. The pages are files that are compiled in; they
//! read the API with a token of the person who has signed in, and so see what that person may see.

use http::header::{ACCEPT, HeaderMap, LOCATION};

use crate::app::App;
use crate::auth::console;
use crate::error::{ApiError, Result};
use crate::reply::{self, Reply};

const PAGE: &str = include_str!("console/index.html");
const SCRIPT: &str = "text/javascript; charset=utf-8";
/// The files of the page: name, type, content.
pub const FILES: &[(&str, &str, &str)] = &[
    ("console.css", "text/css; charset=utf-8", include_str!("console/console.css")),
    ("console.js", SCRIPT, include_str!("console/console.js")),
    ("dom.js", SCRIPT, include_str!("console/dom.js")),
    ("lists.js", SCRIPT, include_str!("console/lists.js")),
    ("records.js", SCRIPT, include_str!("console/records.js")),
    ("session.js", SCRIPT, include_str!("console/session.js")),
];

/// Only files of this server, and requests to this server; no script in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The place of a file in [`FILES`].
pub fn file_place(folded: &str) -> Option<usize> {
    FILES.iter().position(|(name, ..)| *name == folded)
}

/// The page. Its files are named relative to `path`, the path as the caller wrote it.
///
/// # Errors
/// From the database, when the tenant's console is opened for the first time.
pub async fn page(app: &App, path: &str, tenant: &str) -> Result<Reply> {
    app.auth.ensure_console(tenant, app.clock.now_ms()).await?;
    let files = if path.ends_with('/') { "" } else { "console/" };
    Ok(dress(reply::text(200, "text/html; charset=utf-8", PAGE.replace("{files}", files))))
}

/// A file of the page.
pub fn file(place: usize) -> Reply {
    let (_, content_type, content) = FILES[place];
    dress(reply::text(200, content_type, content))
}

/// The server's own address: a browser is led to the console beside it, whatever name it knows the server by;
/// a program is told that there is nothing here.
///
/// # Errors
/// [`ApiError::NotFound`] for all but browsers.
pub fn root(headers: &HeaderMap) -> Result<Reply> {
    let accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    if !accepted.into_iter().any(|accepted| accepted.contains("text/html")) {
        return Err(ApiError::NotFound("there is no path /".to_owned()));
    }
    let mut reply = reply::text(303, "text/plain; charset=utf-8", "");
    reply::set(&mut reply, LOCATION, console::PATH.trim_start_matches('/'));
    reply::vary(&mut reply, "Accept");
    Ok(dress(reply))
}

fn dress(mut reply: Reply) -> Reply {
    // A new version's files fit together.
    reply::guard(&mut reply, Some(POLICY), "no-cache");
    reply
}
