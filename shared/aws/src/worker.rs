//! Reads queues: one message after the other, each answered for by itself.

use crate::Calls;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use oubli_engine::{Engine, EngineError, ports::Message};

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
