//! Hides what was found, and destroys it once its recovery window is over.

use super::{Course, Kind};
use crate::{
    Result,
    core::{Core, Next},
    items::{RequestItem, StepItem},
    transaction::Transaction,
    worker::Worker,
};
use async_trait::async_trait;
use oubli_domain::ids::OrganizationId;

pub(super) struct Erasure;

#[async_trait]
impl Kind for Erasure {
    async fn needs_decision(&self, _: &Core, _: &RequestItem, _: u64) -> Result<bool> {
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

    async fn failing(&self, _: &Core, _: &RequestItem, _: &mut RequestItem) -> Result<Transaction> {
        Ok(Transaction::new())
    }

    async fn failed(&self, _: &Core, _: &RequestItem) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Course for Erasure {
    async fn begin(&self, worker: &Worker, request: &RequestItem) -> Result<Next> {
        worker.execution().begin(request).await
    }

    async fn after_failure(&self, worker: &Worker, request: &RequestItem) -> Result<Next> {
        worker.execution().end_by_policy(request).await
    }

    async fn clean(&self, worker: &Worker, request: &RequestItem) -> Result<()> {
        if request.state.cancelled || request.execution.closing.is_some() {
            worker.execution().stop_prior_export(request).await
        } else {
            Ok(())
        }
    }
}
