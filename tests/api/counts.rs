//! Ticket counts as keys of order and as conditions of `advanced_search`.

use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::lists::found;
use crate::paths::encode;
use crate::writes::{id, make};

on_both_databases!(lists_are_ordered_by_ticket_counts, the_counts_of_a_month_end_with_it);

/// Clients whose tickets differ in every count: open, on hold, all, this month.
async fn tickets(server: &Server) {
    let admin = server.admin().await;
    for (name, open, on_hold, closed) in [
        ("none", 0, 0, 0),
        ("few", 1, 0, 0),
        ("held", 2, 2, 0),
        ("many", 3, 1, 1),
        ("done", 0, 0, 6),
    ] {
        let client = make(&admin, "Client", json!({ "name": name })).await;
        let ticket = |summary: &str, more: Value| {
            let site = &client["main_site_id"];
            let mut ticket =
                json!({ "summary": summary, "client_id": id(&client), "site_id": site });
            ticket.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            ticket
        };
        let mut body: Vec<Value> =
            (0..open).map(|at| ticket("open", json!({ "onhold": at < on_hold }))).collect();
        let past = json!({ "dateoccurred": "2020-01-01", "dateclosed": "2020-02-01" });
        body.extend((0..closed).map(|_| ticket("closed", past.clone())));
        // Opportunities are not counted.
        body.extend((0..4).map(|_| ticket("chance", json!({ "isopportunity": true }))));
        make(&admin, "Tickets", json!(body)).await;
    }
}

async fn lists_are_ordered_by_ticket_counts(server: &Server) {
    tickets(server).await;
    let admin = server.admin().await;
    for (query, expected) in [
        ("order=open_ticket_count", "none|done|few|held|many"),
        ("order=open_ticket_count&orderdesc=true", "many|held|few|none|done"),
        ("order=open_ticket_count&order2=name&orderdesc2=true", "none|done|few|held|many"),
        ("order=open_ticket_count&order2=name", "done|none|few|held|many"),
        ("order=onhold_ticket_count&orderdesc=true&order2=id", "held|many|none|few|done"),
        ("order=total_ticket_count&orderdesc=true", "done|many|held|few|none"),
        ("order=opened_thismonth_count&orderdesc=true&order2=name", "many|held|few|done|none"),
        // A key that only a document has beside one that is counted.
        (
            "order=colour&order2=onhold_ticket_count&orderdesc2=true&order3=name",
            "held|many|done|few|none",
        ),
        (
            "order=toplevel_name&order2=opened_thismonth_count&order3=name",
            "done|none|few|held|many",
        ),
        ("order=open_ticket_count&pageinate=true&page_size=2&page_no=2", "few|held"),
    ] {
        assert_eq!(found(&admin, query).await, expected, "{query}");
        let shown = format!("{query}&showcounts=true");
        assert_eq!(found(&admin, &shown).await, expected, "{shown}");
    }
    let sites =
        admin.get("/Site?order=total_ticket_count&orderdesc=true&count=2").await.expect(200);
    let owners: Vec<&str> = sites["sites"]
        .as_array()
        .unwrap()
        .iter()
        .map(|site| site["client_name"].as_str().unwrap())
        .collect();
    assert_eq!(owners, ["done", "many"]);
    for (name, kind, value, expected) in [
        ("open_ticket_count", 6, json!(0), "done|none"),
        ("open_ticket_count", 8, json!(2), "held|many"),
        ("onhold_ticket_count", 2, json!("1"), "many"),
        ("total_ticket_count", 0, json!([4, 6]), "done|many"),
        ("opened_thismonth_count", 9, json!(1), "done|none"),
        ("opps_ticket_count", 6, json!(4), "done|few|held|many|none"),
    ] {
        let condition =
            json!([{ "filter_name": name, "filter_type": kind, "filter_value": value }]);
        let query = format!("advanced_search={}", encode(&condition.to_string()));
        assert_eq!(found(&admin, &query).await, expected, "{condition}");
    }
}

async fn the_counts_of_a_month_end_with_it(server: &Server) {
    let admin = server.admin().await;
    let made = make(&admin, "Client", json!([{ "name": "a" }, { "name": "b" }])).await;
    make(&admin, "Tickets", json!({ "summary": "s", "client_id": id(&made[1]) })).await;
    let query = "order=opened_thismonth_count&orderdesc=true";
    assert_eq!(found(&admin, query).await, "b|a");
    server.advance_ms(32 * 86_400_000);
    let later = server.admin().await;
    assert_eq!(found(&later, query).await, "a|b", "nothing was written, and the month is another");
}
