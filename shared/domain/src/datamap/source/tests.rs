use super::*;
use crate::datamap::{Finding, InvalidMap, parse};

const MAP: &str = "version: 1
stores:
  db: {connector: dynamodb}
anchors:
  order-rows: [db/orders]
producers:
  - name: orders
    category: orders
    store: db
    table: orders
    key: [id]
    select:
      - by: subject_id
        index: by_owner
        attribute: owner
      - by: subject_email
        index: by_email
        attribute: email
        where:
          kind: order
    export:
      mask:
        - agent
        - meta.author
    owns: [order-rows]
  - {name: lines, category: orders, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, attribute: id}]}
";

fn pointed(message: &str) -> (Option<u64>, Option<String>, String) {
    let finding = Lines::of(MAP).point(Finding::warn(None, message.to_owned()));
    let words = finding.words().to_owned();
    (finding.line, finding.field, words)
}

#[test]
fn a_finding_is_on_the_line_of_the_key_that_its_message_begins_with() {
    for (message, line, field, words) in [
        ("producer orders: table is wrong", 10, "orders.table", "is wrong"),
        ("producer orders: export: mask: author is in none", 22, "orders.export.mask", "author is in none"),
        ("producer orders: export: mask: meta.author is in none", 24, "orders.export.mask", "meta.author is in none"),
        ("producer orders: export: mask: agent is in none", 23, "orders.export.mask", "agent is in none"),
        // Of several selections, the one that is spoken of.
        ("producer orders: select: attribute: email is in none", 18, "orders.select.attribute", "email is in none"),
        ("producer orders: select: attribute: owner is in none", 15, "orders.select.attribute", "owner is in none"),
        ("producer orders: select: where: kind is so in none", 20, "orders.select.where.kind", "is so in none"),
        ("producer orders: owns: order-rows is owned twice", 25, "orders.owns", "order-rows is owned twice"),
        ("producer orders: bucket is missing", 7, "orders", "bucket is missing"),
        ("producer lines: select: by: field: id is in none", 26, "lines.select.by.field", "id is in none"),
        // Of several keys, the first that is there.
        ("producer orders: bucket, table and key belong to others", 10, "orders", "bucket, table and key belong to others"),
        ("anchor order-rows has no owner", 5, "anchors.order-rows", "has no owner"),
        ("stores: db: connector is wrong", 3, "stores.db.connector", "is wrong"),
    ] {
        assert_eq!(pointed(message), (Some(line), Some(field.to_owned()), words.to_owned()), "{message}");
    }
    for nowhere in ["a request by phone alone reaches nothing", "producer ghosts: table is wrong", "in db/orders, what is found"]
    {
        assert_eq!(pointed(nowhere), (None, None, nowhere.to_owned()));
    }
}

#[test]
fn a_key_that_a_selection_lacks_is_on_the_line_of_that_selection() {
    let wrong = MAP.replace("        index: by_email\n        attribute: email\n", "        index: by_email\n");
    let said = parse(&wrong).expect_err("refused").to_string();
    assert!(said.starts_with("line 16: producer orders: select: attribute is missing"), "{said}");
}

#[test]
fn lines_are_those_of_the_text_whatever_stands_in_it() {
    let text =
        MAP.replace("\n  - name: orders", "\n  # é ü 漢字\n\n  - name: orders").replace("table: orders", "table: \"örders\"");
    assert_eq!(Lines::of(&text).producer(&"orders".parse().expect("a name")), Some(9));
    let crlf = text.replace('\n', "\r\n");
    assert_eq!(Lines::of(&crlf).producer(&"orders".parse().expect("a name")), Some(9));
    let finding = Lines::of("[").point(Finding::warn(Some(3), "producer orders: table".to_owned()));
    assert_eq!((finding.line, finding.field), (Some(3), None), "no YAML, no lines");
}

#[test]
fn an_alias_is_what_it_stands_for_and_aliases_of_aliases_end() {
    let text = MAP.replace("key: [id]\n", "key: &key [id]\n").replace("table: lines, key: [id]", "table: lines, key: *key");
    assert!(parse(&text).is_ok());
    let wrong = parse(&text.replace("by: subject_id", "by: nobody_knows")).expect_err("refused").to_string();
    assert!(wrong.starts_with("line 13: producer orders: select: by:"), "{wrong}");
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip(["a", "b", "c", "d", "e", "f", "g", "h"]) {
        laughs += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "));
    }
    assert!(Node::read(&laughs).is_err());
    assert!(matches!(parse(&laughs), Err(InvalidMap::Refused(_))));
}

/// What the text says differently than [`MAP`], a line each.
fn against(newer: &str) -> Vec<String> {
    let told = |d: Difference| format!("{} {}: {d}", d.section, d.name.clone().unwrap_or_default());
    differences(MAP, newer).expect("YAML").into_iter().map(told).collect()
}

