//! `tickettype_id` of GET by id: the record as somebody sees it who logs a ticket there.

use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{get, id, make};

on_both_databases!(a_ticket_type_sets_the_scene);

/// The texts of a record's popups.
fn notes(record: &Value) -> Vec<&str> {
    let notes = record["popup_notes"].as_array().unwrap();
    notes.iter().map(|note| note["note"].as_str().unwrap()).collect()
}

async fn a_ticket_type_sets_the_scene(server: &Server) {
    let admin = server.admin().await;
    let kind = id(&make(&admin, "TicketType", json!({ "name": "Incident" })).await);
    let popups = json!([
        { "note": "now" },
        { "note": "read", "dismissable": true },
        { "note": "over", "limitdaterange": true, "enddate": "2020-01-01" },
        { "note": "later", "limitdaterange": true, "startdate": "2099-01-01" },
    ]);
    let acme = make(&admin, "Client", json!({ "name": "Acme", "popup_notes": popups })).await;
    let site = acme["main_site_id"].as_i64().unwrap();
    admin.post("/api/Site", json!({ "id": site, "popup_notes": popups })).await.expect(200);
    for (path, record) in [("Client", id(&acme)), ("Site", site)] {
        let details = async |query: &str| {
            get(&admin, path, record, &format!("?includedetails=true{query}")).await
        };
        let all = details("").await;
        assert_eq!(notes(&all), ["now", "read", "over", "later"], "{path}");
        let read = json!([{ "id": all["popup_notes"][1]["id"] }]);
        admin.post("/api/PopupNote/read", read).await.expect(200);
        assert_eq!(notes(&details(&format!("&tickettype_id={kind}")).await), ["now"], "{path}");
        assert_eq!(notes(&details("&tickettype_id=0").await).len(), 4, "{path}");
        // The parameter alone adds nothing.
        let plain = get(&admin, path, record, &format!("?tickettype_id={kind}")).await;
        assert_eq!(plain, get(&admin, path, record, "").await, "{path}");
        for (wrong, message) in [
            ("4242", "names ticket type 4242, which does not exist"),
            ("x", "must be an integer, not \"x\""),
        ] {
            let answer = admin.get(&format!("/api/{path}/{record}?tickettype_id={wrong}")).await;
            let errors = answer.expect_error(400, "validation");
            assert_eq!(errors, json!({ "tickettype_id": [message] }), "{path}");
        }
    }
}
