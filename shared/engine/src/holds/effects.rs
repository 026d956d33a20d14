//! What a new hold came too late for.

use crate::{
    Result,
    holds::{HoldEffect, HoldEffects, Holds},
    items::{
        RequestItem, executing_partition, from_item, open_of_subject_prefix, open_partition, request_key, subject_partition,
    },
    ports::{Query, Range, TableName},
};
use futures::future::try_join_all;
use oubli_domain::{
    hold::HoldScope,
    ids::{OrganizationId, RequestId},
};
use serde_json::Value;

/// Most requests named in an answer: the others are found in the list of requests.
const NAMED: usize = 100;

/// Requests whose steps are read at the same time.
const READ_TOGETHER: usize = 20;

impl Holds {
    /// The requests that a hold touches, at most so many: first those of which something is, or may be, hidden.
    pub(super) async fn effects(&self, organization: &OrganizationId, scope: &HoldScope) -> Result<HoldEffects> {
        let mut touched = self.under_way(organization, scope).await?;
        for (partition, range) in open(organization, scope) {
            if touched.len() <= NAMED {
                touched.extend(self.some_of(partition, range).await?);
                dedup(&mut touched);
            }
        }
        let more = touched.len() > NAMED;
        touched.truncate(NAMED);
        if touched.is_empty() {
            return Ok(HoldEffects::default());
        }
        let keys: Vec<_> = touched.iter().map(|id| request_key(organization, id)).collect();
        let found = self.core.ports.table.get_many(&keys).await?;
        let requests: Vec<RequestItem> = found.into_iter().flatten().map(from_item).collect::<Result<_>>()?;
        let open: Vec<RequestItem> = requests.into_iter().filter(|r| !r.state.is_final()).collect();
        let mut effects = Vec::new();
        for some in open.chunks(READ_TOGETHER) {
            let accounts = try_join_all(some.iter().map(|request| self.core.account(request))).await?;
            let told = some.iter().zip(accounts);
            effects.extend(told.map(|(r, account)| HoldEffect { request_id: r.id, state: r.state, account }));
        }
        Ok(HoldEffects { effects, more })
    }

    /// Those that hold a guard of the subject, or of anybody.
    async fn under_way(&self, organization: &OrganizationId, scope: &HoldScope) -> Result<Vec<RequestId>> {
        if scope.is_on_everybody() {
            return self.some_of(executing_partition(organization), Range::All).await;
        }
        let guards = self.core.guards(organization, &scope.subject_keys).await?;
        let mut named: Vec<RequestId> = guards.iter().flatten().flat_map(|g| [g.executing, g.exporting]).flatten().collect();
        dedup(&mut named);
        Ok(named)
    }

    /// One more than can be named is enough.
    async fn some_of(&self, partition: String, range: Range) -> Result<Vec<RequestId>> {
        let query = Query { limit: NAMED + 1, ..Query::new(TableName::Control, partition, range) };
        let page = self.core.ports.table.query(query).await?;
        let named = page.items.iter().filter_map(|i| i.get("request").and_then(Value::as_str));
        Ok(named.filter_map(|id| id.parse().ok()).collect())
    }
}

/// Where the open requests are listed that a hold touches.
fn open(organization: &OrganizationId, scope: &HoldScope) -> Vec<(String, Range)> {
    if scope.is_on_everybody() {
        return vec![(open_partition(organization), Range::All)];
    }
    let of = |key: &String| (subject_partition(organization, key), Range::Prefix(open_of_subject_prefix(None)));
    scope.subject_keys.iter().map(of).collect()
}

fn dedup(ids: &mut Vec<RequestId>) {
    let mut seen = std::collections::BTreeSet::new();
    ids.retain(|id| seen.insert(*id));
}
