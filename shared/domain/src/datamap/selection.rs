//! The ways from an identity to records.

use crate::{ids::ProducerName, personal::IdentifierKind};
use serde::{Deserialize, Serialize};

/// One way from an identity to a producer's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Items whose `attribute` equals a value: the table's partition key, or that of `index`.
    Key {
        /// Where the value comes from.
        by: SelectBy,
        /// The attribute compared.
        attribute: String,
        /// The global secondary index to query; the table itself without one.
        index: Option<String>,
    },
    /// Objects under a prefix made from a template such as `users/{}/`.
    Prefix {
        /// Where the value comes from.
        by: SelectBy,
        /// The template; `{}` stands for the value and a delimiter follows it.
        template: String,
    },
}

impl Selection {
    /// Where its value comes from.
    pub fn by(&self) -> &SelectBy {
        match self {
            Selection::Key { by, .. } | Selection::Prefix { by, .. } => by,
        }
    }
}

/// What a selection starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelectBy {
    /// An identifier of the person.
    Identity(IdentifierKind),
    /// A field of another producer's records.
    Parent {
        /// The producer whose records carry the value.
        producer: ProducerName,
        /// The field that carries it.
        field: String,
    },
}
