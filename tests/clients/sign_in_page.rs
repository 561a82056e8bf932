//! The sign-in page in Chromium, with scripts and without them.

use aureole_server::auth::{NewApplication, Role};
use aureole_testkit::browser::{Browser, ENTER, Looks};
use aureole_testkit::{Database, Server};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The example of RFC 7636.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const PASSWORD: &str = "a-long-password";
/// A folder for pictures of the page, for people who change it.
const PICTURES: &str = "AUREOLE_TEST_SCREENSHOTS";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_on_sqlite() {
    check(Database::Sqlite, Looks::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_on_postgres_without_scripts() {
    check(Database::Postgres, Looks { scripts: false, ..Looks::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_on_a_dark_telephone() {
    let looks = Looks { dark: true, size: (500, 900), ..Looks::default() };
    check(Database::Sqlite, looks).await;
}

/// The application: it answers every request and passes on what was asked for.
struct Application {
    url: String,
    asked: UnboundedReceiver<String>,
}

impl Application {
    async fn start() -> Application {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, asked) = unbounded_channel();
        #[expect(clippy::disallowed_methods, reason = "the application runs beside the test")]
        tokio::spawn(async move {
            // A browser opens connections that it may never use: each is waited for by itself.
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, sender.clone()));
            }
        });
        Application { url, asked }
    }

    /// The request with which the browser came back.
    async fn back(&mut self) -> String {
        loop {
            let request = self.asked.recv().await.unwrap();
            if request.starts_with("GET /back") {
                return request;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, asked: UnboundedSender<String>) {
    let mut request = vec![0; 16_384];
    let Ok(length @ 1..) = stream.read(&mut request).await else { return };
    let page = "<title>Back</title><link rel=icon href=data:,>";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close";
    let reply = format!("{head}\r\ncontent-length: {}\r\n\r\n{page}", page.len());
    stream.write_all(reply.as_bytes()).await.unwrap();
    let _ = asked.send(String::from_utf8_lossy(&request[..length]).into_owned());
}

async fn check(database: Database, looks: Looks) {
    let server = Server::start(database).await;
    let auth = &server.app().auth;
    let now = server.app().clock.now_ms();
    let email = "ann@example.com";
    auth.create_agent("", "Ann", email, Some(PASSWORD), Role::Agent, now).await.unwrap();
    let mut application = Application::start().await;
    let back = format!("{}/back", application.url);
    let new = NewApplication {
        name: "Customer portal",
        client_id: Some("portal"),
        grants: &["authorization_code"],
        redirect_uris: &[&back],
        is_public: true,
        ..NewApplication::default()
    };
    auth.create_application(new, now).await.unwrap();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", "portal"),
            ("redirect_uri", &back),
            ("scope", "all"),
            ("state", "the state"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
        .finish();

    let browser = Browser::start(looks).await;
    browser.open(&format!("{}/auth/authorize?{query}", server.url())).await;
    is_the_page(&browser, looks).await;
    picture(&browser, looks, "first").await;
    a_wrong_password(&browser, email).await;
    picture(&browser, looks, "wrong").await;

    let password = browser.find("#password").await;
    browser.enter(&password, PASSWORD).await;
    browser.click(&browser.find("button[value=sign_in]").await).await;
    let asked = application.back().await;
    browser.arrive("Back").await;
    let tokens = exchange(&server, &asked, &back).await;
    let actor = server.nobody().with_token(tokens["access_token"].as_str().unwrap());
    assert_eq!(actor.get("/Agent/me").await.expect(200)["name"], "Ann");

    // A wrong password is a 400, which Chromium notes; anything else would be the policy's.
    let console = browser.console().await;
    let unexpected: Vec<&String> =
        console.iter().filter(|line| !line.contains("a status of 400")).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    // The page where nothing can be done.
    browser.open(&format!("{}/auth/authorize?client_id=nobody", server.url())).await;
    assert_eq!(browser.count("form").await, 0);
    assert!(browser.text(&browser.find(".alarm").await).await.contains("is not known"));
    picture(&browser, looks, "stopped").await;
    let console = browser.console().await;
    assert!(console.iter().all(|line| line.contains("a status of 400")), "{console:?}");
    browser.quit().await;
}

async fn is_the_page(browser: &Browser, looks: Looks) {
    browser.arrive("Sign in to Customer portal").await;
    let page = browser.text(&browser.find("body").await).await;
    assert!(
        page.contains("Customer portal") && page.contains("You will return to 127.0.0.1:"),
        "{page}"
    );
    let username = browser.find("#username").await;
    browser.focus("username").await;
    for (selector, role, name) in [
        ("#username", "textbox", "E-mail address or login name"),
        ("#password", "textbox", "Password"),
        ("button[value=sign_in]", "button", "Sign in"),
        ("button[value=cancel]", "button", "Cancel"),
        ("h1", "heading", "Sign in"),
    ] {
        let spoken = browser.spoken(&browser.find(selector).await).await;
        let spoken = (spoken.0.replace("generic", "textbox"), spoken.1);
        assert_eq!((spoken.0.as_str(), spoken.1.as_str()), (role, name), "{selector}");
    }
    // The style sheet is in force: its hash fits the policy.
    let button = browser.find("button[value=sign_in]").await;
    let accent = if looks.dark { "rgba(126, 166, 255, 1)" } else { "rgba(26, 79, 208, 1)" };
    assert_eq!(browser.style(&button, "background-color").await, accent);
    assert_eq!(browser.property(&username, "value").await, "");
}

async fn a_wrong_password(browser: &Browser, email: &str) {
    browser.enter(&browser.find("#username").await, email).await;
    browser.enter(&browser.find("#password").await, &format!("guess{ENTER}")).await;
    let alarm = browser.find("[role=alert]").await;
    assert_eq!(browser.text(&alarm).await, "The username or the password is wrong.");
    let username = browser.find("#username").await;
    assert_eq!(browser.property(&username, "value").await, email);
    assert_eq!(browser.property(&browser.find("#password").await, "value").await, "");
    browser.focus("password").await;
}

/// Exchanges the code in the request that the browser sent to the application.
async fn exchange(server: &Server, request: &str, back: &str) -> Value {
    assert!(!request.to_ascii_lowercase().contains("\r\nreferer:"), "{request}");
    let path = request.split(' ').nth(1).unwrap();
    let (_, query) = path.split_once('?').unwrap();
    let sent = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap()
    };
    assert_eq!((sent("state").as_str(), sent("iss").as_str()), ("the state", server.url()));
    let code = sent("code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "portal"),
        ("code", code.as_str()),
        ("redirect_uri", back),
        ("code_verifier", VERIFIER),
    ];
    server.nobody().form("/auth/token", &fields).await.expect(200)
}

async fn picture(browser: &Browser, looks: Looks, name: &str) {
    let kind = if looks.dark { "dark" } else { "light" };
    browser.picture(PICTURES, &format!("sign-in-{kind}-{name}")).await;
}
