//! What some clients have: notes, popups, recurring items, prepay lots, Azure links.

use super::Record;
use super::clients::Profile;
use super::record::{DAY_S, Decimal, Fields, months_after, stamp};
use super::reference::{AGENTS, AZURE_CONNECTIONS, ITEMS};
use super::rng::{Rng, Stream};

/// How many of 100 clients have none, one, two, … of each.
const NOTE_WEIGHTS: &[u8] = &[45, 27, 16, 8, 4];
const POPUP_WEIGHTS: &[u8] = &[74, 22, 4];
const ITEM_WEIGHTS: &[u8] = &[60, 16, 13, 6, 5];
const LOT_WEIGHTS: &[u8] = &[80, 13, 4, 3];
const LINK_WEIGHTS: &[u8] = &[75, 20, 5];

const NOTES: &[(&str, &str)] = &[
    (
        "Quarterly review held",
        "Went through open tickets and the renewal dates. Happy with response times.",
    ),
    ("Called about the renewal", "Wants a price for three years before the end of the month."),
    ("Left a voice message", "No answer on either number; will try again."),
    ("Asked for a second fibre line", "Needs a quotation with and without a backup router."),
    ("New finance contact introduced", "Invoices should go to the accounts mailbox from now on."),
    ("Complaint about a slow laptop resolved", "Replaced under warranty, loan machine is back."),
    ("Planning an office move", "Moving within the year; cabling survey to be booked."),
    (
        "Discussed multi-factor sign-in",
        "Agreed to switch it on for everybody, one department at a time.",
    ),
    ("Visited the main site", "Server room is tidy again. UPS batteries are due."),
    ("Prepaid hours running low", "Sent an offer for the next lot of hours."),
    ("Requested an asset list", "Wants it as a spreadsheet, with warranty dates."),
    (
        "Thank-you call after the migration",
        "Asked whether we may name them as a reference; they agreed.",
    ),
];

const POPUPS: &[&str] = &[
    "Important client: put calls through to the account manager.",
    "Account is on hold with finance. Ask before any chargeable work.",
    "Do not restart the booking server during the day.",
    "Office move under way: check the address before a visit.",
    "Call back on the mobile number, the switchboard is being replaced.",
    "New password policy is in force here. Verify callers by PIN.",
    "Site is closed for the holidays; only emergencies.",
];

const LOT_HOURS: &[i64] = &[5, 10, 10, 20, 20, 25, 40, 50, 100];

/// CRM notes, newest first, and in how many days the latest agreed call is, if there is one.
pub(super) fn notes(profile: &Profile) -> (Vec<Record>, Option<i64>) {
    let mut rng = profile.rng(Stream::Notes);
    let mut latest_call = None;
    let mut days_ago = 0;
    let mut notes = Vec::new();
    for _ in 0..rng.weighted(NOTE_WEIGHTS) {
        days_ago += rng.between(1, 45);
        let (note, detail) = rng.pick(NOTES);
        let moment = profile.calendar.moment(rng.between(28_800, 61_200) - days_ago * DAY_S);
        let mut fields = Fields::new(6);
        fields
            .text("note", *note)
            .text("datetime", moment)
            .int("who_agentid", rng.between(1, AGENTS));
        if rng.chance(60) {
            fields.text("detail", format!("<p>{detail}</p>"));
        }
        if rng.chance(50) {
            fields.decimal("timetaken", Decimal::hundredths(25 * rng.between(1, 6)));
        }
        if rng.chance(12) {
            let days = rng.between(1, 60);
            fields.text("nextcalldate", profile.calendar.moment(days * DAY_S + 36_000));
            latest_call = latest_call.max(Some(days));
        }
        notes.push(fields.done());
    }
    (notes, latest_call)
}

/// Popup notes on the client or one of its `sites` sites. Some have a period, past, present or to
/// come.
pub(super) fn popups(profile: &Profile, sites: usize) -> Vec<(Option<usize>, Record)> {
    let mut rng = profile.rng(Stream::Popups);
    let mut popups = Vec::new();
    for _ in 0..rng.weighted(POPUP_WEIGHTS) {
        let site = rng.chance(30).then(|| rng.below(sites));
        let mut fields = Fields::new(6);
        fields
            .text("note", *rng.pick(POPUPS))
            .flag("dismissable", rng.chance(70))
            .flag("displaymodal", rng.chance(50));
        if rng.chance(35) {
            let start = rng.between(-60, 20);
            fields
                .flag("limitdaterange", true)
                .text("startdate", profile.calendar.midnight(start))
                .text("enddate", profile.calendar.midnight(start + rng.between(5, 60)));
        }
        popups.push((site, fields.done()));
    }
    popups
}

