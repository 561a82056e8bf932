//! Agents who may see some clients only: no path shows them a byte of another client.

use std::collections::HashMap;

use aureole_catalogue::render::is_sortable;
use aureole_catalogue::{EntityKind, Mode};
use aureole_server::auth::Role;
use aureole_server::endpoints::{ENDPOINTS, Endpoint, Guard};
use aureole_testkit::{Actor, Answer, Server, on_both_databases};
use serde_json::{Value, json};

mod refusals;
mod walk;

on_both_databases!(
    a_limited_agent_sees_nothing_of_other_clients,
    what_a_limited_agent_must_not_see_it_cannot_change,
    denial_wins_and_limits_follow_within_five_seconds,
);

/// The word in every text of the client that is seen, and of the one that is not.
const OWN: &str = "Alpha7f3";
const HIDDEN: &str = "Bravo9c1";

/// A client with one or more records of every kind that hangs on a client.
struct Tree {
    client: i64,
    site: i64,
    user: i64,
    /// By path.
    ids: HashMap<&'static str, Vec<i64>>,
}

/// What belongs to everybody.
struct Shared {
    ticket_type: i64,
    connection: i64,
    item: i64,
    field: String,
}

struct Stage {
    admin: Actor,
    own: Tree,
    hidden: Tree,
    shared: Shared,
    /// Was merged into the hidden client.
    merged: i64,
    organisation: i64,
    /// A site and its user that were the hidden client's, and are ours.
    moved: i64,
}

async fn make(admin: &Actor, path: &str, body: Value) -> i64 {
    let answer = admin.post(&format!("/{path}"), body).await;
    assert_eq!(answer.status, 201, "POST /{path}: {}", answer.text);
    answer.json()["id"].as_i64().unwrap()
}

impl Tree {
    async fn grow(admin: &Actor, word: &'static str, shared: &Shared) -> Tree {
        let name = format!("{word} Ltd");
        let body = json!({
            "name": name, "website": format!("{word}.example"), "notes": word,
            "accountsemailaddress": format!("{word}@example.com"), "ref": word,
            "accountsid": format!("{word}-account"), "newclient_sitename": format!("{word} Main"),
            "customfields": [{"name": shared.field, "value": word}],
        });
        let client = make(admin, "Client", body).await;
        let main = admin.get(&format!("/Client/{client}")).await.expect(200);
        let site = main["main_site_id"].as_i64().unwrap();
        let phone = json!({"id": site, "phonenumber": word, "notes": word, "isstocklocation": true,
            "delivery_address": {"line1": word, "postcode": word}});
        admin.post("/Site", phone).await.expect(200);
        let user = make(admin, "Users", json!({"name": word, "site_id": site})).await;
        let contact = json!({"id": site, "maincontact_id": user});
        admin.post("/Site", contact).await.expect(200);
        let mut tree = Tree { client, site, user, ids: HashMap::new() };
        tree.ids.insert("client", vec![client]);
        tree.ids.insert("site", vec![site]);
        tree.ids.insert("users", vec![user]);
        let bodies = tree.bodies(word, shared);
        for (path, body) in bodies {
            let id = make(admin, path, body).await;
            tree.ids.entry(path).or_default().push(id);
        }
        tree
    }

