//! `/auth/authorize`: what an application asks for when it sends a browser here, and the code that
//! the browser takes back. The page itself is in `api::sign_in`.

use std::net::IpAddr;

use aureole_storage::codes::{self, AuthorizationCode};
use aureole_storage::tokens::{self, Application};

use super::issue::{Person, granted};
use super::passwords::{generate_secret, sha256_hex};
use super::token_error::TokenError;
use super::{Auth, Scopes, pkce, redirects};

/// How long a code is good.
pub const CODE_MS: i64 = 60_000;
/// The grant that an application has to have.
pub(super) const GRANT: &str = "authorization_code";
/// Of a nonce, which is kept with the code.
const MAX_NONCE_BYTES: usize = 1_024;

/// A request that may be answered with a sign-in page.
#[derive(Clone, Debug)]
pub struct Authorization {
    application: Application,
    /// The tenant's name.
    pub tenant: String,
    /// One of the application's.
    pub redirect_uri: String,
    /// What the person will probably sign in with.
    pub login_hint: String,
    scope: String,
    state: Option<String>,
    nonce: String,
    code_challenge: String,
    issuer: String,
}

/// Why a browser gets no sign-in page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// There is no address that may be trusted: the person reads the sentence.
    Shown { status: u16, sentence: String },
    /// The browser goes back to the application with an error in this address.
    Sent(String),
}

/// Why nobody is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSignedIn {
    /// The page is shown again with this sentence, and `Retry-After` in seconds if there is one.
    Again { status: u16, sentence: String, retry_after_s: Option<u64> },
    /// The browser goes back to the application with an error in this address.
    Sent(String),
}

impl Authorization {
    /// The application's name, for people.
    #[must_use]
    pub fn application(&self) -> &str {
        &self.application.name
    }

    /// Where the browser goes when the person does not want to sign in.
    #[must_use]
    pub fn cancelled(&self) -> String {
        self.error("access_denied", "The person did not sign in.")
    }

    fn error(&self, error: &str, description: &str) -> String {
        self.location(&[("error", error), ("error_description", description)])
    }

    /// The redirect address with parameters, `state` as it came, and who answers (RFC 9207).
    fn location(&self, params: &[(&str, &str)]) -> String {
        let mut params = params.to_vec();
        if let Some(state) = &self.state {
            params.push(("state", state));
        }
        params.push(("iss", &self.issuer));
        redirects::with_params(&self.redirect_uri, &params)
    }

