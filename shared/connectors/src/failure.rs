//! What a failed call says about a store. Codes only: messages repeat keys and values.

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use backon::ExponentialBuilder;
use oubli_engine::ports::StoreError;
use std::time::Duration;

/// Pauses between tries of what the SDK does not retry: seven, from 10 ms to about a second, jittered.
pub(crate) const fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(10))
        .with_max_delay(Duration::from_millis(640))
        .with_max_times(7)
        .with_jitter()
}

/// A table or bucket, as errors name it.
#[derive(Debug, Clone)]
pub(crate) struct Resource(String);

impl Resource {
    pub(crate) fn table(name: &str) -> Self {
        Self(format!("DynamoDB table {name}"))
    }

    pub(crate) fn query(name: &str) -> Self {
        Self(format!("saved query {name}"))
    }

    pub(crate) fn bucket(name: &str) -> Self {
        Self(format!("S3 bucket {name}"))
    }

    pub(crate) fn uploads(bucket: &str) -> Self {
        Self(format!("unfinished uploads of S3 bucket {bucket}"))
    }

    pub(crate) fn unavailable(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Unavailable { store: self.0.clone(), reason: reason.into() }
    }

    pub(crate) fn unusable(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Unusable { store: self.0.clone(), reason: reason.into() }
    }

    pub(crate) fn too_large(&self, reason: impl Into<String>) -> StoreError {
        StoreError::TooLarge { store: self.0.clone(), reason: reason.into() }
    }

    pub(crate) fn record(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Record { store: self.0.clone(), reason: reason.into() }
    }

    /// A failed call on the store itself.
    pub(crate) fn failed<E: ProvideErrorMetadata>(&self, error: &SdkError<E, HttpResponse>) -> StoreError {
        self.judge(&code(error), status(error))
    }

    /// A failed call on one record: what is not the store's fault is the record's.
    pub(crate) fn failed_record<E: ProvideErrorMetadata>(&self, error: &SdkError<E, HttpResponse>) -> StoreError {
        self.judge_record(&code(error), status(error))
    }

    pub(crate) fn judge(&self, code: &str, status: Option<u16>) -> StoreError {
        match kind(code, status) {
            FailureKind::Passing => self.unavailable(code),
            FailureKind::Refused => {
                self.unusable(format!("{code}: allow the deployment's role to use it, and its KMS key if it has one"))
            }
            FailureKind::Missing => self.unusable(format!("{code}: create it, or correct its name or Region in the data map")),
            FailureKind::Other => self.unusable(code),
        }
    }

    pub(crate) fn judge_record(&self, code: &str, status: Option<u16>) -> StoreError {
        match (code, kind(code, status)) {
            // Throttling apart, what a key refuses concerns the objects under it; others have other keys.
            (_, FailureKind::Refused | FailureKind::Missing) if code.starts_with("KMS.") => {
                self.record(format!("{code}: allow the deployment's role to use the key it is encrypted with"))
            }
            ("InvalidObjectState", _) => self.record("InvalidObjectState: it is archived; restore it from the archive first"),
            (_, FailureKind::Other) => self.record(code),
            (_, _) => self.judge(code, status),
        }
    }
}

enum FailureKind {
    Passing,
    Refused,
    Missing,
    Other,
}

fn kind(code: &str, status: Option<u16>) -> FailureKind {
    match code {
        "AccessDenied"
        | "AccessDeniedException"
        | "AllAccessDisabled"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "KMS.AccessDeniedException"
        | "KMS.DisabledException"
        | "KMS.InvalidStateException"
        | "KMS.KMSInvalidStateException" => FailureKind::Refused,
        "ResourceNotFoundException"
        | "NoSuchBucket"
        | "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "KMS.NotFoundException" => FailureKind::Missing,
        "InvalidObjectState" => FailureKind::Other,
        // Bad requests that are nobody's fault: too many, at a bad moment, or with credentials about to be renewed.
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "KMS.ThrottlingException"
        | "RequestLimitExceeded"
        | "LimitExceededException"
        | "TransactionConflictException"
        | "ReplicatedWriteConflictException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestTimeout"
        | "RequestTimeTooSkewed"
        | "OperationAborted"
        | "ConditionalRequestConflict"
        | "SlowDown" => FailureKind::Passing,
        _ => match status {
            Some(408 | 409 | 429) | None => FailureKind::Passing,
            Some(status) if status >= 500 => FailureKind::Passing,
            Some(_) => FailureKind::Other,
        },
    }
}

