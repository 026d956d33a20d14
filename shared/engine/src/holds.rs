//! Legal holds: placed, listed, released.

use crate::{
    Engine, EngineError, Outcome, Refusal,
    api::{HoldEffect, HoldPage, HoldView, NewHold},
    crypt,
    engine::{read_cursor, show_cursor},
    items::{HoldItem, OpenItem, from_item, guard_key, hold_key, holds_partition},
    keyring::{self, Purpose},
    ports::{Change, Condition, Query, Range, TableName},
    requests::subject_keys,
    transaction::{Committed, Transaction, equals, set},
};
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType},
    hold::{Hold, HoldScope},
    ids::{HoldId, OrganizationId},
    personal::Identity,
};
use serde_json::Map;
use std::collections::BTreeSet;

impl Engine {
    /// Places a hold. Once this answers, nothing it covers is hidden or purged any more; what was, is named.
    ///
    /// # Errors
    /// `empty_hold` when neither subject nor category is given, `unknown_category`.
    pub async fn place_hold(&self, caller: &Caller, new: NewHold) -> Outcome<(HoldView, Vec<HoldEffect>)> {
        Self::permit(caller, Action::Hold)?;
        let organization = &caller.organization;
        if new.identity.is_none() && new.categories.is_empty() {
            let text = "A hold needs a subject, categories, or both.";
            return Err(
                Refusal::invalid("empty_hold", "subject_id", text, "Name a subject_id, a subject_email or categories.").into()
            );
        }
        if !new.categories.is_empty() {
            let (_, map) = self.data_map(organization).await?;
            if let Some(unknown) = new.categories.iter().find(|c| !map.categories().contains(c)) {
                let names = map.categories().iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ");
                let text = format!("There is no category {unknown} in the data map.");
                return Err(Refusal::invalid("unknown_category", "categories", text, format!("Accepted: {names}.")).into());
            }
        }
        let keys = match &new.identity {
            Some(identity) => subject_keys(&self.ports, organization, identity).await?,
            None => vec![],
        };
        let item = self.store_hold(caller, &new, keys).await?;
        self.bump_guards(organization, &item.hold.scope).await?;
        let effects = self.effects(organization, &item.hold).await?;
        self.send(crate::ports::Message::Seal { organization: organization.clone() }).await?;
        let view = HoldView { hold: item.hold, reason: Some(new.reason), reference: new.reference };
        Ok((view, effects))
    }

    async fn store_hold(&self, caller: &Caller, new: &NewHold, subject_keys: Vec<String>) -> Outcome<HoldItem> {
        let organization = &caller.organization;
        let partition = hold_words_partition(organization, &new.id);
        let key = keyring::ensure(&self.ports, organization, &partition, Purpose::Identity).await?;
        let words = serde_json::to_vec(&(Some(&new.reason), &new.reference))
            .map_err(|_| EngineError::Broken("words do not serialize".to_owned()))?;
        let hold = Hold {
            id: new.id,
            scope: HoldScope { subject_keys, categories: new.categories.clone() },
            placed_at: self.now(),
            placed_by: caller.actor,
            released_at: None,
            released_by: None,
        };
        let item = HoldItem { hold, sealed_words: crypt::seal(&key, self.ports.entropy.as_ref(), "words", &words)? };
        let order = format!("{}#placed", new.id);
        let event = self.hold_event(&item.hold, EventType::LegalHoldPlaced, caller, &order);
        let transaction = Transaction::new().put(hold_key(organization, &new.id), &item, vec![Condition::ItemAbsent])?;
        let transaction = self.outbox(transaction, organization, &order, &event)?;
        let transaction = match &new.identity {
            Some(identity) => self.index_subject(transaction, organization, identity, &new.id.to_string()).await?,
            None => transaction,
        };
        if transaction.commit(self.ports.table.as_ref()).await? == Committed::Yes {
            return Ok(item);
        }
        // The same call made again: the hold of this id stands.
        self.find_hold(organization, &new.id).await
    }

    fn hold_event(&self, hold: &Hold, event_type: EventType, caller: &Caller, order: &str) -> AuditEvent {
        let mut details = Map::new();
        details.insert("hold_id".to_owned(), hold.id.to_string().into());
        let names: Vec<String> = hold.scope.categories.iter().map(ToString::to_string).collect();
        details.insert("categories".to_owned(), names.into());
        details.insert("subject".to_owned(), (!hold.scope.subject_keys.is_empty()).into());
        AuditEvent { actor: Some(caller.actor), details, ..AuditEvent::new(order, event_type, self.now()) }
    }

    /// Moves the guards of every subject a hold touches, so that whoever relied on an older view finds it void.
    async fn bump_guards(&self, organization: &OrganizationId, scope: &HoldScope) -> Outcome<()> {
        let mut keys: BTreeSet<String> = scope.subject_keys.iter().cloned().collect();
        for open in self.open_requests(organization).await? {
            if scope.covers_subject(&open.subject_keys) {
                keys.extend(open.subject_keys);
            }
        }
        for key in keys {
            let bump = vec![Change::Add("holds_version", 1)];
            Transaction::new()
                .update(guard_key(organization, &key), bump, vec![])
                .commit_or_overtaken(self.ports.table.as_ref(), "guard")
                .await?;
        }
        Ok(())
    }

