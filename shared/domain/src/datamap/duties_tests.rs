use crate::datamap::{self, DataMap, EndOf};

/// Orders with a duty, and lines that are found through them; what is said of the lines and found besides.
fn map(lines: &str, besides: &str) -> String {
    format!(
        "version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: orders, category: orders, store: db, table: orders, key: [id], select: [{{by: subject_id, index: i, attribute: owner}}], retention: {{reason: tax law, exception: legal_obligation}}}}
  - name: lines
    category: lines
    store: db
    table: lines
    key: [id]
    select: [{{by: {{producer: orders, field: lines}}, attribute: id}}{besides}]
    {lines}
"
    )
}

fn said(map: &str) -> Vec<String> {
    datamap::parse(map).expect("accepted").1.into_iter().map(|finding| finding.message).collect()
}

fn read(lines: &str) -> DataMap {
    datamap::parse(&map(lines, "")).expect("accepted").0
}

fn refused(lines: &str) -> String {
    datamap::parse(&map(lines, "")).expect_err(lines).to_string()
}

const TAX: &str = "reason: tax, exception: legal_obligation";

#[test]
fn one_duty_or_several_or_that_of_the_parent() {
    let lines = |said: &str| {
        let map = read(said);
        let producer = map.producer(&"lines".parse().expect("a name")).expect("there").clone();
        (
            map.duties(&producer).iter().map(|duty| duty.retention.reason.clone()).collect::<Vec<_>>(),
            map.stays_with_parent(&producer),
        )
    };
    assert_eq!(lines(""), (vec![], false));
    assert_eq!(lines(&format!("retention: {{{TAX}}}")), (vec!["tax".to_owned()], false));
    assert_eq!(lines("retention: {with: parent}"), (vec![], true));
    let several = format!(
        "retention: [{{with: parent}}, {{{TAX}}}, {{reason: works council, exception: legal_claims, from: at, days: 9}}]"
    );
    assert_eq!(lines(&several), (vec!["tax".to_owned(), "works council".to_owned()], true));
}

#[test]
fn what_is_wrong_with_a_duty_is_said_with_what_to_write() {
    for (duty, reason) in [
        ("[]", "leave retention out"),
        ("[{with: parent}, {with: parent}]", "written twice"),
        ("[{reason: a, exception: legal_claims}, {reason: a, exception: legal_claims}]", "\"a\" is written twice"),
        ("{with: orders}", "write with: parent"),
        ("{with: parent, reason: tax}", "takes nothing else"),
        ("{with: parent, years: 7}", "write a list, as in [{with: parent}, {reason"),
        ("{exception: legal_claims}", "reason must say which duty it is"),
        ("{reason: tax}", "exception must name that of Art. 17(3)"),
        ("{reason: tax, exception: greed}", "greed"),
        ("parent", "{with: parent}"),
        (
            "{reason: tax, exception: legal_claims, from: at, years: 1, from_end_of: month}",
            "from_end_of takes year, or {fiscal_year",
        ),
        (
            "{reason: tax, exception: legal_claims, from: at, years: 1, from_end_of: {year: 2}}",
            "from_end_of takes year, or {fiscal_year",
        ),
        ("{reason: tax, exception: legal_claims, from: at, years: 1, from_end_of: {fiscal_year: 02-29}}", "write \"02-28\""),
        ("{reason: tax, exception: legal_claims, from: at, years: 1, from_end_of: {fiscal_year: 02-30}}", "\"02-30\" is no day"),
        ("{reason: tax, exception: legal_claims, from_end_of: {fiscal_year: 04-05}}", "need from"),
    ] {
        let said = refused(&format!("retention: {duty}"));
        assert!(said.contains(reason) && said.contains("line "), "{duty}: {said}");
    }
}

#[test]
fn a_fiscal_year_is_read_with_and_without_quotes() {
    for written in ["'04-05'", "04-05", "\"04-05\""] {
        let map = read(&format!("retention: {{{TAX}, from: at, years: 6, from_end_of: {{fiscal_year: {written}}}}}"));
        let duty = &map.producers[1].retention.own[0];
        let end = duty.period.as_ref().and_then(|period| period.from_end_of);
        assert!(matches!(end, Some(EndOf::FiscalYear(day)) if day.to_string() == "04-05"), "{written}: {end:?}");
    }
}

