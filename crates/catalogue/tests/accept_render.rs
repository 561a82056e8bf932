//! Every kind of record accepts what it renders, and stores what it was given.

#![cfg(test)]

use aureole_catalogue::entities::{client::AREA, site::SITE};
use aureole_catalogue::record::is_stored;
use aureole_catalogue::render::{Plan, Row, View};
use aureole_catalogue::value::{format_millis, parse_datetime, parse_decimal};
use aureole_catalogue::{
    Change, Field, Kind, Limits, Mode, Problems, Record, Schema, Show, accept, doc,
};
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

/// The id of the record under test.
const ID: i64 = 7;

fn is_scalar(field: &Field) -> bool {
    matches!(
        field.kind,
        Kind::Int
            | Kind::Int64
            | Kind::Decimal
            | Kind::Bool
            | Kind::Text
            | Kind::DateTime
            | Kind::Uuid
    )
}

/// The fields that a client writes and that come back from the document.
fn is_written(field: &Field) -> bool {
    is_scalar(field) && field.mode == Mode::ReadWrite && is_stored(field) && field.name != "id"
}

fn written(schema: &'static Schema) -> Vec<&'static Field> {
    schema.fields.iter().filter(|field| is_written(field)).collect()
}

/// JSON text of a decimal with at most `places` decimal places, trailing zeros and all.
fn decimal_text(places: usize) -> impl Strategy<Value = String> {
    let fraction = proptest::collection::vec(0..10u8, 0..=places);
    (any::<bool>(), 0..900_000_000_000_000u64, fraction).prop_map(|(negative, whole, fraction)| {
        let digits: String = fraction.iter().map(|digit| char::from(b'0' + digit)).collect();
        let sign = if negative { "-" } else { "" };
        if digits.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{digits}") }
    })
}

fn number(text: &str) -> Value {
    Value::Number(serde_json::from_str::<Number>(text).unwrap())
}

/// Any Unicode but NUL, up to what a short field takes.
fn text() -> impl Strategy<Value = String> {
    let character = any::<char>().prop_filter("NUL is refused", |character| *character != '\0');
    let plain = "[ -~]{0,12}";
    prop_oneof![
        plain.boxed(),
        proptest::collection::vec(character, 0..12)
            .prop_map(|characters| characters.into_iter().collect())
            .boxed(),
        Just("\"quoted\", {\"a\":[1]} \\ \u{8}\t\r\n \u{2028}".to_owned()).boxed(),
    ]
}

/// Milliseconds of years 1 to 9999.
fn instant() -> impl Strategy<Value = i64> {
    -62_135_596_800_000i64..253_402_300_800_000i64
}

/// A valid value of a field and the form in which it is stored.
fn value(field: &'static Field) -> BoxedStrategy<(Value, Value)> {
    let both = |value: Value| (value.clone(), value);
    match field.kind {
        Kind::Int => {
            let spelled = (any::<i32>(), 0..3u8).prop_map(|(value, spelling)| {
                let given = match spelling {
                    0 => json!(value),
                    1 => json!(value.to_string()),
                    _ => number(&format!("{value}.0")),
                };
                (given, json!(value))
            });
            spelled.boxed()
        }
        Kind::Int64 => any::<i64>().prop_map(move |value| both(json!(value))).boxed(),
        Kind::Decimal => (decimal_text(4), any::<bool>())
            .prop_map(|(text, quoted)| {
                let given = if quoted { json!(text) } else { number(&text) };
                (given, number(&parse_decimal(&text, 4).unwrap()))
            })
            .boxed(),
        Kind::Bool => (any::<bool>(), 0..3u8)
            .prop_map(|(flag, spelling)| {
                let given = match spelling {
                    0 => json!(flag),
                    1 => json!(u8::from(flag)),
                    _ => json!(if flag { "True" } else { "False" }),
                };
                (given, json!(flag))
            })
            .boxed(),
        Kind::DateTime => instant()
            .prop_map(|millis| {
                let stored = format_millis(millis);
                (json!(stored), json!(stored))
            })
            .boxed(),
        Kind::Uuid => any::<u128>()
            .prop_map(|bits| {
                let hex = format!("{bits:032x}");
                let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
                let guid = parts.join("-");
                (json!(format!("{{{}}}", guid.to_uppercase())), json!(guid))
            })
            .boxed(),
        _ => texts_of(field.name),
    }
}

/// Texts of a field; some names are trimmed and e-mail addresses have an `@`.
fn texts_of(name: &'static str) -> BoxedStrategy<(Value, Value)> {
    let limits = Limits::default();
    let is_accepted = move |text: &String| {
        let body = Map::from_iter([("email".to_owned(), json!(text))]);
        !name.contains("mail") || text.contains('@') || {
            // Whether a field is an address is the catalogue's to say.
            let mut problems = Problems::default();
            let body = Map::from_iter([(name.to_owned(), body["email"].clone())]);
            for schema in [&AREA, &SITE] {
                accept(schema, &body, "", &limits, &mut problems);
            }
            problems.is_empty()
        }
    };
    let fixed = move |text: String| if text.contains('@') { text } else { format!("{text}@") };
    text()
        .prop_map(move |text| if is_accepted(&text) { text } else { fixed(text) })
        .prop_map(move |text| (json!(text), json!(text)))
        .boxed()
}

/// A body with some of a schema's fields, and what each of them reads as afterwards.
fn body(
    schema: &'static Schema,
) -> impl Strategy<Value = (Map<String, Value>, Map<String, Value>)> {
    let fields = written(schema);
    let some = proptest::sample::subsequence((0..fields.len()).collect::<Vec<_>>(), 0..60);
    some.prop_flat_map(move |chosen| {
        let pairs: Vec<_> = chosen
            .into_iter()
            .map(|at| fields[at])
            .map(|field| value(field).prop_map(move |(given, stored)| (field.name, given, stored)))
            .collect();
        (pairs, any::<bool>()).prop_map(|(mut pairs, reversed)| {
            if reversed {
                pairs.reverse();
            }
            let given = pairs.iter().map(|(name, given, _)| ((*name).to_owned(), given.clone()));
            let stored = pairs.iter().map(|(name, _, stored)| ((*name).to_owned(), stored.clone()));
            (given.collect(), stored.collect())
        })
    })
}

fn accepted(schema: &'static Schema, body: &Map<String, Value>) -> Change {
    let mut problems = Problems::default();
    let change = accept(schema, body, "", &Limits::default(), &mut problems);
    assert!(problems.is_empty(), "{:?} in {body:?}", problems.into_list());
    assert!(change.unknown.is_empty(), "{:?}", change.unknown);
    change
}

/// Lays a change over a record, as a save does with scalars.
fn apply(change: &Change, record: &mut Record) {
    for (key, value) in change.iter() {
        let field = &record.schema.fields[key.0];
        if !is_stored(field) || field.name == "id" {
            continue;
        }
        match value {
            Some(value) => record.set(key, value.clone()),
            None => record.clear(key),
        }
    }
}

fn render(schema: &'static Schema, view: View, doc: &str) -> Map<String, Value> {
    let plan = Plan::new(schema, view, Show::NONE);
    let lookups = vec![String::new(); plan.lookups.len()];
    let row = Row { id: ID, updated_at: 0, doc, lookups: &lookups, extras: &[] };
    let mut out = Vec::new();
    plan.render(&row, &mut Vec::new(), &mut out);
    serde_json::from_slice(&out)
        .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8(out)))
}

