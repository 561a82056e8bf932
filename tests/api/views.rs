//! Saved views and column profiles.

use aureole_testkit::{Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make, names};

on_both_databases!(
    a_view_is_checked_when_it_is_written,
    a_view_narrows_and_sorts_a_list,
    a_view_survives_the_renaming_of_a_custom_field,
    a_missing_view_is_a_404_and_the_other_lists_a_400,
    a_column_profile_is_checked_when_it_is_written,
    columns_come_after_the_rows_when_they_are_asked_for,
    a_profile_in_use_is_not_deleted,
);

async fn a_view_is_checked_when_it_is_written(server: &Server) {
    let admin = server.admin().await;
    let bad = json!([{
        "name": "bad", "type": "clients", "columns_id": 77,
        "filters": [
            { "filter_name": "name", "filter_type": 4, "filter_value": "a" },
            { "filter_name": "nothing", "filter_type": 4, "filter_value": "a" },
            { "filter_name": "name", "filter_type": 11, "filter_value": "a" },
            { "filter_name": "CFnothing", "filter_type": 2, "filter_value": "a" },
            7,
        ],
        "order": [{ "name": "name" }, { "name": "customfields" }, { "name": "id", "desc": "perhaps" }],
    }, { "name": "other", "type": "tickets" }]);
    let errors = admin.post("/api/ViewLists", bad).await.expect_error(400, "validation");
    let mut paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    paths.sort();
    let expected = [
        "[0].columns_id",
        "[0].filters[1]",
        "[0].filters[2]",
        "[0].filters[3]",
        "[0].filters[4]",
        "[0].order[1]",
        "[0].order[2]",
        "[1].type",
    ];
    assert_eq!(paths, expected, "{errors}");
    assert!(errors["[0].filters[1]"].to_string().contains("nothing"), "{errors}");
    let good = json!({ "name": "good", "type": 1, "filters": [{ "filter_name": "client_name", "filter_type": 2, "filter_value": "A" }], "order": [{ "name": "NAME", "desc": true }] });
    let made = make(&admin, "ViewLists", good).await;
    assert_eq!(
        (&made["type"], &made["order"]),
        (&json!("sites"), &json!([{ "name": "name", "desc": true }]))
    );
    let read = get(&admin, "ViewLists", id(&made), "").await;
    assert_eq!(read["filters"][0]["filter_name"], "client_name");
    admin.post("/api/ViewLists", json!([read])).await.expect(200);
    // A condition on sites only can't stay when the view is for clients.
    let body = json!({ "id": id(&made), "type": "clients" });
    let errors = admin.post("/api/ViewLists", body).await.expect_error(400, "validation");
    assert!(errors["filters[0]"].is_array(), "{errors}");
}

async fn a_view_narrows_and_sorts_a_list(server: &Server) {
    let admin = server.admin().await;
    for (name, vip) in [("Alpha", true), ("Beta", false), ("Gamma", true), ("Delta", true)] {
        make(&admin, "Client", json!({ "name": name, "is_vip": vip })).await;
    }
    let view = json!({ "name": "VIPs", "type": "clients", "filters": [{ "filter_name": "is_vip", "filter_type": 6, "filter_value": true }], "order": [{ "name": "name", "desc": true }] });
    let view = id(&make(&admin, "ViewLists", view).await);
    let list = async |query: &str| {
        names(&admin, &format!("/api/Client?view_id={view}{query}"), "clients").await
    };
    assert_eq!(list("").await, ["Gamma", "Delta", "Alpha"]);
    assert_eq!(list("&order=id").await, ["Alpha", "Gamma", "Delta"]);
    assert_eq!(list("&search=lta").await, ["Delta"]);
    assert_eq!(list("&pageinate=true&page_size=2&page_no=2").await, ["Alpha"]);
    let whole = admin.get(&format!("/api/Client?view_id={view}&idonly=true")).await.expect(200);
    assert_eq!(whole["record_count"], 3);
    let sites = json!({ "name": "Mains", "type": "sites", "filters": [{ "filter_name": "client_name", "filter_type": 4, "filter_value": "eta" }] });
    let sites = id(&make(&admin, "ViewLists", sites).await);
    let found = admin.get(&format!("/api/Site?view_id={sites}")).await.expect(200);
    assert_eq!(
        (&found["record_count"], &found["sites"][0]["client_name"]),
        (&json!(1), &json!("Beta"))
    );
}

async fn a_view_survives_the_renaming_of_a_custom_field(server: &Server) {
    let admin = server.admin().await;
    let tier = make(
        &admin,
        "FieldInfo",
        json!({ "name": "Tier", "usage": 2, "type": 2, "new_values": "Gold,Silver" }),
    )
    .await;
    client(&admin, "Plain").await;
    make(
        &admin,
        "Client",
        json!({ "name": "Rich", "customfields": [{ "name": "CFTier", "value": "Gold" }] }),
    )
    .await;
    let view = json!({ "name": "Gold", "filters": [{ "filter_name": "CFTier", "filter_type": 2, "filter_value": "gold" }] });
    let view = id(&make(&admin, "ViewLists", view).await);
    let path = format!("/api/Client?view_id={view}");
    assert_eq!(names(&admin, &path, "clients").await, ["Rich"]);
    admin.post("/api/FieldInfo", json!({ "id": id(&tier), "name": "Rank" })).await.expect(200);
    assert_eq!(names(&admin, &path, "clients").await, ["Rich"]);
    let read = get(&admin, "ViewLists", view, "").await;
    admin.post("/api/ViewLists", json!([read])).await.expect(200);
    assert_eq!(names(&admin, &path, "clients").await, ["Rich"]);
}

