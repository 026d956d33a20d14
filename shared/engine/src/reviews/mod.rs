//! Approval and rejection. Only the function `review` has the right to write decisions.

mod api;
mod asked;
mod identifiers;

pub use api::Approval;
pub use asked::{
    Asked, AskedReview, DecidedBy, Feedback, NewFeedback, NewReview, NewReviewDecision, ReviewDecision, ReviewFilter, ReviewPage,
    ReviewStats, Said, facts,
};

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, RequestView, members_of, not_in, seconds_until, today},
    crypt,
    items::{DecisionItem, RequestItem, decision_key, request_partition},
    ports::{Condition, Envelope},
    transaction::Transaction,
};
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType, exclusions},
    ids::{Category, ExecutionId, RequestId},
    lifecycle::{Event, Phase},
    plan::{Exclusion, KeptBecause, LeftOut, PlanDigest},
    settings::Settings,
};
use std::collections::BTreeMap;

/// Deciding on plans.
#[derive(Clone)]
pub struct Reviews {
    pub(crate) core: Core,
}

impl Reviews {
    /// Approves the plan that stands, and lets it run.
    ///
    /// # Errors
    /// `own_request` (four eyes), `plan_changed`, `legal_hold_active`, `verification_required`, `invalid_state`,
    /// `unknown_category`, `invalid_date`, `not_acknowledged`.
    pub async fn approve(&self, caller: &Caller, id: RequestId, approval: Approval) -> Result<RequestView> {
        Core::permit(caller, Action::Decide)?;
        let before = self.core.owned(caller, &id).await?;
        let relaxed = self.four_eyes(caller, &before).await?;
        let digest = decidable(&before)?;
        same_plan(&before, approval.plan_digest.as_ref(), &digest)?;
        self.check_exclusions(&before, &approval).await?;
        self.check_acknowledged(&before, &approval).await?;
        let (_, holds) = self.core.evaluate_holds(&before).await?;
        // A hold is no reason not to show somebody their data.
        if let Some(hold) = holds.whole.first().filter(|_| before.kind().yields_to_holds()) {
            let text = format!("Legal hold {hold} covers everything of this subject.");
            return Err(
                Refusal::conflict(ProblemCode::LegalHoldActive, text, "Release the hold first, or reject the request.").into()
            );
        }
        let later = before.scheduled_at.is_some_and(|at| at > self.core.now());
        let mut after = self.core.moved(&before, if later { Event::ApprovedForLater } else { Event::Approved })?;
        let execution_id = ExecutionId::from_uuid(self.core.ports.entropy.uuid(self.core.now()));
        after.execution.execution_id = Some(execution_id);
        after.execution.decided_at = Some(self.core.now());
        after.execution.first_decided_at = after.execution.first_decided_at.or(after.execution.decided_at);
        let left_out: Vec<LeftOut> = approval.exclusions.iter().map(|e| LeftOut::new(e, caller.actor)).collect();
        after.execution.exclusions.extend(left_out.iter().cloned());
        after.execution.sealed_exclusions = self.seal_exclusions(&before, &approval.exclusions).await?;
        let is_left_out = |category| approval.exclusions.iter().any(|e| e.category == category);
        let steps = self.core.steps_of(&before).await?;
        after.execution.steps = steps.into_iter().filter(|(_, s)| !is_left_out(s.category.clone())).map(|(n, _)| n).collect();
        after.execution.holds = holds;
        if let Some(at) = before.scheduled_at.filter(|_| later) {
            after.due(at);
        }
        let decision = DecisionItem {
            execution_id,
            plan_digest: digest.clone(),
            approved: true,
            decided_by: caller.actor,
            decided_at: self.core.now(),
            exclusions: left_out.clone(),
            four_eyes_relaxed: relaxed,
        };
        let mut event = self.core.transition_event(&after, EventType::RequestApproved, Some(caller.actor));
        event.details.insert("plan_digest".to_owned(), digest.to_string().into());
        event.details.insert("execution_id".to_owned(), execution_id.to_string().into());
        if relaxed {
            event.details.insert("four_eyes_relaxed".to_owned(), true.into());
        }
        let mut kept = Transaction::new();
        for (what, words) in [("approved_by", &approval.approved_by), ("notes", &approval.notes)] {
            if let Some(words) = words {
                kept = kept.and(self.core.keep_words(&before, &mut event, what, words).await?);
            }
        }
        if !approval.exclusions.is_empty() {
            let words = reasons_to_leave_out(&approval.exclusions)?;
            kept = kept.and(self.core.keep_words(&before, &mut event, "exclusion_reasons", &words).await?);
        }
        event.exclusions = exclusions(&[], &left_out, &[]);
        self.decide(&before, &after, &decision, event, kept).await?;
        let delay = seconds_until(self.core.now(), before.scheduled_at.filter(|_| later));
        let look = delay.map(|seconds| Envelope::after(Core::advance_message(&after), seconds));
        self.core.notify_after_command(&after, look).await?;
        Ok(RequestView::from(&after))
    }

