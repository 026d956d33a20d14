//! Reads queues: one message after the other, each answered for by itself.

use crate::Calls;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use axum::Router;
use lambda_http::{Error, LambdaEvent, request::LambdaRequest, tower::Service as _};
use lambda_runtime::service_fn;
use oubli_engine::{Download, Engine, EngineError, ports::Message};
use serde::Deserialize;
use serde_json::Value;

/// Runs a function that answers calls over HTTP and reads a queue.
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

/// What a queue holds.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Queued {
    Work(Message),
    Call(Box<Recorded>),
}

/// A call on the bucket of exports, as CloudTrail records data events of S3
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html>).
#[derive(Debug, Deserialize)]
struct Recorded {
    detail: Detail,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(rename = "eventID")]
    event_id: String,
    event_time: jiff::Timestamp,
    event_name: String,
    error_code: Option<String>,
    request_parameters: Option<Parameters>,
    #[serde(default)]
    additional_event_data: Additional,
    #[serde(default)]
    user_identity: UserIdentity,
}

#[derive(Debug, Deserialize)]
struct Parameters {
    key: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Additional {
    #[serde(rename = "AuthenticationMethod")]
    method: Option<String>,
    #[serde(rename = "bytesTransferredOut")]
    bytes: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserIdentity {
    principal_id: Option<String>,
}

/// A download in such a record; calls that were refused, and others, are none.
fn download(recorded: Recorded) -> Option<Download> {
    let detail = recorded.detail;
    if detail.event_name != "GetObject" || detail.error_code.is_some() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bytes, written as a float")]
    let bytes = detail.additional_event_data.bytes.unwrap_or_default().max(0.0) as u64;
    // What stands behind the colon is a session's name, which may be a person's.
    let opaque = |id: String| id.split(':').next().unwrap_or_default().to_owned();
    Some(Download {
        object: detail.request_parameters?.key?,
        event: detail.event_id,
        at: detail.event_time,
        by_link: detail.additional_event_data.method.as_deref() == Some("QueryString"),
        principal: detail.user_identity.principal_id.map(opaque),
        bytes,
    })
}

async fn note_download(engine: &Engine, calls: &Calls, recorded: Recorded) -> bool {
    let Some(download) = download(recorded) else { return true };
    let noted = engine.exports().note_download(&download).await;
    match &noted {
        Ok(()) => tracing::info!("a download is noted"),
        Err(error) => tracing::warn!(%error, "the record of a download will be delivered again"),
    }
    calls.log("download");
    noted.is_ok()
}

/// Handles the messages of an event; those that should be delivered again are named in the answer.
///
/// A message nobody understands is never deleted: after its redeliveries the dead-letter queue and its alarm have it.
pub async fn handle(engine: &Engine, calls: &Calls, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for record in event.records {
        let handled = match record.body.as_deref().map(serde_json::from_str::<Queued>) {
            Some(Ok(Queued::Work(message))) => handle_one(engine, calls, &message).await,
            Some(Ok(Queued::Call(recorded))) => note_download(engine, calls, *recorded).await,
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
    engine.rest();
    response
}

async fn handle_one(engine: &Engine, calls: &Calls, message: &Message) -> bool {
    let organization = message.organization();
    let request = message.request().map(ToString::to_string);
    let (handled, work) = match engine.worker().handle(message).await {
        Ok(work) => {
            tracing::info!(%organization, request, work, "handled");
            (true, work)
        }
        // Somebody else did it, or will: the same message would only find that out again.
        Err(EngineError::Conflict(what)) => {
            tracing::info!(%organization, request, what, "conflict");
            (true, "conflict")
        }
        Err(EngineError::Refused(refusal)) => {
            tracing::error!(%organization, request, code = %refusal.code, "a message was refused");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, Value)]) -> Option<Download> {
        let queued: SqsEvent = serde_json::from_str(include_str!("../../../events/export.json")).expect("an event");
        let body = queued.records[0].body.as_deref().expect("a body");
        let mut event: Value = serde_json::from_str(body).expect("JSON");
        for (pointer, value) in changes {
            let (within, name) = pointer.rsplit_once('/').expect("a pointer");
            event.pointer_mut(within).expect(within)[name] = value.clone();
        }
        match serde_json::from_value(event) {
            Ok(Queued::Call(recorded)) => download(*recorded),
            other => panic!("no record of a call: {other:?}"),
        }
    }

    #[test]
    fn a_download_is_read_from_its_record_without_names() {
        let download = read(&[]).expect("a download");
        assert_eq!(download.object, "demo/req_0190a5d8c0de7000a000000000000042.zip.enc");
        assert_eq!((download.by_link, download.bytes), (true, 48_213));
        assert_eq!(download.principal.as_deref(), Some("AROAEXAMPLEEXAMPLE"));
        assert!(!read(&[("/detail/additionalEventData/AuthenticationMethod", "AuthHeader".into())]).expect("one").by_link);
    }

    #[test]
    fn what_fetched_nothing_is_no_download() {
        assert_eq!(read(&[("/detail/errorCode", "AccessDenied".into())]), None);
        assert_eq!(read(&[("/detail/eventName", "HeadObject".into())]), None);
    }
}
