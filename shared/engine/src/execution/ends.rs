//! Ends by policy: nobody's data waits for ever for a person who does not come.

use crate::{Result, core::Next, execution::Execution, items::RequestItem};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{lifecycle::Phase, settings::Settings};

impl Execution {
    /// A request that waits for a person: once policy says so it is cancelled, or goes on without what failed. It is looked
    /// at no earlier.
    pub(crate) async fn end_by_policy(&self, request: &RequestItem) -> Result<Next> {
        let settings = self.core.settings(&request.organization).await?;
        let end = end_of(request, &settings);
        if end.is_some_and(|end| end <= self.core.now()) {
            if request.failed_in.is_some_and(Phase::can_continue_without_failed) {
                self.core.continue_without_failed(request, None).await?;
            } else {
                self.core.stop(request, None, None).await?;
            }
            return Ok(Next::Again);
        }
        let mut after = request.clone();
        after.version += 1;
        match end {
            Some(end) => after.due(end),
            None => after.not_due(),
        }
        if after.due_sk != request.due_sk {
            self.core.write_request(request, &after, None)?.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        }
        Ok(Next::Wait)
    }
}

/// When nobody is waited for any longer. Never before the legal deadline: until then, an answer is owed.
fn end_of(request: &RequestItem, settings: &Settings) -> Option<Timestamp> {
    let (since, days) = match request.state.phase {
        Phase::AwaitingVerification => (request.submitted_at, settings.unverified_ends_after_days),
        Phase::InReview => (request.phase_started_at, settings.unreviewed_ends_after_days),
        Phase::Failed => (request.phase_started_at, settings.failed_ends_after_days),
        _ => return None,
    };
    Some((since + SignedDuration::from_hours(24 * i64::from(days))).max(request.deadlines.legal))
}
