//! Prepay that is bought on its own: recurring lots and top-ups, once for each due date.

use std::sync::Arc;

use aureole_server::{App, Clock, Config, jobs};
use aureole_storage::{DatabaseUrl, Db};
use aureole_testkit::postgres::Cluster;
use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::json;

use crate::prepay::{DAY_MS, day, lots, sums, take};
use crate::writes::{client, get, id, make};

on_both_databases!(
    recurring_lots_keep_the_anchor_day,
    a_single_recurring_lot_is_bought_once,
    top_ups_fill_up_to_an_amount_or_by_one,
);

async fn run(server: &Server) -> u64 {
    jobs::run_due(server.app()).await.unwrap()
}

async fn recurring_lots_keep_the_anchor_day(server: &Server) {
    let admin = server.admin().await;
    let body = json!({
        "name": "Acme", "prepayrecurringchargenextdate": "2026-01-31", "prepayrecurringchargebp": 2,
        "prepayrecurringhours": 7.5, "prepayrecurringcharge": 600, "prepayrecurringexpirymonths": 1,
    });
    let acme = id(&make(&admin, "Client", body).await);
    let idle = client(&admin, "Idle").await;
    run(server).await;
    assert_eq!(run(server).await, 0);
    let read = get(&admin, "Client", acme, "?includeprepay=true").await;
    let rows = read["prepayhistory"].as_array().unwrap();
    let dates: Vec<&str> = rows.iter().take(3).map(|row| row["date"].as_str().unwrap()).collect();
    assert_eq!(dates, ["2026-01-31T00:00:00", "2026-02-28T00:00:00", "2026-03-31T00:00:00"]);
    assert_eq!((rows[0]["hours"].to_string(), &rows[0]["amount"]), ("7.5".to_owned(), &json!(600)));
    assert_eq!(
        (&rows[0]["expirydate"], &rows[1]["expirydate"]),
        (&json!("2026-02-28T00:00:00"), &json!("2026-03-28T00:00:00"))
    );
    let next = read["prepayrecurringchargenextdate"].as_str().unwrap().to_owned();
    assert!(next > day(server, 0), "{next}");
    let count = rows.len();
    // Posting back what was read, and asking for a date again, buys nothing twice.
    admin
        .post("/api/Client", json!({ "id": acme, "prepayrecurringchargenextdate": next }))
        .await
        .expect(200);
    admin
        .post("/api/Client", json!({ "id": acme, "prepayrecurringchargenextdate": "2026-02-28" }))
        .await
        .expect(200);
    assert_eq!(run(server).await, 0);
    assert_eq!(lots(&admin, acme).await.len(), count);
    let read = get(&admin, "Client", acme, "").await;
    assert_eq!(read["prepayrecurringchargenextdate"], json!(next));
    // Two months later, still on the month's last day.
    server.advance_ms(62 * DAY_MS);
    let admin = server.admin().await;
    assert!((1..=3).contains(&run(server).await));
    let dates = lots(&admin, acme).await;
    for (date, _) in &dates {
        let day: jiff::civil::DateTime = date.parse().unwrap();
        assert_eq!(day.date(), day.date().last_of_month(), "{date}");
    }
    assert_eq!(lots(&admin, id(&idle)).await.len(), 0);
}

async fn a_single_recurring_lot_is_bought_once(server: &Server) {
    let admin = server.admin().await;
    let body = json!({
        "name": "Acme", "prepayrecurringchargenextdate": day(server, -1), "prepayrecurringhours": 3,
    });
    let acme = id(&make(&admin, "Client", body).await);
    let gone = make(&admin, "Client", json!({
        "name": "Gone", "inactive": true, "prepayrecurringchargenextdate": day(server, -1), "prepayrecurringhours": 3,
    }))
    .await;
    run(server).await;
    server.advance_ms(400 * DAY_MS);
    let admin = server.admin().await;
    assert_eq!(run(server).await, 0);
    assert_eq!(sums(&admin, acme).await, ["3", "0", "3"]);
    assert!(get(&admin, "Client", acme, "").await.get("prepayrecurringchargenextdate").is_none());
    assert_eq!(sums(&admin, id(&gone)).await, ["0", "0", "0"]);
}

