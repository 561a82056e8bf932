//! Buys prepay for clients on its own: recurring lots, and top-ups when the balance is low.
//!
//! Each client is a transaction of its own, which holds the client's row and notes every purchase
//! under its due date: whatever restarts, and however many nodes do this at once, a date is served
//! at most once.

use std::sync::Arc;

use aureole_catalogue::keys::client;
use aureole_catalogue::record::number;
use aureole_catalogue::value::format_datetime;
use aureole_catalogue::{EntityKind, Record};
use aureole_storage::prepay::{self, Run};
use aureole_storage::tokens;
use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::Result;
use crate::rules::periods;
use crate::rules::prepay::{account, decimal, millis, units};
use crate::save::{self, Preset, Save};

/// Clients that are read at a time.
const BATCH: i64 = 500;
/// Recurring lots that one transaction adds at most.
const MOST_LOTS: usize = 100;

/// Buys everything that is due now for all clients of all tenants; returns how many lots that
/// were. A client for which it fails does not keep the others from theirs.
///
/// # Errors
/// A sentence on the last failure; what was bought for other clients stays.
pub async fn run_due(app: &Arc<App>) -> std::result::Result<u64, String> {
    let mut db = app.db.clone();
    let (mut bought, mut failure) = (0, None);
    for tenant in tokens::tenants(&mut db).await.map_err(|error| error.to_string())? {
        if tenant.suspended_at.is_some() {
            continue;
        }
        let mut after = 0;
        let mut own = app.db.of(tenant.id);
        loop {
            let batch = prepay::candidates(&mut own, tenant.id, after, BATCH).await;
            let batch = batch.map_err(|error| error.to_string())?;
            let Some((last, _)) = batch.last() else { break };
            after = *last;
            for (client_id, doc) in batch {
                match client_due(app, tenant.id, client_id, &doc).await {
                    Ok(count) => bought += count,
                    Err(error) => {
                        let error = format!(
                            "prepay of client {client_id} of tenant {}: {}",
                            tenant.name,
                            error.message()
                        );
                        tracing::warn!(error, "prepay was not bought");
                        failure = Some(error);
                    }
                }
            }
        }
    }
    failure.map_or(Ok(bought), Err)
}

/// Buys what is due for one client; most of the time a look at its document is enough.
async fn client_due(app: &Arc<App>, tenant: i64, client_id: i64, doc: &str) -> Result<u64> {
    let record = Record::from_doc(EntityKind::Client.entity().schema, doc);
    let now = app.clock.now_ms();
    let due = recurs(&record) && due_at(&record).is_some_and(|due| due <= now)
        || missing(&mut app.db.of(tenant), tenant, client_id, &record, now).await?.is_some();
    let mut bought = 0;
    if due {
        // A client that was left alone for years has more than one transaction takes.
        loop {
            let count = buy(app, tenant, client_id, now).await?;
            bought += count;
            if count < MOST_LOTS as u64 {
                break;
            }
        }
    }
    Ok(bought)
}

async fn buy(app: &Arc<App>, tenant: i64, client_id: i64, now: i64) -> Result<u64> {
    let caller = super::caller(tenant);
    let mut save = Save::begin(app, &caller, "jobs", false, now).await?;
    // Another node is at it.
    if !prepay::claim(&mut save.tx, tenant, client_id).await? {
        return Ok(save.tx.rollback().await.map(|()| 0)?);
    }
    let Some((_, record)) = save.load(EntityKind::Client, client_id).await? else {
        return Ok(save.tx.rollback().await.map(|()| 0)?);
    };
    let mut bought = 0;
    if !record.bool(client::INACTIVE) {
        bought += recurring(&mut save, client_id, &record).await?;
        bought += top_up(&mut save, client_id, &record).await?;
    }
    if !save.problems.is_empty() {
        return Err(save.failure("prepay"));
    }
    save.tx.commit().await?;
    Ok(bought)
}

/// True when a recurring lot has a quantity.
fn recurs(record: &Record) -> bool {
    record.is_set(client::PREPAY_HOURS) || record.is_set(client::PREPAY_CHARGE)
}

fn due_at(record: &Record) -> Option<i64> {
    millis(record.text(client::PREPAY_NEXT_DATE))
}

