//! Receivers over TLS: whose certificate is good, and whose is not.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

use super::*;

/// Certificates for a receiver at 127.0.0.1, from an authority of their own, as PEM files:
/// `authority.pem`, `receiver.pem`, `receiver.key`.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn make() -> Certificates {
        let folder = tempfile::tempdir().unwrap();
        let openssl = |args: &str| {
            let ran = Command::new("openssl")
                .args(args.split(' '))
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(ran.status.success(), "{args}: {}", String::from_utf8_lossy(&ran.stderr));
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(&format!(
            "req -x509 {key} -keyout authority.key -out authority.pem -days 2 -subj /CN=Authority"
        ));
        openssl(&format!("req {key} -keyout receiver.key -out request.pem -subj /CN=Receiver"));
        let extensions = "basicConstraints=critical,CA:FALSE\nsubjectAltName=IP:127.0.0.1\n";
        std::fs::write(folder.path().join("extensions"), extensions).unwrap();
        openssl(
            "x509 -req -in request.pem -CA authority.pem -CAkey authority.key -CAcreateserial \
             -days 2 -extfile extensions -out receiver.pem",
        );
        Certificates(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn acceptor(&self) -> TlsAcceptor {
        let file = |name: &str| Path::new(&self.path(name)).to_owned();
        let chain = vec![CertificateDer::from_pem_file(file("receiver.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(file("receiver.key")).unwrap();
        let config =
            ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

on_both_owned!(a_certificate_has_to_come_from_an_authority_that_is_trusted);

async fn a_certificate_has_to_come_from_an_authority_that_is_trusted(server: Server) {
    let (trusted, other) = (Certificates::make(), Certificates::make());
    let server = server
        .restart(|config| {
            settings(config);
            config.webhooks.ca_file = trusted.path("authority.pem");
        })
        .await;
    let admin = server.admin().await;
    // One that is trusted, one of somebody else, and one for another name.
    let good = Receiver::start_tls(trusted.acceptor()).await;
    let bad = Receiver::start_tls(other.acceptor()).await;
    let named = Receiver::start_tls(trusted.acceptor()).await;
    let wanted = json!({ "entities": ["Tax"], "secret": "shared" });
    hook(&admin, &good, wanted).await;
    let url = named.url().replace("127.0.0.1", "localhost");
    let mut webhooks = Vec::new();
    for url in [bad.url(), url] {
        let body = json!({ "name": url, "url": url, "entities": ["Tax"] });
        webhooks.push(make(&admin, "Webhook", body).await);
    }
    make(&admin, "Tax", json!({ "name": "VAT" })).await;
    let got = good.wait_for(1).await;
    assert_eq!(told(&got), ["created VAT"]);
    assert!(got[0].headers["x-aureole-signature"].starts_with("sha256="));
    for webhook in webhooks {
        let path = format!("webhook_id={}", webhook["id"]);
        let until = Instant::now() + Duration::from_secs(20);
        let entry = loop {
            let entries = log(&admin, &path).await;
            match entries.first().filter(|entry| entry["error"] != "") {
                Some(entry) => break entry.clone(),
                None => assert!(Instant::now() < until, "{entries:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        // It may be mended: it is tried again.
        assert_eq!((&entry["status"], &entry["response_code"]), (&json!("pending"), &json!(0)));
        let error = entry["error"].as_str().unwrap();
        assert!(error.starts_with("TLS: ") && error.contains("certificate"), "{entry}");
    }
    assert!(bad.got().is_empty() && named.got().is_empty(), "nothing was said to them");
    server.stop().await;
}

#[test]
fn a_file_without_certificates_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.pem");
    let refusal = || Config::from_toml(&format!("[webhooks]\nca_file = {path:?}")).err().unwrap();
    assert!(
        refusal().starts_with("line 2: webhooks.ca_file ") && refusal().contains("can't be read")
    );
    std::fs::write(&path, "nothing of the kind").unwrap();
    assert!(refusal().contains("has no certificate in it"), "{}", refusal());
    let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&path, rubbish).unwrap();
    assert!(refusal().contains("can't be used"), "{}", refusal());
}
