//! Rules of end users, agents and top levels.

use aureole_catalogue::keys::{agent, client, site, top_level, user};
use aureole_catalogue::{EntityKind, Key};
use aureole_storage::tokens;
use serde_json::Value;

use crate::auth::login_keys;
use crate::error::Result;
use crate::rights;
use crate::rules::generic;
use crate::save::{Draft, Save};

/// A user works at a site and therefore belongs to that site's client.
pub async fn user_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    full_name(draft);
    // Its hash is kept beside the document, and nothing else of it anywhere.
    draft.record.clear(user::PASSWORD);
    generic::required(save, draft, user::NAME);
    let given_client = draft.change.int(user::CLIENT_ID);
    if draft.record.int(user::SITE_ID) <= 0 && draft.change.int(user::SITE_ID_INT) > 0 {
        let site_id = draft.change.int(user::SITE_ID_INT);
        draft.record.set(user::SITE_ID, site_id);
    }
    if draft.record.int(user::SITE_ID) <= 0 && given_client > 0 {
        // A client alone means its main site.
        if let Some((_, owner)) = save.load(EntityKind::Client, given_client).await? {
            draft.record.set(user::SITE_ID, owner.int(client::MAIN_SITE_ID));
        }
    }
    let site_id = draft.record.int(user::SITE_ID);
    if site_id <= 0 {
        save.problem(draft.at("site_id"), "is required");
        return Ok(());
    }
    if let Some((_, site)) = save.load(EntityKind::Site, site_id).await? {
        let owner = site.int(site::CLIENT_ID);
        // A program that moves a user posts the old client back beside the new site; and a site may
        // have moved since its user was deleted.
        let left_over =
            !draft.is_new && draft.changes(user::SITE_ID) && !draft.changes(user::CLIENT_ID)
                || save.is_restoring() && draft.before.is_none();
        if given_client > 0 && given_client != owner && !left_over {
            save.problem(
                draft.at("client_id"),
                format!("is not client {owner}, to which site {site_id} belongs"),
            );
        }
        draft.record.set(user::CLIENT_ID, owner);
        draft.record.set(user::SITE_ID_INT, site_id);
    } else if !draft.change.has(user::SITE_ID) && draft.change.has(user::SITE_ID_INT) {
        // A site that was given under its own name is reported with the other references.
        save.problem(
            draft.at("site_id"),
            format!("points at site {site_id}, which does not exist"),
        );
    }
    Ok(())
}

/// First name and surname make up a name that is not given.
fn full_name(draft: &mut Draft) {
    if draft.change.has(user::NAME) || !draft.record.text(user::NAME).is_empty() {
        return;
    }
    let name =
        format!("{} {}", draft.record.text(user::FIRST_NAME), draft.record.text(user::SURNAME));
    if !name.trim().is_empty() {
        draft.record.set(user::NAME, name.trim().to_owned());
    }
}

/// The fields that a user signs in with and that are no part of its document.
pub fn credential_changes(draft: &Draft) -> Option<Vec<&'static str>> {
    if !draft.change.text(user::PASSWORD).is_empty() {
        return Some(vec!["password"]);
    }
    logins_change(draft, &[user::LOGIN, user::EMAIL]).then(Vec::new)
}

pub fn agent_login_changes(draft: &Draft) -> bool {
    logins_change(draft, &[agent::EMAIL])
}

fn logins_change(draft: &Draft, keys: &[Key]) -> bool {
    !draft.is_new && keys.iter().any(|key| draft.changes(*key))
}

