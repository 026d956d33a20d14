//! A data map held against a table and a sample of it.

use crate::world::{Fixture, number, text};
use aws_sdk_dynamodb::types::AttributeValue;
use oubli_connectors::survey;
use oubli_domain::{
    datamap::{Lines, Severity, Store, parse},
    ids::StoreName,
};
use oubli_engine::ports::{Connector, Need, StoreError, Stores, Survey as _, Work};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

struct One(Arc<dyn Connector>);

impl Stores for One {
    fn connector(&self, _: &StoreName, _: &Store) -> Result<Arc<dyn Connector>, StoreError> {
        Ok(self.0.clone())
    }
}

/// Orders and refunds in one table, and what is found through a field of the orders.
const RIGHT: &str = "version: 1
stores: {db: {connector: dynamodb}}
producers:
  - name: orders
    category: orders
    store: db
    table: orders
    key: [user, n]
    version_attribute: revision
    identifies: {subject_email: email}
    select:
      - by: subject_id
        attribute: user
        where: {kind: [order, basket]}
    retention:
      reason: tax
      exception: legal_obligation
      from: day
      years: 7
    export:
      mask: [agent, meta.notes.author]
  - name: refunds
    category: orders
    store: db
    table: orders
    key: [user, n]
    version_attribute: revision
    select:
      - by: subject_id
        attribute: user
        where: {kind: refund}
      - by: {producer: orders, field: meta.badge}
        index: by_badge
        attribute: badge
    export: {fields: {total: Total}}
";

/// What is said of a map, with its line. Refused are masks of what no record has, selections by what is no text, and nothing else.
async fn said(world: &Fixture, map: &str) -> Vec<(u64, String)> {
    let stores = One(world.connector.clone());
    let parsed = parse(map).expect("a map").0;
    let findings = survey(&stores, &parsed, &Lines::of(map), &BTreeSet::new()).await;
    let is_mask = |message: &str| message.contains("export: mask: ") && message.contains(" is in none of ");
    let is_uncompared = |message: &str| message.contains("where one text is compared, in all of");
    let may_not_stand = |message: &str| is_mask(message) || is_uncompared(message);
    assert!(findings.iter().all(|f| (f.severity == Severity::Refused) == may_not_stand(&f.message)), "{findings:?}");
    // What a table without a sort key in its index cannot promise is not what this is about.
    let told = findings.into_iter().filter(|f| f.message.contains("sampled") || f.message.contains("empty"));
    told.map(|f| (f.line.expect("a line"), f.message)).collect()
}

async fn filled() -> Fixture {
    let world = Fixture::new().await;
    let map = |pairs: &[(&str, AttributeValue)]| {
        AttributeValue::M(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<HashMap<_, _>>())
    };
    for n in 0..20 {
        let note = map(&[("author", text("Bob Secret"))]);
        let likes = map(&[(&format!("u-secret-{n}"), number(1))]);
        let meta = map(&[("notes", AttributeValue::L(vec![note])), ("badge", number(n)), ("likes", likes)]);
        let kind = if n < 15 { "order" } else { "refund" };
        let mut fields = vec![
            ("kind", text(kind)),
            ("revision", number(n)),
            ("email", text("secret@b.example")),
            ("day", text("2026-01-31")),
            ("total", number(10)),
            ("meta", meta),
        ];
        // Refunds are nobody's work, and have a number of their own.
        fields.push(if n < 15 { ("agent", text("Bob Secret")) } else { ("badge", number(n)) });
        world.put("u1", n, &fields).await;
    }
    world
}

#[tokio::test]
async fn a_map_whose_every_name_occurs_is_not_spoken_of() {
    assert_eq!(said(&filled().await, RIGHT).await, []);
}

