//! The DynamoDB connector on a strict DynamoDB.

#[path = "../support/mod.rs"]
mod support;

mod contract;
mod discover;
mod growth;
mod sample;
mod scan;
mod single_table;
mod survey;
mod vault;
mod world;
