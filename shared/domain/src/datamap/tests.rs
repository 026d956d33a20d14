use super::*;
use crate::personal::{Identifier, IdentifierKind, KindRules, Known, NormalForm};
use std::collections::BTreeSet;

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
    let said: Vec<&str> = warnings.iter().map(|w| w.message.as_str()).collect();
    assert_eq!(said, ["a request by subject_email alone reaches nothing: no producer selects by it"]);
    let of_documents = |order: Vec<crate::ids::ProducerName>| {
        let declared: Vec<_> = order.iter().filter(|name| map.producer(name).is_some_and(|p| p.is_declared())).cloned().collect();
        assert_eq!(order.len(), declared.len() + 1, "and the uploads of documents");
        names(&declared).join(" ")
    };
    assert_eq!(of_documents(selection_order(&map).expect("no cycle")), "orders order-lines documents");
    assert_eq!(of_documents(deletion_order(&map).expect("no cycle")), "order-lines documents orders");
}

#[test]
fn p3_uploads_are_looked_for_before_the_objects_that_they_become() {
    let nested = SHOP.to_owned()
        + "  - {name: scans, category: c, store: files, bucket: documents, select: [{by: subject_id, prefix: 'customers/{}/scans/'}]}\n"
        + "  - {name: named, category: c, store: files, bucket: others, select: [{by: {producer: documents, field: key}, object: '{}'}]}\n";
    let (map, _) = parse(&nested).expect("valid");
    let order = selection_order(&map).expect("no cycle");
    let place = |name: &str| order.iter().position(|p| p.as_str() == name).expect("walked");
    for objects in ["documents", "scans", "named"] {
        assert!(place(&format!("{objects}-unfinished-uploads")) < place(objects), "{objects}");
    }
}

#[test]
fn a_prefix_without_a_delimiter_after_the_identity_is_refused() {
    assert!(
        refusal("customers/{}/", "customers/{}").contains("line 29: producer documents: select: prefix must have a delimiter")
    );
    assert!(refusal("customers/{}/", "customers/").contains("must hold {}"));
    assert!(refusal("customers/{}/", "{}/{}/").contains("once"));
    let with = |more: &str| refusal("attribute: customer_id}", &format!("attribute: customer_id, {more}}}"));
    assert!(with("where: {meta.type: order}").contains("meta.type is a path"));
    assert!(with("where: {customer_id: x}").contains("customer_id is part of a key"));
    let of_table = refusal("attribute: order_id}", "attribute: order_id, where: {line_no: x}}");
    assert!(of_table.contains("line_no is part of a key"), "{of_table}");
    assert!(
        refusal("attribute: order_id}", "attribute: order}")
            .contains("order is not the table's partition key, which is order_id")
    );
    for misread in ["'A#*#{}'", "'A#{t}#{}'", "'USER#{id}'"] {
        assert!(with(&format!("value: {misread}")).contains("must hold {}"), "{misread}");
    }
    assert!(with("where: {type: []}").contains("no value"));
    assert!(with("value: 'USER#'").contains("value must hold {}"));
    assert!(with("sort: {begins_with: x}").contains("name the attribute that is the sort key"));
    assert!(with("sort: {attribute: x, equals: a, begins_with: b}").contains("one of equals and begins_with"));
    assert!(with("sort: {attribute: x, like: a}").contains("there is no like"));
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
    assert!(unknown.contains("line 28") && unknown.contains("there is no buckets here: did you mean bucket?"), "{unknown}");
    assert!(refusal("key: [order_id]", "key: order_id").contains("line 15"));
    assert!(refusal("index: by_customer", "indexes: by_customer").contains("there is no indexes here: did you mean index?"));
    let twice = refusal("table: orders\n", "table: orders\n    table: orders\n");
    assert!(twice.contains("table is written twice: leave one"), "{twice}");
    assert!(refusal("bucket: documents", "bucket: \"arn:aws:s3:::documents\"").contains("bucket takes the bucket's name"));
    assert!(refusal("prefix: \"customers/", "prefix: \"s3://documents/customers/").contains("a key within the bucket is meant"));
    assert!(refusal("key: [order_id]", "key: []").contains("primary key"));
    assert!(refusal("version: 1", "version: 2").contains("line 2: version: write 1"));
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
            "select: attribute, index, value, sort, where and scan belong to stores with connector dynamodb; prefix, object and list are accepted",
        ),
        (
            "index: by_customer",
            "prefix: \"x/{}/\"",
            "select: prefix, object and list belong to stores with connector s3; attribute, index, value, sort, where and scan are accepted",
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
    let by = SelectBy::Identity(IdentifierKind::SUBJECT_ID);
    let index = Some("by_customer".to_owned());
    let items = ItemSelection {
        by: by.clone(),
        attribute: "customer_id".to_owned(),
        index,
        value: Template::plain(),
        sort: None,
        conditions: [].into(),
        scan: None,
    };
    assert_eq!(of("orders").select, [Selection::Items(items)]);
    assert_eq!(of("documents").location, Location::Bucket(S3Objects { bucket: "documents".to_owned() }));
    let keys = ObjectKeys::Under(Template::parse("customers/{}/").expect("a template"));
    assert_eq!(of("documents").select, [Selection::Objects(ObjectSelection { by, keys })]);
    // Part of a key tells no records apart.
    assert!(of("orders").location.is_key("order_id") && !of("order-lines").location.is_key("order_id"));
}

