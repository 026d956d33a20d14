//! Waiting for a decision, in a session that goes on meanwhile.

use super::PATH;
use crate::{failure::Failure, output::plain};
use rmcp::{RoleServer, model::ProgressNotificationParam, service::RequestContext};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);

/// How long to wait, and whom to tell that the waiting goes on: clients give up on what they hear nothing of.
pub(super) struct Patience<'a> {
    since: Instant,
    limit: Duration,
    context: &'a RequestContext<RoleServer>,
}

impl<'a> Patience<'a> {
    pub(super) fn new(limit: Duration, context: &'a RequestContext<RoleServer>) -> Self {
        Self { since: Instant::now(), limit, context }
    }

    /// Rests; whether to look again.
    async fn goes_on(&self) -> bool {
        let waited = self.since.elapsed();
        let rest = self.limit.saturating_sub(waited);
        if rest.is_zero() || self.context.ct.is_cancelled() {
            return false;
        }
        if let Some(token) = self.context.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, waited.as_secs_f64())
                .with_total(self.limit.as_secs_f64())
                .with_message("nobody has decided yet");
            // Whoever hears nothing is told by the answer.
            let _ = self.context.peer.notify_progress(progress).await;
        }
        tokio::select! {
            () = self.context.ct.cancelled() => false,
            () = sleep(PAUSE.min(rest)) => true,
        }
    }
}

/// Looks at a review until somebody decides, or nobody waits any more.
///
/// # Errors
/// It cannot be looked at, and will not be: with its number, to look for it later.
pub(super) async fn wait<R: Future<Output = Result<Value, Failure>>>(
    mut review: Value,
    patience: Patience<'_>,
    look: impl Fn(String) -> R,
) -> Result<Value, Failure> {
    let id = plain(&review["id"]);
    while !review["decision"].is_object() && patience.goes_on().await {
        match look(format!("{PATH}/{id}")).await {
            Ok(seen) => review = seen,
            Err(failure) if failure.may_pass() => {}
            Err(failure) => return Err(Failure::Refused(format!("Review {id} is asked for, but: {}", failure.in_words()))),
        }
    }
    Ok(review)
}
