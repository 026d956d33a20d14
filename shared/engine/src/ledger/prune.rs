//! Entries older than policy keeps them are removed, by whole bundles from the oldest on, as C2SP tlog-tiles has it. The
//! tiles stay: every proof about what is left, and that the log only ever grew, can still be made.

use crate::{
    EngineError, Result,
    core::{LedgerHead, object},
    items::pruned_key,
    ledger::Ledger,
    ports::Condition,
    transaction::{Transaction, equals},
};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    audit::{AuditEvent, EventType},
    ids::OrganizationId,
    ledger::{WIDTH, bundle_name},
};
use serde::{Deserialize, Serialize};

/// Bundles removed at once.
const REMOVED_TOGETHER: usize = 1_000;

/// Which bundles are gone, or are to go: from the first on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pruned {
    /// Bundles that the log says are gone.
    to: u64,
    /// Bundles that are.
    done: u64,
}

impl Ledger {
    /// The first entry that is kept.
    pub(super) async fn first_kept(&self, organization: &OrganizationId) -> Result<u64> {
        Ok(self.pruned(organization).await?.map_or(0, |pruned| pruned.to * WIDTH))
    }

    async fn pruned(&self, organization: &OrganizationId) -> Result<Option<Pruned>> {
        self.core.find(pruned_key(organization)).await
    }

    /// Removes what policy keeps no longer. The log says so first, in the transaction that makes it so: whoever dies before
    /// the bundles are gone leaves the rest to the next.
    pub(super) async fn prune(&self, organization: &OrganizationId, head: &LedgerHead) -> Result<()> {
        let Some(days) = self.core.config.entries_kept_days else { return Ok(()) };
        let before = self.core.now() - SignedDuration::from_hours(24 * i64::from(days));
        let known = self.pruned(organization).await?;
        let mut pruned = known.unwrap_or_default();
        let to = self.older_bundles(organization, pruned.to, head.published / WIDTH, before).await?;
        if to > pruned.to {
            let order = format!("prune#{to:012}");
            let mut event = AuditEvent::new(&order, EventType::AuditEntriesPruned, self.core.now());
            event.details.insert("from".to_owned(), (pruned.to * WIDTH).into());
            event.details.insert("to".to_owned(), (to * WIDTH).into());
            event.details.insert("older_than".to_owned(), before.to_string().into());
            let unchanged = known.map_or(Condition::ItemAbsent, |known| equals("to", known.to));
            pruned.to = to;
            let transaction = Transaction::new().put(pruned_key(organization), &pruned, vec![unchanged])?;
            let transaction = self.core.outbox(transaction, organization, &order, &event)?;
            transaction.commit_or_conflict(self.core.ports.table.as_ref(), "pruning").await?;
        }
        while pruned.done < pruned.to {
            let end = pruned.to.min(pruned.done + REMOVED_TOGETHER as u64);
            let names: Vec<String> = (pruned.done..end).map(|n| object(organization, &bundle_name(n, WIDTH))).collect();
            self.core.ports.ledger.delete(&names).await?;
            pruned.done = end;
            let same = vec![equals("to", pruned.to)];
            let transaction = Transaction::new().put(pruned_key(organization), &pruned, same)?;
            transaction.commit_or_conflict(self.core.ports.table.as_ref(), "pruning").await?;
        }
        Ok(())
    }

    /// The end of the bundles, from one on, all of whose entries are older than a time.
    async fn older_bundles(&self, organization: &OrganizationId, from: u64, full: u64, before: Timestamp) -> Result<u64> {
        let mut to = from;
        loop {
            let summaries = self.summaries(organization, to).await?;
            let Some(last) = summaries.last().map(|s| s.bundle) else { return Ok(to) };
            for summary in summaries {
                // A bundle without a summary is passed over by nobody.
                if summary.bundle != to || to >= full || summary.latest >= before {
                    return Ok(to);
                }
                to += 1;
            }
            if to <= last {
                return Err(EngineError::internal("the summaries of a log are out of order"));
            }
        }
    }
}
