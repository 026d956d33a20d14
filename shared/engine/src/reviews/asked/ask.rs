//! Asking for a review.

use super::{
    Asked, AskedReview, NewReview, asked_context,
    labels::{Labels, labels_context},
    sealed, view,
};
use crate::{
    EngineError, Result,
    core::Core,
    items::{
        ReviewItem, ReviewRow, review_asked_key, review_counts_key, review_key, review_number_key, review_row_key,
        reviews_partition,
    },
    ports::{Condition, DataKey, Query, Range, TableName},
    reviews::Reviews,
    transaction::{Committed, Transaction, set, unchanged},
};
use data_encoding::HEXLOWER;
use jiff::SignedDuration;
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType},
    ids::OrganizationId,
    review::{Assignment, ReviewId, ReviewStatus, assign},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// How often a number is tried that somebody else may take at the same moment.
const TRIES: u64 = 12;

/// How long the same call, sent again, is known for the same.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(48);

/// That a review was asked for by one call.
#[derive(Serialize, Deserialize)]
struct AskedOnce {
    review: ReviewId,
    /// Epoch seconds after which the table may drop it.
    expires_at: i64,
}

impl Reviews {
    /// Asks for a review; the same call sent again asks once. Who is asked is what the organization's rules say now.
    ///
    /// # Errors
    /// A role that may not ask; [`EngineError::Transient`] where too many ask at the same moment.
    pub async fn ask(&self, caller: &Caller, call: Uuid, new: NewReview) -> Result<AskedReview> {
        Core::permit(caller, Action::AskReview)?;
        let organization = &caller.organization;
        let once = review_asked_key(organization, &call);
        if let Some(there) = self.core.find::<AskedOnce>(once.clone()).await? {
            return self.review(caller, there.review).await;
        }
        let settings = self.core.settings(organization).await?;
        let closes = self.core.now() + SignedDuration::from_hours(24 * i64::from(settings.unreviewed_ends_after_days));
        let rules = self.core.active_rules(organization).await?;
        let asked_of = assign(&rules, &facts(&new), self.core.default_team(organization).await?);
        let (month, key) = self.key_of_now(organization).await?;
        let mut last = self.last_number(organization).await?;
        let mut number = last.unwrap_or_default() + 1;
        for attempt in 1..=TRIES {
            let id = ReviewId::new(number).map_err(|_| EngineError::internal("reviews have no more numbers"))?;
            let mut item = self.review_item(caller, id, &new, asked_of, (&month, &key))?;
            item.due(closes);
            let expires_at = (self.core.now() + KNOWN_FOR).as_second();
            let transaction = self
                .written(&item, &new, &key)?
                .update(review_number_key(organization), vec![set("last", number)], vec![unchanged("last", last)])
                .put(once.clone(), &AskedOnce { review: id, expires_at }, vec![Condition::ItemAbsent])?;
            let order = self.core.order_of("review");
            let event = AuditEvent {
                actor: Some(caller.actor),
                details: [
                    ("review", json!(id)),
                    ("urgency", json!(new.urgency)),
                    ("rule", json!(item.rule)),
                    ("team", json!(item.team)),
                ]
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
                ..AuditEvent::new(&order, EventType::ReviewRequested, self.core.now())
            };
            if self.core.commit_told(transaction, organization, &order, &event).await? == Committed::Yes {
                return Ok(view(item, Some(new.asked), None));
            }
            if let Some(there) = self.core.find::<AskedOnce>(once.clone()).await? {
                return self.review(caller, there.review).await;
            }
            // Those who were refused together do not meet again.
            self.core.ports.clock.sleep(Duration::from_millis(1 + self.below(25 * attempt))).await;
            let taken = self.last_number(organization).await?;
            // Where nobody took it, a review has it whose number was not noted.
            let before =
                if taken == last { self.newest_listed(organization).await?.max(number) } else { taken.unwrap_or_default() };
            (number, last) = (before + 1, taken);
        }
        Err(EngineError::transient("many reviews are asked for at the same moment"))
    }

