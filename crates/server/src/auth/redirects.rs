//! Where a browser may be sent after signing in: addresses that an application has registered, and
//! none that merely look like them.

use std::borrow::Cow;

use form_urlencoded::Serializer;
use url::Url;

/// Longer addresses are refused.
const MAX_BYTES: usize = 2_048;
/// The hosts of programs on the person's own machine, which choose a free port (RFC 8252, 7.3).
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// Whether an address may be registered. Fails with the reason, which follows the address in a
/// sentence.
///
/// # Errors
/// The end of a sentence: "has to …".
pub fn check(uri: &str) -> Result<(), String> {
    if uri.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains(['"', '<', '>', '\\']) {
        return Err("has characters that an address cannot have".to_owned());
    }
    let url =
        Url::parse(uri).map_err(|_| "is not a whole address such as https://example.com/back")?;
    if uri.contains('#') {
        return Err("must have no fragment (#)".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || has_user(uri) {
        return Err("must have no user name (@) in it".to_owned());
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err("has to be https; http is for this machine only".to_owned()),
        // A scheme of a program's own is a domain backwards (RFC 8252, 7.1). None of those that a
        // browser runs or opens itself (javascript, data, file …) has a dot.
        scheme if scheme.contains('.') => {}
        scheme => {
            return Err(format!(
                "has to be https, or a scheme such as com.example.app; {scheme} is neither"
            ));
        }
    }
    // What is compared is text, so there is one way to write it.
    if url.as_str() == uri || url.as_str().strip_suffix('/') == Some(uri) {
        return Ok(());
    }
    Err(format!("has to be written as {url}"))
}

/// True when the authority of an address has an @, also an empty user.
fn has_user(uri: &str) -> bool {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?']).next().is_some_and(|authority| authority.contains('@'))
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

/// A registered address as a browser knows it: the server's own pages have a path below the server's
/// address.
#[must_use]
pub fn absolute<'a>(registered: &'a str, base_url: &str) -> Cow<'a, str> {
    match registered.starts_with('/') {
        true => format!("{}{registered}", base_url.trim_end_matches('/')).into(),
        false => registered.into(),
    }
}

/// Whether `asked` is the registered address: the same text, but for the port where a program on
/// the person's own machine listens.
#[must_use]
pub fn matches(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    LOOPBACK.iter().any(|host| {
        let rests = (registered.strip_prefix(host), asked.strip_prefix(host));
        let (Some(registered), Some(asked)) = rests else { return false };
        match (without_port(registered), without_port(asked)) {
            (Some(registered), Some(asked)) => registered == asked,
            _ => false,
        }
    })
}

/// What follows the port of an address without scheme and host; `None` when that is no end of a host.
fn without_port(rest: &str) -> Option<&str> {
    let rest = match rest.strip_prefix(':') {
        Some(port_and_rest) => {
            let end = port_and_rest.find(['/', '?']).unwrap_or(port_and_rest.len());
            let (port, rest) = port_and_rest.split_at(end);
            let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
            if !is_port || port.parse::<u16>().is_err() {
                return None;
            }
            rest
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
}

/// The address with parameters added to its query, each encoded.
#[must_use]
pub fn with_params(uri: &str, params: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(params);
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}{}", query.finish())
}

/// What a Content-Security-Policy has to name for a form to end at this address: browsers apply
/// `form-action` to the redirect that answers the form, too.
#[must_use]
pub fn form_source(uri: &str) -> String {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let Ok(url) = Url::parse(uri) else { return String::new() };
    match url.host_str() {
        // The grammar of policies has no IPv6 addresses.
        Some(host) if matches!(scheme, "http" | "https") && !host.starts_with('[') => {
            url.origin().ascii_serialization()
        }
        _ => format!("{scheme}:"),
    }
}

/// For people: the host that they will be sent back to, or the scheme of a program.
#[must_use]
pub fn place(uri: &str) -> String {
    let url = Url::parse(uri).ok();
    let host = url.as_ref().and_then(|url| {
        let host = url.host_str().filter(|host| !host.is_empty())?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    });
    host.unwrap_or_else(|| url.map(|url| url.scheme().to_owned()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_may_be_registered() {
        for good in [
            "https://app.example/back",
            "https://app.example",
            "https://app.example/",
            "https://app.example:8443/back?from=aureole",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:4000/callback",
            "http://[::1]/callback",
            "http://localhost:8080/callback",
            "com.example.app:/back",
            "com.example.app://back",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn addresses_that_may_not() {
        for bad in [
            "",
            "back",
            "/back",
            "//app.example/back",
            "https:",
            "https://",
            "http://app.example/back",
            "http://127.0.0.1.evil.example/",
            "https://app.example/back#",
            "https://app.example/back#top",
            "https://user@app.example/",
            "https://@app.example/",
            "https://user:word@app.example/",
            "https://app.example/a b",
            "https://app.example/a\tb",
            "https://app.example/\r\nSet-Cookie:x",
            "https://app.example/back\u{e9}",
            "https://app.example/<script>",
            "https://app.example/\"",
            "https:\\\\app.example\\back",
            "https://app.example/a/../b",
            "https://app.example/%2e%2e/b",
            "https://APP.example/back",
            "HTTPS://app.example/back",
            "https://app.example:443/back",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "blob:https://app.example/1",
            "myapp://back",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&format!("https://app.example/{}", "x".repeat(MAX_BYTES))).is_err());
    }

    #[test]
    fn an_address_is_compared_exactly() {
        let registered = "https://app.example/back";
        assert!(matches(registered, registered));
        for near in [
            "",
            "https://app.example/back/",
            "https://app.example/Back",
            "https://app.example/back?x=1",
            "https://app.example/back#x",
            "https://app.example/bac",
            "https://app.example/backx",
            "https://app.example/back/../back",
            "https://app.example//back",
            "https://app.example:443/back",
            "https://app.example:8443/back",
            "https://APP.EXAMPLE/back",
            "http://app.example/back",
            "https://app.example.evil.example/back",
            "https://evil.example/?https://app.example/back",
            "https://app.example@evil.example/back",
            "https://app.example/back ",
            " https://app.example/back",
            "https://app.example/back%20",
            "https://app.example/back\r\n",
        ] {
            assert!(!matches(registered, near), "{near:?}");
        }
    }

    #[test]
    fn a_program_on_the_own_machine_chooses_its_port() {
        for registered in ["http://127.0.0.1/back", "http://127.0.0.1:1/back"] {
            for good in ["http://127.0.0.1:4000/back", "http://127.0.0.1/back"] {
                assert!(matches(registered, good), "{good}");
            }
            for bad in [
                "http://127.0.0.1:4000/other",
                "http://127.0.0.1:4000/back?x",
                "https://127.0.0.1:4000/back",
                "http://localhost:4000/back",
                "http://[::1]:4000/back",
                "http://127.0.0.1:4000@evil.example/back",
                "http://127.0.0.1.evil.example/back",
                "http://127.0.0.1:70000/back",
                "http://127.0.0.1:+40/back",
                "http://127.0.0.1:/back",
                "http://127.0.0.1:4000\\@evil.example/back",
            ] {
                assert!(!matches(registered, bad), "{bad}");
            }
        }
        assert!(matches("http://[::1]/back", "http://[::1]:4000/back"));
        assert!(!matches("http://localhost/back", "http://localhost:4000/back"));
        assert!(!matches("https://app.example/back", "https://app.example:4000/back"));
    }

    #[test]
    fn parameters_are_encoded_into_the_query() {
        let nasty = "a&b=c\r\nSet-Cookie: x\u{e9}#";
        let sent = with_params("https://app.example/back", &[("state", nasty), ("code", "x")]);
        let expected =
            "https://app.example/back?state=a%26b%3Dc%0D%0ASet-Cookie%3A+x%C3%A9%23&code=x";
        assert_eq!(sent, expected);
        assert_eq!(
            with_params("https://app.example/?a=1", &[("b", "2")]),
            "https://app.example/?a=1&b=2"
        );
    }

    #[test]
    fn a_form_may_end_at_the_address_only() {
        for (uri, source, place_) in [
            ("https://app.example:8443/back", "https://app.example:8443", "app.example:8443"),
            ("https://app.example", "https://app.example", "app.example"),
            ("http://127.0.0.1:4000/back", "http://127.0.0.1:4000", "127.0.0.1:4000"),
            ("http://[::1]:4000/back", "http:", "[::1]:4000"),
            ("com.example.app:/back", "com.example.app:", "com.example.app"),
        ] {
            assert_eq!(form_source(uri), source);
            assert_eq!(place(uri), place_);
        }
    }
}
