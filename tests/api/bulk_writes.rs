//! A POST of many records: as if they came one after the other, and all or none.

use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make, names, timeless};

on_both_databases!(
    names_are_unique_within_the_body_too,
    a_name_that_is_given_up_is_free_for_the_next,
    one_bad_element_leaves_nothing_behind,
    elements_see_those_before_them_and_not_those_after,
    updates_and_inserts_mix,
    the_same_record_twice_ends_in_its_last_state,
    many_at_once_are_what_one_by_one_makes,
    ids_and_changes_have_no_gaps_after_a_refusal,
);

async fn names_are_unique_within_the_body_too(server: &Server) {
    let admin = server.admin().await;
    let taken = client(&admin, "Taken").await;
    let body = json!([{ "name": "One" }, { "name": " oNE " }, { "name": "TAKEN" }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "duplicate");
    let paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    assert_eq!(paths, ["[1].name", "[2].name"]);
    let text = errors["[2].name"][0].as_str().unwrap();
    assert!(text.contains(&format!("client {}", id(&taken))), "{text}");
    assert_eq!(names(&admin, "/api/Client", "clients").await, ["Taken"]);
}

async fn a_name_that_is_given_up_is_free_for_the_next(server: &Server) {
    let admin = server.admin().await;
    let old = client(&admin, "Acme").await;
    let body = json!([{ "id": id(&old), "name": "Acme old" }, { "name": "ACME" }]);
    admin.post("/api/Client", body).await.expect(201);
    assert_eq!(names(&admin, "/api/Client", "clients").await, ["ACME", "Acme old"]);
    // The other way round the name is still taken.
    let body = json!([{ "name": "Acme old" }, { "id": id(&old), "name": "Elsewhere" }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "duplicate");
    assert!(errors["[0].name"].is_array(), "{errors}");
    // And a name that an update took within the request is taken for those after it.
    let body = json!([{ "id": id(&old), "name": "Fresh" }, { "name": "fresh" }]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "duplicate");
    assert!(errors["[1].name"].is_array(), "{errors}");
}

async fn one_bad_element_leaves_nothing_behind(server: &Server) {
    let admin = server.admin().await;
    let before = client(&admin, "Before").await;
    let mut body: Vec<Value> = (0..150).map(|at| json!({ "name": format!("Row {at}") })).collect();
    body[20] = json!({ "id": id(&before), "notes": "changed" });
    body[149] = json!({ "name": "Last", "pritech": 4242 });
    let errors = admin.post("/api/Client", json!(body)).await.expect_error(400, "validation");
    let paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    assert_eq!(paths, ["[149].pritech"]);
    assert_eq!(names(&admin, "/api/Client", "clients").await, ["Before"]);
    assert_eq!(names(&admin, "/api/Site", "sites").await, ["Main"]);
    let history = admin.get("/api/changes?limit=1000").await.expect(200);
    assert!(!history.to_string().contains("Row 7"), "{history}");
    assert_eq!(timeless(get(&admin, "Client", id(&before), "").await), timeless(before));
}

async fn elements_see_those_before_them_and_not_those_after(server: &Server) {
    let admin = server.admin().await;
    let first = id(&client(&admin, "First").await);
    // Ids grow by one: the next client is `first + 1`, on PostgreSQL within the reserved block.
    let (next, last) = (first + 1, first + 2);
    let body = json!([
        { "name": "Points on", "client_to_invoice": last },
        { "name": "Points back", "client_to_invoice": next },
    ]);
    let errors = admin.post("/api/Client", body).await.expect_error(400, "validation");
    assert!(errors["[0].client_to_invoice"].is_array(), "{errors}");
    assert_eq!(names(&admin, "/api/Client", "clients").await, ["First"]);
    let payer = id(&client(&admin, "Payer").await);
    let body = json!([
        { "name": "Pays itself" },
        { "name": "Pays back", "client_to_invoice": payer + 1 },
        { "name": "Paid by payer", "client_to_invoice": payer },
    ]);
    let made = admin.post("/api/Client", body).await.expect(201);
    assert_eq!(made[1]["client_to_invoice"], made[0]["id"]);
    assert_eq!(made[2]["client_to_invoice"], payer);
}

async fn updates_and_inserts_mix(server: &Server) {
    let admin = server.admin().await;
    let body: Vec<Value> = (0..30).map(|at| json!({ "name": format!("Old {at:02}") })).collect();
    let old = admin.post("/api/Client", json!(body)).await.expect(201);
    let body: Vec<Value> = (0..60)
        .map(|at| match at % 2 {
            0 => json!({ "id": old[at / 2]["id"], "notes": format!("note {at}") }),
            _ => json!({ "name": format!("New {at:02}"), "notes": format!("note {at}") }),
        })
        .collect();
    let made = admin.post("/api/Client", json!(body)).await.expect(201);
    for (at, row) in made.as_array().unwrap().iter().enumerate() {
        let name = if at % 2 == 0 { format!("Old {:02}", at / 2) } else { format!("New {at:02}") };
        assert_eq!(row["name"], name);
        let read = get(&admin, "Client", id(row), "?includedetails=true").await;
        assert_eq!(read["notes"], format!("note {at}"));
        assert_eq!(read["main_site_id"], row["main_site_id"]);
    }
}

async fn the_same_record_twice_ends_in_its_last_state(server: &Server) {
    let admin = server.admin().await;
    let one = id(&client(&admin, "One").await);
    let body = json!([
        { "id": one, "notes": "first", "ref": "kept" },
        { "name": "Between" },
        { "id": one, "notes": "second" },
    ]);
    let made = admin.post("/api/Client", body).await.expect(201);
    assert_eq!(made[0], made[2]);
    assert_eq!((&made[0]["notes"], &made[0]["ref"]), (&json!("second"), &json!("kept")));
    let history = admin.get(&format!("/api/History?entity=Client&id={one}")).await.expect(200);
    let rows = history.as_array().or_else(|| history["history"].as_array()).unwrap();
    assert_eq!(rows.len(), 3, "{history}");
}

/// The same bodies make the same records, whether they come together or alone.
async fn many_at_once_are_what_one_by_one_makes(server: &Server) {
    let admin = server.admin().await;
    let tax = id(&make(&admin, "Tax", json!({ "name": "VAT", "rate": 20 })).await);
    let body = |word: &str, at: usize| {
        json!({
            "name": format!("{word} {at:02}"), "colour": "#112233", "item_tax_code": tax,
            "newclient_sitename": format!("Site {at}"), "newclient_contactname": "Ann",
            "newclient_contactemail": format!("ann{at}@example.com"), "thirdpartynhdapi": "k",
            "site_update": [{ "name": "Depot" }], "popup_notes": [{ "note": "Look" }],
            "unknown_field": 1,
        })
    };
    let together: Vec<Value> = (0..12).map(|at| body("Bulk", at)).collect();
    let together = admin.post("/api/Client", json!(together)).await.expect(201);
    let same = |record: &Value| {
        let mut record = timeless(record.clone());
        let map = record.as_object_mut().unwrap();
        map.retain(|name, _| {
            !matches!(
                name.as_str(),
                "id" | "name" | "main_site_id" | "main_contact_id" | "datecreated"
            )
        });
        record
    };
    for at in 0..12 {
        let alone = admin.post("/api/Client", body("Lone", at)).await.expect(201);
        assert_eq!(same(&together[at]), same(&alone), "element {at}");
        let path = |record: &Value| format!("/api/Site?client_id={}", id(record));
        let (left, right) = (path(&together[at]), path(&alone));
        assert_eq!(names(&admin, &left, "sites").await, names(&admin, &right, "sites").await);
        let read = get(&admin, "Client", id(&together[at]), "").await;
        assert_eq!(read["main_site_id"], together[at]["main_site_id"]);
    }
}

async fn ids_and_changes_have_no_gaps_after_a_refusal(server: &Server) {
    let admin = server.admin().await;
    let first = id(&client(&admin, "First").await);
    let body = json!([{ "name": "Good" }, { "name": "" }]);
    admin.post("/api/Client", body).await.expect(400);
    let second = id(&client(&admin, "Second").await);
    assert!(second > first);
    if server.app().db.dialect() == aureole_storage::Dialect::Sqlite {
        assert_eq!(second, first + 1, "a refused request gives its ids back");
    }
}