    /// One record for each way in which it can hang on the client.
    fn bodies(&self, word: &str, shared: &Shared) -> Vec<(&'static str, Value)> {
        let (client, site, user) = (self.client, self.site, self.user);
        let guid = if word == OWN { "1" } else { "2" };
        vec![
            ("site", json!({"name": format!("{word} Branch"), "client_id": client, "ref": word})),
            ("users", json!({"name": format!("{word} Two"), "site_id": site, "emailaddress": format!("{word}@x.example")})),
            ("tickets", json!({"summary": word, "client_id": client})),
            ("tickets", json!({"summary": word, "client_id": client, "site_id": site, "user_id": user})),
            ("crmnote", json!({"note": word, "client_id": client, "detail": word})),
            ("crmnote", json!({"note": word, "site_id": site})),
            ("crmnote", json!({"note": word, "user_id": user})),
            ("popupnote", json!({"note": word, "client_id": client})),
            ("popupnote", json!({"note": word, "site_id": site})),
            ("popupnote", json!({"note": word, "user_id": user})),
            ("recurringitem", json!({"client_id": client, "item_id": 0, "note": word, "areaitemdesc": word,
                "quantity": 1, "unitprice": 1})),
            ("clientprepay", json!({"client_id": client, "description": word, "hours": 5})),
            ("prepayuse", json!({"client_id": client, "description": word, "hours": 1})),
            ("areaazuretenant", json!({"client_id": client, "azure_tenant_name": word,
                "details_id": shared.connection,
                "azure_tenant_id": format!("00000000-0000-0000-0000-00000000000{guid}")})),
            ("arearequesttype", json!({"client_id": client, "request_type": shared.ticket_type})),
            ("stockbins", json!({"name": word, "site_id": site})),
            ("sitecontact", json!({"site": site, "uid": user})),
            ("address", json!({"line1": word, "site_id": site})),
            ("address", json!({"line1": word, "user_id": user})),
            ("attachment", json!({"filename": word, "client_id": client, "data_base64": "aGVsbG8="})),
            ("attachment", json!({"filename": word, "user_id": user, "data_base64": "aGVsbG8="})),
            ("itemstock", json!({"item_id": shared.item, "site_id": site, "quantity_in_stock": 1})),
        ]
        .into_iter()
        .filter(|(path, _)| ENDPOINTS.iter().any(|endpoint| endpoint.path == *path))
        .collect()
    }
}

impl Stage {
    async fn set(server: &Server) -> Stage {
        let admin = server.admin().await;
        let shared = Shared {
            ticket_type: make(&admin, "TicketType", json!({"name": "Incident"})).await,
            connection: make(&admin, "AzureADConnection", json!({"name": "Partner", "type": 2}))
                .await,
            item: make(&admin, "Item", json!({"name": "Cable"})).await,
            field: "CFcolour".to_owned(),
        };
        make(
            &admin,
            "FieldInfo",
            json!({"name": "colour", "label": "Colour", "usage": 2, "type": 0}),
        )
        .await;
        let own = Tree::grow(&admin, OWN, &shared).await;
        let hidden = Tree::grow(&admin, HIDDEN, &shared).await;
        // What is seen points at what is not.
        let pointers = json!({"id": own.client, "client_to_invoice": hidden.client,
            "client_to_invoice_recurring": hidden.client});
        admin.post("/Client", pointers).await.expect(200);
        let pointers = json!({"id": own.site, "client_to_invoice": hidden.client,
            "client_to_invoice_recurring": hidden.client});
        admin.post("/Site", pointers).await.expect(200);
        let linked = json!({"name": "Group", "linked_client_id": hidden.client});
        let organisation = make(&admin, "Organisation", linked).await;
        let merged = make(&admin, "Client", json!({"name": "Charlie"})).await;
        let merge = json!({"id": merged, "_merge_client_into": hidden.client});
        admin.post("/Client", merge).await.expect(200);
        let was =
            json!({"name": format!("{HIDDEN} Depot"), "client_id": hidden.client, "notes": HIDDEN});
        let moved = make(&admin, "Site", was).await;
        let was = json!({"name": format!("{HIDDEN} Guard"), "site_id": moved});
        let guard = make(&admin, "Users", was).await;
        let renamed = json!({"id": guard, "name": "Guard"});
        admin.post("/Users", renamed).await.expect(200);
        let moves = json!({"id": moved, "name": "Depot", "notes": "", "client_id": own.client});
        admin.post("/Site", moves).await.expect(200);
        Stage { admin, own, hidden, shared, merged, organisation, moved }
    }

