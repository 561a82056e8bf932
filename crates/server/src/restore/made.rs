//! Undoes the making of a record: it goes, with everything that it owns.

use aureole_storage::records;

use super::Undo;
use crate::api::delete::{Doomed, allowed, owned, refuse_when_pointed_at, remove};
use crate::error::Result;
use crate::save::Save;

pub async fn undo(save: &mut Save<'_>, undo: &Undo) -> Result<()> {
    let (kind, id, tenant) = (undo.kind(), undo.id(), save.tenant());
    records::lock(&mut save.tx, tenant, undo.entity, &[id]).await?;
    let Some((_, record)) = save.stored(kind, id).await? else { return Ok(()) };
    allowed(save, kind, id, &record).await?;
    let doomed = owned(save, Doomed::from([(kind, vec![id])])).await?;
    refuse_when_pointed_at(save, kind, id, &doomed).await?;
    for (kind, ids) in doomed.iter().rev() {
        remove(save, *kind, ids).await?;
    }
    Ok(())
}
