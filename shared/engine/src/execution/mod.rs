//! Hiding, restoring and purging, by the protocol of `docs/protocol.md`.
//!
//! [`advance`] moves requests, [`worker`] moves batches. Both are level-triggered: they look at what is there and do
//! what is due, so that a message lost costs time and a message doubled costs nothing.

mod advance;
mod attempts;
mod begin;
mod ends;
mod export_first;
mod finish;
mod hide;
mod lines;
mod native;
mod purge;
mod restore;
mod worker;

pub(crate) use advance::Next;
pub(crate) use hide::{retention_fields, started, today};
pub(crate) use lines::Wait;
pub(crate) use restore::changes;
pub use worker::BatchAddress;
pub(crate) use worker::word;
