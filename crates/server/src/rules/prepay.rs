//! Prepay: the rules of lots and uses, and what a client's record shows of its ledger.

pub mod ledger;
pub mod statement;

use aureole_catalogue::keys::{client, prepay_lot, prepay_use, ticket};
use aureole_catalogue::record::{is_stored, number};
use aureole_catalogue::render::View;
use aureole_catalogue::value::format_datetime;
use aureole_catalogue::{EntityKind, Key, Record, Show};
use aureole_storage::records::{self, Stored};
use aureole_storage::{Read, prepay};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use self::ledger::{Kind, Ledger, Lot, Use};
use self::statement::{Period, statement};
use crate::app::App;
use crate::error::Result;
use crate::rules::extras::Extras;
use crate::rules::generic;
use crate::rules::periods::Period as Length;
use crate::save::{Draft, Save};

/// What a lot may change after it was made: the ledger itself is append-only.
const LOT_EDITS: &[Key] = &[
    prepay_lot::DESCRIPTION,
    prepay_lot::EXPIRY,
    prepay_lot::EXPIRY_CHECKED,
    prepay_lot::INVOICE_DATE,
    prepay_lot::INVOICE_ID,
    prepay_lot::INVOICE_NUMBER,
    prepay_lot::CLIENT_TO_INVOICE,
];
const USE_EDITS: &[Key] = &[prepay_use::DESCRIPTION, prepay_use::TICKET_ID];

/// The most that a quantity of the prepay agreement can be.
const MOST: i64 = 1_000_000_000;

/// Checks the prepay agreement of a client.
pub fn client_before(save: &mut Save<'_>, draft: &Draft) {
    let period = draft.record.int(client::PREPAY_PERIOD);
    if period > 0 && draft.changes(client::PREPAY_PERIOD) && save.settings.period(period).is_none()
    {
        save.problem(
            draft.at("prepayrecurringchargebp"),
            format!("{period} is not one of the period codes"),
        );
    }
    for key in [
        client::PREPAY_HOURS,
        client::PREPAY_CHARGE,
        client::TOP_UP_TO,
        client::TOP_UP_BY,
        client::TOP_UP_COST,
    ] {
        generic::in_range(save, draft, key, 0, MOST);
    }
}

pub async fn lot_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.is_new {
        new_entry(save, draft, prepay_lot::CLIENT_ID, prepay_lot::DATE);
        quantity_of_lot(save, draft).await?;
    } else {
        unchanged(save, draft, LOT_EDITS);
    }
    let (date, expiry) =
        (draft.record.text(prepay_lot::DATE), draft.record.text(prepay_lot::EXPIRY));
    // A lot that takes another one back has that one's expiry, which may be over.
    let own = draft.record.int(prepay_lot::REVERSES) <= 0;
    if own && !expiry.is_empty() && expiry <= date && draft.changes(prepay_lot::EXPIRY) {
        save.problem(draft.at("expirydate"), "must be after the date of the lot");
    }
    Ok(())
}

pub async fn use_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.is_new {
        new_entry(save, draft, prepay_use::CLIENT_ID, prepay_use::DATE);
        quantity_of_use(save, draft).await?;
    } else {
        unchanged(save, draft, USE_EDITS);
    }
    let (ticket_id, client_id) =
        (draft.record.int(prepay_use::TICKET_ID), draft.record.int(prepay_use::CLIENT_ID));
    if ticket_id > 0
        && !save.is_restoring()
        && draft.changes(prepay_use::TICKET_ID)
        && let Some((_, ticket)) = save.load(EntityKind::Ticket, ticket_id).await?
        && ticket.int(ticket::CLIENT_ID) != client_id
    {
        let owner = ticket.int(ticket::CLIENT_ID);
        save.problem(
            draft.at("ticket_id"),
            format!("is ticket {ticket_id}, which belongs to client {owner}"),
        );
    }
    Ok(())
}

/// A client is mandatory, and the date is now unless the body has one.
fn new_entry(save: &mut Save<'_>, draft: &mut Draft, client_id: Key, date: Key) {
    if draft.record.text(date).is_empty() {
        let now = save.now_text.clone();
        draft.record.set(date, now);
    }
    if draft.record.int(client_id) <= 0 {
        save.problem(draft.at("client_id"), "is required");
    }
}