#[test]
fn a_producer_is_not_found_through_itself_nor_through_what_it_is_within() {
    let map = |more: &str, child: &str| {
        format!(
            "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: rows, category: r, store: db, table: app, key: [pk, sk], select: [{{by: subject_id, attribute: pk}}{more}]}}
  - {{name: parts, category: p, store: db, table: app, key: [pk, sk], select: [{{by: subject_id, attribute: pk, sort: {{begins_with: P}}}}{child}]}}
"
        )
    };
    let through = ", {by: {producer: rows, field: next}, index: i, attribute: id}";
    for (more, child, named) in [(through, "", "rows"), ("", through, "parts")] {
        let refused = parse(&map(more, child)).expect_err("refused").to_string();
        assert!(refused.contains(&format!("wait for each other: {named}")), "{refused}");
    }
    assert!(parse(&map("", "")).is_ok());
}

#[test]
fn what_selections_start_from_is_explained_in_words_of_the_map() {
    assert!(refusal("by: subject_id, index", "by: patient_id, index").contains("there is no kind of identifier patient_id"));
    assert!(refusal("by: subject_id, index", "by: Patient Id, index").contains("Patient Id"));
    assert!(refusal("by: subject_id, index", "by: [subject_id], index").contains("a kind of identifier such as subject_id"));
    assert!(refusal("{producer: orders, field: order_id}", "{producer: orders}").contains("field"));
}

#[test]
fn retention_needs_a_start_and_a_length() {
    let with = |r: &str| refusal("owns: [order-rows]", &format!("owns: [order-rows]\n    retention: {r}"));
    assert!(with("{reason: tax, exception: legal_obligation, years: 7}").contains("needs from"));
    assert!(with("{reason: tax, exception: legal_obligation, from: issued_at}").contains("needs years"));
    assert!(with("{reason: ' ', exception: legal_obligation}").contains("reason"));
    for years in ["ten", "-7", "7.5", "300"] {
        let refused = with(&format!("{{reason: tax, exception: legal_obligation, from: at, years: {years}}}"));
        assert!(refused.contains(&format!("\"{years}\" is no whole number of years")), "{refused}");
    }
    assert!(
        with("{reason: tax, exception: legal_obligation, from: at, years: 7, form: iso}")
            .contains("form \"iso\" is none of date")
    );
    assert!(with("{reason: tax, exception: legal_obligation, form: date}").contains("need from"));
}

fn kind(name: &str) -> IdentifierKind {
    name.parse().expect("a kind")
}

