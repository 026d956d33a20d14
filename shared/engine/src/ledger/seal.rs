//! From the outbox to a committed head.

use crate::{
    EngineError, Result,
    core::{LedgerHead, object},
    items::ledger_head_key,
    ledger::Ledger,
    ports::ObjectError,
    transaction::{Committed, Transaction},
};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use oubli_domain::{
    audit::{AuditEntry, AuditEvent},
    ids::OrganizationId,
    ledger::{Checkpoint, Edge, MAX_LEAF_BYTES, TreeUpdate, staging_name},
};
use serde::{Deserialize, Serialize};

/// Entries on their way into a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Staged {
    /// The size of the log they follow.
    pub after: u64,
    /// Their bytes.
    pub leaves: Vec<String>,
    /// Where they stand in the outbox.
    pub outbox: Vec<String>,
}

/// A sealing committed, on its way to publication.
pub(super) struct Sealing {
    pub staged: Staged,
    pub growth: TreeUpdate,
}

impl Ledger {
    /// Seals what waits in an organization's outbox. A crash at any point loses nothing and doubles nothing; whoever
    /// comes next goes on where it stopped.
    ///
    /// # Errors
    /// [`EngineError::Transient`]; [`EngineError::Internal`] when what is stored is not what the head says.
    pub async fn seal(&self, organization: &OrganizationId) -> Result<usize> {
        let mut sealed = 0;
        let mut edge: Option<Edge> = None;
        loop {
            // The head is read before the outbox: what was sealed and cleared in between moved it on.
            let head = self.core.log_head(organization).await?;
            if !head.is_published() {
                edge = None;
                match self.finish_publication(organization, &head).await {
                    Ok(()) | Err(EngineError::Conflict(_)) => continue,
                    Err(error) => return Err(error),
                }
            }
            let events = self.next_events(organization).await?;
            if events.is_empty() {
                if self.heartbeat(organization, &head).await? {
                    continue;
                }
                self.ask_due_witnesses(organization).await?;
                return Ok(sealed);
            }
            let known = match edge.take().filter(|e| e.size == head.size) {
                Some(edge) => edge,
                None => match self.stored_edge(organization, &head, head.size).await {
                    Err(EngineError::Conflict(_)) => continue,
                    edge => edge?,
                },
            };
            if known.root().ok() != Some(head.root) {
                return Err(EngineError::internal(format!("the tiles of the log of {organization} do not make up its root")));
            }
            let Some((head, sealing)) = self.commit(organization, &head, &known, events).await? else {
                // Another sequencer was faster.
                return Ok(sealed);
            };
            sealed += sealing.staged.leaves.len();
            edge = Some(sealing.growth.edge.clone());
            self.publish(organization, &head, sealing).await?;
        }
    }

    async fn commit(
        &self,
        organization: &OrganizationId,
        head: &LedgerHead,
        edge: &Edge,
        events: Vec<(String, AuditEvent)>,
    ) -> Result<Option<(LedgerHead, Sealing)>> {
        let mut staged = Staged { after: head.size, leaves: vec![], outbox: vec![] };
        let mut hash = head.hash.clone();
        for (index, (order, event)) in (head.size..).zip(events) {
            let mut nonce = [0_u8; 32];
            self.core.ports.entropy.fill(&mut nonce);
            let entry = AuditEntry::seal(index, event, hash, HEXLOWER.encode(&nonce));
            let leaf = entry.leaf();
            if leaf.len() > MAX_LEAF_BYTES {
                return Err(EngineError::internal(format!("audit event {} is too long for a log", entry.event.audit_id)));
            }
            hash = entry.hash;
            staged.leaves.push(leaf);
            staged.outbox.push(order);
        }
        let growth = grown(edge, &staged)?;
        let key = self.core.log_key(organization).await?;
        let checkpoint = Checkpoint { origin: key.name().to_owned(), size: growth.size, root: growth.root };
        self.stage(organization, &growth, &staged).await?;
        let signature = self.core.ports.signer.sign(checkpoint.text().as_bytes()).await?;
        let note = checkpoint.note(&key, signature).map_err(EngineError::caused_by)?;
        let after = LedgerHead {
            size: growth.size,
            root: growth.root,
            hash,
            published: head.published,
            checkpoint: note,
            published_checkpoint: head.published_checkpoint.clone(),
            sealed_at: self.core.now(),
        };
        let transaction = Transaction::new().put(ledger_head_key(organization), &after, head.unchanged())?;
        match transaction.commit(self.core.ports.table.as_ref()).await? {
            Committed::Yes => Ok(Some((after, Sealing { staged, growth }))),
            Committed::Refused => Ok(None),
        }
    }

    async fn stage(&self, organization: &OrganizationId, growth: &TreeUpdate, staged: &Staged) -> Result<()> {
        let body = serde_json::to_vec(staged).map_err(|_| EngineError::internal("entries do not serialize"))?;
        let name = object(organization, &staging_name(growth.size, growth.root));
        match self.core.ports.ledger.create(&name, Bytes::from(body)).await {
            // The root covers every byte of the entries: what is there is the same.
            Ok(()) | Err(ObjectError::Exists) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

pub(super) fn grown(edge: &Edge, staged: &Staged) -> Result<TreeUpdate> {
    let leaves: Vec<Vec<u8>> = staged.leaves.iter().map(|l| l.clone().into_bytes()).collect();
    edge.grow(&leaves).map_err(|e| EngineError::internal(format!("the log cannot grow: {e}")))
}
