//! Versions that S3 will not delete.

use crate::service::{Answer, bucket, error, xml};
use jiff::{Timestamp, ToSpan as _, civil::Date};
use oubli_engine::ports::{Connector, Destruction, RecordRef, StoreError};
use serde_json::json;

const NAMES: [&str; 6] = ["held", "kept", "over", "forbidden", "unlocking", "busy"];

fn versions() -> String {
    // Each under a delete marker, as it was hidden.
    let version = |name: &&str| {
        format!(
            "<DeleteMarker><Key>users/u1/{name}</Key><VersionId>m</VersionId><IsLatest>true</IsLatest>\
             <LastModified>2026-01-02T00:00:00Z</LastModified></DeleteMarker>\
             <Version><Key>users/u1/{name}</Key><VersionId>v</VersionId><IsLatest>false</IsLatest>\
             <LastModified>2026-01-01T00:00:00Z</LastModified><ETag>\"e\"</ETag><Size>1</Size></Version>"
        )
    };
    let all: String = NAMES.iter().map(version).collect();
    format!("<ListVersionsResult><IsTruncated>false</IsTruncated>{all}</ListVersionsResult>")
}

fn refusals() -> String {
    let refusal = |name: &&str| {
        format!("<Error><Key>users/u1/{name}</Key><VersionId>v</VersionId><Code>AccessDenied</Code><Message>no</Message></Error>")
    };
    format!("<DeleteResult>{}</DeleteResult>", NAMES.iter().map(refusal).collect::<String>())
}

fn retained(until: Timestamp) -> Answer {
    xml(200, &format!("<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>"))
}

fn locks(method: &str, path: &str, query: &str) -> Answer {
    let name = path.rsplit('/').next().unwrap_or_default();
    let asks = |what: &str| query.split('&').any(|q| q.split('=').next() == Some(what));
    if asks("versioning") {
        return xml(200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
    }
    if asks("object-lock") {
        return xml(200, "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>");
    }
    if asks("versions") {
        return xml(200, &versions());
    }
    if method == "POST" && asks("delete") {
        return xml(200, &refusals());
    }
    match (asks("legal-hold"), name) {
        (true, "held") => xml(200, "<LegalHold><Status>ON</Status></LegalHold>"),
        (true, "busy") => error(503, "SlowDown"),
        (true, "unlocking") => error(403, "AccessDenied"),
        // What a bucket without Object Lock says.
        (true, "forbidden") => error(400, "InvalidRequest"),
        (true, _) => error(404, "NoSuchObjectLockConfiguration"),
        (false, "kept") => retained("2126-03-01T12:00:00Z".parse().expect("a time")),
        (false, "over") => retained(Timestamp::now() - 24.hours()),
        (false, _) => error(400, "InvalidRequest"),
    }
}

fn records() -> Vec<RecordRef> {
    let record =
        |name| RecordRef { key: json!({ "key": format!("users/u1/{name}"), "version_id": "v" }), matched: None, selection: None };
    NAMES.map(record).to_vec()
}

#[tokio::test]
async fn a_version_that_is_not_deleted_says_why_beside_its_neighbours() {
    let (connector, producer) = bucket(locks);
    let hidden: Vec<_> = records().into_iter().map(|record| (record, None)).collect();
    let answers = connector.soft_delete().expect("offered").purge(&producer, &hidden).await;
    let free: Date = "2126-03-03".parse().expect("a day");
    assert_eq!(answers[0], Ok(Destruction::Locked(Date::MAX)));
    assert_eq!(answers[1], Ok(Destruction::Locked(free)));
    // Not locked, and yet refused: somebody must look at what the role may do.
    for place in 2..5 {
        assert!(matches!(&answers[place], Err(StoreError::Record { .. })), "{}: {:?}", NAMES[place], answers[place]);
    }
    assert!(matches!(&answers[5], Err(StoreError::Unavailable { .. })), "{:?}", answers[5]);
}

#[tokio::test]
async fn a_lock_that_cannot_be_asked_for_is_that_versions_trouble_when_reading_again() {
    let (connector, producer) = bucket(locks);
    let again = connector.reread(&producer, &records(), &[]).await;
    let locked: Vec<_> = again[..4].iter().map(|a| a.as_ref().expect("read").as_ref().expect("there").locked_until).collect();
    assert_eq!(locked, [Some(Date::MAX), Some("2126-03-03".parse().expect("a day")), None, None]);
    assert!(again[4].is_err() && again[5].is_err());
}
