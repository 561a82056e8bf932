//! Every route for every kind of caller: who is let in, and how the others are sent away.

use aureole_server::auth::{Area, Role};
use aureole_server::endpoints::{ENDPOINTS, Endpoint, Guard};
use aureole_testkit::{Actor, Answer, Server, on_both_databases};
use serde_json::json;

/// An id that no test record has.
const UNKNOWN: i64 = i32::MAX as i64;

on_both_databases!(every_route_knows_every_caller, odd_routes_know_every_caller);

/// The areas of the wire contract, by path. A path that is not here is a definition: any token
/// reads it, an administrator with the scope `admin` writes it.
const AREAS: &[(&str, &[Area])] = &[
    ("client", &[Area::Customers]),
    ("site", &[Area::Customers]),
    ("toplevel", &[Area::Customers]),
    ("organisation", &[Area::Customers]),
    ("popupnote", &[Area::Customers]),
    ("arearequesttype", &[Area::Customers]),
    ("areaazuretenant", &[Area::Customers]),
    ("address", &[Area::Customers]),
    ("users", &[Area::Customers]),
    // They belong to a site and go with it.
    ("stockbins", &[Area::Customers]),
    ("sitecontact", &[Area::Customers]),
    ("crmnote", &[Area::Crm]),
    ("supplier", &[Area::Suppliers]),
    ("recurringitem", &[Area::Items]),
    ("itemstock", &[Area::Items]),
    // Files of clients, their users and tickets.
    ("attachment", &[Area::Customers]),
    ("tickets", &[Area::Tickets]),
    ("clientprepay", &[Area::Invoices, Area::Customers]),
    ("prepayuse", &[Area::Invoices, Area::Customers]),
];

/// What an answer has to be: a status, and a word that its message has when it is a refusal.
type Expected = (u16, String);

/// Who calls.
pub struct Actors {
    nobody: Actor,
    /// An administrator's token for an area that guards no path here.
    elsewhere: Actor,
    /// An administrator's token that reads every area.
    reader: Actor,
    /// A plain agent with the scope `all`.
    plain: Actor,
    end_user: Actor,
    admin: Actor,
}

impl Actors {
    async fn of(server: &Server) -> Actors {
        let mut areas: Vec<String> = Vec::new();
        for endpoint in ENDPOINTS {
            if let Guard::Areas(guards) = endpoint.guard {
                areas.extend(guards.iter().map(|area| format!("read:{}", area.name())));
            }
        }
        Actors {
            nobody: server.nobody(),
            elsewhere: server.with_scope("read:reporting").await,
            reader: server.with_scope(&areas.join(" ")).await,
            plain: server.actor("default", "plain", "all", Role::Agent).await,
            end_user: end_user(server).await,
            admin: server.admin().await,
        }
    }

