use super::*;

const SHOP: &str = r#"
version: 1
stores:
  shop: {connector: dynamodb}
  files: {connector: s3}
anchors:
  order-rows: [shop/orders]
  line-rows: [shop/order-lines]
  file-objects: [files/documents]
producers:
  - name: orders
    category: orders
    store: shop
    table: orders
    key: [order_id]
    select: [{by: subject_id, index: by_customer, attribute: customer_id}]
    owns: [order-rows]
  - name: order-lines
    category: orders
    store: shop
    table: order-lines
    key: [order_id, line_no]
    select: [{by: {producer: orders, field: order_id}, attribute: order_id}]
    owns: [line-rows]
  - name: documents
    category: documents
    store: files
    bucket: documents
    select: [{by: subject_id, prefix: "customers/{}/"}]
    owns: [file-objects]
    reads_as_discriminator: [order-rows, file-objects]
"#;

fn names(order: &[crate::ids::ProducerName]) -> Vec<&str> {
    order.iter().map(crate::ids::ProducerName::as_str).collect()
}

fn refusal(from: &str, to: &str) -> String {
    assert!(SHOP.contains(from), "{from}");
    parse(&SHOP.replacen(from, to, 1)).expect_err("refused").to_string()
}

#[test]
fn a_map_is_ordered_by_selection_and_by_discriminators() {
    let (map, warnings) = parse(SHOP).expect("valid");
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(names(&selection_order(&map).expect("no cycle")), ["orders", "order-lines", "documents"]);
    assert_eq!(names(&deletion_order(&map).expect("no cycle")), ["order-lines", "documents", "orders"]);
}

#[test]
fn a_prefix_without_a_delimiter_after_the_identity_is_refused() {
    assert!(refusal("customers/{}/", "customers/{}").contains("line 25: producer documents: prefix must have a delimiter"));
    assert!(refusal("customers/{}/", "customers/").contains("must hold {}"));
    assert!(refusal("customers/{}/", "{}/{}/").contains("once"));
}

/// Two producers in one place, with these selections.
fn together(place: &str, first: &str, second: &str) -> Result<Vec<String>, String> {
    let map = format!(
        "version: 1\nstores:\n  db: {{connector: dynamodb}}\n  files: {{connector: s3}}\nproducers:\n  \
         - {{name: a, category: a, {place}, select: [{first}]}}\n  \
         - {{name: b, category: b, {place}, select: [{second}]}}\n"
    );
    let shared = |(_, warnings): (DataMap, Vec<Finding>)| {
        warnings.into_iter().map(|w| w.message).filter(|m| m.contains("shares")).collect()
    };
    parse(&map).map(shared).map_err(|e| e.to_string())
}

#[test]
fn producers_whose_objects_lie_within_each_other_are_refused() {
    let bucket = |first: &str, second: &str| {
        let prefix = |by: &str, template: &str| format!("{{by: {by}, prefix: \"{template}\"}}");
        together("store: files, bucket: docs", &prefix("subject_id", first), &prefix("subject_email", second))
    };
    for (first, second) in [
        ("customers/{}/", "customers/{}/invoices/"),
        ("customers/{}/invoices/", "customers/{}/"),
        ("customers/{}/", "customers/{}/"),
    ] {
        let refused = bucket(first, second).expect_err("one holds the other's");
        assert!(refused.contains("line 7: producer b") && refused.contains("producer a reaches too"), "{refused}");
    }
    for (first, second) in [("customers/{}/a/", "customers/{}/b/"), ("customers/{}/", "invoices/{}/")] {
        assert_eq!(bucket(first, second), Ok(vec![]));
    }
    // Somebody's id may be `archive`.
    assert_eq!(bucket("{}/", "archive/{}/").expect("accepted").len(), 1);
}

#[test]
fn producers_of_one_table_are_refused_where_they_select_alike_and_else_warned_of() {
    let table = |first: &str, second: &str| together("store: db, table: people, key: [id]", first, second);
    let same = "{by: subject_id, index: i, attribute: owner}";
    assert!(table(same, same).expect_err("alike").contains("producer b"));
    assert_eq!(table(same, "{by: subject_id, index: j, attribute: patient}").expect("accepted").len(), 1);
}

#[test]
fn a_cycle_names_its_producers() {
    let text = SHOP.replace("    owns: [order-rows]", "    owns: [order-rows]\n    reads_as_discriminator: [file-objects]");
    let cycle = parse(&text).expect_err("cycle").to_string();
    assert!(cycle.contains("wait for each other: documents, orders"), "{cycle}");
}

