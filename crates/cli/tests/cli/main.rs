//! The program from outside: exit codes, messages, layers of settings, signals, demo data.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod backup;
mod jobs;
mod program;
mod sign_in;
mod webhooks;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use program::{Folder, Server, curl};
use serde_json::Value;

#[test]
fn a_wrong_value_is_one_line_and_code_2() {
    let folder = Folder::new();
    for (args, part) in [
        (&["serve", "--listen", "7070"][..], "--listen has to be"),
        (&["serve", "--listen", "127.0.0.1:70700"], "--listen has to be"),
        (&["serve", "--log-format", "xml"], "--log-format has to be human or json"),
        (&["serve", "--rate-limit", "300"], "--rate-limit has to be a number of requests"),
        (&["serve", "--demo", "--listen", "0.0.0.0:0"], "loopback only"),
        (&["migrate", "--database", "mysql://host/name"], "--database is wrong"),
        (&["migrate", "--config", "absent.toml"], "absent.toml can't be read"),
        (
            &["application", "create", "--name", "A", "--scope", "read:all"],
            "no scope named read:all",
        ),
        (&["application", "create", "--name", "A", "--grant", "implicit"], "implicit"),
        (&["application", "create", "--name", " "], "1 to 100 characters"),
        (&["application", "create", "--name", "A", "--agent", "x"], "'x' for '--agent"),
        (&["application", "create", "--name", "A", "--redirect-uri", "back"], "a whole address"),
        (&["agent", "create", "--name", "A", "--email", "ann"], "not an e-mail address"),
        (&["agent", "create", "--name", "A", "--email", "a@b", "--role", "boss"], "boss"),
        (&["agent", "create", "--name", "A", "--email", "a@b", "--password-stdin"], "no password"),
        (&["demo", "load", "--clients", "many"], "many"),
        (&["demo", "load", "--clients", "0"], "0 is not in"),
        (&["serve", "--strict=perhaps"], "'perhaps' for '--strict'"),
        (&["serve", "--listen"], "a value is required for '--listen <ADDRESS>'"),
        (&["application", "create", "--name", "A", "--client-secret", ""], "'--client-secret"),
        (&["application", "create"], "--name <NAME>"),
        (&["serve", "--port", "1"], "unexpected argument '--port'"),
        (&["fly"], "unrecognized subcommand 'fly'"),
    ] {
        folder.fails(args, &[], 2, part);
    }
    for (variable, value, part) in [
        ("AUREOLE_LISTEN", "nowhere", "AUREOLE_LISTEN has to be"),
        (
            "AUREOLE_LIMITS_BODY_BYTES",
            "20 MB",
            "AUREOLE_LIMITS_BODY_BYTES has to be a whole number",
        ),
        ("AUREOLE_STRICT", "perhaps", "AUREOLE_STRICT has to be true or false"),
        ("AUREOLE_STORAGE_READERS", "0", "AUREOLE_STORAGE_READERS has to be from 1 to"),
        ("AUREOLE_LOG", "inof", "AUREOLE_LOG has to be"),
        ("AUREOLE_RATE_LIMIT", "9/d", "AUREOLE_RATE_LIMIT has to be a number of requests"),
        ("AUREOLE_TRUSTED_PROXIES", "proxy", "AUREOLE_TRUSTED_PROXIES has to be addresses"),
        ("AUREOLE_CORS_ORIGINS", "a.example", "AUREOLE_CORS_ORIGINS has to be origins"),
        ("AUREOLE_DEMO", "perhaps", "perhaps"),
    ] {
        folder.fails(&["serve"], &[(variable, value)], 2, part);
    }
    for (text, part) in [
        ("lisssten = 1", "aureole.toml: line 1: lisssten is not a setting"),
        (
            "[limits]\nbody_bytes = \"1\"",
            "aureole.toml: line 2: limits.body_bytes has to be a whole number",
        ),
        ("strict = false\nlog = ", "aureole.toml: line 2: "),
    ] {
        folder.write("aureole.toml", text);
        folder.fails(&["migrate"], &[], 2, part);
    }
    assert_eq!(folder.names(), ["aureole.toml"], "a wrong value leaves no trace");
}

