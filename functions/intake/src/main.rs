//! Answers HTTP calls about requests, holds and the audit log.
#![forbid(unsafe_code)]

use lambda_http::Error;
use oubli_aws::{Aws, telemetry};
use oubli_engine::ports::NoStores;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    let engine = aws.engine(Arc::new(NoStores))?;
    lambda_http::run(oubli_http::intake(engine)).await
}
