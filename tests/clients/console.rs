//! The console in Chromium: signing in, looking, and what must not happen there.

use aureole_server::auth::Role;
use aureole_testkit::browser::{Browser, ENTER, Looks};
use aureole_testkit::{Actor, Database, Server};
use serde_json::{Value, json};

const PASSWORD: &str = "a-long-password";
/// A name that would do harm if it were read as HTML.
const NASTY: &str = "<img src=x onerror=\"document.title='harmed'\">";
/// A folder for pictures of the pages, for people who change them.
const PICTURES: &str = "AUREOLE_TEST_SCREENSHOTS";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shows_clients_on_sqlite() {
    look(Database::Sqlite, Looks::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shows_clients_on_postgres_on_a_dark_telephone() {
    look(Database::Postgres, Looks { dark: true, size: (500, 900), ..Looks::default() }).await;
}

async fn look(database: Database, looks: Looks) {
    let server = Server::start(database).await;
    let now = server.app().clock.now_ms();
    let auth = &server.app().auth;
    auth.create_agent("", "Ann", "ann@example.com", Some(PASSWORD), Role::Agent, now)
        .await
        .unwrap();
    let admin = server.admin().await;
    let acme = records(&admin).await;

    let browser = Browser::start(looks).await;
    browser.open(&format!("{}/", server.url())).await;
    sign_in(&browser).await;
    browser.arrive("Clients – Aureole").await;
    assert!(browser.url().await.ends_with("/console#/clients"), "{}", browser.url().await);
    picture(&browser, looks, "clients").await;
    let page = browser.text(&browser.find("main").await).await;
    assert!(page.contains("1 to 50 of 62"), "{page}");
    assert_eq!(browser.text(&browser.find("tbody td").await).await, NASTY);

    browser.click(&browser.find(".pages a").await).await;
    browser.reads("main", "51 to 62 of 62").await;
    // An old address may lead behind the end; the way back leads to the last page.
    browser.open(&format!("{}/console#/clients?page=99", server.url())).await;
    browser.reads("main", "The list ends before this page.").await;
    browser.click(&browser.find(".pages a").await).await;
    browser.reads("main", "51 to 62 of 62").await;
    let search = browser.find("input[type=search]").await;
    browser.enter(&search, &format!("zebra{ENTER}")).await;
    browser.reads("main", "Nothing is found for “zebra”.").await;

    browser.open(&format!("{}/console#/clients/{acme}", server.url())).await;
    browser.arrive(&format!("{NASTY} – Aureole")).await;
    assert_eq!(browser.text(&browser.find("h1").await).await, NASTY);
    assert_eq!(browser.count("main img").await, 0);
    let page = browser.text(&browser.find("main").await).await;
    for text in
        ["Head office", "A note <b>in HTML</b>", "Managed switch", "19.99", "created Client"]
    {
        assert!(page.contains(text), "{text} in {page}");
    }
    picture(&browser, looks, "client").await;
    if looks.size.0 < 600 {
        let width = browser.script("return document.documentElement.scrollWidth").await;
        assert!(width.as_u64().unwrap() <= 500, "the page is {width} pixels wide");
    }

    // Another page with the address of a record goes there, without signing in again.
    browser.open(&format!("{}/console/#/changes", server.url())).await;
    browser.arrive("Changes – Aureole").await;
    browser.reads("main", "created Client").await;
    picture(&browser, looks, "changes").await;
    browser.open(&format!("{}/console#/clients/999999", server.url())).await;
    browser.reads("[role=alert]", "999999").await;

    browser.click(&browser.find("#sign-out").await).await;
    browser.find("#sign-in").await;
    let console = browser.console().await;
    let unexpected: Vec<&String> =
        console.iter().filter(|line| !line.contains("a status of 404")).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    browser.quit().await;
}

/// 62 clients, the first with what a client has.
async fn records(admin: &Actor) -> i64 {
    let acme = json!([{
        "name": NASTY, "newclient_sitename": "Head office", "website": "https://acme.example",
    }]);
    let made = admin.post("/api/Client", acme).await.expect(201);
    let id = made["id"].as_i64().unwrap_or_else(|| made[0]["id"].as_i64().unwrap());
    let note = json!([{ "client_id": id, "note": "A note <b>in HTML</b>" }]);
    admin.post("/api/CRMNote", note).await.expect(201);
    let item = json!([{
        "client_id": id, "areaitemdesc": "Managed switch", "quantity": 3, "sellingprice": 19.99,
    }]);
    admin.post("/api/RecurringItem", item).await.expect(201);
    let others: Vec<Value> =
        (0..61).map(|number| json!({ "name": format!("Client {number:02}") })).collect();
    admin.post("/api/Client", Value::Array(others)).await.expect(201);
    id
}

async fn sign_in(browser: &Browser) {
    browser.click(&browser.find("#sign-in").await).await;
    browser.arrive("Sign in to Aureole console").await;
    browser.enter(&browser.find("#username").await, "ann@example.com").await;
    browser.enter(&browser.find("#password").await, &format!("{PASSWORD}{ENTER}")).await;
}

async fn picture(browser: &Browser, looks: Looks, name: &str) {
    let kind = if looks.dark { "dark" } else { "light" };
    browser.picture(PICTURES, &format!("console-{kind}-{name}")).await;
}