/// The shop's map, with more at its top.
fn saying(more: &str) -> DataMap {
    parse(&SHOP.replacen("version: 1", &format!("version: 1\n{more}"), 1)).expect("a map").0
}

#[test]
fn a_kind_has_the_rules_that_the_map_says_and_else_its_own() {
    for (said, name, form, unique) in [
        ("{subject_id: {form: number}}", "subject_id", NormalForm::Number, true),
        ("{subject_id: {unique: false}}", "subject_id", NormalForm::Exact, false),
        ("{subject_email: {form: lower}}", "subject_email", NormalForm::Lower, false),
        ("{subject_email: {unique: true}}", "subject_email", NormalForm::Email, true),
        ("{x: {}}", "x", NormalForm::Exact, false),
        ("{x: {unique: true}}", "x", NormalForm::Exact, true),
        ("{x: {form: phone}}", "x", NormalForm::Phone, false),
    ] {
        let map = saying(&format!("identifiers: {said}"));
        assert_eq!(map.rules_of(&kind(name)), Some(KindRules { form, unique }), "{said}");
        assert_eq!(map.tells_apart(&kind(name)), unique, "{said}");
    }
    assert!(!saying("").tells_apart(&kind("x")), "nobody declared it");
}

#[test]
fn nobody_is_nobody_in_every_spelling_of_its_kind() {
    let map = saying("identifiers: {device: {form: lower}, subject_id: {form: number}}\nnobody: [Guest, 0]");
    let known = |name: &str, text: &str| -> Known {
        map.known(&kind(name), Identifier::parse(text).expect("an identifier"), "FR").expect("of its form")
    };
    for (name, text) in [("device", "GUEST"), ("device", "guest"), ("device", "0"), ("subject_id", "00"), ("subject_id", "0.0")] {
        assert!(map.is_nobody(&known(name, text)), "{name} {text}");
    }
    for (name, text) in [("device", "guests"), ("device", "00"), ("subject_id", "10")] {
        assert!(!map.is_nobody(&known(name, text)), "{name} {text}");
    }
}

#[test]
fn what_yaml_takes_for_something_else_is_a_word_for_nobody() {
    assert_eq!(saying("nobody: [true, null, 7, -1, \"no\"]").nobody, ["true", "null", "7", "-1", "no"]);
    assert!(refusal("version: 1", "version: 1\nnobody: ['  ']").contains("is empty"));
}

#[test]
fn what_identifies_nobody_is_refused_on_the_line_of_its_producer() {
    let lines = "    table: order-lines\n";
    let with = |identifies: &str| refusal(lines, &format!("{lines}    identifies: {identifies}\n"));
    let unknown = with("{phone: mobile}");
    assert!(unknown.contains("line 22: producer order-lines: identifies: there is no kind of identifier phone"), "{unknown}");
    assert!(unknown.contains("use one of subject_id, subject_email"), "{unknown}");
    for empty in ["''", "'  '"] {
        let refused = with(&format!("{{subject_id: {empty}}}"));
        assert!(refused.contains("line 22: producer order-lines: identifies: the field of subject_id is empty"), "{refused}");
    }
    let bucket = refusal("    bucket: documents\n", "    bucket: documents\n    identifies: {subject_id: owner}\n");
    assert!(bucket.contains("line 29: producer documents: identifies belongs to tables"), "{bucket}");
}

#[test]
fn a_producer_named_as_an_identifier_of_a_plan_is_refused() {
    for name in ["i1", "i27", "identifiers_incomplete"] {
        let refused = refusal("name: documents", &format!("name: {name}"));
        assert!(refused.contains(&format!("line 25: producer {name}: name: an approval acknowledges")), "{refused}");
    }
    for name in ["i", "i1a", "i-1", "identifiers", "1"] {
        assert!(parse(&SHOP.replacen("name: documents", &format!("name: {name}"), 1)).is_ok(), "{name}");
    }
    assert!(
        (0..200).all(|place| crate::plan::PlannedIdentifier::means_identifiers(&crate::plan::PlannedIdentifier::label(place)))
    );
}

