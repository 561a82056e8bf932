//! Tickets: open, on hold, closed, and sales opportunities.

use super::Record;
use super::clients::Profile;
use super::record::{DAY_S, Fields};
use super::reference::{
    AGENTS, STATUS_CLOSED, STATUS_IN_PROGRESS, STATUS_NEW, STATUS_WITH_CLIENT,
    STATUS_WITH_SUPPLIER, TYPE_OPPORTUNITY,
};
use super::rng::{Rng, Stream};

/// How many of 100 clients have 0, 1, … 6 tickets.
const COUNT_WEIGHTS: &[u8] = &[14, 16, 18, 18, 14, 11, 9];

/// The share of each [`State`].
const STATE_WEIGHTS: &[u8] = &[34, 12, 45, 6, 3];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    OnHold,
    Closed,
    Opportunity,
    ClosedOpportunity,
}

const STATES: &[State] =
    &[State::Open, State::OnHold, State::Closed, State::Opportunity, State::ClosedOpportunity];

/// Summaries with the ordinal of the ticket type that they belong to.
const WORK: &[(&str, i64)] = &[
    ("Printer on the second floor jams", 1),
    ("Cannot open shared mailbox", 1),
    ("VPN drops every few minutes", 1),
    ("Laptop does not start", 1),
    ("No sound in video meetings", 1),
    ("Telephone line is dead", 1),
    ("Scanner sends empty pages", 1),
    ("Accounts program is very slow", 1),
    ("Locked out after wrong passwords", 1),
    ("Wireless network missing in the warehouse", 1),
    ("New starter needs an account", 2),
    ("Please add a mail alias", 2),
    ("Order two monitors", 2),
    ("Access to the finance folder", 2),
    ("Leaver: close account on Friday", 2),
    ("Install drawing software", 2),
    ("Move mailbox to the new domain", 3),
    ("Open firewall port for the till system", 3),
    ("Extend server disk", 3),
    ("Repeated power cuts in the comms room", 4),
    ("Backups fail on the last day of the month", 4),
    ("Disk space below ten per cent", 5),
    ("Certificate expires soon", 5),
    ("Backup job failed", 5),
    ("Replace all desktop computers", 6),
    ("Move to hosted telephony", 6),
    ("Survey the new premises", 7),
    ("Test the restore procedure", 7),
];

const DEALS: &[&str] = &[
    "Upgrade to premium support",
    "Quotation for a second fibre line",
    "Renewal of the support agreement",
    "Interested in hosted telephony",
    "Security training for all staff",
    "Replacement of the file server",
];

/// 0 to 6 tickets. Those of an inactive client are all closed.
pub(super) fn tickets(
    profile: &Profile,
    sites: usize,
    users: &[(usize, Record)],
) -> Vec<(usize, Option<usize>, Record)> {
    let mut rng = profile.rng(Stream::Tickets);
    let count = rng.weighted(COUNT_WEIGHTS);
    let mut tickets = Vec::with_capacity(count);
    for _ in 0..count {
        let (site, user) = if rng.chance(80) {
            let user = rng.below(users.len());
            (users[user].0, Some(user))
        } else {
            (rng.below(sites), None)
        };
        let state = match STATES[rng.weighted(STATE_WEIGHTS)] {
            State::Opportunity if profile.inactive => State::ClosedOpportunity,
            State::Open | State::OnHold if profile.inactive => State::Closed,
            state => state,
        };
        tickets.push((site, user, ticket(profile, &mut rng, state)));
    }
    tickets
}

fn ticket(profile: &Profile, rng: &mut Rng, state: State) -> Record {
    let is_opportunity = matches!(state, State::Opportunity | State::ClosedOpportunity);
    let (summary, kind) = match is_opportunity {
        true => (*rng.pick(DEALS), TYPE_OPPORTUNITY),
        false => *rng.pick(WORK),
    };
    let status = match state {
        State::Open | State::Opportunity => *rng.pick(&[STATUS_NEW, STATUS_IN_PROGRESS]),
        State::OnHold => *rng.pick(&[STATUS_WITH_CLIENT, STATUS_WITH_SUPPLIER]),
        State::Closed | State::ClosedOpportunity => STATUS_CLOSED,
    };
    let occurred_s = occurred(profile, rng);
    let mut fields = Fields::new(8);
    fields
        .text("summary", summary)
        .int("agent_id", rng.between(1, AGENTS))
        .int("tickettype_id", kind)
        .int("status_id", status)
        .flag("onhold", state == State::OnHold)
        .flag("isopportunity", is_opportunity)
        .text("dateoccurred", profile.calendar.moment(occurred_s));
    if status == STATUS_CLOSED {
        let closed_s = occurred_s + rng.between(900, 12 * DAY_S);
        // Nothing is closed later than the start of the day of the load.
        fields.text("dateclosed", profile.calendar.moment(closed_s.min(0)));
    }
    fields.done()
}

/// When a ticket was opened, in seconds from the start of today (never positive): two in five this
/// month, the rest within 200 days.
fn occurred(profile: &Profile, rng: &mut Rng) -> i64 {
    let days_ago = if rng.chance(40) {
        rng.between(0, profile.calendar.day_of_month() - 1)
    } else {
        rng.between(1, 200)
    };
    let second = rng.between(25_200, 68_400);
    (second - days_ago * DAY_S).min(0)
}
