//! POST /RecurringItem/invoiced: an item was put on an invoice, so its due date moves on.

use aureole_catalogue::keys::recurring_item as item;
use aureole_catalogue::{EntityKind, Problems, Record};
use aureole_storage::records;
use jiff::civil::DateTime;
use serde_json::{Map, Value};

use crate::api::get::rendered;
use crate::endpoints::Endpoint;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::rules::periods::{self, Period};
use crate::save::Save;
use crate::{rights, wire};

/// `[{id, invoicenumber, date}]`; `date` is the due date that was invoiced. Saying it twice
/// changes nothing.
pub async fn post(call: &Call, endpoint: &'static Endpoint, body: &[u8]) -> Result<Reply> {
    rights::check(&call.caller, endpoint, true)?;
    let mut problems = Problems::default();
    let dry_run = call.params.flag("dryrun", &mut problems);
    call.check_params(&[&["dryrun"]], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let elements = wire::elements(body, call.app.config.limits.records_per_post)?;
    let mut save = Save::begin(&call.app, &call.caller, &call.request_id, false, call.now).await?;
    let mut ids = Vec::new();
    for (at, element) in elements.records.iter().enumerate() {
        let path = |name: &str| aureole_catalogue::accept::join(&elements.path(at), name);
        match id_of(element) {
            Some(id) => {
                invoiced(&mut save, id, element, &path).await?;
                ids.push(id);
            }
            None => save.problem(path("id"), "is required"),
        }
    }
    if !save.problems.is_empty() {
        return Err(save.failure(endpoint.place));
    }
    let mut replies = Vec::with_capacity(ids.len());
    for id in ids {
        let record =
            rendered(&call.app, &mut save.tx, &call.caller, EntityKind::RecurringItem, id).await?;
        replies.extend(record);
    }
    if dry_run {
        save.tx.rollback().await?;
    } else {
        save.tx.commit().await?;
    }
    let body = if replies.len() == 1 { replies.remove(0) } else { Value::Array(replies) };
    Ok(reply::value(200, &body))
}

/// The record id of an element of such a body; a text of digits will do, as everywhere.
pub fn id_of(element: &Map<String, Value>) -> Option<i64> {
    aureole_catalogue::accept::id(element.get("id")?)
}

async fn invoiced(
    save: &mut Save<'_>,
    id: i64,
    element: &Map<String, Value>,
    path: &impl Fn(&str) -> String,
) -> Result<()> {
    let (tenant, kind) = (save.tenant(), EntityKind::RecurringItem);
    records::lock(&mut save.tx, tenant, kind.entity(), &[id]).await?;
    let Some((_, record)) = save.load(kind, id).await? else {
        return Err(ApiError::missing(kind.entity().singular, id));
    };
    let invoice = match element.get("invoicenumber") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => {
            save.problem(path("invoicenumber"), "must be a text");
            return Ok(());
        }
    };
    let due = record.text(item::NEXT_INVOICE).to_owned();
    let date = match element.get("date") {
        None | Some(Value::Null) => due.clone(),
        Some(value) => match value.as_str().and_then(aureole_catalogue::value::parse_datetime) {
            Some(date) => date,
            None => {
                save.problem(path("date"), "must be a date-time such as 2026-11-23T07:36:00");
                return Ok(());
            }
        },
    };
    let again = !invoice.is_empty() && has(&record, &invoice);
    let last = record.text(item::LAST_INVOICE);
    if again || !date.is_empty() && !last.is_empty() && date.as_str() <= last {
        return Ok(());
    }
    if date.is_empty() || date != due {
        let message = if due.is_empty() {
            "can't be invoiced: the item has no next invoice date".to_owned()
        } else {
            format!("must be the item's next invoice date, {due}")
        };
        save.problem(path("date"), message);
        return Ok(());
    }
    let period = save.settings.period(record.int(item::PERIOD)).unwrap_or(Period::Once);
    save.amend(kind, id, |record| move_on(record, &due, &invoice, period)).await
}

/// The numbers of invoices that an item remembers: ninety years of monthly ones.
const NUMBERS: usize = 1_000;

