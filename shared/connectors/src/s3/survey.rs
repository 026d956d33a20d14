//! The buckets that there are.

use super::{S3, address::decode, bucket};
use crate::failure::code;
use async_trait::async_trait;
use aws_sdk_s3::types::EncodingType;
use oubli_domain::datamap::{ObjectKeys, ObjectSelection, Producer, Selection};
use oubli_engine::ports::{Beginning, Named, Need, NotSurveyed, Sampled, StoreError, Survey, Surveyed, Work};
use std::collections::BTreeSet;

/// What a function does with a bucket, and with its objects.
const BUCKET: [(Work, &[&str]); 3] = [
    (
        Work::Search,
        &[
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:ListBucketMultipartUploads",
            "s3:GetBucketVersioning",
            "s3:GetLifecycleConfiguration",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:GetInventoryConfiguration",
            "s3:GetBucketLogging",
        ],
    ),
    (
        Work::Erase,
        &[
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:GetBucketVersioning",
            "s3:GetLifecycleConfiguration",
            "s3:GetBucketObjectLockConfiguration",
        ],
    ),
    (Work::Export, &["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning"]),
];
const OBJECTS: [(Work, &[&str]); 3] = [
    (
        Work::Search,
        &["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention", "s3:GetObjectLegalHold", "s3:ListMultipartUploadParts"],
    ),
    (
        Work::Erase,
        &[
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:GetObjectRetention",
            "s3:GetObjectLegalHold",
            "s3:GetObjectTagging",
            "s3:GetObjectVersionTagging",
            "s3:PutObjectTagging",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:ListMultipartUploadParts",
            "s3:AbortMultipartUpload",
        ],
    ),
    (Work::Export, &["s3:GetObject", "s3:GetObjectVersion", "s3:ListMultipartUploadParts"]),
];

/// What stands for somebody's identity, where policies are asked.
const SOMEBODY: &str = "x";

/// What stands for everybody's, where they are granted.
const ANYBODY: &str = "*";

#[async_trait]
impl Survey for S3 {
    fn places_are_called(&self) -> &'static str {
        "buckets"
    }

    async fn places(&self, but: &BTreeSet<&str>) -> Result<Vec<Surveyed>, NotSurveyed> {
        let region = self.client.config().region().map(ToString::to_string);
        let mut places = Vec::new();
        let mut pages = self.client.list_buckets().set_bucket_region(region.clone()).max_buckets(1_000).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| NotSurveyed { reason: code(&e), needs: "s3:ListAllMyBuckets" })?;
            let here = page.buckets.unwrap_or_default().into_iter();
            // Whoever does not know the question answers with all of them.
            let here = here.filter(|bucket| bucket.bucket_region.is_none() || bucket.bucket_region == region);
            let names = here.filter_map(|bucket| bucket.name).filter(|name| !but.contains(name.as_str()));
            places.extend(names.map(|name| Surveyed { name, fields: None }));
        }
        Ok(places)
    }

    async fn sample(&self, _: &str, named: &[Named<'_>]) -> Result<Vec<Sampled>, NotSurveyed> {
        Ok(named.iter().map(|_| Sampled::default()).collect())
    }

    async fn needs(&self, producer: &Producer) -> Result<Vec<Need>, StoreError> {
        let (bucket, _) = bucket(producer)?;
        let region = self.client.config().region().map(ToString::to_string).unwrap_or_default();
        let partition = match region.as_str() {
            china if china.starts_with("cn-") => "aws-cn",
            government if government.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let arn = format!("arn:{partition}:s3:::{bucket}");
        let object =
            |keys: &ObjectKeys| (format!("{arn}/{}", key(keys, SOMEBODY)), format!("{arn}/{}", granted(&key(keys, ANYBODY))));
        let objects: BTreeSet<(String, String)> = producer.select.iter().filter_map(keys).map(object).collect();
        let need = |work, actions, resource, granted, parameter| Need { work, actions, resource, granted, parameter };
        let mut all: Vec<Need> =
            BUCKET.into_iter().map(|(work, actions)| need(work, actions, arn.clone(), arn.clone(), "DataBucketArns")).collect();
        for (work, actions) in OBJECTS {
            let objects = objects.iter().cloned();
            all.extend(objects.map(|(object, granted)| need(work, actions, object, granted, "DataObjectArns")));
        }
        Ok(all)
    }

    async fn unmet_beginnings(&self, producer: &Producer) -> Result<Vec<Beginning>, NotSurveyed> {
        let Ok((bucket, _)) = bucket(producer) else { return Ok(vec![]) };
        let mut unmet = Vec::new();
        for keys in producer.select.iter().filter_map(keys) {
            let (said_by, whole) = match keys {
                ObjectKeys::Under(key) => ("select: prefix", key.before().to_owned()),
                ObjectKeys::Exactly(key) => ("select: object", key.before().to_owned()),
                ObjectKeys::Matching { pattern, .. } => ("select: list", pattern.to_string()),
            };
            let text = whole.split(['*', '{']).next().unwrap_or_default().to_owned();
            if text.is_empty() || self.any_begins(bucket, &text).await? {
                continue;
            }
            let first_parts =
                self.client.list_objects_v2().bucket(bucket).delimiter("/").encoding_type(EncodingType::Url).send().await;
            let first_parts = first_parts.map_err(|e| not_surveyed(code(&e)))?.common_prefixes.unwrap_or_default();
            let others = first_parts.into_iter().filter_map(|part| decode(&part.prefix?)).collect();
            unmet.push(Beginning { keys: said_by, text, others });
        }
        Ok(unmet)
    }
}

impl S3 {
    /// Whether a key of a bucket, or of an earlier version there, begins so.
    async fn any_begins(&self, bucket: &str, beginning: &str) -> Result<bool, NotSurveyed> {
        let current = self.client.list_objects_v2().bucket(bucket).prefix(beginning).max_keys(1).send().await;
        if !current.map_err(|e| not_surveyed(code(&e)))?.contents.unwrap_or_default().is_empty() {
            return Ok(true);
        }
        let versions = self.client.list_object_versions().bucket(bucket).prefix(beginning).max_keys(1).send().await;
        let versions = versions.map_err(|e| not_surveyed(code(&e)))?;
        Ok(!versions.versions().is_empty() || !versions.delete_markers().is_empty())
    }
}

fn not_surveyed(reason: String) -> NotSurveyed {
    NotSurveyed { reason, needs: "s3:ListBucket and s3:ListBucketVersions" }
}

fn keys(selection: &Selection) -> Option<&ObjectKeys> {
    match selection {
        Selection::Objects(ObjectSelection { keys, .. }) => Some(keys),
        Selection::Items(_) => None,
    }
}

/// A key that is found where a person's identity is this.
fn key(keys: &ObjectKeys, person: &str) -> String {
    match keys {
        ObjectKeys::Under(key) => key.fill(person) + person,
        ObjectKeys::Exactly(key) => key.fill(person),
        ObjectKeys::Matching { pattern, .. } => {
            pattern.to_string().replace("{}", person).replace("**", person).replace('*', person)
        }
    }
}

/// As a policy writes it: one `*` is whatever stands there.
fn granted(key: &str) -> String {
    let mut key = key.to_owned();
    // What follows a person's own `/` is anybody's, too.
    for (long, short) in [("**", "*"), ("*/*", "*")] {
        while key.contains(long) {
            key = key.replace(long, short);
        }
    }
    key
}
