use super::*;
use crate::datamap;

/// What two producers in one place share, and what is said of it.
fn together(place: &str, first: &str, second: &str) -> Result<(Option<Sharing>, Vec<String>), String> {
    let map = format!(
        "version: 1\nstores:\n  db: {{connector: dynamodb}}\n  files: {{connector: s3}}\nproducers:\n  \
         - {{name: a, category: a, {place}, select: [{first}]}}\n  \
         - {{name: b, category: b, {place}, select: [{second}]}}\n"
    );
    let (map, warnings) = datamap::parse(&map).map_err(|e| e.to_string())?;
    let said = warnings.into_iter().map(|w| w.message).filter(|m| m.contains("shares") || m.contains("belongs to it")).collect();
    Ok((overlaps(&map).first().map(|o| o.sharing), said))
}

const WITHIN: Sharing = Sharing::SecondWithin { besides: false };
const AROUND: Sharing = Sharing::FirstWithin { besides: false };

#[test]
fn one_table_is_told_apart_by_its_keys_and_attributes() {
    let table = |first: &str, second: &str| {
        let way = |more: &str| format!("{{by: subject_id, attribute: pk, value: \"USER#{{}}\"{more}}}");
        together("store: db, table: app, key: [pk, sk]", &way(first), &way(second))
    };
    let apart = [
        (", sort: {equals: PROFILE}", ", sort: {begins_with: ORDER#}"),
        (", sort: {begins_with: ORDER#}", ", sort: {begins_with: INVOICE#}"),
        (", sort: {equals: PROFILE}", ", sort: {equals: CONSENT}"),
        (", where: {type: order}", ", where: {type: [invoice, refund]}"),
        (", where: {deleted: true}", ", where: {deleted: false}"),
        (", sort: {begins_with: ORDER#}, where: {n: 1}", ", sort: {begins_with: ORDER#}, where: {n: 2}"),
    ];
    for (first, second) in apart {
        assert_eq!(table(first, second).map(|(sharing, _)| sharing), Ok(None), "{first} {second}");
    }
    let nested = [
        ("", ", sort: {begins_with: INVOICE#}"),
        (", sort: {begins_with: ORDER#}", ", sort: {begins_with: ORDER#2026}"),
        (", sort: {begins_with: PRO}", ", sort: {equals: PROFILE}"),
        (", where: {type: [order, invoice]}", ", where: {type: invoice}"),
        (", where: {type: order}", ", sort: {begins_with: ORDER#}, where: {type: order}"),
    ];
    for (outer, inner) in nested {
        let (sharing, said) = table(outer, inner).expect("accepted");
        assert_eq!(sharing, Some(WITHIN), "{outer} {inner}");
        assert!(said.len() == 1 && said[0].starts_with("in db/app, what producer b finds belongs to it"), "{said:?}");
        assert_eq!(table(inner, outer).expect("accepted").0, Some(AROUND), "{inner} {outer}");
    }
    let undecided = [
        ("", ""),
        (", where: {type: order}", ", where: {state: open}"),
        (", sort: {begins_with: ORDER#}", ", where: {type: order}"),
        (", where: {type: [order, refund]}", ", where: {type: [refund, invoice]}"),
    ];
    for (first, second) in undecided {
        assert!(table(first, second).expect_err("refused").contains("nothing says whose they are"), "{first} {second}");
    }
}

#[test]
fn one_record_found_by_different_values_depends_on_the_data() {
    let table = |first: &str, second: &str| together("store: db, table: app, key: [pk, sk]", first, second);
    let by_key = "{by: subject_id, attribute: pk, value: \"USER#{}\"}";
    for other in ["{by: subject_id, attribute: pk, value: \"ORG#{}\"}", "{by: subject_email, index: e, attribute: email}"] {
        let (sharing, said) = table(by_key, other).expect("accepted");
        assert_eq!(sharing, Some(Sharing::Possibly), "{other}");
        assert!(said[0].contains("shares db/app with producer a"), "{said:?}");
    }
    let apart = "{by: subject_email, index: e, attribute: email, where: {type: lead}}";
    let user = "{by: subject_id, attribute: pk, value: \"USER#{}\", where: {type: user}}";
    assert_eq!(table(user, apart).map(|(sharing, _)| sharing), Ok(None));
}

#[test]
fn objects_within_a_prefix_are_those_of_the_longer_one() {
    let bucket = |first: &str, second: &str| {
        let way = |way: &str| format!("{{by: subject_id, {way}}}");
        together("store: files, bucket: docs", &way(first), &way(second)).map(|(sharing, _)| sharing)
    };
    let all = "prefix: \"c/{}/\"";
    assert_eq!(bucket(all, "prefix: \"c/{}/contracts/\""), Ok(Some(WITHIN)));
    assert_eq!(bucket("prefix: \"c/{}/contracts/\"", all), Ok(Some(AROUND)));
    assert_eq!(bucket(all, "object: \"c/{}/photo.jpg\""), Ok(Some(WITHIN)));
    assert_eq!(bucket("object: \"c/{}.jpg\"", all), Ok(None));
    assert_eq!(bucket("object: \"c/{}.jpg\"", "object: \"c/{}.png\""), Ok(None));
    assert_eq!(bucket("object: \"{}.png\"", "object: \"avatars/{}.png\""), Ok(Some(Sharing::Possibly)));
    assert!(bucket(all, all).is_err() && bucket("object: \"c/{}.jpg\"", "object: \"c/{}.jpg\"").is_err());
}

