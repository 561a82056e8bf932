//! GET /openapi.json, and /docs: the same as a page to read and try, without a file from elsewhere.

use std::collections::HashMap;
use std::io::Read;
use std::sync::OnceLock;

use bytes::Bytes;

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::reply::{self, Reply};

/// The files of the page.
pub const FILES: &[&str] = &[BUNDLE, STYLE, START];

const BUNDLE: &str = "swagger-ui-bundle.js";
const STYLE: &str = "swagger-ui.css";
const START: &str = "start.js";

const PAGE: &str = include_str!("docs/index.html");
const START_SCRIPT: &str = include_str!("docs/start.js");

/// Stands for the server's address in the document that is kept.
const BASE: &str = "{base}";

/// Only files of this server, and requests to this server. Swagger UI draws some icons from `data:`
/// addresses.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is made at first use and kept.
#[derive(Default)]
pub struct Docs {
    document: OnceLock<String>,
    files: OnceLock<HashMap<&'static str, Bytes>>,
}

/// A file of the page, by its folded name.
pub fn file_name(folded: &str) -> Option<&'static str> {
    FILES.iter().copied().find(|name| *name == folded)
}

/// The document for a server that the caller reached under `base_url`.
pub fn document(app: &App, base_url: &str) -> Reply {
    let text =
        app.docs.document.get_or_init(|| crate::openapi::document(BASE, &app.config).to_string());
    let base_url = aureole_catalogue::render::quote(base_url);
    reply::json(200, text.replace(BASE, base_url.trim_matches('"')))
}

/// The page. Its files are named relative to `path`, the path as the caller wrote it.
pub fn page(path: &str) -> Reply {
    let (files, document) =
        if path.ends_with('/') { ("", "../openapi.json") } else { ("docs/", "openapi.json") };
    let page = PAGE.replace("{files}", files).replace("{document}", document);
    let mut reply = reply::text(200, "text/html; charset=utf-8", page);
    reply::guard(&mut reply, Some(POLICY), "no-cache");
    reply
}

/// A file of the page.
///
/// # Errors
/// [`ApiError::Internal`] when the archive that is compiled in lacks it.
pub fn file(app: &App, name: &'static str) -> Result<Reply> {
    let content_type = match name {
        STYLE => "text/css; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    };
    let body = app.docs.files.get_or_init(unpack).get(name).cloned();
    let body =
        body.ok_or_else(|| ApiError::Internal(format!("the archive of Swagger UI has no {name}")))?;
    let mut reply = reply::text(200, content_type, body);
    reply::guard(&mut reply, None, "public, max-age=3600");
    Ok(reply)
}

/// The page's files: those of Swagger UI from its archive, and our own.
fn unpack() -> HashMap<&'static str, Bytes> {
    let mut files = HashMap::from([(START, Bytes::from_static(START_SCRIPT.as_bytes()))]);
    let packed = std::io::Cursor::new(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED);
    let Ok(mut archive) = zip::ZipArchive::new(packed) else { return files };
    for name in [BUNDLE, STYLE] {
        let place = format!("/dist/{name}");
        let path = archive
            .file_names()
            .flatten()
            .find(|path| path.ends_with(&place))
            .map(|path| path.into_owned());
        let Some(path) = path else { continue };
        let mut content = Vec::new();
        if archive.by_name(&path).is_ok_and(|mut file| file.read_to_end(&mut content).is_ok()) {
            files.insert(name, Bytes::from(content));
        }
    }
    files
}
