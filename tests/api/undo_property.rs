//! Whatever is written, undone change by change from the last one on, the start is there again.

use aureole_testkit::{Actor, Database, Server};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::writes::timeless;

/// The records that a sequence works on, by path.
const PATHS: &[&str] = &[
    "Client",
    "Site",
    "Users",
    "CRMNote",
    "PopupNote",
    "RecurringItem",
    "AreaAzureTenant",
    "ClientPrepay",
    "PrepayUse",
    "AreaRequestType",
    "SiteContact",
    "StockBins",
    "Tickets",
    "TopLevel",
    "Tax",
    "FieldInfo",
    "Supplier",
    "Address",
];

/// One random write; the numbers choose records and values.
#[derive(Clone, Debug)]
struct Step {
    what: u8,
    one: usize,
    two: usize,
    value: u8,
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0u8..30, 0usize..8, 0usize..8, 0u8..6).prop_map(|(what, one, two, value)| Step {
        what,
        one,
        two,
        value,
    });
    prop::collection::vec(step, 1..most)
}

/// Ids of every record of a path that can be seen.
async fn ids(admin: &Actor, path: &str) -> Vec<i64> {
    let list =
        admin.get(&format!("/api/{path}?includeinactive=true&showall=true")).await.expect(200);
    let rows = match &list {
        Value::Array(rows) => rows.clone(),
        Value::Object(map) => map.values().find_map(Value::as_array).cloned().unwrap_or_default(),
        _ => Vec::new(),
    };
    rows.iter().filter_map(|row| row["id"].as_i64()).collect()
}

/// Everything that a caller can see, in full.
async fn everything(admin: &Actor) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for path in PATHS {
        let mut ids = ids(admin, path).await;
        ids.sort_unstable();
        for id in ids {
            let flags = if *path == "Client" {
                "&includeprepay=true&includeactivity=true&getavailablerts=true"
            } else {
                ""
            };
            let place = format!("/api/{path}/{id}?includedetails=true{flags}");
            let answer = admin.get(&place).await;
            // A client that was merged into one that is gone is only in the list.
            let told =
                if answer.status == 200 { timeless(answer.json()) } else { json!(answer.status) };
            found.push((format!("{path} {id}"), told));
        }
        let list =
            admin.get(&format!("/api/{path}?includeinactive=true&showall=true")).await.expect(200);
        found.push(((*path).to_owned(), timeless(list)));
    }
    found
}

async fn pick(admin: &Actor, path: &str, at: usize) -> Option<i64> {
    let ids = ids(admin, path).await;
    (!ids.is_empty()).then(|| ids[at % ids.len()])
}

