//! Human review: what somebody is asked to decide, who is asked, and what they answer.
//!
//! The words and the form of conditions are those of Humancheck, so that its clients work unchanged.

mod number;
mod urgency;

pub use number::{GREATEST_NUMBER, MemberNumber, ReviewId, RuleId, TeamId};
pub use urgency::{DecisionType, ReviewStatus, UnknownDecisionType, UnknownReviewStatus, UnknownUrgency, Urgency};
