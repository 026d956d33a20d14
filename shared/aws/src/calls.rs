//! Counts calls to AWS, for the budgets of calls per batch.

use aws_sdk_dynamodb::config::{
    ConfigBag, Intercept, RuntimeComponents, SharedInterceptor, interceptors::BeforeSerializationInterceptorContextRef,
};
use aws_smithy_runtime_api::{box_error::BoxError, client::orchestrator::Metadata};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fmt,
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

/// On whose behalf a client calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    /// Oubli's own tables, bucket, queues and keys.
    Control,
    /// The customer's stores.
    Data,
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Plane::Control => "control",
            Plane::Data => "data",
        })
    }
}

type Counts = Arc<Mutex<BTreeMap<String, u64>>>;

/// A count of calls by plane, service and operation, such as `control.DynamoDB.TransactWriteItems`. A call that the
/// SDK repeats counts once. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Calls(Option<Counts>);

impl Calls {
    /// A count that is kept only where `OUBLI_COUNT_CALLS` is `1`.
    pub fn from_env() -> Self {
        if std::env::var("OUBLI_COUNT_CALLS").is_ok_and(|v| v == "1") { Self::on() } else { Self::default() }
    }

    /// A count that is kept.
    pub fn on() -> Self {
        Self(Some(Counts::default()))
    }

    /// What a client must carry to be counted; `None` where nothing is counted.
    pub fn interceptor(&self, plane: Plane) -> Option<SharedInterceptor> {
        self.0.clone().map(|counts| SharedInterceptor::new(Counter { counts, plane }))
    }

    /// The calls since the last time this was asked.
    pub fn take(&self) -> BTreeMap<String, u64> {
        self.0.as_ref().map(|c| std::mem::take(&mut *c.lock().unwrap_or_else(PoisonError::into_inner))).unwrap_or_default()
    }

    /// Prints the calls since the last time as one JSON line, if they are counted: a function calls it at the end of
    /// each message, naming what that message was about.
    pub fn log(&self, phase: &str) {
        if self.0.is_some() {
            let line = json!({ "message": "aws_calls", "phase": phase, "calls": self.take() });
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }
}

#[derive(Debug)]
struct Counter {
    counts: Counts,
    plane: Plane,
}

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "oubli-calls"
    }

    // The first hook that knows the operation and runs once per call rather than once per attempt.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(operation) = config.load::<Metadata>() {
            let name = format!("{}.{}.{}", self.plane, operation.service(), operation.name());
            *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
        }
        Ok(())
    }
}