fn numbers(record: &Record) -> &[Value] {
    record.get(item::INVOICES).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// True when the item was on an invoice with this number, the last one or an earlier one.
fn has(record: &Record, invoice: &str) -> bool {
    invoice == record.text(item::INVOICE) || numbers(record).iter().any(|number| number == invoice)
}

/// The due date becomes the last one, and the next lies one period later. Past the end date an
/// item that renews itself is extended by its original length; another one ends.
fn move_on(record: &mut Record, due: &str, invoice: &str, period: Period) {
    record.set(item::LAST_INVOICE, due);
    if !invoice.is_empty() {
        let mut numbers = numbers(record).to_vec();
        numbers.push(Value::from(invoice));
        let oldest = numbers.len().saturating_sub(NUMBERS);
        record.set(item::INVOICES, Value::Array(numbers.split_off(oldest)));
        record.set(item::INVOICE, invoice);
    }
    let parse = |text: &str| text.parse::<DateTime>().ok();
    let start = parse(record.text(item::START));
    let anchor = start.or_else(|| parse(due));
    let next = match (parse(due), anchor) {
        (Some(due), Some(anchor)) => periods::next(due, anchor, period),
        _ => None,
    };
    let Some(next) = next else {
        record.clear(item::NEXT_INVOICE);
        return;
    };
    let text = aureole_catalogue::value::format_datetime(next);
    let end = record.text(item::END).to_owned();
    let last_moment =
        end.strip_suffix("T00:00:00").map_or_else(|| end.clone(), |day| format!("{day}T23:59:59"));
    if end.is_empty() || text <= last_moment {
        record.set(item::NEXT_INVOICE, text);
        return;
    }
    match (record.bool(item::AUTO_RENEW), start, parse(&end)) {
        (true, Some(start), Some(end)) if end > start => {
            let original = parse(record.text(item::ORIGINAL_END)).unwrap_or(end);
            if let Some(extended) = extended(start, original, end, next) {
                record.set(item::ORIGINAL_END, aureole_catalogue::value::format_datetime(original));
                record.set(item::END, aureole_catalogue::value::format_datetime(extended));
            }
            record.set(item::NEXT_INVOICE, text);
        }
        _ => record.clear(item::NEXT_INVOICE),
    }
}

/// The end date moved on by the original length, that from `start` to `original`, until it takes in
/// `next`. Lengths of whole months count in months, so that a year stays a year.
fn extended(
    start: DateTime,
    original: DateTime,
    end: DateTime,
    next: DateTime,
) -> Option<DateTime> {
    use jiff::ToSpan;
    let length_days = start.date().until(original.date()).ok()?.get_days();
    let after = original.date().tomorrow().ok()?;
    let months = (i32::from(after.year()) - i32::from(start.year())) * 12
        + i32::from(after.month())
        - i32::from(start.month());
    let whole_months = months > 0 && after.day() == start.day();
    let mut moved = end;
    for _ in 0..1_000 {
        if moved.date() >= next.date() {
            return Some(moved);
        }
        moved = if whole_months {
            let first = moved.date().tomorrow().ok()?.checked_add(months.months()).ok()?;
            DateTime::from_parts(first.yesterday().ok()?, end.time())
        } else {
            moved.checked_add(length_days.max(1).days()).ok()?
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_stays_a_year() {
        let at = |text: &str| text.parse::<DateTime>().unwrap();
        let year = at("2026-12-31T00:00:00");
        let moved = extended(at("2026-01-01T00:00:00"), year, year, at("2027-01-01T00:00:00"));
        assert_eq!(moved, Some(at("2027-12-31T00:00:00")));
        // The second renewal is as long as the first.
        let moved =
            extended(at("2026-01-01T00:00:00"), year, moved.unwrap(), at("2028-01-01T00:00:00"));
        assert_eq!(moved, Some(at("2028-12-31T00:00:00")));
        let ten_days = at("2026-01-10T00:00:00");
        let moved =
            extended(at("2026-01-01T00:00:00"), ten_days, ten_days, at("2026-01-12T00:00:00"));
        assert_eq!(moved, Some(at("2026-01-19T00:00:00")));
    }
}
