//! Popup notes: what pops up for whom and when, and what each agent has read.

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::attachments::limited;
use crate::writes::{client, get, id, make};

on_both_databases!(
    the_list_is_the_union_of_its_anchors,
    a_popup_hangs_on_one_record,
    dates_count_in_the_zone_of_the_site,
    every_agent_reads_for_itself,
    an_edited_text_is_unread_again,
    html_is_made_safe,
    popups_are_written_through_their_record,
    end_users_and_limited_agents_see_none,
);

const DAY_MS: i64 = 86_400_000;

async fn popup(actor: &Actor, body: Value) -> i64 {
    id(&make(actor, "PopupNote", body).await)
}

/// The ids of what the list shows.
async fn shown(actor: &Actor, query: &str) -> Vec<i64> {
    let list = actor.get(&format!("/api/PopupNote?{query}")).await.expect(200);
    list.as_array().unwrap().iter().map(id).collect()
}

async fn the_list_is_the_union_of_its_anchors(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (acme, site) = (id(&acme), acme["main_site_id"].as_i64().unwrap());
    let user = id(&make(&admin, "Users", json!({ "name": "Una", "site_id": site })).await);
    let beta = id(&client(&admin, "Beta").await);
    let on_client = popup(&admin, json!({ "client_id": acme, "note": "client" })).await;
    let on_site = popup(&admin, json!({ "site_id": site, "note": "site" })).await;
    let on_user = popup(&admin, json!({ "user_id": user, "note": "user" })).await;
    let other = popup(&admin, json!({ "client_id": beta, "note": "other" })).await;
    for (query, expected) in [
        (String::new(), vec![on_client, on_site, on_user, other]),
        (format!("client_id={acme}"), vec![on_client]),
        (format!("site_id={site}"), vec![on_site]),
        (format!("user_id={user}"), vec![on_user]),
        (format!("client_id={acme}&site_id={site}"), vec![on_client, on_site]),
        (format!("client_id={beta}&site_id={site}&user_id={user}"), vec![on_site, on_user, other]),
        ("client_id=4711".into(), vec![]),
        ("count=2".into(), vec![on_client, on_site]),
        ("idonly=true".into(), vec![on_client, on_site, on_user, other]),
        ("order=note&orderdesc=true".into(), vec![on_user, on_site, other, on_client]),
        ("search=oth".into(), vec![other]),
    ] {
        assert_eq!(shown(&admin, &query).await, expected, "{query}");
    }
    for name in ["client_id", "site_id", "user_id", "showall", "count"] {
        let errors = admin.get(&format!("/api/PopupNote?{name}=x")).await;
        assert!(errors.expect_error(400, "validation")[name].is_array(), "{name}");
    }
}

async fn a_popup_hangs_on_one_record(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (acme, site) = (id(&acme), acme["main_site_id"].as_i64().unwrap());
    let body = json!([
        { "note": "none" },
        { "client_id": acme, "site_id": site, "note": "two" },
        { "client_id": acme },
        { "client_id": acme, "note": "" },
        { "client_id": acme, "note": "x".repeat(4001) },
        { "client_id": acme, "note": "n", "limitdaterange": true, "startdate": "2026-02-02", "enddate": "2026-02-01" },
        { "client_id": 4711, "note": "n" },
        { "client_id": acme, "note": "n", "startdate": "x", "dismissable": "maybe" },
    ]);
    let errors = admin.post("/api/PopupNote", body).await.expect_error(400, "validation");
    let paths: Vec<&String> = errors.as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "[0].client_id",
            "[1].client_id",
            "[2].note",
            "[3].note",
            "[4].note",
            "[5].enddate",
            "[6].client_id",
            "[7].startdate",
            "[7].dismissable",
        ],
        "{errors}"
    );
    assert!(errors.as_object().unwrap().values().all(|texts| texts.as_array().unwrap().len() == 1));
    assert_eq!(shown(&admin, "showall=true").await, [0_i64; 0]);
    let made = make(
        &admin,
        "PopupNote",
        json!({ "client_id": acme, "note": "x".repeat(4000), "read_status": 2 }),
    )
    .await;
    assert_eq!(made["read_status"], 0);
    assert!(made["date_created"].is_string());
    // It can't be moved to hang on two.
    let body = json!({ "id": id(&made), "site_id": site });
    admin.post("/api/PopupNote", body).await.expect_error(400, "validation");
    let body = json!({ "id": id(&made), "site_id": site, "client_id": 0 });
    let moved = admin.post("/api/PopupNote", body).await.expect(200);
    assert_eq!((&moved["site_id"], &moved["client_id"]), (&json!(site), &json!(0)));
    let gone = admin.delete(&format!("/api/PopupNote/{}", id(&made))).await.expect(200);
    assert_eq!(gone["id"], made["id"]);
}

