//! Two tenants with records of the same kinds and ids: neither sees, names or touches the other's.

pub mod walk;

use std::collections::HashMap;

use aureole_catalogue::render::is_sortable;
use aureole_catalogue::{EntityKind, Kind, Mode};
use aureole_server::auth::Role;
use aureole_server::endpoints::{ENDPOINTS, Endpoint};
use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

on_both_databases!(tenants_do_not_see_each_other, a_pointer_into_another_tenant_is_no_record);

/// Records of each kind in the tenant under attack: more than the attacker has, so that its last
/// ids are in that tenant alone.
const COUNT: usize = 4;

/// The word that is in every text of a tenant.
const OURS: &str = "alpha";
const THEIRS: &str = "bravo";

/// One tenant: a caller in it and the ids of what it made, by path.
pub struct Tenant {
    word: &'static str,
    pub actor: Actor,
    pub ids: HashMap<&'static str, Vec<i64>>,
}

impl Tenant {
    /// A tenant with `count` records of every kind.
    pub async fn with_records(word: &'static str, actor: Actor, count: usize) -> Tenant {
        let mut tenant = Tenant { word, actor, ids: HashMap::new() };
        // In the order of the table a record comes after what it points at, but for these.
        let first = ["toplevel", "client", "site", "users", "supplier", "tickettype"];
        let rank = |endpoint: &&Endpoint| {
            first.iter().position(|path| *path == endpoint.path).unwrap_or(first.len())
        };
        let mut endpoints: Vec<&'static Endpoint> = ENDPOINTS.iter().collect();
        endpoints.sort_by_key(rank);
        for endpoint in endpoints {
            for number in 0..count {
                let body = tenant.body(endpoint.kind, number);
                let answer = tenant.actor.post(&format!("/{}", endpoint.path), body).await;
                assert_eq!(answer.status, 201, "POST /{}: {}", endpoint.path, answer.text);
                let id = answer.json()["id"].as_i64().unwrap();
                tenant.ids.entry(endpoint.path).or_default().push(id);
                tenant.mark(endpoint, id).await;
            }
        }
        tenant
    }

    /// Puts the tenant's word into every text that takes any.
    async fn mark(&self, endpoint: &Endpoint, id: i64) {
        let mut body = json!({ "id": id });
        for field in endpoint.kind.entity().schema.fields {
            let takes_text = field.mode == Mode::ReadWrite && matches!(field.kind, Kind::Text);
            // Those with a form of their own are given by `body`.
            if takes_text && field.max_chars == 0 && !field.column {
                body[field.name] = json!(format!("{} {id}", self.word));
            }
        }
        let path = format!("/{}", endpoint.path);
        let answer = self.actor.post(&path, body.clone()).await;
        if answer.status == 400 {
            for name in answer.json()["errors"].as_object().unwrap().keys() {
                body.as_object_mut().unwrap().remove(name);
            }
            let answer = self.actor.post(&path, body).await;
            assert_eq!(answer.status, 200, "POST {path}: {}", answer.text);
        } else {
            assert_eq!(answer.status, 200, "POST {path}: {}", answer.text);
        }
    }

    fn id(&self, path: &str, number: usize) -> i64 {
        self.ids.get(path).and_then(|ids| ids.get(number)).copied().unwrap_or(0)
    }

