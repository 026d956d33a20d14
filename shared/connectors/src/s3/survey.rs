//! The buckets that there are.

use super::{S3, bucket};
use crate::failure::code;
use async_trait::async_trait;
use oubli_domain::datamap::{ObjectKeys, ObjectSelection, Producer, Selection};
use oubli_engine::ports::{Named, Need, NotSurveyed, Sampled, StoreError, Survey, Surveyed, Work};
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
        let objects: BTreeSet<String> = producer.select.iter().filter_map(key).map(|key| format!("{arn}/{key}")).collect();
        let need = |work, actions, resource, parameter| Need { work, actions, resource, parameter };
        let mut all: Vec<Need> =
            BUCKET.into_iter().map(|(work, actions)| need(work, actions, arn.clone(), "DataBucketArns")).collect();
        for (work, actions) in OBJECTS {
            all.extend(objects.iter().map(|object| need(work, actions, object.clone(), "DataObjectArns")));
        }
        Ok(all)
    }
}

/// A key that a selection may find.
fn key(selection: &Selection) -> Option<String> {
    match selection {
        Selection::Objects(ObjectSelection { keys: ObjectKeys::Under(key), .. }) => Some(key.fill(SOMEBODY) + SOMEBODY),
        Selection::Objects(ObjectSelection { keys: ObjectKeys::Exactly(key), .. }) => Some(key.fill(SOMEBODY)),
        Selection::Objects(ObjectSelection { keys: ObjectKeys::Matching { pattern, .. }, .. }) => {
            Some(pattern.to_string().replace("{}", SOMEBODY).replace("**", SOMEBODY).replace('*', SOMEBODY))
        }
        Selection::Items(_) => None,
    }
}
