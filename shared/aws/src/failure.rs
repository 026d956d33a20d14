//! What may be said of a failed call: its code. Messages repeat keys and values, so they stay out.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use backon::ExponentialBuilder;
use std::time::Duration;

/// The service's code for a failure, or what kept the service from answering.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    let code = match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("UnknownServiceError"),
        SdkError::TimeoutError(_) => "Timeout",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "ConnectTimeout",
        SdkError::DispatchFailure(_) => "Unreachable",
        SdkError::ResponseError(_) => "UnreadableReply",
        SdkError::ConstructionFailure(_) => "RequestNotBuilt",
        _ => "UnknownError",
    };
    code.to_owned()
}

/// Pauses between tries of what the SDK does not retry: seven, from 10 ms to about a second, jittered.
pub(crate) const fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(10))
        .with_max_delay(Duration::from_millis(640))
        .with_max_times(7)
        .with_jitter()
}
