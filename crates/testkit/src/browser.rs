//! A real browser for tests of pages: Chromium, driven through chromedriver over the WebDriver
//! protocol, which is plain JSON over HTTP.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The name under which WebDriver returns an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// A driver that takes longer to answer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// A page that takes longer does not come.
const COMING: Duration = Duration::from_secs(20);
/// Between two looks at a page that is on its way.
const GLANCE: Duration = Duration::from_millis(20);
/// What an Enter key is in typed text.
pub const ENTER: &str = "\u{e007}";

/// How a browser is to be.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    /// False: as with a browser that runs no scripts at all.
    pub scripts: bool,
    /// The person prefers dark pages.
    pub dark: bool,
    /// Width and height of the window, in pixels.
    pub size: (u32, u32),
}

impl Default for Looks {
    fn default() -> Self {
        Looks { scripts: true, dark: false, size: (1_200, 800) }
    }
}

/// A browser with one window; it ends with the test.
pub struct Browser {
    http: reqwest::Client,
    /// `http://127.0.0.1:PORT/session/ID`
    session: String,
    driver: Child,
}

/// Something on a page.
#[derive(Clone, Debug)]
pub struct Element(String);

impl Browser {
    /// Starts Chromium without a window on the screen.
    ///
    /// # Panics
    /// When `chromedriver` or Chromium is missing: install the Debian packages chromium and
    /// chromium-driver.
    pub async fn start(looks: Looks) -> Browser {
        let mut driver = match Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
        {
            Ok(driver) => driver,
            Err(error) => {
                panic!("chromedriver can't be started ({error}): install chromium-driver")
            }
        };
        let Some(port) = driver.stdout.take().and_then(port) else {
            panic!("chromedriver did not name its port")
        };
        let http = match reqwest::Client::builder().timeout(PATIENCE).build() {
            Ok(http) => http,
            Err(error) => panic!("no HTTP client: {error}"),
        };
        let url = format!("http://127.0.0.1:{port}/session");
        let reply = send(http.post(&url).json(&capabilities(looks))).await;
        let id = reply["sessionId"].as_str().unwrap_or_default();
        assert!(!id.is_empty(), "no browser, install chromium: {reply}");
        Browser { http, session: format!("{url}/{id}"), driver }
    }

    pub async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// The address of the page that is shown.
    pub async fn url(&self) -> String {
        text(&self.get("/url").await)
    }

    pub async fn title(&self) -> String {
        text(&self.get("/title").await)
    }

