//! What a bucket says of other buckets, as the reference of S3's API has it.

use crate::{
    service::{Answer, Asked, error, service, xml},
    support::{WINDOW, producer, under},
};
use oubli_domain::datamap::{Location, S3Objects};
use oubli_engine::ports::{Asked as Question, Caution, Connector, StoreError};

fn rule(status: &str, filter: &str, bucket: &str) -> String {
    format!(
        "<Rule><ID>r</ID><Status>{status}</Status>{filter}<Destination><Bucket>arn:aws:s3:::{bucket}</Bucket></Destination></Rule>"
    )
}

fn inventory(enabled: bool, filter: &str, bucket: &str) -> String {
    format!(
        "<InventoryConfiguration><Id>i</Id><IsEnabled>{enabled}</IsEnabled>{filter}<Destination><S3BucketDestination>\
         <Bucket>arn:aws-cn:s3:::{bucket}</Bucket><Format>CSV</Format></S3BucketDestination></Destination>\
         <IncludedObjectVersions>All</IncludedObjectVersions><Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>"
    )
}

fn replication() -> Answer {
    let rules = [
        rule("Enabled", "<Filter><Prefix></Prefix></Filter>", "everything"),
        rule("Enabled", "<Filter><And><Prefix>users/u1/</Prefix></And></Filter>", "some"),
        rule("Enabled", "<Prefix>users/</Prefix>", "old-form"),
        rule("Enabled", "<Filter><Prefix>logs/</Prefix></Filter>", "elsewhere"),
        rule("Disabled", "<Filter><Prefix></Prefix></Filter>", "off"),
    ];
    let role = "<Role>arn:aws:iam::111122223333:role/r</Role>";
    xml(200, &format!("<ReplicationConfiguration>{role}{}</ReplicationConfiguration>", rules.concat()))
}

fn inventories(asked: &Asked<'_>) -> Answer {
    let (page, more) = match asked.parameter("continuation-token") {
        None => (
            inventory(true, "", "lists") + &inventory(false, "", "off"),
            "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>",
        ),
        Some(_) => (
            inventory(true, "<Filter><Prefix>users/</Prefix></Filter>", "more-lists")
                + &inventory(true, "<Filter><Prefix>logs/</Prefix></Filter>", "elsewhere"),
            "<IsTruncated>false</IsTruncated>",
        ),
    };
    xml(200, &format!("<ListInventoryConfigurationsResult>{page}{more}</ListInventoryConfigurationsResult>"))
}

/// A bucket without anything, but for what is answered to a question.
fn bare_but(asked: &Asked<'_>, versioned: bool, answer: impl Fn(&str) -> Option<Answer>) -> Answer {
    let question = ["versioning", "lifecycle", "replication", "inventory", "logging"].into_iter().find(|q| asked.asks(q));
    let question = question.unwrap_or_else(|| panic!("{}", asked.query));
    let status = if versioned { "<Status>Enabled</Status>" } else { "" };
    answer(question).unwrap_or_else(|| match question {
        "versioning" => xml(200, &format!("<VersioningConfiguration>{status}</VersioningConfiguration>")),
        "lifecycle" => error(404, "NoSuchLifecycleConfiguration"),
        "replication" => error(404, "ReplicationConfigurationNotFoundError"),
        "inventory" => {
            xml(200, "<ListInventoryConfigurationsResult><IsTruncated>false</IsTruncated></ListInventoryConfigurationsResult>")
        }
        _ => xml(200, "<BucketLoggingStatus/>"),
    })
}

