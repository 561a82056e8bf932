//! Names that stand for ids, names that follow ids, references, and every writable field.

use aureole_catalogue::{EntityKind, Kind, Mode, Source};
use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Map, Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    a_name_without_its_id_is_resolved,
    a_name_beside_its_id_is_ignored,
    an_unknown_or_ambiguous_name_is_refused,
    sites_and_users_are_named_within_their_client,
    names_follow_a_rename,
    every_reference_has_to_exist,
    zero_and_negative_ids_are_sentinels,
    client_fields_are_kept,
    site_fields_are_kept,
    supplier_fields_are_kept,
    user_fields_are_kept,
    top_level_fields_are_kept,
    ticket_fields_are_kept,
    definition_fields_are_kept,
);

async fn a_name_without_its_id_is_resolved(server: &Server) {
    let admin = server.admin().await;
    let level = make(&admin, "TopLevel", json!({ "name": "Gold" })).await;
    let agent =
        make(&admin, "Agent", json!({ "name": "Ann Agent", "email": "ann@example.com" })).await;
    let tax = make(&admin, "Tax", json!({ "name": "VAT 20%", "value": 20 })).await;
    let body = json!({
        "name": "Acme", "toplevel_name": "GOLD", "pritech_name": "ann agent", "item_tax_code_name": "vat 20%",
    });
    let made = make(&admin, "Client", body).await;
    assert_eq!(made["toplevel_id"], level["id"]);
    assert_eq!(made["toplevel_name"], "Gold");
    assert_eq!((&made["pritech"], &made["pritech_name"]), (&agent["id"], &json!("Ann Agent")));
    assert_eq!(
        (&made["item_tax_code"], &made["item_tax_code_name"]),
        (&tax["id"], &json!("VAT 20%"))
    );
    let site = make(&admin, "Site", json!({ "name": "Depot", "client_name": "acme" })).await;
    assert_eq!((&site["client_id"], &site["client_name"]), (&made["id"], &json!("Acme")));
    let body = json!({ "id": id(&made), "main_site_name": "depot" });
    let moved = admin.post("/api/Client", body).await.expect(200);
    assert_eq!((&moved["main_site_id"], &moved["main_site_name"]), (&site["id"], &json!("Depot")));
    let user = make(&admin, "Users", json!({ "name": "Una User", "site_id": id(&site) })).await;
    let body = json!({ "id": id(&site), "maincontact_name": "una user" });
    let named = admin.post("/api/Site", body).await.expect(200);
    assert_eq!(
        (&named["maincontact_id"], &named["maincontact_name"]),
        (&user["id"], &json!("Una User"))
    );
    let body = json!({ "name": "Second", "client_name": "Acme", "site_name": "Depot" });
    let second = make(&admin, "Users", body).await;
    assert_eq!((&second["site_id"], &second["client_id"]), (&site["id"], &made["id"]));
}

async fn a_name_beside_its_id_is_ignored(server: &Server) {
    let admin = server.admin().await;
    let level = make(&admin, "TopLevel", json!({ "name": "Gold" })).await;
    let body = json!({ "name": "Acme", "toplevel_id": id(&level), "toplevel_name": "Silver", "pritech": 0, "pritech_name": "Nobody" });
    let made = make(&admin, "Client", body).await;
    assert_eq!((&made["toplevel_id"], &made["toplevel_name"]), (&level["id"], &json!("Gold")));
    assert_eq!((&made["pritech"], &made["pritech_name"]), (&json!(0), &json!("")));
    let empty = admin
        .post("/api/Client", json!({ "id": id(&made), "toplevel_name": "", "pritech_name": null }))
        .await;
    assert_eq!(empty.expect(200)["toplevel_name"], "Gold");
}

