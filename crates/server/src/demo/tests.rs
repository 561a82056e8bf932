use super::names::{Names, SPACE, plain, spell};
use super::places::Nation;
use super::words::{
    ADJECTIVES, BRAND_ENDS, BRAND_MIDDLES, BRAND_STARTS, NOUNS, PLACE_ENDS, PLACE_STARTS, SUFFIXES,
    SURNAMES, TRADES,
};
use super::{ClientBundle, Demo, Kind, REFERENCES, Record};
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

const SAMPLE: u32 = 4000;

fn demo(seed: u64) -> Demo {
    let now: Timestamp = "2026-11-23T17:36:00Z".parse().unwrap();
    Demo::new(seed, SAMPLE, now)
}

fn bundles(seed: u64) -> impl Iterator<Item = ClientBundle> {
    let demo = demo(seed);
    (0..SAMPLE).map(move |index| demo.client(index))
}

/// Every record of a bundle.
fn records(bundle: &ClientBundle) -> Vec<&Record> {
    let mut records = vec![&bundle.client];
    records.extend(&bundle.sites);
    records.extend(bundle.users.iter().map(|(_, user)| user));
    records.extend(&bundle.notes);
    records.extend(bundle.popups.iter().map(|(_, popup)| popup));
    records.extend(&bundle.items);
    records.extend(&bundle.lots);
    records.extend(&bundle.azure_links);
    records.extend(bundle.tickets.iter().map(|(_, _, ticket)| ticket));
    records
}

fn text<'a>(record: &'a Record, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or("")
}

#[test]
fn the_same_seed_gives_the_same_client_in_any_order_and_number() {
    let now: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    let (first, second) = (demo(7), Demo::new(7, 12, now));
    for index in [900, 3, 0, 41, 3, 1_000_000] {
        assert_eq!(first.client(index), second.client(index));
    }
    assert_ne!(first.client(3), demo(8).client(3));
    assert_eq!(first.reference(), demo(8).reference());
}

#[test]
fn a_million_names_are_all_different() {
    for seed in [1, u64::MAX] {
        let names = Names::new(seed);
        let mut seen = HashSet::with_capacity(1_000_000);
        for index in 0..1_000_000 {
            // The plain form has neither case nor accents, so it is the stricter test.
            let name = plain(&names.company(index).text, '-');
            assert!(seen.insert(name), "index {index} repeats a name");
        }
    }
}

/// With these, every name of the space can be read back into the words that it was made of.
#[test]
fn words_are_unique_and_lists_do_not_overlap() {
    let mut seen = HashMap::new();
    let places: Vec<String> = PLACE_STARTS
        .iter()
        .flat_map(|start| PLACE_ENDS.iter().map(move |end| format!("{start}{end}")))
        .collect();
    let brands: Vec<String> = BRAND_STARTS
        .iter()
        .flat_map(|start| BRAND_MIDDLES.iter().map(move |middle| format!("{start}{middle}")))
        .flat_map(|front| BRAND_ENDS.iter().map(move |end| format!("{front}{end}")))
        .collect();
    let suffixes: Vec<&str> = SUFFIXES.iter().map(|suffix| suffix.0).collect();
    let lists = [SURNAMES, TRADES, ADJECTIVES, NOUNS, &suffixes];
    let words = lists.into_iter().flatten().map(|word| (*word).to_owned());
    for word in words.chain(places).chain(brands) {
        let folded = plain(&word, '-');
        if let Some(other) = seen.insert(folded, word.clone()) {
            panic!("{word} and {other} read the same");
        }
    }
    for (suffix, _) in SUFFIXES {
        let first = suffix.split(' ').next().unwrap();
        assert!(!TRADES.iter().any(|trade| trade.ends_with(first)), "{suffix}");
    }
}

#[test]
fn past_the_space_a_number_keeps_names_apart() {
    let names = Names::new(1);
    let space = u32::try_from(SPACE).unwrap();
    assert_eq!(names.company(space).text, format!("{} 2", names.company(0).text));
    assert!(!names.company(u32::MAX).text.is_empty());
}

#[test]
fn names_follow_no_order() {
    let names = Names::new(1);
    let all: Vec<String> = (0..1000).map(|index| names.company(index).text).collect();
    let rising = all.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!((430..=570).contains(&rising), "{rising} of 999 neighbours rise");
    let initials: HashSet<char> = all.iter().filter_map(|name| name.chars().next()).collect();
    assert!(initials.len() > 20);
    assert!(all.iter().any(|name| !name.is_ascii()));
    assert!(matches!(spell(0).nation, Nation::Britain));
}

#[test]
fn one_client_in_twenty_is_inactive() {
    let inactive = bundles(3).filter(|bundle| bundle.client["inactive"] == true).count();
    assert_eq!(inactive, usize::try_from(SAMPLE / 20).unwrap());
}

