//! What the connectors' tests share.

#[allow(dead_code, reason = "each test uses its part of it")]
pub mod hard_keys;
#[allow(dead_code, reason = "each test uses its part of it")]
pub mod meddler;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oubli_domain::{
    datamap::{EraseAction, ExportRules, Location, ObjectKeys, ObjectSelection, Producer, SelectBy, Selection, Template},
    personal::IdentifierKind,
};
use oubli_engine::ports::{Connector, Effect, Expected, Found, Need, RecordRef, Returned, Selector, Snapshot};
use serde_json::Value;
use std::time::Duration;

pub const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

pub fn producer(location: Location, select: Vec<Selection>) -> Producer {
    Producer {
        identifies: std::collections::BTreeMap::new(),
        name: "things".parse().expect("valid"),
        category: "things".parse().expect("valid"),
        store: "store".parse().expect("valid"),
        location,
        select,
        erase: EraseAction::Delete,
        show_only: Default::default(),
        retention: Default::default(),
        derived: false,
        backup: false,
        log: false,
        owns: Vec::new(),
        reads_as_discriminator: Vec::new(),
        reads_as_reference: Vec::new(),
        export: ExportRules::default(),
    }
}

pub fn by_subject() -> SelectBy {
    SelectBy::Identity(IdentifierKind::SUBJECT_ID)
}

/// The objects under a prefix.
pub fn under(template: &str) -> Selection {
    let keys = ObjectKeys::Under(Template::parse(template).expect("a template"));
    Selection::Objects(ObjectSelection { by: by_subject(), keys })
}

/// The object of this key.
#[allow(dead_code, reason = "each test uses its part of it")]
pub fn exactly(template: &str) -> Selection {
    let keys = ObjectKeys::Exactly(Template::parse(template).expect("a template"));
    Selection::Objects(ObjectSelection { by: by_subject(), keys })
}

/// Everything one selection finds, and how many pages it took.
pub async fn discover(
    connector: &dyn Connector,
    producer: &Producer,
    selector: Selector<'_>,
    limit: usize,
) -> (Vec<Found>, usize) {
    let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = connector.discover(producer, selector, after.as_ref(), limit).await.expect("a page");
        found.extend(page.records);
        pages += 1;
        // A cursor is checkpointed as text.
        let text = serde_json::to_string(&page.next).expect("json");
        after = serde_json::from_str::<Option<Value>>(&text).expect("json");
        if after.is_none() {
            return (found, pages);
        }
    }
}

pub async fn read_one(connector: &dyn Connector, producer: &Producer, record: &RecordRef) -> Option<Snapshot> {
    connector.read(producer, std::slice::from_ref(record), &[]).await.remove(0).expect("read")
}

pub async fn body(snapshot: Snapshot) -> Vec<u8> {
    snapshot
        .body
        .try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
        .expect("a body")
}

pub fn expected(record: &RecordRef, snapshot: &Snapshot) -> Expected {
    Expected { record: record.clone(), version: snapshot.version.clone() }
}

/// Removals of all of these.
pub fn removals(expected: impl IntoIterator<Item = Expected>) -> Vec<(Expected, Effect)> {
    expected.into_iter().map(|expected| (expected, Effect::Remove)).collect()
}

pub fn returned(record: &RecordRef, envelope: Value, body: Vec<u8>) -> Returned {
    let pieces: Vec<_> = body.chunks(3 << 20).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    Returned { record: record.clone(), envelope, length: body.len() as u64, body: stream::iter(pieces).boxed() }
}

/// What a function needs is what the template grants its role, by the parameter that is named: no less, and no more.
#[allow(dead_code, reason = "each test uses its part of it")]
pub fn granted(role: &str, need: &Need) {
    let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml")).expect("the template");
    let role = template.split(&format!("\n  {role}:\n")).nth(1).and_then(|rest| rest.split("\n\n").next()).expect("the role");
    let grants = format!("Resource: !Ref {}\n", need.parameter);
    let statements = role.split("- Sid: ").filter(|statement| statement.contains(&grants));
    // Saved queries are not part of a map.
    let statements = statements.filter(|statement| !statement.starts_with("RunSavedQueries"));
    let actions = statements.filter_map(|statement| statement.split("Action: [").nth(1)?.split(']').next());
    let granted: std::collections::BTreeSet<&str> = actions.flat_map(|actions| actions.split(", ")).collect();
    assert_eq!(granted, need.actions.iter().copied().collect(), "{:?} by {}", need.work, need.parameter);
}
