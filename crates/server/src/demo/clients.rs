//! A client and the bundle around it.

use super::names::{CompanyName, plain};
use super::people::Person;
use super::places::{Country, Nation};
use super::record::{Calendar, DAY_S, Decimal, Fields};
use super::reference::{
    AGENTS, BILLING_TEMPLATES, SURCHARGES, TAX_REDUCED, TAX_STANDARD, TAX_ZERO, TOP_LEVELS,
};
use super::rng::{Rng, Stream};
use super::{ClientBundle, Demo, Record, extras, sites, tickets};

/// What the parts of a bundle need to know of their client.
pub(super) struct Profile {
    pub(super) seed: u64,
    pub(super) index: u32,
    pub(super) calendar: Calendar,
    pub(super) name: CompanyName,
    pub(super) country: &'static Country,
    /// The client's own host name, under `.example`.
    pub(super) domain: String,
    pub(super) inactive: bool,
    /// For how many days it has been a client: nothing of it is older.
    pub(super) age_days: i64,
    /// What an hour of work costs it, in cents.
    pub(super) hour_cents: i64,
}

impl Profile {
    /// The stream of random numbers for one part of this client.
    pub(super) fn rng(&self, stream: Stream) -> Rng {
        Rng::new(self.seed, self.index, stream)
    }
}

/// One client in this many is inactive.
const INACTIVE_OF: u32 = 20;

/// Hourly rates in cents.
const RATES: &[i64] = &[6500, 7250, 7500, 8250, 8750, 9500, 10_500, 11_750, 12_500, 14_950];

const COLOURS: &[&str] = &[
    "#1f5f8b", "#2e7d32", "#c62828", "#6a1b9a", "#ef6c00", "#00838f", "#4527a0", "#ad1457",
    "#37474f", "#9e9d24", "#5d4037", "#0277bd",
];

const REMARKS: &[&str] = &[
    "Prefers to be called before any visit.",
    "Invoices must quote a purchase order number.",
    "Server room key is with reception.",
    "No changes on the last two working days of the month.",
    "Moved over from another provider; documentation is incomplete.",
    "Opening hours 07:00 to 15:30.",
    "Two-person approval for anything above 500.",
    "Parking behind the building, gate code from the office.",
    "Annual review every spring.",
    "Old telephone system still in use for the lift alarm.",
];

/// All of client number `index`.
pub(super) fn bundle(demo: &Demo, index: u32) -> ClientBundle {
    let mut rng = Rng::new(demo.seed, index, Stream::Client);
    let name = demo.names.company(index);
    let profile = Profile {
        seed: demo.seed,
        index,
        calendar: demo.calendar,
        country: name.nation.country(),
        domain: format!("{}.example", plain(&name.text, '-')),
        name,
        inactive: is_inactive(demo.seed, index),
        age_days: rng.between(210, 3200),
        hour_cents: *rng.pick(RATES),
    };
    let (sites, cities) = sites::sites(&profile);
    let users = sites::users(&profile, &cities);
    let (notes, next_call) = extras::notes(&profile);
    ClientBundle {
        popups: extras::popups(&profile, sites.len()),
        items: extras::items(&profile),
        lots: extras::lots(&profile),
        azure_links: extras::azure_links(&profile),
        tickets: tickets::tickets(&profile, sites.len(), &users),
        client: client(&profile, &mut rng, next_call),
        sites,
        users,
        notes,
    }
}

/// Exactly one of every [`INACTIVE_OF`] neighbours, at a place that the seed chooses.
fn is_inactive(seed: u64, index: u32) -> bool {
    let chosen = Rng::new(seed, index / INACTIVE_OF, Stream::Inactive).between(0, 19);
    i64::from(index % INACTIVE_OF) == chosen
}