#[test]
fn two_owners_no_owner_and_unknown_names_are_refused() {
    assert!(refusal("owns: [line-rows]", "owns: [line-rows, order-rows]").contains("more than one owner: orders, order-lines"));
    assert!(refusal("owns: [line-rows]", "owns: []").contains("line-rows has no owner"));
    assert!(refusal("producer: orders,", "producer: ghosts,").contains("ghosts, which is not declared"));
    assert!(refusal("[shop/orders]", "[shop/ghosts]").contains("shop/ghosts"));
    assert!(refusal("store: shop\n    table: orders", "store: ghost\n    table: orders").contains("store ghost is not declared"));
    assert!(
        refusal("select: [{by: subject_id, index", "select: [{by: {producer: order-lines, field: x}, index")
            .contains("no identity reaches")
    );
}

#[test]
fn unknown_fields_and_wrong_shapes_are_refused() {
    assert!(refusal("category: documents", "category: documents\n    colour: red").contains("colour"));
    // In the middle of a producer, on the line of the field itself.
    let unknown = refusal("    bucket: documents", "    buckets: documents");
    assert!(unknown.contains("line 28") && unknown.contains("unknown field `buckets`, expected one of"), "{unknown}");
    assert!(refusal("key: [order_id]", "key: order_id").contains("line 15"));
    assert!(refusal("index: by_customer", "indexes: by_customer").contains("unknown field `indexes`"));
    assert!(refusal("key: [order_id]", "key: []").contains("primary key"));
    assert!(refusal("version: 1", "version: 2").contains("version: 1"));
    assert!(parse(&"x".repeat(MAX_BYTES + 1)).is_err());
}

#[test]
fn keys_of_another_kind_of_store_are_refused_by_its_name() {
    let cases = [
        (
            "    bucket: documents",
            "    bucket: documents\n    table: x",
            "table, key and version_attribute belong to stores with connector dynamodb",
        ),
        ("    table: orders\n", "    table: orders\n    bucket: x\n", "bucket belongs to stores with connector s3"),
        (
            "prefix: \"customers/{}/\"",
            "attribute: x",
            "select: attribute and index belong to stores with connector dynamodb; prefix is accepted",
        ),
        (
            "index: by_customer",
            "prefix: \"x/{}/\"",
            "select: prefix belongs to stores with connector s3; attribute and index are accepted",
        ),
    ];
    for (from, to, said) in cases {
        let refused = refusal(from, to);
        assert!(refused.contains(said) && refused.starts_with("line "), "{refused}");
    }
    assert!(refusal("    bucket: documents\n", "").contains("producer documents: bucket is missing or empty"));
}

#[test]
fn each_kind_of_store_reads_all_its_keys() {
    let text = SHOP.replace("key: [order_id]", "key: [order_id]\n    version_attribute: revision");
    let map = parse(&text).expect("a map").0;
    let of = |name: &str| map.producers.iter().find(|p| p.name.as_str() == name).expect("a producer");
    let table = DynamoTable {
        table: "orders".to_owned(),
        key: vec!["order_id".to_owned()],
        version_attribute: Some("revision".to_owned()),
    };
    assert_eq!(of("orders").location, Location::Table(table));
    let by = SelectBy::Identity(crate::personal::IdentifierKind::SUBJECT_ID);
    let index = Some("by_customer".to_owned());
    assert_eq!(of("orders").select, [Selection::Key { by: by.clone(), attribute: "customer_id".to_owned(), index }]);
    assert_eq!(of("documents").location, Location::Bucket(S3Objects { bucket: "documents".to_owned() }));
    assert_eq!(of("documents").select, [Selection::Prefix { by, template: "customers/{}/".to_owned() }]);
    // Part of a key tells no records apart.
    assert!(of("orders").location.is_key("order_id") && !of("order-lines").location.is_key("order_id"));
}

#[test]
fn retention_needs_a_start_and_a_length() {
    let with = |r: &str| refusal("owns: [order-rows]", &format!("owns: [order-rows]\n    retention: {r}"));
    assert!(with("{reason: tax, exception: legal_obligation, years: 7}").contains("needs from"));
    assert!(with("{reason: tax, exception: legal_obligation, from: issued_at}").contains("needs years"));
    assert!(with("{reason: ' ', exception: legal_obligation}").contains("reason"));
}

#[test]
fn a_record_without_a_readable_date_is_kept() {
    let retention = Retention {
        reason: "tax".to_owned(),
        exception: crate::grounds::Exception::LegalObligation,
        period: Some(RetentionPeriod { from: "issued_at".to_owned(), years: 7, months: 0, days: 0 }),
    };
    let today = jiff::civil::date(2026, 11, 21);
    assert!(retention.applies(None, today));
    assert!(retention.applies(Some(jiff::civil::date(2019, 11, 22)), today));
    assert!(!retention.applies(Some(jiff::civil::date(2019, 11, 21)), today));
}
