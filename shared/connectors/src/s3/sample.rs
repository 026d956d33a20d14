//! A bounded look at the keys of buckets, for who drafts a data map.

use super::{S3, address::decode};
use crate::sampling::not_sampled;
use async_trait::async_trait;
use aws_sdk_s3::types::EncodingType;
use oubli_suggest::{Contents, NotSampled, Read, Sampling, See, Seen, Value};

const NEEDS: &str = "s3:ListAllMyBuckets and s3:ListBucket";

/// Most keys of a page.
const PAGE: usize = 1_000;

/// First parts of keys that are looked under, each for its share.
const PREFIXES: usize = 50;

/// A page of a listing.
struct Page {
    keys: Vec<String>,
    prefixes: Vec<String>,
    next: Option<String>,
}

#[async_trait]
impl Sampling for S3 {
    fn places_are(&self) -> &'static str {
        "buckets"
    }

    async fn places(&self) -> Result<Vec<String>, NotSampled> {
        let mut pages = self.client.list_buckets().into_paginator().send();
        let mut buckets = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| not_sampled(&e, NEEDS))?;
            buckets.extend(page.buckets.unwrap_or_default().into_iter().filter_map(|bucket| bucket.name));
        }
        Ok(buckets)
    }

    async fn contents(&self, place: &str) -> Result<Contents, NotSampled> {
        self.client.head_bucket().bucket(place).send().await.map_err(|e| not_sampled(&e, NEEDS))?;
        Ok(Contents::Bucket)
    }

    async fn has(&self, _: &str, _: &str, _: &Value) -> Result<bool, NotSampled> {
        Ok(false)
    }

    async fn sample(&self, place: &str, limit: usize, see: &mut See<'_>) -> Result<Read, NotSampled> {
        let mut read = Read { whole: true, ..Read::default() };
        let first = self.keys_page(place, "", false, PAGE.min(limit), None, &mut read).await?;
        let Some(next) = first.next else {
            first.keys.into_iter().for_each(|key| see(Seen::Key(key)));
            return Ok(read);
        };
        // Keys come in their order: of a large bucket, what begins alike would be all that is seen.
        let top = self.keys_page(place, "", true, PAGE, None, &mut read).await?;
        let prefixes: Vec<String> = spread(top.prefixes, PREFIXES);
        if prefixes.len() < 2 {
            let mut seen = first.keys.len();
            first.keys.into_iter().for_each(|key| see(Seen::Key(key)));
            read.whole = self.under(place, "", limit, &mut seen, Some(next), &mut read, see).await?;
            return Ok(read);
        }
        let share = (limit / (prefixes.len() + 1)).max(1);
        top.keys.into_iter().take(share).for_each(|key| see(Seen::Key(key)));
        read.whole = top.next.is_none();
        for prefix in prefixes {
            let ended = self.under(place, &prefix, share, &mut 0, None, &mut read, see).await?;
            read.whole &= ended;
        }
        Ok(read)
    }
}

impl S3 {
    /// Keys under a prefix until there are so many; whether these are all.
    #[expect(clippy::too_many_arguments, reason = "where a listing stands, and who sees it")]
    async fn under(
        &self,
        bucket: &str,
        prefix: &str,
        limit: usize,
        seen: &mut usize,
        mut from: Option<String>,
        read: &mut Read,
        see: &mut See<'_>,
    ) -> Result<bool, NotSampled> {
        while *seen < limit {
            let page = self.keys_page(bucket, prefix, false, PAGE.min(limit - *seen), from.take(), read).await?;
            *seen += page.keys.len();
            page.keys.into_iter().for_each(|key| see(Seen::Key(key)));
            from = page.next;
            if from.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn keys_page(
        &self,
        bucket: &str,
        prefix: &str,
        top: bool,
        limit: usize,
        from: Option<String>,
        read: &mut Read,
    ) -> Result<Page, NotSampled> {
        let reply = self
            .client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .set_delimiter(top.then(|| "/".to_owned()))
            .max_keys(i32::try_from(limit).unwrap_or(i32::MAX))
            .encoding_type(EncodingType::Url)
            .set_continuation_token(from)
            .send()
            .await
            .map_err(|e| not_sampled(&e, NEEDS))?;
        read.calls += 1;
        let plain = |text: String| decode(&text);
        let keys = reply.contents.unwrap_or_default().into_iter().filter_map(|object| object.key.and_then(plain)).collect();
        let prefixes = reply.common_prefixes.unwrap_or_default().into_iter().filter_map(|p| p.prefix.and_then(plain)).collect();
        Ok(Page { keys, prefixes, next: reply.next_continuation_token.filter(|_| reply.is_truncated == Some(true)) })
    }
}

/// At most so many, from all over.
fn spread(all: Vec<String>, most: usize) -> Vec<String> {
    let step = all.len().div_ceil(most).max(1);
    all.into_iter().step_by(step).collect()
}
