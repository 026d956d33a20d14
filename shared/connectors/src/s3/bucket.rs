//! What S3 says about a bucket, and what follows for a producer.

use super::{
    S3,
    elsewhere::{archived, lifecycle_prefix, touches},
    list::{Listed, PAGE, timestamp},
};
use crate::failure::Resource;
use aws_sdk_s3::{
    error::ProvideErrorMetadata as _,
    types::{
        BucketVersioningStatus, ExpirationStatus, LifecycleRule, MfaDeleteStatus, ObjectLockEnabled, ObjectLockLegalHoldStatus,
    },
};
use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::Date,
    tz::{TimeZone, offset},
};
use oubli_domain::datamap::{ObjectKeys, ObjectSelection, Producer, Selection};
use oubli_engine::ports::{
    Capabilities, Caution, ConditionalDelete, HideMethod, Listing, OldVersions, RecordKind, StoreError, Way,
};
use std::{
    sync::PoisonError,
    time::{Duration, SystemTime},
};

/// How long an answer about a bucket is believed.
const BELIEVED_FOR: Duration = Duration::from_secs(60);

/// Seconds of a day.
const DAY: u64 = 24 * 3600;

/// Clocks of S3 and of this process may differ by so much.
pub(super) const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(15);

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
    since: SystemTime,
}

impl S3 {
    /// What the bucket promises for this producer.
    pub(super) async fn promises(
        &self,
        producer: &Producer,
        bucket: &str,
        resource: &Resource,
        window: Duration,
    ) -> Result<Capabilities, StoreError> {
        for selection in &producer.select {
            super::keys::keys(resource, bucket, Way { selection, value: "x" })?;
        }
        let heads: Vec<_> = producer.select.iter().filter_map(Selection::head).collect();
        let (hide, old_versions, mut cautions) = match self.ask_versioning(bucket, resource).await? {
            Versioning::Never => (HideMethod::Vault, OldVersions::None, vec![]),
            Versioning::Suspended => (HideMethod::Vault, OldVersions::Suspended, vec![Caution::VersioningSuspended]),
            Versioning::On => {
                let caution = self.keeps_old_versions(producer, bucket, resource, window).await?;
                (HideMethod::Native, OldVersions::Kept, caution.into_iter().collect())
            }
        };
        if hide == HideMethod::Vault {
            cautions.extend(archived(&self.lifecycle(bucket, resource).await?, &heads));
        }
        for selection in &producer.select {
            cautions.extend(self.lists_others(bucket, resource, selection).await?);
        }
        cautions.extend(self.elsewhere(bucket, resource, &heads).await?);
        Ok(Capabilities {
            hide,
            conditional_delete: ConditionalDelete::Version,
            old_versions,
            listing: Listing::Consistent,
            records: RecordKind::Document,
            cautions,
        })
    }

    /// How much is listed for a pattern, as the listing counts it: as much as one call tells.
    async fn lists_others(
        &self,
        bucket: &str,
        resource: &Resource,
        selection: &Selection,
    ) -> Result<Option<Caution>, StoreError> {
        let Selection::Objects(ObjectSelection { keys: ObjectKeys::Matching { pattern, max_keys }, .. }) = selection else {
            return Ok(None);
        };
        if !pattern.lists_others() {
            return Ok(None);
        }
        let versions = self.versioning(bucket, resource).await? != Versioning::Never;
        let (entries, next) = self.page(Listed { bucket, resource, versions }, pattern.head(), None, PAGE).await?;
        let keys = super::keys::distinct(entries.iter().map(|e| e.key.as_str()), None);
        let (head, more) = (pattern.head().to_owned(), next.is_some());
        Ok(Some(Caution::Listed { head, keys, more, max_keys: *max_keys }))
    }

    /// Whether the bucket is versioned, as of the last minute.
    pub(super) async fn versioning(&self, bucket: &str, resource: &Resource) -> Result<Versioning, StoreError> {
        match self.known(bucket) {
            Some(known) => Ok(known.versioning),
            None => self.ask_versioning(bucket, resource).await,
        }
    }