async fn an_unknown_or_ambiguous_name_is_refused(server: &Server) {
    let admin = server.admin().await;
    for name in ["toplevel_name", "pritech_name", "item_tax_code_name"] {
        let errors = admin.post("/api/Client", json!([{ "name": "Acme", name: "Nowhere" }])).await;
        let errors = errors.expect_error(400, "validation");
        assert!(errors[format!("[0].{name}")][0].as_str().unwrap().contains("Nowhere"), "{errors}");
    }
    let errors =
        admin.post("/api/Site", json!({ "name": "Depot", "client_name": "Nowhere" })).await;
    assert!(errors.expect_error(400, "validation")["client_name"].is_array());
    make(&admin, "TopLevel", json!([{ "name": "Twin" }, { "name": "TWIN" }])).await;
    let errors =
        admin.post("/api/Client", json!({ "name": "Acme", "toplevel_name": "twin" })).await;
    let errors = errors.expect_error(400, "validation");
    assert!(errors["toplevel_name"][0].as_str().unwrap().contains("toplevel_id"), "{errors}");
    assert_eq!(admin.get("/api/Client").await.expect(200)["record_count"], 0);
}

async fn sites_and_users_are_named_within_their_client(server: &Server) {
    let admin = server.admin().await;
    let (one, two) = (client(&admin, "One").await, client(&admin, "Two").await);
    // Both have a site called Main.
    let user =
        make(&admin, "Users", json!({ "name": "Una", "client_id": id(&two), "site_name": "main" }))
            .await;
    assert_eq!(user["site_id"], two["main_site_id"]);
    let errors = admin.post("/api/Users", json!({ "name": "Uwe", "site_name": "Main" })).await;
    assert!(errors.expect_error(400, "validation")["site_name"].is_array());
    let body = json!({ "id": one["main_site_id"], "maincontact_name": "Una" });
    // Forms of published clients take any text for the contact.
    let ignored = admin.post("/api/Site", body).await.expect(200);
    assert_eq!(ignored["maincontact_id"], 0, "{ignored}");
    assert!(ignored["_warning"].as_str().unwrap().contains("maincontact_name"), "{ignored}");
}

/// The fields of a kind that show a name of another record, with the ids that they follow.
fn name_fields(kind: EntityKind) -> Vec<(&'static str, &'static str, EntityKind)> {
    let fields = kind.entity().schema.fields.iter();
    fields
        .filter_map(|field| match field.source {
            Source::Name { path: [(id, target)], column: "name" } => {
                Some((field.name, *id, *target))
            }
            _ => None,
        })
        .collect()
}

/// The route of a kind that clients, sites and users point at.
fn route(kind: EntityKind) -> &'static str {
    aureole_server::endpoints::of_kind(kind).unwrap().path
}

async fn names_follow_a_rename(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let payer = client(&admin, "Payer").await;
    let extra = make(&admin, "Site", json!({ "name": "Old site", "client_id": id(&acme) })).await;
    let user = make(&admin, "Users", json!({ "name": "Old user", "site_id": id(&extra) })).await;
    let holders = [
        (EntityKind::Client, id(&acme)),
        (EntityKind::Site, id(&extra)),
        (EntityKind::User, id(&user)),
    ];
    for (kind, holder) in holders {
        for (name, field, target) in name_fields(kind) {
            let pointed = match (target, kind) {
                (EntityKind::Client, EntityKind::Client) => id(&payer),
                (EntityKind::Client, _) => id(&acme),
                (EntityKind::Site, _) => id(&extra),
                (EntityKind::User, _) => id(&user),
                _ => {
                    let body = json!({ "name": format!("{field} old"), "email": "x@example.com" });
                    id(&make(&admin, route(target), body).await)
                }
            };
            let path = format!("/api/{}", route(kind));
            admin.post(&path, json!([{ "id": holder, field: pointed }])).await.expect(200);
            let new = format!("{name} of {holder} new");
            admin
                .post(&format!("/api/{}", route(target)), json!([{ "id": pointed, "name": new }]))
                .await
                .expect(200);
            let read = get(&admin, route(kind), holder, "").await;
            assert_eq!(read[name], new.as_str(), "{name} of {}", route(kind));
        }
    }
    let read = get(&admin, "Site", id(&extra), "").await;
    let both =
        format!("{}/{}", read["client_name"].as_str().unwrap(), read["name"].as_str().unwrap());
    assert_eq!(read["clientsite_name"], both.as_str());
    let row =
        &admin.get(&format!("/api/Users?client_id={}", id(&acme))).await.expect(200)["users"][0];
    assert_eq!((&row["site_name"], &row["client_name"]), (&read["name"], &read["client_name"]));
    // The main site's contact and phone show on the client.
    let body = json!([{ "id": id(&extra), "maincontact_id": id(&user), "phonenumber": "0123" }]);
    admin.post("/api/Site", body).await.expect(200);
    let read = get(&admin, "Client", id(&acme), "").await;
    assert_eq!(read["main_phonenumber"], "0123", "{read}");
    assert_eq!(read["main_contact_name"], get(&admin, "Users", id(&user), "").await["name"]);
}