    /// The smallest record of a kind, with the tenant's word in its text.
    pub fn body(&self, kind: EntityKind, number: usize) -> Value {
        let text = format!("{} {number}", self.word);
        let (client, site) = (self.id("client", number), self.id("site", number));
        match kind {
            EntityKind::Site => {
                json!({"name": text, "client_id": client, "isstocklocation": true})
            }
            EntityKind::User => json!({"name": text, "site_id": site}),
            EntityKind::Ticket => json!({"summary": text, "client_id": client}),
            EntityKind::Agent => {
                json!({"name": text, "email": format!("{}{number}@example.com", self.word)})
            }
            EntityKind::CrmNote => json!({"note": text, "client_id": client}),
            EntityKind::PopupNote => json!({"note": text, "client_id": client}),
            EntityKind::RecurringItem => json!({
                "client_id": client, "item_id": 0, "note": text, "areaitemdesc": text,
                "quantity": 1, "unitprice": 1,
            }),
            EntityKind::AzureTenant => json!({
                "client_id": client, "azure_tenant_name": text,
                "azure_tenant_id": format!("00000000-0000-0000-0000-00000000000{number}"),
            }),
            EntityKind::AreaRequestType => {
                json!({"client_id": client, "request_type": self.id("tickettype", number)})
            }
            EntityKind::PrepayLot | EntityKind::PrepayUse => {
                json!({"client_id": client, "description": text, "hours": 1})
            }
            EntityKind::SiteContact => json!({"site": site, "uid": self.id("users", number)}),
            EntityKind::StockBin => json!({"name": text, "site_id": site}),
            EntityKind::Webhook => json!({"name": text, "url": "https://example.com/hook"}),
            EntityKind::ItemStock => {
                json!({"item_id": self.id("item", number), "site_id": site, "quantity_in_stock": 1})
            }
            EntityKind::Attachment => {
                json!({"filename": text, "client_id": client, "data_base64": "aGVsbG8="})
            }
            EntityKind::Address => json!({"line1": text, "site_id": site}),
            EntityKind::ExternalLink => json!({"third_party_id": text, "third_party_desc": text}),
            EntityKind::FieldInfo => {
                json!({"name": format!("CF{}{number}", self.word), "label": text, "usage": 1, "type": 0})
            }
            EntityKind::Lookup => json!({"name": text, "lookupid": 1}),
            _ => json!({"name": text}),
        }
    }

    /// Everything that the tenant has, as its own caller sees it.
    async fn everything(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for endpoint in ENDPOINTS {
            texts.push(self.actor.get(&format!("/{}", endpoint.path)).await.text);
            for id in &self.ids[endpoint.path] {
                texts.push(
                    self.actor
                        .get(&format!("/{}/{id}?includedetails=true", endpoint.path))
                        .await
                        .text,
                );
            }
        }
        texts
    }
}

/// Two tenants on one server: ours with one record of every kind, theirs with [`COUNT`].
async fn tenants(server: &Server) -> [Tenant; 2] {
    let ours = server.actor("one", "one-app", "all", Role::Administrator).await;
    let theirs = server.actor("two", "two-app", "all", Role::Administrator).await;
    [Tenant::with_records(OURS, ours, 1).await, Tenant::with_records(THEIRS, theirs, COUNT).await]
}

/// The rows of a list, enveloped or bare.
fn rows<'a>(list: &'a Value, endpoint: &Endpoint) -> &'a Vec<Value> {
    let rows = endpoint.envelope.map_or(list, |key| &list[key]);
    rows.as_array().unwrap_or_else(|| panic!("/{}: {list}", endpoint.path))
}

/// True when a text gives away something of the other tenant.
fn tells(text: &str) -> bool {
    text.to_lowercase().contains(THEIRS)
}

async fn tenants_do_not_see_each_other(server: &Server) {
    let [ours, theirs] = tenants(server).await;
    let before = theirs.everything().await;
    assert!(before.iter().any(|text| tells(text)), "the texts have the word that is looked for");
    for endpoint in ENDPOINTS {
        reads(&ours, &theirs, endpoint).await;
        writes(&ours, &theirs, endpoint).await;
    }
    assert!(theirs.everything().await == before, "something of the other tenant was changed");
    for text in ours.everything().await {
        assert!(!tells(&text), "{text}");
    }
}

