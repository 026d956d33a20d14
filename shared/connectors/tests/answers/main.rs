//! The S3 connector against answers that S3 documents and no emulator gives.

#[expect(dead_code, reason = "others use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod lock;
mod read;
mod service;