async fn top_ups_fill_up_to_an_amount_or_by_one(server: &Server) {
    let admin = server.admin().await;
    let to = json!({ "name": "To", "autotopupthreshhold": 5, "autotopuptoamount": 20, "autotopupcostperhour": 80.55 });
    let by = json!({ "name": "By", "autotopupthreshhold": 5, "autotopupbyamount": 10, "autotopupcostperhour": 80 });
    let money = json!({
        "name": "Money", "prepayasamount": true, "autotopupthreshhold": 50, "autotopuptoamount": 200, "autotopupcostperhour": 80,
    });
    let (to, by) = (id(&make(&admin, "Client", to).await), id(&make(&admin, "Client", by).await));
    let money = id(&make(&admin, "Client", money).await);
    run(server).await;
    assert_eq!(run(server).await, 0);
    assert_eq!(sums(&admin, to).await, ["20", "0", "20"]);
    assert_eq!(sums(&admin, by).await, ["10", "0", "10"]);
    let read = get(&admin, "Client", to, "?includeprepay=true").await;
    assert_eq!(read["prepayhistory"][0]["amount"].to_string(), "1611");
    let read = get(&admin, "Client", money, "?includeprepay=true").await;
    let bought = &read["prepayhistory"][0];
    assert_eq!(
        (bought["amount"].to_string(), bought["hours"].to_string()),
        ("200".into(), "2.5".into())
    );
    take(&admin, to, "15", &day(server, 0)).await;
    take(&admin, by, "5", &day(server, 0)).await;
    assert_eq!(run(server).await, 0, "the threshold is reached, not passed");
    take(&admin, to, "0.5", &day(server, 0)).await;
    take(&admin, by, "18", &day(server, 0)).await;
    run(server).await;
    assert_eq!(sums(&admin, to).await, ["35.5", "15.5", "20"]);
    assert_eq!(sums(&admin, by).await, ["30", "23", "7"]);
    let body = json!({ "id": to, "autotopuptoamount": -1 });
    admin.post("/api/Client", body).await.expect_error(400, "validation");
}

/// Eight clients, each with a recurring lot and a top-up that are due.
async fn due_clients(admin: &Actor) -> Vec<i64> {
    let mut ids = Vec::new();
    for at in 0..8 {
        let body = json!({
            "name": format!("Client {at}"), "prepayrecurringchargenextdate": "2026-01-31",
            "prepayrecurringchargebp": 5, "prepayrecurringhours": 10, "prepayrecurringexpirymonths": 1200,
            "autotopupthreshhold": 40, "autotopuptoamount": 50,
        });
        ids.push(id(&make(admin, "Client", body).await));
    }
    ids
}

async fn bought_once(admin: &Actor, ids: &[i64]) {
    for id in ids {
        let read = get(admin, "Client", *id, "?includeprepay=true").await;
        let rows = read["prepayhistory"].as_array().unwrap();
        let count = |text: &str| rows.iter().filter(|row| row["description"] == text).count();
        assert_eq!((count("Recurring prepay"), count("Automatic top-up")), (1, 1), "{rows:?}");
        assert_eq!(read["prepaybalance"], 50);
    }
}

/// Two programs on one database, each with connections of its own.
async fn two_nodes_on(url: DatabaseUrl) {
    let config = Config::default();
    let open = || async {
        let db = Db::open(&url, config.storage_options()).await.unwrap();
        App::open(db, Config::default(), Clock::system()).await.unwrap()
    };
    let (first, second) = (open().await, open().await);
    aureole_server::load::demo_identities(&first, "default").await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = aureole_server::serve::serve(Arc::clone(&first), listener, async {
        let _ = stopped.await;
    });
    let buying = async {
        let admin = Actor::sign_in(&address, "default", "demo", "demo-secret", "all").await;
        let ids = due_clients(&admin).await;
        for _ in 0..3 {
            let both =
                tokio::join!(jobs::run_due(&first), jobs::run_due(&second), jobs::run_due(&first));
            both.0.unwrap();
            both.1.unwrap();
            both.2.unwrap();
        }
        bought_once(&admin, &ids).await;
        stop.send(()).unwrap();
    };
    tokio::join!(serving, buying);
    second.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_buy_once_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    two_nodes_on(DatabaseUrl::Sqlite(folder.path().join("test.db"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_buy_once_on_postgres() {
    two_nodes_on(DatabaseUrl::Postgres(Cluster::shared().unwrap().create_database())).await;
}
