//! Deciding on what somebody asked.

use super::{Asked, AskedReview, DecidedBy, ReviewDecision, Said, counts, ends::ended, said_context, sealed, view};
use crate::{
    ProblemCode, Refusal, Result,
    core::Core,
    items::{ReviewDecisionItem, ReviewItem, review_decision_key, review_key},
    ports::Condition,
    reviews::Reviews,
    transaction::Committed,
};
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType},
    review::{DecisionType, ModifiedAction, ReviewId},
};
use serde_json::{Value, json};

/// A decision to make.
#[derive(Debug, Clone)]
pub struct NewReviewDecision {
    /// What is decided.
    pub decision_type: DecisionType,
    /// What is said with it.
    pub said: Said,
}

impl Reviews {
    /// Decides on a review, once.
    ///
    /// # Errors
    /// A role that may not; `not_found`; `already_decided`, also once its time is over; `own_request` (four eyes);
    /// `missing_field` and `invalid_value` for a change that does not say, as a JSON object, what is to be done instead, for a
    /// decision that whoever asked does not take, and for any but a rejection of what was too large to be kept whole.
    pub async fn decide_asked(&self, caller: &Caller, id: ReviewId, new: NewReviewDecision) -> Result<AskedReview> {
        Core::permit(caller, Action::Decide)?;
        let organization = &caller.organization;
        let item = self.core.find::<ReviewItem>(review_key(organization, id)).await?;
        let item = item.ok_or_else(|| Refusal::not_found("review"))?;
        let decided = self.core.find(review_decision_key(organization, id, &item.token)).await?;
        let before = self.shown(caller, item.clone(), decided).await?;
        if before.decision.is_some() {
            return Err(already_decided().into());
        }
        let four_eyes_relaxed = item.asked_by == caller.actor;
        if four_eyes_relaxed && !self.decides_alone(caller, &self.core.settings(organization).await?).await? {
            let text = "Whoever asked for a review cannot decide on it.";
            return Err(Refusal::forbidden(ProblemCode::OwnRequest, text, "Ask another reviewer.").into());
        }
        says_what(&new)?;
        is_taken(before.asked.as_ref(), new.decision_type)?;
        let key = self.key_of(organization, &item.month).await?.ok_or_else(already_decided)?;
        let now = self.core.now();
        let decision = ReviewDecisionItem {
            decision_type: new.decision_type,
            decided_by: caller.actor,
            decided_at: now,
            four_eyes_relaxed,
            sealed: sealed(self, &key, &said_context(id), &new.said)?,
        };
        let status = new.decision_type.status();
        let transaction = ended(&item, "decided_at", now, status, counts::of_decided(status)).put(
            review_decision_key(organization, id, &item.token),
            &decision,
            vec![Condition::ItemAbsent],
        )?;
        let order = self.core.order_of("review");
        let mut event = AuditEvent { actor: Some(caller.actor), ..AuditEvent::new(&order, EventType::ReviewDecided, now) };
        event.details.insert("review".to_owned(), json!(id));
        event.details.insert("decision".to_owned(), json!(new.decision_type));
        if four_eyes_relaxed {
            event.details.insert("four_eyes_relaxed".to_owned(), true.into());
        }
        match self.core.commit_told(transaction, organization, &order, &event).await? {
            Committed::Yes => {
                let item = ReviewItem { decided_at: Some(now), updated_at: now, due_pk: None, due_sk: None, ..item };
                let ReviewDecisionItem { decision_type, decided_at, .. } = decision;
                let decided_by = DecidedBy::Member(caller.actor);
                let decided = ReviewDecision { review: id, decision_type, decided_by, decided_at, said: Some(new.said) };
                Ok(view(item, before.asked, Some(decided)))
            }
            Committed::Refused => Err(already_decided().into()),
        }
    }
}

fn already_decided() -> Refusal {
    let text = "Somebody decided on this review before, or its time is over.";
    Refusal::conflict(ProblemCode::AlreadyDecided, text, "GET …/decision shows what was decided.")
}

/// Clients that find no object in a change carry out what was asked at first, as if it had been approved.
fn says_what(new: &NewReviewDecision) -> Result<()> {
    if new.decision_type != DecisionType::Modify {
        return Ok(());
    }
    let accepted = "Accepted: a sentence, then one JSON object that says what is to be done instead.";
    let Some(action) = &new.said.modified_action else {
        return Err(
            Refusal::invalid(ProblemCode::MissingField, "modified_action", "modified_action: it is missing.", accepted).into()
        );
    };
    if ModifiedAction::names_an_object(action) {
        return Ok(());
    }
    let text = "modified_action: it ends in no JSON object.";
    Err(Refusal::invalid(ProblemCode::InvalidValue, "modified_action", text, accepted).into())
}

/// Whoever asks may say which decisions they can carry out. `edit` is what some call a change. Nobody can say yes to what they see
/// only a part of.
fn is_taken(asked: Option<&Asked>, decision: DecisionType) -> Result<()> {
    if asked.is_some_and(|asked| asked.cut) && decision != DecisionType::Reject {
        let text = "decision_type: what is asked cannot be seen whole, since it was too large to be kept whole.";
        let accepted = "Accepted: reject. Whoever asks can ask again for less.";
        return Err(Refusal::invalid(ProblemCode::InvalidValue, "decision_type", text, accepted).into());
    }
    let metadata = asked.and_then(|asked| asked.metadata.as_ref());
    let Some(Value::Array(taken)) = metadata.and_then(|metadata| metadata.get("allowed_decisions")) else { return Ok(()) };
    let taken: Vec<&str> = taken.iter().filter_map(Value::as_str).collect();
    let names: &[&str] = match decision {
        DecisionType::Approve => &["approve"],
        // To be told no is taken by everybody.
        DecisionType::Reject => return Ok(()),
        DecisionType::Modify => &["modify", "edit"],
    };
    if taken.iter().any(|taken| names.contains(taken)) {
        return Ok(());
    }
    let text = "decision_type: whoever asked does not take this decision.";
    let accepted = "Accepted: what metadata.allowed_decisions of the review names, and reject.";
    Err(Refusal::invalid(ProblemCode::InvalidValue, "decision_type", text, accepted).into())
}