async fn cautions(
    versioned: bool,
    answer: impl Fn(&Asked<'_>, &str) -> Option<Answer> + Send + Sync + 'static,
) -> Result<Vec<Caution>, StoreError> {
    let s3 = service(move |asked| bare_but(asked, versioned, |question| answer(asked, question)));
    let location = Location::Bucket(S3Objects { bucket: "data".to_owned() });
    Ok(s3.capabilities(&producer(location, vec![under("users/{}/")]), WINDOW).await?.cautions)
}

#[tokio::test]
async fn a_bucket_that_sends_nothing_elsewhere_has_no_cautions() {
    for versioned in [false, true] {
        assert_eq!(cautions(versioned, |_, _| None).await, Ok(vec![]));
    }
}

#[tokio::test]
async fn every_bucket_that_gets_copies_or_names_is_named_and_none_that_gets_others() {
    let found = cautions(true, |asked, question| match question {
        "replication" => Some(replication()),
        "inventory" => Some(inventories(asked)),
        "logging" => Some(xml(
            200,
            "<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>a/</TargetPrefix>\
             </LoggingEnabled></BucketLoggingStatus>",
        )),
        _ => None,
    });
    let to = |bucket: &str| Caution::ReplicatedTo { bucket: bucket.to_owned() };
    let list = |bucket: &str| Caution::InventoriedIn { bucket: bucket.to_owned() };
    let expected = vec![
        to("everything"),
        to("off"),
        to("old-form"),
        to("some"),
        list("lists"),
        list("more-lists"),
        list("off"),
        Caution::LoggedIn { bucket: "logs".to_owned() },
    ];
    assert_eq!(found.await, Ok(expected));
}

#[tokio::test]
async fn what_may_not_be_asked_is_said_and_what_passes_is_asked_again() {
    for (question, what) in
        [("replication", Question::Replication), ("inventory", Question::Inventories), ("logging", Question::AccessLogs)]
    {
        let denied = cautions(true, move |_, q| (q == question).then(|| error(403, "AccessDenied"))).await;
        assert_eq!(denied, Ok(vec![Caution::NotAsked { what, reason: "AccessDenied".to_owned() }]), "{question}");
        let cut = cautions(true, move |_, q| (q == question).then(|| xml(200, "<Replica"))).await;
        assert_eq!(cut, Ok(vec![Caution::NotAsked { what, reason: "HTTP 200".to_owned() }]), "{question}");
        if what == Question::Inventories {
            let page = format!("{}<IsTruncated>true</IsTruncated>", inventory(true, "", "lists"));
            let page = format!("<ListInventoryConfigurationsResult>{page}</ListInventoryConfigurationsResult>");
            let half = cautions(true, move |_, q| (q == question).then(|| xml(200, &page))).await;
            assert!(matches!(half, Err(StoreError::Unavailable { .. })), "the others are not known: {half:?}");
        }
        for passing in ["SlowDown", "InternalError"] {
            let busy = cautions(true, move |_, q| (q == question).then(|| error(503, passing))).await;
            assert!(matches!(busy, Err(StoreError::Unavailable { .. })), "{question} {passing}: {busy:?}");
        }
    }
}

#[tokio::test]
async fn a_store_that_knows_no_inventories_has_none() {
    let objects = "<ListBucketResult><Name>data</Name><IsTruncated>false</IsTruncated></ListBucketResult>";
    let otherwise = cautions(false, move |_, q| (q == "inventory").then(|| xml(200, objects))).await;
    assert_eq!(otherwise, Ok(vec![]));
    let not_implemented = cautions(false, |_, q| (q == "inventory").then(|| error(501, "NotImplemented"))).await;
    assert_eq!(not_implemented, Ok(vec![]));
}

#[tokio::test]
async fn objects_that_have_to_be_copied_and_move_to_an_archive_are_said() {
    let lifecycle = |class: &str, prefix: &str| {
        format!(
            "<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status><Filter><Prefix>{prefix}</Prefix></Filter>\
             <Transition><Days>90</Days><StorageClass>{class}</StorageClass></Transition></Rule></LifecycleConfiguration>"
        )
    };
    for (class, prefix, versioned, said) in [
        ("GLACIER", "", false, true),
        ("DEEP_ARCHIVE", "users/", false, true),
        ("GLACIER_IR", "", false, false),
        ("STANDARD_IA", "", false, false),
        ("GLACIER", "logs/", false, false),
        // A marker hides what lies in an archive, too.
        ("GLACIER", "", true, false),
    ] {
        let rules = lifecycle(class, prefix);
        let found = cautions(versioned, move |_, q| (q == "lifecycle").then(|| xml(200, &rules))).await;
        let expected = if said { vec![Caution::Archived { days: 90 }] } else { vec![] };
        assert_eq!(found, Ok(expected), "{class} {prefix} {versioned}");
    }
}
