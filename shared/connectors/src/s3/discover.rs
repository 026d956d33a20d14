//! The way from an identity to a subject's objects, and back to objects already known.

use super::{
    S3,
    address::{Address, NULL},
    bucket::Versioning,
    keys::{Begin, Keys, keys, meant_otherwise},
    list::{Entry, Listed},
};
use futures::{StreamExt as _, stream};
use jiff::civil::Date;
use oubli_domain::datamap::Producer;
use oubli_engine::ports::{Discovered, Fields, Found, RecordRef, Selector, StoreError};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Locks asked for at once.
const PARALLEL: usize = 32;

impl S3 {
    pub(super) async fn find(
        &self,
        producer: &Producer,
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError> {
        let (bucket, resource) = super::bucket(producer)?;
        let wanted = keys(&resource, bucket, selector.way)?;
        // A way that cannot be gone finds nothing that another would have to leave out.
        let others: Vec<Keys> = selector.but.iter().filter_map(|way| keys(&resource, bucket, *way).ok()).collect();
        let begin = Begin::at(&resource, after)?;
        let versioning = self.versioning(bucket, &resource).await?;
        let listed = Listed { bucket, resource: &resource, versions: versioning != Versioning::Never };
        let is_wanted = |key: &str| wanted.hold(key) && !others.iter().any(|other| other.hold(key));
        let mut page = wanted
            .list(&resource, &begin, limit, (is_wanted, |entry: &Entry| entry.key.as_str()), |limit| {
                self.page(listed, wanted.prefix(), begin.after.as_ref(), limit)
            })
            .await?;
        if begin.after.is_none() && !page.entries.iter().any(|entry| wanted.hold(&entry.key)) {
            for key in meant_otherwise(selector.way.selection, &wanted) {
                // What others have is not meant.
                let theirs = others.iter().any(|other| other.hold(&key));
                if !theirs && !self.stack(listed, &key).await?.versions.is_empty() {
                    return Err(resource.record(
                        "no object has the key as it is written, and one has it without the `/` before it or with its %-escapes \
                         decoded: correct the record, or look at that object",
                    ));
                }
            }
        }
        let mut entries = std::mem::take(&mut page.entries);
        entries.retain(|entry| is_wanted(&entry.key));
        let keys = || entries.iter().map(|e| &e.key);
        let cut = begin.after.and(keys().min()).into_iter().chain(page.next_key().and(keys().max()));
        let cut: BTreeSet<String> = cut.cloned().collect();
        let entries = self.without_covers(listed, entries, &cut).await?;
        let records = self.found(listed, versioning, entries, selector.fields).await?.into_iter().collect::<Result<_, _>>()?;
        Ok(page.found(&wanted, records))
    }

    /// Leaves out delete markers that lie on something: they are how that something is hidden, not data, and go with it.
    /// Keys that the page's ends may have cut are looked at whole.
    async fn without_covers(
        &self,
        listed: Listed<'_>,
        entries: Vec<Entry>,
        cut: &BTreeSet<String>,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut covered: HashMap<String, bool> = HashMap::new();
        for entry in &entries {
            *covered.entry(entry.key.clone()).or_default() |= !entry.delete_marker;
        }
        for key in cut {
            if covered.get(key) == Some(&false) {
                let stack = self.stack(listed, key).await?;
                covered.insert(key.clone(), !stack.versions.is_empty());
            }
        }
        Ok(entries.into_iter().filter(|e| !e.delete_marker || covered.get(&e.key) == Some(&false)).collect())
    }

    async fn found(
        &self,
        listed: Listed<'_>,
        versioning: Versioning,
        entries: Vec<Entry>,
        fields: &[String],
    ) -> Result<Vec<Result<Found, StoreError>>, StoreError> {
        let locks = listed.versions && self.locks(listed.bucket, listed.resource).await?;
        let found = entries.into_iter().map(|entry| async move {
            let locked_until = match &entry.version_id {
                Some(version) if locks && !entry.delete_marker => {
                    self.locked_until(listed.bucket, listed.resource, &entry.key, version).await?
                }
                _ => None,
            };
            Ok(found(&entry, versioning, fields, locked_until))
        });
        Ok(stream::iter(found.collect::<Vec<_>>()).buffered(PARALLEL).collect().await)
    }

    pub(super) async fn find_again(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Result<Vec<Result<Option<Found>, StoreError>>, StoreError> {
        let (bucket, resource) = super::bucket(producer)?;
        let addresses: Vec<_> = records.iter().map(|r| Address::of(&resource, r)).collect();
        let versioning = self.versioning(bucket, &resource).await?;
        let versions = versioning != Versioning::Never;
        let listed = Listed { bucket, resource: &resource, versions };
        let keys = addresses.iter().flatten().map(|a| a.key.clone()).collect();
        let stacks = self.survey(listed, &keys).await?;
        // By the map of an earlier round it may have been this producer's, and not be it by this one.
        let is_ours = |address: &Address| producer.select.iter().any(|way| way.may_find(|_| Some(address.key.as_str().into())));
        let standing = |address: &Address| {
            if !is_ours(address) {
                return None;
            }
            let stack = stacks.get(&address.key)?;
            match &address.version_id {
                Some(_) => stack.version_of(address),
                // Found before the bucket was versioned: it lives on as the null version.
                None => stack.find(versions.then_some(NULL)),
            }
        };
        let entries: Vec<_> = addresses.into_iter().map(|a| a.map(|a| standing(&a).cloned())).collect();
        let again = self.found(listed, versioning, entries.iter().flatten().flatten().cloned().collect(), fields).await?;
        let mut again = again.into_iter();
        let answer = |(record, entry): (&RecordRef, Result<Option<Entry>, StoreError>)| {
            let found = entry?.and_then(|_| again.next()).transpose()?;
            Ok(found.map(|found| Found { record: record.clone(), ..found }))
        };
        Ok(records.iter().zip(entries).map(answer).collect())
    }
}

fn found(entry: &Entry, versioning: Versioning, fields: &[String], locked_until: Option<Date>) -> Found {
    let address = Address {
        key: entry.key.clone(),
        version_id: entry.version_id.clone(),
        // Where versioning is suspended, each write replaces it: it is whatever stands there.
        etag: entry.etag.clone().filter(|_| versioning == Versioning::On && entry.version_id.as_deref() == Some(NULL)),
        delete_marker: entry.delete_marker,
        latest: entry.latest,
    };
    let fields = fields.iter().filter_map(|name| Some((name.clone(), field(entry, name)?)));
    Found { record: address.to_record(), bytes: entry.size, fields: fields.collect::<Fields>(), locked_until }
}

/// What S3 tells of every object without opening it.
pub(super) fn field(entry: &Entry, name: &str) -> Option<String> {
    match name {
        "key" => Some(entry.key.clone()),
        "size" => Some(entry.size.to_string()),
        "etag" => entry.etag.clone(),
        "last_modified" => entry.modified.map(|t| t.to_string()),
        _ => None,
    }
}
