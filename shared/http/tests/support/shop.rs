//! A shop in which every person has three records of each kind.

use async_trait::async_trait;
use jiff::Timestamp;
use oubli_domain::datamap::Producer;
use oubli_engine::ports::{
    Capabilities, Connector, Destruction, Discovered, Expected, ExportForm, Found, HideMethod, PutBack, RecordRef, Removal,
    Returned, Row, Selector, Snapshot, SoftDeletion, StoreError, Tombstone,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// Its only store.
pub struct FixedStore;

#[async_trait]
impl Connector for FixedStore {
    async fn capabilities(&self, _: &Producer, _: Duration) -> Result<Capabilities, StoreError> {
        Ok(Capabilities { hide: HideMethod::Vault, cautions: vec!["a caution".to_owned()] })
    }

    async fn discover(
        &self,
        producer: &Producer,
        selector: Selector<'_>,
        _: Option<&Value>,
        _: usize,
    ) -> Result<Discovered, StoreError> {
        let record = |n: u32| Found {
            record: RecordRef { key: json!({ "id": format!("{}-{}-{n}", producer.name, selector.value) }), matched: None },
            bytes: 100,
            fields: BTreeMap::new(),
            locked_until: None,
        };
        Ok(Discovered { records: (0..3).map(record).collect(), next: None })
    }

    async fn reread(&self, _: &Producer, records: &[RecordRef], _: &[String]) -> Vec<Result<Option<Found>, StoreError>> {
        let found =
            |record: &RecordRef| Found { record: record.clone(), bytes: 100, fields: BTreeMap::new(), locked_until: None };
        records.iter().map(|r| Ok(Some(found(r)))).collect()
    }

    async fn read(&self, _: &Producer, _: &[RecordRef], _: &[String]) -> Vec<Result<Option<Snapshot>, StoreError>> {
        unreachable!("nothing is hidden here")
    }

    fn export_form(&self) -> ExportForm {
        ExportForm::Rows
    }

    fn row(&self, _: &[u8]) -> Option<Row> {
        None
    }

    fn file_name(&self, _: &RecordRef) -> Option<String> {
        None
    }

    async fn remove(&self, _: &Producer, _: &[Expected]) -> Vec<Result<Removal, StoreError>> {
        unreachable!("nothing is hidden here")
    }

    async fn put_back(&self, _: &Producer, _: Vec<Returned>) -> Vec<Result<PutBack, StoreError>> {
        unreachable!("nothing is hidden here")
    }

    async fn soft_delete(
        &self,
        _: &Producer,
        _: &[(RecordRef, Option<Tombstone>)],
        _: Option<Timestamp>,
        _: Duration,
    ) -> Vec<Result<SoftDeletion, StoreError>> {
        unreachable!("nothing is hidden here")
    }

    async fn soft_deleted(
        &self,
        _: &Producer,
        _: &[(RecordRef, Option<Tombstone>)],
        _: Timestamp,
    ) -> Vec<Result<Option<Tombstone>, StoreError>> {
        unreachable!("nothing is hidden here")
    }

    async fn undelete(&self, _: &Producer, _: &[(RecordRef, Option<Tombstone>)]) -> Vec<Result<PutBack, StoreError>> {
        unreachable!("nothing is hidden here")
    }

    async fn purge(&self, _: &Producer, _: &[(RecordRef, Option<Tombstone>)]) -> Vec<Result<Destruction, StoreError>> {
        unreachable!("nothing is hidden here")
    }
}