#[test]
fn staying_with_a_parent_needs_one_and_children_of_what_stays_are_named() {
    let orphan = map("retention: {with: parent}", "").replace("{producer: orders, field: lines}", "subject_id");
    let refused = datamap::parse(&orphan).expect_err("refused").to_string();
    assert!(
        refused.contains("line 11: producer lines: retention") && refused.contains("it has none: declare its own duty"),
        "{refused}"
    );
    let besides = ", {by: subject_id, index: i, attribute: owner}";
    let warned = |lines: &str, besides: &str, of: &str| said(&map(lines, besides)).iter().any(|m| m.contains(of));
    assert!(warned("retention: {with: parent}", besides, "what only its other selections find has no parent"));
    assert!(!warned("retention: {with: parent}", "", "has no parent"));
    assert!(warned("", "", "Write retention: {with: parent} if it stays as long"));
    for kept in ["retention: {with: parent}".to_owned(), format!("retention: {{{TAX}}}")] {
        assert!(!warned(&kept, "", "it has no duty of its own"), "{kept}");
    }
    let free = map("retention: {with: parent}", "").replace(", retention: {reason: tax law, exception: legal_obligation}", "");
    assert!(said(&free).iter().any(|m| m.contains("no duty keeps orders")), "{:?}", said(&free));
}

#[test]
fn children_of_what_stays_with_its_parent_are_named_and_held_with_it() {
    let notes = "  - {name: notes, category: notes, store: db, table: notes, key: [id], select: [{by: {producer: lines, field: note}, \
                 attribute: id}]NOTE}\n";
    let with = |note: &str| format!("{}{}", map("retention: {with: parent}", ""), notes.replace("NOTE", note));
    let warned = |note: &str| said(&with(note)).iter().any(|m| m.contains("found through in lines may be kept (as long as"));
    assert!(warned("") && !warned(", retention: {with: parent}"));
    let (map, _) = datamap::parse(&with(", retention: {with: parent}")).expect("accepted");
    let held = map.categories_staying_with(&"orders".parse().expect("a name"));
    assert_eq!(held.iter().map(|c| c.as_str()).collect::<Vec<_>>(), ["lines", "notes", "orders"]);
    let (map, _) = datamap::parse(&with("")).expect("accepted");
    let held = map.categories_staying_with(&"lines".parse().expect("a name"));
    assert_eq!(held.len(), 1, "what has no duty of its own goes");
}

#[test]
fn children_that_are_kept_longer_than_what_leads_to_them_are_named() {
    let duty = |counted: &str| format!(", retention: {{reason: law, exception: legal_claims{counted}}}");
    let named = |parent: &str, child: &str, besides: &str| {
        let map = format!(
            "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: carts, category: c, store: db, table: c, key: [id], select: [{{by: subject_id, index: o, attribute: owner}}]}}
  - {{name: invoices, category: i, store: db, table: i, key: [id], select: [{{by: subject_id, index: o, attribute: owner}}]{parent}}}
  - {{name: lines, category: l, store: db, table: l, key: [id], select: [{{by: {{producer: invoices, field: line}}, attribute: id}}], retention: {{with: parent}}}}
  - {{name: disputes, category: d, store: db, table: d, key: [id], select: [{besides}]{child}}}
"
        );
        let lost = said(&map).into_iter().find(|message| message.contains("nobody finds them once they may go"));
        lost.map(|message| {
            assert!(message.starts_with("producer disputes: its records may be kept longer"), "{message}");
            message.split("those of ").nth(1).and_then(|rest| rest.split(", and").next()).unwrap_or_default().to_owned()
        })
    };
    let through = |producer: &str| format!("{{by: {{producer: {producer}, field: id}}, index: i, attribute: of}}");
    let years = |years: u8| duty(&format!(", from: issued, years: {years}"));
    let goes_first = |parent: &str, child: &str| named(parent, child, &through("invoices")).is_some();
    assert!(goes_first(&years(7), &years(10)) && goes_first("", &years(1)));
    assert!(!goes_first(&years(10), &years(10)) && !goes_first(&years(10), &years(7)));
    assert!(goes_first(&years(10), &duty(", from: closed, years: 7")), "another date");
    assert!(goes_first(&years(7), &duty(", from: issued, years: 7, from_end_of: year")));
    assert!(goes_first(&years(200), &duty("")) && !goes_first(&duty(""), &years(200)), "without end");
    assert!(!goes_first(", erase: false, because: it is shared", &years(7)), "it never goes");
    assert!(!goes_first(&years(7), "") && !goes_first(&years(7), ", retention: {with: parent}"));
    // What stays with its parent goes with it.
    assert_eq!(named(&years(7), &years(10), &through("lines")).as_deref(), Some("lines"));
    assert_eq!(named(&years(7), &years(7), &through("lines")), None);
    // Some may be found only through the one that goes.
    let both = format!("{}, {}", through("invoices"), through("carts"));
    assert_eq!(named(&years(7), &years(7), &both).as_deref(), Some("carts"));
    assert_eq!(named(&years(7), &years(10), &both).as_deref(), Some("carts, invoices"));
    let by_itself = format!("{}, {{by: subject_id, index: o, attribute: owner}}", through("invoices"));
    assert_eq!(named(&years(7), &years(10), &by_itself), None);
}
