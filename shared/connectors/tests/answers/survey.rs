//! Buckets that there are, and what functions need of them.

use crate::{
    service::{Answer, bucket, error, xml},
    support::{exactly, granted},
};
use oubli_engine::ports::{Connector, Need, NotSurveyed, Surveyed, Work};
use std::collections::BTreeSet;

/// ListBuckets, as S3's reference writes it: pages of three, and each bucket with its Region.
fn buckets(method: &str, path: &str, query: &str) -> Answer {
    assert_eq!((method, path), ("GET", ""), "{query}");
    assert!(query.contains("bucket-region=eu-central-1"), "only those of the Region: {query}");
    let bucket = |name: &str, region: &str| {
        format!(
            "<Bucket><Name>{name}</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate><BucketRegion>{region}</BucketRegion></Bucket>"
        )
    };
    let (names, next) = match query.contains("continuation-token=more") {
        false => (["data", "letters", "oubli-work"], "<ContinuationToken>more</ContinuationToken>"),
        true => (["scans", "logs", "photos"], ""),
    };
    let listed: String = names.iter().map(|name| bucket(name, "eu-central-1")).collect();
    // A service that does not know the question answers with those elsewhere, too.
    let elsewhere = bucket("elsewhere", "us-east-1");
    xml(200, &format!("<ListAllMyBucketsResult><Buckets>{listed}{elsewhere}</Buckets>{next}</ListAllMyBucketsResult>"))
}

#[tokio::test]
async fn buckets_of_the_region_are_listed_to_the_end_but_for_those_that_are_known() {
    let (connector, _) = bucket(buckets);
    let survey = connector.survey().expect("it can");
    let but = BTreeSet::from(["data", "oubli-work"]);
    let found = survey.places(&but).await.expect("listed");
    let named = |name: &str| Surveyed { name: name.to_owned(), fields: None };
    assert_eq!(found, ["letters", "scans", "logs", "photos"].map(named));
}

#[tokio::test]
async fn who_may_not_list_buckets_is_told_what_to_allow() {
    let (connector, _) = bucket(|_, _, _| error(403, "AccessDenied"));
    let refused = connector.survey().expect("it can").places(&BTreeSet::new()).await.expect_err("refused");
    assert_eq!(refused, NotSurveyed { reason: "AccessDenied".to_owned(), needs: "s3:ListAllMyBuckets" });
}

#[tokio::test]
async fn functions_need_what_the_template_grants_on_buckets_and_objects() {
    let (connector, mut producer) = bucket(|_, _, _| panic!("nothing is asked"));
    producer.select.push(exactly("avatars/{}.png"));
    let needs = connector.survey().expect("it can").needs(&producer).await.expect("known");
    for (work, role) in [(Work::Search, "DiscoveryRole"), (Work::Erase, "DeletionRole"), (Work::Export, "ExportRole")] {
        let needs: Vec<&Need> = needs.iter().filter(|need| need.work == work).collect();
        let resources: Vec<&str> = needs.iter().map(|need| need.resource.as_str()).collect();
        assert_eq!(resources, ["arn:aws:s3:::data", "arn:aws:s3:::data/avatars/x.png", "arn:aws:s3:::data/users/x/x"]);
        needs.into_iter().for_each(|need| granted(role, need));
    }
}