    /// Rejects the plan, and with it the request: it ends as rejected, or, where an earlier round destroyed something, with
    /// what this one found named as left out by the reviewer.
    ///
    /// # Errors
    /// `own_request`, `invalid_state`.
    pub async fn reject(&self, caller: &Caller, id: RequestId, reason: String) -> Result<RequestView> {
        Core::permit(caller, Action::Decide)?;
        let before = self.core.owned(caller, &id).await?;
        let relaxed = self.four_eyes(caller, &before).await?;
        let digest = decidable(&before)?;
        let mut after = self.core.moved(&before, Event::Rejected)?;
        let execution_id = ExecutionId::from_uuid(self.core.ports.entropy.uuid(self.core.now()));
        after.execution.decided_at = Some(self.core.now());
        after.execution.first_decided_at = after.execution.first_decided_at.or(after.execution.decided_at);
        after.end(self.core.now(), KeptBecause::Excluded { until: None }, false);
        let decision = DecisionItem {
            execution_id,
            plan_digest: digest,
            approved: false,
            decided_by: caller.actor,
            decided_at: self.core.now(),
            exclusions: vec![],
            four_eyes_relaxed: relaxed,
        };
        let mut event = self.core.transition_event(&after, EventType::RequestRejected, Some(caller.actor));
        let kept = self.core.keep_words(&before, &mut event, "reason", &reason).await?;
        self.decide(&before, &after, &decision, event, kept).await?;
        self.core.notify_after_command(&after, Some(Envelope::now(Core::next_message(&after)))).await?;
        Ok(RequestView::from(&after))
    }

    /// Whoever decides is not whoever asked, with whichever credential. Answers whether the organization's setting waived
    /// that, which it does only while nobody else could decide.
    async fn four_eyes(&self, caller: &Caller, request: &RequestItem) -> Result<bool> {
        let (asked, attested) = (caller.actor == request.submitted_by, request.verified_by == Some(caller.actor));
        if !asked && !attested {
            return Ok(false);
        }
        let settings = self.core.settings(&caller.organization).await?;
        let alone = self.decides_alone(caller, &settings).await?;
        if asked && !alone {
            let text = "Whoever submitted a request cannot decide on it.";
            return Err(Refusal::forbidden(ProblemCode::OwnRequest, text, "Ask another reviewer.").into());
        }
        if attested && !alone && settings.separate_attestation {
            let text = "Whoever attested that a person is who they say cannot decide on their request.";
            return Err(Refusal::forbidden(ProblemCode::OwnAttestation, text, "Ask another reviewer.").into());
        }
        Ok(asked)
    }

    /// Whether the organization's setting waives that somebody else decides.
    async fn decides_alone(&self, caller: &Caller, settings: &Settings) -> Result<bool> {
        Ok(!settings.four_eyes && !self.others_approve(caller).await?)
    }

    async fn others_approve(&self, caller: &Caller) -> Result<bool> {
        let members = members_of(&self.core, &caller.organization).await?;
        Ok(members.iter().any(|member| member.id != caller.actor && member.approves()))
    }