#[test]
fn maps_that_say_the_same_do_not_differ_however_they_are_written() {
    let newer = MAP.replace(
        "    export:\n      mask:\n        - agent\n        - meta.author\n",
        "    export: {mask: [agent, \"meta.author\"]}\n",
    );
    assert_ne!(newer, MAP);
    assert_eq!(against(&format!("# another\n{newer}")), [""; 0]);
}

#[test]
fn differences_are_told_in_words_of_the_map() {
    let duty = "    retention: {reason: tax, exception: legal_obligation, from: issued_at, years: 7}\n    owns:";
    let with = MAP.replace("    owns:", duty);
    let cases: [(&str, &str, &[&str]); 10] = [
        ("table: orders\n", "table: order_archive\n", &["producers orders: table: orders → order_archive"]),
        (
            "        - agent\n",
            "        - clerk\n",
            &["producers orders: export.mask: - agent", "producers orders: export.mask: + clerk"],
        ),
        (
            "kind: order\n",
            "kind: [order, basket]\n",
            &[
                "producers orders: select: - {by: subject_email, index: by_email, attribute: email, where: {kind: order}}",
                "producers orders: select: + {by: subject_email, index: by_email, attribute: email, where: {kind: [order, basket]}}",
            ],
        ),
        ("    owns:", duty, &["producers orders: retention: not kept → kept 7 years from issued_at (tax; legal_obligation)"]),
        (
            "    owns:",
            "    erase: {fields: {note: redaction}}\n    owns:",
            &["producers orders: erase: nothing → {fields: {note: redaction}}"],
        ),
        ("    owns: [order-rows]\n", "", &["producers orders: owns: [order-rows] → nothing"]),
        ("version: 1\n", "version: 1\nidentifiers: {phone: {form: phone}}\n", &["identifiers phone: + {form: phone}"]),
        ("version: 1\n", "version: 1\nnobody: [0, \"0\", guest]\n", &["nobody : nothing → [0, \"0\", guest]"]),
        (
            "  db: {connector: dynamodb}",
            "  db: {connector: dynamodb, region: eu-west-1}",
            &["stores db: region: nothing → eu-west-1"],
        ),
        ("order-rows: [db/orders]", "order-rows: [db/orders, db/lines]", &["anchors order-rows: + db/lines"]),
    ];
    for (from, to, said) in cases {
        let newer = MAP.replacen(from, to, 1);
        assert_ne!(newer, MAP, "{from}");
        assert_eq!(against(&newer), said, "{to}");
    }
    let shorter = differences(&with, &with.replace("years: 7", "years: 5")).expect("YAML");
    let kept = |years: u8| format!("kept {years} years from issued_at (tax; legal_obligation)");
    assert_eq!(shorter[0].to_string(), format!("retention: {} → {}", kept(7), kept(5)));
    assert_eq!((shorter.len(), shorter[0].line), (1, Some(25)));
    let replaced = |by: &str| MAP.replacen("    owns:", &format!("    erase: {{fields: {{note: {by}}}}}\n    owns:"), 1);
    let other = differences(&replaced("redaction"), &replaced("hashing")).expect("YAML");
    assert_eq!((other.len(), other[0].to_string().as_str()), (1, "erase.fields.note: redaction → hashing"));
}

#[test]
fn producers_that_came_or_went_are_told_by_what_they_were() {
    let without = MAP.lines().filter(|line| !line.contains("name: lines")).collect::<Vec<_>>().join("\n");
    assert_eq!(against(&without), ["producers lines: - category orders, store db, table lines"]);
    let added = differences(&without, MAP).expect("YAML");
    assert_eq!((added.len(), added[0].change, added[0].line), (1, Change::Added, Some(26)));
    // A new name is another producer: requests know them by that.
    let renamed = against(&MAP.replace("name: lines", "name: order-lines"));
    assert_eq!(renamed.len(), 2, "{renamed:?}");
    // What is no map any more can be compared all the same.
    assert!(differences("version: 0", MAP).is_some() && differences("[", MAP).is_none());
}

#[test]
fn what_is_no_yaml_is_told_on_the_line_to_mend() {
    for (from, to, line, says) in [
        ("    table: orders\n", "    table orders\n", 10, "write key: value"),
        ("    table: orders\n", "      table: orders\n", 10, "indent"),
        ("    table: orders\n", "\t table: orders\n", 10, "indent with spaces"),
        ("    table: orders\n", "    table:orders\n", 10, "a space after the colon"),
        ("    table: orders\n", "    table: \"orders\n", 10, "second quotation mark"),
        ("    key: [id]\n", "    key: [id\n", 11, "write ]"),
        ("{name: lines,", "{name: [lines,", 26, "write ]"),
        ("attribute: id}]}", "attribute: id}]", 26, "write }"),
    ] {
        let text = MAP.replacen(from, to, 1);
        let Err(InvalidMap::Refused(findings)) = parse(&text) else { panic!("accepted: {to}") };
        assert!(
            findings.len() == 1 && findings[0].line == Some(line) && findings[0].message.contains(says),
            "{to}: {findings:?}"
        );
    }
}
