//! What people say of a review afterwards.

use super::{opened, sealed, sees};
use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, control_query},
    items::{FEEDBACK, FeedbackItem, ReviewItem, feedback_key, from_item, review_key, review_partition, review_row_key},
    ports::Condition,
    reviews::Reviews,
    transaction::{Committed, Transaction, set},
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType},
    ids::ActorId,
    review::ReviewId,
};
use serde_json::json;
use std::fmt;

/// Most that is said of one review.
const MOST: usize = 100;

/// How often a number is tried that somebody else may take at the same moment.
const TRIES: usize = 5;

/// What somebody has to say. It may be about people: it is never printed.
#[derive(Clone, Default)]
pub struct NewFeedback {
    /// From 1 to 5.
    pub rating: Option<u8>,
    /// In words.
    pub comment: Option<String>,
}

impl fmt::Debug for NewFeedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[feedback]")
    }
}

/// What somebody said.
#[derive(Clone)]
pub struct Feedback {
    /// Its number among those of the review, from 1.
    pub number: u32,
    /// Who.
    pub given_by: ActorId,
    /// When.
    pub given_at: Timestamp,
    /// From 1 to 5.
    pub rating: Option<u8>,
    /// In words; none for who may not see them, and once they are forgotten.
    pub comment: Option<String>,
}

impl fmt::Debug for Feedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[feedback]")
    }
}

fn context(id: ReviewId, number: u32) -> String {
    format!("review#{id}#feedback#{number}")
}

impl Reviews {
    /// Says something of a review.
    ///
    /// # Errors
    /// A role that may neither ask nor decide; `not_found`; `too_many`.
    pub async fn give_feedback(&self, caller: &Caller, id: ReviewId, new: NewFeedback) -> Result<Feedback> {
        Core::permit(caller, Action::GiveFeedback)?;
        let item = self.known(caller, id).await?;
        let organization = &caller.organization;
        for _ in 0..TRIES {
            let there = self.core.query_all(control_query(&review_partition(organization, id), FEEDBACK)).await?;
            if there.len() >= MOST {
                let text = format!("{MOST} things were said of this review already.");
                return Err(Refusal::conflict(ProblemCode::TooMany, text, "Nothing more is taken.").into());
            }
            let number = u32::try_from(there.len() + 1).unwrap_or(u32::MAX);
            let key = self.key_of(organization, &item.month).await?.ok_or_else(|| Refusal::not_found("review"))?;
            let comment = new.comment.as_ref().map(|comment| sealed(self, &key, &context(id, number), comment));
            let given = FeedbackItem {
                number,
                given_by: caller.actor,
                given_at: self.core.now(),
                rating: new.rating,
                sealed: comment.transpose()?,
            };
            let transaction = Transaction::new()
                .check(review_key(organization, id), vec![Condition::ItemPresent])
                .update(review_row_key(organization, id), vec![set("feedback", number)], vec![Condition::ItemPresent])
                .put(feedback_key(organization, id, number), &given, vec![Condition::ItemAbsent])?;
            let order = self.core.order_of("review");
            let mut event = AuditEvent {
                actor: Some(caller.actor),
                ..AuditEvent::new(&order, EventType::ReviewFeedbackGiven, given.given_at)
            };
            event.details.insert("review".to_owned(), json!(id));
            if self.core.commit_told(transaction, organization, &order, &event).await? == Committed::Yes {
                let FeedbackItem { number, given_by, given_at, rating, sealed: _ } = given;
                return Ok(Feedback { number, given_by, given_at, rating, comment: new.comment });
            }
        }
        Err(EngineError::Conflict("the review"))
    }

    /// What was said of a review, the first first.
    ///
    /// # Errors
    /// A role that may not; `not_found`.
    pub async fn feedback(&self, caller: &Caller, id: ReviewId) -> Result<Vec<Feedback>> {
        Core::permit(caller, Action::Read)?;
        let item = self.known(caller, id).await?;
        let key = if sees(caller, &item) { self.key_of(&item.organization, &item.month).await? } else { None };
        let mut all = Vec::new();
        for found in self.core.query_all(control_query(&review_partition(&caller.organization, id), FEEDBACK)).await? {
            let FeedbackItem { number, given_by, given_at, rating, sealed } = from_item(found)?;
            let comment = key.as_ref().zip(sealed).map(|(key, sealed)| opened(key, &context(id, number), &sealed));
            all.push(Feedback { number, given_by, given_at, rating, comment: comment.transpose()? });
        }
        Ok(all)
    }

    /// A review that the caller may know of.
    async fn known(&self, caller: &Caller, id: ReviewId) -> Result<ReviewItem> {
        let item: Option<ReviewItem> = self.core.find(review_key(&caller.organization, id)).await?;
        item.filter(|item| super::knows_of(caller, item)).ok_or_else(|| Refusal::not_found("review").into())
    }
}
