//! From the identifiers given to all that belong to the same person, before anything is searched for records.

use crate::{
    EngineError, Result,
    core::{Core, OPEN_TOGETHER, guarded_keys, subject_keys},
    discovery::{Discovery, claim::MOST_CLAIMS},
    items::{BEFORE_ANY_ROUND, OpenItem, RequestItem, open_key, request_partition, resolution_key},
    ports::{Condition, DataKey, Found, Selector, StoreError, Way},
};
use oubli_domain::{
    datamap::{DataMap, Producer},
    personal::{Identifier, Identity, Known, Lookup, Person, Resolver, Seen, Standing},
};

/// Records asked for at once.
const PAGE: usize = 200;

/// Pages of one look-up that are looked at.
const MOST_PAGES: usize = 5;

/// What the search for identifiers starts from.
pub(super) struct Start<'a> {
    pub map: &'a DataMap,
    pub country: &'a str,
    pub given: &'a Identity,
    /// What a round that was carried out went by.
    pub earlier: Option<&'a Person>,
    /// What a reviewer named.
    pub named: &'a [Known],
    /// What is found is used only once a reviewer named it.
    pub confirm_found: bool,
}

impl Discovery {
    /// The person of the round that is sought; the request goes on by all of their keys.
    pub(super) async fn resolved(&self, request: &mut RequestItem, map: &DataMap) -> Result<Person> {
        let partition = request_partition(&request.organization, &request.id);
        let round = request.execution.seeking.ok_or_else(|| EngineError::internal("no round is to be discovered"))?;
        let key = self.core.identity_key(request).await?;
        if let Some(person) = self.core.person_in(&partition, round, &key).await? {
            return Ok(person);
        }
        self.begin_resolving(request).await?;
        let given = self.core.identity_of(request).await?.ok_or_else(|| EngineError::internal("the identity is gone"))?;
        let settings = self.core.settings(&request.organization).await?;
        let earlier = match request.execution.begun.last() {
            Some(begun) => self.core.person_in(&partition, *begun, &key).await?,
            None if request.prior_to().is_some() => self.core.person_in(&partition, BEFORE_ANY_ROUND, &key).await?,
            None => None,
        };
        let named = self.core.named_of(request, &key)?;
        let start = Start {
            map,
            country: settings.country.code(),
            given: &given,
            earlier: earlier.as_ref(),
            named: &named,
            confirm_found: settings.confirm_found_identifiers,
        };
        let person = self.resolve(start).await?;
        let after = self.known_by(request, map, &given, &person).await?;
        // Whoever dies here looks at them again: nothing says yet who is meant.
        self.resolve_holds_apart(&after, map, &person).await?;
        self.write_person(request, &after, (&person, round, &key)).await?;
        *request = after;
        Ok(person)
    }

    /// Counts an attempt, also of a worker that dies: whoever is not found out by many is not found out by more.
    async fn begin_resolving(&self, request: &mut RequestItem) -> Result<()> {
        if request.execution.resolving >= MOST_CLAIMS {
            let text = format!("{MOST_CLAIMS} workers in a row did not get on with finding out who is meant");
            return Err(EngineError::internal(text));
        }
        let mut after = request.clone();
        after.version += 1;
        after.execution.resolving += 1;
        self.core.write_request(request, &after, None)?.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        *request = after;
        Ok(())
    }

    /// The person that identifiers lead to.
    pub(super) async fn resolve(&self, start: Start<'_>) -> Result<Person> {
        let Start { map, country, given, earlier, named, confirm_found } = start;
        let mut resolver = Resolver::new(map, given.known(), earlier, named, confirm_found);
        while let Some((place, lookups)) = resolver.next() {
            let mut seen = Vec::new();
            let mut whole = true;
            for lookup in lookups {
                whole &= self.look_up(map, country, lookup, &mut seen).await?;
            }
            resolver.learn(place, &seen, whole);
        }
        Ok(resolver.person())
    }

