//! `/auth/authorize`: the page where people sign in. What is asked for and what comes of it is
//! decided in `auth::authorize`.
//!
//! The page is plain HTML: no script, no file from elsewhere, and its policy allows neither.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{COOKIE, HeaderMap, LOCATION, RETRY_AFTER, SET_COOKIE};
use jsonwebtoken::{Algorithm, EncodingKey};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::auth::authorize::{Authorization, NotSignedIn, Stopped};
use crate::auth::passwords::generate_secret;
use crate::auth::redirects;
use crate::reply::{self, Reply};

const FORM: &str = include_str!("sign_in/form.html");
const STOPPED: &str = include_str!("sign_in/stopped.html");
const STYLE: &str = include_str!("sign_in/page.css");
/// A form has some hundred bytes.
const MAX_FORM_BYTES: usize = 64 * 1024;
/// A ring with rays; in the page itself, since a policy without `img-src` would forbid a file.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' \
    fill='none' stroke='%231a4fd0' stroke-width='4' stroke-linecap='round'%3E%3Ccircle cx='16' cy='16' \
    r='5'/%3E%3Cpath d='M16 3v3M16 26v3M3 16h3M26 16h3'/%3E%3C/svg%3E";

/// A request for the page.
pub struct Visit<'a> {
    pub app: &'a App,
    /// As it came: the form sends it back.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub peer: IpAddr,
    /// The server's address as the browser sees it.
    pub base_url: &'a str,
    pub request_id: &'a str,
}

/// GET: the page, or where the application's request leads instead.
pub async fn show(visit: &Visit<'_>) -> Reply {
    match visit.app.auth.authorization(visit.query, visit.base_url).await {
        Ok(authorization) => form(visit, &authorization, &Filled::default()),
        Err(stopped) => stop(visit, stopped),
    }
}

/// POST: the form of the page.
pub async fn submit(visit: &Visit<'_>, body: &[u8]) -> Reply {
    let authorization = match visit.app.auth.authorization(visit.query, visit.base_url).await {
        Ok(authorization) => authorization,
        Err(stopped) => return stop(visit, stopped),
    };
    let sent = Sent::parse(body);
    if !is_own_form(visit, &sent) {
        let sentence = "This page was open for too long, or your browser did not send its cookie \
            back. Please sign in again.";
        return form(visit, &authorization, &sent.again(403, sentence));
    }
    if sent.action == "cancel" {
        return go(&authorization.cancelled());
    }
    let now_ms = visit.app.clock.now_ms();
    let auth = &visit.app.auth;
    let signed_in =
        auth.sign_in(&authorization, &sent.username, &sent.password, visit.peer, now_ms);
    match signed_in.await {
        Ok(location) | Err(NotSignedIn::Sent(location)) => go(&location),
        Err(NotSignedIn::Again { status, sentence, retry_after_s }) => {
            let mut reply = form(visit, &authorization, &sent.again(status, &sentence));
            if let Some(seconds) = retry_after_s {
                reply::set(&mut reply, RETRY_AFTER, &seconds.to_string());
            }
            reply
        }
    }
}

/// What the form sent; an absent field is empty.
#[derive(Default)]
struct Sent {
    form_token: String,
    username: String,
    password: String,
    action: String,
}

impl Sent {
    fn parse(body: &[u8]) -> Sent {
        let mut sent = Sent::default();
        if body.len() > MAX_FORM_BYTES {
            return sent;
        }
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "form_token" => sent.form_token = value.into_owned(),
                "username" => sent.username = value.into_owned(),
                "password" => sent.password = value.into_owned(),
                "action" => sent.action = value.into_owned(),
                _ => {}
            }
        }
        sent
    }

    fn again<'a>(&'a self, status: u16, sentence: &'a str) -> Filled<'a> {
        Filled { status, username: Some(&self.username), sentence }
    }
}

/// What the form has in it when it is shown.
struct Filled<'a> {
    status: u16,
    /// `None`: the application's hint.
    username: Option<&'a str>,
    /// What was wrong; empty at first.
    sentence: &'a str,
}

impl Default for Filled<'_> {
    fn default() -> Self {
        Filled { status: 200, username: None, sentence: "" }
    }
}

fn form(visit: &Visit<'_>, authorization: &Authorization, filled: &Filled<'_>) -> Reply {
    let known = cookie(visit).map(str::to_owned);
    let secret = known.clone().unwrap_or_else(generate_secret);
    let username = filled.username.unwrap_or(&authorization.login_hint);
    let is_wrong = !filled.sentence.is_empty();
    let alarm = match filled.sentence {
        "" => String::new(),
        sentence => {
            format!("<p class=\"alarm\" id=\"alarm\" role=\"alert\">{}</p>\n", escape(sentence))
        }
    };
    // Who has typed a name, or whose name is known, goes on with the password.
    let (focus_username, focus_password) =
        if username.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
    let described = if is_wrong { " aria-describedby=\"alarm\" aria-invalid=\"true\"" } else { "" };
    let page = fill(
        FORM,
        &[
            ("application", Part::Text(authorization.application())),
            ("tenant", Part::Text(&authorization.tenant)),
            ("place", Part::Text(&redirects::place(&authorization.redirect_uri))),
            ("query", Part::Text(visit.query)),
            ("form_token", Part::Text(&form_token(&secret, visit.query))),
            ("username", Part::Text(username)),
            ("alarm", Part::Html(&alarm)),
            ("focus_username", Part::Html(focus_username)),
            ("focus_password", Part::Html(focus_password)),
            ("described", Part::Html(described)),
        ],
    );
    let may_end_at = redirects::form_source(&authorization.redirect_uri);
    let mut reply = html(filled.status, page, &format!("'self' {may_end_at}"));
    if known.is_none() {
        reply::set(&mut reply, SET_COOKIE, &set_cookie(visit, &secret));
    }
    reply
}

