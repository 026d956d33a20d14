//! The log itself, for whoever checks all of it.

use crate::{
    Result,
    core::{Core, LedgerHead, Read},
    ledger::Ledger,
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType},
    ids::OrganizationId,
    ledger::WIDTH,
};
use serde_json::Value;

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

/// Which part of a log. With dates: from the first entry not before `start` to the last one not after `end`, and whatever
/// stands between them.
#[derive(Debug, Clone, Default)]
pub struct LogSelection {
    /// From this place on.
    pub from: u64,
    /// Not before.
    pub start: Option<Timestamp>,
    /// Not after.
    pub end: Option<Timestamp>,
}

impl Ledger {
    /// The published entries of a part of the log, as many as one answer carries.
    ///
    /// # Errors
    /// `log_empty`.
    pub async fn export_log(&self, caller: &Caller, selection: LogSelection) -> Result<LogExport> {
        Core::permit(caller, Action::ReadAudit)?;
        let organization = &caller.organization;
        let mut details: Vec<(&'static str, Value)> = vec![("from", selection.from.into())];
        details.extend(selection.start.map(|t| ("start_date", t.to_string().into())));
        details.extend(selection.end.map(|t| ("end_date", t.to_string().into())));
        // Noted first: whoever exports a log finds the export in it.
        self.core.record_reading(caller, EventType::AuditLogExported, None, details).await?;
        let (head, _) = self.core.published(organization).await?;
        let (first, end) = self.between(organization, &head, selection.start, selection.end).await?;
        let from = selection.from.max(first).max(self.first_kept(organization).await?);
        let (mut leaves, mut bytes, mut at): (Vec<Vec<u8>>, usize, u64) = (vec![], 0, from);
        while at < end {
            let bundle = self.core.bundle(organization, &head, at / WIDTH).await?;
            let size: usize = bundle.iter().map(|read| read.leaf.len()).sum();
            if !leaves.is_empty() && bytes + size > MOST_BYTES {
                break;
            }
            bytes += size;
            let wanted = bundle.into_iter().filter(|read| (at..end).contains(&read.entry.index));
            leaves.extend(wanted.map(|Read { leaf, .. }| leaf));
            at = ((at / WIDTH + 1) * WIDTH).min(end);
        }
        let next = (at < end).then_some(at);
        Ok(LogExport { leaves, next, checkpoint: head.published_checkpoint.unwrap_or_default() })
    }

    /// Where the first entry not before `start` stands, and the place after the last one not after `end`.
    async fn between(
        &self,
        organization: &OrganizationId,
        head: &LedgerHead,
        start: Option<Timestamp>,
        end: Option<Timestamp>,
    ) -> Result<(u64, u64)> {
        let (mut first, mut after) = (0, head.published);
        if start.is_none() && end.is_none() {
            return Ok((first, after));
        }
        let spans = self.spans(organization, head).await?;
        if let Some(start) = start {
            let bundles = spans.iter().filter(|(_, _, latest)| *latest >= start).map(|(bundle, ..)| *bundle);
            first = self.place(organization, head, bundles, |e| e.timestamp >= start, false).await?.unwrap_or(head.published);
        }
        if let Some(end) = end {
            let bundles = spans.iter().rev().filter(|(_, earliest, _)| *earliest <= end).map(|(bundle, ..)| *bundle);
            after = self.place(organization, head, bundles, |e| e.timestamp <= end, true).await?.map_or(0, |last| last + 1);
        }
        Ok((first, after))
    }

    /// The first entry in these bundles that fits, or the last.
    async fn place(
        &self,
        organization: &OrganizationId,
        head: &LedgerHead,
        bundles: impl Iterator<Item = u64>,
        fits: impl Fn(&AuditEvent) -> bool,
        last: bool,
    ) -> Result<Option<u64>> {
        for bundle in bundles {
            let mut read = self.core.bundle(organization, head, bundle).await?;
            if last {
                read.reverse();
            }
            if let Some(found) = read.iter().find(|r| fits(&r.entry.event)) {
                return Ok(Some(found.entry.index));
            }
        }
        Ok(None)
    }

    /// Every bundle with the times of its earliest and its latest entry. Those without a summary are read.
    async fn spans(&self, organization: &OrganizationId, head: &LedgerHead) -> Result<Vec<(u64, Timestamp, Timestamp)>> {
        let mut spans: Vec<(u64, Timestamp, Timestamp)> = Vec::new();
        loop {
            let from = spans.last().map_or(0, |(bundle, ..)| bundle + 1);
            let summaries = self.summaries(organization, from).await?;
            if summaries.is_empty() {
                break;
            }
            spans.extend(summaries.into_iter().map(|s| (s.bundle, s.earliest, s.latest)));
        }
        for bundle in spans.last().map_or(0, |(bundle, ..)| bundle + 1)..head.published.div_ceil(WIDTH) {
            let read = self.core.bundle(organization, head, bundle).await?;
            let times = || read.iter().map(|r| r.entry.event.timestamp);
            spans.extend(times().min().zip(times().max()).map(|(earliest, latest)| (bundle, earliest, latest)));
        }
        Ok(spans)
    }
}