/// Refuses changes of what the ledger is made of.
fn unchanged(save: &mut Save<'_>, draft: &Draft, edits: &[Key]) {
    let Some(before) = draft.before.as_ref().filter(|_| !save.is_restoring()) else { return };
    for (position, field) in draft.entity().schema.fields.iter().enumerate() {
        let key = Key(position);
        let same = before.get(key) == draft.record.get(key)
            || !before.is_set(key) && !draft.record.is_set(key);
        if is_stored(field) && field.name != "id" && !edits.contains(&key) && !same {
            let what = draft.entity().singular;
            save.problem(
                draft.at(field.name),
                format!("can't be changed: a {what} stays as it was booked"),
            );
        }
    }
}

/// Whether the client's ledger counts money instead of hours; `None` when there is no such client.
async fn counts_money(save: &mut Save<'_>, client_id: i64) -> Result<Option<bool>> {
    let client = save.load(EntityKind::Client, client_id).await?;
    Ok(client.map(|(_, client)| client.bool(client::PREPAY_AS_AMOUNT)))
}

async fn quantity_of_lot(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let Some(money) = counts_money(save, draft.record.int(prepay_lot::CLIENT_ID)).await? else {
        return Ok(());
    };
    let set = |key| draft.record.is_set(key);
    let (name, counted, other) = match money {
        true => ("amount", set(prepay_lot::AMOUNT), set(prepay_lot::HOURS)),
        false => ("hours", set(prepay_lot::HOURS), set(prepay_lot::AMOUNT)),
    };
    if !counted && other {
        draft
            .warnings
            .push(format!("the lot has no {name}, which is what this client's prepay counts"));
    } else if !counted {
        save.problem(draft.at(name), "must not be 0");
    }
    Ok(())
}

async fn quantity_of_use(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let Some(money) = counts_money(save, draft.record.int(prepay_use::CLIENT_ID)).await? else {
        return Ok(());
    };
    let counted = if money { "amount" } else { "hours" };
    for (name, key) in [("hours", prepay_use::HOURS), ("amount", prepay_use::AMOUNT)] {
        let quantity = units(&draft.record, key);
        if quantity < 0 || quantity == 0 && name == counted {
            let given = draft.change.has(key) || name != counted;
            let message = if given {
                "must be greater than 0"
            } else {
                "is required: it is what this client's prepay counts"
            };
            save.problem(draft.at(name), message);
        }
    }
    Ok(())
}

/// A client's lots and uses, as the arithmetic takes them.
pub struct Account {
    pub lots: Vec<Lot>,
    pub uses: Vec<Use>,
}

/// Reads a client's account; `money` counts amounts instead of hours.
pub async fn account(
    reader: &mut impl Read,
    tenant: i64,
    client_id: i64,
    money: bool,
) -> Result<Account> {
    let lots = prepay::lots(reader, tenant, client_id).await?;
    let uses = prepay::uses(reader, tenant, client_id).await?;
    Ok(Account {
        lots: lots.iter().map(|(id, doc)| lot(*id, doc, money)).collect(),
        uses: uses.iter().map(|(id, doc)| used(*id, doc, money)).collect(),
    })
}

impl Account {
    /// The ledger up to a moment, in milliseconds since 1970.
    pub fn ledger(&self, until: i64) -> Ledger {
        Ledger::replay(&self.lots, &self.uses, until)
    }
}

fn lot(id: i64, doc: &str, money: bool) -> Lot {
    let record = Record::from_doc(EntityKind::PrepayLot.entity().schema, doc);
    let key = if money { prepay_lot::AMOUNT } else { prepay_lot::HOURS };
    Lot {
        id,
        at: millis(record.text(prepay_lot::DATE)).unwrap_or(0),
        quantity: units(&record, key),
        expires: millis(record.text(prepay_lot::EXPIRY)),
        reverses: record.int(prepay_lot::REVERSES),
    }
}

fn used(id: i64, doc: &str, money: bool) -> Use {
    let record = Record::from_doc(EntityKind::PrepayUse.entity().schema, doc);
    let key = if money { prepay_use::AMOUNT } else { prepay_use::HOURS };
    Use {
        id,
        at: millis(record.text(prepay_use::DATE)).unwrap_or(0),
        quantity: units(&record, key),
    }
}

/// A stored date-time in milliseconds since 1970; `None` when unset.
pub fn millis(text: &str) -> Option<i64> {
    let civil: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(civil).ok().map(|at| at.as_millisecond())
}

/// A decimal field in units of 1/10000.
pub fn units(record: &Record, key: Key) -> i128 {
    let mut value: Decimal = record.decimal(key).parse().unwrap_or_default();
    value.rescale(4);
    value.mantissa()
}