    /// Waits for a page with this title.
    ///
    /// # Panics
    /// When none came.
    pub async fn arrive(&self, title: &str) {
        let begun = Instant::now();
        while self.title().await != title {
            assert!(begun.elapsed() < COMING, "not at {title}, but at {}", self.url().await);
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The first element that a CSS selector fits. It is waited for: a key that sends a form returns
    /// before the next page is there.
    ///
    /// # Panics
    /// When none came.
    pub async fn find(&self, selector: &str) -> Element {
        let by = json!({ "using": "css selector", "value": selector });
        let begun = Instant::now();
        loop {
            let found = self.post("/element", by.clone()).await;
            if let Some(element) = element(&found) {
                return element;
            }
            assert!(begun.elapsed() < COMING, "no {selector}: {found}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits until an element has this text somewhere in it.
    ///
    /// # Panics
    /// When it did not come to have it.
    pub async fn reads(&self, selector: &str, text: &str) {
        let begun = Instant::now();
        loop {
            let script =
                format!("return document.querySelector({})?.innerText ?? ''", json!(selector));
            let found = self.script(&script).await.as_str().unwrap_or_default().to_owned();
            if found.contains(text) {
                return;
            }
            assert!(begun.elapsed() < COMING, "{selector} does not read {text:?}: {found}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// What a script in the page returns.
    pub async fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// How many elements a CSS selector fits.
    pub async fn count(&self, selector: &str) -> usize {
        let by = json!({ "using": "css selector", "value": selector });
        self.post("/elements", by).await.as_array().map_or(0, Vec::len)
    }

    /// Waits until the next key goes to the element with this id; a page takes its focus after it was
    /// loaded.
    ///
    /// # Panics
    /// When it did not get the focus.
    pub async fn focus(&self, id: &str) {
        let begun = Instant::now();
        loop {
            let active = element(&self.get("/element/active").await);
            let found = match &active {
                Some(active) => self.property(active, "id").await,
                None => String::new(),
            };
            if found == id {
                return;
            }
            assert!(begun.elapsed() < COMING, "#{id} has no focus, but {found:?}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    pub async fn click(&self, element: &Element) {
        self.post(&format!("/element/{}/click", element.0), json!({})).await;
    }

    /// Types text behind what is there.
    pub async fn enter(&self, element: &Element, text: &str) {
        self.post(&format!("/element/{}/value", element.0), json!({ "text": text })).await;
    }

    pub async fn clear(&self, element: &Element) {
        self.post(&format!("/element/{}/clear", element.0), json!({})).await;
    }

    /// What one can read of an element.
    pub async fn text(&self, element: &Element) -> String {
        text(&self.get(&format!("/element/{}/text", element.0)).await)
    }

    /// A property of an element's style, as the browser worked it out.
    pub async fn style(&self, element: &Element, name: &str) -> String {
        text(&self.get(&format!("/element/{}/css/{name}", element.0)).await)
    }

    /// A property such as `value` or `id`.
    pub async fn property(&self, element: &Element, name: &str) -> String {
        text(&self.get(&format!("/element/{}/property/{name}", element.0)).await)
    }

    /// What a screen reader says of an element: its role and its name.
    pub async fn spoken(&self, element: &Element) -> (String, String) {
        let role = self.get(&format!("/element/{}/computedrole", element.0)).await;
        let label = self.get(&format!("/element/{}/computedlabel", element.0)).await;
        (text(&role), text(&label))
    }

    /// What the browser has written to its console since the last call.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.post("/se/log", json!({ "type": "browser" })).await;
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| text(&entry["message"])).collect()
    }

    /// Keeps a picture of the page as NAME.png in the folder that the variable names, if it does.
    ///
    /// # Panics
    /// When the file can't be written.
    pub async fn picture(&self, variable: &str, name: &str) {
        let Some(folder) = std::env::var_os(variable).filter(|folder| !folder.is_empty()) else {
            return;
        };
        let file = std::path::Path::new(&folder).join(format!("{name}.png"));
        if let Err(error) = std::fs::write(&file, self.screenshot().await) {
            panic!("{}: {error}", file.display());
        }
    }

    /// The page as a PNG image.
    pub async fn screenshot(&self) -> Vec<u8> {
        STANDARD.decode(text(&self.get("/screenshot").await)).unwrap_or_default()
    }

    async fn get(&self, path: &str) -> Value {
        send(self.http.get(format!("{}{path}", self.session))).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        send(self.http.post(format!("{}{path}", self.session)).json(&body)).await
    }

    /// Closes the window.
    pub async fn quit(self) {
        send(self.http.delete(&self.session)).await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium ends with the driver that started it.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The port in chromedriver's first lines. The rest is read away, so that it is never held up.
fn port(output: std::process::ChildStdout) -> Option<u16> {
    let mut lines = BufReader::new(output).lines();
    let found = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once("started successfully on port ")?;
        rest.trim_end_matches('.').parse().ok()
    });
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    found
}

fn capabilities(looks: Looks) -> Value {
    let (width, height) = looks.size;
    let mut args = vec![
        "--headless=new".to_owned(),
        format!("--window-size={width},{height}"),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-background-networking".to_owned(),
        "--no-first-run".to_owned(),
        // Tests may run as root, which Chromium's sandbox refuses.
        "--no-sandbox".to_owned(),
    ];
    if looks.dark {
        args.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    let prefs = if looks.scripts {
        json!({})
    } else {
        json!({ "profile.managed_default_content_settings.javascript": 2 })
    };
    json!({ "capabilities": { "alwaysMatch": {
        "goog:chromeOptions": { "args": args, "prefs": prefs },
        "goog:loggingPrefs": { "browser": "ALL" },
    } } })
}

/// The `value` of the driver's reply.
async fn send(request: reqwest::RequestBuilder) -> Value {
    let reply = match request.send().await {
        Ok(reply) => reply.json::<Value>().await,
        Err(error) => panic!("the browser's driver does not answer: {error}"),
    };
    match reply {
        Ok(mut reply) => reply["value"].take(),
        Err(error) => panic!("the browser's driver: {error}"),
    }
}

fn element(value: &Value) -> Option<Element> {
    value[ELEMENT].as_str().map(|id| Element(id.to_owned()))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
