//! What S3 says about a bucket, and what follows for a producer.

use super::{S3, list::timestamp};
use crate::failure::Place;
use aws_sdk_s3::{
    error::ProvideErrorMetadata as _,
    types::{
        BucketVersioningStatus, ExpirationStatus, LifecycleRule, MfaDeleteStatus, ObjectLockEnabled, ObjectLockLegalHoldStatus,
    },
};
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use oubli_domain::datamap::{Producer, Selection};
use oubli_engine::ports::{Capabilities, HideMethod, StoreError};
use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

/// How long an answer about a bucket is believed.
const BELIEVED_FOR: Duration = Duration::from_secs(60);

/// Whether a bucket keeps old versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versioning {
    /// It never did.
    Never,
    /// It does.
    On,
    /// It did: old versions stay, and new writes replace one another as version `null`.
    Suspended,
}

/// What is believed about a bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    versioning: Versioning,
    locks: Option<bool>,
    since: Instant,
}

impl S3 {
    /// What the bucket promises for this producer.
    pub(super) async fn promises(
        &self,
        producer: &Producer,
        bucket: &str,
        place: &Place,
        window: Duration,
    ) -> Result<Capabilities, StoreError> {
        for selection in &producer.select {
            let Selection::Prefix { template, .. } = selection else {
                return Err(place.unusable("an attribute selects items, not objects: use `prefix` in the data map"));
            };
            super::address::prefix(place, template, "x")?;
        }
        let mut cautions = Vec::new();
        let hide = match self.ask_versioning(bucket, place).await? {
            Versioning::Never => HideMethod::Vault,
            Versioning::Suspended => {
                cautions.push(
                    "versioning is suspended: only the current version of an object can be restored, and removing it may show an \
                     older one for an instant; turn versioning on to have all of them restored"
                        .to_owned(),
                );
                HideMethod::Vault
            }
            Versioning::On => {
                cautions.extend(self.lifecycle_caution(producer, bucket, place, window).await?);
                HideMethod::Native
            }
        };
        Ok(Capabilities { hide, cautions })
    }

    /// Whether the bucket is versioned, as of the last minute.
    pub(super) async fn versioning(&self, bucket: &str, place: &Place) -> Result<Versioning, StoreError> {
        match self.known(bucket) {
            Some(known) => Ok(known.versioning),
            None => self.ask_versioning(bucket, place).await,
        }
    }

    /// Whether the bucket is versioned, now.
    pub(super) async fn ask_versioning(&self, bucket: &str, place: &Place) -> Result<Versioning, StoreError> {
        let reply = self.client.get_bucket_versioning().bucket(bucket).send().await.map_err(|e| place.failed(&e))?;
        if reply.mfa_delete == Some(MfaDeleteStatus::Enabled) {
            return Err(place.unusable("MFA delete is on, so nothing can be removed for good: turn it off"));
        }
        let versioning = match reply.status {
            Some(BucketVersioningStatus::Enabled) => Versioning::On,
            Some(BucketVersioningStatus::Suspended) => Versioning::Suspended,
            _ => Versioning::Never,
        };
        let locks = self.known(bucket).and_then(|k| k.locks);
        self.remember(bucket, Known { versioning, locks, since: Instant::now() });
        Ok(versioning)
    }

    /// Whether objects of the bucket may be under Object Lock.
    pub(super) async fn locks(&self, bucket: &str, place: &Place) -> Result<bool, StoreError> {
        if self.versioning(bucket, place).await? != Versioning::On {
            return Ok(false);
        }
        if let Some(locks) = self.known(bucket).and_then(|k| k.locks) {
            return Ok(locks);
        }
        let reply = self.client.get_object_lock_configuration().bucket(bucket).send().await;
        let locks = match reply {
            Ok(reply) => reply.object_lock_configuration.and_then(|c| c.object_lock_enabled) == Some(ObjectLockEnabled::Enabled),
            Err(error) if error.code() == Some("ObjectLockConfigurationNotFoundError") => false,
            Err(error) => return Err(place.failed(&error)),
        };
        self.remember(bucket, Known { versioning: Versioning::On, locks: Some(locks), since: Instant::now() });
        Ok(locks)
    }

