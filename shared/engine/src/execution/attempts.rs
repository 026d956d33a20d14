//! Attempts that went wrong: tried again, or over for good.

use crate::{
    EngineError, Result,
    core::{BatchAddress, batch_message, batch_order, word},
    execution::{
        Execution,
        worker::{Claimed, Lane, MAX_ATTEMPTS, next_batch},
    },
    items::{BatchItem, RequestItem, StepItem, batch_key, request_key, request_partition, step_key},
    ports::{Change, Envelope},
    transaction::{Committed, Transaction, add, equals, set},
};
use oubli_domain::{audit::EventType, batch::BatchState};

impl Execution {
    /// Gives a batch back after trouble, to be tried again later, or fails it for good.
    pub(super) async fn release(&self, claimed: &Claimed, at: BatchAddress, error: &EngineError) -> Result<Lane> {
        let request = &claimed.request;
        let attempts = claimed.batch.attempts + 1;
        tracing::warn!(request = %request.id, producer = %claimed.step.producer, batch = claimed.batch_index, attempts, error = %error, "batch attempt failed");
        // As it stands under this claim.
        let batch = BatchItem {
            state: BatchState::Claimed,
            fence: claimed.lease.fence,
            claimed_from: Some(claimed.from),
            attempts,
            ..claimed.batch.clone()
        };
        if attempts >= MAX_ATTEMPTS {
            let failed = self.fail_batch(request, &claimed.step, at, &batch, &error.to_string()).await?;
            return Ok(if failed { next_batch(request, claimed.batch_index, claimed.step.batches) } else { Lane::Left });
        }
        let wait = 5_u16.saturating_mul(1 << attempts.min(6));
        let changes = vec![
            set("state", word(claimed.from)),
            set("lease_until", 0),
            set("attempts", attempts),
            set("not_before", self.core.now().as_millisecond() + i64::from(wait) * 1000),
            set("error", error.to_string()),
            Change::Remove("claimed_from"),
        ];
        let transaction = Transaction::new()
            .update(claimed.batch_key(), changes, as_claimed(&batch))
            .update(claimed.step_key(), vec![set("error", error.to_string())], vec![])
            .check(request_key(&request.organization, &request.id), vec![equals("run", request.run)]);
        if transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Yes {
            let again = Envelope::after(batch_message(request, (claimed.step_index, &claimed.step), claimed.batch_index), wait);
            self.core.ports.queue.send(vec![again]).await?;
        }
        Ok(Lane::Left)
    }

    /// Fails a claimed batch for good. Answers whether it did: nothing happens once the claim or the run is another's.
    pub(super) async fn fail_batch(
        &self,
        request: &RequestItem,
        step: &StepItem,
        at: BatchAddress,
        batch: &BatchItem,
        reason: &str,
    ) -> Result<bool> {
        let partition = request_partition(&request.organization, &request.id);
        let changes = vec![
            set("state", word(BatchState::Failed)),
            set("failed_run", request.run),
            set("lease_until", 0),
            set("attempts", batch.attempts),
            set("error", reason),
        ];
        let order = format!("{}#{:06}", batch_order(request, "failed", at.step_index, at.batch_index), batch.fence);
        let mut event = self.core.event(request, EventType::BatchFailed, &order);
        event.details.insert("producer".to_owned(), step.producer.to_string().into());
        event.details.insert("batch".to_owned(), at.batch_index.into());
        let transaction = Transaction::new()
            .update(batch_key(&partition, at.round, at.step_index, at.batch_index), changes, as_claimed(batch))
            .update(step_key(&partition, at.round, at.step_index), vec![set("error", reason), add("failed_batches", 1)], vec![])
            .check(request_key(&request.organization, &request.id), vec![equals("run", request.run)]);
        let transaction = self.core.outbox(transaction, &request.organization, &order, &event)?;
        Ok(transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Yes)
    }
}

fn as_claimed(batch: &BatchItem) -> Vec<crate::ports::Condition> {
    vec![equals("fence", batch.fence), equals("state", word(BatchState::Claimed))]
}