#[test]
fn what_a_request_by_one_kind_alone_does_not_reach_is_warned_of() {
    let by_address = SHOP.replacen("by: subject_id, prefix", "by: subject_email, prefix", 1);
    let warned = |text: &str| -> Vec<String> { parse(text).expect("a map").1.into_iter().map(|w| w.message).collect() };
    let both = warned(&by_address);
    let missed =
        |kind: &str, producers: &str| format!("a request by {kind} alone does not reach {producers}: say under identifies");
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both[0].starts_with(&missed("subject_id", "documents")), "{both:?}");
    assert!(both[1].starts_with(&missed("subject_email", "order-lines, orders")), "{both:?}");
    let said = warned(&by_address.replacen("table: orders\n", "table: orders\n    identifies: {subject_email: email}\n", 1));
    assert_eq!(said.len(), 1, "an id leads to an address: {said:?}");
    assert!(said[0].starts_with(&missed("subject_email", "order-lines, orders")), "{said:?}");
}

#[test]
fn only_a_key_that_tells_people_apart_names_a_persons_one_record() {
    let reached = |device: &str, known: &[&str]| {
        let text = format!(
            "
version: 1
identifiers: {{device: {device}, phone: {{form: phone}}}}
stores: {{db: {{connector: dynamodb}}}}
producers:
  - name: devices
    category: devices
    store: db
    table: devices
    key: [device]
    identifies: {{device: device}}
    select: [{{by: device, attribute: device}}, {{by: phone, index: by_phone, attribute: phone}}]
"
        );
        let map = parse(&text).expect("a map").0;
        let known: BTreeSet<IdentifierKind> = known.iter().map(|name| kind(name)).collect();
        reach(&map, &known).expect("no cycle")[&map.producers[0].name]
    };
    assert_eq!(reached("{unique: true}", &["device"]), Reach::Whole);
    assert_eq!(reached("{}", &["device"]), Reach::Part, "other devices may have the person's number");
    assert_eq!(reached("{}", &["device", "phone"]), Reach::Whole);
    assert_eq!(reached("{unique: true}", &["phone"]), Reach::Part);
    assert_eq!(reached("{}", &["subject_id"]), Reach::None);
}

#[test]
fn a_newer_map_compares_otherwise_what_has_another_form_or_is_gone() {
    let before = saying("identifiers: {phone: {form: phone}, account: {}, subject_id: {form: number}}");
    let otherwise = |more: &str| -> Vec<String> {
        before.compared_otherwise(&saying(more)).iter().map(|kind| kind.as_str().to_owned()).collect()
    };
    let same = "phone: {form: phone}, account: {form: exact}, subject_id: {form: number}";
    assert!(otherwise(&format!("identifiers: {{{same}}}")).is_empty());
    assert!(otherwise(&format!("identifiers: {{{same}, device: {{form: lower}}}}\nnobody: [0]")).is_empty(), "more kinds");
    assert!(otherwise(&format!("identifiers: {{{same}, subject_email: {{unique: true}}}}")).is_empty());
    assert_eq!(otherwise(&format!("identifiers: {{{same}, subject_email: {{form: lower}}}}")), ["subject_email"]);
    assert_eq!(otherwise("identifiers: {phone: {form: phone}, account: {}}"), ["subject_id"], "as it is unless said");
    assert_eq!(otherwise("identifiers: {phone: {}, subject_id: {form: number}}"), ["account", "phone"]);
    assert_eq!(before.compared_by_country(), [kind("phone")]);
    assert!(saying("").compared_by_country().is_empty());
}

#[test]
fn kinds_are_read_of_a_map_that_is_no_longer_accepted() {
    let text = SHOP.replacen("version: 1", "version: 1\nidentifiers: {subject_id: {form: number}}", 1).replacen(
        "[shop/orders]",
        "[]",
        1,
    );
    assert!(parse(&text).is_err());
    assert_eq!(
        kinds_alone(&text).rules_of(&IdentifierKind::SUBJECT_ID),
        Some(KindRules { form: NormalForm::Number, unique: true })
    );
    assert!(kinds_alone("no map").identifiers.is_empty());
}