/// Stores the password, which is never part of the document.
pub async fn user_after(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let password = draft.change.text(user::PASSWORD).to_owned();
    let logins = login_keys(&[draft.record.text(user::LOGIN), draft.record.text(user::EMAIL)]);
    if password.is_empty() {
        return logins_follow(save, draft, "user", &logins, &[user::LOGIN, user::EMAIL]).await;
    }
    if logins.is_empty() {
        save.problem(draft.at("password"), "needs an emailaddress or a login to sign in with");
        return Ok(());
    }
    let Some(hash) = save.password_hashes.get(&password).cloned() else {
        save.problem(draft.at("password"), "can't be set from here; post the user itself");
        return Ok(());
    };
    let tenant = save.tenant();
    tokens::set_credential(&mut save.tx, tenant, "user", draft.id, &logins, &hash).await?;
    Ok(())
}

pub async fn agent_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    generic::default(draft, agent::ROLE, "agent");
    generic::default(draft, agent::IS_AGENT, true);
    let role = draft.record.text(agent::ROLE);
    if !matches!(role, "administrator" | "agent") {
        save.problem(draft.at("role"), "must be administrator or agent");
    }
    for key in [agent::ALLOWED, agent::DENIED] {
        let ids = rights::client_ids(draft.change.value(key));
        let (tenant, entity) = (save.tenant(), EntityKind::Client.entity());
        let found =
            aureole_storage::records::ids_where(&mut save.tx, tenant, entity, "id", &ids).await?;
        let name = draft.entity().schema.fields[key.0].name;
        for (at, id) in ids.iter().enumerate().filter(|(_, id)| !found.contains(id)) {
            save.problem(
                draft.at(&format!("{name}[{at}]")),
                format!("points at client {id}, which does not exist"),
            );
        }
        let given = draft.change.value(key).and_then(Value::as_array).map_or(0, Vec::len);
        if given != ids.len() {
            save.problem(draft.at(name), "must be a list such as [{\"client_id\": 7}]");
        }
    }
    Ok(())
}

pub async fn agent_after(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let logins = login_keys(&[draft.record.text(agent::EMAIL)]);
    logins_follow(save, draft, "agent", &logins, &[agent::EMAIL]).await
}

pub async fn user_restored(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let logins = login_keys(&[draft.record.text(user::LOGIN), draft.record.text(user::EMAIL)]);
    logins_follow(save, draft, "user", &logins, &[user::LOGIN, user::EMAIL]).await
}

pub async fn agent_restored(save: &mut Save<'_>, draft: &Draft) -> Result<()> {
    let logins = login_keys(&[draft.record.text(agent::EMAIL)]);
    logins_follow(save, draft, "agent", &logins, &[agent::EMAIL]).await
}

/// Who has a password signs in with the names that the record has now.
async fn logins_follow(
    save: &mut Save<'_>,
    draft: &Draft,
    whose: &str,
    logins: &[String],
    keys: &[Key],
) -> Result<()> {
    if !logins_change(draft, keys) {
        return Ok(());
    }
    let tenant = save.tenant();
    if let Some(hash) = tokens::password_hash(&mut save.tx, tenant, whose, draft.id).await? {
        tokens::set_credential(&mut save.tx, tenant, whose, draft.id, logins, &hash).await?;
    }
    Ok(())
}

/// A new ticket type is visible and open to every client.
pub fn ticket_type_before(draft: &mut Draft) -> Result<()> {
    use aureole_catalogue::keys::ticket_type;
    generic::default(draft, ticket_type::VISIBLE, true);
    generic::default(draft, ticket_type::ALLOW_ALL, true);
    Ok(())
}

/// A top level does not lie below itself.
pub async fn top_level_before(save: &mut Save<'_>, draft: &mut Draft) -> Result<()> {
    let mut parent = draft.record.int(top_level::PARENT);
    if !draft.changes(top_level::PARENT) {
        return Ok(());
    }
    let mut steps = 0;
    while parent > 0 {
        steps += 1;
        if parent == draft.id && !draft.is_new || steps > 100 {
            save.problem(
                draft.at("parentid"),
                "makes a cycle: the parent lies below this top level",
            );
            return Ok(());
        }
        let Some((_, above)) = save.load(EntityKind::TopLevel, parent).await? else { break };
        parent = above.int(top_level::PARENT);
    }
    Ok(())
}