    /// An agent with these limits and its own application.
    async fn agent(&self, server: &Server, name: &str, allowed: &[i64], denied: &[i64]) -> Actor {
        let actor = server.actor("default", name, "all", Role::Agent).await;
        let me = actor.get("/Agent/me").await.expect(200)["id"].clone();
        let name = |id| if id == self.hidden.client { HIDDEN } else { OWN };
        let list = |ids: &[i64]| -> Value {
            ids.iter().map(|id| json!({"client_id": id, "client_name": name(*id)})).collect()
        };
        let limits =
            json!({"id": me, "allowed_clients": list(allowed), "denied_clients": list(denied)});
        self.admin.post("/Agent", limits).await.expect(200);
        server.app().auth.refresh().await.unwrap();
        actor
    }

    /// An agent for each way to say "not this client".
    async fn agents(&self, server: &Server) -> Vec<Actor> {
        let (own, hidden, merged) = (self.own.client, self.hidden.client, self.merged);
        vec![
            self.agent(server, "allowed", &[own, merged], &[]).await,
            self.agent(server, "denied", &[], &[hidden]).await,
            self.agent(server, "both", &[own, merged, hidden], &[hidden]).await,
        ]
    }

    /// Ids of a path that a limited agent may and must not see.
    fn ids(&self, path: &str) -> (&[i64], &[i64]) {
        (
            self.own.ids.get(path).map_or(&[], Vec::as_slice),
            self.hidden.ids.get(path).map_or(&[], Vec::as_slice),
        )
    }

    /// Everything of the hidden client, as an administrator sees it.
    async fn everything_hidden(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for endpoint in ENDPOINTS {
            for id in self.ids(endpoint.path).1 {
                texts.push(
                    self.admin
                        .get(&format!("/{}/{id}?includedetails=true", endpoint.path))
                        .await
                        .text,
                );
            }
        }
        texts
    }
}

/// True when a text gives away something of the hidden client.
fn tells(text: &str) -> bool {
    text.contains(HIDDEN)
}

#[track_caller]
fn is_silent(answer: &Answer, place: &str) {
    assert!(!tells(&answer.text), "{place}: {}", answer.text);
    assert!(answer.status < 500, "{place}: {}", answer.text);
}

/// A value for a parameter that would lead to the hidden client.
fn leading(stage: &Stage, name: &str) -> String {
    let hidden = &stage.hidden;
    match name {
        "client_id" | "client_override" | "client_ids" => hidden.client.to_string(),
        "site_id" => hidden.site.to_string(),
        "user_id" => hidden.user.to_string(),
        "details_id" => stage.shared.connection.to_string(),
        "azure_tenant_id" => "00000000-0000-0000-0000-000000000002".to_owned(),
        "tickettype_id" => stage.shared.ticket_type.to_string(),
        "unique_id" => hidden.client.to_string(),
        _ => "true".to_owned(),
    }
}

/// Lists of a path with everything that they can be asked for.
fn queries(stage: &Stage, endpoint: &Endpoint) -> Vec<String> {
    let all = "includeinactive=true&includedetails=true&showall=true&showcounts=true&lastupdatefromdate=true\
        &includenotes=true&includeaddress=true&includeazuretenants=true&include_website=true\
        &includeqbofields=true&includeinvoicetemplatename=true&include_custom_fields=1";
    let mut queries = vec![
        String::new(),
        all.to_owned(),
        format!("{all}&pageinate=true&page_size=1000&includecolumns=true"),
        format!("search={}", HIDDEN.to_lowercase()),
        format!("search_name_only={}", HIDDEN.to_lowercase()),
        r#"advanced_search=[{"filter_name":"id","filter_type":7,"filter_value":"0"}]"#.to_owned(),
        "idonly=true&includeinactive=true".to_owned(),
    ];
    for field in endpoint.kind.entity().schema.fields.iter().filter(|field| is_sortable(field)) {
        queries.push(format!("order={}&orderdesc=true", field.name));
    }
    for name in endpoint.list_params {
        queries
            .push(format!("{name}={}&showall=true&returnalliflinked=true", leading(stage, name)));
    }
    queries
}

fn rows(list: &Value, endpoint: &Endpoint) -> Vec<Value> {
    let rows = endpoint.envelope.map_or(list, |key| &list[key]);
    rows.as_array().cloned().unwrap_or_default()
}

