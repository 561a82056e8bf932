//! What a webhook has to be.

use aureole_catalogue::Key;
use aureole_catalogue::keys::webhook;
use aureole_storage::changes::Operation;
use aureole_storage::webhooks;
use serde_json::{Value, json};

use crate::error::Result;
use crate::feed::sight;
use crate::save::{Draft, Save};
use crate::webhooks::address::Target;

/// The events that a webhook can ask for. What is restored is told to who asks for what is created.
const EVENTS: [Operation; 3] = [Operation::Created, Operation::Updated, Operation::Deleted];

pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    if draft.is_new {
        let most = save.app.config.webhooks.per_tenant;
        let tenant = save.tenant();
        if webhooks::count(&mut save.tx, tenant).await? >= most {
            save.problem(draft.path.clone(), format!("would be one more than {most} webhooks"));
        }
        if !draft.change.has(webhook::ENABLED) {
            draft.record.set(webhook::ENABLED, true);
        }
    }
    url(save, draft);
    names(save, draft, webhook::ENTITIES, &|name| match sight::kind(name) {
        Some(entity) => Ok(entity.name),
        None => Err(sight::unknown_kind(name)),
    });
    names(save, draft, webhook::EVENTS, &|name| {
        let found = EVENTS.iter().find(|event| event.name().eq_ignore_ascii_case(name));
        found.map(|event| event.name()).ok_or_else(|| {
            let names: Vec<&str> = EVENTS.iter().map(|event| event.name()).collect();
            format!("must be events, not {name:?}: {}", names.join(", "))
        })
    });
    let signed = !draft.secrets.is_empty() || draft.record.is_set(webhook::SECRET);
    draft.record.set(webhook::SIGNED, signed);
    if !signed {
        draft.warnings.push("without a secret the deliveries are not signed".to_owned());
    }
    Ok(())
}

fn url(save: &mut Save<'_>, draft: &mut Draft) {
    let text = draft.record.text(webhook::URL).trim().to_owned();
    if !draft.is_new && !draft.changes(webhook::URL) {
        return;
    }
    let path = draft.at("url");
    if save.problems.iter().any(|(known, _)| *known == path) {
        return;
    }
    match Target::parse(&text).and_then(|target| target.check(&save.app.webhooks.networks)) {
        Ok(()) => draft.record.set(webhook::URL, text),
        Err(problem) => save.problem(path, problem),
    }
}

/// Puts the right spelling in place of each name of a list, without repetitions.
fn names(
    save: &mut Save<'_>,
    draft: &mut Draft,
    key: Key,
    known: &dyn Fn(&str) -> std::result::Result<&'static str, String>,
) {
    if !draft.change.has(key) {
        return;
    }
    let list = draft.record.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let field = draft.entity().schema.fields[key.0].name;
    let mut names: Vec<&str> = Vec::new();
    for (at, name) in list.iter().enumerate() {
        match known(name.as_str().unwrap_or("").trim()) {
            Ok(name) if names.contains(&name) => {}
            Ok(name) => names.push(name),
            Err(problem) => save.problem(draft.at(&format!("{field}[{at}]")), problem),
        }
    }
    draft.record.set(key, json!(names));
}

/// A webhook is told of what comes after the change that enabled it.
pub async fn after(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let was = draft.before.as_ref().is_some_and(|before| before.bool(webhook::ENABLED));
    let tenant = save.tenant();
    match (was, draft.record.bool(webhook::ENABLED)) {
        (false, true) => {
            let stored = save.load(draft.kind, draft.id).await?;
            let rev = stored.map_or(0, |(stored, _)| stored.rev);
            webhooks::begin(&mut save.tx, tenant, draft.id, rev).await?;
        }
        (true, false) => webhooks::end(&mut save.tx, tenant, draft.id).await?,
        _ => {}
    }
    Ok(())
}
