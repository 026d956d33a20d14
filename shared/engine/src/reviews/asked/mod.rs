//! Reviews that somebody outside asks for: what an agent, a service or a colleague wants to do, and a person decides.

mod ask;
mod counts;
mod decide;
mod ends;
mod feedback;
mod labels;
mod list;
mod months;
mod timeout;

pub use ask::facts;
pub use counts::ReviewStats;
pub use decide::NewReviewDecision;
pub use feedback::{Feedback, NewFeedback};
pub use list::{ReviewFilter, ReviewPage};

use super::Reviews;
use crate::{
    EngineError, Refusal, Result,
    core::Core,
    crypt,
    items::{ReviewDecisionItem, ReviewItem, from_item, review_decision_key, review_key},
    ports::DataKey,
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    ids::ActorId,
    limits::InFlight,
    review::{DecisionType, MemberNumber, ReviewId, ReviewStatus, RuleId, TeamId, Urgency},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{fmt, time::Duration};

/// What is asked. What is in it may be about people: it is never printed.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// What kind of thing it is.
    pub task_type: String,
    /// What would be done.
    pub proposed_action: String,
    /// Why, as whoever asks says.
    pub agent_reasoning: Option<String>,
    /// How sure whoever asks is, from 0 to 1.
    pub confidence_score: Option<f64>,
    /// What whoever asks is made with.
    pub framework: Option<String>,
    /// Who asks, as they call themselves.
    pub agent_id: Option<Value>,
    /// The organization, as whoever asks calls it.
    pub organization_id: Option<Value>,
    /// Anything else, as it came.
    pub metadata: Option<Map<String, Value>>,
    /// Whether there was more of it than is kept: then nobody can say yes to it.
    #[serde(default)]
    pub cut: bool,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[asked]")
    }
}

/// A review to ask for.
#[derive(Debug, Clone)]
pub struct NewReview {
    /// What is asked.
    pub asked: Asked,
    /// How soon somebody should look.
    pub urgency: Urgency,
}

/// A review as it is shown.
#[derive(Debug, Clone)]
pub struct AskedReview {
    /// Its number.
    pub id: ReviewId,
    /// How it stands.
    pub status: ReviewStatus,
    /// How soon somebody should look.
    pub urgency: Urgency,
    /// Who asked.
    pub asked_by: ActorId,
    /// When.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it closes without a decision; none once it is decided or closed.
    pub closes_at: Option<Timestamp>,
    /// The rule that says who is asked.
    pub rule: Option<RuleId>,
    /// The team that is asked.
    pub team: Option<TeamId>,
    /// The member who is asked.
    pub assignee: Option<MemberNumber>,
    /// What is asked; none for who may not see it, and once it is forgotten.
    pub asked: Option<Asked>,
    /// What was decided.
    pub decision: Option<ReviewDecision>,
}

/// Who decided on a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy {
    /// A member.
    Member(ActorId),
    /// Nobody, in time: it is not done.
    Timeout,
}

/// A decision on a review.
#[derive(Debug, Clone)]
pub struct ReviewDecision {
    /// The review.
    pub review: ReviewId,
    /// What was decided.
    pub decision_type: DecisionType,
    /// By whom.
    pub decided_by: DecidedBy,
    /// When.
    pub decided_at: Timestamp,
    /// What was said; none for who may not see it, and once it is forgotten.
    pub said: Option<Said>,
}

/// What somebody says with a decision. It may be about people: it is never printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What is to be done instead.
    pub modified_action: Option<String>,
    /// Why, and anything else.
    pub notes: Option<String>,
    /// The number that whoever decided gives for themselves.
    pub reviewer_id: Option<u64>,
    /// The name that whoever decided gives for themselves.
    pub reviewer_name: Option<String>,
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[said]")
    }
}

/// What seals what is asked: it opens for this review only.
fn asked_context(id: ReviewId) -> String {
    format!("review#{id}#asked")
}

fn said_context(id: ReviewId) -> String {
    format!("review#{id}#said")
}

fn sealed<T: Serialize>(reviews: &Reviews, key: &DataKey, context: &str, what: &T) -> Result<String> {
    let plain = serde_json::to_vec(what).map_err(|_| EngineError::internal("words of a review do not serialize"))?;
    crypt::seal(key, reviews.core.ports.entropy.as_ref(), context, &plain)
}

fn opened<T: serde::de::DeserializeOwned>(key: &DataKey, context: &str, text: &str) -> Result<T> {
    let plain = crypt::open(key, context, text)?;
    serde_json::from_slice(&plain).map_err(|_| EngineError::internal("words of a review cannot be read"))
}

/// Reviews that are read in one go: one may have 400 KB.
const READ_AT_ONCE: usize = 25;

/// How often whoever waits for a decision looks.
const LOOKS_EVERY: Duration = Duration::from_millis(400);

impl Reviews {
    /// A review.
    ///
    /// # Errors
    /// A role that may not; `not_found`, also for what another service asked.
    pub async fn review(&self, caller: &Caller, id: ReviewId) -> Result<AskedReview> {
        Core::permit(caller, Action::Read)?;
        let mut found = self.reviews_of(caller, &[id], usize::MAX).await?;
        found.pop().ok_or_else(|| Refusal::not_found("review").into())
    }

