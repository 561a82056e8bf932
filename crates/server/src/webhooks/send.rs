//! One request to a receiver: resolved, checked and connected here, so that the address that was
//! checked is the one that is used. No redirect is followed, no connection kept.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::address::{self, Target};

/// Bytes of a response's head.
const HEAD_BYTES: usize = 64 * 1024;

/// What is sent.
pub struct Message<'a> {
    pub url: &'a str,
    pub secret: Option<&'a str>,
    pub delivery_id: i64,
    pub event_id: &'a str,
    pub event: &'a str,
    /// 1 for the first.
    pub attempt: i64,
    pub body: String,
    /// Milliseconds since 1970.
    pub now: i64,
}

/// Why there was no response.
#[derive(Debug)]
pub enum Failure {
    /// It is of no use to try again.
    Refused(String),
    Failed(String),
}

fn failed(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::Failed(format!("{what}: {error}"))
}

/// What holds for every request.
pub struct Sender {
    pub networks: Vec<IpNet>,
    pub timeout: Duration,
    pub response_bytes: usize,
    /// Whose certificates are good beside those that the system trusts.
    pub authorities: Vec<CertificateDer<'static>>,
    pub tls: tokio::sync::OnceCell<Arc<ClientConfig>>,
}

impl Sender {
    /// Sends and returns the status of the response.
    pub async fn send(&self, message: Message<'_>) -> Result<u16, Failure> {
        let exchange = tokio::time::timeout(self.timeout, self.exchange(message));
        exchange.await.unwrap_or_else(|_| {
            Err(Failure::Failed(format!("no response within {} s", self.timeout.as_secs())))
        })
    }

    async fn exchange(&self, message: Message<'_>) -> Result<u16, Failure> {
        let target = Target::parse(message.url).map_err(Failure::Refused)?;
        let addresses = self.resolve(&target).await?;
        let stream = connect(&addresses).await?;
        let request = request(&target, message)?;
        if !target.is_tls {
            return self.ask(stream, request).await;
        }
        let config = self.tls.get_or_try_init(|| tls_config(&self.authorities)).await?;
        let name = ServerName::try_from(target.host.clone());
        let name = name.map_err(|error| Failure::Refused(error.to_string()))?;
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
        self.ask(stream.map_err(|error| failed("TLS", error))?, request).await
    }

    /// The addresses of a target that may be used; there is at least one.
    async fn resolve(&self, target: &Target) -> Result<Vec<SocketAddr>, Failure> {
        let found: Vec<SocketAddr> = match target.host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, target.port)],
            Err(_) => tokio::net::lookup_host((target.host.as_str(), target.port))
                .await
                .map_err(|error| failed(&format!("the name {}", target.host), error))?
                .collect(),
        };
        let (allowed, refused): (Vec<SocketAddr>, Vec<SocketAddr>) =
            found.into_iter().partition(|found| address::is_allowed(found.ip(), &self.networks));
        match (allowed.is_empty(), refused.first()) {
            (false, _) => Ok(allowed),
            (true, Some(first)) => {
                Err(Failure::Refused(format!("url {}", address::refusal(&target.host, first.ip()))))
            }
            (true, None) => Err(Failure::Failed(format!("{} has no address", target.host))),
        }
    }

    async fn ask(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Full<Bytes>>,
    ) -> Result<u16, Failure> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD_BYTES);
        let (mut sender, connection) =
            builder.handshake(TokioIo::new(stream)).await.map_err(|error| failed("HTTP", error))?;
        let exchange = async {
            let response = sender.send_request(request).await;
            let response = response.map_err(|error| failed("no response", error))?;
            let status = response.status().as_u16();
            // The status decides; the rest is read so that the receiver can finish, up to a limit.
            let mut body = response.into_body();
            let mut left = self.response_bytes;
            while let Some(Ok(frame)) = body.frame().await {
                let size = frame.data_ref().map_or(0, Bytes::len);
                if size > left {
                    break;
                }
                left -= size;
            }
            Ok(status)
        };
        let driver = async {
            // Its end shows in the exchange.
            let _ = connection.await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            status = exchange => status,
            () = driver => Err(Failure::Failed("the connection ended".to_owned())),
        }
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let mut failure = Failure::Failed("no address".to_owned());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = failed(&format!("connect to {address}"), error),
        }
    }
    Err(failure)
}

fn request(target: &Target, message: Message<'_>) -> Result<Request<Full<Bytes>>, Failure> {
    let path = target.uri.path_and_query().map_or("/", |path| path.as_str());
    let host = target.uri.authority().map_or("", |authority| authority.as_str());
    let timestamp = (message.now / 1_000).to_string();
    let mut headers = vec![
        (CONTENT_TYPE, "application/json; charset=utf-8".to_owned()),
        (HOST, host.to_owned()),
        (USER_AGENT, format!("Aureole/{}", env!("CARGO_PKG_VERSION"))),
        (HeaderName::from_static("x-aureole-event"), message.event.to_owned()),
        (HeaderName::from_static("x-aureole-event-id"), message.event_id.to_owned()),
        (HeaderName::from_static("x-aureole-delivery-id"), message.delivery_id.to_string()),
        (HeaderName::from_static("x-aureole-attempt"), message.attempt.to_string()),
        (HeaderName::from_static("x-aureole-timestamp"), timestamp.clone()),
    ];
    if let Some(secret) = message.secret {
        let signature = signature(secret, &timestamp, &message.body);
        headers.push((HeaderName::from_static("x-aureole-signature"), signature));
    }
    let mut request = Request::post(path).body(Full::new(Bytes::from(message.body)));
    if let Ok(request) = &mut request {
        for (name, value) in headers {
            let value = HeaderValue::from_str(&value);
            let value = value.map_err(|error| Failure::Refused(error.to_string()))?;
            request.headers_mut().insert(name, value);
        }
    }
    request.map_err(|error| Failure::Refused(error.to_string()))
}

/// `sha256=` and the HMAC-SHA256 of timestamp, a point and the body, in hexadecimal digits.
fn signature(secret: &str, timestamp: &str, body: &str) -> String {
    // A key of any length is good.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    let digits: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

/// The certificates of a PEM file; none without a file.
///
/// # Errors
/// What is wrong with it, for a sentence that starts with the setting.
pub fn authorities(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| format!("{path:?} can't be read: {error}"))?;
    let mut roots = RootCertStore::empty();
    let (good, bad) = roots.add_parsable_certificates(found.iter().cloned());
    match (good, bad) {
        (0, 0) => Err(format!("{path:?} has no certificate in it")),
        (_, 0) => Ok(found),
        _ => Err(format!("{path:?} has a certificate that can't be used")),
    }
}

/// Trusts what the system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` say otherwise), and `own`.
async fn tls_config(own: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, Failure> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots.add_parsable_certificates(own.iter().cloned());
    if roots.is_empty() {
        let reason = found.errors.first().map_or(String::new(), |error| format!(": {error}"));
        return Err(Failure::Failed(format!("the system has no trusted certificates{reason}")));
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed("TLS", error))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn the_signature_is_hmac_sha256() {
        // printf '%s' '1700000000.{"a":1}' | openssl dgst -sha256 -hmac Jefe
        assert_eq!(
            signature("Jefe", "1700000000", "{\"a\":1}"),
            "sha256=fa5f6481efc59da48b19c9dc10196c9953e5651f8304b3a318b6b87d70272e0a"
        );
    }
}
