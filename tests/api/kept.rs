//! GET by id from memory: whatever is kept there, an answer is never older than the database.

use aureole_server::auth::Role;
use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{id, make};

on_both_databases!(
    a_record_that_was_read_before_is_not_read_again,
    a_kept_record_is_byte_for_byte_the_same,
    a_write_shows_at_once,
    every_name_in_a_kept_record_follows,
    another_node_is_seen,
    a_deleted_record_is_gone_and_a_restored_one_is_back,
    a_merged_client_stands_for_the_other,
    a_kept_tag_answers_304,
    limits_and_tenants_hold_for_what_is_kept,
    parameters_are_not_answered_from_what_is_kept,
    readers_never_go_back_while_others_write,
    memory_is_never_behind_the_database_while_many_write,
    a_limited_agent_has_nothing_from_what_others_read,
    what_follows_from_other_records_is_never_kept,
    after_any_write_memory_and_database_agree,
    without_room_every_record_is_read,
);

async fn get(actor: &Actor, path: &str) -> Value {
    actor.get(path).await.expect(200)
}

/// How many records were shown from memory, and from the database.
async fn shown(server: &Server) -> (u64, u64) {
    let text = server.nobody().get("/metrics").await.text;
    let count = |from: &str| {
        let name = format!("aureole_records_total{{from=\"{from}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(name.as_str()));
        line.map_or(0, |number| number.parse().unwrap())
    };
    (count("memory"), count("database"))
}

/// Reads some clients, so that the server has what it needs to keep more of them.
async fn warm(admin: &Actor) {
    for number in 0..9 {
        let made = make(admin, "Client", json!({ "name": format!("Warm {number}") })).await;
        for kind in ["Client", "Site"] {
            let path = match kind {
                "Client" => format!("/api/Client/{}", id(&made)),
                _ => format!("/api/Site/{}", made["main_site_id"]),
            };
            admin.get(&path).await.expect(200);
        }
    }
}

async fn a_record_that_was_read_before_is_not_read_again(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let made = make(&admin, "Client", json!({ "name": "Acme" })).await;
    let path = format!("/api/Client/{}", id(&made));
    let (memory, database) = shown(server).await;
    for _ in 0..10 {
        assert_eq!(admin.get(&path).await.expect(200), made);
    }
    assert_eq!(shown(server).await, (memory + 9, database + 1));
}

async fn a_kept_record_is_byte_for_byte_the_same(server: &Server) {
    let admin = server.admin().await;
    server.load_demo(30).await;
    for kind in ["Client", "Site", "Users", "CRMNote", "Agent", "Tax", "TopLevel"] {
        for number in 1..=12 {
            let path = format!("/api/{kind}/{number}");
            let first = admin.get(&path).await;
            let second = admin.get(&path).await;
            // An unknown parameter is ignored, but such a request is none that is kept.
            let plain = admin.get(&format!("{path}?nothing=1")).await;
            if plain.status == 404 {
                continue;
            }
            assert_eq!((first.status, &first.text), (plain.status, &plain.text), "{path}");
            assert_eq!((second.status, &second.text), (plain.status, &plain.text), "{path}");
            for name in ["etag", "content-type"] {
                assert_eq!(second.header(name), plain.header(name), "{path} {name}");
            }
        }
    }
    assert!(shown(server).await.0 > 20);
}

async fn a_write_shows_at_once(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let made = make(&admin, "Client", json!({ "name": "Acme" })).await;
    let path = format!("/api/Client/{}", id(&made));
    let mut tag = admin.get(&path).await.header("etag").to_owned();
    for round in 0..20 {
        let body = json!({ "id": id(&made), "notes": format!("round {round}") });
        admin.post("/api/Client", body).await.expect(200);
        let answer = admin.get(&path).await;
        assert_eq!(answer.expect(200)["notes"], format!("round {round}"));
        assert_ne!(answer.header("etag"), tag);
        tag = answer.header("etag").to_owned();
        assert_eq!(admin.get(&path).await.header("etag"), tag);
    }
}

async fn every_name_in_a_kept_record_follows(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let level = id(&make(&admin, "TopLevel", json!({ "name": "Gold" })).await);
    let agent = json!({ "name": "Ann", "email": "ann@example.com" });
    let agent = id(&make(&admin, "Agent", agent).await);
    let tax = id(&make(&admin, "Tax", json!({ "name": "VAT", "value": 20 })).await);
    let payer = id(&make(&admin, "Client", json!({ "name": "Payer" })).await);
    let made = make(
        &admin,
        "Client",
        json!({
            "name": "Acme", "toplevel_id": level, "pritech": agent, "item_tax_code": tax,
            "client_to_invoice": payer, "newclient_contactname": "Una",
        }),
    )
    .await;
    let (client, site) = (id(&made), made["main_site_id"].as_i64().unwrap());
    let path = format!("/api/Client/{client}");
    let contact = get(&admin, &format!("/api/Site/{site}")).await["maincontact_id"].clone();
    let other = json!({ "name": "Olga", "site_id": site });
    let other = id(&make(&admin, "Users", other).await);
    let shows = async |field: &str, value: &str| {
        assert_eq!(get(&admin, &path).await[field], value);
        assert_eq!(get(&admin, &path).await[field], value);
    };
    let changes: [(&str, Value, &str, &str, &str); 8] = [
        ("TopLevel", json!({ "id": level, "name": "Silver" }), "toplevel_name", "Gold", "Silver"),
        ("Agent", json!({ "id": agent, "name": "Bea" }), "pritech_name", "Ann", "Bea"),
        ("Tax", json!({ "id": tax, "name": "GST" }), "item_tax_code_name", "VAT", "GST"),
        ("Client", json!({ "id": payer, "name": "P2" }), "client_to_invoice_name", "Payer", "P2"),
        ("Site", json!({ "id": site, "name": "HQ" }), "main_site_name", "Main", "HQ"),
        ("Users", json!({ "id": contact, "name": "Uta" }), "main_contact_name", "Una", "Uta"),
        (
            "Site",
            json!({ "id": site, "maincontact_id": other }),
            "main_contact_name",
            "Uta",
            "Olga",
        ),
        ("Users", json!({ "id": other, "name": "Oda" }), "main_contact_name", "Olga", "Oda"),
    ];
    for (kind, body, field, before, after) in changes {
        shows(field, before).await;
        admin.post(&format!("/api/{kind}"), body).await.expect(200);
        shows(field, after).await;
    }
}

async fn another_node_is_seen(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let made = make(&admin, "Client", json!({ "name": "Acme" })).await;
    let path = format!("/api/Client/{}", id(&made));
    let node = server.start_beside(|_| {}).await;
    let there = node.admin().await;
    warm_again(&there).await;
    for round in 0..10 {
        let (writer, reader) = if round % 2 == 0 { (&there, &admin) } else { (&admin, &there) };
        for actor in [writer, reader] {
            get(actor, &path).await;
        }
        let body = json!({ "id": id(&made), "notes": format!("round {round}") });
        writer.post("/api/Client", body).await.expect(200);
        // On SQLite another process may be seen a moment later (`storage.read_hold_ms`).
        tokio::time::sleep(std::time::Duration::from_millis(6)).await;
        assert_eq!(get(reader, &path).await["notes"], format!("round {round}"));
    }
    assert!(shown(&node).await.0 > 0);
    node.stop().await;
}

/// As [`warm`], with what is there.
async fn warm_again(admin: &Actor) {
    for number in 1..=9 {
        admin.get(&format!("/api/Client/{number}")).await.expect(200);
    }
}

async fn a_deleted_record_is_gone_and_a_restored_one_is_back(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let made = make(&admin, "Client", json!({ "name": "Acme" })).await;
    let path = format!("/api/Client/{}", id(&made));
    get(&admin, &path).await;
    get(&admin, &path).await;
    admin.delete(&path).await.expect(200);
    admin.get(&path).await.expect_error(404, "not_found");
    let history = get(&admin, &format!("/api/History?entity=Client&id={}", id(&made))).await;
    let deleted = history[0]["id"].as_i64().unwrap();
    admin.post(&format!("/api/History/{deleted}/restore"), json!({})).await.expect(200);
    for _ in 0..2 {
        assert_eq!(get(&admin, &path).await["name"], "Acme");
    }
}

async fn a_merged_client_stands_for_the_other(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let from = id(&make(&admin, "Client", json!({ "name": "Old" })).await);
    let into = id(&make(&admin, "Client", json!({ "name": "New" })).await);
    for client in [from, into, from, into] {
        get(&admin, &format!("/api/Client/{client}")).await;
    }
    let body = json!({ "id": from, "_merge_client_into": into });
    admin.post("/api/Client", body).await.expect(200);
    for _ in 0..3 {
        let merged = get(&admin, &format!("/api/Client/{from}")).await;
        assert_eq!((&merged["id"], &merged["name"]), (&json!(into), &json!("New")));
        assert!(merged["_warning"].as_str().unwrap().contains("merged"));
    }
    assert_eq!(get(&admin, &format!("/api/Client/{into}")).await.get("_warning"), None);
}

async fn a_kept_tag_answers_304(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let made = make(&admin, "Client", json!({ "name": "Acme" })).await;
    let path = format!("/api/Client/{}", id(&made));
    let tag = admin.get(&path).await.header("etag").to_owned();
    let ask = async || {
        let request = admin.request(reqwest::Method::GET, &path);
        admin.send(request.header("if-none-match", &tag)).await
    };
    let (memory, database) = shown(server).await;
    for _ in 0..3 {
        let answer = ask().await;
        assert_eq!((answer.status, answer.text.as_str()), (304, ""));
        assert_eq!(answer.header("etag"), tag);
    }
    assert_eq!(shown(server).await, (memory + 3, database));
    admin.post("/api/Client", json!({ "id": id(&made), "notes": "new" })).await.expect(200);
    let answer = ask().await;
    assert_eq!(answer.expect(200)["notes"], "new");
    assert_ne!(answer.header("etag"), tag);
}

async fn limits_and_tenants_hold_for_what_is_kept(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let made = make(&admin, "Client", json!({ "name": "Acme" })).await;
    let path = format!("/api/Client/{}", id(&made));
    get(&admin, &path).await;
    get(&admin, &path).await;
    let foreign = server.actor("other", "foreign", "all", Role::Administrator).await;
    foreign.get(&path).await.expect_error(404, "not_found");
    let own = make(&foreign, "Client", json!({ "name": "Theirs" })).await;
    let mine = format!("/api/Client/{}", id(&own));
    for _ in 0..6 {
        assert_eq!(get(&foreign, &mine).await["name"], "Theirs");
        assert_eq!(get(&admin, &mine).await["name"], "Warm 0");
    }
    let narrow = server.with_scope("read:suppliers").await;
    narrow.get(&path).await.expect_error(403, "forbidden");
    server.nobody().get(&path).await.expect_error(401, "unauthorized");
    let limited = server.actor("default", "limited", "all", Role::Agent).await;
    assert_eq!(get(&limited, &path).await["name"], "Acme");
    let agents = get(&admin, "/api/Agent").await;
    let agents = agents.as_array().unwrap().iter();
    let agent = agents.clone().find(|agent| agent["name"] == "limited").unwrap()["id"].clone();
    let body = json!({ "id": agent, "denied_clients": [{ "client_id": id(&made) }] });
    admin.post("/api/Agent", body).await.expect(200);
    limited.get(&path).await.expect_error(404, "not_found");
    assert_eq!(get(&admin, &path).await["name"], "Acme");
}

async fn parameters_are_not_answered_from_what_is_kept(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let made = make(&admin, "Client", json!({ "name": "Acme" })).await;
    let path = format!("/api/Client/{}", id(&made));
    for _ in 0..3 {
        assert_eq!(get(&admin, &path).await.get("popup_notes"), None);
        let details = get(&admin, &format!("{path}?includedetails=true")).await;
        assert!(details["popup_notes"].is_array(), "{details}");
        admin.get(&format!("{path}?includedetails=perhaps")).await.expect_error(400, "validation");
    }
    admin.get("/api/Client/999999").await.expect_error(404, "not_found");
}

/// Each reader sees the counter that the writer keeps in the record only ever grow, and at least
/// what was written before it asked.
async fn readers_never_go_back_while_others_write(server: &Server) {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    let admin = server.admin().await;
    warm(&admin).await;
    let made = make(&admin, "Client", json!({ "name": "Acme", "hourlyrate": 0 })).await;
    let path = format!("/api/Client/{}", id(&made));
    let written = Arc::new(AtomicI64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (admin, path, written) = (admin.clone(), path.clone(), Arc::clone(&written));
        tasks.spawn(async move {
            let mut last = 0;
            while written.load(Ordering::SeqCst) < 60 {
                let least = written.load(Ordering::SeqCst).max(last);
                let found = get(&admin, &path).await["hourlyrate"].as_i64().unwrap();
                assert!(found >= least, "{found} after {least}");
                last = found;
            }
        });
    }
    for number in 1..=60 {
        let body = json!({ "id": id(&made), "hourlyrate": number });
        admin.post("/api/Client", body).await.expect(200);
        written.store(number, Ordering::SeqCst);
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// Many write the same few records at once; some are refused, some go away. Whoever reads one from
/// memory, from the database and from memory again never sees its last change number fall.
async fn memory_is_never_behind_the_database_while_many_write(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let mut clients = Vec::new();
    for number in 0..4 {
        let made = make(&admin, "Client", json!({ "name": format!("Busy {number}") })).await;
        clients.push(id(&made));
    }
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6 {
        let (admin, clients) = (admin.clone(), clients.clone());
        writers.spawn(async move {
            for round in 0..25 {
                let client = clients[(writer + round) % clients.len()];
                let notes = format!("writer {writer} round {round}");
                let body = match round % 5 {
                    // The name is another client's, so nothing of this is kept.
                    0 => json!({ "id": client, "notes": notes, "name": "Warm 1" }),
                    1 => json!([{ "id": client, "notes": notes }, { "name": notes }]),
                    _ => json!({ "id": client, "notes": notes }),
                };
                let write = admin.post("/api/Client", body);
                if round % 7 == 3 {
                    let patience = std::time::Duration::from_micros(300 * round as u64);
                    let _ = tokio::time::timeout(patience, write).await;
                } else {
                    write.await;
                }
            }
        });
    }
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut readers = tokio::task::JoinSet::new();
    for reader in 0..4 {
        let (admin, clients, done) = (admin.clone(), clients.clone(), done.clone());
        readers.spawn(async move {
            let number = |answer: &aureole_testkit::Answer| -> i64 {
                answer.header("etag").trim_matches('"').parse().unwrap()
            };
            let mut round = reader;
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                let path = format!("/api/Client/{}", clients[round % clients.len()]);
                let kept = number(&admin.get(&path).await);
                let read = number(&admin.get(&format!("{path}?nothing=1")).await);
                let again = number(&admin.get(&path).await);
                assert!(kept <= read && read <= again, "{path}: {kept}, {read}, {again}");
                round += 1;
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    done.store(true, std::sync::atomic::Ordering::SeqCst);
    while let Some(read) = readers.join_next().await {
        read.unwrap();
    }
    for client in clients {
        let path = format!("/api/Client/{client}");
        let read = admin.get(&format!("{path}?nothing=1")).await;
        assert_eq!(admin.get(&path).await.text, read.text);
        assert_eq!(admin.get(&path).await.text, read.text);
    }
}

/// Names of clients out of sight are in what others see, and must not be in what a limited agent
/// sees; nor may what it sees be shown to others.
async fn a_limited_agent_has_nothing_from_what_others_read(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let hidden = make(&admin, "Client", json!({ "name": "Hidden" })).await;
    let body = json!({ "name": "Seen", "client_to_invoice": id(&hidden) });
    let seen = make(&admin, "Client", body).await;
    let limited = server.actor("default", "limited", "all", Role::Agent).await;
    let me = get(&limited, "/api/Agent/me").await;
    let body = json!({ "id": id(&me), "denied_clients": [{ "client_id": id(&hidden) }] });
    admin.post("/api/Agent", body).await.expect(200);
    let path = format!("/api/Client/{}", id(&seen));
    let hidden_site = format!("/api/Site/{}", hidden["main_site_id"]);
    for _ in 0..3 {
        for _ in 0..2 {
            assert_eq!(get(&admin, &path).await["client_to_invoice_name"], "Hidden");
            get(&admin, &hidden_site).await;
            get(&admin, &format!("/api/Client/{}", id(&hidden))).await;
        }
        let known = shown(server).await.0;
        for _ in 0..2 {
            let read = limited.get(&path).await;
            assert_eq!(read.expect(200)["name"], "Seen");
            assert!(!read.text.contains("Hidden"), "{}", read.text);
            limited.get(&hidden_site).await.expect_error(404, "not_found");
            let hidden = format!("/api/Client/{}", id(&hidden));
            limited.get(&hidden).await.expect_error(404, "not_found");
        }
        assert_eq!(shown(server).await.0, known);
    }
}

/// Counts, popups, prepay, stock, custom fields: plain reads in between change nothing about them,
/// and they nothing about plain reads.
async fn what_follows_from_other_records_is_never_kept(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let made = make(&admin, "Client", json!({ "name": "Acme" })).await;
    let (client, site) = (id(&made), made["main_site_id"].clone());
    let path = format!("/api/Client/{client}");
    let both = async |flag: &str| {
        for _ in 0..2 {
            assert_eq!(get(&admin, &path).await["name"], "Acme");
        }
        get(&admin, &format!("{path}?{flag}=true")).await
    };
    for open in 0..3 {
        assert_eq!(both("includeactivity").await["open_ticket_count"], open);
        let ticket = json!({ "summary": "printer", "client_id": client, "site_id": site });
        make(&admin, "Tickets", ticket).await;
    }
    for popups in 0..3 {
        let details = both("includedetails").await;
        assert_eq!(details["popup_notes"].as_array().map(Vec::len), Some(popups));
        make(&admin, "PopupNote", json!({ "client_id": client, "note": "mind" })).await;
    }
    let field = json!({ "name": "Colour", "usage": 2, "type": 0 });
    let field = id(&make(&admin, "FieldInfo", field).await);
    let labels = async || {
        let details = both("includedetails").await;
        let fields = details["customfields"].as_array().cloned().unwrap_or_default();
        fields.iter().map(|field| field["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(labels().await, [json!("CFColour")]);
    admin.post("/api/FieldInfo", json!({ "id": field, "name": "Hue" })).await.expect(200);
    assert_eq!(labels().await, [json!("CFHue")]);
    let body = json!({ "id": client, "customfields": [{ "id": field, "value": "red" }] });
    admin.post("/api/Client", body).await.expect(200);
    assert_eq!(both("includedetails").await["customfields"][0]["value"], "red");
    let popup = make(
        &admin,
        "PopupNote",
        json!({ "client_id": client, "note": "once", "dismissable": true }),
    )
    .await;
    let popup_path = format!("/api/PopupNote/{}", id(&popup));
    let before = get(&admin, &popup_path).await["read_status"].clone();
    let read = json!([{ "id": id(&popup), "read_status": 1 }]);
    admin.post("/api/PopupNote/Read", read).await.expect(200);
    assert_ne!(get(&admin, &popup_path).await["read_status"], before);
}

/// Random writes to records that name each other; after each, every record reads from memory as the
/// database has it, status, text and tag.
async fn after_any_write_memory_and_database_agree(server: &Server) {
    let admin = server.admin().await;
    server.load_demo(12).await;
    let kinds = ["Client", "Site", "Users", "Agent", "Tax", "TopLevel", "CRMNote", "Tickets"];
    let mut seed: u64 = 42;
    let mut pick = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for round in 0..40 {
        let name = format!("Round {round}");
        let (one, other) = (pick(10) + 1, pick(10) + 1);
        let (kind, body) = match pick(9) {
            0 => ("Client", json!({ "id": one, "name": name })),
            1 => ("Site", json!({ "id": one, "name": name })),
            2 => ("Users", json!({ "id": one, "name": name })),
            3 => ("Agent", json!({ "id": 1, "name": name })),
            4 => ("TopLevel", json!({ "id": 1, "name": name })),
            5 => ("Client", json!({ "id": one, "client_to_invoice": other })),
            6 => ("Client", json!({ "id": one, "pritech": 1, "notes": name })),
            7 => ("Client", json!({ "id": one, "_merge_client_into": other })),
            _ => ("Site", json!({ "id": one, "client_id": other })),
        };
        // Some are refused, for example those to a client that was merged.
        admin.post(&format!("/api/{kind}"), body).await;
        if pick(8) == 0 {
            admin.delete(&format!("/api/Site/{one}")).await;
        }
        for kind in kinds {
            for number in 1..=10 {
                let path = format!("/api/{kind}/{number}");
                let kept = admin.get(&path).await;
                let read = admin.get(&format!("{path}?nothing=1")).await;
                assert_eq!(kept.status, read.status, "{path} in round {round}");
                if read.status == 200 {
                    assert_eq!(kept.text, read.text, "{path} in round {round}");
                    assert_eq!(kept.header("etag"), read.header("etag"), "{path}");
                }
            }
        }
    }
    assert!(shown(server).await.0 > 1000);
}

async fn without_room_every_record_is_read(server: &Server) {
    let admin = server.admin().await;
    warm(&admin).await;
    let node = server.start_beside(|config| config.cache.record_bytes = 0).await;
    let there = node.admin().await;
    warm_again(&there).await;
    for _ in 0..3 {
        let answer = there.get("/api/Client/3").await;
        assert_eq!(answer.text, admin.get("/api/Client/3").await.text);
        let request = there.request(reqwest::Method::GET, "/api/Client/3");
        let known = request.header("if-none-match", answer.header("etag"));
        assert_eq!(there.send(known).await.status, 304);
    }
    let (memory, database) = shown(&node).await;
    assert!(memory == 0 && database >= 15, "{memory} from memory, {database} read");
    node.stop().await;
}
