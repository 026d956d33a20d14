//! Ways to break the protocol, to see that the simulation notices. The engine itself is never changed: its ports are.

use clap::ValueEnum;
use oubli_engine::ports::{Condition, TableName, Write};

/// One broken protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Mutant {
    /// A worker's writes do not check whose claim it is.
    NoFence,
    /// Audit events are written after the transaction they belong to.
    AuditAfterEffect,
    /// Counters are written after the transaction they belong to.
    CounterOutsideTransaction,
    /// Purge looks at holds and state first and destroys later, on no condition.
    PurgeReadsThenDeletes,
    /// Holds are read once and never checked again.
    HoldReadOnce,
    /// Only the last worker's own message completes a step; nobody else looks.
    CompletionOnEdgeOnly,
    /// A cancel changes the request, and no batch notices.
    CancelFencesNothing,
    /// Records are removed whatever version they have.
    DeleteWithoutVersion,
    /// What a dead worker may still be doing is not waited for.
    RestoreBeforeLeaseEnds,
    /// A record that is not there counts as removed by us.
    NotFoundIsErased,
    /// The head of the log is committed before its new entries are safe.
    CommitBeforeStaging,
    /// The head of the log is written over whatever stands there.
    NoCompareAndSwap,
    /// Events leave the outbox before the log has them.
    OutboxRemovedBeforeCommit,
    /// An erasure begins whether or not its subject is being exported.
    ExportUnseen,
    /// Nobody remembers that an export was to go before the erasure.
    PriorExportForgotten,
}

impl Mutant {
    /// Every mutant.
    pub const ALL: [Mutant; 15] = [
        Mutant::NoFence,
        Mutant::AuditAfterEffect,
        Mutant::CounterOutsideTransaction,
        Mutant::PurgeReadsThenDeletes,
        Mutant::HoldReadOnce,
        Mutant::CompletionOnEdgeOnly,
        Mutant::CancelFencesNothing,
        Mutant::DeleteWithoutVersion,
        Mutant::RestoreBeforeLeaseEnds,
        Mutant::NotFoundIsErased,
        Mutant::CommitBeforeStaging,
        Mutant::NoCompareAndSwap,
        Mutant::OutboxRemovedBeforeCommit,
        Mutant::ExportUnseen,
        Mutant::PriorExportForgotten,
    ];

    /// The transaction as this mutant writes it: what happens together, and what happens later.
    pub(crate) fn bend(self, writes: Vec<Write>) -> (Vec<Write>, Vec<Write>) {
        match self {
            // Whose claim it is shows in both: the claim's number, and that the batch is claimed at all.
            Mutant::NoFence => (without(writes, |w, c| of(w, "batch#") && (names(c, "fence") || names(c, "state"))), vec![]),
            Mutant::NoCompareAndSwap => (without(writes, |w, _| w.key().sk == "head"), vec![]),
            Mutant::HoldReadOnce => (without(writes, |_, c| names(c, "holds_version")), vec![]),
            Mutant::CancelFencesNothing => (without(writes, |w, c| matches!(w, Write::Check { .. }) && names(c, "run")), vec![]),
            Mutant::PurgeReadsThenDeletes => {
                let purges = writes.iter().any(|w| matches!(w, Write::Delete { key, .. } if key.table == TableName::Keys))
                    || writes.iter().any(|w| matches!(w, Write::Put { item, .. } if phase(item) == Some("purging")));
                if purges { (without(writes, |_, _| true), vec![]) } else { (writes, vec![]) }
            }
            Mutant::AuditAfterEffect => split(writes, |w| w.key().pk.ends_with("#outbox") && matches!(w, Write::Put { .. })),
            Mutant::CounterOutsideTransaction => split(writes, |w| of(w, "step#") && matches!(w, Write::Update { .. })),
            Mutant::ExportUnseen => {
                (without(writes, |_, c| matches!(c, Condition::Missing(name) if *name == "exporting")), vec![])
            }
            _ => (writes, vec![]),
        }
    }
}

fn phase(item: &oubli_engine::ports::Item) -> Option<&str> {
    item.get("state")?.get("phase")?.as_str()
}

fn of(write: &Write, prefix: &str) -> bool {
    write.key().sk.starts_with(prefix)
}

fn names(condition: &Condition, attribute: &str) -> bool {
    matches!(condition, Condition::Equals(name, _) | Condition::Missing(name) if *name == attribute)
}

fn without(writes: Vec<Write>, strip: impl Fn(&Write, &Condition) -> bool) -> Vec<Write> {
    let bent = writes.into_iter().map(|mut write| {
        let copy = write.clone();
        match &mut write {
            Write::Put { when, .. } | Write::Update { when, .. } | Write::Delete { when, .. } | Write::Check { when, .. } => {
                when.retain(|c| !strip(&copy, c));
            }
        }
        write
    });
    bent.filter(|w| !matches!(w, Write::Check { when, .. } if when.is_empty())).collect()
}

fn split(writes: Vec<Write>, later: impl Fn(&Write) -> bool) -> (Vec<Write>, Vec<Write>) {
    writes.into_iter().partition(|w| !later(w))
}
