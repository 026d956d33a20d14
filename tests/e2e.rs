//! Every end-to-end test, in one binary: `cargo xtask test` runs it against a stack whose roles are enforced.

mod access;
mod duties;
mod erasure;
mod events;
mod export_policy;
mod exports;
mod forms;
mod hard_keys;
mod holds;
mod idempotency;
mod limits;
mod map_live;
mod map_refusals;
mod map_suggest;
mod oidc;
mod planting;
mod privacy;
mod proofs;
mod public_example;
mod refusals;
mod reports;
mod scope;
mod stolen_roles;
mod stores;
mod subject;
mod undo;