/// A day of the server's calendar, in a zone that is some hours off UTC.
fn day(server: &Server, zone_hours: i64, days: i64) -> String {
    let at = server.app().clock.now_ms() + zone_hours * 3_600_000 + days * DAY_MS;
    aureole_catalogue::value::format_millis(at)[..10].to_owned()
}

async fn dates_count_in_the_zone_of_the_site(server: &Server) {
    let admin = server.admin().await;
    // Kiritimati is 14 hours ahead of UTC and Midway 11 behind: at no moment is it the same day.
    let east = json!({ "name": "East", "newclient_timezone": "Pacific/Kiritimati" });
    let east = make(&admin, "Client", east).await;
    let west = json!({ "name": "West", "newclient_timezone": "Pacific/Midway" });
    let west = make(&admin, "Client", west).await;
    let user = json!({ "name": "Una", "site_id": east["main_site_id"] });
    let user = id(&make(&admin, "Users", user).await);
    let anchors = [
        ("client_id", id(&east), 14),
        ("site_id", east["main_site_id"].as_i64().unwrap(), 14),
        ("user_id", user, 14),
        ("client_id", id(&west), -11),
    ];
    for (anchor, owner, hours) in anchors {
        let today = day(server, hours, 0);
        let (before, after) = (day(server, hours, -1), day(server, hours, 1));
        for (start, end, limit, pops_up) in [
            (Some(&today), Some(&today), true, true),
            (Some(&before), Some(&after), true, true),
            (None, Some(&today), true, true),
            (Some(&today), None, true, true),
            (None, None, true, true),
            (Some(&after), None, true, false),
            (None, Some(&before), true, false),
            (Some(&after), None, false, true),
            (None, Some(&before), false, true),
        ] {
            let body = json!({
                anchor: owner, "note": "n", "limitdaterange": limit, "startdate": start, "enddate": end,
            });
            let made = popup(&admin, body.clone()).await;
            let query = format!("{anchor}={owner}");
            assert_eq!(shown(&admin, &query).await == [made], pops_up, "{body}");
            assert_eq!(shown(&admin, &format!("{query}&showall=true")).await, [made], "{body}");
            admin.delete(&format!("/api/PopupNote/{made}")).await.expect(200);
        }
    }
    // An end with a time ends then.
    let now = aureole_catalogue::value::format_millis(server.app().clock.now_ms() + 60_000);
    let acme = id(&client(&admin, "Acme").await);
    let body = json!({ "client_id": acme, "note": "n", "limitdaterange": true, "enddate": now });
    let made = popup(&admin, body).await;
    assert_eq!(shown(&admin, &format!("client_id={acme}")).await, [made]);
    server.advance_ms(120_000);
    assert_eq!(shown(&admin, &format!("client_id={acme}")).await, [0_i64; 0]);
}

