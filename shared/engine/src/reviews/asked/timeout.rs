//! Closing what nobody decided in time: it is not done.

use super::{counts, ends::ended};
use crate::{
    Result,
    items::{ReviewItem, review_key},
    reviews::Reviews,
    transaction::Committed,
};
use oubli_domain::{
    audit::{AuditEvent, EventType},
    ids::OrganizationId,
    review::{ReviewId, ReviewStatus},
};
use serde_json::json;

impl Reviews {
    /// Closes a review whose time is over. One that somebody decided on meanwhile stays as decided.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    pub async fn time_out(&self, organization: &OrganizationId, id: ReviewId) -> Result<()> {
        let Some(item) = self.core.find::<ReviewItem>(review_key(organization, id)).await? else { return Ok(()) };
        let now = self.core.now();
        let open = item.decided_at.is_none() && item.closed_at.is_none();
        if !open || item.due_at().is_none_or(|due| due > now) {
            return Ok(());
        }
        let transaction = ended(&item, "closed_at", now, ReviewStatus::Rejected, counts::of_timed_out());
        let order = format!("review-{id}#timed-out");
        let mut event = AuditEvent::new(&order, EventType::ReviewTimedOut, now);
        event.details.insert("review".to_owned(), json!(id));
        // Refused: somebody decided at the same moment, or another worker closed it.
        self.core.commit_told(transaction, organization, &order, &event).await.map(|_: Committed| ())
    }
}
