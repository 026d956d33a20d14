//! Reaches the network: tells people by email what becomes of exports, and asks witnesses to cosign the logs.
#![forbid(unsafe_code)]

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use oubli_aws::{Aws, HttpWitness, telemetry, worker};
use oubli_engine::ports::NoStores;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    let engine = aws.engine(Arc::new(NoStores))?.with_channel(aws.email()).with_witness(Arc::new(HttpWitness::default()));
    let (engine, calls) = (&engine, aws.calls());
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(worker::handle(engine, calls, event.payload).await)
    }))
    .await
}
