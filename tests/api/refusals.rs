//! Every rule of a request that answers with a 400: the exact code and paths, as a bare object, in an
//! array behind a good neighbour, in a bulk request and nested in its owner; and nothing written.
//!
//! [`the_rows_provoke_every_refusal`] collects the messages of the source, and fails for each that
//! no row here provokes: a new rule needs a row.

mod clients;
mod defined;
mod hung;
mod lists;
mod past;
mod places;
mod records;
mod source;

use std::collections::BTreeSet;

use aureole_testkit::{Actor, Answer, Database, Server, on_both_databases};
use serde_json::{Value, json};

use crate::deletes::totals;

on_both_databases!(
    refusals_of_clients_name_their_paths,
    refusals_of_client_actions_name_their_paths,
    refusals_of_sites_name_their_paths,
    refusals_of_what_hangs_on_clients_name_their_paths,
    refusals_of_defined_fields_name_their_paths,
    refusals_of_other_records_name_their_paths,
    refusals_of_lists_name_their_parameters,
    refusals_of_the_past_name_their_paths,
    refusals_of_deletes_have_their_counts,
);

async fn refusals_of_clients_name_their_paths(server: &Server) {
    let mut seen = Seen::default();
    clients::clients(server, &mut seen).await;
    seen.verdict();
}
async fn refusals_of_client_actions_name_their_paths(server: &Server) {
    let mut seen = Seen::default();
    clients::actions(server, &mut seen).await;
    seen.verdict();
}
async fn refusals_of_sites_name_their_paths(server: &Server) {
    let mut seen = Seen::default();
    places::sites(server, &mut seen).await;
    seen.verdict();
}
async fn refusals_of_what_hangs_on_clients_name_their_paths(server: &Server) {
    let mut seen = Seen::default();
    hung::on_clients(server, &mut seen).await;
    seen.verdict();
}
async fn refusals_of_defined_fields_name_their_paths(server: &Server) {
    let mut seen = Seen::default();
    defined::fields(server, &mut seen).await;
    seen.verdict();
}
async fn refusals_of_other_records_name_their_paths(server: &Server) {
    let mut seen = Seen::default();
    records::others(server, &mut seen).await;
    seen.verdict();
}
async fn refusals_of_lists_name_their_parameters(server: &Server) {
    let mut seen = Seen::default();
    lists::parameters(server, &mut seen).await;
    seen.verdict();
}
async fn refusals_of_the_past_name_their_paths(server: &Server) {
    let mut seen = Seen::default();
    past::past(server, &mut seen).await;
    seen.verdict();
}
async fn refusals_of_deletes_have_their_counts(server: &Server) {
    let mut seen = Seen::default();
    hung::deletes(server, &mut seen).await;
    seen.verdict();
}

/// Refusals that need more than a row: a broken connection, a long history, a receiver. Each names
/// the file and the test that provokes it.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("did not arrive within", "api/connections", "a_body_that_does_not_come_is_an_error"),
    ("ended before it was complete", "api/connections", "a_body_that_does_not_come_is_an_error"),
    ("is no HTTP/1.1 request", "api/unreadable", "an_unreadable_head_has_an_answer"),
    ("is older than the changes", "api/feed", "bad_questions_are_refused"),
    ("{reason}; read the records anew", "api/feed", "bad_questions_are_refused"),
    ("is of webhook", "api/webhooks", "a_delivery_is_parked_and_replayed"),
    ("is of client {id}, which was", "api/undo_merge", "a_merged_client_is_not_put_back_in_part"),
    ("has the name that client", "api/undo_merge", "a_taken_name_stops_it"),
    ("{what} {other} was added", "api/undo", "what_was_made_goes_again"),
    (
        "can't be {name} for an agent",
        "tables/limited/refusals",
        "names_cannot_be_guessed_by_search_or_order",
    ),
];