    /// Until when Object Lock keeps a version; asked only where the bucket has locks at all.
    pub(super) async fn locked_until(
        &self,
        bucket: &str,
        place: &Place,
        key: &str,
        version: &str,
    ) -> Result<Option<Date>, StoreError> {
        let held = self.client.get_object_legal_hold().bucket(bucket).key(key).version_id(version).send().await;
        match held {
            Ok(reply) => {
                if reply.legal_hold.and_then(|h| h.status) == Some(ObjectLockLegalHoldStatus::On) {
                    return Ok(Some(Date::MAX));
                }
            }
            Err(error) if is_unlocked(error.code()) => {}
            Err(error) => return Err(place.failed(&error)),
        }
        let kept = self.client.get_object_retention().bucket(bucket).key(key).version_id(version).send().await;
        match kept {
            Ok(reply) => Ok(reply.retention.and_then(|r| r.retain_until_date).and_then(timestamp).map(first_free_day)),
            Err(error) if is_unlocked(error.code()) => Ok(None),
            Err(error) => Err(place.failed(&error)),
        }
    }

    async fn lifecycle_caution(
        &self,
        producer: &Producer,
        bucket: &str,
        place: &Place,
        window: Duration,
    ) -> Result<Option<String>, StoreError> {
        let reply = self.client.get_bucket_lifecycle_configuration().bucket(bucket).send().await;
        let rules = match reply {
            Ok(reply) => reply.rules.unwrap_or_default(),
            Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => return Ok(None),
            Err(error) => return Err(place.failed(&error)),
        };
        let heads: Vec<_> = producer.select.iter().filter_map(head).collect();
        let days = rules.iter().filter_map(|rule| days_kept(rule, &heads)).min();
        let short = days.filter(|days| Duration::from_secs(u64::from(*days) * 24 * 3600) < window);
        Ok(short.map(|days| {
            format!("a lifecycle rule drops old versions after {days} days: what is hidden cannot be restored after that")
        }))
    }

    fn known(&self, bucket: &str) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(bucket).copied();
        known.filter(|k| k.since.elapsed() < BELIEVED_FOR)
    }

    fn remember(&self, bucket: &str, known: Known) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(bucket.to_owned(), known);
    }
}

fn is_unlocked(code: Option<&str>) -> bool {
    // Gone meanwhile is not locked either.
    matches!(code, Some("NoSuchObjectLockConfiguration" | "NoSuchVersion" | "NoSuchKey" | "MethodNotAllowed"))
}

/// The first day that has no locked hour, as the lock's own clock counts days.
fn first_free_day(until: jiff::Timestamp) -> Date {
    let until = until.to_zoned(TimeZone::UTC);
    let day = until.date();
    let midnight = until.time() == jiff::civil::Time::midnight();
    if midnight { day } else { day.checked_add(1.day()).unwrap_or(Date::MAX) }
}

/// What a selection's prefixes all start with.
fn head(selection: &Selection) -> Option<&str> {
    match selection {
        Selection::Prefix { template, .. } => template.split_once("{}").map(|(head, _)| head),
        Selection::Key { .. } => None,
    }
}

/// After how many days a rule drops old versions of what these prefixes may select.
fn days_kept(rule: &LifecycleRule, heads: &[&str]) -> Option<u32> {
    if rule.status != ExpirationStatus::Enabled {
        return None;
    }
    let filtered = rule.filter().and_then(|f| f.prefix().or_else(|| f.and().and_then(|a| a.prefix())));
    #[expect(deprecated, reason = "rules of before filters still carry it")]
    let prefix = filtered.or(rule.prefix()).unwrap_or_default();
    let touches = heads.iter().any(|head| head.starts_with(prefix) || prefix.starts_with(head));
    let days = rule.noncurrent_version_expiration()?.noncurrent_days()?;
    touches.then_some(u32::try_from(days).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{LifecycleRuleFilter, NoncurrentVersionExpiration};

    fn rule(prefix: &str, days: i32, status: ExpirationStatus) -> LifecycleRule {
        LifecycleRule::builder()
            .status(status)
            .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
            .noncurrent_version_expiration(NoncurrentVersionExpiration::builder().noncurrent_days(days).build())
            .build()
            .expect("complete")
    }

    #[test]
    fn a_rule_matters_where_it_can_meet_the_prefix() {
        for (prefix, met) in [("", true), ("users/", true), ("users/u1/", true), ("logs/", false)] {
            let kept = days_kept(&rule(prefix, 7, ExpirationStatus::Enabled), &["users/"]);
            assert_eq!(kept, met.then_some(7), "{prefix}");
        }
        assert_eq!(days_kept(&rule("", 7, ExpirationStatus::Disabled), &["users/"]), None);
    }

    #[test]
    fn a_lock_that_ends_within_a_day_keeps_that_day() {
        let day = |text: &str| first_free_day(text.parse().expect("a time")).to_string();
        assert_eq!(day("2026-03-01T00:00:00Z"), "2026-03-01");
        assert_eq!(day("2026-03-01T00:00:01Z"), "2026-03-02");
    }
}