/// Units of 1/10000 as an exact decimal.
pub fn decimal(units: i128) -> Decimal {
    Decimal::try_from_i128_with_scale(units, 4).unwrap_or_default().normalize()
}

fn json_decimal(units: i128) -> Value {
    number(&decimal(units).to_string())
}

/// `includeprepay` and `includeperiods` of a client: sums, lots, periods.
pub async fn extras(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    show: Show,
    stored: &Stored,
    now: i64,
    out: &mut Extras,
) -> Result<()> {
    let record = Record::from_doc(EntityKind::Client.entity().schema, &stored.doc);
    let money = record.bool(client::PREPAY_AS_AMOUNT);
    let account = account(reader, tenant, stored.id, money).await?;
    let ledger = account.ledger(now);
    if show.meets(Show::PREPAY) {
        let sums = [
            (client::PREPAY_TOTAL, ledger.sum(Kind::Added)),
            (client::PREPAY_USED, ledger.sum(Kind::Used)),
            (client::PREPAY_BALANCE, ledger.balance()),
        ];
        out.extend(sums.map(|(key, units)| (key.0, decimal(units).to_string())));
        out.push((client::PREPAY_HISTORY.0, history(reader, app, tenant, account).await?));
    }
    if show.meets(Show::PERIODS) {
        let settings = crate::settings::load(reader, tenant).await?;
        let code = record.int(client::PREPAY_PERIOD);
        let length = settings.period(code).unwrap_or(Length::Once);
        let anchor = anchor(reader, tenant, stored.id, &record, length).await?;
        let periods = statement(&ledger.entries, anchor, length, now);
        let rows =
            periods.iter().zip(1..).map(|(period, id)| period_json(period, id, money)).collect();
        out.push((client::PREPAY_PERIODS.0, Value::Array(rows).to_string()));
    }
    Ok(())
}

/// The start of one of the client's prepay periods: the date that its recurring charges follow.
async fn anchor(
    reader: &mut impl Read,
    tenant: i64,
    client_id: i64,
    record: &Record,
    length: Length,
) -> Result<Option<DateTime>> {
    let next = record.text(client::PREPAY_NEXT_DATE);
    if next.is_empty() || length == Length::Once {
        return Ok(None);
    }
    let anchor = prepay::anchor(reader, tenant, client_id, next).await?;
    Ok(anchor.as_deref().unwrap_or(next).parse().ok())
}

/// The lots, oldest first, as `/ClientPrepay` shows them.
async fn history(
    reader: &mut impl Read,
    app: &App,
    tenant: i64,
    account: Account,
) -> Result<String> {
    let mut lots = account.lots;
    lots.sort_unstable_by_key(|lot| (lot.at, lot.id));
    let ids: Vec<i64> = lots.iter().map(|lot| lot.id).collect();
    let prepared = app.prepared(EntityKind::PrepayLot, View::Full, Show::NONE);
    let found = records::get_many(reader, &prepared.select, tenant, &ids).await?;
    let mut out = vec![b'['];
    for (at, stored) in found.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        prepared.plan.render(&crate::api::list::row(stored, &[]), &mut Vec::new(), &mut out);
    }
    out.push(b']');
    Ok(String::from_utf8(out).unwrap_or_default())
}

/// A row of `periods`. The quantities are hours or amounts, whichever the client's ledger counts.
fn period_json(period: &Period, id: i64, money: bool) -> Value {
    let last = period.end.checked_sub(jiff::Span::new().seconds(1)).unwrap_or(period.end);
    let (start, end) = (format_datetime(period.start), format_datetime(last));
    let mut row: Map<String, Value> = Map::new();
    row.insert("id".to_owned(), json!(id));
    row.insert("name".to_owned(), json!(format!("{} to {}", period.start.date(), last.date())));
    for (name, date) in [
        ("start_date", &start),
        ("end_date", &end),
        ("start_date_display", &start),
        ("end_date_display", &end),
    ] {
        row.insert(name.to_owned(), json!(date));
    }
    row.insert("current".to_owned(), json!(period.current));
    let prefix = if money { "amount" } else { "hours" };
    for (name, units) in [
        ("added", period.added),
        ("expired", period.expired),
        ("remaining", period.remaining),
        ("used_this_period", period.used),
    ] {
        row.insert(format!("{prefix}_{name}"), json_decimal(units));
    }
    Value::Object(row)
}
