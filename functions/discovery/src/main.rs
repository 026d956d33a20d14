//! Finds a subject's data: for requests from a queue, and for people over HTTP.
#![forbid(unsafe_code)]

use lambda_http::Error;
use oubli_aws::{Aws, Plane, telemetry, worker};
use oubli_connectors::{Options, Registry};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    let options = Options { path_style: aws.path_style(), observer: aws.calls().interceptor(Plane::Data), owner: aws.account()? };
    let engine = aws.engine(Arc::new(Registry::new(aws.config().clone(), options)))?;
    worker::serve(&engine, aws.calls(), oubli_http::discovery(engine.clone())).await
}
