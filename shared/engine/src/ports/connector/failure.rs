//! Why a store could not do it.

use thiserror::Error;

/// Why a store could not do it.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// Throttled, timed out or unreachable: try again later. The effect may have happened.
    #[error("{store} is unreachable: {reason}")]
    Unavailable {
        /// Store and table or bucket.
        store: String,
        /// An error code, never a record.
        reason: String,
    },
    /// Access refused, table or bucket or index missing: somebody must mend it first.
    #[error("{store} cannot be used: {reason}")]
    Unusable {
        /// Store and table or bucket.
        store: String,
        /// An error code and the remedy.
        reason: String,
    },
    /// More would have to be looked at than the data map allows: nothing is said of what was found.
    #[error("{store} was not searched: {reason}")]
    TooLarge {
        /// Store and table or bucket.
        store: String,
        /// How much may be looked at, and the remedy.
        reason: String,
    },
    /// This record cannot be handled, though the store can.
    #[error("{store} refused a record: {reason}")]
    Record {
        /// Store and table or bucket.
        store: String,
        /// What is wrong and the remedy, never the record's content.
        reason: String,
    },
}