    /// Everybody, by name.
    fn all(&self) -> [(&'static str, &Actor); 6] {
        [
            ("nobody", &self.nobody),
            ("a token for another area", &self.elsewhere),
            ("a read-only token", &self.reader),
            ("a plain agent", &self.plain),
            ("an end user", &self.end_user),
            ("an administrator", &self.admin),
        ]
    }
}

/// A user of a client, signed in with its password.
async fn end_user(server: &Server) -> Actor {
    let admin = server.admin().await;
    let client = admin.post("/Client", json!({"name": "Owner"})).await.expect(201);
    let user = json!({
        "name": "Eve End", "site_id": client["main_site_id"],
        "emailaddress": "eve@example.com", "password": "a-long-password",
    });
    admin.post("/Users", user).await.expect(201);
    let form = [
        ("grant_type", "password"),
        ("client_id", "demo"),
        ("client_secret", "demo-secret"),
        ("username", "eve@example.com"),
        ("password", "a-long-password"),
        ("scope", "all"),
    ];
    let tokens = server.nobody().form("/auth/token", &form).await.expect(200);
    server.nobody().with_token(tokens["access_token"].as_str().unwrap())
}

/// What every answer has, whatever it says.
pub fn is_well_formed(answer: &Answer, place: &str) {
    let id = answer.header("x-request-id");
    assert!(!id.is_empty(), "{place}: no X-Request-Id");
    if answer.text.is_empty() {
        return;
    }
    let kind = answer.header("content-type");
    assert!(kind.starts_with("application/json"), "{place}: {kind}");
    let body = answer.json();
    if answer.status < 400 {
        return;
    }
    for (member, is_right) in [
        ("ClassName", body["ClassName"].is_string()),
        ("Message", body["Message"].as_str().is_some_and(|text| !text.is_empty())),
        ("errors", body["errors"].is_object()),
        ("status", body["status"] == json!(answer.status)),
        ("code", body["code"].is_string()),
        ("request_id", body["request_id"] == json!(id)),
    ] {
        assert!(is_right, "{place}: {member} in {body}");
    }
    if answer.status == 401 {
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{place}");
        for member in ["error", "error_description"] {
            assert!(body[member].is_string(), "{place}: {member} in {body}");
        }
    }
}

fn check(answer: &Answer, expected: &Expected, place: &str) {
    is_well_formed(answer, place);
    let (status, word) = expected;
    assert_eq!(answer.status, *status, "{place}: {}", answer.text);
    if *status >= 400 {
        let message = answer.json()["Message"].as_str().unwrap_or("").to_owned();
        assert!(message.contains(word.as_str()), "{place}: no {word:?} in {message:?}");
    }
}

/// What the contract says of a caller at a path, when the request itself is fine and `good` is its
/// answer for those who are let in.
fn expected(actor: &str, endpoint: &Endpoint, write: bool, good: u16) -> Expected {
    let no_word = String::new();
    let area = AREAS.iter().find(|(path, _)| *path == endpoint.path);
    let verb = if write { "edit" } else { "read" };
    let scopes = |areas: &[Area]| {
        let names: Vec<String> =
            areas.iter().map(|area| format!("{verb}:{}", area.name())).collect();
        format!("scope {}", names.join(" or "))
    };
    let closed = endpoint.guard == Guard::Administrators;
    match (actor, area) {
        ("a plain agent" | "a token for another area" | "a read-only token", _) if closed => {
            (403, "administrator".to_owned())
        }
        ("nobody", _) => (401, no_word),
        ("an end user", _) => (403, "end user".to_owned()),
        ("an administrator", _) => (good, no_word),
        ("a token for another area", Some((_, areas))) => (403, scopes(areas)),
        ("a read-only token", Some((_, areas))) if write => (403, scopes(areas)),
        ("a token for another area" | "a read-only token", None) if write => {
            (403, "scope admin".to_owned())
        }
        ("a plain agent", None) if write => (403, "administrator".to_owned()),
        _ => (good, no_word),
    }
}

#[test]
fn guards_are_those_of_the_contract() {
    for endpoint in ENDPOINTS {
        let areas = AREAS.iter().find(|(path, _)| *path == endpoint.path).map(|(_, areas)| *areas);
        let found = match endpoint.guard {
            Guard::Areas(areas) => Some(areas),
            Guard::Definitions | Guard::Administrators => None,
        };
        assert_eq!(found, areas, "{}", endpoint.path);
    }
}

#[test]
fn paths_and_kinds_occur_once() {
    for (at, endpoint) in ENDPOINTS.iter().enumerate() {
        for other in &ENDPOINTS[..at] {
            assert_ne!(endpoint.path, other.path);
            assert_ne!(endpoint.kind, other.kind, "{} and {}", endpoint.path, other.path);
        }
        assert_eq!(endpoint.path, endpoint.path.to_ascii_lowercase().trim_matches('/'));
    }
    for (path, _) in AREAS {
        assert!(ENDPOINTS.iter().any(|endpoint| endpoint.path == *path), "{path} is no path");
    }
}

async fn every_route_knows_every_caller(server: &Server) {
    let actors = Actors::of(server).await;
    for endpoint in ENDPOINTS {
        let (list, record) =
            (format!("/{}", endpoint.path), format!("/{}/{UNKNOWN}", endpoint.path));
        for (name, actor) in actors.all() {
            let place = |method: &str| format!("{method} {list} by {name}");
            check(&actor.get(&list).await, &expected(name, endpoint, false, 200), &place("GET"));
            check(
                &actor.get(&record).await,
                &expected(name, endpoint, false, 404),
                &place("GET id"),
            );
            let empty = actor.post(&list, json!([])).await;
            check(&empty, &expected(name, endpoint, true, 200), &place("POST"));
            let deleted = actor.delete(&record).await;
            check(&deleted, &expected(name, endpoint, true, 404), &place("DELETE"));
        }
    }
}

/// The paths beside the table: method, path, body, and the answer to each of [`Actors::all`].
type Odd = (&'static str, &'static str, [u16; 6]);

const ODD: &[Odd] = &[
    ("GET", "/Agent/me", [401, 200, 200, 200, 404, 200]),
    ("GET", "/auth/userinfo", [401, 200, 200, 200, 200, 200]),
    ("GET", "/Client/me", [401, 404, 404, 404, 200, 404]),
    ("GET", "/ClientCache", [401, 200, 200, 200, 403, 200]),
    ("GET", "/changes", [401, 200, 200, 200, 403, 200]),
    ("GET", "/changes?entity=Client", [401, 403, 200, 200, 403, 200]),
    // A good question would open a stream that does not end.
    ("GET", "/changes/stream?entity=Client&since=x", [401, 403, 400, 400, 403, 400]),
    ("GET", "/WebhookDelivery", [401, 403, 403, 403, 403, 200]),
    ("GET", "/WebhookDelivery/2147483647", [401, 403, 403, 403, 403, 404]),
    ("POST", "/WebhookDelivery/2147483647/replay", [401, 403, 403, 403, 403, 404]),
    ("POST", "/Webhook/2147483647/test", [401, 403, 403, 403, 403, 404]),
    ("GET", "/History?entity=Client&id=1", [401, 403, 200, 200, 403, 200]),
    ("GET", "/History?entity=Tax&id=1", [401, 200, 200, 200, 403, 200]),
    ("GET", "/Settings", [401, 403, 403, 403, 403, 200]),
    ("POST", "/Settings", [401, 403, 403, 403, 403, 200]),
    ("GET", "/History", [401, 200, 200, 200, 403, 200]),
    ("GET", "/History/2147483647", [401, 404, 404, 404, 403, 404]),
    ("POST", "/History/2147483647/restore", [401, 404, 404, 404, 403, 404]),
    ("GET", "/Site/StockBins", [401, 403, 200, 200, 403, 200]),
    ("POST", "/Client/NewAccountsId", [401, 403, 403, 200, 403, 200]),
    ("POST", "/Client/PaymentMethodUpdate", [401, 403, 403, 200, 200, 200]),
    ("POST", "/PopupNote/read", [401, 403, 200, 200, 403, 200]),
    ("POST", "/RecurringItem/invoiced", [401, 403, 403, 200, 403, 200]),
    // Open to everybody.
    ("GET", "/AuthInfo", [200; 6]),
    ("GET", "/.well-known/openid-configuration", [200; 6]),
    ("GET", "/auth/.well-known/openid-configuration", [200; 6]),
    ("GET", "/auth/jwks", [200; 6]),
    ("GET", "/healthz", [200; 6]),
    ("GET", "/readyz", [200; 6]),
    ("GET", "/no/such/path", [404; 6]),
    ("GET", "/nothing", [404; 6]),
    ("GET", "/Client/12a", [400; 6]),
    ("GET", "/Client/2147483648", [400; 6]),
];

async fn odd_routes_know_every_caller(server: &Server) {
    let actors = Actors::of(server).await;
    for (method, path, statuses) in ODD {
        for ((name, actor), status) in actors.all().into_iter().zip(statuses) {
            let answer = match *method {
                "GET" => actor.get(path).await,
                _ if *path == "/Settings" => actor.post(path, json!({})).await,
                _ => actor.post(path, json!([])).await,
            };
            check(&answer, &(*status, String::new()), &format!("{method} {path} by {name}"));
        }
    }
}
