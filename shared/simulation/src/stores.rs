//! The customers' stores: tables that hide by the vault, a bucket that hides by itself, and an application that keeps
//! writing to both.

use crate::{
    faults::call,
    mutant::Mutant,
    people::{EMAIL, SUBJECT},
    world::{State, World},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use oubli_domain::{
    datamap::{Location, Producer, Selection, Store, StoreKind},
    ids::StoreName,
    saved_query::SavedQuery,
};
use oubli_engine::ports::{
    Capabilities, Concealment, Connector, Destruction, Discovered, Expected, ExportForm, Found, HideMethod, Marker, Matched,
    PutBack, QueryPage, RecordRef, Removal, Returned, Row as ExportRow, Selector, Snapshot, StoreError, Stores, Version,
};
use serde_json::{Value, json, value::to_raw_value};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub version: u64,
    pub fields: BTreeMap<String, String>,
    pub written_ms: i64,
}

/// A version of an object; a marker has no body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion {
    pub id: u64,
    pub marker: bool,
    pub written_ms: i64,
}

/// What happened to a record, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    AppWrote,
    AppDeleted,
    Removed,
    PutBack,
    Concealed,
    Revealed,
    Expunged,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Effect {
    pub instant: u64,
    pub at_ms: i64,
    pub place: String,
    pub key: String,
    pub deed: Deed,
    pub version: u64,
}

/// The stores.
#[derive(Debug, Default)]
pub struct Shop {
    pub tables: BTreeMap<String, BTreeMap<String, Row>>,
    pub buckets: BTreeMap<String, BTreeMap<String, Vec<ObjectVersion>>>,
    pub effects: Vec<Effect>,
    pub next_version: u64,
}

impl State {
    fn did(&mut self, place: &str, key: &str, deed: Deed, version: u64) {
        let (instant, at_ms) = (self.instant, self.now_ms);
        self.note(|| format!("{deed:?} {place}/{key} v{version}"));
        self.shop.effects.push(Effect { instant, at_ms, place: place.to_owned(), key: key.to_owned(), deed, version });
    }

    /// The application writes a row.
    pub fn app_writes(&mut self, table: &str, key: &str, fields: &[(&str, &str)]) {
        self.shop.next_version += 1;
        let version = self.shop.next_version;
        let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let row = Row { version, fields, written_ms: self.now_ms };
        self.shop.tables.entry(table.to_owned()).or_default().insert(key.to_owned(), row);
        self.did(table, key, Deed::AppWrote, version);
    }

    /// The application deletes a row.
    pub fn app_deletes(&mut self, table: &str, key: &str) {
        if let Some(row) = self.shop.tables.entry(table.to_owned()).or_default().remove(key) {
            self.did(table, key, Deed::AppDeleted, row.version);
        }
    }

    /// The application writes an object.
    pub fn app_uploads(&mut self, bucket: &str, key: &str) {
        self.shop.next_version += 1;
        let id = self.shop.next_version;
        let written_ms = self.now_ms;
        let versions = self.shop.buckets.entry(bucket.to_owned()).or_default().entry(key.to_owned()).or_default();
        versions.push(ObjectVersion { id, marker: false, written_ms });
        self.did(bucket, key, Deed::AppWrote, id);
    }
}

/// The connectors.
pub struct SimStores(pub World);

impl Stores for SimStores {
    fn connector(&self, _: &StoreName, store: &Store) -> Arc<dyn Connector> {
        match store.connector {
            StoreKind::Dynamodb => Arc::new(SimConnector { world: self.0.clone(), native: false }),
            StoreKind::S3 => Arc::new(SimConnector { world: self.0.clone(), native: true }),
        }
    }
}

struct SimConnector {
    world: World,
    native: bool,
}

/// Written so lately that an index may not show it yet, in milliseconds.
pub const INDEX_LAG_MS: i64 = 3_000;

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable { store: "shop".to_owned(), reason: why.to_owned() }
}

fn place(producer: &Producer) -> String {
    producer.location.name().to_owned()
}