async fn every_agent_reads_for_itself(server: &Server) {
    let admin = server.admin().await;
    let agent = server.actor("default", "plain", "all", Role::Agent).await;
    let acme = id(&client(&admin, "Acme").await);
    let stays = popup(&admin, json!({ "client_id": acme, "note": "stays" })).await;
    let goes =
        popup(&admin, json!({ "client_id": acme, "note": "goes", "dismissable": true })).await;
    let read = "/api/PopupNote/read";
    let status = async |actor: &Actor, popup: i64| {
        get(actor, "PopupNote", popup, "").await["read_status"].clone()
    };
    let one = admin.post(read, json!([{ "id": goes }])).await.expect(200);
    assert_eq!((&one["id"], &one["read_status"]), (&json!(goes), &json!(1)));
    admin.post(read, json!([{ "id": goes, "read_status": 1 }])).await.expect(200);
    // What is read stays away, unless it can't be dismissed; another agent has read nothing.
    admin.post(read, json!({ "id": stays.to_string() })).await.expect(200);
    assert_eq!(shown(&admin, "").await, [stays]);
    assert_eq!(shown(&admin, "showall=true").await, [stays, goes]);
    assert_eq!(shown(&agent, "").await, [stays, goes]);
    assert_eq!((status(&admin, goes).await, status(&agent, goes).await), (json!(1), json!(0)));
    let list = admin.get("/api/PopupNote?showall=true").await.expect(200);
    assert_eq!((&list[0]["read_status"], &list[1]["read_status"]), (&json!(1), &json!(1)));
    let nested = get(&admin, "Client", acme, "?includedetails=true").await["popup_notes"].clone();
    assert_eq!(nested[1]["read_status"], 1);
    let nested = get(&agent, "Client", acme, "?includedetails=true").await["popup_notes"].clone();
    assert_eq!(nested[1]["read_status"], 0);
    agent.post(read, json!([{ "id": goes, "read_status": "2" }])).await.expect(200);
    assert_eq!(status(&agent, goes).await, 2);
    admin.post(read, json!([{ "id": goes, "read_status": 0 }])).await.expect(200);
    assert_eq!(shown(&admin, "").await, [stays, goes]);
    // All problems at once, and nothing of the good ones.
    let body = json!([{ "id": goes }, { "id": stays, "read_status": 2 }, { "read_status": 1 }, { "id": goes, "read_status": 3 }]);
    let errors = admin.post(read, body).await.expect_error(400, "validation");
    for path in ["[1].read_status", "[2].id", "[3].read_status"] {
        assert!(errors[path].is_array(), "{path}: {errors}");
    }
    assert_eq!(status(&admin, goes).await, 0);
    admin.post(read, json!([{ "id": goes }, { "id": 4711 }])).await.expect_error(404, "not_found");
    admin.post("/api/PopupNote/read?dryrun=true", json!([{ "id": goes }])).await.expect(200);
    assert_eq!(status(&admin, goes).await, 0);
    let both = admin.post(read, json!([{ "id": goes }, { "id": stays }])).await.expect(200);
    assert_eq!(both.as_array().unwrap().len(), 2);
    // To have read takes the right to read alone.
    let reader = server.with_scope("read:customers").await;
    reader.post(read, json!([{ "id": goes }])).await.expect(200);
    server.with_scope("edit:crm").await.post(read, json!([])).await.expect_error(403, "forbidden");
}

async fn an_edited_text_is_unread_again(server: &Server) {
    let admin = server.admin().await;
    let agent = server.actor("default", "plain", "all", Role::Agent).await;
    let acme = id(&client(&admin, "Acme").await);
    let made = popup(&admin, json!({ "client_id": acme, "note": "a", "dismissable": true })).await;
    for actor in [&admin, &agent] {
        actor
            .post("/api/PopupNote/read", json!([{ "id": made, "read_status": 2 }]))
            .await
            .expect(200);
        assert_eq!(shown(actor, "").await, [0_i64; 0]);
    }
    for same in [json!({ "id": made, "displaymodal": true }), json!({ "id": made, "note": "a" })] {
        admin.post("/api/PopupNote", same).await.expect(200);
        assert_eq!(shown(&agent, "").await, [0_i64; 0]);
    }
    admin.post("/api/PopupNote", json!({ "id": made, "note": "b" })).await.expect(200);
    for actor in [&admin, &agent] {
        assert_eq!(shown(actor, "").await, [made]);
        assert_eq!(get(actor, "PopupNote", made, "").await["read_status"], 0);
    }
}

