//! The numbers by which an organization's reviews, rules, teams and members are known to review tools, which count them.

use crate::ids::InvalidId;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The greatest number: up to it, readers of JSON tell every one from the next (RFC 8259, section 6).
pub const GREATEST_NUMBER: u64 = (1 << 53) - 1;

const ACCEPTED: &str = "a whole number from 1 to 9007199254740991 is accepted";

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// The id of this number.
            ///
            /// # Errors
            /// It is 0, or greater than [`GREATEST_NUMBER`].
            pub const fn new(number: u64) -> Result<Self, InvalidId> {
                if number == 0 || number > GREATEST_NUMBER {
                    return Err(InvalidId { kind: $kind, reason: ACCEPTED });
                }
                Ok(Self(number))
            }

            /// Its number.
            pub const fn number(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // One way to write each: what stands in paths is compared as text, too.
                let canonical = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
                let number = text.parse::<u64>().ok().filter(|_| canonical);
                number.ok_or(InvalidId { kind: $kind, reason: ACCEPTED }).and_then(Self::new)
            }
        }

        impl TryFrom<u64> for $name {
            type Error = InvalidId;

            fn try_from(number: u64) -> Result<Self, InvalidId> {
                Self::new(number)
            }
        }

        impl From<$name> for u64 {
            fn from(id: $name) -> u64 {
                id.0
            }
        }
    };
}

number_id!(
    /// One review.
    ReviewId, "a review id"
);
number_id!(
    /// One routing rule. Those of later are greater.
    RuleId, "a routing rule id"
);
number_id!(
    /// A team, as review tools know it.
    TeamId, "a team id"
);
number_id!(
    /// A member, as review tools know them.
    MemberNumber, "a member's number"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_in_one_way() {
        for number in [1, 10, GREATEST_NUMBER] {
            let id = TeamId::new(number).expect("an id");
            assert_eq!((id.number(), id.to_string()), (number, number.to_string()));
            assert_eq!(number.to_string().parse(), Ok(id));
            assert_eq!(serde_json::to_value(id).expect("JSON"), number);
            assert_eq!(serde_json::from_value::<TeamId>(number.into()).expect("an id"), id);
        }
        for other in ["", "0", "01", "+1", "-1", "1.0", "1e3", " 1", "1 ", "٣", "9007199254740992", "18446744073709551617"] {
            assert!(other.parse::<TeamId>().is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_no_number_of_anything_is_refused() {
        for other in ["0", "9007199254740992", "-1", "1.0", "\"1\"", "null", "[1]", "true"] {
            assert!(serde_json::from_str::<ReviewId>(other).is_err(), "{other}");
        }
        let said = MemberNumber::new(0).expect_err("no number").to_string();
        assert_eq!(said, "not a member's number: a whole number from 1 to 9007199254740991 is accepted");
    }
}
