//! A real receiver of webhooks: a small HTTP server that keeps what it got and answers as told.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// One request.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// `created Acme`
    pub fn told(&self) -> String {
        let body = self.json();
        let name = body["record"]["name"].as_str().unwrap_or("");
        format!("{} {name}", body["operation"].as_str().unwrap())
    }
}

#[derive(Default)]
struct State {
    got: Vec<Got>,
    /// The next answers, 0 for none ever; 200 when there is none left.
    answers: VecDeque<u16>,
}

pub struct Receiver {
    pub port: u16,
    scheme: &'static str,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub async fn start() -> Receiver {
        Receiver::listen(None).await
    }

    /// One that speaks HTTPS.
    pub async fn start_tls(tls: TlsAcceptor) -> Receiver {
        Receiver::listen(Some(tls)).await
    }

    async fn listen(tls: Option<TlsAcceptor>) -> Receiver {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        #[expect(clippy::disallowed_methods, reason = "the receiver runs beside the test")]
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                #[expect(clippy::disallowed_methods, reason = "a task for each connection")]
                tokio::spawn(async move {
                    match tls {
                        None => answer(stream, &state).await,
                        Some(tls) => {
                            // Who does not trust the certificate goes away.
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, &state).await;
                            }
                        }
                    }
                });
            }
        });
        Receiver { port, scheme, state, serving }
    }

    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}/hook", self.scheme, self.port)
    }

    pub fn answer_with(&self, statuses: &[u16]) {
        self.state.lock().unwrap().answers.extend(statuses);
    }

    pub fn got(&self) -> Vec<Got> {
        self.state.lock().unwrap().got.clone()
    }

    /// Waits until so many requests came, and returns them.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> impl Future<Output = Vec<Got>> + '_ {
        let place = std::panic::Location::caller();
        async move {
            let until = Instant::now() + Duration::from_secs(20);
            loop {
                let got = self.got();
                if got.len() >= count {
                    return got;
                }
                assert!(Instant::now() < until, "{place}: {} of {count}: {got:?}", got.len());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, state: &Mutex<State>) {
    let mut bytes = Vec::new();
    let (head, length, start) = loop {
        let mut part = [0; 4096];
        let Ok(size @ 1..) = stream.read(&mut part).await else { return };
        bytes.extend_from_slice(&part[..size]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        break (head.clone(), length.unwrap_or("0").parse::<usize>().unwrap(), end + 4);
    };
    while bytes.len() < start + length {
        let mut part = [0; 4096];
        let Ok(size @ 1..) = stream.read(&mut part).await else { return };
        bytes.extend_from_slice(&part[..size]);
    }
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let got = Got {
        path: head.lines().next().unwrap().to_owned(),
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        body: String::from_utf8(bytes[start..].to_vec()).unwrap(),
    };
    let status = {
        let mut state = state.lock().unwrap();
        state.got.push(got);
        state.answers.pop_front().unwrap_or(200)
    };
    if status == 0 {
        std::future::pending::<()>().await;
    }
    let location = if status == 302 { "location: /elsewhere\r\n" } else { "" };
    let reply = format!(
        "HTTP/1.1 {status} X\r\n{location}content-length: 2\r\nconnection: close\r\n\r\nok"
    );
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}