    fn review_item(
        &self,
        caller: &Caller,
        id: ReviewId,
        new: &NewReview,
        asked_of: Assignment,
        (month, key): (&str, &DataKey),
    ) -> Result<ReviewItem> {
        let now = self.core.now();
        let mut token = [0_u8; 16];
        self.core.ports.entropy.fill(&mut token);
        Ok(ReviewItem {
            organization: caller.organization.clone(),
            id,
            token: HEXLOWER.encode(&token),
            asked_by: caller.actor,
            created_at: now,
            updated_at: now,
            urgency: new.urgency,
            month: month.to_owned(),
            sealed: sealed(self, key, &asked_context(id), &new.asked)?,
            rule: asked_of.rule,
            team: asked_of.team,
            assignee: asked_of.user,
            decided_at: None,
            closed_at: None,
            due_pk: None,
            due_sk: None,
        })
    }

    /// The review, its place in the list, and that there is one more.
    fn written(&self, item: &ReviewItem, new: &NewReview, key: &DataKey) -> Result<Transaction> {
        let Asked { task_type, framework, .. } = &new.asked;
        let labels = Labels { task_type: task_type.clone(), framework: framework.clone() };
        let row = ReviewRow {
            id: item.id,
            asked_by: item.asked_by,
            status: ReviewStatus::Pending,
            urgency: item.urgency,
            team: item.team,
            month: item.month.clone(),
            sealed: sealed(self, key, &labels_context(item.id), &labels)?,
            ended_at: None,
            feedback: 0,
        };
        let counts = review_counts_key(&item.organization, item.id.number());
        let counted = super::counts::of_new(new.urgency, new.asked.confidence_score);
        Ok(Transaction::new()
            .put(review_key(&item.organization, item.id), item, vec![Condition::ItemAbsent])?
            .put(review_row_key(&item.organization, item.id), &row, vec![Condition::ItemAbsent])?
            .update(counts, counted, vec![]))
    }

    /// The greatest number that a review of the organization ever had.
    async fn last_number(&self, organization: &OrganizationId) -> Result<Option<u64>> {
        let found = self.core.ports.table.get_many(&[review_number_key(organization)]).await?.pop().flatten();
        Ok(found.and_then(|item| item.get("last")?.as_u64()))
    }

    /// The greatest number that a review has which is still there.
    async fn newest_listed(&self, organization: &OrganizationId) -> Result<u64> {
        let last =
            Query { descending: true, limit: 1, ..Query::new(TableName::Control, reviews_partition(organization), Range::All) };
        let page = self.core.ports.table.query(last).await?;
        let number = |item: &crate::ports::Item| item.get("sk")?.as_str()?.parse().ok();
        Ok(page.items.first().and_then(number).unwrap_or_default())
    }

    /// A number that nobody foresees, below this one.
    fn below(&self, bound: u64) -> u64 {
        let mut random = [0_u8; 8];
        self.core.ports.entropy.fill(&mut random);
        u64::from_le_bytes(random) % bound
    }
}

/// What rules go by.
pub fn facts(new: &NewReview) -> Value {
    let NewReview { asked, urgency } = new;
    let mut facts = json!({ "task_type": asked.task_type, "proposed_action": asked.proposed_action, "urgency": urgency });
    let more = [
        ("agent_reasoning", json!(asked.agent_reasoning)),
        ("confidence_score", json!(asked.confidence_score)),
        ("framework", json!(asked.framework)),
        ("agent_id", json!(asked.agent_id)),
        ("organization_id", json!(asked.organization_id)),
        ("metadata", json!(asked.metadata)),
    ];
    if let Value::Object(facts) = &mut facts {
        // What was not given is absent, and matches nothing.
        facts.extend(more.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)));
    }
    facts
}
