//! What keeps others off: a subject's guards, holds, and the checks by which a write is void once one of them changed.

use crate::{
    EngineError, Result,
    core::{Core, held_with},
    items::{
        ActiveHoldItem, GuardItem, RequestItem, SUBJECT_HOLD, everybody_holds_partition, everybody_key, executing_key, from_item,
        guard_key, open_of_subject_key, request_key, subject_partition, unresolved_holds_partition,
    },
    ports::{Change, Condition, Key, Query, Range, TableName, Write},
    transaction::{Transaction, equals, set, unchanged},
};
use oubli_domain::{
    hold::{Hold, HoldScope, HoldView},
    ids::{Category, OrganizationId},
    lifecycle::Phase,
};

impl Core {
    /// A subject's guards, in the order of its keys.
    pub(crate) async fn guards(&self, organization: &OrganizationId, subject_keys: &[String]) -> Result<Vec<Option<GuardItem>>> {
        let keys: Vec<_> = subject_keys.iter().map(|k| guard_key(organization, k)).collect();
        let items = self.ports.table.get_many(&keys).await?;
        items.into_iter().map(|i| i.map(from_item).transpose()).collect()
    }

    /// What the holds in force mean for a request. Versions are read first: a hold placed in between moves them on, and
    /// whoever relies on this view checks them.
    pub(crate) async fn evaluate_holds(&self, request: &RequestItem) -> Result<(Vec<Option<GuardItem>>, HoldView)> {
        let organization = &request.organization;
        let mut keys: Vec<_> = request.subject_keys.iter().map(|k| guard_key(organization, k)).collect();
        keys.push(everybody_key(organization, &request.id));
        let mut found = self.ports.table.get_many(&keys).await?;
        let everybody = found.pop().flatten().map(from_item::<GuardItem>).transpose()?.unwrap_or_default();
        let guards: Vec<Option<GuardItem>> = found.into_iter().map(|i| i.map(from_item).transpose()).collect::<Result<_>>()?;
        let versions = guards.iter().map(|g| g.as_ref().map_or(0, |g| g.holds_version)).collect();
        let mut holds = self.holds_in_force(organization, &request.subject_keys).await?;
        if may_destroy(request) {
            self.add_unresolved(organization, &mut holds).await?;
        }
        let view = HoldView::evaluate(versions, everybody.holds_version, &holds, &request.subject_keys);
        Ok((guards, self.with_children(request, view).await?))
    }

    /// A hold on a category holds what stays with its records, too.
    async fn with_children(&self, request: &RequestItem, view: HoldView) -> Result<HoldView> {
        let version = request.execution.seeking_map.unwrap_or(request.execution.map_version);
        if view.categories.is_empty() || version == 0 {
            return Ok(view);
        }
        match self.map_version(&request.organization, version).await {
            Ok(map) => {
                let pairs = &request.execution.may_be_held_as;
                let others =
                    |held: &Category| pairs.iter().filter(|(one, _)| one == held).map(|(_, other)| other.clone()).collect();
                Ok(held_with(&map, held_with(&map, view).with_others(others)))
            }
            // Nothing is found, hidden or destroyed by a map that cannot be read: what is over goes on.
            Err(EngineError::Refused(_)) => Ok(view),
            Err(error) => Err(error),
        }
    }

    /// The holds in force on a subject, those on everybody among them.
    pub(crate) async fn holds_in_force(&self, organization: &OrganizationId, subject_keys: &[String]) -> Result<Vec<Hold>> {
        let of_subject = |key: &String| {
            Query::new(TableName::Control, subject_partition(organization, key), Range::Prefix(SUBJECT_HOLD.to_owned()))
        };
        let mut queries = vec![Query::new(TableName::Control, everybody_holds_partition(organization), Range::All)];
        queries.extend(subject_keys.iter().map(of_subject));
        let mut holds: Vec<Hold> = Vec::new();
        for query in queries {
            for item in self.query_all(query).await? {
                let hold = from_item::<ActiveHoldItem>(item)?.hold;
                if !holds.iter().any(|h| h.id == hold.id) {
                    holds.push(hold);
                }
            }
        }
        Ok(holds)
    }

    /// Whoever a hold is about may be anybody until their other identifiers were looked for.
    async fn add_unresolved(&self, organization: &OrganizationId, holds: &mut Vec<Hold>) -> Result<()> {
        let query = Query::new(TableName::Control, unresolved_holds_partition(organization), Range::All);
        for item in self.query_all(query).await? {
            let mut hold = from_item::<ActiveHoldItem>(item)?.hold;
            if !holds.iter().any(|h| h.id == hold.id) {
                hold.scope = HoldScope { categories: hold.scope.categories, ..HoldScope::default() };
                holds.push(hold);
            }
        }
        Ok(())
    }

