//! Legal holds: placed and released, each by one transaction that also moves the versions of those it covers.

mod api;
mod effects;
mod list;
mod released;

pub use api::{HoldEffect, HoldEffects, HoldPage, LegalHoldView, NewHold};

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, subject_keys},
    crypt,
    items::{
        ActiveHoldItem, HoldItem, active_hold_key, due_partition, due_sort, everybody_hold_key, everybody_keys, guard_key,
        hold_key, subject_hold_key,
    },
    keyring::{self, Purpose},
    ports::{Change, Condition, Key, Message},
    transaction::{Committed, Transaction, set},
};
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType},
    hold::{Hold, HoldScope},
    ids::{ActorId, HoldId, OrganizationId},
};
use serde_json::Map;

/// Legal holds.
#[derive(Clone)]
pub struct Holds {
    pub(crate) core: Core,
}

impl Holds {
    /// Places a hold. Once this answers, nothing it covers is hidden or purged any more; what was, is named.
    ///
    /// # Errors
    /// `empty_hold` when neither subject nor category is given, `unknown_category`.
    pub async fn place_hold(&self, caller: &Caller, new: NewHold) -> Result<(LegalHoldView, HoldEffects)> {
        Core::permit(caller, Action::Hold)?;
        let organization = &caller.organization;
        if new.identity.is_none() && new.categories.is_empty() {
            let text = "A hold needs a subject, categories, or both.";
            return Err(Refusal::invalid(
                ProblemCode::EmptyHold,
                "subject_id",
                text,
                "Name a subject_id, a subject_email or categories.",
            )
            .into());
        }
        // One that is in force already was accepted by the data map of its day; only the answer was lost.
        let placed = self.core.find::<HoldItem>(hold_key(organization, &new.id)).await?.is_some();
        if !placed && !new.categories.is_empty() {
            let (_, map) = self.core.data_map(organization).await?;
            if let Some(unknown) = new.categories.iter().find(|c| !map.categories().contains(c)) {
                let names = map.categories().iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ");
                let text = format!("There is no category {unknown} in the data map.");
                return Err(
                    Refusal::invalid(ProblemCode::UnknownCategory, "categories", text, format!("Accepted: {names}.")).into()
                );
            }
        }
        let keys = match &new.identity {
            Some(identity) => subject_keys(&self.core.ports, organization, identity).await?,
            None => vec![],
        };
        let item = self.store_hold(caller, &new, keys).await?;
        let effects = self.effects(organization, &item.hold.scope).await?;
        self.core
            .left_to_sweeper(organization, self.core.send(Message::Seal { organization: organization.clone() }).await)
            .await?;
        let view = LegalHoldView { hold: item.hold, reason: Some(new.reason), reference: new.reference };
        Ok((view, effects))
    }

    /// One transaction: a hold that can be seen is in force.
    async fn store_hold(&self, caller: &Caller, new: &NewHold, subject_keys: Vec<String>) -> Result<HoldItem> {
        let organization = &caller.organization;
        let partition = hold_words_partition(organization, &new.id);
        let key = keyring::ensure(&self.core.ports, organization, &partition, Purpose::Identity).await?;
        let words = serde_json::to_vec(&(Some(&new.reason), &new.reference))
            .map_err(|_| EngineError::internal("words do not serialize"))?;
        let hold = Hold {
            id: new.id,
            scope: HoldScope { subject_keys, categories: new.categories.clone() },
            placed_at: self.core.now(),
            placed_by: caller.actor,
            released_at: None,
            released_by: None,
        };
        let sealed_words = Some(crypt::seal(&key, self.core.ports.entropy.as_ref(), "words", &words)?);
        let active = ActiveHoldItem { hold: hold.clone() };
        let item =
            HoldItem { organization: organization.clone(), hold, sealed_words, released_at: None, due_pk: None, due_sk: None };
        let order = format!("{}#placed", new.id);
        let event = self.hold_event(&item.hold, EventType::LegalHoldPlaced, Some(caller.actor), &order);
        let mut transaction = Transaction::new().put(hold_key(organization, &new.id), &item, vec![Condition::ItemAbsent])?;
        for key in markers(organization, &item.hold) {
            transaction = transaction.put(key, &active, vec![])?;
        }
        let transaction = moved_on(transaction, organization, &item.hold.scope);
        let transaction = self.core.outbox(transaction, organization, &order, &event)?;
        let transaction = match &new.identity {
            Some(identity) => self.core.index_subject(transaction, organization, identity, &new.id.to_string()).await?,
            None => transaction,
        };
        if transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Yes {
            return Ok(item);
        }
        // The same call made again: the hold of this id stands.
        self.find_hold(organization, &new.id).await
    }

