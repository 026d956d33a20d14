//! A review as it is kept: what somebody is asked to decide, and what they decided.

use crate::items::due;
use jiff::Timestamp;
use oubli_domain::{
    ids::{ActorId, OrganizationId},
    review::{DecisionType, MemberNumber, ReviewId, ReviewStatus, RuleId, TeamId, Urgency},
};
use serde::{Deserialize, Serialize};

/// A review. Its decision is apart, where only whoever decides may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewItem {
    /// Its owner.
    pub organization: OrganizationId,
    /// Its number.
    pub id: ReviewId,
    /// Part of its decision's address, and at random: no other review ever reads that decision, whatever its number.
    pub token: String,
    /// Who asked.
    pub asked_by: ActorId,
    /// When.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How soon somebody should look.
    pub urgency: Urgency,
    /// The month whose key seals it.
    pub month: String,
    /// What is asked, sealed.
    pub sealed: String,
    /// The rule that says who is asked.
    #[serde(default)]
    pub rule: Option<RuleId>,
    /// The team that is asked.
    #[serde(default)]
    pub team: Option<TeamId>,
    /// The member who is asked.
    #[serde(default)]
    pub assignee: Option<MemberNumber>,
    /// When somebody decided: an attribute of its own, so that it happens once.
    #[serde(default)]
    pub decided_at: Option<Timestamp>,
    /// When it closed without a decision.
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
    /// The index of what wants attention, until it is decided or closed.
    #[serde(default)]
    pub due_pk: Option<String>,
    /// As above: when.
    #[serde(default)]
    pub due_sk: Option<String>,
}

impl ReviewItem {
    /// Asks for attention at a time.
    pub fn due(&mut self, at: Timestamp) {
        // Hexadecimal, as all ids that are spread over the shards.
        let (pk, sk) = due(at, &format!("{:x}", self.id.number()));
        self.due_pk = Some(pk);
        self.due_sk = Some(sk);
    }

    /// Until when somebody may decide.
    pub fn due_at(&self) -> Option<Timestamp> {
        let millis = self.due_sk.as_deref()?.get(..16)?.parse().ok()?;
        Timestamp::from_millisecond(millis).ok()
    }
}

/// A review where it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRow {
    /// Its number.
    pub id: ReviewId,
    /// Who asked.
    pub asked_by: ActorId,
    /// As it was last seen to stand: what counts is its decision.
    pub status: ReviewStatus,
    /// How soon somebody should look.
    pub urgency: Urgency,
    /// The team that is asked.
    #[serde(default)]
    pub team: Option<TeamId>,
    /// The month whose key seals it.
    pub month: String,
    /// What it is filtered by, sealed.
    pub sealed: String,
    /// When it was decided or closed.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// How often something was said of it.
    #[serde(default)]
    pub feedback: u32,
}

/// A decision on a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewDecisionItem {
    /// What was decided.
    pub decision_type: DecisionType,
    /// By whom: what four eyes judges.
    pub decided_by: ActorId,
    /// When.
    pub decided_at: Timestamp,
    /// Four eyes was relaxed by the organization's setting.
    pub four_eyes_relaxed: bool,
    /// What was said, sealed under the month of the review.
    pub sealed: String,
}

/// What somebody said of a review afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackItem {
    /// Its number among those of its review, from 1.
    pub number: u32,
    /// Who.
    pub given_by: ActorId,
    /// When.
    pub given_at: Timestamp,
    /// From 1 to 5.
    #[serde(default)]
    pub rating: Option<u8>,
    /// What they said, sealed under the month of the review.
    #[serde(default)]
    pub sealed: Option<String>,
}
