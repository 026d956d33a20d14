//! Holds as they are kept: where they are found, and whose versions they move on.

use crate::{
    EngineError, Result,
    core::{Core, subject::opened_person},
    items::{
        ActiveHoldItem, HoldItem, active_hold_key, active_holds_partition, everybody_hold_key, everybody_keys, from_item,
        guard_key, subject_hold_key,
    },
    ports::{Change, DataKey, Key, Query, Range, TableName},
    transaction::{Transaction, set},
};
use oubli_domain::{
    audit::{AuditEvent, EventType},
    hold::{Hold, HoldScope},
    ids::{ActorId, HoldId, OrganizationId},
    personal::Person,
};
use serde_json::Map;

/// Where a hold in force is found: among all of them, and by those whom it covers.
pub(crate) fn markers(organization: &OrganizationId, hold: &Hold) -> Vec<Key> {
    let mut keys = vec![active_hold_key(organization, &hold.id)];
    if hold.scope.is_on_everybody() {
        keys.push(everybody_hold_key(organization, &hold.id));
    }
    keys.extend(hold.scope.subject_keys.iter().map(|subject| subject_hold_key(organization, subject, &hold.id)));
    keys
}

/// Moves on the versions that everybody relies on whom a hold covers: those of its subject, or those of all.
pub(crate) fn moved_on(transaction: Transaction, organization: &OrganizationId, scope: &HoldScope) -> Transaction {
    if scope.is_on_everybody() {
        return moved_on_for_everybody(transaction, organization);
    }
    counted(transaction, scope.subject_keys.iter().map(|subject| guard_key(organization, subject)))
}

/// Moves on the version that all rely on.
pub(crate) fn moved_on_for_everybody(transaction: Transaction, organization: &OrganizationId) -> Transaction {
    counted(transaction, everybody_keys(organization))
}

fn counted(mut transaction: Transaction, keys: impl IntoIterator<Item = Key>) -> Transaction {
    for key in keys {
        transaction = transaction.update(key, vec![Change::Add("holds_version", 1)], vec![]);
    }
    transaction
}

/// Where the key to a hold's words, and to whom it is about, is kept.
pub(crate) fn hold_words_partition(organization: &OrganizationId, id: &HoldId) -> String {
    format!("org#{organization}#hold#{id}")
}

/// Writes a hold into its item.
pub(crate) fn set_hold(hold: &Hold) -> Result<Change> {
    let hold = serde_json::to_value(hold).map_err(|_| EngineError::internal("a hold does not serialize"))?;
    Ok(set("hold", hold))
}

impl Core {
    /// By what the person of a hold was known when it was last looked at.
    pub(crate) fn person_of_hold(item: &HoldItem, key: &DataKey) -> Result<Option<Person>> {
        item.sealed_person.as_ref().map(|sealed| opened_person(sealed, key)).transpose()
    }

    /// All holds in force.
    pub(crate) async fn active_holds(&self, organization: &OrganizationId) -> Result<Vec<Hold>> {
        let query = Query::new(TableName::Control, active_holds_partition(organization), Range::All);
        let active = self.query_all(query).await?.into_iter();
        active.map(|item| Ok(from_item::<ActiveHoldItem>(item)?.hold)).collect()
    }

    pub(crate) fn hold_event(&self, hold: &Hold, event_type: EventType, actor: Option<ActorId>, order: &str) -> AuditEvent {
        let mut details = Map::new();
        details.insert("hold_id".to_owned(), hold.id.to_string().into());
        let names: Vec<String> = hold.scope.categories.iter().map(ToString::to_string).collect();
        details.insert("categories".to_owned(), names.into());
        details.insert("subject".to_owned(), (!hold.scope.is_on_everybody()).into());
        AuditEvent { actor, details, ..AuditEvent::new(order, event_type, self.now()) }
    }
}
