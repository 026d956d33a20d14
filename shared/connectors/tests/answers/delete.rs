//! A batch of deletions in which S3 refuses some: the reply is 200, and names each with its code
//! ([DeleteObjects](https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html)).

use crate::{
    service::{Answer, Asked, bare, error, service, xml},
    support::{WINDOW, producer, removals, under},
};
use oubli_domain::datamap::{Location, Producer, S3Objects};
use oubli_engine::ports::{Applied, Connector, Expected, RecordRef, SoftDeletion, StoreError, Version};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What S3 says of an object each time it is to be deleted; once it has said all, it deletes.
type Codes = BTreeMap<&'static str, Vec<&'static str>>;

#[derive(Default)]
struct State {
    codes: Codes,
    /// How often a deletion of each was asked for.
    tried: BTreeMap<String, usize>,
    deleted: BTreeSet<String>,
}

const FOR_EVER: &[&str] = &["InternalError"; 100];

fn codes() -> Codes {
    [
        ("a-fine", &[][..]),
        ("b-denied", &["AccessDenied"; 100]),
        ("c-slow", &["SlowDown"]),
        ("d-broken", &["InternalError", "InternalError", "ServiceUnavailable"]),
        ("e-broken-for-ever", FOR_EVER),
        ("f-odd", &["KeyTooLongError"; 100]),
        ("g-fine", &[]),
    ]
    .map(|(name, codes)| (name, codes.to_vec()))
    .into()
}

/// The texts between an element's tags.
fn texts<'a>(body: &'a str, element: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    body.split(open.as_str()).skip(1).filter_map(|rest| rest.split(close.as_str()).next()).collect()
}

fn delete(state: &mut State, asked: &Asked<'_>, versioned: bool) -> Answer {
    let mut lines = String::new();
    for key in texts(asked.body, "Key") {
        let name = key.rsplit('/').next().unwrap_or_default();
        let tried = state.tried.entry(name.to_owned()).or_default();
        *tried += 1;
        match state.codes.get(name).and_then(|codes| codes.get(*tried - 1)) {
            Some(code) => lines += &format!("<Error><Key>{key}</Key><Code>{code}</Code><Message>of {key}</Message></Error>"),
            None => {
                state.deleted.insert(name.to_owned());
                let marker = format!("<DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>m-{name}</DeleteMarkerVersionId>");
                let marker = if versioned { marker } else { String::new() };
                lines += &format!("<Deleted><Key>{key}</Key>{marker}</Deleted>");
            }
        }
    }
    xml(200, &format!("<DeleteResult>{lines}</DeleteResult>"))
}

fn versions(state: &State) -> Answer {
    let version = |name: &&str| {
        let latest = !state.deleted.contains(*name);
        format!(
            "<Version><Key>users/u1/{name}</Key><VersionId>v</VersionId><IsLatest>{latest}</IsLatest>\
             <LastModified>2026-01-01T00:00:00Z</LastModified><ETag>\"e\"</ETag><Size>1</Size></Version>"
        )
    };
    let all: String = state.codes.keys().map(version).collect();
    xml(200, &format!("<ListVersionsResult><IsTruncated>false</IsTruncated>{all}</ListVersionsResult>"))
}

fn bucket(versioned: bool) -> (Arc<Mutex<State>>, oubli_connectors::S3, Producer) {
    let state = Arc::new(Mutex::new(State { codes: codes(), ..State::default() }));
    let own = Arc::clone(&state);
    let status = if versioned { "<Status>Enabled</Status>" } else { "" };
    let s3 = service(move |asked| {
        let mut state = own.lock().expect("unpoisoned");
        match asked.method {
            "POST" if asked.asks("delete") => delete(&mut state, asked, versioned),
            _ if asked.asks("versioning") => xml(200, &format!("<VersioningConfiguration>{status}</VersioningConfiguration>")),
            _ if asked.asks("lifecycle") => error(404, "NoSuchLifecycleConfiguration"),
            _ if asked.asks("versions") => versions(&state),
            other => panic!("{other} {}", asked.query),
        }
    });
    let location = Location::Bucket(S3Objects { bucket: "data".to_owned() });
    (state, s3, producer(location, vec![under("users/{}/")]))
}

fn record(name: &str, version: Option<&str>) -> RecordRef {
    let mut key = json!({ "key": format!("users/u1/{name}") });
    if let Some(version) = version {
        key["version_id"] = version.into();
    }
    RecordRef { key, matched: None, selection: None }
}