    /// Whether the bucket is versioned, now.
    pub(super) async fn ask_versioning(&self, bucket: &str, resource: &Resource) -> Result<Versioning, StoreError> {
        let reply = self.client.get_bucket_versioning().bucket(bucket).send().await.map_err(|e| resource.failed(&e))?;
        if reply.mfa_delete == Some(MfaDeleteStatus::Enabled) {
            return Err(resource.unusable("MFA delete is on, so nothing can be removed for good: turn it off"));
        }
        let versioning = match reply.status {
            Some(BucketVersioningStatus::Enabled) => Versioning::On,
            Some(BucketVersioningStatus::Suspended) => Versioning::Suspended,
            _ => Versioning::Never,
        };
        let locks = self.known(bucket).and_then(|k| k.locks);
        self.remember(bucket, Known { versioning, locks, since: SystemTime::now() });
        Ok(versioning)
    }

    /// Whether objects of the bucket may be under Object Lock.
    pub(super) async fn locks(&self, bucket: &str, resource: &Resource) -> Result<bool, StoreError> {
        if self.versioning(bucket, resource).await? != Versioning::On {
            return Ok(false);
        }
        if let Some(locks) = self.known(bucket).and_then(|k| k.locks) {
            return Ok(locks);
        }
        let reply = self.client.get_object_lock_configuration().bucket(bucket).send().await;
        let locks = match reply {
            Ok(reply) => reply.object_lock_configuration.and_then(|c| c.object_lock_enabled) == Some(ObjectLockEnabled::Enabled),
            Err(error) if error.code() == Some("ObjectLockConfigurationNotFoundError") => false,
            Err(error) => return Err(resource.failed(&error)),
        };
        self.remember(bucket, Known { versioning: Versioning::On, locks: Some(locks), since: SystemTime::now() });
        Ok(locks)
    }

    /// Until when Object Lock keeps a version; asked only where the bucket has locks at all.
    pub(super) async fn locked_until(
        &self,
        bucket: &str,
        resource: &Resource,
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
            Err(error) => return Err(resource.failed(&error)),
        }
        let kept = self.client.get_object_retention().bucket(bucket).key(key).version_id(version).send().await;
        match kept {
            Ok(reply) => {
                let until = reply.retention.and_then(|r| r.retain_until_date).and_then(timestamp);
                // S3 goes on telling of a lock whose time is over.
                Ok(until.filter(|until| *until > Timestamp::now() - CLOCKS_DIFFER).map(first_free_day))
            }
            Err(error) if is_unlocked(error.code()) => Ok(None),
            Err(error) => Err(resource.failed(&error)),
        }
    }

    /// Refuses a bucket whose lifecycle may drop old versions before the window ends: a delete marker would not hide there
    /// but destroy. Answers what a longer lifecycle means for holds.
    pub(super) async fn keeps_old_versions(
        &self,
        producer: &Producer,
        bucket: &str,
        resource: &Resource,
        window: Duration,
    ) -> Result<Option<Caution>, StoreError> {
        let rules = self.lifecycle(bucket, resource).await?;
        let heads: Vec<_> = producer.select.iter().filter_map(Selection::head).collect();
        let Some(days) = rules.iter().filter_map(|rule| days_kept(rule, &heads)).min() else { return Ok(None) };
        if Duration::from_secs(u64::from(days) * DAY) <= window {
            let needed = window.as_secs() / DAY + 1;
            return Err(resource.unusable(format!(
                "a lifecycle rule drops old versions after {days} days, and what is hidden here must be kept longer than the \
                 recovery window: let the rule keep them {needed} days or more, or shorten the window"
            )));
        }
        Ok(Some(Caution::OldVersionsDropped { days }))
    }

    async fn lifecycle(&self, bucket: &str, resource: &Resource) -> Result<Vec<LifecycleRule>, StoreError> {
        match self.client.get_bucket_lifecycle_configuration().bucket(bucket).send().await {
            Ok(reply) => Ok(reply.rules.unwrap_or_default()),
            Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => Ok(vec![]),
            Err(error) => Err(resource.failed(&error)),
        }
    }

    fn known(&self, bucket: &str) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(bucket).copied();
        known.filter(|k| k.since.elapsed().is_ok_and(|age| age < BELIEVED_FOR))
    }

    fn remember(&self, bucket: &str, known: Known) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(bucket.to_owned(), known);
    }
}

