//! Finds a subject's data: for requests from a queue, and for people over HTTP.
#![forbid(unsafe_code)]

use lambda_http::{Error, LambdaEvent, request::LambdaRequest, tower::Service};
use lambda_runtime::service_fn;
use oubli_aws::{Aws, Plane, telemetry, worker};
use oubli_connectors::{Options, Registry};
use serde_json::Value;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    let options = Options { path_style: aws.path_style(), observer: aws.calls().interceptor(Plane::Data), ..Options::default() };
    let engine = aws.engine(Arc::new(Registry::new(aws.config().clone(), options)))?;
    let http = lambda_http::Adapter::from(oubli_http::discovery(engine.clone()));
    let (engine, calls, http) = (&engine, aws.calls(), &http);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        if event.payload.get("Records").is_some() {
            let messages = serde_json::from_value(event.payload)?;
            return Ok(serde_json::to_value(worker::handle(engine, calls, messages).await)?);
        }
        let call: LambdaRequest = serde_json::from_value(event.payload)?;
        let answer = http.clone().call(LambdaEvent::new(call, event.context)).await?;
        Ok::<Value, Error>(serde_json::to_value(answer)?)
    }))
    .await
}
