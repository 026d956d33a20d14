//! A bounded look at a bucket.

use crate::service::{Answer, bucket, error, xml};
use oubli_suggest::{Read, Sampling as _, Seen};

const TOP: [&str; 3] = ["avatars/", "customers/", "logs/"];

/// A bucket of three folders with 5,000 keys each, as S3 lists it.
fn large(query: &str) -> Answer {
    let value = |name: &str| query.split('&').find_map(|q| q.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default();
    let prefix = value("prefix").replace("%2F", "/");
    if !value("delimiter").is_empty() {
        let common: String = TOP.iter().map(|top| format!("<CommonPrefixes><Prefix>{top}</Prefix></CommonPrefixes>")).collect();
        return xml(200, &format!("<ListBucketResult><IsTruncated>false</IsTruncated>{common}</ListBucketResult>"));
    }
    let keys: Vec<String> = TOP.iter().flat_map(|top| (0..5_000).map(move |n| format!("{top}c-{n:05}/a+b.pdf"))).collect();
    let keys: Vec<&String> = keys.iter().filter(|key| key.starts_with(&prefix)).collect();
    let from: usize = value("continuation-token").parse().unwrap_or(0);
    let most: usize = value("max-keys").parse().expect("a number");
    let page: String = keys.iter().skip(from).take(most).map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
    let next = from + most;
    let more = next < keys.len();
    let token = if more { format!("<NextContinuationToken>{next}</NextContinuationToken>") } else { String::new() };
    xml(200, &format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>{token}{page}</ListBucketResult>"))
}

async fn sampled(limit: usize, script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> (Vec<String>, Read) {
    let (s3, _) = bucket(move |_, _, query| script(query));
    let mut keys = Vec::new();
    let mut see = |seen| {
        if let Seen::Key(key) = seen {
            keys.push(key);
        }
    };
    let read = s3.sample("data", limit, &mut see).await.expect("listed");
    (keys, read)
}

#[tokio::test]
async fn a_large_bucket_is_looked_at_in_all_its_folders() {
    let (keys, read) = sampled(6_000, large).await;
    assert!(!read.whole && keys.len() <= 6_000, "{read:?} {}", keys.len());
    for top in TOP {
        assert!(keys.iter().filter(|key| key.starts_with(top)).count() > 1_000, "{top}");
    }
    assert!(keys.iter().all(|key| key.ends_with("/a b.pdf")), "keys are written as URLs are");
}

#[tokio::test]
async fn a_bucket_is_listed_to_its_end_where_that_is_near() {
    let (keys, read) = sampled(100_000, large).await;
    assert_eq!((keys.len(), read.whole), (15_000, true));
    let small = |_: &str| {
        xml(200, "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents></ListBucketResult>")
    };
    let (keys, read) = sampled(10, small).await;
    assert_eq!((keys, read.whole, read.calls), (vec!["a".to_owned()], true, 1));
}

#[tokio::test]
async fn a_bucket_that_may_not_be_listed_is_named_by_a_code_alone() {
    let (s3, _) = bucket(|_, _, _| error(403, "AccessDenied"));
    let Err(not) = s3.sample("data", 10, &mut |_| ()).await else { panic!("it may not") };
    assert_eq!(not.to_string(), "AccessDenied: allow s3:ListAllMyBuckets and s3:ListBucket");
}
