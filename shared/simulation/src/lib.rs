//! A small world for the engine to live in: in-memory ports with faults, a seeded scheduler that interleaves, crashes,
//! loses, doubles and delays, and an oracle that knows the promises and nothing of the engine.
//!
//! The same seed gives the same run, step by step.
#![forbid(unsafe_code)]

pub mod contract;
mod faults;
mod log;
mod mutant;
mod objects;
mod oracle;
mod people;
mod scheduler;
mod stores;
mod system;
mod table;
mod world;

pub use faults::Fate;
pub use log::{SimLog, signing_key};
pub use mutant::Mutant;
pub use objects::SimObjects;
pub use oracle::audit;
pub use people::organization;
pub use scheduler::{Report, ports, simulate};
pub use table::SimTable;
pub use world::World;