    fn hold_event(&self, hold: &Hold, event_type: EventType, actor: Option<ActorId>, order: &str) -> AuditEvent {
        let mut details = Map::new();
        details.insert("hold_id".to_owned(), hold.id.to_string().into());
        let names: Vec<String> = hold.scope.categories.iter().map(ToString::to_string).collect();
        details.insert("categories".to_owned(), names.into());
        details.insert("subject".to_owned(), (!hold.scope.subject_keys.is_empty()).into());
        AuditEvent { actor, details, ..AuditEvent::new(order, event_type, self.core.now()) }
    }

    async fn find_hold(&self, organization: &OrganizationId, id: &HoldId) -> Result<HoldItem> {
        self.core.find(hold_key(organization, id)).await?.ok_or_else(|| Refusal::not_found("legal hold").into())
    }

    /// Releases a hold. Requests it kept waiting go on; what it kept from being erased is looked for again.
    ///
    /// # Errors
    /// `not_found`, `already_released`.
    pub async fn release_hold(&self, caller: &Caller, id: HoldId) -> Result<LegalHoldView> {
        Core::permit(caller, Action::Hold)?;
        let organization = &caller.organization;
        let mut item = self.find_hold(organization, &id).await?;
        if !item.hold.is_active() {
            return Err(already_released());
        }
        let now = self.core.now();
        item.hold.released_at = Some(now);
        item.hold.released_by = Some(caller.actor);
        let order = format!("{id}#released");
        let event = self.hold_event(&item.hold, EventType::LegalHoldReleased, Some(caller.actor), &order);
        let hold = serde_json::to_value(&item.hold).map_err(|_| EngineError::internal("a hold does not serialize"))?;
        let changes = vec![
            set("hold", hold),
            set("released_at", now.to_string()),
            set("due_pk", due_partition(0)),
            set("due_sk", due_sort(now, &id.to_string())),
        ];
        let unreleased = vec![Condition::ItemPresent, Condition::Missing("released_at")];
        let mut transaction = Transaction::new().update(hold_key(organization, &id), changes, unreleased);
        for key in markers(organization, &item.hold) {
            transaction = transaction.delete(key, vec![]);
        }
        let transaction = moved_on(transaction, organization, &item.hold.scope);
        let transaction = self.core.outbox(transaction, organization, &order, &event)?;
        // Read first: who is told of an error must not find it released.
        let view = self.hold_view(organization, item).await?;
        if transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Refused {
            return Err(already_released());
        }
        self.core
            .left_to_sweeper(
                organization,
                self.core.send(Message::Released { organization: organization.clone(), hold: id }).await,
            )
            .await?;
        self.core
            .left_to_sweeper(organization, self.core.send(Message::Seal { organization: organization.clone() }).await)
            .await?;
        Ok(view)
    }
}

fn already_released() -> EngineError {
    Refusal::conflict(ProblemCode::AlreadyReleased, "This hold was released before.", "Nothing is to be done.").into()
}

/// Where a hold in force is found: among all of them, and by those whom it covers.
fn markers(organization: &OrganizationId, hold: &Hold) -> Vec<Key> {
    let mut keys = vec![active_hold_key(organization, &hold.id)];
    if hold.scope.subject_keys.is_empty() {
        keys.push(everybody_hold_key(organization, &hold.id));
    }
    keys.extend(hold.scope.subject_keys.iter().map(|subject| subject_hold_key(organization, subject, &hold.id)));
    keys
}

/// Moves on the versions that everybody relies on whom a hold covers: those of its subject, or those of all.
fn moved_on(mut transaction: Transaction, organization: &OrganizationId, scope: &HoldScope) -> Transaction {
    let keys: Vec<Key> = if scope.subject_keys.is_empty() {
        everybody_keys(organization)
    } else {
        scope.subject_keys.iter().map(|subject| guard_key(organization, subject)).collect()
    };
    for key in keys {
        transaction = transaction.update(key, vec![Change::Add("holds_version", 1)], vec![]);
    }
    transaction
}

/// Where the key to a hold's words is kept.
fn hold_words_partition(organization: &OrganizationId, id: &HoldId) -> String {
    format!("org#{organization}#hold#{id}")
}
