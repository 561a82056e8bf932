//! History: one row for every written record, in the same transaction as the record.

mod kept;
mod plain;
mod read;

pub use kept::{expire, kept_from};
pub(crate) use plain::{COLUMNS, plain};
pub use plain::{Plain, of_record};
pub use read::{
    Entry, Past, Wanted, children_before, count, get, last_known, list, more_before, of_batch, past,
};

use crate::db::{Read, Result, Tx, Value};
use crate::follow::Step;

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Created,
    Updated,
    Deleted,
    /// Put back into an earlier state: it exists, whether it did before or not.
    Restored,
}

impl Operation {
    pub const ALL: [Operation; 4] =
        [Operation::Created, Operation::Updated, Operation::Deleted, Operation::Restored];

    pub fn parse(name: &str) -> Option<Operation> {
        Operation::ALL.into_iter().find(|operation| operation.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Operation::Created => "created",
            Operation::Updated => "updated",
            Operation::Deleted => "deleted",
            Operation::Restored => "restored",
        }
    }
}

/// What a request did that only makes sense as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Each change can be undone by itself.
    #[default]
    Plain,
    Merge,
    Restore,
}

impl Action {
    pub fn name(self) -> &'static str {
        match self {
            Action::Plain => "",
            Action::Merge => "merge",
            Action::Restore => "restore",
        }
    }
}

/// Who wrote, and on behalf of which request.
#[derive(Clone, Debug, Default)]
pub struct Author {
    pub application: String,
    pub agent_id: i64,
    pub user_id: i64,
    pub request_id: String,
}

/// A record as it was before a change.
#[derive(Clone, Debug)]
pub struct Before {
    pub doc: String,
    pub rev: i64,
    /// Milliseconds since 1970.
    pub updated_at: i64,
}

/// One written record. The document after the change is that before the record's next change, or
/// the stored one: only the earlier state is kept here.
pub struct Change {
    /// From [`Tx::reserve_changes`]; also the record's new `rev`.
    pub seq: i64,
    /// The number of the first change that the same record of a request brought about.
    pub batch: i64,
    pub entity: &'static str,
    pub record_id: i64,
    /// The client that the record belongs to; 0 when it belongs to none.
    pub client_id: i64,
    pub operation: Operation,
    pub action: Action,
    /// The change that this one undoes; 0 for none.
    pub restores: i64,
    pub imported: bool,
    /// The request asked for no webhook.
    pub quiet: bool,
    /// `None` when the record did not exist.
    pub before: Option<Before>,
    /// What was beside the document, as JSON; `None` when the change left it alone.
    pub before_more: Option<String>,
    /// The names of the changed fields.
    pub fields: Vec<&'static str>,
}

impl Change {
    /// The change that makes a record, in a batch of its own.
    pub fn created(
        seq: i64,
        entity: &'static str,
        record_id: i64,
        client_id: i64,
        fields: Vec<&'static str>,
    ) -> Change {
        Change {
            seq,
            batch: seq,
            entity,
            record_id,
            client_id,
            operation: Operation::Created,
            action: Action::Plain,
            restores: 0,
            imported: false,
            quiet: false,
            before: None,
            before_more: None,
            fields,
        }
    }
}

/// The counter of change numbers.
pub const COUNTER: &str = "change";

/// Appends changes, after the records were locked or written: the lock is what orders the changes
/// of one record.
pub async fn append(
    tx: &mut Tx,
    tenant: i64,
    now: i64,
    author: &Author,
    changes: Vec<Change>,
) -> Result<()> {
    let dialect = Read::dialect(tx);
    let text = |moment| {
        format!(
            "INSERT INTO change (tenant_id, seq, commit_order, at, entity, record_id, client_id, \
             operation, application, agent_id, user_id, request_id, imported, before_doc, batch, \
             action, restores, fields, before_rev, before_at, before_more, quiet, moment) \
             VALUES ($1, $2, {}, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
             $17, $18, $19, $20, $21, {moment})",
            dialect.commit_order()
        )
    };
    for change in &changes {
        tx.note(tenant, step(change));
    }
    // A created record has no earlier change that this one would have to come after.
    let is_first = |change: &Change| change.operation == Operation::Created;
    let (first, others): (Vec<Change>, Vec<Change>) = changes.into_iter().partition(is_first);
    for (changes, moment) in [(first, dialect.first_moment()), (others, dialect.change_moment())] {
        let rows = changes.into_iter().map(|change| row(tenant, now, author, change)).collect();
        tx.later(&text(moment), rows).await?;
    }
    Ok(())
}

fn step(change: &Change) -> Step {
    Step {
        seq: change.seq,
        entity: change.entity.into(),
        record_id: change.record_id,
        client_id: change.client_id,
        is_new: change.operation == Operation::Created,
    }
}

fn row(tenant: i64, now: i64, author: &Author, change: Change) -> Vec<Value> {
    let (rev, at) = change.before.as_ref().map_or((0, 0), |before| (before.rev, before.updated_at));
    let fields = match change.fields.as_slice() {
        [] => String::new(),
        names => format!(",{},", names.join(",")),
    };
    vec![
        tenant.into(),
        change.seq.into(),
        now.into(),
        change.entity.into(),
        change.record_id.into(),
        change.client_id.into(),
        change.operation.name().into(),
        author.application.as_str().into(),
        author.agent_id.into(),
        author.user_id.into(),
        author.request_id.as_str().into(),
        change.imported.into(),
        change.before.map(|before| before.doc).into(),
        change.batch.into(),
        change.action.name().into(),
        change.restores.into(),
        fields.into(),
        rev.into(),
        at.into(),
        change.before_more.into(),
        change.quiet.into(),
    ]
}
