//! Unfinished uploads, as the reference of S3's API has them: ListMultipartUploads, ListParts, AbortMultipartUpload.

use crate::{
    service::{Answer, Asked, bare, error, reset, retried, service, xml},
    support::{WINDOW, by_subject, discover, exactly, producer, under},
};
use oubli_connectors::S3;
use oubli_domain::datamap::{Location, ObjectKeys, ObjectSelection, Pattern, Producer, S3Uploads, Selection};
use oubli_engine::ports::{
    Caution, Connector, Destruction, Found, HideMethod, PutBack, RecordRef, Selector, SoftDeletion, StoreError, Way,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

/// An upload: its key, its id, the sizes of its parts, and how often it has to be aborted before they are gone.
#[derive(Debug, Clone)]
struct Upload {
    key: &'static str,
    id: &'static str,
    parts: Vec<u64>,
    stubborn: u32,
}

type Bucket = Arc<Mutex<Vec<Upload>>>;

fn upload(key: &'static str, id: &'static str, parts: &[u64]) -> Upload {
    Upload { key, id, parts: parts.to_vec(), stubborn: 0 }
}

/// Uploads in order of their keys, at most two of a page, keys encoded as they were asked for.
fn list(bucket: &Bucket, asked: &Asked<'_>) -> Answer {
    let prefix = asked.parameter("prefix").unwrap_or_default();
    let most: usize = asked.parameter("max-uploads").and_then(|n| n.parse().ok()).unwrap_or(1_000).min(2);
    let marker = asked.parameter("key-marker").map(|key| (key, asked.parameter("upload-id-marker")));
    assert_eq!(asked.parameter("encoding-type").as_deref(), Some("url"));
    let all = bucket.lock().expect("unpoisoned").clone();
    // Without an id, only what follows the key.
    let after = |u: &&Upload| {
        let later = |key: &str, id: Option<&str>| u.key > key || u.key == key && id.is_some_and(|id| u.id > id);
        marker.as_ref().is_none_or(|(key, id)| later(key, id.as_deref()))
    };
    let rest: Vec<&Upload> = all.iter().filter(|u| u.key.starts_with(&prefix)).filter(after).collect();
    let encoded = |key: &str| utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
    let mut text = format!("<EncodingType>url</EncodingType><IsTruncated>{}</IsTruncated>", rest.len() > most);
    for u in rest.iter().take(most) {
        let (key, id) = (encoded(u.key), u.id);
        let _ = write!(
            text,
            "<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>"
        );
    }
    if let Some(last) = rest.iter().take(most).next_back().filter(|_| rest.len() > most) {
        let (key, id) = (encoded(last.key), last.id);
        let _ = write!(text, "<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>");
    }
    xml(200, &format!("<ListMultipartUploadsResult>{text}</ListMultipartUploadsResult>"))
}

/// A part of a page.
fn parts(upload: &Upload, asked: &Asked<'_>) -> Answer {
    let after: usize = asked.parameter("part-number-marker").and_then(|n| n.parse().ok()).unwrap_or_default();
    let mut text = format!("<IsTruncated>{}</IsTruncated>", upload.parts.len() > after + 1);
    if let Some(size) = upload.parts.get(after) {
        let number = after + 1;
        let _ = write!(text, "<NextPartNumberMarker>{number}</NextPartNumberMarker>");
        let _ = write!(text, "<Part><PartNumber>{number}</PartNumber><Size>{size}</Size></Part>");
    }
    xml(200, &format!("<ListPartsResult>{text}</ListPartsResult>"))
}

fn answer(bucket: &Bucket, asked: &Asked<'_>) -> Answer {
    if asked.method == "GET" && asked.asks("uploads") {
        return list(bucket, asked);
    }
    let (key, id) = (asked.key(), asked.parameter("uploadId").expect("an upload is named"));
    let mut all = bucket.lock().expect("unpoisoned");
    let Some(place) = all.iter().position(|u| u.key == key && u.id == id) else { return error(404, "NoSuchUpload") };
    match asked.method {
        "GET" if key.ends_with("unlisted") => error(403, "AccessDenied"),
        "GET" => parts(&all[place], asked),
        "DELETE" if key.ends_with("forbidden") => error(403, "AccessDenied"),
        "DELETE" if all[place].stubborn > 0 => {
            all[place].stubborn -= 1;
            bare(204, &[])
        }
        "DELETE" => {
            all.remove(place);
            bare(204, &[])
        }
        other => panic!("{other}"),
    }
}

fn uploads(mut of: Vec<Upload>) -> (Bucket, S3) {
    of.sort_by_key(|u| (u.key, u.id));
    let bucket: Bucket = Arc::new(Mutex::new(of));
    let own = Arc::clone(&bucket);
    (bucket, service(move |asked| answer(&own, asked)))
}

fn of(select: Vec<Selection>) -> Producer {
    let uploads = S3Uploads { bucket: "data".to_owned(), of: "documents".parse().expect("a name") };
    producer(Location::Uploads(uploads), select)
}

fn left(bucket: &Bucket) -> Vec<&'static str> {
    bucket.lock().expect("unpoisoned").iter().map(|u| u.id).collect()
}