#[test]
fn what_a_row_names_can_be_any_object() {
    let bucket = |first: &str, second: &str| {
        let rows =
            "  - {name: rows, category: rows, store: db, table: rows, key: [id], select: [{by: subject_id, attribute: id}]}\n";
        let map = format!(
            "version: 1\nstores:\n  db: {{connector: dynamodb}}\n  files: {{connector: s3}}\nproducers:\n{rows}  \
             - {{name: a, category: a, store: files, bucket: docs, select: [{first}]}}\n  \
             - {{name: b, category: b, store: files, bucket: docs, select: [{second}]}}\n"
        );
        datamap::parse(&map).map(|(map, _)| overlaps(&map).first().map(|o| o.sharing)).map_err(|e| e.to_string())
    };
    let named = |object: &str| format!("{{by: {{producer: rows, field: s3_key}}, object: \"{object}\"}}");
    let owned = |way: &str| format!("{{by: subject_id, {way}}}");
    for (first, second) in [
        (named("{}"), owned("prefix: \"{}/\"")),
        (owned("prefix: \"{}/\""), named("{}")),
        (named("{}"), owned("object: \"{}.png\"")),
        (named("up/{}"), owned("prefix: \"up/{}/\"")),
        (named("{}"), owned("prefix: \"c/{}/\"")),
    ] {
        assert_eq!(bucket(&first, &second), Ok(Some(Sharing::Possibly)), "{first} {second}");
    }
}

#[test]
fn nothing_is_left_to_a_producer_that_may_be_elsewhere() {
    let map = |here: &str, there: &str| {
        let way = "by: subject_id, attribute: pk, value: 'USER#{}'";
        let map = format!(
            "version: 1\nstores:\n  here: {{connector: dynamodb{here}}}\n  there: {{connector: dynamodb{there}}}\nproducers:\n  \
             - {{name: a, category: a, store: here, table: app, key: [pk, sk], select: [{{{way}}}]}}\n  \
             - {{name: b, category: b, store: there, table: app, key: [pk, sk], select: [{{{way}, sort: {{begins_with: X}}}}]}}\n"
        );
        datamap::parse(&map).map(|(map, _)| overlaps(&map).first().map(|o| o.sharing)).map_err(|e| e.to_string())
    };
    assert_eq!(map(", region: eu-west-1", ", region: eu-west-1"), Ok(Some(WITHIN)));
    assert_eq!(map("", ""), Ok(Some(WITHIN)));
    assert_eq!(map(", region: eu-west-1", ", region: us-east-1"), Ok(None));
    assert!(map("", ", region: us-east-1").expect_err("refused").contains("nothing says whose they are"));
}

#[test]
fn p2_one_table_under_two_names_is_one_table() {
    let map = |region: &str, first: &str, second: &str| {
        let way = "by: subject_id, attribute: pk, value: 'USER#{}'";
        let map = format!(
            "version: 1\nstores: {{db: {{connector: dynamodb{region}}}}}\nproducers:\n  \
             - {{name: a, category: a, store: db, table: '{first}', key: [pk, sk], select: [{{{way}}}]}}\n  \
             - {{name: b, category: b, store: db, table: '{second}', key: [pk, sk], select: [{{{way}, sort: {{begins_with: X}}}}]}}\n"
        );
        datamap::parse(&map).map(|(map, _)| overlaps(&map).first().map(|o| o.sharing)).map_err(|e| e.to_string())
    };
    let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/app";
    assert_eq!(map("", arn, arn), Ok(Some(WITHIN)));
    // Whose account and Region a name is in that names neither, no map says.
    for region in ["", ", region: eu-west-1"] {
        for (first, second) in [(arn, "app"), ("app", arn)] {
            let refused = map(region, first, second).expect_err("refused");
            assert!(refused.contains("nothing says whose they are"), "{refused}");
        }
    }
    assert_eq!(map(", region: us-east-1", arn, "app"), Ok(None));
    assert_eq!(map("", arn, &arn.replace("1111", "4444")), Ok(None));
    assert_eq!(map("", arn, "orders"), Ok(None));
}