/// The recurring lots that are due, each with the date on which it was, and the next date.
async fn recurring(save: &mut Save<'_>, client_id: i64, record: &Record) -> Result<u64> {
    let first = record.text(client::PREPAY_NEXT_DATE);
    let tenant = save.tenant();
    let period = save.settings.period(record.int(client::PREPAY_PERIOD));
    let Ok(mut due) = first.parse::<DateTime>() else { return Ok(0) };
    if !recurs(record) || due_at(record).is_none_or(|due| due > save.now) {
        return Ok(0);
    }
    let anchor = prepay::anchor(&mut save.tx, tenant, client_id, first).await?;
    let anchor = anchor.unwrap_or_else(|| first.to_owned());
    let anchor_date = anchor.parse().unwrap_or(due);
    let mut bought = 0;
    let mut next = None;
    for _ in 0..MOST_LOTS {
        let text = format_datetime(due);
        if millis(&text).is_none_or(|at| at > save.now) {
            break;
        }
        let mut body = Map::new();
        body.insert("date".to_owned(), json!(text));
        body.insert("hours".to_owned(), number(&record.decimal(client::PREPAY_HOURS)));
        body.insert("amount".to_owned(), number(&record.decimal(client::PREPAY_CHARGE)));
        body.insert("description".to_owned(), json!("Recurring prepay"));
        if let Some(expiry) = expiry(due, record.int(client::PREPAY_EXPIRY_MONTHS)) {
            body.insert("expirydate".to_owned(), json!(format_datetime(expiry)));
        }
        bought += add_lot(save, client_id, "recurring", &text, body).await?;
        next = period.and_then(|period| periods::next(due, anchor_date, period));
        let Some(next) = next else { break };
        due = next;
        // Somebody may post this date back long after it was served.
        let text = format_datetime(next);
        prepay::set_anchor(&mut save.tx, tenant, client_id, &text, &anchor).await?;
    }
    let next = next.map(format_datetime);
    save.amend(EntityKind::Client, client_id, |record| match next {
        Some(next) => record.set(client::PREPAY_NEXT_DATE, next),
        None => record.clear(client::PREPAY_NEXT_DATE),
    })
    .await?;
    Ok(bought)
}

/// When a recurring lot expires; `None` = never.
fn expiry(date: DateTime, months: i64) -> Option<DateTime> {
    let span = jiff::Span::new().try_months(months).ok().filter(|_| months > 0)?;
    date.checked_add(span).ok()
}

/// Adds one lot unless its due date was served before.
async fn add_lot(
    save: &mut Save<'_>,
    client_id: i64,
    kind: &'static str,
    due: &str,
    mut body: Map<String, Value>,
) -> Result<u64> {
    let (tenant, now) = (save.tenant(), save.now);
    let lot_id = save.reserve(EntityKind::PrepayLot, 1).await?;
    let run = Run { client_id, kind, due, lot_id };
    if !prepay::mark_run(&mut save.tx, tenant, &run, now).await? {
        return Ok(0);
    }
    body.insert("client_id".to_owned(), json!(client_id));
    let preset = Preset { id: Some(lot_id), fixed: &[] };
    let saved = save::record(save, EntityKind::PrepayLot, &body, "", preset).await?;
    Ok(saved.map_or(0, |_| 1))
}

/// What a top-up is to buy, and the state of the ledger that asks for it.
struct TopUp {
    /// Units of 1/10000.
    quantity: i128,
    state: String,
}

/// What is missing below the threshold: up to one amount, else as many times the other as it takes.
async fn missing(
    reader: &mut impl aureole_storage::Read,
    tenant: i64,
    client_id: i64,
    record: &Record,
    now: i64,
) -> Result<Option<TopUp>> {
    let (to, by) = (units(record, client::TOP_UP_TO), units(record, client::TOP_UP_BY));
    if to <= 0 && by <= 0 {
        return Ok(None);
    }
    let account = account(reader, tenant, client_id, record.bool(client::PREPAY_AS_AMOUNT)).await?;
    let balance = account.ledger(now).balance();
    let below = units(record, client::TOP_UP_BELOW) - balance;
    if below <= 0 {
        return Ok(None);
    }
    let quantity = if to > 0 { to - balance } else { (below + by - 1) / by * by };
    let last_lot = account.lots.last().map_or(0, |lot| lot.id);
    let last_use = account.uses.last().map_or(0, |used| used.id);
    let state = format!("lot {last_lot} use {last_use}");
    Ok(Some(TopUp { quantity, state }).filter(|top_up| top_up.quantity > 0))
}

async fn top_up(save: &mut Save<'_>, client_id: i64, record: &Record) -> Result<u64> {
    let (tenant, now) = (save.tenant(), save.now);
    let Some(top_up) = missing(&mut save.tx, tenant, client_id, record, now).await? else {
        return Ok(0);
    };
    let quantity = decimal(top_up.quantity);
    let cost = decimal(units(record, client::TOP_UP_COST));
    let (hours, amount) = if record.bool(client::PREPAY_AS_AMOUNT) {
        (quantity.checked_div(cost).unwrap_or_default(), quantity)
    } else {
        (quantity, quantity.checked_mul(cost).unwrap_or_default())
    };
    let json = |value: Decimal| number(&value.round_dp(4).normalize().to_string());
    let mut body = Map::new();
    body.insert("date".to_owned(), json!(save.now_text));
    body.insert("hours".to_owned(), json(hours));
    body.insert("amount".to_owned(), json(amount));
    body.insert("description".to_owned(), json!("Automatic top-up"));
    add_lot(save, client_id, "topup", &top_up.state, body).await
}