fn is_unlocked(code: Option<&str>) -> bool {
    // Gone meanwhile is not locked either, and a bucket that knows no locks calls the question itself invalid.
    matches!(code, Some("NoSuchObjectLockConfiguration" | "NoSuchVersion" | "NoSuchKey" | "MethodNotAllowed" | "InvalidRequest"))
}

/// The first day that has no locked hour wherever on Earth it is counted: where days begin first, they begin 14 hours
/// before those of UTC.
fn first_free_day(until: Timestamp) -> Date {
    let until = TimeZone::fixed(offset(14)).to_datetime(until);
    let midnight = until.time() == jiff::civil::Time::midnight();
    if midnight { until.date() } else { until.date().checked_add(1.day()).unwrap_or(Date::MAX) }
}

/// After how many days a rule drops old versions of what these prefixes may select.
fn days_kept(rule: &LifecycleRule, heads: &[&str]) -> Option<u32> {
    if rule.status != ExpirationStatus::Enabled {
        return None;
    }
    let touches = touches(lifecycle_prefix(rule), heads);
    // Without days, a rule may drop old versions as soon as there are some.
    let days = rule.noncurrent_version_expiration()?.noncurrent_days().unwrap_or_default();
    touches.then_some(u32::try_from(days).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{
        LifecycleExpiration, LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration, Tag,
        builders::NoncurrentVersionExpirationBuilder,
    };

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
    fn a_rule_that_may_apply_counts_whatever_else_it_asks_for() {
        let with = |filter: LifecycleRuleFilter, expiration: NoncurrentVersionExpiration| {
            let rule = LifecycleRule::builder().status(ExpirationStatus::Enabled).filter(filter);
            days_kept(&rule.noncurrent_version_expiration(expiration).build().expect("complete"), &["users/"])
        };
        let tag = Tag::builder().key("k").value("v").build().expect("complete");
        let days = NoncurrentVersionExpiration::builder().noncurrent_days(7);
        assert_eq!(with(LifecycleRuleFilter::builder().tag(tag.clone()).build(), days.clone().build()), Some(7));
        assert_eq!(with(LifecycleRuleFilter::builder().object_size_greater_than(5).build(), days.clone().build()), Some(7));
        let logs = LifecycleRuleAndOperator::builder().prefix("logs/").tags(tag).build();
        assert_eq!(with(LifecycleRuleFilter::builder().and(logs).build(), days.clone().build()), None);
        // Versions kept by number go the sooner the more often somebody writes.
        let number = |days: NoncurrentVersionExpirationBuilder| days.newer_noncurrent_versions(5).build();
        assert_eq!(with(LifecycleRuleFilter::builder().build(), number(days)), Some(7));
        assert_eq!(with(LifecycleRuleFilter::builder().build(), number(NoncurrentVersionExpiration::builder())), Some(0));
        // Markers over nothing hide nothing.
        let markers = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
        let rule = LifecycleRule::builder().status(ExpirationStatus::Enabled).expiration(markers).build().expect("complete");
        assert_eq!(days_kept(&rule, &["users/"]), None);
    }

    #[test]
    fn a_lock_is_over_everywhere_on_its_first_free_day() {
        for (until, free) in [
            ("2026-03-01T00:00:00Z", "2026-03-02"),
            ("2026-03-01T09:59:59Z", "2026-03-02"),
            ("2026-03-01T10:00:00Z", "2026-03-02"),
            ("2026-03-01T10:00:01Z", "2026-03-03"),
            ("2026-12-31T23:59:59Z", "2027-01-02"),
        ] {
            let until: Timestamp = until.parse().expect("a time");
            let day = first_free_day(until);
            assert_eq!(day.to_string(), free, "{until}");
            for zone in ["Pacific/Kiritimati", "Pacific/Auckland", "UTC", "America/New_York", "Pacific/Pago_Pago"] {
                let begins = day.in_tz(zone).expect("a day").timestamp();
                assert!(begins >= until, "{until} {zone}");
            }
        }
    }
}
