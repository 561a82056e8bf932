//! Checks that the database is whole: every document readable, every column what its document says,
//! every reference to a record that exists, one main site a client.

use aureole_catalogue::entity::ENTITIES;
use aureole_catalogue::{Entity, EntityKind, Record};

use crate::db::{Db, Result, Value};
use crate::records::{self, Write};
use crate::snapshot::Snapshot;

/// Problems of one table that are told at most.
const MOST_PROBLEMS: usize = 20;

/// What was found in one table.
pub struct Finding {
    pub table: &'static str,
    pub rows: u64,
    /// Sentences for a person; the last one may say that there are more.
    pub problems: Vec<String>,
}

/// Checks everything, as it is at this moment.
///
/// # Errors
/// From the database, when it can't be read at all.
pub async fn run(db: &Db) -> Result<Vec<Finding>> {
    let mut snapshot = db.snapshot().await?;
    let mut findings = vec![files(&mut snapshot).await?];
    for entity in ENTITIES {
        let mut finding = documents(&mut snapshot, entity).await?;
        references(&mut snapshot, entity, &mut finding).await?;
        if entity.kind == EntityKind::Client {
            main_sites(&mut snapshot, &mut finding).await?;
        }
        findings.push(finding);
    }
    Ok(findings)
}

impl Finding {
    fn problem(&mut self, sentence: impl FnOnce() -> String) {
        match self.problems.len() {
            count if count < MOST_PROBLEMS => self.problems.push(sentence()),
            MOST_PROBLEMS => self.problems.push("and more".to_owned()),
            _ => {}
        }
    }
}

/// The database's own check of its files.
async fn files(snapshot: &mut Snapshot) -> Result<Finding> {
    let mut finding = Finding { table: "(files)", rows: 0, problems: Vec::new() };
    if let Some(sql) = snapshot.dialect().integrity_check() {
        let report = &mut |mut row: crate::Row| {
            let text = row.take_text(0);
            if text != "ok" {
                finding.problem(|| text);
            }
        };
        snapshot.each(sql, report).await?;
    }
    Ok(finding)
}

/// Every document is read, and every column compared with what a write of it would store.
async fn documents(snapshot: &mut Snapshot, entity: &'static Entity) -> Result<Finding> {
    let mut finding = Finding { table: entity.table, rows: 0, problems: Vec::new() };
    let names = records::write_names(entity);
    let sql = format!("SELECT {} FROM {}", names.join(", "), entity.table);
    snapshot
        .each(&sql, &mut |row| {
            finding.rows += 1;
            let (tenant, id, doc) = (row.int(0), row.int(1), row.text(4));
            let record = Record::from_doc(entity.schema, doc);
            if record.to_doc() != doc {
                finding.problem(|| {
                    format!("tenant {tenant}, id {id}: the document is not as written")
                });
                return;
            }
            let write = Write { id, rev: row.int(2), now: row.int(3), record: &record };
            let expected = records::write_values(entity, tenant, &write);
            for (at, value) in expected.iter().enumerate().skip(5) {
                let same = match value {
                    Value::Int(number) => row.opt_int(at) == Some(*number),
                    Value::Text(text) => row.opt_text(at) == Some(text),
                    _ => true,
                };
                if !same {
                    finding.problem(|| {
                        format!(
                            "tenant {tenant}, id {id}: column {} differs from the document",
                            names[at]
                        )
                    });
                }
            }
        })
        .await?;
    Ok(finding)
}

/// Every id above 0 in a column that refers to a record is the id of one.
async fn references(
    snapshot: &mut Snapshot,
    entity: &'static Entity,
    finding: &mut Finding,
) -> Result<()> {
    let fields = entity.schema.fields.iter().filter(|field| field.column);
    for field in fields {
        let Some(target) = field.reference else { continue };
        let sql = format!(
            "SELECT r.tenant_id, r.id, r.\"{name}\" FROM {table} r WHERE r.\"{name}\" > 0 AND NOT EXISTS \
             (SELECT 1 FROM {target} t WHERE t.tenant_id = r.tenant_id AND t.id = r.\"{name}\")",
            name = field.name,
            table = entity.table,
            target = target.entity().table,
        );
        snapshot
            .each(&sql, &mut |row| {
                finding.problem(|| {
                    let (tenant, id, to) = (row.int(0), row.int(1), row.int(2));
                    let singular = target.entity().singular;
                    format!("tenant {tenant}, id {id}: {} {to} is no {singular}", field.name)
                });
            })
            .await?;
    }
    Ok(())
}

/// A client that was not merged away has exactly one main site.
async fn main_sites(snapshot: &mut Snapshot, finding: &mut Finding) -> Result<()> {
    let sql = format!(
        "SELECT c.tenant_id, c.id FROM {} c WHERE c.merged_into = 0 AND 1 <> (SELECT count(*) FROM {} s \
         WHERE s.tenant_id = c.tenant_id AND s.client_id = c.id AND s.isinvoicesite = 1)",
        EntityKind::Client.entity().table,
        EntityKind::Site.entity().table
    );
    snapshot
        .each(&sql, &mut |row| {
            finding
                .problem(|| format!("tenant {}, id {}: not one main site", row.int(0), row.int(1)));
        })
        .await
}