/// A page without a form, or the way back to the application.
fn stop(visit: &Visit<'_>, stopped: Stopped) -> Reply {
    match stopped {
        Stopped::Sent(location) => go(&location),
        Stopped::Shown { status, sentence } => {
            let page = fill(
                STOPPED,
                &[
                    ("sentence", Part::Text(&sentence)),
                    ("request_id", Part::Text(visit.request_id)),
                ],
            );
            html(status, page, "'none'")
        }
    }
}

/// See Other: the browser asks with GET, so that a password is not sent on.
fn go(location: &str) -> Reply {
    let mut reply = reply::text(303, "text/plain; charset=utf-8", "");
    reply::set(&mut reply, LOCATION, location);
    reply::guard(&mut reply, None, "no-store");
    reply
}

fn html(status: u16, page: String, form_action: &str) -> Reply {
    static STYLE_HASH: LazyLock<String> =
        LazyLock::new(|| STANDARD.encode(Sha256::digest(STYLE.as_bytes())));
    let mut reply = reply::text(status, "text/html; charset=utf-8", page);
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; form-action {form_action}; \
         base-uri 'none'; frame-ancestors 'none'",
        *STYLE_HASH
    );
    reply::guard(&mut reply, Some(&policy), "no-store");
    reply
}

/// The form came from a page that this server gave to this browser for this request: another site
/// can neither read the cookie nor work out the token that belongs to it.
fn is_own_form(visit: &Visit<'_>, sent: &Sent) -> bool {
    let site = visit.headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if !matches!(site, None | Some("same-origin" | "none")) {
        return false;
    }
    let Some(secret) = cookie(visit) else { return false };
    let expected = form_token(secret, visit.query);
    !expected.is_empty() && expected.as_bytes().ct_eq(sent.form_token.as_bytes()).into()
}

/// HMAC-SHA-256 of the request's query under the cookie's secret.
fn form_token(secret: &str, query: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::crypto::sign(query.as_bytes(), &key, Algorithm::HS256).unwrap_or_default()
}

fn is_https(visit: &Visit<'_>) -> bool {
    visit.base_url.starts_with("https://")
}

/// A browser takes `__Host-` only over HTTPS and only from this very host.
fn cookie_name(visit: &Visit<'_>) -> &'static str {
    if is_https(visit) { "__Host-aureole-sign-in" } else { "aureole-sign-in" }
}

fn set_cookie(visit: &Visit<'_>, secret: &str) -> String {
    let secure = if is_https(visit) { "; Secure" } else { "" };
    // Lax, not Strict: a second page that another site opens must not replace the first one's secret.
    format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(visit))
}

/// The secret in the browser's cookie, when it is one of ours.
fn cookie<'a>(visit: &Visit<'a>) -> Option<&'a str> {
    let name = cookie_name(visit);
    let headers = visit.headers.get_all(COOKIE).into_iter();
    let pairs = headers.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    let mut found =
        pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(key, _)| *key == name);
    let (_, secret) = found.next()?;
    let is_ours = secret.len() == 43
        && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_ours.then_some(secret)
}

/// What takes a placeholder's place.
enum Part<'a> {
    /// Escaped.
    Text(&'a str),
    /// Written in this file.
    Html(&'a str),
}

/// The template with `{name}` replaced, in one pass: what is filled in is never looked through.
fn fill(template: &str, parts: &[(&str, Part<'_>)]) -> String {
    let mut page = String::with_capacity(template.len() + STYLE.len() + 1_024);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        page.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        let part = parts.iter().find(|(known, _)| *known == name).map(|(_, part)| part);
        match (name, part) {
            (_, Some(Part::Text(text))) => page.push_str(&escape(text)),
            (_, Some(Part::Html(html))) => page.push_str(html),
            ("style", _) => page.push_str(STYLE),
            ("icon", _) => page.push_str(&escape(ICON)),
            _ => {}
        }
        rest = after;
    }
    page.push_str(rest);
    page
}

/// Text for HTML, also inside of quotes.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_escaped_and_not_looked_through() {
        let parts = [("a", Part::Text("<b>\"'&{b}")), ("b", Part::Html("<i>"))];
        assert_eq!(fill("{a}{b}{c}.", &parts), "&lt;b&gt;&quot;&#39;&amp;{b}<i>.");
    }

    #[test]
    fn the_style_has_no_placeholder_and_the_pages_name_known_ones() {
        let known = [
            "application",
            "tenant",
            "place",
            "query",
            "form_token",
            "username",
            "alarm",
            "icon",
            "focus_username",
            "focus_password",
            "described",
            "style",
            "sentence",
            "request_id",
        ];
        for template in [FORM, STOPPED] {
            for (at, _) in template.match_indices('{') {
                let name = template[at + 1..].split('}').next().unwrap();
                assert!(known.contains(&name), "{name}");
            }
            assert!(!template.contains("<script") && !template.contains(" style="));
        }
    }
}
