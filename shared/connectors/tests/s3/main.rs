//! The S3 connector on the emulator at `AWS_ENDPOINT_URL`.

#[path = "../support/mod.rs"]
mod support;

mod contract;
mod discover;
mod keys;
mod native;
mod owner;
mod shown;
mod uploads;
mod vault;
mod world;
