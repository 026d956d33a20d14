use super::*;
use jiff::Timestamp;

fn entry(id: &str, delete_marker: bool, latest: bool) -> Entry {
    Entry { version_id: Some(id.to_owned()), delete_marker, latest, etag: Some(format!("\"{id}\"")), ..Entry::default() }
}

fn address(id: &str, latest: bool) -> Address {
    Address { key: "k".to_owned(), version_id: Some(id.to_owned()), etag: None, latest, delete_marker: id.starts_with('m') }
}

fn stack(versions: &[(&str, bool)], markers: &[(&str, bool)]) -> Stack {
    Stack {
        versions: versions.iter().map(|(id, latest)| entry(id, false, *latest)).collect(),
        markers: markers.iter().map(|(id, latest)| entry(id, true, *latest)).collect(),
    }
}

#[test]
fn only_what_readers_see_is_to_be_hidden() {
    let visible = VersionState::Visible { etag: Some("\"v2\"".to_owned()) };
    assert_eq!(standing(&address("v2", true), Some(&stack(&[("v2", true), ("v1", false)], &[]))), visible);
    // It was covered at discovery, and whoever covered it has uncovered it since.
    assert_eq!(standing(&address("v2", false), Some(&stack(&[("v2", true)], &[]))), visible);
    let hidden = stack(&[("v2", false), ("v1", false)], &[("m1", true)]);
    assert_eq!(standing(&address("v2", true), Some(&hidden)), VersionState::OutOfSight);
    assert_eq!(standing(&address("v2", false), Some(&hidden)), VersionState::OutOfSight);
    assert_eq!(standing(&address("m1", true), Some(&hidden)), VersionState::OutOfSight);
    let rewritten = stack(&[("v3", true), ("v2", false)], &[]);
    assert_eq!(standing(&address("v2", true), Some(&rewritten)), VersionState::OutOfSight);
    assert_eq!(standing(&address("v0", true), Some(&hidden)), VersionState::Absent);
    assert_eq!(standing(&address("v0", true), None), VersionState::Absent);
}

#[test]
fn markers_lie_directly_on_the_version_below_them() {
    let at = |second: i64, entry: Entry| Entry { modified: Timestamp::from_second(second).ok(), ..entry };
    let stack = Stack {
        versions: vec![at(50, entry("v3", false, false)), at(30, entry("v2", false, false)), at(10, entry("v1", false, false))],
        markers: vec![at(60, entry("m3", true, true)), at(40, entry("m2", true, false)), at(20, entry("m1", true, false))],
    };
    let on = |version: &str| {
        let own = stack.find(Some(version)).expect("there");
        directly_on(&stack, own).filter_map(|m| m.version_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!([on("v3"), on("v2"), on("v1")], [["m3"], ["m2"], ["m1"]]);
}

#[test]
fn a_marker_over_data_that_stays_is_left() {
    let going = |stack: &Stack, ours: &[&str]| {
        let ours = ours.iter().map(|v| (*v).to_owned()).collect();
        removable(stack, Some(&ours)).collect::<Vec<_>>()
    };
    assert_eq!(going(&stack(&[], &[("m2", true), ("m1", false)]), &["m2"]), ["m2", "m1"]);
    assert_eq!(going(&stack(&[("v1", false)], &[("m2", true)]), &["m2"]), [""; 0]);
    assert_eq!(going(&stack(&[("v3", true)], &[("m2", false), ("m1", false)]), &["m2"]), ["m2"]);
}

#[test]
fn markers_read_back() {
    let marker = to_tombstone(vec!["b".to_owned(), "a".to_owned()]);
    assert!(marker == to_tombstone(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(marker_versions(Some(&marker)), HashSet::from(["a".to_owned(), "b".to_owned()]));
    assert!(marker_versions(Some(&Tombstone(json!("x")))).is_empty());
}