fn text(record: &RecordRef, name: &str) -> String {
    record.key.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn version_of(record: &RecordRef) -> u64 {
    record.key.get("version").and_then(Value::as_u64).unwrap_or_default()
}

fn still_selected(record: &RecordRef, row: &Row) -> bool {
    record.matched.as_ref().is_none_or(|m| row.fields.get(&m.attribute) == Some(&m.value))
}

fn found_row(key: &str, row: &Row, matched: Option<Matched>, fields: &[String]) -> Found {
    let record = RecordRef { key: json!({ "id": key }), matched };
    let fields = fields.iter().filter_map(|f| row.fields.get(f).map(|v| (f.clone(), v.clone()))).collect();
    Found { record, bytes: 10, fields, locked_until: None }
}

fn body(row: &Row) -> Bytes {
    Bytes::from(serde_json::to_vec(&(row.version, &row.fields)).unwrap_or_default())
}

/// One answer for all, or one for each.
fn each<T>(count: usize, all: Result<Vec<T>, StoreError>) -> Vec<Result<T, StoreError>> {
    match all {
        Ok(all) => all.into_iter().map(Ok).collect(),
        Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
    }
}

impl SimConnector {
    async fn effect<T>(&self, effect: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let world = self.world.clone();
        call(&self.world, unavailable, move || {
            let mut state = world.lock();
            // The platform has killed this worker: nothing it does reaches a store any more.
            if state.overdue { Err(unavailable("killed")) } else { effect(&mut state) }
        })
        .await
    }

    fn remove_row(state: &mut State, table: &str, expected: &Expected) -> Removal {
        let key = text(&expected.record, "id");
        let mutant = state.mutant;
        let Some(row) = state.shop.tables.get(table).and_then(|t| t.get(&key)).cloned() else {
            return if mutant == Some(Mutant::NotFoundIsErased) { Removal::Removed } else { Removal::Absent };
        };
        let same = expected.version.0 == json!(row.version);
        if !same && mutant != Some(Mutant::DeleteWithoutVersion) {
            return Removal::Changed;
        }
        if !same {
            state.break_promise("P6", format!("{table}/{key} was removed in a version that nobody copied"));
        }
        let theirs = |name: &str, who: &str| row.fields.get(name).is_some_and(|v| v == who);
        if table == "orders" && !theirs("owner", SUBJECT) && !theirs("email", EMAIL) {
            state.break_promise("P6", format!("{table}/{key} was removed though it is somebody else's"));
        }
        if let Some(rows) = state.shop.tables.get_mut(table) {
            rows.remove(&key);
        }
        state.did(table, &key, Deed::Removed, row.version);
        Removal::Removed
    }

    fn return_row(state: &mut State, table: &str, record: &RecordRef, bytes: &[u8]) -> Result<PutBack, StoreError> {
        let key = text(record, "id");
        let (version, fields): (u64, BTreeMap<String, String>) =
            serde_json::from_slice(bytes).map_err(|_| unavailable("unreadable"))?;
        if let Some(there) = state.shop.tables.get(table).and_then(|t| t.get(&key)) {
            return Ok(if there.version == version && there.fields == fields { PutBack::Restored } else { PutBack::Conflict });
        }
        let written_ms = state.now_ms;
        state.shop.tables.entry(table.to_owned()).or_default().insert(key.clone(), Row { version, fields, written_ms });
        state.did(table, &key, Deed::PutBack, version);
        Ok(PutBack::Restored)
    }

    fn list(state: &State, bucket: &str, prefix: &str) -> Vec<Found> {
        let Some(objects) = state.shop.buckets.get(bucket) else { return vec![] };
        let mut found = Vec::new();
        for (key, versions) in objects.iter().filter(|(k, _)| k.starts_with(prefix)) {
            for (n, version) in versions.iter().enumerate() {
                let latest = n + 1 == versions.len();
                let key = json!({ "key": key, "version": version.id, "latest": latest, "marker": version.marker });
                found.push(Found {
                    record: RecordRef { key, matched: None },
                    bytes: 10,
                    fields: BTreeMap::new(),
                    locked_until: None,
                });
            }
        }
        found
    }

    fn conceal_one(state: &mut State, bucket: &str, record: &RecordRef) -> Concealment {
        let (key, id) = (text(record, "key"), version_of(record));
        let versions = state.shop.buckets.get(bucket).and_then(|b| b.get(&key)).cloned().unwrap_or_default();
        let Some(place) = versions.iter().position(|v| v.id == id) else { return Concealment::Absent };
        if versions[place].marker || place + 1 < versions.len() && !versions[place + 1].marker {
            return Concealment::Hidden(None);
        }
        if let Some(above) = versions.get(place + 1) {
            return if record.matched.is_some() {
                Concealment::AlreadyHidden(Some(Marker(json!(above.id))))
            } else {
                Concealment::Hidden(None)
            };
        }
        state.shop.next_version += 1;
        let marker = state.shop.next_version;
        let written_ms = state.now_ms;
        if let Some(versions) = state.shop.buckets.get_mut(bucket).and_then(|b| b.get_mut(&key)) {
            versions.push(ObjectVersion { id: marker, marker: true, written_ms });
        }
        state.did(bucket, &key, Deed::Concealed, id);
        Concealment::Hidden(Some(Marker(json!(marker))))
    }

    fn delete_version(state: &mut State, bucket: &str, key: &str, id: u64) -> bool {
        let Some(versions) = state.shop.buckets.get_mut(bucket).and_then(|b| b.get_mut(key)) else { return false };
        let before = versions.len();
        versions.retain(|v| v.id != id);
        let gone = versions.len() < before;
        if versions.is_empty()
            && let Some(objects) = state.shop.buckets.get_mut(bucket)
        {
            objects.remove(key);
        }
        gone
    }

    fn reveal_one(state: &mut State, bucket: &str, record: &RecordRef, marker: Option<&Marker>) -> PutBack {
        let (key, id) = (text(record, "key"), version_of(record));
        let marker = marker.and_then(|m| m.0.as_u64());
        let versions = state.shop.buckets.get(bucket).and_then(|b| b.get(&key)).cloned().unwrap_or_default();
        let Some(place) = versions.iter().position(|v| v.id == id) else { return PutBack::Gone };
        let newer = versions[place + 1..].iter().any(|v| !v.marker) && marker.is_some();
        if let Some(marker) = marker
            && Self::delete_version(state, bucket, &key, marker)
        {
            state.did(bucket, &key, Deed::Revealed, id);
        }
        if newer { PutBack::Conflict } else { PutBack::Restored }
    }
}

/// An object's bytes say which it is.
fn object(record: &RecordRef) -> Snapshot {
    let bytes = Bytes::from(format!("{} version {}", text(record, "key"), version_of(record)));
    Snapshot {
        version: Version(json!(version_of(record))),
        still_selected: true,
        fields: BTreeMap::new(),
        envelope: Value::Null,
        length: bytes.len() as u64,
        body: stream::iter([Ok(bytes)]).boxed(),
    }
}

#[async_trait]
impl Connector for SimConnector {
    fn export_form(&self) -> ExportForm {
        if self.native { ExportForm::Files } else { ExportForm::Rows }
    }

    fn row(&self, body: &[u8]) -> Option<ExportRow> {
        serde_json::from_slice::<(u64, ExportRow)>(body).ok().map(|(_, row)| row)
    }

    fn file_name(&self, record: &RecordRef) -> Option<String> {
        let marker = record.key.get("marker").and_then(Value::as_bool) == Some(true);
        (!marker).then(|| text(record, "key"))
    }

    async fn capabilities(&self, _: &Producer, _: Duration) -> Result<Capabilities, StoreError> {
        let hide = if self.native { HideMethod::Native } else { HideMethod::Vault };
        self.effect(|_| Ok(Capabilities { hide, cautions: vec![] })).await
    }

    async fn discover(
        &self,
        producer: &Producer,
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError> {
        let place = place(producer);
        let from = after.and_then(Value::as_u64).unwrap_or_default() as usize;
        let by_table_key = matches!(&producer.location, Location::Table(t) if matches!(selector.selection, Selection::Key { attribute, index: None, .. } if t.key.first() == Some(attribute)));
        self.effect(|state| {
            let lag = if state.weather == crate::world::Weather::Storm { INDEX_LAG_MS } else { 0 };
            let now = state.now_ms;
            let all: Vec<Found> = match selector.selection {
                Selection::Prefix { template, .. } => Self::list(state, &place, &template.replace("{}", selector.value)),
                Selection::Key { attribute, .. } => {
                    let rows = state.shop.tables.get(&place).cloned().unwrap_or_default();
                    let matched = Matched { attribute: attribute.clone(), value: selector.value.to_owned() };
                    rows.iter()
                        .filter(|(_, row)| row.fields.get(attribute).map(String::as_str) == Some(selector.value))
                        .filter(|(_, row)| by_table_key || row.written_ms + lag <= now)
                        .filter(|(_, row)| {
                            !selector.found_otherwise.iter().any(|m| row.fields.get(&m.attribute) == Some(&m.value))
                        })
                        .map(|(key, row)| found_row(key, row, Some(matched.clone()), selector.fields))
                        .collect()
                }
            };
            let end = (from + limit).min(all.len());
            let next = (end < all.len()).then(|| json!(end));
            Ok(Discovered { records: all.into_iter().skip(from).take(limit).collect(), next })
        })
        .await
    }

    async fn reread(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Found>, StoreError>> {
        let place = place(producer);
        let all = self.effect(|state| {
            let again = |record: &RecordRef| {
                if self.native {
                    let (key, id) = (text(record, "key"), version_of(record));
                    return Self::list(state, &place, &key)
                        .into_iter()
                        .find(|f| text(&f.record, "key") == key && version_of(&f.record) == id);
                }
                let key = text(record, "id");
                let row = state.shop.tables.get(&place).and_then(|t| t.get(&key))?;
                still_selected(record, row).then(|| found_row(&key, row, record.matched.clone(), fields))
            };
            Ok(records.iter().map(again).collect::<Vec<_>>())
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
        let snapshot = |record: &RecordRef, row: &Row| {
            let bytes = body(row);
            Snapshot {
                version: Version(json!(row.version)),
                still_selected: still_selected(record, row),
                fields: fields.iter().filter_map(|f| row.fields.get(f).map(|v| (f.clone(), v.clone()))).collect(),
                envelope: Value::Null,
                length: bytes.len() as u64,
                body: stream::iter([Ok(bytes)]).boxed(),
            }
        };
        if self.native {
            let all = self.effect(|state| {
                let stands = |r: &RecordRef| {
                    let versions = state.shop.buckets.get(&place)?.get(&text(r, "key"))?;
                    versions.iter().find(|v| v.id == version_of(r) && !v.marker).map(|_| object(r))
                };
                Ok(records.iter().map(stands).collect::<Vec<_>>())
            });
            return each(records.len(), all.await);
        }
        let all = self.effect(|state| {
            let rows = state.shop.tables.get(&place);
            Ok(records.iter().map(|r| rows.and_then(|t| t.get(&text(r, "id"))).map(|row| snapshot(r, row))).collect::<Vec<_>>())
        });
        each(records.len(), all.await)
    }

    async fn query(&self, query: &SavedQuery, values: &[String], after: Option<String>) -> Result<QueryPage, StoreError> {
        // SELECT … FROM table WHERE attribute = ?
        let words: Vec<&str> = query.statement.split_whitespace().collect();
        let behind =
            |word: &str| words.iter().position(|w| *w == word).and_then(|n| words.get(n + 1)).copied().unwrap_or_default();
        let (table, attribute) = (behind("FROM").to_owned(), behind("WHERE").to_owned());
        let from: usize = after.and_then(|a| a.parse().ok()).unwrap_or_default();
        self.effect(|state| {
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

    async fn remove(&self, producer: &Producer, expected: &[Expected]) -> Vec<Result<Removal, StoreError>> {
        let place = place(producer);
        let mut results = Vec::new();
        for one in expected {
            results.push(self.effect(|state| Ok(Self::remove_row(state, &place, one))).await);
        }
        results
    }

    async fn put_back(&self, producer: &Producer, returned: Vec<Returned>) -> Vec<Result<PutBack, StoreError>> {
        let place = place(producer);
        let mut results = Vec::new();
        for one in returned {
            let read: Result<Vec<Bytes>, StoreError> = one.body.try_collect().await;
            results.push(match read {
                Ok(pieces) => self.effect(|state| Self::return_row(state, &place, &one.record, &pieces.concat())).await,
                Err(error) => Err(error),
            });
        }
        results
    }

    async fn conceal(&self, producer: &Producer, records: &[RecordRef], _: Duration) -> Vec<Result<Concealment, StoreError>> {
        let place = place(producer);
        let mut results = Vec::new();
        for record in records {
            results.push(self.effect(|state| Ok(Self::conceal_one(state, &place, record))).await);
        }
        results
    }

    async fn concealed(&self, producer: &Producer, records: &[RecordRef]) -> Vec<Result<Option<Marker>, StoreError>> {
        let place = place(producer);
        let all = self.effect(|state| {
            let above = |record: &RecordRef| {
                let versions = state.shop.buckets.get(&place)?.get(&text(record, "key"))?;
                let n = versions.iter().position(|v| v.id == version_of(record))?;
                versions.get(n + 1).filter(|v| v.marker && record.matched.is_some()).map(|v| Marker(json!(v.id)))
            };
            Ok(records.iter().map(above).collect::<Vec<_>>())
        });
        each(records.len(), all.await)
    }

    async fn reveal(&self, producer: &Producer, records: &[(RecordRef, Option<Marker>)]) -> Vec<Result<PutBack, StoreError>> {
        let place = place(producer);
        let mut results = Vec::new();
        for (record, marker) in records {
            results.push(self.effect(|state| Ok(Self::reveal_one(state, &place, record, marker.as_ref()))).await);
        }
        results
    }

    async fn expunge(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Marker>)],
    ) -> Vec<Result<Destruction, StoreError>> {
        let place = place(producer);
        let mut results = Vec::new();
        for (record, marker) in records {
            let (key, id) = (text(record, "key"), version_of(record));
            let marker = marker.as_ref().and_then(|m| m.0.as_u64());
            let done = self.effect(|state| {
                for id in [Some(id), marker].into_iter().flatten() {
                    if Self::delete_version(state, &place, &key, id) {
                        state.did(&place, &key, Deed::Expunged, id);
                    }
                }
                Ok(Destruction::Destroyed)
            });
            results.push(done.await);
        }
        results
    }
}
