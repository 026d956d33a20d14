//! The stores a subject's data lives in, one module each, behind the engine's `Connector`.
#![forbid(unsafe_code)]

mod dynamodb;
mod failure;
mod registry;
mod s3;
mod sampling;
mod survey;

pub use dynamodb::DynamoDb;
pub use registry::{Factory, Options, Registry};
pub use s3::S3;
pub use sampling::sampling;
pub use survey::{needs, survey};

use aws_config::SdkConfig;
use oubli_domain::datamap::StoreKind;

impl Registry {
    /// Connectors of every kind, as [`Registry::empty`] makes one of none.
    pub fn new(config: SdkConfig, options: Options) -> Self {
        Self::empty(config, options).with(StoreKind::Dynamodb, dynamodb::connect).with(StoreKind::S3, s3::connect)
    }
}