#[tokio::test]
async fn a_name_that_no_sampled_record_has_is_told_with_its_line_and_the_nearest_there_is() {
    let world = filled().await;
    for (from, to, says) in [
        (
            "version_attribute: revision\n    identifies",
            "version_attribute: revison\n    identifies",
            "version_attribute: revison is in none of 15 sampled records of orders that may be its own: did you mean revision?",
        ),
        (
            "subject_email: email}",
            "subject_email: emial}",
            "identifies: emial is in none of 15 sampled records of orders that may be its own: did you mean email?",
        ),
        ("from: day", "from: dy", "retention: from: dy is in none"),
        (
            "fields: {total: Total}",
            "fields: {totl: Total}",
            "producer refunds: export: fields: totl is in none of 5 sampled records of orders that may be its own: did you mean total?",
        ),
        (
            "mask: [agent,",
            "mask: [agnet,",
            "export: mask: agnet is in none of 15 sampled records of orders that may be its own: did you mean agent?",
        ),
        (
            "meta.notes.author]",
            "meta.notes.auther]",
            "export: mask: meta.notes.auther is in none of 15 sampled records of orders that may be its own: did you mean meta.notes.author?",
        ),
        (
            "field: meta.badge}",
            "field: meta.bagde}",
            "producer refunds: select: by: field: meta.bagde is in none of orders, 15 sampled records of orders that may be its own: did you mean meta.badge?",
        ),
        (
            "where: {kind: [order, basket]}",
            "where: {kind: [order, basket], knid: x}",
            "select: where: knid: knid is in none of 20 sampled records of orders: did you mean kind?",
        ),
        (
            "kind: refund}",
            "kind: refnd}",
            "producer refunds: select: where: kind: kind is so in none of 20 sampled records of orders",
        ),
        (
            "    export:\n      mask: [agent, meta.notes.author]",
            "    erase: {fields: {totl: redaction}}",
            "erase: fields: totl is in none of 15 sampled records of orders that may be its own: did you mean total?",
        ),
        // What only another's records have is none of its own.
        (
            "{fields: {total: Total}}",
            "{mask: [agent]}",
            "producer refunds: export: mask: agent is in none of 5 sampled records of orders that may be its own",
        ),
    ] {
        assert_eq!(RIGHT.matches(from).count(), 1, "{from}");
        let map = RIGHT.replacen(from, to, 1);
        let wrong = map.lines().zip(1..).find(|(line, _)| !RIGHT.contains(line)).expect("another line").1;
        let said = said(&world, &map).await;
        assert!(said.iter().any(|(line, text)| *line == wrong && text.contains(says)), "{wrong}: {says}: {said:#?}");
        let all = format!("{said:?}").to_lowercase();
        assert!(!all.contains("secret"), "nothing that records say is repeated: {said:#?}");
    }
}

#[tokio::test]
async fn a_sort_key_and_a_value_that_are_never_so_are_told() {
    let world = Fixture::new().await;
    world.put("USER#1", 1, &[("email", text("a@b.c"))]).await;
    let map = "version: 1
stores: {db: {connector: dynamodb}}
producers:
  - name: people
    category: people
    store: db
    table: orders
    key: [user, n]
    version_attribute: n
    select:
      - by: subject_id
        attribute: user
        value: \"CUSTOMER#{}\"
";
    let said_of = said(&world, map).await;
    assert_eq!(said_of.len(), 1, "{said_of:?}");
    assert!(said_of[0].0 == 13 && said_of[0].1.contains("select: value: user is so in none of 1 sampled records"), "{said_of:?}");
    assert_eq!(said(&world, &map.replace("CUSTOMER", "USER")).await, []);
    // Where none of the sampled records is the producer's, any of them would do.
    let masked = said(&world, &format!("{map}    export: {{mask: [giver, email]}}\n")).await;
    assert!(
        masked.iter().any(|(_, text)| text.contains("mask: giver is in none of 1 sampled records of orders: ")),
        "{masked:?}"
    );
    assert_eq!(masked.len(), 2, "{masked:?}");
}

/// People who are looked for by an address, on every item of a table.
const SCANNED: &str = "version: 1
stores: {db: {connector: dynamodb}}
producers:
  - name: people
    category: people
    store: db
    table: orders
    key: [user, n]
    version_attribute: n
    select:
      - by: subject_id
        attribute: user
        where: {kind: other}
      - by: subject_email
        scan: {attribute: emails, max_items: 1000}
        where: {kind: person}
";

