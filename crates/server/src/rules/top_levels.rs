//! What a top level shows beyond its own fields: its path from the root, and how many users it has.

use std::collections::HashMap;

use aureole_catalogue::keys::top_level;
use aureole_catalogue::render::View;
use aureole_catalogue::{EntityKind, Record, Show};
use aureole_storage::records::{self, Stored};
use aureole_storage::{Read, users};

use crate::app::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::rights;
use crate::rules::extras::Extras;

/// Between the names of a path, as between a client's and its site's.
const SEPARATOR: &str = "/";

/// `long_name` (`North/Sales`), and with `counts` `user_count`: the active users of the clients of
/// this top level and of all below it that the caller sees.
pub async fn names_and_counts(
    reader: &mut impl Read,
    app: &App,
    caller: &Caller,
    counts: bool,
    stored: &[Stored],
    extras: &mut [Extras],
) -> Result<()> {
    let tenant = caller.tenant_id;
    let levels = levels(reader, app, tenant).await?;
    let users = if counts {
        users::by_top_level(reader, tenant, rights::sight(caller)).await?
    } else {
        HashMap::default()
    };
    let mut sums: HashMap<i64, i64> = HashMap::new();
    for (id, count) in users {
        for (above, _) in way_up(&levels, id) {
            *sums.entry(above).or_default() += count;
        }
    }
    for (at, stored) in stored.iter().enumerate() {
        let mut names: Vec<&str> =
            way_up(&levels, stored.id).into_iter().map(|(_, name)| name).collect();
        names.reverse();
        let long_name = aureole_catalogue::render::quote(&names.join(SEPARATOR));
        extras[at].push((top_level::LONG_NAME.0, long_name));
        if counts {
            let count = sums.get(&stored.id).copied().unwrap_or(0);
            extras[at].push((top_level::USER_COUNT.0, count.to_string()));
        }
    }
    Ok(())
}

/// Parent and name of every top level.
type Levels = HashMap<i64, (i64, String)>;

async fn levels(reader: &mut impl Read, app: &App, tenant: i64) -> Result<Levels> {
    let entity = EntityKind::TopLevel.entity();
    let ids = records::all_ids(reader, tenant, entity).await?;
    let prepared = app.prepared(entity.kind, View::Full, Show::NONE);
    let found = records::get_many(reader, &prepared.select, tenant, &ids).await?;
    let entry = |stored: &Stored| {
        let record = Record::from_doc(entity.schema, &stored.doc);
        let (parent, name) = (record.int(top_level::PARENT), record.text(top_level::NAME));
        (stored.id, (parent, name.to_owned()))
    };
    Ok(found.iter().map(entry).collect())
}

/// A top level and those above it, from the bottom up.
fn way_up(levels: &Levels, id: i64) -> Vec<(i64, &str)> {
    let mut way: Vec<(i64, &str)> = Vec::new();
    let mut next = id;
    while let Some((parent, name)) = levels.get(&next) {
        // There are no cycles; a defect must not make one of this.
        if way.iter().any(|(seen, _)| *seen == next) {
            break;
        }
        way.push((next, name));
        next = *parent;
    }
    way
}
