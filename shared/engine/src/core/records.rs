//! Reading what is written of a request, and of its organization.

use crate::{
    Refusal, Result,
    core::{Core, RequestView, VerificationView},
    items::{RequestItem, from_item, plan_key, request_key, request_partition},
    ports::{Item, Key},
};
use oubli_domain::{
    access::Caller,
    ids::{OrganizationId, RequestId},
    plan::Plan,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

impl Core {
    pub(crate) async fn find_request(&self, organization: &OrganizationId, id: &RequestId) -> Result<Option<RequestItem>> {
        self.find(request_key(organization, id)).await
    }

    /// An item; none if it is not there.
    pub(crate) async fn find<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>> {
        self.ports.table.get_many(&[key]).await?.pop().flatten().map(from_item).transpose()
    }

    /// A request of the caller's organization; what another one owns does not exist.
    pub(crate) async fn owned(&self, caller: &Caller, id: &RequestId) -> Result<RequestItem> {
        let found = self.find_request(&caller.organization, id).await?;
        found.ok_or_else(|| Refusal::not_found("request").into())
    }

    pub(crate) async fn plan_of(&self, item: &RequestItem) -> Result<Option<Plan>> {
        if item.execution.round == 0 {
            return Ok(None);
        }
        self.plan_of_round(item, item.execution.round).await
    }

    pub(crate) async fn plan_of_round(&self, item: &RequestItem, round: u32) -> Result<Option<Plan>> {
        let partition = request_partition(&item.organization, &item.id);
        self.find(plan_key(&partition, round)).await
    }
}

impl From<&RequestItem> for RequestView {
    fn from(item: &RequestItem) -> Self {
        Self {
            id: item.id,
            kind: item.kind(),
            reason: item.reason,
            state: item.state,
            received_at: item.received_at(),
            submitted_at: item.submitted_at,
            submitted_by: item.submitted_by,
            identity: None,
            verification: item.verification.as_ref().map(|v| VerificationView { method: None, verified_at: v.verified_at }),
            scope: item.scope,
            categories: item.categories.clone(),
            exclude_categories: item.exclude_categories.clone(),
            scheduled_at: item.scheduled_at,
            duplicate_of: item.duplicate_of,
            deadlines: item.deadlines.clone(),
            extended: item.extended,
            execution_id: item.execution.execution_id,
            started_at: item.execution.started_at,
            window_ends_at: item.window_ends_at(),
            finished_at: item.finished_at,
            failure: item.failure.clone(),
            export: item.export_state().cloned(),
            export_first: item.erasure().is_some_and(|e| e.export_first),
            prior_export: item.prior_export().map(|e| e.request),
            prior_to: item.prior_to(),
            waiting_for: item.waiting_for,
            plan_digest: item.execution.plan_digest.clone(),
            round: item.execution.round,
            found_nobody: item.execution.found_nobody,
        }
    }
}

/// An item with only these attributes.
pub fn plain_item(attributes: impl IntoIterator<Item = (&'static str, Value)>) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