async fn every_reference_has_to_exist(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let site = acme["main_site_id"].as_i64().unwrap();
    let user = id(&make(&admin, "Users", json!({ "name": "Una", "site_id": site })).await);
    let ticket =
        id(&make(&admin, "Tickets", json!({ "summary": "s", "client_id": id(&acme) })).await);
    let supplier = id(&make(&admin, "Supplier", json!({ "name": "S" })).await);
    let level = id(&make(&admin, "TopLevel", json!({ "name": "L" })).await);
    let tickettype = id(&make(&admin, "TicketType", json!({ "name": "T" })).await);
    for (kind, holder) in [
        (EntityKind::Client, id(&acme)),
        (EntityKind::Site, site),
        (EntityKind::User, user),
        (EntityKind::Ticket, ticket),
        (EntityKind::Supplier, supplier),
        (EntityKind::TopLevel, level),
        (EntityKind::TicketType, tickettype),
    ] {
        for field in kind.entity().schema.fields.iter().filter(|field| field.reference.is_some()) {
            let path = format!("/api/{}", route(kind));
            let answer = admin.post(&path, json!([{ "id": holder, field.name: 987_654 }])).await;
            let errors = answer.expect_error(400, "validation");
            let message =
                errors[format!("[0].{}", field.name)][0].as_str().unwrap_or("").to_owned();
            assert!(message.contains("987654"), "{} {}: {errors}", route(kind), field.name);
        }
    }
}

async fn zero_and_negative_ids_are_sentinels(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let site = acme["main_site_id"].as_i64().unwrap();
    for (kind, holder) in [(EntityKind::Client, id(&acme)), (EntityKind::Site, site)] {
        for field in kind.entity().schema.fields.iter().filter(|field| field.reference.is_some()) {
            if matches!(field.name, "client_id" | "toplevel_id" | "main_site_id") {
                continue;
            }
            for value in [-1, -2, -3, 0] {
                let path = format!("/api/{}", route(kind));
                let kept = admin
                    .post(&path, json!([{ "id": holder, field.name: value }]))
                    .await
                    .expect(200);
                assert_eq!(
                    kept.get(field.name).and_then(Value::as_i64).unwrap_or(0),
                    value,
                    "{}",
                    field.name
                );
            }
        }
    }
    let body =
        json!({ "id": id(&acme), "sla_id": 4242, "customertype": 4242, "messagegroup_id": 4242 });
    let kept = admin.post("/api/Client", body).await.expect(200);
    assert_eq!((&kept["customertype"], &kept["messagegroup_id"]), (&json!(4242), &json!(4242)));
}

