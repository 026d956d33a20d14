//! Packages a copy of what was found for the person. Changes nothing in any store.

use super::{Course, Kind};
use crate::{
    Result,
    core::{Core, Next},
    items::{RequestItem, StepItem},
    transaction::Transaction,
    worker::Worker,
};
use async_trait::async_trait;
use jiff::SignedDuration;
use oubli_domain::{ids::OrganizationId, lifecycle::Phase, notification::NotificationKind};

pub(super) struct Export;

#[async_trait]
impl Kind for Export {
    async fn needs_decision(&self, core: &Core, request: &RequestItem, records: u64) -> Result<bool> {
        let records = records + request.export().map_or(0, |export| export.query_rows);
        // Whoever approved an erasure approved the export before it.
        if request.prior_to().is_some() {
            return Ok(false);
        }
        let settings = core.settings(&request.organization).await?;
        Ok(settings.reviews_exports_of(records))
    }

    fn listed_in(&self, organization: &OrganizationId) -> String {
        format!("org#{organization}#exports")
    }

    fn step_name(&self, _: &StepItem) -> &'static str {
        "document_export"
    }

    fn batches_through(&self, step: &StepItem) -> u32 {
        // What stays is packaged, too.
        step.hide_batches
    }

    async fn failing(&self, core: &Core, before: &RequestItem, after: &mut RequestItem) -> Result<Transaction> {
        // What it has copied is kept no longer than if it could be opened.
        let kept = core.settings(&before.organization).await?.export_kept_seconds;
        after.due(core.now() + SignedDuration::from_secs(i64::from(kept)));
        let mut transaction = Transaction::new();
        if before.state.phase == Phase::Packaging {
            transaction = Core::release_for_export(before, transaction);
        }
        core.schedule_notification(transaction, before.notification(NotificationKind::ExportProblem), core.now())
    }

    async fn failed(&self, core: &Core, request: &RequestItem) -> Result<()> {
        let message = Core::notify_message(request.notification(NotificationKind::ExportProblem));
        Ok(core.ports.queue.send(vec![message]).await?)
    }
}

#[async_trait]
impl Course for Export {
    async fn begin(&self, worker: &Worker, request: &RequestItem) -> Result<Next> {
        worker.exports().begin_export(request).await
    }

    async fn after_failure(&self, worker: &Worker, request: &RequestItem) -> Result<Next> {
        worker.execution().give_up(request).await
    }

    async fn clean(&self, worker: &Worker, request: &RequestItem) -> Result<()> {
        worker.exports().clean_export(request).await
    }
}
