//! Answers HTTP calls about requests, holds and the audit log.
#![forbid(unsafe_code)]

use lambda_http::Error;
use oubli_aws::{Aws, telemetry};
use oubli_connectors::{Options, Registry};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    // No call served here reaches a store, and this function's role would not let it.
    let engine = aws.engine(Arc::new(Registry::new(aws.config().clone(), Options::default())))?;
    lambda_http::run(oubli_http::intake(engine)).await
}
