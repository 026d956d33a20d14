//! Tells people by email what becomes of exports.
#![forbid(unsafe_code)]

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use oubli_aws::{Aws, telemetry, worker};
use oubli_connectors::{Options, Registry};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    // Nothing done here reaches a store, and this function's role would not let it.
    let engine = aws.engine(Arc::new(Registry::new(aws.config().clone(), Options::default())))?.with_mailer(aws.mailer());
    let (engine, calls) = (&engine, aws.calls());
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(worker::handle(engine, calls, event.payload).await)
    }))
    .await
}
