//! Somebody who calls the API, and the answers.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// A caller with or without a token.
#[derive(Clone)]
pub struct Actor {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none: every answer of the server is.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.text) {
            Ok(value) => value,
            Err(error) => panic!("status {}, not JSON ({error}): {}", self.status, self.text),
        }
    }

    /// Checks the status and returns the body.
    ///
    /// # Panics
    /// When the status is another one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// Checks an error's status and code and returns its `errors`.
    ///
    /// # Panics
    /// When either is another one.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["code"], json!(code), "{body}");
        assert!(body["ClassName"].is_string() && body["Message"].is_string(), "{body}");
        assert_eq!(body["status"], json!(status), "{body}");
        body["errors"].clone()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

impl Actor {
    /// Somebody who follows no redirect: the one after signing in leads away from the server.
    ///
    /// # Panics
    /// When there is no client: a test can't go on without it.
    pub fn nobody(url: &str) -> Actor {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        match http {
            Ok(http) => Actor { http, url: url.to_owned(), token: None },
            Err(error) => panic!("no HTTP client: {error}"),
        }
    }

    /// Gets a token with client credentials.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn sign_in(url: &str, tenant: &str, id: &str, secret: &str, scope: &str) -> Actor {
        let nobody = Actor::nobody(url);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("scope", scope),
        ];
        let answer = nobody.form(&format!("/auth/token?tenant={tenant}"), &form).await;
        let token = answer.expect(200)["access_token"].as_str().unwrap_or("").to_owned();
        nobody.with_token(&token)
    }

    /// The same caller with this token.
    pub fn with_token(&self, token: &str) -> Actor {
        Actor { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or("")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(reqwest::Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(reqwest::Method::POST, path).json(&body)).await
    }

    /// A POST of any text.
    pub async fn post_text(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<String>,
    ) -> Answer {
        let request = self.request(reqwest::Method::POST, path);
        self.send(request.header("content-type", content_type).body(body.into())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(reqwest::Method::DELETE, path)).await
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(reqwest::Method::POST, path).form(fields)).await
    }

    /// A request to be changed before [`Actor::send`].
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When no answer comes: the server answers everything.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => panic!("no answer: {error}"),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        match response.text().await {
            Ok(text) => Answer { status, headers, text },
            Err(error) => panic!("the answer broke off: {error}"),
        }
    }
}