#[tokio::test]
async fn p3_a_selection_by_what_holds_no_text_is_refused_and_warned_of_where_only_some_records_have_none() {
    let list = || AttributeValue::L(vec![text("a@b.secret"), text("c@d.secret")]);
    let within = || AttributeValue::M(HashMap::from([("home".to_owned(), text("a@b.secret"))]));
    let set = || AttributeValue::Ss(vec!["a@b.secret".to_owned()]);
    let plain = || text("a@b.secret");
    let nobody = || AttributeValue::Null(true);
    let of_all = "holds a list, or something else that is no text, where one text is compared, in all of 2 sampled records";
    for (values, says) in [
        (vec![list(), list()], Some(of_all)),
        (vec![set(), within(), nobody()], Some(of_all)),
        (vec![list(), AttributeValue::Bool(true)], Some(of_all)),
        (vec![plain(), list(), plain(), nobody()], Some("is compared, in 1 of 3 sampled records of orders that have it")),
        (vec![plain(), number(7), nobody()], None),
    ] {
        let world = Fixture::new().await;
        for (n, value) in (0..).zip(values.clone()) {
            world.put("u1", n, &[("kind", text("person")), ("emails", value)]).await;
        }
        // Of another kind, it is not looked at by this.
        world.put("u2", 1, &[("kind", text("other")), ("emails", list())]).await;
        let said = said(&world, SCANNED).await;
        assert_eq!(said.len(), usize::from(says.is_some()), "{values:?}: {said:?}");
        for (line, message) in &said {
            let of_it = message.starts_with("producer people: select: scan: attribute: emails holds");
            assert!(*line == 15 && of_it && message.contains(says.unwrap_or_default()), "{values:?}: {line}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_mask_that_no_sampled_record_has_refuses_the_map_unless_the_table_is_empty() {
    let world = filled().await;
    let masks = |mask: &str| RIGHT.replacen("mask: [agent, meta.notes.author]", &format!("mask: [{mask}]"), 1);
    for (mask, refused) in [("agent", 0), ("agnet", 1), ("agnet, meta.notes.auther", 2), ("agent, meta.notes.auther", 1)] {
        let said = said(&world, &masks(mask)).await;
        assert_eq!(said.len(), refused, "{mask}: {said:?}");
        assert!(said.iter().all(|(_, text)| text.contains("correct it, or leave it out")), "{said:?}");
    }
    assert!(said(&Fixture::new().await, &masks("agnet")).await.iter().all(|(_, text)| text.contains("orders is empty")));
}

#[tokio::test]
async fn an_empty_table_is_said_to_be_empty_and_no_name_to_be_missing() {
    let said = said(&Fixture::new().await, RIGHT).await;
    assert_eq!(said.len(), 2, "once for each producer: {said:?}");
    assert!(said.iter().all(|(_, text)| text.contains("orders is empty")), "{said:?}");
}

#[tokio::test]
async fn a_sample_is_bounded() {
    let world = Fixture::new().await;
    let wide = text(&"x".repeat(2_000));
    for n in 0..700 {
        world.put("u1", n, &[("kind", text("order")), ("wide", wide.clone())]).await;
    }
    let said = said(&world, RIGHT).await;
    assert!(said.iter().any(|(_, text)| text.contains("none of 300 sampled records")), "{said:?}");
}

#[tokio::test]
async fn tables_that_belong_to_no_producer_are_named_but_for_the_deployments_own() {
    let world = filled().await;
    let parsed = parse(RIGHT).expect("a map").0;
    let stores = One(world.connector.clone());
    for name in ["letters", "oubli-control", "counters"] {
        world.table(name).await;
    }
    let put =
        world.client.put_item().table_name("letters").item("id", text("1")).item("customer_email", text("secret@b.example"));
    put.send().await.expect("put");
    let own = BTreeSet::from(["oubli-control".to_owned()]);
    let findings = survey(&stores, &parsed, &Lines::of(RIGHT), &own).await;
    let said: Vec<&str> = findings.iter().filter(|f| f.line.is_none()).map(|f| f.message.as_str()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], "table letters belongs to no producer, and these of its fields look personal: customer_email");
    assert_eq!(said[1], "tables that belong to no producer: counters. Map those with personal data");
}

#[tokio::test]
async fn functions_need_what_the_template_grants_on_tables_and_indexes() {
    let world = Fixture::new().await;
    let parsed = parse(RIGHT).expect("a map").0;
    let refunds = world.connector.needs(&parsed.producers[1]).await.expect("described");
    let of = |work: Work| -> Vec<&Need> { refunds.iter().filter(|need| need.work == work).collect() };
    for (work, role) in [(Work::Search, "DiscoveryRole"), (Work::Erase, "DeletionRole"), (Work::Export, "ExportRole")] {
        let needs = of(work);
        assert_eq!(needs.len(), 2);
        assert!(needs[0].resource.ends_with(":table/orders"), "{}", needs[0].resource);
        assert!(needs[1].resource.ends_with(":table/orders/index/by_badge"), "{}", needs[1].resource);
        for need in needs {
            crate::support::granted(role, need);
        }
    }
}
