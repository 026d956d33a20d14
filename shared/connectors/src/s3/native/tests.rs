use super::*;
use jiff::Timestamp;

fn entry(id: &str, delete_marker: bool, latest: bool) -> Entry {
    Entry { version_id: Some(id.to_owned()), delete_marker, latest, etag: Some(format!("\"{id}\"")), ..Entry::default() }
}

fn address(id: &str, latest: bool) -> Address {
    Address { key: "k".to_owned(), version_id: Some(id.to_owned()), latest, delete_marker: id.starts_with('m') }
}

fn stack(versions: &[(&str, bool)], markers: &[(&str, bool)]) -> Stack {
    Stack {
        versions: versions.iter().map(|(id, latest)| entry(id, false, *latest)).collect(),
        markers: markers.iter().map(|(id, latest)| entry(id, true, *latest)).collect(),
    }
}

#[test]
fn only_what_readers_see_is_to_be_hidden() {
    let visible = Standing::Visible { etag: Some("\"v2\"".to_owned()) };
    assert_eq!(standing(&address("v2", true), Some(&stack(&[("v2", true), ("v1", false)], &[]))), visible);
    // It was covered at discovery, and whoever covered it has uncovered it since.
    assert_eq!(standing(&address("v2", false), Some(&stack(&[("v2", true)], &[]))), visible);
    let hidden = stack(&[("v2", false), ("v1", false)], &[("m1", true)]);
    assert_eq!(standing(&address("v2", true), Some(&hidden)), Standing::Covered);
    assert_eq!(standing(&address("v2", false), Some(&hidden)), Standing::OutOfSight);
    assert_eq!(standing(&address("m1", true), Some(&hidden)), Standing::OutOfSight);
    let rewritten = stack(&[("v3", true), ("v2", false)], &[]);
    assert_eq!(standing(&address("v2", true), Some(&rewritten)), Standing::OutOfSight);
    assert_eq!(standing(&address("v0", true), Some(&hidden)), Standing::Absent);
    assert_eq!(standing(&address("v0", true), None), Standing::Absent);
}

#[test]
fn a_marker_directly_on_a_version_covers_it_whatever_lies_above() {
    let at = |second: i64, entry: Entry| Entry { modified: Timestamp::from_second(second).ok(), ..entry };
    let stack = Stack {
        versions: vec![at(50, entry("v3", false, false)), at(30, entry("v2", false, false)), at(10, entry("v1", false, false))],
        markers: vec![at(60, entry("m3", true, true)), at(40, entry("m2", true, false)), at(20, entry("m1", true, false))],
    };
    for (version, marker) in [("v3", "m3"), ("v2", "m2"), ("v1", "m1")] {
        assert_eq!(standing(&address(version, true), Some(&stack)), Standing::Covered);
        assert_eq!(standing(&address(version, false), Some(&stack)), Standing::OutOfSight);
        let own = stack.find(Some(version)).expect("there");
        assert_eq!(directly_on(&stack, own).map(|m| m.version_id.as_deref()).collect::<Vec<_>>(), [Some(marker)]);
    }
    let written_over = Stack { markers: vec![at(60, entry("m3", true, true))], ..stack };
    assert_eq!(standing(&address("v2", true), Some(&written_over)), Standing::OutOfSight);
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
    let marker = to_marker(vec!["b".to_owned(), "a".to_owned()]);
    assert!(marker == to_marker(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(marker_versions(Some(&marker)), HashSet::from(["a".to_owned(), "b".to_owned()]));
    assert!(marker_versions(Some(&Marker(json!("x")))).is_empty());
}
