//! Whom a hold is about: by all identifiers of the person, not only by those it was placed by.

use crate::{
    EngineError, Result,
    core::{Core, held_keys, hold_words_partition, markers, moved_on, set_hold},
    crypt,
    discovery::{Discovery, resolve::Start},
    items::{ActiveHoldItem, HoldItem, RequestItem, hold_key, open_of_subject_prefix, subject_partition, unresolved_hold_key},
    keyring::{self, Purpose},
    ports::{Change, Condition, Envelope, Message, Query, Range, TableName},
    transaction::{Transaction, equals, set},
};
use oubli_domain::{
    audit::EventType,
    datamap::{DataMap, leads_both_ways},
    hold::{Hold, HoldScope},
    ids::{HoldId, OrganizationId, RequestId},
    personal::{Identity, Person},
};
use std::collections::BTreeSet;

/// Most keys that a hold holds by: what extends it, and what releases it, is one transaction.
const MOST_KEYS: usize = 25;

/// Most open requests of one identifier that are looked at.
const MOST_OPEN: usize = 50;

/// Most holds that are looked at again before a plan is made; the others are looked at beside it.
const MOST_AGAIN: usize = 20;

impl Discovery {
    /// Finds the other identifiers of whom a hold is about, and extends it to them.
    ///
    /// # Errors
    /// [`EngineError::Transient`]: the message should be delivered again.
    pub async fn resolve_hold(&self, organization: &OrganizationId, id: &HoldId) -> Result<()> {
        let Some(item) = self.core.find::<HoldItem>(hold_key(organization, id)).await? else { return Ok(()) };
        let partition = hold_words_partition(organization, id);
        let key = keyring::find(&self.core.ports, organization, &partition, Purpose::Identity).await?;
        let (Some(key), Some(sealed), None) = (key, &item.sealed_identity, item.released_at) else { return Ok(()) };
        let given = Identity::from_sealed_form(&crypt::open(&key, "identity", sealed)?);
        let given = given.ok_or_else(|| EngineError::internal("the identity of a hold cannot be read"))?;
        let map = self.core.data_map_if_any(organization).await?;
        let country = self.core.settings(organization).await?.country.code();
        let start = Start { map: &map, country, given: &given, earlier: None, named: &[], confirm_found: false };
        let mut person = self.resolve(start).await?;
        self.join_open_requests(organization, &item, &mut person).await?;
        let keys = held_keys(&self.core.ports, organization, &person).await?;
        let mut new: Vec<String> = keys.into_iter().filter(|key| !item.hold.scope.subject_keys.contains(key)).collect();
        let room = MOST_KEYS.saturating_sub(item.hold.scope.subject_keys.len());
        if new.len() > room {
            new.truncate(room);
            person.incomplete = true;
        }
        if new.is_empty() && item.due_pk.is_none() && Core::person_of_hold(&item, &key)?.as_ref() == Some(&person) {
            return Ok(());
        }
        let resolution = self.core.sealed_person(&person, &key)?;
        let mut changes = vec![set("sealed_person", resolution.sealed_person), set("scope_version", item.scope_version + 1)];
        changes.extend([Change::Remove("due_pk"), Change::Remove("due_sk")]);
        let same = vec![Condition::Missing("released_at"), equals("scope_version", item.scope_version)];
        let transaction = Transaction::new().delete(unresolved_hold_key(organization, id), vec![]);
        if new.is_empty() {
            let transaction = transaction.update(hold_key(organization, id), changes, same);
            transaction.commit_or_conflict(self.core.ports.table.as_ref(), "hold").await?;
            return self.after_resolving(&item).await;
        }
        let scope = HoldScope { subject_keys: new, ..item.hold.scope.clone() };
        let mut hold: Hold = item.hold.clone();
        hold.scope.subject_keys.extend(scope.subject_keys.iter().cloned());
        changes.push(set_hold(&hold)?);
        let order = format!("{id}#extended#{:08}", item.scope_version + 1);
        let mut event = self.core.hold_event(&hold, EventType::LegalHoldExtended, None, &order);
        event.details.insert("identifiers".to_owned(), scope.subject_keys.len().into());
        let mut transaction = transaction.update(hold_key(organization, id), changes, same);
        for key in markers(organization, &hold) {
            transaction = transaction.put(key, &ActiveHoldItem { hold: hold.clone() }, vec![])?;
        }
        // Whoever relies on these has to look again; for the others nothing has changed.
        let transaction = moved_on(transaction, organization, &scope);
        let transaction = self.core.outbox(transaction, organization, &order, &event)?;
        let transaction = match Identity::new(person.held().map(|r| r.known.clone())) {
            Some(held) => self.core.index_subject(transaction, organization, &held, &id.to_string()).await?,
            None => transaction,
        };
        // Who extended it meanwhile may have seen less: it is looked at again.
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "hold").await?;
        self.core.send(Message::Seal { organization: organization.clone() }).await?;
        self.after_resolving(&item).await
    }

    /// What an open request found of the same person: while it hides their data, no store tells.
    async fn join_open_requests(&self, organization: &OrganizationId, item: &HoldItem, person: &mut Person) -> Result<()> {
        let keys = held_keys(&self.core.ports, organization, person).await?;
        let all: BTreeSet<&String> = keys.iter().chain(&item.hold.scope.subject_keys).collect();
        let mut open = BTreeSet::new();
        for key in all {
            let range = Range::Prefix(open_of_subject_prefix(None));
            let query = Query { limit: MOST_OPEN, ..Query::new(TableName::Control, subject_partition(organization, key), range) };
            let page = self.core.ports.table.query(query).await?;
            person.incomplete |= page.next.is_some();
            open.extend(page.items.iter().filter_map(|i| i.get("request")?.as_str()?.parse::<RequestId>().ok()));
        }
        for id in open {
            let Some(request) = self.core.find_request(organization, &id).await? else { continue };
            // What no round was carried out of stands where any look finds it.
            let Some(round) = request.execution.begun.last() else { continue };
            if let Some(other) = self.core.person_of(&request, *round).await? {
                person.joined(&other);
            }
        }
        Ok(())
    }

    /// Whoever waited until it was known whom a new hold is about goes on.
    async fn after_resolving(&self, before: &HoldItem) -> Result<()> {
        if before.due_pk.is_none() {
            return Ok(());
        }
        self.core.send(Message::Released { organization: before.organization.clone(), hold: before.hold.id }).await
    }

    /// Looks again at holds whose person may be that of a request though neither has an identifier of the other: they are
    /// known by other kinds, or the search finds more from one side than from the other.
    pub(super) async fn resolve_holds_apart(&self, request: &RequestItem, map: &DataMap, person: &Person) -> Result<()> {
        if !request.kind().yields_to_holds() {
            return Ok(());
        }
        let one_way =
            !leads_both_ways(map) || person.incomplete || person.identifiers.iter().any(|r| r.standing.ambiguity().is_some());
        let organization = &request.organization;
        let active = self.core.active_holds(organization).await?;
        let apart = active.iter().filter(|hold| {
            let keys = &request.subject_keys;
            !hold.scope.covers_subject(keys) && (one_way || !hold.scope.tells_apart(keys))
        });
        let apart: Vec<HoldId> = apart.map(|hold| hold.id).collect();
        let (now, beside) = apart.split_at(apart.len().min(MOST_AGAIN));
        let later = |hold: &HoldId| Envelope::now(Message::ResolveHold { organization: organization.clone(), hold: *hold });
        self.core.ports.queue.send(beside.iter().map(later).collect()).await?;
        for hold in now {
            self.resolve_hold(organization, hold).await?;
        }
        Ok(())
    }
}