/// A value for each writable scalar field of a kind, other than the defaults, in the form in which
/// it comes back. `targets` are the records that references point at.
fn filled(kind: EntityKind, targets: &[(EntityKind, i64)], except: &[&str]) -> Map<String, Value> {
    let mut body = Map::new();
    for (at, field) in kind.entity().schema.fields.iter().enumerate() {
        let writable = field.mode == Mode::ReadWrite && matches!(field.source, Source::Doc);
        if !writable || field.name == "id" || except.contains(&field.name) {
            continue;
        }
        let at = i64::try_from(at).unwrap();
        let value = match field.kind {
            Kind::Int => match field.reference {
                Some(target) => {
                    let found = targets.iter().find(|(kind, _)| *kind == target);
                    json!(found.unwrap_or_else(|| panic!("no target for {}", field.name)).1)
                }
                // The code of a period: monthly.
                None if matches!(field.name, "chargeperiod" | "prepayrecurringchargebp") => {
                    json!(2)
                }
                None => json!(at + 1),
            },
            Kind::Int64 => json!(9_000_000_000_i64 + at),
            Kind::Decimal => json!(format!("{at}.25").parse::<f64>().unwrap()),
            Kind::Bool => json!(true),
            Kind::Text if field.name.contains("mail") => json!(format!("f{at}@example.com")),
            Kind::Text if field.name.ends_with("colour") => json!(format!("#{at:06x}")),
            Kind::Text if field.name == "timezone" => json!("Europe/London"),
            Kind::Text => json!(format!("text \"{at}\" ü\n")),
            Kind::DateTime => json!("2026-02-03T04:05:06"),
            Kind::Uuid => json!(format!("00000000-0000-4000-8000-{at:012}")),
            Kind::Any => json!({ "any": [at] }),
            _ => continue,
        };
        let trimmed = matches!(field.name, "name" | "website" | "fax")
            || field.name.contains("phone")
            || field.name.contains("mobile");
        let value = if trimmed && matches!(field.kind, Kind::Text) {
            json!(format!("text {at}"))
        } else {
            value
        };
        body.insert(field.name.to_owned(), value);
    }
    body
}

/// Posts each writable field, reads them back, changes nothing, clears them all.
async fn round_trip(
    admin: &Actor,
    kind: EntityKind,
    targets: &[(EntityKind, i64)],
    except: &[&str],
    fixed: Value,
) -> i64 {
    let mut body = filled(kind, targets, except);
    for (name, value) in fixed.as_object().unwrap() {
        body.insert(name.clone(), value.clone());
    }
    let path = route(kind);
    let made = admin.post(&format!("/api/{path}"), json!([body])).await.expect(201);
    assert!(made.get("_warning").is_none(), "{made}");
    let read = get(admin, path, id(&made), "?includedetails=true").await;
    for (name, value) in &body {
        assert_eq!(&made[name], value, "reply of POST {path}: {name}");
        assert_eq!(&read[name], value, "GET {path}: {name}");
    }
    let row = admin
        .get(&format!("/api/{path}?includeinactive=true&includeactive=true"))
        .await
        .expect(200);
    let rows = aureole_server::endpoints::of_kind(kind)
        .unwrap()
        .envelope
        .map_or(row.clone(), |key| row[key].clone());
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == made["id"]).unwrap().clone();
    for field in kind.entity().schema.fields {
        if field.light
            && field.light_when.is_empty()
            && !field.kind.is_nested()
            && let Some(value) = body.get(field.name)
        {
            assert_eq!(&row[field.name], value, "list of {path}: {}", field.name);
        }
    }
    let mut nulls: Map<String, Value> =
        body.keys().map(|name| (name.clone(), Value::Null)).collect();
    for name in fixed.as_object().unwrap().keys().chain([&"name".to_owned(), &"summary".to_owned()])
    {
        nulls.shift_remove(name);
    }
    let cleared: Vec<String> = nulls.keys().cloned().collect();
    nulls.insert("id".to_owned(), made["id"].clone());
    admin.post(&format!("/api/{path}"), json!([nulls])).await.expect(200);
    let read = get(admin, path, id(&made), "?includedetails=true").await;
    for name in cleared {
        let value = read.get(&name).cloned().unwrap_or(Value::Null);
        let empty =
            value.is_null() || value == json!("") || value == json!(0) || value == json!(false);
        // A client always has a top level and a main site; a record its creation date.
        assert!(
            empty || name == "toplevel_id" || name == "dateoccurred",
            "{path}.{name} is {value} after null"
        );
    }
    id(&made)
}