/// Carries a step out; the server may refuse it, but never breaks.
async fn run(admin: &Actor, step: &Step, number: usize) {
    let (one, two, value) = (step.one, step.two, step.value);
    let text = |name: &str| match value {
        0 => Value::Null,
        value => json!(format!("{name} {value}")),
    };
    let client = pick(admin, "Client", one).await;
    let site = pick(admin, "Site", two).await;
    let user = pick(admin, "Users", one).await;
    let (path, body) = match step.what {
        0 => (
            "Client",
            json!({ "name": format!("New {number}"), "newclient_contactname": text("Una"), "website": text("w"), "popup_notes": [{ "note": "p" }] }),
        ),
        1 => (
            "Client",
            json!({ "id": client, "website": text("site"), "notes": text("n"), "ref": text("r") }),
        ),
        2 => ("Client", json!({ "id": client, "name": format!("Renamed {}", value) })),
        3 => (
            "Client",
            json!({ "id": client, "popup_notes": vec![json!({ "note": "new" }); usize::from(value % 3)] }),
        ),
        4 => (
            "Client",
            json!({ "id": client, "areaitems": vec![json!({ "areaitemdesc": "i", "quantity": value }); usize::from(value % 3)], "azure_tenants": [] }),
        ),
        5 => (
            "Client",
            json!({ "id": client, "allowed_tickettypes": [{ "id": 1 + i64::from(value % 2) }], "allowall_tickettypes": value > 2 }),
        ),
        6 => ("Client", json!({ "id": client, "main_site_id": site })),
        7 => (
            "Client",
            json!({ "id": client, "customfields": [{ "name": "CFcolour", "value": text("c") }, { "name": "CFsize", "value": text("s") }] }),
        ),
        8 => (
            "Client",
            json!({ "id": client, "client_to_invoice": pick(admin, "Client", two).await, "item_tax_code": pick(admin, "Tax", two).await }),
        ),
        9 => (
            "Client",
            json!({ "id": client, "toplevel_id": pick(admin, "TopLevel", two).await, "inactive": value == 1 }),
        ),
        10 => (
            "Site",
            json!({ "name": format!("Site {number}"), "client_id": client, "newsite_contactname": text("Ulf"), "delivery_address": { "line1": text("l") } }),
        ),
        11 => ("Site", json!({ "id": site, "client_id": client })),
        12 => ("Site", json!({ "id": site, "isinvoicesite": true, "phonenumber": text("1") })),
        13 => (
            "Site",
            json!({ "id": site, "maincontact_id": user, "notes": text("n"), "popup_notes": [{ "note": "at the site" }] }),
        ),
        14 => (
            "Site",
            json!({ "id": site, "isstocklocation": true, "stockbins": [{ "name": "A" }], "sitecontacts": [{ "uid": user }] }),
        ),
        15 => (
            "Users",
            json!({ "name": format!("User {number}"), "site_id": site, "emailaddress": format!("u{number}@example.com"), "password": "correct horse" }),
        ),
        16 => ("Users", json!({ "id": user, "site_id": site, "title": text("Dr") })),
        17 => (
            "Users",
            json!({ "id": user, "emailaddress": format!("v{value}@example.com"), "popup_notes": [{ "note": "u" }] }),
        ),
        18 => (
            "CRMNote",
            json!({ "note": "n", "client_id": client, "nextcalldate": format!("2027-01-0{}", value + 1) }),
        ),
        19 => (
            "CRMNote",
            json!({ "id": pick(admin, "CRMNote", one).await, "note": text("m"), "detail": "<b>x</b>", "nextcalldate": format!("2027-02-0{}", value + 1) }),
        ),
        20 => (
            "ClientPrepay",
            json!({ "client_id": client, "hours": 1 + i64::from(value), "expirydate": "2099-01-01" }),
        ),
        21 => ("PrepayUse", json!({ "client_id": client, "hours": 1 })),
        22 => (
            "PopupNote",
            json!({ "id": pick(admin, "PopupNote", one).await, "note": text("edited"), "dismissable": true }),
        ),
        23 => ("Tickets", json!({ "summary": "t", "client_id": client })),
        24 => (
            "TopLevel",
            json!({ "id": pick(admin, "TopLevel", one).await, "name": format!("Level {value}"), "parentid": pick(admin, "TopLevel", two).await }),
        ),
        25 => (
            "Client",
            json!({ "id": client, "_merge_client_into": pick(admin, "Client", two).await }),
        ),
        26 => ("PopupNote/read", json!([{ "id": pick(admin, "PopupNote", one).await }])),
        27 => return delete(admin, "Client", client).await,
        28 => {
            let path = PATHS[two % PATHS.len()];
            return delete(admin, path, pick(admin, path, one).await).await;
        }
        _ => return delete(admin, "Site", site).await,
    };
    // Reading is no change of a record; it would be there again only by chance.
    if path == "PopupNote/read" {
        return;
    }
    let answer = admin.post(&format!("/api/{path}"), body.clone()).await;
    assert!(answer.status < 500, "{path} {body}: {}", answer.text);
}

async fn delete(admin: &Actor, path: &str, id: Option<i64>) {
    let Some(id) = id else { return };
    let answer = admin.delete(&format!("/api/{path}/{id}")).await;
    assert!(answer.status < 500, "DELETE {path}/{id}: {}", answer.text);
}