    /// The request is what it has to be; fails with OAuth's code and a sentence.
    fn check(&self, fields: &Fields) -> Result<(), (&'static str, String)> {
        let invalid = |sentence: &str| Err(("invalid_request", sentence.to_owned()));
        if let Some(name) = fields.repeated() {
            return invalid(&format!("{name} is there more than once."));
        }
        if !self.application.grants.split_whitespace().any(|grant| grant == GRANT) {
            let sentence = "This application may not use the grant authorization_code.";
            return Err(("unauthorized_client", sentence.to_owned()));
        }
        for (name, error) in
            [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")]
        {
            if !fields.get(name).is_empty() {
                return Err((error, format!("{name} is not supported.")));
            }
        }
        match fields.get("response_type") {
            "code" => {}
            "" => return invalid("The response_type is missing."),
            _ => {
                let sentence = "The response_type has to be code.".to_owned();
                return Err(("unsupported_response_type", sentence));
            }
        }
        if !matches!(fields.get("response_mode"), "" | "query") {
            return invalid("The response_mode has to be query.");
        }
        if fields.get("code_challenge_method") != pkce::METHOD {
            return invalid("The code_challenge_method has to be S256.");
        }
        if !pkce::is_challenge(&self.code_challenge) {
            return invalid("The code_challenge has to be the base64url form of a SHA-256 hash.");
        }
        if self.nonce.len() > MAX_NONCE_BYTES {
            return invalid("The nonce is too long.");
        }
        self.check_scope()?;
        check_prompt(fields.get("prompt"))
    }

    /// Less than was asked for is no error; an unknown scope is, and nothing at all.
    fn check_scope(&self) -> Result<(), (&'static str, String)> {
        let invalid = |sentence: String| Err(("invalid_scope", sentence));
        match Scopes::parse(&self.scope) {
            Err(name) => invalid(format!("There is no scope named {name}.")),
            Ok(asked) => {
                let most = Scopes::parse_known(&self.application.scope);
                if !asked.is_empty() && asked.intersection(most).is_empty() {
                    return invalid(format!("This application may use these scopes only: {most}"));
                }
                Ok(())
            }
        }
    }
}

/// Nobody stays signed in here, so that every prompt but `none` is the page that always comes.
fn check_prompt(prompt: &str) -> Result<(), (&'static str, String)> {
    const PROMPTS: [&str; 4] = ["none", "login", "consent", "select_account"];
    let words: Vec<&str> = prompt.split_whitespace().collect();
    if words.iter().any(|word| !PROMPTS.contains(word)) {
        let sentence = format!("The prompt has to be one of {}.", PROMPTS.join(", "));
        return Err(("invalid_request", sentence));
    }
    match words.as_slice() {
        ["none"] => Err(("login_required", "The person has to sign in.".to_owned())),
        words if words.contains(&"none") => {
            Err(("invalid_request", "The prompt none stands alone.".to_owned()))
        }
        _ => Ok(()),
    }
}

impl Auth {
    /// Checks the query with which an application sent a browser here. `base_url` is the server's
    /// address as the browser sees it.
    ///
    /// # Errors
    /// [`Stopped`]: what the browser gets instead of the page.
    pub async fn authorization(
        &self,
        query: &str,
        base_url: &str,
    ) -> Result<Authorization, Stopped> {
        let shown = |sentence: &str| Stopped::Shown { status: 400, sentence: sentence.to_owned() };
        let fields = Fields::parse(query);
        if fields.values.iter().any(|value| value.contains('\0')) {
            return Err(shown("The address has a NUL character in it."));
        }
        if let Some(name) = fields.repeated().filter(|name| BINDING.contains(name)) {
            return Err(shown(&format!("The address has {name} more than once.")));
        }
        let (client_id, redirect_uri) = (fields.get("client_id"), fields.get("redirect_uri"));
        if client_id.is_empty() {
            return Err(shown("The address does not say which application asks: client_id."));
        }
        let tenant_id = self.tenant(fields.get("tenant")).await?;
        let found = tokens::find_application(&mut self.db.clone(), tenant_id, client_id).await;
        let found = found.map_err(TokenError::from)?;
        let application = found
            .filter(|application| application.revoked_at.is_none())
            .ok_or_else(|| shown("The application that sent you here is not known."))?;
        if redirect_uri.is_empty() {
            return Err(shown("The address does not say where to go afterwards: redirect_uri."));
        }
        let mut registered = application.redirect_uris.split_whitespace();
        let is_registered = |registered: &str| {
            redirects::matches(&redirects::absolute(registered, base_url), redirect_uri)
        };
        if !registered.any(is_registered) {
            let sentence = "The application wants you to be sent to an address that it has not \
                registered, so nobody is signed in.";
            return Err(shown(sentence));
        }
        let tenant = self.directory.load().tenant(tenant_id).map(|tenant| tenant.name.to_string());
        let authorization = Authorization {
            application,
            tenant: tenant.unwrap_or_default(),
            redirect_uri: redirect_uri.to_owned(),
            login_hint: fields.get("login_hint").to_owned(),
            scope: fields.get("scope").to_owned(),
            state: fields.given("state").map(str::to_owned),
            nonce: fields.get("nonce").to_owned(),
            code_challenge: fields.get("code_challenge").to_owned(),
            issuer: base_url.trim_end_matches('/').to_owned(),
        };
        match authorization.check(&fields) {
            Ok(()) => Ok(authorization),
            Err((error, sentence)) => Err(Stopped::Sent(authorization.error(error, &sentence))),
        }
    }

