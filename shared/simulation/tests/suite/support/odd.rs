//! Stores in which single things go wrong, as a test says.

use async_trait::async_trait;
use oubli_domain::{
    datamap::{Producer, Store},
    ids::StoreName,
    saved_query::SavedQuery,
};
use oubli_engine::ports::{
    Applied, Capabilities, Connector, Discovered, Effect, Expected, ExportForm, Found, HideMethod, PutBack, Queries, QueryPage,
    RecordRef, Returned, Selector, Snapshot, SoftDelete, StoreError, Stores,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// What goes wrong.
#[derive(Default)]
pub struct Oddities {
    /// Producers whose table or bucket is gone, and saved queries whose is.
    pub unusable: BTreeSet<String>,
    /// Producers whose store promises a delete of its own and offers none.
    pub empty_promises: BTreeSet<String>,
    /// Values that a store refuses to look up, by producer or saved query.
    pub refused_values: BTreeSet<(String, String)>,
    /// Records that their store refuses to read again.
    pub refused_records: BTreeSet<String>,
    /// Records that no index shows yet.
    pub unindexed: BTreeSet<String>,
    /// Objects that a bucket's policy lets nobody read.
    pub closed: BTreeSet<String>,
    /// Sizes of records.
    pub bytes: BTreeMap<String, u64>,
    /// The producer whose pages never come.
    pub silent: Option<String>,
    /// How many records of a producer were read again together, each time.
    pub reread: BTreeMap<String, Vec<usize>>,
}

/// Stores with oddities.
#[derive(Clone)]
pub struct Odd {
    stores: Arc<dyn Stores>,
    oddities: Arc<Mutex<Oddities>>,
}

impl Odd {
    pub fn new(stores: Arc<dyn Stores>) -> Self {
        Self { stores, oddities: Arc::default() }
    }

    pub fn with(&self) -> MutexGuard<'_, Oddities> {
        self.oddities.lock().expect("whole")
    }
}

impl Stores for Odd {
    fn connector(&self, name: &StoreName, store: &Store) -> Result<Arc<dyn Connector>, StoreError> {
        Ok(Arc::new(OddConnector { inner: self.stores.connector(name, store)?, odd: self.clone() }))
    }
}

struct OddConnector {
    inner: Arc<dyn Connector>,
    odd: Odd,
}

fn name(record: &RecordRef) -> String {
    let text = |field: &str| record.key.get(field).and_then(Value::as_str).map(str::to_owned);
    text("id").or_else(|| text("key")).unwrap_or_default()
}

impl OddConnector {
    fn usable(&self, producer: &Producer) -> Result<(), StoreError> {
        let gone = self.odd.with().unusable.contains(producer.name.as_str());
        let reason = "ResourceNotFoundException".to_owned();
        if gone { Err(StoreError::Unusable { store: "shop".to_owned(), reason }) } else { Ok(()) }
    }

    fn sized(&self, mut found: Found) -> Found {
        found.bytes = self.odd.with().bytes.get(&name(&found.record)).copied().unwrap_or(found.bytes);
        found
    }
}

fn refused() -> StoreError {
    StoreError::Record { store: "shop".to_owned(), reason: "not a number".to_owned() }
}

#[async_trait]
impl Connector for OddConnector {
    async fn capabilities(&self, producer: &Producer, window: Duration) -> Result<Capabilities, StoreError> {
        self.usable(producer)?;
        let promised = self.inner.capabilities(producer, window).await?;
        let empty = self.odd.with().empty_promises.contains(producer.name.as_str());
        Ok(if empty { Capabilities { hide: HideMethod::Native, ..promised } } else { promised })
    }

    async fn discover(
        &self,
        producer: &Producer,
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError> {
        self.usable(producer)?;
        if self.odd.with().silent.as_deref() == Some(producer.name.as_str()) {
            std::future::pending::<()>().await;
        }
        if self.odd.with().refused_values.contains(&(producer.name.to_string(), selector.way.value.to_owned())) {
            return Err(refused());
        }
        let mut page = self.inner.discover(producer, selector, after, limit).await?;
        let unindexed =
            |found: &Found| selector.way.selection.goes_by_index() && self.odd.with().unindexed.contains(&name(&found.record));
        page.records = page.records.into_iter().filter(|f| !unindexed(f)).map(|f| self.sized(f)).collect();
        Ok(page)
    }

    async fn reread(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Found>, StoreError>> {
        if let Err(error) = self.usable(producer) {
            return records.iter().map(|_| Err(error.clone())).collect();
        }
        self.odd.with().reread.entry(producer.name.to_string()).or_default().push(records.len());
        let all = self.inner.reread(producer, records, fields).await;
        let each = records.iter().zip(all).map(|(record, found)| {
            if self.odd.with().refused_records.contains(&name(record)) {
                Err(refused())
            } else {
                found.map(|f| f.map(|f| self.sized(f)))
            }
        });
        each.collect()
    }

    async fn read(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Snapshot>, StoreError>> {
        let all = self.inner.read(producer, records, fields).await;
        let closed = |record: &RecordRef| self.odd.with().closed.contains(&name(record));
        let open = |(record, shown): (&RecordRef, &Result<Option<Snapshot>, StoreError>)| {
            matches!(shown, Ok(Some(_))) && !closed(record)
        };
        // Refused beside what is answered, it is the record's trouble; alone, nobody can tell it from the store's.
        let beside = records.iter().zip(&all).any(open);
        let (store, reason) = ("shop".to_owned(), "AccessDenied".to_owned());
        let each = records.iter().zip(all).map(|(record, shown)| match (closed(record), beside) {
            (false, _) => shown,
            (true, true) => Err(StoreError::Record { store: store.clone(), reason: reason.clone() }),
            (true, false) => Err(StoreError::Unusable { store: store.clone(), reason: reason.clone() }),
        });
        each.collect()
    }

    fn form(&self) -> ExportForm<'_> {
        self.inner.form()
    }

    async fn apply(&self, producer: &Producer, changes: &[(Expected, Effect)]) -> Vec<Result<Applied, StoreError>> {
        self.inner.apply(producer, changes).await
    }

    async fn put_back(&self, producer: &Producer, returned: Vec<Returned>) -> Vec<Result<PutBack, StoreError>> {
        self.inner.put_back(producer, returned).await
    }

    fn soft_delete(&self) -> Option<&dyn SoftDelete> {
        if self.odd.with().empty_promises.is_empty() { self.inner.soft_delete() } else { None }
    }

    fn queries(&self) -> Option<&dyn Queries> {
        self.inner.queries().map(|_| self as &dyn Queries)
    }
}

#[async_trait]
impl Queries for OddConnector {
    async fn query(&self, query: &SavedQuery, values: &[String], after: Option<String>) -> Result<QueryPage, StoreError> {
        let name = query.name.to_string();
        if self.odd.with().unusable.contains(&name) {
            return Err(StoreError::Unusable { store: "shop".to_owned(), reason: "ResourceNotFoundException".to_owned() });
        }
        if values.iter().any(|value| self.odd.with().refused_values.contains(&(name.clone(), value.clone()))) {
            return Err(refused());
        }
        self.inner.queries().expect("offered").query(query, values, after).await
    }
}
