//! The DynamoDB connector on a strict DynamoDB.

#[path = "../support/mod.rs"]
mod support;

mod discover;
mod growth;
mod meddler;
mod vault;
mod world;