#[test]
fn averages_are_as_promised() {
    let mut counts = [0usize; 7];
    for bundle in bundles(1) {
        assert!((1..=8).contains(&bundle.sites.len()));
        assert!(bundle.tickets.len() <= 6);
        let parts = [
            bundle.sites.len(),
            bundle.users.len(),
            bundle.notes.len(),
            bundle.popups.len(),
            bundle.items.len(),
            bundle.lots.len(),
            bundle.azure_links.len(),
        ];
        for (count, part) in counts.iter_mut().zip(parts) {
            *count += part;
        }
    }
    // Hundredths a client: wanted, and how far off a sample may be.
    let wanted = [(300, 10), (300, 10), (100, 10), (30, 5), (80, 10), (30, 5), (30, 5)];
    for (position, (count, (average, slack))) in counts.into_iter().zip(wanted).enumerate() {
        let found = count * 100 / usize::try_from(SAMPLE).unwrap();
        assert!(found.abs_diff(average) <= slack, "part {position}: {found} instead of {average}");
    }
}

#[test]
fn exactly_the_first_site_is_the_main_site_and_site_names_differ() {
    for bundle in bundles(2) {
        for (position, site) in bundle.sites.iter().enumerate() {
            assert_eq!(site["isinvoicesite"], position == 0);
        }
        let names: HashSet<&str> = bundle.sites.iter().map(|site| text(site, "name")).collect();
        assert_eq!(names.len(), bundle.sites.len());
        assert_eq!(bundle.users[0].0, 0);
        assert_eq!(bundle.users[0].1["isimportantcontact"], true);
    }
}

#[test]
fn every_position_and_reference_exists() {
    let mut ids: HashMap<Kind, i64> = HashMap::new();
    let reference = demo(1).reference();
    for (kind, record) in &reference {
        let last = ids.entry(*kind).or_default();
        *last += 1;
        assert_eq!(record["id"], *last);
    }
    let check = |record: &Record| {
        for (field, kind) in REFERENCES {
            if let Some(value) = record.get(*field) {
                let id = value.as_i64().unwrap();
                assert!((1..=ids[kind]).contains(&id), "{field} = {id}");
            }
        }
    };
    reference.iter().for_each(|(_, record)| check(record));
    for bundle in bundles(1) {
        records(&bundle).into_iter().for_each(check);
        let sites = bundle.sites.len();
        assert!(bundle.users.iter().all(|(site, _)| *site < sites));
        assert!(bundle.popups.iter().all(|(site, _)| site.is_none_or(|site| site < sites)));
        for (site, user, _) in &bundle.tickets {
            assert!(*site < sites);
            assert!(user.is_none_or(|user| bundle.users[user].0 == *site));
        }
    }
}

#[test]
fn mail_addresses_are_valid_and_reach_nobody() {
    for bundle in bundles(5) {
        let mut seen = HashSet::new();
        for record in records(&bundle) {
            for field in ["emailaddress", "accountsemailaddress"] {
                let Some(address) = record.get(field).and_then(Value::as_str) else {
                    continue;
                };
                let (mailbox, host) = address.split_once('@').unwrap();
                let label = host.strip_suffix(".example").unwrap();
                let is_plain = |text: &str| {
                    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
                };
                assert!(is_plain(mailbox) && is_plain(label), "{address}");
                assert!(!mailbox.is_empty() && mailbox.len() <= 64 && label.len() <= 63);
                assert!(seen.insert(address), "{address} twice");
            }
        }
    }
}

#[test]
fn dates_are_well_formed_and_in_order() {
    let now: DateTime = "2026-11-23T17:36:00".parse().unwrap();
    let (mut this_month, mut due) = (0, 0);
    for bundle in bundles(1) {
        for record in records(&bundle) {
            for (name, value) in record {
                if let Some(value) = value.as_str().filter(|_| name.contains("date")) {
                    assert_eq!(value.len(), 19, "{name}");
                    assert!(value.parse::<DateTime>().is_ok(), "{name}: {value}");
                }
            }
        }
        for (_, _, ticket) in &bundle.tickets {
            let (opened, closed) = (text(ticket, "dateoccurred"), text(ticket, "dateclosed"));
            assert!(opened.parse::<DateTime>().unwrap() <= now);
            assert!(closed.is_empty() || closed >= opened);
            assert!(closed.is_empty() || ticket["onhold"] == false);
            this_month += usize::from(opened.starts_with("2026-11"));
        }
        for item in &bundle.items {
            let next = text(item, "nextinvoicedate");
            assert!(text(item, "lastinvoicedate") < next && text(item, "startdate") <= next);
            due += usize::from(next <= "2026-11-23T00:00:00");
        }
    }
    assert!(this_month > 1000 && due > 100, "{this_month} this month, {due} due");
}

#[test]
fn rates_are_exact_decimals() {
    let rates: HashSet<String> = bundles(1)
        .filter_map(|bundle| bundle.client.get("hourlyrate").map(Value::to_string))
        .collect();
    assert!(rates.contains("87.50") && rates.contains("149.50"), "{rates:?}");
    let longitudes: Vec<String> = bundles(1)
        .flat_map(|bundle| bundle.sites)
        .filter_map(|site| site.get("geocoord2").map(Value::to_string))
        .collect();
    assert!(longitudes.iter().any(|text| text.starts_with("-0.")));
}
