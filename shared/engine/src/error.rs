//! Why a use case did not do what was asked.

use crate::ports::{KeyServiceError, ObjectError, QueueError, ScratchError, StoreError, TableError};
use thiserror::Error;

/// A refusal that the caller can act on. Nothing changed.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{code}: {detail}")]
pub struct Refusal {
    /// What kind, for an HTTP status.
    pub kind: RefusalKind,
    /// Stable, for programs.
    pub code: &'static str,
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
}

impl Refusal {
    /// Wrong input in a field.
    pub fn invalid(code: &'static str, field: &str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Invalid, code, detail: detail.into(), field: Some(field.to_owned()), remedy: remedy.into() }
    }

    /// Something that does not exist for this organization.
    pub fn not_found(what: &str) -> Self {
        Self {
            kind: RefusalKind::NotFound,
            code: "not_found",
            detail: format!("There is no such {what}."),
            field: None,
            remedy: "Check the id.".to_owned(),
        }
    }

    /// Something this credential may not do.
    pub fn forbidden(code: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Forbidden, code, detail: detail.into(), field: None, remedy: remedy.into() }
    }

    /// Something that does not fit the state of things.
    pub fn conflict(code: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Conflict, code, detail: detail.into(), field: None, remedy: remedy.into() }
    }
}

/// Why a use case ended without doing it.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum EngineError {
    /// The caller can act on it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something outside is unreachable: the same call may succeed later. The effect may have happened.
    #[error("try again: {0}")]
    Transient(String),
    /// Another worker or a person changed things meanwhile: what this worker holds is void.
    #[error("overtaken: {0}")]
    Overtaken(&'static str),
    /// A store or a stored item is not as it must be; a person has to look.
    #[error("broken: {0}")]
    Broken(String),
}

impl From<TableError> for EngineError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Refused(_) => EngineError::Overtaken("a condition did not hold"),
            TableError::Unavailable(reason) => EngineError::Transient(reason),
            TableError::Invalid(reason) => EngineError::Broken(reason),
        }
    }
}

impl From<ObjectError> for EngineError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Unavailable(reason) => EngineError::Transient(reason),
            ObjectError::Refused(reason) => EngineError::Broken(format!("a bucket cannot be used: {reason}")),
            ObjectError::Over => EngineError::Broken("an upload that was under way is over".to_owned()),
            ObjectError::Exists => EngineError::Overtaken("an object of this name exists"),
        }
    }
}

impl From<ScratchError> for EngineError {
    fn from(error: ScratchError) -> Self {
        EngineError::Transient(error.to_string())
    }
}

impl From<QueueError> for EngineError {
    fn from(error: QueueError) -> Self {
        EngineError::Transient(error.0)
    }
}

impl From<KeyServiceError> for EngineError {
    fn from(error: KeyServiceError) -> Self {
        match error {
            KeyServiceError::Unavailable(reason) => EngineError::Transient(reason),
            KeyServiceError::Refused(reason) => EngineError::Broken(reason),
        }
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable { .. } => EngineError::Transient(error.to_string()),
            StoreError::Unusable { .. } | StoreError::Record { .. } => EngineError::Broken(error.to_string()),
        }
    }
}

/// The answer of a use case.
pub type Outcome<T> = Result<T, EngineError>;
