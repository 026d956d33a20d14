//! The use cases of Oubli: what each function does, over ports. No AWS.
#![forbid(unsafe_code)]

pub mod api;
mod core;
mod crypt;
pub mod directory;
mod discovery;
mod engine;
mod error;
mod execution;
mod exports;
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
mod reports;
mod requests;
pub mod reviews;
mod subjects;
mod transaction;
mod vault;
mod worker;

pub use crate::core::{Config, MOST_RESULTS, NewCodes};
pub use directory::Directory;
pub use discovery::Discovery;
pub use engine::Engine;
pub use error::{EngineError, Refusal, RefusalKind, Result};
pub use exports::{Download, Exports};
pub use holds::Holds;
pub use idempotency::{Idempotency, IdempotencyState, Repeatable};
pub use ledger::{CheckpointView, Consistency, Ledger, LogExport, LogSelection, WitnessView};
pub use oubli_domain::language::Language;
pub use problem_code::ProblemCode;
pub use reports::{Reports, certificate_document};
pub use requests::Requests;
pub use reviews::Reviews;
pub use subjects::{Naming, Subjects};
pub use worker::Worker;
