//! Sites and the people who work at them.

use super::Record;
use super::clients::Profile;
use super::people::Person;
use super::places::City;
use super::record::Fields;
use super::rng::{Rng, Stream};

/// How many of 100 clients have 1, 2, … 8 sites: 3 on average.
const SITE_WEIGHTS: &[u8] = &[27, 21, 18, 13, 9, 6, 4, 2];

/// How many of 100 clients have 1, 2, … 8 users: 3 on average.
const USER_WEIGHTS: &[u8] = &[19, 25, 23, 15, 10, 5, 2, 1];

const MAIN_NAMES: &[&str] = &["Head Office", "Head Office", "Main", "Main Office", "Headquarters"];

const BRANCHES: &[&str] = &[
    "Office",
    "Office",
    "Branch",
    "Branch",
    "Warehouse",
    "Depot",
    "Workshop",
    "Showroom",
    "Data Centre",
    "Plant",
];

const REMARKS: &[&str] = &[
    "Deliveries at the rear entrance.",
    "Comms cabinet on the first floor.",
    "Visitors sign in at the gatehouse.",
    "Closed on Fridays.",
    "Poor mobile reception in the basement.",
];

/// The sites of a client, the main site first, each with its city.
pub(super) fn sites(profile: &Profile) -> (Vec<Record>, Vec<&'static City>) {
    let mut rng = profile.rng(Stream::Sites);
    let count = rng.weighted(SITE_WEIGHTS) + 1;
    let mut names: Vec<String> = Vec::with_capacity(count);
    let mut sites = Vec::with_capacity(count);
    let mut cities = Vec::with_capacity(count);
    for position in 0..count {
        let city = rng.pick(profile.country.cities);
        let mut name = match position {
            0 => (*rng.pick(MAIN_NAMES)).to_owned(),
            _ => format!("{} {}", city.name, rng.pick(BRANCHES)),
        };
        if names.contains(&name) {
            name.push_str(&format!(" {}", position + 1));
        }
        names.push(name.clone());
        sites.push(site(profile, &mut rng, position, name, city));
        cities.push(city);
    }
    (sites, cities)
}

fn site(
    profile: &Profile,
    rng: &mut Rng,
    position: usize,
    name: String,
    city: &'static City,
) -> Record {
    let mut fields = Fields::new(14);
    fields
        .text("name", name)
        .flag("isinvoicesite", position == 0)
        .text("phonenumber", city.phone(rng))
        .text("timezone", city.timezone)
        .text("country_code", profile.country.code)
        .object("delivery_address", profile.country.address(city, rng));
    if rng.chance(88) {
        fields.flag("invoice_address_isdelivery", true);
    } else {
        fields.object("invoice_address", profile.country.address(city, rng));
    }
    if position == 0 {
        fields.text("emaildomain", profile.domain.as_str());
    } else if rng.chance(4) {
        fields.flag("inactive", true);
    }
    if rng.chance(40) {
        let (latitude, longitude) = city.position(rng);
        fields.decimal("geocoord1", latitude).decimal("geocoord2", longitude);
    }
    if rng.chance(30) {
        fields.text("ref", format!("{}-{:02}", profile.country.code, position + 1));
    }
    if rng.chance(15) {
        fields.text("notes", *rng.pick(REMARKS));
    }
    if rng.chance(8) {
        fields.flag("isstocklocation", true);
    }
    fields.done()
}

/// The end users of a client, the main contact first; no two with the same mail address.
pub(super) fn users(profile: &Profile, cities: &[&'static City]) -> Vec<(usize, Record)> {
    let mut rng = profile.rng(Stream::Users);
    let count = rng.weighted(USER_WEIGHTS) + 1;
    let mut mailboxes: Vec<String> = Vec::with_capacity(count);
    let mut users = Vec::with_capacity(count);
    for position in 0..count {
        let person = Person::new(&mut rng);
        let mut mailbox = person.mailbox();
        if mailboxes.contains(&mailbox) {
            mailbox.push_str(&format!("{}", position + 1));
        }
        mailboxes.push(mailbox.clone());
        let site = if position == 0 { 0 } else { rng.below(cities.len()) };
        let email = format!("{mailbox}@{}", profile.domain);
        users.push((site, user(profile, &mut rng, &person, email, cities[site], position == 0)));
    }
    users
}

fn user(
    profile: &Profile,
    rng: &mut Rng,
    person: &Person,
    email: String,
    city: &City,
    is_main: bool,
) -> Record {
    let mut fields = Fields::new(8);
    fields
        .text("name", person.name())
        .text("firstname", person.first)
        .text("surname", person.last)
        .text("emailaddress", email)
        .text("phonenumber", city.phone(rng))
        .text("title", person.job);
    if rng.chance(40) {
        fields.text("mobilenumber", profile.country.mobile(rng));
    }
    if is_main {
        fields.flag("isimportantcontact", true);
    } else if rng.chance(4) {
        fields.flag("inactive", true);
    }
    fields.done()
}