#[test]
fn whoever_would_find_a_record_too_keeps_it_by_its_duty() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - name: everything
    category: account
    store: db
    table: app
    key: [pk, sk]
    select: [{by: subject_id, attribute: pk, value: 'USER#{}'}]
    retention: {reason: accounts are kept, exception: legal_obligation, from: made, years: 2}
  - name: invoices
    category: invoices
    store: db
    table: app
    key: [pk, sk]
    select: [{by: subject_id, attribute: pk, value: 'USER#{}', sort: {begins_with: 'INVOICE#'}}]
    retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}
";
    let (map, said) = datamap::parse(map).expect("accepted");
    let of = |name: &str| map.producers.iter().find(|p| p.name.as_str() == name).expect("declared");
    let on = |name: &str, sk: &str| -> Vec<String> {
        let text = |field: &str| Some(Cow::Borrowed(if field == "pk" { "USER#1" } else { sk }));
        map.duties(of(name)).into_iter().filter(|duty| duty.is_on(text)).map(|d| d.retention.reason).collect()
    };
    assert_eq!(on("invoices", "INVOICE#1"), ["tax law", "accounts are kept"]);
    assert_eq!(on("everything", "PROFILE"), ["accounts are kept"]);
    assert_eq!(on("everything", "INVOICE#1"), ["accounts are kept", "tax law"], "whoever it is found for");
    assert!(said.iter().any(|f| f.message.contains("whose duty keeps it too")), "{said:?}");
    let (everything, invoices) = (of("everything"), of("invoices"));
    assert_eq!(map.more_specific(everything, &everything.select[0]), [&invoices.select[0]]);
    assert!(map.more_specific(invoices, &invoices.select[0]).is_empty());
}

/// Letters by whom they are to, and copies of the same table, each with more that is said of it.
fn letters_and_copies(letters: &str, copies: &str) -> (DataMap, Producer, Producer) {
    let map = format!(
        "version: 1\nstores: {{db: {{connector: dynamodb}}}}\nproducers:\n  \
         - {{name: owners, category: o, store: db, table: o, key: [id], select: [{{by: subject_id, attribute: id}}]}}\n  \
         - {{name: letters, store: db, table: l, key: [id]{letters}}}\n  \
         - {{name: copies, store: db, table: l, key: [id]{copies}}}\n"
    );
    let (map, _) = datamap::parse(&map).unwrap_or_else(|error| panic!("{letters} {copies}: {error}"));
    let of = |name: &str| map.producers.iter().find(|p| p.name.as_str() == name).expect("declared").clone();
    let (letters, copies) = (of("letters"), of("copies"));
    (map, letters, copies)
}

#[test]
fn p2_two_producers_keep_alike_only_if_nothing_differs_that_decides_what_goes() {
    let by =
        |attribute: &str| format!("select: [{{by: {{producer: owners, field: {attribute}}}, index: i, attribute: {attribute}}}]");
    let one =
        |more: &str| letters_and_copies(&format!(", category: l, {}{more}", by("a")), &format!(", category: l, {}", by("b")));
    let alike = |(map, letters, copies): (DataMap, Producer, Producer)| {
        assert_eq!(map.keep_alike(&letters, &copies), map.keep_alike(&copies, &letters));
        map.keep_alike(&letters, &copies)
    };
    assert!(alike(one("")));
    assert!(alike(one(", export: {purpose: post}")), "what is shown decides nothing");
    for more in [
        ", retention: {reason: law, exception: legal_obligation}",
        ", retention: {with: parent}",
        ", identifies: {subject_id: owner}",
        ", log: true",
        ", backup: true",
        ", derived: true",
        ", erase: false, because: it is another's",
    ] {
        assert!(!alike(one(more)), "{more}");
    }
    let both = |category: &str, more: &str| {
        let copies = format!(", category: {category}, {}{more}", by("b"));
        alike(letters_and_copies(&format!(", category: l, {}{more}", by("a")), &copies))
    };
    assert!(both("l", ", retention: {reason: law, exception: legal_obligation}") && both("m", ""));
    assert!(!both("l", ", retention: {with: parent}"), "each stays with parents of its own");
}

#[test]
fn p2_a_producer_keeps_more_where_its_duty_is_not_on_what_the_other_finds() {
    let keeps_more = |way: &str, letters: &str, copies: &str| {
        let of = |way: &str, more: &str| format!(", category: l, select: [{{by: subject_id, index: i, {way}}}]{more}");
        let (map, letters, copies) = letters_and_copies(&of(way, letters), &of("attribute: copy", copies));
        map.keeps_more(&letters, &copies)
    };
    let law = ", retention: {reason: law, exception: legal_obligation}";
    assert!(keeps_more("attribute: to", law, ""));
    assert!(
        !keeps_more("attribute: to", "", "") && !keeps_more("attribute: to", "", law) && !keeps_more("attribute: to", law, law)
    );
    // Whoever finds it, what says more than a value is known as a letter.
    assert!(!keeps_more("attribute: to, where: {type: letter}", law, ""));
    assert!(!keeps_more("attribute: to, value: 'TO#{}'", law, ""));
}
