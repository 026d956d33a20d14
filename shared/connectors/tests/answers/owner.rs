//! Whose a bucket is said to be, in every call that a deployment's connectors make.

use crate::{
    service::{bare, error, script, xml},
    support::{producer, under},
};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use oubli_connectors::{Options, Registry};
use oubli_domain::datamap::{Location, S3Objects, Store, StoreKind};
use oubli_engine::ports::{RecordRef, Stores as _};
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";

/// What is said of whose it is, by the calls that reading, looking and removing make; and how it ends where S3 refuses.
async fn said(account: Option<&str>, owns: &'static str) -> (BTreeSet<Option<String>>, bool) {
    let seen: Arc<Mutex<BTreeSet<Option<String>>>> = Arc::default();
    let sees = seen.clone();
    let service = script(move |asked| {
        let expected = asked.header("x-amz-expected-bucket-owner").map(str::to_owned);
        sees.lock().expect("unpoisoned").insert(expected.clone());
        // As S3 documents it: another owner is 403 AccessDenied.
        if expected.as_deref() != Some(owns) {
            return error(403, "AccessDenied");
        }
        match asked.method {
            "HEAD" => bare(200, &[("etag", "\"e\""), ("content-length", "1")]),
            _ if asked.asks("versioning") => xml(200, "<VersioningConfiguration/>"),
            _ if asked.asks("list-type") => xml(200, "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"),
            _ if asked.asks("tagging") => xml(200, "<Tagging><TagSet/></Tagging>"),
            _ => bare(200, &[("etag", "\"e\"")]),
        }
    });
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
        .endpoint_url("http://s3.test")
        .http_client(service)
        .build();
    let owner = Some(OWN.parse().expect("an account"));
    let registry = Registry::new(config, Options { path_style: true, observer: None, owner });
    let store = Store { connector: StoreKind::S3, region: None, account: account.map(|a| a.parse().expect("an account")) };
    let connector = registry.connector(&"files".parse().expect("a name"), &store).expect("a connector");
    let producer = producer(Location::Bucket(S3Objects { bucket: "data".to_owned() }), vec![under("users/{}/")]);
    let record = RecordRef { key: json!({ "key": "users/u1/a" }), matched: None, selection: None };
    let read = connector.read(&producer, std::slice::from_ref(&record), &[]).await;
    // Whatever it finds there, it has asked.
    let _ = connector.capabilities(&producer, std::time::Duration::from_secs(60)).await;
    let good = matches!(read.as_slice(), [Ok(Some(_))]);
    let seen = seen.lock().expect("unpoisoned").clone();
    (seen, good)
}

#[tokio::test]
async fn p8_every_call_says_whose_the_bucket_has_to_be() {
    let only = |account: &str| BTreeSet::from([Some(account.to_owned())]);
    assert_eq!(said(None, OWN).await, (only(OWN), true), "the deployment's own");
    assert_eq!(said(Some(OTHER), OTHER).await, (only(OTHER), true), "the store's");
    let (said, good) = said(None, OTHER).await;
    assert_eq!((said, good), (only(OWN), false), "somebody else took the name");
}