async fn find(s3: &S3, producer: &Producer, value: &str, but: &[Way<'_>], limit: usize) -> Vec<Found> {
    let fields = ["key", "size", "last_modified"].map(str::to_owned);
    let selector = Selector { way: Way { selection: &producer.select[0], value }, fields: &fields, but };
    discover(s3, producer, selector, limit).await.0
}

fn ids(found: &[Found]) -> Vec<&str> {
    found.iter().map(|f| f.record.key["upload_id"].as_str().expect("an id")).collect()
}

fn hidden(records: &[Found]) -> Vec<(RecordRef, Option<oubli_engine::ports::Tombstone>)> {
    records.iter().map(|f| (f.record.clone(), None)).collect()
}

fn three_people() -> Vec<Upload> {
    vec![
        upload("users/u1/a b+c/é.pdf", "1", &[5, 7]),
        upload("users/u1/x", "2", &[]),
        upload("users/u1/x", "3", &[3]),
        upload("users/u1/x.bak", "4", &[1]),
        upload("users/u10/x", "5", &[1]),
        upload("users/u1", "6", &[1]),
    ]
}

#[tokio::test]
async fn every_upload_under_a_prefix_is_found_with_its_size_and_nobody_elses() {
    let (_, s3) = uploads(three_people());
    let producer = of(vec![under("users/{}/")]);
    for limit in [1, 2, 1_000] {
        let found = find(&s3, &producer, "u1", &[], limit).await;
        assert_eq!(ids(&found), ["1", "2", "3", "4"], "pages of {limit}");
        assert_eq!(found.iter().map(|f| f.bytes).collect::<Vec<_>>(), [12, 0, 3, 1]);
        assert_eq!(found[0].record.key["key"], "users/u1/a b+c/é.pdf");
        assert_eq!(found[0].fields.text("last_modified"), Some("2026-01-02T03:04:05Z"), "when it was begun");
    }
    let inner = under("users/{}/a b+c/");
    let but = [Way { selection: &inner, value: "u1" }];
    assert_eq!(ids(&find(&s3, &producer, "u1", &but, 1_000).await), ["2", "3", "4"], "that is a more specific producer's");
}

#[tokio::test]
async fn uploads_to_keys_of_a_pattern_are_found_on_pages_no_larger_than_was_asked_for() {
    let (_, s3) = uploads(three_people());
    let pattern = Pattern::parse("users/{}/**").expect("a pattern");
    let keys = ObjectKeys::Matching { pattern, max_keys: 3 };
    let producer = of(vec![Selection::Objects(ObjectSelection { by: by_subject(), keys })]);
    for limit in [1, 2, 1_000] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let selector = Selector { way: Way { selection: &producer.select[0], value: "u1" }, fields: &[], but: &[] };
            let page = s3.discover(&producer, selector, after.as_ref(), limit).await.expect("a page");
            assert!(page.records.len() <= limit, "{} of {limit}", page.records.len());
            found.extend(page.records);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(ids(&found), ["1", "2", "3", "4"], "pages of {limit}; two of them are of one key");
    }
}

#[tokio::test]
async fn uploads_of_a_key_are_that_keys_and_no_other() {
    let (_, s3) = uploads(three_people());
    for (template, value) in [("users/{}/x", "u1"), ("{}", "users/u1/x")] {
        let producer = of(vec![exactly(template)]);
        assert_eq!(ids(&find(&s3, &producer, value, &[], 1).await), ["2", "3"], "{template}");
    }
}

