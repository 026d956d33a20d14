//! A small world for the engine to live in: in-memory ports with faults, a seeded scheduler that interleaves, crashes,
//! loses, doubles and delays, and an oracle that knows the promises and nothing of the engine.
//!
//! The same seed gives the same run, step by step.
#![forbid(unsafe_code)]

mod acts;
mod closing;
pub mod contract;
mod export_bucket;
mod faults;
mod holdings;
mod issuers;
mod ledger;
mod mutant;
mod objects;
mod oracle;
mod people;
pub mod polls;
pub mod promise;
mod scheduler;
pub mod scratch;
mod stores;
mod system;
mod table;
mod witness;
mod world;

pub use export_bucket::SimExportBucket;
pub use faults::CallOutcome;
pub use holdings::SUBJECTS;
pub use issuers::SimIssuers;
pub use ledger::{SimLedger, signing_key};
pub use mutant::Mutant;
pub use objects::SimObjects;
pub use oracle::audit;
pub use people::{new_request, open_shop as shop, organization};
pub use scheduler::{Report, channel, ports, simulate};
pub use scratch::SimScratch;
pub use stores::Filling;
pub use table::SimTable;
pub use witness::{Mood, Witnessing, witness, witnesses};
pub use world::World;
