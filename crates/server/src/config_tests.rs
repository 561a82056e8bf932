use super::*;

#[test]
fn the_default_file_is_complete() {
    let config = Config::from_toml("").unwrap();
    assert_eq!(config.lists.page_size, 50);
}

#[test]
fn an_unknown_setting_is_named() {
    let error = Config::from_toml("[limits]\nbody_bites = 1").unwrap_err();
    assert!(error.contains("body_bites"), "{error}");
}

#[test]
fn a_wrong_value_is_refused_in_one_line() {
    for (text, part) in [
        ("listen = \"7070\"", "listen has to be an address"),
        ("listen = \"1.2.3:70\"", "listen has to be an address"),
        ("listen = 7070", "listen has to be text"),
        ("database = \"mysql://secret@host\"", "database is wrong"),
        ("log = \"inof\"", "log has to be"),
        ("strict = 1", "strict has to be true or false"),
        ("[limits]\nconnections = 0", "limits.connections has to be from 1"),
        ("[storage]\nreaders = 1.5", "storage.readers has to be a whole number"),
        ("[lists]\npage_size = 2_000", "larger than lists.max_page_size"),
        ("limits = 3", "limits is not a setting"),
        ("strict = false\nlisten = ", "line 2: "),
        ("# first\n\n[limits]\n\nbody_bites = 1", "line 5: limits.body_bites is not a setting"),
        ("strict = false\ncors.origins = \"x\"", "line 2: cors.origins has to be"),
        ("strict = false\nlisten = \"x\"", "line 2: listen has to be"),
    ] {
        let error = Config::from_toml(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
        assert!(!error.contains('\n') && !error.contains("secret"), "{error}");
    }
}

#[test]
fn good_values_are_taken() {
    for listen in ["127.0.0.1:0", "[::1]:7070", "localhost:80", "0.0.0.0:65535"] {
        let config = Config::from_toml(&format!("listen = {listen:?}")).unwrap();
        assert_eq!(config.listen, listen);
    }
    let bytes = |text: &str| Config::from_toml(text).unwrap().cache.record_bytes;
    assert_eq!(bytes("[cache]\nrecord_bytes = 0"), 0);
    for log in ["warn", "info,aureole_server=debug", "off,aureole_storage::sqlite=TRACE"] {
        assert_eq!(Config::from_toml(&format!("log = {log:?}")).unwrap().log, log);
    }
}

#[test]
fn a_variable_is_text() {
    let mut layers = Layers::defaults().unwrap();
    layers.lay_text("limits.body_bytes", "1_000").unwrap();
    layers.lay_text("strict", "yes").unwrap();
    assert!(layers.lay_text("limits.body_bytes", "many").unwrap_err().contains("many"));
    let names = layers.variables();
    assert!(names.iter().any(|(path, name)| {
        path == "limits.body_bytes" && name == "AUREOLE_LIMITS_BODY_BYTES"
    }));
    let config = layers.finish().unwrap();
    assert_eq!((config.limits.body_bytes, config.strict), (1_000, true));
}
