//! The connectors against answers that their services document and no emulator gives.

#[expect(dead_code, reason = "others use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod bucket;
mod delete;
mod elsewhere;
mod keys;
mod lock;
mod owner;
mod patterns;
mod queries;
mod read;
mod sample;
mod scan;
mod service;
mod survey;
mod tops;
mod uploads;
mod values;
