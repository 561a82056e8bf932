//! Pages of other origins that may call the API from a browser: none, unless they are configured.
//!
//! Tokens travel in a header that a page has to set itself, so no cookies are allowed for.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method};

use crate::reply::{self, Reply};

/// What a page may send.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Accept, If-Match, If-None-Match, Idempotency-Key, Prefer, \
     X-Request-Id, Last-Event-ID",
);
/// What a page may read.
const REPLY_HEADERS: HeaderValue = HeaderValue::from_static(
    "ETag, X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, \
     Idempotency-Replayed, WWW-Authenticate",
);
/// How long a browser may remember the answer to a preflight, in seconds.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("600");

/// The origins whose pages may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    any: bool,
    named: Vec<String>,
}

impl Origins {
    /// Origins (`https://tools.example.com`), separated by commas, or `*`; empty for none.
    ///
    /// # Errors
    /// What it has to be.
    pub fn parse(text: &str) -> Result<Origins, &'static str> {
        let mut origins = Origins::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if part == "*" {
                origins.any = true;
            } else if is_origin(part) {
                origins.named.push(part.to_ascii_lowercase());
            } else {
                return Err("origins such as https://tools.example.com, separated by commas, or *");
            }
        }
        Ok(origins)
    }

    fn is_off(&self) -> bool {
        !self.any && self.named.is_empty()
    }

    fn has(&self, origin: &str) -> bool {
        self.any || self.named.iter().any(|named| named.eq_ignore_ascii_case(origin))
    }

    /// Tells a browser whether the page that asked may read the reply. `asked` has the headers of
    /// the request.
    pub fn tell(&self, method: &Method, asked: &Asked, reply: &mut Reply) {
        if self.is_off() {
            return;
        }
        if !self.any {
            reply::vary(reply, "Origin");
        }
        let Some(origin) = asked.origin.as_ref() else { return };
        if !origin.to_str().is_ok_and(|origin| self.has(origin)) {
            return;
        }
        let allowed = if self.any { HeaderValue::from_static("*") } else { origin.clone() };
        let allow = reply.headers().get(http::header::ALLOW).cloned();
        let headers = reply.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        match allow {
            Some(allow) if method == Method::OPTIONS && asked.is_preflight => {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow);
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
                headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
            }
            _ => {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, REPLY_HEADERS);
            }
        }
    }
}

/// What a browser says about the page.
pub struct Asked {
    origin: Option<HeaderValue>,
    is_preflight: bool,
}

impl Asked {
    pub fn of(headers: &HeaderMap) -> Asked {
        Asked {
            origin: headers.get(ORIGIN).cloned(),
            is_preflight: headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD),
        }
    }
}

fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| {
        !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_whole_and_without_a_path() {
        for text in ["", "*", "https://a.example", "http://localhost:3000, https://b.example:8443"]
        {
            assert!(Origins::parse(text).is_ok(), "{text}");
        }
        for text in ["a.example", "https://", "https://a.example/", "https://*.example", "null"] {
            assert!(Origins::parse(text).is_err(), "{text}");
        }
        let origins = Origins::parse("https://a.example").unwrap();
        assert!(origins.has("https://A.example") && !origins.has("https://a.example.evil"));
        assert!(!origins.has("http://a.example") && !origins.has("https://a.example:444"));
    }
}
