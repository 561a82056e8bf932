//! The log of webhook deliveries, repeating one, and a test.

use aureole_catalogue::keys::webhook;
use aureole_catalogue::value::format_millis;
use aureole_catalogue::{EntityKind, Problems, Record};
use aureole_storage::records;
use aureole_storage::webhooks::{self as store, Entry, New, Wanted};
use serde_json::{Value, json};

use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::rights;

/// Rows of the log in one reply, by default and at most.
const USUAL: i64 = 100;
const MOST: i64 = 1_000;

const STATES: [&str; 3] = ["pending", "delivered", "parked"];

/// `GET /WebhookDelivery`: the log, newest first.
pub async fn log(call: &Call) -> Result<Reply> {
    rights::everywhere(&call.caller)?;
    let mut problems = Problems::default();
    let webhook_id = call.params.int("webhook_id", &mut problems).unwrap_or(0);
    let before = call.params.int("before", &mut problems).unwrap_or(0);
    let limit = call.params.int("count", &mut problems).unwrap_or(USUAL);
    if limit < 1 {
        problems.add("count", "must be at least 1");
    }
    let state = call.params.get("status").unwrap_or("");
    if !state.is_empty() && !STATES.contains(&state) {
        problems.add("status", format!("must be one of: {}", STATES.join(", ")));
    }
    call.check_params(&[&["webhook_id", "before", "count", "status"]], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let wanted = Wanted { webhook_id, state, before, limit: limit.min(MOST) };
    let entries = store::log(&mut call.db.clone(), call.caller.tenant_id, wanted).await?;
    Ok(reply::value(200, &entries.iter().map(describe).collect()))
}

/// `GET /WebhookDelivery/{id}`: one delivery, with what was or will be sent.
pub async fn get(call: &Call, id: i64) -> Result<Reply> {
    rights::everywhere(&call.caller)?;
    let entry = find(call, id).await?;
    let mut body = describe(&entry);
    body["body"] = serde_json::from_str(&entry.body).unwrap_or(Value::Null);
    Ok(reply::value(200, &body))
}

async fn find(call: &Call, id: i64) -> Result<Entry> {
    let found = store::get(&mut call.db.clone(), call.caller.tenant_id, id).await?;
    found.ok_or_else(|| ApiError::missing("delivery", id))
}

fn describe(entry: &Entry) -> Value {
    let time = |millis: i64| (millis > 0).then(|| format_millis(millis));
    let mut shown = json!({
        "id": entry.id,
        "webhook_id": entry.webhook_id,
        "event_id": entry.event_id,
        "event": entry.event,
        "entity": entry.entity,
        "record_id": entry.record_id,
        "status": entry.state,
        "attempts": entry.attempts,
        "created_at": format_millis(entry.created_at),
        "response_code": entry.response_code,
        "duration_ms": entry.duration_ms,
        "error": entry.error,
        "replay_of": entry.replay_of,
    });
    if let Some(last) = time(entry.last_at) {
        shown["last_attempt_at"] = json!(last);
    }
    if let Some(next) = time(entry.next_at).filter(|_| entry.state == "pending") {
        shown["next_attempt_at"] = json!(next);
    }
    shown
}

/// The webhook of a new delivery.
async fn webhook(call: &Call, id: i64) -> Result<Record> {
    let entity = EntityKind::Webhook.entity();
    let doc = records::doc(&mut call.db.clone(), call.caller.tenant_id, entity, id).await?;
    let doc = doc.ok_or_else(|| ApiError::missing("webhook", id))?;
    Ok(Record::from_doc(entity.schema, &doc))
}

async fn queue(call: &Call, new: New) -> Result<Reply> {
    let tenant = call.caller.tenant_id;
    let mut tx = call.db.begin().await?;
    let id = store::enqueue(&mut tx, tenant, call.now, vec![new]).await?;
    let entry = store::get(&mut tx, tenant, id).await?;
    tx.commit().await?;
    call.app.webhooks.stir();
    let entry = entry.ok_or_else(|| ApiError::missing("delivery", id))?;
    Ok(reply::value(201, &describe(&entry)))
}

/// `POST /WebhookDelivery/{id}/replay`: sends the same event with the same body once more, as a
/// delivery of its own.
pub async fn replay(call: &Call, id: i64) -> Result<Reply> {
    rights::everywhere(&call.caller)?;
    let entry = find(call, id).await?;
    if entry.state == "pending" {
        return Err(ApiError::invalid("id", format!("delivery {id} is still on its way")));
    }
    let webhook = webhook(call, entry.webhook_id).await?;
    if !webhook.bool(webhook::ENABLED) && entry.event != "test" {
        let message = format!("is of webhook {}, which is not enabled", entry.webhook_id);
        return Err(ApiError::invalid("id", message));
    }
    let new = New {
        webhook_id: entry.webhook_id,
        event_id: entry.event_id,
        entity: entry.entity,
        record_id: entry.record_id,
        event: entry.event,
        replay_of: id,
        body: entry.body,
    };
    queue(call, new).await
}

/// `POST /Webhook/{id}/test`: a delivery with nothing in it, also when the webhook is not enabled.
pub async fn test(call: &Call, id: i64) -> Result<Reply> {
    rights::everywhere(&call.caller)?;
    webhook(call, id).await?;
    let event_id = format!("test-{:016x}", rand::random::<u64>());
    let entity = EntityKind::Webhook.entity().name;
    let body = json!({
        "event_id": event_id,
        "tenant": call.caller.tenant,
        "at": format_millis(call.now),
        "entity": entity,
        "id": id,
        "operation": "test",
    });
    let new = New {
        webhook_id: id,
        event_id,
        entity: entity.to_owned(),
        record_id: id,
        event: "test".to_owned(),
        replay_of: 0,
        body: body.to_string(),
    };
    queue(call, new).await
}
