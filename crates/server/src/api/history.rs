//! GET /History and GET /History/{change}: what was changed, by whom, from what to what.

use aureole_catalogue::{ENTITIES, Entity, EntityKind, Problems};
use aureole_storage::changes::{self, Entry, Operation, Wanted};
use serde_json::{Value, json};

use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::history::describe::describe;
use crate::history::{self, kind_named, kind_stored};
use crate::reply::{self, Reply};
use crate::rights;

/// The parameters of the list.
pub const PARAMETERS: &[&str] = &[
    "entity",
    "id",
    "client_id",
    "agent_id",
    "user_id",
    "application",
    "operation",
    "field",
    "from",
    "to",
    "request_id",
    "count",
    "pageinate",
    "page_no",
    "page_size",
];

/// Which part of the list a reply has.
enum Part {
    First(i64),
    Page { number: i64, size: i64 },
}

pub async fn list(call: &Call) -> Result<Reply> {
    let mut problems = Problems::default();
    let part = part(call, &mut problems);
    let mut wanted = wanted(call, &mut problems)?;
    call.check_params(&[PARAMETERS], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let (mut db, tenant) = (call.db.clone(), call.caller.tenant_id);
    let kept = kept_from(call).await?;
    wanted.from = Some(wanted.from.map_or(kept, |from| from.max(kept)));
    let (limit, offset) = match part {
        Part::First(count) => (count, 0),
        Part::Page { number, size } => (size, number.saturating_sub(1).saturating_mul(size)),
    };
    let entries = changes::list(&mut db, tenant, &wanted, limit, offset).await?;
    let told = describe(&call.app, &mut db, &call.caller, entries).await?;
    let Part::Page { number, size } = part else {
        return Ok(reply::value(200, &Value::Array(told)));
    };
    let total = changes::count(&mut db, tenant, &wanted).await?;
    let page =
        json!({ "page_no": number, "page_size": size, "record_count": total, "changes": told });
    Ok(reply::value(200, &page))
}

pub async fn one(call: &Call, change: i64) -> Result<Reply> {
    let mut problems = Problems::default();
    call.check_params(&[], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    history::readable(&call.caller)?;
    let (mut db, tenant) = (call.db.clone(), call.caller.tenant_id);
    let entry = changes::get(&mut db, tenant, change).await?;
    let kept = kept_from(call).await?;
    let Some((entry, entity)) = seen(call, entry, kept) else { return Err(missing(change, kept)) };
    history::check(&call.caller, entity.kind, false)?;
    let told = describe(&call.app, &mut db, &call.caller, vec![entry]).await?;
    Ok(reply::value(200, told.first().unwrap_or(&Value::Null)))
}

/// A change that the caller's client limits and the time of keeping let it see.
pub fn seen(call: &Call, entry: Option<Entry>, kept_from: i64) -> Option<(Entry, &'static Entity)> {
    let entry = entry.filter(|entry| entry.at >= kept_from)?;
    let entity = kind_stored(&entry.entity)?;
    let client = entry.client_id;
    (client == 0 || rights::sees_client(&call.caller, client)).then_some((entry, entity))
}

pub fn missing(change: i64, kept_from: i64) -> ApiError {
    let from = aureole_catalogue::value::format_millis(kept_from.max(0));
    ApiError::NotFound(format!("change {change} does not exist; history is kept from {from} on"))
}

async fn kept_from(call: &Call) -> Result<i64> {
    let (mut db, tenant) = (call.db.clone(), call.caller.tenant_id);
    let settings = crate::settings::load(&mut db, tenant).await?;
    history::kept_from(&call.app, &mut db, tenant, &settings, call.now).await
}

fn part(call: &Call, problems: &mut Problems) -> Part {
    let limits = &call.app.config.lists;
    let most = i64::try_from(limits.max_page_size).unwrap_or(i64::MAX);
    let mut number = |name: &str, least: i64| {
        let given = call.params.get(name).filter(|text| !text.eq_ignore_ascii_case("true"));
        let value = given.and_then(|_| call.params.int(name, problems))?;
        if value < least {
            problems.add(name, format!("must be at least {least}, not {value}"));
        }
        Some(value)
    };
    let (page, size) = (number("page_no", 0), number("page_size", 1));
    let count = number("count", 0);
    if call.params.flag("pageinate", problems) {
        let default = i64::try_from(limits.page_size).unwrap_or(most);
        let size = size.unwrap_or(default).clamp(1, most);
        return Part::Page { number: page.unwrap_or(1).max(1), size };
    }
    Part::First(count.unwrap_or(most).min(most))
}

/// What the request asks for, within what the caller may read.
fn wanted(call: &Call, problems: &mut Problems) -> Result<Wanted> {
    let caller = &call.caller;
    let params = &call.params;
    let mut wanted = Wanted {
        entities: entities(call, problems)?,
        record_id: params.int("id", problems),
        clients: params.ints("client_id", problems),
        agents: params.ints("agent_id", problems),
        users: params.ints("user_id", problems),
        application: params.get("application").map(str::to_owned),
        request_id: params.get("request_id").map(str::to_owned),
        allowed: caller.allowed_clients.to_vec(),
        denied: caller.denied_clients.to_vec(),
        ..Wanted::default()
    };
    if wanted.record_id.is_some() && params.get("entity").is_none() {
        problems.add("entity", "is required beside id");
    }
    for name in params.texts("operation") {
        match Operation::ALL.iter().find(|known| known.name().eq_ignore_ascii_case(name)) {
            Some(operation) => wanted.operations.push(operation.name()),
            None => {
                let names = Operation::ALL.map(Operation::name).join(", ");
                problems.add("operation", format!("must be one of: {names}; not {name:?}"));
            }
        }
    }
    wanted.field = field(&wanted.entities, params.get("field"), problems);
    for (name, whole_day) in [("from", false), ("to", true)] {
        let Some(text) = params.get(name) else { continue };
        match history::instant(text, whole_day) {
            Some(instant) if whole_day => wanted.to = Some(instant),
            Some(instant) => wanted.from = Some(instant),
            None => problems.add(name, format!("must be a date, not {text:?}")),
        }
    }
    Ok(wanted)
}

/// The kinds that are asked for. One that the caller may not read is a 403.
fn entities(call: &Call, problems: &mut Problems) -> Result<Vec<&'static str>> {
    let readable = history::readable(&call.caller)?;
    let mut kinds = Vec::new();
    for name in call.params.texts("entity") {
        match kind_named(name) {
            Some(entity) => {
                history::check(&call.caller, entity.kind, false)?;
                kinds.push(entity.name);
            }
            None => {
                let names: Vec<&str> = ENTITIES.iter().map(|entity| entity.name).collect();
                let names = names.join(", ");
                problems.add("entity", format!("must be one of: {names}; not {name:?}"));
            }
        }
    }
    Ok(if kinds.is_empty() { readable } else { kinds })
}

/// The name of a field that the kinds have.
fn field(entities: &[&'static str], name: Option<&str>, problems: &mut Problems) -> Option<String> {
    let name = name?.to_ascii_lowercase();
    let has = |entity: &Entity| {
        let signs_in = matches!(entity.kind, EntityKind::User | EntityKind::Agent);
        entity.schema.find(&name).is_some() || name == "password" && signs_in
    };
    let asked = |entity: &&&'static Entity| entities.is_empty() || entities.contains(&entity.name);
    let all: Vec<&'static Entity> = ENTITIES.iter().collect();
    if !all.iter().filter(asked).any(|entity| has(entity)) {
        problems.add("field", format!("{name:?} is no field of the records asked for"));
    }
    Some(name)
}
