//! Rules that several kinds of record share.

use aureole_catalogue::{EntityKind, Key, Mode};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::error::Result;
use crate::save::{Draft, Save};

/// The kinds whose records need no name.
const NAMELESS: &[EntityKind] = &[EntityKind::Address, EntityKind::ViewList];

/// Defaults and checks that follow from the catalogue and the settings.
pub async fn before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    date_created(save, draft);
    name(save, draft);
    colours(save, draft);
    mandatory(save, draft);
    Ok(())
}

/// The server dates a new record, and nobody changes that date.
fn date_created(save: &Save<'_>, draft: &mut Draft) {
    let schema = draft.entity().schema;
    let Some(key) = schema.find("datecreated").map(Key) else { return };
    if draft.is_new && schema.fields[key.0].mode == Mode::Computed {
        draft.record.set(key, save.now_text.clone());
    }
}

/// A name is mandatory and can't be taken away.
fn name(save: &mut Save<'_>, draft: &Draft) {
    let schema = draft.entity().schema;
    let Some(key) = schema.find("name").map(Key) else { return };
    if !schema.fields[key.0].column
        || NAMELESS.contains(&draft.kind)
        || draft.kind == EntityKind::User
    {
        return;
    }
    let path = draft.at("name");
    if save.problems.iter().any(|(known, _)| *known == path) {
        // What was given is wrong already; it is not missing.
    } else if draft.is_new && !draft.change.has(key) {
        save.problem(draft.at("name"), "is required");
    } else if draft.change.has(key) && draft.record.text(key).is_empty() {
        save.problem(draft.at("name"), "must not be empty");
    }
}

/// A text that a record can't be without. What was given and is wrong already is not missing too.
pub fn required(save: &mut Save<'_>, draft: &Draft, key: Key) {
    let path = draft.at(draft.entity().schema.fields[key.0].name);
    if draft.record.text(key).trim().is_empty()
        && !save.problems.iter().any(|(known, _)| *known == path)
    {
        save.problem(path, if draft.change.has(key) { "must not be empty" } else { "is required" });
    }
}

/// Colours are `#rrggbb`.
fn colours(save: &mut Save<'_>, draft: &Draft) {
    let schema = draft.entity().schema;
    for name in ["colour", "portalcolour"] {
        let Some(key) = schema.find(name).map(Key) else { continue };
        let text = draft.record.text(key);
        if draft.changes(key) && !text.is_empty() && !is_colour(text) {
            save.problem(draft.at(name), "must be a colour such as #1a2b3c");
        }
    }
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// The fields that an administrator made mandatory, all missing ones at once.
fn mandatory(save: &mut Save<'_>, draft: &Draft) {
    let schema = draft.entity().schema;
    if save.is_restoring() {
        return;
    }
    let names = save.settings.mandatory(draft.entity().name).to_vec();
    for name in names {
        let Some(key) = schema.find(&name).map(Key) else { continue };
        let touched = draft.is_new || draft.change.has(key);
        if touched && !draft.record.is_set(key) && !is_given(draft, key) {
            save.problem(draft.at(&name), "is required");
        }
    }
}

/// Collections and write-only fields are not in the document; a body that has them is enough.
fn is_given(draft: &Draft, key: Key) -> bool {
    let field = &draft.entity().schema.fields[key.0];
    let elsewhere = field.kind.is_nested() || !aureole_catalogue::record::is_stored(field);
    elsewhere && draft.change.value(key).is_some()
}

/// A decimal within bounds, both included.
pub fn in_range(save: &mut Save<'_>, draft: &Draft, key: Key, min: i64, max: i64) {
    if !draft.changes(key) {
        return;
    }
    let value: Decimal = draft.record.decimal(key).parse().unwrap_or_default();
    if value < Decimal::from(min) || value > Decimal::from(max) {
        let name = draft.entity().schema.fields[key.0].name;
        save.problem(draft.at(name), format!("must be from {min} to {max}"));
    }
}

/// Sets a field to its default when a new record's body has nothing for it.
pub fn default(draft: &mut Draft, key: Key, value: impl Into<Value>) {
    // A program that writes every field sends null, 0 or an empty text where it has nothing to say.
    let is_given = draft.change.value(key).is_some_and(|given| given != "" && given != 0);
    if draft.is_new && !is_given {
        draft.record.set(key, value);
    }
}

/// Who gets the bill: another client that pays its own bills. The client itself, a target that
/// points on, and a loop are refused.
pub async fn bill_payer(
    save: &mut Save<'_>,
    draft: &Draft,
    own_client: i64,
    key: Key,
    target_key: Key,
) -> Result<()> {
    let target = draft.record.int(key);
    // A merge may have made a chain, which then goes back as it was.
    if target <= 0 || !draft.changes(key) || save.is_restoring() {
        return Ok(());
    }
    let name = draft.entity().schema.fields[key.0].name;
    if target == own_client {
        save.problem(
            draft.at(name),
            "must not be the client itself; 0 means that it pays its own bills",
        );
        return Ok(());
    }
    if let Some((_, payer)) = save.load(EntityKind::Client, target).await?
        && payer.int(target_key) > 0
    {
        let message = format!(
            "points at client {target}, whose bills go to client {}",
            payer.int(target_key)
        );
        save.problem(draft.at(name), message);
    }
    if draft.kind == EntityKind::Client && !draft.is_new {
        let column = EntityKind::Client.entity().schema.fields[target_key.0].name;
        let (tenant, entity) = (save.tenant(), EntityKind::Client.entity());
        let pointing =
            aureole_storage::records::ids_where(&mut save.tx, tenant, entity, column, &[draft.id])
                .await?;
        if let Some(other) = pointing.first() {
            let shown = save.shown_client(*other);
            let who = shown.map_or("another client".to_owned(), |id| format!("client {id}"));
            save.problem(
                draft.at(name),
                format!("makes a chain: the bills of {who} come to this one"),
            );
        }
    }
    Ok(())
}
