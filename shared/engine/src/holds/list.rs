//! Holds as people see them.

use crate::{
    EngineError, Result,
    core::{Core, IdentifierView, MOST_RESULTS, hold_words_partition, read_cursor, show_cursor, subject_keys},
    crypt,
    holds::{HoldEffects, HoldPage, Holds, LegalHoldView},
    items::{ActiveHoldItem, HoldItem, active_holds_partition, from_item, hold_key, holds_partition},
    keyring::{self, Purpose},
    ports::{Item, Key, Query, Range, TableName},
};
use oubli_domain::{
    access::{Action, Caller},
    ids::{HoldId, OrganizationId},
    personal::{Identity, Person},
};

impl Holds {
    /// One hold, and the open requests that it touches by all that is known of its person.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn hold(&self, caller: &Caller, id: HoldId) -> Result<(LegalHoldView, HoldEffects)> {
        Core::permit(caller, Action::ReadHolds)?;
        let organization = &caller.organization;
        let item = self.find_hold(organization, &id).await?;
        let effects =
            if item.hold.is_active() { self.effects(organization, &item.hold.scope).await? } else { HoldEffects::default() };
        Ok((self.hold_view(organization, item).await?, effects))
    }

    pub(super) async fn hold_view(&self, organization: &OrganizationId, item: HoldItem) -> Result<LegalHoldView> {
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
        let identifiers = person.map(IdentifierView::of);
        Ok(LegalHoldView { hold: item.hold, identifiers, identifiers_incomplete, found_nobody, reason, reference })
    }

    /// A page of holds, all or those that cover a subject. It may be short, or empty, and still have a next one.
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
        let after = read_cursor(cursor.as_deref(), "pk", &partition)?;
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
                holds.push(self.hold_view(organization, item).await?);
            }
        }
        Ok(HoldPage { holds, next_cursor: show_cursor(next)? })
    }
}
