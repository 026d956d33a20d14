//! What the end of a request claims.

use crate::{
    Result,
    core::{Core, today},
    crypt,
    items::{DecisionItem, RequestItem, StepItem, decision_key, from_item, request_partition, step_prefix},
    keyring::{self, Purpose},
    ports::{Query, Range, TableName},
};
use oubli_domain::{
    ids::Category,
    ledger::{
        AskedClaim, CategoryClaim, Claims, IdentifierClaim, KeptClaim, LeftOutClaim, SubjectClaim, UnsearchedClaim,
        VerificationClaim,
    },
    lifecycle::Phase,
    plan::{Kept, LeftOut, Plan, PlanDigest, PlannedIdentifier, Unsearched},
    remains::Remains,
};
use std::collections::BTreeMap;

impl Core {
    /// The claims of a request that completes now. `verified` is what the last look found, `remains` what may be left.
    pub(crate) async fn claims(
        &self,
        before: &RequestItem,
        after: &RequestItem,
        verified: &Plan,
        remains: &Remains,
    ) -> Result<Claims> {
        let completed = after.state.phase == Phase::Completed;
        let settings = self.settings(&before.organization).await?;
        let opening = self.opening(before).await?;
        let map = self.map_version(&before.organization, verified.map_version).await?;
        let claim = |i: &PlannedIdentifier| IdentifierClaim::of(i, map.form_of(&i.kind), settings.country);
        Ok(Claims {
            organization: before.organization.clone(),
            organization_name: settings.name,
            request_id: before.id,
            request_type: word(&before.kind()),
            asked: asked_claim(before),
            reason: word(&before.reason),
            status: if completed { "completed" } else { "completed_with_exceptions" }.to_owned(),
            received_at: before.received_at(),
            identity_verified_at: before.verification.as_ref().map(|v| v.verified_at),
            approved_at: before.execution.first_decided_at,
            plan_digests: self.plans_carried_out(before).await?,
            started_at: before.execution.started_at,
            completed_at: after.finished_at.unwrap_or_else(|| self.now()),
            due: today(before.deadlines.legal, &before.time_zone)?,
            deadlines: before.deadlines.clone(),
            erased: self.erased_by_category(before).await?,
            pseudonymized: vec![],
            kept: kept_claims(&remains.kept),
            left_out: remains.left_out.iter().map(left_out_claim).collect(),
            unsearched: remains.unsearched.iter().map(unsearched_claim).collect(),
            already_absent: before.execution.counts.already_absent,
            uncertain: before.execution.counts.uncertain,
            restored: remains.restored,
            conflicts: remains.conflicts,
            failed: remains.failed,
            verification: (!before.execution.unverified).then(|| VerificationClaim {
                began_at: verified.discovered_at,
                // Whoever names what a later round leaves looks for nothing.
                rounds: before.execution.sought - u32::from(before.execution.closing.is_some()),
                found: verified.records(),
            }),
            identifiers: verified.identifiers.iter().filter_map(claim).collect(),
            identifiers_incomplete: verified.identifiers_incomplete,
            subject: SubjectClaim::new(before.subject_id_hash.clone(), opening.as_deref()),
        })
    }

    /// The plans that somebody approved and that were carried out, by round.
    async fn plans_carried_out(&self, request: &RequestItem) -> Result<Vec<PlanDigest>> {
        let partition = request_partition(&request.organization, &request.id);
        let keys: Vec<_> = request.execution.begun.iter().map(|round| decision_key(&partition, *round)).collect();
        if keys.is_empty() {
            return Ok(vec![]);
        }
        let decisions = self.ports.table.get_many(&keys).await?.into_iter().flatten().map(from_item::<DecisionItem>);
        let decisions = decisions.collect::<Result<Vec<_>>>()?;
        Ok(decisions.into_iter().filter(|decision| decision.approved).map(|decision| decision.plan_digest).collect())
    }

    pub(crate) async fn opening(&self, request: &RequestItem) -> Result<Option<Vec<u8>>> {
        let partition = request_partition(&request.organization, &request.id);
        let key = keyring::find(&self.ports, &request.organization, &partition, Purpose::Identity).await?;
        match (key, &request.sealed_opening) {
            (Some(key), Some(sealed)) => Ok(Some(crypt::open(&key, "opening", sealed)?)),
            _ => Ok(None),
        }
    }

    /// What a request erased, by category, in all its rounds.
    pub(crate) async fn erased_by_category(&self, request: &RequestItem) -> Result<Vec<CategoryClaim>> {
        let partition = request_partition(&request.organization, &request.id);
        let mut erased: BTreeMap<Category, CategoryClaim> = BTreeMap::new();
        for round in 1..=request.execution.sought {
            let query = Query::new(TableName::Control, partition.clone(), Range::Prefix(step_prefix(round)));
            for item in self.query_all(query).await? {
                let step: StepItem = from_item(item)?;
                if step.counts.erased == 0 {
                    continue;
                }
                let none = || CategoryClaim { category: step.category.clone(), documents: 0, vectors: 0, size_bytes: 0 };
                let sum = erased.entry(step.category.clone()).or_insert_with(none);
                sum.documents += step.counts.erased;
                sum.size_bytes += step.counts.bytes;
            }
        }
        Ok(erased.into_values().collect())
    }
}

pub(crate) fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn asked_claim(request: &RequestItem) -> AskedClaim {
    AskedClaim {
        categories: request.categories.clone(),
        exclude_categories: request.exclude_categories.clone(),
        include_backups: request.scope.include_backups,
        include_logs: request.scope.include_logs,
        include_derived_data: request.scope.include_derived_data,
    }
}

fn left_out_claim(left_out: &LeftOut) -> LeftOutClaim {
    let LeftOut { category, retention_until, decided_by } = left_out;
    LeftOutClaim { category: category.clone(), until: *retention_until, decided_by: *decided_by }
}

fn unsearched_claim(unsearched: &Unsearched) -> UnsearchedClaim {
    let Unsearched { producer, category, why } = unsearched;
    UnsearchedClaim::new(producer.clone(), category.clone(), why)
}

fn kept_claims(kept: &[Kept]) -> Vec<KeptClaim> {
    let claim = |k: &Kept| KeptClaim {
        category: k.category.clone(),
        documents: k.records,
        size_bytes: k.bytes,
        reason: k.why.code().to_owned(),
        duty: k.why.words_of_the_map(),
        until: k.why.until(),
    };
    kept.iter().map(claim).collect()
}