#[test]
fn what_can_only_be_a_mistake_of_keys_is_refused_or_said() {
    let map = |profiles: &str, orders: &str| {
        format!(
            "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: profiles, category: p, store: db, table: app, key: [pk, sk], {profiles}}}
  - {{name: orders, category: o, store: db, table: orders, key: [id], {orders}}}
"
        )
    };
    let orders = "select: [{by: subject_id, index: i, attribute: owner}]";
    let keyed = "select: [{by: subject_id, attribute: pk, value: 'USER#{}', sort: {equals: PROFILE}}]";
    let refused = parse(&map(&format!("{keyed}, identifies: {{subject_id: pk}}"), orders)).expect_err("refused").to_string();
    assert!(refused.contains("takes subject_id from pk as it stands, and there it is written USER#{}"), "{refused}");
    let refused = parse(&map(&format!("{keyed}, identifies: {{subject_id: 'USER#{{}}'}}"), orders)).expect_err("refused");
    assert!(refused.to_string().contains("no name of a field"), "{refused}");
    let said = |profiles: &str, orders: &str| -> Vec<String> {
        parse(&map(profiles, orders)).expect("accepted").1.into_iter().map(|f| f.message).collect()
    };
    let through = "select: [{by: {producer: profiles, field: order_ids}, attribute: id}]";
    let duty = "retention: {reason: tax, exception: legal_obligation}";
    assert!(said(keyed, &format!("{through}, {duty}")).iter().any(|m| m.contains("nobody finds them once they may go")));
    assert!(!said(keyed, &format!("{orders}, {duty}")).iter().any(|m| m.contains("nobody finds them")));
    let both = said(&format!("{keyed}, {duty}"), through);
    assert!(both.iter().any(|m| m.contains("it has no duty of its own")), "{both:?}");
    // No order, no anchors to own.
    assert!(!said(keyed, orders).iter().any(|m| m.contains("anchor")));
    // An index may hold one kind of row of a table only.
    let lookup = "select: [{by: subject_email, index: g, attribute: gpk, value: 'EMAIL#{}', where: {sk: PROFILE}}]";
    let table = |first: &str, second: &str| {
        let place = "store: db, table: app, key: [pk, sk]";
        let map = format!(
            "version: 1\nstores: {{db: {{connector: dynamodb}}}}\nproducers:\n  - {{name: a, category: a, {place}, {first}}}\n  \
             - {{name: b, category: b, {place}, {second}}}\n"
        );
        overlaps(&parse(&map).expect("accepted").0).len()
    };
    assert_eq!(table(lookup, "select: [{by: subject_id, attribute: pk, value: 'USER#{}', sort: {begins_with: 'ORDER#'}}]"), 0);
    assert_eq!(table(lookup, keyed), 1);
}

#[test]
fn a_bucket_may_be_another_accounts_and_a_table_may_not() {
    let with =
        |account: &str| SHOP.replacen("files: {connector: s3}", &format!("files: {{connector: s3, account: {account}}}"), 1);
    let (map, _) = parse(&with("\"444455556666\"")).expect("valid");
    let files = map.stores.get(&"files".parse().expect("a name")).expect("a store");
    assert_eq!(files.account.as_ref().map(crate::ids::AccountId::as_str), Some("444455556666"));
    for wrong in ["\"44445555666\"", "\"4444555566667\"", "\"44445555666x\""] {
        assert!(parse(&with(wrong)).expect_err("refused").to_string().contains("twelve digits"), "{wrong}");
    }
    let table = refusal("shop: {connector: dynamodb}", "shop: {connector: dynamodb, account: \"444455556666\"}");
    assert!(table.contains("store shop: account: it is for buckets"), "{table}");
}
