//! Drafts of examples, held against what a person who knows them says.

mod clinic;
mod commerce;
mod decided;
mod foreign;
mod hints;
mod made;
mod rides;
mod school;
mod shop;
mod traps;
mod truth;
mod vehicles;
