//! The connectors against answers that S3 and DynamoDB document and no emulator gives.

#[expect(dead_code, reason = "others use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod delete;
mod elsewhere;
mod lock;
mod queries;
mod read;
mod sample;
mod service;
mod survey;
mod uploads;