/// Recurring items. An item in ten is due to be invoiced, the others come up later.
pub(super) fn items(profile: &Profile) -> Vec<Record> {
    let mut rng = profile.rng(Stream::Items);
    let mut items = Vec::new();
    let count = rng.weighted(ITEM_WEIGHTS);
    // Consecutive ordinals from a random one: an item is sold to a client once.
    let first = rng.below(ITEMS.len());
    for offset in 0..count {
        items.push(item(profile, &mut rng, (first + offset) % ITEMS.len()));
    }
    items
}

fn item(profile: &Profile, rng: &mut Rng, position: usize) -> Record {
    let goods = &ITEMS[position];
    // The codes of monthly, quarterly and yearly billing, with their months.
    let (period, period_months) = *rng.pick(&[(2, 1), (2, 1), (2, 1), (3, 3), (5, 12)]);
    let today = profile.calendar.day(0);
    let start = profile.calendar.day(-rng.between(31, profile.age_days.min(1080)));
    let mut periods = 0;
    while months_after(start, periods * period_months) <= today {
        periods += 1;
    }
    if rng.chance(10) {
        periods -= 1;
    }
    let mut fields = Fields::new(14);
    fields
        .int("item_id", i64::try_from(position).unwrap_or(0) + 1)
        .text("areaitemdesc", goods.name)
        .decimal("quantity", Decimal::whole(rng.between(1, 40)))
        .int("billingperiod_id", period)
        .decimal("costprice", Decimal::hundredths(goods.cost_cents * period_months))
        .decimal("sellingprice", Decimal::hundredths(goods.price_cents * period_months))
        .text("startdate", stamp(start, 0))
        .text("nextinvoicedate", stamp(months_after(start, periods * period_months), 0));
    if periods > 0 {
        fields
            .text("lastinvoicedate", stamp(months_after(start, (periods - 1) * period_months), 0));
    }
    if rng.chance(40) {
        fields
            .text("enddate", stamp(months_after(start, 48), 0))
            .flag("autorenew", rng.chance(60))
            .int("numberdayswarning", 30);
    }
    if rng.chance(20) {
        fields.int("technician", rng.between(1, AGENTS));
    }
    if rng.chance(5) {
        fields.flag("dontinvoice", true);
    }
    fields.done()
}

/// Prepay lots, oldest first, each good for a year.
pub(super) fn lots(profile: &Profile) -> Vec<Record> {
    let mut rng = profile.rng(Stream::Lots);
    let count = rng.weighted(LOT_WEIGHTS);
    let mut days_ago = profile.age_days.min(500);
    let mut lots = Vec::with_capacity(count);
    for _ in 0..count {
        days_ago = rng.between(days_ago / 3, days_ago);
        let hours = *rng.pick(LOT_HOURS);
        let date = profile.calendar.day(-days_ago);
        let mut fields = Fields::new(6);
        fields
            .text("date", stamp(date, 0))
            .decimal("hours", Decimal::whole(hours))
            .decimal("amount", Decimal::hundredths(hours * profile.hour_cents))
            .text("description", format!("{hours} hours of support, prepaid"))
            .text("expirydate", stamp(months_after(date, 12), 0));
        lots.push(fields.done());
    }
    lots
}

/// Links to Azure tenants. A second one is the test tenant of the same firm.
pub(super) fn azure_links(profile: &Profile) -> Vec<Record> {
    let mut rng = profile.rng(Stream::Links);
    let mut links = Vec::new();
    for position in 0..rng.weighted(LINK_WEIGHTS) {
        let (prefix, kind) = if position == 0 { ("", "") } else { ("test.", " (test)") };
        let mut fields = Fields::new(4);
        fields
            .int("details_id", rng.between(1, AZURE_CONNECTIONS))
            .text("azure_tenant_id", guid(&mut rng))
            .text("azure_tenant_name", format!("{}{kind}", profile.name.text))
            .text("azure_tenant_domain", format!("{prefix}{}", profile.domain));
        links.push(fields.done());
    }
    links
}

/// A random GUID (version 4) in lower case.
fn guid(rng: &mut Rng) -> String {
    let (high, low) = (rng.next(), rng.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        0x8000 | ((low >> 48) & 0x3FFF),
        low & 0xFFFF_FFFF_FFFF,
    )
}
