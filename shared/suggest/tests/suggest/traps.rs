//! What looks like personal data, or like an id of somebody, and is not; and what must not be written down or selected.

use crate::made::{Made, map, number, record, survey, table, text, truth};
use oubli_domain::datamap::{DataMap, parse};
use oubli_suggest::{Decisions, Draft, Record, Survey, Value, draft};
use std::collections::BTreeMap;

fn drafted(survey: &Survey) -> (Draft, DataMap) {
    let draft = draft(survey, &Decisions::default(), None);
    let map = parse(&draft.text).unwrap_or_else(|refused| panic!("{refused}\n{}", draft.text)).0;
    (draft, map)
}

/// People with what a field of each is.
fn people(made: &mut Made, count: usize, more: impl Fn(&mut Made, usize) -> Vec<(&'static str, Value)>) -> Vec<Record> {
    let one = |n: usize| {
        let id = made.plant(format!("c-{:05}", 70_000 + n * 3));
        let fields = [("customer_id", text(id)), ("email", text(made.email())), ("name", text(made.name()))];
        let more = more(made, n);
        record(fields.into_iter().chain(more))
    };
    (0..count).map(one).collect()
}

fn of_people(records: Vec<Record>) -> Survey {
    let mut survey = survey();
    survey.add_table(table("customers", &["customer_id"], &[]), records, true);
    survey
}

/// What each trap holds.
fn trap(made: &mut Made, name: &str) -> Value {
    match name {
        "acid_level" | "ip_count" | "phone_count" | "zip_level" | "member_level" | "mobile_score" => number(made.number(1, 15)),
        "email_verified" | "phone_confirmed" | "has_address" | "newsletter_email_enabled" => truth(made.chance(0.5)),
        "phone_verified_at" | "birthday_reminder_sent_at" | "last_login" => text(made.time()),
        "year_code" | "postcode_area" | "postcode_zone" | "plz_gebiet" => text(made.one(&["N1", "S2", "W3"])),
        "phone_model" | "mobile_os" => text(made.one(&["Pixel 8", "Fairphone 5"])),
        "file_name" => text(format!("report-{}.pdf", made.number(1, 999))),
        "capital" | "recipe" | "shipment" | "clip" => text(made.one(&["small", "large"])),
        _ => text(made.one(&["private", "work", "other"])),
    }
}

const TRAPS: [&str; 30] = [
    "acid_level",
    "email_verified",
    "postcode_area",
    "year_code",
    "ip_count",
    "phone_model",
    "address_type",
    "phone_confirmed",
    "phone_verified_at",
    "has_address",
    "birthday_reminder_sent_at",
    "email_template",
    "mailing_list",
    "customer_type",
    "userGroup",
    "account_status",
    "mobile_os",
    "zip_level",
    "postcode_zone",
    "plz_gebiet",
    "adresstyp",
    "tipo_direccion",
    "file_name",
    "product_name",
    "phone_count",
    "member_level",
    "newsletter_email_enabled",
    "mobile_score",
    "last_login",
    "nameplate_style",
];

#[test]
fn names_that_only_hold_a_word_for_personal_data_are_not_taken_for_it() {
    let mut made = Made::new(11);
    let records = people(&mut made, 120, |made, _| TRAPS.iter().map(|name| (*name, trap(made, name))).collect());
    let (draft, _) = drafted(&of_people(records));
    let found: Vec<&str> = draft.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(found, ["customers.customer_id", "customers.email", "customers.name"]);
}

#[test]
fn a_field_of_addresses_is_seen_whatever_it_is_called() {
    let mut made = Made::new(12);
    let records = people(&mut made, 60, |made, _| {
        vec![("x1", text(made.email())), ("x2", text(made.ip())), ("x3", text("+41 44 668 18 00"))]
    });
    let (draft, _) = drafted(&of_people(records));
    for field in ["customers.x1", "customers.x2", "customers.x3"] {
        assert!(draft.fields.iter().any(|found| found.name == field), "{field}");
    }
}

#[test]
fn what_now_and_then_begins_with_an_id_of_a_person_is_not_taken_for_theirs() {
    // One in so many is of a person.
    for (of, personal) in [(1, true), (3, false)] {
        let mut made = Made::new(24);
        let customers = people(&mut made, 120, |_, _| vec![]);
        let ids: Vec<String> = (0..120).map(|n| format!("c-{:05}", 70_000 + n * 3)).collect();
        let mut survey = of_people(customers);
        let entry = |n: usize| {
            let first = if n.is_multiple_of(of) { ids[n].clone() } else { format!("job-{}", 5_000 + n) };
            record([("entry_id", text(made.uuid())), ("trail", text(format!("LOG#{first}#{n}")))])
        };
        let entries = (0..120).map(entry).collect();
        survey.add_table(table("entries", &["entry_id"], &[]), entries, true);
        let (draft, _) = drafted(&survey);
        let found = draft.fields.iter().any(|field| field.name == "entries.trail");
        assert_eq!(found, personal, "one in {of}: {:?}", draft.fields);
    }
}

#[test]
fn a_sentence_that_comes_again_and_again_is_not_taken_for_what_a_person_wrote() {
    let mut made = Made::new(25);
    let records = people(&mut made, 120, |made, n| {
        let again = ["cut here before you open it", "keep it away from children", "store it in a dry place"][n % 3];
        vec![("x1", text(made.sentence())), ("x2", text("keep it away from children")), ("x3", text(again))]
    });
    let (draft, _) = drafted(&of_people(records));
    let found: Vec<&str> = draft.fields.iter().map(|field| field.name.as_str()).filter(|name| name.contains(".x")).collect();
    assert_eq!(found, ["customers.x1"]);
}

#[test]
fn small_numbers_are_no_edges_to_whatever_is_numbered() {
    let mut made = Made::new(13);
    let mut survey = survey();
    let mut customers = people(&mut made, 200, |_, _| vec![]);
    for (n, customer) in customers.iter_mut().enumerate() {
        customer.insert("customer_id".to_owned(), number(n + 1));
    }
    let mut order = |n: usize| {
        record([
            ("order_id", text(made.uuid())),
            ("customer_id", number(made.number(1, 201))),
            ("quantity", number(made.number(1, 40))),
            ("shelf", number(made.number(1, 100))),
            ("n", number(n)),
        ])
    };
    let orders = (0..150).map(&mut order).collect();
    survey.add_table(table("customers", &["customer_id"], &[]), customers, true);
    survey.add_table(
        table("orders", &["order_id"], &[("by_customer", &["customer_id"]), ("by_shelf", &["shelf"])]),
        orders,
        true,
    );
    let (draft, _) = drafted(&survey);
    let links: Vec<&str> = draft.links.iter().map(|link| link.from.as_str()).collect();
    assert_eq!(links, ["orders.customer_id"], "{}", draft.text);
}

/// Customers, orders of theirs, and products that orders name.
fn with_products(indexed: bool) -> Survey {
    let mut made = Made::new(14);
    let mut survey = survey();
    let customers = people(&mut made, 80, |_, _| vec![]);
    let products: Vec<String> = (0..30).map(|n| format!("prd-{:05}", 400 + n * 7)).collect();
    let ids: Vec<Value> = customers.iter().map(|customer| customer["customer_id"].clone()).collect();
    let order = |made: &mut Made| {
        record([("order_id", text(made.uuid())), ("customer_id", made.one(&ids)), ("product_id", text(made.one(&products)))])
    };
    let orders = (0..200).map(|_| order(&mut made)).collect();
    let of_products = products.iter().map(|id| record([("product_id", text(id)), ("maker_email", text(made.email()))])).collect();
    survey.add_table(table("customers", &["customer_id"], &[]), customers, true);
    let indexes: &[(&str, &[&str])] = if indexed { &[("by_customer", &["customer_id"])] } else { &[] };
    survey.add_table(table("orders", &["order_id"], indexes), orders, true);
    survey.add_table(table("products", &["product_id"], &[]), of_products, true);
    survey
}

#[test]
fn p1_what_many_peoples_records_name_is_not_selected_through_one_of_them() {
    let (draft, map) = drafted(&with_products(true));
    let names: Vec<&str> = map.declared().map(|producer| producer.name.as_str()).collect();
    assert_eq!(names, ["customers", "orders"], "{}", draft.text);
    assert!(draft.text.contains("products: nothing sampled in it leads to a person"), "{}", draft.text);
}

#[test]
fn p3_what_no_index_reaches_is_named_with_what_it_takes() {
    let (draft, map) = drafted(&with_products(false));
    assert_eq!(map.declared().count(), 1);
    assert!(draft.text.contains("#   orders: needs an index on customer_id ("), "{}", draft.text);
    assert_eq!(draft.not_reached, 2);
}

#[test]
fn p1_a_record_of_two_people_is_selected_by_one_of_them() {
    let mut made = Made::new(15);
    let mut survey = survey();
    let customers = people(&mut made, 80, |_, _| vec![]);
    let ids: Vec<Value> = customers.iter().map(|customer| customer["customer_id"].clone()).collect();
    let message = |made: &mut Made| {
        record([
            ("message_id", text(made.uuid())),
            ("recipient_id", made.one(&ids)),
            ("sender_id", made.one(&ids)),
            ("body", text(made.sentence())),
        ])
    };
    let messages = (0..150).map(|_| message(&mut made)).collect();
    survey.add_table(table("customers", &["customer_id"], &[]), customers, true);
    let indexes: &[(&str, &[&str])] = &[("by_recipient", &["recipient_id"]), ("by_sender", &["sender_id"])];
    survey.add_table(table("messages", &["message_id"], indexes), messages, true);
    let (draft, map) = drafted(&survey);
    let messages = map.producer(&"messages".parse().expect("a name")).expect("drafted");
    assert_eq!(messages.select.len(), 1);
    assert!(draft.text.contains("by: subject_id, index: by_sender, attribute: sender_id"), "{}", draft.text);
    assert!(draft.text.contains("# not selected by: recipient_id (by_recipient)"), "{}", draft.text);
}

#[test]
fn p1_what_is_found_through_a_parent_of_somebody_else_is_not_drafted() {
    for (same, expected) in [(true, 3), (false, 2)] {
        let mut made = Made::new(16);
        let mut survey = survey();
        let customers = people(&mut made, 60, |_, _| vec![]);
        let ids: Vec<Value> = customers.iter().map(|customer| customer["customer_id"].clone()).collect();
        let (mut posts, mut comments) = (vec![], vec![]);
        for n in 0..120 {
            let (post, author) = (text(made.uuid()), made.one(&ids));
            let by = if same { author.clone() } else { made.one(&ids) };
            let words = text(made.sentence());
            comments.push(record([
                ("comment_id", text(made.uuid())),
                ("post_id", post.clone()),
                ("author_id", by),
                ("body", words),
            ]));
            posts.push(record([("post_id", post), ("author_id", author), ("n", number(n))]));
        }
        survey.add_table(table("customers", &["customer_id"], &[]), customers, true);
        survey.add_table(table("posts", &["post_id"], &[("by_author", &["author_id"])]), posts, true);
        survey.add_table(table("comments", &["comment_id"], &[("by_post", &["post_id"])]), comments, true);
        let (draft, map) = drafted(&survey);
        assert_eq!(map.declared().count(), expected, "{}", draft.text);
        assert_eq!(draft.text.contains("comments: needs an index on author_id"), !same, "{}", draft.text);
    }
}

#[test]
fn p1_a_picture_that_many_rows_name_is_not_selected_through_them() {
    for shared in [false, true] {
        let mut made = Made::new(17);
        let records = people(&mut made, 60, |_, n| {
            let key =
                if shared && n % 2 == 0 { "pictures/default.png".to_owned() } else { format!("pictures/{:08x}.png", n * 7_919) };
            vec![("picture", text(key))]
        });
        let keys = (0..60).map(|n| format!("pictures/{:08x}.png", n * 7_919)).chain(["pictures/default.png".to_owned()]);
        let mut survey = of_people(records);
        survey.add_bucket("media", keys.collect(), true);
        let (draft, map) = drafted(&survey);
        assert_eq!(map.declared().count(), if shared { 1 } else { 2 }, "{}", draft.text);
    }
}

#[test]
fn a_prefix_that_no_sampled_id_proves_is_named_and_not_drafted() {
    let mut made = Made::new(18);
    let mut survey = of_people(people(&mut made, 60, |_, _| vec![]));
    survey.add_bucket("exports", (0..50).map(|n| format!("customers/{n}/export.zip")).collect(), true);
    survey.add_bucket("empty", vec![], true);
    let (draft, map) = drafted(&survey);
    assert_eq!(map.declared().count(), 1);
    assert!(draft.text.contains("#   exports: no prefix proven"), "{}", draft.text);
    assert!(draft.text.contains("#   empty (empty)"), "{}", draft.text);
}

#[test]
fn an_id_behind_dates_is_no_prefix() {
    let mut made = Made::new(19);
    let records = people(&mut made, 60, |_, _| vec![]);
    let ids: Vec<String> = (0..60).map(|n| format!("c-{:05}", 70_000 + n * 3)).collect();
    let mut survey = of_people(records);
    let key = |(day, id): (usize, &String)| format!("logs/2026/{:02}/{:02}/{id}/visit.json", day % 12 + 1, day % 5 + 1);
    let days = (0..12).flat_map(|month| ids.iter().map(move |id| (month, id)));
    survey.add_bucket("logs", days.map(key).collect(), true);
    let (draft, map) = drafted(&survey);
    assert_eq!(map.declared().count(), 1, "{}", draft.text);
    assert!(draft.text.contains("logs: no prefix proven"), "{}", draft.text);
}

#[test]
fn names_and_keys_that_are_data_are_not_written() {
    let mut made = Made::new(20);
    let mut planted = vec![];
    let mut records = people(&mut made, 60, |_, _| vec![]);
    for (n, customer) in records.iter_mut().enumerate() {
        let friend = format!("friend{n}.{}@mail.example", n * 31);
        let seen = BTreeMap::from([(friend.clone(), map([("seen_at", text("2026-01-31"))]))]);
        planted.push(friend);
        customer.insert("friends".to_owned(), Value::Fields(seen));
        customer.insert("note\nversion: 2".to_owned(), text("nothing to be said here"));
        customer.insert("on".to_owned(), text("x"));
    }
    let mut survey = of_people(records);
    // Three people, whose keys begin with their names: no design.
    let notes = (0..30).map(|n| {
        let owner = ["mara", "lindqvist", "jo"][n % 3];
        record([
            ("pk", text(format!("{owner}#{n}"))),
            ("sk", text(format!("{owner}#n{n}"))),
            ("note", text("what was said to them")),
        ])
    });
    survey.add_table(table("notes", &["pk", "sk"], &[]), notes.collect(), true);
    // Few people with much each, in small letters and in capitals.
    let many = |owners: [&'static str; 2]| {
        (0..200).map(move |n: usize| {
            let owner = owners[n % 2];
            record([
                ("pk", text(format!("{owner}#{n}"))),
                ("sk", text("2026")),
                ("by", text(format!("Mara Nr{} Lindqvist", "x".repeat(n)))),
            ])
        })
    };
    survey.add_table(table("small", &["pk", "sk"], &[]), many(["mara", "lindqvist"]).collect(), true);
    survey.add_table(table("capitals", &["pk", "sk"], &[]), many(["MARA", "LINDQVIST"]).collect(), true);
    let ids: Vec<String> = (0..60).map(|n| format!("c-{:05}", 70_000 + n * 3)).collect();
    survey.add_bucket("letters", ids.iter().map(|id| format!("{}/{id}/letter.pdf", planted[0])).collect(), true);
    let (draft, _) = drafted(&survey);
    for value in planted.iter().map(String::as_str).chain(["mara", "lindqvist", "MARA", "LINDQVIST", "\nversion: 2"]) {
        assert!(!draft.text.contains(value), "{value}: {}", draft.text);
    }
}

#[test]
fn stores_without_anything_make_a_draft_that_says_so() {
    let mut survey = survey();
    survey.add_table(table("empty", &["id"], &[]), vec![], true);
    survey.add_not_looked_at("secret", "AccessDeniedException: allow dynamodb:Scan");
    let draft = draft(&survey, &Decisions::default(), Some("eu-central-1"));
    assert_eq!(draft.producers, 0);
    assert!(
        draft.text.contains("#   empty\n") && draft.text.contains("#   secret: AccessDeniedException: allow dynamodb:Scan"),
        "{}",
        draft.text
    );
}

#[test]
fn a_region_that_is_named_is_written() {
    let survey = with_products(true);
    let draft = draft(&survey, &Decisions::default(), Some("eu-central-1"));
    assert!(draft.text.contains("dynamodb: {connector: dynamodb, region: eu-central-1}"), "{}", draft.text);
    parse(&draft.text).expect("accepted");
}

#[test]
fn what_two_samples_of_large_tables_do_not_show_is_looked_up_by_key() {
    for there in [true, false] {
        let mut made = Made::new(21);
        let mut survey = survey();
        // Of a million customers and their orders, a thousand each: no order is of a customer that was seen.
        let customers = people(&mut made, 300, |_, _| vec![]);
        let orders = (0..300).map(|n| {
            let customer = text(format!("c-{:05}", 10_000 + n * 3));
            record([("order_id", text(made.uuid())), ("customer_id", customer), ("shelf", number(n))])
        });
        let orders = orders.collect();
        let large = |mut table: oubli_suggest::Table| {
            table.records = Some(1_000_000);
            table
        };
        survey.add_table(large(table("customers", &["customer_id"], &[])), customers, false);
        survey.add_table(large(table("orders", &["order_id"], &[("by_customer", &["customer_id"])])), orders, false);
        let questions = survey.questions();
        let asked: Vec<&str> = questions.iter().map(|question| question.table.as_str()).collect();
        assert_eq!(asked, ["customers"]);
        for question in &questions {
            survey.answer(question, if there { 10 } else { 0 }, if there { 10 } else { 2 });
        }
        let (draft, map) = drafted(&survey);
        assert_eq!(map.declared().count(), if there { 2 } else { 1 }, "{}", draft.text);
        assert_eq!(
            draft.text.contains("10 of 10 values that were looked up are in customers.customer_id"),
            there,
            "{}",
            draft.text
        );
        assert!(!draft.text.contains("c-1") && !draft.text.contains("c-7"), "{}", draft.text);
    }
}

#[test]
fn where_people_have_no_table_what_is_called_after_them_is_what_there_is() {
    let mut made = Made::new(22);
    let mut survey = survey();
    let mut record_of = |name: &'static str| {
        let (user, agent) = (text(made.uuid()), text(made.uuid()));
        record([(name, text(made.uuid())), ("userId", user), ("agentId", agent), ("note", text(made.sentence()))])
    };
    let (notes, files) = ((0..60).map(|_| record_of("noteId")).collect(), (0..60).map(|_| record_of("fileId")).collect());
    survey.add_table(table("notes", &["noteId"], &[("byUser", &["userId"]), ("byAgent", &["agentId"])]), notes, true);
    survey.add_table(table("files", &["fileId"], &[("byAgent", &["agentId"])]), files, true);
    let (draft, map) = drafted(&survey);
    let names: Vec<&str> = map.declared().map(|producer| producer.name.as_str()).collect();
    assert_eq!(names, ["notes"], "{}", draft.text);
    assert!(draft.text.contains("by: subject_id, index: byUser, attribute: userId"), "{}", draft.text);
    assert!(draft.text.contains("confidence 0.60: its name alone says so"), "{}", draft.text);
}

#[test]
fn where_people_have_no_table_keys_that_begin_with_their_role_are_theirs() {
    let mut made = Made::new(23);
    let mut survey = survey();
    let users: Vec<String> = (0..20).map(|_| made.uuid()).collect();
    let said = |made: &mut Made| {
        record([
            ("PK", text(format!("User:{}", made.one(&users)))),
            ("SK", text(made.time())),
            ("Comment", text(made.sentence())),
        ])
    };
    let room = |n: usize| record([("PK", text(format!("Room:R{n}"))), ("SK", text("META")), ("Topic", text("music"))]);
    let rows = (0..100).map(|_| said(&mut made)).chain((0..8).map(room)).collect();
    survey.add_table(table("chat", &["PK", "SK"], &[]), rows, true);
    let (draft, map) = drafted(&survey);
    assert_eq!(map.declared().count(), 1, "{}", draft.text);
    assert!(draft.text.contains("{by: subject_id, attribute: PK, value: \"User:{}\"}"), "{}", draft.text);
}