    /// What the records that an identifier leads to say; whether these were all there are.
    async fn look_up(&self, map: &DataMap, country: &str, lookup: Lookup<'_>, seen: &mut Vec<Seen>) -> Result<bool> {
        let producer = &map.producers[lookup.producer];
        let selection = &producer.select[lookup.selection];
        let store = map.stores.get(&producer.store).ok_or_else(|| EngineError::internal("a store is not in its data map"))?;
        let connector = match self.core.ports.stores.connector(&producer.store, store) {
            Ok(connector) => connector,
            Err(error @ StoreError::Unavailable { .. }) => return Err(error.into()),
            Err(_) => return Ok(false),
        };
        let fields: Vec<String> = producer.identifies.values().cloned().collect();
        let (mut answered, mut refused) = (false, false);
        for form in lookup.known.forms() {
            let mut after = None;
            for page in 0.. {
                if page == MOST_PAGES {
                    return Ok(false);
                }
                let selector = Selector { way: Way { selection, value: form.expose() }, fields: &fields, but: &[] };
                match connector.discover(producer, selector, after.as_ref(), PAGE).await {
                    Ok(found) => {
                        seen.extend(found.records.iter().map(|record| said(map, producer, country, record)));
                        after = found.next;
                        answered = true;
                    }
                    Err(error @ StoreError::Unavailable { .. }) => return Err(error.into()),
                    // What came before it is not all.
                    Err(StoreError::Record { .. }) if after.is_some() => return Ok(false),
                    Err(StoreError::Record { .. }) => {
                        refused = true;
                        break;
                    }
                    Err(StoreError::Unusable { .. } | StoreError::TooLarge { .. }) => return Ok(false),
                }
                if after.is_none() {
                    break;
                }
            }
        }
        // One spelling that the store can compare with is enough.
        Ok(answered || !refused)
    }

    /// The request by all keys of its person, without those that only a plan went by that nobody carried out.
    async fn known_by(&self, request: &RequestItem, map: &DataMap, given: &Identity, person: &Person) -> Result<RequestItem> {
        let (ports, organization) = (&self.core.ports, &request.organization);
        let keys = guarded_keys(ports, organization, map, person).await?;
        let mut after = request.clone();
        after.version += 1;
        after.execution.resolving = 0;
        // Whoever shares an identifier with somebody does not repeat their request.
        let selecting = person.guarded().zip(&keys).filter(|(r, _)| r.standing == Standing::Selects);
        let own: Vec<String> = selecting.map(|(_, key)| key.clone()).collect();
        if request.execution.begun.is_empty() {
            after.duplicate_of = self.core.first_like(&after, &own).await?;
            after.subject_keys = subject_keys(ports, organization, given.known()).await?;
        }
        // What was guarded from the start stays in its place: versions of holds go by places.
        let new: Vec<String> = keys.into_iter().filter(|key| !after.subject_keys.contains(key)).collect();
        after.subject_keys.extend(new);
        Ok(after)
    }

    /// Writes the person, and moves the request to all of their keys: holds, guards and duplicates go by these.
    async fn write_person(
        &self,
        request: &RequestItem,
        after: &RequestItem,
        (person, round, key): (&Person, u32, &DataKey),
    ) -> Result<()> {
        let organization = &request.organization;
        let partition = request_partition(organization, &request.id);
        let resolution = self.core.sealed_person(person, key)?;
        let mut transaction = self.core.write_request(request, after, None)?.put(
            resolution_key(&partition, round),
            &resolution,
            vec![Condition::ItemAbsent],
        )?;
        if after.subject_keys != request.subject_keys {
            transaction = transaction.put(open_key(organization, &after.id), &OpenItem::of(after, true), vec![])?;
            transaction = Core::note_open(transaction, after);
            let stays = Core::open_of_subject(after);
            let left = Core::open_of_subject(request).into_iter().filter(|key| !stays.contains(key));
            for key in left.take(OPEN_TOGETHER) {
                transaction = transaction.delete(key, vec![]);
            }
        }
        if let Some(identity) = Identity::new(person.selecting().map(|(_, r)| r.known.clone())) {
            transaction = self.core.index_subject(transaction, organization, &identity, &after.id.to_string()).await?;
        }
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await
    }
}

/// Whom a record is about, by its own words.
fn said(map: &DataMap, producer: &Producer, country: &str, record: &Found) -> Seen {
    let names = producer.identifies.iter().flat_map(|(kind, field)| {
        let given = record.fields.all(field).iter().filter_map(|text| Identifier::parse(text).ok());
        given.filter_map(move |given| map.known(kind, given, country).ok())
    });
    Seen { producer: producer.name.clone(), names: names.collect(), own: producer.own_kinds().cloned().collect() }
}