/// Something of every kind to begin with.
async fn begin(admin: &Actor) {
    for name in ["colour", "size"] {
        let field = json!({ "name": name, "label": name, "usage": 2, "type": 0 });
        admin.post("/api/FieldInfo", field).await.expect(201);
    }
    admin.post("/api/Tax", json!([{ "name": "VAT" }, { "name": "None" }])).await.expect(201);
    admin.post("/api/Supplier", json!({ "name": "Parts", "notes": "n" })).await.expect(201);
    crate::deletes::rich_client(admin, "One").await;
    let two = crate::deletes::rich_client(admin, "Two").await;
    let user = json!({ "name": "Eve", "site_id": two["main_site_id"], "emailaddress": "eve@example.com", "password": "correct horse" });
    admin.post("/api/Users", user).await.expect(201);
    let custom =
        json!({ "id": two["id"], "customfields": [{ "name": "CFcolour", "value": "red" }] });
    admin.post("/api/Client", custom).await.expect(200);
    admin
        .post("/api/ClientPrepay", json!({ "client_id": two["id"], "hours": 7 }))
        .await
        .expect(201);
    let popups = ids(admin, "PopupNote").await;
    admin.post("/api/PopupNote/read", json!([{ "id": popups[0] }])).await.expect(200);
}

async fn newest(admin: &Actor) -> i64 {
    admin.get("/api/History?count=1").await.expect(200)[0]["id"].as_i64().unwrap()
}

async fn holds(database: Database, sequences: &[Vec<Step>]) {
    let server = Server::start(database).await;
    let admin = server.admin().await;
    begin(&admin).await;
    for steps in sequences {
        let start = newest(&admin).await;
        let before = everything(&admin).await;
        for (number, step) in steps.iter().enumerate() {
            run(&admin, step, number).await;
        }
        let after = everything(&admin).await;
        let mut changes = Vec::new();
        for page in 1.. {
            let place = format!("/api/History?pageinate=true&page_size=100&page_no={page}");
            let found = admin.get(&place).await.expect(200);
            let found = found["changes"].as_array().unwrap();
            changes.extend(found.iter().filter(|one| one["id"].as_i64() > Some(start)).cloned());
            if found.last().is_none_or(|one| one["id"].as_i64() <= Some(start)) {
                break;
            }
        }
        let end = newest(&admin).await;
        for change in &changes {
            let place = format!("/api/History/{}/restore", change["id"]);
            let answer = admin.post(&place, json!({})).await;
            assert_eq!(answer.status, 200, "{steps:?}\n{change}\n{}", answer.text);
        }
        same(&everything(&admin).await, &before, &format!("{steps:?}\n{changes:#?}"));
        // The undoing itself is undone the same way.
        let found = admin.get("/api/History?count=1000").await.expect(200);
        let undone = found.as_array().unwrap().iter().filter(|one| one["id"].as_i64() > Some(end));
        for change in undone {
            let answer =
                admin.post(&format!("/api/History/{}/restore", change["id"]), json!({})).await;
            assert_eq!(answer.status, 200, "again: {steps:?}\n{change}\n{}", answer.text);
        }
        same(&everything(&admin).await, &after, &format!("again: {steps:?}"));
    }
}

fn same(found: &[(String, Value)], wanted: &[(String, Value)], what: &str) {
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found, wanted, "{what}");
    }
    assert_eq!(found.len(), wanted.len(), "{what}");
}

fn check(database: Database) {
    let cases = std::env::var("UNDO_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let seed = std::env::var("UNDO_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7u8);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = steps(14);
    let sequences: Vec<Vec<Step>> =
        (0..cases).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(holds(database, &sequences));
}

#[test]
fn any_sequence_is_undone_to_its_start_on_sqlite() {
    check(Database::Sqlite);
}

#[test]
fn any_sequence_is_undone_to_its_start_on_postgres() {
    check(Database::Postgres);
}
