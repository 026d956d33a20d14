//! Where a bucket sends what is in it, or the names of what is in it: deletions do not follow.

use super::S3;
use crate::failure::{Resource, code};
use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::{ExpirationStatus, InventoryConfiguration, LifecycleRule, ReplicationRule, TransitionStorageClass},
};
use oubli_engine::ports::{Asked, Caution, StoreError};

/// What a bucket's ARN begins with, in any partition.
const ARN: &str = ":s3:::";

/// What S3 answers a question that it does not know: the objects of the bucket.
const OBJECTS: &[u8] = b"<ListBucketResult";

impl S3 {
    /// Other buckets that hold copies or names of the objects under these prefixes, and what could not be asked.
    pub(super) async fn elsewhere(&self, bucket: &str, resource: &Resource, heads: &[&str]) -> Result<Vec<Caution>, StoreError> {
        let asked = [self.replicas(bucket, heads).await, self.inventories(bucket, heads).await, self.access_logs(bucket).await];
        let mut cautions = Vec::new();
        for (what, answer) in [Asked::Replication, Asked::Inventories, Asked::AccessLogs].into_iter().zip(asked) {
            match answer {
                Ok(found) => cautions.extend(found),
                // What passes is asked again; the rest is said.
                Err(code) => match resource.judge(&code.0, code.1) {
                    passing @ StoreError::Unavailable { .. } => return Err(passing),
                    _ => cautions.push(Caution::NotAsked { what, reason: code.0 }),
                },
            }
        }
        cautions.dedup();
        Ok(cautions)
    }

    async fn replicas(&self, bucket: &str, heads: &[&str]) -> Result<Vec<Caution>, Unanswered> {
        let reply = match self.client.get_bucket_replication().bucket(bucket).send().await {
            Ok(reply) => reply,
            Err(error) => return unanswered(&error, "ReplicationConfigurationNotFoundError"),
        };
        let rules = reply.replication_configuration.map(|c| c.rules).unwrap_or_default();
        // What a rule copied before it was switched off is there all the same.
        let touching = rules.iter().filter(|rule| touches(prefix_of(rule), heads));
        let buckets = touching.filter_map(|rule| Some(named(rule.destination()?.bucket())));
        Ok(each(buckets, |bucket| Caution::ReplicatedTo { bucket }))
    }

    async fn inventories(&self, bucket: &str, heads: &[&str]) -> Result<Vec<Caution>, Unanswered> {
        let mut found: Vec<InventoryConfiguration> = Vec::new();
        let mut after = None;
        loop {
            let request = self.client.list_bucket_inventory_configurations().bucket(bucket).set_continuation_token(after);
            let reply = match request.send().await {
                Ok(reply) => reply,
                Err(error) => return unanswered(&error, "NoSuchConfiguration"),
            };
            found.extend(reply.inventory_configuration_list.unwrap_or_default());
            after = match (reply.is_truncated, reply.next_continuation_token) {
                (Some(true), None) => return Err(("IncompleteReply".to_owned(), None)),
                (Some(true), token) => token,
                _ => break,
            };
        }
        // The lists that one made before it was switched off are there all the same.
        let touching = found.iter().filter(|i| touches(i.filter().map_or("", |f| f.prefix()), heads));
        let buckets = touching.filter_map(|i| Some(named(i.destination()?.s3_bucket_destination()?.bucket())));
        Ok(each(buckets, |bucket| Caution::InventoriedIn { bucket }))
    }

    async fn access_logs(&self, bucket: &str) -> Result<Vec<Caution>, Unanswered> {
        let reply = match self.client.get_bucket_logging().bucket(bucket).send().await {
            Ok(reply) => reply,
            Err(error) => return unanswered(&error, "NoSuchConfiguration"),
        };
        let bucket = reply.logging_enabled.map(|logging| named(&logging.target_bucket));
        Ok(each(bucket.into_iter(), |bucket| Caution::LoggedIn { bucket }))
    }
}

/// A code, and the status it came with.
type Unanswered = (String, Option<u16>);

/// Nothing, where S3 says that there is no such configuration, or does not know the question; or why it is not known.
fn unanswered<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, none: &str) -> Result<Vec<Caution>, Unanswered> {
    let reply = error.raw_response();
    let otherwise = reply.and_then(|r| r.body().bytes()).is_some_and(|body| body.windows(OBJECTS.len()).any(|w| w == OBJECTS));
    let status = reply.map(|r| r.status().as_u16());
    match code(error) {
        code if code == none || code == "NotImplemented" => Ok(vec![]),
        _ if status == Some(200) && otherwise => Ok(vec![]),
        code => Err((code, status)),
    }
}

/// A bucket by its name, or by its ARN.
fn named(bucket: &str) -> String {
    bucket.split_once(ARN).map_or(bucket, |(_, name)| name).to_owned()
}

fn each(buckets: impl Iterator<Item = String>, caution: impl Fn(String) -> Caution) -> Vec<Caution> {
    let mut buckets: Vec<String> = buckets.collect();
    buckets.sort();
    buckets.dedup();
    buckets.into_iter().map(caution).collect()
}

/// Whether what begins so can be what begins so, too.
pub(super) fn touches(prefix: &str, heads: &[&str]) -> bool {
    heads.iter().any(|head| head.starts_with(prefix) || prefix.starts_with(head))
}

fn prefix_of(rule: &ReplicationRule) -> &str {
    let filtered = rule.filter().and_then(|f| f.prefix().or_else(|| f.and().and_then(|a| a.prefix())));
    #[expect(deprecated, reason = "rules of before filters still carry it")]
    filtered.or(rule.prefix()).unwrap_or_default()
}

/// What a lifecycle does to current objects that have to be copied: after how many days they are in an archive, from
/// which nothing can be read.
pub(super) fn archived(rules: &[LifecycleRule], heads: &[&str]) -> Option<Caution> {
    let archives = |class: Option<&TransitionStorageClass>| {
        matches!(class, Some(TransitionStorageClass::Glacier | TransitionStorageClass::DeepArchive))
    };
    let active = rules.iter().filter(|rule| rule.status == ExpirationStatus::Enabled && touches(lifecycle_prefix(rule), heads));
    let into = active.flat_map(LifecycleRule::transitions).filter(|t| archives(t.storage_class()));
    let days = into.map(|t| t.days().and_then(|d| u32::try_from(d).ok()).unwrap_or_default()).min()?;
    Some(Caution::Archived { days })
}

pub(super) fn lifecycle_prefix(rule: &LifecycleRule) -> &str {
    let filtered = rule.filter().and_then(|f| f.prefix().or_else(|| f.and().and_then(|a| a.prefix())));
    #[expect(deprecated, reason = "rules of before filters still carry it")]
    filtered.or(rule.prefix()).unwrap_or_default()
}
