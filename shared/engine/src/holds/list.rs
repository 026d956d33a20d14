//! Holds as people see them.

use crate::{
    EngineError, Result,
    core::{Core, IdentifierView, List, MOST_RESULTS, hold_words_partition, subject_keys},
    crypt,
    holds::{HoldEffects, HoldPage, Holds, LegalHoldView},
    items::{ActiveHoldItem, HoldItem, active_holds_partition, from_item, hold_key, holds_partition},
    keyring::{self, Purpose},
    ports::{Item, Key, Query, Range, TableName},
};
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    ids::HoldId,
    personal::{Identity, Person},
};
use serde_json::json;

impl Holds {
    /// One hold, and the open requests that it touches by all that is known of its person; not who that is.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn hold(&self, caller: &Caller, id: HoldId) -> Result<(LegalHoldView, HoldEffects)> {
        Core::permit(caller, Action::ReadHolds)?;
        let item = self.find_hold(&caller.organization, &id).await?;
        self.with_effects(caller, item, false).await
    }

    /// The same, and by what its person is known; that it was shown is noted.
    ///
    /// # Errors
    /// `not_found`; `forbidden`.
    pub async fn reveal_hold(&self, caller: &Caller, id: HoldId) -> Result<(LegalHoldView, HoldEffects)> {
        Core::permit(caller, Action::Reveal)?;
        let item = self.find_hold(&caller.organization, &id).await?;
        let told = id.to_string();
        let details = [("hold_id", told.as_str().into())];
        self.core.record_look(caller, EventType::IdentityRevealed, None, &told.as_str().into(), details).await?;
        self.with_effects(caller, item, true).await
    }

    async fn with_effects(&self, caller: &Caller, item: HoldItem, reveal: bool) -> Result<(LegalHoldView, HoldEffects)> {
        let organization = &caller.organization;
        let effects =
            if item.hold.is_active() { self.effects(organization, &item.hold.scope).await? } else { HoldEffects::default() };
        Ok((self.hold_view(caller, item, reveal).await?, effects))
    }

    /// A hold with its words, for roles that may see such.
    pub(super) async fn hold_view(&self, caller: &Caller, item: HoldItem, reveal: bool) -> Result<LegalHoldView> {
        let organization = &caller.organization;
        let partition = hold_words_partition(organization, &item.hold.id);
        let key = keyring::find(&self.core.ports, organization, &partition, Purpose::Identity).await?;
        let (Some(key), Some(sealed)) = (key, &item.sealed_words) else {
            let forgotten = LegalHoldView {
                hold: item.hold,
                identifiers: None,
                identifiers_incomplete: false,
                found_nobody: false,
                reason: None,
                reference: None,
            };
            return Ok(forgotten);
        };
        let plain = crypt::open(&key, "words", sealed)?;
        let (reason, reference): (Option<String>, Option<String>) =
            serde_json::from_slice(&plain).map_err(|_| EngineError::internal("words cannot be read"))?;
        let person = Core::person_of_hold(&item, &key)?;
        let identifiers_incomplete = person.as_ref().is_some_and(|person| person.incomplete);
        let found_nobody = person.as_ref().is_some_and(Person::is_on_no_record);
        let identifiers = person.map(if reveal { IdentifierView::of } else { IdentifierView::withheld });
        let (reason, reference) = if caller.roles.may(Action::Reveal) { (reason, reference) } else { (None, None) };
        Ok(LegalHoldView { hold: item.hold, identifiers, identifiers_incomplete, found_nobody, reason, reference })
    }

    /// A page of holds, all or those that cover a subject. It may be short, or empty, and still have a next one. That
    /// somebody was asked about is noted.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub async fn list(
        &self,
        caller: &Caller,
        identity: Option<Identity>,
        active_only: bool,
        cursor: Option<String>,
        limit: usize,
    ) -> Result<HoldPage> {
        Core::permit(caller, Action::ReadHolds)?;
        let organization = &caller.organization;
        let keys = match &identity {
            Some(identity) => Some(subject_keys(&self.core.ports, organization, identity.known()).await?),
            None => None,
        };
        let partition = if active_only { active_holds_partition(organization) } else { holds_partition(organization) };
        let list = List { caller, name: "holds", filters: json!([active_only, keys]) };
        let after = self.core.read_cursor(&list, cursor.as_deref()).await?;
        if keys.is_some() {
            let details = [("about_subject", json!("given")), ("effective_only", json!(active_only))];
            self.core.record_look(caller, EventType::LegalHoldsSearched, None, &list.filters, details).await?;
        }
        let query = Query { after, ..Query::new(TableName::Control, partition, Range::All) };
        let about = |item: Item| -> Result<Option<Key>> {
            let hold = from_item::<ActiveHoldItem>(item)?.hold;
            let covers = keys.as_ref().is_none_or(|k| hold.scope.covers_subject(k));
            Ok(covers.then(|| hold_key(organization, &hold.id)))
        };
        let (addresses, next) = self.core.wanted(query, limit.clamp(1, MOST_RESULTS), keys.is_some(), about).await?;
        let found = if addresses.is_empty() { vec![] } else { self.core.ports.table.get_many(&addresses).await? };
        let mut holds = Vec::new();
        for item in found.into_iter().flatten() {
            let item: HoldItem = from_item(item)?;
            if item.hold.is_active() || !active_only {
                holds.push(self.hold_view(caller, item, false).await?);
            }
        }
        Ok(HoldPage { holds, next_cursor: self.core.show_cursor(&list, next).await? })
    }
}