async fn a_limited_agent_sees_nothing_of_other_clients(server: &Server) {
    let stage = Stage::set(server).await;
    for text in stage.everything_hidden().await {
        assert!(!text.is_empty());
    }
    let named = stage.admin.get(&format!("/Client/{}?includedetails=true", stage.own.client)).await;
    assert!(tells(&named.text), "an administrator sees the name: {}", named.text);
    for actor in stage.agents(server).await {
        for endpoint in ENDPOINTS {
            lists(&stage, &actor, endpoint).await;
            gets(&stage, &actor, endpoint).await;
        }
        odd_paths(&stage, &actor).await;
    }
}

async fn lists(stage: &Stage, actor: &Actor, endpoint: &'static Endpoint) {
    let (own, hidden) = stage.ids(endpoint.path);
    for query in queries(stage, endpoint) {
        let place = format!("/{}?{query}", endpoint.path);
        let answer = actor.get(&place).await;
        is_silent(&answer, &place);
        if answer.status != 200 {
            continue;
        }
        let list = answer.json();
        let rows = rows(&list, endpoint);
        for row in &rows {
            let id = row["id"].as_i64().unwrap();
            assert!(!hidden.contains(&id) || own.contains(&id), "{place}: {row}");
        }
        if let Some(count) = list["record_count"].as_u64() {
            assert_eq!(count, rows.len() as u64, "{place}");
        }
    }
    // What the agent may see is there.
    let query = "includeinactive=true&showall=true";
    let answer = actor.get(&format!("/{}?{query}", endpoint.path)).await;
    if endpoint.guard == Guard::Administrators {
        answer.expect_error(403, "forbidden");
        return;
    }
    let list = answer.expect(200);
    let seen: Vec<i64> =
        rows(&list, endpoint).iter().map(|row| row["id"].as_i64().unwrap()).collect();
    for id in own {
        assert!(seen.contains(id), "/{}: {id} is missing in {seen:?}", endpoint.path);
    }
}

async fn gets(stage: &Stage, actor: &Actor, endpoint: &'static Endpoint) {
    let path = endpoint.path;
    let flags: Vec<String> = endpoint
        .get_params
        .iter()
        .filter(|name| !matches!(**name, "client_override" | "tickettype_id" | "type" | "domain"))
        .map(|name| format!("{name}=true"))
        .collect();
    let flags = flags.join("&");
    let (own, hidden) = stage.ids(path);
    for id in hidden {
        for query in ["", flags.as_str()] {
            let place = format!("/{path}/{id}?{query}");
            let answer = actor.get(&place).await;
            is_silent(&answer, &place);
            assert_eq!(answer.status, 404, "{place}: {}", answer.text);
        }
        let name = endpoint.kind.entity().name;
        let place = format!("/History?entity={name}&id={id}");
        is_silent(&actor.get(&place).await, &place);
    }
    for id in own {
        let place = format!("/{path}/{id}?{flags}");
        let answer = actor.get(&place).await;
        is_silent(&answer, &place);
        assert_eq!(answer.status, 200, "{place}: {}", answer.text);
        let name = endpoint.kind.entity().name;
        let place = format!("/History?entity={name}&id={id}");
        is_silent(&actor.get(&place).await, &place);
    }
    // Records that are everybody's.
    if own.is_empty() && endpoint.guard != Guard::Administrators {
        let list = actor.get(&format!("/{path}?includeinactive=true")).await.expect(200);
        for row in rows(&list, endpoint) {
            let place = format!("/{path}/{}?{flags}", row["id"]);
            is_silent(&actor.get(&place).await, &place);
        }
    }
}