#[test]
fn wrong_usage_is_code_2_and_help_is_code_0() {
    let folder = Folder::new();
    for args in
        [&["fly"][..], &["application"], &["application", "create"], &["serve", "--port", "1"]]
    {
        assert_eq!(folder.run(args, &[]).code, 2, "{args:?}");
    }
    for args in [&["help"][..], &["serve", "--help"], &["help", "demo", "load"], &["--version"]] {
        let ran = folder.run(args, &[]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
    }
    let version = folder.ok(&["--version"]);
    assert_eq!(version, format!("aureole {}\n", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(folder.ok(&["completions", shell]).contains("client-secret"), "{shell}");
    }
    let help =
        folder.run(&["application", "create", "--help"], &[("AUREOLE_CLIENT_SECRET", "hush-hush")]);
    assert!(!help.out.contains("hush-hush"));
    assert!(folder.names().is_empty());
}

/// Values that only the database knows to be wrong.
#[test]
fn a_name_that_is_unknown_or_taken_is_one_line_and_code_2() {
    let folder = Folder::new();
    let create = ["application", "create", "--name", "A", "--client-id", "one"];
    folder.ok(&create);
    folder.fails(&create, &[], 2, "client id one already");
    folder.ok(&["tenant", "create", "Acme"]);
    let nobody = "no tenant named Nobody";
    for (args, part) in [
        (&["tenant", "create", "ACME"][..], "named ACME already"),
        (&["tenant", "suspend", "Nobody"], nobody),
        (&["demo", "load", "--tenant", "Nobody"], nobody),
        (&["application", "list", "--tenant", "Nobody"], nobody),
        (&["application", "create", "--name", "A", "--tenant", "Nobody"], nobody),
        (&["application", "create", "--name", "A", "--agent", "99"], "no agent 99"),
        (&["application", "revoke", "--client-id", "two"], "client id two"),
        (&["agent", "create", "--name", "A", "--email", "a@b", "--tenant", "Nobody"], nobody),
    ] {
        folder.fails(args, &[], 2, part);
    }
}

#[test]
fn other_failures_are_one_line_and_code_1() {
    let folder = Folder::new();
    let closed = "postgres://ann:hush-hush@127.0.0.1:1/aureole";
    let ran = folder.fails(&["migrate", "--database", closed], &[], 1, "127.0.0.1:1/aureole");
    assert!(!ran.err.contains("hush-hush"), "{}", ran.err);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    folder.fails(&["serve", "--listen", &address], &[], 1, &address);
}

#[test]
fn flag_goes_before_variable_before_file_before_default() {
    let made = |args: &[&str], file: Option<&str>, variable: Option<&str>| {
        let folder = Folder::new();
        if let Some(url) = file {
            folder.write("aureole.toml", &format!("database = {url:?}"));
        }
        folder.write("other.toml", "database = \"sqlite:other.db\"");
        let variables: Vec<(&str, &str)> =
            variable.iter().map(|url| ("AUREOLE_DATABASE", *url)).collect();
        let ran = folder.run(args, &variables);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let names = folder.names().into_iter();
        let is_beside = |name: &str| name.ends_with(".toml") || name.ends_with("-turn");
        let made: Vec<String> = names.filter(|name| !is_beside(name)).collect();
        made.join(" ")
    };
    let (file, variable) = (Some("sqlite:file.db"), Some("sqlite:variable.db"));
    assert_eq!(made(&["migrate"], None, None), "aureole-data");
    assert_eq!(made(&["migrate"], file, None), "file.db");
    assert_eq!(made(&["migrate", "--config", "other.toml"], file, None), "other.db");
    assert_eq!(made(&["--config", "other.toml", "migrate"], file, None), "other.db");
    assert_eq!(made(&["migrate"], file, variable), "variable.db");
    let flag = ["migrate", "--database", "sqlite:flag.db"];
    assert_eq!(made(&flag, file, variable), "flag.db");
    let before = ["--database", "sqlite:flag.db", "tenant", "list"];
    assert_eq!(made(&before, file, variable), "flag.db");
}

#[test]
fn a_setting_can_be_a_variable_and_unknown_variables_are_ignored() {
    let folder = Folder::new();
    folder.write("aureole.toml", "[limits]\nbody_bytes = 100_000");
    let variables = [("AUREOLE_LIMITS_BODY_BYTES", "20"), ("AUREOLE_OF_THE_SAINT", "gold")];
    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &variables);
    let url = format!("{}/auth/token", server.url);
    let status = curl(&["-o", "/dev/null", "-w", "%{http_code}", "-d", &"x".repeat(21), &url]);
    assert_eq!(status, "413");
}

#[test]
fn an_application_can_be_made_before_the_first_serve() {
    let folder = Folder::new();
    let made =
        folder.ok(&["application", "create", "--name", "Import", "--scope", "read:customers"]);
    let lines: Vec<(&str, &str)> = made.lines().filter_map(|line| line.split_once(": ")).collect();
    let [("client_id", id), ("client_secret", secret)] = lines[..] else { panic!("{made}") };
    let given = folder.ok(&[
        "application",
        "create",
        "--name",
        "Given",
        "--client-id",
        "given",
        "--client-secret",
        "hush-hush",
    ]);
    assert_eq!(given, "client_id: given\nclient_secret: as given\n");

    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
    assert!(!server.said().contains("client_secret"), "{}", server.said());
    server.token(id, secret);
    server.token("given", "hush-hush");

    folder.ok(&["application", "revoke", "--client-id", "given"]);
    let list = folder.ok(&["application", "list", "--tenant", "DEFAULT"]);
    let lines: Vec<Vec<&str>> =
        list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["id", "name", "tenant", "scope", "agent", "revoked"]);
    assert!(
        lines.contains(&vec![id, "Import", "default", "read:customers", "first", "no"]),
        "{list}"
    );
    assert!(lines.contains(&vec!["given", "Given", "default", "all", "first", "yes"]), "{list}");
    assert!(!server.said().contains("hush-hush") && !list.contains("hush-hush"));
}

