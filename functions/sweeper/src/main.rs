//! Every minute: sends on what is due, stuck or lost.
#![forbid(unsafe_code)]

use lambda_runtime::{Error, LambdaEvent, service_fn};
use oubli_aws::{Aws, telemetry};
use oubli_connectors::{Options, Registry};
use serde_json::Value;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    // Nothing done here reaches a store, and this function's role would not let it.
    let engine = aws.engine(Arc::new(Registry::new(aws.config().clone(), Options::default())))?;
    let engine = &engine;
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| async move {
        let found = engine.sweep().await?;
        tracing::info!(found, "swept");
        Ok::<_, Error>(())
    }))
    .await
}