#[tokio::test]
async fn an_upload_is_left_alone_until_it_is_destroyed() {
    let (bucket, s3) = uploads(three_people());
    let producer = of(vec![under("users/{}/")]);
    let promised = s3.capabilities(&producer, WINDOW).await.expect("usable");
    assert_eq!((promised.hide, promised.cautions), (HideMethod::Native, vec![Caution::UnfinishedUploads]));
    let found = find(&s3, &producer, "u1", &[], 1_000).await;
    let records = hidden(&found);
    let own = s3.soft_delete().expect("offered");
    let deleted = own.soft_delete(&producer, &records, None, WINDOW).await;
    assert_eq!(deleted, vec![Ok(SoftDeletion::Hidden(None)); 4], "nobody sees it anyway");
    assert_eq!(own.soft_deleted(&producer, &records, jiff::Timestamp::UNIX_EPOCH).await, vec![Ok(None); 4]);
    assert_eq!(own.undelete(&producer, &records).await, vec![Ok(PutBack::Restored); 4]);
    assert_eq!(left(&bucket).len(), 6);

    bucket.lock().expect("unpoisoned").retain(|u| u.id != "3");
    // "The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload might have been
    // aborted or completed."
    let purged = own.purge(&producer, &records).await;
    let (ours, theirs) = (Ok(Destruction::Destroyed), Ok(Destruction::Absent));
    assert_eq!(purged, [ours.clone(), ours.clone(), theirs.clone(), ours], "one was finished, or aborted by somebody else");
    assert_eq!(left(&bucket), ["6", "5"], "nobody else's");
    assert_eq!(own.purge(&producer, &records).await, vec![theirs; 4], "and twice");
    assert_eq!(own.soft_delete(&producer, &records, None, WINDOW).await, vec![Ok(SoftDeletion::Absent); 4]);
    assert_eq!(own.undelete(&producer, &records).await, vec![Ok(PutBack::Gone); 4]);
}

#[tokio::test]
async fn parts_that_arrive_while_an_upload_is_aborted_are_aborted_too() {
    let late = Upload { stubborn: 2, ..upload("users/u1/x", "1", &[1]) };
    let (bucket, s3) = uploads(vec![late]);
    let producer = of(vec![under("users/{}/")]);
    let records = hidden(&find(&s3, &producer, "u1", &[], 10).await);
    let purged = s3.soft_delete().expect("offered").purge(&producer, &records).await;
    assert_eq!(purged, [Ok(Destruction::Destroyed)]);
    assert!(left(&bucket).is_empty());

    let endless = Upload { stubborn: u32::MAX, ..upload("users/u1/x", "1", &[1]) };
    let (_, s3) = uploads(vec![endless]);
    let purged = s3.soft_delete().expect("offered").purge(&producer, &records).await;
    // It is not said to be gone, and it is no trouble of the others.
    assert!(matches!(&purged[0], Err(StoreError::Record { reason, .. }) if reason.contains("keeps sending")), "{purged:?}");
}