/// Refusals that no test provokes, and why. The list only shrinks.
const UNPROVOKED: &[(&str, &str)] = &[
    ("has a name or key that another request took just now", "two requests in the same instant"),
    ("is newer than every change", "a cursor is signed; it needs a database that was set back"),
    ("points at {host}, which is {address}", "a name's addresses are asked when it is sent to"),
    ("can't be set from here; post the user", "a guard: no collection of users takes passwords"),
    ("client {client_id} would be left without", "a guard behind the checks of the main site"),
    ("follows from another record and can't be put", "a guard behind the rules of each kind"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_provoke_every_refusal() {
    let mut seen = Seen::default();
    macro_rules! provoke {
        ($($table:path),+ $(,)?) => {$(
            $table(&Server::start(Database::Sqlite).await, &mut seen).await;
        )+};
    }
    provoke!(
        clients::clients,
        clients::actions,
        places::sites,
        hung::on_clients,
        hung::deletes,
        defined::fields,
        records::others,
        lists::parameters,
        past::past,
    );
    seen.verdict();
    let mut missing = Vec::new();
    for template in source::templates() {
        let known = ELSEWHERE.iter().map(|(text, ..)| text);
        let known = known.chain(UNPROVOKED.iter().map(|(text, _)| text));
        let is_known = known.into_iter().any(|text| template.text.starts_with(text));
        let is_seen = seen.messages.iter().any(|message| provokes(&template, message));
        if !template.is_joint() && !is_seen && !is_known {
            missing.push(format!("{}: {}", template.place, template.text));
        }
    }
    assert!(missing.is_empty(), "no row provokes these:\n{}", missing.join("\n"));
    for (text, file, test) in ELSEWHERE {
        let path = format!("{}/{file}.rs", env!("CARGO_MANIFEST_DIR"));
        let code = std::fs::read_to_string(&path).unwrap();
        assert!(code.contains(&format!("fn {test}(")), "{text:?}: {path} has no {test}");
    }
}

/// True when a message is that of a template: alone, behind the name of a field or in front of one,
/// as a reason, or with its place in the body.
fn provokes(template: &source::Template, message: &str) -> bool {
    let bare = message.rsplit_once(" (").map_or(message, |(bare, _)| bare);
    let named = message.split_once(' ').map_or(message, |(_, rest)| rest);
    let reason = message.split_once("; ").map_or(message, |(reason, _)| reason);
    let placed = message.split_once(" at line ").map_or(message, |(placed, _)| placed);
    [message, bare, named, reason, placed].iter().any(|text| template.matches(text))
}

/// The messages that rows provoked, without their paths, and what was answered otherwise than rows
/// say.
#[derive(Default)]
pub struct Seen {
    messages: BTreeSet<String>,
    failures: Vec<String>,
}

impl Seen {
    /// Checks status, code and paths of a refusal, and keeps its messages.
    fn refusal(&mut self, answer: &Answer, code: &str, paths: &[String], what: &str) {
        self.expect(answer.status == 400, what, &answer.text);
        if answer.status == 400 {
            let body = answer.json();
            self.expect(body["code"] == code, what, &answer.text);
            self.messages.insert(body["Message"].as_str().unwrap_or("").to_owned());
            self.problems(&body["errors"], paths, what);
        }
    }

    fn problems(&mut self, errors: &Value, paths: &[String], what: &str) {
        let errors = errors.as_object().cloned().unwrap_or_default();
        let found: BTreeSet<&String> = errors.keys().collect();
        self.expect(found == paths.iter().collect(), what, &format!("{found:?}, not {paths:?}"));
        for messages in errors.values() {
            let texts = messages.as_array().unwrap().iter();
            self.messages.extend(texts.map(|text| text.as_str().unwrap().to_owned()));
        }
    }

    fn expect(&mut self, holds: bool, what: &str, found: &str) {
        if !holds {
            let found: String = found.chars().take(300).collect();
            self.failures.push(format!("{what}: {found}"));
        }
    }

    /// Fails with all that was answered otherwise.
    #[track_caller]
    fn verdict(&self) {
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
    }
}

/// A body that is refused, the code, and the paths of its problems, separated by spaces.
pub type Row = (Value, &'static str, &'static str);

pub const V: &str = "validation";
pub const D: &str = "duplicate";
pub const U: &str = "in_use";

fn paths(prefix: &str, paths: &str) -> Vec<String> {
    paths
        .split_whitespace()
        // `.` is the element itself.
        .map(|path| match (prefix, path.trim_start_matches('.')) {
            (prefix, "") => prefix.to_owned(),
            ("", path) => path.to_owned(),
            (prefix, path) => format!("{prefix}.{path}"),
        })
        .collect()
}

/// Where a table of bad records is posted to.
pub struct Place<'a> {
    pub path: &'a str,
    /// A record that is not wrong.
    pub good: Value,
    /// The client, and its collection that takes the same records. Rows on `client_id` are left
    /// out there: the client is implied.
    pub nested: Option<(i64, &'a str)>,
    /// Takes `bulkresponse`.
    pub bulk: bool,
}

impl<'a> Place<'a> {
    pub fn of(path: &'a str, good: Value) -> Place<'a> {
        Place { path, good, nested: None, bulk: true }
    }

    /// A path that is no kind of record.
    pub fn action(path: &'a str, good: Value) -> Place<'a> {
        Place { bulk: false, ..Place::of(path, good) }
    }

    pub fn nested(self, client: i64, collection: &'a str) -> Place<'a> {
        Place { nested: Some((client, collection)), ..self }
    }
}

/// Posts each bad record in every way in which records come. Nothing is written by any of them.
pub async fn refused(admin: &Actor, seen: &mut Seen, place: Place<'_>, table: Vec<Row>) {
    let before = totals(admin).await;
    let Place { path, good, nested, bulk } = place;
    let url = format!("/api/{path}");
    for (bad, code, names) in table {
        let what = format!("{path} {bad}").chars().take(300).collect::<String>();
        let answer = admin.post(&url, bad.clone()).await;
        seen.refusal(&answer, code, &paths("", names), &what);
        let answer = admin.post(&url, json!([good, bad])).await;
        seen.refusal(&answer, code, &paths("[1]", names), &what);
        if bulk {
            let url = format!("{url}?bulkresponse=true&dryrun=true");
            let answer = admin.post(&url, json!([good, bad])).await;
            let results: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            let (kept, lost) = (&results[0]["status"], &results[1]);
            let is_right =
                kept.as_i64() < Some(300) && lost["status"] == 400 && lost["code"] == code;
            seen.expect(is_right, &format!("bulk {what}"), &results.to_string());
            seen.problems(&lost["errors"], &paths("", names), &format!("bulk {what}"));
        }
        if let Some((client, collection)) = nested
            && !names.contains("client_")
        {
            let mut nested_good = good.clone();
            nested_good.as_object_mut().unwrap().remove("client_id");
            let body = json!({ "id": client, collection: [nested_good, bad] });
            let answer = admin.post("/api/Client", body).await;
            let place = format!("{collection}[1]");
            seen.refusal(&answer, code, &paths(&place, names), &format!("nested {what}"));
        }
    }
    let after = totals(admin).await;
    seen.expect(after == before, path, &format!("something was written: {after:?}"));
}

/// Bad addresses, each with the parameters that are named. A path in front of the query.
pub async fn asked(admin: &Actor, seen: &mut Seen, table: &[(String, &str)]) {
    for (url, names) in table {
        let answer = admin.get(&format!("/api/{url}")).await;
        seen.refusal(&answer, V, &paths("", names), url);
    }
}
