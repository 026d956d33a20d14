//! Objects that cannot be read, beside some that can.

use crate::{
    service::{Answer, bare, bucket, error, service, xml},
    support::body,
};
use futures::{StreamExt as _, TryStreamExt as _};
use oubli_engine::ports::{Connector, ExportForm, RecordRef, Snapshot, StoreError, Version};
use serde_json::json;

const PLAIN: &[(&str, &str)] = &[("etag", "\"e\""), ("content-length", "1")];

fn record(name: &str) -> RecordRef {
    RecordRef { key: json!({ "key": format!("users/u1/{name}") }), matched: None, selection: None }
}

fn objects(method: &str, path: &str, query: &str) -> Answer {
    let name = path.rsplit('/').next().unwrap_or_default();
    let and = |more: &[(&'static str, &str)]| bare(200, &[PLAIN, more].concat());
    match (method, name) {
        ("HEAD", "glacier") => and(&[("x-amz-storage-class", "GLACIER")]),
        ("HEAD", "deep") => and(&[("x-amz-storage-class", "DEEP_ARCHIVE"), ("x-amz-restore", "ongoing-request=\"true\"")]),
        ("HEAD", "tiered") => and(&[("x-amz-storage-class", "INTELLIGENT_TIERING"), ("x-amz-archive-status", "ARCHIVE_ACCESS")]),
        ("HEAD", "thawed") => and(&[
            ("x-amz-storage-class", "GLACIER"),
            ("x-amz-restore", "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2027 00:00:00 GMT\""),
        ]),
        ("HEAD", "instant") => and(&[("x-amz-storage-class", "GLACIER_IR")]),
        // S3 tells nothing of an object whose key it was not given.
        ("HEAD", "customer-key") => bare(400, &[]),
        ("HEAD", "foreign") => bare(403, &[]),
        ("HEAD", "gone") => bare(404, &[]),
        ("HEAD", _) => and(&[]),
        ("GET", _) if query.contains("tagging") => xml(200, "<Tagging><TagSet/></Tagging>"),
        ("GET", "glacier" | "deep" | "tiered") => error(403, "InvalidObjectState"),
        ("GET", "locked-key") => error(403, "AccessDenied"),
        ("GET", "disabled-key") => error(400, "KMS.DisabledException"),
        ("GET", _) => (200, vec![("etag", "\"e\"".to_owned())], "x".to_owned()),
        other => panic!("{other:?}"),
    }
}

async fn read(names: &[&str]) -> Vec<Result<Option<Snapshot>, StoreError>> {
    let (connector, producer) = bucket(objects);
    let records: Vec<_> = names.iter().map(|n| record(n)).collect();
    connector.read(&producer, &records, &[]).await
}

fn reason(answer: Result<Option<Snapshot>, StoreError>) -> String {
    match answer {
        Err(StoreError::Record { reason, .. }) => reason,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("readable"),
    }
}

#[tokio::test]
async fn what_lies_in_an_archive_is_told_before_any_byte_is_asked_for() {
    let mut answers = read(&["glacier", "plain", "deep", "tiered", "thawed", "instant", "gone"]).await.into_iter();
    let mut next = || answers.next().expect("an answer");
    assert!(reason(next()).contains("archive"));
    assert_eq!(body(next().expect("readable").expect("there")).await, b"x");
    for archived in ["deep", "tiered"] {
        assert!(reason(next()).contains("archive"), "{archived}");
    }
    for readable in ["thawed", "instant"] {
        assert_eq!(body(next().expect(readable).expect("there")).await, b"x");
    }
    assert!(next().expect("an answer").is_none());

    let (connector, producer) = bucket(objects);
    assert!(reason(connector.show(&producer, &[record("glacier")]).await.remove(0)).contains("archive"));
}

#[tokio::test]
async fn an_object_under_a_key_of_its_owners_own_is_refused_alone() {
    let mut answers = read(&["customer-key", "plain"]).await.into_iter();
    assert!(reason(answers.next().expect("an answer")).contains("SSE-C"));
    assert!(matches!(answers.next(), Some(Ok(Some(_)))));
}

#[tokio::test]
async fn an_object_refused_beside_others_that_are_read_is_that_objects_trouble() {
    let mut answers = read(&["plain", "foreign"]).await.into_iter();
    assert!(matches!(answers.next(), Some(Ok(Some(_)))));
    assert!(reason(answers.next().expect("an answer")).contains("AccessDenied"));
    // Where nothing is read, nobody knows that the store can be used at all.
    let answers = read(&["foreign", "gone"]).await;
    assert!(matches!(&answers[0], Err(StoreError::Unusable { .. })));
}

#[tokio::test]
async fn bytes_that_no_key_opens_are_refused_for_that_object() {
    for name in ["locked-key", "disabled-key"] {
        let snapshot = read(&[name]).await.remove(0).expect("its headers are readable").expect("there");
        let error = snapshot.body.boxed().try_collect::<Vec<_>>().await.expect_err("unreadable");
        assert!(matches!(&error, StoreError::Record { reason, .. } if reason.contains("key")), "{error:?}");
        assert!(!error.to_string().contains("u1"), "{error}");
    }
}

#[tokio::test]
async fn the_rest_of_an_object_is_asked_for_by_its_first_byte_and_only_of_the_version_that_was_shown() {
    let producer = bucket(objects).1;
    let record = RecordRef { key: json!({ "key": "users/u1/film", "version_id": "v7" }), matched: None, selection: None };
    for (ranges, status, bytes) in [(true, 206, Some("cdef")), (false, 200, Some("cdef")), (true, 412, None)] {
        let connector = service(move |asked| {
            assert_eq!((asked.method, asked.key().as_str()), ("GET", "users/u1/film"));
            assert_eq!(asked.parameter("versionId").as_deref(), Some("v7"));
            assert_eq!((asked.header("range"), asked.header("if-match")), (Some("bytes=2-"), Some("\"e\"")));
            match (status, ranges) {
                (412, _) => error(412, "PreconditionFailed"),
                (_, true) => (206, vec![("content-range", "bytes 2-5/6".to_owned())], "cdef".to_owned()),
                // Not every service knows ranges.
                (_, false) => (200, vec![], "abcdef".to_owned()),
            }
        });
        let ExportForm::Files(files) = connector.form() else { panic!("objects are files") };
        let rest = files.rest(&producer, &record, &Version(json!({ "etag": "\"e\"" })), 2).expect("a way to them");
        let rest = rest.try_collect::<Vec<_>>().await.map(|pieces| pieces.concat());
        match bytes {
            Some(bytes) => assert_eq!(rest.expect("the rest"), bytes.as_bytes()),
            None => assert!(matches!(rest, Err(StoreError::Unavailable { .. }))),
        }
    }
}
