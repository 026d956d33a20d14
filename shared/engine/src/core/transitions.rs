//! Changes of state, written on condition that nobody else changed it.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, transition_order},
    items::{RequestItem, due_partition, due_sort, freed_key, open_key, request_key, slot_key},
    ports::Change,
    transaction::{Committed, Transaction, equals, set},
};
use jiff::SignedDuration;
use oubli_domain::{
    audit::{AuditEvent, EventType},
    lifecycle::{self, Event, Phase},
};

/// Whether there is more to do at once.
pub(crate) enum Next {
    Again,
    Wait,
}

/// Places among the open requests of a subject that are left with the write that ends a request: all that it writes has to
/// fit into one transaction.
pub(crate) const OPEN_TOGETHER: usize = 25;

/// The failure of a look in which one producer may erase what another must keep.
pub(crate) const PRODUCERS_OVERLAP: &str = "producers_overlap";

impl Core {
    /// A copy of the request after an event.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when the event does not fit its state.
    pub(crate) fn moved(&self, request: &RequestItem, event: Event) -> Result<RequestItem> {
        let state =
            lifecycle::next(request.kind(), request.state, event).map_err(|_| EngineError::Conflict("the request moved on"))?;
        Ok(self.moved_to(request, state))
    }

    pub(crate) fn moved_to(&self, request: &RequestItem, state: lifecycle::State) -> RequestItem {
        let mut after = request.clone();
        let now = self.now();
        after.state = state;
        after.version += 1;
        after.run += 1;
        after.phase_started_at = now;
        after.waits_no_more();
        // Whatever is under way is looked at again soon, should the message that carries it be lost.
        after.due(now + SignedDuration::from_secs(60));
        after
    }

    /// The transaction that writes a changed request, on condition that nobody else did, with its audit event, and
    /// with what a final state takes along.
    pub(crate) fn write_request(
        &self,
        before: &RequestItem,
        after: &RequestItem,
        event: Option<AuditEvent>,
    ) -> Result<Transaction> {
        let mut transaction = Transaction::new().put(
            request_key(&after.organization, &after.id),
            after,
            vec![equals("version", before.version)],
        )?;
        if let Some(event) = event {
            let order = transition_order(after);
            transaction = self.outbox(transaction, &after.organization, &order, &event)?;
        }
        if after.state.is_final() && !before.state.is_final() {
            transaction = transaction.delete(open_key(&after.organization, &after.id), vec![]);
            // The rest goes when it is cleaned; nobody takes what is over for open.
            for key in Self::open_of_subject(before).into_iter().take(OPEN_TOGETHER) {
                transaction = transaction.delete(key, vec![]);
            }
        }
        if before.waits_in != after.waits_in {
            if let Some(left) = &before.waits_in {
                transaction = transaction.delete(left.key(), vec![]);
            }
            transaction = Self::take_place(transaction, after);
        }
        Ok(transaction)
    }

    /// Puts a request in the line that it waits in, if it waits in one.
    pub(crate) fn take_place(transaction: Transaction, request: &RequestItem) -> Transaction {
        let Some(place) = &request.waits_in else { return transaction };
        transaction.update(place.key(), vec![set("request", request.id.to_string())], vec![])
    }

    /// Gives up the place among the working requests, and leaves word of it for the sweeper, should whoever does so die
    /// before it wakes somebody.
    pub(crate) fn release_slot(before: &RequestItem, after: &mut RequestItem, transaction: Transaction) -> Transaction {
        let Some(slot) = before.execution.slot else { return transaction };
        after.execution.slot = None;
        let word = vec![
            Change::Add("version", 1),
            set("organization", before.organization.as_str()),
            set("due_pk", due_partition(0)),
            set("due_sk", due_sort(after.phase_started_at, before.organization.as_str())),
        ];
        transaction.delete(slot_key(&before.organization, slot), vec![equals("request", before.id.to_string())]).update(
            freed_key(&before.organization),
            word,
            vec![],
        )
    }

    /// Stops a request until a person looks.
    pub(crate) async fn fail(&self, request: &RequestItem, code: &str, message: &str) -> Result<()> {
        tracing::error!(request = %request.id, organization = %request.organization, code, reason = message, "request failed");
        if request.state.is_final() || request.state.phase == Phase::Failed {
            return Ok(());
        }
        let mut after = self.moved(request, Event::Failed)?;
        self.write_failure(request, &mut after, code, message).await
    }

    pub(crate) async fn write_failure(
        &self,
        request: &RequestItem,
        after: &mut RequestItem,
        code: &str,
        message: &str,
    ) -> Result<()> {
        // An export gives its person free, and has to begin again to take them.
        let packaging = request.state.phase == Phase::Packaging;
        // What waited for an export asks for another.
        let anew = packaging || request.state.phase == Phase::Exporting;
        // A retry counts anew.
        after.execution.resolving = 0;
        after.failed_in = Some(if anew { Phase::Approved } else { request.state.phase });
        if anew && let Ok(erasure) = after.erasure_mut() {
            erasure.prior_export = None;
        }
        after.failure = Some(crate::items::Failure {
            code: code.to_owned(),
            message: format!("{message}. Mend the cause, then retry the request, or cancel it."),
        });
        let of_kind = request.rules().failing(self, request, after).await?;
        let mut event = self.transition_event(after, EventType::RequestFailed, None);
        event.details.insert("code".to_owned(), code.into());
        let slot_free = Self::release_slot(request, after, Transaction::new());
        let transaction = self.write_request(request, after, Some(event))?.and(slot_free).and(of_kind);
        if transaction.commit(self.ports.table.as_ref()).await? == Committed::Yes {
            request.rules().failed(self, request).await?;
            self.notify_waiting(request).await?;
        }
        Ok(())
    }
}

/// A refusal that says in which phase the request is.
pub(crate) fn not_in(request: &RequestItem, what: &str) -> EngineError {
    let phase = request.state.phase.name();
    let cancelled = if request.state.cancelled && request.state.phase != Phase::Cancelled { " and cancelled" } else { "" };
    let text = format!("A request that is {phase}{cancelled} cannot be {what}.");
    Refusal::conflict(ProblemCode::InvalidState, text, "GET its status to see where it is.").into()
}
