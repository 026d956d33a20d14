//! The use cases of Oubli: what each function does, over ports. No AWS.
#![forbid(unsafe_code)]

pub mod api;
mod error;
pub mod ports;

pub use error::{EngineError, Outcome, Refusal, RefusalKind};
