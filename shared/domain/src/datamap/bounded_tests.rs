//! Selections that look at other people's records, too, and how far.

use super::{InvalidMap, ObjectKeys, ScanBound, Selection, parse};

fn map(place: &str, select: &str, more: &str) -> String {
    format!(
        "version: 1\nstores: {{db: {{connector: dynamodb}}, files: {{connector: s3}}}}\nproducers:\n  \
         - {{name: a, category: a, {place}, select: [{select}]{more}}}\n"
    )
}

fn table(select: &str, more: &str) -> Result<Vec<Selection>, String> {
    of("store: db, table: t, key: [pk, sk]", select, more)
}

fn bucket(select: &str) -> Result<Vec<Selection>, String> {
    of("store: files, bucket: b", select, "")
}

fn of(place: &str, select: &str, more: &str) -> Result<Vec<Selection>, String> {
    match parse(&map(place, select, more)) {
        Ok((map, _)) => Ok(map.producers[0].select.clone()),
        Err(InvalidMap::Refused(findings)) => Err(findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        Err(other) => Err(other.to_string()),
    }
}

#[test]
fn a_scan_names_its_attribute_and_how_much_may_be_read() {
    for (given, max_items, max_read_units) in [
        ("max_items: 500000", Some(500_000), None),
        ("max_read_units: 12", None, Some(12)),
        ("max_items: 3, max_read_units: 12", Some(3), Some(12)),
    ] {
        let select = format!("{{by: subject_email, scan: {{attribute: email, {given}}}, where: {{sk: PROFILE}}}}");
        let select = table(&select, "").expect("accepted");
        let [Selection::Items(items)] = select.as_slice() else { panic!("{select:?}") };
        assert_eq!((items.attribute.as_str(), items.index.as_ref()), ("email", None));
        assert_eq!(items.scan, Some(ScanBound { max_items, max_read_units }));
        assert_eq!(items.conditions["sk"], ["PROFILE"], "a scan can look at keys, too");
        assert!(select[0].scans() && !select[0].goes_by_index());
    }
}

#[test]
fn a_scan_without_a_bound_or_with_what_it_does_not_take_is_refused_with_what_to_write() {
    for (scan, beside, said) in [
        ("{attribute: email}", "", "how much of the table may be read"),
        ("{}", "", "attribute is missing"),
        ("{max_items: 10}", "", "attribute is missing"),
        ("{attribute: email, max_items: many}", "", "max_items is many, which is no whole number above 0"),
        ("{attribute: email, max_items: 0}", "", "max_items is 0"),
        ("{attribute: email, max_items: -1}", "", "max_items is -1"),
        ("{attribute: email, max_items: '1.5'}", "", "max_items is 1.5"),
        ("{attribute: email, max_items: [1, 2]}", "", "more than one"),
        ("{attribute: email, most: 10}", "", "there is no most"),
        ("{attribute: pk, max_items: 10}", "", "pk is the table's partition key, which needs no scan"),
        ("{attribute: contact.email, max_items: 10}", "", "contact.email is a path, and a scan compares attributes: name one"),
        ("{attribute: email, max_items: 10}", ", attribute: email", "takes no attribute beside it"),
        ("{attribute: email, max_items: 10}", ", index: by_email", "takes no index beside it"),
        ("{attribute: email, max_items: 10}", ", sort: {equals: x}", "takes no sort beside it"),
    ] {
        let refused = table(&format!("{{by: subject_email, scan: {scan}{beside}}}"), "").expect_err(scan);
        assert!(refused.contains("line 4: producer a: select: ") && refused.contains(said), "{scan}: {refused}");
    }
    // Whoever names an attribute that is no key learns of it.
    let refused = table("{by: subject_email, attribute: email}", "").expect_err("no key");
    assert!(refused.contains("scan: {attribute: email, max_items: 100000}"), "{refused}");
    let refused = bucket("{by: subject_id, scan: {attribute: email, max_items: 10}}").expect_err("objects");
    assert!(refused.contains("connector dynamodb"), "{refused}");
}

#[test]
fn a_producer_that_is_scanned_identifies_nobody() {
    let scan = "{by: subject_email, scan: {attribute: email, max_items: 10}}";
    let refused = table(scan, ", identifies: {subject_email: email}").expect_err("refused");
    assert!(refused.contains("identifies and scan do not go together"), "{refused}");
}

#[test]
fn a_producer_that_is_listed_by_a_pattern_identifies_nobody() {
    let list = "{by: subject_id, list: {pattern: 'logs/*/{}/**', max_keys: 10}}";
    let refused = of("store: files, bucket: b", list, ", identifies: {subject_email: key}").expect_err("refused");
    assert!(refused.contains("line 4: producer a: identifies belongs to tables"), "{refused}");
}

#[test]
fn what_looks_at_everybodys_records_is_not_found_through_another_producer() {
    let parent = "  - {name: p, category: p, store: db, table: p, key: [id], select: [{by: subject_id, attribute: id}]}\n";
    for (place, way) in [
        ("store: db, table: t, key: [pk]", "scan: {attribute: order, max_items: 10}"),
        ("store: files, bucket: b", "list: {pattern: 'logs/*/{}/**', max_keys: 10}"),
    ] {
        let text = map(place, &format!("{{by: {{producer: p, field: id}}, {way}}}"), "") + parent;
        let refused = parse(&text).expect_err(way).to_string();
        let name = way.split(':').next().unwrap_or_default();
        assert!(refused.contains(&format!("select: {name}: everybody's records")), "{refused}");
    }
}

#[test]
fn a_list_names_its_pattern_and_how_many_keys_may_be_listed() {
    let select = bucket("{by: subject_id, list: {pattern: 'logs/*/{}/**', max_keys: 100000}}").expect("accepted");
    let [Selection::Objects(objects)] = select.as_slice() else { panic!("{select:?}") };
    let ObjectKeys::Matching { pattern, max_keys } = &objects.keys else { panic!("{objects:?}") };
    assert_eq!((pattern.to_string().as_str(), *max_keys, objects.keys.head()), ("logs/*/{}/**", 100_000, "logs/"));
    let found = |key: &str| select[0].may_find(|_| Some(key.to_owned().into()));
    assert!(found("logs/2026/u1/x") && !found("logs/2026/u1") && !found("other/2026/u1/x"));
}

#[test]
fn a_pattern_that_takes_too_much_or_has_no_bound_is_refused_with_what_to_write() {
    for (list, said) in [
        ("{pattern: 'logs/*/{}/**'}", "max_keys is missing"),
        ("{max_keys: 10}", "pattern is missing"),
        ("{pattern: 'logs/*/{}/**', max_keys: 0}", "max_keys is 0"),
        ("{pattern: 'logs/*/{}/**', max_keys: some}", "max_keys is some"),
        ("{pattern: 'logs/*/{}/**', max_keys: 10, max_items: 3}", "there is no max_items"),
        ("{pattern: '**', max_keys: 10}", "must hold {}"),
        ("{pattern: '**/{}/**', max_keys: 10}", "begin with what all of them begin with, such as logs/"),
        ("{pattern: '*/{}/x', max_keys: 10}", "begin with what all of them begin with"),
        ("{pattern: 'logs/**/{}/x', max_keys: 10}", "has ** before {}"),
        ("{pattern: 'logs/*#{}/x', max_keys: 10}", "u1 would take what is u10's"),
        ("{pattern: 'logs/*{}/x', max_keys: 10}", "u1 would take what is u10's"),
        ("{pattern: 'logs/{}*', max_keys: 10}", "u1 would take what is u10's"),
        ("{pattern: 'logs/{}/', max_keys: 10}", "write it as prefix"),
        ("{pattern: 's3://b/logs/*/{}/x', max_keys: 10}", "without s3://"),
    ] {
        let refused = bucket(&format!("{{by: subject_id, list: {list}}}")).expect_err(list);
        assert!(refused.contains("line 4: producer a: select: ") && refused.contains(said), "{list}: {refused}");
    }
    let both = bucket("{by: subject_id, prefix: 'u/{}/', list: {pattern: 'logs/*/{}/x', max_keys: 10}}").expect_err("two ways");
    assert!(both.contains("several selections"), "{both}");
}

#[test]
fn what_a_pattern_shares_with_others_is_warned_of_or_refused() {
    let two = |first: &str, second: &str| {
        let producer = |name: &str, select: &str| {
            format!("  - {{name: {name}, category: c, store: s, bucket: b, select: [{{by: subject_id, {select}}}]}}\n")
        };
        let text = format!(
            "version: 1\nstores: {{s: {{connector: s3}}}}\nproducers:\n{}{}",
            producer("a", first),
            producer("b", second)
        );
        parse(&text).map(|(_, warnings)| warnings.iter().filter(|w| w.message.contains("shares")).count())
    };
    let list = |pattern: &str| format!("list: {{pattern: '{pattern}', max_keys: 10}}");
    let logs = list("logs/*/{}/**");
    assert!(two(&logs, &logs).is_err(), "nothing says whose a record is");
    for other in ["prefix: 'logs/{}/'".to_owned(), list("logs/2*/{}/**"), "object: 'logs/a/{}/x'".to_owned()] {
        assert_eq!(two(&logs, &other).map_err(|e| e.to_string()), Ok(1), "{other}");
    }
    assert_eq!(two(&logs, "prefix: 'users/{}/'").map_err(|e| e.to_string()), Ok(0));
}