    /// Checks a name and a password, and returns the address that takes a code back to the
    /// application.
    ///
    /// # Errors
    /// [`NotSignedIn`].
    pub async fn sign_in(
        &self,
        authorization: &Authorization,
        username: &str,
        password: &str,
        peer: IpAddr,
        now_ms: i64,
    ) -> Result<String, NotSignedIn> {
        let application = &authorization.application;
        let tenant_id = application.tenant_id;
        let person = self.authenticate(tenant_id, username, password, peer, now_ms).await?;
        let scopes = granted(application, &person, Scopes::ALL, &authorization.scope);
        let scopes = scopes.map_err(|error| {
            NotSignedIn::Sent(authorization.error(error.error(), error.description()))
        })?;
        let (agent_id, user_id) = person.ids();
        let code = generate_secret();
        let stored = AuthorizationCode {
            tenant_id,
            code_hash: sha256_hex(code.as_bytes()),
            family: generate_secret(),
            client_id: application.client_id.clone(),
            redirect_uri: authorization.redirect_uri.clone(),
            code_challenge: authorization.code_challenge.clone(),
            scope: scopes.to_string(),
            nonce: authorization.nonce.clone(),
            agent_id,
            user_id,
            issued_at: now_ms,
            expires_at: now_ms + CODE_MS,
            used_at: None,
        };
        self.keep(&stored).await.map_err(TokenError::from)?;
        tracing::info!(
            tenant_id,
            application = application.client_id,
            agent_id,
            user_id,
            "signed in"
        );
        Ok(authorization.location(&[("code", &code)]))
    }

    async fn keep(&self, code: &AuthorizationCode) -> Result<(), aureole_storage::Error> {
        let mut tx = self.db.begin().await?;
        codes::insert(&mut tx, code).await?;
        tx.commit().await
    }
}

impl Person {
    /// Agent's id and end user's id; one of them is 0.
    pub(super) fn ids(&self) -> (i64, i64) {
        match self {
            Person::Agent(agent) => (agent.id, 0),
            Person::User { id, .. } => (0, *id),
        }
    }
}

/// For the person: a page has no use for OAuth's codes.
impl From<TokenError> for Stopped {
    fn from(error: TokenError) -> Stopped {
        // The application is not what is wrong here; a 401 would ask the browser for a login.
        let status = if error.status() == 401 { 403 } else { error.status() };
        Stopped::Shown { status, sentence: error.description().to_owned() }
    }
}

impl From<TokenError> for NotSignedIn {
    fn from(error: TokenError) -> NotSignedIn {
        NotSignedIn::Again {
            status: error.status(),
            sentence: error.description().to_owned(),
            retry_after_s: error.retry_after_s(),
        }
    }
}

const NAMES: [&str; 14] = [
    "tenant",
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "login_hint",
    "code_challenge",
    "code_challenge_method",
    // These are known to be refused.
    "request",
    "request_uri",
];

/// The parameters that mean something, for the description of the API.
pub const PARAMETERS: &[&str] = NAMES.split_at(NAMES.len() - 2).0;

/// Those that say whom to trust: given twice, nobody knows which one counts.
const BINDING: [&str; 3] = ["tenant", "client_id", "redirect_uri"];

/// The parameters of an authorization request; an absent one is empty.
struct Fields {
    values: [String; NAMES.len()],
    counts: [usize; NAMES.len()],
}

impl Fields {
    fn parse(query: &str) -> Fields {
        let mut fields = Fields { values: Default::default(), counts: [0; NAMES.len()] };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if let Some(at) = NAMES.iter().position(|known| *known == name) {
                fields.values[at] = value.into_owned();
                fields.counts[at] += 1;
            }
        }
        fields
    }

    fn given(&self, name: &str) -> Option<&str> {
        let at = NAMES.iter().position(|known| *known == name)?;
        (self.counts[at] > 0).then_some(self.values[at].as_str())
    }

    fn get(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// The first parameter that is there more than once, which RFC 6749 (3.1) forbids.
    fn repeated(&self) -> Option<&'static str> {
        self.counts.iter().position(|count| *count > 1).map(|at| NAMES[at])
    }
}
