//! Hides, restores and purges, one batch at a time.
#![forbid(unsafe_code)]

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use oubli_aws::{Aws, Plane, telemetry, worker};
use oubli_connectors::{Options, Registry};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    let options = Options { path_style: aws.path_style(), observer: aws.calls().interceptor(Plane::Data), owner: aws.account()? };
    let engine = aws.engine(Arc::new(Registry::new(aws.config().clone(), options)))?;
    let (engine, calls) = (&engine, aws.calls());
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(worker::handle(engine, calls, event.payload).await)
    }))
    .await
}
