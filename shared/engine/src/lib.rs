//! The use cases of Oubli: what each function does, over ports. No AWS.
#![forbid(unsafe_code)]

pub mod api;
mod certificate;
mod crypt;
pub mod directory;
mod discovery;
mod engine;
mod error;
mod execution;
mod export;
mod handle;
mod holds;
mod idempotency;
pub mod items;
pub mod keyring;
mod kinds;
mod ledger;
mod manifest;
mod notifications;
pub mod ports;
mod problem_code;
mod record_name;
mod report;
mod requests;
mod step_up;
mod transaction;
mod vault;

pub use certificate::{Language, certificate_document};
pub use engine::{Config, Engine};
pub use error::{EngineError, Refusal, RefusalKind, Result};
pub use export::Download;
pub use idempotency::{IdempotencyState, Repeatable};
pub use ledger::{CheckpointView, Consistency, LogExport, LogSelection};
pub use problem_code::ProblemCode;
