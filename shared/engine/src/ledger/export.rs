//! The log itself, for whoever checks all of it.

use super::read::Read;
use crate::{Engine, Outcome};
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    ledger::WIDTH,
};

/// Most bytes of entries in one answer: what API Gateway and Lambda carry, with room to spare.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// A stretch of the log.
#[derive(Debug, Clone)]
pub struct LogExport {
    /// The entries' bytes, in order.
    pub leaves: Vec<Vec<u8>>,
    /// Where the next stretch begins; none at the end.
    pub next: Option<u64>,
    /// The checkpoint that the whole log is in, a signed note.
    pub checkpoint: String,
}

impl Engine {
    /// The published entries from a place on, as many as one answer carries.
    ///
    /// # Errors
    /// `log_empty`.
    pub async fn export_log(&self, caller: &Caller, from: u64) -> Outcome<LogExport> {
        Self::permit(caller, Action::ReadAudit)?;
        let organization = &caller.organization;
        // Noted first: whoever exports a log finds the export in it.
        self.record_reading(caller, EventType::AuditLogExported, None, [("from", from.into())]).await?;
        let (head, _) = self.published(organization).await?;
        let (mut leaves, mut bytes, mut at): (Vec<Vec<u8>>, usize, u64) = (vec![], 0, from);
        while at < head.published {
            let bundle = self.bundle(organization, &head, at / WIDTH).await?;
            let size: usize = bundle.iter().map(|read| read.leaf.len()).sum();
            if !leaves.is_empty() && bytes + size > MOST_BYTES {
                break;
            }
            bytes += size;
            let wanted = bundle.into_iter().filter(|read| read.entry.index >= at);
            leaves.extend(wanted.map(|Read { leaf, .. }| leaf));
            at = ((at / WIDTH + 1) * WIDTH).min(head.published);
        }
        let next = (at < head.published).then_some(at);
        Ok(LogExport { leaves, next, checkpoint: head.published_checkpoint.unwrap_or_default() })
    }
}