/// A field of a reply against what was given, by the rules of the wire contract.
fn reads_as(field: &Field, view: View, reply: &Map<String, Value>, stored: Option<&Value>) {
    let default =
        field.kind.default_json().map(|json| serde_json::from_str::<Value>(json).unwrap());
    let set = stored.filter(|value| Some(*value) != default.as_ref() && **value != json!(""));
    let when = if view == View::Full { field.full_when } else { field.light_when };
    let shown = when.is_empty() && (view == View::Full || field.light);
    let expected = match set {
        _ if !shown => None,
        Some(value) => Some(value.clone()),
        None if field.core => default,
        None => None,
    };
    assert_eq!(reply.get(field.name), expected.as_ref(), "{} in a {view:?} reply", field.name);
}

fn round_trip(schema: &'static Schema, given: &Map<String, Value>, stored: &Map<String, Value>) {
    let mut record = Record::new(schema);
    let change = accepted(schema, given);
    apply(&change, &mut record);
    let doc = record.to_doc();
    pairs_are_those_of_a_parser(&doc);
    assert_eq!(Record::from_doc(schema, &doc).to_doc(), doc, "a document reads as itself");

    for view in [View::Full, View::Light] {
        let reply = render(schema, view, &doc);
        assert_eq!(reply["id"], json!(ID));
        for field in written(schema) {
            // What is trimmed on the way in is the change's to say.
            let kept = change.value(aureole_catalogue::Key(schema.find(field.name).unwrap()));
            let expected = stored.get(field.name).map(|stored| match (kept, stored) {
                (Some(Value::String(kept)), Value::String(given)) if given.trim() == kept => {
                    json!(kept)
                }
                _ => stored.clone(),
            });
            reads_as(field, view, &reply, expected.as_ref());
        }
        let positions: Vec<usize> = reply.keys().map(|name| schema.find(name).unwrap()).collect();
        assert!(positions.is_sorted(), "a reply is in the published order");
        // What was rendered is accepted, and changes nothing.
        let mut again = record.clone();
        apply(&accepted(schema, &reply), &mut again);
        assert_eq!(again.to_doc(), doc, "after accepting {reply:?}");
    }
}