#[test]
fn the_first_serve_makes_an_application_and_says_its_secret_once() {
    let folder = Folder::new();
    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
    let said = server.said();
    let after = |name: &str| {
        let lines = said.lines();
        lines.filter_map(|line| line.strip_prefix(name)).next().unwrap_or_default().to_owned()
    };
    server.token(&after("client_id: "), &after("client_secret: "));
    assert_eq!(server.stop("TERM"), 0);
    let again = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
    assert!(!again.said().contains("client_secret"), "{}", again.said());
    assert_eq!(folder.ok(&["application", "list"]).lines().count(), 2);
}

#[test]
fn serve_is_ready_when_it_says_so_and_stops_at_a_signal() {
    let folder = Folder::new();
    for signal in ["TERM", "INT"] {
        let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
        assert!(server.url.starts_with("http://127.0.0.1:") && !server.url.ends_with(":0"));
        assert!(curl(&[&format!("{}/healthz", server.url)]).contains("ok"));
        assert!(curl(&[&format!("{}/readyz", server.url)]).contains("ready"));
        assert_eq!(server.stop(signal), 0, "{signal}");
    }
}

#[test]
fn a_request_that_runs_is_finished_after_the_signal() {
    let folder = Folder::new();
    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
    let mut request = half_a_request(&server);
    server.signal("TERM");
    program::wait_until(|| TcpStream::connect(server.address()).is_err());
    request.write_all(b"grant_type=").unwrap();
    let mut reply = String::new();
    request.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 400"), "{reply}");
    assert_eq!(server.wait(), 0);
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = Folder::new();
    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
    let request = half_a_request(&server);
    server.signal("TERM");
    program::wait_until(|| TcpStream::connect(server.address()).is_err());
    let started = Instant::now();
    assert_eq!(server.stop("INT"), 1);
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(request);
}