async fn html_is_made_safe(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let text = "<b>Hi</b><script>alert(1)</script><img src=\"x\" onerror=\"alert(1)\">";
    let html = json!({ "client_id": acme, "note": text, "displayhtml": true });
    let html = make(&admin, "PopupNote", html).await;
    assert_eq!(html["note"], "<b>Hi</b><img src=\"x\">");
    // Text is text: it is kept as it is, and escaped by whoever shows it.
    let plain = make(&admin, "PopupNote", json!({ "client_id": acme, "note": text })).await;
    assert_eq!(plain["note"], text);
    let turned = json!({ "id": id(&plain), "displayhtml": true });
    assert_eq!(admin.post("/api/PopupNote", turned).await.expect(200)["note"], html["note"]);
}

async fn popups_are_written_through_their_record(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let site = acme["main_site_id"].as_i64().unwrap();
    let user = id(&make(&admin, "Users", json!({ "name": "Una", "site_id": site })).await);
    for (path, owner, column) in
        [("Client", id(&acme), "client_id"), ("Site", site, "site_id"), ("Users", user, "user_id")]
    {
        let body = json!({ "id": owner, "popup_notes": [{ "note": "a" }, { "note": "b" }] });
        admin.post(&format!("/api/{path}"), body).await.expect(200);
        let read = get(&admin, path, owner, "?includedetails=true").await["popup_notes"].clone();
        assert_eq!((&read[0]["note"], &read[1][column]), (&json!("a"), &json!(owner)), "{path}");
        assert!(get(&admin, path, owner, "").await.get("popup_notes").is_none());
        let body = json!({ "id": owner, "popup_notes": [{ "id": read[1]["id"], "note": "c" }] });
        admin.post(&format!("/api/{path}"), body).await.expect(200);
        let left = get(&admin, path, owner, "?includedetails=true").await["popup_notes"].clone();
        assert_eq!((left.as_array().unwrap().len(), &left[0]["note"]), (1, &json!("c")), "{path}");
        let body = json!([{ "id": owner, "popup_notes": [{ "note": "" }, { "note": "d", column: 4711 }] }]);
        let errors =
            admin.post(&format!("/api/{path}"), body).await.expect_error(400, "validation");
        assert!(errors["[0].popup_notes[0].note"].is_array(), "{path}: {errors}");
        assert!(errors[format!("[0].popup_notes[1].{column}")].is_array(), "{path}: {errors}");
    }
}

async fn end_users_and_limited_agents_see_none(server: &Server) {
    let admin = server.admin().await;
    let (acme, beta) = (client(&admin, "Acme").await, id(&client(&admin, "Beta").await));
    let site = acme["main_site_id"].as_i64().unwrap();
    let user = json!({ "name": "Una", "site_id": site, "emailaddress": "una@example.com", "password": "a-long-password" });
    let user = id(&make(&admin, "Users", user).await);
    let mut made = Vec::new();
    for body in [
        json!({ "client_id": id(&acme), "note": "n" }),
        json!({ "site_id": site, "note": "n" }),
        json!({ "user_id": user, "note": "n" }),
    ] {
        made.push(popup(&admin, body).await);
    }
    let agent = json!({ "name": "L", "email": "l@example.com", "allowed_clients": [{ "client_id": beta }] });
    let agent = limited(server, id(&make(&admin, "Agent", agent).await)).await;
    for query in ["", "showall=true", &format!("site_id={site}"), &format!("user_id={user}")] {
        assert_eq!(shown(&agent, query).await, [0_i64; 0], "{query}");
    }
    for id in made {
        agent.get(&format!("/api/PopupNote/{id}")).await.expect_error(404, "not_found");
        let read = agent.post("/api/PopupNote/read", json!([{ "id": id }])).await;
        read.expect_error(404, "not_found");
        agent.delete(&format!("/api/PopupNote/{id}")).await.expect_error(404, "not_found");
    }
    let form = [
        ("grant_type", "password"),
        ("client_id", "demo"),
        ("client_secret", "demo-secret"),
        ("username", "una@example.com"),
        ("password", "a-long-password"),
        ("scope", "all"),
    ];
    let tokens = server.nobody().form("/auth/token", &form).await.expect(200);
    let una = server.nobody().with_token(tokens["access_token"].as_str().unwrap());
    una.get("/api/PopupNote").await.expect_error(403, "forbidden");
    let own = una.get("/api/Client/me?includedetails=true").await.expect(200);
    assert!(own.get("popup_notes").is_none(), "{own}");
}