fn pairs_are_those_of_a_parser(text: &str) {
    let parsed: Map<String, Value> = serde_json::from_str(text).unwrap();
    let found: Vec<(&str, Value)> =
        doc::pairs(text).map(|(name, raw)| (name, serde_json::from_str(raw).unwrap())).collect();
    let expected: Vec<(&str, Value)> =
        parsed.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    assert_eq!(found, expected, "{text}");
    for (name, value) in &parsed {
        let raw = doc::raw(text, name).unwrap();
        assert_eq!(raw, value.to_string(), "{name}");
        assert_eq!(doc::unquote(raw), value.as_str().unwrap_or(""), "{name}");
    }
}

/// Any JSON, nested a few levels deep, as collections and `any` fields hold it.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|value| json!(value)),
        decimal_text(4).prop_map(|text| number(&text)),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((text(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_client_is_stored_and_rendered_as_it_was_given((given, stored) in body(&AREA)) {
        round_trip(&AREA, &given, &stored);
    }

    #[test]
    fn a_site_is_stored_and_rendered_as_it_was_given((given, stored) in body(&SITE)) {
        round_trip(&SITE, &given, &stored);
    }

    #[test]
    fn a_document_is_read_as_a_parser_reads_it(
        values in proptest::collection::vec((0..AREA.fields.len(), json_value()), 0..8)
    ) {
        let mut record = Record::new(&AREA);
        for (position, value) in values {
            record.set(aureole_catalogue::Key(position), value);
        }
        pairs_are_those_of_a_parser(&record.to_doc());
    }

    #[test]
    fn a_decimal_is_exact(text in decimal_text(4), zeros in 0..4usize) {
        let canonical = parse_decimal(&text, 4).unwrap();
        let exact = |text: &str| text.parse::<rust_decimal::Decimal>().unwrap();
        prop_assert_eq!(exact(&canonical), exact(&text));
        prop_assert!(!canonical.contains('.') || !canonical.ends_with('0'));
        // Neither white space nor trailing zeros make it another number.
        let point = if text.contains('.') { "" } else { "." };
        let longer = format!(" {text}{point}{} ", "0".repeat(zeros + 1));
        prop_assert_eq!(parse_decimal(&longer, 4).unwrap(), canonical.clone());
        prop_assert_eq!(parse_decimal(&canonical, 4).unwrap(), canonical);
    }
}

/// A civil date-time and its offset from UTC in minutes.
fn civil() -> impl Strategy<Value = (i64, i64)> {
    // A day away from the ends, so that no offset leaves the years 1 to 9999.
    let inner = -62_135_510_400_000i64..253_402_214_400_000i64;
    (inner, -14 * 60..=14 * 60i64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_date_is_the_same_instant_in_every_form((millis, offset) in civil(), digits in 3..=7usize) {
        let stored = |text: &str| parse_datetime(text).unwrap_or_else(|| panic!("{text} is refused"));
        let wire = format_millis(millis);
        // 1900-01-01 is how .NET says that there is no date.
        prop_assume!(wire != "1900-01-01T00:00:00");
        prop_assert_eq!(stored(&wire), wire.clone());
        let whole = format_millis(millis.div_euclid(1000) * 1000);
        let fraction = format!("{:0<width$}", format!("{:03}", millis.rem_euclid(1000)), width = digits);
        prop_assert_eq!(stored(&format!("{whole}.{fraction}")), wire.clone());
        prop_assert_eq!(stored(&format!("{whole}.{fraction}Z")), wire.clone());
        let spaced = format!(" {} ", wire.replace('T', " "));
        prop_assert_eq!(stored(&spaced), wire.clone());
        let local = format_millis(millis.div_euclid(1000) * 1000 + offset * 60_000);
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        let with_offset = format!("{local}.{fraction}{sign}{hours:02}:{minutes:02}");
        prop_assert_eq!(stored(&with_offset), wire.clone());
        let instant: jiff::Timestamp = format!("{wire}Z").parse().unwrap();
        prop_assert_eq!(instant.as_millisecond(), millis);
    }

    #[test]
    fn a_date_alone_is_its_midnight(days in -719_162..2_932_896i64) {
        let midnight = format_millis(days * 86_400_000);
        prop_assume!(!midnight.starts_with("1900-01-01"));
        prop_assert_eq!(parse_datetime(&midnight[..10]), Some(midnight.clone()));
    }
}

#[test]
fn the_date_of_no_date_is_unset() {
    let given = json!({"calldate": "1900-01-01T00:00:00"});
    let change = accepted(&AREA, given.as_object().unwrap());
    assert_eq!(change.get(aureole_catalogue::keys::client::CALL_DATE), Some(&None));
}
