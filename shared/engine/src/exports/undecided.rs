//! An export that turns out to hold more than one may that nobody decided on.

use crate::{
    EngineError, Result,
    core::Core,
    exports::{Exports, packaging::Packaging},
    items::package_key,
    ports::{Envelope, Message},
    transaction::equals,
};
use oubli_domain::{audit::EventType, lifecycle::Event};

/// Rows of the saved queries that were answered so far.
fn brought(work: &Packaging) -> u64 {
    work.item.queries.values().map(|answered| answered.rows).sum()
}

impl Exports {
    /// How many more rows saved queries may bring before somebody has to decide on the export; none: however many.
    pub(super) async fn rows_left(&self, work: &Packaging) -> Result<Option<u64>> {
        // Whoever decided on it, or on the erasure that it goes before, decided on all of it.
        if work.request.export().is_none_or(|export| export.reviewed || export.prior_to.is_some()) {
            return Ok(None);
        }
        let most = self.core.settings(&work.request.organization).await?.export_review_records;
        let planned: u64 = work.steps.iter().map(|(_, step)| step.records).sum();
        Ok((most > 0).then(|| u64::from(most).saturating_sub(planned + brought(work))))
    }

    /// Gives up packaging, so that a plan is made that somebody decides on; `rows`: those of the query that is being asked.
    /// What was written by then nobody opens: whoever packages by the other plan begins anew.
    pub(super) async fn ask_for_decision(&self, work: &Packaging, rows: u64) -> Result<EngineError> {
        let (before, rows) = (&work.request, brought(work) + rows);
        let mut after = self.core.moved(before, Event::DecisionNeeded)?;
        after.seek();
        after.export_mut()?.query_rows = rows;
        let mut event = self.core.transition_event(&after, EventType::PlanRefreshStarted, None);
        event.details.insert("query_rows".to_owned(), rows.into());
        let transaction = self.core.write_request(before, &after, Some(event))?;
        let transaction = transaction.check(package_key(&work.partition), vec![equals("fence", work.item.fence)]);
        let transaction = Core::release_for_export(before, transaction);
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "packaging").await?;
        // Who packages sends to none who look: whoever sees to requests does.
        let look = Message::Sweep { organization: before.organization.clone(), request: before.id };
        self.core.notify_workers(&after, Some(Envelope::now(look))).await?;
        self.core.notify_waiting(&after).await?;
        Ok(EngineError::Conflict("the export needs a decision"))
    }
}
