//! Reads queues: one message after the other, each answered for by itself.

use crate::Calls;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use axum::Router;
use lambda_http::{Error, LambdaEvent, request::LambdaRequest, tower::Service as _};
use lambda_runtime::service_fn;
use oubli_engine::{Engine, EngineError, ports::Message};
use serde_json::Value;

/// Runs a function that answers calls over HTTP and reads a queue as well.
///
/// # Errors
/// Those of the Runtime API.
pub async fn serve(engine: &Engine, calls: &Calls, routes: Router) -> Result<(), Error> {
    let http = &lambda_http::Adapter::from(routes);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        if event.payload.get("Records").is_some() {
            let messages = serde_json::from_value(event.payload)?;
            return Ok(serde_json::to_value(handle(engine, calls, messages).await)?);
        }
        let call: LambdaRequest = serde_json::from_value(event.payload)?;
        let answer = http.clone().call(LambdaEvent::new(call, event.context)).await?;
        Ok::<Value, Error>(serde_json::to_value(answer)?)
    }))
    .await
}

/// Handles the messages of an event; those that should be delivered again are named in the answer.
///
/// A message nobody understands is never deleted: after its redeliveries the dead-letter queue and its alarm have it.
pub async fn handle(engine: &Engine, calls: &Calls, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for record in event.records {
        let handled = match record.body.as_deref().map(serde_json::from_str::<Message>) {
            Some(Ok(message)) => handle_one(engine, calls, &message).await,
            _ => {
                tracing::error!(message_id = ?record.message_id, "a message cannot be read");
                false
            }
        };
        if !handled {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = record.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    response
}

async fn handle_one(engine: &Engine, calls: &Calls, message: &Message) -> bool {
    let organization = message.organization();
    let request = message.request().map(ToString::to_string);
    let (handled, work) = match engine.handle(message).await {
        Ok(work) => {
            tracing::info!(%organization, request, work, "handled");
            (true, work)
        }
        // Somebody else did it, or will: the same message would only find that out again.
        Err(EngineError::Overtaken(what)) => {
            tracing::info!(%organization, request, what, "overtaken");
            (true, "overtaken")
        }
        Err(EngineError::Refused(refusal)) => {
            tracing::error!(%organization, request, code = refusal.code, "a message was refused");
            (true, "refused")
        }
        Err(error) => {
            tracing::warn!(%organization, request, %error, "a message will be delivered again");
            (false, "failed")
        }
    };
    calls.log(work);
    handled
}
