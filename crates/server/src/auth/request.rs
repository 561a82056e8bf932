//! What a token request says, in whichever form it was sent.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::GeneralPurposeConfig;
use serde_json::Value;

use super::grants::TokenError;

/// A token request has some hundred bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Programs disagree on the padding of Basic credentials.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The fields of a token request; an absent one is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub tenant: String,
    pub grant_type: String,
    pub client_id: String,
    /// What the secret may be: one text from the form. From HTTP Basic a second one where the
    /// percent signs may or may not be an encoding (RFC 6749 asks for it, few programs do it).
    pub client_secrets: Vec<String>,
    pub username: String,
    pub password: String,
    pub refresh_token: String,
    pub code: String,
    pub redirect_uri: String,
    pub code_verifier: String,
    /// What is to be revoked.
    pub token: String,
    pub scope: String,
    /// The application named itself by HTTP Basic.
    pub basic: bool,
}

impl Fields {
    /// Reads query, body (a form or a JSON object) and `Authorization` header. The query gives the
    /// tenant only: secrets have no place in an address.
    ///
    /// # Errors
    /// `invalid_request`, or `invalid_client` for credentials that cannot be read.
    pub fn parse(
        query: &str,
        body: &[u8],
        authorization: Option<&str>,
    ) -> Result<Fields, TokenError> {
        let mut fields = Fields::default();
        if body.len() > MAX_BODY_BYTES {
            return Err(TokenError::invalid_request("The request is too long."));
        }
        if body.trim_ascii_start().starts_with(b"{") {
            fields.read_json(body)?;
        } else {
            for (name, value) in form_urlencoded::parse(body) {
                fields.set(&name, value);
            }
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name.eq_ignore_ascii_case("tenant") {
                fields.set("tenant", value);
            }
        }
        if let Some(credentials) = authorization.and_then(basic) {
            fields.read_basic(credentials)?;
        }
        fields.refuse_nul()?;
        Ok(fields)
    }

    fn read_json(&mut self, body: &[u8]) -> Result<(), TokenError> {
        let Ok(Value::Object(map)) = serde_json::from_slice(body) else {
            return Err(TokenError::invalid_request(
                "The body is neither a form nor a JSON object.",
            ));
        };
        for (name, value) in map {
            match value {
                Value::String(text) => self.set(&name, text.into()),
                Value::Number(number) => self.set(&name, number.to_string().into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The first value that is not empty counts.
    fn set(&mut self, name: &str, value: Cow<'_, str>) {
        if value.is_empty() {
            return;
        }
        let field = match name {
            "tenant" => &mut self.tenant,
            "grant_type" => &mut self.grant_type,
            "client_id" => &mut self.client_id,
            "client_secret" => {
                if self.client_secrets.is_empty() {
                    self.client_secrets.push(value.into_owned());
                }
                return;
            }
            "username" => &mut self.username,
            "password" => &mut self.password,
            "refresh_token" => &mut self.refresh_token,
            "code" => &mut self.code,
            "redirect_uri" => &mut self.redirect_uri,
            "code_verifier" => &mut self.code_verifier,
            "token" => &mut self.token,
            "scope" => &mut self.scope,
            _ => return,
        };
        if field.is_empty() {
            *field = value.into_owned();
        }
    }

    fn read_basic(&mut self, credentials: &str) -> Result<(), TokenError> {
        let unreadable = || TokenError::invalid_client("The Basic credentials cannot be read.");
        let bytes = BASIC.decode(credentials).map_err(|_| unreadable())?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable())?;
        let (id, secret) = text.split_once(':').ok_or_else(unreadable)?;
        let decoded_id = decode(id);
        if self.client_id.is_empty() {
            self.client_id = decoded_id;
        } else if self.client_id != id && self.client_id != decoded_id {
            return Err(TokenError::invalid_request(
                "The form and the Basic credentials name different applications.",
            ));
        }
        self.basic = true;
        if secret.is_empty() {
            return Ok(());
        }
        let decoded = decode(secret);
        self.client_secrets = vec![secret.to_owned()];
        if decoded != secret {
            self.client_secrets.push(decoded);
        }
        Ok(())
    }

    /// PostgreSQL knows no text with a NUL in it.
    fn refuse_nul(&self) -> Result<(), TokenError> {
        let texts = [
            &self.tenant,
            &self.grant_type,
            &self.client_id,
            &self.username,
            &self.password,
            &self.refresh_token,
            &self.scope,
        ];
        let mut texts = texts.into_iter().chain(&self.client_secrets);
        if texts.any(|text| text.contains('\0')) {
            return Err(TokenError::invalid_request("A field has a NUL character in it."));
        }
        Ok(())
    }
}

/// The credentials of an `Authorization: Basic` header; `None` for any other scheme.
fn basic(header: &str) -> Option<&str> {
    let (scheme, credentials) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| credentials.trim())
}

/// Form decoding of one part of Basic credentials.
fn decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8()
        .map_or_else(|_| text.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    fn basic_header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_form_and_an_object_say_the_same() {
        let form = b"grant_type=password&client_id=a&client_secret=b%26c&username=x&password=y+z";
        let object = br#" {"grant_type":"password","client_id":"a","client_secret":"b&c",
            "username":"x","password":"y z","scope":null}"#;
        let fields = Fields::parse("tenant=t", form, None).unwrap();
        assert_eq!(fields.client_secrets, ["b&c"]);
        assert_eq!((fields.password.as_str(), fields.tenant.as_str()), ("y z", "t"));
        assert_eq!(Fields::parse("tenant=t", object, None).unwrap(), fields);
    }

    #[test]
    fn the_query_gives_nothing_but_the_tenant() {
        let fields =
            Fields::parse("client_secret=s&tenant=&Tenant=q&grant_type=x", b"", None).unwrap();
        assert_eq!(fields, Fields { tenant: "q".to_owned(), ..Fields::default() });
    }

    #[test]
    fn basic_credentials_are_read_with_and_without_encoding() {
        let header = basic_header("a:b+c%2Fd");
        let fields = Fields::parse("", b"client_id=a", Some(&header)).unwrap();
        assert_eq!(fields.client_secrets, ["b+c%2Fd", "b c/d"]);
        assert_eq!(fields.client_id, "a");
        let unpadded = header.trim_end_matches('=').to_owned();
        assert_eq!(Fields::parse("", b"", Some(&unpadded)).unwrap().client_id, "a");
        assert!(Fields::parse("", b"", Some("Bearer abc")).is_ok());
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let header = basic_header("a:b");
        assert!(Fields::parse("", b"client_id=other", Some(&header)).is_err());
        for header in ["Basic ???", "Basic YQ=="] {
            assert_eq!(Fields::parse("", b"", Some(header)).unwrap_err().status(), 401, "{header}");
        }
        assert!(Fields::parse("", b"client_id=a%00", None).is_err());
        assert!(Fields::parse("", b"{\"client_id\":", None).is_err());
        assert!(Fields::parse("", &vec![b'a'; MAX_BODY_BYTES + 1], None).is_err());
    }
}