    /// This review, once it is decided, or as it was last seen: after so long, and at once where as many calls of the organization
    /// wait as may. No look is begun later than that.
    ///
    /// # Errors
    /// As [`Reviews::review`].
    pub async fn decided_within(&self, caller: &Caller, review: AskedReview, patience: Duration) -> Result<AskedReview> {
        let begun = self.core.now();
        if review.status != ReviewStatus::Pending || LOOKS_EVERY > patience {
            return Ok(review);
        }
        let organization = &caller.organization;
        let name = self.core.ports.entropy.uuid(begun).simple().to_string();
        let seat = match self.core.take_seat(organization, InFlight::WaitingReview, &name).await {
            Ok(seat) => seat,
            Err(EngineError::Refused(_)) => return Ok(review),
            Err(error) => return Err(error),
        };
        let seen = self.looked_at(caller, review, begun, patience).await;
        self.core.leave_seat(organization, InFlight::WaitingReview, seat, &name).await;
        seen
    }

    async fn looked_at(&self, caller: &Caller, review: AskedReview, begun: Timestamp, patience: Duration) -> Result<AskedReview> {
        let mut review = review;
        while review.status == ReviewStatus::Pending {
            let waited = Duration::try_from(self.core.now().duration_since(begun)).unwrap_or_default();
            if waited + LOOKS_EVERY > patience {
                break;
            }
            self.core.ports.clock.sleep(LOOKS_EVERY).await;
            review = self.review(caller, review.id).await?;
        }
        Ok(review)
    }

    /// Of these reviews those that the caller may know of, in this order. Those that come after so many sealed bytes are
    /// shown without what may be long.
    async fn reviews_of(&self, caller: &Caller, ids: &[ReviewId], room: usize) -> Result<Vec<AskedReview>> {
        let organization = &caller.organization;
        let table = &self.core.ports.table;
        let (mut views, mut bytes) = (Vec::new(), 0_usize);
        for ids in ids.chunks(READ_AT_ONCE) {
            let places: Vec<_> = ids.iter().map(|id| review_key(organization, *id)).collect();
            let found = table.get_many(&places).await?.into_iter().flatten();
            let mut reviews: Vec<ReviewItem> = found.map(from_item).collect::<Result<_>>()?;
            reviews.retain(|review| knows_of(caller, review));
            if reviews.is_empty() {
                continue;
            }
            let places: Vec<_> = reviews.iter().map(|it| review_decision_key(organization, it.id, &it.token)).collect();
            let decisions = table.get_many(&places).await?;
            for (review, decision) in reviews.into_iter().zip(decisions) {
                bytes = bytes.saturating_add(review.sealed.len());
                let decision = decision.map(from_item::<ReviewDecisionItem>).transpose()?;
                let mut view = self.shown(caller, review, decision).await?;
                if let Some(asked) = view.asked.as_mut().filter(|_| bytes > room) {
                    asked.agent_reasoning = None;
                    asked.metadata = Some(Map::from_iter([("omitted".to_owned(), true.into())]));
                }
                views.push(view);
            }
        }
        Ok(views)
    }

    async fn shown(&self, caller: &Caller, item: ReviewItem, decision: Option<ReviewDecisionItem>) -> Result<AskedReview> {
        let key = if sees(caller, &item) { self.key_of(&item.organization, &item.month).await? } else { None };
        let asked = key.as_ref().map(|key| opened(key, &asked_context(item.id), &item.sealed)).transpose()?;
        let decision = match (decision, item.closed_at) {
            (Some(decision), _) => {
                let said = key.as_ref().map(|key| opened(key, &said_context(item.id), &decision.sealed)).transpose()?;
                let decided_by = DecidedBy::Member(decision.decided_by);
                let ReviewDecisionItem { decision_type, decided_at, .. } = decision;
                Some(ReviewDecision { review: item.id, decision_type, decided_by, decided_at, said })
            }
            (None, Some(decided_at)) => Some(ReviewDecision {
                review: item.id,
                decision_type: DecisionType::Reject,
                decided_by: DecidedBy::Timeout,
                decided_at,
                said: None,
            }),
            (None, None) => None,
        };
        Ok(view(item, asked, decision))
    }
}

/// A review as it is shown. It takes no call: what was done is told whatever fails then.
fn view(item: ReviewItem, asked: Option<Asked>, decision: Option<ReviewDecision>) -> AskedReview {
    AskedReview {
        id: item.id,
        // Only what stands where whoever decides may write counts.
        status: decision.as_ref().map_or(ReviewStatus::Pending, |decision| decision.decision_type.status()),
        urgency: item.urgency,
        asked_by: item.asked_by,
        created_at: item.created_at,
        updated_at: item.updated_at,
        closes_at: item.due_at().filter(|_| decision.is_none()),
        rule: item.rule,
        team: item.team,
        assignee: item.assignee,
        asked,
        decision,
    }
}

/// A machine knows of what it asked itself, and people of everything.
fn knows_of(caller: &Caller, item: &ReviewItem) -> bool {
    !caller.roles.is_service() || item.asked_by == caller.actor
}

/// Words about people are for who may see who they are, and for who wrote them.
fn sees(caller: &Caller, item: &ReviewItem) -> bool {
    caller.may(Action::Reveal) || item.asked_by == caller.actor
}