type Script = Box<dyn Fn(&Asked<'_>) -> Answer + Send + Sync>;

/// Whether a call is served, and what is answered instead.
type Misanswered = (bool, fn() -> Answer);

/// The purge of one upload whose first aborts are served, or not, and answered otherwise than S3 meant to.
async fn purged(by: fn(Script) -> S3, answers: &[Misanswered]) -> Result<Destruction, StoreError> {
    let answers = answers.to_vec();
    let bucket: Bucket = Arc::new(Mutex::new(vec![upload("users/u1/x", "1", &[1])]));
    let aborts = Mutex::new(0);
    let s3 = by(Box::new(move |asked| {
        if asked.method != "DELETE" {
            return answer(&bucket, asked);
        }
        let mut aborts = aborts.lock().expect("unpoisoned");
        *aborts += 1;
        match answers.get(*aborts - 1) {
            Some((served, instead)) => {
                if *served {
                    answer(&bucket, asked);
                }
                instead()
            }
            None => answer(&bucket, asked),
        }
    }));
    let producer = of(vec![under("users/{}/")]);
    let records = hidden(&find(&s3, &producer, "u1", &[], 10).await);
    s3.soft_delete().expect("offered").purge(&producer, &records).await.remove(0)
}

#[tokio::test]
async fn p4_an_abort_whose_reply_was_lost_is_neither_claimed_nor_laid_to_others() {
    let (slow_down, failed, gone) = (|| error(503, "SlowDown"), || error(500, "InternalError"), || error(404, "NoSuchUpload"));
    for by in [service as fn(Script) -> S3, retried] {
        assert_eq!(purged(by, &[]).await, Ok(Destruction::Destroyed));
        assert_eq!(purged(by, &[(true, gone)]).await, Ok(Destruction::Absent), "nobody of ours had tried");
        for lost in [vec![(true, reset as fn() -> Answer)], vec![(true, failed)], vec![(false, reset), (true, reset)]] {
            assert_eq!(purged(by, &lost).await, Ok(Destruction::Uncertain), "by whom it went, nobody can tell");
        }
        // What did not happen is asked for again, and what S3 accepted then is ours.
        for passing in [vec![(false, reset as fn() -> Answer)], vec![(false, slow_down), (false, failed)]] {
            assert_eq!(purged(by, &passing).await, Ok(Destruction::Destroyed));
        }
    }
}

#[tokio::test]
async fn an_upload_that_may_not_be_aborted_is_that_uploads_trouble() {
    let (_, s3) = uploads(vec![upload("users/u1/a", "1", &[]), upload("users/u1/forbidden", "2", &[])]);
    let producer = of(vec![under("users/{}/")]);
    let records = hidden(&find(&s3, &producer, "u1", &[], 10).await);
    let purged = s3.soft_delete().expect("offered").purge(&producer, &records).await;
    assert_eq!(purged[0], Ok(Destruction::Destroyed));
    assert!(matches!(&purged[1], Err(StoreError::Record { reason, .. }) if reason.contains("abort")), "{purged:?}");
}

#[tokio::test]
async fn an_upload_whose_parts_may_not_be_listed_is_found_all_the_same_and_in_nobody_elses_way() {
    let (bucket, s3) = uploads(vec![upload("users/u1/a", "1", &[4]), upload("users/u1/unlisted", "2", &[8])]);
    let producer = of(vec![under("users/{}/")]);
    let found = find(&s3, &producer, "u1", &[], 10).await;
    assert_eq!(found.iter().map(|f| f.bytes).collect::<Vec<_>>(), [4, 0], "how large it is, is not known");
    let own = s3.soft_delete().expect("offered");
    let hidden = hidden(&found);
    let deleted = own.soft_delete(&producer, &hidden, None, WINDOW).await;
    assert_eq!(deleted, vec![Ok(SoftDeletion::Hidden(None)); 2]);
    assert_eq!(own.purge(&producer, &hidden).await, vec![Ok(Destruction::Destroyed); 2]);
    assert!(left(&bucket).is_empty());
}

#[tokio::test]
async fn uploads_that_cannot_be_listed_are_not_taken_for_none() {
    let s3 = service(|_| error(403, "AccessDenied"));
    let producer = of(vec![under("users/{}/")]);
    let refused = s3.capabilities(&producer, WINDOW).await.expect_err("refused");
    assert!(matches!(&refused, StoreError::Unusable { .. }) && refused.to_string().contains("unfinished uploads"), "{refused}");
    let selector = Selector { way: Way { selection: &producer.select[0], value: "u1" }, fields: &[], but: &[] };
    assert!(s3.discover(&producer, selector, None, 10).await.is_err());
}

#[tokio::test]
async fn nobody_can_show_an_upload_and_what_is_known_of_it_is_read_again() {
    let (bucket, s3) = uploads(three_people());
    let producer = of(vec![under("users/{}/")]);
    let found = find(&s3, &producer, "u1", &[], 10).await;
    let records: Vec<RecordRef> = found.iter().map(|f| f.record.clone()).collect();
    let again = s3.reread(&producer, &records, &["size".to_owned()]).await;
    let sizes: Vec<_> = again.iter().map(|a| a.as_ref().expect("read").as_ref().expect("there").bytes).collect();
    assert_eq!(sizes, [12, 0, 3, 1]);
    bucket.lock().expect("unpoisoned").retain(|u| u.id != "2");
    let shown = s3.show(&producer, &records).await;
    assert!(shown[1].as_ref().is_ok_and(Option::is_none), "it is gone");
    assert!(matches!(&shown[0], Err(StoreError::Record { reason, .. }) if reason.contains("nobody finished")));
    let again = s3.reread(&producer, &records, &[]).await;
    assert_eq!(again.iter().map(|a| a.as_ref().expect("read").is_some()).collect::<Vec<_>>(), [true, false, true, true]);

    // Nor is an object's address one of an upload, or the reverse.
    let object = RecordRef { key: json!({ "key": "users/u1/x" }), matched: None, selection: None };
    assert!(matches!(s3.reread(&producer, &[object], &[]).await[0], Err(StoreError::Record { .. })));
}
