//! Human review: what somebody is asked to decide, who is asked, and what they answer.
//!
//! The words and the form of conditions are those of Humancheck, so that its clients work unchanged.

mod conditions;
mod modified;
mod number;
mod routing;
mod urgency;

pub use conditions::{
    ConditionFault, Conditions, DEEPEST_CONDITIONS, Explanation, InvalidConditions, LARGEST_VALUE, LONGEST_PATH, LONGEST_PATTERN,
    MOST_COMPARISONS, MOST_PATTERNS, Operator, UnknownOperator,
};
pub use modified::{InvalidModifiedAction, LONGEST_MODIFIED_ACTION, Modification, ModifiedAction};
pub use number::{GREATEST_NUMBER, MemberNumber, ReviewId, RuleId, TeamId};
pub use routing::{Assignment, PRIORITIES, RoutingRule, assign, route, sharing_priority};
pub use urgency::{DecisionType, ReviewStatus, UnknownDecisionType, UnknownReviewStatus, UnknownUrgency, Urgency};
