//! What an export says of objects.

use crate::world::{BucketKind, Fixture};
use oubli_engine::ports::{Connector as _, ExportForm, ObjectFacts};

/// Of each object and version of somebody, by key.
async fn told(world: &Fixture) -> Vec<ObjectFacts> {
    let records = world.records("u1").await;
    let shown = world.connector.show(&world.producer, &records).await;
    let ExportForm::Files(files) = world.connector.form() else { panic!("objects are files") };
    let facts = records.iter().zip(shown).map(|(record, snapshot)| {
        let snapshot = snapshot.expect("answered").expect("there");
        let facts = files.facts(record, &snapshot).expect("an object");
        assert_eq!(facts.version_id.as_deref(), record.key["version_id"].as_str());
        assert_eq!(Some(facts.key.as_str()), record.key["key"].as_str());
        facts
    });
    let mut facts: Vec<_> = facts.collect();
    facts.sort_by(|a, b| (&a.key, a.current).cmp(&(&b.key, b.current)));
    facts
}

#[tokio::test]
async fn of_each_version_it_says_when_it_was_written_and_whether_it_is_current_old_or_deleted() {
    let world = Fixture::new(BucketKind::Versioned).await;
    for key in ["users/u1/twice", "users/u1/twice", "users/u1/gone", "users/u1/once", "users/u10/other"] {
        world.put(key, key).await;
    }
    world.delete("users/u1/gone", None).await;
    let told = told(&world).await;
    let states: Vec<_> = told.iter().map(|f| (f.key.as_str(), f.current, f.deleted)).collect();
    let (yes, no) = (Some(true), Some(false));
    let expected =
        [("users/u1/gone", no, yes), ("users/u1/once", yes, no), ("users/u1/twice", no, no), ("users/u1/twice", yes, no)];
    assert_eq!(states, expected);
    assert!(told.iter().all(|f| f.last_modified.is_some()));
}

#[tokio::test]
async fn in_a_bucket_without_versions_each_object_is_current() {
    let world = Fixture::new(BucketKind::Plain).await;
    world.put("users/u1/a", "a").await;
    let told = told(&world).await;
    let states: Vec<_> = told.iter().map(|f| (f.current, f.deleted, f.last_modified.is_some())).collect();
    assert_eq!(states, [(Some(true), Some(false), true)]);
}
