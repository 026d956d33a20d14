//! Hiding, restoring and purging, by the protocol of `docs/protocol.md`.
//!
//! [`advance`] moves requests, [`worker`] moves batches. Both are level-triggered: they look at what is there and do
//! what is due, so that a message lost costs time and a message doubled costs nothing.

mod advance;
mod attempts;
mod begin;
mod bound;
mod ends;
mod export_first;
mod finish;
mod hide;
mod native;
mod purge;
mod restore;
mod turns;
mod worker;

use crate::core::Core;

/// Hiding, restoring and purging.
#[derive(Clone)]
pub(crate) struct Execution {
    pub(crate) core: Core,
}