    async fn covered(&self, organization: &OrganizationId, scope: &HoldScope) -> Outcome<Vec<OpenItem>> {
        let open = self.open_requests(organization).await?;
        Ok(open.into_iter().filter(|o| scope.covers_subject(&o.subject_keys)).collect())
    }

    async fn effects(&self, organization: &OrganizationId, hold: &Hold) -> Outcome<Vec<HoldEffect>> {
        let mut effects = Vec::new();
        for open in self.covered(organization, &hold.scope).await? {
            let Some(request) = self.find_request(organization, &open.request).await? else { continue };
            let account = self.account(&request).await?;
            effects.push(HoldEffect { request_id: request.id, state: request.state, account });
        }
        Ok(effects)
    }

    async fn find_hold(&self, organization: &OrganizationId, id: &HoldId) -> Outcome<HoldItem> {
        self.find(hold_key(organization, id)).await?.ok_or_else(|| Refusal::not_found("legal hold").into())
    }

    async fn hold_view(&self, organization: &OrganizationId, item: HoldItem) -> Outcome<HoldView> {
        let partition = hold_words_partition(organization, &item.hold.id);
        let Some(key) = keyring::find(&self.ports, organization, &partition, Purpose::Identity).await? else {
            return Ok(HoldView { hold: item.hold, reason: None, reference: None });
        };
        let plain = crypt::open(&key, "words", &item.sealed_words)?;
        let (reason, reference): (Option<String>, Option<String>) =
            serde_json::from_slice(&plain).map_err(|_| EngineError::Broken("words cannot be read".to_owned()))?;
        Ok(HoldView { hold: item.hold, reason, reference })
    }

    /// One hold.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn hold(&self, caller: &Caller, id: HoldId) -> Outcome<HoldView> {
        Self::permit(caller, Action::ReadHolds)?;
        let item = self.find_hold(&caller.organization, &id).await?;
        self.hold_view(&caller.organization, item).await
    }

    /// A page of holds, all or those that cover a subject.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub async fn holds(
        &self,
        caller: &Caller,
        identity: Option<Identity>,
        active_only: bool,
        cursor: Option<String>,
        limit: usize,
    ) -> Outcome<HoldPage> {
        Self::permit(caller, Action::ReadHolds)?;
        let organization = &caller.organization;
        let keys = match &identity {
            Some(identity) => Some(subject_keys(&self.ports, organization, identity).await?),
            None => None,
        };
        let partition = holds_partition(organization);
        let mut cursor = read_cursor(cursor.as_deref(), "pk", &partition)?;
        let limit = limit.clamp(1, 100);
        let mut holds = Vec::new();
        loop {
            let query = Query {
                table: TableName::Jobs,
                index: None,
                partition: partition.clone(),
                range: Range::All,
                descending: false,
                limit: limit - holds.len(),
                after: cursor,
            };
            let page = self.ports.table.query(query).await?;
            for item in page.items {
                let item: HoldItem = from_item(item)?;
                let about = keys.as_ref().is_none_or(|k| item.hold.scope.covers_subject(k));
                if about && (item.hold.is_active() || !active_only) {
                    holds.push(self.hold_view(organization, item).await?);
                }
            }
            cursor = page.next;
            if cursor.is_none() || holds.len() >= limit {
                return Ok(HoldPage { holds, next_cursor: show_cursor(cursor)? });
            }
        }
    }

    /// Releases a hold. Requests it kept waiting go on; what it kept from being erased is looked for again.
    ///
    /// # Errors
    /// `not_found`, `already_released`.
    pub async fn release_hold(&self, caller: &Caller, id: HoldId) -> Outcome<HoldView> {
        Self::permit(caller, Action::Hold)?;
        let organization = &caller.organization;
        let mut item = self.find_hold(organization, &id).await?;
        if !item.hold.is_active() {
            return Err(Refusal::conflict("already_released", "This hold was released before.", "Nothing is to be done.").into());
        }
        item.hold.released_at = Some(self.now());
        item.hold.released_by = Some(caller.actor);
        let order = format!("{id}#released");
        let event = self.hold_event(&item.hold, EventType::LegalHoldReleased, caller, &order);
        let hold = serde_json::to_value(&item.hold).map_err(|_| EngineError::Broken("a hold does not serialize".to_owned()))?;
        let unchanged = vec![equals("sealed_words", item.sealed_words.clone())];
        let transaction = Transaction::new().update(hold_key(organization, &id), vec![set("hold", hold)], unchanged);
        let transaction = self.outbox(transaction, organization, &order, &event)?;
        transaction.commit_or_overtaken(self.ports.table.as_ref(), "hold").await?;
        self.bump_guards(organization, &item.hold.scope).await?;
        self.wake_waiting(organization).await?;
        self.send(crate::ports::Message::Seal { organization: organization.clone() }).await?;
        self.hold_view(organization, item).await
    }
}

/// Where the key to a hold's words is kept.
fn hold_words_partition(organization: &OrganizationId, id: &HoldId) -> String {
    format!("org#{organization}#hold#{id}")
}
