//! The stores a subject's data lives in, one module each, behind the engine's `Connector`.
#![forbid(unsafe_code)]

mod dynamodb;
mod failure;
mod registry;
mod s3;
mod survey;

pub use dynamodb::DynamoDb;
pub use registry::{Options, Registry};
pub use s3::S3;
pub use survey::survey;
