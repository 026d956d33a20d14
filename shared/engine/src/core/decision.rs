//! Whether the decision on a plan stands, and whether the plan is still young enough.

use crate::{
    EngineError, Result,
    core::{Core, Next},
    items::{DecisionItem, RequestItem, decision_key},
};
use jiff::SignedDuration;
use oubli_domain::{
    audit::EventType,
    lifecycle::Event,
    plan::{Plan, PlannedIdentifier},
    settings::Settings,
};
use std::collections::BTreeSet;

impl Core {
    /// What is to be done needs a recorded decision for exactly this plan.
    pub(crate) async fn decision_stands(&self, request: &RequestItem, partition: &str) -> Result<()> {
        let decision: Option<DecisionItem> = self.find(decision_key(partition, request.execution.round)).await?;
        let stands = decision.is_some_and(|d| {
            d.approved
                && Some(&d.plan_digest) == request.execution.plan_digest.as_ref()
                && Some(d.execution_id) == request.execution.execution_id
        });
        if stands { Ok(()) } else { Err(EngineError::internal("no decision is recorded for this plan")) }
    }

    /// Whether more may have come since than what the plan has. It is as old as its decision, or as the last look that
    /// confirmed it; without a decision, as itself.
    pub(crate) fn is_plan_old(&self, request: &RequestItem, settings: &Settings) -> bool {
        let since = request.execution.decided_at.max(request.execution.planned_at).unwrap_or(request.submitted_at);
        let age = self.now().duration_since(since);
        age > SignedDuration::from_secs(i64::from(settings.decision_valid_seconds))
    }

    /// The decision is old: look again first.
    pub(crate) async fn rediscover(&self, request: &RequestItem) -> Result<Next> {
        let mut after = self.moved(request, Event::PlanAged)?;
        after.seek();
        let event = self.transition_event(&after, EventType::PlanRefreshStarted, None);
        let transaction = self.write_request(request, &after, Some(event))?;
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        self.send(Self::discover_message(&after)).await?;
        Ok(Next::Wait)
    }
}

/// What an approval of a plan has to name: producers that were not searched though nobody left them out, saved queries
/// that are not asked, and identifiers that selected nothing, or that there may be more. Whoever is behind a shared
/// identifier is somebody else.
pub(crate) fn to_acknowledge(plan: &Plan) -> BTreeSet<String> {
    let unsearched = plan.unsearched.iter().filter(|u| !u.why.chosen()).map(|u| u.producer.to_string());
    let ambiguous = plan.unclear().map(|i| i.label.clone());
    let incomplete = plan.identifiers_incomplete.then(|| PlannedIdentifier::INCOMPLETE.to_owned());
    let unasked = plan.unasked.iter().map(|u| u.query.to_string());
    unsearched.chain(unasked).chain(ambiguous).chain(incomplete).collect()
}
