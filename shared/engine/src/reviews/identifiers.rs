//! What a reviewer says of identifiers, and of what nobody looked at.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, RequestView, to_acknowledge},
    items::{RequestItem, request_partition},
    ports::Envelope,
    reviews::{Approval, Reviews, decidable, same_plan},
};
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    ids::RequestId,
    lifecycle::Event,
    personal::Known,
    plan::{PlanDigest, PlannedIdentifier},
};
use std::collections::BTreeSet;

impl Reviews {
    /// Names ambiguous identifiers of the plan as the person's. What is found through them is another plan, with another
    /// decision.
    ///
    /// # Errors
    /// `unknown_identifier`, `plan_changed`, `invalid_state`.
    pub async fn name_identifiers(
        &self,
        caller: &Caller,
        id: RequestId,
        labels: &[String],
        plan_digest: Option<&PlanDigest>,
    ) -> Result<RequestView> {
        Core::permit(caller, Action::Decide)?;
        let before = self.core.owned(caller, &id).await?;
        same_plan(&before, plan_digest, &decidable(&before)?)?;
        let plan = self.core.plan_of(&before).await?.ok_or_else(|| EngineError::internal("a plan is gone"))?;
        let ambiguous: Vec<&str> = plan.ambiguous().map(|i| i.label.as_str()).collect();
        if labels.is_empty() {
            return Err(unknown("identifiers", "Nothing is named.", &ambiguous));
        }
        for (n, label) in labels.iter().enumerate() {
            if !ambiguous.contains(&label.as_str()) {
                let field = format!("identifiers[{n}]");
                return Err(unknown(&field, "The plan has no ambiguous identifier of this name.", &ambiguous));
            }
        }
        let partition = request_partition(&before.organization, &before.id);
        let key = self.core.identity_key(&before).await?;
        let person = self.core.person_in(&partition, before.execution.round, &key).await?;
        let person = person.ok_or_else(|| EngineError::internal("a person is gone"))?;
        let of_label = |label: &String| {
            let place = plan.identifiers.iter().position(|i| i.label == *label)?;
            person.identifiers.get(place).map(|r| r.known.clone())
        };
        let named: Vec<Known> =
            self.core.named_of(&before, &key)?.into_iter().chain(labels.iter().filter_map(of_label)).collect();
        let mut after = self.core.moved(&before, Event::IdentifiersNamed)?;
        after.execution.sealed_named = self.core.seal_named(&key, &named)?;
        after.seek();
        let mut event = self.core.transition_event(&after, EventType::IdentifiersNamed, Some(caller.actor));
        let kinds: Vec<String> =
            plan.identifiers.iter().filter(|i| labels.contains(&i.label)).map(|i| i.kind.to_string()).collect();
        event.details.insert("identifiers".to_owned(), labels.to_vec().into());
        event.details.insert("kinds".to_owned(), kinds.into());
        let transaction = self.core.write_request(&before, &after, Some(event))?;
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        self.core.notify_after_command(&after, Some(Envelope::now(Core::discover_message(&after)))).await?;
        Ok(RequestView::from(&after))
    }

    /// Whoever approves names what was not searched and what is ambiguous: nobody chose that, and it stays.
    pub(super) async fn check_acknowledged(&self, request: &RequestItem, approval: &Approval) -> Result<()> {
        let plan = self.core.plan_of(request).await?.ok_or_else(|| EngineError::internal("a plan is gone"))?;
        let needed = to_acknowledge(&plan);
        let given: BTreeSet<&str> = approval.acknowledged.iter().map(String::as_str).collect();
        let map = self.core.map_version(&request.organization, plan.map_version).await?;
        let known = |name: &str| {
            needed.contains(name)
                || name == PlannedIdentifier::INCOMPLETE
                || plan.identifiers.iter().any(|i| i.label == name)
                || plan.unasked.iter().any(|u| u.query.to_string() == name)
                || map.producers.iter().any(|p| p.name.as_str() == name)
        };
        if let Some(place) = approval.acknowledged.iter().position(|name| !known(name)) {
            let accepted = match needed.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                [] => "The plan leaves nothing aside.".to_owned(),
                names => format!("Accepted: {}.", names.join(", ")),
            };
            let text = "The plan names nothing so.";
            return Err(Refusal::invalid(ProblemCode::NotAcknowledged, &format!("acknowledged[{place}]"), text, accepted).into());
        }
        if let Some(missing) = needed.iter().find(|name| !given.contains(name.as_str())) {
            let all = needed.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let text = format!("The plan leaves {missing} aside, and the approval does not say so.");
            let remedy = format!("Read the plan, then approve with acknowledged: {all}.");
            let refusal = Refusal::conflict(ProblemCode::NotAcknowledged, text, remedy);
            return Err(Refusal { field: Some("acknowledged".to_owned()), ..refusal }.into());
        }
        Ok(())
    }
}

fn unknown(field: &str, text: &str, ambiguous: &[&str]) -> EngineError {
    let accepted = match ambiguous {
        [] => "Nothing in the plan is ambiguous.".to_owned(),
        some => format!("Accepted: {}.", some.join(", ")),
    };
    Refusal::invalid(ProblemCode::UnknownIdentifier, field, text, accepted).into()
}