    /// Checks that make a write void once the request was stopped or a hold came or went. No hold keeps a person's data
    /// from being shown to them: an export has only itself to check.
    pub(crate) fn fences(request: &RequestItem, transaction: Transaction) -> Transaction {
        let request_stands = vec![equals("run", request.run)];
        let transaction = transaction.check(request_key(&request.organization, &request.id), request_stands);
        if request.kind().yields_to_holds() { holds_stand(transaction, request, &[]) } else { transaction }
    }

    /// The check that a request's state has not changed.
    pub(crate) fn unchanged(request: &RequestItem) -> Vec<Write> {
        vec![Write::Check { key: request_key(&request.organization, &request.id), when: vec![equals("run", request.run)] }]
    }

    /// Where an open verified request is found by its subject.
    pub(crate) fn open_of_subject(request: &RequestItem) -> Vec<Key> {
        let (organization, kind, at) = (&request.organization, request.kind(), request.submitted_at);
        request.subject_keys.iter().map(|subject| open_of_subject_key(organization, subject, kind, at, &request.id)).collect()
    }

    /// Notes it there.
    pub(crate) fn note_open(mut transaction: Transaction, request: &RequestItem) -> Transaction {
        for key in Self::open_of_subject(request) {
            transaction = transaction.update(key, vec![set("request", request.id.to_string())], vec![]);
        }
        transaction
    }

    /// Lets the subject's next request go on.
    pub(crate) fn release_guards(request: &RequestItem, mut transaction: Transaction) -> Transaction {
        for key in &request.subject_keys {
            let guard = guard_key(&request.organization, key);
            let mine = vec![equals("executing", request.id.to_string())];
            transaction = transaction.update(guard, vec![Change::Remove("executing")], mine);
        }
        transaction.delete(executing_key(&request.organization, &request.id), vec![])
    }

    /// Gives the subject free.
    pub(crate) fn release_for_export(request: &RequestItem, mut transaction: Transaction) -> Transaction {
        for key in &request.subject_keys {
            let mine = vec![equals("exporting", request.id.to_string())];
            transaction = transaction.update(guard_key(&request.organization, key), vec![Change::Remove("exporting")], mine);
        }
        transaction
    }
}

/// Whether what comes next cannot be undone. What is hidden can be restored.
fn may_destroy(request: &RequestItem) -> bool {
    matches!(request.state.phase, Phase::Recoverable | Phase::Purging) || request.state.is_final()
}

/// Guards taken by a request that begins, on condition that they are as they were read.
pub fn take_guards(mut transaction: Transaction, request: &RequestItem, guards: &[Option<GuardItem>]) -> Transaction {
    for (key, guard) in request.subject_keys.iter().zip(guards) {
        let address = guard_key(&request.organization, key);
        let executing = set("executing", request.id.to_string());
        transaction = match guard {
            None => transaction.update(address, vec![executing], vec![Condition::ItemAbsent]),
            Some(guard) => {
                let free = unchanged("executing", guard.executing.map(|mine| mine.to_string()));
                let same = at_version(guard.holds_version);
                transaction.update(address, vec![executing], vec![free, same, Condition::Missing("exporting")])
            }
        };
    }
    transaction
        .check(everybody_key(&request.organization, &request.id), vec![at_version(request.execution.holds.everybody)])
        .update(executing_key(&request.organization, &request.id), vec![set("request", request.id.to_string())], vec![])
}

/// Checks that no hold came or went since those of the request were evaluated, and more of its subject's guards.
pub fn holds_stand(mut transaction: Transaction, request: &RequestItem, more: &[Condition]) -> Transaction {
    for (key, version) in request.subject_keys.iter().zip(&request.execution.holds.versions) {
        let mut when = vec![at_version(*version)];
        when.extend(more.iter().cloned());
        transaction = transaction.check(guard_key(&request.organization, key), when);
    }
    transaction.check(everybody_key(&request.organization, &request.id), vec![at_version(request.execution.holds.everybody)])
}

/// No hold was counted since. What was never counted has no number.
fn at_version(version: u64) -> Condition {
    if version == 0 { Condition::Missing("holds_version") } else { equals("holds_version", version) }
}