fn client(profile: &Profile, rng: &mut Rng, next_call: Option<i64>) -> Record {
    let calendar = profile.calendar;
    let mut fields = Fields::new(28);
    fields
        .text("name", profile.name.text.as_str())
        .int("toplevel_id", rng.between(1, TOP_LEVELS))
        .flag("inactive", profile.inactive)
        .text("ref", format!("AC{:06}", u64::from(profile.index) + 100_001))
        .text("domain", profile.domain.as_str())
        .text("datecreated", calendar.moment(-profile.age_days * DAY_S + 34_200))
        .int("pritech", rng.between(1, AGENTS))
        .int("accountmanagertech", *rng.pick(&[3, 3, 7]));
    if rng.chance(90) {
        fields.text("website", format!("https://www.{}", profile.domain));
    }
    if rng.chance(60) {
        fields.text("colour", *rng.pick(COLOURS));
    }
    if rng.chance(40) {
        fields.int("sectech", rng.between(1, AGENTS));
    }
    if rng.chance(35) {
        fields.text("notes", *rng.pick(REMARKS));
    }
    if rng.chance(8) {
        let core = profile.name.text.split(' ').next().unwrap_or_default();
        fields.text("trading_name", format!("{core} Direct"));
    }
    if rng.chance(4) {
        fields.flag("is_vip", true);
    }
    let call = next_call.or_else(|| rng.chance(8).then(|| rng.between(-30, 30)));
    if let Some(days) = call {
        fields.text("calldate", calendar.moment(days * DAY_S + 36_000));
    }
    accounts(profile, rng, &mut fields);
    agreement(profile, rng, &mut fields);
    link_keys(profile, rng, &mut fields);
    fields.done()
}

/// Who gets the bill, when it is due, and the taxes on it.
fn accounts(profile: &Profile, rng: &mut Rng, fields: &mut Fields) {
    fields
        .flag("invoiceyes", !rng.chance(5))
        .int("paymentterms", *rng.pick(&[7, 14, 14, 30, 30, 30, 45, 60]))
        .int("default_currency_code", profile.country.currency);
    if rng.chance(85) {
        fields.text("accountsemailaddress", format!("accounts@{}", profile.domain));
    }
    if rng.chance(45) {
        let person = Person::new(rng);
        fields.text("accountsfirstname", person.first).text("accountslastname", person.last);
    }
    if rng.chance(80) {
        let tax = match profile.name.nation {
            Nation::Britain if rng.chance(6) => TAX_REDUCED,
            Nation::Britain => TAX_STANDARD,
            _ => TAX_ZERO,
        };
        for name in ["item_tax_code", "service_tax_code", "prepay_tax_code", "contract_tax_code"] {
            fields.int(name, tax);
        }
    }
    if rng.chance(50) {
        fields.text("tax_number", rng.fill(profile.country.tax_number));
    }
    if rng.chance(60) {
        fields.text("accountsid", format!("D{:05}", u64::from(profile.index) + 1));
    }
    if rng.chance(3) {
        fields.flag("dontinvoice", true);
    }
}

/// The charge agreement: what the client pays for which hours.
fn agreement(profile: &Profile, rng: &mut Rng, fields: &mut Fields) {
    if rng.chance(60) {
        fields.decimal("hourlyrate", Decimal::hundredths(profile.hour_cents));
    }
    if rng.chance(35) {
        let hours = rng.between(2, 40);
        fields
            .int("chargeperiod", *rng.pick(&[2, 2, 2, 3, 5]))
            .decimal("chargehours", Decimal::hundredths(hours * 100 + 50 * rng.between(0, 1)))
            .decimal("periodcharge", Decimal::hundredths(hours * profile.hour_cents * 9 / 10));
        if rng.chance(40) {
            fields.decimal("chargecarryover", Decimal::whole(rng.between(1, 10)));
        }
    }
    if rng.chance(10) {
        let percent = *rng.pick(&[250, 500, 750, 1000, 1250]);
        fields.decimal("discountperc", Decimal::hundredths(percent));
    }
    if rng.chance(15) {
        fields.int("surchargeid", rng.between(1, SURCHARGES));
    }
    if rng.chance(12) {
        fields.int("billingtemplate_id", rng.between(1, BILLING_TEMPLATES));
    }
}

/// Keys in other products, for some; unique, because they follow from the index.
fn link_keys(profile: &Profile, rng: &mut Rng, fields: &mut Fields) {
    let key = i64::from(profile.index % 2_000_000_000) + 1001;
    if rng.chance(25) {
        fields.int("ninjarmmid", key);
    }
    if rng.chance(20) {
        fields.text("itglue_id", format!("{}", key + 4_000_000));
    }
    if rng.chance(12) {
        fields.text("hubspot_id", format!("{}", key + 70_000_000));
    }
}