/// A request for a token whose body of 11 bytes is still to come.
fn half_a_request(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = "POST /auth/token HTTP/1.1\r\nHost: here\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    // The server asks for the body when it has begun with the request.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[test]
fn log_lines_are_json_when_asked_for() {
    let folder = Folder::new();
    let args = ["--listen", "127.0.0.1:0", "--log-format", "json"];
    let server = Server::start(&folder, &args, &[]);
    curl(&["-H", "X-Request-Id: request-7", &format!("{}/healthz?secret=hush-hush", server.url)]);
    let said = server.stop_and_read("TERM");
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.into_iter().find(|line| line["request_id"] == "request-7");
    assert_eq!(line.unwrap_or_else(|| panic!("{said}"))["status"], 200);
    assert!(!said.contains("hush-hush") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn agents_and_tenants_are_made() {
    let folder = Folder::new();
    let create = ["agent", "create", "--name", "Ann Clarke", "--email", "ann@example.com"];
    let id: i64 = folder
        .ok_with(&[&create[..], &["--password-stdin"]].concat(), "pass word\n")
        .trim()
        .parse()
        .unwrap();
    assert!(id > 1);
    folder.fails(&create, &[], 2, "already");
    assert_eq!(folder.ok(&["tenant", "create", "Acme"]), "2\n");
    folder.ok(&["tenant", "suspend", "acme"]);
    assert_eq!(
        folder.ok(&["tenant", "list"]),
        "id  name     suspended\n1   default  no\n2   Acme     yes\n"
    );
    folder.ok(&[
        "application",
        "create",
        "--name",
        "P",
        "--client-id",
        "p",
        "--client-secret",
        "hush-hush",
        "--grant",
        "password",
    ]);
    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
    let form = "grant_type=password&client_id=p&client_secret=hush-hush&username=ann@example.com&password=pass+word";
    let reply = curl(&["-d", form, &format!("{}/auth/token", server.url)]);
    assert!(reply.contains("access_token"), "{reply}");
}

#[test]
fn the_same_seed_loads_the_same_data() {
    let (first, second, other) = (loaded("7"), loaded("7"), loaded("8"));
    assert!(!first.is_empty());
    for ((path, first), (_, second)) in first.iter().zip(&second) {
        assert_eq!(first, second, "{path}");
    }
    assert_ne!(first, other);
}

/// Path and list of everything that a load of 30 clients made.
fn loaded(seed: &str) -> Vec<(&'static str, Value)> {
    let folder = Folder::new();
    let load = ["demo", "load", "--clients", "30", "--seed", seed];
    let ran = folder.run(&load, &[]);
    assert_eq!((ran.code, ran.err.lines().count()), (0, 1), "{}", ran.err);
    assert!(ran.err.starts_with("loaded 30 clients into tenant default in "), "{}", ran.err);
    folder.fails(&load, &[], 1, "loaded before");
    folder.ok(&[
        "application",
        "create",
        "--name",
        "A",
        "--client-id",
        "a",
        "--client-secret",
        "hush-hush",
    ]);
    let server = Server::start(&folder, &["--listen", "127.0.0.1:0"], &[]);
    let token = server.token("a", "hush-hush");
    let lists = ["Client?includeinactive=true", "Site", "Users", "Tickets", "CRMNote", "Supplier"];
    let lists = lists.map(|path| {
        let list = server.get(&token, path);
        let count = list["record_count"].as_i64().unwrap_or(0);
        assert!(count > 0 || path == "CRMNote", "{path}: {list}");
        assert!(!path.starts_with("Client") || count == 30, "{list}");
        (path, without_moments(list))
    });
    lists.into()
}

/// Leaves out when a record was written, which is the moment of the load.
fn without_moments(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for name in [
                "datecreated",
                "date_created",
                "last_update",
                "last_modified",
                "lastupdated",
                "lastactiondate",
            ] {
                fields.remove(name);
            }
            fields.values_mut().for_each(|field| *field = without_moments(field.take()));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| *item = without_moments(item.take()));
        }
        _ => {}
    }
    value
}

#[test]
fn the_demo_prints_commands_that_work_and_leaves_nothing() {
    let folder = Folder::new();
    let temporary = Folder::new();
    // A database in the file is not "given": the demo would fill somebody's real one.
    folder.write("aureole.toml", "database = \"sqlite:real.db\"");
    let variables = [("TMPDIR", temporary.path())];
    let server = Server::start(&folder, &["--demo", "--listen", "127.0.0.1:0"], &variables);
    assert_eq!(temporary.names().len(), 1);
    let said = server.said();
    let from = said.find("TOKEN=").unwrap_or_else(|| panic!("{said}"));
    let commands: Vec<&str> =
        said[from..].lines().take_while(|line| !line.starts_with("aureole")).collect();
    let listed = program::shell(&commands.join("\n"));
    let list: Value = serde_json::from_str(&listed).unwrap_or_else(|_| panic!("{listed}"));
    assert_eq!(list["clients"].as_array().map(Vec::len), Some(3), "{list}");

    for user in ["demo@example.com", "user@example.com"] {
        let form = format!(
            "grant_type=password&client_id=demo&client_secret=demo-secret&username={user}&password=demo-password"
        );
        let reply = curl(&["-d", &form, &format!("{}/auth/token", server.url)]);
        assert!(reply.contains("access_token"), "{user}: {reply}");
    }
    assert_eq!(server.stop("TERM"), 0);
    assert!(temporary.names().is_empty());
    assert_eq!(folder.names(), ["aureole.toml"]);
}