    async fn check_exclusions(&self, request: &RequestItem, approval: &Approval) -> Result<()> {
        let map = self.core.map_version(&request.organization, request.execution.map_version).await?;
        let asked = |category: &&Category| {
            let named = request.categories.is_empty() || request.categories.contains(category);
            named && !request.exclude_categories.contains(category)
        };
        let known: Vec<&Category> = map.categories().into_iter().filter(asked).collect();
        let today = today(self.core.now(), &request.time_zone)?;
        for (n, exclusion) in approval.exclusions.iter().enumerate() {
            if !known.contains(&&exclusion.category) {
                let names = known.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ");
                let text = format!("The request does not ask for a category {}.", exclusion.category);
                let field = format!("exclusions[{n}].category");
                return Err(Refusal::invalid(ProblemCode::UnknownCategory, &field, text, format!("Accepted: {names}.")).into());
            }
            if let Some(until) = exclusion.retention_until.filter(|until| *until < today) {
                let field = format!("exclusions[{n}].retention_until");
                let text = format!("{field}: {until} is over.");
                return Err(
                    Refusal::invalid(ProblemCode::InvalidDate, &field, text, "Accepted: today, a later day, or none.").into()
                );
            }
        }
        let leaves_out =
            |category: &Category| approval.exclusions.iter().any(|e| e.category == *category) || request.leaves_out(category);
        for (one, other) in &request.execution.may_be_held_as {
            if leaves_out(one) && !leaves_out(other) {
                let place = approval.exclusions.iter().position(|e| e.category == *one).unwrap_or_default();
                let field = format!("exclusions[{place}].category");
                let text = format!("What is planned as {other} may be {one}, which was not searched for it.");
                let accepted = format!("Accepted: {one} and {other} together, or neither.");
                return Err(Refusal::invalid(ProblemCode::InvalidValue, &field, text, accepted).into());
            }
        }
        Ok(())
    }

    async fn decide(
        &self,
        before: &RequestItem,
        after: &RequestItem,
        decision: &DecisionItem,
        event: AuditEvent,
        kept: Transaction,
    ) -> Result<()> {
        let partition = request_partition(&before.organization, &before.id);
        self.core
            .write_request(before, after, Some(event))?
            .and(kept)
            .put(decision_key(&partition, before.execution.round), decision, vec![Condition::ItemAbsent])?
            .commit_or_conflict(self.core.ports.table.as_ref(), "the plan or its decision")
            .await
    }

    /// The exclusions of all rounds, with the words that say why.
    async fn seal_exclusions(&self, request: &RequestItem, new: &[Exclusion]) -> Result<Option<String>> {
        if new.is_empty() {
            return Ok(request.execution.sealed_exclusions.clone());
        }
        let mut all = self.core.exclusions_of(request).await?;
        all.extend(new.iter().cloned());
        let key = self.core.identity_key(request).await?;
        let plain = serde_json::to_vec(&all).map_err(|_| EngineError::internal("exclusions do not serialize"))?;
        crypt::seal(&key, self.core.ports.entropy.as_ref(), "exclusions", &plain).map(Some)
    }
}

fn decidable(request: &RequestItem) -> Result<PlanDigest> {
    let conflict = |code, text: &str, remedy: &str| EngineError::from(Refusal::conflict(code, text, remedy));
    match (request.state.phase, request.state.cancelled, &request.execution.plan_digest) {
        (Phase::InReview, false, Some(digest)) => Ok(digest.clone()),
        (Phase::Received | Phase::AwaitingVerification, false, _) => Err(conflict(
            ProblemCode::VerificationRequired,
            "The person's identity is not confirmed yet.",
            "POST …/verify with how and when it was checked.",
        )),
        (Phase::Discovering, false, _) => Err(conflict(
            ProblemCode::DiscoveryRunning,
            "Discovery still looks for the person's data; there is no plan yet.",
            "Try again once the phase is in_review.",
        )),
        (
            Phase::Approved
            | Phase::Scheduled
            | Phase::Exporting
            | Phase::Packaging
            | Phase::Hiding
            | Phase::Purging
            | Phase::Verifying,
            false,
            _,
        ) => Err(conflict(ProblemCode::AlreadyExecuting, "This request was approved already.", "GET its status to follow it.")),
        _ => Err(not_in(request, "decided")),
    }
}

/// Whoever approves has seen this plan: the first may be approved without its digest, one that replaced another only
/// with it.
fn same_plan(request: &RequestItem, given: Option<&PlanDigest>, stands: &PlanDigest) -> Result<()> {
    let seen = given.map_or(request.execution.round <= 1, |given| given == stands);
    if seen {
        return Ok(());
    }
    let text = format!("The plan changed: {stands} stands now. Read the request again, and approve that by its digest.");
    let refusal = Refusal::conflict(ProblemCode::PlanChanged, text, stands.to_string());
    Err(Refusal { field: Some("plan_digest".to_owned()), ..refusal }.into())
}

/// Why each category is left out, as JSON: one text, to which the log commits.
fn reasons_to_leave_out(exclusions: &[Exclusion]) -> Result<String> {
    let reasons: BTreeMap<String, &str> = exclusions.iter().map(|e| (e.category.to_string(), e.reason.as_str())).collect();
    serde_json::to_string(&reasons).map_err(|_| EngineError::internal("reasons do not serialize"))
}