async fn a_missing_view_is_a_404_and_the_other_lists_a_400(server: &Server) {
    let admin = server.admin().await;
    admin.get("/api/Client?view_id=77").await.expect_error(404, "not_found");
    admin.get("/api/Client?columns_id=77").await.expect_error(404, "not_found");
    admin.get("/api/Site?view_id=x").await.expect_error(400, "validation");
    let view = id(&make(&admin, "ViewLists", json!({ "name": "Sites", "type": "sites" })).await);
    let errors =
        admin.get(&format!("/api/Client?view_id={view}")).await.expect_error(400, "validation");
    assert!(errors["view_id"].is_array(), "{errors}");
    let profile =
        id(&make(&admin, "ViewColumns", json!({ "name": "Sites", "type": "sites" })).await);
    let errors = admin
        .get(&format!("/api/Client?columns_id={profile}"))
        .await
        .expect_error(400, "validation");
    assert!(errors["columns_id"].is_array(), "{errors}");
    let body = json!({ "name": "Mixed", "type": "clients", "columns_id": profile });
    let errors = admin.post("/api/ViewLists", body).await.expect_error(400, "validation");
    assert!(errors["columns_id"].is_array(), "{errors}");
}

async fn a_column_profile_is_checked_when_it_is_written(server: &Server) {
    let admin = server.admin().await;
    make(&admin, "FieldInfo", json!({ "name": "Tier", "usage": 2 })).await;
    let bad = json!({ "name": "bad", "type": "clients", "columns": [
        { "name": "name" }, { "name": "nothing" }, { "name": "customfields" }, { "name": "name" }, { "name": "id", "width": -1 },
        { "name": "ref", "position": "first" }, { "name": "colour", "title": 7 }, { "name": "CFNothing" },
    ] });
    let errors = admin.post("/api/ViewColumns", bad).await.expect_error(400, "validation");
    let mut paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    paths.sort();
    let expected = [
        "columns[1].name",
        "columns[2].name",
        "columns[3].name",
        "columns[4].width",
        "columns[5].position",
        "columns[6].title",
        "columns[7].name",
    ];
    assert_eq!(paths, expected, "{errors}");
    let good = json!({ "name": "good", "type": "clients", "columns": [
        { "name": "CFTier", "position": 2 }, { "name": "name", "title": "Client", "width": 80, "position": 1 },
    ] });
    let made = make(&admin, "ViewColumns", good).await;
    let expected = json!([
        { "name": "name", "title": "Client", "width": 80, "position": 1 },
        { "name": "CFTier", "title": "CFTier", "width": 150, "position": 2 },
    ]);
    assert_eq!((&made["type"], &made["columns"]), (&json!("clients"), &expected));
}

async fn columns_come_after_the_rows_when_they_are_asked_for(server: &Server) {
    let admin = server.admin().await;
    client(&admin, "Acme").await;
    let profile = async |name: &str| {
        let body = json!({ "name": name, "type": "clients", "columns": [{ "name": name }] });
        id(&make(&admin, "ViewColumns", body).await)
    };
    let (own, other) = (profile("ref").await, profile("colour").await);
    let view = id(&make(
        &admin,
        "ViewLists",
        json!({ "name": "v", "type": "clients", "columns_id": own }),
    )
    .await);
    let keys = |list: &Value| list.as_object().unwrap().keys().cloned().collect::<Vec<String>>();
    for query in [String::new(), format!("?view_id={view}"), "?includecolumns=false".to_owned()] {
        let list = admin.get(&format!("/api/Client{query}")).await.expect(200);
        assert_eq!(keys(&list), ["record_count", "clients"], "{query}");
    }
    let cases = [
        (format!("columns_id={other}"), other, "colour"),
        (format!("columns_id={other}&view_id={view}"), other, "colour"),
        (format!("includecolumns=true&view_id={view}"), own, "ref"),
        (format!("includecolumns=true&columns_id={other}&view_id={view}"), other, "colour"),
        ("includecolumns=true".to_owned(), 0, "name"),
    ];
    for (query, columns_id, first) in cases {
        let list = admin.get(&format!("/api/Client?{query}")).await.expect(200);
        assert_eq!(keys(&list), ["record_count", "clients", "columns_id", "columns"], "{query}");
        assert_eq!(
            (&list["columns_id"], &list["columns"][0]["name"]),
            (&json!(columns_id), &json!(first)),
            "{query}"
        );
    }
    let list = admin.get("/api/Site?pageinate=true&includecolumns=true").await.expect(200);
    assert_eq!(
        keys(&list),
        ["page_no", "page_size", "record_count", "sites", "columns_id", "columns"]
    );
    assert_eq!(list["columns"][1]["name"], "client_name");
}

async fn a_profile_in_use_is_not_deleted(server: &Server) {
    let admin = server.admin().await;
    let profile = id(&make(&admin, "ViewColumns", json!({ "name": "c", "type": "clients" })).await);
    // The published name of the pointer works too.
    let view =
        make(&admin, "ViewLists", json!({ "name": "v", "column_profile_id": profile })).await;
    assert_eq!(view["columns_id"], profile);
    let path = format!("/api/ViewColumns/{profile}");
    admin.delete(&path).await.expect_error(400, "in_use");
    admin.delete(&format!("/api/ViewLists/{}", id(&view))).await.expect(200);
    admin.delete(&path).await.expect(200);
}
