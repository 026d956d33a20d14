//! Hides what was found, and destroys it once its recovery window is over.

use super::Kind;
use crate::{
    Engine, Result,
    execution::Next,
    items::{RequestItem, StepItem},
    transaction::Transaction,
};
use async_trait::async_trait;
use oubli_domain::ids::OrganizationId;

pub(super) struct Erasure;

#[async_trait]
impl Kind for Erasure {
    async fn needs_decision(&self, _: &Engine, _: &RequestItem) -> Result<bool> {
        Ok(true)
    }

    fn listed_in(&self, organization: &OrganizationId) -> String {
        format!("org#{organization}#requests")
    }

    fn step_name(&self, step: &StepItem) -> &'static str {
        if step.backup { "backup_deletion" } else { "document_deletion" }
    }

    fn batches_through(&self, step: &StepItem) -> u32 {
        step.hide_batches + step.staying
    }

    async fn begin(&self, engine: &Engine, request: &RequestItem) -> Result<Next> {
        engine.begin(request).await
    }

    async fn after_failure(&self, engine: &Engine, request: &RequestItem) -> Result<Next> {
        engine.end_by_policy(request).await
    }

    async fn failing(&self, _: &Engine, _: &RequestItem, _: &mut RequestItem) -> Result<Transaction> {
        Ok(Transaction::new())
    }

    async fn failed(&self, _: &Engine, _: &RequestItem) -> Result<()> {
        Ok(())
    }

    async fn clean(&self, engine: &Engine, request: &RequestItem) -> Result<()> {
        if request.state.cancelled { engine.stop_prior_export(request).await } else { Ok(()) }
    }
}
