//! Stores that refuse single records, as archived, locked or unreadable ones are refused.

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use jiff::{Timestamp, civil::Date};
use oubli_domain::{
    datamap::{Producer, Store},
    ids::StoreName,
};
use oubli_engine::ports::{
    Applied, Capabilities, Connector, Destruction, Discovered, Effect, Expected, ExportForm, Found, PutBack, RecordRef, Returned,
    Selector, Snapshot, SoftDelete, SoftDeletion, StoreError, Stores, Tombstone,
};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Where a record is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Read,
    /// Its reading begins, and breaks off.
    Body,
    Remove,
    PutBack,
    /// Its store does not answer when it is to be put back.
    NoAnswer,
    Conceal,
    SoftDeleted,
    Reveal,
    Expunge,
    /// Its store does not answer when it is to be destroyed, and does nothing.
    Unanswered,
    /// Its store destroys it, and the reply is lost.
    ReplyLost,
    /// The store's own lock keeps it until this day.
    Locked(Date),
    /// Every record, for something that somebody must mend.
    Unusable,
    /// As above, but records can be read.
    Unremovable,
}

/// Which record is refused where: by what its key says under `id` or `key`.
pub type Refusals = Arc<Mutex<Vec<(String, At)>>>;

pub struct StubbornStores {
    pub inner: Arc<dyn Stores>,
    pub refusals: Refusals,
}

impl Stores for StubbornStores {
    fn connector(&self, name: &StoreName, store: &Store) -> Result<Arc<dyn Connector>, StoreError> {
        Ok(Arc::new(Stubborn { inner: self.inner.connector(name, store)?, refusals: self.refusals.clone() }))
    }
}

struct Stubborn {
    inner: Arc<dyn Connector>,
    refusals: Refusals,
}

fn refused() -> StoreError {
    StoreError::Record { store: "shop".to_owned(), reason: "it is archived".to_owned() }
}

fn no_answer() -> StoreError {
    StoreError::Unavailable { store: "shop".to_owned(), reason: "it does not answer".to_owned() }
}

impl Stubborn {
    fn of(&self, record: &RecordRef) -> Vec<At> {
        let name = |field: &str| record.key.get(field).and_then(Value::as_str).map(str::to_owned);
        let name = name("id").or_else(|| name("key")).unwrap_or_default();
        let refusals = self.refusals.lock().expect("unbroken");
        refusals.iter().filter(|(key, _)| *key == name).map(|(_, at)| *at).collect()
    }

    fn unusable(&self, at: At) -> Option<StoreError> {
        let refusals = self.refusals.lock().expect("unbroken");
        let unusable = refusals.iter().any(|(_, no)| *no == At::Unusable || (*no == At::Unremovable && at == At::Remove));
        unusable.then(|| StoreError::Unusable { store: "shop".to_owned(), reason: "AccessDenied".to_owned() })
    }

    /// The answers of the store, but for the records that are refused here, which it is not asked about.
    async fn but<R, T>(
        &self,
        at: At,
        given: Vec<R>,
        record: impl Fn(&R) -> &RecordRef,
        ask: impl AsyncFnOnce(Vec<R>) -> Vec<Result<T, StoreError>>,
    ) -> Vec<Result<T, StoreError>> {
        if let Some(error) = self.unusable(at) {
            return given.iter().map(|_| Err(error.clone())).collect();
        }
        let returns = matches!(at, At::PutBack | At::Reveal);
        let refusal = |one: &R| match self.of(record(one)) {
            all if all.contains(&at) => Some(refused()),
            all if returns && all.contains(&At::NoAnswer) => Some(no_answer()),
            all if at == At::Expunge && all.contains(&At::Unanswered) => Some(no_answer()),
            _ => None,
        };
        let refuses: Vec<Option<StoreError>> = given.iter().map(refusal).collect();
        let asked: Vec<R> = given.into_iter().zip(&refuses).filter(|(_, no)| no.is_none()).map(|(one, _)| one).collect();
        let mut answers = ask(asked).await.into_iter();
        refuses.into_iter().map(|no| no.map_or_else(|| answers.next().expect("an answer each"), Err)).collect()
    }
}

#[async_trait]
impl Connector for Stubborn {
    async fn capabilities(&self, producer: &Producer, window: Duration) -> Result<Capabilities, StoreError> {
        self.inner.capabilities(producer, window).await
    }

