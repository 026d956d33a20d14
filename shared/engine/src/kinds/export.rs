//! Packages a copy of what was found for the person. Changes nothing in any store.

use super::Kind;
use crate::{
    Engine, Result,
    execution::Next,
    items::{RequestItem, StepItem},
    transaction::Transaction,
};
use async_trait::async_trait;
use jiff::SignedDuration;
use oubli_domain::{ids::OrganizationId, lifecycle::Phase, notification::NotificationKind};

pub(super) struct Export;

#[async_trait]
impl Kind for Export {
    async fn needs_decision(&self, engine: &Engine, request: &RequestItem) -> Result<bool> {
        // Whoever approved an erasure approved the export before it.
        Ok(request.prior_to.is_none() && engine.settings(&request.organization).await?.export_review)
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

    async fn begin(&self, engine: &Engine, request: &RequestItem) -> Result<Next> {
        engine.begin_export(request).await
    }

    async fn after_failure(&self, engine: &Engine, request: &RequestItem) -> Result<Next> {
        engine.give_up(request).await
    }

    async fn failing(&self, engine: &Engine, before: &RequestItem, after: &mut RequestItem) -> Result<Transaction> {
        // What it has copied is kept no longer than if it could be opened.
        let kept = engine.settings(&before.organization).await?.export_kept_seconds;
        after.due(engine.now() + SignedDuration::from_secs(i64::from(kept)));
        let mut transaction = Transaction::new();
        if before.state.phase == Phase::Packaging {
            transaction = Engine::release_for_export(before, transaction);
        }
        engine.schedule_notification(transaction, before, NotificationKind::ExportProblem, engine.now())
    }

    async fn failed(&self, engine: &Engine, request: &RequestItem) -> Result<()> {
        let message = Engine::notify_message(request, NotificationKind::ExportProblem);
        Ok(engine.ports.queue.send(vec![message]).await?)
    }

    async fn clean(&self, engine: &Engine, request: &RequestItem) -> Result<()> {
        engine.clean_export(request).await
    }
}
