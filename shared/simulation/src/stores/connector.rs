//! The connectors.

use super::{
    bodies::given,
    objects::{Address, Rules, Versioning, refused},
    rows::{Row, key_of, still_selected},
    unavailable, unusable,
    uploads::uploads_of,
};
use crate::{
    faults::call,
    oracle,
    world::{World, WorldState},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use oubli_domain::{
    datamap::{Location, ObjectKeys, Producer, Selection, Store, StoreKind},
    ids::StoreName,
    saved_query::SavedQuery,
};
use oubli_engine::ports::{
    Applied, Capabilities, Caution, ConditionalDelete, Connector, Destruction, Discovered, Effect, Expected, ExportForm, Fields,
    Files, Found, HideMethod, Listing, Matched, ObjectFacts, OldVersions, PutBack, Queries, QueryPage, RecordKind, RecordRef,
    Returned, Row as ExportRow, Rows, Selector, Snapshot, SoftDelete, SoftDeletion, StoreError, Stores, Tombstone, Version, Way,
};
use rand::Rng;
use serde_json::{Value, json, value::to_raw_value};
use std::{sync::Arc, time::Duration};

/// The stores of every organization.
pub struct SimStores(pub World);

impl Stores for SimStores {
    fn connector(&self, _: &StoreName, store: &Store) -> Result<Arc<dyn Connector>, StoreError> {
        Ok(Arc::new(SimConnector { world: self.0.clone(), objects: store.connector == StoreKind::S3 }))
    }
}

struct SimConnector {
    world: World,
    objects: bool,
}

/// Whether a producer is about unfinished uploads.
const fn of_uploads(producer: &Producer) -> bool {
    producer.location.unfinished_of().is_some()
}

/// What the oracle calls a producer's place.
fn told_place(producer: &Producer) -> String {
    let name = producer.location.name();
    if of_uploads(producer) { uploads_of(name) } else { name.to_owned() }
}

fn place(producer: &Producer) -> String {
    producer.location.name().to_owned()
}

/// What a way may lead to.
#[derive(Clone, Copy)]
enum At<'a> {
    Row(&'a Row),
    Object(&'a str),
}

fn is_found(way: Way<'_>, at: At<'_>) -> bool {
    match (way.selection, at) {
        (Selection::Items(items), At::Row(row)) => {
            row.fields.get(&items.attribute) == Some(&items.value.fill(way.value))
                && items.is_met(|name| row.fields.get(name).map(|text| text.as_str().into()))
        }
        (Selection::Objects(objects), At::Object(key)) => match &objects.keys {
            ObjectKeys::Under(prefix) => key.starts_with(&prefix.fill(way.value)),
            ObjectKeys::Exactly(own) => *key == own.fill(way.value),
            ObjectKeys::Matching { pattern, .. } => pattern.holds(key, way.value),
        },
        _ => false,
    }
}

/// One answer for all, or one for each.
fn each<T>(count: usize, all: Result<Vec<Result<T, StoreError>>, StoreError>) -> Vec<Result<T, StoreError>> {
    match all {
        Ok(all) => all,
        Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
    }
}

impl SimConnector {
    async fn effect<T>(
        &self,
        place: &str,
        effect: impl FnOnce(&mut WorldState) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let world = self.world.clone();
        call(&self.world, unavailable, move || {
            let mut state = world.lock();
            // The platform has killed this worker: nothing it does reaches a store any more.
            if state.acting.dead {
                return Err(unavailable("killed"));
            }
            if let Some(closed) = state.closed(place) {
                return Err(closed);
            }
            oracle::touches(&mut state, place);
            effect(&mut state)
        })
        .await
    }

    /// As an effect, where the store may leave some of many unanswered.
    fn unprocessed<T>(state: &mut WorldState, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if state.stormy() && state.cast.cut && state.chance(10) { Err(unavailable("UnprocessedKeys")) } else { answer }
    }

    fn select(state: &WorldState, producer: &Producer, selector: Selector<'_>) -> Vec<(String, Found)> {
        let place = place(producer);
        let (lag, now) = (state.lag(), state.now_ms);
        let left_out = |at: At<'_>| selector.but.iter().any(|other| is_found(*other, at));
        match selector.way.selection {
            Selection::Objects(objects) => {
                let prefix = match &objects.keys {
                    ObjectKeys::Under(keys) | ObjectKeys::Exactly(keys) => keys.fill(selector.way.value),
                    ObjectKeys::Matching { pattern, .. } => pattern.prefix(selector.way.value),
                };
                let listed = if of_uploads(producer) { state.list_uploads(&place, &prefix) } else { state.list(&place, &prefix) };
                let all = listed.into_iter();
                let found = all.filter(|f| {
                    let key = Address::of(&f.record).key;
                    is_found(selector.way, At::Object(&key)) && !left_out(At::Object(&key))
                });
                found.map(|f| (f.record.key.to_string(), f)).collect()
            }
            Selection::Items(items) => {
                let by_table_key = matches!(&producer.location, Location::Table(t) if items.index.is_none() && (items.scan.is_some() || t.key.first() == Some(&items.attribute)));
                let matched = Matched { attribute: items.attribute.clone(), value: items.value.fill(selector.way.value) };
                let rows = state.shop.tables.get(&place).into_iter().flatten();
                rows.filter(|(_, row)| is_found(selector.way, At::Row(row)) && !left_out(At::Row(row)))
                    .filter(|(_, row)| by_table_key || row.written_ms + lag <= now)
                    .map(|(key, row)| (key.clone(), row.found(key, Some(matched.clone()), selector.fields)))
                    .collect()
            }
        }
    }

    fn again(
        &self,
        state: &WorldState,
        producer: &Producer,
        record: &RecordRef,
        fields: &[String],
    ) -> Result<Option<Found>, StoreError> {
        let place = producer.location.name();
        let key = if self.objects { Address::of(record).key } else { key_of(record) };
        if let Some(refused) = state.refusal(place, &key) {
            return Err(refused);
        }
        if of_uploads(producer) {
            return Ok(state.list_uploads(place, &key).into_iter().find(|f| f.record.key == record.key));
        }
        if self.objects {
            return Ok(state.list(place, &key).into_iter().find(|f| f.record.key == record.key));
        }
        let row = state.shop.tables.get(place).and_then(|t| t.get(&key));
        Ok(row.filter(|row| still_selected(producer, record, row)).map(|row| row.found(&key, record.matched.clone(), fields)))
    }

    fn snapshot(
        &self,
        state: &WorldState,
        producer: &Producer,
        record: &RecordRef,
        fields: &[String],
    ) -> Result<Option<Snapshot>, StoreError> {
        let place = producer.location.name();
        let key = if self.objects { Address::of(record).key } else { key_of(record) };
        if let Some(refused) = state.refusal(place, &key) {
            return Err(refused);
        }
        if of_uploads(producer) {
            return if state.upload_stands(place, record)? {
                Err(refused("nobody gives the parts of an upload"))
            } else {
                Ok(None)
            };
        }
        if self.objects {
            let Some(version) = state.object(place, record) else { return Ok(None) };
            let object = (place.to_owned(), key);
            let bytes = state.bytes_of(&object, version.id);
            let length = state.announced(&object, bytes.len() as u64);
            let body = given(&self.world, state, object, bytes, 0);
            let envelope = if version.marker { Value::Null } else { json!(state.facts(place, record, &version)) };
            let version = Version(json!(version.id));
            return Ok(Some(Snapshot { version, still_selected: true, fields: Fields::default(), envelope, length, body }));
        }
        let row = state.shop.tables.get(place).and_then(|t| t.get(&key));
        Ok(row.map(|row| {
            let bytes = row.body();
            Snapshot {
                version: Version(json!(row.version)),
                still_selected: still_selected(producer, record, row),
                fields: row.read(fields),
                envelope: Value::Null,
                length: bytes.len() as u64,
                body: stream::iter([Ok(bytes)]).boxed(),
            }
        }))
    }
}

/// Whether old versions are kept for longer than a recovery window.
fn outlives(rules: Rules, window: Duration) -> bool {
    rules.expiry_ms.is_none_or(|expiry| i128::from(expiry) >= i128::try_from(window.as_millis()).unwrap_or_default())
}

#[async_trait]
impl Connector for SimConnector {
    fn form(&self) -> ExportForm<'_> {
        if self.objects { ExportForm::Files(self) } else { ExportForm::Rows(self) }
    }

    async fn capabilities(&self, producer: &Producer, window: Duration) -> Result<Capabilities, StoreError> {
        let place = place(producer);
        self.effect(&place, |state| {
            let rules = state.rules(&place);
            if of_uploads(producer) {
                return Ok(Capabilities {
                    hide: HideMethod::Native,
                    conditional_delete: ConditionalDelete::Version,
                    old_versions: OldVersions::None,
                    listing: Listing::Consistent,
                    records: RecordKind::Document,
                    cautions: vec![Caution::UnfinishedUploads],
                });
            }
            let native = self.objects && rules.versioning == Versioning::On;
            // Where old versions go before the window ends, a marker would not hide but destroy.
            let kept = outlives(rules, window);
            if native && !kept {
                return Err(unusable("old versions are dropped before the recovery window ends"));
            }
            Ok(Capabilities {
                hide: if native { HideMethod::Native } else { HideMethod::Vault },
                conditional_delete: ConditionalDelete::Version,
                old_versions: match rules.versioning {
                    Versioning::On if self.objects => OldVersions::Kept,
                    Versioning::Suspended if self.objects => OldVersions::Suspended,
                    _ => OldVersions::None,
                },
                listing: if state.lag() > 0 { Listing::Lagging } else { Listing::Consistent },
                records: RecordKind::Document,
                cautions: vec![],
            })
        })
        .await
    }

    async fn discover(
        &self,
        producer: &Producer,
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError> {
        let (place, told) = (place(producer), told_place(producer));
        let looked = after.and_then(|after| after["looked"].as_u64()).unwrap_or_default();
        let after = after.and_then(|after| after["key"].as_str()).map(str::to_owned);
        self.effect(&place, |state| {
            // A page is what there is at its instant; others write before the next one.
            let limit = if state.stormy() && state.cast.cut { state.rng.random_range(1..=limit.clamp(1, 3)) } else { limit };
            let most = match selector.way.selection {
                Selection::Items(items) => items.scan.and_then(|bound| bound.max_items),
                Selection::Objects(_) => None,
            };
            let looks = looked + state.shop.tables.get(&place).map_or(0, |rows| rows.len() as u64);
            if most.is_some_and(|most| looks > most) {
                return Err(StoreError::TooLarge { store: "shop".to_owned(), reason: "larger than scan allows".to_owned() });
            }
            let mut all = Self::select(state, producer, selector);
            all.sort_by(|a, b| a.0.cmp(&b.0));
            let rest: Vec<_> = all.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|a| key > a)).collect();
            let more = rest.len() > limit;
            let page: Vec<_> = rest.into_iter().take(limit).collect();
            let next = page.last().filter(|_| more).map(|(key, _)| json!({ "key": key, "looked": looked }));
            let looked = most.filter(|_| !more).map(|_| json!({ "looked": looks }));
            let records: Vec<Found> = page.into_iter().map(|(_, found)| found).collect();
            oracle::found(state, &told, &records);
            Ok(Discovered { records, next, looked })
        })
        .await
    }

    async fn reread(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Found>, StoreError>> {
        let (place, told) = (place(producer), told_place(producer));
        let all = self.effect(&place, |state| {
            let mut answers = Vec::new();
            for record in records {
                let answer = self.again(state, producer, record, fields);
                if let Ok(Some(found)) = &answer {
                    oracle::found(state, &told, std::slice::from_ref(found));
                }
                answers.push(Self::unprocessed(state, answer));
            }
            Ok(answers)
        });
        each(records.len(), all.await)
    }

    async fn read(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Snapshot>, StoreError>> {
        let place = place(producer);
        let all = self.effect(&place, |state| {
            let mut answers = Vec::new();
            for record in records {
                let answer = self.snapshot(state, producer, record, fields);
                answers.push(Self::unprocessed(state, answer));
            }
            Ok(answers)
        });
        each(records.len(), all.await)
    }

    async fn apply(&self, producer: &Producer, changes: &[(Expected, Effect)]) -> Vec<Result<Applied, StoreError>> {
        let place = place(producer);
        let mut results = Vec::new();
        for (one, Effect::Remove) in changes {
            let removed = |state: &mut WorldState| {
                if self.objects { state.remove_object(&place, one) } else { state.remove_row(&place, one) }
            };
            results.push(self.effect(&place, removed).await);
        }
        results
    }

    async fn put_back(&self, producer: &Producer, returned: Vec<Returned>) -> Vec<Result<PutBack, StoreError>> {
        let place = place(producer);
        let mut results = Vec::new();
        for one in returned {
            let read: Result<Vec<Bytes>, StoreError> = one.body.try_collect().await;
            let returned = |state: &mut WorldState, bytes: &[u8]| {
                if self.objects {
                    state.return_object(&place, &one.record, bytes)
                } else {
                    state.return_row(&place, &one.record, bytes)
                }
            };
            results.push(match read {
                Ok(pieces) => self.effect(&place, |state| returned(state, &pieces.concat())).await,
                Err(error) => Err(error),
            });
        }
        results
    }

    fn soft_delete(&self) -> Option<&dyn SoftDelete> {
        self.objects.then_some(self)
    }

    fn queries(&self) -> Option<&dyn Queries> {
        (!self.objects).then_some(self)
    }
}

impl Rows for SimConnector {
    fn row(&self, body: &[u8]) -> Option<ExportRow> {
        serde_json::from_slice::<(u64, ExportRow)>(body).ok().map(|(_, row)| row)
    }
}

impl Files for SimConnector {
    fn facts(&self, _: &RecordRef, shown: &Snapshot) -> Option<ObjectFacts> {
        serde_json::from_value(shown.envelope.clone()).ok()
    }

    fn rest(
        &self,
        producer: &Producer,
        record: &RecordRef,
        version: &Version,
        from: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        let this = Self { world: self.world.clone(), objects: self.objects };
        let version = version.clone();
        let (place, record) = (producer.location.name().to_owned(), record.clone());
        let opened = async move {
            this.effect(&place.clone(), |state| {
                let object = (place.clone(), Address::of(&record).key);
                if let Some(refused) = state.refusal(&place, &object.1).or_else(|| state.refuses_rest(&object)) {
                    return Err(refused);
                }
                let stands = state.object(&place, &record).filter(|stands| json!(stands.id) == version.0);
                let stands = stands.ok_or_else(|| unavailable("it changed while it was read"))?;
                let bytes = state.bytes_of(&object, stands.id);
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                assert!(from < bytes.len(), "there is a byte to read");
                Ok(given(&this.world, state, object, bytes, from))
            })
            .await
        };
        Ok(stream::once(opened).try_flatten().boxed())
    }
}

#[async_trait]
impl Queries for SimConnector {
    async fn query(&self, query: &SavedQuery, values: &[String], after: Option<String>) -> Result<QueryPage, StoreError> {
        // SELECT … FROM table WHERE attribute = ?
        let words: Vec<&str> = query.statement.split_whitespace().collect();
        let behind =
            |word: &str| words.iter().position(|w| *w == word).and_then(|n| words.get(n + 1)).copied().unwrap_or_default();
        let (table, attribute) = (behind("FROM").to_owned(), behind("WHERE").to_owned());
        let from: usize = after.and_then(|a| a.parse().ok()).unwrap_or_default();
        self.effect(&table, |state| {
            let rows = state.shop.tables.get(&table).cloned().unwrap_or_default();
            let mine: Vec<&Row> = rows.values().filter(|row| row.fields.get(&attribute) == values.first()).collect();
            let shown = |row: &&Row| {
                let columns = query.columns.iter().filter_map(|c| Some((c.clone(), to_raw_value(row.fields.get(c)?).ok()?)));
                columns.collect::<ExportRow>()
            };
            let next = (from + 2 < mine.len()).then(|| (from + 2).to_string());
            Ok(QueryPage { rows: mine[from.min(mine.len())..].iter().take(2).map(shown).collect(), next })
        })
        .await
    }
}

#[async_trait]
impl SoftDelete for SimConnector {
    async fn soft_delete(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Option<Timestamp>,
        window: Duration,
    ) -> Vec<Result<SoftDeletion, StoreError>> {
        let place = place(producer);
        let mut results = Vec::new();
        for (record, noted) in records {
            let soft_deleted = |state: &mut WorldState| match state.rules(&place).versioning {
                _ if of_uploads(producer) => state.hide_upload(&place, record),
                Versioning::On if !outlives(state.rules(&place), window) => {
                    Err(unusable("old versions are dropped before the recovery window ends"))
                }
                Versioning::On => state.soft_delete_one(&place, record, noted.as_ref(), tried_since),
                _ => Err(unusable("versioning is no longer on: turn it on, or discover again")),
            };
            results.push(self.effect(&place, soft_deleted).await);
        }
        results
    }

    async fn soft_deleted(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Timestamp,
    ) -> Vec<Result<Option<Tombstone>, StoreError>> {
        let place = place(producer);
        let all = self.effect(&place, |state| {
            if of_uploads(producer) {
                return Ok(records.iter().map(|_| Ok(None)).collect());
            }
            Ok(records.iter().map(|(r, noted)| Ok(state.soft_deleted_by(&place, r, noted.as_ref(), Some(tried_since)))).collect())
        });
        each(records.len(), all.await)
    }

    async fn undelete(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
    ) -> Vec<Result<PutBack, StoreError>> {
        let place = place(producer);
        let mut results = Vec::new();
        for (record, marker) in records {
            let undeleted = |state: &mut WorldState| match of_uploads(producer) {
                true => state.show_upload(&place, record),
                false => state.undelete_one(&place, record, marker.as_ref()),
            };
            results.push(self.effect(&place, undeleted).await);
        }
        results
    }

    async fn purge(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
    ) -> Vec<Result<Destruction, StoreError>> {
        let place = place(producer);
        let mut results = Vec::new();
        for (record, marker) in records {
            let destroyed = |state: &mut WorldState| match of_uploads(producer) {
                true => state.abort_upload(&place, record),
                false => state.purge_one(&place, record, marker.as_ref()),
            };
            results.push(self.effect(&place, destroyed).await);
        }
        results
    }
}