async fn odd_paths(stage: &Stage, actor: &Actor) {
    for place in [
        "/ClientCache".to_owned(),
        "/Agent/me".to_owned(),
        "/Agent/me?includedetails=true".to_owned(),
        "/auth/userinfo".to_owned(),
        "/Site/StockBins".to_owned(),
        "/Client/me".to_owned(),
        "/Settings".to_owned(),
        "/AzureADConnection?type=2".to_owned(),
        format!(
            "/AzureADConnection/{}?type=2&includedetails=true&includetenants=true",
            stage.shared.connection
        ),
        format!("/TicketType/{}?includedetails=true", stage.shared.ticket_type),
        format!("/Organisation/{}?includedetails=true", stage.organisation),
        format!("/Client/{}", stage.merged),
        format!("/History?entity=Client&id={}", stage.merged),
    ] {
        is_silent(&actor.get(&place).await, &place);
    }
    let merged = actor.get(&format!("/Client/{}", stage.merged)).await;
    merged.expect_error(404, "not_found");
}

async fn what_a_limited_agent_must_not_see_it_cannot_change(server: &Server) {
    let stage = Stage::set(server).await;
    let before = stage.everything_hidden().await;
    for actor in stage.agents(server).await {
        for endpoint in ENDPOINTS {
            let path = endpoint.path;
            for id in stage.ids(path).1 {
                for query in ["", "?dryrun=true"] {
                    let place = format!("{path} {id}{query}");
                    let answer = actor.post(&format!("/{path}{query}"), json!([{"id": id}])).await;
                    is_silent(&answer, &place);
                    answer.expect_error(404, "not_found");
                    let answer = actor.delete(&format!("/{path}/{id}{query}")).await;
                    is_silent(&answer, &place);
                    answer.expect_error(404, "not_found");
                }
                let bulk =
                    actor.post(&format!("/{path}?bulkresponse=true"), json!([{"id": id}])).await;
                is_silent(&bulk, path);
            }
        }
        let (own, hidden) = (&stage.own, &stage.hidden);
        for (path, body) in [
            ("/Client/NewAccountsId", json!([{"id": hidden.client, "accountsid": "1"}])),
            (
                "/Client/PaymentMethodUpdate",
                json!([{"id": hidden.client, "stripe_customer_id": "1"}]),
            ),
            ("/PopupNote/read", json!([{"id": hidden.ids["popupnote"][0]}])),
            ("/PopupNote/read", json!([{"id": hidden.ids["popupnote"][1]}])),
            ("/PopupNote/read", json!([{"id": hidden.ids["popupnote"][2]}])),
            ("/RecurringItem/invoiced", json!([{"id": hidden.ids["recurringitem"][0]}])),
            ("/Client", json!({"id": own.client, "_merge_client_into": hidden.client})),
            ("/Client?dryrun=true", json!({"id": own.client, "_merge_client_into": hidden.client})),
            ("/Client", json!({"id": hidden.client, "_merge_client_into": own.client})),
        ] {
            let answer = actor.post(path, body.clone()).await;
            is_silent(&answer, path);
            assert!(matches!(answer.status, 400 | 404), "{path} {body}: {}", answer.text);
        }
        let changes =
            stage.admin.get(&format!("/History?entity=Client&id={}", hidden.client)).await;
        for change in changes.expect(200).as_array().unwrap() {
            let place = format!("/History/{}/restore", change["id"]);
            let answer = actor.post(&place, json!([])).await;
            is_silent(&answer, &place);
            assert_eq!(answer.status, 404, "{place}: {}", answer.text);
        }
    }
    assert!(stage.everything_hidden().await == before, "something hidden was changed");
}

async fn denial_wins_and_limits_follow_within_five_seconds(server: &Server) {
    let stage = Stage::set(server).await;
    let (own, hidden) = (stage.own.client, stage.hidden.client);
    let actor = stage.agent(server, "both", &[own, hidden], &[hidden]).await;
    let count = |list: Value| list["record_count"].as_u64().unwrap();
    assert_eq!(count(actor.get("/Client").await.expect(200)), 1);
    let me = actor.get("/Agent/me").await.expect(200)["id"].clone();
    stage.admin.post("/Agent", json!({"id": me, "denied_clients": []})).await.expect(200);
    let mut seen = 1;
    for _ in 0..50 {
        seen = count(actor.get("/Client").await.expect(200));
        if seen == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(seen, 2, "five seconds are the most");
}
