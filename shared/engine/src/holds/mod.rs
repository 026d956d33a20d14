//! Legal holds: placed and released, each by one transaction that also moves the versions of those it covers.

mod api;
mod effects;
mod list;
mod released;

pub use api::{HoldEffect, HoldEffects, HoldPage, LegalHoldView, NewHold};

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, hold_words_partition, markers, moved_on, moved_on_for_everybody, set_hold, subject_keys},
    crypt,
    items::{ActiveHoldItem, HoldItem, due_partition, due_sort, hold_key, unresolved_hold_key},
    keyring::{self, NewKey, Purpose},
    ports::{Condition, Message},
    transaction::{Committed, Transaction, equals, set},
};
use jiff::SignedDuration;
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    hold::{Hold, HoldScope},
    ids::{HoldId, OrganizationId},
    personal::Identity,
};

/// How soon the sweeper looks whether a new hold was extended to all identifiers of its person.
const RESOLVED_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// Releases that are tried while somebody else extends the hold.
const RELEASES: usize = 3;

/// Legal holds.
#[derive(Clone)]
pub struct Holds {
    pub(crate) core: Core,
}

impl Holds {
    /// Places a hold. Once this answers, nothing it covers is hidden or purged any more; what was, is named. Until the other
    /// identifiers of its person were looked for, nothing of anybody is purged.
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
            Some(identity) => subject_keys(&self.core.ports, organization, identity.known()).await?,
            None => vec![],
        };
        let item = self.store_hold(caller, &new, keys).await?;
        let effects = self.effects(organization, &item.hold.scope).await?;
        if new.identity.is_some() {
            let resolve = Message::ResolveHold { organization: organization.clone(), hold: new.id };
            self.core.left_to_sweeper(organization, self.core.send(resolve).await).await?;
        }
        self.core
            .left_to_sweeper(organization, self.core.send(Message::Seal { organization: organization.clone() }).await)
            .await?;
        Ok((self.hold_view(caller, item, false).await?, effects))
    }

    /// One transaction: a hold that can be seen is in force, and its words have a key for as long as they are kept.
    async fn store_hold(&self, caller: &Caller, new: &NewHold, subject_keys: Vec<String>) -> Result<HoldItem> {
        let organization = &caller.organization;
        let partition = hold_words_partition(organization, &new.id);
        let NewKey { secret, kept } = keyring::new_key(&self.core.ports, organization, &partition, Purpose::Identity).await?;
        let words = serde_json::to_vec(&(Some(&new.reason), &new.reference))
            .map_err(|_| EngineError::internal("words do not serialize"))?;
        let hold = Hold {
            id: new.id,
            scope: HoldScope { subject_keys, categories: new.categories.clone(), subject_forgotten: false },
            placed_at: self.core.now(),
            placed_by: caller.actor,
            released_at: None,
            released_by: None,
        };
        let sealed_words = Some(crypt::seal(&secret, self.core.ports.entropy.as_ref(), "words", &words)?);
        let active = ActiveHoldItem { hold: hold.clone() };
        let seal =
            |identity: &Identity| crypt::seal(&secret, self.core.ports.entropy.as_ref(), "identity", &identity.to_sealed_form());
        let about_somebody = new.identity.is_some();
        let item = HoldItem {
            organization: organization.clone(),
            sealed_words,
            sealed_identity: new.identity.as_ref().map(seal).transpose()?,
            sealed_person: None,
            scope_version: 0,
            released_at: None,
            // Should the message that resolves it be lost, the sweeper finds it still due.
            due_pk: about_somebody.then(|| due_partition(0)),
            due_sk: about_somebody.then(|| due_sort(hold.placed_at + RESOLVED_WITHIN, &new.id.to_string())),
            hold,
        };
        let order = format!("{}#placed", new.id);
        let event = self.core.hold_event(&item.hold, EventType::LegalHoldPlaced, Some(caller.actor), &order);
        let mut transaction = kept.put(hold_key(organization, &new.id), &item, vec![Condition::ItemAbsent])?;
        for key in markers(organization, &item.hold) {
            transaction = transaction.put(key, &active, vec![])?;
        }
        let transaction = moved_on(transaction, organization, &item.hold.scope);
        let transaction = self.core.outbox(transaction, organization, &order, &event)?;
        let transaction = match &new.identity {
            Some(identity) => {
                let unresolved = transaction.put(unresolved_hold_key(organization, &new.id), &active, vec![])?;
                let transaction = moved_on_for_everybody(unresolved, organization);
                self.core.index_subject(transaction, organization, identity, &new.id.to_string()).await?
            }
            None => transaction,
        };
        if transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Yes {
            return Ok(item);
        }
        // The same call made again: the hold of this id stands.
        self.find_hold(organization, &new.id).await
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
        let mut tries = 0;
        let view = loop {
            let item = self.find_hold(organization, &id).await?;
            if !item.hold.is_active() {
                return Err(already_released());
            }
            if let Some(view) = self.try_release(caller, item).await? {
                break view;
            }
            tries += 1;
            if tries == RELEASES {
                return Err(EngineError::Conflict("the hold is being extended"));
            }
        };
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

    /// Releases a hold as it was read; none where somebody extended it meanwhile.
    async fn try_release(&self, caller: &Caller, mut item: HoldItem) -> Result<Option<LegalHoldView>> {
        let (organization, id) = (&caller.organization, item.hold.id);
        let now = self.core.now();
        item.hold.released_at = Some(now);
        item.hold.released_by = Some(caller.actor);
        let order = format!("{id}#released");
        let event = self.core.hold_event(&item.hold, EventType::LegalHoldReleased, Some(caller.actor), &order);
        let changes = vec![
            set_hold(&item.hold)?,
            set("released_at", now.to_string()),
            set("due_pk", due_partition(0)),
            set("due_sk", due_sort(now, &id.to_string())),
        ];
        let unreleased = vec![Condition::Missing("released_at"), equals("scope_version", item.scope_version)];
        let mut transaction = Transaction::new().update(hold_key(organization, &id), changes, unreleased);
        for key in markers(organization, &item.hold) {
            transaction = transaction.delete(key, vec![]);
        }
        let transaction = transaction.delete(unresolved_hold_key(organization, &id), vec![]);
        let transaction = moved_on(transaction, organization, &item.hold.scope);
        let transaction = self.core.outbox(transaction, organization, &order, &event)?;
        // Read first: who is told of an error must not find it released.
        let view = self.hold_view(caller, item, false).await?;
        let released = transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Yes;
        Ok(released.then_some(view))
    }
}

fn already_released() -> EngineError {
    Refusal::conflict(ProblemCode::AlreadyReleased, "This hold was released before.", "Nothing is to be done.").into()
}