/// The service's code, or what kept the service from answering. Replies to HEAD have no code, only a status.
pub(crate) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let code = match error {
        SdkError::ServiceError(service) => match (service.err().code(), service.raw().status().as_u16()) {
            (Some(code), _) => code,
            (None, 403) => "AccessDenied",
            (None, 404) => "NotFound",
            (None, 412) => "PreconditionFailed",
            (None, 301) => "PermanentRedirect",
            (None, status) => return format!("HTTP {status}"),
        },
        SdkError::TimeoutError(_) => "Timeout",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "ConnectTimeout",
        SdkError::DispatchFailure(_) => "Unreachable",
        SdkError::ResponseError(_) => "UnreadableReply",
        SdkError::ConstructionFailure(_) => "RequestNotBuilt",
        _ => "UnknownError",
    };
    code.to_owned()
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    match error {
        SdkError::ServiceError(service) => Some(service.raw().status().as_u16()),
        _ => None,
    }
}

/// Errors cannot be cloned into several answers by everyone; answers for records of one failed call all get it.
pub(crate) fn all<T>(count: usize, error: &StoreError) -> Vec<Result<T, StoreError>> {
    (0..count).map(|_| Err(error.clone())).collect()
}

/// What a store refuses beside what it answered is the trouble of those records, not the store's.
pub(crate) fn apart<T>(answers: Vec<Result<T, StoreError>>, answered: impl Fn(&T) -> bool) -> Vec<Result<T, StoreError>> {
    if !answers.iter().flatten().any(answered) {
        return answers;
    }
    let own = |error| match error {
        StoreError::Unusable { store, reason } => StoreError::Record { store, reason },
        error => error,
    };
    answers.into_iter().map(|answer| answer.map_err(own)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_fall_into_what_passes_what_must_be_mended_and_what_is_the_records_fault() {
        let resource = Resource::bucket("b");
        for (code, status) in [("SlowDown", 503), ("ThrottlingException", 400), ("InternalError", 500), ("HTTP 502", 502)] {
            assert!(matches!(resource.judge_record(code, Some(status)), StoreError::Unavailable { .. }), "{code}");
        }
        assert!(matches!(resource.judge("Timeout", None), StoreError::Unavailable { .. }));
        for (code, status) in [("AccessDenied", 403), ("NoSuchBucket", 404), ("ResourceNotFoundException", 400)] {
            let error = resource.judge_record(code, Some(status));
            assert!(matches!(&error, StoreError::Unusable { reason, .. } if reason.len() > code.len()), "{error}");
        }
        assert!(matches!(resource.judge("ValidationException", Some(400)), StoreError::Unusable { .. }));
        assert!(matches!(resource.judge_record("ValidationException", Some(400)), StoreError::Record { .. }));
        assert!(resource.judge_record("InvalidObjectState", Some(403)).to_string().contains("archive"));
        for code in ["KMS.AccessDeniedException", "KMS.DisabledException", "KMS.NotFoundException"] {
            assert!(matches!(resource.judge_record(code, Some(400)), StoreError::Record { .. }), "{code}");
            assert!(matches!(resource.judge(code, Some(400)), StoreError::Unusable { .. }), "{code}");
        }
        assert!(matches!(resource.judge_record("KMS.ThrottlingException", Some(400)), StoreError::Unavailable { .. }));
    }
}