fn judged<T: std::fmt::Debug>(answers: &[Result<T, StoreError>], done: impl Fn(&T) -> bool) {
    let [fine, denied, slow, broken, for_ever, odd, last] = answers else { panic!("{answers:?}") };
    for answer in [fine, slow, broken, last] {
        assert!(answer.as_ref().is_ok_and(&done), "{answers:?}");
    }
    for (answer, code) in [(denied, "AccessDenied"), (odd, "KeyTooLongError")] {
        assert!(matches!(answer, Err(StoreError::Record { reason, .. }) if reason.contains(code)), "{answers:?}");
    }
    assert!(matches!(for_ever, Err(StoreError::Unavailable { .. })), "{answers:?}");
    assert!(!format!("{answers:?}").contains("u1"), "no error repeats a key");
}

fn tried(state: &Arc<Mutex<State>>) -> BTreeMap<String, usize> {
    state.lock().expect("unpoisoned").tried.clone()
}

#[tokio::test]
async fn a_refused_deletion_is_that_objects_and_one_that_passes_is_tried_again() {
    let (state, s3, producer) = bucket(false);
    let expected =
        codes().into_keys().map(|name| Expected { record: record(name, None), version: Version(json!({ "etag": "\"e\"" })) });
    let removals = removals(expected.collect::<Vec<_>>());
    let answers = s3.apply(&producer, &removals).await;
    judged(&answers, |applied| *applied == Applied::Done);
    let tried = tried(&state);
    assert_eq!((tried["a-fine"], tried["b-denied"], tried["c-slow"], tried["d-broken"], tried["f-odd"]), (1, 1, 2, 4, 1));
}

#[tokio::test]
async fn what_changed_or_is_gone_is_told_apart_within_a_batch() {
    let (state, s3, producer) = bucket(false);
    state.lock().expect("unpoisoned").codes =
        [("a-changed", vec!["PreconditionFailed"]), ("b-gone", vec!["NoSuchKey"]), ("c-fine", vec![])].into();
    let expected = ["a-changed", "b-gone", "c-fine"]
        .map(|name| Expected { record: record(name, None), version: Version(json!({ "etag": "\"e\"" })) });
    let answers = s3.apply(&producer, &removals(expected)).await;
    assert_eq!(answers, [Ok(Applied::Changed), Ok(Applied::Absent), Ok(Applied::Done)]);
    assert!(tried(&state).values().all(|times| *times == 1), "what is known is not asked again");
}

#[tokio::test]
async fn a_version_that_cannot_be_hidden_is_flagged_and_its_batch_goes_on() {
    let (state, s3, producer) = bucket(true);
    let records: Vec<_> = codes().into_keys().map(|name| (record(name, Some("v")), None)).collect();
    let answers = s3.soft_delete().expect("offered").soft_delete(&producer, &records, None, WINDOW).await;
    judged(&answers, |done| matches!(done, SoftDeletion::Hidden(Some(_))));
    assert_eq!(tried(&state)["c-slow"], 2, "one marker, by the second try");
}

/// A hundred keys that no body of a call can name, each deleted by a call of its own that is answered so.
async fn apart(answer: fn(&str) -> Answer) -> (Vec<Result<Applied, StoreError>>, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&calls);
    let s3 = service(move |asked| match asked.method {
        "DELETE" => {
            own.fetch_add(1, Ordering::Relaxed);
            answer(&asked.key())
        }
        _ if asked.asks("versioning") => xml(200, "<VersioningConfiguration/>"),
        other => panic!("{other} {}", asked.query),
    });
    let location = Location::Bucket(S3Objects { bucket: "data".to_owned() });
    let expected =
        (0..100).map(|n| Expected { record: record(&format!("{n:03} "), None), version: Version(json!({ "etag": "\"e\"" })) });
    let removals = removals(expected.collect::<Vec<_>>());
    let answers = s3.apply(&producer(location, vec![under("users/{}/")]), &removals).await;
    (answers, calls.load(Ordering::Relaxed))
}

#[tokio::test]
async fn deletions_by_themselves_are_asked_for_together_and_stop_while_nobody_answers() {
    let (answers, calls) = apart(|_| error(503, "SlowDown")).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable { .. }))), "{answers:?}");
    assert!(calls <= 32, "{calls} of a hundred were asked for");

    let (answers, calls) = apart(|key| if key.ends_with("7 ") { error(403, "AccessDenied") } else { bare(204, &[]) }).await;
    assert_eq!((answers.len(), calls), (100, 100), "what is one object's trouble stops nobody");
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_err(), n % 10 == 7, "in the order that was asked: {n} {answer:?}");
    }
}