async fn targets(admin: &Actor) -> Vec<(EntityKind, i64)> {
    let mut found = Vec::new();
    for kind in [
        EntityKind::Agent,
        EntityKind::Tax,
        EntityKind::TopLevel,
        EntityKind::Surcharge,
        EntityKind::BillingTemplate,
        EntityKind::Currency,
        EntityKind::Organisation,
        EntityKind::TicketType,
        EntityKind::Status,
        EntityKind::TicketArea,
    ] {
        let body = json!({ "name": format!("target {kind:?}"), "email": "t@example.com" });
        found.push((kind, id(&make(admin, route(kind), body).await)));
    }
    let target = client(admin, "target").await;
    found.push((EntityKind::Client, id(&target)));
    let site = target["main_site_id"].as_i64().unwrap();
    found.push((EntityKind::Site, site));
    let user = make(admin, "Users", json!({ "name": "target user", "site_id": site })).await;
    found.push((EntityKind::User, id(&user)));
    found
}

async fn client_fields_are_kept(server: &Server) {
    let admin = server.admin().await;
    let targets = targets(&admin).await;
    // The main site of a new client is made with it.
    let fixed = json!({ "discountperc": 12.5 });
    let made = round_trip(&admin, EntityKind::Client, &targets, &["main_site_id"], fixed).await;
    assert_eq!(get(&admin, "Client", made, "").await["main_site_name"], "Main");
}

async fn site_fields_are_kept(server: &Server) {
    let admin = server.admin().await;
    let targets = targets(&admin).await;
    let owner = targets.iter().find(|(kind, _)| *kind == EntityKind::Client).unwrap().1;
    let payer = id(&client(&admin, "Payer").await);
    let fixed = json!({
        "client_id": owner, "geocoord1": 51.477_811, "geocoord2": -0.001_475, "client_to_invoice": payer,
        "client_to_invoice_recurring": payer,
    });
    // An inactive site can't be the main one.
    round_trip(&admin, EntityKind::Site, &targets, &["isinvoicesite"], fixed).await;
}

async fn supplier_fields_are_kept(server: &Server) {
    let admin = server.admin().await;
    let targets = targets(&admin).await;
    let made = round_trip(&admin, EntityKind::Supplier, &targets, &[], json!({})).await;
    let read = get(&admin, "Supplier", made, "").await;
    assert_eq!(read["use"], "supplier");
    assert!(read["datecreated"].is_string(), "{read}");
}

async fn user_fields_are_kept(server: &Server) {
    let admin = server.admin().await;
    let targets = targets(&admin).await;
    let of = |kind| targets.iter().find(|(found, _)| *found == kind).unwrap().1;
    let site = of(EntityKind::Site);
    let fixed =
        json!({ "site_id": site, "site_id_int": site, "client_id": of(EntityKind::Client) });
    round_trip(&admin, EntityKind::User, &targets, &[], fixed).await;
}

async fn top_level_fields_are_kept(server: &Server) {
    let admin = server.admin().await;
    let targets = targets(&admin).await;
    round_trip(&admin, EntityKind::TopLevel, &targets, &[], json!({})).await;
}

async fn ticket_fields_are_kept(server: &Server) {
    let admin = server.admin().await;
    let targets = targets(&admin).await;
    let of = |kind| targets.iter().find(|(found, _)| *found == kind).unwrap().1;
    let fixed = json!({
        "client_id": of(EntityKind::Client), "site_id": of(EntityKind::Site), "user_id": of(EntityKind::User),
    });
    round_trip(&admin, EntityKind::Ticket, &targets, &[], fixed).await;
}

async fn definition_fields_are_kept(server: &Server) {
    let admin = server.admin().await;
    let targets = targets(&admin).await;
    for kind in [
        EntityKind::TicketType,
        EntityKind::Tax,
        EntityKind::TicketArea,
        EntityKind::Currency,
        EntityKind::Surcharge,
        EntityKind::Organisation,
        EntityKind::BillingTemplate,
        EntityKind::InvoiceTemplate,
    ] {
        round_trip(&admin, kind, &targets, &[], json!({})).await;
    }
    round_trip(&admin, EntityKind::Agent, &targets, &[], json!({ "role": "agent" })).await;
}