async fn reads(ours: &Tenant, theirs: &Tenant, endpoint: &'static Endpoint) {
    let path = endpoint.path;
    let mut queries = vec![
        String::new(),
        "includeinactive=true&includedetails=true&showall=true".to_owned(),
        format!("search={THEIRS}"),
        r#"advanced_search=[{"filter_name":"id","filter_type":7,"filter_value":"0"}]"#.to_owned(),
        "idonly=true".to_owned(),
    ];
    for field in endpoint.kind.entity().schema.fields.iter().filter(|field| is_sortable(field)) {
        queries.push(format!("order={}&orderdesc=true", field.name));
    }
    for query in queries {
        let place = format!("/{path}?{query}");
        let answer = ours.actor.get(&place).await;
        assert_eq!(answer.status, 200, "{place}: {}", answer.text);
        let list = answer.json();
        assert!(!tells(&answer.text), "{place}: {list}");
        let rows = rows(&list, endpoint);
        for row in rows {
            let id = row["id"].as_i64().unwrap();
            let is_theirs = theirs.ids[path].contains(&id) && !ours.ids[path].contains(&id);
            assert!(!is_theirs || is_own(&ours.actor, path, id).await, "{place}: {row}");
        }
        // The popups of the moment are not searched.
        if query.starts_with("search") && endpoint.kind != EntityKind::PopupNote {
            assert!(rows.is_empty(), "{place}: {list}");
        }
    }
    for id in &theirs.ids[path] {
        let answer = ours.actor.get(&format!("/{path}/{id}?includedetails=true")).await;
        assert!(!tells(&answer.text), "/{path}/{id}: {}", answer.text);
        let name = endpoint.kind.entity().name;
        let history = ours.actor.get(&format!("/History?entity={name}&id={id}")).await;
        assert!(!tells(&history.text), "{name} {id}: {}", history.text);
    }
}

/// True for a record that every tenant has from the start, whose id the other tenant has too.
async fn is_own(actor: &Actor, path: &str, id: i64) -> bool {
    let answer = actor.get(&format!("/{path}/{id}")).await;
    answer.status == 200 && !tells(&answer.text)
}

async fn writes(ours: &Tenant, theirs: &Tenant, endpoint: &'static Endpoint) {
    let path = endpoint.path;
    let last = *theirs.ids[path].last().unwrap();
    assert!(!ours.ids[path].contains(&last), "/{path}: {last} is in both tenants");
    let mut body = ours.body(endpoint.kind, 0);
    body["id"] = json!(last);
    let answer = ours.actor.post(&format!("/{path}"), body).await;
    answer.expect_error(404, "not_found");
    assert!(!tells(&answer.text), "/{path}: {}", answer.text);
    for query in ["", "?dryrun=true"] {
        let answer = ours.actor.delete(&format!("/{path}/{last}{query}")).await;
        answer.expect_error(404, "not_found");
        assert!(!tells(&answer.text), "/{path}: {}", answer.text);
    }
}

async fn a_pointer_into_another_tenant_is_no_record(server: &Server) {
    let [ours, theirs] = tenants(server).await;
    let place_of = |kind: EntityKind| {
        ENDPOINTS.iter().find(|endpoint| endpoint.kind == kind).map(|endpoint| endpoint.path)
    };
    for endpoint in ENDPOINTS {
        for field in endpoint.kind.entity().schema.fields {
            let Some(target) = field.reference.and_then(place_of) else { continue };
            if field.mode != Mode::ReadWrite {
                continue;
            }
            let foreign = *theirs.ids[target].last().unwrap();
            let mut body = ours.body(endpoint.kind, 0);
            body[field.name] = json!(foreign);
            let place = format!("/{} {}={foreign}", endpoint.path, field.name);
            let answer = ours.actor.post(&format!("/{}?dryrun=true", endpoint.path), body).await;
            assert!(!tells(&answer.text), "{place}: {}", answer.text);
            let errors = answer.expect_error(400, "validation");
            assert!(errors[field.name].is_array(), "{place}: {errors}");
        }
    }
}
