//! Typed identifiers. Each carries its kind as a prefix, so that an id pasted into the wrong field is refused
//! instead of looked up.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;
use uuid::Uuid;

/// Why a text is not an identifier of the expected kind.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not {kind}: {reason}")]
pub struct InvalidId {
    /// What was expected, with its article.
    pub kind: &'static str,
    /// What is wrong with the text given; never repeats it.
    pub reason: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// The id made of this UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
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
                let rest = text.strip_prefix(concat!($prefix, "_")).ok_or(InvalidId {
                    kind: $kind,
                    reason: concat!("it must start with ", $prefix, "_"),
                })?;
                if rest.len() != 32 || rest.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(InvalidId { kind: $kind, reason: "32 lower-case hexadecimal digits must follow the prefix" });
                }
                Uuid::try_parse(rest).map(Self).map_err(|_| InvalidId {
                    kind: $kind,
                    reason: "32 lower-case hexadecimal digits must follow the prefix",
                })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal;)+) => {
        $(uuid_id!($(#[$doc])* $name, $prefix, $kind);)+

        /// Whether a text is an identifier of any of these kinds.
        pub fn is_id(text: &str) -> bool {
            $(text.parse::<$name>().is_ok())||+
        }
    };
}

uuid_ids! {
    /// One data-subject request.
    RequestId, "req", "a request id";
    /// One approved execution of one plan.
    ExecutionId, "exec", "an execution id";
    /// One legal hold.
    HoldId, "hold", "a legal hold id";
    /// One stand-alone look at what is there for a subject.
    DiscoveryId, "disc", "a discovery id";
    /// One compliance report that takes long.
    ReportId, "rep", "a report id";
    /// Whoever acts, opaque: the directory resolves it to a name and can forget that name.
    ActorId, "actor", "an actor id";
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let well_formed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
                if text.is_empty() || text.len() > 64 || !text.bytes().all(well_formed) {
                    return Err(InvalidId {
                        kind: $kind,
                        reason: "1 to 64 characters are accepted: a to z, 0 to 9, _ and -",
                    });
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

name_id!(
    /// A tenant.
    OrganizationId, "an organization id"
);
name_id!(
    /// An API key, by what names it.
    KeyId, "a key id"
);
name_id!(
    /// An issuer, as its organization calls it.
    IssuerName, "an issuer name"
);
name_id!(
    /// A producer: one kind of data in one store.
    ProducerName, "a producer name"
);
name_id!(
    /// What people call a group of producers.
    Category, "a category name"
);
name_id!(
    /// A database or bucket that holds personal data.
    StoreName, "a store name"
);
name_id!(
    /// A saved query; its file is named by it.
    QueryName, "a query name"
);
name_id!(
    /// A logical thing that one producer owns and others may read.
    Anchor, "an anchor name"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_a_foreign_one_is_refused() {
        let id = RequestId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse::<RequestId>(), Ok(id));
        assert!(id.to_string().parse::<HoldId>().is_err());
        assert!("req_1".parse::<RequestId>().is_err());
        assert!("req_0000000000000000000000000000000A".parse::<RequestId>().is_err());
    }

    #[test]
    fn an_id_of_any_kind_is_told_from_other_text() {
        for prefix in ["req", "exec", "hold", "disc", "rep", "actor"] {
            assert!(is_id(&format!("{prefix}_00000000000000000000000000000001")), "{prefix}");
        }
        for other in ["", "req", "req_", "req_1", "key_00000000000000000000000000000001", "cust-00042"] {
            assert!(!is_id(other), "{other}");
        }
    }

    #[test]
    fn a_name_has_no_separator_of_a_storage_key() {
        for bad in ["", "a#b", "a/b", "A", "é", "a b"] {
            assert!(bad.parse::<OrganizationId>().is_err(), "{bad}");
        }
    }
}

/// An AWS account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    /// Its twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for AccountId {
    type Err = InvalidAccount;

    fn from_str(text: &str) -> Result<Self, InvalidAccount> {
        let good = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidAccount) }
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Not an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an AWS account is twelve digits, in quotes: \"111122223333\"")]
pub struct InvalidAccount;
