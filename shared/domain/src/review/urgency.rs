//! The words of a review: how urgent it is, what somebody decides, and what it is then.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $unknown:ident: $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
        }

        impl $name {
            /// Every one of them, in their order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// As it is written.
            pub const fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = $unknown;

            fn from_str(text: &str) -> Result<Self, $unknown> {
                Self::ALL.iter().copied().find(|word| word.name() == text).ok_or($unknown)
            }
        }
    };
}

words! {
    /// How soon somebody should look at a review. They are ordered: what is more urgent is greater.
    #[derive(Default)]
    Urgency, UnknownUrgency:
    /// Whenever there is time.
    Low = "low",
    /// In its turn; what a review is that does not say.
    #[default]
    Medium = "medium",
    /// Before others.
    High = "high",
    /// At once.
    Critical = "critical",
}

words! {
    /// What has become of a review.
    ReviewStatus, UnknownReviewStatus:
    /// Nobody has decided it.
    Pending = "pending",
    /// It may be done as it was proposed.
    Approved = "approved",
    /// It may not be done.
    Rejected = "rejected",
    /// It may be done otherwise than it was proposed.
    Modified = "modified",
}

words! {
    /// What somebody decides.
    DecisionType, UnknownDecisionType:
    /// It may be done as it was proposed.
    Approve = "approve",
    /// It may not be done.
    Reject = "reject",
    /// It may be done otherwise than it was proposed.
    Modify = "modify",
}

impl DecisionType {
    /// What a review is that was decided so.
    pub const fn status(self) -> ReviewStatus {
        match self {
            DecisionType::Approve => ReviewStatus::Approved,
            DecisionType::Reject => ReviewStatus::Rejected,
            DecisionType::Modify => ReviewStatus::Modified,
        }
    }
}

/// An urgency there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown urgency: low, medium, high and critical are accepted")]
pub struct UnknownUrgency;

/// A status of reviews there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown status: pending, approved, rejected and modified are accepted")]
pub struct UnknownReviewStatus;

/// A decision there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown decision: approve, reject and modify are accepted")]
pub struct UnknownDecisionType;

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeOwned;

    /// Whether the words are read as they are written, as JSON too, and named to whoever writes another.
    fn assert_words<T>(all: &[T], names: &[&str])
    where
        T: Copy + fmt::Debug + fmt::Display + PartialEq + FromStr<Err: fmt::Debug + fmt::Display> + Serialize + DeserializeOwned,
    {
        assert_eq!(all.iter().map(ToString::to_string).collect::<Vec<_>>(), names);
        for word in all {
            let name = word.to_string();
            assert_eq!(name.parse::<T>().expect("a word"), *word);
            assert_eq!(serde_json::to_value(word).expect("JSON"), name);
            assert_eq!(serde_json::from_value::<T>(name.clone().into()).expect("a word"), *word);
            for other in [name.to_uppercase(), format!("{name} "), format!("un{name}"), String::new()] {
                let said = other.parse::<T>().expect_err("no word").to_string();
                assert!(names.iter().all(|name| said.contains(name)), "{said}");
            }
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        assert_words(Urgency::ALL, &["low", "medium", "high", "critical"]);
        assert_words(ReviewStatus::ALL, &["pending", "approved", "rejected", "modified"]);
        assert_words(DecisionType::ALL, &["approve", "reject", "modify"]);
    }

    #[test]
    fn what_is_more_urgent_is_greater() {
        assert!(Urgency::ALL.is_sorted());
        assert!(Urgency::Critical > Urgency::High && Urgency::High > Urgency::Medium && Urgency::Medium > Urgency::Low);
        assert_eq!(Urgency::default(), Urgency::Medium);
    }

    #[test]
    fn no_decision_leaves_a_review_pending_and_only_an_approval_approves() {
        let became: Vec<ReviewStatus> = DecisionType::ALL.iter().map(|decision| decision.status()).collect();
        assert_eq!(became, [ReviewStatus::Approved, ReviewStatus::Rejected, ReviewStatus::Modified]);
    }
}