    async fn discover(
        &self,
        producer: &Producer,
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError> {
        self.inner.discover(producer, selector, after, limit).await
    }

    async fn reread(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Found>, StoreError>> {
        self.inner.reread(producer, records, fields).await
    }

    async fn read(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Snapshot>, StoreError>> {
        let ask = async |asked: Vec<RecordRef>| self.inner.read(producer, &asked, fields).await;
        let read = self.but(At::Read, records.to_vec(), |r| r, ask).await;
        let broken = |(record, snapshot): (&RecordRef, Result<Option<Snapshot>, StoreError>)| {
            let mut snapshot = snapshot?;
            if let Some(snapshot) = snapshot.as_mut().filter(|_| self.of(record).contains(&At::Body)) {
                snapshot.body = stream::iter([Ok(Bytes::from_static(b"half")), Err(refused())]).boxed();
            }
            Ok(snapshot)
        };
        records.iter().zip(read).map(broken).collect()
    }

    fn form(&self) -> ExportForm<'_> {
        self.inner.form()
    }

    async fn apply(&self, producer: &Producer, changes: &[(Expected, Effect)]) -> Vec<Result<Applied, StoreError>> {
        let ask = async |asked: Vec<(Expected, Effect)>| self.inner.apply(producer, &asked).await;
        self.but(At::Remove, changes.to_vec(), |(e, _)| &e.record, ask).await
    }

    async fn put_back(&self, producer: &Producer, returned: Vec<Returned>) -> Vec<Result<PutBack, StoreError>> {
        let ask = async |asked: Vec<Returned>| self.inner.put_back(producer, asked).await;
        self.but(At::PutBack, returned, |r| &r.record, ask).await
    }

    fn soft_delete(&self) -> Option<&dyn SoftDelete> {
        self.inner.soft_delete().map(|_| self as &dyn SoftDelete)
    }
}

impl Stubborn {
    fn own(&self) -> &dyn SoftDelete {
        self.inner.soft_delete().expect("offered")
    }
}

#[async_trait]
impl SoftDelete for Stubborn {
    async fn soft_delete(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Option<Timestamp>,
        window: Duration,
    ) -> Vec<Result<SoftDeletion, StoreError>> {
        let ask = async |asked: Vec<(RecordRef, Option<Tombstone>)>| {
            self.own().soft_delete(producer, &asked, tried_since, window).await
        };
        self.but(At::Conceal, records.to_vec(), |(r, _)| r, ask).await
    }

    async fn soft_deleted(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Timestamp,
    ) -> Vec<Result<Option<Tombstone>, StoreError>> {
        let ask = async |asked: Vec<(RecordRef, Option<Tombstone>)>| self.own().soft_deleted(producer, &asked, tried_since).await;
        self.but(At::SoftDeleted, records.to_vec(), |(r, _)| r, ask).await
    }

    async fn undelete(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
    ) -> Vec<Result<PutBack, StoreError>> {
        let ask = async |asked: Vec<(RecordRef, Option<Tombstone>)>| self.own().undelete(producer, &asked).await;
        self.but(At::Reveal, records.to_vec(), |(r, _)| r, ask).await
    }

    async fn purge(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
    ) -> Vec<Result<Destruction, StoreError>> {
        let locked = |record: &RecordRef| {
            self.of(record).into_iter().find_map(|at| if let At::Locked(day) = at { Some(day) } else { None })
        };
        let ask = async |asked: Vec<(RecordRef, Option<Tombstone>)>| {
            let free: Vec<_> = asked.iter().filter(|(r, _)| locked(r).is_none()).cloned().collect();
            let mut done = self.own().purge(producer, &free).await.into_iter();
            asked
                .iter()
                .map(|(r, _)| match locked(r) {
                    Some(day) => Ok(Destruction::Locked(day)),
                    None => done.next().expect("an answer each"),
                })
                .collect()
        };
        let told = self.but(At::Expunge, records.to_vec(), |(r, _)| r, ask).await;
        let lost = |(record, _): &(RecordRef, Option<Tombstone>)| self.of(record).contains(&At::ReplyLost);
        records.iter().zip(told).map(|(record, told)| if lost(record) { Err(no_answer()) } else { told }).collect()
    }
}