#[test]
fn a_signal_during_the_load_leaves_nothing() {
    let folder = Folder::new();
    let temporary = Folder::new();
    let variables = [("TMPDIR", temporary.path())];
    let server = Server::launch(&folder, &["--demo", "--listen", "127.0.0.1:0"], &variables);
    program::wait_until(|| !temporary.names().is_empty());
    assert_eq!(server.stop("INT"), 0);
    assert!(temporary.names().is_empty());
}

#[test]
fn a_demo_in_a_given_database_is_kept() {
    let folder = Folder::new();
    let args = ["--demo", "--listen", "localhost:0", "--database", "sqlite:demo.db"];
    let count = || {
        let server = Server::start(&folder, &args, &[]);
        let token = server.token("demo", "demo-secret");
        let list = server.get(&token, "Client?includeinactive=true&count=1");
        assert_eq!(server.stop("TERM"), 0);
        list["record_count"].as_i64()
    };
    assert_eq!((count(), count()), (Some(200), Some(200)));
}

#[test]
fn the_openapi_document_needs_no_database() {
    let folder = Folder::new();
    let document: Value = serde_json::from_str(&folder.ok(&["openapi"])).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/Client/{id}"]["get"].is_object());
    let yaml = folder.ok(&["openapi", "--format", "yaml"]);
    assert!(yaml.starts_with("openapi: \"3.1.0\"\ninfo:\n  title: \"Aureole\"\n"), "{yaml:.200}");
    assert!(folder.names().is_empty());
    folder.fails(&["openapi", "--format", "xml"], &[], 2, "xml");
}

#[test]
fn the_key_for_secrets_changes_while_a_server_runs() {
    let folder = Folder::new();
    let first = folder.ok(&["generate-key"]);
    assert_ne!(first, folder.ok(&["generate-key"]));
    folder.write("keys", &first);
    folder.write("aureole.toml", "secret_key_file = \"keys\"");
    let args = ["--listen", "127.0.0.1:0", "--database", "sqlite:key.db"];
    folder.application("a", "b", &["--database", "sqlite:key.db"]);
    let server = Server::start(&folder, &args, &[]);
    let token = server.token("a", "b");
    let post = |server: &Server, body: &str| {
        let bearer = format!("Authorization: Bearer {token}");
        let kind = "Content-Type: application/json";
        let url = format!("{}/api/Client", server.url);
        curl(&[
            "-w",
            "%{http_code}",
            "-o",
            "/dev/null",
            "-H",
            &bearer,
            "-H",
            kind,
            "-d",
            body,
            &url,
        ])
    };
    assert_eq!(post(&server, r#"{"name":"One","new_jirakey":"hush"}"#), "201");
    let rotate = ["rotate-key", "--database", "sqlite:key.db"];
    let said = folder.ok(&rotate);
    // The client's secret and the key that signs tokens.
    assert!(said.starts_with("2 secrets were encrypted again"), "{said}");
    assert_eq!(post(&server, r#"{"name":"Two","new_jirakey":"hush"}"#), "201");
    assert_eq!(server.stop("TERM"), 0);
    let keys = std::fs::read_to_string(format!("{}/keys", folder.path())).unwrap();
    let (new, old) = keys.split_once('\n').unwrap();
    assert_eq!(old.trim(), first.trim());
    // The old key is not needed any more: not for tokens, not for what the server wrote meanwhile.
    folder.write("keys", new);
    let server = Server::start(&folder, &args, &[]);
    assert_eq!(server.get(&token, "Client")["record_count"], 2);
    assert_eq!(server.stop("TERM"), 0);
    folder.write("keys", &folder.ok(&["generate-key"]));
    folder.fails(&["serve", "--database", "sqlite:key.db"], &[], 1, "is sealed with the key");
    folder.write("aureole.toml", "");
    folder.fails(&["serve", "--database", "sqlite:key.db"], &[], 1, "is sealed with the key");
    let given = [("AUREOLE_SECRET_KEY", new)];
    assert_eq!(Server::start(&folder, &args, &given).stop("TERM"), 0);
    folder.fails(&["rotate-key", "--database", "sqlite:x.db"], &[], 1, "there is no key");
    let wrong = [("AUREOLE_SECRET_KEY", "c2VjcmV0")];
    let ran = folder.fails(&["migrate"], &wrong, 2, "AUREOLE_SECRET_KEY has to be 32 random bytes");
    assert!(!ran.err.contains("c2VjcmV0"), "{}", ran.err);
    folder.fails(&["migrate"], &[("AUREOLE_SECRET_KEY_FILE", "no")], 2, "secret_key_file no can't");
}
