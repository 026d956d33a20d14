//! Every minute: sends on what is due, stuck or lost.
#![forbid(unsafe_code)]

use lambda_runtime::{Error, LambdaEvent, service_fn};
use oubli_aws::{Aws, telemetry};
use oubli_engine::ports::NoStores;
use serde_json::Value;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    let engine = aws.engine(Arc::new(NoStores))?;
    let engine = &engine;
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| async move {
        let found = engine.worker().sweep().await?;
        tracing::info!(found, "swept");
        Ok::<_, Error>(())
    }))
    .await
}
