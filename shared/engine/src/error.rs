//! Why a use case did not do what was asked.

use crate::{
    ProblemCode,
    ports::{KeyServiceError, ObjectError, QueueError, ScratchError, StoreError, TableError},
};
use oubli_domain::access::{Action, Role};
use std::{error::Error, fmt, sync::Arc};
use thiserror::Error;

/// A refusal that the caller can act on. Nothing changed.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{code}: {detail}")]
pub struct Refusal {
    /// What kind, for an HTTP status.
    pub kind: RefusalKind,
    /// Stable, for programs.
    pub code: ProblemCode,
    /// What is wrong, for people. Never holds personal data.
    pub detail: String,
    /// The field concerned, if one is.
    pub field: Option<String>,
    /// What to do instead.
    pub remedy: String,
}

/// Kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The input is wrong.
    Invalid,
    /// There is no such thing for this organization.
    NotFound,
    /// This credential may not.
    Forbidden,
    /// It does not fit the state of things.
    Conflict,
    /// It is too much at the moment.
    Throttled {
        /// After so many seconds it may come again.
        seconds: u16,
    },
}

impl Refusal {
    /// Wrong input in a field.
    pub fn invalid(code: ProblemCode, field: &str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Invalid, code, detail: detail.into(), field: Some(field.to_owned()), remedy: remedy.into() }
    }

    /// Something that does not exist for this organization.
    pub fn not_found(what: &str) -> Self {
        Self {
            kind: RefusalKind::NotFound,
            code: ProblemCode::NotFound,
            detail: format!("There is no such {what}."),
            field: None,
            remedy: "Check the id.".to_owned(),
        }
    }

    /// Something this credential may not do.
    pub fn forbidden(code: ProblemCode, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Forbidden, code, detail: detail.into(), field: None, remedy: remedy.into() }
    }

    /// Something that this credential's role may not do, and which roles may.
    pub fn of_role(action: Action) -> Self {
        Self::for_roles("This credential's role may not do this.", action.roles())
    }

    /// Something that only these roles may do.
    pub(crate) fn for_roles(detail: &str, roles: impl Iterator<Item = Role>) -> Self {
        let names: Vec<&str> = roles.map(Role::name).collect();
        let remedy = format!("Use a credential with one of these roles: {}.", names.join(", "));
        Self::forbidden(ProblemCode::Forbidden, detail, remedy)
    }

    /// Something that does not fit the state of things.
    pub fn conflict(code: ProblemCode, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Conflict, code, detail: detail.into(), field: None, remedy: remedy.into() }
    }
}

/// What went wrong, in words that name stores, tables and codes but never a record, and what caused it.
///
/// Only errors whose own text obeys the same rule may be a cause: one of a parser quotes what it could not read.
#[derive(Clone, Error)]
#[error("{reason}")]
pub struct Fault {
    reason: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Fault {
    /// The words.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), source: None }
    }

    fn caused_by(error: impl Error + Send + Sync + 'static) -> Self {
        Self { reason: error.to_string(), source: Some(Arc::new(error)) }
    }
}

/// Shows no more than its words: what a cause holds besides may be a person's.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fault").field(&self.reason).finish()
    }
}

/// Why a use case ended without doing it.
#[derive(Debug, Error, Clone)]
pub enum EngineError {
    /// The caller can act on it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something outside is unreachable: the same call may succeed later. The effect may have happened.
    #[error("try again: {0}")]
    Transient(#[source] Fault),
    /// Another worker or a person changed things meanwhile: what this worker holds is void.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// A store or a stored item is not as it must be; a person has to look.
    #[error("internal: {0}")]
    Internal(#[source] Fault),
}

impl EngineError {
    /// [`EngineError::Transient`], in these words.
    pub fn transient(reason: impl Into<String>) -> Self {
        Self::Transient(Fault::new(reason))
    }

    /// [`EngineError::Internal`], in these words.
    pub fn internal(reason: impl Into<String>) -> Self {
        Self::Internal(Fault::new(reason))
    }

    /// [`EngineError::Internal`], for a cause whose own words say it.
    pub fn caused_by(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Internal(Fault::caused_by(error))
    }
}

impl From<TableError> for EngineError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Refused(_) => Self::Conflict("a condition did not hold"),
            TableError::Unavailable(_) => Self::Transient(Fault::caused_by(error)),
            TableError::Invalid(_) => Self::caused_by(error),
        }
    }
}

impl From<ObjectError> for EngineError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Exists => Self::Conflict("an object of this name exists"),
            ObjectError::Unavailable(_) => Self::Transient(Fault::caused_by(error)),
            ObjectError::Refused(_) | ObjectError::Over => Self::caused_by(error),
        }
    }
}

impl From<ScratchError> for EngineError {
    fn from(error: ScratchError) -> Self {
        Self::Transient(Fault::caused_by(error))
    }
}

impl From<QueueError> for EngineError {
    fn from(error: QueueError) -> Self {
        Self::Transient(Fault::caused_by(error))
    }
}

impl From<KeyServiceError> for EngineError {
    fn from(error: KeyServiceError) -> Self {
        match error {
            KeyServiceError::Unavailable(_) => Self::Transient(Fault::caused_by(error)),
            KeyServiceError::Refused(_) => Self::caused_by(error),
        }
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => Self::Transient(Fault::caused_by(error)),
            StoreError::Unusable { .. } | StoreError::TooLarge { .. } | StoreError::Record { .. } => Self::caused_by(error),
        }
    }
}

/// The answer of a use case.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Error)]
    #[error("the table is gone")]
    struct Cause {
        record: &'static str,
    }

    #[test]
    fn a_fault_shows_its_words_and_nothing_else_of_its_cause() {
        let cause = Cause { record: "alice@example.org" };
        assert!(format!("{cause:?}").contains(cause.record), "the cause itself would show it");
        let error = EngineError::caused_by(cause);
        assert_eq!(format!("{error:?}"), "Internal(Fault(\"the table is gone\"))");
        assert_eq!(error.to_string(), "internal: the table is gone");
        let EngineError::Internal(fault) = error else { panic!("internal") };
        assert_eq!(fault.source().map(ToString::to_string).as_deref(), Some("the table is gone"), "it is kept as the cause");
    }
}
